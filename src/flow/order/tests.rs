//! Orders, held against every run that a small flow can have.
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::flow::PortId;
use crate::flow::testing::{Sketch, id};

fn order(sketch: &str) -> Order {
    Order::new(&Sketch::flow(sketch)).expect("no cycle")
}

fn names<'a>(ids: impl IntoIterator<Item = &'a NodeId>) -> Vec<&'a str> {
    ids.into_iter().map(NodeId::as_str).collect()
}

#[test]
fn nodes_come_after_all_that_lead_to_them_and_then_by_id() {
    let order = order("t.out -> b, t.out -> a, b.out -> z, a.out -> z");
    assert_eq!(names(order.topological()), ["t", "a", "b", "z"]);
    assert_eq!(names(order.ancestors(&id("z"))), ["t", "a", "b"]);
    assert!(order.is_ancestor(&id("t"), &id("z")));
    assert!(!order.is_ancestor(&id("a"), &id("b")));
}

#[test]
fn cycles_are_named_one_a_group_and_what_hangs_on_them_is_not() {
    let flow = Sketch::flow("t.out -> a, a.out -> b, b.out -> c, c.out -> a, b.out -> a, c.out -> tail, s.out -> s");
    let cycles = Order::new(&flow).expect_err("there are cycles");
    let texts: Vec<_> = cycles.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["a → b → a", "s → s"]);
}

#[test]
fn the_body_of_a_for_each_is_all_that_its_items_reach() {
    let order = order("t.out -> each, each.item -> x, x.out -> each_in, each_in.item -> y, each_in.done -> w, each.done -> z");
    assert_eq!(names(order.body(&id("each"))), ["each_in", "w", "x", "y"]);
    assert_eq!(names(order.body(&id("each_in"))), ["y"]);
    assert!(order.body(&id("x")).is_empty());
    assert!(order.body(&id("nowhere")).is_empty());
    assert_eq!(names(&order.enclosing(&id("y"))), ["each", "each_in"]);
    assert!(order.enclosing(&id("z")).is_empty());
}

#[test]
fn what_has_run_before() {
    let cases: &[(&str, &str, &str, bool)] = &[
        ("t.out -> a, a.out -> b", "a", "b", true),
        ("t.out -> a, a.out -> b", "b", "a", false),
        ("t.out -> a, a.error -> b", "a", "b", false),
        // Either way leads here, so what ran on one may not have run.
        ("t.out -> if_x, if_x.true -> a, if_x.false -> b, a.out -> z, b.out -> z", "a", "z", false),
        ("t.out -> if_x, if_x.true -> a, if_x.false -> b, a.out -> z, b.out -> z", "if_x", "z", true),
        ("t.out -> if_x, if_x.true -> a, a.out -> z", "a", "z", true),
        // A fork: both ways have run, or the run has failed.
        ("t.out -> a, t.out -> b, a.out -> z, b.out -> z", "a", "z", true),
        ("t.out -> a, t.out -> b, a.out -> z, b.out -> z, a.error -> oops", "a", "z", false),
        ("t.out -> a, t.out -> b, a.out -> z, b.out -> z, a.error -> oops", "b", "z", true),
        ("t.out -> a, a.out -> z, a.error -> b, b.out -> z", "a", "z", false),
        // Only one of the two ways need have come.
        ("t.out -> a, t.out -> b, a.out -> first_z, b.out -> first_z", "a", "first_z", false),
        ("t.out -> a, t.out -> b, a.out -> first_z, b.out -> first_z", "t", "first_z", true),
        ("t.out -> a, a.out -> b, a.out -> c, b.out -> first_z, c.out -> first_z", "a", "first_z", true),
        // A run starts at one trigger.
        ("t.out -> a, t2.out -> a", "t", "a", false),
        ("t.out -> a, a.out -> z, t2.out -> b, b.out -> z", "a", "z", false),
        ("t.out -> a, t2.out -> a, a.out -> z", "a", "z", true),
        // A for-each is over when its `done` is; its body is not seen from outside, what is outside is seen in the body.
        ("t.out -> each, each.item -> x, each.done -> z", "each", "z", true),
        ("t.out -> each, each.item -> x, each.done -> z", "each", "x", false),
        ("t.out -> each, each.item -> x, each.done -> z", "x", "z", false),
        ("t.out -> a, a.out -> each, each.item -> x, x.out -> y", "a", "y", true),
        ("t.out -> a, a.out -> each, each.item -> x, x.out -> y", "x", "y", true),
        // A muted node gives nothing and passes on.
        ("t.out -> a!, a.out -> z", "a", "z", false),
        ("t.out -> if_x!, if_x.true -> a, if_x.false -> b, a.out -> z, b.out -> z", "a", "z", true),
        ("t.out -> a, t2!, t2.out -> b, a.out -> z, b.out -> z", "a", "z", true),
    ];
    for (sketch, before, node, expected) in cases {
        assert_eq!(order(sketch).always_before(&id(before), &id(node)), *expected, "{before} before {node} in {sketch}");
    }
}

