//! The windows that a service counts requests in. Pure: time is passed in, in milliseconds since 1970.
use std::collections::VecDeque;

use crate::catalog::Rate;

/// More in an interval is as good as no bound, and would only cost memory.
pub(super) const MOST: u32 = 100_000;
/// Into how many parts an interval is divided: places that become free in the same part are kept as one number, and become free
/// at its end. So the windows of the largest budget stay small, and at most this share of the rate is not used.
const PARTS: i64 = 256;

/// A short window slides and is exact: a request holds its place from before it is sent until an interval after its answer, so
/// that whenever within that time the service counts it, no interval of the service's holds more than it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Short {
    pub(super) max: u32,
    /// In milliseconds.
    pub(super) interval: i64,
    /// As the catalogue has it, before the service told something else; none where only the service told it.
    pub(super) rate: Option<Rate>,
    /// When places become free again, and how many, the soonest first.
    taken: VecDeque<(i64, u32)>,
    /// All of `taken`.
    held: u32,
}

/// Long windows are counted by the calendar (UTC), so that a restart and a change of the clock do not stretch them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Long {
    pub(super) max: u64,
    pub(super) rate: Rate,
    /// The number of the period since 1970.
    pub(super) period: i64,
    pub(super) used: u64,
}

impl Short {
    pub(super) fn new(max: u32, interval: i64, rate: Option<Rate>) -> Self {
        Self { max: max.clamp(1, MOST), interval: interval.max(1), rate, taken: VecDeque::new(), held: 0 }
    }

    /// The places that are taken by requests whose answer came.
    pub(super) fn held(&self) -> u32 {
        self.held
    }

    /// When the next of them becomes free.
    pub(super) fn next(&self) -> Option<i64> {
        self.taken.front().map(|it| it.0)
    }

    pub(super) fn taken(&self) -> impl ExactSizeIterator<Item = (i64, u32)> {
        self.taken.iter().copied()
    }

    /// Forgets the places whose time is over.
    pub(super) fn free(&mut self, now: i64) {
        while let Some((_, places)) = self.taken.front().filter(|it| it.0 <= now) {
            self.held = self.held.saturating_sub(*places);
            self.taken.pop_front();
        }
    }

    /// So many places are taken for an interval from now on.
    pub(super) fn add(&mut self, now: i64, places: u32) {
        let part = (self.interval / PARTS).max(1);
        let until = (now + self.interval).div_euclid(part) * part;
        let until = if until < now + self.interval { until + part } else { until };
        self.put(until, places.min(self.max));
    }

    /// So many places are taken until then.
    pub(super) fn put(&mut self, until: i64, places: u32) {
        let places = places.min(MOST);
        if places == 0 {
            return;
        }
        match self.taken.back_mut() {
            // A clock that was set back: the order is kept.
            Some((last, many)) if *last >= until => *many = many.saturating_add(places),
            _ => self.taken.push_back((until, places)),
        }
        self.held = self.held.saturating_add(places);
    }

    /// The service counts in intervals of another length: what is taken becomes free by that.
    pub(super) fn set_interval(&mut self, interval: i64) {
        let longer = interval - self.interval;
        for (until, _) in &mut self.taken {
            *until += longer;
        }
        self.interval = interval;
    }

    /// The clock was set back: no place is taken for longer than if it were taken now.
    pub(super) fn set_back(&mut self, now: i64) {
        let latest = now + self.interval + self.interval / PARTS + 1;
        let taken = std::mem::take(&mut self.taken);
        self.held = 0;
        for (until, places) in taken {
            self.put(until.min(latest), places);
        }
    }

    /// How long the request after so many others will wait at least; `free` places are free now.
    pub(super) fn wait(&self, others: u32, free: u32, now: i64) -> i64 {
        if others < free {
            return 0;
        }
        let place = others - free;
        let (rounds, mut within) = (place / self.max, place % self.max);
        let found = self.taken.iter().find(|(_, places)| {
            let found = within < *places;
            within = within.saturating_sub(*places);
            found
        });
        let first = found.or_else(|| self.taken.back()).map_or(0, |it| (it.0 - now).max(0));
        first + self.interval * i64::from(rounds)
    }
}

impl Long {
    pub(super) fn new(rate: Rate) -> Self {
        Self { max: rate.requests.into(), rate, period: i64::MIN, used: 0 }
    }

    fn per_ms(&self) -> i64 {
        (self.rate.per_ms as i64).max(1)
    }

    /// Begins the period that `now` is in.
    pub(super) fn turn(&mut self, now: i64) {
        let period = now.div_euclid(self.per_ms());
        // A clock that is set back a little over the end of a period does not begin the one before anew.
        let is_just_before = period.checked_add(1) == Some(self.period) && self.left(now) <= SET_RIGHT;
        if period != self.period && !is_just_before {
            self.period = period;
            self.used = 0;
        }
    }

    /// Until the next period begins.
    pub(super) fn left(&self, now: i64) -> i64 {
        self.per_ms() - now.rem_euclid(self.per_ms())
    }
}

/// A clock that is set right is hardly set by more, in milliseconds.
pub(super) const SET_RIGHT: i64 = 10 * 60_000;
