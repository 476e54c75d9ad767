//! Looking at services for what they do not tell: one feed for everything that is asked in the same way of the same account,
//! however many flows wait for it.
//!
//! Invariant: how far a feed has looked belongs to the connection and to what is asked, never to a flow or its version; it is
//! written down after the runs that it started, so that a crash in between finds the same events again, and the journal
//! takes each only once.
//! Invariant: a flow gets the events of looks that began after it was switched on.
mod feed;
mod pages;
mod sift;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use self::feed::Feed;
use crate::catalog::{Event, OperationId};
use crate::connector::ConnectionId;
use crate::engine::shared::{Deployed, Shared};
use crate::flow::{NodeId, Trigger, Watch};

/// Looks under way at a time.
const AT_ONCE: usize = 16;

/// What is asked, and of whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FeedId {
    connection: ConnectionId,
    event: OperationId,
    /// What a person chose of it, as JSON.
    input: String,
    ahead_ms: Option<i64>,
}

/// A trigger that waits for what a feed finds.
#[derive(Clone)]
pub(super) struct Subscriber {
    deployed: Arc<Deployed>,
    trigger: NodeId,
    watch: Watch,
    /// What a person chose of the poll.
    input: BTreeMap<String, Value>,
    /// The event that the service tells, where the feed only makes up for lost messages.
    told: Option<&'static Event>,
}

impl FeedId {
    /// Where its marks are kept.
    fn scope(&self) -> String {
        let ahead = self.ahead_ms.map(|it| format!("|{it}")).unwrap_or_default();
        format!("poll:{}|{}|{}{ahead}", self.connection, self.event, self.input)
    }
}

/// Keeps a feed for everything that some flow waits for, until the engine stops.
pub(super) async fn stand(shared: Arc<Shared>) {
    let mut changes = shared.changes();
    let stopped = shared.stopped();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut feeds: HashMap<FeedId, (watch::Sender<Vec<Subscriber>>, CancellationToken)> = HashMap::new();
    loop {
        changes.mark_unchanged();
        let wanted = wanted(&shared);
        let mut counts = HashMap::new();
        for it in wanted.keys() {
            *counts.entry(it.connection.clone()).or_default() += 1;
        }
        shared.set_feeds(counts);
        feeds.retain(|id, (_, gone)| {
            let stays = wanted.contains_key(id);
            if !stays {
                gone.cancel();
            }
            stays
        });
        for (id, subscribers) in wanted {
            if let Some((sender, _)) = feeds.get(&id) {
                sender.send_replace(subscribers);
                continue;
            }
            let Some(event) = Event::find(&id.event) else { continue };
            let (sender, receiver) = watch::channel(subscribers);
            let gone = CancellationToken::new();
            let feed = Feed::new(Arc::clone(&shared), id.clone(), event, receiver, Arc::clone(&places));
            let until = gone.clone();
            let stop = stopped.clone();
            shared.tasks.spawn(async move {
                tokio::select! {
                    () = until.cancelled() => {}
                    () = stop.cancelled() => {}
                    () = feed.stand() => {}
                }
            });
            feeds.insert(id, (sender, gone));
        }
        tokio::select! {
            () = stopped.cancelled() => return,
            it = changes.changed() => if it.is_err() { return },
        }
    }
}

/// What the flows that are on wait for, by how it is asked.
fn wanted(shared: &Shared) -> BTreeMap<FeedId, Vec<Subscriber>> {
    let mut wanted: BTreeMap<FeedId, Vec<Subscriber>> = BTreeMap::new();
    for deployed in shared.listening() {
        for (node, trigger) in &deployed.triggers {
            let Trigger::Event { event: id, slot, input, watch, .. } = trigger else { continue };
            let Some(event) = Event::find(id) else { continue };
            let (asked, told) = match &event.reconciled_by {
                Some(poll) if watch.reconcile => (poll, Some(event)),
                _ if event.poll().is_some() => (id, None),
                _ => continue,
            };
            // One that is not bound yet says so when it is run; its feed begins once it is.
            let Ok(connection) = shared.connection(&deployed.program.flow, slot, Some(id.connector())) else { continue };
            let feed = FeedId {
                connection: connection.id.clone(),
                event: asked.clone(),
                input: serde_json::to_string(input).unwrap_or_default(),
                ahead_ms: watch.ahead_ms(),
            };
            wanted.entry(feed).or_default().push(Subscriber {
                deployed: Arc::clone(&deployed),
                trigger: node.clone(),
                watch: watch.clone(),
                input: input.clone(),
                told,
            });
        }
    }
    wanted
}
