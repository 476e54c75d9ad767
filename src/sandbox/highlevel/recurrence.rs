//! Appointments that repeat, by the recurrence rules of RFC 5545.
//!
//! `FREQ` (daily to yearly), `INTERVAL`, `COUNT`, `UNTIL`, `BYMONTH`, `BYMONTHDAY`, `BYDAY` (also the second Monday, `2MO`),
//! `BYSETPOS`, `WKST` and `EXDATE`; a rule with any other part is none that is understood, and refused. Occurrences keep
//! their local time over changes of clocks.
use std::ops::RangeInclusive;

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
    months: Vec<i8>,
    /// Which day of the month; from its end where it is negative.
    month_days: Vec<i16>,
    /// Which weekday, and which of them in the month or year: 0 is each, and negative counts from the end.
    days: Vec<(i16, Weekday)>,
    /// Which of the days of one period are meant; all of them where it is empty.
    positions: Vec<i16>,
    week_start: Weekday,
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
        let mut read = Self {
            every: Every::Day,
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            month_days: Vec::new(),
            days: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Monday,
            except,
        };
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
                "BYMONTH" => read.months = numbers(value, 1..=12)?.into_iter().map(|it| it as i8).collect(),
                "BYMONTHDAY" => read.month_days = numbers(value, -31..=31)?,
                "BYDAY" => read.days = value.split(',').map(weekday).collect::<Option<_>>()?,
                "BYSETPOS" => read.positions = numbers(value, -366..=366)?,
                "WKST" => read.week_start = weekday(value).filter(|(nth, _)| *nth == 0)?.1,
                _ => return None,
            }
        }
        // Only a month or a year has a second Monday.
        let counted = read.days.iter().any(|(nth, _)| *nth != 0);
        (named && !(counted && matches!(read.every, Every::Day | Every::Week))).then_some(read)
    }

    /// The starts of all occurrences that begin before `end`, the first at `start`.
    pub(super) fn starts(&self, start: Timestamp, end: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        let first = start.to_zoned_datetime(zone.clone()).datetime();
        let mut found = Vec::new();
        let mut made = 0;
        let last = end.to_zoned_datetime(zone.clone()).date();
        for date in self.dates(first.date(), last) {
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

    /// The dates that the rule names, from `first` to `last`, bounded.
    fn dates(&self, first: Date, last: Date) -> impl Iterator<Item = Date> {
        let periods = (0..).map_while(move |step: i32| self.period(first, step.checked_mul(self.interval)?));
        let periods = periods.take_while(move |begin| *begin <= last).take(STEPS);
        periods.flat_map(move |begin| self.within(first, begin)).take(STEPS)
    }

    /// The first day of a period.
    fn period(&self, first: Date, steps: i32) -> Option<Date> {
        let into_week = || {
            let days = first.weekday().to_monday_zero_offset() - self.week_start.to_monday_zero_offset();
            i64::from(days.rem_euclid(7))
        };
        let (from, span): (Date, Span) = match self.every {
            Every::Day => (first, steps.days()),
            Every::Week => (first.checked_sub(into_week().days()).ok()?, steps.weeks()),
            Every::Month => (first.first_of_month(), steps.months()),
            Every::Year => (first.first_of_year(), steps.years()),
        };
        from.checked_add(span).ok()
    }

    /// The days of one period on which it happens.
    fn within(&self, first: Date, begin: Date) -> Vec<Date> {
        let next = begin.checked_add(match self.every {
            Every::Day => 1.days(),
            Every::Week => 7.days(),
            Every::Month => 1.months(),
            Every::Year => 1.years(),
        });
        let end = next.unwrap_or(Date::MAX);
        let mut dates = Vec::new();
        let mut date = begin;
        while date < end {
            if self.names(first, date) {
                dates.push(date);
            }
            let Ok(tomorrow) = date.tomorrow() else { break };
            date = tomorrow;
        }
        if self.positions.is_empty() {
            return dates;
        }
        let all = dates.len() as i16;
        let mut at: Vec<i16> = self.positions.iter().map(|it| if *it < 0 { all + it } else { it - 1 }).collect();
        at.sort_unstable();
        at.dedup();
        at.into_iter().filter_map(|it| dates.get(usize::try_from(it).ok()?).copied()).collect()
    }

    /// Whether the rule names a day; what it leaves open is as on the first.
    fn names(&self, first: Date, date: Date) -> bool {
        let in_month = |it: &i16| *it == i16::from(date.day()) || *it == i16::from(date.day() - date.days_in_month()) - 1;
        if !(self.months.is_empty() || self.months.contains(&date.month()))
            || !(self.month_days.is_empty() || self.month_days.iter().any(in_month))
            || !(self.days.is_empty() || self.days.iter().any(|it| self.is_weekday(*it, date)))
        {
            return false;
        }
        match self.every {
            Every::Day => true,
            Every::Week => !self.days.is_empty() || date.weekday() == first.weekday(),
            _ if !(self.days.is_empty() && self.month_days.is_empty()) => true,
            Every::Month => date.day() == first.day(),
            Every::Year => date.day() == first.day() && (!self.months.is_empty() || date.month() == first.month()),
        }
    }

    /// Whether a day is such a weekday, and the one of them that is counted: in the month, or in a year without months.
    fn is_weekday(&self, (nth, weekday): (i16, Weekday), date: Date) -> bool {
        if date.weekday() != weekday {
            return false;
        }
        let (day, all) = if self.every == Every::Year && self.months.is_empty() {
            (date.day_of_year(), date.days_in_year())
        } else {
            (i16::from(date.day()), i16::from(date.days_in_month()))
        };
        match nth {
            0 => true,
            1.. => (day - 1) / 7 + 1 == nth,
            _ => (all - day) / 7 + 1 == -nth,
        }
    }
}

/// Whole numbers with commas, none of them 0.
fn numbers(text: &str, within: RangeInclusive<i16>) -> Option<Vec<i16>> {
    text.split(',').map(|it| it.trim().parse().ok().filter(|it| *it != 0 && within.contains(it))).collect()
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

/// `MO`, or with which of them before it: `2MO`, `-1FR`.
fn weekday(text: &str) -> Option<(i16, Weekday)> {
    let text = text.trim();
    let (nth, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let nth = if nth.is_empty() { 0 } else { nth.parse().ok().filter(|it: &i16| *it != 0 && it.abs() <= 53)? };
    let weekday = match name.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    Some((nth, weekday))
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
        let table: [(&str, &str, &[&str]); 18] = [
            // Rules of the RFC's own examples, at other dates.
            ("FREQ=MONTHLY;BYDAY=1FR;COUNT=3", "2025-01-03T15:00:00Z", &["01-03 10:00", "02-07 10:00", "03-07 10:00"]),
            ("FREQ=MONTHLY;BYDAY=-2MO;COUNT=2", "2025-01-20T15:00:00Z", &["01-20 10:00", "02-17 10:00"]),
            ("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", "2025-01-31T15:00:00Z", &["01-31 10:00", "02-28 10:00", "03-31 10:00"]),
            ("FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3;COUNT=2", "2025-01-02T15:00:00Z", &["01-07 10:00", "02-06 10:00"]),
            ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", "2025-01-31T15:00:00Z", &["01-31 10:00", "02-28 10:00"]),
            ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=1", "2025-01-01T15:00:00Z", &["06-13 10:00"]),
            ("FREQ=YEARLY;BYMONTH=3;BYDAY=2SU;COUNT=1", "2025-01-01T15:00:00Z", &["03-09 10:00"]),
            ("FREQ=YEARLY;BYDAY=20MO;COUNT=1", "2025-01-01T15:00:00Z", &["05-19 10:00"]),
            (
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO;COUNT=3",
                "2025-08-05T14:00:00Z",
                &["08-05 10:00", "08-10 10:00", "08-19 10:00"],
            ),
            (
                "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU;COUNT=3",
                "2025-08-05T14:00:00Z",
                &["08-05 10:00", "08-17 10:00", "08-19 10:00"],
            ),
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
        for text in [
            "",
            "hello",
            "FREQ=SOMETIMES",
            "INTERVAL=2",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;COUNT=x",
            "EXDATE:x",
            "FREQ=DAILY;BYHOUR=9",
            "FREQ=WEEKLY;BYDAY=2MO",
            "FREQ=DAILY;BYMONTHDAY=0",
            "FREQ=DAILY;BYDAY=XX",
            "FREQ=DAILY;BYMONTH=13",
        ] {
            assert!(Recurrence::read(text, &zone).is_none(), "{text}");
        }
        assert_eq!(starts("FREQ=DAILY", "2025-01-01T15:00:00Z", "9999-01-01T00:00:00Z").len(), STEPS);
        // The 30th of February never comes.
        assert_eq!(starts("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2024-02-29T15:00:00Z", "9999-01-01T00:00:00Z").len(), 0);
    }
}
