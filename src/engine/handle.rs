//! The only door between the shells and the engine.
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::alert::Tried;
use super::letters::Resend;
use super::reread::{Renewed, Reread};
use super::{Clicked, ConnectionId, Deployment, Gap, Resumed, Standing};
use crate::catalog::OperationId;
use crate::flow::{FlowId, NodeId};
use crate::record::{Exchange, Failure};
use crate::run::{Entry, Given, Outcome, Program, Release, RunId, StepKey};

/// What a shell may ask for.
#[derive(Debug)]
pub enum Command {
    /// Make a flow known: its triggers listen, other flows may call it.
    Deploy {
        /// The flow and its connections.
        deployment: Box<Deployment>,
        /// The addresses below the listener where its webhooks answer.
        reply: oneshot::Sender<Result<Vec<Hook>, Failure>>,
    },
    /// Forget a flow; its runs go on.
    Undeploy {
        /// Which.
        flow: FlowId,
    },
    /// Start a run of a flow that is known.
    Start {
        /// Which flow.
        flow: FlowId,
        /// Through which trigger; none means its only one, or its manual one.
        trigger: Option<NodeId>,
        /// The trigger's output.
        payload: Value,
        /// Steps that are taken as done.
        given: Vec<Given>,
        /// Gets everything that happens in this run, without loss: the run waits for a watcher that lags.
        watch: Option<mpsc::Sender<Event>>,
        /// The run's number once it is on disk.
        reply: oneshot::Sender<Result<RunId, Failure>>,
    },
    /// Start a run for an event that comes from elsewhere, unless one came with the same name before.
    Deliver {
        /// Which flow.
        flow: FlowId,
        /// Through which trigger; none means its only one, or its manual one.
        trigger: Option<NodeId>,
        /// The trigger's output.
        payload: Value,
        /// What tells the event from all others of the flow.
        delivery: String,
        /// The number of the run that it began, now or before, once it is on disk.
        reply: oneshot::Sender<Result<RunId, Failure>>,
    },
    /// End a run.
    Cancel {
        /// Which.
        run: RunId,
        /// Who asked.
        by: String,
        /// Whether it is under way.
        reply: oneshot::Sender<bool>,
    },
    /// Let a parked step go on.
    Release {
        /// Which run.
        run: RunId,
        /// Which step, as it is written; none means the only one that waits.
        step: Option<String>,
        /// How.
        release: Release,
        /// The step, or why it cannot go on so.
        reply: oneshot::Sender<Result<StepKey, Failure>>,
    },
    /// A connection works again: its breaker is closed, steps parked on it go on.
    Resume {
        /// Which connection.
        connection: ConnectionId,
        /// What that did.
        reply: oneshot::Sender<Resumed>,
    },
    /// From now on connections are read anew by this, whenever somebody says that they changed.
    Heed {
        /// Reads them.
        reread: Reread,
    },
    /// The connections have changed, or the flows that are on.
    Reread {
        /// What there is now, or why it stays what it was.
        reply: oneshot::Sender<Result<Renewed, Failure>>,
    },
    /// Hold back what triggers start of a flow, or let it begin. What is under way goes on; what comes is kept.
    Pause {
        /// Which flow.
        flow: FlowId,
        /// Whether to hold back.
        paused: bool,
        /// When it is written down, and holds.
        reply: oneshot::Sender<Result<(), Failure>>,
    },
    /// Resend a run that failed.
    Resend {
        /// Which.
        run: RunId,
        /// How.
        how: Box<Resend>,
        /// The new run, or why there is none.
        reply: oneshot::Sender<Result<RunId, Failure>>,
    },
    /// Put runs that failed aside, or take that back.
    PutAside {
        /// Which.
        runs: Vec<RunId>,
        /// Whether to put them aside.
        aside: bool,
        /// With which of them it was done.
        reply: oneshot::Sender<Result<Vec<RunId>, Failure>>,
    },
    /// Where the runs of each flow stand.
    Standings {
        /// The flows that are known, and those with runs that are not over.
        reply: oneshot::Sender<BTreeMap<FlowId, Standing>>,
    },
    /// How many runs of each flow wait for their turn.
    Waiting {
        /// Their numbers.
        reply: oneshot::Sender<BTreeMap<FlowId, u64>>,
    },
    /// Alert a person from now on, as the choices in this directory say.
    Alert {
        /// The data directory.
        data: PathBuf,
    },
    /// From now on somebody is told of clicks on notifications.
    HeedClicks {
        /// Who.
        told: HeedClick,
    },
    /// Tell a test alert.
    TestAlert {
        /// What came of it, by each way.
        reply: oneshot::Sender<Result<Vec<Tried>, Failure>>,
    },
    /// Look at every service that is looked at now and then, at once.
    Look,
    /// From now on the engine makes way for another process that asks for the data directory.
    MakeWay,
    /// Another process wants the data directory: the engine ends, if it makes way.
    HandOver {
        /// Whether it wants it for a while only.
        lend: bool,
        /// Whether it does.
        reply: oneshot::Sender<bool>,
    },
    /// Accept nothing more, let what is under way come back, write it down, and end.
    Stop {
        /// When that is done.
        reply: oneshot::Sender<()>,
    },
}

