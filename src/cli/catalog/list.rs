//! `flowyard catalog list` and `search`.
use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde_json::json;

use super::connector;
use crate::catalog::{Brief, Catalog, Connector, Event, EventSource, OperationId};
use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Printer, paint};
use crate::cli::table::Table;
use crate::cli::words;

/// List what can be called, and with --triggers what can start a flow.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only of this service
    #[arg(long, value_name = "NAME")]
    connector: Option<String>,

    /// Only how many there are, of actions and of triggers
    #[arg(long)]
    count: bool,

    /// The triggers and not the actions: what a service tells by itself, and what is found by asking it now and then
    #[arg(long, conflicts_with = "count")]
    triggers: bool,

    /// Print one JSON object a line for each operation; with --count one object in all
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    data: DataArgs,
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

    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &List, out: &mut Printer) -> Result<Exit, Error> {
    let catalog = args.data.catalog(out)?;
    let connectors: Vec<&Connector> = match &args.connector {
        Some(id) => vec![connector(&catalog, id)?],
        None => catalog.connectors().map(AsRef::as_ref).collect(),
    };
    if args.count {
        count(&connectors, args.json, out);
        return Ok(Exit::Done);
    }
    if args.triggers {
        triggers(&connectors, args.json, out);
        return Ok(Exit::Done);
    }
    let operations = connectors.iter().flat_map(|connector| connector.operations.briefs().map(move |it| (*connector, it)));
    print(operations, args.json, out);
    Ok(Exit::Done)
}

pub(super) fn search(args: &Search, out: &mut Printer) -> Result<Exit, Error> {
    let catalog = args.data.catalog(out)?;
    let found = find(&catalog, &args.words.join(" "), args.limit);
    if found.is_empty() {
        return Err(Error::not_found("No operation is found by these words", "Try fewer or other words."));
    }
    let operations = found.iter().filter_map(|id| catalog.brief(id)).map(|(connector, it)| (connector.as_ref(), it));
    print(operations, args.json, out);
    Ok(Exit::Done)
}

/// The operations that fit these words, the best first.
pub(super) fn find(catalog: &Catalog, words: &str, limit: usize) -> Vec<OperationId> {
    catalog.search(words).into_iter().take(limit).map(|it| it.operation).collect()
}

fn count(connectors: &[&Connector], as_json: bool, out: &mut Printer) {
    let counted: Vec<(&Connector, usize, usize)> =
        connectors.iter().map(|it| (*it, it.operations.len(), Event::of(&it.id).count())).collect();
    let actions: usize = counted.iter().map(|(_, it, _)| it).sum();
    let triggers: usize = counted.iter().map(|(_, _, it)| it).sum();
    if as_json {
        let one = |(it, actions, triggers): &(&Connector, usize, usize)| {
            (it.id.as_str().to_owned(), json!({ "actions": actions, "triggers": triggers }))
        };
        let each: BTreeMap<_, _> = counted.iter().map(one).collect();
        out.json(&json!({ "total": actions + triggers, "actions": actions, "triggers": triggers, "connectors": each }));
        return;
    }
    let mut table = Table::new(["SERVICE", ">ACTIONS", ">TRIGGERS", ">GROUPS"]);
    for (it, actions, triggers) in counted {
        let groups: BTreeSet<&str> = it.operations.briefs().map(|it| it.group.as_str()).collect();
        table.row([it.title.clone(), actions.to_string(), triggers.to_string(), groups.len().to_string()]);
    }
    table.print(out);
    let (actions, triggers) = (words::count(actions, "action"), words::count(triggers, "trigger"));
    out.line(format_args!("{actions} and {triggers} in all"));
}

fn triggers(connectors: &[&Connector], as_json: bool, out: &mut Printer) {
    let events = connectors.iter().flat_map(|connector| Event::of(&connector.id).map(move |it| (*connector, it)));
    let mut table = Table::new(["TRIGGER", "WHEN", "GROUP", "HOW"]);
    let mut shown = 0_usize;
    for (connector, it) in events {
        if as_json {
            if out.is_closed() {
                return;
            }
            out.json(&json!({
                "id": it.id, "title": it.title, "service": connector.title, "group": it.group, "help": it.help,
                "source": it.source,
            }));
            continue;
        }
        shown += 1;
        let how = match &it.source {
            EventSource::Webhook { name } => format!("told as {name}"),
            EventSource::Poll(poll) => format!("asked by {}", poll.operation),
        };
        table.row([it.id.to_string(), it.title.clone(), it.group.clone(), how]);
    }
    if !as_json {
        table.print(out);
        out.say(paint(DIM, words::count(shown, "trigger")));
    }
}

fn print<'a>(operations: impl Iterator<Item = (&'a Connector, &'a Brief)>, as_json: bool, out: &mut Printer) {
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
