//! Opening, and why it cannot be done.
use std::io::Write as _;

use super::*;

#[test]
fn a_second_one_is_told_who_has_it_open() {
    let bench = Bench::new();
    let error = Journal::open(bench.dir.path(), Options::default()).unwrap_err();
    let pid = Some(std::process::id());
    assert_eq!(error, JournalError::InUse { dir: bench.dir.path().to_owned(), pid });
    let failure = Failure::from(error);
    assert_eq!(failure.kind, FailureKind::Machine);
    let words = format!("in use by another Flowyard (process {})", std::process::id());
    assert!(failure.title.starts_with("The data directory") && failure.title.ends_with(&words), "{failure}");
    bench.journal.close();
    drop(Journal::open(bench.dir.path(), Options::default()).unwrap());
}

#[test]
fn one_may_read_while_another_writes_and_after_it_is_closed() {
    let bench = Bench::new();
    let reader = Journal::open_reader(bench.dir.path()).unwrap();
    let run = bench.begin("a");
    assert_eq!(reader.unfinished().unwrap(), [run]);
    bench.finished("a", Outcome::Succeeded);
    assert_eq!(reader.runs(&Filter::default()).unwrap().len(), 2);
    bench.journal.close();
    drop(reader);
    assert_eq!(Journal::open_reader(bench.dir.path()).unwrap().runs(&Filter::default()).unwrap().len(), 2);
}

#[test]
fn there_is_nothing_to_read_where_nothing_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let missing = JournalError::Missing { dir: dir.path().to_owned() };
    assert_eq!(Journal::open_reader(dir.path()).unwrap_err(), missing);
    assert_eq!(Journal::open_reader(&dir.path().join("not/there")).unwrap_err().hint(), missing.hint());
    fs::write(schema::path(dir.path()), "").unwrap();
    assert_eq!(Journal::open_reader(dir.path()).unwrap_err(), missing);
}

#[test]
fn a_directory_that_is_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let inside = file.join("data");
    let error = Journal::open(&inside, Options::default()).unwrap_err();
    assert!(matches!(&error, JournalError::Directory { dir, .. } if *dir == inside), "{error}");
    let error = Journal::open(&file, Options::default()).unwrap_err();
    assert!(error.to_string().ends_with("cannot be used: there is a file of that name"), "{error}");
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert_eq!(JournalError::directory(&file, &denied), JournalError::ReadOnly { path: file });
}

#[test]
fn a_directory_is_made_with_its_parents() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("a/b");
    let journal = Journal::open(&deep, Options::default()).unwrap();
    assert!(journal.size().unwrap() > 0);
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = schema::path(dir.path());
    fs::write(&path, "Dear diary, ".repeat(1000)).unwrap();
    let error = Journal::open(dir.path(), Options::default()).unwrap_err();
    assert!(matches!(&error, JournalError::Damaged { path: at, .. } if *at == path), "{error}");
    assert!(error.to_string().ends_with("is damaged: file is not a database"), "{error}");
    assert!(error.hint().contains("backup"));
    assert_eq!(Journal::open_reader(dir.path()).unwrap_err(), error);
    assert_eq!(fs::read_to_string(&path).unwrap().len(), 12_000);
}

#[test]
fn what_is_no_file_is_no_journal_and_nobody_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = schema::path(dir.path());
    fs::create_dir(&path).unwrap();
    let foreign = JournalError::Foreign { path: path.clone() };
    assert_eq!(Journal::open(dir.path(), Options::default()).unwrap_err(), foreign);
    assert_eq!(Journal::open_reader(dir.path()).unwrap_err(), foreign);
    #[cfg(unix)]
    {
        fs::remove_dir(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert_eq!(Journal::open(dir.path(), Options::default()).unwrap_err(), foreign);
        assert_eq!(Journal::open_reader(dir.path()).unwrap_err(), foreign);
    }
}

#[test]
fn a_newer_journal_and_a_stranger_are_left_alone() {
    let bench = Bench::new();
    bench.journal.close();
    let path = schema::path(bench.dir.path());
    bench.stranger().execute_batch("PRAGMA user_version = 99").unwrap();
    let newer = Journal::open(bench.dir.path(), Options::default()).unwrap_err();
    assert!(matches!(newer, JournalError::Newer { found: 99, .. }), "{newer}");
    assert_eq!(Journal::open_reader(bench.dir.path()).unwrap_err(), newer);
    bench.stranger().execute_batch("PRAGMA application_id = 7").unwrap();
    assert_eq!(Journal::open(bench.dir.path(), Options::default()).unwrap_err(), JournalError::Foreign { path });
}

