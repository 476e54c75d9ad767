//! Values that an account has are chosen by their names, read from the sandbox behind the frame.
use std::sync::Arc;

use egui_kittest::kittest::Queryable as _;
use serde_json::{Value, json};

use super::desk::Desk;
use super::runs::stage;
use crate::catalog::{Catalog, ConnectorId, OperationId};
use crate::chooser::Asked;
use crate::engine::ConnectionId;
use crate::flow::testing::id;
use crate::flow::{Binding, Edit, FieldPath, Flow, Mapping, Node, NodeKind, RetryPolicy, Source};

/// A flow with one step of this operation.
fn flow(operation: &str, input: Mapping) -> Flow {
    let operation = OperationId::new(operation);
    let mut flow = Flow::new("one", "One");
    flow.apply(Edit::AddSlot { id: "s".into(), connector: ConnectorId::new(operation.connector().as_str()) }).unwrap();
    let kind = NodeKind::Action { operation, slot: "s".into(), input, retry: RetryPolicy::default() };
    flow.apply(Edit::AddNode { id: id("step"), node: Arc::new(Node { name: "Step".to_owned(), muted: false, kind }), at: None })
        .unwrap();
    flow
}

/// The step selected, with a sandbox behind the window.
fn opened(operation: &str, input: Mapping) -> (Desk, tokio::runtime::Runtime) {
    let mut desk = Desk::with(&flow(operation, input));
    let runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    desk.press_button("Step");
    (desk, runtime)
}

fn asked(operation: &str, input: Value) -> Asked {
    let input = serde_json::from_value(input).unwrap();
    let operation = OperationId::new(operation);
    Asked { connection: ConnectionId::new(operation.connector().as_str()), operation, input }
}

/// What the window has read, once it is there.
fn read(desk: &mut Desk, asked: &Asked) -> Value {
    desk.until("the list is read", |app| app.offers.get(asked).is_some_and(|it| !it.is_waiting()));
    let offer = desk.window.state().offers.get(asked).unwrap();
    assert!(offer.failure.is_none(), "{:?}", offer.failure);
    (**offer.answer.as_ref().unwrap()).clone()
}

/// Answers for the service with what it documents, where the sandbox has no records of it.
fn documented(desk: &mut Desk, asked: &Asked) -> Value {
    desk.until("the list is read", |app| app.offers.get(asked).is_some_and(|it| !it.is_waiting()));
    let catalog = Catalog::shipped();
    let (connector, operation) = catalog.operation(&asked.operation).unwrap();
    let answer = operation.success[0].schema.as_ref().unwrap().sample(connector);
    let offers = &mut desk.window.state_mut().offers;
    let ticket = offers.ask(asked, 1e9).unwrap();
    offers.told(ticket, Ok(answer.clone()));
    desk.run();
    answer
}

