//! `flowyard catalog list` and `search`.
use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::connector;
use crate::catalog::{Catalog, Connector, Operation, OperationId};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Printer, paint};
use crate::cli::table::Table;
use crate::cli::words;

/// List what can be called.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only of this service
    #[arg(long, value_name = "NAME")]
    connector: Option<String>,

    /// Only how many there are
    #[arg(long)]
    count: bool,

    /// Print one JSON object a line for each operation; with --count one object in all
    #[arg(long)]
    json: bool,
}

/// Find operations by words.
#[derive(Debug, Args)]
pub(super) struct Search {
    /// What to look for, for example: add tag
    #[arg(required = true)]
    words: Vec<String>,

    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,

    /// Print one JSON object a line for each operation
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &List, out: &mut Printer) -> Result<Exit, Error> {
    let catalog = Catalog::shipped();
    let connectors: Vec<&Connector> = match &args.connector {
        Some(id) => vec![connector(&catalog, id)?],
        None => catalog.connectors().map(AsRef::as_ref).collect(),
    };
    if args.count {
        count(&connectors, args.json, out);
        return Ok(Exit::Done);
    }
    let operations =
        connectors.iter().flat_map(|connector| connector.operations.values().map(move |it| (*connector, it.as_ref())));
    print(operations, args.json, out);
    Ok(Exit::Done)
}

pub(super) fn search(args: &Search, out: &mut Printer) -> Result<Exit, Error> {
    let catalog = Catalog::shipped();
    let found = find(&catalog, &args.words.join(" "), args.limit);
    if found.is_empty() {
        return Err(Error::not_found("No operation is found by these words", "Try fewer or other words."));
    }
    let operations = found.iter().filter_map(|id| catalog.operation(id)).map(|(connector, it)| (connector.as_ref(), it.as_ref()));
    print(operations, args.json, out);
    Ok(Exit::Done)
}

/// The operations that fit these words, the best first.
pub(super) fn find(catalog: &Catalog, words: &str, limit: usize) -> Vec<OperationId> {
    catalog.search(words).into_iter().take(limit).map(|it| it.operation).collect()
}

fn count(connectors: &[&Connector], as_json: bool, out: &mut Printer) {
    let total: usize = connectors.iter().map(|it| it.operations.len()).sum();
    if as_json {
        let counts = |it: &&Connector| (it.id.as_str().to_owned(), json!({ "actions": it.operations.len(), "triggers": 0 }));
        let counts: BTreeMap<_, _> = connectors.iter().map(counts).collect();
        out.json(&json!({ "total": total, "connectors": counts }));
        return;
    }
    let mut table = Table::new(["SERVICE", ">ACTIONS"]);
    for it in connectors {
        table.row([it.title.clone(), it.operations.len().to_string()]);
    }
    table.print(out);
    out.line(format_args!("{} in all", words::count(total, "operation")));
}

fn print<'a>(operations: impl Iterator<Item = (&'a Connector, &'a Operation)>, as_json: bool, out: &mut Printer) {
    if as_json {
        for (connector, it) in operations {
            if out.is_closed() {
                return;
            }
            out.json(&json!({
                "id": it.id, "title": it.title, "service": connector.title, "group": it.group,
                "method": it.method, "path": it.path, "deprecated": it.deprecated,
            }));
        }
        return;
    }
    let mut table = Table::new(["OPERATION", "WHAT IT DOES", "GROUP", "REQUEST"]);
    let mut shown = 0_usize;
    for (_, it) in operations {
        shown += 1;
        let request = format!("{} {}", it.method.as_str(), it.path);
        table.row([it.id.to_string(), it.title.clone(), it.group.clone(), request]);
    }
    table.print(out);
    out.say(paint(DIM, format_args!("{}; `flowyard catalog show OPERATION` shows one.", words::count(shown, "operation"))));
}
