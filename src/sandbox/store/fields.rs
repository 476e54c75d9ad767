//! The fields of one record, small: a great many of them are held at once.
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The fields of a record, in the order of their names. Keys that start with `~` are the sandbox's own and never leave it.
///
/// It is used as serde's map is, and takes less than half of its room; the names that most records have are there once.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Fields(Vec<(Arc<str>, Value)>);

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
        self.0.binary_search_by(|(key, _)| (**key).cmp(name))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.at(name).ok().map(|at| &self.0[at].1)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.at(name).ok().map(|at| &mut self.0[at].1)
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
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (shared(name), value));
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Value> {
        self.at(name).ok().map(|at| self.0.remove(at).1)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, &mut Value) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// Gives back the room for fields that never came.
    pub(super) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// The fields that may leave the sandbox.
    pub(crate) fn shown(&self) -> Self {
        Self(self.0.iter().filter(|(key, _)| !key.starts_with('~')).cloned().collect())
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
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(map: Map<String, Value>) -> Self {
        // Serde's map is in order already.
        Self(map.into_iter().map(|(key, value)| (shared(&key), value)).collect())
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Object(fields.0.into_iter().map(|(key, value)| (key.as_ref().to_owned(), value)).collect())
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

    proptest! {
        #[test]
        fn fields_hold_what_a_map_holds(deeds in prop::collection::vec(("[a-d~]{0,2}", any::<Option<u8>>()), 0..40)) {
            let (mut fields, mut map) = (Fields::new(), BTreeMap::new());
            for (name, value) in deeds {
                match value {
                    Some(value) => prop_assert_eq!(fields.insert(&name, json!(value)), map.insert(name, json!(value))),
                    None => prop_assert_eq!(fields.remove(&name), map.remove(&name)),
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
