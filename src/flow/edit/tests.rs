//! Edits, and that each has an exact undo.
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::flow::testing::arbitrary::{edits, flows};
use crate::flow::testing::{Sketch, id};
use crate::flow::{History, Mapping, Missing, PortId};

fn edge(from: &str, port: &str, to: &str) -> Edge {
    Edge { from: id(from), port: PortId::new(port), to: id(to) }
}

fn set(fields: Mapping) -> Arc<Node> {
    Arc::new(Node { name: "Set".to_owned(), muted: false, kind: NodeKind::Set { fields } })
}

/// What [`Flow::apply`] promises to keep.
fn assert_sound(flow: &Flow) {
    for edge in &flow.edges {
        assert!(flow.nodes.contains_key(&edge.from) && flow.nodes.contains_key(&edge.to), "{edge:?}");
    }
    assert!(flow.layout.keys().all(|id| flow.nodes.contains_key(id)));
    let mut grouped = std::collections::BTreeSet::new();
    for (id, group) in &flow.groups {
        assert!(group.nodes.iter().all(|it| flow.nodes.contains_key(it) && grouped.insert(it)), "{id}");
        assert!(group.parent.iter().all(|it| flow.groups.contains_key(it)), "{id}");
        assert!(!flow.groups_around(id).any(|it| it == id), "{id}");
    }
}

#[test]
fn removing_a_node_takes_its_edges_and_its_place_and_undo_brings_them_back() {
    let mut flow = Sketch::flow("t.out -> a, a.out -> b, a.error -> c");
    flow.apply(Edit::MoveNode { id: id("a"), to: Some([3, 4]) }).unwrap();
    let before = flow.clone();
    let undo = flow.apply_undoable(Edit::RemoveNode { id: id("a") }).unwrap();
    assert!(flow.edges.is_empty() && flow.layout.is_empty());
    assert_eq!(undo.label(), "Delete node");
    flow.apply(undo).unwrap();
    assert_eq!(flow, before);
}

#[test]
fn a_group_goes_with_the_last_of_its_nodes_and_undo_brings_it_back() {
    let mut flow = Sketch::flow("t.out -> a, b");
    let group = |nodes: &[&str], parent: Option<&str>| {
        let nodes = nodes.iter().map(|it| id(it)).collect();
        Some(Group { title: "G".to_owned(), nodes, parent: parent.map(GroupId::from), folded: false })
    };
    flow.apply(Edit::PutGroup { id: "outer".into(), group: group(&[], None) }).unwrap();
    flow.apply(Edit::PutGroup { id: "inner".into(), group: group(&["a"], Some("outer")) }).unwrap();
    assert_eq!(flow.nodes_within(&"outer".into()), [id("a")].into());
    let before = flow.clone();
    for edit in [Edit::RemoveNode { id: id("a") }, Edit::RenameId { from: id("a"), to: id("z") }] {
        let undo = flow.apply_undoable(edit).unwrap();
        assert_eq!(flow.group_of(&id("a")), None);
        flow.apply(undo).unwrap();
        assert_eq!(flow, before);
    }
    let cases = [
        (Edit::PutGroup { id: "other".into(), group: group(&["a"], None) }, "is in the group \"inner\" already"),
        (Edit::PutGroup { id: "outer".into(), group: group(&[], Some("inner")) }, "cannot be within itself"),
        (Edit::PutGroup { id: "outer".into(), group: None }, "still holds the group \"inner\""),
        (Edit::PutNote { id: "n".into(), note: None }, "there is no note \"n\""),
    ];
    for (edit, words) in cases {
        let error = flow.apply(edit).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(flow, before);
    }
}

#[test]
fn a_failed_part_of_many_leaves_everything_as_it_was() {
    let mut flow = Sketch::flow("t.out -> a, a.out -> b");
    let before = flow.clone();
    let edits = vec![
        Edit::SetName("New".to_owned()),
        Edit::RenameId { from: id("a"), to: id("z") },
        Edit::RemoveNode { id: id("t") },
        Edit::Connect(edge("z", "error", "nobody")),
    ];
    let error = flow.apply(Edit::Many { label: "Several".to_owned(), edits }).unwrap_err();
    assert_eq!(error, EditError::NoNode(id("nobody")));
    assert_eq!(flow, before);
}

#[test]
fn errors_say_what_is_wrong() {
    let flow = Sketch::flow("t.out -> a, if_x");
    let cases = [
        (Edit::RemoveNode { id: id("q") }, "there is no node \"q\""),
        (Edit::AddNode { id: id("a"), node: set(Mapping::default()), at: None }, "there already is a node \"a\""),
        (Edit::RenameId { from: id("a"), to: id("t") }, "there already is a node \"t\""),
        (
            Edit::RenameId { from: id("a"), to: id("Bad Id") },
            "\"Bad Id\" cannot be a node's id: use lower-case letters, digits and _, a letter first, at most 64, and no word that expressions keep for themselves",
        ),
        (Edit::Connect(edge("t", "out", "a")), "there already is an edge from t.out to a"),
        (Edit::Disconnect(edge("a", "out", "t")), "there is no edge from a.out to t"),
        (Edit::Bind { node: id("t"), field: "input.x".into(), binding: None }, "node \"t\" has no field input.x"),
        (
            Edit::Bind { node: id("if_x"), field: "condition".into(), binding: None },
            "field condition of node \"if_x\" cannot be empty",
        ),
        (Edit::RemoveSlot { id: "q".into() }, "there is no slot \"q\""),
        (Edit::AddSlot { id: "crm".into(), connector: ConnectorId::new("x") }, "there already is a slot \"crm\""),
    ];
    for (edit, expected) in cases {
        let mut changed = flow.clone();
        assert_eq!(changed.apply(edit).unwrap_err().to_string(), expected);
        assert_eq!(changed, flow);
    }
}

