//! Answers that are made up, what depends on them, and what a write that was not sent is in words.
//!
//! Invariant: pure; the same operation and input give the same answer and the same words.
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::catalog::{Connector, Operation};
use crate::expr::{Expr, Reference, Text};
use crate::flow::{Binding, Flow, NodeId, Order, Source};

/// A sentence shows no more of a value, in characters.
const LONGEST: usize = 60;

/// An answer as the catalogue describes it, with what was sent where the answer tells it back.
pub(super) fn answer(connector: &Connector, operation: &Operation, input: &Map<String, Value>) -> Value {
    let schema = operation.success.iter().find_map(|it| it.schema.as_ref());
    let mut answer = schema.map_or_else(|| Value::Object(Map::new()), |it| it.sample(connector));
    let sent: Map<String, Value> = operation
        .inputs
        .iter()
        .filter_map(|it| Some((it.name.clone(), input.get(&it.key)?.clone())))
        .filter(|(name, value)| !name.is_empty() && !value.is_null())
        .collect();
    tell_back(&mut answer, &sent, 0);
    answer
}

/// A contact that was made has the name that was sent, within its answer or one level below.
fn tell_back(answer: &mut Value, sent: &Map<String, Value>, depth: u8) {
    let Value::Object(fields) = answer else { return };
    for (name, value) in fields {
        match sent.get(name) {
            Some(sent) if std::mem::discriminant(sent) == std::mem::discriminant(value) => *value = sent.clone(),
            _ if depth == 0 => tell_back(value, sent, depth + 1),
            _ => {}
        }
    }
}

/// "Would create the contact Ada": the operation's sentence with what would have been sent.
pub(super) fn sentence(operation: &Operation, input: &Map<String, Value>) -> String {
    let said = operation.says();
    let mut out = String::from("Would ");
    let mut rest: &str = &said;
    let mut is_first = true;
    let mut push = |text: &str, out: &mut String| {
        let mut chars = text.chars();
        match chars.next().filter(|_| is_first) {
            Some(first) => {
                out.extend(first.to_lowercase());
                out.push_str(chars.as_str());
                is_first = false;
            }
            None => out.push_str(text),
        }
    };
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((key, after)) = after.split_once("}}") else { break };
        push(before, &mut out);
        let key = key.trim();
        let label = || operation.input(key).map_or_else(|| key.to_owned(), |it| it.label().into_owned());
        let value = input.get(key).map_or_else(|| format!("({})", label().to_lowercase()), words);
        push(&value, &mut out);
        rest = after;
    }
    push(rest, &mut out);
    out
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > LONGEST => text.chars().take(LONGEST).chain(['…']).collect(),
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(all) if all.iter().all(Value::is_string) && all.len() < 5 => {
            all.iter().map(words).collect::<Vec<_>>().join(", ")
        }
        Value::Array(all) if all.len() == 1 => "1 value".to_owned(),
        Value::Array(all) => format!("{} values", all.len()),
        Value::Object(fields) if fields.len() == 1 => "1 field".to_owned(),
        Value::Object(fields) => format!("{} fields", fields.len()),
    }
}

/// The fields of a step that depend on what these steps and triggers gave, directly or by way of others, in words of the file.
pub(super) fn fields(flow: &Flow, roots: &BTreeSet<NodeId>, step: &NodeId) -> Vec<String> {
    if roots.is_empty() {
        return Vec::new();
    }
    let Ok(order) = Order::new(flow) else { return Vec::new() };
    let mut known = roots.clone();
    loop {
        let before = known.len();
        for (id, node) in &flow.nodes {
            if !known.contains(id) && node.kind.bindings().iter().any(|(_, it)| is_of(it, id, &known, &order)) {
                known.insert(id.clone());
            }
        }
        if known.len() == before {
            break;
        }
    }
    let Some(node) = flow.nodes.get(step) else { return Vec::new() };
    node.kind.bindings().into_iter().filter(|(_, it)| is_of(it, step, &known, &order)).map(|(place, _)| place).collect()
}

