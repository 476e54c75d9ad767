//! Everything that can be called, to look around in: a filter by service and heading on the left, the operations found in
//! the middle, and what the chosen one takes and means on the right.
mod import;
mod rows;

use std::borrow::Cow;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, Frame, Layout, Margin, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use self::rows::Group;
use crate::catalog::{Catalog, Connector, Hit, Operation, OperationId};
use crate::ui::canvas::kind::{Hue, operation_icon};
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::button::{self, focus_ring};
use crate::ui::widgets::{cut_text, dim, within};

/// How wide the filter is.
const FILTER: f32 = 208.0;
/// How wide the details are.
const DETAILS: f32 = 320.0;
/// Between them and the list.
const GAP: f32 = 16.0;

/// What was typed and chosen; kept by the window for as long as it is open.
#[derive(Debug, Clone, Default)]
struct Looking {
    query: String,
    group: Option<Group>,
    chosen: Option<OperationId>,
}

pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>) {
    Frame::new().inner_margin(Margin { left: space::XXL as i8, right: space::XXL as i8, top: 28, bottom: 8 }).show(ui, |ui| {
        if import::show(ui, ctx) {
            return;
        }
        let id = ui.scope_id().with("catalog looking");
        let mut looking: Looking = ui.data(|it| it.get_temp(id)).unwrap_or_default();
        let hits = ctx.catalog.search(&looking.query);
        let lines = rows::lines(ctx.catalog, &hits);
        let is_in = |it: &Hit| {
            let brief = ctx.catalog.brief(&it.operation);
            looking.group.as_ref().is_none_or(|group| brief.is_some_and(|(_, it)| group.holds(it)))
        };
        let found: Vec<&Hit> = hits.iter().filter(|it| is_in(it)).collect();
        let (all, found) = (hits.len(), found.into_iter().map(|it| it.operation.clone()).collect::<Vec<_>>());
        head(ui, ctx, &mut looking, found.len());
        ui.add_space(8.0);
        let area = ui.available_rect_before_wrap();
        let column = |left: f32, right: f32| Rect::from_min_max(pos2(left, area.top()), pos2(right, area.bottom()));
        let right = looking.chosen.as_ref().and_then(|it| ctx.catalog.operation(it));
        let list_right = if right.is_some() { area.right() - DETAILS - GAP } else { area.right() };
        let down = || Layout::top_down(Align::Min);
        within(ui, column(area.left(), area.left() + FILTER), down(), |ui| filter(ui, &mut looking, &lines, all));
        within(ui, column(area.left() + FILTER + GAP, list_right), down(), |ui| list(ui, ctx, &mut looking, &found));
        if let Some((connector, operation)) = right {
            within(ui, column(area.right() - DETAILS, area.right()), down(), |ui| details(ui, ctx, connector, operation));
        }
        ui.data_mut(|it| it.insert_temp(id, looking));
    });
}

fn head(ui: &mut Ui, ctx: &Ctx<'_>, looking: &mut Looking, found: usize) {
    let colors = theme::colors(ui);
    ui.horizontal(|ui| {
        ui.label(font::title("Catalog").color(colors.text.strong));
        ui.label(RichText::new(found.to_string()).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
    });
    ui.label(dim(ui, "What a step can do. Add one on the canvas by a double click or with A."));
    let edit = TextEdit::singleline(&mut looking.query)
        .hint_text("Find, for example: new appointment")
        .desired_width(320.0)
        .margin(Margin::symmetric(8, 6));
    ui.horizontal(|ui| {
        ui.add(edit).accessible_name("Find in the catalog");
        if button::plain(ui, Some(icon::PLUS), "Import…")
            .on_hover_text("A service of your own, from its OpenAPI documents")
            .clicked()
        {
            ctx.send(Msg::ImportDocuments);
        }
        // What ships stays.
        let chosen = looking.group.as_ref().and_then(|it| ctx.catalog.connector(&it.connector));
        if let Some(own) = chosen.filter(|it| Catalog::shipped().connector(&it.id).is_none())
            && button::flat(ui, Some(icon::TRASH), &format!("Remove {}…", own.title)).clicked()
        {
            ctx.send(Msg::RemoveConnector(own.id.clone()));
        }
    });
}

/// Services and headings, with how many of what was found each has.
fn filter(ui: &mut Ui, looking: &mut Looking, lines: &[rows::Line], all: usize) {
    ScrollArea::vertical().id_salt("catalog filter").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        if ui.selectable_label(looking.group.is_none(), format!("Everything  {all}")).clicked() {
            looking.group = None;
        }
        for line in lines {
            let is_on = looking.group.as_ref() == Some(&line.group);
            let clicked = if line.group.title.is_none() {
                ui.add_space(8.0);
                ui.selectable_label(is_on, RichText::new(format!("{}  {}", line.words, line.count)).strong()).clicked()
            } else {
                ui.selectable_label(is_on, format!("{}  {}", line.words, line.count)).clicked()
            };
            if clicked {
                looking.group = (!is_on).then(|| line.group.clone());
            }
        }
    });
}

