//! The room as a whole, on real files.
mod commit;
mod crash;
mod export;
mod full;
mod index;
mod open;
mod read;
mod retain;
mod search;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::flow::{FlowId, Level, NodeId, PortId};
use crate::record::{Answer, Body, Exchange, Failure, FailureKind, Request, Timing};
use crate::run::{Outcome, Park, Release};

/// A journal in a directory of its own.
pub(super) struct Bench {
    pub(super) journal: Journal,
    dir: TempDir,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { journal: Journal::open(dir.path(), options).unwrap(), dir }
    }

    /// Closed and opened again, as by the next process.
    fn again(self) -> Self {
        self.again_with(Options::default())
    }

    fn again_with(self, options: Options) -> Self {
        let Self { journal, dir } = self;
        drop(journal);
        Self { journal: Journal::open(dir.path(), options).unwrap(), dir }
    }

    /// A connection to the file that knows nothing of us.
    fn stranger(&self) -> Connection {
        Connection::open(schema::path(self.dir.path())).unwrap()
    }

    /// A run that began.
    pub(super) fn begin(&self, flow: &str) -> RunId {
        let run = self.journal.next_run_id();
        self.journal.append(accepted(run, flow, None)).wait().unwrap();
        run
    }

    /// A run that is over.
    fn finished(&self, flow: &str, outcome: Outcome) -> RunId {
        let run = self.begin(flow);
        self.add(run, vec![succeeded("a", json!({"n": run})), finish(outcome)]);
        run
    }

    pub(super) fn add(&self, run: RunId, entries: Vec<Entry>) {
        self.journal.append(facts(run, entries)).wait().unwrap();
    }

    fn ids(&self, filter: &Filter) -> Vec<u64> {
        self.journal.runs(filter).unwrap().iter().map(|it| it.id.0).collect()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn accepted(run: RunId, flow: &str, delivery: Option<&str>) -> Append {
    let payload = Arc::new(json!({"contact": {"email": format!("{run}@example.org")}}));
    Append {
        run,
        new: Some(NewRun {
            flow: FlowId::from(flow),
            flow_name: format!("Flow {flow}"),
            revision: Revision("0f".repeat(32).into()),
            trigger: NodeId::from("hook"),
            delivery: delivery.map(str::to_owned),
            mode: Mode::Sandbox,
            parent: None,
            accepted: at(run.0 as i64),
        }),
        entries: vec![Entry::Accepted { trigger: NodeId::from("hook"), payload, at: at(run.0 as i64), cause: Arc::default() }],
        exchanges: Vec::new(),
    }
}

fn facts(run: RunId, entries: Vec<Entry>) -> Append {
    Append { run, new: None, entries, exchanges: Vec::new() }
}

pub(super) fn succeeded(step: &str, output: Value) -> Entry {
    Entry::StepSucceeded { step: StepKey::new(step), port: PortId::out(), output: Arc::new(output), at: at(1) }
}

fn logged(message: &str) -> Entry {
    Entry::Logged { step: StepKey::new("log"), level: Level::Info, message: message.to_owned(), at: at(2) }
}

fn step_failed(step: &str) -> Entry {
    let failure = Failure::new(FailureKind::Refused, "HighLevel refused it");
    serde_json::from_value(json!({"e": "step_failed", "step": {"n": step}, "attempt": 1, "failure": failure, "at": at(1)}))
        .unwrap()
}

pub(super) fn finish(outcome: Outcome) -> Entry {
    Entry::Finished { outcome, at: at(100) }
}

fn failed() -> Outcome {
    Outcome::Failed(Failure::new(FailureKind::NotFound, "The contact is gone").at("contact 3f2a"))
}

fn is_pending(commit: &mut Commit) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    matches!(std::pin::Pin::new(commit).poll(&mut cx), Poll::Pending)
}

pub(super) fn exchange(step: &str, body: &str) -> StepExchange {
    let text = Body { text: body.to_owned(), size: body.len() as u64, cut: false };
    let exchange = Exchange {
        request: Request {
            method: "POST".to_owned(),
            url: "https://services.example/contacts/?locationId=ab%20c".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: text.clone(),
        },
        answer: Some(Answer { status: 201, headers: vec![("x-request-id".to_owned(), "q7".to_owned())], body: text }),
        error: None,
        started: at(3),
        timing: Timing { queued_us: 1, waiting_us: 20_000, receiving_us: 3 },
    };
    StepExchange { step: StepKey::new(step), attempt: 1, exchange: Arc::new(exchange) }
}
