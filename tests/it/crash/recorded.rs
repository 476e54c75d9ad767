//! A run as it went: what was committed, what was asked of the services, and how they stood after each request.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flowyard::journal::{RunHead, StepExchange};
use flowyard::run::{Entry, Outcome, Park, Program, Release, StepKey};
use flowyard::sandbox::{LedgerEntry, Snapshot};
use serde_json::Value;

/// A run, and everything that is needed to cut it short anywhere.
pub(super) struct Recorded {
    pub(super) program: Arc<Program>,
    /// The flow's document.
    pub(super) text: String,
    pub(super) head: RunHead,
    pub(super) entries: Vec<Entry>,
    pub(super) exchanges: Vec<StepExchange>,
    /// How many of the exchanges an earlier engine made.
    pub(super) earlier: usize,
    /// How the services stood when this engine started, and after each request of this engine's.
    pub(super) states: Vec<Snapshot>,
    /// The services' ledger since the run began.
    pub(super) ledger: Vec<LedgerEntry>,
    /// Where the services' ledger stood when the run began.
    pub(super) since: u64,
    /// Every record of both services at the end.
    pub(super) records: BTreeMap<String, Vec<Value>>,
    /// The step that waited for a person, who then let it go on.
    pub(super) parked: Option<StepKey>,
}

/// How the calls of a run stand after some of its entries.
#[derive(Default)]
pub(super) struct Standing {
    /// Attempts of which the end is known, each with the entry that says so.
    pub(super) concluded: BTreeMap<(StepKey, u32), usize>,
    /// Attempts under way.
    pub(super) open: BTreeMap<StepKey, u32>,
    /// Steps that left through a port.
    pub(super) done: BTreeSet<StepKey>,
    /// Steps that wait for a person.
    pub(super) parked: BTreeSet<StepKey>,
    /// Steps of which a person said that their call is to be made.
    pub(super) released: BTreeSet<StepKey>,
}

impl Standing {
    pub(super) fn after(entries: &[Entry]) -> Self {
        let mut standing = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            let Some(step) = entry.step() else { continue };
            match entry {
                Entry::StepStarted { attempt, .. } => {
                    standing.open.insert(step.clone(), *attempt);
                    standing.released.remove(step);
                }
                Entry::StepSucceeded { .. } | Entry::StepFailed { .. } | Entry::StepParked { .. } => {
                    if let Some(attempt) = standing.open.remove(step) {
                        standing.concluded.insert((step.clone(), attempt), at);
                    }
                    match entry {
                        Entry::StepSucceeded { .. } => drop(standing.done.insert(step.clone())),
                        Entry::StepParked { on, .. } => {
                            assert_eq!(*on, Park::Uncertain, "{step}");
                            standing.parked.insert(step.clone());
                        }
                        _ => {}
                    }
                }
                Entry::StepReleased { release, .. } => {
                    standing.parked.remove(step);
                    match release {
                        Release::Repeat => standing.released.insert(step.clone()),
                        Release::Done(_) | Release::Approve | Release::Decline => standing.done.insert(step.clone()),
                        Release::Fail => false,
                    };
                }
                _ => {}
            }
        }
        standing
    }

    pub(super) fn is_concluded(&self, exchange: &StepExchange) -> bool {
        self.concluded.contains_key(&(exchange.step.clone(), exchange.attempt))
    }

    pub(super) fn is_open(&self, exchange: &StepExchange) -> bool {
        self.open.get(&exchange.step) == Some(&exchange.attempt)
    }
}

impl Recorded {
    pub(super) fn outcome(&self) -> &Outcome {
        match self.entries.last() {
            Some(Entry::Finished { outcome, .. }) => outcome,
            other => panic!("the run did not end: {other:?}"),
        }
    }

    /// Everything that steps gave: `(step, way out, output)`.
    pub(super) fn outputs<'a>(&'a self) -> Vec<(&'a StepKey, &'a str, &'a Value)> {
        let of = |entry: &'a Entry| match entry {
            Entry::StepSucceeded { step, port, output, .. } => Some((step, port.as_str(), &**output)),
            Entry::StepReleased { step, release: Release::Done(output), .. } => Some((step, "out", &**output)),
            _ => None,
        };
        self.entries.iter().filter_map(of).collect()
    }

    /// How often a step was begun.
    pub(super) fn attempts(&self, step: &StepKey) -> usize {
        self.entries.iter().filter(|it| matches!(it, Entry::StepStarted { step: it, .. } if it == step)).count()
    }

    /// What one step gave.
    pub(super) fn output(&self, step: &StepKey) -> &Value {
        self.outputs().into_iter().find(|(it, ..)| *it == step).map(|(.., output)| output).expect("the step's output")
    }

    /// The requests in order, each with its step; only for a run in which every request was answered, one after the other.
    pub(super) fn plan(&self) -> Vec<(&StepKey, &LedgerEntry)> {
        assert_eq!(self.exchanges.len(), self.ledger.len(), "every request has its exchange");
        let pairs = self.exchanges.iter().zip(&self.ledger);
        pairs
            .map(|(exchange, entry)| {
                assert!(is_of(exchange, entry), "{} is not {}", exchange.exchange.request.url, entry.path);
                (&exchange.step, entry)
            })
            .collect()
    }
}

/// Whether what the journal keeps is the request that the ledger tells of.
pub(super) fn is_of(exchange: &StepExchange, entry: &LedgerEntry) -> bool {
    let request = &exchange.exchange.request;
    request.method == entry.method && request.url.ends_with(&entry.path)
}
