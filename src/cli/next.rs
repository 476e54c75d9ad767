//! `flowyard next`: when the schedules of a flow come next.
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::exit::{Error, Exit};
use super::flows;
use super::print::{DIM, Plain, Printer, paint};
use crate::flow::schedule::{Plan, Schedule};
use crate::flow::{Flow, NodeId, NodeKind, Trigger};
use crate::record::{Failure, FailureKind};

/// Say when a flow's schedules come next.
#[derive(Debug, Args)]
pub(super) struct Next {
    /// The flow's file
    flow: PathBuf,

    /// How many times of each schedule
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,

    /// Print one JSON object a line for each time
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Next, out: &mut Printer) -> Result<Exit, Error> {
    let source = flows::read(&args.flow)?;
    let flow = &source.flow;
    let all = schedules(flow);
    if all.is_empty() {
        let words = format!("\"{}\" has no schedule: nothing starts it by the clock.", Plain(&flow.name));
        out.say(paint(DIM, words));
    }
    let now = Timestamp::now();
    for (id, name, schedule) in all {
        let plan = schedule.plan().map_err(|error| {
            let failure = Failure::new(FailureKind::Flow, format!("The schedule of \"{name}\" cannot be read: {error}"));
            Error::new(Exit::File, failure.at(format!("{id} of \"{}\"", flow.name)).hint(error.hint()))
        })?;
        if !args.json {
            let words = schedule.meaning().unwrap_or_default();
            out.line(format_args!("{}: {words}, {}", Plain(name), Plain(&schedule.zone)));
        }
        for at in plan.upcoming(now).take(args.count.into()) {
            if args.json {
                let mut event = plan.event(at, 0);
                if let Some(fields) = event.as_object_mut() {
                    fields.remove("missed");
                    fields.insert("flow".to_owned(), json!(flow.id));
                    fields.insert("node".to_owned(), json!(id));
                    fields.insert("remark".to_owned(), json!(plan.remark(at)));
                }
                out.json(&event);
            } else {
                out.line(format_args!("  {}", words(&plan, at)));
            }
        }
    }
    Ok(Exit::Done)
}

/// The schedules of a flow that are not muted, with their steps' names.
pub(super) fn schedules(flow: &Flow) -> Vec<(&NodeId, &str, &Schedule)> {
    let found = flow.nodes.iter().filter(|(_, node)| !node.muted).filter_map(|(id, node)| match &node.kind {
        NodeKind::Trigger(Trigger::Schedule { schedule, .. }) => Some((id, node.name.as_str(), schedule)),
        _ => None,
    });
    found.collect()
}

/// A time as the zone's clocks show it, with its offset, and what a change of clocks has to do with it.
pub(super) fn words(plan: &Plan, at: Timestamp) -> String {
    let local = at.to_zoned_datetime(plan.zone().clone()).strftime("%a %-d %b %Y, %H:%M %:z").to_string();
    plan.remark(at).map_or_else(|| local.clone(), |remark| format!("{local} ({remark})"))
}
