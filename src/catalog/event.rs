//! What can happen at a service and start a flow: what it tells by itself, and what is found by asking now and then.
//!
//! Data alone: which events there are, what each brings along, how a poll tells what is new. They are read when they are
//! first asked for, since a program that only runs flows of other triggers never needs them.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Catalog, Choices, ConnectorId, OperationId, Schema, Twins, Whole};

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
    /// What it tells, in one sentence of our own.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// How it comes to be known.
    pub source: EventSource,
    /// Of what a service tells: the dotted path in it to the record that it is about; empty where the whole is the record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub item: String,
    /// Of what a service tells: the field by which that record is known; that of a poll is in [`Poll::key`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Of what a service tells: the field of that record that is another one after each change; empty where it documents
    /// none, and only the delivery itself has a time.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Of what a service tells: the poll that finds the same, should a message be lost. None where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciled_by: Option<OperationId>,
    /// Of what a service tells: the other messages that tell the same change.
    #[serde(default, skip_serializing_if = "Twins::is_none")]
    pub twins: Twins,
    /// Of what a service tells: how the whole record is read. None where nothing reads it, or it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<Whole>,
    /// What it brings along. None for a poll: an item of the list that it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Schema>,
    /// The scopes that are needed: those that the vendor documents, or else those of reading such a record. Empty where an app
    /// needs none. A poll needs those of its operation: see [`Event::needs`].
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
    Poll(Box<Poll>),
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
    /// The field that says when a record was made; none where the service has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<String>,
    /// How far a look reaches back over the last one, in milliseconds: lists lag behind writes.
    #[serde(default)]
    pub overlap_ms: u64,
    /// Fields, and the values with which a record is passed over: an appointment that is cancelled does not come up.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ignore: BTreeMap<String, Vec<String>>,
    /// How one such record is read again, to see what a write made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadOne>,
    /// What of it is an event.
    pub counts: Counts,
}

/// How one record is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadOne {
    /// A `Safe` operation of the same connector.
    pub operation: OperationId,
    /// The input that takes the record's key.
    pub input: String,
    /// Dotted path to the record in the answer; empty where the answer is the record.
    pub item: String,
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
    /// Those of which a date comes that a person chooses, so long before it or after it.
    Dated {
        /// The dates that every such record may have.
        fields: Vec<DateField>,
        /// The dates that an account gives its records itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        custom: Option<Box<CustomDates>>,
    },
    /// Those that were there before and no longer are.
    Gone,
}

/// A date that records have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateField {
    /// The field.
    pub field: String,
    /// "Date of birth".
    pub title: String,
    /// Whether it is one that people think of each year.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub yearly: bool,
}

/// Custom fields that are dates, listed by the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomDates {
    /// All custom fields.
    pub choices: Choices,
    /// Where a record holds their values: a list of items, each with the id of its field.
    pub list: String,
    /// The field of a choice that says of what kind it is.
    pub kind: String,
    /// The kind that is a date.
    pub date: String,
}

impl Poll {
    /// Whether what records hold is remembered, since a look finds only those that changed: their dates come without a look.
    pub fn remembers(&self) -> bool {
        matches!(self.counts, Counts::Dated { .. }) && self.cursor.is_some() && self.read.is_some()
    }
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

