//! How the tables look.
use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, Frame, Label, Layout, Margin, Popup, PopupCloseBehavior, Rect, Response, RichText, ScrollArea, Sense, Stroke,
    StrokeKind, TextEdit, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::form::{Form, Kind};
use super::plant::{self, Planting};
use super::rows::{self, Row, Touch, Touched};
use super::{Beside, Deliveries, Letters, SERVICES, Side, Tables, deliveries, faults, letters, sign_in, tables};
use crate::sandbox::{Deed, Handle, Seed, Table};
use crate::ui::canvas::kind::Hue;
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::live::Readiness;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, line, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text, dim, menu_look, nothing, switch, within};

/// The width of the form beside the tables.
const FORM: f32 = 340.0;
/// The narrowest page that has both services side by side.
const BOTH: f32 = 760.0;
/// The room at the end of a row for what the last run did to it.
const MARK: f32 = 84.0;

/// The page.
pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Tables) {
    let Some(behind) = ctx.live.stage() else {
        Frame::new().inner_margin(Margin::symmetric(space::XXL as i8, 28)).show(ui, |ui| match &ctx.live.behind {
            Readiness::Unavailable(failure) => {
                nothing(ui, icon::FLASK, "The sandbox cannot start", &format!("{}. {}", failure.title, failure.hint));
            }
            Readiness::Starting | Readiness::Ready(_) => {
                nothing(ui, icon::FLASK, "The sandbox is starting", "Its records are here in a moment.");
            }
        });
        return;
    };
    if state.refresh(&behind.sandbox, ctx.live.lit_from) {
        ui.ctx().request_repaint();
    }
    let whole = ui.available_rect_before_wrap();
    let head = whole.with_max_y(whole.top() + 64.0);
    ui.scope_builder(UiBuilder::new().max_rect(head.shrink2(vec2(space::L, 10.0))), |ui| title(ui, ctx, state, &behind.sandbox));
    let colors = theme::colors(ui);
    let hair = Stroke::new(line::HAIRLINE, colors.stroke.usual);
    ui.painter().hline(whole.x_range(), head.bottom(), hair);
    let mut body = whole.with_min_y(head.bottom() + 1.0);
    if state.form.is_some() || state.beside.is_some() {
        let form = body.with_min_x((body.right() - FORM).max(body.left()));
        body.max.x = form.left() - 1.0;
        ui.painter().rect_filled(form, 0.0, colors.bg.app);
        ui.painter().vline(form.left(), form.y_range(), hair);
        if state.form.is_some() {
            ui.scope_builder(UiBuilder::new().max_rect(form).id_salt("form"), |ui| show_form(ui, ctx, state));
        } else if let Some(beside) = &mut state.beside {
            let pane = UiBuilder::new().max_rect(form).id_salt("beside");
            let shown = ui.scope_builder(pane, |ui| match beside {
                Beside::Webhooks(open) => open.show(ui, ctx, &behind.sandbox),
                Beside::Letters(open) => open.show(ui, &behind.sandbox, state.changes),
            });
            if shown.inner {
                state.beside = None;
            }
        }
    }
    if body.width() < 160.0 {
        return;
    }
    if body.width() < BOTH {
        let id = ui.scope_id().with("which service");
        let chosen: usize = ui.data(|it| it.get_temp(id)).unwrap_or(0);
        let bar = body.with_max_y(body.top() + 40.0);
        ui.scope_builder(UiBuilder::new().max_rect(bar.shrink2(vec2(space::M, 6.0))), |ui| {
            let names = SERVICES.map(|it| title_of(ctx, it));
            let names = names.each_ref().map(String::as_str);
            if let Some(at) = switch::segments(ui, "Service", &names, chosen) {
                ui.data_mut(|it| it.insert_temp(id, at));
            }
        });
        let rect = body.with_min_y(bar.bottom());
        ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(("half", chosen)), |ui| {
            half(ui, ctx, state, &behind.sandbox, chosen);
        });
        return;
    }
    let middle = body.center().x.round();
    ui.painter().vline(middle, body.y_range(), hair);
    for (at, rect) in [body.with_max_x(middle), body.with_min_x(middle + 1.0)].into_iter().enumerate() {
        ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(("half", at)), |ui| {
            half(ui, ctx, state, &behind.sandbox, at);
        });
    }
}

