//! Connections from outside: made, listed, tried, given another secret and removed by the real binary, with their secrets in an
//! encrypted file, and used by runs.
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::binary::{Home, Running, request, text};
use crate::support::files::flow_file;

const TOKEN: &str = "canary-token-0123456789abcdef";

/// A key to the encrypted file, and the variable that names it.
pub(crate) fn key(home: &Home) -> String {
    home.run(&["connect", "key", "key"]).with_code(0).says(&["Made key"]);
    text(&home.path("key")).to_owned()
}

/// The sandbox as another process, and how it is signed in to.
pub(crate) fn sandbox(home: &Home) -> (Running, Value) {
    let running = home.spawn(&["sandbox", "--json"]);
    let access = serde_json::from_str(&running.line()).expect("JSON");
    (running, access)
}

pub(crate) fn of(access: &Value, path: &str) -> String {
    access.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}")).to_owned()
}

/// Asks until it is so; each question is a process, which takes its time.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
    }
}

fn connections(home: &Home) -> Value {
    serde_json::from_str(&fs::read_to_string(home.path("data/connections.json")).expect("the file")).expect("JSON")
}

#[test]
fn a_connection_is_made_tried_listed_renamed_and_removed_with_its_secret() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    let (_sandbox, access) = sandbox(&home);
    let token = of(&access, "/highlevel/token");
    let account = format!("location_id={}", of(&access, "/highlevel/location_id"));
    let base_url = of(&access, "/highlevel/base_url");
    let args = [
        "connect",
        "add",
        "highlevel",
        "--id",
        "crm",
        "--name",
        "Main account",
        "--account",
        &account,
        "--base-url",
        &base_url,
        "--zone",
        "Europe/London",
        "--secret-stdin",
    ];
    home.run_with(&args, &vault, &format!("{token}\n"))
        .with_code(0)
        .says(&["Added crm (Main account); its secret is in the encrypted file vault.age"]);
    home.run_with(&args, &vault, "x").with_code(3).warns(&["There is a connection \"crm\" already", "connect rotate crm"]);
    // The calendar signs in by user and password, out of a variable.
    let (user, password) = (of(&access, "/schedule_it/user"), of(&access, "/schedule_it/password"));
    let base_url = of(&access, "/schedule_it/base_url");
    let args = ["connect", "add", "schedule_it", "--base-url", &base_url, "--user", &user, "--secret-env", "PASSWORD", "--json"];
    let variables = [vault[0], ("PASSWORD", password.as_str())];
    let added = home.run_with(&args, &variables, "").with_code(0).objects().remove(0);
    assert_eq!(
        (&added["connection"]["id"], &added["secret_in"]),
        (&json!("schedule_it"), &json!("the encrypted file vault.age"))
    );
    let added = home.run_with(&args, &variables, "").with_code(0).objects().remove(0);
    assert_eq!(added["connection"]["id"], "schedule_it-2");

    let tried = home.run_with(&["connect", "test", "crm"], &vault, "").with_code(0);
    tried.says(&["✓ HighLevel answered \"Get location\"", ": "]);
    let tried = home.run_with(&["connect", "test", "schedule_it", "--json"], &vault, "").with_code(0).objects().remove(0);
    assert_eq!((&tried["works"], &tried["operation"]), (&json!(true), &json!("List groups")));

    let listed = home.run_with(&["connect", "list"], &vault, "").with_code(0);
    listed.says(&["crm", "Main account", "HighLevel", "bearer", &account, "Europe/London", "ready", "schedule_it-2", "basic"]);
    let listed = home.run_with(&["connect", "list", "--json"], &vault, "").with_code(0).objects();
    assert_eq!(listed.len(), 3);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["state"]["state"], &listed[0]["used_by"]),
        (&json!("crm"), &json!("ready"), &json!([]))
    );

    home.run_with(&["connect", "rename", "crm", "New name"], &vault, "").with_code(0).says(&["crm is called New name now"]);
    assert_eq!(connections(&home)[0]["name"], "New name");
    home.run_with(&["connect", "remove", "schedule_it-2"], &vault, "").with_code(0).says(&["Removed schedule_it-2"]);
    home.run_with(&["connect", "remove", "schedule_it-2"], &vault, "")
        .with_code(1)
        .warns(&["There is no connection", "There are crm, schedule_it."]);
    assert_eq!(connections(&home).as_array().map(Vec::len), Some(2));
    // What was removed left nothing behind: the id is free, and its secret is gone.
    let renamed = connections(&home).to_string().replace("\"id\":\"schedule_it\"", "\"id\":\"schedule_it-2\"");
    home.write("data/connections.json", &renamed);
    let listed = home.run_with(&["connect", "list", "--json"], &vault, "").with_code(0).objects();
    assert_eq!(listed[1]["state"]["state"], "reconnect");
}