#[test]
fn damage_anywhere_in_the_file_is_an_error_or_harmless_and_never_a_panic() {
    let bench = Bench::new();
    for n in 0..60 {
        let run = bench.finished("a", Outcome::Succeeded);
        let append =
            Append { exchanges: vec![exchange("a", &format!("{n} bottles ").repeat(100))], ..facts(run, vec![logged("more")]) };
        bench.journal.append(append).wait().unwrap();
    }
    bench.journal.close();
    let path = schema::path(bench.dir.path());
    let whole = fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(11);
    let mut errors = 0;
    for round in 0..120 {
        let mut bytes = whole.clone();
        if round % 4 == 0 {
            bytes.truncate(random.usize(100..whole.len()));
        } else {
            let at = random.usize(0..whole.len());
            let end = (at + random.usize(1..3000)).min(whole.len());
            bytes[at..end].iter_mut().for_each(|it| *it = random.u8(..));
        }
        fs::write(&path, &bytes).unwrap();
        errors += usize::from(use_all(bench.dir.path()).is_err());
    }
    assert!(errors > 60, "{errors}");
    fs::write(&path, &whole).unwrap();
    use_all(bench.dir.path()).unwrap();
}

fn use_all(dir: &Path) -> Result<(), JournalError> {
    let journal = Journal::open(dir, Options::default())?;
    for head in journal.runs(&Filter::default())? {
        journal.entries(head.id)?;
        journal.exchanges(head.id)?;
    }
    journal.search("not there", 10, &mut |_| {})?;
    let run = journal.next_run_id();
    journal.append(accepted(run, "b", Some("d"))).wait()?;
    journal.append(facts(run, vec![finish(Outcome::Succeeded)])).wait()?;
    match journal.reader().check()?.first() {
        Some(detail) => Err(JournalError::Damaged { path: dir.to_owned(), detail: detail.clone() }),
        None => Ok(()),
    }
}

#[test]
fn a_directory_that_may_only_be_read_is_read_unless_facts_would_be_missed() {
    let bench = Bench::new();
    let run = bench.begin("a");
    let path = schema::path(bench.dir.path());
    assert_eq!(schema::connect_fixed(&path).unwrap_err(), JournalError::ReadOnly { path: path.clone() });
    bench.journal.close();
    let db = schema::connect_fixed(&path).unwrap();
    let found: i64 = db.query_row("SELECT id FROM runs", [], |row| row.get(0)).unwrap();
    assert_eq!(found as u64, run.0);
}

/// What the fixture was made of, with version 1.
fn fill(journal: &Journal) {
    let wait = |append| journal.append(append).wait().unwrap();
    journal.save_revision(&Revision("0f".repeat(32).into()), &"{\"flow\":1}".repeat(100)).unwrap();
    journal.put_state("poll", "contacts", &json!({"after": 7})).wait().unwrap();
    wait(accepted(RunId(1), "a", Some("d1")));
    let large = "{\"name\":\"Ada\"}".repeat(100);
    let entries = vec![succeeded("a", json!({"text": large})), finish(Outcome::Succeeded)];
    wait(Append { exchanges: vec![exchange("a", &large), exchange("b", "")], ..facts(RunId(1), entries) });
    wait(accepted(RunId(2), "a", None));
    wait(facts(RunId(2), vec![logged("line"), finish(failed())]));
    wait(accepted(RunId(3), "b", None));
    wait(facts(RunId(3), vec![Entry::StepParked { step: StepKey::new("c"), on: Park::SignIn("crm".to_owned()), at: at(5) }]));
}

#[test]
fn a_journal_of_version_1_is_read_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let packed = include_bytes!("version1.db.zst");
    let bytes = zstd::bulk::decompress(packed, 1 << 20).unwrap();
    fs::File::create(schema::path(dir.path())).unwrap().write_all(&bytes).unwrap();
    let old = Journal::open(dir.path(), Options::default()).unwrap();
    let new = Bench::new();
    fill(&new.journal);
    for run in (1..=3).map(RunId) {
        assert_eq!(old.stored(run).unwrap().unwrap(), new.journal.stored(run).unwrap().unwrap());
        assert_eq!(old.exchanges(run).unwrap(), new.journal.exchanges(run).unwrap());
    }
    let revision = Revision("0f".repeat(32).into());
    assert_eq!(old.revision(&revision).unwrap(), new.journal.revision(&revision).unwrap());
    assert_eq!(old.state("poll", "contacts").unwrap(), Some(json!({"after": 7})));
    assert_eq!(old.append(accepted(RunId(9), "a", Some("d1"))).wait(), Err(JournalError::Duplicate { run: RunId(1) }));
    assert_eq!(old.next_run_id(), RunId(4));
    old.append(facts(RunId(3), vec![finish(Outcome::Cancelled)])).wait().unwrap();
    assert_eq!(old.unfinished().unwrap(), []);
    assert_eq!(old.reader().check().unwrap(), Vec::<String>::new());
}
