//! How often and how patiently a step is tried again.
use serde::{Deserialize, Serialize};

/// Exponential backoff with full jitter (as in "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryPolicy {
    /// All attempts, the first among them; at least 1.
    pub attempts: u32,
    /// The upper bound of the first wait, in milliseconds; doubles with each attempt.
    pub first_ms: u64,
    /// No wait is longer than this, unless the service itself asks for more.
    pub longest_ms: u64,
}

impl RetryPolicy {
    /// Never again.
    pub const ONCE: Self = Self { attempts: 1, first_ms: 0, longest_ms: 0 };
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, first_ms: 1_000, longest_ms: 60_000 }
    }
}
