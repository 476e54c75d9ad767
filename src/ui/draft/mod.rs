//! Every change of an open flow goes to a file of its own beside the data, so that neither a crash nor the end of the window
//! loses it, nor the way back.
//!
//! Invariant: no frame waits for it: lines are written by one thread, in order, each as soon as it comes.
//! Invariant: only one window writes here at a time; another one works without.
mod line;
mod track;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use self::line::Unread;
pub(crate) use self::line::{Draft, Line, Opened};
pub(crate) use self::track::Track;
use super::behind::Waker;
use super::document::Outside;
use super::files::Stamp;
use crate::engine::private;
use crate::flow::NodeId;

/// The directory below the window's own.
const FOLDER: &str = "drafts";
const EXTENSION: &str = "jsonl";
/// A draft that is larger when it is read begins anew, without the way that led there.
const LARGEST: u64 = 64 << 20;

/// What was found when the window was opened.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) drafts: Vec<FoundDraft>,
    /// Files that were open without changes, and that somebody else changed since.
    pub(crate) files: Vec<PathBuf>,
    /// Words for a person about those that could not be read.
    pub(crate) troubles: Vec<String>,
}

/// A flow that was open.
#[derive(Debug)]
pub(crate) struct FoundDraft {
    pub(crate) key: String,
    pub(crate) draft: Draft,
    /// What somebody else did to its file since.
    pub(crate) outside: Option<Outside>,
}

enum Order {
    Write { key: String, lines: Vec<Line> },
    Remove { key: String },
}

/// The drafts of this window.
pub(crate) struct Drafts {
    orders: Option<Sender<Order>>,
    found: Receiver<Found>,
    /// What could not be written; words for a person.
    failed: Receiver<String>,
    thread: Option<JoinHandle<()>>,
    last_key: u64,
}

impl fmt::Debug for Drafts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drafts").finish_non_exhaustive()
    }
}

impl Drafts {
    /// Begins to read what is there; without any the answer is there at once.
    pub(crate) fn open(home: &Path, now_ms: u64, waker: Waker) -> Self {
        let folder = home.join(FOLDER);
        let (found_sender, found) = mpsc::channel();
        let (orders, inbox) = mpsc::channel();
        let (failures, failed) = mpsc::channel();
        // Which window it is that keeps drafts here is settled before it is seen.
        let lock = lock(&folder);
        if lock.is_none() || files(&folder).is_empty() {
            found_sender.send(Found::default()).ok();
        }
        let work = move || {
            let Some(lock) = lock else { return };
            // Where nothing is there, that was said already, and nobody reads this.
            found_sender.send(read_all(&folder)).ok();
            drop(found_sender);
            waker();
            write_all(&folder, &inbox, &failures, &waker);
            drop(lock);
        };
        let thread = thread::Builder::new().name("flowyard-drafts".to_owned()).spawn(work).ok();
        Self { orders: Some(orders), found, failed, thread, last_key: now_ms }
    }

    /// What was found, once it is known.
    pub(crate) fn found(&self) -> Option<Found> {
        self.found.try_recv().ok()
    }

    /// Why changes are not kept, once.
    pub(crate) fn failed(&self) -> Option<String> {
        self.failed.try_recv().ok()
    }

    /// A key that no other draft has; later ones sort after earlier ones.
    pub(crate) fn fresh_key(&mut self) -> String {
        self.last_key += 1;
        format!("{:015}-{:08x}", self.last_key, fastrand::u32(..))
    }

    pub(crate) fn write(&self, key: &str, lines: Vec<Line>) {
        self.order(Order::Write { key: key.to_owned(), lines });
    }

    pub(crate) fn remove(&self, key: &str) {
        self.order(Order::Remove { key: key.to_owned() });
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // Where another window keeps the drafts, nobody listens.
            orders.send(order).ok();
        }
    }
}

impl Drop for Drafts {
    /// What was asked for is still written.
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Held as long as this window keeps its drafts here.
fn lock(folder: &Path) -> Option<File> {
    private::make(folder).ok()?;
    let file = private::options().truncate(false).write(true).open(folder.join("lock")).ok()?;
    file.try_lock().ok()?;
    Some(file)
}

/// The drafts, the oldest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> =
        entries.map(|it| it.path()).filter(|it| it.extension().is_some_and(|it| it == EXTENSION)).collect();
    files.sort();
    files
}

