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
            let mut known: Vec<Found> = filters.iter().filter_map(|it| find(world, it)).collect();
            let exact = known.len() == filters.len() && known.iter().all(|it| it.exact);
            known.sort_by_key(|it| it.places.len());
            let mut rest = known.into_iter();
            let mut places = rest.next()?.places;
            for other in rest {
                places.retain(|it| other.places.binary_search(it).is_ok());
            }
            Some(Found { places, exact })
        }
        Filter::Any(filters) => {
            let each = filters.iter().map(|it| find(world, it)).collect::<Option<Vec<_>>>()?;
            let exact = each.iter().all(|it| it.exact);
            Some(Found { places: ordered(each.into_iter().flat_map(|it| it.places).collect()), exact })
        }
        Filter::Field { field, test } => by_field(world, field, test).map(|places| Found { places, exact: true }),
    }
}

/// Exactly those for which a condition on a field holds.
fn by_field(world: &World, field: &str, test: &Test) -> Option<Vec<u64>> {
    match test {
        Test::Is(values) => is(world, field, values),
        Test::IsNot(values) => Some(all_but(world, &is(world, field, values)?)),
        Test::Holds(words) => holds(world, field, words),
        Test::HoldsNot(words) => Some(all_but(world, &holds(world, field, words)?)),
        Test::Range { above, from, below, to } => {
            let by = Dated::of(field)?;
            // Milliseconds are whole numbers.
            let first = [above.map(|it| it.floor() + 1.0), from.map(f64::ceil)].into_iter().flatten().fold(f64::MIN, f64::max);
            let last = [below.map(|it| it.ceil() - 1.0), to.map(f64::floor)].into_iter().flatten().fold(f64::MAX, f64::min);
            let (first, last) = ((first as i64, 0), (last as i64, u64::MAX));
            let range = (Bound::Included(first), Bound::Included(last));
            Some(if first <= last { ordered(world.contacts.dated(by, range).map(|it| it.1).collect()) } else { Vec::new() })
        }
        Test::Exists | Test::ExistsNot => None,
    }
}

fn is(world: &World, field: &str, values: &[Value]) -> Option<Vec<u64>> {
    let each = values.iter().map(|it| world.contacts.with(field, it.as_str()?)).collect::<Option<Vec<_>>>()?;
    Some(ordered(each.concat()))
}

fn holds(world: &World, field: &str, words: &[String]) -> Option<Vec<u64>> {
    // Everything that is there holds nothing, which no index is asked for.
    let asked = |it: &String| if it.is_empty() { None } else { world.contacts.holding(field, it) };
    let each = words.iter().map(asked).collect::<Option<Vec<_>>>()?;
    Some(ordered(each.concat()))
}

