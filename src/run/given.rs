//! What a new run takes as done: a step that was done in an earlier run, or whose result a person has pinned.
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::program::Work;
use super::{Entry, ItemPath, Run, StepKey};
use crate::flow::{NodeId, PortId};
use crate::record::bounds::fits_a_run;
use crate::record::{Failure, FailureKind};

/// The result of a step that is not to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The step; not one within a for-each.
    pub node: NodeId,
    /// The way that it leaves by; by "error" it has failed.
    pub port: PortId,
    /// What it gives; how it failed, as [`Failure`] is written, where it has.
    pub output: Arc<Value>,
}

impl Run {
    /// Takes a step as done, before the run's first question. The fact is folded in before this returns.
    ///
    /// # Errors
    /// A [`Failure`] of kind `Flow` if there is no such step or way out, it is a trigger or within a for-each, or what it is
    /// to give is more than a run can carry.
    pub fn give(&mut self, given: Given, now: Timestamp) -> Result<Entry, Failure> {
        let Given { node, port, output } = given;
        let wrong =
            |what: &str| Failure::new(FailureKind::Flow, format!("The run cannot begin there: {what}")).at(node.to_string());
        let Some(&at) = self.program.index.get(node.as_str()) else {
            return Err(wrong("the step is not in this version of the flow").hint("Begin with the trigger."));
        };
        let compiled = &self.program.nodes[at];
        if matches!(compiled.work, Work::Trigger { .. }) || !compiled.owners.is_empty() {
            return Err(wrong("only steps outside of a for-each can be taken as done"));
        }
        let step = StepKey { node: node.clone(), item: ItemPath::default() };
        fits_a_run(&output).map_err(|beyond| self.too_much(&step, beyond))?;
        let entry = if port == PortId::error() {
            let failure = serde_json::from_value(Value::clone(&output))
                .map_err(|error| wrong("how the step failed is not known").detail(error.to_string()))?;
            if !compiled.error_wired {
                return Err(wrong("nothing follows where the step fails"));
            }
            Entry::StepFailed { step, attempt: 1, failure, retry_at: None, lost: false, at: now }
        } else {
            Entry::StepSucceeded { step, port, output, at: now }
        };
        self.apply(&entry);
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Catalog;
    use crate::flow::testing::{Sketch, id};
    use crate::flow::{Binding, Node, NodeKind};
    use crate::run::{Program, RunId};

    /// Each step but triggers and branches sets a field, so that no catalogue is needed.
    fn run(sketch: &str) -> Run {
        let mut flow = Sketch::flow(sketch);
        for (id, node) in &mut flow.nodes {
            let kind = match &node.kind {
                NodeKind::Action { .. } => NodeKind::Set { fields: [("value", Binding::value(id.as_str()))].into() },
                NodeKind::Branch { .. } => NodeKind::Branch { condition: Binding::value(true) },
                NodeKind::ForEach { .. } => {
                    NodeKind::ForEach { items: Binding::value(json!([1, 2])), parallel: 1, keep_going: false, collect: None }
                }
                other => other.clone(),
            };
            *node = Arc::new(Node { kind, ..Node::clone(node) });
        }
        let mut run = Run::new(RunId(1), Arc::new(Program::compile(&flow, &Catalog::default()).unwrap()));
        run.apply(&Entry::Accepted {
            trigger: id("t"),
            payload: Arc::default(),
            at: Timestamp::UNIX_EPOCH,
            cause: Arc::default(),
        });
        run
    }

    fn given(node: &str, port: &str) -> Given {
        Given { node: id(node), port: port.into(), output: Arc::new(json!("given")) }
    }

    /// The steps that were done, in order.
    fn done(run: &mut Run) -> String {
        let mut all = Vec::new();
        while run.outcome().is_none() {
            let next = run.next(Timestamp::UNIX_EPOCH, &|_| false);
            all.extend(next.entries.iter().filter_map(|it| match it {
                Entry::StepSucceeded { step, .. } => Some(step.to_string()),
                _ => None,
            }));
        }
        all.join(" ")
    }

    #[test]
    fn what_is_given_is_not_done_and_what_follows_goes_its_way() {
        for (sketch, given_steps, rest) in [
            ("t.out -> a, a.out -> b, b.out -> c", vec![("a", "out"), ("b", "out")], "c"),
            ("t.out -> if_x, if_x.true -> a, if_x.false -> b", vec![("if_x", "false")], "b"),
            ("t.out -> each, each.item -> x, each.done -> z", vec![("each", "done")], "z"),
            ("t.out -> a, a.out -> c, t.out -> b, b.out -> c", vec![("a", "out")], "b c"),
        ] {
            let mut run = run(sketch);
            for (node, port) in given_steps {
                run.give(given(node, port), Timestamp::UNIX_EPOCH).unwrap();
            }
            assert_eq!(done(&mut run), rest, "{sketch}");
        }
    }

    #[test]
    fn a_step_that_had_failed_leaves_by_its_error() {
        let mut run = run("t.out -> a, a.error -> b, a.out -> c");
        let failure = Failure::new(FailureKind::Refused, "No");
        let output = Arc::new(serde_json::to_value(&failure).unwrap());
        run.give(Given { node: id("a"), port: PortId::error(), output }, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(done(&mut run), "b");
    }

    #[test]
    fn what_cannot_be_given_is_refused() {
        for (sketch, node, port) in [
            ("t.out -> a", "nowhere", "out"),
            ("t.out -> a", "t", "out"),
            ("t.out -> each, each.item -> x", "x", "out"),
            ("t.out -> a", "a", "error"),
            ("t.out -> a, a.error -> b", "a", "error"),
        ] {
            let refused = run(sketch).give(given(node, port), Timestamp::UNIX_EPOCH);
            assert_eq!(refused.unwrap_err().kind, FailureKind::Flow, "{sketch} {node} {port}");
        }
        let mut large = given("a", "out");
        large.output = Arc::new(Value::from("x".repeat(41 << 20)));
        assert_eq!(run("t.out -> a").give(large, Timestamp::UNIX_EPOCH).unwrap_err().kind, FailureKind::Limit);
    }
}
