//! One feed: looks now and then, and starts a run of each flow that waits for every event that it finds.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::last;
use super::pages::Pages;
use super::sift::{Sieve, time};
use super::{Common, FeedId, Subscriber};
use crate::catalog::{Counts, Event, Poll};
use crate::connector::{CallError, Connection};
use crate::engine::shared::Shared;
use crate::engine::{Event as HandleEvent, Look};
use crate::expr::to_text;
use crate::flow::Begin;
use crate::record::{Failure, FailureKind};

/// A first look that learns what lists hold reads no more records.
const FIRST_MOST: usize = 20_000;
/// So many of what was there before are made up for at a flow's first look.
const BACK_MOST: usize = 10_000;
/// How far it has looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    /// From when on events count, by the service's clock.
    begun: Timestamp,
    /// When the newest record was of interest, by the service's clock.
    since: Timestamp,
    /// Looks that found something. What a look finds carries the number of the next, which a crash in its middle leaves as it was.
    looks: u64,
    /// Who gets its events: flows and triggers.
    #[serde(default)]
    joined: BTreeSet<String>,
}

/// Where the journal keeps since when somebody waits for a feed that has not looked yet.
const BEGUN: &str = "poll-begun";

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
    reached: Option<Reached>,
    /// Since when somebody waits, until a first look has ended well: a crash before that does not make it later.
    first: Option<Timestamp>,
    pub(super) marks: HashMap<String, String>,
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
        if self.reached.is_none() {
            self.first = self.waits_since().await;
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
            let look = Look {
                connection: self.id.connection.clone(),
                event: self.id.event.clone(),
                at: self.shared.clock.now(),
                next,
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

    fn after(&self, ms: i64) -> Timestamp {
        self.shared.clock.now().saturating_add(SignedDuration::from_millis(ms)).unwrap_or(Timestamp::MAX)
    }

    fn has_new_ones(&self) -> bool {
        let joined = self.reached.as_ref().map(|it| &it.joined);
        self.subscribers.borrow().iter().any(|it| joined.is_none_or(|joined| !joined.contains(&name(it))))
    }

    /// Since when somebody waits, as it was first written down.
    async fn waits_since(&self) -> Option<Timestamp> {
        let (journal, scope) = (self.shared.journal.clone(), self.scope.clone());
        let read = tokio::task::spawn_blocking(move || journal.state(BEGUN, &scope)).await;
        let known = read.ok().and_then(Result::ok).flatten();
        if let Some(known) = known.as_ref().and_then(Value::as_str).and_then(|it| it.parse().ok()) {
            return Some(known);
        }
        let on = self.subscribers.borrow().iter().map(|it| it.deployed.at).min()?;
        // Where it cannot be written down, a crash before the first look begins later.
        self.shared.journal.put_state(BEGUN, &self.scope, &Value::from(on.to_string())).await.ok();
        Some(on)
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
        for subscriber in &waiting.new {
            self.begin(subscriber, &connection, poll, &sieve).await?;
        }
        let begun = if is_first { sieve.begun } else { begun };
        let since = seen.newest.filter(|_| poll.cursor.is_some() || poll.each.is_some()).map_or(since, |it| it.max(since));
        let since = if is_first { begun.max(seen.newest.unwrap_or(begun)) } else { since };
        let joined = waiting.old.iter().chain(&waiting.new).map(name).collect();
        let reached = Reached { begun, since, looks: looks + u64::from(seen.events > 0), joined };
        self.keep(reached.clone()).await?;
        if self.first.take().is_some() {
            drop(self.shared.journal.put_state(BEGUN, &self.scope, &Value::Null));
        }
        self.forget(poll, &reached, &seen).await?;
        self.looked = Some(now);
        Ok(Looked { events: seen.events })
    }

    /// Who waits for it now.
    fn subscribers_now(&self) -> Vec<Subscriber> {
        self.common.wanted(&self.shared).get(&self.id).cloned().unwrap_or_default()
    }

    /// Writes down how far it has looked, if that is new.
    async fn keep(&mut self, reached: Reached) -> Result<(), Broken> {
        if self.reached.as_ref() != Some(&reached) {
            let head = serde_json::to_value(&reached).unwrap_or_default();
            self.shared.journal.put_state(&self.scope, "", &head).await.map_err(|error| Broken::Machine(error.into()))?;
            self.reached = Some(reached);
        }
        Ok(())
    }

    /// A look that a service broke off: what it found is done and remembered, and the same found later is another event.
    async fn keep_half(&mut self, broken: &Broken, seen: &Seen) {
        if seen.events > 0
            && matches!(broken, Broken::Call(_))
            && let Some(reached) = self.reached.clone()
            && let Err(Broken::Machine(failure)) = self.keep(Reached { looks: reached.looks + 1, ..reached }).await
        {
            tracing::warn!(feed = %self.scope, %failure, "what a look has found could not be written down");
        }
    }

    /// Reads one list a record of another.
    #[expect(clippy::too_many_arguments, reason = "each is one thing of the look that is under way")]
    async fn read_each(
        &mut self,
        connection: &Connection,
        poll: &'static Poll,
        outer: &'static Poll,
        from: Timestamp,
        sieve: &mut Sieve<'_>,
        seen: &mut Seen,
        waiting: &Waiting,
    ) -> Result<(), Broken> {
        let shared = Arc::clone(&self.shared);
        let mut records = Pages::new(&shared, connection, outer, std::iter::empty(), from, None)?;
        let mut newest = None;
        while let Some(page) = records.next().await? {
            self.calls += 1;
            for record in &page {
                self.read(connection, poll, from, Some(record), sieve, seen, waiting).await?;
                let at = outer.cursor.as_deref().and_then(|it| record.get(it)).and_then(time);
                newest = newest.max(at);
            }
        }
        seen.newest = seen.newest.max(newest);
        seen.told = seen.told.or(records.told);
        Ok(())
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
            self.take(poll, page, sieve, seen, waiting).await?;
            // What is left out may be found as gained once more than it was; of other lists every record has to be known.
            if sieve.is_first && matches!(poll.counts, Counts::Gained { .. }) && seen.keys.len() > FIRST_MOST {
                tracing::warn!(feed = %self.scope, "the list is longer than a first look reads");
                break;
            }
        }
        Ok(())
    }

    /// Holds the records of a page against what is remembered. Their runs begin side by side, in order, so that they share commits;
    /// what is to be remembered is written down after them.
    async fn take(
        &mut self,
        poll: &'static Poll,
        page: Vec<Value>,
        sieve: &Sieve<'_>,
        seen: &mut Seen,
        waiting: &Waiting,
    ) -> Result<(), Broken> {
        let keyed = page.into_iter().filter_map(|record| Some((key_of(poll, &record)?, record)));
        let (mut found, mut marks) = (Vec::new(), BTreeMap::new());
        for (key, record) in keyed {
            if marks.contains_key(&key) {
                // What is there twice is held against what its first appearance left.
                self.begin_all(std::mem::take(&mut found), std::mem::take(&mut marks)).await?;
            }
            marks.extend(self.sift(key, record, sieve, seen, waiting, &mut found));
        }
        self.begin_all(found, marks).await
    }

    /// Holds one record against what is remembered: what is to be remembered from now on, and, in `found`, who gets it.
    fn sift(
        &mut self,
        key: String,
        record: Value,
        sieve: &Sieve<'_>,
        seen: &mut Seen,
        waiting: &Waiting,
        found: &mut Vec<Found>,
    ) -> Option<(String, String)> {
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
                Some(at) => at > by_their_clock(self.first.map_or(it.deployed.at, |on| on.min(it.deployed.at)), seen.ahead),
                None => waiting.is_recent,
            };
            let meanwhile = self.came_meanwhile(waiting);
            let new = waiting.new.iter().chain(&meanwhile).filter(|it| for_new(it));
            let subscribers = waiting.old.iter().chain(new).cloned().collect();
            found.push(Found { key: key.clone(), version, record, subscribers });
        }
        seen.keys.insert(key.clone());
        sifted.mark.map(|mark| (key, mark))
    }

    /// Begins the runs, and then remembers.
    async fn begin_all(&mut self, found: Vec<Found>, marks: BTreeMap<String, String>) -> Result<(), Broken> {
        self.start_all(&found).await?;
        let mut commits = Vec::with_capacity(marks.len());
        for (key, mark) in marks {
            commits.push(self.shared.journal.put_state(&self.scope, &key, &Value::from(mark.as_str())));
            self.marks.insert(key, mark);
        }
        for commit in commits {
            commit.await.map_err(|error| Broken::Machine(error.into()))?;
        }
        Ok(())
    }

    /// Who was switched on since this look began: what it finds may have happened after that.
    fn came_meanwhile(&self, waiting: &Waiting) -> Vec<Subscriber> {
        if !self.changes.has_changed().unwrap_or_default() {
            return Vec::new();
        }
        let known: BTreeSet<String> = waiting.old.iter().chain(&waiting.new).map(name).collect();
        self.subscribers_now().into_iter().filter(|it| !known.contains(&name(it))).collect()
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
            let found = page.into_iter().filter_map(|record| {
                let (key, version) = (key_of(poll, &record)?, sieve.sift(&record, None).version?);
                Some(Found { key, version, record, subscribers: vec![subscriber.clone()] })
            });
            let found: Vec<Found> = found.take(BACK_MOST - count).collect();
            self.start_all(&found).await?;
            count += found.len();
            if count >= BACK_MOST {
                let title = format!("\"{}\" starts with more than was to be made up for", subscriber.deployed.program.name);
                let failure = Failure::new(FailureKind::Limit, title);
                let failure = failure.detail(format!("The first {BACK_MOST} of \"{}\" were taken", self.event.title));
                self.shared.trouble(failure.hint("Choose a later day to begin from, or start the flow for the rest by hand."));
                return Ok(());
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
            // A list that is read once a record holds the old ones each time.
            Counts::New | Counts::Changed if poll.cursor.is_some() && poll.each.is_none() => {
                let overlap = SignedDuration::from_millis(i64::try_from(poll.overlap_ms).unwrap_or_default() * 2);
                let Ok(before) = reached.since.checked_sub(overlap) else { return Ok(()) };
                let is_old = |mark: &str| mark.parse::<Timestamp>().is_ok_and(|it| it < before);
                self.marks.iter().filter(|(key, mark)| !seen.keys.contains(*key) && is_old(mark)).map(|it| it.0.clone()).collect()
            }
            // What is no longer in the list cannot come up again, unless it comes back, which makes it new.
            Counts::New | Counts::Changed if poll.cursor.is_none() => {
                self.marks.keys().filter(|it| !seen.keys.contains(*it)).cloned().collect()
            }
            Counts::Reached { .. } => self.marks.keys().filter(|it| !seen.keys.contains(*it)).cloned().collect(),
            _ => return Ok(()),
        };
        for key in old {
            self.remember(&key, None).await?;
        }
        Ok(())
    }
}

/// Something that a look has found.
pub(super) struct Found {
    pub(super) key: String,
    pub(super) version: String,
    pub(super) record: Value,
    /// Who gets it.
    pub(super) subscribers: Vec<Subscriber>,
}

/// By what a record is known.
fn key_of(poll: &Poll, record: &Value) -> Option<String> {
    let key = record.get(&poll.key).filter(|it| it.is_string() || it.is_number())?;
    Some(to_text(key).into_owned())
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
    drop(shared.journal.put_state(BEGUN, scope, &Value::Null));
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
