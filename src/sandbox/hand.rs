//! What a person does to the records by hand: the same that a request would do, checked the same, but without sign-in,
//! limits and faults.
use std::sync::Arc;

use serde_json::{Map, Value};

use super::call::{Call, Refusal};
use super::ledger::{LedgerEntry, RecordRef};
use super::oauth::Caller;
use super::route::Target;
use super::server::Server;
use super::service::Service;
use super::store::Fields;
use super::undo::Undo;
use crate::catalog::{ConnectorId, Operation, OperationId, Place};

/// A collection as a person knows it.
#[derive(Debug)]
pub struct Table {
    service: Service,
    /// Its name, as [`Handle::records`](super::Handle::records) takes it.
    pub collection: &'static str,
    /// What a person calls it.
    pub title: &'static str,
    /// The fields that tell its records apart, the most telling first.
    pub columns: &'static [&'static str],
    add: Way,
    change: Way,
    remove: Way,
}

/// A method and a path, whose names in braces are fields of the record; none where the service offers no such thing.
type Way = Option<(&'static str, &'static str)>;

impl Table {
    /// All of them, those of a service together.
    pub const ALL: &'static [Self] = &[
        Self {
            service: Service::Highlevel,
            collection: "contacts",
            title: "Contacts",
            columns: &["firstName", "lastName", "email", "phone", "tags", "dateUpdated"],
            add: Some(("POST", "contacts/")),
            change: Some(("PUT", "contacts/{id}")),
            remove: Some(("DELETE", "contacts/{id}")),
        },
        Self {
            service: Service::Highlevel,
            collection: "appointments",
            title: "Appointments",
            columns: &["title", "startTime", "endTime", "appointmentStatus", "contactId"],
            add: Some(("POST", "calendars/events/appointments")),
            change: Some(("PUT", "calendars/events/appointments/{id}")),
            remove: Some(("DELETE", "calendars/events/{id}")),
        },
        Self {
            service: Service::Highlevel,
            collection: "tasks",
            title: "Tasks",
            columns: &["title", "dueDate", "completed", "contactId"],
            add: Some(("POST", "contacts/{contactId}/tasks")),
            change: Some(("PUT", "contacts/{contactId}/tasks/{id}")),
            remove: Some(("DELETE", "contacts/{contactId}/tasks/{id}")),
        },
        Self {
            service: Service::Highlevel,
            collection: "notes",
            title: "Notes",
            columns: &["body", "dateAdded", "contactId"],
            add: Some(("POST", "contacts/{contactId}/notes")),
            change: Some(("PUT", "contacts/{contactId}/notes/{id}")),
            remove: Some(("DELETE", "contacts/{contactId}/notes/{id}")),
        },
        Self {
            service: Service::Highlevel,
            collection: "calendars",
            title: "Calendars",
            columns: &["name", "description", "isActive"],
            add: Some(("POST", "calendars/")),
            change: Some(("PUT", "calendars/{id}")),
            remove: Some(("DELETE", "calendars/{id}")),
        },
        Self {
            service: Service::Highlevel,
            collection: "users",
            title: "Users",
            columns: &["name", "email"],
            add: None,
            change: None,
            remove: None,
        },
        Self {
            service: Service::ScheduleIt,
            collection: "events",
            title: "Events",
            columns: &["title", "date_start", "date_end", "owner", "notes"],
            add: Some(("POST", "events")),
            change: Some(("POST", "events/{id}")),
            remove: Some(("DELETE", "events/{id}")),
        },
        Self {
            service: Service::ScheduleIt,
            collection: "resources",
            title: "Resources",
            columns: &["name", "owner", "email", "phone"],
            add: Some(("POST", "resources")),
            change: Some(("POST", "resources/{id}")),
            remove: Some(("DELETE", "resources/{id}")),
        },
        Self {
            service: Service::ScheduleIt,
            collection: "groups",
            title: "Groups",
            columns: &["name"],
            add: Some(("POST", "groups")),
            change: Some(("POST", "groups/{id}")),
            remove: Some(("DELETE", "groups/{id}")),
        },
        Self {
            service: Service::ScheduleIt,
            collection: "labels",
            title: "Labels",
            columns: &["name", "type"],
            add: None,
            change: None,
            remove: None,
        },
    ];

    /// The service that it belongs to.
    pub fn connector(&self) -> ConnectorId {
        ConnectorId::new(self.service.connector())
    }

    /// The fields of the path to a new record, which the record is then known by: whose task it is.
    pub fn parents(&self) -> Vec<&'static str> {
        self.add.map(|(_, path)| names(path).filter(|it| *it != "id").collect()).unwrap_or_default()
    }
}

