//! A connection as a list shows it.
use jiff::Timestamp;
use serde::Serialize;

use super::{Budget, Use};
use crate::connector::Connection;

/// A connection, whether it can be used, and by what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The connection; it holds no secret.
    #[serde(flatten)]
    pub connection: Connection,
    /// What the service calls itself.
    pub service: String,
    /// Whether it can be used.
    pub state: State,
    /// The slots of flows that stand for it.
    pub used_by: Vec<Use>,
    /// When its tokens were last received; for OAuth 2.0 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refreshed_at: Option<Timestamp>,
    /// When its access token ends; for OAuth 2.0 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What its token may do, where the service said; for OAuth 2.0 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// What is used of the requests that its service allows, if it has a limit that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Runs that wait for it to be signed in again; whoever shows it looks them up.
    #[serde(skip_serializing_if = "is_none")]
    pub waiting: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Whether a connection can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Its secret is in the vault.
    Ready,
    /// It needs none.
    Open,
    /// Its secret is in the environment.
    Environment,
    /// A variable that it names is not set here.
    Unset {
        /// What is missing, in words.
        why: String,
    },
    /// Its secret is not there, or cannot be read.
    Reconnect {
        /// Why, in words.
        why: String,
    },
}

impl State {
    /// Whether requests can be signed.
    pub fn works(&self) -> bool {
        matches!(self, Self::Ready | Self::Open | Self::Environment)
    }

    /// In a few words.
    pub fn in_words(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Open => "ready (no sign-in)",
            Self::Environment => "ready (from the environment)",
            Self::Unset { .. } => "variable not set",
            Self::Reconnect { .. } => "to be reconnected",
        }
    }
}
