//! Data directories that cannot be used: every verb that needs one says why, in words, with its exit code; nothing hangs, what
//! is there stays as it is, and what was accepted is not lost.
use std::fs;

use serde_json::{Value, json};

use crate::support::binary::{Home, request};
use crate::support::files::{listening, setting};

/// The verbs that write, and those that only read.
const WRITING: [&[&str]; 3] = [
    &["run", "a.flowyard", "--sandbox"],
    &["serve", "hook.flowyard", "--sandbox", "--listen", "127.0.0.1:0"],
    &["release", "1", "--fail"],
];
const READING: [&[&str]; 4] = [&["log", "list"], &["log", "show", "1"], &["log", "search", "x"], &["log", "export"]];

/// With two flows, and with a data directory `good` that one run is in.
fn home() -> Home {
    let home = Home::new();
    home.write("a.flowyard", &setting(&json!({ "value": 1 })));
    home.write("hook.flowyard", &listening("in"));
    home.run(&["run", "a.flowyard", "--sandbox", "--data", "good"]).with_code(0);
    home
}

#[track_caller]
fn all(home: &Home, verbs: &[&[&str]], data: &str, code: i32, words: &[&str]) {
    for verb in verbs {
        let ended = home.run(&[verb, &["--data", data][..]].concat());
        assert!(ended.stdout.is_empty(), "{verb:?}: {}", ended.stdout);
        ended.with_code(code).warns(words);
    }
}

fn copy(home: &Home, to: &str) {
    fs::create_dir(home.path(to)).expect("files can be made");
    fs::copy(home.path("good/journal.db"), home.path(&format!("{to}/journal.db"))).expect("files can be made");
}

/// Changes a database from outside.
fn change(home: &Home, data: &str, with: impl FnOnce(&mut Vec<u8>)) {
    let path = home.path(&format!("{data}/journal.db"));
    let mut bytes = fs::read(&path).expect("files can be made");
    with(&mut bytes);
    fs::write(path, bytes).expect("files can be made");
}

#[test]
fn a_file_in_the_place_of_the_directory_or_above_it_is_named() {
    let home = home();
    home.write("file", "mine");
    all(&home, &WRITING, "file", 5, &["The data directory \"file\" cannot be used", "Check the path"]);
    all(&home, &READING, "file", 5, &["The data directory \"file\" cannot be used", "a part of its path is a file"]);
    all(
        &home,
        &[&WRITING[..], &READING].concat(),
        "file/data",
        5,
        &["\"file/data\" cannot be used", "a part of its path is a file"],
    );
    assert_eq!(fs::read_to_string(home.path("file")).expect("files can be made"), "mine");
}

#[test]
fn a_directory_whose_parents_are_missing_is_made_by_those_that_write() {
    let home = home();
    all(&home, &READING, "a/b/c", 1, &["Nothing is logged in a/b/c"]);
    assert!(!home.path("a").exists(), "looking makes nothing");
    home.run(&["run", "a.flowyard", "--sandbox", "--data", "a/b/c"]).with_code(0);
    home.run(&["log", "list", "--data", "a/b/c"]).with_code(0).says(&["setting"]);
}

#[test]
fn another_database_a_newer_one_and_no_database_are_left_as_they_are() {
    let home = home();
    let both = [&WRITING[..], &READING].concat();
    // The version and the owner stand in the file's head (https://sqlite.org/fileformat2.html, 1.3).
    copy(&home, "newer");
    change(&home, "newer", |bytes| bytes[60..64].copy_from_slice(&99_u32.to_be_bytes()));
    copy(&home, "foreign");
    change(&home, "foreign", |bytes| bytes[68..72].copy_from_slice(&7_u32.to_be_bytes()));
    fs::create_dir(home.path("text")).expect("files can be made");
    home.write("text/journal.db", &"Dear diary, ".repeat(1000));
    fs::create_dir_all(home.path("folder/journal.db")).expect("files can be made");
    let mut cases = vec![
        ("newer", &["written by a newer Flowyard", "99", "Update Flowyard"][..]),
        ("foreign", &["is not a journal of Flowyard", "Move the file away"]),
        ("text", &["is damaged: file is not a database", "Put a backup in its place"]),
        ("folder", &["is not a journal of Flowyard", "Move the file away"]),
    ];
    if cfg!(unix) {
        fs::create_dir(home.path("pipe")).expect("files can be made");
        assert!(
            std::process::Command::new("mkfifo").arg(home.path("pipe/journal.db")).status().expect("files can be made").success()
        );
        cases.push(("pipe", &["is not a journal of Flowyard"]));
    }
    for (data, words) in cases {
        let path = home.path(&format!("{data}/journal.db"));
        let before = path.metadata().expect("files can be made").is_file().then(|| fs::read(&path).expect("files can be made"));
        all(&home, &both, data, 5, words);
        assert_eq!(
            before,
            path.metadata().expect("files can be made").is_file().then(|| fs::read(&path).expect("files can be made")),
            "{data}"
        );
    }
}

