//! `flowyard log show`.
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::{Which, list};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, STRONG, paint};
use crate::cli::story::{self, Story};
use crate::cli::words;
use crate::engine::Event;
use crate::engine::log::{Reader, RunHead, StepExchange};
use crate::flow::{Flow, FlowId};
use crate::record::{Body, Exchange};
use crate::run::{Entry, Outcome, RunId, StepKey};

/// Show one run: its steps, and with --bodies everything that went over the wire.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The run's number
    #[arg(value_name = "RUN")]
    run: u64,

    /// Show heads and bodies of every request and answer
    #[arg(long)]
    bodies: bool,

    #[command(flatten)]
    which: Which,

    /// Print one JSON object: the run, its entries, its exchanges
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Show, out: &mut Printer) -> Result<Exit, Error> {
    let reader = args.which.open()?;
    let id = RunId(args.run);
    let head = reader
        .run(id)?
        .ok_or_else(|| Error::not_found(format!("There is no run {id}"), "`flowyard log list` shows what there is."))?;
    let entries = reader.entries(id)?;
    if args.json {
        let exchanges = if args.bodies { reader.exchanges(id)? } else { reader.exchange_heads(id)? };
        out.json(&json!({ "run": head, "entries": entries, "exchanges": exchanges }));
        return Ok(Exit::Done);
    }
    title(&head, &entries, out);
    // Names are those of the flow as it was; where it is gone, ids stand in.
    let flow = reader.revision(&head.revision)?.and_then(|text| Flow::parse(text.as_bytes()).ok());
    let flow = Arc::new(flow.unwrap_or_else(|| Flow::new(FlowId::new(head.flow.as_str()), head.flow_name.clone())));
    steps(&reader, &head, &flow, &entries, out)?;
    if let Some(Outcome::Failed(failure)) = &head.outcome {
        out.line("");
        for line in story::failure_lines(failure) {
            out.line(line);
        }
    }
    if args.bodies {
        reader.each_exchange(id, true, &mut |it| {
            exchange(&it, &flow, out);
            if out.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    Ok(Exit::Done)
}

fn title(head: &RunHead, entries: &[Entry], out: &mut Printer) {
    let mode = json!(head.mode);
    let took = head.finished.map(|end| format!(", {}", words::duration(words::between(head.accepted, end)))).unwrap_or_default();
    out.line(format_args!("{STRONG}Run {}: {}{STRONG:#}", head.id, Plain(&head.flow_name)));
    out.line(format_args!(
        "{} ({}), {}{took}",
        list::outcome(head),
        mode.as_str().unwrap_or_default(),
        words::local(head.accepted)
    ));
    if let Some(Entry::Accepted { cause, .. }) = entries.first() {
        out.line(format_args!("Started by {}", Plain(&cause.to_string())));
    }
    if let Some((run, step)) = &head.parent {
        out.line(format_args!("called by run {run}, step {step}"));
    }
    out.line("");
}

/// The steps as `flowyard run` shows them.
fn steps(reader: &Reader, head: &RunHead, flow: &Arc<Flow>, entries: &[Entry], out: &mut Printer) -> Result<(), Error> {
    let mut story = Story::new(Arc::clone(flow));
    let mut exchanges: HashMap<(StepKey, u32), Vec<StepExchange>> = HashMap::new();
    for it in reader.exchange_heads(head.id)? {
        exchanges.entry((it.step.clone(), it.attempt)).or_default().push(it);
    }
    let mut attempts: HashMap<StepKey, u32> = HashMap::new();
    for entry in entries {
        match entry {
            Entry::StepStarted { step, attempt, .. } => drop(attempts.insert(step.clone(), *attempt)),
            Entry::StepSucceeded { step, .. } | Entry::StepFailed { step, .. } => {
                let attempt = attempts.get(step).copied().unwrap_or(1);
                for it in exchanges.remove(&(step.clone(), attempt)).unwrap_or_default() {
                    story.take(&Event::Exchanged { run: head.id, step: it.step, attempt, exchange: it.exchange });
                }
            }
            _ => {}
        }
        let event = Event::Journaled { run: head.id, entries: vec![entry.clone()].into() };
        for line in story.take(&event) {
            out.line(line);
        }
        if out.is_closed() {
            return Ok(());
        }
    }
    if head.finished.is_some() {
        for line in story.not_reached(false) {
            out.line(line);
        }
    }
    Ok(())
}

fn exchange(it: &StepExchange, flow: &Flow, out: &mut Printer) {
    let Exchange { request, answer, error, started, timing } = &*it.exchange;
    let name = flow.nodes.get(&it.step.node).map(|it| it.name.as_str()).filter(|it| !it.is_empty());
    let name = name.unwrap_or(it.step.node.as_str());
    let head = format!("── {}{}, attempt {}, {} ", Plain(name), story::item(&it.step), it.attempt, words::local(*started));
    out.line("");
    out.line(paint(DIM, format_args!("{head:─<72}")));
    out.line(format_args!("{STRONG}{} {}{STRONG:#}", request.method, Plain(&request.url)));
    headers(&request.headers, out);
    body(&request.body, out);
    let took = words::duration(timing.total());
    match answer {
        Some(answer) => {
            out.line("");
            out.line(format_args!("{STRONG}← {}{STRONG:#}  {}", answer.status, paint(DIM, took)));
            headers(&answer.headers, out);
            body(&answer.body, out);
        }
        None => out.line(format_args!("{STRONG}← no answer{STRONG:#}  {}", paint(DIM, took))),
    }
    if let Some(error) = error {
        out.line(format_args!("  {}", Plain(error)));
    }
}

fn headers(headers: &[(String, String)], out: &mut Printer) {
    for (name, value) in headers {
        out.line(format_args!("  {}: {}", paint(DIM, Plain(name)), Plain(value)));
    }
}

/// JSON is laid out, other text is shown as it is.
fn body(body: &Body, out: &mut Printer) {
    if body.size == 0 && body.text.is_empty() {
        return;
    }
    out.line("");
    let laid_out = serde_json::from_str::<Value>(&body.text).and_then(|it| serde_json::to_string_pretty(&it));
    for line in laid_out.as_deref().unwrap_or(&body.text).lines() {
        out.line(format_args!("  {}", Plain(line)));
    }
    match (body.text.is_empty(), body.cut) {
        (true, _) => out.line(format_args!("  {DIM}({}, not text){DIM:#}", words::size(body.size))),
        (false, true) => out.line(format_args!("  {DIM}(cut; {} in all){DIM:#}", words::size(body.size))),
        (false, false) => {}
    }
}
