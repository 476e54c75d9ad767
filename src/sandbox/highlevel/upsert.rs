//! Create or update: whoever has the e-mail, else whoever has the phone.
use serde_json::{Value, json};

use super::refusal::duplicate;
use super::{CONTACTS, contact};
use crate::sandbox::call::{Call, Outcome, Reply};
use crate::sandbox::store::Fields;
use crate::sandbox::world::World;

/// `POST /contacts/upsert`
pub(super) fn upsert(world: &mut World, call: &Call) -> Outcome {
    let email = call.text("email").map(str::trim);
    let phone = call.text("phone").and_then(contact::e164);
    let by_email = email.and_then(|it| contact::id_at(world, world.contacts.by_email(it))).map(str::to_owned);
    let by_second = email.and_then(|it| contact::id_at(world, world.contacts.by_second_email(it))).map(str::to_owned);
    let by_phone = phone.as_deref().and_then(|it| contact::id_at(world, world.contacts.by_phone(it))).map(str::to_owned);

    let second = by_email.is_none() && by_second.is_some();
    let found = by_email.or(by_second).or_else(|| by_phone.clone());
    let anew = world.traps.duplicates_allowed && call.truth("createNewIfDuplicateAllowed") == Some(true);
    let Some(id) = found.filter(|_| !anew) else {
        let mut fields = Fields::new();
        contact::apply(world, call, &mut fields)?;
        let id = contact::insert(world, call, fields);
        let summary = format!("Created contact {} (upsert)", contact::name_of(world, &id));
        return Ok(Reply::created(answer(world, &id, true), summary).about(CONTACTS, &id));
    };

    let old = world.store.of(CONTACTS).get(&id).cloned().unwrap_or_default();
    let mut fields = old.clone();
    contact::apply(world, call, &mut fields)?;
    let mut remark = "";
    if second {
        remark = second_email(world, &old, &mut fields, email.unwrap_or_default());
    }
    if let Some(other) = by_phone.filter(|it| *it != id) {
        if !world.traps.upsert_drops_conflicting_phone {
            return Err(duplicate(&other, &contact::name_of(world, &other), "phone"));
        }
        match old.get("phone") {
            Some(phone) => drop(fields.insert("phone", phone.clone())),
            None => drop(fields.remove("phone")),
        }
        remark = "; the phone belongs to another contact and was dropped";
    }
    contact::replace(world, call, &id, fields);
    let summary = format!("Updated contact {} (upsert{remark})", contact::name_of(world, &id));
    Ok(Reply::updated(answer(world, &id, false), summary).about(CONTACTS, &id))
}

fn answer(world: &World, id: &str, new: bool) -> Value {
    json!({"new": new, "contact": contact::view(world, id), "traceId": world.trace()})
}

/// The e-mail that was sent is a further one of the contact: it becomes the primary, and the old primary is lost. With
/// the trap switched off the primary stays.
fn second_email(world: &World, old: &Fields, fields: &mut Fields, email: &str) -> &'static str {
    if !world.traps.upsert_replaces_primary_email {
        if let Some(primary) = old.get("email") {
            fields.insert("email", primary.clone());
        }
        return "";
    }
    if let Some(Value::Array(further)) = fields.get_mut("additionalEmails") {
        further.retain(|it| !it.as_str().is_some_and(|it| it.eq_ignore_ascii_case(email)));
    }
    "; a further e-mail became the primary, the old one is lost"
}
