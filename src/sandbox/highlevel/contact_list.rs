//! Lists of contacts: page by page, of a business, and the one that would be a duplicate.
use std::collections::HashSet;
use std::ops::Bound;

use serde_json::{Value, json};

use super::contact_index::Dated;
use super::refusal::{bad, wrong};
use super::{CONTACTS, contact};
use crate::sandbox::call::{Call, Outcome, Reply};
use crate::sandbox::store::{Fields, Row};
use crate::sandbox::world::World;

const LIMIT: usize = 20;
const MOST: usize = 100;

/// `GET /contacts/`: newest first. The next page begins after the contact with `startAfterId`, which was added at
/// `startAfter`; the vendor wants both.
pub(super) fn page(world: &mut World, call: &Call) -> Outcome {
    if call.query("limit").and_then(|it| it.parse::<f64>().ok()).is_some_and(|it| it > MOST as f64) {
        return Err(wrong("limit must not be greater than 100"));
    }
    let limit = call.count("limit", LIMIT, MOST).max(1);
    let all = world.store.of(CONTACTS);
    let found: Option<HashSet<u64>> =
        call.query("query").map(|it| world.contacts.mentioning(&typed(world, it)).into_iter().collect());
    let total = found.as_ref().map_or(all.len(), HashSet::len);

    let both = !world.traps.paging_needs_both_cursors;
    let (id, after) = (call.query("startAfterId"), call.query("startAfter").and_then(|it| it.parse::<f64>().ok()));
    let known = id.and_then(|id| Some((added(all.row(id)?), all.place(id)?)));
    let end = match (id, after) {
        (Some(_), after) if known.is_some() && (after.is_some() || both) => known,
        // One that is gone since, or none that was named: those that were added before it.
        (id, Some(after)) if id.is_some() || both => Some((after as i64, 0)),
        _ => None,
    };
    let newest_first =
        world.contacts.dated(Dated::Added, (Bound::Unbounded, end.map_or(Bound::Unbounded, Bound::Excluded))).rev();
    let mut rows = newest_first
        .filter(|(_, place)| found.as_ref().is_none_or(|it| it.contains(place)))
        .filter_map(|(_, place)| all.at(place));
    let shown: Vec<&Row> = rows.by_ref().take(limit).collect();
    let more = rows.next().is_some();
    let contacts: Vec<Value> = shown.iter().map(|row| listed(world, &row.fields)).collect();
    let mut meta = json!({"total": total, "nextPageUrl": null, "startAfter": null, "startAfterId": null, "currentPage": 1, "nextPage": null, "prevPage": null});
    if let (Some(last), true) = (shown.last(), more) {
        meta["startAfterId"] = json!(last.id());
        meta["startAfter"] = json!(added(last));
        meta["nextPage"] = json!(2);
        let mut next = form_urlencoded::Serializer::new(String::new());
        next.append_pair("locationId", &world.account.location_id).append_pair("limit", &limit.to_string());
        if let Some(query) = call.query("query") {
            next.append_pair("query", query);
        }
        next.append_pair("startAfter", &added(last).to_string()).append_pair("startAfterId", last.id());
        // The vendor writes its own host here; a client must not follow it blindly, and the sandbox has no other.
        meta["nextPageUrl"] = json!(format!("/contacts/?{}", next.finish()));
    }
    let summary = format!("Listed {} of {total} contacts", contacts.len());
    let mut body = json!({"count": total, "meta": meta});
    body["contacts"] = Value::Array(contacts);
    Ok(Reply::read(body, summary))
}

/// `GET /contacts/business/{businessId}`
pub(super) fn of_business(world: &mut World, call: &Call) -> Outcome {
    let (limit, skip) = (call.count("limit", 25, MOST).max(1), call.count("skip", 0, usize::MAX));
    let query = call.query("query").map(|it| typed(world, it));
    let business = call.path("businessId");
    let of = |row: &&Row| row.text("businessId") == business && query.as_deref().is_none_or(|it| mentions(&row.fields, it));
    let places = world.contacts.with("businessId", business).unwrap_or_default();
    let found: Vec<&Row> = places.into_iter().filter_map(|it| world.store.of(CONTACTS).at(it)).filter(of).collect();
    let count = found.len();
    let contacts: Vec<Value> = found.into_iter().skip(skip).take(limit).map(|row| listed(world, &row.fields)).collect();
    let summary = format!("Listed {} of {count} contacts of business {business}", contacts.len());
    Ok(Reply::read(json!({"contacts": contacts, "count": count}), summary))
}

/// `GET /contacts/search/duplicate`
pub(super) fn duplicate(world: &mut World, call: &Call) -> Outcome {
    let (email, number) = (call.query("email"), call.query("number"));
    if email.is_none() && number.is_none() {
        return Err(bad("Either number or email is required"));
    }
    let by_email = email.and_then(|it| world.contacts.by_email(it.trim()));
    let number = number.and_then(contact::e164);
    let place = by_email.or_else(|| number.as_deref().and_then(|it| world.contacts.by_phone(it)));
    let id = contact::id_at(world, place).map(str::to_owned);
    Ok(match id {
        Some(id) => {
            let summary = format!("Found contact {}", contact::name_of(world, &id));
            Reply::read(json!({"contact": contact::view(world, &id)}), summary).about(CONTACTS, &id)
        }
        None => Reply::read(json!({"contact": null}), "Found no duplicate"),
    })
}

/// What a person typed, as contacts are looked for. The real service finds no phone that is written otherwise than it is
/// kept; with that habit switched off, a text that is a phone number means the number.
pub(super) fn typed(world: &World, text: &str) -> String {
    let written = |it: char| it.is_ascii_digit() || it.is_whitespace() || matches!(it, '+' | '-' | '(' | ')' | '.' | '/');
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if !world.traps.phone_search_is_literal && digits >= 7 && text.chars().all(written) {
        return contact::e164(text).unwrap_or_else(|| text.to_lowercase());
    }
    text.to_lowercase()
}

/// Whether a person who types `query`, in lower case, means this contact.
pub(super) fn mentions(fields: &Fields, query: &str) -> bool {
    let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
    let held = |key: &str| contains(text(key), query);
    held("email") || held("phone") || held("companyName") || contains(&contact::name(fields), query) || {
        let further = fields.get("additionalEmails").and_then(Value::as_array);
        further.into_iter().flatten().filter_map(Value::as_str).any(|it| contains(it, query))
    }
}

/// Whether a text holds another, which is in lower case.
pub(super) fn contains(text: &str, lower: &str) -> bool {
    if text.is_ascii() {
        let (text, lower) = (text.as_bytes(), lower.as_bytes());
        return lower.is_empty() || text.windows(lower.len()).any(|it| it.eq_ignore_ascii_case(lower));
    }
    text.to_lowercase().contains(lower)
}

/// When a contact was added, in milliseconds.
pub(super) fn added(row: &Row) -> i64 {
    row.fields.get("~added").and_then(Value::as_i64).unwrap_or_default()
}

/// A contact as lists show it.
pub(super) fn listed(world: &World, fields: &Fields) -> Value {
    let mut view = contact::full(world, fields);
    for (key, value) in [("followers", json!([])), ("additionalEmails", json!([]))] {
        if !view.contains_key(key) {
            view.insert(key, value);
        }
    }
    view.insert("contactName", view.get("name").cloned().unwrap_or_default());
    view.into()
}
