//! One run, driven to its end: ask what is next, write it down, do it, fold in what came of it.
mod begin;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinSet};

use self::begin::Asked;
use super::control::{Control, Stand};
use super::queue::Turn;
use super::shared::Shared;
use super::step::{self, Performed};
use super::{ConnectionId, Event};
use crate::connector::Priority;
use crate::flow::NodeId;
use crate::journal::{Kept, NewRun, StepExchange};
use crate::record::{Failure, FailureKind, bounds};
use crate::run::{Cause, Conclusion, Entry, Given, Next, Outcome, Park, Release, Run, RunId, StepKey};

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
    /// How it is reached.
    control: Control,
    watch: Option<mpsc::Sender<Event>>,
    /// What the watcher has not been told yet.
    untold: Vec<Event>,
    respond: Option<oneshot::Sender<Reply>>,
    answer: Option<Arc<Value>>,
    /// Its place among the runs of its flow, until it ends or waits; none where it need not wait for others.
    turn: Option<Turn>,
    /// Whether it leaves events that arrive the first go.
    yields: bool,
}

impl Driver {
    /// So much goes into one commit, and the last of it may go beyond: with what [`Run::next`] adds it stays within what the
    /// journal takes at a time.
    const BROUGHT: usize = 64 << 20;
    /// So many items of a for-each keep the priority of their run.
    const SHOWN: u32 = 10;

    async fn drive(mut self: Box<Self>, mut accepted: Asked) {
        if self.turn.as_mut().is_some_and(|it| !it.has_come()) && !self.queue(&mut accepted).await {
            return;
        }
        // It is kept until what begins here is on the disk.
        let mut place = None;
        if self.yields && self.shared.intake.holds_back() {
            let shared = Arc::clone(&self.shared);
            place = self.hold(&mut accepted, std::pin::pin!(shared.intake.place())).await;
            if place.is_none() {
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
            self.control.stands(if rests { Stand::Resting } else { Stand::UnderWay });
            if self.wait(wake).await == Wait::Stop {
                self.drain().await;
                break;
            }
            self.control.stands(Stand::UnderWay);
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
            self.control.end(Ended { outcome, answer: self.answer.take() });
        }
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
            signal = self.control.signal() => return self.heed(signal),
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

    fn origin(&self) -> step::Origin {
        step::Origin { run: self.id, depth: self.depth, cause: Arc::clone(self.run.cause()), priority: self.priority }
    }
}

/// However it comes to its end here, nobody waits for it any longer.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.leave(self.id);
        self.control.let_go();
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Wait {
    Go,
    Stop,
}

#[cfg(test)]
mod tests;
