//! Doing a run again from somewhere: where it begins, with what, and what need not be done again.
//!
//! Invariant: pure; the same facts give the same plan. What a plan takes as done happened in the run that it repeats.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Entry, Given, Release, StepKey};
use crate::flow::{Flow, NodeId, Order, PortId};

/// From where a run is done again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryFrom {
    /// From its trigger.
    Start,
    /// From the first step that failed for good.
    Failed,
    /// From this step.
    Step(StepKey),
}

/// What a run that is done again begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The trigger.
    pub trigger: NodeId,
    /// What it gives.
    pub payload: Arc<Value>,
    /// Steps that are taken as done, in the order of their ends.
    pub given: Vec<Given>,
}

/// Plans it on a version of the flow.
///
/// # Errors
/// Why that cannot be, in words.
pub fn again(flow: &Flow, entries: &[Entry], from: &RetryFrom) -> Result<Again, &'static str> {
    let accepted = entries.iter().find_map(|it| match it {
        Entry::Accepted { trigger, payload, .. } => Some((trigger.clone(), Arc::clone(payload))),
        _ => None,
    });
    let (trigger, mut payload) = accepted.ok_or("What the run began with is not kept.")?;
    if !flow.nodes.contains_key(&trigger) {
        return Err("This version of the flow has not the trigger that the run began with.");
    }
    let chosen = match from {
        RetryFrom::Start => return Ok(Again { trigger, payload, given: Vec::new() }),
        RetryFrom::Failed => first_failed(entries).ok_or("No step of this run failed.")?,
        RetryFrom::Step(step) => step.node.clone(),
    };
    if !flow.nodes.contains_key(&chosen) {
        return Err("This version of the flow has not that step any more.");
    }
    let Ok(order) = Order::new(flow) else { return Err("This version of the flow goes in a circle and cannot run.") };
    // A step within a for-each is done again with all items of it.
    let chosen = order.enclosing(&chosen).into_iter().next().unwrap_or(chosen);
    let again = downstream(flow, &chosen);
    // A step that failed and of which nothing followed is done again: with it the run would end at once.
    let leads_on = |it: &Given| it.port != PortId::error() || flow.edges_from(&it.node).any(|edge| edge.port == it.port);
    let fits = |it: &Given| {
        let node = flow.nodes.get(&it.node);
        it.node != trigger
            && !again.contains(&it.node)
            && order.depth(&it.node) == 0
            && leads_on(it)
            && node.is_some_and(|node| !node.muted && node.kind.ports().contains(&it.port))
    };
    let ended = ended(entries);
    // What was read of its record then goes with what was told: later steps saw it as that.
    if let Some(read) = ended.iter().find(|it| it.node == trigger && it.port == PortId::out() && !again.contains(&trigger)) {
        payload = Arc::clone(&read.output);
    }
    let given = ended.into_iter().filter(fits).collect();
    Ok(Again { trigger, payload, given })
}

/// The step to go on from: the first that failed for good and was not done after all.
pub fn first_failed(entries: &[Entry]) -> Option<NodeId> {
    let mut open: Vec<&StepKey> = Vec::new();
    for entry in entries {
        match entry {
            Entry::StepFailed { step, retry_at: None, .. } | Entry::StepReleased { step, release: Release::Fail, .. } => {
                open.push(step);
            }
            Entry::StepSucceeded { step, .. } => open.retain(|it| *it != step),
            _ => {}
        }
    }
    open.first().map(|it| it.node.clone())
}

/// The node and all that can be reached from it.
fn downstream(flow: &Flow, from: &NodeId) -> BTreeSet<NodeId> {
    let mut reached = BTreeSet::from([from.clone()]);
    let mut open = vec![from.clone()];
    while let Some(node) = open.pop() {
        for edge in flow.edges_from(&node) {
            if reached.insert(edge.to.clone()) {
                open.push(edge.to.clone());
            }
        }
    }
    reached
}

/// All steps outside of for-eaches that ended, each with what it gave last.
fn ended(entries: &[Entry]) -> Vec<Given> {
    let mut order: Vec<NodeId> = Vec::new();
    let mut last: BTreeMap<NodeId, Given> = BTreeMap::new();
    for entry in entries {
        let Some(step) = entry.step().filter(|it| it.item.is_empty()) else { continue };
        let Some((port, output)) = gave(entry) else { continue };
        let given = Given { node: step.node.clone(), port, output };
        order.retain(|it| *it != step.node);
        order.push(step.node.clone());
        last.insert(step.node.clone(), given);
    }
    order.iter().filter_map(|it| last.remove(it)).collect()
}

