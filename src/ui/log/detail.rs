//! Paints one step: what it gave or why it failed, what a person may say, and its calls with both sides.
use std::ops::Range;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, Frame, Layout, Margin, Rect, Response, RichText, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::body::{self, Lines};
use super::curl;
use super::mark::{self, Mark};
use super::rows;
use super::steps;
use super::text::{self, LINE};
use super::view::{Side, TextKey, View, calls_of};
use super::why::{self, Asked};
use crate::accounts::why::is_refusal;
use crate::engine::Mode;
use crate::engine::log::StepExchange;
use crate::record::{Body, Exchange, Failure};
use crate::run::{Entry, Park, Release, RunId, StepKey};
use crate::ui::archive::Loaded;
use crate::ui::behind::AccountJob;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{line, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text, dim, nothing, switch, within};
use crate::ui::words;

/// From this width on both sides of a call stand side by side.
const BOTH: f32 = 560.0;
/// Bodies that are laid out; longer ones are shown as they are.
const LAID_OUT: usize = 4 << 20;

/// The chosen step, in all the room that there is.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, why: Option<&Asked>) {
    let rect = ui.available_rect_before_wrap();
    let Some(run) = view.run.take() else { return };
    let is_chosen = Some(run.head.id) == view.chosen;
    match view.step.clone().filter(|_| is_chosen) {
        Some(step) => of_step(ui, ctx, view, &run, &step, why),
        None if is_chosen => {
            ui.scope_builder(UiBuilder::new().max_rect(rect.shrink(space::M)), |ui| {
                nothing(ui, icon::LIST_DASHES, "No step is chosen", "Choose one above to see what went in and what came back.");
            });
        }
        None => {}
    }
    view.run = Some(run);
}

fn of_step(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, run: &Loaded, step: &StepKey, why: Option<&Asked>) {
    let count = calls_of(run, step).count();
    if view.call.is_some_and(|it| it >= count) {
        view.call = count.checked_sub(1);
    }
    bar(ui, ctx, view, run, step, count);
    if let Some(asked) = why.filter(|it| it.is_about(view.mode, run.head.id, step)) {
        why::show(ui, ctx, asked);
        return;
    }
    if view.call.is_some()
        && let Some(failure) = end_of(&run.entries, step).failure
        && why_line(ui, failure, refused(run, step))
    {
        ask_why(ctx, view, run, step);
    }
    match view.call {
        None => result(ui, ctx, view, run, step),
        Some(at) => {
            let known = view.bodies.take();
            let call = known.as_ref().filter(|it| it.0 == run.head.id && it.1 == *step).and_then(|it| it.2.get(at));
            match call {
                Some(call) => of_call(ui, ctx, view, run.head.id, call, at),
                None => {
                    ui.horizontal(|ui| {
                        ui.add_space(space::M);
                        ui.label(dim(ui, "Reading the call…"));
                    });
                }
            }
            view.bodies = known;
        }
    }
}

/// The step's name, and what of it is shown.
fn bar(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, run: &Loaded, step: &StepKey, count: usize) {
    let colors = theme::colors(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 36.0), Sense::hover());
    let inner = rect.shrink2(vec2(space::M, 0.0));
    let several = view.call.is_some() && count > 1;
    let wanted = match count {
        0 => 0.0,
        1 => 113.0,
        _ => 120.0,
    } + if several { 112.0 } else { 0.0 };
    let tools = inner.with_min_x((inner.right() - wanted).max(inner.left() + 40.0));
    within(ui, tools, Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        if several {
            let at = view.call.unwrap_or(0);
            if ui.add_enabled_ui(at > 0, |ui| button::icon(ui, icon::CARET_LEFT, "Call before")).inner.clicked() {
                view.call = Some(at - 1);
            }
            ui.label(RichText::new(format!("{} of {count}", at + 1)).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
            if ui.add_enabled_ui(at + 1 < count, |ui| button::icon(ui, icon::CARET_RIGHT, "Next call")).inner.clicked() {
                view.call = Some(at + 1);
            }
        }
        if count > 0 {
            let words = ["Result", if count == 1 { "Call" } else { "Calls" }];
            if let Some(at) = switch::segments(ui, "Show", &words, usize::from(view.call.is_some())) {
                view.call = (at == 1).then(|| view.call.unwrap_or(0));
            }
        }
    });
    let flow = run.flow.as_deref().or_else(|| steps::open_flow(ctx, run).map(|it| &**it.flow()));
    let name = flow.and_then(|it| it.nodes.get(&step.node)).map(|it| it.name.clone()).filter(|it| !it.trim().is_empty());
    let name = name.unwrap_or_else(|| crate::ui::canvas::sentence::title(step.node.as_str()));
    let item = step.item.0.iter().flat_map(|it| [", ".to_owned(), (it + 1).to_string()]).collect::<String>();
    let strong = font::semibold(size::BODY);
    let room = tools.left() - inner.left() - 10.0;
    cut_text(ui, inner.left_center(), &format!("{name}{item}"), strong, colors.text.strong, room);
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(line::HAIRLINE, colors.stroke.subtle));
}

