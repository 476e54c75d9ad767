//! Which connection each slot of a flow stands for.
use std::collections::BTreeMap;

use super::connections::Bound;
use super::exit::{Error, Exit};
use crate::catalog::Catalog;
use crate::engine::ConnectionId;
use crate::flow::{Flow, SlotId};
use crate::record::{Failure, FailureKind};

/// One `--bind`.
#[derive(Debug, Clone)]
pub(super) struct SlotBinding {
    slot: SlotId,
    connection: ConnectionId,
}

impl SlotBinding {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((slot, connection)) if !slot.is_empty() && !connection.is_empty() => {
                Ok(Self { slot: slot.into(), connection: ConnectionId::new(connection) })
            }
            _ => Err("write it as SLOT=CONNECTION, for example crm=main-account".to_owned()),
        }
    }
}

/// The bindings of one flow: what was asked for, and for the rest the only connection of the slot's service.
///
/// # Errors
/// If a connection is missing, is to another service, or has to be chosen.
pub(super) fn resolve(
    flow: &Flow,
    asked: &[SlotBinding],
    bound: &Bound,
    catalog: &Catalog,
) -> Result<BTreeMap<SlotId, ConnectionId>, Error> {
    let wrong = |title: String, slot: &SlotId, hint: String| {
        let at = format!("slot {slot} of \"{}\"", flow.name);
        Error::new(Exit::Connection, Failure::new(FailureKind::Flow, title).at(at).hint(hint))
    };
    let mut bindings = BTreeMap::new();
    for (slot, connector) in &flow.slots {
        let title = catalog.connector(connector).map_or(connector.as_str(), |it| it.title.as_str());
        if let Some(asked) = asked.iter().rfind(|it| it.slot == *slot) {
            let Some((found, _)) = bound.iter().find(|(it, _)| it.id == asked.connection) else {
                let known: Vec<_> = bound.iter().map(|(it, _)| it.id.as_str()).collect();
                let known = if known.is_empty() {
                    "There are no connections.".to_owned()
                } else {
                    format!("There are {}.", known.join(", "))
                };
                return Err(wrong(format!("There is no connection \"{}\"", asked.connection), slot, known));
            };
            if found.connector != *connector {
                let title = format!("The connection \"{}\" is to {}, and the slot needs {title}", found.id, found.connector);
                return Err(wrong(title, slot, "Bind another connection.".to_owned()));
            }
            bindings.insert(slot.clone(), found.id.clone());
            continue;
        }
        let fitting: Vec<_> = bound.iter().map(|(it, _)| it).filter(|it| it.connector == *connector).collect();
        match fitting.as_slice() {
            [only] => drop(bindings.insert(slot.clone(), only.id.clone())),
            [] => {
                let hint = "Add one to connections.json in the data directory, or run the flow with --sandbox.".to_owned();
                return Err(wrong(format!("No connection to {title}"), slot, hint));
            }
            several => {
                let ids: Vec<_> = several.iter().map(|it| it.id.as_str()).collect();
                let hint = format!("Choose one with --bind {slot}={}; there are {}.", ids[0], ids.join(", "));
                return Err(wrong(format!("Several connections to {title}, and none is chosen"), slot, hint));
            }
        }
    }
    Ok(bindings)
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
    use crate::catalog::{AuthKind, ConnectorId};
    use crate::engine::Connection;
    use crate::flow::FlowId;

    fn flow(slots: &[(&str, &str)]) -> Flow {
        Flow {
            id: FlowId::new("f"),
            name: "F".to_owned(),
            description: String::new(),
            nodes: BTreeMap::new(),
            edges: [].into(),
            slots: slots.iter().map(|(slot, connector)| (SlotId::new(*slot), ConnectorId::new(connector))).collect(),
            layout: BTreeMap::new(),
            notes: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    fn bound(all: &[(&str, &str)]) -> Bound {
        let connection = |(id, connector): &(&str, &str)| {
            Connection::new(id, id, ConnectorId::new(connector), "http://127.0.0.1:1", AuthKind::None)
        };
        all.iter().map(|it| (connection(it), None)).collect()
    }

    fn resolved(asked: &[&str], all: &[(&str, &str)]) -> Result<String, Error> {
        let asked: Vec<_> = asked.iter().map(|it| SlotBinding::parse(it).unwrap()).collect();
        let bindings = resolve(&flow(&[("crm", "highlevel")]), &asked, &bound(all), &Catalog::default())?;
        Ok(bindings.iter().map(|(slot, id)| format!("{slot}={id}")).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_only_connection_of_a_service_needs_no_binding() {
        assert_eq!(resolved(&[], &[("a", "highlevel"), ("b", "other")]).unwrap(), "crm=a");
        assert_eq!(resolved(&["crm=c"], &[("a", "highlevel"), ("c", "highlevel")]).unwrap(), "crm=c");
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
    fn a_binding_of_a_slot_that_no_flow_has_is_refused() {
        let flow = flow(&[("crm", "highlevel")]);
        let asked = [SlotBinding::parse("cmr=a").unwrap()];
        let failure = all_known(&asked, [&flow].into_iter()).unwrap_err().failure.unwrap();
        assert!(failure.title.contains("\"cmr\"") && failure.hint.contains("crm"), "{failure}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_binds_a_slot_or_is_refused(text in ".*", slot in "[^=]{1,10}", connection in ".{1,10}") {
            let bound = SlotBinding::parse(&format!("{slot}={connection}")).expect("a slot and a connection");
            proptest::prop_assert_eq!((bound.slot.as_str(), bound.connection.as_str()), (slot.as_str(), connection.as_str()));
            proptest::prop_assert_eq!(SlotBinding::parse(&text).is_ok(), text.split_once('=').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()));
        }
    }
}
