//! The records of both imitated services side by side, as tables: what the last run touched is lit, a person adds and
//! changes by hand, chooses how many there are, switches faults on, looks at what webhooks and letters were sent, and starts
//! over.
//!
//! Rows and forms are plain data ([`rows`], [`form`]), painted here. Only the rows that are seen are read.
//!
//! Invariant: no frame goes through a large table, or waits until one is filled.
mod deliveries;
mod faults;
mod form;
mod letters;
mod listing;
mod paint;
mod plant;
pub(crate) mod rows;
mod sign_in;
mod steer;

use std::ops::Range;

use serde_json::Value;

use self::deliveries::Deliveries;
pub(crate) use self::form::Form;
use self::letters::Letters;
use self::listing::{Asked, Listing};
pub(crate) use self::paint::show;
pub(crate) use self::plant::{Planted, Planting, Wanted, title as size_title};
use self::rows::{Row, Touched};
pub(crate) use self::steer::Steer;
use crate::catalog::Catalog;
use crate::sandbox::{Handle, Table};
use crate::ui::behind::Wake;

/// Entries of the ledger that a frame takes in at most.
const ENTRIES: usize = 2_000;

/// How the tables are looked at.
#[derive(Debug)]
pub(crate) struct Tables {
    sides: [Side; 2],
    pub(crate) form: Option<Form>,
    /// What is looked at beside them.
    beside: Option<Beside>,
    /// The sandbox is being filled anew.
    pub(crate) planting: Option<Planting>,
    touched: Touched,
    /// What that was taken in from: the last entry before the last run, and how often the sandbox had become another.
    since: Option<(u64, u64)>,
    /// Counts up where the sandbox became another.
    pub(crate) changes: u64,
    pub(crate) waker: Wake,
}

/// What was sent to others.
#[derive(Debug)]
enum Beside {
    Webhooks(Deliveries),
    Letters(Letters),
}

/// One service's half.
#[derive(Debug, Default)]
struct Side {
    /// Which of its tables.
    chosen: usize,
    query: String,
    /// How many records each of its tables has.
    counts: Vec<usize>,
    listing: Listing,
    seen: Option<Seen>,
}

/// The rows that were on the screen last.
#[derive(Debug)]
struct Seen {
    /// Of the listing, of the records, of what was touched.
    versions: [u64; 3],
    range: Range<usize>,
    /// None where a record is gone that is still listed.
    rows: Vec<Option<Row>>,
}

/// The services, in the order of their halves.
const SERVICES: [&str; 2] = ["highlevel", "schedule_it"];

/// The tables of a half, each with its place in [`Table::ALL`].
fn tables(side: usize) -> impl Iterator<Item = (usize, &'static Table)> {
    Table::ALL.iter().enumerate().filter(move |(_, it)| it.connector().as_str() == SERVICES[side])
}

impl Tables {
    pub(crate) fn new(waker: Wake) -> Self {
        Self {
            sides: Default::default(),
            form: None,
            beside: None,
            planting: None,
            touched: Touched::default(),
            since: None,
            changes: 0,
            waker,
        }
    }

    /// Looks up what is shown, if anything was done since; `lit_from` is the last entry before the last run. Whether there is
    /// more to take in with the next frame.
    fn refresh(&mut self, sandbox: &Handle, lit_from: u64) -> bool {
        let since = (lit_from, self.changes);
        if self.since != Some(since) {
            self.since = Some(since);
            self.touched = Touched::from(lit_from);
        }
        let ledger = sandbox.ledger_after(self.touched.seen, ENTRIES);
        let more = ledger.len() == ENTRIES;
        self.touched.take(ledger);
        for (at, side) in self.sides.iter_mut().enumerate() {
            side.counts = tables(at).map(|(_, it)| sandbox.count(it.collection)).collect();
            let Some((index, table)) = tables(at).nth(side.chosen) else { continue };
            let asked = Asked {
                table: index,
                query: side.query.clone(),
                version: sandbox.version(table.collection),
                changes: self.changes,
                touched: self.touched.version(table.collection),
            };
            side.listing.ask(sandbox, asked, || self.touched.ids(table.collection), &self.waker.0);
        }
        more
    }

    /// Whether all that is shown is looked up.
    #[cfg(test)]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.sides.iter().all(|it| it.listing.is_at_rest())
    }

    /// Opens the form of a record, or of a new one; nothing where the service offers no such thing.
    pub(crate) fn open(&mut self, sandbox: &Handle, catalog: &Catalog, table: usize, id: Option<&str>) {
        let Some(spec) = Table::ALL.get(table) else { return };
        let record: Option<Value> = id.and_then(|it| sandbox.record(spec.collection, it));
        let operation = sandbox.form(spec, id.is_none());
        let Some((operation, connector)) = operation.zip(catalog.connector(&spec.connector())) else { return };
        self.form = Some(Form::new(table, &operation, connector, record.as_ref()));
    }

    /// The sandbox holds something else.
    pub(crate) fn became_another(&mut self) {
        self.changes += 1;
        self.form = None;
        self.planting = None;
        for side in &mut self.sides {
            side.seen = None;
        }
    }
}

impl Side {
    /// The rows of a range, read where they are not the ones that were shown last.
    fn rows(&mut self, sandbox: &Handle, table: &Table, touched: &Touched, range: Range<usize>) -> &[Option<Row>] {
        let versions = [self.listing.version, sandbox.version(table.collection), touched.version(table.collection)];
        let known = self.seen.take().filter(|it| it.versions == versions && it.range == range);
        let seen = known.unwrap_or_else(|| {
            let places = self.listing.places.get(range.clone()).unwrap_or_default();
            let mut lines = sandbox.lines(table, places).into_iter().peekable();
            let row = |place: &u64| {
                let line = lines.next_if(|it| it.place == *place)?;
                let touch = touched.of(table.collection, &line.id);
                Some(rows::row(&line, touch))
            };
            Seen { versions, rows: places.iter().map(row).collect(), range }
        });
        &self.seen.insert(seen).rows
    }
}
