//! `flowyard sandbox`: the imitated services, for any client.
use std::net::SocketAddr;

use clap::Args;

use super::delivery::DeliveryArgs;
use super::embedded::{self, FaultArgs};
use super::exit::{Error, Exit};
use super::print::{DIM, Printer, STRONG, paint};
use super::signal::Signals;
use super::{listen, runtime};
use crate::catalog::Catalog;
use crate::sandbox::{Access, OauthAccess, OauthSettings};

/// Imitate HighLevel and Schedule it on this machine, until Ctrl-C.
///
/// State is kept in memory, and the same start gives the same records, ids and sign-in.
#[derive(Debug, Args)]
pub(super) struct Sandbox {
    /// Where to listen: ADDRESS:PORT; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = listen::parse)]
    listen: SocketAddr,

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

pub(super) fn run(args: &Sandbox, out: &mut Printer) -> Result<Exit, Error> {
    runtime::block_on(async {
        let mut signals = Signals::listen()?;
        let sandbox = embedded::start(&Catalog::shipped(), Some(args.listen), &args.faults).await?;
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
