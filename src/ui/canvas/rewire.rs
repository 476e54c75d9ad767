//! Edits that keep a flow together: delete and join the ends, put a node into a wire, and what leads where.
//!
//! Invariant: pure; every edit given here can be made, and is one step.
use std::collections::BTreeSet;

use crate::flow::{Edge, Edit, Flow, NodeId, PortId};

/// Takes nodes and wires away.
pub(crate) fn delete(flow: &Flow, nodes: &BTreeSet<NodeId>, edges: &BTreeSet<Edge>) -> Option<Edit> {
    let mut edits: Vec<Edit> = edges
        .iter()
        .filter(|it| flow.edges.contains(*it) && !nodes.contains(&it.from) && !nodes.contains(&it.to))
        .map(|it| Edit::Disconnect(it.clone()))
        .collect();
    edits.extend(nodes.iter().filter(|it| flow.nodes.contains_key(*it)).map(|id| Edit::RemoveNode { id: id.clone() }));
    one_step(edits, |count| format!("Delete {count} things"))
}

/// Takes nodes away and joins what led to them with what followed.
pub(crate) fn delete_and_heal(flow: &Flow, nodes: &BTreeSet<NodeId>) -> Option<Edit> {
    let mut joined: BTreeSet<Edge> = BTreeSet::new();
    for edge in flow.edges.iter().filter(|it| nodes.contains(&it.to) && !nodes.contains(&it.from)) {
        for to in ends(flow, nodes, &edge.to) {
            let join = Edge { from: edge.from.clone(), port: edge.port.clone(), to };
            if !flow.edges.contains(&join) {
                joined.insert(join);
            }
        }
    }
    let mut edits: Vec<Edit> =
        nodes.iter().filter(|it| flow.nodes.contains_key(*it)).map(|id| Edit::RemoveNode { id: id.clone() }).collect();
    if edits.is_empty() {
        return None;
    }
    edits.extend(joined.into_iter().map(Edit::Connect));
    one_step(edits, |_| "Delete and join".to_owned())
}

/// Where one gets to from a node through nodes that go away, by the ways that they would pass on through when muted, or else
/// by any but the one for errors.
fn ends(flow: &Flow, nodes: &BTreeSet<NodeId>, from: &NodeId) -> BTreeSet<NodeId> {
    let mut ends = BTreeSet::new();
    let mut seen: BTreeSet<NodeId> = [from.clone()].into();
    let mut open = vec![from.clone()];
    while let Some(at) = open.pop() {
        let pass = flow.nodes.get(&at).and_then(|it| it.kind.pass_port());
        let ways: Vec<&Edge> = flow.edges_from(&at).collect();
        let passing: Vec<&&Edge> = ways.iter().filter(|it| Some(&it.port) == pass.as_ref()).collect();
        let taken: Vec<&&Edge> =
            if passing.is_empty() { ways.iter().filter(|it| it.port.as_str() != "error").collect() } else { passing };
        for edge in taken {
            if !nodes.contains(&edge.to) {
                ends.insert(edge.to.clone());
            } else if seen.insert(edge.to.clone()) {
                open.push(edge.to.clone());
            }
        }
    }
    ends
}

/// Puts a node into a wire.
pub(crate) fn splice(flow: &Flow, edge: &Edge, node: &NodeId, out: Option<&PortId>) -> Vec<Edit> {
    let mut edits = Vec::new();
    if flow.edges.contains(edge) {
        edits.push(Edit::Disconnect(edge.clone()));
    }
    let into = Edge { from: edge.from.clone(), port: edge.port.clone(), to: node.clone() };
    if !flow.edges.contains(&into) {
        edits.push(Edit::Connect(into));
    }
    if let Some(port) = out {
        let on = Edge { from: node.clone(), port: port.clone(), to: edge.to.clone() };
        if !flow.edges.contains(&on) {
            edits.push(Edit::Connect(on));
        }
    }
    edits
}

/// Whether a wire from one node to another would make a circle, or leads where nothing comes in.
pub(crate) fn may_connect(flow: &Flow, from: &NodeId, to: &NodeId) -> bool {
    let is_trigger = |id: &NodeId| flow.nodes.get(id).is_some_and(|it| matches!(it.kind, crate::flow::NodeKind::Trigger(_)));
    from != to && !is_trigger(to) && !downstream(flow, &[to.clone()].into()).contains(from)
}

