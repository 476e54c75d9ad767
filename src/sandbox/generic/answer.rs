//! Answers in the shape that the catalogue documents, with the records' own values where they fit.
use serde_json::{Map, Value, json};

use crate::catalog::{Connector, Kind, Reading, Schema};
use crate::sandbox::route::Target;
use crate::sandbox::store::Fields;

/// Schemas within each other that are followed.
const DEPTH: usize = 8;

fn schema(target: &Target) -> Option<&Schema> {
    target.operation.success.first().and_then(|it| it.schema.as_ref())
}

/// An answer about one record.
pub(super) fn record(target: &Target, stored: &Fields) -> Value {
    let Some(schema) = schema(target) else { return stored.clone().into() };
    placed(&target.connector, schema, stored, DEPTH)
}

/// An answer with a page of the records, of which there are `total`.
pub(super) fn listed(target: &Target, records: &[Fields], total: usize) -> Value {
    let connector = &*target.connector;
    let Some(schema) = schema(target).map(|it| connector.resolve(it)) else { return json!(records) };
    let list = |items: &Schema| records.iter().map(|it| placed(connector, items, it, DEPTH - 1)).collect::<Vec<_>>().into();
    match &schema.kind {
        Kind::Array { items } => list(items),
        Kind::Object { fields, .. } => {
            let mut answer = Map::new();
            let mut put = false;
            for field in fields {
                let value = match &connector.resolve(&field.schema).kind {
                    Kind::Array { items } if !put => {
                        put = true;
                        list(items)
                    }
                    Kind::Integer | Kind::Number if matches!(field.name.as_str(), "total" | "count") => json!(total),
                    _ if field.required => field.schema.sample_as(&field.name, connector),
                    _ => continue,
                };
                answer.insert(field.name.clone(), value);
            }
            Value::Object(answer)
        }
        _ => schema.sample(connector),
    }
}

/// A value of this shape with the record's fields where they belong.
fn placed(connector: &Connector, schema: &Schema, stored: &Fields, depth: usize) -> Value {
    let schema = connector.resolve(schema);
    let Kind::Object { fields, rest } = &schema.kind else { return schema.sample(connector) };
    if depth == 0 {
        return Value::Object(Map::new());
    }
    let is_record =
        stored.is_empty() || fields.iter().any(|it| matches!(it.name.as_str(), "id" | "_id") || stored.contains_key(&it.name));
    let mut answer = Map::new();
    let mut put = is_record;
    for field in fields {
        let own = if field.name == "_id" { stored.get("id") } else { stored.get(&field.name) };
        let inner = connector.resolve(&field.schema);
        let value = match own.filter(|it| is_record && field.schema.check(it, connector, Reading::Typed).is_empty()) {
            Some(value) => value.clone(),
            None if !put && matches!(inner.kind, Kind::Object { .. }) => {
                put = true;
                placed(connector, inner, stored, depth - 1)
            }
            None if field.required || matches!(inner.kind, Kind::Boolean) || stored.is_empty() => {
                field.schema.sample_as(&field.name, connector)
            }
            None => continue,
        };
        answer.insert(field.name.clone(), value);
    }
    if rest.is_some() && fields.is_empty() {
        answer.extend(stored.iter().map(|(key, value)| (key.to_owned(), value.clone())));
    }
    Value::Object(answer)
}
