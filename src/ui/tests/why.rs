//! Why a service refused a step, asked in the log: in the sandbox against the sandbox, live against the connections of a person.
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use serde_json::json;

use super::connections::{access, behind};
use super::desk::Desk;
use super::log::{Disk, setting};
use super::runs::{add, ended, stage};
use crate::catalog::{ConnectorId, OperationId};
use crate::engine::{ConnectionId, Mode, Vault};
use crate::flow::testing::id;
use crate::flow::{Binding, Edge, Edit, Flow, NodeKind, RetryPolicy, Trigger};
use crate::run::RunId;
use crate::sandbox::Faults;
use crate::ui::app::App;

/// A flow that writes a contact.
fn creating() -> Flow {
    let mut flow = Flow::new("creating", "Creating");
    flow.slots.insert("crm".into(), ConnectorId::new("highlevel"));
    add(&mut flow, "t", NodeKind::Trigger(Trigger::Manual { sample: json!({}) }));
    let input = [("firstName".to_owned(), Binding::value("Ann"))].into_iter().collect();
    let kind = NodeKind::Action {
        operation: OperationId::new("highlevel.contacts.create-contact"),
        slot: "crm".into(),
        input: crate::flow::Mapping(input),
        retry: RetryPolicy::default(),
    };
    add(&mut flow, "a", kind);
    flow.apply(Edit::Connect(Edge { from: id("t"), port: "out".into(), to: id("a") })).unwrap();
    flow
}

/// A window with a sandbox and connections behind it.
fn staged(mut desk: Desk) -> (Desk, tokio::runtime::Runtime) {
    let runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    behind(&desk, &runtime, Vault::in_memory());
    desk.until("connections are there", |app| app.connections.door.is_some());
    (desk, runtime)
}

fn told(app: &App) -> bool {
    app.log.why.as_ref().is_some_and(|it| it.told.is_some())
}

fn forbid(desk: &Desk, share: f64) {
    let sandbox = desk.window.state().live.stage().unwrap().sandbox.clone();
    sandbox.set_faults(Faults { forbidden: share, ..Faults::default() });
}

#[test]
fn a_step_that_the_sandbox_refused_is_looked_into_on_the_sandbox() {
    let (mut desk, _runtime) = staged(Desk::with(&creating()));
    forbid(&desk, 1.0);
    desk.key(Modifiers::COMMAND, Key::Enter);
    desk.until("the test has ended", ended);
    forbid(&desk, 0.0);
    // From the step itself there is a way to the answer.
    desk.press_button("a");
    desk.press("Why was it refused?");
    desk.until("it is found out", told);
    desk.until("its step is shown", |app| app.log.whole.is_settled());
    assert!(desk.has_containing("Permission: nothing else explains it"), "{:?}", desk.window.state().log.why);
    for row in ["Secret is not it", "Token is not it", "Account is not it", "Scope cannot be told", "Permission may be it"] {
        assert!(desk.has_containing(row), "{row}");
    }
    assert!(desk.has_containing("refuses calls where a person told it to") && desk.has("Show the sandbox"));
    assert!(!desk.has_containing("`flowyard"), "a window names no commands");
    desk.press("Close the answer");
    assert!(desk.window.state().log.why.is_none());
    // And from the log.
    desk.press("Why?");
    desk.until("it is found out again", told);
}

