//! Letting a parked step go on while nothing runs: the fact is written, and the next start goes on from there.
use std::path::Path;
use std::sync::Arc;

use super::{Clock, JournalOptions};
use crate::catalog::Catalog;
use crate::flow::Flow;
use crate::journal::{Append, Journal};
use crate::record::{Failure, FailureKind};
use crate::run::{Park, Program, Release, Run, RunId, StepKey};

/// An unfinished run, and its steps that wait for a person.
pub(super) struct Waiting {
    pub(super) run: Run,
    pub(super) parked: Vec<(StepKey, Park)>,
}

/// Writes down that a person let a parked step go on; none means the only one that waits. Blocks.
///
/// # Errors
/// A [`Failure`] where the data directory is in use (whoever uses it can release the step itself), where the run is not
/// there or over, or where the step does not wait, or not for this answer.
pub fn release(data: &Path, catalog: &Catalog, run: RunId, step: Option<&str>, release: Release) -> Result<StepKey, Failure> {
    let journal = Journal::open(data, JournalOptions::default())?;
    let released = release_in(&journal, catalog, run, step, release);
    journal.close();
    released
}

fn wrong(kind: FailureKind, title: String) -> Failure {
    Failure::new(kind, title).hint("`flowyard log list --waiting` shows the runs that wait.")
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
    let names = || parked.iter().map(|(step, _)| step.to_string()).collect::<Vec<_>>().join(", ");
    let (chosen, on) = match (step, parked.as_slice()) {
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
    let entry = run.release(chosen, release, Clock::System.now());
    let append = Append { run: id, new: None, entries: entry.into_iter().collect(), exchanges: Vec::new() };
    journal.append(append).wait()?;
    Ok(chosen.clone())
}
