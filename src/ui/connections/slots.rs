//! The slots of flows as rows: what each stands for, and what it may stand for.
//!
//! Invariant: pure; the same connections, bindings and flows give the same rows.
use std::collections::BTreeSet;

use crate::accounts::{self, Slots, Stand};
use crate::catalog::{Catalog, ConnectorId};
use crate::engine::{Connection, ConnectionId};
use crate::flow::{FlowId, SlotId};
use crate::ui::behind::Listed;
use crate::ui::canvas::sentence::count;

/// A flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FlowRow {
    pub(crate) id: FlowId,
    pub(crate) name: String,
    pub(crate) slots: Vec<SlotRow>,
    /// For how many accounts it runs, or why that cannot be, in words; empty for one.
    pub(crate) accounts: String,
    /// Whether those words are about a fault.
    pub(crate) uneven: bool,
}

/// A slot of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SlotRow {
    pub(crate) slot: SlotId,
    pub(crate) connector: ConnectorId,
    /// What the service calls itself.
    pub(crate) service: String,
    /// What it is bound to.
    pub(crate) bound: Vec<ConnectionId>,
    /// What it stands for, on its button.
    pub(crate) title: String,
    /// What a person has to know beside that; may be empty.
    pub(crate) note: String,
    /// Whether a run would find nothing to work on.
    pub(crate) lacks: bool,
    /// What it may stand for.
    pub(crate) offers: Vec<Offer>,
}

/// A connection that a slot may stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) id: ConnectionId,
    pub(crate) name: String,
    pub(crate) on: bool,
}

/// What an environment is called.
pub(crate) fn environment(name: &str) -> String {
    if name == Connection::LIVE { "Live".to_owned() } else { name.to_owned() }
}

/// The environments that there are, live first.
pub(crate) fn environments(listed: &Listed) -> Vec<String> {
    let mut all: BTreeSet<&str> = listed.bindings.all_environments();
    all.extend(listed.entries.iter().map(|it| it.connection.environment.as_str()));
    all.remove(Connection::LIVE);
    std::iter::once(Connection::LIVE).chain(all).map(str::to_owned).collect()
}

/// The flows that call services, with what their slots stand for in an environment.
pub(crate) fn rows(listed: &Listed, environment: &str, catalog: &Catalog) -> Vec<FlowRow> {
    let connections: Vec<&Connection> = listed.entries.iter().map(|it| &it.connection).collect();
    let slots = Slots { connections: &connections, kept: &listed.bindings, environment };
    let row = |flow: &crate::ui::behind::Needs| {
        let bound = flow
            .slots
            .iter()
            .map(|(slot, (connector, _))| (slot.clone(), slots.of(&flow.flow, slot, connector).connections().to_vec()));
        let (accounts, uneven) = match accounts::accounts(&bound.collect()) {
            Ok(0 | 1) => (String::new(), false),
            Ok(many) => (format!("Runs for each of {} on its own", count(many, "account")), false),
            Err(list) => (format!("Bind each slot to as many accounts as the other: {list}"), true),
        };
        let slots = flow.slots.iter().map(|(slot, (connector, _))| slot_row(listed, slots, &flow.flow, slot, connector, catalog));
        FlowRow { id: flow.flow.clone(), name: flow.name.clone(), slots: slots.collect(), accounts, uneven }
    };
    listed.flows.iter().filter(|it| !it.slots.is_empty()).map(row).collect()
}

