//! What is counted as lost and as doubled.
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::count::{Counts, Kept, Left};
use crate::catalog::{Catalog, ConnectorId, OperationId};
use crate::engine::Mode;
use crate::engine::log::RunHead;
use crate::flow::Flow;
use crate::record::{Failure, FailureKind};
use crate::run::{Entry, Outcome, Park, Program, Revision, RunId, StepKey};
use crate::sandbox::{Effect, LedgerEntry, RecordRef};

const AT: Timestamp = Timestamp::UNIX_EPOCH;

/// `send` must not be repeated, `update` may be.
fn program() -> Arc<Program> {
    let action = |operation: &str| json!({"name": "x", "kind": "action", "operation": operation, "slot": "crm"});
    let file = json!({
        "flowyard": 1, "id": "f", "name": "F", "slots": {"crm": "highlevel"},
        "nodes": {
            "t": {"name": "t", "kind": "trigger", "trigger": "manual"},
            "send": action("highlevel.conversations.send-a-new-message"),
            "update": action("highlevel.contacts.update-contact"),
        },
        "edges": [{"from": "t", "port": "out", "to": "send"}, {"from": "send", "port": "out", "to": "update"}],
    });
    let flow = Flow::parse(file.to_string().as_bytes()).expect("a sound file");
    Arc::new(Program::compile(&flow, &Catalog::shipped()).expect("a sound flow"))
}

/// A run of an event, in which these steps ended well.
fn run(number: u64, event: usize, outcome: Option<Outcome>, steps: &[&str]) -> Kept {
    let mut entries = Vec::new();
    for step in steps {
        let step = StepKey::new(*step);
        let output = Arc::new(json!({ "id": format!("record-{number}-{}", step.node) }));
        entries.push(Entry::StepStarted { step: step.clone(), attempt: 1, at: AT });
        entries.push(Entry::StepSucceeded { step, port: "out".into(), output, at: AT });
    }
    let parked = u32::from(outcome.is_none());
    if outcome.is_none() {
        entries.push(Entry::StepStarted { step: StepKey::new("send"), attempt: 1, at: AT });
        entries.push(Entry::StepParked { step: StepKey::new("send"), on: Park::Uncertain, at: AT });
    }
    let head = RunHead {
        id: RunId(number),
        flow: "f".into(),
        flow_name: "F".to_owned(),
        revision: Revision("r".into()),
        trigger: "t".into(),
        delivery: Some(super::child::delivery(event)),
        mode: Mode::Sandbox,
        parent: None,
        accepted: AT,
        finished: outcome.is_some().then_some(AT),
        outcome,
        steps: 0,
        failures: 0,
        parked,
    };
    Kept { head, entries }
}

fn done(step: Option<&str>, effect: Effect, record: &str) -> LedgerEntry {
    LedgerEntry {
        seq: 0,
        at: AT,
        service: ConnectorId::new("highlevel"),
        operation: OperationId::new("highlevel.contacts.update-contact"),
        method: "POST".to_owned(),
        path: "/".to_owned(),
        status: 200,
        effect,
        record: Some(RecordRef { collection: "x".to_owned(), id: record.to_owned() }),
        fault: None,
        breach: None,
        step: step.map(str::to_owned),
        by_hand: false,
        summary: String::new(),
    }
}

/// Two events, each of which sends and updates once.
fn well() -> Left {
    let runs =
        vec![run(1, 0, Some(Outcome::Succeeded), &["send", "update"]), run(2, 1, Some(Outcome::Succeeded), &["send", "update"])];
    let ledger = ["1/send", "2/send"].map(|it| done(Some(it), Effect::Created, "")).into_iter();
    let ledger = ledger.chain(["1/update", "2/update"].map(|it| done(Some(it), Effect::Updated, "")));
    Left::of(runs, &ledger.collect::<Vec<_>>())
}

fn count(runs: Vec<Kept>, ledger: &[LedgerEntry]) -> Counts {
    Left::of(runs, ledger).count(&well(), &program(), 2)
}

#[test]
fn an_event_takes_effect_once_fails_or_asks() {
    assert_eq!(well().count(&well(), &program(), 2), Counts { events: 2, once: 2, ..Counts::default() });
    let failed = Outcome::Failed(Failure::new(FailureKind::Service, "It broke"));
    // Of both the message may have gone.
    let ledger = [done(Some("1/send"), Effect::Created, ""), done(Some("2/send"), Effect::Created, "")];
    let counts = count(vec![run(1, 0, Some(failed), &[]), run(2, 1, None, &[])], &ledger);
    assert_eq!(counts, Counts { events: 2, failed: 1, asking: 1, ..Counts::default() });
}

#[test]
fn what_is_said_to_be_done_and_was_not_is_lost_and_so_is_an_event_without_a_run() {
    let counts = count(vec![run(1, 0, Some(Outcome::Succeeded), &["send"])], &[]);
    assert_eq!((counts.lost, counts.doubled, counts.once), (2, 0, 0), "{counts:?}");
    assert!(counts.wrong[0].contains("\"send\" of run 1") && counts.wrong[1].contains("began no run"), "{counts:?}");
}

#[test]
fn what_was_done_twice_is_doubled_unless_it_may_be_repeated() {
    let twice = |step: &str, effect| [done(Some(step), effect, ""), done(Some(step), effect, "")];
    let runs = || vec![run(1, 0, Some(Outcome::Succeeded), &["update"]), run(2, 1, Some(Outcome::Succeeded), &[])];
    assert_eq!(count(runs(), &twice("1/update", Effect::Updated)).once, 2);
    assert_eq!(count(runs(), &twice("1/update", Effect::Created)).doubled, 1, "two records");
    let ledger = [twice("2/send", Effect::Created).as_slice(), &[done(Some("1/update"), Effect::Updated, "")]].concat();
    assert_eq!(count(runs(), &ledger).doubled, 1);
    // Changes of a run that is not there, or of nobody.
    let ledger =
        [done(Some("9/send"), Effect::Created, ""), done(None, Effect::Created, ""), done(Some("1/update"), Effect::Updated, "")];
    let counts = count(runs(), &ledger);
    assert_eq!((counts.once, counts.doubled), (2, 2), "{counts:?}");
    let runs = vec![run(1, 0, Some(Outcome::Succeeded), &[]), run(2, 0, Some(Outcome::Succeeded), &[])];
    assert_eq!(count(runs, &[]).doubled, 1, "one event, two runs");
}

#[test]
fn what_an_event_just_like_it_had_done_is_not_lost() {
    let runs = vec![run(1, 0, Some(Outcome::Succeeded), &["send"]), run(2, 1, Some(Outcome::Succeeded), &[])];
    let counts = count(runs, &[done(Some("2/send"), Effect::Created, "record-1-send")]);
    assert_eq!((counts.once, counts.shared, counts.lost), (2, 1, 0), "{counts:?}");
}
