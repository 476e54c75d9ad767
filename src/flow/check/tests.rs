//! Problems, one by one in tables, and that any flow can be checked.
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::catalog::{Connector, OperationId};
use crate::flow::schedule::{Missed, Schedule};
use crate::flow::testing::arbitrary::{edits, flows};
use crate::flow::testing::{Sketch, id};
use crate::flow::{Binding, Edit, FieldPath, Mapping, Missing, Node, NodeKind, Source, Trigger, Watch};

/// Two connectors; one with an operation that has an input of each sort.
fn catalog() -> Catalog {
    let input = |key: &str, place: &str, schema: Value| json!({"key": key, "name": key, "place": place, "schema": schema});
    let required = |mut input: Value| {
        input["required"] = true.into();
        input
    };
    let mut version = required(input("Version", "header", json!({"type": "string"})));
    version["fixed"] = "2021-07-28".into();
    let mut location = required(input("locationId", "body", json!({"type": "string"})));
    location["account"] = "location_id".into();
    let mut email = required(input("email", "body", json!({"type": "string"})));
    email["title"] = "Email".into();
    let address = json!({"type": "object", "fields": [
        {"name": "city", "type": "string", "required": true}, {"name": "zip", "type": "string", "nullable": true}
    ]});
    let connector = json!({
        "id": "crm", "title": "CRM", "environments": [], "auth": [],
        "schemas": {"Address": address},
        "operations": [
            {
                "id": "crm.contacts.get", "title": "Get contact", "group": "Contacts", "method": "GET", "path": "/contacts/{id}",
                "inputs": [required(input("id", "path", json!({"type": "string"}))), input("limit", "query", json!({"type": "integer"}))],
                "repeat": {"repeat": "safe"}
            },
            {
                "id": "crm.contacts.create", "title": "Create contact", "group": "Contacts", "method": "POST", "path": "/contacts/",
                "inputs": [
                    email, version, location,
                    input("age", "body", json!({"type": "integer"})),
                    input("vip", "body", json!({"type": "boolean"})),
                    input("score", "body", json!({"type": "number", "nullable": true})),
                    input("tags", "body", json!({"type": "array", "items": {"type": "string", "enum": ["new", "old"]}})),
                    input("source", "body", json!({"type": "string", "enum": ["web", "phone"]})),
                    input("address", "body", json!({"type": "ref", "ref": "Address"})),
                    input("either", "body", json!({"type": "one_of", "of": [{"type": "string"}, {"type": "boolean"}]}))
                ],
                "body": "json", "repeat": {"repeat": "unsafe"}, "deprecated": false
            },
            {
                "id": "crm.contacts.old", "title": "Old way", "group": "Contacts", "method": "GET", "path": "/old",
                "repeat": {"repeat": "safe"}, "deprecated": true
            }
        ]
    });
    let other = json!({"id": "calendar", "title": "Calendar", "environments": [], "auth": []});
    [connector, other].into_iter().map(|it| serde_json::from_value::<Connector>(it).expect("a connector")).collect()
}

fn problems(flow: &Flow) -> Vec<String> {
    flow.check(&catalog(), &CheckContext::default()).iter().map(ToString::to_string).collect()
}

/// A sketch with some fields filled otherwise.
fn filled(sketch: &str, fields: &[(&str, &str, Binding)]) -> Flow {
    let mut flow = Sketch::flow(sketch);
    for (node, field, binding) in fields {
        let edit = Edit::Bind { node: id(node), field: FieldPath::from(*field), binding: Some(binding.clone()) };
        flow.apply(edit).expect("a field");
    }
    flow
}

/// A sketch with one node that does something else.
fn with(sketch: &str, node: &str, kind: Value) -> Flow {
    let mut flow = Sketch::flow(sketch);
    let kind = serde_json::from_value::<NodeKind>(kind).expect("a kind");
    flow.apply(Edit::SetKind { id: id(node), kind }).expect("a node");
    flow
}

fn create(input: Mapping) -> Flow {
    let mut flow = Sketch::flow("t.out -> a");
    let kind = NodeKind::Action {
        operation: OperationId::new("crm.contacts.create"),
        slot: "crm".into(),
        input,
        retry: crate::flow::RetryPolicy::default(),
    };
    flow.apply(Edit::SetKind { id: id("a"), kind }).expect("a node");
    flow
}

#[test]
fn a_sound_flow_has_no_problems() {
    let sketches = [
        "t.out -> a",
        "t.out -> if_x, if_x.true -> a, if_x.false -> b, a.out -> join_z, b.out -> join_z",
        "t.out -> each, each.item -> a, a.out -> b, each.done -> c",
        "t.out -> a, a.error -> stop_z, t2.out -> a",
    ];
    for sketch in sketches {
        assert_eq!(problems(&Sketch::flow(sketch)), [""; 0], "{sketch}");
    }
}

