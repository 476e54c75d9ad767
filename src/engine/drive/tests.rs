//! What comes back from steps, where that takes a fault of ours or more memory than a service of a test should have.
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::sync::broadcast;

use super::*;
use crate::catalog::{Catalog, Method};
use crate::connector::{Caller, Connections, Settings as CallSettings, Vault};
use crate::engine::{Clock, Limits, Mode};
use crate::flow::{Binding, Edge, Flow, HttpCall, Mapping, Node, NodeKind, Pace, RetryPolicy, Trigger};
use crate::journal::{Journal, Options};
use crate::run::{Park, Program, StepKey};

/// `start -> each -> call`, where each item is one call that may or may not be repeated.
fn flow(items: usize, repeatable: bool) -> Flow {
    let manual = NodeKind::Trigger(Trigger::Manual { sample: Value::Null });
    let each = NodeKind::ForEach { items: Binding::value(json!(vec![0; items])), parallel: 64, keep_going: true, collect: None };
    let call = NodeKind::Http(HttpCall {
        method: Method::Post,
        url: Binding::value("http://127.0.0.1:9/"),
        query: Mapping::default(),
        headers: Mapping::default(),
        body: None,
        slot: None,
        retry: RetryPolicy { attempts: 3, first_ms: 1, longest_ms: 5 },
        repeatable,
    });
    let nodes = [("start", manual), ("each", each), ("call", call)];
    let edge = |from: &str, port: &str, to: &str| Edge { from: from.into(), port: port.into(), to: to.into() };
    Flow {
        id: "test".into(),
        name: "Test".to_owned(),
        description: String::new(),
        pace: Pace::default(),
        nodes: nodes.map(|(id, kind)| (id.into(), Arc::new(Node { name: id.to_owned(), muted: false, kind }))).into(),
        edges: [edge("start", "out", "each"), edge("each", "item", "call")].into(),
        slots: BTreeMap::new(),
        layout: BTreeMap::new(),
        notes: BTreeMap::new(),
        groups: BTreeMap::new(),
    }
}

/// A run of that flow that is on the disk, and what drives it.
async fn accepted(dir: &std::path::Path, flow: &Flow) -> Box<Driver> {
    let catalog = Catalog::default();
    let program = Arc::new(Program::compile(flow, &catalog).expect("a sound flow"));
    let shared = Arc::new(Shared::new(
        Journal::open(dir, Options::default()).expect("a journal"),
        catalog,
        Caller::new(CallSettings::default(), Vault::default()).expect("a caller"),
        Connections::default(),
        Clock::System,
        Mode::Sandbox,
        Limits::default(),
        broadcast::channel(16).0,
        broadcast::channel(16).0,
    ));
    let id = shared.journal.next_run_id();
    let now = shared.clock.now();
    let mut driver = Driver::new(&shared, id, &program, 0).expect("a place");
    driver.head = Some(NewRun {
        flow: program.flow.clone(),
        flow_name: program.name.clone(),
        revision: program.revision.clone(),
        trigger: "start".into(),
        delivery: None,
        mode: Mode::Sandbox,
        parent: None,
        accepted: now,
    });
    driver.entries.push(Entry::Accepted {
        trigger: "start".into(),
        payload: Arc::new(json!({})),
        at: now,
        cause: Arc::default(),
    });
    driver.run.apply(&driver.entries[0]);
    driver.commit(true).await.expect("it is taken");
    driver.entries.clear();
    driver
}

/// Drives a run as [`Driver::drive`] does, until it ended or waits for a person; calls are made by `perform`.
async fn drive<F: Future<Output = Performed> + Send + 'static>(
    driver: &mut Driver,
    perform: impl Fn(StepKey, u32) -> F,
) -> Vec<Entry> {
    let mut all = Vec::new();
    loop {
        let in_flight = &driver.in_flight;
        let next = driver.run.next(driver.shared.clock.now(), &|step| in_flight.contains_key(step));
        driver.entries.extend(next.entries);
        driver.commit(false).await.expect("the journal takes it");
        all.append(&mut driver.entries);
        for call in next.calls {
            let flight = driver.flights.spawn(perform(call.step.clone(), call.attempt));
            driver.in_flight.insert(call.step, flight.id());
        }
        let rests = driver.flights.is_empty() && next.wake.is_none() && !next.more;
        if driver.run.outcome().is_some() || rests {
            return all;
        }
        if !next.more {
            driver.wait(next.wake).await;
        }
    }
}

async fn fault(_: StepKey, _: u32) -> Performed {
    panic!("a fault of ours")
}

