//! The log: runs on the left, the steps of the chosen one as a waterfall, and what went over the wire.
//!
//! The same viewer stands below the canvas, with the runs of the flow in front ([`docked`]), and over the whole window
//! ([`whole`]). What is shown comes from the archive; rows are plain data, painted here.
//!
//! | part | what it is |
//! |---|---|
//! | `view` | what is chosen, and what was read for it |
//! | `narrow`, `rows` | which runs are listed, and as which words |
//! | `fall`, `body`, `curl` | a run as a waterfall, a body as lines, a call as a command |
//! | `letters` | dead letters: ticked, resent, changed, put aside |
//! | `compare` | two runs side by side |
//! | `why` | why a service refused a step |
//! | `roll`, `list`, `steps`, `detail`, `text`, `beside` | painting |
//!
//! Invariant: only visible rows are made, and a frame reads no disk.
mod beside;
mod body;
mod compare;
mod curl;
mod detail;
mod fall;
mod letters;
mod list;
pub(super) mod mark;
mod narrow;
mod roll;
mod rows;
mod steps;
mod text;
mod view;
mod why;

use std::time::Duration;

use eframe::egui::{Frame, Id, Layout, Margin, Rect, Response, Stroke, Ui, UiBuilder, vec2};

pub(crate) use self::view::View;
pub(crate) use self::why::Asked;
use super::archive::{Job, Loaded, News, Seat};
use super::ctx::Ctx;
use super::document::{Document, Test};
use super::msg::Msg;
use super::theme::tokens::{extent, line, space};
use super::theme::{self, icon};
use super::widgets::{button, dim, pane, within};
use crate::engine::{Mode, Pending};
use crate::record::Failure;
use crate::run::{RunId, StepKey};

/// Both places to look at runs from, and what is under way for them.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) docked: View,
    /// Live runs, below the canvas.
    pub(crate) docked_served: View,
    pub(crate) whole: View,
    /// Live runs, over the whole window.
    pub(crate) served: View,
    /// Which of the two is shown there.
    pub(crate) mode: Mode,
    /// What a dead letter is to begin with instead, as a person types it.
    pub(crate) editing: Option<letters::Editing>,
    /// Why a service refused a step, or that it is being found out.
    pub(crate) why: Option<Asked>,
    /// The export that is being written, and how many bytes it has.
    pub(crate) export: Option<(Job, u64)>,
    /// Runs that were asked for here, by their tickets.
    pub(crate) retries: Vec<u64>,
    /// What a person said of steps that wait, and was not answered yet.
    pub(crate) releases: Vec<Pending<Result<StepKey, Failure>>>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            docked: View::new(Seat::Docked, Mode::Sandbox),
            docked_served: View::new(Seat::Docked, Mode::Live),
            whole: View::new(Seat::Whole, Mode::Sandbox),
            served: View::new(Seat::Whole, Mode::Live),
            mode: Mode::Sandbox,
            editing: None,
            why: None,
            export: None,
            retries: Vec::new(),
            releases: Vec::new(),
        }
    }
}

impl Log {
    /// Takes in what came; what is about no view is handed back.
    pub(crate) fn take(&mut self, mode: Mode, news: News) -> Option<News> {
        match mode {
            Mode::Sandbox => self.docked.take(news).and_then(|it| self.whole.take(it)),
            Mode::Live => self.docked_served.take(news).and_then(|it| self.served.take(it)),
        }
    }

    /// A run that one of the views has read.
    pub(crate) fn loaded(&self, mode: Mode, run: RunId) -> Option<&Loaded> {
        let all = match mode {
            Mode::Sandbox => [self.whole.loaded(), self.docked.loaded()],
            Mode::Live => [self.served.loaded(), self.docked_served.loaded()],
        };
        all.into_iter().flatten().find(|it| it.head.id == run)
    }

