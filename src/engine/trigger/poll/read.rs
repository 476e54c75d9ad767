//! What a look reads: lists page by page, each record held against what is remembered of it, and the runs of what is an event.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Subscriber;
use super::begin::{Reached, Waiting, by_their_clock};
use super::feed::{Broken, Feed};
use super::pages::Pages;
use super::sift::{Sieve, time};
use crate::catalog::{Counts, Poll};
use crate::connector::Connection;
use crate::expr::to_text;

/// A first look that learns what lists hold reads no more records.
const FIRST_MOST: usize = 20_000;

/// What a look has come across.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) keys: BTreeSet<String>,
    pub(super) newest: Option<Timestamp>,
    /// The service's clock when the look began.
    pub(super) told: Option<Timestamp>,
    /// How far it is ahead of ours.
    pub(super) ahead: SignedDuration,
    pub(super) events: usize,
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
pub(super) fn key_of(poll: &Poll, record: &Value) -> Option<String> {
    let key = record.get(&poll.key).filter(|it| it.is_string() || it.is_number())?;
    Some(to_text(key).into_owned())
}

impl Feed {
    /// Reads one list a record of another.
    #[expect(clippy::too_many_arguments, reason = "each is one thing of the look that is under way")]
    pub(super) async fn read_each(
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
    pub(super) async fn read(
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
        if sieve.poll.remembers() {
            return self.planned(key, &record, sieve);
        }
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
            let subscribers = self.who_gets(sifted.at, sieve.cursor(&record), seen, waiting);
            found.push(Found { key: key.clone(), version, record, subscribers });
        }
        seen.keys.insert(key.clone());
        sifted.mark.map(|mark| (key, mark))
    }

    /// Who gets what came at a time by our clock, or else at one by the service's.
    pub(super) fn who_gets(
        &self,
        here: Option<Timestamp>,
        there: Option<Timestamp>,
        seen: &Seen,
        waiting: &Waiting,
    ) -> Vec<Subscriber> {
        let since = |it: &Subscriber| self.first.map_or(it.deployed.at, |on| on.min(it.deployed.at));
        let for_new = |it: &Subscriber| match (here, there) {
            (Some(at), _) => at > since(it),
            (None, Some(at)) => at > by_their_clock(since(it), seen.ahead),
            (None, None) => waiting.is_recent,
        };
        let meanwhile = self.came_meanwhile(waiting);
        let new = waiting.new.iter().chain(&meanwhile).filter(|it| for_new(it));
        waiting.old.iter().chain(new).cloned().collect()
    }

    /// Begins the runs, and then remembers.
    pub(super) async fn begin_all(&mut self, found: Vec<Found>, marks: BTreeMap<String, String>) -> Result<(), Broken> {
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

    /// What was there at the last look and no longer is.
    pub(super) async fn gone(
        &mut self,
        poll: &'static Poll,
        seen: &mut Seen,
        sieve: &Sieve<'_>,
        waiting: &Waiting,
    ) -> Result<(), Broken> {
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

    pub(super) async fn remember(&mut self, key: &str, mark: Option<String>) -> Result<(), Broken> {
        let value = mark.as_ref().map_or(Value::Null, |it| Value::from(it.as_str()));
        match mark {
            Some(mark) => drop(self.marks.insert(key.to_owned(), mark)),
            None => drop(self.marks.remove(key)),
        }
        self.shared.journal.put_state(&self.scope, key, &value).await.map_err(|error| Broken::Machine(error.into()))
    }

    /// Records that can no longer come up again are not remembered.
    pub(super) async fn forget(&mut self, poll: &'static Poll, reached: &Reached, seen: &Seen) -> Result<(), Broken> {
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
            // What is remembered of dates stays until the record itself is gone.
            Counts::Dated { .. } if poll.remembers() => return Ok(()),
            Counts::Reached { .. } | Counts::Dated { .. } => {
                self.marks.keys().filter(|it| !seen.keys.contains(*it)).cloned().collect()
            }
            _ => return Ok(()),
        };
        for key in old {
            self.remember(&key, None).await?;
        }
        Ok(())
    }
}
