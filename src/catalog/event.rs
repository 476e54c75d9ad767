//! What can happen at a service and start a flow: what it tells by itself, and what is found by asking now and then.
//!
//! Data alone: which events there are, what each brings along, how a poll tells what is new. They are read when they are
//! first asked for, since a program that only runs flows of other triggers never needs them.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Catalog, ConnectorId, OperationId, Schema};

/// What HighLevel tells, from the vendor's pages, and what can be asked for, by hand.
const HIGHLEVEL: &str = include_str!("../../assets/catalog/highlevel.events.json");
/// By hand: what Schedule it tells is not documented.
const SCHEDULE_IT: &str = include_str!("../../assets/catalog/schedule_it.events.json");

/// Something that happens at a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// `connector.webhook.Name` or `connector.poll.name`.
    pub id: OperationId,
    /// "Contact created".
    pub title: String,
    /// The heading it is listed under, one of those of the connector's operations.
    pub group: String,
    /// What it does, in our own words; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// How it comes to be known.
    pub source: EventSource,
    /// What it brings along. None for a poll: an item of the list that it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Schema>,
    /// The scopes that are needed, where the vendor documents any. A poll needs those of its operation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// How an event comes to be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventSource {
    /// The service calls.
    Webhook {
        /// The name by which the service calls it: `ContactCreate`.
        name: String,
    },
    /// The service is asked.
    Poll(Poll),
}

/// How a service is asked, and what of its answer is an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// A `Safe` operation of the same connector that lists records.
    pub operation: OperationId,
    /// Its inputs, each an expression over `since` (RFC 3339 in UTC, the last look less the overlap) and `each` (an
    /// event of the poll that is named there). Inputs that the account fills are not among them.
    pub input: BTreeMap<String, String>,
    /// Inputs that a person chooses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<String>,
    /// Another poll, for each of whose events the operation is called once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<OperationId>,
    /// Dotted path to the list in the answer; empty where the answer is the list.
    pub list: String,
    /// The field by which a record is known again.
    pub key: String,
    /// The field that says when a record was last of interest; none where the service has none, and records are compared
    /// with those of the last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How far a look reaches back over the last one, in milliseconds: lists lag behind writes.
    #[serde(default)]
    pub overlap_ms: u64,
    /// What of it is an event.
    pub counts: Counts,
}

/// Which records of a look are events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "counts", rename_all = "snake_case")]
pub enum Counts {
    /// Those that were not there before.
    New,
    /// Those that are new or no longer as they were.
    Changed,
    /// Those with more in a list than before.
    Gained {
        /// The list.
        field: String,
    },
    /// Those whose time has come, each once.
    Reached {
        /// The time.
        field: String,
        /// So long before it, in milliseconds.
        #[serde(default)]
        ahead_ms: u64,
    },
    /// Those that were there before and no longer are.
    Gone,
}

impl Event {
    /// The events that ship with Flowyard, by id. Read once; cheap after that.
    pub fn shipped() -> &'static [Self] {
        static SHIPPED: LazyLock<Vec<Event>> = LazyLock::new(|| {
            // Assets are part of the program; a test holds that each of them can be read.
            [HIGHLEVEL, SCHEDULE_IT].into_iter().filter_map(|it| read(it).ok()).flatten().collect()
        });
        &SHIPPED
    }

    /// A believable one: what the service tells, or a record of the list that is read.
    pub fn sample(&self, catalog: &Catalog) -> Value {
        let Some(connector) = catalog.connector(self.id.connector()) else { return Value::Null };
        let poll = match &self.source {
            EventSource::Webhook { .. } => return self.payload.as_ref().map(|it| it.sample(connector)).unwrap_or_default(),
            EventSource::Poll(poll) => poll,
        };
        let Some(operation) = connector.operations.get(&poll.operation) else { return Value::Null };
        let answer = operation.success.iter().find_map(|it| it.schema.as_ref()).map(|it| it.sample(connector));
        let names = poll.list.split('.').filter(|it| !it.is_empty());
        let list = names.fold(answer.unwrap_or_default(), |mut at, name| at.get_mut(name).map(Value::take).unwrap_or_default());
        match list {
            Value::Array(items) => items.into_iter().next().unwrap_or_default(),
            _ => Value::Null,
        }
    }

    /// Those of one connector.
    pub fn of(connector: &ConnectorId) -> impl Iterator<Item = &'static Self> {
        Self::shipped().iter().filter(move |it| it.id.connector() == connector)
    }

    /// The event with this id.
    pub fn find(id: &OperationId) -> Option<&'static Self> {
        Self::shipped().iter().find(|it| it.id == *id)
    }
}

