//! Looking at services for what they do not tell: one feed for everything that is asked in the same way of the same account,
//! however many flows wait for it.
//!
//! Invariant: how far a feed has looked belongs to the connection and to what is asked, never to a flow or its version; it is
//! written down after the runs that it started, so that a crash in between finds the same events again, and the journal
//! takes each only once.
//! Invariant: a flow gets the events of looks that began after it was switched on.
mod begin;
mod come;
mod feed;
mod last;
mod newest;
mod pacing;
mod pages;
mod read;
mod sift;
mod spread;
mod start;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use self::feed::Feed;
pub(in crate::engine) use self::newest::newest;
use self::spread::Spread;
use crate::catalog::{Counts, Event, OperationId};
use crate::connector::ConnectionId;
use crate::engine::shared::{Deployed, Shared};
use crate::flow::{Coming, Dated, NodeId, Trigger, Watch};
use crate::journal::{JournalError, Mode};

/// What the scopes of the journal begin with in which marks are kept.
const KEPT: &str = "poll:";
/// Looks under way at a time.
const AT_ONCE: usize = 16;

/// What is asked, and of whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FeedId {
    connection: ConnectionId,
    /// Where its service is: another place is another account, a sandbox that was started anew for example.
    place: String,
    asked: AskedFor,
}

/// What is asked, of whomever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct AskedFor {
    event: OperationId,
    /// What a person chose of it, as JSON.
    input: String,
    ahead_ms: Option<i64>,
    /// Which date of a record, and how long before it, where that is what comes.
    date: Option<(Dated, String)>,
}

impl AskedFor {
    /// What a trigger asks; none where nothing is found by looking, or nobody could say when it comes.
    fn by(trigger: &Trigger) -> Option<Self> {
        let Trigger::Event { event: id, input, watch, .. } = trigger else { return None };
        let event = Event::find(id)?;
        let asked = match &event.reconciled_by {
            Some(poll) if watch.reconcile => poll,
            _ if event.poll().is_some() => id,
            _ => return None,
        };
        let is_dated = Event::find(asked).and_then(Event::poll).is_some_and(|it| matches!(it.counts, Counts::Dated { .. }));
        // What a person calls it is no other date.
        let date = watch.date.clone().filter(|_| is_dated).map(|it| Dated { name: String::new(), ..it });
        let date = date.map(|it| (it, watch.ahead.trim().to_owned()));
        if is_dated && date.as_ref().is_none_or(|(it, ahead)| it.coming(ahead).is_err()) {
            return None;
        }
        Some(Self {
            event: asked.clone(),
            input: serde_json::to_string(input).unwrap_or_default(),
            ahead_ms: watch.ahead_ms().filter(|_| !is_dated),
            date,
        })
    }

    /// What it is called where its marks are kept.
    fn name(&self) -> String {
        let ahead = self.ahead_ms.map(|it| format!("|{it}")).unwrap_or_default();
        let date = self.date.as_ref().and_then(|it| serde_json::to_string(it).ok());
        let date = date.map(|it| format!("|{it}")).unwrap_or_default();
        format!("{}|{}{ahead}{date}", self.event, self.input)
    }

    /// How the dates of records become times; none where it is no date that comes.
    fn coming(&self) -> Option<Coming> {
        self.date.as_ref().and_then(|(date, ahead)| date.coming(ahead).ok())
    }
}

/// Whether what is kept of a feed under `key`, as [`last::keep`] has it, is of what a trigger asks.
pub(in crate::engine) fn is_asked_by(key: &str, trigger: &Trigger) -> bool {
    AskedFor::by(trigger).is_some_and(|it| key.strip_suffix(&it.name()).is_some_and(|it| it.ends_with('|')))
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

/// Who waits for what.
type Wanted = BTreeMap<FeedId, Vec<Subscriber>>;

/// What all feeds have in common.
pub(super) struct Common {
    /// Looks under way.
    places: Semaphore,
    /// What is wanted, and as of which change of the flows and connections: each look asks for it.
    wanted: Mutex<Option<(u64, Arc<Wanted>)>>,
}

impl Common {
    fn new() -> Self {
        Self { places: Semaphore::new(AT_ONCE), wanted: Mutex::default() }
    }

    /// Who waits for what now.
    fn wanted(&self, shared: &Shared) -> Arc<Wanted> {
        // Read first: what changes meanwhile is found by whoever asks next.
        let change = *shared.changes().borrow();
        let mut known = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((at, wanted)) if *at == change => Arc::clone(wanted),
            _ => {
                let wanted = Arc::new(wanted(shared));
                *known = Some((change, Arc::clone(&wanted)));
                wanted
            }
        }
    }
}

impl FeedId {
    /// What the marks of all feeds of an account begin with.
    fn of_place(connection: &ConnectionId, place: &str) -> String {
        format!("{KEPT}{connection}|{place}|")
    }

