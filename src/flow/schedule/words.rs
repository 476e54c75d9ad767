//! Schedules in words: clauses in any order, each once.
//!
//! `every` says how often, `on` which days, `in` which months, `at` which times; `from … to …` is a part of the day, `starting`
//! the first day. What [`super::print`] writes is read here as the same rule.
use std::ops::Range;

use jiff::civil::Date;

use super::ScheduleError;
use super::days::{Days, EVERY_MONTH, Every, WORKING};
use super::rule::{Kind as RuleKind, Rule};
use super::times::{DAY, Times};
use super::token::{Kind, MONTHS, Token, tokens};
use crate::flow::nearest::nearest;

/// Beginnings of clauses and units, for a slip of the fingers.
const KNOWN: &[&str] = &[
    "every",
    "each",
    "daily",
    "hourly",
    "on",
    "at",
    "in",
    "from",
    "between",
    "starting",
    "minutes",
    "hours",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "quarter",
    "year",
    "weekday",
    "weekdays",
    "weekend",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "last",
    "first",
    "working",
    "noon",
    "midnight",
    "other",
];
pub(super) const EXAMPLE: &str =
    "Write it like \"every weekday at 9:00\", \"every 15 minutes\" or \"on the 1st of the month at 6:00\".";
/// Nothing is as far apart as this, in minutes: a year.
const LONGEST: u32 = 366 * 24 * 60;
/// The largest number of days, weeks, months or years.
const MOST: u32 = 1000;

/// What has been said so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// `every 15 minutes`, in minutes.
    pub(super) step: Option<(u32, Range<usize>)>,
    /// `every 2 weeks`, `every day`.
    pub(super) every: Option<(Every, Range<usize>)>,
    /// Dates, weekdays and months, with where they were said first.
    pub(super) days: Days,
    pub(super) days_at: Option<Range<usize>>,
    pub(super) months_at: Option<Range<usize>>,
    times: Option<(Vec<u16>, Range<usize>)>,
    /// `at :05`, a bit each, and the hours that it is of.
    minutes: Option<(u64, Range<usize>)>,
    hours: Option<u32>,
    window: Option<(u16, u16, Range<usize>)>,
    /// `counted from 8:00`.
    from: Option<(u16, Range<usize>)>,
    start: Option<(Date, Range<usize>)>,
}

/// The words, and how far they are read.
pub(super) struct Reader {
    tokens: Vec<Token>,
    at: usize,
    end: usize,
}

pub(super) fn parse(text: &str) -> Result<Rule, ScheduleError> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, end: text.len() };
    if reader.tokens.is_empty() {
        return Err(ScheduleError::new(0..text.len(), "nothing is said yet", EXAMPLE));
    }
    let mut said = Said::default();
    while let Some(token) = reader.peek().cloned() {
        clause(&mut reader, &mut said, &token)?;
    }
    said.rule(0..text.len())
}

fn clause(reader: &mut Reader, said: &mut Said, token: &Token) -> Result<(), ScheduleError> {
    match (token.kind, &*token.word) {
        (Kind::And, _) => reader.skip(),
        (_, "every" | "each") => {
            reader.skip();
            every(reader, said, token)?;
        }
        (_, "daily") => {
            reader.skip();
            said.set_every(Every::Days(1), token.span.clone())?;
        }
        (_, "hourly") => {
            reader.skip();
            said.set_step(60, token.span.clone())?;
        }
        (_, "on" | "the" | "last" | "or" | "if") | (Kind::Weekday(_) | Kind::Workday | Kind::Weekend | Kind::Ordinal(_), _) => {
            reader.on(said)?;
        }
        (Kind::Month(_), _) => reader.month(said)?,
        (_, "at") => {
            reader.skip();
            at(reader, said, token)?;
        }
        (Kind::Time(_) | Kind::Minute(_), _) => at(reader, said, token)?,
        (_, "in" | "of" | "during") => {
            reader.skip();
            reader.months(said)?;
        }
        (_, "from" | "between") => {
            reader.skip();
            from(reader, said, token)?;
        }
        (_, "counted") => {
            reader.skip();
            reader.skip_words(&["from"]);
            counted(reader, said, token)?;
        }
        (_, "starting" | "beginning" | "since") => {
            reader.skip();
            reader.skip_words(&["on", "from", "the"]);
            start(reader, said, token)?;
        }
        _ => return Err(reader.unknown()),
    }
    Ok(())
}