/// Is told of clicks on notifications.
#[derive(Clone)]
pub struct HeedClick(Arc<dyn Fn(Clicked) + Send + Sync>);

impl HeedClick {
    /// Somebody clicked.
    pub(super) fn tell(&self, clicked: Clicked) {
        (self.0)(clicked);
    }
}

impl fmt::Debug for HeedClick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeedClick")
    }
}

/// What the engine tells.
#[derive(Debug, Clone)]
pub enum Event {
    /// A run is on disk.
    Started {
        /// Which run.
        run: RunId,
        /// What it runs.
        program: Arc<Program>,
    },
    /// Facts that are on disk now.
    Journaled {
        /// Which run.
        run: RunId,
        /// The facts, in order.
        entries: Arc<[Entry]>,
    },
    /// A request and its answer.
    Exchanged {
        /// Which run.
        run: RunId,
        /// Which step.
        step: StepKey,
        /// Which attempt.
        attempt: u32,
        /// What went over the wire.
        exchange: Arc<Exchange>,
    },
    /// A run is over.
    Ended {
        /// Which run.
        run: RunId,
        /// How.
        outcome: Outcome,
    },
    /// A service was looked at.
    Looked(Look),
    /// Nothing ran here for a while: the computer slept, or Flowyard was not running.
    Woke(Gap),
    /// Something that no run can tell: the disk, a listener, a flow that is no longer readable.
    Trouble(Failure),
}

/// A look at a service for what it does not tell by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Whose account.
    pub connection: ConnectionId,
    /// What was looked for.
    pub event: OperationId,
    /// When it ended.
    pub at: Timestamp,
    /// When the next one is due.
    pub next: Timestamp,
    /// When the next time of a record comes that it knows of, where times are what is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// How many events it found.
    pub found: usize,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A webhook that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Whose.
    pub flow: FlowId,
    /// Its trigger.
    pub node: NodeId,
    /// Below `/hooks/`.
    pub path: String,
}

/// An answer that arrives later: poll it each frame, or await it.
#[derive(Debug)]
pub struct Pending<T> {
    answer: oneshot::Receiver<T>,
    value: Option<T>,
}

impl<T> Pending<T> {
    fn new(answer: oneshot::Receiver<T>) -> Self {
        Self { answer, value: None }
    }

    /// The answer, if it is there; never waits.
    pub fn poll(&mut self) -> Option<&T> {
        if self.value.is_none() {
            self.value = self.answer.try_recv().ok();
        }
        self.value.as_ref()
    }

    /// Waits for the answer; none if the engine has ended.
    pub async fn wait(self) -> Option<T> {
        match self.value {
            Some(value) => Some(value),
            None => self.answer.await.ok(),
        }
    }
}

/// Cheap to clone; works from any thread, and never blocks.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    events: broadcast::Sender<Event>,
    troubles: broadcast::Sender<Failure>,
    /// Listens since before the engine started, until somebody asks for it.
    first: Arc<Mutex<Option<broadcast::Receiver<Failure>>>>,
    address: Option<SocketAddr>,
    lent: Arc<AtomicBool>,
}

impl Handle {
    pub(super) fn new(
        commands: mpsc::UnboundedSender<Command>,
        events: broadcast::Sender<Event>,
        troubles: broadcast::Sender<Failure>,
        first: broadcast::Receiver<Failure>,
        address: Option<SocketAddr>,
        lent: Arc<AtomicBool>,
    ) -> Self {
        Self { commands, events, troubles, first: Arc::new(Mutex::new(Some(first))), address, lent }
    }

