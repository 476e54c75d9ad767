//! Operations that nobody wrote a behaviour for: the shape of the path says what they do, the schema what they answer.
mod answer;
mod shape;

use serde_json::{Value, json};

use self::answer::{listed, record};
use self::shape::Deed;
pub(crate) use self::shape::Shape;
use super::call::{Call, Outcome, Refusal, Reply};
use super::highlevel::iso;
use super::ledger::Effect;
use super::route::Target;
use super::store::{Fields, Row};
use super::world::World;
use crate::catalog::Place;

/// Records in one answer, unless the request asks for fewer.
const PAGE: usize = 100;

/// Carries out an operation by its shape.
pub(crate) fn answer(world: &mut World, target: &Target, call: &Call) -> Outcome {
    let Shape { collection, parent, deed, .. } = &target.shape;
    let title = &target.operation.title;
    match deed {
        Deed::List => Ok(list(world, target, call)),
        Deed::Create => Ok(create(world, target, call)),
        Deed::Upsert => match twin(world, collection, call) {
            Some(id) => Ok(update(world, target, call, &id)),
            None => Ok(create(world, target, call)),
        },
        Deed::Read(name) => {
            let id = existing(world, target, call, name)?;
            let fields = world.store.of(collection).get(&id).map(Fields::shown).unwrap_or_default();
            Ok(Reply::read(record(target, &fields), title.clone()).about(collection, &id))
        }
        Deed::Update(name) => {
            let id = existing(world, target, call, name)?;
            Ok(update(world, target, call, &id))
        }
        Deed::Delete(name) => {
            let id = existing(world, target, call, name)?;
            let fields = world.remove(collection, &id).unwrap_or_default();
            if !target.shape.is_made_here {
                world.gone.insert((collection.clone(), id.clone()));
            }
            Ok(Reply::deleted(record(target, &fields.shown()), format!("{title}: {id}")).about(collection, &id))
        }
        Deed::With(name) => {
            let id = existing(world, target, call, name)?;
            let fields = world.store.of(collection).get(&id).map(Fields::shown).unwrap_or_default();
            let mut reply = Reply::read(record(target, &fields), format!("{title}: {id}; nothing is kept"));
            reply.effect = Effect::None;
            Ok(reply.about(collection, &id))
        }
        Deed::Act => {
            let mut reply = Reply::read(record(target, &Fields::new()), format!("{title}: answered, nothing is kept"));
            if !target.is_read() {
                reply.effect = Effect::None;
            }
            // A name in the path that leads to another record than the one that was asked for would be wrong.
            if let (Some(name), Value::Object(body)) = (parent, &mut reply.body)
                && body.get(name).is_some_and(Value::is_string)
            {
                body.insert(name.clone(), json!(call.path(name)));
            }
            Ok(reply)
        }
    }
}

/// The records below the path's parent that the query asks for, page by page, newest last.
fn list(world: &World, target: &Target, call: &Call) -> Reply {
    let Shape { collection, parent, .. } = &target.shape;
    let below = parent.as_ref().map(|it| (it.as_str(), call.path(it)));
    let asked: Vec<(&str, &str)> = target
        .operation
        .inputs
        .iter()
        .filter(|it| it.place == Place::Query)
        .filter_map(|it| Some((it.name.as_str(), call.query(&it.name)?)))
        .collect();
    let own = |row: &&Row| {
        let narrowed = asked.iter().all(|(name, wanted)| is(row, name, wanted));
        narrowed && below.is_none_or(|(name, id)| if row.parent().is_empty() { is(row, name, id) } else { row.parent() == id })
    };
    let found: Vec<&Row> = world.store.of(collection).rows().filter(own).collect();
    let skip = ["skip", "offset"].into_iter().find(|it| call.query(it).is_some()).map_or(0, |it| call.count(it, 0, usize::MAX));
    let limit = ["limit", "pageSize", "pageLimit"].into_iter().find(|it| call.query(it).is_some());
    let limit = limit.map_or(PAGE, |it| call.count(it, PAGE, PAGE));
    let records: Vec<Fields> = found.iter().skip(skip).take(limit).map(|row| row.fields.shown()).collect();
    let summary = format!("{}: {} records", target.operation.title, records.len());
    Reply::read(listed(target, &records, found.len()), summary)
}

