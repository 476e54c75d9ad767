//! `flowyard connect test`: whether a connection works.
use clap::Args;
use serde_json::json;

use super::place::PlaceArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{GOOD, Plain, Printer, paint};
use crate::cli::{runtime, words};
use crate::engine::ConnectionId;

/// Try a connection by a cheap read that changes nothing. The exit code is 0 where the service answered, 6 where it does not
/// take the secret or there is none, and 1 where it refused or did not answer
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The connection's id
    #[arg(value_name = "CONNECTION")]
    connection: String,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Test, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, catalog) = args.place.desk(out)?;
    let id = ConnectionId::new(&args.connection);
    let service = {
        let book = desk.book()?;
        let connector = &book.account(&id)?.connection.connector;
        catalog.connector(connector).map_or_else(|| connector.to_string(), |it| it.title.clone())
    };
    let probed = runtime::block_on(async { Ok(desk.probe(&id).await?) })?;
    if args.place.json {
        let took = u64::try_from(probed.took.as_millis()).unwrap_or(u64::MAX);
        out.json(&json!({ "connection": id, "works": true, "operation": probed.operation, "account": probed.name, "ms": took }));
        return Ok(Exit::Done);
    }
    let name = probed.name.map(|it| format!(": {}", Plain(&it))).unwrap_or_default();
    out.line(format_args!(
        "{} {} answered \"{}\" in {}{name}",
        paint(GOOD, "✓"),
        Plain(&service),
        Plain(&probed.operation),
        words::duration(probed.took)
    ));
    Ok(Exit::Done)
}
