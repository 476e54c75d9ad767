//! The sandbox over real HTTP on this machine. Every answer with a 2xx status is held against the catalogue's schema.
mod calendars;
mod contacts;
mod control;
mod faults;
mod generic;
mod habits;
mod oauth;
mod operations;
mod paging;
mod requests;
mod schedule_it;
mod sizes;
mod webhooks;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Clock, Handle, Options, start};
use crate::catalog::{Catalog, ConnectorId, Reading};

/// A Monday, nine in the morning in New York; clocks change there on the next Sunday.
const NOW: &str = "2026-03-02T14:00:00Z";

/// A sandbox and someone who calls it.
struct Client {
    http: reqwest::Client,
    sandbox: Handle,
    catalog: Catalog,
    clock: Arc<AtomicI64>,
}

/// The status, the headers in lower case, and the body as JSON, or as text where it is none.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Client {
    async fn start() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        Self::on(Catalog::shipped(), options).await
    }

    async fn on(catalog: Catalog, options: Options) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let clock = Arc::new(AtomicI64::new(NOW.parse::<Timestamp>().unwrap().as_millisecond()));
        let now = Arc::clone(&clock);
        let now = Clock::new(move || Timestamp::from_millisecond(now.load(Ordering::SeqCst)).unwrap());
        let sandbox = start(&catalog, Options { now, ..options }).await.unwrap();
        Self { http: reqwest::Client::builder().no_proxy().build().unwrap(), sandbox, catalog, clock }
    }

    fn wait(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    fn location(&self) -> &str {
        &self.sandbox.access().highlevel.location_id
    }

    /// A request to HighLevel, signed in.
    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let access = &self.sandbox.access().highlevel;
        let request = self.http.request(method.parse::<Method>().unwrap(), format!("{}{path}", access.base_url));
        request.bearer_auth(&access.token).header("Version", "2021-07-28")
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let before = self.last_seq();
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text));
        if self.last_seq() > before {
            self.hold_against_the_catalogue(status, &body);
        }
        Answer { status, headers, body }
    }

    /// A call to HighLevel that may be refused.
    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let request = self.request(method, path);
        self.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    /// A call to HighLevel that must succeed.
    async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.body);
        answer.body
    }

    async fn get(&self, path: &str) -> Value {
        self.ok("GET", path, Value::Null).await
    }

    /// A call to Schedule it that may be refused.
    async fn form(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let access = &self.sandbox.access().schedule_it;
        let request = self.http.request(method.parse::<Method>().unwrap(), format!("{}{path}", access.base_url));
        let request = request.basic_auth(&access.user, Some(&access.password)).header("Accept", "application/json");
        if fields.is_empty() {
            return self.send(request).await;
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(request.header("Content-Type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// A call to Schedule it that must succeed.
    async fn ok_form(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Value {
        let answer = self.form(method, path, fields).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.body
    }

    async fn contact(&self, fields: Value) -> String {
        let mut body = fields;
        body["locationId"] = json!(self.location());
        let made = self.ok("POST", "/contacts/", body).await;
        made["contact"]["id"].as_str().unwrap().to_owned()
    }

    fn last_seq(&self) -> u64 {
        self.sandbox.ledger().last().map_or(0, |it| it.seq)
    }

    fn hold_against_the_catalogue(&self, status: u16, body: &Value) {
        let Some(last) = self.sandbox.ledger().pop().filter(|it| it.status == status && (200..300).contains(&status)) else {
            return;
        };
        let Some((connector, operation)) = self.catalog.operation(&last.operation) else { return };
        let documented = operation.success.iter().find(|it| it.status == status);
        let documented = documented.unwrap_or_else(|| panic!("{} answers {status}, which is not documented", last.operation));
        if let Some(schema) = &documented.schema {
            let problems = schema.check(body, connector, Reading::Typed);
            assert!(problems.is_empty(), "{}: {problems:?} in {body}", last.operation);
        }
    }

    /// The operations of a connector that have not yet answered with 2xx.
    fn not_called(&self, connector: &str) -> BTreeSet<String> {
        let connector = self.catalog.connector(&ConnectorId::new(connector)).unwrap();
        let called: BTreeSet<_> =
            self.sandbox.ledger().into_iter().filter(|it| (200..300).contains(&it.status)).map(|it| it.operation).collect();
        connector.operations.keys().filter(|it| !called.contains(it)).map(ToString::to_string).collect()
    }
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}
