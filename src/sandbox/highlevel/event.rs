//! What stands in calendars: appointments, their repetitions and block slots, as lists and answers show them.
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};

use super::refusal::{bad, not_found, wrong};
use super::slots::{millisecond, times};
use super::{APPOINTMENT_NOTES, APPOINTMENTS, BLOCKS, CALENDARS, contact};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::{Fields, Row};
use crate::sandbox::world::World;

/// A moment as it was sent, and in milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) text: String,
    pub(super) ms: i64,
    offset: Offset,
}

impl Moment {
    /// Reads an RFC 3339 date with offset, or a local one in the location's zone.
    pub(super) fn read(text: &str, zone: &TimeZone) -> Option<Self> {
        let local = || zone.to_zoned_datetime(text.parse::<jiff::civil::DateTime>().ok()?).ok().map(|it| it.timestamp());
        let at = text.parse::<Timestamp>().ok().or_else(local)?;
        let stated = jiff::fmt::temporal::Pieces::parse(text).ok()?.to_numeric_offset();
        // A date alone is no moment.
        text.contains(['T', 't', ' ']).then(|| Self {
            text: text.to_owned(),
            ms: at.as_millisecond(),
            offset: stated.unwrap_or_else(|| zone.to_offset(at)),
        })
    }

    /// So many milliseconds later, written in the same way.
    pub(super) fn later(&self, ms: i64) -> Self {
        let at = Timestamp::from_millisecond(self.ms.saturating_add(ms)).unwrap_or(Timestamp::MAX);
        let text = at.to_zoned_datetime(TimeZone::fixed(self.offset)).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        let text = if self.text.ends_with('Z') { super::iso(at) } else { text };
        Self { text, ms: at.as_millisecond(), offset: self.offset }
    }
}

/// Reads a moment in the body; none if it was not sent.
pub(super) fn moment(world: &World, call: &Call, name: &str) -> Result<Option<Moment>, Refusal> {
    let Some(text) = call.text(name) else { return Ok(None) };
    let read = Moment::read(text, &world.account.zone);
    read.map(Some).ok_or_else(|| wrong(&format!("{name} must be a valid ISO 8601 date string")))
}

/// Writes start and end into an event.
pub(super) fn set_times(fields: &mut Fields, start: &Moment, end: &Moment) {
    for (key, value) in
        [("startTime", json!(start.text)), ("endTime", json!(end.text)), ("~start", json!(start.ms)), ("~end", json!(end.ms))]
    {
        fields.insert(key, value);
    }
}

/// An event as the calendars' answers show it, with every field that the vendor always sends.
pub(super) fn view(world: &World, fields: &Fields) -> Fields {
    let mut view = fields.shown();
    let calendar = fields.get("calendarId").and_then(Value::as_str).unwrap_or_default();
    let group = world.store.of(CALENDARS).get(calendar).and_then(|it| it.get("groupId")).cloned();
    for (key, value) in [
        ("title", json!("")),
        ("contactId", json!("")),
        ("groupId", group.unwrap_or_else(|| json!(""))),
        ("appointmentStatus", json!("confirmed")),
        ("assignedUserId", json!("")),
        ("users", json!([])),
        ("address", json!("")),
        ("notes", json!("")),
        ("isRecurring", json!(fields.contains_key("rrule"))),
        ("assignedResources", json!([])),
    ] {
        if !view.contains_key(key) {
            view.insert(key, value);
        }
    }
    view
}

