//! One feed: looks now and then, and starts a run of each flow that waits for every event that it finds.
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use super::pages::Pages;
use super::sift::{Sieve, digest};
use super::{FeedId, Subscriber, wanted};
use crate::catalog::{Counts, Event, Poll};
use crate::connector::{CallError, Connection};
use crate::engine::shared::Shared;
use crate::engine::trigger::fire::{Fate, Fired, fire};
use crate::engine::trigger::told;
use crate::engine::{Event as HandleEvent, Look};
use crate::expr::to_text;
use crate::flow::Begin;
use crate::record::{Failure, FailureKind};
use crate::run::{Cause, Via};

/// How long from one look to the next, where nobody chose it, in milliseconds.
const USUAL_MS: i64 = 60_000;
/// The same for one that only makes up for lost messages.
const RECONCILE_MS: i64 = 600_000;
/// Where nothing is ever found, looks become rarer until so long lies between them, in milliseconds.
const QUIET_MS: i64 = 300_000;
/// A look that failed is repeated after so long at first, and at most, in milliseconds.
const AGAIN_MS: i64 = 15_000;
const AGAIN_MOST_MS: i64 = 600_000;
/// One that waits for a sign-in is tried so often, should nobody say that the sign-in was made.
const SIGN_IN_MS: i64 = 300_000;
/// A first look that learns what lists hold reads no more records.
const FIRST_MOST: usize = 20_000;
/// So many of what was there before are made up for at a flow's first look.
const BACK_MOST: usize = 10_000;
/// What share of what a service allows may go into looks, in percent.
const SHARE: u64 = 50;

/// How far it has looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    /// From when on events count, by the service's clock.
    begun: Timestamp,
    /// When the newest record was of interest, by the service's clock.
    since: Timestamp,
    /// Looks that ended.
    looks: u64,
    /// Who gets its events: flows and triggers.
    #[serde(default)]
    joined: BTreeSet<String>,
}

/// What waits for the same events of the same account.
pub(super) struct Feed {
    shared: Arc<Shared>,
    id: FeedId,
    scope: String,
    event: &'static Event,
    subscribers: watch::Receiver<Vec<Subscriber>>,
    nudges: watch::Receiver<u64>,
    changes: watch::Receiver<u64>,
    places: Arc<Semaphore>,
    reached: Option<Reached>,
    marks: HashMap<String, String>,
    /// When the last look began that ended well.
    looked: Option<Timestamp>,
    /// When the next time of a record comes.
    due: Option<Timestamp>,
    /// Looks in a row that found nothing.
    quiet: u32,
    /// Looks in a row that failed.
    failed: u32,
    /// Calls of the last look.
    calls: u32,
}

/// What came of a look.
struct Looked {
    events: usize,
}

