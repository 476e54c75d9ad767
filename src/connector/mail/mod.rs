//! Mail by SMTP (RFC 5321): an operation whose connection's address begins with `smtp` is no HTTP request.
//!
//! `smtps://host:465` is encrypted from the start; `smtp://host:587` begins plainly and is encrypted before anything is said
//! (STARTTLS, RFC 3207), or nothing is said at all. Only to this machine a letter goes without.
//!
//! Invariant: user, password and letter are only sent encrypted, or to this machine.
//! Invariant: a letter whose last line was sent and not answered is lost, never sent again by itself; whatever breaks before
//! that leaves nothing behind.
mod judge;
mod letter;
mod talk;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lettre::transport::smtp::authentication::Credentials;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use self::letter::Letter;
use self::talk::{Place, talk};
use super::client::is_this_machine;
use super::request::Prepared;
use super::secret::SecretKind;
use super::status::Subject;
use super::{Answered, CallError, Called, Caller, Connection, Secret};
use crate::catalog::{Connector, Method, Operation};
use crate::record::{Answer, Exchange, Failure, FailureKind, Request, Timing};

/// Whether an address is a mail server's.
pub(super) fn is_at(url: &Url) -> bool {
    matches!(url.scheme(), "smtp" | "smtps")
}

impl Caller {
    /// Sends a letter; an operation that only reads signs in, and says whether that works.
    pub(super) async fn mail(
        &self,
        request: &Prepared,
        connection: &Connection,
        connector: &Connector,
        operation: &Operation,
    ) -> Called {
        let secret = match self.kept(connection).await {
            Ok(secret) => secret,
            Err(error) => return Called::unsent(error.at(&request.record)),
        };
        let subject = Subject::of(request, connection, connector, operation, secret.as_deref());
        let redactor = subject.redactor;
        let ready = place(&subject).and_then(|place| {
            let credentials = credentials(&subject, secret.as_deref())?;
            Ok((place, credentials, letter(&subject)?))
        });
        let (place, credentials, letter) = match ready {
            Ok(ready) => ready,
            Err(failure) => return Called::unsent(CallError::NotSent(failure)),
        };
        let settings = self.settings();
        let (started, clock) = (Timestamp::now(), Instant::now());
        let said = talk(&place, credentials.as_ref(), letter.as_ref(), settings.connect_timeout, settings.answer_timeout).await;
        let most = settings.max_log_body_bytes;
        let content_type = request.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let (status, words) = match &said {
            Ok(words) => (Some(250), words.clone()),
            Err(broken) => (broken.code(), broken.words()),
        };
        let answer = status.map(|status| Answer {
            status,
            headers: Vec::new(),
            body: redactor.body(words.as_bytes(), "text/plain", most, true),
        });
        let exchange = Exchange {
            request: Request {
                method: request.method.as_str().to_owned(),
                url: redactor.url(&request.url),
                headers: redactor.headers(&request.headers),
                body: redactor.body(&request.body, content_type, most, true),
            },
            error: status.is_none().then(|| redactor.text(&words).into_owned()),
            answer,
            started,
            timing: Timing { waiting_us: micros(clock.elapsed()), ..Timing::default() },
        };
        let result = match said {
            Ok(words) => {
                let words = redactor.text(&words).into_owned();
                let value = match &letter {
                    Some(letter) => json!({ "id": letter.id, "accepted": letter.recipients(), "answer": words }),
                    None => json!({ "answer": words }),
                };
                Ok(Answered { status: 250, headers: Vec::new(), value })
            }
            Err(broken) => Err(judge::judge(&subject, &broken)),
        };
        Called { exchange: Some(Arc::new(exchange)), before: None, result }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn place(subject: &Subject<'_>) -> Result<Place, Failure> {
    let url = &subject.request.url;
    let wrong = |why: &str| {
        let title = format!("{} was not sent: {why}", subject.doing());
        let hint = "Give an address such as smtps://smtp.example.com:465, without user and password";
        Err(subject.failure(FailureKind::Flow, title).at("url").hint(hint))
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("its address holds a user or a password, which would end up in logs");
    }
    let Some(host) = url.host_str().filter(|it| !it.is_empty()) else { return wrong("its address names no host") };
    let encrypted = url.scheme() == "smtps";
    Ok(Place {
        // An IPv6 address stands in brackets in a URL only.
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: url.port().unwrap_or(if encrypted { 465 } else { 587 }),
        encrypted,
        is_here: is_here(url),
    })
}

/// Whether a mail server can only be this machine; hosts of addresses that are not HTTP's are not read as numbers by themselves.
fn is_here(url: &Url) -> bool {
    let text = format!("http://{}/", url.host_str().unwrap_or_default());
    Url::parse(&text).is_ok_and(|it| is_this_machine(&it))
}

fn credentials(subject: &Subject<'_>, secret: Option<&Secret>) -> Result<Option<Credentials>, Failure> {
    match secret.map(Secret::kind) {
        None => Ok(None),
        Some(SecretKind::Basic { user, password }) => Ok(Some(Credentials::new(user.clone(), password.to_string()))),
        Some(_) => {
            let title = format!("{} was not sent: a mail server takes a user and a password", subject.doing());
            Err(subject.failure(FailureKind::SignIn, title).hint("Sign in to the connection with user and password"))
        }
    }
}

/// Whether a letter can be made of a request; nothing is sent.
///
/// # Errors
/// What is wrong with a field of it.
pub(super) fn check(subject: &Subject<'_>) -> Result<(), Failure> {
    letter(subject).map(drop)
}

fn letter(subject: &Subject<'_>) -> Result<Option<Letter>, Failure> {
    if subject.operation.is_some_and(|it| it.method == Method::Get) {
        return Ok(None);
    }
    let fields: Value = serde_json::from_slice(&subject.request.body).unwrap_or_default();
    Letter::new(&fields).map(Some).map_err(|wrong| {
        let title = format!("{} was not sent: {}", subject.doing(), wrong.message);
        Failure::new(FailureKind::Mapping, title).at(format!("input.{}", wrong.field)).hint(wrong.hint)
    })
}