    /// Shows a live run over the whole window.
    pub(crate) fn open_served(&mut self, run: RunId) {
        self.mode = Mode::Live;
        self.served.open(run, None);
    }

    /// Something was done with dead letters: they are read again.
    pub(crate) fn dealt(&mut self, mode: Mode) {
        let view = if mode == Mode::Live { &mut self.served } else { &mut self.whole };
        view.forget_problems();
    }

    /// Shows a run over the whole window.
    pub(crate) fn open(&mut self, run: RunId, step: Option<StepKey>) {
        self.mode = Mode::Sandbox;
        self.whole.open(run, step);
    }
}

/// The pane below the canvas, with the runs of its flow; what comes back is its head.
pub(crate) fn docked(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, log: &mut Log, hide: &mut dyn FnMut()) -> Response {
    let Log { docked, docked_served, why, .. } = log;
    let (view, run) = if ctx.home.shows_live(doc.id) {
        (docked_served, ctx.play(doc).map(|it| it.id))
    } else {
        (docked, doc.test.as_ref().and_then(Test::run))
    };
    view.of_flow(&doc.flow().id, run);
    keep_up(ui, ctx, view);
    let head = pane::head(ui, "Runs", &list::count_words(ctx, view), |ui| {
        if button::icon(ui, icon::X, "Hide the log").clicked() {
            hide();
        }
        if button::icon(ui, icon::CORNERS_OUT, "Show the log in the whole window").clicked() {
            let step = view.step.clone();
            ctx.send(Msg::OpenLog(view.chosen.map(|run| (run, step))));
        }
        if let Some(run) = view.loaded() {
            steps::retry_menu(ui, ctx, view.mode, run);
        }
    });
    let rect = ui.available_rect_before_wrap();
    let (runs, falls) = ids(ui, "docked");
    let roomy = rect.width() >= 640.0;
    let first = rect.left() + (rect.width() * if roomy { 0.22 } else { 0.38 }).clamp(150.0, 300.0);
    let second = if roomy { first + (rect.right() - first) * 0.48 } else { rect.right() };
    part(ui, "runs", rect.with_max_x(first), |ui| list::show(ui, ctx, view, runs, falls, true));
    divide(ui, first, rect);
    let middle = Rect::from_x_y_ranges(first + 1.0..=second, rect.y_range());
    part(ui, "steps", middle, |ui| {
        if let Some(step) = steps::waterfall(ui, ctx, view, falls)
            && doc.flow().nodes.contains_key(&step.node)
        {
            ctx.send(Msg::Select { doc: doc.id, nodes: vec![step.node], show: true });
        }
    });
    if roomy {
        divide(ui, second, rect);
        part(ui, "detail", rect.with_min_x(second + 1.0), |ui| detail::show(ui, ctx, view, why.as_ref()));
    }
    head
}

