//! What a person says of a run from outside: a parked step may go on, a run is to end. Told to the engine that runs on the
//! data directory; where none does, the fact is written down, and the next start goes on from there.
use std::path::Path;
use std::sync::Arc;

use super::door::{self, Answer, Order};
use super::{Clock, JournalOptions};
use crate::catalog::Catalog;
use crate::flow::Flow;
use crate::journal::{Append, Journal, JournalError};
use crate::record::{Failure, FailureKind};
use crate::run::{Entry, Park, Program, Release, Run, RunId, StepKey};

/// When what a person said takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effective {
    /// An engine is at work, and has it.
    Now,
    /// It is written down for the next start.
    WithNextStart,
}

/// An unfinished run, and its steps that wait for a person.
pub(super) struct Waiting {
    pub(super) run: Run,
    pub(super) parked: Vec<(StepKey, Park)>,
}

/// Lets a parked step go on; none means the only one that waits. Blocks.
///
/// # Errors
/// A [`Failure`] where the data directory cannot be used, where the run is not there or over, or where the step does not
/// wait, or not for this answer.
pub fn release(
    data: &Path,
    catalog: &Catalog,
    run: RunId,
    step: Option<&str>,
    release: Release,
) -> Result<(StepKey, Effective), Failure> {
    let order = Order::Release { run, step: step.map(str::to_owned), release: release.clone() };
    match open_or_ask(data, order)? {
        Reached::Journal(journal) => {
            let released = release_in(&journal, catalog, run, step, release);
            journal.close();
            Ok((released?, Effective::WithNextStart))
        }
        Reached::Engine(Answer::Released { step }) => Ok((step, Effective::Now)),
        Reached::Engine(other) => Err(unexpected(&other)),
    }
}

/// Ends a run: steps under way are not waited for. Blocks.
///
/// # Errors
/// A [`Failure`] where the data directory cannot be used, or where the run is not there or over.
pub fn cancel(data: &Path, catalog: &Catalog, run: RunId) -> Result<(), Failure> {
    match open_or_ask(data, Order::Cancel { run })? {
        Reached::Journal(journal) => {
            let cancelled = cancel_in(&journal, catalog, run);
            journal.close();
            cancelled
        }
        Reached::Engine(Answer::Cancelled) => Ok(()),
        Reached::Engine(other) => Err(unexpected(&other)),
    }
}

/// What stands behind a data directory.
pub(super) enum Reached {
    /// Nobody uses it.
    Journal(Journal),
    /// The engine that does has answered.
    Engine(Answer),
}

/// Opens the journal, or asks the engine that holds it.
pub(super) fn open_or_ask(data: &Path, order: Order) -> Result<Reached, Failure> {
    match Journal::open(data, JournalOptions::default()) {
        Ok(journal) => Ok(Reached::Journal(journal)),
        Err(error @ JournalError::InUse { .. }) => {
            door::ask(data, order).unwrap_or_else(|| Err(error.into())).map(Reached::Engine)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn unexpected(answer: &Answer) -> Failure {
    Failure::new(FailureKind::Machine, "The Flowyard that uses the data directory answered something else")
        .detail(format!("{answer:?}"))
        .hint("It may be of another version: end it, then try again.")
}

pub(super) fn not_under_way(run: RunId) -> Failure {
    wrong(FailureKind::NotFound, format!("There is no run {run} under way"))
}

fn wrong(kind: FailureKind, title: String) -> Failure {
    Failure::new(kind, title).hint("`flowyard log list --waiting` shows the runs that wait.")
}

/// Which of the parked steps is meant, and that it waits for this.
pub(super) fn choose(id: RunId, parked: &[(StepKey, Park)], asked: Option<&str>, release: &Release) -> Result<StepKey, Failure> {
    let names = || parked.iter().map(|(step, _)| step.to_string()).collect::<Vec<_>>().join(", ");
    let (chosen, on) = match (asked, parked) {
        (_, []) => return Err(wrong(FailureKind::NotFound, format!("No step of run {id} waits for a person"))),
        (None, [only]) => only,
        (None, _) => return Err(wrong(FailureKind::NotFound, format!("Several steps of run {id} wait")).detail(names())),
        (Some(asked), _) => parked.iter().find(|(it, _)| it.to_string() == asked).ok_or_else(|| {
            wrong(FailureKind::NotFound, format!("The step \"{asked}\" of run {id} does not wait"))
                .detail(format!("these do: {}", names()))
        })?,
    };
    if !release.answers(on) {
        let (what, hint) = match on {
            Park::Approval(_) => ("waits for an approval", "Approve or decline it, or mark it as failed."),
            _ => ("does not wait for an approval", "Repeat it, say that it is done, or mark it as failed."),
        };
        return Err(Failure::new(FailureKind::NotFound, format!("The step \"{chosen}\" of run {id} {what}")).hint(hint));
    }
    Ok(chosen.clone())
}

/// Replays a run that is not over.
pub(super) fn waiting(journal: &Journal, catalog: &Catalog, id: RunId) -> Result<Waiting, Failure> {
    let head = journal.run(id)?.ok_or_else(|| wrong(FailureKind::NotFound, format!("There is no run {id}")))?;
    if head.finished.is_some() {
        return Err(wrong(FailureKind::NotFound, format!("Run {id} is over")));
    }
    let text = journal.revision(&head.revision)?;
    let text = text.ok_or_else(|| wrong(FailureKind::Machine, format!("The flow of run {id} is not in the journal")))?;
    let flow = Flow::parse(text.as_bytes()).map_err(|error| wrong(FailureKind::Flow, error.to_string()))?;
    let program = Arc::new(Program::compile(&flow, catalog)?);
    let run = Run::replay(id, program, &journal.entries(id)?);
    let parked = run.parked_steps();
    Ok(Waiting { run, parked })
}

fn release_in(journal: &Journal, catalog: &Catalog, id: RunId, step: Option<&str>, release: Release) -> Result<StepKey, Failure> {
    let Waiting { mut run, parked } = waiting(journal, catalog, id)?;
    let chosen = choose(id, &parked, step, &release)?;
    let entry = run.release(&chosen, release, Clock::System.now());
    write(journal, id, entry.into_iter().collect())?;
    Ok(chosen)
}

fn cancel_in(journal: &Journal, catalog: &Catalog, id: RunId) -> Result<(), Failure> {
    let Waiting { mut run, .. } = waiting(journal, catalog, id)?;
    let now = Clock::System.now();
    let cancelled = Entry::Cancelled { by: "the command line".to_owned(), at: now };
    run.apply(&cancelled);
    let mut entries = vec![cancelled];
    entries.extend(run.next(now, &|_| false).entries);
    write(journal, id, entries)
}

pub(super) fn write(journal: &Journal, run: RunId, entries: Vec<Entry>) -> Result<(), Failure> {
    Ok(journal.append(Append { run, new: None, entries, exchanges: Vec::new() }).wait()?)
}
