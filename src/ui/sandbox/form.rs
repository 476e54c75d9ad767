//! A record that is being added or changed.
//!
//! Invariant: pure; what is to be sent follows from what was there and what was typed.
use serde_json::{Map, Number, Value};

use crate::catalog::{Connector, Kind as Shape, Operation, Place};
use crate::sandbox::{Deed, Table};

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    /// Which table, by its place in [`Table::ALL`].
    pub(crate) table: usize,
    /// None for a new record.
    pub(crate) id: Option<String>,
    pub(crate) fields: Vec<Field>,
    /// Why it could not be saved, in the service's words.
    pub(crate) refused: Option<String>,
}

/// A field of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) text: String,
    /// What it was when the form was opened.
    was: String,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    YesNo,
    /// Texts, with commas between them.
    Texts,
    /// Anything else, as JSON.
    Json,
}

impl Form {
    /// The fields that an operation takes, with what the record has.
    pub(crate) fn new(table: usize, operation: &Operation, connector: &Connector, record: Option<&Value>) -> Self {
        let spec = &Table::ALL[table];
        let mut fields = Vec::new();
        if record.is_none() {
            for parent in spec.parents() {
                fields.push(Field::new(parent, Kind::Text, true, ""));
            }
        }
        let open = operation.inputs.iter().filter(|it| it.place == Place::Body && it.fixed.is_none() && it.account.is_none());
        for input in open {
            let value = record.and_then(|it| it.get(&input.name)).unwrap_or(&Value::Null);
            let kind = kind_of(connector.resolve(&input.schema), value);
            let text = write(kind, value);
            let mut field = Field::new(&input.name, kind, input.required && record.is_none(), &text);
            field.label = input.label().into_owned();
            fields.push(field);
        }
        // What is needed first, then what tells the records apart, then what is filled.
        let told = |key: &str| spec.columns.iter().position(|it| *it == key).unwrap_or(usize::MAX);
        fields.sort_by_key(|it| (!it.required, told(&it.key), it.was.is_empty()));
        let id = record.map(|it| super::rows::cell(it.get("id").unwrap_or(&Value::Null)));
        Self { table, id, fields, refused: None }
    }

    /// What is to be done; none if nothing was typed.
    ///
    /// # Errors
    /// Words for a person about the first field that cannot be what was typed.
    pub(crate) fn deed(&self) -> Result<Option<Deed>, String> {
        let mut fields = Map::new();
        for field in self.fields.iter().filter(|it| it.text != it.was) {
            let value = read(field.kind, &field.text).map_err(|what| format!("{}: {what}", field.label))?;
            fields.insert(field.key.clone(), value);
        }
        if fields.is_empty() {
            return Ok(None);
        }
        Ok(Some(match &self.id {
            Some(id) => Deed::Change { id: id.clone(), fields },
            None => Deed::Add(fields),
        }))
    }
}

impl Field {
    fn new(key: &str, kind: Kind, required: bool, text: &str) -> Self {
        let label = super::rows::heading(key);
        Self { key: key.to_owned(), label, kind, required, text: text.to_owned(), was: text.to_owned() }
    }
}

fn kind_of(schema: &crate::catalog::Schema, value: &Value) -> Kind {
    let texts = |list: &Vec<Value>| list.iter().all(Value::is_string);
    match value {
        Value::String(_) => return Kind::Text,
        Value::Number(_) => return Kind::Number,
        Value::Bool(_) => return Kind::YesNo,
        Value::Array(list) if !list.is_empty() => return if texts(list) { Kind::Texts } else { Kind::Json },
        Value::Object(_) => return Kind::Json,
        Value::Null | Value::Array(_) => {}
    }
    match &schema.kind {
        Shape::String { .. } => Kind::Text,
        Shape::Number | Shape::Integer => Kind::Number,
        Shape::Boolean => Kind::YesNo,
        Shape::Array { items } if matches!(items.kind, Shape::String { .. }) => Kind::Texts,
        _ => Kind::Json,
    }
}

fn write(kind: Kind, value: &Value) -> String {
    match (kind, value) {
        (_, Value::Null) => String::new(),
        (_, Value::String(text)) => text.clone(),
        (Kind::Texts, Value::Array(list)) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        (_, other) => other.to_string(),
    }
}

fn read(kind: Kind, text: &str) -> Result<Value, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(match kind {
            Kind::Text => Value::from(""),
            Kind::Texts => Value::Array(Vec::new()),
            Kind::Number | Kind::YesNo | Kind::Json => Value::Null,
        });
    }
    match kind {
        Kind::Text => Ok(Value::from(text)),
        Kind::Number => text.parse::<Number>().map(Value::Number).map_err(|_error| "this is not a number.".to_owned()),
        Kind::YesNo => Ok(Value::from(text == "true")),
        Kind::Texts => Ok(text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Value::from).collect()),
        Kind::Json => serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}.")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(fields: &[(&str, Kind, &str, &str)], id: Option<&str>) -> Form {
        let fields = fields.iter().map(|(key, kind, was, text)| {
            let mut field = Field::new(key, *kind, false, was);
            field.text = (*text).to_owned();
            field
        });
        Form { table: 0, id: id.map(str::to_owned), fields: fields.collect(), refused: None }
    }

    #[test]
    fn only_what_was_changed_is_sent_in_the_type_that_it_has() {
        let form = form(
            &[
                ("name", Kind::Text, "A", "A"),
                ("email", Kind::Text, "a@x", ""),
                ("age", Kind::Number, "", "41.5"),
                ("active", Kind::YesNo, "false", "true"),
                ("tags", Kind::Texts, "a", "a, b ,"),
                ("extra", Kind::Json, "", "[1]"),
            ],
            Some("7"),
        );
        let Ok(Some(Deed::Change { id, fields })) = form.deed() else { panic!("a change") };
        assert_eq!(id, "7");
        assert_eq!(Value::Object(fields), json!({ "email": "", "age": 41.5, "active": true, "tags": ["a", "b"], "extra": [1] }));
    }

    #[test]
    fn what_cannot_be_is_said_with_its_field_and_nothing_typed_is_nothing_to_do() {
        assert_eq!(form(&[("dueDate", Kind::Text, "", "")], None).deed(), Ok(None));
        let wrong = form(&[("maxCount", Kind::Number, "", "many")], None).deed().unwrap_err();
        assert_eq!(wrong, "Max count: this is not a number.");
        assert!(form(&[("extra", Kind::Json, "", "{")], None).deed().unwrap_err().starts_with("Extra: this is not JSON"));
    }
}
