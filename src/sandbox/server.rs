//! Takes a request through faults, sign-in, limits, checks and its behaviour, and writes the ledger.
use std::fmt;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::access::Access;
use super::call::{Call, Outcome, Refusal};
use super::clock::Clock;
use super::control;
use super::faults::{Drawn, FaultKind};
use super::generic;
use super::ledger::{Effect, LedgerEntry};
use super::limits::{Allowance, Limits};
use super::oauth::{self, Caller, Page};
use super::options::Seed;
use super::route::{PathValues, Routes, Target};
use super::service::Service;
use super::store::Fields;
use super::webhook::{self, Outbox, Webhook};
use super::world::World;
use crate::catalog::{ConnectorId, Event, OperationId};

/// The largest body that is read.
const BODY: usize = 8 << 20;
/// Where a request says of which run and step it is.
const STEP: &str = "x-flowyard-step";
/// The longest delay that a fault may cause, in milliseconds.
const DELAY_MS: u64 = 600_000;

/// The part of the sandbox that never changes, and the world behind its lock.
pub(crate) struct Server {
    pub(crate) access: Access,
    pub(crate) clock: Clock,
    routes: [(Service, Routes); 5],
    world: Mutex<World>,
    pub(crate) outbox: Outbox,
    /// Makes the world anew.
    fresh: Box<dyn Fresh>,
}

/// Hears how many contacts there are of how many, and says whether to go on.
pub(crate) type Told<'a> = &'a mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Makes worlds.
pub(crate) trait Fresh: Send + Sync {
    /// A world of a size, as it is at the start; none where it was told to stop.
    fn plant(&self, seed: Seed, now: Timestamp, told: Told<'_>) -> Option<World>;
}

/// A request on its way, with what the ledger will say about it.
struct Visit<'a> {
    service: Service,
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a HeaderMap,
    bytes: &'a Bytes,
}

/// What is sent back.
struct Answer {
    status: u16,
    body: Vec<u8>,
    html: bool,
    allowance: Option<(Limits, Allowance)>,
    challenge: bool,
    cut: bool,
    /// What the service takes for the present.
    date: Timestamp,
}

// Neither the token nor the password, which the seed knows, nor anyone's records.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("access", &self.access).finish_non_exhaustive()
    }
}

impl Server {
    pub(crate) fn new(
        access: Access,
        clock: Clock,
        routes: [(Service, Routes); 5],
        world: World,
        fresh: Box<dyn Fresh>,
        outbox: Outbox,
    ) -> Self {
        Self { access, clock, routes, world: Mutex::new(world), outbox, fresh }
    }

    /// Lets an event happen that no request here causes: one that a sample tells about, with these fields of its own.
    pub(crate) fn emit(&self, id: &OperationId, own: Fields) -> Option<Webhook> {
        let event = Event::find(id).filter(|it| it.payload.is_some())?;
        let connector = self.routes(Service::Highlevel)?.connector()?;
        let sample = event.payload.as_ref().map(|it| it.sample(connector)).unwrap_or_default();
        let mut record = match sample {
            Value::Object(fields) => fields.into_iter().collect(),
            _ => Fields::new(),
        };
        record.extend(own);
        let mut world = self.world();
        let webhook = webhook::make(&mut world, event, &record, self.clock.now(), true);
        self.outbox.tell(&webhook);
        Some(webhook)
    }

    /// Tokens for a form that came to a token endpoint of its own; the status and the body.
    fn tokens(&self, service: Service, form: &[u8]) -> (u16, Value) {
        let now = self.clock.now();
        let mut world = self.world();
        let (status, body, effect, summary) = match oauth::exchange(&mut world, service, &oauth::form(form, now)) {
            Ok(reply) => (200, reply.body, reply.effect, reply.summary),
            Err(refusal) => (refusal.status, refusal.body, Effect::None, refusal.summary),
        };
        world.ledger.push(LedgerEntry {
            seq: 0,
            at: now,
            service: ConnectorId::new(service.connector()),
            operation: OperationId::new(&format!("{}.oauth.token", service.connector())),
            method: "POST".to_owned(),
            path: "/oauth/token".to_owned(),
            status,
            effect,
            record: None,
            fault: None,
            breach: None,
            step: None,
            by_hand: false,
            summary,
        });
        (status, body)
    }

