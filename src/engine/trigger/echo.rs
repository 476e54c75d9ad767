//! Which events are only the echo of a flow's own write.
//!
//! Invariant: an event is an echo only where what it shows is what the write left: the same time of change, or all that both
//! show. What somebody changed meanwhile is an event of its own; in doubt it is none of ours.
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::catalog::{Event, Operation, Place};
use crate::connector::ConnectionId;
use crate::expr::to_text;
use crate::flow::FlowId;

/// A write is remembered for so long: lists lag, and messages are sent again.
pub(in crate::engine) const KEPT: SignedDuration = SignedDuration::from_hours(2);
/// An event waits no longer for the answers of writes.
const LONGEST: Duration = Duration::from_secs(2);
/// Writes to one record that are remembered.
const OF_ONE: usize = 8;
/// Fields that say nothing about a record.
const PASSING: &[&str] =
    &["type", "webhookId", "timestamp", "traceId", "succeded", "succeeded", "status_code", "message", "searchAfter"];
/// Fields by which services call a record's id.
const IDS: &[&str] = &["id", "_id"];

/// A record at a service: the connection, the heading it is listed under, its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::engine) struct At {
    pub(in crate::engine) connection: ConnectionId,
    pub(in crate::engine) group: String,
    pub(in crate::engine) id: String,
}

/// What a write left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Written {
    /// The flows that led to it, the one that wrote last.
    pub(in crate::engine) chain: Vec<FlowId>,
    /// When.
    pub(in crate::engine) at: Timestamp,
    /// When the record was changed, as the service says it; none where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::engine) version: Option<String>,
    /// What the service showed of it then.
    pub(in crate::engine) fields: Map<String, Value>,
}

/// What flows wrote lately, and what they are writing now.
#[derive(Debug, Default)]
pub(in crate::engine) struct Echoes {
    /// By record, the last few, the newest last: flows may write to one at the same time.
    written: Mutex<HashMap<At, Vec<Written>>>,
    writing: Mutex<Writing>,
    /// Some write has come back.
    back: Notify,
}

#[derive(Debug, Default)]
struct Writing {
    last: u64,
    /// By connection and heading: the numbers of those under way.
    under_way: HashMap<(ConnectionId, String), BTreeSet<u64>>,
}

/// A write under way, until it is dropped.
#[derive(Debug)]
pub(in crate::engine) struct UnderWay<'a> {
    echoes: &'a Echoes,
    place: (ConnectionId, String),
    number: u64,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut writing = self.echoes.writing();
        if let Some(numbers) = writing.under_way.get_mut(&self.place) {
            numbers.remove(&self.number);
            if numbers.is_empty() {
                writing.under_way.remove(&self.place);
            }
        }
        drop(writing);
        self.echoes.back.notify_waiters();
    }
}

impl At {
    /// As a key of the journal's states.
    pub(in crate::engine) fn key(&self) -> String {
        [self.connection.as_str(), &self.group, &self.id].join("\n")
    }

    pub(in crate::engine) fn of_key(key: &str) -> Option<Self> {
        let mut parts = key.splitn(3, '\n');
        let (connection, group, id) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { connection: ConnectionId::new(connection), group: group.to_owned(), id: id.to_owned() })
    }
}

impl Echoes {
    /// Remembers a write; what is remembered of the record now.
    pub(in crate::engine) fn note(&self, at: At, written: Written) -> Vec<Written> {
        let mut all = self.lock();
        let newest = written.at;
        let of = all.entry(at).or_default();
        of.retain(|it| newest.duration_since(it.at) < KEPT);
        of.push(written);
        let over = of.len().saturating_sub(OF_ONE);
        of.drain(..over);
        let now = of.clone();
        if all.len().is_multiple_of(1024) {
            all.retain(|_, it| it.last().is_some_and(|it| newest.duration_since(it.at) < KEPT));
        }
        now
    }

    /// The flows whose writes an event is the echo of; none where it is none.
    pub(in crate::engine) fn chain(&self, at: &At, event: &Event, record: &Value, now: Timestamp) -> Option<Vec<FlowId>> {
        let all = self.lock();
        let fresh = all.get(at)?.iter().filter(|it| now.duration_since(it.at) < KEPT);
        let mut chain: Vec<FlowId> = Vec::new();
        for flow in fresh.filter(|it| is_echo(it, event, record)).flat_map(|it| &it.chain) {
            if !chain.contains(flow) {
                chain.push(flow.clone());
            }
        }
        (!chain.is_empty()).then_some(chain)
    }

