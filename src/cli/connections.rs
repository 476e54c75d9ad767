//! The connections that verbs work with: those of the file, with secrets from the vault or the environment.
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Error;
use super::print::Printer;
use crate::accounts::{Copy, Desk, Needed};
use crate::catalog::{AuthKind, Catalog};
use crate::engine::{Connection, Secret, Vault, VaultError, VaultKey};
use crate::record::{Failure, FailureKind};

/// Connections, each with its secret where that is not in a vault.
pub(super) type Bound = Vec<(Connection, Option<Secret>)>;

const KEY_HELP: &str = "The key file that opens the encrypted file of secrets, made by `flowyard connect key`; by default what \
    FLOWYARD_VAULT_KEY_FILE names, else the passphrase in FLOWYARD_VAULT_PASSPHRASE. Without any of them secrets are in the \
    keychain of the system";

/// What opens the vault.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct VaultArgs {
    // The help is no doc comment, which would have to mark the variables' names.
    #[arg(long, value_name = "FILE", help = KEY_HELP)]
    vault_key_file: Option<PathBuf>,
}

impl VaultArgs {
    /// The key file that was named.
    pub(super) fn key_file(&self) -> Option<PathBuf> {
        self.vault_key_file.clone()
    }

    /// The key to the encrypted file; none where the keychain is meant.
    pub(super) fn key(&self) -> Option<VaultKey> {
        let named = |name: &str| std::env::var_os(name).filter(|it| !it.is_empty());
        let file = self.vault_key_file.clone().or_else(|| named("FLOWYARD_VAULT_KEY_FILE").map(PathBuf::from));
        let passphrase = || std::env::var("FLOWYARD_VAULT_PASSPHRASE").ok().filter(|it| !it.is_empty());
        file.map(VaultKey::File).or_else(|| passphrase().map(|it| VaultKey::Passphrase(it.into())))
    }
}

/// The connections of a data directory; `named` is a file of connections in place of its own.
pub(super) fn desk(data: &Path, named: Option<&Path>, vault: &VaultArgs, catalog: &Catalog) -> Desk {
    Desk::of(data, named, catalog.clone(), Vault::at(data, vault.key()))
}

/// Connections as an engine takes them.
///
/// # Errors
/// If the file cannot be used.
pub(super) fn read(desk: &Desk) -> Result<Bound, Failure> {
    Ok(desk.connections()?.into_iter().map(|it| (it, None)).collect())
}

/// Says which of the connections that flows use cannot be signed in for now, and which steps will be refused since the token
/// lacks their scope. Everything else goes on.
pub(super) async fn warn(deployments: &[Copy], bound: &Bound, vault: &Vault, catalog: &Catalog, out: &mut Printer) {
    let mut shut: Option<VaultError> = None;
    for (connection, _) in bound {
        let slots = deployments.iter().flat_map(|it| it.bindings.iter().map(|(slot, id)| (&*it.flow, slot, id)));
        let used: Vec<_> = slots.filter(|(_, _, id)| **id == connection.id).map(|(flow, slot, _)| (flow, slot)).collect();
        // What is not used is not asked for, so that no keychain is opened for it.
        if used.is_empty() || connection.auth == AuthKind::None {
            continue;
        }
        let read = match &shut {
            Some(error) => Err(error.clone()),
            None => vault.fetch(&connection.id).await,
        };
        let why = match read {
            Ok(Some(secret)) => {
                let granted = secret.granted().and_then(|it| it.scopes.as_ref());
                if let Some(granted) = granted {
                    lacking(connection, &Needed::of(used, catalog), granted, out);
                }
                continue;
            }
            // A sign-in by OAuth may draw its token from elsewhere, and says so itself.
            Ok(None) if matches!(connection.auth, AuthKind::OAuth(_)) => continue,
            Ok(None) => (
                "its credentials are not in the vault".to_owned(),
                format!("Enter them with `flowyard connect rotate {}`.", connection.id),
            ),
            Err(error) => {
                let why = (error.to_string(), error.hint());
                if error.is_of_all() {
                    shut = Some(error);
                }
                why
            }
        };
        let title = format!("The connection \"{}\" is to be reconnected; steps that need it wait until then", connection.id);
        out.failure("warning", &Failure::new(FailureKind::SignIn, title).detail(why.0).hint(why.1));
    }
}

/// Names the steps that will be refused since a token lacks their scope.
fn lacking(connection: &Connection, needed: &Needed, granted: &[String], out: &mut Printer) {
    for (scope, steps) in needed.missing(granted) {
        let steps: Vec<_> = steps.iter().map(|it| format!("\"{}\" of \"{}\"", it.step, it.flow)).collect();
        let title = format!("The token of \"{}\" lacks {scope}", connection.id);
        let failure = Failure::new(FailureKind::Forbidden, title).detail(format!("{} will be refused", steps.join(", ")));
        let hint = "Give the app that scope at the service, then sign in again";
        out.failure("warning", &failure.hint(format!("{hint}: `flowyard connect sign-in {}`.", connection.id)));
    }
}

/// Whether a file of connections that was named is there.
///
/// # Errors
/// If it is not.
pub(super) fn demand(path: &Path) -> Result<(), Error> {
    super::read::text(path, super::read::SMALL).map(drop)
}
