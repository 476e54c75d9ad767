//! Breakers outlive the process, so that a restart is no way around them.
//!
//! Invariant: what an answer did to a breaker is on disk before what came of that call is.
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::door::{Answer, Order};
use super::release::{self, Effective, Reached, Waiting};
use super::shared::Shared;
use super::{Clock, ConnectionId};
use crate::catalog::Catalog;
use crate::connector::{BreakerState, Connection, Connections};
use crate::journal::Journal;
use crate::record::Failure;
use crate::run::{Park, Release, RunId, StepKey};

/// Where the journal keeps them, by connection.
const SCOPE: &str = "breaker";

/// A breaker on disk. It is about a service at an address: whoever points the connection elsewhere begins anew.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    base_url: String,
    #[serde(flatten)]
    state: BreakerState,
}

/// Sets the breakers of these connections to what an earlier process left.
pub(super) async fn restore(shared: &Shared, connections: &Connections) -> Result<(), Failure> {
    for connection in connections.iter().cloned() {
        let journal = shared.journal.clone();
        let id = connection.id.clone();
        let saved = super::recover::blocking(move || journal.state(SCOPE, id.as_str())).await?;
        match saved.map(serde_json::from_value::<Option<Saved>>) {
            Some(Ok(Some(saved))) if saved.base_url == connection.base_url => {
                shared.caller.restore_breaker(connection.id.clone(), saved.state);
            }
            Some(Err(error)) => tracing::warn!(connection = %connection.id, %error, "a saved breaker could not be read"),
            None | Some(Ok(_)) => {}
        }
    }
    Ok(())
}

/// Writes down what the last call did to its connection's breaker, if it did anything.
pub(super) async fn save(shared: &Shared, connection: &Connection) {
    let Some(state) = shared.caller.unsaved_breaker(&connection.id) else { return };
    let saved = Saved { base_url: connection.base_url.clone(), state };
    let value = serde_json::to_value(saved).unwrap_or_default();
    // What came of the call itself is written next, and that is retried until it succeeds or told of.
    if let Err(error) = shared.journal.put_state(SCOPE, connection.id.as_str(), &value).await {
        tracing::warn!(connection = %connection.id, %error, "a breaker could not be saved");
    }
}

/// What [`resume`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Resumed {
    /// Whether requests had been stopped.
    pub was_stopped: bool,
    /// The steps that waited for it.
    pub released: Vec<(RunId, StepKey)>,
}

/// Closes a connection's breaker, and lets the steps go on that wait for it or for a sign-in. Blocks.
///
/// # Errors
/// A [`Failure`] where the data directory cannot be used.
pub fn resume(data: &Path, catalog: &Catalog, connection: &ConnectionId) -> Result<(Resumed, Effective), Failure> {
    match release::open_or_ask(data, Order::Resume { connection: connection.as_str().to_owned() })? {
        Reached::Journal(journal) => {
            let resumed = resume_in(&journal, catalog, connection);
            journal.close();
            Ok((resumed?, Effective::WithNextStart))
        }
        Reached::Engine(Answer::Resumed(resumed)) => Ok((resumed, Effective::Now)),
        Reached::Engine(other) => Err(release::unexpected(&other)),
    }
}

fn resume_in(journal: &Journal, catalog: &Catalog, connection: &ConnectionId) -> Result<Resumed, Failure> {
    let saved = journal.state(SCOPE, connection.as_str())?;
    let state = saved.and_then(|it| serde_json::from_value::<Saved>(it).ok()).map(|it| it.state);
    let was_stopped = state.is_some_and(|it| !matches!(it, BreakerState::Closed { .. }));
    journal.put_state(SCOPE, connection.as_str(), &Value::Null).wait()?;
    let mut released = Vec::new();
    for id in journal.unfinished()? {
        let Ok(Waiting { mut run, parked }) = release::waiting(journal, catalog, id) else { continue };
        let waits = |on: &Park| matches!(on, Park::Breaker(it) | Park::SignIn(it) if it == connection.as_str());
        let mut entries = Vec::new();
        for (step, _) in parked.into_iter().filter(|(_, on)| waits(on)) {
            entries.extend(run.release(&step, Release::Repeat, Clock::System.now()));
            released.push((id, step));
        }
        if !entries.is_empty() {
            release::write(journal, id, entries)?;
        }
    }
    Ok(Resumed { was_stopped, released })
}
