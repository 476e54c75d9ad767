//! Appointments that repeat: the part of RFC 5545's recurrence rules that calendars of appointments use.
//!
//! `FREQ` (daily to yearly), `INTERVAL`, `COUNT`, `UNTIL`, `BYDAY` (weekly), `BYMONTHDAY` (monthly) and `EXDATE`.
//! Occurrences keep their local time over changes of clocks.
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};

/// Days that are looked at, and occurrences that are made, at most.
const STEPS: usize = 5_000;

/// A rule that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recurrence {
    every: Every,
    interval: i32,
    count: Option<usize>,
    until: Option<Timestamp>,
    days: Vec<Weekday>,
    month_days: Vec<i8>,
    /// Occurrences that do not take place, in milliseconds.
    except: Vec<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Every {
    Day,
    Week,
    Month,
    Year,
}

impl Recurrence {
    /// Reads `RRULE:FREQ=…` with or without its name, and `EXDATE` lines after it. None if it is no such rule.
    pub(super) fn read(text: &str, zone: &TimeZone) -> Option<Self> {
        let mut rule = None;
        let mut except = Vec::new();
        for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
            match line.split_once(':') {
                Some((name, dates)) if name.split(';').next() == Some("EXDATE") => {
                    for date in dates.split(',') {
                        except.push(moment(date, zone)?.as_millisecond());
                    }
                }
                Some(("DTSTART", _)) => {}
                Some(("RRULE", parts)) => rule = Some(parts),
                _ => rule = Some(line),
            }
        }
        let mut read =
            Self { every: Every::Day, interval: 1, count: None, until: None, days: Vec::new(), month_days: Vec::new(), except };
        let mut named = false;
        for part in rule?.split(';').filter(|it| !it.is_empty()) {
            let (name, value) = part.split_once('=')?;
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => {
                    named = true;
                    read.every = match value.to_ascii_uppercase().as_str() {
                        "DAILY" => Every::Day,
                        "WEEKLY" => Every::Week,
                        "MONTHLY" => Every::Month,
                        "YEARLY" => Every::Year,
                        _ => return None,
                    };
                }
                "INTERVAL" => read.interval = value.parse().ok().filter(|it| (1..=1_000).contains(it))?,
                "COUNT" => read.count = Some(value.parse().ok()?),
                "UNTIL" => read.until = Some(moment(value, zone)?),
                "BYDAY" => read.days = value.split(',').map(weekday).collect::<Option<_>>()?,
                "BYMONTHDAY" => {
                    let day = |it: &str| it.trim().parse::<i8>().ok().filter(|it| (1..=31).contains(it));
                    read.month_days = value.split(',').map(day).collect::<Option<_>>()?;
                }
                _ => {}
            }
        }
        named.then_some(read)
    }

    /// The starts of all occurrences that begin before `end`, the first at `start`.
    pub(super) fn starts(&self, start: Timestamp, end: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        let first = start.to_zoned_datetime(zone.clone()).datetime();
        let mut found = Vec::new();
        let mut made = 0;
        for date in self.dates(first.date()) {
            let Some(at) = at(date, first, zone).filter(|it| *it >= start) else { continue };
            made += 1;
            let over = self.count.is_some_and(|count| made > count) || self.until.is_some_and(|until| at > until);
            if over || at >= end {
                break;
            }
            if !self.except.contains(&at.as_millisecond()) {
                found.push(at);
            }
        }
        found
    }

    /// The dates that the rule names, from `first` on, bounded.
    fn dates(&self, first: Date) -> impl Iterator<Item = Date> {
        let periods = (0..).map_while(move |step: i32| self.period(first, step.checked_mul(self.interval)?));
        periods.take(STEPS).flat_map(move |begin| self.within(first, begin)).take(STEPS)
    }

    /// The first day of a period, or in months and years the day itself.
    fn period(&self, first: Date, steps: i32) -> Option<Date> {
        let monday = || first.checked_sub(i64::from(first.weekday().to_monday_zero_offset()).days()).ok();
        let span: Span = match self.every {
            Every::Day => steps.days(),
            Every::Week => steps.weeks(),
            Every::Month => steps.months(),
            Every::Year => steps.years(),
        };
        let from = match self.every {
            Every::Day => first,
            Every::Week => monday()?,
            Every::Month | Every::Year => first.first_of_month(),
        };
        from.checked_add(span).ok()
    }

    /// The days of one period on which it happens.
    fn within(&self, first: Date, begin: Date) -> Vec<Date> {
        match self.every {
            Every::Day if self.days.is_empty() || self.days.contains(&begin.weekday()) => vec![begin],
            Every::Day => Vec::new(),
            Every::Week => {
                let own = [first.weekday()];
                let days = if self.days.is_empty() { &own[..] } else { &self.days };
                let week = (0..7_i64).filter_map(|it| begin.checked_add(it.days()).ok());
                week.filter(|it| days.contains(&it.weekday())).collect()
            }
            Every::Month | Every::Year => {
                let own = [first.day()];
                let days = if self.month_days.is_empty() { &own[..] } else { &self.month_days };
                let mut dates: Vec<Date> =
                    days.iter().filter_map(|day| Date::new(begin.year(), begin.month(), *day).ok()).collect();
                dates.sort_unstable();
                dates
            }
        }
    }
}

