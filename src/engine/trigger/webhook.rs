//! Webhooks: a request that is answered once its event is on disk. [`super::listener`] takes the connections.
//!
//! Invariant: 2xx is answered only after the event's `Accepted` is committed; what cannot be stored is answered 429 or
//! 503, so that the sender sends it again.
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::http::{not_an_event, not_taken, refuse, reply, whole};
use crate::connector::Priority;
use crate::engine::drive::{Accepted, Driver, Reply, Start};
use crate::engine::shared::{Deployed, Shared};
use crate::flow::{NodeId, Trigger, WebhookAnswer};
use crate::run::{Cause, HookRequest, Outcome, RunId, Via};

/// One request.
pub(super) async fn take(shared: Arc<Shared>, path: &str, request: Request) -> Response {
    let (parts, body) = request.into_parts();
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
    let body = match whole(&parts, body, &shared).await {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let headers: Vec<(&str, &[u8])> = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let query = parts.uri.query().unwrap_or_default();
    let request = HookRequest { method: parts.method.as_str(), query, headers: &headers, body: &body };
    let event = match request.event() {
        Ok(event) => event,
        Err(error) => return not_an_event(&error),
    };
    let delivery = request.delivery(&event, delivery_header.as_deref(), delivery_field.as_deref());
    start(&shared, &deployed, node.clone(), *answer, delivery, event, &parts.method).await
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
        given: Vec::new(),
        delivery: delivery.map(|it| format!("hook:{node}:{it}")),
        trigger: node,
        payload,
        parent: None,
        depth: 0,
        cause: Cause::by(Via::Hook),
        refused: None,
        priority: Priority::Background,
        watch: None,
        respond: (answer == WebhookAnswer::Flow).then_some(respond),
    };
    let arriving = shared.intake.arrives();
    let accepted = Driver::accept(shared, deployed, start).await;
    drop(arriving);
    let run = match accepted {
        Ok(Accepted::Run(run)) => run,
        Ok(Accepted::Duplicate(run)) => return reply(StatusCode::OK, &json!({ "run": run, "duplicate": true })),
        Err(failure) => return not_taken(&failure),
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
