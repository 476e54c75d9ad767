//! Connections for reading, few and shared.
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::JournalError;
use super::blob::Unpacker;
use super::schema::{self, Use};

/// Connections that are kept open; more are opened when more read at a time.
const KEPT: usize = 2;
/// Room for unpacking that is kept between uses.
const KEPT_ROOM: usize = 1 << 20;

/// A connection for reading, and what is needed to understand what it reads.
pub(super) struct Link {
    pub(super) db: Connection,
    pub(super) blobs: Blobs,
}

/// Unpacks blobs into room that is used again.
pub(super) struct Blobs {
    unpacker: Unpacker,
    room: Vec<u8>,
    file: PathBuf,
}

/// The connections to one file.
pub(super) struct Links {
    file: PathBuf,
    /// Whether the directory may only be read, and nobody writes the file.
    fixed: bool,
    kept: Mutex<Vec<Link>>,
}

impl Links {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, fixed: false, kept: Mutex::new(Vec::new()) }
    }

    /// For a file that another process may have open, in a directory that may be read-only.
    pub(super) fn outside(file: PathBuf) -> Result<Self, JournalError> {
        let usable = |db: &Connection| schema::check(db, &file);
        let error = match schema::connect(&file, Use::Read).and_then(|db| usable(&db)) {
            Ok(()) => return Ok(Self::new(file)),
            Err(error) => error,
        };
        // A directory without a place for the log's index: only if nobody can be writing there either.
        if matches!(error, JournalError::Io { .. } | JournalError::ReadOnly { .. } | JournalError::Denied { .. }) {
            let db = schema::connect_fixed(&file)?;
            usable(&db)?;
            return Ok(Self { file, fixed: true, kept: Mutex::new(Vec::new()) });
        }
        Err(error)
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Lends a connection to `work`.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Link) -> Result<T, JournalError>) -> Result<T, JournalError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut link = match kept {
            Some(link) => link,
            None => self.open()?,
        };
        let done = work(&mut link);
        link.blobs.room.clear();
        link.blobs.room.shrink_to(KEPT_ROOM);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(link);
        }
        done
    }

    /// Closes those that are kept.
    pub(super) fn close(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn open(&self) -> Result<Link, JournalError> {
        let db = if self.fixed { schema::connect_fixed(&self.file)? } else { schema::connect(&self.file, Use::Read)? };
        let unpacker = Unpacker::new().map_err(|detail| JournalError::Io { path: self.file.clone(), detail })?;
        Ok(Link { db, blobs: Blobs { unpacker, room: Vec::new(), file: self.file.clone() } })
    }
}

impl Blobs {
    /// The plain bytes of a blob of this run.
    pub(super) fn unpack<'a>(&'a mut self, blob: &'a [u8], run: u64) -> Result<&'a [u8], JournalError> {
        let Self { unpacker, room, file } = self;
        unpacker.unpack(blob, room).map_err(|detail| damaged(file, run, &detail))
    }

    pub(super) fn damaged(&self, run: u64, detail: &str) -> JournalError {
        damaged(&self.file, run, detail)
    }
}

pub(super) fn damaged(file: &Path, run: u64, detail: &str) -> JournalError {
    JournalError::Damaged { path: file.to_owned(), detail: format!("in run {run}, {detail}") }
}
