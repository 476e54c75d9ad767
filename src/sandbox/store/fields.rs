//! The fields of one record, small: a great many of them are held at once.
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The fields of a record, in the order of their names. Keys that start with `~` are the sandbox's own and never leave it.
///
/// It is used as serde's map is, and takes a third of its room: records with the same names share the list of them.
///
/// Invariant: the names are in order, each once, and there is a value for each.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Fields {
    names: Arc<Vec<Arc<str>>>,
    values: Vec<Value>,
}

/// Lists of names that records share. Records of a kind have few different ones; what is stranger is not shared.
#[derive(Debug, Clone, Default)]
pub(super) struct Shapes(HashSet<Arc<Vec<Arc<str>>>>);

/// Lists that are shared, at most.
const SHAPES: usize = 4_096;

/// Names that are worth sharing: whatever the contacts and events of a large account have.
const SHARED: &[&str] = &[
    "additionalEmails",
    "address1",
    "appointmentStatus",
    "assignedTo",
    "assignedUserId",
    "body",
    "businessId",
    "calendarId",
    "city",
    "companyName",
    "completed",
    "contactId",
    "country",
    "createdBy",
    "customFields",
    "dateAdded",
    "dateOfBirth",
    "dateUpdated",
    "data1",
    "date_end",
    "date_start",
    "dnd",
    "dndSettings",
    "dueDate",
    "email",
    "endTime",
    "firstName",
    "id",
    "lastName",
    "location",
    "locationId",
    "name",
    "notes",
    "owner",
    "phone",
    "postalCode",
    "source",
    "startTime",
    "state",
    "tags",
    "timezone",
    "title",
    "type",
    "userId",
    "website",
    "workspace",
    "~added",
    "~end",
    "~start",
    "~updated",
];

fn shared(name: &str) -> Arc<str> {
    static NAMES: LazyLock<HashSet<Arc<str>>> = LazyLock::new(|| SHARED.iter().map(|it| Arc::from(*it)).collect());
    NAMES.get(name).map_or_else(|| Arc::from(name), Arc::clone)
}

impl Fields {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn at(&self, name: &str) -> Result<usize, usize> {
        self.names.binary_search_by(|key| (**key).cmp(name))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.at(name).ok().map(|at| &self.values[at])
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.at(name).ok().map(|at| &mut self.values[at])
    }

    /// The text of a field, empty if it is missing or no text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn contains_key(&self, name: &str) -> bool {
        self.at(name).is_ok()
    }

    /// Sets a field; what it held before.
    pub(crate) fn insert(&mut self, name: impl AsRef<str>, value: Value) -> Option<Value> {
        let name = name.as_ref();
        match self.at(name) {
            Ok(at) => Some(std::mem::replace(&mut self.values[at], value)),
            Err(at) => {
                Arc::make_mut(&mut self.names).insert(at, shared(name));
                self.values.insert(at, value);
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.at(name).ok()?;
        Arc::make_mut(&mut self.names).remove(at);
        Some(self.values.remove(at))
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, &Value) -> bool) {
        *self = std::mem::take(self).into_iter().filter(|(key, value)| keep(key, value)).collect();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.names.iter().map(|it| &**it).zip(&self.values)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.values.iter_mut()
    }

    /// Makes it as small as it can be, to be kept: shares its names, and gives back the room for fields that never came.
    pub(super) fn settle(&mut self, shapes: &mut Shapes) {
        if let Some(known) = shapes.0.get(&self.names) {
            self.names = Arc::clone(known);
        } else if shapes.0.len() < SHAPES {
            shapes.0.insert(Arc::clone(&self.names));
        }
        if self.values.capacity() > self.values.len() {
            // An allocator may leave a shrunken piece of memory as large as it was.
            let mut exact = Vec::with_capacity(self.values.len());
            exact.append(&mut self.values);
            self.values = exact;
        }
    }

    /// The fields that may leave the sandbox.
    pub(crate) fn shown(&self) -> Self {
        let all = self.names.iter().zip(&self.values);
        let (names, values): (Vec<_>, _) =
            all.filter(|(name, _)| !name.starts_with('~')).map(|(n, v)| (Arc::clone(n), v.clone())).unzip();
        Self { names: Arc::new(names), values }
    }
}

impl<K: AsRef<str>> Extend<(K, Value)> for Fields {
    fn extend<I: IntoIterator<Item = (K, Value)>>(&mut self, fields: I) {
        for (key, value) in fields {
            self.insert(key, value);
        }
    }
}

impl<K: AsRef<str>> FromIterator<(K, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(fields: I) -> Self {
        let mut made = Self::new();
        made.extend(fields);
        made
    }
}

impl IntoIterator for Fields {
    type Item = (Arc<str>, Value);
    type IntoIter = std::iter::Zip<std::vec::IntoIter<Arc<str>>, std::vec::IntoIter<Value>>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.names).into_iter().zip(self.values)
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(map: Map<String, Value>) -> Self {
        // Serde's map is in order already.
        let (names, values): (Vec<_>, _) = map.into_iter().map(|(key, value)| (shared(&key), value)).unzip();
        Self { names: Arc::new(names), values }
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        let Fields { names, values } = fields;
        Self::Object(names.iter().map(|it| it.as_ref().to_owned()).zip(values).collect())
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn records_with_the_same_names_share_them_until_one_changes() {
        let mut shapes = Shapes::default();
        let mut made = [1, 2].map(|it| Fields::from_iter([("a", json!(it)), ("b", json!(it))]));
        for it in &mut made {
            it.settle(&mut shapes);
        }
        let [one, mut other] = made;
        assert!(Arc::ptr_eq(&one.names, &other.names) && other.values.capacity() == 2);
        other.insert("c", json!(3));
        assert_eq!((json!(one), json!(other)), (json!({"a": 1, "b": 1}), json!({"a": 2, "b": 2, "c": 3})));
    }

    proptest! {
        #[test]
        fn fields_hold_what_a_map_holds(deeds in prop::collection::vec(("[a-d~]{0,2}", any::<Option<u8>>()), 0..40)) {
            let (mut fields, mut map) = (Fields::new(), BTreeMap::new());
            for (name, value) in deeds {
                if let Some(value) = value {
                    prop_assert_eq!(fields.insert(&name, json!(value)), map.insert(name, json!(value)));
                } else {
                    prop_assert_eq!(fields.remove(&name), map.remove(&name));
                }
            }
            prop_assert!(map.iter().all(|(name, value)| fields.get(name) == Some(value) && fields.contains_key(name)));
            prop_assert_eq!(fields.is_empty(), map.is_empty());
            prop_assert_eq!(json!(fields), json!(map));
            prop_assert_eq!(Value::from(fields.clone()), json!(map));
            map.retain(|name, _| !name.starts_with('~'));
            prop_assert_eq!(json!(fields.shown()), json!(map));
            prop_assert_eq!(Fields::from(map.into_iter().collect::<Map<_, _>>()), fields.shown());
        }
    }
}
