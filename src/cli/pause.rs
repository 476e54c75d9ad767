//! `flowyard pause` and `flowyard resume`: what triggers start of a flow is held back, and let go again.
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::data::OutsideArgs;
use super::exit::{Error, Exit};
use super::print::{DIM, GOOD, Plain, Printer, WAITING, paint};
use super::signal::Signals;
use super::{flows, runtime, words};
use crate::engine::log::{Journal, JournalError};
use crate::engine::{self, Effective, Standing, Standings};
use crate::flow::FlowId;
use crate::published::Published;
use crate::record::{Failure, FailureKind};

/// How often it is asked whether a flow is drained.
const EVERY: Duration = Duration::from_millis(300);

/// Hold back what triggers start of a flow: what comes is kept, and begins once the flow is resumed. What is under way goes on, and
/// what a person starts by hand goes at once. Stays so over restarts, until `flowyard resume`.
#[derive(Debug, Args)]
pub(super) struct Pause {
    /// The flow's id, or its file
    flow: String,

    /// Wait until nothing of it is under way any more; Ctrl-C leaves it paused. Runs that wait for a time or for a person are not
    /// waited for
    #[arg(long)]
    drain: bool,

    #[command(flatten)]
    outside: OutsideArgs,
}

/// Let a flow begin again what was held back while it was paused, the oldest first.
#[derive(Debug, Args)]
pub(super) struct Resume {
    /// The flow's id, or its file
    flow: String,

    #[command(flatten)]
    outside: OutsideArgs,
}

pub(super) fn pause(args: &Pause, out: &mut Printer) -> Result<Exit, Error> {
    runtime::prepare_to_write();
    let data = args.outside.dir()?;
    let flow = named(&args.flow, &args.outside, &data)?;
    let effective = engine::pause(&data, &flow, true)?;
    if !args.outside.json {
        out.say(paint(GOOD, format_args!("\"{}\" is paused.", Plain(flow.as_str()))));
        if effective == Effective::WithNextStart {
            out.say(paint(DIM, "Nothing is running it now; the next `flowyard serve` on this data directory holds it back."));
        }
    }
    let end = if args.drain { runtime::block_on(drained(&data, &flow, out))? } else { Ended::At(standing(&data, &flow)?.1) };
    let (exit, standing) = match end {
        Ended::At(standing) => (Exit::Done, standing),
        Ended::Left(standing) => (Exit::Cancelled, standing),
    };
    if args.outside.json {
        let drained = args.drain && exit == Exit::Done;
        out.json(&json!({
            "flow": flow, "paused": true, "drained": drained, "waiting": standing.waiting, "under_way": standing.under_way,
            "resting": standing.resting,
        }));
        return Ok(exit);
    }
    if exit == Exit::Cancelled {
        out.say(paint(WAITING, "It stays paused; what is under way goes on."));
    } else if args.drain {
        out.say(paint(GOOD, "Nothing of it is under way."));
    } else if standing.under_way > 0 {
        let runs = words::count(standing.under_way as usize, "run");
        out.say(paint(DIM, format_args!("{runs} under way; `flowyard pause --drain` waits until none is.")));
    }
    held_back(standing, out);
    Ok(exit)
}

pub(super) fn resume(args: &Resume, out: &mut Printer) -> Result<Exit, Error> {
    runtime::prepare_to_write();
    let data = args.outside.dir()?;
    let flow = named(&args.flow, &args.outside, &data)?;
    let was = standing(&data, &flow)?.1;
    let effective = engine::pause(&data, &flow, false)?;
    if args.outside.json {
        out.json(&json!({ "flow": flow, "paused": false, "was_paused": was.paused, "waited": was.waiting }));
        return Ok(Exit::Done);
    }
    let words = if was.paused { "is no longer paused" } else { "was not paused" };
    out.say(paint(GOOD, format_args!("\"{}\" {words}.", Plain(flow.as_str()))));
    if was.waiting > 0 {
        let runs = words::count(was.waiting as usize, "run");
        let when = match effective {
            Effective::Now => "now, the oldest first",
            Effective::WithNextStart => "with the next `flowyard serve` on this data directory",
        };
        out.say(paint(DIM, format_args!("{runs} that waited may begin {when}.")));
    }
    Ok(Exit::Done)
}

enum Ended {
    At(Standing),
    /// A person did not wait for it.
    Left(Standing),
}

async fn drained(data: &Path, flow: &FlowId, out: &mut Printer) -> Result<Ended, Error> {
    let mut signals = Signals::listen()?;
    loop {
        let (dir, of) = (data.to_owned(), flow.clone());
        let asked = tokio::task::spawn_blocking(move || standing(&dir, &of)).await;
        let lost = |error: tokio::task::JoinError| Error::machine("It cannot be asked how far the flow is", &error, "Try again.");
        let (at_work, standing) = asked.map_err(lost)??;
        if !at_work || standing.under_way == 0 {
            out.end_status();
            return Ok(Ended::At(standing));
        }
        out.status(format!("  {} under way, {} held back", words::count(standing.under_way as usize, "run"), standing.waiting));
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = signals.next() => {
                out.end_status();
                return Ok(Ended::Left(standing));
            }
        }
    }
}

/// Where its runs stand, and whether an engine is at work.
fn standing(data: &Path, flow: &FlowId) -> Result<(bool, Standing), Failure> {
    let all: Standings = engine::standings(data)?;
    Ok((all.at_work, all.of(flow).unwrap_or_default()))
}

fn held_back(standing: Standing, out: &mut Printer) {
    if standing.waiting > 0 {
        let runs = words::count(standing.waiting as usize, "run");
        out.say(paint(DIM, format_args!("{runs} held back; `flowyard resume` lets them begin.")));
    }
    if standing.resting > 0 {
        let runs = words::count(standing.resting as usize, "run");
        out.say(paint(DIM, format_args!("{runs} in the middle, waiting for a time or for a person.")));
    }
}

/// The flow that a person means: its file, or an id of which something is known.
fn named(text: &str, outside: &OutsideArgs, data: &Path) -> Result<FlowId, Error> {
    if Path::new(text).is_file() {
        return Ok(flows::read(Path::new(text))?.flow.id.clone());
    }
    let id = FlowId::new(text);
    let of_journal = match Journal::open_reader(data) {
        Ok(reader) => reader.flows()?,
        Err(JournalError::Missing { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let known = of_journal.iter().any(|(it, _)| it.is_of(&id))
        || Published::read(&outside.published()?)?.get(&id).is_some()
        || engine::standings(data)?.of(&id).is_some();
    if known {
        return Ok(id);
    }
    let failure = Failure::new(FailureKind::NotFound, format!("There is no flow \"{text}\" here"));
    Err(Error::new(Exit::Failed, failure.hint("Name its file, or its id as `flowyard flows` shows it.")))
}
