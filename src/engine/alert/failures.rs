//! Runs that fail, or wait for a person's word, told together: the first of a flow at once, then all of a quarter of an hour in one
//! alert. Pure: time is passed in.
use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Alert;
use crate::flow::{Alarm, FlowId};
use crate::record::Failure;
use crate::run::RunId;

/// A flow is told of no more often than this.
pub(super) const APART: SignedDuration = SignedDuration::from_mins(15);
/// Different reasons that are counted; more of them are counted as others.
const REASONS: usize = 20;
/// Runs that were counted are known again for so long: what happened shortly before a crash is looked at anew.
pub(super) const SLACK: SignedDuration = SignedDuration::from_mins(1);
const MOST_KNOWN: usize = 5_000;

/// A run that failed, or that waits for a person's word.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) run: RunId,
    pub(super) flow: FlowId,
    pub(super) name: String,
    /// Why it failed, or what it asks.
    pub(super) failure: Failure,
    pub(super) at: Timestamp,
}

/// What was told of runs of one kind, and what is still to be told.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Failures {
    groups: BTreeMap<FlowId, Group>,
    /// Runs that were counted, by when it happened.
    known: VecDeque<(RunId, Timestamp)>,
    /// How far they were counted.
    pub(super) up_to: Option<Timestamp>,
}

/// The runs of a flow to which it happened since it was last told of.
#[derive(Debug, Serialize, Deserialize)]
struct Group {
    name: String,
    told: Timestamp,
    count: u64,
    reasons: BTreeMap<String, u64>,
    last: Option<(RunId, Timestamp)>,
}

impl Failures {
    /// Counts a run; an alert of this kind if it is the first of its flow for a while.
    pub(super) fn add(&mut self, of: Alarm, failed: Failed, now: Timestamp) -> Option<Alert> {
        while let Some((_, at)) = self.known.front()
            && (self.known.len() >= MOST_KNOWN || now.duration_since(*at) > SLACK * 2)
        {
            self.known.pop_front();
        }
        self.up_to = Some(self.up_to.map_or(failed.at, |it| it.max(failed.at)));
        if self.known.contains(&(failed.run, failed.at)) {
            return None;
        }
        self.known.push_back((failed.run, failed.at));
        let flow = FlowId::new(failed.flow.original());
        let Some(group) = self.groups.get_mut(&flow) else {
            let group = Group { name: failed.name.clone(), told: now, count: 0, reasons: BTreeMap::new(), last: None };
            self.groups.insert(flow.clone(), group);
            let Failure { title, detail, hint, .. } = failed.failure;
            let text = [title, detail, hint].into_iter().filter(|it| !it.is_empty()).map(sentence).collect::<Vec<_>>().join("\n");
            return Some(Alert {
                of: Some(of),
                over: false,
                title: format!("\"{}\" {}", failed.name, if of == Alarm::Question { "waits for you" } else { "failed" }),
                text,
                at: now,
                key: format!("{}:{flow}:{}:{}", of.name(), failed.run, failed.at.as_second()),
                flow: Some((flow, failed.name)),
                run: Some(failed.run),
                connection: None,
                count: 1,
            });
        };
        group.count += 1;
        group.last = Some((failed.run, failed.at));
        group.name = failed.name;
        let reason = failed.failure.title;
        let reason = if group.reasons.contains_key(&reason) || group.reasons.len() < REASONS { reason } else { String::new() };
        *group.reasons.entry(reason).or_default() += 1;
        None
    }

    /// What is to be told now; flows to which nothing happened for a while are told at once again.
    pub(super) fn due(&mut self, of: Alarm, now: Timestamp) -> Vec<Alert> {
        let mut alerts = Vec::new();
        self.groups.retain(|flow, group| {
            if now.duration_since(group.told) < APART {
                return true;
            }
            let Some(last) = group.last.take().filter(|_| group.count > 0) else { return false };
            alerts.push(group.alert(of, flow, last, now));
            (group.told, group.count) = (now, 0);
            group.reasons.clear();
            true
        });
        alerts
    }
}

impl Group {
    fn alert(&self, of: Alarm, flow: &FlowId, (last, at): (RunId, Timestamp), now: Timestamp) -> Alert {
        let title = match (of, self.count) {
            (Alarm::Question, 1) => format!("\"{}\" waits for you again", self.name),
            (Alarm::Question, count) => format!("{count} runs of \"{}\" wait for you", self.name),
            (_, 1) => format!("\"{}\" failed again", self.name),
            (_, count) => format!("{count} runs of \"{}\" failed", self.name),
        };
        let mut reasons: Vec<(&String, u64)> = self.reasons.iter().map(|(reason, count)| (reason, *count)).collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let line = |(reason, count): (&String, u64)| match (reason.as_str(), count) {
            ("", count) => format!("{count} of them for other reasons."),
            (reason, count) if count == self.count => sentence(reason.to_owned()),
            (reason, count) => sentence(format!("{count} of them because: {reason}")),
        };
        let text = reasons.into_iter().take(3).map(line).collect::<Vec<_>>().join("\n");
        Alert {
            of: Some(of),
            over: false,
            title,
            text,
            at: now,
            flow: Some((flow.clone(), self.name.clone())),
            run: Some(last),
            connection: None,
            count: self.count,
            key: format!("{}:all:{flow}:{last}:{}", of.name(), at.as_second()),
        }
    }
}

