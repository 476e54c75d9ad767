//! The inspector: fields are typed into, mapped by click, by drag and by name, and every record tells what comes of them.
use std::collections::BTreeMap;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::catalog::{Catalog, ConnectorId, OperationId};
use crate::flow::schedule::{Missed, Schedule};
use crate::flow::testing::id;
use crate::flow::{
    Binding, Each, Edge, Edit, FieldPath, Flow, Level, Mapping, Missing, Node, NodeKind, RetryPolicy, Source, Trigger, Watched,
};
use crate::run::{Entry, RunId, StepKey};
use crate::ui::behind::Told;
use crate::ui::home::{HomeNews, LiveFlow};
use crate::ui::live::Play;

fn add(flow: &mut Flow, node: &str, name: &str, kind: NodeKind) {
    let made = Arc::new(Node { name: name.to_owned(), muted: false, kind });
    flow.apply(Edit::AddNode { id: id(node), node: made, at: None }).unwrap();
}

fn connect(flow: &mut Flow, from: &str, port: &str, to: &str) {
    flow.apply(Edit::Connect(Edge { from: id(from), port: port.into(), to: id(to) })).unwrap();
}

fn sample() -> Value {
    json!({"email": "ann@example.com", "first name": "Ann", "phone": "+15550100", "tags": ["a", "b"], "start": "2026-11-24T09:30:00Z"})
}

/// A start by hand, and a line that is written.
fn two_steps(sample: Value, message: Binding) -> Flow {
    let mut flow = Flow::new("two", "Two");
    add(&mut flow, "contact", "Contact", NodeKind::Trigger(Trigger::Manual { sample }));
    add(&mut flow, "say", "Say", NodeKind::Log { level: Level::Info, message });
    connect(&mut flow, "contact", "out", "say");
    flow
}

fn opened(flow: &Flow, step: &str) -> Desk {
    let mut desk = Desk::with(flow);
    desk.press_button(step);
    assert_eq!(desk.selected().len(), 1);
    desk
}

fn bound(desk: &Desk, node: &str, path: &str) -> Option<Binding> {
    FieldPath::from(path).find(&desk.flow().nodes[&id(node)]).cloned()
}

fn source(desk: &Desk, node: &str, path: &str) -> Source {
    bound(desk, node, path).expect("it is filled").source
}

fn focus(desk: &mut Desk, field: &str) {
    desk.window.get_by_label(field).focus();
    desk.run();
}

#[test]
fn typing_into_a_field_is_one_step_that_can_be_taken_back() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    focus(&mut desk, "Line, field");
    for letter in ["H", "e", "l", "l", "o"] {
        desk.type_text(letter);
    }
    assert_eq!(source(&desk, "say", "message"), Source::Value(json!("Hello")));
    desk.press_button("Say");
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(source(&desk, "say", "message"), Source::Value(json!("")));
    assert!(desk.doc().history().undo_label().is_none());
}

#[test]
fn keys_are_not_about_the_canvas_while_a_row_of_the_input_has_the_keyboard() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    focus(&mut desk, "Insert Contact · Email");
    for key in [Key::Delete, Key::Backspace, Key::M, Key::D] {
        desk.key(Modifiers::NONE, key);
    }
    assert_eq!(desk.flow().nodes.len(), 2);
    assert!(!desk.flow().nodes[&id("say")].muted);
    // On the canvas they are.
    desk.press_button("Say");
    desk.key(Modifiers::NONE, Key::M);
    assert!(desk.flow().nodes[&id("say")].muted);
    desk.key(Modifiers::NONE, Key::Delete);
    assert_eq!(desk.flow().nodes.len(), 1);
}

#[test]
fn a_value_is_pressed_and_fills_the_field_that_had_the_keyboard() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    desk.press("Insert Contact · Email");
    assert!(desk.has_containing("Choose the field to fill first"));
    focus(&mut desk, "Line, field");
    desk.press("Insert Contact · Email");
    assert_eq!(source(&desk, "say", "message"), Source::Expr("contact.email".to_owned()));
    assert!(desk.has("Here: ann@example.com"));
    // The field has the keyboard again, and what is typed stands behind the pill.
    desk.type_text(" and ");
    desk.press("Insert Contact · First name");
    assert_eq!(
        source(&desk, "say", "message"),
        Source::Text(r#"{{ contact.email }} and {{ contact["first name"] }}"#.to_owned())
    );
    assert!(desk.has("Here: ann@example.com and Ann"));
    // One key takes a whole pill away.
    desk.key(Modifiers::NONE, Key::Backspace);
    assert_eq!(source(&desk, "say", "message"), Source::Text("{{ contact.email }} and ".to_owned()));
}

