//! `flowyard flows`: the flows that are published.
use clap::Args;
use serde_json::json;

use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Printer, paint};
use crate::cli::table::Table;
use crate::cli::{flows, words};
use crate::published::{self, Entry, Published};

/// List the flows that are published: which are on, since when, and whether their files have changed since
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
    if args.json {
        for (id, entry) in published.iter() {
            out.json(&json!({ "flow": id, "changes": changes(&published, entry, &data), "live": entry }));
        }
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["FLOW", "NAME", "STATE", "ENVIRONMENT", "PUBLISHED", "DRAFT"]);
    let mut is_empty = true;
    for (id, entry) in published.iter() {
        is_empty = false;
        let draft = match changes(&published, entry, &data) {
            None => String::new(),
            Some(all) if all.is_empty() => "as it is live".to_owned(),
            Some(all) => words::count(all.len(), "change"),
        };
        let state = if entry.on { "on" } else { "off" };
        let (name, environment) = (entry.name.clone(), entry.environment.clone());
        table.row([id.to_string(), name, state.to_owned(), environment, words::local(entry.at), draft]);
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
