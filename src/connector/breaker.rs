//! Stops sending where a service demands it of its callers. Pure: time is passed in.
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::catalog::BreakerRule;

/// Whether requests may go. Saved across restarts, so that a restart is no way around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BreakerState {
    /// Requests go.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// None goes before a time; the first after it goes alone.
    Waiting {
        /// The time.
        until: Timestamp,
        /// Failures in a row.
        failures: u32,
    },
    /// None goes until a person closes it.
    Open {
        /// When it opened.
        since: Timestamp,
        /// Failures in a row.
        failures: u32,
    },
}

impl Default for BreakerState {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// What came of a request, as far as the breaker cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An answer with this status.
    Status(u16),
    /// Sent, and no whole answer.
    Silence,
    /// The service was not reached, so it has no reason to complain.
    Unreached,
}

/// The state, and whether the one request after a wait is under way.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: BreakerState,
    /// When the lone request left.
    trial: Option<Timestamp>,
    /// The state as it was when it was last given out to be saved.
    saved: BreakerState,
}

/// Permission for one request; whoever has it reports what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admitted {
    trial: bool,
}

/// Nothing may be sent: until when, or none if a person has to close the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocked {
    pub(super) until: Option<Timestamp>,
}

/// How soon to ask again while the lone request is under way.
const TRIAL_POLL: Duration = Duration::from_secs(1);

impl Breaker {
    pub(super) fn new(state: BreakerState) -> Self {
        Self { state, trial: None, saved: state }
    }

    /// The state, if it is not what was given out here the last time.
    pub(super) fn unsaved(&mut self) -> Option<BreakerState> {
        (std::mem::replace(&mut self.saved, self.state) != self.state).then_some(self.state)
    }

    pub(super) fn state(&self) -> BreakerState {
        self.state
    }

