//! All that is known of one account's budget: what is taken of it, by whom, and who waits. Pure: time is passed in.
use std::time::Duration;

use jiff::Timestamp;

use super::pace::{DAY, Pace};
use super::window::{Long, MOST, Short};
use super::{BudgetState, Priority};
use crate::catalog::Rate;

/// Rates over this are counted by the calendar.
const LONG_MS: u64 = 3_600_000;
/// So long it is known that somebody waits, in milliseconds; who still does then says so again.
pub(super) const DUE: i64 = 1_500;
/// So many calls of a person go before one of the background that waits.
pub(super) const IN_A_ROW: u32 = 8;

/// Whoever uses a budget: a process, mostly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct User {
    pub(super) id: u64,
    /// Requests that are under way.
    pub(super) flying: u32,
    /// Calls that wait, by priority.
    pub(super) waiting: [u32; 2],
}

/// An account's budget; a request has to fit in every window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ledger {
    pub(super) short: Vec<Short>,
    pub(super) long: Vec<Long>,
    /// The service said to wait: when, and until when.
    pub(super) blocked: Option<(i64, i64)>,
    pub(super) users: Vec<User>,
    /// Until when calls of a priority are known to wait, for whom a place may be kept.
    pub(super) due: [i64; 2],
    /// How many calls of a person went in a row while others waited.
    pub(super) streak: u32,
    pub(super) pace: Pace,
    /// When it was last looked at.
    pub(super) seen: i64,
}

/// Why a request cannot go now. Times are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// A place becomes free then.
    Until(i64),
    /// A place becomes free when an answer comes.
    Answer,
    /// There is a place, and it is another's turn.
    Turn,
    /// The calendar's budget is spent; the next period begins after this long.
    Spent(i64),
}

/// What the headers of an answer tell about the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::connector) struct Told {
    pub(in crate::connector) max: Option<u32>,
    pub(in crate::connector) remaining: Option<u32>,
    pub(in crate::connector) interval: Option<Duration>,
    pub(in crate::connector) daily_remaining: Option<u64>,
}

impl Ledger {
    pub(super) fn new(rates: &[Rate], now: i64) -> Self {
        let mut ledger = Self {
            short: Vec::new(),
            long: Vec::new(),
            blocked: None,
            users: Vec::new(),
            due: [0; 2],
            streak: 0,
            pace: Pace::new(now),
            seen: now,
        };
        for rate in rates.iter().filter(|it| it.per_ms > 0) {
            if rate.per_ms >= LONG_MS {
                ledger.long.push(Long::new(*rate));
            } else {
                ledger.short.push(Short::new(rate.requests, rate.per_ms as i64, Some(*rate)));
            }
        }
        ledger.short.sort_by_key(|it| it.interval);
        ledger.long.sort_by_key(|it| it.rate.per_ms);
        ledger
    }

    /// The same under the rates that the catalogue has now: what was counted under other ones is kept where it can be.
    pub(super) fn under(self, rates: &[Rate], now: i64) -> Self {
        let mut fresh = Self::new(rates, now);
        let rates_of = |it: &Self| {
            let short = it.short.iter().filter_map(|it| it.rate);
            short.chain(it.long.iter().map(|it| it.rate)).collect::<Vec<_>>()
        };
        if rates_of(&self) == rates_of(&fresh) {
            return self;
        }
        for short in &mut fresh.short {
            if let Some(old) = self.short.iter().find(|it| it.interval == short.interval) {
                old.taken().for_each(|(until, places)| short.put(until, places));
            }
        }
        for long in &mut fresh.long {
            if let Some(old) = self.long.iter().find(|it| it.rate.per_ms == long.rate.per_ms) {
                (long.period, long.used) = (old.period, old.used);
            }
        }
        Self { short: fresh.short, long: fresh.long, ..self }
    }

    /// Brings it to this time.
    pub(super) fn turn(&mut self, now: i64) {
        if now < self.seen {
            self.set_back(now);
        }
        self.seen = now;
        for short in &mut self.short {
            short.free(now);
        }
        for long in &mut self.long {
            long.turn(now);
        }
        self.pace.turn(now);
        self.blocked = self.blocked.filter(|it| it.1 > now);
    }

    /// The clock was set back: nothing is awaited for longer than if it had happened now.
    fn set_back(&mut self, now: i64) {
        for short in &mut self.short {
            short.set_back(now);
        }
        self.blocked =
            self.blocked.map(|(from, until)| if from > now { (now, now + (until - from).max(0)) } else { (from, until) });
        self.due = self.due.map(|it| it.min(now + DUE));
    }

