//! Holds a request against the inputs that the catalogue names, in the words of the vendor's validator.
use serde_json::Value;

use super::call::Call;
use super::route::Target;
use crate::catalog::{Connector, Kind, Place, Reading, Schema};

/// Objects and lists within each other that are looked into.
const DEPTH: usize = 16;
/// Problems that are listed.
const MOST: usize = 50;

/// What is wrong with a call, one line each; empty if nothing is.
pub(crate) fn problems(target: &Target, call: &Call) -> Vec<String> {
    let connector = &*target.connector;
    let mut found = Vec::new();
    for input in &target.operation.inputs {
        match input.place {
            Place::Header => {}
            Place::Path => as_text(connector, &input.name, &input.schema, call.path(&input.name), &mut found),
            Place::Query => {
                let mut values = call.query_all(&input.name).filter(|it| !it.is_empty()).peekable();
                if values.peek().is_none() && input.required {
                    found.push(format!("{} should not be empty", input.name));
                }
                values.for_each(|value| as_text(connector, &input.name, &input.schema, value, &mut found));
            }
            Place::Body if input.name.is_empty() => value(connector, "body", &input.schema, &call.body, DEPTH, &mut found),
            Place::Body => match call.body.get(&input.name) {
                None | Some(Value::Null) if input.required && !nullable(connector, &input.schema, call, &input.name) => {
                    found.push(missing(connector, &input.name, &input.schema));
                }
                None | Some(Value::Null) => {}
                Some(it) => value(connector, &input.name, &input.schema, it, DEPTH, &mut found),
            },
        }
        if found.len() >= MOST {
            break;
        }
    }
    found.truncate(MOST);
    found
}

/// Fields of the body that the catalogue does not name.
pub(crate) fn strangers(target: &Target, call: &Call) -> Vec<String> {
    let mut named = target.operation.inputs.iter().filter(|it| it.place == Place::Body).peekable();
    if named.peek().is_none() || named.clone().any(|it| it.name.is_empty()) {
        return Vec::new();
    }
    let known: Vec<&str> = named.map(|it| it.name.as_str()).collect();
    let stranger =
        |(key, _): (&String, &Value)| (!known.contains(&key.as_str())).then(|| format!("property {key} should not exist"));
    call.fields().filter_map(stranger).take(MOST).collect()
}

/// `null` was sent, and `null` is allowed.
fn nullable(connector: &Connector, schema: &Schema, call: &Call, name: &str) -> bool {
    call.body.get(name).is_some_and(Value::is_null) && (schema.nullable || connector.resolve(schema).nullable)
}

fn missing(connector: &Connector, name: &str, schema: &Schema) -> String {
    match connector.resolve(schema).kind {
        Kind::Any | Kind::OneOf { .. } | Kind::Ref { .. } => format!("{name} should not be empty"),
        _ => wrong(connector, name, schema),
    }
}

/// Checks a value that travels as text: in the path or in the query.
fn as_text(connector: &Connector, name: &str, schema: &Schema, text: &str, found: &mut Vec<String>) {
    let schema = connector.resolve(schema);
    let fits = match &schema.kind {
        Kind::Boolean => matches!(text, "true" | "false"),
        Kind::Integer => text.parse::<i64>().is_ok(),
        Kind::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
        Kind::Array { items } => return text.split(',').for_each(|it| as_text(connector, name, items, it, found)),
        _ => true,
    };
    if !fits {
        found.push(wrong(connector, name, schema));
    } else if !allowed(schema, |it| plain(it) == text) {
        found.push(choices(name, schema));
    }
}

fn value(connector: &Connector, name: &str, schema: &Schema, it: &Value, depth: usize, found: &mut Vec<String>) {
    let outer = schema.nullable;
    let schema = connector.resolve(schema);
    if depth == 0 || found.len() >= MOST || (it.is_null() && (outer || schema.nullable)) {
        return;
    }
    match (&schema.kind, it) {
        (Kind::Any | Kind::Ref { .. }, _)
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Number, Value::Number(_))
        | (Kind::String { .. }, Value::String(_)) => {}
        (Kind::Integer, Value::Number(number)) if number.as_f64().is_some_and(|it| it.fract() == 0.0) => {}
        (Kind::Array { items }, Value::Array(list)) => {
            for (at, item) in list.iter().enumerate() {
                if found.len() >= MOST {
                    return;
                }
                value(connector, &format!("{name}.{at}"), items, item, depth - 1, found);
            }
        }
        (Kind::Object { fields, rest }, Value::Object(object)) => {
            for field in fields {
                let inner = format!("{name}.{}", field.name);
                match object.get(&field.name) {
                    None | Some(Value::Null) if field.required => found.push(missing(connector, &inner, &field.schema)),
                    None | Some(Value::Null) => {}
                    Some(it) => value(connector, &inner, &field.schema, it, depth - 1, found),
                }
            }
            if let Some(rest) = rest {
                let named = |key: &str| fields.iter().any(|it| it.name == key);
                for (key, it) in object.iter().filter(|(key, _)| !named(key)) {
                    value(connector, &format!("{name}.{key}"), rest, it, depth - 1, found);
                }
            }
        }
        // Trying every variant in every variant could take for ever; the catalogue's own check counts its steps.
        (Kind::OneOf { of }, _) => {
            if !of.is_empty() && !schema.check(it, connector, Reading::Typed).is_empty() {
                found.push(format!("{name} has none of the shapes that are allowed"));
            }
        }
        _ => return found.push(wrong(connector, name, schema)),
    }
    if !allowed(schema, |choice| choice == it) {
        found.push(choices(name, schema));
    }
}

fn allowed(schema: &Schema, is: impl Fn(&Value) -> bool) -> bool {
    schema.choices.is_empty() || schema.choices.iter().any(is)
}

/// A choice as it is written in the path or the query.
fn plain(choice: &Value) -> String {
    choice.as_str().map_or_else(|| choice.to_string(), str::to_owned)
}

fn choices(name: &str, schema: &Schema) -> String {
    let list: Vec<_> = schema.choices.iter().map(plain).collect();
    format!("{name} must be one of the following values: {}", list.join(", "))
}

fn wrong(connector: &Connector, name: &str, schema: &Schema) -> String {
    let kind = match connector.resolve(schema).kind {
        Kind::Boolean => "a boolean value",
        Kind::Integer => "an integer number",
        Kind::Number => "a number conforming to the specified constraints",
        Kind::String { .. } => "a string",
        Kind::Array { .. } => "an array",
        Kind::Object { .. } => "an object",
        Kind::Any | Kind::OneOf { .. } | Kind::Ref { .. } => return format!("{name} should not be empty"),
    };
    format!("{name} must be {kind}")
}
