//! What flows need of a connection: the scopes, and which flows need each.
//!
//! Invariant: pure; the same connections and flows give the same needs.
use std::collections::{BTreeMap, BTreeSet};

use crate::accounts::Entry;
use crate::catalog::ConnectorId;
use crate::ui::behind::Needs;

/// The scopes that are needed, each with the names of the flows that need it.
pub(crate) type Needed = BTreeMap<String, Vec<String>>;

/// What is needed of a connection: by the flows that are bound to it, and by those that are open here, are bound to none, and
/// have a slot for its service.
pub(crate) fn of(entry: &Entry, flows: &[Needs]) -> Needed {
    let bound = |it: &Needs| -> BTreeSet<&str> {
        entry.used_by.iter().filter(|used| used.flow == it.flow).map(|used| used.slot.as_str()).collect()
    };
    let mut needed = Needed::new();
    for flow in flows {
        let bound = bound(flow);
        for (slot, (connector, scopes)) in &flow.slots {
            if *connector == entry.connection.connector && (bound.is_empty() || bound.contains(slot.as_str())) {
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
    use crate::accounts::Use;

    fn flow(id: &str, slots: &[(&str, &str, &[&str])]) -> Needs {
        let slot = |(slot, connector, scopes): &(&str, &str, &[&str])| {
            ((*slot).into(), (ConnectorId::new(connector), scopes.iter().map(|it| (*it).to_owned()).collect()))
        };
        Needs { flow: id.into(), name: id.to_uppercase(), slots: slots.iter().map(slot).collect() }
    }

    #[test]
    fn a_connection_needs_what_its_flows_do_there_and_what_flows_that_are_bound_to_none_would() {
        let flows = [
            flow("a", &[("crm", "highlevel", &["contacts.write"]), ("other", "highlevel", &["users.readonly"])]),
            flow("b", &[("crm", "highlevel", &["contacts.write", "calendars.readonly"])]),
            flow("c", &[("cal", "schedule_it", &["x"])]),
        ];
        let mut it = entry("crm", "highlevel");
        it.used_by = vec![Use { flow: "a".into(), environment: "live".to_owned(), slot: "crm".into() }];
        let needed = of(&it, &flows);
        assert_eq!(needed.keys().collect::<Vec<_>>(), ["calendars.readonly", "contacts.write"]);
        assert_eq!(needed["contacts.write"], ["A", "B"]);
        assert_eq!(of_service(&ConnectorId::new("highlevel"), &flows).len(), 3);
    }

    #[test]
    fn many_flows_are_counted() {
        let all = ["A", "B", "C", "D"].map(str::to_owned);
        assert_eq!([0, 1, 2, 4].map(|it| names(&all[..it])), ["", "A", "A, B", "A, B and 2 more"]);
    }
}
