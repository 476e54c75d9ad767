//! Brings a mapped value to the type that an operation documents, where nothing is lost by it.
use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use crate::catalog::{Connector, Kind, Schema};

/// Deeper values pass as they are.
const DEEPEST: u32 = 64;

/// A value whose type is not the documented one, and cannot be brought to it without a loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// "a number".
    pub(super) expected: &'static str,
    /// "the text \"abc\"".
    pub(super) found: String,
}

/// The value in the documented type. Only the outermost type is demanded: inside of lists and objects vendors' documents
/// are wrong too often, so what does not fit there passes for the service to judge.
pub(super) fn coerce<'a>(connector: &Connector, schema: &Schema, value: &'a Value) -> Result<Cow<'a, Value>, Mismatch> {
    at_depth(connector, schema, value, 0)
}

fn at_depth<'a>(connector: &Connector, schema: &Schema, value: &'a Value, depth: u32) -> Result<Cow<'a, Value>, Mismatch> {
    if value.is_null() || depth > DEEPEST {
        return Ok(Cow::Borrowed(value));
    }
    let wrong = |expected| Err(Mismatch { expected, found: describe(value) });
    match (&connector.resolve(schema).kind, value) {
        (Kind::Any | Kind::Ref { .. }, _)
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Number, Value::Number(_))
        | (Kind::String { .. }, Value::String(_)) => Ok(Cow::Borrowed(value)),
        (Kind::Boolean, Value::String(text)) => match text.as_str() {
            "true" => Ok(Cow::Owned(Value::Bool(true))),
            "false" => Ok(Cow::Owned(Value::Bool(false))),
            _ => wrong("true or false"),
        },
        (Kind::Boolean, _) => wrong("true or false"),
        (Kind::Integer, Value::Number(number)) => match whole(number) {
            Whole::Written => Ok(Cow::Borrowed(value)),
            Whole::Meant(whole) => Ok(Cow::Owned(Value::from(whole))),
            Whole::Not => wrong("a whole number"),
        },
        (Kind::Integer, Value::String(text)) => match text.parse::<Number>().ok().filter(|it| whole(it) == Whole::Written) {
            Some(number) => Ok(Cow::Owned(Value::Number(number))),
            None => wrong("a whole number"),
        },
        (Kind::Integer, _) => wrong("a whole number"),
        (Kind::Number, Value::String(text)) => match text.parse::<Number>() {
            Ok(number) => Ok(Cow::Owned(Value::Number(number))),
            Err(_) => wrong("a number"),
        },
        (Kind::Number, _) => wrong("a number"),
        (Kind::String { format }, Value::Object(_)) if format == "binary" => Ok(Cow::Borrowed(value)),
        (Kind::String { .. }, Value::Number(number)) => Ok(Cow::Owned(Value::String(number.to_string()))),
        (Kind::String { .. }, Value::Bool(flag)) => Ok(Cow::Owned(Value::String(flag.to_string()))),
        (Kind::String { .. }, _) => wrong("text"),
        (Kind::Array { items }, Value::Array(list)) => {
            Ok(array(connector, items, list, depth).map_or(Cow::Borrowed(value), Cow::Owned))
        }
        (Kind::Array { .. }, _) => wrong("a list"),
        (Kind::Object { fields, rest }, Value::Object(map)) => {
            let schema_of = |name: &str| fields.iter().find(|it| it.name == name).map(|it| &it.schema).or(rest.as_deref());
            Ok(object(connector, schema_of, map, depth).map_or(Cow::Borrowed(value), Cow::Owned))
        }
        // An object without a single field is how careless documents say "anything".
        (Kind::Object { fields, rest: None }, _) if fields.is_empty() => Ok(Cow::Borrowed(value)),
        (Kind::Object { .. }, _) => wrong("an object"),
        (Kind::OneOf { of }, _) => {
            let mut converted = None;
            for schema in of {
                match at_depth(connector, schema, value, depth + 1) {
                    Ok(Cow::Borrowed(_)) => return Ok(Cow::Borrowed(value)),
                    Ok(owned) => converted = converted.or(Some(owned)),
                    Err(_) => {}
                }
            }
            match converted {
                Some(owned) => Ok(owned),
                None if of.is_empty() => Ok(Cow::Borrowed(value)),
                None => wrong("another type"),
            }
        }
    }
}

#[derive(PartialEq)]
enum Whole {
    Written,
    /// Such as 3.0.
    Meant(i64),
    Not,
}

fn whole(number: &Number) -> Whole {
    if number.is_i64() || number.is_u64() {
        return Whole::Written;
    }
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if float.fract() == 0.0 && float.abs() <= EXACT => Whole::Meant(float as i64),
        _ => Whole::Not,
    }
}

fn array(connector: &Connector, items: &Schema, list: &[Value], depth: u32) -> Option<Value> {
    let mut changed: Option<Vec<Value>> = None;
    for (at, item) in list.iter().enumerate() {
        if let Ok(Cow::Owned(item)) = at_depth(connector, items, item, depth + 1)
            && let Some(slot) = changed.get_or_insert_with(|| list.to_vec()).get_mut(at)
        {
            *slot = item;
        }
    }
    changed.map(Value::Array)
}

