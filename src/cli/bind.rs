//! Which connection each slot of a flow stands for.
use std::collections::BTreeMap;

use super::connections::Bound;
use super::exit::{Error, Exit};
use crate::accounts::{Bindings, Copy};
use crate::catalog::Catalog;
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

/// The bindings of one flow: what was asked for, then what is kept, and for the rest the only connection of the slot's service.
///
/// # Errors
/// If a connection is missing, is to another service, or has to be chosen.
pub(super) fn resolve(
    flow: &Flow,
    asked: &[SlotBinding],
    kept: &Bindings,
    bound: &Bound,
    catalog: &Catalog,
) -> Result<BTreeMap<SlotId, Vec<ConnectionId>>, Error> {
    let wrong = |title: String, slot: &SlotId, hint: String| {
        let at = format!("slot {slot} of \"{}\"", flow.name);
        Error::new(Exit::Connection, Failure::new(FailureKind::Flow, title).at(at).hint(hint))
    };
    let mut bindings = BTreeMap::new();
    for (slot, connector) in &flow.slots {
        let title = catalog.connector(connector).map_or(connector.as_str(), |it| it.title.as_str());
        if let Some(asked) = asked.iter().rfind(|it| it.slot == *slot) {
            for id in &asked.connections {
                let Some((found, _)) = bound.iter().find(|(it, _)| it.id == *id) else {
                    let known: Vec<_> = bound.iter().map(|(it, _)| it.id.as_str()).collect();
                    let known = if known.is_empty() {
                        "There are no connections.".to_owned()
                    } else {
                        format!("There are {}.", known.join(", "))
                    };
                    return Err(wrong(format!("There is no connection \"{id}\""), slot, known));
                };
                if found.connector != *connector {
                    let title = format!("The connection \"{}\" is to {}, and the slot needs {title}", found.id, found.connector);
                    return Err(wrong(title, slot, "Bind another connection.".to_owned()));
                }
            }
            bindings.insert(slot.clone(), asked.connections.clone());
            continue;
        }
        let ids = kept.of(&flow.id, Connection::LIVE, slot);
        if !ids.is_empty() {
            let fits = |id: &&ConnectionId| bound.iter().any(|(it, _)| it.id == **id && it.connector == *connector);
            if let Some(unfit) = ids.iter().find(|it| !fits(it)) {
                let title = format!("The connection \"{unfit}\" that the slot is bound to is no connection to {title}");
                return Err(wrong(title, slot, format!("Bind another with --bind {slot}=CONNECTION.")));
            }
            bindings.insert(slot.clone(), ids.to_vec());
            continue;
        }
        let fitting: Vec<_> = bound.iter().map(|(it, _)| it).filter(|it| it.connector == *connector).collect();
        match fitting.as_slice() {
            [only] => drop(bindings.insert(slot.clone(), vec![only.id.clone()])),
            [] => {
                let hint = format!("Make one with `flowyard connect add {connector}`, or run the flow with --sandbox.");
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

/// A flow for one account, ready for an engine.
pub(super) fn deployment(copy: Copy) -> Deployment {
    Deployment::listening(copy.flow, copy.bindings)
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
        resolved_with(&Bindings::default(), asked, all)
    }

    fn resolved_with(kept: &Bindings, asked: &[&str], all: &[(&str, &str)]) -> Result<String, Error> {
        let asked: Vec<_> = asked.iter().map(|it| SlotBinding::parse(it).unwrap()).collect();
        let bindings = resolve(&flow(&[("crm", "highlevel")]), &asked, kept, &bound(all), &Catalog::default())?;
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