fn value(desk: &Desk, path: &str) -> Option<Value> {
    match &FieldPath::from(path).find(&desk.flow().nodes[&id("step")])?.source {
        Source::Value(value) => Some(value.clone()),
        other => panic!("{other:?}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_calendar_is_chosen_by_its_name_and_its_id_stands_beside() {
    let (mut desk, _runtime) = opened("highlevel.calendars.create-appointment", Mapping::default());
    let calendars = asked("highlevel.calendars.get-calendars", json!({}));
    assert!(desk.window.state().offers.get(&calendars).is_none(), "nothing is asked for before somebody wants it");
    desk.press("Calendar, field: Choose…");
    let answer = read(&mut desk, &calendars);
    let (name, sent) = (text(&answer["calendars"][1]["name"]), &answer["calendars"][1]["id"]);
    assert!(desk.has(text(&answer["calendars"][0]["name"])));
    desk.press(name);
    assert_eq!(value(&desk, "input.calendarId").as_ref(), Some(sent));
    assert!(desk.has(&format!("Calendar, field: {name}")));
    assert!(desk.has(&format!("Calendar, field, sent as {}", text(sent))));
    assert_eq!(desk.doc().history().undo_label().as_deref(), Some("Undo Edit input.calendarId"));
}

#[test]
fn the_stages_offered_are_those_of_the_pipeline_that_is_chosen() {
    let input = Mapping::from([("pipelineStageId", Binding::value("")), ("contactId", Binding::value("c"))]);
    let (mut desk, _runtime) = opened("highlevel.opportunities.create-opportunity", input);
    desk.press("Stage, field: Choose…");
    assert!(desk.has("Fill Pipeline first: the choices hang on it."));
    desk.key(eframe::egui::Modifiers::NONE, eframe::egui::Key::Escape);
    desk.press("Pipeline, field: Choose…");
    let answer = documented(&mut desk, &asked("highlevel.opportunities.get-pipelines", json!({})));
    let pipeline = &answer["pipelines"][0];
    desk.press(text(&pipeline["name"]));
    assert_eq!(value(&desk, "input.pipelineId").as_ref(), Some(&pipeline["id"]));
    desk.press("Stage, field: Choose…");
    let stage = &pipeline["stages"][0];
    desk.press(text(&stage["name"]));
    assert_eq!(value(&desk, "input.pipelineStageId").as_ref(), Some(&stage["id"]));
}

#[test]
fn the_tasks_offered_are_those_of_the_contact_that_is_given() {
    let (mut desk, _runtime) = opened("highlevel.contacts.delete-task", Mapping::default());
    let sandbox = &desk.window.state().live.stage().unwrap().sandbox;
    let (task, contact) = sandbox.records("tasks").first().map(|it| (it["title"].clone(), it["contactId"].clone())).unwrap();
    let contact = text(&contact).to_owned();
    let doc = desk.doc().id;
    let binding = Some(Binding::value(contact.as_str()));
    let edit = Edit::Bind { node: id("step"), field: FieldPath::from("input.contactId"), binding };
    desk.window.state().send(crate::ui::msg::Msg::Edit(doc, edit));
    desk.run();
    desk.press("Task, field: Choose…");
    let answer = read(&mut desk, &asked("highlevel.contacts.get-all-tasks", json!({ "contactId": contact })));
    assert!(answer["tasks"].as_array().unwrap().iter().any(|it| it["title"] == task), "{answer}");
    desk.press(text(&task));
    let chosen = value(&desk, "input.taskId").unwrap();
    assert!(answer["tasks"].as_array().unwrap().iter().any(|it| it["id"] == chosen));
}

#[test]
fn several_are_chosen_for_a_list_and_with_commas_between_for_a_text() {
    let input = Mapping::from([("title", Binding::value("T"))]);
    let (mut desk, _runtime) = opened("schedule_it.events.create-event", input);
    desk.press("Owner, field: Choose one or more…");
    let answer = read(&mut desk, &asked("schedule_it.resources.list-resources", json!({})));
    let all = answer.as_array().unwrap();
    desk.press(text(&all[0]["name"]));
    desk.press(text(&all[2]["name"]));
    assert_eq!(value(&desk, "input.owner"), Some(json!(format!("{},{}", text(&all[0]["id"]), text(&all[2]["id"])))));
    // A second press takes it out again, and without any the field is empty.
    desk.press(text(&all[0]["name"]));
    assert_eq!(value(&desk, "input.owner").as_ref(), Some(&all[2]["id"]));
    desk.press(text(&all[2]["name"]));
    assert_eq!(value(&desk, "input.owner"), None);

    let (mut desk, _runtime) = opened("highlevel.contacts.add-followers-contact", Mapping::default());
    desk.press("Followers, field: Choose one or more…");
    let answer = read(&mut desk, &asked("highlevel.users.get-user-by-location", json!({})));
    let user = &answer["users"][0];
    desk.press(text(&user["name"]));
    assert_eq!(value(&desk, "input.followers"), Some(json!([user["id"]])));
}

#[test]
fn a_name_is_read_for_a_value_that_is_there_and_one_that_is_unknown_is_shown_as_it_is() {
    let input = Mapping::from([("calendarId", Binding::value("not-one-of-them"))]);
    let (mut desk, _runtime) = opened("highlevel.calendars.get-calendar", input);
    let calendars = asked("highlevel.calendars.get-calendars", json!({}));
    read(&mut desk, &calendars);
    assert!(desk.has("Calendar, field: not-one-of-them"));
}

#[test]
fn a_list_that_cannot_be_read_says_why_and_the_value_is_typed_by_hand() {
    let (mut desk, _runtime) = opened("highlevel.calendars.get-calendar", Mapping::default());
    let faults = crate::sandbox::Faults { unauthorized: 1.0, ..crate::sandbox::Faults::default() };
    desk.window.state().live.stage().unwrap().sandbox.set_faults(faults);
    desk.press("Calendar, field: Choose…");
    let calendars = asked("highlevel.calendars.get-calendars", json!({}));
    desk.until("it is refused", |app| app.offers.get(&calendars).is_some_and(|it| it.failure.is_some()));
    assert!(desk.has_containing("The list cannot be read."));
    desk.press("Type it by hand");
    desk.window.get_by_label("Calendar, field").focus();
    desk.run();
    desk.type_text("abc");
    assert_eq!(value(&desk, "input.calendarId"), Some(json!("abc")));
    desk.press("Calendar, how it is filled");
    desk.press("Choose from the list");
    assert!(desk.has("Calendar, field: Choose…"));
}

#[test]
fn without_a_sandbox_the_value_is_typed() {
    let mut desk = Desk::with(&flow("highlevel.calendars.get-calendar", Mapping::default()));
    desk.press_button("Step");
    assert!(desk.has("Calendar, field") && !desk.has("Calendar, field: Choose…"));
}

#[test]
fn a_custom_field_is_found_by_name_within_an_item_of_a_list() {
    let item = Binding::from(Source::Object(std::collections::BTreeMap::new()));
    let list = Binding::from(Source::List(vec![item]));
    let input = Mapping::from([("contactId", Binding::value("c")), ("customFields", list)]);
    let (mut desk, _runtime) = opened("highlevel.contacts.update-contact", input);
    desk.press("Id, field: Choose…");
    let answer = documented(&mut desk, &asked("highlevel.locations.get-custom-fields", json!({ "model": "contact" })));
    let field = &answer["customFields"][0];
    desk.press(text(&field["name"]));
    assert_eq!(value(&desk, "input.customFields.0.id").as_ref(), Some(&field["id"]));
}

#[test]
fn cards_and_outline_say_the_names_of_what_was_chosen_once_they_are_known() {
    let input = Mapping::from([("calendarId", Binding::value("not-one-of-them"))]);
    let (mut desk, _runtime) = opened("highlevel.calendars.get-calendar", input);
    let calendars = asked("highlevel.calendars.get-calendars", json!({}));
    let answer = read(&mut desk, &calendars);
    let said = |desk: &mut Desk| {
        let app = desk.window.state_mut();
        let (flow, catalog) = (Arc::clone(app.docs.active().unwrap().flow()), Catalog::shipped());
        let view = app.views.get_mut(&app.docs.active.unwrap()).unwrap();
        view.board(&flow, &catalog).spot(&id("step")).unwrap().sentence.plain()
    };
    assert!(said(&mut desk).contains("not-one-of-them"), "what has no name is said as it is");
    let calendar = &answer["calendars"][1];
    let (name, sent) = (text(&calendar["name"]), text(&calendar["id"]));
    desk.press("Calendar, field: not-one-of-them");
    desk.press(name);
    assert!(said(&mut desk).contains(name) && !said(&mut desk).contains(sent), "{}", said(&mut desk));
    desk.window.state().send(crate::ui::msg::Msg::Do(crate::ui::command::UiCommand::ToggleOutline));
    desk.run();
    assert!(desk.window.query_all_by_label_contains("Level 1, Step, ").any(|it| {
        use egui_kittest::kittest::NodeT as _;
        it.accesskit_node().label().is_some_and(|it| it.contains(name))
    }));
}

#[test]
fn a_flow_that_is_opened_names_what_it_holds_without_being_asked() {
    let calendar = {
        let (desk, _runtime) = opened("highlevel.calendars.get-calendar", Mapping::default());
        desk.window.state().live.stage().unwrap().sandbox.records("calendars")[0].clone()
    };
    let input = Mapping::from([("calendarId", Binding::value(calendar["id"].clone()))]);
    let mut desk = Desk::with(&flow("highlevel.calendars.get-calendar", input));
    let _runtime = stage(&desk);
    read(&mut desk, &asked("highlevel.calendars.get-calendars", json!({})));
    desk.window.state().send(crate::ui::msg::Msg::Do(crate::ui::command::UiCommand::ToggleOutline));
    desk.run();
    assert!(desk.has_containing(text(&calendar["name"])));
}

#[test]
fn fields_of_ones_own_are_called_as_the_account_calls_them_and_what_is_sent_stands_beside() {
    let input = Mapping::from([("title", Binding::value("T")), ("custom1", Binding::value("JL-1"))]);
    let (mut desk, _runtime) = opened("schedule_it.events.create-event", input);
    let labels = asked("schedule_it.labels.list-labels", json!({}));
    let answer = read(&mut desk, &labels);
    let label = answer.as_array().unwrap().iter().find(|it| it["type"] == "custom1").unwrap();
    assert!(desk.has(&format!("{}, field", text(&label["name"]))) && desk.has("custom1"));
    assert!(!desk.has("Custom 1, field"));
    // One that is empty is found by either name.
    for (query, name) in [("insur", "Insurance"), ("custom2", "Insurance"), ("custom3", "Custom 3")] {
        desk.window.get_by_label("Find a field").focus();
        desk.run();
        desk.key(eframe::egui::Modifiers::COMMAND, eframe::egui::Key::A);
        desk.type_text(query);
        assert!(desk.has(&format!("{name}, field")), "{query}");
    }
}

#[test]
fn what_is_needed_and_what_is_filled_stand_under_their_headings() {
    let input = Mapping::from([("title", Binding::value("T")), ("notes", Binding::value("N"))]);
    let (desk, _runtime) = opened("schedule_it.events.create-event", input);
    let top = |name: &str| desk.window.get_all_by_label(name).next().unwrap().rect().top();
    let order = [top("Required"), top("Title, field"), top("Event"), top("Notes, field"), top("Find a field")];
    assert!(order.is_sorted(), "{order:?}");
}