#[test]
fn a_row_is_put_into_a_field_by_keys_alone() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    focus(&mut desk, "Line, field");
    desk.window.get_by_label("Contact, input").focus();
    desk.run();
    desk.key(Modifiers::NONE, Key::ArrowDown);
    desk.key(Modifiers::NONE, Key::Enter);
    assert_eq!(source(&desk, "say", "message"), Source::Expr("contact.email".to_owned()));
    // Left goes out and folds, right unfolds.
    desk.window.get_by_label("Contact, input").focus();
    desk.run();
    desk.key(Modifiers::NONE, Key::ArrowLeft);
    assert!(!desk.has("Insert Contact · Email"));
    desk.key(Modifiers::NONE, Key::ArrowRight);
    assert!(desk.has("Insert Contact · Email"));
}

#[test]
fn a_row_is_dragged_onto_a_field() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    let from = desk.window.get_by_label("Insert Contact · Phone").rect().center();
    let to = desk.window.get_by_label("Line, field").rect().center();
    desk.drag(from, to);
    assert_eq!(source(&desk, "say", "message"), Source::Expr("contact.phone".to_owned()));
    assert_eq!(desk.doc().history().undo_label().as_deref(), Some("Undo Edit message"));
    // One value takes the place of another; into text it is put where it is dropped.
    let from = desk.window.get_by_label("Insert Contact · Email").rect().center();
    desk.drag(from, to);
    assert_eq!(source(&desk, "say", "message"), Source::Expr("contact.email".to_owned()));
    focus(&mut desk, "Line, field");
    desk.type_text(" and");
    let from = desk.window.get_by_label("Insert Contact · Phone").rect().center();
    let field = desk.window.get_by_label("Line, field").rect();
    desk.drag(from, eframe::egui::pos2(field.right() - 10.0, field.center().y));
    assert_eq!(source(&desk, "say", "message"), Source::Text("{{ contact.email }} and{{ contact.phone }}".to_owned()));
}

#[test]
fn a_cell_of_a_table_is_dragged_onto_a_field_and_into_its_text() {
    let given = json!({"people": [{"name": "Ann", "mail": "ann@x.example"}, {"name": "Bo", "mail": "bo@x.example"}]});
    let mut desk = opened(&two_steps(given, Binding::value("")), "Say");
    desk.press("Input as a table");
    let cell = |desk: &Desk, name: &str| desk.window.get_by_label(name).rect().center();
    let to = desk.window.get_by_label("Line, field").rect().center();
    let from = cell(&desk, "Insert Contact · Mail of row 2");
    desk.drag(from, to);
    assert_eq!(source(&desk, "say", "message"), Source::Expr("contact.people[1].mail".to_owned()));
    assert!(desk.has("Here: bo@x.example"));
    assert_eq!(desk.doc().history().undo_label().as_deref(), Some("Undo Edit message"));
    focus(&mut desk, "Line, field");
    desk.type_text(" and");
    let from = cell(&desk, "Insert Contact · Mail of row 1");
    let field = desk.window.get_by_label("Line, field").rect();
    desk.drag(from, eframe::egui::pos2(field.right() - 10.0, field.center().y));
    assert!(desk.has("Here: bo@x.example andann@x.example"));
    // Pressed alone, it goes to where the caret is.
    desk.press("Insert Contact · Mail of row 2");
    assert!(desk.has("Here: bo@x.example andann@x.examplebo@x.example"));
}

#[test]
fn the_sample_of_a_trigger_is_edited_as_a_step_of_the_flow() {
    let mut desk = opened(&two_steps(Value::Null, Binding::text("To {{ contact.email }}")), "Contact");
    desk.press("Edit the sample");
    focus(&mut desk, "Sample");
    desk.type_text("{\"email\": \"s@x.example\"}");
    desk.press("Keep it");
    desk.press_button("Say");
    assert!(desk.has("Here: To s@x.example"));
    desk.key(Modifiers::COMMAND, Key::Z);
    assert!(desk.has_containing("“contact.email” is missing here"));
}

#[test]
fn an_equals_sign_begins_an_expression_and_what_is_wrong_is_said_in_place() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    focus(&mut desk, "Line, field");
    desk.type_text("=");
    desk.type_text("contact.email | loud");
    assert_eq!(source(&desk, "say", "message"), Source::Expr("contact.email | loud".to_owned()));
    assert!(desk.has_containing("loud"), "the message names the filter");
    let problem = desk.doc().problems.iter().find(|it| it.code == "expression").expect("a problem").message.clone();
    let words = crate::ui::words::sentence(&problem);
    assert!(desk.has_containing(words.trim_end_matches('.')), "{words}");
    for _ in 0..4 {
        desk.key(Modifiers::NONE, Key::Backspace);
    }
    // What can follow is offered, and Tab takes it.
    desk.type_text("uppe");
    assert!(desk.has_containing("upper"));
    desk.key(Modifiers::NONE, Key::Tab);
    assert_eq!(source(&desk, "say", "message"), Source::Expr("contact.email | upper".to_owned()));
    assert!(desk.has("Here: ANN@EXAMPLE.COM"));
}

