//! How schemas and fields are read: one flat object with every key that either can have. Reading it so takes a third
//! of the time that tagged and flattened types take, and the catalogue is read at every start.
use serde::Deserialize;
use serde_json::Value;

use super::{Field, Kind, Schema};

/// A schema or a field as JSON holds it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flat {
    name: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(rename = "type")]
    tag: Tag,
    #[serde(default)]
    format: String,
    items: Option<Box<Schema>>,
    #[serde(default)]
    fields: Vec<Field>,
    rest: Option<Box<Schema>>,
    #[serde(default)]
    of: Vec<Schema>,
    #[serde(default, rename = "ref")]
    target: String,
    #[serde(default)]
    help: String,
    #[serde(default, rename = "enum")]
    choices: Vec<Value>,
    #[serde(default, deserialize_with = "present")]
    default: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    example: Option<Value>,
    #[serde(default)]
    nullable: bool,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Tag {
    Any,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
    OneOf,
    Ref,
}

/// A value that is there, `null` too.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl From<Flat> for Schema {
    fn from(flat: Flat) -> Self {
        let kind = match flat.tag {
            Tag::Any => Kind::Any,
            Tag::Boolean => Kind::Boolean,
            Tag::Integer => Kind::Integer,
            Tag::Number => Kind::Number,
            Tag::String => Kind::String { format: flat.format },
            Tag::Array => Kind::Array { items: flat.items.unwrap_or_default() },
            Tag::Object => Kind::Object { fields: flat.fields, rest: flat.rest },
            Tag::OneOf => Kind::OneOf { of: flat.of },
            Tag::Ref => Kind::Ref { name: flat.target },
        };
        Self {
            kind,
            help: flat.help,
            choices: flat.choices,
            default: flat.default,
            example: flat.example,
            nullable: flat.nullable,
        }
    }
}

impl TryFrom<Flat> for Field {
    type Error = &'static str;

    fn try_from(mut flat: Flat) -> Result<Self, Self::Error> {
        let name = flat.name.take().ok_or("a field has no `name`")?;
        Ok(Self { name, required: flat.required, schema: flat.into() })
    }
}
