//! `flowyard connect bind`: which connections a flow's slots stand for.
use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::place::PlaceArgs;
use crate::accounts::{Bindings, Desk, Presence};
use crate::cli::bind::{self, SlotBinding};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{BAD, GOOD, Plain, Printer, WAITING, paint};
use crate::cli::{flows, runtime};
use crate::engine::{Connection, ConnectionId};
use crate::flow::{Flow, SlotId};

/// Bind the slots of a flow to connections, once for all its runs. With several connections the flow runs for each of these
/// accounts on its own: `flowyard connect bind FLOW crm=berlin,paris`. Without a slot, shows what is bound
#[derive(Debug, Args)]
pub(super) struct Bind {
    /// The flow's file
    #[arg(value_name = "FLOW")]
    flow: PathBuf,

    /// Which connection a slot stands for; several with commas between
    #[arg(value_name = "SLOT=CONNECTION", value_parser = SlotBinding::parse)]
    slots: Vec<SlotBinding>,

    /// Take a slot's binding away
    #[arg(long, value_name = "SLOT")]
    unbind: Vec<String>,

    /// Look on each bound account for what was chosen by name in the flow's steps: its calendars, pipelines, custom fields. The
    /// exit code is 1 where one of them lacks something
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Bind, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, _catalog) = args.place.desk(out)?;
    let flow = flows::read(&args.flow)?.flow;
    bind::all_known(&args.slots, std::iter::once(&*flow))?;
    if let Some(unknown) = args.unbind.iter().find(|it| !flow.slots.contains_key(&it.as_str().into())) {
        let slots: Vec<_> = flow.slots.keys().map(SlotId::as_str).collect();
        return Err(Error::usage(
            format!("\"{}\" has no slot \"{unknown}\"", flow.name),
            format!("It has {}.", slots.join(", ")),
        ));
    }
    let book = desk.book()?;
    for it in &args.slots {
        let wanted = &flow.slots[it.slot()];
        for id in it.connections() {
            let connection = &book.account(id)?.connection;
            if connection.connector != *wanted {
                let title =
                    format!("The connection \"{id}\" is to {}, and the slot {} needs {wanted}", connection.connector, it.slot());
                return Err(Error::usage(title, "Bind another connection.".to_owned()));
            }
        }
    }
    let data = args.place.dir()?;
    let changed = !args.slots.is_empty() || !args.unbind.is_empty();
    let kept = if changed {
        Bindings::change(&data, |kept| {
            for it in &args.slots {
                kept.set(&flow.id, Connection::LIVE, it.slot(), it.connections().to_vec());
            }
            for slot in &args.unbind {
                kept.set(&flow.id, Connection::LIVE, &slot.as_str().into(), Vec::new());
            }
            kept.clone()
        })?
    } else {
        Bindings::read(&data)?
    };
    show(&flow, &kept, args.place.json, out);
    if args.check { check(args, &flow, &kept, &desk, out) } else { Ok(Exit::Done) }
}

/// What each account has of what was chosen by name.
fn check(args: &Bind, flow: &Flow, kept: &Bindings, desk: &Desk, out: &mut Printer) -> Result<Exit, Error> {
    let mut slots = BTreeMap::new();
    for (slot, connector) in &flow.slots {
        let bound = kept.of(&flow.id, Connection::LIVE, slot);
        let only = || {
            let book = desk.book()?;
            let mut fitting = book.accounts().iter().map(|it| &it.connection).filter(|it| it.connector == *connector);
            let first = fitting.next().filter(|_| fitting.next().is_none());
            Ok::<_, Error>(first.map(|it| it.id.clone()).into_iter().collect())
        };
        slots.insert(slot.clone(), if bound.is_empty() { only()? } else { bound.to_vec() });
    }
    let all = runtime::block_on(async { Ok(desk.had(flow, &slots).await?) })?;
    let mut lacking = false;
    for it in &all {
        lacking |= matches!(it.presence, Presence::Missing { .. });
        if args.place.json {
            out.json(&json!({ "had": it }));
            continue;
        }
        let (style, mark, words) = match &it.presence {
            Presence::Same => (GOOD, "✓", String::new()),
            Presence::ByName => (GOOD, "✓", " (another one of that name)".to_owned()),
            Presence::Missing { name } => (BAD, "✗", format!(": \"{name}\" is not there")),
            Presence::Unknown { why } => (WAITING, "?", format!(": {why}")),
        };
        let names = it.names.join(", ");
        let what = format!("{}, {} of \"{}\": {names}{words}", it.connection, it.field, it.step);
        out.line(format_args!("{} {}", paint(style, mark), Plain(&what)));
    }
    if all.is_empty() && !args.place.json {
        out.say("Nothing in this flow was chosen by name from a list of an account.");
    }
    Ok(if lacking { Exit::Failed } else { Exit::Done })
}

fn show(flow: &Flow, kept: &Bindings, as_json: bool, out: &mut Printer) {
    for (slot, connector) in &flow.slots {
        let bound = kept.of(&flow.id, Connection::LIVE, slot);
        let list: Vec<_> = bound.iter().map(ConnectionId::as_str).collect();
        if as_json {
            out.json(&json!({ "flow": flow.id, "slot": slot, "connector": connector, "connections": list }));
        } else if list.is_empty() {
            out.line(format_args!("{slot}: not bound; the only connection to {connector} is taken, if there is one"));
        } else {
            out.line(format_args!("{slot}: {}", Plain(&list.join(", "))));
        }
    }
    if flow.slots.is_empty() && !as_json {
        out.say(format_args!("\"{}\" calls no service.", Plain(&flow.name)));
    }
}
