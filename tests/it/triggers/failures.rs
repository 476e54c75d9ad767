//! Flows that start when others fail or end: each end once, never in a circle.
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use flowyard::engine::{self, Event, Handle, Mode, Settings};
use flowyard::flow::{Binding, Ending, Flow, FlowId, NodeKind, StopOutcome, Trigger};
use flowyard::run::{Entry, Via};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::support::engine::{listening, settings};
use crate::support::flows::flow;

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

fn stop() -> NodeKind {
    NodeKind::Stop { outcome: StopOutcome::Failure, message: Some(Binding::text("No luck")) }
}

/// Fails each time that somebody starts it.
fn failing(id: &str) -> Flow {
    flow(id, &[("t", NodeKind::Trigger(Trigger::Manual { sample: Value::Null })), ("stop", stop())], &["t -> stop"])
}

/// Waits for failures, and fails itself.
fn hearing(id: &str, of: Option<&str>) -> Flow {
    let trigger = NodeKind::Trigger(Trigger::Failed { of: of.map(FlowId::new), sample: Value::Null });
    flow(id, &[("t", trigger), ("stop", stop())], &["t -> stop"])
}

struct Stand {
    engine: Handle,
    events: broadcast::Receiver<Event>,
    flows: BTreeMap<u64, String>,
}

impl Stand {
    async fn start(data: &Path, flows: &[Flow]) -> Self {
        let engine = engine::start(Settings { flows: flows.iter().map(listening).collect(), ..settings(data, Mode::Live) });
        let engine = engine.await.expect("an engine");
        let events = engine.events();
        Self { engine, events, flows: BTreeMap::new() }
    }

    async fn run(&self, flow: &str) -> Value {
        let started = self.engine.start(FlowId::new(flow), None, json!({ "order": 7 }), None).wait().await;
        serde_json::to_value(started.expect("an answer").expect("a run")).expect("a number")
    }

