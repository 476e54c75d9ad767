//! A folder in which files appear.
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Eye, at_disk, unreadable};
use crate::engine::shared::Deployed;
use crate::flow::{MOST_TEXT, Watched};
use crate::record::{Failure, FailureKind};

/// No folder with more files is watched.
const MOST: usize = 50_000;
/// What is known of a file is kept under its name behind this, so that no name is taken for the head.
const NAME: &str = "f:";

/// A file as it was at a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// What tells it from another of the same name: its number on the disk, or else when it was made.
    id: u64,
    bytes: u64,
    /// In milliseconds since 1970.
    modified: i64,
}

impl Mark {
    fn of(about: &Metadata) -> Self {
        let ms = |it: io::Result<SystemTime>| {
            it.ok().and_then(|it| it.duration_since(UNIX_EPOCH).ok()).and_then(|it| i64::try_from(it.as_millis()).ok())
        };
        #[cfg(unix)]
        let id = std::os::unix::fs::MetadataExt::ino(about);
        #[cfg(not(unix))]
        let id = ms(about.created()).unwrap_or_default().unsigned_abs();
        Self { id, bytes: about.len(), modified: ms(about.modified()).unwrap_or_default() }
    }
}

/// What is known of a folder.
pub(super) struct Folder {
    /// Whether it was looked at before.
    begun: bool,
    marks: BTreeMap<String, Mark>,
    /// Files that are new, and may still be written.
    growing: HashMap<String, Mark>,
}

impl Folder {
    pub(super) async fn load(eye: &Eye, watched: &Watched) -> Self {
        let mut folder = Self { begun: false, marks: BTreeMap::new(), growing: HashMap::new() };
        let Some((_, known)) = eye.recall(|it: &Watched| it == watched).await else { return folder };
        folder.begun = true;
        let marks = known
            .into_iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(NAME)?.to_owned(), serde_json::from_value(value).ok()?)));
        folder.marks = marks.collect();
        folder
    }

    /// Looks once; whether something is new.
    pub(super) async fn look(
        &mut self,
        eye: &Eye,
        deployed: &Deployed,
        watched: &Watched,
        is_wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<bool, Failure> {
        let of = watched.clone();
        let found = at_disk(move || list(&of)).await.map_err(|error| unreadable(&watched.path, &error))?;
        if found.len() > MOST {
            let title = format!("{} holds more than {MOST} files, and is not watched", watched.path);
            return Err(Failure::new(FailureKind::Limit, title).hint("Move files elsewhere once a flow is done with them."));
        }
        if !self.begun {
            if !watched.all {
                self.marks = found.iter().cloned().collect();
                eye.put_all(self.marks.iter().map(|(name, mark)| kept(name, mark))).await?;
            }
            eye.put_head(watched).await?;
            self.begun = true;
        }
        let names: HashMap<&str, Mark> = found.iter().map(|(name, mark)| (name.as_str(), *mark)).collect();
        let mut gone: BTreeMap<String, Mark> =
            self.marks.iter().filter(|(name, _)| !names.contains_key(name.as_str())).map(|(a, b)| (a.clone(), *b)).collect();
        self.growing.retain(|name, _| names.contains_key(name.as_str()));
        let mut is_busy = false;
        for (name, mark) in &found {
            if !is_wanted() {
                return Ok(true);
            }
            match self.marks.get(name) {
                Some(known) if known == mark => continue,
                // The same file with more in it, or less, is no new one.
                Some(known) if known.id == mark.id => {}
                _ => {
                    if let Some(before) = gone.iter().find(|(_, it)| *it == mark).map(|(name, _)| name.clone()) {
                        // It was given another name.
                        gone.remove(&before);
                        self.marks.remove(&before);
                        eye.put(&[NAME, &before].concat(), &Value::Null).await?;
                    } else if self.growing.get(name) == Some(mark) {
                        self.start(eye, deployed, watched, name, *mark).await?;
                        is_busy = true;
                    } else {
                        self.growing.insert(name.clone(), *mark);
                        is_busy = true;
                        continue;
                    }
                }
            }
            self.growing.remove(name);
            self.marks.insert(name.clone(), *mark);
            let (key, value) = kept(name, mark);
            eye.put(&key, &value).await?;
        }
        for name in gone.into_keys() {
            self.marks.remove(&name);
            eye.put(&[NAME, &name].concat(), &Value::Null).await?;
        }
        Ok(is_busy)
    }

    async fn start(&self, eye: &Eye, deployed: &Deployed, watched: &Watched, name: &str, mark: Mark) -> Result<(), Failure> {
        let path = Path::new(&watched.path).join(name);
        let (whole, named) = (path.clone(), name.to_owned());
        let payload = tokio::task::spawn_blocking(move || payload(&whole, &named, mark)).await.unwrap_or_default();
        let path = path.to_string_lossy();
        let delivery = format!("file:{}:{}.{}.{}:{name}", eye.key.1, mark.id, mark.bytes, mark.modified);
        eye.start(deployed, &delivery, &path, &payload).await
    }
}

fn kept(name: &str, mark: &Mark) -> (String, Value) {
    ([NAME, name].concat(), serde_json::to_value(mark).unwrap_or_default())
}

/// The files that count, the oldest first; one more than are watched at most.
fn list(watched: &Watched) -> io::Result<Vec<(String, Mark)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(&watched.path)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !watched.counts(&name) {
            continue;
        }
        match fs::metadata(entry.path()) {
            Ok(about) if about.is_file() => found.push((name, Mark::of(&about))),
            Ok(_) => {}
            // Gone since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if found.len() > MOST {
            break;
        }
    }
    found.sort_by(|(a, one), (b, other)| one.modified.cmp(&other.modified).then_with(|| a.cmp(b)));
    Ok(found)
}

fn payload(path: &Path, name: &str, mark: Mark) -> Value {
    let modified = Timestamp::from_millisecond(mark.modified).map(|it| it.to_string()).unwrap_or_default();
    json!({ "path": path.to_string_lossy(), "name": name, "bytes": mark.bytes, "modified": modified, "text": text_of(path) })
}

/// What a run would get of the newest file.
pub(super) fn sample(watched: &Watched) -> Option<Value> {
    let (name, mark) = list(watched).ok()?.pop()?;
    Some(payload(&Path::new(&watched.path).join(&name), &name, mark))
}

/// What stands in a file, where that is text and short.
fn text_of(path: &Path) -> Option<String> {
    let file = fs::File::open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(MOST_TEXT + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > MOST_TEXT || bytes.contains(&0) {
        return None;
    }
    let text = String::from_utf8(bytes).ok()?;
    Some(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}
