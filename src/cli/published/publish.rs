//! `flowyard publish`: a flow goes live, with what speaks for it.
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::{Live, evidence, tell, warn};
use crate::cli::connections::{self, VaultArgs};
use crate::cli::data::DataArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::flows;
use crate::cli::print::{BAD, DIM, GOOD, Plain, Printer, STRONG, WAITING, paint};
use crate::cli::{bind, plan, runtime, words};
use crate::engine::Connection;
use crate::flow::Flow;
use crate::published::{self, Evidence, Scope};
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
    let desk = connections::desk(&data, None, &args.vault, &catalog);
    let evidence = evidence::gather(flow, &args.environment, &desk, &catalog, &sandboxes(&args.data)?)?;
    let made = if args.dry_run && evidence.can_run() {
        Some(runtime::block_on(plan::of_draft(&desk, &args.environment, &catalog, flow, None, None))?)
    } else {
        None
    };
    let is_stopped = made.as_ref().is_some_and(|it| it.stopped.is_some());
    if args.json {
        let told = evidence.changes.as_ref().map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
        let scopes =
            |all: &[Scope]| all.iter().map(|it| json!({ "connection": it.connection, "scope": it.scope })).collect::<Vec<_>>();
        out.json(&json!({
            "flow": flow.id, "name": flow.name, "environment": args.environment, "revision": evidence.revision,
            "changes": told, "bound": evidence.can_run(), "tested": evidence.tested.is_some(), "published": !args.check && !is_stopped,
            "lacking_scopes": scopes(&evidence.lacking), "more_scopes": scopes(&evidence.surplus),
            "to_be_reconnected": evidence.shut.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "plan": made,
        }));
    } else {
        show(flow, &evidence, out);
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
    if let Err(failure) = evidence.slots {
        return Err(Error::new(Exit::Connection, failure));
    }
    if evidence.tested.is_none() && !args.untested {
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

/// Where tests in the sandbox are logged: by the command line, and by the window.
pub(in crate::cli) fn sandboxes(data: &DataArgs) -> Result<Vec<PathBuf>, Error> {
    let home = data.resolve(false)?;
    let mut all = vec![data.resolve(true)?, home.join("sandbox")];
    all.dedup();
    Ok(all)
}

/// What would change, and what speaks for it.
fn show(flow: &Flow, evidence: &Evidence, out: &mut Printer) {
    match evidence.changes.as_deref() {
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
    match &evidence.slots {
        Ok(bound) if bound.is_empty() => out.say(paint(GOOD, "✓ It needs no connection.")),
        Ok(bound) => out.say(paint(GOOD, format_args!("✓ Its connections are there: {}.", Plain(&bound.join(", "))))),
        Err(_) => out.say(paint(BAD, "✗ A connection is missing.")),
    }
    for (name, why) in &evidence.shut {
        out.say(paint(BAD, format_args!("✗ \"{}\" cannot be used: {why}.", Plain(name))));
    }
    for it in &evidence.lacking {
        let words = format!("✗ The token of \"{}\" lacks {}: {}.", it.connection, it.scope, it.reason);
        out.say(paint(BAD, Plain(&words)));
    }
    if !evidence.surplus.is_empty() {
        let all: Vec<&str> = evidence.surplus.iter().map(|it| it.scope.as_str()).collect();
        let words = format!("• Its tokens may do more than any flow here needs: {}.", all.join(", "));
        out.say(paint(WAITING, Plain(&words)));
    } else if evidence.lacking.is_empty() && evidence.can_run() {
        out.say(paint(GOOD, "✓ Its tokens may do what it needs, as far as their services tell."));
    }
    match evidence.tested {
        Some(at) => out.say(paint(GOOD, format_args!("✓ As it is now it succeeded in the sandbox on {}.", words::local(at)))),
        None => out.say(paint(WAITING, "✗ As it is now it has not succeeded in the sandbox.")),
    }
}
