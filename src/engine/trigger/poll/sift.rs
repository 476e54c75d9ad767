//! Which records of a look are events. No I/O: what is remembered of a record comes in, and what is to be remembered goes out.
use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::catalog::{Counts, Poll};
use crate::expr::{parse_time, to_text};
use crate::flow::Coming;

/// What a record is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sieve<'a> {
    pub(super) poll: &'a Poll,
    /// From when on events count, by the service's clock.
    pub(super) begun: Timestamp,
    /// The same by our own clock, by which times come.
    pub(super) here: Timestamp,
    /// How dates become times, where a date is what comes.
    pub(super) coming: Option<&'a Coming>,
    /// In place of what the poll says itself.
    pub(super) ahead_ms: Option<i64>,
    pub(super) now: Timestamp,
    /// Whether this is the look that learns what was there before: of what has no time, nothing is an event.
    pub(super) is_first: bool,
    /// The number of the look.
    pub(super) look: u64,
}

/// What is to be done about a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sifted {
    /// What is to be remembered of it from now on; none leaves it as it is.
    pub(super) mark: Option<String>,
    /// It is an event: what tells it from other events of the same record.
    pub(super) version: Option<String>,
    /// When it came, by our own clock, where it is the coming of a time.
    pub(super) at: Option<Timestamp>,
    /// It will be one then.
    pub(super) due: Option<Timestamp>,
    /// Its time came while nobody looked, and is over.
    pub(super) missed: bool,
}

/// One that came while nothing looked is made up for within so long, where it lies behind its time anyway.
const LATEST: SignedDuration = SignedDuration::from_hours(24);