#[test]
fn the_shape_of_a_flow() {
    let cases: &[(&str, &[&str])] = &[
        ("", &["error: the flow has no trigger, so nothing ever starts it. Add a trigger."]),
        ("t!.out -> a", &["error: every trigger of the flow is muted, so nothing ever starts it. Unmute one."]),
        ("t.out -> a, b", &["warning in b: no trigger leads to \"b\", so it never runs. Connect it, or delete it."]),
        (
            "t.out -> a, a.out -> b, b.out -> a",
            &[
                "error in a: the flow goes in a circle: \"a\" → \"b\" → \"a\". Take one of these edges away. To repeat steps for each of several things, use a for-each.",
            ],
        ),
        (
            "t.out -> a, a.out -> a",
            &[
                "error in a: \"a\" leads to itself. Take one of these edges away. To repeat steps for each of several things, use a for-each.",
            ],
        ),
        (
            "t.out -> if_x, if_x.ture -> a, if_x.maybe -> b",
            &[
                "error in if_x: \"if_x\" has no way out called \"maybe\". It has true, false, error.",
                "error in if_x: \"if_x\" has no way out called \"ture\". Did you mean \"true\"?",
            ],
        ),
        (
            "t.out -> stop_x, stop_x.out -> a",
            &["error in stop_x: \"a\" comes after a stop and never runs. Take the edge away, or the stop."],
        ),
        (
            "t.out -> a, a.out -> t2",
            &["error in t2: an edge leads from \"a\" into a trigger. A trigger begins a run: take the edge away."],
        ),
        (
            "t.out -> Bad",
            &[
                "error in Bad: expressions cannot speak of a node with the id \"Bad\". Use lower-case letters, digits and _, a letter first, at most 64, and no word with a meaning of its own.",
            ],
        ),
        (
            "t.out -> each, each.item -> a, each.done -> a",
            &[
                "error in a: \"a\" is reached both from \"item\" and from \"done\" of \"each\". Let what comes after all items hang on \"done\", and only what is repeated on \"item\".",
            ],
        ),
        (
            "t.out -> each, each.item -> a, t.out -> b, b.out -> a",
            &[
                "error in a: \"a\" runs for each item of \"each\", but \"b\" outside of it leads there too. Let what comes after all items hang on \"done\", and only what is repeated on \"item\".",
            ],
        ),
    ];
    for (sketch, expected) in cases {
        assert_eq!(problems(&Sketch::flow(sketch)), *expected, "{sketch}");
    }
}

