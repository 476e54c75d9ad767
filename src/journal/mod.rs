//! What happened, on the disk: the entries of runs, what was exchanged with services, flow revisions, small states. The only SQL.
//!
//! One thread writes. Whatever waits when it looks is written in one transaction and synced once, so that many runs share the cost
//! of durability; encoding and packing happen before, on the threads of the callers. Readers never wait for the writer, nor it for
//! them.
//!
//! Invariant: an [`append`](Journal::append) is acknowledged after the commit that holds it, and never otherwise.
//! Invariant: the appends of a sender are written in the order of its calls; after one of a run has failed, nothing of that run
//! that was sent before the failure could be known is written.
//! Invariant: an error leaves the journal as it was, and the writer goes on with the next.
//! Invariant: what is here is redacted by whoever made it; the journal neither looks for secrets nor removes them.
mod append;
mod blob;
mod checkpoint;
mod desk;
mod encode;
mod error;
mod exchange;
mod export;
mod head;
mod index;
mod link;
mod lock;
pub mod private;
mod queue;
mod reader;
mod retain;
mod schema;
mod search;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, fs, thread};

use jiff::SignedDuration;
use serde_json::Value;

pub use self::append::{Append, Kept, Mode, NewRun, StepExchange};
use self::blob::Packer;
use self::encode::Encoded;
pub use self::error::JournalError;
pub use self::export::{Format, Record};
pub use self::head::{Filter, OutcomeKind, RunHead, RunState, Stored};
pub use self::index::{Indexed, Meanwhile};
use self::lock::Lock;
pub use self::queue::Commit;
use self::queue::{Change, Queue};
pub use self::reader::Reader;
pub use self::retain::Retained;
use self::schema::Use;
pub use self::search::{Found, Hit, Place, Searched};
use self::writer::{Counts, Writer};
use crate::run::{Entry, Revision, RunId, StepKey};

/// How much is kept, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// [`Journal::retain`] removes runs above this size of the file.
    pub max_bytes: u64,
    /// It removes finished runs that ended longer ago than this; none keeps them until the size is met.
    pub max_age: Option<SignedDuration>,
    /// Of the newest runs so many stay even while older failures are removed.
    pub keep_recent: u32,
    /// The file never grows beyond this; writing then fails as on a full disk. None leaves it to the disk.
    pub hard_bytes: Option<u64>,
    /// How long a write waits for another program that locks the file.
    pub lock_wait: Duration,
}

/// The journal of a data directory, open for writing; cheap to clone. When the last clone is dropped, what waits is written.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    packer: Packer,
    reader: Reader,
    next: AtomicU64,
    counts: Arc<Counts>,
    options: Options,
    dir: PathBuf,
    exposed: Option<String>,
    writer: Mutex<Option<(JoinHandle<()>, Lock)>>,
}

/// What was written since the journal was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Appends and other changes.
    pub appends: u64,
    /// Transactions that they shared.
    pub commits: u64,
}

impl Journal {
    /// Whether somebody has the journal of a data directory open.
    pub fn is_in_use(dir: &Path) -> bool {
        dir.is_dir() && matches!(Lock::take(dir), Err(JournalError::InUse { .. }))
    }

