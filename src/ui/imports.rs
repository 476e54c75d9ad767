//! Services made from documents, in the window: read on a thread, looked at, named, and kept in the data directory.
//!
//! Invariant: no frame waits for a disk; what a person cancelled changes nothing.
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::behind::{Wake, Waker};
use crate::catalog::disk::{DiskError, Reached, Shelf, import_files};
use crate::catalog::import::{ImportError, Imported, Options};
use crate::catalog::{Connector, ConnectorId};
use crate::flow::disk;

/// How often what was reached is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Where an import stands.
#[derive(Debug, Default)]
pub(crate) enum Stand {
    #[default]
    Idle,
    /// Documents are read, or the service is written.
    Working(Reached),
    /// They cannot be imported; why, in words.
    Refused(String),
    /// They were read, and a person is asked for a name.
    Found(Box<Found>),
}

/// What was read.
#[derive(Debug)]
pub(crate) struct Found {
    files: Vec<PathBuf>,
    pub(crate) imported: Imported,
    /// Why it could not be kept under the name that was asked for last; empty if nobody asked.
    pub(crate) wrong: String,
}

/// What comes from the threads.
#[derive(Debug)]
enum News {
    Reached(Reached),
    Read(Result<Box<Found>, DiskError>),
    /// With what was found, if it is to be named anew.
    Kept(Box<Found>, Result<Box<Connector>, DiskError>),
    Users(ConnectorId, Vec<String>),
    Removed(ConnectorId, Result<bool, DiskError>),
}

/// What the window does about it.
#[derive(Debug)]
pub(crate) enum Done {
    Kept(Box<Connector>),
    /// A person asked to remove it, and these use it.
    Users(ConnectorId, Vec<String>),
    Removed(ConnectorId, Result<(), String>),
}

/// All imports of a window, one at a time.
#[derive(Debug)]
pub(crate) struct Imports {
    data: PathBuf,
    pub(crate) stand: Stand,
    /// Counts up with each import, so that what is typed for one is not taken for another.
    pub(crate) ticket: u64,
    ended: Arc<AtomicBool>,
    news: Receiver<(u64, News)>,
    teller: Sender<(u64, News)>,
    waker: Wake,
}

impl Imports {
    /// Those of a data directory.
    pub(crate) fn new(data: &Path, waker: Waker) -> Self {
        let (teller, news) = mpsc::channel();
        let waker = Wake(waker);
        Self { data: data.to_owned(), stand: Stand::Idle, ticket: 0, ended: Arc::default(), news, teller, waker }
    }

    /// Reads documents; what was under way is forgotten.
    pub(crate) fn read(&mut self, files: Vec<PathBuf>) {
        self.begin();
        self.stand = Stand::Working(Reached { of: files.len(), ..Reached::default() });
        self.start(move |_, watch| {
            let read = import_files(&files, &Options::new(ConnectorId::new("")), watch);
            News::Read(read.map(|imported| Box::new(Found { files, imported, wrong: String::new() })))
        });
    }

    /// Keeps what was found, under a name and a title.
    pub(crate) fn keep(&mut self, name: &str, title: &str) {
        let Stand::Found(found) = std::mem::take(&mut self.stand) else { return };
        let (name, title) = (name.trim().to_owned(), title.trim().to_owned());
        self.stand = Stand::Working(Reached { of: found.files.len(), ..Reached::default() });
        self.start(move |data, watch| {
            let kept = keep(data, &found, &name, &title, watch).map(Box::new);
            News::Kept(found, kept)
        });
    }

    /// Forgets the import under way, or its outcome.
    pub(crate) fn cancel(&mut self) {
        self.begin();
    }

    /// Finds who uses a service, among these flows and in the file of connections.
    pub(crate) fn find_users(&self, id: ConnectorId, open: Vec<String>, files: Vec<PathBuf>) {
        self.start(move |data, _| {
            let mut users = open;
            for path in files {
                let Ok(flow) = disk::read(&path) else { continue };
                let words = format!("the flow “{}”", flow.name);
                if flow.slots.values().any(|it| *it == id) && !users.contains(&words) {
                    users.push(words);
                }
            }
            users.extend(connections(data, &id));
            News::Users(id, users)
        });
    }

