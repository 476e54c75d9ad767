//! What comes next: one pure function of the run, the time, and which attempts are under way.
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::begin::Begun;
use super::program::Work;
use super::sight::Sight;
use super::state::{Attempt, Frame, Run, State};
use super::{Entry, ItemPath, Next, Outcome, Park, Repeatable, StepKey};
use crate::flow::{JoinMode, PortId};
use crate::record::bounds::{Beyond, fits_a_run};
use crate::record::{Failure, FailureKind};

/// How the ways into a node stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Pending,
    Dead,
    Ready,
}

/// What one question needs besides the run.
struct Asking<'a> {
    now: Timestamp,
    in_flight: &'a dyn Fn(&StepKey) -> bool,
    next: Next,
    /// Of JSON in the entries, roughly.
    bytes: usize,
}

impl Asking<'_> {
    /// Entries that one answer may hold, so that a long for-each is written in pieces.
    const ENTRIES: usize = 256;
    /// And so many bytes of values, so that large ones are not written all at once.
    const BYTES: usize = 32 << 20;

    fn is_full(&self) -> bool {
        self.next.entries.len() >= Self::ENTRIES || self.bytes >= Self::BYTES
    }

    fn wake(&mut self, at: Timestamp) {
        self.next.wake = Some(self.next.wake.map_or(at, |it| it.min(at)));
    }
}

impl Run {
    /// What follows now. New facts are folded in before this returns; whoever asks writes them down, makes the calls,
    /// and counts those as in flight from then on. A step that was started and is not in flight was cut short: it is
    /// repeated, looked up first, or parked, as its operation allows. That is also how a recovered run goes on.
    pub fn next(&mut self, now: Timestamp, in_flight: &dyn Fn(&StepKey) -> bool) -> Next {
        let mut asking = Asking { now, in_flight, next: Next::default(), bytes: 0 };
        if self.outcome.is_some() || self.accepted.is_none() {
            return asking.next;
        }
        let cancelled = self.ending == Some(Outcome::Cancelled);
        let settled = cancelled || self.sweep(0, &mut ItemPath::default(), &mut asking);
        if settled && !asking.next.more {
            let outcome = self.ending.clone().unwrap_or(Outcome::Succeeded);
            self.note(Entry::Finished { outcome, at: now }, &mut asking);
        }
        asking.next
    }

    fn note(&mut self, entry: Entry, asking: &mut Asking<'_>) {
        self.apply(&entry);
        asking.next.entries.push(entry);
    }

    /// Goes through a frame in order; true if nothing in it is under way or still to come.
    fn sweep(&mut self, scope: usize, item: &mut ItemPath, asking: &mut Asking<'_>) -> bool {
        let program = Arc::clone(&self.program);
        let mut settled = true;
        for &node in &program.scopes[scope].nodes {
            if asking.is_full() {
                asking.next.more = true;
                return false;
            }
            settled &= self.visit(node, item, asking);
        }
        settled
    }

    /// One node; true if it is settled.
    fn visit(&mut self, node: usize, item: &mut ItemPath, asking: &mut Asking<'_>) -> bool {
        let ending = self.is_ending(node, item);
        let Some(state) = self.state(item, node) else { return true };
        match state {
            State::Skipped | State::Passed | State::Done { .. } | State::Failed { .. } => true,
            State::Idle => match self.arrival(node, item) {
                Arrival::Pending => ending,
                Arrival::Dead => {
                    self.set(node, item, State::Skipped);
                    true
                }
                Arrival::Ready if ending => true,
                Arrival::Ready if self.program.nodes[node].muted => {
                    self.set(node, item, State::Passed);
                    true
                }
                Arrival::Ready => self.start(node, item, None, asking),
            },
            State::Running(attempt) => {
                let attempt = *attempt;
                if (asking.in_flight)(&self.key(node, item)) {
                    return false;
                }
                ending || self.resume(node, item, attempt, asking)
            }
            State::Resting { .. } | State::Waiting { .. } | State::Parked { .. } | State::Released(_) if ending => true,
            State::Resting { attempt, at, .. } => {
                let (attempt, at) = (*attempt, *at);
                if asking.now < at {
                    asking.wake(at);
                    return false;
                }
                self.start(node, item, Some(attempt), asking)
            }
            State::Waiting { until } => {
                let until = *until;
                if asking.now < until {
                    asking.wake(until);
                    return false;
                }
                let output = Arc::new(serde_json::json!({ "until": until.to_string() }));
                self.succeed(node, item, PortId::out(), output, asking);
                true
            }
            State::Parked { .. } => false,
            State::Released(attempt) => {
                let attempt = *attempt;
                self.start(node, item, Some(attempt), asking)
            }
            State::Open(_) => self.sweep_items(node, item, asking),
        }
    }

