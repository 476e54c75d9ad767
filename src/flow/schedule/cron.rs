//! Cron in five fields: minute, hour, day of the month, month, day of the week.
//!
//! As the manual page crontab(5) has it, with `L`, `W` and `#` of Quartz: `L` the last day, `L-2` two days before it, `15W` the
//! working day nearest the 15th, `LW` the last working day, `5L` the last Friday, `1#2` the second Monday. Where both kinds of
//! day are named, either is enough, unless one of the two begins with `*`.
use std::ops::Range;

use super::ScheduleError;
use super::days::{Dates, Days, EVERY_MONTH, EVERY_WEEKDAY, Weekdays};
use super::rule::{Kind, Rule};
use super::times::Times;

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const SHORT: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// One of the five.
struct Field {
    title: &'static str,
    from: u32,
    to: u32,
    /// Names that stand for numbers, the first for `first`.
    names: &'static [&'static str],
    first: u32,
}

const MINUTE: Field = Field { title: "minute", from: 0, to: 59, names: &[], first: 0 };
const HOUR: Field = Field { title: "hour", from: 0, to: 23, names: &[], first: 0 };
const DATE: Field = Field { title: "day of the month", from: 1, to: 31, names: &[], first: 0 };
const MONTH: Field = Field { title: "month", from: 1, to: 12, names: MONTHS, first: 1 };
/// 7 is Sunday, as 0 is.
const WEEKDAY: Field = Field { title: "day of the week", from: 0, to: 7, names: WEEKDAYS, first: 0 };

/// A part of the text, and where it is.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    at: usize,
}

/// Whether a text is meant as cron rather than as words.
pub(super) fn is_meant(text: &str) -> bool {
    let text = text.trim();
    if text.starts_with('@') {
        return true;
    }
    let mut parts = text.split_whitespace();
    let bare = |part: &str| part.bytes().all(|it| it.is_ascii_digit() || b"*/,-?".contains(&it));
    match (parts.next(), parts.next()) {
        (Some(first), Some(second)) => bare(first) && bare(second),
        (Some(only), None) => only.contains('*'),
        (None, _) => false,
    }
}

pub(super) fn parse(text: &str) -> Result<Rule, ScheduleError> {
    if text.trim().starts_with('@') {
        let name = text.trim().to_ascii_lowercase();
        if let Some((_, long)) = SHORT.iter().find(|(short, _)| *short == name) {
            return parse(long);
        }
        let known: Vec<&str> = SHORT.iter().map(|(short, _)| *short).collect();
        let shown: String = name.chars().take(40).collect();
        let hint = format!("There are {}.", known.join(", "));
        return Err(ScheduleError::new(0..text.len(), format!("\"{shown}\" is no rule of cron"), hint));
    }
    let parts: Vec<Part<'_>> = split(Part { text, at: 0 }, char::is_whitespace).filter(|it| !it.text.is_empty()).collect();
    let [minute, hour, date, month, weekday] = parts[..] else {
        let message = format!("a rule of cron has five fields, and this has {}", parts.len());
        let hint = "They are minute, hour, day of the month, month and day of the week: \"0 9 * * MON-FRI\". Seconds and years are not taken.";
        return Err(ScheduleError::new(0..text.len(), message, hint));
    };
    let (minutes, hours) = (MINUTE.bits(minute)?, HOUR.bits(hour)? as u32);
    let days = Days {
        months: MONTH.bits(month)? as u16 & EVERY_MONTH,
        dates: dates(date)?,
        weekdays: weekdays(weekday)?,
        either: !date.text.starts_with(['*', '?']) && !weekday.text.starts_with(['*', '?']),
        ..Days::default()
    };
    let Some(times) = Times::grid(minutes, hours) else {
        return Err(ScheduleError::new(0..text.len(), "it names no time", ""));
    };
    Ok(Rule(Kind::Calendar { days: days.settled(), times }))
}

fn dates(field: Part<'_>) -> Result<Dates, ScheduleError> {
    let mut dates = Dates::default();
    for part in split(field, |it| it == ',') {
        let upper = part.text.to_ascii_uppercase();
        if upper == "LW" {
            dates.last_working = true;
        } else if upper == "L" {
            dates.before_last |= 1;
        } else if let Some(back) = upper.strip_prefix("L-") {
            let back = back.parse::<u32>().ok().filter(|it| (1..=30).contains(it));
            dates.before_last |=
                1 << back.ok_or_else(|| DATE.wrong(part, "\"L-2\" is two days before the last, up to \"L-30\"."))?;
        } else if let Some(day) = upper.strip_suffix('W') {
            dates.nearest |= 1 << DATE.number(Part { text: day, at: part.at })?;
        } else {
            dates.days |= DATE.item(part)? as u32;
        }
    }
    Ok(dates)
}

