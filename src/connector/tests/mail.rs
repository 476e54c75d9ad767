//! Mail, against a mail server that is written here.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::server::untrusted;
use super::*;
use crate::catalog::Catalog;
use crate::record::{Failure, FailureKind};

/// What a mail server answers, by the beginning of what is said to it; an empty answer ends the connection without one.
type Answers = &'static [(&'static str, &'static str)];

/// A mail server on this machine, and everything that was said to it.
struct Server {
    url: String,
    said: Arc<Mutex<Vec<String>>>,
}

const USUAL: Answers = &[
    ("EHLO", "250-here\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"),
    ("AUTH", "235 2.7.0 welcome"),
    ("MAIL", "250 2.1.0 ok"),
    ("RCPT", "250 2.1.5 ok"),
    ("DATA", "354 go on"),
    (".", "250 2.0.0 queued as 42"),
    ("QUIT", "221 bye"),
];

impl Server {
    /// One that answers as usual, but for these.
    async fn start(other: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (read, mut write) = stream.into_split();
                let mut lines = BufReader::new(read).lines();
                write.write_all(b"220 here ESMTP\r\n").await.ok();
                let mut in_letter = false;
                while let Ok(Some(line)) = lines.next_line().await {
                    heard.lock().unwrap().push(line.clone());
                    if in_letter && line != "." {
                        continue;
                    }
                    let answer = other.iter().chain(USUAL).find(|(start, _)| line.starts_with(start));
                    let answer = answer.map_or("500 what?", |it| it.1);
                    if answer.is_empty() {
                        break;
                    }
                    in_letter = answer.starts_with("354");
                    write.write_all(format!("{answer}\r\n").as_bytes()).await.ok();
                }
            }
        });
        Self { url, said }
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    fn count(&self, start: &str) -> usize {
        self.said().iter().filter(|it| it.starts_with(start)).count()
    }
}

