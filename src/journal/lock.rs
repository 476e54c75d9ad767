//! One writer for a data directory: a lock file that the system lets go of when its holder ends, however it ends.
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use super::{JournalError, private};

/// Held as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock, and writes this process's id into the file.
    pub(super) fn take(dir: &Path) -> Result<Self, JournalError> {
        let failed = |error: &std::io::Error| JournalError::directory(dir, error);
        let path = dir.join("flowyard.lock");
        let mut file = private::options().read(true).write(true).truncate(false).open(path).map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // Where locks are mandatory the id cannot be read, and the message goes without.
                let mut text = String::new();
                let pid = (&file).take(20).read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(JournalError::InUse { dir: dir.to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        let pid = std::process::id().to_string();
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(pid.as_bytes()));
        written.map_err(|error| failed(&error))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The name of the holder goes with it; the file stays, since removing it could remove a later holder's lock.
        self.file.set_len(0).ok();
        self.file.unlock().ok();
    }
}