    /// Another code for an app that is still let in; the status and the body.
    fn reconnect(&self, bytes: &[u8]) -> (u16, Value) {
        let now = self.clock.now();
        let body = serde_json::from_slice(bytes).unwrap_or_default();
        let call = Call { path: Vec::new(), query: Vec::new(), body, now, caller: Caller::Owner };
        match oauth::reconnect(&mut self.world(), &call) {
            Ok(reply) => (200, reply.body),
            Err(refusal) => (refusal.status, refusal.body),
        }
    }

    /// Carries out a call, and tells those who watch what followed.
    pub(super) fn carry_out(&self, world: &mut World, service: Service, target: &Target, call: &Call, by_hand: bool) -> Outcome {
        let watched = self.outbox.is_watched();
        world.watch(watched);
        let reply = carry_out(world, service, target, call)?;
        if watched {
            for webhook in webhook::follow(world, target, call, &reply, by_hand) {
                self.outbox.tell(&webhook);
            }
        }
        Ok(reply)
    }

    /// The world. Never held across an await; a behaviour that panicked leaves it as it was at that moment.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts over: records, ledger, limits, faults.
    pub(crate) fn reset(&self) {
        let seed = self.world().seed;
        self.plant(seed, &mut |_, _| ControlFlow::Continue(()));
    }

    /// Starts over with another size; the world that was, or none where it was told to stop, and then nothing changed.
    /// Requests go on to be answered from the world that is, until the new one is whole.
    pub(crate) fn plant(&self, seed: Seed, told: Told<'_>) -> Option<World> {
        Some(self.exchange(self.fresh.plant(seed, self.clock.now(), told)?))
    }

    /// Puts another world in the place of this one.
    pub(crate) fn exchange(&self, world: World) -> World {
        std::mem::replace(&mut *self.world(), world)
    }

    /// The routes of a service.
    pub(super) fn routes(&self, service: Service) -> Option<&Routes> {
        self.routes.iter().find(|(it, _)| *it == service).map(|(_, routes)| routes)
    }

    async fn visit(&self, visit: Visit<'_>) -> Answer {
        let found = self.routes(visit.service).and_then(|it| it.find(visit.method, visit.path));
        let operation = found.as_ref().map(|(target, _)| &target.operation.id);
        let drawn = self.world().draw.draw(operation, visit.service.tests_its_clients());
        delay(drawn.before_ms).await;
        let answer = self.answer(&visit, found, drawn);
        delay(drawn.after_ms).await;
        answer
    }

