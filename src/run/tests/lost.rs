//! A call that may have happened is looked up until a look-up has said so, whatever comes between.
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::flow::Mapping;
use crate::record::{Failure, FailureKind};

/// A crash within a call, after which the attempts end so, one after the other; and whether each of them looked first.
fn after_a_crash(operation: &str, conclusions: Vec<Conclusion>) -> (Vec<Entry>, Run, Vec<bool>) {
    let program = program(&[hook(), ("a", action(operation, Mapping::default()))], &["hook -> a"]);
    let mut journal = accepted(json!({}));
    // The crash comes once the call has left.
    drive(&mut journal, &program, &mut World::echo(), 2);
    assert!(matches!(journal.last(), Some(Entry::StepStarted { .. })));
    let looked = Arc::new(Mutex::new(Vec::new()));
    let (seen, mut conclusions) = (Arc::clone(&looked), conclusions.into_iter());
    let mut world = World::new(move |perform| {
        let Call::Operation { verify, .. } = &perform.call else { unreachable!("only operations here") };
        seen.lock().expect("not poisoned").push(verify.is_some());
        conclusions.next().unwrap_or_else(|| Conclusion::Succeeded(Arc::new(Value::Null)))
    });
    let mut run = drive(&mut journal, &program, &mut world, usize::MAX);
    // A person signs in again, or closes the breaker.
    for (step, on) in run.parked_steps() {
        if on != Park::Uncertain {
            journal.extend(run.release(&step, Release::Repeat, at(1_000)));
            run = drive(&mut journal, &program, &mut world, usize::MAX);
        }
    }
    let looked = looked.lock().expect("not poisoned").clone();
    (journal, run, looked)
}

fn failure(kind: FailureKind) -> Failure {
    Failure::new(kind, "Not now")
}

#[test]
fn a_look_up_that_could_not_be_made_comes_again_before_the_call() {
    let limited = Conclusion::Retry { after: None, failure: failure(FailureKind::RateLimit) };
    let unreached = Conclusion::Retry { after: None, failure: failure(FailureKind::Network) };
    let resting =
        Conclusion::Breaker { connection: "shop".to_owned(), until: Some(at(60)), failure: failure(FailureKind::Breaker) };
    let stopped = Conclusion::Breaker { connection: "shop".to_owned(), until: None, failure: failure(FailureKind::Breaker) };
    let signed_out = Conclusion::SignIn { connection: "shop".to_owned(), failure: failure(FailureKind::SignIn) };
    for first in [limited, unreached, resting, stopped, signed_out] {
        let words = format!("{first:?}");
        let (_, run, looked) = after_a_crash("create", vec![first]);
        assert_eq!(looked, [true, true], "{words}");
        assert_eq!(run.outcome(), Some(&Outcome::Succeeded), "{words}");
    }
}

#[test]
fn nobody_looks_before_the_service_has_had_its_time() {
    let program = program(&[hook(), ("a", action("create", Mapping::default()))], &["hook -> a"]);
    let mut journal = accepted(json!({}));
    drive(&mut journal, &program, &mut World::echo(), 2);
    let (began, settled) = (at(0), at(Run::SETTLE.as_secs()));

    // After a crash, however soon the process is back.
    let mut run = Run::replay(RunId(1), Arc::clone(&program), &journal);
    let next = run.next(began, &|_| false);
    assert!(next.entries.is_empty() && next.calls.is_empty(), "{next:?}");
    assert_eq!(next.wake, Some(settled));
    assert_eq!(run.next(settled, &|_| false).calls.len(), 1);
    // A clock that was set back does not hold it up.
    let mut run = Run::replay(RunId(1), Arc::clone(&program), &journal);
    assert_eq!(run.next(at(-86_400), &|_| false).calls.len(), 1);

    // After an answer that was lost on the way; one that says that the service broke was not.
    for (conclusion, earliest) in [
        (Conclusion::Lost(failure(FailureKind::Network)), Some(settled)),
        (Conclusion::Broke(failure(FailureKind::Service)), None),
    ] {
        let mut run = Run::replay(RunId(1), Arc::clone(&program), &journal);
        let entry = run.conclude(&StepKey::new("a"), conclusion, began, 0.0);
        let Some(Entry::StepFailed { retry_at: Some(retry_at), lost: true, .. }) = entry else { panic!("{entry:?}") };
        assert_eq!(retry_at, earliest.unwrap_or(began));
    }
}

#[test]
fn a_crash_within_a_crash_changes_nothing_of_that() {
    let program = program(&[hook(), ("a", action("create", Mapping::default()))], &["hook -> a"]);
    let mut journal = accepted(json!({}));
    for kept in [2, 3, 4] {
        drive(&mut journal, &program, &mut World::echo(), kept);
    }
    let started = journal.iter().filter(|it| matches!(it, Entry::StepStarted { .. })).count();
    assert_eq!(started, 3, "{journal:?}");
    let mut run = Run::replay(RunId(1), program, &journal);
    let conclusion = Conclusion::Retry { after: None, failure: failure(FailureKind::Network) };
    run.conclude(&StepKey::new("a"), conclusion, at(1), 0.0);
    let next = run.next(at(1_000), &|_| false);
    let [Perform { call: Call::Operation { verify: Some(_), .. }, attempt: 4, .. }] = &next.calls[..] else {
        panic!("{:?}", next.calls);
    };
}

#[test]
fn a_look_up_that_cannot_be_made_at_all_leaves_it_to_a_person() {
    let unreached = || Conclusion::Retry { after: None, failure: failure(FailureKind::Network) };
    let (journal, run, looked) = after_a_crash("create", (0..10).map(|_| unreached()).collect());
    assert!(looked.len() > 1 && looked.iter().all(|it| *it), "{looked:?}");
    assert_eq!((run.outcome(), run.parked_steps()), (None, vec![(StepKey::new("a"), Park::Uncertain)]), "{journal:?}");
    // One that certainly did not happen has failed, and so has one of which it does not matter.
    let program = program(&[hook(), ("a", action("create", Mapping::default()))], &["hook -> a"]);
    let (_, run) = self::run(&program, json!({}), &mut World::new(move |_| unreached()));
    assert!(matches!(run.outcome(), Some(Outcome::Failed(_))), "{:?}", run.outcome());
    let (_, run, _) = after_a_crash("find", (0..10).map(|_| unreached()).collect());
    assert!(matches!(run.outcome(), Some(Outcome::Failed(_))), "{:?}", run.outcome());
}
