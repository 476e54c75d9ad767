//! Another size while it runs, records a few at a time, and taking back what was done by hand.
use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use super::Client;
use crate::sandbox::{Deed, Effect, Seed, Table};

fn table(collection: &str) -> &'static Table {
    Table::ALL.iter().find(|it| it.collection == collection).expect("a table")
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn another_size_is_planted_while_it_runs_and_one_can_go_back() {
    let client = Client::start().await;
    let sandbox = &client.sandbox;
    let before = sandbox.records("contacts");
    assert_eq!((sandbox.seed(), before.len()), (Seed::Business, 12));
    let mut told = Vec::new();
    let small = sandbox.plant(Seed::Medium, &mut |there, of| {
        told.push((there, of));
        ControlFlow::Continue(())
    });
    assert_eq!((sandbox.seed(), sandbox.count("contacts")), (Seed::Medium, 10_000));
    assert_eq!((told.first(), told.last()), (Some(&(12, 10_000)), Some(&(10_000, 10_000))));
    assert!(told.len() > 5 && told.is_sorted(), "{told:?}");
    // The same people sign in, and what is planted is found.
    let location = client.location();
    let page = client.get(&format!("/contacts/?locationId={location}&limit=20")).await;
    assert_eq!((&page["meta"]["total"], page["contacts"].as_array().map(Vec::len)), (&json!(10_000), Some(20)));
    let large = sandbox.put_back(small.expect("it was not stopped"));
    assert_eq!((sandbox.seed(), sandbox.records("contacts")), (Seed::Business, before));
    sandbox.put_back(large);
    assert_eq!(sandbox.count("contacts"), 10_000);
    sandbox.reset();
    assert_eq!((sandbox.seed(), sandbox.count("contacts")), (Seed::Medium, 10_000), "it starts over with what it had");
}

#[tokio::test]
async fn a_planting_that_is_stopped_changes_nothing() {
    let client = Client::start().await;
    let stop = |there: u64, _| if there < 3_000 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    assert!(client.sandbox.plant(Seed::Large, &mut { stop }).is_none());
    assert_eq!((client.sandbox.seed(), client.sandbox.count("contacts")), (Seed::Business, 12));
}

#[tokio::test]
async fn records_are_read_a_few_at_a_time_the_newest_first() {
    let client = Client::start().await;
    let (sandbox, contacts) = (&client.sandbox, table("contacts"));
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = sandbox.page(contacts, before, 5);
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 5);
        before = Some(last.place);
        all.extend(page);
    }
    let mut records = sandbox.records("contacts");
    records.reverse();
    assert_eq!(all.len(), 12);
    for (line, record) in all.iter().zip(&records) {
        assert_eq!((&json!(line.id), &line.values[2]), (&record["id"], record.get("email").unwrap_or(&Value::Null)));
    }
    let (first, second) = (all[0].clone(), all[1].clone());
    let version = sandbox.version("contacts");
    sandbox.by_hand(contacts, Deed::Remove { id: first.id.clone() }).expect("it goes");
    assert!(sandbox.version("contacts") > version);
    assert_eq!(sandbox.lines(contacts, &[first.place, second.place]), std::slice::from_ref(&second));
    assert_eq!(sandbox.places("contacts", &[first.id, second.id]), [second.place]);
}

#[tokio::test]
async fn what_was_done_by_hand_is_taken_back_and_what_others_did_stays() {
    let client = Client::start().await;
    let (sandbox, contacts) = (&client.sandbox, table("contacts"));
    let all = || ["contacts", "tasks", "notes", "appointments"].map(|it| sandbox.records(it));
    let before = all();
    // Whose tasks, notes and appointments go with it.
    let id = before[1][0]["contactId"].as_str().expect("an id").to_owned();
    let removed = sandbox.by_hand(contacts, Deed::Remove { id: id.clone() }).expect("it goes");
    assert!(all()[1].len() < before[1].len() && all()[0].len() < before[0].len());
    sandbox.take_back(removed.undo);
    assert_eq!(all(), before, "in their old places");
    let email = before[0].iter().find(|it| it["id"] == id.as_str()).map(|it| it["email"].clone()).expect("an e-mail");
    let (location, email) = (client.location(), email.as_str().expect("text"));
    let found = client.get(&format!("/contacts/search/duplicate?locationId={location}&email={email}")).await;
    assert_eq!(found["contact"]["id"], id.as_str(), "and found again");

    let change = |it: Value| Deed::Change { id: id.clone(), fields: fields(it) };
    let changed = sandbox.by_hand(contacts, change(json!({"firstName": "Nova", "website": "x.example"}))).expect("a change");
    sandbox.by_hand(contacts, change(json!({"city": "Elsewhere"}))).expect("another");
    sandbox.take_back(changed.undo);
    let now = sandbox.record("contacts", &id).expect("it is there");
    let was = before[0].iter().find(|it| it["id"] == id.as_str()).expect("it was");
    assert_eq!(
        (&now["firstName"], now.get("website"), &now["city"]),
        (&was["firstName"], was.get("website"), &json!("Elsewhere"))
    );

    let made = sandbox.by_hand(contacts, Deed::Add(fields(json!({"firstName": "New"})))).expect("a contact");
    sandbox.take_back(made.undo.clone());
    // A second time there is nothing left to take back.
    sandbox.take_back(made.undo);
    assert!(sandbox.record("contacts", &made.record.id).is_none());
    let ledger = sandbox.ledger();
    let last = ledger.last().expect("an entry");
    assert_eq!((last.effect, last.by_hand), (Effect::Deleted, true));
    assert!(last.summary.starts_with("Taken back: Created"), "{}", last.summary);
}
