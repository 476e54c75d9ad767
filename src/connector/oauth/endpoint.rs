//! Asks a token endpoint: for a code, for a refresh token, or for the app itself.
//!
//! Invariant: no redirect is followed, no answer is read beyond [`LONGEST`] or after [`PATIENCE`], and only what the tokens
//! are made of is believed: an answer that is no JSON is refused.
//! Invariant: no error repeats the code, a token, the proof or the app's secret.
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use oauth2::basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken, TokenUrl,
};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use url::Url;
use zeroize::Zeroizing;

use super::answer::Answer;
use super::app::App;
use crate::catalog::{ClientAuth, Method};
use crate::connector::answer::Content;
use crate::connector::client::Clients;
use crate::connector::redact::Redactor;
use crate::connector::send::{self, End, Received, Unanswered};
use crate::connector::{Caller, Granted, Secret, status};
use crate::record::{Failure, FailureKind};

/// No answer of a token endpoint is longer, in bytes.
const LONGEST: usize = 1 << 20;
/// From sending to the last byte of the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What tokens are asked with.
pub(in crate::connector) enum Ask<'a> {
    /// A code that a person's browser brought back, to this address; or one that the service gave to the app itself.
    Code { code: Zeroizing<String>, verifier: Option<Zeroizing<String>>, redirect: Option<&'a str> },
    /// A refresh token.
    Refresh(&'a str),
    /// Nothing: the app asks for itself.
    Client,
}

/// Why there are no tokens.
#[derive(Debug)]
pub(in crate::connector) enum Refusal {
    /// The code or the refresh token is worth nothing, or the service said no for good: a person has to sign in.
    Final(Failure),
    /// The account rests, and may work again later.
    Inactive(Failure),
    /// Nothing was done; later it may be.
    Later { after: Option<Duration>, failure: Failure },
    /// Nobody knows whether the service made tokens: if it did, what was asked with is spent.
    Lost(Failure),
}

type Endpoint = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What went wrong below the crate that speaks the protocol.
#[derive(thiserror::Error)]
enum Unheard {
    #[error("no answer")]
    Silence(Unanswered),
    #[error("no tokens")]
    Refused(Box<Received>),
    #[error("no request")]
    Request,
}

// What was received may hold tokens.
impl fmt::Debug for Unheard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unheard")
    }
}

/// Asks for tokens.
///
/// # Errors
/// [`Refusal`], in words.
pub(in crate::connector) async fn ask(caller: &Caller, app: &App, ask: Ask<'_>) -> Result<Secret, Refusal> {
    let guard = guard(app, &ask);
    let by_code = matches!(ask, Ask::Code { .. });
    let words = Words { app, by_code, redactor: Redactor { secret: Some(&guard), header: None, parameter: None } };
    let Ok(endpoint) = endpoint(app) else { return Err(words.wrong("the address of its tokens cannot be used")) };
    let http = Http(caller.clone());
    let used = if let Ask::Refresh(token) = &ask { Some(*token) } else { None };
    let scopes = || app.scopes.iter().cloned().map(Scope::new);
    let user_type = app.user_type.as_deref();
    let answer = match &ask {
        Ask::Code { code, verifier, redirect } => {
            let mut request = endpoint.exchange_code(AuthorizationCode::new(code.as_str().to_owned()));
            if let Some(redirect) = redirect {
                let Ok(redirect) = RedirectUrl::new((*redirect).to_owned()) else {
                    return Err(words.wrong("the address to come back to is not one"));
                };
                request = request.set_redirect_uri(std::borrow::Cow::Owned(redirect));
            }
            if let Some(verifier) = verifier {
                request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.as_str().to_owned()));
            }
            if let Some(user_type) = user_type {
                request = request.add_extra_param("user_type", user_type);
            }
            request.request_async(&http).await
        }
        Ask::Refresh(token) => {
            let token = RefreshToken::new((*token).to_owned());
            let mut request = endpoint.exchange_refresh_token(&token);
            if let Some(user_type) = user_type {
                request = request.add_extra_param("user_type", user_type);
            }
            request.request_async(&http).await
        }
        Ask::Client => {
            let mut request = endpoint.exchange_client_credentials().add_scopes(scopes());
            if let Some(user_type) = user_type {
                request = request.add_extra_param("user_type", user_type);
            }
            request.request_async(&http).await
        }
    };
    match answer {
        Ok(answer) => answer.into_secret(Timestamp::now(), used).map_err(|why| words.unusable(why)),
        Err(RequestTokenError::Request(Unheard::Silence(unanswered))) => Err(words.of_silence(&unanswered)),
        Err(RequestTokenError::Request(Unheard::Refused(received))) => Err(words.of_answer(&received)),
        Err(RequestTokenError::Request(Unheard::Request) | RequestTokenError::Other(_)) => {
            Err(words.wrong("the request cannot be made"))
        }
        // The crate's error holds the answer, which may hold tokens.
        Err(RequestTokenError::Parse(..) | RequestTokenError::ServerResponse(_)) => {
            Err(words.unusable("its answer is not what OAuth 2.0 asks for"))
        }
    }
}

