//! Dead letters by the command line: grouped by cause, changed, resent once, put aside; with an engine at work and without; on the
//! real binary.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::binary::{Home, Running};
use crate::support::files::{flow_file, manual};
use crate::support::raw_service::{Raw, RawService};

const DATA: [&str; 3] = ["--sandbox", "--data", "d"];

/// A service that refuses what it is asked, unless it is mended; and the flow that asks it, after a step that counts.
struct Stand {
    home: Home,
    service: RawService,
    mended: Arc<AtomicBool>,
}

impl Stand {
    fn new() -> Self {
        let home = Home::new();
        let mended = Arc::new(AtomicBool::new(false));
        let works = Arc::clone(&mended);
        let service = RawService::start(move |line| {
            let is_good = works.load(Ordering::SeqCst) || ["/count", "/good", "=good"].iter().any(|it| line.contains(it));
            let status = if is_good { "200 OK" } else { "422 Unprocessable Content" };
            Raw::Bytes(format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}").into_bytes())
        });
        let stand = Self { home, service, mended };
        stand.write("ask.flowyard", "/ask?who=");
        stand
    }

    fn write(&self, file: &str, path: &str) {
        let http = |name: &str, url: Value| json!({ "name": name, "kind": "http", "method": "GET", "url": url });
        let nodes = json!({
            "start": manual(),
            "count": http("Count", json!({ "value": format!("{}/count", self.service.url) })),
            "ask": http("Ask", json!({ "text": format!("{}{path}{{{{ start.who }}}}", self.service.url) })),
        });
        self.home.write(file, &flow_file("ask", &nodes, &["start -> count", "count -> ask"]));
    }

    fn fail(&self, who: &str) {
        self.home.write("in.json", &json!({ "who": who }).to_string());
        self.home.run(&[&["run", "ask.flowyard", "--input", "in.json"], &DATA[..]].concat()).with_code(1);
    }

    fn letters(&self, args: &[&str]) -> Vec<Value> {
        self.home.run(&[&["letters"], args, &DATA, &["--json"]].concat()).with_code(0).objects()
    }

    fn asked(&self, path: &str) -> usize {
        self.service.requests().iter().filter(|it| it.contains(path)).count()
    }

    fn serve(&self) -> Running {
        let serving = self.home.spawn(&[&["serve", "ask.flowyard", "--json", "--listen", "127.0.0.1:0"], &DATA[..]].concat());
        serving.line_with("\"sandbox\"");
        serving
    }
}

#[test]
fn letters_are_grouped_by_their_cause_and_each_is_resent_once_from_the_step_that_failed() {
    let stand = Stand::new();
    stand.fail("ann");
    stand.fail("bo");
    let listed = stand.home.run(&[&["letters"], &DATA[..]].concat()).with_code(0);
    listed.says(&["ask: 2 runs", "2 1"]).warns(&["2 dead letters"]);
    assert_eq!(stand.letters(&["--cause", "REFUSED"]).len() + stand.letters(&["--cause", "no such words"]).len(), 2);
    stand.mended.store(true, Ordering::SeqCst);
    let serving = stand.serve();
    let resent = stand.letters(&["resend", "1"]);
    assert_eq!((&resent[0]["as"], &resent[0]["at_once"]), (&json!(3), &json!(true)));
    stand.home.until_all_ended("d");
    assert_eq!((stand.asked("/count"), stand.asked("/ask?who=ann")), (2, 2), "what was done is not done again");
    stand
        .home
        .run(&[&["letters", "resend", "1"], &DATA[..]].concat())
        .with_code(1)
        .warns(&["resent already, as run 3", "unless you ask"]);
    assert_eq!(stand.letters(&[]).len(), 1, "only the other is left");
    stand.home.run(&[&["log", "show", "3"], &DATA[..]].concat()).with_code(0).says(&["Started by a person, in place of run 1"]);
    let again = stand.letters(&["resend", "1", "--again", "--from-start"]);
    assert_eq!(again[0]["as"], json!(4));
    stand.home.until_all_ended("d");
    assert_eq!((stand.asked("/count"), stand.asked("/ask?who=ann")), (3, 3));
    stand.letters(&["resend", "--cause", "REFUSED"]);
    stand.home.until_all_ended("d");
    assert_eq!((stand.asked("/ask?who=bo"), stand.letters(&[]).len()), (2, 0));
    stand.home.run(&[&["letters"], &DATA[..]].concat()).with_code(0).warns(&["no dead letters"]);
    serving.stop();
}

