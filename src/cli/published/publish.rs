//! `flowyard publish`: a flow goes live, with what speaks for it.
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::{Live, tell, warn};
use crate::cli::connections::{self, VaultArgs};
use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::flows;
use crate::cli::print::{BAD, DIM, GOOD, Plain, Printer, STRONG, WAITING, paint};
use crate::cli::{bind, plan, runtime, words};
use crate::engine::log::{Filter, Journal, OutcomeKind};
use crate::engine::{self, Connection};
use crate::flow::Flow;
use crate::published::{self, Published};
use crate::record::{Failure, FailureKind};

/// Make a flow live as it is now, and switch it on; editing its file changes nothing live until it is published again
#[derive(Debug, Args)]
pub(in crate::cli) struct Publish {
    /// The flow's file
    flow: PathBuf,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    vault: VaultArgs,

    /// Which of your environments it runs in
    #[arg(long, value_name = "NAME", default_value = Connection::LIVE, value_parser = bind::environment)]
    environment: String,

    /// Also where no run of it as it is now has succeeded in the sandbox
    #[arg(long)]
    untested: bool,

    /// Only say what would change and what speaks for it
    #[arg(long)]
    check: bool,

    /// First show what it would write, begun with the newest record of its trigger: only what reads is sent. Where it would not come
    /// to its end it is not published
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(args: &Publish, out: &mut Printer) -> Result<Exit, Error> {
    runtime::prepare_to_write();
    let catalog = args.data.catalog(out)?;
    let source = flows::read(&args.flow)?;
    flows::demand_sound(&[&source], &catalog, out)?;
    let flow = &source.flow;
    let data = args.data.resolve(false)?;
    let published = Published::read(&data)?;
    let live = published.live(&data, &flow.id).unwrap_or_default();
    let changes = live.as_ref().map(|it| published::changes(it, flow));
    let desk = connections::desk(&data, None, &args.vault, &catalog);
    let slots = bind::stands(flow, &args.environment, &desk, &catalog);
    let tested = tested(args, flow)?;
    let made = match (args.dry_run, &slots) {
        (true, Ok(_)) => Some(runtime::block_on(plan::of_draft(&desk, &args.environment, &catalog, flow, None, None))?),
        _ => None,
    };
    let is_stopped = made.as_ref().is_some_and(|it| it.stopped.is_some());
    if args.json {
        let told = changes.as_ref().map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
        out.json(&json!({
            "flow": flow.id, "name": flow.name, "environment": args.environment, "revision": flow.content_hash(),
            "changes": told, "bound": slots.is_ok(), "tested": tested.is_some(), "published": !args.check && !is_stopped,
            "plan": made,
        }));
    } else {
        show(flow, changes.as_deref(), &slots, tested, out);
    }
    if let Some(made) = &made {
        if !args.json {
            plan::show(made, flow, false, out);
        }
        if made.stopped.is_some() {
            return Ok(Exit::Failed);
        }
    }
    if args.check {
        return Ok(Exit::Done);
    }
    slots?;
    if tested.is_none() && !args.untested {
        let failure = Failure::new(FailureKind::Flow, format!("\"{}\" has not run in the sandbox as it is now", flow.name));
        let hint =
            format!("Try it first: `flowyard run {} --sandbox`. `--untested` publishes it all the same.", args.flow.display());
        return Err(Error::new(Exit::File, failure.hint(hint)));
    }
    let file = std::path::absolute(&args.flow).ok();
    published::publish(&data, flow, &args.environment, file, Timestamp::now())?;
    if !args.json {
        out.say(paint(GOOD, format_args!("\"{}\" is live and on.", Plain(&flow.name))));
    }
    tell(&data, &args.environment, args.json, out);
    warn(&Live::read(&data, &args.environment, &desk, &catalog)?.failures, out);
    Ok(Exit::Done)
}

/// When the flow as it is now last succeeded in the sandbox.
fn tested(args: &Publish, flow: &Flow) -> Result<Option<Timestamp>, Error> {
    let sandbox = args.data.resolve(true)?;
    if !engine::has_log(&sandbox) {
        return Ok(None);
    }
    let reader = Journal::open_reader(&sandbox).map_err(Failure::from)?;
    let filter = Filter { flow: Some(flow.id.clone()), outcome: Some(OutcomeKind::Succeeded), limit: 1_000, ..Filter::default() };
    let revision = flow.content_hash();
    let runs = reader.runs(&filter).map_err(Failure::from)?;
    Ok(runs.into_iter().find(|it| *it.revision.0 == *revision && it.mode == engine::Mode::Sandbox).and_then(|it| it.finished))
}

/// What would change, and what speaks for it.
fn show(
    flow: &Flow,
    changes: Option<&[published::Change]>,
    slots: &Result<Vec<String>, Error>,
    tested: Option<Timestamp>,
    out: &mut Printer,
) {
    match changes {
        None => out.say(paint(STRONG, format_args!("\"{}\" was not live before.", Plain(&flow.name)))),
        Some([]) => out.say(paint(STRONG, format_args!("\"{}\" is live as it is.", Plain(&flow.name)))),
        Some(changes) => {
            let count = words::count(changes.len(), "change");
            out.say(paint(STRONG, format_args!("{count} to what is live of \"{}\":", Plain(&flow.name))));
            for it in changes {
                out.say(paint(DIM, format_args!("  {}", Plain(&it.to_string()))));
            }
        }
    }
    match slots {
        Ok(bound) if bound.is_empty() => out.say(paint(GOOD, "✓ It needs no connection.")),
        Ok(bound) => out.say(paint(GOOD, format_args!("✓ Its connections are there: {}.", Plain(&bound.join(", "))))),
        Err(_) => out.say(paint(BAD, "✗ A connection is missing.")),
    }
    match tested {
        Some(at) => out.say(paint(GOOD, format_args!("✓ As it is now it succeeded in the sandbox on {}.", words::local(at)))),
        None => out.say(paint(WAITING, "✗ As it is now it has not succeeded in the sandbox.")),
    }
}
