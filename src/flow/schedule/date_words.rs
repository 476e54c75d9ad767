//! The part of a schedule in words that names days: `on Monday, the 1st Friday and the last day of the month`.
use std::ops::Range;

use super::ScheduleError;
use super::days::{Dates, EVERY_MONTH, Weekdays};
use super::token::{Kind, Token};
use super::words::{Reader, Said};

/// What waits for the word that says what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nth {
    /// The first is 1.
    Of(u32),
    Last,
}

impl Reader {
    /// A list of days, with the words before it.
    pub(super) fn on(&mut self, said: &mut Said) -> Result<(), ScheduleError> {
        let from = self.here();
        if let Some(first) = &said.days_at {
            let again = self.peek().is_some_and(|it| it.is(&["or", "if"]));
            if !again {
                let message = "days are said twice";
                let span = first.start.min(from.start)..from.end;
                return Err(ScheduleError::new(span, message, "List them in one place, or use a schedule trigger for each."));
            }
            return self.narrow(said);
        }
        if self.peek().is_some_and(|it| it.is(&["or", "if"])) {
            return Err(self.unknown());
        }
        self.list(said)?;
        let days = &mut said.days;
        let (dates, weekdays) = (!days.dates.is_empty(), !days.weekdays.is_empty());
        if !days.of_year.is_empty() && (dates || weekdays) {
            let message = "days of the year do not go with other days";
            return Err(ScheduleError::new(from.start..self.before(), message, "Use a schedule trigger for each."));
        }
        // "On Monday and the 15th" are both of them.
        days.either = dates && weekdays;
        said.days_at = Some(from);
        Ok(())
    }

    /// `or on Friday`, `if it is the 13th`: dates beside weekdays, or the other way round.
    fn narrow(&mut self, said: &mut Said) -> Result<(), ScheduleError> {
        let word = self.peek().cloned();
        let either = word.as_ref().is_some_and(|it| it.is(&["or"]));
        self.skip();
        self.skip_words(&["it", "is", "on"]);
        said.days.one_set_of_dates();
        let (dates, weekdays) = (said.days.dates, said.days.weekdays);
        let before = (!dates.is_empty(), !weekdays.is_empty());
        said.days.dates = Dates::default();
        said.days.weekdays = Weekdays::default();
        self.list(said)?;
        said.days.one_set_of_dates();
        let after = (!said.days.dates.is_empty(), !said.days.weekdays.is_empty());
        if !said.days.of_year.is_empty() || before.0 == before.1 || after.0 == after.1 || before.0 == after.0 {
            let span = word.map_or_else(|| self.here(), |it| it.span);
            let hint = "\"or\" and \"if\" stand between days of the month and days of the week: \"on Friday if it is the 13th\".";
            return Err(ScheduleError::new(span, "this does not go together", hint));
        }
        if before.0 {
            said.days.dates = dates;
        } else {
            said.days.weekdays = weekdays;
        }
        said.days.either = either;
        Ok(())
    }

    fn list(&mut self, said: &mut Said) -> Result<(), ScheduleError> {
        let mut pending: Vec<(Nth, Range<usize>)> = Vec::new();
        let mut any = false;
        loop {
            self.skip_words(&["on", "the"]);
            let Some(token) = self.peek().cloned() else { break };
            if !self.item(said, &token, &mut pending)? {
                break;
            }
            any = true;
            // What follows a comma may be the next clause.
            let mut ahead = 0;
            while self.ahead(ahead).is_some_and(|it| it.kind == Kind::And) {
                ahead += 1;
            }
            if ahead > 0 && !self.ahead(ahead).is_some_and(|it| is_day(it) || it.is(&["the", "on"])) {
                break;
            }
            (0..ahead).for_each(|_| self.skip());
        }
        if !any {
            return Err(self.wanted("a day", "Write it like \"on Monday\", \"on the 1st\" or \"on 24 December\"."));
        }
        for (nth, span) in pending {
            date(said, nth, &span)?;
        }
        if self.peek().is_some_and(|it| it.is(&["of"])) {
            self.skip();
            self.months(said)?;
        }
        Ok(())
    }