fn weekdays(field: Part<'_>) -> Result<Weekdays, ScheduleError> {
    let mut weekdays = Weekdays::default();
    // Sunday is 0 here, and comes last there.
    let at = |day: u32| ((day + 6) % 7) as usize;
    for part in split(field, |it| it == ',') {
        if let Some((day, nth)) = part.text.split_once('#') {
            let day = at(WEEKDAY.number(Part { text: day, at: part.at })?);
            let nth = nth.parse::<u32>().ok().filter(|it| (1..=5).contains(it));
            weekdays.nth[day] |=
                1 << nth.ok_or_else(|| WEEKDAY.wrong(part, "\"MON#2\" is the second Monday, up to \"MON#5\"."))?;
        } else if let Some(day) = part.text.strip_suffix(['L', 'l'])
            && !day.is_empty()
        {
            weekdays.nth[at(WEEKDAY.number(Part { text: day, at: part.at })?)] |= 1;
        } else if part.text.eq_ignore_ascii_case("L") {
            // Quartz: the last day of the week, which is Saturday there.
            return Err(WEEKDAY.wrong(part, "Say which: \"FRIL\" is the last Friday of the month."));
        } else {
            let bits = WEEKDAY.item(part)?;
            weekdays.plain |= (0..=7).filter(|day| bits & (1 << day) != 0).fold(0, |all, day| all | 1 << at(day));
        }
    }
    weekdays.plain &= EVERY_WEEKDAY;
    Ok(weekdays)
}

impl Field {
    fn bits(&self, field: Part<'_>) -> Result<u64, ScheduleError> {
        split(field, |it| it == ',').try_fold(0, |bits, part| Ok(bits | self.item(part)?))
    }

    /// `*`, a number, a range; each with a step or without.
    fn item(&self, part: Part<'_>) -> Result<u64, ScheduleError> {
        let (range, step) = match part.text.split_once('/') {
            None => (part.text, None),
            Some((range, step)) => {
                let number = step.parse::<u32>().ok().filter(|it| (1..=self.to).contains(it));
                let hint = format!("A step is a number from 1 to {}: \"*/5\".", self.to);
                (range, Some(number.ok_or_else(|| self.wrong(part, &hint))?))
            }
        };
        let number = |text| self.number(Part { text, at: part.at });
        // 7 is Sunday again, and no eighth day.
        let end = if self.to == 7 { 6 } else { self.to };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" || (range == "?" && !self.is_time()) => (self.from, end),
            Some((from, to)) => (number(from)?, number(to)?),
            // As most programs have it: from there on.
            None if step.is_some() => (number(range)?, end),
            None => (number(range)?, number(range)?),
        };
        if from > to && self.is_time() {
            let message = format!("\"{}\" ends before it begins", part.text);
            let hint = format!("Write two ranges: \"{from}-{},{}-{to}\".", self.to, self.from);
            return Err(ScheduleError::new(part.span(), message, hint));
        }
        let wrapped = if from > to { to + end + 1 - self.from } else { to };
        let numbers = (from..=wrapped).step_by(step.unwrap_or(1) as usize);
        Ok(numbers.fold(0, |bits, it| bits | 1 << (if it > self.to { it - (end + 1 - self.from) } else { it })))
    }

    fn is_time(&self) -> bool {
        self.names.is_empty()
    }

    fn number(&self, part: Part<'_>) -> Result<u32, ScheduleError> {
        let name = part.text.to_ascii_lowercase();
        if let Some(at) = self.names.iter().position(|it| *it == name) {
            return Ok(self.first + at as u32);
        }
        let plain = !part.text.is_empty() && part.text.bytes().all(|it| it.is_ascii_digit());
        let number = if plain { part.text.parse::<u32>().ok() } else { None };
        number.filter(|it| (self.from..=self.to).contains(it)).ok_or_else(|| self.wrong(part, ""))
    }

    fn wrong(&self, part: Part<'_>, hint: &str) -> ScheduleError {
        let shown: String = part.text.chars().take(40).collect();
        let message =
            if shown.is_empty() { format!("a {} is missing", self.title) } else { format!("\"{shown}\" is no {}", self.title) };
        let names = match self.names {
            [] => String::new(),
            [first, .., last] => format!(" or a name from {first} to {last}"),
            [only] => format!(" or {only}"),
        };
        let known = format!(
            "It is a number from {} to {}{names}, a range \"2-5\", a list \"1,3\", or \"*\" for all.",
            self.from, self.to
        );
        ScheduleError::new(part.span(), message, if hint.is_empty() { &known } else { hint })
    }
}

impl Part<'_> {
    fn span(&self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }
}

fn split<'a>(part: Part<'a>, at: impl Fn(char) -> bool + 'a) -> impl Iterator<Item = Part<'a>> {
    let start = part.text.as_ptr() as usize;
    part.text.split(at).map(move |text| Part { text, at: part.at + (text.as_ptr() as usize - start) })
}