#[test]
fn within_text_braces_find_names_and_become_a_pill() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    focus(&mut desk, "Line, field");
    desk.type_text("To {{ contact.em");
    assert!(desk.has_containing("contact.email"));
    desk.key(Modifiers::NONE, Key::Enter);
    assert_eq!(source(&desk, "say", "message"), Source::Text("To {{ contact.email }}".to_owned()));
    desk.type_text("!");
    assert_eq!(source(&desk, "say", "message"), Source::Text("To {{ contact.email }}!".to_owned()));
}

#[test]
fn what_is_missing_is_said_and_a_person_chooses_what_then() {
    let mut desk = opened(&two_steps(sample(), Binding::expr("contact.fax")), "Say");
    assert!(desk.has_containing("“contact.fax” is missing here"));
    desk.press("If Line is missing: skip");
    assert_eq!(bound(&desk, "say", "message").unwrap().missing, Missing::Skip);
    assert!(desk.has_containing("Left out here"));
    desk.press("If Line is missing: default");
    focus(&mut desk, "Line, default");
    desk.type_text("none");
    assert_eq!(bound(&desk, "say", "message").unwrap().missing, Missing::Default(json!("none")));
    assert!(desk.has("Here: none"));
}

/// Runs that ended, as the engine tells them: each with what the first step gave.
fn played(desk: &mut Desk, outputs: &[Value]) {
    let mut plays = Vec::new();
    for (at, output) in outputs.iter().enumerate() {
        let mut play = Play::of(RunId(at as u64 + 1), desk.flow().id.clone(), "Two".to_owned(), true);
        let (payload, at) = (Arc::new(output.clone()), Timestamp::from_second(1_764_000_000 + at as i64).unwrap());
        play.apply(&Entry::Accepted { trigger: id("contact"), payload: Arc::clone(&payload), at, cause: Arc::default() });
        let step = StepKey::new(id("say"));
        play.apply(&Entry::StepSucceeded { step, port: "out".into(), output: Arc::new(json!("said")), at });
        plays.push(play);
    }
    desk.window.state_mut().live.add_for_tests(plays);
    desk.run();
}

#[test]
fn one_goes_through_the_records_and_sees_where_a_field_breaks() {
    let mut desk = opened(&two_steps(sample(), Binding::text("To {{ contact.email }}")), "Say");
    assert!(desk.has("No record yet") && desk.has("Here: To ann@example.com"));
    played(&mut desk, &[json!({"email": "one@x.example"}), json!({}), json!({"email": "three@x.example"})]);
    assert!(desk.has("Record 1 of 3") && desk.has("Here: To three@x.example"));
    assert!(desk.has("Breaks in record 2") && desk.has("Line breaks in record 2"), "for the step and for its field");
    desk.press("Earlier record");
    assert!(desk.has("Record 2 of 3") && desk.has_containing("“contact.email” is missing here"));
    desk.press("Earlier record");
    assert!(desk.has("Record 3 of 3") && desk.has("Here: To one@x.example"));
    desk.press("Later record");
    assert!(desk.has("Record 2 of 3"));
    // A run more is what one wants to see.
    let more = [json!({}), json!({}), json!({}), json!({"email": "four@x.example"})];
    played(&mut desk, &more);
    assert!(desk.has("Record 1 of 4") && desk.has("Here: To four@x.example"));
}

#[test]
fn what_a_step_gives_is_pinned_edited_and_unpinned() {
    let mut desk = opened(&two_steps(sample(), Binding::text("To {{ contact.email }}")), "Contact");
    desk.press("Pin as test data");
    assert_eq!(desk.doc().pins[&id("contact")].as_ref(), &sample());
    assert!(desk.has("Pinned test data"));
    desk.press("Edit pinned data");
    focus(&mut desk, "Pinned data");
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text("{\"email\": }");
    desk.press("Pin it");
    assert!(desk.has_containing("Line 1, column 11"));
    focus(&mut desk, "Pinned data");
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text("{\"email\": \"pinned@x.example\"}");
    desk.press("Pin it");
    assert_eq!(desk.doc().pins[&id("contact")].as_ref(), &json!({"email": "pinned@x.example"}));
    desk.press_button("Say");
    assert!(desk.has("Here: To pinned@x.example"));
    desk.press_button("Contact");
    desk.press("Unpin");
    assert!(desk.doc().pins.is_empty());
}

