//! Faults and limits, and what the ledger says about them.
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Client;
use crate::catalog::OperationId;
use crate::sandbox::{Effect, Fault, FaultKind, Faults, Limits, Options};

fn next(faults: impl IntoIterator<Item = Fault>) -> Faults {
    Faults { next: faults.into_iter().collect(), ..Faults::default() }
}

#[tokio::test]
async fn forced_faults_strike_the_next_requests_in_order() {
    let client = Client::start().await;
    let kinds = [FaultKind::Unauthorized, FaultKind::RateLimited, FaultKind::ServerError, FaultKind::Html];
    client.sandbox.set_faults(next(kinds.map(Fault::new)));
    let path = format!("/contacts/?locationId={}", client.location());
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let answer = client.call("GET", &path, Value::Null).await;
        let is_json = answer.body.is_object();
        assert_eq!(is_json, answer.status != 502);
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [401, 429, 500, 502, 200]);
    let named: Vec<_> = client.sandbox.ledger().iter().map(|it| it.fault).collect();
    assert_eq!(named, [Some("unauthorized"), Some("rate_limited"), Some("server_error"), Some("html"), None]);
    client.sandbox.set_faults(next([FaultKind::ServerError.into()]));
    let answer = client.form("GET", "/events", &[]).await;
    assert_eq!((answer.status, &answer.body["status"]), (500, &json!("error")));
}

#[tokio::test]
async fn an_error_strikes_before_or_after_the_effect() {
    let client = Client::start().await;
    let before = client.sandbox.records("contacts").len();
    let create = OperationId::new("highlevel.contacts.create-contact");
    let faults =
        [Fault::new(FaultKind::ServerError).on(create.clone()), Fault::new(FaultKind::ServerError).on(create).after_effect()];
    client.sandbox.set_faults(next(faults));
    let path = format!("/contacts/?locationId={}", client.location());
    assert_eq!(client.call("GET", &path, Value::Null).await.status, 200, "another operation is left alone");

    let body = json!({"locationId": client.location(), "email": "iris@example.com"});
    assert_eq!(client.call("POST", "/contacts/", body.clone()).await.status, 500);
    assert_eq!(client.sandbox.records("contacts").len(), before);
    assert_eq!(client.call("POST", "/contacts/", body.clone()).await.status, 500);
    assert_eq!(client.sandbox.records("contacts").len(), before + 1);
    assert_eq!(client.call("POST", "/contacts/", body).await.status, 400, "it is there already");
    let done: Vec<_> = client.sandbox.ledger().into_iter().map(|it| (it.status, it.effect)).collect();
    assert_eq!(done, [(200, Effect::Read), (500, Effect::None), (500, Effect::Created), (400, Effect::None)]);
}

#[tokio::test]
async fn a_cut_connection_leaves_half_an_answer_and_the_effect_if_it_came_after() {
    let client = Client::start().await;
    let before = client.sandbox.records("contacts").len();
    client.sandbox.set_faults(next([Fault::new(FaultKind::Cut), Fault::new(FaultKind::Cut).after_effect()]));
    for count in [before, before + 1] {
        let body = json!({"locationId": client.location(), "email": "iris@example.com"});
        let response = client.request("POST", "/contacts/").json(&body).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 201, "the head arrives");
        assert!(response.text().await.is_err(), "the body does not");
        assert_eq!(client.sandbox.records("contacts").len(), count);
    }
    let last = client.sandbox.ledger().pop().unwrap();
    assert_eq!((last.effect, last.fault), (Effect::Created, Some("cut")));
    // The next request finds a new connection.
    client.get(&format!("/contacts/?locationId={}", client.location())).await;
}

#[tokio::test]
async fn a_slow_answer_comes_late_and_whole() {
    let client = Client::start().await;
    client.sandbox.set_faults(next([Fault::slow(40), Fault::slow(40).after_effect()]));
    for _ in 0..2 {
        let begun = Instant::now();
        client.get(&format!("/contacts/?locationId={}", client.location())).await;
        assert!(begun.elapsed() >= Duration::from_millis(40));
    }
}

