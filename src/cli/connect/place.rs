//! Which connections a verb is about, and who is told that they changed.
use std::path::PathBuf;

use clap::Args;

use crate::accounts::{self, Desk};
use crate::catalog::Catalog;
use crate::cli::connections::{self, VaultArgs};
use crate::cli::data::DataArgs;
use crate::cli::exit::Error;
use crate::cli::print::{DIM, Printer, paint};
use crate::cli::{runtime, words};
use crate::engine::{self, ConnectionId, VaultPlace};

/// Which connections.
#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    #[command(flatten)]
    data: DataArgs,

    /// The file of connections; by default connections.json in the data directory
    #[arg(long, value_name = "FILE")]
    connections: Option<PathBuf>,

    #[command(flatten)]
    vault: VaultArgs,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl PlaceArgs {
    /// The connections, and what can be called on them.
    ///
    /// # Errors
    /// If there is no data directory.
    pub(super) fn desk(&self, out: &mut Printer) -> Result<(Desk, Catalog), Error> {
        runtime::prepare_to_write();
        let catalog = self.data.catalog(out)?;
        Ok((connections::desk(&self.dir()?, self.connections.as_deref(), &self.vault, &catalog), catalog))
    }

    /// The data directory.
    ///
    /// # Errors
    /// If none is named and the user has no home.
    pub(super) fn dir(&self) -> Result<PathBuf, Error> {
        self.data.resolve(false)
    }

    /// Lets steps that waited for a connection go on, in whatever environment; how many.
    ///
    /// # Errors
    /// If there is no data directory.
    pub(super) fn resume(&self, id: &ConnectionId, catalog: &Catalog, out: &mut Printer) -> Result<usize, Error> {
        let mut released = 0;
        for data in accounts::logs(&self.dir()?).iter().filter(|it| engine::has_log(it)) {
            match engine::resume(data, catalog, id) {
                Ok((resumed, _)) => released += resumed.released.len(),
                // What was stored is stored all the same.
                Err(failure) => out.failure("warning", &failure),
            }
        }
        Ok(released)
    }

    /// Where runs are logged: those in the sandbox have a place of their own, unless one is named.
    ///
    /// # Errors
    /// If none is named and the user has no home.
    pub(super) fn data(&self, sandbox: bool) -> Result<PathBuf, Error> {
        self.data.resolve(sandbox)
    }

    /// Tells the `serve` that is at work on this data directory, if there is one.
    ///
    /// # Errors
    /// If there is no data directory.
    pub(super) fn tell(&self, out: &mut Printer) -> Result<(), Error> {
        for data in accounts::logs(&self.dir()?) {
            match engine::reread(&data) {
                None => {}
                Some(Ok(it)) if self.json => {
                    tracing::debug!(count = it.connections, "the engine at work has read the connections");
                }
                Some(Ok(it)) => {
                    let count = words::count(it.connections, "connection");
                    out.say(paint(DIM, format_args!("The Flowyard at work has it already: it knows {count} now.")));
                }
                Some(Err(failure)) => out.failure("warning", &failure),
            }
        }
        Ok(())
    }
}

/// Where a secret was put, in words.
pub(in crate::cli) fn kept_in(place: VaultPlace) -> &'static str {
    match place {
        VaultPlace::Keychain => "the keychain of the system",
        VaultPlace::File => "the encrypted file vault.age",
        VaultPlace::Memory => "memory",
    }
}
