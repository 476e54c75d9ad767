//! Where a file of a name lies: below a folder, or nowhere.
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Folders that may lie within each other below the connection's.
const DEEPEST: usize = 8;
/// As most file systems have it, in bytes.
const LONGEST: usize = 255;
/// Names that stand for devices on Windows, with any ending.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Why a name leads to no file.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It cannot be one: why.
    Name(String),
    /// The system said no.
    System(io::Error),
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// The path of a file below a folder. No part of it leads through a link.
pub(super) fn below(folder: &Path, name: &str) -> Result<PathBuf, Wrong> {
    let mut path = folder.to_owned();
    for part in parts(name)? {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                return Err(Wrong::Name(format!("{part:?} is a link, which may lead out of the folder")));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(path)
}

/// The same, with the folders that it lies in made; the connection's own folder is not.
pub(super) fn made_below(folder: &Path, name: &str) -> Result<PathBuf, Wrong> {
    let path = below(folder, name)?;
    // Where a disk is not connected, its folder is not made on another one.
    if !fs::metadata(folder)?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory).into());
    }
    if let Some(parent) = path.parent().filter(|it| *it != folder) {
        fs::create_dir_all(parent)?;
    }
    Ok(path)
}

/// Gives a new file the permissions of the one that it replaces, or those that files usually have.
#[cfg(unix)]
pub(super) fn like_others(new: &File, old: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(old).map_or(0o644, |it| it.permissions().mode() & 0o777);
    new.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(super) fn like_others(_new: &File, _old: &Path) -> io::Result<()> {
    Ok(())
}

/// The folders and the file that a name is made of.
fn parts(name: &str) -> Result<Vec<&str>, Wrong> {
    let wrong = |why: &str| Err(Wrong::Name(format!("{name:?} cannot be the name of a file: {why}")));
    let parts: Vec<&str> = name.split(['/', '\\']).collect();
    if parts.len() > DEEPEST {
        return wrong("it has too many folders within each other");
    }
    for part in &parts {
        if part.is_empty() {
            return wrong("a part of it is empty, or it begins or ends with a slash");
        }
        if part.chars().all(|it| it == '.') {
            return wrong("it must not lead out of the folder");
        }
        if part.len() > LONGEST {
            return wrong("it is too long");
        }
        if part.chars().any(|it| it.is_control() || "<>:\"|?*".contains(it)) {
            return wrong("it may have no : < > \" | ? * and nothing that is not seen");
        }
        if part.ends_with(['.', ' ']) || part.starts_with(' ') {
            return wrong("it must not begin with a space, nor end with one or a dot");
        }
        let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
        let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
        if DEVICES.contains(&stem.as_str()) || port.is_some_and(|it| it.len() == 1 && it.chars().all(|it| it.is_ascii_digit())) {
            return wrong("the name stands for a device on some systems");
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_a_file_below_the_folder_or_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        for (name, expected) in [
            ("a.csv", Some("a.csv")),
            ("reports/March 2026.csv", Some("reports/March 2026.csv")),
            ("reports\\a.csv", Some("reports/a.csv")),
            ("Überblick.txt", Some("Überblick.txt")),
            (".hidden", Some(".hidden")),
            ("", None),
            ("..", None),
            ("../a.csv", None),
            ("a/../../b.csv", None),
            ("a\\..\\..\\b.csv", None),
            ("...", None),
            ("/etc/passwd", None),
            ("C:\\a.csv", None),
            ("a//b", None),
            ("a/", None),
            ("a\0b", None),
            ("a\nb", None),
            ("nul.txt", None),
            ("COM1", None),
            ("company.csv", Some("company.csv")),
            ("a. ", None),
            ("1/2/3/4/5/6/7/8/9", None),
        ] {
            let found = below(folder.path(), name).ok();
            assert_eq!(found, expected.map(|it| folder.path().join(it)), "{name:?}");
        }
        assert!(below(folder.path(), &"a".repeat(256)).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed_out_of_the_folder() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("a.txt"), folder.path().join("a.txt")).unwrap();
        for name in ["out/a.txt", "a.txt", "out"] {
            assert!(matches!(below(folder.path(), name), Err(Wrong::Name(why)) if why.contains("is a link")), "{name}");
        }
        assert!(made_below(folder.path(), "new/b.txt").is_ok() && folder.path().join("new").is_dir());
        assert!(matches!(made_below(&folder.path().join("away"), "b.txt"), Err(Wrong::System(_))));
    }

    proptest::proptest! {
        #[test]
        fn no_name_leads_out(name in "[./\\\\a-z: \\PC]{0,24}") {
            let folder = Path::new("/no/such/folder");
            if let Ok(path) = below(folder, &name) {
                proptest::prop_assert!(path.starts_with(folder) && path != folder);
                proptest::prop_assert!(path.components().all(|it| it != std::path::Component::ParentDir));
            }
        }
    }
}
