//! Heads, lists, and what is kept beside the runs.
use std::ops::ControlFlow;

use super::*;

#[test]
fn a_head_tells_how_the_run_went() {
    let bench = Bench::new();
    let run = bench.begin("a");
    let before = bench.journal.run(run).unwrap().unwrap();
    assert_eq!((before.state(), before.outcome.clone(), before.accepted), (RunState::Running, None, at(1)));
    bench.add(run, vec![succeeded("a", json!(1)), step_failed("b")]);
    bench.add(run, vec![Entry::StepParked { step: StepKey::new("c"), on: Park::Uncertain, at: at(5) }]);
    assert_eq!(bench.journal.run(run).unwrap().unwrap().state(), RunState::Parked);
    // The next process counts on where this one ended.
    let bench = bench.again();
    bench.add(run, vec![Entry::StepReleased { step: StepKey::new("c"), release: Release::Repeat, at: at(6) }]);
    assert_eq!(bench.journal.run(run).unwrap().unwrap().state(), RunState::Running);
    bench.add(run, vec![succeeded("c", json!(2)), finish(failed())]);
    let after = bench.journal.run(run).unwrap().unwrap();
    assert_eq!((after.steps, after.failures, after.parked), (3, 1, 0));
    assert_eq!((after.finished, after.outcome.clone(), after.state()), (Some(at(100)), Some(failed()), RunState::Finished));
    assert!(after.has_failure());
    assert_eq!(bench.journal.unfinished().unwrap(), []);
}

#[test]
fn a_run_that_ends_in_its_first_append_is_finished() {
    let bench = Bench::new();
    let mut append = accepted(RunId(1), "a", None);
    append.entries.extend([succeeded("a", json!(1)), finish(Outcome::Succeeded)]);
    append.exchanges.push(exchange("a", "{}"));
    bench.journal.append(append.clone()).wait().unwrap();
    let stored = bench.journal.stored(RunId(1)).unwrap().unwrap();
    assert_eq!((stored.head.state(), stored.head.steps), (RunState::Finished, 1));
    assert_eq!(stored.entries, append.entries);
    assert_eq!(bench.journal.exchanges(RunId(1)).unwrap(), append.exchanges);
}

#[test]
fn long_words_are_cut_in_the_head_and_whole_in_the_entries() {
    let bench = Bench::new();
    let run = bench.begin("a");
    let outcome = Outcome::Failed(Failure::new(FailureKind::Refused, "No").detail("ü".repeat(5000)));
    bench.add(run, vec![finish(outcome.clone())]);
    let Some(Outcome::Failed(short)) = bench.journal.run(run).unwrap().unwrap().outcome else { panic!("it failed") };
    assert_eq!(short.detail, format!("{}…", "ü".repeat(300)));
    assert!(matches!(&bench.journal.entries(run).unwrap()[1], Entry::Finished { outcome: whole, .. } if *whole == outcome));
}

#[test]
fn lists_are_narrowed_and_paged() {
    let bench = Bench::new();
    for n in 0..30 {
        let flow = if n % 3 == 0 { "a" } else { "b" };
        match n % 5 {
            0 => bench.begin(flow),
            1 => bench.finished(flow, failed()),
            2 => bench.finished(flow, Outcome::Cancelled),
            _ => bench.finished(flow, Outcome::Succeeded),
        };
    }
    bench
        .add(RunId(6), vec![Entry::StepParked { step: StepKey::new("c"), on: Park::Approval("Send it?".to_owned()), at: at(5) }]);
    let all = Filter { limit: 7, ..Filter::default() };
    let mut pages = Vec::new();
    let mut page = bench.ids(&all);
    while let Some(last) = page.last() {
        let before = Some(RunId(*last));
        pages.extend(page);
        page = bench.ids(&Filter { before, ..all.clone() });
    }
    assert_eq!(pages, (1..=30).rev().collect::<Vec<_>>());
    let wanted = |keep: &dyn Fn(u64) -> bool| (1..=30).rev().filter(|it| keep(*it)).collect::<Vec<u64>>();
    let n = |run: u64| run - 1;
    let of_a = Filter { flow: Some(FlowId::from("a")), ..Filter::default() };
    let ended = |outcome| Filter { outcome: Some(outcome), ..Filter::default() };
    assert_eq!(bench.ids(&of_a), wanted(&|it| n(it) % 3 == 0));
    assert_eq!(bench.ids(&Filter { flow: of_a.flow, ..ended(OutcomeKind::Failed) }), wanted(&|it| n(it) % 15 == 6));
    assert_eq!(bench.ids(&ended(OutcomeKind::Failed)), wanted(&|it| n(it) % 5 == 1));
    assert_eq!(bench.ids(&ended(OutcomeKind::Succeeded)), wanted(&|it| n(it) % 5 > 2));
    let state = |state| bench.ids(&Filter { state: Some(state), ..Filter::default() });
    assert_eq!(state(RunState::Finished), wanted(&|it| n(it) % 5 != 0));
    assert_eq!(state(RunState::Running), wanted(&|it| n(it) % 5 == 0 && it != 6));
    assert_eq!(state(RunState::Parked), [6]);
    let between = Filter { since: Some(at(10)), until: Some(at(13)), ..Filter::default() };
    assert_eq!(bench.ids(&between), [12, 11, 10]);
    assert_eq!(bench.ids(&Filter { flow: Some(FlowId::from("none")), ..Filter::default() }), Vec::<u64>::new());
}

