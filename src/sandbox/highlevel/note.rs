//! Notes on a contact.
use serde_json::{Value, json};

use super::refusal::not_found;
use super::{NOTES, contact, iso};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

const FIELDS: &[&str] = &["body", "userId", "title", "color", "pinned"];

/// `GET /contacts/{contactId}/notes`: newest first.
pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let contact = contact::existing(world, call)?;
    let mut notes: Vec<Value> = world.store.of(NOTES).children(&contact).map(|row| row.fields.shown().into()).collect();
    notes.reverse();
    let summary = format!("Listed {} notes on {}", notes.len(), contact::name_of(world, &contact));
    Ok(Reply::read(json!({"notes": notes}), summary))
}

/// `POST /contacts/{contactId}/notes`
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let contact = contact::existing(world, call)?;
    let mut fields = Fields::new();
    apply(call, &mut fields);
    let id = world.store.next_id(NOTES);
    for (key, value) in [("id", json!(id)), ("contactId", json!(contact)), ("dateAdded", json!(iso(call.now)))] {
        fields.insert(key, value);
    }
    world.insert(NOTES, &id, &contact, fields);
    let summary = format!("Wrote a note on {}", contact::name_of(world, &contact));
    Ok(Reply::created(answer(world, &id), summary).about(NOTES, &id))
}

/// `GET /contacts/{contactId}/notes/{id}`
pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let (contact, id) = existing(world, call)?;
    let summary = format!("Read a note on {}", contact::name_of(world, &contact));
    Ok(Reply::read(answer(world, &id), summary).about(NOTES, &id))
}

/// `PUT /contacts/{contactId}/notes/{id}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let (contact, id) = existing(world, call)?;
    world.change(NOTES, &id, |fields| apply(call, fields));
    let summary = format!("Updated a note on {}", contact::name_of(world, &contact));
    Ok(Reply::updated(answer(world, &id), summary).about(NOTES, &id))
}

/// `DELETE /contacts/{contactId}/notes/{id}`
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let (contact, id) = existing(world, call)?;
    world.remove(NOTES, &id);
    let summary = format!("Deleted a note on {}", contact::name_of(world, &contact));
    Ok(Reply::deleted(json!({"succeded": true}), summary).about(NOTES, &id))
}

fn existing(world: &World, call: &Call) -> Result<(String, String), Refusal> {
    let contact = contact::existing(world, call)?;
    let id = call.path("id");
    match world.store.of(NOTES).child(&contact, id) {
        Some(_) => Ok((contact, id.to_owned())),
        None => Err(not_found("Note", id)),
    }
}

fn apply(call: &Call, fields: &mut Fields) {
    for key in FIELDS {
        match call.body.get(*key) {
            None => {}
            Some(Value::Null) => drop(fields.remove(key)),
            Some(value) => drop(fields.insert(*key, value.clone())),
        }
    }
}

fn answer(world: &World, id: &str) -> Value {
    json!({"note": world.store.of(NOTES).get(id).map(Fields::shown).unwrap_or_default()})
}
