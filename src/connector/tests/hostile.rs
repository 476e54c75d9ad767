//! Services that break off, dawdle, flood or lie.
use super::server::{Server, Then, gzip_of_zeros, json_reply, raw, reply, untrusted};
use super::*;
use crate::record::FailureKind;

#[tokio::test]
async fn a_connection_cut_within_the_answer_loses_it() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"a\":1",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{\"a\":1",
    ] {
        let (url, _) = raw(head, Then::Close).await;
        let called = put(&url).await;
        let Err(CallError::Lost(failure)) = called.result else { panic!("{:?}", called.result) };
        assert_eq!((failure.kind, failure.status), (FailureKind::Network, Some(200)));
        let exchange = called.exchange.unwrap();
        let body = &exchange.answer.as_ref().unwrap().body;
        assert_eq!((body.text.as_str(), body.cut), ("{\"a\":1", true));
        assert!(exchange.error.is_some());
    }
}

#[tokio::test]
async fn a_connection_cut_before_the_answer_loses_it_and_is_not_tried_again_by_itself() {
    for bytes in ["", "HTTP/1.1 2"] {
        let (url, count) = raw(bytes, Then::Close).await;
        let called = put(&url).await;
        let Err(CallError::Lost(failure)) = called.result else { panic!("{:?}", called.result) };
        assert_eq!(failure.kind, FailureKind::Network);
        assert!(called.exchange.unwrap().answer.is_none());
        assert_eq!(*count.lock().unwrap(), 1);
    }
}

#[tokio::test]
async fn what_is_no_http_loses_the_answer() {
    let (url, _) = raw("220 mail.example.com ESMTP ready\r\n", Then::Close).await;
    assert!(matches!(put(&url).await.result, Err(CallError::Lost(_))));
}

#[tokio::test]
async fn an_error_whose_body_is_cut_keeps_its_meaning() {
    let (url, _) = raw("HTTP/1.1 404 Not Found\r\ncontent-length: 100\r\n\r\nno such", Then::Close).await;
    let called = put(&url).await;
    let Err(CallError::Refused(failure)) = called.result else { panic!("{:?}", called.result) };
    assert_eq!((failure.kind, failure.detail.as_str()), (FailureKind::NotFound, "no such"));
}

