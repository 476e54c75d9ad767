//! Which runs are listed.
//!
//! Invariant: pure; a filter lets the same runs through on the disk and among those that are told.
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ZonedDateTime};

use super::rows::Mark;
use crate::engine::log::{Filter, OutcomeKind, RunState};
use crate::flow::FlowId;
use crate::ui::live::Play;

/// How runs went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Status {
    #[default]
    All,
    Running,
    /// For a person.
    Waiting,
    Done,
    Failed,
    Cancelled,
}

/// When they began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Since {
    #[default]
    Ever,
    Today,
    Week,
    Month,
}

/// All that narrows a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Narrow {
    pub(super) flow: Option<FlowId>,
    pub(super) status: Status,
    pub(super) since: Since,
}

impl Status {
    pub(super) const ALL: [Self; 6] = [Self::All, Self::Running, Self::Waiting, Self::Done, Self::Failed, Self::Cancelled];

    /// What a person reads.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Running => "Running",
            Self::Waiting => "Waiting",
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl Since {
    pub(super) const ALL: [Self; 4] = [Self::Ever, Self::Today, Self::Week, Self::Month];

    /// What a person reads.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Ever => "All time",
            Self::Today => "Today",
            Self::Week => "7 days",
            Self::Month => "30 days",
        }
    }

    /// Whole days of this place, today among them.
    fn begin(self, now: &ZonedDateTime) -> Option<Timestamp> {
        let back = match self {
            Self::Ever => return None,
            Self::Today => 0,
            Self::Week => 6,
            Self::Month => 29,
        };
        let day = now.date().checked_sub(Span::new().days(back)).ok()?;
        day.to_zoned_datetime(now.time_zone().clone()).ok().map(|it| it.timestamp())
    }
}

impl Narrow {
    /// For the disk, without a limit.
    pub(super) fn filter(&self, now: Timestamp) -> Filter {
        self.filter_at(&now.to_zoned_datetime(TimeZone::system()))
    }

    fn filter_at(&self, now: &ZonedDateTime) -> Filter {
        let (state, outcome) = match self.status {
            Status::All => (None, None),
            Status::Running => (Some(RunState::Running), None),
            Status::Waiting => (Some(RunState::Parked), None),
            Status::Done => (None, Some(OutcomeKind::Succeeded)),
            Status::Failed => (None, Some(OutcomeKind::Failed)),
            Status::Cancelled => (None, Some(OutcomeKind::Cancelled)),
        };
        let since = self.since.begin(now);
        Filter { flow: self.flow.clone(), state, outcome, since, limit: usize::MAX, ..Filter::default() }
    }

    /// Whether a run that is told belongs to the list. It began just now, whatever the time that is asked for.
    pub(super) fn fits(&self, play: &Play) -> bool {
        let flow = self.flow.as_ref().is_none_or(|it| *it == play.flow);
        flow && matches!(
            (self.status, super::rows::mark(play)),
            (Status::All, _)
                | (Status::Running, Mark::Running | Mark::Waiting)
                | (Status::Waiting, Mark::Parked)
                | (Status::Done, Mark::Done)
                | (Status::Failed, Mark::Failed)
                | (Status::Cancelled, Mark::Cancelled)
        )
    }

    /// Whether it lets everything through.
    pub(super) fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_a_calendar() {
        let now: ZonedDateTime = "2026-11-25T09:30:00+01:00[Europe/Berlin]".parse().unwrap();
        let since = |since| Narrow { since, ..Narrow::default() }.filter_at(&now).since.map(|it| it.to_string());
        assert_eq!(since(Since::Ever), None);
        assert_eq!(since(Since::Today).as_deref(), Some("2026-11-24T23:00:00Z"));
        assert_eq!(since(Since::Week).as_deref(), Some("2026-11-18T23:00:00Z"));
        // Summer time ended within these 30 days or not; midnight is midnight.
        let summer: ZonedDateTime = "2026-11-05T09:30:00+01:00[Europe/Berlin]".parse().unwrap();
        let month = Narrow { since: Since::Month, ..Narrow::default() }.filter_at(&summer).since;
        assert_eq!(month.map(|it| it.to_string()).as_deref(), Some("2026-10-06T22:00:00Z"));
    }

    #[test]
    fn a_state_is_a_state_of_the_disk() {
        let now: ZonedDateTime = "2026-11-25T09:30:00Z[UTC]".parse().unwrap();
        let of = |status| {
            let filter = Narrow { status, ..Narrow::default() }.filter_at(&now);
            (filter.state, filter.outcome)
        };
        assert_eq!(of(Status::All), (None, None));
        assert_eq!(of(Status::Waiting), (Some(RunState::Parked), None));
        assert_eq!(of(Status::Running), (Some(RunState::Running), None));
        assert_eq!(of(Status::Cancelled), (None, Some(OutcomeKind::Cancelled)));
        assert!(Narrow::default().is_open());
    }
}
