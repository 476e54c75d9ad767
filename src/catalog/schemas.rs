//! The named shapes of a connector, each read from its text when it is first asked for; see
//! [`Operations`](super::Operations) for why.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Schema;

/// Named shapes, by name.
#[derive(Clone, Default)]
pub struct Schemas {
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone)]
struct Entry {
    whole: OnceLock<Box<Schema>>,
    /// Empty where it came whole.
    text: &'static str,
}

impl Entry {
    /// None for a text that is no shape; texts are part of the program, and a test holds that each can be read.
    fn whole(&self) -> Option<&Schema> {
        if let Some(whole) = self.whole.get() {
            return Some(whole);
        }
        let read = serde_json::from_str(self.text).ok()?;
        Some(self.whole.get_or_init(|| Box::new(read)))
    }
}

impl From<Schema> for Entry {
    fn from(schema: Schema) -> Self {
        Self { whole: OnceLock::from(Box::new(schema)), text: "" }
    }
}

impl Schemas {
    /// One shape a text, each with its name, as [`Connector::to_text`](super::Connector::to_text) writes them.
    pub(super) fn lazy(texts: &[&'static str]) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        for text in texts {
            let (name, text) = text.split_once("\":").ok_or("a shape has no name")?;
            let name = name.strip_prefix('"').ok_or("a shape has no name")?;
            entries.insert(name.to_owned(), Entry { whole: OnceLock::new(), text });
        }
        Ok(Self { entries })
    }

    /// The shape of this name.
    pub fn get(&self, name: &str) -> Option<&Schema> {
        self.entries.get(name)?.whole()
    }

    /// All of them, by name, each read if it was not yet.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Schema)> {
        self.entries.iter().filter_map(|(name, it)| Some((name.as_str(), it.whole()?)))
    }

    /// Their names, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &String> {
        self.entries.keys()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds or replaces one.
    pub fn insert(&mut self, name: String, schema: Schema) {
        self.entries.insert(name, schema.into());
    }
}

impl Extend<(String, Schema)> for Schemas {
    fn extend<I: IntoIterator<Item = (String, Schema)>>(&mut self, schemas: I) {
        self.entries.extend(schemas.into_iter().map(|(name, it)| (name, it.into())));
    }
}

impl FromIterator<(String, Schema)> for Schemas {
    fn from_iter<I: IntoIterator<Item = (String, Schema)>>(schemas: I) -> Self {
        let mut all = Self::default();
        all.extend(schemas);
        all
    }
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}

impl PartialEq for Schemas {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Serialize for Schemas {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Schemas {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<String, Schema>::deserialize(from)?.into_iter().collect())
    }
}
