//! `flowyard cancel`: a run is to end.
use clap::Args;
use serde_json::json;

use super::data::OutsideArgs;
use super::exit::{Error, Exit};
use super::print::Printer;
use super::runtime;
use crate::engine;
use crate::record::FailureKind;
use crate::run::RunId;

/// End a run that is under way or waits. What it has done stays done; calls under way are not waited for.
#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The run's number
    #[arg(value_name = "RUN")]
    run: u64,

    #[command(flatten)]
    outside: OutsideArgs,
}

pub(super) fn run(args: &Cancel, out: &mut Printer) -> Result<Exit, Error> {
    runtime::prepare_to_write();
    let data = args.outside.dir()?;
    let catalog = args.outside.catalog(out)?;
    engine::cancel(&data, &catalog, RunId(args.run)).map_err(|failure| match failure.kind {
        FailureKind::NotFound => Error::new(Exit::Failed, failure),
        _ => Error::from(failure),
    })?;
    if args.outside.json {
        out.json(&json!({ "run": args.run, "cancelled": true }));
    } else {
        out.line(format_args!("Cancelled run {}", args.run));
    }
    Ok(Exit::Done)
}
