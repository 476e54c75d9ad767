//! The operations of a connector, each read from its text when it is first asked for.
//!
//! The catalogue that ships has some six hundred operations, and a flow uses a handful: reading all of them at every start
//! would take most of its time and several megabytes for as long as the program runs. So only a [`Brief`] of each is read
//! at the start (title, heading, method, path), enough to list, to count, to search and to route by.
//!
//! Invariant: what was read once stays read, and the brief agrees with the operation.
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Method, Operation, OperationId, Overlay};

/// What is known of an operation without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Brief {
    /// `connector.document.operation`.
    pub id: OperationId,
    /// "Create contact".
    pub title: String,
    /// What the card says; empty where nobody wrote it.
    #[serde(default)]
    pub sentence: String,
    /// The heading it is listed under.
    pub group: String,
    /// The HTTP method.
    pub method: Method,
    /// The path below the base URL.
    pub path: String,
    /// Whether the vendor advises against it.
    #[serde(default)]
    pub deprecated: bool,
}

/// The operations of a connector, by id.
#[derive(Clone, Default)]
pub struct Operations {
    entries: BTreeMap<OperationId, Entry>,
}

#[derive(Clone)]
struct Entry {
    brief: Brief,
    whole: OnceLock<Arc<Operation>>,
    /// None where it came whole.
    source: Option<Source>,
}

/// Where an operation is read from.
#[derive(Clone)]
struct Source {
    text: &'static str,
    overlay: Arc<Overlay>,
}

impl Source {
    fn read(&self) -> Result<Operation, serde_json::Error> {
        let mut operation: Operation = serde_json::from_str(self.text)?;
        self.overlay.lay(&mut operation);
        Ok(operation)
    }
}

impl Entry {
    /// None for a text that is no operation; texts are part of the program, and a test holds that each can be read.
    fn whole(&self) -> Option<&Arc<Operation>> {
        if let Some(whole) = self.whole.get() {
            return Some(whole);
        }
        let read = self.source.as_ref()?.read().ok()?;
        Some(self.whole.get_or_init(|| Arc::new(read)))
    }
}

impl Operations {
    /// One operation a text, as [`Connector::to_text`](super::Connector::to_text) writes them, each under its overlay.
    pub(super) fn lazy(texts: &[&'static str], overlay: &Arc<Overlay>) -> Result<Self, String> {
        let mut entries = BTreeMap::new();
        let mut head = String::new();
        for text in texts {
            // Nothing before the inputs can hold this: within a JSON text every quote has a backslash before it.
            let (known, _) = text.split_once(",\"inputs\":[").ok_or("an operation has no inputs")?;
            head.clear();
            head.push_str(known);
            head.push('}');
            let mut brief: Brief = serde_json::from_str(&head).map_err(|it| it.to_string())?;
            overlay.lay_brief(&mut brief);
            let source = Some(Source { text, overlay: Arc::clone(overlay) });
            entries.insert(brief.id.clone(), Entry { brief, whole: OnceLock::new(), source });
        }
        Ok(Self { entries })
    }

    /// The operation with this id.
    pub fn get(&self, id: &OperationId) -> Option<&Arc<Operation>> {
        self.entries.get(id)?.whole()
    }

    /// What is known of the operation with this id without reading it.
    pub fn brief(&self, id: &OperationId) -> Option<&Brief> {
        self.entries.get(id).map(|it| &it.brief)
    }

    /// All of them, by id, each read if it was not yet. Where a brief is enough, [`Operations::briefs`] costs nothing.
    pub fn values(&self) -> impl Iterator<Item = &Arc<Operation>> + Clone {
        self.entries.values().filter_map(Entry::whole)
    }

    /// All of them, by id, without reading any.
    pub fn briefs(&self) -> impl ExactSizeIterator<Item = &Brief> {
        self.entries.values().map(|it| &it.brief)
    }

    /// Their ids, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &OperationId> {
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

    /// How many were read so far.
    pub fn read_so_far(&self) -> usize {
        self.entries.values().filter(|it| it.whole.get().is_some()).count()
    }
}

impl FromIterator<Operation> for Operations {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        operations.into_iter().map(Arc::new).collect()
    }
}

impl FromIterator<Arc<Operation>> for Operations {
    fn from_iter<I: IntoIterator<Item = Arc<Operation>>>(operations: I) -> Self {
        let entry = |it: Arc<Operation>| {
            let entry = Entry { brief: it.brief(), whole: OnceLock::from(it), source: None };
            (entry.brief.id.clone(), entry)
        };
        Self { entries: operations.into_iter().map(entry).collect() }
    }
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}

impl PartialEq for Operations {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.values().eq(other.values())
    }
}

/// Operations travel as a list; their id is within them.
impl Serialize for Operations {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.values().map(AsRef::as_ref))
    }
}

impl<'de> Deserialize<'de> for Operations {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Vec::<Operation>::deserialize(from)?.into_iter().collect())
    }
}
