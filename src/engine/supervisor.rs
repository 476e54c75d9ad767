//! Takes commands, one after the other.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::drive::{Accepted, Driver, Signal, Start};
use super::shared::Shared;
use super::{Command, ConnectionId, Resumed, alert, breaker, deploy, letters, recover, reread, standing, wake};
use crate::connector::{BreakerState, Priority};
use crate::flow::{FlowId, NodeId, Trigger};
use crate::journal::Meanwhile;
use crate::record::{Failure, FailureKind};
use crate::run::{Cause, RunId};

/// When the journal is first brought within its bound after a start, and how often from then on.
const TIDY_FIRST: Duration = Duration::from_secs(20);
const TIDY_EVERY: Duration = Duration::from_mins(10);
/// The same, of bringing the index of the search up to date.
const INDEX_FIRST: Duration = Duration::from_secs(5);
const INDEX_EVERY: Duration = Duration::from_mins(1);

/// While events come in faster than they are dealt with, what is only of use later waits.
impl Meanwhile for Shared {
    fn is_over(&self) -> bool {
        self.is_stopping()
    }

    fn is_busy(&self) -> bool {
        self.intake.holds_back()
    }
}

/// The one task that commands go through.
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    lent: Arc<AtomicBool>,
}

impl Supervisor {
    pub(super) fn new(shared: Arc<Shared>, lent: Arc<AtomicBool>) -> Self {
        Self { shared, lent }
    }

    /// Works until it is told to stop, or every handle is gone.
    pub(super) async fn run(self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let (mut stopped, mut heeded, mut makes_way) = (None, None, false);
        let mut tidying = tokio::time::interval_at(Instant::now() + TIDY_FIRST, TIDY_EVERY);
        let mut indexing = tokio::time::interval_at(Instant::now() + INDEX_FIRST, INDEX_EVERY);
        let mut indexed = None;
        loop {
            let command = tokio::select! {
                command = commands.recv() => command,
                _ = indexing.tick() => {
                    let written = self.shared.journal.written().appends;
                    if indexed.replace(written) != Some(written) {
                        self.index();
                    }
                    continue;
                }
                _ = tidying.tick() => {
                    self.tidy();
                    continue;
                }
            };
            let Some(command) = command else { break };
            match command {
                Command::Deploy { deployment, reply } => {
                    reply.send(deploy::deploy(&self.shared, *deployment).await).ok();
                }
                Command::Undeploy { flow } => self.shared.remove_flow(&flow),
                Command::Start { flow, trigger, payload, given, watch, reply } => {
                    // The trigger is chosen among those of the flow. Whoever has a handle is at a window or a terminal.
                    let start = |trigger| Start { given, watch, priority: Priority::First, ..plain(trigger, payload) };
                    self.start(&flow, trigger, start, reply);
                }
                Command::Deliver { flow, trigger, payload, delivery, reply } => {
                    let start = |trigger| Start { delivery: Some(delivery), ..plain(trigger, payload) };
                    self.start(&flow, trigger, start, reply);
                }
                Command::Cancel { run, by, reply } => {
                    reply.send(self.signal(run, Signal::Cancel { by }).is_ok()).ok();
                }
                Command::Release { run, step, release, reply } => {
                    if let Err(Signal::Release { step, release, reply }) =
                        self.signal(run, Signal::Release { step, release, reply })
                    {
                        // In this task, so that two words on one run are heard one after the other.
                        reply.send(recover::wake(&self.shared, run, step, release).await).ok();
                    }
                }
                Command::Resume { connection, reply } => self.resume(connection, reply).await,
                Command::Heed { reread: by } => heeded = Some(by),
                // In this task, so that the connections are those that were read last.
                Command::Reread { reply } => {
                    reply.send(reread::apply(&self.shared, heeded.as_mut()).await).ok();
                }
                Command::Pause { flow, paused, reply } => self.pause(flow, paused, reply),
                Command::Resend { run, how, reply } => {
                    let shared = Arc::clone(&self.shared);
                    // Two that resend the same are told apart by the journal.
                    self.shared.tasks.spawn(async move { reply.send(letters::resend_here(&shared, run, *how).await).ok() });
                }
                Command::PutAside { runs, aside, reply } => {
                    let journal = self.shared.journal.clone();
                    self.shared.tasks.spawn_blocking(move || {
                        reply.send(letters::put_aside_in(&journal, &runs, aside).map_err(Failure::from)).ok();
                    });
                }
                Command::Standings { reply } => drop(reply.send(standing::now(&self.shared))),
                Command::Waiting { reply } => drop(reply.send(self.shared.queues.waiting())),
                Command::Alert { data } => alert::begin(&self.shared, data),
                Command::HeedClicks { told } => self.shared.caller.set_clicks(move |it| told.tell(it)),
                Command::TestAlert { reply } => {
                    let shared = Arc::clone(&self.shared);
                    self.shared.tasks.spawn(async move { reply.send(alert::test_here(&shared).await).ok() });
                }
                Command::Look => self.shared.nudge(),
                Command::MakeWay => makes_way = true,
                Command::HandOver { lend, reply } => {
                    reply.send(makes_way).ok();
                    if makes_way {
                        self.lent.store(lend, Ordering::Relaxed);
                        break;
                    }
                }
                Command::Stop { reply } => {
                    stopped = Some(reply);
                    break;
                }
            }
        }
        self.stop().await;
        if let Some(reply) = stopped {
            reply.send(()).ok();
        }
    }

