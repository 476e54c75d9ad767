//! Paints the chosen run: its head, and its waterfall.
use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, Button, Color32, Id, Layout, Popup, Rect, Response, Sense, Shape, Stroke, Ui, UiBuilder, WidgetInfo, pos2,
    vec2,
};

use super::beside;
use super::fall::{self, Bar, Fall, FallRow, Line, Part};
use super::list::{self, glyph};
use super::roll::{self, Pressed};
use super::rows::{self, Mark};
use super::view::View;
use crate::engine::Mode;
use crate::run::{Entry, RetryFrom, RunId, StepKey, first_failed};
use crate::ui::archive::Loaded;
use crate::ui::ctx::Ctx;
use crate::ui::document::Document;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, line, size, space};
use crate::ui::theme::{self, Ink, font, icon};
use crate::ui::widgets::{button, cut_text, dim, menu_look, nothing, switch, within};

/// Above the waterfall.
const SCALE: f32 = 24.0;

/// The open flow that a run is of.
pub(super) fn open_flow<'a>(ctx: &Ctx<'a>, run: &Loaded) -> Option<&'a Document> {
    ctx.docs.list.iter().find(|it| it.flow().id == run.head.flow)
}

/// What the run was, and what can be done with it.
pub(super) fn head(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View) {
    let picked = shown_head(ui, ctx, view);
    if let Some(other) = picked {
        view.compare(Some((other, ctx.archive)));
    }
}

/// The head; the run that a person wants to compare with.
fn shown_head(ui: &mut Ui, ctx: &Ctx<'_>, view: &View) -> Option<RunId> {
    let run = view.loaded()?;
    let mut picked = None;
    let colors = theme::colors(ui);
    let row = rows::of_head(&run.head, ctx.now);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 58.0), Sense::hover());
    let inner = rect.shrink2(vec2(space::L, 0.0));
    let tools = within(ui, inner, Layout::right_to_left(Align::Center), |ui| {
        retry_menu(ui, ctx, view.mode, run);
        if let Some(doc) = open_flow(ctx, run).filter(|_| view.mode == Mode::Sandbox)
            && button::plain(ui, Some(icon::FLOW_ARROW), "Show on canvas").clicked()
        {
            let nodes = view.step.iter().map(|it| it.node.clone()).collect();
            ctx.send(Msg::ShowRun { doc: doc.id, run: run.head.id });
            ctx.send(Msg::Activate(doc.id));
            ctx.send(Msg::Select { doc: doc.id, nodes, show: true });
        }
        picked = beside::menu(ui, ctx, view);
        ui.min_rect().left()
    });
    let name = if row.name.trim().is_empty() { run.head.flow.as_str() } else { &row.name };
    let room = tools - inner.left() - 110.0;
    let at = pos2(inner.left(), rect.top() + 20.0);
    let width = cut_text(ui, at, name, font::semibold(size::TITLE), colors.text.strong, room);
    let (ink, words) = match row.mark {
        Mark::Done => (colors.ok, "Done"),
        Mark::Failed => (colors.failed, "Failed"),
        Mark::Parked => (colors.waiting, "Waits for you"),
        Mark::Running => (colors.skipped, "Not over"),
        Mark::Waiting => (colors.waiting, "Waiting"),
        Mark::Cancelled => (colors.skipped, "Cancelled"),
    };
    let badge = Rect::from_min_size(pos2(inner.left() + width + 10.0, rect.top() + 10.0), vec2(100.0, 20.0));
    within(ui, badge, Layout::left_to_right(Align::Center), |ui| switch::badge(ui, words, ink.text, ink.tint));
    let steps =
        if run.head.finished.is_some() { format!(", {}", rows::count(run.head.steps as usize, "step")) } else { String::new() };
    let parent = run.head.parent.as_ref().map(|it| format!(", called by run {}", it.0)).unwrap_or_default();
    let cause = run.entries.iter().find_map(|it| match it {
        Entry::Accepted { cause, .. } => Some(format!(", started by {cause}")),
        _ => None,
    });
    let meta = format!("Run {}, {}, {}{steps}{parent}{}", run.head.id, row.time, row.took, cause.unwrap_or_default());
    let room = tools - inner.left() - 8.0;
    let line = Rect::from_min_size(pos2(inner.left(), rect.top() + 34.0), vec2(room.max(0.0), 18.0));
    let response = ui.interact(line, ui.scope_id().with("what it was"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &meta));
    cut_text(ui, line.left_center(), &meta, font::regular(size::SMALL), colors.text.dim, room);
    response.on_hover_text(&meta);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    picked
}

