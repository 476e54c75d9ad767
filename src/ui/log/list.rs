//! Paints the list: what narrows it, and its rows: runs, places where a text was found, or problems.
use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, Button, Color32, FontId, Id, Layout, Margin, Popup, Rect, Response, ScrollArea, Sense, Stroke, StrokeKind,
    TextEdit, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::letters;
use super::narrow::{Since, Status};
use super::roll::{self, Pressed};
use super::rows::{self, Mark, RunRow};
use super::text;
use super::view::{HITS, Shown, View};
use crate::engine::Mode;
use crate::engine::log::{Format, Hit, Place};
use crate::run::RunId;
use crate::ui::archive::{Exporting, Problem, Subject};
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, line, radius, size, space};
use crate::ui::theme::{self, Colors, font, icon};
use crate::ui::widgets::{button, cut_text, dim, menu_look, nothing, switch};

/// How a mark is drawn: its shape tells it, the colour only helps.
pub(super) fn glyph(mark: Mark, colors: &Colors) -> (char, FontId, Color32) {
    let fill = font::icons_fill(14.0);
    match mark {
        Mark::Running => (icon::PLAY_CIRCLE, fill, colors.accent.text),
        Mark::Waiting => (icon::CLOCK, fill, colors.waiting.mark),
        Mark::Parked => (icon::WARNING, fill, colors.waiting.mark),
        Mark::Done => (icon::CHECK_CIRCLE, fill, colors.ok.mark),
        Mark::Failed => (icon::X_CIRCLE, fill, colors.failed.mark),
        Mark::Cancelled => (icon::MINUS_CIRCLE, font::icons(14.0), colors.text.dim),
    }
}

/// All that narrows the list, above it; the other runs, where a person wants to see those.
pub(super) fn filters(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View) -> Option<Mode> {
    let colors = theme::colors(ui);
    let mut picked = None;
    ui.horizontal(|ui| {
        ui.set_min_height(extent::CONTROL);
        ui.label(font::title("Log").color(colors.text.strong));
        picked = switch::segments(ui, "Log of", &["Sandbox", "Live"], usize::from(view.mode == Mode::Live));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| export_menu(ui, ctx, view));
    });
    search_field(ui, ctx, view);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        for status in Status::ALL {
            if chip(ui, status, view.narrow.status == status).clicked() {
                view.narrow.status = status;
            }
        }
    });
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        flow_menu(ui, view);
        let since = button::drop_down(ui, view.narrow.since.words());
        Popup::menu(&since).show(|ui| {
            menu_look(ui, 120.0);
            for since in Since::ALL {
                if ui.add(Button::selectable(view.narrow.since == since, since.words())).clicked() {
                    view.narrow.since = since;
                }
            }
        });
    });
    ui.horizontal(|ui| group_switch(ui, view));
    if view.dead && letters::bar(ui, ctx, view) {
        view.to_edit = view.ticked.first().copied();
        if let Some(run) = view.to_edit {
            view.choose(run, true);
        }
    }
    if let Some((cause, runs)) = &view.cause {
        let words = format!("{}: {}", rows::count(runs.len(), "run"), cause.title);
        let mut clear = false;
        ui.horizontal(|ui| {
            clear = button::icon(ui, icon::X, "Show all problems again").clicked();
            let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 24.0), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
            cut_text(ui, rect.left_center(), &words, font::medium(size::SMALL), colors.text.strong, rect.width());
            response.on_hover_text(&words);
        });
        if clear {
            view.cause = None;
        }
    }
    picked.map(|it| if it == 0 { Mode::Sandbox } else { Mode::Live })
}

/// Failed runs by their cause: all of them, or those that nobody has dealt with.
fn group_switch(ui: &mut Ui, view: &mut View) {
    for (words, help, dead) in [
        ("Dead letters", "Failed runs that were neither resent nor put aside, grouped by their cause", true),
        ("Problems", "Failed runs, grouped by their cause", false),
    ] {
        let on = view.grouped && view.dead == dead;
        if switch::on_off(ui, words, on).on_hover_text(help).clicked() {
            (view.grouped, view.dead) = (!on, !on && dead);
            view.forget_problems();
            view.clear_search();
        }
    }
}

