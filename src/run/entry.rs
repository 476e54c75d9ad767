//! The facts of a run.
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Cause;
use crate::flow::{Level, NodeId, PortId};
use crate::record::Failure;

/// A run's number within its data directory; later runs have larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

/// The content hash of a flow without its layout: SHA-256, in lower-case hex. A run is pinned to one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub Arc<str>);

/// Which item of which for-each, outermost first; empty outside of any.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemPath(pub Vec<u32>);

/// A step: a node, and the item that it runs for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepKey {
    /// The node.
    #[serde(rename = "n")]
    pub node: NodeId,
    /// The item.
    #[serde(rename = "i", default, skip_serializing_if = "ItemPath::is_empty")]
    pub item: ItemPath,
}

/// A fact about a run, in the past tense: once written it is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "e", rename_all = "snake_case")]
pub enum Entry {
    /// The run exists: this trigger fired with this event.
    Accepted {
        /// The trigger's node.
        trigger: NodeId,
        /// The trigger's output.
        payload: Arc<Value>,
        /// When.
        at: Timestamp,
        /// What it goes back to.
        #[serde(default, skip_serializing_if = "is_default")]
        cause: Arc<Cause>,
    },
    /// An attempt begins; written before the request leaves. What goes in is not kept: it is evaluated again from what
    /// the earlier steps gave, as of the first attempt's time, and is therefore the same.
    StepStarted {
        /// The step.
        step: StepKey,
        /// 1 for the first.
        attempt: u32,
        /// When.
        at: Timestamp,
    },
    /// A step left through a port.
    StepSucceeded {
        /// The step.
        step: StepKey,
        /// The way that it took.
        port: PortId,
        /// What it gave.
        output: Arc<Value>,
        /// When.
        at: Timestamp,
    },
    /// An attempt failed; with `retry_at` another one follows then.
    StepFailed {
        /// The step.
        step: StepKey,
        /// The attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// When it is tried again; none if it is not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
        /// Whether it may have happened all the same; then a look-up comes before the next attempt.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lost: bool,
        /// When.
        at: Timestamp,
    },
    /// A wait began.
    StepWaiting {
        /// The step.
        step: StepKey,
        /// When it ends.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// A for-each knows its items.
    ItemsOpened {
        /// The for-each.
        step: StepKey,
        /// How many.
        count: u32,
        /// When; its expressions are evaluated as of this time, also on replay.
        at: Timestamp,
    },
    /// All that an item could do is done.
    ItemFinished {
        /// The for-each.
        step: StepKey,
        /// Which item, from 0.
        index: u32,
        /// Why it failed; none if it did not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// What `collect` gave.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        result: Option<Arc<Value>>,
        /// When.
        at: Timestamp,
    },
    /// A line that a log node wrote.
    Logged {
        /// The step.
        step: StepKey,
        /// How loud.
        level: Level,
        /// The line.
        message: String,
        /// When.
        at: Timestamp,
    },
    /// A step waits for a person.
    StepParked {
        /// The step.
        step: StepKey,
        /// For what.
        on: Park,
        /// When.
        at: Timestamp,
    },
    /// A person (or a sign-in) let a parked step go on.
    StepReleased {
        /// The step.
        step: StepKey,
        /// How.
        release: Release,
        /// When.
        at: Timestamp,
    },
    /// A person or a shutdown asked the run to end; steps under way are not waited for.
    Cancelled {
        /// Who or what asked.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// The run is over.
    Finished {
        /// How.
        outcome: Outcome,
        /// When.
        at: Timestamp,
    },
}

/// Why a step waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Park {
    /// The process ended between sending and hearing back, and repeating could do harm.
    Uncertain,
    /// This connection must be signed in again.
    SignIn(String),
    /// A person must agree first, and is asked this.
    Approval(String),
    /// The connection's circuit breaker is open until a person closes it.
    Breaker(String),
}

/// How a parked step goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// Make the call (again).
    Repeat,
    /// It happened: this is its output.
    Done(Arc<Value>),
    /// Treat it as failed; goes through `error` where that is wired.
    Fail,
    /// A person agrees.
    Approve,
    /// A person does not agree.
    Decline,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that could run did.
    Succeeded,
    /// A step failed and its `error` led nowhere, or a stop node said so.
    Failed(Failure),
    /// A person ended it.
    Cancelled,
}

impl Release {
    /// Whether it answers what a step waits for: an approval is given or declined, a call is repeated or its outcome said.
    pub fn answers(&self, on: &Park) -> bool {
        match self {
            Self::Fail => true,
            Self::Approve | Self::Decline => matches!(on, Park::Approval(_)),
            Self::Repeat | Self::Done(_) => !matches!(on, Park::Approval(_)),
        }
    }
}

impl StepKey {
    /// A step outside of any for-each.
    pub fn new(node: impl Into<NodeId>) -> Self {
        Self { node: node.into(), item: ItemPath::default() }
    }
}

impl ItemPath {
    /// Whether it is outside of any for-each.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The path of an item below this one.
    #[must_use]
    pub fn child(&self, index: u32) -> Self {
        let mut path = self.0.clone();
        path.push(index);
        Self(path)
    }
}

impl Entry {
    /// The step that it is about; none for facts about the whole run.
    pub fn step(&self) -> Option<&StepKey> {
        match self {
            Self::Accepted { .. } | Self::Cancelled { .. } | Self::Finished { .. } => None,
            Self::StepStarted { step, .. }
            | Self::StepSucceeded { step, .. }
            | Self::StepFailed { step, .. }
            | Self::StepWaiting { step, .. }
            | Self::ItemsOpened { step, .. }
            | Self::ItemFinished { step, .. }
            | Self::Logged { step, .. }
            | Self::StepParked { step, .. }
            | Self::StepReleased { step, .. } => Some(step),
        }
    }

    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Accepted { at, .. }
            | Self::StepStarted { at, .. }
            | Self::StepSucceeded { at, .. }
            | Self::StepFailed { at, .. }
            | Self::StepWaiting { at, .. }
            | Self::ItemsOpened { at, .. }
            | Self::ItemFinished { at, .. }
            | Self::Logged { at, .. }
            | Self::StepParked { at, .. }
            | Self::StepReleased { at, .. }
            | Self::Cancelled { at, .. }
            | Self::Finished { at, .. } => *at,
        }
    }
}

fn is_default(cause: &Cause) -> bool {
    cause.is_default()
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)?;
        self.item.0.iter().try_for_each(|index| write!(f, "[{index}]"))
    }
}

/// A null that was written is a null, and not nothing.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Arc<Value>>, D::Error> {
    Value::deserialize(from).map(|value| Some(Arc::new(value)))
}