fn operation(input: Mapping) -> Flow {
    let mut flow = Flow::new("op", "Op");
    let given = json!({"emailAddress": "ann@example.com", "first_name": "Ann", "surname": "Ash", "tel": "+15550100", "shoe": 42});
    add(&mut flow, "lead", "Lead", NodeKind::Trigger(Trigger::Manual { sample: given }));
    let operation = OperationId::new("highlevel.contacts.create-contact");
    let kind = NodeKind::Action { operation, slot: "crm".into(), input, retry: RetryPolicy::default() };
    add(&mut flow, "create", "Create it", kind);
    flow.apply(Edit::AddSlot { id: "crm".into(), connector: ConnectorId::new("highlevel") }).unwrap();
    connect(&mut flow, "lead", "out", "create");
    flow
}

#[test]
fn fields_are_mapped_by_name_in_one_step() {
    let mut desk = opened(&operation(Mapping::default()), "Create it");
    desk.press("Map by name");
    assert_eq!(source(&desk, "create", "input.email"), Source::Expr("lead.emailAddress".to_owned()));
    assert_eq!(source(&desk, "create", "input.firstName"), Source::Expr("lead.first_name".to_owned()));
    assert_eq!(source(&desk, "create", "input.lastName"), Source::Expr("lead.surname".to_owned()));
    assert_eq!(source(&desk, "create", "input.phone"), Source::Expr("lead.tel".to_owned()));
    assert!(desk.has_containing("Mapped 4 fields by name"));
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(bound(&desk, "create", "input.email"), None);
    assert!(desk.doc().history().undo_label().is_none());
    desk.press("Map by name");
    desk.press("Map by name");
    assert!(desk.has_containing("No empty field is called like"));
}

#[test]
fn an_optional_field_is_found_by_name_and_chosen_or_typed() {
    let mut desk = opened(&operation(Mapping::default()), "Create it");
    assert!(!desk.has("Website, field"));
    focus(&mut desk, "Find a field");
    desk.type_text("websi");
    assert!(desk.has("Website, field"));
    focus(&mut desk, "Website, field");
    desk.type_text("x");
    assert_eq!(source(&desk, "create", "input.website"), Source::Value(json!("x")));
}

#[test]
fn fields_of_ones_own_are_added_renamed_and_removed() {
    let mut flow = two_steps(sample(), Binding::value(""));
    add(&mut flow, "set", "Make it", NodeKind::Set { fields: Mapping::default() });
    connect(&mut flow, "contact", "out", "set");
    let mut desk = opened(&flow, "Make it");
    focus(&mut desk, "Add a field: its name");
    desk.type_text("greeting");
    desk.key(Modifiers::NONE, Key::Enter);
    assert_eq!(source(&desk, "set", "fields.greeting"), Source::Value(json!("")));
    // It has the keyboard, to be filled at once.
    desk.type_text("Hi");
    assert_eq!(source(&desk, "set", "fields.greeting"), Source::Value(json!("Hi")));
    desk.press("Rename greeting");
    focus(&mut desk, "New name of greeting");
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text("hello");
    desk.key(Modifiers::NONE, Key::Enter);
    assert_eq!(source(&desk, "set", "fields.hello"), Source::Value(json!("Hi")));
    assert_eq!(bound(&desk, "set", "fields.greeting"), None);
    desk.press("Remove hello");
    assert_eq!(bound(&desk, "set", "fields.hello"), None);
}

#[test]
fn a_list_is_filled_item_by_item() {
    let fields = Mapping::from([("to", Binding::from(Source::List(vec![Binding::value("a"), Binding::value("b")])))]);
    let mut flow = two_steps(sample(), Binding::value(""));
    add(&mut flow, "set", "Make it", NodeKind::Set { fields });
    let mut desk = opened(&flow, "Make it");
    desk.press("Move item 1 down");
    desk.press("Add an item");
    let Source::List(items) = source(&desk, "set", "fields.to") else { panic!("a list") };
    assert_eq!(items, [Binding::value("b"), Binding::value("a"), Binding::value("")]);
    desk.press("Remove item 2");
    let Source::List(items) = source(&desk, "set", "fields.to") else { panic!("a list") };
    assert_eq!(items, [Binding::value("b"), Binding::value("")]);
    desk.press("to, 2 items");
    assert!(!desk.has("Add an item"));
}

#[test]
fn a_way_that_is_renamed_keeps_its_wires() {
    let mut flow = crate::flow::testing::Sketch::flow("t.out -> sw_x, sw_x.one -> a");
    flow.name = "Ways".to_owned();
    let mut desk = opened(&flow, "sw_x");
    focus(&mut desk, "Name of way 1");
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text("Very good");
    desk.key(Modifiers::NONE, Key::Enter);
    let edge = Edge { from: id("sw_x"), port: "very_good".into(), to: id("a") };
    assert!(desk.flow().edges.contains(&edge), "{:?}", desk.flow().edges);
    desk.key(Modifiers::COMMAND, Key::Z);
    assert!(desk.flow().edges.contains(&Edge { port: "one".into(), ..edge }));
}

