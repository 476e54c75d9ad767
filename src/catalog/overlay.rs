//! What people added by hand to an imported connector: its own facts, words, look-ups, repairs. Kept apart from what
//! the importer makes, so that either can change without the other.
//!
//! Invariant: an overlay that names an operation, an input or a field that is not there is refused, with every such name.
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    AuthKind, BreakerRule, Brief, Choices, Connector, ConnectorId, Encoding, Environment, ErrorShape, Guide, Input, LimitHeaders,
    Maker, Notices, Operation, OperationId, Paging, Place, Probe, Rate, Repeat, Schema, Success,
};

/// Changes to a connector. Whatever is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overlay {
    /// The connector that it is for.
    pub id: Option<ConnectorId>,
    /// Replaces the title.
    pub title: Option<String>,
    /// Replaces the environments.
    pub environments: Option<Vec<Environment>>,
    /// Replaces the ways to sign in.
    pub auth: Option<Vec<AuthKind>>,
    /// Replaces the account's fields.
    pub account: Option<BTreeMap<String, String>>,
    /// Replaces the rates.
    pub rates: Option<Vec<Rate>>,
    /// Replaces the limit headers.
    pub limit_headers: Option<LimitHeaders>,
    /// Replaces the breaker's rule.
    pub breaker: Option<BreakerRule>,
    /// Replaces where error messages stand.
    pub errors: Option<ErrorShape>,
    /// Replaces how a person signs in.
    pub guides: Option<Vec<Guide>>,
    /// Replaces the read that shows that a connection works.
    pub probe: Option<Probe>,
    /// Replaces how what its lists lack is made.
    pub makers: Option<Vec<Maker>>,
    /// Replaces how it tells of events.
    pub notices: Option<Notices>,
    /// Adds or replaces named shapes.
    pub schemas: BTreeMap<String, Schema>,
    /// Changes to every input with this key, whatever operation it is of.
    pub inputs: BTreeMap<String, InputChange>,
    /// The headings of the operations of documents, by the document's name.
    pub groups: BTreeMap<String, String>,
    /// Changes to the inputs of one document's operations, by the document's name.
    pub documents: BTreeMap<String, BTreeMap<String, InputChange>>,
    /// Changes to operations.
    pub operations: BTreeMap<OperationId, OperationChange>,
}

/// Changes to an operation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperationChange {
    /// Replaces the title.
    pub title: Option<String>,
    /// Replaces the help.
    pub help: Option<String>,
    /// Replaces the sentence on the card.
    pub sentence: Option<String>,
    /// Replaces the heading.
    pub group: Option<String>,
    /// Replaces how the body travels.
    pub body: Option<Encoding>,
    /// Replaces what repeating means.
    pub repeat: Option<Repeat>,
    /// It is known to change nothing, whatever its method.
    pub reads: bool,
    /// Replaces how further pages are asked for.
    pub paging: Option<Paging>,
    /// Replaces the documented answers.
    pub success: Option<Vec<Success>>,
    /// Inputs that are taken out, by key.
    pub without: Vec<String>,
    /// Changes to inputs, by key; an unknown key with a `place` and a `schema` is a new input.
    pub inputs: BTreeMap<String, InputChange>,
    /// The keys that come first among the required and among the optional inputs, in this order.
    pub first: Vec<String>,
    /// Headings with the keys that stand under them, in this order, after those that come first.
    pub sections: Vec<Section>,
}

/// Fields that belong together.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// The keys of its inputs, in order.
    pub fields: Vec<String>,
}

/// Changes to an input.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputChange {
    /// The name on the wire, for a new input; the key where it is absent.
    pub name: Option<String>,
    /// Where it travels, for a new input.
    pub place: Option<Place>,
    /// Replaces the title.
    pub title: Option<String>,
    /// Replaces the help.
    pub help: Option<String>,
    /// Replaces whether it is required.
    pub required: Option<bool>,
    /// A value that is always sent and never asked for.
    pub fixed: Option<Value>,
    /// The account's field that fills it.
    pub account: Option<String>,
    /// Where its choices are fetched.
    pub choices: Option<Choices>,
    /// What it holds in a step that was just added.
    pub preset: Option<Value>,
    /// Replaces its shape.
    pub schema: Option<Schema>,
    /// Replaces the only values allowed.
    #[serde(rename = "enum")]
    pub allowed: Option<Vec<Value>>,
    /// Replaces the format of a text.
    pub format: Option<String>,
    /// Replaces the default.
    pub default: Option<Value>,
    /// Replaces the example.
    pub example: Option<Value>,
}

/// The names in an overlay that its connector does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the overlay names what {connector} does not have: {}", names.join(", "))]
pub struct OverlayError {
    /// The connector.
    pub connector: ConnectorId,
    /// The names.
    pub names: Vec<String>,
}

