//! The writer's statements, prepared once, and what it remembers of the runs that it writes about.
use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Statement, params};

use super::encode::{Encoded, Tally, nanoseconds};
use super::queue::Change;
use super::{JournalError, Mode, NewRun};
use crate::flow::{FlowId, NodeId};
use crate::run::{Revision, RunId};

/// A run's appends are numbered below this.
pub(super) const PER_RUN: i64 = 1 << 24;
/// Forgotten and looked up again when there are more.
const REMEMBERED_RUNS: usize = 200_000;
const REMEMBERED_ORIGINS: usize = 4096;

/// Writes changes within the transaction that is open.
pub(super) struct Desk<'c> {
    file: &'c Path,
    db: &'c Connection,
    begin: Statement<'c>,
    commit: Statement<'c>,
    new_run: Statement<'c>,
    append: Statement<'c>,
    finish: Statement<'c>,
    park: Statement<'c>,
    by_delivery: Statement<'c>,
    look_up: Statement<'c>,
    open: HashMap<u64, Open>,
    origins: HashMap<Origin, Numbers>,
    /// The one that was asked for last, since runs of one flow come in rows.
    last_origin: Option<(Origin, Numbers)>,
}

/// An unfinished run.
#[derive(Debug, Clone, Copy, Default)]
struct Open {
    next: i64,
    tally: Tally,
}

/// What many runs have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Origin {
    flow: FlowId,
    name: String,
    revision: Revision,
    trigger: NodeId,
    mode: Mode,
}

#[derive(Debug, Clone, Copy)]
struct Numbers {
    flow: i64,
    origin: i64,
}

/// The first number of a run's appends.
pub(super) fn first_append(run: u64) -> Option<i64> {
    i64::try_from(run).ok().filter(|it| *it < i64::MAX / PER_RUN).map(|it| it * PER_RUN)
}

impl<'c> Desk<'c> {
    pub(super) fn new(db: &'c Connection, file: &'c Path) -> Result<Self, JournalError> {
        let prepare = |sql: &str| db.prepare(sql).map_err(|error| JournalError::sqlite(file, &error));
        Ok(Self {
            file,
            db,
            begin: prepare("BEGIN IMMEDIATE")?,
            commit: prepare("COMMIT")?,
            new_run: prepare(
                "INSERT INTO runs (id, flow, origin, accepted, delivery, parent, parent_step, parked, steps, failures)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0) ON CONFLICT DO NOTHING",
            )?,
            append: prepare("INSERT INTO appends (id, steps, failures, entries, exchanges) VALUES (?1, ?2, ?3, ?4, ?5)")?,
            finish: prepare(
                "UPDATE runs SET finished = ?2, outcome = ?3, failure = ?4, steps = ?5, failures = ?6, parked = 0 WHERE id = ?1",
            )?,
            park: prepare("UPDATE runs SET parked = ?2 WHERE id = ?1")?,
            by_delivery: prepare("SELECT id FROM runs WHERE flow = ?1 AND delivery = ?2")?,
            look_up: prepare(
                "SELECT parked, (SELECT max(id) FROM appends WHERE id >= ?2 AND id < ?3),
                        (SELECT sum(steps) FROM appends WHERE id >= ?2 AND id < ?3),
                        (SELECT sum(failures) FROM appends WHERE id >= ?2 AND id < ?3)
                 FROM runs WHERE id = ?1",
            )?,
            open: HashMap::new(),
            origins: HashMap::new(),
            last_origin: None,
        })
    }

    pub(super) fn begin(&mut self) -> Result<(), JournalError> {
        if self.open.len() > REMEMBERED_RUNS {
            self.open.clear();
        }
        let begun = self.begin.execute([]).map(|_| ());
        self.said(begun)
    }

    pub(super) fn commit(&mut self) -> Result<(), JournalError> {
        let committed = self.commit.execute([]).map(|_| ());
        self.said(committed)
    }