pub(super) fn title_of(ctx: &Ctx<'_>, connector: &str) -> String {
    let id = crate::catalog::ConnectorId::new(connector);
    ctx.catalog.connector(&id).map_or_else(|| connector.to_owned(), |it| it.title.clone())
}

fn title(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Tables, sandbox: &Handle) {
    let colors = theme::colors(ui);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        tools(ui, ctx, state, sandbox);
        ui.add_space(space::S);
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.label(font::title("Sandbox").color(colors.text.strong));
            let words = state.planting.as_ref().map_or_else(
                || "Both services, imitated on this machine. Tests work on these records; nothing leaves it.".to_owned(),
                Planting::words,
            );
            ui.add(Label::new(dim(ui, words)).truncate());
        });
    });
}

/// From the right to the left.
fn tools(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Tables, sandbox: &Handle) {
    let idle = state.planting.is_none();
    if idle {
        if button::plain(ui, Some(icon::CLOCK_COUNTER_CLOCKWISE), "Start over").clicked() {
            ctx.send(Msg::PlantSandbox(sandbox.seed()));
        }
    } else if button::plain(ui, Some(icon::X), "Stop filling").clicked() {
        ctx.send(Msg::StopPlanting);
    }
    let on = faults::on(&sandbox.faults());
    let words = if on == 0 { "Faults".to_owned() } else { format!("Faults: {on} on") };
    let response = button::plain(ui, Some(icon::LIGHTNING), &words);
    Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| faults::menu(ui, ctx, sandbox));
    let on = deliveries::on(&sandbox.delivery());
    let words = if on == 0 { "Webhooks".to_owned() } else { format!("Webhooks: {on} on") };
    if button::plain(ui, Some(icon::WEBHOOKS_LOGO), &words).clicked() {
        state.form = None;
        let is_open = matches!(state.beside, Some(Beside::Webhooks(_)));
        state.beside = (!is_open).then(|| Beside::Webhooks(Deliveries::default()));
    }
    let count = letters::count(sandbox);
    let words = if count == 0 { "Letters".to_owned() } else { format!("Letters: {}", plant::grouped(count as u64)) };
    if button::plain(ui, Some(icon::ENVELOPE_SIMPLE), &words).clicked() {
        state.form = None;
        let is_open = matches!(state.beside, Some(Beside::Letters(_)));
        state.beside = (!is_open).then(|| Beside::Letters(Letters::default()));
    }
    let response = button::plain(ui, Some(icon::KEY), "Sign-in");
    Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| sign_in::menu(ui, ctx, sandbox));
    let chosen = state.planting.as_ref().and_then(|it| it.seed).unwrap_or_else(|| sandbox.seed());
    ui.add_enabled_ui(idle, |ui| {
        let words = plant::title(chosen);
        let response = button::drop_down(ui, &words).accessible_name(format!("Size: {words}"));
        Popup::menu(&response).show(|ui| {
            menu_look(ui, 400.0);
            for seed in Seed::ALL {
                if size_row(ui, seed, seed == chosen).clicked() {
                    ctx.send(Msg::PlantSandbox(seed));
                    ui.close();
                }
            }
        });
    });
}

/// A size to choose, with what it holds dim beside it.
fn size_row(ui: &mut Ui, seed: Seed, on: bool) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, plant::title(seed)));
    let fill = match (on, response.hovered() || response.has_focus()) {
        (true, _) => Some(colors.bg.selected),
        (false, true) => Some(colors.bg.hover),
        (false, false) => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, radius::CHIP, fill);
    }
    button::focus_ring(ui, &response, rect);
    let left = rect.left_center() + vec2(8.0, 0.0);
    cut_text(ui, left, &plant::title(seed), font::regular(size::BODY), colors.text.strong, 120.0);
    let about = left + vec2(124.0, 0.0);
    cut_text(ui, about, plant::about(seed), font::regular(size::SMALL), colors.text.dim, rect.right() - about.x - 8.0);
    response
}