#[test]
fn another_id_is_followed_by_every_reference() {
    let mut flow = Sketch::flow("t.out -> find, find.out -> set, find.error -> b");
    let list = crate::flow::Source::List(vec![Binding::expr("find.id ~ t.find ~ lookup(find['a'], 'find')")]);
    let fields = Mapping::from([
        ("text", Binding::text("find: {{ find.name | upper }} and {{ t.find }}")),
        ("list", Binding { source: list, missing: Missing::Skip, names: Vec::new() }),
        ("value", Binding::value("find.id")),
        ("broken", Binding::expr("find. +")),
    ]);
    flow.apply(Edit::ReplaceNode { id: id("set"), node: set(fields) }).unwrap();
    flow.apply(Edit::MoveNode { id: id("find"), to: Some([1, 2]) }).unwrap();
    let before = flow.clone();
    let undo = flow.apply_undoable(Edit::RenameId { from: id("find"), to: id("seek") }).unwrap();

    assert_eq!(flow.edges, [edge("seek", "error", "b"), edge("seek", "out", "set"), edge("t", "out", "seek")].into());
    assert_eq!(flow.layout, [(id("seek"), [1, 2])].into());
    let NodeKind::Set { fields } = &flow.nodes[&id("set")].kind else { panic!("a set node") };
    let list = crate::flow::Source::List(vec![Binding::expr("seek.id ~ t.find ~ lookup(seek['a'], 'find')")]);
    let expected = Mapping::from([
        ("text", Binding::text("find: {{ seek.name | upper }} and {{ t.find }}")),
        ("list", Binding { source: list, missing: Missing::Skip, names: Vec::new() }),
        ("value", Binding::value("find.id")),
        ("broken", Binding::expr("find. +")),
    ]);
    assert_eq!(*fields, expected);

    flow.apply(undo).unwrap();
    assert_eq!(flow, before);
}

#[test]
fn undoing_another_id_leaves_alone_what_spoke_of_that_id_before() {
    let mut flow = Sketch::flow("t.out -> a");
    flow.apply(Edit::AddNode { id: id("set"), node: set(Mapping::from([("x", Binding::expr("a.x + later.x"))])), at: None })
        .unwrap();
    let before = flow.clone();
    let undo = flow.apply_undoable(Edit::RenameId { from: id("a"), to: id("later") }).unwrap();
    assert_ne!(flow, before);
    flow.apply(undo).unwrap();
    assert_eq!(flow, before);
}

#[test]
fn another_slot_id_is_followed_by_the_nodes_that_call_on_it() {
    let mut flow = Sketch::flow("t.out -> a");
    let undo = flow.apply_undoable(Edit::RenameSlot { from: "crm".into(), to: "main".into() }).unwrap();
    assert_eq!(flow.nodes[&id("a")].kind.slot(), Some(&"main".into()));
    assert_eq!(flow.slots, [("main".into(), ConnectorId::new("crm"))].into());
    flow.apply(undo).unwrap();
    assert_eq!(flow, Sketch::flow("t.out -> a"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_edit_keeps_the_flow_sound_and_has_an_exact_undo(flow in flows(), edits in prop::collection::vec(edits(), 1..8)) {
        let mut now = flow;
        for edit in edits {
            let before = now.clone();
            let Ok(undo) = now.apply_undoable(edit) else {
                prop_assert_eq!(&now, &before);
                continue;
            };
            assert_sound(&now);
            let after = now.clone();
            let redo = now.apply_undoable(undo).expect("an undo fits");
            prop_assert_eq!(&now, &before);
            prop_assert_eq!(now.to_text(), before.to_text());
            now.apply(redo).expect("a redo fits");
            prop_assert_eq!(&now, &after);
            prop_assert_eq!(now.to_text(), after.to_text());
        }
    }

    #[test]
    fn history_gives_back_every_state_byte_by_byte(flow in flows(), edits in prop::collection::vec(edits(), 1..12)) {
        let mut history = History::new(flow);
        let mut texts = vec![history.flow().to_text()];
        for edit in edits {
            if history.apply(edit).is_ok() && texts.last() != Some(&history.flow().to_text()) {
                texts.push(history.flow().to_text());
            }
        }
        let after = Arc::clone(history.flow());
        for expected in texts.iter().rev().skip(1) {
            prop_assert!(history.undo());
            prop_assert_eq!(&history.flow().to_text(), expected);
        }
        prop_assert!(!history.undo());
        prop_assert!(!history.is_dirty());
        for expected in &texts[1..] {
            prop_assert!(history.redo());
            prop_assert_eq!(&history.flow().to_text(), expected);
        }
        prop_assert!(Arc::ptr_eq(history.flow(), &after));
    }
}
