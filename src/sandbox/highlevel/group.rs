//! Calendar groups.
use serde_json::{Value, json};

use super::refusal::{bad, not_found};
use super::{CALENDARS, GROUPS};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

/// `GET /calendars/groups`
pub(super) fn list(world: &mut World, _: &Call) -> Outcome {
    let groups: Vec<Fields> = world.store.of(GROUPS).rows().map(|row| row.fields.shown()).collect();
    let summary = format!("Listed {} calendar groups", groups.len());
    Ok(Reply::read(json!({"groups": groups}), summary))
}

/// `POST /calendars/groups`
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    free(world, call, None)?;
    let mut fields = Fields::new();
    fields.insert("isActive", json!(true));
    apply(call, &mut fields);
    let id = world.store.next_id(GROUPS);
    fields.insert("id", json!(id));
    fields.insert("locationId", json!(world.account.location_id));
    world.insert(GROUPS, &id, "", fields);
    let summary = format!("Created calendar group \"{}\"", name_of(world, &id));
    Ok(Reply::created(answer(world, &id), summary).about(GROUPS, &id))
}

/// `PUT /calendars/groups/{groupId}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    free(world, call, Some(&id))?;
    world.change(GROUPS, &id, |fields| apply(call, fields));
    let summary = format!("Updated calendar group \"{}\"", name_of(world, &id));
    Ok(Reply::updated(answer(world, &id), summary).about(GROUPS, &id))
}

/// `PUT /calendars/groups/{groupId}/status`
pub(super) fn set_status(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    let active = call.truth("isActive").unwrap_or_default();
    world.change(GROUPS, &id, |fields| drop(fields.insert("isActive", json!(active))));
    let verb = if active { "Enabled" } else { "Disabled" };
    let summary = format!("{verb} calendar group \"{}\"", name_of(world, &id));
    Ok(Reply::updated(json!({"success": true}), summary).about(GROUPS, &id))
}

/// `DELETE /calendars/groups/{groupId}`: its calendars stay and belong to none.
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    let summary = format!("Deleted calendar group \"{}\"", name_of(world, &id));
    world.remove(GROUPS, &id);
    let own = world.store.of(CALENDARS).rows().filter(|row| row.text("groupId") == id);
    let own: Vec<String> = own.map(|row| row.id().to_owned()).collect();
    for calendar in own {
        world.change(CALENDARS, &calendar, |fields| drop(fields.remove("groupId")));
    }
    Ok(Reply::deleted(json!({"success": true}), summary).about(GROUPS, &id))
}

/// `POST /calendars/groups/validate-slug`
pub(super) fn validate_slug(world: &mut World, call: &Call) -> Outcome {
    let available = holder(world, call).is_none();
    Ok(Reply::read(json!({"available": available}), "Checked the slug of a calendar group"))
}

fn existing(world: &World, call: &Call) -> Result<String, Refusal> {
    let id = call.path("groupId");
    if world.store.of(GROUPS).contains(id) { Ok(id.to_owned()) } else { Err(not_found("Group", id)) }
}

/// The group that has the slug that was sent.
fn holder(world: &World, call: &Call) -> Option<String> {
    let slug = call.text("slug")?;
    world.store.of(GROUPS).rows().find(|row| row.text("slug") == slug).map(|row| row.id().to_owned())
}

fn free(world: &World, call: &Call, own: Option<&str>) -> Result<(), Refusal> {
    match holder(world, call) {
        Some(other) if Some(other.as_str()) != own => Err(bad("The slug is already in use")),
        _ => Ok(()),
    }
}

fn apply(call: &Call, fields: &mut Fields) {
    for key in ["name", "description", "slug", "isActive"] {
        if let Some(value) = call.field(key) {
            fields.insert(key, value.clone());
        }
    }
}

fn name_of(world: &World, id: &str) -> String {
    world.store.of(GROUPS).row(id).map(|row| row.text("name").to_owned()).unwrap_or_default()
}

fn answer(world: &World, id: &str) -> Value {
    json!({"group": world.store.of(GROUPS).get(id).map(Fields::shown).unwrap_or_default()})
}
