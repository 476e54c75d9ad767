//! Reading: heads, entries, exchanges, and the small things that are kept beside them.
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, fs};

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Params, Row, params, params_from_iter};
use serde_json::Value;

use super::desk::{PER_RUN, first_append};
use super::encode::nanoseconds;
use super::link::{Blobs, Link, Links};
use super::{Filter, JournalError, Mode, OutcomeKind, RunHead, RunState, StepExchange, Stored, exchange, schema};
use crate::flow::{FlowId, NodeId};
use crate::record::{Failure, FailureKind};
use crate::run::{Cause, Entry, Outcome, Revision, RunId, StepKey};

/// Rows that are read in one go. Between two, the log may be moved and begin again.
const CHUNK: i64 = 256;
/// Runs that a page of a list has at most.
const PAGE: usize = 10_000;

const HEAD: &str = "SELECT r.id, f.flow, o.name, o.revision, o.trigger, r.delivery, o.mode, r.parent, r.parent_step, r.accepted,
    r.finished, r.outcome, r.failure, r.steps, r.failures, r.parked
    FROM runs r CROSS JOIN origins o ON o.no = r.origin CROSS JOIN flows f ON f.no = r.flow WHERE ";

/// Reads a journal; cheap to clone. Everything here blocks the thread for as long as the disk takes.
#[derive(Clone)]
pub struct Reader {
    links: Arc<Links>,
}

/// What a callback is given of an append.
struct Part<'a> {
    entries: Option<&'a [u8]>,
    exchanges: Option<&'a [u8]>,
}

type EachPart<'f> = dyn FnMut(&mut Blobs, Part<'_>) -> Result<ControlFlow<()>, JournalError> + 'f;

impl Reader {
    pub(super) fn inside(file: &Path) -> Self {
        Self { links: Arc::new(Links::new(file.to_owned())) }
    }

