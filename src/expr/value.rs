//! JSON on its way into the machine and out of it.
use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, ValueKind};
use serde_json::{Map, Number, Value};

use super::MAX_OUTPUT;
use super::error::Fault;
use super::function::weight;
use super::reference::{Segment, position, step, walk};

/// The most items that a result made by operators may have.
const MAX_ITEMS: usize = 1_000_000;

/// How deep a result may nest.
const MAX_DEPTH: usize = 256;

/// Whether a value counts as yes: everything but `false`, `null`, zero, and empty text, lists and objects.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(it) => *it,
        Value::Number(it) => it.as_f64() != Some(0.0),
        Value::String(it) => !it.is_empty(),
        Value::Array(it) => !it.is_empty(),
        Value::Object(it) => !it.is_empty(),
    }
}

/// A value as text stands in a message: text as it is, `null` as nothing, whole numbers without a fraction, lists and objects
/// as JSON.
pub fn to_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Owned(number_text(number)),
        Value::Array(_) | Value::Object(_) => Cow::Owned(value.to_string()),
    }
}

fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => format!("{}", float as i64),
        _ => number.to_string(),
    }
}

/// What kind of value it is, with its article.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A list or an object within shared JSON: nothing is copied until it is used.
#[derive(Debug)]
pub(super) struct Json {
    root: Arc<Value>,
    path: Vec<Segment>,
}

impl Json {
    pub(super) fn node(&self) -> &Value {
        walk(&self.root, &self.path).unwrap_or(&Value::Null)
    }

    fn child(&self, segment: Segment) -> Option<minijinja::Value> {
        let child = step(self.node(), &segment)?;
        Some(scalar(child).unwrap_or_else(|| {
            let mut path = Vec::with_capacity(self.path.len() + 1);
            path.extend_from_slice(&self.path);
            path.push(segment);
            minijinja::Value::from_object(Self { root: Arc::clone(&self.root), path })
        }))
    }
}

impl Object for Json {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if self.node().is_array() { ObjectRepr::Seq } else { ObjectRepr::Map }
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        match key.as_str() {
            Some(key) => self.child(Segment::Key(key.to_owned())),
            None => self.child(Segment::Index(key.as_i64()?)),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.node() {
            Value::Array(list) => Enumerator::Seq(list.len()),
            Value::Object(map) => {
                let keys: Vec<String> = map.keys().cloned().collect();
                let this = Arc::clone(self);
                Enumerator::KeyValueIter(Box::new(keys.into_iter().map(move |key| {
                    let value = this.child(Segment::Key(key.clone())).unwrap_or_default();
                    (minijinja::Value::from(key), value)
                })))
            }
            _ => Enumerator::Empty,
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        match self.node() {
            Value::Array(list) => Some(list.len()),
            Value::Object(map) => Some(map.len()),
            _ => Some(0),
        }
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.node())
    }
}

fn scalar(value: &Value) -> Option<minijinja::Value> {
    Some(match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(it) => minijinja::Value::from(*it),
        Value::String(it) => minijinja::Value::from(it.as_str()),
        Value::Number(number) => {
            if let Some(it) = number.as_i64() {
                minijinja::Value::from(it)
            } else if let Some(it) = number.as_u64() {
                minijinja::Value::from(it)
            } else {
                minijinja::Value::from(number.as_f64()?)
            }
        }
        Value::Array(_) | Value::Object(_) => return None,
    })
}

/// A part of shared JSON for the machine.
pub(super) fn to_machine(root: &Arc<Value>, path: &[Segment], value: &Value) -> minijinja::Value {
    scalar(value).unwrap_or_else(|| minijinja::Value::from_object(Json { root: Arc::clone(root), path: path.to_vec() }))
}

/// A value of our own for the machine.
pub(super) fn into_machine(value: Value) -> minijinja::Value {
    scalar(&value).unwrap_or_else(|| minijinja::Value::from_object(Json { root: Arc::new(value), path: Vec::new() }))
}

