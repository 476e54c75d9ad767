//! What all runs share.
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::alert::{self, Watching};
use super::control::{Control, Stand};
use super::drive::Signal;
use super::intake::Intake;
use super::named::Lists;
use super::plan::Sheet;
use super::queue::Queues;
use super::trigger::echo::Echoes;
use super::trigger::status::Counts;
use super::trigger::storm::Storms;
use super::trigger::told::Turns;
use super::{Clock, Event, Hook, Limits};
use crate::catalog::{AuthKind, Catalog, ConnectorId};
use crate::connector::{Caller, Connection, ConnectionId, Connections, Signatures};
use crate::flow::{FlowId, NodeId, Pace, SlotId, Trigger};
use crate::journal::{Journal, Mode};
use crate::record::{Failure, FailureKind};
use crate::run::{Outcome, Program, Revision, RunId};

/// What all runs share. Locks are held for look-ups only, never across an await.
pub(super) struct Shared {
    pub(super) journal: Journal,
    pub(super) catalog: Catalog,
    pub(super) caller: Caller,
    connections: RwLock<Connections>,
    pub(super) clock: Clock,
    pub(super) mode: Mode,
    pub(super) limits: Limits,
    /// Of an engine that makes a plan: where it is written.
    pub(super) sheet: Option<Arc<Sheet>>,
    pub(super) lists: Lists,
    pub(super) echoes: Echoes,
    pub(super) storms: Storms,
    pub(super) queues: Arc<Queues>,
    pub(super) intake: Arc<Intake>,
    /// Of what services tell.
    pub(super) signatures: Signatures,
    pub(super) counts: Counts,
    pub(super) turns: Turns,
    pub(super) steps: Arc<Semaphore>,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) troubles: broadcast::Sender<Failure>,
    pub(super) tasks: TaskTracker,
    stopping: CancellationToken,
    hooks: RwLock<HashMap<String, Hook>>,
    flows: RwLock<BTreeMap<FlowId, Arc<Deployed>>>,
    /// How many feeds look at each connection's account.
    feeds: Mutex<HashMap<ConnectionId, u64>>,
    /// Counts the times that somebody asked for a look at the services.
    nudges: watch::Sender<u64>,
    /// Runs that ended in a way that some flow may wait for; read by the triggers that start from that.
    ended: mpsc::UnboundedSender<RunId>,
    /// Whether some flow waits for other ends than failures.
    hears_ends: AtomicBool,
    to_tell: Mutex<Option<mpsc::UnboundedReceiver<RunId>>>,
    /// Whoever alerts a person; none where nobody does.
    pub(super) alerts: OnceLock<Watching>,
    /// Counts the changes of `flows` and of the connections.
    changes: watch::Sender<u64>,
    programs: Mutex<HashMap<Revision, Arc<Program>>>,
    runs: Mutex<HashMap<RunId, Control>>,
}

/// A flow that is known.
pub(super) struct Deployed {
    pub(super) program: Arc<Program>,
    pub(super) triggers: BTreeMap<NodeId, Trigger>,
    /// The triggers that several messages may tell one change, each with the first of those that count as one: they lead to the
    /// same steps.
    pub(super) twins: BTreeMap<NodeId, NodeId>,
    pub(super) slots: BTreeMap<SlotId, ConnectorId>,
    pub(super) bindings: BTreeMap<SlotId, ConnectionId>,
    /// Whether its triggers start runs by themselves.
    pub(super) listens: bool,
    pub(super) pace: Pace,
    /// When it was made known.
    pub(super) at: Timestamp,
}

impl Shared {
    #[expect(clippy::too_many_arguments, reason = "each is one thing that runs share, named where it is made")]
    pub(super) fn new(
        journal: Journal,
        catalog: Catalog,
        caller: Caller,
        connections: Connections,
        clock: Clock,
        mode: Mode,
        limits: Limits,
        events: broadcast::Sender<Event>,
        troubles: broadcast::Sender<Failure>,
    ) -> Self {
        let (ended, to_tell) = mpsc::unbounded_channel();
        Self {
            journal,
            catalog,
            caller,
            connections: RwLock::new(connections),
            clock,
            mode,
            steps: Arc::new(Semaphore::new(limits.steps)),
            limits,
            sheet: None,
            lists: Lists::default(),
            echoes: Echoes::default(),
            storms: Storms::default(),
            queues: Arc::default(),
            intake: Arc::default(),
            signatures: Signatures::default(),
            counts: Counts::default(),
            turns: Turns::default(),
            events,
            troubles,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            hooks: RwLock::default(),
            flows: RwLock::default(),
            feeds: Mutex::default(),
            nudges: watch::Sender::new(0),
            ended,
            hears_ends: AtomicBool::new(false),
            to_tell: Mutex::new(Some(to_tell)),
            alerts: OnceLock::new(),
            changes: watch::Sender::new(0),
            programs: Mutex::default(),
            runs: Mutex::default(),
        }
    }