    fn answer(&self, visit: &Visit<'_>, found: Option<(Arc<Target>, PathValues)>, drawn: Drawn) -> Answer {
        let now = skewed(self.clock.now(), drawn.skew_ms);
        let (target, path) = found.map_or((None, Vec::new()), |(target, path)| (Some(target), path));
        // What needs no record is done before the lock is taken.
        let versioned = target.as_ref().is_none_or(|it| it.is_versioned());
        let holder = |token: &str| {
            let world = self.world();
            world.grants.holder(visit.service, token, now)
        };
        // Whoever asks for a token has none yet.
        let is_open = target.as_ref().is_some_and(|it| it.is_open());
        let signed_in =
            if is_open { Ok(Caller::Owner) } else { visit.service.signed_in(&self.access, visit.headers, versioned, &holder) };
        let call = target.as_ref().zip(signed_in.as_ref().ok());
        let call = call.map(|(target, caller)| prepare(visit, target, path, now, caller.clone()));

        let mut world = self.world();
        let limits = world.limits;
        let mut allowance = None;
        // Rules for clients are for the account's own; a stranger breaks nobody's.
        let ruled = visit.service == Service::ScheduleIt && (signed_in.is_ok() || drawn.strike.is_some());
        let enforced = world.traps.rule_breakers_locked_out;
        let breach = if ruled { world.conduct.arrives(now, enforced) } else { None };
        let locked = if ruled { world.conduct.lock() } else { None };
        let outcome = match drawn.strikes(false) {
            _ if locked.is_some() => Err(locked.unwrap_or_else(bad_gateway)),
            Some(FaultKind::Cut) => Err(nothing_done(target.as_deref())),
            Some(kind) => Err(visit.service.fault(kind).unwrap_or_else(bad_gateway)),
            None => signed_in.and_then(|_| {
                let left = world.meter.take(limits, now);
                if visit.service == Service::Highlevel {
                    allowance = Some((limits, left));
                    if left.refused && !world.traps.unlimited {
                        return Err(visit.service.fault(FaultKind::RateLimited).unwrap_or_else(bad_gateway));
                    }
                }
                if let Some((target, call)) = target.as_ref().zip(call) {
                    return self.carry_out(&mut world, visit.service, target, &call?, false);
                }
                let root = visit.service.root(visit.method, visit.path);
                root.ok_or_else(|| visit.service.unknown(visit.method, visit.path))
            }),
        };
        let struck = drawn.strikes(true).filter(|_| outcome.is_ok());
        let success = target.as_deref().map_or(200, Target::success);
        let (mut status, mut body, effect, record, summary) = match outcome {
            Ok(it) => (it.status.unwrap_or(success), it.body, it.effect, it.record, it.summary),
            Err(it) => (it.status, it.body, Effect::None, None, it.summary),
        };
        if let Some(refusal) =
            struck.filter(|it| *it != FaultKind::Cut).map(|it| visit.service.fault(it).unwrap_or_else(bad_gateway))
        {
            (status, body) = (refusal.status, refusal.body);
        }
        if visit.service == Service::Highlevel
            && status >= 400
            && let Value::Object(fields) = &mut body
        {
            fields.insert("traceId".to_owned(), world.trace().into());
        }
        if ruled {
            world.conduct.answered(status, now);
        }
        world.ledger.push(LedgerEntry {
            seq: 0,
            at: now,
            service: ConnectorId::new(visit.service.connector()),
            operation: target.as_ref().map_or_else(
                || OperationId::new(&format!("{}.unknown", visit.service.connector())),
                |it| it.operation.id.clone(),
            ),
            method: visit.method.to_owned(),
            path: visit.query.map_or_else(|| visit.path.to_owned(), |query| format!("{}?{query}", visit.path)),
            status,
            effect,
            record,
            fault: drawn.name(),
            breach,
            step: visit.headers.get(STEP).and_then(|it| it.to_str().ok()).map(str::to_owned),
            by_hand: false,
            summary,
        });
        drop(world);

        let cut = drawn.strikes(false).or(struck) == Some(FaultKind::Cut);
        let challenge = visit.service == Service::ScheduleIt && status == 401;
        let html = body.as_str().is_some_and(|it| it.starts_with('<'));
        Answer { status, body: written(status, &body, html), html, allowance, challenge, cut, date: now }
    }
}

/// Everything about a call that can be said without the records.
fn prepare(visit: &Visit<'_>, target: &Target, path: PathValues, now: Timestamp, caller: Caller) -> Result<Call, Refusal> {
    let query = form_urlencoded::parse(visit.query.unwrap_or_default().as_bytes()).into_owned().collect();
    let body = visit.service.body(target, visit.headers, visit.bytes)?;
    let call = Call { path, query, body, now, caller };
    visit.service.check(target, &call)?;
    Ok(call)
}

pub(super) fn carry_out(world: &mut World, service: Service, target: &Target, call: &Call) -> Outcome {
    service.admit(world, target, call)?;
    match target.behaviour {
        Some(behaviour) => behaviour(world, call),
        None => generic::answer(world, target, call),
    }
}

/// The time by a clock that is so far ahead.
fn skewed(now: Timestamp, ms: i64) -> Timestamp {
    if ms == 0 {
        return now;
    }
    Timestamp::from_millisecond(now.as_millisecond().saturating_add(ms)).unwrap_or(now)
}

/// An answer that is cut before anything was done says nothing.
fn nothing_done(target: Option<&Target>) -> Refusal {
    let summary = "The connection was cut before anything was done".to_owned();
    Refusal {
        status: target.map_or(200, Target::success),
        body: json!({"traceId": "00000000-0000-0000-0000-000000000000"}),
        summary,
    }
}

/// What a proxy says when the service behind it is away.
fn bad_gateway() -> Refusal {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";
    Refusal { status: 502, body: Value::from(page), summary: "Answered with a proxy's error page".to_owned() }
}

fn written(status: u16, body: &Value, html: bool) -> Vec<u8> {
    match body {
        Value::String(page) if html => page.clone().into_bytes(),
        _ if status == 204 => Vec::new(),
        _ => serde_json::to_vec(body).unwrap_or_default(),
    }
}

async fn delay(ms: u64) {
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms.min(DELAY_MS))).await;
    }
}

