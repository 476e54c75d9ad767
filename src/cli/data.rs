//! Where runs are logged.
use std::path::PathBuf;

use clap::Args;

use super::bind;
use super::exit::Error;
use super::print::{Plain, Printer, WAITING, paint};
use crate::accounts;
use crate::catalog::Catalog;
use crate::catalog::disk::Shelf;
use crate::engine::Connection;

const HELP: &str = "The data directory: log, connections. By default what FLOWYARD_DATA names, else a directory of the \
    user's own; runs in the sandbox go to its subdirectory \"sandbox\"";

/// Which data directory.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct DataArgs {
    // The help is no doc comment, which would have to mark the variable's name.
    #[arg(long, value_name = "DIR", help = HELP)]
    pub(super) data: Option<PathBuf>,
}

/// Which runs a verb is about that changes them from outside, and how it answers.
#[derive(Debug, Args)]
pub(super) struct OutsideArgs {
    #[command(flatten)]
    data: DataArgs,

    /// The sandbox's runs, where no data directory is named
    #[arg(long)]
    sandbox: bool,

    /// The runs in another of your environments
    #[arg(long, value_name = "NAME", default_value = Connection::LIVE, value_parser = bind::environment, conflicts_with = "sandbox")]
    environment: String,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl OutsideArgs {
    /// As [`DataArgs::catalog`].
    ///
    /// # Errors
    /// As [`DataArgs::resolve`].
    pub(super) fn catalog(&self, out: &mut Printer) -> Result<Catalog, Error> {
        self.data.catalog(out)
    }

    /// The directory that says which flows are published.
    ///
    /// # Errors
    /// As [`DataArgs::resolve`].
    pub(super) fn published(&self) -> Result<PathBuf, Error> {
        self.data.resolve(false)
    }

    /// The directory; it need not exist.
    ///
    /// # Errors
    /// As [`DataArgs::resolve`].
    pub(super) fn dir(&self) -> Result<PathBuf, Error> {
        Ok(accounts::log_of(&self.data.resolve(self.sandbox)?, &self.environment))
    }
}

impl DataArgs {
    /// The directory; it need not exist.
    ///
    /// # Errors
    /// If none is named and the user has no home.
    pub(super) fn resolve(&self, sandbox: bool) -> Result<PathBuf, Error> {
        if let Some(dir) = &self.data {
            return Ok(dir.clone());
        }
        let own = own()?;
        Ok(if sandbox { own.join("sandbox") } else { own })
    }

    /// What can be called: what ships, and what was imported into the directory of live runs. Of what cannot be read is said
    /// why, and it is left out.
    ///
    /// # Errors
    /// If none is named and the user has no home.
    pub(super) fn catalog(&self, out: &mut Printer) -> Result<Catalog, Error> {
        let shelved = self.shelf()?.read();
        for broken in &shelved.broken {
            out.say(paint(WAITING, format_args!("Left out of the catalogue: {}.", Plain(&broken.to_string()))));
        }
        Ok(Catalog::shipped().with(shelved.connectors))
    }

    /// Where imported services are kept.
    ///
    /// # Errors
    /// If none is named and the user has no home.
    pub(super) fn shelf(&self) -> Result<Shelf, Error> {
        Ok(Shelf::of(&self.resolve(false)?))
    }
}

/// The directory of live runs and connections, where none is named.
fn own() -> Result<PathBuf, Error> {
    let named = std::env::var_os("FLOWYARD_DATA").filter(|it| !it.is_empty()).map(PathBuf::from);
    let dirs = || directories::ProjectDirs::from("", "", "flowyard").map(|it| it.data_local_dir().to_owned());
    named.or_else(dirs).ok_or_else(|| {
        Error::machine("There is no place for the data directory", &"The user has no home directory.", "Name one with --data.")
    })
}
