//! What HighLevel tells of changes: to watchers in this process, and signed over HTTP.
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Client, id};
use crate::catalog::{Catalog, ConnectorId, Event, OperationId, Reading};
use crate::sandbox::{Deed, Delivery, DeliveryFaults, Options, PublicKeys, Table, Webhook};

/// What arrived.
struct Parcel {
    headers: HeaderMap,
    body: Bytes,
}

impl Parcel {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether it is what the sandbox signed.
    fn is_genuine(&self, keys: &PublicKeys) -> (bool, bool) {
        let bytes = |text: &str| STANDARD.decode(text).unwrap();
        let signature = |name: &str| self.headers.get(name).map(|it| bytes(it.to_str().unwrap())).unwrap_or_default();
        let ed25519 = UnparsedPublicKey::new(&ED25519, bytes(&keys.ed25519).split_off(12));
        let rsa = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bytes(&keys.rsa));
        (
            ed25519.verify(&self.body, &signature("x-ghl-signature")).is_ok(),
            rsa.verify(&self.body, &signature("x-wh-signature")).is_ok(),
        )
    }
}

type Answers = Arc<Mutex<Vec<u16>>>;

/// A receiver that gives these answers in turn, and 200 after them.
async fn receiver(answers: &[u16]) -> (String, UnboundedReceiver<Parcel>) {
    async fn take(
        State((sender, answers)): State<(UnboundedSender<Parcel>, Answers)>,
        headers: HeaderMap,
        body: Bytes,
    ) -> StatusCode {
        sender.send(Parcel { headers, body }).ok();
        let next = answers.lock().unwrap().pop().unwrap_or(200);
        StatusCode::from_u16(next).unwrap()
    }
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/hooks/app", listener.local_addr().unwrap());
    let (sender, received) = unbounded_channel();
    let answers: Answers = Arc::new(Mutex::new(answers.iter().rev().copied().collect()));
    let app = Router::new().fallback(take).with_state((sender, answers));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, received)
}

fn names(told: &mut UnboundedReceiver<Webhook>) -> Vec<String> {
    std::iter::from_fn(|| told.try_recv().ok()).map(|it| it.payload["type"].as_str().unwrap().to_owned()).collect()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

#[tokio::test]
async fn each_change_of_a_record_is_told_as_the_vendor_tells_it() {
    let client = Client::start().await;
    client.contact(json!({"name": "Nobody Watches"})).await;
    let mut told = client.sandbox.webhooks();
    let ada = client.contact(json!({"firstName": "Ada", "lastName": "Quill", "email": "ada@quill.example"})).await;
    let made = told.try_recv().unwrap();
    assert_eq!((made.event.as_str(), made.by_hand), ("highlevel.webhook.ContactCreate", false));
    let payload = &made.payload;
    assert_eq!(
        (&payload["id"], &payload["name"], &payload["email"]),
        (&json!(ada), &json!("Ada Quill"), &json!("ada@quill.example"))
    );
    assert_eq!((&payload["locationId"], &payload["webhookId"]), (&json!(client.location()), &json!(made.id)));
    assert_eq!(payload["timestamp"], "2026-03-02T14:00:00.000Z");

    let of_ada = |rest: &str| format!("/contacts/{ada}{rest}");
    client.get(&of_ada("")).await;
    assert_eq!(names(&mut told), Vec::<String>::new(), "reading changes nothing");
    client.ok("PUT", &of_ada(""), json!({"city": "Aachen"})).await;
    client.ok("PUT", &of_ada(""), json!({"city": "Aachen"})).await;
    client.ok("POST", &of_ada("/tags"), json!({"tags": ["VIP"]})).await;
    let task = client
        .ok("POST", &of_ada("/tasks"), json!({"title": "Call", "dueDate": "2026-03-05T10:00:00Z", "completed": false}))
        .await;
    let task = id(&task["task"]).to_owned();
    client.ok("PUT", &of_ada(&format!("/tasks/{task}/completed")), json!({"completed": true})).await;
    client.ok("POST", &of_ada("/notes"), json!({"body": "Calls back"})).await;
    client.ok("DELETE", &of_ada(""), Value::Null).await;
    assert_eq!(
        names(&mut told),
        [
            "ContactUpdate",
            "ContactTagUpdate",
            "TaskCreate",
            "TaskComplete",
            "NoteCreate",
            "ContactDelete",
            "TaskDelete",
            "NoteDelete"
        ]
    );
    let refused = client.call("POST", "/contacts/", json!({"email": 7})).await;
    assert!(refused.status >= 400);
    client.form("POST", "/groups", &[("name", "Other service")]).await;
    assert_eq!(names(&mut told), Vec::<String>::new());
}

#[tokio::test]
async fn one_change_of_an_opportunity_is_told_twice_and_a_hand_is_told_from_a_request() {
    let client = Client::start().await;
    let mut told = client.sandbox.webhooks();
    let location = client.location();
    let body = json!({"pipelineId": "p", "locationId": location, "name": "Roof", "status": "open", "contactId": "c", "pipelineStageId": "s"});
    let made = client.ok("POST", "/opportunities/", body).await;
    let one = id(&made["opportunity"]).to_owned();
    client.ok("PUT", &format!("/opportunities/{one}/status"), json!({"status": "won"})).await;
    assert_eq!(names(&mut told), ["OpportunityCreate", "OpportunityUpdate", "OpportunityUpdate", "OpportunityStatusUpdate"]);
    let table = Table::ALL.iter().find(|it| it.collection == "contacts").unwrap();
    client.sandbox.by_hand(table, Deed::Add(object(&json!({"firstName": "By hand"})))).unwrap();
    let told = told.try_recv().unwrap();
    assert_eq!((told.event.as_str(), told.by_hand), ("highlevel.webhook.ContactCreate", true));
}

#[tokio::test]
async fn what_is_told_has_the_shape_that_the_document_gives_it() {
    let client = Client::start().await;
    let catalog = Catalog::shipped();
    let connector = catalog.connector(&ConnectorId::new("highlevel")).unwrap();
    let mut told = client.sandbox.webhooks();
    for event in Event::of(&ConnectorId::new("highlevel")).filter(|it| it.payload.is_some()) {
        client.sandbox.emit(&event.id, Map::new()).expect("it is an event");
    }
    assert!(client.sandbox.emit(&OperationId::new("highlevel.poll.contact-created"), Map::new()).is_none());
    // What happens by itself, too.
    let calendar = client.sandbox.access().highlevel.calendar_id.clone();
    let ada = client.contact(json!({"name": "Ada Quill", "customFields": [], "dateOfBirth": "1990-01-05"})).await;
    let appointment = json!({
        "calendarId": calendar, "locationId": client.location(), "contactId": ada, "startTime": "2026-03-04T15:00:00Z", "title": "Visit",
        "ignoreFreeSlotValidation": true,
    });
    client.ok("POST", "/calendars/events/appointments", appointment).await;
    client
        .ok(
            "POST",
            "/conversations/messages",
            json!({"type": "SMS", "contactId": ada, "message": "Hello", "subType": "text", "status": "pending"}),
        )
        .await;
    let mut seen = Vec::new();
    while let Ok(webhook) = told.try_recv() {
        let event = Event::find(&webhook.event).unwrap();
        let schema = event.payload.as_ref().unwrap();
        assert_eq!(schema.check(&webhook.payload, connector, Reading::Typed), [], "{}: {}", event.id, webhook.payload);
        seen.push(webhook);
    }
    assert_eq!(seen.len(), 58 + 3);
    let [_, appointment, message] = &seen[58..] else { panic!("three of their own") };
    assert_eq!(appointment.payload["appointment"]["title"], "Visit");
    assert_eq!(appointment.payload["appointment"]["contactId"], json!(ada));
    assert_eq!((&message.payload["direction"], &message.payload["body"]), (&json!("outbound"), &json!("Hello")));
    let ids: std::collections::BTreeSet<&str> = seen.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids.len(), seen.len());
}