/// What a person has pinned in the flow of a file, as the window of this data directory keeps it; the newest draft of it counts.
pub(super) fn pinned(home: &Path, flow: &Path) -> BTreeMap<NodeId, Arc<Value>> {
    let same =
        |path: &Path| path == flow || fs::canonicalize(path).is_ok_and(|it| fs::canonicalize(flow).is_ok_and(|own| it == own));
    let read = |path: PathBuf| {
        let draft = Draft::read(&fs::read_to_string(path).ok()?).ok()?;
        draft.file.as_ref().is_some_and(|it| same(&it.path)).then_some(draft.pins)
    };
    files(&home.join(FOLDER)).into_iter().rev().find_map(read).unwrap_or_default()
}

fn path_of(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{key}.{EXTENSION}"))
}

fn read_all(folder: &Path) -> Found {
    let mut found = Found::default();
    for path in files(folder) {
        let Some(key) = path.file_stem().and_then(|it| it.to_str()).map(str::to_owned) else { continue };
        let aside = || {
            let kept = path.with_extension("unread");
            fs::rename(&path, &kept).map_or_else(|_| path.display().to_string(), |()| kept.display().to_string())
        };
        match read(&path) {
            Ok(draft) => {
                let now = draft.file.as_ref().map(|it| (it.stamp, Stamp::of(&it.path)));
                let outside = match now {
                    Some((was, Some(is))) if was != Some(is) => Some(Outside::Changed(is)),
                    Some((_, None)) => Some(Outside::Removed),
                    _ => None,
                };
                // Nothing would be lost, and the file knows better.
                if let (Some(Outside::Changed(_)), Some(file), false) = (outside, &draft.file, draft.history.is_dirty()) {
                    found.files.push(file.path.clone());
                    fs::remove_file(&path).ok();
                    continue;
                }
                found.drafts.push(FoundDraft { key, draft, outside });
            }
            Err(Ok(Unread::Newer)) => {
                found.troubles.push(format!("Changes that a newer Flowyard kept cannot be read here. They are in {}.", aside()));
            }
            Err(Ok(Unread::Damaged)) => {
                found.troubles.push(format!("Changes of a flow that was open cannot be read. They are kept in {}.", aside()));
            }
            Err(Err(error)) => {
                found.troubles.push(format!("Changes of a flow that was open cannot be read from {}: {error}.", path.display()));
            }
        }
    }
    found
}

fn read(path: &Path) -> Result<Draft, Result<Unread, io::Error>> {
    let bytes = fs::read(path).map_err(Err)?;
    // A character that was cut in the middle ends the last line.
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    let draft = Draft::read(text).map_err(Ok)?;
    let whole = text.is_empty() || (text.len() == bytes.len() && text.ends_with('\n'));
    if bytes.len() as u64 > LARGEST {
        rewrite(path, &written(&draft.afresh())).map_err(Err)?;
    } else if !whole {
        // What is written next begins on a line of its own.
        let end = text.rfind('\n').map_or(0, |it| it + 1);
        rewrite(path, &text.as_bytes()[..end]).map_err(Err)?;
    }
    Ok(draft)
}

fn rewrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut beside = tempfile::Builder::new().prefix(".draft-").suffix(".tmp").tempfile_in(folder)?;
    beside.write_all(bytes)?;
    beside.persist(path)?;
    Ok(())
}

fn written(lines: &[Line]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in lines {
        // Nothing in a line can fail to be written down.
        if serde_json::to_writer(&mut bytes, line).is_ok() {
            bytes.push(b'\n');
        }
    }
    bytes
}

