//! One refresh of a connection at a time, across processes, and a note of the one that is under way.
//!
//! Invariant: the note holds no secret: a digest of the refresh token, and when.
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::connector::ConnectionId;
use crate::record::{Failure, FailureKind};

/// How long another process may take with its refresh: its request, its store, and some more.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often it is asked whether the other is done.
const PAUSE: Duration = Duration::from_millis(25);

/// What tells two tokens apart without being one.
pub(super) type Mark = [u8; 32];

/// Held while a connection's tokens are changed; the system gives it up when the process ends, however it ends.
pub(super) struct Lock {
    file: File,
}

/// A refresh that was begun and, if the lock is free, never ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Which refresh token was sent, in hex.
    token: String,
    /// When.
    pub(super) at: Timestamp,
}

impl Begun {
    fn new(token: &Mark) -> Self {
        Self { token: hex(token), at: Timestamp::now() }
    }

    /// Whether it was with this refresh token.
    pub(super) fn is_of(&self, token: &Mark) -> bool {
        self.token == hex(token)
    }
}

impl Lock {
    /// Waits for it, on a thread for waiting.
    ///
    /// # Errors
    /// If another process does not give it up, or the directory cannot be used.
    pub(super) async fn take(dir: &Path, id: &ConnectionId) -> Result<Self, Failure> {
        let path = path(dir, id);
        let waited = tokio::task::spawn_blocking(move || Self::wait(&path)).await;
        waited.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| {
            let failure = Failure::new(FailureKind::Machine, format!("The sign-in of {:?} could not be renewed", id.as_str()));
            if error.kind() == io::ErrorKind::TimedOut {
                failure
                    .detail("Another Flowyard on this machine is at it, and does not come to an end")
                    .hint("End the other one, or start it again.")
            } else {
                failure.detail(error.to_string()).hint(format!("See that {} can be written.", dir.display()))
            }
        })
    }

    fn wait(path: &Path) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            private(dir)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file }),
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::TimedOut.into()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// The refresh that never ended, if there is one.
    pub(super) fn begun(&mut self) -> Option<Begun> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        (&self.file).take(4096).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Notes on the disk that a refresh with this token is under way.
    ///
    /// # Errors
    /// If it cannot be written; then nothing may be sent.
    pub(super) fn begin(&mut self, token: &Mark) -> io::Result<()> {
        let text = serde_json::to_vec(&Begun::new(token)).map_err(io::Error::other)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.sync_data()
    }

    /// What came of it is stored, or the service did nothing. If this is lost the note is of a token that is no longer kept.
    pub(super) fn end(&mut self) {
        self.file.set_len(0).ok();
    }
}

fn path(dir: &Path, id: &ConnectionId) -> PathBuf {
    let digest: Mark = Sha256::digest(id.as_str()).into();
    dir.join(format!("{}.lock", hex(&digest).get(..32).unwrap_or_default()))
}

#[cfg(unix)]
fn private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn private(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|it| [it >> 4, it & 15]).filter_map(|it| char::from_digit(it.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refresh_that_never_ended_is_known_to_the_next_who_takes_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let (id, mark) = (ConnectionId::new("a/../b"), [7; 32]);
        let mut lock = Lock::take(dir.path(), &id).await.unwrap();
        assert_eq!(lock.begun(), None);
        lock.begin(&mark).unwrap();
        drop(lock);
        let mut lock = Lock::take(dir.path(), &id).await.unwrap();
        let begun = lock.begun().unwrap();
        assert!(begun.is_of(&mark) && !begun.is_of(&[8; 32]));
        lock.begin(&[9; 32]).unwrap();
        assert!(lock.begun().unwrap().is_of(&[9; 32]));
        lock.end();
        assert_eq!(lock.begun(), None);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the id is no path");
    }

    #[tokio::test]
    async fn two_never_hold_it_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let id = ConnectionId::new("crm");
        let first = Lock::take(dir.path(), &id).await.unwrap();
        let other = path(dir.path(), &id);
        assert!(matches!(File::open(&other).unwrap().try_lock(), Err(TryLockError::WouldBlock)));
        let waits = {
            let (dir, id) = (dir.path().to_owned(), id.clone());
            tokio::spawn(async move { Lock::take(&dir, &id).await.is_ok() })
        };
        assert!(Lock::take(dir.path(), &ConnectionId::new("other")).await.is_ok(), "another connection has a lock of its own");
        drop(first);
        assert!(waits.await.unwrap());
    }

    #[tokio::test]
    async fn a_place_that_cannot_be_written_is_told_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let failure = Lock::take(&file.join("locks"), &ConnectionId::new("crm")).await.err().unwrap();
        assert!(failure.kind == FailureKind::Machine && failure.hint.contains("can be written"), "{failure}");
    }

    #[tokio::test]
    async fn a_damaged_note_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let id = ConnectionId::new("crm");
        fs::write(path(dir.path(), &id), "{\"token\": 5").unwrap();
        assert_eq!(Lock::take(dir.path(), &id).await.unwrap().begun(), None);
    }
}
