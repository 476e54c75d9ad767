//! A JSON document that keeps the order of its fields, read within bounds.
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::{ConnectorId, ImportError, Limits};

/// Deeper than any document written for people or by their tools.
const DEPTH: usize = 96;
/// Said by the reader when the bound on values is met; turned into an [`ImportError`] of its own.
const TOO_MANY: &str = "too many values";

/// One OpenAPI document, or one that others refer to.
#[derive(Debug, Clone)]
pub struct Document {
    /// The part of operation ids and schema names that tells documents apart: the file's stem.
    pub(super) name: String,
    /// Where it lies, `/` between the parts: references of other documents are resolved against it.
    pub(super) path: String,
    pub(super) root: Tree,
    /// How long its text was; 0 where it came as a value.
    pub(super) bytes: usize,
}

impl Document {
    /// Reads JSON text. `path` is the file's name or path; its stem becomes the document's name.
    pub fn parse(path: &str, text: &[u8], limits: &Limits) -> Result<Self, ImportError> {
        if text.len() > limits.bytes {
            return Err(ImportError::TooLarge {
                document: path.to_owned(),
                what: "bytes",
                limit: limits.bytes,
                place: String::new(),
            });
        }
        let left = Cell::new(limits.values);
        let mut json = serde_json::Deserializer::from_slice(text);
        let line_and_column = |error: &serde_json::Error| format!("line {} column {}", error.line(), error.column());
        let read = Seed { left: &left }.deserialize(&mut json).and_then(|root| json.end().map(|()| root));
        let root = read.map_err(|error| {
            if left.get() == 0 && error.to_string().contains(TOO_MANY) {
                let place = line_and_column(&error);
                ImportError::TooLarge { document: path.to_owned(), what: "values", limit: limits.values, place }
            } else if error.to_string().contains("recursion limit") {
                ImportError::TooDeep { document: path.to_owned(), limit: DEPTH, place: line_and_column(&error) }
            } else {
                ImportError::NotJson { document: path.to_owned(), why: error.to_string() }
            }
        })?;
        Self::new(path, root, text.len())
    }

    /// What the document calls its service.
    pub fn title(&self) -> Option<&str> {
        self.root.get("info")?.text("title").map(str::trim).filter(|it| !it.is_empty() && it.len() <= 200)
    }

    /// A connector's id made of the title, or of the document's name.
    pub fn suggested_id(&self) -> ConnectorId {
        let id = |text: &str| {
            let plain = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { ' ' };
            let text: String = text.chars().map(plain).take(40).collect();
            text.split_whitespace().collect::<Vec<_>>().join("_")
        };
        let named = self.title().map(id).filter(|it| !it.is_empty()).unwrap_or_else(|| id(&self.name));
        ConnectorId::new(if named.is_empty() { "imported" } else { &named })
    }

    /// From JSON that is parsed already. Its fields are in the order that the value keeps them in.
    pub fn from_value(path: &str, value: Value) -> Result<Self, ImportError> {
        let too_deep = || ImportError::TooDeep { document: path.to_owned(), limit: DEPTH, place: String::new() };
        let root = Tree::from_value(value, DEPTH).ok_or_else(too_deep)?;
        Self::new(path, root, 0)
    }

    fn new(path: &str, root: Tree, bytes: usize) -> Result<Self, ImportError> {
        let mut within = Vec::new();
        if root.deeper_than(DEPTH, &mut within) {
            // Found from the inside out; the first few names are enough to find it.
            let place = within.iter().rev().take(4).flat_map(|it| ["/".to_owned(), it.replace('~', "~0").replace('/', "~1")]);
            return Err(ImportError::TooDeep { document: path.to_owned(), limit: DEPTH, place: place.collect() });
        }
        let path = path.replace('\\', "/");
        let file = path.rsplit('/').next().unwrap_or_default();
        let stem = file.split('.').next().unwrap_or_default();
        let name = if stem.is_empty() { "document".to_owned() } else { super::words::slug(stem) };
        Ok(Self { name, path, root, bytes })
    }
}

/// A JSON value whose objects keep the order of their fields.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Tree>),
    Map(Map),
}

/// An object: fields in the document's order, found by name in logarithmic time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Map {
    entries: Vec<(String, Tree)>,
    /// Places in `entries`, ordered by name.
    sorted: Vec<u32>,
}

