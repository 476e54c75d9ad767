//! The state of a run: a fold over its entries.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::program::Program;
use super::{Cause, Entry, ItemPath, Outcome, Park, Release, RunId, StepKey};
use crate::flow::{NodeId, PortId};
use crate::record::{Failure, FailureKind};

/// A run: what happened so far, and through [`Run::next`] what comes next.
#[derive(Debug)]
pub struct Run {
    pub(super) id: RunId,
    pub(super) program: Arc<Program>,
    pub(super) accepted: Option<Timestamp>,
    pub(super) cause: Arc<Cause>,
    /// What it began with.
    pub(super) told: Arc<Value>,
    pub(super) root: Frame,
    /// How it will end once what is under way has come back.
    pub(super) ending: Option<Outcome>,
    pub(super) outcome: Option<Outcome>,
    pub(super) parked: u32,
    /// No rest between attempts is longer.
    pub(super) longest_rest: Option<SignedDuration>,
}

/// The steps of the whole run, or of one item.
#[derive(Debug)]
pub(super) struct Frame {
    /// By `Compiled::local`.
    pub(super) steps: Vec<State>,
    /// The last failure that was handled through an `error` port.
    pub(super) error: Option<Arc<Value>>,
    /// A failure that nothing handles.
    pub(super) failed: Option<Box<Failure>>,
}

/// Where a step stands.
#[derive(Debug, Default)]
pub(super) enum State {
    /// Not reached yet.
    #[default]
    Idle,
    /// Never reached: every way to it is dead.
    Skipped,
    /// Muted: passed through.
    Passed,
    /// An attempt is under way, or was when the process ended.
    Running(Attempt),
    /// The next attempt comes later.
    Resting { attempt: Attempt, at: Timestamp, failure: Box<Failure> },
    /// A wait.
    Waiting { until: Timestamp },
    /// Waits for a person.
    Parked { attempt: Attempt, on: Park },
    /// A person said to make the call again.
    Released(Attempt),
    /// A for-each at work.
    Open(Box<Items>),
    /// Left through a port.
    Done { port: PortId, output: Arc<Value> },
    /// Failed for good.
    Failed { output: Arc<Value> },
}

/// Which attempt, and what is known of the earlier ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// 1 for the first.
    pub(super) number: u32,
    /// How many of them failed only because of a rate limit.
    pub(super) limited: u32,
    /// When the first began; inputs are evaluated as of then.
    pub(super) first: Timestamp,
    /// When the last one began.
    pub(super) began: Timestamp,
    /// Whether an earlier one may have happened.
    pub(super) lost: bool,
}

/// The items of a for-each.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) count: u32,
    /// When it was opened; its list is evaluated as of then.
    pub(super) at: Timestamp,
    /// Evaluated when first needed, and again after a replay.
    pub(super) list: Option<Arc<Value>>,
    /// Items below this are finished.
    pub(super) low: u32,
    /// Finished items at or above `low`.
    pub(super) ahead: BTreeSet<u32>,
    /// Items below this have been looked at for opening.
    pub(super) cursor: u32,
    pub(super) active: BTreeMap<u32, Frame>,
    pub(super) failed: u32,
    /// The first few failures, by item.
    pub(super) failures: BTreeMap<u32, Failure>,
    pub(super) results: BTreeMap<u32, Arc<Value>>,
}

impl Attempt {
    /// Of a step that has not been attempted, so far as is known.
    pub(super) fn none(at: Timestamp) -> Self {
        Self { number: 0, limited: 0, first: at, began: at, lost: false }
    }

    /// When a service that was asked, and did not answer, has had its time to be done with it.
    pub(super) fn settled(&self) -> Timestamp {
        self.began.checked_add(Run::SETTLE).unwrap_or(Timestamp::MAX)
    }
}

impl Frame {
    pub(super) fn new(nodes: usize) -> Self {
        Self { steps: std::iter::repeat_with(State::default).take(nodes).collect(), error: None, failed: None }
    }
}

