//! One flow for several accounts, what it may do there, and why it was refused; on the real binary.
use serde_json::{Value, json};

use crate::connect::{creating, key, of, sandbox};
use crate::support::binary::{Home, request};
use crate::support::files::flow_file;

/// A flow that a hook starts, which writes to HighLevel.
fn hooked() -> String {
    let nodes = json!({
        "hook": { "name": "Hook", "kind": "trigger", "trigger": "webhook", "path": "in" },
        "create": {
            "name": "Create", "kind": "action", "operation": "highlevel.contacts.create-contact", "slot": "crm",
            "input": { "firstName": { "expr": "hook.body.name", "missing": { "default": "Nobody" } } },
        },
    });
    flow_file("hooked", &nodes, &["hook -> create"])
}

/// Makes a connection to the sandbox; its secret is in the encrypted file.
fn connect(home: &Home, vault: &[(&str, &str); 1], access: &Value, id: &str, location: &str) {
    let account = format!("location_id={location}");
    let (base_url, token) = (of(access, "/highlevel/base_url"), of(access, "/highlevel/token"));
    let args = ["connect", "add", "highlevel", "--id", id, "--account", &account, "--base-url", &base_url, "--secret-stdin"];
    home.run_with(&args, vault, &token).with_code(0);
}

#[test]
fn a_flow_that_is_bound_to_two_accounts_runs_for_each_on_its_own() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    let (_sandbox, access) = sandbox(&home);
    let location = of(&access, "/highlevel/location_id");
    connect(&home, &vault, &access, "berlin", &location);
    connect(&home, &vault, &access, "paris", &location);
    home.write("a.flowyard", &hooked());
    // Which of them is not said yet.
    home.run_with(&["run", "a.flowyard"], &vault, "").with_code(6).warns(&["Several connections to HighLevel"]);
    home.run_with(&["connect", "bind", "a.flowyard", "crm=berlin,nowhere"], &vault, "").with_code(1).warns(&["\"nowhere\""]);
    home.run_with(&["connect", "bind", "a.flowyard", "crm=berlin,paris"], &vault, "").with_code(0).says(&["crm: berlin, paris"]);
    home.run_with(&["connect", "list"], &vault, "").with_code(0).says(&["hooked"]);
    let run = home.run_with(&["run", "a.flowyard"], &vault, "").with_code(6);
    run.warns(&["The slot \"crm\" is bound to several connections", "--bind crm=berlin"]);

    let serve = home.spawn_with(&["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--json"], &vault);
    let hooks: Vec<Value> = (0..2).map(|_| serde_json::from_str(&serve.line()).expect("JSON")).collect();
    let flows: Vec<&str> = hooks.iter().filter_map(|it| it["flow"].as_str()).collect();
    assert_eq!(flows, ["hooked@berlin", "hooked@paris"]);
    for hook in &hooks {
        let url = hook["url"].as_str().expect("an address");
        assert!(url.ends_with("/hooks/in/berlin") || url.ends_with("/hooks/in/paris"), "{url}");
        let (status, _) = request("POST", url, &[], r#"{"name":"Ann"}"#);
        assert_eq!(status, 202);
    }
    serve.stop();
    let listed = home.run_with(&["log", "list", "--json"], &vault, "").with_code(0).objects();
    let mut done: Vec<_> = listed.iter().filter(|it| it["flow"].as_str().is_some_and(|it| it.starts_with("hooked@"))).collect();
    done.sort_by_key(|it| it["flow"].to_string());
    assert_eq!(done.iter().map(|it| it["flow"].clone()).collect::<Vec<_>>(), ["hooked@berlin", "hooked@paris"]);
    // One account is chosen for a single run, and the binding goes.
    home.run_with(&["run", "a.flowyard", "--bind", "crm=paris"], &vault, "").with_code(0);
    home.run_with(&["connect", "bind", "a.flowyard", "--unbind", "crm"], &vault, "").with_code(0).says(&["crm: not bound"]);
}