/// Doing the run again.
pub(super) fn retry_menu(ui: &mut Ui, ctx: &Ctx<'_>, mode: Mode, run: &Loaded) {
    if !may_again(mode, run) {
        return;
    }
    let shown = button::drop_down(ui, "Run again");
    Popup::menu(&shown).show(|ui| {
        menu_look(ui, 260.0);
        let failed = first_failed(&run.entries).is_some();
        retry_items(
            ui,
            ctx,
            mode,
            run,
            &[(RetryFrom::Start, "From the start", true), (RetryFrom::Failed, "From the failed step", failed)],
        );
    });
}

/// A live run has to be over, so that nothing is done twice at the same time.
fn may_again(mode: Mode, run: &Loaded) -> bool {
    mode == Mode::Sandbox || run.head.finished.is_some()
}

/// Doing the run again from a step.
pub(super) fn retry_here(ui: &mut Ui, ctx: &Ctx<'_>, mode: Mode, run: &Loaded, step: &StepKey) {
    if !may_again(mode, run) {
        return;
    }
    let shown = button::drop_down(ui, "Run again from here");
    Popup::menu(&shown).show(|ui| {
        menu_look(ui, 260.0);
        retry_items(ui, ctx, mode, run, &[(RetryFrom::Step(step.clone()), "From here", true)]);
    });
}

fn retry_items(ui: &mut Ui, ctx: &Ctx<'_>, mode: Mode, run: &Loaded, from: &[(RetryFrom, &str, bool)]) {
    let is_live = mode == Mode::Live;
    let is_open = open_flow(ctx, run).is_some();
    let never = (is_live && run.head.parent.is_some()).then_some("Another run called it: do that one again.");
    let now = if is_live { "As the flow is live now" } else { "As the flow is now" };
    for (current, heading) in [(false, "As the flow was then"), (true, now)] {
        ui.label(dim(ui, heading));
        let has = never.is_none() && if current { is_live || is_open } else { run.flow.is_some() };
        let why = match never {
            Some(why) => why,
            None if current => "Open the flow first.",
            None => "The flow as it was is not kept any more.",
        };
        for (from, words, able) in from {
            let button = Button::new(*words);
            let response = ui.add_enabled(*able && has, button);
            let why = if has { "No step of this run failed." } else { why };
            let response = response.on_disabled_hover_text(why);
            let clicked = response.clicked();
            response.accessible_name(format!("{words}, {}", heading.to_lowercase()));
            if clicked {
                ctx.send(Msg::Retry { mode, run: run.head.id, from: from.clone(), current });
            }
        }
    }
}