    /// One of a list; false if the next word is none.
    fn item(&mut self, said: &mut Said, token: &Token, pending: &mut Vec<(Nth, Range<usize>)>) -> Result<bool, ScheduleError> {
        let follows = |it: Option<&Token>, kind: Kind| it.is_some_and(|it| it.kind == kind);
        match token.kind {
            Kind::Weekday(first) => {
                self.skip();
                let waiting = std::mem::take(pending);
                if let (true, Some(Kind::Weekday(last))) =
                    (waiting.is_empty() && follows(self.peek(), Kind::To), self.ahead(1).map(|it| it.kind))
                {
                    (0..2).for_each(|_| self.skip());
                    let count = (last + 7 - first) % 7;
                    said.days.weekdays.plain |= (0..=count).fold(0, |bits, it| bits | 1 << ((first + it) % 7));
                } else if waiting.is_empty() {
                    said.days.weekdays.plain |= 1 << first;
                }
                for (nth, span) in waiting {
                    said.days.weekdays.nth[first as usize] |= match nth {
                        Nth::Last => 1,
                        Nth::Of(nth @ 1..=5) => 1 << nth,
                        Nth::Of(nth) => {
                            let message = format!("no month has {nth} of a day of the week");
                            return Err(ScheduleError::new(span, message, "\"the 5th Friday\" is the most."));
                        }
                    };
                }
            }
            Kind::Workday if follows_word(self.ahead(1), "nearest") => {
                (0..2).for_each(|_| self.skip());
                self.skip_words(&["to", "the"]);
                self.skip_kind(Kind::To);
                self.skip_words(&["the"]);
                let day = match self.peek().map(|it| it.kind) {
                    Some(Kind::Ordinal(day) | Kind::Number(day)) if (1..=31).contains(&day) => day,
                    _ => return Err(self.wanted("a day of the month", "Write it like \"on the weekday nearest the 15th\".")),
                };
                self.skip();
                said.days.dates.nearest |= 1 << day;
            }
            Kind::Workday => {
                self.skip();
                match std::mem::take(pending)[..] {
                    [] => said.add_working(),
                    [(Nth::Last, _)] => said.days.dates.last_working = true,
                    [(Nth::Of(1), _)] => said.days.dates.nearest |= 1 << 1,
                    [(_, ref span), ..] => {
                        let message = "of the working days of a month only the first and the last can be named";
                        return Err(ScheduleError::new(
                            span.clone(),
                            message,
                            "\"the weekday nearest the 15th\" is another way.",
                        ));
                    }
                }
            }
            Kind::Weekend => {
                self.skip();
                said.days.weekdays.plain |= 0b110_0000;
            }
            Kind::Ordinal(day) | Kind::Number(day) => {
                let last = self.ahead(2).is_some_and(|it| it.is(&["last"]));
                if self.ahead(1).is_some_and(|it| it.is(&["last"])) || (follows(self.ahead(1), Kind::To) && last) {
                    self.skip();
                    self.skip_kind(Kind::To);
                    self.skip();
                    self.skip_words(&["day"]);
                    let back = day.checked_sub(1).filter(|it| *it < 31);
                    said.days.dates.before_last |= 1 << back.ok_or_else(|| no_date(day, &token.span))?;
                } else if let (true, Some(Kind::Ordinal(last) | Kind::Number(last))) =
                    (follows(self.ahead(1), Kind::To), self.ahead(2).map(|it| it.kind))
                {
                    (0..3).for_each(|_| self.skip());
                    if !(1..=31).contains(&day) || !(day..=31).contains(&last) {
                        return Err(no_date(if last > 31 { last } else { day }, &token.span));
                    }
                    pending.extend((day..=last).map(|it| (Nth::Of(it), token.span.clone())));
                } else {
                    self.skip();
                    self.skip_words(&["day"]);
                    pending.push((Nth::Of(day), token.span.clone()));
                }
                self.of_month(said, pending)?;
            }
            Kind::Month(month) => {
                let Some(Kind::Ordinal(day) | Kind::Number(day)) = self.ahead(1).map(|it| it.kind) else {
                    return if pending.is_empty() { self.months(said).map(|()| true) } else { Ok(false) };
                };
                let span = token.span.start..self.ahead(1).map_or(token.span.end, |it| it.span.end);
                (0..2).for_each(|_| self.skip());
                of_year(said, day, month, &span)?;
            }
            _ if token.is(&["last"]) => {
                self.skip();
                if self.peek().is_some_and(|it| it.is(&["day"])) {
                    self.skip();
                    said.days.dates.before_last |= 1;
                } else {
                    pending.push((Nth::Last, token.span.clone()));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `24 December`, `24th of December`: everything that waits is a day of that month. A list of months is another matter.
    fn of_month(&mut self, said: &mut Said, pending: &mut Vec<(Nth, Range<usize>)>) -> Result<(), ScheduleError> {
        let by_of = self.peek().is_some_and(|it| it.is(&["of"]));
        let Some(Kind::Month(month)) = self.ahead(usize::from(by_of)).map(|it| it.kind) else { return Ok(()) };
        let next = usize::from(by_of) + 1;
        // What else of a month is named is of the same months.
        if by_of && (pending.is_empty() || !said.days.dates.is_empty() || self.months_follow(next)) {
            return Ok(());
        }
        (0..next).for_each(|_| self.skip());
        for (nth, span) in std::mem::take(pending) {
            match nth {
                Nth::Of(day) => of_year(said, day, month, &span)?,
                Nth::Last => {
                    return Err(ScheduleError::new(span, "the last of what?", "Write \"the last day\" or \"the last Friday\"."));
                }
            }
        }
        Ok(())
    }

    /// Whether a list of months goes on there.
    fn months_follow(&self, mut ahead: usize) -> bool {
        let month = |ahead: usize| self.ahead(ahead).is_some_and(|it| matches!(it.kind, Kind::Month(_)));
        if self.ahead(ahead).is_some_and(|it| it.kind == Kind::To) {
            return true;
        }
        let listed = self.ahead(ahead).is_some_and(|it| it.kind == Kind::And);
        while self.ahead(ahead).is_some_and(|it| it.kind == Kind::And) {
            ahead += 1;
        }
        listed && month(ahead)
    }

    /// `the month`, `every month`, `January, March to May and July`.
    pub(super) fn months(&mut self, said: &mut Said) -> Result<(), ScheduleError> {
        let from = self.here();
        self.skip_words(&["the", "every", "each"]);
        if self.peek().is_some_and(|it| it.is(&["month", "months"])) {
            self.skip();
            return Ok(());
        }
        let mut bits = 0_u16;
        while let Some(Kind::Month(first)) = self.peek().map(|it| it.kind) {
            self.skip();
            let mut last = first;
            if let (Some(Kind::To), Some(Kind::Month(end))) = (self.peek().map(|it| it.kind), self.ahead(1).map(|it| it.kind)) {
                (0..2).for_each(|_| self.skip());
                last = end;
            }
            let count = (last + 12 - first) % 12;
            bits |= (0..=count).fold(0, |bits, it| bits | 1 << ((first - 1 + it) % 12 + 1));
            let mut ahead = 0;
            while self.ahead(ahead).is_some_and(|it| it.kind == Kind::And) {
                ahead += 1;
            }
            if ahead > 0 && self.ahead(ahead).is_some_and(|it| matches!(it.kind, Kind::Month(_))) {
                (0..ahead).for_each(|_| self.skip());
            }
        }
        if bits == 0 {
            return Err(self.wanted("a month", "Write it like \"in January and July\" or \"of the month\"."));
        }
        if let Some(first) = &said.months_at {
            let span = first.start.min(from.start)..from.end;
            return Err(ScheduleError::new(span, "months are said twice", "List them in one place."));
        }
        if !said.days.of_year.is_empty() {
            return Err(ScheduleError::new(from, "a day of the year has its month already", ""));
        }
        said.months_at = Some(from);
        said.days.months = bits & EVERY_MONTH;
        Ok(())
    }
}

fn is_day(token: &Token) -> bool {
    // A number alone after a comma is a time: "on Monday, 9:00" is not, "on the 1st and 15" is a day.
    matches!(token.kind, Kind::Weekday(_) | Kind::Workday | Kind::Weekend | Kind::Ordinal(_) | Kind::Number(_) | Kind::Month(_))
        || token.is(&["last"])
}

fn follows_word(token: Option<&Token>, word: &str) -> bool {
    token.is_some_and(|it| it.word == word)
}

fn date(said: &mut Said, nth: Nth, span: &Range<usize>) -> Result<(), ScheduleError> {
    match nth {
        Nth::Of(day @ 1..=31) => said.days.dates.days |= 1 << day,
        Nth::Of(day) => return Err(no_date(day, span)),
        Nth::Last => {
            return Err(ScheduleError::new(span.clone(), "the last of what?", "Write \"the last day\" or \"the last Friday\"."));
        }
    }
    Ok(())
}

fn of_year(said: &mut Said, day: u32, month: i8, span: &Range<usize>) -> Result<(), ScheduleError> {
    // In a leap year.
    let most = jiff::civil::Date::new(2024, month, 1).map_or(31, jiff::civil::Date::days_in_month);
    if day == 0 || day > most as u32 {
        let name = super::token::MONTHS[(month - 1) as usize];
        return Err(ScheduleError::new(
            span.clone(),
            format!("there is no {day} {name}"),
            format!("{name} has {most} days at most."),
        ));
    }
    if said.months_at.is_some() {
        return Err(ScheduleError::new(span.clone(), "a day of the year has its month already", ""));
    }
    said.days.of_year.push((month, day as i8));
    Ok(())
}

fn no_date(day: u32, span: &Range<usize>) -> ScheduleError {
    ScheduleError::new(
        span.clone(),
        format!("no month has a day {day}"),
        "Days go from the 1st to the 31st; \"the last day\" is always there.",
    )
}
