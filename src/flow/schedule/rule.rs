//! A rule, and the instants that it means in a zone.
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::days::{Days, EPOCH};
use super::times::{DAY, Times};
use super::{ScheduleError, cron, words};

/// So many years a day is looked for before it is said that it never comes. A 29 February that is a certain weekday can be 40
/// years away.
pub(super) const FARTHEST: i16 = 45;
/// Changes of clocks that a search passes.
const MOST_CHANGES: usize = 4 * FARTHEST as usize;

/// What a schedule's text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule(pub(super) Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Times of days, as clocks show them.
    Calendar { days: Days, times: Times },
    /// Always as long apart, whatever the clocks show.
    Interval {
        /// At least 1.
        minutes: u32,
        /// Minutes into the day that it is counted from.
        from: u16,
        /// That day, before which there is none; a day long ago if nobody cares.
        start: Option<Date>,
    },
}

impl FromStr for Rule {
    type Err = ScheduleError;

    /// From words or cron.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const LONGEST: usize = 1000;
        if text.len() > LONGEST {
            let message = format!("a schedule has {LONGEST} letters at most");
            return Err(ScheduleError::new(0..text.len(), message, "Use several schedule triggers."));
        }
        let rule = if cron::is_meant(text) { cron::parse(text)? } else { words::parse(text)? };
        match &rule.0 {
            // All pairs of dates and weekdays come within the years that are looked at.
            Kind::Calendar { days, .. } if days.first(EPOCH, FARTHEST).is_none() => {
                let message = "there is no such day in any year";
                Err(ScheduleError::new(
                    0..text.len(),
                    message,
                    "February has 29 days at most; April, June, September and November 30.",
                ))
            }
            _ => Ok(rule),
        }
    }
}

impl Rule {
    /// Whether it means what a clock shows; an interval names no time.
    pub(super) fn names(&self, local: DateTime) -> bool {
        match &self.0 {
            Kind::Calendar { days, times } => {
                let minute = (i16::from(local.hour()) * 60 + i16::from(local.minute())) as u16;
                days.has(local.date()) && times.from(minute) == Some(minute)
            }
            Kind::Interval { .. } => true,
        }
    }

    /// The first instant after another; none if there is none within [`FARTHEST`] years.
    pub(super) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match &self.0 {
            Kind::Calendar { days, times } if times.every_hour().is_some() => next_shown(days, times, after, zone),
            Kind::Calendar { days, times } => next_fixed(days, times, after, zone),
            Kind::Interval { minutes, from, start } => {
                let anchor = instant(start.unwrap_or(EPOCH).to_datetime(time(*from)), zone)?;
                if start.is_some() && after < anchor {
                    return Some(anchor);
                }
                let step = i64::from(*minutes) * 60;
                // Whole seconds: a part of a second is still before the next one.
                let passed = after.as_second().checked_sub(anchor.as_second())?;
                let passed = if after.subsec_nanosecond() < 0 { passed - 1 } else { passed };
                let turns = passed.div_euclid(step) + 1;
                anchor.checked_add(SignedDuration::from_secs(turns.checked_mul(step)?)).ok()
            }
        }
    }
}

/// Times that come every hour: whenever the clocks show one, which may be twice or not at all where they change.
fn next_shown(days: &Days, times: &Times, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let mut from = after.checked_add(SignedDuration::from_nanos(1)).ok()?;
    for _ in 0..MOST_CHANGES {
        let offset = zone.to_offset(from);
        let found = offset.to_timestamp(next_local(days, times, offset.to_datetime(from))?).ok()?;
        match zone.following(from).next() {
            Some(change) if change.timestamp() <= found => from = change.timestamp(),
            _ => return Some(found),
        }
    }
    None
}

/// Times that are named: one that the clocks skip comes at the first moment after, one that they show twice the first time.
fn next_fixed(days: &Days, times: &Times, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    // What the clocks show never goes back in instants so read: nothing before what they show now can still come.
    let mut shown = zone.to_datetime(after);
    // As many as a day that is shown twice may hold.
    for _ in 0..=2 * DAY {
        let local = next_local(days, times, shown.checked_add(SignedDuration::from_nanos(1)).ok()?)?;
        match instant(local, zone)? {
            found if found > after => return Some(found),
            _ => shown = local,
        }
    }
    None
}

/// The first time at or after another, on a clock that never changes.
fn next_local(days: &Days, times: &Times, from: DateTime) -> Option<DateTime> {
    let into = i64::from(from.hour()) * 60 + i64::from(from.minute());
    let minute = into as u16 + u16::from(from.second() > 0 || from.subsec_nanosecond() > 0);
    if days.has(from.date())
        && let Some(found) = times.from(minute)
    {
        return Some(from.date().to_datetime(time(found)));
    }
    let date = days.first(from.date().tomorrow().ok()?, FARTHEST)?;
    Some(date.to_datetime(time(*times.all().first()?)))
}

/// When a zone's clocks show a time, for the first time; the first moment after, where they never do.
fn instant(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let found = zone.to_ambiguous_timestamp(local);
    match found.offset() {
        AmbiguousOffset::Gap { before, .. } => {
            // Read with the offset from before, it is at the change or later.
            let read = before.to_timestamp(local).ok()?;
            zone.preceding(read.checked_add(SignedDuration::from_nanos(1)).ok()?).next().map(|change| change.timestamp())
        }
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
    }
}

fn time(minute: u16) -> Time {
    let minute = minute.min(DAY - 1);
    Time::constant((minute / 60) as i8, (minute % 60) as i8, 0, 0)
}
