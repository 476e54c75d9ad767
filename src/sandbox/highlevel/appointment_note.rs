//! Notes on an appointment.
use serde_json::{Value, json};

use super::bounds::{Bound, Rule, hold};
use super::refusal::{not_found, wrong};
use super::{APPOINTMENT_NOTES, APPOINTMENTS, USERS, iso};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

const MOST: usize = 20;
const BOUNDS: &[Rule] = &[(&["body"], Bound::Long(5_000))];

/// `GET /calendars/appointments/{appointmentId}/notes`: newest first.
pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let appointment = appointment(world, call)?;
    if call.query("limit").and_then(|it| it.parse::<f64>().ok()).is_some_and(|it| it > MOST as f64) {
        return Err(wrong("limit must not be greater than 20"));
    }
    if call.query("offset").and_then(|it| it.parse::<f64>().ok()).is_some_and(|it| it < 0.0) {
        return Err(wrong("offset must not be less than 0"));
    }
    let (limit, offset) = (call.count("limit", 10, MOST), call.count("offset", 0, usize::MAX));
    let mut notes: Vec<Fields> = world.store.of(APPOINTMENT_NOTES).children(&appointment).map(|row| row.fields.shown()).collect();
    notes.reverse();
    let more = notes.len() > offset.saturating_add(limit);
    let page: Vec<Fields> = notes.into_iter().skip(offset).take(limit).collect();
    let summary = format!("Listed {} notes on an appointment", page.len());
    Ok(Reply::read(json!({"notes": page, "hasMore": more}), summary))
}

/// `POST /calendars/appointments/{appointmentId}/notes`
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let appointment = appointment(world, call)?;
    hold(&call.body, BOUNDS)?;
    let contact = world.store.of(APPOINTMENTS).row(&appointment).map(|row| row.text("contactId").to_owned());
    let id = world.store.next_id(APPOINTMENT_NOTES);
    let mut fields = Fields::new();
    for (key, value) in [("id", json!(id)), ("contactId", json!(contact)), ("dateAdded", json!(iso(call.now)))] {
        fields.insert(key, value);
    }
    apply(world, call, &mut fields);
    world.insert(APPOINTMENT_NOTES, &id, &appointment, fields);
    Ok(Reply::created(answer(world, &id), "Wrote a note on an appointment").about(APPOINTMENT_NOTES, &id))
}

/// `PUT /calendars/appointments/{appointmentId}/notes/{noteId}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    hold(&call.body, BOUNDS)?;
    let mut fields = world.store.of(APPOINTMENT_NOTES).get(&id).cloned().unwrap_or_default();
    apply(world, call, &mut fields);
    world.replace(APPOINTMENT_NOTES, &id, fields);
    Ok(Reply::updated(answer(world, &id), "Updated a note on an appointment").about(APPOINTMENT_NOTES, &id))
}

/// `DELETE /calendars/appointments/{appointmentId}/notes/{noteId}`
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    world.remove(APPOINTMENT_NOTES, &id);
    Ok(Reply::deleted(json!({"success": true}), "Deleted a note on an appointment").about(APPOINTMENT_NOTES, &id))
}

fn appointment(world: &World, call: &Call) -> Result<String, Refusal> {
    let id = call.path("appointmentId");
    if world.store.of(APPOINTMENTS).contains(id) { Ok(id.to_owned()) } else { Err(not_found("Appointment", id)) }
}

fn existing(world: &World, call: &Call) -> Result<String, Refusal> {
    let appointment = appointment(world, call)?;
    let id = call.path("noteId");
    let note = world.store.of(APPOINTMENT_NOTES).child(&appointment, id);
    note.map(|_| id.to_owned()).ok_or_else(|| not_found("Note", id))
}

fn apply(world: &World, call: &Call, fields: &mut Fields) {
    for key in ["body", "userId"] {
        if let Some(value) = call.field(key) {
            fields.insert(key, value.clone());
        }
    }
    let user = fields.get("userId").and_then(Value::as_str).unwrap_or(&world.account.user_id);
    let name = world.store.of(USERS).row(user).map(|row| row.text("name")).unwrap_or_default();
    let author = json!({"id": user, "name": name});
    fields.insert("createdBy", author);
}

fn answer(world: &World, id: &str) -> Value {
    json!({"note": world.store.of(APPOINTMENT_NOTES).get(id).map(Fields::shown).unwrap_or_default()})
}
