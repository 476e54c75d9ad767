//! The index, asked: which runs may hold a text.
use std::collections::{HashMap, HashSet};

use super::super::{JournalError, Reader};
use super::{PER_BLOCK, Stamp, blocks, file, fold, path};
use crate::run::RunId;

/// What the index says of one text, as of one moment.
pub(in crate::journal) struct Sieve {
    known: HashMap<i64, Stamp>,
    /// Blocks that may hold it.
    may: HashSet<i64>,
}

impl Sieve {
    /// Asks the index about a text; none where it cannot help. One that turns out to be damaged is thrown away.
    pub(in crate::journal) fn of(reader: &Reader, text: &str) -> Option<Self> {
        let question = fold::question(text)?;
        let index = path(reader.file());
        match Self::ask(&index, &question) {
            Ok(sieve) => sieve,
            Err(error) => {
                tracing::debug!(%error, "the index of the search cannot be asked");
                if file::is_useless(&error) {
                    file::remove(&index);
                }
                None
            }
        }
    }

    fn ask(index: &std::path::Path, question: &str) -> rusqlite::Result<Option<Self>> {
        let Some(mut db) = file::read(index)? else { return Ok(None) };
        // Both questions see the same.
        let asking = db.transaction()?;
        let known = asking
            .prepare("SELECT no, runs, times FROM blocks WHERE is_whole")?
            .query_map([], |row| Ok((row.get(0)?, Stamp { runs: row.get(1)?, times: row.get(2)? })))?
            .collect::<rusqlite::Result<_>>()?;
        let may = asking
            .prepare("SELECT rowid FROM texts WHERE texts MATCH ?1")?
            .query_map([question], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Some(Self { known, may }))
    }

    /// Of these runs, newest first, those that need to be looked through.
    pub(in crate::journal) fn sift(&self, reader: &Reader, runs: &[RunId]) -> Result<Vec<RunId>, JournalError> {
        let no = |run: &RunId| (run.0 as i64) / PER_BLOCK;
        let (Some(newest), Some(oldest)) = (runs.first(), runs.last()) else { return Ok(Vec::new()) };
        let now = reader.ask(|link| blocks(&link.db, no(oldest), no(newest)))?;
        let without = |it: &&super::Block| !it.is_open && self.known.get(&it.no) == Some(&it.stamp) && !self.may.contains(&it.no);
        let without: HashSet<i64> = now.iter().filter(without).map(|it| it.no).collect();
        Ok(runs.iter().filter(|it| !without.contains(&no(it))).copied().collect())
    }
}
