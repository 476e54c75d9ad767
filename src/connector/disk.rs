//! Files of a data directory that are private, whole, and written by one process at a time.
//!
//! Invariant: at any moment, also after a crash or a full disk, a file holds either the old text or the new one, whole.
//! Invariant: what is made here is for its owner alone: directories of mode 0700, files of mode 0600, where there are modes.
use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

/// A lock among all processes that use a data directory; gone when dropped, or with the process.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock of this name in `locks/` of the data directory. Blocks; it is held for moments only.
    ///
    /// # Errors
    /// As the system says.
    pub fn wait(data: &Path, name: &str) -> io::Result<Self> {
        let file = Self::file(data, name)?;
        file.lock()?;
        Ok(Self { _file: file })
    }

    /// The same without waiting; none where another holds it.
    ///
    /// # Errors
    /// As the system says.
    pub fn attempt(data: &Path, name: &str) -> io::Result<Option<Self>> {
        let file = Self::file(data, name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn file(data: &Path, name: &str) -> io::Result<File> {
        let dir = data.join("locks");
        make(&dir)?;
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(dir.join(format!("{name}.lock")))
    }
}

/// Makes a directory, and those above it that are missing.
///
/// # Errors
/// As the system says.
pub fn make(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}

/// What a file holds, of at most so many bytes; none where there is no such file.
///
/// # Errors
/// As the system says, or if it is longer or no file.
pub fn read(path: &Path, longest: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::other(format!("it is longer than {longest} bytes")));
    }
    Ok(Some(bytes))
}

/// Puts a file in the place of the one of this name, which is never seen half written. Its directory is made where it is missing.
///
/// # Errors
/// As the system says; the old file is untouched then.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    make(dir)?;
    // Made for its owner alone before anything is in it.
    let mut beside = tempfile::NamedTempFile::new_in(dir)?;
    beside.write_all(bytes)?;
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b.json");
        assert_eq!(read(&path, 10).unwrap(), None);
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(read(&path, 10).unwrap().as_deref(), Some(&b"two"[..]));
        assert!(read(&path, 2).is_err(), "too long");
        assert!(read(dir.path(), 10).is_err(), "a directory");
        assert_eq!(std::fs::read_dir(dir.path().join("a")).unwrap().count(), 1, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&dir.path().join("a"))), (0o600, 0o700));
        }
    }

    #[test]
    fn one_holds_a_lock_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let held = Lock::wait(dir.path(), "x").unwrap();
        assert!(Lock::attempt(dir.path(), "x").unwrap().is_none());
        assert!(Lock::attempt(dir.path(), "y").unwrap().is_some());
        drop(held);
        assert!(Lock::attempt(dir.path(), "x").unwrap().is_some());
    }
}
