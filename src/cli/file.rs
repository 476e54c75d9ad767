//! Writing files that people name: at once or not at all.
use std::fs::File;
use std::path::Path;

use super::exit::Error;

/// Writes beside the file, and puts it in its place once all of it is on the disk.
///
/// # Errors
/// Those of `write`, and whatever keeps the file from being written; it is then as it was.
pub(super) fn replace<T>(path: &Path, write: impl FnOnce(&mut File) -> Result<T, Error>) -> Result<T, Error> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let failed = |error: std::io::Error| unwritable(path, &error);
    if path.is_dir() {
        return Err(unwritable(path, &"It is a directory."));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".flowyard-").suffix(".tmp");
    // What a new file gets, less what the person's `umask` takes away.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut beside = builder.tempfile_in(folder).map_err(failed)?;
    let written = write(beside.as_file_mut())?;
    beside.as_file().sync_all().map_err(failed)?;
    beside.persist(path).map_err(|error| failed(error.error))?;
    Ok(written)
}

/// The words for a file that cannot be written.
pub(super) fn unwritable(path: &Path, detail: &dyn ToString) -> Error {
    Error::machine(format!("Cannot write {}", path.display()), detail, "Check the path, its permissions and the free space.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_could_not_be_written_whole_is_as_it_was() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, "old").unwrap();
        let failed: Result<(), Error> = replace(&path, |file| {
            file.write_all(b"half").unwrap();
            Err(unwritable(&path, &"no room"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        replace(&path, |file| file.write_all(b"new").map_err(|error| unwritable(&path, &error))).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
