//! The command line: the real binary, on flows that are written here.
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::support::binary::{Home, request, text};

/// A flow's file: its nodes as an object, its wires as `a.port -> b`.
fn flow(id: &str, nodes: &Value, wires: &[&str]) -> String {
    let edge = |wire: &&str| {
        let (from, to) = wire.split_once(" -> ").expect("an arrow");
        let (from, port) = from.split_once('.').unwrap_or((from, "out"));
        json!({ "from": from, "port": port, "to": to })
    };
    let file = json!({
        "flowyard": 1,
        "id": id,
        "name": format!("The flow {id}"),
        "slots": { "crm": "highlevel" },
        "nodes": nodes,
        "edges": wires.iter().map(edge).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&file).expect("JSON")
}

fn manual(sample: &Value) -> Value {
    json!({ "name": "Start", "kind": "trigger", "trigger": "manual", "sample": sample })
}

fn hook(path: &str) -> Value {
    json!({ "name": "Hook", "kind": "trigger", "trigger": "webhook", "path": path })
}

fn action(name: &str, operation: &str, input: &Value) -> Value {
    json!({ "name": name, "kind": "action", "operation": operation, "slot": "crm", "input": input })
}

/// Creates a contact, and reads it back.
fn new_contact() -> String {
    let nodes = json!({
        "start": manual(&json!({ "first": "Ada", "mail": "ada.example@example.com" })),
        "create": action("Create contact", "highlevel.contacts.create-contact", &json!({
            "firstName": { "expr": "start.first" }, "email": { "text": "{{ start.mail | lower }}" },
        })),
        "read": action("Read it back", "highlevel.contacts.get-contact", &json!({ "contactId": { "expr": "create.contact.id" } })),
    });
    flow("new-contact", &nodes, &["start -> create", "create -> read"])
}

/// Asks for a contact that is not there.
fn lost_contact() -> String {
    let nodes = json!({
        "start": manual(&Value::Null),
        "read": action("Read contact", "highlevel.contacts.get-contact", &json!({ "contactId": { "value": "nobody" } })),
        "never": { "name": "Never", "kind": "log", "message": { "value": "x" } },
    });
    flow("lost-contact", &nodes, &["start -> read", "read -> never"])
}

fn logging(id: &str, trigger: &Value, message: &str) -> String {
    let nodes = json!({ "start": trigger, "tell": { "name": "Tell", "kind": "log", "message": { "text": message } } });
    flow(id, &nodes, &["start -> tell"])
}

fn waiting() -> String {
    let nodes = json!({
        "start": manual(&Value::Null),
        "wait": { "name": "Wait a day", "kind": "wait", "duration": { "value": "1 day" } },
    });
    flow("waiting", &nodes, &["start -> wait"])
}

#[test]
fn without_arguments_the_headless_binary_prints_its_help() {
    if cfg!(feature = "gui") {
        return;
    }
    Home::new().run(&[]).with_code(0).says(&["Usage: flowyard", "Exit codes:", "130  cancelled"]);
}

#[test]
fn a_wrong_command_line_is_refused_with_its_own_code() {
    let home = Home::new();
    home.run(&["rnu"]).with_code(2).warns(&["rnu"]);
    home.run(&["serve", "--listen", "nowhere"]).with_code(2).warns(&["ADDRESS:PORT"]);
    home.run(&["run", "a.flowyard", "--sandbox", "--fault", "fire=1"]).with_code(2).warns(&["there is no fault"]);
    home.run(&["catalog"]).with_code(2);
}

#[test]
fn a_sound_flow_has_no_problems() {
    let home = Home::new();
    home.write("a.flowyard", &new_contact());
    home.run(&["check", "a.flowyard"]).with_code(0).warns(&["1 flow checked: no problems"]);
    let ended = home.run(&["check", "a.flowyard", "--json"]).with_code(0);
    assert_eq!(ended.objects(), [json!({ "event": "summary", "flows": 1, "errors": 0, "warnings": 0, "exit_code": 0 })]);
}

#[test]
fn a_damaged_a_newer_and_a_missing_flow_are_told_apart() {
    let home = Home::new();
    home.write("damaged.flowyard", "{\n  \"flowyard\": 1,\n  oops");
    home.write("newer.flowyard", "{\n  \"flowyard\": 99\n}");
    home.write("other.flowyard", "[1, 2]");
    fs::create_dir(home.path("folder.flowyard")).expect("a folder");
    for verb in ["check", "run", "serve"] {
        home.run(&[verb, "missing.flowyard"]).with_code(3).warns(&["Cannot read missing.flowyard"]);
        home.run(&[verb, "folder.flowyard"]).with_code(3).warns(&["not a file"]);
    }
    home.run(&["run", "damaged.flowyard"]).with_code(3).warns(&["Cannot read damaged.flowyard (line 3, column 3)"]);
    home.run(&["run", "newer.flowyard"]).with_code(3).warns(&["newer Flowyard", "Update Flowyard"]);
    home.run(&["check", "damaged.flowyard", "newer.flowyard", "other.flowyard"])
        .with_code(3)
        .says(&["damaged.flowyard:3:3: error:", "newer.flowyard:2:", "newer Flowyard", "other.flowyard:1:"])
        .warns(&["3 flows checked: 3 errors"]);
    let objects = home.run(&["check", "damaged.flowyard", "--json"]).with_code(3).objects();
    assert_eq!((&objects[0]["line"], &objects[0]["severity"]), (&json!(3), &json!("error")));
    assert_eq!(objects[1]["exit_code"], 3);
}

#[test]
fn problems_stand_at_their_node_field_and_line() {
    let home = Home::new();
    let text = new_contact()
        .replace("highlevel.contacts.get-contact", "highlevel.contacts.fetch-contact")
        .replace("start.first", "start.first |");
    home.write("wrong.flowyard", &text);
    let ended = home
        .run(&["check", "wrong.flowyard"])
        .with_code(3)
        .says(&["error: \"Create contact\", input.firstName:", "error: \"Read it back\""]);
    let at = |part: &str| 1 + text.lines().position(|it| it.contains(part)).expect("a line");
    assert!(ended.stdout.contains(&format!("wrong.flowyard:{}: ", at("\"firstName\""))), "{}", ended.stdout);
    let objects = home.run(&["check", "wrong.flowyard", "--json"]).with_code(3).objects();
    let problem = objects.iter().find(|it| it["node"] == "read").expect("a problem of that node");
    assert!(problem["message"].as_str().is_some_and(|it| it.contains("fetch-contact")), "{problem}");
    home.run(&["run", "wrong.flowyard", "--sandbox"]).with_code(3).warns(&["input.firstName", "keep it from running"]);
}

#[test]
fn a_run_in_the_sandbox_shows_steps_requests_and_what_changed() {
    let home = Home::new();
    home.write("a.flowyard", &new_contact());
    let ended = home.run(&["run", "a.flowyard", "--sandbox"]).with_code(0).says(&[
        "✓ Start",
        "✓ Create contact",
        "POST http://127.0.0.1:",
        "/highlevel/contacts/ → 201",
        "✓ Read it back",
        "→ 200",
        "What changed in the sandbox",
        "+ HighLevel",
        "Ada",
        "✓ Succeeded:",
        "2 requests",
    ]);
    assert!(ended.stderr.contains("flowyard log show 1 --bodies --sandbox"), "{}", ended.stderr);
    assert!(!ended.stdout.contains('\u{1b}'), "colours without a terminal");
    // The log of the sandbox is kept apart from that of live runs.
    home.run(&["log", "list"]).with_code(1).warns(&["--sandbox"]);
    home.run(&["log", "list", "--sandbox"]).with_code(0).says(&["The flow new-contact", "succeeded"]);
    home.run(&["log", "show", "1", "--sandbox", "--bodies"]).with_code(0).says(&[
        "Run 1: The flow new-contact",
        "✓ Create contact",
        "content-type: application/json",
        "\"firstName\": \"Ada\"",
        "← 201",
    ]);
}

#[test]
fn a_run_as_json_ends_with_a_summary() {
    let home = Home::new();
    home.write("a.flowyard", &new_contact());
    let objects = home.run(&["run", "a.flowyard", "--sandbox", "--json"]).with_code(0).objects();
    let kinds: Vec<&str> = objects.iter().filter_map(|it| it["event"].as_str()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"started"), Some(&"summary")));
    for kind in ["entry", "exchange", "ended"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let exchange = objects.iter().find(|it| it["event"] == "exchange").expect("an exchange");
    assert_eq!((&exchange["node"], &exchange["exchange"]["answer"]["status"]), (&json!("Create contact"), &json!(201)));
    let summary = objects.last().expect("a summary");
    assert_eq!(
        (&summary["outcome"], &summary["exit_code"], &summary["mode"]),
        (&json!("succeeded"), &json!(0), &json!("sandbox"))
    );
    let change = &summary["changes"][0];
    assert_eq!(
        (&change["service"], &change["effect"], &change["record"]["collection"]),
        (&json!("highlevel"), &json!("created"), &json!("contacts"))
    );
}

