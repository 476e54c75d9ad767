//! Connections that change while an engine is at work: steps that start from then on use them as they are now.
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::door::{self, Answer, Order};
use super::shared::Shared;
use super::{Connection, Secret, breaker, pin, release};
use crate::connector::Connections;
use crate::record::{Failure, FailureKind};

/// Reads the connections as they are now, each with its secret where that is not in the vault. May block.
#[derive(Clone)]
pub struct Reread(Arc<Read>);

type Read = dyn Fn() -> Result<Vec<(Connection, Option<Secret>)>, Failure> + Send + Sync;

impl Reread {
    /// By this function.
    pub fn new(read: impl Fn() -> Result<Vec<(Connection, Option<Secret>)>, Failure> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }
}

impl fmt::Debug for Reread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reread")
    }
}

/// Puts what is read in the place of what is known; where it cannot be read, that stays.
pub(super) async fn apply(shared: &Shared, reread: Option<Reread>) -> Result<usize, Failure> {
    let Some(Reread(read)) = reread else {
        let title = "The Flowyard at work does not read its connections anew";
        return Err(Failure::new(FailureKind::Machine, title).hint("Start it again."));
    };
    let unreadable = |error: tokio::task::JoinError| {
        Err(Failure::new(FailureKind::Machine, "The connections could not be read").detail(error.to_string()))
    };
    let read = tokio::task::spawn_blocking(move || read()).await.unwrap_or_else(unreadable)?;
    let connections = pin(shared.caller.vault(), read);
    let before = shared.connections();
    let is_new = |it: &Connection| before.get(&it.id).is_none_or(|old| old.base_url != it.base_url);
    let new: Connections = connections.iter().filter(|it| is_new(it)).map(|it| Connection::clone(it)).collect();
    // What an earlier start knew of their breakers holds on.
    breaker::restore(shared, &new).await?;
    let count = connections.iter().count();
    shared.caller.set_connections(connections.clone());
    shared.set_connections(connections);
    Ok(count)
}

/// Tells the engine that is at work on a data directory, if there is one, that connections changed: how many it knows now.
/// Blocks.
pub fn reread(data: &Path) -> Option<Result<usize, Failure>> {
    match door::ask(data, Order::Reread)? {
        Ok(Answer::Reread { connections }) => Some(Ok(connections)),
        Ok(other) => Some(Err(release::unexpected(&other))),
        Err(failure) => Some(Err(failure)),
    }
}