#[test]
fn what_an_expression_speaks_of_must_be_there_in_time() {
    // The flow, the node whose field `input.id` is the expression, the expression, the problem.
    let cases: &[(&str, &str, &str, &str)] = &[
        ("t.out -> a, a.out -> b", "b", "a.id ~ t.x ~ run.id", ""),
        ("t.out -> a, a.out -> b", "b", "aa.id", "there is no step \"aa\". Did you mean \"a\"?"),
        (
            "t.out -> a, a.out -> b",
            "b",
            "nothing_like_it.id",
            "there is no step \"nothing_like_it\". A step is spoken of by its id.",
        ),
        (
            "t.out -> a, a.out -> b",
            "b",
            "nothing_like_it.id | default('x')",
            "there is no step \"nothing_like_it\". A step is spoken of by its id.",
        ),
        ("t.out -> a, a.out -> b", "b", "run.flw", "\"run\" has no \"flw\". It has id, flow, started."),
        ("t.out -> a", "a", "a.id", "a step cannot speak of its own output. Speak of a step before it."),
        (
            "t.out -> a, a.out -> b",
            "a",
            "b.id",
            "\"b\" comes after this step. Speak of a step before this one, or move this behind it.",
        ),
        (
            "t.out -> a, t.out -> b",
            "a",
            "b.id",
            "\"b\" does not lead here, so it may not have run yet. Connect it so that it comes first.",
        ),
        (
            "t.out -> if_x, if_x.true -> a, if_x.false -> join_x, a.out -> join_x, join_x.out -> b",
            "b",
            "a.id",
            "\"a\" may not have run when this does. Choose what happens then: skip the field or give a default, or move this where it has surely run.",
        ),
        ("t.out -> if_x, if_x.true -> a, if_x.false -> join_x, a.out -> join_x, join_x.out -> b", "b", "a.id | default('x')", ""),
        ("t.out -> if_x, if_x.true -> a, if_x.false -> join_x, a.out -> join_x, join_x.out -> b", "b", "if_x", ""),
        (
            "t.out -> a, a.error -> b",
            "b",
            "a.id",
            "\"a\" may not have run when this does. Choose what happens then: skip the field or give a default, or move this where it has surely run.",
        ),
        ("t.out -> a, t.out -> b, a.out -> join_x, b.out -> join_x, join_x.out -> c", "c", "a.id ~ b.id", ""),
        (
            "t.out -> a, t.out -> b, a.out -> first_x, b.out -> first_x, first_x.out -> c",
            "c",
            "a.id",
            "\"a\" may not have run when this does. Choose what happens then: skip the field or give a default, or move this where it has surely run.",
        ),
        (
            "t.out -> a, t2.out -> a",
            "a",
            "t.email",
            "\"t\" may not have run when this does. Choose what happens then: skip the field or give a default, or move this where it has surely run.",
        ),
        ("t.out -> a!, a.out -> b", "b", "a.id", "\"a\" is muted and gives nothing. Unmute it, or give a default."),
        ("t.out -> each, each.item -> a, a.out -> b", "b", "item.id ~ index ~ a.id ~ each.index ~ t.x", ""),
        (
            "t.out -> each, each.item -> a",
            "a",
            "each.results",
            "while its items run, \"each\" has no \"results\". It has item, index.",
        ),
        ("t.out -> each, each.item -> a, each.done -> b", "b", "each.results", ""),
        (
            "t.out -> each, each.item -> a, each.done -> b",
            "b",
            "a.id",
            "\"a\" runs once for each item of \"each\", and its outputs are not known outside. Let \"each\" collect what is needed and speak of \"each.results\".",
        ),
        (
            "t.out -> each, each.item -> a, each.done -> b",
            "b",
            "item.id",
            "\"item\" is known only inside of a for-each. Move this behind the port \"item\" of a for-each.",
        ),
        ("t.out -> a, a.error -> b", "b", "error.title", ""),
        (
            "t.out -> a, a.error -> b, a.out -> b",
            "b",
            "error.title",
            "\"error\" is known only behind a failure, and this can be reached without one. Choose what happens then: skip the field or give a default, or move this where it has surely run.",
        ),
        (
            "t.out -> a",
            "a",
            "error.title",
            "\"error\" is known only behind the port \"error\" of a step. Connect this to the port \"error\" of the step whose failure it handles.",
        ),
        ("t.out -> a", "a", "t.x +", "SYNTAX"),
    ];
    for (sketch, node, source, expected) in cases {
        let found = problems(&filled(sketch, &[(node, "input.id", Binding::expr(*source))]));
        match *expected {
            "" => assert_eq!(found, [""; 0], "{source} in {sketch}"),
            "SYNTAX" => assert!(found.len() == 1 && found[0].starts_with("error in a, input.id: "), "{found:?}"),
            expected => assert_eq!(found, [format!("error in {node}, input.id: {expected}")], "{source} in {sketch}"),
        }
    }
}

#[test]
fn a_skip_or_a_default_answers_for_what_may_be_missing_but_not_for_what_never_is_there() {
    let sketch = "t.out -> if_x, if_x.true -> a, if_x.false -> join_x, a.out -> join_x, join_x.out -> b";
    let bound = |source: &str, missing| {
        let flow = filled(sketch, &[("b", "input.id", Binding::expr(source).missing(missing))]);
        flow.check(&catalog(), &CheckContext::default()).into_iter().map(|it| (it.severity, it.code)).collect::<Vec<_>>()
    };
    assert_eq!(bound("a.id", Missing::Stop), [(Severity::Error, "may_not_run")]);
    assert_eq!(bound("a.id", Missing::Default(json!("x"))), []);
    assert_eq!(bound("a.id", Missing::Skip), [(Severity::Warning, "may_be_skipped")]);
    assert_eq!(bound("item.id", Missing::Default(json!("x"))), [(Severity::Warning, "outside_for_each")]);
}

#[test]
fn what_is_collected_is_seen_from_the_end_of_an_item() {
    let sketch = "t.out -> each, each.item -> a, a.out -> if_x, if_x.true -> b, each.done -> c";
    let collected = |source: &str| problems(&filled(sketch, &[("each", "collect", Binding::expr(source))]));
    assert_eq!(collected("a.id ~ item.id ~ index ~ t.x ~ if_x ~ each.index"), [""; 0]);
    assert_eq!(collected("b.id").len(), 1);
    assert!(collected("b.id")[0].contains("may not have run"));
    assert!(collected("c.id")[0].contains("comes after this step"));
}

#[test]
fn a_problem_has_its_place_in_the_text() {
    let list = Source::List(vec![Binding::value("x"), Binding::text("Hi {{ nobody.name }}!")]);
    let flow = filled("t.out -> a", &[("a", "input.limit", Binding::from(list))]);
    let found = flow.check(&catalog(), &CheckContext::default());
    let unknown = found.iter().find(|it| it.code == "unknown_name").expect("a problem");
    assert_eq!(unknown.place, "input.limit.1");
    assert_eq!(unknown.span.clone().map(|it| &"Hi {{ nobody.name }}!"[it]), Some("nobody.name"));
}

