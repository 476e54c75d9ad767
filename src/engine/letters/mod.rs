//! Dead letters: runs that failed and that nobody has dealt with. One is resent, as a new run in its place, or put aside.
//!
//! A run that did not fail is no letter; it can be done again the same way by whoever says so.
//!
//! An engine at work on the data directory does it at once; where none is, the new run is written down, and begins with the next
//! start. A run that another flow called is no letter of its own: the one that called it has failed, too.
//!
//! Invariant: a letter is resent once, unless somebody asks for it again: the new run is told apart by the letter that it is in
//! place of, the journal takes each such run only once, and that it was resent becomes durable with it.
mod group;
mod resend;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use self::group::{Cause, Groups, Problem, failed_step};
pub(super) use self::resend::resend_here;
use super::door::{Answer, Order};
use super::release::{self, Effective, Reached};
use crate::catalog::Catalog;
use crate::flow::{Flow, FlowId, NodeId};
use crate::journal::{Filter, Journal, JournalError, OutcomeKind, Reader, RunHead};
use crate::record::Failure;
use crate::run::{Outcome, RetryFrom, RunId};

/// Where the journal keeps what became of letters.
const SCOPE: &str = "letters";
/// Heads that are read at a time.
const PAGE: usize = 200;

/// How a letter is resent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resend {
    /// From where; none is the step that failed, or the start where none did.
    pub from: Option<RetryFrom>,
    /// As the flow was then, and not as it is now.
    pub as_then: bool,
    /// What the trigger gives instead of what it gave then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Value>,
    /// Also if it was resent or put aside before.
    pub again: bool,
    /// Also if it did not fail: what it did is done once more.
    #[serde(default)]
    pub even_done: bool,
}

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    /// It was resent so many times.
    Resent(u32),
    /// A person does not want it resent.
    PutAside(Timestamp),
}

/// The letters that somebody has dealt with.
///
/// # Errors
/// If the journal cannot be read.
pub fn settled(reader: &Reader) -> Result<BTreeSet<RunId>, JournalError> {
    let kept = reader.states(SCOPE)?;
    Ok(kept.into_iter().filter_map(|(key, _)| key.parse().ok().map(RunId)).collect())
}

/// Whether a run is a dead letter.
pub fn is_dead(head: &RunHead, settled: &BTreeSet<RunId>) -> bool {
    matches!(head.outcome, Some(Outcome::Failed(_))) && head.parent.is_none() && !settled.contains(&head.id)
}

/// Hands over the dead letters that a filter lets through, newest first, each with the step that failed, until told to stop.
///
/// # Errors
/// If the journal cannot be read.
pub fn each(
    reader: &Reader,
    filter: &Filter,
    each: &mut dyn FnMut(RunHead, Option<NodeId>) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    let settled = settled(reader)?;
    let mut next = Filter { state: None, outcome: Some(OutcomeKind::Failed), limit: PAGE, ..filter.clone() };
    loop {
        let heads = reader.runs(&next)?;
        let is_last = heads.len() < PAGE;
        for head in heads {
            next.before = Some(head.id);
            if !is_dead(&head, &settled) {
                continue;
            }
            let mut step = None;
            reader.each_entry(head.id, &mut |entry| {
                failed_step(&mut step, &entry);
                ControlFlow::Continue(())
            })?;
            if each(head, step).is_break() {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Resends a letter; `now` gives a flow as it is now, where no engine is at work that knows it. Blocks.
///
/// # Errors
/// A [`Failure`] where the data directory cannot be used; where the run is not there, not over or did not fail; where it was resent
/// or put aside before; or where it cannot be done again so.
pub fn resend(
    data: &Path,
    catalog: &Catalog,
    run: RunId,
    how: &Resend,
    now: &dyn Fn(&FlowId) -> Option<Arc<Flow>>,
) -> Result<(RunId, Effective), Failure> {
    match release::open_or_ask(data, Order::Resend { run, how: how.clone() })? {
        Reached::Journal(journal) => {
            let resent = resend::resend_later(&journal, catalog, run, how, now);
            journal.close();
            Ok((resent?, Effective::WithNextStart))
        }
        Reached::Engine(Answer::Resent { run }) => Ok((run, Effective::Now)),
        Reached::Engine(other) => Err(release::unexpected(&other)),
    }
}

/// Puts letters aside, or takes that back; those that were dealt with otherwise stay as they are. Which of them it was done with.
/// Blocks.
///
/// # Errors
/// A [`Failure`] where the data directory cannot be used.
pub fn put_aside(data: &Path, runs: &[RunId], aside: bool) -> Result<Vec<RunId>, Failure> {
    match release::open_or_ask(data, Order::PutAside { runs: runs.to_vec(), aside })? {
        Reached::Journal(journal) => {
            let done = put_aside_in(&journal, runs, aside);
            journal.close();
            Ok(done?)
        }
        Reached::Engine(Answer::PutAside { runs }) => Ok(runs),
        Reached::Engine(other) => Err(release::unexpected(&other)),
    }
}

pub(super) fn put_aside_in(journal: &Journal, runs: &[RunId], aside: bool) -> Result<Vec<RunId>, JournalError> {
    let mut done = Vec::new();
    for run in runs {
        let mark = mark_of(journal, *run)?;
        let fits = if aside {
            let head = journal.run(*run)?;
            mark.is_none() && head.is_some_and(|it| is_dead(&it, &BTreeSet::new()))
        } else {
            matches!(mark, Some(Mark::PutAside(_)))
        };
        if fits {
            let value = if aside { json!(Mark::PutAside(super::Clock::System.now())) } else { Value::Null };
            journal.put_state(SCOPE, &run.to_string(), &value).wait()?;
            done.push(*run);
        }
    }
    Ok(done)
}

/// Forgets what became of letters that are not kept any more.
pub(super) fn forget_gone(journal: &Journal) -> Result<(), JournalError> {
    for run in settled(journal.reader())? {
        if journal.run(run)?.is_none() {
            drop(journal.put_state(SCOPE, &run.to_string(), &Value::Null));
        }
    }
    Ok(())
}

fn mark_of(journal: &Journal, run: RunId) -> Result<Option<Mark>, JournalError> {
    Ok(journal.state(SCOPE, &run.to_string())?.and_then(|it| serde_json::from_value(it).ok()))
}
