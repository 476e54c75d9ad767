//! Moving the log into the file. Done by a thread of its own while the writer goes on, so that no append waits for it; only the
//! small rest that came meanwhile is moved by the writer, after which the log begins again from its start.
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::schema::{self, Use};

const PAGE: usize = 4096;
/// Pages in the log at which it is moved: 16 MiB. Larger logs are moved more rarely, and take longer to read.
const DUE: usize = 4096;
/// While many wait for each commit it is moved only at so many: moving it keeps the disk from them.
const PRESSING: usize = 4 * DUE;
/// Pages at which the writer moves the log itself, because the other thread does not keep up.
const OVERDUE: usize = 8 * DUE;
/// Of a log of so many pages the writer moves all when it has nothing else to do.
const SMALL: usize = 256;
/// Rounds of the other thread; each leaves only what came during it.
const ROUNDS: usize = 2;

/// What a checkpoint found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moved {
    /// Pages in the log.
    pub(super) log: usize,
    /// Of them, pages that are in the file by now.
    pub(super) moved: usize,
}

/// The writer's side.
pub(super) struct Checkpointer {
    /// About how many pages the log holds that are not in the file.
    pages: usize,
    asked: bool,
    near: Arc<AtomicBool>,
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// One checkpoint: `PASSIVE` waits for nobody, `TRUNCATE` for readers.
pub(super) fn run(db: &Connection, how: &str) -> rusqlite::Result<Moved> {
    db.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
        let count = |at| row.get::<_, i64>(at).map(|it| usize::try_from(it).unwrap_or(0));
        Ok(Moved { log: count(1)?, moved: count(2)? })
    })
}

impl Checkpointer {
    pub(super) fn start(file: &Path) -> Self {
        let (ask, asked) = sync_channel(1);
        let near = Arc::new(AtomicBool::new(false));
        let (file, done) = (file.to_owned(), Arc::clone(&near));
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(move || serve(&file, &asked, &done));
        if let Err(error) = &thread {
            tracing::warn!(%error, "the journal's second thread could not begin; the writer does its work");
        }
        // What an earlier process left in the log is moved when there is time.
        Self { pages: 1, asked: false, near, ask: Some(ask), thread: thread.ok() }
    }

    /// Whether there is something to do when nothing else is.
    pub(super) fn is_due_when_idle(&self) -> bool {
        self.pages > 0
    }

    /// Counts what a commit put into the log, and sees to the log if it has grown. `busy` says whether many waited for it.
    pub(super) fn after_commit(&mut self, db: &Connection, bytes: usize, busy: bool) {
        // A page for each index and table that it touched, besides what it carried.
        self.pages += 6 + bytes / (PAGE - 512);
        if self.near.swap(false, Ordering::Acquire) || self.pages >= OVERDUE {
            self.asked = false;
            self.finish(db);
        } else if self.pages >= if busy { PRESSING } else { DUE } && !self.asked {
            self.ask();
            if !self.asked {
                self.finish(db);
            }
        }
    }

    fn ask(&mut self) {
        self.asked = self.thread.is_some() && self.ask.as_ref().is_some_and(|it| it.try_send(()).is_ok());
    }

    /// Nothing else is to do, for now: what comes next does not wait for much.
    pub(super) fn when_idle(&mut self, db: &Connection) {
        if self.pages > SMALL && !self.near.load(Ordering::Acquire) {
            if !self.asked {
                self.ask();
            }
            if self.asked {
                return;
            }
        }
        self.near.store(false, Ordering::Release);
        self.asked = false;
        self.finish(db);
        // A reader may keep it from being complete; the next commit brings it up again.
        self.pages = 0;
        db.release_memory().ok();
    }

    fn finish(&mut self, db: &Connection) {
        match run(db, "PASSIVE") {
            Ok(Moved { log, moved }) => self.pages = log.saturating_sub(moved),
            Err(error) => {
                tracing::warn!(%error, "the journal's log could not be moved into its file");
                self.pages = 0;
            }
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.ask.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn serve(file: &Path, asked: &Receiver<()>, near: &AtomicBool) {
    let mut kept = None;
    while asked.recv().is_ok() {
        // Opened when it is first needed: most processes never write so much.
        if kept.is_none() {
            kept = schema::connect(file, Use::Write { wait: Duration::ZERO }).ok();
        }
        let rounds = kept.as_ref().map(|db| (0..ROUNDS).try_for_each(|_| run(db, "PASSIVE").map(|_| ())));
        if let Some(Err(error)) = rounds {
            tracing::warn!(%error, "the journal's log could not be moved into its file");
        }
        near.store(true, Ordering::Release);
    }
}
