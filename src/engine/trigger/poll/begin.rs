//! When a feed begins: since when somebody waits, how far it had looked, and who gets what it finds.
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Subscriber;
use super::feed::{Broken, Feed};
use super::pages::Pages;
use super::read::{Found, Seen, key_of};
use super::sift::Sieve;
use crate::catalog::{Counts, Poll};
use crate::connector::Connection;
use crate::engine::shared::Shared;
use crate::flow::Begin;
use crate::journal::{Commit, Journal};
use crate::record::{Failure, FailureKind};

/// So many of what was there before are made up for at a flow's first look.
const BACK_MOST: usize = 10_000;

/// How far it has looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reached {
    /// From when on events count, by the service's clock.
    pub(super) begun: Timestamp,
    /// The same by our own clock; none where an earlier version wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) here: Option<Timestamp>,
    /// When the newest record was of interest, by the service's clock.
    pub(super) since: Timestamp,
    /// Looks that found something. What a look finds carries the number of the next, which a crash in its middle leaves as it was.
    pub(super) looks: u64,
    /// Who gets its events: flows and triggers.
    #[serde(default)]
    pub(super) joined: BTreeSet<String>,
}

/// Where the journal keeps since when somebody waits for a feed that has not looked yet.
const BEGUN: &str = "poll-begun";

/// Who gets what a look finds.
pub(super) struct Waiting {
    /// Everything.
    pub(super) old: Vec<Subscriber>,
    /// What happened after they were switched on.
    pub(super) new: Vec<Subscriber>,
    /// Whether the last look was as long ago as looks are: of what has no time, nobody knows when it happened since then.
    pub(super) is_recent: bool,
}

/// A time of ours as the service's clock has it. It is told in whole seconds, and rather early than late.
pub(super) fn by_their_clock(at: Timestamp, ahead: SignedDuration) -> Timestamp {
    at.saturating_add(ahead - SignedDuration::from_secs(1)).unwrap_or(at)
}

impl Feed {
    pub(super) fn has_new_ones(&self) -> bool {
        let joined = self.reached.as_ref().map(|it| &it.joined);
        self.subscribers.borrow().iter().any(|it| joined.is_none_or(|joined| !joined.contains(&name(it))))
    }

    /// What was remembered when the engine last ran.
    pub(super) async fn load(&mut self) -> Result<(), Failure> {
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

    /// Writes down how far it has looked, if that is new.
    pub(super) async fn keep(&mut self, reached: Reached) -> Result<(), Broken> {
        if self.reached.as_ref() != Some(&reached) {
            let head = serde_json::to_value(&reached).unwrap_or_default();
            self.shared.journal.put_state(&self.scope, "", &head).await.map_err(|error| Broken::Machine(error.into()))?;
            self.reached = Some(reached);
        }
        Ok(())
    }

    /// A look that a service broke off: what it found is done and remembered, and the same found later is another event.
    pub(super) async fn keep_half(&mut self, broken: &Broken, seen: &Seen) {
        if seen.events > 0
            && matches!(broken, Broken::Call(_))
            && let Some(reached) = self.reached.clone()
            && let Err(Broken::Machine(failure)) = self.keep(Reached { looks: reached.looks + 1, ..reached }).await
        {
            tracing::warn!(feed = %self.scope, %failure, "what a look has found could not be written down");
        }
    }

    /// Who was switched on since this look began: what it finds may have happened after that.
    pub(super) fn came_meanwhile(&self, waiting: &Waiting) -> Vec<Subscriber> {
        if !self.changes.has_changed().unwrap_or_default() {
            return Vec::new();
        }
        let known: BTreeSet<String> = waiting.old.iter().chain(&waiting.new).map(name).collect();
        self.subscribers_now().into_iter().filter(|it| !known.contains(&name(it))).collect()
    }

    /// What a flow that was just switched on makes up for.
    pub(super) async fn begin(
        &mut self,
        subscriber: &Subscriber,
        connection: &Connection,
        poll: &'static Poll,
        sieve: &Sieve<'_>,
    ) -> Result<(), Broken> {
        let begin = subscriber.watch.begin;
        // A date comes when it comes, whoever waits for it.
        let is_dated = matches!(poll.counts, Counts::Dated { .. });
        if begin == Begin::Now || subscriber.told.is_some() || poll.each.is_some() || is_dated {
            return Ok(());
        }
        let from = begin.since().unwrap_or(Timestamp::UNIX_EPOCH);
        let shared = Arc::clone(&self.shared);
        let chosen = subscriber.input.iter().filter(|(key, _)| poll.asks.contains(key));
        let mut pages = Pages::new(&shared, connection, poll, chosen, from, None)?;
        let sieve = Sieve { begun: from, here: from, is_first: false, ..*sieve };
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
}

/// Since when somebody waits for a feed that has not looked yet, as it was first written down; `on` where nothing was.
pub(super) async fn waits_since(journal: &Journal, scope: &str, on: Option<Timestamp>) -> Option<Timestamp> {
    let (reader, key) = (journal.clone(), scope.to_owned());
    let read = tokio::task::spawn_blocking(move || reader.state(BEGUN, &key)).await;
    let known = read.ok().and_then(Result::ok).flatten();
    if let Some(known) = known.as_ref().and_then(Value::as_str).and_then(|it| it.parse().ok()) {
        return Some(known);
    }
    let on = on?;
    // Where it cannot be written down, a crash before the first look begins later.
    journal.put_state(BEGUN, scope, &Value::from(on.to_string())).await.ok();
    Some(on)
}

/// A first look has ended well: since when somebody waited is kept with how far it has looked.
pub(super) fn begun_looking(journal: &Journal, scope: &str) -> Commit {
    journal.put_state(BEGUN, scope, &Value::Null)
}

/// Nobody waits for what a feed finds any more: it is kept how far it has looked, and who comes next begins then.
pub(super) async fn leave(shared: &Shared, scope: &str) {
    drop(begun_looking(&shared.journal, scope));
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
pub(super) fn name(subscriber: &Subscriber) -> String {
    format!("{}/{}", subscriber.deployed.program.flow, subscriber.trigger)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Options;

    fn at(text: &str) -> Option<Timestamp> {
        text.parse().ok()
    }

    #[tokio::test]
    async fn since_when_somebody_waits_holds_over_a_crash_until_a_first_look_ends_well() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        let journal = Journal::open(dir.path(), Options::default()).unwrap();
        assert_eq!(waits_since(&journal, "poll:a", None).await, None, "nobody waits");
        assert_eq!(waits_since(&journal, "poll:a", first).await, first);
        journal.close();
        // As after a crash before the first look: the flow is switched on anew, later.
        let journal = Journal::open(dir.path(), Options::default()).unwrap();
        assert_eq!(waits_since(&journal, "poll:a", second).await, first);
        assert_eq!(waits_since(&journal, "poll:b", second).await, second, "another feed has its own");
        begun_looking(&journal, "poll:a").await.unwrap();
        assert_eq!(waits_since(&journal, "poll:a", second).await, second);
        journal.close();
    }

    #[test]
    fn how_far_an_earlier_version_has_looked_can_be_read() {
        let text = r#"{"begun":"2026-01-01T00:00:00Z","since":"2026-01-02T00:00:00Z","looks":3}"#;
        let reached: Reached = serde_json::from_str(text).unwrap();
        assert_eq!((reached.here, reached.looks, reached.joined.len()), (None, 3, 0));
    }
}
