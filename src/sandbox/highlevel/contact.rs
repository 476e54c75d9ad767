//! Contacts: made, read, changed, removed; and what every contact's answer holds.
use jiff::Timestamp;
use serde_json::{Value, json};

use super::refusal::{bad, duplicate, not_found, wrong};
use super::{APPOINTMENT_NOTES, APPOINTMENTS, CONTACTS, CUSTOM_FIELDS, NOTES, TASKS, iso};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply, texts, under};
use crate::sandbox::store::{Fields, Row};
use crate::sandbox::world::World;

/// Fields that are kept as they are sent.
const PLAIN: &[&str] = &[
    "firstName",
    "lastName",
    "name",
    "gender",
    "address1",
    "city",
    "state",
    "postalCode",
    "website",
    "timezone",
    "dnd",
    "dndSettings",
    "inboundDndSettings",
    "source",
    "dateOfBirth",
    "country",
    "companyName",
    "assignedTo",
];

/// `POST /contacts/`
pub(super) fn create(world: &mut World, call: &Call) -> Outcome {
    let mut fields = Fields::new();
    apply(world, call, &mut fields)?;
    if let Some(refusal) = taken(world, &fields, None) {
        return Err(refusal);
    }
    let id = insert(world, call, fields);
    let summary = format!("Created contact {}", name_of(world, &id));
    Ok(Reply::created(under("contact", view(world, &id)), summary).about(CONTACTS, &id))
}

/// `GET /contacts/{contactId}`
pub(super) fn get(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    let summary = format!("Read contact {}", name_of(world, &id));
    Ok(Reply::read(under("contact", view(world, &id)), summary).about(CONTACTS, &id))
}

/// `PUT /contacts/{contactId}`
pub(super) fn update(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    let mut fields = world.store.of(CONTACTS).get(&id).cloned().unwrap_or_default();
    apply(world, call, &mut fields)?;
    if let Some(refusal) = taken(world, &fields, Some(&id)) {
        return Err(refusal);
    }
    replace(world, call, &id, fields);
    let summary = format!("Updated contact {}", name_of(world, &id));
    let mut body = under("contact", view(world, &id));
    body["succeded"] = json!(true);
    Ok(Reply::updated(body, summary).about(CONTACTS, &id))
}

/// `DELETE /contacts/{contactId}`: its tasks, notes and appointments go with it.
pub(super) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = existing(world, call)?;
    let summary = format!("Deleted contact {}", name_of(world, &id));
    world.remove(CONTACTS, &id);
    world.remove_children(TASKS, &id);
    world.remove_children(NOTES, &id);
    let booked = world.booked.of_contact(&id).filter_map(|it| world.store.of(APPOINTMENTS).at(it));
    let booked: Vec<String> = booked.map(|row| row.id().to_owned()).collect();
    for appointment in &booked {
        world.remove(APPOINTMENTS, appointment);
        world.remove_children(APPOINTMENT_NOTES, appointment);
    }
    Ok(Reply::deleted(json!({"succeded": true}), summary).about(CONTACTS, &id))
}

/// The contact that the path names, or 404.
pub(super) fn existing(world: &World, call: &Call) -> Result<String, Refusal> {
    let id = call.path("contactId");
    if world.store.of(CONTACTS).contains(id) { Ok(id.to_owned()) } else { Err(not_found("Contact", id)) }
}

/// The id of the contact at a place.
pub(super) fn id_at(world: &World, place: Option<u64>) -> Option<&str> {
    world.store.of(CONTACTS).at(place?).map(Row::id)
}

/// What a person calls the contact.
pub(super) fn name_of(world: &World, id: &str) -> String {
    world.store.of(CONTACTS).get(id).map(name).filter(|it| !it.is_empty()).unwrap_or_else(|| id.to_owned())
}

/// First and last name, or the whole name if it was given as one; else the e-mail or the phone.
pub(super) fn name(fields: &Fields) -> String {
    let whole = name_of_person(fields);
    let known = [whole.as_str(), fields.text("email"), fields.text("phone")].into_iter().find(|it| !it.is_empty());
    known.unwrap_or_default().to_owned()
}

/// First and last name, or the whole name if it was given as one; empty if there is none.
pub(super) fn name_of_person(fields: &Fields) -> String {
    let whole = match fields.text("name") {
        "" => format!("{} {}", fields.text("firstName"), fields.text("lastName")),
        whole => whole.to_owned(),
    };
    whole.trim().to_owned()
}

