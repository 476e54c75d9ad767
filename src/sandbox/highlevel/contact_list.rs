//! Lists of contacts: page by page, of a business, and the one that would be a duplicate.
use serde_json::{Value, json};

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
    let query = call.query("query").map(str::to_lowercase);
    let all = world.store.of(CONTACTS);
    let matching = |row: &&Row| query.as_deref().is_none_or(|it| mentions(&row.fields, it));
    let total = if query.is_some() { all.rows().filter(matching).count() } else { all.len() };

    let both = !world.traps.paging_needs_both_cursors;
    let (id, after) = (call.query("startAfterId"), call.query("startAfter").and_then(|it| it.parse::<f64>().ok()));
    let rows: Box<dyn Iterator<Item = &Row>> = match (id, after) {
        (Some(id), after) if all.contains(id) && (after.is_some() || both) => Box::new(all.before(id)),
        (id, Some(after)) if id.is_some() || both => Box::new(all.rows().rev().filter(move |row| added(row) < after as i64)),
        _ => Box::new(all.rows().rev()),
    };
    let mut rows = rows.filter(matching);
    let shown: Vec<&Row> = rows.by_ref().take(limit).collect();
    let more = rows.next().is_some();
    let contacts: Vec<Value> = shown.iter().map(|row| listed(&row.fields)).collect();
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
    Ok(Reply::read(json!({"contacts": contacts, "count": total, "meta": meta}), summary))
}

/// `GET /contacts/business/{businessId}`
pub(super) fn of_business(world: &mut World, call: &Call) -> Outcome {
    let (limit, skip) = (call.count("limit", 25, MOST).max(1), call.count("skip", 0, usize::MAX));
    let query = call.query("query").map(str::to_lowercase);
    let business = call.path("businessId");
    let of = |row: &&Row| row.text("businessId") == business && query.as_deref().is_none_or(|it| mentions(&row.fields, it));
    let found: Vec<Value> = world.store.of(CONTACTS).rows().filter(of).map(|row| listed(&row.fields)).collect();
    let count = found.len();
    let contacts: Vec<Value> = found.into_iter().skip(skip).take(limit).collect();
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
    let id = by_email.or_else(|| number.as_deref().and_then(|it| world.contacts.by_phone(it))).map(str::to_owned);
    Ok(match id {
        Some(id) => {
            let summary = format!("Found contact {}", contact::name_of(world, &id));
            Reply::read(json!({"contact": contact::view(world, &id)}), summary).about(CONTACTS, &id)
        }
        None => Reply::read(json!({"contact": null}), "Found no duplicate"),
    })
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
pub(super) fn listed(fields: &Fields) -> Value {
    let mut view = contact::full(fields);
    for (key, value) in [("followers", json!([])), ("additionalEmails", json!([]))] {
        if !view.contains_key(key) {
            view.insert(key.to_owned(), value);
        }
    }
    view.insert("contactName".to_owned(), view.get("name").cloned().unwrap_or_default());
    Value::Object(view)
}
