//! What is used of the requests that a connection's service allows, and in which words it is told.
use serde::Serialize;

use crate::connector::BudgetState;

/// The budget of a connection's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// What is used and left.
    #[serde(flatten)]
    pub state: BudgetState,
    /// Whether it is about to change by itself.
    #[serde(skip)]
    pub moving: bool,
}

impl From<BudgetState> for Budget {
    fn from(state: BudgetState) -> Self {
        Self { moving: state.is_moving(), state }
    }
}

impl Budget {
    /// `37 of 100 in 10 s · 12,400 of 200,000 today · at this pace 31,000 by midnight UTC`, and who waits.
    pub fn in_words(&self) -> String {
        let it = &self.state;
        let mut words = vec![format!("{} of {} {}", grouped(it.used.into()), grouped(it.max.into()), span(it.interval_ms))];
        words.extend(self.today());
        if it.forecast > it.used_today {
            words.push(format!("at this pace {} by midnight UTC", grouped(it.forecast)));
        }
        if it.blocked_ms > 0 {
            words.push(format!("the service asks to wait {} s", it.blocked_ms.div_ceil(1_000)));
        }
        if it.waiting > 0 {
            words.push(format!("{} waiting", grouped(it.waiting.into())));
        }
        words.join(" · ")
    }

    /// `12,400 of 200,000 today`; none where the interval says it.
    pub fn today(&self) -> Option<String> {
        let it = &self.state;
        match it.daily_max {
            Some(_) if it.interval_ms == 86_400_000 => None,
            Some(max) => Some(format!("{} of {} today", grouped(it.used_today), grouped(max))),
            None => Some(format!("{} today", grouped(it.used_today))),
        }
    }

    /// `37/100 in 10 s`.
    pub fn short(&self) -> String {
        let it = &self.state;
        format!("{}/{} {}", grouped(it.used.into()), grouped(it.max.into()), span(it.interval_ms))
    }

    /// How much of the interval is used, from 0 to 1.
    pub fn share(&self) -> f64 {
        f64::from(self.state.used) / f64::from(self.state.max.max(1))
    }

    /// Whether the day will not suffice at this pace.
    pub fn falls_short(&self) -> bool {
        self.state.daily_max.is_some_and(|max| self.state.forecast > max)
    }
}

/// `in 10 s`, `in a minute`, `a day`.
pub fn span(ms: u64) -> String {
    match ms {
        86_400_000 => "a day".to_owned(),
        3_600_000 => "an hour".to_owned(),
        60_000 => "in a minute".to_owned(),
        ms => format!("in {} s", ms as f64 / 1_000.0),
    }
}

/// `12,400`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn state() -> BudgetState {
        BudgetState {
            remaining: 63,
            used: 37,
            max: 100,
            interval_ms: 10_000,
            blocked_ms: 0,
            used_today: 12_400,
            daily_max: Some(200_000),
            daily_remaining: Some(187_600),
            forecast: 31_000,
            since: Timestamp::UNIX_EPOCH,
            waiting: 0,
        }
    }

    #[test]
    fn a_budget_is_told_in_words() {
        let quiet = BudgetState { used: 0, remaining: 100, used_today: 0, forecast: 0, ..state() };
        let waits = BudgetState { waiting: 3, blocked_ms: 1_500, forecast: 12_400, ..state() };
        let by_day = BudgetState { interval_ms: 86_400_000, forecast: 0, ..state() };
        let no_day = BudgetState { interval_ms: 1_000, daily_max: None, daily_remaining: None, forecast: 12_400, ..state() };
        for (state, words) in [
            (state(), "37 of 100 in 10 s · 12,400 of 200,000 today · at this pace 31,000 by midnight UTC"),
            (quiet, "0 of 100 in 10 s · 0 of 200,000 today"),
            (waits, "37 of 100 in 10 s · 12,400 of 200,000 today · the service asks to wait 2 s · 3 waiting"),
            (by_day, "37 of 100 a day"),
            (no_day, "37 of 100 in 1 s · 12,400 today"),
        ] {
            assert_eq!(Budget::from(state).in_words(), words);
        }
        assert_eq!(Budget::from(state()).short(), "37/100 in 10 s");
        assert!(Budget::from(waits).moving && !Budget::from(quiet).moving);
    }

    #[test]
    fn a_pace_that_is_too_much_for_the_day_is_known() {
        assert!(!Budget::from(state()).falls_short());
        assert!(Budget::from(BudgetState { forecast: 200_001, ..state() }).falls_short());
        assert!(!Budget::from(BudgetState { forecast: 200_001, daily_max: None, ..state() }).falls_short());
    }

    #[test]
    fn large_numbers_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        assert!(cases.iter().all(|(number, text)| grouped(*number) == *text));
    }
}