    /// Whether nothing new may begin here: the run is ending, or an item around the node has failed.
    fn is_ending(&self, node: usize, item: &ItemPath) -> bool {
        let owners = self.program.owners(node);
        self.ending.is_some()
            || (1..=item.0.len()).any(|depth| {
                let inner = owners.get(depth).copied().unwrap_or(node);
                self.frame(&item.0[..depth], inner).is_some_and(|frame| frame.failed.is_some())
            })
    }

    fn arrival(&self, node: usize, item: &ItemPath) -> Arrival {
        let compiled = &self.program.nodes[node];
        // The one that the run began with, which is still to read the whole record; the others are skipped.
        if matches!(compiled.work, Work::Trigger { .. }) {
            return Arrival::Ready;
        }
        let first = matches!(compiled.work, Work::Join { mode: JoinMode::First });
        let (mut fired, mut pending) = (false, false);
        for way in &compiled.incoming {
            if way.opens_item {
                fired = true;
                continue;
            }
            match self.state(item, way.from) {
                Some(State::Done { port, .. }) => fired |= *port == way.port,
                Some(State::Failed { .. }) => fired |= way.port.as_str() == "error",
                Some(State::Passed) => fired |= self.program.nodes[way.from].pass.as_ref() == Some(&way.port),
                Some(State::Skipped) | None => {}
                Some(_) => pending = true,
            }
        }
        match (fired, pending) {
            (true, false) => Arrival::Ready,
            (true, true) if first => Arrival::Ready,
            (_, true) => Arrival::Pending,
            (false, false) => Arrival::Dead,
        }
    }

    /// Begins a step, or tries it again; true if it is settled at once.
    fn start(&mut self, node: usize, item: &mut ItemPath, earlier: Option<Attempt>, asking: &mut Asking<'_>) -> bool {
        let step = self.key(node, item);
        let attempt = match earlier {
            Some(it) => Attempt { number: it.number + 1, ..it },
            None => Attempt { number: 1, ..Attempt::none(asking.now) },
        };
        let now = asking.now;
        match self.begin(node, item, &step, attempt) {
            Ok(Begun::Call(call)) => {
                self.note(Entry::StepStarted { step: step.clone(), attempt: attempt.number, at: now }, asking);
                asking.next.calls.push(super::Perform { step, attempt: attempt.number, call });
                false
            }
            Ok(Begun::Output(port, output)) => {
                self.succeed(node, item, port, Arc::new(output), asking);
                true
            }
            Ok(Begun::Line(level, message)) => {
                let output = Arc::new(Value::from(message.as_str()));
                self.note(Entry::Logged { step, level, message, at: now }, asking);
                self.succeed(node, item, PortId::out(), output, asking);
                true
            }
            Ok(Begun::Wait(until)) => {
                self.note(Entry::StepWaiting { step, until, at: now }, asking);
                self.visit(node, item, asking)
            }
            Ok(Begun::Ask(question)) => {
                self.note(Entry::StepParked { step, on: Park::Approval(question), at: now }, asking);
                false
            }
            Ok(Begun::Items(list)) => {
                let count = list.as_array().map_or(0, Vec::len) as u32;
                self.note(Entry::ItemsOpened { step, count, at: now }, asking);
                if let Some(items) = self.items_mut(node, item) {
                    items.list = Some(Arc::new(list));
                }
                self.sweep_items(node, item, asking)
            }
            Err(failure) => {
                self.note(
                    Entry::StepFailed { step, attempt: attempt.number, failure, retry_at: None, lost: false, at: now },
                    asking,
                );
                true
            }
        }
    }

