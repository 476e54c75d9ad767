//! How the log is looked at: what narrows the list, which run, step and call are chosen, and what was read for that.
//!
//! Nothing here waits: what is missing is asked of the archive ([`View::keep_up`]) and taken in when it comes ([`View::take`]).
//!
//! Invariant: an answer to a question that is not the latest of its kind changes nothing.
//! Invariant: heads are kept of a few pages around what is visible; their number has a bound however long the list is.
mod ask;
mod take;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::body::Lines;
use super::fall::Fall;
use super::mark::Mark;
use super::narrow::Narrow;
use super::roll::Roll;
use super::rows::{self, Listed, RunRow};
use crate::engine::Mode;
use crate::engine::log::{Hit, Place, RunHead, Searched, StepExchange};
use crate::record::Failure;
use crate::run::{RunId, StepKey};
use crate::ui::archive::{Archive, Ask, Cause, Index, Job, Loaded, Problem, Seat};
use crate::ui::live::Live;

/// Heads that are kept at most.
pub(super) const KEPT: usize = 1_000;
/// How often the bars of a run that is under way grow, in milliseconds.
const GROWS_MS: i64 = 250;
/// Runs in which a text is found at most.
pub(super) const HITS: usize = 500;

/// A head, and the reading of the list after which it was read.
#[derive(Debug)]
struct Kept {
    head: RunHead,
    round: u64,
}

/// A text that is looked for.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) text: String,
    narrow: Narrow,
    pub(super) hits: Vec<Hit>,
    pub(super) searched: Searched,
    pub(super) done: bool,
    pub(super) failure: Option<Failure>,
    ticket: u64,
    job: Option<Job>,
}

/// Failed runs by their cause.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) list: Vec<Problem>,
    pub(super) looked: usize,
    pub(super) done: bool,
    pub(super) failure: Option<Failure>,
    narrow: Narrow,
    dead: bool,
    ticket: u64,
    /// Held so that it ends with this.
    _job: Option<Job>,
}

/// Which of the two sides of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Side {
    #[default]
    Request,
    Response,
}

/// What lines were made of: run, step, which call of it, side, raw, letters in a line.
pub(super) type TextKey = (RunId, StepKey, Option<usize>, Side, bool, usize);

/// One place to look at runs from.
#[derive(Debug)]
pub(crate) struct View {
    seat: Seat,
    /// Which runs: those in the sandbox, or live ones.
    pub(super) mode: Mode,
    pub(super) narrow: Narrow,
    pub(super) text: String,
    typed: Option<f64>,
    pub(super) grouped: bool,
    /// Of the failed runs only those that nobody has dealt with.
    pub(super) dead: bool,
    /// Those of them that are ticked.
    pub(super) ticked: BTreeSet<RunId>,
    /// The one that is to be changed once it is read.
    pub(super) to_edit: Option<RunId>,
    pub(super) index: Index,
    /// Whether the list was read at all.
    pub(super) known: bool,
    /// Why it cannot be read.
    pub(super) failure: Option<Failure>,
    ticket: u64,
    index_ticket: u64,
    asked: Option<Narrow>,
    waiting: bool,
    seen: u64,
    asked_at: f64,
    heads: BTreeMap<RunId, Kept>,
    round: u64,
    heads_waiting: bool,
    pub(super) cause: Option<(Cause, Arc<[RunId]>)>,
    pub(super) search: Option<Search>,
    pub(super) problems: Option<Problems>,
    pub(super) chosen: Option<RunId>,
    /// A person chose it; otherwise the newest is followed.
    pub(super) pinned: bool,
    /// Rows that came in above what is visible.
    pub(super) pushed: usize,
    /// The chosen run is to be scrolled to.
    pub(super) reveal: bool,
    /// The chosen step is to be scrolled to.
    pub(super) reveal_step: bool,
    pub(super) run: Option<Box<Loaded>>,
    /// Why it cannot be read; empty words where it is gone.
    pub(super) run_failure: Option<Failure>,
    run_waiting: Option<RunId>,
    run_seen: u64,
    run_asked_at: f64,
    run_took: f64,
    pub(super) step: Option<StepKey>,
    /// A person chose the step; otherwise it is the one that says most, as long as the run goes on.
    pub(super) picked: bool,
    /// Which call of the step; none for what the step gave.
    pub(super) call: Option<usize>,
    /// A hit that is to be shown once its run is there.
    landing: Option<(RunId, Option<StepKey>, Place)>,
    pub(super) bodies: Option<(RunId, StepKey, Vec<StepExchange>)>,
    bodies_waiting: Option<(RunId, StepKey, usize)>,
    pub(super) fall: Option<Fall>,
    fall_at: Option<(i64, usize)>,
    pub(super) raw: bool,
    pub(super) side: Side,
    pub(super) texts: BTreeMap<TextKey, Arc<Lines>>,
    /// What is selected of one of them.
    pub(super) mark: Option<(TextKey, Mark)>,
    /// Whether the headers of calls are shown.
    pub(super) headers: bool,
    /// The run that the chosen one is compared with, once it is there.
    pub(super) other: Option<Box<Loaded>>,
    /// Its number.
    pub(super) beside: Option<RunId>,
    /// Both, step by step.
    pub(super) pairs: Option<Arc<[super::compare::Pair]>>,
    pub(super) pair_roll: Roll,
    pub(super) list_roll: Roll,
    pub(super) fall_roll: Roll,
    pub(super) side_rolls: [Roll; 2],
    /// The test that was shown last.
    last_test: Option<RunId>,
    /// Rows that were made in the last frame.
    pub(super) built: usize,
}

