//! Appointments: booked, read, moved, given a status.
use serde_json::{Value, json};

use super::event::{self, Moment, moment, set_times};
use super::hours::Rules;
use super::recurrence::Recurrence;
use super::refusal::{bad, not_found, wrong};
use super::slots::{Wish, book};
use super::{APPOINTMENTS, CALENDARS, CONTACTS, contact, iso};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

/// Fields that are kept as they are sent.
const PLAIN: &[&str] =
    &["title", "meetingLocationType", "meetingLocationId", "appointmentStatus", "assignedUserId", "description", "address"];
const TAKEN: &str = "The slot you have selected is no longer available.";

/// `POST /calendars/events/appointments`
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let calendar = call.text("calendarId").unwrap_or_default();
    let Some(rules) = Rules::of(world, calendar) else { return Err(not_found("Calendar", calendar)) };
    let contact = call.text("contactId").unwrap_or_default().to_owned();
    if !world.store.of(CONTACTS).contains(&contact) {
        return Err(not_found("Contact", &contact));
    }
    let start = moment(world, call, "startTime")?.ok_or_else(|| wrong("startTime should not be empty"))?;
    let end = moment(world, call, "endTime")?.unwrap_or_else(|| start.later(rules.duration));
    let mut fields = Fields::new();
    apply(call, &mut fields);
    let user = check(world, call, calendar, &start, &end, None)?;
    if let Some(user) = user.filter(|it| !it.is_empty()) {
        fields.insert("assignedUserId", json!(user));
    }
    repeat(world, call, &mut fields)?;
    set_times(&mut fields, &start, &end);

    let settings = world.store.of(CALENDARS).get(calendar);
    let confirmed = settings.and_then(|it| it.get("autoConfirm")).and_then(Value::as_bool) != Some(false);
    let id = world.store.next_id(APPOINTMENTS);
    for (key, value) in [
        ("id", json!(id)),
        ("calendarId", json!(calendar)),
        ("contactId", json!(contact)),
        ("locationId", json!(world.account.location_id)),
        ("dateAdded", json!(iso(call.now))),
        ("dateUpdated", json!(iso(call.now))),
        ("createdBy", json!({"source": "third_party"})),
    ] {
        fields.insert(key, value);
    }
    for (key, value) in [
        ("title", json!(contact::name_of(world, &contact))),
        ("appointmentStatus", json!(if confirmed { "confirmed" } else { "new" })),
    ] {
        if !fields.contains_key(key) {
            fields.insert(key, value);
        }
    }
    let summary = format!("Booked \"{}\" for {} at {}", title(&fields), contact::name_of(world, &contact), start.text);
    world.insert(APPOINTMENTS, &id, calendar, fields);
    Ok(Reply::created(answer(world, &id), summary).about(APPOINTMENTS, &id))
}

/// `GET /calendars/events/appointments/{eventId}`
pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let id = call.path("eventId");
    let event = event::find(world, id).ok_or_else(|| not_found("Appointment", id))?;
    let summary = format!("Read appointment \"{}\"", title(&event));
    Ok(Reply::read(json!({"event": event}), summary).about(APPOINTMENTS, id))
}

