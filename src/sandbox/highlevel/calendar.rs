//! Calendars.
use serde_json::{Value, json};

use super::bounds::{Bound, Rule, hold};
use super::refusal::not_found;
use super::{APPOINTMENT_NOTES, APPOINTMENTS, BLOCKS, CALENDARS, GROUPS, NOTIFICATIONS, SCHEDULES};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply, texts};
use crate::sandbox::store::{Fields, Row};
use crate::sandbox::world::World;

const BOUNDS: &[Rule] = &[
    (&["openHours", "*", "daysOfTheWeek", "*"], Bound::Between(0.0, 6.0)),
    (&["openHours", "*", "hours", "*", "openHour"], Bound::Between(0.0, 23.0)),
    (&["openHours", "*", "hours", "*", "openMinute"], Bound::Between(0.0, 60.0)),
    (&["openHours", "*", "hours", "*", "closeHour"], Bound::Between(0.0, 23.0)),
    (&["openHours", "*", "hours", "*", "closeMinute"], Bound::Between(0.0, 60.0)),
    (&["availabilities", "*", "hours", "*", "openHour"], Bound::Between(0.0, 23.0)),
    (&["availabilities", "*", "hours", "*", "openMinute"], Bound::Between(0.0, 60.0)),
    (&["availabilities", "*", "hours", "*", "closeHour"], Bound::Between(0.0, 23.0)),
    (&["availabilities", "*", "hours", "*", "closeMinute"], Bound::Between(0.0, 60.0)),
    (&["recurring", "count"], Bound::Between(f64::MIN, 24.0)),
];

/// `GET /calendars/`
pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let group = call.query("groupId");
    let drafted = call.flag("showDrafted") != Some(false);
    let active = |row: &Row| row.fields.get("isActive").and_then(Value::as_bool) != Some(false);
    let wanted = |row: &&Row| group.is_none_or(|it| row.text("groupId") == it) && (drafted || active(row));
    let calendars: Vec<Fields> = world.store.of(CALENDARS).rows().filter(wanted).map(|row| row.fields.shown()).collect();
    let summary = format!("Listed {} calendars", calendars.len());
    Ok(Reply::read(json!({"calendars": calendars}), summary))
}

/// `POST /calendars/`: what is not sent takes the vendor's defaults; without opening hours the calendar is open from
/// nine to five on working days.
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    group(world, call)?;
    hold(&call.body, BOUNDS)?;
    let mut fields: Fields = call.fields().filter(|(_, it)| !it.is_null()).map(|(key, it)| (key.clone(), it.clone())).collect();
    let working_days = json!([{
        "daysOfTheWeek": [1, 2, 3, 4, 5],
        "hours": [{"openHour": 9, "openMinute": 0, "closeHour": 17, "closeMinute": 0}],
    }]);
    for (key, value) in [
        ("isActive", json!(true)),
        ("calendarType", json!("round_robin")),
        ("eventType", json!("RoundRobin_OptimizeForAvailability")),
        ("widgetType", json!("classic")),
        ("eventTitle", json!("{{contact.name}}")),
        ("eventColor", json!("#039be5")),
        ("slotDuration", json!(30)),
        ("slotDurationUnit", json!("mins")),
        ("slotInterval", json!(30)),
        ("slotIntervalUnit", json!("mins")),
        ("appoinmentPerSlot", json!(1)),
        ("openHours", working_days),
        ("enableRecurring", json!(false)),
        ("autoConfirm", json!(true)),
        ("googleInvitationEmails", json!(false)),
        ("allowReschedule", json!(true)),
        ("allowCancellation", json!(true)),
        ("formSubmitType", json!("ThankYouMessage")),
        ("teamMembers", json!([])),
    ] {
        if !fields.contains_key(key) {
            fields.insert(key, value);
        }
    }
    let id = world.store.next_id(CALENDARS);
    fields.insert("id", json!(id));
    fields.insert("locationId", json!(world.account.location_id));
    let summary = format!("Created calendar \"{}\"", name(&fields));
    world.insert(CALENDARS, &id, "", fields);
    Ok(Reply::created(answer(world, &id), summary).about(CALENDARS, &id))
}

/// `GET /calendars/{calendarId}`
pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    let summary = format!("Read calendar \"{}\"", name_of(world, &id));
    Ok(Reply::read(answer(world, &id), summary).about(CALENDARS, &id))
}

/// `PUT /calendars/{calendarId}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    group(world, call)?;
    hold(&call.body, BOUNDS)?;
    world.change(CALENDARS, &id, |fields| {
        for (key, value) in call.fields().filter(|(key, _)| !matches!(key.as_str(), "id" | "locationId")) {
            if value.is_null() {
                fields.remove(key);
            } else {
                fields.insert(key, value.clone());
            }
        }
    });
    let summary = format!("Updated calendar \"{}\"", name_of(world, &id));
    Ok(Reply::updated(answer(world, &id), summary).about(CALENDARS, &id))
}

/// `DELETE /calendars/{calendarId}`: what stands in it goes with it.
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    let summary = format!("Deleted calendar \"{}\"", name_of(world, &id));
    world.remove(CALENDARS, &id);
    let booked: Vec<String> = world.store.of(APPOINTMENTS).children(&id).map(|row| row.id().to_owned()).collect();
    for appointment in &booked {
        world.remove_children(APPOINTMENT_NOTES, appointment);
    }
    for collection in [APPOINTMENTS, BLOCKS, NOTIFICATIONS] {
        world.remove_children(collection, &id);
    }
    let over = |row: &&Row| texts(row.fields.get("calendarIds")).contains(&id);
    let schedules: Vec<String> = world.store.of(SCHEDULES).rows().filter(over).map(|row| row.id().to_owned()).collect();
    for schedule in schedules {
        world.change(SCHEDULES, &schedule, |fields| {
            if let Some(Value::Array(ids)) = fields.get_mut("calendarIds") {
                ids.retain(|it| it.as_str() != Some(&id));
            }
        });
    }
    Ok(Reply::deleted(json!({"success": true}), summary).about(CALENDARS, &id))
}

/// The calendar that the path names, or 404.
pub(super) fn existing(world: &World, call: &Call) -> Result<String, Refusal> {
    let id = call.path("calendarId");
    if world.store.of(CALENDARS).contains(id) { Ok(id.to_owned()) } else { Err(not_found("Calendar", id)) }
}

pub(super) fn name_of(world: &World, id: &str) -> String {
    world.store.of(CALENDARS).get(id).map(|it| name(it).to_owned()).unwrap_or_default()
}

fn name(fields: &Fields) -> &str {
    fields.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn group(world: &World, call: &Call) -> Result<(), Refusal> {
    match call.text("groupId") {
        Some(id) if !world.store.of(GROUPS).contains(id) => Err(not_found("Group", id)),
        _ => Ok(()),
    }
}

fn answer(world: &World, id: &str) -> Value {
    json!({"calendar": world.store.of(CALENDARS).get(id).map(Fields::shown).unwrap_or_default()})
}
