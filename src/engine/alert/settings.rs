//! What a person wants to be told of, and how: a small file in the data directory, without a secret in it.
use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::connector::ConnectionId;
use crate::flow::{Alarm, FlowId};
use crate::record::{Failure, FailureKind};

const FILE: &str = "alerts.json";
const VERSION: u32 = 1;
/// No such file is longer than this.
const LONGEST: u64 = 1 << 20;

/// What a person is told of, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alerts {
    /// Of the file.
    pub version: u32,
    /// Of runs that fail.
    pub failures: bool,
    /// Of steps that wait for a person's word.
    pub questions: bool,
    /// Of connections that are dead.
    pub connections: bool,
    /// Of triggers that have gone quiet.
    pub quiet: bool,
    /// On the desktop; without a choice where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desktop: Option<bool>,
    /// By mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
    /// The flows that nobody is told of when they go quiet.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unwatched: BTreeSet<FlowId>,
}

/// Where letters go, and through which connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Mail addresses, with commas between.
    pub to: String,
    /// The connection to a mail server.
    pub by: ConnectionId,
}

impl Default for Alerts {
    /// Everything, on the desktop.
    fn default() -> Self {
        let (failures, questions, connections, quiet) = (true, true, true, true);
        Self { version: VERSION, failures, questions, connections, quiet, desktop: None, mail: None, unwatched: BTreeSet::new() }
    }
}

impl Alerts {
    /// Where they are kept in a data directory.
    pub fn file(data: &Path) -> PathBuf {
        data.join(FILE)
    }

    /// Those of a data directory; the usual ones where nobody has chosen. Blocks.
    ///
    /// # Errors
    /// A [`Failure`] where the file cannot be read.
    pub fn read(data: &Path) -> Result<Self, Failure> {
        use io::Read as _;
        let path = Self::file(data);
        let broken = |detail: String| {
            Failure::new(FailureKind::Machine, "What alerts are wanted cannot be read")
                .at(path.display().to_string())
                .detail(detail)
                .hint("Remove the file, and choose anew with `flowyard alerts`; without it everything is told on the desktop.")
        };
        let mut text = String::new();
        match std::fs::File::open(&path) {
            Ok(file) => file.take(LONGEST).read_to_string(&mut text).map_err(|error| broken(error.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(broken(error.to_string())),
        };
        let read: Self = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        if read.version > VERSION {
            return Err(broken("a newer Flowyard wrote it".to_owned()));
        }
        Ok(read)
    }

    /// Writes them, whole or not at all. Blocks.
    ///
    /// # Errors
    /// A [`Failure`] where it cannot be written.
    pub fn write(&self, data: &Path) -> Result<(), Failure> {
        let write = || {
            let mut made = tempfile::NamedTempFile::new_in(data)?;
            made.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
            made.write_all(b"\n")?;
            made.as_file().sync_all()?;
            made.persist(Self::file(data)).map_err(|error| error.error)?;
            Ok::<(), io::Error>(())
        };
        write().map_err(|error| {
            Failure::new(FailureKind::Machine, "What alerts are wanted cannot be kept")
                .at(Self::file(data).display().to_string())
                .detail(error.to_string())
        })
    }

    /// Whether a person wants to be told of such things.
    pub fn wants(&self, of: Alarm) -> bool {
        match of {
            Alarm::Failure => self.failures,
            Alarm::Question => self.questions,
            Alarm::Connection => self.connections,
            Alarm::Quiet => self.quiet,
        }
    }

    /// To choose whether a person is told of such things.
    pub fn wants_mut(&mut self, of: Alarm) -> &mut bool {
        match of {
            Alarm::Failure => &mut self.failures,
            Alarm::Question => &mut self.questions,
            Alarm::Connection => &mut self.connections,
            Alarm::Quiet => &mut self.quiet,
        }
    }

    /// Whether they are shown on the desktop, where nobody has chosen if there is one.
    pub fn on_desktop(&self) -> bool {
        self.desktop.unwrap_or_else(crate::connector::has_desktop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_read_again_and_nothing_is_everything_on_the_desktop() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Alerts::read(dir.path()), Ok(Alerts::default()));
        let mail = Mail { to: "ann@example.com".to_owned(), by: ConnectionId::new("post") };
        let unwatched = BTreeSet::from(["reminders".into()]);
        let chosen = Alerts { quiet: false, desktop: Some(false), mail: Some(mail), unwatched, ..Alerts::default() };
        chosen.write(dir.path()).unwrap();
        assert_eq!(Alerts::read(dir.path()), Ok(chosen));
    }

    #[test]
    fn a_file_that_cannot_be_read_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["{", "{\"version\": 2}", "{\"fail\": true}"] {
            std::fs::write(Alerts::file(dir.path()), text).unwrap();
            let failure = Alerts::read(dir.path()).unwrap_err();
            assert!(failure.hint.contains("flowyard alerts"), "{text}: {failure}");
        }
    }
}
