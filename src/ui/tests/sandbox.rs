//! The sandbox's records: what a test touched is lit, and a person changes them by hand.
use std::collections::BTreeMap;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::desk::Desk;
use super::runs::{add, ended, stage};
use crate::catalog::{Catalog, ConnectorId, OperationId};
use crate::flow::testing::id;
use crate::flow::{Binding, Edge, Edit, Flow, NodeKind, Trigger};
use crate::ui::canvas::sentence::sentence;
use crate::ui::document::Test;

fn open() -> (Desk, tokio::runtime::Runtime) {
    let mut desk = Desk::first();
    let runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    (desk, runtime)
}

fn fill(desk: &mut Desk, field: &str, text: &str) {
    let field = desk.window.get_by_role_and_label(Role::TextInput, field);
    field.focus();
    desk.run();
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text(text);
}

#[test]
fn what_the_last_test_touched_is_lit_in_both_services() {
    let (mut desk, _runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    assert!(desk.has("Sandbox") && !desk.has_containing("by the last run"));
    desk.key(Modifiers::ALT, Key::Num1);
    desk.key(Modifiers::COMMAND, Key::Enter);
    desk.until("the test has ended", ended);
    desk.key(Modifiers::ALT, Key::Num3);
    let lit = |desk: &Desk, table: &str| {
        let rows = desk.window.query_all_by_label_contains("by the last run");
        rows.filter_map(|it| it.accesskit_node().label()).filter(|it| it.starts_with(table)).count()
    };
    assert_eq!((lit(&desk, "Contacts"), lit(&desk, "Events")), (1, 1));
}

#[test]
fn a_record_is_added_changed_and_removed_and_the_service_says_what_is_wrong() {
    let (mut desk, _runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    let contacts = |desk: &Desk| desk.window.state().live.stage().unwrap().sandbox.records("contacts");
    let before = contacts(&desk).len();
    desk.press("Add to contacts");
    fill(&mut desk, "E-mail", "no address");
    desk.press_button("Add");
    assert!(desk.has_containing("(422)") || desk.has_containing("(400)"), "the service's own words");
    fill(&mut desk, "E-mail", "nova@by.hand.example");
    fill(&mut desk, "First name", "Nova");
    desk.press_button("Add");
    assert_eq!(contacts(&desk).len(), before + 1);
    let row = |desk: &Desk| desk.window.query_all_by_label_contains("Contacts: Nova").next().is_some();
    assert!(row(&desk));
    desk.window.get_by_label_contains("Contacts: Nova").click();
    desk.run();
    fill(&mut desk, "First name", "Stella");
    desk.press_button("Save changes");
    assert!(desk.has_containing("Contacts: Stella") && !row(&desk));
    desk.window.get_by_label_contains("Contacts: Stella").click();
    desk.run();
    desk.press_button("Remove");
    assert_eq!(contacts(&desk).len(), before);
    desk.window.get_all_by_label("Undo").last().unwrap().click();
    desk.run();
    assert_eq!(contacts(&desk).len(), before + 1);
    desk.press_button("Start over");
    assert_eq!(contacts(&desk).len(), before);
}

#[test]
fn a_record_added_by_hand_starts_the_open_flows_that_wait_for_it() {
    let trigger = |event: &str| {
        NodeKind::Trigger(Trigger::Event {
            event: OperationId::new(event),
            slot: "crm".into(),
            input: BTreeMap::new(),
            sample: serde_json::Value::Null,
        })
    };
    let mut flow = Flow::new("greets", "Greets");
    flow.apply(Edit::AddSlot { id: "crm".into(), connector: ConnectorId::new("highlevel") }).unwrap();
    add(&mut flow, "contact", trigger("highlevel.webhook.ContactCreate"));
    let message = Binding::text("Hello {{ contact.firstName }} of {{ contact.type }}");
    add(&mut flow, "say", NodeKind::Log { level: crate::flow::Level::Info, message });
    flow.apply(Edit::Connect(Edge { from: id("contact"), port: "out".into(), to: id("say") })).unwrap();
    let mut desk = Desk::with(&flow);
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    let said = sentence(&flow.nodes[&id("contact")].kind, &Catalog::shipped()).plain();
    assert_eq!(said, "Starts on Contact created: HighLevel tells it");
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press("Add to contacts");
    fill(&mut desk, "First name", "Nova");
    desk.press_button("Add");
    assert!(desk.has_containing("Started “Greets”."));
    desk.until("the run has ended", ended);
    let said = |app: &crate::ui::app::App| {
        let run = app.docs.active().unwrap().test.as_ref().and_then(Test::run).and_then(|it| app.live.run(it));
        run.and_then(|it| it.node(&id("say"))?.output.clone())
    };
    assert!(said(desk.window.state()).is_some_and(|it| it.to_string().contains("Hello Nova of ContactCreate")));
    // What a test would do to records starts nothing by itself, and other deeds neither.
    let before = desk.window.state().live.runs().count();
    desk.press_button("Start over");
    desk.window.get_all_by_label_contains("Contacts: ").next().unwrap().click();
    desk.run();
    desk.press_button("Remove");
    assert_eq!(desk.window.state().live.runs().count(), before);
}

#[test]
fn a_search_leaves_out_other_records_and_faults_are_switched() {
    let (mut desk, _runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    let rows = |desk: &Desk| desk.window.query_all_by_label_contains("Contacts: ").count();
    let all = rows(&desk);
    assert!(all > 1);
    fill(&mut desk, "Find in HighLevel", "no such words anywhere");
    assert_eq!(rows(&desk), 0);
    assert!(desk.has("Nothing here has these words."));
    desk.press_button("Faults");
    desk.press("Errors strike after the request was carried out");
    assert!(desk.window.state().live.stage().unwrap().sandbox.faults().after);
    desk.window.get_by_role_and_label(Role::Slider, "Sign-in refused (401)").focus();
    desk.run();
    desk.key(Modifiers::NONE, Key::ArrowRight);
    assert!(desk.window.state().live.stage().unwrap().sandbox.faults().unauthorized > 0.0);
    assert!(desk.has("Faults: 1 on"));
    desk.press_button("Switch all faults off");
    assert!(desk.has("Faults"));
    desk.press("Contacts may be there twice");
    assert!(desk.window.state().live.stage().unwrap().sandbox.traps().duplicates_allowed);
}