/// The waterfall, in all the room that there is; the step that was clicked.
pub(super) fn waterfall(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, id: Id) -> Option<StepKey> {
    let rect = ui.available_rect_before_wrap();
    view.refresh_fall(ctx);
    if view.loaded().is_none() {
        let inner = rect.shrink(space::L);
        ui.scope_builder(UiBuilder::new().max_rect(inner), |ui| match (&view.run_failure, view.chosen) {
            (Some(failure), _) => nothing(ui, icon::WARNING, &failure.title, &format!("{} {}", failure.detail, failure.hint)),
            (None, Some(_)) => drop(ui.label(dim(ui, "Reading the run…"))),
            // Where there is no run, the list says so, and what to do.
            (None, None) if view.listed(ctx.live).len() == 0 => {}
            (None, None) => {
                nothing(ui, icon::LIST_MAGNIFYING_GLASS, "No run is chosen", "Choose one on the left to see its steps.");
            }
        });
        return None;
    }
    let fall = view.fall.take()?;
    let list = roll::ground(ui, id, rect, "Steps of the run");
    let columns = Columns::of(rect);
    scale(ui, rect.with_max_y(rect.top() + SCALE), &columns, fall.whole);
    let (count, height) = (fall.rows.len(), extent::ROW_RUN);
    let mut roll = view.fall_roll;
    let current = fall.rows.iter().position(|it| is_chosen(view, it));
    let mut picked = None;
    if let Some(Pressed::To(at)) = roll::pressed(ui, &list, current, count, roll.page(height)) {
        picked = Some(at);
        roll.reveal(at, height);
    }
    // What one comes to from elsewhere is in view, once it is known how much is.
    if view.reveal_step && roll.is_known() {
        view.reveal_step = false;
        if let Some(at) = picked.or(current) {
            roll.reveal(at, height);
        }
    }
    ui.scope_builder(UiBuilder::new().max_rect(rect.with_min_y(rect.top() + SCALE)).id_salt("rows"), |ui| {
        roll.show(ui, "fall", height, count, |ui, range| {
            for at in range {
                let Some(row) = fall.rows.get(at) else { continue };
                if fall_row(ui, row, &columns, fall.whole, is_chosen(view, row)).clicked() {
                    picked = Some(at);
                    list.request_focus();
                }
            }
        });
    });
    view.fall_roll = roll;
    let chosen = picked.and_then(|at| pick(view, &fall, at));
    view.fall = Some(fall);
    roll::ring(ui, &list);
    chosen
}

fn is_chosen(view: &View, row: &FallRow) -> bool {
    if view.step.as_ref() != Some(&row.step) {
        return false;
    }
    match (row.line, view.call) {
        (Line::Step | Line::Missed, None) => true,
        (Line::Call(index), Some(call)) => {
            let Some(run) = view.loaded() else { return false };
            let place = run.calls.iter().take(index).filter(|it| it.step == row.step).count();
            place == call
        }
        _ => false,
    }
}

/// Chooses what a row is about.
fn pick(view: &mut View, fall: &Fall, at: usize) -> Option<StepKey> {
    let row = fall.rows.get(at)?;
    view.choose_step(&row.step);
    view.picked = true;
    match row.line {
        Line::Call(index) => {
            view.call = view.loaded().map(|run| run.calls.iter().take(index).filter(|it| it.step == row.step).count());
        }
        // By the keys one comes past the step itself on the way to its calls.
        Line::Step | Line::Missed | Line::Pause => view.call = None,
    }
    Some(row.step.clone())
}

/// Where things stand in a row.
struct Columns {
    meta: f32,
    track: f32,
    end: f32,
}

impl Columns {
    fn of(rect: Rect) -> Self {
        let wide = rect.width() > 620.0;
        let names = (rect.width() * if wide { 0.34 } else { 0.64 }).clamp(110.0, 290.0);
        let meta = rect.left() + names;
        let track = if wide { meta + 84.0 } else { meta };
        Self { meta, track, end: rect.right() - if wide { 96.0 } else { 68.0 } }
    }

    fn at(&self, us: u64, whole: u64) -> f32 {
        self.track + (self.end - self.track) * (us as f64 / whole.max(1) as f64).min(1.0) as f32
    }

    fn is_wide(&self) -> bool {
        self.track > self.meta
    }
}

