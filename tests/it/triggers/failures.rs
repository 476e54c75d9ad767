//! Flows that start when others fail: each failure once, never in a circle.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::Catalog;
use flowyard::engine::{self, CallSettings, Clock, Deployment, Event, Handle, JournalOptions, Limits, Mode, Settings};
use flowyard::flow::{Binding, Flow, FlowId, NodeKind, StopOutcome, Trigger};
use flowyard::run::{Entry, Via};
use serde_json::{Value, json};
use tokio::sync::broadcast;

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
        let engine = engine::start(Settings {
            data: data.to_owned(),
            journal: JournalOptions::default(),
            catalog: Catalog::shipped(),
            connections: Vec::new(),
            vault: engine::Vault::in_memory(),
            mode: Mode::Live,
            flows: flows.iter().map(|it| Deployment::listening(Arc::new(it.clone()), BTreeMap::new())).collect(),
            listen: None,
            clock: Clock::System,
            calls: CallSettings::default(),
            limits: Limits::default(),
            recover: true,
        });
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
                            && cause.via == Via::Failure
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
