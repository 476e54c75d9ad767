//! What happens in a run, as a person reads it and as a script reads it. Plain data: events in, lines out.
mod object;
mod wording;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

pub(in crate::cli) use self::object::{objects, outcome_name};
use self::wording::items;
pub(in crate::cli) use self::wording::{failure_lines, item, park_words, request_line};
use crate::cli::changes::Change;
use crate::cli::exit::Exit;
use crate::cli::print::{BAD, DIM, GOOD, Plain, WAITING, paint};
use crate::cli::words;
use crate::engine::Event;
use crate::flow::{Flow, Level, NodeId, NodeKind, Order};
use crate::record::{Exchange, Failure};
use crate::run::{Entry, Outcome, Park, Release, StepKey};

/// How watching a run ended.
#[derive(Debug)]
pub(in crate::cli) enum Ending {
    /// The run is over.
    Ended(Outcome),
    /// It waits for a person, and for nothing else.
    Parked,
    /// A person left before it was over.
    Interrupted,
    /// The engine gave it up.
    BrokenOff,
}

/// What is known of a run.
pub(in crate::cli) struct Story {
    flow: Arc<Flow>,
    /// Of the column with the nodes' names.
    width: usize,
    steps: HashMap<StepKey, Step>,
    seen: BTreeSet<NodeId>,
    /// Attempts under way.
    active: HashSet<StepKey>,
    /// Waits, and retries to come.
    resting: HashSet<StepKey>,
    parked: BTreeMap<StepKey, Park>,
    loops: BTreeMap<StepKey, Loop>,
    succeeded: usize,
    failed: usize,
    requests: usize,
    writes: Vec<Change>,
    may_go_on: bool,
}

/// A step that has not ended.
struct Step {
    began: Timestamp,
    exchanges: Vec<Arc<Exchange>>,
}

/// A for-each under way.
struct Loop {
    count: u32,
    finished: u32,
    failed: u32,
}

impl Story {
    /// As many facts at a time may be only the first of those that follow from one event.
    const LONG: usize = 256;

    pub(in crate::cli) fn new(flow: Arc<Flow>) -> Self {
        let loops = flow.nodes.values().any(|it| matches!(it.kind, NodeKind::ForEach { .. }));
        let widest = flow.nodes.values().map(|it| it.name.chars().count()).max().unwrap_or(0);
        Self {
            width: widest.clamp(8, 36) + if loops { 4 } else { 0 },
            flow,
            steps: HashMap::new(),
            seen: BTreeSet::new(),
            active: HashSet::new(),
            resting: HashSet::new(),
            parked: BTreeMap::new(),
            loops: BTreeMap::new(),
            succeeded: 0,
            failed: 0,
            requests: 0,
            writes: Vec::new(),
            may_go_on: false,
        }
    }

    pub(in crate::cli) fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Steps that ended.
    pub(in crate::cli) fn steps(&self) -> usize {
        self.succeeded + self.failed
    }

    /// Requests that were sent.
    pub(in crate::cli) fn requests(&self) -> usize {
        self.requests
    }

    /// Requests that may have changed something.
    pub(in crate::cli) fn writes(&self) -> Vec<Change> {
        self.writes.clone()
    }

    /// Whether nothing is under way or to come but what a person has to do.
    pub(in crate::cli) fn only_waits_for_people(&self) -> bool {
        self.active.is_empty() && self.resting.is_empty() && !self.parked.is_empty()
    }

    /// Whether what was told last may be cut in the middle.
    pub(in crate::cli) fn may_go_on(&self) -> bool {
        self.may_go_on
    }

    /// What became of a run that says nothing more.
    pub(in crate::cli) fn broken_off(&self) -> Ending {
        if self.only_waits_for_people() { Ending::Parked } else { Ending::BrokenOff }
    }