    /// A write begins. A service may tell of it before it answers.
    pub(in crate::engine) fn begin(&self, connection: &ConnectionId, group: &str) -> UnderWay<'_> {
        let place = (connection.clone(), group.to_owned());
        let mut writing = self.writing();
        writing.last += 1;
        let number = writing.last;
        writing.under_way.entry(place.clone()).or_default().insert(number);
        UnderWay { echoes: self, place, number }
    }

    /// Done once the writes there that are under way now have come back; waits no longer than an event may.
    pub(in crate::engine) async fn settled(&self, connection: &ConnectionId, group: &str) {
        let place = (connection.clone(), group.to_owned());
        let last = self.writing().last;
        let waits = || self.writing().under_way.get(&place).and_then(BTreeSet::first).is_some_and(|it| *it <= last);
        let settled = async {
            loop {
                let mut back = std::pin::pin!(self.back.notified());
                // Registered before looking, so that one that comes back in between is not missed.
                back.as_mut().enable();
                if !waits() {
                    return;
                }
                back.await;
            }
        };
        tokio::time::timeout(LONGEST, settled).await.ok();
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<At, Vec<Written>>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_echo(written: &Written, event: &Event, record: &Value) -> bool {
    let told = event.version_field().and_then(|it| record.get(it)).filter(|it| !it.is_null());
    if let (Some(version), Some(told)) = (&written.version, told) {
        return *version == to_text(told);
    }
    shows_the_same(written, record)
}

/// Whether all that a record shows of what was written is as it was written.
pub(in crate::engine) fn shows_the_same(written: &Written, record: &Value) -> bool {
    let Some(record) = record.as_object() else { return false };
    let mut shared = record.iter().filter_map(|(key, value)| {
        let is_telling = !PASSING.contains(&key.as_str()) && !IDS.contains(&key.as_str());
        let of_write = written.fields.get(key).filter(|_| is_telling)?;
        Some(same(of_write, value))
    });
    // One field at least has to speak for it.
    shared.next().is_some_and(|it| it) && shared.all(|it| it)
}

/// Whether two values are the same to a person: services write numbers as text now and then, and lists in any order.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            let sorted = |list: &[Value]| {
                let mut texts: Vec<String> = list.iter().map(|it| to_text(it).into_owned()).collect();
                texts.sort_unstable();
                texts
            };
            sorted(one) == sorted(other)
        }
        (Value::Object(_), Value::Object(_)) => one == other,
        (one, other) => to_text(one) == to_text(other),
    }
}

