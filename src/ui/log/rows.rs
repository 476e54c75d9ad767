//! Runs and steps as rows.
//!
//! Invariant: pure; the same runs and time give the same rows.
use jiff::Timestamp;

use crate::catalog::Catalog;
use crate::flow::{Flow, NodeId};
use crate::run::{Outcome, RunId};
use crate::ui::canvas::kind::{self, Hue};
use crate::ui::live::{Live, Play, StepState};
use crate::ui::theme::icon;
use crate::ui::words;

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
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StepRow {
    pub(super) node: NodeId,
    pub(super) mark: Mark,
    pub(super) icon: char,
    pub(super) hue: Hue,
    pub(super) title: String,
    /// From the run's beginning.
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
    pub(super) took: String,
}

/// The runs, the newest first.
pub(super) fn runs(live: &Live, now: Timestamp) -> Vec<RunRow> {
    live.runs().map(|it| run(it, now)).collect()
}

fn run(play: &Play, now: Timestamp) -> RunRow {
    let mark = match &play.outcome {
        Some(Outcome::Succeeded) => Mark::Done,
        Some(Outcome::Failed(_)) => Mark::Failed,
        Some(Outcome::Cancelled) => Mark::Cancelled,
        None if play.parked().next().is_some() => Mark::Parked,
        None if play.is_running() => Mark::Running,
        None => Mark::Waiting,
    };
    let took = match (play.started, play.ended) {
        (Some(from), Some(to)) => words::milliseconds(words::ms_between(from, to)),
        (Some(_), None) if matches!(mark, Mark::Parked | Mark::Waiting) => "waits".to_owned(),
        (Some(from), None) => words::milliseconds(words::ms_between(from, now)),
        _ => String::new(),
    };
    RunRow { id: play.id, mark, time: play.started.map(words::clock).unwrap_or_default(), name: play.name.clone(), took }
}

/// The steps of a run, in the order in which they began.
pub(super) fn steps(play: &Play, flow: &Flow, catalog: &Catalog, now: Timestamp) -> Vec<StepRow> {
    let Some(from) = play.started else { return Vec::new() };
    let row = |it: &crate::ui::live::StepLine| {
        let node = flow.nodes.get(&it.step.node);
        let face = node.map(|it| kind::face(&it.kind, catalog));
        let start_ms = words::ms_between(from, it.began);
        let end = it.ended.or(play.ended).unwrap_or(now);
        let end_ms = words::ms_between(from, end).max(start_ms);
        let name = node.map_or_else(|| it.step.node.to_string(), |it| it.name.clone());
        let item = it.step.item.0.iter().map(|at| (at + 1).to_string()).collect::<Vec<_>>().join(" ");
        StepRow {
            node: it.step.node.clone(),
            mark: match it.state {
                StepState::Running => Mark::Running,
                StepState::Waiting => Mark::Waiting,
                StepState::Parked => Mark::Parked,
                StepState::Done => Mark::Done,
                StepState::Failed => Mark::Failed,
            },
            icon: face.map_or(icon::CIRCLE_DASHED, |it| it.icon),
            hue: face.map_or(Hue::Logic, |it| it.hue),
            title: if item.is_empty() { name } else { format!("{name}, {item}") },
            start_ms,
            end_ms,
            took: words::milliseconds(end_ms - start_ms),
        }
    };
    play.steps.iter().map(row).collect()
}
