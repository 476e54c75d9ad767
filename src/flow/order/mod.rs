//! The order in which the nodes of a flow can run: what comes before what, what lies inside a for-each, and what has
//! certainly run by the time that a node does.
//!
//! The rules that it speaks of: a node runs when each of its incoming edges is fired or dead and at least one is fired (a
//! join that waits for the first, at the first); the ports that a node does not leave through, and all ports of a node that
//! does not run, are dead. A step that fails leaves through `error` where that is wired and otherwise fails the run. A run
//! starts at one trigger. A muted node passes straight on (see [`NodeKind::pass_port`]).
//!
//! Invariant: pure, and the same for flows that differ only in layout or names.
//! Invariant: of two nodes, the one that the other can be reached from comes first in [`Order::topological`].
mod bits;
mod cycle;
mod diagram;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::sync::{Arc, OnceLock};

use self::bits::BitRows;
pub use self::cycle::Cycle;
use self::diagram::{Condition, Diagram};
use super::{Edge, Flow, JoinMode, Node, NodeId, NodeKind};

/// The order of one flow's nodes. Plain data; stays right as long as nodes and edges do not change.
#[derive(Debug, Clone)]
pub struct Order {
    topological: Vec<NodeId>,
    position: HashMap<NodeId, usize>,
    /// By position: the nodes from which it can be reached.
    ancestors: BitRows,
    /// By position: the nodes about which it is known, when it starts, whether they ran.
    settled: BitRows,
    /// By position: the for-eaches around it, as indices of `loops`.
    enclosing: BitRows,
    loops: Vec<Loop>,
    reachable: Vec<bool>,
    /// By position: when the node gives an output, when it runs, and when it runs on the way from a failure.
    gives: Vec<Condition>,
    runs: Vec<Condition>,
    fails: Vec<Condition>,
    diagram: Diagram,
}

/// A for-each and what it repeats.
#[derive(Debug, Clone)]
struct Loop {
    position: usize,
    body: OnceLock<BTreeSet<NodeId>>,
}

/// How sure it is that something has happened when a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// In every run.
    Always,
    /// In some runs.
    Sometimes,
    /// In none.
    Never,
}

/// An edge as seen by the node that it enters.
#[derive(Debug, Clone, Copy)]
struct Incoming<'a> {
    from: usize,
    edge: &'a Edge,
    /// It leaves a for-each through `item`.
    item: bool,
}

