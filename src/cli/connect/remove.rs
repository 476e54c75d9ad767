//! `flowyard connect remove`: a connection goes, with its secret.
use std::io::{self, IsTerminal as _};

use clap::Args;
use serde_json::json;

use super::place::PlaceArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{Plain, Printer, WAITING, paint};
use crate::engine::ConnectionId;

/// Remove a connection and its secret. Where flows use it, that is said, and has to be agreed to
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The connection's id
    #[arg(value_name = "CONNECTION")]
    connection: String,

    /// Also where flows use it
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Remove, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, _) = args.place.desk(out)?;
    let id = ConnectionId::new(&args.connection);
    desk.book()?.account(&id)?;
    let uses = desk.uses(&id)?;
    if !uses.is_empty() && !args.yes {
        let mut flows: Vec<&str> = uses.iter().map(|it| it.flow.as_str()).collect();
        flows.dedup();
        let taken = format!("\"{id}\" is used by {}", flows.join(", "));
        if !io::stdin().is_terminal() {
            return Err(Error::usage(taken, "Add --yes to remove it all the same; those flows then need another connection."));
        }
        out.say(paint(WAITING, format_args!("{}. Remove it all the same? Type yes:", Plain(&taken))));
        let mut line = String::new();
        io::stdin().read_line(&mut line).map_err(|error| Error::machine("Nothing could be read", &error, "Try again."))?;
        if line.trim() != "yes" {
            out.say("Nothing was removed.");
            return Err(Exit::Failed.into());
        }
    }
    let removed = desk.remove(&id)?;
    if args.place.json {
        out.json(&json!({ "connection": removed.connection, "used_by": removed.used_by, "secret_left": removed.left.is_some() }));
    } else {
        out.line(format_args!("Removed {} ({})", Plain(removed.connection.id.as_str()), Plain(&removed.connection.name)));
    }
    if let Some(left) = &removed.left {
        out.failure("warning: its secret is still in the vault", left);
    }
    args.place.tell(out)?;
    Ok(Exit::Done)
}