    pub(super) fn outside(dir: &Path) -> Result<Self, JournalError> {
        let file = schema::path(dir);
        match fs::metadata(&file) {
            Ok(_) => Links::outside(file).map(|it| Self { links: Arc::new(it) }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(JournalError::Missing { dir: dir.to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(JournalError::Denied { path: dir.to_owned() })
            }
            Err(error) => Err(JournalError::directory(dir, &error)),
        }
    }

    pub(super) fn close(&self) {
        self.links.close();
    }

    /// A run's head; none if the journal does not have it.
    pub fn run(&self, run: RunId) -> Result<Option<RunHead>, JournalError> {
        let mut found = self.heads("r.id = ?1", [run.0 as i64])?;
        Ok(found.pop())
    }

    /// The runs that a filter lets through, newest first; at most 10,000 at a time.
    pub fn runs(&self, filter: &Filter) -> Result<Vec<RunHead>, JournalError> {
        let Some((wanted, values)) = self.wanted(filter)? else { return Ok(Vec::new()) };
        let limit = filter.limit.min(PAGE);
        self.heads(&format!("{wanted} ORDER BY r.id DESC LIMIT {limit}"), params_from_iter(values))
    }

    /// Only the numbers of the runs that a filter lets through, newest first: small enough to have them all, so that a long list
    /// knows its length and which runs stand where.
    pub fn ids(&self, filter: &Filter) -> Result<Vec<RunId>, JournalError> {
        let Some((wanted, values)) = self.wanted(filter)? else { return Ok(Vec::new()) };
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        self.ask(|link| {
            let sql = format!("SELECT r.id FROM runs r WHERE {wanted} ORDER BY r.id DESC LIMIT {limit}");
            let mut query = link.db.prepare_cached(&sql)?;
            query.query_map(params_from_iter(values), |row| Ok(RunId(row.get::<_, i64>(0)? as u64)))?.collect()
        })
    }

    /// The flows that runs are kept of, each with what it was called last, by that name.
    pub fn flows(&self) -> Result<Vec<(FlowId, String)>, JournalError> {
        self.ask(|link| {
            let sql = "SELECT f.flow, (SELECT o.name FROM origins o WHERE o.flow = f.no ORDER BY o.no DESC LIMIT 1) AS name
                FROM flows f WHERE EXISTS (SELECT 1 FROM runs r WHERE r.flow = f.no) ORDER BY name COLLATE NOCASE, f.flow";
            let mut query = link.db.prepare_cached(sql)?;
            let flow = |row: &Row<'_>| {
                let name: Option<String> = row.get(1)?;
                Ok((FlowId::new(row.get::<_, String>(0)?), name.unwrap_or_default()))
            };
            query.query_map([], flow)?.collect()
        })
    }

    /// A filter as a condition; none where nothing can meet it.
    fn wanted(&self, filter: &Filter) -> Result<Option<(String, Vec<i64>)>, JournalError> {
        let Filter { flow, state, outcome, since, until, before, limit: _ } = filter;
        let mut wanted = String::from("1");
        let mut values = Vec::new();
        let mut want = |clause: &str, value: Option<i64>| {
            wanted.push_str(" AND ");
            wanted.push_str(clause);
            if let Some(value) = value {
                values.push(value);
                wanted.push_str(" ?");
                wanted.push_str(&values.len().to_string());
            }
        };
        if let Some(flow) = flow {
            let Some(number) = self.flow_number(flow)? else { return Ok(None) };
            want("r.flow =", Some(number));
        }
        // Numbers stand in the text where a partial index is to be found by them.
        match state {
            None => {}
            Some(RunState::Running) => want("r.finished IS NULL AND r.parked = 0", None),
            Some(RunState::Parked) => want("r.finished IS NULL AND r.parked > 0", None),
            Some(RunState::Finished) => want("r.finished IS NOT NULL", None),
        }
        if let Some(outcome) = outcome {
            want(&format!("r.outcome = {}", outcome.number()), None);
        }
        if let Some(since) = since {
            want("r.accepted >=", Some(nanoseconds(*since)));
        }
        if let Some(until) = until {
            want("r.accepted <", Some(nanoseconds(*until)));
        }
        if let Some(before) = before {
            want("r.id <", Some(i64::try_from(before.0).unwrap_or(i64::MAX)));
        }
        Ok(Some((wanted, values)))
    }

    /// Runs that are not over, oldest first.
    pub fn unfinished(&self) -> Result<Vec<RunId>, JournalError> {
        self.ask(|link| {
            let mut query = link.db.prepare_cached("SELECT id FROM runs WHERE finished IS NULL ORDER BY id")?;
            query.query_map([], |row| Ok(RunId(row.get::<_, i64>(0)? as u64)))?.collect()
        })
    }

    /// The flows with runs that are not over: how many of these go on by themselves, and how many wait for a person.
    pub fn standing(&self) -> Result<Vec<(FlowId, u64, u64)>, JournalError> {
        self.ask(|link| {
            let sql = "SELECT f.flow, sum(r.parked = 0), sum(r.parked > 0) FROM runs r CROSS JOIN flows f ON f.no = r.flow
                WHERE r.finished IS NULL GROUP BY r.flow ORDER BY f.flow";
            let mut query = link.db.prepare_cached(sql)?;
            let row = |row: &Row<'_>| {
                Ok((FlowId::new(row.get::<_, String>(0)?), row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64))
            };
            query.query_map([], row)?.collect()
        })
    }

    /// A run with all its entries, as recovery needs it; none if the journal does not have it.
    pub fn stored(&self, run: RunId) -> Result<Option<Stored>, JournalError> {
        match self.run(run)? {
            Some(head) => Ok(Some(Stored { id: run, head, entries: self.entries(run)? })),
            None => Ok(None),
        }
    }

