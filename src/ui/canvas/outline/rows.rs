//! A flow as an indented list: each step once, after all that lead to it where the list can have it so.
//!
//! Invariant: pure; every node is listed exactly once, and every wire is told: by the order of the lines, or by a line that
//! says where the flow goes on.
use std::collections::{BTreeMap, BTreeSet};

use crate::flow::{Edge, Edit, Flow, NodeId, NodeKind, PortId};
use crate::ui::canvas::kind::port_word;
use crate::ui::canvas::rewire::one_step;

/// Deeper than this, lines stand no further to the right.
const DEEPEST: usize = 100;

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) depth: usize,
    /// The step, or the one that is gone on to.
    pub(crate) node: NodeId,
    /// The way that leads here, where it is not the usual one: "Yes", "On error".
    pub(crate) way: String,
    /// The step has a line of its own elsewhere.
    pub(crate) again: bool,
}

struct Walk<'a> {
    flow: &'a Flow,
    /// Wires into a node that were not met yet.
    left: BTreeMap<&'a NodeId, usize>,
    listed: BTreeSet<NodeId>,
    /// Met, but not by all of their wires; with the smallest depth that they were met at.
    met: BTreeMap<NodeId, usize>,
    rows: Vec<Row>,
}

/// The lines of a flow.
pub(crate) fn rows(flow: &Flow) -> Vec<Row> {
    let mut left: BTreeMap<&NodeId, usize> = flow.nodes.keys().map(|it| (it, 0)).collect();
    for edge in &flow.edges {
        if let Some(count) = left.get_mut(&edge.to) {
            *count += 1;
        }
    }
    let is_trigger = |id: &NodeId| matches!(flow.nodes[id].kind, NodeKind::Trigger(_));
    let mut roots: Vec<NodeId> = left.iter().filter(|(_, count)| **count == 0).map(|(id, _)| (*id).clone()).collect();
    roots.sort_by_key(|it| !is_trigger(it));
    let mut walk = Walk { flow, left, listed: BTreeSet::new(), met: BTreeMap::new(), rows: Vec::new() };
    for root in roots {
        walk.chain(root, 0, String::new());
        walk.settle(0);
    }
    // What several roots lead to, and what runs in a circle.
    while let Some(id) = walk.met.pop_first().map(|it| it.0).or_else(|| walk.first_unlisted()) {
        walk.chain(id, 0, String::new());
    }
    walk.rows
}

