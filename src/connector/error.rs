//! What a call came to; the error decides what happens next.
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::connector::Answered;
use crate::record::{Exchange, Failure};

/// A call that has ended, with what the log keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// What was sent and received, last; none only if nothing was sent.
    pub exchange: Option<Arc<Exchange>>,
    /// The same request before that, which the service refused because the token had ended; it did nothing.
    pub before: Option<Arc<Exchange>>,
    /// What came of it.
    pub result: Result<Answered, CallError>,
}

impl Called {
    pub(super) fn unsent(error: CallError) -> Self {
        Self { exchange: None, before: None, result: Err(error) }
    }
}

/// Why a call gave no answer to go on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Certainly not carried out, and worth another try: 429, 503 with `Retry-After`, no connection, a spent budget.
    #[error("{failure}")]
    Retry {
        /// No sooner than this.
        after: Option<Duration>,
        /// What a person reads.
        failure: Failure,
    },
    /// A person has to sign in (or to give the secret) before this connection works again: 401, or no secret at all.
    #[error("{0}")]
    SignIn(Failure),
    /// The service asks its callers to stop for now, so nothing was sent.
    #[error("{failure}")]
    Breaker {
        /// When the next request may go; none if a person has to close the breaker.
        until: Option<Timestamp>,
        /// What a person reads.
        failure: Failure,
    },
    /// The service said no; asking again says the same.
    #[error("{0}")]
    Refused(Failure),
    /// Sent, but no complete answer came, or a 5xx: nobody knows whether it was carried out.
    #[error("{0}")]
    Lost(Failure),
    /// The request could not be made: an input is missing or wrong, or its address may not be called.
    #[error("{0}")]
    NotSent(Failure),
}

impl CallError {
    /// The same about this record, where it names none yet.
    pub(super) fn at(mut self, record: &str) -> Self {
        let (Self::Retry { failure, .. }
        | Self::Breaker { failure, .. }
        | Self::SignIn(failure)
        | Self::Refused(failure)
        | Self::Lost(failure)
        | Self::NotSent(failure)) = &mut self;
        if failure.at.is_empty() {
            record.clone_into(&mut failure.at);
        }
        self
    }

    /// What a person reads.
    pub fn failure(&self) -> &Failure {
        match self {
            Self::Retry { failure, .. }
            | Self::Breaker { failure, .. }
            | Self::SignIn(failure)
            | Self::Refused(failure)
            | Self::Lost(failure)
            | Self::NotSent(failure) => failure,
        }
    }
}

/// Why a [`Caller`](super::Caller) could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built: {0}")]
    Client(String),
    /// A `User-Agent` that cannot stand in a header.
    #[error("the user agent {0:?} holds characters that a header cannot")]
    UserAgent(String),
}
