//! The format, its errors, and that what is written is read.
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::flow::testing::arbitrary::flows;
use crate::flow::testing::id;
use crate::flow::{Edit, Node, NodeKind};

/// One node of each kind, with every field that is not the usual.
const EVERY_KIND: &str = include_str!("every_kind.flowyard");

fn flow() -> Flow {
    Flow::parse(EVERY_KIND.as_bytes()).expect("a flow")
}

/// The error for the file above with one part of it replaced.
fn with(old: &str, new: &str) -> FileError {
    assert!(EVERY_KIND.contains(old), "{old}");
    Flow::parse(EVERY_KIND.replacen(old, new, 1).as_bytes()).expect_err(new)
}

#[test]
fn every_kind_of_node_is_written_as_it_was_read() {
    let flow = flow();
    assert_eq!(flow.to_text(), EVERY_KIND);
    let kinds: std::collections::BTreeSet<_> =
        flow.nodes.values().map(|it| std::mem::discriminant(&it.kind)).map(|it| format!("{it:?}")).collect();
    assert_eq!(kinds.len(), 16, "a node of each kind is in the file");
}

#[test]
fn a_small_flow_reads_well() {
    let mut flow = Flow::new("welcome", "Welcome");
    let text = |json: serde_json::Value| serde_json::from_value::<Node>(json).expect("a node");
    let add = |name: &str, node: Node, at| Edit::AddNode { id: id(name), node: std::sync::Arc::new(node), at: Some(at) };
    let hook = text(json!({"name": "New contact", "kind": "trigger", "trigger": "webhook", "path": "new-contact"}));
    let find = text(json!({
        "name": "Find", "kind": "action", "operation": "highlevel.contacts.get", "slot": "crm",
        "input": {"contactId": {"expr": "hook.body.id"}, "tags": {"list": [{"value": "new"}, {"text": "{{ hook.body.tag }}", "missing": "skip"}]}}
    }));
    flow.apply(Edit::AddSlot { id: "crm".into(), connector: crate::catalog::ConnectorId::new("highlevel") }).unwrap();
    flow.apply(add("hook", hook, [0, 0])).unwrap();
    flow.apply(add("find", find, [240, 0])).unwrap();
    let edge = crate::flow::Edge { from: id("hook"), port: crate::flow::PortId::out(), to: id("find") };
    flow.apply(Edit::Connect(edge)).unwrap();
    insta::assert_snapshot!(flow.to_text(), @r#"
    {
      "flowyard": 1,
      "id": "welcome",
      "name": "Welcome",
      "slots": {
        "crm": "highlevel"
      },
      "nodes": {
        "find": {
          "name": "Find",
          "kind": "action",
          "operation": "highlevel.contacts.get",
          "slot": "crm",
          "input": {
            "contactId": {"expr": "hook.body.id"},
            "tags": {
              "list": [
                {"value": "new"},
                {"text": "{{ hook.body.tag }}", "missing": "skip"}
              ]
            }
          }
        },
        "hook": {
          "name": "New contact",
          "kind": "trigger",
          "trigger": "webhook",
          "path": "new-contact"
        }
      },
      "edges": [
        {"from": "hook", "port": "out", "to": "find"}
      ],
      "layout": {
        "find": [240, 0],
        "hook": [0, 0]
      }
    }
    "#);
}

#[test]
fn the_derived_form_of_a_node_is_the_one_in_the_file() {
    let file: serde_json::Value = serde_json::from_str(EVERY_KIND).unwrap();
    for (id, node) in &flow().nodes {
        let mut written = file["nodes"][id.as_str()].clone();
        if let Some(lines) = written["code"].as_array() {
            written["code"] = lines.iter().map(|it| it.as_str().unwrap()).collect::<Vec<_>>().join("\n").into();
        }
        assert_eq!(serde_json::from_value::<Node>(written).unwrap(), **node, "{id}");
    }
}

#[test]
fn the_hash_covers_all_but_the_layout() {
    let flow = flow();
    let hash = flow.content_hash();
    assert_eq!(hash.len(), 64);
    let moved = |edit| {
        let mut other = flow.clone();
        other.apply(edit).unwrap();
        other.content_hash()
    };
    assert_eq!(moved(Edit::MoveNode { id: id("start"), to: None }), hash);
    assert_eq!(moved(Edit::PutNote { id: "why".into(), note: None }), hash);
    assert_eq!(moved(Edit::PutGroup { id: "inner".into(), group: None }), hash);
    assert_ne!(moved(Edit::SetName("Other".to_owned())), hash);
    assert_ne!(moved(Edit::SetMuted { id: id("start"), muted: true }), hash);
    assert!(!flow.revision_text().contains("layout"));
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_place() {
    let cases = [
        (
            r#""kind": "branch""#,
            r#""kind": "brunch""#,
            r#"(nodes.branch.kind): there is no kind of node "brunch". Did you mean "branch"?"#,
        ),
        (
            r#""kind": "branch""#,
            r#""kind": "quantum""#,
            r#"(nodes.branch.kind): there is no kind of node "quantum". It may be of a newer Flowyard than this one."#,
        ),
        (r#""condition""#, r#""conditoin""#, r#"(nodes.branch): the field "condition" is missing"#),
        (
            r#""keep_going": true"#,
            r#""keep_gone": true"#,
            r#"(nodes.each.keep_gone): there is no field "keep_gone" here. Did you mean "keep_going"?"#,
        ),
        (
            r#""ignore_case": true"#,
            r#""shiny": true"#,
            r#"(nodes.lookup.shiny): there is no field "shiny" here. Nothing is dropped silently: take it out, or open the file with the Flowyard that wrote it."#,
        ),
        (r#""parallel": 4"#, r#""parallel": "4""#, "(nodes.each.parallel): a whole number is expected here, not text"),
        (r#""parallel": 4"#, r#""parallel": 4.5"#, "(nodes.each.parallel): a whole number is expected here, not 4.5"),
        (r#""parallel": 4"#, r#""parallel": -1"#, "(nodes.each.parallel): -1 is out of bounds here"),
        (
            r#""method": "POST""#,
            r#""method": "FETCH""#,
            r#"(nodes.form.method): there is no method "FETCH". It is one of GET, POST, PUT, PATCH, DELETE, HEAD."#,
        ),
        (
            r#"{"expr": "item.id"}"#,
            r#""item.id""#,
            r#"(nodes.action.input.contactId): an object is expected here, not text. A field is filled by an object like {"value": …}, {"text": …} or {"expr": …}."#,
        ),
        (
            r#"{"expr": "item.id"}"#,
            r#"{"expr": "item.id", "text": "x"}"#,
            "(nodes.action.input.contactId): a field is filled by exactly one of value, text, expr, list and object",
        ),
        (
            r#"{"expr": "item.id"}"#,
            r#"{"exp": "item.id"}"#,
            r#"(nodes.action.input.contactId.exp): there is no field "exp" here. Did you mean "expr"?"#,
        ),
        (
            r#""missing": "skip""#,
            r#""missing": "skp""#,
            r#"(nodes.action.input.tags.list.1.missing): there is no answer to a missing value "skp". Did you mean "skip"?"#,
        ),
        (r#""to": "branch""#, r#""to": "brnch""#, r#"(edges.0.to): there is no node "brnch". Did you mean "branch"?"#),
        (r#""start": [0, 0]"#, r#""start": [0]"#, "(layout.start): a place is two numbers"),
        (r#""start": [0, 0]"#, r#""gone_away": [0, 0]"#, r#"(layout.gone_away): there is no node "gone_away""#),
        (r#""start": [0, 0]"#, r#""start": [0, 99999999999]"#, "(layout.start.1): 99999999999 is out of bounds here"),
        (
            r#""start": [0, 0]
  }"#,
            r#""start": [0, 0]
  }, "extra": 1"#,
            r#"(extra): there is no field "extra" here. Nothing is dropped silently: take it out, or open the file with the Flowyard that wrote it."#,
        ),
        (
            r#"["wait", "wait_until"]"#,
            r#"["wait", "stop"]"#,
            r#"(groups.outer.nodes.1): node "stop" is in the group "inner" already"#,
        ),
        (r#""parent": "outer""#, r#""parent": "inner""#, r#"(groups.inner.parent): the group "inner" cannot be within itself"#),
        (r#""parent": "outer""#, r#""parent": "over""#, r#"(groups.inner.parent): there is no group "over""#),
        (r#""size": [168, 80]"#, r#""size": [168]"#, "(notes.why.size): a size is two numbers"),
        (r#""name": "Every kind""#, r#""nam": "Every kind""#, r#"line 1, column 1: the field "name" is missing"#),
        (r#""crm": "highlevel""#, r#""crm": null"#, "(slots.crm): text is expected here, not null"),
    ];
    for (old, new, expected) in cases {
        let error = with(old, new).to_string();
        assert!(error.ends_with(expected), "{new}\n  was: {error}\n  not: {expected}");
        assert!(error.starts_with("line "), "{error}");
    }
    let error = with(r#""parallel": 4"#, r#""parallel": "4""#);
    let line = EVERY_KIND.lines().position(|it| it.contains("\"parallel\"")).unwrap();
    assert_eq!((error.line, error.column, error.place.as_str()), (line + 1, 19, "nodes.each.parallel"));
}

#[test]
fn an_edge_that_is_there_twice_is_refused() {
    let edge = r#"{"from": "start", "port": "out", "to": "branch"}"#;
    let error = with(edge, &format!("{edge}, {edge}")).to_string();
    assert!(error.contains("this edge is there twice"), "{error}");
}

#[test]
fn other_files_are_told_from_damaged_ones() {
    let cases: &[(&[u8], FileErrorKind, &str)] = &[
        (b"", FileErrorKind::Syntax, "line 1, column 1: the file ends where a value is expected. It may have been cut off."),
        (b"<!doctype html>", FileErrorKind::Syntax, "line 1, column 1: a value is expected here, not '<'"),
        (
            b"{\"nodes\": []}",
            FileErrorKind::NotAFlow,
            "line 1, column 1: this is JSON, but not a flow: it states no \"flowyard\" format. A flow file begins with {\"flowyard\": 1, …}.",
        ),
        (
            b"[1]",
            FileErrorKind::NotAFlow,
            "line 1, column 1: this is JSON, but not a flow: it states no \"flowyard\" format. A flow file begins with {\"flowyard\": 1, …}.",
        ),
        (
            b"{\"flowyard\": \"1\"}",
            FileErrorKind::NotAFlow,
            "line 1, column 14 (flowyard): the format of a flow file is a whole number from 1. A flow file begins with {\"flowyard\": 1, …}.",
        ),
        (
            b"{\"flowyard\": 0}",
            FileErrorKind::NotAFlow,
            "line 1, column 14 (flowyard): the format of a flow file is a whole number from 1. A flow file begins with {\"flowyard\": 1, …}.",
        ),
        (
            b"{\"shape\": {\"new\": true}, \"flowyard\": 3}",
            FileErrorKind::Newer,
            "line 1, column 38 (flowyard): this flow was written by a newer Flowyard (format 3; this one reads up to 1). Update Flowyard to open it; the file is as it was.",
        ),
        (
            b"{\"flowyard\": 1,\n \"id\": \"\xff\"}",
            FileErrorKind::NotText,
            "line 2, column 9: the file is not text in UTF-8. It may be damaged, or no flow at all.",
        ),
    ];
    for (bytes, kind, expected) in cases {
        let error = Flow::parse(bytes).unwrap_err();
        assert_eq!((error.kind, error.to_string().as_str()), (*kind, *expected));
    }
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_are_passed_over() {
    let text = format!("\u{feff}{}", EVERY_KIND.replace('\n', "\r\n"));
    assert_eq!(Flow::parse(text.as_bytes()), Ok(flow()));
}

#[test]
fn a_file_too_large_is_not_looked_at() {
    let error = Flow::parse(&vec![b' '; MAX_BYTES + 1]).unwrap_err();
    assert_eq!(error.kind, FileErrorKind::TooLarge);
    assert_eq!(error.to_string(), "the file is larger than 64 MiB. It does not look like a flow.");
}

#[test]
fn what_is_not_written_has_its_usual_value() {
    let flow = Flow::parse(
        br#"{"flowyard": 1, "id": "x", "name": "X", "nodes": {"e": {"name": "E", "kind": "for_each", "items": {"value": []}}}}"#,
    )
    .unwrap();
    let NodeKind::ForEach { parallel, keep_going, collect, .. } = &flow.nodes[&id("e")].kind else { panic!("a for-each") };
    assert_eq!((*parallel, *keep_going, collect), (1, false, &None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn reading_what_was_written_gives_the_same_flow_and_text(flow in flows()) {
        let text = flow.to_text();
        let again = Flow::parse(text.as_bytes()).expect("what is written can be read");
        prop_assert_eq!(&again, &flow);
        prop_assert_eq!(again.to_text(), text);
        prop_assert_eq!(again.content_hash(), flow.content_hash());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(flow) = Flow::parse(&bytes) {
            prop_assert_eq!(Flow::parse(flow.to_text().as_bytes()), Ok(flow));
        }
    }

    #[test]
    fn a_file_with_a_damaged_part_is_read_or_refused_with_a_line(
        from in any::<prop::sample::Index>(),
        length in 0..40_usize,
        instead in r#"["{}\[\]:,a-z0-9é \n]{0,6}"#,
    ) {
        let mut text = EVERY_KIND.to_owned();
        let start = text.floor_char_boundary(from.index(text.len()));
        let end = text.floor_char_boundary((start + length).min(text.len())).max(start);
        text.replace_range(start..end, &instead);
        match Flow::parse(text.as_bytes()) {
            Ok(flow) => prop_assert_eq!(Flow::parse(flow.to_text().as_bytes()), Ok(flow)),
            Err(error) => prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1) + 1),
        }
    }
}