impl Walk<'_> {
    fn first_unlisted(&self) -> Option<NodeId> {
        self.flow.nodes.keys().find(|it| !self.listed.contains(*it)).cloned()
    }

    /// A node and what follows it, as far as one thing follows another.
    fn chain(&mut self, node: NodeId, depth: usize, way: String) {
        let mut next = Some((node, way));
        while let Some((id, way)) = next.take() {
            if !self.listed.insert(id.clone()) {
                continue;
            }
            self.met.remove(&id);
            self.rows.push(Row { depth, node: id.clone(), way, again: false });
            let Some(node) = self.flow.nodes.get(&id) else { continue };
            let order = node.kind.ports();
            let mut ways: Vec<&Edge> = self.flow.edges_from(&id).collect();
            ways.sort_by_key(|it| order.iter().position(|port| *port == it.port).unwrap_or(usize::MAX));
            // The usual way out goes on in the same column; where there is a choice, each way has one of its own.
            let straight = main_port(&node.kind);
            let goes_on: Vec<&Edge> = ways.iter().copied().filter(|it| Some(&it.port) == straight.as_ref()).collect();
            let single = (goes_on.len() == 1).then(|| goes_on[0]);
            for edge in ways.iter().filter(|it| single != Some(**it)) {
                let word = port_word(&node.kind, &edge.port).to_owned();
                self.arrive(edge, depth + 1, word);
            }
            self.settle(depth);
            if let Some(edge) = single {
                let word = if edge.port == PortId::out() { "" } else { port_word(&node.kind, &edge.port) };
                if self.is_last(&edge.to) {
                    next = Some((edge.to.clone(), word.to_owned()));
                    self.count(&edge.to);
                } else {
                    self.arrive(edge, depth, word.to_owned());
                }
            }
        }
    }

    /// Whether this is the last wire to a node that is met.
    fn is_last(&self, node: &NodeId) -> bool {
        self.left.get(node).is_some_and(|it| *it <= 1) && !self.listed.contains(node) && !self.met.contains_key(node)
    }

    fn count(&mut self, node: &NodeId) {
        if let Some(left) = self.left.get_mut(node) {
            *left = left.saturating_sub(1);
        }
    }

    /// A wire is met: its end is listed here if nothing else leads there, and told of otherwise.
    fn arrive(&mut self, edge: &Edge, depth: usize, way: String) {
        if self.is_last(&edge.to) && depth < DEEPEST {
            self.count(&edge.to);
            self.chain(edge.to.clone(), depth, way);
            return;
        }
        self.count(&edge.to);
        self.rows.push(Row { depth, node: edge.to.clone(), way, again: true });
        if !self.listed.contains(&edge.to) {
            let least = self.met.entry(edge.to.clone()).or_insert(depth);
            *least = (*least).min(depth);
        }
    }

    /// Lists what all of its wires have led to by now, and that is met deeper than here only.
    fn settle(&mut self, depth: usize) {
        loop {
            let ready = self.met.iter().find(|(id, least)| **least >= depth && self.left.get(*id) == Some(&0));
            let Some(id) = ready.map(|it| it.0.clone()) else { return };
            self.chain(id, depth, String::new());
        }
    }
}

/// The way out by which the flow goes on.
fn main_port(kind: &NodeKind) -> Option<PortId> {
    match kind {
        // Neither of the two is more usual than the other.
        NodeKind::Branch { .. } | NodeKind::Switch { .. } | NodeKind::Approval { .. } | NodeKind::Stop { .. } => None,
        NodeKind::Trigger(_) => Some(PortId::out()),
        other => other.pass_port(),
    }
}

/// Puts a step behind the one that follows it; none where it is not one that stands in a plain row.
pub(crate) fn later(flow: &Flow, node: &NodeId) -> Option<Edit> {
    let out = |id: &NodeId| flow.nodes.get(id).and_then(|it| main_port(&it.kind));
    let port = out(node)?;
    let mut on = flow.edges_from(node).filter(|it| it.port == port);
    let (edge, None) = (on.next()?, on.next()) else { return None };
    let next = &edge.to;
    let next_port = out(next)?;
    let into = |id: &NodeId| flow.edges.iter().filter(|it| it.to == *id).cloned().collect::<Vec<_>>();
    if into(next).len() != 1 || flow.nodes.get(node).is_some_and(|it| matches!(it.kind, NodeKind::Trigger(_))) {
        return None;
    }
    let mut edits = vec![Edit::Disconnect(edge.clone())];
    for before in into(node) {
        edits.push(Edit::Disconnect(before.clone()));
        edits.push(Edit::Connect(Edge { to: next.clone(), ..before }));
    }
    for after in flow.edges_from(next).filter(|it| it.port == next_port) {
        edits.push(Edit::Disconnect(after.clone()));
        edits.push(Edit::Connect(Edge { from: node.clone(), port: port.clone(), to: after.to.clone() }));
    }
    edits.push(Edit::Connect(Edge { from: next.clone(), port: next_port, to: node.clone() }));
    // Cards change places too, so that the wires still run the same way.
    if let (Some(here), Some(there)) = (flow.layout.get(node), flow.layout.get(next)) {
        edits.push(Edit::MoveNode { id: node.clone(), to: Some(*there) });
        edits.push(Edit::MoveNode { id: next.clone(), to: Some(*here) });
    }
    one_step(edits, |_| "Move step".to_owned())
}

