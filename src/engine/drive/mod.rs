//! One run, driven to its end: ask what is next, write it down, do it, fold in what came of it.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinSet};

use super::queue::Turn;
use super::release;
use super::shared::{Control, Deployed, Shared, Stand};
use super::step::{self, Performed};
use super::{ConnectionId, Event};
use crate::connector::Priority;
use crate::flow::{FlowId, NodeId, Pace};
use crate::journal::{Append, JournalError, Kept, NewRun, StepExchange};
use crate::record::{Failure, FailureKind, bounds};
use crate::run::{Cause, Conclusion, Entry, Given, Next, Outcome, Park, Program, Release, Run, RunId, StepKey, Via};

/// What a run under way can be told.
#[derive(Debug)]
pub(super) enum Signal {
    Cancel { by: String },
    Release { step: Option<String>, release: Release, reply: oneshot::Sender<Result<StepKey, Failure>> },
    Resume { connection: ConnectionId, released: mpsc::UnboundedSender<(RunId, StepKey)> },
    Stop,
}

/// How a run ended, and what it answered.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) answer: Option<Arc<Value>>,
}

/// What started a run.
pub(super) struct Start {
    pub(super) trigger: NodeId,
    pub(super) payload: Value,
    /// Steps that are taken as done.
    pub(super) given: Vec<Given>,
    pub(super) delivery: Option<String>,
    pub(super) parent: Option<(RunId, StepKey)>,
    pub(super) depth: u32,
    pub(super) cause: Cause,
    /// It is kept, and does not run: why.
    pub(super) refused: Option<Failure>,
    /// Whether a person waits for it.
    pub(super) priority: Priority,
    pub(super) watch: Option<mpsc::Sender<Event>>,
    /// Gets the output of the first respond node, or how the run ended without one.
    pub(super) respond: Option<oneshot::Sender<Reply>>,
}

/// What whoever started a run is told.
#[derive(Debug)]
pub(super) enum Reply {
    /// What a respond node said.
    Answer(Arc<Value>),
    /// The run ended without one.
    Ended(Outcome),
}

/// Whether a run was taken.
#[derive(Debug)]
pub(super) enum Accepted {
    /// It is on disk.
    Run(RunId),
    /// The same delivery is on disk already.
    Duplicate(RunId),
}

/// A run under way.
pub(super) struct Driver {
    shared: Arc<Shared>,
    run: Run,
    id: RunId,
    depth: u32,
    /// Of its calls.
    priority: Priority,
    /// Facts that are folded in and not yet on disk.
    entries: Vec<Entry>,
    exchanges: Vec<StepExchange>,
    /// What the attempts that came back since the last commit brought, in bytes of JSON, roughly.
    brought: usize,
    head: Option<NewRun>,
    /// What is kept together with its beginning.
    kept: Option<Kept>,
    /// The attempts under way, each with its task.
    in_flight: HashMap<StepKey, Id>,
    flights: JoinSet<Performed>,
    signals: mpsc::UnboundedReceiver<Signal>,
    ended: watch::Sender<Option<Ended>>,
    watch: Option<mpsc::Sender<Event>>,
    /// What the watcher has not been told yet.
    untold: Vec<Event>,
    respond: Option<oneshot::Sender<Reply>>,
    answer: Option<Arc<Value>>,
    /// Its place among the runs of its flow, until it ends or waits; none where it need not wait for others.
    turn: Option<Turn>,
    /// Whether it leaves events that arrive the first go.
    yields: bool,
    /// Where it stands, for whoever asks.
    stand: Arc<AtomicU8>,
}

impl Driver {
    /// So much goes into one commit, and the last of it may go beyond: with what [`Run::next`] adds it stays within what the
    /// journal takes at a time.
    const BROUGHT: usize = 64 << 20;
    /// So many items of a for-each keep the priority of their run.
    const SHOWN: u32 = 10;

    /// Takes a new run: it is driven on a task of its own, and the answer comes once it is on disk.
    pub(super) async fn accept(shared: &Arc<Shared>, flow: &Deployed, start: Start) -> Result<Accepted, Failure> {
        Self::accept_with(shared, flow, start, None).await
    }

