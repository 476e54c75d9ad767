//! Keeping the journal within its bounds: the oldest finished runs go first, failed ones last, unfinished ones never.
use jiff::Timestamp;

use super::encode::nanoseconds;
use super::queue::Chore;
use super::{Journal, JournalError};
use crate::run::Revision;

/// Runs and rows that are removed in one transaction; appends wait for no more than that.
const RUNS: i64 = 128;
const ROWS: u32 = 1024;
/// Pages that are given back to the disk in one transaction.
const PAGES: u32 = 512;
/// Once the bound is met, so much is removed that it is not met again at once: in hundredths of it.
const DOWN_TO: u64 = 90;

/// A run that is over, and that no unfinished run may still ask for as its sub-flow.
const REMOVABLE: &str = "finished IS NOT NULL AND NOT EXISTS
    (SELECT 1 FROM runs p WHERE p.id = runs.parent AND p.finished IS NULL)";

/// What retention did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retained {
    /// Runs that were removed.
    pub removed: u64,
    /// Bytes on the disk afterwards, without the log.
    pub size: u64,
    /// Whether the bound is still met, because what is left may not be removed.
    pub is_over: bool,
}

#[derive(Debug, Clone, Copy)]
struct Pages {
    size: u64,
    all: u64,
    free: u64,
}

impl Journal {
    /// Removes what the options no longer want kept as of `now`. Blocks; call it now and then from a thread of its own. Appends
    /// go on meanwhile.
    pub fn retain(&self, now: Timestamp) -> Result<Retained, JournalError> {
        let options = self.options();
        // What an earlier process may have left half removed.
        let mut removed = self.prune(&[], 0)?;
        if let Some(age) = options.max_age {
            let before = now.checked_sub(age).map_or(i64::MIN, nanoseconds);
            removed += self.remove(&format!("finished < {before}"), 0)?;
        }
        let bound = options.max_bytes;
        let pages = self.pages()?;
        if pages.used() * pages.size > bound {
            let enough = bound / 100 * DOWN_TO / pages.size;
            let recent = self.recent()?;
            for wanted in [
                format!("outcome <> 1 AND id < {recent}"),
                format!("outcome = 1 AND id < {recent}"),
                "outcome <> 1".to_owned(),
                "outcome = 1".to_owned(),
            ] {
                removed += self.remove(&wanted, enough)?;
            }
        }
        let mut pages = self.pages()?;
        while pages.bytes() > bound && pages.free > 0 {
            let excess = (pages.bytes() - bound).div_ceil(pages.size).min(pages.free);
            let pages_now = u32::try_from(excess).unwrap_or(PAGES).min(PAGES);
            self.queue().chore(|reply| Chore::Shrink { pages: pages_now, reply })?;
            let after = self.pages()?;
            if after.all >= pages.all {
                break;
            }
            pages = after;
        }
        Ok(Retained { removed, size: pages.bytes(), is_over: pages.used() * pages.size > bound })
    }

    /// Removes revisions of flows that no kept run has and that are not among `in_use`; returns how many. Call it before
    /// anything is deployed, since what is saved meanwhile could be what is being removed.
    pub fn forget_revisions(&self, in_use: &[Revision]) -> Result<u64, JournalError> {
        let unused = self.reader().ask(|link| {
            let sql = "SELECT hash FROM revisions WHERE hash NOT IN
                (SELECT revision FROM origins WHERE no IN (SELECT DISTINCT origin FROM runs))";
            let mut query = link.db.prepare(sql)?;
            query.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
        })?;
        let revisions: Vec<String> = unused.into_iter().filter(|it| in_use.iter().all(|used| *used.0 != **it)).collect();
        if revisions.is_empty() {
            return Ok(0);
        }
        self.queue().chore(|reply| Chore::Forget { revisions, reply })
    }

    /// Removes runs that meet a condition, oldest first, until no more than so many pages are in use.
    fn remove(&self, wanted: &str, down_to: u64) -> Result<u64, JournalError> {
        let sql = format!("SELECT id FROM runs WHERE id > ?1 AND {wanted} AND {REMOVABLE} ORDER BY id LIMIT {RUNS}");
        let (mut removed, mut last) = (0, -1);
        while self.pages()?.used() > down_to {
            let runs: Vec<i64> = self.reader().ask(|link| {
                let mut query = link.db.prepare_cached(&sql)?;
                query.query_map([last], |row| row.get(0))?.collect()
            })?;
            let Some(newest) = runs.last() else { break };
            last = *newest;
            removed += self.prune(&runs, down_to)?;
        }
        Ok(removed)
    }

    fn prune(&self, runs: &[i64], down_to: u64) -> Result<u64, JournalError> {
        let mut removed = 0;
        loop {
            let runs = runs.iter().map(|it| *it as u64).collect();
            let pruned = self.queue().chore(|reply| Chore::Prune { runs, rows: ROWS, down_to, reply })?;
            removed += pruned.runs;
            if !pruned.is_partial {
                return Ok(removed);
            }
        }
    }

    /// From this run on they are recent.
    fn recent(&self) -> Result<i64, JournalError> {
        let keep = i64::from(self.options().keep_recent);
        self.reader().ask(|link| {
            let sql = "SELECT coalesce(min(id), 0) FROM (SELECT id FROM runs ORDER BY id DESC LIMIT ?1)";
            link.db.query_row(sql, [keep], |row| row.get(0))
        })
    }

    fn pages(&self) -> Result<Pages, JournalError> {
        self.reader().ask(|link| {
            let number = |name: &str| link.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map(|it| it as u64);
            Ok(Pages { size: number("page_size")?, all: number("page_count")?, free: number("freelist_count")? })
        })
    }
}

impl Pages {
    fn used(self) -> u64 {
        self.all.saturating_sub(self.free)
    }

    fn bytes(self) -> u64 {
        self.all * self.size
    }
}
