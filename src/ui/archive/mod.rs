//! What is on the disk of runs, read away from the frame.
//!
//! Panels ask ([`Ask`]) and go on; what came of it arrives as [`News`] before a later frame. One thread answers short questions,
//! the newest of a kind first; what takes long (finding, grouping, exporting) is a [`Job`] with a thread of its own.
//!
//! Invariant: no frame waits for a disk; memory holds numbers of runs and the heads and one run that are looked at.
//! Invariant: a job whose handle was dropped tells nothing more.
mod deal;
mod job;
mod load;
mod work;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

pub(crate) use self::deal::{Deal, Dealt};
pub(crate) use self::job::{Exporting, Subject};
pub(crate) use self::load::Loaded;
use super::behind::Waker;
use crate::catalog::Catalog;
pub(crate) use crate::engine::letters::{Cause, Problem};
use crate::engine::log::{Filter, Hit, RunHead, Searched, StepExchange};
use crate::flow::FlowId;
use crate::record::Failure;
use crate::run::{RunId, StepKey};

/// Who asks; of two questions of one kind from one seat only the newer is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Seat {
    /// The pane below the canvas.
    Docked,
    /// The whole window.
    Whole,
    /// The run that the chosen one is compared with.
    Beside,
}

/// A question.
#[derive(Debug)]
pub(crate) enum Ask {
    /// The numbers of all runs that a filter lets through.
    Index { seat: Seat, ticket: u64, filter: Filter },
    /// The heads of these runs.
    Heads { seat: Seat, runs: Vec<RunId> },
    /// A whole run.
    Run { seat: Seat, run: RunId },
    /// What went over the wire in a step.
    Bodies { seat: Seat, run: RunId, step: StepKey },
    /// The last runs of a flow, whole.
    Recent { flow: FlowId, count: usize },
}

/// What came of a question or a job.
#[derive(Debug)]
pub(crate) enum News {
    Index {
        seat: Seat,
        ticket: u64,
        result: Result<Index, Failure>,
    },
    Heads {
        seat: Seat,
        heads: Vec<RunHead>,
    },
    Run {
        seat: Seat,
        run: RunId,
        result: Result<Option<Box<Loaded>>, Failure>,
    },
    Bodies {
        seat: Seat,
        run: RunId,
        step: StepKey,
        calls: Vec<StepExchange>,
    },
    Recent {
        runs: Vec<Loaded>,
    },
    /// A run in which the text was found.
    Hit {
        seat: Seat,
        ticket: u64,
        hit: Box<Hit>,
    },
    /// How far a search is; with `done`, how it ended.
    Searched {
        seat: Seat,
        ticket: u64,
        searched: Searched,
        done: Option<Result<(), Failure>>,
    },
    /// The problems so far; with `done`, all of them.
    Problems {
        seat: Seat,
        ticket: u64,
        problems: Vec<Problem>,
        looked: usize,
        done: bool,
        failure: Option<Failure>,
    },
    /// So much of an export is written.
    Exporting {
        bytes: u64,
    },
    /// What came of letters.
    Dealt(Dealt),
    /// How an export ended.
    Exported {
        path: PathBuf,
        result: Result<u64, Failure>,
    },
}

/// Which runs there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// Newest first.
    pub(crate) runs: Arc<[RunId]>,
    /// The flows that runs are kept of, by name.
    pub(crate) flows: Vec<(FlowId, String)>,
}

/// Something that takes long; dropped, it ends.
#[derive(Debug)]
pub(crate) struct Job {
    ended: Arc<AtomicBool>,
}

impl Drop for Job {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// The reading side of a data directory.
pub(crate) struct Archive {
    dir: PathBuf,
    asks: Sender<Ask>,
    news: Receiver<News>,
    teller: Teller,
}

/// Tells the window, and wakes it.
#[derive(Clone)]
struct Teller {
    news: Sender<News>,
    waker: Waker,
}

impl Teller {
    /// False once the window is closed.
    fn tell(&self, what: News) -> bool {
        let heard = self.news.send(what).is_ok();
        if heard {
            (self.waker)();
        }
        heard
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Archive {
    /// Of a data directory, which may not be there yet.
    pub(crate) fn new(dir: PathBuf, waker: Waker) -> Self {
        let (sender, news) = mpsc::channel();
        let (asks, questions) = mpsc::channel();
        let teller = Teller { news: sender, waker };
        let (place, to) = (dir.clone(), teller.clone());
        let work = move || work::answer(&place, &questions, &to);
        // Without the thread nothing is ever answered, and the list says that it is being read.
        drop(thread::Builder::new().name("flowyard-archive".to_owned()).spawn(work));
        Self { dir, asks, news, teller }
    }

    /// Asks; the answer is told later.
    pub(crate) fn ask(&self, ask: Ask) {
        self.asks.send(ask).unwrap_or_default();
    }

    /// What has come since.
    pub(crate) fn next(&self) -> Option<News> {
        self.news.try_recv().ok()
    }

    /// Looks for a text in all that is kept of the runs that a filter lets through.
    pub(crate) fn search(&self, seat: Seat, ticket: u64, text: String, filter: Filter) -> Job {
        self.start(move |dir, teller, ended| job::search(&dir, &teller, &ended, seat, ticket, &text, &filter))
    }

    /// Groups failed runs by their cause; if asked only those that are dead letters.
    pub(crate) fn problems(&self, seat: Seat, ticket: u64, filter: Filter, dead: bool) -> Job {
        self.start(move |dir, teller, ended| job::problems(&dir, &teller, &ended, seat, ticket, &filter, dead))
    }

    /// Writes runs to a file.
    pub(crate) fn export(&self, what: Exporting, path: PathBuf) -> Job {
        self.start(move |dir, teller, ended| job::export(&dir, &teller, &ended, &what, &path))
    }

    /// Has something done with dead letters. It goes on where the window is closed meanwhile.
    pub(crate) fn deal(&self, catalog: Catalog, deal: Deal) {
        let (dir, teller) = (self.dir.clone(), self.teller.clone());
        thread::spawn(move || deal::deal(&dir, &teller, &catalog, deal));
    }

    fn start(&self, work: impl FnOnce(PathBuf, Teller, Arc<AtomicBool>) + Send + 'static) -> Job {
        let ended = Arc::new(AtomicBool::new(false));
        let (dir, teller, end) = (self.dir.clone(), self.teller.clone(), Arc::clone(&ended));
        thread::spawn(move || work(dir, teller, end));
        Job { ended }
    }
}
