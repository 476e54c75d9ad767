//! One budget an account, shared by everything that calls on it: calls wait their turn before they are sent.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex as Turn, Notify};
use tokio::time::{Instant, timeout_at};

use super::BudgetState;
use super::window::{Full, Told, Windows};
use crate::catalog::Rate;

/// The budget of one account.
#[derive(Debug)]
pub(super) struct Bucket {
    windows: Mutex<Windows>,
    /// Whoever holds it is next; fair, so calls go in the order in which they came.
    turn: Turn<()>,
    waiting: AtomicU32,
    /// A place may have become free.
    freed: Notify,
}

/// A place in the budget. Dropped before [`Permit::sending`] it was never used, and is free again.
#[derive(Debug)]
pub(super) struct Permit {
    bucket: Arc<Bucket>,
    sent: bool,
    done: bool,
}

/// The budget does not allow the call within the longest wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PutOff {
    pub(super) after: Duration,
    /// Whether the day's budget is spent.
    pub(super) spent: bool,
}

impl Bucket {
    pub(super) fn new(rates: &[Rate]) -> Self {
        Self { windows: Mutex::new(Windows::new(rates)), turn: Turn::new(()), waiting: AtomicU32::new(0), freed: Notify::new() }
    }

    /// Waits for a place, at most `longest`.
    pub(super) async fn take(self: &Arc<Self>, longest: Duration) -> Result<Permit, PutOff> {
        if self.waiting.load(Ordering::Acquire) == 0 && self.windows().take(Instant::now(), Timestamp::now()).is_ok() {
            return Ok(self.permit());
        }
        let now = Instant::now();
        let waiting = Waiting::begin(self);
        let expected = self.windows().wait(waiting.before, now);
        if expected > longest {
            return Err(PutOff { after: expected, spent: false });
        }
        self.wait(now + longest, waiting.before).await
    }

    async fn wait(self: &Arc<Self>, deadline: Instant, before: u32) -> Result<Permit, PutOff> {
        let late = || PutOff { after: self.windows().wait(before, Instant::now()).max(Duration::from_millis(100)), spent: false };
        let Ok(_turn) = timeout_at(deadline, self.turn.lock()).await else { return Err(late()) };
        loop {
            let full = match self.windows().take(Instant::now(), Timestamp::now()) {
                Ok(()) => return Ok(self.permit()),
                Err(full) => full,
            };
            let wake = match full {
                Full::Spent(after) => return Err(PutOff { after, spent: true }),
                Full::Until(until) if until > deadline => return Err(late()),
                Full::Until(until) => until,
                Full::Answer => deadline,
            };
            let freed = timeout_at(wake, self.freed.notified()).await.is_ok();
            if !freed && Instant::now() >= deadline {
                return Err(late());
            }
        }
    }

    pub(super) fn state(&self) -> Option<BudgetState> {
        self.windows().state(Instant::now(), Timestamp::now(), self.waiting.load(Ordering::Acquire))
    }

    fn permit(self: &Arc<Self>) -> Permit {
        Permit { bucket: Arc::clone(self), sent: false, done: false }
    }

    fn windows(&self) -> MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// From here on the service may have counted the request.
    pub(super) fn sending(&mut self) {
        self.sent = true;
    }

    /// The request never reached the service.
    pub(super) fn unsent(&mut self) {
        self.sent = false;
    }

    /// The service said that nobody may send for so long.
    pub(super) fn block(&self, wait: Duration) {
        self.bucket.windows().block(Instant::now() + wait);
    }

    /// The length of the shortest window.
    pub(super) fn interval(&self) -> Option<Duration> {
        self.bucket.windows().interval()
    }

    /// An answer came, and told this.
    pub(super) fn answered(mut self, told: Told) {
        self.done = true;
        let now = Instant::now();
        let mut windows = self.bucket.windows();
        windows.finish(now);
        if told != Told::default() {
            windows.tell(told, now, Timestamp::now());
        }
        drop(windows);
        self.wake();
    }

    fn wake(&self) {
        if self.bucket.waiting.load(Ordering::Acquire) > 0 {
            self.bucket.freed.notify_one();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut windows = self.bucket.windows();
        if self.sent {
            windows.finish(Instant::now());
        } else {
            windows.give_back();
        }
        drop(windows);
        self.wake();
    }
}

/// Counts a waiting call for as long as it waits, however it ends.
struct Waiting<'a> {
    bucket: &'a Bucket,
    before: u32,
}

impl<'a> Waiting<'a> {
    fn begin(bucket: &'a Bucket) -> Self {
        Self { bucket, before: bucket.waiting.fetch_add(1, Ordering::AcqRel) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.bucket.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
#[path = "tests/limit.rs"]
mod tests;
