//! One run as the canvas plays it: a fold of its facts, node by node and wire by wire.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::log::RunHead;
use crate::flow::{FlowId, NodeId, PortId};
use crate::record::{Failure, FailureKind};
use crate::run::{Entry, Outcome, Park, Program, Release, RunId, Shown, StepKey, Via};

/// Durations of a node that are kept for its median.
const DURATIONS: usize = 1_000;
/// Steps of a run that are listed; all are counted.
const LISTED: usize = 5_000;

/// A run.
#[derive(Debug)]
pub(crate) struct Play {
    pub(crate) id: RunId,
    pub(crate) flow: FlowId,
    pub(crate) name: String,
    /// Whether this window started it.
    pub(crate) own: bool,
    /// Which way its event came.
    pub(crate) via: Via,
    /// Where it began, until a step of that begins: the event is told, and the record is still to be read.
    told: Option<NodeId>,
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) outcome: Option<Outcome>,
    nodes: BTreeMap<NodeId, NodePlay>,
    ways: BTreeMap<NodeId, BTreeMap<PortId, Way>>,
    /// In the order in which they began.
    pub(crate) steps: Vec<StepLine>,
    lines: BTreeMap<StepKey, usize>,
}

/// What passed through a port.
#[derive(Debug, Clone, Default)]
pub(crate) struct Way {
    pub(crate) count: u32,
    /// What passed last.
    pub(crate) last: Option<Arc<Value>>,
    /// When.
    pub(crate) at: Option<Timestamp>,
}

/// How far a node is.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodePlay {
    pub(crate) ok: u32,
    pub(crate) skipped: u32,
    pub(crate) failed: u32,
    /// Under way, each with its beginning.
    running: BTreeMap<StepKey, Timestamp>,
    /// Waiting for a time, each with its end.
    waiting: BTreeMap<StepKey, Timestamp>,
    parked: BTreeMap<StepKey, Park>,
    durations: Vec<u32>,
    /// The last one.
    pub(crate) failure: Option<Failure>,
    /// The last one.
    pub(crate) output: Option<Arc<Value>>,
}

/// What a node is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not reached.
    Idle,
    Running,
    /// For a time, or for another attempt.
    Waiting,
    /// For a person.
    Parked,
    Done,
    Failed,
}

/// A step, for a list.
#[derive(Debug, Clone)]
pub(crate) struct StepLine {
    pub(crate) step: StepKey,
    pub(crate) began: Timestamp,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) state: StepState,
    pub(crate) calls: u32,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepState {
    Running,
    Waiting,
    Parked,
    Done,
    Failed,
}

impl Shown for Play {
    fn output(&self, node: &NodeId) -> Option<Arc<Value>> {
        self.node(node)?.output.clone()
    }

    fn took(&self, node: &NodeId, port: &PortId) -> bool {
        self.way(node, port).is_some_and(|it| it.count > 0)
    }
}

impl NodePlay {
    /// What it is doing; the most urgent of all its steps.
    pub(crate) fn phase(&self) -> Phase {
        if !self.parked.is_empty() {
            Phase::Parked
        } else if !self.running.is_empty() {
            Phase::Running
        } else if !self.waiting.is_empty() {
            Phase::Waiting
        } else if self.failed > 0 {
            Phase::Failed
        } else if self.ok > 0 {
            Phase::Done
        } else {
            Phase::Idle
        }
    }

    /// Steps that wait for a time or a person.
    pub(crate) fn waiting(&self) -> u32 {
        (self.waiting.len() + self.parked.len()) as u32
    }

    /// Since when the oldest step under way is.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.running.values().min().copied()
    }

    /// When the next wait ends.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.waiting.values().min().copied()
    }

    /// What a person has to decide, and for which step.
    pub(crate) fn parked(&self) -> Option<(&StepKey, &Park)> {
        self.parked.first_key_value()
    }

    /// The middle one of its durations, in milliseconds.
    pub(crate) fn median_ms(&self) -> Option<u32> {
        let mut sorted = self.durations.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }

    fn left(&mut self, step: &StepKey) -> Option<Timestamp> {
        self.waiting.remove(step);
        self.parked.remove(step);
        self.running.remove(step)
    }
}

