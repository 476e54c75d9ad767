//! Who uses the budgets of a data directory, and whether they still do.
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::connector::disk::{self, Lock};

/// The end of the name of a file that its process holds locked for as long as it lives.
const ALIVE: &str = "alive";

/// One who uses the budgets of a data directory: a process, mostly. Others see that it is gone by its lock, which the system
/// gives up with it, however it ends.
#[derive(Debug)]
pub(in crate::connector) struct Member {
    data: PathBuf,
    held: OnceLock<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    id: u64,
    path: PathBuf,
    _file: File,
}

impl Member {
    pub(in crate::connector) fn of(data: &Path) -> Self {
        Self { data: data.to_owned(), held: OnceLock::new() }
    }

    /// Where the budgets of a data directory are.
    pub(super) fn dir(data: &Path) -> PathBuf {
        data.join("budgets")
    }

    pub(super) fn budgets(&self) -> PathBuf {
        Self::dir(&self.data)
    }

    /// Its number among all; none where the directory cannot be used. Made when it is first asked for.
    pub(super) fn id(&self) -> Option<u64> {
        let held = self.held.get_or_init(|| {
            let joined = join(&self.data);
            joined
                .inspect_err(
                    |error| tracing::warn!(%error, "budgets are counted in this process alone: their directory cannot be used"),
                )
                .ok()
        });
        held.as_ref().map(|it| it.id)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(Some(held)) = self.held.get() {
            fs::remove_file(&held.path).ok();
        }
    }
}

fn join(data: &Path) -> io::Result<Held> {
    let dir = Member::dir(data);
    disk::make(&dir)?;
    // Nobody sees a file that is made and not yet locked.
    let _lock = Lock::wait(data, "budgets")?;
    sweep(&dir);
    let id = getrandom::u64()?.max(1);
    let path = path(&dir, id);
    let mut options = File::options();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    file.lock()?;
    Ok(Held { id, path, _file: file })
}

fn path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:016x}.{ALIVE}"))
}

/// Removes what processes that are gone have left.
fn sweep(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|it| it == ALIVE) {
            is_gone(&path);
        }
    }
}

/// Whether a member is gone for good.
pub(super) fn has_left(dir: &Path, id: u64) -> bool {
    is_gone(&path(dir, id))
}

fn is_gone(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => match file.try_lock() {
            Ok(()) => {
                fs::remove_file(path).ok();
                true
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        },
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_there_until_it_ends_and_leaves_nothing() {
        let data = tempfile::tempdir().unwrap();
        let dir = Member::dir(data.path());
        let (one, two) = (Member::of(data.path()), Member::of(data.path()));
        let (first, second) = (one.id().unwrap(), two.id().unwrap());
        assert!(first != second && one.id() == Some(first));
        assert!(!has_left(&dir, first) && !has_left(&dir, second));
        drop(one);
        assert!(has_left(&dir, first) && !has_left(&dir, second));
        drop(two);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    }

    #[test]
    fn what_a_process_left_that_was_killed_is_removed_by_the_next() {
        let data = tempfile::tempdir().unwrap();
        let dir = Member::dir(data.path());
        fs::create_dir_all(&dir).unwrap();
        fs::write(path(&dir, 5), "").unwrap();
        let next = Member::of(data.path());
        let id = next.id().unwrap();
        assert!(has_left(&dir, 5) && !has_left(&dir, id));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
    }

    #[test]
    fn a_directory_that_cannot_be_used_makes_no_member() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("file"), "").unwrap();
        assert_eq!(Member::of(&data.path().join("file")).id(), None);
    }
}
