//! What an event brings along: the fields that its document names, from the record that it is about.
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::highlevel::iso;
use super::super::store::Fields;
use super::super::world::Account;
use crate::catalog::{Event, Field, Kind, Schema};

/// Objects within each other that are followed.
const DEPTH: usize = 6;

/// The body of an event about a record. A field that the record does not have is left out, as the vendor leaves it out.
pub(super) fn of(event: &Event, record: &Fields, account: &Account, id: &str, at: Timestamp) -> Value {
    let mut body = event.payload.as_ref().map_or_else(Map::new, |it| filled(it, record, DEPTH));
    let name = event.id.as_str().rsplit('.').next().unwrap_or_default();
    if event.is_named_by_type() {
        body.insert("type".to_owned(), name.into());
    }
    body.insert("locationId".to_owned(), account.location_id.as_str().into());
    if names(event.payload.as_ref()).any(|it| it.name == "altId") {
        body.insert("altId".to_owned(), account.location_id.as_str().into());
        body.insert("altType".to_owned(), "location".into());
    }
    body.insert("timestamp".to_owned(), iso(at).into());
    body.insert("webhookId".to_owned(), id.into());
    Value::Object(body)
}

fn names(schema: Option<&Schema>) -> impl Iterator<Item = &Field> {
    let fields = match schema.map(|it| &it.kind) {
        Some(Kind::Object { fields, .. }) => fields.as_slice(),
        _ => &[],
    };
    fields.iter()
}

fn filled(schema: &Schema, record: &Fields, depth: usize) -> Map<String, Value> {
    let mut body = Map::new();
    for field in names(Some(schema)) {
        let value = match own(&field.name, record) {
            Some(value) => fit(&field.schema, value),
            // The record stands under a name of its own: `appointment`.
            None if depth == DEPTH && has_id(&field.schema) => Some(Value::Object(filled(&field.schema, record, depth - 1))),
            None => None,
        };
        body.extend(value.map(|it| (field.name.clone(), it)));
    }
    body
}

fn has_id(schema: &Schema) -> bool {
    names(Some(schema)).any(|it| it.name == "id")
}

/// A field of the record, also under the other names that the vendor has for it.
fn own(name: &str, record: &Fields) -> Option<Value> {
    let field = |name: &str| record.get(name).filter(|it| !it.is_null()).cloned();
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    field(name).or_else(|| match name {
        "_id" | "messageId" => field("id"),
        "createdAt" => field("dateAdded"),
        "updatedAt" => field("dateUpdated"),
        "dateAdded" => field("createdAt"),
        "name" => {
            let whole = format!("{} {}", text("firstName"), text("lastName"));
            Some(whole.trim()).filter(|it| !it.is_empty()).map(Value::from)
        }
        "users" => field("assignedUserId").map(|it| json!([it])),
        _ => None,
    })
}

/// The value, if it is of the type that the document states, or can be written as it.
fn fit(schema: &Schema, value: Value) -> Option<Value> {
    match (&schema.kind, value) {
        (Kind::Any, value)
        | (Kind::Boolean, value @ Value::Bool(_))
        | (Kind::Integer | Kind::Number, value @ Value::Number(_))
        | (Kind::String { .. }, value @ Value::String(_))
        | (Kind::Array { .. }, value @ Value::Array(_))
        | (Kind::Object { .. }, value @ Value::Object(_)) => Some(value),
        (Kind::String { .. }, value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string().into()),
        _ => None,
    }
}
