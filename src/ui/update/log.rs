//! The log: opening it, exporting runs, and doing a run again.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use eframe::egui::Context;

use super::file::home;
use crate::engine::letters::Resend;
use crate::engine::log::Format;
use crate::engine::{ConnectionId, Effective, Mode};
use crate::flow::{Flow, FlowId};
use crate::record::{Failure, FailureKind};
use crate::run::{self, Again, RetryFrom, RunId, StepKey};
use crate::ui::app::App;
use crate::ui::archive::{Ask, Deal, Dealt, Exporting, News};
use crate::ui::behind::{AccountJob, Start, WhyTold};
use crate::ui::dialog::Dialog;
use crate::ui::document::{DocId, Document, Test, TestState};
use crate::ui::files;
use crate::ui::live::Play;
use crate::ui::log::Asked;
use crate::ui::msg::{Msg, Room};
use crate::ui::toast::{Toast, Tone};

/// Runs of a flow that are read when it is opened, so that its steps have records.
pub(super) const REMEMBERED: usize = 20;

/// How soon it is looked whether the engine answered.
const ANSWER: Duration = Duration::from_millis(50);

impl App {
    pub(super) fn open_log(&mut self, run: Option<(RunId, Option<StepKey>)>) {
        if let Some((run, step)) = run {
            self.log.open(run, step);
        }
        self.room = Room::Log;
    }

    /// The last runs of a flow are read, for the canvas and the inspector.
    pub(super) fn remember_runs(&self, flow: &FlowId) {
        self.archive.ask(Ask::Recent { flow: flow.clone(), count: REMEMBERED });
    }

    /// What was read.
    pub(crate) fn archive_told(&mut self, ctx: &Context, mode: Mode, news: News) {
        match self.log.take(mode, news) {
            Some(News::Recent { runs }) => {
                let live = if mode == Mode::Live { &mut self.served.1 } else { &mut self.live };
                for it in runs {
                    live.restore(it.play);
                }
            }
            Some(News::Exporting { bytes }) => {
                if let Some(export) = &mut self.log.export {
                    export.1 = bytes;
                }
            }
            Some(News::Dealt(dealt)) => self.dealt(ctx, mode, dealt),
            Some(News::Exported { path, result }) => {
                self.log.export = None;
                let toast = match result {
                    Ok(runs) => {
                        let words = crate::ui::canvas::sentence::count(usize::try_from(runs).unwrap_or(usize::MAX), "run");
                        Toast::new(Tone::Done, format!("{words} exported")).detail(path.display().to_string())
                    }
                    Err(failure) => Toast::failure(&failure),
                };
                self.say(ctx, toast);
            }
            _ => {}
        }
    }

    /// Says why a step that waits cannot go on, where that is so.
    pub(crate) fn hear_releases(&mut self, ctx: &Context) {
        let mut refused = Vec::new();
        self.log.releases.retain_mut(|it| match it.poll() {
            None => true,
            Some(Ok(_)) => false,
            Some(Err(failure)) => {
                refused.push(failure.clone());
                false
            }
        });
        for failure in refused {
            self.say(ctx, Toast::failure(&failure));
        }
        if !self.log.releases.is_empty() {
            ctx.request_repaint_after(ANSWER);
        }
    }

    pub(super) fn ask_export(&mut self, what: Exporting) {
        let extension = match what.format {
            Format::Jsonl => "jsonl",
            Format::Har => "har",
            Format::Csv => "csv",
        };
        let name = format!("runs.{extension}");
        if self.files.can_ask() {
            self.files.ask_export(what, &name, extension);
        } else {
            let suggested = home().unwrap_or_default().join(name).display().to_string();
            self.dialog = Some(Dialog::Path { ask: files::Ask::Export(what), suggested, wrong: None });
        }
    }