#[tokio::test]
async fn events_are_sent_signed_and_again_until_they_are_taken() {
    let client = Client::start().await;
    let (url, mut arrived) = receiver(&[500, 429]).await;
    client.sandbox.set_delivery(Delivery { url: Some(url), apart_ms: 1, ..Delivery::default() });
    client.contact(json!({"name": "Ada Quill"})).await;
    let keys = client.sandbox.public_keys();
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let parcel = arrived.recv().await.unwrap();
        assert_eq!(parcel.is_genuine(&keys), (true, true));
        bodies.push(parcel.body);
    }
    assert!(bodies.iter().all(|it| *it == bodies[0]), "the same each time");
    client.contact(json!({"name": "Bea Quill"})).await;
    assert_eq!(arrived.recv().await.unwrap().json()["name"], "Bea Quill");
    let made: Vec<_> = client.sandbox.attempts().iter().map(|it| (it.attempt, it.status)).collect();
    assert_eq!(made[..3], [(1, Some(500)), (2, Some(429)), (3, Some(200))]);
}

#[tokio::test]
async fn events_that_are_never_taken_are_given_up_after_so_many_attempts() {
    let client = Client::start().await;
    let (url, mut arrived) = receiver(&[503; 4]).await;
    client.sandbox.set_delivery(Delivery { url: Some(url), apart_ms: 1, attempts: 2, ..Delivery::default() });
    client.contact(json!({"name": "Ada Quill"})).await;
    for _ in 0..3 {
        arrived.recv().await.unwrap();
    }
    // The fourth answer is for another event: the first was given up.
    client.contact(json!({"name": "Bea Quill"})).await;
    assert_eq!(arrived.recv().await.unwrap().json()["name"], "Bea Quill");
}