#[test]
fn the_live_log_is_read_where_another_process_writes_and_its_refusals_are_looked_into_on_a_persons_connections() {
    let files = Disk::live();
    let flow = creating();
    files.failed(&flow);
    files.parked(&flow);
    let (mut desk, _runtime) = staged(files.desk(&flow));
    let sandbox = access(&desk).highlevel;
    let account = |id: &str, name: &str, location: &str| json!({"id": id, "name": name, "connector": "highlevel", "base_url": "https://services.example", "account": {"location_id": location}});
    let book = json!([account("berlin", "Berlin", &sandbox.location_id), account("paris", "Paris", "p")]);
    std::fs::write(desk.home.path().join("connections.json"), book.to_string()).unwrap();
    desk.press("Log");
    desk.until("the log is read", |app| app.log.whole.is_settled());
    assert!(desk.has("No runs yet"));
    desk.press("Log of: Live");
    desk.until("the live log is read", |app| app.log.mode == Mode::Live && app.log.served.is_settled());
    assert!(desk.has("2 runs"));
    assert!(desk.has("Approve in the log: Send it?") && !desk.has("Run again"), "what a window cannot do is not offered");
    desk.window.get_by(|it| it.role() == Role::ListItem && it.label().is_some_and(|it| it.starts_with("Run 1,"))).click();
    desk.run();
    desk.until("the run is read", |app| app.log.served.is_settled());
    desk.press("Why?");
    desk.until("it is asked which connection it was", told);
    assert!(desk.has_containing("Several connections can have made this call"));
    desk.press("Paris");
    desk.until("it is found out", told);
    assert!(desk.has_containing("Secret is it: Its credentials") || desk.has_containing("Secret is it: its credentials"));
    assert!(desk.has_containing("Give it here") || desk.has_containing("give it here"));
    desk.press("Show the connection");
    assert_eq!(desk.window.state().connections.chosen.as_ref().map(ConnectionId::as_str), Some("paris"));
}

/// A window that shows the live log of a directory that nobody is at work on.
fn live_log(files: Disk, flow: &Flow) -> (Desk, tokio::runtime::Runtime) {
    let (mut desk, runtime) = staged(files.desk(flow));
    drop(files);
    desk.press("Log");
    desk.press("Log of: Live");
    desk.until("the live log is read", |app| app.log.served.is_settled() && app.log.served.loaded().is_some());
    (desk, runtime)
}

#[test]
fn a_live_run_that_waits_goes_on_by_a_word_in_the_log() {
    let files = Disk::live();
    let flow = creating();
    let run = files.parked(&flow);
    let home = std::sync::Arc::clone(&files.home);
    let (mut desk, _runtime) = live_log(files, &flow);
    desk.press("Approve in the log: Send it?");
    desk.until("it is said", |app| app.toasts.iter().next().is_some());
    assert!(desk.has("It is written down"));
    let journal = crate::journal::Journal::open_reader(home.path()).unwrap();
    let released = || journal.entries(run).unwrap().iter().any(|it| matches!(it, crate::run::Entry::StepReleased { .. }));
    assert!(released());
}

#[test]
fn a_live_run_is_done_again_once_a_person_has_said_so() {
    let files = Disk::live();
    let flow = setting("visits", "Visits");
    files.done(&flow, "ann@example.org");
    let home = std::sync::Arc::clone(&files.home);
    let (mut desk, _runtime) = live_log(files, &flow);
    let runs =
        || crate::journal::Journal::open_reader(home.path()).unwrap().ids(&crate::journal::Filter::default()).unwrap().len();
    desk.press("Run again");
    desk.press("From the start, as the flow was then");
    assert!(desk.has("Run 1 of “Visits” again on your real accounts?"));
    desk.press("Not now");
    assert!(!desk.has("Run 1 of “Visits” again on your real accounts?"));
    assert_eq!(runs(), 1, "nothing is done before somebody says so");
    desk.press("Run again");
    desk.press("From the start, as the flow was then");
    desk.press("Run it again");
    desk.until("it is said", |app| app.toasts.iter().next().is_some());
    assert!(desk.has("Resent as run 2"));
    assert_eq!(runs(), 2);
    let kept = crate::journal::Journal::open_reader(home.path()).unwrap().entries(RunId(2)).unwrap();
    assert!(matches!(&kept[..], [crate::run::Entry::Accepted { cause, .. }] if cause.again == Some(RunId(1))), "{kept:?}");
    desk.press("Show");
    desk.until("the new run is read", |app| {
        app.log.served.is_settled() && app.log.served.loaded().is_some_and(|it| it.head.id == RunId(2))
    });
    assert!(!desk.has("Run again"), "it is not over");
}

#[test]
fn without_any_live_run_the_log_says_so() {
    let (mut desk, _runtime) = staged(Desk::first());
    desk.press("Log");
    desk.press("Log of: Live");
    desk.until("the live log is read", |app| app.log.served.is_settled());
    assert!(desk.has("No live runs yet"));
}
