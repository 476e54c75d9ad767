//! The journal in forms that other programs read.
use std::io::Write;
use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Filter, JournalError, Reader, RunHead, StepExchange};
use crate::record::{Body, Exchange};
use crate::run::{Entry, Outcome, RunId};

/// Runs that are fetched at a time.
const CHUNK: usize = 100;

/// What an export looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON value a line: for each run its head, then its entries, then its exchanges.
    Jsonl,
    /// All exchanges as one HTTP Archive 1.2, which browsers' and other tools' network views open.
    Har,
    /// A line a run, for spreadsheets (RFC 4180).
    Csv,
}

/// Which runs are exported.
#[derive(Clone, Copy)]
enum Chosen<'a> {
    Filter(&'a Filter),
    These(&'a [RunId]),
}

/// A line of [`Format::Jsonl`]: `{"run": …}`, `{"id": 7, "entry": …}`, `{"id": 7, "exchange": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Record {
    /// A run begins.
    Run {
        /// Its head.
        run: RunHead,
    },
    /// A fact of the run before.
    Entry {
        /// The run.
        id: RunId,
        /// The fact.
        entry: Entry,
    },
    /// A call of the run before.
    Exchange {
        /// The run.
        id: RunId,
        /// The call.
        exchange: StepExchange,
    },
}

impl Reader {
    /// Hands over everything about the runs that a filter lets through, newest run first, until told to stop; returns how many
    /// runs. Memory stays small however many there are.
    pub fn records(&self, filter: &Filter, each: &mut dyn FnMut(Record) -> ControlFlow<()>) -> Result<u64, JournalError> {
        self.records_of(Chosen::Filter(filter), each)
    }

