//! One feed: looks now and then, and starts a run of each flow that waits for every event that it finds.
use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::begin::{Reached, Waiting, begun_looking, name, waits_since};
use super::come::Plan;
use super::last;
use super::read::Seen;
use super::sift::Sieve;
use super::{Common, FeedId, Subscriber};
use crate::catalog::{Counts, Event, Poll};
use crate::connector::CallError;
use crate::engine::shared::Shared;
use crate::engine::{Event as HandleEvent, Look};
use crate::flow::Coming;
use crate::record::{Failure, FailureKind};

/// What waits for the same events of the same account.
pub(super) struct Feed {
    pub(super) shared: Arc<Shared>,
    pub(super) id: FeedId,
    pub(super) scope: String,
    pub(super) event: &'static Event,
    pub(super) subscribers: watch::Receiver<Vec<Subscriber>>,
    pub(super) nudges: watch::Receiver<u64>,
    pub(super) changes: watch::Receiver<u64>,
    pub(super) common: Arc<Common>,
    pub(super) reached: Option<Reached>,
    /// Since when somebody waits, until a first look has ended well: a crash before that does not make it later.
    pub(super) first: Option<Timestamp>,
    pub(super) marks: HashMap<String, String>,
    /// How dates become times, where a date is what comes.
    pub(super) coming: Option<Arc<Coming>>,
    /// When the dates of the records that are remembered come.
    pub(super) plan: Plan,
    /// When it looks first; none is at once.
    pub(super) first_at: Option<Timestamp>,
    /// When the last look began that ended well.
    pub(super) looked: Option<Timestamp>,
    /// When the next time of a record comes.
    pub(super) due: Option<Timestamp>,
    /// Looks in a row that found nothing.
    pub(super) quiet: u32,
    /// Looks in a row that failed.
    pub(super) failed: u32,
    /// Calls of the last look.
    pub(super) calls: u32,
}

/// What came of a look.
struct Looked {
    events: usize,
}

/// Why a look ended early.
pub(super) enum Broken {
    Call(Box<CallError>),
    /// A run could not be taken, or the journal not be written.
    Machine(Failure),
}

impl From<Box<CallError>> for Broken {
    fn from(error: Box<CallError>) -> Self {
        Self::Call(error)
    }
}

impl Feed {
    pub(super) fn new(
        shared: Arc<Shared>,
        id: FeedId,
        event: &'static Event,
        subscribers: watch::Receiver<Vec<Subscriber>>,
        common: Arc<Common>,
    ) -> Self {
        let coming = id.asked.coming().map(Arc::new);
        Self {
            scope: id.scope(),
            nudges: shared.nudges(),
            changes: shared.changes(),
            shared,
            id,
            event,
            subscribers,
            common,
            reached: None,
            first: None,
            marks: HashMap::new(),
            coming,
            plan: Plan::default(),
            first_at: None,
            looked: None,
            due: None,
            quiet: 0,
            failed: 0,
            calls: 1,
        }
    }

    /// Looks now and then, for ever.
    pub(super) async fn stand(mut self) {
        let Some(poll) = self.event.poll() else { return };
        if let Err(failure) = self.load().await {
            return self.shared.trouble(failure);
        }
        self.remember_dates();
        if self.reached.is_none() {
            let on = self.subscribers.borrow().iter().map(|it| it.deployed.at).min();
            self.first = waits_since(&self.shared.journal, &self.scope, on).await;
        }
        if let Some(first) = self.first_at
            && !self.rest(first).await
        {
            return;
        }
        loop {
            let mut told = (0, None);
            // In a box, since a feed rests nearly all the time: what a look needs is not kept meanwhile.
            let wait = match Box::pin(self.look(poll)).await {
                Ok(looked) => {
                    told.0 = looked.events;
                    if self.failed > 0 {
                        tracing::info!(feed = %self.scope, "looks work again");
                    }
                    self.failed = 0;
                    self.quiet = if looked.events > 0 { 0 } else { self.quiet.saturating_add(1) };
                    self.wait_ms()
                }
                Err(broken) => {
                    self.failed = self.failed.saturating_add(1);
                    let (failure, wait) = self.tell(broken);
                    told.1 = Some(failure);
                    wait
                }
            };
            let next = self.after(wait);
            let look = Look {
                connection: self.id.connection.clone(),
                event: self.id.asked.event.clone(),
                at: self.shared.clock.now(),
                next,
                due: self.due,
                found: told.0,
                failure: told.1,
            };
            last::keep(&self.shared, &self.scope, &look);
            self.shared.tell(|| HandleEvent::Looked(look));
            if !self.rest(next).await {
                return;
            }
        }
    }

