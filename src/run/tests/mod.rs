//! The rules of a run, told by small flows; and a crash after every entry.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::catalog::{
    AuthKind, Catalog, Connector, ConnectorId, Encoding, ErrorShape, Input, Lookup, Method, Operation, OperationId, Place,
    Repeat, Schema, Schemas,
};
use crate::flow::{
    Binding, Case, Edge, Flow, JoinMode, Mapping, Missing, Node, NodeId, NodeKind, PortId, RetryPolicy, SlotId, StopOutcome,
    Trigger, WaitFor,
};
use crate::record::{Failure, FailureKind};

mod crash;
mod lost;
mod park;
mod whole;

fn operation(name: &str, method: Method, repeat: Repeat) -> Arc<Operation> {
    let input = |key: &str| Input {
        key: key.to_owned(),
        name: key.to_owned(),
        title: String::new(),
        place: Place::Body,
        required: false,
        fixed: None,
        account: None,
        choices: None,
        preset: None,
        named: None,
        section: String::new(),
        schema: Schema::default(),
    };
    Arc::new(Operation {
        id: OperationId::new(&format!("shop.orders.{name}")),
        title: name.to_owned(),
        help: String::new(),
        sentence: String::new(),
        group: "Orders".to_owned(),
        method,
        path: format!("/{name}"),
        inputs: vec![input("email"), input("n")],
        body: Some(Encoding::Json),
        success: Vec::new(),
        scopes: Vec::new(),
        access: Vec::new(),
        repeat,
        reads: false,
        paging: None,
        deprecated: false,
    })
}

fn catalog() -> Catalog {
    let lookup = Lookup {
        operation: OperationId::new("shop.orders.find"),
        input: BTreeMap::from([("email".to_owned(), "input.email".to_owned())]),
        found: "answer.order | default(none)".to_owned(),
    };
    let operations = [
        operation("find", Method::Get, Repeat::Safe),
        operation("create", Method::Post, Repeat::SafeWithLookup(lookup)),
        operation("charge", Method::Post, Repeat::Unsafe),
    ];
    Catalog::from_iter([Connector {
        id: ConnectorId::new("shop"),
        title: "Shop".to_owned(),
        environments: Vec::new(),
        auth: vec![AuthKind::None],
        account: BTreeMap::new(),
        rates: Vec::new(),
        limit_headers: None,
        guides: Vec::new(),
        probe: None,
        makers: Vec::new(),
        notices: None,
        breaker: None,
        errors: ErrorShape::default(),
        schemas: Schemas::default(),
        operations: operations.into_iter().collect(),
    }])
}

/// A flow from nodes and wires such as `a.out -> b`.
fn flow(nodes: &[(&str, NodeKind)], wires: &[&str]) -> Flow {
    let mut flow = Flow {
        id: "test".into(),
        name: "Test".to_owned(),
        description: String::new(),
        pace: crate::flow::Pace::default(),
        nodes: BTreeMap::new(),
        edges: std::collections::BTreeSet::new(),
        slots: BTreeMap::from([(SlotId::new("shop"), ConnectorId::new("shop"))]),
        layout: BTreeMap::new(),
        notes: BTreeMap::new(),
        groups: BTreeMap::new(),
    };
    for (id, kind) in nodes {
        flow.nodes.insert((*id).into(), Arc::new(Node { name: (*id).to_owned(), muted: false, kind: kind.clone() }));
    }
    for wire in wires {
        let (from, to) = wire.split_once(" -> ").expect("an arrow");
        let (from, port) = from.split_once('.').unwrap_or((from, "out"));
        flow.edges.insert(Edge { from: from.into(), port: port.into(), to: to.into() });
    }
    flow
}

fn program(nodes: &[(&str, NodeKind)], wires: &[&str]) -> Arc<Program> {
    Arc::new(Program::compile(&flow(nodes, wires), &catalog()).expect("a sound flow"))
}

fn hook() -> (&'static str, NodeKind) {
    ("hook", NodeKind::Trigger(Trigger::Manual { sample: Value::Null }))
}

