//! Reads the budgets of a data directory without taking part in them: to be shown.
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;

use super::ledger::Ledger;
use super::member::Member;
use super::{BudgetState, file, words};
use crate::catalog::Connector;
use crate::connector::Connection;
use crate::connector::disk;
use crate::connector::gate::Account;

/// A file that is written in the middle of being read is read again, so often.
const TRIES: usize = 5;

/// The budgets of a data directory as all processes that use it have left them. What did not change is not read again.
#[derive(Debug)]
pub struct Budgets {
    dir: PathBuf,
    known: HashMap<PathBuf, Known>,
}

#[derive(Debug)]
struct Known {
    changed: Option<SystemTime>,
    ledger: Option<Ledger>,
}

impl Budgets {
    /// Those of this data directory.
    pub fn of(data: &Path) -> Self {
        Self { dir: Member::dir(data), known: HashMap::new() }
    }

    /// What is used and left of a connection's account as of now. Where it was never called this is its whole budget; none where its
    /// service has no limit that is known.
    pub fn state(&mut self, connection: &Connection, connector: Option<&Connector>, now: Timestamp) -> Option<BudgetState> {
        let path = file::path(&self.dir, &Account::of(connection).digest());
        let now = now.as_millisecond();
        let rates = connector.map(|it| it.rates.as_slice()).unwrap_or_default();
        let changed = std::fs::metadata(&path).and_then(|it| it.modified()).ok();
        let is_known = self.known.get(&path).is_some_and(|it| it.changed == changed && it.ledger.is_some());
        if !is_known {
            let read = || words::decode(&disk::read(&path, words::LONGEST as u64).ok()??);
            let ledger = changed.and_then(|_| (0..TRIES).find_map(|_| read()));
            self.known.insert(path.clone(), Known { changed, ledger });
        }
        let known = self.known.get(&path).and_then(|it| it.ledger.clone());
        let mut ledger = known.map_or_else(|| Ledger::new(rates, now), |it| it.under(rates, now));
        if !ledger.users.is_empty() {
            let gone = file::gone(&self.dir, &ledger, None);
            ledger.users.retain(|it| !gone.contains(&it.id));
        }
        ledger.state(now)
    }
}
