//! The command line: one file a verb.
//!
//! [`main`] parses the arguments, runs the verb, and turns what came of it into an exit code. Verbs that run flows start an
//! engine, and a sandbox where one is asked for, and then only talk to their handles. `check`, `catalog` and `log` need no
//! runtime.
//!
//! Invariant: only `print` writes to the terminal: data to standard output, words to standard error.
//! Invariant: every error names what failed, where, and the next step, and ends with a code of the table in `--help`.
//! Invariant: no secret is taken from the command line.
mod alerts;
mod at_login;
mod background;
mod begin;
mod bind;
mod cancel;
mod catalog;
mod changes;
mod chaos;
mod check;
mod connect;
mod connections;
mod data;
mod delivery;
mod embedded;
mod exit;
mod file;
mod flows;
mod home;
mod letters;
mod listen;
mod locate;
mod log;
mod next;
mod part;
mod pause;
mod plan;
mod print;
mod published;
mod read;
mod release;
mod run;
mod runtime;
mod sandbox;
mod serve;
mod signal;
mod story;
mod table;
#[cfg(all(unix, not(target_os = "macos")))]
mod tray;
#[cfg(feature = "gui")]
pub(crate) mod window;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

use self::exit::{Error, Exit};
use self::print::Printer;

/// Durable automation for HighLevel and Schedule it, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "flowyard", version, after_help = exit::TABLE, max_term_width = 100, disable_help_subcommand = false)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto, display_order = 900)]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Run),
    Check(check::Check),
    Next(next::Next),
    Publish(published::Publish),
    On(published::On),
    Off(published::Off),
    Flows(published::List),
    Pause(pause::Pause),
    Resume(pause::Resume),
    Serve(serve::Serve),
    Background(background::Background),
    Sandbox(sandbox::Sandbox),
    Chaos(chaos::Chaos),
    Log(log::Log),
    Letters(letters::Letters),
    Alerts(alerts::AlertsVerb),
    Release(release::Release),
    Cancel(cancel::Cancel),
    Connect(connect::Connect),
    Catalog(catalog::CatalogVerbs),
    #[cfg(feature = "gui")]
    Open(window::Open),
}

/// Runs the program with these arguments, the first of which is its own name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error).into(),
    };
    let mut out = Printer::new(match cli.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    });
    if std::env::var_os("FLOWYARD_LOG").is_some() && !matches!(cli.verb, Some(Verb::Serve(_) | Verb::Background(_))) {
        serve::start_log(false);
    }
    let result = match &cli.verb {
        Some(Verb::Run(it)) => run::run(it, &mut out),
        Some(Verb::Check(it)) => check::run(it, &mut out),
        Some(Verb::Next(it)) => next::run(it, &mut out),
        Some(Verb::Publish(it)) => published::publish(it, &mut out),
        Some(Verb::On(it)) => published::on(it, &mut out),
        Some(Verb::Off(it)) => published::off(it, &mut out),
        Some(Verb::Flows(it)) => published::list(it, &mut out),
        Some(Verb::Pause(it)) => pause::pause(it, &mut out),
        Some(Verb::Resume(it)) => pause::resume(it, &mut out),
        Some(Verb::Serve(it)) => serve::run(it, &mut out),
        Some(Verb::Background(it)) => background::run(it, &mut out),
        Some(Verb::Sandbox(it)) => sandbox::run(it, &mut out),
        Some(Verb::Chaos(it)) => chaos::run(it, &mut out),
        Some(Verb::Log(it)) => log::run(it, &mut out),
        Some(Verb::Letters(it)) => letters::run(it, &mut out),
        Some(Verb::Alerts(it)) => alerts::run(it, &mut out),
        Some(Verb::Release(it)) => release::run(it, &mut out),
        Some(Verb::Cancel(it)) => cancel::run(it, &mut out),
        Some(Verb::Connect(it)) => connect::run(it, &mut out),
        Some(Verb::Catalog(it)) => catalog::run(it, &mut out),
        #[cfg(feature = "gui")]
        Some(Verb::Open(it)) => window::run(it),
        None => without_verb(&mut out),
    };
    let result = match (result, out.finish()) {
        (Ok(Exit::Done), Err(unwritten)) => Err(unwritten),
        (result, _) => result,
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => error.report(&mut out).into(),
    }
}

/// The window, where there is one.
#[cfg(feature = "gui")]
fn without_verb(_: &mut Printer) -> Result<Exit, Error> {
    window::run(&window::Open::default())
}

#[cfg(not(feature = "gui"))]
#[expect(clippy::unnecessary_wraps, reason = "with the window it can fail")]
fn without_verb(out: &mut Printer) -> Result<Exit, Error> {
    use clap::CommandFactory as _;
    out.line(Cli::command().render_help().ansi());
    Ok(Exit::Done)
}

/// What clap has to say: help and version are data, all else is an error of the command line.
fn refuse(error: &clap::Error) -> Exit {
    let mut out = Printer::new(anstream::ColorChoice::Auto);
    let text = error.render();
    let text = text.ansi().to_string();
    if error.use_stderr() {
        out.say(text.trim_end());
        return Exit::Usage;
    }
    out.line(text.trim_end());
    match out.finish() {
        Ok(()) => Exit::Done,
        Err(error) => error.report(&mut out),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_lists_the_exit_codes_and_every_verb() {
        let help = Cli::command().render_help().to_string();
        for word in ["run", "check", "serve", "sandbox", "log", "catalog", "Exit codes:", "130"] {
            assert!(help.contains(word), "{word} is not in\n{help}");
        }
    }
}