#[test]
fn what_an_item_has_given_when_it_ends() {
    let order = order(
        "t.out -> each, each.item -> a, a.out -> if_x, if_x.true -> b, a.out -> each_in, each_in.item -> c, each_in.done -> d, d.error -> e",
    );
    let given = |node| order.always_in_item(&id("each"), &id(node));
    assert_eq!(["a", "if_x", "b", "each_in", "c", "d", "t"].map(given), [true, true, false, true, false, false, false]);
}

#[test]
fn a_failure_comes_only_through_the_error_port() {
    let order = order("t.out -> a, a.error -> oops, oops.out -> z, a.out -> z, a.out -> b, oops.out -> each, each.item -> x");
    let failed = |node| order.failed_before(&id(node));
    assert_eq!(["oops", "each", "x"].map(failed), [Certainty::Always; 3]);
    assert_eq!(failed("z"), Certainty::Sometimes);
    assert_eq!(["a", "b", "t", "nobody"].map(failed), [Certainty::Never; 4]);
}

#[test]
fn a_thousand_nodes_with_a_failure_way_each_stay_small() {
    let mut sketch = String::from("t.out -> a0");
    for at in 0..999 {
        use std::fmt::Write as _;
        write!(sketch, ", a{at}.out -> a{}, a{at}.error -> oops", at + 1).unwrap();
    }
    let order = order(&sketch);
    assert!(order.always_before(&id("a0"), &id("a999")));
    assert!(!order.always_before(&id("a500"), &id("oops")));
    assert!(order.always_before(&id("t"), &id("oops")));
    assert!(order.diagram.written() < 20_000, "{}", order.diagram.written());
}

/// What each node does in one run: the trigger that fires, and the way that each node would leave.
struct World<'a> {
    flow: &'a Flow,
    trigger: NodeId,
    leaves: BTreeMap<NodeId, PortId>,
}

/// What a run settles: by node, the output that it gave and the nodes that ended before it began.
struct Seen {
    ran: bool,
    gave: bool,
    before: BTreeSet<NodeId>,
}

impl World<'_> {
    /// Follows the rules literally, node by node.
    fn run(&self, order: &Order) -> BTreeMap<NodeId, Seen> {
        let mut seen: BTreeMap<NodeId, Seen> = BTreeMap::new();
        for id in order.topological() {
            let node = &self.flow.nodes[id];
            let mut arrived = Vec::new();
            let mut all = Vec::new();
            for edge in self.flow.edges.iter().filter(|it| it.to == *id) {
                let from = &self.flow.nodes[&edge.from];
                let past = &seen[&edge.from];
                let mut before = past.before.clone();
                let item = edge.port.as_str() == "item";
                if !item {
                    before.insert(edge.from.clone());
                }
                let leaves = if from.muted { from.kind.pass_port() } else { self.leaves.get(&edge.from).cloned() };
                let fires = past.ran && (leaves.as_ref() == Some(&edge.port) || (item && !from.muted));
                if fires {
                    arrived.push(before.clone());
                }
                all.push(before);
            }
            let trigger = matches!(node.kind, NodeKind::Trigger(_));
            let ran = if trigger { self.trigger == *id && !node.muted } else { !arrived.is_empty() };
            let first = matches!(node.kind, NodeKind::Join { mode: JoinMode::First }) && !node.muted && ran;
            let before = if first {
                arrived.into_iter().reduce(|a, b| &a & &b).unwrap_or_default()
            } else {
                all.into_iter().flatten().collect()
            };
            let gave = ran && !node.muted && self.leaves.get(id) != Some(&PortId::error());
            seen.insert(id.clone(), Seen { ran, gave, before });
        }
        seen
    }
}