fn search_field(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View) {
    let (time, colors) = (ui.input(|it| it.time), theme::colors(ui));
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        let has = !view.text.is_empty();
        let width = ui.available_width() - if has { 30.0 } else { 0.0 };
        let edit = TextEdit::singleline(&mut view.text)
            .hint_text("Find in everything: names, requests, answers")
            .desired_width(width)
            .margin(Margin::symmetric(8, 6));
        let field = ui.add(edit).accessible_name("Find in the log");
        if field.changed() {
            view.typed(time);
        }
        if field.lost_focus() && ui.input(|it| it.key_pressed(eframe::egui::Key::Enter)) {
            view.search_now(ctx.archive, ctx.now);
        }
        if has && button::icon(ui, icon::X, "Show all runs again").clicked() {
            view.clear_search();
        }
    });
    if let Some(search) = &view.search {
        let found = rows::count(search.hits.len(), "run");
        let looked = rows::count(search.searched.runs as usize, "run");
        let bytes = rows::size(search.searched.bytes);
        let words = match (&search.failure, search.done) {
            (Some(failure), _) => crate::ui::words::sentence(&failure.to_string()),
            (None, false) => format!("Found in {found} so far; {looked} looked through…"),
            (None, true) if search.hits.len() >= HITS => format!("Found in the newest {found}. Narrow it to find older ones."),
            (None, true) => {
                let took = crate::ui::words::milliseconds(u64::try_from(search.searched.elapsed.as_millis()).unwrap_or(0));
                format!("Found in {found}; {looked}, {bytes} looked through in {took}.")
            }
        };
        let color = if search.failure.is_some() { colors.failed.text } else { colors.text.dim };
        ui.label(dim(ui, words).color(color));
    }
}

fn chip(ui: &mut Ui, status: Status, on: bool) -> Response {
    let colors = theme::colors(ui);
    let mark = match status {
        Status::All => None,
        Status::Running => Some(Mark::Running),
        Status::Waiting => Some(Mark::Parked),
        Status::Done => Some(Mark::Done),
        Status::Failed => Some(Mark::Failed),
        Status::Cancelled => Some(Mark::Cancelled),
    };
    let galley = ui.painter().layout_no_wrap(status.words().to_owned(), font::medium(size::SMALL), Color32::PLACEHOLDER);
    let left = if mark.is_some() { 20.0 } else { 7.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + left + 6.0, extent::HIT_MIN), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, format!("Runs: {}", status.words())));
    let (fill, edge) = match (on, response.hovered()) {
        (true, _) => (colors.bg.selected, colors.accent.ring),
        (false, true) => (colors.bg.hover, colors.stroke.strong),
        (false, false) => (colors.bg.raised, colors.stroke.usual),
    };
    ui.painter().rect(rect, radius::BASE, fill, Stroke::new(line::HAIRLINE, edge), StrokeKind::Inside);
    button::focus_ring(ui, &response, rect);
    if let Some(mark) = mark {
        let (mark, font, color) = glyph(mark, colors);
        ui.painter().text(rect.left_center() + vec2(11.0, 0.0), Align2::CENTER_CENTER, mark, font, color);
    }
    let at = pos2(rect.left() + left, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, colors.text.strong);
    response
}

fn flow_menu(ui: &mut Ui, view: &mut View) {
    let name_of = |flow: &crate::flow::FlowId| {
        let known = view.index.flows.iter().find(|it| it.0 == *flow).map(|it| it.1.clone());
        known.filter(|it| !it.trim().is_empty()).unwrap_or_else(|| flow.to_string())
    };
    let mut words = view.narrow.flow.as_ref().map_or_else(|| "All flows".to_owned(), name_of);
    if words.chars().count() > 18 {
        words = words.chars().take(17).chain(['…']).collect();
    }
    let flow = button::drop_down(ui, &words);
    let mut picked = None;
    Popup::menu(&flow).show(|ui| {
        menu_look(ui, 220.0);
        if ui.add(Button::selectable(view.narrow.flow.is_none(), "All flows")).clicked() {
            picked = Some(None);
        }
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            for (id, _) in &view.index.flows {
                let on = view.narrow.flow.as_ref() == Some(id);
                if ui.add(Button::selectable(on, name_of(id))).clicked() {
                    picked = Some(Some(id.clone()));
                }
            }
        });
    });
    if let Some(flow) = picked {
        view.narrow.flow = flow;
    }
}

