//! What goes and what stays.
use super::*;

const LARGE: usize = 20_000;

fn small(keep_recent: u32) -> Options {
    Options { max_bytes: 1_000_000, keep_recent, ..Options::default() }
}

/// Runs of some size that end as told; every fifth fails.
fn fill(bench: &Bench, runs: u64, random: &mut fastrand::Rng) {
    for n in 0..runs {
        let run = bench.begin("a");
        let noise: String = std::iter::repeat_with(|| random.alphanumeric()).take(LARGE).collect();
        let outcome = if n % 5 == 0 { failed() } else { Outcome::Succeeded };
        bench.add(run, vec![logged(&noise), finish(outcome)]);
    }
}

fn ids(bench: &Bench) -> Vec<u64> {
    let mut ids = bench.ids(&Filter { limit: 1000, ..Filter::default() });
    ids.reverse();
    ids
}

#[test]
fn the_oldest_go_first_and_failures_stay_longest() {
    let bench = Bench::with(small(5));
    let mut random = fastrand::Rng::with_seed(5);
    fill(&bench, 100, &mut random);
    let before = bench.journal.size().unwrap();
    let retained = bench.journal.retain(at(0)).unwrap();
    assert!(!retained.is_over && retained.size <= 1_000_000 && before > 2_000_000, "{retained:?}, {before}");
    let left = ids(&bench);
    assert_eq!(left.len() as u64 + retained.removed, 100);
    // Of those that went well the newest, and every failure.
    let (failed, well): (Vec<u64>, Vec<u64>) = left.iter().partition(|it| *it % 5 == 1);
    assert_eq!(failed, (1..=100).filter(|it| it % 5 == 1).collect::<Vec<_>>());
    assert!(well.len() > 10, "{well:?}");
    let oldest = well[0];
    assert_eq!(well, (oldest..=100).filter(|it| it % 5 != 1).collect::<Vec<_>>());
    assert_eq!(bench.journal.reader().check().unwrap(), Vec::<String>::new());
}

#[test]
fn old_failures_go_before_the_recent_runs() {
    let bench = Bench::with(Options { max_bytes: 400_000, ..small(12) });
    let mut random = fastrand::Rng::with_seed(6);
    fill(&bench, 100, &mut random);
    bench.journal.retain(at(0)).unwrap();
    let left = ids(&bench);
    assert!(left.ends_with(&(89..=100).collect::<Vec<_>>()), "{left:?}");
    let older: Vec<u64> = left.iter().copied().filter(|it| *it < 89).collect();
    assert!(older.iter().all(|it| it % 5 == 1), "{older:?}");
    assert!(!older.contains(&1), "{older:?}");
}

#[test]
fn unfinished_runs_and_what_they_may_still_ask_for_always_stay() {
    let bench = Bench::with(Options { max_bytes: 50_000, ..small(0) });
    let mut random = fastrand::Rng::with_seed(7);
    let parent = bench.begin("a");
    bench.add(parent, vec![logged(&"x".repeat(LARGE))]);
    let mut child = accepted(bench.journal.next_run_id(), "b", None);
    if let Some(new) = &mut child.new {
        new.parent = Some((parent, StepKey::new("call")));
    }
    let child_id = child.run;
    child.entries.push(finish(Outcome::Succeeded));
    bench.journal.append(child).wait().unwrap();
    fill(&bench, 20, &mut random);
    let retained = bench.journal.retain(at(0)).unwrap();
    assert_eq!(retained.removed, 20);
    assert_eq!(ids(&bench), [parent.0, child_id.0]);
    bench.add(parent, vec![finish(Outcome::Succeeded)]);
    assert_eq!(bench.journal.retain(at(0)).unwrap().removed, 2);
    assert_eq!(ids(&bench), Vec::<u64>::new());
    // No id comes twice, though the runs that had them are gone.
    let bench = bench.again();
    assert_eq!(bench.journal.next_run_id(), RunId(23));
}

#[test]
fn a_run_with_very_many_facts_is_removed_in_parts() {
    let bench = Bench::with(Options { max_bytes: 200_000, ..small(0) });
    let run = bench.begin("a");
    let sent: Vec<Commit> = (0..5000).map(|n| bench.journal.append(facts(run, vec![logged(&n.to_string())]))).collect();
    for commit in sent {
        commit.wait().unwrap();
    }
    bench.add(run, vec![finish(Outcome::Succeeded)]);
    let retained = bench.journal.retain(at(0)).unwrap();
    assert_eq!((retained.removed, bench.journal.entries(run).unwrap().len()), (1, 0));
    let unknown = bench.journal.append(facts(run, vec![logged("late")])).wait();
    assert_eq!(unknown, Err(JournalError::Unknown { run }));
}

#[test]
fn what_an_earlier_process_left_half_removed_is_removed() {
    let bench = Bench::new();
    let (one, two) = (bench.begin("a"), bench.begin("a"));
    let db = bench.stranger();
    db.execute_batch("DELETE FROM runs WHERE id = 1; INSERT INTO marks VALUES ('removing', 1);").unwrap();
    assert_eq!(bench.journal.retain(at(0)).unwrap().removed, 0);
    assert_eq!(bench.journal.entries(one).unwrap(), []);
    assert_eq!(bench.journal.entries(two).unwrap().len(), 1);
    let marks: i64 = db.query_row("SELECT count(*) FROM marks WHERE name = 'removing'", [], |row| row.get(0)).unwrap();
    assert_eq!(marks, 0);
}

#[test]
fn what_ended_long_ago_goes_whatever_the_size() {
    let bench = Bench::with(Options { max_age: Some(SignedDuration::from_hours(1)), ..Options::default() });
    let old = bench.finished("a", failed());
    let run = bench.begin("a");
    bench.add(run, vec![Entry::Finished { outcome: Outcome::Succeeded, at: at(3000) }]);
    assert_eq!(bench.journal.retain(at(3701)).unwrap().removed, 1);
    assert_eq!(bench.journal.run(old).unwrap(), None);
    assert_eq!(ids(&bench), [run.0]);
}

#[test]
fn appends_go_on_while_runs_are_removed() {
    let bench = Bench::with(small(5));
    fill(&bench, 100, &mut fastrand::Rng::with_seed(8));
    thread::scope(|scope| {
        let retaining = scope.spawn(|| bench.journal.retain(at(0)).unwrap());
        for _ in 0..50 {
            bench.finished("b", Outcome::Succeeded);
        }
        assert!(retaining.join().unwrap().removed > 40);
    });
    let of_b = Filter { flow: Some(FlowId::from("b")), ..Filter::default() };
    assert_eq!(bench.ids(&of_b).len(), 50);
}

#[test]
fn revisions_that_nothing_needs_are_forgotten() {
    let bench = Bench::new();
    let revision = |text: &str| Revision(text.repeat(32).into());
    for text in ["0f", "aa", "bb"] {
        bench.journal.save_revision(&revision(text), "{}").unwrap();
    }
    // A run of revision 0f.
    bench.begin("a");
    assert_eq!(bench.journal.forget_revisions(&[revision("aa")]).unwrap(), 1);
    let left = ["0f", "aa", "bb"].map(|it| bench.journal.revision(&revision(it)).unwrap().is_some());
    assert_eq!(left, [true, true, false]);
}