    /// A step that was started and is not in flight: the process ended in between.
    fn resume(&mut self, node: usize, item: &mut ItemPath, attempt: Attempt, asking: &mut Asking<'_>) -> bool {
        match self.program.nodes[node].work.repeatable().0 {
            Repeatable::Always => self.start(node, item, Some(attempt), asking),
            // Where the clock was set back meanwhile, it says nothing of how long that was.
            Repeatable::AfterLookup if (attempt.began..attempt.settled()).contains(&asking.now) => {
                asking.wake(attempt.settled());
                false
            }
            Repeatable::AfterLookup => self.start(node, item, Some(Attempt { lost: true, ..attempt }), asking),
            Repeatable::Never => {
                let step = self.key(node, item);
                self.note(Entry::StepParked { step, on: Park::Uncertain, at: asking.now }, asking);
                false
            }
        }
    }

    fn sweep_items(&mut self, node: usize, item: &mut ItemPath, asking: &mut Asking<'_>) -> bool {
        let program = Arc::clone(&self.program);
        let Work::ForEach { items: list, parallel, keep_going, body, .. } = &program.nodes[node].work else { return true };
        let Some(items) = self.items_mut(node, item) else { return true };
        if items.list.is_none() {
            // After a replay: the same expression over the same data as of the same time gives the same list.
            let at = items.at;
            let sight = Sight { run: self, item, node, now: at };
            let evaluated = list.or_null(&sight).unwrap_or_default();
            if let Some(items) = self.items_mut(node, item) {
                items.list = Some(Arc::new(evaluated));
            }
        }
        let mut at = None;
        let (mut opened_all, mut draining, mut all_settled) = (false, false, true);
        loop {
            if asking.is_full() {
                asking.next.more = true;
                return false;
            }
            let ending = self.is_ending(node, item);
            let Some(items) = self.items_mut(node, item) else { return true };
            let failing = !*keep_going && items.failed > 0;
            if failing && !draining {
                // Nothing new begins in the other items; what is under way comes back first.
                let first = items.failures.values().next().cloned().map(Box::new);
                for frame in items.active.values_mut().filter(|frame| frame.failed.is_none()) {
                    frame.failed.clone_from(&first);
                }
                (draining, at) = (true, None);
                continue;
            }
            // First those that are open already, in order; then new ones, as many as may run side by side.
            let after = at.map_or(Bound::Unbounded, Bound::Excluded);
            let index = match items.active.range((after, Bound::Unbounded)).next() {
                Some((&index, _)) => index,
                None if opened_all || ending || failing || items.active.len() >= *parallel as usize => break,
                None => {
                    while items.cursor < items.count
                        && (items.is_finished(items.cursor) || items.active.contains_key(&items.cursor))
                    {
                        items.cursor += 1;
                    }
                    if items.cursor >= items.count {
                        opened_all = true;
                        continue;
                    }
                    let index = items.cursor;
                    items.cursor += 1;
                    items.active.insert(index, Frame::new(program.scopes[*body].nodes.len()));
                    index
                }
            };
            at = Some(index);
            item.0.push(index);
            let settled = self.sweep(*body, item, asking);
            all_settled &= settled;
            if settled && !asking.next.more && self.ending.is_none() {
                self.finish_item(node, item, asking);
            }
            item.0.pop();
        }
        if self.ending.is_some() {
            return all_settled;
        }
        self.close_items(node, item, *keep_going, asking)
    }

