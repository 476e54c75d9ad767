//! Watches over the engine: hears of runs that fail or ask, looks now and then at connections and triggers, and tells what the rules say.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::dead::{Dead, Found, Ill};
use super::deliver;
use super::failures::{Failed, Failures, SLACK};
use super::found::{asks, failed, looks, parked};
use super::quiet::{Habit, Told, Trigger as Quiet};
use super::{Alert, Alerts, Tried};
use crate::connector::BreakerState;
use crate::engine::Look;
use crate::engine::recover::blocking;
use crate::engine::shared::Shared;
use crate::flow::{Alarm, FlowId, NodeId, Trigger};
use crate::journal::{Filter, JournalError, OutcomeKind, Reader, RunState};
use crate::record::{Failure, FailureKind};
use crate::run::RunId;

/// How often it is looked at what is due, and every how many times at connections and at triggers.
const TICK: Duration = Duration::from_secs(20);
const CONNECTIONS: u64 = 3;
const TRIGGERS: u64 = 15;
/// A tick that comes so much later than it should is a sleep.
const SLEEP: Duration = Duration::from_mins(2);
/// Runs that are read at a time.
const AT_ONCE: usize = 1_000;
/// Starts of a trigger from which its habits are learned, and those that are read from then on.
const LEARNED: usize = 20_000;
const NEW: usize = 1_000;
/// A look that should have been repeated so long ago was the last.
const STALE: Duration = Duration::from_mins(10);
/// What is counted by flow.
const COUNTED: [Alarm; 2] = [Alarm::Failure, Alarm::Question];
/// Where the journal keeps what was told.
const SCOPE: &str = "alerts";

/// What the rest of the engine knows of it.
pub(in crate::engine) struct Watching {
    /// Where the person's choices are.
    dir: PathBuf,
    heard: mpsc::UnboundedSender<(Alarm, RunId)>,
}

impl Watching {
    /// A run failed.
    pub(in crate::engine) fn failed(&self, run: RunId) {
        self.heard.send((Alarm::Failure, run)).ok();
    }

    /// A step of a run waits for a person's word.
    pub(in crate::engine) fn asks(&self, run: RunId) {
        self.heard.send((Alarm::Question, run)).ok();
    }
}

/// Watches from now on, until the engine stops; what a person has chosen lies in this directory.
pub(in crate::engine) fn begin(shared: &Arc<Shared>, dir: PathBuf) {
    let (sender, heard) = mpsc::unbounded_channel();
    if shared.alerts.set(Watching { dir: dir.clone(), heard: sender }).is_ok() {
        shared.tasks.spawn(stand(Arc::clone(shared), dir, heard));
    }
}

/// Tells a test by every way that is chosen.
///
/// # Errors
/// A [`Failure`] where nobody watches, or no way is chosen.
pub(in crate::engine) async fn test_here(shared: &Arc<Shared>) -> Result<Vec<Tried>, Failure> {
    let nobody = || Failure::new(FailureKind::Machine, "This Flowyard tells no alerts").hint("Start the flows, and try again.");
    let dir = shared.alerts.get().ok_or_else(nobody)?.dir.clone();
    let alerts = tokio::task::spawn_blocking(move || Alerts::read(&dir)).await.map_err(|_ending| nobody())??;
    let now = shared.clock.now();
    let alert = Alert {
        of: None,
        over: false,
        title: "Alerts arrive here".to_owned(),
        text: "This is a test: nothing is wrong.".to_owned(),
        at: now,
        flow: None,
        run: None,
        connection: None,
        count: 0,
        key: format!("test:{}", now.as_nanosecond()),
    };
    let tried = deliver::tried(shared, &alerts, &alert).await;
    if tried.is_empty() {
        return Err(Failure::new(FailureKind::NotFound, "Alerts go nowhere: no way is chosen")
            .hint("Choose the desktop or mail, under Settings or with `flowyard alerts`."));
    }
    Ok(tried)
}

/// What is watched.
struct Stand {
    shared: Arc<Shared>,
    dir: PathBuf,
    failures: Failures,
    questions: Failures,
    dead: Dead,
    told: Told,
    habits: BTreeMap<(FlowId, NodeId), Watched>,
    awake: Timestamp,
    before: Timestamp,
    ticks: u64,
    /// What is wrong with the person's choices, once it was told.
    broken: Option<Failure>,
}

/// A trigger whose events are counted.
struct Watched {
    habit: Habit,
    since: Timestamp,
}