#[test]
fn a_value_is_searched_and_shown_as_a_table_and_raw() {
    let people = json!({"people": [{"name": "Ann", "age": 5}, {"name": "Ben"}]});
    let mut desk = opened(&two_steps(people, Binding::value("")), "Say");
    desk.press("Search the input");
    desk.type_text("ben");
    assert!(desk.has("Insert Contact · Item 2 of people"));
    assert!(!desk.has("Insert Contact · Item 1 of people"));
    desk.press("Input as a table");
    assert!(desk.has("Columns: age, name") && desk.has("Row 2"));
    desk.press("Input raw");
    assert!(desk.has("Copy it"));
}

#[test]
fn in_a_narrow_pane_the_others_are_behind_tabs() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    assert!(desk.window.query_by_role_and_label(Role::Tab, "Output").is_none());
    desk.window.set_size(eframe::egui::vec2(860.0, 700.0));
    desk.run();
    assert!(desk.has("Line, field"));
    desk.window.get_by_role_and_label(Role::Tab, "Output").click();
    desk.run();
    assert!(desk.has("Pin as test data") && !desk.has("Line, field"));
    desk.window.get_by_role_and_label(Role::Tab, "Fields").click();
    desk.run();
    assert!(desk.has("Line, field"));
}

#[test]
fn the_output_says_which_fields_the_service_documents() {
    let mut flow = Flow::new("events", "Events");
    flow.apply(Edit::AddSlot { id: "crm".into(), connector: ConnectorId::new("highlevel") }).unwrap();
    let event = OperationId::new("highlevel.webhook.TaskCreate");
    let trigger = Trigger::Event {
        event,
        slot: "crm".into(),
        input: BTreeMap::new(),
        watch: crate::flow::Watch::default(),
        sample: Value::Null,
    };
    add(&mut flow, "task", "Task", NodeKind::Trigger(trigger));
    let mut desk = opened(&flow, "Task");
    assert!(desk.has_containing("Its fields"));
    for (root, key) in [("Task, output", Key::ArrowLeft), ("Its fields, output", Key::ArrowRight)] {
        desk.window.get_by_label(root).focus();
        desk.run();
        desk.key(Modifiers::NONE, key);
    }
    let told: Vec<_> = desk.window.query_all_by_label_contains("Due date").filter_map(|it| it.accesskit_node().label()).collect();
    assert!(told.iter().any(|it| it.contains("text")), "a name and a type: {told:?}");
}

#[test]
fn every_kind_of_step_has_a_form_that_can_be_looked_at() {
    let flow = Flow::parse(include_bytes!("../../flow/file/every_kind.flowyard")).unwrap();
    let mut desk = Desk::with(&flow);
    for node in flow.nodes.keys() {
        let doc = desk.doc().id;
        desk.window.state().send(crate::ui::msg::Msg::Select { doc, nodes: vec![node.clone()], show: false });
        desk.run();
        assert!(desk.has("Step settings"), "{node}");
        // It may be out of sight, behind a long form.
        desk.window.get_by_label("Step settings").click_accesskit();
        desk.run();
        assert!(desk.has("Name of the step"), "{node}");
        assert_eq!(desk.flow(), &flow, "looking at {node} changes nothing");
    }
}

#[test]
fn a_large_value_is_looked_at_without_making_all_its_rows() {
    let rows: Vec<Value> =
        (0..40_000).map(|at| json!({"name": format!("Person {at}"), "email": format!("p{at}@x.example")})).collect();
    let mut desk = opened(&two_steps(json!({"email": "a@x.example", "people": rows}), Binding::value("")), "Say");
    desk.until("the sample is read", |app| !app.dock.is_reading());
    focus(&mut desk, "Line, field");
    desk.press("Insert Contact · Email");
    desk.type_text("!");
    assert!(desk.has("Here: a@x.example!"));
    let seen = desk.window.query_all_by_label_contains("Insert Contact").count();
    assert!(seen < 100, "{seen}");
}

#[test]
fn the_width_of_a_pane_is_dragged_and_kept_for_the_next_step() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    let width = |desk: &Desk| desk.window.get_by_label("Line, field").rect().width();
    let before = width(&desk);
    let grip = desk.window.get_by_label("Width of the input").rect().center();
    desk.drag(grip, grip - eframe::egui::vec2(40.0, 0.0));
    assert!((width(&desk) - before - 40.0).abs() < 2.0, "{} {before}", width(&desk));
    desk.press_button("Contact");
    desk.press_button("Say");
    assert!((width(&desk) - before - 40.0).abs() < 2.0);
}