#[test]
fn a_damaged_database_is_named_and_never_a_panic() {
    let home = home();
    copy(&home, "cut");
    change(&home, "cut", |bytes| bytes.truncate(bytes.len() / 3));
    all(&home, &[&WRITING[..], &READING].concat(), "cut", 5, &["is damaged", "Put a backup in its place"]);
    let mut random = fastrand::Rng::with_seed(23);
    for round in 0..12 {
        let data = format!("flipped{round}");
        copy(&home, &data);
        change(&home, &data, |bytes| {
            for _ in 0..random.usize(1..200) {
                let at = random.usize(100..bytes.len());
                bytes[at] ^= 1 << random.u8(0..8);
            }
        });
        for verb in [WRITING[0], READING[0], READING[1], READING[3]] {
            let ended = home.run(&[verb, &["--data", &data][..]].concat());
            assert!([0, 1, 5].contains(&ended.code), "{verb:?}: {}\n{}", ended.code, ended.stderr);
            assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        }
    }
}

#[test]
fn a_directory_in_use_is_read_but_not_written_by_another() {
    let home = home();
    let serving = home.spawn(&["serve", "hook.flowyard", "--sandbox", "--listen", "127.0.0.1:0", "--data", "good"]);
    serving.line();
    let pid = serving.pid().to_string();
    let starts = WRITING.into_iter().filter(|it| it[0] != "release").collect::<Vec<_>>();
    all(&home, &starts, "good", 5, &["in use by another Flowyard", &pid, "Close the other one"]);
    // What a person says of a run is for the one at work to do.
    home.run(&["release", "1", "--fail", "--data", "good"]).with_code(1).warns(&["Run 1 is over"]);
    // One that cannot be reached is told of as any other.
    fs::remove_file(home.path("good/door.json")).expect("the way to the one at work");
    all(&home, &WRITING, "good", 5, &["in use by another Flowyard", &pid, "Close the other one"]);
    home.run(&["log", "list", "--data", "good"]).with_code(0).says(&["setting"]);
    home.run(&["log", "show", "1", "--data", "good"]).with_code(0);
    drop(serving);
    // One that was killed holds nothing.
    home.run(&["run", "a.flowyard", "--sandbox", "--data", "good"]).with_code(0);
}

#[cfg(unix)]
#[test]
fn a_directory_that_may_only_be_read_is_read_and_told_by_those_that_write() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = home();
    let allow = |name: &str, mode: u32| {
        fs::set_permissions(home.path(name), fs::Permissions::from_mode(mode)).expect("files can be made");
    };
    fs::create_dir(home.path("empty")).expect("files can be made");
    copy(&home, "fixed");
    copy(&home, "secret");
    copy(&home, "closed");
    for (name, mode) in [("good/journal.db", 0o444), ("good", 0o555), ("empty", 0o555), ("fixed/journal.db", 0o444)] {
        allow(name, mode);
    }
    // As root, the directories belong to root; otherwise to whoever runs this: the modes say no to either.
    for (name, mode) in [("fixed", 0o777), ("closed/journal.db", 0o000), ("closed", 0o777), ("secret", 0o000)] {
        allow(name, mode);
    }
    let tell = |verbs: &[&[&str]], data: &str, code: i32, words: &[&str]| {
        for verb in verbs {
            home.run_unprivileged(&[verb, &["--data", data][..]].concat()).with_code(code).warns(words);
        }
    };
    tell(&WRITING, "good", 5, &["\"good\" is read-only", "Allow writing to it"]);
    tell(&WRITING, "empty", 5, &["\"empty\" is read-only"]);
    tell(&WRITING, "empty/inside", 5, &["\"empty/inside\" is read-only"]);
    tell(&WRITING, "fixed", 5, &["\"fixed/journal.db\" is read-only"]);
    tell(&WRITING, "secret", 5, &["\"secret\" is read-only"]);
    tell(&WRITING, "closed", 5, &["\"closed/journal.db\" cannot be opened", "permission"]);
    for data in ["good", "fixed"] {
        home.run_unprivileged(&["log", "list", "--data", data]).with_code(0).says(&["setting"]);
        home.run_unprivileged(&["log", "show", "1", "--data", data]).with_code(0).says(&["Set it"]);
    }
    tell(&READING, "secret", 5, &["\"secret\" cannot be opened", "permission"]);
    tell(&READING, "closed", 5, &["\"closed/journal.db\" cannot be opened", "permission"]);
    allow("a.flowyard", 0o000);
    for args in [&["check", "a.flowyard"][..], &["run", "a.flowyard", "--sandbox"]] {
        home.run_unprivileged(args).with_code(3).warns(&["Cannot read a.flowyard", "ermission", "may be read"]);
    }
    allow("secret", 0o700);
}

