//! A planted secret shows up nowhere.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::server::{Server, json_reply, reply};
use super::*;

#[tokio::test]
async fn an_echo_of_the_secret_is_hidden_everywhere() {
    let server = Server::start(|seen| {
        let given = seen.header("authorization");
        let body = json!({
            "headers": {"Authorization": given}, "url": format!("/x?access_token={CANARY}"), CANARY: [CANARY],
            "base64": STANDARD.encode(given), "nested": json!({"t": CANARY}).to_string(), "access_token": "another-secret",
        });
        let status = if seen.path.ends_with("bad") { 400 } else { 200 };
        reply(status, &[("content-type", "application/json"), ("x-echo", given), ("set-cookie", "session=abc")], body.to_string())
    })
    .await;
    let called = put(&server.url).await;
    let exchange = called.exchange.unwrap();
    let answer = exchange.answer.as_ref().unwrap();
    assert!(answer.body.text.contains("•••") && !answer.body.text.contains("another-secret"), "{}", answer.body.text);
    assert!(answer.headers.contains(&("set-cookie".into(), "•••".into())));
    let answered = called.result.unwrap();
    assert_eq!(answered.value["headers"]["Authorization"], json!("Bearer •••"));
    assert_eq!(answered.value["access_token"], json!("another-secret"), "what a service gives a flow is the flow's");
}

#[tokio::test]
async fn a_secret_in_a_services_words_is_hidden() {
    for status in [400, 401, 403, 404, 429, 500, 503] {
        let server = Server::start(move |seen| {
            json_reply(status, &json!({"message": format!("bad token {}", seen.header("authorization"))}))
        })
        .await;
        let called = put(&server.url).await;
        assert!(called.result.unwrap_err().failure().detail.contains("•••"));
    }
    let server = Server::start(|seen| {
        reply(200, &[("content-type", "text/html")], format!("<html><title>{}</title>", seen.header("authorization")))
    })
    .await;
    assert!(put(&server.url).await.result.unwrap_err().failure().detail.contains("•••"));
    let server =
        Server::start(|seen| reply(302, &[("location", &format!("ftp://h/{}", seen.header("authorization")))], "")).await;
    put(&server.url).await;
}

#[tokio::test]
async fn a_secret_that_a_flow_sends_itself_is_hidden() {
    let server = Server::start(|_| json_reply(200, &json!({}))).await;
    let mut request = post(
        format!("/x?key=k-1&a={CANARY}"),
        HttpPayload::Form(vec![("password".into(), "p-1".into()), ("n".into(), CANARY.into())]),
    );
    request.query = vec![("api_key".into(), "q-1".into()), ("b".into(), CANARY.into())];
    request.headers = vec![("X-Custom".into(), CANARY.into()), ("X-Secret-Thing".into(), "h-1".into())];
    let called = caller(settings()).send(request, Some(&connection(&server.url, AuthKind::Bearer))).await;
    assert_clean(&called);
    let shown = serde_json::to_string(&called.exchange).unwrap();
    for secret in ["k-1", "p-1", "q-1", "h-1"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn a_password_is_hidden_as_it_is_and_as_basic_sends_it() {
    let server = Server::start(|seen| json_reply(200, &json!({"you": seen.header("authorization"), "pw": "open sesame"}))).await;
    let vault = Vault::in_memory();
    vault.insert(ConnectionId::new("crm"), Secret::basic("Aladdin".into(), "open sesame".into())).unwrap();
    let client = Caller::new(settings(), vault).unwrap();
    let called =
        client.call(&connection(&server.url, AuthKind::Basic), &connector(&json!({})), &operation("PUT"), &input()).await;
    let shown = format!("{called:?} {client:?}");
    assert!(!shown.contains("sesame") && !shown.contains("QWxhZGRpbjpvcGVuIHNlc2FtZQ"), "{shown}");
    assert_eq!(called.result.unwrap().value, json!({"you": "Basic •••", "pw": "•••"}));
}

#[tokio::test]
async fn a_token_with_a_line_break_injects_no_header() {
    let server = Server::start(|_| json_reply(200, &json!({}))).await;
    let vault = Vault::in_memory();
    vault.insert(ConnectionId::new("crm"), Secret::token("abc\r\nX-Evil: 1".into())).unwrap();
    let client = Caller::new(settings(), vault).unwrap();
    let called =
        client.call(&connection(&server.url, AuthKind::Bearer), &connector(&json!({})), &operation("PUT"), &input()).await;
    assert!(matches!(called.result, Err(CallError::SignIn(_))) && server.seen().is_empty());
}

#[tokio::test]
async fn a_key_in_the_address_reaches_the_service_and_no_log() {
    let paths = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen_by = std::sync::Arc::clone(&paths);
    let server = Server::start(move |seen| {
        seen_by.lock().unwrap().push(seen.path.clone());
        let status = if seen.path.contains("refused") { 403 } else { 200 };
        reply(status, &[("content-type", "application/json"), ("x-echo", &seen.path)], json!({"message": seen.path}).to_string())
    })
    .await;
    for key in [CANARY, "k1"] {
        let vault = Vault::in_memory();
        vault.insert(ConnectionId::new("crm"), Secret::api_key(key.into())).unwrap();
        let client = Caller::new(settings(), vault).unwrap();
        let connection = connection(&server.url, AuthKind::ApiKeyInQuery { parameter: "k y".into() });
        for path in ["/a?b=c", "/refused"] {
            let called = client.send(get(path.into()), Some(&connection)).await;
            assert_clean(&called);
            let shown = called.exchange.unwrap().request.url.clone();
            assert!(shown.ends_with("k+y=•••") && !shown.contains("k1"), "{shown}");
        }
    }
    let paths = || paths.lock().unwrap().clone();
    assert_eq!(paths()[0], format!("/a?b=c&k+y={CANARY}"));
    assert_eq!(paths()[3], "/refused?k+y=k1");
    // Without a key nothing is sent.
    let client = Caller::new(settings(), Vault::in_memory()).unwrap();
    let connection = connection(&server.url, AuthKind::ApiKeyInQuery { parameter: "key".into() });
    assert!(matches!(client.send(get("/a".into()), Some(&connection)).await.result, Err(CallError::SignIn(_))));
    assert_eq!(paths().len(), 4);
}