// ---- what the step gave

/// What is known of a step's end.
struct End<'a> {
    output: Option<&'a Arc<serde_json::Value>>,
    failure: Option<&'a Failure>,
    parked: Option<&'a Park>,
    logged: Vec<&'a str>,
    attempts: u32,
}

fn end_of<'a>(entries: &'a [Entry], step: &StepKey) -> End<'a> {
    let mut end = End { output: None, failure: None, parked: None, logged: Vec::new(), attempts: 0 };
    for entry in entries {
        match entry {
            Entry::Accepted { trigger, payload, .. } if step.item.is_empty() && *trigger == step.node => {
                end.output = Some(payload);
            }
            _ if entry.step() != Some(step) => {}
            Entry::StepStarted { attempt, .. } => end.attempts = *attempt,
            Entry::StepSucceeded { output, .. } => (end.output, end.failure) = (Some(output), None),
            Entry::StepFailed { failure, .. } => end.failure = Some(failure),
            Entry::StepParked { on, .. } => end.parked = Some(on),
            Entry::StepReleased { release, .. } => {
                end.parked = None;
                if let Release::Done(output) = release {
                    end.output = Some(output);
                }
            }
            Entry::Logged { message, .. } => end.logged.push(message),
            _ => {}
        }
    }
    end
}

fn result(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, run: &Loaded, step: &StepKey) {
    let end = end_of(&run.entries, step);
    let is_over = run.head.finished.is_some();
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        Frame::new().inner_margin(Margin::symmetric(space::M as i8, 6)).show(ui, |ui| {
            if let Some(failure) = end.failure {
                note(ui, failure);
            }
            ui.horizontal_wrapped(|ui| {
                if let Some(park) = end.parked.filter(|_| !is_over) {
                    decide(ui, ctx, view.mode, run.head.id, step, park);
                }
                if end.failure.is_some() && refused(run, step) && button::plain(ui, Some(icon::QUESTION), "Why?").clicked() {
                    ask_why(ctx, view, run, step);
                }
                steps::retry_here(ui, ctx, view.mode, run, step);
                if end.attempts > 1 {
                    ui.label(dim(ui, format!("Tried {} times.", end.attempts)));
                }
                if let Some(output) = end.output
                    && button::flat(ui, Some(icon::COPY), "Copy result").clicked()
                {
                    let text = serde_json::to_string_pretty(&**output).unwrap_or_default();
                    ctx.send(Msg::CopyText { text, what: "Result" });
                }
            });
            for message in end.logged.iter().take(20) {
                ui.label(RichText::new(*message).font(text::code()).color(theme::colors(ui).text.body));
            }
            if end.output.is_none() && end.failure.is_none() {
                ui.label(dim(ui, if is_over { "It gave nothing." } else { "It has not given anything yet." }));
            }
        });
    });
    let Some(output) = end.output else { return };
    let width = text::letters(ui, ui.available_width() - 2.0 * space::M - 16.0);
    let key: TextKey = (run.head.id, step.clone(), None, Side::Response, false, width);
    let make = || Lines::new(serde_json::to_string_pretty(&**output).unwrap_or_default(), width);
    let lines = lines_of(view, key.clone(), run.head.finished.is_none(), make);
    let wanted = view.search.as_ref().map(|it| it.text.clone()).unwrap_or_default();
    let count = lines.len();
    let mut roll = view.side_rolls[0];
    roll.show(ui, "result", LINE, count, |ui, range| code_lines(ui, view, &key, &lines, range, &wanted, true));
    view.side_rolls[0] = roll;
}

