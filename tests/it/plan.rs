//! What a flow would write is said before it does: on the real binary, with a connection to a sandbox of another process, which keeps
//! its own account of what was asked of it.
use std::fs;

use serde_json::{Value, json};

use crate::connect::{key, of, sandbox};
use crate::support::binary::{Home, Running, request};
use crate::support::files::{flow_file, manual};
use crate::support::raw_service::{Raw, RawService};

/// A connection to the sandbox, and a contact that is there already.
struct Stand {
    home: Home,
    _sandbox: Running,
    base_url: String,
    token: String,
    vault: String,
    contact: String,
}

impl Stand {
    fn new() -> Self {
        let home = Home::new();
        let vault = key(&home);
        let (sandbox, access) = sandbox(&home);
        let (base_url, token) = (of(&access, "/highlevel/base_url"), of(&access, "/highlevel/token"));
        let location = of(&access, "/highlevel/location_id");
        let account = format!("location_id={location}");
        let args =
            ["connect", "add", "highlevel", "--id", "crm", "--account", &account, "--base-url", &base_url, "--secret-stdin"];
        home.run_with(&args, &[("FLOWYARD_VAULT_KEY_FILE", vault.as_str())], &token).with_code(0);
        let stand = Self { home, _sandbox: sandbox, base_url, token, vault, contact: String::new() };
        let contact = json!({"locationId": location, "firstName": "Ada", "lastName": "Lovelace"}).to_string();
        let made = stand.service("POST", "/contacts/", &contact);
        let contact = made["contact"]["id"].as_str().expect("an id").to_owned();
        Self { contact, ..stand }
    }

    /// Asks the service itself.
    fn service(&self, method: &str, path: &str, body: &str) -> Value {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", &*bearer), ("version", "2021-07-28")];
        request(method, &format!("{}{path}", self.base_url), &headers, body).1
    }

    fn notes(&self) -> usize {
        self.service("GET", &format!("/contacts/{}/notes", self.contact), "")["notes"].as_array().expect("a list").len()
    }

    fn tags(&self) -> Value {
        self.service("GET", &format!("/contacts/{}", self.contact), "")["contact"]["tags"].clone()
    }

    fn flowyard(&self, args: &[&str]) -> crate::support::binary::Ended {
        self.home.run_with(args, &[("FLOWYARD_VAULT_KEY_FILE", self.vault.as_str())], "")
    }
}

fn action(name: &str, operation: &str, input: &Value) -> Value {
    json!({ "name": name, "kind": "action", "operation": operation, "slot": "crm", "input": input })
}