impl Items {
    /// How many failures are kept in words.
    pub(super) const FAILURES_KEPT: usize = 100;

    fn finish(&mut self, index: u32, failure: Option<&Failure>, result: Option<&Arc<Value>>) {
        self.active.remove(&index);
        if index < self.low || !self.ahead.insert(index) {
            return;
        }
        while self.ahead.remove(&self.low) {
            self.low += 1;
        }
        if let Some(failure) = failure {
            self.failed += 1;
            if self.failures.len() < Self::FAILURES_KEPT {
                self.failures.insert(index, failure.clone());
            }
        }
        if let Some(result) = result {
            self.results.insert(index, Arc::clone(result));
        }
    }

    pub(super) fn is_finished(&self, index: u32) -> bool {
        index < self.low || self.ahead.contains(&index)
    }
}

impl Run {
    /// A call that was not answered may still be under way at the service, which would then not know of it yet. It is
    /// looked up so long after it began, and not before.
    pub const SETTLE: SignedDuration = SignedDuration::from_secs(5);

    /// A run of which nothing is known yet; its first entry is `Accepted`.
    pub fn new(id: RunId, program: Arc<Program>) -> Self {
        let root = Frame::new(program.scopes[0].nodes.len());
        let (cause, told) = (Arc::default(), Arc::default());
        Self { id, program, accepted: None, cause, told, root, ending: None, outcome: None, parked: 0, longest_rest: None }
    }

    /// No rest between attempts is longer than this from now on, whatever the flow or a service asks for.
    #[must_use]
    pub fn with_longest_rest(self, most: Option<SignedDuration>) -> Self {
        Self { longest_rest: most, ..self }
    }

