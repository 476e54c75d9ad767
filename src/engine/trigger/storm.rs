//! A flow that is started over and over by one record is stopped before it does harm.
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::flow::FlowId;

/// How often one record may start a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StormRule {
    /// So many times.
    pub starts: u32,
    /// Within so long.
    pub within: SignedDuration,
}

impl Default for StormRule {
    fn default() -> Self {
        Self { starts: 50, within: SignedDuration::from_mins(30) }
    }
}

/// What one record may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Verdict {
    /// It starts the flow.
    Start,
    /// It has started it too often; whether this is the first time that it may not.
    Stop { is_first: bool },
}

#[derive(Debug, Default)]
struct Starts {
    at: VecDeque<Timestamp>,
    is_stopped: bool,
}

/// Who was started by what, lately.
#[derive(Debug, Default)]
pub(in crate::engine) struct Storms {
    starts: Mutex<HashMap<(FlowId, String), Starts>>,
}

impl Storms {
    /// Counts a start, if it may be.
    pub(in crate::engine) fn count(&self, rule: StormRule, flow: &FlowId, record: &str, now: Timestamp) -> Verdict {
        let mut all = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |at: &Timestamp| now.duration_since(*at) >= rule.within;
        if all.len() >= 4096 && all.len().is_power_of_two() {
            all.retain(|_, it| it.at.back().is_some_and(|it| !is_over(it)));
        }
        let starts = all.entry((flow.clone(), record.to_owned())).or_default();
        while starts.at.front().is_some_and(is_over) {
            starts.at.pop_front();
        }
        if starts.at.len() >= rule.starts as usize {
            return Verdict::Stop { is_first: !std::mem::replace(&mut starts.is_stopped, true) };
        }
        starts.is_stopped = false;
        starts.at.push_back(now);
        Verdict::Start
    }

    /// One that was counted and did not start after all, since it was the same as an earlier one.
    pub(in crate::engine) fn take_back(&self, flow: &FlowId, record: &str) {
        let mut all = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(starts) = all.get_mut(&(flow.clone(), record.to_owned())) {
            starts.at.pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_starts_a_flow_so_often_and_others_and_later_ones_go_on() {
        let (storms, rule) = (Storms::default(), StormRule { starts: 3, within: SignedDuration::from_mins(30) });
        let at = |minutes: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        let count = |record: &str, minutes| storms.count(rule, &"f".into(), record, at(minutes));
        for minutes in 0..3 {
            assert_eq!(count("a", minutes), Verdict::Start);
        }
        assert_eq!(count("a", 3), Verdict::Stop { is_first: true });
        assert_eq!(count("a", 4), Verdict::Stop { is_first: false });
        assert_eq!(count("b", 4), Verdict::Start);
        assert_eq!(storms.count(rule, &"g".into(), "a", at(4)), Verdict::Start);
        assert_eq!(count("a", 30), Verdict::Start);
        assert_eq!(count("a", 30), Verdict::Stop { is_first: true });
        storms.take_back(&"f".into(), "a");
        assert_eq!(count("a", 30), Verdict::Start);
    }
}