fn slot_row(
    listed: &Listed,
    slots: Slots<'_>,
    flow: &FlowId,
    slot: &SlotId,
    connector: &ConnectorId,
    catalog: &Catalog,
) -> SlotRow {
    let service = catalog.connector(connector).map_or_else(|| connector.to_string(), |it| it.title.clone());
    let name = |id: &ConnectionId| {
        let known = listed.entries.iter().find(|it| it.connection.id == *id);
        known.map_or_else(|| id.to_string(), |it| it.connection.name.clone())
    };
    let names = |ids: &[ConnectionId]| ids.iter().map(name).collect::<Vec<_>>().join(", ");
    let stand = slots.of(flow, slot, connector);
    let bound = slots.kept.of(flow, slots.environment, slot).to_vec();
    let (title, mut note, lacks) = match &stand {
        Stand::Bound(ids) => (names(ids), String::new(), false),
        Stand::Only(id) => (name(id), "Not bound: it is the only connection there".to_owned(), false),
        Stand::Unfit(id) => {
            ("Choose one…".to_owned(), format!("Bound to “{}”, which cannot be used here any more", name(id)), true)
        }
        Stand::Choose(ids) => {
            ("Choose one…".to_owned(), format!("Not bound, and there are {}", count(ids.len(), "connection")), true)
        }
        Stand::Nothing => ("Not bound".to_owned(), format!("There is no connection to {service} yet"), true),
    };
    let shut: Vec<String> = stand
        .connections()
        .iter()
        .filter(|id| listed.entries.iter().any(|it| it.connection.id == **id && !it.state.works()))
        .map(name)
        .collect();
    if !shut.is_empty() {
        note = format!("To be reconnected: {}", shut.join(", "));
    }
    let others = slots.kept.environments(flow, slot).filter(|it| *it != slots.environment).map(environment);
    let others = others.collect::<Vec<_>>().join(", ");
    if lacks && !others.is_empty() {
        note = format!("{note}; bound in {others}");
    }
    let offers =
        slots.fitting(connector).map(|it| Offer { id: it.id.clone(), name: it.name.clone(), on: bound.contains(&it.id) });
    let (slot, connector) = (slot.clone(), connector.clone());
    SlotRow { slot, connector, service, title, note, lacks: lacks || !shut.is_empty(), offers: offers.collect(), bound }
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::entry;
    use super::*;
    use crate::accounts::State;
    use crate::ui::behind::Needs;

    fn listed() -> Listed {
        let mut second = entry("paris", "highlevel");
        second.connection.name = "Paris".to_owned();
        let mut staging = entry("try", "highlevel");
        (staging.connection.name, staging.connection.environment) = ("Try".to_owned(), "staging".to_owned());
        let slot = |of: &str| (ConnectorId::new(of), BTreeSet::new());
        let flows = vec![
            Needs {
                flow: "f".into(),
                name: "Welcome".to_owned(),
                slots: [("crm".into(), slot("highlevel")), ("cal".into(), slot("schedule_it"))].into(),
            },
            Needs { flow: "g".into(), name: "Alone".to_owned(), slots: [].into() },
        ];
        Listed { entries: vec![entry("berlin", "highlevel"), second, staging], flows, ..Listed::default() }
    }

    fn told(listed: &Listed, environment: &str) -> Vec<String> {
        let rows = rows(listed, environment, &Catalog::shipped());
        assert_eq!(rows.len(), 1, "a flow that calls nothing has nothing to bind");
        let row = |it: &SlotRow| format!("{}: {} | {} | {}", it.slot, it.title, it.note, it.lacks);
        rows[0].slots.iter().map(row).chain([rows[0].accounts.clone()]).collect()
    }

    #[test]
    fn each_slot_says_what_it_stands_for_and_what_is_missing() {
        let mut all = listed();
        assert_eq!(environments(&all), ["live", "staging"]);
        let none = "cal: Not bound | There is no connection to Schedule it yet | true";
        assert_eq!(told(&all, "live"), [none, "crm: Choose one… | Not bound, and there are 2 connections | true", ""]);
        assert_eq!(told(&all, "staging"), [none, "crm: Try | Not bound: it is the only connection there | false", ""]);
        all.bindings.set(&"f".into(), "live", &"crm".into(), vec![ConnectionId::new("paris"), ConnectionId::new("berlin")]);
        assert_eq!(told(&all, "live")[1..], ["crm: Paris, Riverside |  | false", "Runs for each of 2 accounts on its own"]);
        let offers = &rows(&all, "live", &Catalog::shipped())[0].slots[1].offers;
        let offers: Vec<_> = offers.iter().map(|it| (it.name.as_str(), it.on)).collect();
        assert_eq!(offers, [("Riverside", true), ("Paris", true)]);
        all.entries[1].state = State::Reconnect { why: "gone".to_owned() };
        assert_eq!(told(&all, "live")[1], "crm: Paris, Riverside | To be reconnected: Paris | true");
        all.entries.truncate(1);
        let gone = "crm: Choose one… | Bound to “paris”, which cannot be used here any more | true";
        assert_eq!(told(&all, "live")[1], gone);
        assert_eq!(told(&all, "other")[1], "crm: Not bound | There is no connection to HighLevel yet; bound in Live | true");
    }
}