fn action(operation: &str, input: Mapping) -> NodeKind {
    NodeKind::Action {
        operation: OperationId::new(&format!("shop.orders.{operation}")),
        slot: "shop".into(),
        input,
        retry: RetryPolicy::default(),
    }
}

fn set(expr: &str) -> NodeKind {
    NodeKind::Set { fields: [("value", Binding::expr(expr))].into() }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("in range")
}

/// What the outside does: answers calls, and keeps count of them.
struct World {
    answer: Box<dyn FnMut(&Perform) -> Conclusion>,
    calls: Vec<(String, u32)>,
}

impl World {
    fn new(answer: impl FnMut(&Perform) -> Conclusion + 'static) -> Self {
        Self { answer: Box::new(answer), calls: Vec::new() }
    }

    fn echo() -> Self {
        Self::new(|perform| Conclusion::Succeeded(Arc::new(input_of(&perform.call))))
    }

    fn names(&self) -> Vec<&str> {
        self.calls.iter().map(|(name, _)| name.as_str()).collect()
    }
}

fn input_of(call: &Call) -> Value {
    match call {
        Call::Operation { input, .. } => Value::Object(input.clone()),
        Call::Script { input, .. } | Call::SubFlow { input, .. } => input.clone(),
        Call::Http(request) => json!({ "url": request.url }),
    }
}

/// Drives a journal on until the run ends, rests for good, or `crash_after` entries are written. Time jumps to each wake.
fn drive(journal: &mut Vec<Entry>, program: &Arc<Program>, world: &mut World, crash_after: usize) -> Run {
    let mut run = Run::replay(RunId(1), Arc::clone(program), journal.iter());
    let mut now = journal.last().map_or_else(|| at(0), Entry::at);
    let mut in_flight: Vec<Perform> = Vec::new();
    let write = |journal: &mut Vec<Entry>, entries: Vec<Entry>| {
        journal.extend(entries);
        let crashed = journal.len() >= crash_after;
        journal.truncate(crash_after);
        crashed
    };
    for _ in 0..10_000 {
        let next = run.next(now, &|step| in_flight.iter().any(|it| it.step == *step));
        if write(journal, next.entries) {
            // The worst moment: whatever is on disk as started may have been sent.
            let started = |perform: &Perform| {
                journal.iter().any(|it| matches!(it, Entry::StepStarted { step, attempt, .. } if *step == perform.step && *attempt == perform.attempt))
            };
            for perform in next.calls.iter().filter(|it| started(it)) {
                world.calls.push((perform.step.to_string(), perform.attempt));
                (world.answer)(perform);
            }
            return run;
        }
        in_flight.extend(next.calls);
        if run.outcome().is_some() {
            return run;
        }
        if next.more {
            continue;
        }
        if let Some(perform) = (!in_flight.is_empty()).then(|| in_flight.remove(0)) {
            world.calls.push((perform.step.to_string(), perform.attempt));
            let conclusion = (world.answer)(&perform);
            let entries = run.conclude(&perform.step, conclusion, now, 0.5).into_iter().collect();
            if write(journal, entries) {
                return run;
            }
        } else if let Some(wake) = next.wake {
            now = wake;
        } else {
            return run;
        }
    }
    panic!("the run does not end");
}

fn accepted(payload: Value) -> Vec<Entry> {
    vec![Entry::Accepted { trigger: "hook".into(), payload: Arc::new(payload), at: at(0), cause: Arc::default() }]
}

fn run(program: &Arc<Program>, payload: Value, world: &mut World) -> (Vec<Entry>, Run) {
    let mut journal = accepted(payload);
    let run = drive(&mut journal, program, world, usize::MAX);
    (journal, run)
}

fn done(run: &Run, node: &str) -> Option<Value> {
    run.output(&StepKey::new(node)).map(|it| Value::clone(it))
}

