//! Reading the whole of a record of which a message shows a part.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Catalog, Connector, Event, Operation, OperationId};

/// How the record that a message is about is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    /// A `Safe` operation of the same connector.
    pub operation: OperationId,
    /// Its inputs, each an expression over `record`, what the message shows of it. One whose value is missing is left out; where a
    /// required one is, the record cannot be read.
    pub input: BTreeMap<String, String>,
    /// Dotted path to the record in the answer, or to a list with it; empty where the answer is the record.
    pub item: String,
    /// Whether its messages are known to lack what people need, so that it is read unless somebody says otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub thin: bool,
}

/// Fields by which lists call a record's id, where they call it otherwise than the message.
const IDS: &[&str] = &["id", "_id"];

impl Event {
    /// What it told, with what the answer of [`Event::whole`] shows beyond that. What was told stays; what is empty in it is filled.
    #[must_use]
    pub fn complete(&self, told: &Value, answer: &Value) -> Value {
        let mut whole = told.clone();
        let Some(read) = self.whole.as_ref().and_then(|it| self.found(it, told, answer)) else { return whole };
        let mut parts = self.item.split('.').filter(|it| !it.is_empty());
        let into = parts.try_fold(&mut whole, |at, part| at.get_mut(part));
        if let Some(Value::Object(fields)) = into {
            for (key, value) in read {
                if fields.get(key).is_none_or(is_empty) && !is_empty(value) {
                    fields.insert(key.clone(), value.clone());
                }
            }
        }
        whole
    }

    /// The record in what was read.
    fn found<'a>(&self, whole: &Whole, told: &Value, answer: &'a Value) -> Option<&'a Map<String, Value>> {
        let mut parts = whole.item.split('.').filter(|it| !it.is_empty());
        match parts.try_fold(answer, |at, part| at.get(part))? {
            Value::Object(record) => Some(record),
            Value::Array(records) => {
                let id = self.record(told)?.get(self.id_field())?;
                records.iter().filter_map(Value::as_object).find(|it| IDS.iter().any(|key| it.get(*key) == Some(id)))
            }
            _ => None,
        }
    }

    /// How its record is read whole, with what the catalogue has of it; none where it cannot be.
    pub fn reading<'a>(
        &self,
        catalog: &'a Catalog,
    ) -> Option<(&Whole, &'a std::sync::Arc<Connector>, &'a std::sync::Arc<Operation>)> {
        let whole = self.whole.as_ref()?;
        let (connector, operation) = catalog.operation(&whole.operation)?;
        Some((whole, connector, operation))
    }

    /// What it brings along, as a believable value, once the record was read whole.
    pub fn whole_sample(&self, catalog: &Catalog) -> Option<Value> {
        let told = self.sample(catalog)?;
        let Some((whole, connector, operation)) = self.reading(catalog) else { return Some(told) };
        let mut answer = operation.success.iter().find_map(|it| it.schema.as_ref())?.sample(connector);
        // The record of the sample is the one that was told of.
        if let Some(id) = self.record(&told).and_then(|it| it.get(self.id_field())) {
            let mut parts = whole.item.split('.').filter(|it| !it.is_empty());
            let at = parts.try_fold(&mut answer, |at, part| at.get_mut(part));
            if let Some(Value::Array(records)) = at
                && let Some(Value::Object(first)) = records.first_mut()
            {
                first.insert("id".to_owned(), id.clone());
            }
        }
        Some(self.complete(&told, &answer))
    }
}

/// Whether a field says nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::{EventSource, Repeat};

    fn event(name: &str) -> &'static Event {
        Event::find(&OperationId::new(&format!("highlevel.webhook.{name}"))).expect("an event")
    }

    #[test]
    fn every_record_is_read_by_a_safe_operation_with_what_a_message_shows_and_gives_more_than_it() {
        let catalog = Catalog::shipped();
        let mut read = 0;
        for event in Event::shipped().iter().filter(|it| it.whole.is_some()) {
            let (whole, connector, operation) = event.reading(&catalog).unwrap_or_else(|| panic!("{}: it is there", event.id));
            read += 1;
            assert!(matches!(event.source, EventSource::Webhook { .. }), "{}", event.id);
            assert_eq!((&operation.repeat, &connector.id), (&Repeat::Safe, event.id.connector()), "{}", event.id);
            for (key, text) in &whole.input {
                assert!(operation.input(key).is_some(), "{}: {key}", event.id);
                let expr = crate::expr::Expr::parse(text).unwrap_or_else(|error| panic!("{}: {text}: {error}", event.id));
                assert!(expr.references().iter().all(|it| it.root() == "record"), "{}: {text}", event.id);
            }
            for it in operation.inputs.iter().filter(|it| it.required && it.fixed.is_none() && it.account.is_none()) {
                assert!(whole.input.contains_key(&it.key), "{}: {} is required", event.id, it.key);
            }
            let (told, whole) = (event.sample(&catalog).expect("a sample"), event.whole_sample(&catalog).expect("a sample"));
            let count = |it: &Value| event.record(it).and_then(Value::as_object).map_or(0, Map::len);
            assert!(count(&whole) > count(&told), "{}: {whole}", event.id);
        }
        assert_eq!(read, 16);
        assert!(event("ContactDelete").whole.is_none(), "what is gone cannot be read");
    }

    #[test]
    fn what_was_told_stays_and_what_it_lacks_is_filled_in() {
        for (name, told, answer, expected) in [
            (
                "ContactDndUpdate",
                json!({"type": "ContactDndUpdate", "id": "c", "email": "a@b.example", "tags": []}),
                json!({"contact": {"id": "c", "email": "other@b.example", "tags": ["vip"], "firstName": "Ada", "city": ""}}),
                json!({
                    "type": "ContactDndUpdate", "id": "c", "email": "a@b.example", "tags": ["vip"], "firstName": "Ada"
                }),
            ),
            (
                "AppointmentUpdate",
                json!({"appointment": {"id": "a", "title": "Visit", "notes": null}}),
                json!({"event": {"id": "a", "title": "Other", "notes": "Bring keys", "rrule": "x"}}),
                json!({"appointment": {"id": "a", "title": "Visit", "notes": "Bring keys", "rrule": "x"}}),
            ),
            // Of a list the one that it is about.
            (
                "TaskCreate",
                json!({"id": "t2", "title": "Call"}),
                json!({"tasks": [{"_id": "t1", "contactId": "c1"}, {"_id": "t2", "contactId": "c2"}]}),
                json!({"id": "t2", "title": "Call", "_id": "t2", "contactId": "c2"}),
            ),
            ("TaskCreate", json!({"id": "t3"}), json!({"tasks": [{"id": "t1", "contactId": "c1"}]}), json!({"id": "t3"})),
            // Nothing that could be made out.
            ("ContactUpdate", json!({"id": "c"}), json!("<html>"), json!({"id": "c"})),
            ("ContactDelete", json!({"id": "c"}), json!({"contact": {"id": "c", "city": "X"}}), json!({"id": "c"})),
        ] {
            assert_eq!(event(name).complete(&told, &answer), expected, "{name}");
        }
    }
}
