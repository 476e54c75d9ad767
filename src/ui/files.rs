//! Files, away from the frame: dialogs, reading, saving, and looking whether a file was changed by someone else.
//!
//! Invariant: no frame waits for a disk. Everything here starts a thread and tells what came of it later.
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker as TaskWaker};
use std::thread::{self, Thread};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::archive::Exporting;
use super::behind::Waker;
use super::document::DocId;
use crate::engine::sample_of;
use crate::flow::{Each, Flow, NodeId, Watched, disk, file};

/// How often files are looked at while nothing else happens.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What a file was like when it was read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    length: u64,
    changed: Option<SystemTime>,
}

impl Stamp {
    /// None where there is no file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self { length: found.len(), changed: found.modified().ok() })
    }
}

/// What a dialog is for.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Open,
    /// Where this flow is to be saved.
    Save {
        doc: DocId,
        /// Whether its tab is to be closed when that is done.
        close: bool,
    },
    /// Where runs are to be written.
    Export(Exporting),
    /// The documents of a service.
    Documents,
    /// What a trigger watches.
    Watched {
        doc: DocId,
        node: NodeId,
        each: Each,
    },
    /// The folder of a connection that is being made.
    Folder,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Done {
    /// A person chose files, or none.
    Picked { ask: Ask, paths: Vec<PathBuf> },
    /// A file was read, or could not be; the words are for a person.
    Read { path: PathBuf, result: Result<(Box<Flow>, Option<Stamp>), String>, again: Option<DocId> },
    /// A file was written, or could not be.
    Saved { doc: DocId, path: PathBuf, snapshot: Arc<Flow>, close: bool, result: Result<Option<Stamp>, Unsaved> },
    /// What a person chose to be watched, and what is there to try a flow with.
    Watched { doc: DocId, node: NodeId, path: String, sample: Value },
    /// Somebody else changed or removed it.
    Changed { doc: DocId, stamp: Option<Stamp> },
}

/// Why a file was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unsaved {
    /// Somebody else changed it since it was read; what it is like now.
    Changed(Option<Stamp>),
    /// The words are for a person.
    Failed(String),
}

/// What a file may hold when it is written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A person was asked.
    Anything,
    /// What was read, or nothing at all.
    Stamp(Option<Stamp>),
}

type Picking = Pin<Box<dyn Future<Output = Vec<PathBuf>> + Send>>;

/// Asks a person for a file. Called on the window's own thread; the answer is awaited on another.
pub(crate) trait Dialogs {
    /// Whether there are any; without, a person types the path.
    fn available(&self) -> bool {
        true
    }
    fn open(&mut self) -> Picking;
    fn save(&mut self, name: &str, folder: Option<&Path>) -> Picking;
    /// Where runs are to be written, by default under this name.
    fn export(&mut self, name: &str, extension: &str) -> Picking;
    /// Which documents describe a service.
    fn documents(&mut self) -> Picking;
    /// Which folder.
    fn folder(&mut self) -> Picking;
    /// Which table.
    fn table(&mut self) -> Picking;
}

/// The system's own dialogs.
pub(crate) struct SystemDialogs;