#[test]
fn runs_use_the_secrets_of_the_vault_and_wait_where_they_cannot_be_had() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    home.write("a.flowyard", &creating());
    let (_sandbox, access) = sandbox(&home);
    let (token, base_url) = (of(&access, "/highlevel/token"), of(&access, "/highlevel/base_url"));
    let account = format!("location_id={}", of(&access, "/highlevel/location_id"));
    let args =
        ["connect", "add", "highlevel", "--id", "crm", "--account", &account, "--base-url", &base_url, "--secret-env", "TOKEN"];
    home.run_with(&args, &[vault[0], ("TOKEN", &token)], "").with_code(0);
    home.run_with(&["run", "a.flowyard"], &vault, "").with_code(0).says(&["✓ Create"]);
    // Without the key, with another one, with a damaged file: the run begins, says why, and waits.
    home.run(&["connect", "key", "other"]).with_code(0);
    let other = text(&home.path("other")).to_owned();
    for (variables, words) in [
        (vec![], "neither its passphrase nor its key file was given"),
        (vec![("FLOWYARD_VAULT_KEY_FILE", other.as_str())], "is not opened by the key file"),
        (vec![("FLOWYARD_VAULT_PASSPHRASE", "wrong")], "is not opened by the passphrase"),
        (vec![("FLOWYARD_VAULT_KEY_FILE", "gone")], "there is no such file"),
    ] {
        let ended = home.run_with(&["run", "a.flowyard"], &variables, "").with_code(4);
        let ended = ended.warns(&["The connection \"crm\" is to be reconnected", words, "must be signed in again"]);
        assert!(!ended.stderr.contains(&token), "{}", ended.stderr);
        home.run_with(&["connect", "list"], &variables, "").with_code(0).says(&["to be reconnected"]).warns(&[words]);
        home.run_with(&["connect", "test", "crm"], &variables, "").with_code(6).warns(&[words]);
    }
    let path = home.path("data/vault.age");
    let whole = fs::read(&path).expect("the vault");
    fs::write(&path, &whole[..whole.len() - 3]).expect("a damaged vault");
    home.run_with(&["run", "a.flowyard"], &vault, "").with_code(4).warns(&["is damaged"]);
    fs::write(&path, &whole).expect("the vault");
    // Another secret lets what waited go on, and what goes wrong with it is told.
    home.run_with(&["connect", "rotate", "crm", "--secret-stdin"], &vault, "").with_code(6).warns(&["the secret is empty"]);
    home.run_with(&["connect", "rotate", "crm", "--secret-stdin"], &vault, TOKEN).with_code(0).says(&["The secret of crm is in"]);
    home.run_with(&["connect", "test", "crm"], &vault, "").with_code(6);
    home.run_with(&["connect", "rotate", "crm", "--secret-stdin"], &vault, &token).with_code(0);
    home.run_with(&["connect", "test", "crm"], &vault, "").with_code(0);
    home.run_with(&["run", "a.flowyard"], &vault, "").with_code(0);
}

/// A flow that writes to HighLevel.
pub(crate) fn creating() -> String {
    let nodes = json!({
        "start": { "name": "Start", "kind": "trigger", "trigger": "manual", "sample": null },
        "create": {
            "name": "Create", "kind": "action", "operation": "highlevel.contacts.create-contact", "slot": "crm",
            "input": { "firstName": { "value": "Ann" } },
        },
    });
    flow_file("creating", &nodes, &["start -> create"])
}

