//! A person's environments: the accounts that flows really work on, and others such as those to try things on.
//!
//! What runs in another environment than [`Connection::LIVE`] is logged in a place of its own, so that an engine for each can be
//! at work at the same time.
use std::path::{Path, PathBuf};

use crate::connector::Connection;

/// Where the logs of other environments are, in a data directory.
const DIR: &str = "environments";

/// What a name may be, in words.
pub(super) const NAMES: &str = "an environment's name is at most 64 letters, digits, \"-\", \"_\" and \".\"";

/// Whether an environment can be called so: the name is also that of a directory.
pub fn is_environment(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.');
    (1..=64).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.')
}

/// Where runs in an environment are logged.
pub fn log_of(data: &Path, environment: &str) -> PathBuf {
    if environment == Connection::LIVE { data.to_owned() } else { data.join(DIR).join(environment) }
}

/// Where runs on real services are logged: the data directory, and the places of other environments that are there.
pub fn logs(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data.join(DIR)).into_iter().flatten().flatten();
    let mut others: Vec<PathBuf> = entries.map(|it| it.path()).filter(|it| it.is_dir()).collect();
    others.sort();
    std::iter::once(data.to_owned()).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_has_a_plain_name_and_a_place_of_its_own() {
        for name in ["live", "staging", "a", "A-b_c.1"] {
            assert!(is_environment(name), "{name}");
        }
        let long = "x".repeat(65);
        for name in ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "ä", &long] {
            assert!(!is_environment(name), "{name}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(log_of(dir.path(), "live"), dir.path());
        assert_eq!(logs(dir.path()), [dir.path()]);
        let staging = log_of(dir.path(), "staging");
        std::fs::create_dir_all(&staging).unwrap();
        assert_eq!(logs(dir.path()), [dir.path().to_owned(), staging]);
    }
}
