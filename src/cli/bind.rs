//! Which connection each slot of a flow stands for.
use std::collections::BTreeMap;

use super::exit::{Error, Exit};
use crate::accounts::{Bindings, Copy, Desk, Slots, Stand, is_environment};
use crate::catalog::{Catalog, ConnectorId};
use crate::engine::{Connection, ConnectionId, Deployment};
use crate::flow::{Flow, SlotId};
use crate::record::{Failure, FailureKind};

/// One `--bind`.
#[derive(Debug, Clone)]
pub(super) struct SlotBinding {
    slot: SlotId,
    connections: Vec<ConnectionId>,
}

impl SlotBinding {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parted = text.split_once('=').filter(|(slot, _)| !slot.is_empty());
        let (slot, list) = parted.ok_or("write it as SLOT=CONNECTION, for example crm=main-account")?;
        let connections: Vec<_> = list.split(',').map(ConnectionId::new).collect();
        if connections.iter().any(|it| it.as_str().is_empty()) {
            return Err("write it as SLOT=CONNECTION, or SLOT=ONE,ANOTHER for several accounts".to_owned());
        }
        Ok(Self { slot: slot.into(), connections })
    }

    /// The slot.
    pub(super) fn slot(&self) -> &SlotId {
        &self.slot
    }

    /// What it is to stand for.
    pub(super) fn connections(&self) -> &[ConnectionId] {
        &self.connections
    }
}

/// The bindings of one flow: what was asked for, and for the rest what its slots stand for.
///
/// # Errors
/// If a connection is missing, is to another service, or has to be chosen.
pub(super) fn resolve(
    flow: &Flow,
    asked: &[SlotBinding],
    slots: Slots<'_>,
    catalog: &Catalog,
) -> Result<BTreeMap<SlotId, Vec<ConnectionId>>, Error> {
    let mut bindings = BTreeMap::new();
    for (slot, connector) in &flow.slots {
        let title = catalog.connector(connector).map_or(connector.as_str(), |it| it.title.as_str());
        let wrong = |title: String, hint: String| {
            let at = format!("slot {slot} of \"{}\"", flow.name);
            Error::new(Exit::Connection, Failure::new(FailureKind::Flow, title).at(at).hint(hint))
        };
        if let Some(asked) = asked.iter().rfind(|it| it.slot == *slot) {
            for id in &asked.connections {
                fits(slots, id, connector, title).map_err(|(title, hint)| wrong(title, hint))?;
            }
            bindings.insert(slot.clone(), asked.connections.clone());
            continue;
        }
        let elsewhere = || match slots.elsewhere(&flow.id, slot, connector).as_slice() {
            [] => String::new(),
            [one] => format!(" There is one in the environment {one}: --environment {one} runs there."),
            several => format!(" There are some in other environments: --environment {}.", several.join(" or ")),
        };
        match slots.of(&flow.id, slot, connector) {
            stand @ (Stand::Bound(_) | Stand::Only(_)) => drop(bindings.insert(slot.clone(), stand.connections().to_vec())),
            Stand::Unfit(id) => {
                let why = match slots.connections.iter().find(|it| it.id == id && it.connector == *connector) {
                    Some(it) => format!("belongs to the environment {}", it.environment),
                    None => format!("is no connection to {title}"),
                };
                let title = format!("The connection \"{id}\" that the slot is bound to {why}");
                return Err(wrong(title, format!("Bind another with --bind {slot}=CONNECTION.")));
            }
            Stand::Choose(ids) => {
                let list: Vec<_> = ids.iter().map(ConnectionId::as_str).collect();
                let hint = format!("Choose one with --bind {slot}={}; there are {}.{}", list[0], list.join(", "), elsewhere());
                return Err(wrong(format!("Several connections to {title}, and none is chosen"), hint));
            }
            Stand::Nothing => {
                let (place, option) = match slots.environment {
                    Connection::LIVE => (String::new(), String::new()),
                    name => (format!(" in the environment {name}"), format!(" --environment {name}")),
                };
                let hint = format!(
                    "Make one with `flowyard connect add {connector}{option}`, or run the flow with --sandbox.{}",
                    elsewhere()
                );
                return Err(wrong(format!("No connection to {title}{place}"), hint));
            }
        }
    }
    Ok(bindings)
}