#[tokio::test]
async fn faults_by_share_are_the_same_every_time() {
    let run = || async {
        let limits = Limits { enabled: false, ..Limits::default() };
        let client = Client::with(Options { limits, ..Options::default() }).await;
        client.sandbox.set_faults(Faults { server_error: 0.3, rate_limited: 0.3, random: 5, ..Faults::default() });
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(client.call("GET", &format!("/contacts/?locationId={}", client.location()), Value::Null).await.status);
        }
        statuses
    };
    let (one, other) = (run().await, run().await);
    assert_eq!(one, other);
    assert!([200, 429, 500].iter().all(|it| one.contains(it)));
}

#[tokio::test]
async fn limits_count_down_refuse_and_open_again() {
    let limits = Limits { burst: 3, interval_ms: 1_000, daily: 5, ..Limits::default() };
    let client = Client::with(Options { limits, ..Options::default() }).await;
    let path = format!("/contacts/?locationId={}", client.location());
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = client.call("GET", &path, Value::Null).await;
        let header = |name: &str| answer.headers[name].to_str().unwrap().parse::<u32>().unwrap();
        assert_eq!((header("x-ratelimit-max"), header("x-ratelimit-interval-milliseconds")), (3, 1_000));
        assert_eq!(header("x-ratelimit-limit-daily"), 5);
        seen.push((answer.status, header("x-ratelimit-remaining"), header("x-ratelimit-daily-remaining")));
    }
    assert_eq!(seen, [(200, 2, 4), (200, 1, 3), (200, 0, 2), (429, 0, 2)]);
    client.wait(1_000);
    assert_eq!(client.call("GET", &path, Value::Null).await.status, 200);
    assert_eq!(client.call("GET", &path, Value::Null).await.status, 200);
    client.wait(1_000);
    assert_eq!(client.call("GET", &path, Value::Null).await.status, 429, "the day is spent");
    client.wait(86_400_000);
    assert_eq!(client.call("GET", &path, Value::Null).await.status, 200);
    // Schedule it announces no such limits, and a stranger spends nobody's.
    assert!(!client.form("GET", "/events", &[]).await.headers.contains_key("x-ratelimit-max"));
}

#[tokio::test]
async fn the_ledger_says_what_each_request_did() {
    let client = Client::start().await;
    let contact = client.contact(json!({"name": "Iris Calder"})).await;
    client.ok("POST", &format!("/contacts/{contact}/tags"), json!({"tags": ["new"]})).await;
    client.ok("POST", &format!("/contacts/{contact}/tags"), json!({"tags": ["new"]})).await;
    client.call("GET", "/nowhere?x=1", Value::Null).await;
    client.ok("DELETE", &format!("/contacts/{contact}"), Value::Null).await;
    let ledger = client.sandbox.ledger();
    let lines: Vec<_> = ledger.iter().map(|it| (it.seq, it.operation.as_str(), it.effect, it.summary.as_str())).collect();
    let tags = "highlevel.contacts.add-tags";
    assert_eq!(
        lines,
        [
            (1, "highlevel.contacts.create-contact", Effect::Created, "Created contact Iris Calder"),
            (2, tags, Effect::Updated, "Tagged Iris Calder with new"),
            (3, tags, Effect::None, "Tagged Iris Calder with nothing new"),
            (4, "highlevel.unknown", Effect::None, "Refused: Cannot GET /nowhere"),
            (5, "highlevel.contacts.delete-contact", Effect::Deleted, "Deleted contact Iris Calder"),
        ]
    );
    let record = ledger[0].record.as_ref().unwrap();
    assert_eq!((record.collection.as_str(), record.id.as_str()), ("contacts", contact.as_str()));
    assert_eq!((ledger[0].method.as_str(), ledger[0].path.as_str(), ledger[0].status), ("POST", "/contacts/", 201));
    assert_eq!(ledger[3].path, "/nowhere?x=1");
    assert_eq!(client.sandbox.ledger_since(3).len(), 2);
}