impl Sieve<'_> {
    /// When a record was last of interest, as the service says it.
    pub(super) fn cursor(&self, record: &Value) -> Option<Timestamp> {
        time(record.get(self.poll.cursor.as_deref()?)?)
    }

    /// Looks at a record, and at what is remembered of it.
    pub(super) fn sift(&self, record: &Value, known: Option<&str>) -> Sifted {
        if self.is_ignored(record) {
            return Sifted::default();
        }
        match &self.poll.counts {
            Counts::New => self.new_one(record, known),
            Counts::Changed => self.changed(record, known),
            Counts::Gained { field } => self.gained(record.get(field), record, known),
            Counts::Reached { field, ahead_ms } => {
                let ahead = self.ahead_ms.unwrap_or_else(|| i64::try_from(*ahead_ms).unwrap_or(i64::MAX));
                self.reached(record.get(field), ahead, known)
            }
            Counts::Dated { .. } => self.dated(record, known),
            // What is remembered is the record itself: it is all that is left of it once it is gone.
            Counts::Gone => {
                let text = record.to_string();
                Sifted { mark: (known != Some(&*text)).then_some(text), ..Sifted::default() }
            }
        }
    }

    fn is_ignored(&self, record: &Value) -> bool {
        self.poll.ignore.iter().any(|(field, values)| {
            record.get(field).and_then(Value::as_str).is_some_and(|it| values.iter().any(|value| value == it))
        })
    }

    /// Whether it happened before anybody was interested.
    fn is_older(&self, record: &Value) -> bool {
        self.cursor(record).map_or(self.is_first, |it| it <= self.begun)
    }

    fn new_one(&self, record: &Value, known: Option<&str>) -> Sifted {
        if known.is_some() {
            return Sifted::default();
        }
        let version = (!self.is_older(record)).then(|| "new".to_owned());
        let mark = self.cursor(record).map(|it| it.to_string()).unwrap_or_default();
        Sifted { mark: Some(mark), version, ..Sifted::default() }
    }

    fn changed(&self, record: &Value, known: Option<&str>) -> Sifted {
        let cursor = self.poll.cursor.as_deref().and_then(|it| record.get(it)).filter(|it| !it.is_null());
        let mark = cursor.map_or_else(|| digest(record), |it| to_text(it).into_owned());
        if known == Some(&*mark) {
            return Sifted::default();
        }
        // What is the same again is told from its earlier time by the look that found it.
        let version = || if cursor.is_some() { mark.clone() } else { format!("{mark}.{}", self.look) };
        let version = (!self.is_older(record)).then(version);
        Sifted { mark: Some(mark), version, ..Sifted::default() }
    }

    fn gained(&self, list: Option<&Value>, record: &Value, known: Option<&str>) -> Sifted {
        let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut items: Vec<String> = items.iter().map(|it| to_text(it).into_owned()).collect();
        items.sort_unstable();
        items.dedup();
        let mark = Value::from(items.clone()).to_string();
        if known == Some(&*mark) {
            return Sifted::default();
        }
        let before: Vec<String> = known.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
        let more: Vec<&String> = items.iter().filter(|it| !before.contains(it)).collect();
        let is_event = !more.is_empty() && !self.is_older(record);
        let version = is_event.then(|| format!("{}.{}", digest(&Value::from(mark.as_str())), self.look));
        Sifted { mark: Some(mark), version, ..Sifted::default() }
    }

    /// From here on a date that has come still counts: what came longer ago, while nothing looked, is over.
    pub(super) fn floor(&self) -> Timestamp {
        Self::floor_of(self.here, self.now)
    }

    /// The same, where somebody waits since `here`.
    pub(super) fn floor_of(here: Timestamp, now: Timestamp) -> Timestamp {
        here.max(now.saturating_sub(LATEST).unwrap_or(here))
    }

    fn dated(&self, record: &Value, known: Option<&str>) -> Sifted {
        let Some(coming) = self.coming else { return Sifted::default() };
        let Some((_, when)) = coming.date_of(record) else { return Sifted::default() };
        let done = known.map(DateMark::read).unwrap_or_default().done;
        let next = |after| coming.next(when, after);
        match next(self.floor()) {
            Some(it) if it.due <= self.now && it.of != done => Sifted {
                mark: Some(DateMark { date: String::new(), done: it.of.clone() }.write()),
                at: Some(it.due),
                due: next(self.now).map(|it| it.due),
                version: Some(it.of),
                ..Sifted::default()
            },
            Some(it) if it.due > self.now => Sifted { due: Some(it.due), ..Sifted::default() },
            Some(_) => Sifted { due: next(self.now).map(|it| it.due), ..Sifted::default() },
            None => Sifted::default(),
        }
    }

    fn reached(&self, at: Option<&Value>, ahead_ms: i64, known: Option<&str>) -> Sifted {
        let Some((text, at)) = at.and_then(|it| Some((to_text(it).into_owned(), time(it)?))) else { return Sifted::default() };
        let Ok(due) = at.checked_sub(SignedDuration::from_millis(ahead_ms)) else { return Sifted::default() };
        if known == Some(&*text) {
            return Sifted::default();
        }
        if due > self.now {
            return Sifted { due: Some(due), ..Sifted::default() };
        }
        // A reminder of what has begun helps nobody.
        let missed = if ahead_ms > 0 { at <= self.now } else { self.now.duration_since(due) > LATEST };
        let is_event = due > self.here && !missed;
        let version = is_event.then(|| text.clone());
        Sifted { version, at: Some(due), missed: missed && due > self.here, mark: Some(text), due: None }
    }
}

/// What is remembered of a record whose dates come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct DateMark {
    /// The date that it has, as text; empty where that is read again with each look, or it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) date: String,
    /// The date that it came up for last.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) done: String,
}