    /// The same with a small value that is kept if the run is taken, in the same moment.
    pub(super) async fn accept_with(
        shared: &Arc<Shared>,
        flow: &Deployed,
        start: Start,
        kept: Option<Kept>,
    ) -> Result<Accepted, Failure> {
        if shared.is_stopping() {
            return Err(busy("Flowyard is stopping"));
        }
        // What comes in faster than the disk takes it waits here.
        shared.journal.room().await;
        let id = shared.journal.next_run_id();
        let now = shared.clock.now();
        let mut driver = Self::new(shared, id, &flow.program, start.depth)?;
        driver.priority = start.priority;
        driver.watch = start.watch;
        driver.respond = start.respond;
        driver.kept = kept;
        driver.head = Some(NewRun {
            flow: flow.program.flow.clone(),
            flow_name: flow.program.name.clone(),
            revision: flow.program.revision.clone(),
            trigger: start.trigger.clone(),
            delivery: start.delivery,
            mode: shared.mode,
            parent: start.parent,
            accepted: now,
        });
        // In the order in which events come, whatever the disk takes first.
        driver.turn = turn(shared, flow.pace, &flow.program.flow, &start.cause);
        driver.yields = driver.respond.is_none() && matches!(start.cause.via, Via::Hook | Via::Notice);
        let entry =
            Entry::Accepted { trigger: start.trigger, payload: Arc::new(start.payload), at: now, cause: Arc::new(start.cause) };
        driver.run.apply(&entry);
        driver.entries.push(entry);
        for given in start.given {
            match driver.run.give(given, now) {
                Ok(entry) => driver.entries.push(entry),
                Err(failure) => {
                    shared.leave(id);
                    return Err(failure);
                }
            }
        }
        if let Some(failure) = start.refused {
            let entry = Entry::Finished { outcome: Outcome::Failed(failure), at: now };
            driver.run.apply(&entry);
            driver.entries.push(entry);
            driver.turn = None;
        }
        let (reply, answer) = oneshot::channel();
        shared.tasks.spawn(driver.drive(Some(reply)));
        // The task answers in every case; if it is gone, the runtime is ending.
        answer.await.unwrap_or_else(|_| Err(busy("Flowyard is stopping")))
    }

    /// A run that an earlier process left unfinished. It can be reached from now on, and rests until [`Driver::go_on`].
    pub(super) fn restore(
        shared: &Arc<Shared>,
        id: RunId,
        program: &Arc<Program>,
        entries: &[Entry],
        depth: u32,
    ) -> Result<Self, Failure> {
        let mut driver = Self::new(shared, id, program, depth)?;
        for entry in entries {
            driver.run.apply(entry);
            if let Entry::StepSucceeded { step, output, .. } = entry
                && program.responds(&step.node)
            {
                driver.answer = Some(Arc::clone(output));
            }
        }
        // One that waited before has had its turn.
        if !entries.iter().any(gives_up_its_turn) {
            let pace = shared.deployed(&program.flow).map_or_else(Pace::default, |it| it.pace);
            driver.turn = turn(shared, pace, &program.flow, driver.run.cause());
        }
        Ok(driver)
    }

    /// A person's word on a step that waits, before the run goes on; says which step.
    pub(super) fn release(&mut self, step: Option<&str>, release: Release) -> Result<StepKey, Failure> {
        let step = release::choose(self.id, &self.run.parked_steps(), step, &release)?;
        self.entries.extend(self.run.release(&step, release, self.shared.clock.now()));
        Ok(step)
    }

    /// It does not go on after all.
    pub(super) fn give_up(self) {
        self.shared.leave(self.id);
    }

    /// Drives it on, on a task of its own.
    pub(super) fn go_on(self) {
        let shared = Arc::clone(&self.shared);
        shared.tasks.spawn(self.drive(None));
    }

    fn new(shared: &Arc<Shared>, id: RunId, program: &Arc<Program>, depth: u32) -> Result<Self, Failure> {
        let (sender, signals) = mpsc::unbounded_channel();
        let (ended, receiver) = watch::channel(None);
        let stand = Arc::new(AtomicU8::new(Stand::UnderWay as u8));
        let control = Control { flow: program.flow.clone(), stand: Arc::clone(&stand), signals: sender, ended: receiver };
        shared.enter(id, control).ok_or_else(|| {
            busy("Too many runs are under way").detail(format!("{} of {}", shared.limits.active_runs, shared.limits.active_runs))
        })?;
        Ok(Self {
            shared: Arc::clone(shared),
            run: Run::new(id, Arc::clone(program)).with_longest_rest(shared.longest_rest()),
            id,
            depth,
            priority: Priority::Background,
            entries: Vec::new(),
            exchanges: Vec::new(),
            brought: 0,
            head: None,
            kept: None,
            in_flight: HashMap::new(),
            flights: JoinSet::new(),
            signals,
            ended,
            watch: None,
            untold: Vec::new(),
            respond: None,
            answer: None,
            turn: None,
            yields: false,
            stand,
        })
    }

