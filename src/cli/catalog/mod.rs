//! `flowyard catalog`: what can be called.
mod import;
mod list;
mod remove;
mod show;

use clap::{Args, Subcommand};

use super::exit::{Error, Exit};
use super::print::Printer;
use crate::catalog::{Catalog, Connector, ConnectorId};

/// Look at what can be called, add a service from its documents, or take it out again.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct CatalogVerbs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    Show(show::Show),
    Search(list::Search),
    Import(import::Import),
    Remove(remove::Remove),
}

pub(super) fn run(args: &CatalogVerbs, out: &mut Printer) -> Result<Exit, Error> {
    match &args.verb {
        Verb::List(it) => list::run(it, out),
        Verb::Show(it) => show::run(it, out),
        Verb::Search(it) => list::search(it, out),
        Verb::Import(it) => import::run(it, out),
        Verb::Remove(it) => remove::run(it, out),
    }
}

fn connector<'a>(catalog: &'a Catalog, id: &str) -> Result<&'a Connector, Error> {
    let found = catalog.connector(&ConnectorId::new(id));
    found.map(AsRef::as_ref).ok_or_else(|| {
        let known: Vec<_> = catalog.connectors().map(|it| it.id.as_str()).collect();
        Error::not_found(format!("There is no service \"{id}\" in the catalogue"), format!("There are {}.", known.join(", ")))
    })
}
