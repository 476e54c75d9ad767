//! `flowyard alerts`: what a person is told of while nobody looks, and how.
mod test;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

pub(super) use self::test::{begin, send};
use super::connections::{self, VaultArgs};
use super::data::DataArgs;
use super::exit::{Error, Exit};
use super::print::{BAD, DIM, GOOD, Plain, Printer, WAITING, paint};
use super::runtime;
use crate::accounts::Desk;
use crate::engine::alert::{Alerts, Mail, Tried, Way};
use crate::engine::{Connection, ConnectionId};
use crate::flow::{Alarm, FlowId};
use crate::record::{Failure, FailureKind};

/// Choose what you are told of while nobody looks, and how: runs that fail, steps that wait for your word, connections that are dead,
/// triggers that have gone quiet
///
/// Without an option it shows what is chosen. What fails or waits in one flow comes together: the first at once, then one alert a
/// quarter of an hour.
/// Whoever runs the flows tells it: the window, `flowyard background` or `flowyard serve`. Flows can start from alerts, too.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct AlertsVerb {
    #[command(subcommand)]
    what: Option<What>,

    /// Tell of runs that fail
    #[arg(long, value_name = "WHEN")]
    failures: Option<Switch>,

    /// Tell of steps that wait for your word: an approval, or a call of which nobody knows whether it happened
    #[arg(long, value_name = "WHEN")]
    questions: Option<Switch>,

    /// Tell of connections that are dead: a person has to sign in, or the service is given a long rest
    #[arg(long, value_name = "WHEN")]
    connections: Option<Switch>,

    /// Tell of triggers whose events do not come as often as they used to
    #[arg(long, value_name = "WHEN")]
    quiet: Option<Switch>,

    /// Show them on the desktop of the computer that runs the flows
    #[arg(long, value_name = "WHEN")]
    desktop: Option<Switch>,

    /// Send them to this mail address, or to several with commas between
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<String>,

    /// Send mail through this connection; not needed where there is one to a mail server only
    #[arg(long, value_name = "CONNECTION")]
    by: Option<String>,

    /// Send no mail any more
    #[arg(long, conflicts_with_all = ["mail", "by"])]
    no_mail: bool,

    /// Do not tell when this flow goes quiet; may be given several times
    #[arg(long, value_name = "FLOW")]
    unwatch: Vec<String>,

    /// Tell again when this flow goes quiet; may be given several times
    #[arg(long, value_name = "FLOW")]
    watch: Vec<String>,

    #[command(flatten)]
    place: Place,
}