impl Overlay {
    /// Makes the changes.
    ///
    /// # Errors
    /// [`OverlayError`] with every operation, input and key that is not there; then nothing is changed.
    pub fn apply(mut self, mut connector: Connector) -> Result<Connector, OverlayError> {
        let mut lost = Vec::new();
        if let Some(id) = self.id.take().filter(|it| *it != connector.id) {
            lost.push(id.to_string());
        }
        self.lay_facts(&mut connector);
        let whole = connector.operations.values().map(|it| (it.id.clone(), (**it).clone()));
        let mut operations: BTreeMap<OperationId, Operation> = whole.collect();
        for (document, title) in &self.groups {
            let mut of_it = operations.values_mut().filter(|it| it.id.document() == document).peekable();
            if of_it.peek().is_none() {
                lost.push(format!("heading {document}"));
            }
            of_it.for_each(|it| it.group.clone_from(title));
        }
        for (document, key, change) in self.common() {
            let mut met = false;
            for operation in operations.values_mut().filter(|it| document.is_none_or(|name| it.id.document() == name)) {
                for input in operation.inputs.iter_mut().filter(|it| it.key == *key) {
                    met = true;
                    change.clone().apply(input);
                }
            }
            if !met {
                lost.push(document.map_or_else(|| format!("input {key}"), |it| format!("input {key} of {it}")));
            }
        }
        for (id, change) in self.operations {
            match operations.get_mut(&id) {
                Some(operation) => change.apply(operation, &mut lost),
                None => lost.push(id.to_string()),
            }
        }
        connector.operations = operations.into_values().collect();
        lost.extend(connector.lost_makers());
        if lost.is_empty() { Ok(connector) } else { Err(OverlayError { connector: connector.id, names: lost }) }
    }

    /// Changes to inputs that are not of one operation, those of a document after those of all.
    fn common(&self) -> impl Iterator<Item = (Option<&str>, &String, &InputChange)> {
        let all = self.inputs.iter().map(|(key, it)| (None, key, it));
        let some = self.documents.iter().flat_map(|(name, of)| of.iter().map(|(key, it)| (Some(name.as_str()), key, it)));
        all.chain(some)
    }

    /// Moves what is said of the connector itself to it.
    pub(super) fn lay_facts(&mut self, connector: &mut Connector) {
        replace(&mut connector.title, self.title.take());
        replace(&mut connector.environments, self.environments.take());
        replace(&mut connector.auth, self.auth.take());
        replace(&mut connector.account, self.account.take());
        replace(&mut connector.rates, self.rates.take());
        replace(&mut connector.errors, self.errors.take());
        connector.limit_headers = self.limit_headers.take().or_else(|| connector.limit_headers.take());
        connector.breaker = self.breaker.take().or(connector.breaker);
        replace(&mut connector.guides, self.guides.take());
        connector.probe = self.probe.take().or_else(|| connector.probe.take());
        replace(&mut connector.makers, self.makers.take());
        connector.notices = self.notices.take().or_else(|| connector.notices.take());
        connector.schemas.extend(std::mem::take(&mut self.schemas));
    }

    /// Lays over one operation what is said of it. Names that are not there are passed over.
    pub(super) fn lay(&self, operation: &mut Operation) {
        replace(&mut operation.group, self.groups.get(operation.id.document()).cloned());
        for input in &mut operation.inputs {
            let own = self.documents.get(operation.id.document()).and_then(|it| it.get(&input.key));
            for change in self.inputs.get(&input.key).into_iter().chain(own) {
                change.clone().apply(input);
            }
        }
        if let Some(change) = self.operations.get(&operation.id) {
            change.clone().apply(operation, &mut Vec::new());
        }
    }

    /// Lays over a brief what [`Overlay::lay`] lays over its operation.
    pub(super) fn lay_brief(&self, brief: &mut Brief) {
        replace(&mut brief.group, self.groups.get(brief.id.document()).cloned());
        if let Some(change) = self.operations.get(&brief.id) {
            replace(&mut brief.title, change.title.clone());
            replace(&mut brief.sentence, change.sentence.clone());
            replace(&mut brief.group, change.group.clone());
        }
    }
}

