//! What the values that a person chose from lists are called, for cards and outline, and what an account calls fields of its own.
//!
//! Invariant: pure; a value whose name is not known is not guessed at, and stays as it is.
use std::collections::BTreeMap;

use serde_json::Value;

use super::offers::Offers;
use crate::catalog::{Catalog, Choice, Choices, Operation, plain, same};
use crate::chooser::Asked;
use crate::engine::{Connection, ConnectionId};
use crate::flow::{Binding, Flow, Mapping, Node, NodeId, NodeKind, Source};

/// Lists that are asked for at once, at most, to name what a flow holds.
const ASKED: usize = 16;

/// The names of a step's values, by the key of the input that holds them.
pub(crate) type Called = BTreeMap<String, String>;

/// The names of a flow's values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(BTreeMap<NodeId, Called>);

impl Names {
    /// Those of a step.
    pub(crate) fn of(&self, node: &NodeId) -> Option<&Called> {
        self.0.get(node)
    }
}

/// What names are made from.
pub(crate) struct Lists<'a> {
    pub(crate) offers: &'a Offers,
    pub(crate) connections: &'a [Connection],
    pub(crate) catalog: &'a Catalog,
}

impl Lists<'_> {
    /// The names of what stands in the sentences of a flow's steps, and the lists that would name more and were never read.
    pub(crate) fn names(&self, flow: &Flow) -> (Names, Vec<Asked>) {
        let (mut names, mut missing) = (Names::default(), Vec::new());
        for (id, node) in &flow.nodes {
            let called = self.step(node, &mut missing);
            if !called.is_empty() {
                names.0.insert(id.clone(), called);
            }
        }
        missing.truncate(ASKED);
        (names, missing)
    }

    fn step(&self, node: &Node, missing: &mut Vec<Asked>) -> Called {
        let NodeKind::Action { operation, input, .. } = &node.kind else { return Called::new() };
        if !input.0.values().any(|it| matches!(it.source, Source::Value(_))) {
            return Called::new();
        }
        let Some((_, operation)) = self.catalog.operation(operation) else { return Called::new() };
        let says = operation.says();
        let in_sentence = |key: &str| says.contains(&format!("{{{{{key}}}}}"));
        let named = |(key, binding): (&String, &Binding)| {
            let offer = operation.input(key)?.choices.as_ref().filter(|it| it.item.is_empty() && in_sentence(key))?;
            Some((key.clone(), self.name(offer, binding, input, missing)?))
        };
        input.0.iter().filter_map(named).collect()
    }

    /// The names of the values of a field; none if none is known.
    fn name(&self, offer: &Choices, binding: &Binding, input: &Mapping, missing: &mut Vec<Asked>) -> Option<String> {
        let chosen = values(offer, binding)?;
        // What it was called when it was chosen is in the flow.
        if !binding.names.is_empty() {
            return Some(binding.names.join(", "));
        }
        let beside = |key: &str| match &input.0.get(key)?.source {
            Source::Value(value) if !value.is_null() => Some(value.clone()),
            _ => None,
        };
        let asked = self.asked(offer, &beside)?;
        let Some(known) = self.offers.get(&asked) else {
            if !missing.contains(&asked) {
                missing.push(asked);
            }
            return None;
        };
        let all = offer.of(known.answer.as_ref()?, &beside);
        let name = |value: &Value| all.iter().find(|it| same(&it.value, value)).map(|it| it.label.clone());
        let names: Vec<Option<String>> = chosen.iter().map(name).collect();
        names.iter().any(Option::is_some).then(|| {
            let all = names.into_iter().zip(&chosen).map(|(name, value)| name.unwrap_or_else(|| plain(value)));
            all.collect::<Vec<_>>().join(", ")
        })
    }

    fn asked(&self, offer: &Choices, beside: &dyn Fn(&str) -> Option<Value>) -> Option<Asked> {
        let connection = self.connection(offer)?;
        Some(Asked { connection, operation: offer.operation.clone(), input: offer.asks(beside).ok()? })
    }

    fn connection(&self, offer: &Choices) -> Option<ConnectionId> {
        self.connections.iter().find(|it| it.connector == *offer.operation.connector()).map(|it| it.id.clone())
    }

    /// What the account calls the inputs of an operation, by their keys, and the lists that say so and were never read.
    pub(crate) fn labels(&self, operation: &Operation) -> (Called, Vec<Asked>) {
        let (mut labels, mut missing) = (Called::new(), Vec::new());
        let mut lists: Vec<(&Choices, Vec<Choice>)> = Vec::new();
        for input in &operation.inputs {
            let Some(list) = &input.named else { continue };
            if !lists.iter().any(|(it, _)| *it == list) {
                let nothing = |_: &str| None;
                let Some(asked) = self.asked(list, &nothing) else { continue };
                let known = self.offers.get(&asked);
                if known.is_none() {
                    missing.push(asked);
                }
                let answer = known.and_then(|it| it.answer.as_ref());
                lists.push((list, answer.map(|it| list.of(it, &nothing)).unwrap_or_default()));
            }
            let all = lists.iter().find(|(it, _)| *it == list).map(|it| it.1.as_slice()).unwrap_or_default();
            // What groups of an account call differently has several names.
            let mut names: Vec<&str> = Vec::new();
            for it in all.iter().filter(|it| plain(&it.value) == input.name && it.label != input.name) {
                if !names.contains(&it.label.as_str()) {
                    names.push(&it.label);
                }
            }
            if !names.is_empty() {
                labels.insert(input.key.clone(), names.join(" / "));
            }
        }
        (labels, missing)
    }
}

