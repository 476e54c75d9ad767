//! What services told by themselves, where one change is told by several messages, or somebody also looks for what was not told:
//! an event that came one way does not come the other way once more.
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, MutexGuard};

use super::changes::{Changes, Message, News};
use crate::catalog::{Counts, Event, EventSource, Poll};
use crate::connector::Connection;
use crate::engine::shared::{Deployed, Shared};
use crate::flow::NodeId;
use crate::journal::{JournalError, Kept};

/// What the scopes of the journal begin with in which it is kept.
const KEPT: &str = "told:";
/// So long it is remembered.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 7);
/// So often what is longer ago is forgotten.
const FORGETS: Duration = Duration::from_hours(6);

/// What was told and found of a record so far, for a trigger.
pub(super) struct Memory {
    scope: String,
    key: String,
    changes: Changes,
}

/// Where it is kept: triggers that one change starts once have one memory.
fn scope(deployed: &Deployed, trigger: &NodeId) -> String {
    format!("{KEPT}{}/{}", deployed.program.flow, deployed.twins.get(trigger).unwrap_or(trigger))
}

impl Memory {
    /// Of a record; what is too long ago is forgotten.
    pub(super) async fn of(shared: &Arc<Shared>, deployed: &Deployed, trigger: &NodeId, id: &str) -> Self {
        let (scope, key) = (scope(deployed, trigger), id.to_owned());
        let (journal, at) = (shared.journal.clone(), (scope.clone(), key.clone()));
        let read = tokio::task::spawn_blocking(move || journal.state(&at.0, &at.1)).await;
        let known = read.ok().and_then(Result::ok).flatten().and_then(|it| serde_json::from_value::<Changes>(it).ok());
        let changes = known.filter(|it| is_fresh(it, shared.clock.now())).unwrap_or_default();
        Self { scope, key, changes }
    }

    /// Whether what a look has found was told, or found, already. A record is new once; a change is the same where it left the
    /// same.
    pub(super) fn covers(&self, poll: &Poll, record: &Value) -> bool {
        self.changes.last().is_some() && (matches!(poll.counts, Counts::New) || self.changes.left(record))
    }

    /// Takes a message in; what it tells. `poll` is what also looks for it.
    pub(super) fn take(&mut self, message: Message<'_>, poll: Option<&Poll>) -> News {
        if poll.is_some_and(|it| matches!(it.counts, Counts::New)) && self.changes.last().is_some() {
            return News::Again;
        }
        self.changes.take(message)
    }

    /// Takes in what a look has found.
    pub(super) fn found(&mut self, event: &Event, record: &Value, now: Timestamp) {
        let record = record.as_object().cloned().unwrap_or_default();
        self.changes.found(event, now, record);
    }

    /// To be kept in the same moment as the run that began with it: after a crash in between, the other way would bring the same
    /// again.
    pub(super) fn kept(&self) -> Kept {
        let value = serde_json::to_value(&self.changes).unwrap_or_default();
        Kept { scope: self.scope.clone(), key: self.key.clone(), value }
    }
}

/// Remembers it where no run began with it.
pub(super) async fn note(shared: &Shared, kept: &Kept) -> Result<(), JournalError> {
    shared.journal.put_state(&kept.scope, &kept.key, &kept.value).await
}

/// What was told longer ago is told, and no look finds it as new any more.
fn is_fresh(changes: &Changes, now: Timestamp) -> bool {
    changes.last().is_some_and(|it| now.duration_since(it) < LONGEST)
}

/// Held from looking whether an event came already until it is written down that it has, so that a message and a look that come
/// at the same time do not both start a run.
#[derive(Debug)]
pub(in crate::engine) struct Turns(Vec<Mutex<()>>);

impl Default for Turns {
    fn default() -> Self {
        Self(std::iter::repeat_with(Mutex::default).take(64).collect())
    }
}

impl Turns {
    /// The turn of this record.
    pub(super) async fn of(&self, id: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % self.0.len() as u64).unwrap_or_default();
        self.0[at].lock().await
    }
}

/// Forgets now and then what is long ago, until the engine stops.
pub(super) async fn stand(shared: Arc<Shared>) {
    let stopped = shared.stopped();
    loop {
        tokio::select! {
            () = stopped.cancelled() => return,
            () = tokio::time::sleep(FORGETS) => {}
        }
        let of = Arc::clone(&shared);
        tokio::task::spawn_blocking(move || forget_old(&of)).await.ok();
    }
}

/// Forgets what no look can find as new any more. May block.
pub(super) fn forget_old(shared: &Shared) {
    let forget = || {
        for scope in shared.journal.reader().scopes(KEPT)? {
            for (key, value) in shared.journal.reader().states(&scope)? {
                if serde_json::from_value(value).is_ok_and(|it| is_fresh(&it, shared.clock.now())) {
                    continue;
                }
                drop(shared.journal.put_state(&scope, &key, &Value::Null));
            }
        }
        Ok::<_, JournalError>(())
    };
    if let Err(error) = forget() {
        tracing::warn!(%error, "what was told long ago could not be forgotten");
    }
}

/// What the service would have told of a record.
pub(super) fn as_told(shared: &Shared, event: &Event, connection: &Connection, record: &Value) -> Value {
    let mut message = Map::new();
    if event.item.is_empty() {
        message = record.as_object().cloned().unwrap_or_default();
    } else {
        message.insert(event.item.clone(), record.clone());
    }
    if let EventSource::Webhook { name } = &event.source {
        message.insert("type".to_owned(), name.as_str().into());
    }
    let notices = shared.catalog.connector(event.id.connector()).and_then(|it| it.notices.as_ref());
    for (field, own) in notices.into_iter().flat_map(|it| &it.account) {
        if let Some(value) = connection.account.get(own) {
            message.insert(field.clone(), value.as_str().into());
        }
    }
    message.insert("timestamp".to_owned(), shared.clock.now().to_string().into());
    Value::Object(message)
}
