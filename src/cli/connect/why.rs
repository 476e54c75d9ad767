//! `flowyard connect why`: why a service refused a step.
use clap::Args;
use serde_json::json;

use super::place::PlaceArgs;
use crate::accounts::why::Verdict;
use crate::accounts::{Bindings, Desk};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{BAD, DIM, GOOD, Plain, Printer, STRONG, WAITING, paint};
use crate::cli::runtime;
use crate::engine::log::{Journal, Reader, StepExchange};
use crate::engine::{Connection, ConnectionId};
use crate::flow::{Flow, NodeId, NodeKind, SlotId};
use crate::record::Exchange;
use crate::run::RunId;

/// Find out why a service refused a step with a 401, 403 or 404: secret, expiry, token, account, scope, record and permission
/// are looked at in turn. The connection is tried by a cheap read that changes nothing
#[derive(Debug, Args)]
pub(super) struct Why {
    /// The run's number
    #[arg(value_name = "RUN")]
    run: u64,

    /// The step, by its name or id; by default the last one that was refused
    #[arg(value_name = "STEP")]
    step: Option<String>,

    /// The connection that the step used, where it is not clear from its flow
    #[arg(long, value_name = "ID")]
    connection: Option<String>,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Why, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, catalog) = args.place.desk(out)?;
    let data = args.place.dir()?;
    let reader = Journal::open_reader(&data)?;
    let (flow, refused) = find(&reader, RunId(args.run), args.step.as_deref())?;
    let node = flow.nodes.get(&refused.step.node).map(|it| (&it.name, &it.kind));
    let Some((name, NodeKind::Action { operation, slot, .. })) = node else {
        let title = format!("The step \"{}\" calls no operation of the catalogue", refused.step.node);
        return Err(Error::usage(title, "Only those say what they need of a connection.".to_owned()));
    };
    let Some((connector, called)) = catalog.operation(operation) else {
        return Err(Error::not_found(
            format!("The catalogue has no operation \"{operation}\" any more"),
            "Import the service again.",
        ));
    };
    let id = match &args.connection {
        Some(id) => ConnectionId::new(id),
        None => connection(&desk, &Bindings::read(&data)?, &flow, slot, &refused.exchange)?,
    };
    let why = runtime::block_on(async { Ok(desk.why(&id, connector, called, &refused.exchange).await?) })?;
    if args.place.json {
        out.json(&json!({ "run": args.run, "step": refused.step.to_string(), "connection": id, "why": why }));
        return Ok(Exit::Done);
    }
    let request = &refused.exchange.request;
    let status = refused.exchange.answer.as_ref().map(|it| it.status.to_string()).unwrap_or_default();
    out.line(format_args!("{STRONG}{}{STRONG:#}, on \"{id}\": {} {} {status}", Plain(name), request.method, Plain(&request.url)));
    for it in &why.findings {
        let (style, mark) = match it.verdict {
            Verdict::Passed => (GOOD, "✓"),
            Verdict::Failed => (BAD, "✗"),
            Verdict::Unknown => (WAITING, "?"),
        };
        out.line(format_args!("  {} {:<11}{}", paint(style, mark), it.check.title(), Plain(&it.words)));
    }
    if !why.cause.detail.is_empty() {
        out.line(paint(DIM, format_args!("  {} says: {}", connector.title, Plain(&why.cause.detail))));
    }
    out.line(Plain(&why.cause.hint));
    Ok(Exit::Done)
}

/// The call that was refused, and the flow as it was then.
fn find(reader: &Reader, run: RunId, step: Option<&str>) -> Result<(Flow, StepExchange), Error> {
    let hint = "`flowyard log list` shows what there is.";
    let head = reader.run(run)?.ok_or_else(|| Error::not_found(format!("There is no run {run}"), hint))?;
    let text = reader.revision(&head.revision)?;
    let flow = text.and_then(|it| Flow::parse(it.as_bytes()).ok());
    let flow = flow.ok_or_else(|| Error::not_found(format!("The flow of run {run} is not kept any more"), hint))?;
    let is_it = |node: &NodeId| {
        let name = flow.nodes.get(node).map(|it| it.name.as_str()).unwrap_or_default();
        step.is_none_or(|it| it == node.as_str() || it.eq_ignore_ascii_case(name))
    };
    let refusal = |it: &StepExchange| matches!(it.exchange.answer.as_ref().map(|it| it.status), Some(401 | 403 | 404));
    let all = reader.exchanges(run)?;
    let known = all.iter().any(|it| is_it(&it.step.node) || step == Some(it.step.to_string().as_str()));
    let wanted = |it: &StepExchange| refusal(it) && (is_it(&it.step.node) || step == Some(it.step.to_string().as_str()));
    match all.into_iter().rfind(wanted) {
        Some(found) => Ok((flow, found)),
        None => {
            let title = match step {
                Some(step) if !known => format!("Run {run} made no call in a step \"{step}\""),
                Some(step) => format!("No call of the step \"{step}\" was refused with a 401, 403 or 404"),
                None => format!("No call of run {run} was refused with a 401, 403 or 404"),
            };
            Err(Error::not_found(title, "`flowyard log show RUN` shows its steps and their calls."))
        }
    }
}

/// The connection that a step used: the one that its slot is bound to, or the only one that the call can have been made on.
fn connection(desk: &Desk, kept: &Bindings, flow: &Flow, slot: &SlotId, call: &Exchange) -> Result<ConnectionId, Error> {
    let book = desk.book()?;
    let connector = flow.slots.get(slot);
    let fits = |it: &&Connection| Some(&it.connector) == connector && call.request.url.starts_with(&it.base_url);
    let mut all: Vec<&Connection> = book.accounts().iter().map(|it| &it.connection).filter(fits).collect();
    let bound = kept.of(&flow.id, Connection::LIVE, slot);
    if all.iter().any(|it| bound.contains(&it.id)) {
        all.retain(|it| bound.contains(&it.id));
    }
    match all.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => Err(Error::not_found(
            format!("No connection of today can have made the call to {}", call.request.url),
            "Name it with --connection; `flowyard connect list` shows what there is.",
        )),
        several => {
            let ids: Vec<_> = several.iter().map(|it| it.id.as_str()).collect();
            Err(Error::usage(
                "Several connections can have made the call",
                format!("Name one with --connection: {}.", ids.join(", ")),
            ))
        }
    }
}
