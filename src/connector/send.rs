//! Sends a request and receives its answer: redirects, bounds, timing. What the answer means is for others to say.
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::Response;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::Settings;
use super::client::{Clients, innermost, is_distrust, is_this_machine, tls_error};
use super::request::Prepared;
use crate::catalog::Method;

/// So many redirects are followed, and no more.
const MOST_REDIRECTS: u32 = 5;

/// The header that proves who is calling.
pub(super) type Signature = (HeaderName, HeaderValue);

/// What was sent, last, and what came of it.
pub(super) struct Sent {
    /// The request that the answer belongs to, if that is not the first one.
    pub(super) last: Option<Prepared>,
    /// Whether the last request was signed.
    pub(super) signed: bool,
    pub(super) started: Timestamp,
    /// Until the head of the last answer.
    pub(super) waiting: Duration,
    /// From there to the end of its body.
    pub(super) receiving: Duration,
    pub(super) outcome: Result<Received, Unanswered>,
}

/// The head of an answer, and its body as far as it came.
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) end: End,
    /// Why a redirect was not followed.
    pub(super) stopped: Option<String>,
}

/// How a body ended.
pub(super) enum End {
    Whole,
    /// The connection was lost, or what was compressed was damaged.
    Cut(String),
    TooLong,
    TooLate,
}

/// Why there is not even the head of an answer.
pub(super) enum Unanswered {
    /// No connection was made, so the service knows nothing of it.
    Unreached { words: String, late: bool, name: bool },
    /// The service's certificate is not to be trusted, so nothing was sent.
    Distrusted(String),
    /// No client could be made for this address.
    NoClient(String),
    /// The request left, at least in part.
    Lost { words: String },
    /// The request left, and the time is over.
    TooLate,
}

/// Sends `first`, and follows redirects where that is safe.
pub(super) async fn send(clients: &Clients, settings: &Settings, first: &Prepared, signature: Option<&Signature>) -> Sent {
    let started = Timestamp::now();
    let clock = Instant::now();
    let deadline = clock + settings.answer_timeout;
    let mut sent = Sent {
        last: None,
        signed: signature.is_some(),
        started,
        waiting: Duration::ZERO,
        receiving: Duration::ZERO,
        outcome: Err(Unanswered::TooLate),
    };
    let mut redirects = 0;
    loop {
        let request = sent.last.as_ref().unwrap_or(first);
        let response = match execute(clients, request, signature.filter(|_| sent.signed), deadline).await {
            Ok(response) => response,
            Err(unanswered) => {
                sent.waiting = clock.elapsed();
                sent.outcome = Err(unanswered);
                return sent;
            }
        };
        sent.waiting = clock.elapsed();
        let mut stopped = None;
        if matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
            && let Some(location) = response.headers().get(LOCATION)
        {
            let next = if redirects < MOST_REDIRECTS {
                redirected(clients, request, response.status().as_u16(), location)
            } else {
                Err("it leads on and on".into())
            };
            match next {
                Ok((next, same)) => {
                    redirects += 1;
                    sent.signed &= same;
                    sent.last = Some(next);
                    continue;
                }
                Err(words) => stopped = Some(words),
            }
        }
        let (received, receiving) = receive(response, request.method, settings.max_answer_bytes, deadline, stopped).await;
        sent.receiving = receiving;
        sent.outcome = Ok(received);
        return sent;
    }
}

async fn execute(
    clients: &Clients,
    request: &Prepared,
    signature: Option<&Signature>,
    deadline: Instant,
) -> Result<Response, Unanswered> {
    let client = clients.of(&request.url).map_err(Unanswered::NoClient)?;
    let mut out = reqwest::Request::new(method(request.method), request.url.clone());
    *out.headers_mut() = request.headers.clone();
    if let Some((name, value)) = signature {
        out.headers_mut().insert(name, value.clone());
    }
    if !request.body.is_empty() {
        *out.body_mut() = Some(request.body.clone().into());
    }
    match timeout_at(deadline, client.execute(out)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(classify(&error)),
        Err(_elapsed) => Err(Unanswered::TooLate),
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
        Method::Head => reqwest::Method::HEAD,
    }
}

pub(super) fn classify(error: &reqwest::Error) -> Unanswered {
    if let Some(found) = tls_error(error).filter(|it| is_distrust(it)) {
        return Unanswered::Distrusted(found.to_string());
    }
    if error.is_connect() || error.is_builder() {
        return Unanswered::Unreached { words: innermost(error), late: error.is_timeout(), name: error.is_dns() };
    }
    Unanswered::Lost { words: innermost(error) }
}

/// The request that a redirect asks for, and whether it stays at the same scheme, host and port.
fn redirected(clients: &Clients, from: &Prepared, status: u16, location: &HeaderValue) -> Result<(Prepared, bool), String> {
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_invalid| "its address is not a text".to_owned())?;
    let mut url = from.url.join(location).map_err(|error| format!("its address is not one: {error}"))?;
    url.set_fragment(None);
    let same = url.origin() == from.url.origin();
    let host = || url.host_str().unwrap_or_default().to_owned();
    let repeats = same && matches!(status, 307 | 308);
    if !from.method.is_read() && !repeats {
        let why = if same { "it asks for a read in place of the write" } else { "it leads to another place" };
        return Err(format!("{why} ({})", host()));
    }
    if let Err(why) = clients.check(&url) {
        return Err(format!("it leads to an address that may not be called: {why} ({})", host()));
    }
    if from.url.scheme() == "https" && url.scheme() == "http" {
        return Err(format!("it leads away from an encrypted connection ({})", host()));
    }
    if is_this_machine(&url) && !is_this_machine(&from.url) {
        return Err(format!("it leads from the network into this machine ({})", host()));
    }
    let headers = if same { from.headers.clone() } else { harmless(&from.headers) };
    let body = if same { from.body.clone() } else { Bytes::new() };
    Ok((Prepared { method: from.method, url, headers, body, record: from.record.clone() }, same))
}

/// What may be shown to anyone; every other header could be a credential of the service that was asked.
fn harmless(headers: &HeaderMap) -> HeaderMap {
    let kept = [ACCEPT, ACCEPT_LANGUAGE, USER_AGENT];
    kept.into_iter().filter_map(|name| headers.get(&name).cloned().map(|value| (name, value))).collect()
}

pub(super) async fn receive(
    mut response: Response,
    method: Method,
    most: usize,
    deadline: Instant,
    stopped: Option<String>,
) -> (Received, Duration) {
    let clock = Instant::now();
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let announced = response.content_length().filter(|_| method != Method::Head).unwrap_or(0);
    let mut body = Pieces::default();
    let end = if announced > most as u64 {
        End::TooLong
    } else {
        loop {
            match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) => {
                    let room = most.saturating_sub(body.len());
                    if chunk.len() > room {
                        body.add(chunk.slice(..room));
                        break End::TooLong;
                    }
                    body.add(chunk);
                }
                Ok(Ok(None)) => break End::Whole,
                Ok(Err(error)) => break End::Cut(innermost(&error)),
                Err(_elapsed) => break End::TooLate,
            }
        }
    };
    (Received { status, headers, body: body.join(), end, stopped }, clock.elapsed())
}

/// A body as it comes; most come in one piece, which is then not copied.
#[derive(Default)]
struct Pieces {
    first: Bytes,
    joined: BytesMut,
}

impl Pieces {
    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    fn add(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.joined.extend_from_slice(&piece);
    }

    fn join(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }
}

/// Whether two addresses are the same place, as far as credentials go.
pub(super) fn same_place(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}
