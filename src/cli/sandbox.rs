//! `flowyard sandbox`: the imitated services, for any client.
use std::net::SocketAddr;

use clap::{Args, ValueEnum};

use super::delivery::DeliveryArgs;
use super::embedded::{self, FaultArgs};
use super::exit::{Error, Exit};
use super::print::{DIM, Printer, STRONG, paint};
use super::signal::Signals;
use super::{listen, runtime};
use crate::catalog::Catalog;
use crate::sandbox::{Access, OauthAccess, OauthSettings, Options, Seed};

/// Imitate HighLevel and Schedule it on this machine, until Ctrl-C.
///
/// State is kept in memory, and the same start gives the same records, ids and sign-in.
#[derive(Debug, Args)]
pub(super) struct Sandbox {
    /// Where to listen: ADDRESS:PORT; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = listen::parse)]
    listen: SocketAddr,

    /// Which records are there at the start
    #[arg(long, value_enum, value_name = "SIZE", default_value_t = Size::Small)]
    seed: Size,

    /// Where ids, the token and the records start: the same number makes the same
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    random: u64,

    /// A scope of HighLevel's token, as contacts.readonly; may be given several times. Without it the token may do everything
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,

    /// Print addresses and sign-in as one line of JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    faults: FaultArgs,

    #[command(flatten)]
    delivery: DeliveryArgs,

    /// Seconds that an access token works which an app gets by OAuth (the service: 86399)
    #[arg(long, value_name = "SECONDS", default_value_t = OauthSettings::default().access_seconds)]
    token_seconds: u64,
}

/// How many records there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Size {
    /// The account and nothing else
    Empty,
    /// A dozen contacts, and a few of everything else
    Tiny,
    /// A small business: 200 contacts, and appointments of three months
    Small,
    /// 10,000 contacts
    Medium,
    /// 170,000 contacts
    Large,
}

impl From<Size> for Seed {
    fn from(size: Size) -> Self {
        match size {
            Size::Empty => Self::Empty,
            Size::Tiny => Self::Business,
            Size::Small => Self::Small,
            Size::Medium => Self::Medium,
            Size::Large => Self::Large,
        }
    }
}

pub(super) fn run(args: &Sandbox, out: &mut Printer) -> Result<Exit, Error> {
    runtime::block_on(async {
        let mut signals = Signals::listen()?;
        let options = Options {
            listen: args.listen,
            seed: args.seed.into(),
            random: args.random,
            scopes: (!args.scopes.is_empty()).then(|| args.scopes.iter().cloned().collect()),
            ..Options::default()
        };
        let sandbox = embedded::start_with(&Catalog::shipped(), options, &args.faults).await?;
        args.delivery.set(&sandbox);
        sandbox.set_oauth(OauthSettings { access_seconds: args.token_seconds, ..sandbox.oauth() });
        if args.json {
            out.json(sandbox.access());
        } else {
            show(sandbox.access(), out);
            args.delivery.show(&sandbox, out);
        }
        out.say(paint(DIM, "Serving until Ctrl-C."));
        signals.next().await;
        sandbox.stop().await;
        Ok(Exit::Done)
    })
}

fn show(access: &Access, out: &mut Printer) {
    let (crm, calendar) = (&access.highlevel, &access.schedule_it);
    out.line(format_args!("{STRONG}HighLevel{STRONG:#}"));
    let lines = [
        ("base URL", &crm.base_url),
        ("token", &crm.token),
        ("location", &crm.location_id),
        ("calendar", &crm.calendar_id),
        ("user", &crm.user_id),
        ("agency", &crm.company_id),
    ];
    for (name, value) in lines {
        out.line(format_args!("  {name:<10}{value}"));
    }
    show_app(&crm.oauth, out);
    out.line(format_args!("{STRONG}Schedule it{STRONG:#}"));
    for (name, value) in [("base URL", &calendar.base_url), ("user", &calendar.user), ("password", &calendar.password)] {
        out.line(format_args!("  {name:<10}{value}"));
    }
    show_app(&calendar.oauth, out);
    out.line(format_args!("{STRONG}Mail{STRONG:#}"));
    let mail = &access.mail;
    for (name, value) in [("base URL", &mail.base_url), ("user", &mail.user), ("password", &mail.password), ("from", &mail.from)]
    {
        out.line(format_args!("  {name:<10}{value}"));
    }
    out.line(format_args!("{STRONG}Files{STRONG:#}"));
    out.line(format_args!("  {:<10}{}", "base URL", access.files.base_url));
    out.line(format_args!("{STRONG}Desktop{STRONG:#}"));
    out.line(format_args!("  {:<10}{}", "base URL", access.desktop.base_url));
}

fn show_app(app: &OauthAccess, out: &mut Printer) {
    let lines = [
        ("authorize", &app.authorize_url),
        ("tokens", &app.token_url),
        ("client id", &app.client_id),
        ("secret", &app.client_secret),
    ];
    for (name, value) in lines {
        out.line(format_args!("  {name:<10}{value}"));
    }
}
