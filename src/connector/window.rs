//! How many requests an account may still make. Pure: time is passed in.
use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::catalog::Rate;

/// What is left of an account's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetState {
    /// Requests that could go at once.
    pub remaining: u32,
    /// Requests that may go in an interval.
    pub max: u32,
    /// The length of the interval, in milliseconds.
    pub interval_ms: u64,
    /// Requests left until the day ends (UTC), if the service counts days.
    pub daily_remaining: Option<u64>,
    /// Calls that wait for their turn.
    pub waiting: u32,
}

/// Rates over this are counted by the calendar, so that a restart and a change of the clock do not stretch them.
const LONG_MS: u64 = 3_600_000;
/// More in an interval is as good as no bound, and would only cost memory.
const MOST: u32 = 100_000;

/// Every window of an account's budget; a request has to fit in all.
///
/// Short windows slide and are exact: a request holds its place from before it is sent until an interval after its
/// answer, so that whenever within that time the service counts it, no interval of the service's holds more than it
/// allows.
#[derive(Debug, Default)]
pub(super) struct Windows {
    short: Vec<Short>,
    long: Vec<Long>,
    /// The service said to wait.
    blocked: Option<Instant>,
}

#[derive(Debug)]
struct Short {
    max: u32,
    interval: Duration,
    in_flight: u32,
    /// When each place becomes free again, the soonest first.
    taken: VecDeque<Instant>,
}

#[derive(Debug)]
struct Long {
    max: u64,
    per_ms: u64,
    /// The number of the period since 1970.
    period: i64,
    used: u64,
}

/// Why a request cannot go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// A place becomes free then.
    Until(Instant),
    /// A place becomes free when an answer comes.
    Answer,
    /// The calendar's budget is spent; the next period begins after this long.
    Spent(Duration),
}

/// What the headers of an answer tell about the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told {
    pub(super) max: Option<u32>,
    pub(super) remaining: Option<u32>,
    pub(super) interval: Option<Duration>,
    pub(super) daily_remaining: Option<u64>,
}

impl Windows {
    pub(super) fn new(rates: &[Rate]) -> Self {
        let mut windows = Self::default();
        for rate in rates.iter().filter(|it| it.per_ms > 0) {
            if rate.per_ms >= LONG_MS {
                windows.long.push(Long { max: rate.requests.into(), per_ms: rate.per_ms, period: 0, used: 0 });
            } else {
                windows.short.push(Short::new(rate.requests, Duration::from_millis(rate.per_ms)));
            }
        }
        windows.short.sort_by_key(|it| it.interval);
        windows.long.sort_by_key(|it| it.per_ms);
        windows
    }

    /// Takes a place in every window, or in none.
    pub(super) fn take(&mut self, now: Instant, wall: Timestamp) -> Result<(), Full> {
        for long in &mut self.long {
            long.turn(wall);
            if long.used >= long.max {
                return Err(Full::Spent(long.left(wall)));
            }
        }
        if let Some(until) = self.blocked {
            if until > now {
                return Err(Full::Until(until));
            }
            self.blocked = None;
        }
        let mut full: Option<Full> = None;
        for short in &mut self.short {
            short.free(now);
            if short.used() < short.max {
                continue;
            }
            full = Some(match (full, short.taken.front()) {
                (Some(Full::Until(other)), Some(until)) => Full::Until(other.max(*until)),
                (_, Some(until)) => Full::Until(*until),
                (Some(other), None) => other,
                (None, None) => Full::Answer,
            });
        }
        if let Some(full) = full {
            return Err(full);
        }
        for short in &mut self.short {
            short.in_flight += 1;
        }
        for long in &mut self.long {
            long.used += 1;
        }
        Ok(())
    }

    /// Gives back a place that was never used.
    pub(super) fn give_back(&mut self) {
        for short in &mut self.short {
            short.in_flight = short.in_flight.saturating_sub(1);
        }
        for long in &mut self.long {
            long.used = long.used.saturating_sub(1);
        }
    }

    /// A request has been answered, or never will be.
    pub(super) fn finish(&mut self, now: Instant) {
        for short in &mut self.short {
            short.in_flight = short.in_flight.saturating_sub(1);
            short.add(now + short.interval, 1);
        }
    }

