//! Runs as rows.
//!
//! Invariant: pure; the same runs and time give the same rows.
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::engine::log::{RunHead, RunState};
use crate::run::{Outcome, Park, RunId};
use crate::ui::canvas::sentence::title;
use crate::ui::live::{Live, Play};
use crate::ui::words;

use super::narrow::Narrow;

/// How something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Running,
    Waiting,
    /// For a person.
    Parked,
    Done,
    Failed,
    Cancelled,
}

impl Mark {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Parked => "waits for you",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunRow {
    pub(super) id: RunId,
    pub(super) mark: Mark,
    pub(super) time: String,
    pub(super) name: String,
    pub(super) took: String,
    /// What failed, or what a person is asked; may be empty.
    pub(super) note: String,
}

/// The numbers of a list: those that are told and not on it yet, then those of the disk.
#[derive(Debug, Default)]
pub(super) struct Listed<'a> {
    pub(super) fresh: Vec<RunId>,
    pub(super) kept: &'a [RunId],
}

impl<'a> Listed<'a> {
    /// What the disk has, with newer runs that fit on top.
    pub(super) fn merge(kept: &'a [RunId], live: &Live, narrow: &Narrow) -> Self {
        let newest = kept.first().copied().unwrap_or(RunId(0));
        let newer = live.runs().take_while(|it| it.id > newest);
        Self { fresh: newer.filter(|it| narrow.fits(it)).map(|it| it.id).collect(), kept }
    }

    pub(super) fn len(&self) -> usize {
        self.fresh.len() + self.kept.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<RunId> {
        self.fresh.get(at).or_else(|| self.kept.get(at.checked_sub(self.fresh.len())?)).copied()
    }

    /// Where a run stands; they are in descending order.
    pub(super) fn position(&self, run: RunId) -> Option<usize> {
        let find = |list: &[RunId]| list.binary_search_by(|it| run.cmp(it)).ok();
        find(&self.fresh).or_else(|| find(self.kept).map(|it| it + self.fresh.len()))
    }
}

/// How a run that is told stands.
pub(super) fn mark(play: &Play) -> Mark {
    match &play.outcome {
        Some(outcome) => mark_of(outcome),
        None if play.parked().next().is_some() => Mark::Parked,
        None if play.is_running() => Mark::Running,
        None => Mark::Waiting,
    }
}

fn mark_of(outcome: &Outcome) -> Mark {
    match outcome {
        Outcome::Succeeded => Mark::Done,
        Outcome::Failed(_) => Mark::Failed,
        Outcome::Cancelled => Mark::Cancelled,
    }
}

fn failure_note(outcome: Option<&Outcome>) -> String {
    match outcome {
        Some(Outcome::Failed(failure)) => failure.title.clone(),
        _ => String::new(),
    }
}

/// A run that is told.
pub(super) fn of_play(play: &Play, live: &Live, now: Timestamp) -> RunRow {
    let mark = mark(play);
    let took = match (play.started, play.ended) {
        (Some(from), Some(to)) => words::milliseconds(words::ms_between(from, to)),
        (Some(_), None) if matches!(mark, Mark::Parked | Mark::Waiting) => "waits".to_owned(),
        (Some(from), None) => words::milliseconds(words::ms_between(from, now)),
        _ => String::new(),
    };
    let asked = play.parked().next().map(|(_, _, park)| park_words(park, live));
    let time = play.started.map(|it| moment(it, now)).unwrap_or_default();
    let note = asked.unwrap_or_else(|| failure_note(play.outcome.as_ref()));
    RunRow { id: play.id, mark, time, name: play.name.clone(), took, note }
}

/// A run from the disk.
pub(super) fn of_head(head: &RunHead, now: Timestamp) -> RunRow {
    let mark = match (&head.outcome, head.state()) {
        (Some(outcome), _) => mark_of(outcome),
        (None, RunState::Parked) => Mark::Parked,
        (None, _) => Mark::Running,
    };
    let took = match (head.finished, mark) {
        (Some(to), _) => words::milliseconds(words::ms_between(head.accepted, to)),
        (None, Mark::Parked) => "waits".to_owned(),
        (None, _) => "not over".to_owned(),
    };
    let note = failure_note(head.outcome.as_ref());
    RunRow { id: head.id, mark, time: moment(head.accepted, now), name: head.flow_name.clone(), took, note }
}

/// What a person is asked.
pub(super) fn park_words(park: &Park, live: &Live) -> String {
    let name = |connection: &str| {
        let known = live.stage().and_then(|it| it.connections.iter().find(|it| it.id.to_string() == connection));
        known.map_or_else(|| title(connection), |it| it.name.clone())
    };
    match park {
        Park::Approval(question) if !question.trim().is_empty() => question.clone(),
        Park::Approval(_) => "Waits for your approval".to_owned(),
        Park::Uncertain => "It is not known whether the call happened".to_owned(),
        Park::SignIn(connection) => format!("{} must be signed in again", name(connection)),
        Park::Breaker(connection) => format!("{} failed too often and is paused", name(connection)),
    }
}

/// `09:42:18` today, `24 Nov 09:42` before.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> String {
    let zone = TimeZone::system();
    let (then, now) = (at.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(zone));
    if then.date() == now.date() {
        words::clock(at)
    } else if then.year() == now.year() {
        then.strftime("%-d %b %H:%M").to_string()
    } else {
        then.strftime("%-d %b %Y").to_string()
    }
}

