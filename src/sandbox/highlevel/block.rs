//! Block slots: time in which a calendar or a user cannot be booked.
use serde_json::{Value, json};

use super::event::{self, Moment, moment, set_times};
use super::refusal::{bad, not_found};
use super::{BLOCKS, CALENDARS, iso};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

const HALF_HOUR: i64 = 1_800_000;

/// `GET /calendars/blocked-slots`
pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let events = event::in_range(world, call, BLOCKS)?;
    let summary = format!("Listed {} block slots", events.len());
    Ok(Reply::read(json!({"events": events}), summary))
}

/// `POST /calendars/events/block-slots`
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let calendar = calendar(world, call)?;
    let now = Moment::read(&iso(call.now), &world.account.zone).ok_or_else(|| bad("startTime is required"))?;
    let start = moment(world, call, "startTime")?.unwrap_or(now);
    let end = moment(world, call, "endTime")?.unwrap_or_else(|| start.later(HALF_HOUR));
    ordered(&start, &end)?;
    let id = world.store.next_id(BLOCKS);
    let mut fields = Fields::new();
    for (key, value) in [
        ("id", json!(id)),
        ("title", json!("Blocked")),
        ("locationId", json!(world.account.location_id)),
        ("dateAdded", json!(iso(call.now))),
        ("dateUpdated", json!(iso(call.now))),
    ] {
        fields.insert(key, value);
    }
    apply(call, &mut fields);
    set_times(&mut fields, &start, &end);
    world.insert(BLOCKS, &id, &calendar, fields);
    Ok(Reply::created(answer(world, &id), format!("Blocked {} to {}", start.text, end.text)).about(BLOCKS, &id))
}

/// `PUT /calendars/events/block-slots/{eventId}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = call.path("eventId").to_owned();
    let mut fields = world.store.of(BLOCKS).get(&id).cloned().ok_or_else(|| not_found("Block slot", &id))?;
    let calendar = calendar(world, call)?;
    let zone = &world.account.zone;
    let stored = |key: &str| fields.get(key).and_then(Value::as_str).and_then(|it| Moment::read(it, zone));
    let (Some(old_start), Some(old_end)) = (stored("startTime"), stored("endTime")) else {
        return Err(bad("The block slot has no time"));
    };
    let start = moment(world, call, "startTime")?.unwrap_or_else(|| old_start.clone());
    let end = moment(world, call, "endTime")?.unwrap_or_else(|| start.later(old_end.ms - old_start.ms));
    ordered(&start, &end)?;
    apply(call, &mut fields);
    set_times(&mut fields, &start, &end);
    fields.insert("dateUpdated", json!(iso(call.now)));
    world.insert(BLOCKS, &id, &calendar, fields);
    Ok(Reply::updated(answer(world, &id), format!("Blocked {} to {}", start.text, end.text)).about(BLOCKS, &id))
}

fn calendar(world: &World, call: &Call) -> Result<String, Refusal> {
    match call.text("calendarId") {
        Some(id) if world.store.of(CALENDARS).contains(id) => Ok(id.to_owned()),
        Some(id) => Err(not_found("Calendar", id)),
        None => Ok(String::new()),
    }
}

fn ordered(start: &Moment, end: &Moment) -> Result<(), Refusal> {
    if end.ms > start.ms { Ok(()) } else { Err(bad("The end time must be after the start time")) }
}

fn apply(call: &Call, fields: &mut Fields) {
    for key in ["title", "calendarId", "assignedUserId"] {
        if let Some(value) = call.field(key).filter(|it| key == "title" || it.as_str() != Some("")) {
            fields.insert(key, value.clone());
        }
    }
}

fn answer(world: &World, id: &str) -> Value {
    let mut view = world.store.of(BLOCKS).get(id).map(Fields::shown).unwrap_or_default();
    view.retain(|key, _| !matches!(key, "dateAdded" | "dateUpdated"));
    view.into()
}
