//! Flows that are live: published with what speaks for them, switched on and off while `serve` is at work; on the real binary.
use serde_json::{Value, json};

use crate::connect::{key, of, sandbox};
use crate::support::binary::{Home, request};
use crate::support::files::flow_file;

/// A hook that answers a word.
fn answering(word: &str) -> String {
    let nodes = json!({
        "hook": { "name": "Hook", "kind": "trigger", "trigger": "webhook", "path": "in", "answer": "flow" },
        "say": { "name": "Say", "kind": "respond", "status": { "value": 200 }, "body": { "value": { "word": word } } },
    });
    let mut flow: Value = serde_json::from_str(&flow_file("answering", &nodes, &["hook -> say"])).expect("JSON");
    flow["slots"] = json!({});
    flow.to_string()
}

fn ask(address: &str) -> (u16, Value) {
    request("POST", &format!("{address}/hooks/in"), &[], "{}")
}

#[test]
fn what_is_live_is_what_was_published_whatever_becomes_of_the_draft() {
    let home = Home::new();
    home.write("a.flowyard", &answering("one"));
    // Not without evidence.
    home.run(&["publish", "a.flowyard"]).with_code(3).warns(&["has not run in the sandbox as it is now", "--untested"]);
    home.run(&["run", "a.flowyard", "--sandbox"]).with_code(0);
    home.run(&["publish", "a.flowyard"]).with_code(0).warns(&["was not live before", "✓ As it is now", "is live and on"]);
    home.run(&["flows"]).with_code(0).says(&["answering", "on", "as it is live"]);
    let serve = home.spawn(&["serve", "--listen", "127.0.0.1:0", "--json"]);
    let hook: Value = serde_json::from_str(&serve.line()).expect("JSON");
    let address = hook["url"].as_str().expect("an address").trim_end_matches("/hooks/in").to_owned();
    assert_eq!(ask(&address), (200, json!({"word": "one"})));
    // The draft is something else, and nothing live is.
    home.write("a.flowyard", &answering("two"));
    assert_eq!(ask(&address), (200, json!({"word": "one"})));
    home.run(&["flows"]).with_code(0).says(&["1 change"]);
    let told = home.run(&["publish", "a.flowyard", "--check"]).with_code(0);
    told.warns(&["1 change to what is live", "\"Say\": fills body otherwise", "✗ As it is now"]);
    home.run(&["publish", "a.flowyard", "--untested"]).with_code(0).warns(&["it runs 1 flow now"]);
    assert_eq!(ask(&address), (200, json!({"word": "two"})));
    home.run(&["off", "answering"]).with_code(0).warns(&["is off", "it runs 0 flows now"]);
    assert_eq!(ask(&address).0, 404);
    home.run(&["on", "a.flowyard"]).with_code(0).warns(&["is on"]);
    assert_eq!(ask(&address), (200, json!({"word": "two"})));
    home.run(&["off", "answering", "--withdraw"]).with_code(0);
    home.run(&["off", "answering"]).with_code(3).warns(&["\"answering\" is not published"]);
    serve.stop();
}

#[test]
fn a_flow_without_its_connection_goes_live_only_once_it_has_one() {
    let home = Home::new();
    let key = key(&home);
    let vault = [("FLOWYARD_VAULT_KEY_FILE", key.as_str())];
    let nodes = json!({
        "new": {
            "name": "New contact", "kind": "trigger", "trigger": "event", "event": "highlevel.poll.contact-created", "slot": "crm",
            "watch": { "every": "5 s" },
        },
        "tag": {
            "name": "Tag", "kind": "action", "operation": "highlevel.contacts.add-tags", "slot": "crm",
            "input": { "contactId": { "expr": "new.id" }, "tags": { "value": ["welcome"] } },
        },
    });
    home.write("a.flowyard", &flow_file("welcome", &nodes, &["new -> tag"]));
    home.run_with(&["publish", "a.flowyard", "--untested"], &vault, "").with_code(6).warns(&["No connection to HighLevel"]);
    let (_sandbox, access) = sandbox(&home);
    let account = format!("location_id={}", of(&access, "/highlevel/location_id"));
    let base_url = of(&access, "/highlevel/base_url");
    let args = ["connect", "add", "highlevel", "--id", "crm", "--account", &account, "--base-url", &base_url, "--secret-stdin"];
    home.run_with(&args, &vault, &of(&access, "/highlevel/token")).with_code(0);
    home.run_with(&["publish", "a.flowyard", "--untested"], &vault, "")
        .with_code(0)
        .warns(&["Its connections are there: crm is"]);
    let serve = home.spawn_with(&["serve", "--listen", "127.0.0.1:0", "--json"], &vault);
    let waits: Value = serde_json::from_str(&serve.line()).expect("JSON");
    assert_eq!((&waits["event"], &waits["way"]), (&json!("waits"), &json!("poll")));
    // A person adds a contact at the service; the flow finds it and tags it.
    let bearer = format!("Bearer {}", of(&access, "/highlevel/token"));
    let headers = [("authorization", &*bearer), ("version", "2021-07-28"), ("content-type", "application/json")];
    let contact = json!({"locationId": of(&access, "/highlevel/location_id"), "firstName": "Ada"}).to_string();
    let (status, made) = request("POST", &format!("{base_url}/contacts/"), &headers, &contact);
    assert_eq!(status, 201, "{made}");
    let url = format!("{base_url}/contacts/{}", made["contact"]["id"].as_str().expect("an id"));
    // By the log: asking the service over and over would use up what it allows.
    let runs = || {
        let listed = home.run_with(&["log", "list", "--json"], &vault, "").with_code(0).objects();
        listed.into_iter().filter(|it| it["flow"] == "welcome").collect::<Vec<_>>()
    };
    let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !runs().iter().any(|it| !it["finished"].is_null()) {
        assert!(std::time::Instant::now() < until, "it was never found");
    }
    assert_eq!(request("GET", &url, &headers, "").1["contact"]["tags"], json!(["welcome"]));
    let listed = runs();
    assert_eq!((listed.len(), &listed[0]["started_by"]["via"]), (1, &json!("poll")));
    let number = listed[0]["id"].to_string();
    home.run_with(&["log", "show", &number], &vault, "").with_code(0).says(&["Started by a look at the service"]);
    let flows = home.run_with(&["flows", "--json"], &vault, "").with_code(0).objects();
    let look = &flows[0]["looks"][0];
    assert_eq!((&look["connection"], &look["event"]), (&json!("crm"), &json!("highlevel.poll.contact-created")), "{flows:?}");
    home.run_with(&["flows"], &vault, "").with_code(0).warns(&["on crm: looked at", "; next "]);
    serve.stop();
    assert_eq!(runs().len(), 1);
}
