//! The one question that stands before everything else: what to do with changes that are not saved.
use super::document::DocId;

/// A question in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// Close a tab with changes.
    Close { doc: DocId, title: String },
    /// Leave with changes in these tabs.
    Quit { titles: Vec<String> },
}

/// What a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Save first.
    Save,
    /// Lose the changes.
    Discard,
    /// Do nothing.
    Cancel,
}
