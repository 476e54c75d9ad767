//! What the slots of a flow stand for, chosen in the window; and what its accounts lack.
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use serde_json::json;

use super::connections::{access, behind, fill, listed};
use super::desk::Desk;
use super::runs::{add, stage};
use crate::accounts::Bindings;
use crate::catalog::{ConnectorId, OperationId};
use crate::engine::{ConnectionId, Secret, Vault};
use crate::flow::testing::id;
use crate::flow::{Binding, Edge, Edit, Flow, Mapping, NodeKind, RetryPolicy, Trigger};
use crate::sandbox::Faults;

/// A flow that reads a calendar which was chosen on another account.
fn reading(name: &str) -> Flow {
    let mut flow = Flow::new("reading", "Reading");
    flow.slots.insert("crm".into(), ConnectorId::new("highlevel"));
    add(&mut flow, "t", NodeKind::Trigger(Trigger::Manual { sample: json!({}) }));
    let kind = NodeKind::Action {
        operation: OperationId::new("highlevel.calendars.get-calendar"),
        slot: "crm".into(),
        input: Mapping::from([("calendarId", Binding::value("id-of-elsewhere").named([name]))]),
        retry: RetryPolicy::default(),
    };
    add(&mut flow, "read", kind);
    flow.apply(Edit::Connect(Edge { from: id("t"), port: "out".into(), to: id("read") })).unwrap();
    flow
}

/// The page of connections, with a sandbox behind it.
fn open(flow: &Flow) -> (Desk, tokio::runtime::Runtime, Vault) {
    let mut desk = Desk::with(flow);
    let runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    let vault = Vault::in_memory();
    behind(&desk, &runtime, vault.clone());
    desk.key(Modifiers::ALT, Key::Num5);
    listed(&mut desk);
    (desk, runtime, vault)
}

fn bound(desk: &Desk, environment: &str) -> Vec<String> {
    let kept = Bindings::read(desk.home.path()).unwrap();
    kept.of(&"reading".into(), environment, &"crm".into()).iter().map(ConnectionId::to_string).collect()
}

/// Presses a line of the list of what the slot may stand for, and waits for what it is bound to then.
fn pick(desk: &mut Desk, slot: &str, role: Role, line: &str, expected: &[&str]) {
    desk.press(slot);
    desk.window.get_by_role_and_label(role, line).click();
    desk.run();
    desk.key(Modifiers::NONE, Key::Escape);
    stands(desk, expected);
}

fn stands(desk: &mut Desk, expected: &[&str]) {
    desk.until("it is bound", |app| {
        let environment = &app.connections.environment;
        let kept = app.connections.read().map(|it| it.bindings.of(&"reading".into(), environment, &"crm".into()));
        kept.is_some_and(|it| it.iter().map(ConnectionId::as_str).eq(expected.iter().copied()))
    });
    listed(desk);
}

/// Writes a connection to the sandbox down, with its secret.
fn connect(desk: &mut Desk, vault: &Vault, id: &str, name: &str, environment: &str) {
    let crm = access(desk).highlevel;
    let book = desk.home.path().join("connections.json");
    let mut all: Vec<serde_json::Value> = std::fs::read(&book).map(|it| serde_json::from_slice(&it).unwrap()).unwrap_or_default();
    all.push(json!({
        "id": id, "name": name, "connector": "highlevel", "environment": environment, "base_url": crm.base_url,
        "account": {"location_id": crm.location_id},
    }));
    std::fs::write(&book, serde_json::to_vec(&all).unwrap()).unwrap();
    vault.insert(ConnectionId::new(id), Secret::token(crm.token)).unwrap();
    desk.window.state().send(crate::ui::msg::Msg::ListAccounts);
    desk.run();
    listed(desk);
}

#[test]
fn a_slot_is_bound_to_one_or_several_accounts_and_that_is_taken_back() {
    let (mut desk, _runtime, vault) = open(&reading("Yoga at dawn"));
    desk.press("Show: Flows");
    assert!(desk.has("There is no connection to HighLevel yet"));
    connect(&mut desk, &vault, "riverside", "Riverside", "live");
    assert!(desk.has("Not bound: it is the only connection there"));
    connect(&mut desk, &vault, "harbour", "Harbour", "live");
    assert!(desk.has("Not bound, and there are 2 connections"));
    pick(&mut desk, "crm of Reading stands for Choose one…", Role::CheckBox, "Harbour", &["harbour"]);
    assert!(desk.has("crm of “Reading” stands for Harbour"), "it is said");
    pick(&mut desk, "crm of Reading stands for Harbour", Role::CheckBox, "Riverside", &["harbour", "riverside"]);
    assert_eq!(bound(&desk, "live"), ["harbour", "riverside"]);
    assert!(desk.has("Runs for each of 2 accounts on its own"));
    // The last change is taken back.
    desk.window.query_all_by_label("Undo").last().expect("a way back").click();
    desk.run();
    stands(&mut desk, &["harbour"]);
    pick(&mut desk, "crm of Reading stands for Harbour", Role::Button, "Take the binding away", &[]);
    assert!(bound(&desk, "live").is_empty());
}