    /// Holds back at once; whoever asked hears when it is on the disk.
    fn pause(&self, flow: FlowId, paused: bool, reply: oneshot::Sender<Result<(), Failure>>) {
        self.shared.queues.pause(&flow, paused);
        let journal = self.shared.journal.clone();
        self.shared.tasks.spawn_blocking(move || {
            reply.send(standing::keep(&journal, &flow, paused).map_err(Failure::from)).ok();
        });
    }

    /// Keeps the journal within its bound, beside everything else.
    fn tidy(&self) {
        let shared = Arc::clone(&self.shared);
        let now = shared.clock.now();
        self.shared.tasks.spawn_blocking(move || match shared.journal.retain(now) {
            Ok(retained) => {
                tracing::debug!(?retained, "the journal is within its bound");
                if let Err(error) = letters::forget_gone(&shared.journal) {
                    tracing::warn!(%error, "what became of runs that are gone could not be forgotten");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the journal could not be brought within its bound");
                shared.trouble(error.into());
            }
        });
    }

    /// Brings the index of the search up to date, beside everything else and in no hurry.
    fn index(&self) {
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn_blocking(move || match shared.journal.reader().index_quietly(&*shared) {
            Ok(indexed) => tracing::debug!(?indexed, "the index of the search is up to date"),
            // A search does without, only slower.
            Err(error) => tracing::warn!(%error, "the index of the search could not be brought up to date"),
        });
    }

    /// Tells a run; gives the signal back if it is not under way.
    fn signal(&self, run: RunId, signal: Signal) -> Result<(), Signal> {
        match self.shared.control(run) {
            Some(control) => control.send(signal),
            None => Err(signal),
        }
    }

    async fn resume(&self, connection: ConnectionId, reply: oneshot::Sender<Resumed>) {
        let was_stopped = !matches!(self.shared.caller.breaker(&connection), BreakerState::Closed { .. });
        self.shared.caller.close_breaker(&connection);
        if let Some(known) = self.shared.connections().get(&connection).cloned() {
            breaker::save(&self.shared, &known).await;
        }
        let (released, mut told) = mpsc::unbounded_channel();
        self.shared.signal_all(|| Signal::Resume { connection: connection.clone(), released: released.clone() });
        drop(released);
        // Each run answers when it next looks; other commands need not wait for that.
        tokio::spawn(async move {
            let mut released = Vec::new();
            while let Some(step) = told.recv().await {
                released.push(step);
            }
            released.sort();
            reply.send(Resumed { was_stopped, released }).ok();
        });
    }

    fn start(
        &self,
        flow: &FlowId,
        trigger: Option<NodeId>,
        start: impl FnOnce(NodeId) -> Start,
        reply: oneshot::Sender<Result<RunId, Failure>>,
    ) {
        let Some(deployed) = self.shared.deployed(flow) else {
            let failure = Failure::new(FailureKind::Flow, format!("The flow \"{flow}\" is not known here"));
            reply.send(Err(failure)).ok();
            return;
        };
        let trigger = match choose(&deployed.triggers, trigger) {
            Ok(trigger) => trigger,
            Err(failure) => {
                reply.send(Err(failure.at(deployed.program.name.clone()))).ok();
                return;
            }
        };
        let shared = Arc::clone(&self.shared);
        let start = start(trigger);
        self.shared.tasks.spawn(async move {
            let answer = Driver::accept(&shared, &deployed, start).await;
            reply.send(answer.map(|(Accepted::Run(run) | Accepted::Duplicate(run))| run)).ok();
        });
    }

    /// What is under way comes back and is written down, within the grace; then the journal is closed.
    async fn stop(&self) {
        self.shared.begin_stop();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        let journal = self.shared.journal.clone();
        wake::ends(&journal, self.shared.clock.now());
        tokio::task::spawn_blocking(move || journal.close()).await.ok();
    }
}

/// A run of which nothing is known but its event.
fn plain(trigger: NodeId, payload: Value) -> Start {
    Start {
        trigger,
        payload,
        given: Vec::new(),
        delivery: None,
        parent: None,
        depth: 0,
        cause: Cause::default(),
        refused: None,
        priority: Priority::Background,
        watch: None,
        respond: None,
    }
}

/// The trigger that was asked for; else the only one, or the only manual one.
fn choose(triggers: &std::collections::BTreeMap<NodeId, Trigger>, asked: Option<NodeId>) -> Result<NodeId, Failure> {
    let wrong = |title: String| Failure::new(FailureKind::Flow, title).hint("Name the trigger that the run is to begin with.");
    if let Some(asked) = asked {
        return if triggers.contains_key(&asked) { Ok(asked) } else { Err(wrong(format!("There is no trigger \"{asked}\""))) };
    }
    let mut manual = triggers.iter().filter(|(_, it)| matches!(it, Trigger::Manual { .. })).map(|(id, _)| id);
    match (manual.next(), manual.next()) {
        (Some(only), None) => return Ok(only.clone()),
        (Some(_), Some(_)) => return Err(wrong("There are several manual triggers".to_owned())),
        (None, _) => {}
    }
    let mut all = triggers.keys();
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(wrong("The flow has no trigger".to_owned())),
        (Some(_), Some(_)) => Err(wrong("The flow has several triggers".to_owned())),
    }
}