    /// Corrects the budget by what the service says; to be called after [`Windows::finish`].
    pub(super) fn tell(&mut self, told: Told, now: Instant, wall: Timestamp) {
        if self.short.is_empty()
            && let (Some(max), Some(interval)) = (told.max, told.interval)
        {
            self.short.push(Short::new(max, interval));
        }
        if let Some(short) = self.short.first_mut() {
            if let Some(max) = told.max {
                short.max = max.clamp(1, MOST);
            }
            if let Some(interval) = told.interval.filter(|it| !it.is_zero() && it.as_millis() < u128::from(LONG_MS)) {
                short.interval = interval;
            }
            if let Some(remaining) = told.remaining {
                short.free(now);
                // What the service has counted beyond ours was used by someone else.
                let others = short.max.saturating_sub(remaining).saturating_sub(short.used());
                short.add(now + short.interval, others);
            }
        }
        if let (Some(remaining), Some(long)) = (told.daily_remaining, self.long.last_mut()) {
            long.turn(wall);
            long.max = long.max.max(remaining);
            long.used = long.max - remaining;
        }
    }

    /// Nothing goes for so long.
    pub(super) fn block(&mut self, until: Instant) {
        self.blocked = Some(self.blocked.map_or(until, |it| it.max(until)));
    }

    /// The length of the shortest window.
    pub(super) fn interval(&self) -> Option<Duration> {
        self.short.first().map(|it| it.interval)
    }

    /// How long the request after so many others will wait at least.
    pub(super) fn wait(&mut self, others: u32, now: Instant) -> Duration {
        let blocked = self.blocked.map_or(Duration::ZERO, |it| it.saturating_duration_since(now));
        self.short.iter_mut().map(|it| it.wait(others, now)).max().unwrap_or_default().max(blocked)
    }

    pub(super) fn state(&mut self, now: Instant, wall: Timestamp, waiting: u32) -> Option<BudgetState> {
        for short in &mut self.short {
            short.free(now);
        }
        let daily_remaining = self.long.last_mut().map(|it| {
            it.turn(wall);
            it.max.saturating_sub(it.used)
        });
        let blocked = self.blocked.is_some_and(|it| it > now);
        match self.short.first() {
            Some(first) => Some(BudgetState {
                remaining: if blocked { 0 } else { first.max.saturating_sub(first.used()) },
                max: first.max,
                interval_ms: first.interval.as_millis() as u64,
                daily_remaining,
                waiting,
            }),
            None => self.long.last().map(|it| BudgetState {
                remaining: u32::try_from(it.max.saturating_sub(it.used)).unwrap_or(u32::MAX),
                max: u32::try_from(it.max).unwrap_or(u32::MAX),
                interval_ms: it.per_ms,
                daily_remaining,
                waiting,
            }),
        }
    }
}

impl Short {
    fn new(max: u32, interval: Duration) -> Self {
        Self { max: max.clamp(1, MOST), interval, in_flight: 0, taken: VecDeque::new() }
    }

    fn used(&self) -> u32 {
        self.in_flight.saturating_add(self.taken.len() as u32)
    }

    fn free(&mut self, now: Instant) {
        while self.taken.front().is_some_and(|it| *it <= now) {
            self.taken.pop_front();
        }
    }

    fn add(&mut self, until: Instant, places: u32) {
        // A shorter interval may have been told since: the order is kept.
        let until = self.taken.back().map_or(until, |last| until.max(*last));
        for _ in 0..places.min(self.max) {
            self.taken.push_back(until);
        }
    }

    fn wait(&mut self, others: u32, now: Instant) -> Duration {
        self.free(now);
        let free = self.max.saturating_sub(self.used());
        if others < free {
            return Duration::ZERO;
        }
        let place = others - free;
        let rounds = place / self.max;
        let within = (place % self.max) as usize;
        let first =
            self.taken.get(within).or_else(|| self.taken.back()).map_or(Duration::ZERO, |it| it.saturating_duration_since(now));
        first + self.interval * rounds
    }
}

impl Long {
    /// Begins the period that `wall` is in.
    fn turn(&mut self, wall: Timestamp) {
        let period = wall.as_millisecond().div_euclid(self.per_ms as i64);
        if period != self.period {
            self.period = period;
            self.used = 0;
        }
    }

    /// Until the next period begins.
    fn left(&self, wall: Timestamp) -> Duration {
        let per_ms = self.per_ms as i64;
        Duration::from_millis((per_ms - wall.as_millisecond().rem_euclid(per_ms)) as u64)
    }
}

#[cfg(test)]
#[path = "tests/window.rs"]
mod tests;