#[test]
fn what_a_step_gives_is_seen_by_those_after_it() {
    let program = program(&[hook(), ("a", set("hook.n + 1")), ("b", set("a.value * 2"))], &["hook -> a", "a -> b"]);
    let (_, run) = run(&program, json!({ "n": 20 }), &mut World::echo());
    assert_eq!(run.outcome(), Some(&Outcome::Succeeded));
    assert_eq!(done(&run, "b"), Some(json!({ "value": 42 })));
}

#[test]
fn the_way_not_taken_is_dead_and_ways_meet_again() {
    let branch = NodeKind::Branch { condition: Binding::expr("hook.vip") };
    let nodes = [hook(), ("ask", branch), ("yes", set("1")), ("no", set("2")), ("after", set("3"))];
    let program = program(&nodes, &["hook -> ask", "ask.true -> yes", "ask.false -> no", "yes -> after", "no -> after"]);
    let (_, run) = run(&program, json!({ "vip": false }), &mut World::echo());
    assert_eq!((done(&run, "yes"), done(&run, "no").is_some(), done(&run, "after").is_some()), (None, true, true));
    assert_eq!(run.outcome(), Some(&Outcome::Succeeded));
}

#[test]
fn a_switch_takes_the_first_case_that_holds_or_else() {
    let cases = ["gold", "silver"].map(|it| Case { port: it.into(), equals: Binding::value(it) }).to_vec();
    let nodes = [
        hook(),
        ("which", NodeKind::Switch { value: Binding::expr("hook.level"), cases }),
        ("g", set("1")),
        ("s", set("2")),
        ("e", set("3")),
    ];
    let program = program(&nodes, &["hook -> which", "which.gold -> g", "which.silver -> s", "which.else -> e"]);
    for (level, expected) in [("gold", "g"), ("silver", "s"), ("tin", "e")] {
        let (_, run) = run(&program, json!({ "level": level }), &mut World::echo());
        let reached: Vec<_> = ["g", "s", "e"].into_iter().filter(|it| done(&run, it).is_some()).collect();
        assert_eq!(reached, [expected]);
    }
}

#[test]
fn a_missing_path_stops_the_step_and_is_named() {
    let program =
        program(&[hook(), ("a", action("find", [("email", Binding::expr("hook.contact.email"))].into()))], &["hook -> a"]);
    let mut world = World::echo();
    let (_, run) = run(&program, json!({ "contact": {} }), &mut world);
    let Some(Outcome::Failed(failure)) = run.outcome() else { panic!("{:?}", run.outcome()) };
    assert!(failure.title.contains("hook.contact.email"), "{failure}");
    assert_eq!((failure.kind, failure.at.as_str()), (FailureKind::Mapping, "input.email"));
    assert!(world.calls.is_empty());
}

#[test]
fn a_missing_path_may_be_skipped_or_given_a_default() {
    let input = [
        ("email", Binding::expr("hook.email").missing(Missing::Skip)),
        ("n", Binding::text("{{ hook.n }}").missing(Missing::Default(json!(7)))),
    ];
    let program = program(&[hook(), ("a", action("find", input.into()))], &["hook -> a"]);
    let (_, run) = run(&program, json!({}), &mut World::echo());
    assert_eq!(done(&run, "a"), Some(json!({ "n": 7 })));
}

#[test]
fn a_failure_goes_through_error_where_it_is_wired_and_ends_the_run_where_it_is_not() {
    let refuse = || World::new(|_| Conclusion::Failed(Failure::new(FailureKind::Refused, "No such order").status(400)));
    let nodes = [hook(), ("a", action("find", Mapping::default())), ("b", set("error.title")), ("c", set("a.status"))];
    let (_, handled) = run(&program(&nodes, &["hook -> a", "a.error -> b", "b -> c"]), json!({}), &mut refuse());
    assert_eq!(handled.outcome(), Some(&Outcome::Succeeded));
    assert_eq!(
        (done(&handled, "b"), done(&handled, "c")),
        (Some(json!({ "value": "No such order" })), Some(json!({ "value": 400 })))
    );
    let (_, failed) = run(&program(&nodes[..2], &["hook -> a"]), json!({}), &mut refuse());
    assert!(matches!(failed.outcome(), Some(Outcome::Failed(it)) if it.title == "No such order"));
}