/// Puts a step before the one that leads to it.
pub(crate) fn earlier(flow: &Flow, node: &NodeId) -> Option<Edit> {
    let mut into = flow.edges.iter().filter(|it| it.to == *node);
    let (edge, None) = (into.next()?, into.next()) else { return None };
    later(flow, &edge.from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::testing::arbitrary::flows;
    use crate::flow::testing::{Sketch, id};

    fn told(sketch: &str) -> Vec<String> {
        let line = |row: &Row| {
            let way = if row.way.is_empty() { String::new() } else { format!("{}: ", row.way) };
            format!("{}{way}{}{}", "  ".repeat(row.depth), if row.again { "→ " } else { "" }, row.node)
        };
        rows(&Sketch::flow(sketch)).iter().map(line).collect()
    }

    #[test]
    fn one_thing_after_another_is_one_column() {
        assert_eq!(told("t.out -> a, a.out -> b"), ["t", "a", "b"]);
        assert_eq!(told("t.out -> a, a.error -> c, a.out -> b"), ["t", "a", "  On error: c", "b"]);
    }

    #[test]
    fn ways_of_a_choice_are_indented_and_what_they_share_follows() {
        assert_eq!(
            told("t.out -> if_x, if_x.true -> a, if_x.false -> b, a.out -> c, b.out -> c, c.out -> d"),
            ["t", "if_x", "  Yes: a", "  → c", "  No: b", "  → c", "c", "d"]
        );
    }

    #[test]
    fn the_body_of_a_for_each_is_indented() {
        assert_eq!(
            told("t.out -> each, each.item -> x, x.out -> y, each.done -> z"),
            ["t", "each", "  Each: x", "  y", "Done: z"]
        );
    }

    #[test]
    fn what_hangs_on_nothing_or_runs_in_a_circle_is_listed_too() {
        assert_eq!(told("t.out -> a, b.out -> c"), ["t", "a", "b", "c"]);
        assert_eq!(told("a.out -> b, b.out -> a"), ["a", "b", "→ a"]);
    }

    #[test]
    fn steps_of_a_row_change_places() {
        let moved = |sketch: &str, node: &str, edit: fn(&Flow, &NodeId) -> Option<Edit>| {
            let mut flow = Sketch::flow(sketch);
            flow.apply(edit(&flow, &id(node))?).unwrap();
            Some(rows(&flow).iter().map(|it| it.node.to_string()).collect::<Vec<_>>().join(" "))
        };
        let row = "t.out -> a, a.out -> b, b.out -> c";
        assert_eq!(moved(row, "a", later).as_deref(), Some("t b a c"));
        assert_eq!(moved(row, "c", earlier).as_deref(), Some("t a c b"));
        assert_eq!(moved(row, "c", later), None);
        assert_eq!(moved(row, "t", later), None);
        assert_eq!(moved(row, "a", earlier), None, "nothing comes before a trigger");
        assert_eq!(moved("t.out -> a, a.out -> c, t.out -> b, b.out -> c", "a", later), None, "two ways lead to c");
    }

    proptest! {
        #[test]
        fn every_node_has_one_line_and_every_wire_is_told(flow in flows()) {
            let rows = rows(&flow);
            let mut own: Vec<&NodeId> = rows.iter().filter(|it| !it.again).map(|it| &it.node).collect();
            own.sort();
            prop_assert!(own.iter().copied().eq(flow.nodes.keys()));
            // Each wire has met its end: the lines of a node are as many as the wires that lead there, and one more where
            // none could be the last.
            for id in flow.nodes.keys() {
                let wires = flow.edges.iter().filter(|it| it.to == *id).count();
                let lines = rows.iter().filter(|it| it.node == *id).count();
                prop_assert!(lines >= wires.max(1) && lines <= wires + 1, "{id}: {wires} wires, {lines} lines");
            }
        }
    }
}
