//! What each class of answer becomes.
use axum::response::Response;

use super::server::{Seen, Server, json_reply, reply};
use super::*;
use crate::record::FailureKind;

async fn answered_with(make: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> (Called, Server) {
    let server = Server::start(make).await;
    let called = put(&server.url).await;
    (called, server)
}

#[tokio::test]
async fn an_operation_is_called_and_its_answer_is_data() {
    let (called, server) = answered_with(|_| json_reply(200, &json!({"contact": {"id": "3f2a"}}))).await;
    let answered = called.result.unwrap();
    assert_eq!((answered.status, &answered.value), (200, &json!({"contact": {"id": "3f2a"}})));
    assert!(answered.headers.contains(&("content-type".into(), "application/json".into())));
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str(), seen.body.as_ref()),
        ("PUT", "/contacts/3f2a", &br#"{"name":"Ann"}"#[..])
    );
    assert_eq!(seen.header("authorization"), format!("Bearer {CANARY}"));
    assert_eq!((seen.header("version"), seen.header("accept-encoding")), ("2021-07-28", "gzip"));
    assert_eq!(seen.header("user-agent"), concat!("flowyard/", env!("CARGO_PKG_VERSION")));

    let exchange = called.exchange.unwrap();
    assert_eq!(
        (exchange.request.method.as_str(), exchange.request.url.as_str()),
        ("PUT", format!("{}/contacts/3f2a", server.url).as_str())
    );
    assert_eq!(exchange.request.body.text, r#"{"name":"Ann"}"#);
    assert!(exchange.request.headers.contains(&("authorization".into(), "•••".into())));
    let answer = exchange.answer.as_ref().unwrap();
    assert_eq!((answer.status, answer.body.text.as_str(), answer.body.cut), (200, r#"{"contact":{"id":"3f2a"}}"#, false));
    assert!(exchange.timing.waiting_us > 0 && exchange.error.is_none());
}

#[tokio::test]
async fn every_way_of_signing_reaches_the_service() {
    let server = Server::start(|_| json_reply(200, &json!({}))).await;
    let vault = Vault::in_memory();
    let client = Caller::new(settings(), vault.clone()).unwrap();
    let key = AuthKind::ApiKey { header: "X-Location-Key".into() };
    for (auth, secret, header, expected) in [
        (AuthKind::Bearer, Secret::token("tok-1".into()), "authorization", "Bearer tok-1"),
        (key, Secret::api_key("key-1".into()), "x-location-key", "key-1"),
        (
            AuthKind::Basic,
            Secret::basic("Aladdin".into(), "open sesame".into()),
            "authorization",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
    ] {
        vault.insert(ConnectionId::new("crm"), secret).unwrap();
        let called = client.call(&connection(&server.url, auth), &connector(&json!({})), &operation("PUT"), &input()).await;
        assert!(called.result.is_ok());
        assert_eq!(server.seen().last().unwrap().header(header), expected);
        let exchange = called.exchange.unwrap();
        let shown = exchange.request.headers.iter().find(|(name, _)| name == header).map(|(_, value)| value.as_str());
        assert_eq!(shown, Some("•••"));
    }
    let called = client.call(&connection(&server.url, AuthKind::None), &connector(&json!({})), &operation("PUT"), &input()).await;
    assert!(called.result.is_ok());
    assert_eq!(server.seen().last().unwrap().header("authorization"), "");
}

#[tokio::test]
async fn without_a_secret_nothing_is_sent_and_a_person_is_asked() {
    let server = Server::start(|_| json_reply(200, &json!({}))).await;
    let client = Caller::new(settings(), Vault::in_memory()).unwrap();
    let called =
        client.call(&connection(&server.url, AuthKind::Bearer), &connector(&json!({})), &operation("PUT"), &input()).await;
    assert!(called.exchange.is_none() && server.seen().is_empty());
    let Err(CallError::SignIn(failure)) = called.result else { panic!("{:?}", called.result) };
    assert_eq!((failure.kind, failure.at.as_str()), (FailureKind::SignIn, "contact 3f2a"));
    assert!(failure.hint.contains("Main"), "{failure}");
}

#[tokio::test]
async fn an_input_that_does_not_fit_is_not_sent() {
    let server = Server::start(|_| json_reply(200, &json!({}))).await;
    let called = caller(settings())
        .call(&connection(&server.url, AuthKind::Bearer), &connector(&json!({})), &operation("PUT"), &Map::new())
        .await;
    assert!(called.exchange.is_none() && server.seen().is_empty());
    let Err(CallError::NotSent(failure)) = called.result else { panic!("{:?}", called.result) };
    assert_eq!((failure.kind, failure.at.as_str()), (FailureKind::Mapping, "input.contactId"));
}

/// The variant's name, the kind, and the wait in seconds.
fn class(error: &CallError) -> (&'static str, FailureKind, Option<u64>) {
    let (name, after) = match error {
        CallError::Retry { after, .. } => ("retry", after.map(|it| it.as_secs())),
        CallError::SignIn(_) => ("sign in", None),
        CallError::Breaker { .. } => ("breaker", None),
        CallError::Refused(_) => ("refused", None),
        CallError::Lost(_) => ("lost", None),
        CallError::NotSent(_) => ("not sent", None),
    };
    (name, error.failure().kind, after)
}

#[tokio::test]
async fn every_status_has_its_meaning_and_keeps_the_services_words() {
    for (status, headers, expected) in [
        (400, &[][..], ("refused", FailureKind::Refused, None)),
        (401, &[], ("sign in", FailureKind::SignIn, None)),
        (402, &[], ("refused", FailureKind::Refused, None)),
        (403, &[], ("refused", FailureKind::Forbidden, None)),
        (404, &[], ("refused", FailureKind::NotFound, None)),
        (408, &[], ("lost", FailureKind::Timeout, None)),
        (409, &[], ("refused", FailureKind::Refused, None)),
        (410, &[], ("refused", FailureKind::NotFound, None)),
        (422, &[], ("refused", FailureKind::Refused, None)),
        (425, &[], ("retry", FailureKind::Service, None)),
        (429, &[], ("retry", FailureKind::RateLimit, None)),
        (429, &[("retry-after", "7")], ("retry", FailureKind::RateLimit, Some(7))),
        (429, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], ("retry", FailureKind::RateLimit, Some(0))),
        (500, &[], ("lost", FailureKind::Service, None)),
        (501, &[], ("refused", FailureKind::Service, None)),
        (502, &[], ("lost", FailureKind::Service, None)),
        (503, &[], ("lost", FailureKind::Service, None)),
        (503, &[("retry-after", "3")], ("retry", FailureKind::Service, Some(3))),
        (505, &[], ("refused", FailureKind::Service, None)),
        (304, &[], ("refused", FailureKind::Refused, None)),
    ] {
        let (called, _server) = answered_with(move |_| {
            let mut all = vec![("content-type", "application/json")];
            all.extend_from_slice(headers);
            let body = if status == 304 {
                String::new()
            } else {
                json!({"message": ["email must be an email", "phone too short"]}).to_string()
            };
            reply(status, &all, body)
        })
        .await;
        let error = called.result.unwrap_err();
        assert_eq!(class(&error), expected, "{status} {headers:?}: {error}");
        let failure = error.failure();
        assert_eq!((failure.status, failure.at.as_str()), (Some(status), "contact 3f2a"));
        if status != 304 {
            assert_eq!(failure.detail, "email must be an email; phone too short");
        }
        assert!(
            failure.title.contains("HighLevel") && failure.title.contains("Update contact") && !failure.hint.is_empty(),
            "{failure}"
        );
        assert_eq!(called.exchange.unwrap().answer.as_ref().map(|it| it.status), Some(status));
    }
}

#[tokio::test]
async fn words_say_what_to_do_next() {
    let (called, _server) = answered_with(|_| json_reply(403, &json!({"message": "no scope"}))).await;
    assert_eq!(
        called.result.unwrap_err().to_string(),
        "HighLevel does not allow \"Update contact\" (contact 3f2a): no scope. See that the token has the scope contacts.write and its user \
         the permission"
    );
    let (called, _server) = answered_with(|_| json_reply(401, &json!({"message": "expired"}))).await;
    assert_eq!(called.result.unwrap_err().failure().hint, "Open Connections and sign in to \"Main\" again");
    let (called, _server) = answered_with(|_| json_reply(404, &json!({"message": "gone"}))).await;
    assert_eq!(called.result.unwrap_err().failure().hint, "See that contact 3f2a still exists and belongs to this account");
}

#[tokio::test]
async fn a_web_page_is_no_answer_to_an_operation() {
    let page = "<!DOCTYPE html><html><head><title>Sign in &amp; pay</title></head></html>";
    let (called, server) = answered_with(move |_| reply(200, &[("content-type", "text/html")], page)).await;
    let Err(CallError::Lost(failure)) = called.result else { panic!("{:?}", called.result) };
    assert_eq!((failure.kind, failure.detail.as_str()), (FailureKind::Service, "Sign in & pay"));
    assert_eq!(called.exchange.unwrap().answer.as_ref().unwrap().body.text, page);

    let called = caller(settings()).send(get(server.url.clone()), None).await;
    assert_eq!(called.result.unwrap().value, json!(page), "a generic request may well ask for a page");

    let (called, _server) = answered_with(move |_| reply(502, &[("content-type", "text/html")], page)).await;
    assert_eq!(called.result.unwrap_err().failure().detail, "Sign in & pay");
}

#[tokio::test]
async fn json_is_recognised_however_it_is_called_and_damaged_json_is_not_taken() {
    let (called, _server) = answered_with(|_| reply(200, &[("content-type", "text/html")], "{\"a\":1}")).await;
    assert_eq!(called.result.unwrap().value, json!({"a": 1}));
    let (called, _server) = answered_with(|_| reply(201, &[("content-type", "application/json")], "{\"a\":")).await;
    let Err(CallError::Lost(failure)) = called.result else { panic!("{:?}", called.result) };
    assert_eq!(failure.kind, FailureKind::Service);
    let (called, _server) = answered_with(|_| reply(204, &[], "")).await;
    assert_eq!(called.result.unwrap().value, Value::Null);
    let (called, _server) = answered_with(|_| reply(200, &[("content-type", "text/plain")], "OK")).await;
    assert_eq!(called.result.unwrap().value, json!("OK"));
}

#[tokio::test]
async fn the_services_headers_feed_the_budget() {
    let server = Server::start(|seen| {
        let status = if seen.path.contains("busy") { 429 } else { 200 };
        let headers = [
            ("content-type", "application/json"),
            ("x-max", "100"),
            ("x-left", "40"),
            ("x-interval", "10000"),
            ("x-day", "1234"),
        ];
        reply(status, &headers, "{}")
    })
    .await;
    let connector = connector(&json!({
        "rates": [{"requests": 100, "per_ms": 10_000}, {"requests": 200_000, "per_ms": 86_400_000}],
        "limit_headers": {"max": "x-max", "remaining": "x-left", "interval_ms": "x-interval", "daily_remaining": "x-day"},
    }));
    let client = caller(Settings { longest_wait: Duration::from_secs(2), ..settings() });
    let connection = connection(&server.url, AuthKind::Bearer);
    assert_eq!(client.budget(&connection.id), None);
    assert!(client.call(&connection, &connector, &operation("PUT"), &input()).await.result.is_ok());
    let budget = client.budget(&connection.id).unwrap();
    assert_eq!((budget.remaining, budget.used, budget.max, budget.interval_ms), (40, 60, 100, 10_000));
    assert_eq!((budget.daily_remaining, budget.used_today), (Some(1234), 200_000 - 1234));

    let mut busy = input();
    busy.insert("contactId".into(), json!("busy"));
    let called = client.call(&connection, &connector, &operation("PUT"), &busy).await;
    assert_eq!(class(&called.result.unwrap_err()), ("retry", FailureKind::RateLimit, Some(10)));
    assert_eq!(client.budget(&connection.id).unwrap().remaining, 0, "nobody sends until the service's interval is over");
    let called = client.call(&connection, &connector, &operation("PUT"), &input()).await;
    let Err(CallError::Retry { after: Some(after), failure }) = &called.result else { panic!("{:?}", called.result) };
    assert!(called.exchange.is_none() && *after > Duration::from_secs(5), "{after:?} {failure}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_call_waits_for_its_turn_and_the_log_says_how_long() {
    let server = Server::start(|_| json_reply(200, &json!({}))).await;
    let connector = connector(&json!({"rates": [{"requests": 1, "per_ms": 200}]}));
    let client = caller(settings());
    let connection = connection(&server.url, AuthKind::Bearer);
    let (operation, input) = (operation("PUT"), input());
    let call = || client.call(&connection, &connector, &operation, &input);
    let (first, second) = tokio::join!(call(), call());
    let mut queued = [first, second].map(|it| {
        assert!(it.result.is_ok());
        it.exchange.unwrap().timing.queued_us
    });
    queued.sort_unstable();
    assert!(queued[0] < 150_000 && queued[1] >= 190_000, "{queued:?}");
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_and_costs_no_budget() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = caller(settings());
    let connection = connection(&url, AuthKind::Bearer);
    let connector = connector(&json!({
        "rates": [{"requests": 5, "per_ms": 100_000}],
        "breaker": {"after_error_ms": 60_000, "after_refusal_ms": 3_600_000, "stop_after": 3},
    }));
    let called = client.call(&connection, &connector, &operation("PUT"), &input()).await;
    assert_eq!(class(called.result.as_ref().unwrap_err()), ("retry", FailureKind::Network, None));
    let exchange = called.exchange.unwrap();
    assert!(exchange.answer.is_none() && exchange.error.as_ref().is_some_and(|it| it.contains("refused")), "{exchange:?}");
    assert_eq!(client.budget(&connection.id).unwrap().remaining, 5);
    assert_eq!(client.breaker(&connection.id), BreakerState::default());
}

#[tokio::test]
async fn a_breaker_stops_calls_until_a_person_closes_it() {
    let server = Server::start(|_| json_reply(500, &json!({"message": "down"}))).await;
    let connector = connector(&json!({"breaker": {"after_error_ms": 0, "after_refusal_ms": 3_600_000, "stop_after": 3}}));
    let client = caller(settings());
    let connection = connection(&server.url, AuthKind::Bearer);
    for _ in 0..3 {
        let called = client.call(&connection, &connector, &operation("PUT"), &input()).await;
        assert_eq!(class(&called.result.unwrap_err()).0, "lost");
    }
    let called = client.call(&connection, &connector, &operation("PUT"), &input()).await;
    let Err(CallError::Breaker { until: None, failure }) = &called.result else { panic!("{:?}", called.result) };
    assert!(called.exchange.is_none() && failure.hint.contains(connection.id.as_str()), "{failure}");
    assert!(matches!(client.breaker(&connection.id), BreakerState::Open { failures: 3, .. }));

    let restarted = caller(settings());
    let saved = client.unsaved_breaker(&connection.id).expect("it changed");
    restarted.restore_breaker(connection.id.clone(), saved);
    let called = restarted.call(&connection, &connector, &operation("PUT"), &input()).await;
    assert!(matches!(called.result, Err(CallError::Breaker { until: None, .. })), "a restart is no way around it");

    client.close_breaker(&connection.id);
    client.call(&connection, &connector, &operation("PUT"), &input()).await;
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_breaker_waits_after_an_error_and_says_until_when() {
    let server = Server::start(|_| json_reply(429, &json!({}))).await;
    let rule = json!({"breaker": {"after_error_ms": 60_000, "after_refusal_ms": 3_600_000, "stop_after": 3}});
    let catalog: crate::catalog::Catalog = [connector(&rule)].into_iter().collect();
    let connector = connector(&rule);
    let client = caller(settings()).with_catalog(catalog);
    let connection = connection(&server.url, AuthKind::Bearer);
    let called = client.call(&connection, &connector, &operation("PUT"), &input()).await;
    assert_eq!(class(&called.result.unwrap_err()), ("retry", FailureKind::RateLimit, Some(60)));
    let now = jiff::Timestamp::now();
    let called = client.call(&connection, &connector, &operation("PUT"), &input()).await;
    let Err(CallError::Breaker { until: Some(until), .. }) = called.result else { panic!("{:?}", called.result) };
    assert!((50..=60).contains(&until.duration_since(now).as_secs()));
    let called = client.send(get("/x".into()), Some(&connection)).await;
    assert!(matches!(called.result, Err(CallError::Breaker { .. })), "the generic request is held to the same rule");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_generic_request_sends_what_it_is_given() {
    let server = Server::start(|seen| json_reply(200, &json!({"len": seen.body.len()}))).await;
    let client = caller(settings());
    let mut request = post(format!("{}/a", server.url), HttpPayload::Json(json!({"x": [1, 2]})));
    request.query = vec![("q".into(), "1 2".into())];
    request.headers = vec![("X-A".into(), "b".into())];
    let called = client.send(request, None).await;
    assert_eq!(called.result.unwrap().value, json!({"len": 11}));
    let seen = &server.seen()[0];
    assert_eq!((seen.path.as_str(), seen.header("x-a"), seen.header("authorization")), ("/a?q=1+2", "b", ""));

    let called = client.send(get("/b".into()), Some(&connection(&server.url, AuthKind::Bearer))).await;
    assert!(called.result.is_ok());
    assert_eq!(server.seen()[1].header("authorization"), format!("Bearer {CANARY}"));
}

#[tokio::test]
async fn an_unsigned_request_that_is_refused_asks_for_no_sign_in() {
    let server = Server::start(|_| json_reply(401, &json!({"error": {"message": "who are you"}}))).await;
    let called = caller(settings()).send(get(format!("{}/a/b", server.url)), None).await;
    let Err(CallError::Refused(failure)) = called.result else { panic!("{:?}", called.result) };
    assert_eq!((failure.kind, failure.detail.as_str()), (FailureKind::SignIn, "who are you"));
    assert!(failure.title.contains("127.0.0.1") && failure.title.contains("GET /a/b"), "{failure}");
}
