//! Triggers that have gone quiet: no event for much longer than they used to come. Pure: time is passed in.
//!
//! How often events come is learned from those that came: the middle of the last gaps. A silence counts once it is many times as
//! long, and once as many events had come in the same hours of earlier weeks: nights, week-ends and closing days are quiet every
//! week. Until there is an earlier week to compare with, only days without any event count.
use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Alert, words};
use crate::flow::{Alarm, FlowId, NodeId};

/// Gaps that the usual one is the middle of, and how many it takes at least.
const GAPS: usize = 100;
const FEWEST_GAPS: usize = 12;
/// No silence that is shorter counts.
const FLOOR: SignedDuration = SignedDuration::from_hours(2);
/// So many usual gaps are a silence; of those that are long, fewer and a day.
const FACTOR: i32 = 12;
const FACTOR_LONG: i32 = 3;
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A silence counts where there is nothing to compare it with once it is longer than a week-end.
const UNCOMPARED: SignedDuration = SignedDuration::from_hours(96);
/// Earlier weeks that are looked at, and how many events each of them must have had in those hours.
const WEEKS: i64 = 2;
const FEWEST_THEN: u32 = 3;
const WEEK: i64 = 7 * 24;
/// So many hours are remembered.
const KEPT: i64 = 5 * WEEK;

/// When events of a trigger came.
#[derive(Debug, Default, Clone)]
pub(super) struct Habit {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    gaps: VecDeque<SignedDuration>,
    /// Events an hour, by hours since 1970.
    hours: BTreeMap<i64, u32>,
}

/// A trigger that has gone quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Silence {
    /// The last event.
    pub(super) last: Timestamp,
    /// How long it is between two, usually.
    pub(super) usual: SignedDuration,
}

impl Habit {
    /// The last event that is known.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// An event came; those that come are told in their order.
    pub(super) fn add(&mut self, at: Timestamp) {
        if let Some(last) = self.last {
            if at < last {
                return;
            }
            if self.gaps.len() >= GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back(at.duration_since(last));
        }
        self.first.get_or_insert(at);
        self.last = Some(at);
        let hour = hour(at);
        *self.hours.entry(hour).or_default() += 1;
        while let Some(oldest) = self.hours.first_entry().filter(|it| *it.key() < hour - KEPT) {
            oldest.remove();
        }
    }

    /// How long it is between two events, usually; none where too few are known.
    fn usual(&self) -> Option<SignedDuration> {
        if self.gaps.len() < FEWEST_GAPS {
            return None;
        }
        let mut gaps: Vec<SignedDuration> = self.gaps.iter().copied().collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied()
    }

    /// Whether it is quiet now. What would have come while nobody was `awake` to take it does not count.
    pub(super) fn silence(&self, awake: Timestamp, now: Timestamp) -> Option<Silence> {
        let (last, usual) = (self.last?, self.usual()?);
        let from = last.max(awake);
        let silence = now.duration_since(from);
        let long = usual * FACTOR;
        let counts = FLOOR.max(long.min(usual * FACTOR_LONG + DAY));
        (silence >= counts && self.is_unusual(from, now)).then_some(Silence { last, usual })
    }

    /// Whether events came in the same hours of each earlier week that is known.
    fn is_unusual(&self, from: Timestamp, now: Timestamp) -> bool {
        let Some(first) = self.first else { return false };
        let (from_hour, to_hour) = (hour(from) + 1, hour(now));
        // A silence of more than a week is compared with what was before it.
        let step = ((to_hour - from_hour) / WEEK + 1) * WEEK;
        let oldest = hour(first).max(to_hour - KEPT);
        let mut weeks = (1..=WEEKS).map(|it| it * step).take_while(|back| from_hour - back >= oldest).peekable();
        if weeks.peek().is_none() {
            return now.duration_since(from) >= UNCOMPARED;
        }
        weeks.all(|back| self.hours.range(from_hour - back..to_hour - back).map(|(_, count)| *count).sum::<u32>() >= FEWEST_THEN)
    }
}

fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

/// The silences that were told, by flow and trigger: each with its last event.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    all: BTreeMap<String, Timestamp>,
}

/// A trigger that is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trigger<'a> {
    pub(super) flow: &'a FlowId,
    pub(super) name: &'a str,
    pub(super) node: &'a NodeId,
    pub(super) habit: &'a Habit,
}

impl Told {
    /// What is to be told of a trigger: that it is quiet, once, or that it is not any more.
    pub(super) fn look(&mut self, of: Trigger<'_>, awake: Timestamp, now: Timestamp) -> Option<Alert> {
        let key = format!("{}/{}", of.flow, of.node);
        let alert = |over, title, text, mark: Timestamp| Alert {
            of: Some(Alarm::Quiet),
            over,
            title,
            text,
            at: now,
            flow: Some((of.flow.clone(), of.name.to_owned())),
            run: None,
            connection: None,
            count: 0,
            key: format!("{}:{key}:{}", if over { "heard" } else { "quiet" }, mark.as_second()),
        };
        let last = of.habit.last()?;
        if let Some(told) = self.all.get(&key).copied() {
            if last <= told {
                return None;
            }
            self.all.remove(&key);
            let text = format!("It was quiet for {}.", words::long(last.duration_since(told)));
            return Some(alert(true, format!("\"{}\" has events again", of.name), text, last));
        }
        let Silence { last, usual } = of.habit.silence(awake, now)?;
        self.all.insert(key.clone(), last);
        let (silent, usual) = (words::long(now.duration_since(last)), words::long(usual));
        let title = format!("\"{}\" has gone quiet", of.name);
        let text = format!(
            "No event for {silent}; usually every {usual}.\nLook whether its service still tells of them, and whether its connection works."
        );
        Some(alert(false, title, text, last))
    }

