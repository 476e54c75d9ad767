//! A caller that only reads sends nothing that could write, whoever asks; and what it would send is shown without secrets.
use super::server::{Server, json_reply};
use super::*;
use crate::catalog::Catalog;

#[tokio::test]
async fn nothing_but_reads_leaves_a_caller_that_only_reads() {
    let server = Server::start(|_| json_reply(200, &json!({}))).await;
    let (connector, connection) = (connector(&json!({})), connection(&server.url, AuthKind::Bearer));
    let reader = caller(settings()).only_reading();
    let mut search = operation("POST");
    search.reads = true;
    for (operation, goes) in [
        (operation("GET"), true),
        (operation("HEAD"), true),
        (search, true),
        (operation("POST"), false),
        (operation("PUT"), false),
        (operation("PATCH"), false),
        (operation("DELETE"), false),
    ] {
        let before = server.seen().len();
        let mut input = input();
        if operation.body.is_none() {
            input.remove("name");
        }
        let called = reader.call(&connection, &connector, &operation, &input).await;
        assert_eq!((server.seen().len() > before, called.exchange.is_some()), (goes, goes), "{:?}", operation.method);
        assert_eq!(matches!(called.result, Err(CallError::NotSent(_))), !goes, "{:?}", operation.method);
    }
    for method in [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete] {
        let before = server.seen().len();
        let request = HttpRequest { method, ..get(format!("{}/any", server.url)) };
        reader.clone().send(request, None).await;
        assert_eq!(server.seen().len() > before, method.is_read(), "{method:?}");
    }
}

#[tokio::test]
async fn a_letter_is_a_write() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let catalog = Catalog::shipped();
    let mail = catalog.connector(&ConnectorId::new("mail")).unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let connection = Connection::new("crm", "Mail", ConnectorId::new("mail"), &url, AuthKind::Basic);
    let letters: Vec<_> = mail.operations.values().filter(|it| !it.is_read()).collect();
    assert_eq!(letters.len(), 1);
    let input = json!({"from": "a@example.org", "to": "b@example.org", "subject": "Hi", "text": "Hello"});
    let called = caller(settings()).only_reading().call(&connection, mail, letters[0], input.as_object().unwrap()).await;
    assert!(matches!(called.result, Err(CallError::NotSent(_))), "{:?}", called.result);
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody was even greeted");
}

#[tokio::test]
async fn what_would_be_sent_is_shown_whole_and_without_secrets() {
    let (connector, connection) = (connector(&json!({})), connection("https://services.example", AuthKind::Bearer));
    let mut input = input();
    input.insert("name".to_owned(), format!("Ann {CANARY}").into());
    let shown = caller(settings()).preview(&connection, &connector, &operation("PUT"), &input).await.unwrap();
    assert_eq!((shown.method.as_str(), shown.url.as_str()), ("PUT", "https://services.example/contacts/3f2a"));
    assert!(shown.body.text.contains("Ann ") && !format!("{shown:?}").contains(CANARY), "{shown:?}");
    let post = post("https://hooks.example/x?token=1".to_owned(), HttpPayload::Json(json!({"secret": CANARY})));
    let shown = caller(settings()).preview_http(post, None).await.unwrap();
    assert_eq!((shown.method.as_str(), shown.body.text.is_empty()), ("POST", false));
    input.remove("contactId");
    let missing = caller(settings()).preview(&connection, &connector, &operation("PUT"), &input).await.unwrap_err();
    assert!(missing.at.contains("contactId"), "{missing:?}");
}
