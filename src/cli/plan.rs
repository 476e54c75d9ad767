//! What a flow would write, said before it does: `run --dry-run` and `publish --dry-run`.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::connections::{self, Bound};
use super::exit::{Error, Exit};
use super::print::{BAD, DIM, GOOD, Plain, Printer, STRONG, WAITING, paint};
use super::{begin, bind, words};
use crate::accounts::{self, Bindings, Desk, Slots};
use crate::catalog::Catalog;
use crate::engine::plan::{self, Ask, Origin, Plan, PlannedWrite, SampleEvent};
use crate::engine::{CallSettings, Clock, Connection, Deployment, JournalOptions, Limits, Mode, Settings, Vault};
use crate::flow::{Flow, FlowId, NodeId, Trigger};

/// What a plan is made with.
pub(super) struct Means {
    pub(super) catalog: Catalog,
    pub(super) connections: Bound,
    pub(super) vault: Vault,
    pub(super) flows: Vec<Deployment>,
}

/// What a draft would write, with the connections that its slots stand for in an environment; of several accounts the first. It
/// begins with `input`, else with the newest record of its trigger, else with what the last live run began with, else with its sample.
///
/// # Errors
/// If a connection is missing, if it is not clear which trigger is meant, or if the run cannot begin.
pub(super) async fn of_draft(
    desk: &Desk,
    environment: &str,
    catalog: &Catalog,
    flow: &Arc<Flow>,
    trigger: Option<&str>,
    input: Option<Value>,
) -> Result<Plan, Error> {
    let (node, kind) = begin::choose_trigger(flow, trigger, true)?;
    let (bound, kept) = (connections::read(desk)?, Bindings::read(desk.data())?);
    let all: Vec<&Connection> = bound.iter().map(|(it, _)| it).collect();
    let slots = bind::resolve(flow, &[], Slots { connections: &all, kept: &kept, environment }, catalog)?;
    let mut copies = accounts::spread(flow, &slots)?;
    copies.truncate(1);
    // What it calls runs as it is live.
    let live = super::published::Live::read(desk.data(), environment, desk, catalog)?;
    copies.extend(live.copies.into_iter().filter(|it| it.flow.id != flow.id));
    accounts::join(&mut copies);
    let Some(id) = copies.first().map(|it| it.flow.id.clone()) else {
        return Err(Error::new(Exit::Connection, Error::file(format!("\"{}\" is bound to no account", flow.name))));
    };
    let event = event(&accounts::log_of(desk.data(), environment), (&id, &node, kind), input, catalog)?;
    let flows = copies.into_iter().map(bind::quiet).collect();
    let means = Means { catalog: catalog.clone(), connections: bound, vault: desk.vault().clone(), flows };
    make(means, Ask { flow: id, trigger: node, event }).await
}

/// Makes a plan.
///
/// # Errors
/// If the run cannot begin.
pub(super) async fn make(means: Means, ask: Ask) -> Result<Plan, Error> {
    let Means { catalog, connections, vault, flows } = means;
    let settings = Settings {
        data: PathBuf::new(),
        journal: JournalOptions::default(),
        catalog,
        connections,
        vault,
        mode: Mode::Live,
        flows,
        listen: None,
        clock: Clock::System,
        calls: CallSettings::default(),
        limits: Limits::default(),
        recover: false,
    };
    Ok(plan::plan(settings, ask).await?)
}

/// What a plan begins with.
///
/// # Errors
/// If the log cannot be read.
pub(super) fn event(
    log: &Path,
    (flow, node, kind): (&FlowId, &NodeId, &Trigger),
    input: Option<Value>,
    catalog: &Catalog,
) -> Result<SampleEvent, Error> {
    if let Some(input) = input {
        return Ok(SampleEvent::Given(kind.given(input)));
    }
    if let Some(last) = begin::last_event(log, flow, node)? {
        return Ok(SampleEvent::Newest { otherwise: last, of: Origin::Earlier });
    }
    let is_known = !kind.sample().is_null() || matches!(kind, Trigger::Manual { .. } | Trigger::Schedule { .. });
    let of = if is_known { Origin::Sample } else { Origin::MadeUp };
    Ok(SampleEvent::Newest { otherwise: kind.test_event(catalog), of })
}

/// Shows a plan, as one JSON object or in words.
pub(super) fn show(plan: &Plan, flow: &Flow, as_json: bool, out: &mut Printer) -> Exit {
    let exit = if plan.stopped.is_some() { Exit::Failed } else { Exit::Done };
    if as_json {
        out.json(&json!({ "event": "plan", "flow": flow.id, "plan": plan }));
        return exit;
    }
    let from = match plan.origin {
        Origin::Given => "with the event that was given",
        Origin::Newest => "with the newest record of the service",
        Origin::Earlier => "with what the last live run began with",
        Origin::Sample => "with the sample of the flow",
        Origin::MadeUp => "with an event that is made up, since the service has none",
    };
    let (writes, reads) = (words::count(plan.count(), "write"), words::count(plan.reads, "read"));
    let name = Plain(&flow.name);
    out.line(format_args!("{STRONG}\"{name}\" would make {writes}{STRONG:#}, begun {from}"));
    for (at, write) in plan.writes.iter().enumerate() {
        one(at + 1, write, out);
    }
    if plan.more > 0 {
        out.line(format_args!("  … and {} more", plan.more));
    }
    if !plan.agreed.is_empty() {
        let names = plan.agreed.join(", ");
        out.say(paint(DIM, format_args!("Taken as agreed to: {}.", Plain(&names))));
    }
    out.say(paint(GOOD, format_args!("Nothing was written. {reads} sent.")));
    if let Some(step) = &plan.open {
        let words = format_args!("Which way it goes at \"{}\" depends on the answers to what was not sent.", Plain(step));
        out.say(paint(WAITING, words));
    }
    if let Some(failure) = &plan.stopped {
        out.say(paint(BAD, "It would not come to its end:"));
        out.failure("error", failure);
    }
    exit
}

fn one(number: usize, write: &PlannedWrite, out: &mut Printer) {
    let request = &write.request;
    out.line(format_args!("  {number}. {STRONG}{}{STRONG:#}: {}", Plain(&write.name), Plain(&write.sentence)));
    let to = write.connection.as_ref().map(|it| format!(" on {it}")).unwrap_or_default();
    out.line(format_args!("     {}", paint(DIM, format_args!("{} {}{}", request.method, Plain(&request.url), Plain(&to)))));
    if !write.made_up.is_empty() {
        let fields = write.made_up.iter().map(|it| it.strip_prefix("input.").unwrap_or(it)).collect::<Vec<_>>().join(", ");
        out.line(format_args!(
            "     {}",
            paint(WAITING, format_args!("made up, since it is known only afterwards: {}", Plain(&fields)))
        ));
    }
}
