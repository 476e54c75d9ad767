//! When a flow runs by the clock: a rule in words or as cron, a zone, and what is done about times that were missed.
//!
//! The text is kept as a person wrote it; [`Schedule::plan`] reads it. A rule says which times a clock on the wall shows;
//! where the clocks change, a time that is skipped comes at the first moment after, once, and a time that comes twice counts
//! the first time only. What comes every hour, or in steps of minutes, runs through both changes.
//!
//! Invariant: pure: the time is an argument, and the same arguments give the same answer.
//! Invariant: [`Plan::next`] is later than what it is asked after, and no time comes twice.
//! Invariant: what could be wished for without end is bounded: a rule whose day never comes is an error, and no search is
//! longer than `rule::FARTHEST` years.
mod cron;
mod date_words;
mod days;
mod due;
mod event;
mod print;
mod rule;
#[cfg(test)]
mod tests;
mod times;
mod token;
mod words;

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use self::due::{Due, MOST_MADE_UP};
pub use self::rule::Rule;
use crate::expr::{ZoneError, parse_zone};

/// When a flow runs, as a person wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Schedule {
    /// The rule: `every weekday at 9:00`, or cron in five fields.
    pub rule: String,
    /// The zone whose clocks count, by its IANA name.
    pub zone: String,
    /// What is done about times that passed while nothing ran.
    #[serde(default)]
    pub missed: Missed,
}

/// What is done about times that passed while the machine slept or Flowyard was not running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// One run, for the latest of them.
    #[default]
    Once,
    /// A run for each, of the latest [`MOST_MADE_UP`] at most.
    All,
    /// None.
    Skip,
}

/// A schedule that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    rule: Rule,
    zone: TimeZone,
    missed: Missed,
}

/// Why a schedule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScheduleError {
    /// What was not understood, or cannot be.
    pub message: String,
    /// What would be.
    pub hint: String,
    /// Where in the text, in bytes.
    pub span: Range<usize>,
}

/// Which of a schedule's fields is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The rule.
    #[error("{0}")]
    Rule(ScheduleError),
    /// The zone.
    #[error("{0}")]
    Zone(ZoneError),
}

impl Missed {
    /// Every way, with its word in a flow file and what it says to a person.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Once, "once", "Run once, for the latest"),
        (Self::All, "all", "Run for each"),
        (Self::Skip, "skip", "Leave them out"),
    ];
}

impl Schedule {
    /// Reads the rule and the zone.
    ///
    /// # Errors
    /// A [`PlanError`] that says which of them is wrong, where, and what would be right.
    pub fn plan(&self) -> Result<Plan, PlanError> {
        let rule = self.rule.parse().map_err(PlanError::Rule)?;
        let zone = parse_zone(&self.zone).map_err(PlanError::Zone)?;
        Ok(Plan { rule, zone, missed: self.missed })
    }

    /// The rule as a sentence begins: words as they were written, cron in words. The text itself where it cannot be read.
    pub fn sentence(&self) -> String {
        let text = self.rule.trim();
        let words = match text.parse::<Rule>() {
            Ok(rule) if cron::is_meant(text) => rule.to_string(),
            _ => text.to_owned(),
        };
        capital(&words)
    }

    /// What the rule means, in words; none where it cannot be read.
    pub fn meaning(&self) -> Option<String> {
        self.rule.parse::<Rule>().ok().map(|it| capital(&it.to_string()))
    }
}

impl Plan {
    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The zone whose clocks count.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The first time after an instant; none if there is none within what dates can say.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.rule.next(after, &self.zone)
    }

    /// The times after an instant, one after the other.
    pub fn upcoming(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next(after), |last| self.next(*last))
    }
}

impl PlanError {
    /// What would be right, as a sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::Rule(error) => error.hint.clone(),
            Self::Zone(error) => capital(&error.hint),
        }
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl ScheduleError {
    fn new(span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), span }
    }
}
