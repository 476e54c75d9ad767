//! Why a secret could not be read or kept, in words for a person.
//!
//! Invariant: none of these words holds a secret, or a part of one.
use std::path::PathBuf;

use thiserror::Error;

use crate::record::{Failure, FailureKind};

/// Why the vault did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VaultError {
    /// There is neither a keychain that answers nor a key to an encrypted file.
    #[error("this machine has no keychain that answers, and no key to an encrypted file was given: {why}")]
    NoPlace {
        /// What the system said.
        why: String,
    },
    /// The keychain is there, and is locked, or its owner said no.
    #[error("the keychain of the system is locked: {why}")]
    Locked {
        /// What the system said.
        why: String,
    },
    /// The keychain is there, and failed.
    #[error("the keychain of the system failed: {why}")]
    Keychain {
        /// What the system said.
        why: String,
    },
    /// The encrypted file is there, and neither a passphrase nor a key file was given.
    #[error("{} is encrypted, and neither its passphrase nor its key file was given", path.display())]
    NoKey {
        /// The encrypted file.
        path: PathBuf,
    },
    /// What was given does not open the encrypted file.
    #[error("{} is not opened by {given}", path.display())]
    WrongKey {
        /// The encrypted file.
        path: PathBuf,
        /// What was given: a passphrase, or which key file.
        given: String,
    },
    /// The key file cannot be used.
    #[error("the key file {} cannot be used: {why}", path.display())]
    KeyFile {
        /// The key file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The encrypted file, or what the keychain keeps for a connection, is not whole.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// Which file, or which connection's secret.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Written by a Flowyard that knows more.
    #[error("{what} is of version {found}, and this Flowyard knows {known}")]
    Version {
        /// Which file, or which connection's secret.
        what: String,
        /// Its version.
        found: u64,
        /// The newest that is known here.
        known: u64,
    },
    /// The disk refused.
    #[error("{} cannot be {}: {why}", path.display(), if *writing { "written" } else { "read" })]
    Disk {
        /// Which file.
        path: PathBuf,
        /// Whether it was written.
        writing: bool,
        /// What the system said.
        why: String,
    },
}

impl VaultError {
    /// Whether every other secret of the vault meets the same fault.
    pub fn is_of_all(&self) -> bool {
        !matches!(self, Self::Damaged { .. } | Self::Version { .. } | Self::Disk { .. })
    }

    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoPlace { .. } => {
                "Either unlock or install a keychain (GNOME Keyring, KWallet or KeePassXC on Linux), or let secrets be kept in \
                 an encrypted file: set FLOWYARD_VAULT_PASSPHRASE, or FLOWYARD_VAULT_KEY_FILE to the path of a key file that \
                 `flowyard connect key FILE` makes"
                    .to_owned()
            }
            Self::Locked { .. } => "Unlock it, then try again".to_owned(),
            Self::Keychain { .. } => "Look whether the keychain is running and unlocked, then try again".to_owned(),
            Self::NoKey { .. } => {
                "Set FLOWYARD_VAULT_PASSPHRASE, or FLOWYARD_VAULT_KEY_FILE to the path of the key file (or give --vault-key-file)"
                    .to_owned()
            }
            Self::WrongKey { .. } => {
                "Give the passphrase or the key file that it was made with. If that is lost, move the file away and enter the \
                 credentials again with `flowyard connect rotate`"
                    .to_owned()
            }
            Self::KeyFile { .. } => {
                "`flowyard connect key FILE` makes a new one; a vault can only be opened with the one that it was made with"
                    .to_owned()
            }
            Self::Damaged { .. } => "Put back a copy, or enter the credentials again with `flowyard connect rotate`".to_owned(),
            Self::Version { .. } => "Use the newer Flowyard that wrote it".to_owned(),
            Self::Disk { writing: true, .. } => "Look at its permissions and at the free space".to_owned(),
            Self::Disk { writing: false, .. } => "Look at its permissions".to_owned(),
        }
    }
}

/// A machine's fault where the disk refuses; else a person has to unlock something or sign in again.
impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let kind = match error {
            VaultError::Disk { .. } => FailureKind::Machine,
            _ => FailureKind::SignIn,
        };
        let title = match error {
            VaultError::NoPlace { .. } => "There is no place to keep secrets in",
            VaultError::Locked { .. } => "The keychain is locked",
            VaultError::Keychain { .. } => "The keychain failed",
            VaultError::NoKey { .. } | VaultError::WrongKey { .. } | VaultError::KeyFile { .. } => "The vault cannot be opened",
            VaultError::Damaged { .. } | VaultError::Version { .. } => "The vault cannot be read",
            VaultError::Disk { writing, .. } => {
                if writing {
                    "The vault cannot be written"
                } else {
                    "The vault cannot be read"
                }
            }
        };
        Self::new(kind, title).detail(error.to_string()).hint(error.hint())
    }
}
