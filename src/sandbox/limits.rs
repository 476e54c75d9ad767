//! How many requests an account may send.
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The allowance of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Whether requests past the limits are refused; they are counted either way.
    pub enabled: bool,
    /// Requests in one interval.
    pub burst: u32,
    /// The interval in milliseconds; it starts with its first request.
    pub interval_ms: u32,
    /// Requests in 24 hours, from the first.
    pub daily: u32,
}

/// HighLevel's: 100 in 10 s, 200,000 a day.
impl Default for Limits {
    fn default() -> Self {
        Self { enabled: true, burst: 100, interval_ms: 10_000, daily: 200_000 }
    }
}

const DAY_MS: i64 = 86_400_000;

/// What an account has spent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    interval: Window,
    day: Window,
}

#[derive(Debug, Clone, Default)]
struct Window {
    began: Option<i64>,
    spent: u32,
}

/// What is left after a request, or that it came too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) refused: bool,
    pub(crate) interval_left: u32,
    pub(crate) daily_left: u32,
}

impl Meter {
    /// Counts a request. A refused one costs nothing.
    pub(crate) fn take(&mut self, limits: Limits, now: Timestamp) -> Allowance {
        let now = now.as_millisecond();
        let interval = self.interval.spent(now, i64::from(limits.interval_ms));
        let day = self.day.spent(now, DAY_MS);
        let refused = limits.enabled && (interval >= limits.burst || day >= limits.daily);
        if !refused {
            self.interval.spent = self.interval.spent.saturating_add(1);
            self.day.spent = self.day.spent.saturating_add(1);
        }
        Allowance {
            refused,
            interval_left: limits.burst.saturating_sub(self.interval.spent),
            daily_left: limits.daily.saturating_sub(self.day.spent),
        }
    }
}

impl Window {
    /// What is spent in the window that holds `now`; a new one begins when the last has passed.
    fn spent(&mut self, now: i64, length: i64) -> u32 {
        if self.began.is_none_or(|began| now - began >= length) {
            self.began = Some(now);
            self.spent = 0;
        }
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn past_the_burst_requests_are_refused_until_the_interval_has_passed() {
        let limits = Limits { burst: 2, interval_ms: 1_000, ..Limits::default() };
        let mut meter = Meter::default();
        assert_eq!(meter.take(limits, at(0)), Allowance { refused: false, interval_left: 1, daily_left: 199_999 });
        assert_eq!(meter.take(limits, at(10)).interval_left, 0);
        assert!(meter.take(limits, at(999)).refused);
        assert_eq!(meter.take(limits, at(1_000)), Allowance { refused: false, interval_left: 1, daily_left: 199_997 });
    }

    #[test]
    fn past_the_daily_limit_requests_are_refused_until_the_day_has_passed() {
        let limits = Limits { daily: 1, ..Limits::default() };
        let mut meter = Meter::default();
        assert!(!meter.take(limits, at(5)).refused);
        assert!(meter.take(limits, at(20_000)).refused);
        assert!(!meter.take(limits, at(5 + DAY_MS)).refused);
    }

    #[test]
    fn switched_off_nothing_is_refused() {
        let limits = Limits { enabled: false, burst: 1, ..Limits::default() };
        let mut meter = Meter::default();
        assert!((0..5).all(|_| !meter.take(limits, at(0)).refused));
    }
}