/// Which list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Runs,
    Hits,
    Problems,
}

impl View {
    pub(super) fn new(seat: Seat, mode: Mode) -> Self {
        Self {
            seat,
            mode,
            narrow: Narrow::default(),
            text: String::new(),
            typed: None,
            grouped: false,
            dead: false,
            ticked: BTreeSet::new(),
            to_edit: None,
            index: Index::default(),
            known: false,
            failure: None,
            ticket: 0,
            index_ticket: 0,
            asked: None,
            waiting: false,
            seen: 0,
            asked_at: f64::NEG_INFINITY,
            heads: BTreeMap::new(),
            round: 0,
            heads_waiting: false,
            cause: None,
            search: None,
            problems: None,
            chosen: None,
            pinned: false,
            pushed: 0,
            reveal: false,
            reveal_step: false,
            run: None,
            run_failure: None,
            run_waiting: None,
            run_seen: 0,
            run_asked_at: f64::NEG_INFINITY,
            run_took: 0.0,
            step: None,
            picked: false,
            call: None,
            landing: None,
            bodies: None,
            bodies_waiting: None,
            fall: None,
            fall_at: None,
            raw: false,
            side: Side::Response,
            texts: BTreeMap::new(),
            mark: None,
            headers: seat == Seat::Whole,
            other: None,
            beside: None,
            pairs: None,
            pair_roll: Roll::default(),
            list_roll: Roll::default(),
            fall_roll: Roll::default(),
            side_rolls: [Roll::default(); 2],
            last_test: None,
            built: 0,
        }
    }

    pub(super) fn shown(&self) -> Shown {
        match (&self.search, self.grouped && self.cause.is_none()) {
            (Some(_), _) => Shown::Hits,
            (None, true) => Shown::Problems,
            (None, false) => Shown::Runs,
        }
    }

