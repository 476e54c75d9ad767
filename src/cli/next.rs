//! `flowyard next`: when the schedules of a flow come next, and the times of records that it waits for.
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::data::DataArgs;
use super::exit::{Error, Exit};
use super::flows;
use super::print::{DIM, Plain, Printer, paint};
use crate::accounts;
use crate::catalog::{Counts, Event};
use crate::engine::log::next_coming;
use crate::expr::parse_zone;
use crate::flow::schedule::{Plan, Schedule};
use crate::flow::{Flow, NodeId, NodeKind, Trigger};
use crate::record::{Failure, FailureKind};

/// Say when a flow's schedules come next; and the next time of a record that it waits for, as far as the last look at each account
/// knows it: a birthday, a reminder.
#[derive(Debug, Args)]
pub(super) struct Next {
    /// The flow's file
    flow: PathBuf,

    /// How many times of each schedule
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,

    #[command(flatten)]
    data: DataArgs,

    /// As the sandbox's records have it, where no data directory is named
    #[arg(long)]
    sandbox: bool,

    /// Print one JSON object a line for each time
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Next, out: &mut Printer) -> Result<Exit, Error> {
    let source = flows::read(&args.flow)?;
    let flow = &source.flow;
    let all = schedules(flow);
    let comings = comings(flow);
    if all.is_empty() && comings.is_empty() {
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
    if !comings.is_empty() {
        let data = args.data.resolve(args.sandbox)?;
        for it in comings {
            it.tell(&data, flow, args.json, out)?;
        }
    }
    Ok(Exit::Done)
}

/// A trigger that waits for times of records.
struct Coming<'a> {
    id: &'a NodeId,
    name: &'a str,
    trigger: &'a Trigger,
    /// What it waits for, in words.
    words: String,
    zone: TimeZone,
}

impl Coming<'_> {
    fn tell(&self, data: &Path, flow: &Flow, json: bool, out: &mut Printer) -> Result<(), Error> {
        let mut known = Vec::new();
        for log in accounts::logs(data) {
            known.extend(next_coming(&log, self.trigger)?);
        }
        known.sort_by_key(|it| it.1);
        if !json {
            out.line(format_args!("{}: {}", Plain(self.name), Plain(&self.words)));
            if known.is_empty() {
                out.line("  No time is known yet: the service is asked once the flow is on.");
            }
        }
        for (connection, at) in known {
            let local = at.to_zoned_datetime(self.zone.clone());
            if json {
                let at = local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
                out.json(&json!({ "flow": flow.id, "node": self.id, "at": at, "connection": connection, "words": self.words }));
            } else {
                let words = local.strftime("%a %-d %b %Y, %H:%M %:z");
                out.line(format_args!("  {words}, of \"{}\"", Plain(connection.as_str())));
            }
        }
        Ok(())
    }
}

/// The triggers of a flow that wait for times of records and are not muted.
fn comings(flow: &Flow) -> Vec<Coming<'_>> {
    let found = flow.nodes.iter().filter(|(_, node)| !node.muted).filter_map(|(id, node)| {
        let NodeKind::Trigger(trigger @ Trigger::Event { event, watch, .. }) = &node.kind else { return None };
        let found = Event::find(event)?;
        let (words, zone) = match (&found.poll()?.counts, &watch.date) {
            (Counts::Dated { .. }, Some(date)) => (date.called(found).meaning(&watch.ahead), parse_zone(&date.zone).ok()),
            (Counts::Reached { .. }, _) => {
                let ahead = watch.ahead.trim();
                let words = match ahead.strip_prefix('-') {
                    _ if ahead.is_empty() => found.title.clone(),
                    Some(after) => format!("{}, {} after it", found.title, after.trim()),
                    None => format!("{}, {ahead} before it", found.title),
                };
                (words, None)
            }
            _ => return None,
        };
        Some(Coming { id, name: &node.name, trigger, words, zone: zone.unwrap_or_else(TimeZone::system) })
    });
    found.collect()
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
