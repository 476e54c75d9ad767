//! `flowyard connect locations`: the locations of an agency, and a connection for each that is wanted.
use clap::Args;
use serde_json::json;

use super::place::PlaceArgs;
use crate::accounts::Location;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, GOOD, Plain, Printer, paint};
use crate::cli::runtime;
use crate::engine::ConnectionId;

/// List the locations of an agency that is signed in, and make connections of them with --add: they draw their tokens from the
/// agency's
#[derive(Debug, Args)]
pub(super) struct Locations {
    /// The agency's connection
    #[arg(value_name = "CONNECTION")]
    connection: String,

    /// Make a connection of the location with this id; may be given several times
    #[arg(long, value_name = "LOCATION", conflicts_with = "add_all")]
    add: Vec<String>,

    /// Make a connection of each that has none yet
    #[arg(long)]
    add_all: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Locations, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, _) = args.place.desk(out)?;
    let id = ConnectionId::new(&args.connection);
    let all = runtime::block_on(async { Ok(desk.locations(&id).await?) })?;
    if let Some(unknown) = args.add.iter().find(|wanted| !all.iter().any(|it| it.id == **wanted)) {
        let hint = "`flowyard connect locations` without --add shows those that there are.";
        return Err(Error::not_found(format!("The agency has no location \"{unknown}\""), hint));
    }
    let wanted = |it: &&Location| it.connection.is_none() && (args.add_all || args.add.contains(&it.id));
    let mut added = 0;
    for location in all.iter().filter(wanted) {
        let connection = desk.add_location(&id, location)?;
        added += 1;
        if args.place.json {
            out.json(&json!({ "connection": connection }));
        } else {
            let words = format!("Added {} ({})", connection.id, connection.name);
            out.line(format_args!("{} {}", paint(GOOD, "✓"), Plain(&words)));
        }
    }
    if added > 0 {
        args.place.tell(out)?;
        return Ok(Exit::Done);
    }
    for it in &all {
        if args.place.json {
            out.json(&json!({ "location": it }));
            continue;
        }
        let known = it.connection.as_ref().map(|it| format!("  ({it})")).unwrap_or_default();
        let zone = it.zone.as_ref().map(|it| format!("  {it}")).unwrap_or_default();
        out.line(format_args!("{}  {}{}", Plain(&it.id), Plain(&it.name), paint(DIM, Plain(&format!("{zone}{known}")))));
    }
    Ok(Exit::Done)
}
