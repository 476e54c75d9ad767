//! What is written: the facts of one run that belong together, and what was exchanged with services meanwhile.
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::flow::{FlowId, NodeId};
use crate::record::Exchange;
use crate::run::{Entry, Revision, RunId, StepKey};

/// Facts of one run that become durable together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The run.
    pub run: RunId,
    /// The run's head, in its first append only.
    pub new: Option<NewRun>,
    /// The facts, in their order; not empty for a new run.
    pub entries: Vec<Entry>,
    /// Requests and answers since the last append.
    pub exchanges: Vec<StepExchange>,
}

/// A small value that is kept, as by [`put_state`](super::Journal::put_state).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it belongs to.
    pub scope: String,
    /// Its name there.
    pub key: String,
    /// The value; null takes it away.
    pub value: Value,
}

/// What is known of a run when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The flow.
    pub flow: FlowId,
    /// What the flow was called then.
    pub flow_name: String,
    /// What the flow was then.
    pub revision: Revision,
    /// The trigger that fired.
    pub trigger: NodeId,
    /// The sender's id of the event: a flow takes each only once while the run that it began is kept.
    pub delivery: Option<String>,
    /// Where its calls go.
    pub mode: Mode,
    /// The run and step that called this one as a sub-flow.
    pub parent: Option<(RunId, StepKey)>,
    /// When.
    pub accepted: Timestamp,
}

/// Where a run's calls go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// To the services' imitation.
    Sandbox,
    /// To the services.
    Live,
}

/// An exchange, and the attempt that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepExchange {
    /// The step.
    pub step: StepKey,
    /// 1 for the first.
    pub attempt: u32,
    /// The request and its answer; redacted by whoever made it.
    pub exchange: Arc<Exchange>,
}
