//! Calls operations, and anything else that speaks HTTP.
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use serde_json::{Map, Value};

use super::breaker::{Blocked, Outcome};
use super::budget::{Permit, PutOff};
use super::client::Clients;
use super::desktop::{Clicked, Desktop};
use super::gate::{Gates, Pass};
use super::label::{self, Label};
use super::oauth::Renewals;
use super::redact::Redactor;
use super::request::{self, Prepared};
use super::send::{self, End, Received, Sent, Signature, Unanswered};
use super::status::{self, Subject};
use super::{
    Answered, BreakerState, BudgetState, CallError, Called, Connection, ConnectionId, Connections, ConnectorError, HttpRequest,
    Priority, Secret, Settings, Vault, VaultError, http, token,
};
use super::{desktop, files, mail};
use crate::catalog::{AuthKind, BreakerRule, Catalog, Connector, Operation};
use crate::record::{Answer, Exchange, Failure, FailureKind, Request, Timing};

/// The way to every service: HTTP clients, budgets and breakers. Cheap to clone; all clones share them.
#[derive(Clone)]
pub struct Caller {
    shared: Arc<Shared>,
    /// Tells the generic request what its connection's service demands.
    catalog: Catalog,
    /// Whether nothing may be sent but what changes nothing.
    only_reads: bool,
}

struct Shared {
    settings: Settings,
    user_agent: HeaderValue,
    vault: Vault,
    clients: Clients,
    gates: Gates,
    renewals: Renewals,
    /// Finds the agency whose sign-in makes a location's tokens.
    connections: RwLock<Connections>,
    desktop: Desktop,
}

impl Caller {
    /// A caller with these bounds, whose requests are signed from this vault.
    ///
    /// # Errors
    /// If the settings cannot be met. A machine without certificates is no error here: it can still call itself.
    pub fn new(settings: Settings, vault: Vault) -> Result<Self, ConnectorError> {
        let user_agent = HeaderValue::from_str(&settings.user_agent)
            .map_err(|_invalid| ConnectorError::UserAgent(settings.user_agent.clone()))?;
        let clients = Clients::new(&settings)?;
        let renewals = Renewals::with_locks(vault.dir().map(|it| it.join("locks")));
        let gates = Gates::at(vault.dir());
        let shared = Arc::new(Shared {
            settings,
            user_agent,
            vault,
            clients,
            gates,
            renewals,
            connections: RwLock::default(),
            desktop: Desktop::default(),
        });
        Ok(Self { shared, catalog: Catalog::default(), only_reads: false })
    }

    /// The same caller, which sends nothing but what changes nothing: of operations those that [`Operation::is_read`] knows as
    /// reads, of other requests `GET` and `HEAD`. All else is [`CallError::NotSent`], whoever asks. A sign-in is renewed where
    /// that is due.
    #[must_use]
    pub fn only_reading(mut self) -> Self {
        self.only_reads = true;
        self
    }

