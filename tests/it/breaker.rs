//! A service that asks its callers to stop is left alone until a person says otherwise, whatever happens to the process.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::{AuthKind, Catalog, Connector, ConnectorId};
use flowyard::engine::{
    self, CallSettings, Clock, Connection, ConnectionId, Deployment, Event, Handle, JournalOptions, Limits, Mode, Settings,
};
use flowyard::flow::{Flow, HttpCall, NodeKind, RetryPolicy};
use flowyard::run::{Entry, Outcome, Park, RunId, StepKey};
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::flows::{flow, manual, post};
use crate::support::target::{Behaviour, Target};

const PATIENCE: Duration = Duration::from_secs(30);

/// A service that demands a stop after three errors in a row, and no rest before that.
fn catalog() -> Catalog {
    let connector = json!({
        "id": "desk", "title": "Desk", "environments": [], "auth": [{ "kind": "none" }],
        "breaker": { "after_error_ms": 0, "after_refusal_ms": 0, "stop_after": 3 },
    });
    Catalog::from_iter([serde_json::from_value::<Connector>(connector).expect("a connector")])
}

fn booking(target: &Target, attempts: u32) -> Flow {
    let NodeKind::Http(call) = post(&target.url(), "t", true) else { panic!("an HTTP node") };
    let retry = RetryPolicy { attempts, first_ms: 0, longest_ms: 0 };
    let call = NodeKind::Http(HttpCall { slot: Some("desk".into()), retry, ..call });
    let mut flow = flow("f", &[("t", manual()), ("book", call)], &["t -> book"]);
    flow.slots.insert("desk".into(), ConnectorId::new("desk"));
    flow
}

/// With an engine whose flow tries often.
async fn engine(data: &Path, target: &Target) -> Handle {
    start(data, target, 9).await
}

/// With an engine whose flow tries once.
async fn once(data: &Path, target: &Target) -> Handle {
    start(data, target, 1).await
}

async fn start(data: &Path, target: &Target, attempts: u32) -> Handle {
    let base_url = target.url().trim_end_matches("/take").to_owned();
    let connection = Connection::new("calendar", "Calendar", ConnectorId::new("desk"), &base_url, AuthKind::None);
    let started = engine::start(Settings {
        data: data.to_owned(),
        journal: JournalOptions::default(),
        catalog: catalog(),
        connections: vec![(connection, None)],
        vault: engine::Vault::in_memory(),
        mode: Mode::Live,
        flows: vec![Deployment::listening(Arc::new(booking(target, attempts)), BTreeMap::new())],
        listen: None,
        clock: Clock::System,
        calls: CallSettings::default(),
        limits: Limits::default(),
        recover: true,
    });
    started.await.expect("an engine")
}

/// Starts a run and follows it until it ends or waits for a person.
async fn run(handle: &Handle) -> (RunId, Option<Park>, Option<Outcome>) {
    let (watch, mut events) = mpsc::channel(64);
    let run = handle.start("f".into(), None, json!({ "n": 1 }), Some(watch)).wait().await.expect("an answer").expect("a run");
    loop {
        match tokio::time::timeout(PATIENCE, events.recv()).await.expect("the run is stuck").expect("events") {
            Event::Ended { outcome, .. } => return (run, None, Some(outcome)),
            Event::Journaled { entries, .. } => {
                if let Some(on) = entries.iter().find_map(|it| match it {
                    Entry::StepParked { on, .. } => Some(on.clone()),
                    _ => None,
                }) {
                    return (run, Some(on), None);
                }
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_no_way_around_an_open_breaker_and_a_person_closes_it() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    let parked = Park::Breaker("calendar".to_owned());
    target.then([Behaviour::Echo(500), Behaviour::Echo(500), Behaviour::Echo(500)]);
    let handle = engine(dir.path(), &target).await;
    let (first, on, _) = run(&handle).await;
    assert_eq!((on.as_ref(), target.got().len()), (Some(&parked), 3));
    handle.stop().wait().await;

    let handle = engine(dir.path(), &target).await;
    let (second, on, _) = run(&handle).await;
    assert_eq!((on.as_ref(), target.got().len()), (Some(&parked), 3), "nothing was sent");
    handle.stop().wait().await;

    let resume = |id: &str| {
        let (data, id) = (dir.path().to_owned(), ConnectionId::new(id));
        tokio::task::spawn_blocking(move || engine::resume(&data, &catalog(), &id).expect("resumed").0)
    };
    let other = resume("other").await.expect("no panic");
    assert!(!other.was_stopped && other.released.is_empty(), "{other:?}");
    let resumed = resume("calendar").await.expect("no panic");
    assert!(resumed.was_stopped);
    assert_eq!(resumed.released.iter().map(|(run, _)| *run).collect::<Vec<_>>(), [first, second]);

    let handle = engine(dir.path(), &target).await;
    tokio::time::timeout(PATIENCE, target.arrived(5)).await.expect("both go on");
    let (_, _, outcome) = run(&handle).await;
    assert_eq!((outcome, target.got().len()), (Some(Outcome::Succeeded), 6));
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_breaker_that_was_closed_while_the_engine_ran_stays_closed() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    target.then([Behaviour::Echo(500), Behaviour::Echo(500), Behaviour::Echo(500)]);
    let handle = engine(dir.path(), &target).await;
    let (parked, on, _) = run(&handle).await;
    assert!(on.is_some());
    let resumed = handle.resume(ConnectionId::new("calendar")).wait().await.expect("an answer");
    assert!(resumed.was_stopped && resumed.released == [(parked, StepKey::new("book"))], "{resumed:?}");
    tokio::time::timeout(PATIENCE, target.arrived(4)).await.expect("the step goes on");
    handle.stop().wait().await;
    let handle = engine(dir.path(), &target).await;
    assert_eq!(run(&handle).await.2, Some(Outcome::Succeeded));
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_in_a_row_are_counted_across_restarts() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    target.then([Behaviour::Echo(500), Behaviour::Echo(500), Behaviour::Echo(500)]);
    for failures in 1..=3 {
        let handle = once(dir.path(), &target).await;
        assert!(matches!(run(&handle).await.2, Some(Outcome::Failed(_))), "attempt {failures}");
        assert_eq!(target.got().len(), failures);
        handle.stop().wait().await;
    }
    let handle = once(dir.path(), &target).await;
    let (_, on, _) = run(&handle).await;
    assert_eq!((on, target.got().len()), (Some(Park::Breaker("calendar".to_owned())), 3));
    handle.stop().wait().await;
}
