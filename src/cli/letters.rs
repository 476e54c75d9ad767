//! `flowyard letters`: runs that failed and that nobody has dealt with: looked at, resent, put aside.
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::data::OutsideArgs;
use super::exit::{Error, Exit};
use super::print::{DIM, GOOD, Plain, Printer, STRONG, WAITING, paint};
use super::table::Table;
use super::{flows, read, runtime, story, words};
use crate::engine::Effective;
use crate::engine::letters::{self, Groups, Problem, Resend as How};
use crate::engine::log::{Filter, Journal, JournalError, Reader, RunHead};
use crate::flow::{Flow, FlowId, NodeId};
use crate::published::Published;
use crate::record::{Failure, FailureKind};
use crate::run::{Entry, Outcome, RetryFrom, RunId};

/// Runs that failed and that nobody has dealt with, grouped by their cause
#[derive(Debug, Args)]
pub(super) struct Letters {
    #[command(subcommand)]
    verb: Option<Verb>,

    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(List),
    Show(Show),
    Resend(Resend),
    Discard(Discard),
}

/// List them, those of one cause together, the most frequent first
#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    outside: OutsideArgs,
}

/// Which of them.
#[derive(Debug, Default, Args)]
struct Which {
    /// Only those of this flow: its id, or its file
    #[arg(long, value_name = "FLOW")]
    flow: Option<String>,

    /// Only those whose failure has these words in it; upper and lower case are the same
    #[arg(long, value_name = "WORDS")]
    cause: Option<String>,
}

/// Show one: why it failed, and what it began with, as JSON that can be changed and resent
#[derive(Debug, Args)]
struct Show {
    /// The run's number
    #[arg(value_name = "RUN")]
    run: u64,

    #[command(flatten)]
    outside: OutsideArgs,
}

/// Resend them: each becomes a new run in its place, at once where a `serve` or the window is at work on this data directory, and
/// otherwise with the next one. Steps that were done are not done again, unless with --from-start. The flow is the one that is live
/// now, where it is
#[derive(Debug, Args)]
struct Resend {
    #[command(flatten)]
    chosen: Chosen,

    /// Do all steps again, also those that were done
    #[arg(long, conflicts_with = "from_failed")]
    from_start: bool,

    /// Begin with the step that failed, and take what came before as done; without either that is done where a step failed
    #[arg(long)]
    from_failed: bool,

    /// What the trigger gives instead of what it gave then: JSON from a file, or from standard input with "-"; for one letter
    #[arg(long, value_name = "FILE")]
    edit: Option<PathBuf>,

    /// As the flow was then, and not as it is now
    #[arg(long)]
    as_then: bool,

    /// Also those that were resent or put aside before
    #[arg(long)]
    again: bool,

    /// Also a run that did not fail: what it did is done once more; for runs that are named by their number
    #[arg(long, conflicts_with_all = ["all", "cause", "flow"])]
    even_done: bool,

    #[command(flatten)]
    outside: OutsideArgs,
}

/// Put them aside: they stay in the log, and are no longer listed here
#[derive(Debug, Args)]
struct Discard {
    #[command(flatten)]
    chosen: Chosen,

    /// Take that back
    #[arg(long, conflicts_with_all = ["all", "cause", "flow"])]
    undo: bool,

    #[command(flatten)]
    outside: OutsideArgs,
}

/// One, several, or all.
#[derive(Debug, Args)]
struct Chosen {
    /// The runs' numbers
    #[arg(value_name = "RUN", required_unless_present_any = ["all", "cause"], conflicts_with_all = ["all", "cause", "flow"])]
    runs: Vec<u64>,

    /// All of them, of --flow where that is named
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    which: Which,
}

pub(super) fn run(args: &Letters, out: &mut Printer) -> Result<Exit, Error> {
    match &args.verb {
        None => list(&args.list, out),
        Some(Verb::List(it)) => list(it, out),
        Some(Verb::Show(it)) => show(it, out),
        Some(Verb::Resend(it)) => resend(it, out),
        Some(Verb::Discard(it)) => discard(it, out),
    }
}

