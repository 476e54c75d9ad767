//! The shape of a value: as much of JSON Schema as forms, checks and the sandbox need.
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod flat;
mod outline;

/// The shape of a value, with what a person reads about it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "flat::Flat")]
pub struct Schema {
    /// The type.
    #[serde(flatten)]
    pub kind: Kind,
    /// Help in our own words; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// The only values allowed; empty means any.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Value>,
    /// What the service assumes when nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// A believable value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// Whether `null` is allowed beside the type.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
}

/// The type of a value. Closed: what an importer cannot name becomes [`Kind::Any`].
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// Any JSON value.
    #[default]
    Any,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Text; `format` as in OpenAPI (`date-time`, `date`, `email`, `uri`, `binary`, …), empty if none.
    String {
        /// The format, empty if none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        format: String,
    },
    /// A list.
    Array {
        /// The shape of each item.
        items: Box<Schema>,
    },
    /// An object.
    Object {
        /// The fields that are named, in the vendor's order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<Field>,
        /// The shape of fields that are not named; none means that none are expected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rest: Option<Box<Schema>>,
    },
    /// One of several shapes.
    OneOf {
        /// The shapes.
        of: Vec<Schema>,
    },
    /// A shape that the connector names: a key of `Connector::schemas`.
    Ref {
        /// The key; written as `ref`, since a field that holds one has a `name` of its own.
        #[serde(rename = "ref")]
        name: String,
    },
}

/// A named field of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "flat::Flat")]
pub struct Field {
    /// Its key in the JSON object.
    pub name: String,
    /// Whether the service demands it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// Its shape.
    #[serde(flatten)]
    pub schema: Schema,
}
