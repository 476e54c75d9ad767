//! `flowyard connect budget`: what is used of the requests that the services allow.
use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::place::PlaceArgs;
use crate::accounts::{Budget, Budgets, Desk, grouped};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, WAITING, paint};
use crate::cli::table::Table;
use crate::cli::words;
use crate::engine::{Connection, ConnectionId};

/// Show how many requests the services allow, how many are used by all that runs on this data directory, and how many it will
/// be by the end of the day (UTC) at the pace of the last hour
#[derive(Debug, Args)]
pub(super) struct BudgetArgs {
    /// The connection's id; without it all of them
    #[arg(value_name = "CONNECTION")]
    connection: Option<String>,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &BudgetArgs, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, catalog) = args.place.desk(out)?;
    let book = desk.book()?;
    let chosen: Vec<&Connection> = match &args.connection {
        Some(id) => vec![&book.account(&ConnectionId::new(id))?.connection],
        None => book.accounts().iter().map(|it| &it.connection).collect(),
    };
    let budgets = read(&desk, args, chosen.iter().copied())?;
    if args.place.json {
        for it in chosen {
            out.json(&json!({ "connection": it.id, "name": it.name, "connector": it.connector, "budget": budgets.get(&it.id) }));
        }
        return Ok(Exit::Done);
    }
    if chosen.is_empty() {
        out.say(paint(DIM, "There are no connections yet: `flowyard connect add highlevel` makes one."));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["ID", "SERVICE", "REQUESTS", ">TODAY", ">OF", ">BY MIDNIGHT UTC", ">WAITING", "COUNTED SINCE"]);
    for it in &chosen {
        let service = catalog.connector(&it.connector).map_or_else(|| it.connector.to_string(), |it| it.title.clone());
        let Some(budget) = budgets.get(&it.id) else {
            let none = String::new;
            table.row([it.id.to_string(), service, "no limit is known".to_owned(), none(), none(), none(), none(), none()]);
            continue;
        };
        let state = &budget.state;
        let is_used = state.used_today > 0 || state.used > 0;
        table.row([
            it.id.to_string(),
            service,
            budget.short(),
            grouped(state.used_today),
            state.daily_max.map(grouped).unwrap_or_default(),
            grouped(state.forecast),
            grouped(state.waiting.into()),
            if is_used { words::local(state.since) } else { String::new() },
        ]);
    }
    table.print(out);
    for it in chosen {
        let Some(budget) = budgets.get(&it.id) else { continue };
        let id = Plain(it.id.as_str());
        if budget.state.blocked_ms > 0 {
            let seconds = budget.state.blocked_ms.div_ceil(1_000);
            out.say(paint(WAITING, format_args!("\"{id}\": its service asks to wait {seconds} s")));
        }
        if budget.falls_short() {
            out.say(paint(WAITING, format_args!("\"{id}\": at this pace its requests are used up before midnight UTC")));
        }
    }
    Ok(Exit::Done)
}

/// What is used of these connections' budgets.
fn read<'a>(
    desk: &Desk,
    args: &BudgetArgs,
    connections: impl Iterator<Item = &'a Connection>,
) -> Result<BTreeMap<ConnectionId, Budget>, Error> {
    Ok(desk.budgets(&mut Budgets::of(&args.place.dir()?), connections, Timestamp::now()))
}