fn every(reader: &mut Reader, said: &mut Said, first: &Token) -> Result<(), ScheduleError> {
    let Some(token) = reader.peek().cloned() else { return Err(reader.unknown()) };
    let next_is_unit = reader.ahead(1).is_some_and(|it| unit(it).is_some());
    let count = match token.kind {
        Kind::Number(count) => {
            reader.skip();
            count
        }
        Kind::Ordinal(count) if next_is_unit => {
            reader.skip();
            count
        }
        _ if token.word == "other" => {
            reader.skip();
            2
        }
        _ => 1,
    };
    let Some(token) = reader.peek().cloned() else { return Err(reader.unknown()) };
    let span = first.span.start..token.span.end;
    if let Some(unit) = unit(&token) {
        reader.skip();
        return said.count(count, unit, span);
    }
    if let (Kind::Ordinal(nth), Some(Kind::Weekday(_))) = (token.kind, reader.ahead(1).map(|it| it.kind))
        && !reader.ahead(2).is_some_and(|it| it.is(&["of"]))
    {
        let day = reader.ahead(1).map_or("", |it| &*it.word).to_owned();
        let message = "this can be understood in two ways";
        let hint = format!("Write \"every {} {day} of the month\" or \"every {nth} weeks on {day}\".", token.word);
        return Err(ScheduleError::new(span, message, hint));
    }
    match token.kind {
        Kind::Weekday(_) if count > 1 => said.set_every(Every::Weeks(Said::bounded(count, &span)? as u16), span)?,
        _ if count > 1 => return Err(reader.unknown()),
        Kind::Month(_) => return reader.month(said),
        // The unit of time, not the one after the first.
        Kind::Ordinal(2) if token.word == "second" && !reader.ahead(1).is_some_and(is_named) => return Err(reader.unknown()),
        Kind::Weekday(_) | Kind::Workday | Kind::Weekend | Kind::Ordinal(_) => {}
        _ if token.is(&["last"]) => {}
        _ => return Err(reader.unknown()),
    }
    reader.on(said)
}

/// Whether it can follow `every second`.
fn is_named(token: &Token) -> bool {
    matches!(token.kind, Kind::Weekday(_) | Kind::Workday | Kind::And | Kind::To) || token.is(&["last", "of"])
}

#[derive(Clone, Copy)]
enum Unit {
    Minutes(u32),
    Days,
    Weeks,
    Months(u32),
    Years,
}

fn unit(token: &Token) -> Option<Unit> {
    Some(match &*token.word {
        "minute" | "minutes" | "min" | "mins" => Unit::Minutes(1),
        "hour" | "hours" => Unit::Minutes(60),
        "day" | "days" => Unit::Days,
        "week" | "weeks" => Unit::Weeks,
        "month" | "months" => Unit::Months(1),
        "quarter" | "quarters" => Unit::Months(3),
        "year" | "years" => Unit::Years,
        _ => return None,
    })
}