    /// Opens the journal of a data directory, and makes both if need be. Only one process at a time may.
    pub fn open(dir: &Path, options: Options) -> Result<Self, JournalError> {
        make_directory(dir)?;
        let lock = Lock::take(dir)?;
        let file = schema::path(dir);
        // Made here, so that it is private from the first; what SQLite makes beside it gets the same mode.
        private::options().write(true).create_new(true).open(&file).map(drop).unwrap_or_default();
        let exposed = private::keep(dir);
        let mut db = schema::connect(&file, Use::Write { wait: options.lock_wait })?;
        schema::migrate(&mut db, &file)?;
        let prepared = (|| {
            if let Some(bytes) = options.hard_bytes {
                let page: i64 = db.pragma_query_value(None, "page_size", |row| row.get(0))?;
                let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
                db.pragma_update(None, "max_page_count", pages)?;
            }
            let newest = "SELECT max(coalesce((SELECT max(id) + 1 FROM runs), 1),
                                     coalesce((SELECT value FROM marks WHERE name = 'next_run'), 1))";
            db.query_row(newest, [], |row| row.get::<_, i64>(0))
        })();
        let next = prepared.map_err(|error| JournalError::sqlite(&file, &error))?;
        let (queue, counts) = (Arc::new(Queue::default()), Arc::new(Counts::default()));
        let writer = Writer { db, file: file.clone(), queue: Arc::clone(&queue), counts: Arc::clone(&counts) };
        let thread = thread::Builder::new().name("journal".to_owned()).spawn(move || writer.work());
        let thread = thread.map_err(|error| JournalError::Io { path: file.clone(), detail: error.to_string() })?;
        let inner = Inner {
            queue,
            packer: Packer::new(),
            reader: Reader::inside(&file),
            next: AtomicU64::new(next as u64),
            counts,
            options,
            dir: dir.to_owned(),
            exposed,
            writer: Mutex::new(Some((thread, lock))),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens it for reading only, also while another process writes it.
    pub fn open_reader(dir: &Path) -> Result<Reader, JournalError> {
        Reader::outside(dir)
    }

    /// Sends facts to be written; the future is done once they are on the disk. They are sent by this call, in its order, and
    /// written whether or not the future is awaited.
    ///
    /// Errors of its own: [`Duplicate`](JournalError::Duplicate) for a delivery that the flow took before,
    /// [`Unknown`](JournalError::Unknown) and [`Exists`](JournalError::Exists) for a run that is not there, or there already,
    /// [`Busy`](JournalError::Busy) when 64 MiB wait, which only senders meet who do not wait for their futures.
    pub fn append(&self, append: Append) -> Commit {
        self.append_with(append, None)
    }

    /// The same with a small value that is kept if the append is, or else not.
    pub fn append_with(&self, append: Append, kept: Option<Kept>) -> Commit {
        match Encoded::of(append, &self.inner.packer) {
            Ok(encoded) => self.inner.queue.send(Change::Append(Box::new(Encoded { kept, ..encoded }))),
            Err(error) => Commit::refused(error),
        }
    }

    /// Returns when less than 8 MiB wait to be written. Whoever takes in new work awaits this first; work under way goes on
    /// without, and is held back by its own futures.
    pub async fn room(&self) {
        self.inner.queue.room().await;
    }

    /// An id that no run had, larger than all before.
    pub fn next_run_id(&self) -> RunId {
        RunId(self.inner.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Keeps a flow's document under its content hash; blocks until it is on the disk. Keeping it again changes nothing.
    pub fn save_revision(&self, revision: &Revision, flow_json: &str) -> Result<(), JournalError> {
        let flow = self.inner.packer.pack(flow_json.as_bytes().to_vec());
        self.inner.queue.send(Change::Revision { hash: (*revision.0).to_owned(), flow }).wait()
    }

    /// Keeps a small value, for example how far a trigger has read; in order with the appends of the same sender. Null takes it away.
    pub fn put_state(&self, scope: &str, key: &str, value: &Value) -> Commit {
        let change = Change::State { scope: scope.to_owned(), key: key.to_owned(), value: value.to_string() };
        self.inner.queue.send(change)
    }

    /// Writes what waits, takes nothing more, and lets go of the directory; blocks meanwhile. Reading is possible afterwards.
    pub fn close(&self) {
        self.inner.close();
    }

    /// What was written so far.
    pub fn written(&self) -> Written {
        let Counts { appends, commits } = &*self.inner.counts;
        Written { appends: appends.load(Ordering::Relaxed), commits: commits.load(Ordering::Relaxed) }
    }

    /// What others on this machine can read or change of the data directory, in words for a person; none if nothing.
    pub fn exposed(&self) -> Option<&str> {
        self.inner.exposed.as_deref()
    }

    /// The reading side; it has everything that [`open_reader`](Self::open_reader) gives.
    pub fn reader(&self) -> &Reader {
        &self.inner.reader
    }

    fn options(&self) -> &Options {
        &self.inner.options
    }

    fn queue(&self) -> &Queue {
        &self.inner.queue
    }
}

/// The most used of [`Reader`], without the detour.
impl Journal {
    /// See [`Reader::unfinished`].
    pub fn unfinished(&self) -> Result<Vec<RunId>, JournalError> {
        self.reader().unfinished()
    }

    /// See [`Reader::stored`].
    pub fn stored(&self, run: RunId) -> Result<Option<Stored>, JournalError> {
        self.reader().stored(run)
    }

    /// See [`Reader::run`].
    pub fn run(&self, run: RunId) -> Result<Option<RunHead>, JournalError> {
        self.reader().run(run)
    }

    /// See [`Reader::runs`].
    pub fn runs(&self, filter: &Filter) -> Result<Vec<RunHead>, JournalError> {
        self.reader().runs(filter)
    }

    /// See [`Reader::entries`].
    pub fn entries(&self, run: RunId) -> Result<Vec<Entry>, JournalError> {
        self.reader().entries(run)
    }

    /// See [`Reader::exchanges`].
    pub fn exchanges(&self, run: RunId) -> Result<Vec<StepExchange>, JournalError> {
        self.reader().exchanges(run)
    }

    /// See [`Reader::exchange_heads`].
    pub fn exchange_heads(&self, run: RunId) -> Result<Vec<StepExchange>, JournalError> {
        self.reader().exchange_heads(run)
    }

    /// See [`Reader::step_exchanges`].
    pub fn step_exchanges(&self, run: RunId, step: &StepKey) -> Result<Vec<StepExchange>, JournalError> {
        self.reader().step_exchanges(run, step)
    }

    /// See [`Reader::search`].
    pub fn search(&self, text: &str, limit: usize, each: &mut dyn FnMut(Hit)) -> Result<Searched, JournalError> {
        self.reader().search(text, limit, each)
    }

    /// See [`Reader::index`].
    pub fn index(&self, each: &mut dyn FnMut(Indexed) -> std::ops::ControlFlow<()>) -> Result<Indexed, JournalError> {
        self.reader().index(each)
    }

    /// See [`Reader::export`].
    pub fn export(&self, filter: &Filter, format: Format, out: &mut dyn std::io::Write) -> Result<u64, JournalError> {
        self.reader().export(filter, format, out)
    }

    /// See [`Reader::revision`].
    pub fn revision(&self, revision: &Revision) -> Result<Option<String>, JournalError> {
        self.reader().revision(revision)
    }

    /// See [`Reader::state`].
    pub fn state(&self, scope: &str, key: &str) -> Result<Option<Value>, JournalError> {
        self.reader().state(scope, key)
    }

    /// See [`Reader::size`].
    pub fn size(&self) -> Result<u64, JournalError> {
        self.reader().size()
    }
}

impl Inner {
    fn close(&self) {
        self.queue.close();
        self.reader.close();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((thread, lock)) = writer.take() {
            if thread.join().is_err() {
                tracing::error!("the journal's writer ended in a panic");
            }
            drop(lock);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Default for Options {
    /// Half a gigabyte.
    fn default() -> Self {
        Self { max_bytes: 500_000_000, max_age: None, keep_recent: 200, hard_bytes: None, lock_wait: Duration::from_secs(5) }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("dir", &self.inner.dir).finish()
    }
}

fn make_directory(dir: &Path) -> Result<(), JournalError> {
    if dir.is_dir() {
        return Ok(());
    }
    private::make(dir).map_err(|error| JournalError::directory(dir, &error))?;
    // The new directory's own name is to survive a power cut too; where directories cannot be synced, it is up to the system.
    if let Some(parent) = dir.parent() {
        fs::File::open(parent).and_then(|it| it.sync_all()).ok();
    }
    Ok(())
}
