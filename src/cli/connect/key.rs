//! `flowyard connect key`: a key for the encrypted file of secrets.
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::exit::{Error, Exit};
use crate::cli::print::{DIM, Printer, paint};
use crate::engine::VaultKey;
use crate::record::Failure;

/// Make a key file for secrets that are kept in an encrypted file, where there is no keychain
#[derive(Debug, Args)]
pub(super) struct Key {
    /// The file to make; it must not be there yet
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Key, out: &mut Printer) -> Result<Exit, Error> {
    VaultKey::make_file(&args.file).map_err(Failure::from)?;
    if args.json {
        out.json(&json!({ "key_file": args.file }));
    } else {
        out.line(format_args!("Made {}", args.file.display()));
        out.say(paint(DIM, "Keep it apart from the data directory, and a copy of it: without it the secrets are lost."));
        // Wherever Flowyard is started from.
        let path = std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone());
        out.say(paint(DIM, format_args!("Next: set FLOWYARD_VAULT_KEY_FILE={}", path.display())));
    }
    Ok(Exit::Done)
}
