//! Which events follow from what was done.
use super::super::call::{Call, Reply};
use super::super::route::Target;
use super::super::store::Fields;
use super::super::world::World;
use super::change::Change;

/// An event's name, and the record that it is about.
type Caused = (&'static str, Fields);

/// How a collection's changes are told.
struct Family {
    collection: &'static str,
    created: Option<&'static str>,
    deleted: Option<&'static str>,
    /// What is told when any other field than those below becomes another.
    updated: Option<&'static str>,
    /// Whether that is also told of what is made or removed.
    always: bool,
    /// What is told when one of these fields does.
    fields: &'static [(&'static str, Told)],
}

/// What is told of a field that became another.
#[derive(Clone, Copy)]
enum Told {
    /// This, and the general event as well: one change, two events.
    Both(&'static str),
    /// Only this.
    Only(&'static str),
    /// Only this, and only when it becomes the value.
    Becomes(&'static str, &'static str),
}

const PLAIN: Family = Family { collection: "", created: None, deleted: None, updated: None, always: false, fields: &[] };

const FAMILIES: &[Family] = &[
    Family {
        collection: "contacts",
        created: Some("ContactCreate"),
        deleted: Some("ContactDelete"),
        updated: Some("ContactUpdate"),
        fields: &[
            ("tags", Told::Only("ContactTagUpdate")),
            ("dnd", Told::Only("ContactDndUpdate")),
            ("dndSettings", Told::Only("ContactDndUpdate")),
        ],
        ..PLAIN
    },
    Family {
        collection: "tasks",
        created: Some("TaskCreate"),
        deleted: Some("TaskDelete"),
        fields: &[("completed", Told::Becomes("TaskComplete", "true"))],
        ..PLAIN
    },
    Family {
        collection: "notes",
        created: Some("NoteCreate"),
        deleted: Some("NoteDelete"),
        updated: Some("NoteUpdate"),
        ..PLAIN
    },
    Family {
        collection: "appointments",
        created: Some("AppointmentCreate"),
        deleted: Some("AppointmentDelete"),
        updated: Some("AppointmentUpdate"),
        ..PLAIN
    },
    Family {
        collection: "opportunities",
        created: Some("OpportunityCreate"),
        deleted: Some("OpportunityDelete"),
        updated: Some("OpportunityUpdate"),
        // As people who take its messages tell: highlevel-api-docs, issue 27.
        always: true,
        fields: &[
            ("pipelineStageId", Told::Both("OpportunityStageUpdate")),
            ("status", Told::Both("OpportunityStatusUpdate")),
            ("monetaryValue", Told::Both("OpportunityMonetaryValueUpdate")),
            ("assignedTo", Told::Both("OpportunityAssignedToUpdate")),
        ],
    },
    Family {
        collection: "invoices",
        created: Some("InvoiceCreate"),
        deleted: Some("InvoiceDelete"),
        updated: Some("InvoiceUpdate"),
        ..PLAIN
    },
    Family {
        collection: "products",
        created: Some("ProductCreate"),
        deleted: Some("ProductDelete"),
        updated: Some("ProductUpdate"),
        ..PLAIN
    },
    Family {
        collection: "products/price",
        created: Some("PriceCreate"),
        deleted: Some("PriceDelete"),
        updated: Some("PriceUpdate"),
        ..PLAIN
    },
    Family { collection: "objects", created: Some("ObjectSchemaCreate"), updated: Some("ObjectSchemaUpdate"), ..PLAIN },
    Family {
        collection: "objects/records",
        created: Some("RecordCreate"),
        deleted: Some("RecordDelete"),
        updated: Some("RecordUpdate"),
        ..PLAIN
    },
    Family {
        collection: "associations",
        created: Some("AssociationCreate"),
        deleted: Some("AssociationDelete"),
        updated: Some("AssociationUpdate"),
        ..PLAIN
    },
    Family { collection: "associations/relations", created: Some("RelationCreate"), deleted: Some("RelationDelete"), ..PLAIN },
    Family { collection: "locations", created: Some("LocationCreate"), updated: Some("LocationUpdate"), ..PLAIN },
    Family { collection: "users", created: Some("UserCreate"), ..PLAIN },
];

/// What is told of deeds that change no record of their own: a method, a path, an event.
const DEEDS: &[(&str, &str, &str)] = &[
    ("POST", "conversations/messages", "OutboundMessage"),
    ("POST", "conversations/messages/outbound", "OutboundMessage"),
    ("POST", "conversations/messages/inbound", "InboundMessage"),
    ("POST", "invoices/{invoiceId}/send", "InvoiceSent"),
    ("POST", "invoices/{invoiceId}/void", "InvoiceVoid"),
    ("POST", "invoices/{invoiceId}/record-payment", "InvoicePaid"),
    ("POST", "payments/orders/{orderId}/record-payment", "OrderStatusUpdate"),
    ("POST", "payments/orders/{orderId}/fulfillments", "OrderStatusUpdate"),
];

/// Fields that every change moves along.
const KEPT_BY_THE_SERVICE: &[&str] = &["dateUpdated", "updatedAt", "lastActivity", "searchAfter"];

/// The events that the vendor sends for changes of records, in their order.
pub(super) fn of_changes(changes: &[Change]) -> Vec<Caused> {
    changes.iter().flat_map(of_change).collect()
}

fn of_change(change: &Change) -> Vec<Caused> {
    let Some(family) = FAMILIES.iter().find(|it| it.collection == change.collection) else { return Vec::new() };
    let name = |name: Option<&'static str>, fields: &Fields| {
        let both = name.into_iter().chain(family.updated.filter(|_| family.always));
        both.map(|name| (name, known(&change.id, fields))).collect::<Vec<Caused>>()
    };
    match (&change.before, &change.after) {
        (None, Some(after)) => name(family.created, after),
        (Some(before), None) => name(family.deleted, before),
        (Some(before), Some(after)) => {
            changed(family, before, after).into_iter().map(|name| (name, known(&change.id, after))).collect()
        }
        (None, None) => Vec::new(),
    }
}

/// The names of what is told, the general one first.
fn changed(family: &Family, before: &Fields, after: &Fields) -> Vec<&'static str> {
    let names = before.iter().chain(after.iter().filter(|(it, _)| !before.contains_key(it))).map(|(name, _)| name);
    let moved =
        names.filter(|it| !it.starts_with('~') && !KEPT_BY_THE_SERVICE.contains(it)).filter(|it| before.get(it) != after.get(it));
    let (mut general, mut own) = (false, Vec::new());
    for field in moved {
        let told = family.fields.iter().find(|(name, _)| *name == field).map(|(_, told)| *told);
        general |= matches!(told, None | Some(Told::Both(_)));
        let event = match told {
            Some(Told::Both(event) | Told::Only(event)) => Some(event),
            Some(Told::Becomes(event, value)) => {
                after.get(field).is_some_and(|it| it.to_string().trim_matches('"') == value).then_some(event)
            }
            None => None,
        };
        own.extend(event.filter(|it| !own.contains(it)).into_iter().collect::<Vec<_>>());
    }
    family.updated.filter(|_| general).into_iter().chain(own).collect()
}