/// One repetition of an event: its own id and times, and whose repetition it is.
fn instance(world: &World, row: &Row, (start, end): (i64, i64)) -> Fields {
    let mut fields = view(world, &row.fields);
    if row.text("rrule").is_empty() {
        return fields;
    }
    let local = |ms: i64| {
        let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
        at.to_zoned_datetime(world.account.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    };
    for (key, value) in [
        ("id", json!(format!("{}_{start}_{}", row.id(), (end - start) / 1_000))),
        ("masterEventId", json!(row.id())),
        ("startTime", json!(local(start))),
        ("endTime", json!(local(end))),
    ] {
        fields.insert(key, value);
    }
    fields
}

/// The event, and the repetition of it, that an id means: `<id>` or `<id>_<start>_<seconds>`.
pub(super) fn repetition<'a>(world: &'a World, id: &str) -> Option<(&'a Row, i64, i64)> {
    let mut parts = id.split('_');
    let (master, start, seconds) = (parts.next()?, parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let row = world.store.of(APPOINTMENTS).row(master)?;
    let found = times(row, start, start, &world.account.zone).into_iter().find(|(begin, _)| *begin == start)?;
    (found.1 - found.0 == seconds.checked_mul(1_000)?).then_some((row, found.0, found.1))
}

/// An appointment, or one repetition of it, as answers show it.
pub(super) fn find(world: &World, id: &str) -> Option<Fields> {
    match world.store.of(APPOINTMENTS).get(id) {
        Some(fields) => Some(view(world, fields)),
        None => repetition(world, id).map(|(row, start, end)| instance(world, row, (start, end))),
    }
}

/// `GET /calendars/events`
pub(super) fn list(world: &mut World, call: &Call) -> Outcome {
    let events = in_range(world, call, APPOINTMENTS)?;
    let summary = format!("Listed {} events", events.len());
    Ok(Reply::read(json!({"events": events}), summary))
}

/// The events of a collection that touch the time and belong to the calendar, user or group that the query names.
pub(super) fn in_range(world: &World, call: &Call, collection: &str) -> Result<Vec<Fields>, Refusal> {
    let ms = |name: &str| {
        let text = call.query(name).unwrap_or_default();
        let number = text.parse::<f64>().ok().filter(|it| it.is_finite()).map(millisecond);
        let read = number.or_else(|| Moment::read(text, &world.account.zone).map(|it| it.ms));
        read.ok_or_else(|| wrong(&format!("{name} must be a time in milliseconds")))
    };
    let (from, to) = (ms("startTime")?, ms("endTime")?);
    if from > to {
        return Err(bad("The start time must be before the end time"));
    }
    let (calendar, user, group) = (call.query("calendarId"), call.query("userId"), call.query("groupId"));
    let named = [calendar, user, group].into_iter().flatten().count();
    if named > 1 && world.traps.events_by_one_owner_only {
        return Err(wrong("Only one of calendarId, userId or groupId is allowed"));
    }
    if named == 0 && world.traps.events_by_owner_only {
        return Err(wrong("Either of calendarId, userId or groupId is required"));
    }
    let of_group = |id: &str| {
        let own = world.store.of(CALENDARS).row(id).map(|row| row.text("groupId"));
        group.is_none_or(|group| own == Some(group))
    };
    let wanted = |row: &&Row| {
        calendar.is_none_or(|it| row.text("calendarId") == it)
            && user.is_none_or(|it| row.text("assignedUserId") == it)
            && of_group(row.text("calendarId"))
    };
    let mut found: Vec<(i64, Fields)> = Vec::new();
    let (all, index) = (world.store.of(collection), if collection == BLOCKS { &world.blocked } else { &world.booked });
    let mut near: Vec<u64> = index.near(from, to).collect();
    near.sort_unstable();
    for row in near.into_iter().filter_map(|it| all.at(it)).filter(wanted) {
        let all = times(row, from, to, &world.account.zone);
        found.extend(all.into_iter().map(|time| (time.0, instance(world, row, time))));
    }
    found.sort_by_key(|(start, _)| *start);
    Ok(found.into_iter().map(|(_, event)| event).collect())
}

/// `GET /contacts/{contactId}/appointments`: local times without an offset, as the vendor has them here.
pub(super) fn of_contact(world: &mut World, call: &Call) -> Outcome {
    let id = contact::existing(world, call)?;
    let local = |ms: i64| {
        let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
        at.to_zoned_datetime(world.account.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let own = world.booked.of_contact(&id).filter_map(|it| world.store.of(APPOINTMENTS).at(it));
    let mut events: Vec<Fields> = Vec::new();
    for row in own {
        let mut event = view(world, &row.fields);
        for (key, hidden) in [("startTime", "~start"), ("endTime", "~end")] {
            if let Some(ms) = row.fields.get(hidden).and_then(Value::as_i64) {
                event.insert(key, json!(local(ms)));
            }
        }
        for key in ["dateAdded", "dateUpdated"] {
            if let Ok(at) = row.text(key).parse::<Timestamp>() {
                event.insert(key, json!(local(at.as_millisecond())));
            }
        }
        event.insert("status", json!("booked"));
        events.push(event);
    }
    let summary = format!("Listed {} appointments of {}", events.len(), contact::name_of(world, &id));
    Ok(Reply::read(json!({"events": events}), summary))
}

/// `DELETE /calendars/events/{eventId}`: an appointment, one repetition of it, or a block slot.
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = call.path("eventId");
    let done = json!({"succeeded": true});
    for (collection, what) in [(APPOINTMENTS, "appointment"), (BLOCKS, "block slot")] {
        if let Some(fields) = world.remove(collection, id) {
            world.remove_children(APPOINTMENT_NOTES, id);
            let title = fields.get("title").and_then(Value::as_str).unwrap_or_default();
            return Ok(Reply::deleted(done, format!("Deleted {what} \"{title}\"")).about(collection, id));
        }
    }
    let Some((master, start)) = repetition(world, id).map(|(row, start, _)| (row.id().to_owned(), start)) else {
        return Err(not_found("Event", id));
    };
    skip(world, &master, start);
    Ok(Reply::deleted(done, "Deleted one repetition of an appointment").about(APPOINTMENTS, &master))
}

/// Takes one repetition out of an event's rule.
pub(super) fn skip(world: &mut World, master: &str, start: i64) {
    let at = Timestamp::from_millisecond(start).unwrap_or(Timestamp::MAX);
    world.change(APPOINTMENTS, master, |fields| {
        let rule = format!("{}\nEXDATE:{}", fields.text("rrule"), at.strftime("%Y%m%dT%H%M%SZ"));
        fields.insert("rrule", json!(rule));
    });
}

/// Completes the events that were planted.
pub(super) fn settle(world: &mut World) {
    let zone = world.account.zone.clone();
    let location = world.account.location_id.clone();
    for collection in [APPOINTMENTS, BLOCKS] {
        let ids: Vec<String> = world.store.of(collection).rows().map(|row| row.id().to_owned()).collect();
        for id in ids {
            world.change(collection, &id, |fields| {
                let read = |name: &str| Moment::read(fields.text(name), &zone);
                if let (Some(start), Some(end)) = (read("startTime"), read("endTime")) {
                    set_times(fields, &start, &end);
                }
                fields.insert("locationId", json!(location));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_offset_and_local_ones_take_the_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let read = |text| Moment::read(text, &zone);
        let start = read("2025-06-02T10:00:00+05:30").unwrap();
        assert_eq!(start.later(1_800_000).text, "2025-06-02T10:30:00+05:30");
        assert_eq!(read("2025-06-02T10:00:00Z").unwrap().later(60_000).text, "2025-06-02T10:01:00.000Z");
        assert_eq!(read("2025-06-02T10:00:00").unwrap().ms, read("2025-06-02T14:00:00Z").unwrap().ms);
        for text in ["", "soon", "2025-06-02", "2025-13-02T10:00:00Z"] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
