//! Gathers what speaks for making a flow live, for the command line and the window.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::accounts::{Bindings, Desk, Slots};
use crate::catalog::Catalog;
use crate::cli::exit::Error;
use crate::cli::{bind, connections};
use crate::engine::log::{Filter, Journal, OutcomeKind};
use crate::engine::{self, Connection, ConnectionId};
use crate::flow::Flow;
use crate::published::{self, Evidence, Published, Scope};
use crate::record::{Failure, FailureKind};

/// Reads it all. Blocks.
///
/// # Errors
/// If what is published, or a log, cannot be read.
pub(in crate::cli) fn gather(
    flow: &Arc<Flow>,
    environment: &str,
    desk: &Desk,
    catalog: &Catalog,
    sandboxes: &[PathBuf],
) -> Result<Evidence, Failure> {
    let published = Published::read(desk.data())?;
    let live = published.live(desk.data(), &flow.id).unwrap_or_default();
    let changes = live.as_ref().map(|it| published::changes(it, flow));
    let slots = bind::stands(flow, environment, desk, catalog).map_err(in_words);
    let (mut lacking, mut surplus, mut shut) = (Vec::new(), Vec::new(), Vec::new());
    // What else is live keeps its scopes.
    let (others, _) = published.on(desk.data());
    let flows: Vec<&Flow> =
        std::iter::once(&**flow).chain(others.iter().map(|(it, _)| &**it).filter(|it| it.id != flow.id)).collect();
    let used = used(flow, environment, desk, catalog)?;
    let ids: BTreeSet<ConnectionId> = used.iter().map(|(id, _)| id.clone()).collect();
    for (id, name) in used {
        let asking = desk.asking(&id, &flows, None)?;
        let Some(granted) = &asking.granted else { continue };
        for scope in asking.scopes.iter().filter(|it| !granted.contains(it)) {
            lacking.push(Scope { connection: name.clone(), scope: scope.clone(), reason: asking.reason(scope) });
        }
        for scope in granted.iter().filter(|it| !asking.scopes.contains(it)) {
            surplus.push(Scope { connection: name.clone(), scope: scope.clone(), reason: String::new() });
        }
    }
    for it in desk.entries()?.iter().filter(|it| ids.contains(&it.connection.id) && !it.state.works()) {
        shut.push((it.connection.name.clone(), it.state.in_words().to_owned()));
    }
    let tested = sandboxes.iter().map(|it| tested(it, flow)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().max();
    let (environment, revision) = (environment.to_owned(), flow.content_hash());
    Ok(Evidence { environment, revision, changes, slots, lacking, surplus, shut, tested })
}

fn in_words(error: Error) -> Failure {
    error.failure.map_or_else(|| Failure::new(FailureKind::Flow, "A connection is missing"), |it| *it)
}

/// The connections that a flow would use, each with what a person calls it.
fn used(flow: &Flow, environment: &str, desk: &Desk, catalog: &Catalog) -> Result<Vec<(ConnectionId, String)>, Failure> {
    let (bound, kept) = (connections::read(desk)?, Bindings::read(desk.data())?);
    let all: Vec<&Connection> = bound.iter().map(|(it, _)| it).collect();
    let Ok(slots) = bind::resolve(flow, &[], Slots { connections: &all, kept: &kept, environment }, catalog) else {
        return Ok(Vec::new());
    };
    let ids: BTreeSet<ConnectionId> = slots.into_values().flatten().collect();
    let named = |id: ConnectionId| all.iter().find(|it| it.id == id).map(|it| (id, it.name.clone()));
    Ok(ids.into_iter().filter_map(named).collect())
}

/// When a flow as it is now last succeeded in the sandbox whose log this is.
fn tested(log: &Path, flow: &Flow) -> Result<Option<Timestamp>, Failure> {
    if !engine::has_log(log) {
        return Ok(None);
    }
    let reader = Journal::open_reader(log).map_err(Failure::from)?;
    let filter = Filter { flow: Some(flow.id.clone()), outcome: Some(OutcomeKind::Succeeded), limit: 1_000, ..Filter::default() };
    let revision = flow.content_hash();
    let runs = reader.runs(&filter).map_err(Failure::from)?;
    Ok(runs.into_iter().find(|it| *it.revision.0 == *revision && it.mode == engine::Mode::Sandbox).and_then(|it| it.finished))
}