#[test]
fn a_choice_is_chosen_from_a_list_or_filled_by_an_expression() {
    let mut flow = two_steps(sample(), Binding::value(""));
    let operation = OperationId::new("highlevel.contacts.update-task-completed");
    let kind = NodeKind::Action { operation, slot: "crm".into(), input: Mapping::default(), retry: RetryPolicy::default() };
    add(&mut flow, "done", "Complete it", kind);
    flow.apply(Edit::AddSlot { id: "crm".into(), connector: ConnectorId::new("highlevel") }).unwrap();
    connect(&mut flow, "contact", "out", "done");
    let mut desk = opened(&flow, "Complete it");
    desk.press("Completed, field: No");
    assert_eq!(source(&desk, "done", "input.completed"), Source::Value(json!(false)));
    desk.press("Completed, how it is filled");
    desk.press("Write an expression");
    desk.type_text(" or true");
    assert_eq!(source(&desk, "done", "input.completed"), Source::Expr("false or true".to_owned()));
    desk.press("Completed, how it is filled");
    desk.press("Choose from the list");
    assert_eq!(bound(&desk, "done", "input.completed"), None);
    assert!(desk.has("Completed, field: Yes"));
}

#[test]
fn within_a_field_one_takes_back_what_was_typed_or_mapped() {
    let mut desk = opened(&two_steps(sample(), Binding::value("")), "Say");
    focus(&mut desk, "Line, field");
    desk.press("Insert Contact · Email");
    assert!(desk.window.get_by_label("Line, field").is_focused());
    for letter in ["a", "b"] {
        desk.type_text(letter);
    }
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(source(&desk, "say", "message"), Source::Expr("contact.email".to_owned()));
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(source(&desk, "say", "message"), Source::Value(json!("")));
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(source(&desk, "say", "message"), Source::Text("{{ contact.email }}ab".to_owned()));
}

#[test]
fn a_schedule_tells_what_it_means_while_it_is_typed_and_when_it_comes_next() {
    let schedule = Schedule { rule: "every weekday at 9:00".into(), zone: "Europe/Berlin".into(), missed: Missed::Once };
    let mut flow = Flow::new("clock", "Clock");
    add(&mut flow, "tick", "Tick", NodeKind::Trigger(Trigger::Schedule { schedule, sample: Value::Null }));
    let mut desk = opened(&flow, "Tick");
    let held = |desk: &Desk| match &desk.flow().nodes[&id("tick")].kind {
        NodeKind::Trigger(Trigger::Schedule { schedule, .. }) => schedule.clone(),
        other => panic!("{other:?}"),
    };
    assert!(desk.has("At 9:00 on weekdays."));
    let weekday = desk.window.query_all_by_label_contains(", 09:00").count();
    assert!(weekday >= 10, "the next ten times: {weekday}");
    desk.window.get_by_role_and_label(Role::TextInput, "When").focus();
    desk.run();
    desk.type_text("x");
    assert_eq!(held(&desk).rule, "every weekday at 9:00x");
    assert!(desk.has_containing("\"9:00x\" is no time"));
    assert!(!desk.has("At 9:00 on weekdays."));
    desk.key(Modifiers::NONE, Key::Backspace);
    assert!(desk.has("At 9:00 on weekdays."));
    desk.press("Times that pass while nothing runs: Each");
    assert_eq!(held(&desk).missed, Missed::All);
    desk.press("Zone: Europe/Berlin");
    focus(&mut desk, "Find a zone");
    desk.type_text("new york");
    desk.press("America/New_York");
    assert_eq!(held(&desk).zone, "America/New_York");
    let said = crate::ui::canvas::sentence::sentence(&desk.flow().nodes[&id("tick")].kind, &Catalog::shipped(), None);
    assert_eq!(said.plain(), "Every weekday at 9:00, America/New_York");
}

#[test]
fn a_table_is_chosen_and_its_first_row_is_what_a_test_gets() {
    let mut flow = Flow::new("people", "People");
    let watched = Watched::default();
    add(&mut flow, "rows", "Rows", NodeKind::Trigger(Trigger::File { watched, sample: Value::Null }));
    let mut desk = opened(&flow, "Rows");
    let held = |desk: &Desk| match &desk.flow().nodes[&id("rows")].kind {
        NodeKind::Trigger(Trigger::File { watched, sample }) => (watched.clone(), sample.clone()),
        other => panic!("{other:?}"),
    };
    desk.press("Starts for each: New row of a table");
    assert_eq!(held(&desk).0.each, Each::Row);
    desk.press("Take what is there already too");
    assert!(held(&desk).0.all);
    let table = desk.home.path().join("people.csv");
    std::fs::write(&table, "name;mail\nAnn;ann@x.example\n").unwrap();
    desk.answers.push(&table);
    desk.press("Choose a table\u{2026}");
    desk.until("it is read", |app| {
        let doc = app.docs.active().expect("a flow");
        matches!(&doc.flow().nodes[&id("rows")].kind, NodeKind::Trigger(Trigger::File { sample, .. }) if !sample.is_null())
    });
    let (watched, sample) = held(&desk);
    assert_eq!((watched.path.as_str(), &sample["row"]["mail"]), (table.to_str().unwrap(), &json!("ann@x.example")));
    let said = crate::ui::canvas::sentence::sentence(&desk.flow().nodes[&id("rows")].kind, &Catalog::shipped(), None);
    assert_eq!(said.plain(), "Starts for each new row of people.csv");
}