/// Where, and how it answers.
#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    vault: VaultArgs,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell a test alert by every way that is chosen, and say what came of it. The exit code is 1 where one did not arrive
    Test(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

pub(super) fn run(args: &AlertsVerb, out: &mut Printer) -> Result<Exit, Error> {
    if let Some(What::Test(place)) = &args.what {
        return test(place, out);
    }
    let catalog = args.place.data.catalog(out)?;
    let desk = connections::desk(&args.place.data.resolve(false)?, None, &args.place.vault, &catalog);
    let before = Alerts::read(desk.data())?;
    let chosen = args.choose(before.clone(), &desk)?;
    if chosen != before {
        runtime::prepare_to_write();
        crate::engine::private::make(desk.data()).map_err(|error| {
            Error::machine("The data directory cannot be made", &error.to_string(), "Name another with --data.")
        })?;
        chosen.write(desk.data())?;
    }
    show(&chosen, args.place.json, out);
    Ok(Exit::Done)
}

impl AlertsVerb {
    fn choose(&self, mut alerts: Alerts, desk: &Desk) -> Result<Alerts, Error> {
        let switches = [
            (Alarm::Failure, self.failures),
            (Alarm::Question, self.questions),
            (Alarm::Connection, self.connections),
            (Alarm::Quiet, self.quiet),
        ];
        for (of, switch) in switches {
            if let Some(switch) = switch {
                *alerts.wants_mut(of) = switch == Switch::On;
            }
        }
        if let Some(switch) = self.desktop {
            alerts.desktop = Some(switch == Switch::On);
        }
        if self.no_mail {
            alerts.mail = None;
        }
        if self.mail.is_some() || self.by.is_some() {
            let to = self
                .mail
                .clone()
                .or_else(|| alerts.mail.as_ref().map(|it| it.to.clone()))
                .ok_or_else(|| wrong("Nobody is named who gets the mail", "Give --mail ADDRESS, too."))?;
            alerts.mail = Some(Mail { to: address(&to)?, by: through(self.by.as_deref(), alerts.mail.as_ref(), desk)? });
        }
        alerts.unwatched.extend(self.unwatch.iter().map(|it| FlowId::new(it.as_str())));
        for flow in &self.watch {
            alerts.unwatched.remove(&FlowId::new(flow.as_str()));
        }
        Ok(alerts)
    }
}

fn wrong(title: &str, hint: &str) -> Error {
    Error::new(Exit::Usage, Failure::new(FailureKind::Flow, title).hint(hint))
}

/// Mail addresses as they are written down.
fn address(text: &str) -> Result<String, Error> {
    let all: Vec<&str> = text.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
    let is_address = |it: &&str| it.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if all.is_empty() || !all.iter().all(is_address) {
        return Err(wrong(
            &format!("\"{text}\" is no mail address"),
            "Write it as ann@example.com; several with commas between.",
        ));
    }
    Ok(all.join(", "))
}

/// The connections to mail servers of a data directory's live environment.
///
/// # Errors
/// If connections cannot be read.
pub(super) fn mail_connections(desk: &Desk) -> Result<Vec<Connection>, Failure> {
    let mut all = desk.connections()?;
    all.retain(|it| it.connector.as_str() == "mail" && it.environment == Connection::LIVE);
    Ok(all)
}

/// The connection that was named; else the one chosen before, or the only one.
fn through(named: Option<&str>, before: Option<&Mail>, desk: &Desk) -> Result<ConnectionId, Error> {
    let all = mail_connections(desk)?;
    let known = all.iter().map(|it| it.id.to_string()).collect::<Vec<_>>().join(", ");
    let before = before.map(|it| it.by.as_str()).filter(|id| all.iter().any(|it| it.id.as_str() == *id));
    match (named.or(before), all.as_slice()) {
        (Some(named), _) => match all.iter().find(|it| it.id.as_str() == named) {
            Some(found) => Ok(found.id.clone()),
            None if all.is_empty() => Err(wrong(&format!("\"{named}\" is no connection to a mail server"), MAKE)),
            None => Err(wrong(&format!("\"{named}\" is no connection to a mail server"), &format!("There are {known}."))),
        },
        (None, [only]) => Ok(only.id.clone()),
        (None, []) => Err(wrong("There is no connection to a mail server", MAKE)),
        (None, _) => Err(wrong("There are several connections to mail servers", &format!("Name one with --by: {known}."))),
    }
}

const MAKE: &str = "Make one: `flowyard connect add mail --base-url smtps://smtp.example.com:465`.";

fn show(alerts: &Alerts, as_json: bool, out: &mut Printer) {
    if as_json {
        out.json(&json!({
            "failures": alerts.failures, "questions": alerts.questions, "connections": alerts.connections, "quiet": alerts.quiet,
            "desktop": alerts.on_desktop(), "mail": alerts.mail, "unwatched": alerts.unwatched,
        }));
        return;
    }
    let all: Vec<String> = Alarm::ALL.iter().filter(|it| alerts.wants(**it)).map(ToString::to_string).collect();
    if all.is_empty() {
        out.line("You are told of nothing.");
    } else {
        out.line(format_args!("You are told when {}.", all.join(", or ")));
    }
    let desktop = match (alerts.on_desktop(), alerts.desktop) {
        (true, _) => "shown on the desktop of this computer",
        (false, Some(_)) => "off",
        (false, None) => "there is none here",
    };
    out.line(format_args!("  Desktop  {desktop}"));
    match &alerts.mail {
        Some(mail) => out.line(format_args!("  Mail     to {}, through \"{}\"", Plain(&mail.to), Plain(mail.by.as_str()))),
        None => out.line("  Mail     off"),
    }
    if !alerts.unwatched.is_empty() {
        let flows: Vec<&str> = alerts.unwatched.iter().map(FlowId::as_str).collect();
        out.line(format_args!("  May be quiet without a word: {}", Plain(&flows.join(", "))));
    }
    if !alerts.on_desktop() && alerts.mail.is_none() {
        out.say(paint(WAITING, "Alerts go nowhere but to flows that start from them: `flowyard alerts --mail ADDRESS`."));
    } else {
        out.say(paint(DIM, "`flowyard alerts test` tries it."));
    }
}

fn test(place: &Place, out: &mut Printer) -> Result<Exit, Error> {
    let catalog = place.data.catalog(out)?;
    let desk = connections::desk(&place.data.resolve(false)?, None, &place.vault, &catalog);
    let tried = runtime::block_on(async { Ok(send(&desk, &catalog).await?) })?;
    let arrived = tried.iter().all(|it| it.failure.is_none());
    for it in &tried {
        if place.json {
            out.json(it);
            continue;
        }
        line(it, out);
    }
    Ok(if arrived { Exit::Done } else { Exit::Failed })
}

fn line(Tried { way, run, failure }: &Tried, out: &mut Printer) {
    let way = match way {
        Way::Desktop => "On the desktop",
        Way::Mail => "By mail",
    };
    let run = run.map(|it| format!(" (run {it})")).unwrap_or_default();
    match failure {
        None => out.line(format_args!("{} {way}: it was taken{run}", paint(GOOD, "✓"))),
        Some(failure) => {
            out.line(format_args!("{} {way}: it did not arrive{run}", paint(BAD, "✗")));
            out.failure("error", failure);
        }
    }
}
