//! How the log is looked at: what narrows the list, which run, step and call are chosen, and what was read for that.
//!
//! Nothing here waits: what is missing is asked of the archive ([`View::keep_up`]) and taken in when it comes ([`View::take`]).
//!
//! Invariant: an answer to a question that is not the latest of its kind changes nothing.
//! Invariant: heads are kept of a few pages around what is visible; their number has a bound however long the list is.
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::body::Lines;
use super::fall::Fall;
use super::narrow::Narrow;
use super::roll::Roll;
use super::rows::{self, Listed, RunRow};
use crate::engine::log::{Filter, Hit, Place, RunHead, Searched, StepExchange};
use crate::record::Failure;
use crate::run::{RunId, StepKey};
use crate::ui::archive::{Archive, Ask, Cause, Index, Job, Loaded, News, Problem, Seat};
use crate::ui::live::{Live, Readiness};

/// Between two readings of the list, in seconds.
const REREAD: f64 = 0.2;
/// The same, of runs that another process writes.
const ELSEWHERE: f64 = 3.0;
/// So long nothing is typed before it is looked for.
const TYPING: f64 = 0.45;
/// Rows that are fetched before and after those that are visible.
const AHEAD: usize = 80;
/// Heads that are kept at most.
pub(super) const KEPT: usize = 1_000;
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
    pub(super) narrow: Narrow,
    pub(super) text: String,
    typed: Option<f64>,
    pub(super) grouped: bool,
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
    pub(super) run: Option<Box<Loaded>>,
    /// Why it cannot be read; empty words where it is gone.
    pub(super) run_failure: Option<Failure>,
    run_waiting: Option<RunId>,
    run_seen: u64,
    run_asked_at: f64,
    run_took: f64,
    pub(super) step: Option<StepKey>,
    /// Which call of the step; none for what the step gave.
    pub(super) call: Option<usize>,
    /// A hit that is to be shown once its run is there.
    landing: Option<(RunId, Option<StepKey>, Place)>,
    pub(super) bodies: Option<(RunId, StepKey, Vec<StepExchange>)>,
    bodies_waiting: Option<(RunId, StepKey, usize)>,
    pub(super) fall: Option<Fall>,
    fall_at: Option<(Timestamp, usize)>,
    pub(super) raw: bool,
    pub(super) side: Side,
    pub(super) texts: BTreeMap<TextKey, Lines>,
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
    pub(super) fn new(seat: Seat) -> Self {
        Self {
            seat,
            narrow: Narrow::default(),
            text: String::new(),
            typed: None,
            grouped: false,
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
            run: None,
            run_failure: None,
            run_waiting: None,
            run_seen: 0,
            run_asked_at: f64::NEG_INFINITY,
            run_took: 0.0,
            step: None,
            call: None,
            landing: None,
            bodies: None,
            bodies_waiting: None,
            fall: None,
            fall_at: None,
            raw: false,
            side: Side::Response,
            texts: BTreeMap::new(),
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
            (Some(play), _) => Some(rows::of_play(play, now)),
            (None, Some(kept)) => Some(rows::of_head(&kept.head, now)),
            (None, None) => None,
        }
    }

    pub(super) fn choose(&mut self, run: RunId, pinned: bool) {
        self.pinned = pinned;
        if self.chosen != Some(run) {
            self.chosen = Some(run);
            (self.step, self.call, self.landing) = (None, None, None);
            self.run_failure = None;
            self.compare(None);
            self.fall_roll = Roll::default();
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
        self.side_rolls = [Roll::default(); 2];
    }

    /// Looks for what is typed, now.
    pub(super) fn search_now(&mut self, archive: &Archive, now: Timestamp) {
        self.typed = None;
        let text = self.text.trim().to_owned();
        if text.is_empty() {
            self.search = None;
            return;
        }
        if self.search.as_ref().is_some_and(|it| it.text == text && it.narrow == self.narrow) {
            return;
        }
        self.ticket += 1;
        let filter = Filter { limit: HITS, ..self.narrow.filter(now) };
        let job = archive.search(self.seat, self.ticket, text.clone(), filter);
        self.search = Some(Search {
            text,
            narrow: self.narrow.clone(),
            hits: Vec::new(),
            searched: Searched::default(),
            done: false,
            failure: None,
            ticket: self.ticket,
            job: Some(job),
        });
    }

    /// The text was changed: what is under way is given up.
    pub(super) fn typed(&mut self, time: f64) {
        self.typed = Some(time);
        if let Some(search) = &mut self.search {
            search.job = None;
        }
        if self.text.trim().is_empty() {
            (self.search, self.typed) = (None, None);
        }
    }

    pub(super) fn clear_search(&mut self) {
        self.text.clear();
        (self.search, self.typed) = (None, None);
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

    /// Asks for whatever is missing; after how many seconds to look again.
    pub(super) fn keep_up(&mut self, archive: &Archive, live: &Live, now: Timestamp, time: f64) -> Option<f64> {
        let mut again: Option<f64> = None;
        let mut soon = |seconds: f64| again = Some(again.map_or(seconds, |it| it.min(seconds)));
        let changed = self.asked.as_ref() != Some(&self.narrow);
        // Where another process writes, nothing is told of what it does.
        let elsewhere = matches!(live.behind, Readiness::Unavailable(_));
        let is_old = elsewhere && time - self.asked_at >= ELSEWHERE;
        if elsewhere {
            soon(ELSEWHERE);
        }
        if changed || is_old || self.seen != live.version {
            let left = self.asked_at + REREAD - time;
            if changed || (!self.waiting && left <= 0.0) {
                if changed {
                    self.cause = None;
                    self.list_roll = Roll::default();
                }
                self.ask_index(archive, live, now, time);
            } else if !self.waiting {
                soon(left);
            }
        }
        if let Some(typed) = self.typed {
            let left = typed + TYPING - time;
            if left <= 0.0 { self.search_now(archive, now) } else { soon(left) }
        } else if self.search.as_ref().is_some_and(|it| it.narrow != self.narrow) {
            self.search_now(archive, now);
        }
        if self.grouped && self.problems.as_ref().is_none_or(|it| it.narrow != self.narrow) {
            self.group(archive, now);
        }
        if !self.pinned && self.list_roll.is_at_top() && self.shown() == Shown::Runs {
            let first = self.listed(live).get(0);
            let tested = self.chosen.is_some() && self.chosen == self.last_test;
            if let Some(first) = first.filter(|_| !tested) {
                self.choose(first, false);
            }
        }
        if let Some(left) = self.keep_run(archive, live, time) {
            soon(left);
        }
        again
    }

    fn ask_index(&mut self, archive: &Archive, live: &Live, now: Timestamp, time: f64) {
        self.ticket += 1;
        self.index_ticket = self.ticket;
        self.asked = Some(self.narrow.clone());
        (self.waiting, self.seen, self.asked_at) = (true, live.version, time);
        archive.ask(Ask::Index { seat: self.seat, ticket: self.ticket, filter: self.narrow.filter(now) });
    }

    /// Groups failed runs anew.
    pub(super) fn group(&mut self, archive: &Archive, now: Timestamp) {
        self.ticket += 1;
        let job = archive.problems(self.seat, self.ticket, self.narrow.filter(now));
        let list = self.problems.take().map(|it| it.list).unwrap_or_default();
        let (narrow, ticket) = (self.narrow.clone(), self.ticket);
        self.problems = Some(Problems { list, narrow, ticket, _job: Some(job), ..Problems::default() });
    }

    fn keep_run(&mut self, archive: &Archive, live: &Live, time: f64) -> Option<f64> {
        let run = self.chosen?;
        let loaded = self.run.as_ref().filter(|it| it.head.id == run);
        let is_stale = match loaded {
            None => self.run_failure.is_none() || self.run_waiting.is_some_and(|it| it != run),
            Some(it) => it.head.finished.is_none() && self.run_seen != live.version,
        };
        // A long run that is under way is read again the more seldom the longer that takes.
        let left = if loaded.is_some() { self.run_asked_at + REREAD.max(4.0 * self.run_took) - time } else { 0.0 };
        if is_stale && self.run_waiting != Some(run) {
            if left > 0.0 {
                return Some(left);
            }
            (self.run_waiting, self.run_seen, self.run_asked_at) = (Some(run), live.version, time);
            archive.ask(Ask::Run { seat: self.seat, run });
        }
        let (Some(loaded), Some(step)) = (self.run.as_ref().filter(|it| it.head.id == run), &self.step) else { return None };
        let count = calls_of(loaded, step).count();
        let known = self.bodies.as_ref().is_some_and(|it| it.0 == run && it.1 == *step && it.2.len() == count);
        let wanted = (run, step.clone(), count);
        if count > 0 && !known && self.bodies_waiting.as_ref() != Some(&wanted) {
            archive.ask(Ask::Bodies { seat: self.seat, run, step: step.clone() });
            self.bodies_waiting = Some(wanted);
        }
        None
    }

    /// Asks for heads of rows that are visible and not known, or that were not over when they were read.
    pub(super) fn want_heads(&mut self, archive: &Archive, live: &Live, visible: std::ops::Range<usize>) {
        if self.heads_waiting {
            return;
        }
        let listed = self.listed(live);
        let needs = |run: &RunId| {
            let is_told = live.run(*run).is_some();
            !is_told && self.heads.get(run).is_none_or(|it| it.head.finished.is_none() && it.round != self.round)
        };
        if !visible.clone().filter_map(|it| listed.get(it)).any(|it| needs(&it)) {
            return;
        }
        let around = visible.start.saturating_sub(AHEAD)..(visible.end + AHEAD).min(listed.len());
        let runs: Vec<RunId> = around.filter_map(|it| listed.get(it)).filter(needs).collect();
        if self.heads.len() + runs.len() > KEPT {
            let near = visible.start.saturating_sub(AHEAD)..(visible.end + AHEAD).min(listed.len());
            let ends = (near.clone().next().and_then(|it| listed.get(it)), near.last().and_then(|it| listed.get(it)));
            if let (Some(first), Some(last)) = ends {
                self.heads.retain(|it, _| (last..=first).contains(it));
            }
        }
        self.heads_waiting = true;
        archive.ask(Ask::Heads { seat: self.seat, runs });
    }

    /// Takes in what came; what is not its own is handed back.
    pub(super) fn take(&mut self, news: News) -> Option<News> {
        match news {
            News::Index { seat, ticket, result } if seat == self.seat => {
                if ticket == self.index_ticket {
                    self.waiting = false;
                    self.take_index(result);
                }
            }
            News::Heads { seat, heads } if seat == self.seat => {
                self.heads_waiting = false;
                let round = self.round;
                self.heads.extend(heads.into_iter().map(|head| (head.id, Kept { head, round })));
            }
            News::Run { seat, run, result } if seat == self.seat => self.take_run(run, result),
            News::Run { seat: Seat::Beside, run, result } if self.beside == Some(run) => {
                self.pairs = None;
                match result {
                    Ok(Some(loaded)) => self.other = Some(loaded),
                    // There is nothing to compare with any more.
                    Ok(None) | Err(_) => self.beside = None,
                }
            }
            News::Bodies { seat, run, step, calls } if seat == self.seat => {
                if self.chosen == Some(run) && self.step.as_ref() == Some(&step) {
                    self.texts.clear();
                    self.bodies = Some((run, step, calls));
                    self.bodies_waiting = None;
                    self.land_call();
                }
            }
            News::Hit { seat, ticket, hit } if seat == self.seat => {
                if let Some(search) = self.search.as_mut().filter(|it| it.ticket == ticket) {
                    search.hits.push(*hit);
                }
            }
            News::Searched { seat, ticket, searched, done } if seat == self.seat => {
                if let Some(search) = self.search.as_mut().filter(|it| it.ticket == ticket) {
                    search.searched = searched;
                    search.done = done.is_some();
                    search.failure = done.and_then(Result::err);
                }
            }
            News::Problems { seat, ticket, problems, looked, done, failure } if seat == self.seat => {
                if let Some(groups) = self.problems.as_mut().filter(|it| it.ticket == ticket) {
                    (groups.list, groups.looked, groups.done, groups.failure) = (problems, looked, done, failure);
                }
            }
            other => return Some(other),
        }
        None
    }

    fn take_index(&mut self, result: Result<Index, Failure>) {
        self.known = true;
        match result {
            Ok(index) => {
                let top = self.index.runs.first().copied();
                if let Some(top) = top.filter(|_| !self.list_roll.is_at_top() && self.cause.is_none()) {
                    self.pushed += index.runs.iter().take_while(|it| **it > top).count();
                }
                self.index = index;
                self.failure = None;
                self.round += 1;
            }
            Err(failure) => self.failure = Some(failure),
        }
    }

    fn take_run(&mut self, run: RunId, result: Result<Option<Box<Loaded>>, Failure>) {
        if self.run_waiting == Some(run) {
            self.run_waiting = None;
        }
        if self.chosen != Some(run) {
            return;
        }
        let is_new = self.run.as_ref().is_none_or(|it| it.head.id != run);
        (self.fall, self.fall_at, self.pairs) = (None, None, None);
        match result {
            Ok(Some(loaded)) => {
                self.run_failure = None;
                if is_new {
                    self.texts.clear();
                }
                self.run = Some(loaded);
            }
            Ok(None) => {
                self.run = None;
                let gone = Failure::new(crate::record::FailureKind::NotFound, "This run is not kept any more");
                self.run_failure = Some(gone.hint("Old runs make room for new ones. Choose another one."));
            }
            Err(failure) => {
                self.run = None;
                self.run_failure = Some(failure);
            }
        }
        self.land();
        if is_new && self.step.is_none() {
            self.choose_telling_step();
        }
    }

    /// The step that says most about how the run went.
    fn choose_telling_step(&mut self) {
        use crate::ui::live::StepState;
        let Some(run) = &self.run else { return };
        let steps = &run.play.steps;
        let of = |state| steps.iter().rev().find(|it| it.state == state);
        let called = || steps.iter().rev().find(|it| it.calls > 0);
        let telling = of(StepState::Failed).or_else(|| of(StepState::Parked)).or_else(called).or_else(|| steps.last());
        if let Some(step) = telling.map(|it| it.step.clone()) {
            self.choose_step(&step);
        }
    }

    /// Shows the step of a hit, once its run is there.
    fn land(&mut self) {
        let Some((run, step, place)) = self.landing.clone() else { return };
        if self.run.as_ref().is_none_or(|it| it.head.id != run) {
            return;
        }
        let Some(step) = step else {
            self.landing = None;
            return;
        };
        self.choose_step(&step);
        match place {
            Place::Head | Place::Entry => {
                if self.search.is_some() {
                    self.call = None;
                }
                self.landing = None;
            }
            Place::RequestBody => self.side = Side::Request,
            Place::Exchange | Place::AnswerBody => self.side = Side::Response,
        }
        self.land_call();
    }

    /// Shows the call of a hit, once the bodies of its step are there.
    fn land_call(&mut self) {
        let (Some((_, Some(step), place)), Some(search)) = (&self.landing, &self.search) else { return };
        let Some((_, of, calls)) = self.bodies.as_ref().filter(|it| it.1 == *step) else { return };
        debug_assert_eq!(of, step, "the bodies are of this step");
        let has = |text: &str| text.lines().any(|it| !super::body::hits(it, &search.text).is_empty());
        let at = calls.iter().position(|it| match place {
            Place::RequestBody => has(&it.exchange.request.body.text),
            Place::AnswerBody => it.exchange.answer.as_ref().is_some_and(|it| has(&it.body.text)),
            _ => has(&it.exchange.request.url),
        });
        self.call = at.or(self.call);
        self.landing = None;
    }

    /// Makes the rows of the chosen run; again and again while it is under way.
    pub(super) fn refresh_fall(&mut self, ctx: &crate::ui::ctx::Ctx<'_>) {
        let Some(run) = &self.run else { return };
        let key = (if run.head.finished.is_some() { Timestamp::UNIX_EPOCH } else { ctx.now }, run.entries.len());
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
