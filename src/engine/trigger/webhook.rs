//! Webhooks: an HTTP listener that answers once the event is on disk.
//!
//! Invariant: 2xx is answered only after the event's `Accepted` is committed; what cannot be stored is answered 429 or
//! 503, so that the sender sends it again.
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::engine::drive::{Accepted, Driver, Reply, Start};
use crate::engine::shared::{Deployed, Shared};
use crate::flow::{NodeId, Trigger, WebhookAnswer};
use crate::record::{Failure, FailureKind};
use crate::run::{Outcome, RunId};

/// Headers that carry credentials of the caller, or say nothing about the event.
const DROPPED_HEADERS: &[&str] =
    &["authorization", "cookie", "proxy-authorization", "connection", "accept-encoding", "content-length"];

/// Takes the address.
pub(in crate::engine) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => "Another program listens there: choose another port, or 0 for a free one.",
            ErrorKind::PermissionDenied => "Ports below 1024 need special rights: choose a higher one.",
            ErrorKind::AddrNotAvailable => "This machine does not have that address: 127.0.0.1 always works.",
            _ => "Choose another address.",
        };
        Failure::new(FailureKind::Machine, format!("Cannot listen on {address}")).detail(error.to_string()).hint(hint)
    })
}

/// Serves until the engine stops.
pub(in crate::engine) fn listen(shared: &Arc<Shared>, listener: TcpListener) -> Result<SocketAddr, Failure> {
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new(FailureKind::Machine, "Cannot tell the listener's address").detail(error.to_string()))?;
    let router = Router::new().fallback(take).with_state(Arc::clone(shared));
    let stopped = shared.stopped();
    tokio::spawn(async move {
        let stop = async move { stopped.cancelled().await };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stop).await {
            tracing::error!(%error, "the webhook listener ended");
        }
    });
    Ok(address)
}

/// One request.
async fn take(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(path) = parts.uri.path().strip_prefix("/hooks/") else {
        return refuse(StatusCode::NOT_FOUND, "Nothing answers here", "Webhooks answer below /hooks/.");
    };
    let Some((deployed, node)) = shared.hook(path) else {
        return refuse(
            StatusCode::NOT_FOUND,
            "No flow listens on this hook",
            "Check the path, and that the flow is being served.",
        );
    };
    let Some(Trigger::Webhook { answer, delivery_header, delivery_field, .. }) = deployed.triggers.get(&node) else {
        return refuse(StatusCode::NOT_FOUND, "No flow listens on this hook", "");
    };
    let body = match tokio::time::timeout(shared.limits.hook_time, read(body, shared.limits.hook_bytes)).await {
        Ok(Ok(body)) => body,
        Ok(Err(refusal)) => return *refusal,
        Err(_) => return refuse(StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive", ""),
    };
    let body = match parse(&parts.headers, &body) {
        Ok(value) => value,
        Err(refusal) => return *refusal,
    };
    let named = delivery_header.as_ref().and_then(|name| parts.headers.get(name.as_str())?.to_str().ok());
    let delivery = named.map(str::to_owned).or_else(|| delivery_field.as_ref().and_then(|path| dotted(&body, path)));
    let payload = json!({
        "body": body,
        "headers": heads(&parts.headers),
        "query": query(parts.uri.query().unwrap_or_default()),
        "method": parts.method.as_str(),
    });
    start(&shared, &deployed, node.clone(), *answer, delivery, payload, &parts.method).await
}

async fn start(
    shared: &Arc<Shared>,
    deployed: &Deployed,
    node: NodeId,
    answer: WebhookAnswer,
    delivery: Option<String>,
    payload: Value,
    method: &Method,
) -> Response {
    let (respond, responded) = oneshot::channel();
    let start = Start {
        delivery: delivery.map(|it| format!("hook:{node}:{it}")),
        trigger: node,
        payload,
        parent: None,
        depth: 0,
        watch: None,
        respond: (answer == WebhookAnswer::Flow).then_some(respond),
    };
    let run = match Driver::accept(shared, deployed, start).await {
        Ok(Accepted::Run(run)) => run,
        Ok(Accepted::Duplicate(run)) => return reply(StatusCode::OK, &json!({ "run": run, "duplicate": true })),
        Err(failure) => {
            let status = if failure.kind == FailureKind::Machine {
                StatusCode::TOO_MANY_REQUESTS
            } else {
                StatusCode::INTERNAL_SERVER_ERROR
            };
            let mut response = refuse(status, &failure.title, &failure.hint);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
            return response;
        }
    };
    match answer {
        WebhookAnswer::Accepted => reply(StatusCode::ACCEPTED, &json!({ "run": run })),
        WebhookAnswer::Flow => match tokio::time::timeout(shared.limits.answer_time, own_answer(run, responded)).await {
            Ok(response) => response,
            Err(_) if method == Method::GET => refuse(StatusCode::GATEWAY_TIMEOUT, "The flow has not answered in time", ""),
            // It is on disk and goes on: sending it again would do it twice.
            Err(_) => reply(StatusCode::ACCEPTED, &json!({ "run": run, "waiting": true })),
        },
    }
}

/// What the flow's respond node said, or how the run ended if none was reached.
async fn own_answer(run: RunId, replied: oneshot::Receiver<Reply>) -> Response {
    match replied.await {
        Ok(Reply::Answer(output)) => respond(&output),
        Ok(Reply::Ended(Outcome::Failed(failure))) => {
            reply(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "run": run, "outcome": "failed", "failure": failure }))
        }
        Ok(Reply::Ended(Outcome::Cancelled)) => reply(StatusCode::CONFLICT, &json!({ "run": run, "outcome": "cancelled" })),
        Ok(Reply::Ended(Outcome::Succeeded)) => reply(StatusCode::OK, &json!({ "run": run, "outcome": "succeeded" })),
        // The engine stops; the run is on disk and goes on after the next start.
        Err(_) => reply(StatusCode::ACCEPTED, &json!({ "run": run, "waiting": true })),
    }
}

