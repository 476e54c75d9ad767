//! The one thread that writes. Whatever waits is written in one transaction, and each sender hears of it after the commit.
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Connection, OptionalExtension as _};

use super::JournalError;
use super::checkpoint::{self, Checkpointer};
use super::desk::{Desk, PER_RUN, first_append};
use super::queue::{Change, Chore, Item, Pruned, Queue, Work};

/// So many in a row that fail by themselves mean that the disk is at fault, not one of them.
const HOPELESS: usize = 4;

/// Counts since the journal was opened.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) appends: AtomicU64,
    pub(super) commits: AtomicU64,
}

pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) file: PathBuf,
    pub(super) queue: Arc<Queue>,
    pub(super) counts: Arc<Counts>,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn work(self) {
        let Self { db, file, queue, counts } = self;
        let abandon = Abandon(&queue);
        match Desk::new(&db, &file) {
            Ok(desk) => Shift { desk, db: &db, file: &file, queue: &queue, counts: &counts, broken: HashMap::new() }.work(),
            Err(error) => tracing::error!(%error, "the journal's writer could not begin"),
        }
        drop(abandon);
        if let Err(error) = checkpoint::run(&db, "TRUNCATE") {
            tracing::warn!(%error, "the journal's log could not be moved into its file");
        }
    }
}

/// However the writer ends, nobody waits for it any longer.
struct Abandon<'a>(&'a Queue);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

struct Shift<'c> {
    desk: Desk<'c>,
    db: &'c Connection,
    file: &'c Path,
    queue: &'c Queue,
    counts: &'c Counts,
    /// Runs of which an append failed, why, and the last ticket that was given out by then: whatever was sent up to it was sent
    /// in the belief that the failed one would be written, and must not stand without it.
    broken: HashMap<u64, (u64, JournalError)>,
}

