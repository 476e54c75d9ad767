//! A shape as data that a person reads: names, and what stands under each, in words.
use serde_json::{Map, Value};

use super::{Kind, Schema};
use crate::catalog::Connector;

/// Shapes within each other that are followed.
const DEPTH: usize = 8;
/// Words of one shape in all.
const MOST: usize = 2_000;

impl Schema {
    /// What the shape says, with the shape of the data itself: an object of its fields, a list of one item, and in place of a
    /// value its type in words, whether it is always there, its choices and its help.
    pub fn outline(&self, connector: &Connector) -> Value {
        let mut left = MOST;
        outline(self, false, connector, DEPTH, &mut left)
    }
}

fn outline(schema: &Schema, required: bool, connector: &Connector, depth: usize, left: &mut usize) -> Value {
    *left = left.saturating_sub(1);
    let outer = schema;
    let schema = connector.resolve(schema);
    if depth == 0 || *left == 0 {
        return Value::from("…");
    }
    match &schema.kind {
        Kind::Object { fields, .. } if !fields.is_empty() => {
            let mut map = Map::new();
            for field in fields {
                map.insert(field.name.clone(), outline(&field.schema, field.required, connector, depth - 1, left));
            }
            Value::Object(map)
        }
        Kind::Array { items } => Value::Array(vec![outline(items, false, connector, depth - 1, left)]),
        Kind::OneOf { of } if of.len() == 1 => outline(&of[0], required, connector, depth - 1, left),
        _ => Value::from(words(outer, schema, required)),
    }
}

fn words(outer: &Schema, schema: &Schema, required: bool) -> String {
    let kind = match &schema.kind {
        Kind::Boolean => "yes or no",
        Kind::Integer => "whole number",
        Kind::Number => "number",
        Kind::String { format } => match format.as_str() {
            "date-time" => "time",
            "date" => "date",
            "email" => "e-mail address",
            "uri" | "url" => "web address",
            "binary" => "file",
            _ => "text",
        },
        Kind::Object { .. } => "fields of any name",
        Kind::Array { .. } => "list",
        Kind::OneOf { .. } => "one of several shapes",
        Kind::Any | Kind::Ref { .. } => "anything",
    };
    let mut words = kind.to_owned();
    if required {
        words.push_str(", always there");
    }
    if outer.nullable || schema.nullable {
        words.push_str(", may be empty");
    }
    if !schema.choices.is_empty() {
        let choices = schema.choices.iter().map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
        words.push_str(": ");
        words.push_str(&choices.collect::<Vec<_>>().join(", "));
    }
    let help = if outer.help.is_empty() { &schema.help } else { &outer.help };
    if !help.is_empty() {
        words.push_str(" — ");
        words.push_str(help);
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_stand_as_in_the_data_and_values_are_told_in_words() {
        let connector: Connector = serde_json::from_value(json!({
            "id": "c", "title": "C", "environments": [], "auth": [],
            "schemas": {
                "Tag": {"type": "string", "enum": ["new", "old"]},
                "Node": {"type": "object", "fields": [{"name": "next", "type": "ref", "ref": "Node"}]}
            },
            "operations": []
        }))
        .unwrap();
        let schema: Schema = serde_json::from_value(json!({"type": "object", "fields": [
            {"name": "id", "required": true, "type": "string", "help": "How it is known."},
            {"name": "due", "type": "string", "format": "date-time", "nullable": true},
            {"name": "tags", "type": "array", "items": {"type": "ref", "ref": "Tag"}},
            {"name": "done", "type": "boolean"},
            {"name": "chain", "type": "ref", "ref": "Node"},
            {"name": "rest", "type": "object"}
        ]}))
        .unwrap();
        let outline = schema.outline(&connector);
        assert_eq!(outline["id"], "text, always there — How it is known.");
        assert_eq!((&outline["due"], &outline["done"]), (&json!("time, may be empty"), &json!("yes or no")));
        assert_eq!((&outline["tags"], &outline["rest"]), (&json!(["text: new, old"]), &json!("fields of any name")));
        // What holds itself is followed so far and no further.
        assert!(outline["chain"].to_string().ends_with("\"…\"}}}}}}}"), "{}", outline["chain"]);
    }
}