impl Play {
    pub(super) fn new(id: RunId, program: &Arc<Program>, own: bool) -> Self {
        Self::of(id, program.flow.clone(), program.name.clone(), own)
    }

    pub(crate) fn of(id: RunId, flow: FlowId, name: String, own: bool) -> Self {
        Self {
            id,
            flow,
            name,
            own,
            via: Via::default(),
            told: None,
            started: None,
            ended: None,
            outcome: None,
            nodes: BTreeMap::new(),
            ways: BTreeMap::new(),
            steps: Vec::new(),
            lines: BTreeMap::new(),
        }
    }

    /// A run from the disk: its facts, and the steps that its calls belong to.
    pub(crate) fn stored<'a>(head: &RunHead, entries: &[Entry], calls: impl Iterator<Item = &'a StepKey>) -> Self {
        let mut play = Self::of(head.id, head.flow.clone(), head.flow_name.clone(), false);
        for entry in entries {
            play.apply(entry);
        }
        for step in calls {
            play.exchanged(step);
        }
        if let Some(outcome) = &head.outcome {
            play.end(outcome.clone());
        }
        play
    }

    /// How far a node is; none where it was not reached.
    pub(crate) fn node(&self, id: &NodeId) -> Option<&NodePlay> {
        self.nodes.get(id)
    }

    /// Everything that was reached.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&NodeId, &NodePlay)> {
        self.nodes.iter()
    }

    /// What left a node through a port.
    pub(crate) fn way(&self, from: &NodeId, port: &PortId) -> Option<&Way> {
        self.ways.get(from)?.get(port)
    }

    /// Whether a step is under way.
    pub(crate) fn is_running(&self) -> bool {
        self.outcome.is_none() && (self.started.is_none() || self.nodes.values().any(|it| !it.running.is_empty()))
    }

    /// The nodes whose steps wait for a person.
    pub(crate) fn parked(&self) -> impl Iterator<Item = (&NodeId, &StepKey, &Park)> {
        self.nodes.iter().flat_map(|(id, it)| it.parked.iter().map(move |(step, park)| (id, step, park)))
    }

    /// Nodes that failed, so that one can be shown.
    pub(crate) fn failed(&self) -> BTreeSet<&NodeId> {
        self.nodes.iter().filter(|(_, it)| it.failed > 0).map(|(id, _)| id).collect()
    }

    pub(super) fn exchanged(&mut self, step: &StepKey) {
        if let Some(line) = self.lines.get(step).and_then(|at| self.steps.get_mut(*at)) {
            line.calls += 1;
        }
    }

    pub(crate) fn end(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
        for node in self.nodes.values_mut() {
            node.running.clear();
            node.waiting.clear();
            node.parked.clear();
        }
    }

    /// Folds in a fact.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Accepted { trigger, payload, at, cause } => {
                self.started = Some(*at);
                self.via = cause.via;
                self.told = Some(trigger.clone());
                let step = StepKey::new(trigger.clone());
                self.succeeded(&step, &PortId::out(), payload, *at);
            }
            Entry::StepStarted { step, at, .. } => {
                if self.told.take_if(|it| *it == step.node).is_some() {
                    // Nothing has passed on yet.
                    self.nodes.remove(&step.node);
                    self.ways.remove(&step.node);
                }
                let node = self.nodes.entry(step.node.clone()).or_default();
                node.waiting.remove(step);
                node.running.entry(step.clone()).or_insert(*at);
                self.line(step, *at).state = StepState::Running;
            }
            Entry::StepSucceeded { step, port, output, at } => self.succeeded(step, port, output, *at),
            Entry::StepFailed { step, failure, retry_at, at, .. } => self.fail(step, failure, *retry_at, *at),
            Entry::StepWaiting { step, until, at } => {
                let node = self.nodes.entry(step.node.clone()).or_default();
                node.running.remove(step);
                node.waiting.insert(step.clone(), *until);
                self.line(step, *at).state = StepState::Waiting;
            }
            Entry::ItemsOpened { step, count, at } => {
                self.nodes.entry(step.node.clone()).or_default().running.insert(step.clone(), *at);
                self.line(step, *at);
                self.passed(&step.node, &PortId::new("item"), *count, None, *at);
            }
            Entry::StepParked { step, on, at } => {
                let node = self.nodes.entry(step.node.clone()).or_default();
                node.running.remove(step);
                node.parked.insert(step.clone(), on.clone());
                self.line(step, *at).state = StepState::Parked;
            }
            Entry::StepReleased { step, release, at } => {
                self.nodes.entry(step.node.clone()).or_default().parked.remove(step);
                match release {
                    // What follows is told next.
                    Release::Repeat => {}
                    Release::Done(output) => self.succeeded(step, &PortId::out(), output, *at),
                    Release::Approve => self.succeeded(step, &PortId::new("approved"), &Arc::new(Value::Bool(true)), *at),
                    Release::Decline => self.succeeded(step, &PortId::new("declined"), &Arc::new(Value::Bool(false)), *at),
                    Release::Fail => {
                        self.fail(step, &Failure::new(FailureKind::Stopped, "It was marked as failed"), None, *at);
                    }
                }
            }
            Entry::ItemFinished { .. } | Entry::Logged { .. } | Entry::Cancelled { .. } => {}
            Entry::Finished { at, .. } => self.ended = Some(*at),
        }
    }

    fn succeeded(&mut self, step: &StepKey, port: &PortId, output: &Arc<Value>, at: Timestamp) {
        let node = self.nodes.entry(step.node.clone()).or_default();
        let began = node.left(step);
        node.ok += 1;
        node.output = Some(Arc::clone(output));
        if let Some(began) = began
            && node.durations.len() < DURATIONS
        {
            node.durations.push(milliseconds(began, at));
        }
        let line = self.line(step, began.unwrap_or(at));
        line.ended = Some(at);
        line.state = StepState::Done;
        self.passed(&step.node, port, 1, Some(output), at);
    }

    fn fail(&mut self, step: &StepKey, failure: &Failure, retry_at: Option<Timestamp>, at: Timestamp) {
        let node = self.nodes.entry(step.node.clone()).or_default();
        node.failure = Some(failure.clone());
        if let Some(retry) = retry_at {
            node.running.remove(step);
            node.waiting.insert(step.clone(), retry);
            self.line(step, at).state = StepState::Waiting;
            return;
        }
        let began = node.left(step);
        node.failed += 1;
        let line = self.line(step, began.unwrap_or(at));
        line.ended = Some(at);
        line.state = StepState::Failed;
        self.passed(&step.node, &PortId::error(), 1, None, at);
    }

    fn passed(&mut self, node: &NodeId, port: &PortId, count: u32, value: Option<&Arc<Value>>, at: Timestamp) {
        let way = self.ways.entry(node.clone()).or_default().entry(port.clone()).or_default();
        way.count += count;
        way.at = Some(at);
        if let Some(value) = value {
            way.last = Some(Arc::clone(value));
        }
    }

    fn line(&mut self, step: &StepKey, began: Timestamp) -> &mut StepLine {
        let at = if let Some(at) = self.lines.get(step) {
            *at
        } else {
            let fresh = StepLine { step: step.clone(), began, ended: None, state: StepState::Running, calls: 0 };
            if self.steps.len() < LISTED {
                self.steps.push(fresh);
            } else if let Some(last) = self.steps.last_mut() {
                *last = fresh;
            }
            let at = self.steps.len() - 1;
            self.lines.insert(step.clone(), at);
            at
        };
        &mut self.steps[at]
    }
}

