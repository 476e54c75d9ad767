//! `flowyard connect`: the connections to services.
mod add;
mod key;
mod list;
mod place;
mod remove;
mod rename;
mod resume;
mod rotate;
mod secret;
mod sign_in;
mod test;

use clap::{Args, Subcommand};

pub(super) use self::place::kept_in;

use super::exit::{Error, Exit};
use super::print::Printer;

/// Make and keep connections to services: add, sign in, list, test, rename, rotate, remove, resume
#[derive(Debug, Args)]
pub(super) struct Connect {
    #[command(subcommand)]
    verb: ConnectVerb,
}

#[derive(Debug, Subcommand)]
enum ConnectVerb {
    Add(Box<add::Add>),
    List(list::List),
    Test(test::Test),
    Rename(rename::Rename),
    Rotate(rotate::Rotate),
    Remove(remove::Remove),
    SignIn(sign_in::SignIn),
    Resume(resume::Resume),
    Key(key::Key),
}

pub(super) fn run(args: &Connect, out: &mut Printer) -> Result<Exit, Error> {
    match &args.verb {
        ConnectVerb::Add(it) => add::run(it, out),
        ConnectVerb::List(it) => list::run(it, out),
        ConnectVerb::Test(it) => test::run(it, out),
        ConnectVerb::Rename(it) => rename::run(it, out),
        ConnectVerb::Rotate(it) => rotate::run(it, out),
        ConnectVerb::Remove(it) => remove::run(it, out),
        ConnectVerb::SignIn(it) => sign_in::run(it, out),
        ConnectVerb::Resume(it) => resume::run(it, out),
        ConnectVerb::Key(it) => key::run(it, out),
    }
}
