//! `flowyard check`: what is wrong with flows, without running them.
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::data::DataArgs;
use super::exit::{Error, Exit};
use super::flows::{self, Found};
use super::print::{BAD, GOOD, Printer, WAITING, paint};
use super::words;

/// Look for problems in flows, without running them.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The flows' files
    #[arg(required = true)]
    flows: Vec<PathBuf>,

    /// Print one JSON object a line for each problem, and a summary at the end
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &Check, out: &mut Printer) -> Result<Exit, Error> {
    let catalog = args.data.catalog(out)?;
    let (mut errors, mut warnings) = (0, 0);
    for path in &args.flows {
        let problems = match flows::open(path) {
            Ok(source) => flows::check(&source, &catalog, None),
            Err(error) => vec![Found::unreadable(path, error)?],
        };
        for problem in &problems {
            *(if problem.is_error() { &mut errors } else { &mut warnings }) += 1;
            if args.json {
                out.json(problem);
            } else {
                for line in problem.lines() {
                    out.line(line);
                }
            }
        }
    }
    let exit = if errors > 0 { Exit::File } else { Exit::Done };
    if args.json {
        let summary = json!({ "event": "summary", "flows": args.flows.len(), "errors": errors, "warnings": warnings, "exit_code": exit as u8 });
        out.json(&summary);
    } else {
        let checked = format!("{} checked: ", words::count(args.flows.len(), "flow"));
        let verdict = match (errors, warnings) {
            (0, 0) => paint(GOOD, "no problems"),
            (0, _) => paint(WAITING, words::count(warnings, "warning")),
            (_, 0) => paint(BAD, words::count(errors, "error")),
            _ => paint(BAD, format!("{}, {}", words::count(errors, "error"), words::count(warnings, "warning"))),
        };
        out.say(format_args!("{checked}{verdict}"));
    }
    Ok(exit)
}
