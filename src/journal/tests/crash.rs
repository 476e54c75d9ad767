//! A power cut: the files as they are at some moment, and nothing else.
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// The file and its log as a power cut at this moment could leave them. A reader holds the log's start meanwhile, since copying
/// takes longer than a power cut.
fn cut(bench: &Bench, into: &Path, torn: &[u8]) {
    let holder = bench.stranger();
    holder.execute_batch("BEGIN; SELECT count(*) FROM runs;").unwrap();
    let file = schema::path(bench.dir.path());
    fs::copy(&file, schema::path(into)).unwrap();
    let mut log = fs::read(schema::log_path(&file)).unwrap();
    log.extend(torn);
    fs::write(schema::log_path(&schema::path(into)), log).unwrap();
}

#[test]
fn whatever_was_acknowledged_before_a_power_cut_is_there_after_it() {
    let bench = Bench::new();
    let stop = AtomicBool::new(false);
    let acknowledged: Mutex<Vec<(RunId, usize)>> = Mutex::new(Vec::new());
    let mut random = fastrand::Rng::with_seed(9);
    thread::scope(|scope| {
        for seed in 0..4 {
            let (bench, stop, acknowledged) = (&bench, &stop, &acknowledged);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                while !stop.load(Ordering::Relaxed) {
                    let run = bench.begin("a");
                    acknowledged.lock().unwrap().push((run, 1));
                    for n in 2..=random.usize(2..6) {
                        let noise: String = std::iter::repeat_with(|| random.alphanumeric()).take(6000).collect();
                        bench.add(run, vec![logged(&noise)]);
                        acknowledged.lock().unwrap().push((run, n));
                    }
                }
            });
        }
        for round in 0..12 {
            let wanted = 150 * (round + 1) + random.usize(0..150);
            while acknowledged.lock().unwrap().len() < wanted {
                thread::yield_now();
            }
            let before = acknowledged.lock().unwrap().clone();
            let copy = tempfile::tempdir().unwrap();
            let torn: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(if round % 2 == 0 { 0 } else { 3000 }).collect();
            cut(&bench, copy.path(), &torn);
            let journal = Journal::open(copy.path(), Options::default()).unwrap();
            assert_eq!(journal.reader().check().unwrap(), Vec::<String>::new());
            for (run, entries) in before {
                let found = journal.entries(run).unwrap().len();
                assert!(found >= entries, "run {run}: {found} of {entries}");
            }
            let next = journal.next_run_id();
            assert_eq!(journal.run(next).unwrap(), None);
            journal.append(accepted(next, "b", None)).wait().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn each_append_is_there_whole_or_not_at_all_wherever_the_log_ends() {
    let bench = Bench::new();
    let run = bench.begin("a");
    for n in 0..40 {
        bench.add(run, vec![logged(&n.to_string()), logged(&"x".repeat(n * 10))]);
    }
    let mut random = fastrand::Rng::with_seed(10);
    let copy = tempfile::tempdir().unwrap();
    let mut counts = std::collections::BTreeSet::new();
    for _ in 0..40 {
        cut(&bench, copy.path(), &[]);
        let log = schema::log_path(&schema::path(copy.path()));
        let length = fs::metadata(&log).unwrap().len();
        fs::File::options().write(true).open(&log).unwrap().set_len(random.u64(..=length)).unwrap();
        let Ok(reader) = Journal::open(copy.path(), Options::default()) else { panic!("a torn log is no damage") };
        let entries = reader.entries(run).unwrap();
        assert!(entries.is_empty() || entries.len() % 2 == 1, "{}", entries.len());
        counts.insert(entries.len());
    }
    assert!(counts.len() > 10, "{counts:?}");
}