/// The records that a write is about: those that the answer shows, and those that its path names.
pub(in crate::engine) fn written_to(
    operation: &Operation,
    input: &Map<String, Value>,
    answer: &Value,
) -> Vec<(String, Map<String, Value>)> {
    let mut found: Vec<(String, Map<String, Value>)> = Vec::new();
    let mut add = |id: &Value, fields: Map<String, Value>| {
        let id = to_text(id).into_owned();
        if !id.is_empty() && !found.iter().any(|(it, _)| *it == id) {
            found.push((id, fields));
        }
    };
    let inner = answer.as_object().into_iter().flat_map(|it| it.values()).filter(|it| it.is_object());
    for record in std::iter::once(answer).chain(inner) {
        let Some(fields) = record.as_object() else { continue };
        if let Some(id) = IDS.iter().find_map(|it| fields.get(*it)).filter(|it| it.is_string() || it.is_number()) {
            add(id, fields.clone());
        }
    }
    let of_path = operation.inputs.iter().filter(|it| it.place == Place::Path && it.account.is_none());
    for it in of_path {
        let Some(id) = input.get(&it.key).filter(|it| it.is_string() || it.is_number()) else { continue };
        add(id, answer.as_object().cloned().unwrap_or_default());
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::{Catalog, OperationId};

    fn event(id: &str) -> &'static Event {
        Event::find(&OperationId::new(id)).expect("an event")
    }

    fn written(version: Option<&str>, fields: &Value) -> Written {
        Written {
            chain: vec!["f".into()],
            at: Timestamp::UNIX_EPOCH,
            version: version.map(str::to_owned),
            fields: fields.as_object().cloned().unwrap_or_default(),
        }
    }

    #[test]
    fn an_echo_shows_what_the_write_left_and_nothing_else() {
        let (poll, notice) = (event("highlevel.poll.contact-changed"), event("highlevel.webhook.ContactUpdate"));
        let left = written(Some("2026-01-01T00:00:00Z"), &json!({"id": "c", "city": "Aachen", "tags": ["b", "a"]}));
        for (event, record, expected) in [
            (poll, json!({"id": "c", "dateUpdated": "2026-01-01T00:00:00Z", "city": "Bonn"}), true),
            (poll, json!({"id": "c", "dateUpdated": "2026-01-01T00:00:09Z", "city": "Aachen"}), false),
            (notice, json!({"id": "c", "city": "Aachen", "tags": ["a", "b"], "webhookId": "w"}), true),
            (notice, json!({"id": "c", "city": "Bonn", "tags": ["a", "b"]}), false),
            // Nothing speaks for it.
            (notice, json!({"id": "c", "phone": "1"}), false),
        ] {
            assert_eq!(is_echo(&left, event, &record), expected, "{record}");
        }
    }

    #[test]
    fn a_write_is_remembered_for_its_record_for_a_while() {
        let echoes = Echoes::default();
        let at = |id: &str| At { connection: ConnectionId::new("crm"), group: "Contacts".to_owned(), id: id.to_owned() };
        echoes.note(at("c"), written(None, &json!({"city": "Aachen"})));
        let record = json!({"id": "c", "city": "Aachen"});
        let notice = event("highlevel.webhook.ContactUpdate");
        let of = |at: &At, now: Timestamp| echoes.chain(at, notice, &record, now);
        let soon = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(5);
        assert_eq!(of(&at("c"), soon), Some(vec!["f".into()]));
        assert_eq!(of(&at("d"), soon), None);
        // Another flow has written to it meanwhile: the echo of the first is still one.
        let other = Written { chain: vec!["g".into()], ..written(None, &json!({"city": "Bonn"})) };
        assert_eq!(echoes.note(at("c"), other).len(), 2);
        assert_eq!(of(&at("c"), soon), Some(vec!["f".into()]));
        let kept = (0..20).map(|_| echoes.note(at("e"), written(None, &json!({}))).len()).max();
        assert_eq!(kept, Some(OF_ONE));
        assert_eq!(of(&at("c"), Timestamp::UNIX_EPOCH + KEPT), None);
        assert_eq!(At::of_key(&at("c").key()), Some(at("c")));
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_waits_for_the_writes_that_began_before_it_and_for_no_others() {
        let (echoes, crm) = (Echoes::default(), ConnectionId::new("crm"));
        let first = echoes.begin(&crm, "Contacts");
        let mut waiting = std::pin::pin!(echoes.settled(&crm, "Contacts"));
        assert!(tokio::time::timeout(Duration::from_millis(10), waiting.as_mut()).await.is_err());
        let _later = echoes.begin(&crm, "Contacts");
        drop(first);
        assert!(tokio::time::timeout(Duration::from_millis(10), waiting).await.is_ok());
        assert!(tokio::time::timeout(Duration::from_millis(10), echoes.settled(&crm, "Tasks")).await.is_ok());
        // One that does not come back holds it up for a while only.
        echoes.settled(&crm, "Contacts").await;
    }

    #[test]
    fn the_records_of_a_write_are_those_of_its_answer_and_its_path() {
        let catalog = Catalog::shipped();
        let operation = |id: &str| catalog.operation(&OperationId::new(id)).map(|(_, it)| (**it).clone()).expect("an operation");
        let ids = |operation: &Operation, input: Value, answer: Value| {
            let found = written_to(operation, input.as_object().expect("inputs"), &answer);
            found.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        let update = operation("highlevel.contacts.update-contact");
        assert_eq!(
            ids(&update, json!({"contactId": "c"}), json!({"succeded": true, "contact": {"id": "c", "city": "A"}})),
            ["c"]
        );
        let tags = operation("highlevel.contacts.add-tags");
        assert_eq!(ids(&tags, json!({"contactId": "c", "tags": ["x"]}), json!({"tags": ["x"]})), ["c"]);
        let create = operation("schedule_it.events.create-event");
        assert_eq!(ids(&create, json!({}), json!({"id": 7, "title": "x"})), ["7"]);
    }
}