fn export_menu(ui: &mut Ui, ctx: &Ctx<'_>, view: &View) {
    let shown = button::drop_down(ui, "Export…");
    Popup::menu(&shown).show(|ui| {
        menu_look(ui, 300.0);
        for (format, words, help) in [
            (Format::Jsonl, "Everything, for other programs (JSONL)", "One line of JSON for each run, fact and call"),
            (Format::Har, "Requests and answers (HAR)", "For the network view of a browser"),
            (Format::Csv, "A line for each run (CSV)", "For a spreadsheet"),
        ] {
            if ui.button(words).on_hover_text(help).clicked() {
                ctx.send(Msg::Export(Exporting { mode: view.mode, format, subject: subject(view, ctx) }));
            }
        }
    });
}

/// The runs that are listed now.
fn subject(view: &View, ctx: &Ctx<'_>) -> Subject {
    match (&view.search, &view.cause) {
        (Some(search), _) => Subject::These(search.hits.iter().map(|it| it.head.id).collect()),
        (None, Some((_, runs))) => Subject::These(runs.to_vec()),
        (None, None) => {
            let mut filter = view.narrow.filter(ctx.now);
            if view.grouped {
                (filter.state, filter.outcome) = (None, Some(crate::engine::log::OutcomeKind::Failed));
            }
            Subject::Filter(filter)
        }
    }
}

/// How much fits, below the list.
pub(super) fn count_words(ctx: &Ctx<'_>, view: &View) -> String {
    match view.shown() {
        Shown::Runs if !view.known => "Reading…".to_owned(),
        Shown::Runs => rows::count(view.listed(ctx.live).len(), "run"),
        Shown::Hits => {
            view.search.as_ref().map(|it| format!("Found in {}", rows::count(it.hits.len(), "run"))).unwrap_or_default()
        }
        Shown::Problems => {
            let Some(problems) = &view.problems else { return String::new() };
            let words = rows::count(problems.list.len(), "problem");
            let of = rows::count(problems.looked, if view.dead { "dead letter" } else { "failed run" });
            if problems.done { format!("{words} in {of}") } else { format!("{words} in {of} so far…") }
        }
    }
}

/// The list itself, in all the room that there is.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, id: Id, steps: Id, dense: bool) {
    let rect = ui.available_rect_before_wrap();
    if let Some(failure) = view.failure.clone().filter(|_| view.shown() == Shown::Runs) {
        empty(ui, rect, icon::WARNING, &failure.title, &format!("{} {}", failure.detail, failure.hint));
        return;
    }
    let list = roll::ground(ui, id, rect, "List of runs");
    match view.shown() {
        Shown::Runs => runs(ui, ctx, view, &list, steps, dense),
        Shown::Hits => hits(ui, ctx, view, &list, steps),
        Shown::Problems => problems(ui, ctx, view, &list),
    }
    roll::ring(ui, &list);
}

fn empty(ui: &mut Ui, rect: Rect, icon: char, title: &str, first: &str) {
    ui.scope_builder(UiBuilder::new().max_rect(rect.shrink(space::M)), |ui| nothing(ui, icon, title, first));
}

fn runs(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, list: &Response, steps: Id, dense: bool) {
    let height = if dense { extent::ROW_RUN } else { extent::ROW_LIST };
    let count = view.listed(ctx.live).len();
    if count == 0 {
        let rect = ui.available_rect_before_wrap();
        let (title, first) = if !view.known {
            ("Reading the log…", "Runs are listed here in a moment.")
        } else if view.narrow.is_open() && view.mode == Mode::Live {
            ("No live runs yet", "Runs on your own accounts are listed here, once a flow runs on them.")
        } else if view.narrow.is_open() {
            ("No runs yet", "Open a flow and test it to see its first run here.")
        } else if dense {
            ("No runs yet", "Test the flow to see its first run here.")
        } else {
            ("No such runs", "Choose another state, flow or time above.")
        };
        empty(ui, rect, icon::LIST_MAGNIFYING_GLASS, title, first);
        return;
    }
    let mut roll = view.list_roll;
    roll.push(std::mem::take(&mut view.pushed), height);
    let current = view.chosen.and_then(|it| view.listed(ctx.live).position(it));
    match roll::pressed(ui, list, current, count, roll.page(height)) {
        Some(Pressed::To(at)) => {
            if let Some(run) = view.listed(ctx.live).get(at) {
                view.choose(run, at != 0);
                roll.reveal(at, height);
            }
        }
        Some(Pressed::Enter) => ui.memory_mut(|it| it.request_focus(steps)),
        None => {}
    }
    if std::mem::take(&mut view.reveal)
        && let Some(at) = current
    {
        roll.reveal(at, height);
    }
    let (mut visible, mut clicked, mut ticked) = (0..0, None, None);
    roll.show(ui, "runs", height, count, |ui, range| {
        visible = range.clone();
        for at in range {
            let Some(run) = view.listed(ctx.live).get(at) else { continue };
            let row = view.row(run, ctx.live, ctx.now);
            let response = run_row(ui, run, row.as_ref(), view.chosen == Some(run), dense);
            if response.clicked() {
                clicked = Some((run, at));
            }
            let box_id = response.id.with("tick");
            if view.dead && letters::tick(ui, response.rect, box_id, &format!("run {run}"), &[run], &view.ticked) {
                ticked = Some(run);
            }
        }
    });
    view.built = visible.len();
    view.list_roll = roll;
    view.want_heads(ctx.archive, ctx.live, visible);
    if let Some(run) = ticked {
        letters::toggle(&mut view.ticked, &[run]);
    }
    if let Some((run, at)) = clicked {
        view.choose(run, at != 0);
        list.request_focus();
    }
}