fn at(reader: &mut Reader, said: &mut Said, first: &Token) -> Result<(), ScheduleError> {
    let (mut times, mut minutes, mut end) = (Vec::new(), 0_u64, first.span.end);
    while let Some(token) = reader.peek().cloned() {
        let past =
            reader.ahead(1).is_some_and(|it| it.is(&["minutes", "minute"])) && reader.ahead(2).is_some_and(|it| it.is(&["past"]));
        match token.kind {
            Kind::Minute(minute) => minutes |= 1 << minute,
            Kind::Number(minute) if past && minute < 60 => {
                minutes |= 1 << minute;
                (0..2).for_each(|_| reader.skip());
            }
            _ => match token.time()? {
                Some(time) => times.push(time),
                None => break,
            },
        }
        reader.skip();
        end = token.span.end;
        // What follows a comma may be the next clause.
        let listed = |it: &Token| matches!(it.kind, Kind::Time(_) | Kind::Number(_) | Kind::Minute(_));
        if reader.peek().is_some_and(|it| it.kind == Kind::And)
            && reader.ahead(1).is_some_and(|it| listed(it) || it.kind == Kind::And)
        {
            reader.skip();
            reader.skip_kind(Kind::And);
        }
    }
    let span = first.span.start..end;
    if times.is_empty() && minutes == 0 {
        // Something that is meant as a time and is none.
        if let Some(token) = reader.peek().filter(|it| it.kind == Kind::Word && !KNOWN.contains(&&*it.word)) {
            let message = format!("\"{}\" is no time", shown(&token.word));
            return Err(ScheduleError::new(token.span.clone(), message, "Write it like \"at 9:00\" or \"at 9:30 pm\"."));
        }
        let message = "a time is missing";
        return Err(ScheduleError::new(span, message, "Write it like \"at 9:00\", \"at 9:30 pm\" or \"at :05\"."));
    }
    if !times.is_empty() && minutes != 0 {
        return Err(ScheduleError::new(
            span,
            "a time of day and a minute of the hour do not go together",
            "Use two schedule triggers.",
        ));
    }
    if said.times.is_some() || said.minutes.is_some() {
        let message = "times are said twice";
        return Err(ScheduleError::new(span, message, "List them in one place, or use a schedule trigger for each."));
    }
    if minutes == 0 {
        said.times = Some((times, span));
        return Ok(());
    }
    said.minutes = Some((minutes, span));
    reader.skip_words(&["past", "the", "of"]);
    if reader.peek().is_some_and(|it| it.is(&["hour"])) {
        reader.skip();
    } else if reader.peek().is_some_and(|it| it.is(&["hours"])) {
        reader.skip();
        said.hours = Some(hours(reader)?);
    }
    Ok(())
}

/// `9 to 12 and 14`, a bit each.
fn hours(reader: &mut Reader) -> Result<u32, ScheduleError> {
    let (mut bits, mut from) = (0_u32, None);
    while let Some(token) = reader.peek().cloned() {
        match token.kind {
            Kind::Number(hour) if hour < 24 => {
                let first = from.take().unwrap_or(hour);
                if first > hour {
                    return Err(ScheduleError::new(
                        token.span,
                        "the hours end before they begin",
                        "List both parts: \"22 to 23 and 0 to 2\".",
                    ));
                }
                bits |= (first..=hour).fold(0, |bits, it| bits | 1 << it);
                reader.skip();
                if reader.peek().is_some_and(|it| it.kind == Kind::To) {
                    reader.skip();
                    from = Some(hour);
                }
            }
            Kind::And if reader.ahead(1).is_some_and(|it| matches!(it.kind, Kind::Number(_) | Kind::And)) => reader.skip(),
            _ => break,
        }
    }
    if bits == 0 || from.is_some() {
        Err(reader.wanted("an hour", "Hours go from 0 to 23: \"of the hours 9 to 17\"."))
    } else {
        Ok(bits)
    }
}

fn from(reader: &mut Reader, said: &mut Said, first: &Token) -> Result<(), ScheduleError> {
    let Some(token) = reader.peek().cloned() else { return Err(reader.unknown()) };
    match token.kind {
        Kind::Date(_) => return start(reader, said, first),
        Kind::Month(_) => return reader.months(said),
        Kind::Weekday(_) => return reader.on(said),
        _ => {}
    }
    let wanted = |reader: &Reader| reader.wanted("a time", "Write it like \"from 9:00 to 17:00\".");
    let begin = token.time()?.ok_or_else(|| wanted(reader))?;
    reader.skip();
    if !reader.peek().is_some_and(|it| matches!(it.kind, Kind::To | Kind::And)) {
        let message = "until when?";
        let shown = &token.word;
        let hint = format!("Write \"from {shown} to 17:00\", or \"counted from {shown}\" if it goes on through the night.");
        return Err(ScheduleError::new(first.span.start..token.span.end, message, hint));
    }
    reader.skip();
    let token = reader.peek().cloned();
    let end = token.as_ref().map(Token::time).transpose()?.flatten().ok_or_else(|| wanted(reader))?;
    reader.skip();
    let span = first.span.start..token.map_or(first.span.end, |it| it.span.end);
    if said.window.is_some() {
        return Err(ScheduleError::new(span, "a part of the day is said twice", "Use a schedule trigger for each."));
    }
    said.window = Some((begin, end, span));
    Ok(())
}