#[test]
fn the_input_comes_from_a_file_or_from_standard_input() {
    let home = Home::new();
    home.write("manual.flowyard", &logging("manual", &manual(&Value::Null), "Hello {{ start.name }}"));
    home.write("hook.flowyard", &logging("hook", &hook("in"), "{{ start.method }} by {{ start.body.name }}"));
    home.write("input.json", r#"{"name": "Zoë"}"#);
    home.run(&["run", "manual.flowyard", "--sandbox", "--input", "input.json"]).with_code(0).says(&["Hello Zoë"]);
    home.run(&["run", "hook.flowyard", "--sandbox", "--input", "input.json"]).with_code(0).says(&["POST by Zoë"]);
    let read = home.run_with(&["run", "manual.flowyard", "--sandbox", "--input", "-"], &[], r#"{"name": "Ann"}"#);
    read.with_code(0).says(&["Hello Ann"]);
    home.write("wrong.json", "{\n \"name\": }");
    home.run(&["run", "manual.flowyard", "--sandbox", "--input", "wrong.json"]).with_code(3).warns(&["wrong.json", "line 2"]);
    home.run(&["run", "manual.flowyard", "--sandbox", "--trigger", "begin"]).with_code(2).warns(&["There are start."]);
}

#[test]
fn a_run_that_fails_says_why_and_what_to_do() {
    let home = Home::new();
    home.write("a.flowyard", &lost_contact());
    let ended = home.run(&["run", "a.flowyard", "--sandbox"]).with_code(1).says(&[
        "✗ Read contact",
        "→ 4",
        "↷ Never",
        "not reached",
        "✗ Failed:",
        "Nothing changed in the sandbox",
    ]);
    assert!(ended.stderr.contains("error: "), "{}", ended.stderr);
    home.run(&["log", "list", "--failed", "--sandbox"]).with_code(0).says(&["failed"]);
    let objects = home.run(&["run", "a.flowyard", "--sandbox", "--json"]).with_code(1).objects();
    let summary = objects.last().expect("a summary");
    assert_eq!((&summary["outcome"], &summary["exit_code"]), (&json!("failed"), &json!(1)));
    assert!(summary["failure"]["title"].is_string());
}

#[test]
fn a_run_that_waits_for_a_person_says_for_what() {
    let home = Home::new();
    home.write("a.flowyard", &new_contact());
    let ended = home.run(&["run", "a.flowyard", "--sandbox", "--fault", "unauthorized=1"]).with_code(4);
    ended
        .says(&["⏸ Create contact", "→ 401", "↷ Read it back", "not yet reached", "⏸ Waiting:"])
        .warns(&["waiting: Create contact: the connection \"highlevel\" must be signed in again"]);
    let objects = home.run(&["run", "a.flowyard", "--sandbox", "--fault", "unauthorized=1", "--json"]).with_code(4).objects();
    let summary = objects.last().expect("a summary");
    assert_eq!((&summary["outcome"], &summary["waiting"][0]["step"]), (&json!("parked"), &json!("create")));
    home.run(&["log", "list", "--waiting", "--sandbox"]).with_code(0).says(&["waiting"]);
}

#[test]
fn a_step_that_waits_is_let_go_on_by_a_person() {
    let home = Home::new();
    home.write("a.flowyard", &new_contact());
    home.run(&["run", "a.flowyard", "--sandbox", "--fault", "unauthorized=1", "--data", "d"]).with_code(4);
    home.run(&["release", "1", "--data", "d"]).with_code(2).warns(&["--repeat", "--done", "--fail", "--approve", "--decline"]);
    home.run(&["release", "9", "--fail", "--data", "d"]).with_code(1).warns(&["There is no run 9"]);
    home.run(&["release", "1", "other", "--fail", "--data", "d"]).with_code(1).warns(&["\"other\"", "these do: create"]);
    home.run(&["release", "1", "--fail", "--data", "d"]).with_code(0).says(&["Released create of run 1"]);
    home.run(&["release", "1", "--repeat", "--data", "d"]).with_code(1).warns(&["No step of run 1 waits"]);
    let serving = home.spawn(&["serve", "--listen", "127.0.0.1:0", "--sandbox", "--data", "d"]);
    home.until_all_ended("d");
    home.run(&["release", "1", "--fail", "--data", "d"]).with_code(1).warns(&["Run 1 is over"]);
    drop(serving);
    home.run(&["log", "show", "1", "--data", "d"]).with_code(0).says(&["marked as failed"]);
}

#[test]
fn an_approval_waits_for_a_person_who_agrees_or_declines() {
    let home = Home::new();
    let nodes = json!({
        "start": manual(&json!({ "name": "Ann" })),
        "ask": { "name": "May it go out?", "kind": "approval", "message": { "text": "Send the offer to {{ start.name }}?" } },
        "yes": { "name": "Send", "kind": "log", "message": { "value": "sent" } },
        "no": { "name": "Leave it", "kind": "log", "message": { "value": "left" } },
    });
    let wires = ["start -> ask", "ask.approved -> yes", "ask.declined -> no"];
    home.write("a.flowyard", &flow("offer", &nodes, &wires));
    for _ in 0..4 {
        home.run(&["run", "a.flowyard", "--sandbox", "--data", "d"]).with_code(4).says(&["Send the offer to Ann?"]);
    }
    home.run(&["release", "1", "--repeat", "--data", "d"]).with_code(1).warns(&["waits for an approval", "decline"]);
    home.run(&["release", "1", "--approve", "--data", "d"]).with_code(0).says(&["Released ask of run 1"]);
    home.run(&["release", "2", "--decline", "--data", "d"]).with_code(0).warns(&["with the next"]);
    home.run(&["cancel", "3", "--data", "d"]).with_code(0).says(&["Cancelled run 3"]);
    home.run(&["cancel", "3", "--data", "d"]).with_code(1).warns(&["Run 3 is over"]);
    let serving = home.spawn(&["serve", "--listen", "127.0.0.1:0", "--sandbox", "--json", "--data", "d"]);
    serving.line_with("sandbox");
    // The engine at work on the directory is asked, which has all runs by now.
    home.run(&["release", "4", "--done", "1", "--data", "d"]).with_code(1).warns(&["waits for an approval"]);
    home.run(&["release", "4", "ask", "--approve", "--data", "d"]).with_code(0).warns(&["The run goes on."]);
    home.run(&["connect", "resume", "calendar", "--data", "d"]).with_code(1).warns(&["Nothing was stopped"]);
    home.until_all_ended("d");
    home.run(&["cancel", "4", "--data", "d"]).with_code(1).warns(&["no run 4 under way"]);
    drop(serving);
    home.run(&["log", "show", "4", "--data", "d"]).with_code(0).says(&["→ approved", "sent"]);
    home.run(&["log", "show", "1", "--data", "d"]).with_code(0).says(&["→ approved", "sent"]);
    home.run(&["log", "show", "2", "--data", "d"]).with_code(0).says(&["→ declined", "left"]);
    home.run(&["connect", "resume", "calendar", "--data", "d"]).with_code(1).warns(&["Nothing was stopped"]);
}

#[test]
fn items_are_numbered_and_counted() {
    let home = Home::new();
    let nodes = json!({
        "start": manual(&json!({ "names": ["Ann", "Bob", "Cem"] })),
        "each": { "name": "Each name", "kind": "for_each", "items": { "expr": "start.names" } },
        "tell": { "name": "Tell", "kind": "log", "message": { "text": "Hello {{ item }}" } },
    });
    home.write("a.flowyard", &flow("items", &nodes, &["start -> each", "each.item -> tell"]));
    home.run(&["run", "a.flowyard", "--sandbox"]).with_code(0).says(&[
        "▸ Each name",
        "Tell #1",
        "Hello Ann",
        "Tell #3",
        "Hello Cem",
        "3 items",
    ]);
}

#[test]
fn a_flow_that_another_one_calls_is_named_with_it() {
    let home = Home::new();
    let nodes = json!({
        "start": manual(&Value::Null),
        "call": { "name": "Call the other", "kind": "sub_flow", "flow": "other", "input": { "name": { "value": "Ann" } } },
    });
    home.write("a.flowyard", &flow("caller", &nodes, &["start -> call"]));
    home.write("b.flowyard", &logging("other", &manual(&Value::Null), "Hello {{ start.name }}"));
    home.run(&["run", "a.flowyard", "--sandbox"]).with_code(3).warns(&["Call the other", "other"]);
    home.run(&["run", "a.flowyard", "--with", "b.flowyard", "--sandbox"]).with_code(0).says(&["✓ Call the other"]);
    home.run(&["log", "show", "2", "--sandbox"]).with_code(0).says(&["called by run 1", "Hello Ann"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_the_run() {
    let home = Home::new();
    home.write("a.flowyard", &waiting());
    let running = home.spawn(&["run", "a.flowyard", "--sandbox"]);
    running.line_with("⏸ Wait a day");
    running.interrupt();
    running.end().with_code(130).says(&["✗ Cancelled:"]).warns(&["Cancelling"]);
    home.run(&["log", "list", "--sandbox"]).with_code(0).says(&["cancelled"]);
}

#[test]
fn a_live_run_needs_its_connections() {
    let home = Home::new();
    home.write("a.flowyard", &new_contact());
    home.run(&["run", "a.flowyard"]).with_code(6).warns(&["No connection to HighLevel", "slot crm", "--sandbox"]);
    home.write("none.json", "[]");
    home.run(&["run", "a.flowyard", "--connections", "none.json"]).with_code(6).warns(&["No connection to HighLevel"]);
    home.write("broken.json", "[");
    home.run(&["run", "a.flowyard", "--connections", "broken.json"]).with_code(3).warns(&["broken.json", "not JSON"]);
    home.run(&["run", "a.flowyard", "--connections", "missing.json"]).with_code(3).warns(&["Cannot read missing.json"]);
    let account = r#"{"id": "ID", "connector": "highlevel", "secret_env": {"token": "HL_TOKEN"}}"#;
    home.write("one.json", &format!("[{}]", account.replace("ID", "main")));
    home.run(&["run", "a.flowyard", "--connections", "one.json"])
        .with_code(6)
        .warns(&["The environment variable HL_TOKEN is not set"]);
    home.write("two.json", &format!("[{}, {}]", account.replace("ID", "main"), account.replace("ID", "other")));
    let variables = [("HL_TOKEN", "canary-0123456789")];
    let ended = home.run_with(&["run", "a.flowyard", "--connections", "two.json"], &variables, "").with_code(6);
    let ended = ended.warns(&["Several connections to HighLevel", "--bind crm=main"]);
    assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
    home.run(&["run", "a.flowyard", "--bind", "cal=main"]).with_code(2).warns(&["No flow has a slot \"cal\""]);
}

#[test]
fn a_live_run_calls_the_account_that_is_bound_with_its_secret() {
    let home = Home::new();
    home.write("a.flowyard", &new_contact());
    let sandbox = home.spawn(&["sandbox", "--json"]);
    let access: Value = serde_json::from_str(&sandbox.line()).expect("JSON");
    let crm = &access["highlevel"];
    let account = |id: &str| {
        json!({
            "id": id, "connector": "highlevel", "base_url": crm["base_url"],
            "account": { "location_id": crm["location_id"] }, "secret_env": { "token": "HL_TOKEN" },
        })
    };
    home.write("two.json", &json!([account("main"), account("other")]).to_string());
    let token = crm["token"].as_str().expect("a token");
    let args = ["run", "a.flowyard", "--connections", "two.json", "--bind", "crm=other"];
    let ended = home.run_with(&args, &[("HL_TOKEN", token)], "").with_code(0);
    ended.says(&["✓ Create contact", "Requests that may have changed something", "Create contact: POST "]);
    let ended = home.run_with(&["log", "show", "1", "--bodies"], &[], "").with_code(0).says(&["(live)", "✓ Create contact"]);
    assert!(!ended.stdout.contains(token), "the secret is in the log");
    let refused = home.run_with(&args, &[("HL_TOKEN", "another")], "").with_code(4);
    refused.warns(&["the connection \"other\" must be signed in again"]);
}

#[test]
fn a_served_hook_runs_its_flow_and_the_log_has_it() {
    let home = Home::new();
    home.write("a.flowyard", &logging("greeting", &hook("greet/me"), "Hello {{ start.body.name }}"));
    let serving = home.spawn(&["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--sandbox", "--data", "d"]);
    let url = serving.line();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/hooks/greet/me"), "{url}");
    let (status, body) = request("POST", &url, &[], r#"{"name": "needle-4711"}"#);
    assert_eq!((status, &body["run"]), (202, &json!(1)));
    // A second engine may not use the same data; the log may.
    let pid = serving.pid().to_string();
    home.run(&["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--sandbox", "--data", "d"])
        .with_code(5)
        .warns(&["in use", &pid]);
    home.run(&["log", "list", "--data", "d"]).with_code(0).says(&["The flow greeting"]);
    #[cfg(unix)]
    {
        serving.signal("-TERM");
        serving.end().with_code(0);
    }
    #[cfg(not(unix))]
    drop(serving);
    home.run(&["log", "show", "1", "--data", "d"]).with_code(0).says(&["Run 1: The flow greeting", "Hello needle-4711"]);
    home.run(&["log", "search", "NEEDLE-4711", "--data", "d"])
        .with_code(0)
        .says(&["The flow greeting", "needle-4711"])
        .warns(&["Found in 1 run"]);
    home.run(&["log", "search", "nothing of the sort", "--data", "d"]).with_code(1);
    home.run(&["log", "show", "2", "--data", "d"]).with_code(1).warns(&["There is no run 2"]);
    let heads = home.run(&["log", "list", "--data", "d", "--json"]).with_code(0).objects();
    assert_eq!((&heads[0]["id"], &heads[0]["flow"]), (&json!(1), &json!("greeting")));
    let shown = home.run(&["log", "show", "1", "--data", "d", "--json"]).with_code(0).objects();
    assert_eq!((&shown[0]["run"]["id"], &shown[0]["entries"][0]["e"]), (&json!(1), &json!("accepted")));
    for (filter, found) in
        [("--flow=greeting", 1), ("--flow=a.flowyard", 1), ("--flow=other", 0), ("--failed", 0), ("--since=1h", 1)]
    {
        assert_eq!(home.run(&["log", "list", "--data", "d", "--json", filter]).with_code(0).objects().len(), found, "{filter}");
    }
}

#[test]
fn serving_as_json_names_each_hook() {
    let home = Home::new();
    home.write("a.flowyard", &logging("greeting", &hook("greet"), "x"));
    let serving = home.spawn(&["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--sandbox", "--json"]);
    let first: Value = serde_json::from_str(&serving.line()).expect("JSON");
    assert_eq!((&first["event"], &first["flow"], &first["node"]), (&json!("hook"), &json!("greeting"), &json!("start")));
    let second: Value = serde_json::from_str(&serving.line()).expect("JSON");
    assert!(second["access"]["highlevel"]["base_url"].as_str().is_some_and(|it| it.ends_with("/highlevel")), "{second}");
}

#[test]
fn what_was_under_way_goes_on_when_it_is_served_again() {
    let home = Home::new();
    let nodes = json!({
        "start": hook("in"),
        "wait": { "name": "Wait", "kind": "wait", "until": { "expr": "start.body.until" } },
        "tell": { "name": "Tell", "kind": "log", "message": { "value": "went on" } },
    });
    home.write("a.flowyard", &flow("patient", &nodes, &["start -> wait", "wait -> tell"]));
    let args = ["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--sandbox", "--data", "d"];
    let serving = home.spawn(&args);
    let until = jiff::Timestamp::now() + std::time::Duration::from_secs(2);
    let (status, _) = request("POST", &serving.line(), &[], &json!({ "until": until.to_string() }).to_string());
    assert_eq!(status, 202);
    // Killed, as by a power cut.
    drop(serving);
    let serving = home.spawn(&args);
    serving.line();
    let ended = || home.run(&["log", "list", "--data", "d", "--json"]).with_code(0).objects()[0]["finished"].is_string();
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !ended() {
        assert!(std::time::Instant::now() < deadline, "the run did not go on");
    }
    home.run(&["log", "show", "1", "--data", "d"]).with_code(0).says(&["went on", "succeeded"]);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let home = Home::new();
    home.write("a.flowyard", &logging("greeting", &hook("greet"), "x"));
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let words = format!("Cannot listen on {address}");
    home.run(&["serve", "a.flowyard", "--listen", &address, "--sandbox"]).with_code(5).warns(&[&words, "choose another port"]);
    home.run(&["sandbox", "--listen", &address]).with_code(5).warns(&[&words, "choose another port"]);
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let home = Home::new();
    home.write("a.flowyard", &new_contact());
    let file = home.write("a-file", "");
    home.run(&["run", "a.flowyard", "--sandbox", "--data", text(&file)]).with_code(5).warns(&["a-file"]);
    fs::create_dir(home.path("other")).expect("a folder");
    home.write("other/flowyard.db", "this is no database, it only looks like one by its name");
    home.run(&["log", "list", "--data", "missing"]).with_code(1).warns(&["Nothing is logged in missing"]);
}

#[test]
fn two_files_with_the_same_flow_are_not_served() {
    let home = Home::new();
    home.write("a.flowyard", &logging("same", &hook("a"), "x"));
    home.write("b.flowyard", &logging("same", &hook("b"), "x"));
    home.run(&["serve", "a.flowyard", "b.flowyard", "--sandbox"]).with_code(3).warns(&["Two files hold the flow \"same\""]);
    home.write("c.flowyard", &logging("other", &hook("a"), "x"));
    home.run(&["serve", "a.flowyard", "c.flowyard", "--sandbox", "--listen", "127.0.0.1:0"]).with_code(3).warns(&["hook \"a\""]);
}

#[test]
fn the_sandbox_starts_with_as_many_records_and_as_much_trouble_as_asked_for() {
    let home = Home::new();
    for (seed, contacts) in [("empty", 0), ("tiny", 12), ("small", 200)] {
        let args = [
            "sandbox",
            "--json",
            "--seed",
            seed,
            "--scope",
            "contacts.readonly",
            "--fault",
            "skew=5000",
            "--fault",
            "unlimited=on",
        ];
        let sandbox = home.spawn(&args);
        let access: Value = serde_json::from_str(&sandbox.line()).expect("JSON");
        let base = access["highlevel"]["base_url"].as_str().expect("an address").to_owned();
        let root = base.trim_end_matches("/highlevel").to_owned();
        let steer = |path: &str| request("GET", &format!("{root}/_sandbox/{path}"), &[], "").1;
        assert_eq!(steer("records")["contacts"].as_u64().unwrap_or_default(), contacts, "{seed}");
        assert_eq!((&steer("faults")["skew_ms"], &steer("traps")["unlimited"]), (&json!(5_000), &json!(true)));
        let bearer = format!("Bearer {}", access["highlevel"]["token"].as_str().expect("a token"));
        let location = access["highlevel"]["location_id"].as_str().expect("an id");
        for (path, status) in [("contacts", 200), ("calendars", 401)] {
            let url = format!("{base}/{path}/?locationId={location}");
            let (found, body) = request("GET", &url, &[("authorization", &bearer), ("version", "2021-07-28")], "");
            assert_eq!(found, status, "{body}");
        }
    }
    home.run(&["sandbox", "--seed", "huge"]).with_code(2).warns(&["huge", "large"]);
    home.run(&["sandbox", "--fault", "unlimited=maybe"]).with_code(2).warns(&["neither on nor off"]);
}

#[test]
fn the_sandbox_tells_how_it_is_called_and_answers() {
    let home = Home::new();
    let sandbox = home.spawn(&["sandbox", "--json"]);
    let access: Value = serde_json::from_str(&sandbox.line()).expect("JSON");
    for (service, key) in [
        ("highlevel", "token"),
        ("highlevel", "location_id"),
        ("highlevel", "calendar_id"),
        ("highlevel", "user_id"),
        ("schedule_it", "user"),
        ("schedule_it", "password"),
    ] {
        assert!(access[service][key].as_str().is_some_and(|it| !it.is_empty()), "{service}.{key}: {access}");
    }
    let base = |service: &str| access[service]["base_url"].as_str().expect("an address").to_owned();
    assert!(base("highlevel").ends_with("/highlevel") && base("schedule_it").ends_with("/schedule-it/api"));
    let url =
        format!("{}/contacts/?locationId={}", base("highlevel"), access["highlevel"]["location_id"].as_str().expect("an id"));
    let bearer = format!("Bearer {}", access["highlevel"]["token"].as_str().expect("a token"));
    let (status, body) = request("GET", &url, &[("authorization", &bearer), ("version", "2021-07-28")], "");
    assert_eq!(status, 200, "{body}");
    assert_eq!(request("GET", &url, &[("version", "2021-07-28")], "").0, 401);
    #[cfg(unix)]
    {
        sandbox.interrupt();
        sandbox.end().with_code(0);
    }
}

#[test]
fn exports_are_whole_files_in_the_form_that_was_asked_for() {
    let home = Home::new();
    home.write("a.flowyard", &new_contact());
    home.run(&["run", "a.flowyard", "--sandbox", "--data", "d"]).with_code(0);
    let lines = home.run(&["log", "export", "--data", "d"]).with_code(0).objects();
    assert_eq!(lines[0]["run"]["id"], 1);
    home.run(&["log", "export", "--data", "d", "--format", "csv"]).with_code(0).says(&["run,flow,name", "1,new-contact,"]);
    home.run(&["log", "export", "1", "--data", "d", "--format", "har", "--output", "a.har"])
        .with_code(0)
        .warns(&["1 run exported"]);
    let har: Value = serde_json::from_str(&fs::read_to_string(home.path("a.har")).expect("a file")).expect("JSON");
    assert_eq!(har["log"]["entries"].as_array().map(Vec::len), Some(2));
    home.run(&["log", "export", "7", "--data", "d"]).with_code(1).warns(&["There is no run 7"]);
    home.run(&["log", "export", "--data", "d", "--output", "no/such/folder"])
        .with_code(5)
        .warns(&["Cannot write no/such/folder"]);
}

#[test]
fn the_catalogue_is_listed_counted_searched_and_shown() {
    let home = Home::new();
    home.run(&["catalog", "list"]).with_code(0).says(&[
        "highlevel.contacts.create-contact",
        "POST /contacts/",
        "schedule_it.events.create-event",
    ]);
    let operations = home.run(&["catalog", "list", "--json"]).with_code(0).objects();
    let counted = home.run(&["catalog", "list", "--count", "--json"]).with_code(0).objects();
    assert_eq!((&counted[0]["actions"], operations.len()), (&json!(603), 603));
    assert_eq!(counted[0]["connectors"]["highlevel"], json!({"actions": 576, "triggers": 68}));
    let triggers = home.run(&["catalog", "list", "--triggers", "--json"]).with_code(0).objects();
    assert_eq!(counted[0]["triggers"], triggers.len());
    assert_eq!(counted[0]["total"], operations.len() + triggers.len());
    home.run(&["catalog", "list", "--triggers"]).with_code(0).says(&["Contact created", "told as ContactCreate"]);
    home.run(&["catalog", "list", "--count"]).with_code(0).says(&["603 actions and 77 triggers in all"]);
    let of_one = home.run(&["catalog", "list", "--connector", "schedule_it", "--json"]).with_code(0).objects();
    assert_eq!(counted[0]["connectors"]["schedule_it"]["actions"], of_one.len());
    home.run(&["catalog", "list", "--connector", "nobody"])
        .with_code(1)
        .warns(&["There are desktop, files, highlevel, mail, schedule_it."]);
    home.run(&["catalog", "search", "add", "tag"]).with_code(0).says(&["highlevel.contacts.add-tags"]);
    home.run(&["catalog", "search", "zzzzqqqq"]).with_code(1);
    home.run(&["catalog", "show", "highlevel.contacts.create-contact"]).with_code(0).says(&[
        "Create contact",
        "POST /contacts/",
        "firstName",
        "by the account",
        "Scopes     contacts.write",
        "Repeating",
    ]);
    let shown = home.run(&["catalog", "show", "highlevel.contacts.create-contact", "--json"]).with_code(0).objects();
    assert_eq!((&shown[0]["service"], &shown[0]["operation"]["method"]), (&json!("HighLevel"), &json!("POST")));
    home.run(&["catalog", "show", "highlevel.contacts.create-contacts"]).with_code(1).warns(&["There is no operation"]);
}

#[test]
fn a_document_is_imported_and_its_faults_are_counted() {
    let home = Home::new();
    let document = json!({
        "openapi": "3.0.0",
        "info": { "title": "Pets", "version": "1" },
        "servers": [{ "url": "https://pets.example/api" }],
        "paths": { "/pets/{id}": { "get": { "operationId": "getPet", "responses": { "200": { "description": "A pet" } } } } },
    });
    home.write("pets.json", &document.to_string());
    let import = ["catalog", "import", "pets.json", "--connector", "pets", "--output"];
    let ended = home.run(&[&import[..], &["-"]].concat()).with_code(0).warns(&["1 operation", "tolerated"]);
    let connector: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((&connector["id"], &connector["operations"][0]["path"]), (&json!("pets"), &json!("/pets/{id}")));
    home.run(&[&import[..], &["out.json"]].concat()).with_code(0);
    assert_eq!(fs::read_to_string(home.path("out.json")).expect("a file"), ended.stdout);
    home.run(&["catalog", "show", "pets.pets.getPet"]).with_code(1);
    home.write("none.json", "{}");
    home.run(&["catalog", "import", "none.json", "--connector", "pets"]).with_code(3).warns(&["not an OpenAPI 3 document"]);
    for taken in ["Pets!", "highlevel", ""] {
        home.run(&["catalog", "import", "pets.json", "--connector", taken]).with_code(3).warns(&["--connector another name"]);
    }
}

#[test]
fn an_imported_service_is_there_for_every_verb_until_it_is_removed() {
    let home = Home::new();
    let document = json!({
        "openapi": "3.0.0",
        "info": { "title": "Pets", "version": "1" },
        "servers": [{ "url": "https://pets.example/api" }],
        "components": { "securitySchemes": { "key": { "type": "apiKey", "in": "header", "name": "X-Pet-Key" } } },
        "paths": { "/pets/{id}": { "get": { "operationId": "getPet", "responses": { "200": { "description": "A pet" } } } } },
    });
    home.write("pets.json", &document.to_string());
    let flow = json!({"flowyard": 1, "id": "pets", "name": "Pets", "slots": {"shop": "pets"}, "nodes": {
        "go": {"name": "Go", "kind": "trigger", "trigger": "manual"},
        "get": {"name": "Get", "kind": "action", "operation": "pets.pets.getPet", "slot": "shop", "input": {"id": {"value": "1"}}},
    }, "edges": [{"from": "go", "port": "out", "to": "get"}]});
    home.write("pets.flowyard", &flow.to_string());
    home.run(&["check", "pets.flowyard"]).with_code(3);
    home.run(&["catalog", "import", "pets.json", "--connector", "pets"]).with_code(0).warns(&[
        "1 operation",
        "Kept in",
        "https://pets.example/api",
        "a key in X-Pet-Key",
    ]);
    home.run(&["catalog", "show", "pets.pets.getPet"]).with_code(0).says(&["Get the pet <id>", "GET /pets/{id}"]);
    home.run(&["catalog", "list", "--connector", "pets"]).with_code(0).says(&["pets.pets.getPet"]);
    home.run(&["catalog", "search", "pet"]).with_code(0).says(&["pets.pets.getPet"]);
    home.run(&["check", "pets.flowyard"]).with_code(0);
    // A connection of the kind that the document states.
    let shop = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base_url = format!("http://{}", shop.local_addr().expect("an address"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = shop.accept().expect("a caller");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a request");
            head.extend(byte);
        }
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"id\": \"1\"}\n";
        stream.write_all(answer.as_bytes()).expect("an answer");
        String::from_utf8(head).expect("text")
    });
    let connections = json!([{"id": "shop", "connector": "pets", "base_url": base_url, "secret_env": {"token": "PET_KEY"}}]);
    home.write("data/connections.json", &connections.to_string());
    home.run_with(&["run", "pets.flowyard"], &[("PET_KEY", "k-123")], "").with_code(0);
    let asked = asked.join().expect("an answer was given").to_lowercase();
    assert!(asked.starts_with("get /pets/1 ") && asked.contains("x-pet-key: k-123"), "{asked}");
    home.run(&["catalog", "remove", "highlevel"]).with_code(2).warns(&["comes with Flowyard"]);
    home.run(&["catalog", "remove", "pest"]).with_code(1).warns(&["There are pets."]);
    let removed = home.run(&["catalog", "remove", "pets"]).with_code(0).says(&["\"pets\" is removed"]);
    assert!(
        removed.stderr.contains("1 connection: \"shop\"") && removed.stderr.contains("1 flow: \"Pets\""),
        "{}",
        removed.stderr
    );
    home.run(&["check", "pets.flowyard"]).with_code(3);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::new();
    let ended = home.run_unread(&["catalog", "list", "--json"]).with_code(0);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    home.write("a.flowyard", &new_contact());
    home.run_unread(&["run", "a.flowyard", "--sandbox"]).with_code(0);
    home.run(&["log", "list", "--sandbox"]).with_code(0).says(&["succeeded"]);
}
