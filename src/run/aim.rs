//! What of a flow a test runs, and what it takes as done.
//!
//! Invariant: pure; what is tested follows from the flow, what is pinned, and the run that is shown.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::Given;
use crate::catalog::Catalog;
use crate::flow::{Binding, Edge, Flow, Node, NodeId, NodeKind, Order, PortId, Source, Trigger};

/// What is to be tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// The whole flow.
    Whole,
    /// A step, and all that leads to it.
    UpTo(NodeId),
    /// A step, on what the steps before it gave in the run that is shown.
    Only(NodeId),
}

/// A test, ready to start.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// The part of the flow that is tested.
    pub flow: Arc<Flow>,
    /// The trigger that the run begins with.
    pub trigger: NodeId,
    /// What the trigger gives.
    pub payload: Value,
    /// Steps that are taken as done.
    pub given: Vec<Given>,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The whole flow.
    pub flow: &'a Arc<Flow>,
    /// What a person has pinned as results of steps and triggers.
    pub pins: &'a BTreeMap<NodeId, Arc<Value>>,
    /// An earlier run: the one that is looked at.
    pub shown: Option<&'a dyn Shown>,
    /// What knows how events look.
    pub catalog: &'a Catalog,
}

/// What is known of an earlier run.
pub trait Shown: std::fmt::Debug {
    /// What a step, or the trigger, gave last.
    fn output(&self, node: &NodeId) -> Option<Arc<Value>>;
    /// Whether the run left a node by this way.
    fn took(&self, node: &NodeId, port: &PortId) -> bool;
}

/// Why a test cannot begin, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// The part of the flow that is to be tested has none.
    #[error("Add a trigger, and a wire from it: it is where a run begins.")]
    NoTrigger,
    /// What leads to the step has no order.
    #[error("The flow runs in a circle. Remove one of its wires.")]
    Circle,
    /// A step before the one that is to be tested gave nothing yet; its name.
    #[error("“{0}” comes before it and has given nothing yet. Test up to here first.")]
    NothingGiven(String),
}

impl Aim {
    /// The part of the flow that is tested.
    pub fn part(&self, flow: &Arc<Flow>) -> Arc<Flow> {
        match self {
            Self::Whole => Arc::clone(flow),
            Self::UpTo(node) => Arc::new(flow.leading_to(node)),
            Self::Only(node) => Arc::new(on_first_items(flow.leading_to(node), node)),
        }
    }

    /// How the test is begun.
    ///
    /// # Errors
    /// [`NoPlan`], where it cannot be.
    pub fn plan(&self, desk: &Desk<'_>) -> Result<Plan, NoPlan> {
        let flow = self.part(desk.flow);
        let (trigger, sample) = trigger_of(&flow, desk.catalog)?;
        let shown = |node: &NodeId| desk.shown.and_then(|it| it.output(node));
        let kept = |node: &NodeId| match self {
            Self::Only(_) => desk.pins.get(node).cloned().or_else(|| shown(node)),
            Self::Whole | Self::UpTo(_) => desk.pins.get(node).cloned(),
        };
        let payload = kept(&trigger).map_or(sample, |it| Value::clone(&it));
        let mut given = Vec::new();
        let Ok(order) = Order::new(&flow) else { return Err(NoPlan::Circle) };
        for id in order.topological() {
            let node = &flow.nodes[id];
            let target = matches!(self, Self::UpTo(it) | Self::Only(it) if it == id);
            // What is within a for-each is done for each item anew, and so is a for-each around the step.
            let within = order.depth(id) > 0;
            let around = matches!(self, Self::Only(it) | Self::UpTo(it) if order.enclosing(it).contains(id));
            if target || within || around || node.muted || matches!(node.kind, NodeKind::Trigger(_)) {
                continue;
            }
            match kept(id) {
                Some(output) => given.push(Given { node: id.clone(), port: self.port(&flow, desk.shown, id, node), output }),
                // A step that the shown run went past is gone past again, since what came before it goes the same way.
                None if matches!(self, Self::Only(_)) && was_entered(&flow, desk.shown, id) => {
                    return Err(NoPlan::NothingGiven(node.name.clone()));
                }
                None => {}
            }
        }
        Ok(Plan { flow, trigger, payload, given })
    }

