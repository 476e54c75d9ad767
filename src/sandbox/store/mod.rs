//! Records in memory: ordered collections with ids that are the same on every run.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

mod fields;
mod spread;

pub(crate) use self::fields::Fields;
use self::fields::Shapes;
pub(crate) use self::spread::Spread;

/// One record and whose child it is.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    id: Box<str>,
    parent: Box<str>,
    pub(crate) fields: Fields,
}

/// Records in the order in which they were made, found by id, by place and by parent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collection {
    rows: BTreeMap<u64, Row>,
    by_id: Spread<u64>,
    by_parent: Spread<BTreeSet<u64>>,
    shapes: Shapes,
    next: u64,
    ids: u64,
    /// Counts up with every change.
    version: u64,
}

/// Every collection by its name. What changes it is [`World`](super::world::World)'s alone, where each change is seen.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    collections: BTreeMap<String, Collection>,
    random: u64,
}

impl Row {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn parent(&self) -> &str {
        &self.parent
    }

    /// The text of a field, empty if it is missing or no text.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.fields.text(field)
    }
}

impl Collection {
    /// Adds a record, or replaces the one with the same id, which then comes last; says its place.
    pub(super) fn insert(&mut self, id: &str, parent: &str, fields: Fields) -> u64 {
        self.remove(id);
        let at = self.next;
        self.put_back(at, id, parent, fields);
        at
    }

    /// Puts a record where it was before it was removed.
    pub(super) fn put_back(&mut self, at: u64, id: &str, parent: &str, mut fields: Fields) {
        self.version += 1;
        self.next = self.next.max(at + 1);
        self.by_id.insert(id, at);
        if !parent.is_empty() {
            self.by_parent.or_default(parent).insert(at);
        }
        fields.settle(&mut self.shapes);
        self.rows.insert(at, Row { id: id.into(), parent: parent.into(), fields });
    }

    /// A record to change, with its place and its parent.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<(u64, &str, &mut Fields)> {
        let at = *self.by_id.get(id)?;
        self.version += 1;
        self.rows.get_mut(&at).map(|row| (at, &*row.parent, &mut row.fields))
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<(u64, Row)> {
        let at = self.by_id.remove(id)?;
        let row = self.rows.remove(&at)?;
        self.version += 1;
        if let Some(children) = self.by_parent.get_mut(&row.parent) {
            children.remove(&at);
            if children.is_empty() {
                self.by_parent.remove(&row.parent);
            }
        }
        Some((at, row))
    }

    pub(crate) fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(self.by_id.get(id)?)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Fields> {
        self.row(id).map(|row| &row.fields)
    }

    /// The place of a record: places grow in the order in which records were made.
    pub(crate) fn place(&self, id: &str) -> Option<u64> {
        self.by_id.get(id).copied()
    }

    /// The record at a place.
    pub(crate) fn at(&self, place: u64) -> Option<&Row> {
        self.rows.get(&place)
    }

    /// Every place at which there is a record, in order.
    pub(crate) fn places(&self) -> impl Iterator<Item = u64> {
        self.rows.keys().copied()
    }

    /// Every record with its place, in the order in which they were made.
    pub(crate) fn placed(&self) -> impl DoubleEndedIterator<Item = (u64, &Row)> {
        self.rows.iter().map(|(at, row)| (*at, row))
    }

    /// The record with this id below this parent.
    pub(crate) fn child(&self, parent: &str, id: &str) -> Option<&Fields> {
        self.row(id).filter(|row| row.parent() == parent).map(|row| &row.fields)
    }

    pub(crate) fn children(&self, parent: &str) -> impl DoubleEndedIterator<Item = &Row> {
        self.by_parent.get(parent).into_iter().flatten().filter_map(|at| self.rows.get(at))
    }

    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows.values()
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Counts up with every change of a record.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Records with their places, the newest first, from before a place on.
    pub(crate) fn before(&self, place: Option<u64>) -> impl Iterator<Item = (u64, &Row)> {
        self.rows.range(..place.unwrap_or(u64::MAX)).rev().map(|(at, row)| (*at, row))
    }
}

