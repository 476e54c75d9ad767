//! The words of a schedule, one by one.
use std::ops::Range;

use jiff::civil::Date;

use super::ScheduleError;
use super::times::DAY;

pub(super) const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
pub(super) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
/// "workingday" is made of two words.
const WORKDAYS: &[&str] = &["weekday", "weekdays", "workday", "workdays"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `9`, `15`.
    Number(u32),
    /// `1st`, `second`.
    Ordinal(u32),
    /// `9:00`, `9am`, `noon`: minutes since midnight.
    Time(u16),
    /// `:05`.
    Minute(u16),
    /// `2026-12-04`.
    Date(Date),
    /// Monday is 0.
    Weekday(u8),
    /// January is 1.
    Month(i8),
    /// Monday to Friday.
    Workday,
    Weekend,
    /// A comma, `and`, `&`.
    And,
    /// `to`, `-`, `until`.
    To,
    /// Any other.
    Word,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// In lower case.
    pub(super) word: String,
    pub(super) span: Range<usize>,
}

/// Splits a text into its words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ScheduleError> {
    let mut found: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        }
        let rest = &text[at..];
        let length = if matches!(letter, ',' | ';' | '&' | '-' | '–' | '—') {
            letter.len_utf8()
        } else if let Some(date) = rest.get(..10).filter(|it| looks_like_a_date(it)) {
            date.len()
        } else {
            rest.find(|it: char| it.is_whitespace() || matches!(it, ',' | ';' | '&' | '-' | '–' | '—')).unwrap_or(rest.len())
        };
        let word = rest[..length].to_lowercase();
        let word = word.trim_end_matches('.').to_owned();
        let span = at..at + length;
        at += length;
        if join(&mut found, &word, &span)? {
            continue;
        }
        let kind = kind(&word, &span)?;
        // `second-to-last`.
        if kind == Kind::To && found.last().is_some_and(|it| it.kind == Kind::To) {
            continue;
        }
        found.push(Token { kind, word, span });
    }
    Ok(found)
}

fn looks_like_a_date(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, it)| if at == 4 || at == 7 { it == b'-' } else { it.is_ascii_digit() })
}

/// Words that belong to the one before: `9 am`, `9:30 o'clock`, `working day`, `weekend day`.
fn join(found: &mut [Token], word: &str, span: &Range<usize>) -> Result<bool, ScheduleError> {
    let Some(last) = found.last_mut() else { return Ok(false) };
    let half = match word {
        "am" | "a.m" => Some(false),
        "pm" | "p.m" => Some(true),
        _ => None,
    };
    let joined = match (last.kind, half) {
        (Kind::Number(hour), Some(pm)) => Kind::Time(twelve(hour, 0, pm, last.span.start..span.end)?),
        (Kind::Time(time), Some(pm)) => {
            Kind::Time(twelve(u32::from(time / 60), u32::from(time % 60), pm, last.span.start..span.end)?)
        }
        (Kind::Number(hour), None) if matches!(word, "o'clock" | "o’clock" | "oclock") => {
            Kind::Time(clock(hour, 0, last.span.start..span.end)?)
        }
        (Kind::Word, None) if matches!(&*last.word, "working" | "business") && matches!(word, "day" | "days") => Kind::Workday,
        (Kind::Weekend, None) if matches!(word, "day" | "days") => Kind::Weekend,
        _ => return Ok(false),
    };
    last.kind = joined;
    last.span.end = span.end;
    Ok(true)
}

