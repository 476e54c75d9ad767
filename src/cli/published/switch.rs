//! `flowyard on` and `flowyard off`.
use clap::Args;
use serde_json::json;

use super::{named, tell};
use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{GOOD, Plain, Printer, paint};
use crate::cli::runtime;
use crate::published::{self, Published};

/// Switch a published flow on: its triggers start runs
#[derive(Debug, Args)]
pub(in crate::cli) struct On {
    #[command(flatten)]
    which: Which,
}

/// Switch a published flow off: nothing starts it, and what it began goes on
#[derive(Debug, Args)]
pub(in crate::cli) struct Off {
    #[command(flatten)]
    which: Which,

    /// It is no longer published either
    #[arg(long)]
    withdraw: bool,
}

#[derive(Debug, Args)]
struct Which {
    /// The flow's id, or its file
    flow: String,

    #[command(flatten)]
    data: DataArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn on(args: &On, out: &mut Printer) -> Result<Exit, Error> {
    switch(&args.which, true, false, out)
}

pub(in crate::cli) fn off(args: &Off, out: &mut Printer) -> Result<Exit, Error> {
    switch(&args.which, false, args.withdraw, out)
}

fn switch(which: &Which, on: bool, withdraw: bool, out: &mut Printer) -> Result<Exit, Error> {
    runtime::prepare_to_write();
    let data = which.data.resolve(false)?;
    let published = Published::read(&data)?;
    let id = named(&which.flow, &published)?;
    let entry = published.get(&id).cloned();
    let (name, environment) = entry.map(|it| (it.name, it.environment)).unwrap_or_default();
    if withdraw {
        published::withdraw(&data, &id)?;
    } else {
        published::switch(&data, &id, on)?;
    }
    if which.json {
        out.json(&json!({ "flow": id, "on": on, "published": !withdraw }));
    } else {
        let words = if withdraw {
            "is no longer published"
        } else if on {
            "is on"
        } else {
            "is off"
        };
        out.say(paint(GOOD, format_args!("\"{}\" {words}.", Plain(&name))));
    }
    tell(&data, &environment, which.json, out);
    Ok(Exit::Done)
}
