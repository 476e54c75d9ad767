//! Reading files that people name, within bounds.
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use serde_json::Value;

use super::exit::{Error, Exit};

/// Flow files, connections.
pub(super) const SMALL: u64 = 16 << 20;
/// Inputs, documents to import.
pub(super) const LARGE: u64 = 64 << 20;

/// The text of a file, which may be at most so many bytes.
///
/// # Errors
/// If it cannot be read, is longer, or is not UTF-8.
pub(super) fn text(path: &Path, longest: u64) -> Result<String, Error> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| unreadable(&name, &error))?;
    if file.metadata().is_ok_and(|it| it.is_dir()) {
        return Err(wrong(&name, "It is a directory.", "Name a file."));
    }
    bounded(file, &name, longest)
}

/// The text of standard input.
///
/// # Errors
/// As for a file.
pub(super) fn standard_input(longest: u64) -> Result<String, Error> {
    bounded(io::stdin().lock(), "standard input", longest)
}

/// JSON from a file, or from standard input where the name is `-`.
///
/// # Errors
/// If it cannot be read, or is no JSON.
pub(super) fn json(path: &Path) -> Result<Value, Error> {
    let (name, text) = if path.as_os_str() == "-" {
        ("standard input".to_owned(), standard_input(LARGE)?)
    } else {
        (path.display().to_string(), text(path, LARGE)?)
    };
    serde_json::from_str(&text).map_err(|error| wrong(&name, &format!("It is not JSON: {error}."), "Correct it at that place."))
}

fn bounded(from: impl io::Read, name: &str, longest: u64) -> Result<String, Error> {
    let mut bytes = Vec::new();
    from.take(longest + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    if bytes.len() as u64 > longest {
        return Err(wrong(name, &format!("It is longer than {} MB.", longest >> 20), "Name a smaller file."));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        wrong(name, &format!("It is not text in UTF-8: byte {at} is not."), "Save it as UTF-8.")
    })
}

fn unreadable(name: &str, error: &io::Error) -> Error {
    let hint = match error.kind() {
        ErrorKind::NotFound => "Check the path.",
        ErrorKind::PermissionDenied => "Allow reading it.",
        _ => "Check the path and the disk.",
    };
    wrong(name, &error.to_string(), hint)
}

fn wrong(name: &str, detail: &str, hint: &str) -> Error {
    Error::new(Exit::File, Error::file(format!("Cannot read {name}")).detail(detail).hint(hint))
}
