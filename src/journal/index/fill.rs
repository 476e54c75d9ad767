//! Taking runs into the index, newest first, a few blocks in each transaction.
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::hash::{BuildHasher as _, RandomState};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::super::{JournalError, Reader, private, search};
use super::{Block, PER_BLOCK, Stamp, blocks, file, fold, path};

/// Text and time after which what was taken in is committed.
const TEXT: usize = 4 << 20;
pub(super) const SLICE: Duration = Duration::from_millis(80);
/// A block with more text is left out and always looked through: its trigrams are most of those that there are.
const LARGEST: usize = 48 << 20;
/// The index has about as many bytes as the journal at most, or so many where that is less; what does not fit is looked through.
const LEAST: u64 = 16 << 20;

/// How far the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Indexed {
    /// Runs that were taken in.
    pub runs: u64,
    /// Bytes of text in them, each text of a block once.
    pub text: u64,
    /// Blocks that are still to be taken in.
    pub left: u64,
    /// Bytes of the index on the disk, without its log.
    pub size: u64,
}

/// Held by the one process and thread that fills it.
struct Turn(File);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.unlock().ok();
    }
}

impl Reader {
    /// Brings the index of the search up to date with the journal: takes in runs that are over, and removes what the journal no
    /// longer has. Does nothing where another process is at it, or the directory may only be read. After each short piece of
    /// work `each` is asked whether to go on.
    pub fn index(&self, each: &mut dyn FnMut(Indexed) -> ControlFlow<()>) -> Result<Indexed, JournalError> {
        let index = path(self.file());
        let failed = |error: rusqlite::Error| JournalError::sqlite(&index, &error);
        let Some(_turn) = take_turn(&index.with_extension("lock")) else { return Ok(Indexed::default()) };
        let mut db = file::write(&index).map_err(failed)?;
        let bound = self.size()?.max(LEAST);
        match self.fill(&mut db, bound, each) {
            Err(Broken::Index(error)) if file::is_useless(&error) => {
                drop(db);
                file::remove(&index);
                let mut db = file::write(&index).map_err(failed)?;
                self.fill(&mut db, bound, each).map_err(|it| it.said(&index))
            }
            done => done.map_err(|it| it.said(&index)),
        }
    }

    /// Bytes of the index of the search on the disk, with its log; 0 where there is none.
    pub fn index_size(&self) -> u64 {
        let index = path(self.file());
        let length = |path: &Path| fs::metadata(path).map_or(0, |it| it.len());
        length(&index) + length(&super::super::schema::log_path(&index))
    }

    /// Takes in what is missing, newest first: down to half of the bound, or to the oldest that is in it already, so that what
    /// comes later has room; beyond the bound a quarter of the blocks goes, the oldest.
    fn fill(&self, db: &mut Connection, bound: u64, each: &mut dyn FnMut(Indexed) -> ControlFlow<()>) -> Result<Indexed, Broken> {
        let now = self.ask(|link| blocks(&link.db, 0, i64::MAX / PER_BLOCK - 1))?;
        let known = known(db)?;
        let stamps: HashMap<i64, Stamp> = now.iter().map(|it| (it.no, it.stamp)).collect();
        let mut gone: Vec<i64> = known.keys().filter(|it| !stamps.contains_key(it)).copied().collect();
        gone.sort_unstable();
        let newest = now.last().map_or(0, |it| it.no);
        // The newest block is likely to get more runs.
        let is_due = |it: &&Block| !it.is_open && it.no != newest && known.get(&it.no) != Some(&it.stamp);
        let mut due: Vec<Block> = now.iter().filter(is_due).copied().collect();
        let oldest = known.keys().min().copied().unwrap_or(i64::MAX);
        let mut done = Indexed { left: due.len() as u64, size: size(db)?, ..Indexed::default() };
        for some in gone.chunks(256) {
            let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            some.iter().try_for_each(|no| forget(&change, *no))?;
            change.commit()?;
            if each(done).is_break() {
                return Ok(done);
            }
        }
        let mut is_trimmed = false;
        while let Some(next) = due.last() {
            if done.size >= bound / 2 && next.no < oldest {
                break;
            }
            if done.size >= bound {
                if is_trimmed {
                    break;
                }
                is_trimmed = true;
                trim(db)?;
                done.size = size(db)?;
            }
            let begun = Instant::now();
            let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut text = 0;
            while text < TEXT.min(bound as usize / 32) && begun.elapsed() < SLICE {
                let Some(block) = due.pop() else { break };
                done.left -= 1;
                // What cannot be read is looked through, and the search says what is wrong with it.
                let Ok(gathered) = self.gather(block.no) else { continue };
                if known.contains_key(&block.no) {
                    forget(&change, block.no)?;
                }
                let is_whole = gathered.is_some();
                if let Some(gathered) = gathered {
                    text += gathered.len();
                    change.prepare_cached("INSERT INTO texts (rowid, text) VALUES (?1, ?2)")?.execute((block.no, gathered))?;
                }
                let keep = "INSERT INTO blocks (no, runs, times, is_whole) VALUES (?1, ?2, ?3, ?4)";
                change.prepare_cached(keep)?.execute((block.no, block.stamp.runs, block.stamp.times, is_whole))?;
                done.runs += u64::from(block.stamp.runs.count_ones());
            }
            change.commit()?;
            done.text += text as u64;
            done.size = size(db)?;
            if each(done).is_break() {
                return Ok(done);
            }
        }
        if !gone.is_empty() {
            merge(db, 256)?;
            shrink(db)?;
            done.size = size(db)?;
        }
        Ok(done)
    }