impl Dialogs for SystemDialogs {
    /// They come over the session's bus, or from a program of their own.
    fn available(&self) -> bool {
        if !cfg!(target_os = "linux") {
            return true;
        }
        let bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|it| !it.is_empty())
            || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|it| Path::new(&it).join("bus").exists());
        let paths = std::env::var_os("PATH").unwrap_or_default();
        bus || std::env::split_paths(&paths).any(|it| it.join("zenity").exists())
    }

    fn open(&mut self) -> Picking {
        let picking = rfd::AsyncFileDialog::new().set_title("Open flows").add_filter("Flows", &[file::EXTENSION]).pick_files();
        Box::pin(async { picking.await.unwrap_or_default().iter().map(|it| it.path().to_owned()).collect() })
    }

    fn save(&mut self, name: &str, folder: Option<&Path>) -> Picking {
        let mut dialog = rfd::AsyncFileDialog::new().set_title("Save the flow").add_filter("Flows", &[file::EXTENSION]);
        if let Some(folder) = folder {
            dialog = dialog.set_directory(folder);
        }
        let picking = dialog.set_file_name(name).save_file();
        Box::pin(async { picking.await.iter().map(|it| with_extension(it.path())).collect() })
    }

    fn export(&mut self, name: &str, extension: &str) -> Picking {
        let dialog = rfd::AsyncFileDialog::new().set_title("Export runs").add_filter("Runs", &[extension]);
        let picking = dialog.set_file_name(name).save_file();
        Box::pin(async { picking.await.iter().map(|it| it.path().to_owned()).collect() })
    }

    fn documents(&mut self) -> Picking {
        let dialog = rfd::AsyncFileDialog::new().set_title("Import a service").add_filter("OpenAPI documents", &["json"]);
        let picking = dialog.pick_files();
        Box::pin(async { picking.await.unwrap_or_default().iter().map(|it| it.path().to_owned()).collect() })
    }

    fn folder(&mut self) -> Picking {
        let picking = rfd::AsyncFileDialog::new().set_title("Choose a folder").pick_folder();
        Box::pin(async { picking.await.iter().map(|it| it.path().to_owned()).collect() })
    }

    fn table(&mut self) -> Picking {
        let dialog = rfd::AsyncFileDialog::new().set_title("Choose a table").add_filter("Tables", &["csv", "tsv", "txt"]);
        let picking = dialog.pick_file();
        Box::pin(async { picking.await.iter().map(|it| it.path().to_owned()).collect() })
    }
}

/// A name without an ending gets the usual one.
pub(crate) fn with_extension(path: &Path) -> PathBuf {
    if path.extension().is_some() { path.to_owned() } else { path.with_extension(file::EXTENSION) }
}

type Known = Arc<Mutex<BTreeMap<DocId, (PathBuf, Option<Stamp>)>>>;

/// All that the window does with files.
pub(crate) struct Files {
    dialogs: Box<dyn Dialogs>,
    done: Receiver<Done>,
    teller: Teller,
    watched: Known,
    watcher: Option<Thread>,
}

#[derive(Clone)]
struct Teller {
    done: Sender<Done>,
    waker: Waker,
}

impl Teller {
    fn tell(&self, what: Done) {
        if self.done.send(what).is_ok() {
            (self.waker)();
        }
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}

impl Files {
    pub(crate) fn new(dialogs: Box<dyn Dialogs>, waker: Waker) -> Self {
        let (sender, done) = mpsc::channel();
        let teller = Teller { done: sender, waker };
        let watched = Known::default();
        let thread = watch(Arc::clone(&watched), teller.clone());
        Self { dialogs, done, teller, watched, watcher: thread }
    }

    /// What has come since.
    pub(crate) fn next(&self) -> Option<Done> {
        self.done.try_recv().ok()
    }

    /// Whether the system has dialogs for files.
    pub(crate) fn can_ask(&self) -> bool {
        self.dialogs.available()
    }

    /// What a person typed in place of a dialog.
    pub(crate) fn typed(&self, ask: Ask, path: PathBuf) {
        self.teller.tell(Done::Picked { ask, paths: vec![path] });
    }

    pub(crate) fn ask_open(&mut self) {
        let picking = self.dialogs.open();
        self.pick(Ask::Open, picking);
    }

    pub(crate) fn ask_save(&mut self, doc: DocId, close: bool, name: &str, folder: Option<&Path>) {
        let picking = self.dialogs.save(name, folder);
        self.pick(Ask::Save { doc, close }, picking);
    }

    pub(crate) fn ask_export(&mut self, what: Exporting, name: &str, extension: &str) {
        let picking = self.dialogs.export(name, extension);
        self.pick(Ask::Export(what), picking);
    }

    pub(crate) fn ask_documents(&mut self) {
        let picking = self.dialogs.documents();
        self.pick(Ask::Documents, picking);
    }