    fn records_of(&self, chosen: Chosen<'_>, each: &mut dyn FnMut(Record) -> ControlFlow<()>) -> Result<u64, JournalError> {
        self.each_run(chosen, &mut |run| {
            let id = run.id;
            if each(Record::Run { run }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let mut flow = ControlFlow::Continue(());
            self.each_entry(id, &mut |entry| {
                flow = each(Record::Entry { id, entry });
                flow
            })?;
            if flow.is_continue() {
                self.each_exchange(id, true, &mut |exchange| {
                    flow = each(Record::Exchange { id, exchange });
                    flow
                })?;
            }
            Ok(flow)
        })
    }

    /// Writes the runs that a filter lets through to `out`; returns how many.
    pub fn export(&self, filter: &Filter, format: Format, out: &mut dyn Write) -> Result<u64, JournalError> {
        self.export_chosen(Chosen::Filter(filter), format, out)
    }

    /// Writes these runs to `out`, in this order; returns how many. One that is gone is passed over.
    pub fn export_these(&self, runs: &[RunId], format: Format, out: &mut dyn Write) -> Result<u64, JournalError> {
        self.export_chosen(Chosen::These(runs), format, out)
    }

    fn export_chosen(&self, chosen: Chosen<'_>, format: Format, out: &mut dyn Write) -> Result<u64, JournalError> {
        match format {
            Format::Jsonl => {
                let mut written = Ok(());
                let runs = self.records_of(chosen, &mut |record| {
                    written = line(out, &record);
                    if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })?;
                written.and_then(|()| put(out.flush())).map(|()| runs)
            }
            Format::Har => self.export_har(chosen, out),
            Format::Csv => self.export_csv(chosen, out),
        }
    }

    fn export_har(&self, chosen: Chosen<'_>, out: &mut dyn Write) -> Result<u64, JournalError> {
        let creator = json!({"name": "Flowyard", "version": env!("CARGO_PKG_VERSION")});
        put(write!(out, "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":["))?;
        let mut separator = "\n";
        let runs = self.each_run(chosen, &mut |head| {
            let mut written = Ok(());
            self.each_exchange(head.id, true, &mut |it| {
                written = put(write!(out, "{separator}{}", har(&head, &it)));
                separator = ",\n";
                if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            written.map(|()| ControlFlow::Continue(()))
        })?;
        put(writeln!(out, "\n]}}}}").and_then(|()| out.flush()))?;
        Ok(runs)
    }

    fn export_csv(&self, chosen: Chosen<'_>, out: &mut dyn Write) -> Result<u64, JournalError> {
        let names = "run,flow,name,mode,trigger,delivery,accepted,finished,outcome,steps,failures,waiting,failure\r\n";
        put(out.write_all(names.as_bytes()))?;
        let runs = self.each_run(chosen, &mut |head| {
            let failure = match &head.outcome {
                Some(Outcome::Failed(failure)) => failure.to_string(),
                _ => String::new(),
            };
            let outcome = match &head.outcome {
                None => "",
                Some(Outcome::Succeeded) => "succeeded",
                Some(Outcome::Failed(_)) => "failed",
                Some(Outcome::Cancelled) => "cancelled",
            };
            let mode = json!(head.mode);
            let cells = [
                head.id.to_string(),
                cell(head.flow.as_str()),
                cell(&head.flow_name),
                cell(mode.as_str().unwrap_or_default()),
                cell(head.trigger.as_str()),
                cell(head.delivery.as_deref().unwrap_or_default()),
                head.accepted.to_string(),
                head.finished.map(|it| it.to_string()).unwrap_or_default(),
                outcome.to_owned(),
                head.steps.to_string(),
                head.failures.to_string(),
                head.parked.to_string(),
                cell(&failure),
            ];
            put(write!(out, "{}\r\n", cells.join(","))).map(|()| ControlFlow::Continue(()))
        })?;
        put(out.flush()).map(|()| runs)
    }

    fn each_run(
        &self,
        chosen: Chosen<'_>,
        each: &mut dyn FnMut(RunHead) -> Result<ControlFlow<()>, JournalError>,
    ) -> Result<u64, JournalError> {
        let mut runs = 0;
        let filter = match chosen {
            Chosen::Filter(filter) => filter,
            Chosen::These(ids) => {
                for id in ids {
                    let Some(head) = self.run(*id)? else { continue };
                    runs += 1;
                    if each(head)?.is_break() {
                        break;
                    }
                }
                return Ok(runs as u64);
            }
        };
        let mut page = filter.clone();
        loop {
            page.limit = CHUNK.min(filter.limit - runs);
            let heads = self.runs(&page)?;
            let is_last = heads.len() < CHUNK;
            for head in heads {
                runs += 1;
                page.before = Some(head.id);
                if each(head)?.is_break() {
                    return Ok(runs as u64);
                }
            }
            if is_last || runs >= filter.limit {
                return Ok(runs as u64);
            }
        }
    }
}

fn line(out: &mut dyn Write, record: &Record) -> Result<(), JournalError> {
    serde_json::to_writer(&mut *out, record).map_err(|error| JournalError::Output { detail: error.to_string() })?;
    put(out.write_all(b"\n"))
}

fn put(result: std::io::Result<()>) -> Result<(), JournalError> {
    result.map_err(|error| JournalError::Output { detail: error.to_string() })
}

/// Quoted where it must be. A text that a spreadsheet would take for a formula gets an apostrophe in front.
fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// One entry of an HTTP Archive (version 1.2 of the W3C draft). What is not known is left empty or -1, as that says.
fn har(head: &RunHead, it: &StepExchange) -> Value {
    let Exchange { request, answer, error, started, timing } = &*it.exchange;
    let headers = |all: &[(String, String)]| -> Vec<Value> {
        all.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
    };
    let kind = |all: &[(String, String)]| {
        all.iter().find(|(name, _)| name == "content-type").map_or_else(String::new, |(_, value)| value.clone())
    };
    let milliseconds = |us: u64| us as f64 / 1000.0;
    let query: Vec<Value> = url::Url::parse(&request.url)
        .map(|url| url.query_pairs().map(|(name, value)| json!({"name": name, "value": value})).collect())
        .unwrap_or_default();
    let mut asked = json!({
        "method": request.method, "url": request.url, "httpVersion": "", "cookies": [], "headers": headers(&request.headers),
        "queryString": query, "headersSize": -1, "bodySize": request.body.size,
    });
    if request.body != Body::default() {
        asked["postData"] = json!({"mimeType": kind(&request.headers), "text": request.body.text});
    }
    let none = Vec::new();
    let (status, got, body) = answer.as_ref().map_or((0, &none, None), |it| (it.status, &it.headers, Some(&it.body)));
    let size = body.map_or(0, |it| it.size);
    json!({
        "startedDateTime": started.to_string(),
        "time": milliseconds(timing.queued_us + timing.waiting_us + timing.receiving_us),
        "request": asked,
        "response": {
            "status": status, "statusText": "", "httpVersion": "", "cookies": [], "headers": headers(got),
            "content": {"size": size, "mimeType": kind(got), "text": body.map_or("", |it| &it.text)},
            "redirectURL": "", "headersSize": -1, "bodySize": size, "_error": error,
        },
        "cache": {},
        "timings": {
            "blocked": milliseconds(timing.queued_us), "send": 0, "wait": milliseconds(timing.waiting_us),
            "receive": milliseconds(timing.receiving_us),
        },
        "comment": format!("{}, run {}, step {}, attempt {}", head.flow_name, head.id, it.step, it.attempt),
    })
}
