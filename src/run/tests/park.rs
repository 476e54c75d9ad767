//! Steps that wait for a person, and how they go on.
use super::*;

#[test]
fn sign_in_parks_and_a_release_repeats_the_same_call() {
    let program = program(&[hook(), ("a", action("charge", [("email", Binding::expr("hook.email"))].into()))], &["hook -> a"]);
    let mut signed_in = false;
    let mut world = World::new(move |perform| {
        if std::mem::replace(&mut signed_in, true) {
            Conclusion::Succeeded(Arc::new(input_of(&perform.call)))
        } else {
            Conclusion::SignIn { connection: "shop-1".to_owned(), failure: Failure::new(FailureKind::SignIn, "Signed out") }
        }
    });
    let (mut journal, mut parked) = run(&program, json!({ "email": "a@example.com" }), &mut world);
    assert_eq!(parked.parked(), 1);
    assert_eq!(parked.parked_steps(), [(StepKey::new("a"), Park::SignIn("shop-1".to_owned()))]);
    journal.extend(parked.release(&StepKey::new("a"), Release::Repeat, at(60)));
    let run = drive(&mut journal, &program, &mut world, usize::MAX);
    assert_eq!((run.outcome(), run.parked()), (Some(&Outcome::Succeeded), 0));
    assert_eq!(done(&run, "a"), Some(json!({ "email": "a@example.com" })));
}

#[test]
fn a_person_may_say_that_an_uncertain_call_happened_or_failed() {
    let lost = || World::new(|_| Conclusion::Lost(Failure::new(FailureKind::Network, "Cut")));
    let program = program(&[hook(), ("a", action("charge", Mapping::default())), ("b", set("a.id"))], &["hook -> a", "a -> b"]);
    let (mut journal, mut parked) = run(&program, json!({}), &mut lost());
    journal.extend(parked.release(&StepKey::new("a"), Release::Done(Arc::new(json!({ "id": "x1" }))), at(60)));
    let finished = drive(&mut journal, &program, &mut lost(), usize::MAX);
    assert_eq!(done(&finished, "b"), Some(json!({ "value": "x1" })));

    let (mut journal, mut parked) = run(&program, json!({}), &mut lost());
    journal.extend(parked.release(&StepKey::new("a"), Release::Fail, at(60)));
    let failed = drive(&mut journal, &program, &mut lost(), usize::MAX);
    assert!(matches!(failed.outcome(), Some(Outcome::Failed(it)) if it.kind == FailureKind::Stopped));
    assert_eq!(parked.release(&StepKey::new("a"), Release::Fail, at(61)), None, "only what is parked can be released");
}

fn approval() -> NodeKind {
    NodeKind::Approval { message: Binding::text("Charge {{ hook.n }}?") }
}

/// `hook -> ask`, then `yes` or `no`.
fn asking() -> Arc<Program> {
    let nodes = [hook(), ("ask", approval()), ("yes", action("charge", Mapping::default())), ("no", set("1"))];
    program(&nodes, &["hook -> ask", "ask.approved -> yes", "ask.declined -> no"])
}

#[test]
fn an_approval_waits_for_a_person_and_both_answers_have_their_way() {
    for (release, way, other) in [(Release::Approve, "yes", "no"), (Release::Decline, "no", "yes")] {
        let program = asking();
        let mut world = World::echo();
        let (mut journal, run) = run(&program, json!({ "n": 5 }), &mut world);
        let question = Park::Approval("Charge 5?".to_owned());
        assert_eq!((run.outcome(), run.parked_steps()), (None, vec![(StepKey::new("ask"), question)]));
        assert!(world.calls.is_empty(), "nothing goes on before the answer");
        let mut run = Run::replay(RunId(1), Arc::clone(&program), &journal);
        for wrong in [Release::Repeat, Release::Done(Arc::new(json!(1)))] {
            assert_eq!(run.release(&StepKey::new("ask"), wrong, at(60)), None, "that is no answer to the question");
        }
        journal.extend(run.release(&StepKey::new("ask"), release.clone(), at(60)));
        assert_eq!(run.parked(), 0);
        let ended = drive(&mut journal, &program, &mut world, usize::MAX);
        assert_eq!(ended.outcome(), Some(&Outcome::Succeeded));
        assert_eq!(done(&ended, "ask"), Some(json!(release == Release::Approve)));
        assert!(done(&ended, way).is_some() && done(&ended, other).is_none(), "{release:?}");
    }
}

#[test]
fn an_approval_may_be_marked_as_failed_and_nothing_else_can_be_approved() {
    let program = asking();
    let (mut journal, _) = run(&program, json!({ "n": 5 }), &mut World::echo());
    let mut asked = Run::replay(RunId(1), Arc::clone(&program), &journal);
    journal.extend(asked.release(&StepKey::new("ask"), Release::Fail, at(60)));
    let ended = drive(&mut journal, &program, &mut World::echo(), usize::MAX);
    assert!(matches!(ended.outcome(), Some(Outcome::Failed(failure)) if failure.title.contains("ask")));

    let program = self::program(&[hook(), ("a", action("charge", Mapping::default()))], &["hook -> a"]);
    let lost = |_: &Perform| Conclusion::Lost(Failure::new(FailureKind::Uncertain, "no answer"));
    let (_, mut uncertain) = run(&program, json!({}), &mut World::new(lost));
    for answer in [Release::Approve, Release::Decline] {
        assert_eq!(uncertain.release(&StepKey::new("a"), answer, at(60)), None);
    }
}

#[test]
fn an_approval_that_a_crash_interrupts_asks_once() {
    let program = asking();
    let (whole, _) = run(&program, json!({ "n": 5 }), &mut World::echo());
    for crash_after in 1..=whole.len() {
        let mut journal = accepted(json!({ "n": 5 }));
        drive(&mut journal, &program, &mut World::echo(), crash_after);
        let run = drive(&mut journal, &program, &mut World::echo(), usize::MAX);
        let asked = journal.iter().filter(|it| matches!(it, Entry::StepParked { .. })).count();
        assert_eq!((asked, run.parked()), (1, 1), "crash after {crash_after}");
    }
}