#[test]
fn a_retry_waits_as_the_service_says_and_the_attempts_are_bounded() {
    let nodes = [hook(), ("a", action("find", Mapping::default()))];
    let program = program(&nodes, &["hook -> a"]);
    let mut world = World::new(|_| Conclusion::Retry {
        after: Some(Duration::from_secs(30)),
        failure: Failure::new(FailureKind::Service, "Busy"),
    });
    let (journal, run) = run(&program, json!({}), &mut world);
    assert_eq!(world.calls.len(), 4);
    assert!(matches!(run.outcome(), Some(Outcome::Failed(it)) if it.title == "Busy"));
    let waits: Vec<_> = journal
        .iter()
        .filter_map(|it| match it {
            Entry::StepFailed { retry_at, at, .. } => retry_at.map(|retry_at| retry_at.duration_since(*at)),
            _ => None,
        })
        .collect();
    assert_eq!(waits.len(), 3);
    assert!(waits.iter().all(|wait| *wait >= SignedDuration::from_secs(30)), "{waits:?}");
}

#[test]
fn backoff_grows_and_rate_limits_do_not_use_up_the_attempts() {
    let program = program(&[hook(), ("a", action("find", Mapping::default()))], &["hook -> a"]);
    let mut left = 10;
    let mut world = World::new(move |_| {
        left -= 1;
        let kind = if left > 0 { FailureKind::RateLimit } else { FailureKind::Network };
        Conclusion::Retry { after: None, failure: Failure::new(kind, "Not now") }
    });
    let (_, run) = run(&program, json!({}), &mut world);
    assert_eq!(world.calls.len(), 9 + 4, "nine limited ones, then the four that count");
    assert!(matches!(run.outcome(), Some(Outcome::Failed(_))));
}

#[test]
fn a_lost_call_is_repeated_looked_up_or_parked_as_its_operation_allows() {
    for (name, expected) in [("find", "again"), ("create", "looked up"), ("charge", "parked")] {
        let program = program(&[hook(), ("a", action(name, Mapping::default()))], &["hook -> a"]);
        let mut world = World::new(move |perform| match &perform.call {
            _ if perform.attempt == 1 => Conclusion::Lost(Failure::new(FailureKind::Timeout, "No answer")),
            Call::Operation { verify, .. } => Conclusion::Succeeded(Arc::new(json!({ "looked": verify.is_some() }))),
            _ => unreachable!("only operations here"),
        });
        let (_, run) = run(&program, json!({}), &mut world);
        let seen = match (run.parked_steps().as_slice(), done(&run, "a")) {
            ([(_, Park::Uncertain)], None) => "parked",
            ([], Some(output)) if output["looked"] == true => "looked up",
            ([], Some(_)) => "again",
            other => panic!("{other:?}"),
        };
        assert_eq!(seen, expected, "{name}");
    }
}

#[test]
fn a_service_that_broke_leaves_a_call_that_must_not_be_repeated_to_a_person() {
    let program = program(&[hook(), ("a", action("charge", Mapping::default()))], &["hook -> a"]);
    let mut world = World::new(|_| Conclusion::Broke(Failure::new(FailureKind::Service, "Internal error").status(500)));
    let (_, run) = run(&program, json!({}), &mut world);
    assert_eq!(world.calls.len(), 1);
    assert_eq!((run.outcome(), run.parked_steps()), (None, vec![(StepKey::new("a"), Park::Uncertain)]));
}

#[test]
fn a_wait_wakes_at_its_time_and_not_before() {
    let program = program(
        &[hook(), ("w", NodeKind::Wait(WaitFor::Duration(Binding::value("2 h")))), ("b", set("1"))],
        &["hook -> w", "w -> b"],
    );
    let mut run = Run::replay(RunId(1), program, &accepted(json!({})));
    let next = run.next(at(0), &|_| false);
    assert_eq!((next.wake, run.outcome()), (Some(at(7200)), None));
    assert!(run.next(at(7199), &|_| false).entries.is_empty());
    run.next(at(7200), &|_| false);
    assert_eq!(run.outcome(), Some(&Outcome::Succeeded));
}