    /// Whether a request may go now; after a wait, one alone.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<Admitted, Blocked> {
        self.peek(now)?;
        let trial = matches!(self.state, BreakerState::Waiting { .. });
        if trial {
            self.trial = Some(now);
        }
        Ok(Admitted { trial })
    }

    /// Whether a request could go now, without taking the turn.
    pub(super) fn peek(&self, now: Timestamp) -> Result<(), Blocked> {
        match self.state {
            BreakerState::Waiting { until, .. } if now < until => Err(Blocked { until: Some(until) }),
            BreakerState::Waiting { .. } if self.trial.is_some() => Err(Blocked { until: Some(later(now, TRIAL_POLL)) }),
            BreakerState::Closed { .. } | BreakerState::Waiting { .. } => Ok(()),
            BreakerState::Open { .. } => Err(Blocked { until: None }),
        }
    }

    /// What came of an admitted request.
    pub(super) fn record(&mut self, admitted: Admitted, rule: &BreakerRule, outcome: Outcome, now: Timestamp) {
        self.release(admitted);
        let failures = match self.state {
            BreakerState::Closed { failures } | BreakerState::Waiting { failures, .. } => failures,
            BreakerState::Open { .. } => return,
        };
        let (wait_ms, failures) = match outcome {
            Outcome::Unreached => return,
            Outcome::Status(200..=299) => {
                // An answer to a request that left before the wait began does not end the wait.
                self.state = match self.state {
                    BreakerState::Waiting { until, .. } if !admitted.trial => BreakerState::Waiting { until, failures: 0 },
                    _ => BreakerState::Closed { failures: 0 },
                };
                return;
            }
            Outcome::Status(400 | 403) => (rule.after_refusal_ms, failures.saturating_add(1)),
            Outcome::Status(_) => (rule.after_error_ms, failures.saturating_add(1)),
            // Not an answer, so it does not count as one that went wrong; but the service gets its rest.
            Outcome::Silence => (rule.after_error_ms, failures),
        };
        self.state = if rule.stop_after > 0 && failures >= rule.stop_after {
            BreakerState::Open { since: now, failures }
        } else {
            let until = later(now, Duration::from_millis(wait_ms));
            let until = match self.state {
                BreakerState::Waiting { until: before, .. } => before.max(until),
                _ => until,
            };
            BreakerState::Waiting { until, failures }
        };
    }

    /// An admitted request was given up before anything came of it.
    pub(super) fn release(&mut self, admitted: Admitted) {
        if admitted.trial {
            self.trial = None;
        }
    }

    /// A person has looked and lets requests go again.
    pub(super) fn close(&mut self) {
        self.state = BreakerState::default();
        self.trial = None;
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: BreakerRule = BreakerRule { after_error_ms: 60_000, after_refusal_ms: 3_600_000, stop_after: 3 };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn waiting(second: i64, failures: u32) -> BreakerState {
        BreakerState::Waiting { until: at(second), failures }
    }

    #[test]
    fn one_answer_decides_how_long_to_wait() {
        for (outcome, expected) in [
            (Outcome::Status(200), BreakerState::Closed { failures: 0 }),
            (Outcome::Status(201), BreakerState::Closed { failures: 0 }),
            (Outcome::Status(429), waiting(60, 1)),
            (Outcome::Status(500), waiting(60, 1)),
            (Outcome::Status(404), waiting(60, 1)),
            (Outcome::Status(302), waiting(60, 1)),
            (Outcome::Status(400), waiting(3600, 1)),
            (Outcome::Status(403), waiting(3600, 1)),
            (Outcome::Silence, waiting(60, 0)),
            (Outcome::Unreached, BreakerState::Closed { failures: 0 }),
        ] {
            let mut breaker = Breaker::default();
            let admitted = breaker.admit(at(0)).unwrap();
            breaker.record(admitted, &RULE, outcome, at(0));
            assert_eq!(breaker.state(), expected, "{outcome:?}");
        }
    }

    #[test]
    fn nothing_goes_before_the_wait_is_over_and_then_one_alone() {
        let mut breaker = Breaker::new(waiting(60, 1));
        assert_eq!(breaker.admit(at(59)), Err(Blocked { until: Some(at(60)) }));
        let trial = breaker.admit(at(60)).unwrap();
        assert_eq!(breaker.admit(at(60)), Err(Blocked { until: Some(at(61)) }));
        breaker.record(trial, &RULE, Outcome::Status(200), at(62));
        assert_eq!(breaker.state(), BreakerState::Closed { failures: 0 });
        assert!(breaker.admit(at(62)).is_ok() && breaker.admit(at(62)).is_ok());
    }

    #[test]
    fn a_trial_that_is_given_up_lets_the_next_one_go() {
        let mut breaker = Breaker::new(waiting(0, 2));
        let trial = breaker.admit(at(1)).unwrap();
        breaker.release(trial);
        let trial = breaker.admit(at(2)).unwrap();
        breaker.record(trial, &RULE, Outcome::Unreached, at(3));
        assert!(breaker.admit(at(4)).is_ok());
    }

    #[test]
    fn failures_in_a_row_open_it_until_a_person_closes_it() {
        let mut breaker = Breaker::default();
        let mut now = 0;
        for status in [429, 500, 400] {
            let admitted = breaker.admit(at(now)).unwrap();
            breaker.record(admitted, &RULE, Outcome::Status(status), at(now));
            now += 4000;
        }
        assert_eq!(breaker.state(), BreakerState::Open { since: at(8000), failures: 3 });
        assert_eq!(breaker.admit(at(1_000_000)), Err(Blocked { until: None }));
        breaker.close();
        assert!(breaker.admit(at(1_000_001)).is_ok());
        assert_eq!(breaker.state(), BreakerState::Closed { failures: 0 });
    }

    #[test]
    fn a_success_between_failures_ends_the_row_but_not_the_wait() {
        let mut breaker = Breaker::default();
        let (first, second) = (breaker.admit(at(0)).unwrap(), breaker.admit(at(0)).unwrap());
        breaker.record(first, &RULE, Outcome::Status(500), at(1));
        breaker.record(second, &RULE, Outcome::Status(200), at(2));
        assert_eq!(breaker.state(), waiting(61, 0));
    }

    #[test]
    fn an_answer_that_comes_when_it_is_open_changes_nothing() {
        let mut breaker = Breaker::default();
        let all: Vec<_> = (0..4).map(|_| breaker.admit(at(0)).unwrap()).collect();
        for (admitted, status) in all.into_iter().zip([500, 500, 500, 200]) {
            breaker.record(admitted, &RULE, Outcome::Status(status), at(1));
        }
        assert_eq!(breaker.state(), BreakerState::Open { since: at(1), failures: 3 });
    }

    #[test]
    fn a_longer_wait_is_not_shortened_by_a_later_failure() {
        let mut breaker = Breaker::default();
        let (first, second) = (breaker.admit(at(0)).unwrap(), breaker.admit(at(0)).unwrap());
        breaker.record(first, &RULE, Outcome::Status(403), at(0));
        breaker.record(second, &RULE, Outcome::Status(500), at(1));
        assert_eq!(breaker.state(), waiting(3600, 2));
    }

    #[test]
    fn a_change_is_given_out_once_to_be_saved() {
        let mut breaker = Breaker::new(waiting(0, 1));
        assert_eq!(breaker.unsaved(), None, "it was just restored");
        let admitted = breaker.admit(at(1)).unwrap();
        breaker.record(admitted, &RULE, Outcome::Status(500), at(1));
        assert_eq!((breaker.unsaved(), breaker.unsaved()), (Some(waiting(61, 2)), None));
        breaker.close();
        assert_eq!((breaker.unsaved(), breaker.unsaved()), (Some(BreakerState::default()), None));
    }

    #[test]
    fn its_state_survives_being_written_down() {
        for state in [BreakerState::Closed { failures: 1 }, waiting(5, 2), BreakerState::Open { since: at(1), failures: 3 }] {
            let text = serde_json::to_string(&state).unwrap();
            assert_eq!(serde_json::from_str::<BreakerState>(&text).unwrap(), state, "{text}");
        }
    }
}