/// Lines that are kept as long as the same is looked at.
fn lines_of(view: &mut View, key: TextKey, fresh: bool, make: impl FnOnce() -> Lines) -> Arc<Lines> {
    if fresh {
        return Arc::new(make());
    }
    if let Some(lines) = view.texts.get(&key) {
        return Arc::clone(lines);
    }
    if view.texts.len() > 3 {
        view.texts.clear();
    }
    let lines = Arc::new(make());
    view.texts.insert(key, Arc::clone(&lines));
    lines
}

/// Visible lines of a text, of which a part can be selected.
fn code_lines(ui: &mut Ui, view: &mut View, key: &TextKey, lines: &Lines, range: Range<usize>, wanted: &str, colored: bool) {
    let Some(first) = range.clone().next() else { return };
    let mut mark = view.mark.as_ref().filter(|it| it.0 == *key).map(|it| it.1);
    let marked = mark.map(Mark::range).filter(|it| !it.is_empty());
    let mut area = Rect::NOTHING;
    for at in range {
        let own = lines.range(at);
        let within = marked.as_ref().filter(|it| it.start <= own.end && it.end > own.start);
        // A line that is only shortened to fit has no break of its own to select.
        let ends = lines.text().get(own.end..).is_some_and(|it| it.starts_with(['\n', '\r']));
        let part = within.map(|it| {
            let to = if it.end > own.end && ends { own.end + 1 } else { it.end.min(own.end) };
            it.start.saturating_sub(own.start)..to - own.start
        });
        area = area.union(code_line(ui, lines.get(at), wanted, colored, part));
    }
    let before = mark;
    mark::hear(ui, ui.scope_id().with("text"), area, lines, first, &mut mark);
    if mark != before {
        view.mark = mark.map(|it| (key.clone(), it));
    }
}

/// Whether a call of the step was refused in a way that can be looked into.
fn refused(run: &Loaded, step: &StepKey) -> bool {
    calls_of(run, step).any(|it| is_refusal(&it.exchange))
}

fn ask_why(ctx: &Ctx<'_>, view: &View, run: &Loaded, step: &StepKey) {
    ctx.send(Msg::Why { mode: view.mode, run: run.head.id, step: step.clone(), connection: None });
}

/// Why the step failed, in a line above its calls; all of it where the result is shown. True where a person wants to know why
/// it was refused.
fn why_line(ui: &mut Ui, failure: &Failure, refused: bool) -> bool {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 26.0), Sense::hover());
    let words = failure.to_string();
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    ui.painter().rect_filled(rect, 0.0, colors.failed.tint);
    let left = rect.left() + space::M;
    let mark = pos2(left + 7.0, rect.center().y);
    ui.painter().text(mark, Align2::CENTER_CENTER, icon::X_CIRCLE, font::icons_fill(14.0), colors.failed.mark);
    let right = if refused { 70.0 } else { 0.0 };
    let room = rect.right() - left - 20.0 - space::M - right;
    cut_text(ui, pos2(left + 20.0, rect.center().y), &words, font::regular(size::SMALL), colors.text.strong, room);
    response.on_hover_text(&words);
    if !refused {
        return false;
    }
    let place = rect.with_min_x(rect.right() - right).with_max_x(rect.right() - 6.0);
    within(ui, place, Layout::right_to_left(Align::Center), |ui| button::flat(ui, Some(icon::QUESTION), "Why?").clicked())
}

/// A failure, all of it.
pub(super) fn note(ui: &mut Ui, failure: &Failure) {
    let colors = theme::colors(ui);
    Frame::new().fill(colors.failed.tint).corner_radius(radius::BASE).inner_margin(Margin::symmetric(10, 8)).show(ui, |ui| {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(icon::X_CIRCLE).font(font::icons_fill(14.0)).color(colors.failed.mark));
            ui.vertical(|ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 2.0;
                let place = if failure.at.is_empty() { String::new() } else { format!(" ({})", failure.at) };
                let title = RichText::new(words::sentence(&format!("{}{place}", failure.title)));
                ui.label(title.font(font::medium(size::BODY)).color(colors.text.strong));
                for more in [&failure.detail, &failure.hint].into_iter().filter(|it| !it.trim().is_empty()) {
                    ui.label(RichText::new(words::sentence(more)).small().color(colors.text.body));
                }
            });
        });
    });
}

