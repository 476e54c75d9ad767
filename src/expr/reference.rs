//! What an expression refers to.
use std::fmt;
use std::ops::Range;

use serde_json::Value;

/// One path that a source speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// From the root on; never empty, and the first segment is a key.
    pub path: Vec<Segment>,
    /// Where it stands, in bytes of the source; starts at the root's name.
    pub span: Range<usize>,
    /// Whether the expression itself says what happens if it is missing: under `default` or `coalesce`, in `is defined`,
    /// with `?`.
    pub guarded: bool,
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// A field of an object.
    Key(String),
    /// An item of a list; negative counts from the end, -1 is the last.
    Index(i64),
    /// Known only when evaluated: `table[contact.city]`.
    Dynamic,
}

impl Reference {
    /// The first name of the path.
    pub fn root(&self) -> &str {
        match self.path.first() {
            Some(Segment::Key(name)) => name,
            _ => "",
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(&self.path))
    }
}

/// A path as it is written: `contact.emails[0]`, `contact["first name"]`.
pub(super) fn written(path: &[Segment]) -> String {
    let mut text = String::new();
    for (position, segment) in path.iter().enumerate() {
        write_segment(&mut text, segment, position == 0);
    }
    text
}

/// Adds one segment to a written path.
pub(super) fn write_segment(text: &mut String, segment: &Segment, first: bool) {
    match segment {
        Segment::Key(key) if is_name(key) => {
            if !first {
                text.push('.');
            }
            text.push_str(key);
        }
        Segment::Key(key) => {
            text.push('[');
            text.push_str(&Value::from(key.as_str()).to_string());
            text.push(']');
        }
        Segment::Index(index) => {
            text.push('[');
            text.push_str(&index.to_string());
            text.push(']');
        }
        Segment::Dynamic => text.push_str("[…]"),
    }
}

/// Whether text can be written after a dot.
pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

pub(super) fn starts_name(it: char) -> bool {
    it == '_' || it.is_alphabetic()
}

pub(super) fn continues_name(it: char) -> bool {
    it == '_' || it.is_alphanumeric()
}

/// One step into a value. `null` has nothing within.
pub(super) fn step<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match (value, segment) {
        (Value::Object(map), Segment::Key(key)) => map.get(key),
        (Value::Object(map), Segment::Index(index)) => map.get(&index.to_string()),
        (Value::Array(list), Segment::Index(index)) => list.get(position(*index, list.len())?),
        _ => None,
    }
}

/// An index as a place in a list of that length; negative counts from the end.
pub(super) fn position(index: i64, length: usize) -> Option<usize> {
    if index < 0 {
        length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
    } else {
        usize::try_from(index).ok().filter(|&it| it < length)
    }
}

/// All steps into a value.
pub(super) fn walk<'a>(value: &'a Value, path: &[Segment]) -> Option<&'a Value> {
    path.iter().try_fold(value, step)
}
