//! Alerts: a person is told of what goes wrong while nobody looks: runs that fail or ask, a connection that is dead, a trigger that has
//! gone quiet. On the desktop, by mail, or by flows that start from alerts.
//!
//! What is told, and when, is decided by rules without a clock: `failures`, `dead` and `quiet`. `stand` asks them now and then of what `found` reads,
//! `deliver` sends what they say: each alert is a run of a small flow of the engine's own, so that it is written down first, tried
//! again as any step is, held to the same budgets, and in the log with what became of it.
//!
//! Invariant: what was told is kept in the journal after the runs that tell it are; a restart repeats nothing and forgets nothing.
//! Invariant: what tells an alert raises none: neither the engine's own flows nor a run that an alert started.
mod dead;
mod deliver;
mod failures;
mod found;
mod quiet;
mod settings;
mod stand;
mod words;

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::deliver::{deployments, is_own};
pub use self::settings::{Alerts, Mail};
pub(super) use self::stand::{Watching, begin, test_here};
use super::door::{self, Answer, Order};
use super::release::unexpected;
use crate::connector::ConnectionId;
use crate::flow::{Alarm, FlowId};
use crate::record::Failure;
use crate::run::RunId;

/// Something that a person is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Alert {
    /// What it is about; none is a test.
    pub(super) of: Option<Alarm>,
    /// Whether it is over, rather than begun.
    pub(super) over: bool,
    /// One line.
    pub(super) title: String,
    /// The rest.
    pub(super) text: String,
    pub(super) at: Timestamp,
    /// The flow and what it is called.
    pub(super) flow: Option<(FlowId, String)>,
    pub(super) run: Option<RunId>,
    /// The connection and what it is called.
    pub(super) connection: Option<(ConnectionId, String)>,
    /// How many runs it is about.
    pub(super) count: u64,
    /// What tells it from all others: one of the same is not told again.
    pub(super) key: String,
}

impl Alert {
    /// As a flow that starts from alerts gets it.
    pub(super) fn payload(&self) -> Value {
        let named = |id: &str, name: &str| json!({ "id": id, "name": name });
        json!({
            "kind": self.of.map_or("test", Alarm::name), "over": self.over, "title": self.title, "text": self.text, "at": self.at,
            "flow": self.flow.as_ref().map(|(id, name)| named(id.original(), name)), "run": self.run.map(|it| it.0),
            "connection": self.connection.as_ref().map(|(id, name)| named(id.as_str(), name)), "count": self.count,
        })
    }
}

/// A way by which alerts go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A notification on the desktop of this computer.
    Desktop,
    /// A letter.
    Mail,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// By which way.
    pub way: Way,
    /// The run that told it, where there is one.
    pub run: Option<RunId>,
    /// Why it did not arrive.
    pub failure: Option<Failure>,
}

/// Sends a test by every way that is chosen, through the engine that is at work on a data directory; none where none is. Blocks.
///
/// # Errors
/// A [`Failure`] where that does not answer.
pub fn test(data: &Path) -> Result<Option<Vec<Tried>>, Failure> {
    match door::ask(data, Order::TestAlert) {
        None => Ok(None),
        Some(Ok(Answer::Alerted { tried })) => Ok(Some(tried)),
        Some(Ok(other)) => Err(unexpected(&other)),
        Some(Err(failure)) => Err(failure),
    }
}