    fn flying(&self) -> u32 {
        self.users.iter().fold(0, |sum, it| sum.saturating_add(it.flying))
    }

    /// Whether places are taken by others' requests that are under way.
    pub(super) fn waits_for_others(&self, user: u64) -> bool {
        self.users.iter().any(|it| it.id != user && it.flying > 0)
    }

    fn user(&mut self, id: u64) -> &mut User {
        let at = self.users.iter().position(|it| it.id == id).unwrap_or_else(|| {
            self.users.push(User { id, ..User::default() });
            self.users.len() - 1
        });
        &mut self.users[at]
    }

    /// How many calls of other users go before one of this user.
    pub(super) fn before(&self, user: u64, priority: Priority) -> u32 {
        let others = self.users.iter().filter(|it| it.id != user);
        others.fold(0, |sum, it| match priority {
            Priority::First => sum.saturating_add(it.waiting[Priority::First as usize]),
            Priority::Background => it.waiting.iter().fold(sum, |sum, it| sum.saturating_add(*it)),
        })
    }

    /// So many calls of this user wait, by priority.
    pub(super) fn waiting(&mut self, user: u64, waiting: [u32; 2]) {
        if waiting != [0; 2] || self.users.iter().any(|it| it.id == user) {
            self.user(user).waiting = waiting;
        }
        for (at, due) in self.due.iter_mut().enumerate() {
            if self.users.iter().all(|it| it.waiting[at] == 0) {
                *due = 0;
            }
        }
        self.users.retain(|it| it.flying > 0 || it.waiting != [0; 2]);
    }

    /// Takes a place in every window, or in none.
    pub(super) fn take(&mut self, user: u64, priority: Priority, now: i64) -> Result<(), Full> {
        self.turn(now);
        self.room(priority, now).inspect_err(|full| {
            if !matches!(full, Full::Spent(_)) {
                self.due[priority as usize] = now + DUE;
            }
        })?;
        let waits = self.due[Priority::Background as usize] > now;
        self.streak = if priority == Priority::First && waits { self.streak.saturating_add(1) } else { 0 };
        self.user(user).flying += 1;
        for long in &mut self.long {
            long.used = long.used.saturating_add(1);
        }
        self.pace.count(1);
        Ok(())
    }

    /// Whether a request may go now.
    fn room(&self, priority: Priority, now: i64) -> Result<(), Full> {
        if let Some(long) = self.long.iter().find(|it| it.used >= it.max) {
            return Err(Full::Spent(long.left(now)));
        }
        if let Some((_, until)) = self.blocked {
            return Err(Full::Until(until));
        }
        let flying = self.flying();
        let full = self.short.iter().filter(|it| it.held().saturating_add(flying) >= it.max);
        // Of several that are full the one that has a place last is waited for.
        if let Some(next) = full.map(Short::next).max() {
            return Err(next.map_or(Full::Answer, Full::Until));
        }
        let kept = |it: Priority| self.due[it as usize] > now;
        let goes_after = match priority {
            Priority::First => kept(Priority::Background) && self.streak >= IN_A_ROW,
            Priority::Background => kept(Priority::First) && self.streak < IN_A_ROW,
        };
        if goes_after { Err(Full::Turn) } else { Ok(()) }
    }

    /// Gives back a place that was never used.
    pub(super) fn give_back(&mut self, user: u64, now: i64) {
        self.turn(now);
        self.land(user);
        for long in &mut self.long {
            long.used = long.used.saturating_sub(1);
        }
        self.pace.take_back();
    }

    /// A request has been answered, or never will be.
    pub(super) fn finish(&mut self, user: u64, now: i64) {
        self.turn(now);
        self.land(user);
        for short in &mut self.short {
            short.add(now, 1);
        }
    }

    fn land(&mut self, user: u64) {
        let it = self.user(user);
        it.flying = it.flying.saturating_sub(1);
        self.users.retain(|it| it.flying > 0 || it.waiting != [0; 2]);
    }

    /// These users are gone without a word: what they had under way may still be counted for an interval.
    pub(super) fn bury(&mut self, gone: &[u64], now: i64) {
        self.turn(now);
        for user in self.users.extract_if(.., |it| gone.contains(&it.id)) {
            for short in &mut self.short {
                short.add(now, user.flying);
            }
        }
    }