/// The events that the vendor sends for a deed that leaves no record behind here.
pub(super) fn of_call(world: &World, target: &Target, call: &Call, reply: &Reply) -> Vec<Caused> {
    let operation = &target.operation;
    let path = operation.path.trim_matches('/');
    let is_it = |(method, of, _): &&(&str, &str, &str)| operation.method.as_str() == *method && path == *of;
    let Some((_, _, name)) = DEEDS.iter().find(is_it) else { return Vec::new() };
    let mut record = Fields::new();
    // The record that the path names, where there is one.
    for (_, id) in &call.path {
        let collection = path.split('/').next().unwrap_or_default();
        record.extend(world.store.of(collection).get(id).map(Fields::shown).unwrap_or_default());
        record.insert("id", id.as_str().into());
    }
    record.extend(call.fields().map(|(key, value)| (key, value.clone())));
    record.extend(reply.body.as_object().into_iter().flatten().map(|(key, value)| (key, value.clone())));
    if name.ends_with("Message") {
        let direction = if *name == "InboundMessage" { "inbound" } else { "outbound" };
        record.insert("direction", direction.into());
        for (own, told) in [("type", "messageType"), ("message", "body")] {
            if let Some(value) = call.field(own) {
                record.insert(told, value.clone());
            }
        }
    }
    vec![(*name, record)]
}

