//! The sandbox's records: what a test touched is lit, and a person changes them by hand.
use std::collections::BTreeMap;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::desk::Desk;
use super::runs::{add, ended, stage};
use crate::catalog::{Catalog, ConnectorId, OperationId};
use crate::flow::testing::id;
use crate::flow::{Binding, Edge, Edit, Flow, NodeKind, Trigger};
use crate::ui::canvas::sentence::sentence;
use crate::ui::document::Test;

fn open() -> (Desk, tokio::runtime::Runtime) {
    let mut desk = Desk::first();
    let runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    (desk, runtime)
}

fn start_over(desk: &mut Desk) {
    desk.press_button("Start over");
    filled(desk);
}

/// The sandbox holds what it is to hold.
fn filled(desk: &mut Desk) {
    desk.until("the sandbox is filled", |app| app.tables.planting.is_none());
}

fn fill(desk: &mut Desk, field: &str, text: &str) {
    let field = desk.window.get_by_role_and_label(Role::TextInput, field);
    field.focus();
    desk.run();
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text(text);
}

#[test]
fn what_the_last_test_touched_is_lit_in_both_services() {
    let (mut desk, _runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    assert!(desk.has("Sandbox") && !desk.has_containing("by the last run"));
    desk.key(Modifiers::ALT, Key::Num1);
    desk.key(Modifiers::COMMAND, Key::Enter);
    desk.until("the test has ended", ended);
    desk.key(Modifiers::ALT, Key::Num3);
    let lit = |desk: &Desk, table: &str| {
        let rows = desk.window.query_all_by_label_contains("by the last run");
        rows.filter_map(|it| it.accesskit_node().label()).filter(|it| it.starts_with(table)).count()
    };
    assert_eq!((lit(&desk, "Contacts"), lit(&desk, "Events")), (1, 1));
}

#[test]
fn a_record_is_added_changed_and_removed_and_the_service_says_what_is_wrong() {
    let (mut desk, _runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    let contacts = |desk: &Desk| desk.window.state().live.stage().unwrap().sandbox.records("contacts");
    let before = contacts(&desk).len();
    desk.press("Add to contacts");
    fill(&mut desk, "E-mail", "no address");
    desk.press_button("Add");
    assert!(desk.has_containing("(422)") || desk.has_containing("(400)"), "the service's own words");
    fill(&mut desk, "E-mail", "nova@by.hand.example");
    fill(&mut desk, "First name", "Nova");
    desk.press_button("Add");
    assert_eq!(contacts(&desk).len(), before + 1);
    let row = |desk: &Desk| desk.window.query_all_by_label_contains("Contacts: Nova").next().is_some();
    assert!(row(&desk));
    desk.window.get_by_label_contains("Contacts: Nova").click();
    desk.run();
    fill(&mut desk, "First name", "Stella");
    desk.press_button("Save changes");
    assert!(desk.has_containing("Contacts: Stella") && !row(&desk));
    desk.window.get_by_label_contains("Contacts: Stella").click();
    desk.run();
    desk.press_button("Remove");
    assert_eq!(contacts(&desk).len(), before);
    desk.window.get_all_by_label("Undo").last().unwrap().click();
    desk.run();
    assert_eq!(contacts(&desk).len(), before + 1);
    start_over(&mut desk);
    assert_eq!(contacts(&desk).len(), before);
}

#[test]
fn a_record_added_by_hand_starts_the_open_flows_that_wait_for_it() {
    let trigger = |event: &str| {
        NodeKind::Trigger(Trigger::Event {
            event: OperationId::new(event),
            slot: "crm".into(),
            input: BTreeMap::new(),
            watch: crate::flow::Watch::default(),
            sample: serde_json::Value::Null,
        })
    };
    let mut flow = Flow::new("greets", "Greets");
    flow.apply(Edit::AddSlot { id: "crm".into(), connector: ConnectorId::new("highlevel") }).unwrap();
    add(&mut flow, "contact", trigger("highlevel.webhook.ContactCreate"));
    let message = Binding::text("Hello {{ contact.firstName }} of {{ contact.type }}");
    add(&mut flow, "say", NodeKind::Log { level: crate::flow::Level::Info, message });
    flow.apply(Edit::Connect(Edge { from: id("contact"), port: "out".into(), to: id("say") })).unwrap();
    let mut desk = Desk::with(&flow);
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    let said = sentence(&flow.nodes[&id("contact")].kind, &Catalog::shipped(), None).plain();
    assert_eq!(said, "Starts on Contact created: HighLevel tells it");
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press("Add to contacts");
    fill(&mut desk, "First name", "Nova");
    desk.press_button("Add");
    assert!(desk.has_containing("Started “Greets”."));
    desk.until("the run has ended", ended);
    let said = |app: &crate::ui::app::App| {
        let run = app.docs.active().unwrap().test.as_ref().and_then(Test::run).and_then(|it| app.live.run(it));
        run.and_then(|it| it.node(&id("say"))?.output.clone())
    };
    assert!(said(desk.window.state()).is_some_and(|it| it.to_string().contains("Hello Nova of ContactCreate")));
    // What a test would do to records starts nothing by itself, and other deeds neither.
    let before = desk.window.state().live.runs().count();
    start_over(&mut desk);
    desk.window.get_all_by_label_contains("Contacts: ").next().unwrap().click();
    desk.run();
    desk.press_button("Remove");
    assert_eq!(desk.window.state().live.runs().count(), before);
}

#[test]
fn a_letter_that_a_test_sent_is_read_beside_the_tables() {
    let mut flow = Flow::new("writes", "Writes");
    flow.apply(Edit::AddSlot { id: "post".into(), connector: ConnectorId::new("mail") }).unwrap();
    add(&mut flow, "asked", NodeKind::Trigger(Trigger::Manual { sample: serde_json::json!({ "name": "Nova" }) }));
    let letter = [
        ("to", Binding::text("nova@example.com")),
        ("subject", Binding::text("Welcome, {{ asked.name }}")),
        ("text", Binding::text("It begins on Monday.")),
    ];
    let send = NodeKind::Action {
        operation: OperationId::new("mail.letters.send-mail"),
        slot: "post".into(),
        input: crate::flow::Mapping::from(letter),
        retry: crate::flow::RetryPolicy::default(),
    };
    add(&mut flow, "send", send);
    flow.apply(Edit::Connect(Edge { from: id("asked"), port: "out".into(), to: id("send") })).unwrap();
    let mut desk = Desk::with(&flow);
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press_button("Letters");
    assert!(desk.has_containing("Nothing was sent yet."));
    desk.key(Modifiers::ALT, Key::Num1);
    desk.key(Modifiers::COMMAND, Key::Enter);
    desk.until("the test has ended", ended);
    desk.key(Modifiers::ALT, Key::Num3);
    assert!(desk.has("Letters: 1"));
    desk.press("Letter: Welcome, Nova, to nova@example.com");
    let text = desk.window.get_by_role_and_label(Role::MultilineTextInput, "Text of the letter");
    assert_eq!(text.accesskit_node().value().as_deref(), Some("It begins on Monday."));
    desk.press("All letters");
    assert!(desk.has("Letter: Welcome, Nova, to nova@example.com"));
    desk.press("Letter: Welcome, Nova, to nova@example.com");
    // What is kept goes with the records.
    start_over(&mut desk);
    assert!(desk.has_containing("Nothing was sent yet.") && desk.has("Letters"));
    desk.press("Close the letters");
    assert!(!desk.has_containing("Nothing was sent yet."));
}

#[test]
fn a_search_leaves_out_other_records_and_faults_are_switched() {
    let (mut desk, _runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    let rows = |desk: &Desk| desk.window.query_all_by_label_contains("Contacts: ").count();
    let all = rows(&desk);
    assert!(all > 1);
    fill(&mut desk, "Find in HighLevel", "no such words anywhere");
    assert_eq!(rows(&desk), 0);
    assert!(desk.has("Nothing here has these words."));
    desk.press_button("Faults");
    desk.press("Errors strike after the request was carried out");
    assert!(desk.window.state().live.stage().unwrap().sandbox.faults().after);
    desk.window.get_by_role_and_label(Role::Slider, "Sign-in refused (401)").focus();
    desk.run();
    desk.key(Modifiers::NONE, Key::ArrowRight);
    assert!(desk.window.state().live.stage().unwrap().sandbox.faults().unauthorized > 0.0);
    assert!(desk.has("Faults: 1 on"));
    desk.press_button("Switch all faults off");
    assert!(desk.has("Faults"));
    desk.press("Contacts may be there twice");
    assert!(desk.window.state().live.stage().unwrap().sandbox.traps().duplicates_allowed);
}

fn sandbox(desk: &Desk) -> crate::sandbox::Handle {
    desk.window.state().live.stage().unwrap().sandbox.clone()
}

#[test]
fn another_size_is_filled_in_behind_the_frame_is_kept_for_the_next_start_and_can_be_taken_back() {
    let (mut desk, runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press("Size: A dozen contacts");
    assert!(desk.has("Empty") && desk.has("170,000 contacts"));
    desk.press("10,000 contacts");
    filled(&mut desk);
    assert!(desk.has("Contacts, 10,000") && desk.has("Size: 10,000 contacts"));
    assert!(desk.has("The sandbox is filled: 10,000 contacts"));
    let rows = |desk: &Desk| desk.window.query_all_by_label_contains("Contacts: ").count();
    desk.until("they are listed", |app| app.tables.is_at_rest());
    assert!((5..80).contains(&rows(&desk)), "only what is seen is painted: {}", rows(&desk));
    // A search goes through all of them, while one types on.
    let last = sandbox(&desk).records("contacts")[20]["email"].as_str().unwrap().to_owned();
    fill(&mut desk, "Find in HighLevel", "no such words anywhere");
    fill(&mut desk, "Find in HighLevel", &last);
    desk.until("it is found", |app| app.tables.is_at_rest());
    assert!(desk.has("1 found") && rows(&desk) == 1, "{last}");
    // A record that comes while a list is looked at is listed first.
    fill(&mut desk, "Find in HighLevel", "@by.hand.example");
    desk.until("there is none", |app| app.tables.is_at_rest());
    assert!(desk.has("Nothing here has these words."));
    desk.press("Add to contacts");
    fill(&mut desk, "E-mail", "nova@by.hand.example");
    desk.press_button("Add");
    desk.until("it is listed", |app| app.tables.is_at_rest());
    assert!(desk.has("1 found"));
    desk.window.get_all_by_label("Undo").last().unwrap().click();
    desk.run();
    desk.until("it is gone", |app| app.tables.is_at_rest());
    assert!(desk.has("0 found"));
    desk.window.state_mut().write_prefs(0.0);
    drop(runtime);

    let mut desk = Desk::at(std::sync::Arc::clone(&desk.home), &[]);
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    filled(&mut desk);
    assert_eq!(sandbox(&desk).count("contacts"), 10_000);
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press("Size: 10,000 contacts");
    desk.press("A dozen contacts");
    filled(&mut desk);
    assert_eq!(sandbox(&desk).count("contacts"), 12);
    desk.window.get_all_by_label("Undo").last().unwrap().click();
    desk.run();
    filled(&mut desk);
    assert_eq!(sandbox(&desk).count("contacts"), 10_000);
    assert!(desk.has("Size: 10,000 contacts"));
}

#[test]
fn filling_can_be_stopped_and_then_nothing_has_changed() {
    let (mut desk, _runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press("Size: A dozen contacts");
    desk.press("170,000 contacts");
    assert!(desk.has_containing("Filling the sandbox: "));
    desk.press("Stop filling");
    filled(&mut desk);
    assert!(desk.has("The sandbox keeps what it had") && desk.has("Size: A dozen contacts"));
    assert_eq!(sandbox(&desk).count("contacts"), 12);
}

/// A receiver that takes everything.
fn receiver() -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/hooks/app", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut read, mut some) = (Vec::new(), [0_u8; 4096]);
            loop {
                let count = stream.read(&mut some).unwrap();
                read.extend_from_slice(&some[..count]);
                let text = String::from_utf8_lossy(&read).into_owned();
                let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                    let length =
                        head.lines().find_map(|it| it.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                    length.is_none_or(|it| body.len() >= it.parse::<usize>().unwrap())
                });
                if whole || count == 0 {
                    break;
                }
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
    });
    url
}

#[test]
fn webhooks_are_sent_where_a_person_says_go_wrong_as_switched_and_are_listed() {
    let (mut desk, _runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press("Webhooks");
    assert!(desk.has_containing("Without an address nothing is sent"));
    let address = "Address that webhooks are sent to";
    fill(&mut desk, address, "nowhere");
    desk.key(Modifiers::NONE, Key::Enter);
    assert!(desk.has_containing("Write a whole address") && sandbox(&desk).delivery().url.is_none());
    let url = receiver();
    fill(&mut desk, address, &url);
    desk.key(Modifiers::NONE, Key::Enter);
    assert_eq!(sandbox(&desk).delivery().url.as_deref(), Some(url.as_str()));
    desk.press("Sent twice");
    assert!(desk.has("Sent twice: of a hundred") && desk.has("Webhooks: 1 on"));
    assert!((sandbox(&desk).delivery().faults.doubled - 1.0).abs() < f64::EPSILON);
    desk.press("Add to contacts");
    fill(&mut desk, "First name", "Nova");
    desk.press_button("Add");
    let handle = sandbox(&desk);
    desk.until("both were sent", |_| handle.attempts_made() == 2);
    let sent = desk.window.query_all_by_label_contains("Contact created, 200, sent twice, ").count();
    assert_eq!(sent, 2, "the list is there again once the form is closed");
    desk.press("Sent twice");
    desk.press("Lost");
    desk.window.get_by_label_contains("Contacts: Nova").click();
    desk.run();
    desk.press_button("Remove");
    desk.until("it was lost", |_| handle.attempts_made() == 3);
    assert!(desk.has_containing("Contact deleted, lost on purpose, "));
    desk.press("Close the webhooks");
    assert!(!desk.has(address));
}

#[test]
fn tokens_are_expired_and_taken_back_and_limits_are_set() {
    let (mut desk, _runtime) = open();
    desk.key(Modifiers::ALT, Key::Num3);
    desk.press("Sign-in");
    desk.press("A refresh ends the refresh token that it was made with");
    assert!(!sandbox(&desk).oauth().rotates);
    desk.window.get_by_label("How long an access token works").focus();
    desk.run();
    desk.key(Modifiers::NONE, Key::ArrowUp);
    assert_ne!(sandbox(&desk).oauth().access_seconds, crate::sandbox::OauthSettings::default().access_seconds);
    desk.press_button("As the services have it");
    assert_eq!(sandbox(&desk).oauth(), crate::sandbox::OauthSettings::default());
    desk.press_button("Expire all tokens now");
    assert!(desk.has("Every access token has ended"));
    desk.press_button("Revoke all");
    assert!(desk.has("Every token is taken back"));
    desk.key(Modifiers::NONE, Key::Escape);
    desk.press_button("Faults");
    desk.press("More are refused (429)");
    assert!(!sandbox(&desk).limits().enabled);
    desk.press_button("As the service has it");
    assert_eq!(sandbox(&desk).limits(), crate::sandbox::Limits::default());
}
