//! Dates that records hold, and when a reminder of one comes: so long before or after it, once or each year, by a place's clocks.
use std::borrow::Cow;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::{Counts, Event};
use crate::expr::{parse_duration, parse_time, parse_zone, to_text};

/// Which date of a record counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dated {
    /// The field that holds it, a dotted path. Within a list the item with this id is meant: `customFields.ID`.
    pub field: String,
    /// What a person calls it, where that was chosen from a list.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether it comes again each year.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub yearly: bool,
    /// The time of the day, as `9:00`. Empty is the time that the date itself has, and [`Dated::USUAL`] where it has none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// Whose clocks count, by the name in the IANA database.
    pub zone: String,
}

/// What of it cannot be used: the setting, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DatedError {
    /// `date.field`, `date.at`, `date.zone` or `ahead`.
    pub place: &'static str,
    /// Without a full stop.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// How the dates of records become times; from [`Dated::coming`].
#[derive(Debug, Clone)]
pub struct Coming {
    path: Vec<String>,
    yearly: bool,
    at: Option<Time>,
    zone: TimeZone,
    ahead: Span,
    /// Whether a time that names no zone is UTC: the field's own name says so.
    is_utc: bool,
}

/// A date as a record holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// A day without a time.
    Day(Date),
    /// A moment.
    Moment(Timestamp),
}

/// One time that a date comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// When a run starts.
    pub due: Timestamp,
    /// The date that it is about: a day, or a moment in UTC. No two of a record have the same.
    pub of: String,
}

impl Dated {
    /// The time of the day where neither a person nor the date says one.
    pub const USUAL: Time = Time::constant(9, 0, 0, 0);

    /// The same with a name, where nobody chose one and the event knows the field: what the service calls it.
    #[must_use]
    pub fn called(&self, event: &Event) -> Cow<'_, Self> {
        let known = match event.poll().map(|it| &it.counts) {
            Some(Counts::Dated { fields, .. }) if self.name.is_empty() => fields.iter().find(|it| it.field == self.field.trim()),
            _ => None,
        };
        known.map_or(Cow::Borrowed(self), |it| Cow::Owned(Self { name: it.title.clone(), ..self.clone() }))
    }

    /// What it means, in words: `3 days before "Date of birth", each year at 9:00, Europe/Berlin`.
    pub fn meaning(&self, ahead: &str) -> String {
        let name = if self.name.is_empty() { self.field.trim() } else { self.name.as_str() };
        let name = if name.is_empty() { "a date that is still to be chosen".to_owned() } else { format!("\"{name}\"") };
        let ahead = ahead.trim();
        let when = match ahead.strip_prefix('-') {
            _ if ahead.is_empty() => format!("At {name}"),
            Some(after) => format!("{} after {name}", after.trim()),
            None => format!("{ahead} before {name}"),
        };
        let yearly = if self.yearly { ", each year" } else { "" };
        let at = if self.at.trim().is_empty() { String::new() } else { format!(" at {}", self.at.trim()) };
        let zone = if self.zone.trim().is_empty() { String::new() } else { format!(", {}", self.zone.trim()) };
        format!("{when}{yearly}{at}{zone}")
    }

    /// How dates become times, `ahead` before them, or after them with a minus.
    ///
    /// # Errors
    /// A [`DatedError`] for the first setting that cannot be used.
    pub fn coming(&self, ahead: &str) -> Result<Coming, DatedError> {
        let wrong = |place, message: String, hint: &str| DatedError { place, message, hint: hint.to_owned() };
        let path: Vec<String> = self.field.trim().split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(wrong("date.field", "no date is chosen".to_owned(), "Choose the field that holds it."));
        }
        let at = match self.at.trim() {
            "" => None,
            text => Some(time_of_day(text).ok_or_else(|| {
                wrong("date.at", format!("\"{text}\" is no time of a day"), "Write it as 9:00 or 17:30, or leave it empty.")
            })?),
        };
        if self.zone.trim().is_empty() {
            return Err(wrong("date.zone", "no zone is chosen".to_owned(), "Choose the one whose clocks count: Europe/London."));
        }
        let zone = parse_zone(&self.zone).map_err(|error| DatedError {
            place: "date.zone",
            message: error.message,
            hint: error.hint,
        })?;
        let length = match ahead.trim() {
            "" => Span::new(),
            text => parse_duration(text).map_err(|_error| {
                let hint = "Write a length of time, such as \"3 days\", or \"-1 week\" for after it.";
                wrong("ahead", format!("\"{text}\" is not how long before the date"), hint)
            })?,
        };
        let days = length.total((jiff::Unit::Day, SpanRelativeTo::from(Date::constant(2026, 1, 1)))).unwrap_or(f64::MAX).abs();
        if days > 3_660.0 || (self.yearly && days > 360.0) {
            let most = if self.yearly { "of a date that comes each year, less than a year" } else { "ten years at most" };
            return Err(wrong("ahead", format!("\"{}\" is too long: {most}", ahead.trim()), "Choose a shorter time."));
        }
        let is_utc = path.last().is_some_and(|it| it.ends_with("_utc") || it.ends_with("Utc"));
        Ok(Coming { path, yearly: self.yearly, at, zone, ahead: length, is_utc })
    }
}