    /// Takes back what the open transaction wrote, and forgets what was learned in it.
    pub(super) fn roll_back(&mut self) {
        self.open.clear();
        self.origins.clear();
        self.last_origin = None;
        // Some errors have rolled it back already.
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    /// Writes one change. An error of the kind [`JournalError::is_own`] came before anything was written.
    pub(super) fn write(&mut self, change: &Change) -> Result<(), JournalError> {
        match change {
            Change::Append(append) => {
                self.write_append(append)?;
                append.kept.as_ref().map_or(Ok(()), |it| self.write_state(&it.scope, &it.key, &it.value.to_string()))
            }
            Change::State { scope, key, value } => self.write_state(scope, key, value),
            Change::Revision { hash, flow } => {
                let sql = "INSERT INTO revisions (hash, flow) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
                let written = self.db.prepare_cached(sql).and_then(|mut it| it.execute(params![hash, flow]));
                self.said(written.map(|_| ()))
            }
        }
    }

    fn write_state(&self, scope: &str, key: &str, value: &str) -> Result<(), JournalError> {
        let written = if value == "null" {
            let sql = "DELETE FROM state WHERE scope = ?1 AND key = ?2";
            self.db.prepare_cached(sql).and_then(|mut it| it.execute([scope, key]))
        } else {
            let sql = "INSERT INTO state VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value";
            self.db.prepare_cached(sql).and_then(|mut it| it.execute([scope, key, value]))
        };
        self.said(written.map(|_| ()))
    }

    fn write_append(&mut self, it: &Encoded) -> Result<(), JournalError> {
        let run = it.run();
        let first = first_append(it.run).ok_or(JournalError::Unknown { run })?;
        let before = match &it.new {
            Some(new) => {
                self.write_head(it, new)?;
                Open::default()
            }
            None => match self.open.get(&it.run) {
                Some(open) => *open,
                None => self.look_up(it.run, first)?,
            },
        };
        let Open { mut next, mut tally } = before;
        if next >= PER_RUN {
            return Err(JournalError::TooLarge { what: format!("run {run} has {PER_RUN} appends, which are the most") });
        }
        if it.entries != b"[]" || it.exchanges.is_some() {
            let row = params![first + next, it.tally.steps, it.tally.failures, it.entries, it.exchanges];
            let written = self.append.execute(row).map(|_| ());
            self.said(written)?;
            next += 1;
        }
        tally.add(it.tally);
        if let Some(finish) = &it.finish {
            let row = params![it.run as i64, finish.at, finish.outcome.number(), finish.failure, tally.steps, tally.failures];
            let written = self.finish.execute(row).map(|_| ());
            self.said(written)?;
            self.open.remove(&it.run);
            return Ok(());
        }
        if tally.parked != before.tally.parked {
            let written = self.park.execute(params![it.run as i64, tally.parked]).map(|_| ());
            self.said(written)?;
        }
        self.open.insert(it.run, Open { next, tally });
        Ok(())
    }

    fn write_head(&mut self, it: &Encoded, new: &NewRun) -> Result<(), JournalError> {
        let run = it.run();
        let numbers = self.numbers(new)?;
        let (parent, parent_step) = match &new.parent {
            Some((run, step)) => (Some(run.0 as i64), serde_json::to_string(step).ok()),
            None => (None, None),
        };
        let accepted = nanoseconds(new.accepted);
        let row = params![it.run as i64, numbers.flow, numbers.origin, accepted, new.delivery, parent, parent_step];
        let written = self.new_run.execute(row);
        if self.said(written)? == 1 {
            return Ok(());
        }
        let other = self.by_delivery.query_row(params![numbers.flow, new.delivery], |row| row.get::<_, i64>(0)).optional();
        match self.said(other)? {
            Some(other) if other as u64 != it.run => Err(JournalError::Duplicate { run: RunId(other as u64) }),
            _ => Err(JournalError::Exists { run }),
        }
    }

    fn numbers(&mut self, new: &NewRun) -> Result<Numbers, JournalError> {
        if let Some((origin, numbers)) = &self.last_origin
            && origin.is_of(new)
        {
            return Ok(*numbers);
        }
        let origin = Origin::of(new);
        let numbers = match self.origins.get(&origin) {
            Some(numbers) => *numbers,
            None => self.said(intern(self.db, &origin))?,
        };
        if self.origins.len() >= REMEMBERED_ORIGINS {
            self.origins.clear();
        }
        if let Some((origin, numbers)) = self.last_origin.replace((origin, numbers)) {
            self.origins.insert(origin, numbers);
        }
        Ok(numbers)
    }

    /// What the tables know of an unfinished run that is not remembered.
    fn look_up(&mut self, run: u64, first: i64) -> Result<Open, JournalError> {
        let found = self.look_up.query_row(params![run as i64, first, first + PER_RUN], |row| {
            let last: Option<i64> = row.get(1)?;
            let steps: Option<u32> = row.get(2)?;
            let failures: Option<u32> = row.get(3)?;
            let tally = Tally { parked: row.get(0)?, steps: steps.unwrap_or(0), failures: failures.unwrap_or(0) };
            Ok(Open { next: last.map_or(0, |it| it - first + 1), tally })
        });
        self.said(found.optional())?.ok_or(JournalError::Unknown { run: RunId(run) })
    }

    fn said<T>(&self, result: rusqlite::Result<T>) -> Result<T, JournalError> {
        result.map_err(|error| JournalError::sqlite(self.file, &error))
    }
}

impl Origin {
    fn of(new: &NewRun) -> Self {
        Self {
            flow: new.flow.clone(),
            name: new.flow_name.clone(),
            revision: new.revision.clone(),
            trigger: new.trigger.clone(),
            mode: new.mode,
        }
    }

    fn is_of(&self, new: &NewRun) -> bool {
        let Self { flow, name, revision, trigger, mode } = self;
        *flow == new.flow && *name == new.flow_name && *revision == new.revision && *trigger == new.trigger && *mode == new.mode
    }
}

fn intern(db: &Connection, origin: &Origin) -> rusqlite::Result<Numbers> {
    let Origin { flow, name, revision, trigger, mode } = origin;
    db.execute("INSERT INTO flows (flow) VALUES (?1) ON CONFLICT DO NOTHING", [flow.as_str()])?;
    let flow: i64 = db.query_row("SELECT no FROM flows WHERE flow = ?1", [flow.as_str()], |row| row.get(0))?;
    let mode = match mode {
        Mode::Sandbox => 0,
        Mode::Live => 1,
    };
    let row = params![flow, name, &*revision.0, trigger.as_str(), mode];
    let insert = "INSERT INTO origins (flow, name, revision, trigger, mode) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    db.execute(insert, row)?;
    let find = "SELECT no FROM origins WHERE flow = ?1 AND name = ?2 AND revision = ?3 AND trigger = ?4 AND mode = ?5";
    Ok(Numbers { flow, origin: db.query_row(find, row, |row| row.get(0))? })
}