fn respond(output: &Value) -> Response {
    let status = output
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|it| StatusCode::from_u16(it as u16).ok())
        .unwrap_or(StatusCode::OK);
    let (kind, body) = match output.get("body") {
        None | Some(Value::Null) => ("", Vec::new()),
        Some(Value::String(text)) => ("text/plain; charset=utf-8", text.clone().into_bytes()),
        Some(other) => ("application/json", other.to_string().into_bytes()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if !kind.is_empty() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in output.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str());
        let value = value.as_str().map(HeaderValue::try_from);
        if let (Ok(name), Some(Ok(value))) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Box<Response>> {
    use http_body_util::BodyExt as _;
    let mut body = body;
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|error| Box::new(refuse(StatusCode::BAD_REQUEST, "The body did not arrive whole", &error.to_string())))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            let words = format!("At most {limit} bytes are taken.");
            return Err(Box::new(refuse(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", &words)));
        }
        if whole.is_empty() {
            whole = BytesMut::from(data);
        } else {
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.freeze())
}

/// By the content type: JSON, a form, or text; without one, JSON if it is JSON.
fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Value, Box<Response>> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "application/json" || kind.ends_with("+json") {
        return serde_json::from_slice(body).map_err(|error| {
            let words = format!("{error}. Send JSON, or another content type.");
            Box::new(refuse(StatusCode::BAD_REQUEST, "The body is not JSON", &words))
        });
    }
    if kind == "application/x-www-form-urlencoded" {
        let fields = form_urlencoded::parse(body).map(|(key, value)| (key.into_owned(), value.into_owned()));
        return Ok(gather(fields));
    }
    if kind.is_empty()
        && let Ok(value) = serde_json::from_slice(body)
    {
        return Ok(value);
    }
    match std::str::from_utf8(body) {
        Ok(text) => Ok(Value::from(text)),
        Err(error) => {
            let words = format!("{error}. JSON, forms and text are taken.");
            Err(Box::new(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not text", &words)))
        }
    }
}

fn query(text: &str) -> Value {
    gather(form_urlencoded::parse(text.as_bytes()).map(|(key, value)| (key.into_owned(), value.into_owned())))
}

/// A key that comes again makes a list.
fn gather(fields: impl Iterator<Item = (String, String)>) -> Value {
    let mut object = Map::new();
    for (key, value) in fields {
        match object.get_mut(&key) {
            None => drop(object.insert(key, value.into())),
            Some(Value::Array(list)) => list.push(value.into()),
            Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
        }
    }
    Value::Object(object)
}

fn heads(headers: &HeaderMap) -> Value {
    let kept = headers.iter().filter(|(name, _)| !DROPPED_HEADERS.contains(&name.as_str()));
    gather(kept.filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))))
}

/// The text at a dotted path.
fn dotted(value: &Value, path: &str) -> Option<String> {
    let found = path.split('.').try_fold(value, |at, key| match at {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn reply(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn refuse(status: StatusCode, title: &str, hint: &str) -> Response {
    reply(status, &json!({ "error": title, "hint": hint }))
}