fn for_each(parallel: u32, keep_going: bool) -> NodeKind {
    NodeKind::ForEach { items: Binding::expr("hook.list"), parallel, keep_going, collect: Some(Binding::expr("call.n")) }
}

#[test]
fn a_for_each_runs_its_body_for_every_item_and_collects_in_order() {
    for parallel in [1, 3, 50] {
        let nodes = [
            hook(),
            ("each", for_each(parallel, false)),
            ("call", action("find", [("n", Binding::expr("item * 10 + index"))].into())),
            ("end", set("each.results")),
        ];
        let program = program(&nodes, &["hook -> each", "each.item -> call", "each.done -> end"]);
        let mut world = World::echo();
        let (_, run) = run(&program, json!({ "list": [5, 6, 7] }), &mut world);
        assert_eq!(done(&run, "end"), Some(json!({ "value": [50, 61, 72] })), "{parallel}");
        assert_eq!(world.names(), ["call[0]", "call[1]", "call[2]"]);
    }
}

#[test]
fn an_empty_for_each_goes_straight_on() {
    let nodes = [hook(), ("each", for_each(2, false)), ("call", action("find", Mapping::default())), ("end", set("each.count"))];
    let program = program(&nodes, &["hook -> each", "each.item -> call", "each.done -> end"]);
    let (_, run) = run(&program, json!({ "list": [] }), &mut World::echo());
    assert_eq!((run.outcome(), done(&run, "end")), (Some(&Outcome::Succeeded), Some(json!({ "value": 0 }))));
}

#[test]
fn a_failing_item_ends_the_for_each_or_is_counted() {
    let refuse_second = || {
        World::new(|perform| match perform.step.item.0.as_slice() {
            [1] => Conclusion::Failed(Failure::new(FailureKind::Refused, "Bad item")),
            _ => Conclusion::Succeeded(Arc::new(input_of(&perform.call))),
        })
    };
    let nodes = |keep_going| {
        [
            hook(),
            ("each", for_each(1, keep_going)),
            ("call", action("find", [("n", Binding::expr("item"))].into())),
            ("end", set("each.failed")),
        ]
    };
    let wires = ["hook -> each", "each.item -> call", "each.done -> end"];
    let mut world = refuse_second();
    let (_, stopped) = run(&program(&nodes(false), &wires), json!({ "list": [1, 2, 3] }), &mut world);
    assert!(
        matches!(stopped.outcome(), Some(Outcome::Failed(it)) if it.title == "Bad item" && it.at == "item 2"),
        "{:?}",
        stopped.outcome()
    );
    assert_eq!(world.calls.len(), 2, "the third item never began");
    let (_, went_on) = run(&program(&nodes(true), &wires), json!({ "list": [1, 2, 3] }), &mut refuse_second());
    assert_eq!((went_on.outcome(), done(&went_on, "end")), (Some(&Outcome::Succeeded), Some(json!({ "value": 1 }))));
}

#[test]
fn for_eaches_nest_and_see_the_items_around_them() {
    let nodes = [
        hook(),
        (
            "outer",
            NodeKind::ForEach {
                items: Binding::expr("hook.rows"),
                parallel: 2,
                keep_going: false,
                collect: Some(Binding::expr("inner.results")),
            },
        ),
        (
            "inner",
            NodeKind::ForEach {
                items: Binding::expr("item.cells"),
                parallel: 2,
                keep_going: false,
                collect: Some(Binding::expr("one.n")),
            },
        ),
        ("one", action("find", [("n", Binding::expr("outer.item.base + item"))].into())),
    ];
    let program = program(&nodes, &["hook -> outer", "outer.item -> inner", "inner.item -> one"]);
    let rows = json!({ "rows": [{ "base": 10, "cells": [1, 2] }, { "base": 20, "cells": [] }, { "base": 30, "cells": [3] }] });
    let (_, run) = run(&program, rows, &mut World::echo());
    assert_eq!(done(&run, "outer").map(|it| it["results"].clone()), Some(json!([[11, 12], [], [33]])));
}

