//! What a list of runs shows of each, and how such a list is narrowed.
use jiff::Timestamp;
use serde::Serialize;

use super::Mode;
use crate::flow::{FlowId, NodeId};
use crate::run::{Entry, Outcome, Revision, RunId, StepKey};

/// A run without its entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunHead {
    /// The run.
    pub id: RunId,
    /// Its flow.
    pub flow: FlowId,
    /// What the flow was called when the run began.
    pub flow_name: String,
    /// What the flow was when the run began.
    pub revision: Revision,
    /// The trigger that fired.
    pub trigger: NodeId,
    /// The sender's id of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Where its calls go.
    pub mode: Mode,
    /// The run and step that called it as a sub-flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<(RunId, StepKey)>,
    /// When it began.
    pub accepted: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// How it ended. Long words of a service are cut here; the entries have them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Steps that ended, well or not; counted when the run ends, 0 until then.
    pub steps: u32,
    /// Steps that failed for good, whether or not an `error` port took it; counted when the run ends, 0 until then.
    pub failures: u32,
    /// Steps that wait for a person now.
    pub parked: u32,
}

/// Whether a run is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It goes on by itself.
    Running,
    /// At least one of its steps waits for a person.
    Parked,
    /// It is over.
    Finished,
}

/// How a run ended, without why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// Everything that could run did.
    Succeeded,
    /// A step failed for good, or a stop node said so.
    Failed,
    /// A person ended it.
    Cancelled,
}

/// Which runs are listed: those that meet all that is set, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// In this state.
    pub state: Option<RunState>,
    /// That ended so.
    pub outcome: Option<OutcomeKind>,
    /// That began then or later.
    pub since: Option<Timestamp>,
    /// That began before.
    pub until: Option<Timestamp>,
    /// Older than this run: the next page of a list.
    pub before: Option<RunId>,
    /// At most so many.
    pub limit: usize,
}

/// An unfinished run as recovery needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The run.
    pub id: RunId,
    /// Its head.
    pub head: RunHead,
    /// All its facts, in their order.
    pub entries: Vec<Entry>,
}

impl RunHead {
    /// Whether it runs, waits for a person, or is over.
    pub fn state(&self) -> RunState {
        match (self.finished, self.parked) {
            (Some(_), _) => RunState::Finished,
            (None, 0) => RunState::Running,
            (None, _) => RunState::Parked,
        }
    }

    /// Whether anything in it failed for good, even where the run went on by an `error` port.
    pub fn has_failure(&self) -> bool {
        self.failures > 0 || matches!(self.outcome, Some(Outcome::Failed(_)))
    }
}

impl OutcomeKind {
    /// Of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Failed(_) => Self::Failed,
            Outcome::Cancelled => Self::Cancelled,
        }
    }

    /// As the table keeps it.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Succeeded => 0,
            Self::Failed => 1,
            Self::Cancelled => 2,
        }
    }
}

impl Default for Filter {
    /// The hundred newest runs.
    fn default() -> Self {
        Self { flow: None, state: None, outcome: None, since: None, until: None, before: None, limit: 100 }
    }
}