#[tokio::test]
async fn a_service_that_does_not_answer_in_time_loses_the_answer() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":";
    for (bytes, then, has_answer) in [("", Then::Hang, false), (half, Then::Hang, true), ("", Then::Promise, false)] {
        let (url, _) = raw(bytes, then).await;
        let client = caller(Settings { answer_timeout: Duration::from_millis(300), ..settings() });
        let called = client.call(&connection(&url, AuthKind::Bearer), &connector(&json!({})), &operation("PUT"), &input()).await;
        let Err(CallError::Lost(failure)) = &called.result else { panic!("{:?}", called.result) };
        assert_eq!(failure.kind, FailureKind::Timeout);
        let exchange = called.exchange.unwrap();
        assert_eq!(exchange.answer.is_some(), has_answer);
        assert!(exchange.error.is_some() && exchange.timing.total() >= Duration::from_millis(290));
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_the_bound() {
    let (url, _) = raw("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n", Then::Repeat).await;
    let client = caller(Settings { max_answer_bytes: 1 << 20, max_log_body_bytes: 1000, ..settings() });
    let called = client.send(get(url.clone()), None).await;
    let Err(CallError::Refused(failure)) = &called.result else { panic!("{:?}", called.result) };
    assert_eq!(failure.kind, FailureKind::Limit);
    let exchange = called.exchange.unwrap();
    let body = &exchange.answer.as_ref().unwrap().body;
    assert_eq!((body.size, body.text.len(), body.cut), (1 << 20, 1000, true));
    let called = client.send(post(url, HttpPayload::None), None).await;
    assert!(matches!(called.result, Err(CallError::Lost(_))), "a write may have been carried out: {:?}", called.result);
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let (url, _) = raw("HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n", Then::Hang).await;
    let called = caller(settings()).send(get(url), None).await;
    let Err(CallError::Refused(failure)) = &called.result else { panic!("{:?}", called.result) };
    assert_eq!(failure.kind, FailureKind::Limit);
}

#[tokio::test]
async fn what_unpacks_to_too_much_is_cut_at_the_bound() {
    let bomb = gzip_of_zeros(100 << 20);
    assert!(bomb.len() < 1 << 20);
    let server =
        Server::start(move |_| reply(200, &[("content-encoding", "gzip"), ("content-type", "text/plain")], bomb.clone())).await;
    let called = caller(settings()).send(get(server.url.clone()), None).await;
    let Err(CallError::Refused(failure)) = &called.result else { panic!("{:?}", called.result) };
    assert_eq!(failure.kind, FailureKind::Limit);
    assert_eq!(called.exchange.unwrap().answer.as_ref().unwrap().body.size, 10 << 20);
}

#[tokio::test]
async fn damaged_compression_loses_the_answer() {
    let server = Server::start(|_| reply(200, &[("content-encoding", "gzip")], "not gzip at all")).await;
    let called = put(&server.url).await;
    assert!(matches!(called.result, Err(CallError::Lost(_))), "{:?}", called.result);
}

#[tokio::test]
async fn a_request_that_is_too_long_is_not_sent() {
    let server = Server::start(|_| json_reply(200, &json!({}))).await;
    let client = caller(Settings { max_request_bytes: 100, ..settings() });
    let called = client.send(post(server.url.clone(), HttpPayload::Json(json!("x".repeat(100)))), None).await;
    let Err(CallError::NotSent(failure)) = &called.result else { panic!("{:?}", called.result) };
    assert_eq!(failure.kind, FailureKind::Limit);
    assert!(called.exchange.is_none() && server.seen().is_empty());
}

#[tokio::test]
async fn addresses_that_may_not_be_called_are_not() {
    let client = caller(settings());
    for url in ["http://example.invalid/", "ftp://127.0.0.1/", "https://user:pw@127.0.0.1/", "http://192.0.2.1/"] {
        let called = client.send(get(url.into()), None).await;
        let Err(CallError::NotSent(failure)) = &called.result else { panic!("{url}: {:?}", called.result) };
        assert_eq!(failure.at, "url");
        assert!(called.exchange.is_none() && !failure.to_string().contains("pw"), "{failure}");
    }
    let mut plain = connection("http://example.invalid", AuthKind::Bearer);
    plain.base_url = "http://192.0.2.1".into();
    let called = client.call(&plain, &connector(&json!({})), &operation("PUT"), &input()).await;
    assert!(matches!(called.result, Err(CallError::NotSent(_))), "a secret does not travel in the clear");
}

#[tokio::test]
async fn a_name_that_is_not_found_is_tried_again() {
    // No name is that long (RFC 1035, 2.3.4), so nobody has to be asked.
    let called =
        caller(Settings { allow_http: true, ..settings() }).send(get(format!("http://{}.invalid/", "x".repeat(64))), None).await;
    let Err(CallError::Retry { after: None, failure }) = &called.result else { panic!("{:?}", called.result) };
    assert_eq!(failure.kind, FailureKind::Network);
}

#[tokio::test]
async fn a_service_that_cannot_prove_itself_gets_nothing() {
    let (url, read) = untrusted();
    let called = put(&url).await;
    let Err(CallError::NotSent(failure)) = &called.result else { panic!("{:?}", called.result) };
    // Without certificates of its own, this machine cannot even ask.
    assert!(matches!(failure.kind, FailureKind::Network | FailureKind::Machine), "{failure}");
    assert!(read.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_call_that_is_given_up_gives_its_place_back_after_the_interval() {
    let (url, _) = raw("", Then::Hang).await;
    let client = caller(settings());
    let connection = connection(&url, AuthKind::Bearer);
    let rule = json!({"rates": [{"requests": 3, "per_ms": 60_000}], "breaker": {"after_error_ms": 1, "after_refusal_ms": 1, "stop_after": 3}});
    let connector = connector(&rule);
    let (operation, input) = (operation("PUT"), input());
    let call = client.call(&connection, &connector, &operation, &input);
    assert!(tokio::time::timeout(Duration::from_millis(200), call).await.is_err());
    let budget = client.budget(&connection.id).unwrap();
    assert_eq!((budget.remaining, budget.waiting), (2, 0));
    assert_eq!(client.breaker(&connection.id), BreakerState::default());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    /// Whatever bytes a service sends, a call ends with an answer or an error, and never with a panic.
    #[test]
    fn any_bytes_end_a_call(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), headed in proptest::bool::ANY) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut sent = if headed { b"HTTP/1.1 200 OK\r\nconnection: close\r\n".to_vec() } else { Vec::new() };
            sent.extend(bytes);
            let (url, _) = raw(sent, Then::Close).await;
            let called = put(&url).await;
            assert!(called.exchange.is_some());
        });
    }
}