fn milliseconds(from: Timestamp, to: Timestamp) -> u32 {
    u32::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn play() -> Play {
        Play::of(RunId(1), "f".into(), "F".to_owned(), true)
    }

    fn started(node: &str, ms: i64) -> Entry {
        Entry::StepStarted { step: StepKey::new(node), attempt: 1, at: at(ms) }
    }

    fn succeeded(node: &str, port: &str, ms: i64) -> Entry {
        Entry::StepSucceeded { step: StepKey::new(node), port: port.into(), output: Arc::new(json!({"id": 1})), at: at(ms) }
    }

    fn failed(node: &str, retry: Option<i64>, ms: i64) -> Entry {
        let failure = Failure::new(FailureKind::Refused, "No");
        Entry::StepFailed { step: StepKey::new(node), attempt: 1, failure, retry_at: retry.map(at), lost: false, at: at(ms) }
    }

    #[test]
    fn a_trigger_that_reads_its_record_is_under_way_until_it_has() {
        let mut play = play();
        play.apply(&Entry::Accepted { trigger: "t".into(), payload: Arc::new(json!(1)), at: at(0), cause: Arc::default() });
        play.apply(&started("t", 5));
        assert_eq!(play.node(&"t".into()).unwrap().phase(), Phase::Running);
        assert!(play.way(&"t".into(), &"out".into()).is_none());
        play.apply(&succeeded("t", "out", 45));
        assert_eq!(play.node(&"t".into()).unwrap().ok, 1);
        assert_eq!((play.way(&"t".into(), &"out".into()).unwrap().count, play.steps.len()), (1, 1));
    }

    #[test]
    fn a_step_runs_and_is_done_and_its_wire_counts() {
        let mut play = play();
        play.apply(&Entry::Accepted { trigger: "t".into(), payload: Arc::new(json!(1)), at: at(0), cause: Arc::default() });
        assert_eq!(play.node(&"t".into()).unwrap().phase(), Phase::Done);
        play.apply(&started("a", 5));
        assert_eq!(play.node(&"a".into()).unwrap().phase(), Phase::Running);
        assert!(play.is_running());
        play.apply(&succeeded("a", "true", 45));
        let node = play.node(&"a".into()).unwrap();
        assert_eq!((node.phase(), node.ok, node.median_ms()), (Phase::Done, 1, Some(40)));
        assert_eq!(play.way(&"a".into(), &"true".into()).unwrap().count, 1);
        assert!(play.way(&"a".into(), &"false".into()).is_none());
        assert_eq!(play.steps.len(), 2);
    }

    #[test]
    fn an_attempt_that_is_made_again_waits_and_a_last_one_fails() {
        let mut play = play();
        play.apply(&started("a", 0));
        play.apply(&failed("a", Some(1_000), 10));
        let node = play.node(&"a".into()).unwrap();
        assert_eq!((node.phase(), node.failed, node.until()), (Phase::Waiting, 0, Some(at(1_000))));
        play.apply(&started("a", 1_000));
        play.apply(&failed("a", None, 1_010));
        let node = play.node(&"a".into()).unwrap();
        assert_eq!((node.phase(), node.failed), (Phase::Failed, 1));
        assert_eq!(play.way(&"a".into(), &"error".into()).unwrap().count, 1);
        assert_eq!(play.steps.len(), 1, "one step, however often it was tried");
    }

    #[test]
    fn what_a_person_says_of_a_parked_step_ends_it() {
        let released = |release| {
            let mut play = play();
            play.apply(&Entry::StepParked { step: StepKey::new("a"), on: Park::Approval("Send it?".to_owned()), at: at(1) });
            play.apply(&Entry::StepReleased { step: StepKey::new("a"), release, at: at(9) });
            play
        };
        for (release, port) in
            [(Release::Approve, "approved"), (Release::Decline, "declined"), (Release::Done(Arc::default()), "out")]
        {
            let play = released(release);
            assert_eq!(play.node(&"a".into()).unwrap().phase(), Phase::Done);
            assert_eq!(play.way(&"a".into(), &port.into()).unwrap().count, 1);
        }
        assert_eq!(released(Release::Fail).node(&"a".into()).unwrap().phase(), Phase::Failed);
    }

    #[test]
    fn a_parked_step_waits_for_a_person_until_it_is_released() {
        let mut play = play();
        play.apply(&started("a", 0));
        play.apply(&Entry::StepParked { step: StepKey::new("a"), on: Park::Approval("Send it?".to_owned()), at: at(1) });
        assert_eq!(play.node(&"a".into()).unwrap().phase(), Phase::Parked);
        assert_eq!(play.parked().count(), 1);
        play.end(Outcome::Cancelled);
        assert_eq!(play.parked().count(), 0);
    }
}
