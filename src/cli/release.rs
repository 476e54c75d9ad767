//! `flowyard release`: a step that waits for a person may go on.
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::data::OutsideArgs;
use super::exit::{Error, Exit};
use super::print::Printer;
use super::runtime;
use crate::engine::{self, Effective};
use crate::record::FailureKind;
use crate::run::{Release as How, RunId};

/// Let a step that waits for a person go on, and say how. The run goes on at once where a `serve` is at work on this data
/// directory, and otherwise with the next one.
#[derive(Debug, Args)]
pub(super) struct Release {
    /// The run's number
    #[arg(value_name = "RUN")]
    run: u64,

    /// The step, for example `create_contact` or `create_contact[3]`; not needed where only one waits
    #[arg(value_name = "STEP")]
    step: Option<String>,

    #[command(flatten)]
    how: HowArgs,

    #[command(flatten)]
    outside: OutsideArgs,
}

/// How it goes on.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct HowArgs {
    /// Make the call (again)
    #[arg(long)]
    repeat: bool,

    /// It happened: this JSON is what it gave
    #[arg(long, value_name = "JSON", value_parser = parse)]
    done: Option<Value>,

    /// Treat it as failed
    #[arg(long)]
    fail: bool,

    /// Agree to what an approval asks
    #[arg(long)]
    approve: bool,

    /// Do not agree to it
    #[arg(long)]
    decline: bool,
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))
}

pub(super) fn run(args: &Release, out: &mut Printer) -> Result<Exit, Error> {
    let how = match &args.how {
        HowArgs { done: Some(output), .. } => How::Done(Arc::new(output.clone())),
        HowArgs { fail: true, .. } => How::Fail,
        HowArgs { approve: true, .. } => How::Approve,
        HowArgs { decline: true, .. } => How::Decline,
        HowArgs { .. } => How::Repeat,
    };
    let data = args.outside.dir()?;
    runtime::prepare_to_write();
    let catalog = args.outside.catalog(out)?;
    let released = engine::release(&data, &catalog, RunId(args.run), args.step.as_deref(), how);
    let (step, effective) = released.map_err(|failure| match failure.kind {
        FailureKind::NotFound => Error::new(Exit::Failed, failure),
        _ => Error::from(failure),
    })?;
    if args.outside.json {
        out.json(&json!({ "run": args.run, "step": step.to_string(), "released": true }));
    } else {
        out.line(format_args!("Released {step} of run {}", args.run));
        out.say(match effective {
            Effective::Now => "The run goes on.",
            Effective::WithNextStart => "The run goes on with the next `flowyard serve` on this data directory.",
        });
    }
    Ok(Exit::Done)
}
