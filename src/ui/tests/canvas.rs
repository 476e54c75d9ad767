//! The canvas by mouse and by keyboard.
use eframe::egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::Queryable as _;

use super::desk::Desk;
use crate::flow::testing::{Sketch, id};
use crate::flow::{Edge, Flow};

fn edge(from: &str, port: &str, to: &str) -> Edge {
    Edge { from: id(from), port: port.into(), to: id(to) }
}

/// Cards in a row, apart enough for anything to be dropped between them.
fn placed(text: &str) -> Flow {
    let mut flow = Sketch::flow(text);
    let ids: Vec<_> = flow.nodes.keys().cloned().collect();
    for (at, id) in ids.into_iter().enumerate() {
        flow.layout.insert(id, [(at as i32 % 2) * 320, (at as i32 / 2) * 200]);
    }
    flow
}

#[test]
fn a_card_is_moved_by_one_step_that_can_be_taken_back() {
    let mut desk = Desk::with(&placed("a, b, t"));
    let before = desk.flow().layout.clone();
    let from = desk.card("a").center();
    desk.drag(from, from + vec2(40.0, 64.0));
    let moved = desk.flow().layout[&id("a")];
    assert_eq!(moved, [before[&id("a")][0] + 40, before[&id("a")][1] + 64]);
    assert_eq!(desk.doc().history().undo_label().as_deref(), Some("Undo Move node"));
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(desk.flow().layout, before);
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(desk.flow().layout[&id("a")], moved);
}

#[test]
fn a_wire_is_pulled_from_a_way_out_to_a_card() {
    let mut desk = Desk::with(&placed("a, b, t"));
    let from = desk.card("t, way out").center();
    let to = desk.card("b").center();
    desk.drag(from, to);
    assert!(desk.flow().edges.contains(&edge("t", "out", "b")), "{:?}", desk.flow().edges);
    // Not into a trigger, and not in a circle.
    let from = desk.card("b, way out").center();
    let to = desk.card("t").center();
    desk.drag(from, to);
    assert_eq!(desk.flow().edges.len(), 1);
}

#[test]
fn a_wire_that_is_dropped_on_nothing_asks_what_follows() {
    let mut desk = Desk::with(&placed("a, b, t"));
    let from = desk.card("b, way out").center();
    desk.drag(from, from + vec2(40.0, 180.0));
    assert!(desk.has("Find a step to add"));
    desk.type_text("branch");
    desk.key(Modifiers::NONE, Key::Enter);
    assert!(desk.flow().edges.contains(&edge("b", "out", "branch")), "{:?}", desk.flow().edges);
    assert_eq!(desk.selected(), ["branch"]);
    // One step of the history.
    desk.key(Modifiers::COMMAND, Key::Z);
    assert!(desk.flow().edges.is_empty() && desk.flow().nodes.len() == 3);
}

#[test]
fn a_wire_is_taken_off_a_card_and_put_on_another_or_on_nothing() {
    let mut desk = Desk::with(&placed("t.out -> a, b"));
    let from = desk.card("a, way in").center();
    let to = desk.card("b").center();
    desk.drag(from, to);
    assert_eq!(desk.flow().edges, [edge("t", "out", "b")].into());
    let from = desk.card("b, way in").center();
    desk.drag(from, from + vec2(-60.0, 150.0));
    assert!(desk.flow().edges.is_empty());
}

#[test]
fn a_double_click_on_the_ground_adds_a_step_there() {
    let mut desk = Desk::with(&placed("a, t"));
    let at = desk.card("a").center() + vec2(0.0, 260.0);
    desk.double_click(at);
    desk.type_text("create contact");
    desk.key(Modifiers::NONE, Key::Enter);
    assert!(desk.flow().nodes.contains_key(&id("create_contact")));
    assert_eq!(desk.flow().slots.len(), 2);
}

#[test]
fn several_cards_are_selected_by_a_box_and_moved_together() {
    let mut desk = Desk::with(&placed("a, b, t"));
    let (a, b) = (desk.card("a"), desk.card("b"));
    desk.drag(a.union(b).min - vec2(8.0, 8.0), a.union(b).max + vec2(6.0, 6.0));
    assert_eq!(desk.selected(), ["a", "b"]);
    let from = desk.card("b").center();
    desk.drag(from, from + vec2(24.0, 24.0));
    assert_eq!(desk.doc().history().undo_label().as_deref(), Some("Undo Move 2 things"));
}