/// What is to be done to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A new one with these fields.
    Add(Map<String, Value>),
    /// These fields of one become others.
    Change {
        /// Which.
        id: String,
        /// The fields that change.
        fields: Map<String, Value>,
    },
    /// It goes.
    Remove {
        /// Which.
        id: String,
    },
}

/// What came of a deed.
#[derive(Debug, Clone)]
pub struct Done {
    /// The record.
    pub record: RecordRef,
    /// The events that follow, with what each brings along: those that the service tells of, and those that asking it
    /// would find.
    pub events: Vec<(OperationId, Value)>,
    /// Takes it back.
    pub undo: Undo,
}

impl Deed {
    /// The polls that would find it.
    fn polls(&self, collection: &str) -> &'static [&'static str] {
        match (collection, self) {
            ("contacts", Self::Add(_)) => &["highlevel.poll.contact-created", "highlevel.poll.contact-changed"],
            ("contacts", Self::Change { fields, .. }) if fields.contains_key("tags") => {
                &["highlevel.poll.contact-changed", "highlevel.poll.contact-tagged"]
            }
            ("contacts", Self::Change { .. }) => &["highlevel.poll.contact-changed"],
            ("appointments", Self::Add(_) | Self::Change { .. }) => &["highlevel.poll.appointment-changed"],
            ("notes", Self::Add(_)) => &["highlevel.poll.note-added"],
            ("events", Self::Add(_)) => &["schedule_it.poll.event-created", "schedule_it.poll.event-changed"],
            ("events", Self::Change { .. }) => &["schedule_it.poll.event-changed"],
            ("events", Self::Remove { .. }) => &["schedule_it.poll.event-deleted"],
            ("resources", Self::Add(_)) => &["schedule_it.poll.resource-created", "schedule_it.poll.resource-changed"],
            ("resources", Self::Change { .. }) => &["schedule_it.poll.resource-changed"],
            ("resources", Self::Remove { .. }) => &["schedule_it.poll.resource-deleted"],
            _ => &[],
        }
    }
}

impl Server {
    /// The operation that adds to a table, or changes its records; none where the service has none.
    pub(super) fn form(&self, table: &Table, new: bool) -> Option<Arc<Operation>> {
        let (method, path) = if new { table.add } else { table.change }?;
        // Any value stands for a name of the path.
        let path = path.replace(['{', '}'], "");
        self.routes(table.service)?.find(method, &path).map(|(target, _)| Arc::clone(&target.operation))
    }

    /// Does something to a record; which one it was, and what follows.
    ///
    /// # Errors
    /// The service's words, where it refuses.
    pub(super) fn by_hand(&self, table: &Table, deed: Deed) -> Result<Done, String> {
        let mut told = self.outbox.watch();
        let polls = deed.polls(table.collection);
        let gone = match &deed {
            Deed::Remove { id } => self.world().store.of(table.collection).get(id).map(Fields::shown),
            Deed::Add(_) | Deed::Change { .. } => None,
        };
        let (record, undo) = self.act(table, deed)?;
        // Requests may come in between; what they caused is not this deed's.
        let mut events = Vec::new();
        while let Ok(webhook) = told.try_recv() {
            if webhook.by_hand {
                events.push((webhook.event, webhook.payload));
            }
        }
        let now = self.world().store.of(record.collection.as_str()).get(&record.id).map(Fields::shown);
        let found = now.or(gone).map(Value::from).unwrap_or_default();
        events.extend(polls.iter().map(|it| (OperationId::new(it), found.clone())));
        Ok(Done { record, events, undo })
    }