fn object<'s>(
    connector: &Connector,
    schema_of: impl Fn(&str) -> Option<&'s Schema>,
    map: &Map<String, Value>,
    depth: u32,
) -> Option<Value> {
    let mut changed: Option<Map<String, Value>> = None;
    for (name, value) in map {
        let Some(schema) = schema_of(name) else { continue };
        if let Ok(Cow::Owned(value)) = at_depth(connector, schema, value, depth + 1) {
            changed.get_or_insert_with(|| map.clone()).insert(name.clone(), value);
        }
    }
    changed.map(Value::Object)
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the text {:?}", text.chars().take(40).collect::<String>()),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::{ConnectorId, ErrorShape};

    fn connector() -> Connector {
        Connector {
            id: ConnectorId::new("x"),
            title: "X".into(),
            environments: Vec::new(),
            auth: Vec::new(),
            account: std::collections::BTreeMap::new(),
            rates: Vec::new(),
            limit_headers: None,
            guides: Vec::new(),
            probe: None,
            makers: Vec::new(),
            notices: None,
            breaker: None,
            errors: ErrorShape::default(),
            schemas: serde_json::from_value(json!({"tag": {"type": "string"}, "loop": {"type": "ref", "ref": "loop"}})).unwrap(),
            operations: crate::catalog::Operations::default(),
        }
    }

    fn coerced(schema: Value, value: &Value) -> Result<Value, Mismatch> {
        let schema: Schema = serde_json::from_value(schema).unwrap();
        coerce(&connector(), &schema, value).map(Cow::into_owned)
    }

    #[test]
    fn values_are_brought_to_the_documented_type_where_nothing_is_lost() {
        let one_of = json!({"type": "one_of", "of": [{"type": "integer"}, {"type": "boolean"}]});
        let list = json!({"type": "array", "items": {"type": "ref", "ref": "tag"}});
        let object = json!({"type": "object", "fields": [{"name": "n", "type": "integer"}], "rest": {"type": "string"}});
        for (schema, value, expected) in [
            (json!({"type": "any"}), json!([1]), Some(json!([1]))),
            (json!({"type": "ref", "ref": "loop"}), json!({"a": 1}), Some(json!({"a": 1}))),
            (json!({"type": "boolean"}), json!("true"), Some(json!(true))),
            (json!({"type": "boolean"}), json!("yes"), None),
            (json!({"type": "boolean"}), json!(1), None),
            (json!({"type": "integer"}), json!(7), Some(json!(7))),
            (json!({"type": "integer"}), json!(7.0), Some(json!(7))),
            (json!({"type": "integer"}), json!(7.5), None),
            (json!({"type": "integer"}), json!("42"), Some(json!(42))),
            (json!({"type": "integer"}), json!("18446744073709551615"), Some(json!(u64::MAX))),
            (json!({"type": "integer"}), json!("042"), None),
            (json!({"type": "integer"}), json!("4.0"), None),
            (json!({"type": "integer"}), json!(" 4"), None),
            (json!({"type": "integer"}), json!(true), None),
            (json!({"type": "number"}), json!("1.5"), Some(json!(1.5))),
            (json!({"type": "number"}), json!("1,5"), None),
            (json!({"type": "number"}), json!([]), None),
            (json!({"type": "string"}), json!(12), Some(json!("12"))),
            (json!({"type": "string"}), json!(false), Some(json!("false"))),
            (json!({"type": "string"}), json!(["a"]), None),
            (json!({"type": "string"}), json!({"a": 1}), None),
            (json!({"type": "string", "format": "binary"}), json!({"text": "a"}), Some(json!({"text": "a"}))),
            (list.clone(), json!([1, "a", [2]]), Some(json!(["1", "a", [2]]))),
            (list, json!("a"), None),
            (object.clone(), json!({"n": "3", "m": 4}), Some(json!({"n": 3, "m": "4"}))),
            (object.clone(), json!({"n": "many"}), Some(json!({"n": "many"}))),
            (object, json!("x"), None),
            (json!({"type": "object"}), json!("2026-01-01"), Some(json!("2026-01-01"))),
            (one_of.clone(), json!("3"), Some(json!(3))),
            (one_of.clone(), json!(true), Some(json!(true))),
            (one_of, json!("maybe"), None),
            (json!({"type": "integer"}), Value::Null, Some(Value::Null)),
        ] {
            assert_eq!(coerced(schema.clone(), &value).ok(), expected, "{value} as {schema}");
        }
    }

    #[test]
    fn what_already_fits_is_not_copied() {
        let schema: Schema = serde_json::from_value(json!({"type": "array", "items": {"type": "string"}})).unwrap();
        let value = json!(["a", "b"]);
        assert!(matches!(coerce(&connector(), &schema, &value), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn a_mismatch_says_what_was_expected_and_found() {
        let schema: Schema = serde_json::from_value(json!({"type": "integer"})).unwrap();
        let value = json!("abc");
        let mismatch = coerce(&connector(), &schema, &value).unwrap_err();
        assert_eq!(mismatch, Mismatch { expected: "a whole number", found: "the text \"abc\"".into() });
    }

    #[test]
    fn a_value_deeper_than_any_bound_passes() {
        let mut schema = Schema::default();
        let mut value = json!(1);
        for _ in 0..200 {
            schema = Schema { kind: Kind::Array { items: Box::new(schema) }, ..Schema::default() };
            value = Value::Array(vec![value]);
        }
        assert!(matches!(coerce(&connector(), &schema, &value), Ok(Cow::Borrowed(_))));
    }
}
