//! A crash after every entry, and what must hold after it.
use super::*;

/// Three steps, the middle one in a for-each, with a branch and a wait between.
fn busy_program(operation: &str) -> Arc<Program> {
    let nodes = [
        hook(),
        ("first", action("find", [("email", Binding::expr("hook.email"))].into())),
        ("ask", NodeKind::Branch { condition: Binding::expr("first.email") }),
        (
            "each",
            NodeKind::ForEach {
                items: Binding::expr("hook.list"),
                parallel: 2,
                keep_going: false,
                collect: Some(Binding::expr("inside.n")),
            },
        ),
        ("inside", action(operation, [("n", Binding::expr("item"))].into())),
        ("pause", NodeKind::Wait(WaitFor::Duration(Binding::value("1 h")))),
        ("last", action("find", [("n", Binding::expr("each.results | sum"))].into())),
    ];
    program(
        &nodes,
        &["hook -> first", "first -> ask", "ask.true -> each", "each.item -> inside", "each.done -> pause", "pause -> last"],
    )
}

fn busy_event() -> Value {
    json!({ "email": "a@example.com", "list": [1, 2, 3] })
}

#[test]
fn a_crash_after_any_entry_changes_nothing_when_calls_may_be_repeated() {
    let program = busy_program("find");
    let (whole, _) = run(&program, busy_event(), &mut World::echo());
    assert!(whole.len() > 15, "{}", whole.len());
    for crash_after in 1..=whole.len() {
        let mut journal = accepted(busy_event());
        let mut world = World::echo();
        drive(&mut journal, &program, &mut world, crash_after);
        let finished: Vec<_> =
            journal.iter().filter(|it| matches!(it, Entry::StepSucceeded { .. })).filter_map(|it| it.step().cloned()).collect();
        let before = world.calls.len();
        let run = drive(&mut journal, &program, &mut world, usize::MAX);
        assert_eq!(run.outcome(), Some(&Outcome::Succeeded), "crash after {crash_after}");
        assert_eq!(done(&run, "last"), Some(json!({ "n": 6 })), "crash after {crash_after}");
        for (name, _) in &world.calls[before..] {
            assert!(
                !finished.iter().any(|step| step.to_string() == *name),
                "crash after {crash_after}: {name} was finished and ran again"
            );
        }
        let mut names: Vec<_> = world.names();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names, ["first", "inside[0]", "inside[1]", "inside[2]", "last"], "crash after {crash_after}: none lost");
    }
}

#[test]
fn a_crash_never_repeats_a_call_that_must_not_be_repeated() {
    let program = busy_program("charge");
    let (whole, _) = run(&program, busy_event(), &mut World::echo());
    let mut parked_somewhere = false;
    for crash_after in 1..=whole.len() {
        let mut journal = accepted(busy_event());
        let mut world = World::echo();
        drive(&mut journal, &program, &mut world, crash_after);
        let run = drive(&mut journal, &program, &mut world, usize::MAX);
        let mut inside: Vec<_> = world.names().into_iter().filter(|name| name.starts_with("inside")).collect();
        let all = inside.len();
        inside.sort_unstable();
        inside.dedup();
        assert_eq!(all, inside.len(), "crash after {crash_after}: sent twice");
        if run.outcome().is_none() {
            parked_somewhere = true;
            assert!(run.parked_steps().iter().all(|(_, on)| *on == Park::Uncertain));
            assert!(run.parked() > 0, "crash after {crash_after}: neither ended nor parked");
        }
    }
    assert!(parked_somewhere);
}

#[test]
fn a_crash_before_a_call_with_a_look_up_looks_first() {
    let program = busy_program("create");
    let (whole, _) = run(&program, busy_event(), &mut World::echo());
    for crash_after in 1..=whole.len() {
        let mut journal = accepted(busy_event());
        drive(&mut journal, &program, &mut World::echo(), crash_after);
        let cut_short: Vec<StepKey> = journal
            .iter()
            .filter_map(|it| match it {
                Entry::StepStarted { step, .. } if step.node.as_str() == "inside" => Some(step.clone()),
                _ => None,
            })
            .filter(|step| !journal.iter().any(|it| matches!(it, Entry::StepSucceeded { step: done, .. } if done == step)))
            .collect();
        let mut world = World::new(move |perform| {
            if let Call::Operation { verify, .. } = &perform.call
                && perform.step.node.as_str() == "inside"
            {
                assert_eq!(verify.is_some(), cut_short.contains(&perform.step), "{}", perform.step);
            }
            Conclusion::Succeeded(Arc::new(input_of(&perform.call)))
        });
        let run = drive(&mut journal, &program, &mut world, usize::MAX);
        assert_eq!(run.outcome(), Some(&Outcome::Succeeded));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any number of crashes at any places leads to the same end as none.
    #[test]
    fn many_crashes_lead_to_the_same_end(crashes in proptest::collection::vec(1_usize..30, 0..6), size in 0_u32..12) {
        let program = busy_program("find");
        let event = json!({ "email": "a@example.com", "list": (0..size).collect::<Vec<_>>() });
        let (_, plain) = run(&program, event.clone(), &mut World::echo());
        let mut journal = accepted(event);
        let mut world = World::echo();
        let mut cut = 0;
        for crash in crashes {
            cut += crash;
            drive(&mut journal, &program, &mut world, cut);
        }
        let run = drive(&mut journal, &program, &mut world, usize::MAX);
        prop_assert_eq!(run.outcome(), plain.outcome());
        prop_assert_eq!(done(&run, "last"), done(&plain, "last"));
    }

    /// What was decided is folded in, so the same question asked again decides nothing new.
    #[test]
    fn asking_twice_decides_once(cut in 1_usize..25) {
        let program = busy_program("find");
        let mut journal = accepted(busy_event());
        drive(&mut journal, &program, &mut World::echo(), cut);
        let mut run = Run::replay(RunId(1), program, &journal);
        let now = journal.last().map_or_else(|| at(0), Entry::at);
        let first = run.next(now, &|_| false);
        let flights: Vec<_> = first.calls.iter().map(|it| it.step.clone()).collect();
        let second = run.next(now, &|step| flights.contains(step));
        prop_assert!(second.entries.is_empty() && second.calls.is_empty());
        prop_assert_eq!(first.wake, second.wake);
    }

    /// An entry survives being written down.
    #[test]
    fn entries_round_trip(cut in 1_usize..40) {
        let mut journal = accepted(busy_event());
        drive(&mut journal, &busy_program("create"), &mut World::echo(), cut);
        let text = serde_json::to_string(&journal).expect("entries are JSON");
        prop_assert_eq!(serde_json::from_str::<Vec<Entry>>(&text).expect("and back"), journal);
    }
}