    /// So many requests were taken, and so many answered, while that could not be counted here.
    pub(super) fn catch_up(&mut self, taken: u32, answered: u32, now: i64) {
        self.turn(now);
        for short in &mut self.short {
            short.add(now, answered);
        }
        for long in &mut self.long {
            long.used = long.used.saturating_add(taken.into());
        }
        self.pace.count(taken);
    }

    /// A user's requests that are under way.
    pub(super) fn flying_of(&self, user: u64) -> u32 {
        self.users.iter().find(|it| it.id == user).map_or(0, |it| it.flying)
    }

    /// A user has so many requests under way.
    pub(super) fn fly(&mut self, user: u64, flying: u32) {
        self.user(user).flying = flying;
        self.users.retain(|it| it.flying > 0 || it.waiting != [0; 2]);
    }

    /// Whether a user has anything under way, or waits.
    pub(super) fn knows(&self, user: u64) -> bool {
        self.users.iter().any(|it| it.id == user)
    }

    /// Corrects the budget by what the service says; to be called after [`Ledger::finish`].
    pub(super) fn tell(&mut self, told: Told, now: i64) {
        self.turn(now);
        let flying = self.flying();
        if self.short.is_empty()
            && let (Some(max), Some(interval)) = (told.max, told.interval)
        {
            self.short.push(Short::new(max, interval.as_millis().min(LONG_MS.into()) as i64, None));
        }
        if let Some(short) = self.short.first_mut() {
            if let Some(max) = told.max {
                short.max = max.clamp(1, MOST);
            }
            if let Some(interval) = told.interval.map(|it| it.as_millis()).filter(|it| (1..u128::from(LONG_MS)).contains(it)) {
                short.set_interval(interval as i64);
            }
            if let Some(remaining) = told.remaining {
                // What the service has counted beyond ours was used by someone else.
                let others = short.max.saturating_sub(remaining).saturating_sub(short.held().saturating_add(flying));
                short.add(now, others);
            }
        }
        if let (Some(remaining), Some(long)) = (told.daily_remaining, self.long.last_mut()) {
            long.max = long.max.max(remaining);
            long.used = long.max - remaining;
        }
    }

    /// Nothing goes for so long, in milliseconds.
    pub(super) fn block(&mut self, wait: i64, now: i64) {
        self.turn(now);
        let until = now.saturating_add(wait);
        if self.blocked.is_none_or(|it| it.1 < until) {
            self.blocked = Some((now, until));
        }
    }

    /// How long the request after so many others will wait at least, in milliseconds.
    pub(super) fn wait(&mut self, others: u32, now: i64) -> i64 {
        self.turn(now);
        let flying = self.flying();
        let blocked = self.blocked.map_or(0, |it| it.1 - now);
        let free = |it: &Short| it.max.saturating_sub(it.held().saturating_add(flying));
        self.short.iter().map(|it| it.wait(others, free(it), now)).max().unwrap_or_default().max(blocked)
    }

    /// What can be shown of it; none where nothing is known of any limit.
    pub(super) fn state(&mut self, now: i64) -> Option<BudgetState> {
        self.turn(now);
        let flying = self.flying();
        let (max, interval, used) = match (self.short.first(), self.long.last()) {
            (Some(it), _) => (it.max, it.interval as u64, it.held().saturating_add(flying)),
            (None, Some(it)) => {
                let clip = |it: u64| u32::try_from(it).unwrap_or(u32::MAX);
                (clip(it.max), it.rate.per_ms, clip(it.used))
            }
            (None, None) => return None,
        };
        let day = self.long.iter().find(|it| it.rate.per_ms == DAY as u64);
        let used_today = day.map_or(self.pace.today, |it| it.used.min(it.max));
        Some(BudgetState {
            remaining: if self.blocked.is_some() { 0 } else { max.saturating_sub(used) },
            used: used.min(max),
            max,
            interval_ms: interval,
            blocked_ms: self.blocked.map_or(0, |it| (it.1 - now) as u64),
            used_today,
            daily_max: day.map(|it| it.max),
            daily_remaining: self.long.last().map(|it| it.max.saturating_sub(it.used)),
            forecast: self.pace.forecast(used_today, now),
            since: Timestamp::from_millisecond(self.pace.since()).unwrap_or_default(),
            waiting: self.users.iter().flat_map(|it| it.waiting).fold(0, u32::saturating_add),
        })
    }
}

#[cfg(test)]
#[path = "tests/ledger.rs"]
mod tests;