    /// The run that these entries tell of.
    pub fn replay<'a>(id: RunId, program: Arc<Program>, entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut run = Self::new(id, program);
        for entry in entries {
            run.apply(entry);
        }
        run
    }

    /// The program that it runs.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// What it goes back to.
    pub fn cause(&self) -> &Arc<Cause> {
        &self.cause
    }

    /// How it ended, if it did.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// How many steps wait for a person.
    pub fn parked(&self) -> u32 {
        self.parked
    }

    /// Whether any step of it is tried again by itself after a while.
    pub fn is_between_attempts(&self) -> bool {
        fn any(frame: &Frame) -> bool {
            frame.steps.iter().any(|it| match it {
                State::Resting { .. } => true,
                State::Open(items) => items.active.values().any(any),
                _ => false,
            })
        }
        any(&self.root)
    }

    /// What a step gave, if it is done and its item is still open.
    pub fn output(&self, step: &StepKey) -> Option<&Arc<Value>> {
        let &at = self.program.index.get(step.node.as_str())?;
        match self.state(&step.item, at)? {
            State::Done { output, .. } | State::Failed { output } => Some(output),
            _ => None,
        }
    }

    /// Folds one fact into the state. Facts about items that are finished already change nothing.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Accepted { trigger, payload, at, cause } => {
                self.accepted = Some(*at);
                self.cause = Arc::clone(cause);
                self.accept(trigger, payload);
            }
            Entry::StepStarted { step, attempt, at } => self.change(step, |state| {
                let before = state.attempt();
                // One that follows on another without a word of its end: the process ended in between.
                let cut_short = matches!(state, State::Running(_));
                let attempt = Attempt {
                    number: *attempt,
                    first: before.map_or(*at, |it| it.first),
                    began: *at,
                    limited: before.map_or(0, |it| it.limited),
                    lost: cut_short || before.is_some_and(|it| it.lost),
                };
                *state = State::Running(attempt);
            }),
            Entry::StepSucceeded { step, port, output, .. } => {
                self.change(step, |state| *state = State::Done { port: port.clone(), output: Arc::clone(output) });
                self.heed_stop(step, output);
            }
            Entry::StepFailed { step, attempt, failure, retry_at, lost, at } => {
                self.fail(step, *attempt, failure, *retry_at, *lost, *at);
            }
            Entry::StepWaiting { step, until, .. } => self.change(step, |state| *state = State::Waiting { until: *until }),
            Entry::ItemsOpened { step, count, at } => self.change(step, |state| {
                *state = State::Open(Box::new(Items {
                    count: *count,
                    at: *at,
                    list: None,
                    low: 0,
                    ahead: BTreeSet::new(),
                    cursor: 0,
                    active: BTreeMap::new(),
                    failed: 0,
                    failures: BTreeMap::new(),
                    results: BTreeMap::new(),
                }));
            }),
            Entry::ItemFinished { step, index, failure, result, .. } => self.change(step, |state| {
                if let State::Open(items) = state {
                    items.finish(*index, failure.as_ref(), result.as_ref());
                }
            }),
            Entry::Logged { .. } => {}
            Entry::StepParked { step, on, at } => {
                self.change(step, |state| {
                    let attempt = state.attempt().unwrap_or_else(|| Attempt::none(*at));
                    *state = State::Parked { attempt, on: on.clone() };
                });
            }
            Entry::StepReleased { step, release, at } => self.apply_release(step, release, *at),
            Entry::Cancelled { .. } => self.ending = Some(Outcome::Cancelled),
            Entry::Finished { outcome, .. } => self.outcome = Some(outcome.clone()),
        }
        self.parked = match entry {
            Entry::StepParked { .. } => self.parked + 1,
            Entry::StepReleased { .. } => self.parked.saturating_sub(1),
            _ => self.parked,
        };
    }

    fn accept(&mut self, trigger: &NodeId, payload: &Arc<Value>) {
        self.told = Arc::clone(payload);
        let program = Arc::clone(&self.program);
        for &at in &program.scopes[0].nodes {
            let node = &program.nodes[at];
            let super::program::Work::Trigger { whole } = &node.work else { continue };
            self.root.steps[node.local] = match whole {
                _ if node.id != *trigger => State::Skipped,
                // It has a step of its own first.
                Some(_) => State::Idle,
                None => State::Done { port: PortId::out(), output: Arc::clone(payload) },
            };
        }
    }

    fn fail(&mut self, step: &StepKey, number: u32, failure: &Failure, retry_at: Option<Timestamp>, lost: bool, at: Timestamp) {
        let Some(&node) = self.program.index.get(step.node.as_str()) else { return };
        let (handled, local) = (self.program.nodes[node].error_wired, self.program.nodes[node].local);
        let is_root = step.item.is_empty();
        let Some(frame) = self.frame_mut(&step.item, node) else { return };
        let state = &mut frame.steps[local];
        if let Some(retry_at) = retry_at {
            let before = state.attempt().unwrap_or_else(|| Attempt { number, ..Attempt::none(at) });
            let limited = before.limited + u32::from(failure.kind == FailureKind::RateLimit);
            let attempt = Attempt { number, limited, lost: before.lost || lost, ..before };
            *state = State::Resting { attempt, at: retry_at, failure: Box::new(failure.clone()) };
            return;
        }
        let output = Arc::new(serde_json::to_value(failure).unwrap_or_default());
        *state = State::Failed { output: Arc::clone(&output) };
        if handled {
            frame.error = Some(output);
            return;
        }
        if frame.failed.is_none() {
            frame.failed = Some(Box::new(failure.clone()));
        }
        if is_root && self.ending.is_none() {
            self.ending = Some(Outcome::Failed(failure.clone()));
        }
    }

    fn apply_release(&mut self, step: &StepKey, release: &Release, at: Timestamp) {
        match release {
            Release::Repeat => self.change(step, |state| {
                let attempt = state.attempt().unwrap_or_else(|| Attempt::none(at));
                // A person who was asked whether it happened has answered. A sign-in or a closed breaker says nothing of that.
                let asked = matches!(state, State::Parked { on: Park::Uncertain, .. });
                *state = State::Released(Attempt { lost: attempt.lost && !asked, ..attempt });
            }),
            Release::Done(output) => {
                self.change(step, |state| *state = State::Done { port: PortId::out(), output: Arc::clone(output) });
            }
            Release::Approve | Release::Decline => self.change(step, |state| {
                let agreed = *release == Release::Approve;
                let port = PortId::new(if agreed { "approved" } else { "declined" });
                *state = State::Done { port, output: Arc::new(Value::Bool(agreed)) };
            }),
            Release::Fail => {
                let failure =
                    Failure::new(FailureKind::Stopped, format!("\"{}\" was marked as failed", self.program.title(&step.node)));
                self.fail(step, 0, &failure, None, false, at);
            }
        }
    }

    /// A stop node that was reached ends the run.
    fn heed_stop(&mut self, step: &StepKey, output: &Value) {
        let Some(&at) = self.program.index.get(step.node.as_str()) else { return };
        if let super::program::Work::Stop { outcome, .. } = &self.program.nodes[at].work {
            self.ending.get_or_insert_with(|| match outcome {
                crate::flow::StopOutcome::Success => Outcome::Succeeded,
                crate::flow::StopOutcome::Failure => {
                    let message = output.get("message").and_then(Value::as_str).unwrap_or("A stop node ended the run");
                    Outcome::Failed(Failure::new(FailureKind::Stopped, message).at(step.to_string()))
                }
            });
        }
    }

    fn change(&mut self, step: &StepKey, change: impl FnOnce(&mut State)) {
        let Some(&node) = self.program.index.get(step.node.as_str()) else { return };
        let local = self.program.nodes[node].local;
        if let Some(frame) = self.frame_mut(&step.item, node) {
            change(&mut frame.steps[local]);
        }
    }

    /// Where a node stands for an item; none if the item is not open.
    pub(super) fn state(&self, item: &ItemPath, node: usize) -> Option<&State> {
        let compiled = &self.program.nodes[node];
        let frame = self.frame(&item.0[..compiled.owners.len().min(item.0.len())], node)?;
        frame.steps.get(compiled.local)
    }

    /// The frame at a path, which is the path of the for-eaches around `node`.
    pub(super) fn frame(&self, path: &[u32], node: usize) -> Option<&Frame> {
        let owners = self.program.owners(node);
        let mut frame = &self.root;
        for (owner, index) in owners.iter().zip(path) {
            let State::Open(items) = &frame.steps[self.program.nodes[*owner].local] else { return None };
            frame = items.active.get(index)?;
        }
        (owners.len() == path.len()).then_some(frame)
    }

    /// As `frame`; an item that was not known to be open is opened, unless it is finished.
    pub(super) fn frame_mut(&mut self, path: &ItemPath, node: usize) -> Option<&mut Frame> {
        let program = Arc::clone(&self.program);
        let owners = program.owners(node);
        if owners.len() != path.0.len() {
            return None;
        }
        let mut frame = &mut self.root;
        for (owner, index) in owners.iter().zip(&path.0) {
            let owner = &program.nodes[*owner];
            let State::Open(items) = &mut frame.steps[owner.local] else { return None };
            if items.is_finished(*index) || *index >= items.count {
                return None;
            }
            let super::program::Work::ForEach { body, .. } = owner.work else { return None };
            frame = items.active.entry(*index).or_insert_with(|| Frame::new(program.scopes[body].nodes.len()));
        }
        Some(frame)
    }
}

impl State {
    /// What is known of the attempts so far.
    pub(super) fn attempt(&self) -> Option<Attempt> {
        match self {
            Self::Running(attempt) | Self::Resting { attempt, .. } | Self::Parked { attempt, .. } | Self::Released(attempt) => {
                Some(*attempt)
            }
            _ => None,
        }
    }
}
