//! `flowyard connect rename`: what people call a connection.
use clap::Args;
use serde_json::json;

use super::place::PlaceArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{Plain, Printer};
use crate::engine::ConnectionId;

/// Give a connection another name. Its id stays, and so does what uses it
#[derive(Debug, Args)]
pub(super) struct Rename {
    /// The connection's id
    #[arg(value_name = "CONNECTION")]
    connection: String,

    /// The new name
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Rename, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, _) = args.place.desk(out)?;
    let connection = desk.rename(&ConnectionId::new(&args.connection), &args.name)?;
    if args.place.json {
        out.json(&json!({ "connection": connection }));
    } else {
        out.line(format_args!("{} is called {} now", Plain(connection.id.as_str()), Plain(&connection.name)));
    }
    args.place.tell(out)?;
    Ok(Exit::Done)
}
