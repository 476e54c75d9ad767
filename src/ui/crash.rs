//! What is left of a fault that ended the window, for the person and for whoever mends it.
//!
//! Invariant: no value that the program was working on is in it, and so no secret: what a fault quotes is left out.
use std::backtrace::Backtrace;
use std::fs;
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::Once;

use crate::engine::private;

/// The report of an end that nobody has been told of yet, and of the last one that was told.
const FILE: &str = "crash.txt";
const TOLD: &str = "crash-told.txt";

/// From now on a fault leaves a report in the window's directory.
pub fn watch(home: &Path) {
    static ONCE: Once = Once::new();
    let path = home.join(FILE);
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // What cannot be written down is still printed.
            write(&path, &report(info)).ok();
            before(info);
        }));
    });
}

/// The report of the last end, if it was by a fault and nobody was told; from now on it counts as told.
pub(super) fn untold(home: &Path) -> Option<PathBuf> {
    let told = home.join(TOLD);
    fs::rename(home.join(FILE), &told).ok()?;
    Some(told)
}

fn report(info: &PanicHookInfo<'_>) -> String {
    // A message that stands in the program's text quotes nothing.
    let literal = info.payload().downcast_ref::<&str>().map(|it| (*it).to_owned());
    let words = literal.or_else(|| info.payload_as_str().map(without_values)).unwrap_or_else(|| "no words".to_owned());
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let version = env!("CARGO_PKG_VERSION");
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let thread = std::thread::current().name().unwrap_or("without a name").to_owned();
    let trace = Backtrace::force_capture();
    format!("Flowyard {version} on {system} {machine}\nThread: {thread}\nAt {place}: {words}\n\n{trace}\n")
}

/// A message without what it may say of values: all between its first and its last quote, and words that are no plain ones.
fn without_values(words: &str) -> String {
    const QUOTES: [char; 5] = ['"', '`', '\'', '“', '”'];
    let whole = match (words.find(QUOTES), words.rfind(QUOTES)) {
        (Some(first), Some(last)) => {
            let end = words[last..].chars().next().map_or(last, |it| last + it.len_utf8());
            format!("{}…{}", &words[..first], &words[end..])
        }
        _ => words.to_owned(),
    };
    let is_plain = |word: &str| {
        let word = word.trim_end_matches(['.', ',', ':', ';', ')', '}', ']']).trim_start_matches(['(', '{', '[']);
        (word.chars().count() <= 15 && word.chars().all(char::is_alphabetic))
            || (word.len() <= 10 && word.chars().all(|it| it.is_ascii_digit() || it == '.'))
            || word == "…"
    };
    let kept = whole.split_whitespace().map(|word| if is_plain(word) { word } else { "…" });
    kept.collect::<Vec<_>>().join(" ")
}

fn write(path: &Path, report: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        private::make(folder)?;
    }
    private::options().write(true).truncate(true).open(path)?.write_all(report.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fault_quotes_is_left_out_and_what_it_says_stays() {
        for (words, left) in [
            ("index out of bounds: the len is 3 but the index is 7", "index out of bounds: the len is 3 but the index is 7"),
            ("called `Option::unwrap()` on a `None` value", "called … value"),
            (
                "byte index 5 is not a char boundary; it is inside 'ö' (bytes 4..6) of `s3cr\"et ö`",
                "byte index 5 is not a char boundary; it is inside …",
            ),
            ("no such key: tok-0123/en+A", "no such key: …"),
            ("the token abc1 is odd", "the token … is odd"),
            ("an odd \" alone", "an odd … alone"),
            ("", ""),
        ] {
            assert_eq!(without_values(words), left);
        }
    }

    #[test]
    fn a_report_is_told_once_and_kept() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(untold(home.path()), None);
        let folder = home.path().join("new");
        write(&folder.join(FILE), "Flowyard 1\nAt here: words\n").unwrap();
        let told = untold(&folder).unwrap();
        assert_eq!(fs::read_to_string(told).unwrap(), "Flowyard 1\nAt here: words\n");
        assert_eq!(untold(&folder), None);
    }
}