impl Map {
    fn new(mut entries: Vec<(String, Tree)>) -> Self {
        let mut sorted: Vec<u32> = (0..entries.len() as u32).collect();
        sorted.sort_by(|a, b| entries[*a as usize].0.cmp(&entries[*b as usize].0));
        // JSON allows a name twice; the last counts, as it does for most readers (RFC 8259, 4).
        let mut keep = vec![true; entries.len()];
        for pair in sorted.windows(2) {
            keep[pair[0] as usize] = entries[pair[0] as usize].0 != entries[pair[1] as usize].0;
        }
        if keep.iter().all(|it| *it) {
            return Self { entries, sorted };
        }
        let mut keep = keep.into_iter();
        entries.retain(|_| keep.next().unwrap_or(true));
        Self::new(entries)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Tree> {
        let found = self.sorted.binary_search_by(|it| self.entries[*it as usize].0.as_str().cmp(name)).ok()?;
        Some(&self.entries[self.sorted[found] as usize].1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Tree)> {
        self.entries.iter().map(|(name, it)| (name.as_str(), it))
    }
}

impl Tree {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.as_map()?.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// Whether the field is there and `true`, as a boolean or as text.
    pub(super) fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Self::Bool(it)) => *it,
            Some(Self::Text(it)) => it == "true",
            _ => false,
        }
    }

    pub(super) fn list(&self, name: &str) -> &[Self] {
        match self.get(name) {
            Some(Self::List(it)) => it,
            _ => &[],
        }
    }

    pub(super) fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(it) => Some(it),
            _ => None,
        }
    }

    /// The fields of an object in the document's order; none of anything else.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.as_map().into_iter().flat_map(Map::iter)
    }

    /// The fields of the object that is the field of this name.
    pub(super) fn fields_of(&self, name: &str) -> impl Iterator<Item = (&str, &Self)> {
        self.get(name).into_iter().flat_map(Self::fields)
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(it) => Some(it),
            _ => None,
        }
    }

    /// Follows a JSON pointer (RFC 6901), already percent-decoded, without its leading `#`.
    pub(super) fn pointer(&self, pointer: &str) -> Option<&Self> {
        let mut at = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            at = match at {
                Self::Map(map) => map.get(&part)?,
                Self::List(list) => list.get(part.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(at)
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(it) => Value::Bool(*it),
            Self::Number(it) => Value::Number(it.clone()),
            Self::Text(it) => Value::String(it.clone()),
            Self::List(it) => it.iter().map(Self::to_value).collect(),
            Self::Map(it) => it.iter().map(|(name, it)| (name.to_owned(), it.to_value())).collect(),
        }
    }

    fn from_value(value: Value, depth: usize) -> Option<Self> {
        let below = depth.checked_sub(1)?;
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(it) => Self::Bool(it),
            Value::Number(it) => Self::Number(it),
            Value::String(it) => Self::Text(it),
            Value::Array(it) => Self::List(it.into_iter().map(|it| Self::from_value(it, below)).collect::<Option<_>>()?),
            Value::Object(it) => Self::Map(Map::new(
                it.into_iter().map(|(name, it)| Some((name, Self::from_value(it, below)?))).collect::<Option<_>>()?,
            )),
        })
    }

    /// Whether values lie deeper within it; then the names that lead to one of them are added, the last first.
    fn deeper_than(&self, depth: usize, within: &mut Vec<String>) -> bool {
        let Some(below) = depth.checked_sub(1) else { return true };
        let found = match self {
            Self::List(list) => {
                let found = list.iter().position(|it| it.deeper_than(below, within));
                found.map(|at| at.to_string())
            }
            Self::Map(map) => {
                let found = map.iter().find(|(_, it)| it.deeper_than(below, within));
                found.map(|(name, _)| name.chars().take(80).collect())
            }
            _ => None,
        };
        let is_deeper = found.is_some();
        within.extend(found);
        is_deeper
    }
}

/// Reads a [`Tree`] while counting its values down.
struct Seed<'a> {
    left: &'a Cell<usize>,
}

impl Seed<'_> {
    fn again(&self) -> Self {
        Self { left: self.left }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Tree, D::Error> {
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => return Err(D::Error::custom(TOO_MANY)),
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(it))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Tree, E> {
        Ok(Tree::Number(it.into()))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Tree, E> {
        Ok(Tree::Number(it.into()))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(it).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E>(self, it: &str) -> Result<Tree, E> {
        Ok(Tree::Text(it.to_owned()))
    }

    fn visit_string<E>(self, it: String) -> Result<Tree, E> {
        Ok(Tree::Text(it))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(it) = from.next_element_seed(self.again())? {
            list.push(it);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = from.next_key::<String>()? {
            entries.push((name, from.next_value_seed(self.again())?));
        }
        Ok(Tree::Map(Map::new(entries)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_the_last_of_a_repeated_name_counts() {
        let document = Document::parse("a/b.json", br#"{"z": 1, "a": 2, "z": 3}"#, &Limits::default()).expect("valid");
        let names: Vec<_> = document.root.as_map().expect("object").iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["a", "z"]);
        assert_eq!(document.root.get("z"), Some(&Tree::Number(3.into())));
        assert_eq!(document.name, "b");
    }

    #[test]
    fn what_is_too_deep_too_long_or_no_json_is_refused_by_name() {
        let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
        assert!(matches!(Document::parse("d.json", deep.as_bytes(), &Limits::default()), Err(ImportError::TooDeep { .. })));
        let deeper = "[".repeat(500_000);
        assert!(matches!(Document::parse("d.json", deeper.as_bytes(), &Limits::default()), Err(ImportError::TooDeep { .. })));
        let limits = Limits { values: 100, ..Limits::default() };
        let wide = format!("[{}1]", "1,".repeat(200));
        let error = Document::parse("w.json", wide.as_bytes(), &limits).expect_err("too many");
        assert_eq!(error.to_string(), "w.json holds more than 100 values, at line 1 column 199");
        let error = Document::parse("y.yaml", b"openapi: 3.0.0", &Limits::default()).expect_err("not JSON");
        assert!(error.to_string().starts_with("y.yaml is not JSON:"), "{error}");
    }

    #[test]
    fn pointers_are_followed_through_objects_lists_and_escapes() {
        let document = Document::parse("a.json", br#"{"a/b": [{"~": 7}]}"#, &Limits::default()).expect("valid");
        assert_eq!(document.root.pointer("/a~1b/0/~0"), Some(&Tree::Number(7.into())));
        assert_eq!(document.root.pointer("/a~1b/x"), None);
        assert_eq!(document.root.pointer(""), Some(&document.root));
    }
}
