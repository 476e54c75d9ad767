//! Keeping what lies in a data directory to its owner: directories of mode 0700 and files of mode 0600, where the system has modes.
//! Elsewhere what a person's own directory inherits is private already.
//!
//! Invariant: nothing that is not ours is changed: in a directory that holds other things as well, only our files are narrowed.
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Files and directories that are made in a data directory, by what their names begin with.
#[cfg(unix)]
const OURS: &[&str] = &[
    "journal.db",
    "search.",
    "flowyard.lock",
    "door.json",
    "window.json",
    "crash",
    "connections.json",
    "bindings.json",
    "vault.",
    "locks",
    "drafts",
    "sandbox",
    ".window-",
    ".draft-",
    ".tmp",
];

/// Makes a directory, and those above it that are missing, for its owner alone.
///
/// # Errors
/// As the system says.
pub fn make(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}

/// How a file is opened that is made for its owner alone if it is not there.
pub fn options() -> OpenOptions {
    let mut options = File::options();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a data directory private that is there, with what is ours in it. Says in words for a person what others can still read,
/// and why; none where there is nothing to say.
pub fn keep(dir: &Path) -> Option<String> {
    #[cfg(unix)]
    return narrow(dir);
    #[cfg(not(unix))]
    {
        let _: &Path = dir;
        None
    }
}

#[cfg(unix)]
fn narrow(dir: &Path) -> Option<String> {
    use std::fs;

    let mut left = Vec::new();
    let mut is_shared = false;
    let is_ours = |name: &str| OURS.iter().any(|it| name.starts_with(it));
    for entry in fs::read_dir(dir).ok()?.flatten() {
        if !is_ours(&entry.file_name().to_string_lossy()) {
            is_shared = true;
            continue;
        }
        let path = entry.path();
        // A link is left alone: what it leads to may be anybody's.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            left.extend(limit(&path, 0o700));
            let within = fs::read_dir(&path).into_iter().flatten().flatten();
            let files = within.filter(|it| it.file_type().is_ok_and(|it| it.is_file()));
            left.extend(files.filter_map(|it| limit(&it.path(), 0o600)));
        } else if kind.is_file() {
            left.extend(limit(&path, 0o600));
        }
    }
    if is_shared {
        let mode = mode_of(dir)?;
        // Our files in it are private by themselves; who may write there could still put others in their place.
        if mode & 0o022 != 0 {
            left.push(format!(
                "others may write in \"{}\" (its mode is {mode:04o}), and it holds more than Flowyard's own, so that was left as it is",
                dir.display()
            ));
        }
    } else {
        left.extend(limit(dir, 0o700));
    }
    let more = left.len().saturating_sub(1);
    let words = left.into_iter().next()?;
    Some(if more > 0 { format!("{words}; and {more} more") } else { words })
}

/// Takes away what others may do with it; in words, where that is refused.
#[cfg(unix)]
fn limit(path: &Path, most: u32) -> Option<String> {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let mode = mode_of(path)?;
    let wanted = mode & most;
    if wanted == mode {
        return None;
    }
    let error = set_permissions(path, Permissions::from_mode(wanted)).err()?;
    // Gone meanwhile: nobody can read it.
    (error.kind() != io::ErrorKind::NotFound).then(|| {
        format!("\"{}\" can be read by others (its mode is {mode:04o}), and that cannot be changed: {error}", path.display())
    })
}

#[cfg(unix)]
fn mode_of(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::symlink_metadata(path).ok().map(|it| it.permissions().mode() & 0o7777)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_made_is_private_from_the_first() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("a/b");
        make(&dir).unwrap();
        make(&dir).unwrap();
        assert_eq!((mode_of(&dir), mode_of(&place.path().join("a"))), (Some(0o700), Some(0o700)));
        options().write(true).truncate(true).open(dir.join("f")).unwrap();
        assert_eq!(mode_of(&dir.join("f")), Some(0o600));
    }

    #[test]
    fn what_is_wider_is_narrowed_and_what_is_not_ours_left() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("data");
        fs::create_dir_all(dir.join("drafts")).unwrap();
        for (name, mode) in
            [("journal.db", 0o644), ("window.json", 0o666), ("drafts/1.jsonl", 0o640), ("connections.json", 0o400)]
        {
            fs::write(dir.join(name), "").unwrap();
            set(&dir.join(name), mode);
        }
        set(&dir, 0o755);
        set(&dir.join("drafts"), 0o777);
        assert_eq!(keep(&dir), None);
        let mode = |name: &str| mode_of(&dir.join(name)).unwrap();
        assert_eq!([mode(""), mode("drafts")], [0o700, 0o700]);
        assert_eq!([mode("journal.db"), mode("window.json"), mode("drafts/1.jsonl")], [0o600; 3]);
        assert_eq!(mode("connections.json"), 0o400, "nothing is added");
    }

    #[test]
    fn a_directory_with_other_things_keeps_its_mode_and_that_is_told_where_it_matters() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path();
        for name in ["journal.db", "holiday.jpg"] {
            fs::write(dir.join(name), "").unwrap();
            set(&dir.join(name), 0o644);
        }
        set(dir, 0o755);
        assert_eq!(keep(dir), None);
        let mode = |name: &str| mode_of(&dir.join(name)).unwrap();
        assert_eq!([mode(""), mode("journal.db"), mode("holiday.jpg")], [0o755, 0o600, 0o644]);
        set(dir, 0o777);
        let words = keep(dir).unwrap();
        assert!(words.contains("others may write in") && words.contains("0777"), "{words}");
        assert_eq!(mode(""), 0o777);
        // A link is not followed.
        let other = place.path().join("holiday.jpg");
        std::os::unix::fs::symlink(&other, dir.join("window.json")).unwrap();
        keep(dir);
        assert_eq!(mode_of(&other), Some(0o644));
        set(dir, 0o700);
        assert_eq!(keep(&dir.join("nowhere")), None);
    }
}