fn scale(ui: &Ui, rect: Rect, columns: &Columns, whole: u64) {
    let colors = theme::colors(ui);
    let small = font::regular(size::SMALL);
    let y = rect.center().y;
    ui.painter().text(pos2(rect.left() + space::L, y), Align2::LEFT_CENTER, "Step", small.clone(), colors.text.dim);
    if columns.is_wide() {
        ui.painter().text(pos2(columns.meta, y), Align2::LEFT_CENTER, "Answer", small, colors.text.dim);
    }
    let width = columns.end - columns.track;
    if width < 60.0 {
        return;
    }
    let most = ((width / 80.0) as usize).clamp(1, 6);
    let mono = font::mono(size::MONO_SMALL);
    for (us, words) in fall::ticks(whole, most) {
        let x = columns.at(us, whole);
        let align = if us == 0 { Align2::LEFT_CENTER } else { Align2::CENTER_CENTER };
        ui.painter().text(pos2(x, y), align, words, mono.clone(), colors.text.dim);
        let height = ui.available_rect_before_wrap().bottom();
        ui.painter().vline(x, rect.bottom()..=height, Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(line::HAIRLINE, colors.stroke.subtle));
}

fn fall_row(ui: &mut Ui, row: &FallRow, columns: &Columns, whole: u64, chosen: bool) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_RUN), Sense::CLICK);
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, row.name()));
    list::ground(ui, rect, &response, chosen);
    let (y, left) = (rect.center().y, rect.left());
    let ink = row.hue.ink(colors);
    let room = columns.meta - left - 60.0 - if columns.is_wide() { 8.0 } else { 2.0 };
    let mono = font::mono(size::MONO_SMALL);
    match row.line {
        Line::Step | Line::Missed => {
            let (mark, font, color) =
                row.mark.map_or_else(|| (icon::CIRCLE_DASHED, font::icons(14.0), colors.text.dim), |it| glyph(it, colors));
            ui.painter().text(pos2(left + 20.0, y), Align2::CENTER_CENTER, mark, font, color);
            ui.painter().text(pos2(left + 42.0, y), Align2::CENTER_CENTER, row.icon, font::icons(14.0), ink.text);
            let color = if row.line == Line::Missed { colors.text.dim } else { colors.text.strong };
            cut_text(ui, pos2(left + 56.0, y), &row.title, font::regular(size::BODY), color, room);
        }
        Line::Call(_) => {
            let at = pos2(left + 56.0, y);
            let method = ui.painter().text(at, Align2::LEFT_CENTER, &row.method, mono.clone(), colors.text.body);
            let at = pos2(method.right().max(left + 92.0) + 6.0, y);
            cut_text(ui, at, &row.title, mono.clone(), colors.text.dim, columns.meta - at.x - 8.0);
        }
        Line::Pause => {
            cut_text(ui, pos2(left + 56.0, y), &row.title, font::regular(size::SMALL), colors.waiting.text, room);
        }
    }
    if columns.is_wide() {
        let is_call = matches!(row.line, Line::Call(_));
        let color = match (is_call, row.mark) {
            (true, Some(Mark::Failed)) => colors.failed.text,
            (true, _) => colors.ok.text,
            _ => colors.text.dim,
        };
        let font = if is_call { mono.clone() } else { font::regular(size::SMALL) };
        cut_text(ui, pos2(columns.meta, y), &row.meta, font, color, 78.0);
    }
    let ink = if row.mark == Some(Mark::Failed) { colors.failed } else { ink };
    if columns.end - columns.track > 20.0 {
        for it in &row.bars {
            bar(ui, it, row.line, columns, whole, y, ink);
        }
    }
    let end = pos2(rect.right() - space::M, y);
    ui.painter().text(end, Align2::RIGHT_CENTER, &row.took, mono, colors.text.dim);
    response
}

fn bar(ui: &Ui, bar: &Bar, line: Line, columns: &Columns, whole: u64, y: f32, ink: Ink) {
    let colors = theme::colors(ui);
    let half = if line == Line::Step { 4.5 } else { 2.5 };
    let from = columns.at(bar.from, whole);
    let to = columns.at(bar.to, whole).max(from + 2.0);
    let rect = Rect::from_min_max(pos2(from, y - half), pos2(to, y + half));
    match bar.part {
        Part::Work | Part::Receiving => {
            ui.painter().rect_filled(rect, 1.5, ink.mark);
        }
        Part::Waiting => {
            ui.painter().rect_filled(rect, 1.5, ink.mark.gamma_multiply(0.45));
        }
        Part::Pause => {
            ui.painter().rect_filled(rect, 1.5, colors.waiting.tint);
            let corners = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
            let stroke = Stroke::new(line::HAIRLINE, colors.waiting.mark);
            ui.painter().extend(Shape::dashed_line(&corners, stroke, 3.0, 2.0));
        }
    }
}

/// A colour for words about a status.
pub(super) fn status_ink(status: Option<u16>, colors: &theme::Colors) -> (Color32, Color32) {
    let ink = if fall::is_good(status) { colors.ok } else { colors.failed };
    (ink.text, ink.tint)
}