/// Every way that the choices of a flow can fall; `None` if they are too many.
fn worlds(flow: &Flow) -> Option<Vec<World<'_>>> {
    let mut worlds = vec![BTreeMap::new()];
    for (id, node) in &flow.nodes {
        let wired_error = flow.edges_from(id).any(|it| it.port == PortId::error());
        let ports = node.kind.ports();
        let ways = ports.iter().filter(|it| it.as_str() != "item" && (**it != PortId::error() || wired_error));
        let ways: Vec<_> = ways.cloned().collect();
        if ways.is_empty() {
            continue;
        }
        worlds = worlds
            .iter()
            .flat_map(|world: &BTreeMap<_, _>| {
                ways.iter().map(move |way| {
                    let mut world = world.clone();
                    world.insert(id.clone(), way.clone());
                    world
                })
            })
            .collect();
        if worlds.len() > 3_000 {
            return None;
        }
    }
    let triggers: Vec<_> =
        flow.nodes.iter().filter(|(_, it)| matches!(it.kind, NodeKind::Trigger(_))).map(|(id, _)| id).collect();
    let make =
        |leaves: BTreeMap<_, _>| triggers.iter().map(move |id| World { flow, trigger: (*id).clone(), leaves: leaves.clone() });
    Some(worlds.into_iter().flat_map(make).collect())
}

/// A flow without cycles: edges lead from earlier to later nodes only.
fn sketches() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["a", "if_", "first_", "each_", "sw_"]);
    let nodes = prop::collection::vec((names, prop::bool::weighted(0.1)), 2..7);
    let edges = prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_usize), 2..12);
    (nodes, edges, 1..3_usize).prop_map(|(nodes, edges, triggers)| {
        let mut ids: Vec<_> = (0..triggers).map(|at| (format!("t{at}"), "t", false)).collect();
        ids.extend(nodes.iter().enumerate().map(|(at, (name, muted))| (format!("{name}{at}"), *name, *muted)));
        let mut sketch: Vec<_> = ids.iter().map(|(id, _, muted)| if *muted { format!("{id}!") } else { id.clone() }).collect();
        for (from, to, port) in edges {
            let to = triggers + to.index(ids.len() - triggers);
            let from = from.index(to);
            let ports: &[&str] = match ids[from].1 {
                "t" | "first_" => &["out"],
                "if_" => &["true", "false", "error"],
                "each_" => &["item", "done", "error"],
                "sw_" => &["one", "two", "else", "error"],
                _ => &["out", "out", "error"],
            };
            sketch.push(format!("{}.{} -> {}", ids[from].0, ports[port % ports.len()], ids[to].0));
        }
        sketch.join(", ")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_has_run_before_is_what_every_possible_run_shows(sketch in sketches()) {
        let flow = Sketch::flow(&sketch);
        let order = Order::new(&flow).expect("no cycle");
        let Some(worlds) = worlds(&flow) else { return Ok(()) };
        let runs: Vec<_> = worlds.iter().map(|it| it.run(&order)).collect();
        for before in flow.nodes.keys() {
            for node in flow.nodes.keys().filter(|it| *it != before && order.is_ancestor(before, it)) {
                let expected = runs.iter().all(|run| !run[node].ran || (run[before].gave && run[node].before.contains(before)));
                let ever = runs.iter().any(|run| run[node].ran);
                if ever {
                    prop_assert_eq!(order.always_before(before, node), expected, "{} before {} in {}", before, node, sketch);
                }
            }
        }
    }
}