/// The nodes and all that follow.
pub(crate) fn downstream(flow: &Flow, from: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let mut found = from.clone();
    let mut open: Vec<NodeId> = from.iter().cloned().collect();
    while let Some(at) = open.pop() {
        for edge in flow.edges_from(&at) {
            if found.insert(edge.to.clone()) {
                open.push(edge.to.clone());
            }
        }
    }
    found
}

/// The nodes and all that leads to them.
pub(crate) fn upstream(flow: &Flow, from: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
    let mut found = from.clone();
    loop {
        let more: Vec<NodeId> = flow
            .edges
            .iter()
            .filter(|it| found.contains(&it.to) && !found.contains(&it.from))
            .map(|it| it.from.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Several edits as one step.
pub(crate) fn one_step(mut edits: Vec<Edit>, label: impl FnOnce(usize) -> String) -> Option<Edit> {
    match edits.len() {
        0 => None,
        1 => edits.pop(),
        count => Some(Edit::Many { label: label(count), edits }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::testing::{Sketch, arbitrary, id};

    fn ids(text: &str) -> BTreeSet<NodeId> {
        text.split(' ').map(id).collect()
    }

    fn edges(flow: &Flow) -> Vec<String> {
        flow.edges.iter().map(|it| format!("{}.{} -> {}", it.from, it.port, it.to)).collect()
    }

    fn healed(text: &str, nodes: &str) -> Vec<String> {
        let mut flow = Sketch::flow(text);
        let edit = delete_and_heal(&flow, &ids(nodes)).unwrap();
        flow.apply(edit).unwrap();
        edges(&flow)
    }

    #[test]
    fn what_led_to_a_deleted_node_leads_to_what_followed() {
        assert_eq!(healed("t.out -> a, a.out -> b", "a"), ["t.out -> b"]);
        assert_eq!(healed("t.out -> a, a.out -> b, b.out -> c", "a b"), ["t.out -> c"]);
        assert_eq!(healed("t.out -> if_a, if_a.true -> b, if_a.false -> c", "if_a"), ["t.out -> b"]);
        assert_eq!(healed("t.out -> a, a.error -> b", "a"), Vec::<String>::new());
        assert_eq!(healed("t.out -> a, t.out -> b, a.out -> b", "a"), ["t.out -> b"]);
    }

    #[test]
    fn a_node_goes_into_a_wire() {
        let mut flow = Sketch::flow("t.out -> b, a");
        let edge = flow.edges.first().unwrap().clone();
        let edits = splice(&flow, &edge, &id("a"), Some(&PortId::out()));
        flow.apply(one_step(edits, |_| "Put in".to_owned()).unwrap()).unwrap();
        assert_eq!(edges(&flow), ["a.out -> b", "t.out -> a"]);
    }

    #[test]
    fn a_wire_never_makes_a_circle_or_leads_into_a_trigger() {
        let flow = Sketch::flow("t.out -> a, a.out -> b");
        assert!(may_connect(&flow, &id("a"), &id("b")));
        for (from, to) in [("b", "a"), ("a", "a"), ("b", "t")] {
            assert!(!may_connect(&flow, &id(from), &id(to)), "{from} {to}");
        }
    }

    #[test]
    fn all_that_leads_and_all_that_follows_is_found() {
        let flow = Sketch::flow("t.out -> a, a.out -> b, b.out -> c, t.out -> d");
        assert_eq!(downstream(&flow, &ids("a")), ids("a b c"));
        assert_eq!(upstream(&flow, &ids("b")), ids("a b t"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn every_deletion_can_be_made_and_taken_back(flow in arbitrary::flows(), share in 0..4_usize) {
            let nodes: BTreeSet<NodeId> = flow.nodes.keys().enumerate().filter(|(at, _)| at % 4 <= share).map(|it| it.1.clone()).collect();
            for edit in [delete(&flow, &nodes, &flow.edges), delete_and_heal(&flow, &nodes)].into_iter().flatten() {
                let mut changed = flow.clone();
                let back = changed.apply_undoable(edit).expect("the edit can be made");
                changed.apply(back).expect("and be taken back");
                prop_assert_eq!(&changed, &flow);
            }
        }
    }
}