    /// The next flow that is told of a failure, and what it is told.
    async fn told(&mut self) -> (String, Value) {
        let next = async {
            loop {
                match self.events.recv().await.expect("events") {
                    Event::Started { run, program } => drop(self.flows.insert(run.0, program.flow.to_string())),
                    Event::Journaled { run, entries } => {
                        if let Some(Entry::Accepted { payload, cause, .. }) = entries.first()
                            && matches!(cause.via, Via::Failure | Via::End)
                        {
                            return (self.flows.get(&run.0).cloned().unwrap_or_default(), Value::clone(payload));
                        }
                    }
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("nothing is told")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_told_once_to_each_flow_that_waits_for_it_and_never_in_a_circle() {
    let data = tempfile::tempdir().expect("a directory");
    let flows = [failing("a"), failing("b"), hearing("any", None), hearing("only-b", Some("b"))];
    let mut stand = Stand::start(data.path(), &flows).await;
    stand.run("a").await;
    let (flow, told) = stand.told().await;
    assert_eq!(flow, "any");
    assert_eq!((&told["flow"]["id"], &told["event"]), (&json!("a"), &json!({ "order": 7 })));
    assert!(told["failure"]["title"].as_str().is_some_and(|it| it.contains("No luck")), "{told}");
    // Those that are told fail in their turn: the other one waits for any flow's failures but those that it led to.
    stand.run("b").await;
    let mut both = [stand.told().await.0, stand.told().await.0];
    both.sort();
    assert_eq!(both, ["any", "only-b"]);
    // That of `only-b` is told to `any`, whose own ends there.
    let (flow, told) = stand.told().await;
    assert_eq!((flow.as_str(), &told["flow"]["id"]), ("any", &json!("only-b")));
    stand.engine.stop().wait().await;

    // Nothing comes again after a restart; what fails then is told next.
    let mut stand = Stand::start(data.path(), &flows).await;
    let run = stand.run("a").await;
    let (flow, told) = stand.told().await;
    assert_eq!((flow.as_str(), &told["flow"]["id"], &told["run"]), ("any", &json!("a"), &run));
    stand.engine.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_and_was_not_told_before_a_crash_is_told_at_the_next_start() {
    let data = tempfile::tempdir().expect("a directory");
    let stand = Stand::start(data.path(), &[failing("a"), failing("b")]).await;
    // Nobody waits yet: it is known that this was looked after.
    stand.run("a").await;
    let known = async {
        let reader = flowyard::journal::Journal::open_reader(data.path()).expect("a journal");
        while reader.state("failed", "").expect("it can be read").is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.expect("it is looked after");
    stand.run("b").await;
    stand.engine.stop().wait().await;
    // As a crash leaves it that comes before the last word, and with somebody who waits since then.
    let mut stand = Stand::start(data.path(), &[failing("a"), failing("b"), hearing("only-b", Some("b"))]).await;
    let (flow, told) = stand.told().await;
    assert_eq!((flow.as_str(), &told["flow"]["id"], &told["run"]), ("only-b", &json!("b"), &json!(2)));
    stand.engine.stop().wait().await;
}

/// Gives something each time that somebody starts it.
fn giving(id: &str) -> Flow {
    let set = NodeKind::Set { fields: [("words", Binding::text("{{ t.order }} done"))].into() };
    flow(id, &[("t", NodeKind::Trigger(Trigger::Manual { sample: Value::Null })), ("set", set)], &["t -> set"])
}

/// Waits for ends, and ends well itself.
fn following(id: &str, of: &[&str], ending: Ending) -> Flow {
    let of = of.iter().map(|it| FlowId::new(*it)).collect();
    let trigger = NodeKind::Trigger(Trigger::Ended { of, ending, sample: Value::Null });
    let set = NodeKind::Set { fields: [("run", Binding::expr("t.run"))].into() };
    flow(id, &[("t", trigger), ("set", set)], &["t -> set"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_is_told_once_with_what_the_run_gave_and_never_in_a_circle() {
    let data = tempfile::tempdir().expect("a directory");
    let flows = [
        giving("a"),
        failing("b"),
        following("well", &[], Ending::Succeeded),
        following("all-of-b", &["b"], Ending::Any),
        following("after", &["well"], Ending::Succeeded),
    ];
    let mut stand = Stand::start(data.path(), &flows).await;
    stand.run("a").await;
    let (flow, told) = stand.told().await;
    assert_eq!(flow, "well");
    assert_eq!((&told["flow"]["id"], &told["outcome"], &told["failure"]), (&json!("a"), &json!("succeeded"), &Value::Null));
    assert_eq!((&told["output"], &told["event"]), (&json!({ "words": "7 done" }), &json!({ "order": 7 })));
    // What was told ends well in its turn, which the one after it waits for, and is not told of its own.
    let (flow, told) = stand.told().await;
    assert_eq!((flow.as_str(), &told["flow"]["id"]), ("after", &json!("well")));
    // The end of `after` is no news for `well`, which led to it; a failure is told where all ends count.
    stand.run("b").await;
    let (flow, told) = stand.told().await;
    assert_eq!((flow.as_str(), &told["outcome"], &told["step"]), ("all-of-b", &json!("failed"), &Value::Null));
    assert_eq!(told["output"], Value::Null);
    assert!(told["failure"]["title"].as_str().is_some_and(|it| it.contains("No luck")), "{told}");
    let (flow, told) = stand.told().await;
    assert_eq!((flow.as_str(), &told["flow"]["id"]), ("well", &json!("all-of-b")));
    assert_eq!(stand.told().await.0, "after");
    stand.engine.stop().wait().await;

    // Nothing comes again after a restart; what ends then is told next.
    let mut stand = Stand::start(data.path(), &flows).await;
    let run = stand.run("a").await;
    let (flow, told) = stand.told().await;
    assert_eq!((flow.as_str(), &told["run"]), ("well", &run));
    stand.engine.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_before_somebody_waited_for_it_is_not_told_and_a_called_run_only_by_name() {
    let data = tempfile::tempdir().expect("a directory");
    let calling = |id: &str| {
        let call = NodeKind::SubFlow { flow: FlowId::new("a"), input: [("order", Binding::value(8))].into() };
        flow(id, &[("t", NodeKind::Trigger(Trigger::Manual { sample: Value::Null })), ("call", call)], &["t -> call"])
    };
    let mut stand = Stand::start(data.path(), &[giving("a"), calling("c")]).await;
    stand.run("a").await;
    ended(&mut stand).await;
    stand.engine.stop().wait().await;
    let flows =
        [giving("a"), calling("c"), following("by-name", &["a"], Ending::Succeeded), following("any", &[], Ending::Succeeded)];
    let mut stand = Stand::start(data.path(), &flows).await;
    stand.run("c").await;
    let mut told = Vec::new();
    // The called run, by name; the caller's; and what was told of either, to the other that did not lead to it.
    for _ in 0..3 {
        let (flow, of) = stand.told().await;
        told.push((flow, of["flow"]["id"].as_str().expect("a flow").to_owned()));
    }
    told.sort();
    let expected = [("any", "by-name"), ("any", "c"), ("by-name", "a")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(told, expected);
    stand.engine.stop().wait().await;
}

/// Until some run has ended.
async fn ended(stand: &mut Stand) {
    let ended = async { while !matches!(stand.events.recv().await, Ok(Event::Ended { .. })) {} };
    tokio::time::timeout(PATIENCE, ended).await.expect("nothing ends");
}