#[test]
fn what_accounts_lack_is_looked_for_when_it_is_asked_for() {
    let (mut desk, _runtime, vault) = open(&reading("Yoga at dawn"));
    connect(&mut desk, &vault, "riverside", "Riverside", "live");
    desk.press("Show: Flows");
    desk.press("What the accounts of Reading lack");
    let told = |app: &super::super::app::App| app.connections.checks.values().any(|it| it.told.is_some());
    desk.until("it is looked for", told);
    assert!(desk.has("1 value missing"));
    assert!(desk.has("Riverside, Calendar of “read”: “Yoga at dawn” is missing"));
    let sandbox = desk.window.state().live.stage().unwrap().sandbox.clone();
    sandbox.set_faults(Faults { server_error: 1.0, ..Faults::default() });
    desk.press("What the accounts of Reading lack");
    desk.until("it is looked for again", told);
    assert!(desk.has_containing("cannot be told"), "a list that cannot be read lacks nothing");
    // While a service takes its time, a person may stop waiting for it.
    sandbox.set_faults(Faults { slow: 1.0, slow_ms: 60_000, ..Faults::default() });
    desk.press("What the accounts of Reading lack");
    desk.until("it is under way", |app| app.connections.checks.values().any(|it| it.of == 1));
    assert!(desk.has("0 of 1 account looked at…"));
    desk.press("Stop looking");
    assert!(desk.window.state().connections.checks.is_empty());
}

#[test]
fn another_environment_has_bindings_of_its_own() {
    let (mut desk, _runtime, vault) = open(&reading("Consultation"));
    connect(&mut desk, &vault, "riverside", "Riverside", "live");
    connect(&mut desk, &vault, "try", "Tryout", "staging");
    vault.remove(&ConnectionId::new("try")).unwrap();
    desk.window.state().send(crate::ui::msg::Msg::ListAccounts);
    desk.run();
    listed(&mut desk);
    desk.press("Show: Flows");
    desk.press_button("Live");
    desk.press("staging");
    assert!(desk.has_containing("crm of Reading stands for Tryout"));
    assert!(desk.has("To be reconnected: Tryout"));
    pick(&mut desk, "crm of Reading stands for Tryout", Role::CheckBox, "Tryout", &["try"]);
    assert_eq!((bound(&desk, "staging"), bound(&desk, "live")), (vec!["try".to_owned()], Vec::new()));
    // One that nobody named yet.
    desk.press("staging");
    fill(&mut desk, "Name of another environment", "rehearsal");
    desk.press("Use it");
    assert_eq!(desk.window.state().connections.environment, "rehearsal");
    assert!(desk.has("There is no connection to HighLevel yet; bound in staging"));
    desk.press("Add connection…");
    let state = &desk.window.state().connections;
    assert!(matches!(&state.pane, Some(super::super::connections::Pane::Add(it)) if it.environment == "rehearsal"));
}

#[test]
fn what_an_account_lacks_is_made_there_once_a_person_has_seen_what_is_sent_and_agrees() {
    let (mut desk, _runtime, vault) = open(&reading("Yoga at dawn"));
    connect(&mut desk, &vault, "riverside", "Riverside", "live");
    let sandbox = desk.window.state().live.stage().unwrap().sandbox.clone();
    let calendars = || sandbox.records("calendars").len();
    let before = calendars();
    desk.press("Show: Flows");
    desk.press("What the accounts of Reading lack");
    desk.until("it is looked for", |app| app.connections.checks.values().any(|it| it.told.is_some()));
    desk.press("Create Riverside: calendar “Yoga at dawn”");
    assert!(desk.has_containing("on Riverside, new: no account here has it:"));
    assert!(desk.has("name: Yoga at dawn"));
    desk.press("Do not create");
    assert_eq!(calendars(), before, "nothing is made unasked");
    desk.press("Create Riverside: calendar “Yoga at dawn”");
    desk.press("Create it");
    desk.until("it is made", |app| app.connections.checks.values().any(|it| matches!(it.made.get(&0), Some(Some(_)))));
    assert!(desk.has_containing("It is there now. It has no team yet"), "{:?}", desk.window.state().connections.checks);
    assert_eq!(calendars(), before + 1);
    desk.press("What the accounts of Reading lack");
    desk.until("it is looked for", |app| app.connections.checks.values().any(|it| it.told.is_some()));
    assert!(desk.has("Riverside, Calendar of “read”: Yoga at dawn is there, another one of that name"));
}
