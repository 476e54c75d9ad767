//! Redirects are followed where that is safe, and carry no credentials to another place.
use axum::response::Response;

use super::server::{Server, json_reply, reply};
use super::*;
use crate::record::FailureKind;

fn redirect(status: u16, to: &str) -> Response {
    reply(status, &[("location", to)], "")
}

fn signed(url: &str) -> (HttpRequest, Connection) {
    let mut request = get("/start".into());
    request.headers = vec![("X-Tenant-Credential".into(), "tenant-1".into()), ("Accept".into(), "application/json".into())];
    (request, connection(url, AuthKind::Bearer))
}

#[tokio::test]
async fn a_read_follows_within_its_place_with_its_credentials() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/start" => redirect(302, "/next?a=1#part"),
        "/next?a=1" => redirect(308, "end"),
        _ => json_reply(200, &json!({"at": seen.path})),
    })
    .await;
    let (request, connection) = signed(&server.url);
    let called = caller(settings()).send(request, Some(&connection)).await;
    assert_clean(&called);
    assert_eq!(called.result.unwrap().value, json!({"at": "/end"}));
    let seen = server.seen();
    assert!(
        seen.iter()
            .all(|it| it.header("authorization") == format!("Bearer {CANARY}") && it.header("x-tenant-credential") == "tenant-1")
    );
    assert_eq!(seen.len(), 3);
    assert_eq!(called.exchange.unwrap().request.url, format!("{}/end", server.url), "the log shows what the answer belongs to");
}

#[tokio::test]
async fn credentials_do_not_follow_to_another_place_and_back() {
    let home = Server::start(|_| json_reply(200, &json!({}))).await;
    let back = format!("{}/back", home.url);
    let other = Server::start(move |_| redirect(302, &back)).await;
    let other_url = other.url.clone();
    let first = Server::start(move |seen| match seen.path.as_str() {
        "/start" => redirect(307, &format!("{other_url}/trap")),
        _ => json_reply(500, &json!({})),
    })
    .await;
    let (request, connection) = signed(&first.url);
    let called = caller(settings()).send(request, Some(&connection)).await;
    assert_clean(&called);
    assert!(called.result.is_ok());
    for seen in [&other.seen()[0], &home.seen()[0]] {
        assert_eq!(
            (seen.header("authorization"), seen.header("x-tenant-credential"), seen.header("accept")),
            ("", "", "application/json")
        );
    }
    assert_eq!(first.seen()[0].header("authorization"), format!("Bearer {CANARY}"));
    assert!(!called.exchange.unwrap().request.headers.iter().any(|(name, _)| name == "authorization"));
}

#[tokio::test]
async fn credentials_that_were_dropped_once_stay_dropped() {
    let (sender, receiver) = std::sync::mpsc::channel::<String>();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(receiver));
    let other = Server::start(move |_| redirect(302, &receiver.lock().unwrap().recv().unwrap())).await;
    let to = format!("{}/x", other.url);
    let first =
        Server::start(move |seen| if seen.path == "/start" { redirect(302, &to) } else { json_reply(200, &json!({})) }).await;
    sender.send(format!("{}/home", first.url)).unwrap();
    let (request, connection) = signed(&first.url);
    let called = caller(settings()).send(request, Some(&connection)).await;
    assert!(called.result.is_ok());
    assert_eq!((first.seen()[1].path.as_str(), first.seen()[1].header("authorization")), ("/home", ""));
}

#[tokio::test]
async fn a_write_follows_only_a_redirect_that_repeats_it_in_its_place() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/contacts/3f2a" => redirect(307, "/moved"),
        _ => json_reply(200, &json!({"got": String::from_utf8_lossy(&seen.body)})),
    })
    .await;
    assert_eq!(put(&server.url).await.result.unwrap().value, json!({"got": r#"{"name":"Ann"}"#}));
    assert_eq!(server.seen()[1].method, "PUT");

    let other = Server::start(|_| json_reply(200, &json!({}))).await;
    for (status, to) in [
        (301, "/moved".to_owned()),
        (302, "/moved".into()),
        (303, "/moved".into()),
        (307, format!("{}/x", other.url)),
        (308, format!("{}/x", other.url)),
    ] {
        let server = Server::start(move |_| redirect(status, &to)).await;
        let called = put(&server.url).await;
        let Err(CallError::Refused(failure)) = called.result else { panic!("{status}: {:?}", called.result) };
        assert_eq!((failure.kind, failure.status), (FailureKind::Refused, Some(status)));
        assert!(!failure.detail.is_empty() && !failure.hint.is_empty());
        assert_eq!(server.seen().len(), 1);
    }
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn redirects_end_and_lead_nowhere_they_should_not() {
    let server = Server::start(|seen| redirect(302, &format!("{}x", seen.path))).await;
    let called = caller(settings()).send(get(format!("{}/", server.url)), None).await;
    assert!(matches!(called.result, Err(CallError::Refused(_))), "{:?}", called.result);
    assert_eq!(server.seen().len(), 6);

    for to in [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "http://example.invalid/plain",
        "http://user:pw@127.0.0.1/",
        "http://[",
        "javascript:x",
    ] {
        let server = Server::start(move |_| redirect(302, to)).await;
        let called = caller(settings()).send(get(server.url.clone()), None).await;
        let Err(CallError::Refused(failure)) = called.result else { panic!("{to}: {:?}", called.result) };
        assert_eq!(failure.status, Some(302));
        assert_eq!(server.seen().len(), 1);
    }
    let server = Server::start(|_| reply(302, &[], "")).await;
    let called = caller(settings()).send(get(server.url.clone()), None).await;
    assert!(matches!(called.result, Err(CallError::Refused(_))), "a redirect that says not where: {:?}", called.result);
}
