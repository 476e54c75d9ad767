//! `flowyard connect scopes`: what flows need to be allowed on a connection, beside what its token is.
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::place::PlaceArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::flows;
use crate::cli::print::{BAD, DIM, GOOD, Plain, Printer, WAITING, paint};
use crate::engine::ConnectionId;
use crate::flow::Flow;

/// Show the scopes that the steps of flows need on a connection, and which of them its token has. No other scope is asked for
/// at a sign-in for these flows
#[derive(Debug, Args)]
pub(super) struct Scopes {
    /// The connection's id
    #[arg(value_name = "CONNECTION")]
    connection: String,

    /// The flows' files
    #[arg(value_name = "FLOW", required = true)]
    flows: Vec<PathBuf>,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Scopes, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, catalog) = args.place.desk(out)?;
    let id = ConnectionId::new(&args.connection);
    let flows = args.flows.iter().map(|it| Ok(flows::read(it)?.flow)).collect::<Result<Vec<_>, Error>>()?;
    let flows: Vec<&Flow> = flows.iter().map(|it| &**it).collect();
    let needed = desk.needed(&id, &flows)?;
    let granted = desk.vault().get(&id).ok().flatten().and_then(|it| it.granted().and_then(|it| it.scopes.clone()));
    if args.place.json {
        out.json(&json!({ "connection": id, "needed": needed, "granted": granted }));
        return Ok(Exit::Done);
    }
    let mut missing = 0;
    for (scope, steps) in needed.iter() {
        let (style, mark) = match &granted {
            None => (WAITING, "?"),
            Some(granted) if granted.iter().any(|it| it == scope) => (GOOD, "✓"),
            Some(_) => {
                missing += 1;
                (BAD, "✗")
            }
        };
        let steps: Vec<_> = steps.iter().map(|it| format!("\"{}\" of \"{}\"", it.step, it.flow)).collect();
        out.line(format_args!("{} {scope}  {}", paint(style, mark), paint(DIM, Plain(&steps.join(", ")))));
    }
    let service = desk.book()?.account(&id)?.connection.connector.clone();
    let service = catalog.connector(&service).map_or_else(|| service.to_string(), |it| it.title.clone());
    if needed.iter().next().is_none() {
        out.say(format_args!("No step of these flows needs a scope of {}.", Plain(&service)));
    } else if granted.is_none() {
        out.say(paint(DIM, format_args!("{} does not tell what this kind of token may do.", Plain(&service))));
    } else if missing > 0 {
        out.say(format_args!("Give the app what is missing at {}, then `flowyard connect sign-in {id}`.", Plain(&service)));
    }
    Ok(Exit::Done)
}
