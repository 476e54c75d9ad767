//! A part of a flow from the command line: one step, what leads to one, and what is pinned in the window.
use serde_json::{Value, json};

use crate::support::binary::{Ended, Home};
use crate::support::files::{flow_file, manual};

/// A number, twice of it, and three more: each step needs the one before.
fn sums() -> String {
    let set = |name: &str, expr: &str| json!({ "name": name, "kind": "set", "fields": { "value": { "expr": expr } } });
    let mut start = manual();
    start["sample"] = json!({ "n": 4 });
    let nodes = json!({ "start": start, "double": set("Double", "start.n * 2"), "add": set("Add three", "double.value + 3"),
        "end": set("End", "add.value") });
    flow_file("sums", &nodes, &["start -> double", "double -> add", "add -> end"])
}

/// What the last step gave.
fn last(ended: &Ended) -> Value {
    let objects = ended.objects();
    let mut entries = objects.iter().filter(|it| it["event"] == "entry").map(|it| &it["entry"]);
    entries.rfind(|it| it["e"] == "step_succeeded").map(|it| it["output"]["value"].clone()).unwrap_or_default()
}

fn home() -> Home {
    let home = Home::new();
    home.write("sums.flowyard", &sums());
    home
}

#[test]
fn a_step_is_run_alone_on_what_the_last_run_gave() {
    let home = home();
    let alone = &["run", "sums.flowyard", "--sandbox", "--step", "add"];
    home.run(alone).with_code(1).warns(&["\"Double\" comes before it", "--to"]);
    home.run(&["run", "sums.flowyard", "--sandbox"]).with_code(0);
    home.run(alone).with_code(0).warns(&["taken from run 1"]).says(&["Add three"]);
    assert_eq!(last(&home.run(&[alone, &["--json"][..]].concat()).with_code(0)), json!(11));
}

#[test]
fn what_leads_to_a_step_is_run_and_nothing_behind_it() {
    let home = home();
    let ended = home.run(&["run", "sums.flowyard", "--sandbox", "--to", "add"]).with_code(0).says(&["Double", "Add three"]);
    assert!(!ended.stdout.contains("End"), "{}", ended.stdout);
    home.run(&["run", "sums.flowyard", "--sandbox", "--to", "nothing"]).with_code(2).warns(&["no node \"nothing\"", "start"]);
    home.run(&["run", "sums.flowyard", "--to", "add"]).with_code(2);
    home.run(&["run", "sums.flowyard", "--sandbox", "--to", "add", "--step", "add"]).with_code(2);
    // A fault behind the step is in nobody's way.
    home.write("sums.flowyard", &sums().replace("\"add.value\"", "\"add.value +\""));
    home.run(&["run", "sums.flowyard", "--sandbox"]).with_code(3);
    home.run(&["run", "sums.flowyard", "--sandbox", "--to", "add"]).with_code(0);
}

#[test]
fn a_run_begins_with_what_the_last_live_one_began_with() {
    let home = Home::new();
    let mut flow: Value = serde_json::from_str(&sums()).expect("JSON");
    // Live without an account.
    flow["slots"] = json!({});
    home.write("sums.flowyard", &flow.to_string());
    let again = &["run", "sums.flowyard", "--sandbox", "--last"];
    home.run(again).with_code(3).warns(&["\"start\" has begun no live run of \"sums\"", "--input"]);
    home.write("event.json", r#"{"n": 10}"#);
    home.run(&["run", "sums.flowyard", "--input", "event.json"]).with_code(0);
    // One in the sandbox is none of those, wherever it is logged.
    home.run(&["run", "sums.flowyard", "--sandbox"]).with_code(0);
    for part in [&[][..], &["--to", "add"]] {
        let ended = home.run(&[again, part, &["--json"]].concat()).with_code(0);
        assert_eq!(last(&ended), json!(23), "{part:?}");
    }
    home.run(&[again, &["--input", "event.json"][..]].concat()).with_code(2);
    home.run(&["run", "sums.flowyard", "--dry-run", "--last"]).with_code(2);
}

/// As the window keeps it: `src/ui/draft/line.rs`.
#[cfg(feature = "gui")]
#[test]
fn what_is_pinned_in_the_window_is_not_done_unless_told() {
    use std::fs;

    let home = home();
    let path = home.path("sums.flowyard");
    let text = fs::read_to_string(&path).expect("a flow");
    let open = json!({ "open": { "version": 1, "flow": text, "file": [path, null], "saved": true, "pristine": false } });
    let pin = json!({ "pin": { "node": "double", "output": { "value": 100 } } });
    fs::create_dir_all(home.path("data/drafts")).expect("a directory");
    home.write("data/drafts/1.jsonl", &format!("{open}\n{pin}\n"));
    let run = |more: &[&str]| home.run(&[&["run", "sums.flowyard", "--sandbox", "--data", "data"], more].concat()).with_code(0);
    run(&[]).warns(&["Pinned in the window, and not done: double", "--no-pins"]);
    assert_eq!(last(&run(&["--json"])), json!(103));
    assert_eq!(last(&run(&["--json", "--step", "add"])), json!(103));
    assert_eq!(last(&run(&["--json", "--no-pins"])), json!(11));
    assert_eq!(last(&run(&["--json", "--to", "double"])), json!(8), "the step itself is done");
}
