//! What the engine tells, folded as it comes in: which runs there are, and how far each node of them is.
//!
//! Invariant: nothing here asks anything; the same events give the same picture. A run that this window started is folded
//! from what is told without loss, and what is told of it among all others is passed over.
mod play;

use std::collections::BTreeMap;

pub(crate) use self::play::{NodePlay, Phase, Play, StepLine, StepState};
use super::behind::{Spent, Stage, Told};
use crate::engine::{ConnectionId, Event};
use crate::flow::FlowId;
use crate::record::{Failure, FailureKind};
use crate::run::RunId;

/// Runs that are kept; the oldest that ended are forgotten.
const KEPT: usize = 500;

/// Whether engine and sandbox are there.
#[derive(Debug, Default)]
pub(crate) enum Readiness {
    /// They come up.
    #[default]
    Starting,
    /// They are.
    Ready(Box<Stage>),
    /// They cannot start; why.
    Unavailable(Failure),
}

/// What is known of the engine and its runs.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) behind: Readiness,
    runs: BTreeMap<RunId, Play>,
    /// Counts up with every change, so that what is made from it can be kept.
    pub(crate) version: u64,
    /// The last entry of the sandbox's ledger before the last test.
    pub(crate) lit_from: u64,
    /// Events that were lost; what they told is in the log on disk.
    pub(crate) missed: u64,
    /// Runs that wait for their turn, by flow.
    pub(crate) waiting: BTreeMap<FlowId, u64>,
    /// What is used of the budgets of the connections.
    pub(crate) budgets: BTreeMap<ConnectionId, Spent>,
}

impl Live {
    /// Of runs that another process does: nothing is told of them, and what is on the disk is read again and again.
    pub(crate) fn elsewhere() -> Self {
        let failure = Failure::new(FailureKind::Machine, "These runs are done elsewhere");
        Self { behind: Readiness::Unavailable(failure), ..Self::default() }
    }

    /// Folds in what came; a failure that no run can tell is handed back.
    pub(crate) fn take(&mut self, told: Told) -> Option<Failure> {
        self.version += 1;
        match told {
            Told::Ready(stage) => self.behind = Readiness::Ready(stage),
            Told::Unavailable(failure) => {
                self.behind = Readiness::Unavailable(failure.clone());
                return Some(failure);
            }
            Told::Missed(count) => self.missed += count,
            // Whoever asked is told; what happens in a run comes as events.
            Told::Started { .. }
            | Told::Choices { .. }
            | Told::Accounts(_)
            | Told::Account(_)
            | Told::HomeDoor(_)
            | Told::Home(_) => {}
            Told::Event { event: Event::Trouble(failure), .. } => return Some(failure),
            Told::Event { event, own } => self.fold(event, own),
        }
        None
    }

    fn fold(&mut self, event: Event, own: bool) {
        match event {
            Event::Started { run, program } => {
                let known_as_own = self.runs.get(&run).is_some_and(|it| it.own);
                if own || !known_as_own {
                    self.runs.insert(run, Play::new(run, &program, own));
                    self.forget_oldest();
                }
            }
            Event::Journaled { run, entries } => {
                if let Some(play) = self.heard(run, own) {
                    entries.iter().for_each(|it| play.apply(it));
                }
            }
            Event::Exchanged { run, step, .. } => {
                if let Some(play) = self.heard(run, own) {
                    play.exchanged(&step);
                }
            }
            Event::Ended { run, outcome } => {
                if let Some(play) = self.heard(run, own) {
                    play.end(outcome);
                }
            }
            Event::Looked(_) | Event::Woke(_) | Event::Trouble(_) => {}
        }
    }

    fn heard(&mut self, run: RunId, own: bool) -> Option<&mut Play> {
        self.runs.get_mut(&run).filter(|it| it.own == own)
    }

    /// Takes in a run from the disk; what is told of a run as it happens is newer and stays.
    pub(crate) fn restore(&mut self, play: Play) {
        if let std::collections::btree_map::Entry::Vacant(place) = self.runs.entry(play.id) {
            place.insert(play);
            self.version += 1;
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        while self.runs.len() > KEPT {
            let Some(oldest) = self.runs.values().find(|it| it.outcome.is_some()).map(|it| it.id) else { return };
            self.runs.remove(&oldest);
        }
    }

    /// A run.
    pub(crate) fn run(&self, id: RunId) -> Option<&Play> {
        self.runs.get(&id)
    }

    /// The runs, the newest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Play> {
        self.runs.values().rev()
    }

    /// The stage, once it is up.
    pub(crate) fn stage(&self) -> Option<&Stage> {
        match &self.behind {
            Readiness::Ready(stage) => Some(stage),
            Readiness::Starting | Readiness::Unavailable(_) => None,
        }
    }

    /// Runs that were told elsewhere, for tests of what shows them.
    #[cfg(test)]
    pub(crate) fn add_for_tests(&mut self, plays: Vec<Play>) {
        self.version += 1;
        self.runs.extend(plays.into_iter().map(|it| (it.id, it)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_from_the_disk_never_takes_the_place_of_one_that_is_told() {
        let mut live = Live::default();
        live.restore(Play::of(RunId(4), "f".into(), "Before".to_owned(), false));
        live.restore(Play::of(RunId(4), "f".into(), "Again".to_owned(), false));
        live.restore(Play::of(RunId(2), "f".into(), "Older".to_owned(), false));
        let names: Vec<&str> = live.runs().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["Before", "Older"]);
        assert_eq!(live.version, 2);
    }
}