fn list(args: &List, out: &mut Printer) -> Result<Exit, Error> {
    let data = args.outside.dir()?;
    let mut all: Vec<(RunHead, Option<NodeId>)> = Vec::new();
    find(&data, &args.which, &mut |head, step| all.push((head, step)))?;
    if args.outside.json {
        for (head, step) in &all {
            if out.is_closed() {
                break;
            }
            out.json(&json!({ "run": head, "step": step }));
        }
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        out.say(paint(GOOD, "There are no dead letters."));
        return Ok(Exit::Done);
    }
    let count = words::count(all.len(), "dead letter");
    let mut groups = Groups::default();
    for (head, step) in all {
        groups.add(head, step);
    }
    for problem in groups.list() {
        group(&problem, out);
    }
    out.say(paint(
        DIM,
        format_args!("{count}. `flowyard letters resend RUN…` or `--cause WORDS` resends them, `discard` puts them aside."),
    ));
    Ok(Exit::Done)
}

/// The words of a failure, and the runs that ended so.
fn group(problem: &Problem, out: &mut Printer) {
    let Problem { cause, runs, newest, example } = problem;
    let step = cause.step.as_ref().map(|it| format!(", {it}")).unwrap_or_default();
    let count = words::count(runs.len(), "run");
    out.line(format_args!("{STRONG}{}{STRONG:#}", Plain(&cause.title)));
    let place = format!("{}{step}: {count}, last {}", newest.flow_name, words::local(newest.accepted));
    out.line(format_args!("  {}", Plain(&place)));
    if !example.hint.is_empty() {
        out.line(format_args!("  {}", paint(DIM, Plain(&example.hint))));
    }
    let numbers: Vec<String> = runs.iter().take(20).map(ToString::to_string).collect();
    let more = if runs.len() > 20 { format!(" and {} more", runs.len() - 20) } else { String::new() };
    out.line(format_args!("  {}", paint(DIM, format_args!("{}{more}", numbers.join(" ")))));
}

fn show(args: &Show, out: &mut Printer) -> Result<Exit, Error> {
    let data = args.outside.dir()?;
    let id = RunId(args.run);
    let missing = || Error::not_found(format!("There is no run {id}"), "`flowyard letters` shows those that failed.");
    let reader = open(&data)?.ok_or_else(missing)?;
    let head = reader.run(id)?.ok_or_else(missing)?;
    let settled = letters::settled(&reader)?;
    let is_dead = letters::is_dead(&head, &settled);
    let event = reader.entries(id)?.into_iter().find_map(|it| match it {
        Entry::Accepted { payload, cause, .. } => Some((payload, cause)),
        _ => None,
    });
    let (payload, cause) = event.ok_or_else(missing)?;
    if args.outside.json {
        out.json(&json!({ "run": head, "dead": is_dead, "started_by": cause, "event": payload }));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["RUN", "FLOW", "BEGAN", "STARTED BY"]);
    table.row([id.to_string(), head.flow_name.clone(), words::local(head.accepted), cause.to_string()]);
    table.print(out);
    if let Some(Outcome::Failed(failure)) = &head.outcome {
        for line in story::failure_lines(failure) {
            out.line(line);
        }
    }
    if !is_dead {
        out.say(paint(WAITING, "It is no dead letter: it did not fail, or was resent or put aside, or another flow called it."));
    }
    out.say(paint(DIM, "What it began with:"));
    for line in serde_json::to_string_pretty(&payload).unwrap_or_default().lines() {
        out.line(Plain(line));
    }
    Ok(Exit::Done)
}