/// Whether a slot for a service may stand for a connection.
///
/// # Errors
/// Why it may not, and what to do.
pub(super) fn fits(slots: Slots<'_>, id: &ConnectionId, connector: &ConnectorId, title: &str) -> Result<(), (String, String)> {
    let Some(found) = slots.connections.iter().find(|it| it.id == *id) else {
        let known: Vec<_> = slots.connections.iter().map(|it| it.id.as_str()).collect();
        let known =
            if known.is_empty() { "There are no connections.".to_owned() } else { format!("There are {}.", known.join(", ")) };
        return Err((format!("There is no connection \"{id}\""), known));
    };
    if found.connector != *connector {
        let title = format!("The connection \"{id}\" is to {}, and the slot needs {title}", found.connector);
        return Err((title, "Bind another connection.".to_owned()));
    }
    if found.environment != slots.environment {
        let title = format!(
            "The connection \"{id}\" belongs to the environment {}, and this is for {}",
            found.environment, slots.environment
        );
        return Err((title, format!("Bind another connection, or say --environment {}.", found.environment)));
    }
    Ok(())
}

/// An environment's name, as an argument.
pub(super) fn environment(text: &str) -> Result<String, String> {
    if is_environment(text) {
        return Ok(text.to_owned());
    }
    Err("a name is at most 64 letters, digits, \"-\", \"_\" and \".\"".to_owned())
}

/// A flow for one account, ready for an engine.
pub(super) fn deployment(copy: Copy) -> Deployment {
    Deployment::listening(copy.flow, copy.bindings)
}

/// The same, for a single run that somebody asks for: nothing else starts it.
pub(super) fn quiet(copy: Copy) -> Deployment {
    Deployment::quiet(copy.flow, copy.bindings)
}

/// What the slots of a flow stand for in an environment, a line each.
///
/// # Errors
/// If a connection is missing, or has to be chosen.
pub(super) fn stands(flow: &Flow, environment: &str, desk: &Desk, catalog: &Catalog) -> Result<Vec<String>, Error> {
    let (bound, kept) = (super::connections::read(desk)?, Bindings::read(desk.data())?);
    let all: Vec<&Connection> = bound.iter().map(|(it, _)| it).collect();
    let slots = resolve(flow, &[], Slots { connections: &all, kept: &kept, environment }, catalog)?;
    let words = |ids: &[ConnectionId]| match ids {
        [one] => all.iter().find(|it| it.id == *one).map_or_else(|| one.to_string(), |it| format!("\"{}\"", it.name)),
        several => format!("{} accounts", several.len()),
    };
    Ok(slots.iter().map(|(slot, ids)| format!("{slot} is {}", words(ids))).collect())
}