#[tokio::test]
async fn events_are_doubled_lost_forged_and_late_when_that_is_switched_on() {
    let arrive = async |faults: DeliveryFaults, count: usize| {
        let client = Client::with(Options::default()).await;
        let (url, mut arrived) = receiver(&[]).await;
        client.sandbox.set_delivery(Delivery { url: Some(url), faults, ..Delivery::default() });
        for name in ["a", "b", "c", "d"] {
            client.contact(json!({"firstName": name})).await;
        }
        let mut names = String::new();
        for _ in 0..count {
            let parcel = arrived.recv().await.unwrap();
            let genuine = parcel.is_genuine(&client.sandbox.public_keys()) == (true, false)
                || parcel.is_genuine(&client.sandbox.public_keys()) == (true, true);
            names += parcel.json()["firstName"].as_str().unwrap();
            names += if genuine { "" } else { "!" };
        }
        let given: Vec<_> = client.sandbox.attempts().iter().filter_map(|it| it.fault).collect();
        (names, given.len())
    };
    let none = DeliveryFaults::default();
    assert_eq!(arrive(none, 4).await.0, "abcd");
    assert_eq!(arrive(DeliveryFaults { doubled: 1.0, ..none }, 8).await.0, "aabbccdd");
    assert_eq!(arrive(DeliveryFaults { forged: 1.0, ..none }, 4).await.0, "a!b!c!d!");
    assert_eq!(arrive(DeliveryFaults { unsigned: 1.0, ..none }, 4).await.0, "a!b!c!d!");
    assert_eq!(arrive(DeliveryFaults { reordered: 1.0, ..none }, 4).await.0, "badc");
    // By share: the same start draws the same ones.
    let some = DeliveryFaults { lost: 0.5, random: 4, ..none };
    let kept = 4 - {
        let client = Client::start().await;
        let (url, _arrived) = receiver(&[]).await;
        let mut told = client.sandbox.webhooks();
        client.sandbox.set_delivery(Delivery { url: Some(url), faults: some, ..Delivery::default() });
        for name in ["a", "b", "c", "d"] {
            client.contact(json!({"firstName": name})).await;
        }
        assert_eq!(names(&mut told).len(), 4, "who watches loses nothing");
        while client.sandbox.attempts().len() < 4 {
            tokio::task::yield_now().await;
        }
        client.sandbox.attempts().iter().filter(|it| it.fault == Some("lost")).count()
    };
    assert!((1..4).contains(&kept), "{kept}");
    assert_eq!(arrive(some, kept).await.0.len(), kept);
}

#[tokio::test]
async fn a_slow_event_is_overtaken_and_each_attempt_says_where_it_went() {
    // Of six numbers that are drawn for an event the last says whether it is slow: the first one, and not the second.
    let slow = |seed: &u64| {
        let mut rng = fastrand::Rng::with_seed(*seed);
        let drawn: Vec<bool> = (0..12).map(|_| rng.f64() < 0.5).collect();
        (drawn[5], drawn[11]) == (true, false)
    };
    let faults = DeliveryFaults { slow: 0.5, slow_ms: 200, random: (0..1_000).find(slow).unwrap(), ..DeliveryFaults::default() };
    let client = Client::start().await;
    let (url, mut arrived) = receiver(&[]).await;
    client.sandbox.set_delivery(Delivery { url: Some(url.clone()), faults, ..Delivery::default() });
    for name in ["a", "b"] {
        client.contact(json!({"firstName": name})).await;
    }
    assert_eq!(arrived.recv().await.unwrap().json()["firstName"], "b");
    assert_eq!(arrived.recv().await.unwrap().json()["firstName"], "a");
    while client.sandbox.attempts_made() < 2 {
        tokio::task::yield_now().await;
    }
    let told: Vec<_> = client.sandbox.last_attempts(5).into_iter().map(|it| (it.fault, it.url, it.status)).collect();
    assert_eq!(told, [(Some("slow"), url.clone(), Some(200)), (None, url, Some(200))]);
    assert_eq!(client.sandbox.last_attempts(1).len(), 1);
}

#[tokio::test]
async fn the_endpoints_set_the_address_show_the_keys_and_let_events_happen() {
    let client = Client::start().await;
    let (receiver_url, mut arrived) = receiver(&[]).await;
    let url = |path: &str| format!("{}/_sandbox/webhooks{path}", client.sandbox.url());
    let set = client.http.put(url("")).json(&json!({"url": receiver_url, "apart_ms": 5}));
    assert_eq!(client.send(set).await.status, 200);
    let emitted = client.send(client.http.post(url("/AppInstall")).json(&json!({"appId": "mine"}))).await;
    assert_eq!((emitted.status, &emitted.body["appId"]), (200, &json!("mine")));
    assert_eq!(arrived.recv().await.unwrap().json(), emitted.body);
    let shown = client.send(client.http.get(url(""))).await.body;
    assert_eq!((&shown["keys"], &shown["delivery"]["apart_ms"]), (&json!(client.sandbox.public_keys()), &json!(5)));
    assert_eq!(client.send(client.http.post(url("/Nothing"))).await.status, 404);
    assert_eq!(client.send(client.http.put(url("")).json(&json!({"adress": "x"}))).await.status, 400);
}