    /// The facts of a run, in their order; empty if the journal does not have it.
    pub fn entries(&self, run: RunId) -> Result<Vec<Entry>, JournalError> {
        let mut entries = Vec::new();
        self.each_entry(run, &mut |entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }

    /// The run that a delivery of a flow began; none if it began none that is kept.
    pub fn delivered(&self, flow: &FlowId, delivery: &str) -> Result<Option<RunId>, JournalError> {
        let Some(flow) = self.flow_number(flow)? else { return Ok(None) };
        self.ask(|link| {
            let mut query = link.db.prepare_cached("SELECT id FROM runs WHERE flow = ?1 AND delivery = ?2")?;
            query.query_row(params![flow, delivery], |row| Ok(RunId(row.get::<_, i64>(0)? as u64))).optional()
        })
    }

    /// When the newest runs of a trigger began that no other run called, the oldest first; at most so many.
    pub fn starts(&self, flow: &FlowId, trigger: &NodeId, most: usize) -> Result<Vec<Timestamp>, JournalError> {
        let Some(flow) = self.flow_number(flow)? else { return Ok(Vec::new()) };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.ask(|link| {
            let sql = "SELECT r.accepted FROM runs r WHERE r.flow = ?1 AND r.parent IS NULL
                AND r.origin IN (SELECT no FROM origins WHERE flow = ?1 AND trigger = ?2) ORDER BY r.id DESC LIMIT ?3";
            let mut query = link.db.prepare_cached(sql)?;
            let row = |row: &Row<'_>| Ok(Timestamp::from_nanosecond(i128::from(row.get::<_, i64>(0)?)).unwrap_or_default());
            let mut starts =
                query.query_map(params![flow, trigger.as_str(), most], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
            starts.reverse();
            Ok(starts)
        })
    }

    /// What a run goes back to; none if the journal does not have it.
    pub fn cause(&self, run: RunId) -> Result<Option<Arc<Cause>>, JournalError> {
        let mut found = None;
        self.each_entry(run, &mut |entry| {
            if let Entry::Accepted { cause, .. } = entry {
                found = Some(cause);
            }
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Hands over the facts of a run one at a time, in their order, until told to stop; for runs that are too long for a list.
    pub fn each_entry(&self, run: RunId, each: &mut dyn FnMut(Entry) -> ControlFlow<()>) -> Result<(), JournalError> {
        self.each_append(run, "entries, NULL", &mut |blobs, part| {
            let plain = blobs.unpack(part.entries.unwrap_or_default(), run.0)?;
            let entries: Vec<Entry> = serde_json::from_slice(plain)
                .map_err(|error| blobs.damaged(run.0, &format!("facts that cannot be read: {error}")))?;
            Ok(entries.into_iter().try_for_each(&mut *each))
        })
    }

    /// The requests and answers of a run, in the order written.
    pub fn exchanges(&self, run: RunId) -> Result<Vec<StepExchange>, JournalError> {
        self.collect_exchanges(run, true, None)
    }

    /// The same without the text of bodies, for lists.
    pub fn exchange_heads(&self, run: RunId) -> Result<Vec<StepExchange>, JournalError> {
        self.collect_exchanges(run, false, None)
    }

    /// The requests and answers of one step, an attempt each.
    pub fn step_exchanges(&self, run: RunId, step: &StepKey) -> Result<Vec<StepExchange>, JournalError> {
        self.collect_exchanges(run, true, Some(step))
    }

    /// Hands over the requests and answers of a run one at a time, until told to stop; without the text of bodies unless `bodies`.
    pub fn each_exchange(
        &self,
        run: RunId,
        bodies: bool,
        each: &mut dyn FnMut(StepExchange) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        self.each_append(run, "NULL, exchanges", &mut |blobs, part| {
            let Some(blob) = part.exchanges else { return Ok(ControlFlow::Continue(())) };
            let file = self.links.file();
            for frame in exchange::frames(blobs.unpack(blob, run.0)?) {
                let parsed =
                    frame.and_then(|it| it.parse(bodies)).map_err(|detail| super::link::damaged(file, run.0, &detail))?;
                if each(parsed).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// A flow's document as it was, by its content hash.
    pub fn revision(&self, revision: &Revision) -> Result<Option<String>, JournalError> {
        self.links.with(|link| {
            let Link { db, blobs } = link;
            let found =
                db.query_row("SELECT flow FROM revisions WHERE hash = ?1", [&*revision.0], |row| row.get::<_, Vec<u8>>(0));
            let Some(blob) = self.said(found.optional())? else { return Ok(None) };
            let text = blobs.unpack(&blob, 0)?;
            String::from_utf8(text.to_vec()).map(Some).map_err(|error| self.damaged(format!("a flow's document: {error}")))
        })
    }

    /// What was put under this key; none if nothing was.
    pub fn state(&self, scope: &str, key: &str) -> Result<Option<Value>, JournalError> {
        let found = self.ask(|link| {
            let mut query = link.db.prepare_cached("SELECT value FROM state WHERE scope = ?1 AND key = ?2")?;
            query.query_row([scope, key], |row| row.get::<_, String>(0)).optional()
        })?;
        let parse = |text: String| serde_json::from_str(&text).map_err(|error| self.damaged(format!("a kept value: {error}")));
        found.map(parse).transpose()
    }

    /// The scopes that begin so and hold something.
    pub fn scopes(&self, prefix: &str) -> Result<Vec<String>, JournalError> {
        self.ask(|link| {
            let mut query = link.db.prepare_cached("SELECT DISTINCT scope FROM state WHERE substr(scope, 1, ?2) = ?1")?;
            query.query_map(params![prefix, prefix.chars().count() as i64], |row| row.get(0))?.collect()
        })
    }

    /// Everything that was put under this scope, by key.
    pub fn states(&self, scope: &str) -> Result<Vec<(String, Value)>, JournalError> {
        let found: Vec<(String, String)> = self.ask(|link| {
            let mut query = link.db.prepare_cached("SELECT key, value FROM state WHERE scope = ?1 ORDER BY key")?;
            query.query_map([scope], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })?;
        let parse = |(key, text): (String, String)| {
            let value = serde_json::from_str(&text).map_err(|error| self.damaged(format!("a kept value: {error}")))?;
            Ok((key, value))
        };
        found.into_iter().map(parse).collect()
    }

    /// Bytes on the disk, with the log.
    pub fn size(&self) -> Result<u64, JournalError> {
        let file = self.links.file();
        let length = |path: &Path| fs::metadata(path).map(|it| it.len());
        let main = length(file).map_err(|error| JournalError::Io { path: file.to_owned(), detail: error.to_string() })?;
        Ok(main + length(&schema::log_path(file)).unwrap_or(0))
    }

    /// Looks for damage in the whole file; what it found, in SQLite's words. Takes a second for some hundred megabytes.
    pub fn check(&self) -> Result<Vec<String>, JournalError> {
        self.ask(|link| {
            let mut query = link.db.prepare("PRAGMA integrity_check(50)")?;
            let found: Vec<String> = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(found.into_iter().filter(|it| it != "ok").collect())
        })
    }

    pub(super) fn ask<T>(&self, ask: impl FnOnce(&Link) -> rusqlite::Result<T>) -> Result<T, JournalError> {
        self.links.with(|link| self.said(ask(link)))
    }

    /// The first append of a run that `look` finds something in.
    pub(super) fn find_in_appends<T>(
        &self,
        run: RunId,
        mut look: impl FnMut(&mut Blobs, &[u8], Option<&[u8]>) -> Result<Option<T>, JournalError>,
    ) -> Result<Option<T>, JournalError> {
        let mut found = None;
        self.each_append(run, "entries, exchanges", &mut |blobs, part| {
            found = look(blobs, part.entries.unwrap_or_default(), part.exchanges)?;
            Ok(if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(found)
    }

    fn collect_exchanges(&self, run: RunId, bodies: bool, step: Option<&StepKey>) -> Result<Vec<StepExchange>, JournalError> {
        let mut exchanges = Vec::new();
        self.each_exchange(run, bodies, &mut |it| {
            if step.is_none_or(|step| *step == it.step) {
                exchanges.push(it);
            }
            ControlFlow::Continue(())
        })?;
        Ok(exchanges)
    }

    fn each_append(&self, run: RunId, columns: &str, each: &mut EachPart<'_>) -> Result<(), JournalError> {
        let Some(first) = first_append(run.0) else { return Ok(()) };
        let sql = format!("SELECT id, {columns} FROM appends WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3");
        self.links.with(|link| {
            let Link { db, blobs } = link;
            let mut query = self.said(db.prepare_cached(&sql))?;
            let mut from = first;
            loop {
                let mut rows = self.said(query.query(params![from, first + PER_RUN, CHUNK]))?;
                let mut seen = 0;
                while let Some(row) = self.said(rows.next())? {
                    seen += 1;
                    from = self.said(row.get::<_, i64>(0))? + 1;
                    let blob = |at| self.said(row.get_ref(at).and_then(|it| it.as_blob_or_null().map_err(Into::into)));
                    let part = Part { entries: blob(1)?, exchanges: blob(2)? };
                    if each(blobs, part)?.is_break() {
                        return Ok(());
                    }
                }
                if seen < CHUNK {
                    return Ok(());
                }
            }
        })
    }

    /// The heads of these runs, newest first.
    pub(super) fn heads_of(&self, runs: &[RunId]) -> Result<Vec<RunHead>, JournalError> {
        let ids: Vec<u64> = runs.iter().map(|it| it.0).collect();
        self.heads("r.id IN (SELECT value FROM json_each(?1)) ORDER BY r.id DESC", [Value::from(ids).to_string()])
    }

    /// The heads of the runs from one number to before another, oldest first.
    pub(super) fn heads_between(&self, from: i64, until: i64) -> Result<Vec<RunHead>, JournalError> {
        self.heads("r.id >= ?1 AND r.id < ?2 ORDER BY r.id", [from, until])
    }

    pub(super) fn file(&self) -> &Path {
        self.links.file()
    }

    fn heads(&self, wanted: &str, values: impl Params) -> Result<Vec<RunHead>, JournalError> {
        let rows = self.ask(|link| {
            let mut query = link.db.prepare_cached(&format!("{HEAD}{wanted}"))?;
            query.query_map(values, head)?.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        rows.into_iter().map(|it| it.map_err(|detail| self.damaged(detail))).collect()
    }

    fn flow_number(&self, flow: &FlowId) -> Result<Option<i64>, JournalError> {
        self.ask(|link| {
            let mut query = link.db.prepare_cached("SELECT no FROM flows WHERE flow = ?1")?;
            query.query_row([flow.as_str()], |row| row.get(0)).optional()
        })
    }

    fn said<T>(&self, result: rusqlite::Result<T>) -> Result<T, JournalError> {
        result.map_err(|error| JournalError::sqlite(self.links.file(), &error))
    }

    fn damaged(&self, detail: String) -> JournalError {
        JournalError::Damaged { path: self.links.file().to_owned(), detail }
    }
}

/// A head from its row; the inner error says which value makes no sense.
fn head(row: &Row<'_>) -> rusqlite::Result<Result<RunHead, String>> {
    let id = RunId(row.get::<_, i64>(0)? as u64);
    let text = |at| row.get_ref(at).and_then(|it| it.as_str().map_err(Into::into));
    let parent: Option<i64> = row.get(7)?;
    let parent_step: Option<String> = row.get(8)?;
    let outcome: Option<i64> = row.get(11)?;
    let failure: Option<String> = row.get(12)?;
    let (Ok(parent), Ok(outcome)) = (parent_of(parent, parent_step.as_deref()), outcome_of(outcome, failure.as_deref())) else {
        return Ok(Err(format!("the head of run {id} makes no sense")));
    };
    let finished: Option<i64> = row.get(10)?;
    Ok(Ok(RunHead {
        id,
        flow: FlowId::from(text(1)?),
        flow_name: row.get(2)?,
        revision: Revision(text(3)?.into()),
        trigger: NodeId::from(text(4)?),
        delivery: row.get(5)?,
        mode: if row.get::<_, i64>(6)? == 0 { Mode::Sandbox } else { Mode::Live },
        parent,
        accepted: time(row.get(9)?),
        finished: finished.map(time),
        outcome,
        steps: row.get(13)?,
        failures: row.get(14)?,
        parked: row.get(15)?,
    }))
}

fn parent_of(run: Option<i64>, step: Option<&str>) -> Result<Option<(RunId, StepKey)>, serde_json::Error> {
    match (run, step) {
        (Some(run), Some(step)) => serde_json::from_str(step).map(|step| Some((RunId(run as u64), step))),
        _ => Ok(None),
    }
}

fn outcome_of(number: Option<i64>, failure: Option<&str>) -> Result<Option<Outcome>, serde_json::Error> {
    Ok(match number {
        None => None,
        Some(it) if it == OutcomeKind::Succeeded.number() => Some(Outcome::Succeeded),
        Some(it) if it == OutcomeKind::Cancelled.number() => Some(Outcome::Cancelled),
        Some(_) => Some(Outcome::Failed(match failure {
            Some(failure) => serde_json::from_str(failure)?,
            None => Failure::new(FailureKind::Machine, "The run failed"),
        })),
    })
}

fn time(nanoseconds: i64) -> Timestamp {
    // Every 64-bit number of nanoseconds lies within what a timestamp can hold.
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default()
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("file", &self.links.file()).finish()
    }
}
