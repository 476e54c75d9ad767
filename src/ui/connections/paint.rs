//! How the list of connections looks.
use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, Color32, CornerRadius, Frame, Layout, Margin, Rect, Response, RichText, ScrollArea, Sense, Stroke, StrokeKind,
    TextEdit, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use jiff::Timestamp;

use super::draft::Draft;
use super::rows::{Health, Row, Scopes};
use super::{Connections, Pane, Tab, details, needs, pane};
use crate::catalog::ConnectorId;
use crate::engine::ConnectionId;
use crate::ui::behind::AccountJob;
use crate::ui::canvas::kind::Hue;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, line, radius, size, space};
use crate::ui::theme::{self, Colors, font, icon};
use crate::ui::widgets::{button, cut_text, dim, nothing, switch};

/// The width of what is done beside the list.
const PANE: f32 = 408.0;
/// Widths of the columns after the first: health, granted, zone, refreshed, used.
const COLUMNS: [f32; 5] = [148.0, 128.0, 76.0, 124.0, 64.0];
const GAP: f32 = 12.0;
/// The least that is left for the service and the account.
const LEAST: f32 = 190.0;

/// The page.
pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections) {
    let whole = ui.available_rect_before_wrap();
    let colors = theme::colors(ui);
    let mut body = whole;
    if state.pane.is_some() {
        let beside = body.with_min_x((body.right() - PANE).max(body.left()));
        body.max.x = beside.left() - 1.0;
        ui.painter().rect_filled(beside, 0.0, colors.bg.raised);
        ui.painter().vline(beside.left(), beside.y_range(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
        ui.scope_builder(UiBuilder::new().max_rect(beside).id_salt("beside"), |ui| pane::show(ui, ctx, state));
    }
    if body.width() < 200.0 {
        return;
    }
    ui.scope_builder(UiBuilder::new().max_rect(body).id_salt("list"), |ui| {
        let salt = "connections";
        ScrollArea::vertical().id_salt(salt).auto_shrink(false).show(ui, |ui| {
            let margin = Margin { left: space::XL as i8, right: space::XL as i8, top: 22, bottom: 24 };
            Frame::new().inner_margin(margin).show(ui, |ui| list(ui, ctx, state));
        });
    });
}

fn list(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections) {
    head(ui, ctx, state);
    ui.add_space(space::S);
    match &state.listed {
        None => {
            let words = if state.door.is_some() { "Reading the connections…" } else { "Connections are there in a moment." };
            ui.label(dim(ui, words));
            return;
        }
        Some(Err(failure)) => {
            details::failed(ui, failure);
            ui.add_space(space::S);
            if button::plain(ui, Some(icon::ARROW_CLOCKWISE), "Read them again").clicked() {
                ctx.send(Msg::ListAccounts);
            }
            return;
        }
        Some(Ok(_)) if state.tab == Tab::Flows => return super::flows::show(ui, ctx, state),
        Some(Ok(listed)) if listed.entries.is_empty() => {
            nothing(
                ui,
                icon::PLUGS_CONNECTED,
                "No connections yet",
                "Flows are tested in the sandbox without any. Add one for each account that flows are to work on.",
            );
            ui.add_space(space::XS);
            if button::primary(ui, Some(icon::PLUS), "Add connection…").clicked() {
                state.pane = Some(Pane::Add(Box::new(first_draft(ctx))));
            }
            return;
        }
        Some(Ok(_)) => {}
    }
    let lines = lines(ctx, state);
    let columns = columns(ui.available_width());
    heads(ui, &columns);
    ui.spacing_mut().item_spacing.y = 0.0;
    let words: Vec<String> = state.query.split_whitespace().map(str::to_lowercase).collect();
    let mut shown = 0;
    for (id, row) in lines.iter().filter(|(_, row)| row.fits(&words)) {
        shown += 1;
        if show_row(ui, row, &columns, state.chosen.as_ref() == Some(id)).clicked() {
            state.chosen = if state.chosen.as_ref() == Some(id) { None } else { Some(id.clone()) };
        }
    }
    ui.spacing_mut().item_spacing.y = 4.0;
    if shown == 0 {
        ui.add_space(space::S);
        ui.label(dim(ui, "No connection has these words."));
    }
    if let Some(id) = state.chosen.clone()
        && state.entry(&id).is_some()
    {
        ui.add_space(20.0);
        details::show(ui, ctx, state, &id);
    }
}

/// A draft of the service that the flow in front needs, or else of the first.
fn first_draft(ctx: &Ctx<'_>) -> Draft {
    let of_flow = ctx.docs.active().and_then(|it| it.flow().slots.values().next().cloned());
    let first = of_flow.unwrap_or_else(|| ConnectorId::new("highlevel"));
    Draft::new(ctx.catalog.connector(&first).map(AsRef::as_ref))
}

fn head(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections) {
    let colors = theme::colors(ui);
    let count = state.read().map_or(0, |it| it.entries.len());
    ui.horizontal(|ui| {
        ui.set_min_height(extent::CONTROL);
        ui.label(font::title("Connections").color(colors.text.strong));
        if count > 0 {
            ui.label(RichText::new(count.to_string()).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
        }
        let tab = usize::from(state.tab == Tab::Flows);
        if let Some(at) = switch::segments(ui, "Show", &["Accounts", "Flows"], tab) {
            state.tab = if at == 0 { Tab::Accounts } else { Tab::Flows };
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if count == 0 || state.tab == Tab::Flows {
                return;
            }
            if button::plain(ui, Some(icon::PLUS), "Add connection…").clicked() {
                state.pane = Some(Pane::Add(Box::new(first_draft(ctx))));
            }
            if button::plain(ui, Some(icon::ARROWS_CLOCKWISE), "Test all").clicked()
                && let Some(listed) = state.read()
            {
                for entry in listed.entries.iter().filter(|it| it.state.works()) {
                    ctx.send(Msg::Account(Box::new(AccountJob::Test(entry.connection.id.clone()))));
                }
            }
            if ui.available_width() > 150.0 {
                let field = TextEdit::singleline(&mut state.query).hint_text("Find a connection").desired_width(160.0);
                ui.add(field).accessible_name("Find a connection");
            }
        });
    });
}

fn lines(ctx: &Ctx<'_>, state: &Connections) -> Vec<(ConnectionId, Row)> {
    let Some(listed) = state.read() else { return Vec::new() };
    let now: Timestamp = ctx.now;
    let row = |entry: &crate::accounts::Entry| {
        let id = &entry.connection.id;
        let needed = needs::of(entry, listed);
        (id.clone(), Row::of(entry, state.known.get(id), &needed, ctx.catalog, now))
    };
    listed.entries.iter().map(row).collect()
}

/// The width of the first column, and which of the others there is room for.
struct Columns {
    first: f32,
    shown: [bool; 5],
}

fn columns(width: f32) -> Columns {
    let mut shown = [true; 5];
    let left = |shown: &[bool; 5]| {
        width - 2.0 * GAP - shown.iter().zip(COLUMNS).filter(|(on, _)| **on).map(|(_, it)| it + GAP).sum::<f32>()
    };
    // The zone goes first, then when it was refreshed, then what was granted.
    for at in [2, 3, 1, 4] {
        if left(&shown) < LEAST {
            shown[at] = false;
        }
    }
    Columns { first: left(&shown).max(80.0), shown }
}

impl Columns {
    /// Where each column that is shown begins.
    fn places(&self, rect: Rect) -> [Option<f32>; 5] {
        let mut x = rect.left() + GAP + self.first + GAP;
        let mut places = [None; 5];
        for at in 0..5 {
            if self.shown[at] {
                places[at] = Some(x);
                x += COLUMNS[at] + GAP;
            }
        }
        places
    }
}

fn heads(ui: &mut Ui, columns: &Columns) {
    let colors = theme::colors(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let small = || font::regular(size::SMALL);
    let y = rect.center().y;
    cut_text(ui, pos2(rect.left() + GAP, y), "Service and account", small(), colors.text.dim, columns.first);
    let words = ["Health", "Granted of needed", "Zone", "Last refresh", "Used by"];
    for ((place, word), room) in columns.places(rect).iter().zip(words).zip(COLUMNS) {
        if let Some(x) = place {
            cut_text(ui, pos2(*x, y), word, small(), colors.text.dim, room);
        }
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(line::HAIRLINE, colors.stroke.subtle));
}

/// A mark for how it fares, whether that is the filled one, and its colours.
pub(super) fn mark(health: Health, colors: &Colors) -> (char, bool, Color32) {
    match health {
        Health::Works => (icon::CHECK_CIRCLE, true, colors.ok.text),
        Health::Lacks => (icon::WARNING, true, colors.waiting.text),
        Health::Fails => (icon::X_CIRCLE, true, colors.failed.text),
        Health::Unknown => (icon::CIRCLE_DASHED, false, colors.text.dim),
        Health::Busy => (icon::CLOCK, true, colors.accent.text),
    }
}

/// The icon of a service in its hue.
pub(super) fn tile(ui: &Ui, rect: Rect, connector: &ConnectorId) {
    let ink = Hue::of(connector).ink(theme::colors(ui));
    let mark = match connector.as_str() {
        "highlevel" => icon::ADDRESS_BOOK,
        "schedule_it" => icon::CALENDAR_BLANK,
        "mail" => icon::PAPER_PLANE_TILT,
        "files" => icon::FOLDER_SIMPLE,
        "desktop" => icon::MONITOR,
        _ => icon::GLOBE,
    };
    ui.painter().rect_filled(rect, radius::BASE, ink.tint);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, mark, font::icons(rect.width() * 0.56), ink.text);
}

fn show_row(ui: &mut Ui, row: &Row, columns: &Columns, chosen: bool) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_TABLE), Sense::click());
    response.widget_info(|| {
        let granted = match row.scopes {
            Scopes::None => String::new(),
            Scopes::Needed(needed) => format!(", {needed} scopes needed"),
            Scopes::Granted(there, needed) => format!(", {there} of {needed} scopes granted"),
        };
        let name = format!("{}, {}, {}{granted}, {}", row.service, row.about, row.said, row.used);
        WidgetInfo::selected(Role::ListItem, true, chosen, name)
    });
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let fill = match (chosen, response.hovered()) {
        (true, _) => Some(colors.bg.selected),
        (false, true) => Some(colors.bg.hover),
        (false, false) => None,
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(rect, 0.0, fill);
    }
    if response.has_focus() {
        let ring = Stroke::new(line::FOCUS, colors.accent.ring);
        ui.painter().rect_stroke(rect, radius::CHIP, ring, StrokeKind::Inside);
    }
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    let (middle, first, second) = (rect.center().y, rect.top() + 18.0, rect.top() + 35.0);
    tile(ui, Rect::from_center_size(pos2(rect.left() + GAP + 14.0, middle), vec2(28.0, 28.0)), &row.connector);
    let (body, small) = (|| font::regular(size::BODY), || font::regular(size::SMALL));
    let x = rect.left() + GAP + 38.0;
    let room = columns.first - 38.0;
    cut_text(ui, pos2(x, first), &row.service, font::medium(size::BODY), colors.text.strong, room);
    cut_text(ui, pos2(x, second), &row.about, small(), colors.text.dim, room);
    let places = columns.places(rect);
    if let Some(x) = places[0] {
        let (glyph, fill, color) = mark(row.health, colors);
        let font = if fill { font::icons_fill(14.0) } else { font::icons(14.0) };
        ui.painter().text(pos2(x + 7.0, middle), Align2::CENTER_CENTER, glyph, font, color);
        let ink = if matches!(row.health, Health::Works | Health::Busy) { colors.text.body } else { color };
        cut_text(ui, pos2(x + 22.0, middle), &row.said, body(), ink, COLUMNS[0] - 22.0);
    }
    if let Some(x) = places[1] {
        granted(ui, row.scopes, pos2(x, middle), first, second);
    }
    if let Some(x) = places[2] {
        let words = if row.zone.is_empty() { "Not told" } else { row.zone.as_str() };
        cut_text(
            ui,
            pos2(x, middle),
            words,
            small(),
            if row.zone.is_empty() { colors.text.dim } else { colors.text.body },
            COLUMNS[2],
        );
    }
    if let Some(x) = places[3] {
        let [when, again] = &row.refreshed;
        let y = if again.is_empty() { middle } else { first };
        cut_text(ui, pos2(x, y), when, small(), colors.text.body, COLUMNS[3]);
        cut_text(ui, pos2(x, second), again, small(), colors.text.dim, COLUMNS[3]);
    }
    if let Some(x) = places[4] {
        cut_text(ui, pos2(x, middle), &row.used, small(), colors.text.body, COLUMNS[4]);
    }
    response
}