    async fn drive(mut self, mut accepted: Option<oneshot::Sender<Result<Accepted, Failure>>>) {
        if self.turn.as_mut().is_some_and(|it| !it.has_come()) && !self.queue(&mut accepted).await {
            self.shared.leave(self.id);
            return;
        }
        // It is kept until what begins here is on the disk.
        let mut place = None;
        if self.yields && self.shared.intake.holds_back() {
            let shared = Arc::clone(&self.shared);
            place = self.hold(&mut accepted, std::pin::pin!(shared.intake.place())).await;
            if place.is_none() {
                self.shared.leave(self.id);
                return;
            }
        }
        loop {
            let in_flight = &self.in_flight;
            let next = self.run.next(self.shared.clock.now(), &|step| in_flight.contains_key(step));
            let Next { entries, calls, wake, more } = next;
            self.entries.extend(entries);
            if !self.write_down(&mut accepted).await {
                break;
            }
            self.publish().await;
            if self.run.outcome().is_some() {
                break;
            }
            drop(place.take());
            for call in calls {
                let step = call.step.clone();
                let program = Arc::clone(self.run.program());
                let origin = step::Origin { priority: self.priority_of(&step), ..self.origin() };
                let flight = self.flights.spawn(step::perform(Arc::clone(&self.shared), program, origin, call));
                self.in_flight.insert(step, flight.id());
            }
            if more {
                continue;
            }
            let rests = self.flights.is_empty() && !self.run.is_between_attempts();
            self.stands(if rests { Stand::Resting } else { Stand::UnderWay });
            if self.wait(wake).await == Wait::Stop {
                self.drain().await;
                break;
            }
            self.stands(Stand::UnderWay);
        }
        self.flights.abort_all();
        if let Some(outcome) = self.run.outcome().cloned() {
            let flow = &self.run.program().flow;
            match &outcome {
                Outcome::Failed(failure) => tracing::warn!(run = self.id.0, %flow, %failure, "a run failed"),
                outcome => tracing::debug!(run = self.id.0, %flow, ?outcome, "a run ended"),
            }
            self.shared.counts.ended(&outcome);
            self.shared.ended(self.id, &outcome);
            self.tell(|run| Event::Ended { run: run.id, outcome: outcome.clone() });
            self.flush().await;
            if let Some(respond) = self.respond.take() {
                respond.send(Reply::Ended(outcome.clone())).ok();
            }
            self.ended.send_replace(Some(Ended { outcome, answer: self.answer.take() }));
        }
        self.shared.leave(self.id);
    }

    /// Writes down what is folded in, and tells whoever asked for the run; false where the run cannot go on.
    async fn write_down(&mut self, accepted: &mut Option<oneshot::Sender<Result<Accepted, Failure>>>) -> bool {
        if let Err(error) = self.commit(accepted.is_some()).await {
            if let Some(reply) = accepted.take() {
                let answer = match error {
                    JournalError::Duplicate { run } => Ok(Accepted::Duplicate(run)),
                    other => Err(other.into()),
                };
                reply.send(answer).ok();
            }
            return false;
        }
        if let Some(reply) = accepted.take() {
            self.shared.counts.started();
            self.tell(|run| Event::Started { run: run.id, program: Arc::clone(run.run.program()) });
            reply.send(Ok(Accepted::Run(self.id))).ok();
        }
        true
    }

    /// Waits for its turn. False where it is not to go on now.
    async fn queue(&mut self, accepted: &mut Option<oneshot::Sender<Result<Accepted, Failure>>>) -> bool {
        let Some(mut turn) = self.turn.take() else { return true };
        let has_come = self.hold(accepted, std::pin::pin!(turn.come())).await.is_some();
        self.turn = Some(turn);
        has_come
    }

    /// Waits for something before it begins; what started it is on the disk meanwhile. None where it is not to go on now.
    async fn hold<T: Default>(
        &mut self,
        accepted: &mut Option<oneshot::Sender<Result<Accepted, Failure>>>,
        mut until: std::pin::Pin<&mut (impl Future<Output = T> + Send)>,
    ) -> Option<T> {
        if !self.write_down(accepted).await {
            return None;
        }
        self.publish().await;
        self.stands(Stand::Waiting);
        let came = loop {
            tokio::select! {
                came = &mut until => break came,
                Some(signal) = self.signals.recv() => {
                    if self.heed(signal) == Wait::Stop {
                        return None;
                    }
                    // Somebody called it off.
                    if !self.entries.is_empty() {
                        break T::default();
                    }
                }
            }
        };
        self.stands(Stand::UnderWay);
        Some(came)
    }

