//! How the engine is, for whoever watches over it: `/health` for a probe, `/metrics` in the text format of Prometheus.
//!
//! Invariant: what is told names flows and counts, and nothing of what goes through them.
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::http::reply;
use crate::engine::shared::Shared;
use crate::run::Outcome;

/// What happened since the engine started.
#[derive(Debug, Default)]
pub(in crate::engine) struct Counts {
    started: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
    troubles: AtomicU64,
}

impl Counts {
    pub(in crate::engine) fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::engine) fn ended(&self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Succeeded => &self.succeeded,
            Outcome::Failed(_) => &self.failed,
            Outcome::Cancelled => &self.cancelled,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::engine) fn trouble(&self) {
        self.troubles.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether it takes events.
pub(super) fn health(shared: &Shared) -> Response {
    if shared.is_stopping() {
        return reply(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "stopping" }));
    }
    let waiting: u64 = shared.queues.waiting().values().sum();
    let body = json!({ "status": "ok", "flows": shared.listening().len(), "runs": shared.active(), "waiting": waiting });
    reply(StatusCode::OK, &body)
}

/// In the text format that Prometheus reads (version 0.0.4).
pub(super) fn metrics(shared: &Shared) -> Response {
    let mut response = Response::new(Body::from(text(shared)));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn text(shared: &Shared) -> String {
    let mut out = String::new();
    let mut family = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
        // Writing to a string cannot fail.
        write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n").unwrap_or_default();
        for (labels, value) in values {
            writeln!(out, "{name}{labels} {value}").unwrap_or_default();
        }
    };
    let one = |value: u64| vec![(String::new(), value)];
    let read = |it: &AtomicU64| it.load(Ordering::Relaxed);
    let counts = &shared.counts;
    let written = shared.journal.written();
    family("flowyard_flows", "gauge", "Flows that are on.", &one(shared.listening().len() as u64));
    family("flowyard_runs_active", "gauge", "Runs under way, waiting ones among them.", &one(shared.active() as u64));
    let waiting: Vec<(String, u64)> =
        shared.queues.waiting().into_iter().map(|(flow, it)| (format!("{{flow=\"{}\"}}", escaped(flow.as_str())), it)).collect();
    family("flowyard_runs_queued", "gauge", "Runs that wait for their turn, by flow.", &waiting);
    family("flowyard_runs_started_total", "counter", "Runs that began since the start.", &one(read(&counts.started)));
    let ended = [("succeeded", &counts.succeeded), ("failed", &counts.failed), ("cancelled", &counts.cancelled)];
    let ended: Vec<(String, u64)> = ended.map(|(outcome, it)| (format!("{{outcome=\"{outcome}\"}}"), read(it))).into();
    family("flowyard_runs_ended_total", "counter", "Runs that ended since the start, by how they did.", &ended);
    family("flowyard_troubles_total", "counter", "Troubles that no run can tell, since the start.", &one(read(&counts.troubles)));
    family("flowyard_journal_appends_total", "counter", "Changes written to the journal since the start.", &one(written.appends));
    family("flowyard_journal_commits_total", "counter", "Transactions that they shared.", &one(written.commits));
    out
}

/// A label's value: backslashes, quotes and line ends are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_holds_any_text() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
