//! A crash at every entry of the flows that ship.
//!
//! A run is made undisturbed, on a real engine, journal and sandbox, with a snapshot of the services after every request.
//! Then, for every number of entries, a new data directory gets exactly these, the services go back to where they stood when
//! these were on the disk, and a new engine goes on. Where a call was under way there are several such places: it never
//! left; it left and was done, and its answer did not come any more; where an attempt makes two requests, one of them was.
//!
//! What must hold: the run ends as it did undisturbed, every record of the services is the same, what was committed stays,
//! and the services were asked exactly what was still missing, in order: no step that had finished is repeated, none is
//! lost. A call that was under way comes again only if it is safe to repeat or after a look-up that did not find it;
//! otherwise a person is asked first.
mod cut;
mod facts;
mod many;
mod recorded;
mod stand;

use std::collections::BTreeSet;
use std::sync::Arc;

use flowyard::catalog::OperationId;
use flowyard::flow::{Flow, NodeKind, RetryPolicy};
use flowyard::run::Outcome;
use flowyard::sandbox::{Deed, Effect, Fault, FaultKind, Faults, Snapshot, Table};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use self::cut::Cut;
use self::recorded::{Recorded, is_of};
use self::stand::Stand;
use crate::support::services::{sample, template};

/// A flow of three kinds of calls, one of which must not be repeated.
const SIGN_UP: &str = include_str!("../flows/sign-up.flowyard");
/// So many entries after a cut within a call, the recovery is cut short as well.
const AGAIN_WITHIN: usize = 3;
/// So many cuts are made at a time, each at its own services.
const SIDE_BY_SIDE: usize = 4;

/// What one run came to.
#[derive(Debug, Default)]
struct Count {
    entries: usize,
    cuts: usize,
    /// Cuts within a recovery.
    second: usize,
    /// How often a person was asked.
    parked: usize,
}

/// Whether the requests that follow a cut are known one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Requests {
    Exactly,
    /// The services failed as well, so that there were more of them.
    WithFaults,
}

/// Cuts a run short at every place, and the recovery from every cut within a call at every place near to it. Returns the
/// undisturbed run.
async fn cut_everywhere(
    stands: &[Arc<Stand>],
    flow: &Flow,
    payload: &Value,
    from: &Snapshot,
    requests: Requests,
) -> (Arc<Recorded>, Count) {
    let flow = Arc::new(flow.clone());
    let whole = Arc::new(stands[0].run(&flow, payload, from).await);
    let same = stands[1].run(&flow, payload, from).await;
    assert_eq!(differences(&same, &whole), [], "without a cut, a run leaves the same each time");
    assert_eq!(whole.outputs(), same.outputs());
    let mut count = Count { entries: whole.entries.len(), ..Count::default() };
    let mut work = JoinSet::new();
    for (at, stand) in stands.iter().enumerate() {
        let (stand, flow, whole) = (Arc::clone(stand), Arc::clone(&flow), Arc::clone(&whole));
        let places: Vec<usize> = (1..=whole.entries.len()).skip(at).step_by(stands.len()).collect();
        work.spawn(async move {
            let mut count = Count::default();
            for kept in places {
                for cut in Cut::all(&whole, kept) {
                    cut_twice(&stand, &flow, &whole, &cut, requests, &mut count).await;
                }
            }
            count
        });
    }
    while let Some(done) = work.join_next().await {
        let done = done.expect("every cut was made");
        count.cuts += done.cuts;
        count.second += done.second;
        count.parked += done.parked;
    }
    (whole, count)
}

/// One cut, and those of its recovery.
async fn cut_twice(stand: &Stand, flow: &Flow, whole: &Recorded, cut: &Cut<'_>, requests: Requests, count: &mut Count) {
    let recovered = stand.recover(cut, flow, whole).await;
    check(whole, cut, &recovered, requests);
    count.cuts += 1;
    count.parked += usize::from(recovered.parked.is_some());
    if !cut.is_within_a_call() {
        return;
    }
    let last = recovered.entries.len().min(cut.kept + AGAIN_WITHIN);
    for cut in (cut.kept + 1..=last).flat_map(|kept| Cut::all(&recovered, kept)) {
        check(whole, &cut, &stand.recover(&cut, flow, whole).await, requests);
        count.second += 1;
    }
}