/// Every contact but these, which are in order.
fn all_but(world: &World, places: &[u64]) -> Vec<u64> {
    let mut left = places.iter().copied().peekable();
    let all = world.store.of(CONTACTS).places();
    all.filter(|it| left.next_if_eq(it).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::sandbox::options::{Options, Seed};
    use crate::sandbox::seed::Planting;

    fn world() -> World {
        let options = Options { seed: Seed::Small, ..Options::default() };
        Planting::new(&options).unwrap().world("2026-03-02T14:00:00Z".parse().unwrap())
    }

    /// The contacts that are meant, found by looking at each.
    fn looked_at(world: &World, filter: &Filter, query: Option<&str>) -> Vec<u64> {
        let named = |row: &Row| query.is_none_or(|it| mentions(&row.fields, it));
        let all = world.store.of(CONTACTS).placed();
        all.filter(|(_, row)| filter.holds(&row.fields) && named(row)).map(|(place, _)| place).collect()
    }

    fn found(world: &World, filter: &Filter, query: Option<&str>) -> Vec<u64> {
        match Hits::of(world, filter, query) {
            Hits::All => world.store.of(CONTACTS).placed().map(|(place, _)| place).collect(),
            Hits::Some(places) => places,
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        prop::sample::select(vec![
            json!("VIP"),
            json!("patient"),
            json!("Washington"),
            json!("md"),
            json!("+12025550101"),
            json!("ada.brookfield@EXAMPLE.com"),
            json!("an"),
            json!("e"),
            json!("example.net"),
            json!("+1"),
            json!("us"),
            json!(""),
            json!(true),
            json!(7),
        ])
    }

    fn one() -> impl Strategy<Value = Value> {
        let fields = [
            "email",
            "phone",
            "tags",
            "city",
            "state",
            "country",
            "source",
            "name",
            "firstName",
            "companyName",
            "dnd",
            "additionalEmails",
            "assignedTo",
            "dateAdded",
            "dateUpdated",
            "customFields.x",
            "type",
            "~added",
        ];
        let bound = || prop::sample::select(vec![1_735_689_600_000.0, 1_756_000_000_000.5, 1_772_000_000_000.0, -1e300, 1e300]);
        let operators = ["eq", "not_eq", "contains", "not_contains", "exists", "not_exists", "range"];
        let parts = (
            prop::sample::select(fields.to_vec()),
            prop::sample::select(operators.to_vec()),
            prop::collection::vec(value(), 1..3),
            bound(),
            bound(),
            prop::sample::select(vec![("gt", "lt"), ("gte", "lte"), ("gt", "lte"), ("gte", "none")]),
        );
        parts.prop_map(|(field, operator, values, low, high, (from, to))| match operator {
            "range" => {
                let field = if field.starts_with("date") { field } else { "dateAdded" };
                json!({"field": field, "operator": operator, "value": {from: low, to: high}})
            }
            _ => json!({"field": field, "operator": operator, "value": values}),
        })
    }

    fn filters() -> impl Strategy<Value = Value> {
        let any = one().prop_recursive(2, 8, 3, |inner| {
            (prop::bool::ANY, prop::collection::vec(inner, 0..3))
                .prop_map(|(all, filters)| json!({"group": if all { "AND" } else { "OR" }, "filters": filters}))
        });
        prop::collection::vec(any, 0..3).prop_map(Value::Array)
    }

    #[test]
    fn what_the_indexes_find_is_what_looking_at_each_contact_finds() {
        let mut world = world();
        // Changes and removals are followed.
        let ids: Vec<String> = world.store.of(CONTACTS).rows().map(|row| row.id().to_owned()).collect();
        for (at, id) in ids.iter().enumerate() {
            match at % 9 {
                0 => drop(world.remove(CONTACTS, id)),
                1 => drop(world.change(CONTACTS, id, |it| drop(it.insert("tags", json!(["VIP", "moved"]))))),
                2 => drop(world.change(CONTACTS, id, |it| drop(it.insert("email", json!(format!("ann{at}@example.net")))))),
                3 => drop(world.change(CONTACTS, id, |it| drop(it.insert("~updated", json!(1_756_000_000_000_i64))))),
                _ => {}
            }
        }
        let queries = prop::option::of(prop::sample::select(vec!["an", "example.net", "+1202", "nobody", "a b", "e"]));
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let checked = runner.run(&(filters(), queries), |(filters, query)| {
            let filter = Filter::read(Some(&filters)).expect("sound filters");
            prop_assert_eq!(found(&world, &filter, query), looked_at(&world, &filter, query), "{} {:?}", filters, query);
            Ok(())
        });
        checked.unwrap();
    }

    #[test]
    fn news_are_left_out_while_the_index_lags() {
        let mut world = world();
        let id = world.store.of(CONTACTS).rows().next().unwrap().id().to_owned();
        world.change(CONTACTS, &id, |it| drop(it.insert("~updated", json!(9_000_000_000_000_i64))));
        let place = world.store.of(CONTACTS).place(&id).unwrap();
        let all = world.store.of(CONTACTS).len();
        assert_eq!(Hits::All.without_news(&world, 9_000_000_000_000).count(&world), all - 1);
        assert_eq!(Hits::All.without_news(&world, 9_000_000_000_001).count(&world), all);
        assert_eq!(Hits::Some(vec![place]).without_news(&world, 0).count(&world), 0);
    }
}
