//! One failure, worded once, for window, log and terminal alike.
use std::fmt;

use serde::{Deserialize, Serialize};

/// Which family a failure belongs to; decides its icon, how failures are grouped, and what a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// A field's expression could not be evaluated, or a value that it needs is missing.
    Mapping,
    /// The flow itself is wrong: an unknown operation, an unbound slot, a script's error.
    Flow,
    /// The service refused the call: 4xx other than those below.
    Refused,
    /// 401 or a token that cannot be refreshed.
    SignIn,
    /// 403: scope or permission.
    Forbidden,
    /// 404 or 410.
    NotFound,
    /// 429, or a budget of our own that is spent.
    RateLimit,
    /// 5xx, or an answer that is not what the service documents (HTML, half an answer).
    Service,
    /// No connection, name not found, TLS, reset.
    Network,
    /// Too late.
    Timeout,
    /// A size, depth or time bound of Flowyard was met.
    Limit,
    /// The circuit breaker of the connection is open.
    Breaker,
    /// A person or a stop node ended it.
    Stopped,
    /// The process ended while the call was under way, and nobody knows whether it happened.
    Uncertain,
    /// Disk, journal, listener: this machine.
    Machine,
}

/// What failed, in words: title (what), detail (the service's own words), hint (what to do next), at (on which record or field).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The family.
    pub kind: FailureKind,
    /// One sentence without a full stop: "HighLevel refused \"Create contact\"".
    pub title: String,
    /// The service's own words, or the expression's place; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What to do next; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// The record, field or line that it is about, for example `fields.email` or `contact 3f2a`; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// The status of the service's answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Failure {
    /// A failure with a title only.
    pub fn new(kind: FailureKind, title: impl Into<String>) -> Self {
        Self { kind, title: title.into(), detail: String::new(), hint: String::new(), at: String::new(), status: None }
    }

    /// With the service's own words.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// With the record, field or line that it is about.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = at.into();
        self
    }

    /// With the status of the service's answer.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        if !self.at.is_empty() {
            write!(f, " ({})", self.at)?;
        }
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if !self.hint.is_empty() {
            write!(f, ". {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
