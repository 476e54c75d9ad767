//! `flowyard connect`: what concerns the connections to services.
mod resume;

use clap::{Args, Subcommand};

use super::exit::{Error, Exit};
use super::print::Printer;

/// Let requests go again on a connection
#[derive(Debug, Args)]
pub(super) struct Connect {
    #[command(subcommand)]
    verb: ConnectVerb,
}

#[derive(Debug, Subcommand)]
enum ConnectVerb {
    Resume(resume::Resume),
}

pub(super) fn run(args: &Connect, out: &mut Printer) -> Result<Exit, Error> {
    match &args.verb {
        ConnectVerb::Resume(it) => resume::run(it, out),
    }
}