impl DateMark {
    /// As it was written down; of what cannot be read nothing is known.
    pub(super) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The instant that a field holds: text, or milliseconds since 1970. What names no zone is UTC.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => parse_time(text, &TimeZone::UTC).ok(),
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

/// A short name of a value: the first half of its SHA-256, in hex.
pub(super) fn digest(value: &Value) -> String {
    Sha256::digest(value.to_string()).iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
        hex
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::catalog::OperationId;

    fn poll(cursor: Option<&str>, counts: Counts) -> Poll {
        Poll {
            operation: OperationId::new("x.d.list"),
            input: BTreeMap::new(),
            asks: Vec::new(),
            each: None,
            list: String::new(),
            key: "id".to_owned(),
            cursor: cursor.map(str::to_owned),
            added: None,
            overlap_ms: 0,
            read: None,
            ignore: BTreeMap::from([("status".to_owned(), vec!["cancelled".to_owned()])]),
            counts,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn sieve(poll: &Poll) -> Sieve<'_> {
        Sieve {
            poll,
            begun: at("2026-01-01T00:00:00Z"),
            here: at("2026-01-01T00:00:00Z"),
            coming: None,
            ahead_ms: None,
            now: at("2026-01-02T00:00:00Z"),
            is_first: false,
            look: 7,
        }
    }

    #[test]
    fn a_new_record_is_an_event_once_and_one_from_before_is_none() {
        let poll = poll(Some("added"), Counts::New);
        let new = json!({"id": "1", "added": "2026-01-01T10:00:00Z"});
        let old = json!({"id": "2", "added": "2025-12-31T10:00:00Z"});
        let of = |record: &Value, known| sieve(&poll).sift(record, known);
        assert_eq!(of(&new, None).version.as_deref(), Some("new"));
        assert_eq!(of(&new, Some("")), Sifted::default());
        assert_eq!((of(&old, None).version, of(&old, None).mark.as_deref()), (None, Some("2025-12-31T10:00:00Z")));
        let first = Sieve { is_first: true, ..sieve(&poll) };
        assert_eq!(first.sift(&new, None).version.as_deref(), Some("new"), "it was added after somebody was interested");
        assert_eq!(first.sift(&json!({"id": "3"}), None).version, None);
    }

    #[test]
    fn a_change_is_told_by_its_time_or_by_what_is_in_it() {
        let (dated, plain) = (poll(Some("updated"), Counts::Changed), poll(None, Counts::Changed));
        let record = json!({"id": "1", "updated": "2026-01-01T10:00:00Z", "a": 1});
        let found = sieve(&dated).sift(&record, Some("2026-01-01T09:00:00Z"));
        assert_eq!(
            (found.version.as_deref(), found.mark.as_deref()),
            (Some("2026-01-01T10:00:00Z"), Some("2026-01-01T10:00:00Z"))
        );
        assert_eq!(sieve(&dated).sift(&record, Some("2026-01-01T10:00:00Z")), Sifted::default());
        let found = sieve(&plain).sift(&record, None);
        assert_eq!(found.version, Some(format!("{}.7", digest(&record))));
        assert_eq!(sieve(&plain).sift(&record, found.mark.as_deref()), Sifted::default());
        // Changed and changed back: two events.
        let again = Sieve { look: 9, ..sieve(&plain) }.sift(&record, Some("other"));
        assert_ne!(again.version, found.version);
    }

    #[test]
    fn more_in_a_list_is_an_event_and_less_is_none() {
        let poll = poll(Some("updated"), Counts::Gained { field: "tags".to_owned() });
        let record = |tags: Value| json!({"id": "1", "updated": "2026-01-01T10:00:00Z", "tags": tags});
        let of = |tags: Value, known: Option<&str>| sieve(&poll).sift(&record(tags), known);
        assert!(of(json!(["a", "b"]), Some(r#"["a"]"#)).version.is_some());
        assert!(of(json!(["a"]), Some(r#"["a","b"]"#)).version.is_none());
        assert_eq!(of(json!(["b", "a"]), Some(r#"["a","b"]"#)), Sifted::default());
        assert!(of(json!(["c"]), Some(r#"["a","b"]"#)).version.is_some());
        assert_eq!(of(json!([]), None).mark.as_deref(), Some("[]"));
    }

    #[test]
    fn a_time_is_reached_once_and_again_when_it_moves() {
        let poll = poll(None, Counts::Reached { field: "start".to_owned(), ahead_ms: 3_600_000 });
        let of = |start: &str, known: Option<&str>| sieve(&poll).sift(&json!({"id": "1", "start": start}), known);
        let later = of("2026-01-02T05:00:00Z", None);
        assert_eq!((later.due, later.version, later.mark), (Some(at("2026-01-02T04:00:00Z")), None, None));
        let reached = of("2026-01-02T00:30:00Z", None);
        assert_eq!(
            (reached.version.as_deref(), reached.mark.as_deref()),
            (Some("2026-01-02T00:30:00Z"), Some("2026-01-02T00:30:00Z"))
        );
        assert_eq!(of("2026-01-02T00:30:00Z", Some("2026-01-02T00:30:00Z")), Sifted::default());
        assert!(of("2026-01-02T00:45:00Z", Some("2026-01-02T00:30:00Z")).version.is_some());
        // It began while nobody looked.
        let missed = of("2026-01-01T23:30:00Z", None);
        assert!(missed.missed && missed.version.is_none() && missed.mark.is_some());
        // Long before anybody was interested.
        assert!(!of("2025-12-30T00:00:00Z", None).missed);
        let after = Sieve { ahead_ms: Some(-3_600_000), ..sieve(&poll) };
        assert!(after.sift(&json!({"id": "1", "start": "2026-01-01T22:00:00Z"}), None).version.is_some());
        assert_eq!(after.sift(&json!({"id": "1", "start": "2026-01-01T23:30:00Z"}), None).due, Some(at("2026-01-02T00:30:00Z")));
        assert_eq!(sieve(&poll).sift(&json!({"id": "1", "start": null}), None), Sifted::default());
        let cancelled = json!({"id": "1", "start": "2026-01-02T00:30:00Z", "status": "cancelled"});
        assert_eq!(sieve(&poll).sift(&cancelled, None), Sifted::default());
    }

    #[test]
    fn a_date_that_has_come_is_an_event_once_for_a_day_and_again_when_it_moves() {
        use crate::flow::Dated;

        let poll = poll(None, Counts::Dated { fields: Vec::new(), custom: None });
        let date =
            Dated { field: "born".to_owned(), yearly: true, at: "9:00".to_owned(), zone: "UTC".to_owned(), ..Dated::default() };
        let coming = date.coming("").unwrap();
        let sift = |now: &str, born: &str, known: Option<&str>| {
            let sieve = Sieve { coming: Some(&coming), now: at(now), ..sieve(&poll) };
            sieve.sift(&json!({"id": "1", "born": born}), known)
        };
        let early = sift("2026-05-12T08:59:00Z", "1984-05-12", None);
        assert_eq!((early.due, &early.version, &early.mark), (Some(at("2026-05-12T09:00:00Z")), &None, &None));
        let found = sift("2026-05-12T09:00:00Z", "1984-05-12", None);
        assert_eq!((found.version.as_deref(), found.at), (Some("2026-05-12"), Some(at("2026-05-12T09:00:00Z"))));
        let mark = found.mark.unwrap();
        let again = sift("2026-05-12T10:00:00Z", "1984-05-12", Some(&mark));
        assert_eq!((again.version, again.mark, again.due), (None, None, Some(at("2027-05-12T09:00:00Z"))));
        // Another year of birth is the same birthday; another day is another.
        assert_eq!(sift("2026-05-12T10:00:00Z", "1985-05-12", Some(&mark)).version, None);
        assert_eq!(sift("2026-05-13T10:00:00Z", "1984-05-13", Some(&mark)).version.as_deref(), Some("2026-05-13"));
        // What came while nothing looked counts for a day.
        assert!(sift("2026-05-13T08:59:00Z", "1984-05-12", None).version.is_some());
        let over = sift("2026-05-13T09:00:00Z", "1984-05-12", None);
        assert_eq!((over.version, over.due), (None, Some(at("2027-05-12T09:00:00Z"))));
        // Before anybody was interested.
        assert_eq!(sift("2026-01-01T12:00:00Z", "1984-12-31", None).version, None);
        assert_eq!(sift("2026-05-12T09:00:00Z", "", None), Sifted::default());
    }
}
