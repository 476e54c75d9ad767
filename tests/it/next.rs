//! Schedules on the command line: when they come next, and what `serve` says of them.
use serde_json::{Value, json};

use crate::support::binary::Home;

fn flow(rule: &str, zone: &str) -> String {
    let file = json!({
        "flowyard": 1,
        "id": "clock",
        "name": "By the clock",
        "slots": {},
        "nodes": {
            "tick": { "name": "Tick", "kind": "trigger", "trigger": "schedule", "rule": rule, "zone": zone },
            "say": { "name": "Say", "kind": "log", "message": { "text": "It is {{ tick.time }}" } }
        },
        "edges": [{ "from": "tick", "port": "out", "to": "say" }],
    });
    serde_json::to_string_pretty(&file).expect("JSON")
}

#[test]
fn the_next_times_are_told_in_words_and_as_json() {
    let home = Home::new();
    home.write("a.flowyard", &flow("0 9 * * 1-5", "Europe/Berlin"));
    let told = home
        .run(&["next", "a.flowyard", "-n", "3"])
        .with_code(0)
        .says(&["Tick: At 9:00 on weekdays, Europe/Berlin", ", 09:00 +0"]);
    assert_eq!(told.stdout.lines().count(), 4);
    let told = home.run(&["next", "a.flowyard", "--json"]).with_code(0).objects();
    assert_eq!(told.len(), 10);
    let times: Vec<jiff::Timestamp> =
        told.iter().map(|it| it["at"].as_str().expect("a time").parse().expect("RFC 3339")).collect();
    assert!(times.is_sorted() && times[0] > jiff::Timestamp::now(), "{times:?}");
    let about = |it: &Value| (it["flow"].clone(), it["node"].clone(), it["time"].clone(), it["zone"].clone());
    assert!(
        told.iter().all(|it| about(it) == (json!("clock"), json!("tick"), json!("09:00"), json!("Europe/Berlin"))),
        "{told:?}"
    );
    assert!(told.iter().all(|it| it["weekday"] != "Saturday" && it["weekday"] != "Sunday"), "{told:?}");
}

#[test]
fn a_schedule_that_cannot_be_read_is_said_with_its_place_and_what_would_be() {
    let home = Home::new();
    home.write("a.flowyard", &flow("every wekday at 9:00", "Europe/Berlin"));
    home.run(&["check", "a.flowyard"]).with_code(3).says(&["rule", "\"wekday\" is not understood here", "weekday"]);
    home.run(&["next", "a.flowyard"]).with_code(3).warns(&[
        "Tick",
        "\"wekday\" is not understood here",
        "Did you mean \"weekday\"?",
    ]);
    home.write("b.flowyard", &flow("every weekday at 9:00", "Europe/Berlim"));
    home.run(&["check", "b.flowyard"]).with_code(3).says(&["zone", "Europe/Berlin"]);
}

#[test]
fn a_flow_without_a_schedule_says_that_nothing_starts_it_by_the_clock() {
    let home = Home::new();
    let plain = json!({ "flowyard": 1, "id": "p", "name": "Plain", "slots": {}, "nodes": {}, "edges": [] });
    home.write("p.flowyard", &plain.to_string());
    home.run(&["next", "p.flowyard"]).with_code(0).warns(&["\"Plain\" has no schedule"]);
}

#[test]
fn serving_names_the_next_times_of_each_schedule() {
    let home = Home::new();
    home.write("a.flowyard", &flow("every weekday at 9:00", "Europe/Berlin"));
    let serving = home.spawn(&["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--sandbox", "--json"]);
    let first: Value = serde_json::from_str(&serving.line()).expect("JSON");
    assert_eq!((&first["event"], &first["flow"], &first["node"]), (&json!("schedule"), &json!("clock"), &json!("tick")));
    assert_eq!((&first["rule"], first["next"].as_array().map(Vec::len)), (&json!("every weekday at 9:00"), Some(3)));
    serving.stop().warns(&["Serving 1 flow"]);
}

