//! Which records of a table are shown, and in which order: looked up behind the frame where there are many.
//!
//! Invariant: a frame goes through at most [`FEW`] records itself; more are gone through on a thread, a page at a time.
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::rows;
use crate::sandbox::{Handle, Table};
use crate::ui::behind::Waker;

/// As many records as a frame goes through itself.
const FEW: usize = 1_000;
/// As many as are read at once, with and without what they hold: whoever waits for the lock waits only so long.
const PAGE: usize = 1_000;
const PLACES: usize = 10_000;

/// What a listing follows from; the same gives the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// Which table, by its place in [`Table::ALL`].
    pub(super) table: usize,
    pub(super) query: String,
    /// Of the records.
    pub(super) version: u64,
    /// How often the sandbox became another.
    pub(super) changes: u64,
    /// Of what the last run touched.
    pub(super) touched: u64,
}

/// The places of the records that are shown.
#[derive(Debug, Default)]
pub(super) struct Listing {
    made: Option<Asked>,
    pub(super) places: Vec<u64>,
    search: Option<Search>,
    /// Counts up with every change of the places.
    pub(super) version: u64,
}

/// A search under way.
struct Search {
    asked: Asked,
    found: Receiver<Found>,
    /// What was found so far, where what is shown stays until it is through.
    coming: Vec<u64>,
    /// What is found is shown as it comes.
    shown: bool,
    seen: usize,
    ended: Arc<AtomicBool>,
}

/// What comes from the thread.
enum Found {
    /// Of so many more records, these.
    Some(usize, Vec<u64>),
    All,
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Listing {
    /// Looks up what is asked for, unless it is known or being looked up; the records with the ids of `touched` come first.
    pub(super) fn ask(&mut self, sandbox: &Handle, asked: Asked, touched: impl FnOnce() -> Vec<String>, waker: &Waker) {
        self.hear();
        if self.made.as_ref() == Some(&asked) {
            return;
        }
        // What a person sees is not taken away because a record changed: the search goes on to its end, and then begins again.
        let same = |it: &Asked| it.table == asked.table && it.query == asked.query && it.changes == asked.changes;
        if self.search.as_ref().is_some_and(|it| same(&it.asked)) {
            return;
        }
        self.search = None;
        let Some(table) = Table::ALL.get(asked.table) else { return };
        if sandbox.count(table.collection) <= FEW {
            self.places.clear();
            go_through(sandbox, table, &asked.query, &touched(), &mut |_, found| {
                self.places.extend(found);
                true
            });
            self.version += 1;
            self.made = Some(asked);
            return;
        }
        let shown = !self.made.as_ref().is_some_and(same);
        if shown {
            self.places.clear();
            self.version += 1;
        }
        self.search = Search::begin(sandbox.clone(), table, asked, touched(), shown, Arc::clone(waker));
    }

    /// Takes what was found since.
    fn hear(&mut self) {
        let Some(search) = &mut self.search else { return };
        loop {
            match search.found.try_recv() {
                Ok(Found::Some(seen, found)) => {
                    search.seen += seen;
                    if search.shown {
                        self.version += u64::from(!found.is_empty());
                        self.places.extend(found);
                    } else {
                        search.coming.extend(found);
                    }
                }
                Ok(Found::All) => {
                    if !search.shown {
                        self.places = std::mem::take(&mut search.coming);
                        self.version += 1;
                    }
                    self.made = Some(search.asked.clone());
                    self.search = None;
                    return;
                }
                Err(mpsc::TryRecvError::Empty) => return,
                Err(mpsc::TryRecvError::Disconnected) => {
                    self.search = None;
                    return;
                }
            }
        }
    }

    /// Whether nothing is being looked up.
    #[cfg(test)]
    pub(super) fn is_at_rest(&self) -> bool {
        self.search.is_none()
    }

    /// How many records were gone through, while a person waits for more.
    pub(super) fn searching(&self) -> Option<usize> {
        self.search.as_ref().filter(|it| it.shown).map(|it| it.seen)
    }
}

impl Search {
    /// None where the system gives no thread; it is tried again with the next frame.
    fn begin(
        sandbox: Handle,
        table: &'static Table,
        asked: Asked,
        touched: Vec<String>,
        shown: bool,
        waker: Waker,
    ) -> Option<Self> {
        let (teller, found) = mpsc::channel();
        let ended = Arc::new(AtomicBool::new(false));
        let (query, over) = (asked.query.clone(), Arc::clone(&ended));
        let work = move || {
            let mut told = |seen, found| {
                let heard = teller.send(Found::Some(seen, found)).is_ok() && !over.load(Ordering::Relaxed);
                waker();
                heard
            };
            if go_through(&sandbox, table, &query, &touched, &mut told) {
                teller.send(Found::All).ok();
                waker();
            }
        };
        let started = thread::Builder::new().name("flowyard-table".to_owned()).spawn(work);
        if let Err(error) = &started {
            tracing::warn!(%error, "a table cannot be searched");
        }
        started.is_ok().then_some(Self { asked, found, coming: Vec::new(), shown, seen: 0, ended })
    }
}

/// Tells of all records that fit, some at a time: those that were touched first, and of these as of the others the newest
/// first. False where it was told to stop.
fn go_through(
    sandbox: &Handle,
    table: &Table,
    query: &str,
    touched: &[String],
    told: &mut dyn FnMut(usize, Vec<u64>) -> bool,
) -> bool {
    let words = rows::words(query);
    let mut first = sandbox.places(table.collection, touched);
    first.sort_unstable_by(|a, b| b.cmp(a));
    for some in first.chunks(PAGE) {
        let lines = sandbox.lines(table, some);
        let found = lines.iter().filter(|it| rows::fits(it, &words)).map(|it| it.place).collect();
        if !told(some.len(), found) {
            return false;
        }
    }
    let first: HashSet<u64> = first.into_iter().collect();
    let mut before = None;
    loop {
        let (seen, found): (usize, Vec<u64>) = if words.is_empty() {
            let mut places = sandbox.places_before(table.collection, before, PLACES);
            before = places.last().copied().or(before);
            let seen = places.len();
            places.retain(|it| !first.contains(it));
            (seen, places)
        } else {
            let page = sandbox.page(table, before, PAGE);
            before = page.last().map(|it| it.place).or(before);
            let others = page.iter().filter(|it| !first.contains(&it.place));
            (page.len(), others.filter(|it| rows::fits(it, &words)).map(|it| it.place).collect())
        };
        if seen == 0 {
            return true;
        }
        if !told(seen, found) {
            return false;
        }
    }
}
