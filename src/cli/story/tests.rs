//! What a person reads of a run, event by event.
use serde_json::json;

use super::*;
use crate::flow::PortId;
use crate::flow::testing::Sketch;
use crate::record::{Answer, Body, FailureKind, Request, Timing};
use crate::run::{ItemPath, RunId};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

fn story(sketch: &str) -> Story {
    Story::new(Arc::new(Sketch::flow(sketch)))
}

fn told(story: &mut Story, entries: Vec<Entry>) -> Vec<String> {
    let lines = story.take(&Event::Journaled { run: RunId(1), entries: entries.into() });
    // Without colours.
    lines.iter().map(|it| anstream::adapter::strip_str(it).to_string()).collect()
}

fn started(node: &str, attempt: u32, ms: i64) -> Entry {
    Entry::StepStarted { step: StepKey::new(node), attempt, at: at(ms) }
}

fn succeeded(node: &str, port: &str, ms: i64) -> Entry {
    Entry::StepSucceeded { step: StepKey::new(node), port: PortId::new(port), output: Arc::default(), at: at(ms) }
}

fn failed(node: &str, attempt: u32, retry_at: Option<i64>, ms: i64) -> Entry {
    let failure = Failure::new(FailureKind::Service, "CRM is away").detail("Come back\u{1b}[2J later").hint("Wait.");
    Entry::StepFailed { step: StepKey::new(node), attempt, failure, retry_at: retry_at.map(at), lost: false, at: at(ms) }
}

fn exchanged(story: &mut Story, node: &str, method: &str, status: Option<u16>) {
    let exchange = Exchange {
        request: Request {
            method: method.into(),
            url: "https://crm.example/c".into(),
            headers: Vec::new(),
            body: Body::default(),
        },
        answer: status.map(|status| Answer { status, headers: Vec::new(), body: Body::default() }),
        error: status.is_none().then(|| "reset".to_owned()),
        started: at(0),
        timing: Timing::default(),
    };
    story.take(&Event::Exchanged { run: RunId(1), step: StepKey::new(node), attempt: 1, exchange: Arc::new(exchange) });
}

#[test]
fn a_step_is_one_line_with_request_status_and_time() {
    let mut story = story("t.out -> a");
    assert!(told(&mut story, vec![started("a", 1, 1_000)]).is_empty());
    exchanged(&mut story, "a", "GET", Some(404));
    exchanged(&mut story, "a", "POST", Some(201));
    let lines = told(&mut story, vec![succeeded("a", "out", 1_034)]);
    assert_eq!(lines, ["    GET https://crm.example/c → 404", "✓ a         POST https://crm.example/c → 201  34 ms"]);
    assert_eq!((story.steps(), story.requests()), (1, 2));
}

#[test]
fn a_failure_is_told_in_words_and_cannot_steer_the_terminal() {
    let mut story = story("t.out -> a, a.error -> b");
    told(&mut story, vec![started("a", 1, 0)]);
    exchanged(&mut story, "a", "GET", None);
    let lines = told(&mut story, vec![failed("a", 1, None, 5)]);
    let expected = [
        "✗ a         GET https://crm.example/c → no answer (reset)  → error  5 ms",
        "    CRM is away",
        "    Come back\u{fffd}[2J later",
        "    Wait.",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_retry_says_when() {
    let mut story = story("t.out -> a");
    told(&mut story, vec![started("a", 1, 0)]);
    let lines = told(&mut story, vec![failed("a", 1, Some(2_500), 500)]);
    assert_eq!(lines[0], "↻ a         attempt 1 failed, again in 2.0 s");
    assert!(!story.only_waits_for_people());
    told(&mut story, vec![started("a", 2, 2_500)]);
    assert_eq!(told(&mut story, vec![succeeded("a", "out", 3_000)]), ["✓ a           3.0 s"]);
}

#[test]
fn what_waits_for_a_person_and_for_nothing_else_is_known() {
    let mut story = story("t.out -> a, t.out -> b");
    let parked = |node: &str| Entry::StepParked { step: StepKey::new(node), on: Park::SignIn("crm".into()), at: at(2) };
    told(&mut story, vec![started("a", 1, 0), started("b", 1, 0)]);
    let lines = told(&mut story, vec![parked("a")]);
    assert!(lines[0].starts_with("⏸ a") && lines[0].contains("\"crm\" must be signed in again"), "{lines:?}");
    assert!(!story.only_waits_for_people());
    told(&mut story, vec![succeeded("b", "out", 3)]);
    assert!(story.only_waits_for_people());
    assert_eq!(story.waiting_words().len(), 1);
}

#[test]
fn items_are_counted() {
    let mut story = story("t.out -> each, each.item -> a, each.done -> z");
    let each = StepKey::new("each");
    told(&mut story, vec![Entry::ItemsOpened { step: each.clone(), count: 3, at: at(0) }]);
    let inner = StepKey { node: "a".into(), item: ItemPath(vec![1]) };
    let lines =
        told(&mut story, vec![Entry::StepSucceeded { step: inner, port: PortId::out(), output: Arc::default(), at: at(1) }]);
    assert_eq!(lines, ["✓ a #2"]);
    let failure = Some(Failure::new(FailureKind::Stopped, "no"));
    told(&mut story, vec![Entry::ItemFinished { step: each.clone(), index: 1, failure, result: None, at: at(1) }]);
    assert_eq!(story.progress(), "  each: 1 of 3 items, 1 failed");
    let output = Arc::new(json!({ "count": 3, "failed": 1 }));
    let lines = told(&mut story, vec![Entry::StepSucceeded { step: each, port: PortId::new("done"), output, at: at(2) }]);
    assert!(lines[0].ends_with("3 items, 1 failed"), "{lines:?}");
    assert_eq!(story.progress(), "");
}

#[test]
fn what_was_not_reached_is_listed_in_order() {
    let mut story = story("t.out -> if_a, if_a.true -> b, if_a.false -> c!, c.out -> d");
    told(&mut story, vec![succeeded("if_a", "true", 0), succeeded("b", "out", 0)]);
    let lines: Vec<String> = story.not_reached(false).iter().map(|it| anstream::adapter::strip_str(it).to_string()).collect();
    assert_eq!(lines, ["↷ c         muted", "↷ d         not reached"]);
}

#[test]
fn requests_that_may_have_changed_something_are_kept() {
    let mut story = story("t.out -> a");
    exchanged(&mut story, "a", "GET", Some(200));
    exchanged(&mut story, "a", "POST", Some(422));
    exchanged(&mut story, "a", "POST", None);
    exchanged(&mut story, "a", "DELETE", Some(200));
    let writes: Vec<String> = story.writes().into_iter().map(|it| format!("{} {}", it.service, it.summary)).collect();
    assert_eq!(writes, ["crm a: POST https://crm.example/c → no answer (reset)", "crm a: DELETE https://crm.example/c → 200"]);
}
