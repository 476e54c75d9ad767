//! Schedules: hours that a user can put over several calendars.
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::bounds::{Bound, Rule, hold};
use super::refusal::{not_found, wrong};
use super::{CALENDARS, SCHEDULES, iso};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply, texts, without_nulls};
use crate::sandbox::ledger::Effect;
use crate::sandbox::store::{Fields, Row};
use crate::sandbox::world::World;

const MOST: usize = 500;
const BOUNDS: &[Rule] = &[
    (&["rules", "*", "intervals", "*", "from"], Bound::Clock),
    (&["rules", "*", "intervals", "*", "to"], Bound::Clock),
    (&["rules", "*", "date"], Bound::Date),
];

/// `GET /calendars/schedules/search`
pub(super) fn search(world: &mut World, call: &Call) -> Outcome {
    let number = |name: &str| call.query(name).and_then(|it| it.parse::<f64>().ok());
    if number("skip").is_some_and(|it| it < 0.0) {
        return Err(wrong("skip must not be less than 0"));
    }
    if number("limit").is_some_and(|it| !(1.0..=MOST as f64).contains(&it)) {
        return Err(wrong(&format!("limit must be between 1 and {MOST}")));
    }
    let (limit, skip) = (call.count("limit", 50, MOST), call.count("skip", 0, usize::MAX));
    let calendar = call.query("calendarId");
    let wanted = |row: &&Row| {
        Some(row.text("userId")) == call.query("userId")
            && calendar.is_none_or(|it| texts(row.fields.get("calendarIds")).iter().any(|id| id == it))
    };
    let all = world.store.of(SCHEDULES).rows().filter(wanted);
    let page: Vec<Fields> = all.skip(skip).take(limit).map(|row| row.fields.shown()).collect();
    let summary = format!("Found {} schedules", page.len());
    Ok(Reply::read(json!({"schedules": page}), summary))
}

/// `POST /calendars/schedules`
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    check(world, call)?;
    let id = world.store.next_id(SCHEDULES);
    let mut fields = Fields::new();
    for (key, value) in [
        ("id", json!(id)),
        ("locationId", json!(world.account.location_id)),
        ("userId", call.body.get("userId").cloned().unwrap_or_default()),
        ("calendarIds", json!(call.texts("calendarIds"))),
        ("rules", json!([])),
        ("dateAdded", json!(iso(call.now))),
        ("deleted", json!(false)),
    ] {
        fields.insert(key, value);
    }
    apply(call, &mut fields);
    world.insert(SCHEDULES, &id, "", fields);
    Ok(Reply::created(answer(world, &id), format!("Created schedule \"{}\"", name(world, &id))).about(SCHEDULES, &id))
}

/// `GET /calendars/schedules/{id}`
pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    Ok(Reply::read(answer(world, &id), format!("Read schedule \"{}\"", name(world, &id))).about(SCHEDULES, &id))
}

/// `PUT /calendars/schedules/{id}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    check(world, call)?;
    world.change(SCHEDULES, &id, |fields| apply(call, fields));
    Ok(Reply::updated(answer(world, &id), format!("Updated schedule \"{}\"", name(world, &id))).about(SCHEDULES, &id))
}

/// `DELETE /calendars/schedules/{id}`
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    let summary = format!("Deleted schedule \"{}\"", name(world, &id));
    world.remove(SCHEDULES, &id);
    Ok(Reply::deleted(json!({"success": true}), summary).about(SCHEDULES, &id))
}

/// `PUT /calendars/schedules/{id}/associations/{calendarId}`
pub(super) fn associate(world: &mut World, call: &Call) -> Outcome {
    set(world, call, true)
}

/// `DELETE /calendars/schedules/{id}/associations/{calendarId}`
pub(super) fn dissociate(world: &mut World, call: &Call) -> Outcome {
    set(world, call, false)
}

fn set(world: &mut World, call: &Call, on: bool) -> Outcome {
    let id = existing(world, call)?;
    let calendar = call.path("calendarId");
    if !world.store.of(CALENDARS).contains(calendar) {
        return Err(not_found("Calendar", calendar));
    }
    let mut ids = texts(world.store.of(SCHEDULES).get(&id).and_then(|it| it.get("calendarIds")));
    let held = ids.iter().any(|it| it == calendar);
    if on && !held {
        ids.push(calendar.to_owned());
    } else if !on {
        ids.retain(|it| it != calendar);
    }
    if on != held {
        world.change(SCHEDULES, &id, |fields| {
            fields.insert("calendarIds", json!(ids));
            fields.insert("dateUpdated", json!(iso(call.now)));
        });
    }
    let verb = if on { "Put" } else { "Took" };
    let summary = format!("{verb} schedule \"{}\" {} a calendar", name(world, &id), if on { "over" } else { "off" });
    let mut reply = Reply::updated(json!({"success": true}), summary).about(SCHEDULES, &id);
    if on == held {
        reply.effect = Effect::None;
    }
    Ok(reply)
}

fn existing(world: &World, call: &Call) -> Result<String, Refusal> {
    let id = call.path("id");
    if world.store.of(SCHEDULES).contains(id) { Ok(id.to_owned()) } else { Err(not_found("Schedule", id)) }
}

fn check(world: &World, call: &Call) -> Result<(), Refusal> {
    hold(&call.body, BOUNDS)?;
    if call.text("timezone").is_some_and(|it| TimeZone::get(it).is_err()) {
        return Err(wrong("timezone must be a valid IANA time zone"));
    }
    let unknown = call.texts("calendarIds").into_iter().find(|it| !world.store.of(CALENDARS).contains(it));
    unknown.map_or(Ok(()), |id| Err(not_found("Calendar", &id)))
}

fn apply(call: &Call, fields: &mut Fields) {
    for key in ["name", "rules", "timezone"] {
        if let Some(value) = call.field(key) {
            fields.insert(key, without_nulls(value));
        }
    }
    fields.insert("dateUpdated", json!(iso(call.now)));
}

fn name(world: &World, id: &str) -> String {
    world.store.of(SCHEDULES).row(id).map(|row| row.text("name").to_owned()).unwrap_or_default()
}

fn answer(world: &World, id: &str) -> Value {
    json!({"schedule": world.store.of(SCHEDULES).get(id).map(Fields::shown).unwrap_or_default()})
}
