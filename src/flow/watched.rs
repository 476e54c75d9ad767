//! A folder in which files appear, and a table whose rows are added to.
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What starts a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// Each file that appears in a folder.
    #[default]
    File,
    /// Each row that is added to a table (RFC 4180), whose first line names its columns.
    Row,
}

/// What is watched on a disk, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Watched {
    /// The folder, or the table; a whole path.
    pub path: String,
    /// What starts a run.
    pub each: Each,
    /// Of a folder: which files count, as `*.pdf`; several with commas between. Empty is all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub names: String,
    /// Whether what is there at the beginning counts too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// Texts of files that are larger are not given to a run, in bytes.
pub const MOST_TEXT: u64 = 256 << 10;

impl Watched {
    /// Why it cannot be watched, and what to do; none where it can.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let path = self.path.trim();
        let what = match self.each {
            Each::File => "Choose the folder in which files appear.",
            Each::Row => "Choose the table: a CSV file.",
        };
        if path.is_empty() {
            return Some(("nothing is chosen to watch", what));
        }
        if !is_whole(path) {
            return Some(("the path does not begin at the top", "Give the whole path: /home/ann/in, or C:\\Users\\Ann\\In."));
        }
        None
    }

    /// Whether a file of this name counts. What programs write meanwhile, and what is hidden, does not.
    pub fn counts(&self, name: &str) -> bool {
        let is_passing = [".tmp", ".part", ".crdownload", ".swp"].iter().any(|it| name.to_lowercase().ends_with(it));
        if name.starts_with('.') || name.starts_with("~$") || is_passing {
            return false;
        }
        let mut patterns = self.names.split(',').map(str::trim).filter(|it| !it.is_empty()).peekable();
        patterns.peek().is_none() || patterns.any(|it| fits(it, name))
    }

    /// The name of the file or folder itself.
    pub fn name(&self) -> &str {
        self.path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default()
    }

    /// What a run gets, as it would come.
    pub fn sample(&self) -> Value {
        match self.each {
            Each::File => {
                let folder = self.path.trim_end_matches(['/', '\\']);
                json!({
                    "path": format!("{folder}/example.txt"), "name": "example.txt", "bytes": 12,
                    "modified": "2026-01-05T09:30:00Z", "text": "Hello, Ann.\n"
                })
            }
            Each::Row => json!({
                "row": { "name": "Ann Example", "email": "ann@example.com" }, "number": 1, "file": self.name(), "path": self.path
            }),
        }
    }
}

/// Whether a path begins at the top, on any system.
fn is_whole(path: &str) -> bool {
    let mut letters = path.chars();
    let drive =
        letters.next().is_some_and(|it| it.is_ascii_alphabetic()) && path.get(1..3).is_some_and(|it| it == ":\\" || it == ":/");
    path.starts_with('/') || path.starts_with("\\\\") || drive
}

/// Whether a name is as a pattern says: `*` is any letters, `?` is one; upper and lower case are the same.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.to_lowercase().chars().take(256).collect(), name.to_lowercase().chars().collect());
    // Where the last star stands, and how far it has reached.
    let (mut at, mut of, mut star) = (0, 0, None);
    while of < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, of));
                at += 1;
            }
            Some(it) if *it == '?' || *it == name[of] => {
                at += 1;
                of += 1;
            }
            _ => match star {
                Some((back, reached)) => {
                    star = Some((back, reached + 1));
                    at = back + 1;
                    of = reached + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|it| *it == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(path: &str, names: &str) -> Watched {
        Watched { path: path.to_owned(), names: names.to_owned(), ..Watched::default() }
    }

    #[test]
    fn names_are_told_by_patterns() {
        for (names, name, expected) in [
            ("", "a.pdf", true),
            ("*.pdf", "A.PDF", true),
            ("*.pdf", "a.pdf.txt", false),
            ("*.csv, *.txt", "b.txt", true),
            ("invoice-????.*", "invoice-2026.xml", true),
            ("invoice-????.*", "invoice-26.xml", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "ab a", false),
            ("", ".hidden", false),
            ("*", "~$open.docx", false),
            ("", "load.crdownload", false),
        ] {
            assert_eq!(watched("/in", names).counts(name), expected, "{names} {name}");
        }
    }

    #[test]
    fn a_path_begins_at_the_top_on_any_system() {
        for (path, is_sound) in [
            ("/home/ann", true),
            ("C:\\Users\\Ann", true),
            ("c:/in", true),
            ("\\\\server\\share", true),
            ("in/it", false),
            ("", false),
            ("  ", false),
        ] {
            assert_eq!(watched(path, "").problem().is_none(), is_sound, "{path}");
        }
        assert_eq!((watched("/a/leads.csv", "").name(), watched("C:\\in\\", "").name()), ("leads.csv", "in"));
    }

    proptest::proptest! {
        #[test]
        fn a_pattern_of_stars_alone_fits_everything_and_none_panics(pattern in "[a*?]{0,12}", name in "[ab.]{0,12}") {
            proptest::prop_assert!(fits("**", &name));
            let _: bool = fits(&pattern, &name);
            if !pattern.contains(['*', '?']) {
                proptest::prop_assert_eq!(fits(&pattern, &name), pattern == name);
            }
        }
    }
}
