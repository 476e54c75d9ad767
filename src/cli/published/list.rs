//! `flowyard flows`: the flows that are published.
use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use crate::accounts;
use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Printer, paint};
use crate::cli::table::Table;
use crate::cli::{flows, words};
use crate::engine;
use crate::flow::FlowId;
use crate::published::{self, Entry, Published};

/// List the flows that are published: which are on or paused, since when, whether their files have changed since, and how many of
/// their runs wait for their turn
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    data: DataArgs,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(args: &List, out: &mut Printer) -> Result<Exit, Error> {
    let data = args.data.resolve(false)?;
    let published = Published::read(&data)?;
    let mut standings = BTreeMap::new();
    for (_, entry) in published.iter() {
        if !standings.contains_key(&entry.environment) {
            standings.insert(entry.environment.clone(), engine::standings(&accounts::log_of(&data, &entry.environment))?);
        }
    }
    let standing = |id: &FlowId, entry: &Entry| standings.get(&entry.environment).and_then(|it| it.of(id)).unwrap_or_default();
    if args.json {
        for (id, entry) in published.iter() {
            let runs = standing(id, entry);
            out.json(&json!({ "flow": id, "changes": changes(&published, entry, &data), "live": entry, "runs": runs }));
        }
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["FLOW", "NAME", "STATE", "ENVIRONMENT", "PUBLISHED", "DRAFT", ">WAITING"]);
    let mut is_empty = true;
    for (id, entry) in published.iter() {
        is_empty = false;
        let draft = match changes(&published, entry, &data) {
            None => String::new(),
            Some(all) if all.is_empty() => "as it is live".to_owned(),
            Some(all) => words::count(all.len(), "change"),
        };
        let runs = standing(id, entry);
        let state = match (entry.on, runs.paused) {
            (true, false) => "on",
            (true, true) => "on, paused",
            (false, false) => "off",
            (false, true) => "off, paused",
        };
        let waiting = if runs.waiting > 0 { runs.waiting.to_string() } else { String::new() };
        let (name, environment) = (entry.name.clone(), entry.environment.clone());
        table.row([id.to_string(), name, state.to_owned(), environment, words::local(entry.at), draft, waiting]);
    }
    if is_empty {
        out.say(paint(DIM, "No flow is published yet: `flowyard publish FLOW` makes one live."));
    } else {
        table.print(out);
    }
    Ok(Exit::Done)
}

/// What of the flow's file is not live yet, in words; none where the file is gone or cannot be read.
fn changes(published: &Published, entry: &Entry, data: &std::path::Path) -> Option<Vec<String>> {
    let draft = flows::read(entry.file.as_deref()?).ok()?.flow;
    let live = published.live(data, &draft.id).ok().flatten()?;
    Some(published::changes(&live, &draft).iter().map(ToString::to_string).collect())
}
