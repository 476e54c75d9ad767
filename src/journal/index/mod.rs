//! The index of the search: which runs cannot hold a text, so that they need not be looked through.
//!
//! It lies in a database of its own beside the journal, and is derived from it: it may be thrown away, and is made again. Runs
//! are taken in by blocks of [`PER_BLOCK`], a row of trigrams each, and only once all of a block are over, since nothing is
//! written about a run after its end. Whoever searches or idles [fills](Reader::index) it from where it stopped, newest first.
//!
//! Invariant: it only ever leaves out runs that do not have the text. What it lets through, and what it does not know, is looked
//! through as if there were no index, so that what is found is the same with it and without.
//! Invariant: the journal's writer knows nothing of it and never waits for it.
mod file;
mod fill;
mod fold;
mod quiet;
mod sieve;

use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use self::fill::Indexed;
pub use self::quiet::Meanwhile;
pub(super) use self::sieve::Sieve;
#[cfg(doc)]
use super::Reader;

/// Runs that share a row. Few, so that a text of digits is not in every row by accident; several, since neighbours have most of
/// their trigrams in common.
const PER_BLOCK: i64 = 8;

/// What tells a block of runs from what it was: which of its runs there are, and their times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    /// A bit for each run that is kept.
    runs: i64,
    /// Their times, added up: another journal in the same place has others.
    times: i64,
}

/// A block as the journal has it.
#[derive(Debug, Clone, Copy)]
struct Block {
    no: i64,
    stamp: Stamp,
    /// Whether one of its runs is not over.
    is_open: bool,
}

/// The index of the journal in this file.
fn path(journal: &Path) -> PathBuf {
    journal.with_file_name("search.db")
}

/// The journal's blocks from one number up to another, oldest first.
fn blocks(journal: &Connection, from: i64, to: i64) -> rusqlite::Result<Vec<Block>> {
    let sql = format!(
        "SELECT id / {PER_BLOCK} AS no, sum(1 << (id % {PER_BLOCK})), sum((accepted & 1099511627775) + 3 * (finished & 1099511627775)),
            count(*) > count(finished) FROM runs WHERE id >= ?1 AND id < ?2 GROUP BY no ORDER BY no"
    );
    let last = to.saturating_add(1).saturating_mul(PER_BLOCK);
    let mut query = journal.prepare_cached(&sql)?;
    let rows = query.query_map([from.saturating_mul(PER_BLOCK), last], |row| {
        let stamp = Stamp { runs: row.get(1)?, times: row.get::<_, Option<i64>>(2)?.unwrap_or(0) };
        Ok(Block { no: row.get(0)?, stamp, is_open: row.get(3)? })
    })?;
    rows.collect()
}