#[test]
fn a_sub_flow_knows_who_called_it() {
    let bench = Bench::new();
    let parent = bench.begin("a");
    let mut append = accepted(RunId(2), "b", None);
    let step = StepKey { node: NodeId::from("each"), item: crate::run::ItemPath(vec![3, 1]) };
    if let Some(new) = &mut append.new {
        new.parent = Some((parent, step.clone()));
        new.mode = Mode::Live;
    }
    bench.journal.append(append).wait().unwrap();
    let head = bench.journal.run(RunId(2)).unwrap().unwrap();
    assert_eq!((head.parent, head.mode), (Some((parent, step)), Mode::Live));
}

#[test]
fn exchanges_are_read_whole_or_without_bodies_or_for_one_step() {
    let bench = Bench::new();
    let run = bench.begin("a");
    let large = "{\"name\":\"Ada\"}".repeat(1000);
    for (step, body) in [("a", "{}"), ("b", &*large), ("a", "")] {
        let append = Append { exchanges: vec![exchange(step, body), exchange("x", body)], ..facts(run, vec![]) };
        bench.journal.append(append).wait().unwrap();
    }
    let all = bench.journal.exchanges(run).unwrap();
    assert_eq!(all.len(), 6);
    assert_eq!(all[2], exchange("b", &large));
    let heads = bench.journal.exchange_heads(run).unwrap();
    assert_eq!(heads[2].exchange.request.body, Body { text: String::new(), size: large.len() as u64, cut: false });
    assert_eq!(heads[2].exchange.request.url, all[2].exchange.request.url);
    let of_a = bench.journal.step_exchanges(run, &StepKey::new("a")).unwrap();
    assert_eq!(of_a, [exchange("a", "{}"), exchange("a", "")]);
    assert_eq!(bench.journal.entries(run).unwrap().len(), 1);
}

#[test]
fn a_long_run_is_read_in_parts_and_left_early() {
    let bench = Bench::new();
    let run = bench.begin("a");
    let sent: Vec<Commit> = (0..1000).map(|n| bench.journal.append(facts(run, vec![logged(&n.to_string())]))).collect();
    for commit in sent {
        commit.wait().unwrap();
    }
    let mut seen = 0;
    let count = |entry: Entry, seen: &mut usize| {
        *seen += 1;
        if matches!(entry, Entry::Logged { message, .. } if message == "700") {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    bench.journal.reader().each_entry(run, &mut |entry| count(entry, &mut seen)).unwrap();
    assert_eq!(seen, 702);
}

#[test]
fn revisions_and_states_are_kept() {
    let bench = Bench::new();
    let revision = |text: &str| Revision(text.into());
    let document = "{\"nodes\": []}".repeat(200);
    bench.journal.save_revision(&revision("aa"), &document).unwrap();
    bench.journal.save_revision(&revision("aa"), &document).unwrap();
    bench.journal.put_state("poll", "contacts", &json!({"after": 7})).wait().unwrap();
    bench.journal.put_state("poll", "contacts", &json!({"after": 8})).wait().unwrap();
    bench.journal.put_state("other", "contacts", &json!(1)).wait().unwrap();
    bench.journal.put_state("poll", "tasks", &json!("t")).wait().unwrap();
    bench.journal.put_state("other", "contacts", &json!(null)).wait().unwrap();
    let bench = bench.again();
    assert_eq!(bench.journal.revision(&revision("aa")).unwrap(), Some(document));
    assert_eq!(bench.journal.revision(&revision("bb")).unwrap(), None);
    assert_eq!(bench.journal.state("poll", "contacts").unwrap(), Some(json!({"after": 8})));
    assert_eq!(bench.journal.state("other", "contacts").unwrap(), None, "null takes it away");
    let all = bench.journal.reader().states("poll").unwrap();
    assert_eq!(all, [("contacts".to_owned(), json!({"after": 8})), ("tasks".to_owned(), json!("t"))]);
    assert_eq!(bench.journal.state("poll", "none").unwrap(), None);
}

#[test]
fn ids_grow_also_over_restarts() {
    let bench = Bench::new();
    assert_eq!(bench.journal.next_run_id(), RunId(1));
    bench.begin("a");
    bench.begin("a");
    let bench = bench.again();
    assert_eq!(bench.journal.next_run_id(), RunId(4));
}

#[test]
fn all_numbers_of_a_list_are_given_at_once_and_so_are_the_flows() {
    let bench = Bench::new();
    for n in 0..12 {
        let flow = if n % 3 == 0 { "a" } else { "b" };
        if n % 4 == 0 {
            bench.begin(flow)
        } else {
            bench.finished(flow, failed())
        };
    }
    let all = Filter { limit: usize::MAX, ..Filter::default() };
    let reader = bench.journal.reader();
    let numbers = |filter: &Filter| reader.ids(filter).unwrap().iter().map(|it| it.0).collect::<Vec<_>>();
    assert_eq!(numbers(&all), (1..=12).rev().collect::<Vec<_>>());
    for filter in [
        Filter { flow: Some(FlowId::from("a")), ..all.clone() },
        Filter { outcome: Some(OutcomeKind::Failed), ..all.clone() },
        Filter { state: Some(RunState::Running), before: Some(RunId(9)), ..all.clone() },
        Filter { flow: Some(FlowId::from("nobody")), ..all },
        Filter { limit: 5, ..Filter::default() },
    ] {
        assert_eq!(numbers(&filter), bench.ids(&filter), "{filter:?}");
    }
    let flows = reader.flows().unwrap();
    let flows: Vec<(&str, &str)> = flows.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    assert_eq!(flows, [("a", "Flow a"), ("b", "Flow b")]);
}
