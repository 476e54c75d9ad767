//! A request as behaviours see it, and what they say to it.
use jiff::Timestamp;
use serde_json::Value;

use super::ledger::{Effect, RecordRef};
use super::oauth::Caller;
use super::route::PathValues;
use super::world::World;

/// What an operation does to the world.
pub(crate) type Behaviour = fn(&mut World, &Call) -> Outcome;

/// What comes of a call.
pub(crate) type Outcome = Result<Reply, Refusal>;

/// A request that found its operation.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) path: PathValues,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
    pub(crate) now: Timestamp,
    pub(crate) caller: Caller,
}

impl Call {
    /// A value from the path, empty if the route has none of this name.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(key, _)| &**key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// A value from the query; an empty one counts as missing.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|it| !it.is_empty())
    }

    /// Every value from the query under `name` or `name[]`.
    pub(crate) fn query_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let is = move |key: &str| key == name || key.strip_suffix("[]") == Some(name);
        self.query.iter().filter(move |(key, _)| is(key)).map(|(_, value)| value.as_str())
    }

    /// A whole number from the query, bounded.
    pub(crate) fn count(&self, name: &str, default: usize, most: usize) -> usize {
        self.query(name).and_then(|it| it.parse::<f64>().ok()).map_or(default, |it| it.clamp(0.0, most as f64) as usize)
    }

    /// A truth value from the query.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.query(name).map(|it| it == "true")
    }

    /// A field of the body; `null` counts as missing.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.body.get(name).filter(|it| !it.is_null())
    }

    /// A text field of the body; an empty one counts as missing.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(Value::as_str).filter(|it| !it.is_empty())
    }

    /// The texts in a list field of the body.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        texts(self.field(name))
    }

    /// A truth value in the body.
    pub(crate) fn truth(&self, name: &str) -> Option<bool> {
        self.field(name).and_then(Value::as_bool)
    }

    /// All fields of the body.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.body.as_object().into_iter().flatten()
    }
}

/// A value without the fields in it that are `null`, which counts as missing.
pub(crate) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, it)| !it.is_null());
            Value::Object(kept.map(|(key, it)| (key.clone(), without_nulls(it))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The texts in a list.
pub(crate) fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A value under a name, as most answers hold their record. It is moved there, not copied.
pub(crate) fn under(name: &str, value: Value) -> Value {
    Value::Object([(name.to_owned(), value)].into_iter().collect())
}

/// An answer to a call that was carried out.
#[derive(Debug)]
pub(crate) struct Reply {
    /// None: the status that the catalogue documents.
    pub(crate) status: Option<u16>,
    pub(crate) body: Value,
    pub(crate) effect: Effect,
    pub(crate) record: Option<RecordRef>,
    pub(crate) summary: String,
}

impl Reply {
    /// An answer that only reads.
    pub(crate) fn read(body: Value, summary: impl Into<String>) -> Self {
        Self { status: None, body, effect: Effect::Read, record: None, summary: summary.into() }
    }

    /// An answer that made a record.
    pub(crate) fn created(body: Value, summary: impl Into<String>) -> Self {
        Self { effect: Effect::Created, ..Self::read(body, summary) }
    }

    /// An answer that changed a record.
    pub(crate) fn updated(body: Value, summary: impl Into<String>) -> Self {
        Self { effect: Effect::Updated, ..Self::read(body, summary) }
    }

    /// An answer that removed a record.
    pub(crate) fn deleted(body: Value, summary: impl Into<String>) -> Self {
        Self { effect: Effect::Deleted, ..Self::read(body, summary) }
    }

    /// Which record it is about.
    pub(crate) fn about(mut self, collection: &str, id: &str) -> Self {
        self.record = Some(RecordRef { collection: collection.to_owned(), id: id.to_owned() });
        self
    }
}

/// An answer to a call that was not carried out.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) summary: String,
}