/// Whether every `--bind` names a slot of one of the flows.
///
/// # Errors
/// Names the one that does not.
pub(super) fn all_known<'a>(asked: &[SlotBinding], flows: impl Iterator<Item = &'a Flow> + Clone) -> Result<(), Error> {
    let Some(unknown) = asked.iter().find(|it| !flows.clone().any(|flow| flow.slots.contains_key(&it.slot))) else {
        return Ok(());
    };
    let slots: Vec<_> = flows.flat_map(|flow| flow.slots.keys()).map(SlotId::as_str).collect();
    let known = if slots.is_empty() { "It has none.".to_owned() } else { format!("There are {}.", slots.join(", ")) };
    Err(Error::usage(format!("No flow has a slot \"{}\"", unknown.slot), known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::Bindings;
    use crate::catalog::AuthKind;
    use crate::flow::FlowId;

    fn flow(slots: &[(&str, &str)]) -> Flow {
        Flow {
            id: FlowId::new("f"),
            name: "F".to_owned(),
            description: String::new(),
            pace: crate::flow::Pace::default(),
            nodes: BTreeMap::new(),
            edges: [].into(),
            slots: slots.iter().map(|(slot, connector)| (SlotId::new(*slot), ConnectorId::new(connector))).collect(),
            layout: BTreeMap::new(),
            notes: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// An id that ends in `!` is one of staging.
    fn connections(all: &[(&str, &str)]) -> Vec<Connection> {
        let connection = |(id, connector): &(&str, &str)| {
            let plain = Connection::new(id, id, ConnectorId::new(connector), "http://127.0.0.1:1", AuthKind::None);
            let environment = if id.ends_with('!') { "staging" } else { Connection::LIVE };
            Connection { environment: environment.to_owned(), ..plain }
        };
        all.iter().map(connection).collect()
    }

    fn resolved(asked: &[&str], all: &[(&str, &str)]) -> Result<String, Error> {
        resolved_with(&Bindings::default(), asked, all)
    }

    fn resolved_with(kept: &Bindings, asked: &[&str], all: &[(&str, &str)]) -> Result<String, Error> {
        let asked: Vec<_> = asked.iter().map(|it| SlotBinding::parse(it).unwrap()).collect();
        resolved_in(Connection::LIVE, kept, &asked, all)
    }

    fn resolved_in(environment: &str, kept: &Bindings, asked: &[SlotBinding], all: &[(&str, &str)]) -> Result<String, Error> {
        let all = connections(all);
        let slots = Slots { connections: &all.iter().collect::<Vec<_>>(), kept, environment };
        let bindings = resolve(&flow(&[("crm", "highlevel")]), asked, slots, &Catalog::default())?;
        let list = |ids: &[ConnectionId]| ids.iter().map(ConnectionId::as_str).collect::<Vec<_>>().join(",");
        Ok(bindings.iter().map(|(slot, ids)| format!("{slot}={}", list(ids))).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_only_connection_of_a_service_needs_no_binding() {
        assert_eq!(resolved(&[], &[("a", "highlevel"), ("b", "other")]).unwrap(), "crm=a");
        assert_eq!(resolved(&["crm=c"], &[("a", "highlevel"), ("c", "highlevel")]).unwrap(), "crm=c");
    }

    #[test]
    fn what_is_kept_chooses_unless_something_else_is_asked_for() {
        let all = [("a", "highlevel"), ("b", "highlevel"), ("c", "other")];
        let kept = |ids: &[&str]| {
            let mut kept = Bindings::default();
            kept.set(&FlowId::new("f"), "live", &SlotId::new("crm"), ids.iter().map(|it| ConnectionId::new(it)).collect());
            kept
        };
        assert_eq!(resolved_with(&kept(&["b"]), &[], &all).unwrap(), "crm=b");
        assert_eq!(resolved_with(&kept(&["b"]), &["crm=a"], &all).unwrap(), "crm=a");
        // A flow for several accounts: see `accounts::spread`.
        assert_eq!(resolved_with(&kept(&["a", "b"]), &[], &all).unwrap(), "crm=a,b");
        for (ids, words) in [(&["gone"][..], "is no connection to"), (&["c"], "is no connection to")] {
            let error = resolved_with(&kept(ids), &[], &all).unwrap_err();
            assert_eq!(error.exit, Exit::Connection);
            assert!(error.failure.unwrap().title.contains(words), "{ids:?}");
        }
    }

    #[test]
    fn a_connection_that_is_missing_or_not_chosen_is_named() {
        for (asked, all, words) in [
            (&[][..], &[][..], "No connection to highlevel"),
            (&[], &[("a", "highlevel"), ("b", "highlevel")], "Several connections"),
            (&["crm=x"], &[("a", "highlevel")], "There is no connection \"x\""),
            (&["crm=b"], &[("b", "other")], "is to other"),
        ] {
            let error = resolved(asked, all).unwrap_err();
            assert_eq!(error.exit, Exit::Connection);
            let failure = error.failure.unwrap();
            assert!(failure.title.contains(words) && !failure.hint.is_empty(), "{failure}");
        }
    }

    #[test]
    fn another_environment_has_connections_of_its_own_and_is_named_where_this_one_has_none() {
        let all = [("a", "highlevel"), ("b!", "highlevel")];
        let none = Bindings::default();
        assert_eq!(resolved_in("live", &none, &[], &all).unwrap(), "crm=a");
        assert_eq!(resolved_in("staging", &none, &[], &all).unwrap(), "crm=b!");
        let failure = |environment: &str, asked: &[&str], all: &[(&str, &str)]| {
            let asked: Vec<_> = asked.iter().map(|it| SlotBinding::parse(it).unwrap()).collect();
            *resolved_in(environment, &none, &asked, all).unwrap_err().failure.unwrap()
        };
        let other = failure("live", &["crm=b!"], &all);
        assert!(other.title.contains("belongs to the environment staging") && other.hint.contains("--environment staging"));
        let missing = failure("live", &[], &all[1..]);
        assert!(missing.hint.contains("--environment staging runs there"), "{missing}");
        let missing = failure("test", &[], &all);
        assert!(missing.title.contains("in the environment test") && missing.hint.contains("live or staging"), "{missing}");
        assert_eq!(environment("../live").is_err(), environment("a b").is_err());
        assert_eq!(environment("staging").as_deref(), Ok("staging"));
    }

    #[test]
    fn a_binding_of_a_slot_that_no_flow_has_is_refused() {
        let flow = flow(&[("crm", "highlevel")]);
        let asked = [SlotBinding::parse("cmr=a").unwrap()];
        let failure = all_known(&asked, [&flow].into_iter()).unwrap_err().failure.unwrap();
        assert!(failure.title.contains("\"cmr\"") && failure.hint.contains("crm"), "{failure}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_binds_a_slot_or_is_refused(text in ".*", slot in "[^=]{1,10}", connection in "[^,]{1,10}") {
            let bound = SlotBinding::parse(&format!("{slot}={connection}")).expect("a slot and a connection");
            proptest::prop_assert_eq!((bound.slot.as_str(), bound.connections), (slot.as_str(), vec![ConnectionId::new(&connection)]));
            proptest::prop_assert_eq!(SlotBinding::parse(&text).is_ok(), text.split_once('=').is_some_and(|(a, b)| !a.is_empty() && b.split(',').all(|it| !it.is_empty())));
        }
    }
}