    /// No rest after an error is longer than this; none where that is left to flows and services.
    pub(super) fn longest_rest(&self) -> Option<SignedDuration> {
        self.caller.longest_rest().and_then(|it| SignedDuration::try_from(it).ok())
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Nothing new begins; every run is told.
    pub(super) fn begin_stop(&self) {
        self.stopping.cancel();
        self.signal_all(|| Signal::Stop);
    }

    /// Done when the engine stops.
    pub(super) fn stopped(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Takes paths for a flow, and gives up those that it had; the one that another flow has, if there is one.
    pub(super) fn claim_hooks(&self, flow: &FlowId, hooks: &[Hook]) -> Result<(), Hook> {
        let mut taken = self.hooks.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = hooks.iter().find_map(|hook| taken.get(&hook.path).filter(|it| it.flow != *flow)) {
            return Err(other.clone());
        }
        taken.retain(|_, hook| hook.flow != *flow);
        taken.extend(hooks.iter().map(|hook| (hook.path.clone(), hook.clone())));
        Ok(())
    }

    /// The flow and trigger that listen on a path below `/hooks/`.
    pub(super) fn hook(&self, path: &str) -> Option<(Arc<Deployed>, NodeId)> {
        let hook = self.hooks.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()?;
        Some((self.deployed(&hook.flow)?, hook.node))
    }

    pub(super) fn deployed(&self, flow: &FlowId) -> Option<Arc<Deployed>> {
        self.flows.read().unwrap_or_else(PoisonError::into_inner).get(flow).cloned()
    }

    pub(super) fn insert_flow(&self, flow: FlowId, deployed: Arc<Deployed>) {
        self.flows.write().unwrap_or_else(PoisonError::into_inner).insert(flow, deployed);
        self.changed();
    }

    /// The flows whose triggers start runs.
    pub(super) fn listening(&self) -> Vec<Arc<Deployed>> {
        let flows = self.flows.read().unwrap_or_else(PoisonError::into_inner);
        flows.values().filter(|it| it.listens).cloned().collect()
    }

    /// How many feeds look at a connection's account.
    pub(super) fn feeds_of(&self, connection: &ConnectionId) -> u64 {
        lock(&self.feeds).get(connection).copied().unwrap_or_default()
    }

    pub(super) fn set_feeds(&self, feeds: HashMap<ConnectionId, u64>) {
        *lock(&self.feeds) = feeds;
    }

    /// Everything that is looked at is looked at now.
    pub(super) fn nudge(&self) {
        self.nudges.send_modify(|it| *it = it.wrapping_add(1));
    }

    /// Tells when somebody asks for a look.
    pub(super) fn nudges(&self) -> watch::Receiver<u64> {
        self.nudges.subscribe()
    }

    fn changed(&self) {
        let hears = |it: &Arc<Deployed>| it.triggers.values().any(|it| matches!(it, Trigger::Ended { .. }));
        self.hears_ends.store(self.listening().iter().any(hears), Ordering::Relaxed);
        self.changes.send_modify(|it| *it = it.wrapping_add(1));
    }

    /// Tells when flows come or go, or connections change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn remove_flow(&self, flow: &FlowId) {
        self.flows.write().unwrap_or_else(PoisonError::into_inner).remove(flow);
        self.hooks.write().unwrap_or_else(PoisonError::into_inner).retain(|_, hook| hook.flow != *flow);
        self.changed();
    }

    /// The program of a revision, compiled once.
    pub(super) fn program(
        &self,
        revision: &Revision,
        compile: impl FnOnce() -> Result<Program, Failure>,
    ) -> Result<Arc<Program>, Failure> {
        if let Some(program) = lock(&self.programs).get(revision) {
            return Ok(Arc::clone(program));
        }
        let program = Arc::new(compile()?);
        Ok(Arc::clone(lock(&self.programs).entry(revision.clone()).or_insert(program)))
    }

    /// Counts a run in; none if there are too many.
    pub(super) fn enter(&self, run: RunId, control: Control) -> Option<()> {
        let mut runs = lock(&self.runs);
        (runs.len() < self.limits.active_runs).then(|| drop(runs.insert(run, control)))
    }

    /// Runs under way, waiting ones among them.
    pub(super) fn active(&self) -> usize {
        lock(&self.runs).len()
    }

    /// The flow of each run that is not over, and where the run stands.
    pub(super) fn stands(&self) -> Vec<(FlowId, Stand)> {
        lock(&self.runs).values().map(|it| (it.flow().clone(), it.stand())).collect()
    }

    /// The flows that are known.
    pub(super) fn known_flows(&self) -> Vec<FlowId> {
        self.flows.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    pub(super) fn leave(&self, run: RunId) {
        lock(&self.runs).remove(&run);
    }

    pub(super) fn control(&self, run: RunId) -> Option<Control> {
        lock(&self.runs).get(&run).cloned()
    }

    /// Tells every run, those that began first before the others.
    pub(super) fn signal_all(&self, signal: impl Fn() -> Signal) {
        let runs = lock(&self.runs);
        let mut ordered: Vec<_> = runs.iter().collect();
        ordered.sort_unstable_by_key(|(run, _)| **run);
        for (_, control) in ordered {
            control.send(signal()).ok();
        }
    }

    /// Done when the engine stops.
    pub(super) async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Tells of what no run can tell.
    pub(super) fn trouble(&self, failure: Failure) {
        self.counts.trouble();
        self.troubles.send(failure.clone()).ok();
        self.tell(|| Event::Trouble(failure));
    }

    /// A run ended.
    pub(super) fn ended(&self, run: RunId, outcome: &Outcome) {
        let has_failed = matches!(outcome, Outcome::Failed(_));
        if has_failed && let Some(alerts) = self.alerts.get() {
            alerts.failed(run);
        }
        if has_failed || self.hears_ends.load(Ordering::Relaxed) {
            self.ended.send(run).ok();
        }
    }

    /// A step of a run waits for a person's word.
    pub(super) fn asks(&self, run: RunId) {
        if let Some(alerts) = self.alerts.get() {
            alerts.asks(run);
        }
    }

    /// The runs that end from now on in a way that some flow may wait for; given once.
    pub(super) fn take_ended(&self) -> Option<mpsc::UnboundedReceiver<RunId>> {
        lock(&self.to_tell).take()
    }

    /// Tells whoever listens; making the event costs nothing if nobody does.
    pub(super) fn tell(&self, event: impl FnOnce() -> Event) {
        if self.events.receiver_count() > 0 {
            self.events.send(event()).ok();
        }
    }

    /// The connections as they are now.
    pub(super) fn connections(&self) -> Connections {
        self.connections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_connections(&self, connections: Connections) {
        *self.connections.write().unwrap_or_else(PoisonError::into_inner) = connections;
        self.changed();
    }

    /// The connection that a slot of a flow stands for: the one bound to it, or else the only one of its connector.
    pub(super) fn connection(
        &self,
        flow: &FlowId,
        slot: &SlotId,
        connector: Option<&ConnectorId>,
    ) -> Result<Arc<Connection>, Failure> {
        // Whatever desktops a person has connected, alerts are shown on the one that is there.
        if alert::is_own(flow)
            && let Some(own) = self.without_sign_in(connector)
        {
            return Ok(own);
        }
        let connections = self.connections();
        let bound = self.deployed(flow).and_then(|it| it.bindings.get(slot).cloned());
        if let Some(id) = bound {
            return connections.get(&id).cloned().ok_or_else(|| {
                Failure::new(FailureKind::Flow, format!("The connection \"{id}\" is not there any more"))
                    .at(format!("slot {slot}"))
                    .hint("Choose another connection for this slot.")
            });
        }
        let mut found = connector.into_iter().flat_map(|it| connections.for_connector(it));
        let title = connector.map_or_else(
            || slot.to_string(),
            |it| self.catalog.connector(it).map_or_else(|| it.to_string(), |it| it.title.clone()),
        );
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(Arc::clone(only)),
            (None, _) => self.without_sign_in(connector).ok_or_else(|| {
                Failure::new(FailureKind::Flow, format!("No connection to {title}"))
                    .at(format!("slot {slot}"))
                    .hint("Connect it, or run the flow in the sandbox.")
            }),
            (Some(_), _) => Err(Failure::new(FailureKind::Flow, format!("Several connections to {title}, and none is chosen"))
                .at(format!("slot {slot}"))
                .hint("Choose one for this slot.")),
        }
    }
}

impl Shared {
    /// A connection to a live service that has one address and lets everybody in: nobody needs to make it.
    fn without_sign_in(&self, connector: Option<&ConnectorId>) -> Option<Arc<Connection>> {
        let connector = self.catalog.connector(connector?)?;
        let place = connector.environments.first().filter(|_| self.mode == Mode::Live && connector.auth == [AuthKind::None])?;
        let (id, title, auth) = (connector.id.as_str(), &connector.title, AuthKind::None);
        Some(Arc::new(Connection::new(id, title, connector.id.clone(), &place.base_url, auth)))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while holding one of these leaves a map that is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
