//! What the window remembers between two starts.
//!
//! Invariant: a damaged or newer file never keeps the window from opening: it is put aside, and the usual settings are used.
//! Invariant: the file is replaced whole or not at all.
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::command::UiCommand;
use super::theme::ThemeChoice;
use crate::engine::private;
use crate::sandbox::Seed;

/// The name of the file in the data directory.
const FILE: &str = "window.json";
/// What this program writes.
const VERSION: u32 = 1;
/// The most files under "Recent".
const RECENT: usize = 12;
/// The smallest and the largest scale of text and controls.
pub(crate) const SCALES: std::ops::RangeInclusive<f32> = 0.6..=2.5;

/// What becomes of the flows that are on when the window is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnClose {
    /// A person is asked.
    #[default]
    Ask,
    /// They go on without it.
    Stay,
    /// They stop, and go on with the next start.
    Stop,
}

impl OnClose {
    /// All of them, in the order of the settings.
    pub(crate) const ALL: [Self; 3] = [Self::Ask, Self::Stay, Self::Stop];

    /// What a person reads.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Ask => "Ask me",
            Self::Stay => "They go on",
            Self::Stop => "They stop",
        }
    }
}

/// The preferences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Prefs {
    version: u32,
    pub(crate) theme: ThemeChoice,
    /// Of text and controls, on top of the system's own.
    pub(crate) scale: f32,
    /// Nothing moves by itself.
    pub(crate) less_motion: bool,
    pub(crate) minimap: bool,
    pub(crate) snap: bool,
    /// Flows are shown as lists, not on a canvas.
    pub(crate) outline: bool,
    /// The newest first.
    pub(crate) recent: Vec<PathBuf>,
    /// The flows in tabs, in order.
    pub(crate) open: Vec<PathBuf>,
    /// The one in front.
    pub(crate) active: Option<PathBuf>,
    /// The panels, as the dock writes them.
    pub(crate) panels: Option<Value>,
    /// Width and height of the window, in points.
    pub(crate) window: Option<[f32; 2]>,
    pub(crate) maximized: bool,
    /// Keys that are not the usual ones; none takes them away.
    pub(crate) keys: BTreeMap<UiCommand, Option<String>>,
    /// What becomes of the flows that are on when the window is closed.
    pub(crate) on_close: OnClose,
    /// Whether a first flow was shown.
    pub(crate) welcomed: bool,
    /// What the sandbox is filled with.
    pub(crate) sandbox: Seed,
}

impl Default for Prefs {
    fn default() -> Self {
        Self {
            version: VERSION,
            theme: ThemeChoice::System,
            scale: 1.0,
            less_motion: false,
            minimap: true,
            snap: true,
            outline: false,
            recent: Vec::new(),
            open: Vec::new(),
            active: None,
            panels: None,
            window: None,
            maximized: false,
            keys: BTreeMap::new(),
            on_close: OnClose::default(),
            welcomed: false,
            sandbox: Seed::default(),
        }
    }
}

impl Prefs {
    /// Reads them; the words are for a person, where the file could not be used.
    pub(crate) fn load(home: &Path) -> (Self, Option<String>) {
        let path = home.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (Self::default(), None),
            Err(error) => {
                return (Self::default(), Some(format!("Your settings cannot be read: {error}. The usual ones are used.")));
            }
        };
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(read) if read.version <= VERSION => (read.within_bounds(), None),
            result => {
                let why = match result {
                    Ok(_) => "were written by a newer Flowyard",
                    Err(_) => "are damaged",
                };
                let aside = home.join(format!("{FILE}.unused"));
                let kept = if fs::rename(&path, &aside).is_ok() {
                    format!(" They are kept as {}.", aside.display())
                } else {
                    String::new()
                };
                (Self::default(), Some(format!("Your settings {why}, so the usual ones are used.{kept}")))
            }
        }
    }

    /// Writes them.
    pub(crate) fn save(&self, home: &Path) -> io::Result<()> {
        private::make(home)?;
        let mut beside = tempfile::Builder::new().prefix(".window-").suffix(".tmp").tempfile_in(home)?;
        serde_json::to_writer_pretty(&mut beside, self)?;
        beside.write_all(b"\n")?;
        beside.as_file().sync_all()?;
        beside.persist(home.join(FILE))?;
        Ok(())
    }

    /// A file was opened or saved.
    pub(crate) fn remember(&mut self, path: &Path) {
        self.recent.retain(|it| it != path);
        self.recent.insert(0, path.to_owned());
        self.recent.truncate(RECENT);
    }

    fn within_bounds(mut self) -> Self {
        self.version = VERSION;
        self.scale = if self.scale.is_finite() { self.scale.clamp(*SCALES.start(), *SCALES.end()) } else { 1.0 };
        self.window = self.window.filter(|size| size.iter().all(|it| it.is_finite() && (200.0..20_000.0).contains(it)));
        self.recent.truncate(RECENT);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_read() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Prefs::load(home.path()), (Prefs::default(), None));
        let mut prefs = Prefs { scale: 1.25, theme: ThemeChoice::Light, sandbox: Seed::Medium, ..Prefs::default() };
        prefs.keys.insert(UiCommand::Save, Some("Ctrl+Y".to_owned()));
        prefs.remember(Path::new("a.flowyard"));
        prefs.remember(Path::new("b.flowyard"));
        prefs.remember(Path::new("a.flowyard"));
        assert_eq!(prefs.recent, [Path::new("a.flowyard"), Path::new("b.flowyard")]);
        prefs.save(&home.path().join("new")).unwrap();
        assert_eq!(Prefs::load(&home.path().join("new")), (prefs, None));
    }

    #[test]
    fn a_damaged_or_newer_file_is_put_aside_and_said() {
        for (text, words) in [("{\"scale\": tr", "are damaged"), ("7", "are damaged"), ("{\"version\": 2}", "newer")] {
            let home = tempfile::tempdir().unwrap();
            fs::write(home.path().join(FILE), text).unwrap();
            let (prefs, said) = Prefs::load(home.path());
            assert_eq!(prefs, Prefs::default());
            assert!(said.unwrap().contains(words));
            assert_eq!(fs::read_to_string(home.path().join("window.json.unused")).unwrap(), text);
            assert_eq!(Prefs::load(home.path()).1, None);
        }
    }

    #[test]
    fn numbers_out_of_bounds_are_brought_within() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(FILE), r#"{"version": 1, "scale": 900, "window": [-5, 1e30]}"#).unwrap();
        let (prefs, said) = Prefs::load(home.path());
        assert_eq!((prefs.scale, prefs.window, said), (*SCALES.end(), None, None));
    }
}