fn run_row(ui: &mut Ui, run: RunId, row: Option<&RunRow>, chosen: bool, dense: bool) -> Response {
    let colors = theme::colors(ui);
    let height = if dense { extent::ROW_RUN } else { extent::ROW_LIST };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::CLICK);
    let name = row.map_or_else(
        || format!("Run {run}, being read"),
        |it| {
            let note = if it.note.is_empty() { String::new() } else { format!(", {}", it.note) };
            format!("Run {run}, {}, {} of {}{note}", it.mark.words(), it.time, it.name)
        },
    );
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, &name));
    ground(ui, rect, &response, chosen);
    let Some(row) = row else {
        let at = pos2(rect.left() + 34.0, rect.center().y);
        ui.painter().text(at, Align2::LEFT_CENTER, "…", font::regular(size::BODY), colors.text.dim);
        return response;
    };
    let y = if dense { rect.center().y } else { rect.top() + 15.0 };
    let (mark, font, color) = glyph(row.mark, colors);
    ui.painter().text(pos2(rect.left() + 18.0, y), Align2::CENTER_CENTER, mark, font, color);
    let end = pos2(rect.right() - space::M, y);
    let mono = font::mono(size::MONO_SMALL);
    if dense {
        let time = pos2(rect.left() + 34.0, y);
        let time = ui.painter().text(time, Align2::LEFT_CENTER, &row.time, mono.clone(), colors.text.dim);
        let took = ui.painter().text(end, Align2::RIGHT_CENTER, &row.took, mono, colors.text.dim);
        // All are of one flow, whose name stands above.
        let words = if row.note.is_empty() { crate::ui::words::sentence(row.mark.words()) } else { row.note.clone() };
        let words = words.trim_end_matches('.');
        let left = time.right() + 10.0;
        let room = took.left() - left - 8.0;
        // Two letters and dots say less than nothing; the mark has said it.
        if room > 44.0 {
            cut_text(ui, pos2(left, y), words, font::regular(size::BODY), colors.text.body, room);
        }
        if !row.note.is_empty() {
            return response.on_hover_text(&row.note);
        }
        return response;
    }
    let time = ui.painter().text(end, Align2::RIGHT_CENTER, &row.time, mono.clone(), colors.text.dim);
    let left = rect.left() + 34.0;
    cut_text(ui, pos2(left, y), &row.name, font::medium(size::BODY), colors.text.strong, time.left() - left - 8.0);
    let y = rect.top() + 31.0;
    let took = ui.painter().text(pos2(rect.right() - space::M, y), Align2::RIGHT_CENTER, &row.took, mono, colors.text.dim);
    let (words, color) = match row.mark {
        Mark::Failed => (if row.note.is_empty() { "Failed" } else { &row.note }, colors.failed.text),
        Mark::Parked => (if row.note.is_empty() { "Waits for you" } else { &row.note }, colors.waiting.text),
        Mark::Running => ("Running", colors.accent.text),
        Mark::Waiting => ("Waiting", colors.waiting.text),
        Mark::Done => ("Done", colors.text.dim),
        Mark::Cancelled => ("Cancelled", colors.text.dim),
    };
    cut_text(ui, pos2(left, y), words, font::regular(size::SMALL), color, took.left() - left - 8.0);
    if row.note.is_empty() { response } else { response.on_hover_text(&row.note) }
}