fn kind(word: &str, span: &Range<usize>) -> Result<Kind, ScheduleError> {
    let whole = |text: &str| text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
    if let Some(number) = whole(word) {
        return Ok(Kind::Number(number));
    }
    if looks_like_a_date(word) && word.len() == 10 {
        let date = word.parse().map_err(|_error| {
            ScheduleError::new(span.clone(), format!("there is no day {word}"), "A day is written year-month-day: 2026-12-04.")
        })?;
        return Ok(Kind::Date(date));
    }
    if let Some(minute) = word.strip_prefix(':') {
        let found = whole(minute).filter(|it| *it < 60 && minute.len() == 2);
        let wrong = || ScheduleError::new(span.clone(), format!("\"{word}\" is no minute"), "Minutes go from :00 to :59.");
        return Ok(Kind::Minute(found.ok_or_else(wrong)? as u16));
    }
    let (plain, half) = match word.strip_suffix("am") {
        Some(rest) => (rest, Some(false)),
        None => word.strip_suffix("pm").map_or((word, None), |rest| (rest, Some(true))),
    };
    if let Some((hour, minute)) = plain.split_once([':', '.']).or_else(|| half.map(|_| (plain, "00")))
        && let (Some(hour), Some(minute)) = (whole(hour), whole(minute).filter(|_| minute.len() == 2))
    {
        return Ok(Kind::Time(match half {
            Some(pm) => twelve(hour, minute, pm, span.clone())?,
            None => clock(hour, minute, span.clone())?,
        }));
    }
    let ordinal = ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end)).and_then(whole);
    if let Some(number) = ordinal.or_else(|| ORDINALS.iter().position(|it| *it == word).map(|it| it as u32 + 1)) {
        return Ok(Kind::Ordinal(number));
    }
    if let Some(at) = name(word, &WEEKDAYS) {
        return Ok(Kind::Weekday(at as u8));
    }
    if let Some(at) = name(word, &MONTHS) {
        return Ok(Kind::Month(at as i8 + 1));
    }
    Ok(match word {
        "," | ";" | "&" | "and" => Kind::And,
        "-" | "–" | "—" | "to" | "until" | "till" | "through" => Kind::To,
        "noon" | "midday" => Kind::Time(DAY / 2),
        "midnight" => Kind::Time(0),
        "weekend" | "weekends" => Kind::Weekend,
        _ if WORKDAYS.contains(&word) => Kind::Workday,
        _ => Kind::Word,
    })
}

/// `Monday`, `mondays`, `mon`, `tues`, `thurs`: at least three letters of it.
fn name(word: &str, names: &[&str]) -> Option<usize> {
    let plain = word.strip_suffix('s').filter(|it| it.len() > 5).unwrap_or(word);
    names.iter().position(|name| {
        let name = name.to_lowercase();
        name == plain
            || (plain.len() == 3 && name.starts_with(plain))
            || (matches!(plain, "tues" | "thur" | "thurs" | "sept") && name.starts_with(plain))
    })
}

fn clock(hour: u32, minute: u32, span: Range<usize>) -> Result<u16, ScheduleError> {
    if hour < 24 && minute < 60 {
        return Ok((hour * 60 + minute) as u16);
    }
    let hint = if hour == 24 { "Midnight is 0:00, at the beginning of a day." } else { "Times go from 0:00 to 23:59." };
    Err(ScheduleError::new(span, format!("there is no time {hour}:{minute:02}"), hint))
}

fn twelve(hour: u32, minute: u32, pm: bool, span: Range<usize>) -> Result<u16, ScheduleError> {
    if (1..=12).contains(&hour) {
        return clock(hour % 12 + if pm { 12 } else { 0 }, minute, span);
    }
    let half = if pm { "pm" } else { "am" };
    Err(ScheduleError::new(span, format!("there is no {hour} {half}"), "With am and pm, hours go from 1 to 12."))
}

impl Token {
    pub(super) fn is(&self, words: &[&str]) -> bool {
        words.contains(&&*self.word)
    }

    /// A time as `at` takes it, where a bare number is an hour.
    pub(super) fn time(&self) -> Result<Option<u16>, ScheduleError> {
        Ok(match self.kind {
            Kind::Time(time) => Some(time),
            Kind::Number(hour) => Some(clock(hour, 0, self.span.clone())?),
            _ => None,
        })
    }
}
