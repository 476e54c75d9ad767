//! Which contacts a search means, found from the indexes as far as they reach.
use std::collections::BTreeSet;
use std::ops::Bound;

use serde_json::Value;

use super::CONTACTS;
use super::contact_index::Dated;
use super::contact_list::mentions;
use super::filter::{Filter, Test};
use crate::sandbox::store::Row;
use crate::sandbox::world::World;

/// The contacts that are meant, by their places.
#[derive(Debug)]
pub(super) enum Hits {
    /// Every one.
    All,
    /// These, oldest first.
    Some(Vec<u64>),
}

/// Contacts that an index gave for a condition; `exact` if each of them fulfils it.
struct Found {
    places: Vec<u64>,
    exact: bool,
}

impl Hits {
    /// The contacts for which the filter holds, and which a person means who types `query`, in lower case.
    pub(super) fn of(world: &World, filter: &Filter, query: Option<&str>) -> Self {
        let by_filter = if filter.is_empty() { None } else { Some(find(world, filter)) };
        let by_query = query.map(|it| ordered(world.contacts.mentioning(it)));
        let holds = |row: &Row| filter.holds(&row.fields);
        let named = |row: &Row| query.is_none_or(|it| mentions(&row.fields, it));
        let rows = world.store.of(CONTACTS);
        let keep = |places: Vec<u64>, test: &dyn Fn(&Row) -> bool| -> Vec<u64> {
            places.into_iter().filter(|it| rows.at(*it).is_some_and(test)).collect()
        };
        match (by_filter, by_query) {
            (None, None) => Self::All,
            (None, Some(places)) => Self::Some(places),
            // No index knows the field: every contact is looked at.
            (Some(None), None) => Self::Some(rows.placed().filter(|(_, row)| holds(row)).map(|(place, _)| place).collect()),
            (Some(None), Some(places)) => Self::Some(keep(places, &holds)),
            (Some(Some(found)), None) if found.exact => Self::Some(found.places),
            (Some(Some(found)), None) => Self::Some(keep(found.places, &holds)),
            (Some(Some(found)), Some(places)) => {
                let (places, exact) =
                    if places.len() <= found.places.len() { (places, false) } else { (found.places, found.exact) };
                Self::Some(keep(places, &|row| (exact || holds(row)) && named(row)))
            }
        }
    }

    pub(super) fn count(&self, world: &World) -> usize {
        match self {
            Self::All => world.store.of(CONTACTS).len(),
            Self::Some(places) => places.len(),
        }
    }

    /// Leaves out those that changed after a moment: the service's index does not know them yet.
    pub(super) fn without_news(self, world: &World, since: i64) -> Self {
        let late: BTreeSet<u64> = world.contacts.dated(Dated::Updated, (since, 0)..).map(|(_, place)| place).collect();
        if late.is_empty() {
            return self;
        }
        let places = match self {
            Self::All => world.store.of(CONTACTS).placed().map(|(place, _)| place).collect(),
            Self::Some(places) => places,
        };
        Self::Some(places.into_iter().filter(|it| !late.contains(it)).collect())
    }
}

fn ordered(mut places: Vec<u64>) -> Vec<u64> {
    places.sort_unstable();
    places.dedup();
    places
}

/// From an index, if one knows the condition.
fn find(world: &World, filter: &Filter) -> Option<Found> {
    match filter {
        Filter::All(filters) => {
            let found = filters.iter().filter_map(|it| find(world, it)).min_by_key(|it| it.places.len())?;
            Some(Found { exact: found.exact && filters.len() == 1, ..found })
        }
        Filter::Any(filters) => {
            let each = filters.iter().map(|it| find(world, it)).collect::<Option<Vec<_>>>()?;
            let exact = each.iter().all(|it| it.exact);
            Some(Found { places: ordered(each.into_iter().flat_map(|it| it.places).collect()), exact })
        }
        Filter::Field { field, test } => by_field(world, field, test),
    }
}

fn by_field(world: &World, field: &str, test: &Test) -> Option<Found> {
    match test {
        Test::Is(values) => {
            let texts = values.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
            let each = texts.into_iter().map(|it| world.contacts.with(field, it)).collect::<Option<Vec<_>>>()?;
            Some(Found { places: ordered(each.concat()), exact: true })
        }
        Test::Range { above, from, below, to } => {
            let by = Dated::of(field)?;
            // Milliseconds are whole numbers.
            let first = [above.map(|it| it.floor() + 1.0), from.map(f64::ceil)].into_iter().flatten().fold(f64::MIN, f64::max);
            let last = [below.map(|it| it.ceil() - 1.0), to.map(f64::floor)].into_iter().flatten().fold(f64::MAX, f64::min);
            let (first, last) = ((first as i64, 0), (last as i64, u64::MAX));
            let places = if first <= last {
                world.contacts.dated(by, (Bound::Included(first), Bound::Included(last))).map(|it| it.1).collect()
            } else {
                Vec::new()
            };
            Some(Found { places: ordered(places), exact: true })
        }
        Test::Holds(words) if is_worded(field) => {
            let places = words.iter().flat_map(|it| world.contacts.mentioning(it)).collect();
            Some(Found { places: ordered(places), exact: false })
        }
        _ => None,
    }
}

/// Whether all that the field holds is among the words by which contacts are looked for.
fn is_worded(field: &str) -> bool {
    matches!(
        field,
        "email"
            | "emailLowerCase"
            | "phone"
            | "companyName"
            | "businessName"
            | "additionalEmails"
            | "name"
            | "contactName"
            | "fullName"
            | "fullNameLowerCase"
    )
}