/// Asks for another code for an app that is still let in by the account; none where the service does not give one, or this is not
/// enough for it to tell the account.
///
/// # Errors
/// [`Refusal`], in words.
pub(in crate::connector) async fn reconnect(
    caller: &Caller,
    app: &App,
    account: &Granted,
) -> Result<Option<Zeroizing<String>>, Refusal> {
    let (Some(url), Some(secret)) = (&app.reconnect, &app.client_secret) else { return Ok(None) };
    let (name, id) = match (app.user_type.as_deref(), &account.location_id, &account.company_id) {
        (Some("Company"), _, Some(company)) => ("companyId", company),
        (Some("Company"), _, None) | (_, None, _) => return Ok(None),
        (_, Some(location), _) => ("locationId", location),
    };
    let guard = Secret::of_texts(&[secret]);
    let words = Words { app, by_code: false, redactor: Redactor { secret: Some(&guard), header: None, parameter: None } };
    let body = Zeroizing::new(json!({ "clientKey": app.client_id, "clientSecret": secret.as_str(), name: id }).to_string());
    let mut request = HttpRequest::new(body.as_bytes().to_vec());
    *request.method_mut() = reqwest::Method::POST;
    let Ok(address) = url.as_str().parse() else { return Ok(None) };
    *request.uri_mut() = address;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let received = match exchange(caller.clients(), caller.user_agent(), request).await {
        Ok(received) => received,
        Err(Unheard::Silence(unanswered)) => return Err(words.of_silence(&unanswered)),
        Err(Unheard::Refused(received)) => return Err(words.of_answer(&received)),
        Err(Unheard::Request) => return Err(words.wrong("the request cannot be made")),
    };
    let answer: Value = serde_json::from_slice(received.body()).unwrap_or_default();
    let code = answer.get("authorizationCode").and_then(Value::as_str).filter(|it| !it.is_empty());
    Ok(code.map(|it| Zeroizing::new(it.to_owned())))
}

/// Tokens from an answer that came another way: an agency's for a location.
///
/// # Errors
/// Why they cannot be used, for a person.
pub(in crate::connector) fn read(answer: Value, now: Timestamp) -> Result<Secret, &'static str> {
    // A list would be taken for the fields of an answer, in order.
    let answer = Some(answer).filter(Value::is_object).unwrap_or_default();
    let answer: Answer = serde_json::from_value(answer).map_err(|_repeats_it| "its answer holds no tokens")?;
    answer.into_secret(now, None)
}

fn endpoint(app: &App) -> Result<Endpoint, url::ParseError> {
    let mut client = Client::new(ClientId::new(app.client_id.clone()));
    if let Some(secret) = &app.client_secret {
        client = client.set_client_secret(ClientSecret::new(secret.as_str().to_owned()));
    }
    let kind = match app.client_auth {
        ClientAuth::Body => AuthType::RequestBody,
        ClientAuth::Header => AuthType::BasicAuth,
    };
    Ok(client.set_auth_type(kind).set_token_uri(TokenUrl::new(app.token.to_string())?))
}

/// Everything that is sent and must not come back in words.
fn guard(app: &App, ask: &Ask<'_>) -> Secret {
    let mut texts: Vec<&str> = app.client_secret.iter().map(|it| it.as_str()).collect();
    match ask {
        Ask::Code { code, verifier, .. } => texts.extend(std::iter::once(code).chain(verifier).map(|it| it.as_str())),
        Ask::Refresh(token) => texts.push(token),
        Ask::Client => {}
    }
    Secret::of_texts(&texts)
}

