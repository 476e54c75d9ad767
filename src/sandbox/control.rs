//! The sandbox's own endpoints under `/_sandbox/`, for whoever runs it in a process of its own.
use std::collections::BTreeSet;
use std::net::SocketAddr;

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::faults::Faults;
use super::limits::Limits;
use super::oauth::OauthSettings;
use super::schedule_it::Conduct;
use super::server::Server;
use super::service::Service;
use super::webhook::Delivery;
use super::world::Traps;
use crate::catalog::OperationId;

/// Answers `GET ledger[?since=]`, `GET|PUT faults`, `GET|PUT traps`, `GET|PUT limits`, `PUT scopes`,
/// `GET|PUT oauth`, `POST oauth/expire`, `POST oauth/revoke`,
/// `GET records/<collection>`, `GET|PUT webhooks`, `POST webhooks/<event>`, `GET access`, `POST let-in` and `POST reset`.
///
/// Only this machine may ask, and no web page: a request with an `Origin` comes from a browser.
pub(crate) fn answer(server: &Server, peer: SocketAddr, head: &Parts, path: &str, bytes: &Bytes) -> (StatusCode, Value) {
    if !peer.ip().to_canonical().is_loopback() || head.headers.contains_key(header::ORIGIN) {
        return refused(StatusCode::FORBIDDEN, "Only programs on this machine may steer the sandbox.");
    }
    match (head.method.as_str(), path.trim_end_matches('/')) {
        ("GET", "ledger") => {
            let query = head.uri.query().unwrap_or_default();
            let since = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "since");
            match since.map_or(Ok(0), |(_, value)| value.parse::<u64>()) {
                Ok(since) => (StatusCode::OK, json!({"entries": server.world().ledger.since(since)})),
                Err(_) => refused(StatusCode::BAD_REQUEST, "since is a whole number: the last seq that was read."),
            }
        }
        ("GET", "faults") => (StatusCode::OK, json!(server.world().draw.faults())),
        ("PUT", "faults") => match serde_json::from_slice::<Faults>(bytes) {
            Ok(faults) => {
                server.world().draw.set(faults.clone());
                (StatusCode::OK, json!(faults))
            }
            Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
        },
        ("GET", "traps") => (StatusCode::OK, json!(server.world().traps)),
        ("PUT", "traps") => match serde_json::from_slice::<Traps>(bytes) {
            Ok(traps) => {
                server.world().traps = traps;
                (StatusCode::OK, json!(traps))
            }
            Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
        },
        ("GET", "webhooks") => {
            let courier = server.outbox.courier();
            let found = json!({"delivery": courier.delivery(), "keys": courier.public_keys(), "attempts": courier.attempts()});
            (StatusCode::OK, found)
        }
        ("PUT", "webhooks") => match serde_json::from_slice::<Delivery>(bytes) {
            Ok(delivery) => {
                server.outbox.deliver(delivery.clone());
                (StatusCode::OK, json!(delivery))
            }
            Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
        },
        ("POST", path) if path.starts_with("webhooks/") => emit(server, path.trim_start_matches("webhooks/"), bytes),
        ("GET", "oauth") => (StatusCode::OK, json!(server.world().grants.settings)),
        ("PUT", "oauth") => match serde_json::from_slice::<OauthSettings>(bytes) {
            Ok(settings) => {
                server.world().grants.settings = settings;
                (StatusCode::OK, json!(settings))
            }
            Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
        },
        ("POST", "oauth/expire") => {
            server.world().grants.expire(&Service::ALL);
            (StatusCode::OK, json!({"expired": true}))
        }
        ("POST", "oauth/revoke") => {
            server.world().grants.revoke(&Service::ALL);
            (StatusCode::OK, json!({"revoked": true}))
        }
        ("GET", "limits") => (StatusCode::OK, json!(server.world().limits)),
        ("PUT", "limits") => match serde_json::from_slice::<Limits>(bytes) {
            Ok(limits) => {
                server.world().limits = limits;
                (StatusCode::OK, json!(limits))
            }
            Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
        },
        ("PUT", "scopes") => match serde_json::from_slice::<Option<BTreeSet<String>>>(bytes) {
            Ok(scopes) => {
                server.world().scopes.clone_from(&scopes);
                (StatusCode::OK, json!(scopes))
            }
            Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
        },
        ("POST", "let-in") => {
            server.world().conduct = Conduct::default();
            (StatusCode::OK, json!({"let_in": true}))
        }
        ("GET", "access") => (StatusCode::OK, json!(server.access)),
        ("GET", "records") => {
            let world = server.world();
            let counts: Map<_, _> =
                world.store.names().map(|name| (name.to_owned(), json!(world.store.of(name).len()))).collect();
            (StatusCode::OK, Value::Object(counts))
        }
        ("POST", "reset") => {
            server.reset();
            (StatusCode::OK, json!({"reset": true}))
        }
        ("GET", path) if path.starts_with("records/") => {
            let name = path.trim_start_matches("records/");
            let records: Vec<Value> = server.world().store.of(name).rows().map(|row| row.fields.shown().into()).collect();
            (StatusCode::OK, json!({"records": records}))
        }
        (method, path) => refused(StatusCode::NOT_FOUND, &format!("The sandbox has no {method} /_sandbox/{path}.")),
    }
}

/// Lets an event happen, with the fields of the body in place of its sample's.
fn emit(server: &Server, name: &str, bytes: &Bytes) -> (StatusCode, Value) {
    let own = if bytes.is_empty() { Ok(Map::new()) } else { serde_json::from_slice::<Map<String, Value>>(bytes) };
    let own = match own {
        Ok(own) => own,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("The body is no JSON object: {error}")),
    };
    match server.emit(&OperationId::new(&format!("highlevel.webhook.{name}")), own.into()) {
        Some(webhook) => (StatusCode::OK, webhook.payload),
        None => refused(StatusCode::NOT_FOUND, &format!("HighLevel has no event {name:?}.")),
    }
}

fn refused(status: StatusCode, message: &str) -> (StatusCode, Value) {
    (status, json!({"statusCode": status.as_u16(), "message": message}))
}
