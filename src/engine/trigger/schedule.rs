//! Starts runs by the clock: one task for the schedules of all flows that are on.
//!
//! Invariant: how far a schedule is looked after belongs to the flow and the trigger, never to a version of the flow; it is
//! written down after the runs that it started, so that a crash in between starts the same ones again, and the journal takes
//! each only once.
//! Invariant: a schedule that is new, or says something else than before, begins when its flow is made known; one whose flow
//! is taken away is forgotten.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::fire::{Fired, fire};
use crate::engine::recover::blocking;
use crate::engine::shared::{Deployed, Shared};
use crate::flow::schedule::{Due, Plan, Schedule};
use crate::flow::{FlowId, NodeId, Trigger};
use crate::record::{Failure, FailureKind};
use crate::run::{Cause, Via};

/// Runs that are begun at a time.
const AT_ONCE: usize = 64;
/// What could not be begun is tried again after so long.
const AGAIN: SignedDuration = SignedDuration::from_secs(15);
/// No clock is set back by more; what is further ahead was written by a clock that was wrong.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

type Key = (FlowId, NodeId);

/// How far a schedule is looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// What it said then.
    rule: String,
    zone: String,
    /// Everything up to here is done.
    at: Timestamp,
}

/// A schedule of a flow that is on.
struct Slot {
    deployed: Arc<Deployed>,
    plan: Plan,
    mark: Mark,
    /// When it is looked at again.
    wake: Option<Timestamp>,
    /// When what is due was due first, while it cannot be begun.
    since: Option<Timestamp>,
}

/// All of them, and in which order they come.
#[derive(Default)]
struct Board {
    slots: BTreeMap<Key, Slot>,
    queue: BTreeSet<(Timestamp, Key)>,
}

/// What came of the runs that were due of a schedule.
struct Begun {
    key: Key,
    mark: Mark,
    failure: Option<Failure>,
}

/// Starts runs when their time has come, until the engine stops.
pub(super) async fn stand(shared: Arc<Shared>) {
    let mut changes = shared.changes();
    let stopped = shared.stopped();
    let mut board = Board::default();
    let mut seen = shared.clock.now();
    changes.mark_changed();
    loop {
        // Before anything begins, so that what was switched off does not.
        while changes.has_changed().is_ok_and(|it| it) {
            changes.mark_unchanged();
            board.meet(&shared).await;
        }
        let now = shared.clock.now();
        if now < seen {
            board.set_back(now);
        }
        seen = now;
        board.begin(&shared, now).await;
        let next = board.queue.first().map(|it| it.0);
        let sleep = async {
            match next {
                Some(at) => shared.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stopped.cancelled() => return,
            heard = changes.changed() => {
                if heard.is_err() {
                    return;
                }
                changes.mark_changed();
            }
            () = sleep => {}
        }
    }
}

impl Board {
    /// Takes up what flows say now: schedules that are new, that changed, and that are gone.
    async fn meet(&mut self, shared: &Arc<Shared>) {
        let mut wanted: BTreeMap<Key, (Arc<Deployed>, Schedule)> = BTreeMap::new();
        for deployed in shared.listening() {
            for (node, trigger) in &deployed.triggers {
                if let Trigger::Schedule { schedule, .. } = trigger {
                    let key = (deployed.program.flow.clone(), node.clone());
                    wanted.insert(key, (Arc::clone(&deployed), schedule.clone()));
                }
            }
        }
        let gone: Vec<Key> = self.slots.keys().filter(|key| !wanted.contains_key(*key)).cloned().collect();
        for key in gone {
            self.remove(&key);
            keep(shared, &key, None).await;
        }
        for (key, (deployed, schedule)) in wanted {
            if self.slots.get(&key).is_some_and(|it| Arc::ptr_eq(&it.deployed, &deployed)) {
                continue;
            }
            let plan = match schedule.plan() {
                Ok(plan) => plan,
                Err(error) => {
                    let title = format!("A schedule of \"{}\" cannot be read, so nothing starts by it", deployed.program.name);
                    let failure = Failure::new(FailureKind::Flow, title).detail(error.to_string()).hint(error.hint());
                    shared.trouble(failure.at(key.1.to_string()));
                    self.remove(&key);
                    continue;
                }
            };
            let known = match self.slots.get(&key) {
                Some(slot) => Some(slot.mark.clone()),
                None => known(shared, &key).await,
            };
            let now = shared.clock.now();
            let says_so = |it: &Mark| it.rule == schedule.rule && it.zone == schedule.zone;
            let mark = if let Some(mark) = known.filter(says_so).filter(|it| it.at.duration_since(now) <= AHEAD) {
                mark
            } else {
                let mark = Mark { rule: schedule.rule, zone: schedule.zone, at: deployed.at.min(now) };
                keep(shared, &key, Some(&mark)).await;
                mark
            };
            self.insert(key, Slot { deployed, plan, mark, wake: None, since: None });
        }
    }

    fn insert(&mut self, key: Key, mut slot: Slot) {
        self.remove(&key);
        slot.wake = slot.plan.next(slot.mark.at);
        self.put(key, slot);
    }

    fn put(&mut self, key: Key, slot: Slot) {
        self.queue.extend(slot.wake.map(|at| (at, key.clone())));
        self.slots.insert(key, slot);
    }

    fn remove(&mut self, key: &Key) -> Option<Slot> {
        let slot = self.slots.remove(key)?;
        if let Some(at) = slot.wake {
            self.queue.remove(&(at, key.clone()));
        }
        Some(slot)
    }

    /// The clock was set back: what is done stays done, unless it lies so far ahead that the clock must have been wrong.
    fn set_back(&mut self, now: Timestamp) {
        let wrong = |slot: &Slot| slot.mark.at.duration_since(now) > AHEAD;
        let all: Vec<Key> = self.slots.iter().filter(|(_, slot)| wrong(slot)).map(|(key, _)| key.clone()).collect();
        for key in all {
            if let Some(mut slot) = self.remove(&key) {
                slot.mark.at = now;
                self.insert(key, slot);
            }
        }
    }

    /// What has come due, and what it asks for.
    fn due(&mut self, now: Timestamp) -> Vec<(Key, Arc<Deployed>, Plan, Mark, Due)> {
        let mut all = Vec::new();
        while let Some((at, key)) = self.queue.first().cloned().filter(|it| it.0 <= now) {
            self.queue.remove(&(at, key.clone()));
            let Some(slot) = self.slots.get_mut(&key) else { continue };
            slot.wake = None;
            // What waits to be begun is as it was when its time came.
            let due = slot.plan.due(slot.mark.at, *slot.since.get_or_insert(now));
            all.push((key, Arc::clone(&slot.deployed), slot.plan.clone(), slot.mark.clone(), due));
        }
        all
    }

    /// Begins the runs whose time has come, many at a time.
    async fn begin(&mut self, shared: &Arc<Shared>, now: Timestamp) {
        let mut due = self.due(now).into_iter();
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < AT_ONCE
                && let Some((key, deployed, plan, mark, due)) = due.next()
            {
                under_way.spawn(begin(Arc::clone(shared), key, deployed, plan, mark, due));
            }
            let Some(done) = under_way.join_next().await else { break };
            match done {
                Ok(begun) => self.conclude(shared, begun),
                Err(error) => tracing::error!(%error, "the start of a run by its schedule was cut short"),
            }
        }
    }

    fn conclude(&mut self, shared: &Shared, begun: Begun) {
        let Begun { key, mark, failure } = begun;
        let Some(mut slot) = self.remove(&key) else { return };
        slot.mark = mark;
        match failure {
            None => {
                slot.since = None;
                slot.wake = slot.plan.next(slot.mark.at);
            }
            Some(_) if shared.is_stopping() => {}
            Some(failure) => {
                tracing::warn!(flow = %key.0, trigger = %key.1, %failure, "a run could not be begun by its schedule; it is tried again");
                shared.trouble(failure);
                slot.wake = shared.clock.now().checked_add(AGAIN).ok();
            }
        }
        self.put(key, slot);
    }
}