/// The one handler: every path of both services and of the control endpoints.
pub(crate) async fn handle(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, BODY).await else {
        return json_response(StatusCode::PAYLOAD_TOO_LARGE, &json!({"statusCode": 413, "message": "request entity too large"}));
    };
    let path = head.uri.path();
    if let Some(rest) = path.strip_prefix("/_sandbox/") {
        let (status, body) = control::answer(&server, peer, &head, rest, &bytes);
        return json_response(status, &body);
    }
    for service in Service::ALL {
        let Some(paths) = service.oauth_paths() else { continue };
        if path == paths.authorize {
            return consent(&server, service, &head, &bytes);
        }
        if path == paths.token && service == Service::ScheduleIt {
            return json_answer(server.tokens(service, &bytes));
        }
    }
    // Not in the vendor's documents that the catalogue is made of.
    if path == "/highlevel/oauth/reconnect" && head.method == Method::POST {
        return json_answer(server.reconnect(&bytes));
    }
    let Some((service, path)) = Service::at(path) else {
        let message = "No service is imitated here. Try /highlevel, /schedule-it/api, /mail, /files or /desktop.";
        return json_response(StatusCode::NOT_FOUND, &json!({"statusCode": 404, "message": message}));
    };
    let Parts { method, uri, headers, .. } = &head;
    let visit = Visit { service, method: method.as_str(), path, query: uri.query(), headers, bytes: &bytes };
    response(server.visit(visit).await)
}

/// The page on which a person lets an app in.
fn consent(server: &Server, service: Service, head: &Parts, bytes: &Bytes) -> Response<Body> {
    let post = head.method == Method::POST;
    let form = if post { String::from_utf8_lossy(bytes) } else { head.uri.query().unwrap_or_default().into() };
    let page = oauth::answer(&mut server.world(), service, post, &form, server.clock.now());
    let mut response = Response::new(Body::empty());
    let (status, header, value) = match &page {
        Page::Html(status, _) => (*status, CONTENT_TYPE, "text/html; charset=utf-8"),
        Page::Redirect(to) => (302, LOCATION, to.as_str()),
    };
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(header, value);
    }
    if let Page::Html(_, html) = page {
        *response.body_mut() = Body::from(html);
    }
    response
}

fn json_answer((status, body): (u16, Value)) -> Response<Body> {
    json_response(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body)
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(serde_json::to_vec(body).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

fn response(answer: Answer) -> Response<Body> {
    let length = answer.body.len();
    let body = if answer.cut {
        Body::new(Cut { half: Some(Bytes::from(answer.body).split_to(length / 2)), flushed: false, length: length as u64 })
    } else {
        Body::from(answer.body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if length > 0 {
        let kind = if answer.html { "text/html" } else { "application/json; charset=utf-8" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if answer.cut {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if answer.challenge {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Schedule it\""));
    }
    if let Ok(date) = HeaderValue::from_str(&answer.date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()) {
        headers.insert(DATE, date);
    }
    if let Some((limits, left)) = answer.allowance {
        let values = [
            ("x-ratelimit-limit-daily", limits.daily),
            ("x-ratelimit-daily-remaining", left.daily_left),
            ("x-ratelimit-interval-milliseconds", limits.interval_ms),
            ("x-ratelimit-max", limits.burst),
            ("x-ratelimit-remaining", left.interval_left),
        ];
        for (name, value) in values {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
    response
}

/// Half of a body, then an error: the server closes the connection, and the client has less than was announced.
struct Cut {
    half: Option<Bytes>,
    flushed: bool,
    length: u64,
}

/// Why the body ends.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut on purpose")]
struct CutError;

impl http_body::Body for Cut {
    type Data = Bytes;
    type Error = CutError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutError>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.flushed {
            // What is written so far leaves when there is nothing more to write at the moment.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(CutError)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// Serves until `stop` is done, then lets requests that are under way end.
pub(crate) async fn serve(listener: TcpListener, server: Arc<Server>, stop: impl Future<Output = ()> + Send + 'static) {
    let router = axum::Router::new().fallback(handle).with_state(server);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    // Small answers leave at once. A connection on which that cannot be set still works.
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or_default());
    // axum's server never ends with an error: it waits and tries again when a connection cannot be accepted.
    axum::serve(listener, service).with_graceful_shutdown(stop).await.unwrap_or_default();
}