/// Holds what came after a cut against the run without one.
fn check(whole: &Recorded, cut: &Cut<'_>, recovered: &Recorded, requests: Requests) {
    let Cut { of, kept, sent } = *cut;
    let place = format!("{} of {} entries kept, {sent} requests under way were done", kept, of.entries.len());
    assert_eq!(recovered.outcome(), whole.outcome(), "{place}");
    assert_eq!(recovered.entries[..kept], of.entries[..kept], "{place}: what was committed stays");
    assert_eq!(differences(recovered, whole), [], "{place}");
    assert_eq!(recovered.parked.is_some(), cut.must_park(), "{place}: {:?}", recovered.parked);

    // Every step left once, by the same way.
    let ways = |run: &Recorded| {
        let mut ways: Vec<_> = run.outputs().into_iter().map(|(step, port, _)| (step.clone(), port.to_owned())).collect();
        ways.sort();
        ways
    };
    assert_eq!(ways(recovered), ways(whole), "{place}");
    // And each call gave the same, unless it is the one that was cut: what it made before is found then, or updated. (A step
    // that reads the clock, and begins only after the cut, gives another time; it shows in the requests where it matters.)
    for (step, _, output) in recovered.outputs() {
        let is_call = whole.program.operation(&step.node).is_some();
        if is_call && recovered.attempts(step) == whole.attempts(step) {
            assert_eq!(output, whole.output(step), "{place}: {step}");
        }
    }
    let known = recovered.ledger.len() - (recovered.states.len() - 1);
    let (known, came) = recovered.ledger.split_at(known);
    let created = |ledger: &[flowyard::sandbox::LedgerEntry]| {
        let mut records: Vec<_> = ledger.iter().filter(|it| it.effect == Effect::Created).map(|it| it.record.clone()).collect();
        records.sort_by_key(|it| format!("{it:?}"));
        records
    };
    assert_eq!(created(&recovered.ledger), created(&whole.ledger), "{place}: nothing is made twice");
    if requests == Requests::WithFaults {
        return;
    }

    let expected = cut.expected(whole, known);
    assert_eq!(came.len(), expected.len(), "{place}: expected {expected:#?}, and there came {came:#?}");
    for (expected, came) in expected.iter().zip(came) {
        assert!(expected.is_met_by(came), "{place}: expected {expected:#?}, and there came {came:#?}");
    }
    let logged = &recovered.exchanges[recovered.earlier..];
    assert_eq!(logged.len(), came.len(), "{place}: the log has every request that was answered");
    assert!(logged.iter().zip(came).all(|(exchange, entry)| is_of(exchange, entry)), "{place}");
}

/// The records that are not the same after two runs: `(collection, only after the one, only after the other)`.
fn differences<'a>(one: &'a Recorded, other: &'a Recorded) -> Vec<(&'a str, Vec<&'a Value>, Vec<&'a Value>)> {
    let names: BTreeSet<_> = one.records.keys().chain(other.records.keys()).collect();
    let of = |run: &'a Recorded, name| run.records.get(name).map_or(&[][..], Vec::as_slice);
    let only = |these: &'a [Value], those: &[Value]| these.iter().filter(|it| !those.contains(it)).collect();
    let differ = |name: &'a String| {
        let (one, other) = (of(one, name), of(other, name));
        (one != other).then(|| (name.as_str(), only(one, other), only(other, one)))
    };
    names.into_iter().filter_map(differ).collect()
}

/// The flow, patient for milliseconds only.
fn impatient(mut flow: Flow) -> Flow {
    for node in flow.nodes.values_mut() {
        if let NodeKind::Action { retry, .. } = &mut Arc::make_mut(node).kind {
            *retry = RetryPolicy { first_ms: 1, longest_ms: 2, ..*retry };
        }
    }
    flow
}

/// Several, since much of the time goes by while something is waited for.
async fn stands() -> Vec<Arc<Stand>> {
    let mut stands = Vec::new();
    for _ in 0..SIDE_BY_SIDE {
        stands.push(Arc::new(Stand::new().await));
    }
    stands
}