fn write_all(folder: &Path, inbox: &Receiver<Order>, failures: &Sender<String>, waker: &Waker) {
    let mut open: HashMap<String, File> = HashMap::new();
    let mut told = false;
    for order in inbox {
        let result = match order {
            Order::Write { key, lines } => write(folder, &mut open, &key, &lines),
            Order::Remove { key } => {
                open.remove(&key);
                match fs::remove_file(path_of(folder, &key)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                    Ok(()) | Err(_) => Ok(()),
                }
            }
        };
        if let (Err(error), false) = (result, told) {
            told = true;
            let words =
                format!("What you change is not kept until it is saved: {} cannot be written: {error}.", folder.display());
            failures.send(words).ok();
            waker();
        }
    }
}

fn write(folder: &Path, open: &mut HashMap<String, File>, key: &str, lines: &[Line]) -> io::Result<()> {
    let file = if let Some(file) = open.get_mut(key) {
        file
    } else {
        let file = private::options().append(true).open(path_of(folder, key))?;
        open.entry(key.to_owned()).or_insert(file)
    };
    // In one call, so that the end of this process does not cut it.
    file.write_all(&written(lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::Sketch;
    use crate::flow::{Edit, Flow};

    fn open(home: &Path) -> (Drafts, Found) {
        let (wake, woken) = mpsc::channel();
        let wake = std::sync::Mutex::new(wake);
        let drafts = Drafts::open(home, 1, Arc::new(move || wake.lock().unwrap().send(()).unwrap_or_default()));
        let found = loop {
            if let Some(found) = drafts.found() {
                break found;
            }
            woken.recv().unwrap();
        };
        (drafts, found)
    }

    fn lines(flow: &Flow) -> Vec<Line> {
        let opened = Opened::new(Arc::new(flow.clone()), None, false, false);
        vec![Line::Open(Box::new(opened)), Line::Edit { edit: Box::new(Edit::SetName("Mine".to_owned())), gesture: None }]
    }

    #[test]
    fn what_was_written_is_found_and_what_was_removed_is_not() {
        let home = tempfile::tempdir().unwrap();
        let (mut drafts, found) = open(home.path());
        assert!(found.drafts.is_empty());
        let (kept, gone) = (drafts.fresh_key(), drafts.fresh_key());
        drafts.write(&kept, lines(&Sketch::flow("t")));
        drafts.write(&gone, lines(&Sketch::flow("t")));
        drafts.remove(&gone);
        drop(drafts);
        let (drafts, found) = open(home.path());
        assert_eq!(found.drafts.len(), 1);
        assert_eq!((found.drafts[0].key.as_str(), found.drafts[0].draft.history.flow().name.as_str()), (kept.as_str(), "Mine"));
        drafts.write(&kept, vec![Line::Undo]);
        drop(drafts);
        let (_drafts, found) = open(home.path());
        assert_eq!(found.drafts[0].draft.history.flow().name, "Sketch");
        assert!(found.drafts[0].draft.history.redo_label().is_some());
    }

    #[test]
    fn a_second_window_neither_reads_nor_writes_them() {
        let home = tempfile::tempdir().unwrap();
        let (mut first, _) = open(home.path());
        let key = first.fresh_key();
        first.write(&key, lines(&Sketch::flow("t")));
        let (second, found) = {
            let waker: Waker = Arc::new(|| {});
            let second = Drafts::open(home.path(), 1, waker);
            let found = second.found.recv().unwrap();
            (second, found)
        };
        assert!(found.drafts.is_empty());
        second.remove(&key);
        drop(second);
        drop(first);
        assert_eq!(open(home.path()).1.drafts.len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_put_aside_and_said_and_a_cut_line_is_mended() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("1.jsonl"), "nonsense").unwrap();
        let mut cut = written(&lines(&Sketch::flow("t")));
        cut.extend_from_slice("{\"edit\":{\"set_name\":\"Ü".as_bytes());
        cut.pop();
        fs::write(folder.join("2.jsonl"), cut).unwrap();
        let (drafts, found) = open(home.path());
        assert_eq!((found.drafts.len(), found.troubles.len()), (1, 1));
        assert!(folder.join("1.unread").exists());
        drafts.write("2", vec![Line::Edit { edit: Box::new(Edit::SetName("Next".to_owned())), gesture: None }]);
        drop(drafts);
        let (_drafts, found) = open(home.path());
        assert_eq!(found.drafts[0].draft.history.flow().name, "Next");
    }
}