/// Why a look ended early.
enum Broken {
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
        places: Arc<Semaphore>,
    ) -> Self {
        Self {
            scope: id.scope(),
            nudges: shared.nudges(),
            changes: shared.changes(),
            shared,
            id,
            event,
            subscribers,
            places,
            reached: None,
            marks: HashMap::new(),
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
        loop {
            let mut told = (0, None);
            let wait = match self.look(poll).await {
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
            self.shared.tell(|| {
                HandleEvent::Looked(Look {
                    connection: self.id.connection.clone(),
                    event: self.id.event.clone(),
                    at: self.shared.clock.now(),
                    next,
                    found: told.0,
                    failure: told.1,
                })
            });
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

    fn after(&self, ms: i64) -> Timestamp {
        self.shared.clock.now().saturating_add(SignedDuration::from_millis(ms)).unwrap_or(Timestamp::MAX)
    }

    fn has_new_ones(&self) -> bool {
        let joined = self.reached.as_ref().map(|it| &it.joined);
        self.subscribers.borrow().iter().any(|it| joined.is_none_or(|joined| !joined.contains(&name(it))))
    }

    /// How long from one look to the next.
    fn wait_ms(&self) -> i64 {
        let subscribers = self.subscribers.borrow();
        let chosen = subscribers.iter().filter_map(|it| it.watch.every_ms()).min();
        let usual = if subscribers.iter().all(|it| it.told.is_some()) { RECONCILE_MS } else { USUAL_MS };
        let wait = chosen.unwrap_or_else(|| (usual * i64::from(1 + self.quiet / 10)).min(QUIET_MS.max(usual)));
        drop(subscribers);
        wait.max(self.affordable_ms())
    }

    /// The shortest time between looks by which all feeds of the account stay within their share of what it allows.
    fn affordable_ms(&self) -> i64 {
        let Some(connector) = self.shared.catalog.connector(self.event.id.connector()) else { return 0 };
        let feeds = self.shared.feeds_of(&self.id.connection).max(1);
        let per_call = connector.rates.iter().map(|it| it.per_ms.div_ceil(u64::from(it.requests.max(1)))).max().unwrap_or(0);
        let ms = per_call.saturating_mul(u64::from(self.calls.max(1))).saturating_mul(feeds).saturating_mul(100) / SHARE;
        i64::try_from(ms).unwrap_or(i64::MAX)
    }

    /// What was remembered when the engine last ran.
    async fn load(&mut self) -> Result<(), Failure> {
        let (journal, scope) = (self.shared.journal.clone(), self.scope.clone());
        let states = tokio::task::spawn_blocking(move || journal.reader().states(&scope))
            .await
            .map_err(|error| Failure::new(FailureKind::Machine, "The journal cannot be read").detail(error.to_string()))??;
        for (key, value) in states {
            if key.is_empty() {
                self.reached = serde_json::from_value(value).ok();
            } else if let Value::String(mark) = value {
                self.marks.insert(key, mark);
            }
        }
        Ok(())
    }

    /// Looks once.
    async fn look(&mut self, poll: &'static Poll) -> Result<Looked, Broken> {
        // Never closed.
        let places = Arc::clone(&self.places);
        let _place = places.acquire().await;
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
        let subscribers = wanted(&self.shared).remove(&self.id).unwrap_or_default();
        let now = self.shared.clock.now();
        let on = subscribers.iter().map(|it| it.deployed.at).min().unwrap_or(now);
        let (begun, since, looks) = self.reached.as_ref().map_or((on, on, 0), |it| (it.begun, it.since, it.looks));
        let is_first = self.reached.is_none();
        let joined = self.reached.as_ref().map(|it| it.joined.clone()).unwrap_or_default();
        let (old, new): (Vec<_>, Vec<_>) = subscribers.into_iter().partition(|it| joined.contains(&name(it)));
        // What lists gained cannot be told of a record that was never seen: the first look sees all of them.
        let overlap = SignedDuration::from_millis(i64::try_from(poll.overlap_ms).unwrap_or_default());
        let from = if is_first && matches!(poll.counts, Counts::Gained { .. }) {
            Timestamp::UNIX_EPOCH
        } else {
            since.saturating_sub(overlap).unwrap_or(Timestamp::UNIX_EPOCH)
        };
        let mut sieve = Sieve { poll, begun, ahead_ms: self.id.ahead_ms, now, is_first, look: looks + 1 };
        let is_recent = self.looked.is_some_and(|it| now.duration_since(it) < SignedDuration::from_millis(2 * self.wait_ms()));
        let waiting = Waiting { old, new, is_recent };
        let mut seen = Seen::default();
        self.due = None;
        self.calls = 0;
        match poll.each.as_ref().and_then(Event::find) {
            None => self.read(&connection, poll, from, None, &mut sieve, &mut seen, &waiting).await?,
            Some(of) => {
                let Some(outer) = of.poll() else { return Ok(Looked { events: 0 }) };
                let chosen = std::iter::empty();
                let mut records = Pages::new(&self.shared, &connection, outer, chosen, from, None)?;
                let mut all = Vec::new();
                while let Some(page) = records.next().await? {
                    all.extend(page);
                    if is_first && all.len() > FIRST_MOST {
                        break;
                    }
                }
                self.calls += records.calls;
                let told = records.told;
                // They are read one by one: of those from before nothing is new.
                for record in &all {
                    self.read(&connection, poll, from, Some(record), &mut sieve, &mut seen, &waiting).await?;
                    let newest = outer.cursor.as_deref().and_then(|it| record.get(it));
                    seen.newest = seen.newest.max(newest.and_then(|it| it.as_str()?.parse().ok()));
                }
                seen.told = seen.told.or(told);
            }
        }
        if matches!(poll.counts, Counts::Gone) && !is_first {
            self.gone(poll, &mut seen, &sieve, &waiting).await?;
        }
        for subscriber in &waiting.new {
            self.begin(subscriber, &connection, poll, &sieve).await?;
        }
        let begun = if is_first { sieve.begun } else { begun };
        let since = seen.newest.filter(|_| poll.cursor.is_some() || poll.each.is_some()).map_or(since, |it| it.max(since));
        let since = if is_first { begun.max(seen.newest.unwrap_or(begun)) } else { since };
        let all = self
            .subscribers
            .borrow()
            .iter()
            .map(name)
            .filter(|it| joined.contains(it) || waiting.new.iter().any(|new| name(new) == *it))
            .collect();
        let reached = Reached { begun, since, looks: looks + 1, joined: all };
        if seen.events > 0
            || is_first
            || self.reached.as_ref().is_none_or(|it| it.since != reached.since || it.joined != reached.joined)
        {
            let head = serde_json::to_value(&reached).unwrap_or_default();
            self.shared.journal.put_state(&self.scope, "", &head).await.map_err(|error| Broken::Machine(error.into()))?;
        }
        self.forget(poll, &reached, &seen).await?;
        self.reached = Some(reached);
        self.looked = Some(now);
        Ok(Looked { events: seen.events })
    }

    /// Reads a list to its end, and starts runs of what in it is an event.
    #[expect(clippy::too_many_arguments, reason = "each is one thing of the look that is under way")]
    async fn read(
        &mut self,
        connection: &Connection,
        poll: &'static Poll,
        from: Timestamp,
        each: Option<&Value>,
        sieve: &mut Sieve<'_>,
        seen: &mut Seen,
        waiting: &Waiting,
    ) -> Result<(), Broken> {
        let shared = Arc::clone(&self.shared);
        let chosen = self.subscribers.borrow().first().map(|it| it.input.clone()).unwrap_or_default();
        let chosen = chosen.iter().filter(|(key, _)| poll.asks.contains(key));
        let mut pages = Pages::new(&shared, connection, poll, chosen, from, each)?;
        loop {
            let page = pages.next().await;
            self.calls += u32::from(pages.calls > 0);
            let Some(page) = page? else { break };
            if seen.told.is_none() {
                seen.told = pages.told;
                if let Some(told) = pages.told {
                    seen.ahead = told.duration_since(sieve.now);
                    if sieve.is_first {
                        sieve.begun = by_their_clock(sieve.begun, seen.ahead);
                    }
                }
            }
            for record in page {
                self.take(poll, record, sieve, seen, waiting).await?;
            }
            if sieve.is_first && seen.keys.len() > FIRST_MOST {
                tracing::warn!(feed = %self.scope, "the list is longer than a first look reads");
                break;
            }
        }
        Ok(())
    }

    /// Holds one record against what is remembered.
    async fn take(
        &mut self,
        poll: &'static Poll,
        record: Value,
        sieve: &Sieve<'_>,
        seen: &mut Seen,
        waiting: &Waiting,
    ) -> Result<(), Broken> {
        let Some(key) = record.get(&poll.key).filter(|it| it.is_string() || it.is_number()) else { return Ok(()) };
        let key = to_text(key).into_owned();
        seen.newest = seen.newest.max(sieve.cursor(&record));
        let sifted = sieve.sift(&record, self.marks.get(&key).map(String::as_str));
        self.due = match (self.due, sifted.due) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        if sifted.missed {
            tracing::warn!(feed = %self.scope, record = key, "its time came and went while nobody looked");
        }
        if let Some(version) = sifted.version {
            seen.events += 1;
            let for_new = |it: &Subscriber| match sieve.cursor(&record) {
                Some(at) => at > by_their_clock(it.deployed.at, seen.ahead),
                None => waiting.is_recent,
            };
            let meanwhile = self.came_meanwhile(waiting);
            for subscriber in waiting.old.iter().chain(waiting.new.iter().chain(&meanwhile).filter(|it| for_new(it))) {
                self.start_one(subscriber, &key, &version, &record).await?;
            }
        }
        if let Some(mark) = sifted.mark {
            self.remember(&key, Some(mark)).await?;
        }
        seen.keys.insert(key);
        Ok(())
    }

    /// Who was switched on since this look began: what it finds may have happened after that.
    fn came_meanwhile(&self, waiting: &Waiting) -> Vec<Subscriber> {
        if !self.changes.has_changed().unwrap_or_default() {
            return Vec::new();
        }
        let known: BTreeSet<String> = waiting.old.iter().chain(&waiting.new).map(name).collect();
        let now = wanted(&self.shared).remove(&self.id).unwrap_or_default();
        now.into_iter().filter(|it| !known.contains(&name(it))).collect()
    }

    /// What was there at the last look and no longer is.
    async fn gone(&mut self, poll: &'static Poll, seen: &mut Seen, sieve: &Sieve<'_>, waiting: &Waiting) -> Result<(), Broken> {
        let mut gone: Vec<(String, String)> =
            self.marks.iter().filter(|(key, _)| !seen.keys.contains(*key)).map(|(key, it)| (key.clone(), it.clone())).collect();
        gone.sort_unstable();
        for (key, mark) in gone {
            let record = serde_json::from_str(&mark).unwrap_or_else(|_| json!({ poll.key.as_str(): key.as_str() }));
            seen.events += 1;
            for subscriber in waiting.old.iter().chain(waiting.new.iter().filter(|_| waiting.is_recent)) {
                self.start_one(subscriber, &key, &format!("gone.{}", sieve.look), &record).await?;
            }
            self.remember(&key, None).await?;
        }
        Ok(())
    }

    async fn start_one(&self, subscriber: &Subscriber, key: &str, version: &str, record: &Value) -> Result<Fate, Broken> {
        if let (Some(event), Some(poll)) = (subscriber.told, self.event.poll()) {
            return self.make_up_for(subscriber, event, poll, key, version, record).await;
        }
        self.begin_one(subscriber, key, version, record, self.event).await
    }

    /// What the service should have told, and perhaps has.
    async fn make_up_for(
        &self,
        subscriber: &Subscriber,
        event: &'static Event,
        poll: &Poll,
        key: &str,
        version: &str,
        record: &Value,
    ) -> Result<Fate, Broken> {
        let Subscriber { deployed, trigger, .. } = subscriber;
        // One that was only made is told as that, and not as changed.
        let field = |it: &Option<String>| it.as_ref().and_then(|it| record.get(it));
        if matches!(poll.counts, Counts::Changed) && field(&poll.added).is_some_and(|it| Some(it) == field(&poll.cursor)) {
            return Ok(Fate::Duplicate);
        }
        let _turn = self.shared.turns.of(key).await;
        if told::is_covered(&self.shared, deployed, trigger, poll, key, record).await {
            return Ok(Fate::Duplicate);
        }
        let connections = self.shared.connections();
        let Some(connection) = connections.get(&self.id.connection) else { return Ok(Fate::Duplicate) };
        let message = told::as_told(&self.shared, event, connection, record);
        // What lies within the message has its time of change there; elsewhere the message shows it itself.
        let about = if event.item.is_empty() { self.event } else { event };
        let fate = self.begin_one(subscriber, key, version, &message, about).await?;
        told::note(&self.shared, deployed, trigger, key, record).await;
        Ok(fate)
    }

    async fn begin_one(
        &self,
        subscriber: &Subscriber,
        key: &str,
        version: &str,
        payload: &Value,
        about: &'static Event,
    ) -> Result<Fate, Broken> {
        let delivery = format!("poll:{}:{}:{}:{key}:{version}", subscriber.trigger, self.id.connection, self.event.id);
        // Ids of services are short; whatever is not is told by its digest.
        let delivery =
            if delivery.len() > 400 { format!("poll:{}:{}", subscriber.trigger, digest(&delivery.into())) } else { delivery };
        let via = if subscriber.told.is_some() { Via::Reconcile } else { Via::Poll };
        let cause = Cause { record: key.to_owned(), ..Cause::by(via) };
        let mut wait = Duration::from_millis(200);
        loop {
            let (payload, delivery, cause) = (payload.clone(), delivery.clone(), cause.clone());
            let about = Some((self.id.connection.clone(), about));
            let fired = Fired { trigger: subscriber.trigger.clone(), payload, delivery, cause, about };
            match fire(&self.shared, &subscriber.deployed, fired).await {
                Ok(fate) => return Ok(fate),
                Err(failure) if failure.kind != FailureKind::Machine || self.shared.is_stopping() => {
                    return Err(Broken::Machine(failure));
                }
                // Too many are under way, or the disk is slow: what was found is not lost, it waits here.
                Err(failure) => {
                    tracing::debug!(%failure, "an event waits");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(10));
                }
            }
        }
    }

    /// What a flow that was just switched on makes up for.
    async fn begin(
        &mut self,
        subscriber: &Subscriber,
        connection: &Connection,
        poll: &'static Poll,
        sieve: &Sieve<'_>,
    ) -> Result<(), Broken> {
        let begin = subscriber.watch.begin;
        if begin == Begin::Now || subscriber.told.is_some() || poll.each.is_some() {
            return Ok(());
        }
        let from = begin.since().unwrap_or(Timestamp::UNIX_EPOCH);
        let shared = Arc::clone(&self.shared);
        let chosen = subscriber.input.iter().filter(|(key, _)| poll.asks.contains(key));
        let mut pages = Pages::new(&shared, connection, poll, chosen, from, None)?;
        let sieve = Sieve { begun: from, is_first: false, ..*sieve };
        let mut count = 0;
        while let Some(page) = pages.next().await? {
            for record in page {
                let Some(key) = record.get(&poll.key).filter(|it| it.is_string() || it.is_number()) else { continue };
                let key = to_text(key).into_owned();
                if let Some(version) = sieve.sift(&record, None).version {
                    self.start_one(subscriber, &key, &version, &record).await?;
                    count += 1;
                }
                if count >= BACK_MOST {
                    let title = format!("\"{}\" starts with more than was to be made up for", subscriber.deployed.program.name);
                    let failure = Failure::new(FailureKind::Limit, title);
                    let failure = failure.detail(format!("The first {BACK_MOST} of \"{}\" were taken", self.event.title));
                    self.shared.trouble(failure.hint("Choose a later day to begin from, or import the rest from a file."));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn remember(&mut self, key: &str, mark: Option<String>) -> Result<(), Broken> {
        let value = mark.as_ref().map_or(Value::Null, |it| Value::from(it.as_str()));
        match mark {
            Some(mark) => drop(self.marks.insert(key.to_owned(), mark)),
            None => drop(self.marks.remove(key)),
        }
        self.shared.journal.put_state(&self.scope, key, &value).await.map_err(|error| Broken::Machine(error.into()))
    }

    /// Records that can no longer come up again are not remembered.
    async fn forget(&mut self, poll: &'static Poll, reached: &Reached, seen: &Seen) -> Result<(), Broken> {
        let old: Vec<String> = match &poll.counts {
            // A list that is asked from a time on holds no older ones; their own time is their mark only where they are changed.
            Counts::Changed if poll.cursor.is_some() => {
                let overlap = SignedDuration::from_millis(i64::try_from(poll.overlap_ms).unwrap_or_default() * 2);
                let Ok(before) = reached.since.checked_sub(overlap) else { return Ok(()) };
                let is_old = |mark: &str| mark.parse::<Timestamp>().is_ok_and(|it| it < before);
                self.marks.iter().filter(|(key, mark)| !seen.keys.contains(*key) && is_old(mark)).map(|it| it.0.clone()).collect()
            }
            // What is no longer in the list cannot come up again, unless it comes back, which makes it new.
            Counts::Reached { .. } => self.marks.keys().filter(|it| !seen.keys.contains(*it)).cloned().collect(),
            _ => return Ok(()),
        };
        for key in old {
            self.remember(&key, None).await?;
        }
        Ok(())
    }

    /// Says once that looks fail, and how long to wait.
    fn tell(&self, broken: Broken) -> (Failure, i64) {
        let again = (AGAIN_MS << self.failed.saturating_sub(1).min(8)).min(AGAIN_MOST_MS);
        let (failure, wait) = match broken {
            Broken::Machine(failure) => (failure, again),
            Broken::Call(error) => match *error {
                CallError::Retry { after, failure } => {
                    let after = after.and_then(|it| i64::try_from(it.as_millis()).ok()).unwrap_or(again);
                    (failure, after.max(1_000))
                }
                CallError::SignIn(failure) => (failure, SIGN_IN_MS),
                CallError::Breaker { until, failure } => {
                    let left = until.map(|it| it.duration_since(self.shared.clock.now()).as_millis());
                    (failure, left.and_then(|it| i64::try_from(it).ok()).unwrap_or(SIGN_IN_MS).max(1_000))
                }
                CallError::Refused(failure) | CallError::NotSent(failure) | CallError::Lost(failure) => (failure, again),
            },
        };
        tracing::warn!(feed = %self.scope, failed = self.failed, %failure, "a look failed");
        // One that fails now and then mends itself; what goes on is told.
        let is_worth_telling = matches!(failure.kind, FailureKind::SignIn | FailureKind::Forbidden | FailureKind::Flow);
        if self.failed == 1 && is_worth_telling || self.failed == 3 && !is_worth_telling {
            let title = format!("\"{}\" cannot be looked for at the moment", self.event.title);
            let detail =
                if failure.detail.is_empty() { failure.title.clone() } else { format!("{}: {}", failure.title, failure.detail) };
            let told = Failure { title, detail, ..failure.clone() };
            self.shared.trouble(told.hint("Nothing is lost: it goes on from where it was once that works again."));
        }
        (failure, wait)
    }
}

/// Who gets what a look finds.
struct Waiting {
    /// Everything.
    old: Vec<Subscriber>,
    /// What happened after they were switched on.
    new: Vec<Subscriber>,
    /// Whether the last look was as long ago as looks are: of what has no time, nobody knows when it happened since then.
    is_recent: bool,
}

/// A time of ours as the service's clock has it. It is told in whole seconds, and rather early than late.
fn by_their_clock(at: Timestamp, ahead: SignedDuration) -> Timestamp {
    at.saturating_add(ahead - SignedDuration::from_secs(1)).unwrap_or(at)
}

/// What a look has come across.
#[derive(Default)]
struct Seen {
    keys: BTreeSet<String>,
    newest: Option<Timestamp>,
    /// The service's clock when the look began.
    told: Option<Timestamp>,
    /// How far it is ahead of ours.
    ahead: SignedDuration,
    events: usize,
}

/// Nobody waits for what a feed finds any more: it is kept how far it has looked, and who comes next begins then.
pub(super) async fn leave(shared: &Shared, scope: &str) {
    let (journal, name) = (shared.journal.clone(), scope.to_owned());
    let read = tokio::task::spawn_blocking(move || journal.state(&name, "")).await;
    let reached = read.ok().and_then(Result::ok).flatten().and_then(|it| serde_json::from_value::<Reached>(it).ok());
    let Some(reached) = reached else { return };
    let head = serde_json::to_value(Reached { joined: BTreeSet::new(), ..reached }).unwrap_or_default();
    if let Err(error) = shared.journal.put_state(scope, "", &head).await {
        tracing::warn!(%error, "that nobody waits for a look any more could not be written down");
    }
}

/// A flow and its trigger, as a feed knows them.
fn name(subscriber: &Subscriber) -> String {
    format!("{}/{}", subscriber.deployed.program.flow, subscriber.trigger)
}
