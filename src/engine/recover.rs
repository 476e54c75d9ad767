//! Going on with what an earlier process left unfinished.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::drive::Driver;
use super::shared::Shared;
use super::{Mode, deploy};
use crate::flow::Flow;
use crate::journal::{Journal, JournalError};
use crate::record::{Failure, FailureKind};
use crate::run::{Program, Release, Revision, RunId, StepKey};

/// Runs that call one another are not looked at beyond so many.
const DEEPEST: u32 = 64;

/// Loads every unfinished run, and drives it on: all of them can be reached before the first goes on, since a run may wait
/// for another one. A run that cannot go on stays where it is, and is told of.
pub(super) async fn recover(shared: &Arc<Shared>) -> Result<(), Failure> {
    let journal = shared.journal.clone();
    let unfinished = blocking(move || journal.unfinished()).await?;
    let mut drivers = Vec::with_capacity(unfinished.len());
    for id in unfinished {
        match restore(shared, id).await {
            Ok((driver, _)) => drivers.push(driver),
            Err(failure) => {
                tracing::warn!(run = id.0, %failure, "a run could not go on");
                shared.trouble(failure);
            }
        }
    }
    drivers.into_iter().for_each(Driver::go_on);
    Ok(())
}

/// Goes on with a run that an earlier process left waiting, since a person says how; an engine that does not recover by itself
/// leaves all others where they are. With it come the runs that called it and those that they called: they wait for one
/// another. What else of them was cut short is repeated, looked up or parked as in any recovery.
///
/// # Errors
/// If there is no such run, if it is over, or if its step does not wait, or not for this; nothing has happened then.
pub(super) async fn wake(shared: &Arc<Shared>, id: RunId, step: Option<String>, release: Release) -> Result<StepKey, Failure> {
    let (journal, mode) = (shared.journal.clone(), shared.mode);
    let found = blocking(move || Ok((journal.run(id)?, family(&journal, id)?)));
    let (head, family) = found.await?;
    let refused = |title: String| {
        Failure::new(FailureKind::NotFound, title).hint("`flowyard log list --waiting` shows the runs that wait.")
    };
    let head = head.ok_or_else(|| refused(format!("There is no run {id}")))?;
    if head.finished.is_some() {
        return Err(refused(format!("Run {id} is over")));
    }
    if head.mode != mode {
        let place = if head.mode == Mode::Live { "with the real services" } else { "in the sandbox" };
        return Err(Failure::new(FailureKind::Flow, format!("Run {id} was begun {place}, and can only go on there"))
            .hint("`flowyard serve` goes on with it, with the connections that it was begun with."));
    }
    let (mut first, flow) = restore(shared, id).await?;
    let chosen = first.release(step.as_deref(), release)?;
    know(shared, &flow);
    let mut drivers = vec![first];
    for other in family.into_iter().filter(|it| *it != id && shared.control(*it).is_none()) {
        match restore(shared, other).await {
            Ok((driver, flow)) => {
                know(shared, &flow);
                drivers.push(driver);
            }
            Err(failure) => {
                tracing::warn!(run = other.0, %failure, "a run could not go on");
                shared.trouble(failure);
            }
        }
    }
    drivers.into_iter().for_each(Driver::go_on);
    Ok(chosen)
}

/// The unfinished runs that have the same first run above them as this one, itself among them.
fn family(journal: &Journal, id: RunId) -> Result<Vec<RunId>, JournalError> {
    let root = |run: RunId| {
        let mut root = run;
        for _ in 0..DEEPEST {
            let Some((parent, _)) = journal.run(root)?.and_then(|it| it.parent) else { break };
            root = parent;
        }
        Ok::<RunId, JournalError>(root)
    };
    let own = root(id)?;
    let mut family = Vec::new();
    for run in journal.unfinished()? {
        if root(run)? == own {
            family.push(run);
        }
    }
    Ok(family)
}

/// Makes a flow known as a run has it, so that another that called it finds it, where none of its name is known.
pub(super) fn know(shared: &Shared, text: &str) {
    let Ok(flow) = Flow::parse(text.as_bytes()) else { return };
    if shared.deployed(&flow.id).is_some() {
        return;
    }
    if let Ok(program) = program(shared, &Revision(flow.content_hash().into()), text) {
        shared.insert_flow(flow.id.clone(), Arc::new(deploy::known(&flow, program, BTreeMap::new(), false, shared.clock.now())));
    }
}

/// A run as it was left, and its flow's document.
async fn restore(shared: &Arc<Shared>, id: RunId) -> Result<(Box<Driver>, String), Failure> {
    let journal = shared.journal.clone();
    let found = blocking(move || {
        let head = journal.run(id)?;
        let text = match &head {
            Some(head) => journal.revision(&head.revision)?,
            None => None,
        };
        let mut depth = 0;
        let mut parent = head.as_ref().and_then(|it| it.parent.as_ref().map(|(run, _)| *run));
        while let (Some(run), true) = (parent, depth < DEEPEST) {
            depth += 1;
            parent = journal.run(run)?.and_then(|it| it.parent.map(|(run, _)| run));
        }
        Ok((head, text, journal.entries(id)?, depth))
    });
    let (head, text, entries, depth) = found.await?;
    let lost = |what: &str| {
        Failure::new(FailureKind::Machine, format!("Run {id} cannot go on: {what}"))
            .hint("It stays in the log as unfinished; start it again by hand if it is still wanted.")
    };
    let head = head.ok_or_else(|| lost("its head is not in the journal"))?;
    let text = text.ok_or_else(|| lost("its revision of the flow is not in the journal"))?;
    let program = program(shared, &head.revision, &text)
        .map_err(|failure| lost("its flow cannot be read any more").detail(failure.to_string()))?;
    Ok((Driver::restore(shared, id, &program, &entries, depth)?, text))
}

fn program(shared: &Shared, revision: &Revision, text: &str) -> Result<Arc<Program>, Failure> {
    shared.program(revision, || {
        let flow = Flow::parse(text.as_bytes()).map_err(|error| Failure::new(FailureKind::Flow, error.to_string()))?;
        Program::compile(&flow, &shared.catalog)
    })
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Failure::from),
        Err(error) => Err(Failure::new(FailureKind::Machine, "The journal could not be read").detail(error.to_string())),
    }
}
