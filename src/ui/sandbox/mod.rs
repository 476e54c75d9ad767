//! The records of both imitated services side by side, as tables: what the last run touched is lit, a person adds and
//! changes by hand, switches faults on, and starts over.
//!
//! Rows and forms are plain data ([`rows`], [`form`]), painted here. Records are read again only when something was done.
mod faults;
mod form;
mod paint;
pub(crate) mod rows;

use serde_json::Value;

pub(crate) use self::form::Form;
pub(crate) use self::paint::show;
use self::rows::Grid;
use crate::catalog::Catalog;
use crate::sandbox::{Handle, Table};

/// How the tables are looked at.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    sides: [Side; 2],
    pub(crate) form: Option<Form>,
    /// What the cached rows were made from.
    made: Option<Made>,
    /// Counts up where records changed without an entry in the ledger.
    pub(crate) changes: u64,
}

/// One service's half.
#[derive(Debug, Default)]
struct Side {
    /// Which of its tables.
    chosen: usize,
    query: String,
    /// How many records each of its tables has.
    counts: Vec<usize>,
    grid: Grid,
}

/// What rows follow from; the same gives the same rows.
#[derive(Debug, Clone, PartialEq)]
struct Made {
    seq: u64,
    changes: u64,
    lit_from: u64,
    asked: [(usize, String); 2],
}

/// The services, in the order of their halves.
const SERVICES: [&str; 2] = ["highlevel", "schedule_it"];

/// The tables of a half, each with its place in [`Table::ALL`].
fn tables(side: usize) -> impl Iterator<Item = (usize, &'static Table)> {
    Table::ALL.iter().enumerate().filter(move |(_, it)| it.connector().as_str() == SERVICES[side])
}

impl Tables {
    /// Reads what is shown, if anything was done since; `lit_from` is the last entry before the last run.
    fn refresh(&mut self, sandbox: &Handle, lit_from: u64) {
        let asked = [0, 1].map(|it: usize| (self.sides[it].chosen, self.sides[it].query.clone()));
        let made = Made { seq: sandbox.last_seq(), changes: self.changes, lit_from, asked };
        if self.made.as_ref() == Some(&made) {
            return;
        }
        let ledger = sandbox.ledger_since(lit_from);
        for (at, side) in self.sides.iter_mut().enumerate() {
            side.counts = tables(at).map(|(_, it)| sandbox.count(it.collection)).collect();
            if let Some((_, table)) = tables(at).nth(side.chosen) {
                side.grid = rows::grid(table, &sandbox.records(table.collection), &ledger, &side.query);
            }
        }
        self.made = Some(made);
    }

    /// Opens the form of a record, or of a new one; nothing where the service offers no such thing.
    pub(crate) fn open(&mut self, sandbox: &Handle, catalog: &Catalog, table: usize, id: Option<&str>) {
        let Some(spec) = Table::ALL.get(table) else { return };
        let record: Option<Value> = id.and_then(|it| sandbox.record(spec.collection, it));
        let operation = sandbox.form(spec, id.is_none());
        let Some((operation, connector)) = operation.zip(catalog.connector(&spec.connector())) else { return };
        self.form = Some(Form::new(table, &operation, connector, record.as_ref()));
    }
}
