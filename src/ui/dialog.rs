//! The one question that stands before everything else: what to do with changes that are not saved.
use super::document::DocId;
use super::files::Ask;
use crate::catalog::ConnectorId;
use crate::engine::ConnectionId;
use crate::engine::letters::Resend;
use crate::run::RunId;

/// A question in front.
#[derive(Debug, Clone)]
pub(crate) enum Dialog {
    /// Close a tab with changes.
    Close { doc: DocId, title: String },
    /// Leave with changes in these tabs.
    Quit { titles: Vec<String> },
    /// Leave while flows are on; how many, and whether the answer is kept for the next time.
    Leave { on: usize, keep: bool },
    /// Start a live flow by hand.
    RunLive { doc: DocId, title: String },
    /// Do a live run again; of which flow it was.
    RunAgain { run: RunId, title: String, how: Resend },
    /// Take an imported service out of the catalogue; who uses it.
    Remove { id: ConnectorId, title: String, used_by: Vec<String> },
    /// Take a connection away, with its secret; which flows use it.
    RemoveAccount { id: ConnectionId, name: String, used_by: Vec<String> },
    /// The path of a file, typed, where the system has no dialog for it; with what was wrong with the last one.
    Path { ask: Ask, suggested: String, wrong: Option<String> },
}

/// What a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Save first.
    Save,
    /// Lose the changes, or what was asked about.
    Discard,
    /// Flows go on without the window.
    Stay,
    /// What was said is to hold from now on, or not.
    Keep,
    /// Do nothing.
    Cancel,
}