/// What a person is asked, as below the card on the canvas.
fn decide(ui: &mut Ui, ctx: &Ctx<'_>, mode: Mode, run: RunId, step: &StepKey, park: &Park) {
    let asked = rows::park_words(park, ctx.live);
    ui.label(RichText::new(&asked).color(theme::colors(ui).waiting.text));
    // What a person agrees to is said on the button.
    let choices = match park {
        Park::Approval(_) => [("Approve", Release::Approve), ("Decline", Release::Decline)],
        Park::Uncertain => [("Send again", Release::Repeat), ("Fail it", Release::Fail)],
        Park::SignIn(_) | Park::Breaker(_) => [("Try again", Release::Repeat), ("Fail it", Release::Fail)],
    };
    for (words, release) in choices {
        let response = button::plain(ui, None, words);
        let clicked = response.clicked();
        response.accessible_name(format!("{words} in the log: {asked}"));
        if clicked {
            let step = step.clone();
            ctx.send(match mode {
                Mode::Sandbox => Msg::Release { run, step, release },
                Mode::Live => Msg::Account(Box::new(AccountJob::Release { run, step, release })),
            });
        }
    }
}

// ---- a call

fn of_call(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, run: RunId, call: &StepExchange, at: usize) {
    let exchange = &*call.exchange;
    head_line(ui, ctx, exchange);
    let rect = ui.available_rect_before_wrap();
    let both = rect.width() >= BOTH;
    if !both {
        let side = view.side;
        column(ui, ctx, view, run, call, at, side, false);
        return;
    }
    let middle = rect.center().x;
    let colors = theme::colors(ui);
    ui.painter().vline(middle, rect.y_range(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    for (side, area) in [(Side::Request, rect.with_max_x(middle)), (Side::Response, rect.with_min_x(middle + 1.0))] {
        ui.scope_builder(UiBuilder::new().max_rect(area).id_salt(("side", side == Side::Request)), |ui| {
            column(ui, ctx, view, run, call, at, side, true);
        });
    }
}

/// Method, address, status and time; and what can be copied.
fn head_line(ui: &mut Ui, ctx: &Ctx<'_>, exchange: &Exchange) {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 30.0), Sense::hover());
    let inner = rect.shrink2(vec2(space::M, 0.0));
    let status = exchange.answer.as_ref().map(|it| it.status);
    let took = words::milliseconds(u64::try_from(exchange.timing.total().as_millis()).unwrap_or(0));
    let (ink, tint) = steps::status_ink(status, colors);
    let left = within(ui, inner, Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        if button::flat(ui, Some(icon::COPY), "cURL").on_hover_text("Copy the request as a command for a terminal").clicked() {
            ctx.send(Msg::CopyText { text: curl::command(&exchange.request), what: "Command" });
        }
        ui.label(RichText::new(&took).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
        switch::badge(ui, &status.map_or_else(|| "No answer".to_owned(), status_words), ink, tint);
        ui.min_rect().left()
    });
    let line = format!("{} {}", exchange.request.method, exchange.request.url);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &line));
    let mono = font::mono(size::MONO);
    cut_text(ui, inner.left_center(), &line, mono, colors.text.strong, left - inner.left() - 10.0);
    response.on_hover_text(&line);
}