    pub(super) fn export_to(&mut self, what: Exporting, path: PathBuf) {
        let archive = if what.mode == Mode::Live { &self.served.0 } else { &self.archive };
        self.log.export = Some((archive.export(what, path), 0));
    }

    pub(super) fn cancel_export(&mut self, ctx: &Context) {
        if self.log.export.take().is_some() {
            self.say(ctx, Toast::new(Tone::Note, "The export was cancelled").detail("Nothing was written."));
        }
    }

    /// The canvas plays a run that was, unless a test is under way on it.
    pub(super) fn show_run(&mut self, doc: DocId, run: RunId) {
        let Some(loaded) = self.log.loaded(Mode::Sandbox, run) else { return };
        let play = Play::stored(&loaded.head, &loaded.entries, loaded.calls.iter().map(|it| &it.step));
        let was = loaded.flow.clone();
        self.live.restore(play);
        let under_way = |test: &Test| test.run().is_none_or(|it| self.live.run(it).is_some_and(|it| it.outcome.is_none()));
        let Some(doc) = self.docs.get_mut(doc).filter(|it| !it.test.as_ref().is_some_and(under_way)) else { return };
        let flow = was.unwrap_or_else(|| Arc::clone(doc.flow()));
        doc.test = Some(Test { flow, state: TestState::Run(run), cancelled: false, told: true });
    }

    // ---- why a step was refused

    /// Has it found out; what was asked before is given up.
    pub(super) fn ask_why(&mut self, ctx: &Context, mode: Mode, run: RunId, step: StepKey, connection: Option<ConnectionId>) {
        self.close_why();
        self.tickets += 1;
        let ticket = self.tickets;
        let told = self.connections.door.is_none().then(|| {
            let failure = Failure::new(FailureKind::Machine, "Connections are not there yet");
            Err(failure.hint("Try again in a moment."))
        });
        let is_asked = told.is_none();
        self.log.why = Some(Asked { ticket, mode, run, step: step.clone(), told });
        if is_asked {
            self.account(ctx, AccountJob::Why { ticket, mode, run, step, connection });
        }
    }

    pub(super) fn close_why(&mut self) {
        if let Some(asked) = self.log.why.take().filter(|it| it.told.is_none())
            && let Some(door) = &self.connections.door
        {
            door(AccountJob::StopWhy(asked.ticket));
        }
    }

    pub(super) fn why_told(&mut self, ticket: u64, result: Result<WhyTold, Failure>) {
        if let Some(asked) = self.log.why.as_mut().filter(|it| it.ticket == ticket) {
            asked.told = Some(result);
        }
    }

    /// A step of a live run that a person let go on.
    pub(super) fn served_released(&mut self, ctx: &Context, result: Result<Effective, Failure>) {
        let toast = match result {
            Ok(Effective::Now) => Toast::new(Tone::Done, "The run goes on"),
            Ok(Effective::WithNextStart) => Toast::new(Tone::Done, "It is written down")
                .detail("The run goes on once flows run on this data directory again."),
            Err(failure) => Toast::failure(&failure),
        };
        self.say(ctx, toast);
    }

    // ---- dead letters

    pub(super) fn deal(&mut self, mode: Mode, deal: Deal) {
        let archive = if mode == Mode::Live { &self.served.0 } else { &self.archive };
        archive.deal(self.catalog.clone(), deal);
    }

