//! What is found with the index of the search and without.
use std::fs;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;

const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

fn index(bench: &Bench) -> Indexed {
    bench.journal.reader().index(&mut |_| GO_ON).unwrap()
}

/// What a search tells of hits, and what it passed over by the index.
fn find(bench: &Bench, filter: &Filter, text: &str) -> (Vec<Hit>, Searched) {
    let mut hits = Vec::new();
    let searched = bench.journal.reader().search_in(filter, text, &mut |found| {
        if let Found::Hit(hit) = found {
            hits.push(*hit);
        }
        GO_ON
    });
    (hits, searched.unwrap())
}

fn scan(bench: &Bench, filter: &Filter, text: &str) -> (Vec<Hit>, Searched) {
    let mut hits = Vec::new();
    let searched = bench.journal.reader().scan(filter, text, &mut |found| {
        if let Found::Hit(hit) = found {
            hits.push(*hit);
        }
    });
    (hits, searched.unwrap())
}

/// The same runs, places and excerpts, and as many runs passed.
fn assert_same(bench: &Bench, filter: &Filter, text: &str) -> Searched {
    let (found, searched) = find(bench, filter, text);
    let (scanned, plain) = scan(bench, filter, text);
    assert_eq!(found, scanned, "{text:?}");
    assert_eq!((searched.runs, searched.reached), (plain.runs, plain.reached), "{text:?}");
    assert_eq!(plain.skipped, 0);
    searched
}

/// A run that is over, with these texts in it, each in another place.
fn whole(bench: &Bench, flow: &str, texts: &[&str]) -> RunId {
    let run = bench.begin(flow);
    let text = |at: usize| texts.get(at).copied().unwrap_or_default();
    let mut call = exchange("x", text(0));
    if let Some(it) = Arc::get_mut(&mut call.exchange) {
        it.request.url.push_str(text(1));
        it.request.body.text = text(2).to_owned();
    }
    let mut output = serde_json::Map::new();
    output.insert(text(3).to_owned(), json!([text(4), 80331, true]));
    let failure = Failure::new(FailureKind::NotFound, text(5)).detail(text(6));
    let entries = vec![succeeded("s", Value::Object(output)), logged(text(7)), finish(Outcome::Failed(failure))];
    bench.journal.append(Append { exchanges: vec![call], ..facts(run, entries) }).wait().unwrap();
    run
}

#[test]
fn the_index_leaves_out_what_does_not_have_the_text_and_nothing_else() {
    let bench = Bench::new();
    for at in 0..200 {
        whole(
            &bench,
            if at % 3 == 0 { "a" } else { "b" },
            &[&format!("body {}", at * 7919), "", "Straße", "", "", "", "", "quiet"],
        );
    }
    let done = index(&bench);
    assert_eq!((done.runs, done.left), (199, 0), "all but the block that more may come into");
    assert!(bench.journal.reader().index_size() > 0);
    let all = Filter { limit: 1000, ..Filter::default() };
    let nowhere = assert_same(&bench, &all, "no such thing");
    assert!(nowhere.skipped >= 190, "{nowhere:?}");
    let once = assert_same(&bench, &all, &format!("BODY {}", 101 * 7919));
    assert!(once.skipped > 150 && find(&bench, &all, &format!("body {}", 101 * 7919)).0.len() == 1, "{once:?}");
    assert_eq!(assert_same(&bench, &all, "STRAẞE").skipped, 0);
    // Two letters are too few to be in an index of three.
    assert_eq!(assert_same(&bench, &all, "ui").skipped, 0);
    for filter in [
        Filter { flow: Some(FlowId::from("a")), ..all.clone() },
        Filter { before: Some(RunId(77)), ..all.clone() },
        Filter { limit: 3, ..all },
        Filter { outcome: Some(OutcomeKind::Failed), limit: 50, ..Filter::default() },
    ] {
        for text in ["body 7919", "body", "quiet", "80331", "nothing", "step"] {
            assert_same(&bench, &filter, text);
        }
    }
}

#[test]
fn what_came_later_what_goes_on_and_what_was_removed_is_found_as_it_is() {
    let bench = Bench::with(Options { max_age: Some(SignedDuration::from_secs(1)), ..Options::default() });
    let all = Filter { limit: 1000, ..Filter::default() };
    for _ in 0..40 {
        whole(&bench, "a", &["early"]);
    }
    let open = bench.begin("a");
    for _ in 0..40 {
        whole(&bench, "a", &["early"]);
    }
    assert!(index(&bench).runs >= 70);
    bench.add(open, vec![logged("late word")]);
    assert_eq!(find(&bench, &all, "late word").0.len(), 1, "a run that is not over is looked through");
    bench.add(open, vec![logged("last word"), finish(Outcome::Succeeded)]);
    assert_eq!(find(&bench, &all, "last word").0.len(), 1, "and so is one that is over and not in the index");
    whole(&bench, "a", &["newest word"]);
    assert_eq!(find(&bench, &all, "newest word").0.len(), 1);
    assert_eq!(index(&bench).left, 0);
    assert!(assert_same(&bench, &all, "last word").skipped > 60);
    let rows = || {
        let db = Connection::open(bench.dir.path().join("search.db")).unwrap();
        let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        [count("SELECT count(*) FROM blocks"), count("SELECT count(*) FROM texts WHERE texts MATCH 'ear'")]
    };
    assert_eq!(rows(), [10, 10]);
    // All is older than a second, and goes; so does what the index has of it.
    assert_eq!(bench.journal.retain(at(1000)).unwrap().removed, 82);
    index(&bench);
    assert_eq!(rows(), [0, 0]);
    assert_eq!(assert_same(&bench, &all, "early").runs, 0);
}

