//! Flows that start from files and rows: each once, whatever is renamed, replaced, cut or written while nobody runs.
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flowyard::engine::{self, Event, Handle, Mode};
use flowyard::flow::{Binding, Each, Flow, Level, NodeKind, Trigger, Watched};
use flowyard::run::{Entry, Via};
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::support::engine::{listening, settings};
use crate::support::flows::flow;

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

fn watching(path: &Path, each: Each, names: &str, all: bool) -> Flow {
    let watched = Watched { path: path.display().to_string(), each, names: names.to_owned(), all };
    let trigger = NodeKind::Trigger(Trigger::File { watched, sample: Value::Null });
    let say = NodeKind::Log { level: Level::Info, message: Binding::text("It is there") };
    flow("f", &[("t", trigger), ("say", say)], &["t -> say"])
}

struct Stand {
    engine: Handle,
    events: broadcast::Receiver<Event>,
}

impl Stand {
    async fn start(data: &Path, flow: &Flow) -> Self {
        let engine = engine::start(settings(data, Mode::Live)).await.expect("an engine");
        let events = engine.events();
        engine.deploy(listening(flow)).wait().await.expect("an answer").expect("a sound flow");
        Self { engine, events }
    }

    /// What the next run gets, or what is in trouble before it.
    async fn next(&mut self) -> Value {
        let next = async {
            loop {
                // Looks follow one another without a pause.
                self.engine.look();
                match self.events.recv().await.expect("events") {
                    Event::Journaled { entries, .. } => {
                        if let Some(Entry::Accepted { payload, cause, .. }) = entries.first() {
                            assert_eq!(cause.via, Via::File);
                            return Value::clone(payload);
                        }
                    }
                    Event::Trouble(failure) => return json!(failure.title),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("nothing happens")
    }

    /// The names of the people in the next so many rows.
    async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            let given = self.next().await;
            names.push(given["row"]["name"].as_str().unwrap_or_else(|| panic!("{given}")).to_owned());
        }
        names
    }

    /// Until what is there was looked at: a file that tells so is there before the engine, and `all` takes it.
    async fn end(self) {
        self.engine.stop().wait().await;
    }
}

fn add(path: &Path, text: &str) {
    OpenOptions::new().append(true).create(true).open(path).expect("a file").write_all(text.as_bytes()).expect("it is written");
}

/// A folder for files, one for the engine's data.
fn places() -> (tempfile::TempDir, tempfile::TempDir) {
    (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_file_that_appears_starts_a_run_once_also_over_a_restart_and_one_that_is_renamed_none() {
    let (folder, data) = places();
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(at("first.txt"), "Hello").expect("a file");
    fs::write(at("note.md"), "not this").expect("a file");
    let flow = watching(folder.path(), Each::File, "*.txt", true);
    let mut stand = Stand::start(data.path(), &flow).await;
    let first = stand.next().await;
    let keys: Vec<&str> = first.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["bytes", "modified", "name", "path", "text"]);
    assert_eq!((&first["name"], &first["bytes"], &first["text"]), (&json!("first.txt"), &json!(5), &json!("Hello")));
    assert_eq!(first["path"], at("first.txt").display().to_string());
    // Another name for what is known, and more in it, are no new files; what is hidden or half loaded is none.
    fs::rename(at("first.txt"), at("second.txt")).expect("renamed");
    fs::write(at(".hidden.txt"), "").expect("a file");
    fs::write(at("third.txt.part"), "ha").expect("a file");
    fs::write(at("third.txt"), "half").expect("a file");
    assert_eq!(stand.next().await["name"], "third.txt");
    add(&at("second.txt"), " again");
    stand.end().await;
    // While nobody looks one comes, and one takes the place of another.
    fs::write(at("fourth.txt"), [0xff, 0, 1]).expect("a file");
    let mut stand = Stand::start(data.path(), &flow).await;
    let fourth = stand.next().await;
    assert_eq!((&fourth["name"], &fourth["text"]), (&json!("fourth.txt"), &Value::Null));
    fs::write(at("other"), "new").expect("a file");
    fs::rename(at("other"), at("third.txt")).expect("renamed");
    assert_eq!(stand.next().await["text"], "new");
    fs::remove_file(at("fourth.txt")).expect("removed");
    fs::write(at("fifth.txt"), "x").expect("a file");
    assert_eq!(stand.next().await["name"], "fifth.txt");
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_in_a_folder_before_starts_nothing_unless_somebody_wants_it() {
    let (folder, data) = places();
    fs::write(folder.path().join("old.txt"), "old").expect("a file");
    let flow = watching(folder.path(), Each::File, "", false);
    let stand = Stand::start(data.path(), &flow).await;
    // Known, once it is written down.
    let known = async {
        let reader = flowyard::journal::Journal::open_reader(data.path()).expect("a journal");
        while reader.states("file:f/t").expect("it can be read").len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.expect("it is looked at");
    stand.end().await;
    fs::write(folder.path().join("new.txt"), "new").expect("a file");
    let mut stand = Stand::start(data.path(), &flow).await;
    assert_eq!(stand.next().await["name"], "new.txt");
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_that_is_added_starts_a_run_once_and_half_a_row_waits() {
    let (folder, data) = places();
    let table = folder.path().join("people.csv");
    fs::write(&table, "\u{feff}name;mail;\r\nAnn;ann@x.example;1\r\n\"Bo \"\"B\"\"\nSmith\";;\r\n").expect("a file");
    let flow = watching(&table, Each::Row, "", true);
    let mut stand = Stand::start(data.path(), &flow).await;
    let ann = stand.next().await;
    assert_eq!(ann["row"], json!({ "name": "Ann", "mail": "ann@x.example", "column 3": "1" }));
    assert_eq!((&ann["number"], &ann["file"]), (&json!(1), &json!("people.csv")));
    assert_eq!(stand.names(1).await, ["Bo \"B\"\nSmith"]);
    add(&table, "Cy;cy@x.exam");
    stand.engine.look();
    add(&table, "ple;\r\n\r\nDi;;\r\n");
    let cy = stand.next().await;
    assert_eq!((&cy["row"]["mail"], &cy["number"]), (&json!("cy@x.example"), &json!(3)));
    assert_eq!(stand.names(1).await, ["Di"]);
    stand.end().await;
    // The same person once more is another row; and nobody looks meanwhile.
    add(&table, "Ann;ann@x.example;1\r\nEd;;\r\n");
    let mut stand = Stand::start(data.path(), &flow).await;
    assert_eq!(stand.names(2).await, ["Ann", "Ed"]);
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_written_anew_gives_what_is_new_in_it_and_one_that_is_emptied_begins_again() {
    let (folder, data) = places();
    let table = folder.path().join("people.csv");
    fs::write(&table, "name\nAnn\nBo\nBo\n").expect("a file");
    let flow = watching(&table, Each::Row, "", true);
    let mut stand = Stand::start(data.path(), &flow).await;
    assert_eq!(stand.names(3).await, ["Ann", "Bo", "Bo"]);
    // Sorted, a row put in and one taken out, as another program saves it: in place, and in another's place.
    fs::write(&table, "name\nAl\nAnn\nBo\nBo\nBo\n").expect("a file");
    assert_eq!(stand.names(2).await, ["Al", "Bo"]);
    let beside = folder.path().join("beside");
    fs::write(&beside, "name\nBo\nBo\nZoe\n").expect("a file");
    fs::rename(&beside, &table).expect("renamed");
    assert_eq!(stand.names(1).await, ["Zoe"]);
    stand.end().await;
    // Rotated while nobody looks: moved away, and begun anew with other columns.
    fs::rename(&table, folder.path().join("people.1.csv")).expect("renamed");
    fs::write(&table, "id,name\n1,Al\n").expect("a file");
    let mut stand = Stand::start(data.path(), &flow).await;
    assert_eq!(stand.next().await["row"], json!({ "id": "1", "name": "Al" }));
    fs::write(&table, "id,name\n").expect("a file");
    add(&table, "1,Al\n2,Bo\n");
    assert_eq!(stand.names(1).await, ["Bo"], "what stood in it at the last look is known");
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_not_there_yet_gives_all_its_rows_and_one_in_another_encoding_says_so() {
    let (folder, data) = places();
    let table = folder.path().join("people.csv");
    let flow = watching(&table, Each::Row, "", false);
    let mut stand = Stand::start(data.path(), &flow).await;
    let told = stand.next().await;
    assert!(told.as_str().is_some_and(|it| it.contains("people.csv cannot be watched: it is not there")), "{told}");
    fs::write(&table, "name\nAnn\n").expect("a file");
    assert_eq!(stand.names(1).await, ["Ann"]);
    OpenOptions::new().append(true).open(&table).expect("a file").write_all(b"M\xfcller\n").expect("it is written");
    let told = stand.next().await;
    assert!(told.as_str().is_some_and(|it| it.contains("older encoding, such as Latin-1")), "{told}");
    // Saved as it should be, and then read on.
    fs::write(&table, "name\nAnn\nM\u{fc}ller\n").expect("a file");
    assert_eq!(stand.names(1).await, ["M\u{fc}ller"]);
    stand.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_there_already_start_nothing_unless_somebody_wants_them_and_thousands_are_told_apart() {
    let (folder, data) = places();
    let table = folder.path().join("people.csv");
    let rows: String = (0..9_000).flat_map(|it| ["p".to_owned(), it.to_string(), ",x\n".to_owned()]).collect();
    fs::write(&table, format!("name,b\n{rows}")).expect("a file");
    let flow = watching(&table, Each::Row, "", false);
    let stand = Stand::start(data.path(), &flow).await;
    let known = async {
        let reader = flowyard::journal::Journal::open_reader(data.path()).expect("a journal");
        while reader.state("file:f/t", "").expect("it can be read").is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.expect("it is looked at");
    stand.end().await;
    // One put in at the beginning, which moves all others.
    fs::write(&table, format!("name,b\nAnn,x\n{rows}")).expect("a file");
    let mut stand = Stand::start(data.path(), &flow).await;
    assert_eq!(stand.names(1).await, ["Ann"]);
    add(&table, "Bo,x\n");
    assert_eq!(stand.names(1).await, ["Bo"]);
    stand.end().await;
}

/// The most memory that this process has had, in MiB, so that what a test read into it shows.
#[cfg(target_os = "linux")]
fn most_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|it| it.starts_with("VmHWM:")).expect("it is told");
    line.split_whitespace().nth(1).and_then(|it| it.parse::<u64>().ok()).expect("a number") >> 10
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_and_a_table_of_a_gigabyte_are_not_read_into_memory() {
    for each in [Each::File, Each::Row] {
        let (folder, data) = places();
        let path = folder.path().join("large.csv");
        add(&path, "name;mail\nAnn;ann@x.example\n");
        OpenOptions::new().write(true).open(&path).expect("a file").set_len(1 << 30).expect("it has room");
        let watched = if each == Each::File { folder.path() } else { path.as_path() };
        let before = most_memory();
        let mut stand = Stand::start(data.path(), &watching(watched, each, "", true)).await;
        let given = stand.next().await;
        match each {
            Each::File => assert_eq!((&given["bytes"], &given["text"]), (&json!(1 << 30), &Value::Null)),
            // What follows its first rows is no text, which is told.
            Each::Row => assert!(given.as_str().is_some_and(|it| it.contains("cannot be read")), "{given}"),
        }
        // Another look finds nothing new in it.
        if each == Each::File {
            fs::write(folder.path().join("next.txt"), "x").expect("a file");
            assert_eq!(stand.next().await["name"], "next.txt");
        }
        stand.end().await;
        let more = most_memory() - before;
        assert!(more < 128, "{more} MiB more than the {before} before it");
    }
}
