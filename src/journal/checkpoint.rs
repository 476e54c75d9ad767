//! Moving the log into the file. Done by a thread of its own while the writer goes on, so that no append waits for it; only the
//! small rest that came meanwhile is moved by the writer, after which the log begins again from its start.
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::schema::{self, Use};

const PAGE: usize = 4096;
/// Pages in the log at which it is moved: 16 MiB. Larger logs are moved more rarely, and take longer to read.
const DUE: usize = 4096;
/// While many wait for each commit it is moved only at so many, about 256 MiB: moving it keeps the disk from them.
const PRESSING: usize = 16 * DUE;
/// Pages at which the writer moves the log itself, because the other thread does not keep up.
const OVERDUE: usize = 20 * DUE;
/// After so long without work, what is in the log is moved.
const IDLE: Duration = Duration::from_millis(300);
/// A log whose file a crowd left longer than so many bytes, 64 MiB, is cut after so long without work. Not before: cutting it can
/// keep a disk from all else for a tenth of a second, and a file that has its length takes what is written sooner.
const LONG: u64 = 4 * (DUE * PAGE) as u64;
const LONG_IDLE: Duration = Duration::from_mins(1);
/// Where so many were written together, whoever sent them waited for the disk.
const MANY: usize = 8;
/// Nobody waits for it any more once so long no many were written together.
const CALM: Duration = Duration::from_millis(200);
/// Of a log of so many pages the writer moves all when it has nothing else to do.
const SMALL: usize = 256;
/// Rounds of the other thread at most; each leaves only what came during it, until that is little.
const ROUNDS: usize = 5;

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
    /// When many were last written together.
    crowded: Option<Instant>,
    /// Whether its file is longer than it is to stay.
    is_long: bool,
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
        Self { pages: 1, asked: false, crowded: None, is_long: false, near, ask: Some(ask), thread: thread.ok() }
    }

    /// After how long without work there is something to do.
    pub(super) fn patience(&self) -> Option<Duration> {
        if self.pages > 0 { Some(IDLE) } else { self.is_long.then_some(LONG_IDLE) }
    }

    /// Counts what a commit of so many items put into the log, and sees to the log if it has grown.
    pub(super) fn after_commit(&mut self, db: &Connection, bytes: usize, items: usize) {
        // A page for each index and table that it touched, besides what it carried.
        self.pages += 6 + bytes / (PAGE - 512);
        if self.near.swap(false, Ordering::Acquire) || self.pages >= OVERDUE {
            self.asked = false;
            self.finish(db);
        } else if self.pages >= if self.is_crowded(items) { PRESSING } else { DUE } && !self.asked {
            self.ask();
            if !self.asked {
                self.finish(db);
            }
        }
    }

    /// A few groups are small in every crowd.
    fn is_crowded(&mut self, items: usize) -> bool {
        let now = Instant::now();
        if items > MANY {
            self.crowded = Some(now);
        }
        self.crowded.is_some_and(|it| now.duration_since(it) < CALM)
    }

    fn ask(&mut self) {
        self.asked = self.thread.is_some() && self.ask.as_ref().is_some_and(|it| it.try_send(()).is_ok());
    }

    /// Nothing else is to do, for now: what comes next does not wait for much.
    pub(super) fn when_idle(&mut self, db: &Connection) {
        if self.pages == 0 {
            self.cut(db);
            return;
        }
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
        self.is_long = db.path().is_some_and(|it| fs::metadata(schema::log_path(Path::new(it))).is_ok_and(|it| it.len() > LONG));
        db.release_memory().ok();
    }

    /// Cuts the log's file, if nobody reads it just now.
    fn cut(&mut self, db: &Connection) {
        self.is_long = false;
        let wait = db.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, u32>(0));
        db.busy_timeout(Duration::ZERO).ok();
        if let Err(error) = run(db, "TRUNCATE") {
            tracing::debug!(%error, "the journal's log could not be cut");
        }
        db.busy_timeout(Duration::from_millis(wait.unwrap_or_default().into())).ok();
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
        if let Some(Err(error)) = kept.as_ref().map(move_most) {
            tracing::warn!(%error, "the journal's log could not be moved into its file");
        }
        near.store(true, Ordering::Release);
    }
}

/// Moves all but what comes meanwhile, as often as that is much.
fn move_most(db: &Connection) -> rusqlite::Result<()> {
    let mut before = 0;
    for _ in 0..ROUNDS {
        let Moved { log, moved } = run(db, "PASSIVE")?;
        if log.saturating_sub(before) <= SMALL {
            break;
        }
        before = moved;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(dir: &Path) -> Connection {
        let db = schema::connect(&schema::path(dir), Use::Write { wait: Duration::from_secs(5) }).unwrap();
        db.execute_batch("CREATE TABLE t (x)").unwrap();
        db
    }

    fn log_length(db: &Connection) -> u64 {
        fs::metadata(schema::log_path(Path::new(db.path().unwrap()))).unwrap().len()
    }

    #[test]
    fn a_log_that_a_crowd_left_long_is_cut_once_nobody_works_and_nobody_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let db = database(dir.path());
        let mut it = Checkpointer::start(&schema::path(dir.path()));
        db.execute("INSERT INTO t SELECT zeroblob(1 << 20) FROM json_each(?1)", [format!("[{}0]", "0,".repeat(70))]).unwrap();
        assert!(log_length(&db) > LONG);
        assert_eq!(it.patience(), Some(IDLE));
        while it.pages > 0 {
            it.when_idle(&db);
        }
        assert!(log_length(&db) > LONG, "not as soon as nothing is to do");
        assert_eq!(it.patience(), Some(LONG_IDLE));
        let reader = schema::connect(&schema::path(dir.path()), Use::Read).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        db.execute("INSERT INTO t VALUES (1)", []).unwrap();
        let length = log_length(&db);
        it.when_idle(&db);
        assert_eq!((log_length(&db), it.patience()), (length, None), "whoever reads is not waited for");
        reader.execute_batch("COMMIT").unwrap();
        it.after_commit(&db, 0, 1);
        while it.patience().is_some() {
            it.when_idle(&db);
        }
        assert_eq!(log_length(&db), 0);
        let rows: i64 = reader.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 72);
    }

    #[test]
    fn while_many_wait_the_log_is_moved_later_also_between_small_groups() {
        let dir = tempfile::tempdir().unwrap();
        let db = database(dir.path());
        let mut it = Checkpointer::start(&schema::path(dir.path()));
        it.after_commit(&db, DUE * PAGE, MANY + 1);
        assert!(it.pages >= DUE && !it.asked);
        // However long this test takes.
        it.crowded = Some(Instant::now() + Duration::from_hours(1));
        it.after_commit(&db, 0, 1);
        assert!(!it.asked);
        it.crowded = None;
        it.after_commit(&db, 0, 1);
        assert!(it.asked);
    }
}
