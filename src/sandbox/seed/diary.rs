//! What stands in the calendars of a larger business, at both services.
use std::collections::HashSet;

use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::crowd::Crowd;
use super::working_day;
use crate::sandbox::highlevel::{APPOINTMENTS, BLOCKS, CONTACTS, iso};
use crate::sandbox::schedule_it;
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

const HALF_HOUR: i64 = 1_800_000;
/// Half hours from nine to five.
const SLOTS: i32 = 16;

pub(super) fn plant(world: &mut World, crowd: &Crowd, rng: &mut Rng, now: Timestamp) {
    let contacts: Vec<(String, String)> =
        world.store.of(CONTACTS).rows().map(|row| (row.id().to_owned(), full_name(&row.fields))).collect();
    let times = times(world, crowd, rng, now);
    for (start, day) in &times {
        let Some((contact, name)) = rng.choice(&contacts) else { return };
        appointment(world, rng, (contact, name), *start, *day, now);
    }
    let customers = customers(world, crowd, &contacts);
    for _ in 0..crowd.events {
        let (Some((start, _)), Some((id, name))) = (rng.choice(&times), rng.choice(&customers)) else { return };
        event(world, (id, name), *start);
    }
}

fn full_name(fields: &Fields) -> String {
    format!("{} {}", fields.text("firstName"), fields.text("lastName"))
}

/// Moments at which the calendar that is always there is open and nothing stands in it, and how many working days away
/// each is.
fn times(world: &World, crowd: &Crowd, rng: &mut Rng, now: Timestamp) -> Vec<(i64, i32)> {
    let zone = &world.account.zone;
    let today = now.to_zoned_datetime(zone.clone()).date();
    let taken: HashSet<i64> = [APPOINTMENTS, BLOCKS]
        .into_iter()
        .flat_map(|it| world.store.of(it).rows())
        .filter_map(|row| row.fields.get("~start").and_then(Value::as_i64))
        .collect();
    let mut found = Vec::new();
    for day in -crowd.booked.0..crowd.booked.1 {
        let Some(date) = working_day(today, day) else { continue };
        let mut slots: Vec<i32> = (0..SLOTS).filter(|it| !(6..8).contains(it)).collect();
        rng.shuffle(&mut slots);
        for slot in slots.into_iter().take(crowd.a_day) {
            let minutes = 9 * 60 + slot * 30;
            let at = zone.to_zoned_datetime(date.at((minutes / 60) as i8, (minutes % 60) as i8, 0, 0));
            let start = at.map(|it| it.timestamp().as_millisecond());
            // Both today and the next working day are the same day at a weekend.
            found.extend(start.ok().filter(|it| !taken.contains(it)).map(|it| (it, day)));
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|it| it.0);
    found
}

fn appointment(world: &mut World, rng: &mut Rng, (contact, name): (&str, &str), start: i64, day: i32, now: Timestamp) {
    let zone = world.account.zone.clone();
    let local = |ms: i64| {
        let at = Timestamp::from_millisecond(ms).unwrap_or(now);
        at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    };
    let status = match (start < now.as_millisecond(), rng.u8(..20)) {
        (_, 0) => "cancelled",
        (true, 1) => "noshow",
        (true, _) => "showed",
        (false, 1..=3) => "new",
        (false, _) => "confirmed",
    };
    let made = Timestamp::from_millisecond(start - HALF_HOUR * 48 * i64::from(rng.u8(1..20))).unwrap_or(now).min(now);
    let id = world.store.next_id(APPOINTMENTS);
    let calendar = world.account.calendar_id.clone();
    let what = if day % 3 == 0 { "First visit" } else { "Follow-up" };
    let mut fields = Fields::new();
    for (key, value) in [
        ("id", Value::from(id.as_str())),
        ("calendarId", calendar.as_str().into()),
        ("locationId", world.account.location_id.as_str().into()),
        ("contactId", contact.into()),
        ("title", format!("{what}: {name}").into()),
        ("appointmentStatus", status.into()),
        ("assignedUserId", world.account.user_id.as_str().into()),
        ("startTime", local(start).into()),
        ("endTime", local(start + HALF_HOUR).into()),
        ("~start", start.into()),
        ("~end", (start + HALF_HOUR).into()),
        ("address", "14 Juniper Lane".into()),
        ("dateAdded", iso(made).into()),
        ("dateUpdated", iso(made).into()),
        ("createdBy", json!({"userId": world.account.user_id, "source": "calendar_page"})),
    ] {
        fields.insert(key, value);
    }
    world.insert(APPOINTMENTS, &id, &calendar, fields);
}

/// Customers at Schedule it: the newest contacts, as resources of the group that customers are in.
fn customers(world: &mut World, crowd: &Crowd, contacts: &[(String, String)]) -> Vec<(String, String)> {
    let group = world.store.of("groups").rows().find(|row| row.text("name") == "Customers").map(|row| row.id().to_owned());
    let mut made = Vec::new();
    for (contact, name) in contacts.iter().rev().take(crowd.customers) {
        let email = world.store.of(CONTACTS).row(contact).map(|row| row.text("email").to_owned()).unwrap_or_default();
        let id = schedule_it::next_number(&mut world.store, "resources");
        let mut fields = Fields::new();
        for (key, value) in [
            ("id", Value::from(id.as_str())),
            ("name", name.as_str().into()),
            ("owner", group.as_deref().unwrap_or_default().into()),
            ("email", email.into()),
            ("workspace", world.account.workspace.as_str().into()),
        ] {
            fields.insert(key, value);
        }
        world.insert("resources", &id, "", fields);
        made.push((id, name.clone()));
    }
    made
}

fn event(world: &mut World, (owner, name): (&str, &str), start: i64) {
    let zone = world.account.workspace_zone.clone();
    let local = |ms: i64| {
        let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MIN);
        at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let id = schedule_it::next_number(&mut world.store, "events");
    let mut fields = Fields::new();
    for (key, value) in [
        ("id", Value::from(id.as_str())),
        ("title", format!("Visit: {name}").into()),
        ("owner", owner.into()),
        ("date_start", local(start).into()),
        ("date_end", local(start + HALF_HOUR).into()),
        ("notes", "".into()),
        ("location", "Ground floor".into()),
        ("workspace", world.account.workspace.as_str().into()),
    ] {
        fields.insert(key, value);
    }
    world.insert("events", &id, "", fields);
}
