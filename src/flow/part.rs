//! A part of a flow that can be run by itself: a node, and all that leads to it.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Flow, NodeId, NodeKind, Order};

impl Flow {
    /// The flow without what does not lead to a node: that node, everything before it, and the whole bodies of for-eaches
    /// that are before it. A for-each that the node is within collects nothing any more, since steps that it collects from
    /// may be gone. The same flow where it runs in a circle or the node is not in it.
    #[must_use]
    pub fn leading_to(&self, node: &NodeId) -> Self {
        let mut part = self.clone();
        let Ok(order) = Order::new(self) else { return part };
        if !self.nodes.contains_key(node) {
            return part;
        }
        let around: BTreeSet<NodeId> = order.enclosing(node).into_iter().collect();
        let mut kept: BTreeSet<NodeId> = order.ancestors(node).cloned().collect();
        kept.insert(node.clone());
        let passed: Vec<NodeId> = kept.iter().filter(|it| *it != node && !around.contains(*it)).cloned().collect();
        for id in passed {
            if matches!(self.nodes[&id].kind, NodeKind::ForEach { .. }) {
                kept.extend(order.body(&id).iter().cloned());
            }
        }
        for id in around {
            if let Some(it) = part.nodes.get_mut(&id)
                && let NodeKind::ForEach { collect, .. } = &mut Arc::make_mut(it).kind
            {
                *collect = None;
            }
        }
        part.nodes.retain(|id, _| kept.contains(id));
        part.edges.retain(|edge| kept.contains(&edge.from) && kept.contains(&edge.to));
        part.layout.retain(|id, _| kept.contains(id));
        for group in part.groups.values_mut() {
            group.nodes.retain(|id| kept.contains(id));
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use crate::flow::testing::{Sketch, id};

    #[test]
    fn what_does_not_lead_to_the_node_is_gone() {
        // A for-each's body is part of what comes before its other end, and not of what comes before itself.
        for (sketch, node, kept) in [
            ("t.out -> a, a.out -> b, t.out -> c", "a", "a t"),
            ("t.out -> a, a.out -> b, t.out -> c, c.out -> b", "b", "a b c t"),
            ("t.out -> each, each.item -> x, x.out -> y, each.done -> z", "z", "each t x y z"),
            ("t.out -> each, each.item -> x, x.out -> y, each.done -> z", "x", "each t x"),
            ("t.out -> each, each.item -> x, x.out -> y, each.done -> z", "each", "each t"),
            ("t.out -> a, a.out -> t2", "nowhere", "a t t2"),
        ] {
            let flow = Sketch::flow(sketch);
            let part = flow.leading_to(&id(node));
            let names: Vec<_> = part.nodes.keys().map(ToString::to_string).collect();
            assert_eq!(names.join(" "), kept, "{sketch}, {node}");
            assert!(part.edges.iter().all(|it| part.nodes.contains_key(&it.from) && part.nodes.contains_key(&it.to)));
        }
    }
}