fn hits(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, list: &Response, steps: Id) {
    let Some(search) = &view.search else { return };
    if search.hits.is_empty() {
        let rect = ui.available_rect_before_wrap();
        let (title, first) = if search.done {
            ("Nothing found", "Try fewer words, another state or a longer time.")
        } else {
            ("Looking…", "What is found is listed here at once.")
        };
        empty(ui, rect, icon::MAGNIFYING_GLASS, title, first);
        return;
    }
    let (height, count) = (extent::ROW_HIT, search.hits.len());
    let mut roll = view.list_roll;
    let current = view.chosen.and_then(|it| search.hits.iter().position(|hit| hit.head.id == it));
    let mut opened = None;
    match roll::pressed(ui, list, current, count, roll.page(height)) {
        Some(Pressed::To(at)) => {
            opened = Some(at);
            roll.reveal(at, height);
        }
        Some(Pressed::Enter) => ui.memory_mut(|it| it.request_focus(steps)),
        None => {}
    }
    let mut built = 0;
    roll.show(ui, "hits", height, count, |ui, range| {
        built = range.len();
        for at in range {
            let Some(hit) = search.hits.get(at) else { continue };
            if hit_row(ui, ctx, hit, &search.text, view.chosen == Some(hit.head.id)).clicked() {
                opened = Some(at);
                list.request_focus();
            }
        }
    });
    (view.list_roll, view.built) = (roll, built);
    if let Some(hit) = opened.and_then(|it| view.search.as_ref()?.hits.get(it)).cloned() {
        view.open_hit(&hit);
    }
}

fn hit_row(ui: &mut Ui, ctx: &Ctx<'_>, hit: &Hit, wanted: &str, chosen: bool) -> Response {
    let colors = theme::colors(ui);
    let row = rows::of_head(&hit.head, ctx.now);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_HIT), Sense::CLICK);
    let name = format!("Found in run {}, {}: {}", row.id, row.name, hit.excerpt);
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, &name));
    ground(ui, rect, &response, chosen);
    let (mark, font, color) = glyph(row.mark, colors);
    ui.painter().text(pos2(rect.left() + 18.0, rect.top() + 15.0), Align2::CENTER_CENTER, mark, font, color);
    let (left, right) = (rect.left() + 34.0, rect.right() - space::M);
    let mono = font::mono(size::MONO_SMALL);
    let end = pos2(right, rect.top() + 15.0);
    let time = ui.painter().text(end, Align2::RIGHT_CENTER, &row.time, mono.clone(), colors.text.dim);
    let room = time.left() - left - 8.0;
    text::words(ui, pos2(left, rect.top() + 15.0), &row.name, wanted, &font::medium(size::BODY), colors.text.strong, room);
    let place = match (hit.place, &hit.step) {
        (Place::Head, _) => "In the name or failure of the run".to_owned(),
        (Place::Entry, _) => "In what a step was given or gave".to_owned(),
        (Place::Exchange, _) => "In the address or headers of a call".to_owned(),
        (Place::RequestBody, _) => "In a request".to_owned(),
        (Place::AnswerBody, _) => "In an answer".to_owned(),
    };
    let small = font::regular(size::SMALL);
    cut_text(ui, pos2(left, rect.top() + 32.0), &place, small, colors.text.dim, right - left);
    // What was found is in view, however narrow the list is.
    let skip = hit.excerpt[..hit.found.start.min(hit.excerpt.len())].char_indices().rev().nth(14).map_or(0, |it| it.0);
    let excerpt = hit.excerpt.get(skip..).unwrap_or(&hit.excerpt);
    text::words(ui, pos2(left, rect.top() + 49.0), excerpt, wanted, &mono, colors.text.body, right - left);
    response
}