    /// Those of one connector.
    pub fn of(connector: &ConnectorId) -> impl Iterator<Item = &'static Self> {
        Self::shipped().iter().filter(move |it| it.id.connector() == connector)
    }

    /// The event with this id.
    pub fn find(id: &OperationId) -> Option<&'static Self> {
        Self::shipped().iter().find(|it| it.id == *id)
    }

    /// How it is asked for; none where the service tells by itself.
    pub fn poll(&self) -> Option<&Poll> {
        match &self.source {
            EventSource::Poll(poll) => Some(poll),
            EventSource::Webhook { .. } => None,
        }
    }

    /// The field of a record by which it is known again.
    pub fn id_field(&self) -> &str {
        self.poll().map_or(&self.key, |it| &it.key)
    }

    /// The field of a record that is another one after each change; none where there is none.
    pub fn version_field(&self) -> Option<&str> {
        match self.poll() {
            Some(poll) => poll.cursor.as_deref(),
            None => Some(self.version.as_str()).filter(|it| !it.is_empty()),
        }
    }

    /// The record that something told is about: an item of a poll's list is one itself.
    pub fn record<'a>(&self, told: &'a Value) -> Option<&'a Value> {
        self.item.split('.').filter(|it| !it.is_empty()).try_fold(told, |at, part| at.get(part))
    }

    /// What it brings along, as a believable value: the whole of what the service tells, or an item of the list that is read.
    /// None where the catalogue lacks its service.
    pub fn sample(&self, catalog: &Catalog) -> Option<Value> {
        let connector = catalog.connector(self.id.connector())?;
        match &self.source {
            EventSource::Webhook { name } => {
                let mut sample = self.payload.as_ref()?.sample(connector);
                // What tells one event from another at the address that takes them all.
                if let Some(told) = sample.get_mut("type").filter(|_| self.is_named_by_type()) {
                    *told = Value::String(name.clone());
                }
                Some(sample)
            }
            EventSource::Poll(poll) => {
                let (_, operation) = catalog.operation(&poll.operation)?;
                let answer = operation.success.iter().find_map(|it| it.schema.as_ref())?.sample(connector);
                let parts = poll.list.split('.').filter(|it| !it.is_empty());
                let list = parts.fold(&answer, |at, part| &at[part]);
                list.get(0).cloned()
            }
        }
    }

    /// The shape of what it brings along, told in words; none where the catalogue knows none.
    pub fn outline(&self, catalog: &Catalog) -> Option<Value> {
        let connector = catalog.connector(self.id.connector())?;
        let EventSource::Poll(poll) = &self.source else { return Some(self.payload.as_ref()?.outline(connector)) };
        let (_, operation) = catalog.operation(&poll.operation)?;
        let answer = operation.success.iter().find_map(|it| it.schema.as_ref())?.outline(connector);
        let list = poll.list.split('.').filter(|it| !it.is_empty()).fold(&answer, |at, part| &at[part]);
        list.get(0).cloned()
    }

    /// Whether the field `type` holds the event's name and not the kind of the record.
    pub fn is_named_by_type(&self) -> bool {
        !matches!(&self.source, EventSource::Webhook { name } if name.starts_with("Price") || name == "ProviderOutboundMessage")
    }

    /// The scopes that a connection needs for it, in order.
    pub fn needs(&self, catalog: &Catalog) -> BTreeSet<String> {
        let mut needs: BTreeSet<String> = self.scopes.iter().cloned().collect();
        if let Some(poll) = self.poll() {
            needs.extend(catalog.operation(&poll.operation).into_iter().flat_map(|(_, it)| it.scopes.iter().cloned()));
            let other = poll.each.as_ref().and_then(Self::find);
            needs.extend(other.into_iter().flat_map(|it| it.needs(catalog)));
        }
        needs
    }
}

