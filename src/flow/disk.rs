//! The edge of this room: the one place of it that touches a disk. Everything else here is pure.
//!
//! Invariant: at any moment, also after a crash or a full disk, the file holds either the old flow or the new one, whole.
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

use super::Flow;
use super::file::{FileError, MAX_BYTES};

/// Why a flow file was not read or not written.
#[derive(Debug, Error)]
pub enum DiskError {
    /// The disk refused to give it.
    #[error("cannot read {}: {}", path.display(), words(source))]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder, a device.
    #[error("cannot read {}: it is not a file", path.display())]
    NotAFile {
        /// What it is called.
        path: PathBuf,
    },
    /// It was read, and is no flow.
    #[error("cannot open {}: {source}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: FileError,
    },
    /// It must not be changed.
    #[error("cannot save {}: the file is read-only. Save under another name, or allow writing to it", path.display())]
    ReadOnly {
        /// Which file.
        path: PathBuf,
    },
    /// The disk refused to take it; the file is as it was.
    #[error("cannot save {}: {}. The file is as it was", path.display(), words(source))]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The flow holds something that its file could not be read back with; the file is as it was.
    #[error("cannot save {}: it could not be opened again: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What would be wrong with it.
        source: FileError,
    },
}

/// The usual system errors, in words.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission".to_owned(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        io::ErrorKind::NotADirectory => "a part of the path is not a folder".to_owned(),
        _ => error.to_string(),
    }
}

/// Reads a flow from its file.
pub fn read(path: &Path) -> Result<Flow, DiskError> {
    let bytes = read_bytes(path)?;
    Flow::parse(&bytes).map_err(|source| DiskError::Content { path: path.to_owned(), source })
}

