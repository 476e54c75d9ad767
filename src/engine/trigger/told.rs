//! What services told by themselves, where somebody also looks for what they did not tell: an event that came one way does not
//! come the other way once more.
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, MutexGuard};

use super::echo::{Written, shows_the_same};
use crate::catalog::{Counts, Event, EventSource, Poll};
use crate::connector::Connection;
use crate::engine::shared::{Deployed, Shared};
use crate::flow::NodeId;
use crate::journal::Kept;

/// What the scopes of the journal begin with in which it is kept.
const KEPT: &str = "told:";
/// What was told longer ago is told, and no look finds it as new any more.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 7);

/// The last that was told of a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Told {
    at: Timestamp,
    record: Map<String, Value>,
}

fn scope(deployed: &Deployed, trigger: &NodeId) -> String {
    format!("{KEPT}{}/{trigger}", deployed.program.flow)
}

/// Whether this was told, or found, already. A record is new once; a change is the same where it left the same.
pub(super) async fn is_covered(
    shared: &Arc<Shared>,
    deployed: &Deployed,
    trigger: &NodeId,
    poll: &Poll,
    id: &str,
    record: &Value,
) -> bool {
    let (journal, scope, key) = (shared.journal.clone(), scope(deployed, trigger), id.to_owned());
    let read = tokio::task::spawn_blocking(move || journal.state(&scope, &key)).await;
    let told = read.ok().and_then(Result::ok).flatten().and_then(|it| serde_json::from_value::<Told>(it).ok());
    let Some(told) = told.filter(|it| shared.clock.now().duration_since(it.at) < LONGEST) else { return false };
    if matches!(poll.counts, Counts::New) {
        return true;
    }
    let written = Written { chain: Vec::new(), at: told.at, version: None, fields: told.record };
    shows_the_same(&written, record)
}

/// What is to be remembered of what was told or found of a record. It is kept in the same moment as the run that began with it:
/// after a crash in between, the other way would bring the same again.
pub(super) fn kept(shared: &Shared, deployed: &Deployed, trigger: &NodeId, id: &str, record: &Value) -> Kept {
    let told = Told { at: shared.clock.now(), record: record.as_object().cloned().unwrap_or_default() };
    let value = serde_json::to_value(&told).unwrap_or_default();
    Kept { scope: scope(deployed, trigger), key: id.to_owned(), value }
}

/// Remembers it where no run began with it.
pub(super) async fn note(shared: &Shared, kept: &Kept) {
    if let Err(error) = shared.journal.put_state(&kept.scope, &kept.key, &kept.value).await {
        tracing::warn!(%error, "that an event came could not be written down");
    }
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

/// Forgets what no look can find as new any more. May block.
pub(super) fn forget_old(shared: &Shared) {
    let forget = || {
        for scope in shared.journal.reader().scopes(KEPT)? {
            for (key, value) in shared.journal.reader().states(&scope)? {
                let at = serde_json::from_value::<Told>(value).map(|it| it.at);
                if at.is_ok_and(|it| shared.clock.now().duration_since(it) < LONGEST) {
                    continue;
                }
                drop(shared.journal.put_state(&scope, &key, &Value::Null));
            }
        }
        Ok::<_, crate::journal::JournalError>(())
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