#[test]
fn what_a_flow_would_write_is_shown_and_only_what_reads_is_sent() {
    let stand = Stand::new();
    let hooks =
        RawService::start(|_| Raw::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_vec()));
    let http = |method: &str, path: &str| json!({ "name": method, "kind": "http", "method": method, "url": { "value": format!("{}{path}", hooks.url) } });
    let nodes = json!({
        "new": {
            "name": "New contact", "kind": "trigger", "trigger": "event", "event": "highlevel.poll.contact-created", "slot": "crm",
        },
        "read": action("Read it", "highlevel.contacts.get-contact", &json!({ "contactId": { "expr": "new.id" } })),
        "note": action("Note", "highlevel.contacts.create-note", &json!({
            "contactId": { "expr": "read.contact.id" }, "body": { "text": "Hello {{ read.contact.firstName }}" },
        })),
        "again": action("Read the note", "highlevel.contacts.get-note", &json!({
            "contactId": { "expr": "new.id" }, "id": { "expr": "note.note.id" },
        })),
        "tag": action("Tag", "highlevel.contacts.add-tags", &json!({
            "contactId": { "expr": "new.id" }, "tags": [{ "expr": "again.note.id" }],
        })),
        "wait": { "name": "Wait", "kind": "wait", "duration": { "value": "3 days" } },
        "ask": { "name": "Ask", "kind": "approval", "message": { "value": "Go on?" } },
        "look": http("GET", "/look"),
        "tell": http("POST", "/tell"),
    });
    let wires = [
        "new -> read",
        "read -> note",
        "note -> again",
        "again -> tag",
        "tag -> wait",
        "wait -> ask",
        "ask.approved -> look",
        "look -> tell",
    ];
    let mut flow: Value = serde_json::from_str(&flow_file("plan", &nodes, &wires)).expect("JSON");
    flow["nodes"]["tag"]["input"]["tags"] = json!({ "list": [{ "expr": "again.note.id" }] });
    stand.home.write("plan.flowyard", &flow.to_string());
    let before = (stand.notes(), stand.tags());
    let told = stand.flowyard(&["run", "plan.flowyard", "--dry-run", "--json"]).with_code(0).objects();
    let plan = &told[0]["plan"];
    assert_eq!(
        (&plan["origin"], &plan["event"]["id"], plan.get("stopped")),
        (&json!("newest"), &json!(stand.contact), None),
        "{plan}"
    );
    let steps: Vec<&str> = plan["writes"].as_array().expect("a list").iter().filter_map(|it| it["step"].as_str()).collect();
    assert_eq!(steps, ["note", "tag", "tell"]);
    let [note, tag, tell] = [0, 1, 2].map(|at| &plan["writes"][at]);
    assert_eq!((&note["request"]["method"], note.get("made_up")), (&json!("POST"), None));
    assert!(note["request"]["body"]["text"].as_str().is_some_and(|it| it.contains("Hello Ada")), "{note}");
    assert!(note["sentence"].as_str().is_some_and(|it| it.starts_with("Would ")), "{note}");
    assert_eq!(
        (&tag["made_up"], &tag["connection"]),
        (&json!(["input.tags"]), &json!("crm")),
        "an id that is known only afterwards"
    );
    assert_eq!(tell["sentence"], json!(format!("Would send POST to {}/tell", hooks.url)));
    assert_eq!(plan["agreed"], json!(["Ask"]));
    let text = plan.to_string();
    assert!(!text.contains(&stand.token), "no secret is in it");
    // The service and the other one know of reads alone, and the log of nothing.
    assert_eq!((stand.notes(), stand.tags()), before);
    assert_eq!(hooks.requests(), ["GET /look HTTP/1.1"]);
    assert!(!stand.home.path("data/journal.db").exists());
    let words = stand.flowyard(&["run", "plan.flowyard", "--dry-run"]).with_code(0);
    words
        .says(&["would make 3 writes", "made up, since it is known only afterwards: tags"])
        .warns(&["Nothing was written", "Taken as agreed to: Ask"]);
    // Publishing shows the same, and is kept back where the flow would not come to its end.
    let published = stand.flowyard(&["publish", "plan.flowyard", "--dry-run", "--untested"]).with_code(0);
    published.says(&["would make 3 writes"]).warns(&["is live and on"]);
    assert_eq!((stand.notes(), stand.tags()), before);
    flow["id"] = json!("lost");
    flow["nodes"]["read"]["input"]["contactId"] = json!({ "value": "nobody" });
    stand.home.write("lost.flowyard", &flow.to_string());
    let kept_back = stand.flowyard(&["publish", "lost.flowyard", "--dry-run", "--untested", "--json"]).with_code(1).objects();
    assert_eq!((&kept_back[0]["published"], kept_back[0]["plan"]["stopped"].is_object()), (&json!(false), true));
    assert!(!fs::read_to_string(stand.home.path("data/published.json")).expect("a list").contains("lost"));
}