fn resend(args: &Resend, out: &mut Printer) -> Result<Exit, Error> {
    runtime::prepare_to_write();
    let data = args.outside.dir()?;
    let runs = chosen(&data, &args.chosen)?;
    if args.edit.is_some() && runs.len() != 1 {
        return Err(Error::usage("Only one letter can be changed at a time", "Name its run."));
    }
    let event = args.edit.as_ref().map(|path| read::json(path)).transpose()?;
    let from = match (args.from_start, args.from_failed) {
        (true, _) => Some(RetryFrom::Start),
        (false, true) => Some(RetryFrom::Failed),
        (false, false) => None,
    };
    let how = How { from, as_then: args.as_then, event, again: args.again, even_done: args.even_done };
    let catalog = args.outside.catalog(out)?;
    let home = args.outside.published()?;
    let live = |flow: &FlowId| -> Option<Arc<Flow>> { Published::read(&home).ok()?.live(&home, flow).ok().flatten() };
    let (mut resent, mut refused, mut later) = (0, 0, false);
    // The oldest first, as they came.
    for run in runs {
        match letters::resend(&data, &catalog, run, &how, &live) {
            Ok((new, effective)) => {
                resent += 1;
                later |= effective == Effective::WithNextStart;
                if args.outside.json {
                    out.json(&json!({ "run": run, "resent": true, "as": new, "at_once": effective == Effective::Now }));
                } else {
                    out.line(format_args!("Resent run {run} as run {new}"));
                }
            }
            Err(failure) if is_of_letter(&failure) => {
                refused += 1;
                if args.outside.json {
                    out.json(&json!({ "run": run, "resent": false, "failure": failure }));
                } else {
                    out.failure("error", &failure);
                }
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    if later {
        out.say(paint(
            DIM,
            "Nothing is at work here: they begin with the next `flowyard serve` on this data directory, or the window.",
        ));
    }
    if resent == 0 && refused == 0 {
        out.say("There are no such letters.");
    }
    Ok(if refused > 0 { Exit::Failed } else { Exit::Done })
}

/// Others may be resent all the same.
fn is_of_letter(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::NotFound | FailureKind::Flow | FailureKind::Limit)
}

fn discard(args: &Discard, out: &mut Printer) -> Result<Exit, Error> {
    runtime::prepare_to_write();
    let data = args.outside.dir()?;
    let runs = chosen(&data, &args.chosen)?;
    let done = if runs.is_empty() { Vec::new() } else { letters::put_aside(&data, &runs, !args.undo)? };
    let left: Vec<RunId> = runs.into_iter().filter(|it| !done.contains(it)).collect();
    if args.outside.json {
        out.json(&json!({ "put_aside": !args.undo, "runs": done, "left": left }));
    } else {
        let what = if args.undo { "listed again" } else { "put aside" };
        out.say(paint(GOOD, format_args!("{} {what}.", words::count(done.len(), "letter"))));
        for run in &left {
            let why = if args.undo { "was not put aside" } else { "is no dead letter" };
            out.say(paint(WAITING, format_args!("Run {run} {why}.")));
        }
    }
    Ok(if left.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Those that a person means, oldest first.
fn chosen(data: &Path, chosen: &Chosen) -> Result<Vec<RunId>, Error> {
    let mut runs: Vec<RunId> = chosen.runs.iter().map(|it| RunId(*it)).collect();
    if runs.is_empty() {
        find(data, &chosen.which, &mut |head, _| runs.push(head.id))?;
    }
    runs.sort_unstable();
    runs.dedup();
    Ok(runs)
}

fn find(data: &Path, which: &Which, found: &mut dyn FnMut(RunHead, Option<NodeId>)) -> Result<(), Error> {
    let Some(reader) = open(data)? else { return Ok(()) };
    let flow = match &which.flow {
        Some(path) if Path::new(path).is_file() => Some(flows::read(Path::new(path))?.flow.id.clone()),
        Some(id) => Some(FlowId::new(id.as_str())),
        None => None,
    };
    let wanted = which.cause.as_ref().map(|it| it.to_lowercase());
    let filter = Filter { flow, ..Filter::default() };
    letters::each(&reader, &filter, &mut |head, step| {
        let title = match &head.outcome {
            Some(Outcome::Failed(failure)) => failure.title.to_lowercase(),
            _ => String::new(),
        };
        if wanted.as_ref().is_none_or(|it| title.contains(it)) {
            found(head, step);
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}

/// None where nothing was ever run there.
fn open(data: &Path) -> Result<Option<Reader>, Error> {
    match Journal::open_reader(data) {
        Ok(reader) => Ok(Some(reader)),
        Err(JournalError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_one_letter_keeps_no_other_back_and_a_full_disk_does() {
        let of = |kind| is_of_letter(&Failure::new(kind, "x"));
        assert!(of(FailureKind::NotFound) && of(FailureKind::Flow) && !of(FailureKind::Machine));
    }
}