fn at(date: Date, first: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_zoned_datetime(date.to_datetime(first.time())).ok().map(|it| it.timestamp())
}

/// `20210623T043000Z`, `20210623T043000` in the zone, or the end of the day `20210623`.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(utc) = text.strip_suffix('Z') {
        return DateTime::strptime("%Y%m%dT%H%M%S", utc).ok()?.to_zoned_datetime(TimeZone::UTC).ok().map(|it| it.timestamp());
    }
    let local = match DateTime::strptime("%Y%m%dT%H%M%S", text) {
        Ok(local) => local,
        Err(_) => Date::strptime("%Y%m%d", text).ok()?.at(23, 59, 59, 0),
    };
    zone.to_zoned_datetime(local).ok().map(|it| it.timestamp())
}

fn weekday(text: &str) -> Option<Weekday> {
    // `2MO`, the second Monday, is taken as any Monday.
    let name = text.trim().trim_start_matches(|it: char| it.is_ascii_digit() || it == '-' || it == '+');
    Some(match name.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(rule: &str, start: &str, end: &str) -> Vec<String> {
        let zone = TimeZone::get("America/New_York").unwrap();
        let rule = Recurrence::read(rule, &zone).unwrap();
        let found = rule.starts(start.parse().unwrap(), end.parse().unwrap(), &zone);
        found.iter().map(|it| it.to_zoned_datetime(zone.clone()).strftime("%m-%d %H:%M").to_string()).collect()
    }

    #[test]
    fn rules_give_the_occurrences_of_rfc_5545() {
        let end = "2026-01-01T00:00:00Z";
        let table: [(&str, &str, &[&str]); 8] = [
            ("RRULE:FREQ=DAILY;COUNT=3", "2025-03-08T15:00:00Z", &["03-08 10:00", "03-09 10:00", "03-10 10:00"]),
            ("FREQ=DAILY;INTERVAL=2;COUNT=2", "2025-01-30T15:00:00Z", &["01-30 10:00", "02-01 10:00"]),
            ("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", "2025-01-08T15:00:00Z", &["01-08 10:00", "01-13 10:00", "01-15 10:00"]),
            ("FREQ=WEEKLY;INTERVAL=2;COUNT=2", "2025-01-07T15:00:00Z", &["01-07 10:00", "01-21 10:00"]),
            ("FREQ=MONTHLY;COUNT=3", "2025-01-31T15:00:00Z", &["01-31 10:00", "03-31 10:00", "05-31 10:00"]),
            ("FREQ=MONTHLY;BYMONTHDAY=15,1;COUNT=3", "2025-01-10T15:00:00Z", &["01-15 10:00", "02-01 10:00", "02-15 10:00"]),
            ("FREQ=DAILY;UNTIL=20250110T150000Z", "2025-01-09T15:00:00Z", &["01-09 10:00", "01-10 10:00"]),
            ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20250110T150000Z", "2025-01-09T15:00:00Z", &["01-09 10:00", "01-11 10:00"]),
        ];
        for (rule, start, wanted) in table {
            assert_eq!(starts(rule, start, end), wanted, "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_and_endless_rules_end() {
        let zone = TimeZone::UTC;
        for text in ["", "hello", "FREQ=SOMETIMES", "INTERVAL=2", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;COUNT=x", "EXDATE:x"] {
            assert!(Recurrence::read(text, &zone).is_none(), "{text}");
        }
        assert_eq!(starts("FREQ=DAILY", "2025-01-01T15:00:00Z", "9999-01-01T00:00:00Z").len(), STEPS);
        // The 30th of February never comes.
        assert_eq!(starts("FREQ=YEARLY;BYMONTHDAY=30", "2024-02-29T15:00:00Z", "9999-01-01T00:00:00Z").len(), 0);
    }
}
