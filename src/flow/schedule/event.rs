//! What a schedule gives a run.
use jiff::tz::AmbiguousOffset;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Plan, Schedule};

/// From here the next time is a sample: a Monday.
const SAMPLE: Timestamp = Timestamp::constant(1_767_571_200, 0);

impl Plan {
    /// The output of the trigger for a time, and how many before it were left out: `at` in RFC 3339 with the zone's offset,
    /// `date`, `time` and `weekday` as the zone's clocks and calendar show them, `zone`, `missed`.
    pub fn event(&self, at: Timestamp, missed: usize) -> Value {
        let local = at.to_zoned_datetime(self.zone.clone());
        json!({
            "at": at.display_with_offset(self.zone.to_offset(at)).to_string(),
            "date": local.date().to_string(),
            "time": local.strftime("%H:%M").to_string(),
            "weekday": local.strftime("%A").to_string(),
            "zone": self.zone.iana_name().unwrap_or("UTC"),
            "missed": missed,
        })
    }
}

impl Plan {
    /// What a change of clocks has to do with a time of the schedule, in words; none on all other days.
    pub fn remark(&self, at: Timestamp) -> Option<&'static str> {
        let (zone, local) = (&self.zone, self.zone.to_datetime(at));
        if let AmbiguousOffset::Fold { before, .. } = zone.to_ambiguous_timestamp(local).offset() {
            let first = zone.to_offset(at) == before;
            return Some(if first {
                "the clocks show it twice, this is the first"
            } else {
                "the clocks show it twice, this is the second"
            });
        }
        let just = at.checked_add(SignedDuration::from_nanos(1)).ok()?;
        let is_change = zone.preceding(just).next().is_some_and(|change| change.timestamp() == at);
        (is_change && !self.rule.names(local)).then_some("the clocks skip the time itself")
    }
}

impl Schedule {
    /// An event as it would arrive, the same on every day; null where the schedule cannot be read.
    pub fn sample(&self) -> Value {
        let Ok(plan) = self.plan() else { return Value::Null };
        plan.next(SAMPLE).map(|at| plan.event(at, 0)).unwrap_or_default()
    }
}