/// The values that a field holds; none where it is filled by something else, or empty.
fn values(offer: &Choices, binding: &Binding) -> Option<Vec<Value>> {
    let values: Vec<Value> = match &binding.source {
        Source::Value(Value::Array(all)) => all.clone(),
        Source::Value(Value::String(text)) if offer.joined => {
            text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Value::from).collect()
        }
        Source::Value(Value::String(text)) if text.trim().is_empty() => Vec::new(),
        Source::Value(value @ (Value::String(_) | Value::Number(_))) => vec![value.clone()],
        _ => Vec::new(),
    };
    (!values.is_empty()).then_some(values)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::catalog::{AuthKind, ConnectorId, OperationId};
    use crate::flow::testing::id;
    use crate::flow::{Edit, RetryPolicy};
    use crate::ui::canvas::sentence::sentence;

    fn connection(connector: &str) -> Connection {
        Connection::new(connector, connector, ConnectorId::new(connector), "http://127.0.0.1:1", AuthKind::Bearer)
    }

    fn flow(operation: &str, input: Mapping) -> Flow {
        let operation = OperationId::new(operation);
        let mut flow = Flow::new("one", "One");
        flow.apply(Edit::AddSlot { id: "s".into(), connector: operation.connector().clone() }).unwrap();
        let kind = NodeKind::Action { operation, slot: "s".into(), input, retry: RetryPolicy::default() };
        let node = Arc::new(Node { name: "Step".to_owned(), muted: false, kind });
        flow.apply(Edit::AddNode { id: id("step"), node, at: None }).unwrap();
        flow
    }

    fn read(offers: &mut Offers, asked: &Asked, answer: Value) {
        let ticket = offers.ask(asked, 0.0).unwrap();
        offers.told(ticket, Ok(answer));
    }

    #[test]
    fn a_chosen_value_is_called_by_its_name_once_the_list_is_read_and_asked_for_only_where_it_is_said() {
        let catalog = Catalog::shipped();
        let connections = [connection("highlevel")];
        let input = Mapping::from([("calendarId", Binding::value("c2")), ("contactId", Binding::expr("a.b"))]);
        let flow = flow("highlevel.calendars.create-appointment", input);
        let mut offers = Offers::default();
        let lists = |offers: &Offers| Lists { offers, connections: &connections, catalog: &catalog }.names(&flow);
        let (names, missing) = lists(&offers);
        assert_eq!((names, missing.len()), (Names::default(), 1));
        assert_eq!(missing[0].operation, OperationId::new("highlevel.calendars.get-calendars"));
        read(&mut offers, &missing[0], json!({"calendars": [{"id": "c1", "name": "One"}, {"id": "c2", "name": "Two"}]}));
        let (names, missing) = lists(&offers);
        assert!(missing.is_empty());
        let node = &flow.nodes[&id("step")];
        let said = sentence(&node.kind, &catalog, names.of(&id("step"))).plain();
        assert_eq!(said, "Book B at (starts) in Two".replace("(starts)", "(start)"), "{said}");
        // One that the list does not have stays as it is.
        read(&mut offers, &Asked { connection: ConnectionId::new("other"), ..missing_of(&flow, &catalog) }, json!({}));
        assert_eq!(lists(&offers).0, names);
    }

    fn missing_of(flow: &Flow, catalog: &Catalog) -> Asked {
        let connections = [connection("highlevel")];
        Lists { offers: &Offers::default(), connections: &connections, catalog }.names(flow).1.remove(0)
    }

    #[test]
    fn several_in_one_text_are_called_by_their_names_and_an_unknown_one_by_what_is_sent() {
        let catalog = Catalog::shipped();
        let connections = [connection("schedule_it")];
        let flow = flow("schedule_it.events.create-event", Mapping::from([("owner", Binding::value("2001, 7"))]));
        let mut offers = Offers::default();
        let missing = Lists { offers: &offers, connections: &connections, catalog: &catalog }.names(&flow).1;
        read(&mut offers, &missing[0], json!([{"id": 2001, "name": "Maya"}]));
        let names = Lists { offers: &offers, connections: &connections, catalog: &catalog }.names(&flow).0;
        assert_eq!(names.of(&id("step")).unwrap()["owner"], "Maya, 7");
    }

    #[test]
    fn an_account_calls_fields_of_its_own_by_its_labels() {
        let catalog = Catalog::shipped();
        let connections = [connection("schedule_it")];
        let mut offers = Offers::default();
        let (_, operation) = catalog.operation(&OperationId::new("schedule_it.resources.create-resource")).unwrap();
        let labels = |offers: &Offers| Lists { offers, connections: &connections, catalog: &catalog }.labels(operation);
        let (known, missing) = labels(&offers);
        assert_eq!((known.len(), missing.len()), (0, 1), "one list for all of them");
        let answer = json!([
            {"id": "1", "name": "Speciality", "type": "data2"}, {"id": "2", "name": "Skill", "type": "data2"},
            {"id": "3", "name": "Speciality", "type": "data2"}, {"id": "4", "name": "", "type": "data1"},
            {"id": "5", "name": "Reference", "type": "custom1"},
        ]);
        read(&mut offers, &missing[0], answer);
        let (known, missing) = labels(&offers);
        assert_eq!((json!(known), missing.len()), (json!({"data2": "Speciality / Skill"}), 0));
    }
}