    /// The way that a step leaves by which is not done: the one that it took, if that leads on, or else one that does.
    fn port(&self, flow: &Flow, shown: Option<&dyn Shown>, id: &NodeId, node: &Node) -> PortId {
        let wired: Vec<&PortId> =
            flow.edges_from(id).map(|it| &it.port).filter(|it| it.as_str() != "item" && **it != PortId::error()).collect();
        let took = |port: &PortId| shown.is_some_and(|it| it.took(id, port));
        let usual = || node.kind.pass_port().unwrap_or_else(PortId::out);
        if matches!(self, Self::Only(_)) && !wired.is_empty() {
            return wired.iter().find(|it| took(it)).or_else(|| wired.first()).map_or_else(usual, |it| (*it).clone());
        }
        let ports = node.kind.ports();
        ports.into_iter().find(|it| it.as_str() != "item" && *it != PortId::error() && took(it)).unwrap_or_else(usual)
    }
}

/// Whether a step was reached in a run; without a run, it has to be.
fn was_entered(flow: &Flow, shown: Option<&dyn Shown>, node: &NodeId) -> bool {
    let took = |edge: &Edge| shown.is_none_or(|it| it.took(&edge.from, &edge.port));
    flow.edges.iter().any(|it| it.to == *node && took(it))
}

/// For-eaches around a step go through their first item only.
fn on_first_items(mut flow: Flow, node: &NodeId) -> Flow {
    let Ok(order) = Order::new(&flow) else { return flow };
    for id in order.enclosing(node) {
        if let Some(it) = flow.nodes.get_mut(&id)
            && let NodeKind::ForEach { items, .. } = &mut Arc::make_mut(it).kind
        {
            first_of(items);
        }
    }
    flow
}

fn first_of(items: &mut Binding) {
    match &mut items.source {
        Source::Value(Value::Array(list)) => list.truncate(1),
        Source::List(list) => list.truncate(1),
        Source::Expr(source) => *source = format!("[({source})[0]]"),
        Source::Value(_) | Source::Text(_) | Source::Object(_) => {}
    }
}