/// The machine's value as JSON, borrowed where it already is; none if it is undefined.
pub(super) fn borrowed(value: &minijinja::Value) -> Result<Option<Cow<'_, Value>>, Fault> {
    if value.is_undefined() {
        return Ok(None);
    }
    if let Some(json) = value.downcast_object_ref::<Json>() {
        return Ok(Some(Cow::Borrowed(json.node())));
    }
    from_machine(value).map(|it| Some(Cow::Owned(it)))
}

/// The machine's value as JSON.
pub(super) fn from_machine(value: &minijinja::Value) -> Result<Value, Fault> {
    Reader { items: 0, bytes: 0 }.read(value, 0)
}

struct Reader {
    items: usize,
    bytes: usize,
}

impl Reader {
    fn count(&mut self, bytes: usize) -> Result<(), Fault> {
        self.items += 1;
        self.bytes += bytes;
        if self.items > MAX_ITEMS || self.bytes > MAX_OUTPUT { Err(Fault::too_large()) } else { Ok(()) }
    }

    fn read(&mut self, value: &minijinja::Value, depth: usize) -> Result<Value, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Limit("the result nests too deeply".to_owned()));
        }
        self.count(0)?;
        if let Some(json) = value.downcast_object_ref::<Json>() {
            let node = json.node();
            self.count(usize::try_from(weight::bytes(node)).unwrap_or(usize::MAX / 2))?;
            return Ok(node.clone());
        }
        match value.kind() {
            ValueKind::None => Ok(Value::Null),
            ValueKind::Bool => Ok(Value::Bool(value.is_true())),
            ValueKind::Number => number(value),
            ValueKind::String => {
                let text = value.as_str().unwrap_or_default();
                self.count(text.len())?;
                Ok(Value::String(text.to_owned()))
            }
            ValueKind::Seq | ValueKind::Iterable => {
                let mut list = Vec::new();
                for item in value.try_iter().map_err(|error| machine_fault(&error))? {
                    list.push(self.read(&item, depth + 1)?);
                }
                Ok(Value::Array(list))
            }
            ValueKind::Map => {
                let mut map = Map::new();
                for key in value.try_iter().map_err(|error| machine_fault(&error))? {
                    let item = value.get_item(&key).map_err(|error| machine_fault(&error))?;
                    let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                    self.count(key.len())?;
                    let item = self.read(&item, depth + 1)?;
                    map.insert(key, item);
                }
                Ok(Value::Object(map))
            }
            ValueKind::Undefined => Err(Fault::Missing { path: String::new(), span: None }),
            _ => Err(Fault::failed("this has no value that JSON knows")),
        }
    }
}

fn number(value: &minijinja::Value) -> Result<Value, Fault> {
    if value.is_integer() {
        return i64::try_from(value.clone()).map(Value::from).or_else(|_| u64::try_from(value.clone()).map(Value::from)).map_err(
            |_error| Fault::hinted("the result is a whole number too large for JSON", "use a fraction, such as `1.0 * …`"),
        );
    }
    f64::try_from(value.clone())
        .ok()
        .and_then(Number::from_f64)
        .map(Value::Number)
        .ok_or_else(|| Fault::failed("the result is not a number, or is infinite"))
}

/// A fault that travelled through the machine, or what the machine itself says.
pub(super) fn machine_fault(error: &minijinja::Error) -> Fault {
    super::vm::fault(error)
}

/// A value of the machine, at a place within it; none if there is none.
pub(super) fn machine_step(value: &minijinja::Value, key: &minijinja::Value) -> Option<minijinja::Value> {
    if let Some(json) = value.downcast_object_ref::<Json>() {
        return match key.as_str() {
            Some(key) => json.child(Segment::Key(key.to_owned())),
            None => json.child(Segment::Index(key.as_i64()?)),
        };
    }
    match value.kind() {
        ValueKind::Map if key.as_str().is_some() => value.get_item(key).ok(),
        ValueKind::Seq | ValueKind::Iterable => {
            let at = position(key.as_i64()?, value.len()?)?;
            value.get_item_by_index(at).ok()
        }
        // `loop` is an object of its own kind.
        ValueKind::Plain | ValueKind::Map => value.get_attr(key.as_str()?).ok(),
        _ => None,
    }
    .filter(|it| !it.is_undefined())
}
