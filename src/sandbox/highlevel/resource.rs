//! What appointments need besides people: rooms and equipment.
use serde_json::{Value, json};

use super::bounds::{Bound, Rule, hold};
use super::refusal::not_found;
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

const BOUNDS: &[Rule] = &[(&["calendarIds"], Bound::Many(100))];

/// `GET /calendars/resources/{resourceType}`
pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let (limit, skip) = (call.count("limit", 100, 1_000), call.count("skip", 0, usize::MAX));
    let all = world.store.of(collection(call)).rows();
    let page: Vec<Fields> = all.skip(skip).take(limit).map(|row| row.fields.shown()).collect();
    let summary = format!("Listed {} {}", page.len(), collection(call));
    Ok(Reply::read(json!(page), summary))
}

/// `POST /calendars/resources/{resourceType}`. The vendor documents no id in the answer, and nothing could be done with
/// the resource without one: it is there under both names that the vendor uses elsewhere.
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    hold(&call.body, BOUNDS)?;
    let name = collection(call);
    let id = world.store.next_id(name);
    let mut fields = Fields::new();
    for (key, value) in [
        ("id", json!(id)),
        ("_id", json!(id)),
        ("locationId", json!(world.account.location_id)),
        ("resourceType", json!(name)),
        ("isActive", json!(true)),
    ] {
        fields.insert(key, value);
    }
    apply(call, &mut fields);
    world.insert(name, &id, "", fields);
    Ok(Reply::created(answer(world, name, &id), format!("Created {} in {name}", title(world, name, &id))).about(name, &id))
}

/// `GET /calendars/resources/{resourceType}/{id}`
pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let (name, id) = existing(world, call)?;
    Ok(Reply::read(answer(world, name, &id), format!("Read {} in {name}", title(world, name, &id))).about(name, &id))
}

/// `PUT /calendars/resources/{resourceType}/{id}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let (name, id) = existing(world, call)?;
    hold(&call.body, BOUNDS)?;
    world.change(name, &id, |fields| apply(call, fields));
    Ok(Reply::updated(answer(world, name, &id), format!("Updated {} in {name}", title(world, name, &id))).about(name, &id))
}

/// `DELETE /calendars/resources/{resourceType}/{id}`
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let (name, id) = existing(world, call)?;
    let summary = format!("Deleted {} in {name}", title(world, name, &id));
    world.remove(name, &id);
    Ok(Reply::deleted(json!({"success": true}), summary).about(name, &id))
}

/// The type was checked against the catalogue's choices.
fn collection(call: &Call) -> &'static str {
    if call.path("resourceType") == "rooms" { "rooms" } else { "equipments" }
}

fn existing(world: &World, call: &Call) -> Result<(&'static str, String), Refusal> {
    let (name, id) = (collection(call), call.path("id"));
    if world.store.of(name).contains(id) { Ok((name, id.to_owned())) } else { Err(not_found("Resource", id)) }
}

fn apply(call: &Call, fields: &mut Fields) {
    for key in ["name", "description", "quantity", "outOfService", "capacity", "calendarIds", "isActive"] {
        if let Some(value) = call.field(key) {
            fields.insert(key, value.clone());
        }
    }
}

fn title(world: &World, name: &str, id: &str) -> String {
    format!("\"{}\"", world.store.of(name).row(id).map(|row| row.text("name")).unwrap_or_default())
}

fn answer(world: &World, name: &str, id: &str) -> Value {
    world.store.of(name).get(id).map(Fields::shown).unwrap_or_default().into()
}