/// Does not compress.
fn noise(random: &mut fastrand::Rng) -> String {
    let text: String = std::iter::repeat_with(|| random.alphanumeric()).take(20_000).collect();
    json!({ "a": text }).to_string()
}

#[cfg(target_os = "linux")]
#[test]
fn where_files_may_grow_no_further_webhooks_are_told_to_come_again_and_nothing_accepted_is_lost() {
    let home = home();
    let serving =
        home.spawn_with_files_of(600_000, &["serve", "hook.flowyard", "--sandbox", "--listen", "127.0.0.1:0", "--data", "d"]);
    let url = serving.line();
    let mut random = fastrand::Rng::with_seed(9);
    let mut accepted = Vec::new();
    let mut refused = 0;
    while refused < 5 {
        let (status, answer) = request("POST", &url, &[], &noise(&mut random));
        if status == 202 {
            accepted.push(answer["run"].as_u64().expect("a run"));
        } else {
            assert!([429, 503].contains(&status), "{status} {answer}");
            let error = answer["error"].as_str().unwrap_or_default();
            assert!(error.contains("could not be read or written") || error.contains("no room left"), "{answer}");
            assert!(answer["hint"].as_str().is_some_and(|it| it.contains("disk")), "{answer}");
            refused += 1;
        }
        assert!(accepted.len() < 200, "it is never full");
    }
    assert!(accepted.len() > 5, "{accepted:?}");
    // What is there can be read meanwhile, and there is another day.
    home.run(&["log", "list", "--data", "d"]).with_code(0).says(&["listening"]);
    serving.allow_files_of_any_size();
    for _ in 0..3 {
        let (status, answer) = request("POST", &url, &[], &noise(&mut random));
        assert_eq!(status, 202, "{answer}");
        accepted.push(answer["run"].as_u64().expect("a run"));
    }
    serving.interrupt();
    serving.end().with_code(0).warns(&["could not be written"]);
    ended_well(&home, "d", &accepted);
}

#[cfg(target_os = "linux")]
#[test]
fn a_serve_that_is_killed_on_a_full_disk_has_everything_that_it_accepted() {
    let home = home();
    let serve = ["serve", "hook.flowyard", "--sandbox", "--listen", "127.0.0.1:0", "--data", "d"];
    let serving = home.spawn_with_files_of(400_000, &serve);
    let url = serving.line();
    let mut random = fastrand::Rng::with_seed(10);
    let mut accepted = Vec::new();
    loop {
        let (status, answer) = request("POST", &url, &[], &noise(&mut random));
        if status != 202 {
            break;
        }
        accepted.push(answer["run"].as_u64().expect("a run"));
    }
    drop(serving);
    let again = home.spawn(&serve);
    let (status, answer) = request("POST", &again.line(), &[], "{}");
    assert_eq!(status, 202, "{answer}");
    accepted.push(answer["run"].as_u64().expect("a run"));
    again.interrupt();
    again.end().with_code(0);
    ended_well(&home, "d", &accepted);
}

/// Each of these runs is in the log, and has ended well.
#[cfg(target_os = "linux")]
fn ended_well(home: &Home, data: &str, accepted: &[u64]) {
    let runs = home.run(&["log", "list", "--data", data, "--json", "--limit", "1000"]).with_code(0).objects();
    for run in accepted {
        let found = runs.iter().find(|it| it["id"] == json!(run)).unwrap_or_else(|| panic!("run {run} is lost"));
        assert_eq!(found["outcome"], Value::from("succeeded"), "{found}");
    }
    home.run(&["log", "export", "--data", data, "--output", "all.jsonl"]).with_code(0);
}

#[cfg(unix)]
#[test]
fn what_is_in_the_directory_is_for_its_owner_alone_also_where_it_was_not() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = home();
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let all_private = |data: &str| {
        assert_eq!(mode(&home.path(data)), 0o700, "{data}");
        let files = fs::read_dir(home.path(data)).expect("a directory");
        for file in files.map(|it| it.expect("an entry").path()) {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    };
    all_private("good");
    for path in [home.path("good"), home.path("good/journal.db")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    home.run(&["run", "a.flowyard", "--sandbox", "--data", "good"]).with_code(0);
    all_private("good");
    // One that holds other things as well is left as it is, and told of where others may write in it.
    fs::create_dir(home.path("mine")).expect("files can be made");
    home.write("mine/letter.txt", "mine");
    fs::set_permissions(home.path("mine"), fs::Permissions::from_mode(0o777)).expect("it is ours");
    home.run(&["run", "a.flowyard", "--sandbox", "--data", "mine"]).with_code(0).warns(&["not private", "others may write in"]);
    assert_eq!((mode(&home.path("mine")), mode(&home.path("mine/journal.db"))), (0o777, 0o600));
}
