//! The filters of a contact search: fields, operators, and groups of them.
use jiff::Timestamp;
use serde_json::Value;

use super::contact_list::contains;
use super::refusal::wrong;
use crate::sandbox::call::Refusal;
use crate::sandbox::store::Fields;

/// Groups within each other.
const DEPTH: usize = 8;
/// Filters in one search.
const MOST: usize = 200;

/// A condition on a contact.
#[derive(Debug, Clone)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Field { field: String, test: Test },
}

/// What is asked of a field.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Is(Vec<Value>),
    IsNot(Vec<Value>),
    Holds(Vec<String>),
    HoldsNot(Vec<String>),
    Exists,
    ExistsNot,
    Range { above: Option<f64>, from: Option<f64>, below: Option<f64>, to: Option<f64> },
}

impl Filter {
    /// Reads the list under `filters`; every one of them must hold.
    pub(super) fn read(list: Option<&Value>) -> Result<Self, Refusal> {
        let mut left = MOST;
        match list {
            None | Some(Value::Null) => Ok(Self::All(Vec::new())),
            Some(Value::Array(list)) => group(list, DEPTH, &mut left).map(Self::All),
            Some(_) => Err(wrong("filters must be an array")),
        }
    }

    /// Whether nothing is asked.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::All(filters) if filters.is_empty())
    }

    /// Whether it holds for a contact.
    pub(super) fn holds(&self, contact: &Fields) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|it| it.holds(contact)),
            Self::Any(filters) => filters.iter().any(|it| it.holds(contact)),
            Self::Field { field, test } => test.holds(value(contact, field).as_deref_value()),
        }
    }
}

fn group(list: &[Value], depth: usize, left: &mut usize) -> Result<Vec<Filter>, Refusal> {
    if depth == 0 {
        return Err(wrong("filters are nested too deeply"));
    }
    list.iter().map(|it| one(it, depth, left)).collect()
}

fn one(filter: &Value, depth: usize, left: &mut usize) -> Result<Filter, Refusal> {
    *left = left.checked_sub(1).ok_or_else(|| wrong("there are too many filters"))?;
    let text = |key: &str| filter.get(key).and_then(Value::as_str);
    if let Some(word) = text("group") {
        let inner = filter.get("filters").and_then(Value::as_array).ok_or_else(|| wrong("filters must be an array"))?;
        let inner = group(inner, depth - 1, left)?;
        return match word {
            "AND" => Ok(Filter::All(inner)),
            "OR" => Ok(Filter::Any(inner)),
            _ => Err(wrong("group must be one of the following values: AND, OR")),
        };
    }
    let field = text("field").filter(|it| !it.is_empty()).ok_or_else(|| wrong("field must be a string"))?;
    let operator = text("operator").ok_or_else(|| wrong("operator must be a string"))?;
    let value = filter.get("value").filter(|it| !it.is_null());
    let several = || -> Result<Vec<Value>, Refusal> {
        match value {
            Some(Value::Array(list)) => Ok(list.clone()),
            Some(one) => Ok(vec![one.clone()]),
            None => Err(wrong(&format!("value should not be empty for the operator {operator}"))),
        }
    };
    let words = || several().map(|it| it.iter().map(|it| plain(it).to_lowercase()).collect::<Vec<_>>());
    let asked = match operator {
        "eq" => Test::Is(several()?),
        "not_eq" => Test::IsNot(several()?),
        "contains" => Test::Holds(words()?),
        "not_contains" => Test::HoldsNot(words()?),
        "exists" => Test::Exists,
        "not_exists" => Test::ExistsNot,
        "range" => range(value)?,
        _ => {
            let known = "eq, not_eq, contains, not_contains, exists, not_exists, range";
            return Err(wrong(&format!("operator must be one of the following values: {known}")));
        }
    };
    Ok(Filter::Field { field: field.to_owned(), test: asked })
}