    fn act(&self, table: &Table, deed: Deed) -> Result<(RecordRef, Undo), String> {
        let impossible = || format!("{} cannot be changed here.", table.title);
        let (way, id, mut fields) = match deed {
            Deed::Add(fields) => (table.add, String::new(), fields),
            Deed::Change { id, fields } => (table.change, id, fields),
            Deed::Remove { id } => (table.remove, id, Map::new()),
        };
        let (method, template) = way.ok_or_else(impossible)?;
        let mut world = self.world();
        let record = world.store.of(table.collection).get(&id).cloned().unwrap_or_default();
        let mut path = template.to_owned();
        for name in names(template) {
            let value = match name {
                "id" => id.clone(),
                name => fields.remove(name).or_else(|| record.get(name).cloned()).map(|it| text(&it)).unwrap_or_default(),
            };
            if value.is_empty() || value.contains(['/', '?', '#', '%']) {
                return Err(format!("“{name}” says which record it belongs to, and is needed."));
            }
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        let (target, values) = self.routes(table.service).and_then(|it| it.find(method, &path)).ok_or_else(impossible)?;
        let mut query = Vec::new();
        for input in target.operation.inputs.iter().filter(|it| it.account.is_some()) {
            let own = world.account.location_id.clone();
            match input.place {
                Place::Body => drop(fields.entry(input.name.clone()).or_insert(own.into())),
                Place::Query => query.push((input.name.clone(), own)),
                _ => {}
            }
        }
        if table.service == Service::ScheduleIt {
            // A form holds texts only.
            fields.values_mut().for_each(|it| *it = Value::from(text(it)));
        }
        let now = self.clock.now();
        let call = Call { path: values, query, body: Value::Object(fields), now, caller: Caller::Owner };
        world.kept = Some(Vec::new());
        let outcome =
            table.service.check(&target, &call).and_then(|()| self.carry_out(&mut world, table.service, &target, &call, true));
        let changes = world.kept.take().unwrap_or_default();
        let reply = outcome.map_err(|it| words(&it))?;
        let done = reply.record.clone().unwrap_or_else(|| RecordRef { collection: table.collection.to_owned(), id });
        let entry = LedgerEntry {
            seq: 0,
            at: now,
            service: table.connector(),
            operation: target.operation.id.clone(),
            method: method.to_owned(),
            path: format!("/{path}"),
            status: reply.status.unwrap_or_else(|| Target::success(&target)),
            effect: reply.effect,
            record: Some(done.clone()),
            fault: None,
            breach: None,
            step: None,
            by_hand: true,
            summary: reply.summary,
        };
        world.ledger.push(entry.clone());
        Ok((done, Undo::new(changes, entry)))
    }
}

fn names(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What the service says, for a person.
fn words(refusal: &Refusal) -> String {
    let message = match refusal.body.get("message") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        _ => refusal.summary.trim_start_matches("Refused: ").to_owned(),
    };
    format!("{} ({})", message.trim_end_matches('.'), refusal.status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Catalog;
    use crate::sandbox::{Effect, Handle, Options, start};

    async fn sandbox() -> Handle {
        start(&Catalog::shipped(), Options::default()).await.unwrap()
    }

    fn table(collection: &str) -> &'static Table {
        Table::ALL.iter().find(|it| it.collection == collection).unwrap()
    }

    fn fields(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(fields) => fields,
            other => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn records_are_added_changed_and_removed_by_hand() {
        let sandbox = sandbox().await;
        let contact = fields(json!({ "firstName": "Ada", "email": "ada@by.hand.example" }));
        let made = sandbox.by_hand(table("contacts"), Deed::Add(contact.clone())).unwrap().record;
        assert_eq!(sandbox.record("contacts", &made.id).unwrap()["firstName"], "Ada");
        let twice = sandbox.by_hand(table("contacts"), Deed::Add(contact)).unwrap_err();
        assert!(twice.contains("duplicate"), "{twice}");
        let change = Deed::Change { id: made.id.clone(), fields: fields(json!({ "firstName": "Bea" })) };
        sandbox.by_hand(table("contacts"), change).unwrap();
        assert_eq!(sandbox.record("contacts", &made.id).unwrap()["firstName"], "Bea");
        let task =
            fields(json!({ "title": "Call", "dueDate": "2026-05-01T09:00:00Z", "completed": false, "contactId": made.id }));
        let task = sandbox.by_hand(table("tasks"), Deed::Add(task)).unwrap().record;
        sandbox.by_hand(table("tasks"), Deed::Remove { id: task.id.clone() }).unwrap();
        assert!(sandbox.record("tasks", &task.id).is_none());
        let effects: Vec<Effect> = sandbox.ledger().iter().map(|it| it.effect).collect();
        assert_eq!(effects, [Effect::Created, Effect::Updated, Effect::Created, Effect::Deleted]);
        assert!(sandbox.ledger().iter().all(|it| it.by_hand && it.record.is_some()));
    }

    #[tokio::test]
    async fn what_follows_is_told_with_the_record() {
        let sandbox = sandbox().await;
        let ids = |done: &Done| done.events.iter().map(|(id, _)| id.as_str().to_owned()).collect::<Vec<_>>();
        let contact = fields(json!({ "firstName": "Ada", "email": "ada@by.hand.example" }));
        let made = sandbox.by_hand(table("contacts"), Deed::Add(contact)).unwrap();
        assert_eq!(
            ids(&made),
            ["highlevel.webhook.ContactCreate", "highlevel.poll.contact-created", "highlevel.poll.contact-changed"]
        );
        assert!(made.events.iter().all(|(_, it)| it["id"] == made.record.id && it["firstName"] == "Ada"));
        let change = Deed::Change { id: made.record.id, fields: fields(json!({ "tags": ["vip"] })) };
        let changed = sandbox.by_hand(table("contacts"), change).unwrap();
        assert!(ids(&changed).contains(&"highlevel.webhook.ContactTagUpdate".to_owned()), "{changed:?}");
        let events = sandbox.records("events");
        let id = text(&events[0]["id"]);
        let gone = sandbox.by_hand(table("events"), Deed::Remove { id }).unwrap();
        assert_eq!(gone.events, [(OperationId::new("schedule_it.poll.event-deleted"), events[0].clone())]);
        // Every poll that is named is one of the catalogue.
        let none = || Deed::Remove { id: String::new() };
        for table in Table::ALL {
            let tags = Deed::Change { id: String::new(), fields: fields(json!({ "tags": [] })) };
            for deed in [Deed::Add(Map::new()), Deed::Change { id: String::new(), fields: Map::new() }, tags, none()] {
                let known = |it: &&str| crate::catalog::Event::find(&OperationId::new(it)).is_some();
                assert!(deed.polls(table.collection).iter().all(known), "{}", table.collection);
            }
        }
    }

    #[tokio::test]
    async fn every_table_is_there_and_what_can_be_done_to_it_is_in_the_catalogue() {
        let sandbox = sandbox().await;
        for table in Table::ALL {
            assert!(!sandbox.records(table.collection).is_empty(), "{}", table.collection);
            for (way, new) in [(table.add, true), (table.change, false)] {
                let form = sandbox.form(table, new);
                assert_eq!(form.is_some(), way.is_some(), "{}", table.collection);
                if let (Some(form), Some((method, _))) = (form, way) {
                    assert_eq!(form.method.as_str(), method);
                }
            }
            if table.remove.is_some() {
                let id = text(sandbox.records(table.collection).last().unwrap().get("id").unwrap());
                sandbox.by_hand(table, Deed::Remove { id: id.clone() }).unwrap();
                assert!(sandbox.record(table.collection, &id).is_none(), "{}", table.collection);
            }
        }
    }

    #[tokio::test]
    async fn an_event_is_changed_and_what_the_service_refuses_is_told_in_its_words() {
        let sandbox = sandbox().await;
        let events = sandbox.records("events");
        let id = text(&events[0]["id"]);
        let change = |fields| Deed::Change { id: id.clone(), fields };
        sandbox.by_hand(table("events"), change(fields(json!({ "title": "Moved" })))).unwrap();
        assert_eq!(sandbox.record("events", &id).unwrap()["title"], "Moved");
        let refused = sandbox.by_hand(table("events"), change(fields(json!({ "title": "" })))).unwrap_err();
        assert!(refused.ends_with(')'), "{refused}");
        let refused = sandbox.by_hand(table("users"), Deed::Add(Map::new())).unwrap_err();
        assert_eq!(refused, "Users cannot be changed here.");
        let nobody = sandbox.by_hand(table("tasks"), Deed::Add(fields(json!({ "title": "Call" })))).unwrap_err();
        assert!(nobody.contains("contactId"), "{nobody}");
    }
}