fn list(ui: &mut Ui, ctx: &Ctx<'_>, looking: &mut Looking, found: &[OperationId]) {
    if found.is_empty() {
        let words = if looking.group.is_some() && !looking.query.is_empty() {
            "Nothing here is called that. Choose Everything on the left, or try the name of a record, such as contact or event."
        } else {
            "Nothing is called that. Try the name of a record, such as contact or event."
        };
        ui.label(dim(ui, words));
    }
    let rows = ScrollArea::vertical().id_salt("catalog list").auto_shrink(false);
    rows.show_rows(ui, extent::ROW_LIST, found.len(), |ui, range| {
        for id in found.get(range).unwrap_or_default() {
            let Some((connector, operation)) = ctx.catalog.operation(id) else { continue };
            if row(ui, ctx, connector, operation, looking.chosen.as_ref() == Some(id)) {
                looking.chosen = if looking.chosen.as_ref() == Some(id) { None } else { Some(id.clone()) };
            }
        }
    });
}

/// One operation; whether it was pressed.
fn row(ui: &mut Ui, ctx: &Ctx<'_>, connector: &Connector, operation: &Operation, is_chosen: bool) -> bool {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_LIST), Sense::click());
    let name = format!("{}, {}", operation.title, connector.title);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ListItem, true, &name);
        info.selected = Some(is_chosen);
        info
    });
    if is_chosen {
        ui.painter().rect_filled(rect, radius::CHIP, colors.bg.selected);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, radius::CHIP, colors.bg.hover);
    }
    focus_ring(ui, &response, rect);
    let ink = Hue::of(&connector.id).ink(colors);
    let tile = Rect::from_center_size(pos2(rect.left() + 20.0, rect.center().y), Vec2::splat(26.0));
    ui.painter().rect_filled(tile, 6.0, ink.tint);
    ui.painter().text(tile.center(), Align2::CENTER_CENTER, operation_icon(operation), font::icons(16.0), ink.text);
    let left = tile.right() + 10.0;
    let needs = operation.inputs.iter().filter(|it| it.required && it.fixed.is_none() && it.account.is_none()).count();
    let meta = format!("{} · {}", connector.title, if needs == 0 { "nothing needed".to_owned() } else { count(needs, "field") });
    let right = rect.right_center() - vec2(10.0, 0.0);
    let owner = ui.painter().text(right, Align2::RIGHT_CENTER, meta, font::regular(size::SMALL), colors.text.dim);
    let room = owner.left() - left - 12.0;
    let help = if operation.help.is_empty() { rows::says(ctx.catalog, operation).into() } else { Cow::from(&operation.help) };
    cut_text(ui, pos2(left, rect.top() + 14.0), &operation.title, font::medium(size::BODY), colors.text.strong, room);
    cut_text(ui, pos2(left, rect.top() + 31.0), &help, font::regular(size::SMALL), colors.text.dim, room);
    response.clicked()
}

/// What the chosen operation takes and means.
fn details(ui: &mut Ui, ctx: &Ctx<'_>, connector: &Connector, operation: &Operation) {
    let colors = theme::colors(ui);
    ScrollArea::vertical().id_salt("catalog details").auto_shrink(false).show(ui, |ui| {
        ui.label(font::heading(&operation.title).color(colors.text.strong));
        ui.label(dim(ui, format!("{} · {}", connector.title, operation.group)));
        if operation.deprecated {
            ui.label(dim(ui, "The service advises against it; there is a newer one."));
        }
        ui.add_space(4.0);
        ui.label(RichText::new(rows::says(ctx.catalog, operation)).color(colors.text.strong));
        if !operation.help.is_empty() {
            ui.label(&operation.help);
        }
        ui.add_space(8.0);
        ui.label(RichText::new("What goes in").font(font::medium(size::BODY)).color(colors.text.strong));
        let inputs = rows::inputs(ctx.catalog, connector, operation);
        if inputs.is_empty() {
            ui.label(dim(ui, "Nothing."));
        }
        let mut section = String::new();
        for it in inputs {
            if it.section != section {
                ui.add_space(4.0);
                ui.label(RichText::new(&it.section).font(font::medium(size::SMALL)).color(colors.text.body));
                section.clone_from(&it.section);
            }
            let shown = ui.horizontal_wrapped(|ui| {
                ui.label(it.label);
                ui.label(dim(ui, it.about));
            });
            if !it.help.is_empty() {
                shown.response.on_hover_text(it.help);
            }
        }
        ui.add_space(8.0);
        ui.label(RichText::new("When an answer is lost").font(font::medium(size::BODY)).color(colors.text.strong));
        ui.label(rows::repeat_words(ctx.catalog, &operation.repeat));
        ui.add_space(8.0);
        ui.label(RichText::new("What it costs").font(font::medium(size::BODY)).color(colors.text.strong));
        ui.label(rows::cost_words(operation));
        if !operation.scopes.is_empty() {
            ui.add_space(8.0);
            ui.label(RichText::new("What the connection must allow").font(font::medium(size::BODY)).color(colors.text.strong));
            for it in &operation.scopes {
                ui.label(RichText::new(it).font(font::mono(size::MONO_SMALL)).color(colors.text.body));
            }
        }
    });
}
