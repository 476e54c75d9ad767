//! Whether a value has a shape: type, required fields, allowed values.
//!
//! Invariant: time is bounded whatever the shape and the value; what is past the bound counts as fitting.
use std::fmt;

use serde_json::Value;

use super::{Connector, Kind, Schema};

/// What is found at most.
const FOUND: usize = 50;
/// Values that are looked at, at most; every variant of a `OneOf` looks at its own.
const STEPS: usize = 200_000;
/// References and variants within one another, at most.
const DEPTH: usize = 200;

/// How values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As JSON: a number is a number.
    Typed,
    /// As a query string or a form carries them: numbers and booleans may be text, and one value may stand for a list
    /// of one.
    Text,
}

/// A place where a value has not its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Dotted path to the value, list places as numbers: `customFields.0.id`. Empty for the whole.
    pub path: String,
    /// What is wrong, without the path: "is missing", "should be text, but is a number".
    pub message: String,
    /// In which way.
    pub kind: MismatchKind,
}

/// In which way a value has not its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MismatchKind {
    /// A required field is not there.
    Missing,
    /// It is of another type.
    Type,
    /// It is not one of the values allowed.
    Choice,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{} ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl Schema {
    /// Everything in a value that is not of this shape; empty if it fits. Fields that the shape does not name are
    /// not looked at, nor are formats.
    pub fn check(&self, value: &Value, connector: &Connector, reading: Reading) -> Vec<Mismatch> {
        let mut checker = Checker { connector, reading, left: STEPS, path: Vec::new(), found: Vec::new() };
        checker.check(self, value, 0);
        checker.found
    }
}

struct Checker<'a> {
    connector: &'a Connector,
    reading: Reading,
    left: usize,
    path: Vec<String>,
    found: Vec<Mismatch>,
}

impl Checker<'_> {
    fn check(&mut self, schema: &Schema, value: &Value, depth: usize) {
        if self.left == 0 || depth > DEPTH || self.found.len() >= FOUND {
            return;
        }
        self.left -= 1;
        if value.is_null() && (schema.nullable || schema.kind == Kind::Any) {
            return;
        }
        if let Kind::Ref { .. } = schema.kind {
            let connector = self.connector;
            self.check(connector.resolve(schema), value, depth + 1);
        } else if let Kind::OneOf { of } = &schema.kind {
            self.one_of(of, value, depth);
        } else if !self.is_of(&schema.kind, value) {
            let message = format!("should be {}, but is {}", wanted(&schema.kind), what(value));
            self.add(message, MismatchKind::Type);
            return;
        } else {
            self.within(&schema.kind, value, depth);
        }
        if !schema.choices.is_empty() && !schema.choices.iter().any(|it| self.same(it, value)) {
            let listed: Vec<String> = schema.choices.iter().take(12).map(plain).collect();
            let more = if schema.choices.len() > 12 { ", …" } else { "" };
            let given: String = plain(value).chars().take(80).collect();
            self.add(format!("should be one of {}{more}, but is {given}", listed.join(", ")), MismatchKind::Choice);
        }
    }

    /// The fields of an object, the items of a list.
    fn within(&mut self, kind: &Kind, value: &Value, depth: usize) {
        match (kind, value) {
            (Kind::Array { items }, Value::Array(list)) => {
                for (at, it) in list.iter().enumerate() {
                    self.at(at.to_string(), |checker| checker.check(items, it, depth + 1));
                }
            }
            (Kind::Array { items }, one) => self.check(items, one, depth + 1),
            (Kind::Object { fields, rest }, Value::Object(object)) => {
                for field in fields {
                    match object.get(&field.name) {
                        Some(it) => self.at(field.name.clone(), |checker| checker.check(&field.schema, it, depth + 1)),
                        None if field.required => {
                            self.at(field.name.clone(), |checker| checker.add("is missing".to_owned(), MismatchKind::Missing));
                        }
                        None => {}
                    }
                }
                let Some(rest) = rest.as_deref().filter(|it| it.kind != Kind::Any) else { return };
                for (name, it) in object.iter().filter(|(name, _)| !fields.iter().any(|it| it.name == **name)) {
                    self.at(name.clone(), |checker| checker.check(rest, it, depth + 1));
                }
            }
            _ => {}
        }
    }

    /// Fits if one variant fits; else what is wrong with the one that is nearest.
    fn one_of(&mut self, of: &[Schema], value: &Value, depth: usize) {
        let mut nearest: Option<Vec<Mismatch>> = None;
        for variant in of {
            let before = std::mem::take(&mut self.found);
            self.check(variant, value, depth + 1);
            let found = std::mem::replace(&mut self.found, before);
            if found.is_empty() {
                return;
            }
            if nearest.as_ref().is_none_or(|it| found.len() < it.len()) {
                nearest = Some(found);
            }
        }
        self.found.extend(nearest.unwrap_or_default());
    }

    fn is_of(&self, kind: &Kind, value: &Value) -> bool {
        let text = if self.reading == Reading::Text { value.as_str() } else { None };
        match kind {
            Kind::Any | Kind::Ref { .. } | Kind::OneOf { .. } => true,
            Kind::Boolean => value.is_boolean() || text.is_some_and(|it| it == "true" || it == "false"),
            Kind::Integer => {
                value.as_f64().is_some_and(|it| it.fract() == 0.0) || text.is_some_and(|it| it.parse::<i64>().is_ok())
            }
            Kind::Number => value.is_number() || text.is_some_and(|it| it.parse::<f64>().is_ok_and(f64::is_finite)),
            Kind::String { .. } => {
                value.is_string() || self.reading == Reading::Text && (value.is_number() || value.is_boolean())
            }
            Kind::Array { .. } => value.is_array() || self.reading == Reading::Text && !value.is_object(),
            Kind::Object { .. } => value.is_object(),
        }
    }

    fn same(&self, allowed: &Value, value: &Value) -> bool {
        allowed == value
            || allowed.as_f64().is_some_and(|it| value.as_f64() == Some(it))
            || self.reading == Reading::Text && !value.is_null() && plain(allowed) == plain(value)
    }

    fn at(&mut self, part: String, act: impl FnOnce(&mut Self)) {
        self.path.push(part);
        act(self);
        self.path.pop();
    }

    fn add(&mut self, message: String, kind: MismatchKind) {
        if self.found.len() < FOUND {
            self.found.push(Mismatch { path: self.path.join("."), message, kind });
        }
    }
}