    /// All texts of a block's runs, each once, as the index has them; none if that is too much.
    fn gather(&self, no: i64) -> Result<Option<String>, JournalError> {
        let (hasher, mut seen, mut all) = (RandomState::new(), HashSet::new(), String::new());
        for head in self.heads_between(no * PER_BLOCK, (no + 1) * PER_BLOCK)? {
            let took = search::each_text(self, &head, &mut |text| {
                if seen.insert(hasher.hash_one(text)) {
                    fold::fold(text, &mut all);
                    all.push('\n');
                }
                if all.len() > LARGEST { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            if took.is_break() {
                return Ok(None);
            }
        }
        Ok(Some(all))
    }
}

/// What went wrong, and in which of the two files.
enum Broken {
    Index(rusqlite::Error),
    Journal(JournalError),
}

impl Broken {
    fn said(self, index: &Path) -> JournalError {
        match self {
            Self::Index(error) => JournalError::sqlite(index, &error),
            Self::Journal(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Index(error)
    }
}

impl From<JournalError> for Broken {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

fn take_turn(path: &PathBuf) -> Option<Turn> {
    let file = private::options().write(true).truncate(false).open(path).ok()?;
    file.try_lock().ok()?;
    Some(Turn(file))
}

fn known(db: &Connection) -> rusqlite::Result<HashMap<i64, Stamp>> {
    let mut query = db.prepare("SELECT no, runs, times FROM blocks")?;
    query.query_map([], |row| Ok((row.get(0)?, Stamp { runs: row.get(1)?, times: row.get(2)? })))?.collect()
}

fn forget(db: &Connection, no: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM texts WHERE rowid = ?1")?.execute([no])?;
    db.prepare_cached("DELETE FROM blocks WHERE no = ?1")?.execute([no]).map(|_| ())
}

/// Forgets a quarter of the blocks, the oldest, and what they occupy.
fn trim(db: &mut Connection) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "SELECT no FROM blocks ORDER BY no LIMIT (SELECT count(*) / 4 FROM blocks)";
    let oldest: Vec<i64> = change.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    oldest.iter().try_for_each(|no| forget(&change, *no))?;
    change.commit()?;
    // A row that was forgotten occupies its place until the parts that it is in are merged: all of them.
    merge(db, -4096)?;
    let mut before = db.total_changes();
    loop {
        merge(db, 4096)?;
        let after = db.total_changes();
        // As FTS5 tells that nothing is left to merge.
        if after - before < 2 {
            break;
        }
        before = after;
    }
    shrink(db)
}

fn merge(db: &Connection, pages: i64) -> rusqlite::Result<()> {
    db.execute("INSERT INTO texts (texts, rank) VALUES ('merge', ?1)", [pages]).map(|_| ())
}

fn size(db: &Connection) -> rusqlite::Result<u64> {
    let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map(|it| it as u64);
    Ok(number("page_size")? * number("page_count")?.saturating_sub(number("freelist_count")?))
}

/// Gives free pages back to the disk; the statement yields a row for each.
fn shrink(db: &Connection) -> rusqlite::Result<()> {
    let mut statement = db.prepare("PRAGMA incremental_vacuum")?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::tests::{Bench, succeeded};
    use super::super::super::{Filter, Found};
    use super::*;

    /// Runs with texts that have hardly a trigram in common.
    fn noise(bench: &Bench, runs: usize, seed: u64) {
        let mut chance = fastrand::Rng::with_seed(seed);
        for _ in 0..runs {
            let text: String = std::iter::repeat_with(|| chance.char('一'..'鿿')).take(1500).collect();
            let run = bench.begin("a");
            bench.add(run, vec![succeeded("s", json!(text)), crate::journal::tests::finish(crate::run::Outcome::Succeeded)]);
        }
    }

    #[test]
    fn the_index_stays_near_its_bound_and_keeps_the_newest() {
        let bench = Bench::new();
        let reader = bench.journal.reader();
        let index = path(reader.file());
        let bound = 512 << 10;
        let fill = || reader.fill(&mut file::write(&index).unwrap(), bound, &mut |_| ControlFlow::Continue(())).ok().unwrap();
        let kept = || known(&file::write(&index).unwrap()).unwrap().into_keys().collect::<std::collections::BTreeSet<i64>>();
        noise(&bench, 120, 1);
        let first = fill();
        assert!(first.left > 0 && first.size < bound * 5 / 4, "{first:?}");
        let before = kept();
        for round in 2..8 {
            noise(&bench, 56, round);
            let done = fill();
            assert!(done.size < bound * 5 / 4, "{done:?}");
            let all = reader.ids(&Filter { limit: 10_000, ..Filter::default() }).unwrap();
            let newest = all[0].0 as i64 / PER_BLOCK;
            assert!(kept().contains(&(newest - 1)), "{newest} {:?}", kept());
        }
        assert!(kept().is_disjoint(&before), "what was the oldest is gone");
        let mut hits = 0;
        reader
            .search_in(&Filter { limit: 10_000, ..Filter::default() }, "@example.org", &mut |found| {
                hits += u64::from(matches!(found, Found::Hit(_)));
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(hits, 120 + 6 * 56);
    }
}
