//! What a calendar tells people about its appointments.
use serde_json::{Value, json};

use super::refusal::{not_found, wrong};
use super::{NOTIFICATIONS, calendar};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply, without_nulls};
use crate::sandbox::store::{Fields, Row};
use crate::sandbox::world::World;

/// Notifications that one request may make.
const MOST: usize = 100;

/// `GET /calendars/{calendarId}/notifications`
pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let id = calendar::existing(world, call)?;
    let (limit, skip) = (call.count("limit", 100, 1_000), call.count("skip", 0, usize::MAX));
    let (active, deleted) = (call.flag("isActive"), call.flag("deleted").unwrap_or(false));
    let is = |row: &Row, key: &str| row.fields.get(key).and_then(Value::as_bool).unwrap_or_default();
    let wanted = |row: &&Row| active.is_none_or(|it| is(row, "isActive") == it) && is(row, "deleted") == deleted;
    let all = world.store.of(NOTIFICATIONS).children(&id).filter(wanted);
    let page: Vec<Fields> = all.skip(skip).take(limit).map(|row| row.fields.shown()).collect();
    let summary = format!("Listed {} notifications of \"{}\"", page.len(), calendar::name_of(world, &id));
    Ok(Reply::read(json!(page), summary))
}

/// `POST /calendars/{calendarId}/notifications`: a list of them.
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let calendar = calendar::existing(world, call)?;
    let list = match &call.body {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    if list.len() > MOST {
        return Err(wrong("the body must hold at most 100 notifications"));
    }
    let mut made = Vec::new();
    for sent in list {
        let id = world.store.next_id(NOTIFICATIONS);
        let mut fields = Fields::new();
        fields.insert("isActive", json!(true));
        fields.extend(
            sent.as_object()
                .into_iter()
                .flatten()
                .filter(|(_, it)| !it.is_null())
                .map(|(key, it)| (key.clone(), without_nulls(it))),
        );
        fields.insert("_id", json!(id));
        fields.insert("deleted", json!(false));
        made.push((id.clone(), fields.shown()));
        world.insert(NOTIFICATIONS, &id, &calendar, fields);
    }
    let summary = format!("Created {} notifications of \"{}\"", made.len(), calendar::name_of(world, &calendar));
    let body: Vec<&Fields> = made.iter().map(|(_, fields)| fields).collect();
    let reply = Reply::created(json!(body), summary);
    Ok(match made.first() {
        Some((id, _)) => reply.about(NOTIFICATIONS, id),
        None => reply,
    })
}

/// `GET /calendars/{calendarId}/notifications/{notificationId}`
pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    let body = world.store.of(NOTIFICATIONS).get(&id).map(Fields::shown).unwrap_or_default();
    Ok(Reply::read(body.into(), "Read a notification").about(NOTIFICATIONS, &id))
}

/// `PUT /calendars/{calendarId}/notifications/{notificationId}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    world.change(NOTIFICATIONS, &id, |fields| {
        let sent = call.fields().filter(|(key, it)| *key != "_id" && !it.is_null());
        fields.extend(sent.map(|(key, it)| (key.clone(), without_nulls(it))));
    });
    Ok(Reply::updated(json!({"message": "Notification updated"}), "Updated a notification").about(NOTIFICATIONS, &id))
}

/// `DELETE /calendars/{calendarId}/notifications/{notificationId}`: it is marked, and found only among the deleted.
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    world.change(NOTIFICATIONS, &id, |fields| drop(fields.insert("deleted", json!(true))));
    Ok(Reply::deleted(json!({"message": "Notification deleted"}), "Deleted a notification").about(NOTIFICATIONS, &id))
}

fn existing(world: &World, call: &Call) -> Result<String, Refusal> {
    let calendar = calendar::existing(world, call)?;
    let id = call.path("notificationId");
    let found = world.store.of(NOTIFICATIONS).child(&calendar, id);
    let stands = found.is_some_and(|it| it.get("deleted").and_then(Value::as_bool) != Some(true));
    if stands { Ok(id.to_owned()) } else { Err(not_found("Notification", id)) }
}
