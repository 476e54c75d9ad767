//! Values that are known before a run, held against the shape that a service expects.
use std::borrow::Cow;

use serde_json::Value;

use super::Severity;
use crate::catalog::{Connector, Field, Kind, MismatchKind, Reading, Schema};
use crate::flow::nearest::nearest;
use crate::flow::{Binding, Source};

/// What is known of a binding's value before a run.
pub(super) enum Literal<'a> {
    /// All of it.
    Value(Cow<'a, Value>),
    /// That it is text.
    Text,
    /// Nothing.
    Open,
}

pub(super) fn literal(binding: &Binding) -> Literal<'_> {
    match &binding.source {
        Source::Value(value) => Literal::Value(Cow::Borrowed(value)),
        // The marks of a template; without any of them text is what it says.
        Source::Text(text) if ["{{", "{%", "{#"].iter().any(|it| text.contains(it)) => Literal::Text,
        Source::Text(text) => Literal::Value(Cow::Owned(Value::String(text.clone()))),
        Source::Expr(_) | Source::List(_) | Source::Object(_) => Literal::Open,
    }
}

/// What does not fit, at which place.
pub(super) struct Misfit {
    pub(super) severity: Severity,
    pub(super) code: &'static str,
    pub(super) place: String,
    pub(super) message: String,
    pub(super) hint: String,
}

/// Holds bindings against shapes.
pub(super) struct Fitting<'a> {
    pub(super) connector: &'a Connector,
    /// How the service reads what it is sent.
    pub(super) reading: Reading,
    pub(super) found: Vec<Misfit>,
}

impl Fitting<'_> {
    pub(super) fn binding(&mut self, place: &str, binding: &Binding, schema: &Schema) {
        let shape = self.connector.resolve(schema);
        match (&binding.source, &shape.kind) {
            (Source::List(items), Kind::Array { items: each }) => {
                for (at, item) in items.iter().enumerate() {
                    self.binding(&format!("{place}.{at}"), item, each);
                }
            }
            (Source::Object(entries), Kind::Object { fields, rest }) => {
                for (key, entry) in entries {
                    match fields.iter().find(|it| it.name == *key) {
                        Some(field) => self.binding(&format!("{place}.{key}"), entry, &field.schema),
                        None => self.other_field(place, key, fields, rest.as_deref()),
                    }
                }
                for field in fields.iter().filter(|it| it.required && !entries.contains_key(&it.name)) {
                    self.required(format!("{place}.{}", field.name));
                }
            }
            (Source::List(_) | Source::Object(_), Kind::Any | Kind::OneOf { .. } | Kind::Ref { .. }) => {}
            (Source::List(_), kind) => self.wrong_type(place, kind, "a list"),
            (Source::Object(_), kind) => self.wrong_type(place, kind, "an object"),
            _ => match literal(binding) {
                Literal::Value(value) => self.value(place, &value, schema),
                Literal::Text => self.text(place, &shape.kind),
                Literal::Open => {}
            },
        }
    }

    fn value(&mut self, place: &str, value: &Value, schema: &Schema) {
        for mismatch in schema.check(value, self.connector, self.reading) {
            let place = if mismatch.path.is_empty() { place.to_owned() } else { format!("{place}.{}", mismatch.path) };
            match mismatch.kind {
                MismatchKind::Missing => self.required(place),
                MismatchKind::Type => {
                    let hint = "Change the value, or leave the field out.";
                    self.add(Severity::Error, "type", place, format!("this {}", mismatch.message), hint);
                }
                MismatchKind::Choice => {
                    let hint = "Choose one of the values that the service takes.";
                    self.add(Severity::Error, "choice", place, format!("this {}", mismatch.message), hint);
                }
            }
        }
        self.unnamed(place, value, schema, 0);
    }

    /// Fields within a value that the shape does not name.
    fn unnamed(&mut self, place: &str, value: &Value, schema: &Schema, depth: usize) {
        // Shapes can hold themselves; a bound costs nothing.
        if depth > 32 {
            return;
        }
        match (&self.connector.resolve(schema).kind, value) {
            (Kind::Array { items: each }, Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    self.unnamed(&format!("{place}.{at}"), item, each, depth + 1);
                }
            }
            (Kind::Object { fields, rest }, Value::Object(entries)) => {
                for (key, entry) in entries {
                    match fields.iter().find(|it| it.name == *key) {
                        Some(field) => self.unnamed(&format!("{place}.{key}"), entry, &field.schema, depth + 1),
                        None => self.other_field(place, key, fields, rest.as_deref()),
                    }
                }
            }
            _ => {}
        }
    }

    /// Text with something filled in: its type is known, its value is not.
    fn text(&mut self, place: &str, kind: &Kind) {
        let typed = matches!(kind, Kind::Boolean | Kind::Integer | Kind::Number | Kind::Array { .. } | Kind::Object { .. });
        if self.reading == Reading::Typed && typed {
            let message = format!("this gives text, and the service expects {}", noun(kind));
            let hint = "Use an expression in place of text: it keeps the type.";
            self.add(Severity::Warning, "text_type", place.to_owned(), message, hint);
        }
    }

    fn wrong_type(&mut self, place: &str, kind: &Kind, found: &str) {
        let message = format!("this should be {}, but is {found}", noun(kind));
        self.add(Severity::Error, "type", place.to_owned(), message, "Change the value, or leave the field out.");
    }

    fn other_field(&mut self, place: &str, key: &str, fields: &[Field], rest: Option<&Schema>) {
        if rest.is_some() || fields.is_empty() {
            return;
        }
        let meant = nearest(key, fields.iter().map(|it| it.name.as_str()));
        let hint = meant.map_or_else(|| "The service may ignore it.".to_owned(), |it| format!("Did you mean \"{it}\"?"));
        let message = format!("the service names no field \"{key}\" here");
        self.add(Severity::Warning, "unknown_field", format!("{place}.{key}"), message, &hint);
    }

    /// Vendors call fields within a value required more often than they refuse a value without them.
    fn required(&mut self, place: String) {
        self.add(
            Severity::Warning,
            "required",
            place,
            "the service asks for this, and it is not there".to_owned(),
            "Fill it in.",
        );
    }

    fn add(&mut self, severity: Severity, code: &'static str, place: String, message: String, hint: &str) {
        self.found.push(Misfit { severity, code, place, message, hint: hint.to_owned() });
    }
}

fn noun(kind: &Kind) -> &'static str {
    match kind {
        Kind::Any | Kind::OneOf { .. } | Kind::Ref { .. } => "a value",
        Kind::Boolean => "true or false",
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::String { .. } => "text",
        Kind::Array { .. } => "a list",
        Kind::Object { .. } => "an object",
    }
}