    /// The rows of the list of runs.
    pub(super) fn listed<'a>(&'a self, live: &Live) -> Listed<'a> {
        match &self.cause {
            Some((_, runs)) => Listed { fresh: Vec::new(), kept: runs },
            None => Listed::merge(&self.index.runs, live, &self.narrow),
        }
    }

    /// A row; none as long as it is being read.
    pub(super) fn row(&self, run: RunId, live: &Live, now: Timestamp) -> Option<RunRow> {
        match (live.run(run), self.heads.get(&run)) {
            (Some(play), _) => Some(rows::of_play(play, live, now)),
            (None, Some(kept)) => Some(rows::of_head(&kept.head, now)),
            (None, None) => None,
        }
    }

    /// Failed runs are grouped anew, and nothing is ticked.
    pub(super) fn forget_problems(&mut self) {
        (self.problems, self.cause) = (None, None);
        self.ticked.clear();
    }

    pub(super) fn choose(&mut self, run: RunId, pinned: bool) {
        self.pinned = pinned;
        if self.chosen != Some(run) {
            self.chosen = Some(run);
            (self.step, self.call, self.landing) = (None, None, None);
            self.picked = false;
            self.run_failure = None;
            self.compare(None);
            self.fall_roll.rewind();
        }
    }

    /// Compares the chosen run with another one, or with none any more.
    pub(super) fn compare(&mut self, with: Option<(RunId, &Archive)>) {
        (self.other, self.pairs, self.beside) = (None, None, with.map(|it| it.0));
        if let Some((run, archive)) = with {
            archive.ask(Ask::Run { seat: Seat::Beside, run });
        }
    }

    /// A row, if it is of this flow.
    pub(super) fn row_of_flow(&self, run: RunId, flow: &crate::flow::FlowId, ctx: &crate::ui::ctx::Ctx<'_>) -> Option<RunRow> {
        let of = ctx.live.run(run).map(|it| &it.flow).or_else(|| self.heads.get(&run).map(|it| &it.head.flow));
        of.filter(|it| *it == flow).and_then(|_| self.row(run, ctx.live, ctx.now))
    }

    /// A run is to be shown, wherever it stands in the list.
    pub(super) fn open(&mut self, run: RunId, step: Option<StepKey>) {
        self.choose(run, true);
        self.reveal = true;
        if let Some(step) = step {
            self.landing = Some((run, Some(step), Place::Entry));
            self.land();
        }
    }

    /// Shows where a text was found.
    pub(super) fn open_hit(&mut self, hit: &Hit) {
        self.choose(hit.head.id, true);
        self.landing = Some((hit.head.id, hit.step.clone(), hit.place));
        self.land();
    }

    /// Chooses a step, and the call of it that says most.
    pub(super) fn choose_step(&mut self, step: &StepKey) {
        let Some(run) = &self.run else { return };
        let statuses: Vec<Option<u16>> = calls_of(run, step).map(status).collect();
        let bad = statuses.iter().rposition(|it| !super::fall::is_good(*it));
        self.call = bad.or_else(|| statuses.len().checked_sub(1));
        self.step = Some(step.clone());
        self.side_rolls.iter_mut().for_each(Roll::rewind);
        self.reveal_step = true;
    }

    /// Narrows to one flow, as the pane below its canvas does.
    pub(super) fn of_flow(&mut self, flow: &crate::flow::FlowId, test: Option<RunId>) {
        if self.narrow.flow.as_ref() != Some(flow) {
            self.narrow.flow = Some(flow.clone());
            (self.chosen, self.pinned, self.last_test) = (None, false, None);
        }
        // What a person chose stays chosen until another test begins.
        if let Some(test) = test
            && self.last_test != Some(test)
        {
            self.last_test = Some(test);
            self.choose(test, false);
        }
    }

    /// Makes the rows of the chosen run; again and again while it is under way.
    pub(super) fn refresh_fall(&mut self, ctx: &crate::ui::ctx::Ctx<'_>) {
        let Some(run) = &self.run else { return };
        // What is under way grows, but not with every frame.
        let tick = if run.head.finished.is_some() { 0 } else { ctx.now.as_millisecond() / GROWS_MS };
        let key = (tick, run.entries.len());
        if self.fall.is_some() && self.fall_at == Some(key) {
            return;
        }
        let open = ctx.docs.list.iter().map(crate::ui::document::Document::flow).find(|it| it.id == run.head.flow);
        let flow = run.flow.as_deref().or_else(|| open.map(|it| &**it));
        self.fall = Some(super::fall::fall(run, flow, ctx.catalog, ctx.now));
        self.fall_at = Some(key);
    }

    /// Heads that are kept now.
    #[cfg(test)]
    pub(crate) fn kept_heads(&self) -> usize {
        self.heads.len()
    }

    /// Rows that were made in the last frame.
    #[cfg(test)]
    pub(crate) fn built_rows(&self) -> usize {
        self.built
    }

    /// The chosen run once it is there.
    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        self.run.as_deref().filter(|it| Some(it.head.id) == self.chosen)
    }

    /// Whether nothing is being read.
    #[cfg(test)]
    pub(crate) fn is_settled(&self) -> bool {
        self.known && !self.waiting && !self.heads_waiting && self.run_waiting.is_none() && self.bodies_waiting.is_none()
    }

    /// Whether the other run of a comparison is there.
    #[cfg(test)]
    pub(crate) fn is_compared(&self) -> bool {
        self.other.is_some()
    }

    /// How many failed runs were grouped, once all are.
    #[cfg(test)]
    pub(crate) fn grouped_runs(&self) -> Option<usize> {
        self.problems.as_ref().filter(|it| it.done).map(|it| it.looked)
    }

    /// How many runs are listed.
    #[cfg(test)]
    pub(crate) fn listed_runs(&self) -> usize {
        self.index.runs.len()
    }

    /// Whether the search, or the grouping, came to its end.
    #[cfg(test)]
    pub(crate) fn is_found(&self) -> bool {
        self.search.as_ref().is_some_and(|it| it.done) || self.problems.as_ref().is_some_and(|it| it.done)
    }
}

/// The calls of a step, in their order.
pub(super) fn calls_of<'a>(run: &'a Loaded, step: &'a StepKey) -> impl Iterator<Item = &'a StepExchange> {
    run.calls.iter().filter(move |it| it.step == *step)
}

fn status(call: &StepExchange) -> Option<u16> {
    call.exchange.answer.as_ref().map(|it| it.status)
}