    fn stands(&self, stand: Stand) {
        self.stand.store(stand as u8, Ordering::Relaxed);
    }

    /// The first items of a for-each show a person whether it works; the rest of a long one waits like everything else.
    fn priority_of(&self, step: &StepKey) -> Priority {
        if step.item.0.iter().any(|it| *it >= Self::SHOWN) { Priority::Background } else { self.priority }
    }

    /// Waits for something to happen, and folds it in.
    async fn wait(&mut self, wake: Option<Timestamp>) -> Wait {
        let clock = self.shared.clock;
        let sleep = async {
            match wake {
                Some(until) => clock.sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(done) = self.flights.join_next() => self.conclude(done),
            Some(signal) = self.signals.recv() => return self.heed(signal),
            () = sleep => {}
        }
        // Whatever else has come back by now goes into the same commit, unless that gets too large for one.
        while self.brought < Self::BROUGHT
            && let Some(done) = self.flights.try_join_next()
        {
            self.conclude(done);
        }
        Wait::Go
    }

    fn conclude(&mut self, done: Result<Performed, tokio::task::JoinError>) {
        let done = match done {
            Ok(done) => done,
            Err(error) => match self.cut_short(error.id()) {
                Some(done) => done,
                None => return,
            },
        };
        self.in_flight.remove(&done.step);
        for exchange in done.exchanges {
            self.brought += exchange.request.body.text.len() + exchange.answer.as_ref().map_or(0, |it| it.body.text.len());
            self.tell(|run| Event::Exchanged {
                run: run.id,
                step: done.step.clone(),
                attempt: done.attempt,
                exchange: Arc::clone(&exchange),
            });
            self.exchanges.push(StepExchange { step: done.step.clone(), attempt: done.attempt, exchange });
        }
        let now = self.shared.clock.now();
        let entry = self.run.conclude(&done.step, done.conclusion, now, fastrand::f64());
        if let Some(Entry::StepSucceeded { output, .. }) = &entry {
            self.brought += bounds::fits_a_run(output).unwrap_or_default();
        }
        self.entries.extend(entry);
    }

    /// A panic in a step is a fault of ours. Nobody knows what the step has done by then, as after an answer that was lost;
    /// the other steps are still under way.
    fn cut_short(&self, flight: Id) -> Option<Performed> {
        let (step, _) = self.in_flight.iter().find(|(_, it)| **it == flight)?;
        let title = self.run.program().title(&step.node);
        let failure = Failure::new(FailureKind::Machine, format!("\"{title}\" was cut short by a fault in Flowyard"))
            .at(step.to_string())
            .hint("Look into the log of the program for what happened, and report it.");
        tracing::error!(run = self.id.0, %step, "a step ended unexpectedly");
        Some(Performed { step: step.clone(), attempt: 0, conclusion: Conclusion::Lost(failure), exchanges: Vec::new() })
    }

    fn heed(&mut self, signal: Signal) -> Wait {
        let now = self.shared.clock.now();
        match signal {
            Signal::Cancel { by } => {
                let entry = Entry::Cancelled { by, at: now };
                self.run.apply(&entry);
                self.entries.push(entry);
            }
            Signal::Release { step, release, reply } => {
                reply.send(self.release(step.as_deref(), release)).ok();
            }
            Signal::Resume { connection, released } => {
                for (step, on) in self.run.parked_steps() {
                    if matches!(&on, Park::SignIn(id) | Park::Breaker(id) if id == connection.as_str()) {
                        self.entries.extend(self.run.release(&step, Release::Repeat, now));
                        released.send((self.id, step)).ok();
                    }
                }
            }
            Signal::Stop => return Wait::Stop,
        }
        Wait::Go
    }

    /// The engine stops: what is under way may come back, and is written down; the rest goes on after the next start.
    async fn drain(&mut self) {
        let grace = tokio::time::sleep(self.shared.limits.stop_grace);
        tokio::pin!(grace);
        while !self.flights.is_empty() {
            tokio::select! {
                // What has come back is kept, also where writing down what came before took all of the grace.
                biased;
                Some(done) = self.flights.join_next() => self.conclude(done),
                () = &mut grace => break,
            }
            if self.brought >= Self::BROUGHT && self.commit(false).await.is_ok() {
                self.entries.clear();
            }
        }
        if let Err(error) = self.commit(false).await {
            tracing::error!(run = self.id.0, %error, "what came back at the end could not be written down");
        }
    }

    /// Writes down what is folded in. A new run that cannot be written is not taken; a run that was taken waits for the
    /// disk, since its calls may only be made once their beginning is on it.
    async fn commit(&mut self, is_new: bool) -> Result<(), JournalError> {
        if self.entries.is_empty() && self.exchanges.is_empty() {
            return Ok(());
        }
        self.brought = 0;
        let append = Append {
            run: self.id,
            new: self.head.take(),
            entries: self.entries.clone(),
            exchanges: std::mem::take(&mut self.exchanges),
        };
        if is_new {
            return self.shared.journal.append_with(append, self.kept.take()).await;
        }
        let mut wait = Duration::from_millis(200);
        loop {
            let again = Append { run: self.id, new: None, entries: append.entries.clone(), exchanges: append.exchanges.clone() };
            match self.shared.journal.append(again).await {
                Ok(()) => return Ok(()),
                Err(error) if self.shared.is_stopping() => return Err(error),
                // Waiting cannot help these; the run stays as it is on disk.
                Err(error @ (JournalError::Unknown { .. } | JournalError::Exists { .. } | JournalError::TooLarge { .. })) => {
                    tracing::error!(run = self.id.0, %error, "a run cannot go on");
                    let failure = Failure::new(FailureKind::Machine, error.to_string()).hint(error.hint());
                    self.shared.trouble(failure);
                    return Err(error);
                }
                Err(error) => {
                    let failure = Failure::from(error);
                    self.shared.trouble(failure);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(10));
                }
            }
        }
    }

