//! How runs start by themselves.
//!
//! Invariant: whatever starts a run says what tells its event from all others, and the journal takes each only once: an event
//! that is found, told or sent again starts no second run.
mod changes;
pub(super) mod echo;
mod ended;
mod fire;
mod folder;
mod http;
pub(super) mod listener;
mod notice;
mod poll;
mod schedule;
pub(super) mod status;
pub(super) mod storm;
pub(super) mod told;
mod webhook;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;

pub(super) use self::fire::{Fired, fire};
pub use self::folder::sample_of;
pub(super) use self::poll::{is_asked_by, newest};
pub use self::storm::StormRule;
use super::shared::Shared;

/// Lets triggers that start runs by themselves do so, from now until the engine stops.
pub(super) fn stand(shared: &Arc<Shared>) {
    shared.tasks.spawn(poll::stand(Arc::clone(shared), shared.nudges()));
    shared.tasks.spawn(schedule::stand(Arc::clone(shared)));
    shared.tasks.spawn(folder::stand(Arc::clone(shared)));
    shared.tasks.spawn(ended::stand(Arc::clone(shared)));
    shared.tasks.spawn(told::stand(Arc::clone(shared)));
}

/// Answers one request to the listener.
async fn answer(shared: Arc<Shared>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(hook) = path.strip_prefix("/hooks/") {
        return webhook::take(shared, hook, request).await;
    }
    if let Some(service) = path.strip_prefix("/events/") {
        return notice::take(shared, service, request).await;
    }
    match (request.method(), path.as_str()) {
        (&Method::GET, "/health") => return status::health(&shared),
        (&Method::GET, "/metrics") => return status::metrics(&shared),
        _ => {}
    }
    http::refuse(
        StatusCode::NOT_FOUND,
        "Nothing answers here",
        "Web hooks of flows answer below /hooks/, services' messages below /events/.",
    )
}