    /// Folds an event in; the lines that a person reads.
    pub(in crate::cli) fn take(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Exchanged { step, exchange, .. } => {
                self.exchanged(step, exchange);
                Vec::new()
            }
            Event::Journaled { entries, .. } => {
                self.may_go_on = entries.len() >= Self::LONG;
                entries.iter().flat_map(|it| self.entry(it)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn exchanged(&mut self, step: &StepKey, exchange: &Arc<Exchange>) {
        self.requests += 1;
        let is_read = matches!(exchange.request.method.as_str(), "GET" | "HEAD");
        let is_refused = exchange.answer.as_ref().is_some_and(|it| (400..500).contains(&it.status));
        if !is_read && !is_refused {
            let slot = self.flow.nodes.get(&step.node).and_then(|it| it.kind.slot());
            let service = slot.and_then(|it| self.flow.slots.get(it)).map_or("http", |it| it.as_str()).to_owned();
            let summary = format!("{}: {}", self.name(&step.node), request_line(exchange));
            self.writes.push(Change { service, effect: None, record: None, summary });
        }
        let began = exchange.started;
        self.steps.entry(step.clone()).or_insert(Step { began, exchanges: Vec::new() }).exchanges.push(Arc::clone(exchange));
    }

    fn entry(&mut self, entry: &Entry) -> Vec<String> {
        if let Some(step) = entry.step() {
            self.seen.insert(step.node.clone());
        }
        match entry {
            Entry::Accepted { trigger, .. } => {
                self.seen.insert(trigger.clone());
                vec![self.line(&paint(GOOD, "✓"), &StepKey::new(trigger.as_str()), &paint(DIM, "trigger"), None)]
            }
            Entry::StepStarted { step, at, .. } => {
                self.steps.entry(step.clone()).or_insert(Step { began: *at, exchanges: Vec::new() });
                self.resting.remove(step);
                self.active.insert(step.clone());
                Vec::new()
            }
            Entry::StepSucceeded { step, port, output, at } => {
                self.succeeded += 1;
                let looped = self.loops.remove(step);
                let ended = self.end(step);
                if matches!(self.kind(&step.node), Some(NodeKind::Log { .. })) {
                    return Vec::new();
                }
                let mut words = Vec::new();
                let mut lines = requests(ended.as_ref(), &mut words);
                if looped.is_some() {
                    let number = |key: &str| output.get(key).and_then(Value::as_u64).unwrap_or_default() as usize;
                    words.push(items(number("count"), number("failed")));
                } else if port.as_str() != "out" {
                    words.push(format!("→ {}", Plain(port.as_str())));
                }
                lines.push(self.line(&paint(GOOD, "✓"), step, &words.join("  "), ended.map(|it| words::between(it.began, *at))));
                lines
            }
            Entry::StepFailed { step, failure, retry_at, attempt, at, .. } => self.fail(step, failure, *retry_at, *attempt, *at),
            Entry::StepWaiting { step, until, .. } => {
                self.resting.insert(step.clone());
                vec![self.line(&paint(WAITING, "⏸"), step, &format!("waits until {}", words::local(*until)), None)]
            }
            Entry::ItemsOpened { step, count, .. } => {
                self.loops.insert(step.clone(), Loop { count: *count, finished: 0, failed: 0 });
                vec![self.line("▸", step, &words::count(*count as usize, "item"), None)]
            }
            Entry::ItemFinished { step, failure, .. } => {
                if let Some(it) = self.loops.get_mut(step) {
                    it.finished += 1;
                    it.failed += u32::from(failure.is_some());
                }
                Vec::new()
            }
            Entry::Logged { step, level, message, .. } => {
                let mark = match level {
                    Level::Info => paint(DIM, "·"),
                    Level::Warning => paint(WAITING, "!"),
                    Level::Error => paint(BAD, "!"),
                };
                let mut texts = message.lines();
                let first = self.line(&mark, step, &Plain(texts.next().unwrap_or_default()).to_string(), None);
                std::iter::once(first).chain(texts.map(|it| format!("    {}", Plain(it)))).collect()
            }
            Entry::StepParked { step, on, .. } => {
                self.active.remove(step);
                self.resting.remove(step);
                self.parked.insert(step.clone(), on.clone());
                let mut words = Vec::new();
                let mut lines = requests(self.steps.get(step), &mut words);
                if let Some(it) = self.steps.get_mut(step) {
                    it.exchanges.clear();
                }
                words.push(park_words(on));
                lines.push(self.line(&paint(WAITING, "⏸"), step, &words.join("  "), None));
                lines
            }
            Entry::StepReleased { step, release, at } => self.released(step, release, *at),
            Entry::Cancelled { .. } | Entry::Finished { .. } => Vec::new(),
        }
    }

    fn fail(
        &mut self,
        step: &StepKey,
        failure: &Failure,
        retry_at: Option<Timestamp>,
        attempt: u32,
        at: Timestamp,
    ) -> Vec<String> {
        let mut words = Vec::new();
        let Some(again) = retry_at else {
            self.failed += 1;
            self.loops.remove(step);
            let ended = self.end(step);
            let mut lines = requests(ended.as_ref(), &mut words);
            if self.flow.edges_from(&step.node).any(|edge| edge.port.as_str() == "error") {
                words.push("→ error".to_owned());
            }
            lines.push(self.line(&paint(BAD, "✗"), step, &words.join("  "), ended.map(|it| words::between(it.began, at))));
            lines.extend(failure_lines(failure));
            return lines;
        };
        self.active.remove(step);
        self.resting.insert(step.clone());
        let mut lines = Vec::new();
        if let Some(it) = self.steps.get_mut(step) {
            lines = requests(Some(it), &mut words);
            it.exchanges.clear();
        }
        words.push(format!("attempt {attempt} failed, again in {}", words::duration(words::between(at, again))));
        lines.push(self.line(&paint(WAITING, "↻"), step, &words.join("  "), None));
        lines.extend(failure_lines(failure).into_iter().take(2));
        lines
    }

    fn released(&mut self, step: &StepKey, release: &Release, at: Timestamp) -> Vec<String> {
        let (mark, words) = match release {
            Release::Repeat => {
                self.parked.remove(step);
                // What follows comes with the next facts.
                self.active.insert(step.clone());
                return Vec::new();
            }
            Release::Done(_) => (paint(GOOD, "✓"), "marked as done"),
            Release::Approve => (paint(GOOD, "✓"), "→ approved"),
            Release::Decline => (paint(GOOD, "✓"), "→ declined"),
            Release::Fail => (paint(BAD, "✗"), "marked as failed"),
        };
        if *release == Release::Fail {
            self.failed += 1;
        } else {
            self.succeeded += 1;
        }
        let ended = self.end(step);
        vec![self.line(&mark, step, words, ended.map(|it| words::between(it.began, at)))]
    }

    fn end(&mut self, step: &StepKey) -> Option<Step> {
        self.active.remove(step);
        self.resting.remove(step);
        self.parked.remove(step);
        self.steps.remove(step)
    }

    fn kind(&self, node: &NodeId) -> Option<&NodeKind> {
        self.flow.nodes.get(node).map(|it| &it.kind)
    }

    fn name(&self, node: &NodeId) -> String {
        let name = self.flow.nodes.get(node).map(|it| it.name.as_str()).filter(|it| !it.is_empty());
        Plain(name.unwrap_or(node.as_str())).to_string()
    }

    fn line(&self, mark: &str, step: &StepKey, words: &str, took: Option<Duration>) -> String {
        let label = format!("{}{}", self.name(&step.node), item(step));
        let took = took.map(|it| paint(DIM, format_args!("  {}", words::duration(it)))).unwrap_or_default();
        let width = self.width;
        format!("{mark} {label:<width$}  {words}{took}").trim_end().to_owned()
    }

    /// The line about the for-each under way; empty if there is none.
    pub(in crate::cli) fn progress(&self) -> String {
        let Some((step, it)) = self.loops.iter().next() else { return String::new() };
        let failed = if it.failed == 0 { String::new() } else { format!(", {} failed", it.failed) };
        format!(
            "  {}{}: {} of {}{failed}",
            self.name(&step.node),
            item(step),
            it.finished,
            words::count(it.count as usize, "item")
        )
    }

    /// Lines about the nodes that the run did not come to, or did not yet come to where it may go on.
    pub(in crate::cli) fn not_reached(&self, may_be: bool) -> Vec<String> {
        let order: Vec<NodeId> = match Order::new(&self.flow) {
            Ok(order) => order.topological().to_vec(),
            Err(_) => Vec::new(),
        };
        let missed =
            order.into_iter().filter(|it| !self.seen.contains(it) && !matches!(self.kind(it), Some(NodeKind::Trigger(_))));
        let line = |id: NodeId| {
            let is_muted = self.flow.nodes.get(&id).is_some_and(|it| it.muted);
            let words = match (is_muted, may_be) {
                (true, _) => "muted",
                (false, true) => "not yet reached",
                (false, false) => "not reached",
            };
            self.line(&paint(DIM, "↷"), &StepKey::new(id.as_str()), &paint(DIM, words), None)
        };
        missed.map(line).collect()
    }

    /// What each parked step waits for.
    pub(in crate::cli) fn waiting_words(&self) -> Vec<String> {
        self.parked.iter().map(|(step, on)| format!("{}{}: {}", self.name(&step.node), item(step), park_words(on))).collect()
    }
}

impl Ending {
    pub(in crate::cli) fn exit(&self) -> Exit {
        match self {
            Self::Ended(Outcome::Succeeded) => Exit::Done,
            Self::Ended(Outcome::Failed(_)) => Exit::Failed,
            Self::Ended(Outcome::Cancelled) | Self::Interrupted => Exit::Cancelled,
            Self::Parked => Exit::Waiting,
            Self::BrokenOff => Exit::Machine,
        }
    }
}

/// The last request of a step joins its own line; those before it (look-ups) stand above.
fn requests(step: Option<&Step>, words: &mut Vec<String>) -> Vec<String> {
    let Some((last, before)) = step.and_then(|it| it.exchanges.split_last()) else { return Vec::new() };
    words.push(request_line(last));
    before.iter().map(|it| format!("    {}", paint(DIM, request_line(it)))).collect()
}

#[cfg(test)]
mod tests;