#[expect(clippy::print_stdout, reason = "shown where one asks for it")]
fn tell(what: &str, count: &Count) {
    println!("{what}: {count:?}");
    assert!(count.cuts > count.entries && count.second > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_crash_at_any_entry_loses_and_repeats_nothing_of_a_new_contact() {
    let (stands, flow) = (stands().await, template("new-contact-to-calendar"));
    let first = stands[0].sandbox.snapshot();
    let (whole, count) = cut_everywhere(&stands, &flow, &sample(&flow), &first, Requests::Exactly).await;
    assert_eq!(whole.outcome(), &Outcome::Succeeded);
    tell("a new contact", &count);
    // The same person by another name: what is there is brought up to date.
    let then = whole.states.last().expect("a state");
    let mut event = sample(&flow);
    event["lastName"] = json!("Castellan-Reyes");
    let (whole, count) = cut_everywhere(&stands, &flow, &event, then, Requests::Exactly).await;
    assert_eq!(whole.outcome(), &Outcome::Succeeded);
    tell("a contact that is known", &count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_crash_at_any_entry_loses_and_repeats_nothing_of_a_changed_status() {
    let (stands, flow) = (stands().await, template("status-to-calendar"));
    let mut state = stands[0].sandbox.snapshot();
    let contacts = stands[0].sandbox.records("contacts");
    let contact = |mail: &str| contacts.iter().find(|it| it["email"] == mail).expect("a contact")["id"].clone();
    let fields = &stands[0].sandbox.records("custom_fields");
    let field = fields.iter().find(|it| it["name"] == "Status").expect("the field")["id"].clone();
    for (what, event) in [
        ("a status that is noted", sample(&flow)),
        ("a status that is no news", sample(&flow)),
        ("a status that makes an appointment", json!({ "id": contact("ravi.menon@example.com") })),
        ("a status that nobody knows", json!({ "id": contact("priya.nair@example.com") })),
    ] {
        if what.ends_with("nobody knows") {
            stands[0].sandbox.restore(&state);
            let status = json!({ "customFields": [{ "id": field, "value": "asleep" }] });
            let deed = Deed::Change {
                id: event["id"].as_str().expect("an id").to_owned(),
                fields: status.as_object().cloned().unwrap_or_default(),
            };
            let table = Table::ALL.iter().find(|it| it.collection == "contacts").expect("a table");
            stands[0].sandbox.by_hand(table, deed).expect("it is allowed");
            state = stands[0].sandbox.snapshot();
        }
        let (whole, count) = cut_everywhere(&stands, &flow, &event, &state, Requests::Exactly).await;
        assert_eq!(*whole.outcome() == Outcome::Succeeded, !what.ends_with("nobody knows"), "{:?}", whole.outcome());
        tell(what, &count);
        state = whole.states.last().expect("a state").clone();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_crash_at_any_entry_loses_and_repeats_nothing_of_an_appointments_task() {
    let (stands, flow) = (stands().await, template("appointment-to-task"));
    let first = stands[0].sandbox.snapshot();
    let (whole, count) = cut_everywhere(&stands, &flow, &sample(&flow), &first, Requests::Exactly).await;
    assert_eq!(whole.outcome(), &Outcome::Succeeded);
    tell("a task that is made", &count);
    let then = whole.states.last().expect("a state");
    let (whole, count) = cut_everywhere(&stands, &flow, &sample(&flow), then, Requests::Exactly).await;
    assert_eq!(whole.outcome(), &Outcome::Succeeded);
    tell("a task that is moved", &count);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_crash_while_a_service_fails_as_well_makes_nothing_twice() {
    let (stands, flow) = (stands().await, impatient(template("appointment-to-task")));
    let create = OperationId::new("highlevel.contacts.create-task");
    let tasks = OperationId::new("highlevel.contacts.get-all-tasks");
    let find = OperationId::new("highlevel.contacts.get-duplicate-contact");
    let broken = || Fault::new(FaultKind::ServerError);
    for (what, next) in [
        ("a task that is made, and the answer lost", vec![broken().on(create.clone()).after_effect()]),
        ("a task that is made at the second attempt", vec![broken().on(create.clone())]),
        ("requests of which every kind fails once", vec![broken().on(find), broken().on(tasks), broken().on(create)]),
    ] {
        stands[0].sandbox.reset();
        stands[0].sandbox.set_faults(Faults { next: next.into(), ..Faults::default() });
        let from = stands[0].sandbox.snapshot();
        let (whole, count) = cut_everywhere(&stands, &flow, &sample(&flow), &from, Requests::WithFaults).await;
        assert_eq!(whole.outcome(), &Outcome::Succeeded);
        tell(what, &count);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_crash_within_a_call_that_must_not_be_repeated_waits_for_a_person_and_goes_on() {
    let flow = Flow::parse(SIGN_UP.as_bytes()).expect("a sound file");
    let stands = stands().await;
    let from = stands[0].sandbox.snapshot();
    let (whole, count) = cut_everywhere(&stands, &flow, &sample(&flow), &from, Requests::Exactly).await;
    assert_eq!(whole.outcome(), &Outcome::Succeeded);
    tell("a sign-up", &count);
    assert_eq!(count.parked, 2, "once before the call left, once after it was done");
}
