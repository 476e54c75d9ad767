//! What can go wrong with the journal, in words for people.
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::record::{Failure, FailureKind};
use crate::run::RunId;

/// Why the journal could not be opened, read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process, or another part of this one, has the data directory open.
    #[error("the data directory \"{}\" is in use by another Flowyard{}", .dir.display(), process(.pid.as_ref()))]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// Who holds it, where that can be read.
        pid: Option<u32>,
    },
    /// The data directory does not exist and cannot be made, or cannot be entered.
    #[error("the data directory \"{}\" cannot be used: {detail}", .dir.display())]
    Directory {
        /// The data directory.
        dir: PathBuf,
        /// The system's own words.
        detail: String,
    },
    /// There is nothing to read.
    #[error("there is no journal in \"{}\"", .dir.display())]
    Missing {
        /// The data directory.
        dir: PathBuf,
    },
    /// The directory or file may only be read.
    #[error("\"{}\" is read-only", .path.display())]
    ReadOnly {
        /// The directory or file.
        path: PathBuf,
    },
    /// The directory may not be entered, or the file not be opened.
    #[error("\"{}\" cannot be opened: there is no permission to", .path.display())]
    Denied {
        /// The directory or file.
        path: PathBuf,
    },
    /// No room on the disk, or the journal's own bound is met.
    #[error("there is no room left on the disk for \"{}\"", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file's content is not what was written.
    #[error("the journal \"{}\" is damaged: {detail}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A database that some other program made.
    #[error("\"{}\" is not a journal of Flowyard", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer Flowyard.
    #[error("the journal \"{}\" was written by a newer Flowyard (its version is {found}, this one knows up to {known})", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// Written by an older Flowyard, and not brought up to date by those who only read.
    #[error("the journal \"{}\" was written by an older Flowyard (its version is {found})", .path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: i64,
    },
    /// Some other program holds a lock on the file for too long.
    #[error("another program keeps \"{}\" locked", .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The disk or the system refused.
    #[error("the journal \"{}\" could not be read or written: {detail}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own words.
        detail: String,
    },
    /// The flow took an event with this delivery id before.
    #[error("this delivery was accepted before, as run {run}")]
    Duplicate {
        /// The run that took it.
        run: RunId,
    },
    /// Facts about a run that the journal does not have.
    #[error("run {run} is not in the journal")]
    Unknown {
        /// The run.
        run: RunId,
    },
    /// A second head for a run that exists.
    #[error("run {run} is in the journal already")]
    Exists {
        /// The run.
        run: RunId,
    },
    /// More facts or exchanges at a time, or in a run, than are kept.
    #[error("too much to write down at once: {what}")]
    TooLarge {
        /// What, and the bound.
        what: String,
    },
    /// More is waiting to be written than is kept in memory.
    #[error("more is waiting to be written to the journal than it can hold")]
    Busy,
    /// The journal is closed, or its writer is gone.
    #[error("the journal is closed")]
    Closed,
    /// Where an export goes refused it.
    #[error("the export could not be written: {detail}")]
    Output {
        /// The system's own words.
        detail: String,
    },
}

impl JournalError {
    /// What a person can do about it; may be empty.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "Close the other one, or choose another data directory.",
            Self::Directory { .. } => "Check the path and its permissions, or choose another data directory.",
            Self::Missing { .. } => "Check the data directory; it is made when Flowyard runs there for the first time.",
            Self::ReadOnly { .. } => "Allow writing to it, or choose another data directory.",
            Self::Denied { .. } => "Allow reading and writing it, or choose another data directory.",
            Self::Full { .. } => "Free some space on that disk, or let the journal keep less; writing goes on by itself then.",
            Self::Damaged { .. } => {
                "Put a backup in its place, or move the file and those beside it of the same name away to begin a new journal."
            }
            Self::Foreign { .. } => "Move the file away, or choose another data directory.",
            Self::Newer { .. } => "Update Flowyard, or choose another data directory.",
            Self::Older { .. } => "Start Flowyard once with this data directory; it brings the journal up to date.",
            Self::Locked { .. } => "Close the program that has the file open, for example a database viewer.",
            Self::Io { .. } => "Check the disk, the permissions of the data directory, and limits on the size of files.",
            Self::Busy => "The disk may be too slow or full; send it again a little later.",
            Self::Closed => "Flowyard is stopping; it goes on after its next start.",
            Self::TooLarge { .. } => "Make the step's result smaller, for example with fewer items at a time.",
            Self::Output { .. } => "Check the disk and the permissions of the place that it is written to.",
            Self::Duplicate { .. } | Self::Unknown { .. } | Self::Exists { .. } => "",
        }
    }

    /// Whether only the one append is concerned, and not the disk.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Duplicate { .. } | Self::Unknown { .. } | Self::Exists { .. } | Self::TooLarge { .. })
    }

    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let detail = match error {
            rusqlite::Error::SqliteFailure(cause, words) => words.clone().unwrap_or_else(|| cause.to_string()),
            other => other.to_string(),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            // None is no answer of SQLite, but a value in it that is not what was written there.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => Self::Damaged { path, detail },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            Some(ErrorCode::CannotOpen) => Self::Denied { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Self::Locked { path }
            }
            // SQLite's own words are the same for all that the system refuses.
            Some(ErrorCode::SystemIoFailure) => {
                let what = match error.sqlite_error().map(|it| it.extended_code) {
                    Some(rusqlite::ffi::SQLITE_IOERR_WRITE) => "the system refused to write",
                    Some(rusqlite::ffi::SQLITE_IOERR_READ | rusqlite::ffi::SQLITE_IOERR_SHORT_READ) => {
                        "the system could not read"
                    }
                    Some(rusqlite::ffi::SQLITE_IOERR_FSYNC | rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC) => {
                        "the system could not bring it to the disk"
                    }
                    _ => "the system refused",
                };
                Self::Io { path, detail: format!("{what} ({detail})") }
            }
            Some(_) => Self::Io { path, detail },
        }
    }

    pub(super) fn directory(dir: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly { path: dir.to_owned() },
            io::ErrorKind::StorageFull => Self::Full { path: dir.to_owned() },
            kind => {
                let detail = match kind {
                    io::ErrorKind::AlreadyExists => "there is a file of that name".to_owned(),
                    io::ErrorKind::NotADirectory => "a part of its path is a file".to_owned(),
                    _ => error.to_string(),
                };
                Self::Directory { dir: dir.to_owned(), detail }
            }
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let kind = if matches!(error, JournalError::TooLarge { .. }) { FailureKind::Limit } else { FailureKind::Machine };
        let text = error.to_string();
        let mut letters = text.chars();
        let title = letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
        Self::new(kind, title).hint(error.hint())
    }
}

fn process(pid: Option<&u32>) -> String {
    pid.map(|it| format!(" (process {it})")).unwrap_or_default()
}