/// Whether a field of a step speaks of any of these.
fn is_of(binding: &Binding, step: &NodeId, known: &BTreeSet<NodeId>, order: &Order) -> bool {
    let speaks = |all: &[Reference]| {
        all.iter().any(|it| match it.root() {
            "item" | "index" => order.enclosing(step).iter().any(|it| known.contains(it)),
            root => root != step.as_str() && known.contains(&NodeId::new(root)),
        })
    };
    match &binding.source {
        Source::Value(_) => false,
        Source::Text(text) => Text::parse(text).is_ok_and(|it| speaks(it.references())),
        Source::Expr(text) => Expr::parse(text).is_ok_and(|it| speaks(it.references())),
        Source::List(items) => items.iter().any(|it| is_of(it, step, known, order)),
        Source::Object(fields) => fields.values().any(|it| is_of(it, step, known, order)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::catalog::{Catalog, OperationId};
    use crate::flow::testing::Sketch;
    use crate::flow::{Mapping, Node, NodeKind};

    fn operation(id: &str) -> (Arc<Connector>, Arc<Operation>) {
        let catalog = Catalog::shipped();
        let (connector, operation) = catalog.operation(&OperationId::new(id)).unwrap();
        (Arc::clone(connector), Arc::clone(operation))
    }

    #[test]
    fn an_answer_tells_back_what_was_sent_and_has_an_id() {
        let (connector, operation) = operation("highlevel.contacts.create-contact");
        let input = json!({"firstName": "Ada", "email": "ada@example.org"});
        let answer = answer(&connector, &operation, input.as_object().unwrap());
        assert_eq!((&answer["contact"]["firstName"], &answer["contact"]["email"]), (&json!("Ada"), &json!("ada@example.org")));
        assert!(answer["contact"]["id"].is_string(), "{answer}");
    }

    #[test]
    fn a_sentence_says_what_would_have_been_done() {
        let (_, operation) = operation("highlevel.contacts.add-tags");
        let input = json!({"contactId": "c1", "tags": ["vip", "new"]});
        let words = sentence(&operation, input.as_object().unwrap());
        assert!(words.starts_with("Would ") && words.contains("vip, new"), "{words}");
        let without = sentence(&operation, &Map::new());
        assert!(without.contains("(tags)"), "{without}");
    }

    #[test]
    fn what_depends_on_a_made_up_answer_is_known_also_by_way_of_others() {
        let mut flow = Sketch::flow("t.out -> make, make.out -> between, between.out -> last, t.out -> each, each.item -> x");
        let mut set = |id: &str, fields: Mapping| {
            let node = flow.nodes.get_mut(&NodeId::from(id)).unwrap();
            *node = Arc::new(Node { kind: NodeKind::Set { fields }, ..Node::clone(node) });
        };
        set("make", [("a", Binding::expr("t.x"))].into());
        set("between", [("a", Binding::text("id {{ make.id }}")), ("b", Binding::expr("t.x"))].into());
        set("last", [("a", Binding::expr("between.a")), ("b", Binding::expr("t.x")), ("c", Binding::value("make.id"))].into());
        set("x", [("a", Binding::expr("item.n"))].into());
        let of = |root: &str, step: &str| fields(&flow, &BTreeSet::from([NodeId::from(root)]), &NodeId::from(step));
        assert_eq!(of("make", "last"), ["fields.a"]);
        assert_eq!(of("make", "between"), ["fields.a"]);
        assert!(of("make", "make").is_empty() && of("last", "between").is_empty());
        assert_eq!(of("each", "x"), ["fields.a"]);
        assert_eq!(of("t", "last"), ["fields.a", "fields.b"]);
        assert!(fields(&flow, &BTreeSet::new(), &NodeId::from("last")).is_empty());
    }
}
