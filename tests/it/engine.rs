//! The engine, with a real journal, a real listener and a real service on this machine.
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::Catalog;
use flowyard::engine::{self, CallSettings, Clock, Deployment, Event, Handle, JournalOptions, Limits, Mode, Settings};
use flowyard::flow::{Binding, Flow, NodeKind, StopOutcome, WaitFor, WebhookAnswer};
use flowyard::record::FailureKind;
use flowyard::run::{Entry, Outcome, Release, RunId};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::flows::{flow, manual, post, respond, set, webhook};
use crate::support::target::{Behaviour, Target};

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

async fn engine(data: &Path, flows: &[Flow]) -> Handle {
    start(data, flows, Limits::default()).await.expect("an engine")
}

async fn start(data: &Path, flows: &[Flow], limits: Limits) -> Result<Handle, flowyard::record::Failure> {
    start_with(data, flows, limits, true).await
}

async fn start_with(data: &Path, flows: &[Flow], limits: Limits, recover: bool) -> Result<Handle, flowyard::record::Failure> {
    engine::start(Settings {
        data: data.to_owned(),
        journal: JournalOptions::default(),
        catalog: Catalog::default(),
        connections: Vec::new(),
        vault: engine::Vault::in_memory(),
        mode: Mode::Sandbox,
        flows: flows.iter().map(|flow| Deployment::listening(Arc::new(flow.clone()), BTreeMap::new())).collect(),
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        clock: Clock::System,
        calls: CallSettings::default(),
        limits,
        recover,
    })
    .await
}

/// Runs a flow to its end, or until nothing more happens by itself.
async fn run(handle: &Handle, id: &str, payload: Value) -> (RunId, Outcome, Vec<Entry>) {
    let (watch, events) = mpsc::channel(64);
    let run = handle.start(id.into(), None, payload, Some(watch)).wait().await.expect("an answer").expect("a run");
    let (outcome, entries) = until_ended(events).await;
    (run, outcome.expect("an end"), entries)
}

async fn until_ended(mut events: mpsc::Receiver<Event>) -> (Option<Outcome>, Vec<Entry>) {
    let mut all = Vec::new();
    loop {
        match tokio::time::timeout(PATIENCE, events.recv()).await.expect("the run is stuck") {
            Some(Event::Journaled { entries, .. }) => all.extend(entries.iter().cloned()),
            Some(Event::Ended { outcome, .. }) => return (Some(outcome), all),
            Some(_) => {}
            None => return (None, all),
        }
    }
}

/// Reads events until one entry fits.
async fn until(events: &mut mpsc::Receiver<Event>, fits: impl Fn(&Entry) -> bool) {
    loop {
        match tokio::time::timeout(PATIENCE, events.recv()).await.expect("the run is stuck") {
            Some(Event::Journaled { entries, .. }) if entries.iter().any(&fits) => return,
            Some(_) => {}
            None => panic!("the run ended"),
        }
    }
}

