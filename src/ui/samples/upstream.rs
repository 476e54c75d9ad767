//! The steps that come before a step, the nearest first.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::flow::{Flow, NodeId, NodeKind};

/// A step that comes before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upstream {
    pub(crate) id: NodeId,
    /// It is a for-each, and the other step runs for one of its items.
    pub(crate) around: bool,
}

/// The steps from which another can be reached, the nearest first.
pub(crate) fn upstream(flow: &Flow, node: &NodeId) -> Vec<Upstream> {
    let mut into: BTreeMap<&NodeId, Vec<(&NodeId, &str)>> = BTreeMap::new();
    for edge in &flow.edges {
        into.entry(&edge.to).or_default().push((&edge.from, edge.port.as_str()));
    }
    let mut seen: BTreeSet<&NodeId> = BTreeSet::from([node]);
    let mut found: Vec<Upstream> = Vec::new();
    let mut open = VecDeque::from([node]);
    while let Some(at) = open.pop_front() {
        for (from, port) in into.get(at).into_iter().flatten() {
            let Some(kind) = flow.nodes.get(*from).map(|it| &it.kind) else { continue };
            if seen.insert(from) {
                let around = matches!(kind, NodeKind::ForEach { .. }) && *port == "item";
                found.push(Upstream { id: (*from).clone(), around });
                open.push_back(from);
            }
        }
    }
    found
}

/// The for-each for whose item a step runs: the nearest one.
pub(super) fn enclosing(flow: &Flow, node: &NodeId) -> Option<NodeId> {
    upstream(flow, node).into_iter().find(|it| it.around).map(|it| it.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::{Sketch, id};

    #[test]
    fn the_nearest_step_comes_first() {
        let flow = Sketch::flow("t.out -> a, a.out -> b, b.out -> c, t.out -> c, d");
        let names = |of: &str| upstream(&flow, &id(of)).into_iter().map(|it| it.id.to_string()).collect::<Vec<_>>();
        assert_eq!(names("c"), ["b", "t", "a"]);
        assert_eq!(names("t"), Vec::<String>::new());
        assert_eq!(names("d"), Vec::<String>::new());
    }

    #[test]
    fn a_step_behind_each_runs_for_an_item_and_one_behind_done_does_not() {
        let flow = Sketch::flow("t.out -> each, each.item -> a, a.out -> b, each.done -> c");
        assert_eq!(enclosing(&flow, &id("b")), Some(id("each")));
        assert_eq!(enclosing(&flow, &id("c")), None);
    }
}
