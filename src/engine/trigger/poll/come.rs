//! Dates of records that no look finds because nothing changed: when each comes is remembered, and what has come is read again,
//! so that a date that is gone, or another one by now, starts nothing.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::begin::Waiting;
use super::feed::{Broken, Feed};
use super::read::{Found, Seen};
use super::sift::{DateMark, Sieve};
use crate::catalog::{Poll, ReadOne};
use crate::connector::{CallError, Connection};
use crate::record::{Failure, FailureKind};

/// When the date of each record comes next.
#[derive(Debug, Default)]
pub(super) struct Plan {
    by_time: BTreeSet<(Timestamp, String)>,
    of: HashMap<String, Timestamp>,
}

impl Plan {
    /// The date of a record comes then; none where it does not come.
    fn set(&mut self, key: &str, due: Option<Timestamp>) {
        if let Some(before) = self.of.remove(key) {
            self.by_time.remove(&(before, key.to_owned()));
        }
        if let Some(due) = due {
            self.of.insert(key.to_owned(), due);
            self.by_time.insert((due, key.to_owned()));
        }
    }

    /// When the next comes, and of which record.
    fn first(&self) -> Option<(Timestamp, String)> {
        self.by_time.first().cloned()
    }
}

impl Feed {
    /// Plans what was remembered when the engine last ran.
    pub(super) fn remember_dates(&mut self) {
        let (Some(coming), Some(reached)) = (self.coming.clone(), self.reached.as_ref()) else { return };
        if !self.event.poll().is_some_and(Poll::remembers) {
            return;
        }
        let after = reached.here.unwrap_or(reached.begun);
        let floor = Sieve::floor_of(after, self.shared.clock.now());
        let due = |mark: &str| {
            let mark = DateMark::read(mark);
            let when = coming.read(&mark.date)?;
            let next = coming.next(when, floor)?;
            // What came and is done comes the next time.
            if next.of == mark.done { coming.next(when, next.due) } else { Some(next) }
        };
        let planned: Vec<(String, Timestamp)> =
            self.marks.iter().filter_map(|(key, mark)| Some((key.clone(), due(mark)?.due))).collect();
        for (key, due) in planned {
            self.plan.set(&key, Some(due));
        }
        self.due = self.plan.first().map(|it| it.0);
    }

    /// Plans the date of a record that a look found, anew where it is another one: what is to be remembered of it.
    pub(super) fn planned(&mut self, key: String, record: &Value, sieve: &Sieve<'_>) -> Option<(String, String)> {
        let coming = sieve.coming?;
        let known = self.marks.get(&key);
        let (date, when) = coming.date_of(record).unzip();
        let date = date.unwrap_or_default();
        let before = known.map(|it| DateMark::read(it)).unwrap_or_default();
        let is_same = before.date == date;
        // Nothing is remembered of a record without a date. One that is remembered is planned, unless a first look was broken off.
        if is_same && (date.is_empty() || self.plan.of.contains_key(&key)) {
            return None;
        }
        let next = when.and_then(|it| coming.next(it, sieve.floor()));
        // A date that was corrected does not come a second time for the same day.
        let next = next.and_then(|it| if it.of == before.done { coming.next(when?, it.due) } else { Some(it) });
        self.plan.set(&key, next.map(|it| it.due));
        (!is_same).then(|| (key, DateMark { date, done: before.done }.write()))
    }

    /// Starts runs of the records whose dates have come.
    pub(super) async fn come(
        &mut self,
        connection: &Connection,
        poll: &'static Poll,
        sieve: &Sieve<'_>,
        seen: &mut Seen,
        waiting: &Waiting,
    ) -> Result<(), Broken> {
        let (Some(coming), Some(read)) = (sieve.coming, poll.read.as_ref()) else { return Ok(()) };
        while let Some((_, key)) = self.plan.first().filter(|it| it.0 <= sieve.now) {
            let known = self.marks.get(&key).map(String::as_str).map(DateMark::read).unwrap_or_default();
            let Some(record) = self.read_one(connection, read, &key).await? else {
                self.plan.set(&key, None);
                self.remember(&key, None).await?;
                continue;
            };
            let (date, when) = coming.date_of(&record).unzip();
            let sifted = sieve.sift(&record, Some(&known.write()));
            let done = sifted.version.clone().unwrap_or(known.done);
            let mark = DateMark { date: date.unwrap_or_default(), done }.write();
            let mut found = Vec::new();
            if let Some(version) = sifted.version {
                seen.events += 1;
                let subscribers = self.who_gets(sifted.at, None, seen, waiting);
                found.push(Found { key: key.clone(), version, record, subscribers });
            }
            self.begin_all(found, BTreeMap::from([(key.clone(), mark)])).await?;
            self.plan.set(&key, when.and_then(|it| coming.next(it, sieve.now)).map(|it| it.due));
        }
        self.due = self.plan.first().map(|it| it.0);
        Ok(())
    }

    /// A record as it is now; none where it is gone.
    async fn read_one(&self, connection: &Connection, read: &ReadOne, key: &str) -> Result<Option<Value>, Broken> {
        let found = self.shared.catalog.operation(&read.operation);
        let Some((connector, operation)) = found else {
            let title = format!("The catalogue has no operation {}", read.operation);
            return Err(Broken::Machine(Failure::new(FailureKind::Flow, title)));
        };
        let input = Map::from_iter([(read.input.clone(), Value::from(key))]);
        let called = self.shared.caller.call(connection, connector, operation, &input).await;
        crate::engine::breaker::save(&self.shared, connection).await;
        match called.result {
            Ok(answer) => {
                let item = read.item.split('.').filter(|it| !it.is_empty()).try_fold(&answer.value, |at, part| at.get(part));
                Ok(item.filter(|it| it.is_object()).cloned())
            }
            Err(CallError::Refused(failure)) if is_gone(&failure) => {
                tracing::debug!(feed = %self.scope, record = key, %failure, "a record is gone before its date came");
                Ok(None)
            }
            Err(error) => Err(Broken::Call(Box::new(error))),
        }
    }
}

/// Whether a service says that it does not have a record: as not found, or, as some do, as a key that is wrong. What else is in
/// the way, such as a page of a network to sign in to, says nothing of the record: its date still comes.
fn is_gone(failure: &Failure) -> bool {
    failure.kind == FailureKind::NotFound || matches!(failure.status, Some(400 | 422))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_service_does_not_have_is_gone() {
        for (kind, status, gone) in [
            (FailureKind::NotFound, 404, true),
            (FailureKind::NotFound, 410, true),
            (FailureKind::Refused, 400, true),
            (FailureKind::Refused, 422, true),
            (FailureKind::Refused, 302, false),
            (FailureKind::Refused, 402, false),
            (FailureKind::Refused, 407, false),
            (FailureKind::Forbidden, 403, false),
            (FailureKind::Service, 501, false),
        ] {
            assert_eq!(is_gone(&Failure::new(kind, "no").status(status)), gone, "{kind:?} {status}");
        }
    }

    #[test]
    fn a_record_is_planned_once_and_the_next_is_the_earliest() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut plan = Plan::default();
        plan.set("a", Some(at(30)));
        plan.set("b", Some(at(20)));
        plan.set("a", Some(at(10)));
        assert_eq!(plan.first(), Some((at(10), "a".to_owned())));
        plan.set("a", None);
        assert_eq!(plan.first(), Some((at(20), "b".to_owned())));
        plan.set("b", None);
        assert_eq!((plan.first(), plan.of.len()), (None, 0));
    }
}
