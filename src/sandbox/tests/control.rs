//! Starting, stopping, and the endpoints under `/_sandbox/`.
use serde_json::{Value, json};

use super::{Client, id};
use crate::catalog::Catalog;
use crate::sandbox::{Fault, FaultKind, Faults, Options, SandboxError, Seed, Traps, start};

#[tokio::test]
async fn the_endpoints_show_and_steer_the_sandbox() {
    let client = Client::start().await;
    let url = |path: &str| format!("{}/_sandbox/{path}", client.sandbox.url());
    let read = |path: &str| client.send(client.http.get(url(path)));
    assert_eq!(read("access").await.body, json!(client.sandbox.access()));

    client.contact(json!({"name": "Iris Calder"})).await;
    client.form("GET", "/events", &[]).await;
    let entries = read("ledger?since=1").await.body["entries"].clone();
    assert_eq!(entries.as_array().unwrap().len(), 1);
    assert_eq!((&entries[0]["operation"], &entries[0]["effect"]), (&json!("schedule_it.events.list-events"), &json!("read")));
    assert_eq!(read("ledger?since=x").await.status, 400);
    assert_eq!(read("records").await.body["contacts"], 13);
    let records = read("records/contacts").await.body["records"].clone();
    assert_eq!(records[12]["firstName"], "Iris");
    assert!(records[12].as_object().unwrap().keys().all(|it| !it.starts_with('~')));

    let faults = json!({"next": [{"fault": "server_error"}]});
    assert_eq!(client.send(client.http.put(url("faults")).json(&faults)).await.status, 200);
    assert_eq!(read("faults").await.body["next"].as_array().unwrap().len(), 1);
    assert_eq!(client.form("GET", "/events", &[]).await.status, 500);
    assert_eq!(client.send(client.http.put(url("faults")).json(&json!({"flood": 1}))).await.status, 400);
    let traps = json!({"duplicates_allowed": true});
    assert_eq!(client.send(client.http.put(url("traps")).json(&traps)).await.body["duplicates_allowed"], true);

    assert_eq!(client.send(client.http.post(url("reset"))).await.status, 200);
    assert_eq!((client.sandbox.records("contacts").len(), client.sandbox.ledger().len()), (12, 0));
    assert!(!client.sandbox.traps().duplicates_allowed);
    assert_eq!(read("nothing").await.status, 404);
}

#[tokio::test]
async fn a_sandbox_can_go_back_to_a_snapshot_as_often_as_one_likes() {
    let client = Client::start().await;
    let iris = client.contact(json!({"name": "Iris Calder", "email": "iris@example.com"})).await;
    let faults = Faults { next: [Fault::new(FaultKind::ServerError)].into(), ..Faults::default() };
    client.sandbox.set_faults(faults.clone());
    let (snapshot, ledger) = (client.sandbox.snapshot(), client.sandbox.ledger());
    let mut seen = Vec::new();
    for _ in 0..2 {
        assert_eq!(client.form("GET", "/events", &[]).await.status, 500, "the fault is there again");
        client.ok("DELETE", &format!("/contacts/{iris}"), Value::Null).await;
        let traps = Traps { duplicates_allowed: true, ..client.sandbox.traps() };
        client.sandbox.set_traps(traps);
        let other = client.contact(json!({"name": "Jonas Weir"})).await;
        seen.push((client.sandbox.ledger(), client.sandbox.records("contacts"), other));

        client.sandbox.restore(&snapshot);
        assert_eq!((client.sandbox.ledger(), client.sandbox.faults()), (ledger.clone(), faults.clone()));
        assert!(!client.sandbox.traps().duplicates_allowed);
        assert_eq!(client.sandbox.record("contacts", &iris).expect("it is back")["firstName"], "Iris");
    }
    assert_eq!(seen[0], seen[1], "what is done after it is the same each time, ids among it");
    client.sandbox.set_faults(Faults::default());
    let location = client.location();
    let found = client.get(&format!("/contacts/search/duplicate?locationId={location}&email=IRIS@example.com")).await;
    assert_eq!(found["contact"]["id"], iris.as_str(), "and is found by what it was known by");
}