#[test]
fn a_letter_is_changed_and_resent_where_nothing_is_at_work_and_begins_with_the_next_start() {
    let stand = Stand::new();
    stand.fail("ann");
    let shown = stand.letters(&["show", "1"]);
    assert_eq!((&shown[0]["event"], &shown[0]["dead"]), (&json!({ "who": "ann" }), &json!(true)));
    stand.home.write("changed.json", r#"{"who": "good"}"#);
    stand.home.write("broken.json", r#"{"who": "#);
    stand.home.run(&[&["letters", "resend", "1", "--edit", "broken.json"], &DATA[..]].concat()).with_code(3);
    let resent = stand.letters(&["resend", "1", "--edit", "changed.json"]);
    assert_eq!((&resent[0]["as"], &resent[0]["at_once"]), (&json!(2), &json!(false)));
    stand.home.run(&[&["letters", "resend", "1"], &DATA[..]].concat()).with_code(1).warns(&["resent already, as run 2"]);
    assert_eq!(stand.asked("/ask?who=good"), 0);
    stand.mended.store(true, Ordering::SeqCst);
    let serving = stand.serve();
    stand.home.until_all_ended("d");
    assert_eq!((stand.asked("/ask?who=good"), stand.asked("/count")), (1, 1));
    // A flow that was corrected since is resent as it is now; as it was then where somebody wants that.
    serving.stop();
    stand.mended.store(false, Ordering::SeqCst);
    stand.fail("cy");
    stand.write("ask.flowyard", "/good?who=");
    let serving = stand.serve();
    assert_eq!(stand.letters(&["resend", "3"])[0]["as"], json!(4));
    stand.home.until_all_ended("d");
    assert_eq!((stand.asked("/good?who=cy"), stand.letters(&[]).len()), (1, 0));
    stand.letters(&["resend", "3", "--again", "--as-then"]);
    stand.home.until_all_ended("d");
    assert_eq!((stand.asked("/ask?who=cy"), stand.letters(&[]).len()), (2, 1), "it fails as it did, and is a letter itself");
    serving.stop();
}

#[test]
fn a_run_that_did_not_fail_is_done_again_only_if_somebody_says_so_and_each_time_is_a_run_of_its_own() {
    let stand = Stand::new();
    stand.mended.store(true, Ordering::SeqCst);
    stand.home.write("in.json", r#"{"who": "ann"}"#);
    stand.home.run(&[&["run", "ask.flowyard", "--input", "in.json"], &DATA[..]].concat()).with_code(0);
    stand
        .home
        .run(&[&["letters", "resend", "1"], &DATA[..]].concat())
        .with_code(1)
        .warns(&["Run 1 did not fail", "only if you say so"]);
    let serving = stand.serve();
    assert_eq!(stand.letters(&["resend", "1", "--even-done"])[0]["as"], json!(2));
    stand.home.until_all_ended("d");
    assert_eq!((stand.asked("/count"), stand.asked("/ask?who=ann")), (2, 2));
    stand.home.run(&[&["letters", "resend", "1", "--even-done"], &DATA[..]].concat()).with_code(1).warns(&["as run 2"]);
    assert_eq!(stand.letters(&["resend", "1", "--even-done", "--again"])[0]["as"], json!(3));
    stand.home.until_all_ended("d");
    assert_eq!(stand.asked("/ask?who=ann"), 3);
    stand.home.run(&[&["letters", "resend", "--all", "--even-done"], &DATA[..]].concat()).with_code(2);
    assert_eq!(stand.letters(&[]).len(), 0, "it is no dead letter");
    serving.stop();
}

#[test]
fn what_is_put_aside_is_not_listed_until_that_is_taken_back() {
    let stand = Stand::new();
    stand.fail("ann");
    stand.fail("bo");
    let done = stand.letters(&["discard", "1"]);
    assert_eq!((&done[0]["runs"], stand.letters(&[]).len()), (&json!([1]), 1));
    stand.home.run(&[&["letters", "resend", "1"], &DATA[..]].concat()).with_code(1).warns(&["was put aside"]);
    stand.home.run(&[&["letters", "discard", "1", "7"], &DATA[..]].concat()).with_code(1).warns(&["Run 7 is no dead letter"]);
    let serving = stand.serve();
    assert_eq!(stand.letters(&["discard", "1", "--undo"])[0]["runs"], json!([1]));
    assert_eq!(stand.letters(&["discard", "--all"])[0]["runs"], json!([1, 2]));
    assert_eq!(stand.letters(&[]).len(), 0);
    serving.stop();
    stand.home.run(&[&["log", "list", "--failed"], &DATA[..]].concat()).with_code(0).says(&["ask"]);
}