impl Coming {
    /// The date of a record, as text that is another one when the date is; none where the record holds none that can be read.
    pub fn date_of(&self, record: &Value) -> Option<(String, When)> {
        let value = self.path.iter().try_fold(record, |at, part| step(at, part))?;
        let text = match value {
            Value::String(_) | Value::Number(_) => to_text(value).trim().to_owned(),
            _ => return None,
        };
        let when = self.read(&text)?;
        Some((text, when))
    }

    /// A date as text: a day; a moment; what names no zone is by the clocks that count. A moment that is midnight in UTC is a day:
    /// services write days so.
    pub fn read(&self, text: &str) -> Option<When> {
        if let Ok(day) = text.parse::<Date>()
            && text.len() == 10
        {
            return Some(When::Day(day));
        }
        let zone = if self.is_utc { &TimeZone::UTC } else { &self.zone };
        let (moment, is_utc) = match parse_time(text, &TimeZone::UTC) {
            Ok(moment) if names_its_zone(text) => (moment, text.ends_with(['Z', 'z']) || !text.contains('-')),
            // A local time that the clocks skip or repeat is the one that they show first.
            _ => (zone.to_timestamp(text.replacen(' ', "T", 1).parse::<DateTime>().ok()?).ok()?, self.is_utc),
        };
        let utc = moment.to_zoned_datetime(TimeZone::UTC).datetime();
        Some(if is_utc && utc.time() == Time::midnight() { When::Day(utc.date()) } else { When::Moment(moment) })
    }

    /// The first time after `after` that a date comes; none where it does not come again. A moment that comes each year, as that
    /// when a contact was added, comes a year later for the first time.
    pub fn next(&self, when: When, after: Timestamp) -> Option<Occurrence> {
        if !self.yearly {
            let it = self.once(when)?;
            return (it.due > after).then_some(it);
        }
        let (local, first) = match when {
            When::Day(day) => (day.to_datetime(self.at.unwrap_or(Dated::USUAL)), day.year()),
            When::Moment(moment) => {
                let local = moment.to_zoned_datetime(self.zone.clone()).datetime();
                let local = self.at.map_or(local, |at| local.date().to_datetime(at));
                (local, local.year().saturating_add(1))
            }
        };
        let year = after.to_zoned_datetime(self.zone.clone()).year();
        (year.saturating_sub(1)..=year.saturating_add(2)).filter(|it| *it >= first).find_map(|year| {
            let day = of_year(local.date(), year)?;
            let due = self.before(day.to_datetime(local.time()))?;
            (due > after).then(|| Occurrence { due, of: day.to_string() })
        })
    }

    fn once(&self, when: When) -> Option<Occurrence> {
        match (when, self.at) {
            (When::Day(day), at) => {
                let due = self.before(day.to_datetime(at.unwrap_or(Dated::USUAL)))?;
                Some(Occurrence { due, of: day.to_string() })
            }
            (When::Moment(moment), Some(at)) => {
                let day = moment.to_zoned_datetime(self.zone.clone()).date();
                Some(Occurrence { due: self.before(day.to_datetime(at))?, of: day.to_string() })
            }
            (When::Moment(moment), None) => {
                let due = moment.to_zoned_datetime(self.zone.clone()).checked_sub(self.ahead).ok()?;
                Some(Occurrence { due: due.timestamp(), of: moment.to_string() })
            }
        }
    }