#[test]
fn inputs_are_held_against_what_the_operation_takes() {
    let email = || ("email", Binding::value("a@example.com"));
    let cases: Vec<(Mapping, &[&str])> = vec![
        (Mapping::from([email()]), &[]),
        (Mapping::default(), &["error in a, input.email: \"Email\" is not filled in. CRM asks for it."]),
        (
            Mapping::from([("email", Binding::expr("t.email").missing(Missing::Skip))]),
            &[
                "warning in a, input.email: \"Email\" is required, and is left out when its value is missing. Give a default, or let the step stop.",
            ],
        ),
        (
            Mapping::from([email(), ("emial", Binding::value("x"))]),
            &["error in a, input.emial: \"Create contact\" takes no input \"emial\". Did you mean \"email\"?"],
        ),
        (
            Mapping::from([email(), ("age", Binding::value("41"))]),
            &["error in a, input.age: this should be a whole number, but is text. Change the value, or leave the field out."],
        ),
        (
            Mapping::from([email(), ("age", Binding::value(4.5))]),
            &["error in a, input.age: this should be a whole number, but is a number. Change the value, or leave the field out."],
        ),
        (Mapping::from([email(), ("age", Binding::value(4.0)), ("score", Binding::value(Value::Null))]), &[]),
        (
            Mapping::from([email(), ("age", Binding::value(Value::Null))]),
            &["error in a, input.age: this should be a whole number, but is null. Change the value, or leave the field out."],
        ),
        (
            Mapping::from([email(), ("age", Binding::text("{{ t.age }}"))]),
            &[
                "warning in a, input.age: this gives text, and the service expects a whole number. Use an expression in place of text: it keeps the type.",
            ],
        ),
        (
            Mapping::from([email(), ("source", Binding::value("wbe"))]),
            &[
                "error in a, input.source: this should be one of web, phone, but is wbe. Choose one of the values that the service takes.",
            ],
        ),
        (
            Mapping::from([email(), ("source", Binding::text("letter"))]),
            &[
                "error in a, input.source: this should be one of web, phone, but is letter. Choose one of the values that the service takes.",
            ],
        ),
        (
            Mapping::from([email(), ("tags", Binding::value(json!(["new", "strange"])))]),
            &[
                "error in a, input.tags.1: this should be one of new, old, but is strange. Choose one of the values that the service takes.",
            ],
        ),
        (
            Mapping::from([email(), ("tags", Binding::value("new"))]),
            &["error in a, input.tags: this should be a list, but is text. Change the value, or leave the field out."],
        ),
        (
            Mapping::from([email(), ("address", Binding::value(json!({"ctiy": "Bern", "zip": null})))]),
            &[
                "warning in a, input.address.city: the service asks for this, and it is not there. Fill it in.",
                "warning in a, input.address.ctiy: the service names no field \"ctiy\" here. Did you mean \"city\"?",
            ],
        ),
        (
            Mapping::from([email(), ("address", Binding::from(Source::Object([("city".to_owned(), Binding::value(1))].into())))]),
            &["error in a, input.address.city: this should be text, but is a number. Change the value, or leave the field out."],
        ),
        (Mapping::from([email(), ("either", Binding::value(true))]), &[]),
        (
            Mapping::from([email(), ("either", Binding::value(1))]),
            &["error in a, input.either: this should be text, but is a number. Change the value, or leave the field out."],
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(problems(&create(input.clone())), expected, "{input:?}");
    }
    // Outside of a body all is text on the wire.
    let flow = filled("t.out -> a", &[("a", "input.limit", Binding::value("20")), ("a", "input.id", Binding::value(7))]);
    assert_eq!(problems(&flow), [""; 0]);
    let flow = filled("t.out -> a", &[("a", "input.limit", Binding::value("many")), ("a", "input.id", Binding::value(" "))]);
    assert_eq!(
        problems(&flow),
        [
            "error in a, input.id: \"ID\" is empty. It is a part of the address: fill it in.",
            "error in a, input.limit: this should be a whole number, but is text. Change the value, or leave the field out.",
        ]
    );
}

#[test]
fn operations_slots_and_connections() {
    let action = |operation: &str, slot: &str| {
        with("t.out -> a", "a", json!({"kind": "action", "operation": operation, "slot": slot, "input": {"id": {"value": "1"}}}))
    };
    let cases = [
        (
            "crm.contacts.gte",
            "crm",
            "error in a, operation: CRM has no operation \"crm.contacts.gte\". Did you mean \"crm.contacts.get\"?",
        ),
        ("cmr.contacts.get", "crm", "error in a, operation: there is no connector \"cmr\". Did you mean \"crm\"?"),
        ("crm.contacts.get", "cmr", "error in a, slot: the flow has no slot \"cmr\". Did you mean \"crm\"?"),
        (
            "crm.contacts.get",
            "desk",
            "error in a, slot: the slot \"desk\" is for calendar, and this calls crm. Choose a slot of the same service.",
        ),
    ];
    for (operation, slot, expected) in cases {
        let mut flow = action(operation, slot);
        flow.slots.insert("desk".into(), crate::catalog::ConnectorId::new("calendar"));
        let found = problems(&flow);
        assert!(found.contains(&expected.to_owned()), "{found:?}");
    }
    let mut flow = action("crm.contacts.old", "crm");
    assert!(problems(&flow).contains(
        &"warning in a, operation: CRM advises against \"Old way\". Look for the operation that took its place.".to_owned()
    ));
    flow.slots.insert("crm".into(), crate::catalog::ConnectorId::new("crn"));
    assert!(problems(&flow).contains(&"error in slots.crm: there is no connector \"crn\". Did you mean \"crm\"?".to_owned()));

    let bound = BTreeSet::new();
    let context = CheckContext { bound: Some(&bound), known_flows: None };
    let found: Vec<_> = Sketch::flow("t.out -> a").check(&catalog(), &context).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["error in slots.crm: no connection is chosen for \"crm\" (crm). Choose or make a connection for it."]);
    let bound = ["crm".into()].into();
    let context = CheckContext { bound: Some(&bound), known_flows: None };
    assert_eq!(Sketch::flow("t.out -> a").check(&catalog(), &context), []);
}