/// A row of a side.
enum Row<'a> {
    Headers(usize),
    Header(&'a str, &'a str),
    Error(&'a str),
    Timing,
    Part(&'static str, u64, Option<(u64, u64)>),
    Body(String),
}

#[expect(clippy::too_many_arguments, reason = "which call, which side of it, and how")]
fn column(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, run: RunId, call: &StepExchange, at: usize, side: Side, both: bool) {
    let exchange = &*call.exchange;
    let none = (Vec::new(), Body::default());
    let (headers, body) = match (side, &exchange.answer) {
        (Side::Request, _) => (&exchange.request.headers, &exchange.request.body),
        (Side::Response, Some(answer)) => (&answer.headers, &answer.body),
        (Side::Response, None) => (&none.0, &none.1),
    };
    side_bar(ui, ctx, view, side, body, both);
    let width = text::letters(ui, ui.available_width() - 2.0 * space::M - 16.0);
    let key: TextKey = (run, call.step.clone(), Some(at), side, view.raw, width);
    let raw = view.raw || body.text.len() > LAID_OUT;
    let make = || {
        let pretty = if raw { None } else { body::pretty(&body.text) };
        Lines::new(pretty.unwrap_or_else(|| body.text.clone()), width)
    };
    let lines = lines_of(view, key.clone(), false, make);
    let mut rows = Vec::new();
    if let Some(error) = exchange.error.as_deref().filter(|_| side == Side::Response) {
        rows.push(Row::Error(error));
    }
    rows.push(Row::Headers(headers.len()));
    if view.headers {
        rows.extend(headers.iter().map(|(name, value)| Row::Header(name, value)));
    }
    if side == Side::Response {
        let timing = exchange.timing;
        let (sent, headed) = (timing.queued_us, timing.queued_us + timing.waiting_us);
        let whole = headed + timing.receiving_us;
        rows.push(Row::Timing);
        rows.push(Row::Part("Waited for its turn", timing.queued_us, Some((0, whole))));
        rows.push(Row::Part("Waited for the answer", timing.waiting_us, Some((sent, whole))));
        rows.push(Row::Part("Received", timing.receiving_us, Some((headed, whole))));
    }
    rows.push(Row::Body(body_words(body)));
    let wanted = view.search.as_ref().map(|it| it.text.clone()).unwrap_or_default();
    let place = usize::from(side == Side::Response);
    let mut roll = view.side_rolls[place];
    let mut folded = false;
    let salt = if side == Side::Request { "request" } else { "response" };
    let (above, shows, colored) = (rows.len(), view.headers, !view.raw);
    roll.show(ui, salt, LINE, above + lines.len(), |ui, range| {
        for row in rows.get(range.start.min(above)..range.end.min(above)).unwrap_or_default() {
            folded |= head_row(ui, row, &wanted, shows).clicked() && matches!(row, Row::Headers(_));
        }
        let below = range.start.saturating_sub(above)..range.end.saturating_sub(above);
        code_lines(ui, view, &key, &lines, below, &wanted, colored);
    });
    view.side_rolls[place] = roll;
    view.headers ^= folded;
}

/// What a side is called, how its body is shown, and copying it.
fn side_bar(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, side: Side, body: &Body, both: bool) {
    let (title, copy, what) = match side {
        Side::Request => ("Request", "Copy request body", "Request body"),
        Side::Response => ("Response", "Copy response body", "Response body"),
    };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
    let inner = rect.shrink2(vec2(space::M, 0.0));
    within(ui, inner, Layout::left_to_right(Align::Center), |ui| {
        if both {
            ui.label(font::heading(title).color(theme::colors(ui).text.strong));
        } else if let Some(at) = switch::segments(ui, "Side", &["Request", "Response"], usize::from(side == Side::Response)) {
            // Where there is too little room for both, one is chosen.
            view.side = if at == 0 { Side::Request } else { Side::Response };
            view.side_rolls.iter_mut().for_each(super::roll::Roll::rewind);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let has = !body.text.is_empty();
            if ui.add_enabled_ui(has, |ui| button::icon(ui, icon::COPY, copy)).inner.clicked() {
                ctx.send(Msg::CopyText { text: body.text.clone(), what });
            }
            let on = view.raw;
            if button::toggle(ui, icon::CODE, &format!("{title} as it was sent"), on).clicked() {
                view.raw = !on;
            }
        });
    });
}

/// `Body, 318 bytes`, and what is missing of it.
fn body_words(body: &Body) -> String {
    match (body.size, body.text.is_empty(), body.cut) {
        (0, true, _) => "No body".to_owned(),
        (size, true, _) => format!("Body, {}, not text and not kept", rows::size(size)),
        (size, false, true) => format!("Body, {}, of which the beginning is kept", rows::size(size)),
        (size, false, false) => format!("Body, {}", rows::size(size)),
    }
}

