//! The machine: one `minijinja` environment for all expressions, and what it is given for one evaluation.
use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::value::{Object, Rest};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior};
use serde_json::Value;

use super::emit::Emitted;
use super::error::{EvalError, Fault};
use super::function::{self, Call, Definition, Fuel, Kind};
use super::node::{Absence, Tables};
use super::reference::{Segment, walk, write_segment, written};
use super::value::{borrowed, into_machine, kind_of, machine_step, to_machine, to_text};
use super::{FUEL, MAX_OUTPUT};

type Machine = minijinja::Value;

/// The environment that every expression is compiled in. Nothing is in it but our own filters, functions and tests.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_debug(false);
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(|out, _state, value| {
        let json = borrowed(value).map_err(carry)?.ok_or_else(|| Error::from(ErrorKind::UndefinedError))?;
        out.write_str(&to_text(&json)).map_err(Error::from)
    });
    for definition in function::all() {
        let name = definition.name();
        let run = move |state: &mut State<'_, '_>, values: Rest<Machine>| run(definition, state, &values);
        match definition.help.kind {
            Kind::Filter => environment.add_filter(name, run),
            Kind::Test => environment.add_test(name, move |state: &mut State<'_, '_>, values: Rest<Machine>| {
                run(state, values).map(|it| it.is_true())
            }),
            Kind::Function => environment.add_function(format!("__f_{name}"), run),
        }
    }
    environment.add_function("__at", |given: &Machine, chain: usize, value: Machine, steps: Rest<Machine>| {
        at(given, chain, value, &steps)
    });
    environment.add_function("__need", need);
    environment.add_function("__text", |values: Rest<Machine>| joined(&values));
    environment.add_function("__order", |sign: &str, left: Machine, right: Machine| order(sign, &left, &right));
    environment
});

/// What one evaluation is given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) tables: Arc<Tables>,
    /// In the order of the tables' roots.
    pub(super) roots: Vec<Option<Arc<Value>>>,
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
}

impl Given {
    fn slot(&self, number: usize) -> Option<Machine> {
        let slot = self.tables.slots.get(number)?;
        let root = self.roots.get(slot.root)?.as_ref();
        let found = root.and_then(|root| Some((root, walk(root, &slot.steps)?)));
        match (found, slot.absence) {
            (Some((root, value)), _) => Some(to_machine(root, &slot.steps, value)),
            (None, Absence::Passes) => Some(Machine::UNDEFINED),
            (None, Absence::Null) => Some(Machine::from(())),
            (None, Absence::Stops) => {
                let reference = self.tables.references.get(slot.reference)?;
                let path = written(&reference.path);
                Some(Machine::from(carry(Fault::Missing { path, span: Some(slot.span.clone()) })))
            }
        }
    }
}

impl Object for Given {
    fn get_value(self: &Arc<Self>, key: &Machine) -> Option<Machine> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Machine> {
        if key == "__x" {
            return Some(Machine::from_dyn_object(Arc::clone(self)));
        }
        if let Some(number) = key.strip_prefix("__p") {
            return self.slot(number.parse().ok()?);
        }
        let number: usize = key.strip_prefix("__c")?.parse().ok()?;
        self.tables.constants.get(number).cloned()
    }
}

/// A fault as an error of the machine; `fault` takes it out again.
fn carry(fault: Fault) -> Error {
    let kind = match fault {
        Fault::Missing { .. } => ErrorKind::UndefinedError,
        Fault::Failed { .. } => ErrorKind::InvalidOperation,
        Fault::Limit(_) => ErrorKind::OutOfFuel,
    };
    Error::from(kind).with_source(fault)
}

fn run(definition: &Definition, state: &mut State<'_, '_>, values: &[Machine]) -> Result<Machine, Error> {
    let given = state.lookup("__x");
    let Some(given) = given.as_ref().and_then(|it| it.downcast_object_ref::<Given>()) else {
        return Err(carry(Fault::failed("the data went away")));
    };
    let mut read = Vec::with_capacity(values.len());
    for value in values {
        read.push(borrowed(value).map_err(carry)?);
    }
    let arguments: Vec<Option<&Value>> = read.iter().map(Option::as_deref).collect();
    let (input, arguments) = match (definition.help.kind, arguments.split_first()) {
        (Kind::Filter | Kind::Test, Some((input, rest))) => (*input, rest),
        _ => (None, arguments.as_slice()),
    };
    let charge = |units: u64| state.consume_fuel(units).is_ok();
    let call = Call { now: given.now, zone: &given.zone, fuel: Fuel::Machine(&charge), input, arguments };
    let made = match definition.call(&call).map_err(carry)? {
        None => Made::Nothing,
        Some(Cow::Owned(value)) => Made::New(value),
        Some(Cow::Borrowed(value)) => {
            // What was only handed on stays what it was.
            if let Some(at) = arguments_position(&read, value) {
                Made::Same(at)
            } else {
                call.charge(function::weight::deep(value)).map_err(carry)?;
                Made::New(value.clone())
            }
        }
    };
    Ok(match made {
        Made::Nothing => Machine::UNDEFINED,
        Made::New(value) => into_machine(value),
        Made::Same(at) => values.get(at).cloned().unwrap_or_default(),
    })
}

enum Made {
    Nothing,
    New(Value),
    Same(usize),
}