    /// Triggers that are not looked at any more are forgotten.
    pub(super) fn keep(&mut self, known: impl Fn(&str) -> bool) {
        self.all.retain(|key, _| known(key));
    }

    /// As a trigger is named here.
    pub(super) fn key(flow: &FlowId, node: &NodeId) -> String {
        format!("{flow}/{node}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 2026-06-01, at midnight UTC.
    fn monday() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    fn hours(hours: i64) -> SignedDuration {
        SignedDuration::from_hours(hours)
    }

    /// Events every so many minutes, in the hours of each day that are busy, for so many days.
    fn busy(every: i64, days: i64, is_busy: impl Fn(i64, i64) -> bool) -> Habit {
        let mut habit = Habit::default();
        for minute in (0..days * 24 * 60).step_by(usize::try_from(every).unwrap()) {
            let (day, hour) = (minute / (24 * 60), minute / 60 % 24);
            if is_busy(day % 7, hour) {
                habit.add(monday() + SignedDuration::from_mins(minute));
            }
        }
        habit
    }

    /// The first hour after its last event in which it is said to be quiet, of the next so many.
    fn told_after(habit: &Habit, most: i64) -> Option<i64> {
        let last = habit.last().unwrap();
        (1..most).find(|it| habit.silence(monday(), last + hours(*it)).is_some())
    }

    #[test]
    fn a_silence_is_many_times_the_usual_gap() {
        for (every, days, after) in [
            (10, 21, Some(2)),      // twelve gaps are two hours
            (60, 21, Some(12)),     // twelve gaps
            (6 * 60, 21, Some(42)), // three gaps and a day
            (24 * 60, 30, Some(96)),
            (10, 3, Some(96)), // there is no week to compare with: longer than a week-end
            (60, 0, None),
        ] {
            let habit = if days == 0 { Habit::default() } else { busy(every, days, |_, _| true) };
            let found = habit.last().and_then(|_| told_after(&habit, 200));
            assert_eq!(found, after, "every {every} minutes for {days} days");
        }
    }

    #[test]
    fn nights_and_week_ends_are_quiet_every_week() {
        let habit = busy(10, 19, |day, hour| day < 5 && (9..17).contains(&hour));
        // The last day is a Friday: nothing until Monday at nine, and then some hours more.
        assert_eq!(habit.last().unwrap().to_string(), "2026-06-19T16:50:00Z");
        let after = told_after(&habit, 200).expect("some time on Monday");
        assert!((65..70).contains(&after), "{after} hours");
        // A Wednesday without any is told on that day.
        let mut habit = busy(10, 16, |day, hour| day < 5 && (9..17).contains(&hour));
        assert_eq!(told_after(&habit, 200), Some(18), "Wednesday, once the hour from nine to ten was quiet, too");
        habit.add(monday() + hours(16 * 24 + 9));
        assert_eq!(told_after(&habit, 200).map(|it| it <= 3), Some(true));
    }

    #[test]
    fn few_events_and_a_time_in_which_nobody_was_awake_say_nothing() {
        let mut habit = Habit::default();
        for hour in 0..12 {
            habit.add(monday() + hours(hour));
        }
        assert_eq!(habit.silence(monday(), monday() + hours(10_000)), None, "eleven gaps");
        let habit = busy(10, 21, |_, _| true);
        let last = habit.last().unwrap();
        let now = last + hours(30);
        assert!(habit.silence(last, now).is_some());
        assert_eq!(habit.silence(now - hours(1), now), None);
        assert!(habit.silence(now - hours(4), now).is_some_and(|it| it.last == last));
    }

    #[test]
    fn a_silence_is_told_once_and_so_is_its_end() {
        let mut habit = busy(10, 21, |_, _| true);
        let (flow, node) = ("reminders".into(), "start".into());
        let last = habit.last().unwrap();
        let mut told = Told::default();
        let look = |told: &mut Told, habit: &Habit, now| {
            told.look(Trigger { flow: &flow, name: "Reminders", node: &node, habit }, monday(), now)
        };
        assert_eq!(look(&mut told, &habit, last + hours(1)), None);
        let alert = look(&mut told, &habit, last + hours(26)).expect("it is told");
        assert_eq!(alert.title, "\"Reminders\" has gone quiet");
        assert!(alert.text.starts_with("No event for 26 hours; usually every 10 minutes."), "{}", alert.text);
        let mut told: Told = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
        assert_eq!(look(&mut told, &habit, last + hours(50)), None);
        habit.add(last + hours(51));
        let over = look(&mut told, &habit, last + hours(52)).expect("it is over");
        assert_eq!((over.title.as_str(), over.text.as_str()), ("\"Reminders\" has events again", "It was quiet for 51 hours."));
        assert_eq!(look(&mut told, &habit, last + hours(52)), None);
        told.keep(|_| false);
        assert!(told.all.is_empty());
    }

    #[test]
    fn what_is_remembered_does_not_grow_without_end() {
        let habit = busy(10, 90, |_, _| true);
        assert!(habit.gaps.len() == GAPS && i64::try_from(habit.hours.len()).unwrap() <= KEPT + 1);
    }
}
