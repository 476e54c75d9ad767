//! Calls against a real server on this machine.
mod answers;
mod files;
mod hostile;
mod mail;
mod oauth;
mod only_reading;
mod redirects;
mod secrets;
mod server;

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::*;
use crate::catalog::{AuthKind, Connector, ConnectorId, Method, Operation};

/// Long, and told apart from everything else.
const CANARY: &str = "c4n4ry-T0ken/With+Signs==0123456789";

fn settings() -> Settings {
    Settings { connect_timeout: Duration::from_secs(10), answer_timeout: Duration::from_secs(20), ..Settings::default() }
}

fn connection(base_url: &str, auth: AuthKind) -> Connection {
    Connection::new("crm", "Main", ConnectorId::new("highlevel"), base_url, auth)
}

fn connector(more: &Value) -> Connector {
    let mut it = json!({
        "id": "highlevel", "title": "HighLevel", "environments": [], "auth": [{"kind": "bearer"}],
        "errors": {"message": ["message"]},
    });
    it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(it).unwrap()
}

fn operation(method: &str) -> Operation {
    let mut it = json!({
        "id": "highlevel.contacts.update-contact", "title": "Update contact", "group": "Contacts", "method": method,
        "path": "/contacts/{contactId}", "repeat": {"repeat": "safe"}, "scopes": ["contacts.write"],
        "inputs": [
            {"key": "contactId", "name": "contactId", "place": "path", "required": true, "schema": {"type": "string"}},
            {"key": "Version", "name": "Version", "place": "header", "fixed": "2021-07-28", "schema": {"type": "string"}},
            {"key": "name", "name": "name", "place": "body", "schema": {"type": "string"}},
        ],
        "success": [{"status": 200, "schema": {"type": "object"}}],
    });
    if method != "GET" {
        it["body"] = json!("json");
    }
    serde_json::from_value(it).unwrap()
}

fn input() -> Map<String, Value> {
    let Value::Object(map) = json!({"contactId": "3f2a", "name": "Ann"}) else { panic!("an object") };
    map
}

/// A caller that can sign for the connection `crm`.
fn caller(settings: Settings) -> Caller {
    let vault = Vault::in_memory();
    vault.insert(ConnectionId::new("crm"), Secret::token(CANARY.into())).unwrap();
    Caller::new(settings, vault).unwrap()
}

/// Calls "Update contact" by PUT on a connection signed by a bearer token.
async fn put(base_url: &str) -> Called {
    let called = caller(settings())
        .call(&connection(base_url, AuthKind::Bearer), &connector(&json!({})), &operation("PUT"), &input())
        .await;
    assert_clean(&called);
    called
}

fn get(url: String) -> HttpRequest {
    HttpRequest { method: Method::Get, url, query: Vec::new(), headers: Vec::new(), body: HttpPayload::None }
}

fn post(url: String, body: HttpPayload) -> HttpRequest {
    HttpRequest { method: Method::Post, body, ..get(url) }
}

/// No form of the canary is in anything that a call leaves behind.
fn assert_clean(called: &Called) {
    let shown = format!("{called:?}");
    let secret = Secret::token(CANARY.into());
    assert!(!secret.traces().is_in(shown.as_bytes()), "{shown}");
    let exchange = serde_json::to_string(&called.exchange).unwrap();
    assert!(!secret.traces().is_in(exchange.as_bytes()), "{exchange}");
}
