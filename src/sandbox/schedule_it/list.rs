//! Reading: one record or those that fit, with the fields that are asked for.
use std::cmp::Ordering;

use serde_json::{Value, json};

use super::kind::Kind;
use super::{refusal, zone};
use crate::sandbox::call::{Call, Outcome, Refusal, Reply};
use crate::sandbox::store::{Fields, Row};
use crate::sandbox::world::World;

/// Query names that are no filters.
const RESERVED: [&str; 2] = ["fields", "search_workspace"];

/// A condition on one field.
struct Filter<'a> {
    field: &'a str,
    operator: Operator,
    value: &'a str,
}

#[derive(Clone, Copy)]
enum Operator {
    Is,
    IsNot,
    Above,
    Below,
}

/// `GET /events`, …
pub(super) fn list(world: &mut World, call: &Call, kind: Kind) -> Outcome {
    let filters = filters(call)?;
    let workspace = workspace(world, call);
    let rows = world.store.of(kind.collection()).rows().filter(|row| row.text("workspace") == workspace);
    let full = rows.map(|row| full(world, row, kind));
    let found: Vec<Fields> = full.filter(|it| filters.iter().all(|filter| filter.holds(it))).collect();
    let names: Vec<&str> = match call.query("fields") {
        Some(names) => names.split(',').map(str::trim).collect(),
        None => kind.listed().to_vec(),
    };
    let records: Vec<Fields> = found.into_iter().map(|it| only(it, &names)).collect();
    let summary = format!("Listed {} {}", records.len(), kind.collection());
    Ok(Reply::read(json!(records), summary))
}

/// `GET /events/:id`, …
pub(super) fn get(world: &mut World, call: &Call, kind: Kind) -> Outcome {
    let id = existing(world, call, kind)?;
    let mut record = answer(world, &id, kind);
    if let Some(names) = call.query("fields") {
        record = only(record, &names.split(',').map(str::trim).collect::<Vec<_>>());
    }
    let summary = format!("Read {} \"{}\"", kind.noun(), title_of(world, &id, kind));
    Ok(Reply::read(record.into(), summary).about(kind.collection(), &id))
}

/// The record that the path names, if it is in the workspace that is asked for; else 404.
pub(super) fn existing(world: &World, call: &Call, kind: Kind) -> Result<String, Refusal> {
    let id = call.path("id");
    let row = world.store.of(kind.collection()).row(id).filter(|row| row.text("workspace") == workspace(world, call));
    let missing = || refusal(404, &format!("There is no {} {id}.", kind.noun()));
    row.map(|row| row.id().to_owned()).ok_or_else(missing)
}

/// A record with what follows from its fields.
pub(super) fn answer(world: &World, id: &str, kind: Kind) -> Fields {
    world.store.of(kind.collection()).row(id).map(|row| full(world, row, kind)).unwrap_or_default()
}

/// What a person knows the record by.
pub(super) fn title_of(world: &World, id: &str, kind: Kind) -> String {
    world.store.of(kind.collection()).row(id).map(|row| row.text(kind.title()).to_owned()).unwrap_or_default()
}

fn full(world: &World, row: &Row, kind: Kind) -> Fields {
    let mut fields = row.fields.shown();
    for (key, value) in kind.fields() {
        if !fields.contains_key(key) {
            fields.insert(*key, json!(value));
        }
    }
    fields.insert("href", json!(format!("/{}/{}", kind.collection(), row.id())));
    if kind == Kind::Event {
        let owners = row.text("owner").split(',').map(|id| title_of(world, id.trim(), Kind::Resource));
        let names: Vec<String> = owners.filter(|it| !it.is_empty()).collect();
        let local = &world.account.workspace_zone;
        for (key, value) in [
            ("owner_names_simple", names.join(", ")),
            ("date_start_timezone", row.text("date_start").to_owned()),
            ("date_start_utc", zone::utc(row.text("date_start"), local)),
            ("date_end_utc", zone::utc(row.text("date_end"), local)),
            ("timezone", local.iana_name().unwrap_or("UTC").to_owned()),
        ] {
            fields.insert(key, json!(value));
        }
    }
    fields
}

/// The fields with these names, and always the id.
fn only(fields: Fields, names: &[&str]) -> Fields {
    fields.into_iter().filter(|(key, _)| &**key == "id" || names.contains(&&**key)).collect()
}

/// The workspace that is asked for; the main one unless the query says otherwise.
fn workspace<'a>(world: &'a World, call: &'a Call) -> &'a str {
    call.query("search_workspace").unwrap_or(&world.account.workspace)
}

fn filters(call: &Call) -> Result<Vec<Filter<'_>>, Refusal> {
    let mut filters = Vec::new();
    for (key, value) in &call.query {
        let (field, named) = match key.split_once('[') {
            Some((field, rest)) => (field, Some(rest.trim_end_matches(']'))),
            None => (key.as_str(), None),
        };
        if RESERVED.contains(&field) || value.is_empty() {
            continue;
        }
        let (operator, value) = match named {
            Some(name) => {
                let unknown = || refusal(400, &format!("{name} is no operator. Use eq, ne, gt or lt."));
                (operator(name).ok_or_else(unknown)?, value.as_str())
            }
            None => value
                .split_once(':')
                .and_then(|(name, rest)| Some((operator(name)?, rest)))
                .unwrap_or((Operator::Is, value.as_str())),
        };
        filters.push(Filter { field, operator, value });
    }
    Ok(filters)
}

fn operator(name: &str) -> Option<Operator> {
    Some(match name {
        "eq" => Operator::Is,
        "ne" => Operator::IsNot,
        "gt" => Operator::Above,
        "lt" => Operator::Below,
        _ => return None,
    })
}

impl Filter<'_> {
    fn holds(&self, record: &Fields) -> bool {
        let own = record.get(self.field).and_then(Value::as_str).unwrap_or_default();
        // Links are lists with commas: one of them is enough.
        let linked = matches!(self.field, "owner" | "skills") && own.split(',').any(|it| it.trim() == self.value);
        match self.operator {
            Operator::Is => own == self.value || linked,
            Operator::IsNot => own != self.value && !linked,
            Operator::Above => compare(own, self.value) == Ordering::Greater,
            Operator::Below => compare(own, self.value) == Ordering::Less,
        }
    }
}

/// Numbers by what they are worth, everything else, dates too, as text.
fn compare(one: &str, other: &str) -> Ordering {
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one.total_cmp(&other),
        _ => one.cmp(other),
    }
}
