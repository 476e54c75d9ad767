//! A calendar that was chosen on one account is found by its name on another, before anything is sent there.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::{Catalog, ConnectorId, OperationId};
use flowyard::engine::{self, CallSettings, Clock, Deployment, Event, Handle, JournalOptions, Limits, Mode, Settings};
use flowyard::flow::{Binding, Flow, Mapping, NodeKind, RetryPolicy};
use flowyard::run::Outcome;
use flowyard::sandbox::{self, Options};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::flows::{flow, manual};
use crate::support::services::connections;

const PATIENCE: Duration = Duration::from_secs(30);

/// Reads a calendar that was chosen elsewhere, where it had another id.
fn reading(name: &str) -> Flow {
    let call = NodeKind::Action {
        operation: OperationId::new("highlevel.calendars.get-calendar"),
        slot: "crm".into(),
        input: Mapping::from([("calendarId", Binding::value("id-of-elsewhere").named([name]))]),
        retry: RetryPolicy { attempts: 3, first_ms: 0, longest_ms: 0 },
    };
    let mut flow = flow("f", &[("t", manual()), ("read", call)], &["t -> read"]);
    flow.slots.insert("crm".into(), ConnectorId::new("highlevel"));
    // What is written into the file comes back from it.
    Flow::parse(flow.to_text().as_bytes()).expect("a sound file")
}

async fn start(data: &std::path::Path, sandbox: &sandbox::Handle, flow: Flow) -> Handle {
    let started = engine::start(Settings {
        data: data.to_owned(),
        journal: JournalOptions::default(),
        catalog: Catalog::shipped(),
        connections: connections(sandbox.access()),
        vault: engine::Vault::in_memory(),
        mode: Mode::Live,
        flows: vec![Deployment::listening(Arc::new(flow), BTreeMap::from([("crm".into(), engine::ConnectionId::new("crm"))]))],
        listen: None,
        clock: Clock::System,
        calls: CallSettings::default(),
        limits: Limits::default(),
        recover: true,
    });
    started.await.expect("an engine")
}

async fn run(handle: &Handle) -> Outcome {
    let (watch, mut events) = mpsc::channel(64);
    handle.start("f".into(), None, json!({}), Some(watch)).wait().await.expect("an answer").expect("a run");
    loop {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("the run is stuck").expect("events");
        if let Event::Ended { outcome, .. } = event {
            return outcome;
        }
    }
}

/// The paths that were called, without their queries.
fn called(sandbox: &sandbox::Handle) -> Vec<String> {
    sandbox.ledger().iter().map(|it| it.path.split('?').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn the_calendar_of_that_name_is_the_one_that_is_called_and_its_list_is_read_once() {
    let sandbox = sandbox::start(&Catalog::shipped(), Options::default()).await.expect("a sandbox");
    let calendar = sandbox.records("calendars")[1].clone();
    let (id, name) = (calendar["id"].as_str().expect("an id"), calendar["name"].as_str().expect("a name"));
    let data = tempfile::tempdir().expect("a directory");
    let handle = start(data.path(), &sandbox, reading(name)).await;
    for _ in 0..2 {
        assert_eq!(run(&handle).await, Outcome::Succeeded);
    }
    let (list, one) = ("/calendars/".to_owned(), format!("/calendars/{id}"));
    assert_eq!(called(&sandbox), [list, one.clone(), one]);
    handle.stop().wait().await;
    sandbox.stop().await;
}

#[tokio::test]
async fn an_account_without_that_name_is_told_of_and_nothing_else_is_called() {
    let sandbox = sandbox::start(&Catalog::shipped(), Options::default()).await.expect("a sandbox");
    let data = tempfile::tempdir().expect("a directory");
    let handle = start(data.path(), &sandbox, reading("Yoga at dawn")).await;
    let Outcome::Failed(failure) = run(&handle).await else { panic!("it has no such calendar") };
    assert!(failure.title.contains("\"Yoga at dawn\" for Calendar"), "{failure}");
    assert_eq!(failure.at, "input.calendarId");
    assert!(failure.hint.contains("choose another"), "{failure}");
    assert_eq!(called(&sandbox), ["/calendars/"], "it looked, and called nothing else");
    // A list that was read before may be older than the account, and is read again before that is said.
    let Outcome::Failed(_) = run(&handle).await else { panic!("it still has none") };
    assert_eq!(called(&sandbox), ["/calendars/"; 2]);
    handle.stop().wait().await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_asked_for_again_and_leaves_nobody_in_doubt() {
    let sandbox = sandbox::start(&Catalog::shipped(), Options::default()).await.expect("a sandbox");
    sandbox.set_faults(sandbox::Faults { server_error: 1.0, ..sandbox::Faults::default() });
    let data = tempfile::tempdir().expect("a directory");
    let handle = start(data.path(), &sandbox, reading("Consultation")).await;
    let Outcome::Failed(_) = run(&handle).await else { panic!("the service answers with errors") };
    let value: Value = json!(called(&sandbox));
    assert_eq!(value, json!(["/calendars/", "/calendars/", "/calendars/"]), "as often as the step may be tried");
    handle.stop().wait().await;
    sandbox.stop().await;
}