fn head_row(ui: &mut Ui, row: &Row<'_>, wanted: &str, shows: bool) -> Response {
    let colors = theme::colors(ui);
    let sense = if matches!(row, Row::Headers(_)) { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), sense);
    let (left, right, y) = (rect.left() + space::M, rect.right() - space::M, rect.center().y);
    let label = font::medium(size::SMALL);
    let name = match row {
        Row::Headers(count) => {
            let caret = if shows { icon::CARET_DOWN } else { icon::CARET_RIGHT };
            ui.painter().text(pos2(left + 5.0, y), Align2::CENTER_CENTER, caret, font::icons(11.0), colors.text.dim);
            let words = rows::count(*count, "header");
            cut_text(ui, pos2(left + 16.0, y), &words, label, colors.text.body, right - left - 16.0);
            button::focus_ring(ui, &response, rect);
            words
        }
        Row::Header(name, value) => {
            let names = ((right - left) * 0.38).min(170.0);
            cut_text(ui, pos2(left + 16.0, y), name, text::code(), colors.text.dim, names - 22.0);
            let at = pos2(left + names, y);
            text::words(ui, at, value, wanted, &text::code(), colors.text.body, right - left - names);
            format!("{name}: {value}")
        }
        Row::Error(error) => {
            cut_text(ui, pos2(left, y), error, label, colors.failed.text, right - left);
            (*error).to_owned()
        }
        Row::Timing => {
            cut_text(ui, pos2(left, y), "Timing", label, colors.text.body, right - left);
            "Timing".to_owned()
        }
        Row::Part(words, us, bar) => {
            cut_text(ui, pos2(left + 16.0, y), words, font::regular(size::SMALL), colors.text.dim, 130.0);
            let time = if *us < 1_000 { format!("{us} µs") } else { words::milliseconds(us / 1_000) };
            let end = pos2(right, y);
            let text = ui.painter().text(end, Align2::RIGHT_CENTER, &time, font::mono(size::MONO_SMALL), colors.text.body);
            if let Some((from, whole)) = bar
                && *whole > 0
            {
                let (begin, width) = (left + 150.0, text.left().min(right - 60.0) - left - 160.0);
                if width > 10.0 {
                    let x = |us: u64| begin + width * (us as f32 / *whole as f32).min(1.0);
                    let bar = Rect::from_min_max(pos2(x(*from), y - 2.5), pos2(x(from + us).max(x(*from) + 1.5), y + 2.5));
                    ui.painter().rect_filled(bar, 1.5, colors.logic.mark);
                }
            }
            format!("{words}: {time}")
        }
        Row::Body(words) => {
            cut_text(ui, pos2(left, y), words, label, colors.text.body, right - left);
            words.clone()
        }
    };
    let role = if matches!(row, Row::Headers(_)) { Role::Button } else { Role::Label };
    response.widget_info(|| WidgetInfo::labeled(role, true, &name));
    if matches!(row, Row::Header(..) | Row::Error(_)) { response.on_hover_text(name) } else { response }
}

/// A line of a body on its own ground; where its text is.
fn code_line(ui: &mut Ui, line: &str, wanted: &str, colored: bool, marked: Option<Range<usize>>) -> Rect {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, line));
    let ground = rect.shrink2(vec2(space::M, 0.0));
    ui.painter().rect_filled(ground, 0.0, colors.bg.inset);
    let inner = ground.shrink2(vec2(8.0, 0.0));
    text::line(ui, inner, line, wanted, colored, marked);
    inner
}

/// `403 Forbidden`.
fn status_words(status: u16) -> String {
    let words = match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No content",
        301 | 302 | 303 | 307 | 308 => "Moved",
        304 => "Not changed",
        400 => "Bad request",
        401 => "Not signed in",
        403 => "Forbidden",
        404 => "Not found",
        409 => "Conflict",
        410 => "Gone",
        422 => "Not accepted",
        429 => "Too many requests",
        500..=599 => "Service error",
        _ => return status.to_string(),
    };
    format!("{status} {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_what_is_missing_of_it() {
        let body = |text: &str, size, cut| Body { text: text.to_owned(), size, cut };
        assert_eq!(body_words(&Body::default()), "No body");
        assert_eq!(body_words(&body("ab", 2, false)), "Body, 2 bytes");
        assert_eq!(body_words(&body("ab", 2_000, true)), "Body, 2.0 kB, of which the beginning is kept");
        assert_eq!(body_words(&body("", 300, false)), "Body, 300 bytes, not text and not kept");
        assert_eq!(status_words(403), "403 Forbidden");
        assert_eq!(status_words(418), "418");
    }
}