/// Puts what the body holds into a contact.
pub(super) fn apply(world: &World, call: &Call, fields: &mut Fields) -> Result<(), Refusal> {
    let sent = |name: &str| call.body.get(name);
    for key in PLAIN {
        match sent(key) {
            None => {}
            Some(Value::Null) => drop(fields.remove(key)),
            Some(value) => drop(fields.insert(*key, without_nulls(value))),
        }
    }
    match (call.text("name"), sent("firstName").or_else(|| sent("lastName"))) {
        (Some(whole), None) => {
            let whole = whole.trim();
            let (first, last) = whole.split_once(' ').unwrap_or((whole, ""));
            fields.insert("firstName", json!(first));
            fields.insert("lastName", json!(last.trim()));
        }
        (None, Some(_)) => drop(fields.remove("name")),
        _ => {}
    }
    match sent("email") {
        None => {}
        Some(_) => match call.text("email").map(str::trim) {
            None => drop(fields.remove("email")),
            Some(it) if is_email(it) => drop(fields.insert("email", json!(it))),
            Some(_) => return Err(wrong("email must be an email")),
        },
    }
    match sent("phone") {
        None => {}
        Some(_) => match call.text("phone") {
            None => drop(fields.remove("phone")),
            Some(it) => {
                let phone = e164(it).ok_or_else(|| wrong("phone must be a phone number"))?;
                fields.insert("phone", json!(phone));
            }
        },
    }
    if call.field("tags").is_some() {
        fields.insert("tags", json!(lower(&call.texts("tags"))));
    }
    if let Some(Value::Array(list)) = call.field("customFields") {
        merge_custom_fields(world, list, fields)?;
    }
    Ok(())
}

/// What is `null` within a value was not sent.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let held = fields.iter().filter(|(_, it)| !it.is_null());
            Value::Object(held.map(|(key, it)| (key.clone(), without_nulls(it))).collect())
        }
        other => other.clone(),
    }
}

/// What a field is stored under that searches also call otherwise; every way of writing the whole name is `name`.
pub(super) fn stored_name(field: &str) -> &str {
    match field {
        "firstNameLowerCase" => "firstName",
        "lastNameLowerCase" => "lastName",
        "emailLowerCase" => "email",
        "businessName" => "companyName",
        "address" => "address1",
        "contactName" | "fullName" | "fullNameLowerCase" => "name",
        other => other,
    }
}

/// Tags are kept in lower case, each once.
pub(super) fn lower(tags: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        let tag = tag.trim().to_lowercase();
        if !tag.is_empty() && !kept.contains(&tag) {
            kept.push(tag);
        }
    }
    kept
}

/// Each field that is sent takes the place of the one with its id; the others stay.
fn merge_custom_fields(world: &World, sent: &[Value], fields: &mut Fields) -> Result<(), Refusal> {
    let mut kept = match fields.remove("customFields") {
        Some(Value::Array(kept)) => kept,
        _ => Vec::new(),
    };
    for field in sent {
        let by_key = |key: &str| {
            let mut known = world.store.of(CUSTOM_FIELDS).rows();
            known.find(|row| row.text("fieldKey").trim_start_matches("contact.") == key.trim_start_matches("contact."))
        };
        let text = |name: &str| field.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
        let id = match (text("id"), text("key")) {
            (Some(id), _) => id.to_owned(),
            (None, Some(key)) => by_key(key)
                .map(|row| row.id().to_owned())
                .ok_or_else(|| bad(&format!("Custom field with key {key} not found")))?,
            (None, None) => return Err(wrong("customFields.id must be a string")),
        };
        kept.retain(|it| it.get("id").and_then(Value::as_str) != Some(&id));
        let value = field.get("field_value").or_else(|| field.get("fieldValue")).or_else(|| field.get("value"));
        if let Some(value) = value.filter(|it| !it.is_null()) {
            kept.push(json!({"id": id, "value": value}));
        }
    }
    fields.insert("customFields", Value::Array(kept));
    Ok(())
}

/// Something on both sides of one `@`, and no space: as much as the vendor's check makes sure of.
pub(super) fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(char::is_whitespace)
    })
}

/// A phone number in E.164, national ones taken as American; none if it cannot be one.
pub(super) fn e164(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let international = text.trim_start().starts_with('+');
    match digits.len() {
        0..=2 | 16.. => None,
        10 if !international => Some(format!("+1{digits}")),
        _ => Some(format!("+{digits}")),
    }
}