fn counted(reader: &mut Reader, said: &mut Said, first: &Token) -> Result<(), ScheduleError> {
    let token = reader.peek().cloned();
    let Some(time) = token.as_ref().map(Token::time).transpose()?.flatten() else {
        return Err(reader.wanted("a time", "Write it like \"counted from 8:00\"."));
    };
    reader.skip();
    said.from = Some((time, first.span.start..token.map_or(first.span.end, |it| it.span.end)));
    Ok(())
}

fn start(reader: &mut Reader, said: &mut Said, first: &Token) -> Result<(), ScheduleError> {
    let Some(Token { kind: Kind::Date(date), span, .. }) = reader.peek().cloned() else {
        return Err(reader.wanted("a day", "Write it as year-month-day: \"starting 2026-12-04\"."));
    };
    reader.skip();
    let span = first.span.start..span.end;
    if said.start.is_some() {
        return Err(ScheduleError::new(span, "the first day is said twice", ""));
    }
    said.start = Some((date, span));
    Ok(())
}

impl Said {
    fn bounded(count: u32, span: &Range<usize>) -> Result<u32, ScheduleError> {
        match count {
            0 => Err(ScheduleError::new(span.clone(), "it would never stop happening", "Every 1 is the least.")),
            1..=MOST => Ok(count),
            _ => Err(ScheduleError::new(span.clone(), format!("{count} is too many"), format!("{MOST} is the most."))),
        }
    }

    fn count(&mut self, count: u32, unit: Unit, span: Range<usize>) -> Result<(), ScheduleError> {
        match unit {
            Unit::Minutes(of) => match count.checked_mul(of) {
                Some(0) => Err(ScheduleError::new(span, "it would never stop happening", "Once a minute is the most.")),
                Some(step @ 1..=LONGEST) => self.set_step(step, span),
                _ => Err(ScheduleError::new(span, "that is more than a year apart", "Say it in days, weeks, months or years.")),
            },
            Unit::Days => self.set_every(Every::Days(Self::bounded(count, &span)? as u16), span),
            Unit::Weeks => self.set_every(Every::Weeks(Self::bounded(count, &span)? as u16), span),
            Unit::Months(of) => self.set_every(Every::Months((Self::bounded(count, &span)? * of) as u16), span),
            Unit::Years => self.set_every(Every::Years(Self::bounded(count, &span)? as u16), span),
        }
    }

    fn set_step(&mut self, step: u32, span: Range<usize>) -> Result<(), ScheduleError> {
        if self.step.is_some() {
            return Err(ScheduleError::new(span, "how often is said twice", "Use a schedule trigger for each."));
        }
        self.step = Some((step, span));
        Ok(())
    }

    fn set_every(&mut self, every: Every, span: Range<usize>) -> Result<(), ScheduleError> {
        if self.every.is_some() {
            return Err(ScheduleError::new(span, "how often is said twice", "Use a schedule trigger for each."));
        }
        self.every = Some((every, span));
        Ok(())
    }