#[tokio::test]
async fn a_step_that_is_cut_short_every_time_is_tried_as_often_as_its_node_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut driver = accepted(dir.path(), &flow(2, true)).await;
    let entries = drive(&mut driver, fault).await;
    let started = entries.iter().filter(|it| matches!(it, Entry::StepStarted { .. })).count();
    assert_eq!(started, 2 * 3);
    assert!(driver.run.outcome().is_some());
    let last = entries.iter().rev().find_map(|it| match it {
        Entry::StepFailed { failure, retry_at: None, .. } => Some(failure),
        _ => None,
    });
    let last = last.expect("a failure");
    assert_eq!(last.kind, FailureKind::Machine);
    assert_eq!(last.title, "\"call\" was cut short by a fault in Flowyard");
}

#[tokio::test]
async fn a_step_that_is_cut_short_and_must_not_be_repeated_waits_for_a_person_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut driver = accepted(dir.path(), &flow(3, false)).await;
    let entries = drive(&mut driver, |step, attempt| async move {
        assert!(step.to_string() != "call[1]", "a fault of ours");
        Performed { step, attempt, conclusion: Conclusion::Succeeded(Arc::new(json!(1))), exchanges: Vec::new() }
    })
    .await;
    let parked = driver.run.parked_steps();
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!(parked[0].1, Park::Uncertain);
    let ended = entries.iter().filter(|it| matches!(it, Entry::StepSucceeded { .. })).count();
    assert_eq!(ended, 2);
}

#[tokio::test]
async fn very_large_answers_that_come_back_together_are_written_one_after_the_other() {
    // Each is six bytes of JSON a character, and all of them together are more than the journal takes at a time.
    let large = Arc::new(Value::from("\u{1}".repeat(6 << 20)));
    let together = 8;
    assert!(together * bounds::fits_a_run(&large).unwrap() > 256 << 20);
    let dir = tempfile::tempdir().unwrap();
    let mut driver = accepted(dir.path(), &flow(together, true)).await;
    let all_there = Arc::new(tokio::sync::Barrier::new(together));
    let entries = drive(&mut driver, |step, attempt| {
        let (large, all_there) = (Arc::clone(&large), Arc::clone(&all_there));
        async move {
            all_there.wait().await;
            Performed { step, attempt, conclusion: Conclusion::Succeeded(large), exchanges: Vec::new() }
        }
    })
    .await;
    assert_eq!(driver.run.outcome(), Some(&Outcome::Succeeded));
    let ended = entries.iter().filter(|it| matches!(it, Entry::StepSucceeded { output, .. } if *output == large)).count();
    assert_eq!(ended, together);
    let written = driver.shared.journal.entries(driver.id).unwrap();
    assert_eq!(written[1..], entries);
}

#[tokio::test]
async fn very_large_answers_that_come_back_while_the_engine_stops_are_all_kept() {
    let large = Arc::new(Value::from("\u{1}".repeat(6 << 20)));
    let together = 8;
    let dir = tempfile::tempdir().unwrap();
    let mut driver = accepted(dir.path(), &flow(together, true)).await;
    let next = driver.run.next(driver.shared.clock.now(), &|_| false);
    driver.entries.extend(next.entries);
    driver.commit(false).await.unwrap();
    driver.entries.clear();
    for call in next.calls {
        let (step, attempt, large) = (call.step.clone(), call.attempt, Arc::clone(&large));
        let flight = driver
            .flights
            .spawn(async move { Performed { step, attempt, conclusion: Conclusion::Succeeded(large), exchanges: Vec::new() } });
        driver.in_flight.insert(call.step, flight.id());
    }
    driver.shared.begin_stop();
    driver.drain().await;
    let written = driver.shared.journal.entries(driver.id).unwrap();
    let ended = written.iter().filter(|it| matches!(it, Entry::StepSucceeded { .. })).count();
    assert_eq!(ended, together);
}

#[tokio::test]
async fn a_journal_that_takes_nothing_ends_the_wait_of_a_run_when_the_engine_stops() {
    let dir = tempfile::tempdir().unwrap();
    let mut driver = accepted(dir.path(), &flow(1, true)).await;
    let journal = driver.shared.journal.clone();
    tokio::task::spawn_blocking(move || journal.close()).await.unwrap();
    driver.shared.begin_stop();
    driver.entries.push(Entry::Cancelled { by: "a test".to_owned(), at: driver.shared.clock.now() });
    let written = tokio::time::timeout(Duration::from_secs(30), driver.commit(false)).await;
    assert!(written.expect("it does not wait for ever").is_err());
}
