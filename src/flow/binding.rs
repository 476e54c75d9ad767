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
        Self { source: Source::Value(value.into()), missing: Missing::Stop }
    }

    /// Text with `{{ }}`.
    pub fn text(text: impl Into<String>) -> Self {
        Self { source: Source::Text(text.into()), missing: Missing::Stop }
    }

    /// One expression.
    pub fn expr(text: impl Into<String>) -> Self {
        Self { source: Source::Expr(text.into()), missing: Missing::Stop }
    }

    /// With what happens when a path is missing.
    #[must_use]
    pub fn missing(mut self, missing: Missing) -> Self {
        self.missing = missing;
        self
    }
}

impl Mapping {
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