impl Order {
    /// The order of a flow's nodes, or every cycle that keeps it from having one.
    pub fn new(flow: &Flow) -> Result<Self, Vec<Cycle>> {
        let topological = sort(flow)?;
        let position: HashMap<_, _> = topological.iter().enumerate().map(|(at, id)| (id.clone(), at)).collect();
        let nodes: Vec<&Node> = topological.iter().filter_map(|id| flow.nodes.get(id)).map(Arc::as_ref).collect();
        let mut incoming: Vec<Vec<Incoming<'_>>> = vec![Vec::new(); nodes.len()];
        let mut wired: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); nodes.len()];
        for edge in &flow.edges {
            let (Some(&from), Some(&to)) = (position.get(&edge.from), position.get(&edge.to)) else { continue };
            wired[from].insert(edge.port.as_str());
            let item = matches!(nodes[from].kind, NodeKind::ForEach { .. }) && edge.port.as_str() == "item";
            incoming[to].push(Incoming { from, edge, item });
        }
        for edges in &mut incoming {
            edges.sort_by_key(|it| it.from);
        }

        let is_loop = |(at, node): (usize, &&Node)| {
            matches!(node.kind, NodeKind::ForEach { .. }).then(|| Loop { position: at, body: OnceLock::new() })
        };
        let loops: Vec<Loop> = nodes.iter().enumerate().filter_map(is_loop).collect();
        let count = nodes.len();
        let mut order = Self {
            ancestors: BitRows::new(count, count),
            settled: BitRows::new(count, count),
            enclosing: BitRows::new(count, loops.len()),
            reachable: vec![false; count],
            runs: vec![Condition::NEVER; count],
            gives: vec![Condition::NEVER; count],
            fails: vec![Condition::NEVER; count],
            diagram: Diagram::new(),
            topological,
            position,
            loops,
        };
        let outcomes: Vec<_> = nodes.iter().zip(wired).map(|(node, wired)| Outcomes::of(node, wired)).collect();
        let triggers = nodes.iter().filter(|it| matches!(it.kind, NodeKind::Trigger(_)) && !it.muted).count();
        let mut trigger = 0;
        for at in 0..count {
            order.place(at, nodes[at], &incoming[at]);
            let runs = match nodes[at] {
                Node { kind: NodeKind::Trigger(_), muted: true, .. } => Condition::NEVER,
                Node { kind: NodeKind::Trigger(_), .. } => {
                    trigger += 1;
                    order.diagram.choice(0, triggers, |value| always_if(value + 1 == trigger, Condition::ALWAYS))
                }
                _ => order.enter(at, nodes[at], &incoming[at], &nodes, &outcomes),
            };
            order.runs[at] = runs;
            if !nodes[at].muted {
                let ports = &outcomes[at].ports;
                let gives = |value| always_if(ports.get(value) != Some(&Some("error")), runs);
                order.gives[at] = order.diagram.choice(level(at), ports.len(), gives);
            }
        }
        Ok(order)
    }

    /// Every node, each after all from which it can be reached; where that leaves a choice, by id.
    pub fn topological(&self) -> &[NodeId] {
        &self.topological
    }

    /// The place of a node in [`Order::topological`].
    pub fn position(&self, node: &NodeId) -> Option<usize> {
        self.position.get(node).copied()
    }

    /// Everything that can be reached from the port `item` of a for-each; empty for any other node.
    pub fn body(&self, for_each: &NodeId) -> &BTreeSet<NodeId> {
        static EMPTY: BTreeSet<NodeId> = BTreeSet::new();
        let Some(at) = self.position(for_each) else { return &EMPTY };
        let Ok(index) = self.loops.binary_search_by_key(&at, |it| it.position) else { return &EMPTY };
        self.loops[index].body.get_or_init(|| {
            let inside = |(at, id): (usize, &NodeId)| self.enclosing.get(at, index).then(|| id.clone());
            self.topological.iter().enumerate().filter_map(inside).collect()
        })
    }

    /// The for-eaches whose bodies a node lies in, outermost first.
    pub fn enclosing(&self, node: &NodeId) -> Vec<NodeId> {
        let Some(at) = self.position(node) else { return Vec::new() };
        self.enclosing.ones(at).map(|index| self.topological[self.loops[index].position].clone()).collect()
    }

    /// How many for-eaches a node lies in.
    pub fn depth(&self, node: &NodeId) -> usize {
        self.position(node).map_or(0, |at| self.enclosing.ones(at).count())
    }

    /// Whether `node` can be reached from `before` along edges.
    pub fn is_ancestor(&self, before: &NodeId, node: &NodeId) -> bool {
        match (self.position(before), self.position(node)) {
            (Some(before), Some(node)) => self.ancestors.get(node, before),
            _ => false,
        }
    }

    /// The nodes from which a node can be reached, in topological order.
    pub fn ancestors(&self, node: &NodeId) -> impl Iterator<Item = &NodeId> {
        self.position(node).into_iter().flat_map(|at| self.ancestors.ones(at)).map(|at| &self.topological[at])
    }

    /// Whether a node can be reached from any trigger.
    pub fn is_reachable(&self, node: &NodeId) -> bool {
        self.position(node).is_some_and(|at| self.reachable[at])
    }

    /// Whether in every run in which `node` runs, `before` has already given its output when `node` starts. Not so for a
    /// muted `before`, and, inside of a for-each, not so for the for-each itself.
    ///
    /// Exact over all that branches, failures and triggers can bring, until the ways through a flow are more than a
    /// bounded table holds; past that it says yes for every node that is settled before.
    pub fn always_before(&self, before: &NodeId, node: &NodeId) -> bool {
        let (Some(before), Some(node)) = (self.position(before), self.position(node)) else { return false };
        self.settled.get(node, before) && self.diagram.implies(self.runs[node], self.gives[before])
    }

    /// Whether in every item of a for-each that comes to its end without failing, a node of its body has given its output. Not
    /// so for nodes that lie within a further for-each.
    pub fn always_in_item(&self, for_each: &NodeId, node: &NodeId) -> bool {
        let (Some(around), Some(node)) = (self.position(for_each), self.position(node)) else { return false };
        let innermost = self.enclosing.ones(node).last().map(|index| self.loops[index].position);
        innermost == Some(around) && self.diagram.implies(self.runs[around], self.gives[node])
    }

    /// Whether a node handles a failure: runs behind the `error` port of another.
    pub fn failed_before(&self, node: &NodeId) -> Certainty {
        let Some(at) = self.position(node) else { return Certainty::Never };
        match self.fails[at] {
            Condition::NEVER => Certainty::Never,
            fails if self.diagram.implies(self.runs[at], fails) => Certainty::Always,
            _ => Certainty::Sometimes,
        }
    }

    /// Writes down what lies before and around a node.
    fn place(&mut self, at: usize, node: &Node, incoming: &[Incoming<'_>]) {
        let trigger = matches!(node.kind, NodeKind::Trigger(_));
        self.reachable[at] = trigger || incoming.iter().any(|it| self.reachable[it.from]);
        for it in incoming {
            self.ancestors.unite(at, it.from);
            self.ancestors.set(at, it.from);
            self.enclosing.unite(at, it.from);
            if it.item
                && let Ok(index) = self.loops.binary_search_by_key(&it.from, |it| it.position)
            {
                self.enclosing.set(at, index);
            }
        }
    }

    /// Writes down what is settled before a node that is no trigger, and finds under which choices it runs.
    fn enter(
        &mut self,
        at: usize,
        node: &Node,
        incoming: &[Incoming<'_>],
        nodes: &[&Node],
        outcomes: &[Outcomes<'_>],
    ) -> Condition {
        let mut fires = Vec::with_capacity(incoming.len());
        let mut fails = Condition::NEVER;
        for it in incoming {
            let (from, outcomes) = (nodes[it.from], &outcomes[it.from]);
            let arrives = self.fires(*it, from, outcomes, self.runs[it.from]);
            fires.push(arrives);
            let failed =
                if it.edge.port.as_str() == "error" { arrives } else { self.fires(*it, from, outcomes, self.fails[it.from]) };
            fails = self.diagram.either(fails, failed);
        }
        self.fails[at] = fails;
        // A join that waits for the first knows only what is settled on each of the ways that can be the first. One that
        // can never run, and any other node, has seen all of its ways end.
        let first = matches!(node.kind, NodeKind::Join { mode: JoinMode::First })
            && !node.muted
            && fires.iter().any(|it| *it != Condition::NEVER);
        let mut begun = false;
        for (it, fires) in incoming.iter().zip(&fires) {
            // Inside of a for-each the for-each itself is not yet over.
            let also = (!it.item).then_some(it.from);
            if first && *fires == Condition::NEVER {
                continue;
            }
            if first && begun {
                self.settled.intersect_with(at, it.from, also);
            } else {
                self.settled.unite(at, it.from);
                if let Some(from) = also {
                    self.settled.set(at, from);
                }
            }
            begun = true;
        }
        fires.into_iter().fold(Condition::NEVER, |sum, it| self.diagram.either(sum, it))
    }

    /// Under which choices an edge fires, out of those under which the node that it leaves runs.
    fn fires(&mut self, incoming: Incoming<'_>, from: &Node, outcomes: &Outcomes<'_>, runs: Condition) -> Condition {
        let port = incoming.edge.port.as_str();
        if runs == Condition::NEVER {
            return runs;
        }
        if from.muted {
            return always_if(from.kind.pass_port().is_some_and(|it| it.as_str() == port), runs);
        }
        // The port of a for-each's items, or one that the node does not have (a problem of its own): no choice decides it.
        if incoming.item || !outcomes.ports.contains(&Some(port)) {
            return runs;
        }
        let ports = &outcomes.ports;
        self.diagram.choice(level(incoming.from), ports.len(), |value| always_if(ports[value] == Some(port), runs))
    }
}

/// The condition, or never.
fn always_if(holds: bool, condition: Condition) -> Condition {
    if holds { condition } else { Condition::NEVER }
}

/// The ways that a node can leave, as far as they make a difference: each wired port, and one for all others. Where `error`
/// is not wired a failure ends the run, so that nothing later needs to know of it.
struct Outcomes<'a> {
    ports: Vec<Option<&'a str>>,
}

impl<'a> Outcomes<'a> {
    fn of(node: &Node, mut wired: BTreeSet<&'a str>) -> Self {
        let mut names = node.kind.port_names();
        if matches!(node.kind, NodeKind::ForEach { .. }) {
            names.retain(|it| *it != "item");
        }
        wired.retain(|it| names.contains(it));
        let elsewhere = names.iter().any(|it| *it != "error" && !wired.contains(it));
        Self { ports: wired.into_iter().map(Some).chain(elsewhere.then_some(None)).collect() }
    }
}

/// Later nodes decide nearer to the root: then what a node adds stands on top of what was there, which stays shared.
fn level(position: usize) -> u32 {
    position as u32 + 1
}

/// Kahn's algorithm; among the nodes that are ready the one with the smallest id comes next.
fn sort(flow: &Flow) -> Result<Vec<NodeId>, Vec<Cycle>> {
    let ids: Vec<&NodeId> = flow.nodes.keys().collect();
    let index = |id: &NodeId| ids.binary_search(&id).ok();
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); ids.len()];
    let mut open = vec![0_usize; ids.len()];
    for edge in &flow.edges {
        if let (Some(from), Some(to)) = (index(&edge.from), index(&edge.to)) {
            next[from].push(to);
            open[to] += 1;
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> = (0..ids.len()).filter(|&at| open[at] == 0).map(Reverse).collect();
    let mut sorted = Vec::with_capacity(ids.len());
    while let Some(Reverse(at)) = ready.pop() {
        sorted.push(ids[at].clone());
        for &to in &next[at] {
            open[to] -= 1;
            if open[to] == 0 {
                ready.push(Reverse(to));
            }
        }
    }
    if sorted.len() == ids.len() { Ok(sorted) } else { Err(cycle::find(&ids, &next, &open)) }
}

#[cfg(test)]
mod tests;