#[test]
fn an_event_that_is_given_goes_before_and_what_is_made_up_asks_no_service() {
    let stand = Stand::new();
    let nodes = json!({
        "start": manual(),
        "each": { "name": "Each", "kind": "for_each", "items": { "expr": "start.tags" }, "parallel": 1 },
        "tag": action("Tag", "highlevel.contacts.add-tags", &json!({ "contactId": { "expr": "start.id" }, "tags": { "expr": "[item]" } })),
    });
    stand.home.write("each.flowyard", &flow_file("each", &nodes, &["start -> each", "each.item -> tag"]));
    stand.home.write("event.json", &json!({ "id": stand.contact, "tags": ["a", "b"] }).to_string());
    let before = stand.tags();
    let told = stand.flowyard(&["run", "each.flowyard", "--dry-run", "--input", "event.json", "--json"]).with_code(0).objects();
    let plan = &told[0]["plan"];
    assert_eq!((&plan["origin"], plan["writes"].as_array().map(Vec::len)), (&json!("given"), Some(2)), "{plan}");
    assert_eq!((&plan["writes"][1]["step"], stand.tags()), (&json!("tag[1]"), before));
    // A message that nobody has sent yet is made up, and so is everything that depends on it.
    let nodes = json!({
        "told": {
            "name": "Told", "kind": "trigger", "trigger": "event", "event": "highlevel.webhook.ContactCreate", "slot": "crm",
            "watch": { "reconcile": false },
        },
        "read": action("Read it", "highlevel.contacts.get-contact", &json!({ "contactId": { "expr": "told.id" } })),
        "tag": action("Tag", "highlevel.contacts.add-tags", &json!({ "contactId": { "expr": "read.contact.id" }, "tags": { "value": ["x"] } })),
    });
    stand.home.write("told.flowyard", &flow_file("told", &nodes, &["told -> read", "read -> tag"]));
    let told = stand.flowyard(&["run", "told.flowyard", "--dry-run", "--json"]).with_code(0).objects();
    let plan = &told[0]["plan"];
    assert_eq!(
        (&plan["origin"], &plan["reads"], &plan["writes"][0]["made_up"]),
        (&json!("made_up"), &json!(0), &json!(["input.contactId"]))
    );
}

#[test]
fn a_step_that_reads_back_what_was_not_written_does_not_say_that_the_flow_would_fail() {
    let stand = Stand::new();
    let nodes = |wanted: &str| {
        json!({
            "start": manual(),
            "note": action("Note", "highlevel.contacts.create-note", &json!({
                "contactId": { "value": stand.contact }, "body": { "value": "Hello" },
            })),
            "back": action("Read it back", "highlevel.contacts.get-note", &json!({
                "contactId": { "value": stand.contact }, "id": { "expr": "note.note.id" },
            })),
            "same": { "name": "Is it there?", "kind": "branch", "condition": { "expr": wanted } },
            "wrong": { "name": "Wrong", "kind": "stop", "outcome": "failure", "message": { "value": "It differs" } },
        })
    };
    let wires = ["start -> note", "note -> back", "back -> same", "same.false -> wrong"];
    stand.home.write("back.flowyard", &flow_file("back", &nodes("back.note.dateAdded == 'today'"), &wires));
    let told = stand.flowyard(&["run", "back.flowyard", "--dry-run", "--json"]).with_code(0).objects();
    let plan = &told[0]["plan"];
    assert_eq!((&plan["open"], plan.get("stopped")), (&json!("Is it there?"), None), "{plan}");
    let words = stand.flowyard(&["publish", "back.flowyard", "--dry-run", "--untested"]).with_code(0);
    words.warns(&["Which way it goes at \"Is it there?\" depends on the answers", "is live and on"]);
    // What is known to go the wrong way still keeps it back.
    stand.home.write("back.flowyard", &flow_file("back", &nodes("1 == 2"), &wires));
    let told = stand.flowyard(&["run", "back.flowyard", "--dry-run", "--json"]).with_code(1).objects();
    assert_eq!((told[0]["plan"].get("open"), &told[0]["plan"]["stopped"]["title"]), (None, &json!("It differs")));
}
