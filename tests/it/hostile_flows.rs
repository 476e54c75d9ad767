//! Flow files that are damaged, huge, deep, or no files at all: the real binary says what is wrong and where, with its exit
//! code, within bounded time and memory, and nothing of them is loaded.
use std::fs;

use serde_json::{Value, json};

use crate::support::binary::{Ended, Home, text};
use crate::support::files::{flow_file, manual, set, setting};

/// What reading and checking the largest file may take; a debug build reads it in a few seconds.
const MEMORY: u64 = 900;

/// Neither killed nor panicked, and quickly.
#[track_caller]
fn calm(home: &Home, args: &[&str]) -> Ended {
    let ended = home.run_in(MEMORY, args);
    assert!([0, 1, 3].contains(&ended.code), "{args:?} ended with {}\n{}\n{}", ended.code, ended.stdout, ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    let said = ended.stdout.len() + ended.stderr.len();
    assert!(said < 500_000, "{args:?} said {said} bytes");
    ended
}

/// `check` and `run` refuse it with these words.
#[track_caller]
fn refused(home: &Home, name: &str, words: &[&str]) {
    calm(home, &["check", name]).with_code(3).says(words);
    let ended = calm(home, &["run", name, "--sandbox"]).with_code(3);
    assert!(ended.stdout.is_empty() && !home.path("data").exists(), "nothing was begun: {}", ended.stdout);
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_with_the_place_where_it_ends() {
    let home = Home::new();
    let whole = include_str!("../../assets/templates/appointment-to-task.flowyard").trim_end();
    for part in [1, 10, 100, 333, 500, 750, 990, 999] {
        let cut = whole.floor_char_boundary(whole.len() * part / 1000);
        home.write("cut.flowyard", &whole[..cut]);
        let ended = calm(&home, &["check", "cut.flowyard", "--json"]).with_code(3);
        let problem = &ended.objects()[0];
        let line = problem["line"].as_u64().expect("a line");
        let lines = whole[..cut].lines().count() as u64;
        assert!(line >= 1 && line <= lines + 1, "{part}: {problem}");
    }
    home.write("whole.flowyard", whole);
    calm(&home, &["check", "whole.flowyard"]).with_code(0);
}

#[test]
fn a_file_with_flipped_bits_is_refused_or_read_and_never_half_of_it() {
    let home = Home::new();
    let whole = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/templates/new-contact-to-calendar.flowyard"))
        .expect("files can be made");
    let mut random = fastrand::Rng::with_seed(5);
    let names: Vec<String> = (0..40).map(|it| format!("{it}.flowyard")).collect();
    for name in &names {
        let mut bytes = whole.clone();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(0..bytes.len());
            bytes[at] ^= 1 << random.u8(0..8);
        }
        fs::write(home.path(name), bytes).expect("files can be made");
    }
    let args: Vec<&str> = ["check", "--json"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let objects = calm(&home, &args).with_code(3).objects();
    let summary = objects.last().expect("a summary");
    assert_eq!((&summary["event"], &summary["flows"]), (&json!("summary"), &json!(40)));
    for problem in objects.iter().filter(|it| it["event"] == "problem" && it["severity"] == "error") {
        assert!(problem["line"].is_u64() && problem["message"].as_str().is_some_and(|it| !it.is_empty()), "{problem}");
    }
}

#[test]
fn a_file_larger_than_any_flow_is_not_read() {
    let home = Home::new();
    let file = fs::File::create(home.path("huge.flowyard")).expect("files can be made");
    // Takes no room on the disk.
    file.set_len(100_000_000).expect("files can be made");
    refused(&home, "huge.flowyard", &["larger than 64 MiB"]);
    file.set_len(100_000_000_000).expect("files can be made");
    refused(&home, "huge.flowyard", &["larger than 64 MiB"]);
}

#[test]
fn a_million_nodes_are_refused_at_the_node_that_is_too_many() {
    let home = Home::new();
    let nodes =
        (0..1_000_000).map(|it| format!("\"n{it}\":{{\"name\":\"x\",\"kind\":\"join\"}},\n")).collect::<Vec<_>>().concat();
    home.write("many.flowyard", &format!("{{\"flowyard\":1,\"id\":\"x\",\"name\":\"x\",\"nodes\":{{{nodes}\"z\":0}}}}"));
    refused(&home, "many.flowyard", &["many.flowyard:", "more than 1000000 values"]);
    let nodes: Value = (0..10_001)
        .map(|it| (format!("n{it}"), json!({ "name": "x", "kind": "join" })))
        .collect::<serde_json::Map<_, _>>()
        .into();
    home.write("many.flowyard", &flow_file("x", &nodes, &[]));
    refused(&home, "many.flowyard", &["a flow has at most 10000 nodes"]);
}

#[test]
fn a_text_of_50_mb_is_refused_wherever_it_has_no_place_and_not_repeated() {
    let home = Home::new();
    let (long, shorter) = ("x".repeat(50_000_000), "x".repeat(2_000_000));
    let whole = setting(&json!({ "text": "TEXT" })).replace("\"to\": \"set\"", "\"to\": \"start\"");
    for (part, words) in [
        ("\"Start\"", "the name is longer than 500 characters"),
        ("\"manual\"", "there is no trigger"),
        ("\"set\": {", "expressions cannot speak of a node with the id"),
        ("\"TEXT\"", "this is longer than 1 MiB"),
        ("\"fields\"", "the field \"fields\" is missing"),
        ("\"highlevel\"", "there is no connector"),
    ] {
        let name = part.trim_matches(['"', ':', ' ', '{']);
        let (before, after) = whole.split_once(part).expect(part);
        let long = part.replace(name, if ["Start", "TEXT"].contains(&name) { &long } else { &shorter });
        home.write("long.flowyard", &format!("{before}{long}{after}"));
        calm(&home, &["check", "long.flowyard"]).with_code(3).says(&[words, "long.flowyard:"]);
    }
    // As a value it is data, and runs.
    home.write("long.flowyard", &setting(&json!({ "value": long })));
    calm(&home, &["check", "long.flowyard"]).with_code(0);
}

#[test]
fn a_hundred_thousand_levels_are_refused_where_the_bound_is_met() {
    let home = Home::new();
    let levels = 100_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        for closed in [false, true] {
            let deep = format!("{}1{}", open.repeat(levels), if closed { close.repeat(levels) } else { String::new() });
            home.write("deep.flowyard", &deep);
            refused(&home, "deep.flowyard", &["deep.flowyard:1:", "nested more than 128 deep"]);
            let whole = setting(&json!({ "value": "HERE" }));
            home.write("deep.flowyard", &whole.replace("\"HERE\"", &deep));
            refused(&home, "deep.flowyard", &["nodes.set.fields.value.value", "nested more than 128 deep"]);
        }
    }
}

#[test]
fn what_is_deep_but_may_be_read_runs_or_fails_at_its_step() {
    let home = Home::new();
    let deep = (0..105).fold(Value::Null, |inner, _| json!([inner]));
    home.write("a.flowyard", &setting(&json!({ "value": deep })));
    calm(&home, &["run", "a.flowyard", "--sandbox"]).with_code(0);
    calm(&home, &["log", "show", "1", "--sandbox"]).with_code(0).says(&["Set it"]);
    let deeper = (0..112).fold(Value::Null, |inner, _| json!([inner]));
    home.write("a.flowyard", &setting(&json!({ "value": deeper })));
    calm(&home, &["run", "a.flowyard", "--sandbox"]).with_code(1).warns(&["Set it", "nests more than 110 deep", "fields.value"]);
    let sample = json!({ "start": { "name": "Start", "kind": "trigger", "trigger": "manual", "sample": deeper } });
    home.write("a.flowyard", &flow_file("x", &sample, &[]));
    calm(&home, &["run", "a.flowyard", "--sandbox"]).with_code(3).warns(&["The event is too much", "110 deep"]);
    // Each step puts the one before in thirty lists.
    let step = |it: usize| json!({ "expr": format!("{}s{it}.value{}", "[".repeat(30), "]".repeat(30)) });
    let mut nodes: serde_json::Map<String, Value> = (1..9).map(|it| (format!("s{it}"), set(&step(it - 1)))).collect();
    nodes.insert("t".to_owned(), manual());
    nodes.insert("s0".to_owned(), set(&json!({ "value": 1 })));
    let wires: Vec<String> = (1..9).map(|it| format!("s{} -> s{it}", it - 1)).chain(["t -> s0".to_owned()]).collect();
    let wires: Vec<&str> = wires.iter().map(String::as_str).collect();
    home.write("a.flowyard", &flow_file("growing", &nodes.into(), &wires));
    let failed = calm(&home, &["run", "a.flowyard", "--sandbox", "--json"]).with_code(1).objects();
    let failure = failed.iter().find(|it| it["entry"]["e"] == "step_failed").expect("a failed step");
    assert_eq!((&failure["entry"]["step"]["n"], &failure["entry"]["failure"]["kind"]), (&json!("s4"), &json!("limit")));
    // Whatever was written can be read again.
    calm(&home, &["log", "list", "--sandbox"]).with_code(0);
    for run in ["1", "2", "3"] {
        calm(&home, &["log", "show", run, "--sandbox"]).with_code(0);
    }
}

#[test]
fn large_outputs_one_after_the_other_are_written_in_pieces() {
    let home = Home::new();
    // Together more than the journal takes at a time.
    let mut nodes: serde_json::Map<String, Value> =
        (0..18).map(|it| (format!("s{it:02}"), set(&json!({ "expr": "'x' * 16000000" })))).collect();
    nodes.insert("start".to_owned(), manual());
    let wires: Vec<String> = (1..18).map(|it| format!("s{:02} -> s{it:02}", it - 1)).chain(["start -> s00".to_owned()]).collect();
    let wires: Vec<&str> = wires.iter().map(String::as_str).collect();
    home.write("a.flowyard", &flow_file("large", &nodes.into(), &wires));
    calm(&home, &["run", "a.flowyard", "--sandbox"]).with_code(0).says(&["✓ Succeeded", "18 steps"]);
    home.run_in(2 * MEMORY, &["log", "export", "--sandbox", "--format", "csv"]).with_code(0).says(&["large"]);
}

#[test]
fn a_newer_format_repeated_keys_and_what_is_no_text_are_told_apart() {
    let home = Home::new();
    for (bytes, words) in [
        (&b"{\"flowyard\": 7, \"shape\": []}"[..], &["x.flowyard:1:14", "newer Flowyard", "Update Flowyard"][..]),
        (b"{\"flowyard\": 18446744073709551615}", &["newer Flowyard"]),
        (b"{\"flowyard\": 1e400}", &["is not a number that can be kept"]),
        (b"{\"flowyard\": 1,\n \"id\": \"a\",\n \"id\": \"b\"}", &["x.flowyard:3:2", "the key \"id\" is there twice"]),
        (b"{\"flowyard\": 1,\n \"id\": \"\xff\"}", &["x.flowyard:2:9", "not text in UTF-8"]),
        (b"\xff\xfe{\0}\0", &["x.flowyard:1:1", "not text in UTF-8"]),
        (b"\0\0\0\0", &["x.flowyard:1:1"]),
        (b"", &["x.flowyard:1:1", "cut off"]),
        (b"PK\x03\x04", &["x.flowyard:1:1"]),
        (b"{\"flowyard\": 1} {\"flowyard\": 1}", &["goes on after its end"]),
    ] {
        fs::write(home.path("x.flowyard"), bytes).expect("files can be made");
        refused(&home, "x.flowyard", words);
    }
}

#[test]
fn what_is_no_file_is_not_opened() {
    let home = Home::new();
    fs::create_dir(home.path("folder.flowyard")).expect("files can be made");
    let mut names = vec![("folder.flowyard".to_owned(), "It is not a file")];
    names.push(("missing.flowyard".to_owned(), "Cannot read missing.flowyard"));
    if cfg!(unix) {
        let pipe = home.path("pipe.flowyard");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("files can be made").success());
        names.push((text(&pipe).to_owned(), "It is not a file"));
        names.push(("/dev/zero".to_owned(), "It is not a file"));
    }
    for (name, words) in &names {
        for args in [&["check", name][..], &["run", name, "--sandbox"], &["serve", name, "--sandbox", "--listen", "127.0.0.1:0"]]
        {
            calm(&home, args).with_code(3).warns(&[words]);
        }
        if cfg!(unix) {
            // Among others, and behind a link.
            std::os::unix::fs::symlink(name, home.path("link.flowyard")).expect("files can be made");
            calm(&home, &["check", "link.flowyard"]).with_code(3);
            fs::remove_file(home.path("link.flowyard")).expect("files can be made");
        }
    }
}

