//! A disk without room.
use super::*;

/// Does not compress.
fn noise(random: &mut fastrand::Rng, bytes: usize) -> Entry {
    logged(&std::iter::repeat_with(|| random.alphanumeric()).take(bytes).collect::<String>())
}

#[test]
fn a_full_disk_is_an_error_nothing_acknowledged_is_lost_and_it_goes_on_once_there_is_room() {
    let mut random = fastrand::Rng::with_seed(3);
    let options = Options { hard_bytes: Some(400_000), max_bytes: 300_000, keep_recent: 2, ..Options::default() };
    let bench = Bench::with(options.clone());
    let mut whole = Vec::new();
    let path = schema::path(bench.dir.path());
    loop {
        let run = bench.journal.next_run_id();
        let entry = noise(&mut random, 5000);
        match bench.journal.append(accepted(run, "a", None)).wait() {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error, JournalError::Full { path });
                assert_eq!(bench.journal.run(run).unwrap(), None);
                break;
            }
        }
        match bench.journal.append(facts(run, vec![entry.clone(), finish(Outcome::Succeeded)])).wait() {
            Ok(()) => whole.push((run, entry)),
            Err(error) => {
                assert_eq!(error, JournalError::Full { path });
                let failure = Failure::from(error);
                assert!(failure.title.starts_with("There is no room left on the disk"), "{failure}");
                assert!(failure.hint.starts_with("Free some space"), "{failure}");
                assert_eq!(bench.journal.entries(run).unwrap().len(), 1);
                break;
            }
        }
    }
    assert!(whole.len() > 40, "{}", whole.len());
    let bench = bench.again_with(options);
    for (run, entry) in &whole {
        assert_eq!(bench.journal.entries(*run).unwrap()[1], *entry);
    }
    let retained = bench.journal.retain(at(0)).unwrap();
    assert!(retained.removed > 0 && !retained.is_over, "{retained:?}");
    let run = bench.begin("a");
    bench.add(run, vec![noise(&mut random, 5000), finish(Outcome::Succeeded)]);
    assert_eq!(bench.journal.reader().check().unwrap(), Vec::<String>::new());
}

#[test]
fn one_that_finds_no_room_does_not_take_others_with_it_and_none_of_its_run_follows() {
    let mut random = fastrand::Rng::with_seed(4);
    let bench = Bench::with(Options { hard_bytes: Some(400_000), ..Options::default() });
    let (one, two) = (bench.begin("a"), bench.begin("a"));
    let other = bench.stranger();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let huge = bench.journal.append(facts(one, vec![noise(&mut random, 2_000_000)]));
    let follower = bench.journal.append(facts(one, vec![logged("after it")]));
    let innocent = bench.journal.append(facts(two, vec![logged("of another run")]));
    other.execute_batch("ROLLBACK").unwrap();
    let full = Err(JournalError::Full { path: schema::path(bench.dir.path()) });
    assert_eq!((huge.wait(), follower.wait(), innocent.wait()), (full.clone(), full, Ok(())));
    // Whoever knows of the failure may go on.
    bench.add(one, vec![logged("instead of it")]);
    assert_eq!(bench.journal.entries(one).unwrap()[1..], [logged("instead of it")]);
    assert_eq!(bench.journal.entries(two).unwrap()[1..], [logged("of another run")]);
}