#[tokio::test]
async fn a_web_page_cannot_steer_the_sandbox() {
    let client = Client::start().await;
    let request = client.http.post(format!("{}/_sandbox/reset", client.sandbox.url())).header("Origin", "https://example.com");
    assert_eq!(client.send(request).await.status, 403);
}

#[tokio::test]
async fn access_is_written_as_clients_expect_it_and_kept_out_of_debug_output() {
    let client = Client::start().await;
    let access = client.sandbox.access();
    let written = serde_json::to_value(access).unwrap();
    let keys = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&written), ["desktop", "files", "highlevel", "mail", "schedule_it"]);
    let highlevel = ["base_url", "calendar_id", "company_id", "location_id", "notice_keys", "oauth", "token", "user_id"];
    assert_eq!(keys(&written["highlevel"]), highlevel);
    assert_eq!(keys(&written["schedule_it"]), ["base_url", "oauth", "password", "user"]);
    assert_eq!(keys(&written["mail"]), ["base_url", "from", "password", "user"]);
    assert_eq!(keys(&written["schedule_it"]["oauth"]), ["authorize_url", "client_id", "client_secret", "token_url"]);
    assert!(access.highlevel.base_url.ends_with("/highlevel") && access.schedule_it.base_url.ends_with("/schedule-it/api"));
    let debug = format!("{:?}", client.sandbox);
    assert!(!debug.contains(&access.highlevel.token) && !debug.contains(&access.schedule_it.password));
    assert!(!format!("{access:?}").contains(&access.mail.password));
    assert!(!debug.contains(&access.highlevel.oauth.client_secret), "{debug}");
}

#[tokio::test]
async fn two_sandboxes_with_the_same_seed_are_the_same() {
    let (one, other) = (Client::start().await, Client::start().await);
    for collection in one.sandbox.collections() {
        assert_eq!(one.sandbox.records(&collection), other.sandbox.records(&collection), "{collection}");
    }
    assert_eq!(one.sandbox.access().highlevel.token, other.sandbox.access().highlevel.token);
    assert_eq!(one.contact(json!({"name": "Iris"})).await, other.contact(json!({"name": "Iris"})).await);
    let third = Client::with(Options { random: 2, ..Options::default() }).await;
    assert_ne!(one.sandbox.access().highlevel.token, third.sandbox.access().highlevel.token);
    assert_ne!(id(&one.sandbox.records("contacts")[0]), id(&third.sandbox.records("contacts")[0]));
}

#[tokio::test]
async fn an_empty_sandbox_has_the_account_and_nothing_else() {
    let client = Client::with(Options { seed: Seed::Empty, ..Options::default() }).await;
    assert!(client.sandbox.records("contacts").is_empty() && client.sandbox.records("events").is_empty());
    let calendar = client.get(&format!("/calendars/{}", client.sandbox.access().highlevel.calendar_id)).await;
    assert_eq!(calendar["calendar"]["name"], "First visit");
    assert_eq!(client.sandbox.records("resources").len(), 1);
}

#[tokio::test]
async fn a_port_in_use_is_an_error_and_a_stopped_sandbox_frees_it() {
    let client = Client::start().await;
    let listen = client.sandbox.url().strip_prefix("http://").unwrap().parse().unwrap();
    let options = || Options { listen, ..Options::default() };
    let error = start(&Catalog::shipped(), options()).await.unwrap_err();
    assert!(matches!(&error, SandboxError::Listen { address, .. } if *address == listen), "{error}");
    client.get(&format!("/contacts/?locationId={}", client.location())).await;
    client.sandbox.stop().await;
    client.sandbox.stop().await;
    assert!(client.http.get(client.sandbox.url()).send().await.is_err());
    start(&Catalog::shipped(), options()).await.unwrap().stop().await;
}

#[tokio::test]
async fn without_a_service_in_the_catalogue_every_path_is_unknown() {
    let client = Client::on(Catalog::default(), Options::default()).await;
    assert_eq!(client.call("GET", "/contacts/", Value::Null).await.status, 404);
    let answer = client.send(client.http.get(format!("{}/elsewhere", client.sandbox.url()))).await;
    assert_eq!(answer.status, 404);
}
