//! What a filter, function or test is given.
use std::borrow::Cow;
use std::cell::Cell;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::expr::error::Fault;
use crate::expr::value::{kind_of, to_text};
use crate::expr::zone::parse_zone;

/// What it gives: a value, nothing, or what is wrong.
pub(in crate::expr) type Out<'a> = Result<Option<Cow<'a, Value>>, Fault>;

/// Who counts the work.
#[derive(Clone, Copy)]
pub(in crate::expr) enum Fuel<'a> {
    Machine(&'a dyn Fn(u64) -> bool),
    Own(&'a Cell<u64>),
}

impl std::fmt::Debug for Fuel<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fuel")
    }
}

impl Fuel<'_> {
    /// Fails once the work is more than is allowed.
    pub(in crate::expr) fn charge(self, units: u64) -> Result<(), Fault> {
        let enough = match self {
            Self::Machine(charge) => charge(units),
            Self::Own(left) => {
                let rest = left.get().checked_sub(units);
                left.set(rest.unwrap_or(0));
                rest.is_some()
            }
        };
        if enough { Ok(()) } else { Err(Fault::too_much_work()) }
    }
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub(in crate::expr) struct Call<'a> {
    pub(in crate::expr) now: Timestamp,
    pub(in crate::expr) zone: &'a TimeZone,
    pub(in crate::expr) fuel: Fuel<'a>,
    /// What stands before the filter; none if it is missing, or for a function.
    pub(in crate::expr) input: Option<&'a Value>,
    /// None where it is missing or left out.
    pub(in crate::expr) arguments: &'a [Option<&'a Value>],
}

#[expect(clippy::unnecessary_wraps, reason = "what every row of the tables gives")]
pub(super) fn text_out<'a>(text: impl Into<String>) -> Out<'a> {
    Ok(Some(Cow::Owned(Value::String(text.into()))))
}

#[expect(clippy::unnecessary_wraps, reason = "what every row of the tables gives")]
pub(super) fn out<'a>(value: impl Into<Value>) -> Out<'a> {
    Ok(Some(Cow::Owned(value.into())))
}

#[expect(clippy::unnecessary_wraps, reason = "what every row of the tables gives")]
pub(super) fn same(value: &Value) -> Out<'_> {
    Ok(Some(Cow::Borrowed(value)))
}

impl<'a> Call<'a> {
    pub(in crate::expr) fn charge(&self, units: u64) -> Result<(), Fault> {
        self.fuel.charge(units)
    }

    /// The input. `Definition::call` sees to it that filters which do not catch have one.
    pub(super) fn value(&self) -> &'a Value {
        self.input.unwrap_or(&Value::Null)
    }

    /// The input as text: text as it is, numbers and yes/no as they are written.
    pub(super) fn text(&self) -> Result<Cow<'a, str>, Fault> {
        as_text(self.value(), "this")
    }

    /// The input as a list.
    pub(super) fn list(&self) -> Result<&'a [Value], Fault> {
        match self.value() {
            Value::Array(list) => Ok(list),
            other => Err(Fault::failed(format!("a list is needed here, and this is {}", kind_of(other)))),
        }
    }

    /// An argument that was given; `null` counts as left out.
    pub(super) fn argument(&self, at: usize) -> Option<&'a Value> {
        self.arguments.get(at).copied().flatten().filter(|it| !it.is_null())
    }

    pub(super) fn argument_text(&self, at: usize, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        self.argument(at).map(|it| as_text(it, name)).transpose()
    }

    pub(super) fn argument_int(&self, at: usize, name: &str) -> Result<Option<i64>, Fault> {
        let Some(value) = self.argument(at) else { return Ok(None) };
        let whole =
            value.as_i64().or_else(|| value.as_f64().filter(|it| it.fract() == 0.0 && it.abs() < 1e15).map(|it| it as i64));
        whole.map(Some).ok_or_else(|| Fault::failed(format!("`{name}` is a whole number, and this is {}", described(value))))
    }

    /// The zone named by an argument.
    pub(super) fn argument_zone(&self, at: usize) -> Result<Option<TimeZone>, Fault> {
        let Some(name) = self.argument_text(at, "zone")? else { return Ok(None) };
        parse_zone(&name).map(Some).map_err(|error| Fault::hinted(error.message, error.hint))
    }
}

/// A value as text, or why it is none.
pub(super) fn as_text<'a>(value: &'a Value, what: &str) -> Result<Cow<'a, str>, Fault> {
    match value {
        Value::String(text) => Ok(Cow::Borrowed(text)),
        Value::Number(_) | Value::Bool(_) => Ok(to_text(value)),
        Value::Null => {
            Err(Fault::hinted(format!("text is needed here, and {what} is empty (null)"), "put `default('…')` before it"))
        }
        Value::Array(_) | Value::Object(_) => {
            Err(Fault::failed(format!("text is needed here, and {what} is {}", kind_of(value))))
        }
    }
}

/// A value in a message: short ones as they are, others by their kind.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() <= 40 => format!("'{text}'"),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        other => kind_of(other).to_owned(),
    }
}

/// What values weigh, in units of work.
pub(in crate::expr) mod weight {
    use serde_json::Value;

    /// Without what lies within.
    pub(in crate::expr) fn shallow(value: &Value) -> u64 {
        match value {
            Value::String(text) => text.len() as u64 / 64,
            Value::Array(list) => list.len() as u64 / 8,
            Value::Object(map) => map.len() as u64 / 8,
            _ => 0,
        }
    }

    /// With everything within.
    pub(in crate::expr) fn deep(value: &Value) -> u64 {
        bytes(value) / 64
    }

    /// About how many bytes it takes.
    pub(in crate::expr) fn bytes(value: &Value) -> u64 {
        16 + match value {
            Value::String(text) => text.len() as u64,
            Value::Array(list) => list.iter().map(bytes).sum(),
            Value::Object(map) => map.iter().map(|(key, value)| 32 + key.len() as u64 + bytes(value)).sum(),
            _ => 0,
        }
    }
}