    /// Tells what is on disk now.
    async fn publish(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        if entries.iter().any(gives_up_its_turn) {
            self.turn = None;
        }
        for entry in &entries {
            if let Entry::StepParked { step, on, .. } = entry {
                tracing::warn!(run = self.id.0, flow = %self.run.program().flow, %step, ?on, "a step waits for a person");
            }
            if let Entry::StepSucceeded { step, output, .. } = entry
                && self.run.program().responds(&step.node)
            {
                self.answer = Some(Arc::clone(output));
                if let Some(respond) = self.respond.take() {
                    respond.send(Reply::Answer(Arc::clone(output))).ok();
                }
            }
        }
        if self.watch.is_none() && self.shared.events.receiver_count() == 0 {
            return;
        }
        if !entries.is_empty() {
            let entries: Arc<[Entry]> = entries.into();
            self.tell(|run| Event::Journaled { run: run.id, entries: Arc::clone(&entries) });
        }
        self.flush().await;
    }

    fn origin(&self) -> step::Origin {
        step::Origin { run: self.id, depth: self.depth, cause: Arc::clone(self.run.cause()), priority: self.priority }
    }

    fn tell(&mut self, event: impl Fn(&Self) -> Event) {
        if self.watch.is_some() {
            self.untold.push(event(self));
        }
        self.shared.tell(|| event(self));
    }

    /// Tells the watcher, and waits for it where it lags: what happened is never kept in memory without bound.
    async fn flush(&mut self) {
        let Some(watch) = &self.watch else { return };
        for event in self.untold.drain(..) {
            let told = tokio::select! {
                told = watch.send(event) => told.is_ok(),
                () = self.shared.stopping() => false,
            };
            if !told {
                self.watch = None;
                break;
            }
        }
    }
}

/// A run's place in its flow's queue. Whatever a person or another flow starts goes at once.
fn turn(shared: &Shared, pace: Pace, flow: &FlowId, cause: &Cause) -> Option<Turn> {
    if matches!(cause.via, Via::Person | Via::Flow) {
        return None;
    }
    let lane = if pace.any_order { "" } else { cause.record.as_str() };
    (!lane.is_empty() || pace.most().is_some() || shared.queues.is_paused(flow)).then(|| shared.queues.enter(flow, lane))
}

/// What waits for days is not what others of its record have to wait for.
fn gives_up_its_turn(entry: &Entry) -> bool {
    matches!(entry, Entry::StepWaiting { .. } | Entry::StepParked { on: Park::Approval(_), .. })
}

#[derive(Debug, PartialEq, Eq)]
enum Wait {
    Go,
    Stop,
}

fn busy(title: &str) -> Failure {
    Failure::new(FailureKind::Machine, title).hint("Send it again a little later.")
}

#[cfg(test)]
mod tests;
