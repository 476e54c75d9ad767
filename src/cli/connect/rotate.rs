//! `flowyard connect rotate`: another secret for a connection.
use clap::Args;
use serde_json::json;

use super::place::{PlaceArgs, kept_in};
use super::secret::SecretArgs;
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, paint};
use crate::cli::words;
use crate::engine::ConnectionId;
use crate::record::{Failure, FailureKind};

/// Give a connection another secret, in place of the one in the vault. Steps that wait for it go on
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The connection's id
    #[arg(value_name = "CONNECTION")]
    connection: String,

    #[command(flatten)]
    secret: SecretArgs,

    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) fn run(args: &Rotate, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, catalog) = args.place.desk(out)?;
    let id = ConnectionId::new(&args.connection);
    let book = desk.book()?;
    let account = book.account(&id)?;
    desk.rotatable(account)?;
    let connector = catalog.connector(&account.connection.connector).ok_or_else(|| {
        let failure =
            Failure::new(FailureKind::Flow, format!("The catalogue has no service \"{}\"", account.connection.connector));
        Error::from(failure.hint("Import it again."))
    })?;
    // A vault that cannot be opened is known before anybody looks for a secret; one that is damaged can be written over.
    let user = desk.kept(&id)?.and_then(|it| it.user().map(str::to_owned));
    let given = args.secret.read(
        connector,
        &account.connection.auth,
        user.is_none() && account.connection.auth.name() == "basic",
        out,
    )?;
    let connection = desk.rotate(&id, given)?;
    let place = kept_in(desk.vault().place());
    args.place.tell(out)?;
    let released = args.place.resume(&id, &catalog, out)?;
    if args.place.json {
        out.json(&json!({ "connection": connection, "secret_in": place, "released": released }));
    } else {
        out.line(format_args!("The secret of {} is in {place} now", Plain(connection.id.as_str())));
        if released > 0 {
            out.say(paint(DIM, format_args!("{} that waited for it went on.", words::count(released, "step"))));
        }
    }
    Ok(Exit::Done)
}