fn half(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Tables, sandbox: &Handle, at: usize) {
    let rect = ui.available_rect_before_wrap();
    let opened = state.form.as_ref().map(|it| (it.table, it.id.clone()));
    let side = &mut state.sides[at];
    let Some((index, table)) = tables(at).nth(side.chosen) else { return };
    let head = rect.with_max_y(rect.top() + 76.0);
    ui.scope_builder(UiBuilder::new().max_rect(head.shrink2(vec2(space::M, space::S))), |ui| {
        bar(ui, ctx, side, at, index);
    });
    let below = rect.with_min_y(head.bottom());
    let touched = &state.touched;
    ui.scope_builder(UiBuilder::new().max_rect(below).id_salt("rows"), |ui| {
        grid(ui, ctx, Grid { side, touched, sandbox, index, table }, opened.as_ref());
    });
}

fn bar(ui: &mut Ui, ctx: &Ctx<'_>, side: &mut Side, at: usize, index: usize) {
    let colors = theme::colors(ui);
    let hue = Hue::of(&crate::catalog::ConnectorId::new(SERVICES[at])).ink(colors);
    let name = title_of(ctx, SERVICES[at]);
    ui.horizontal(|ui| {
        ui.label(font::heading(name.as_str()).color(hue.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let table = &Table::ALL[index];
            let can = ctx.live.stage().is_some_and(|it| it.sandbox.form(table, true).is_some());
            let words = format!("Add to {}", table.title.to_lowercase());
            if can && button::icon(ui, icon::PLUS, &words).clicked() {
                ctx.send(Msg::OpenRecord { table: index, id: None });
            }
            let field = TextEdit::singleline(&mut side.query).hint_text("Find").desired_width(110.0);
            ui.add(field).accessible_name(format!("Find in {name}"));
            if !side.query.trim().is_empty() {
                let found = plant::grouped(side.listing.places.len() as u64);
                let words =
                    if side.listing.searching().is_some() { format!("{found} so far…") } else { format!("{found} found") };
                ui.label(dim(ui, words));
            }
        });
    });
    ScrollArea::horizontal().id_salt("tables").show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            for (nth, (_, table)) in tables(at).enumerate() {
                let number = side.counts.get(nth).copied().unwrap_or(0);
                if tab(ui, table.title, number, nth == side.chosen).clicked() {
                    side.chosen = nth;
                    side.query.clear();
                }
            }
        });
    });
}

fn tab(ui: &mut Ui, title: &str, number: usize, on: bool) -> Response {
    let colors = theme::colors(ui);
    let color = if on { colors.text.strong } else { colors.text.body };
    let words = ui.painter().layout_no_wrap(title.to_owned(), font::medium(size::BODY), color);
    let number = ui.painter().layout_no_wrap(plant::grouped(number as u64), font::mono(size::MONO_SMALL), colors.text.dim);
    let (rect, response) = ui.allocate_exact_size(vec2(words.size().x + number.size().x + 22.0, 26.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, format!("{title}, {}", number.text())));
    let fill = match (on, response.hovered()) {
        (true, _) => Some(colors.bg.active),
        (false, true) => Some(colors.bg.hover),
        (false, false) => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, radius::BASE, fill);
    }
    button::focus_ring(ui, &response, rect);
    let left = rect.left() + 8.0;
    let after = left + words.size().x + 6.0;
    ui.painter().galley(pos2(left, rect.center().y - words.size().y / 2.0), words, color);
    ui.painter().galley(pos2(after, rect.center().y - number.size().y / 2.0), number, colors.text.dim);
    response
}

