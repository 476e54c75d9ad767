//! How a secret comes in: from a prompt that does not show it, from a variable, or from standard input; never as an argument,
//! which other users of the machine and the shell's history would see.
use std::io::{self, IsTerminal as _};

use clap::Args;
use zeroize::Zeroizing;

use crate::accounts::Given;
use crate::catalog::{AuthKind, Connector};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Plain, Printer, paint};
use crate::cli::read;
use crate::record::{Failure, FailureKind};

/// Where the secret comes from.
#[derive(Debug, Args)]
pub(super) struct SecretArgs {
    /// The environment variable that holds the secret now; it is copied into the vault. Without it and --secret-stdin it is
    /// asked for, and not shown
    #[arg(long, value_name = "NAME")]
    secret_env: Option<String>,

    /// Read the secret from standard input
    #[arg(long, conflicts_with = "secret_env")]
    secret_stdin: bool,

    /// The user's name, for user and password
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl SecretArgs {
    /// Reads it; where a person is asked, they are told first where to find it.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn read(
        &self,
        connector: &Connector,
        auth: &AuthKind,
        user_needed: bool,
        out: &mut Printer,
    ) -> Result<Given, Error> {
        let guide = connector.guide(auth);
        if let Some(name) = &self.secret_env {
            return Ok(Given { user: self.user.clone(), secret: of_variable(name)? });
        }
        if self.secret_stdin {
            let text = Zeroizing::new(read::standard_input(64 << 10)?);
            let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
            return Ok(Given { user: self.user.clone(), secret });
        }
        if !io::stdin().is_terminal() {
            return Err(Error::usage(
                "There is no terminal to ask for the secret on",
                "Name the variable that holds it with --secret-env, or pass it with --secret-stdin. It is never an argument.",
            ));
        }
        if let Some(guide) = guide {
            out.say(paint(DIM, format_args!("{}: {}", Plain(&connector.title), Plain(&guide.title))));
            for (at, step) in guide.steps.iter().enumerate() {
                out.say(paint(DIM, format_args!("  {}. {}", at + 1, Plain(step))));
            }
        }
        let mut user = self.user.clone();
        if user_needed && user.is_none() {
            let label = guide.and_then(|it| it.user.as_deref()).unwrap_or("User");
            out.say(format_args!("{}:", Plain(label)));
            let mut line = String::new();
            io::stdin().read_line(&mut line).map_err(|error| Error::machine("Nothing could be read", &error, "Try again."))?;
            user = Some(line.trim().to_owned());
        }
        let label = guide.and_then(|it| it.secret.as_deref()).unwrap_or("Secret");
        out.say(format_args!("{} (it is not shown):", Plain(label)));
        let secret = rpassword::read_password()
            .map_err(|error| Error::machine("The secret could not be read", &error, "Use --secret-env or --secret-stdin."))?;
        Ok(Given { user, secret: Zeroizing::new(secret) })
    }
}

fn of_variable(name: &str) -> Result<Zeroizing<String>, Error> {
    let is_possible = !name.is_empty() && !name.contains(['=', '\0']);
    let value = is_possible.then(|| std::env::var(name).ok()).flatten().filter(|it| !it.trim().is_empty());
    value.map(Zeroizing::new).ok_or_else(|| {
        // What does not look like a name may be the secret itself, and is not repeated.
        let is_name = name.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_');
        let title = if is_name {
            format!("The environment variable {name} is not set")
        } else {
            "The environment variable that --secret-env names is not set".to_owned()
        };
        Error::new(Exit::Connection, Failure::new(FailureKind::SignIn, title).hint("Set it, and give its name, not the secret."))
    })
}