    /// What all of it together means.
    fn rule(mut self, whole: Range<usize>) -> Result<Rule, ScheduleError> {
        self.days.start = self.start.as_ref().map(|it| it.0);
        if let Some((every, span)) = self.every.clone() {
            self.in_turn(every, &span)?;
        }
        let days = std::mem::take(&mut self.days).settled();
        let Some((step, span)) = self.step.clone() else {
            let times = self.times(&whole)?;
            return Ok(Rule(RuleKind::Calendar { days, times }));
        };
        if let Some((_, at)) = &self.times {
            let hint = "Write \"from 9:00 to 17:00\" for a part of the day, or leave one of them out.";
            return Err(ScheduleError::new(at.clone(), "how often and at what time do not go together", hint));
        }
        let first = match &self.minutes {
            None => 0,
            Some((minutes, at)) => {
                if !step.is_multiple_of(60) || self.window.is_some() || self.hours.is_some() {
                    let hint = "\"every hour at :05\" is at five past each hour.";
                    return Err(ScheduleError::new(at.clone(), "a minute of the hour does not go with this", hint));
                }
                if step == 60 {
                    let times = Times::grid(*minutes, (1 << 24) - 1).ok_or_else(|| Self::no_times(&whole))?;
                    return Ok(Rule(RuleKind::Calendar { days, times }));
                }
                if minutes.count_ones() > 1 {
                    let message = "several minutes only go with every hour";
                    return Err(ScheduleError::new(at.clone(), message, "Name one: \"every 2 hours at :05\"."));
                }
                minutes.trailing_zeros()
            }
        };
        let day = u32::from(DAY);
        let (from, to) = match (&self.window, &self.from) {
            (Some((from, to, _)), None) => (u32::from(*from), u32::from(*to)),
            (None, None) => (first, day - 1),
            (None, Some((from, _))) if days.is_every() && self.minutes.is_none() => (u32::from(*from), day - 1),
            (_, Some((_, at))) => {
                let hint = "Only what goes on through every day is counted from a time: \"every 6 hours counted from 8:00\".";
                return Err(ScheduleError::new(at.clone(), "this is not counted from a time", hint));
            }
        };
        // Without a part of the day or chosen days it goes on through the night.
        if self.window.is_none() && days.is_every() {
            // Without a first day, only where in the step it begins counts.
            let from = if days.start.is_none() { from % step } else { from };
            if from != 0 || 60 % step != 0 || days.start.is_some() {
                return Ok(Rule(RuleKind::Interval { minutes: step, from: from as u16, start: days.start }));
            }
        }
        let end = if to < from { to + day } else { to };
        if step > end - from && self.window.is_some() {
            return Err(ScheduleError::new(
                span,
                "it is further apart than that part of the day is long",
                "Say the times: \"at 9:00 and 13:00\".",
            ));
        }
        let times = Times::new((from..=end).step_by(step as usize).map(|it| (it % day) as u16));
        Ok(Rule(RuleKind::Calendar { days, times: times.ok_or_else(|| Self::no_times(&whole))? }))
    }

    /// Every so many days, weeks, months or years, and whether the days that were named go with it.
    fn in_turn(&mut self, every: Every, span: &Range<usize>) -> Result<(), ScheduleError> {
        let days = &self.days;
        let dated = !days.dates.is_empty() || !days.of_year.is_empty();
        let weekdays = !days.weekdays.is_empty();
        let only_plain = days.weekdays.nth.iter().all(|it| *it == 0);
        let wrong = |message: &str, hint: &str| Err(ScheduleError::new(span.clone(), message, hint));
        match every {
            Every::Days(1) => {}
            Every::Days(_) if dated || weekdays => {
                return wrong("every few days does not go with days that are named", "Leave one of them out.");
            }
            Every::Weeks(_) if !weekdays => {
                return wrong("on which day of the week?", "Add it: \"every 2 weeks on Friday at 16:00\".");
            }
            Every::Weeks(_) if dated || !only_plain => {
                return wrong("every few weeks does not go with days of the month", "Name a day of the week only.");
            }
            Every::Months(_) if days.of_year.is_empty() && !dated && !weekdays => {
                return wrong(
                    "on which day of the month?",
                    "Add it: \"on the 1st\", \"on the last day\" or \"on the first Monday\".",
                );
            }
            Every::Months(_) if weekdays && only_plain && !dated => {
                return wrong("on which of these days of the month?", "Add it: \"on the first Monday\".");
            }
            Every::Years(_) if days.of_year.is_empty() && days.months == EVERY_MONTH => {
                return wrong("on which day of the year?", "Add it: \"on 24 December\".");
            }
            Every::Years(_) if !dated && !weekdays => {
                return wrong("on which day of the month?", "Add it: \"on 24 December\".");
            }
            Every::Days(_) | Every::Weeks(_) | Every::Months(_) | Every::Years(_) => {}
        }
        self.days.every = every;
        Ok(())
    }

    fn no_times(whole: &Range<usize>) -> ScheduleError {
        ScheduleError::new(whole.clone(), "at what time?", "Add it: \"at 9:00\", or several: \"at 9:00 and 17:30\".")
    }

