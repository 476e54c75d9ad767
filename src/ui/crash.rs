//! What is left of a fault that ended the window, for the person and for whoever mends it.
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
pub(super) fn watch(home: &Path) {
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
    let words = info.payload_as_str().unwrap_or("no words");
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let version = env!("CARGO_PKG_VERSION");
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    let thread = std::thread::current().name().unwrap_or("without a name").to_owned();
    let trace = Backtrace::force_capture();
    format!("Flowyard {version} on {system} {machine}\nThread: {thread}\nAt {place}: {words}\n\n{trace}\n")
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
