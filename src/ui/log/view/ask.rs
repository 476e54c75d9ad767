//! What is missing is asked for.
//!
//! Invariant: of each kind one question is under way at most, and a list that is told to have changed is read again.
use std::ops::Range;

use jiff::Timestamp;

use super::{HITS, KEPT, Problems, Search, Shown, View, calls_of};
use crate::engine::log::{Filter, Searched};
use crate::run::RunId;
use crate::ui::archive::{Archive, Ask};
use crate::ui::live::{Live, Readiness};

/// Between two readings of the list, in seconds.
const REREAD: f64 = 0.2;
/// The same, of runs that another process writes.
const ELSEWHERE: f64 = 3.0;
/// How often the bars of a run that is under way are made anew, in seconds.
const GROWS: f64 = 0.25;
/// So long nothing is typed before it is looked for.
const TYPING: f64 = 0.45;
/// Rows that are fetched before and after those that are visible.
const AHEAD: usize = 80;

impl View {
    /// Looks for what is typed, now.
    pub(in crate::ui::log) fn search_now(&mut self, archive: &Archive, now: Timestamp) {
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
    pub(in crate::ui::log) fn typed(&mut self, time: f64) {
        self.typed = Some(time);
        if let Some(search) = &mut self.search {
            search.job = None;
        }
        if self.text.trim().is_empty() {
            (self.search, self.typed) = (None, None);
        }
    }

    pub(in crate::ui::log) fn clear_search(&mut self) {
        self.text.clear();
        (self.search, self.typed) = (None, None);
    }

    /// Asks for whatever is missing; after how many seconds to look again.
    pub(in crate::ui::log) fn keep_up(&mut self, archive: &Archive, live: &Live, now: Timestamp, time: f64) -> Option<f64> {
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
                    self.list_roll.rewind();
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
        if self.grouped && self.problems.as_ref().is_none_or(|it| it.narrow != self.narrow || it.dead != self.dead) {
            self.group(archive, now);
        }
        if !self.pinned && self.list_roll.is_at_top() && self.shown() == Shown::Runs {
            let first = self.listed(live).get(0);
            let tested = self.chosen.is_some() && self.chosen == self.last_test;
            if let Some(first) = first.filter(|_| !tested) {
                self.choose(first, false);
            }
        }
        if let Some(left) = self.keep_run(archive, live, now, time) {
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
    pub(in crate::ui::log) fn group(&mut self, archive: &Archive, now: Timestamp) {
        self.ticket += 1;
        let job = archive.problems(self.seat, self.ticket, self.narrow.filter(now), self.dead);
        let list = self.problems.take().filter(|it| it.dead == self.dead).map(|it| it.list).unwrap_or_default();
        let (narrow, ticket) = (self.narrow.clone(), self.ticket);
        self.problems = Some(Problems { list, narrow, ticket, dead: self.dead, _job: Some(job), ..Problems::default() });
    }

    fn keep_run(&mut self, archive: &Archive, live: &Live, now: Timestamp, time: f64) -> Option<f64> {
        let mut grows = None;
        let run = self.chosen?;
        let loaded = self.run.as_ref().filter(|it| it.head.id == run);
        let is_stale = match loaded {
            // One that was told just now is there in a moment.
            None => self.run_failure.is_none() || (live.run(run).is_some() && self.run_seen != live.version),
            Some(it) => {
                let elsewhere = matches!(live.behind, Readiness::Unavailable(_)) && time - self.run_asked_at >= ELSEWHERE;
                it.head.finished.is_none() && (elsewhere || self.run_seen != live.version)
            }
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
        if let Some(started) = loaded.filter(|it| it.head.finished.is_none()).map(|it| it.head.accepted)
            && live.run(run).is_some_and(crate::ui::live::Play::is_running)
            && now.duration_since(started).as_hours() < 1
        {
            grows = Some(GROWS);
        }
        let (Some(loaded), Some(step)) = (self.run.as_ref().filter(|it| it.head.id == run), &self.step) else { return grows };
        let count = calls_of(loaded, step).count();
        let known = self.bodies.as_ref().is_some_and(|it| it.0 == run && it.1 == *step && it.2.len() == count);
        let wanted = (run, step.clone(), count);
        if count > 0 && !known && self.bodies_waiting.as_ref() != Some(&wanted) {
            archive.ask(Ask::Bodies { seat: self.seat, run, step: step.clone() });
            self.bodies_waiting = Some(wanted);
        }
        grows
    }

    /// Asks for heads of rows that are visible and not known, or that were not over when they were read.
    pub(in crate::ui::log) fn want_heads(&mut self, archive: &Archive, live: &Live, visible: Range<usize>) {
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
}