fn read(text: &str) -> Result<Vec<Event>, serde_json::Error> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalog::{Connector, Kind, Reading, Repeat};

    fn connector(event: &Event) -> Connector {
        (**Catalog::shipped().connector(event.id.connector()).expect("it ships")).clone()
    }

    fn polls() -> impl Iterator<Item = (&'static Event, &'static Poll)> {
        Event::shipped().iter().filter_map(|event| match &event.source {
            EventSource::Poll(poll) => Some((event, &**poll)),
            EventSource::Webhook { .. } => None,
        })
    }

    #[test]
    fn every_asset_can_be_read_and_holds_what_it_should() {
        let count = |text, kind: &str| {
            let read: Vec<Event> = read(text).expect("it can be read");
            read.iter().filter(|it| it.id.document() == kind).count()
        };
        assert_eq!((count(HIGHLEVEL, "webhook"), count(HIGHLEVEL, "poll")), (58, 10));
        assert_eq!((count(SCHEDULE_IT, "webhook"), count(SCHEDULE_IT, "poll")), (0, 9));
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
                Counts::New | Counts::Changed | Counts::Dated { .. } | Counts::Gone => None,
            };
            if let Counts::Dated { fields, custom } = &poll.counts {
                assert!(!fields.is_empty(), "{id}");
                for DateField { field, title, .. } in fields {
                    assert!(item.get(field).is_some() && !title.is_empty(), "{id}: {field} in {item}");
                }
                let lists = custom.iter().map(|it| &it.choices.operation).chain(poll.read.iter().map(|it| &it.operation));
                for it in lists {
                    assert_eq!(connector.operations.get(it).map(|it| it.repeat.clone()), Some(Repeat::Safe), "{id}: {it}");
                }
                assert!(custom.as_ref().is_none_or(|it| item[&it.list].is_array()), "{id}");
                assert_eq!(
                    poll.cursor.is_some(),
                    poll.read.is_some(),
                    "{id}: what is remembered is read again when its date comes"
                );
            }
            for name in [Some(&poll.key), poll.cursor.as_ref(), field].into_iter().flatten() {
                assert!(item.get(name).is_some(), "{id}: {name} in {item}");
            }
            if let Counts::Gained { field } = &poll.counts {
                assert!(item[field].is_array(), "{id}: {field}");
            }
            if let Some(read) = &poll.read {
                let one = connector.operations.get(&read.operation).unwrap_or_else(|| panic!("{id}: {}", read.operation));
                let answer = one.success[0].schema.as_ref().expect("its answer has a shape").sample(&connector);
                let record = read.item.split('.').filter(|it| !it.is_empty()).fold(&answer, |at, part| &at[part]);
                assert!(record.is_object(), "{id}: no {} in {answer}", read.item);
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
    fn each_has_a_sentence_a_record_that_is_known_again_and_the_scopes_that_it_needs() {
        let catalog = Catalog::shipped();
        let known: BTreeSet<String> = catalog
            .connectors()
            .flat_map(|it| it.operations.values().map(Arc::clone).collect::<Vec<_>>())
            .flat_map(|it| it.scopes.clone())
            .collect();
        let mut sentences = BTreeSet::new();
        assert_eq!(Event::shipped().len(), 58 + 19);
        for event in Event::shipped() {
            let id = &event.id;
            assert!(event.help.ends_with('.') && event.help.len() > 20, "{id}: {}", event.help);
            assert!(!event.help.trim_end_matches('.').contains(". "), "{id}: one sentence: {}", event.help);
            assert!(sentences.insert((id.document(), &event.help)), "{id}: another says so too");
            let sample = event.sample(&catalog).unwrap_or_else(|| panic!("{id} has no sample"));
            let record = event.record(&sample).unwrap_or_else(|| panic!("{id}: no {} in {sample}", event.item));
            let key = &record[event.id_field()];
            assert!(key.is_string() && key != "", "{id}: {} in {record}", event.id_field());
            if let Some(version) = event.version_field() {
                assert!(record.get(version).is_some(), "{id}: {version} in {record}");
            }
            if let Some(poll) = event.poll() {
                assert!(event.item.is_empty() && event.key.is_empty() && event.version.is_empty(), "{id}: its poll says so");
                assert_eq!(event.version_field(), poll.cursor.as_deref());
            } else {
                let EventSource::Webhook { name } = &event.source else { unreachable!() };
                assert!(!event.is_named_by_type() || sample.get("type").is_none_or(|it| it == name), "{id}: {sample}");
            }
            let needs = event.needs(&catalog);
            assert!(needs.iter().all(|it| known.contains(it)), "{id}: {needs:?}");
            let app = matches!(event.group.as_str(), "Access tokens" | "E-mails") || id.connector().as_str() == "schedule_it";
            assert_eq!(needs.is_empty(), app, "{id}: {needs:?}");
        }
    }

    #[test]
    fn each_heading_with_triggers_says_which() {
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for it in Event::of(&ConnectorId::new("highlevel")) {
            *groups.entry(&it.group).or_default() += 1;
        }
        assert_eq!((groups["Contacts"], groups["Invoices"], groups["Opportunities"]), (17, 7, 9));
    }
}