fn gave(entry: &Entry) -> Option<(PortId, Arc<Value>)> {
    let port = |name: &str| PortId::new(name);
    match entry {
        Entry::StepSucceeded { port, output, .. } => Some((port.clone(), Arc::clone(output))),
        // What a step behind `error` saw is the failure.
        Entry::StepFailed { failure, retry_at: None, .. } => {
            Some((PortId::error(), Arc::new(serde_json::to_value(failure).unwrap_or_default())))
        }
        Entry::StepReleased { release, .. } => match release {
            Release::Done(output) => Some((PortId::out(), Arc::clone(output))),
            Release::Approve => Some((port("approved"), Arc::new(Value::Bool(true)))),
            Release::Decline => Some((port("declined"), Arc::new(Value::Bool(false)))),
            Release::Repeat | Release::Fail => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::flow::testing::Sketch;
    use crate::record::{Failure, FailureKind};
    use crate::run::ItemPath;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn done(node: &str, port: &str) -> Entry {
        Entry::StepSucceeded { step: StepKey::new(node), port: port.into(), output: Arc::new(json!({"of": node})), at: AT }
    }

    fn in_item(node: &str, item: u32) -> Entry {
        let step = StepKey { node: node.into(), item: ItemPath(vec![item]) };
        Entry::StepSucceeded { step, port: "out".into(), output: Arc::new(json!(item)), at: AT }
    }

    fn fails(node: &str, retried: bool) -> Entry {
        let failure = Failure::new(FailureKind::Refused, "No");
        let step = StepKey::new(node);
        Entry::StepFailed { step, attempt: 1, failure, retry_at: retried.then_some(AT), lost: false, at: AT }
    }

    fn run(entries: Vec<Entry>) -> Vec<Entry> {
        let mut all =
            vec![Entry::Accepted { trigger: "t".into(), payload: Arc::new(json!({"n": 1})), at: AT, cause: Arc::default() }];
        all.extend(entries);
        all
    }

    fn given(flow: &str, entries: &[Entry], from: &RetryFrom) -> Result<Vec<String>, &'static str> {
        let plan = again(&Sketch::flow(flow), entries, from)?;
        assert_eq!((plan.trigger.as_str(), &*plan.payload), ("t", &json!({"n": 1})));
        Ok(plan.given.iter().map(|it| format!("{}.{}", it.node, it.port)).collect())
    }

    fn step(node: &str) -> RetryFrom {
        RetryFrom::Step(StepKey::new(node))
    }

    #[test]
    fn what_is_before_and_beside_a_step_is_taken_as_done() {
        let line = "t.out -> a, a.out -> b, b.out -> c, t.out -> side";
        let entries = run(vec![done("a", "out"), done("side", "out"), fails("b", true), fails("b", false)]);
        let cases: [(RetryFrom, &[&str]); 5] = [
            (RetryFrom::Start, &[]),
            (RetryFrom::Failed, &["a.out", "side.out"]),
            (step("a"), &["side.out"]),
            (step("side"), &["a.out"]),
            (step("t"), &[]),
        ];
        for (from, expected) in cases {
            assert_eq!(given(line, &entries, &from).unwrap(), expected, "{from:?}");
        }
    }

    #[test]
    fn ways_that_were_taken_are_taken_again() {
        let flow = "t.out -> if_a, if_a.true -> b, if_a.false -> c, b.error -> d, b.out -> e";
        let entries = run(vec![done("if_a", "true"), fails("b", false), done("d", "out")]);
        assert_eq!(given(flow, &entries, &step("d")).unwrap(), ["if_a.true", "b.error"]);
        assert_eq!(given(flow, &entries, &RetryFrom::Failed).unwrap(), ["if_a.true"]);
    }

    #[test]
    fn a_step_of_an_item_is_done_again_with_its_whole_for_each() {
        let flow = "t.out -> a, a.out -> each, each.item -> x, each.done -> z";
        let entries = run(vec![done("a", "out"), in_item("x", 0), in_item("x", 1), done("each", "done"), done("z", "out")]);
        assert_eq!(given(flow, &entries, &step("x")).unwrap(), ["a.out"]);
        assert_eq!(given(flow, &entries, &step("z")).unwrap(), ["a.out", "each.done"]);
    }

    #[test]
    fn what_a_person_said_counts_as_what_a_step_gave() {
        let release = |release| Entry::StepReleased { step: StepKey::new("a"), release, at: AT };
        let flow = "t.out -> a, a.out -> b";
        let of = |it: Release| given(flow, &run(vec![release(it), done("b", "out")]), &step("b")).unwrap();
        assert_eq!(of(Release::Done(Arc::new(json!(1)))), ["a.out"]);
        // The sketch's step has no such way: another kind of step stands there now.
        assert!(of(Release::Approve).is_empty());
        assert!(of(Release::Repeat).is_empty());
    }

    #[test]
    fn another_version_takes_only_what_it_still_has() {
        let entries = run(vec![done("a", "out"), done("b", "out"), fails("c", false)]);
        assert_eq!(given("t.out -> b, b.out -> c", &entries, &RetryFrom::Failed).unwrap(), ["b.out"]);
        assert_eq!(given("t.out -> a, a.out -> b!, b.out -> c", &entries, &RetryFrom::Failed).unwrap(), ["a.out"]);
        for (flow, from) in
            [("t.out -> a", RetryFrom::Failed), ("t1.out -> a", RetryFrom::Start), ("t.out -> a, a.out -> a", step("a"))]
        {
            assert!(given(flow, &entries, &from).is_err(), "{flow} {from:?}");
        }
        assert!(given("t.out -> a", &run(vec![done("a", "out")]), &RetryFrom::Failed).is_err());
        assert!(again(&Sketch::flow("t"), &[], &RetryFrom::Start).is_err());
    }
}
