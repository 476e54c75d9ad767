//! Records in memory: ordered collections with ids that are the same on every run.
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// The fields of a record. Keys that start with `~` are the sandbox's own and never leave it.
pub(crate) type Fields = Map<String, Value>;

/// One record and whose child it is.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    id: Box<str>,
    parent: Box<str>,
    pub(crate) fields: Fields,
}

/// Records in the order in which they were made, found by id and by parent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collection {
    rows: BTreeMap<u64, Row>,
    by_id: HashMap<Box<str>, u64>,
    by_parent: HashMap<Box<str>, BTreeSet<u64>>,
    next: u64,
    ids: u64,
    /// What was there before it was touched, while someone watches.
    touched: Option<Vec<(Box<str>, Option<Fields>)>>,
}

/// Every collection by its name.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    collections: BTreeMap<String, Collection>,
    random: u64,
    /// The collections that may have been touched, while someone watches.
    touched: Option<Vec<String>>,
}

/// What became of a record between two looks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub(crate) collection: String,
    pub(crate) id: Box<str>,
    /// None where it was not there.
    pub(crate) before: Option<Fields>,
    /// None where it is gone.
    pub(crate) after: Option<Fields>,
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
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Collection {
    /// Adds a record, or replaces the one with the same id in its place.
    pub(crate) fn insert(&mut self, id: &str, parent: &str, fields: Fields) {
        self.touch(id);
        self.remove(id);
        let at = self.next;
        self.next += 1;
        self.by_id.insert(id.into(), at);
        if !parent.is_empty() {
            self.by_parent.entry(parent.into()).or_default().insert(at);
        }
        self.rows.insert(at, Row { id: id.into(), parent: parent.into(), fields });
    }

    pub(crate) fn row(&self, id: &str) -> Option<&Row> {
        self.rows.get(self.by_id.get(id)?)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Fields> {
        self.row(id).map(|row| &row.fields)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Fields> {
        self.touch(id);
        self.rows.get_mut(self.by_id.get(id)?).map(|row| &mut row.fields)
    }

    fn touch(&mut self, id: &str) {
        if self.touched.is_some() {
            let before = self.get(id).cloned();
            self.touched.get_or_insert_default().push((id.into(), before));
        }
    }

    /// The record with this id below this parent.
    pub(crate) fn child(&self, parent: &str, id: &str) -> Option<&Fields> {
        self.row(id).filter(|row| row.parent() == parent).map(|row| &row.fields)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Fields> {
        self.touch(id);
        let at = self.by_id.remove(id)?;
        let row = self.rows.remove(&at)?;
        if let Some(children) = self.by_parent.get_mut(&row.parent) {
            children.remove(&at);
            if children.is_empty() {
                self.by_parent.remove(&row.parent);
            }
        }
        Some(row.fields)
    }

    /// Removes every child of a parent and says how many there were.
    pub(crate) fn remove_children(&mut self, parent: &str) -> usize {
        let ids: Vec<Box<str>> = self.children(parent).map(|row| row.id.clone()).collect();
        for id in &ids {
            self.remove(id);
        }
        ids.len()
    }

    pub(crate) fn children(&self, parent: &str) -> impl Iterator<Item = &Row> {
        self.by_parent.get(parent).into_iter().flatten().filter_map(|at| self.rows.get(at))
    }

    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows.values()
    }

    /// The records made before the one with this id, newest first; all of them if there is none.
    pub(crate) fn before(&self, id: &str) -> impl Iterator<Item = &Row> {
        let end = self.by_id.get(id).copied().unwrap_or(u64::MAX);
        self.rows.range(..end).rev().map(|(_, row)| row)
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

impl Store {
    pub(crate) fn new(random: u64) -> Self {
        Self { collections: BTreeMap::new(), random, touched: None }
    }

    /// Whether changes are kept from now on, for [`Store::changes`]. Costs a copy of each record that is touched.
    pub(crate) fn watch(&mut self, watched: bool) {
        self.changes();
        self.touched = watched.then(Vec::new);
    }

    /// What changed since the last look, in the order in which it was first touched, a collection after the other.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for name in self.touched.as_mut().map(std::mem::take).unwrap_or_default() {
            let Some(collection) = self.collections.get_mut(&name) else { continue };
            let mut known = HashSet::new();
            for (id, before) in collection.touched.take().unwrap_or_default() {
                // How it was at first is what counts.
                if !known.insert(id.clone()) {
                    continue;
                }
                let after = collection.get(&id).cloned();
                if before != after {
                    changes.push(Change { collection: name.clone(), id, before, after });
                }
            }
        }
        changes
    }

    /// A collection; an unknown one is empty.
    pub(crate) fn of(&self, name: &str) -> &Collection {
        static EMPTY: LazyLock<Collection> = LazyLock::new(Collection::default);
        self.collections.get(name).unwrap_or(&EMPTY)
    }

    /// A collection to change; an unknown one is made.
    pub(crate) fn of_mut(&mut self, name: &str) -> &mut Collection {
        if !self.collections.contains_key(name) {
            self.collections.insert(name.to_owned(), Collection::default());
        }
        let collection = self.collections.entry(name.to_owned()).or_default();
        if let Some(touched) = &mut self.touched
            && collection.touched.is_none()
        {
            touched.push(name.to_owned());
            collection.touched = Some(Vec::new());
        }
        collection
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

/// The fields that may leave the sandbox.
pub(crate) fn shown(fields: &Fields) -> Fields {
    fields.iter().filter(|(key, _)| !key.starts_with('~')).map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(name: &str) -> Fields {
        let mut fields = Fields::new();
        fields.insert("name".to_owned(), json!(name));
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
        assert_eq!(all.before("c").map(Row::id).collect::<Vec<_>>(), ["a", "b"]);
        assert!(all.child("q", "b").is_none());
        assert_eq!(all.remove_children("p"), 2);
        assert_eq!(all.len(), 1);
        assert!(all.row("b").is_none());
    }

    #[test]
    fn what_changed_between_two_looks_is_told_once_and_only_while_someone_watches() {
        let mut store = Store::new(1);
        store.of_mut("contacts").insert("a", "", fields("early"));
        assert_eq!(store.changes(), []);
        store.watch(true);
        store.of_mut("contacts").insert("b", "", fields("made"));
        *store.of_mut("contacts").get_mut("a").unwrap() = fields("changed");
        store.of_mut("contacts").insert("c", "", fields("made and gone"));
        store.of_mut("contacts").remove("c");
        store.of_mut("tasks").remove("none");
        let change = |id: &str, before: Option<&str>, after: Option<&str>| Change {
            collection: "contacts".to_owned(),
            id: id.into(),
            before: before.map(fields),
            after: after.map(fields),
        };
        assert_eq!(store.changes(), [change("b", None, Some("made")), change("a", Some("early"), Some("changed"))]);
        assert_eq!(store.changes(), []);
        store.of_mut("contacts").remove("a");
        assert_eq!(store.changes(), [change("a", Some("changed"), None)]);
        store.of_mut("contacts").get_mut("b");
        assert_eq!(store.changes(), []);
        store.watch(false);
        store.of_mut("contacts").remove("b");
        store.watch(true);
        assert_eq!(store.changes(), []);
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