#[test]
fn a_flow_is_built_by_keyboard_alone() {
    let mut desk = Desk::first();
    desk.key(Modifiers::COMMAND, Key::N);
    assert!(desk.has("No steps yet"));
    desk.key(Modifiers::NONE, Key::A);
    desk.type_text("start by hand");
    desk.key(Modifiers::NONE, Key::Enter);
    desk.key(Modifiers::NONE, Key::A);
    desk.type_text("wait");
    desk.key(Modifiers::NONE, Key::Enter);
    desk.key(Modifiers::NONE, Key::A);
    desk.type_text("write to the log");
    desk.key(Modifiers::NONE, Key::Enter);
    assert_eq!(desk.flow().edges, [edge("manual", "out", "wait"), edge("wait", "out", "log_line")].into());
    // Back along the wires, and a wire of its own.
    desk.key(Modifiers::NONE, Key::ArrowLeft);
    desk.key(Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(desk.selected(), ["manual"]);
    desk.key(Modifiers::NONE, Key::C);
    desk.type_text("write");
    desk.key(Modifiers::NONE, Key::Enter);
    assert!(desk.flow().edges.contains(&edge("manual", "out", "log_line")));
    desk.key(Modifiers::NONE, Key::ArrowRight);
    desk.key(Modifiers::NONE, Key::F2);
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text("A short wait");
    desk.key(Modifiers::NONE, Key::Enter);
    assert_eq!(desk.flow().nodes[&id("wait")].name, "A short wait");
    desk.key(Modifiers::NONE, Key::M);
    assert!(desk.flow().nodes[&id("wait")].muted);
    desk.key(Modifiers::SHIFT, Key::Delete);
    assert!(!desk.flow().nodes.contains_key(&id("wait")));
    assert_eq!(desk.flow().edges, [edge("manual", "out", "log_line")].into());
}

#[test]
fn a_step_goes_into_the_wire_that_it_is_dropped_on() {
    let mut flow = placed("t.out -> b, a");
    flow.layout = [(id("t"), [0, 0]), (id("b"), [640, 0]), (id("a"), [300, 220])].into();
    let mut desk = Desk::with(&flow);
    let (t, b) = (desk.card("t"), desk.card("b"));
    let wire = eframe::egui::pos2(f32::midpoint(t.right(), b.left()), t.top() + 18.0);
    let a = desk.card("a").center();
    desk.drag(a, wire + vec2(0.0, 20.0));
    assert_eq!(desk.flow().edges, [edge("t", "out", "a"), edge("a", "out", "b")].into());
    assert_eq!(desk.doc().history().undo_label().as_deref(), Some("Undo Put into the wire"));
}

#[test]
fn steps_are_copied_as_text_and_pasted() {
    let mut desk = Desk::with(&placed("t.out -> a, a.out -> b"));
    desk.press_button("a");
    desk.event(Event::Copy);
    let copied = desk.window.output().platform_output.commands.iter().find_map(|it| match it {
        eframe::egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let text = copied.or_else(|| crate::ui::canvas::clipboard::copy(desk.flow(), &[id("a")].into(), &|_| [0, 0])).unwrap();
    assert!(text.contains("\"flowyard\": 1"));
    desk.event(Event::Paste(text));
    assert_eq!(desk.selected(), ["a_2"]);
    desk.event(Event::Paste("hello".to_owned()));
    assert!(desk.has_containing("The clipboard holds no part of a flow"));
}

#[test]
fn a_wire_is_selected_by_a_click_and_deleted_by_a_key() {
    let mut desk = Desk::with(&placed("t.out -> a"));
    desk.press("Wire from t to a");
    desk.key(Modifiers::NONE, Key::Delete);
    assert!(desk.flow().edges.is_empty() && desk.flow().nodes.len() == 2);
}

#[test]
fn notes_and_groups_are_made_folded_and_taken_back() {
    let mut desk = Desk::with(&placed("t.out -> a, b"));
    desk.key(Modifiers::COMMAND, Key::A);
    desk.key(Modifiers::COMMAND, Key::G);
    assert!(desk.has("Group Group 1, open, 3 steps"));
    desk.key(Modifiers::COMMAND, Key::E);
    assert!(desk.has("Group Group 1, folded, 3 steps") && !desk.has("Wire from t to a"));
    desk.key(Modifiers::COMMAND, Key::E);
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::G);
    assert!(desk.flow().groups.is_empty());
    desk.key(Modifiers::NONE, Key::N);
    desk.type_text("Ask first");
    desk.key(Modifiers::NONE, Key::Tab);
    assert!(desk.has("Note: Ask first"), "{:?}", desk.flow().notes);
    desk.key(Modifiers::COMMAND, Key::Z);
    desk.key(Modifiers::COMMAND, Key::Z);
    assert!(desk.flow().notes.is_empty());
}

#[test]
fn the_wheel_pans_and_zooms_to_the_cursor() {
    let mut desk = Desk::with(&placed("t.out -> a, b"));
    let before = desk.card("a");
    let at = before.center();
    desk.window.hover_at(at);
    desk.step();
    desk.event(Event::Zoom(0.8));
    let after = desk.card("a");
    assert!((after.width() - before.width() * 0.8).abs() < 1.0, "{after:?} {before:?}");
    assert!((after.center() - at).length() < 1.5);
    desk.key(Modifiers::NONE, Key::Num0);
    assert!((desk.card("a").width() - before.width()).abs() < 1.0);
}

#[test]
fn tidying_up_is_one_step() {
    let mut desk = Desk::with(&placed("t.out -> if_a, if_a.true -> b, if_a.false -> c"));
    let before = desk.flow().layout.clone();
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::L);
    assert_ne!(desk.flow().layout, before);
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(desk.flow().layout, before);
}

#[test]
fn what_is_far_away_is_not_drawn() {
    let mut flow = Flow::new("many", "Many");
    let node = std::sync::Arc::clone(&Sketch::flow("a").nodes[&id("a")]);
    for at in 0..400 {
        let id = id(&format!("n{at}"));
        flow.layout.insert(id.clone(), [(at % 20) * 204, (at / 20) * 140]);
        flow.nodes.insert(id, std::sync::Arc::clone(&node));
    }
    let mut desk = Desk::with(&flow);
    let drawn = |desk: &Desk| desk.window.state().views.values().next().unwrap().drawn.cards;
    desk.key(Modifiers::NONE, Key::Num1);
    assert_eq!(drawn(&desk), 400);
    desk.key(Modifiers::NONE, Key::Num0);
    assert!((1..60).contains(&drawn(&desk)), "{}", drawn(&desk));
}

#[test]
fn the_map_lies_where_no_card_is_and_a_small_canvas_is_not_covered() {
    let mut flow = Sketch::flow("a, b, c, d");
    for (node, place) in [("a", [0, 0]), ("b", [600, 0]), ("c", [0, 400]), ("d", [600, 2000])] {
        flow.layout.insert(id(node), place);
    }
    let mut desk = Desk::with(&flow);
    let map = |desk: &Desk| desk.window.query_by_label("Map of the flow").map(|it| it.rect());
    let look = |desk: &mut Desk, pan: [f32; 2]| {
        let doc = desk.doc().id;
        let view = desk.window.state_mut().views.get_mut(&doc).expect("a view");
        (view.zoom, view.pan) = (1.0, eframe::egui::pos2(pan[0], pan[1]).to_vec2());
        desk.run();
    };
    look(&mut desk, [300.0, -250.0]);
    let first = map(&desk).expect("a corner is free");
    look(&mut desk, [-40.0, 130.0]);
    // The card "c" is now in the left corner.
    let second = map(&desk).expect("the other one is");
    assert!(second.left() > first.left() + 100.0, "{first} {second}");
    for card in ["a", "b", "c"] {
        if let Some(card) = desk.window.query_by_role_and_label(eframe::egui::accesskit::Role::Button, card) {
            assert!(!card.rect().intersects(second), "{:?}", card.rect());
        }
    }
}