/// Where a test begins, and with what: the only trigger, or the first by hand, with its sample.
fn trigger_of(flow: &Flow, catalog: &Catalog) -> Result<(NodeId, Value), NoPlan> {
    let mut all: Vec<(&NodeId, &Trigger)> = flow
        .nodes
        .iter()
        .filter(|(_, node)| !node.muted)
        .filter_map(|(id, node)| match &node.kind {
            NodeKind::Trigger(trigger) => Some((id, trigger)),
            _ => None,
        })
        .collect();
    all.sort_by_key(|(_, it)| !matches!(it, Trigger::Manual { .. }));
    let (id, trigger) = all.first().ok_or(NoPlan::NoTrigger)?;
    Ok(((*id).clone(), trigger.test_event(catalog)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::flow::testing::{Sketch, id};
    use crate::run::{Entry, Passed, StepKey};

    fn play(steps: &[(&str, &str, i64)]) -> Passed {
        let mut play = Passed::default();
        for (node, port, output) in steps {
            play.apply(&Entry::StepSucceeded {
                step: StepKey::new(*node),
                port: (*port).into(),
                output: Arc::new(json!(output)),
                at: jiff::Timestamp::UNIX_EPOCH,
            });
        }
        play
    }

    fn plan(aim: &Aim, sketch: &str, pins: &[(&str, i64)], shown: Option<&Passed>) -> Result<String, String> {
        let flow = Arc::new(Sketch::flow(sketch));
        let pins = pins.iter().map(|(node, value)| (id(node), Arc::new(json!(value)))).collect();
        let shown = shown.map(|it| it as &dyn Shown);
        let made =
            aim.plan(&Desk { flow: &flow, pins: &pins, shown, catalog: &Catalog::shipped() }).map_err(|it| it.to_string())?;
        let given: Vec<String> = made.given.iter().map(|it| format!("{}.{}={}", it.node, it.port, it.output)).collect();
        let nodes: Vec<String> = made.flow.nodes.keys().map(ToString::to_string).collect();
        Ok(format!("{} | {} {} | {}", nodes.join(" "), made.trigger, made.payload, given.join(" ")))
    }

    #[test]
    fn a_whole_test_does_all_that_is_not_pinned() {
        let sketch = "t.out -> a, a.out -> b";
        assert_eq!(plan(&Aim::Whole, sketch, &[], None).unwrap(), "a b t | t null | ");
        assert_eq!(plan(&Aim::Whole, sketch, &[("a", 7), ("t", 1)], None).unwrap(), "a b t | t 1 | a.out=7");
        // What an earlier run gave is no reason not to do it again.
        let shown = play(&[("a", "out", 5)]);
        assert_eq!(plan(&Aim::Whole, sketch, &[], Some(&shown)).unwrap(), "a b t | t null | ");
    }

    #[test]
    fn a_test_up_to_a_step_does_that_step_even_if_it_is_pinned() {
        let sketch = "t.out -> a, a.out -> b, b.out -> c";
        assert_eq!(plan(&Aim::UpTo(id("b")), sketch, &[("a", 7), ("b", 8)], None).unwrap(), "a b t | t null | a.out=7");
    }

    #[test]
    fn a_single_step_is_tested_on_what_was_given_before() {
        let sketch = "t.out -> a, a.out -> b, b.out -> c";
        let shown = play(&[("t", "out", 1), ("a", "out", 5), ("b", "out", 6)]);
        let only = Aim::Only(id("b"));
        assert_eq!(plan(&only, sketch, &[], Some(&shown)).unwrap(), "a b t | t 1 | a.out=5");
        assert_eq!(plan(&only, sketch, &[("a", 7)], Some(&shown)).unwrap(), "a b t | t 1 | a.out=7");
        assert!(plan(&only, sketch, &[], None).unwrap_err().contains("comes before it"));
        // A way that was not taken is not taken again.
        let sketch = "t.out -> if_x, if_x.true -> a, if_x.false -> b, a.out -> c, b.out -> c";
        let shown = play(&[("t", "out", 1), ("if_x", "false", 0), ("b", "out", 5)]);
        let planned = plan(&Aim::Only(id("c")), sketch, &[], Some(&shown)).unwrap();
        assert_eq!(planned, "a b c if_x t | t 1 | if_x.false=0 b.out=5");
    }

    #[test]
    fn a_for_each_around_a_single_step_goes_through_its_first_item() {
        let sketch = "t.out -> each, each.item -> x, each.done -> z";
        assert_eq!(plan(&Aim::Only(id("x")), sketch, &[], None).unwrap(), "each t x | t null | ");
        let mut items = Binding::expr("t.list | sort");
        first_of(&mut items);
        let data = crate::expr::Data::new(jiff::Timestamp::UNIX_EPOCH).with("t", json!({ "list": [3, 1, 2] }));
        let Source::Expr(source) = &items.source else { panic!("an expression") };
        assert_eq!(crate::expr::Expr::parse(source).unwrap().eval(&data).unwrap(), json!([1]));
        // Behind it, all that it did is taken as done.
        let shown = play(&[("each", "done", 3)]);
        assert_eq!(plan(&Aim::Only(id("z")), sketch, &[], Some(&shown)).unwrap(), "each t x z | t null | each.done=3");
    }
}
