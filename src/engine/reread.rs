//! Connections and flows that change while an engine is at work: what starts from then on uses them as they are now.
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::door::{self, Answer, Order};
use super::shared::Shared;
use super::{Connection, Deployment, Secret, breaker, deploy, pin, release};
use crate::connector::Connections;
use crate::flow::FlowId;
use crate::record::{Failure, FailureKind};

/// Reads the connections as they are now, each with its secret where that is not in the vault; and the flows that are on, where
/// they can change. May block.
#[derive(Clone)]
pub struct Reread {
    connections: Arc<Read>,
    flows: Option<Arc<ReadFlows>>,
    /// Those of them that the engine knows already.
    known: BTreeSet<FlowId>,
}

type Read = dyn Fn() -> Result<Vec<(Connection, Option<Secret>)>, Failure> + Send + Sync;
type ReadFlows = dyn Fn() -> Result<Vec<Deployment>, Failure> + Send + Sync;

/// What was read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewed {
    /// Connections that there are.
    pub connections: usize,
    /// Flows that are on.
    pub flows: usize,
}

impl Reread {
    /// By this function.
    pub fn new(read: impl Fn() -> Result<Vec<(Connection, Option<Secret>)>, Failure> + Send + Sync + 'static) -> Self {
        Self { connections: Arc::new(read), flows: None, known: BTreeSet::new() }
    }

    /// The same, with the flows that are on; the engine was started with these of them.
    #[must_use]
    pub fn with_flows(
        mut self,
        known: impl IntoIterator<Item = FlowId>,
        read: impl Fn() -> Result<Vec<Deployment>, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.flows = Some(Arc::new(read));
        self.known = known.into_iter().collect();
        self
    }
}

impl fmt::Debug for Reread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reread")
    }
}

/// Puts what is read in the place of what is known; where it cannot be read, that stays.
pub(super) async fn apply(shared: &Arc<Shared>, reread: Option<&mut Reread>) -> Result<Renewed, Failure> {
    let Some(reread) = reread else {
        let title = "The Flowyard at work does not read its connections anew";
        return Err(Failure::new(FailureKind::Machine, title).hint("Start it again."));
    };
    let read = Arc::clone(&reread.connections);
    let connections = pin(shared.caller.vault(), away(move || read()).await?);
    let before = shared.connections();
    let is_new = |it: &Connection| before.get(&it.id).is_none_or(|old| old.base_url != it.base_url);
    let new: Connections = connections.iter().filter(|it| is_new(it)).map(|it| Connection::clone(it)).collect();
    // What an earlier start knew of their breakers holds on.
    breaker::restore(shared, &new).await?;
    let count = connections.iter().count();
    shared.caller.set_connections(connections.clone());
    shared.set_connections(connections);
    if let Some(read) = reread.flows.clone() {
        let flows = away(move || read()).await?;
        reread.known = renew(shared, &reread.known, flows).await;
    }
    Ok(Renewed { connections: count, flows: shared.listening().len() })
}

/// Flows that are new, or others than they were, take the place of what is known; those that are off are forgotten, and what they
/// began goes on.
async fn renew(shared: &Arc<Shared>, known: &BTreeSet<FlowId>, flows: Vec<Deployment>) -> BTreeSet<FlowId> {
    let mut on = BTreeSet::new();
    for deployment in flows {
        let id = deployment.flow.id.clone();
        let is_same = shared.deployed(&id).is_some_and(|it| {
            it.listens && *it.program.revision.0 == *deployment.flow.content_hash() && it.bindings == deployment.bindings
        });
        if !is_same && let Err(failure) = deploy::deploy(shared, deployment).await {
            tracing::warn!(flow = %id, %failure, "a flow could not be switched on");
            shared.trouble(failure);
        }
        on.insert(id);
    }
    for gone in known.difference(&on) {
        shared.remove_flow(gone);
    }
    on
}

async fn away<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    let unreadable = |error: tokio::task::JoinError| {
        Err(Failure::new(FailureKind::Machine, "Connections and flows could not be read").detail(error.to_string()))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(unreadable)
}

/// Tells the engine that is at work on a data directory, if there is one, that connections or flows changed: what it knows now.
/// Blocks.
pub fn reread(data: &Path) -> Option<Result<Renewed, Failure>> {
    match door::ask(data, Order::Reread)? {
        Ok(Answer::Reread { connections, flows }) => Some(Ok(Renewed { connections, flows })),
        Ok(other) => Some(Err(release::unexpected(&other))),
        Err(failure) => Some(Err(failure)),
    }
}
