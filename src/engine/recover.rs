//! Going on with what an earlier process left unfinished.
use std::sync::Arc;

use super::drive::Driver;
use super::shared::Shared;
use crate::flow::Flow;
use crate::record::{Failure, FailureKind};
use crate::run::{Program, Revision, RunId};

/// Loads every unfinished run, and drives it on: all of them can be reached before the first goes on, since a run may wait
/// for another one. A run that cannot go on stays where it is, and is told of.
pub(super) async fn recover(shared: &Arc<Shared>) -> Result<(), Failure> {
    let journal = shared.journal.clone();
    let unfinished = blocking(move || journal.unfinished()).await?;
    let mut drivers = Vec::with_capacity(unfinished.len());
    for id in unfinished {
        match restore(shared, id).await {
            Ok(driver) => drivers.push(driver),
            Err(failure) => {
                tracing::warn!(run = id.0, %failure, "a run could not go on");
                shared.trouble(failure);
            }
        }
    }
    drivers.into_iter().for_each(Driver::go_on);
    Ok(())
}

async fn restore(shared: &Arc<Shared>, id: RunId) -> Result<Driver, Failure> {
    let journal = shared.journal.clone();
    let found = blocking(move || {
        let head = journal.run(id)?;
        let text = match &head {
            Some(head) => journal.revision(&head.revision)?,
            None => None,
        };
        let mut depth = 0;
        let mut parent = head.as_ref().and_then(|it| it.parent.as_ref().map(|(run, _)| *run));
        while let (Some(run), true) = (parent, depth < 64) {
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
    Driver::restore(shared, id, &program, &entries, depth)
}

fn program(shared: &Shared, revision: &Revision, text: &str) -> Result<Arc<Program>, Failure> {
    shared.program(revision, || {
        let flow = Flow::parse(text.as_bytes()).map_err(|error| Failure::new(FailureKind::Flow, error.to_string()))?;
        Program::compile(&flow, &shared.catalog)
    })
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, crate::journal::JournalError> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Failure::from),
        Err(error) => Err(Failure::new(FailureKind::Machine, "The journal could not be read").detail(error.to_string())),
    }
}
