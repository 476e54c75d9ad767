//! Calls wait for a place in their account's budget before they are sent.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex as Turn, Notify};
use tokio::time::{Instant, timeout_at};

use super::file::Shared;
use super::flight::Flight;
use super::ledger::{Full, Ledger, Told};
use super::{BudgetState, Member, Priority};
use crate::catalog::Rate;

/// Where places are with other processes it is asked so often whether one is free.
const POLL: Duration = Duration::from_millis(10);
/// Whoever waits says so again after this long, before it is forgotten.
const AGAIN: Duration = Duration::from_secs(1);

/// The budget of one account.
#[derive(Debug)]
pub(in crate::connector) struct Bucket {
    rates: Vec<Rate>,
    book: Mutex<Book>,
    clock: Clock,
    /// Whoever holds the one of its priority is next; fair, so calls of a priority go in the order in which they came.
    turns: [Turn<()>; 2],
    waiting: [AtomicU32; 2],
    /// A place may have become free.
    freed: [Notify; 2],
    /// What this process has under way.
    flight: Mutex<Flight>,
}

/// What is known, and the file that others know it by.
#[derive(Debug)]
struct Book {
    ledger: Ledger,
    shared: Option<Shared>,
}

/// In milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clock {
    /// The machine's, which its processes have in common.
    Wall,
    /// One that never jumps.
    Steady { began: Instant, at: i64 },
}

/// A place in the budget. Dropped before [`Permit::sending`] it was never used, and is free again.
#[derive(Debug)]
pub(in crate::connector) struct Permit {
    bucket: Arc<Bucket>,
    /// When it was sent.
    sent: Option<Instant>,
    done: bool,
}

/// The budget does not allow the call within the longest wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connector) struct PutOff {
    pub(in crate::connector) after: Duration,
    /// Whether the day's budget is spent.
    pub(in crate::connector) spent: bool,
}

impl Clock {
    pub(super) fn steady() -> Self {
        Self::Steady { began: Instant::now(), at: Self::Wall.now() }
    }

    fn now(self) -> i64 {
        match self {
            Self::Wall => Timestamp::now().as_millisecond(),
            Self::Steady { began, at } => at + began.elapsed().as_millis() as i64,
        }
    }
}

impl Bucket {
    /// A budget of these rates, shared through a member's directory under a name if there is one.
    pub(in crate::connector) fn new(rates: &[Rate], shared: Option<(Arc<Member>, &str)>) -> Self {
        let clock = if shared.is_some() { Clock::Wall } else { Clock::steady() };
        Self::with_clock(rates, shared, clock)
    }

    pub(super) fn with_clock(rates: &[Rate], shared: Option<(Arc<Member>, &str)>, clock: Clock) -> Self {
        let shared = shared.map(|(member, name)| Shared::of(member, name));
        Self {
            rates: rates.to_vec(),
            book: Mutex::new(Book { ledger: Ledger::new(rates, clock.now()), shared }),
            clock,
            turns: Default::default(),
            waiting: Default::default(),
            freed: Default::default(),
            flight: Mutex::default(),
        }
    }

    /// Waits for a place, at most `longest`.
    pub(in crate::connector) async fn take(self: &Arc<Self>, priority: Priority, longest: Duration) -> Result<Permit, PutOff> {
        if self.waiting(priority) == 0 && self.attempt(priority, false).result.is_ok() {
            return Ok(self.permit());
        }
        let now = Instant::now();
        let mut waiting = Waiting::begin(self, priority);
        let expected = self.expected(priority, waiting.before);
        if expected > longest {
            return Err(PutOff { after: expected, spent: false });
        }
        let taken = self.wait(now + longest, priority, waiting.before).await;
        waiting.told = taken.is_ok();
        taken
    }

    async fn wait(self: &Arc<Self>, deadline: Instant, priority: Priority, before: u32) -> Result<Permit, PutOff> {
        let late = || PutOff { after: self.expected(priority, before).max(Duration::from_millis(100)), spent: false };
        let at = priority as usize;
        let Ok(_turn) = timeout_at(deadline, self.turns[at].lock()).await else { return Err(late()) };
        loop {
            let attempt = self.attempt(priority, true);
            let wait = match attempt.result {
                Ok(()) => return Ok(self.permit()),
                Err(Full::Spent(after)) => return Err(PutOff { after: milliseconds(after), spent: true }),
                Err(Full::Until(until)) => milliseconds(until - attempt.at),
                Err(Full::Answer) if attempt.others => POLL,
                Err(Full::Answer) => AGAIN,
                Err(Full::Turn) => POLL,
            };
            let now = Instant::now();
            if matches!(attempt.result, Err(Full::Until(_))) && now + wait > deadline {
                return Err(late());
            }
            let freed = timeout_at(deadline.min(now + wait.min(AGAIN)), self.freed[at].notified()).await.is_ok();
            if !freed && Instant::now() >= deadline {
                return Err(late());
            }
        }
    }

    /// Takes a place if there is one. `queued` says whether the call is counted among those that wait.
    fn attempt(&self, priority: Priority, queued: bool) -> Attempt {
        let waiting = Priority::ALL.map(|it| self.waiting(it));
        let attempt = self.change(|ledger, user, now| {
            ledger.waiting(user, waiting);
            let result = self.board(ledger, user, priority, now);
            if queued && result.is_ok() {
                let mut left = waiting;
                left[priority as usize] = left[priority as usize].saturating_sub(1);
                ledger.waiting(user, left);
            }
            Attempt { result, others: ledger.waits_for_others(user), at: now }
        });
        if attempt.result.is_err() && attempt.others {
            self.bury();
        }
        attempt
    }

