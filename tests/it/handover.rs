//! One engine a data directory: the background makes way for a service, a service for nobody; on the real binary.
use flowyard::catalog::Method;
use flowyard::engine::{self, Mode, Settings};
use flowyard::flow::{Binding, FlowId, HttpCall, Mapping, NodeKind, RetryPolicy, Trigger};
use serde_json::{Value, json};

use crate::support::binary::{Home, Running, request};
use crate::support::engine::{listening, settings};
use crate::support::files::flow_file;
use crate::support::flows::flow;
use crate::support::target::{Behaviour, Target};

fn answering() -> String {
    let nodes = json!({
        "hook": { "name": "Hook", "kind": "trigger", "trigger": "webhook", "path": "in", "answer": "flow" },
        "say": { "name": "Say", "kind": "respond", "status": { "value": 200 }, "body": { "value": { "word": "yes" } } },
    });
    let mut flow: Value = serde_json::from_str(&flow_file("answering", &nodes, &["hook -> say"])).expect("JSON");
    flow["slots"] = json!({});
    flow.to_string()
}

/// The address at which the engine at work listens, by its own word.
fn address_of(process: &Running) -> String {
    let line = process.line();
    let hook: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
    hook["url"].as_str().expect("an address").to_owned()
}

#[test]
fn the_background_makes_way_for_a_service_and_a_service_for_nobody() {
    let home = Home::new();
    home.write("a.flowyard", &answering());
    home.run(&["publish", "a.flowyard", "--untested"]).with_code(0);
    let background = home.spawn(&["background", "--listen", "127.0.0.1:0", "--json"]);
    assert!(background.line().contains("running"));
    // A second one has nothing to do.
    home.run(&["background", "--listen", "127.0.0.1:0"]).with_code(0).warns(&["Another Flowyard runs the flows already"]);
    let serve = home.spawn(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    let url = address_of(&serve);
    background.end().with_code(0).warns(&["Another Flowyard has taken over"]);
    assert_eq!(request("POST", &url, &[], "{}"), (200, json!({"word": "yes"})));
    // A service stays, whoever asks.
    home.run(&["serve", "--listen", "127.0.0.1:0"]).with_code(5).warns(&["is in use"]);
    home.run(&["background", "--listen", "127.0.0.1:0"]).with_code(0).warns(&["Another Flowyard runs the flows already"]);
    assert_eq!(request("POST", &url, &[], "{}"), (200, json!({"word": "yes"})));
    serve.stop();
    assert_eq!(home.run(&["log", "list", "--json"]).with_code(0).objects().len(), 2);
}

#[test]
fn a_run_by_hand_takes_the_data_directory_for_as_long_as_it_lasts() {
    let home = Home::new();
    home.write("a.flowyard", &answering());
    home.run(&["publish", "a.flowyard", "--untested"]).with_code(0);
    let background = home.spawn(&["background", "--listen", "127.0.0.1:0", "--json"]);
    assert!(background.line().contains("running"));
    home.run(&["run", "a.flowyard"]).with_code(0).warns(&["has made way"]);
    // It was lent, and the flows come back.
    let again: Value = serde_json::from_str(&background.line()).expect("JSON");
    let url = format!("http://{}/hooks/in", again["address"].as_str().expect("an address"));
    assert_eq!(request("POST", &url, &[], "{}"), (200, json!({"word": "yes"})));
    background.stop().with_code(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_stopping_already_is_waited_for() {
    let (data, target) = (tempfile::tempdir().expect("a folder"), Target::start().await);
    target.then([Behaviour::Hold]);
    let call = NodeKind::Http(HttpCall {
        method: Method::Post,
        url: Binding::value(target.url()),
        query: Mapping::default(),
        headers: Mapping::default(),
        body: None,
        slot: None,
        retry: RetryPolicy::default(),
        repeatable: false,
    });
    let manual = NodeKind::Trigger(Trigger::Manual { sample: Value::Null });
    let flow = flow("f", &[("t", manual), ("call", call)], &["t -> call"]);
    let first = engine::start(Settings { flows: vec![listening(&flow)], ..settings(data.path(), Mode::Live) });
    let first = first.await.expect("an engine");
    first.start(FlowId::new("f"), None, Value::Null, None).wait().await.expect("an answer").expect("a run");
    target.arrived(1).await;
    let stopped = first.stop();
    let (told, mut stopping) = tokio::sync::mpsc::unbounded_channel();
    let at = data.path().to_owned();
    let taken = tokio::task::spawn_blocking(move || {
        loop {
            let mut waits = false;
            let stops = || (waits, _) = (true, told.send(()));
            let taken = engine::take_over_from(&at, false, stops);
            // Asked before it knew that it is to stop, it said that it stays.
            if waits || !engine::is_at_work(&at) {
                return taken;
            }
        }
    });
    // It comes back once it is let, and the first has all of its time until then.
    assert_eq!(stopping.recv().await, Some(()));
    target.release();
    stopped.wait().await;
    drop(first);
    assert!(taken.await.expect("it ends").expect("the directory is free"));
    let second = engine::start(settings(data.path(), Mode::Live)).await.expect("nobody has it any more");
    second.stop().wait().await;
}