/// Whether a record may be the one that a query means: it has not this field, or just this value.
fn is(row: &Row, name: &str, wanted: &str) -> bool {
    match row.fields.get(name) {
        Some(Value::String(own)) => own == wanted || wanted == "all",
        Some(Value::Bool(own)) => own.to_string() == wanted,
        // `limit=1` asks for no record whose limit is 1; and of two lists only a service knows when they are the same.
        _ => true,
    }
}

fn create(world: &mut World, target: &Target, call: &Call) -> Reply {
    let Shape { collection, parent, .. } = &target.shape;
    let below = parent.as_ref().map(|it| call.path(it)).unwrap_or_default().to_owned();
    let id = world.store.next_id(collection);
    let mut fields = sent(call);
    fields.insert("id", json!(id));
    made_at(&mut fields, call);
    world.insert(collection, &id, &below, fields.clone());
    Reply::created(record(target, &fields), format!("{}: made {id}", target.operation.title)).about(collection, &id)
}

fn update(world: &mut World, target: &Target, call: &Call, id: &str) -> Reply {
    let collection = &target.shape.collection;
    let changes = sent(call);
    world.change(collection, id, |stored| {
        stored.extend(changes.into_iter().filter(|(key, _)| &**key != "id"));
        for name in ["dateUpdated", "updatedAt"] {
            stored.insert(name, json!(iso(call.now)));
        }
    });
    let fields = world.store.of(collection).get(id).map(Fields::shown).unwrap_or_default();
    Reply::updated(record(target, &fields), format!("{}: {id}", target.operation.title)).about(collection, id)
}

/// The vendor's documents call these dates one way or the other.
fn made_at(fields: &mut Fields, call: &Call) {
    for name in ["dateAdded", "dateUpdated", "createdAt", "updatedAt"] {
        fields.insert(name, json!(iso(call.now)));
    }
}

/// The fields of the body, without those that are the sandbox's own.
fn sent(call: &Call) -> Fields {
    call.fields().filter(|(key, _)| !key.starts_with('~')).map(|(key, value)| (key, value.clone())).collect()
}

/// The record that an upsert means: the one with the id that was sent, else the one of the same contact in the same pipeline.
fn twin(world: &World, collection: &str, call: &Call) -> Option<String> {
    let all = world.store.of(collection);
    if let Some(id) = call.text("id") {
        return all.contains(id).then(|| id.to_owned());
    }
    let contact = call.text("contactId")?;
    let same =
        |row: &&Row| row.text("contactId") == contact && row.text("pipelineId") == call.text("pipelineId").unwrap_or_default();
    all.rows().find(same).map(|row| row.id().to_owned())
}

/// The record that the path names, below the parent that it names; else 404.
fn existing(world: &mut World, target: &Target, call: &Call, name: &str) -> Result<String, Refusal> {
    let Shape { collection, parent, is_made_here, .. } = &target.shape;
    let id = call.path(name).to_owned();
    let below = parent.as_ref().map(|it| call.path(it)).unwrap_or_default();
    if let Some(row) = world.store.of(collection).row(&id) {
        let own = below.is_empty() || row.parent().is_empty() || row.parent() == below;
        return if own { Ok(id) } else { Err(not_found(&id)) };
    }
    if *is_made_here || world.gone.contains(&(collection.clone(), id.clone())) {
        return Err(not_found(&id));
    }
    let mut fields = Fields::new();
    fields.insert("id", json!(id));
    made_at(&mut fields, call);
    let below = below.to_owned();
    world.insert(collection, &id, &below, fields);
    Ok(id)
}

fn not_found(id: &str) -> Refusal {
    let message = format!("Nothing with the id {id} was found.");
    let body = json!({"statusCode": 404, "message": message, "error": "Not Found"});
    Refusal { status: 404, body, summary: message }
}

#[cfg(test)]
mod tests;