async fn stand(shared: Arc<Shared>, dir: PathBuf, mut heard: mpsc::UnboundedReceiver<(Alarm, RunId)>) {
    let stopped = shared.stopped();
    let now = shared.clock.now();
    let mut it = Stand {
        failures: kept(&shared, key_of(Alarm::Failure)).await,
        questions: kept(&shared, key_of(Alarm::Question)).await,
        dead: kept(&shared, key_of(Alarm::Connection)).await,
        told: kept(&shared, key_of(Alarm::Quiet)).await,
        shared,
        dir,
        habits: BTreeMap::new(),
        awake: now,
        before: now,
        ticks: 0,
        broken: None,
    };
    for of in COUNTED {
        let missed = it.missed(of).await;
        it.heed(of, missed).await;
    }
    loop {
        it.tick().await;
        let next = tokio::time::sleep(TICK);
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = stopped.cancelled() => return,
                () = &mut next => break,
                Some(first) = heard.recv() => {
                    let mut all = vec![first];
                    while all.len() < AT_ONCE
                        && let Ok(next) = heard.try_recv()
                    {
                        all.push(next);
                    }
                    for of in COUNTED {
                        it.heed(of, all.iter().filter(|it| it.0 == of).map(|it| it.1).collect()).await;
                    }
                }
            }
        }
    }
}

/// Under which key it is kept what was told.
fn key_of(of: Alarm) -> &'static str {
    match of {
        Alarm::Failure => "failures",
        Alarm::Question => "questions",
        Alarm::Connection => "connections",
        Alarm::Quiet => "quiet",
    }
}

/// What was told before.
async fn kept<T: DeserializeOwned + Default>(shared: &Shared, key: &'static str) -> T {
    let journal = shared.journal.clone();
    match blocking(move || journal.state(SCOPE, key)).await {
        Ok(kept) => kept.and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default(),
        Err(failure) => {
            tracing::warn!(%failure, "what alerts were told could not be read");
            T::default()
        }
    }
}

impl Stand {
    /// Runs of a kind, told together.
    fn counted(&mut self, of: Alarm) -> &mut Failures {
        if of == Alarm::Question { &mut self.questions } else { &mut self.failures }
    }

    /// What failed or asked before a crash and was perhaps not counted, the oldest first.
    async fn missed(&mut self, of: Alarm) -> Vec<RunId> {
        let now = self.shared.clock.now();
        let counted = self.counted(of);
        let Some(from) = counted.up_to.and_then(|it| it.checked_sub(SLACK).ok()) else {
            counted.up_to = Some(now);
            self.keep_counted(of).await;
            return Vec::new();
        };
        let journal = self.shared.journal.clone();
        let read = blocking(move || {
            let (state, outcome) = match of {
                Alarm::Question => (RunState::Parked, None),
                _ => (RunState::Finished, Some(OutcomeKind::Failed)),
            };
            let reader = journal.reader();
            let heads = reader.runs(&Filter { state: Some(state), outcome, limit: AT_ONCE, ..Filter::default() })?;
            let mut missed = Vec::new();
            for head in heads.iter().rev() {
                let at = if of == Alarm::Question { asks(reader, head.id)?.map(|it| it.at) } else { head.finished };
                missed.extend(at.filter(|it| *it >= from).map(|_| head.id));
            }
            Ok(missed)
        });
        read.await.unwrap_or_else(|failure| {
            self.shared.trouble(failure);
            Vec::new()
        })
    }

    /// Runs failed, or ask.
    async fn heed(&mut self, of: Alarm, runs: Vec<RunId>) {
        if runs.is_empty() {
            return;
        }
        let journal = self.shared.journal.clone();
        let look: fn(&Reader, RunId) -> Result<Option<Failed>, JournalError> = if of == Alarm::Question { asks } else { failed };
        let read = blocking(move || runs.into_iter().filter_map(|it| look(journal.reader(), it).transpose()).collect());
        let found: Vec<Failed> = match read.await {
            Ok(found) => found,
            Err(failure) => return self.shared.trouble(failure),
        };
        let now = self.shared.clock.now();
        let alerts: Vec<Alert> = found.into_iter().filter_map(|it| self.counted(of).add(of, it, now)).collect();
        if self.tell(&alerts).await {
            self.keep_counted(of).await;
        }
    }

    /// Looks at what is due.
    async fn tick(&mut self) {
        let now = self.shared.clock.now();
        if Duration::try_from(now.duration_since(self.before)).unwrap_or_default() > TICK + SLEEP {
            self.awake = now;
        }
        self.before = now;
        for of in COUNTED {
            let due = self.counted(of).due(of, now);
            if !due.is_empty() && self.tell(&due).await {
                self.keep_counted(of).await;
            }
        }
        if self.ticks.is_multiple_of(CONNECTIONS) {
            self.look_at_connections(now).await;
        }
        if self.ticks.is_multiple_of(TRIGGERS) {
            self.look_at_triggers(now).await;
        }
        self.ticks += 1;
    }