    /// The innermost item of `item` is settled.
    fn finish_item(&mut self, node: usize, item: &ItemPath, asking: &mut Asking<'_>) {
        let program = Arc::clone(&self.program);
        let Work::ForEach { collect, body, .. } = &program.nodes[node].work else { return };
        let Some((&index, outer)) = item.0.split_last() else { return };
        let step = StepKey { node: program.nodes[node].id.clone(), item: ItemPath(outer.to_vec()) };
        let inner = program.scopes[*body].nodes.first().copied();
        let mut failure = inner.and_then(|it| self.frame(&item.0, it)).and_then(|frame| frame.failed.as_deref().cloned());
        let mut result = None;
        if let (None, Some(collect), Some(inner)) = (&failure, collect, inner) {
            match collect.or_null(&Sight { run: self, item, node: inner, now: asking.now }) {
                Ok(value) => match fits_a_run(&value) {
                    Ok(bytes) => {
                        asking.bytes += bytes;
                        result = Some(Arc::new(value));
                    }
                    Err(beyond) => failure = Some(self.too_much(&step, beyond)),
                },
                Err(error) => failure = Some(error),
            }
        }
        self.note(Entry::ItemFinished { step, index, failure, result, at: asking.now }, asking);
    }

    /// Leaves the for-each if all of its items are finished, or one failed and the rest is not to go on.
    fn close_items(&mut self, node: usize, item: &ItemPath, keep_going: bool, asking: &mut Asking<'_>) -> bool {
        let collects = matches!(&self.program.nodes[node].work, Work::ForEach { collect: Some(_), .. });
        let Some(items) = self.items_mut(node, item) else { return true };
        if !items.active.is_empty() {
            return false;
        }
        let failed = items.failed > 0 && !keep_going;
        if failed {
            let (index, first) = items.failures.first_key_value().map_or((0, None), |(at, it)| (*at, Some(it.clone())));
            let mut failure = first.unwrap_or_else(|| Failure::new(FailureKind::Stopped, "An item failed"));
            if failure.at.is_empty() {
                failure.at = format!("item {}", index + 1);
            }
            let step = self.key(node, item);
            self.note(Entry::StepFailed { step, attempt: 1, failure, retry_at: None, lost: false, at: asking.now }, asking);
            return true;
        }
        if items.low < items.count {
            // An item around this one has failed; nothing more begins here.
            return true;
        }
        let failures: Vec<Value> =
            items.failures.iter().map(|(index, failure)| serde_json::json!({ "index": index, "failure": failure })).collect();
        let mut output = serde_json::json!({ "count": items.count, "failed": items.failed, "failures": failures });
        if collects {
            output["results"] = items.results.values().map(|it| Value::clone(it)).collect();
        }
        self.succeed(node, item, PortId::new("done"), Arc::new(output), asking);
        true
    }

    fn succeed(&mut self, node: usize, item: &ItemPath, port: PortId, output: Arc<Value>, asking: &mut Asking<'_>) {
        let step = self.key(node, item);
        let entry = match fits_a_run(&output) {
            Ok(bytes) => {
                asking.bytes += bytes;
                Entry::StepSucceeded { step, port, output, at: asking.now }
            }
            Err(beyond) => {
                let failure = self.too_much(&step, beyond);
                Entry::StepFailed { step, attempt: 1, failure, retry_at: None, lost: false, at: asking.now }
            }
        };
        self.note(entry, asking);
    }

    /// What a step gives is written down, and has to be readable again.
    pub(super) fn too_much(&self, step: &StepKey, beyond: Beyond) -> Failure {
        Failure::new(FailureKind::Limit, format!("What \"{}\" gives is too much: {beyond}", self.program.title(&step.node)))
            .hint("Pick the parts that are needed.")
    }

    fn key(&self, node: usize, item: &ItemPath) -> StepKey {
        StepKey { node: self.program.nodes[node].id.clone(), item: item.clone() }
    }

    fn set(&mut self, node: usize, item: &ItemPath, state: State) {
        let local = self.program.nodes[node].local;
        if let Some(frame) = self.frame_mut(item, node) {
            frame.steps[local] = state;
        }
    }

    fn items_mut(&mut self, node: usize, item: &ItemPath) -> Option<&mut super::state::Items> {
        let local = self.program.nodes[node].local;
        match &mut self.frame_mut(item, node)?.steps[local] {
            State::Open(items) => Some(items),
            _ => None,
        }
    }
}