/// The text of a flow's file, for showing a place in it.
pub fn read_text(path: &Path) -> Result<String, DiskError> {
    let bytes = read_bytes(path)?;
    // Text of a flow that could be read is UTF-8; of any other, what can be shown.
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// At most one byte more than a flow file may have.
fn read_bytes(path: &Path) -> Result<Vec<u8>, DiskError> {
    let failed = |source| DiskError::Read { path: path.to_owned(), source };
    // Asked before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(DiskError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}

/// Writes a flow to its file, at once or not at all: beside it, to the disk, and then in its place. What was there before is
/// kept as [`backup`]. A link is followed and stays; permissions stay, and the owner where the system allows it. A file that
/// already holds this flow is left alone.
pub fn save(flow: &Flow, path: &Path) -> Result<(), DiskError> {
    let text = flow.to_text();
    match Flow::parse(text.as_bytes()) {
        Ok(again) => debug_assert_eq!(again, *flow, "what is written reads as what it was"),
        Err(source) => return Err(DiskError::Unreadable { path: path.to_owned(), source }),
    }
    let failed = |source| DiskError::Write { path: path.to_owned(), source };
    // The file itself, where `path` is a link to it.
    let target = match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => fs::canonicalize(path).map_err(failed)?,
        _ => path.to_owned(),
    };
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let old = match fs::metadata(&target) {
        Ok(found) if !found.is_file() => return Err(DiskError::NotAFile { path: path.to_owned() }),
        Ok(found) if found.permissions().readonly() => return Err(DiskError::ReadOnly { path: path.to_owned() }),
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if let Some(old) = &old {
        let bytes = read_bytes(&target)?;
        if bytes == text.as_bytes() {
            return Ok(());
        }
        replace(&backup(&target), folder, &bytes, Some(old)).map_err(failed)?;
    }
    replace(&target, folder, text.as_bytes(), old.as_ref()).map_err(failed)?;
    sync_folder(folder).map_err(failed)
}

/// Where the flow that was there before the last save is kept: the file's name with a `~` after it.
pub fn backup(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push("~");
    path.with_file_name(name)
}

fn replace(path: &Path, folder: &Path, bytes: &[u8], like: Option<&fs::Metadata>) -> io::Result<()> {
    let mut beside = new_beside(folder)?;
    beside.write_all(bytes)?;
    if let Some(like) = like {
        keep_owner(beside.as_file(), like);
        beside.as_file().set_permissions(like.permissions())?;
    }
    beside.as_file().sync_all()?;
    beside.persist(path)?;
    Ok(())
}

fn new_beside(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".flowyard-").suffix(".tmp");
    // What a new file gets, less what the person's `umask` takes away.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Only a privileged process can give a file away, so a refusal is ordinary.
#[cfg(unix)]
fn keep_owner(file: &File, like: &fs::Metadata) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    fchown(file, Some(like.uid()), Some(like.gid())).unwrap_or_default();
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) {}

/// So that the new name outlives a power cut (`fsync(2)`).
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Edit;
    use crate::flow::testing::Sketch;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_saved_is_read_and_the_flow_before_is_kept() {
        let folder = folder();
        let path = folder.path().join("a.flowyard");
        let mut flow = Sketch::flow("t.out -> a");
        save(&flow, &path).unwrap();
        assert_eq!(read(&path).unwrap(), flow);
        assert_eq!(names(folder.path()), ["a.flowyard"]);

        let before = flow.clone();
        flow.apply(Edit::SetName("Other".to_owned())).unwrap();
        save(&flow, &path).unwrap();
        assert_eq!(read(&path).unwrap(), flow);
        assert_eq!(read(&backup(&path)).unwrap(), before);
        assert_eq!(names(folder.path()), ["a.flowyard", "a.flowyard~"]);

        // The same again is no change, so the backup stays what it was.
        save(&flow, &path).unwrap();
        assert_eq!(read(&backup(&path)).unwrap(), before);
    }

    #[test]
    fn a_file_that_cannot_be_written_stays_as_it_was() {
        let folder = folder();
        let path = folder.path().join("a.flowyard");
        save(&Sketch::flow("t"), &path).unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        let error = save(&Sketch::flow("t.out -> a"), &path).unwrap_err();
        assert!(matches!(error, DiskError::ReadOnly { .. }), "{error}");
        assert_eq!(read(&path).unwrap(), Sketch::flow("t"));

        let error = save(&Sketch::flow("t"), &folder.path().join("no/such/folder.flowyard")).unwrap_err();
        assert!(error.to_string().contains("there is no such file or folder"), "{error}");
        assert_eq!(names(folder.path()), ["a.flowyard"]);
    }

    #[test]
    fn a_flow_that_could_not_be_read_back_is_not_written() {
        let folder = folder();
        let path = folder.path().join("a.flowyard");
        save(&Sketch::flow("t"), &path).unwrap();
        let mut deep = serde_json::Value::Null;
        for _ in 0..200 {
            deep = serde_json::Value::Array(vec![deep]);
        }
        let mut flow = Sketch::flow("t");
        let kind = crate::flow::NodeKind::Trigger(crate::flow::Trigger::Manual { sample: deep });
        flow.apply(Edit::SetKind { id: "t".into(), kind }).unwrap();
        let error = save(&flow, &path).unwrap_err();
        assert!(error.to_string().contains("nested more than 128 deep"), "{error}");
        assert_eq!(read(&path).unwrap(), Sketch::flow("t"));
    }

    #[test]
    fn what_is_no_file_or_no_flow_is_said() {
        let folder = folder();
        let error = read(folder.path()).unwrap_err();
        assert!(matches!(error, DiskError::NotAFile { .. }), "{error}");
        let path = folder.path().join("a.flowyard");
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("there is no such file or folder"), "{error}");
        fs::write(&path, "{\n  \"flowyard\": 1,\n  oops").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("a.flowyard: line 3, column 3: a key in quotes is expected here"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::fs::Permissions;
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = folder();
        let (real, link) = (folder.path().join("real.flowyard"), folder.path().join("link.flowyard"));
        save(&Sketch::flow("t"), &real).unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
        symlink("real.flowyard", &link).unwrap();
        save(&Sketch::flow("t.out -> a"), &link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(read(&real).unwrap(), Sketch::flow("t.out -> a"));
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(folder.path()), ["link.flowyard", "real.flowyard", "real.flowyard~"]);

        let dangling = folder.path().join("dangling.flowyard");
        symlink("nowhere", &dangling).unwrap();
        let error = save(&Sketch::flow("t"), &dangling).unwrap_err();
        assert!(matches!(error, DiskError::Write { .. }), "{error}");
    }
}
