//! Records to look at a few at a time: what is seen of a table, and what a search goes through.
//!
//! Invariant: no call here copies more records than it was asked for, so that none holds up whoever waits for the lock.
use serde_json::Value;

use super::hand::Table;
use super::handle::Handle;
use super::store::Row;

/// The fields of a record that tell it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Where it stands: places grow in the order in which the records of a table were made.
    pub place: u64,
    /// Its id.
    pub id: String,
    /// What the table's columns hold, in their order; null where there is nothing.
    pub values: Vec<Value>,
}

impl Glance {
    fn of(table: &Table, place: u64, row: &Row) -> Self {
        Self::at(table.columns, place, row)
    }

    fn at(columns: &[&str], place: u64, row: &Row) -> Self {
        let value = |name: &&str| row.fields.get(name).cloned().unwrap_or_default();
        Self { place, id: row.id().to_owned(), values: columns.iter().map(value).collect() }
    }
}

impl Handle {
    /// At most so many records of a table, the newest first, from before a place on.
    pub fn page(&self, table: &Table, before: Option<u64>, most: usize) -> Vec<Glance> {
        let world = self.server().world();
        let all = world.store.of(table.collection);
        all.before(before).take(most).map(|(at, row)| Glance::of(table, at, row)).collect()
    }

    /// The places of at most so many records of a collection, the newest first, from before a place on.
    pub fn places_before(&self, collection: &str, before: Option<u64>, most: usize) -> Vec<u64> {
        let world = self.server().world();
        world.store.of(collection).before(before).take(most).map(|(at, _)| at).collect()
    }

    /// The records at these places, without those that are gone.
    pub fn lines(&self, table: &Table, places: &[u64]) -> Vec<Glance> {
        let world = self.server().world();
        let all = world.store.of(table.collection);
        places.iter().filter_map(|at| Some(Glance::of(table, *at, all.at(*at)?))).collect()
    }

    /// Where records stand, without those that are gone.
    pub fn places(&self, collection: &str, ids: &[String]) -> Vec<u64> {
        let world = self.server().world();
        let all = world.store.of(collection);
        ids.iter().filter_map(|it| all.place(it)).collect()
    }

    /// These fields of at most so many records of a collection, the newest first.
    pub fn last(&self, collection: &str, columns: &[&str], most: usize) -> Vec<Glance> {
        let world = self.server().world();
        world.store.of(collection).before(None).take(most).map(|(at, row)| Glance::at(columns, at, row)).collect()
    }

    /// Counts up with every change of a collection's records, until the sandbox starts over.
    pub fn version(&self, collection: &str) -> u64 {
        self.server().world().store.of(collection).version()
    }
}