/// Reads a calendar that was chosen by this name on another account.
fn reading(name: &str) -> String {
    let nodes = json!({
        "start": { "name": "Start", "kind": "trigger", "trigger": "manual", "sample": null },
        "read": {
            "name": "Read it", "kind": "action", "operation": "highlevel.calendars.get-calendar", "slot": "crm",
            "input": { "calendarId": { "value": "id-of-elsewhere", "names": [name] } },
        },
    });
    flow_file("reading", &nodes, &["start -> read"])
}

#[test]
fn what_an_account_lacks_of_what_was_chosen_by_name_is_shown_before_a_run_and_told_in_it() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    let (_sandbox, access) = sandbox(&home);
    connect(&home, &vault, &access, "crm", &of(&access, "/highlevel/location_id"));
    home.write("a.flowyard", &reading("Yoga at dawn"));
    let checked = home.run_with(&["connect", "bind", "a.flowyard", "--check"], &vault, "").with_code(1);
    checked.says(&["✗ crm, Calendar of \"Read it\": Yoga at dawn: \"Yoga at dawn\" is not there"]);
    let run = home.run_with(&["run", "a.flowyard"], &vault, "").with_code(1);
    run.warns(&["has nothing called \"Yoga at dawn\" for Calendar"]);
    let called = home.run_with(&["log", "show", "1", "--json"], &vault, "").with_code(0).objects().remove(0);
    let url = called["exchanges"][0]["exchange"]["request"]["url"].as_str().expect("the list was read").to_owned();
    assert!(url.contains("/calendars/?"), "{url}");
}

#[test]
fn what_steps_need_is_shown_and_a_refusal_is_explained() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    let running = home.spawn(&["sandbox", "--json", "--scope", "locations.readonly", "--scope", "contacts.readonly"]);
    let access: Value = serde_json::from_str(&running.line()).expect("JSON");
    connect(&home, &vault, &access, "crm", &of(&access, "/highlevel/location_id"));
    home.write("a.flowyard", &hooked());
    home.run_with(&["connect", "scopes", "crm", "a.flowyard"], &vault, "")
        .with_code(0)
        .says(&["? contacts.write", "\"Create\" of"]);
    let needed =
        home.run_with(&["connect", "scopes", "crm", "a.flowyard", "--json"], &vault, "").with_code(0).objects().remove(0);
    // A lost call is looked up by reading.
    let scopes: Vec<&str> = needed["needed"].as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(scopes, ["contacts.readonly", "contacts.write"]);

    home.run_with(&["connect", "why", "1"], &vault, "").with_code(5);
    home.run_with(&["run", "a.flowyard", "--json"], &vault, "").with_code(1);
    let why = home.run_with(&["connect", "why", "1"], &vault, "").with_code(0);
    why.says(&["✓ Secret", "✓ Token", "✗ Scope", "it needs contacts.write", "HighLevel says: The token is not authorized"]);
    let why = home.run_with(&["connect", "why", "1", "create", "--json"], &vault, "").with_code(0).objects().remove(0);
    assert_eq!((&why["why"]["proved"], &why["connection"]), (&json!(true), &json!("crm")));
    home.run_with(&["connect", "why", "1", "Nobody"], &vault, "").with_code(1).warns(&["made no call in a step \"Nobody\""]);
    // Another secret than the account's: the token itself is found to be wrong.
    home.run_with(&["connect", "rotate", "crm", "--secret-stdin"], &vault, "not-the-token-of-anybody").with_code(0);
    let why = home.run_with(&["connect", "why", "1"], &vault, "").with_code(0);
    why.says(&["✗ Token", "connect rotate crm"]);
}