#[test]
fn which_date_of_a_record_comes_is_chosen_and_said_in_words() {
    let mut flow = Flow::new("dates", "Dates");
    let what = crate::ui::canvas::add::What::Event(OperationId::new("highlevel.poll.contact-date"));
    let made = crate::ui::canvas::add::make(&what, &flow, &Catalog::shipped(), [0, 0]).unwrap();
    for edit in made.edits {
        flow.apply(edit).unwrap();
    }
    let id = made.id;
    assert_eq!(flow.check(&Catalog::shipped(), &crate::flow::CheckContext::default()), [], "what is added can be used at once");
    let mut desk = opened(&flow, "Date of a contact comes");
    let watch = |desk: &Desk| match &desk.flow().nodes[&id].kind {
        NodeKind::Trigger(Trigger::Event { watch, .. }) => watch.clone(),
        other => panic!("a trigger: {other:?}"),
    };
    let before = watch(&desk).date.unwrap();
    assert_eq!((before.field.as_str(), before.yearly, before.at.as_str()), ("dateOfBirth", true, "9:00"));
    assert!(desk.has("Date: Date of birth") && !desk.has("How long"));
    desk.window.get_by_label("Starts: Before it").click_accesskit();
    desk.run();
    assert_eq!(watch(&desk).ahead, "1 day");
    let long = |desk: &Desk| desk.window.get_by_role_and_label(Role::TextInput, "How long").rect();
    assert!(long(&desk).is_positive());
    desk.window.get_by_role_and_label(Role::TextInput, "How long").focus();
    desk.run();
    desk.key(Modifiers::COMMAND, Key::A);
    desk.window.get_by_role_and_label(Role::TextInput, "How long").type_text("3 days");
    desk.run();
    assert_eq!(watch(&desk).ahead, "3 days");
    desk.window.get_by_label("Starts: After it").click_accesskit();
    desk.run();
    assert_eq!(watch(&desk).ahead, "-3 days");
    desk.window.get_by_label("Date: Date of birth").click_accesskit();
    desk.run();
    desk.window.get_by_label("Added").click_accesskit();
    desk.run();
    let chosen = watch(&desk).date.unwrap();
    assert_eq!((chosen.field.as_str(), chosen.name.as_str(), chosen.yearly), ("dateAdded", "Added", false));
    desk.window.get_by_label("It comes: Each year").click_accesskit();
    desk.run();
    assert!(watch(&desk).date.unwrap().yearly);
    let said = crate::ui::canvas::sentence::sentence(&desk.flow().nodes[&id].kind, &Catalog::shipped(), None).plain();
    let zone = chosen.zone;
    assert_eq!(said, format!("3 days after \"Added\", each year at 9:00, {zone}: HighLevel is asked now and then"));
    desk.window.get_by_role_and_label(Role::TextInput, "How long").focus();
    desk.run();
    desk.key(Modifiers::COMMAND, Key::A);
    desk.window.get_by_role_and_label(Role::TextInput, "How long").type_text("soon");
    desk.run();
    assert!(desk.has_containing("is not how long before the date"));
}

#[test]
fn how_a_service_is_watched_is_chosen_beside_its_event() {
    let mut flow = Flow::new("events", "Events");
    flow.apply(Edit::AddSlot { id: "crm".into(), connector: ConnectorId::new("highlevel") }).unwrap();
    let trigger = |event: &str| {
        NodeKind::Trigger(Trigger::Event {
            event: OperationId::new(event),
            slot: "crm".into(),
            input: BTreeMap::new(),
            watch: crate::flow::Watch::default(),
            sample: Value::Null,
        })
    };
    add(&mut flow, "found", "Found", trigger("highlevel.poll.contact-created"));
    add(&mut flow, "told", "Told", trigger("highlevel.webhook.ContactUpdate"));
    let watch = |desk: &Desk, node: &str| match &desk.flow().nodes[&crate::flow::NodeId::new(node)].kind {
        NodeKind::Trigger(Trigger::Event { watch, .. }) => watch.clone(),
        other => panic!("a trigger: {other:?}"),
    };
    let mut desk = opened(&flow, "Found");
    desk.window.get_by_role_and_label(Role::TextInput, "From one look to the next").focus();
    desk.run();
    desk.window.get_by_role_and_label(Role::TextInput, "From one look to the next").type_text("5 minutes");
    desk.run();
    assert_eq!(watch(&desk, "found").every_ms(), Some(300_000));
    desk.window.get_by_label("Begins from: All").click_accesskit();
    desk.run();
    assert_eq!(watch(&desk, "found").begin, crate::flow::Begin::All);
    let doc = desk.doc().id;
    desk.window.state().send(crate::ui::msg::Msg::Select { doc, nodes: vec!["told".into()], show: false });
    desk.run();
    desk.window.get_by_label("Also look for what was not told").click_accesskit();
    desk.run();
    assert!(watch(&desk, "told").reconcile);
    assert!(desk.window.query_by_label_contains("ContactDndUpdate, ContactTagUpdate start it too.").is_some());
    desk.window.get_by_label("Read the whole record first").click_accesskit();
    desk.run();
    assert_eq!(watch(&desk, "told").whole, Some(true));
    desk.window.get_by_label("Read the whole record first").click_accesskit();
    desk.run();
    assert_eq!(watch(&desk, "told").whole, None, "as the catalogue has it");
}

