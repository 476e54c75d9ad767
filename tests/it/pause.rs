//! Flows that hold back what starts them: by the command line, while `serve` is at work and while nothing is; on the real binary.
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::binary::{Home, Running, request};
use crate::support::files::{flow_file, hook, listening};
use crate::support::raw_service::{Raw, RawService};

const DATA: [&str; 3] = ["--sandbox", "--data", "d"];

fn serve(home: &Home, file: &str) -> (Running, String) {
    let serving = home.spawn(&[&["serve", file, "--json", "--listen", "127.0.0.1:0"], &DATA[..]].concat());
    let told: Value = serde_json::from_str(&serving.line_with("\"hook\"")).expect("JSON");
    (serving, told["url"].as_str().expect("an address").to_owned())
}

fn flowyard(home: &Home, args: &[&str]) -> Value {
    let ended = home.run(&[args, &DATA, &["--json"]].concat()).with_code(0);
    ended.objects().into_iter().next().unwrap_or_default()
}

/// The runs that are over, and those that are not.
fn runs(home: &Home) -> (usize, usize) {
    let listed = home.run(&[&["log", "list", "--json"], &DATA[..]].concat()).with_code(0).objects();
    let over = listed.iter().filter(|it| it["finished"].is_string()).count();
    (over, listed.len() - over)
}

/// A service that answers once it is told to.
fn patient() -> (RawService, Sender<()>) {
    let (go, told) = mpsc::channel();
    let told = Arc::new(Mutex::new(told));
    let service = RawService::start(move |_| {
        told.lock().expect("not poisoned").recv().ok();
        Raw::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_vec())
    });
    (service, go)
}

#[test]
fn a_flow_is_drained_once_what_was_under_way_has_come_back_and_what_came_meanwhile_is_kept() {
    let home = Home::new();
    let (service, go) = patient();
    let call = json!({ "name": "Call", "kind": "http", "method": "GET", "url": { "value": service.url } });
    home.write("slow.flowyard", &flow_file("slow", &json!({ "hook": hook("in"), "call": call }), &["hook -> call"]));
    let (serving, url) = serve(&home, "slow.flowyard");
    assert_eq!(request("POST", &url, &[], "{}").0, 202);
    while service.requests().is_empty() {
        std::thread::yield_now();
    }
    let paused = flowyard(&home, &["pause", "slow"]);
    assert_eq!((&paused["paused"], &paused["under_way"], &paused["drained"]), (&json!(true), &json!(1), &json!(false)));
    let draining = home.spawn(&[&["pause", "slow", "--drain", "--json"], &DATA[..]].concat());
    assert_eq!(request("POST", &url, &[], "{}").0, 202, "what comes is taken");
    go.send(()).expect("the service");
    let drained = draining.end().with_code(0).objects();
    assert_eq!((&drained[0]["drained"], &drained[0]["under_way"]), (&json!(true), &json!(0)), "{drained:?}");
    assert_eq!(flowyard(&home, &["pause", "slow.flowyard"])["waiting"], json!(1));
    assert_eq!((runs(&home), service.requests().len()), ((1, 1), 1), "nothing new was begun");
    go.send(()).expect("the service");
    let resumed = flowyard(&home, &["resume", "slow"]);
    assert_eq!((&resumed["was_paused"], &resumed["waited"]), (&json!(true), &json!(1)));
    home.until_all_ended("d");
    assert_eq!(runs(&home), (2, 0));
    serving.stop();
}

#[test]
fn a_pause_holds_over_a_restart_and_is_taken_back_where_nothing_is_at_work() {
    let home = Home::new();
    home.write("listening.flowyard", &listening("in"));
    home.run(&[&["pause", "listning"], &DATA[..]].concat()).with_code(1).warns(&["There is no flow \"listning\" here"]);
    home.run(&[&["pause", "listening.flowyard"], &DATA[..]].concat())
        .with_code(0)
        .warns(&["is paused", "Nothing is running it now"]);
    for sent in 1..3 {
        let (serving, url) = serve(&home, "listening.flowyard");
        assert_eq!(request("POST", &url, &[], "{}").0, 202);
        assert_eq!(flowyard(&home, &["pause", "listening"])["waiting"], json!(sent));
        serving.stop();
        assert_eq!(runs(&home), (0, sent));
    }
    // A person's own run is not held back.
    home.run(&[&["run", "listening.flowyard"], &DATA[..]].concat()).with_code(0);
    home.run(&[&["resume", "listening"], &DATA[..]].concat()).with_code(0).warns(&["no longer paused", "2 runs that waited"]);
    let (serving, _) = serve(&home, "listening.flowyard");
    home.until_all_ended("d");
    assert_eq!(runs(&home), (3, 0));
    serving.stop();
}