fn grid(ui: &mut Ui, ctx: &Ctx<'_>, grid: Grid<'_>, opened: Option<&(usize, Option<String>)>) {
    let Grid { side, touched, sandbox, index, table } = grid;
    let colors = theme::colors(ui);
    let rect = ui.available_rect_before_wrap();
    // Fewer columns where there is little room; the form has them all.
    let shown = (((rect.width() - MARK) / 96.0) as usize).clamp(1, table.columns.len());
    let width = (rect.width() - MARK - space::M) / shown as f32;
    let head = rect.with_max_y(rect.top() + extent::ROW_RUN);
    for (at, it) in table.columns.iter().take(shown).enumerate() {
        let x = head.left() + space::M + width * at as f32;
        let heading = rows::heading(it);
        cut_text(ui, pos2(x, head.center().y), &heading, font::regular(size::SMALL), colors.text.dim, width - 10.0);
    }
    ui.painter().hline(rect.x_range(), head.bottom(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    let below = rect.with_min_y(head.bottom() + 1.0);
    let count = side.listing.places.len();
    ui.scope_builder(UiBuilder::new().max_rect(below), |ui| {
        if count == 0 {
            ui.add_space(space::M);
            ui.horizontal(|ui| {
                ui.add_space(space::M);
                let words = match side.listing.searching() {
                    Some(seen) => format!("Searching, {} so far…", plant::grouped(seen as u64)),
                    None if side.query.trim().is_empty() => "There is none. A test may add some, or + does.".to_owned(),
                    None => "Nothing here has these words.".to_owned(),
                };
                ui.label(dim(ui, words));
            });
            return;
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        let area = ScrollArea::vertical().id_salt(("rows of", index)).auto_shrink(false);
        area.show_rows(ui, extent::ROW_RUN, count, |ui, range| {
            for row in side.rows(sandbox, table, touched, range) {
                let Some(row) = row else {
                    ui.allocate_space(vec2(ui.available_width(), extent::ROW_RUN));
                    continue;
                };
                let chosen = opened.is_some_and(|it| it.0 == index && it.1.as_deref() == Some(&row.id));
                if line_of(ui, table, row, width, chosen).clicked() {
                    ctx.send(Msg::OpenRecord { table: index, id: Some(row.id.clone()) });
                }
            }
        });
    });
}

/// A table, and what its rows are read with.
struct Grid<'a> {
    side: &'a mut Side,
    touched: &'a Touched,
    sandbox: &'a Handle,
    index: usize,
    table: &'static Table,
}

fn line_of(ui: &mut Ui, table: &Table, row: &Row, width: f32, chosen: bool) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_RUN), Sense::click());
    let name = || {
        let cells: Vec<&str> = row.cells.iter().map(String::as_str).filter(|it| !it.is_empty()).take(3).collect();
        let touched = row.touched.map(|it| format!(", {} by the last run", it.words())).unwrap_or_default();
        format!("{}: {}{touched}", table.title, cells.join(" "))
    };
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, name()));
    let fill = match (chosen, row.touched, response.hovered()) {
        (true, _, _) => Some(colors.bg.selected),
        (_, _, true) => Some(colors.bg.hover),
        (_, Some(_), _) => Some(colors.ok.tint),
        _ => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, 0.0, fill);
    }
    if response.has_focus() {
        let ring = Stroke::new(line::FOCUS, colors.accent.ring);
        ui.painter().rect_stroke(rect, radius::CHIP, ring, StrokeKind::Inside);
    }
    for (at, cell) in row.cells.iter().enumerate() {
        let x = rect.left() + space::M + width * at as f32;
        if x + width < rect.right() - MARK + 1.0 {
            let color = if at == 0 { colors.text.strong } else { colors.text.body };
            cut_text(ui, pos2(x, rect.center().y), cell, font::regular(size::BODY), color, width - 10.0);
        }
    }
    if let Some(touch) = row.touched {
        // The word says it to those who do not see the colour.
        let mark = if touch == Touch::Added { icon::PLUS } else { icon::PENCIL_SIMPLE };
        let at = pos2(rect.right() - space::M, rect.center().y);
        let words = ui.painter().text(at, Align2::RIGHT_CENTER, touch.words(), font::regular(size::SMALL), colors.ok.text);
        let before = pos2(words.left() - 4.0, rect.center().y);
        ui.painter().text(before, Align2::RIGHT_CENTER, mark, font::icons(12.0), colors.ok.text);
    }
    response
}