/// The tree's HTTP clients, for the crate that speaks the protocol.
struct Http(Caller);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Unheard;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unheard>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(exchange(self.0.clients(), self.0.user_agent(), request))
    }
}

/// One request and its answer, if that is JSON with a status of success.
async fn exchange(clients: &Clients, user_agent: &HeaderValue, request: HttpRequest) -> Result<HttpResponse, Unheard> {
    let deadline = Instant::now() + PATIENCE;
    let (head, body) = request.into_parts();
    let url = Url::parse(&head.uri.to_string()).map_err(|_invalid| Unheard::Request)?;
    clients.check(&url).map_err(|_why| Unheard::Request)?;
    let client = clients.of(&url).map_err(|words| Unheard::Silence(Unanswered::NoClient(words)))?;
    let mut out = reqwest::Request::new(head.method, url);
    *out.headers_mut() = head.headers;
    out.headers_mut().insert(USER_AGENT, user_agent.clone());
    if let Some(it) = out.headers_mut().get_mut(reqwest::header::AUTHORIZATION) {
        it.set_sensitive(true);
    }
    *out.body_mut() = Some(body.into());
    let response = match timeout_at(deadline, client.execute(out)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(Unheard::Silence(send::classify(&error))),
        Err(_elapsed) => return Err(Unheard::Silence(Unanswered::TooLate)),
    };
    let (received, _) = send::receive(response, Method::Post, LONGEST, deadline, None).await;
    let json = matches!(content(&received), Content::Json(Value::Object(_)));
    if !(200..=299).contains(&received.status) || !matches!(received.end, End::Whole) || !json {
        return Err(Unheard::Refused(Box::new(received)));
    }
    // The crate takes 200 alone for success, where some services say 201.
    Ok(HttpResponse::new(received.body.to_vec()))
}

fn content(received: &Received) -> Content {
    let content_type = received.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    Content::read(&received.body, content_type)
}

/// Words about what a token endpoint did.
struct Words<'a> {
    app: &'a App,
    /// Whether a person waits for it.
    by_code: bool,
    redactor: Redactor<'a>,
}