    /// Takes a service out of the data directory.
    pub(crate) fn remove(&self, id: ConnectorId) {
        self.start(move |data, _| {
            let removed = Shelf::of(data).remove(&id);
            News::Removed(id, removed)
        });
    }

    /// What came of it since.
    pub(crate) fn next(&mut self) -> Option<Done> {
        while let Ok((ticket, news)) = self.news.try_recv() {
            match news {
                News::Users(id, users) => return Some(Done::Users(id, users)),
                News::Removed(id, removed) => {
                    return Some(Done::Removed(id, removed.map(drop).map_err(|it| it.to_string())));
                }
                // Kept is kept, whoever has lost interest meanwhile.
                News::Kept(_, Ok(connector)) => {
                    if ticket == self.ticket {
                        self.stand = Stand::Idle;
                    }
                    return Some(Done::Kept(connector));
                }
                _ if ticket != self.ticket => {}
                News::Reached(reached) => self.stand = Stand::Working(reached),
                News::Read(Ok(found)) => self.stand = Stand::Found(found),
                News::Read(Err(DiskError::Import(ImportError::Cancelled))) => self.stand = Stand::Idle,
                News::Read(Err(error)) => self.stand = Stand::Refused(super::files::sentence(&error.to_string())),
                News::Kept(mut found, Err(error)) => {
                    found.wrong = super::files::sentence(&error.to_string());
                    self.stand = Stand::Found(found);
                }
            }
        }
        None
    }

    fn begin(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.ended = Arc::default();
        self.ticket += 1;
        self.stand = Stand::Idle;
    }

    fn start(&self, work: impl FnOnce(&Path, &mut dyn FnMut(Reached) -> ControlFlow<()>) -> News + Send + 'static) {
        let (data, ended, ticket) = (self.data.clone(), Arc::clone(&self.ended), self.ticket);
        let (teller, waker) = (self.teller.clone(), self.waker.clone());
        thread::spawn(move || {
            let mut told: Option<Instant> = None;
            let mut watch = |reached| {
                if told.is_none_or(|it| it.elapsed() >= TELL_EVERY) {
                    told = Some(Instant::now());
                    if teller.send((ticket, News::Reached(reached))).is_ok() {
                        (waker.0)();
                    }
                }
                if ended.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let news = work(&data, &mut watch);
            if teller.send((ticket, news)).is_ok() {
                (waker.0)();
            }
        });
    }
}

/// Under the name that was found already it is written as it is; under another it is made anew, since operations are called
/// after it.
fn keep(
    data: &Path,
    found: &Found,
    name: &str,
    title: &str,
    watch: &mut dyn FnMut(Reached) -> ControlFlow<()>,
) -> Result<Connector, DiskError> {
    let id = ConnectorId::new(name);
    if name.is_empty() {
        return Err(ImportError::Connector { id: String::new() }.into());
    }
    let mut connector = if found.imported.connector.id == id {
        found.imported.connector.clone()
    } else {
        import_files(&found.files, &Options::new(id), watch)?.connector
    };
    if !title.is_empty() {
        title.clone_into(&mut connector.title);
    }
    if watch(Reached::default()).is_break() {
        return Err(ImportError::Cancelled.into());
    }
    Shelf::of(data).keep(&connector)?;
    Ok(connector)
}

/// The connections to a service that the data directory names.
fn connections(data: &Path, id: &ConnectorId) -> Vec<String> {
    let text = std::fs::read(data.join("connections.json")).unwrap_or_default();
    let Ok(Value::Array(list)) = serde_json::from_slice(&text) else { return Vec::new() };
    let of_it = list.iter().filter(|it| it["connector"] == id.as_str());
    of_it.filter_map(|it| Some(format!("the connection “{}”", it["id"].as_str()?))).collect()
}
