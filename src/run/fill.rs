//! Bindings made ready, and filled from what a run knows.
use serde_json::{Map, Value};

use crate::expr::{EvalError, Expr, ExprError, Scope, Text};
use crate::flow::{Binding, Mapping, Missing, Source};
use crate::record::bounds::Room;
use crate::record::{Failure, FailureKind};

/// A binding, parsed.
#[derive(Debug)]
pub(super) struct Fill {
    /// `input.email`.
    place: String,
    source: Parsed,
    missing: Missing,
}

/// A mapping, parsed.
#[derive(Debug)]
pub(super) struct Fills(Vec<(String, Fill)>);

#[derive(Debug)]
enum Parsed {
    Value(Value),
    Text(Text),
    Expr(Expr),
    List(Vec<Fill>),
    Object(Vec<(String, Fill)>),
}

impl Fill {
    pub(super) fn compile(node: &str, place: &str, binding: &Binding) -> Result<Self, Failure> {
        let broken = |error: ExprError| {
            Failure::new(FailureKind::Flow, format!("\"{node}\" has an expression with an error"))
                .detail(error.to_string())
                .at(place)
        };
        let source = match &binding.source {
            Source::Value(value) => Parsed::Value(value.clone()),
            Source::Text(text) => Parsed::Text(Text::parse(text).map_err(broken)?),
            Source::Expr(text) => Parsed::Expr(Expr::parse(text).map_err(broken)?),
            Source::List(items) => Parsed::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, it)| Self::compile(node, &format!("{place}.{at}"), it))
                    .collect::<Result<_, _>>()?,
            ),
            Source::Object(fields) => Parsed::Object(
                fields
                    .iter()
                    .map(|(key, it)| Ok((key.clone(), Self::compile(node, &format!("{place}.{key}"), it)?)))
                    .collect::<Result<_, Failure>>()?,
            ),
        };
        Ok(Self { place: place.to_owned(), source, missing: binding.missing.clone() })
    }

    /// The value, or none if the field is to be left out.
    ///
    /// # Errors
    /// A [`Failure`] of kind `Mapping` that names the place and the missing path.
    pub(super) fn value(&self, scope: &dyn Scope) -> Result<Option<Value>, Failure> {
        let result = match &self.source {
            Parsed::Value(value) => return Ok(Some(value.clone())),
            Parsed::Text(text) => text.eval(scope),
            Parsed::Expr(expr) => expr.eval(scope),
            Parsed::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                let mut room = Room::default();
                for item in items {
                    let value = item.value(scope)?;
                    list.extend(item.within(&mut room, value)?);
                }
                return Ok(Some(Value::Array(list)));
            }
            Parsed::Object(fields) => {
                return object(fields, scope).map(|it| Some(Value::Object(it)));
            }
        };
        match (result, &self.missing) {
            (Ok(value), _) => Ok(Some(value)),
            (Err(EvalError::Missing { .. }), Missing::Skip) => Ok(None),
            (Err(EvalError::Missing { .. }), Missing::Default(value)) => Ok(Some(value.clone())),
            (Err(error), _) => Err(self.failure(error)),
        }
    }

    /// The value, if it has room beside those before it.
    fn within(&self, room: &mut Room, value: Option<Value>) -> Result<Option<Value>, Failure> {
        let taken = value.as_ref().map_or(Ok(()), |it| room.take(it));
        taken.map(|()| value).map_err(|beyond| {
            Failure::new(FailureKind::Limit, format!("what is filled in is too much: {beyond}"))
                .at(self.place.clone())
                .hint("Pick the parts that are needed.")
        })
    }

    /// The value; null if the field is to be left out.
    pub(super) fn or_null(&self, scope: &dyn Scope) -> Result<Value, Failure> {
        Ok(self.value(scope)?.unwrap_or_default())
    }

    /// A failure at this binding's place.
    pub(super) fn wrong(&self, title: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Mapping, title).at(self.place.clone())
    }

    fn failure(&self, error: EvalError) -> Failure {
        match error {
            EvalError::Missing { path, .. } => self
                .wrong(format!("\"{path}\" is missing"))
                .hint("Choose what happens then: skip the field, use a default, or stop."),
            EvalError::Failed { message, hint, .. } => self.wrong(message).hint(hint),
            EvalError::Limit { message, .. } => Failure::new(FailureKind::Limit, message)
                .at(self.place.clone())
                .hint("Make the expression simpler, or split the data first."),
        }
    }
}

impl Fills {
    pub(super) fn compile(node: &str, place: &str, mapping: &Mapping) -> Result<Self, Failure> {
        let one = |(key, it): (&String, &Binding)| Ok((key.clone(), Fill::compile(node, &format!("{place}.{key}"), it)?));
        mapping.0.iter().map(one).collect::<Result<_, Failure>>().map(Self)
    }

    /// The object of all fields that are not left out.
    pub(super) fn object(&self, scope: &dyn Scope) -> Result<Map<String, Value>, Failure> {
        object(&self.0, scope)
    }
}

fn object(fields: &[(String, Fill)], scope: &dyn Scope) -> Result<Map<String, Value>, Failure> {
    let mut object = Map::new();
    let mut room = Room::default();
    for (key, fill) in fields {
        let value = fill.value(scope)?;
        if let Some(value) = fill.within(&mut room, value)? {
            object.insert(key.clone(), value);
        }
    }
    Ok(object)
}