fn wanted(kind: &Kind) -> &'static str {
    match kind {
        Kind::Boolean => "true or false",
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::String { .. } => "text",
        Kind::Array { .. } => "a list",
        Kind::Object { .. } => "an object",
        Kind::Any | Kind::Ref { .. } | Kind::OneOf { .. } => "a value",
    }
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Text without quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::{Catalog, ConnectorId};

    fn connector() -> Connector {
        let catalog = Catalog::shipped();
        (**catalog.connector(&ConnectorId::new("highlevel")).expect("it ships")).clone()
    }

    fn shape(json: Value) -> Schema {
        serde_json::from_value(json).expect("a schema")
    }

    fn found(schema: &Schema, value: &Value, reading: Reading) -> Vec<String> {
        schema.check(value, &connector(), reading).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_place_that_does_not_fit_is_named() {
        let task = shape(json!({"type": "object", "fields": [
            {"name": "title", "required": true, "type": "string"},
            {"name": "due", "required": true, "type": "string", "nullable": true},
            {"name": "state", "type": "string", "enum": ["open", "done"]},
            {"name": "tags", "type": "array", "items": {"type": "string"}},
            {"name": "count", "type": "integer"},
            {"name": "more", "type": "object", "rest": {"type": "number"}}
        ]}));
        let value = json!({"due": null, "state": "lost", "tags": ["a", 5], "count": 1.5, "more": {"x": "y"}, "unknown": 1});
        assert_eq!(
            found(&task, &value, Reading::Typed),
            [
                "title is missing",
                "state should be one of open, done, but is lost",
                "tags.1 should be text, but is a number",
                "count should be a whole number, but is a number",
                "more.x should be a number, but is text",
            ]
        );
        assert_eq!(found(&task, &json!([]), Reading::Typed), ["should be an object, but is a list"]);
        assert_eq!(found(&task, &json!({"title": "t", "due": "x", "count": 3.0}), Reading::Typed), Vec::<String>::new());
    }

    #[test]
    fn text_stands_for_numbers_booleans_and_lists_of_one_only_where_values_travel_as_text() {
        for (json, value) in [
            (json!({"type": "number"}), json!("1.5")),
            (json!({"type": "integer"}), json!("20")),
            (json!({"type": "boolean"}), json!("false")),
            (json!({"type": "string"}), json!(7)),
            (json!({"type": "array", "items": {"type": "number"}}), json!("7")),
            (json!({"type": "number", "enum": [0, 1]}), json!("1")),
        ] {
            let schema = shape(json);
            assert_eq!(found(&schema, &value, Reading::Text), Vec::<String>::new(), "{value}");
            assert_eq!(found(&schema, &value, Reading::Typed).len(), 1, "{value}");
        }
        assert_eq!(found(&shape(json!({"type": "number"})), &json!("NaN"), Reading::Text).len(), 1);
        assert_eq!(found(&shape(json!({"type": "boolean"})), &json!("yes"), Reading::Text).len(), 1);
    }

    #[test]
    fn one_of_several_shapes_is_enough_and_else_the_nearest_is_told() {
        let filter = shape(json!({"type": "ref", "ref": "contacts.SearchFilter"}));
        let fits = json!({"group": "OR", "filters": [{"field": "email", "operator": "eq", "value": "a@example.com"}]});
        assert_eq!(found(&filter, &fits, Reading::Typed), Vec::<String>::new());
        let wrong = json!({"group": "OR", "filters": [{"field": "email", "operator": "is"}]});
        assert_eq!(found(&filter, &wrong, Reading::Typed).len(), 1);
    }

    #[test]
    fn a_shape_made_of_itself_and_a_long_list_take_bounded_time() {
        let mut connector = connector();
        let own = shape(json!({"type": "one_of", "of": [{"type": "ref", "ref": "loop"}, {"type": "ref", "ref": "loop"}]}));
        connector.schemas.insert("loop".to_owned(), own.clone());
        assert_eq!(own.check(&json!(1), &connector, Reading::Typed), []);
        let list = shape(json!({"type": "array", "items": {"type": "string"}}));
        let long: Value = (0..100_000).map(Value::from).collect();
        assert_eq!(list.check(&long, &connector, Reading::Typed).len(), FOUND);
    }
}