#[test]
fn what_an_account_lacks_is_made_there_once_it_is_agreed_to() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    let (_sandbox, access) = sandbox(&home);
    connect(&home, &vault, &access, "crm", &of(&access, "/highlevel/location_id"));
    home.write("a.flowyard", &reading("Yoga at dawn"));
    let check = |more: &[&str]| home.run_with(&[&["connect", "bind", "a.flowyard", "--check"], more].concat(), &vault, "");
    check(&[]).with_code(1).warns(&["--check --create"]);
    check(&["--create"]).with_code(2).says(&["would make the calendar \"Yoga at dawn\"", "name: Yoga at dawn"]).warns(&["--yes"]);
    check(&["--create", "--yes"]).with_code(0).says(&["✓ \"Yoga at dawn\" is there now"]);
    check(&[]).with_code(0).says(&["✓ crm, Calendar of \"Read it\": Yoga at dawn (another one of that name)"]);
    // What a service cannot be asked to make is said to be for a person.
    let nodes = json!({
        "start": { "name": "Start", "kind": "trigger", "trigger": "manual", "sample": null },
        "deal": {
            "name": "Deal", "kind": "action", "operation": "highlevel.opportunities.create-opportunity", "slot": "crm",
            "input": { "pipelineId": { "value": "of-elsewhere", "names": ["Sales of elsewhere"] }, "name": { "value": "A" } },
        },
    });
    home.write("b.flowyard", &flow_file("dealing", &nodes, &["start -> deal"]));
    let made = home.run_with(&["connect", "bind", "b.flowyard", "--check", "--create", "--yes"], &vault, "").with_code(1);
    made.says(&["\"Sales of elsewhere\" is for a person to make", "HighLevel has no request that makes pipelines"]);
}

#[test]
fn another_environment_has_its_own_connections_bindings_and_log() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    let (_sandbox, access) = sandbox(&home);
    let location = of(&access, "/highlevel/location_id");
    let account = format!("location_id={location}");
    let (base_url, token) = (of(&access, "/highlevel/base_url"), of(&access, "/highlevel/token"));
    let args = ["connect", "add", "highlevel", "--id", "try", "--account", &account, "--base-url", &base_url, "--secret-stdin"];
    home.run_with(&[&args[..], &["--environment", "staging"]].concat(), &vault, &token).with_code(0);
    home.run_with(&[&args[..], &["--environment", "../x"]].concat(), &vault, &token).with_code(3).warns(&["64 letters"]);
    home.write("a.flowyard", &creating());
    // Live, nothing is there; and what is elsewhere is said, and never taken.
    let run = home.run_with(&["run", "a.flowyard"], &vault, "").with_code(6);
    run.warns(&["No connection to HighLevel", "There is one in the environment staging"]);
    let run = home.run_with(&["run", "a.flowyard", "--bind", "crm=try"], &vault, "").with_code(6);
    run.warns(&["belongs to the environment staging, and this is for live"]);
    home.run_with(&["connect", "bind", "a.flowyard", "crm=try"], &vault, "").with_code(2).warns(&["--environment staging"]);
    let bound = home.run_with(&["connect", "bind", "a.flowyard", "crm=try", "--environment", "staging"], &vault, "");
    bound.with_code(0).says(&["crm: try"]);
    home.run_with(&["connect", "bind", "a.flowyard"], &vault, "").with_code(0).says(&["(also bound in staging)"]);
    let run = home.run_with(&["run", "a.flowyard", "--environment", "staging"], &vault, "").with_code(0);
    run.warns(&["in the environment staging"]);
    // Its runs are in a log of their own.
    home.run_with(&["log", "list"], &vault, "").with_code(1).warns(&["Nothing is logged"]);
    let listed = home.run_with(&["log", "list", "--environment", "staging", "--json"], &vault, "").with_code(0).objects();
    assert_eq!((listed.len(), &listed[0]["mode"]), (1, &json!("live")));
    home.run_with(&["connect", "list"], &vault, "").with_code(0).says(&["staging", "creating (staging)"]);
    let live = home.run_with(&["connect", "list", "--environment", "live", "--json"], &vault, "").with_code(0).objects();
    assert!(live.is_empty(), "{live:?}");
    home.run_with(&["run", "a.flowyard", "--sandbox", "--environment", "staging"], &vault, "").with_code(2);
}

#[test]
fn why_a_sandbox_refused_a_step_is_looked_into_on_a_sandbox() {
    let home = Home::new();
    home.write("a.flowyard", &creating());
    home.run_with(&["run", "a.flowyard", "--sandbox", "--fault", "forbidden=1"], &[], "").with_code(1);
    let why = home.run_with(&["connect", "why", "1", "--sandbox"], &[], "").with_code(0);
    why.says(&["on \"highlevel\"", "✓ Secret", "✓ Token", "? Permission"]);
}