/// The whole window.
pub(crate) fn whole(ui: &mut Ui, ctx: &Ctx<'_>, log: &mut Log) {
    let Log { whole, served, mode, export, why, editing, .. } = log;
    let (view, ctx) = match mode {
        Mode::Sandbox => (whole, ctx),
        Mode::Live => (served, &Ctx { archive: ctx.served.0, live: ctx.served.1, ..*ctx }),
    };
    keep_up(ui, ctx, view);
    if let Some(run) = view.loaded().filter(|it| view.to_edit == Some(it.head.id)) {
        *editing = letters::Editing::of(view.mode, run);
        view.to_edit = None;
    }
    let mut picked = None;
    let rect = ui.available_rect_before_wrap();
    let (runs, falls) = ids(ui, "whole");
    let split = rect.left() + (rect.width() * 0.29).clamp(240.0, 380.0);
    let foot =
        Rect::from_min_max(eframe::egui::pos2(rect.left(), rect.bottom() - 30.0), eframe::egui::pos2(split, rect.bottom()));
    part(ui, "list", rect.with_max_x(split).with_max_y(foot.top()), |ui| {
        Frame::new().inner_margin(Margin { left: 12, right: 12, top: 8, bottom: 6 }).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            picked = list::filters(ui, ctx, view);
        });
        hairline(ui);
        list::show(ui, ctx, view, runs, falls, false);
    });
    hairline_at(ui, foot.top(), foot);
    within(ui, foot.shrink2(vec2(space::M, 0.0)), Layout::left_to_right(eframe::egui::Align::Center), |ui| match export {
        Some((_, bytes)) => {
            ui.label(dim(ui, format!("Exporting, {} written", rows::size(*bytes))));
            if button::flat(ui, Some(icon::X), "Cancel the export").clicked() {
                ctx.send(Msg::CancelExport);
            }
        }
        None => drop(ui.label(dim(ui, list::count_words(ctx, view)))),
    });
    divide(ui, split, rect);
    let right = rect.with_min_x(split + 1.0);
    if let Some(letter) = editing.as_mut().filter(|it| it.mode == view.mode && view.dead) {
        let mut stays = true;
        part(ui, "letter", right, |ui| stays = letters::editor(ui, ctx, letter));
        if !stays {
            *editing = None;
        }
        *mode = picked.unwrap_or(*mode);
        return;
    }
    let mut top = 0.0;
    part(ui, "run", right, |ui| {
        steps::head(ui, ctx, view);
        top = ui.cursor().top();
    });
    let below = right.with_min_y(top);
    if view.beside.is_some() && view.loaded().is_some() {
        let mut closed = false;
        part(ui, "beside", below, |ui| closed = beside::show(ui, ctx, view));
        if closed {
            view.compare(None);
        }
        *mode = picked.unwrap_or(*mode);
        return;
    }
    // As high as it needs to be, and no more than a half.
    let rows = view.fall.as_ref().map_or(6, |it| it.rows.len());
    let wanted = 28.0 + rows as f32 * extent::ROW_RUN;
    let half = below.top() + wanted.clamp(110.0, (below.height() * 0.46).max(110.0));
    part(ui, "steps", below.with_max_y(half), |ui| drop(steps::waterfall(ui, ctx, view, falls)));
    hairline_at(ui, half, right);
    part(ui, "detail", below.with_min_y(half + 1.0), |ui| detail::show(ui, ctx, view, why.as_ref()));
    *mode = picked.unwrap_or(*mode);
}

fn keep_up(ui: &Ui, ctx: &Ctx<'_>, view: &mut View) {
    let time = ui.input(|it| it.time);
    if let Some(again) = view.keep_up(ctx.archive, ctx.live, ctx.now, time) {
        ui.ctx().request_repaint_after(Duration::from_secs_f64(again.max(0.0) + 0.01));
    }
}

/// What takes the keyboard: the list of runs, and the steps.
fn ids(ui: &Ui, place: &str) -> (Id, Id) {
    let id = ui.scope_id().with(place);
    (id.with("list of runs"), id.with("steps of the run"))
}

/// A part of the pane with controls of its own.
fn part(ui: &mut Ui, salt: &str, rect: Rect, add: impl FnOnce(&mut Ui)) {
    let mut inner = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(salt));
    inner.set_clip_rect(rect.intersect(ui.clip_rect()));
    inner.spacing_mut().item_spacing.y = 0.0;
    add(&mut inner);
}

fn divide(ui: &Ui, x: f32, rect: Rect) {
    let stroke = Stroke::new(line::HAIRLINE, theme::colors(ui).stroke.subtle);
    ui.painter().vline(x + 0.5, rect.y_range(), stroke);
}

fn hairline(ui: &Ui) {
    let rect = ui.available_rect_before_wrap();
    hairline_at(ui, rect.top(), rect);
}

fn hairline_at(ui: &Ui, y: f32, rect: Rect) {
    let stroke = Stroke::new(line::HAIRLINE, theme::colors(ui).stroke.subtle);
    ui.painter().hline(rect.x_range(), y, stroke);
}