    /// Takes a place, where another request may be under way too. A person's call never waits for that.
    fn board(&self, ledger: &mut Ledger, user: u64, priority: Priority, now: i64) -> Result<(), Full> {
        let mut flight = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = priority == Priority::First || ledger.short.first().is_none_or(|it| flight.has_room(it.max, it.interval));
        if !is_free {
            return Err(Full::Answer);
        }
        ledger.take(user, priority, now).inspect(|()| flight.begin())
    }

    /// Takes back what processes have that are gone.
    fn bury(&self) {
        let gone = {
            let mut book = self.book();
            let Book { ledger, shared } = &mut *book;
            shared.as_mut().map(|it| it.gone(ledger)).unwrap_or_default()
        };
        if !gone.is_empty() {
            self.change(|ledger, _, now| ledger.bury(&gone, now));
        }
    }

    /// How long a call waits at least that comes after so many others of this process.
    fn expected(&self, priority: Priority, before: u32) -> Duration {
        milliseconds(self.change(|ledger, user, now| {
            let others = ledger.before(user, priority);
            ledger.wait(before.saturating_add(others), now)
        }))
    }

    pub(in crate::connector) fn state(&self) -> Option<BudgetState> {
        let waiting = Priority::ALL.map(|it| self.waiting(it));
        self.change(|ledger, user, now| {
            ledger.waiting(user, waiting);
            ledger.state(now)
        })
    }

    fn change<T>(&self, act: impl FnOnce(&mut Ledger, u64, i64) -> T) -> T {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let Book { ledger, shared } = &mut *book;
        match shared {
            Some(shared) => shared.change(ledger, &self.rates, || self.clock.now(), act),
            None => act(ledger, 0, self.clock.now()),
        }
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self, priority: Priority) -> u32 {
        self.waiting[priority as usize].load(Ordering::Acquire)
    }

    fn permit(self: &Arc<Self>) -> Permit {
        Permit { bucket: Arc::clone(self), sent: None, done: false }
    }

    fn wake(&self) {
        for it in Priority::ALL {
            if self.waiting(it) > 0 {
                self.freed[it as usize].notify_one();
            }
        }
    }
}

/// What came of asking for a place.
struct Attempt {
    result: Result<(), Full>,
    /// Whether others have requests under way.
    others: bool,
    /// When it was asked.
    at: i64,
}

fn milliseconds(count: i64) -> Duration {
    Duration::from_millis(count.max(0) as u64)
}

impl Permit {
    /// From here on the service may have counted the request.
    pub(in crate::connector) fn sending(&mut self) {
        self.sent = Some(Instant::now());
    }

    /// The request never reached the service.
    pub(in crate::connector) fn unsent(&mut self) {
        self.sent = None;
    }

    /// The service said that nobody may send for so long.
    pub(in crate::connector) fn block(&self, wait: Duration) {
        let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        self.bucket.change(|ledger, _, now| ledger.block(wait, now));
    }

    /// The length of the shortest window.
    pub(in crate::connector) fn interval(&self) -> Option<Duration> {
        self.bucket.book().ledger.short.first().map(|it| milliseconds(it.interval))
    }

    /// It is no longer under way.
    fn land(&self, is_answered: bool) {
        let took = self.sent.filter(|_| is_answered).map(|it| it.elapsed().as_secs_f64() * 1_000.0);
        self.bucket.flight.lock().unwrap_or_else(PoisonError::into_inner).end(took);
    }

    /// An answer came, and told this.
    pub(in crate::connector) fn answered(mut self, told: Told) {
        self.done = true;
        self.land(true);
        self.bucket.change(|ledger, user, now| {
            ledger.finish(user, now);
            if told != Told::default() {
                ledger.tell(told, now);
            }
        });
        self.bucket.wake();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.land(false);
        let sent = self.sent.is_some();
        self.bucket.change(|ledger, user, now| if sent { ledger.finish(user, now) } else { ledger.give_back(user, now) });
        self.bucket.wake();
    }
}

/// Counts a waiting call for as long as it waits, however it ends.
struct Waiting<'a> {
    bucket: &'a Bucket,
    priority: Priority,
    /// Those of this process that go before it.
    before: u32,
    /// Whether others know already that it does not wait any more.
    told: bool,
}

impl<'a> Waiting<'a> {
    fn begin(bucket: &'a Bucket, priority: Priority) -> Self {
        let same = bucket.waiting[priority as usize].fetch_add(1, Ordering::AcqRel);
        let before = match priority {
            Priority::First => same,
            Priority::Background => same.saturating_add(bucket.waiting(Priority::First)),
        };
        Self { bucket, priority, before, told: false }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.bucket.waiting[self.priority as usize].fetch_sub(1, Ordering::AcqRel);
        if !self.told {
            let waiting = Priority::ALL.map(|it| self.bucket.waiting(it));
            self.bucket.change(|ledger, user, _| ledger.waiting(user, waiting));
        }
    }
}

#[cfg(test)]
#[path = "tests/bucket.rs"]
mod tests;