/// A refusal if another contact has the same e-mail or phone and the location does not allow that.
pub(super) fn taken(world: &World, fields: &Fields, own: Option<&str>) -> Option<Refusal> {
    if world.traps.duplicates_allowed {
        return None;
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
    let found = [
        ("email", text("email").and_then(|it| world.contacts.by_email(it))),
        ("email", text("email").and_then(|it| world.contacts.by_second_email(it))),
        ("phone", text("phone").and_then(|it| world.contacts.by_phone(it))),
    ]
    .map(|(field, place)| (field, id_at(world, place)));
    let (field, id) = found.into_iter().find_map(|(field, id)| Some((field, id.filter(|it| Some(*it) != own)?)))?;
    Some(duplicate(id, &name_of(world, id), field))
}

/// Adds a new contact and says its id.
pub(super) fn insert(world: &mut World, call: &Call, mut fields: Fields) -> String {
    let id = world.store.next_id(CONTACTS);
    fields.insert("id", json!(id));
    fields.insert("locationId", json!(world.account.location_id));
    fields.insert("dateAdded", json!(iso(call.now)));
    fields.insert("~added", json!(call.now.as_millisecond()));
    touch(&mut fields, call.now);
    world.insert(CONTACTS, &id, "", fields);
    id
}

/// Puts changed fields in a contact's place.
pub(super) fn replace(world: &mut World, call: &Call, id: &str, mut fields: Fields) {
    touch(&mut fields, call.now);
    world.replace(CONTACTS, id, fields);
}

/// Changes a contact in its place.
pub(super) fn change(world: &mut World, call: &Call, id: &str, with: impl FnOnce(&mut Fields)) {
    world.change(CONTACTS, id, |fields| {
        with(fields);
        touch(fields, call.now);
    });
}

fn touch(fields: &mut Fields, now: Timestamp) {
    fields.insert("dateUpdated", json!(iso(now)));
    fields.insert("~updated", json!(now.as_millisecond()));
}

/// A contact as its own answer shows it; empty if there is none.
pub(super) fn view(world: &World, id: &str) -> Value {
    world.store.of(CONTACTS).get(id).map_or_else(|| json!({}), |fields| full(world, fields).into())
}

/// A contact with what follows from its fields.
pub(super) fn full(world: &World, fields: &Fields) -> Fields {
    let mut view = fields.shown();
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let whole = format!("{} {}", text("firstName"), text("lastName"));
    let whole = if text("name").is_empty() { whole.trim() } else { text("name") };
    for (key, value) in [
        ("firstNameLowerCase", text("firstName")),
        ("lastNameLowerCase", text("lastName")),
        ("fullNameLowerCase", whole),
        ("emailLowerCase", text("email")),
    ] {
        if !value.is_empty() {
            view.insert(key, json!(value.to_lowercase()));
        }
    }
    if !whole.is_empty() {
        view.insert("name", json!(whole));
    }
    if let Some(Value::Array(list)) = view.get_mut("customFields") {
        for field in list {
            let written = field.get("value").map(written);
            if let (Some(place), Some(written)) = (field.get_mut("value"), written) {
                *place = json!(written);
            }
            let own = field.get("id").and_then(Value::as_str).and_then(|it| world.store.of(CUSTOM_FIELDS).row(it));
            if let Some(own) = own.filter(|_| !world.traps.custom_fields_without_key) {
                field["key"] = json!(own.text("fieldKey"));
            }
        }
    }
    for (key, value) in [("type", json!("lead")), ("dnd", json!(false)), ("tags", json!([])), ("customFields", json!([]))] {
        if !view.contains_key(key) {
            view.insert(key, value);
        }
    }
    view
}

/// The value of a custom field as the documents have it: text, whatever was sent.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(written).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The texts in a contact's list field.
pub(super) fn list(world: &World, id: &str, field: &str) -> Vec<String> {
    texts(world.store.of(CONTACTS).get(id).and_then(|it| it.get(field)))
}

/// Completes the contacts that were planted.
pub(super) fn settle(world: &mut World) {
    let ids: Vec<String> = world.store.of(CONTACTS).rows().map(|row| row.id().to_owned()).collect();
    let location = world.account.location_id.clone();
    for id in ids {
        world.change(CONTACTS, &id, |fields| {
            fields.insert("locationId", json!(location));
            for (date, hidden) in [("dateAdded", "~added"), ("dateUpdated", "~updated")] {
                let at = fields.text(date).parse::<Timestamp>().ok();
                fields.insert(hidden, json!(at.map_or(0, Timestamp::as_millisecond)));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_become_e164() {
        let table = [
            ("+1 202 555 0101", Some("+12025550101")),
            ("(202) 555-0101", Some("+12025550101")),
            ("1-202-555-0101", Some("+12025550101")),
            ("+44 20 7946 0958", Some("+442079460958")),
            ("none", None),
            ("12", None),
            ("12345678901234567", None),
        ];
        for (text, wanted) in table {
            assert_eq!(e164(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn an_email_has_one_at_sign_with_text_around_it() {
        assert!(is_email("ada@example.com"));
        for text in ["ada", "@example.com", "ada@", "a@b@c", "a da@example.com"] {
            assert!(!is_email(text), "{text}");
        }
    }
}
