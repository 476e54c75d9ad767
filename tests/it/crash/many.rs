//! Many runs that were cut short at once.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::Catalog;
use flowyard::engine::{self, CallSettings, Clock, Deployment, JournalOptions, Limits, Mode, Settings};
use flowyard::flow::{Binding, Flow, NodeKind, WaitFor};
use flowyard::journal::{Append, Filter, Journal, NewRun, RunState};
use flowyard::run::{Entry, Outcome, Revision, RunId, StepKey};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::support::flows::{flow, manual, respond, set};

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// A run as it was begun, with what followed on that.
async fn begun(journal: &Journal, flow: &Flow, more: Vec<Entry>, parent: Option<(RunId, StepKey)>) -> RunId {
    let (run, at) = (journal.next_run_id(), Timestamp::now());
    let new = NewRun {
        flow: flow.id.clone(),
        flow_name: flow.name.clone(),
        revision: Revision(flow.content_hash().into()),
        trigger: "t".into(),
        delivery: parent.as_ref().map(|(run, step)| format!("step:{run}:{step}")),
        mode: Mode::Sandbox,
        parent,
        accepted: at,
    };
    let mut entries =
        vec![Entry::Accepted { trigger: "t".into(), payload: Arc::new(json!({ "n": 21 })), at, cause: Arc::default() }];
    entries.extend(more);
    journal.append(Append { run, new: Some(new), entries, exchanges: Vec::new() }).await.expect("a written run");
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_that_waits_for_another_finds_it_however_much_lies_between_them() {
    let inner = flow("inner", &[("t", manual()), ("s", set("t.n * 2")), ("r", respond("s.value"))], &["t -> s", "s -> r"]);
    let call = NodeKind::SubFlow { flow: "inner".into(), input: [("n", Binding::expr("t.n"))].into() };
    let outer = flow("outer", &[("t", manual()), ("call", call)], &["t -> call"]);
    let wait = NodeKind::Wait(WaitFor::Duration(Binding::value("10 days")));
    let patient = flow("patient", &[("t", manual()), ("w", wait)], &["t -> w"]);

    let dir = tempfile::tempdir().expect("a directory");
    let journal = Journal::open(dir.path(), JournalOptions::default()).expect("a journal");
    for flow in [&inner, &outer, &patient] {
        let revision = Revision(flow.content_hash().into());
        journal.save_revision(&revision, &flow.to_text()).expect("a kept revision");
    }
    let step = StepKey::new("call");
    let started = Entry::StepStarted { step: step.clone(), attempt: 1, at: Timestamp::now() };
    let parent = begun(&journal, &outer, vec![started], None).await;
    for _ in 0..200 {
        begun(&journal, &patient, Vec::new(), None).await;
    }
    let child = begun(&journal, &inner, Vec::new(), Some((parent, step.clone()))).await;
    journal.close();

    let engine = engine::start(Settings {
        data: dir.path().to_owned(),
        journal: JournalOptions::default(),
        catalog: Catalog::default(),
        connections: Vec::new(),
        vault: engine::Vault::in_memory(),
        mode: Mode::Sandbox,
        flows: [&inner, &outer, &patient].map(|flow| Deployment::listening(Arc::new(flow.clone()), BTreeMap::new())).to_vec(),
        listen: None,
        clock: Clock::System,
        calls: CallSettings::default(),
        limits: Limits::default(),
        recover: true,
    })
    .await
    .expect("an engine");
    let (mut events, journal) = (engine.events(), Journal::open_reader(dir.path()).expect("a journal"));
    let ended = async {
        while journal.run(parent).expect("a readable journal").expect("the run").finished.is_none() {
            assert_ne!(events.recv().await.err(), Some(RecvError::Closed), "the engine ended");
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the run is stuck");
    engine.stop().wait().await;
    let entries = journal.entries(parent).expect("a readable journal");
    let outputs: Vec<&Value> = entries
        .iter()
        .filter_map(|it| match it {
            Entry::StepSucceeded { output, .. } => Some(&**output),
            _ => None,
        })
        .collect();
    assert_eq!(outputs, [&json!({ "run": child, "answer": 42 })], "{entries:#?}");
    let running = Filter { state: Some(RunState::Running), limit: 1_000, ..Filter::default() };
    assert_eq!(journal.runs(&running).expect("a readable journal").len(), 200, "the others wait on");
    assert_eq!(journal.run(parent).expect("a readable journal").expect("the run").outcome, Some(Outcome::Succeeded));
}
