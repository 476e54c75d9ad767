//! How a trigger watches a service for its event.
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};

use super::Dated;
use crate::catalog::Event;
use crate::expr::parse_duration;

/// How a trigger watches a service. What is usual is not written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Watch {
    /// How long from one look at the service to the next: `5 minutes`. Empty leaves it to Flowyard.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub every: String,
    /// From when on its events count.
    #[serde(skip_serializing_if = "Begin::is_now")]
    pub begin: Begin,
    /// Of an event that is the coming of a time: how long before it; after it with a `-`. Empty is what the event says itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ahead: String,
    /// Of an event that is the coming of a date of a record: which date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Dated>,
    /// Of an event that the service tells: whether it is also looked for now and then, since messages get lost.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reconcile: bool,
    /// Of an event that the service tells: whether a run first reads the whole record. None is what the catalogue holds for best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole: Option<bool>,
}

/// From when on events count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Begin {
    /// From when the flow is switched on.
    #[default]
    Now,
    /// From this day on (UTC), once, as far as the service can be asked.
    From(Date),
    /// All that is there, once.
    All,
}

impl Watch {
    /// The shortest time between two looks, in milliseconds.
    pub const SHORTEST_MS: i64 = 5_000;

    /// How long from one look to the next, in milliseconds; none where that is left to Flowyard, or cannot be read.
    pub fn every_ms(&self) -> Option<i64> {
        milliseconds(&self.every).filter(|it| *it >= Self::SHORTEST_MS)
    }

    /// How long before the time, in milliseconds; negative is after it. None where the event says it, or it cannot be read.
    pub fn ahead_ms(&self) -> Option<i64> {
        milliseconds(&self.ahead)
    }

    /// Whether a run that an event starts first reads the whole record.
    pub fn reads_whole(&self, event: &Event) -> bool {
        event.whole.as_ref().is_some_and(|it| self.whole.unwrap_or(it.thin))
    }

    /// Whether nothing is chosen.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Begin {
    /// Whether only what happens from now on counts.
    pub fn is_now(&self) -> bool {
        *self == Self::Now
    }

    /// The first moment that counts; none where all does, or nothing that was before.
    pub fn since(self) -> Option<Timestamp> {
        match self {
            Self::From(date) => TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok(),
            Self::Now | Self::All => None,
        }
    }
}

/// A day is 24 hours here: what matters is how long somebody has.
fn milliseconds(text: &str) -> Option<i64> {
    if text.trim().is_empty() {
        return None;
    }
    let days = SpanRelativeTo::days_are_24_hours();
    let span = parse_duration(text).ok()?;
    i64::try_from(span.to_duration(days).ok()?.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::OperationId;

    #[test]
    fn lengths_of_time_are_read_in_words() {
        let watch = |every: &str, ahead: &str| Watch { every: every.to_owned(), ahead: ahead.to_owned(), ..Watch::default() };
        for (every, ms) in [
            ("", None),
            ("5 minutes", Some(300_000)),
            ("PT10S", Some(10_000)),
            ("1 s", None),
            ("soon", None),
            ("1 day", Some(86_400_000)),
        ] {
            assert_eq!(watch(every, "").every_ms(), ms, "{every}");
        }
        for (ahead, ms) in
            [("24 hours", Some(86_400_000)), ("-1 hour", Some(-3_600_000)), ("", None), ("x", None), ("1 month", None)]
        {
            assert_eq!(watch("", ahead).ahead_ms(), ms, "{ahead}");
        }
    }

    #[test]
    fn the_whole_record_is_read_where_somebody_says_so_or_its_messages_are_known_to_be_thin() {
        let event = |name: &str| Event::find(&OperationId::new(&format!("highlevel.webhook.{name}"))).expect("an event");
        for (name, said, expected) in [
            ("TaskCreate", None, true),
            ("TaskCreate", Some(false), false),
            ("ContactUpdate", None, false),
            ("ContactUpdate", Some(true), true),
            ("ContactDelete", Some(true), false),
        ] {
            let watch = Watch { whole: said, ..Watch::default() };
            assert_eq!(watch.reads_whole(event(name)), expected, "{name} {said:?}");
        }
    }

    #[test]
    fn what_is_usual_is_not_written_and_the_rest_reads_back() {
        let text = |it: &Watch| serde_json::to_string(it).unwrap();
        assert_eq!(text(&Watch::default()), "{}");
        let watch = Watch {
            every: "5 minutes".to_owned(),
            begin: Begin::From(Date::constant(2026, 1, 2)),
            ahead: "24 hours".to_owned(),
            date: Some(Dated { field: "dateOfBirth".to_owned(), yearly: true, zone: "UTC".to_owned(), ..Dated::default() }),
            reconcile: true,
            whole: Some(false),
        };
        let written = text(&watch);
        let expected = concat!(
            r#"{"every":"5 minutes","begin":{"from":"2026-01-02"},"ahead":"24 hours","#,
            r#""date":{"field":"dateOfBirth","yearly":true,"zone":"UTC"},"reconcile":true,"whole":false}"#
        );
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_str::<Watch>(&written).unwrap(), watch);
        assert_eq!(serde_json::from_str::<Watch>(r#"{"begin":"all"}"#).unwrap().begin, Begin::All);
        assert_eq!(watch.begin.since().map(|it| it.to_string()).as_deref(), Some("2026-01-02T00:00:00Z"));
        assert!(serde_json::from_str::<Watch>(r#"{"evry":""}"#).is_err());
    }
}
