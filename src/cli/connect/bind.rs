//! `flowyard connect bind`: which connections a flow's slots stand for.
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::lacks::{self, LacksArgs};
use super::place::PlaceArgs;
use crate::accounts::{Bindings, Slots, Stand};
use crate::cli::bind::{self, SlotBinding};
use crate::cli::exit::{Error, Exit};
use crate::cli::flows;
use crate::cli::print::{Plain, Printer};
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
    lacks: LacksArgs,

    /// In which of your environments
    #[arg(long, value_name = "NAME", default_value = Connection::LIVE, value_parser = bind::environment)]
    environment: String,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Bind, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, catalog) = args.place.desk(out)?;
    let flow = flows::read(&args.flow)?.flow;
    bind::all_known(&args.slots, std::iter::once(&*flow))?;
    if let Some(unknown) = args.unbind.iter().find(|it| !flow.slots.contains_key(&it.as_str().into())) {
        let slots: Vec<_> = flow.slots.keys().map(SlotId::as_str).collect();
        return Err(Error::usage(
            format!("\"{}\" has no slot \"{unknown}\"", flow.name),
            format!("It has {}.", slots.join(", ")),
        ));
    }
    let data = args.place.dir()?;
    let (book, before) = (desk.book()?, Bindings::read(&data)?);
    let connections = book.connections();
    let slots = Slots { connections: &connections, kept: &before, environment: &args.environment };
    for it in &args.slots {
        let wanted = &flow.slots[it.slot()];
        for id in it.connections() {
            book.account(id)?;
            bind::fits(slots, id, wanted, wanted.as_str()).map_err(|(title, hint)| Error::usage(title, hint))?;
        }
    }
    let changed = !args.slots.is_empty() || !args.unbind.is_empty();
    let kept = if changed {
        Bindings::change(&data, |kept| {
            for it in &args.slots {
                kept.set(&flow.id, &args.environment, it.slot(), it.connections().to_vec());
            }
            for slot in &args.unbind {
                kept.set(&flow.id, &args.environment, &slot.as_str().into(), Vec::new());
            }
            kept.clone()
        })?
    } else {
        before.clone()
    };
    show(&flow, Slots { kept: &kept, ..slots }, args.place.json, out);
    if args.check {
        lacks::check(&flow, &desk, &catalog, &args.environment, &args.lacks, args.place.json, out)
    } else {
        Ok(Exit::Done)
    }
}

fn show(flow: &Flow, slots: Slots<'_>, as_json: bool, out: &mut Printer) {
    let list = |ids: &[ConnectionId]| ids.iter().map(ConnectionId::as_str).collect::<Vec<_>>().join(", ");
    for (slot, connector) in &flow.slots {
        let bound = slots.kept.of(&flow.id, slots.environment, slot);
        if as_json {
            let environment = slots.environment;
            out.json(&json!({ "flow": flow.id, "environment": environment, "slot": slot, "connector": connector, "connections": bound }));
            continue;
        }
        let words = match slots.of(&flow.id, slot, connector) {
            Stand::Bound(ids) if ids.len() > 1 => {
                format!("{}; the flow runs for each of these {} accounts", list(&ids), ids.len())
            }
            Stand::Bound(ids) => list(&ids),
            Stand::Only(id) => format!("not bound; {id} is taken, the only connection to {connector}"),
            Stand::Unfit(id) => format!("bound to {id}, which is no connection to {connector} here any more"),
            Stand::Choose(ids) => format!("not bound; choose one of {}", list(&ids)),
            Stand::Nothing => format!("not bound; there is no connection to {connector}"),
        };
        let others: Vec<&str> = slots.kept.environments(&flow.id, slot).filter(|it| *it != slots.environment).collect();
        let others = if others.is_empty() { String::new() } else { format!(" (also bound in {})", others.join(", ")) };
        out.line(format_args!("{slot}: {}{}", Plain(&words), Plain(&others)));
    }
    if flow.slots.is_empty() && !as_json {
        out.say(format_args!("\"{}\" calls no service.", Plain(&flow.name)));
    }
}