fn arguments_position(read: &[Option<Cow<'_, Value>>], value: &Value) -> Option<usize> {
    read.iter().position(|it| it.as_deref().is_some_and(|it| std::ptr::eq(it, value)))
}

/// `__at(given, chain, base, step…)`: steps that are known only now.
fn at(given: &Machine, chain: usize, value: Machine, steps: &[Machine]) -> Result<Machine, Error> {
    let chain = given.downcast_object_ref::<Given>().and_then(|it| it.tables.chains.get(chain));
    let Some(chain) = chain else { return Err(carry(Fault::failed("the data went away"))) };
    let mut value = value;
    for key in steps {
        let next = if key.is_undefined() { None } else { machine_step(&value, key) };
        let Some(next) = next else {
            return match chain.absence {
                Absence::Passes => Ok(Machine::UNDEFINED),
                Absence::Null => Ok(Machine::from(())),
                Absence::Stops => {
                    if matches!(borrowed(key), Ok(Some(key)) if !key.is_string() && !key.is_number()) {
                        let what = borrowed(key).ok().flatten().map_or("nothing", |it| kind_of(&it));
                        return Err(carry(Fault::hinted(
                            format!("an index is a whole number or a name, and this is {what}"),
                            "convert it with `| string` or `| int`",
                        )));
                    }
                    let mut path = chain.name.clone();
                    for key in steps {
                        let segment = match key.as_str() {
                            Some(key) => Segment::Key(key.to_owned()),
                            None => key.as_i64().map_or(Segment::Dynamic, Segment::Index),
                        };
                        write_segment(&mut path, &segment, false);
                    }
                    Err(carry(Fault::Missing { path, span: Some(chain.span.clone()) }))
                }
            };
        };
        value = next;
    }
    Ok(value)
}

/// `__need(given, chain, value)`: a call that found nothing, where nothing takes care of it.
fn need(given: &Machine, chain: usize, value: Machine) -> Result<Machine, Error> {
    if !value.is_undefined() {
        return Ok(value);
    }
    let chain = given.downcast_object_ref::<Given>().and_then(|it| it.tables.chains.get(chain));
    let (path, span) = chain.map_or_else(|| (String::new(), None), |it| (it.name.clone(), Some(it.span.clone())));
    Err(carry(Fault::Missing { path, span }))
}

/// `~`: every value as text.
fn joined(values: &[Machine]) -> Result<Machine, Error> {
    let mut text = String::new();
    for value in values {
        let json = borrowed(value).map_err(carry)?.ok_or_else(|| Error::from(ErrorKind::UndefinedError))?;
        let part = to_text(&json);
        if text.len() + part.len() > MAX_OUTPUT {
            return Err(carry(Fault::too_large()));
        }
        text.push_str(&part);
    }
    Ok(Machine::from(text))
}

/// `<` and its kind: numbers with numbers, text with text.
fn order(sign: &str, left: &Machine, right: &Machine) -> Result<bool, Error> {
    let (left, right) = (borrowed(left).map_err(carry)?, borrowed(right).map_err(carry)?);
    let (Some(left), Some(right)) = (left, right) else { return Err(Error::from(ErrorKind::UndefinedError)) };
    let ordering = function::compare(&left, &right).ok_or_else(|| {
        carry(Fault::hinted(
            format!("`{sign}` cannot compare {} with {}", kind_of(&left), kind_of(&right)),
            "make both numbers with `| number`, or both text with `| string`",
        ))
    })?;
    Ok(match sign {
        "<" => ordering == Ordering::Less,
        "<=" => ordering != Ordering::Greater,
        ">" => ordering == Ordering::Greater,
        _ => ordering != Ordering::Less,
    })
}

/// What an error of the machine says, in our words.
pub(super) fn fault(error: &Error) -> Fault {
    let mut source = std::error::Error::source(error);
    while let Some(it) = source {
        if let Some(fault) = it.downcast_ref::<Fault>() {
            return fault.clone();
        }
        source = it.source();
    }
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => Fault::too_much_work(),
        ErrorKind::WriteFailure => Fault::too_large(),
        ErrorKind::UndefinedError => Fault::Missing { path: String::new(), span: None },
        _ if detail.contains("too large") => Fault::too_large(),
        _ => in_our_words(detail),
    }
}

fn in_our_words(detail: &str) -> Fault {
    let kind = |name: &str| match name {
        "none" => "null",
        "bool" => "yes or no",
        "number" => "a number",
        "string" => "text",
        "sequence" | "iterator" => "a list",
        "map" => "an object",
        _ => "something else",
    };
    if let Some(rest) = detail.strip_prefix("tried to use ")
        && let Some((sign, kinds)) = rest.split_once(" operator on unsupported types ")
        && let Some((left, right)) = kinds.split_once(" and ")
    {
        let hint = match sign {
            "+" if left == "string" || right == "string" => "join text with `~`",
            _ if left == "none" || right == "none" => "put `| default(0)` after the value that may be null",
            _ => "convert with `| number` first",
        };
        return Fault::hinted(format!("`{sign}` does not go with {} and {}", kind(left), kind(right)), hint);
    }
    if let Some(sum) = detail.strip_prefix("unable to calculate ") {
        return Fault::failed(format!("`{sum}` cannot be calculated"));
    }
    if detail.contains("not iterable") {
        return Fault::hinted("a list is needed here", "an object's fields are listed by `| items`");
    }
    if detail.contains("cannot perform a containment check") {
        return Fault::failed("`in` looks into text, a list or an object");
    }
    if detail.is_empty() { Fault::failed("this cannot be calculated") } else { Fault::failed(detail.to_owned()) }
}

/// An error of the machine with its place in our source.
pub(super) fn placed(error: &Error, places: &[(Range<usize>, Range<usize>)], source: &str) -> EvalError {
    let place = error.range().and_then(|it| Emitted::place(places, &it)).unwrap_or(0..source.len());
    match fault(error) {
        Fault::Missing { path, span } => {
            let span = span.unwrap_or(place);
            let path = if path.is_empty() { source.get(span.clone()).unwrap_or_default() } else { &path };
            EvalError::missing(path, span)
        }
        other => other.at(place),
    }
}
