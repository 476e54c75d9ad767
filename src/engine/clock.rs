//! The engine's clock: the only place where the time is read.
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Where the time comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A fixed start that moves with tokio's clock, which tests pause and advance.
    Following {
        /// The time at `since`.
        start: Timestamp,
        /// When it started to run.
        since: Instant,
    },
}

impl Clock {
    /// No sleep is longer than this, so that a machine that slept, or whose clock was set, is noticed soon.
    const LONGEST_SLEEP: Duration = Duration::from_secs(30);

    /// A clock that starts now and moves with tokio's.
    pub fn following(start: Timestamp) -> Self {
        Self::Following { start, since: Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Following { start, since } => {
                let passed = SignedDuration::try_from(since.elapsed()).unwrap_or_default();
                start.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// Sleeps until about then; may return early, the caller asks the clock again.
    pub async fn sleep_until(&self, until: Timestamp) {
        let left = Duration::try_from(until.duration_since(self.now())).unwrap_or_default();
        tokio::time::sleep(left.min(Self::LONGEST_SLEEP)).await;
    }
}