/// Begins the runs that are due of a schedule, one after the other, and writes down how far it is looked after.
async fn begin(shared: Arc<Shared>, key: Key, deployed: Arc<Deployed>, plan: Plan, mut mark: Mark, due: Due) -> Begun {
    let before = mark.at;
    let mut left_out = due.left_out;
    for at in due.run {
        let fired = Fired {
            trigger: key.1.clone(),
            payload: plan.event(at, std::mem::take(&mut left_out)),
            delivery: format!("schedule:{}:{at}", key.1),
            cause: Cause::by(Via::Schedule),
            about: None,
        };
        if let Err(failure) = fire(&shared, &deployed, fired).await {
            if mark.at != before {
                keep(&shared, &key, Some(&mark)).await;
            }
            return Begun { key, mark, failure: Some(failure) };
        }
        mark.at = at;
    }
    mark.at = due.until.unwrap_or(mark.at).max(mark.at);
    keep(&shared, &key, Some(&mark)).await;
    Begun { key, mark, failure: None }
}

fn scope(flow: &FlowId) -> String {
    format!("schedule:{flow}")
}

/// What was written down when the engine last ran.
async fn known(shared: &Shared, key: &Key) -> Option<Mark> {
    let (journal, scope, node) = (shared.journal.clone(), scope(&key.0), key.1.clone());
    match blocking(move || journal.state(&scope, node.as_str())).await {
        Ok(found) => found.and_then(|it| serde_json::from_value(it).ok()),
        Err(failure) => {
            shared.trouble(failure);
            None
        }
    }
}

/// Writes down how far a schedule is looked after, or forgets it. Where that fails, the journal still knows which runs were
/// begun.
async fn keep(shared: &Shared, key: &Key, mark: Option<&Mark>) {
    let value = mark.and_then(|it| serde_json::to_value(it).ok()).unwrap_or_default();
    if let Err(error) = shared.journal.put_state(&scope(&key.0), key.1.as_str(), &value).await {
        tracing::warn!(flow = %key.0, trigger = %key.1, %error, "how far a schedule is looked after could not be written down");
    }
}
