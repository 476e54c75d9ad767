//! What flows can be alerted of.
use std::fmt;

use serde::{Deserialize, Serialize};

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// Runs of a flow failed.
    Failure,
    /// A step of a flow waits for a person's word: an approval, or a call of which nobody knows whether it happened.
    Question,
    /// A connection needs a person, or its service has not been asked for a while.
    Connection,
    /// Events of a trigger do not come as often as they used to.
    Quiet,
}

impl Alarm {
    /// All, in the order in which a person reads them.
    pub const ALL: [Self; 4] = [Self::Failure, Self::Question, Self::Connection, Self::Quiet];

    /// As a flow's file names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Question => "question",
            Self::Connection => "connection",
            Self::Quiet => "quiet",
        }
    }
}

impl fmt::Display for Alarm {
    /// What a person reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failure => "a run fails",
            Self::Question => "a step waits for you",
            Self::Connection => "a connection is dead",
            Self::Quiet => "a trigger is quiet",
        })
    }
}
