//! How an account gets what a list of it lacks: a calendar, a tag, a custom field.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Choices, Connector, OperationId};

/// How the items of a list are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maker {
    /// The operation that lists them; of the same connector.
    pub list: OperationId,
    /// What one of them is called: "custom field".
    pub what: String,
    /// The operation that makes one; none where the service has no such operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<OperationId>,
    /// Its inputs, each with the field of an item of the list that it is filled from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// What its inputs hold where there is no item to fill them from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, Value>,
    /// What is left for a person to do at the service, or how they make one there, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by_hand: String,
}

impl Maker {
    /// What is sent to make one of this name: as `model` is, an item of the list of another account, where there is one. `asked`
    /// is what the list was asked for.
    ///
    /// # Errors
    /// The titles of the inputs that nothing fills.
    pub fn input(
        &self,
        connector: &Connector,
        choices: &Choices,
        name: &str,
        model: Option<&Value>,
        asked: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Vec<String>> {
        let Some(operation) = self.create.as_ref().and_then(|it| connector.operations.get(it)) else { return Err(Vec::new()) };
        let mut input = Map::new();
        for (key, field) in &self.fields {
            let of_model = || model.and_then(|it| it.get(field)).filter(|it| !is_blank(it)).cloned();
            let value = if *field == choices.label {
                Some(Value::from(name))
            } else {
                of_model().or_else(|| asked.get(key).cloned()).or_else(|| self.with.get(key).cloned())
            };
            input.extend(value.map(|it| (key.clone(), it)));
        }
        let fixed = self.with.iter().filter(|(key, _)| !self.fields.contains_key(*key));
        input.extend(fixed.map(|(key, it)| (key.clone(), it.clone())));
        let missing = operation.inputs.iter().filter(|it| it.required && it.fixed.is_none() && it.account.is_none());
        let missing: Vec<String> = missing.filter(|it| !input.contains_key(&it.key)).map(|it| it.label().into_owned()).collect();
        if missing.is_empty() { Ok(input) } else { Err(missing) }
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

impl Connector {
    /// How the items of a list are made; none where nobody knows.
    pub fn maker(&self, list: &OperationId) -> Option<&Maker> {
        self.makers.iter().find(|it| it.list == *list)
    }

    /// The names in makers that this connector does not have.
    pub(super) fn lost_makers(&self) -> Vec<String> {
        let mut lost = Vec::new();
        for maker in &self.makers {
            if self.operations.get(&maker.list).is_none() {
                lost.push(format!("maker of {}", maker.list));
            }
            let Some(create) = &maker.create else { continue };
            match self.operations.get(create) {
                None => lost.push(format!("maker {create}")),
                Some(operation) => {
                    let keys = maker.fields.keys().chain(maker.with.keys());
                    let unknown = keys.filter(|key| operation.input(key).is_none());
                    lost.extend(unknown.map(|key| format!("maker {create} {key}")));
                }
            }
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::{Catalog, ConnectorId};

    fn choices(list: &str, label: &str) -> Choices {
        serde_json::from_value(json!({"operation": list, "list": "x", "value": "id", "label": label})).unwrap()
    }

    #[test]
    fn every_list_to_choose_from_says_how_what_it_lacks_is_made_or_that_it_is_not() {
        let catalog = Catalog::shipped();
        for connector in catalog.connectors() {
            assert_eq!(connector.lost_makers(), Vec::<String>::new(), "{}", connector.id);
            for maker in &connector.makers {
                assert!(maker.create.is_some() || maker.by_hand.ends_with('.'), "{}: say how a person makes one", maker.list);
            }
        }
        // What is a record of one contact or appointment is no thing of an account.
        let records = ["get-appointment-notes", "get-all-notes", "get-all-tasks", "list-events", "list-labels"];
        for connector in catalog.connectors() {
            let inputs = connector.operations.values().flat_map(|it| it.inputs.clone());
            let lists = inputs
                .filter_map(|it| it.choices.map(|it| it.operation))
                .filter(|it| !records.iter().any(|end| it.as_str().ends_with(end)));
            for list in lists {
                assert!(connector.maker(&list).is_some(), "{list}");
            }
        }
    }

    #[test]
    fn a_custom_field_is_made_like_the_one_of_another_account_and_without_one_as_plain_text() {
        let catalog = Catalog::shipped();
        let connector = catalog.connector(&ConnectorId::new("highlevel")).unwrap();
        let list = OperationId::new("highlevel.locations.get-custom-fields");
        let (maker, choices) = (connector.maker(&list).unwrap(), choices(list.as_str(), "name"));
        let model = json!({"id": "f1", "name": "Renamed since", "dataType": "SINGLE_OPTIONS", "model": "opportunity",
            "picklistOptions": ["new", "active"], "placeholder": "", "position": 100});
        let made = maker.input(connector, &choices, "Status", Some(&model), &Map::new()).unwrap();
        let expected =
            json!({"name": "Status", "dataType": "SINGLE_OPTIONS", "model": "opportunity", "options": ["new", "active"]});
        assert_eq!(Value::Object(made), expected);
        let asked = Map::from_iter([("model".to_owned(), json!("contact"))]);
        let made = maker.input(connector, &choices, "Status", None, &asked).unwrap();
        assert_eq!(Value::Object(made), json!({"name": "Status", "dataType": "TEXT", "model": "contact"}));
    }

    #[test]
    fn what_nothing_fills_is_named() {
        let catalog = Catalog::shipped();
        let connector = catalog.connector(&ConnectorId::new("highlevel")).unwrap();
        let list = OperationId::new("highlevel.calendars.get-groups");
        let (maker, choices) = (connector.maker(&list).unwrap(), choices(list.as_str(), "name"));
        let missing = maker.input(connector, &choices, "Clinic", None, &Map::new()).unwrap_err();
        assert_eq!(missing.len(), 1, "{missing:?}");
        let model = json!({"name": "Clinic", "slug": "clinic", "description": "All of it"});
        assert!(maker.input(connector, &choices, "Clinic", Some(&model), &Map::new()).is_ok());
    }
}