#[test]
fn a_long_for_each_is_written_in_pieces() {
    let each = NodeKind::ForEach { items: Binding::expr("hook.list"), parallel: 4, keep_going: false, collect: None };
    let program = program(&[hook(), ("each", each), ("s", set("item"))], &["hook -> each", "each.item -> s"]);
    let list: Vec<u32> = (0..5_000).collect();
    let mut run = Run::replay(RunId(1), program, &accepted(json!({ "list": list })));
    let mut most = 0;
    while run.outcome().is_none() {
        most = most.max(run.next(at(0), &|_| false).entries.len());
    }
    assert!(most < 300, "{most} entries at once");
    assert_eq!(done(&run, "each").map(|it| it["count"].clone()), Some(json!(5_000)));
}

#[test]
fn a_join_waits_for_all_or_goes_on_with_the_first() {
    for (mode, expected) in [(JoinMode::All, vec!["a", "b"]), (JoinMode::First, vec!["a"])] {
        let nodes = [
            hook(),
            ("a", action("find", Mapping::default())),
            ("b", action("find", Mapping::default())),
            ("j", NodeKind::Join { mode }),
            ("end", set("1")),
        ];
        let program = program(&nodes, &["hook -> a", "hook -> b", "a -> j", "b -> j", "j -> end"]);
        let mut run = Run::replay(RunId(1), program, &accepted(json!({})));
        let next = run.next(at(0), &|_| false);
        assert_eq!(next.calls.len(), 2, "both ways run side by side");
        let mut came = Vec::new();
        for name in ["a", "b"] {
            if done(&run, "end").is_some() {
                break;
            }
            run.conclude(&StepKey::new(name), Conclusion::Succeeded(Arc::new(json!({}))), at(1), 0.0);
            run.next(at(1), &|step| step.node.as_str() == "b");
            came.push(name);
        }
        assert_eq!(came, expected);
    }
}

#[test]
fn a_stop_ends_the_run_once_what_is_under_way_has_come_back() {
    let stop = NodeKind::Stop { outcome: StopOutcome::Failure, message: Some(Binding::text("No {{ hook.what }}")) };
    let nodes = [hook(), ("a", action("find", Mapping::default())), ("s", stop), ("b", set("1"))];
    let program = program(&nodes, &["hook -> a", "hook -> s", "a -> b"]);
    let mut run = Run::replay(RunId(1), program, &accepted(json!({ "what": "stock" })));
    run.next(at(0), &|_| false);
    assert_eq!(run.outcome(), None, "a call is under way");
    run.conclude(&StepKey::new("a"), Conclusion::Succeeded(Arc::new(json!({}))), at(1), 0.0);
    run.next(at(1), &|_| false);
    assert!(matches!(run.outcome(), Some(Outcome::Failed(it)) if it.title == "No stock"));
    assert_eq!(done(&run, "b"), None);
}

#[test]
fn a_muted_node_is_passed_through() {
    let mut flow = flow(&[hook(), ("a", action("charge", Mapping::default())), ("b", set("1"))], &["hook -> a", "a -> b"]);
    Arc::make_mut(flow.nodes.get_mut(&NodeId::from("a")).expect("it is there")).muted = true;
    let program = Arc::new(Program::compile(&flow, &catalog()).expect("a sound flow"));
    let mut world = World::echo();
    let (_, run) = run(&program, json!({}), &mut world);
    assert!(world.calls.is_empty());
    assert_eq!((run.outcome(), done(&run, "b").is_some()), (Some(&Outcome::Succeeded), true));
}

