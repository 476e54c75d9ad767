//! What became of each event: the log held against what the services were really asked.
//!
//! Every request of the trial says which run and step it is of, and the imitation's ledger keeps that with what the request did. A
//! step that ended well and whose operation always leaves something behind has to have left it, once; one that waits or failed may
//! have. Whether an operation always does is what the trial without faults shows. A repeated request of an operation that may be
//! repeated is no second effect, unless it made a second record.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::child::delivery;
use super::trial::heads;
use crate::catalog::Repeat;
use crate::cli::exit::Error;
use crate::engine::log::{Filter, Reader, RunHead};
use crate::flow::NodeId;
use crate::run::{Entry, Outcome, Park, Program, Release, Run, RunId, StepKey};
use crate::sandbox::{Effect, LedgerEntry};

/// What is left of a trial.
pub(super) struct Left {
    runs: Vec<Kept>,
    /// What was done for each step of each run.
    done: BTreeMap<(RunId, String), Done>,
    /// The ids of records that were made.
    made: BTreeSet<String>,
    /// Changes that say of no step that they are its.
    nobodys: u64,
}

/// A run of a trial.
pub(super) struct Kept {
    pub(super) head: RunHead,
    pub(super) entries: Vec<Entry>,
}

/// What the requests of one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Done {
    created: u64,
    changed: u64,
}

impl Done {
    fn all(self) -> u64 {
        self.created + self.changed
    }
}

/// How many events what became of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Counts {
    pub(super) events: usize,
    /// Runs that ended well, with each of their effects once.
    pub(super) once: usize,
    /// Runs that failed and say why.
    pub(super) failed: usize,
    /// Runs that wait for a person.
    pub(super) asking: usize,
    /// Runs that wait for a time, or were not over when the trial was.
    pub(super) going: usize,
    pub(super) lost: usize,
    pub(super) doubled: usize,
    /// Of those that took effect, the ones that found that an event just like theirs had done it.
    pub(super) shared: usize,
    /// What was lost or doubled, in words.
    pub(super) wrong: Vec<String>,
}

/// What came of one event.
enum Fate {
    Once { shared: bool },
    Failed,
    Asking,
    Going,
    Lost(String),
    Doubled(String),
}

