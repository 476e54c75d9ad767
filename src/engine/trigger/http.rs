//! What every request to the listener goes through: its body within bounds, and answers that say what to do.
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::engine::shared::Shared;
use crate::record::{Failure, FailureKind};
use crate::run::HookError;

/// What is left of a body that is refused is read and thrown away for so long: a sender whose connection is reset while it
/// still sends may never see the answer.
const LINGER: Duration = Duration::from_secs(2);

/// The whole body, or why it is refused.
pub(super) async fn whole(parts: &Parts, mut body: Body, shared: &Shared) -> Result<Bytes, Box<Response>> {
    let limit = shared.limits.hook_bytes;
    let too_large = || {
        let words = format!("At most {limit} bytes are taken.");
        Err(Box::new(refuse(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", &words)))
    };
    // One that says how long it is need not be read to be refused.
    if http_body::Body::size_hint(&body).lower() > limit as u64 {
        // Who asks first whether to send the body is not told to.
        if !parts.headers.contains_key(header::EXPECT) {
            pour_away(body);
        }
        return too_large();
    }
    match tokio::time::timeout(shared.limits.hook_time, read(&mut body, limit)).await {
        Ok(Ok(Some(body))) => Ok(body),
        Ok(Ok(None)) => {
            pour_away(body);
            too_large()
        }
        Ok(Err(error)) => Err(Box::new(refuse(StatusCode::BAD_REQUEST, "The body did not arrive whole", &error.to_string()))),
        Err(_) => {
            let hint = format!("It may take {} s; send it again.", shared.limits.hook_time.as_secs_f32());
            let mut refusal = refuse(StatusCode::REQUEST_TIMEOUT, "The body took too long to arrive", &hint);
            refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            Err(Box::new(refusal))
        }
    }
}

/// A body of at most so many bytes; none if there are more.
async fn read(body: &mut Body, limit: usize) -> Result<Option<Bytes>, axum::Error> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Ok(None);
        }
        if whole.is_empty() {
            whole = BytesMut::from(data);
        } else {
            whole.extend_from_slice(&data);
        }
    }
    Ok(Some(whole.freeze()))
}

fn pour_away(mut body: Body) {
    tokio::spawn(tokio::time::timeout(LINGER, async move { while let Some(Ok(_)) = body.frame().await {} }));
}

pub(super) fn not_an_event(error: &HookError) -> Response {
    let (status, hint) = match error {
        HookError::NotJson { detail } => (StatusCode::BAD_REQUEST, format!("{detail}. Send JSON, or another content type.")),
        HookError::Beyond(_) => (StatusCode::PAYLOAD_TOO_LARGE, "Send less at a time.".to_owned()),
        HookError::NotText { detail } => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("{detail}. JSON, forms and text are taken."))
        }
    };
    refuse(status, &error.to_string(), &hint)
}

pub(super) fn reply(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn refuse(status: StatusCode, title: &str, hint: &str) -> Response {
    reply(status, &json!({ "error": title, "hint": hint }))
}

/// An event that could not be taken for now: its sender is to send it again.
pub(super) fn not_taken(failure: &Failure) -> Response {
    let is_of_now = failure.kind == FailureKind::Machine;
    let status = if is_of_now { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::INTERNAL_SERVER_ERROR };
    let mut response = refuse(status, &failure.title, &failure.hint);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    response
}
