//! Which time the sandbox believes it is.
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

/// A source of the present moment: the machine's own, one that starts where it is told, or any closure.
///
/// Everything in the sandbox asks it: dates of records, free slots, rate windows. A fixed clock therefore never opens a
/// new rate window.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// Starts at `start` now and goes on at the usual pace.
    pub fn starting_at(start: Timestamp) -> Self {
        let begun = Instant::now();
        Self::new(move || {
            let gone = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millisecond(start.as_millisecond().saturating_add(gone)).unwrap_or(Timestamp::MAX)
        })
    }

    /// Stands still.
    pub fn fixed(at: Timestamp) -> Self {
        Self::new(move || at)
    }

    /// Whatever the closure says.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
