//! `flowyard catalog remove`.
use std::collections::BTreeSet;

use clap::Args;
use serde_json::{Value, json};

use super::import::refused;
use crate::catalog::{Catalog, ConnectorId};
use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{Plain, Printer, WAITING, paint};
use crate::cli::{read, words};
use crate::engine::log::{Filter, Journal, JournalError, Reader};
use crate::flow::Flow;

/// Take an imported service out of the catalogue again.
///
/// Connections and flows that were run with it are named. They stay as they are, and work again once it is imported anew.
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The service's id
    connector: String,

    #[command(flatten)]
    data: DataArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Remove, out: &mut Printer) -> Result<Exit, Error> {
    let id = ConnectorId::new(&args.connector);
    let shelf = args.data.shelf()?;
    if Catalog::shipped().connector(&id).is_some() {
        return Err(Error::usage(format!("\"{id}\" comes with Flowyard"), "Only what was imported can be removed."));
    }
    // Who uses it is found before it is gone.
    let (connections, flows) = (connections(&args.data, &id)?, flows(&args.data, &id)?);
    if !shelf.remove(&id).map_err(|it| refused(&it))? {
        let known: Vec<String> = shelf.names().iter().map(ToString::to_string).collect();
        let known = if known.is_empty() { "None was imported.".to_owned() } else { format!("There are {}.", known.join(", ")) };
        return Err(Error::not_found(format!("No service \"{id}\" was imported"), known));
    }
    if args.json {
        out.json(&json!({ "connector": id, "removed": true, "connections": connections, "flows": flows }));
        return Ok(Exit::Done);
    }
    out.line(format_args!("\"{}\" is removed.", Plain(&args.connector)));
    for (users, one) in [(&connections, "connection"), (&flows, "flow")] {
        if !users.is_empty() {
            let named: Vec<String> = users.iter().map(|it| format!("\"{it}\"")).collect();
            let text = format!("Used by {}: {}.", words::count(users.len(), one), named.join(", "));
            out.say(paint(WAITING, Plain(&text)));
        }
    }
    Ok(Exit::Done)
}

/// The connections to it. A file that cannot be read names none: whoever uses it is told what is wrong with it.
fn connections(data: &DataArgs, id: &ConnectorId) -> Result<BTreeSet<String>, Error> {
    let path = data.resolve(false)?.join("connections.json");
    let Some(Value::Array(list)) = path.exists().then(|| read::json(&path).ok()).flatten() else { return Ok(BTreeSet::new()) };
    let of_it = list.iter().filter(|it| it["connector"] == id.as_str());
    Ok(of_it.filter_map(|it| it["id"].as_str().map(str::to_owned)).collect())
}

/// The flows that were run with it, as they were at last.
fn flows(data: &DataArgs, id: &ConnectorId) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    for sandbox in [false, true] {
        match Journal::open_reader(&data.resolve(sandbox)?) {
            Ok(reader) => find(&reader, id, &mut found).map_err(crate::record::Failure::from)?,
            Err(JournalError::Missing { .. }) => {}
            Err(error) => return Err(crate::record::Failure::from(error).into()),
        }
    }
    Ok(found)
}

fn find(reader: &Reader, id: &ConnectorId, found: &mut BTreeSet<String>) -> Result<(), JournalError> {
    for (flow, name) in reader.flows()? {
        let last = Filter { flow: Some(flow), limit: 1, ..Filter::default() };
        let Some(head) = reader.runs(&last)?.into_iter().next() else { continue };
        let Some(text) = reader.revision(&head.revision)? else { continue };
        if Flow::parse(text.as_bytes()).is_ok_and(|it| it.slots.values().any(|it| it == id)) {
            found.insert(name);
        }
    }
    Ok(())
}