/// `PUT /calendars/events/appointments/{eventId}`: a repetition that is changed becomes an appointment of its own, under
/// the id that it had.
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = call.path("eventId").to_owned();
    let (mut fields, master) = match world.store.of(APPOINTMENTS).get(&id) {
        Some(fields) => (fields.clone(), None),
        None => detached(world, &id).ok_or_else(|| not_found("Appointment", &id))?,
    };
    let text = |fields: &Fields, key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let calendar = call.text("calendarId").map_or_else(|| text(&fields, "calendarId"), str::to_owned);
    if !world.store.of(CALENDARS).contains(&calendar) {
        return Err(not_found("Calendar", &calendar));
    }
    let zone = &world.account.zone;
    let stored = |key: &str| Moment::read(&text(&fields, key), zone).ok_or_else(|| bad("The appointment has no time"));
    let (old_start, old_end) = (stored("startTime")?, stored("endTime")?);
    let sent = moment(world, call, "startTime")?;
    let moved = sent.is_some() || call.text("endTime").is_some() || calendar != text(&fields, "calendarId");
    let start = sent.unwrap_or_else(|| old_start.clone());
    let end = moment(world, call, "endTime")?.unwrap_or_else(|| start.later(old_end.ms - old_start.ms));
    if moved {
        let stays = text(&fields, "assignedUserId");
        let user = call.text("assignedUserId").unwrap_or(&stays);
        let wanted = Wanted { user, own: Some(master.as_ref().map_or(id.as_str(), |(master, _)| master)) };
        check_for(world, call, &calendar, &start, &end, &wanted)?;
    }
    apply(call, &mut fields);
    repeat(world, call, &mut fields)?;
    set_times(&mut fields, &start, &end);
    fields.insert("calendarId", json!(calendar));
    fields.insert("dateUpdated", json!(iso(call.now)));
    let status = text(&fields, "appointmentStatus");
    let summary = format!("Updated appointment \"{}\": {status}, {}", title(&fields), start.text);
    if let Some((master, start)) = master {
        event::skip(world, &master, start);
    }
    if world.store.of(APPOINTMENTS).row(&id).is_some_and(|row| row.parent() == calendar) {
        world.replace(APPOINTMENTS, &id, fields);
    } else {
        world.insert(APPOINTMENTS, &id, &calendar, fields);
    }
    Ok(Reply::updated(answer(world, &id), summary).about(APPOINTMENTS, &id))
}

/// Whom an appointment is for, and which one does not stand in its own way.
struct Wanted<'a> {
    user: &'a str,
    own: Option<&'a str>,
}

fn check(
    world: &World,
    call: &Call,
    calendar: &str,
    start: &Moment,
    end: &Moment,
    own: Option<&str>,
) -> Result<Option<String>, Refusal> {
    check_for(world, call, calendar, start, end, &Wanted { user: call.text("assignedUserId").unwrap_or_default(), own })
}

/// Refuses times that cannot be booked; says who takes the appointment, unless the calendar was not asked.
fn check_for(
    world: &World,
    call: &Call,
    calendar: &str,
    start: &Moment,
    end: &Moment,
    wanted: &Wanted<'_>,
) -> Result<Option<String>, Refusal> {
    if end.ms <= start.ms {
        return Err(bad("The end time must be after the start time"));
    }
    if call.truth("ignoreFreeSlotValidation") == Some(true) {
        return Ok(None);
    }
    let any_date = call.truth("ignoreDateRange") == Some(true);
    let wish = Wish { calendar, start: start.ms, end: end.ms, user: wanted.user, own: wanted.own, any_date };
    book(world, &wish, call.now).map(Some).ok_or_else(|| bad(TAKEN))
}

fn apply(call: &Call, fields: &mut Fields) {
    for key in PLAIN {
        match call.body.get(*key) {
            None => {}
            Some(Value::Null) => drop(fields.remove(key)),
            Some(value) => drop(fields.insert(*key, value.clone())),
        }
    }
}

/// A rule counts only where the slots are not checked, as the vendor says.
fn repeat(world: &World, call: &Call, fields: &mut Fields) -> Result<(), Refusal> {
    let Some(rule) = call.text("rrule") else { return Ok(()) };
    if Recurrence::read(rule, &world.account.zone).is_none() {
        return Err(wrong("rrule must be a recurrence rule as in RFC 5545"));
    }
    if call.truth("ignoreFreeSlotValidation") == Some(true) {
        fields.insert("rrule", json!(rule));
    }
    Ok(())
}

/// One repetition as an appointment of its own, with its master and its start.
fn detached(world: &World, id: &str) -> Option<(Fields, Option<(String, i64)>)> {
    let (row, start, _) = event::repetition(world, id)?;
    let shown = event::find(world, id)?;
    let mut fields = row.fields.clone();
    fields.remove("rrule");
    for key in ["id", "startTime", "endTime", "masterEventId"] {
        fields.insert(key, shown.get(key).cloned().unwrap_or_default());
    }
    Some((fields, Some((row.id().to_owned(), start))))
}

fn title(fields: &Fields) -> &str {
    fields.get("title").and_then(Value::as_str).unwrap_or_default()
}

/// What creating and changing answer: the appointment's fields at the top.
fn answer(world: &World, id: &str) -> Value {
    let mut view = event::find(world, id).unwrap_or_default();
    if world.traps.appointments_answer_without_dates {
        view.remove("startTime");
        view.remove("endTime");
    }
    view.into()
}