impl OperationChange {
    fn apply(self, operation: &mut Operation, lost: &mut Vec<String>) {
        replace(&mut operation.title, self.title);
        replace(&mut operation.help, self.help);
        replace(&mut operation.sentence, self.sentence);
        replace(&mut operation.group, self.group);
        replace(&mut operation.repeat, self.repeat);
        operation.reads |= self.reads;
        replace(&mut operation.success, self.success);
        operation.body = self.body.or(operation.body);
        operation.paging = self.paging.or_else(|| operation.paging.take());
        for key in &self.without {
            let before = operation.inputs.len();
            operation.inputs.retain(|it| it.key != *key);
            if operation.inputs.len() == before {
                lost.push(format!("{} without {key}", operation.id));
            }
        }
        for (key, change) in self.inputs {
            match operation.inputs.iter_mut().find(|it| it.key == key) {
                Some(input) => change.apply(input),
                None => match change.new_input(&key) {
                    Some(input) => operation.inputs.push(input),
                    None => lost.push(format!("{} {key}", operation.id)),
                },
            }
        }
        for key in &self.first {
            if operation.input(key).is_none() {
                lost.push(format!("{} first {key}", operation.id));
            }
        }
        let mut order = self.first;
        for section in self.sections {
            for key in section.fields {
                match operation.inputs.iter_mut().find(|it| it.key == key) {
                    Some(input) => input.section.clone_from(&section.title),
                    None => lost.push(format!("{} {key} of {}", operation.id, section.title)),
                }
                if !order.contains(&key) {
                    order.push(key);
                }
            }
        }
        operation.inputs.sort_by_key(|it| {
            let place = order.iter().position(|key| *key == it.key).unwrap_or(usize::MAX);
            (it.fixed.is_some(), !it.required, place)
        });
    }
}

impl InputChange {
    fn apply(self, input: &mut Input) {
        replace(&mut input.schema, self.schema);
        replace(&mut input.title, self.title);
        replace(&mut input.required, self.required);
        replace(&mut input.schema.help, self.help);
        replace(&mut input.schema.choices, self.allowed);
        input.fixed = self.fixed.or_else(|| input.fixed.take());
        input.account = self.account.or_else(|| input.account.take());
        input.choices = self.choices.or_else(|| input.choices.take());
        input.preset = self.preset.or_else(|| input.preset.take());
        input.schema.default = self.default.or_else(|| input.schema.default.take());
        input.schema.example = self.example.or_else(|| input.schema.example.take());
        if let (super::Kind::String { format }, Some(new)) = (&mut input.schema.kind, self.format) {
            *format = new;
        }
    }

    fn new_input(self, key: &str) -> Option<Input> {
        let name = self.name.clone().unwrap_or_else(|| key.to_owned());
        let mut input = Input {
            key: key.to_owned(),
            name,
            title: String::new(),
            place: self.place?,
            required: false,
            fixed: None,
            account: None,
            choices: None,
            named: None,
            preset: None,
            section: String::new(),
            schema: self.schema.clone()?,
        };
        self.apply(&mut input);
        Some(input)
    }
}

fn replace<T>(at: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *at = with;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Kind;
    use crate::catalog::import::{Document, Options, import};

    fn connector() -> Connector {
        let document = json!({"openapi": "3.0.0", "paths": {"/a/{id}": {"put": {
            "operationId": "set-a",
            "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {
                "one": {"type": "string"}, "two": {"type": "string"}, "three": {"type": "number"}}}}}},
            "responses": {"200": {"description": ""}}}}}});
        let document = Document::from_value("doc.json", document).expect("a document");
        import(&[document], &Options::new(ConnectorId::new("x"))).expect("an import").connector
    }

    fn overlay(json: Value) -> Overlay {
        serde_json::from_value(json).expect("an overlay")
    }

    #[test]
    fn words_defaults_and_new_inputs_are_laid_over() {
        let changed = overlay(json!({
            "title": "X!",
            "inputs": {"id": {"title": "The A", "account": "a"}},
            "operations": {"x.doc.set-a": {
                "sentence": "Set {{one}}", "without": ["three"], "first": ["two"],
                "inputs": {"one": {"required": true, "default": "o"}, "four": {"place": "query", "schema": {"type": "boolean"}}}
            }}
        }))
        .apply(connector())
        .expect("it fits");
        assert_eq!(changed.title, "X!");
        let operation = changed.operations.values().next().expect("one");
        let keys: Vec<&str> = operation.inputs.iter().map(|it| it.key.as_str()).collect();
        assert_eq!(keys, ["id", "one", "two", "four"]);
        assert_eq!(operation.input("id").and_then(|it| it.account.as_deref()), Some("a"));
        assert_eq!(operation.input("one").and_then(|it| it.schema.default.clone()), Some(json!("o")));
        assert_eq!(operation.input("four").map(|it| it.schema.kind.clone()), Some(Kind::Boolean));
    }

    #[test]
    fn every_name_that_is_not_there_is_told() {
        let error = overlay(json!({
            "inputs": {"nope": {"title": "N"}},
            "operations": {"x.doc.gone": {}, "x.doc.set-a": {"without": ["w"], "first": ["f"], "inputs": {"i": {"title": "I"}}}}
        }))
        .apply(connector())
        .expect_err("it does not fit");
        assert_eq!(error.names, ["input nope", "x.doc.gone", "x.doc.set-a without w", "x.doc.set-a i", "x.doc.set-a first f"]);
    }
}
