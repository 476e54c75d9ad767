//! `flowyard connect bind`: which connections a flow's slots stand for.
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::place::PlaceArgs;
use crate::accounts::Bindings;
use crate::cli::bind::{self, SlotBinding};
use crate::cli::exit::{Error, Exit};
use crate::cli::flows;
use crate::cli::print::{Plain, Printer};
use crate::engine::{Connection, ConnectionId};
use crate::flow::Flow;

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

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Bind, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, _catalog) = args.place.desk(out)?;
    let flow = flows::read(&args.flow)?.flow;
    bind::all_known(&args.slots, std::iter::once(&*flow))?;
    if let Some(unknown) = args.unbind.iter().find(|it| !flow.slots.contains_key(&it.as_str().into())) {
        let slots: Vec<_> = flow.slots.keys().map(|it| it.as_str()).collect();
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
    Ok(Exit::Done)
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