impl Shift<'_> {
    fn work(mut self) {
        let mut checkpointer = Checkpointer::start(self.file);
        loop {
            match self.queue.take(checkpointer.patience()) {
                Work::Group(items) => {
                    let count = items.len();
                    let bytes = self.group(items);
                    checkpointer.after_commit(self.db, bytes, count);
                    if let Some(chore) = self.queue.take_chore() {
                        self.chore(chore);
                    }
                }
                Work::Chore(chore) => {
                    self.chore(chore);
                    checkpointer.after_commit(self.db, 1 << 18, 1);
                }
                Work::Idle => checkpointer.when_idle(self.db),
                Work::Closed => return,
            }
        }
    }

    /// Writes a group and answers its senders; returns about how many bytes went into the log.
    fn group(&mut self, items: Vec<Item>) -> usize {
        if !self.broken.is_empty()
            && let Some(first) = items.first()
        {
            self.broken.retain(|_, (until, _)| *until >= first.ticket);
        }
        match self.transact(&items) {
            Ok((results, bytes)) => {
                for (item, result) in items.into_iter().zip(results) {
                    self.answer(item, result);
                }
                bytes
            }
            // It would only wait as long again for each.
            Err(error @ JournalError::Locked { .. }) => {
                for item in items {
                    self.answer(item, Err(error.clone()));
                }
                0
            }
            Err(error) => self.one_by_one(items, error),
        }
    }

    /// One of a group could not be written, so none was. Each for itself: the others shall not suffer from it.
    fn one_by_one(&mut self, items: Vec<Item>, error: JournalError) -> usize {
        tracing::warn!(%error, items = items.len(), "a group could not be written");
        // What the log occupies can be written again once it is in the file.
        checkpoint::run(self.db, "PASSIVE").ok();
        let (mut written, mut failures) = (0, 0);
        let mut last = error;
        for item in items {
            if failures >= HOPELESS {
                self.answer(item, Err(last.clone()));
                continue;
            }
            let result = self.transact(std::slice::from_ref(&item));
            let result = result.and_then(|(mut results, bytes)| {
                written += bytes;
                results.pop().unwrap_or(Err(JournalError::Closed))
            });
            match &result {
                Err(error) if !error.is_own() => {
                    failures += 1;
                    last = error.clone();
                }
                _ => failures = 0,
            }
            self.answer(item, result);
        }
        written
    }

    /// All in one transaction, or nothing. What concerns one item alone is its own result, and the rest is written.
    fn transact(&mut self, items: &[Item]) -> Result<(Vec<Result<(), JournalError>>, usize), JournalError> {
        self.desk.begin()?;
        let mut results = Vec::with_capacity(items.len());
        let mut refused: Vec<(u64, JournalError)> = Vec::new();
        let mut bytes = 0;
        for item in items {
            let run = item.change.run();
            let earlier = run.and_then(|run| self.refusal(run, item.ticket, &refused));
            if let Some(error) = earlier {
                results.push(Err(error));
                continue;
            }
            results.push(match self.desk.write(&item.change) {
                Err(error) if error.is_own() => {
                    refused.extend(run.map(|run| (run, error.clone())));
                    Err(error)
                }
                Err(error) => {
                    self.desk.roll_back();
                    return Err(error);
                }
                Ok(()) => {
                    bytes += item.change.bytes();
                    Ok(())
                }
            });
        }
        if let Err(error) = self.desk.commit() {
            self.desk.roll_back();
            return Err(error);
        }
        self.counts.commits.fetch_add(1, Ordering::Relaxed);
        self.counts.appends.fetch_add(results.iter().filter(|it| it.is_ok()).count() as u64, Ordering::Relaxed);
        Ok((results, bytes))
    }

    /// Why nothing more is written about a run that was sent by then.
    fn refusal(&self, run: u64, ticket: u64, refused: &[(u64, JournalError)]) -> Option<JournalError> {
        let before = self.broken.get(&run).filter(|(until, _)| ticket <= *until).map(|(_, error)| error);
        before.or_else(|| refused.iter().find(|(it, _)| *it == run).map(|(_, error)| error)).cloned()
    }

    fn answer(&mut self, item: Item, result: Result<(), JournalError>) {
        if let (Err(error), Some(run)) = (&result, item.change.run()) {
            let until = self.queue.last_ticket();
            self.broken.insert(run, (until, error.clone()));
        }
        // A sender that no longer waits has lost nothing: it is written.
        item.reply.send(result).ok();
    }

    fn chore(&mut self, chore: Chore) {
        match chore {
            Chore::Prune { runs, rows, down_to, reply } => {
                reply.send(self.in_transaction(|shift| shift.prune(&runs, rows, down_to))).ok();
            }
            Chore::Forget { revisions, reply } => {
                reply.send(self.in_transaction(|shift| shift.forget(&revisions))).ok();
            }
            Chore::Shrink { pages, reply } => {
                reply.send(self.said(shrink(self.db, pages))).ok();
            }
        }
    }

    fn in_transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        self.desk.begin()?;
        let done = work(self);
        let done = self.said(done).and_then(|it| self.desk.commit().map(|()| it));
        if done.is_err() {
            self.desk.roll_back();
        }
        done
    }

    fn prune(&mut self, runs: &[u64], rows: u32, down_to: u64) -> rusqlite::Result<Pruned> {
        let mut pruned = Pruned::default();
        let mut left = rows as usize;
        let newest = runs.iter().max().map_or(0, |it| it.saturating_add(1));
        let mark = "INSERT INTO marks VALUES ('next_run', ?1) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)";
        self.db.prepare_cached(mark)?.execute([newest as i64])?;
        // The rest of a run that was too long for the last time.
        let rest = "SELECT value FROM marks WHERE name = 'removing'";
        let rest: Option<i64> = self.db.prepare_cached(rest)?.query_row([], |row| row.get(0)).optional()?;
        if let Some(run) = rest {
            self.prune_appends(run as u64, &mut left)?;
            if left == 0 {
                return Ok(Pruned { is_partial: true, ..pruned });
            }
            self.db.execute("DELETE FROM marks WHERE name = 'removing'", [])?;
        }
        let mut head = self.db.prepare_cached("DELETE FROM runs WHERE id = ?1 AND finished IS NOT NULL")?;
        for run in runs {
            if used_pages(self.db)? <= down_to {
                break;
            }
            // The head goes first: a run is listed with all that belongs to it, or not at all.
            if head.execute([*run as i64])? == 0 {
                continue;
            }
            pruned.runs += 1;
            self.prune_appends(*run, &mut left)?;
            if left == 0 {
                self.db.execute("INSERT INTO marks VALUES ('removing', ?1)", [*run as i64])?;
                return Ok(Pruned { is_partial: true, ..pruned });
            }
        }
        Ok(pruned)
    }

    fn prune_appends(&self, run: u64, left: &mut usize) -> rusqlite::Result<()> {
        let Some(first) = first_append(run) else { return Ok(()) };
        let sql = "DELETE FROM appends WHERE id IN (SELECT id FROM appends WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)";
        let removed = self.db.prepare_cached(sql)?.execute([first, first + PER_RUN, *left as i64])?;
        *left = left.saturating_sub(removed);
        Ok(())
    }

    fn forget(&mut self, revisions: &[String]) -> rusqlite::Result<u64> {
        let mut delete = self.db.prepare_cached("DELETE FROM revisions WHERE hash = ?1")?;
        revisions.iter().try_fold(0, |sum, it| Ok(sum + delete.execute([it])? as u64))
    }

    fn said<T>(&self, result: rusqlite::Result<T>) -> Result<T, JournalError> {
        result.map_err(|error| JournalError::sqlite(self.file, &error))
    }
}

impl Change {
    /// The run that it is about, if it is about one.
    fn run(&self) -> Option<u64> {
        match self {
            Self::Append(it) => Some(it.run),
            Self::State { .. } | Self::Revision { .. } => None,
        }
    }
}

fn used_pages(db: &Connection) -> rusqlite::Result<u64> {
    let number = |sql| db.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0)).map(|it| it as u64);
    Ok(number("PRAGMA page_count")?.saturating_sub(number("PRAGMA freelist_count")?))
}

/// Gives free pages back; the statement yields a row for each.
fn shrink(db: &Connection, pages: u32) -> rusqlite::Result<()> {
    let mut statement = db.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