fn problems(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View, list: &Response) {
    let Some(groups) = &view.problems else { return };
    if let Some(failure) = &groups.failure {
        let rect = ui.available_rect_before_wrap();
        empty(ui, rect, icon::WARNING, &failure.title, &format!("{} {}", failure.detail, failure.hint));
        return;
    }
    if groups.list.is_empty() {
        let rect = ui.available_rect_before_wrap();
        let (title, first) = if groups.done {
            if view.dead {
                ("No dead letters", "Runs that fail are listed here until they are resent or put aside.")
            } else {
                ("Nothing failed", "Runs that fail are grouped here by their cause.")
            }
        } else {
            ("Reading…", "Failed runs are grouped by their cause.")
        };
        empty(ui, rect, icon::CHECK_CIRCLE, title, first);
        return;
    }
    let (height, count) = (extent::ROW_HIT, groups.list.len());
    let mut roll = view.list_roll;
    let current = view.chosen.and_then(|it| groups.list.iter().position(|group| group.newest.id == it));
    let (mut chosen, mut opened, mut ticked) = (None, None, None);
    match roll::pressed(ui, list, current, count, roll.page(height)) {
        Some(Pressed::To(at)) => {
            chosen = Some(at);
            roll.reveal(at, height);
        }
        Some(Pressed::Enter) => opened = current,
        None => {}
    }
    roll.show(ui, "problems", height, count, |ui, range| {
        for at in range {
            let Some(group) = groups.list.get(at) else { continue };
            let response = problem_row(ui, ctx, group, current == Some(at));
            if response.clicked() {
                opened = Some(at);
                list.request_focus();
            }
            let box_id = response.id.with("tick");
            if view.dead && letters::tick(ui, response.rect, box_id, &group.cause.title, &group.runs, &view.ticked) {
                ticked = Some(at);
            }
        }
    });
    let pick = |at: Option<usize>| at.and_then(|it| groups.list.get(it)).cloned();
    let (chosen, opened, ticked) = (pick(chosen), pick(opened), pick(ticked));
    view.list_roll = roll;
    if let Some(group) = ticked {
        letters::toggle(&mut view.ticked, &group.runs);
    }
    if let Some(group) = chosen.as_ref().or(opened.as_ref()) {
        view.choose(group.newest.id, true);
    }
    if let Some(group) = opened {
        view.cause = Some((group.cause, group.runs.into()));
        view.list_roll.rewind();
    }
}

fn problem_row(ui: &mut Ui, ctx: &Ctx<'_>, group: &Problem, chosen: bool) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_HIT), Sense::CLICK);
    let flow = if group.newest.flow_name.trim().is_empty() { group.cause.flow.as_str() } else { &group.newest.flow_name };
    let open = ctx.docs.list.iter().map(crate::ui::document::Document::flow).find(|it| it.id == group.cause.flow);
    let step = group.cause.step.as_ref();
    let named = step.and_then(|it| open.and_then(|flow| flow.nodes.get(it))).map(|it| it.name.clone());
    let step = named.or_else(|| step.map(|it| crate::ui::canvas::sentence::title(it.as_str())));
    let place = step.map_or_else(|| flow.to_owned(), |it| format!("{flow}, {it}"));
    let last = rows::moment(group.newest.accepted, ctx.now);
    let name = format!("Problem {}, {}, {place}, last {last}", group.cause.title, rows::count(group.runs.len(), "run"));
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, &name));
    ground(ui, rect, &response, chosen);
    let (mark, font, color) = glyph(Mark::Failed, colors);
    ui.painter().text(pos2(rect.left() + 18.0, rect.top() + 15.0), Align2::CENTER_CENTER, mark, font, color);
    let (left, right) = (rect.left() + 34.0, rect.right() - space::M);
    let mono = font::mono(size::MONO_SMALL);
    let runs = rows::count(group.runs.len(), "run");
    let number = ui.painter().text(pos2(right, rect.top() + 15.0), Align2::RIGHT_CENTER, runs, mono.clone(), colors.text.body);
    let strong = font::medium(size::BODY);
    cut_text(ui, pos2(left, rect.top() + 15.0), &group.cause.title, strong, colors.text.strong, number.left() - left - 8.0);
    let time = ui.painter().text(pos2(right, rect.top() + 32.0), Align2::RIGHT_CENTER, last, mono, colors.text.dim);
    let small = font::regular(size::SMALL);
    cut_text(ui, pos2(left, rect.top() + 32.0), &place, small.clone(), colors.text.dim, time.left() - left - 8.0);
    let example = [&group.example.at, &group.example.detail, &group.example.hint].into_iter().find(|it| !it.is_empty());
    if let Some(example) = example {
        cut_text(ui, pos2(left, rect.top() + 49.0), example, small, colors.text.body, right - left);
        return response.on_hover_text(group.example.to_string());
    }
    response
}

/// The ground of a row.
pub(super) fn ground(ui: &Ui, rect: Rect, response: &Response, chosen: bool) {
    let colors = theme::colors(ui);
    if chosen {
        ui.painter().rect_filled(rect, 0.0, colors.bg.selected);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 0.0, colors.bg.hover);
    }
}