#[test]
fn an_index_that_is_damaged_foreign_older_or_gone_is_made_anew_and_nothing_is_missed_meanwhile() {
    let bench = Bench::new();
    let all = Filter { limit: 1000, ..Filter::default() };
    for at in 0..200 {
        whole(&bench, "a", &[&format!("word {at}")]);
    }
    let file = bench.dir.path().join("search.db");
    let spoil: &[(&str, &dyn Fn())] = &[
        ("gone", &|| fs::remove_file(&file).unwrap()),
        ("empty", &|| fs::write(&file, "").unwrap()),
        ("no database", &|| fs::write(&file, "x".repeat(9000)).unwrap()),
        ("cut", &|| {
            let bytes = fs::read(&file).unwrap();
            fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("overwritten", &|| {
            let mut bytes = fs::read(&file).unwrap();
            bytes[4096..].fill(0x5a);
            fs::write(&file, bytes).unwrap();
        }),
        ("of another program", &|| {
            fs::remove_file(&file).unwrap();
            Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        }),
        ("without its table", &|| Connection::open(&file).unwrap().execute_batch("DROP TABLE blocks").unwrap()),
        ("of another version", &|| Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap()),
    ];
    for (name, spoil) in spoil {
        index(&bench);
        assert!(assert_same(&bench, &all, "word 17").skipped > 100, "{name}");
        for beside in ["search.db-wal", "search.db-shm"] {
            fs::remove_file(bench.dir.path().join(beside)).unwrap_or_default();
        }
        spoil();
        assert_same(&bench, &all, "word 17");
        assert!(index(&bench).runs > 190, "{name}");
        assert!(assert_same(&bench, &all, "word 17").skipped > 100, "{name}");
    }
}

#[test]
fn the_index_of_another_journal_in_the_same_place_is_not_believed() {
    let bench = Bench::new();
    for _ in 0..40 {
        whole(&bench, "a", &["theirs"]);
    }
    index(&bench);
    let Bench { journal, dir } = bench;
    drop(journal);
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        fs::remove_file(dir.path().join(name)).unwrap_or_default();
    }
    let bench = Bench { journal: Journal::open(dir.path(), Options::default()).unwrap(), dir };
    for at_ in 0..40 {
        let run = bench.journal.next_run_id();
        let mut new = accepted(run, "a", None);
        if let Some(head) = &mut new.new {
            head.accepted = at(5000 + at_);
        }
        bench.journal.append(new).wait().unwrap();
        bench.add(run, vec![logged("mine"), finish(Outcome::Succeeded)]);
    }
    assert_eq!(find(&bench, &Filter::default(), "mine").0.len(), 40);
}

#[test]
fn one_fills_the_index_at_a_time_and_ends_when_told() {
    let bench = Bench::new();
    for _ in 0..40 {
        whole(&bench, "a", &["word"]);
    }
    let reader = bench.journal.reader();
    let mut asked = 0;
    let done = reader.index(&mut |_| {
        asked += 1;
        assert_eq!(reader.index(&mut |_| GO_ON).unwrap(), Indexed::default(), "another is at it");
        ControlFlow::Break(())
    });
    assert!(asked == 1 && done.unwrap().runs > 0);
}

/// Texts that share much with one another, in several scripts.
fn words() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        "[aAbBß\u{1e9e}kK\u{212a}sſ0-2 \"\n\u{0}é日本-]{0,5}|straße|STRASSE|日本語|\\\\u00e9|\u{130}i",
        0..4,
    )
    .prop_map(|it| it.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_search_by_the_index_finds_what_a_search_through_everything_finds(
        runs in proptest::collection::vec((proptest::collection::vec(words(), 8), 0..8u8), 1..60),
        filled in 0..60usize,
        looked in proptest::collection::vec(words(), 1..12),
        (taken, from, length) in (0..60usize, 0..8usize, 1..12usize),
        limit in prop_oneof![Just(3usize), Just(1000)],
    ) {
        let bench = Bench::new();
        for (at, (texts, kind)) in runs.iter().enumerate() {
            if at == filled {
                index(&bench);
            }
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            // One in eight is still under way.
            if *kind == 0 { bench.add(bench.begin("b"), vec![logged(texts[0])]); } else { whole(&bench, "a", &texts); }
        }
        index(&bench);
        // Besides texts by chance, a part of one that is there.
        let source: Vec<char> = runs[taken % runs.len()].0.concat().chars().collect();
        let part: String = source.iter().skip(from).take(length).collect();
        for text in looked.iter().chain([&part]).filter(|it| !it.is_empty()) {
            for flow in [None, Some(FlowId::from("a"))] {
                assert_same(&bench, &Filter { flow, limit, ..Filter::default() }, text);
            }
        }
    }
}