    /// Where its marks are kept.
    fn scope(&self) -> String {
        format!("{}{}", Self::of_place(&self.connection, &self.place), self.asked.name())
    }
}

/// Keeps a feed for everything that some flow waits for, until the engine stops. Who asked for a look since `nudges` was taken gets one,
/// also where that was before the feeds were there.
pub(super) async fn stand(shared: Arc<Shared>, nudges: watch::Receiver<u64>) {
    if shared.mode == Mode::Sandbox {
        forget_gone(&shared).await;
    }
    let old = Arc::clone(&shared);
    drop(tokio::task::spawn_blocking(move || super::told::forget_old(&old)));
    let mut changes = shared.changes();
    let stopped = shared.stopped();
    let common = Arc::new(Common::new());
    // Those that are there at the start; who comes later is looked for at once.
    let mut spread = Spread::new(common.wanted(&shared).keys(), &looked_before(&shared).await);
    let mut feeds: HashMap<FeedId, (watch::Sender<Vec<Subscriber>>, CancellationToken)> = HashMap::new();
    loop {
        changes.mark_unchanged();
        let wanted = common.wanted(&shared);
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
        for (id, subscribers) in &*wanted {
            let (id, subscribers) = (id.clone(), subscribers.clone());
            if let Some((sender, _)) = feeds.get(&id) {
                sender.send_replace(subscribers);
                continue;
            }
            let Some(event) = Event::find(&id.asked.event) else { continue };
            let (sender, receiver) = watch::channel(subscribers);
            let gone = CancellationToken::new();
            let mut feed = Feed::new(Arc::clone(&shared), id.clone(), event, receiver, Arc::clone(&common));
            feed.nudges = nudges.clone();
            let first_ms = spread.first_ms(&id, feed.wait_ms());
            // From now on, however long it takes to read what it remembers.
            feed.first_at = (first_ms > 0).then(|| feed.after(first_ms));
            let (until, stop, left, scope) = (gone.clone(), stopped.clone(), Arc::clone(&shared), id.scope());
            shared.tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    // Whoever switched it off does not want later what happens meanwhile.
                    () = until.cancelled() => begin::leave(&left, &scope).await,
                    () = feed.stand() => {}
                }
            });
            feeds.insert(id, (sender, gone));
        }
        spread = Spread::default();
        tokio::select! {
            () = stopped.cancelled() => return,
            it = changes.changed() => if it.is_err() { return },
        }
    }
}

/// The scopes of the feeds that have looked before.
async fn looked_before(shared: &Arc<Shared>) -> BTreeSet<String> {
    let journal = shared.journal.clone();
    let read = tokio::task::spawn_blocking(move || journal.reader().scopes(KEPT)).await;
    read.ok().and_then(Result::ok).unwrap_or_default().into_iter().collect()
}

/// Forgets what was seen at imitations that are gone.
async fn forget_gone(shared: &Arc<Shared>) {
    let known: Vec<String> = shared.connections().iter().map(|it| FeedId::of_place(&it.id, &it.base_url)).collect();
    let (journal, of) = (shared.journal.clone(), Arc::clone(shared));
    let forget = move || {
        last::forget(&of, &known)?;
        for scope in journal.reader().scopes(KEPT)? {
            if known.iter().any(|it| scope.starts_with(it)) {
                continue;
            }
            for (key, _) in journal.reader().states(&scope)? {
                drop(journal.put_state(&scope, &key, &Value::Null));
            }
        }
        Ok::<_, JournalError>(())
    };
    if let Ok(Err(error)) = tokio::task::spawn_blocking(forget).await {
        tracing::warn!(%error, "what was seen at an earlier sandbox could not be forgotten");
    }
}

/// What the flows that are on wait for, by how it is asked.
fn wanted(shared: &Shared) -> Wanted {
    let mut wanted = Wanted::new();
    for deployed in shared.listening() {
        for (node, trigger) in &deployed.triggers {
            if let Some((feed, subscriber)) = subscription(shared, &deployed, node, trigger) {
                wanted.entry(feed).or_default().push(subscriber);
            }
        }
    }
    wanted
}

/// What a trigger waits for that is found by looking.
fn subscription(shared: &Shared, deployed: &Arc<Deployed>, node: &NodeId, trigger: &Trigger) -> Option<(FeedId, Subscriber)> {
    let Trigger::Event { event: id, slot, input, watch, .. } = trigger else { return None };
    let asked = AskedFor::by(trigger)?;
    let told = Event::find(id).filter(|it| it.id != asked.event);
    // One that is not bound yet says so when it is run; its feed begins once it is.
    let connection = shared.connection(&deployed.program.flow, slot, Some(id.connector())).ok()?;
    let feed = FeedId { connection: connection.id.clone(), place: connection.base_url.clone(), asked };
    let subscriber =
        Subscriber { deployed: Arc::clone(deployed), trigger: node.clone(), watch: watch.clone(), input: input.clone(), told };
    Some((feed, subscriber))
}
