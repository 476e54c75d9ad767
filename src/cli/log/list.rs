//! `flowyard log list`.
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::{Wanted, Which};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Printer, paint};
use crate::cli::table::Table;
use crate::cli::{story, words};
use crate::engine::log::{RunHead, RunState};
use crate::run::{Cause, Outcome};

/// List runs, newest first.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    wanted: Wanted,

    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    #[command(flatten)]
    which: Which,

    /// Print one JSON object a line for each run
    #[arg(long)]
    json: bool,
}

/// A run as it is listed for programs.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    head: &'a RunHead,
    /// The way that its event came, and what that goes back to.
    started_by: Option<Arc<Cause>>,
}

pub(super) fn run(args: &List, out: &mut Printer) -> Result<Exit, Error> {
    let reader = args.which.open()?;
    let heads = reader.runs(&args.wanted.filter(args.limit as usize)?)?;
    if args.json {
        for head in &heads {
            if out.is_closed() {
                break;
            }
            out.json(&Listed { head, started_by: reader.cause(head.id)? });
        }
        return Ok(Exit::Done);
    }
    if heads.is_empty() {
        out.say("No such runs.");
        return Ok(Exit::Done);
    }
    let mut table = Table::new([">RUN", "FLOW", "BEGAN", "OUTCOME", ">STEPS", ">TOOK", "FAILURE"]);
    for it in &heads {
        let took = it.finished.map(|end| words::duration(words::between(it.accepted, end))).unwrap_or_default();
        let failure = match &it.outcome {
            Some(Outcome::Failed(failure)) => failure.title.clone(),
            _ => String::new(),
        };
        let steps = if it.finished.is_some() { it.steps.to_string() } else { String::new() };
        table.row([
            it.id.to_string(),
            it.flow_name.clone(),
            words::local(it.accepted),
            outcome(it).to_owned(),
            steps,
            took,
            failure,
        ]);
    }
    table.print(out);
    if heads.len() == args.limit as usize {
        out.say(paint(DIM, format_args!("The newest {} are shown; --limit shows more.", heads.len())));
    }
    Ok(Exit::Done)
}

/// How a run ended, or how it stands, in one word.
pub(super) fn outcome(head: &RunHead) -> &'static str {
    match (&head.outcome, head.state()) {
        (Some(outcome), _) => story::outcome_name(outcome),
        (None, RunState::Parked) => "waiting",
        (None, _) => "under way",
    }
}
