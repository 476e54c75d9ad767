//! What an attempt's outcome means for the run: done, again later, for a person, or failed.
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::program::{ReadWhole, Work};
use super::state::Run;
use super::{Conclusion, Entry, Park, Repeatable, StepKey};
use crate::flow::{PortId, RetryPolicy};
use crate::record::bounds::fits_a_run;
use crate::record::{Failure, FailureKind};

impl Run {
    /// Attempts that failed only because of a rate limit do not count against the policy, up to this many.
    pub const LIMITED_ATTEMPTS: u32 = 50;

    /// The fact that follows from an attempt's outcome. `chance` is uniform in 0..1 and decides the jitter. The fact is
    /// folded in before this returns; none if the attempt is not one that the run waits for.
    pub fn conclude(&mut self, step: &StepKey, conclusion: Conclusion, now: Timestamp, chance: f64) -> Option<Entry> {
        let &node = self.program.index.get(step.node.as_str())?;
        let attempt = self.state(&step.item, node)?.attempt()?;
        let (repeatable, policy) = self.program.nodes[node].work.repeatable();
        let counted = attempt.number.saturating_sub(attempt.limited);
        let again = counted < policy.attempts;
        let step = step.clone();
        let fail = |failure, retry_at, lost| Entry::StepFailed {
            step: step.clone(),
            attempt: attempt.number,
            failure,
            retry_at,
            lost,
            at: now,
        };
        let park = |on| Entry::StepParked { step: step.clone(), on, at: now };
        let latest = self.longest_rest.and_then(|it| now.checked_add(it).ok()).unwrap_or(Timestamp::MAX);
        let later = |after: Option<Duration>| Some(retry_time(policy, counted, after, now, chance).min(latest));
        let conclusion = match &self.program.nodes[node].work {
            Work::Trigger { whole: Some(whole) } => whole.conclude(conclusion, &self.told),
            _ => conclusion,
        };
        let entry = match conclusion {
            Conclusion::Succeeded(output) => match fits_a_run(&output) {
                Ok(_) => Entry::StepSucceeded { step, port: PortId::out(), output, at: now },
                Err(beyond) => fail(self.too_much(&step, beyond), None, false),
            },
            Conclusion::Retry { after, failure } => {
                let limited = failure.kind == FailureKind::RateLimit && attempt.limited < Self::LIMITED_ATTEMPTS;
                if again || limited {
                    fail(failure, later(after), false)
                } else if attempt.lost && repeatable == Repeatable::AfterLookup {
                    // It was not even possible to look whether an earlier attempt happened.
                    park(Park::Uncertain)
                } else {
                    fail(failure, None, false)
                }
            }
            Conclusion::SignIn { connection, .. } => park(Park::SignIn(connection)),
            Conclusion::Breaker { until: Some(until), failure, .. } => fail(failure, Some(until), false),
            Conclusion::Breaker { connection, until: None, .. } => park(Park::Breaker(connection)),
            Conclusion::Failed(failure) => fail(failure, None, false),
            Conclusion::Broke(failure) => match repeatable {
                Repeatable::Always => fail(failure, if again { later(None) } else { None }, false),
                Repeatable::AfterLookup if again => fail(failure, later(None), true),
                // It may have done its work first: a failure could be sent again, and would then do it twice.
                Repeatable::AfterLookup | Repeatable::Never => park(Park::Uncertain),
            },
            Conclusion::Lost(failure) => match repeatable {
                Repeatable::Always => fail(failure, if again { later(None) } else { None }, false),
                Repeatable::AfterLookup if again => fail(failure, later(None).max(Some(attempt.settled())), true),
                Repeatable::AfterLookup | Repeatable::Never => park(Park::Uncertain),
            },
        };
        self.apply(&entry);
        Some(entry)
    }

    /// A person let a parked step go on; none if it is not parked, or waits for another answer.
    pub fn release(&mut self, step: &StepKey, release: super::Release, now: Timestamp) -> Option<Entry> {
        let &node = self.program.index.get(step.node.as_str())?;
        match self.state(&step.item, node)? {
            super::state::State::Parked { on, .. } if release.answers(on) => {}
            _ => return None,
        }
        let entry = Entry::StepReleased { step: step.clone(), release, at: now };
        self.apply(&entry);
        Some(entry)
    }

    /// The steps that wait for a person, with why.
    pub fn parked_steps(&self) -> Vec<(StepKey, Park)> {
        let mut found = Vec::new();
        self.root.collect_parked(&self.program, 0, &super::ItemPath::default(), &mut found);
        found
    }

    /// Why a step that is resting failed the last time, and when it is tried again.
    pub fn resting(&self, step: &StepKey) -> Option<(&Failure, Timestamp)> {
        let &node = self.program.index.get(step.node.as_str())?;
        match self.state(&step.item, node)? {
            super::state::State::Resting { failure, at, .. } => Some((failure, *at)),
            _ => None,
        }
    }
}

impl ReadWhole {
    /// What was told, with what was read. Where the record is gone meanwhile, what was told is all that there is.
    fn conclude(&self, conclusion: Conclusion, told: &Arc<Value>) -> Conclusion {
        match conclusion {
            Conclusion::Succeeded(answer) => Conclusion::Succeeded(Arc::new(self.event.complete(told, &answer))),
            Conclusion::Failed(failure) if is_gone(&failure) => Conclusion::Succeeded(Arc::clone(told)),
            other => other,
        }
    }
}

/// Whether a service says that there is no such record; HighLevel says so of a contact with a 400.
fn is_gone(failure: &Failure) -> bool {
    let says_so = || failure.status == Some(400) && failure.detail.to_lowercase().contains("not found");
    failure.kind == FailureKind::NotFound || says_so()
}

impl super::state::Frame {
    fn collect_parked(&self, program: &super::Program, scope: usize, item: &super::ItemPath, found: &mut Vec<(StepKey, Park)>) {
        for &node in &program.scopes[scope].nodes {
            let compiled = &program.nodes[node];
            match &self.steps[compiled.local] {
                super::state::State::Parked { on, .. } => {
                    found.push((StepKey { node: compiled.id.clone(), item: item.clone() }, on.clone()));
                }
                super::state::State::Open(items) => {
                    let Work::ForEach { body, .. } = compiled.work else { continue };
                    for (index, frame) in &items.active {
                        frame.collect_parked(program, body, &item.child(*index), found);
                    }
                }
                _ => {}
            }
        }
    }
}

/// When the next attempt begins: full jitter below an exponential bound, and never before the service allows.
fn retry_time(policy: RetryPolicy, counted: u32, after: Option<Duration>, now: Timestamp, chance: f64) -> Timestamp {
    let doubled = policy.first_ms.saturating_mul(1_u64 << counted.saturating_sub(1).min(32));
    let bound = doubled.min(policy.longest_ms) as f64;
    let jittered = Duration::from_millis((bound * chance.clamp(0.0, 1.0)) as u64);
    let wait = after.map_or(jittered, |after| after + Duration::from_millis((chance.clamp(0.0, 1.0) * 250.0) as u64));
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_hours(24 * 365));
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
