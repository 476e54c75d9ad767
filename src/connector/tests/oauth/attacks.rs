//! Servers, pages and programs that mean harm.
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::server::{Server, Then, gzip_of_zeros, json_reply, raw, reply};
use super::*;
use crate::connector::CallError;
use crate::record::FailureKind;

/// Sends a request as it is to where the browser comes back; the status.
async fn send(back: &Url, text: &str) -> u16 {
    let address = format!("{}:{}", back.host_str().unwrap(), back.port().unwrap());
    let mut stream = TcpStream::connect(&address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok();
    answer.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn requests_that_are_no_answer_end_nothing_and_the_right_one_is_taken() {
    let scene = Scene::start().await;
    let begun = scene.begin(&scene.connection);
    let opened = begun.opened().await;
    let back = scene.press(&opened, "allow", "Location").await;
    let host = format!("127.0.0.1:{}", back.port().unwrap());
    let query = back.query().unwrap();
    let stranger = format!("code=stolen&state={}", "x".repeat(22));
    for (request, status) in [
        (format!("GET /signed-in?{stranger} HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400),
        (format!("GET /signed-in?code=c HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400),
        (format!("GET /signed-in?error=access_denied HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400),
        (format!("GET /signed-in HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400),
        // A page of the network whose name leads here, with everything right but that.
        (format!("GET /signed-in?{query} HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 421),
        (format!("GET /signed-in?{query} HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", back.port().unwrap()), 421),
        (format!("GET /signed-in?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), 421),
        (format!("GET /signed-in?{query} HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n"), 421),
        (format!("GET /signed-in?{query} HTTP/1.0\r\n\r\n"), 421),
        (format!("POST /signed-in?{query} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"), 405),
        (format!("HEAD /signed-in?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n"), 405),
        (format!("GET /favicon.ico HTTP/1.1\r\nHost: {host}\r\n\r\n"), 404),
        (format!("GET /signed-in/../signed-in?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n"), 404),
        (format!("GET /signed-in?{} HTTP/1.1\r\nHost: {host}\r\n\r\n", "x".repeat(20_000)), 431),
        ("no HTTP at all\r\n\r\n".into(), 400),
    ] {
        assert_eq!(send(&back, &request).await, status, "{}", request.chars().take(80).collect::<String>());
    }
    // Somebody who connects and says nothing holds nobody up.
    let _silent: Vec<_> = {
        let mut all = Vec::new();
        for _ in 0..8 {
            all.push(TcpStream::connect(&host).await.unwrap());
        }
        all
    };
    assert_eq!(send(&back, &format!("GET /signed-in?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await, 200);
    begun.end().await.unwrap();
    assert!(scene.read().await.result.is_ok());
}

#[tokio::test]
async fn an_answer_from_somebody_else_is_refused_even_with_the_right_state() {
    let scene = Scene::start().await;
    let begun = scene.begin(&scene.connection);
    let mut back = scene.press(&begun.opened().await, "allow", "Location").await;
    back.query_pairs_mut().append_pair("iss", "https://evil.example");
    let page = scene.browser.get(back).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Somebody other than HighLevel"), "{page}");
    let failure = begun.end().await.unwrap_err();
    assert!(failure.title.contains("Somebody other than HighLevel"), "{failure}");
    assert_eq!(scene.renewals(0), 0, "the code went nowhere");
}

#[tokio::test]
async fn a_program_that_guesses_is_given_up_on_in_the_end() {
    let scene = Scene::start().await;
    let begun = scene.begin(&scene.connection);
    let back: Url = in_query(&begun.opened().await, "redirect_uri").parse().unwrap();
    let host = format!("127.0.0.1:{}", back.port().unwrap());
    let request = format!("GET /signed-in?code=c&state=guess HTTP/1.1\r\nHost: {host}\r\n\r\n");
    for _ in 0..1000 {
        assert_eq!(send(&back, &request).await, 400);
    }
    assert_eq!(send(&back, &request).await, 429);
    let failure = begun.end().await.unwrap_err();
    assert!(failure.title.contains("something on this machine disturbs it"), "{failure}");
}

/// A connection that signed in at the sandbox, and whose tokens are asked for elsewhere from then on.
async fn elsewhere(token_url: String) -> Scene {
    let scene = Scene::signed_in().await;
    let mut connection = scene.connection.clone();
    connection.oauth.as_mut().unwrap().token_url = Some(token_url);
    scene.expire();
    Scene { connection, ..scene }
}

/// What a call says whose token cannot be renewed there.
async fn refused(token_url: String) -> CallError {
    let scene = elsewhere(token_url).await;
    let kept = kept_value(&scene.kept());
    let error = scene.read().await.result.unwrap_err();
    assert_eq!(kept_value(&scene.kept()), kept, "what is kept stays");
    scene.assert_clean(&format!("{error:?}"));
    error
}

#[tokio::test]
async fn a_token_endpoint_that_answers_something_else_is_refused_in_words() {
    let page = |_: &super::super::server::Seen| reply(200, &[("content-type", "text/html")], "<html><title>Log in</title>");
    let long = |_: &super::super::server::Seen| reply(200, &[("content-type", "application/json")], "x".repeat(10 << 20));
    let bomb = |_: &super::super::server::Seen| {
        reply(200, &[("content-type", "application/json"), ("content-encoding", "gzip")], gzip_of_zeros(100 << 20))
    };
    let empty = |_: &super::super::server::Seen| reply(200, &[], "");
    let half = |_: &super::super::server::Seen| reply(200, &[("content-type", "application/json")], "{\"access_token\": \"a");
    let list = |_: &super::super::server::Seen| json_reply(200, &json!(["a"]));
    let none = |_: &super::super::server::Seen| json_reply(200, &json!({"token": "a"}));
    let split = |_: &super::super::server::Seen| json_reply(200, &json!({"access_token": "a\r\nX-Evil: 1", "expires_in": 5}));
    let second = |_: &super::super::server::Seen| json_reply(200, &json!({"access_token": "a", "refresh_token": "b\n"}));
    let mac = |_: &super::super::server::Seen| json_reply(200, &json!({"access_token": "a", "token_type": "mac"}));
    let broken = |_: &super::super::server::Seen| reply(503, &[("content-type", "text/html")], "<html><title>Away</title>");
    for (server, word) in [
        (Server::start(page).await, "web page"),
        (Server::start(long).await, "too long"),
        (Server::start(bomb).await, "too long"),
        (Server::start(empty).await, "no JSON object"),
        (Server::start(half).await, "no JSON object"),
        (Server::start(list).await, "no JSON object"),
        (Server::start(none).await, "not what OAuth 2.0 asks for"),
        (Server::start(split).await, "characters that a token cannot have"),
        (Server::start(second).await, "characters that a token cannot have"),
        (Server::start(mac).await, "not a bearer token"),
        (Server::start(broken).await, "failed to give tokens (503)"),
    ] {
        let error = refused(format!("{}/token", server.url)).await;
        let CallError::Retry { failure, .. } = &error else { panic!("{word}: {error:?}") };
        assert!(failure.title.contains(word) && failure.kind == FailureKind::Service, "{word}: {failure}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn no_redirect_takes_the_secrets_anywhere() {
    for status in [301, 302, 303, 307, 308] {
        let other = Server::start(|_| json_reply(200, &json!({"access_token": "theirs"}))).await;
        let to = format!("{}/token", other.url.replace("127.0.0.1", "localhost"));
        let server = Server::start(move |_| reply(status, &[("location", &to)], "")).await;
        let error = refused(format!("{}/token", server.url)).await;
        let CallError::SignIn(failure) = &error else { panic!("{error:?}") };
        assert!(failure.title.contains("redirect to localhost"), "{failure}");
        assert!(other.seen().is_empty());
        let itself = Server::start(move |_| reply(status, &[("location", "/other")], "")).await;
        refused(format!("{}/token", itself.url)).await;
        assert_eq!(itself.seen().len(), 1, "not even to itself");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_never_answers_is_not_waited_for_longer_than_half_a_minute() {
    let (url, _) = raw("", Then::Hang).await;
    let scene = elsewhere(format!("{url}/token")).await;
    let begun = tokio::time::Instant::now();
    let error = scene.read().await.result.unwrap_err();
    assert!(matches!(&error, CallError::Retry { failure, .. } if failure.kind == FailureKind::Timeout), "{error:?}");
    assert!(begun.elapsed().as_secs() <= 60, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_endpoint_that_echoes_what_it_was_sent_gets_it_into_no_words() {
    for status in [400, 401, 403, 429, 500] {
        let server = Server::start(move |seen| {
            let sent = String::from_utf8_lossy(&seen.body).into_owned();
            json_reply(status, &json!({"error": "invalid_grant", "error_description": format!("bad: {sent}"), "message": sent}))
        })
        .await;
        let error = refused(format!("{}/token", server.url)).await;
        assert!(error.failure().detail.contains("•••"), "{status}: {error:?}");
    }
    let scene = Scene::start().await;
    let server = Server::start(|seen| {
        let sent = String::from_utf8_lossy(&seen.body).into_owned();
        json_reply(400, &json!({"error": "invalid_grant", "error_description": sent}))
    })
    .await;
    let mut connection = scene.connection.clone();
    let oauth = connection.oauth.as_mut().unwrap();
    (oauth.token_url, oauth.pkce) = (Some(format!("{}/token", server.url)), Some(true));
    let begun = scene.begin(&connection);
    let back = scene.press(&begun.opened().await, "allow", "Location").await;
    scene.browser.get(back.clone()).send().await.unwrap();
    let failure = begun.end().await.unwrap_err();
    let sent = String::from_utf8(server.seen()[0].body.to_vec()).unwrap();
    for name in ["code", "code_verifier", "client_secret"] {
        let value = form_urlencoded::parse(sent.as_bytes()).find(|(key, _)| key == name).unwrap().1.into_owned();
        assert!(!format!("{failure:?}").contains(&value), "{name}: {failure}");
    }
    assert_eq!(failure.kind, FailureKind::SignIn);
}

#[tokio::test]
async fn an_endpoint_that_is_not_who_it_should_be_gets_nothing() {
    let (url, read) = super::super::server::untrusted();
    let error = refused(format!("{url}/token")).await;
    assert!(matches!(&error, CallError::Retry { failure, .. } if failure.title.contains("could not prove")), "{error:?}");
    assert!(read.lock().unwrap().is_empty());
}
