//! What was read is taken in.
//!
//! Invariant: an answer to a question that is not the latest of its kind changes nothing.
use super::super::body;
use super::{Kept, Side, View};
use crate::engine::log::Place;
use crate::record::Failure;
use crate::run::{Entry, RunId, StepKey};
use crate::ui::archive::{Index, Loaded, News, Seat};

impl View {
    /// Takes in what came; what is not its own is handed back.
    pub(in crate::ui::log) fn take(&mut self, news: News) -> Option<News> {
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
        if !self.picked {
            self.choose_telling_step();
        }
    }

    /// The step that says most about how the run went.
    fn choose_telling_step(&mut self) {
        use crate::ui::live::StepState;
        let Some(run) = &self.run else { return };
        let steps = &run.play.steps;
        let of = |state| steps.iter().rev().find(|it| it.state == state);
        let is_wrong = of(StepState::Failed).is_some() || of(StepState::Parked).is_some();
        let called = || steps.iter().rev().find(|it| it.calls > 0);
        let telling = of(StepState::Failed).or_else(|| of(StepState::Parked)).or_else(called).or_else(|| steps.last());
        if let Some(step) = telling.map(|it| it.step.clone()).filter(|it| self.step.as_ref() != Some(it)) {
            self.choose_step(&step);
            // Where nothing is wrong, a run is read from its beginning.
            self.reveal_step = is_wrong;
        }
    }

    /// Shows the step of a hit, once its run is there.
    pub(super) fn land(&mut self) {
        let Some((run, step, place)) = self.landing.clone() else { return };
        let Some(loaded) = self.run.as_ref().filter(|it| it.head.id == run) else { return };
        // What came in is a fact of the whole run, and shown with its trigger.
        let came_in = || match (place, loaded.entries.first(), &self.search) {
            (Place::Entry, Some(Entry::Accepted { trigger, payload, .. }), Some(search)) => {
                let has = !body::hits(&payload.to_string(), &search.text).is_empty();
                has.then(|| StepKey::new(trigger.clone()))
            }
            _ => None,
        };
        let Some(step) = step.or_else(came_in) else {
            self.landing = None;
            return;
        };
        self.choose_step(&step);
        self.picked = true;
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
        let has = |text: &str| text.lines().any(|it| !body::hits(it, &search.text).is_empty());
        let at = calls.iter().position(|it| match place {
            Place::RequestBody => has(&it.exchange.request.body.text),
            Place::AnswerBody => it.exchange.answer.as_ref().is_some_and(|it| has(&it.body.text)),
            _ => has(&it.exchange.request.url),
        });
        self.call = at.or(self.call);
        self.landing = None;
    }
}