#[test]
fn whose_ends_start_a_flow_is_said_and_who_calls_it_is_shown() {
    let mut flow = Flow::new("after", "After");
    let ended = Trigger::Ended { of: Vec::new(), ending: crate::flow::Ending::Succeeded, sample: Value::Null };
    add(&mut flow, "ended", "Ended", NodeKind::Trigger(ended));
    add(&mut flow, "asked", "Asked", NodeKind::Trigger(Trigger::Manual { sample: Value::Null }));
    add(&mut flow, "failed", "Failed", NodeKind::Trigger(Trigger::Failed { of: None, sample: Value::Null }));
    let mut desk = opened(&flow, "Ended");
    let label = "Of these flows only, by their ids, with commas between; empty for any";
    desk.window.get_by_role_and_label(Role::TextInput, label).focus();
    desk.run();
    desk.window.get_by_role_and_label(Role::TextInput, label).type_text("a, b");
    desk.run();
    desk.press("Ends that count: All");
    let NodeKind::Trigger(Trigger::Ended { of, ending, .. }) = desk.flow().nodes[&id("ended")].kind.clone() else {
        panic!("it waits for ends")
    };
    assert_eq!((of, ending), (vec!["a".into(), "b".into()], crate::flow::Ending::Any));
    let said = crate::ui::canvas::sentence::sentence(&desk.flow().nodes[&id("ended")].kind, &Catalog::shipped(), None);
    assert_eq!(said.plain(), "Starts when a run of a or b ends");
    let doc = desk.doc().id;
    desk.window.state().send(crate::ui::msg::Msg::Select { doc, nodes: vec![id("asked")], show: false });
    desk.run();
    assert!(desk.window.query_by_label("No flow that is open or live calls it.").is_some());
    // One that is live calls it, and one that is live and open does not as it is here.
    let mut caller = Flow::new("calls", "Calls");
    let call = NodeKind::SubFlow { flow: "after".into(), input: Mapping::default() };
    add(&mut caller, "call", "Call it", call.clone());
    let mut before = flow;
    add(&mut before, "call", "Call it", call);
    let live = |flow: &Flow| {
        let entry = crate::published::Entry {
            name: flow.name.clone(),
            on: true,
            environment: "live".to_owned(),
            revision: String::new(),
            at: Timestamp::UNIX_EPOCH,
            file: None,
        };
        (flow.id.clone(), LiveFlow { entry, flow: Some(Arc::new(flow.clone())), paused: false })
    };
    let flows = [live(&caller), live(&before)].into();
    desk.told.send(Told::Home(Box::new(HomeNews::Flows { flows, failures: Vec::new() }))).unwrap();
    desk.run();
    assert!(desk.window.query_by_label("Called by Calls (live).").is_some());
    // A flow is chosen by its name, and the one that waits is none of them.
    desk.window.state().send(crate::ui::msg::Msg::Select { doc, nodes: vec![id("ended")], show: false });
    desk.run();
    desk.press("Choose a flow\u{2026}");
    assert!(desk.window.query_all_by_label("After").all(|it| it.accesskit_node().role() != Role::Button));
    desk.press("Calls");
    let NodeKind::Trigger(Trigger::Ended { of, .. }) = desk.flow().nodes[&id("ended")].kind.clone() else {
        panic!("it waits for ends")
    };
    assert_eq!(of, ["a".into(), "b".into(), caller.id.clone()]);
    assert!(desk.has("Chosen: Calls.") && !desk.has("Choose a flow\u{2026}"), "all that are known are chosen");
    desk.window.state().send(crate::ui::msg::Msg::Select { doc, nodes: vec![id("failed")], show: false });
    desk.run();
    desk.press("Choose a flow\u{2026}");
    desk.press("Calls");
    let NodeKind::Trigger(Trigger::Failed { of, .. }) = desk.flow().nodes[&id("failed")].kind.clone() else {
        panic!("it waits for failures")
    };
    assert_eq!(of, Some(caller.id));
}