    /// Until it is time, or another flow waits. False where nobody is left.
    async fn rest(&mut self, until: Timestamp) -> bool {
        loop {
            let now = self.shared.clock.now();
            if now >= until || (self.failed == 0 && self.due.is_some_and(|it| it <= now)) {
                return true;
            }
            let wake = self.due.filter(|_| self.failed == 0).map_or(until, |due| due.min(until));
            tokio::select! {
                () = self.shared.clock.sleep_until(wake) => {}
                changed = self.subscribers.changed() => {
                    if changed.is_err() {
                        return false;
                    }
                    if self.has_new_ones() {
                        return true;
                    }
                }
                // Somebody asked for a look.
                asked = self.nudges.changed() => return asked.is_ok(),
                changed = self.changes.changed(), if self.failed > 0 => {
                    // Somebody may have signed in again.
                    return changed.is_ok();
                }
            }
        }
    }

    pub(super) fn after(&self, ms: i64) -> Timestamp {
        self.shared.clock.now().saturating_add(SignedDuration::from_millis(ms)).unwrap_or(Timestamp::MAX)
    }

    /// Looks once.
    async fn look(&mut self, poll: &'static Poll) -> Result<Looked, Broken> {
        // Never closed.
        let common = Arc::clone(&self.common);
        let _place = common.places.acquire().await;
        let connection = self.shared.connections().get(&self.id.connection).cloned().ok_or_else(|| {
            Broken::Machine(Failure::new(
                FailureKind::Flow,
                format!("The connection \"{}\" is not there any more", self.id.connection),
            ))
        })?;
        self.nudges.mark_unchanged();
        self.changes.mark_unchanged();
        self.subscribers.mark_unchanged();
        // As the flows are now: word of a change may still be on its way here.
        let subscribers = self.subscribers_now();
        let now = self.shared.clock.now();
        let on = subscribers.iter().map(|it| it.deployed.at).chain(self.first).min().unwrap_or(now);
        let (begun, since, looks) = self.reached.as_ref().map_or((on, on, 0), |it| (it.begun, it.since, it.looks));
        let is_first = self.reached.is_none();
        let joined = self.reached.as_ref().map(|it| it.joined.clone()).unwrap_or_default();
        let (old, new): (Vec<_>, Vec<_>) = subscribers.into_iter().partition(|it| joined.contains(&name(it)));
        // What lists gained cannot be told of a record that was never seen: the first look sees all of them.
        let overlap = SignedDuration::from_millis(i64::try_from(poll.overlap_ms).unwrap_or_default());
        let from = if is_first && (poll.remembers() || matches!(poll.counts, Counts::Gained { .. })) {
            Timestamp::UNIX_EPOCH
        } else {
            since.saturating_sub(overlap).unwrap_or(Timestamp::UNIX_EPOCH)
        };
        let here = self.reached.as_ref().map_or(on, |it| it.here.unwrap_or(it.begun));
        let coming = self.coming.clone();
        let mut sieve = Sieve {
            poll,
            begun,
            here,
            coming: coming.as_deref(),
            ahead_ms: self.id.asked.ahead_ms,
            now,
            is_first,
            look: looks + 1,
        };
        let is_recent = self.looked.is_some_and(|it| now.duration_since(it) < SignedDuration::from_millis(2 * self.wait_ms()));
        let waiting = Waiting { old, new, is_recent };
        let mut seen = Seen::default();
        self.due = None;
        self.calls = 0;
        let read = match poll.each.as_ref().and_then(Event::find).and_then(Event::poll) {
            None => self.read(&connection, poll, from, None, &mut sieve, &mut seen, &waiting).await,
            Some(outer) => self.read_each(&connection, poll, outer, from, &mut sieve, &mut seen, &waiting).await,
        };
        if let Err(broken) = read {
            self.keep_half(&broken, &seen).await;
            return Err(broken);
        }
        if matches!(poll.counts, Counts::Gone) && !is_first {
            self.gone(poll, &mut seen, &sieve, &waiting).await?;
        }
        if poll.remembers() {
            self.come(&connection, poll, &sieve, &mut seen, &waiting).await?;
        }
        for subscriber in &waiting.new {
            self.begin(subscriber, &connection, poll, &sieve).await?;
        }
        let begun = if is_first { sieve.begun } else { begun };
        let since = seen.newest.filter(|_| poll.cursor.is_some() || poll.each.is_some()).map_or(since, |it| it.max(since));
        let since = if is_first { begun.max(seen.newest.unwrap_or(begun)) } else { since };
        let joined = waiting.old.iter().chain(&waiting.new).map(name).collect();
        let reached = Reached { begun, here: Some(here), since, looks: looks + u64::from(seen.events > 0), joined };
        self.keep(reached.clone()).await?;
        if self.first.take().is_some() {
            drop(begun_looking(&self.shared.journal, &self.scope));
        }
        self.forget(poll, &reached, &seen).await?;
        self.looked = Some(now);
        Ok(Looked { events: seen.events })
    }

    /// Who waits for it now.
    pub(super) fn subscribers_now(&self) -> Vec<Subscriber> {
        self.common.wanted(&self.shared).get(&self.id).cloned().unwrap_or_default()
    }
}