fn fields(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

fn letter() -> Map<String, Value> {
    fields(
        json!({ "to": "Ann <ann@x.example>, bo@x.example", "subject": "Grüße", "text": "Hello\n.\nAnn", "bcc": "di@x.example" }),
    )
}

async fn send_as(url: &str, secret: Option<Secret>, operation: &str, input: &Map<String, Value>) -> Called {
    let catalog = Catalog::shipped();
    let (connector, operation) = catalog.operation(&crate::catalog::OperationId::new(operation)).unwrap();
    let auth = if secret.is_some() { AuthKind::Basic } else { AuthKind::None };
    let mut connection = Connection::new("post", "Post", ConnectorId::new("mail"), url, auth);
    connection.account.insert("from".to_owned(), "Desk <desk@shop.example>".to_owned());
    let vault = Vault::in_memory();
    if let Some(secret) = secret {
        vault.pin(connection.id.clone(), secret);
    }
    let settings = Settings { answer_timeout: Duration::from_secs(5), ..settings() };
    Caller::new(settings, vault).unwrap().call(&connection, connector, operation, input).await
}

async fn send(server: &Server) -> Called {
    let secret = Secret::basic("desk".to_owned(), CANARY.to_owned());
    send_as(&server.url, Some(secret), "mail.letters.send-mail", &letter()).await
}

#[tokio::test]
async fn a_letter_is_sent_to_all_its_readers_and_the_servers_words_come_back() {
    let server = Server::start(&[]).await;
    let called = send(&server).await;
    let answered = called.result.unwrap();
    assert_eq!(answered.value["accepted"], json!(["ann@x.example", "bo@x.example", "di@x.example"]));
    assert_eq!(answered.value["answer"], "250 2.0.0 queued as 42");
    let said = server.said();
    let at = |line: &str| said.iter().position(|it| it.starts_with(line)).unwrap_or_else(|| panic!("{line} of {said:#?}"));
    assert!(at("AUTH PLAIN ") < at("MAIL FROM:<desk@shop.example>") && at("MAIL") < at("RCPT TO:<ann@x.example>"));
    assert!(at("RCPT TO:<di@x.example>") < at("DATA") && at("DATA") < at("Subject: =?utf-8?"));
    assert!(said.contains(&"..".to_owned()), "a line that is a dot does not end the letter: {said:#?}");
    let id = answered.value["id"].as_str().unwrap();
    assert!(said.contains(&format!("Message-ID: {id}")), "{said:#?}");
    let exchange = called.exchange.unwrap();
    assert_eq!(
        (exchange.request.url.as_str(), exchange.answer.as_ref().map(|it| it.status)),
        (&*format!("{}/letters", server.url), Some(250))
    );
    let told = serde_json::to_string(&*exchange).unwrap();
    assert!(told.contains("Grüße") && !told.contains(CANARY), "{told}");
}

#[tokio::test]
async fn what_a_mail_server_says_decides_what_happens_next() {
    let kind = async |answers: Answers| {
        let server = Server::start(answers).await;
        let called = send(&server).await;
        assert!(called.exchange.is_some());
        let error = called.result.unwrap_err();
        let what = match &error {
            CallError::Retry { .. } => "retry",
            CallError::SignIn(_) => "sign in",
            CallError::Refused(_) => "refused",
            CallError::Lost(_) => "lost",
            CallError::NotSent(_) => "not sent",
            CallError::Breaker { .. } => "breaker",
        };
        let failure = error.failure().clone();
        assert!(!format!("{failure:?}").contains(CANARY), "{failure:?}");
        (what, failure.kind, failure.status, server.count("Subject"))
    };
    let cases: [(Answers, _); 9] = [
        (&[("AUTH", "535 5.7.8 wrong password")], ("sign in", FailureKind::SignIn, Some(535), 0)),
        (&[("AUTH", "454 4.7.0 not now")], ("retry", FailureKind::Service, Some(454), 0)),
        (&[("EHLO", "250 here")], ("not sent", FailureKind::Refused, None, 0)),
        (&[("RCPT TO:<bo", "550 5.1.1 no such reader")], ("refused", FailureKind::Refused, Some(550), 0)),
        (&[("RCPT", "450 4.2.1 come back")], ("retry", FailureKind::Service, Some(450), 0)),
        (&[("DATA", "")], ("retry", FailureKind::Network, None, 0)),
        (&[(".", "554 5.7.1 looks like spam")], ("refused", FailureKind::Refused, Some(554), 1)),
        (&[(".", "451 4.3.0 try again")], ("retry", FailureKind::Service, Some(451), 1)),
        // The letter was there whole: nobody knows.
        (&[(".", "")], ("lost", FailureKind::Network, None, 1)),
    ];
    for (answers, expected) in cases {
        assert_eq!(kind(answers).await, expected, "{answers:?}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_took_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let called = send_as(&url, None, "mail.letters.send-mail", &letter()).await;
    assert!(matches!(called.result, Err(CallError::Retry { .. })), "{:?}", called.result);
}

#[tokio::test]
async fn user_password_and_letter_are_never_said_unencrypted() {
    // It answers plainly where encryption is to begin with the first byte.
    let server = Server::start(&[]).await;
    let url = server.url.replace("smtp://", "smtps://");
    let secret = Secret::basic("desk".to_owned(), CANARY.to_owned());
    let called = send_as(&url, Some(secret), "mail.letters.send-mail", &letter()).await;
    // Nor will it be better the next time.
    let Err(CallError::NotSent(failure)) = called.result else { panic!("{:?}", called.result) };
    let is_clear = failure.title.contains("could not be encrypted") && failure.hint.contains("smtp:// for port 587");
    assert!(is_clear || is_unable(&failure), "{failure}");
    let said = server.said().join("\n");
    assert!(!said.contains("AUTH") && !said.contains("Subject") && !said.contains("ann@x.example"), "{said}");
}

/// Without certificates of its own, this machine cannot even ask.
fn is_unable(failure: &Failure) -> bool {
    failure.kind == FailureKind::Machine && failure.hint.contains("ca-certificates")
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_hears_nothing() {
    let (url, read) = untrusted();
    let secret = Secret::basic("desk".to_owned(), CANARY.to_owned());
    let called = send_as(&url.replace("https://", "smtps://"), Some(secret), "mail.letters.send-mail", &letter()).await;
    let Err(CallError::NotSent(failure)) = called.result else { panic!("{:?}", called.result) };
    let is_clear = failure.title.starts_with("127.0.0.1 could not prove that it is the mail server of that name");
    assert!((is_clear && failure.detail.contains("certificate")) || is_unable(&failure), "{failure}");
    assert!(read.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_address_with_a_password_and_a_letter_without_a_reader_are_not_sent() {
    let server = Server::start(&[]).await;
    let url = server.url.replace("smtp://", "smtp://desk:secret@");
    let refused = send_as(&url, None, "mail.letters.send-mail", &letter()).await.result.unwrap_err();
    assert!(matches!(&refused, CallError::NotSent(failure) if failure.at == "url"), "{refused:?}");
    let nobody = fields(json!({ "to": "nobody", "subject": "x" }));
    let refused = send_as(&server.url, None, "mail.letters.send-mail", &nobody).await.result.unwrap_err();
    assert!(matches!(&refused, CallError::NotSent(failure) if failure.at == "input.to" && failure.kind == FailureKind::Mapping));
    assert_eq!(server.said(), Vec::<String>::new());
}

#[tokio::test]
async fn a_check_signs_in_and_sends_nothing() {
    let server = Server::start(&[]).await;
    let secret = Secret::basic("desk".to_owned(), CANARY.to_owned());
    let called = send_as(&server.url, Some(secret), "mail.account.check", &Map::new()).await;
    assert_eq!(called.result.unwrap().value["answer"], "235 2.7.0 welcome");
    assert_eq!((server.count("AUTH"), server.count("MAIL")), (1, 0));
}