/// With a full stop.
fn sentence(mut text: String) -> String {
    if !text.ends_with(['.', '!', '?', '\u{2026}']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FailureKind;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + minute * 60).unwrap()
    }

    fn failed(run: u64, flow: &str, why: &str, minute: i64) -> Failed {
        let failure = Failure::new(FailureKind::Refused, why);
        Failed { run: RunId(run), flow: flow.into(), name: flow.to_uppercase(), failure, at: at(minute) }
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_together_with_why() {
        let mut all = Failures::default();
        let first = all.add(Alarm::Failure, failed(1, "a", "HighLevel refused it", 0), at(0)).expect("at once");
        assert_eq!(
            (first.title.as_str(), first.text.as_str(), first.run),
            ("\"A\" failed", "HighLevel refused it.", Some(RunId(1)))
        );
        for run in 2..14 {
            let why = if run < 11 { "No connection" } else { "Too late" };
            assert_eq!(all.add(Alarm::Failure, failed(run, "a", why, 1), at(1)), None);
        }
        assert!(all.add(Alarm::Failure, failed(20, "b", "x", 2), at(2)).is_some(), "another flow is another matter");
        assert_eq!(all.due(Alarm::Failure, at(14)), []);
        let told = all.due(Alarm::Failure, at(15));
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((told.title.as_str(), told.count, told.run), ("12 runs of \"A\" failed", 12, Some(RunId(13))));
        assert_eq!(told.text, "9 of them because: No connection.\n3 of them because: Too late.");
        // A quarter of an hour later: nothing new of a, nothing of b.
        assert_eq!(all.due(Alarm::Failure, at(31)), []);
        assert!(all.add(Alarm::Failure, failed(14, "a", "x", 32), at(32)).is_some(), "after a while of peace it is told at once");
    }

    #[test]
    fn one_more_has_its_reason_alone_and_copies_for_accounts_are_one_flow() {
        let mut all = Failures::default();
        let copy = |name: &str| FlowId::new(format!("a@{name}"));
        let of = |run, flow: FlowId| Failed { flow, ..failed(run, "a", "No connection", 0) };
        assert!(all.add(Alarm::Failure, of(1, copy("one")), at(0)).is_some());
        assert_eq!(all.add(Alarm::Failure, of(2, copy("two")), at(0)), None);
        let told = all.due(Alarm::Failure, at(15));
        assert_eq!((told[0].title.as_str(), told[0].text.as_str()), ("\"A\" failed again", "No connection."));
        assert_eq!(told[0].flow.as_ref().map(|it| it.0.as_str()), Some("a"));
    }

    #[test]
    fn a_run_is_counted_once_also_after_a_restart() {
        let mut all = Failures::default();
        assert!(all.add(Alarm::Failure, failed(1, "a", "x", 0), at(0)).is_some());
        assert_eq!(all.add(Alarm::Failure, failed(2, "a", "x", 0), at(0)), None);
        let kept = serde_json::to_string(&all).unwrap();
        let mut again: Failures = serde_json::from_str(&kept).unwrap();
        assert_eq!(again.up_to, Some(at(0)));
        assert_eq!(again.add(Alarm::Failure, failed(1, "a", "x", 0), at(1)), None);
        assert_eq!(again.add(Alarm::Failure, failed(2, "a", "x", 0), at(1)), None);
        assert_eq!(again.due(Alarm::Failure, at(15))[0].count, 1);
    }

    #[test]
    fn what_is_known_does_not_grow_without_end() {
        let mut all = Failures::default();
        for run in 0..7_000 {
            all.add(Alarm::Failure, failed(run, "a", &format!("reason {run}"), 0), at(0));
        }
        assert!(all.known.len() <= MOST_KNOWN && all.groups[&FlowId::new("a")].reasons.len() <= REASONS + 1);
        let told = all.due(Alarm::Failure, at(15));
        assert!(told[0].text.starts_with("6979 of them for other reasons."), "{}", told[0].text);
    }

    #[test]
    fn what_waits_for_a_word_is_told_in_words_of_its_own_and_each_time_that_a_run_asks() {
        let mut all = Failures::default();
        let asks = |run, minute| failed(run, "a", "Send it?", minute);
        let first = all.add(Alarm::Question, asks(1, 0), at(0)).expect("at once");
        assert_eq!((first.title.as_str(), first.text.as_str()), ("\"A\" waits for you", "Send it?"));
        assert_eq!(all.add(Alarm::Question, asks(1, 0), at(0)), None);
        // The same run asks again, and is counted anew.
        assert_eq!(all.add(Alarm::Question, asks(1, 1), at(1)), None);
        let told = all.due(Alarm::Question, at(15));
        assert_eq!((told[0].title.as_str(), told[0].of), ("\"A\" waits for you again", Some(Alarm::Question)));
        for run in 2..5 {
            all.add(Alarm::Question, asks(run, 16), at(16));
        }
        let more = all.due(Alarm::Question, at(31));
        assert_eq!((more[0].title.as_str(), more[0].count), ("3 runs of \"A\" wait for you", 3));
        assert_ne!(told[0].key, more[0].key);
    }
}
