//! `flowyard flows`: the flows that are published.
use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde_json::json;

use crate::accounts;
use crate::catalog::{Event, OperationId};
use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, WAITING, paint};
use crate::cli::table::Table;
use crate::cli::{flows, words};
use crate::engine::log::last_looks;
use crate::engine::{self, Look};
use crate::flow::{Flow, FlowId, NodeKind, Trigger};
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
    let mut looks = BTreeMap::new();
    for environment in standings.keys() {
        looks.insert(environment.clone(), last_looks(&accounts::log_of(&data, environment))?);
    }
    let looked = |id: &FlowId, entry: &Entry| {
        let events = published.live(&data, id).ok().flatten().map(|it| events_of(&it)).unwrap_or_default();
        looks.get(&entry.environment).into_iter().flatten().filter(|it| events.contains(&it.event)).collect::<Vec<&Look>>()
    };
    let standing = |id: &FlowId, entry: &Entry| standings.get(&entry.environment).and_then(|it| it.of(id)).unwrap_or_default();
    if args.json {
        for (id, entry) in published.iter() {
            let runs = standing(id, entry);
            let changes = changes(&published, entry, &data);
            out.json(&json!({ "flow": id, "changes": changes, "live": entry, "runs": runs, "looks": looked(id, entry) }));
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
    let mut all: Vec<&Look> = published.iter().filter(|(_, it)| it.on).flat_map(|(id, it)| looked(id, it)).collect();
    all.sort_by(|a, b| (&a.connection, &a.event).cmp(&(&b.connection, &b.event)));
    all.dedup();
    for look in all {
        let line = look_words(look);
        out.say(if look.failure.is_some() { paint(WAITING, line) } else { paint(DIM, line) });
    }
    Ok(Exit::Done)
}

/// What of the flow's file is not live yet, in words; none where the file is gone or cannot be read.
fn changes(published: &Published, entry: &Entry, data: &std::path::Path) -> Option<Vec<String>> {
    let draft = flows::read(entry.file.as_deref()?).ok()?.flow;
    let live = published.live(data, &draft.id).ok().flatten()?;
    Some(published::changes(&live, &draft).iter().map(ToString::to_string).collect())
}

/// The events that a flow's triggers find by looks at a service.
fn events_of(flow: &Flow) -> BTreeSet<OperationId> {
    let triggers = flow.nodes.values().filter(|it| !it.muted).filter_map(|it| match &it.kind {
        NodeKind::Trigger(Trigger::Event { event, .. }) => Some(event),
        _ => None,
    });
    let found = triggers.flat_map(|it| [Some(it.clone()), Event::find(it).and_then(|it| it.reconciled_by.clone())]);
    found.flatten().collect()
}

/// `"Contact created" on crm: looked at 10:15:03, 2 events; next 10:16:03`.
fn look_words(look: &Look) -> String {
    let event = Event::find(&look.event).map_or_else(|| look.event.to_string(), |it| it.title.clone());
    let came = match &look.failure {
        Some(failure) => format!("it failed: {failure}"),
        None => words::count(look.found, "event"),
    };
    let (at, next) = (words::local(look.at), words::local(look.next));
    Plain(&format!("\"{event}\" on {}: looked at {at}, {came}; next {next}", look.connection)).to_string()
}
