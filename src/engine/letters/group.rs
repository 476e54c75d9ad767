//! Failed runs, grouped by what failed in them.
//!
//! Invariant: pure; the same runs in the same order give the same groups.
use std::collections::BTreeMap;

use crate::flow::{FlowId, NodeId};
use crate::journal::RunHead;
use crate::record::Failure;
use crate::run::{Entry, Outcome, Release, RunId};

/// What runs that failed have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The flow.
    pub flow: FlowId,
    /// The step that failed; none where the run failed as a whole.
    pub step: Option<NodeId>,
    /// What the failure is called.
    pub title: String,
}

/// Runs of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What they have in common.
    pub cause: Cause,
    /// Newest first.
    pub runs: Vec<RunId>,
    /// The newest one.
    pub newest: RunHead,
    /// Its failure in its own words.
    pub example: Failure,
}

/// Counts runs as they are read, newest first.
#[derive(Debug, Default)]
pub struct Groups {
    groups: Vec<Problem>,
    places: BTreeMap<Cause, usize>,
}

impl Groups {
    /// Counts a run that failed, and the step that ended it; any other is passed over.
    pub fn add(&mut self, head: RunHead, step: Option<NodeId>) {
        let Some(Outcome::Failed(failure)) = head.outcome.clone() else { return };
        let cause = Cause { flow: head.flow.clone(), step, title: failure.title.clone() };
        if let Some(group) = self.places.get(&cause).and_then(|at| self.groups.get_mut(*at)) {
            group.runs.push(head.id);
            return;
        }
        self.places.insert(cause.clone(), self.groups.len());
        self.groups.push(Problem { cause, runs: vec![head.id], newest: head, example: failure });
    }

    /// The most frequent first; of those that are as frequent, the latest.
    pub fn list(&self) -> Vec<Problem> {
        let mut list = self.groups.clone();
        list.sort_by_key(|it| std::cmp::Reverse((it.runs.len(), it.newest.id)));
        list
    }
}

/// Folds in a fact: the step that failed for good last, which is the one that ended the run.
pub fn failed_step(last: &mut Option<NodeId>, entry: &Entry) {
    if let Entry::StepFailed { step, retry_at: None, .. } | Entry::StepReleased { step, release: Release::Fail, .. } = entry {
        *last = Some(step.node.clone());
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::journal::Mode;
    use crate::record::FailureKind;
    use crate::run::{Revision, StepKey};

    fn head(id: u64, flow: &str, title: Option<&str>) -> RunHead {
        let at = Timestamp::from_second(1_800_000_000 + id as i64).unwrap();
        RunHead {
            id: RunId(id),
            flow: flow.into(),
            flow_name: flow.to_owned(),
            revision: Revision("00".into()),
            trigger: "t".into(),
            delivery: None,
            mode: Mode::Sandbox,
            parent: None,
            accepted: at,
            finished: Some(at),
            outcome: Some(title.map_or(Outcome::Succeeded, |it| Outcome::Failed(Failure::new(FailureKind::Refused, it)))),
            steps: 1,
            failures: 1,
            parked: 0,
        }
    }

    #[test]
    fn runs_with_the_same_flow_step_and_words_are_one_problem() {
        let mut groups = Groups::default();
        for (id, flow, title, step) in [
            (9, "a", Some("No token"), Some("x")),
            (8, "a", Some("No token"), Some("y")),
            (7, "b", Some("No token"), Some("x")),
            (6, "a", Some("No token"), Some("y")),
            (5, "a", None, None),
            (4, "a", Some("Stopped"), None),
        ] {
            groups.add(head(id, flow, title), step.map(NodeId::from));
        }
        let list = groups.list();
        let line = |it: &Problem| {
            let step = it.cause.step.as_ref().map_or("-", NodeId::as_str);
            let runs: Vec<String> = it.runs.iter().map(ToString::to_string).collect();
            format!("{} {step} {}: {}", it.cause.flow, it.cause.title, runs.join(" "))
        };
        let lines: Vec<String> = list.iter().map(line).collect();
        assert_eq!(lines, ["a y No token: 8 6", "a x No token: 9", "b x No token: 7", "a - Stopped: 4"]);
        assert_eq!(list[0].newest.id, RunId(8));
    }

    #[test]
    fn the_step_that_failed_for_good_last_is_the_cause() {
        let failed = |node: &str, retry: bool| Entry::StepFailed {
            step: StepKey::new(node),
            attempt: 1,
            failure: Failure::new(FailureKind::Timeout, "Late"),
            retry_at: retry.then_some(Timestamp::UNIX_EPOCH),
            lost: false,
            at: Timestamp::UNIX_EPOCH,
        };
        let mut last = None;
        for entry in [failed("a", true), failed("b", false), failed("c", false), failed("d", true)] {
            failed_step(&mut last, &entry);
        }
        assert_eq!(last, Some("c".into()));
    }
}
