//! How a field is filled.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How one field is filled, and what happens when what it speaks of is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Where the value comes from.
    #[serde(flatten)]
    pub source: Source,
    /// What happens when a path that it refers to is missing.
    #[serde(default, skip_serializing_if = "Missing::is_stop")]
    pub missing: Missing,
    /// What the values are called that a person chose from a list of the account, in the order of the source: a calendar's
    /// name beside its id. On an account where the value is not in the list, the name is looked up there instead. Empty
    /// for all else than a chosen [`Source::Value`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Exactly this.
    Value(Value),
    /// Text with `{{ }}`; the result is text.
    Text(String),
    /// One expression; the result keeps its type.
    Expr(String),
    /// A list, each item filled on its own; an item that is skipped is left out.
    List(Vec<Binding>),
    /// An object, each field filled on its own; a field that is skipped is left out.
    Object(BTreeMap<String, Binding>),
}

/// What happens when a path is missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The step fails and names the path.
    #[default]
    Stop,
    /// The field is left out.
    Skip,
    /// This stands in.
    Default(Value),
}

impl Missing {
    /// Whether it is `Stop`.
    pub fn is_stop(&self) -> bool {
        *self == Self::Stop
    }
}

/// The fields of a node, by input key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub BTreeMap<String, Binding>);

impl Binding {
    /// Exactly this value.
    pub fn value(value: impl Into<Value>) -> Self {
        Self::from(Source::Value(value.into()))
    }

    /// Text with `{{ }}`.
    pub fn text(text: impl Into<String>) -> Self {
        Self::from(Source::Text(text.into()))
    }

    /// One expression.
    pub fn expr(text: impl Into<String>) -> Self {
        Self::from(Source::Expr(text.into()))
    }

    fn find_named(&self, path: &mut Vec<String>, found: &mut Vec<Named>) {
        let mut within = |key: String, binding: &Self| {
            path.push(key);
            binding.find_named(path, found);
            path.pop();
        };
        match &self.source {
            Source::List(items) => items.iter().enumerate().for_each(|(at, it)| within(at.to_string(), it)),
            Source::Object(fields) => fields.iter().for_each(|(key, it)| within(key.clone(), it)),
            Source::Value(_) if !self.names.is_empty() => {
                found.push(Named { path: path.clone(), names: self.names.clone() });
            }
            Source::Value(_) | Source::Text(_) | Source::Expr(_) => {}
        }
    }

    /// With what the chosen values are called.
    #[must_use]
    pub fn named(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// With what happens when a path is missing.
    #[must_use]
    pub fn missing(mut self, missing: Missing) -> Self {
        self.missing = missing;
        self
    }
}

impl From<Source> for Binding {
    fn from(source: Source) -> Self {
        Self { source, missing: Missing::Stop, names: Vec::new() }
    }
}

/// A field whose values a person chose from a list of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Where it is in the mapping, its input first; items of lists by their number.
    pub path: Vec<String>,
    /// What the values are called, in their order.
    pub names: Vec<String>,
}

impl Mapping {
    /// The fields whose values a person chose from a list of the account.
    pub fn named(&self) -> Vec<Named> {
        let mut found = Vec::new();
        for (key, binding) in &self.0 {
            binding.find_named(&mut vec![key.clone()], &mut found);
        }
        found
    }

    /// Whether nothing is filled.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const N: usize> From<[(&str, Binding); N]> for Mapping {
    fn from(fields: [(&str, Binding); N]) -> Self {
        Self(fields.into_iter().map(|(key, binding)| (key.to_owned(), binding)).collect())
    }
}
