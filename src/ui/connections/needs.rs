//! What flows need of a connection: the scopes, and which flows need each.
//!
//! Invariant: pure; the same connections and flows give the same needs.
use std::collections::{BTreeMap, BTreeSet};

use crate::accounts::{Entry, Slots, Stand};
use crate::catalog::ConnectorId;
use crate::engine::Connection;
use crate::ui::behind::{Listed, Needs};

/// The scopes that are needed, each with the names of the flows that need it.
pub(crate) type Needed = BTreeMap<String, Vec<String>>;

/// What is needed of a connection: by the slots that stand for it in its environment, and by those that a person has yet to bind
/// to it or to another one.
pub(crate) fn of(entry: &Entry, listed: &Listed) -> Needed {
    let connections: Vec<&Connection> = listed.entries.iter().map(|it| &it.connection).collect();
    let connection = &entry.connection;
    let slots = Slots { connections: &connections, kept: &listed.bindings, environment: &connection.environment };
    let mut needed = Needed::new();
    for flow in &listed.flows {
        for (slot, (connector, scopes)) in &flow.slots {
            let may = match slots.of(&flow.flow, slot, connector) {
                Stand::Choose(ids) => ids.contains(&connection.id),
                stand => stand.connections().contains(&connection.id),
            };
            if may {
                add(&mut needed, scopes, &flow.name);
            }
        }
    }
    needed
}

/// What is needed of a service by every flow that is known: what a new connection to it has to be granted.
pub(crate) fn of_service(connector: &ConnectorId, flows: &[Needs]) -> Needed {
    let mut needed = Needed::new();
    for flow in flows {
        for (of, scopes) in flow.slots.values() {
            if of == connector {
                add(&mut needed, scopes, &flow.name);
            }
        }
    }
    needed
}

fn add(needed: &mut Needed, scopes: &BTreeSet<String>, flow: &str) {
    for scope in scopes {
        let flows = needed.entry(scope.clone()).or_default();
        if !flows.iter().any(|it| it == flow) {
            flows.push(flow.to_owned());
        }
    }
}

/// A few names, and how many more.
pub(crate) fn names(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one}, {two}"),
        [one, two, more @ ..] => format!("{one}, {two} and {} more", more.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::entry;
    use super::*;
    use crate::engine::ConnectionId;

    fn flow(id: &str, slots: &[(&str, &str, &[&str])]) -> Needs {
        let slot = |(slot, connector, scopes): &(&str, &str, &[&str])| {
            ((*slot).into(), (ConnectorId::new(connector), scopes.iter().map(|it| (*it).to_owned()).collect()))
        };
        Needs { flow: id.into(), name: id.to_uppercase(), slots: slots.iter().map(slot).collect() }
    }

    #[test]
    fn a_connection_needs_what_its_flows_do_there_and_what_flows_that_are_bound_to_none_would() {
        let flows = vec![
            flow("a", &[("crm", "highlevel", &["contacts.write"]), ("other", "highlevel", &["users.readonly"])]),
            flow("b", &[("crm", "highlevel", &["contacts.write", "calendars.readonly"])]),
            flow("c", &[("cal", "schedule_it", &["x"])]),
        ];
        assert_eq!(of_service(&ConnectorId::new("highlevel"), &flows).len(), 3);
        let mut staging = entry("try", "highlevel");
        staging.connection.environment = "staging".to_owned();
        let entries = vec![entry("crm", "highlevel"), entry("second", "highlevel"), staging];
        let mut listed = Listed { entries, flows, ..Listed::default() };
        let bind = |listed: &mut Listed, slot: &str, id: &str| {
            listed.bindings.set(&"a".into(), "live", &slot.into(), vec![ConnectionId::new(id)]);
        };
        bind(&mut listed, "crm", "crm");
        bind(&mut listed, "other", "second");
        let needed = of(&listed.entries[0], &listed);
        assert_eq!(needed.keys().collect::<Vec<_>>(), ["calendars.readonly", "contacts.write"]);
        assert_eq!(needed["contacts.write"], ["A", "B"]);
        let second = of(&listed.entries[1], &listed);
        assert_eq!(second.keys().collect::<Vec<_>>(), ["calendars.readonly", "contacts.write", "users.readonly"]);
        assert_eq!(second["contacts.write"], ["B"], "nobody has bound that one yet");
        // In another environment it is the only one, for all of them.
        assert_eq!(of(&listed.entries[2], &listed).len(), 3);
    }

    #[test]
    fn many_flows_are_counted() {
        let all = ["A", "B", "C", "D"].map(str::to_owned);
        assert_eq!([0, 1, 2, 4].map(|it| names(&all[..it])), ["", "A", "A, B", "A, B and 2 more"]);
    }
}