#[test]
fn a_test_of_a_flow_gets_one_of_its_times() {
    let home = Home::new();
    home.write("a.flowyard", &flow("every Tuesday at 9:30", "Europe/Berlin"));
    home.run(&["run", "a.flowyard", "--sandbox"]).with_code(0).says(&["It is 09:30"]);
}

#[test]
fn a_letter_of_the_sandbox_is_kept_and_reaches_nobody() {
    let home = Home::new();
    let file = json!({
        "flowyard": 1,
        "id": "letter",
        "name": "A letter",
        "slots": { "mail": "mail" },
        "nodes": {
            "start": { "name": "Start", "kind": "trigger", "trigger": "manual" },
            "send": { "name": "Send", "kind": "action", "operation": "mail.letters.send-mail", "slot": "mail", "input": {
                "to": { "value": "ann@x.example, bo@x.example" }, "subject": { "value": "Hello" }
            } },
            "say": { "name": "Say", "kind": "log", "message": { "text": "{{ send.accepted | join(' and ') }}: {{ send.answer }}" } }
        },
        "edges": [{ "from": "start", "port": "out", "to": "send" }, { "from": "send", "port": "out", "to": "say" }],
    });
    home.write("a.flowyard", &file.to_string());
    home.run(&["run", "a.flowyard", "--sandbox"])
        .with_code(0)
        .says(&["ann@x.example and bo@x.example: 250 2.0.0 kept", "Kept a letter to ann@x.example, bo@x.example"]);
}

#[test]
fn a_connection_to_a_mail_server_has_its_own_kind_of_address() {
    let home = Home::new();
    let add = |url: &str, service: &str| home.run(&["connect", "add", service, "--kind", "none", "--base-url", url]);
    add("smtps://smtp.example.com:465", "mail").with_code(0).says(&["Added mail"]);
    assert_ne!(add("https://smtp.example.com", "mail").code, 0);
    assert_ne!(add("smtps://smtp.example.com", "schedule_it").code, 0);
}

#[test]
fn the_next_birthday_is_told_once_the_service_was_looked_at() {
    let home = Home::new();
    let date = json!({ "field": "dateOfBirth", "name": "Date of birth", "yearly": true, "at": "9:00", "zone": "Europe/Berlin" });
    let file = json!({
        "flowyard": 1, "id": "birthdays", "name": "Birthdays", "slots": { "crm": "highlevel" },
        "nodes": {
            "comes": { "name": "A birthday comes", "kind": "trigger", "trigger": "event", "event": "highlevel.poll.contact-date",
                "slot": "crm", "watch": { "ahead": "3 days", "date": date } },
            "say": { "name": "Say", "kind": "log", "message": { "text": "{{ comes.firstName }}" } }
        },
        "edges": [{ "from": "comes", "port": "out", "to": "say" }],
    });
    home.write("a.flowyard", &file.to_string());
    let words = "3 days before \"Date of birth\", each year at 9:00, Europe/Berlin";
    home.run(&["next", "a.flowyard", "--sandbox"]).with_code(0).says(&[words, "No time is known yet"]);
    let serving = home.spawn(&["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--sandbox", "--json"]);
    // It is known once the first look has ended.
    let ask = || home.run(&["next", "a.flowyard", "--sandbox", "--json"]).with_code(0).objects();
    let told = (0..1_000).map(|_| ask()).find(|it| !it.is_empty()).expect("a look");
    serving.stop();
    let at = told[0]["at"].as_str().expect("a time");
    // One was born on 12 May.
    assert!(at.contains("-05-09T09:00:00+02:00"), "{at}");
    assert_eq!((told.len(), &told[0]["node"], &told[0]["words"]), (1, &json!("comes"), &json!(words)));
    home.run(&["next", "a.flowyard", "--sandbox"]).with_code(0).says(&["9 May", "of \"highlevel\""]);
}