/// `1,204 runs`.
pub(super) fn count(number: usize, one: &str) -> String {
    let plain = number.to_string();
    let mut words = String::new();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    format!("{words} {one}{}", if number == 1 { "" } else { "s" })
}

/// `12 bytes`, `4.1 kB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..=999 => format!("{bytes} bytes"),
        1_000..=999_999 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        1_000_000..=999_999_999 => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::flow::NodeId;
    use crate::record::{Failure, FailureKind};
    use crate::run::{Entry, StepKey};

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_764_000_000_000 + ms).unwrap()
    }

    fn play(id: u64, flow: &str) -> Play {
        let mut play = Play::of(RunId(id), flow.into(), flow.to_uppercase(), false);
        play.apply(&Entry::Accepted {
            trigger: NodeId::from("t"),
            payload: Arc::new(json!(1)),
            at: at(0),
            cause: Arc::default(),
        });
        play
    }

    #[test]
    fn runs_that_are_told_stand_above_those_of_the_disk() {
        let mut live = Live::default();
        for (id, flow) in [(9, "a"), (8, "b"), (7, "a"), (3, "a")] {
            live.restore(play(id, flow));
        }
        let kept = [RunId(7), RunId(5), RunId(3)];
        let all = Listed::merge(&kept, &live, &Narrow::default());
        let numbers: Vec<u64> = (0..all.len()).filter_map(|it| all.get(it)).map(|it| it.0).collect();
        assert_eq!(numbers, [9, 8, 7, 5, 3]);
        for (at, number) in numbers.iter().enumerate() {
            assert_eq!(all.position(RunId(*number)), Some(at));
        }
        assert_eq!((all.position(RunId(4)), all.get(5)), (None, None));
        let narrow = Narrow { flow: Some("a".into()), ..Narrow::default() };
        assert_eq!(Listed::merge(&kept, &live, &narrow).fresh, [RunId(9)]);
    }

    #[test]
    fn a_row_says_how_it_went_and_what_failed() {
        let mut failed = play(1, "a");
        failed.apply(&Entry::Finished { outcome: Outcome::Succeeded, at: at(412) });
        failed.outcome = Some(Outcome::Failed(Failure::new(FailureKind::Refused, "HighLevel refused it")));
        let row = of_play(&failed, &Live::default(), at(9_000));
        assert_eq!((row.mark, row.took.as_str(), row.note.as_str()), (Mark::Failed, "0.41 s", "HighLevel refused it"));
        let mut parked = play(2, "a");
        let on = Park::Approval("Send it?".to_owned());
        parked.apply(&Entry::StepParked { step: StepKey::new("x"), on, at: at(5) });
        let row = of_play(&parked, &Live::default(), at(9_000));
        assert_eq!((row.mark, row.took.as_str(), row.note.as_str()), (Mark::Parked, "waits", "Send it?"));
    }

    #[test]
    fn numbers_are_words() {
        assert_eq!(count(1, "run"), "1 run");
        assert_eq!(count(999, "run"), "999 runs");
        assert_eq!(count(1_204, "run"), "1,204 runs");
        assert_eq!(count(100_000, "run"), "100,000 runs");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(4_120), "4.1 kB");
        assert_eq!(size(12_500_000), "12.5 MB");
    }
}