#[test]
fn very_many_problems_are_told_up_to_a_bound_and_in_time() {
    let home = Home::new();
    let fields: serde_json::Map<String, Value> = (0..20_000).map(|it| (format!("f{it}"), json!({ "expr": "nope.x" }))).collect();
    let many = json!({ "start": manual(), "set": { "name": "Set", "kind": "set", "fields": fields } });
    home.write("fields.flowyard", &flow_file("x", &many, &["start -> set"]));
    let names: Vec<String> = (0..20_000).map(|it| format!("nope_{it:05}")).collect();
    let mut nodes: serde_json::Map<String, Value> =
        (0..9000).map(|it| (format!("node_{it:05}"), json!({ "name": "x", "kind": "join" }))).collect();
    nodes.insert("start".to_owned(), manual());
    nodes.insert("set".to_owned(), set(&json!({ "expr": format!("[{}]", names.join(",")) })));
    home.write("names.flowyard", &flow_file("x", &nodes.into(), &["start -> set"]));
    for name in ["fields.flowyard", "names.flowyard"] {
        let objects = calm(&home, &["check", name, "--json"]).with_code(3).objects();
        let errors = objects.iter().filter(|it| it["severity"] == "error").count();
        assert_eq!(errors, 1001, "{name}");
        let last = &objects[objects.len() - 2];
        assert_eq!((&last["code"], &last["severity"]), (&json!("more"), &json!("error")), "{name}");
        // Each of those that are told has its line.
        assert!(objects.iter().filter(|it| it["code"] == "unknown_name").all(|it| it["line"].as_u64() > Some(1)), "{name}");
    }
}

#[test]
fn for_eaches_within_each_other_without_end_are_refused() {
    let home = Home::new();
    let count = 9000;
    let each = json!({ "name": "Each", "kind": "for_each", "items": { "value": [1] } });
    let mut nodes: serde_json::Map<String, Value> = (0..count).map(|it| (format!("n{it:05}"), each.clone())).collect();
    nodes.insert("start".to_owned(), manual());
    let wires: Vec<String> = (1..count).map(|it| format!("n{:05}.item -> n{it:05}", it - 1)).collect();
    let wires: Vec<&str> = wires.iter().map(String::as_str).chain(["start -> n00000"]).collect();
    home.write("a.flowyard", &flow_file("x", &nodes.into(), &wires));
    refused(&home, "a.flowyard", &["more than 32 for-eaches lie within each other"]);
}
