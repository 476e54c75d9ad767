//! What all processes on one data directory use of an account's budget, together; on the real binary, against a sandbox that
//! allows little.
use std::time::{Duration, Instant};

use flowyard::catalog::Catalog;
use flowyard::sandbox::{self, Handle, Limits, Options};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::binary::{Ended, Home, Running, request};
use crate::support::files::{flow_file, hook, manual};

/// The sandbox's limit, which is told by its answers: so many requests in so many milliseconds.
const BURST: u32 = 20;
const INTERVAL_MS: u32 = 400;
/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// A sandbox that allows little, and a connection to it whose limit is known.
struct Stage {
    home: Home,
    sandbox: Handle,
    runtime: Runtime,
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let limits = Limits { burst: BURST, interval_ms: INTERVAL_MS, ..Limits::default() };
        let options = Options { limits, ..Options::default() };
        let sandbox = runtime.block_on(sandbox::start(&Catalog::shipped(), options)).expect("a sandbox");
        let home = Home::new();
        let crm = &sandbox.access().highlevel;
        let connections = json!([{
            "id": "crm", "connector": "highlevel", "base_url": crm.base_url, "account": { "location_id": crm.location_id },
            "secret_env": { "token": "CRM_TOKEN" },
        }]);
        std::fs::create_dir(home.path("data")).expect("a directory");
        home.write("data/connections.json", &connections.to_string());
        let read = json!({ "name": "Read", "kind": "action", "operation": "highlevel.locations.get-location", "slot": "crm", "input": {} });
        let each = |count: usize| json!({ "name": "Each", "kind": "for_each", "items": { "value": vec![1; count] } });
        let bulk = json!({ "start": manual(), "each": each(60), "read": read });
        home.write("bulk.flowyard", &flow_file("bulk", &bulk, &["start -> each", "each.item -> read"]));
        let hooked = json!({ "start": hook("in"), "each": each(80), "read": read });
        home.write("hooked.flowyard", &flow_file("hooked", &hooked, &["start -> each", "each.item -> read"]));
        home.write("one.flowyard", &flow_file("one", &json!({ "start": manual(), "read": read }), &["start -> read"]));
        let stage = Self { home, sandbox, runtime };
        // From here on the limit is known, and kept.
        stage.run("one.flowyard").with_code(0);
        stage
    }

    fn token(&self) -> [(&'static str, String); 1] {
        [("CRM_TOKEN", self.sandbox.access().highlevel.token.clone())]
    }

    fn spawn(&self, args: &[&str]) -> Running {
        let [(name, token)] = self.token();
        self.home.spawn_with(args, &[(name, &token)])
    }

    fn run(&self, flow: &str) -> Ended {
        self.spawn(&["run", flow]).end()
    }

    /// A `serve` that listens, and its hook's address.
    fn serve(&self) -> (Running, String) {
        let serve = self.spawn(&["serve", "hooked.flowyard", "--listen", "127.0.0.1:0", "--json"]);
        let told: Value = serde_json::from_str(&serve.line()).expect("JSON");
        let url = told["url"].as_str().expect("an address").to_owned();
        (serve, url)
    }

    fn until_asked(&self, requests: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.sandbox.ledger().len() < requests {
            assert!(Instant::now() < deadline, "{} requests came", self.sandbox.ledger().len());
            std::thread::yield_now();
        }
    }

    /// How many requests the sandbox answered. None of them was one too many, and they were as many as it allows.
    fn answered(&self) -> usize {
        let ledger = self.sandbox.ledger();
        let refused = ledger.iter().filter(|it| it.status == 429).count();
        assert_eq!(refused, 0, "of {}", ledger.len());
        let (first, last) = (ledger.first().expect("an entry").at, ledger.last().expect("an entry").at);
        let intervals = i64::try_from(ledger.len()).expect("few") / i64::from(BURST) - 1;
        assert!(last.as_millisecond() - first.as_millisecond() >= intervals * i64::from(INTERVAL_MS), "the limit was reached");
        ledger.len()
    }

    fn budget(&self) -> Value {
        let told = self.home.run(&["connect", "budget", "crm", "--json"]).with_code(0).objects().remove(0);
        assert_eq!((&told["connection"], &told["budget"]["max"]), (&json!("crm"), &json!(BURST)));
        told["budget"].clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.runtime.block_on(self.sandbox.clone().stop());
    }
}

#[test]
fn processes_on_one_data_directory_never_ask_too_often_together_and_a_restart_goes_on_counting() {
    let stage = Stage::new();
    let (serve, url) = stage.serve();
    assert_eq!(request("POST", &url, &[], "{}").0, 202);
    stage.until_asked(BURST as usize);
    // A person tries the connection again and again while the bulk waits for its turn, two at a time.
    for _ in 0..6 {
        let other = stage.spawn(&["connect", "test", "crm"]);
        stage.spawn(&["connect", "test", "crm"]).end().with_code(0);
        other.end().with_code(0);
    }
    stage.home.until_all_ended("data");
    assert_eq!(stage.answered(), 1 + 80 + 12);
    let budget = stage.budget();
    assert_eq!((&budget["used_today"], &budget["waiting"]), (&json!(93), &json!(0)));
    assert!(budget["forecast"].as_u64() >= Some(93), "{budget}");
    serve.stop().with_code(0);
    // Another process goes on where that one ended.
    stage.run("bulk.flowyard").with_code(0);
    assert_eq!(stage.answered(), 93 + 60);
    assert_eq!(stage.budget()["used_today"], 153);
    stage.home.run(&["connect", "budget"]).with_code(0).says(&["/20 in 0.4 s", "153", "200,000"]);
    let listed = stage.home.run_with(&["connect", "list", "--json"], &[("CRM_TOKEN", "x")], "").with_code(0).objects();
    assert_eq!(listed[0]["budget"]["used_today"], 153);
    let files = std::fs::read_dir(stage.home.path("data/budgets")).expect("budgets").count();
    assert_eq!(files, 1, "one account, and nobody at work");
}

#[test]
fn a_process_that_is_killed_in_the_middle_leaves_what_it_used_and_takes_no_places_with_it() {
    let stage = Stage::new();
    let (serve, url) = stage.serve();
    assert_eq!(request("POST", &url, &[], "{}").0, 202);
    stage.until_asked(30);
    serve.kill();
    let before = stage.sandbox.ledger().len() as u64;
    // At once, while the service still counts what the other one sent.
    stage.run("bulk.flowyard").with_code(0);
    assert_eq!(stage.answered() as u64, before + 60);
    // What was under way may have come to be counted at the service or not.
    let used = stage.budget()["used_today"].as_u64().expect("a number");
    assert!(used.abs_diff(before + 60) <= u64::from(BURST), "{used} and {before}");
    let (serve, _) = stage.serve();
    stage.home.until_all_ended("data");
    stage.answered();
    serve.stop().with_code(0);
}