    /// The same caller, which also holds [`Caller::send`] to the rates and the breaker of a connection's service.
    #[must_use]
    pub fn with_catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = catalog;
        self
    }

    /// The same caller, which also finds the agency that a connection names.
    #[must_use]
    pub fn with_connections(self, connections: Connections) -> Self {
        self.set_connections(connections);
        self
    }

    /// The connections changed; all clones know these from now on.
    pub fn set_connections(&self, connections: Connections) {
        *self.shared.connections.write().unwrap_or_else(PoisonError::into_inner) = connections;
    }

    /// From now on somebody is told of clicks on the notifications that this caller shows; before, none can be clicked.
    pub fn set_clicks(&self, told: impl Fn(Clicked) + Send + Sync + 'static) {
        self.shared.desktop.tell(Arc::new(told));
    }

    pub(super) fn desktop(&self) -> &Desktop {
        &self.shared.desktop
    }

    /// The secret of a connection as it is kept; none where it needs none.
    pub(super) async fn kept(&self, connection: &Connection) -> Result<Option<Arc<Secret>>, CallError> {
        if connection.auth == AuthKind::None {
            return Ok(None);
        }
        self.vault().fetch(&connection.id).await.map_err(|error| CallError::SignIn(of_vault(connection, &error)))
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    pub(super) fn connections(&self) -> Connections {
        self.shared.connections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn clients(&self) -> &Clients {
        &self.shared.clients
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub(super) fn user_agent(&self) -> &HeaderValue {
        &self.shared.user_agent
    }

    pub(super) fn renewals(&self) -> &Renewals {
        &self.shared.renewals
    }

    /// No rest after an error is longer than this; none where that is left to flows and services.
    pub fn longest_rest(&self) -> Option<Duration> {
        self.shared.settings.longest_rest
    }

    /// Where secrets are kept.
    pub fn vault(&self) -> &Vault {
        &self.shared.vault
    }

    /// Calls an operation with its mapped input.
    pub async fn call(
        &self,
        connection: &Connection,
        connector: &Connector,
        operation: &Operation,
        input: &Map<String, Value>,
    ) -> Called {
        if self.only_reads && !operation.is_read() {
            return withheld(&operation.title);
        }
        match request::build(connection, connector, operation, input) {
            // Apart, since hardly a call is one, and all would carry its size.
            Ok(request) if mail::is_at(&request.url) => Box::pin(self.mail(&request, connection, connector, operation)).await,
            Ok(request) if files::is_at(&request.url) => Box::pin(self.files(&request, connection, connector, operation)).await,
            Ok(request) if desktop::is_at(&request.url) => {
                Box::pin(self.notify(&request, connection, connector, operation)).await
            }
            Ok(request) => self.perform(request, Some(connection), Some(connector), Some(operation)).await,
            Err(failure) => Called::unsent(CallError::NotSent(failure)),
        }
    }

    /// Sends any HTTP request, signed by a connection if its address is at that connection's service.
    pub async fn send(&self, request: HttpRequest, signed_by: Option<&Connection>) -> Called {
        if self.only_reads && !request.method.is_read() {
            return withheld(request.method.as_str());
        }
        match http::prepare(request, signed_by) {
            Ok(request) => {
                let connector = signed_by.and_then(|it| self.catalog.connector(&it.connector));
                self.perform(request, signed_by, connector.map(|it| &**it), None).await
            }
            Err(failure) => Called::unsent(CallError::NotSent(failure)),
        }
    }

    /// What is left of the budget of a connection's account; none before its first call, or if it has no limits.
    pub fn budget(&self, id: &ConnectionId) -> Option<BudgetState> {
        self.shared.gates.budget(id)
    }

    /// Whether requests may go on this connection.
    pub fn breaker(&self, id: &ConnectionId) -> BreakerState {
        self.shared.gates.breaker(id)
    }

    /// A person has looked, and lets requests go again.
    pub fn close_breaker(&self, id: &ConnectionId) {
        self.shared.gates.close(id);
        self.shared.renewals.forget(id);
    }

    /// The state of a connection's breaker, if it changed since it was last given out here: to be saved.
    pub fn unsaved_breaker(&self, id: &ConnectionId) -> Option<BreakerState> {
        self.shared.gates.unsaved(id)
    }

    /// Sets a breaker to what was saved.
    pub fn restore_breaker(&self, id: ConnectionId, saved: BreakerState) {
        self.shared.gates.restore(id, saved);
    }

    async fn perform(
        &self,
        mut request: Prepared,
        connection: Option<&Connection>,
        connector: Option<&Connector>,
        operation: Option<&Operation>,
    ) -> Called {
        request.headers.entry(USER_AGENT).or_insert_with(|| self.shared.user_agent.clone());
        if self.shared.settings.name_steps
            && let Some(label) = Label::for_address(&request.url)
        {
            request.headers.insert(label::HEADER, label);
        }
        let Some(signer) = connection else { return self.attempt(&request, None, connector, operation, None).await };
        // A service that asks its callers to stop is not asked for tokens either; the attempt says why.
        let secret = if self.shared.clients.check(&request.url).is_err() {
            Ok(None)
        } else if self.shared.is_blocked(signer, connector) {
            self.kept(signer).await
        } else {
            self.secret_of(signer).await
        };
        let secret = match secret {
            Ok(secret) => secret,
            Err(error) => return Called::unsent(error.at(&request.record)),
        };
        let called = self.attempt(&request, connection, connector, operation, secret.as_deref()).await;
        let Some(secret) = secret else { return called };
        if !matches!(&called.result, Err(CallError::SignIn(failure)) if failure.status == Some(401)) {
            if called.exchange.is_some() {
                self.proved(signer, &secret);
            }
            return called;
        }
        match self.in_place_of(signer, &secret).await {
            Ok(None) => called,
            Ok(Some(fresh)) => {
                let mut again = self.attempt(&request, connection, connector, operation, Some(&fresh)).await;
                if again.exchange.is_some() && !matches!(&again.result, Err(CallError::SignIn(_))) {
                    self.proved(signer, &fresh);
                }
                again.before = called.exchange;
                again
            }
            Err(error) => Called { result: Err(error), ..called },
        }
    }

    /// Sends a request once, signed by this secret.
    async fn attempt(
        &self,
        request: &Prepared,
        connection: Option<&Connection>,
        connector: Option<&Connector>,
        operation: Option<&Operation>,
        secret: Option<&Secret>,
    ) -> Called {
        let shared = &*self.shared;
        let header = connection.and_then(|it| token::header_of(&it.auth));
        let key = connection.and_then(|it| token::in_query(&it.auth, secret));
        let redactor = Redactor { secret, header: header.as_deref(), parameter: key.map(|it| it.0) };
        let with_key = key.map(|(parameter, key)| {
            let mut request = request.clone();
            request.url.query_pairs_mut().append_pair(parameter, key);
            request
        });
        let request = with_key.as_ref().unwrap_or(request);
        let subject = Subject { request, connection, connector, operation, redactor };

        if let Err(failure) = shared.allowed(&subject) {
            return Called::unsent(CallError::NotSent(failure));
        }
        let signature = match connection.map(|it| signature(it, secret)).transpose() {
            Ok(signature) => signature.flatten(),
            Err(failure) => return Called::unsent(CallError::SignIn(failure.at(request.record.as_str()))),
        };
        let asked = tokio::time::Instant::now();
        let (permit, pass) = match shared.admit(&subject).await {
            Ok(admitted) => admitted,
            Err(error) => return Called::unsent(*error),
        };
        let queued = if permit.is_some() { asked.elapsed() } else { Duration::ZERO };

        let sent = send::send(&shared.clients, &shared.settings, request, signature.as_ref()).await;
        let fallback = shared.settle(&subject, &sent, permit, pass);
        let result = match &sent.outcome {
            Ok(received) => status::of_answer(subject, received, fallback).map_err(|it| *it),
            Err(unanswered) => Err(status::of_silence(subject, unanswered)),
        };
        let exchange = match sent.outcome {
            Err(Unanswered::NoClient(_)) => None,
            _ => Some(shared.exchange(request, &sent, signature.as_ref(), queued, redactor)),
        };
        let result = result.map(|content| {
            let body = sent.outcome.as_ref().map_or(&[][..], |it| &it.body);
            let mut value = content.into_value();
            if redactor.is_in(body) {
                redactor.value(&mut value);
            }
            let answer = exchange.as_ref().and_then(|it| it.answer.as_ref());
            let (status, headers) = answer.map(|it| (it.status, it.headers.clone())).unwrap_or_default();
            Answered { status, headers, value }
        });
        Called { exchange: exchange.map(Arc::new), before: None, result }
    }
}

impl Shared {
    /// Whether the request may go to its address, and is not too long.
    fn allowed(&self, subject: &Subject<'_>) -> Result<(), Failure> {
        if let Err(why) = self.clients.check(&subject.request.url) {
            let host = subject.request.url.host_str().unwrap_or_default();
            let failure = Failure::new(FailureKind::Flow, format!("{} was not sent to {host:?}: {why}", subject.doing()));
            return Err(failure.at("url").hint("Give an address that starts with https://, without user and password"));
        }
        let (length, most) = (subject.request.body.len(), self.settings.max_request_bytes);
        if length > most {
            let failure = Failure::new(FailureKind::Limit, format!("{} was not sent: its body is too long", subject.doing()));
            return Err(failure.detail(format!("{length} bytes, and {most} are allowed")).at("input.body"));
        }
        Ok(())
    }

    /// Whether the breaker lets nothing through now.
    fn is_blocked(&self, connection: &Connection, connector: Option<&Connector>) -> bool {
        let rule = self.rule(connector);
        rule.is_some() && self.gates.of(connection, connector).peek(Timestamp::now()).is_err()
    }

    /// What a service asks of its callers after an error, as far as it is heeded.
    fn rule(&self, connector: Option<&Connector>) -> Option<BreakerRule> {
        let rule = connector.and_then(|it| it.breaker)?;
        let most = self.settings.longest_rest.and_then(|it| u64::try_from(it.as_millis()).ok()).unwrap_or(u64::MAX);
        Some(BreakerRule {
            after_error_ms: rule.after_error_ms.min(most),
            after_refusal_ms: rule.after_refusal_ms.min(most),
            ..rule
        })
    }

    /// Waits for the account's budget, and asks the breaker.
    async fn admit(&self, subject: &Subject<'_>) -> Result<(Option<Permit>, Option<Pass>), Box<CallError>> {
        let Some(connection) = subject.connection else { return Ok((None, None)) };
        let gate = self.gates.of(connection, subject.connector);
        let blocked = |blocked: Blocked| Box::new(of_breaker(subject, connection, blocked));
        let rule = self.rule(subject.connector);
        if rule.is_some() {
            gate.peek(Timestamp::now()).map_err(blocked)?;
        }
        let mut permit = match &gate.bucket {
            Some(bucket) => match bucket.take(Priority::current(), self.settings.longest_wait).await {
                Ok(permit) => Some(permit),
                Err(put_off) => return Err(Box::new(of_budget(subject, connection, put_off))),
            },
            None => None,
        };
        let pass = match rule {
            Some(rule) => Some(gate.pass(rule, Timestamp::now()).map_err(blocked)?),
            None => None,
        };
        if let Some(permit) = &mut permit {
            permit.sending();
        }
        Ok((permit, pass))
    }

    /// Tells budget and breaker what came of a request. Returns how long to wait after a 429 that does not say it.
    fn settle(&self, subject: &Subject<'_>, sent: &Sent, permit: Option<Permit>, pass: Option<Pass>) -> Option<Duration> {
        if let Some(pass) = pass {
            let outcome = match &sent.outcome {
                Ok(Received { end: End::Cut(_) | End::TooLate, status: 200..=299, .. })
                | Err(Unanswered::Lost { .. } | Unanswered::TooLate) => Outcome::Silence,
                Ok(received) => Outcome::Status(received.status),
                Err(Unanswered::Unreached { .. } | Unanswered::Distrusted(_) | Unanswered::NoClient(_)) => Outcome::Unreached,
            };
            pass.record(outcome, Timestamp::now());
        }
        let rest = self.rule(subject.connector).map(|it| Duration::from_millis(it.after_error_ms));
        let Some(mut permit) = permit else { return rest };
        let interval = permit.interval();
        match &sent.outcome {
            Ok(received) => {
                let ours = sent.last.as_ref().is_none_or(|it| send::same_place(&it.url, &subject.request.url));
                let names = subject.connector.and_then(|it| it.limit_headers.as_ref()).filter(|_| ours);
                let told = names.map(|it| status::told(it, &received.headers)).unwrap_or_default();
                if received.status == 429 {
                    let after = status::retry_after(&received.headers, Timestamp::now());
                    if let Some(wait) = after.or(told.interval).or(interval) {
                        permit.block(wait);
                    }
                }
                permit.answered(told);
                rest.or(told.interval).or(interval)
            }
            Err(Unanswered::Unreached { .. } | Unanswered::Distrusted(_) | Unanswered::NoClient(_)) => {
                permit.unsent();
                rest.or(interval)
            }
            Err(Unanswered::Lost { .. } | Unanswered::TooLate) => rest.or(interval),
        }
    }

    /// What the log keeps.
    fn exchange(
        &self,
        first: &Prepared,
        sent: &Sent,
        signature: Option<&Signature>,
        queued: Duration,
        redactor: Redactor<'_>,
    ) -> Exchange {
        let most = self.settings.max_log_body_bytes;
        let request = sent.last.as_ref().unwrap_or(first);
        let mut headers = redactor.headers(&request.headers);
        if let Some((name, _)) = signature.filter(|_| sent.signed) {
            headers.push((name.as_str().to_owned(), super::redact::HIDDEN.to_owned()));
        }
        let (answer, error) = match &sent.outcome {
            Ok(received) => {
                let (whole, error) = match &received.end {
                    End::Whole => (true, None),
                    End::Cut(words) => (false, Some(redactor.text(words).into_owned())),
                    End::TooLong => (false, Some("the answer is too long".into())),
                    End::TooLate => (false, Some("the answer took too long".into())),
                };
                let answer = Answer {
                    status: received.status,
                    headers: redactor.headers(&received.headers),
                    body: redactor.body(&received.body, content_type(&received.headers), most, whole),
                };
                (Some(answer), error)
            }
            Err(
                Unanswered::Unreached { words, .. }
                | Unanswered::Lost { words }
                | Unanswered::Distrusted(words)
                | Unanswered::NoClient(words),
            ) => (None, Some(redactor.text(words).into_owned())),
            Err(Unanswered::TooLate) => (None, Some("no answer began in time".into())),
        };
        Exchange {
            request: Request {
                method: request.method.as_str().to_owned(),
                url: redactor.url(&request.url),
                headers,
                body: redactor.body(&request.body, content_type(&request.headers), most, true),
            },
            answer,
            error,
            started: sent.started,
            timing: Timing { queued_us: micros(queued), waiting_us: micros(sent.waiting), receiving_us: micros(sent.receiving) },
        }
    }
}

fn withheld(what: &str) -> Called {
    let failure = Failure::new(FailureKind::Flow, format!("\"{what}\" was not sent: here only what changes nothing is"));
    Called::unsent(CallError::NotSent(failure))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

pub(super) fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default()
}

/// The header that signs for a connection; none if it needs none.
fn signature(connection: &Connection, secret: Option<&Secret>) -> Result<Option<Signature>, Failure> {
    if connection.auth == AuthKind::None {
        return Ok(None);
    }
    let failure = |why: String| {
        Failure::new(FailureKind::SignIn, format!("The connection {:?} cannot be signed in: {why}", connection.name))
            .hint(format!("Open Connections and enter the credentials of {:?} again", connection.name))
    };
    let Some(secret) = secret else { return Err(failure("its credentials are not in the vault".into())) };
    token::sign(&connection.auth, secret).map_err(failure)
}

/// A connection whose secret cannot be had for now.
pub(super) fn of_vault(connection: &Connection, error: &VaultError) -> Failure {
    let title = format!("The connection {:?} cannot be signed in: its credentials cannot be read", connection.name);
    Failure::new(FailureKind::SignIn, title).detail(error.to_string()).hint(error.hint())
}

fn of_breaker(subject: &Subject<'_>, connection: &Connection, blocked: Blocked) -> CallError {
    let title = format!("{} was not sent: requests to {:?} are stopped for now", subject.doing(), connection.name);
    let failure = subject.failure(FailureKind::Breaker, title);
    let failure = match blocked.until {
        Some(until) => failure
            .detail(format!("{} asks its callers to wait after an error, until {until}", subject.service()))
            .hint("It goes on by itself"),
        None => failure
            .detail(format!(
                "{} answered with errors several times in a row, and asks that a person looks first",
                subject.service()
            ))
            .hint(format!(
                "Look at the last answers in the log, then let requests go again: `flowyard connect resume {}`",
                connection.id
            )),
    };
    CallError::Breaker { until: blocked.until, failure }
}

fn of_budget(subject: &Subject<'_>, connection: &Connection, put_off: PutOff) -> CallError {
    let (service, doing, name) = (subject.service(), subject.doing(), &connection.name);
    let (title, hint) = if put_off.spent {
        (
            format!("{doing} was not sent: the requests that {service} allows {name:?} for the day are used up"),
            "It goes on when the service begins to count anew, mostly at midnight UTC",
        )
    } else {
        (
            format!("{doing} was not sent: too many requests to {name:?} are waiting for their turn"),
            "It is tried again when the service's limit allows it",
        )
    };
    CallError::Retry { after: Some(put_off.after), failure: subject.failure(FailureKind::RateLimit, title).hint(hint) }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}