fn read(text: &str) -> Result<Vec<Event>, serde_json::Error> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::catalog::{Connector, Kind, Reading, Repeat};

    fn connector(event: &Event) -> Connector {
        (**Catalog::shipped().connector(event.id.connector()).expect("it ships")).clone()
    }

    fn polls() -> impl Iterator<Item = (&'static Event, &'static Poll)> {
        Event::shipped().iter().filter_map(|event| match &event.source {
            EventSource::Poll(poll) => Some((event, poll)),
            EventSource::Webhook { .. } => None,
        })
    }

    #[test]
    fn every_asset_can_be_read_and_holds_what_it_should() {
        let count = |text, kind: &str| {
            let read: Vec<Event> = read(text).expect("it can be read");
            read.iter().filter(|it| it.id.document() == kind).count()
        };
        assert_eq!((count(HIGHLEVEL, "webhook"), count(HIGHLEVEL, "poll")), (58, 7));
        assert_eq!((count(SCHEDULE_IT, "webhook"), count(SCHEDULE_IT, "poll")), (0, 7));
    }

    #[test]
    fn every_event_has_an_id_a_title_and_a_heading_of_its_own_service() {
        let ids: BTreeSet<&str> = Event::shipped().iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids.len(), Event::shipped().len());
        let mut titles = BTreeSet::new();
        for event in Event::shipped() {
            let connector = connector(event);
            let is_known = connector.operations.briefs().any(|it| it.group == event.group);
            assert!(is_known, "{}: {} is no heading of {}", event.id, event.group, connector.title);
            let is_poll = matches!(event.source, EventSource::Poll(_));
            assert!(titles.insert((event.id.connector(), is_poll, &event.title)), "{}: {}", event.id, event.title);
            let kind = if is_poll { "poll" } else { "webhook" };
            assert_eq!(event.id.document(), kind, "{}", event.id);
            assert_eq!(connector.operations.get(&event.id), None);
            assert_eq!(Event::find(&event.id), Some(event));
        }
    }

    #[test]
    fn what_a_service_tells_has_a_name_and_fields_and_a_sample_that_fits() {
        for event in Event::shipped() {
            let EventSource::Webhook { name } = &event.source else { continue };
            assert!(event.id.as_str().ends_with(&format!(".{name}")), "{}", event.id);
            let payload = event.payload.as_ref().expect("it brings something along");
            let Kind::Object { fields, .. } = &payload.kind else { panic!("{}: it is an object", event.id) };
            assert!(fields.len() > 1, "{}", event.id);
            let connector = connector(event);
            let sample = payload.sample(&connector);
            assert_eq!(payload.check(&sample, &connector, Reading::Typed), [], "{}: {sample}", event.id);
        }
    }

    #[test]
    fn every_poll_calls_a_safe_operation_with_all_that_it_needs_and_reads_fields_that_are_there() {
        for (event, poll) in polls() {
            let id = &event.id;
            let connector = connector(event);
            let operation = connector.operations.get(&poll.operation).unwrap_or_else(|| panic!("{id}: {}", poll.operation));
            assert_eq!(operation.repeat, Repeat::Safe, "{id}");
            for key in poll.input.keys().chain(&poll.asks) {
                assert!(operation.input(key).is_some(), "{id}: {key}");
            }
            for it in operation.inputs.iter().filter(|it| it.required && it.fixed.is_none() && it.account.is_none()) {
                assert!(poll.input.contains_key(&it.key) || poll.asks.contains(&it.key), "{id}: {} is required", it.key);
            }
            let other = poll.each.as_ref().map(|it| Event::find(it).unwrap_or_else(|| panic!("{id}: {it}")));
            assert!(other.is_none_or(|it| matches!(&it.source, EventSource::Poll(it) if it.each.is_none())), "{id}");
            assert_eq!(poll.each.is_some(), poll.input.values().any(|it| it.contains("each.")), "{id}");

            let sample = operation.success[0].schema.as_ref().expect("its answer has a shape").sample(&connector);
            let list = poll.list.split('.').filter(|it| !it.is_empty()).fold(&sample, |at, part| &at[part]);
            let item = &list[0];
            let field = match &poll.counts {
                Counts::Gained { field } | Counts::Reached { field, .. } => Some(field),
                Counts::New | Counts::Changed | Counts::Gone => None,
            };
            for name in [Some(&poll.key), poll.cursor.as_ref(), field].into_iter().flatten() {
                assert!(item.get(name).is_some(), "{id}: {name} in {item}");
            }
            if let Counts::Gained { field } = &poll.counts {
                assert!(item[field].is_array(), "{id}: {field}");
            }
            assert!(poll.cursor.is_some() || poll.overlap_ms == 0, "{id}");
        }
    }

    #[test]
    fn every_expression_of_a_poll_can_be_read_and_knows_its_roots() {
        for (event, poll) in polls() {
            for text in poll.input.values() {
                let expr = crate::expr::Expr::parse(text).unwrap_or_else(|error| panic!("{}: {text}: {error}", event.id));
                let known = ["since", "each"];
                assert!(expr.references().iter().all(|it| known.contains(&it.root())), "{}: {text}", event.id);
            }
        }
    }

    #[test]
    fn each_heading_with_triggers_says_which() {
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for it in Event::of(&ConnectorId::new("highlevel")) {
            *groups.entry(&it.group).or_default() += 1;
        }
        assert_eq!((groups["Contacts"], groups["Invoices"], groups["Opportunities"]), (16, 7, 8));
    }
}