/// A segment for each scope that is needed, filled where it was granted, and the numbers.
fn granted(ui: &Ui, scopes: Scopes, middle: eframe::egui::Pos2, first: f32, second: f32) {
    let colors = theme::colors(ui);
    let small = || font::regular(size::SMALL);
    let (there, needed) = match scopes {
        Scopes::None | Scopes::Needed(0) | Scopes::Granted(_, 0) => {
            cut_text(ui, middle, "None needed", small(), colors.text.dim, COLUMNS[1]);
            return;
        }
        Scopes::Needed(needed) => {
            cut_text(ui, middle, &format!("{needed} needed"), small(), colors.text.dim, COLUMNS[1]);
            return;
        }
        Scopes::Granted(there, needed) => (there, needed),
    };
    let most = needed.min(14);
    for at in 0..most {
        let rect = Rect::from_min_size(pos2(middle.x + 8.0 * at as f32, first - 5.0), vec2(6.0, 10.0));
        if at < there {
            ui.painter().rect_filled(rect, CornerRadius::same(1), colors.text.dim);
        } else {
            let stroke = Stroke::new(1.5, colors.waiting.mark);
            ui.painter().rect_stroke(rect, CornerRadius::same(1), stroke, StrokeKind::Inside);
        }
    }
    let lacks = needed - there;
    let words = if lacks > 0 { format!("{there} of {needed}, {lacks} missing") } else { format!("{there} of {needed}") };
    let ink = if lacks > 0 { colors.waiting.text } else { colors.text.dim };
    cut_text(ui, pos2(middle.x, second), &words, small(), ink, COLUMNS[1]);
}
