//! What the accounts of a flow lack of what was chosen by name, and making that there.
use std::io::{self, IsTerminal as _};

use clap::Args;
use serde_json::json;

use crate::accounts::{Checkup, Desk, Lack, Made, Presence, Way};
use crate::catalog::Catalog;
use crate::cli::embedded::{self, FaultArgs};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{BAD, DIM, GOOD, Plain, Printer, WAITING, paint};
use crate::cli::runtime;
use crate::flow::Flow;
use crate::record::Failure;

/// Whether what is missing is made.
#[derive(Debug, Args)]
pub(super) struct LacksArgs {
    /// Offer to make on an account what it lacks: custom fields, calendars, tags; as another of the accounts has it, or the
    /// sandbox. What is sent is shown, and each has to be agreed to
    #[arg(long, requires = "check")]
    create: bool,

    /// Agree to all of them
    #[arg(long, requires = "create")]
    yes: bool,
}

/// What each account has of what was chosen by name.
///
/// # Errors
/// If the connections cannot be read, or nobody can be asked.
pub(super) fn check(
    flow: &Flow,
    desk: &Desk,
    catalog: &Catalog,
    environment: &str,
    args: &LacksArgs,
    as_json: bool,
    out: &mut Printer,
) -> Result<Exit, Error> {
    let stands = desk.stands(flow, environment)?;
    let slots = stands.into_iter().map(|(slot, it)| (slot, it.connections().to_vec())).collect();
    runtime::block_on(async {
        let checkup = desk.checkup(flow, &slots, |_, _| ()).await?;
        show(&checkup, as_json, out);
        if checkup.lacks(&[], catalog).is_empty() {
            return Ok(Exit::Done);
        }
        if !args.create {
            out.say(paint(DIM, "What can be made there is offered with --check --create."));
            return Ok(Exit::Failed);
        }
        let sandbox = embedded::start(catalog, &FaultArgs::default()).await?;
        let connections = embedded::connections(sandbox.access(), catalog);
        let data = std::env::temp_dir();
        let pattern = Desk::over(&data, connections, catalog.clone()).patterns(flow).await.unwrap_or_default();
        sandbox.stop().await;
        let mut exit = Exit::Done;
        for lack in checkup.lacks(&[&pattern], catalog) {
            if !make(desk, &lack, args, as_json, out).await? {
                exit = Exit::Failed;
            }
        }
        Ok(exit)
    })
}

fn show(checkup: &Checkup, as_json: bool, out: &mut Printer) {
    for it in &checkup.had {
        if as_json {
            out.json(&json!({ "had": it }));
            continue;
        }
        let (style, mark, words) = match &it.presence {
            Presence::Same => (GOOD, "✓", String::new()),
            Presence::ByName => (GOOD, "✓", " (another one of that name)".to_owned()),
            Presence::Missing { names } => {
                let list: Vec<_> = names.iter().map(|it| format!("\"{it}\"")).collect();
                let verb = if list.len() == 1 { "is" } else { "are" };
                (BAD, "✗", format!(": {} {verb} not there", list.join(", ")))
            }
            Presence::Unknown { why } => (WAITING, "?", format!(": {why}")),
        };
        let names = it.names.join(", ");
        let what = format!("{}, {} of \"{}\": {names}{words}", it.connection, it.field, it.step);
        out.line(format_args!("{} {}", paint(style, mark), Plain(&what)));
    }
    if checkup.had.is_empty() && !as_json {
        out.say("Nothing in this flow was chosen by name from a list of an account.");
    }
}

/// Whether the account has it after that.
async fn make(desk: &Desk, lack: &Lack, args: &LacksArgs, as_json: bool, out: &mut Printer) -> Result<bool, Error> {
    let (title, like, then) = match &lack.way {
        Way::ByHand { why } => {
            if as_json {
                out.json(&json!({ "lack": lack, "made": null }));
            } else {
                let words = format!("{}: the {} \"{}\" is for a person to make. {why}", lack.connection, lack.what, lack.name);
                out.line(format_args!("{} {}", paint(WAITING, "?"), Plain(&words)));
            }
            return Ok(false);
        }
        Way::Make { title, like, then, .. } => (title, like, then),
    };
    if !as_json {
        let pattern =
            like.as_ref().map_or_else(|| ", new: no account here has it".to_owned(), |it| format!(", as \"{it}\" has it"));
        let words = format!("{}: \"{title}\" would make the {} \"{}\"{pattern}:", lack.connection, lack.what, lack.name);
        out.line(Plain(&words));
        for line in lack.sent() {
            out.line(paint(DIM, format_args!("    {}", Plain(&line))));
        }
    }
    if !args.yes && !agreed(out)? {
        out.say("Nothing was made.");
        return Ok(false);
    }
    let made = desk.make(lack).await;
    if as_json {
        let failure: Option<&Failure> = made.as_ref().err();
        out.json(&json!({ "lack": lack, "made": made.as_ref().ok(), "failure": failure }));
        return Ok(matches!(made, Ok(Made::Made | Made::WasThere)));
    }
    match made {
        Ok(made) => {
            let (style, mark, words) = match made {
                Made::Made => (GOOD, "✓", "is there now"),
                Made::WasThere => (GOOD, "✓", "was made meanwhile"),
                Made::NotListed => (WAITING, "?", "was made, and is not in the account's list yet"),
            };
            out.line(format_args!("{} \"{}\" {words}", paint(style, mark), Plain(&lack.name)));
            if !then.is_empty() && made != Made::WasThere {
                out.say(paint(DIM, Plain(then)));
            }
            Ok(made != Made::NotListed)
        }
        Err(failure) => {
            out.failure("error", &failure);
            Ok(false)
        }
    }
}

fn agreed(out: &mut Printer) -> Result<bool, Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::usage("There is nobody to ask whether that is to be made", "Add --yes to make all of it."));
    }
    out.say(paint(WAITING, "Make it? Type yes:"));
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|error| Error::machine("Nothing could be read", &error, "Try again."))?;
    Ok(line.trim() == "yes")
}
