//! `flowyard connect`: the connections to services.
mod add;
mod bind;
mod budget;
mod key;
mod lacks;
mod list;
mod locations;
mod place;
mod remove;
mod rename;
mod resume;
mod rotate;
mod scopes;
mod secret;
mod sign_in;
mod test;
mod why;

use clap::{Args, Subcommand};

#[cfg(feature = "gui")]
pub(super) use self::place::kept_in;
#[cfg(feature = "gui")]
pub(super) use self::why::Refused;

use super::exit::{Error, Exit};
use super::print::Printer;

/// Make and keep connections to services: add, sign in, list, locations, test, budget, bind, scopes, why, rename, rotate, remove,
/// resume
#[derive(Debug, Args)]
pub(super) struct Connect {
    #[command(subcommand)]
    verb: ConnectVerb,
}

#[derive(Debug, Subcommand)]
enum ConnectVerb {
    Add(Box<add::Add>),
    List(list::List),
    Locations(locations::Locations),
    Bind(bind::Bind),
    Scopes(scopes::Scopes),
    Test(test::Test),
    Budget(budget::BudgetArgs),
    Why(why::Why),
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
        ConnectVerb::Locations(it) => locations::run(it, out),
        ConnectVerb::Bind(it) => bind::run(it, out),
        ConnectVerb::Scopes(it) => scopes::run(it, out),
        ConnectVerb::Test(it) => test::run(it, out),
        ConnectVerb::Budget(it) => budget::run(it, out),
        ConnectVerb::Why(it) => why::run(it, out),
        ConnectVerb::Rename(it) => rename::run(it, out),
        ConnectVerb::Rotate(it) => rotate::run(it, out),
        ConnectVerb::Remove(it) => remove::run(it, out),
        ConnectVerb::SignIn(it) => sign_in::run(it, out),
        ConnectVerb::Resume(it) => resume::run(it, out),
        ConnectVerb::Key(it) => key::run(it, out),
    }
}
