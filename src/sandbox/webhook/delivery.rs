//! Where the sandbox's events are sent, what goes wrong on the way, and what came of each attempt.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::OperationId;

/// Where events are sent and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// The one address that an app has; none, and nothing is sent.
    pub url: Option<String>,
    /// An answer that is not 2xx, or none within [`Delivery::TIMEOUT_MS`], is followed by so many more attempts. The
    /// vendor: six.
    pub attempts: u32,
    /// So far apart, in milliseconds, a tenth more or less. The vendor: ten minutes.
    pub apart_ms: u64,
    /// What goes wrong.
    pub faults: DeliveryFaults,
}

/// What goes wrong with events on their way: shares from 0 to 1, drawn from a generator that starts at `random`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryFaults {
    /// Sent twice.
    pub doubled: f64,
    /// Sent only after the next one, or once nothing more has happened for a second.
    pub reordered: f64,
    /// Never sent.
    pub lost: f64,
    /// Signed by a stranger.
    pub forged: f64,
    /// Sent without any signature.
    pub unsigned: f64,
    /// Sent late, while later ones overtake it.
    pub slow: f64,
    /// How late, in milliseconds.
    pub slow_ms: u64,
    /// Where the generator starts.
    pub random: u64,
}

/// One attempt to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// The event's `webhookId`.
    pub webhook: String,
    /// Which event.
    pub event: OperationId,
    /// Where it was sent, or would have been.
    pub url: String,
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// From 1; 0 if it was lost on purpose.
    pub attempt: u32,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// What went wrong on purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'static str>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { url: None, attempts: 6, apart_ms: 600_000, faults: DeliveryFaults::default() }
    }
}

impl Delivery {
    /// How long an answer is waited for, in milliseconds.
    pub const TIMEOUT_MS: u64 = 10_000;
    /// How long an event that is to come late waits for the next one, in milliseconds.
    pub const LATE_MS: u64 = 1_000;
    /// The latest that a slow one is sent, in milliseconds.
    pub const SLOWEST_MS: u64 = 600_000;
}
