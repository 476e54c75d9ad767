//! `flowyard connect list`: the connections that there are.
use clap::Args;

use super::place::PlaceArgs;
use crate::accounts::{self, Entry, State, Use};
use crate::catalog::AuthKind;
use crate::cli::bind;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, WAITING, paint};
use crate::cli::table::Table;
use crate::cli::words;
use crate::engine::Connection;
use crate::engine::log::waiting_for_sign_in;

/// List the connections: what they are to, whether they can be used, and by which flows they are
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only those of one of your environments
    #[arg(long, value_name = "NAME", value_parser = bind::environment)]
    environment: Option<String>,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &List, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, _) = args.place.desk(out)?;
    let mut entries = desk.entries()?;
    entries.retain(|it| args.environment.as_ref().is_none_or(|wanted| *wanted == it.connection.environment));
    for data in accounts::logs(desk.data()) {
        let waiting = waiting_for_sign_in(&data)?;
        for it in &mut entries {
            it.waiting += waiting.get(&it.connection.id).copied().unwrap_or_default();
        }
    }
    if args.place.json {
        for it in &entries {
            out.json(it);
        }
        return Ok(Exit::Done);
    }
    if entries.is_empty() {
        out.say(paint(DIM, "There are no connections yet: `flowyard connect add highlevel` makes one."));
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(["ID", "NAME", "SERVICE", "SIGN-IN", "ACCOUNT", "ENVIRONMENT", "ZONE", "REFRESHED", "USED BY", "STATE"]);
    for it in &entries {
        table.row([
            it.connection.id.to_string(),
            it.connection.name.clone(),
            it.service.clone(),
            it.connection.auth.name().to_owned(),
            account(it),
            it.connection.environment.clone(),
            it.connection.zone.clone().unwrap_or_default(),
            it.refreshed_at.map(words::local).unwrap_or_default(),
            used_by(it),
            it.state.in_words().to_owned(),
        ]);
    }
    table.print(out);
    for it in entries.iter().filter(|it| it.waiting > 0) {
        let (count, verb) = (words::count(it.waiting as usize, "event"), if it.waiting == 1 { "is" } else { "are" });
        let (name, id) = (Plain(&it.connection.name), Plain(it.connection.id.as_str()));
        let act = if matches!(it.connection.auth, AuthKind::OAuth(_)) { "sign-in" } else { "rotate" };
        out.say(paint(
            WAITING,
            format_args!("{count} {verb} waiting for \"{name}\" to be reconnected: `flowyard connect {act} {id}`."),
        ));
    }
    for it in &entries {
        if let State::Unset { why } | State::Reconnect { why } = &it.state {
            out.say(paint(WAITING, format_args!("\"{}\": {}", Plain(it.connection.id.as_str()), Plain(why))));
        }
    }
    Ok(Exit::Done)
}

fn account(entry: &Entry) -> String {
    entry.connection.account.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

fn used_by(entry: &Entry) -> String {
    let name = |it: &Use| match it.environment.as_str() {
        Connection::LIVE => it.flow.to_string(),
        other => format!("{} ({other})", it.flow),
    };
    let mut flows: Vec<String> = entry.used_by.iter().map(name).collect();
    flows.dedup();
    flows.join(", ")
}
