//! The difference between two flows, small where they have much in common.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Edge, Flow, FlowId, Group, GroupId, Node, NodeId, Note, NoteId, Pace, SlotId};
use crate::catalog::ConnectorId;

/// What makes one flow into another.
///
/// Invariant: `Delta::between(a, b).apply(a) == b`.
#[derive(Debug, Clone)]
pub(super) struct Delta {
    id: Option<FlowId>,
    name: Option<String>,
    description: Option<String>,
    pace: Option<Pace>,
    nodes: Changes<NodeId, Arc<Node>>,
    slots: Changes<SlotId, ConnectorId>,
    layout: Changes<NodeId, [i32; 2]>,
    notes: Changes<NoteId, Note>,
    groups: Changes<GroupId, Group>,
    added: Vec<Edge>,
    removed: Vec<Edge>,
}

/// Keys with what they have from then on; none where they are gone.
type Changes<K, V> = Vec<(K, Option<V>)>;

impl Delta {
    pub(super) fn between(from: &Flow, to: &Flow) -> Self {
        let other = |a: &String, b: &String| (a != b).then(|| b.clone());
        Self {
            id: (from.id != to.id).then(|| to.id.clone()),
            name: other(&from.name, &to.name),
            description: other(&from.description, &to.description),
            pace: (from.pace != to.pace).then_some(to.pace),
            nodes: changes(&from.nodes, &to.nodes, |a, b| Arc::ptr_eq(a, b) || a == b),
            slots: changes(&from.slots, &to.slots, PartialEq::eq),
            layout: changes(&from.layout, &to.layout, PartialEq::eq),
            notes: changes(&from.notes, &to.notes, PartialEq::eq),
            groups: changes(&from.groups, &to.groups, PartialEq::eq),
            added: missing(&to.edges, &from.edges),
            removed: missing(&from.edges, &to.edges),
        }
    }

    pub(super) fn apply(&self, from: &Flow) -> Flow {
        let mut flow = from.clone();
        if let Some(id) = &self.id {
            flow.id = id.clone();
        }
        if let Some(name) = &self.name {
            flow.name.clone_from(name);
        }
        if let Some(description) = &self.description {
            flow.description.clone_from(description);
        }
        flow.pace = self.pace.unwrap_or(flow.pace);
        put(&mut flow.nodes, &self.nodes);
        put(&mut flow.slots, &self.slots);
        put(&mut flow.layout, &self.layout);
        put(&mut flow.notes, &self.notes);
        put(&mut flow.groups, &self.groups);
        for edge in &self.removed {
            flow.edges.remove(edge);
        }
        flow.edges.extend(self.added.iter().cloned());
        flow
    }
}

fn changes<K: Ord + Clone, V: Clone>(from: &BTreeMap<K, V>, to: &BTreeMap<K, V>, same: impl Fn(&V, &V) -> bool) -> Changes<K, V> {
    let gone = from.keys().filter(|it| !to.contains_key(*it)).map(|it| (it.clone(), None));
    let new = to
        .iter()
        .filter(|(key, value)| !from.get(*key).is_some_and(|it| same(it, value)))
        .map(|(key, value)| (key.clone(), Some(value.clone())));
    gone.chain(new).collect()
}

fn missing(of: &BTreeSet<Edge>, within: &BTreeSet<Edge>) -> Vec<Edge> {
    of.difference(within).cloned().collect()
}

fn put<K: Ord + Clone, V: Clone>(into: &mut BTreeMap<K, V>, changes: &Changes<K, V>) {
    for (key, value) in changes {
        match value {
            Some(value) => drop(into.insert(key.clone(), value.clone())),
            None => drop(into.remove(key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::testing::arbitrary::{edits, flows};

    proptest! {
        #[test]
        fn it_makes_one_flow_into_the_other(from in flows(), to in flows()) {
            prop_assert_eq!(Delta::between(&from, &to).apply(&from), to);
        }

        #[test]
        fn it_takes_an_edit_back(flow in flows(), edits in prop::collection::vec(edits(), 1..8)) {
            let mut after = flow.clone();
            for edit in edits {
                after.apply(edit).ok();
            }
            prop_assert_eq!(Delta::between(&after, &flow).apply(&after), flow);
        }
    }
}