    /// Where webhooks are listened for.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Everything that happens from now on; a listener that lags loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// [`Event::Trouble`] alone. Whoever asks first is told of what happened while the engine started, too: of runs that
    /// could not go on, for example.
    pub fn troubles(&self) -> broadcast::Receiver<Failure> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.unwrap_or_else(|| self.troubles.subscribe())
    }

    /// Sends a command; one that comes after the end is dropped, and its answer never comes.
    pub fn send(&self, command: Command) {
        self.commands.send(command).ok();
    }

    /// Makes a flow known.
    pub fn deploy(&self, deployment: Deployment) -> Pending<Result<Vec<Hook>, Failure>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Deploy { deployment: Box::new(deployment), reply });
        Pending::new(answer)
    }

    /// Holds back what triggers start of a flow and of its copies for accounts, or lets it begin; stays so over a restart. The answer
    /// comes when that is written down.
    pub fn pause(&self, flow: FlowId, paused: bool) -> Pending<Result<(), Failure>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Pause { flow, paused, reply });
        Pending::new(answer)
    }

    /// Where the runs of each flow stand, and which flows hold back. A flow is drained once it is paused and nothing of it is under
    /// way.
    pub fn standings(&self) -> Pending<BTreeMap<FlowId, Standing>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Standings { reply });
        Pending::new(answer)
    }

    /// How many runs of each flow wait for their turn; flows without any are not named.
    pub fn waiting(&self) -> Pending<BTreeMap<FlowId, u64>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Waiting { reply });
        Pending::new(answer)
    }

    /// Alerts a person from now on, as the choices in this data directory say at each time.
    pub fn alert(&self, data: PathBuf) {
        self.send(Command::Alert { data });
    }

    /// From now on this is told of clicks on the notifications that are shown, on a thread of its own; before, none can be clicked.
    pub fn heed_clicks(&self, told: impl Fn(Clicked) + Send + Sync + 'static) {
        self.send(Command::HeedClicks { told: HeedClick(Arc::new(told)) });
    }

    /// Tells a test alert by every way that is chosen; the answer is what came of each.
    pub fn test_alert(&self) -> Pending<Result<Vec<Tried>, Failure>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::TestAlert { reply });
        Pending::new(answer)
    }

    /// Looks at once at every service that is looked at now and then.
    pub fn look(&self) {
        self.send(Command::Look);
    }

    /// Starts a run, and watches it: everything that happens in it is sent, and it waits where the channel is full.
    pub fn start(
        &self,
        flow: FlowId,
        trigger: Option<NodeId>,
        payload: Value,
        watch: Option<mpsc::Sender<Event>>,
    ) -> Pending<Result<RunId, Failure>> {
        self.start_with(flow, trigger, payload, Vec::new(), watch)
    }

    /// Starts a run in which some steps are taken as done, and watches it.
    pub fn start_with(
        &self,
        flow: FlowId,
        trigger: Option<NodeId>,
        payload: Value,
        given: Vec<Given>,
        watch: Option<mpsc::Sender<Event>>,
    ) -> Pending<Result<RunId, Failure>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Start { flow, trigger, payload, given, watch, reply });
        Pending::new(answer)
    }

    /// Starts a run for an event that comes from elsewhere. One with the same name starts no second run: whoever had no answer
    /// may ask again.
    pub fn deliver(
        &self,
        flow: FlowId,
        trigger: Option<NodeId>,
        payload: Value,
        delivery: String,
    ) -> Pending<Result<RunId, Failure>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Deliver { flow, trigger, payload, delivery, reply });
        Pending::new(answer)
    }

    /// Ends a run; the answer is whether it is under way.
    pub fn cancel(&self, run: RunId, by: &str) -> Pending<bool> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Cancel { run, by: by.to_owned(), reply });
        Pending::new(answer)
    }

    /// Closes a connection's breaker, and lets the steps go on that are parked on it.
    pub fn resume(&self, connection: ConnectionId) -> Pending<Resumed> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Resume { connection, reply });
        Pending::new(answer)
    }

    /// Lets a parked step go on; without one, the only one that waits.
    pub fn release(&self, run: RunId, step: Option<String>, release: Release) -> Pending<Result<StepKey, Failure>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Release { run, step, release, reply });
        Pending::new(answer)
    }

    /// From now on connections are read anew by this, on a thread that may block, whenever [`Handle::reread`] or another process
    /// of the person says that they changed.
    pub fn heed(&self, reread: Reread) {
        self.send(Command::Heed { reread });
    }

    /// Reads the connections anew, and the flows that are on; the answer is what there is now.
    pub fn reread(&self) -> Pending<Result<Renewed, Failure>> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Reread { reply });
        Pending::new(answer)
    }

    /// From now on the engine ends, as by [`Handle::stop`], when another process asks for its data directory by [`take_over`].
    ///
    /// [`take_over`]: super::take_over
    pub fn make_way(&self) {
        self.send(Command::MakeWay);
    }

    /// Done once the engine has ended, whoever ended it.
    pub async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Whether the engine ended for somebody who wants the data directory for a while only.
    pub fn is_lent(&self) -> bool {
        self.lent.load(Ordering::Relaxed)
    }

    /// Ends the engine gracefully.
    pub fn stop(&self) -> Pending<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Stop { reply });
        Pending::new(answer)
    }
}