    /// So long before a time that the clocks show: days, weeks, months and years by the calendar, so that it is the same time of the
    /// day; hours and less as they pass. A time that the clocks skip is as much later; of one that they show twice it is the first.
    fn before(&self, local: DateTime) -> Option<Timestamp> {
        let days = Span::new()
            .try_years(self.ahead.get_years())
            .and_then(|it| it.try_months(self.ahead.get_months()))
            .and_then(|it| it.try_weeks(self.ahead.get_weeks()))
            .and_then(|it| it.try_days(self.ahead.get_days()))
            .ok()?;
        let rest = self.ahead.years(0).months(0).weeks(0).days(0);
        let day = self.zone.to_zoned_datetime(local.checked_sub(days).ok()?).ok()?;
        day.checked_sub(rest).ok().map(|it| it.timestamp())
    }
}

/// The day in another year; 29 February is 28 February where there is none.
fn of_year(day: Date, year: i16) -> Option<Date> {
    Date::new(year, day.month(), day.day()).or_else(|_| Date::new(year, day.month(), 1).map(Date::last_of_month)).ok()
}

/// What is at a part of a path: a field, or, in a list, the value of the item with this id or key.
fn step<'a>(at: &'a Value, part: &str) -> Option<&'a Value> {
    let Value::Array(items) = at else { return at.get(part) };
    let is_it = |it: &&Value| ["id", "key"].iter().any(|name| it.get(*name).and_then(Value::as_str) == Some(part));
    let item = items.iter().find(is_it)?;
    ["value", "fieldValue", "field_value", "fieldValueDate", "fieldValueString"].iter().find_map(|it| item.get(*it))
}

/// Whether a text says by which clocks it is: an offset, or milliseconds since 1970.
fn names_its_zone(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.len() != 8 && digits.bytes().all(|it| it.is_ascii_digit());
    is_number || text.parse::<Timestamp>().is_ok() || text.ends_with(']')
}

