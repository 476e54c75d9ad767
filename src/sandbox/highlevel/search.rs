//! `POST /contacts/search`: filters, free text, sorting, two ways of paging.
use std::cmp::Ordering;
use std::ops::Bound;

use serde_json::{Value, json};

use super::CONTACTS;
use super::contact_index::Dated;
use super::contact_list::{listed, typed};
use super::filter::{Filter, number, value};
use super::hits::Hits;
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
/// From this many contacts on, those in order of a date are taken from the index and not sorted.
const MANY: usize = 5_000;

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

/// Which part of what was found is shown.
struct Page<'a> {
    skip: usize,
    limit: usize,
    /// The keys of the last contact of the page before, and its id.
    cursor: Option<(&'a [Value], &'a str)>,
}

/// A contact on a page.
struct Shown<'a> {
    keys: Vec<Key>,
    place: u64,
    row: &'a Row,
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
    let query = call.text("query").map(|it| typed(world, it));
    let page = whole(call, "page")?.unwrap_or(1).max(1);
    let cursor = match call.field("searchAfter") {
        None => None,
        Some(Value::Array(keys)) if keys.is_empty() => None,
        Some(Value::Array(keys)) if keys.len() == sorts.len() + 1 => {
            keys.split_last().map(|(id, keys)| (keys, id.as_str().unwrap_or_default()))
        }
        Some(_) => return Err(wrong("searchAfter must be the list that the last contact carries")),
    };
    if cursor.is_none() && page.saturating_mul(limit) > REACH {
        return Err(bad(&format!("Only the first {REACH} contacts have numbered pages; go on with searchAfter")));
    }
    let mut hits = Hits::of(world, &filter, query.as_deref());
    if world.traps.search_lags_ms > 0 {
        let lag = i64::try_from(world.traps.search_lags_ms).unwrap_or(i64::MAX);
        hits = hits.without_news(world, call.now.as_millisecond().saturating_sub(lag).saturating_add(1));
    }
    let total = hits.count(world);
    let page = Page { skip: if cursor.is_some() { 0 } else { (page - 1) * limit }, limit, cursor };
    let dated = match sorts.as_slice() {
        [one] if total > MANY => Dated::of(&one.field).map(|by| (by, one.falling)),
        _ => None,
    };
    let shown = match dated {
        Some((by, falling)) => by_index(world, &hits, by, falling, &page),
        None => by_keys(world, &hits, &sorts, &page),
    };
    let contacts: Vec<Value> = shown
        .iter()
        .map(|it| {
            let mut contact = listed(world, &it.row.fields);
            contact["searchAfter"] = it.keys.iter().map(written).chain([json!(it.row.id())]).collect();
            contact
        })
        .collect();
    let summary = format!("Found {} of {total} contacts", contacts.len());
    let mut body = json!({"total": total, "traceId": world.trace()});
    body["contacts"] = Value::Array(contacts);
    Ok(Reply::read(body, summary))
}

/// A page of contacts in the order of a date, without sorting them.
fn by_index<'a>(world: &'a World, hits: &Hits, by: Dated, falling: bool, page: &Page<'_>) -> Vec<Shown<'a>> {
    let rows = world.store.of(CONTACTS);
    let after = page.cursor.map(|(keys, id)| {
        let ms = keys.first().and_then(number).unwrap_or_default() as i64;
        // One that is gone since stood before all others of its moment: better twice than never.
        (ms, rows.place(id).unwrap_or(if falling { u64::MAX } else { 0 }))
    });
    let range = match (after, falling) {
        (None, _) => (Bound::Unbounded, Bound::Unbounded),
        (Some(after), true) => (Bound::Unbounded, Bound::Excluded(after)),
        (Some(after), false) => (Bound::Excluded(after), Bound::Unbounded),
    };
    // Which places are wanted, one bit for each.
    let wanted: Option<Vec<u64>> = match hits {
        Hits::All => None,
        Hits::Some(places) => {
            let mut bits = vec![0; places.last().map_or(0, |it| *it as usize / 64 + 1)];
            places.iter().for_each(|it| bits[*it as usize / 64] |= 1 << (it % 64));
            Some(bits)
        }
    };
    let is_wanted = |place: u64| {
        wanted.as_ref().is_none_or(|bits| bits.get(place as usize / 64).is_some_and(|it| it >> (place % 64) & 1 == 1))
    };
    let all = world.contacts.dated(by, range);
    let all: Box<dyn Iterator<Item = (i64, u64)>> = if falling { Box::new(all.rev()) } else { Box::new(all) };
    all.filter(|(_, place)| is_wanted(*place))
        .skip(page.skip)
        .take(page.limit)
        .filter_map(|(ms, place)| rows.at(place).map(|row| Shown { keys: vec![Key::Number(ms as f64)], place, row }))
        .collect()
}

/// A page of contacts in the order of any keys.
fn by_keys<'a>(world: &'a World, hits: &Hits, sorts: &[Sort], page: &Page<'_>) -> Vec<Shown<'a>> {
    let rows = world.store.of(CONTACTS);
    let shown = |(place, row): (u64, &'a Row)| Shown { keys: keys(row, sorts), place, row };
    let mut found: Vec<Shown<'a>> = match hits {
        Hits::All => rows.placed().map(shown).collect(),
        Hits::Some(places) => places.iter().filter_map(|it| rows.at(*it).map(|row| shown((*it, row)))).collect(),
    };
    let falling = sorts.first().is_some_and(|it| it.falling);
    if let Some((keys, id)) = page.cursor {
        let after: Vec<Key> = keys.iter().map(key).collect();
        let place = rows.place(id).unwrap_or(if falling { u64::MAX } else { 0 });
        found.retain(|it| order(&it.keys, it.place, &after, place, sorts) == Ordering::Greater);
    }
    // Only as much is sorted as the page needs.
    let end = (page.skip + page.limit).min(found.len());
    let by = |one: &Shown<'_>, other: &Shown<'_>| order(&one.keys, one.place, &other.keys, other.place, sorts);
    if end < found.len() {
        found.select_nth_unstable_by(end, by);
    }
    found.truncate(end);
    found.sort_unstable_by(by);
    found.drain(..page.skip.min(end));
    found
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

fn written(key: &Key) -> Value {
    match key {
        Key::Number(number) if number.fract() == 0.0 => json!(*number as i64),
        Key::Number(number) => json!(number),
        Key::Text(text) => json!(text),
        Key::Missing => Value::Null,
    }
}

/// By the keys, then by the place, which goes the way of the first key.
fn order(one: &[Key], one_place: u64, other: &[Key], other_place: u64, sorts: &[Sort]) -> Ordering {
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
    let found = one_place.cmp(&other_place);
    if sorts.first().is_some_and(|it| it.falling) { found.reverse() } else { found }
}
