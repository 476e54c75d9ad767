//! `flowyard connect resume`: a person has looked, and requests may go again.
use clap::Args;
use serde_json::json;

use crate::cli::data::OutsideArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::Printer;
use crate::cli::{runtime, words};
use crate::engine::{self, ConnectionId, Effective};

/// Let requests go again on a connection that was stopped because its service refused too often, or that was signed in
/// again. Steps that wait for it go on at once where a `serve` is at work on this data directory, and otherwise with the next one.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The connection's id
    #[arg(value_name = "CONNECTION")]
    connection: String,

    #[command(flatten)]
    outside: OutsideArgs,
}

pub(super) fn run(args: &Resume, out: &mut Printer) -> Result<Exit, Error> {
    runtime::prepare_to_write();
    let data = args.outside.dir()?;
    let catalog = args.outside.catalog(out)?;
    let (resumed, effective) = engine::resume(&data, &catalog, &ConnectionId::new(&args.connection))?;
    if args.outside.json {
        let steps: Vec<_> = resumed.released.iter().map(|(run, step)| json!({ "run": run, "step": step.to_string() })).collect();
        out.json(&json!({ "connection": args.connection, "was_stopped": resumed.was_stopped, "released": steps }));
    }
    if !resumed.was_stopped && resumed.released.is_empty() {
        return Err(Error::not_found(
            format!("Nothing was stopped on the connection \"{}\", and no step waits for it", args.connection),
            "`flowyard log list --waiting` shows the runs that wait, and for what.",
        ));
    }
    if !args.outside.json {
        for (run, step) in &resumed.released {
            out.line(format_args!("Released {step} of run {run}"));
        }
        let steps = words::count(resumed.released.len(), "step");
        let when = match effective {
            Effective::Now => "",
            Effective::WithNextStart => " with the next `flowyard serve` on this data directory",
        };
        out.say(format_args!("Requests on \"{}\" go again; {steps} that waited for it go on{when}.", args.connection));
    }
    Ok(Exit::Done)
}