impl Words<'_> {
    fn failure(&self, kind: FailureKind, title: String, detail: &str, hint: &str) -> Failure {
        self.app.failure(kind, title).detail(self.redactor.text(detail)).hint(hint)
    }

    fn lost(&self, kind: FailureKind, title: &str, detail: &str) -> Refusal {
        let hint = "It is tried again; if it goes on, look at the service's status page.";
        Refusal::Lost(self.failure(kind, title.to_owned(), detail, hint))
    }

    /// Nothing was sent, and nothing will be.
    fn wrong(&self, what: &str) -> Refusal {
        let title = format!("{:?} cannot sign in to {}: {what}", self.app.name, self.app.service);
        Refusal::Final(self.failure(FailureKind::SignIn, title, "", "Correct the connection's settings, then sign in again."))
    }

    /// An answer with a status of success that holds nothing to go on with: tokens may have been made.
    fn unusable(&self, why: &str) -> Refusal {
        let service = &self.app.service;
        let hint = "See that the address of its tokens is right, and that no sign-in page or proxy stands before it.";
        Refusal::Lost(self.failure(FailureKind::Service, format!("{service} gave no tokens that can be used: {why}"), "", hint))
    }

    fn of_silence(&self, unanswered: &Unanswered) -> Refusal {
        let (service, host) = (&self.app.service, self.app.token.host_str().unwrap_or_default());
        let failure = |kind, title: String, detail: &str, hint: &str| self.failure(kind, title, detail, hint);
        let later = |failure| Refusal::Later { after: None, failure };
        match unanswered {
            Unanswered::Unreached { words, late, .. } => later(failure(
                if *late { FailureKind::Timeout } else { FailureKind::Network },
                format!("No connection to {host}, where {service} makes its tokens"),
                words,
                "See that this machine is online.",
            )),
            Unanswered::Distrusted(words) => later(failure(
                FailureKind::Network,
                format!("{host} could not prove that it is {service}, so it was not asked for tokens"),
                words,
                "See that the address is right, that this machine's clock is, and that no proxy opens encrypted connections.",
            )),
            Unanswered::NoClient(words) => later(failure(
                FailureKind::Machine,
                "This machine cannot make encrypted connections".to_owned(),
                words,
                "Install the system's certificates (the package is mostly called ca-certificates).",
            )),
            Unanswered::Lost { words } => {
                self.lost(FailureKind::Network, &format!("The connection to {service} broke off before it gave tokens"), words)
            }
            Unanswered::TooLate => {
                self.lost(FailureKind::Timeout, &format!("{service} took too long to give tokens"), "No answer began in time")
            }
        }
    }

    fn of_answer(&self, received: &Received) -> Refusal {
        let service = &self.app.service;
        let code = received.status;
        match &received.end {
            End::Whole => {}
            End::TooLong => return self.unusable("its answer is too long"),
            End::Cut(words) => {
                return self.lost(
                    FailureKind::Network,
                    &format!("The connection to {service} broke off while it gave tokens"),
                    words,
                );
            }
            End::TooLate => {
                return self.lost(
                    FailureKind::Timeout,
                    &format!("{service} took too long to give tokens"),
                    "The answer did not end in time",
                );
            }
        }
        let content = content(received);
        match code {
            200..=299 => {
                let why = if matches!(content, Content::Page(_)) {
                    "it answered with a web page"
                } else {
                    "it answered with no JSON object"
                };
                return self.unusable(why);
            }
            300..=399 => {
                let to =
                    received.headers.get(LOCATION).and_then(|it| it.to_str().ok()).and_then(|it| self.app.token.join(it).ok());
                let host = to.as_ref().and_then(Url::host_str).unwrap_or("nowhere");
                let title = format!("{service} answered with a redirect to {host}, which is not followed with secrets");
                let hint = "See that the address of its tokens is right.";
                return Refusal::Final(self.failure(FailureKind::Refused, title, "", hint).status(code));
            }
            500..=599 | 408 => {
                let title = format!("{service} failed to give tokens ({code})");
                let hint = "It is tried again; if it goes on, look at the service's status page.";
                let failure = self.failure(FailureKind::Service, title, &content.words(&self.app.words), hint).status(code);
                return Refusal::Lost(failure);
            }
            _ => {}
        }
        let named = match &content {
            Content::Json(value) => value.get("error").and_then(Value::as_str).unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        let said = content.words(&self.said());
        if status::rests(&self.app.inactive, &said) {
            let title = format!("{service} says that the account of {:?} rests", self.app.name);
            let hint = "It is asked again each hour, and goes on by itself. See at the service whether the account is paid for.";
            return Refusal::Inactive(self.failure(FailureKind::SignIn, title, &said, hint).status(code));
        }
        let again = format!("Open Connections and sign in to {:?} again.", self.app.name);
        let (title, hint) = match (named.as_str(), code) {
            (_, 429) => {
                let title = format!("{service} wants to be asked for tokens less often");
                let failure = self.failure(FailureKind::RateLimit, title, &said, "It is asked again later.").status(code);
                return Refusal::Later { after: status::retry_after(&received.headers, Timestamp::now()), failure };
            }
            ("invalid_grant", _) if self.by_code => (
                format!("{service} did not accept the code by which {:?} signs in", self.app.name),
                "It may have waited too long, or was used before. Sign in again.".to_owned(),
            ),
            ("invalid_grant", _) => (format!("{service} does not accept the sign-in of {:?} any more", self.app.name), again),
            ("invalid_client" | "unauthorized_client", _) | (_, 401) => (
                format!("{service} does not accept the app by which {:?} signs in", self.app.name),
                "See that the client id and the client secret are those of your app, then sign in again.".to_owned(),
            ),
            ("invalid_scope", _) => (
                format!("{service} does not give {:?} what it asks for", self.app.name),
                "See which scopes your app has at the service, then sign in again.".to_owned(),
            ),
            _ => (format!("{service} gave no tokens to {:?}", self.app.name), again),
        };
        Refusal::Final(self.failure(FailureKind::SignIn, title, &said, &hint).status(code))
    }

    /// Where the words stand: what the standard calls them comes first.
    fn said(&self) -> Vec<String> {
        std::iter::once("error_description".to_owned()).chain(self.app.words.iter().cloned()).collect()
    }
}