    fn dealt(&mut self, ctx: &Context, mode: Mode, dealt: Dealt) {
        self.log.dealt(mode);
        let count = |all: &[RunId]| crate::ui::canvas::sentence::count(all.len(), "letter");
        let toast = match dealt {
            Dealt::Failed(failure) => Toast::failure(&failure),
            Dealt::PutAside { runs, aside: true } => {
                let undo = Deal::PutAside { runs: runs.clone(), aside: false };
                Toast::new(Tone::Done, format!("{} put aside", count(&runs))).action("Undo", Msg::Letters { mode, deal: undo })
            }
            Dealt::PutAside { runs, aside: false } => Toast::new(Tone::Done, format!("{} listed again", count(&runs))),
            Dealt::Resent { runs, later, refused } => {
                for failure in refused.iter().take(3) {
                    self.say(ctx, Toast::failure(failure));
                }
                let (Some(first), Some(last)) = (runs.first().copied(), runs.last().copied()) else { return };
                let which =
                    if first == last { format!("Resent as run {first}") } else { format!("Resent as runs {first} to {last}") };
                let toast = Toast::new(Tone::Done, which);
                let toast = if later { toast.detail("They begin once flows run on this data directory again.") } else { toast };
                let show = if mode == Mode::Live { Msg::OpenServed(first) } else { Msg::OpenLog(Some((first, None))) };
                toast.action("Show", show)
            }
        };
        self.say(ctx, toast);
    }

    // ---- a run again

    pub(super) fn retry(&mut self, ctx: &Context, run: RunId, from: &RetryFrom, current: bool) {
        let Some(loaded) = self.log.loaded(Mode::Sandbox, run) else { return };
        let entries = Arc::clone(&loaded.entries);
        let flow = if current {
            let id = &loaded.head.flow;
            self.docs.list.iter().map(Document::flow).find(|it| it.id == *id).cloned()
        } else {
            loaded.flow.clone()
        };
        let plan = match &flow {
            Some(flow) => run::again(flow, &entries, from),
            None => Err("Open the flow first."),
        };
        match (plan, flow) {
            (Ok(plan), Some(flow)) => self.start_again(ctx, &flow, plan),
            (Err(words), _) => self.say(ctx, Toast::new(Tone::Failed, "The run cannot be done again so").detail(words)),
            (Ok(_), None) => {}
        }
    }

    /// A live run is done again only once a person has said that it may write.
    pub(super) fn ask_again(&mut self, run: RunId, from: RetryFrom, current: bool) {
        let Some(loaded) = self.log.loaded(Mode::Live, run) else { return };
        let title = loaded.head.flow_name.clone();
        let how = Resend { from: Some(from), as_then: !current, event: None, again: true, even_done: true };
        self.dialog = Some(Dialog::RunAgain { run, title, how });
    }

    /// Starts it, with the steps that are taken as done.
    fn start_again(&mut self, ctx: &Context, flow: &Arc<Flow>, plan: Again) {
        let Again { trigger, payload, given } = plan;
        let flows = self.deployments(flow);
        let Some(stage) = self.live.stage() else {
            self.say(ctx, Toast::new(Tone::Failed, "The run cannot be done again yet").detail("The sandbox is not up."));
            return;
        };
        let lit_from = stage.sandbox.last_seq();
        self.tickets += 1;
        let ticket = self.tickets;
        (stage.start)(Start { ticket, flows, trigger, payload: (*payload).clone(), given });
        self.live.lit_from = lit_from;
        // A run of the flow as it is now plays on its canvas.
        let same = |it: &&mut Document| Arc::ptr_eq(it.flow(), flow);
        match self.docs.list.iter_mut().find(same) {
            Some(doc) => {
                let flow = Arc::clone(flow);
                doc.test = Some(Test { flow, state: TestState::Starting(ticket), cancelled: false, told: false });
            }
            None => self.log.retries.push(ticket),
        }
        if self.room == Room::Log && !self.log.retries.contains(&ticket) {
            self.log.retries.push(ticket);
        }
    }

    /// A run that was done again from here is on disk.
    pub(super) fn retry_started(&mut self, ctx: &Context, ticket: u64, run: RunId) {
        self.log.retries.retain(|it| *it != ticket);
        if self.room == Room::Log {
            self.log.open(run, None);
        }
        let toast = Toast::new(Tone::Done, format!("Run {run} was started"));
        self.say(ctx, toast.action("Show", Msg::OpenLog(Some((run, None)))));
    }
}