fn range(value: Option<&Value>) -> Result<Test, Refusal> {
    let bounds = value.and_then(Value::as_object).ok_or_else(|| wrong("value must be an object for the operator range"))?;
    let bound = |key: &str| match bounds.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(it) => number(it).map(Some).ok_or_else(|| wrong(&format!("value.{key} must be a number or a date"))),
    };
    Ok(Test::Range { above: bound("gt")?, from: bound("gte")?, below: bound("lt")?, to: bound("lte")? })
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        let value = value.filter(|it| !is_empty(it));
        match self {
            Self::Exists => value.is_some(),
            Self::ExistsNot => value.is_none(),
            Self::Is(wanted) => value.is_some_and(|it| any(it, |it| wanted.iter().any(|wanted| same(it, wanted)))),
            Self::IsNot(wanted) => !value.is_some_and(|it| any(it, |it| wanted.iter().any(|wanted| same(it, wanted)))),
            Self::Holds(words) => value.is_some_and(|it| any(it, |it| words.iter().any(|word| contains(&plain(it), word)))),
            Self::HoldsNot(words) => !value.is_some_and(|it| any(it, |it| words.iter().any(|word| contains(&plain(it), word)))),
            Self::Range { above, from, below, to } => value.and_then(number).is_some_and(|it| {
                above.is_none_or(|bound| it > bound)
                    && from.is_none_or(|bound| it >= bound)
                    && below.is_none_or(|bound| it < bound)
                    && to.is_none_or(|bound| it <= bound)
            }),
        }
    }
}

/// Whether it holds for the value, or for one in the list.
fn any(value: &Value, test: impl Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(list) => list.iter().any(test),
        one => test(one),
    }
}

/// The same value: numbers and dates by what they are, texts whatever their case.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => {
            one.eq_ignore_ascii_case(other)
                || (!(one.is_ascii() && other.is_ascii()) && one.to_lowercase() == other.to_lowercase())
        }
        (Value::Bool(one), Value::String(other)) | (Value::String(other), Value::Bool(one)) => one.to_string() == *other,
        (Value::Number(_), _) | (_, Value::Number(_)) => number(one).is_some() && number(one) == number(other),
        _ => one == other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A number; a date counts as its milliseconds.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            let date = || {
                text.parse::<jiff::civil::Date>().ok()?.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok().map(|it| it.timestamp())
            };
            let at = text.parse::<Timestamp>().ok().or_else(date);
            at.map(|it| it.as_millisecond() as f64).or_else(|| text.parse::<f64>().ok().filter(|it| it.is_finite()))
        }
        _ => None,
    }
}

/// A contact's value under a name that searches use: borrowed where it is stored, made where it follows from others.
pub(super) enum Found<'a> {
    Stored(Option<&'a Value>),
    Made(Value),
}

impl Found<'_> {
    pub(super) fn as_deref_value(&self) -> Option<&Value> {
        match self {
            Self::Stored(value) => *value,
            Self::Made(value) => Some(value),
        }
    }
}

/// The value of a field. Names that only an answer has lead to what they are made of; comparing ignores case anyway.
pub(super) fn value<'a>(contact: &'a Fields, field: &str) -> Found<'a> {
    if let Some(id) = field.strip_prefix("customFields.").or_else(|| field.strip_prefix("customField.")) {
        let list = contact.get("customFields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let own = list.iter().find(|it| it.get("id").and_then(Value::as_str) == Some(id));
        return Found::Stored(own.and_then(|it| it.get("value")));
    }
    Found::Stored(contact.get(match super::contact::stored_name(field) {
        "dateAdded" => "~added",
        "dateUpdated" => "~updated",
        "name" => return Found::Made(super::contact::name_of_person(contact).into()),
        "dnd" if !contact.contains_key("dnd") => return Found::Made(Value::Bool(false)),
        "type" if !contact.contains_key("type") => return Found::Made("lead".into()),
        // What starts with `~` is the sandbox's own.
        other if other.starts_with('~') => return Found::Stored(None),
        other => other,
    }))
}