/// A record with its id, as it leaves the sandbox.
fn known(id: &str, fields: &Fields) -> Fields {
    let mut fields = fields.shown();
    if !fields.contains_key("id") {
        fields.insert("id", id.into());
    }
    fields
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::catalog::{Catalog, ConnectorId, Event, OperationId};

    fn fields(value: Value) -> Fields {
        match value {
            Value::Object(fields) => fields.into(),
            other => panic!("{other}"),
        }
    }

    fn names(collection: &str, before: Option<Value>, after: Option<Value>) -> Vec<&'static str> {
        let change = Change {
            collection: collection.to_owned(),
            id: "1".to_owned(),
            before: before.map(fields),
            after: after.map(fields),
        };
        of_changes(&[change]).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_change_is_told_by_what_became_another() {
        let some = |value: Value| Some(value);
        for (collection, before, after, told) in [
            ("contacts", None, some(json!({})), &["ContactCreate"][..]),
            ("contacts", some(json!({})), None, &["ContactDelete"]),
            ("contacts", some(json!({"email": "a"})), some(json!({"email": "b", "dateUpdated": "x"})), &["ContactUpdate"]),
            ("contacts", some(json!({"tags": []})), some(json!({"tags": ["vip"]})), &["ContactTagUpdate"]),
            (
                "contacts",
                some(json!({"dnd": false})),
                some(json!({"dnd": true, "city": "X"})),
                &["ContactUpdate", "ContactDndUpdate"],
            ),
            ("contacts", some(json!({"~index": 1})), some(json!({"~index": 2, "dateUpdated": "x"})), &[]),
            ("tasks", some(json!({"completed": false})), some(json!({"completed": true})), &["TaskComplete"]),
            ("tasks", some(json!({"completed": true})), some(json!({"completed": false, "title": "x"})), &[]),
            ("notes", some(json!({"body": "a"})), some(json!({"body": "b"})), &["NoteUpdate"]),
            (
                "opportunities",
                some(json!({"status": "open", "monetaryValue": 1})),
                some(json!({"status": "won", "monetaryValue": 1})),
                &["OpportunityUpdate", "OpportunityStatusUpdate"],
            ),
            ("opportunities", None, some(json!({})), &["OpportunityCreate", "OpportunityUpdate"]),
            ("opportunities", some(json!({})), None, &["OpportunityDelete", "OpportunityUpdate"]),
            ("calendars", None, some(json!({})), &[]),
        ] {
            assert_eq!(names(collection, before.clone(), after.clone()), told, "{collection}: {before:?} {after:?}");
        }
    }

    #[test]
    fn every_event_and_every_path_that_is_named_is_in_the_catalogue() {
        let catalog = Catalog::shipped();
        let connector = catalog.connector(&ConnectorId::new("highlevel")).unwrap();
        let is_event = |name: &str| Event::find(&OperationId::new(&format!("highlevel.webhook.{name}"))).is_some();
        for family in FAMILIES {
            let own = family.fields.iter().map(|(_, told)| match told {
                Told::Both(event) | Told::Only(event) | Told::Becomes(event, _) => *event,
            });
            for name in [family.created, family.deleted, family.updated].into_iter().flatten().chain(own) {
                assert!(is_event(name), "{name}");
            }
        }
        for (method, path, name) in DEEDS {
            let found = |it: &crate::catalog::Brief| it.method.as_str() == *method && it.path.trim_matches('/') == *path;
            assert!(is_event(name) && connector.operations.briefs().any(found), "{method} {path}: {name}");
        }
    }
}
