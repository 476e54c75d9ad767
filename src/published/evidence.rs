//! What speaks for making a flow live, and what against it.
use jiff::Timestamp;

use super::Change;
use crate::record::Failure;

/// The check list of a flow that is to go live.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Where it is to run.
    pub environment: String,
    /// What it is: its content hash.
    pub revision: String,
    /// What of it is not live yet; none where it was never published.
    pub changes: Option<Vec<Change>>,
    /// What each slot stands for, in words; or which one stands for nothing.
    pub slots: Result<Vec<String>, Failure>,
    /// Scopes that its steps need and a token lacks.
    pub lacking: Vec<Scope>,
    /// Scopes that a token has and no flow that is known here needs.
    pub surplus: Vec<Scope>,
    /// Connections that are to be signed in first, with why.
    pub shut: Vec<(String, String)>,
    /// When it last succeeded in the sandbox as it is.
    pub tested: Option<Timestamp>,
}

/// A scope of a connection's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What the connection is called.
    pub connection: String,
    /// As the service names it.
    pub scope: String,
    /// Why it is needed, in words; empty where it is not.
    pub reason: String,
}

impl Evidence {
    /// Whether it can run: nothing that it needs is missing.
    pub fn can_run(&self) -> bool {
        self.slots.is_ok()
    }

    /// Whether all of it speaks for the flow.
    pub fn is_green(&self) -> bool {
        self.can_run() && self.lacking.is_empty() && self.shut.is_empty() && self.tested.is_some()
    }

    /// Whether it is live as it is.
    pub fn is_live(&self) -> bool {
        self.changes.as_ref().is_some_and(Vec::is_empty)
    }
}