#[test]
fn a_passphrase_does_as_well_as_a_key_file_and_without_both_it_is_said_how() {
    let home = Home::new();
    let args = ["connect", "add", "highlevel", "--secret-stdin"];
    let ended = home.run_with(&args, &[], TOKEN).with_code(6);
    let ended = ended.warns(&[
        "There is no place to keep secrets in",
        "FLOWYARD_VAULT_PASSPHRASE",
        "FLOWYARD_VAULT_KEY_FILE",
        "connect key",
    ]);
    assert!(!ended.stderr.contains("canary") && !home.path("data/connections.json").exists(), "{}", ended.stderr);
    let passphrase = [("FLOWYARD_VAULT_PASSPHRASE", "correct horse battery")];
    home.run_with(&args, &passphrase, TOKEN).with_code(0);
    home.run_with(&["connect", "list"], &passphrase, "").with_code(0).says(&["ready"]);
    home.run_with(&["connect", "list"], &[("FLOWYARD_VAULT_PASSPHRASE", "wrong")], "").with_code(0).says(&["to be reconnected"]);
    home.run_with(&["connect", "list"], &[], "").with_code(0).says(&["to be reconnected"]);
    // Whoever cannot open it adds nothing to it.
    let other = ["connect", "add", "highlevel", "--id", "other", "--secret-stdin"];
    home.run_with(&other, &[("FLOWYARD_VAULT_PASSPHRASE", "wrong")], TOKEN).with_code(6).warns(&["The vault cannot be opened"]);
    assert_eq!(connections(&home).as_array().map(Vec::len), Some(1));
}

#[test]
fn what_cannot_be_added_is_said_before_a_secret_is_asked_for() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    for (args, code, words) in [
        (&["nothing"][..], 1, "The catalogue has no service \"nothing\""),
        (&["highlevel", "--kind", "magic"], 2, "no such way to sign in"),
        (&["highlevel", "--account", "city=x"], 3, "has no \"city\"; it has location_id"),
        (&["highlevel", "--account", "city"], 2, "FIELD=VALUE"),
        (&["highlevel", "--base-url", "http://crm.example"], 3, "http:// is for this machine only"),
        (&["highlevel", "--base-url", "https://ann:canary@crm.example"], 3, "holds a user or a password"),
        (&["highlevel", "--zone", "Mars/Base"], 3, "must be a time zone"),
        (&["highlevel", "--id", "a b"], 3, "an id is at most 64"),
        (&["highlevel", "--id", "a#b"], 3, "an id is at most 64"),
        (&["highlevel", "--agency", "gone"], 1, "There is no connection \"gone\""),
        (&["highlevel", "--kind", "basic", "--header", "X"], 2, "--header is for API keys"),
        (&["highlevel", "--secret", "canary"], 2, "unexpected argument"),
        (&["highlevel"], 2, "There is no terminal to ask for the secret on"),
        (&["highlevel", "--secret-env", "NOT_SET"], 6, "The environment variable NOT_SET is not set"),
        (&["highlevel", "--secret-env", "canary-0123"], 6, "give its name, not the secret"),
        (&["schedule_it", "--secret-stdin"], 6, "the user's name is missing"),
        (&["schedule_it", "--user", "a:b", "--secret-stdin"], 6, "holds a colon"),
    ] {
        let ended = home.run_with(&[&["connect", "add"], args].concat(), &vault, "canary-4711").with_code(code).warns(&[words]);
        let told = ended.stderr.replace("https://ann:canary@crm.example", "").replace("'--secret'", "");
        assert!(
            !told.contains("canary-4711") && !told.contains("canary-0123") && !told.contains("ann:canary"),
            "{args:?}: {told}"
        );
    }
    assert!(!home.path("data/connections.json").exists() && !home.path("data/vault.age").exists());
}