impl Left {
    /// Reads a trial's log and ledger.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(super) fn read(journal: &Reader, ledger: &[LedgerEntry]) -> Result<Self, Error> {
        let mut runs = Vec::new();
        for head in heads(journal, &Filter::default())? {
            let entries = journal.entries(head.id)?;
            runs.push(Kept { head, entries });
        }
        Ok(Self::of(runs, ledger))
    }

    /// From runs and a ledger.
    pub(super) fn of(runs: Vec<Kept>, ledger: &[LedgerEntry]) -> Self {
        let mut left = Self { runs, done: BTreeMap::new(), made: BTreeSet::new(), nobodys: 0 };
        for entry in ledger.iter().filter(|it| !it.by_hand && it.operation.as_str().split('.').nth(1) != Some("oauth")) {
            let is_change = matches!(entry.effect, Effect::Created | Effect::Updated | Effect::Deleted);
            if !is_change {
                continue;
            }
            let named = entry.step.as_deref().and_then(|it| it.split_once('/'));
            let Some((run, step)) = named.and_then(|(run, step)| Some((run.parse().ok()?, step))) else {
                left.nobodys += 1;
                continue;
            };
            let done = left.done.entry((RunId(run), step.to_owned())).or_default();
            if entry.effect == Effect::Created {
                done.created += 1;
                left.made.extend(entry.record.as_ref().map(|it| it.id.clone()));
            } else {
                done.changed += 1;
            }
        }
        left
    }

    fn done_by(&self, run: RunId, step: &StepKey) -> Done {
        self.done.get(&(run, step.to_string())).copied().unwrap_or_default()
    }

    /// Runs that ended other than well, and why the first of them did.
    pub(super) fn failures(&self) -> (usize, Option<String>) {
        let words = |it: &Kept| match &it.head.outcome {
            Some(Outcome::Failed(failure)) => Some(failure.to_string()),
            _ => None,
        };
        let mut all = self.runs.iter().filter_map(words);
        let first = all.next_back();
        (all.count() + usize::from(first.is_some()), first)
    }

    /// The nodes of which each step that ended well left something behind.
    fn effective(&self) -> BTreeSet<NodeId> {
        let mut by_node: BTreeMap<NodeId, bool> = BTreeMap::new();
        for kept in &self.runs {
            for step in succeeded(&kept.entries).keys() {
                let has = self.done_by(kept.head.id, step).all() > 0;
                by_node.entry(step.node.clone()).and_modify(|it| *it &= has).or_insert(has);
            }
        }
        by_node.into_iter().filter(|(_, always)| *always).map(|(node, _)| node).collect()
    }

    /// Holds what is left against a trial without faults.
    ///
    /// `program` is the flow's, by which steps are judged; of flows that it calls, the steps are judged as what may not be repeated.
    pub(super) fn count(&self, without: &Self, program: &Arc<Program>, events: usize) -> Counts {
        let effective = without.effective();
        let mut by_delivery: BTreeMap<&str, Vec<&Kept>> = BTreeMap::new();
        let mut called: BTreeMap<RunId, Vec<&Kept>> = BTreeMap::new();
        for kept in &self.runs {
            match (&kept.head.parent, &kept.head.delivery) {
                (Some((parent, _)), _) => called.entry(*parent).or_default().push(kept),
                (None, Some(delivery)) => by_delivery.entry(delivery).or_default().push(kept),
                (None, None) => {}
            }
        }
        let mut counts = Counts { events, ..Counts::default() };
        for event in 0..events {
            let own = by_delivery.remove(&*delivery(event)).unwrap_or_default();
            let fate = match own.as_slice() {
                [kept] => self.fate(kept, &called, program, &effective),
                [] => Fate::Lost("it began no run".to_owned()),
                more => Fate::Doubled(format!("it began {} runs", more.len())),
            };
            match fate {
                Fate::Once { shared } => {
                    counts.once += 1;
                    counts.shared += usize::from(shared);
                }
                Fate::Failed => counts.failed += 1,
                Fate::Asking => counts.asking += 1,
                Fate::Going => counts.going += 1,
                Fate::Lost(why) => {
                    counts.lost += 1;
                    counts.wrong.push(format!("Event {}: {why}", event + 1));
                }
                Fate::Doubled(why) => {
                    counts.doubled += 1;
                    counts.wrong.push(format!("Event {}: {why}", event + 1));
                }
            }
        }
        let known: BTreeSet<RunId> = self.runs.iter().map(|it| it.head.id).collect();
        let strays = self.done.keys().filter(|(run, _)| !known.contains(run)).count() + self.nobodys as usize;
        if strays > 0 {
            counts.doubled += strays;
            counts.wrong.push(format!("{strays} changes belong to no run that is in the log"));
        }
        counts
    }

    fn fate(
        &self,
        kept: &Kept,
        called: &BTreeMap<RunId, Vec<&Kept>>,
        program: &Arc<Program>,
        effective: &BTreeSet<NodeId>,
    ) -> Fate {
        let mut shared = false;
        let own = std::iter::once(kept).chain(called.get(&kept.head.id).into_iter().flatten().copied());
        for it in own {
            let run = it.head.id;
            for ((_, step), done) in self.done.range((run, String::new())..(RunId(run.0 + 1), String::new())) {
                let node = NodeId::new(step.split('[').next().unwrap_or(step));
                let may_repeat = matches!(program.operation(&node).map(|it| &it.repeat), Some(Repeat::Safe));
                if done.created > 1 || (!may_repeat && done.all() > 1) {
                    return Fate::Doubled(format!("the step \"{step}\" of run {run} did it {} times", done.all()));
                }
            }
            for (step, output) in succeeded(&it.entries) {
                if !effective.contains(&step.node) || self.done_by(run, step).all() > 0 {
                    continue;
                }
                if ids(output).any(|it| self.made.contains(it)) {
                    shared = true;
                } else {
                    return Fate::Lost(format!("the step \"{step}\" of run {run} is said to be done, and was not"));
                }
            }
        }
        match &kept.head.outcome {
            Some(Outcome::Succeeded) => Fate::Once { shared },
            Some(Outcome::Failed(_) | Outcome::Cancelled) => Fate::Failed,
            None if kept.head.parked > 0 => Fate::Asking,
            // A run of another flow that it called may be what waits.
            None if called.get(&kept.head.id).is_some_and(|it| it.iter().any(|it| it.head.parked > 0)) => Fate::Asking,
            None => Fate::Going,
        }
    }

    /// Steps that ask whether their call was made.
    pub(super) fn uncertain(&self, program: &Arc<Program>) -> usize {
        let asks = |kept: &&Kept| {
            let run = Run::replay(kept.head.id, Arc::clone(program), &kept.entries);
            run.parked_steps().iter().any(|(_, on)| *on == Park::Uncertain)
        };
        let own = self.runs.iter().filter(|it| it.head.parked > 0 && it.head.revision == program.revision);
        own.filter(asks).count()
    }
}

/// The ids of the records that a step gave, or of the one within it.
fn ids(output: &Value) -> impl Iterator<Item = &str> {
    let within = output.as_object().into_iter().flat_map(|it| it.values()).filter_map(|it| it.get("id"));
    output.get("id").into_iter().chain(within).filter_map(Value::as_str)
}

/// The steps of a run that ended well by a call, with what they gave; what a person said was done is not among them.
fn succeeded(entries: &[Entry]) -> BTreeMap<&StepKey, &Arc<Value>> {
    let mut started = BTreeSet::new();
    let mut found = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::StepStarted { step, .. } => drop(started.insert(step)),
            Entry::StepSucceeded { step, output, .. } if started.contains(step) => drop(found.insert(step, output)),
            Entry::StepReleased { step, release: Release::Done(_), .. } => drop(started.remove(step)),
            _ => {}
        }
    }
    found
}