#[test]
fn hooks_and_their_answers() {
    let hook = |path: &str| json!({"kind": "trigger", "trigger": "webhook", "path": path});
    for (path, why) in [
        ("", "it is empty"),
        ("/a", "it begins or ends with /"),
        ("a//b", "one of its parts is empty or only dots"),
        ("a/../b", "one of its parts is empty or only dots"),
        ("a b", "it holds a character that URLs write in several ways"),
        ("über", "it holds a character that URLs write in several ways"),
        (&"x".repeat(201), "it is longer than 200 characters"),
    ] {
        let found = problems(&with("t.out -> a", "t", hook(path)));
        assert!(found.len() == 1 && found[0].contains(why), "{path}: {found:?}");
    }
    assert_eq!(problems(&with("t.out -> a", "t", hook("crm/new-contact_2.x~"))), [""; 0]);

    let mut flow = with("t.out -> a, t2.out -> a", "t", hook("same"));
    let kind = serde_json::from_value(hook("same")).unwrap();
    flow.apply(Edit::SetKind { id: id("t2"), kind }).unwrap();
    assert_eq!(problems(&flow), ["error in t2, path: \"t\" listens on the hook \"same\" too. Give one of them another path."]);
    flow.apply(Edit::SetMuted { id: id("t"), muted: true }).unwrap();
    assert_eq!(problems(&flow), [""; 0]);

    let respond = json!({"kind": "respond", "status": {"value": 200}, "body": {"value": "ok"}});
    let mut flow = with("t.out -> a", "a", respond);
    assert_eq!(
        problems(&flow),
        ["warning in a: nobody waits for this answer. Let a webhook trigger before it answer with what the flow says."]
    );
    let answers = json!({"kind": "trigger", "trigger": "webhook", "path": "x", "answer": "flow"});
    flow.apply(Edit::SetKind { id: id("t"), kind: serde_json::from_value(answers).unwrap() }).unwrap();
    assert_eq!(problems(&flow), [""; 0]);
}