fn show_form(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Tables) {
    let Some(form) = &mut state.form else { return };
    let colors = theme::colors(ui);
    let rect = ui.available_rect_before_wrap();
    let table = &Table::ALL[form.table];
    let head = rect.with_max_y(rect.top() + extent::PANE_HEADER);
    let mut close = false;
    within(ui, head.shrink2(vec2(space::M, 0.0)), Layout::left_to_right(Align::Center), |ui| {
        let words = if form.id.is_some() { table.title.to_owned() } else { format!("New in {}", table.title.to_lowercase()) };
        ui.label(font::heading(words).color(colors.text.strong));
        if let Some(id) = &form.id {
            ui.label(RichText::new(id).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            close = button::icon(ui, icon::X, "Close the form").clicked();
        });
    });
    // At the top, where no toast lies over them.
    let acts = Rect::from_min_size(head.left_bottom(), vec2(rect.width(), 44.0));
    within(ui, acts.shrink2(vec2(space::M, 8.0)), Layout::left_to_right(Align::Center), |ui| {
        let words = if form.id.is_some() { "Save changes" } else { "Add" };
        if button::primary(ui, None, words).clicked() {
            match form.deed() {
                Ok(Some(deed)) => ctx.send(Msg::ByHand { table: form.table, deed: Box::new(deed) }),
                Ok(None) => close = true,
                Err(words) => form.refused = Some(words),
            }
        }
        if let Some(id) = &form.id
            && button::flat(ui, Some(icon::TRASH), "Remove").clicked()
        {
            ctx.send(Msg::ByHand { table: form.table, deed: Box::new(Deed::Remove { id: id.clone() }) });
        }
    });
    ui.painter().hline(rect.x_range(), acts.bottom(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    let below = rect.with_min_y(acts.bottom() + 1.0);
    ui.scope_builder(UiBuilder::new().max_rect(below).id_salt("fields"), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(space::M as i8, space::S as i8)).show(ui, |ui| fields(ui, form));
        });
    });
    if close {
        state.form = None;
    }
}

fn fields(ui: &mut Ui, form: &mut Form) {
    let colors = theme::colors(ui);
    if let Some(words) = &form.refused {
        Frame::new().fill(colors.failed.tint).corner_radius(radius::BASE).inner_margin(Margin::symmetric(10, 8)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(RichText::new(words).small().color(colors.text.strong));
        });
    }
    let filled = form.fields.iter().filter(|it| !it.text.is_empty() || it.required).count();
    ui.label(dim(ui, format!("{} filled or needed of {}", filled, count(form.fields.len(), "field"))));
    for field in &mut form.fields {
        ui.spacing_mut().item_spacing.y = 3.0;
        if field.kind == Kind::YesNo {
            if switch::on_off(ui, &field.label, field.text == "true").clicked() {
                let other = if field.text == "true" { "false" } else { "true" };
                other.clone_into(&mut field.text);
            }
            continue;
        }
        ui.horizontal(|ui| {
            ui.label(RichText::new(&field.label).font(font::medium(size::SMALL)).color(colors.text.body));
            if field.required {
                ui.label(dim(ui, "needed"));
            }
        });
        let edit = if field.kind == Kind::Json {
            TextEdit::multiline(&mut field.text).desired_rows(1).font(font::mono(size::MONO))
        } else {
            TextEdit::singleline(&mut field.text)
        };
        let hint = match field.kind {
            Kind::Texts => "one, another",
            Kind::Json => "JSON",
            Kind::Number => "a number",
            Kind::Text | Kind::YesNo => "",
        };
        ui.add(edit.hint_text(hint).desired_width(f32::INFINITY)).accessible_name(&field.label);
    }
}
