//! `POST /contacts/search`: filters, free text, sorting, two ways of paging.
use std::cmp::Ordering;

use serde_json::{Value, json};

use super::CONTACTS;
use super::contact_list::{listed, mentions};
use super::filter::{Filter, number, value};
use super::refusal::{bad, wrong};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::Row;
use crate::sandbox::world::World;

const MOST: usize = 500;
const DEFAULT: usize = 20;
/// As far as numbered pages reach; beyond it there is only the cursor.
const REACH: usize = 10_000;
/// Sort keys in one search.
const KEYS: usize = 10;

struct Sort {
    field: String,
    falling: bool,
}

/// What a contact is sorted by; missing values come last.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Number(f64),
    Text(String),
    Missing,
}

pub(super) fn search(world: &mut World, call: &Call) -> Outcome {
    if call.text("locationId").is_none() {
        return Err(wrong("locationId should not be empty"));
    }
    let limit = whole(call, "pageLimit")?.unwrap_or(DEFAULT);
    if limit == 0 || limit > MOST {
        return Err(wrong(&format!("pageLimit must be between 1 and {MOST}")));
    }
    let filter = Filter::read(call.field("filters"))?;
    let sorts = sorts(call.field("sort"))?;
    let query = call.text("query").map(str::to_lowercase);
    let page = whole(call, "page")?.unwrap_or(1).max(1);
    let cursor = match call.field("searchAfter") {
        None => None,
        Some(Value::Array(keys)) if keys.is_empty() => None,
        Some(Value::Array(keys)) if keys.len() == sorts.len() + 1 => Some(keys.as_slice()),
        Some(_) => return Err(wrong("searchAfter must be the list that the last contact carries")),
    };
    if cursor.is_none() && page.saturating_mul(limit) > REACH {
        return Err(bad(&format!("Only the first {REACH} contacts have numbered pages; go on with searchAfter")));
    }

    let rows = world.store.of(CONTACTS).rows();
    let wanted = |row: &&Row| filter.holds(&row.fields) && query.as_deref().is_none_or(|it| mentions(&row.fields, it));
    let mut found: Vec<(Vec<Key>, &Row)> = rows.filter(wanted).map(|row| (keys(row, &sorts), row)).collect();
    let total = found.len();
    if let Some(cursor) = cursor {
        let after: Vec<Key> = cursor[..sorts.len()].iter().map(key).collect();
        let id = cursor[sorts.len()].as_str().unwrap_or_default();
        found.retain(|(keys, row)| order(keys, row.id(), &after, id, &sorts) == Ordering::Greater);
    }
    // Only as much is sorted as the page needs.
    let start = if cursor.is_some() { 0 } else { (page - 1) * limit };
    let end = (start + limit).min(found.len());
    let by = |one: &(Vec<Key>, &Row), other: &(Vec<Key>, &Row)| order(&one.0, one.1.id(), &other.0, other.1.id(), &sorts);
    if end < found.len() {
        found.select_nth_unstable_by(end, by);
    }
    found.truncate(end);
    found.sort_unstable_by(by);
    let contacts: Vec<Value> = found
        .iter()
        .skip(start)
        .map(|(keys, row)| {
            let mut contact = listed(&row.fields);
            contact["searchAfter"] = keys.iter().map(shown).chain([json!(row.id())]).collect();
            contact
        })
        .collect();
    let summary = format!("Found {} of {total} contacts", contacts.len());
    Ok(Reply::read(json!({"contacts": contacts, "total": total, "traceId": world.trace()}), summary))
}

/// A whole number in the body, which some clients send as text.
fn whole(call: &Call, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(value) = call.field(name) else { return Ok(None) };
    let number = value.as_u64().or_else(|| value.as_str().and_then(|it| it.parse().ok()));
    number.map(|it| Some(it as usize)).ok_or_else(|| wrong(&format!("{name} must be an integer number")))
}

/// Newest first unless the search says otherwise.
fn sorts(list: Option<&Value>) -> Result<Vec<Sort>, Refusal> {
    let Some(list) = list else { return Ok(vec![Sort { field: "dateAdded".to_owned(), falling: true }]) };
    let list = list.as_array().filter(|it| it.len() <= KEYS).ok_or_else(|| wrong("sort must be an array of at most 10"))?;
    let one = |it: &Value| {
        let field = it.get("field").and_then(Value::as_str).filter(|it| !it.is_empty());
        let field = field.ok_or_else(|| wrong("sort.field must be a string"))?.to_owned();
        match it.get("direction").and_then(Value::as_str).unwrap_or("desc") {
            "asc" => Ok(Sort { field, falling: false }),
            "desc" => Ok(Sort { field, falling: true }),
            _ => Err(wrong("sort.direction must be one of the following values: asc, desc")),
        }
    };
    let sorts = list.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    if sorts.is_empty() { self::sorts(None) } else { Ok(sorts) }
}

fn keys(row: &Row, sorts: &[Sort]) -> Vec<Key> {
    sorts.iter().map(|sort| value(&row.fields, &sort.field).as_deref_value().map_or(Key::Missing, key)).collect()
}

fn key(value: &Value) -> Key {
    match value {
        Value::Null => Key::Missing,
        Value::Number(_) => number(value).map_or(Key::Missing, Key::Number),
        Value::String(text) => Key::Text(text.to_lowercase()),
        other => Key::Text(other.to_string()),
    }
}

fn shown(key: &Key) -> Value {
    match key {
        Key::Number(number) if number.fract() == 0.0 => json!(*number as i64),
        Key::Number(number) => json!(number),
        Key::Text(text) => json!(text),
        Key::Missing => Value::Null,
    }
}

fn order(one: &[Key], one_id: &str, other: &[Key], other_id: &str, sorts: &[Sort]) -> Ordering {
    for ((one, other), sort) in one.iter().zip(other).zip(sorts) {
        let found = match (one, other) {
            (Key::Missing, Key::Missing) => Ordering::Equal,
            (Key::Missing, _) => return Ordering::Greater,
            (_, Key::Missing) => return Ordering::Less,
            (Key::Number(one), Key::Number(other)) => one.total_cmp(other),
            (Key::Text(one), Key::Text(other)) => one.cmp(other),
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        };
        let found = if sort.falling { found.reverse() } else { found };
        if found != Ordering::Equal {
            return found;
        }
    }
    one_id.cmp(other_id)
}