#[test]
fn settings_that_make_no_sense() {
    let cases = [
        (
            json!({"kind": "for_each", "items": {"value": []}, "parallel": 0}),
            "error in a, parallel: no item could ever run: none at a time. 1 is one after the other.",
        ),
        (
            json!({"kind": "for_each", "items": {"value": "abc"}}),
            "error in a, items: a for-each needs a list, and this is none. Use an expression that leads to a list.",
        ),
        (json!({"kind": "wait", "duration": {"value": "2 moons"}}), "error in a, duration: "),
        (json!({"kind": "wait", "until": {"text": "someday"}}), "error in a, until: "),
        (
            json!({"kind": "lookup", "key": {"value": 1}, "rows": []}),
            "warning in a, rows: the table is empty, so nothing is ever found. Add a row.",
        ),
        (
            json!({"kind": "lookup", "key": {"value": 1}, "rows": [{"key": "x", "value": 1}, {"key": "x", "value": 2}]}),
            "warning in a, rows.1: \"x\" is there twice; only the first row is ever found. Take one of them away.",
        ),
        (
            json!({"kind": "switch", "value": {"value": 1}, "cases": []}),
            "warning in a, cases: a switch without cases always leaves through \"else\". Add a case.",
        ),
        (
            json!({"kind": "switch", "value": {"value": 1}, "cases": [{"port": "else", "equals": {"value": 1}}]}),
            "error in a, cases.else: a case cannot be called \"else\": every switch has that way out. Give it another name.",
        ),
        (
            json!({"kind": "switch", "value": {"value": 1}, "cases": [{"port": "x", "equals": {"value": 1}}, {"port": "x", "equals": {"value": 2}}]}),
            "error in a, cases.x: two cases are called \"x\". Give one of them another name.",
        ),
        (
            json!({"kind": "approval", "message": {"value": " "}}),
            "warning in a, message: whoever is asked to agree is not told to what. Say what is about to happen, and to whom.",
        ),
        (
            json!({"kind": "respond", "status": {"value": 99}, "body": {"value": ""}}),
            "error in a, status: a status is a whole number from 200 to 599. 200 is usual.",
        ),
        (
            json!({"kind": "sub_flow", "flow": "sketch"}),
            "error in a, flow: the flow would run itself, without end. Choose another flow.",
        ),
        (json!({"kind": "sub_flow", "flow": ""}), "error in a, flow: no flow is chosen. Choose the flow to run."),
        (
            json!({"kind": "http", "method": "GET", "url": {"value": "ftp://x/"}}),
            "error in a, url: a request goes to an http or https address. Begin it with https://.",
        ),
        (
            json!({"kind": "http", "method": "GET", "url": {"value": "no url"}}),
            "error in a, url: this is no URL: relative URL without a base. Begin it with https://.",
        ),
        (
            json!({"kind": "http", "method": "GET", "url": {"value": "http://x/"}, "headers": {"Authorization": {"value": "Bearer abc"}}}),
            "warning in a, headers.Authorization: \"Authorization\" seems to hold a secret, and flow files are shared. Use a connection: it keeps the secret out of the file and signs the request.",
        ),
        (
            json!({"kind": "http", "method": "GET", "url": {"value": "http://x/"}, "retry": {"attempts": 0}}),
            "error in a, retry.attempts: no attempts at all: it could never run. 1 is once, and never again.",
        ),
        (
            json!({"kind": "http", "method": "GET", "url": {"value": "http://x/"}, "retry": {"attempts": 3, "first_ms": 10, "longest_ms": 5}}),
            "warning in a, retry.longest_ms: the longest wait is shorter than the first. Make it longer.",
        ),
    ];
    for (kind, expected) in cases {
        let found = problems(&with("t.out -> a", "a", kind.clone()));
        assert!(found.iter().any(|it| it.starts_with(expected)), "{kind}\n  {found:?}");
    }
    let fine = [
        json!({"kind": "wait", "duration": {"value": "2 days"}}),
        json!({"kind": "wait", "until": {"value": "2026-03-01T09:00:00+01:00"}}),
        json!({"kind": "wait", "duration": {"expr": "t.wait"}}),
        json!({"kind": "http", "method": "GET", "url": {"text": "{{ t.url }}"}, "headers": {"Authorization": {"expr": "t.header"}}}),
        json!({"kind": "script", "code": "let x = input.a;\nx + 1", "input": {"a": {"value": 1}}}),
    ];
    for kind in fine {
        assert_eq!(problems(&with("t.out -> a", "a", kind.clone())), [""; 0], "{kind}");
    }
}

#[test]
fn a_script_that_cannot_be_read_names_its_line() {
    let code = "let x = 1;\nlet = 2;\nx";
    let flow = with("t.out -> a", "a", json!({"kind": "script", "code": code}));
    let found = flow.check(&catalog(), &CheckContext::default());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, found[0].place.as_str()), ("script", "code"));
    assert!(found[0].message.starts_with("line 2: "), "{}", found[0].message);
    assert_eq!(found[0].span.clone().map(|it| &code[it]), Some("let = 2;"));
}

#[test]
fn a_flow_that_is_not_known_is_named_with_the_nearest_that_is() {
    let flow = with("t.out -> a", "a", json!({"kind": "sub_flow", "flow": "welcom"}));
    assert_eq!(problems(&flow), [""; 0]);
    let known = ["welcome".into(), "bye".into()].into();
    let context = CheckContext { bound: None, known_flows: Some(&known) };
    let found: Vec<_> = flow.check(&catalog(), &context).iter().map(ToString::to_string).collect();
    assert_eq!(found, ["error in a, flow: there is no flow \"welcom\" here. Did you mean \"welcome\"?"]);
}

#[test]
fn problems_of_a_muted_node_are_warnings() {
    let mut flow = create(Mapping::default());
    flow.apply(Edit::SetMuted { id: id("a"), muted: true }).unwrap();
    let found = flow.check(&catalog(), &CheckContext::default());
    assert_eq!(found.iter().map(|it| it.severity).collect::<Vec<_>>(), [Severity::Warning]);
}

