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
    let indexed = match sorts.as_slice() {
        [one] if total > MANY => by_index(world, &hits, one, &page),
        _ => None,
    };
    let shown = indexed.unwrap_or_else(|| by_keys(world, &hits, &sorts, &page));
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

/// Contacts in some order: what each is sorted by, and its place.
type Ordered<'a> = Box<dyn Iterator<Item = (Key, u64)> + 'a>;

/// A page of contacts in the order of one field, without sorting them. None where that field is in no index.
fn by_index<'a>(world: &'a World, hits: &Hits, sort: &Sort, page: &Page<'_>) -> Option<Vec<Shown<'a>>> {
    let all = match Dated::of(&sort.field) {
        Some(by) => by_date(world, by, sort.falling, page),
        None => by_text(world, sort, page)?,
    };
    // Which places are wanted, one bit for each.
    let wanted: Option<Vec<u64>> = match hits {
        Hits::All => None,
        Hits::Some(places) => {
            let mut bits = vec![0; places.last().map_or(0, |it| *it as usize / 64 + 1)];
            for it in places {
                bits[*it as usize / 64] |= 1 << (it % 64);
            }
            Some(bits)
        }
    };
    let is_wanted = |place: u64| {
        wanted.as_ref().is_none_or(|bits| bits.get(place as usize / 64).is_some_and(|it| it >> (place % 64) & 1 == 1))
    };
    let shown = all.filter(|(_, place)| is_wanted(*place)).skip(page.skip).take(page.limit);
    let rows = world.store.of(CONTACTS);
    Some(shown.filter_map(|(key, place)| rows.at(place).map(|row| Shown { keys: vec![key], place, row })).collect())
}

/// The place of the contact that a page goes on after. One that is gone since stood before all others with its key: better
/// twice than never.
fn place_after(world: &World, id: &str, falling: bool) -> u64 {
    world.store.of(CONTACTS).place(id).unwrap_or(if falling { u64::MAX } else { 0 })
}

fn by_date<'a>(world: &'a World, by: Dated, falling: bool, page: &Page<'_>) -> Ordered<'a> {
    let after = page.cursor.map(|(keys, id)| {
        let ms = keys.first().and_then(number).unwrap_or_default() as i64;
        (ms, place_after(world, id, falling))
    });
    let range = match (after, falling) {
        (None, _) => (Bound::Unbounded, Bound::Unbounded),
        (Some(after), true) => (Bound::Unbounded, Bound::Excluded(after)),
        (Some(after), false) => (Bound::Excluded(after), Bound::Unbounded),
    };
    let all = world.contacts.dated(by, range).map(|(ms, place)| (Key::Number(ms as f64), place));
    if falling { Box::new(all.rev()) } else { Box::new(all) }
}

/// Those that have a text first, then those that have none.
fn by_text<'a>(world: &'a World, sort: &Sort, page: &Page<'_>) -> Option<Ordered<'a>> {
    let falling = sort.falling;
    let after = page.cursor.map(|(keys, id)| {
        let text = keys.first().and_then(Value::as_str).map(str::to_lowercase);
        (text, place_after(world, id, falling))
    });
    let (text, place) = after.map_or((None, None), |(text, place)| (text, Some(place)));
    let texts = world.contacts.in_order(&sort.field, falling, text.as_deref().zip(place))?;
    // A cursor without a text stands among those that have none.
    let over = place.is_some() && text.is_none();
    let texts = texts.take_while(move |_| !over).map(|(text, place)| (Key::Text(text.to_owned()), place));
    let field = sort.field.clone();
    let is_left = move |(at, row): &(u64, &Row)| {
        let after = !over || place.is_none_or(|it| if falling { *at < it } else { *at > it });
        after && key_of(row, &field) == Key::Missing
    };
    let rows = world.store.of(CONTACTS).placed();
    let left: Box<dyn Iterator<Item = (u64, &Row)>> = if falling { Box::new(rows.rev()) } else { Box::new(rows) };
    Some(Box::new(texts.chain(left.filter(is_left).map(|(place, _)| (Key::Missing, place)))))
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
        let place = place_after(world, id, falling);
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
    sorts.iter().map(|sort| key_of(row, &sort.field)).collect()
}

/// What a contact is sorted by where it is sorted by this field.
fn key_of(row: &Row, field: &str) -> Key {
    value(&row.fields, field).as_deref_value().map_or(Key::Missing, key)
}

fn key(value: &Value) -> Key {
    match value {
        Value::Null => Key::Missing,
        Value::Number(_) => number(value).map_or(Key::Missing, Key::Number),
        Value::String(text) if text.is_empty() => Key::Missing,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::options::{Options, Seed};
    use crate::sandbox::seed::Planting;

    /// Every page by one of the ways, each from the cursor that the page before gave.
    fn pages(world: &World, hits: &Hits, sort: &Sort, indexed: bool) -> Vec<u64> {
        let (mut seen, mut cursor) = (Vec::new(), None::<(Vec<Value>, String)>);
        loop {
            let after = cursor.as_ref().map(|(keys, id)| (keys.as_slice(), id.as_str()));
            let page = Page { skip: 0, limit: 7, cursor: after };
            let sorts = std::slice::from_ref(sort);
            let shown = if indexed { by_index(world, hits, sort, &page).unwrap() } else { by_keys(world, hits, sorts, &page) };
            let Some(last) = shown.last() else { return seen };
            cursor = Some((last.keys.iter().map(written).collect(), last.row.id().to_owned()));
            seen.extend(shown.iter().map(|it| it.place));
        }
    }

    #[test]
    fn an_index_gives_the_pages_that_sorting_gives() {
        let options = Options { seed: Seed::Small, ..Options::default() };
        let mut world = Planting::new(&options).unwrap().world("2026-03-02T14:00:00Z".parse().unwrap());
        let ids: Vec<String> = world.store.of(CONTACTS).rows().map(|row| row.id().to_owned()).collect();
        for id in ids.iter().step_by(3) {
            world.change(CONTACTS, id, |fields| {
                fields.remove("city");
                fields.insert("state", json!(""));
                fields.insert("lastName", json!("ÄBELE"));
                fields.insert("~updated", json!(1_756_000_000_000_i64));
            });
        }
        let some = Hits::Some(world.store.of(CONTACTS).places().filter(|it| it % 5 != 0).collect());
        for field in ["dateAdded", "dateUpdated", "city", "state", "lastName", "firstNameLowerCase", "country", "businessId"] {
            for falling in [false, true] {
                let sort = Sort { field: field.to_owned(), falling };
                for hits in [&Hits::All, &some] {
                    let seen = pages(&world, hits, &sort, true);
                    assert_eq!(seen, pages(&world, hits, &sort, false), "{field} {falling}");
                    assert_eq!(seen.len(), hits.count(&world));
                }
            }
        }
        let unknown = Sort { field: "tags".to_owned(), falling: true };
        assert!(by_index(&world, &Hits::All, &unknown, &Page { skip: 0, limit: 7, cursor: None }).is_none());
    }
}