#[test]
fn a_serve_at_work_takes_up_what_changes() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    let (_sandbox, access) = sandbox(&home);
    let (token, base_url) = (of(&access, "/highlevel/token"), of(&access, "/highlevel/base_url"));
    let account = format!("location_id={}", of(&access, "/highlevel/location_id"));
    let add = |id: &str, secret: &str| {
        let args = ["connect", "add", "highlevel", "--id", id, "--account", &account, "--base-url", &base_url, "--secret-stdin"];
        home.run_with(&args, &vault, secret).with_code(0)
    };
    add("crm", TOKEN);
    let nodes = json!({
        "start": { "name": "Start", "kind": "trigger", "trigger": "webhook", "path": "go" },
        "create": {
            "name": "Create", "kind": "action", "operation": "highlevel.contacts.create-contact", "slot": "crm",
            "input": { "firstName": { "value": "Ann" } },
        },
    });
    home.write("a.flowyard", &flow_file("served", &nodes, &["start -> create"]));
    let serving = home.spawn_with(&["serve", "a.flowyard", "--listen", "127.0.0.1:0"], &vault);
    let url = serving.line_with("/hooks/go");
    assert_eq!(request("POST", &url, &[], "{}").0, 202);
    let waits = || home.run(&["log", "list", "--waiting", "--json"]).with_code(0).objects();
    until("the run waits for a sign-in", || waits().len() == 1);
    // The right secret lets it go on, in the process that is at work.
    let rotated = home.run_with(&["connect", "rotate", "crm", "--secret-stdin"], &vault, &token).with_code(0);
    rotated.says(&["The secret of crm is in"]).warns(&["it knows 1 connection now", "1 step that waited for it went on"]);
    until("the run has ended", || {
        home.run(&["log", "list", "--json"]).with_code(0).objects().iter().all(|it| it["finished"].is_string())
    });
    home.run(&["log", "list"]).with_code(0).says(&["succeeded"]);
    add("second", TOKEN).warns(&["it knows 2 connections now"]);
    // A file that cannot be used changes nothing.
    let path = home.path("data/connections.json");
    let good = fs::read_to_string(&path).expect("the file");
    home.write("data/connections.json", "[");
    home.run_with(&["connect", "rename", "crm", "X"], &vault, "").with_code(3).warns(&["The connections cannot be used"]);
    home.write("data/connections.json", &good);
    assert_eq!(request("POST", &url, &[], "{}").0, 202);
    until("the second run has ended", || {
        let runs = home.run(&["log", "list", "--json"]).with_code(0).objects();
        runs.len() == 2 && runs.iter().all(|it| it["outcome"]["outcome"] == "succeeded" || it["outcome"] == "succeeded")
    });
    serving.stop();
}

#[test]
fn a_connection_that_flows_use_is_removed_only_with_a_word() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    home.run_with(&["connect", "add", "highlevel", "--id", "crm", "--secret-stdin"], &vault, TOKEN).with_code(0);
    home.write(
        "data/bindings.json",
        r#"{"welcome": {"live": {"crm": ["crm"]}, "test": {"crm": ["crm"]}}, "other": {"live": {"crm": ["b"]}}}"#,
    );
    home.run_with(&["connect", "list"], &vault, "").with_code(0).says(&["welcome"]);
    home.run_with(&["connect", "remove", "crm"], &vault, "").with_code(2).warns(&["\"crm\" is used by welcome", "--yes"]);
    assert_eq!(connections(&home).as_array().map(Vec::len), Some(1));
    home.run_with(&["connect", "remove", "crm", "--yes"], &vault, "").with_code(0);
    let bindings: Value =
        serde_json::from_str(&fs::read_to_string(home.path("data/bindings.json")).expect("the file")).expect("JSON");
    assert_eq!(bindings, json!({"other": {"live": {"crm": ["b"]}}}));
}

#[test]
fn a_secret_in_the_environment_is_left_there() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str()), ("HL_TOKEN", TOKEN)];
    fs::create_dir_all(home.path("data")).expect("a folder");
    let written = json!([{"id": "crm", "connector": "highlevel", "secret_env": {"token": "HL_TOKEN"}}]).to_string();
    home.write("data/connections.json", &written);
    home.run_with(&["connect", "list"], &vault, "").with_code(0).says(&["ready (from the environment)"]);
    home.run_with(&["connect", "list"], &vault[..1], "").with_code(0).says(&["variable not set"]).warns(&["HL_TOKEN is not set"]);
    home.run_with(&["connect", "rotate", "crm", "--secret-stdin"], &vault, "new")
        .with_code(6)
        .warns(&["not in the vault", "secret_env"]);
    home.run_with(&["connect", "rename", "crm", "A"], &vault, "").with_code(0);
    assert_eq!(connections(&home)[0]["secret_env"]["token"], "HL_TOKEN");
    home.run_with(&["connect", "remove", "crm"], &vault, "").with_code(0);
    assert!(!Path::new(&home.path("data/vault.age")).exists(), "the vault was not touched");
}