    async fn look_at_connections(&mut self, now: Timestamp) {
        let journal = self.shared.journal.clone();
        let read = blocking(move || {
            let reader = journal.reader();
            Ok((parked(reader)?, looks(reader)?))
        });
        let (parked, looks) = match read.await {
            Ok(read) => read,
            Err(failure) => return self.shared.trouble(failure),
        };
        let connections = self.shared.connections();
        let mut found = BTreeMap::new();
        for connection in connections.iter() {
            let id = &connection.id;
            let is_late = |look: &&Look| {
                let late = Duration::try_from(now.duration_since(look.next)).unwrap_or_default();
                late > STALE
            };
            let look = looks.iter().filter(|it| it.connection == *id && !is_late(it)).find_map(|it| it.failure.as_ref());
            let refused = look.filter(|it| it.kind == FailureKind::SignIn);
            let ill = match self.shared.caller.breaker(id) {
                _ if refused.is_some() || parked.contains(id) => Some(Ill::SignIn),
                BreakerState::Open { .. } => Some(Ill::Stopped),
                BreakerState::Waiting { until, .. } if until > now => Some(Ill::Rests),
                BreakerState::Waiting { .. } | BreakerState::Closed { .. } => None,
            };
            if let Some(ill) = ill {
                let why = refused.map(|it| format!("{}.", it.title.trim_end_matches('.'))).unwrap_or_default();
                found.insert(id.clone(), Found { name: connection.name.clone(), ill, why });
            }
        }
        let alerts = self.dead.look(&found, |id| connections.get(id).is_some(), now);
        if alerts.is_empty() && found.is_empty() {
            return;
        }
        // Since when it is so is kept first: by that an alert is known, should it not be told to its end.
        if alerts.iter().all(|it| !it.over) {
            self.keep(key_of(Alarm::Connection), &self.dead).await;
        }
        if !alerts.is_empty() && self.tell(&alerts).await {
            self.dead.told(&alerts);
            self.keep(key_of(Alarm::Connection), &self.dead).await;
        }
    }

    async fn look_at_triggers(&mut self, now: Timestamp) {
        let alerts = self.choices().await;
        let is_watched = |flow: &FlowId| !alerts.unwatched.iter().any(|it| flow.is_of(it)) && !self.shared.queues.is_paused(flow);
        let mut names = BTreeMap::new();
        for deployed in self.shared.listening() {
            let flow = &deployed.program.flow;
            for (node, trigger) in deployed.triggers.iter().filter(|_| is_watched(flow)) {
                if matches!(trigger, Trigger::Webhook { .. } | Trigger::Event { .. } | Trigger::File { .. }) {
                    names.insert((flow.clone(), node.clone()), deployed.program.name.clone());
                }
            }
        }
        self.habits.retain(|key, _| names.contains_key(key));
        for key in names.keys() {
            let (journal, (flow, node)) = (self.shared.journal.clone(), key.clone());
            let most = if self.habits.contains_key(key) { NEW } else { LEARNED };
            let read = blocking(move || journal.reader().starts(&flow, &node, most));
            match read.await {
                Ok(starts) => {
                    let fresh = || Watched { habit: Habit::default(), since: now };
                    let habit = &mut self.habits.entry(key.clone()).or_insert_with(fresh).habit;
                    let last = habit.last();
                    starts.into_iter().filter(|it| last.is_none_or(|last| *it > last)).for_each(|it| habit.add(it));
                }
                Err(failure) => return self.shared.trouble(failure),
            }
        }
        let known: BTreeSet<String> = names.keys().map(|(flow, node)| Told::key(flow, node)).collect();
        self.told.keep(|key| known.contains(key));
        let mut told = Vec::new();
        for ((flow, node), Watched { habit, since }) in &self.habits {
            let Some(name) = names.get(&(flow.clone(), node.clone())) else { continue };
            told.extend(self.told.look(Quiet { flow, name, node, habit }, self.awake.max(*since), now));
        }
        if !told.is_empty() && self.tell(&told).await {
            self.keep(key_of(Alarm::Quiet), &self.told).await;
        }
    }

    /// Tells what a person wants to know; false where the engine stopped before all of it was: the next start tells it then.
    async fn tell(&mut self, alerts: &[Alert]) -> bool {
        if alerts.is_empty() {
            return true;
        }
        let choices = self.choices().await;
        for alert in alerts.iter().filter(|it| it.of.is_none_or(|of| choices.wants(of))) {
            tracing::warn!(alert = alert.title, "a person is told");
            for (_, told) in deliver::deliver(&self.shared, &choices, alert).await {
                if let Err(failure) = told {
                    self.shared.trouble(failure);
                }
            }
            if self.shared.is_stopping() {
                return false;
            }
        }
        true
    }

    /// What a person has chosen; the usual where that cannot be read, which is told once.
    async fn choices(&mut self) -> Alerts {
        let dir = self.dir.clone();
        match tokio::task::spawn_blocking(move || Alerts::read(&dir)).await {
            Ok(Ok(alerts)) => {
                self.broken = None;
                alerts
            }
            Ok(Err(failure)) => {
                if self.broken.as_ref() != Some(&failure) {
                    self.broken = Some(failure.clone());
                    self.shared.trouble(failure);
                }
                Alerts::default()
            }
            Err(_ending) => Alerts::default(),
        }
    }

    async fn keep_counted(&self, of: Alarm) {
        self.keep(key_of(of), if of == Alarm::Question { &self.questions } else { &self.failures }).await;
    }

    /// Written down after it was told.
    async fn keep(&self, key: &str, what: &impl Serialize) {
        let value = serde_json::to_value(what).unwrap_or_default();
        if let Err(error) = self.shared.journal.put_state(SCOPE, key, &value).await {
            tracing::warn!(%error, "what alerts were told could not be written down");
        }
    }
}
