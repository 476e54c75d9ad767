//! Operations that nobody wrote a behaviour for: the shape of the path says what they do, the schema what they answer.
use serde_json::{Map, Value, json};

use super::call::{Call, Outcome, Refusal, Reply};
use super::highlevel::iso;
use super::route::Target;
use super::store::{Fields, shown};
use super::world::World;
use crate::catalog::{Connector, Kind, Method, Operation, Reading, Schema};

/// Schemas within each other that are followed.
const DEPTH: usize = 8;
/// Records in one answer.
const PAGE: usize = 100;

/// What an operation seems to do, read from its method and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The literal segments that lead to the collection.
    collection: String,
    /// The parameter that names whose children they are.
    parent: Option<String>,
    deed: Deed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    List,
    Create,
    /// With the parameter that names the record.
    Read(String),
    Update(String),
    Delete(String),
    /// Anything else: an answer that fits, and nothing is kept.
    Act,
}

impl Shape {
    pub(crate) fn of(operation: &Operation, connector: &Connector) -> Self {
        let segments: Vec<&str> = operation.path.trim_matches('/').split('/').collect();
        let name = |segment: &str| segment.strip_prefix('{').and_then(|it| it.strip_suffix('}')).map(str::to_owned);
        let last = segments.last().copied().unwrap_or_default();
        // `/things/{id}/status` changes the thing.
        let aspect = segments.len() > 2
            && name(last).is_none()
            && matches!(operation.method, Method::Put | Method::Patch)
            && name(segments[segments.len() - 2]).is_some();
        let path = if aspect { &segments[..segments.len() - 1] } else { &segments[..] };
        let item = path.last().copied().and_then(name);
        let above = if item.is_some() { &path[..path.len() - 1] } else { path };
        let literals: Vec<&str> = above.iter().copied().filter(|it| name(it).is_none()).collect();
        let parent = above.iter().rev().copied().find_map(name);
        let deed = match (operation.method, item) {
            (Method::Get | Method::Head, Some(item)) => Deed::Read(item),
            (Method::Delete, Some(item)) => Deed::Delete(item),
            (_, Some(item)) => Deed::Update(item),
            (Method::Get | Method::Head, None) if list_in(operation, connector) => Deed::List,
            (Method::Post, None) if has_items(&segments, connector) => Deed::Create,
            _ => Deed::Act,
        };
        Self { collection: literals.join("/"), parent, deed }
    }
}

/// Whether the answer holds a list of records.
fn list_in(operation: &Operation, connector: &Connector) -> bool {
    let Some(schema) = operation.success.iter().find_map(|it| it.schema.as_ref()) else { return false };
    match &connector.resolve(schema).kind {
        Kind::Array { .. } => true,
        Kind::Object { fields, .. } => fields.iter().any(|it| matches!(connector.resolve(&it.schema).kind, Kind::Array { .. })),
        _ => false,
    }
}

/// Whether records can be asked for below this path, or the path itself lists them.
fn has_items(segments: &[&str], connector: &Connector) -> bool {
    let same = |one: &str, other: &str| one == other || (one.starts_with('{') && other.starts_with('{'));
    connector.operations.briefs().any(|it| {
        let path: Vec<&str> = it.path.trim_matches('/').split('/').collect();
        let below = path.len() == segments.len() + 1 && path.last().is_some_and(|it| it.starts_with('{'));
        let lists = path.len() == segments.len() && it.method == Method::Get;
        (below || lists) && path.iter().zip(segments).all(|(one, other)| same(one, other))
    })
}

/// Carries out an operation by its shape.
pub(crate) fn answer(world: &mut World, target: &Target, call: &Call) -> Outcome {
    let Shape { collection, parent, deed } = &target.shape;
    let below = parent.as_ref().map(|name| call.path(name)).unwrap_or_default().to_owned();
    let title = &target.operation.title;
    let own = |row_parent: &str| below.is_empty() || row_parent.is_empty() || row_parent == below;
    let find = |world: &World, name: &str| {
        let id = call.path(name).to_owned();
        let row = world.store.of(collection).row(&id).filter(|row| own(row.parent()));
        row.map(|row| shown(&row.fields)).map(|fields| (id.clone(), fields)).ok_or_else(|| not_found(&id))
    };
    match deed {
        Deed::List => {
            let rows = world.store.of(collection).rows().filter(|row| own(row.parent())).take(PAGE);
            let records = rows.map(|row| shown(&row.fields)).collect::<Vec<_>>();
            Ok(Reply::read(listed(target, &records), format!("{title}: {} records", records.len())))
        }
        Deed::Create => {
            let id = world.store.next_id(collection);
            let mut fields: Fields = call.body.as_object().cloned().unwrap_or_default();
            for (key, value) in [("id", json!(id)), ("dateAdded", json!(iso(call.now))), ("dateUpdated", json!(iso(call.now)))] {
                fields.insert(key.to_owned(), value);
            }
            world.store.of_mut(collection).insert(&id, &below, fields.clone());
            Ok(Reply::created(record(target, &fields), format!("{title}: made {id}")).about(collection, &id))
        }
        Deed::Read(name) => {
            let (id, fields) = find(world, name)?;
            Ok(Reply::read(record(target, &fields), title.clone()).about(collection, &id))
        }
        Deed::Update(name) => {
            let (id, _) = find(world, name)?;
            let changes = call.body.as_object().cloned().unwrap_or_default();
            let mut fields = Fields::new();
            if let Some(stored) = world.store.of_mut(collection).get_mut(&id) {
                stored.extend(changes);
                stored.insert("dateUpdated".to_owned(), json!(iso(call.now)));
                fields = shown(stored);
            }
            Ok(Reply::updated(record(target, &fields), format!("{title}: {id}")).about(collection, &id))
        }
        Deed::Delete(name) => {
            let (id, fields) = find(world, name)?;
            world.store.of_mut(collection).remove(&id);
            Ok(Reply::deleted(record(target, &fields), format!("{title}: {id}")).about(collection, &id))
        }
        Deed::Act => {
            let mut reply = Reply::read(record(target, &Fields::new()), format!("{title}: answered, nothing is kept"));
            if !target.is_read() {
                reply.effect = super::ledger::Effect::None;
            }
            Ok(reply)
        }
    }
}

fn not_found(id: &str) -> Refusal {
    let message = format!("Nothing with the id {id} was found.");
    let body = json!({"statusCode": 404, "message": message, "error": "Not Found"});
    Refusal { status: 404, body, summary: message }
}

fn schema(target: &Target) -> Option<&Schema> {
    target.operation.success.first().and_then(|it| it.schema.as_ref())
}

/// An answer about one record.
fn record(target: &Target, stored: &Fields) -> Value {
    let Some(schema) = schema(target) else { return Value::Object(stored.clone()) };
    placed(&target.connector, schema, stored, DEPTH)
}

/// An answer with a list of records.
fn listed(target: &Target, records: &[Fields]) -> Value {
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
                    Kind::Integer | Kind::Number if matches!(field.name.as_str(), "total" | "count") => json!(records.len()),
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
        answer.extend(stored.clone());
    }
    Value::Object(answer)
}

#[cfg(test)]
mod tests;
