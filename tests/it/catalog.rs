//! What the shipped catalogue says in expressions, held against the language that evaluates them.
use std::sync::Arc;

use flowyard::catalog::{Catalog, Connector, Kind, MismatchKind, Operation, Reading, Repeat, Schema};
use flowyard::expr::{Data, EvalError, Expr};
use jiff::Timestamp;
use serde_json::{Value, json};

/// When the lost call left.
const STARTED: &str = "2026-03-02T09:29:58.25Z";

fn evaluate(source: &str, roots: &[(&str, &Value)]) -> Result<Value, EvalError> {
    let now: Timestamp = "2026-03-02T09:31:00Z".parse().expect("a time");
    let expression = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let data = roots.iter().fold(Data::new(now), |data, (name, value)| data.with(*name, Arc::new((*value).clone())));
    expression.eval(&data)
}

/// What a call sends: samples of the inputs that are required, and of those that are named.
fn sent(connector: &Connector, operation: &Operation, also: &[&str]) -> Value {
    let asked = operation.inputs.iter().filter(|it| it.fixed.is_none() && (it.required || also.contains(&it.key.as_str())));
    asked.map(|it| (it.key.clone(), it.schema.sample_as(&it.name, connector))).collect()
}

/// Writes values over the texts of the same name, at any depth.
fn lay(answer: &mut Value, over: &Value) {
    match answer {
        Value::Array(list) => list.iter_mut().for_each(|it| lay(it, over)),
        Value::Object(object) => {
            for (key, it) in object.iter_mut() {
                match over.get(key) {
                    Some(value) if it.is_string() => *it = value.clone(),
                    _ => lay(it, over),
                }
            }
        }
        _ => {}
    }
}

/// An answer of this shape with empty lists, and without what need not be.
fn empty(shape: &Schema, connector: &Connector) -> Value {
    if shape.nullable {
        return Value::Null;
    }
    match &connector.resolve(shape).kind {
        Kind::Array { .. } => json!([]),
        Kind::Object { fields, .. } => fields.iter().map(|it| (it.name.clone(), empty(&it.schema, connector))).collect(),
        _ => Value::Null,
    }
}

fn shape_of(operation: &Operation) -> &Schema {
    operation.success[0].schema.as_ref().expect("its answer has a shape")
}

/// Every operation that is looked up, with what it sent.
fn looked_up(mut act: impl FnMut(&Connector, &Operation, &Operation, &flowyard::catalog::Lookup, Value)) {
    for connector in Catalog::shipped().connectors() {
        for operation in connector.operations.values() {
            let Repeat::SafeWithLookup(lookup) = &operation.repeat else { continue };
            let called = connector.operations.get(&lookup.operation).expect("the operation is there");
            let input = sent(connector, operation, &["email", "appointmentStatus"]);
            act(connector, operation, called, lookup, input);
        }
    }
}

#[test]
fn every_look_up_asks_with_values_that_its_operation_takes() {
    looked_up(|connector, operation, called, lookup, input| {
        for (key, source) in &lookup.input {
            let value = match evaluate(source, &[("input", &input), ("started", &json!(STARTED))]) {
                Ok(value) => value,
                // What was not sent is not asked for.
                Err(EvalError::Missing { .. }) => continue,
                Err(error) => panic!("{}: {source}: {error}", operation.id),
            };
            let schema = &called.input(key).expect("it is there").schema;
            assert_eq!(schema.check(&value, connector, Reading::Text), [], "{}: {key}", operation.id);
        }
    });
}

#[test]
fn every_look_up_finds_the_lost_record_in_the_shape_of_the_calls_own_answer() {
    looked_up(|connector, operation, called, lookup, input| {
        let mut answer = shape_of(called).sample(connector);
        lay(&mut answer, &input);
        let found = evaluate(&lookup.found, &[("input", &input), ("answer", &answer), ("started", &json!(STARTED))]);
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", operation.id));
        assert!(!found.is_null(), "{}: nothing found in {answer}", operation.id);
        let mut wrong = shape_of(operation).check(&found, connector, Reading::Typed);
        wrong.retain(|it| it.kind != MismatchKind::Missing);
        assert_eq!(wrong, [], "{}: {found}", operation.id);
    });
}

#[test]
fn no_look_up_finds_anything_in_an_empty_answer_or_takes_another_record_for_the_lost_one() {
    looked_up(|connector, operation, called, lookup, input| {
        let strange: Value = input.as_object().expect("an object").keys().map(|key| (key.clone(), json!("other"))).collect();
        let mut other = shape_of(called).sample(connector);
        lay(&mut other, &strange);
        if !other["contact"].is_null() {
            // It is asked for one contact, by its e-mail address; one that was there before is none of ours.
            other["contact"]["dateAdded"] = json!("2026-03-02T09:20:00.000Z");
        }
        for answer in [empty(shape_of(called), connector), other] {
            let found = evaluate(&lookup.found, &[("input", &input), ("answer", &answer), ("started", &json!(STARTED))]);
            assert_eq!(found.as_ref().ok(), Some(&Value::Null), "{}: {found:?} in {answer}", operation.id);
        }
    });
}

#[test]
fn a_task_is_found_whatever_way_the_service_writes_its_time() {
    let catalog = Catalog::shipped();
    let connector = catalog.connectors().find(|it| it.id.as_str() == "highlevel").expect("it ships");
    let create = connector.operations.values().find(|it| it.id.as_str().ends_with(".create-task")).expect("it is there");
    let Repeat::SafeWithLookup(lookup) = &create.repeat else { panic!("it is looked up") };
    let input = json!({"title": "Call", "dueDate": "2026-03-02T10:30:00+01:00"});
    for (due, expected) in [
        ("2026-03-02T09:30:00.000Z", true),
        ("2026-03-02T09:30:00Z", true),
        ("2026-03-02T10:30:00+01:00", true),
        ("2026-03-02T10:30:00.000Z", false),
    ] {
        let answer =
            json!({"tasks": [{"id": "t", "title": "Call", "dueDate": due}, {"id": "u", "title": "Write", "dueDate": due}]});
        let found = evaluate(&lookup.found, &[("input", &input), ("answer", &answer), ("started", &json!(STARTED))]);
        let id = found.expect("it evaluates")["task"]["id"].clone();
        assert_eq!(id, if expected { json!("t") } else { Value::Null }, "{due}");
    }
}

#[test]
fn an_old_note_of_the_same_words_is_not_the_lost_one() {
    let catalog = Catalog::shipped();
    let connector = catalog.connectors().find(|it| it.id.as_str() == "highlevel").expect("it ships");
    let create = connector.operations.values().find(|it| it.id.as_str().ends_with(".create-note")).expect("it is there");
    let Repeat::SafeWithLookup(lookup) = &create.repeat else { panic!("it is looked up") };
    let input = json!({"body": "Called"});
    for (added, expected) in
        [("2026-03-02T09:30:01.000Z", true), ("2026-03-02T09:29:00.000Z", true), ("2026-03-01T09:30:01.000Z", false)]
    {
        let older = json!({"id": "old", "body": "Called", "dateAdded": "2025-01-01T00:00:00.000Z"});
        let answer = json!({"notes": [older, {"id": "new", "body": "Called", "dateAdded": added}]});
        let found = evaluate(&lookup.found, &[("input", &input), ("answer", &answer), ("started", &json!(STARTED))]);
        let id = found.expect("it evaluates")["note"]["id"].clone();
        assert_eq!(id, if expected { json!("new") } else { Value::Null }, "{added}");
    }
}