#[test]
fn a_muted_node_is_passed_through_however_broken_it_is() {
    let mut flow = flow(&[hook(), ("a", action("nothing", Mapping::default())), ("b", set("1"))], &["hook -> a", "a -> b"]);
    Arc::make_mut(flow.nodes.get_mut(&NodeId::from("a")).expect("it is there")).muted = true;
    let program = Arc::new(Program::compile(&flow, &catalog()).expect("a sound flow"));
    let (_, run) = run(&program, json!({}), &mut World::echo());
    assert_eq!((run.outcome(), done(&run, "b").is_some()), (Some(&Outcome::Succeeded), true));
}

#[test]
fn a_cancelled_run_ends_at_once_and_late_answers_change_nothing() {
    let program = program(&[hook(), ("a", action("find", Mapping::default())), ("b", set("1"))], &["hook -> a", "a -> b"]);
    let mut run = Run::replay(RunId(1), program, &accepted(json!({})));
    run.next(at(0), &|_| false);
    run.apply(&Entry::Cancelled { by: "a person".to_owned(), at: at(1) });
    run.next(at(1), &|_| true);
    assert_eq!(run.outcome(), Some(&Outcome::Cancelled));
    run.conclude(&StepKey::new("a"), Conclusion::Succeeded(Arc::new(json!({}))), at(2), 0.0);
    assert!(run.next(at(2), &|_| false).entries.is_empty());
}

#[test]
fn every_attempt_sends_what_the_first_one_sent() {
    let program = program(&[hook(), ("a", action("find", [("n", Binding::expr("now()"))].into()))], &["hook -> a"]);
    let inputs = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&inputs);
    let mut world = World::new(move |perform| {
        seen.lock().expect("not poisoned").push(input_of(&perform.call));
        match perform.attempt {
            1 | 2 => {
                Conclusion::Retry { after: Some(Duration::from_mins(1)), failure: Failure::new(FailureKind::Network, "Down") }
            }
            _ => Conclusion::Succeeded(Arc::new(Value::Null)),
        }
    });
    run(&program, json!({}), &mut world);
    let inputs = inputs.lock().expect("not poisoned");
    assert_eq!(inputs.len(), 3);
    assert!(inputs.windows(2).all(|pair| pair[0] == pair[1]), "{inputs:?}");
}

#[test]
fn a_flow_that_cannot_run_says_why() {
    let unknown = flow(&[hook(), ("a", action("nothing", Mapping::default()))], &["hook -> a"]);
    let failure = Program::compile(&unknown, &catalog()).expect_err("an unknown operation");
    assert!(failure.title.contains("shop.orders.nothing"), "{failure}");
    let broken = flow(&[hook(), ("a", set("1 +"))], &["hook -> a"]);
    assert_eq!(Program::compile(&broken, &catalog()).expect_err("an error in it").at, "fields.value");
    let circle = flow(&[hook(), ("a", set("1")), ("b", set("2"))], &["hook -> a", "a -> b", "b -> a"]);
    assert_eq!(Program::compile(&circle, &catalog()).expect_err("a circle").kind, FailureKind::Flow);
    let inside_out = flow(
        &[hook(), ("each", for_each(1, false)), ("call", set("1")), ("end", set("2"))],
        &["hook -> each", "each.item -> call", "each.done -> end", "call -> end"],
    );
    assert!(Program::compile(&inside_out, &catalog()).is_err());
    assert_eq!(PortId::out().as_str(), "out");
}

#[test]
fn every_look_up_that_ships_can_be_read() {
    let mut found = 0;
    for connector in Catalog::shipped().connectors() {
        for operation in connector.operations.values() {
            let Repeat::SafeWithLookup(lookup) = &operation.repeat else { continue };
            found += 1;
            let texts = lookup.input.values().chain([&lookup.found]);
            for text in texts {
                let expr = crate::expr::Expr::parse(text).unwrap_or_else(|error| panic!("{}: {text}: {error}", operation.id));
                let known = ["input", "answer", "started"];
                assert!(expr.references().iter().all(|it| known.contains(&it.root())), "{}: {text}", operation.id);
            }
        }
    }
    assert!(found > 5, "{found} operations with a look-up");
}