#[test]
fn problems_come_in_the_order_in_which_nodes_run() {
    let flow =
        filled("t.out -> z, z.out -> a, b", &[("z", "input.id", Binding::expr("q")), ("a", "input.id", Binding::expr("q"))]);
    let nodes: Vec<_> = flow.check(&catalog(), &CheckContext::default()).into_iter().map(|it| it.node).collect();
    assert_eq!(nodes, [Some(id("b")), Some(id("z")), Some(id("a"))]);
    let flow = Sketch::flow("a.out -> b");
    let nodes: Vec<_> = flow.check(&catalog(), &CheckContext::default()).into_iter().map(|it| it.node).collect();
    assert_eq!(nodes, [None, Some(id("a")), Some(id("b"))]);
}

#[test]
fn a_thousand_nodes_are_checked_in_a_moment() {
    let mut sketch = String::from("t.out -> a0");
    for at in 0..999 {
        use std::fmt::Write as _;
        write!(sketch, ", a{at}.out -> a{}, a{at}.error -> oops", at + 1).unwrap();
    }
    let mut flow = Sketch::flow(&sketch);
    for at in 1..1000 {
        let binding = Binding::text(format!("{{{{ a{}.contact.email | lower }}}} and {{{{ t.body.id }}}}", at / 2));
        flow.nodes.insert(id(&format!("a{at}")), {
            let mut node = Node::clone(&flow.nodes[&id(&format!("a{at}"))]);
            if let NodeKind::Action { input, .. } = &mut node.kind {
                input.0.insert("id".to_owned(), binding);
            }
            Arc::new(node)
        });
    }
    let (catalog, context) = (catalog(), CheckContext::default());
    let mut checker = Checker::default();
    for _ in 0..3 {
        let before = std::time::Instant::now();
        assert_eq!(checker.check(&flow, &catalog, &context), []);
        println!("{} nodes in {:?}", flow.nodes.len(), before.elapsed());
        // Quadratic work would take far longer, also without optimisation on a busy machine.
        assert!(before.elapsed() < std::time::Duration::from_secs(2));
        flow.apply(Edit::SetName("Other".to_owned())).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_flow_is_checked_and_its_problems_are_within_it(flow in flows()) {
        let problems = flow.check(&catalog(), &CheckContext::default());
        prop_assert_eq!(&problems, &flow.check(&catalog(), &CheckContext::default()));
        for problem in &problems {
            prop_assert!(problem.node.as_ref().is_none_or(|id| flow.nodes.contains_key(id)));
            prop_assert!(!problem.message.is_empty() && !problem.code.is_empty());
            prop_assert!(!problem.message.ends_with('.'), "{}", problem);
        }
    }

    #[test]
    fn checking_again_after_edits_says_what_a_new_check_says(flow in flows(), edits in prop::collection::vec(edits(), 1..8)) {
        let (catalog, context, mut flow) = (catalog(), CheckContext::default(), flow);
        let mut checker = Checker::default();
        for edit in edits {
            prop_assert_eq!(checker.check(&flow, &catalog, &context), flow.check(&catalog, &context));
            // Edits of what is not there are refused, and change nothing.
            flow.apply(edit).unwrap_or_default();
        }
        prop_assert_eq!(checker.check(&flow, &catalog, &context), flow.check(&catalog, &context));
    }

    #[test]
    fn where_things_sit_makes_no_difference(flow in flows()) {
        let mut moved = flow.clone();
        moved.layout.clear();
        prop_assert_eq!(flow.check(&catalog(), &CheckContext::default()), moved.check(&catalog(), &CheckContext::default()));
    }
}

#[test]
fn an_event_is_one_of_the_catalogue_at_a_slot_of_its_service_with_what_it_asks_for() {
    let catalog = Catalog::shipped();
    let check = |event: &str, slot: &str, input: Value| {
        let mut flow = Sketch::flow("t.out -> a");
        flow.slots = [("crm", "highlevel"), ("calendar", "schedule_it")]
            .map(|(id, connector)| (id.into(), crate::catalog::ConnectorId::new(connector)))
            .into();
        let input = serde_json::from_value(input).unwrap();
        let trigger = Trigger::Event {
            event: OperationId::new(event),
            slot: slot.into(),
            input,
            watch: Watch::default(),
            sample: Value::Null,
        };
        flow.apply(Edit::SetKind { id: id("t"), kind: NodeKind::Trigger(trigger) }).unwrap();
        let problems = flow.check(&catalog, &CheckContext::default());
        let of_trigger = problems.iter().filter(|it| it.node == Some(id("t")));
        of_trigger.map(|it| format!("{} {}: {}", it.code, it.place, it.hint)).collect::<Vec<_>>().join("; ")
    };
    let moved = "highlevel.poll.appointment-changed";
    for (event, slot, input, found) in [
        ("highlevel.webhook.ContactCreate", "crm", json!({}), ""),
        (moved, "crm", json!({"calendarId": "c"}), ""),
        (moved, "crm", json!({"calendarId": ""}), "required input.calendarId: "),
        (
            moved,
            "crm",
            json!({"calendarId": "c", "calenderId": "c"}),
            "unknown_field input.calenderId: Did you mean \"calendarId\"?",
        ),
        (
            "highlevel.webhook.ContactCreated",
            "crm",
            json!({}),
            "unknown_event event: Did you mean \"highlevel.webhook.ContactCreate\"?",
        ),
        ("highlevel.webhook.ContactCreate", "calendar", json!({}), "other_connector slot: "),
        ("highlevel.webhook.ContactCreate", "desk", json!({}), "unknown_slot slot: "),
    ] {
        let problems = check(event, slot, input.clone());
        assert!(problems.starts_with(found) && problems.is_empty() == found.is_empty(), "{event} {slot} {input}: {problems}");
    }
}

#[test]
fn a_date_that_comes_is_one_of_a_record_at_a_time_that_can_be_told() {
    let check = |event: &str, watch: Value| {
        let mut flow = Sketch::flow("t.out -> a");
        flow.slots = [("crm".into(), crate::catalog::ConnectorId::new("highlevel"))].into();
        let trigger = Trigger::Event {
            event: OperationId::new(event),
            slot: "crm".into(),
            input: serde_json::from_value(json!({})).unwrap(),
            watch: serde_json::from_value(watch).unwrap(),
            sample: Value::Null,
        };
        flow.apply(Edit::SetKind { id: id("t"), kind: NodeKind::Trigger(trigger) }).unwrap();
        let problems = flow.check(&Catalog::shipped(), &CheckContext::default());
        let of_trigger = problems.into_iter().filter(|it| it.node == Some(id("t")));
        of_trigger.map(|it| format!("{} {}: {}", it.code, it.place, it.message)).collect::<Vec<_>>().join("; ")
    };
    let comes = "highlevel.poll.contact-date";
    let birthday = json!({"field": "dateOfBirth", "yearly": true, "at": "9:00", "zone": "UTC"});
    for (event, watch, found) in [
        (comes, json!({"ahead": "3 days", "date": birthday}), ""),
        (comes, json!({"ahead": "-1 month", "date": birthday}), ""),
        (comes, json!({}), "watch watch.date: no date is chosen"),
        (comes, json!({"date": {"zone": "UTC"}}), "watch watch.date.field: no date is chosen"),
        (comes, json!({"date": {"field": "d", "at": "9", "zone": "UTC"}}), "watch watch.date.at: \"9\" is no time of a day"),
        (comes, json!({"date": {"field": "d"}}), "watch watch.date.zone: no zone is chosen"),
        (comes, json!({"ahead": "soon", "date": birthday}), "watch watch.ahead: \"soon\" is not how long before the date"),
        ("highlevel.poll.task-due", json!({"date": birthday}), "watch watch.date: \"Task due\" is not the coming of a date"),
    ] {
        assert_eq!(check(event, watch.clone()), found, "{event} {watch}");
    }
}

#[test]
fn a_schedule_is_told_where_it_is_not_understood_and_what_would_be() {
    let check = |rule: &str, zone: &str| {
        let mut flow = Sketch::flow("t.out -> a");
        let schedule = Schedule { rule: rule.to_owned(), zone: zone.to_owned(), missed: Missed::Once };
        let trigger = Trigger::Schedule { schedule, sample: Value::Null };
        flow.apply(Edit::SetKind { id: id("t"), kind: NodeKind::Trigger(trigger) }).unwrap();
        let problems = flow.check(&Catalog::shipped(), &CheckContext::default());
        let of_trigger = problems.into_iter().filter(|it| it.node == Some(id("t")));
        of_trigger.map(|it| (it.code, it.place, it.span, it.hint)).collect::<Vec<_>>()
    };
    let said = |code, place: &str, span, hint: &str| (code, place.to_owned(), span, hint.to_owned());
    assert_eq!(check("every weekday at 9:00", "Europe/Berlin"), []);
    assert_eq!(check("0 9 * * 1-5", "UTC"), []);
    assert_eq!(
        check("every wekday at 9:00", "Europe/Berlim"),
        [
            said("schedule", "rule", Some(6..12), "Did you mean \"weekday\"?"),
            said("zone", "zone", None, "Did you mean 'Europe/Berlin'?")
        ]
    );
    assert_eq!(
        check("0 9 30 2 *", ""),
        [
            said("schedule", "rule", Some(0..10), "February has 29 days at most; April, June, September and November 30."),
            said("zone", "zone", None, "Choose the one whose clocks count: Europe/London.")
        ]
    );
}