impl Store {
    pub(crate) fn new(random: u64) -> Self {
        Self { collections: BTreeMap::new(), random }
    }

    /// A collection; an unknown one is empty.
    pub(crate) fn of(&self, name: &str) -> &Collection {
        static EMPTY: LazyLock<Collection> = LazyLock::new(Collection::default);
        self.collections.get(name).unwrap_or(&EMPTY)
    }

    /// A collection to change; an unknown one is made.
    pub(super) fn of_mut(&mut self, name: &str) -> &mut Collection {
        if !self.collections.contains_key(name) {
            self.collections.insert(name.to_owned(), Collection::default());
        }
        self.collections.entry(name.to_owned()).or_default()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.collections.keys().map(String::as_str)
    }

    /// The next id of a collection: 24 letters and digits that depend only on the random seed, the collection and the count.
    pub(crate) fn next_id(&mut self, name: &str) -> String {
        let random = self.random;
        let collection = self.of_mut(name);
        loop {
            collection.ids += 1;
            let id = id(random, name, collection.ids);
            if !collection.contains(&id) {
                return id;
            }
        }
    }

    /// Takes the next ids of a collection as given: those that [`id`] makes of the counts up to this one.
    pub(super) fn advance(&mut self, name: &str, count: u64) {
        let collection = self.of_mut(name);
        collection.ids = collection.ids.max(count);
    }

    /// How many ids a collection has given.
    pub(super) fn given(&self, name: &str) -> u64 {
        self.of(name).ids
    }

    /// The next id of a collection that counts: `first` and upwards.
    pub(crate) fn next_number(&mut self, name: &str, first: u64) -> String {
        let collection = self.of_mut(name);
        collection.ids += 1;
        (first + collection.ids - 1).to_string()
    }
}

/// 24 letters and digits that depend only on what is passed.
pub(crate) fn id(random: u64, name: &str, count: u64) -> String {
    let mut rng = fastrand::Rng::with_seed(mix(random, name, count));
    (0..24).map(|_| rng.alphanumeric()).collect()
}

/// A UUID of version 4 that depends only on what is passed.
pub(crate) fn uuid(random: u64, name: &str, count: u64) -> String {
    let mut rng = fastrand::Rng::with_seed(mix(random, name, count));
    let (high, low) = (rng.u64(..), rng.u64(..));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

/// FNV-1a over the parts: fast, stable, and no secret depends on it.
fn mix(random: u64, name: &str, count: u64) -> u64 {
    let bytes = random.to_le_bytes().into_iter().chain(name.bytes()).chain(count.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(name: &str) -> Fields {
        let mut fields = Fields::new();
        fields.insert("name", json!(name));
        fields
    }

    #[test]
    fn records_keep_their_order_and_are_found_by_id_and_parent() {
        let mut all = Collection::default();
        all.insert("b", "p", fields("second"));
        all.insert("a", "q", fields("first"));
        all.insert("c", "p", fields("third"));
        assert_eq!(all.rows().map(Row::id).collect::<Vec<_>>(), ["b", "a", "c"]);
        assert_eq!(all.children("p").map(Row::id).collect::<Vec<_>>(), ["b", "c"]);
        assert!(all.child("q", "b").is_none());
        assert_eq!(all.place("c").and_then(|it| all.at(it)).map(Row::id), Some("c"));
        all.insert("b", "q", fields("moved"));
        assert_eq!(all.rows().map(Row::id).collect::<Vec<_>>(), ["a", "c", "b"]);
        assert_eq!(all.children("p").map(Row::id).collect::<Vec<_>>(), ["c"]);
        assert!(all.remove("c").is_some() && all.remove("c").is_none());
        assert_eq!((all.len(), all.children("p").count()), (2, 0));
    }

    #[test]
    fn ids_are_the_same_for_the_same_seed_and_differ_between_collections() {
        let ids = |random| {
            let mut store = Store::new(random);
            (store.next_id("contacts"), store.next_id("contacts"), store.next_id("tasks"))
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        let (one, two, other) = ids(1);
        assert!(one != two && one != other);
        assert_eq!(one.len(), 24);
        assert!(one.bytes().all(|it| it.is_ascii_alphanumeric()));
    }
}
