//! Letting a parked step go on while nothing runs: the fact is written, and the next start goes on from there.
use std::path::Path;
use std::sync::Arc;

use super::{Clock, JournalOptions};
use crate::catalog::Catalog;
use crate::flow::Flow;
use crate::journal::{Append, Journal};
use crate::record::{Failure, FailureKind};
use crate::run::{Program, Release, Run, RunId, StepKey};

/// Writes down that a person let a parked step go on; none means the only one that waits. Blocks.
///
/// # Errors
/// A [`Failure`] where the data directory is in use (whoever uses it can release the step itself), where the run is not
/// there or over, or where the step does not wait.
pub fn release(data: &Path, catalog: &Catalog, run: RunId, step: Option<&str>, release: Release) -> Result<StepKey, Failure> {
    let journal = Journal::open(data, JournalOptions::default())?;
    let released = release_in(&journal, catalog, run, step, release);
    journal.close();
    released
}

fn release_in(journal: &Journal, catalog: &Catalog, id: RunId, step: Option<&str>, release: Release) -> Result<StepKey, Failure> {
    let wrong = |kind, title: String| Failure::new(kind, title).hint("`flowyard log list --waiting` shows the runs that wait.");
    let head = journal.run(id)?.ok_or_else(|| wrong(FailureKind::NotFound, format!("There is no run {id}")))?;
    if head.finished.is_some() {
        return Err(wrong(FailureKind::NotFound, format!("Run {id} is over")));
    }
    let text = journal.revision(&head.revision)?;
    let text = text.ok_or_else(|| wrong(FailureKind::Machine, format!("The flow of run {id} is not in the journal")))?;
    let flow = Flow::parse(text.as_bytes()).map_err(|error| wrong(FailureKind::Flow, error.to_string()))?;
    let program = Arc::new(Program::compile(&flow, catalog)?);
    let entries = journal.entries(id)?;
    let mut run = Run::replay(id, program, &entries);
    let waiting: Vec<StepKey> = run.parked_steps().into_iter().map(|(step, _)| step).collect();
    let names = || waiting.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let chosen = match (step, waiting.as_slice()) {
        (_, []) => return Err(wrong(FailureKind::NotFound, format!("No step of run {id} waits for a person"))),
        (None, [only]) => only.clone(),
        (None, _) => return Err(wrong(FailureKind::NotFound, format!("Several steps of run {id} wait")).detail(names())),
        (Some(asked), _) => waiting.iter().find(|it| it.to_string() == asked).cloned().ok_or_else(|| {
            wrong(FailureKind::NotFound, format!("The step \"{asked}\" of run {id} does not wait"))
                .detail(format!("these do: {}", names()))
        })?,
    };
    let entry = run.release(&chosen, release, Clock::System.now());
    let append = Append { run: id, new: None, entries: entry.into_iter().collect(), exchanges: Vec::new() };
    journal.append(append).wait()?;
    Ok(chosen)
}