/// `9:00`, `09:00` or `17:30`.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, most: usize| {
        let is_number = !text.is_empty() && text.len() <= most && text.bytes().all(|it| it.is_ascii_digit());
        is_number.then(|| text.parse::<i8>().ok()).flatten()
    };
    if minute.len() != 2 {
        return None;
    }
    Time::new(number(hour, 2)?, number(minute, 2)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::OperationId;

    fn dated(field: &str, yearly: bool, at: &str, zone: &str) -> Dated {
        Dated { field: field.to_owned(), name: String::new(), yearly, at: at.to_owned(), zone: zone.to_owned() }
    }

    fn stamp(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_date_that_comes_once_is_so_long_before_or_after_it_by_the_clocks_of_a_place() {
        for (date, ahead, at, zone, due) in [
            ("2026-06-10", "3 days", "9:00", "Europe/Berlin", "2026-06-07T07:00:00Z"),
            ("2026-06-10", "", "", "Europe/Berlin", "2026-06-10T07:00:00Z"),
            ("2026-06-10", "-1 week", "17:30", "America/New_York", "2026-06-17T21:30:00Z"),
            ("2026-03-31", "1 month", "9:00", "UTC", "2026-02-28T09:00:00Z"),
            // The clocks change in between: it is nine all the same; hours are as they pass.
            ("2026-03-30", "3 days", "9:00", "Europe/Berlin", "2026-03-27T08:00:00Z"),
            ("2026-03-30", "72 hours", "9:00", "Europe/Berlin", "2026-03-27T07:00:00Z"),
            // The clocks skip half past two, and show it twice.
            ("2026-03-29", "", "2:30", "Europe/Berlin", "2026-03-29T01:30:00Z"),
            ("2026-10-25", "", "2:30", "Europe/Berlin", "2026-10-25T00:30:00Z"),
            ("2026-04-01", "3 days", "2:30", "Europe/Berlin", "2026-03-29T01:30:00Z"),
            // A service writes a day as midnight in UTC, wherever one is.
            ("2026-06-10T00:00:00.000Z", "", "9:00", "America/New_York", "2026-06-10T13:00:00Z"),
            ("1781049600000", "", "9:00", "America/New_York", "2026-06-10T13:00:00Z"),
            // A moment, with its own time and with another of its day there.
            ("2026-06-10T23:30:00-04:00", "1 day", "", "America/New_York", "2026-06-10T03:30:00Z"),
            ("2026-06-10T23:30:00-04:00", "1 day", "9:00", "America/New_York", "2026-06-09T13:00:00Z"),
            ("2026-06-10T23:30:00-04:00", "1 day", "9:00", "Europe/Berlin", "2026-06-10T07:00:00Z"),
            ("2026-03-29T12:00:00Z", "1 day", "", "Europe/Berlin", "2026-03-28T13:00:00Z"),
            ("2026-06-10 11:00:00", "2 hours", "", "America/New_York", "2026-06-10T13:00:00Z"),
            ("2026-06-10 11:00", "", "", "Europe/Berlin", "2026-06-10T09:00:00Z"),
        ] {
            let coming = dated("d", false, at, zone).coming(ahead).unwrap();
            let (text, when) = coming.date_of(&json!({ "d": date })).unwrap_or_else(|| panic!("{date}"));
            assert_eq!(text, date);
            let it = coming.next(when, Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(it.due, stamp(due), "{ahead} before {date} at {at} in {zone}");
            assert_eq!(coming.next(when, it.due), None, "it comes once");
        }
    }

    #[test]
    fn a_date_comes_each_year_also_one_of_29_february_and_over_the_end_of_a_year() {
        for (date, ahead, after, due, of) in [
            ("1984-05-12", "", "2026-03-02T12:00:00Z", "2026-05-12T08:00:00Z", "2026-05-12"),
            ("1984-05-12", "", "2026-05-12T08:00:00Z", "2027-05-12T08:00:00Z", "2027-05-12"),
            ("1984-05-12", "3 days", "2026-05-10T12:00:00Z", "2027-05-09T08:00:00Z", "2027-05-12"),
            ("2000-02-29", "", "2026-01-01T00:00:00Z", "2026-02-28T09:00:00Z", "2026-02-28"),
            ("2000-02-29", "", "2027-12-01T00:00:00Z", "2028-02-29T09:00:00Z", "2028-02-29"),
            ("2000-02-29", "-1 day", "2026-02-01T00:00:00Z", "2026-03-01T09:00:00Z", "2026-02-28"),
            // Before a day of January one is still in the old year; after one of December already in the new one.
            ("1990-01-02", "1 week", "2026-12-01T00:00:00Z", "2026-12-26T09:00:00Z", "2027-01-02"),
            ("1990-12-30", "-1 week", "2027-01-02T00:00:00Z", "2027-01-06T09:00:00Z", "2026-12-30"),
            // A day that lies ahead comes when it does, and then each year.
            ("2031-04-01", "", "2026-01-01T00:00:00Z", "", ""),
            ("2027-04-01", "", "2026-01-01T00:00:00Z", "2027-04-01T08:00:00Z", "2027-04-01"),
            // A moment comes a year later for the first time.
            ("2026-06-10T14:00:00Z", "", "2026-06-10T13:00:00Z", "2027-06-10T08:00:00Z", "2027-06-10"),
        ] {
            let coming = dated("d", true, "9:00", "Europe/London").coming(ahead).unwrap();
            let when = coming.read(date).unwrap();
            let next = coming.next(when, stamp(after));
            let told = next.map(|it| (it.due.to_string(), it.of)).unwrap_or_default();
            assert_eq!(told, (due.to_owned(), of.to_owned()), "{ahead} before {date} after {after}");
        }
    }

    #[test]
    fn a_date_is_found_in_a_field_a_field_within_and_a_custom_field() {
        let record = json!({
            "dateOfBirth": "1984-05-12", "contact": {"since": "2020-01-01"}, "empty": "", "none": null, "words": "soon", "list": ["2020-01-01"],
            "date_start_utc": "2026-03-05 16:00:00", "date_start": "2026-03-05 11:00:00",
            "customFields": [{"id": "a", "value": "x"}, {"id": "b", "value": "2026-07-01"}, {"id": "c", "fieldValueDate": 1_781_049_600_000_i64}]
        });
        let day = |text: &str| Some(When::Day(text.parse().unwrap()));
        let moment = Some(When::Moment(stamp("2026-03-05T16:00:00Z")));
        for (field, expected) in [
            ("dateOfBirth", day("1984-05-12")),
            ("contact.since", day("2020-01-01")),
            ("customFields.b", day("2026-07-01")),
            ("customFields.c", day("2026-06-10")),
            ("date_start_utc", moment),
            ("date_start", moment),
            ("customFields.a", None),
            ("customFields.z", None),
            ("empty", None),
            ("none", None),
            ("words", None),
            ("list", None),
            ("gone", None),
        ] {
            let coming = dated(field, false, "", "America/New_York").coming("").unwrap();
            assert_eq!(coming.date_of(&record).map(|it| it.1), expected, "{field}");
        }
    }

    #[test]
    fn a_date_that_nobody_named_is_called_as_the_service_calls_it() {
        let event = Event::find(&OperationId::new("highlevel.poll.contact-date")).unwrap();
        let name = |it: &Dated| it.called(event).name.clone();
        let birthday = dated("dateOfBirth", true, "9:00", "UTC");
        assert_eq!(name(&birthday), "Date of birth");
        assert_eq!(name(&Dated { name: "Birthday".to_owned(), ..birthday }), "Birthday");
        assert_eq!(name(&dated("customFields.abc", false, "", "UTC")), "");
    }

    #[test]
    fn what_it_means_is_said_in_words() {
        let birthday = Dated { name: "Date of birth".to_owned(), ..dated("dateOfBirth", true, "9:00", "Europe/Berlin") };
        assert_eq!(birthday.meaning("3 days"), "3 days before \"Date of birth\", each year at 9:00, Europe/Berlin");
        assert_eq!(dated("dateAdded", false, "", "UTC").meaning("-1 week"), "1 week after \"dateAdded\", UTC");
        assert_eq!(dated("end", false, "8:30", "").meaning(" "), "At \"end\" at 8:30");
        assert_eq!(Dated::default().meaning(""), "At a date that is still to be chosen");
    }

    #[test]
    fn what_cannot_be_used_is_told_with_its_place() {
        let sound = dated("d", false, "9:00", "UTC");
        for (dated, ahead, place) in [
            (Dated { field: " ".to_owned(), ..sound.clone() }, "", "date.field"),
            (Dated { field: "a..b".to_owned(), ..sound.clone() }, "", "date.field"),
            (Dated { at: "9".to_owned(), ..sound.clone() }, "", "date.at"),
            (Dated { at: "25:00".to_owned(), ..sound.clone() }, "", "date.at"),
            (Dated { at: "+9:00".to_owned(), ..sound.clone() }, "", "date.at"),
            (Dated { zone: String::new(), ..sound.clone() }, "", "date.zone"),
            (Dated { zone: "Europe/Berlim".to_owned(), ..sound.clone() }, "", "date.zone"),
            (sound.clone(), "soon", "ahead"),
            (sound.clone(), "20 years", "ahead"),
            (Dated { yearly: true, ..sound.clone() }, "1 year", "ahead"),
        ] {
            let error = dated.coming(ahead).unwrap_err();
            assert_eq!(error.place, place, "{dated:?} {ahead}: {error}");
            assert!(!error.message.is_empty() && !error.hint.is_empty());
        }
        assert!(sound.coming("-1 year").is_ok());
    }

    proptest::proptest! {
        #[test]
        fn each_time_is_later_than_the_one_before_and_no_two_are_of_the_same_date(
            year in 1900_i16..2030, month in 1_i8..=12, day in 1_i8..=31, days in -350_i32..350, after in 0_i64..4_000_000_000
        ) {
            let coming = dated("d", true, "2:30", "Europe/Berlin").coming(&format!("{days} days")).unwrap();
            let Ok(date) = Date::new(year, month, day) else { return Ok(()) };
            let mut after = Timestamp::from_second(after).unwrap();
            let mut last = String::new();
            for _ in 0..4 {
                let Some(it) = coming.next(When::Day(date), after) else { break };
                proptest::prop_assert!(it.due > after && it.of != last);
                (after, last) = (it.due, it.of);
            }
        }
    }
}