    pub(crate) fn ask_watched(&mut self, doc: DocId, node: NodeId, each: Each) {
        let picking = match each {
            Each::File => self.dialogs.folder(),
            Each::Row => self.dialogs.table(),
        };
        self.pick(Ask::Watched { doc, node, each }, picking);
    }

    pub(crate) fn ask_folder(&mut self) {
        let picking = self.dialogs.folder();
        self.pick(Ask::Folder, picking);
    }

    /// Reads what is there to be watched.
    pub(crate) fn read_watched(&self, doc: DocId, node: NodeId, watched: Watched) {
        let teller = self.teller.clone();
        thread::spawn(move || {
            let sample = sample_of(&watched).unwrap_or_default();
            teller.tell(Done::Watched { doc, node, path: watched.path, sample });
        });
    }

    fn pick(&self, ask: Ask, picking: Picking) {
        let teller = self.teller.clone();
        thread::spawn(move || teller.tell(Done::Picked { ask, paths: wait(picking) }));
    }

    /// Reads a file; `again` is the tab that it is to take the place of.
    pub(crate) fn read(&self, path: PathBuf, again: Option<DocId>) {
        let teller = self.teller.clone();
        thread::spawn(move || {
            // The stamp first: what changes while it is read is then seen as changed.
            let stamp = Stamp::of(&path);
            let result = disk::read(&path).map(|flow| (Box::new(flow), stamp)).map_err(|error| sentence(&error.to_string()));
            teller.tell(Done::Read { path, result, again });
        });
    }

    pub(crate) fn save(&self, doc: DocId, snapshot: Arc<Flow>, path: PathBuf, expected: Expected, close: bool) {
        let teller = self.teller.clone();
        // While it is written it is nobody else who changes it.
        self.unwatch(doc);
        thread::spawn(move || {
            let result = write(&snapshot, &path, expected);
            teller.tell(Done::Saved { doc, path, snapshot, close, result });
        });
    }

    /// From now on a change of the file is told, once.
    pub(crate) fn watch(&self, doc: DocId, path: &Path, stamp: Option<Stamp>) {
        lock(&self.watched).insert(doc, (path.to_owned(), stamp));
    }

    pub(crate) fn unwatch(&self, doc: DocId) {
        lock(&self.watched).remove(&doc);
    }

    /// Looks now, as when the window comes to the front.
    pub(crate) fn look(&self) {
        if let Some(watcher) = &self.watcher {
            watcher.unpark();
        }
    }
}

fn write(flow: &Flow, path: &Path, expected: Expected) -> Result<Option<Stamp>, Unsaved> {
    let now = Stamp::of(path);
    if let Expected::Stamp(known) = expected
        && now.is_some()
        && now != known
    {
        return Err(Unsaved::Changed(now));
    }
    match disk::save(flow, path) {
        Ok(()) => Ok(Stamp::of(path)),
        Err(error) => Err(Unsaved::Failed(sentence(&error.to_string()))),
    }
}

fn lock(watched: &Known) -> std::sync::MutexGuard<'_, BTreeMap<DocId, (PathBuf, Option<Stamp>)>> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends with the window: then nobody else holds what is watched.
fn watch(watched: Known, teller: Teller) -> Option<Thread> {
    let work = move || {
        while Arc::strong_count(&watched) > 1 {
            let all = lock(&watched).clone();
            for (doc, (path, stamp)) in all {
                let now = Stamp::of(&path);
                if now == stamp {
                    continue;
                }
                let mut watched = lock(&watched);
                if watched.get(&doc).is_some_and(|it| *it == (path, stamp)) {
                    watched.remove(&doc);
                    drop(watched);
                    teller.tell(Done::Changed { doc, stamp: now });
                }
            }
            thread::park_timeout(LOOK_EVERY);
        }
    };
    thread::Builder::new().name("flowyard-files".to_owned()).spawn(work).ok().map(|it| it.thread().clone())
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread.
fn wait<T>(mut future: Pin<Box<dyn Future<Output = T> + Send>>) -> T {
    let waker = TaskWaker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// With a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|it| it.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