    fn times(&self, whole: &Range<usize>) -> Result<Times, ScheduleError> {
        if let Some((_, span)) = &self.from {
            return Err(ScheduleError::new(span.clone(), "how often?", "Add it: \"every 6 hours counted from 8:00\"."));
        }
        if let Some((_, _, span)) = &self.window {
            return Err(ScheduleError::new(
                span.clone(),
                "how often in that part of the day?",
                "Add it: \"every 15 minutes from 9:00 to 17:00\".",
            ));
        }
        let found = match (&self.times, &self.minutes) {
            (Some((times, _)), _) => Times::new(times.iter().copied()),
            (None, Some((minutes, span))) => match (self.hours, &self.every) {
                (None, Some((Every::Days(1), _)) | None) if self.days_at.is_none() => {
                    let hint = format!("Write \"every hour at :{:02}\".", minutes.trailing_zeros());
                    return Err(ScheduleError::new(span.clone(), "of which hours?", hint));
                }
                (hours, _) => Times::grid(*minutes, hours.unwrap_or((1 << 24) - 1)),
            },
            (None, None) => None,
        };
        found.ok_or_else(|| Self::no_times(whole))
    }
}

impl Reader {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, by: usize) -> Option<&Token> {
        self.tokens.get(self.at + by)
    }

    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    pub(super) fn skip_words(&mut self, words: &[&str]) {
        while self.peek().is_some_and(|it| it.is(words)) {
            self.skip();
        }
    }

    pub(super) fn skip_kind(&mut self, kind: Kind) {
        while self.peek().is_some_and(|it| it.kind == kind) {
            self.skip();
        }
    }

    /// The place of the next word, or the end.
    pub(super) fn here(&self) -> Range<usize> {
        self.peek().map_or(self.end..self.end, |it| it.span.clone())
    }

    /// The end of the last word that was read.
    pub(super) fn before(&self) -> usize {
        self.at.checked_sub(1).and_then(|it| self.tokens.get(it)).map_or(self.end, |it| it.span.end)
    }

    /// A month: a day of the year if a number follows, else a list of months.
    pub(super) fn month(&mut self, said: &mut Said) -> Result<(), ScheduleError> {
        match self.ahead(1).map(|it| it.kind) {
            Some(Kind::Number(_) | Kind::Ordinal(_)) => self.on(said),
            _ => self.months(said),
        }
    }

    /// An error for a word that is missing here.
    pub(super) fn wanted(&self, what: &str, hint: &str) -> ScheduleError {
        let message = match self.peek() {
            Some(token) => format!("{what} is missing before \"{}\"", shown(&token.word)),
            None => format!("{what} is missing at the end"),
        };
        ScheduleError::new(self.here(), message, hint)
    }

    /// An error for the next word, which means nothing here.
    pub(super) fn unknown(&self) -> ScheduleError {
        let Some(token) = self.peek() else {
            return ScheduleError::new(self.end..self.end, "the end is missing", EXAMPLE);
        };
        let word = shown(&token.word);
        if token.word.contains('/') || token.is(&["utc", "gmt"]) {
            let message = format!("\"{word}\" looks like a zone");
            return ScheduleError::new(token.span.clone(), message, "The zone has a field of its own.");
        }
        if token.is(&["second", "seconds", "sec", "secs"]) {
            let message = "seconds are not taken";
            return ScheduleError::new(token.span.clone(), message, "Once a minute is the most: \"every minute\".");
        }
        let hint = match nearest(&token.word, KNOWN.iter().copied()) {
            Some(meant) if meant != token.word => match MONTHS.iter().find(|it| it.eq_ignore_ascii_case(meant)) {
                Some(month) => format!("Did you mean \"{month}\"?"),
                None => format!("Did you mean \"{meant}\"?"),
            },
            _ => EXAMPLE.to_owned(),
        };
        ScheduleError::new(token.span.clone(), format!("\"{word}\" is not understood here"), hint)
    }
}

fn shown(word: &str) -> String {
    word.chars().take(40).collect()
}

impl Said {
    /// Monday to Friday, a bit each.
    pub(super) fn add_working(&mut self) {
        self.days.weekdays.plain |= WORKING;
    }
}