async fn send(handle: &Handle, path: &str, body: &Value, delivery: Option<&str>) -> (u16, Value) {
    let url = format!("http://{}/hooks/{path}", handle.address().expect("an address"));
    let mut request = reqwest::Client::builder().no_proxy().build().expect("a client").post(url).json(body);
    if let Some(delivery) = delivery {
        request = request.header("x-delivery", delivery);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

fn output(entries: &[Entry], node: &str) -> Option<Value> {
    entries.iter().rev().find_map(|entry| match entry {
        Entry::StepSucceeded { step, output, .. } if step.node.as_str() == node => Some(Value::clone(output)),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_calls_a_service_and_its_answer_is_seen_by_the_next_step() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    let flow = flow(
        "f",
        &[("t", manual()), ("call", post(&target.url(), "{'n': t.n}", false)), ("s", set("call.body.n + 1"))],
        &["t -> call", "call -> s"],
    );
    let handle = engine(dir.path(), &[flow]).await;
    let (_, outcome, entries) = run(&handle, "f", json!({ "n": 41 })).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(output(&entries, "s"), Some(json!({ "value": 42 })));
    assert_eq!(target.got(), [json!({ "n": 41 })]);
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_answered_202_and_the_same_delivery_is_one_run() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    let flow = flow(
        "f",
        &[("t", webhook("in", WebhookAnswer::Accepted)), ("call", post(&target.url(), "t.body", true))],
        &["t -> call"],
    );
    let handle = engine(dir.path(), &[flow]).await;
    let (status, first) = send(&handle, "in", &json!({ "a": 1 }), Some("d1")).await;
    assert_eq!(status, 202);
    let (status, again) = send(&handle, "in", &json!({ "a": 1 }), Some("d1")).await;
    assert_eq!((status, &again["duplicate"], &again["run"]), (200, &json!(true), &first["run"]));
    let (status, by_field) = send(&handle, "in", &json!({ "id": "d2" }), None).await;
    assert_eq!((status, by_field["run"] != first["run"]), (202, true));
    assert_eq!(send(&handle, "in", &json!({ "id": "d2" }), None).await.0, 200);
    target.arrived(2).await;
    handle.stop().wait().await;
    assert_eq!(target.got().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_may_get_the_flows_own_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let stop = NodeKind::Stop { outcome: StopOutcome::Failure, message: Some(Binding::value("Not today")) };
    let flows = [
        flow(
            "own",
            &[("t", webhook("own", WebhookAnswer::Flow)), ("s", set("t.body.n * 2")), ("r", respond("s"))],
            &["t -> s", "s -> r"],
        ),
        flow("none", &[("t", webhook("none", WebhookAnswer::Flow)), ("s", set("1"))], &["t -> s"]),
        flow("fails", &[("t", webhook("fails", WebhookAnswer::Flow)), ("x", stop)], &["t -> x"]),
    ];
    let handle = engine(dir.path(), &flows).await;
    assert_eq!(send(&handle, "own", &json!({ "n": 21 }), None).await, (201, json!({ "value": 42 })));
    let (status, body) = send(&handle, "none", &json!({}), None).await;
    assert_eq!((status, &body["outcome"]), (200, &json!("succeeded")));
    let (status, body) = send(&handle, "fails", &json!({}), None).await;
    assert_eq!((status, &body["failure"]["title"]), (500, &json!("Not today")));
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_webhook_requests_are_refused_in_words() {
    let dir = tempfile::tempdir().expect("a directory");
    let flow = flow("f", &[("t", webhook("in", WebhookAnswer::Accepted))], &[]);
    let limits = Limits { hook_bytes: 1000, ..Limits::default() };
    let handle = start(dir.path(), &[flow], limits).await.expect("an engine");
    assert_eq!(send(&handle, "elsewhere", &json!({}), None).await.0, 404);
    assert_eq!(send(&handle, "in", &json!({ "long": "x".repeat(2000) }), None).await.0, 413);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://{}/hooks/in", handle.address().expect("an address"));
    for (kind, body, status) in [
        ("application/json", &b"{\"a\":"[..], 400),
        ("application/octet-stream", &b"\xff\xfe"[..], 415),
        ("application/x-www-form-urlencoded", &b"a=1&a=2"[..], 202),
        ("text/plain", &b"hello"[..], 202),
        ("", &b""[..], 202),
    ] {
        let answer = client.post(&url).header("content-type", kind).body(body).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{kind}");
        if status >= 400 {
            let words: Value = answer.json().await.expect("words");
            assert!(words["error"].as_str().is_some_and(|it| !it.is_empty()), "{words}");
        }
    }
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_engine_goes_on_where_it_was() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    let nodes = [
        ("t", webhook("in", WebhookAnswer::Accepted)),
        ("one", post(&target.url(), "{'step': 1}", true)),
        ("two", post(&target.url(), "{'step': 2}", true)),
    ];
    let flows = [flow("f", &nodes, &["t -> one", "one -> two"])];
    let limits = Limits { stop_grace: Duration::from_millis(50), ..Limits::default() };
    let handle = start(dir.path(), &flows, limits).await.expect("an engine");
    target.then([Behaviour::Echo(200), Behaviour::Hold]);
    assert_eq!(send(&handle, "in", &json!({}), None).await.0, 202);
    target.arrived(2).await;
    // The second call is under way and does not come back in time.
    handle.stop().wait().await;
    let handle = engine(dir.path(), &flows).await;
    target.arrived(3).await;
    handle.stop().wait().await;
    assert_eq!(target.got(), [json!({ "step": 1 }), json!({ "step": 2 }), json!({ "step": 2 })]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_must_not_be_repeated_waits_for_a_person_after_a_restart() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    let flows = [flow(
        "f",
        &[("t", manual()), ("pay", post(&target.url(), "{'pay': 1}", false)), ("s", set("pay.receipt"))],
        &["t -> pay", "pay -> s"],
    )];
    let limits = Limits { stop_grace: Duration::from_millis(50), ..Limits::default() };
    let handle = start(dir.path(), &flows, limits).await.expect("an engine");
    target.then([Behaviour::Hold]);
    let run = handle.start("f".into(), None, json!({}), None).wait().await.expect("an answer").expect("a run");
    target.arrived(1).await;
    handle.stop().wait().await;
    let handle = engine(dir.path(), &flows).await;
    let mut events = handle.events();
    let receipt = Release::Done(Arc::new(json!({ "receipt": "r1" })));
    // Parking is written right after the start; a release before that finds nothing to release.
    while !matches!(handle.release(run, Some("pay".to_owned()), receipt.clone()).wait().await, Some(Ok(_))) {
        tokio::task::yield_now().await;
    }
    let ended = async {
        loop {
            if let Event::Ended { run: it, outcome } = events.recv().await.expect("events")
                && it == run
            {
                return outcome;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, ended).await.expect("it ends"), Outcome::Succeeded);
    assert_eq!(target.got().len(), 1, "sent once, never again by itself");
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_does_not_recover_goes_on_with_the_run_that_a_person_releases_and_with_no_other() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    let call = NodeKind::SubFlow { flow: "inner".into(), input: [("n", Binding::value(1))].into() };
    let ask = NodeKind::Approval { message: Binding::value("Pay?") };
    let inner = [("t", manual()), ("ask", ask), ("pay", post(&target.url(), "{'pay': 1}", false)), ("r", respond("'paid'"))];
    let mut inner = flow("inner", &inner, &["t -> ask", "pay -> r"]);
    let approved = flowyard::flow::Edge { from: "ask".into(), port: "approved".into(), to: "pay".into() };
    inner.apply(flowyard::flow::Edit::Connect(approved)).expect("a way");
    let outer = flow("outer", &[("t", manual()), ("call", call), ("s", set("call.answer"))], &["t -> call", "call -> s"]);
    let flows = [inner, outer];
    let handle = engine(dir.path(), &flows).await;
    for _ in 0..2 {
        let (watch, _events) = mpsc::channel(64);
        handle.start("outer".into(), None, json!({}), Some(watch)).wait().await.expect("an answer").expect("a run");
    }
    let waiting = || {
        let reader = flowyard::journal::Journal::open_reader(dir.path()).expect("a journal");
        let state = Some(flowyard::journal::RunState::Parked);
        reader.ids(&flowyard::journal::Filter { state, ..Default::default() }).expect("runs")
    };
    while waiting().len() < 2 {
        tokio::task::yield_now().await;
    }
    handle.stop().wait().await;

    let handle = start_with(dir.path(), &[], Limits::default(), false).await.expect("an engine");
    let mut events = handle.events();
    let child = waiting()[0];
    let refused = handle.release(child, None, Release::Repeat).wait().await.expect("an answer").expect_err("it is an approval");
    assert!(refused.to_string().contains("waits for an approval"), "{refused}");
    let unknown = handle.release(RunId(99), None, Release::Approve).wait().await.expect("an answer").expect_err("no such run");
    assert!(unknown.to_string().contains("There is no run 99"), "{unknown}");
    assert!(target.got().is_empty());
    handle.release(child, None, Release::Approve).wait().await.expect("an answer").expect("it waits");
    let mut ended = Vec::new();
    while ended.len() < 2 {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await.expect("it ends").expect("events");
        if let Event::Ended { run, outcome } = event {
            assert_eq!(outcome, Outcome::Succeeded, "{run}");
            ended.push(run);
        }
    }
    // The one that called it has gone on as well; the other two rest.
    assert_eq!(ended[0], child);
    assert_eq!(target.got(), [json!({ "pay": 1 })]);
    assert_eq!(waiting().len(), 1);
    let again = handle.release(child, None, Release::Approve).wait().await.expect("an answer").expect_err("it is over");
    assert!(again.to_string().contains("is over"), "{again}");
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_journal_is_damaged_stays_where_it_is_and_the_others_go_on() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    let flows = [flow("f", &[("t", manual()), ("call", post(&target.url(), "{'n': t.n}", true))], &["t -> call"])];
    let limits = Limits { stop_grace: Duration::from_millis(50), ..Limits::default() };
    let handle = start(dir.path(), &flows, limits).await.expect("an engine");
    target.then([Behaviour::Hold, Behaviour::Hold, Behaviour::Hold]);
    let mut runs = Vec::new();
    for n in 0..3 {
        runs.push(handle.start("f".into(), None, json!({ "n": n }), None).wait().await.expect("an answer").expect("a run"));
    }
    target.arrived(3).await;
    handle.stop().wait().await;
    let database = rusqlite::Connection::open(dir.path().join("journal.db")).expect("a database");
    let damaged =
        database.execute("UPDATE appends SET entries = x'5b7b' WHERE id >> 24 = ?1", [runs[1].0 as i64]).expect("it is ours");
    assert!(damaged > 0);
    drop(database);
    let handle = engine(dir.path(), &flows).await;
    target.arrived(5).await;
    let failure = handle.troubles().recv().await.expect("a trouble");
    assert!(failure.to_string().contains(&format!("run {}", runs[1])), "{failure}");
    let journal = flowyard::journal::Journal::open_reader(dir.path()).expect("a journal");
    let ended = |run: RunId| journal.run(run).expect("a head").expect("a run").finished.is_some();
    let others_end = async {
        while !(ended(runs[0]) && ended(runs[2])) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, others_end).await.expect("the others end");
    handle.stop().wait().await;
    assert!(!ended(runs[1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_can_be_cancelled_while_it_waits() {
    let dir = tempfile::tempdir().expect("a directory");
    let wait = NodeKind::Wait(WaitFor::Duration(Binding::value("10 days")));
    let handle = engine(dir.path(), &[flow("f", &[("t", manual()), ("w", wait)], &["t -> w"])]).await;
    let (watch, mut events) = mpsc::channel(64);
    let run = handle.start("f".into(), None, json!({}), Some(watch)).wait().await.expect("an answer").expect("a run");
    until(&mut events, |it| matches!(it, Entry::StepWaiting { .. })).await;
    assert_eq!(handle.cancel(run, "a test").wait().await, Some(true));
    assert_eq!(until_ended(events).await.0, Some(Outcome::Cancelled));
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_calls_another_and_gets_its_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let call = |flow: &str| NodeKind::SubFlow { flow: flow.into(), input: [("n", Binding::expr("t.n"))].into() };
    let flows = [
        flow("inner", &[("t", manual()), ("s", set("t.n * 2")), ("r", respond("s.value"))], &["t -> s", "s -> r"]),
        flow("outer", &[("t", manual()), ("call", call("inner"))], &["t -> call"]),
        flow("endless", &[("t", manual()), ("call", call("endless"))], &["t -> call"]),
    ];
    let handle = engine(dir.path(), &flows).await;
    let (_, outcome, entries) = run(&handle, "outer", json!({ "n": 21 })).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(output(&entries, "call").map(|it| it["answer"].clone()), Some(json!(42)));
    let (_, outcome, _) = run(&handle, "endless", json!({ "n": 1 })).await;
    assert!(matches!(outcome, Outcome::Failed(it) if it.kind == FailureKind::Limit));
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_does_not_end_is_ended() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = |code: &str| NodeKind::Script { code: code.to_owned(), input: [("n", Binding::expr("t.n"))].into() };
    let flows = [
        flow("short", &[("t", manual()), ("s", script("#{ twice: input.n * 2 }"))], &["t -> s"]),
        flow(
            "long",
            &[("t", manual()), ("s", script("let t = \"x\"; while t.len() < 100000 { t += t; } loop { let u = t + t; }"))],
            &["t -> s"],
        ),
    ];
    let limits = Limits { script_time: Duration::from_millis(300), ..Limits::default() };
    let handle = start(dir.path(), &flows, limits).await.expect("an engine");
    let (_, outcome, entries) = run(&handle, "short", json!({ "n": 21 })).await;
    assert_eq!((outcome, output(&entries, "s")), (Outcome::Succeeded, Some(json!({ "twice": 42 }))));
    let (_, outcome, _) = run(&handle, "long", json!({ "n": 1 })).await;
    assert!(matches!(&outcome, Outcome::Failed(it) if [FailureKind::Limit, FailureKind::Flow].contains(&it.kind)), "{outcome:?}");
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_do_not_share_a_data_directory_nor_two_flows_a_hook() {
    let dir = tempfile::tempdir().expect("a directory");
    let hook = |id: &str| flow(id, &[("t", webhook("in", WebhookAnswer::Accepted))], &[]);
    let handle = engine(dir.path(), &[hook("a")]).await;
    let second = start(dir.path(), &[], Limits::default()).await.expect_err("in use");
    assert_eq!(second.kind, FailureKind::Machine);
    let taken = handle.deploy(Deployment::listening(Arc::new(hook("b")), BTreeMap::new())).wait().await.expect("an answer");
    assert!(taken.expect_err("the hook is taken").title.contains("in"));
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_runs_than_allowed_are_turned_away_with_429() {
    let (dir, target) = (tempfile::tempdir().expect("a directory"), Target::start().await);
    let flow =
        flow("f", &[("t", webhook("in", WebhookAnswer::Accepted)), ("call", post(&target.url(), "1", true))], &["t -> call"]);
    let handle = start(dir.path(), &[flow], Limits { active_runs: 1, ..Limits::default() }).await.expect("an engine");
    target.then([Behaviour::Hold]);
    assert_eq!(send(&handle, "in", &json!({}), None).await.0, 202);
    assert_eq!(send(&handle, "in", &json!({}), None).await.0, 429);
    target.arrived(1).await;
    target.release();
    handle.stop().wait().await;
}
