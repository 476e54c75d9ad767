//! What is known of the selected step: what it does, what is wrong with it, how its fields are filled, what it gave.
//!
//! Rows are plain data ([`rows`]), painted here.
mod rows;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align2, Frame, Margin, Rect, Response, RichText, ScrollArea, Sense, Stroke, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use self::rows::FieldRow;
use super::canvas::View;
use super::canvas::kind::face;
use super::canvas::sentence::count;
use super::ctx::Ctx;
use super::document::Document;
use super::msg::Msg;
use super::theme::tokens::{extent, line, radius, size, space};
use super::theme::{self, font, icon};
use super::widgets::{button, cut_text, dim, nothing, pane, switch};
use crate::flow::{Edit, Gesture, Node, NodeId, Severity};

/// Shows the pane; what comes back is its head.
pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, view: &mut View, hide: &mut dyn FnMut()) -> Response {
    let selected = view.selection.only_node().and_then(|it| doc.flow().nodes.get_key_value(it));
    let head = pane::head(ui, "Inspector", "", |ui| {
        if button::icon(ui, icon::X, "Hide the inspector").clicked() {
            hide();
        }
    });
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(space::M as i8, space::M as i8)).show(ui, |ui| match selected {
            Some((id, node)) => step(ui, ctx, doc, id, node),
            None => whole(ui, ctx, doc, view),
        });
    });
    head
}

/// The flow, where no single step is selected.
fn whole(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, view: &View) {
    let colors = theme::colors(ui);
    let several = view.selection.nodes.len();
    if several > 1 {
        nothing(ui, icon::SELECTION_ALL, &format!("{several} steps are selected"), "Select a single one to see its fields.");
        return;
    }
    ui.label(dim(ui, "Name"));
    let mut name = doc.flow().name.clone();
    let field = ui.add(TextEdit::singleline(&mut name).desired_width(f32::INFINITY)).accessible_name("Name of the flow");
    if field.changed() {
        ctx.send(Msg::EditIn(doc.id, Edit::SetName(name), Gesture::new("type flow name")));
    }
    ui.label(dim(ui, "What it is for"));
    let mut description = doc.flow().description.clone();
    let edit = TextEdit::multiline(&mut description).desired_rows(3).desired_width(f32::INFINITY);
    let text = ui.add(edit).accessible_name("What the flow is for");
    if text.changed() {
        ctx.send(Msg::EditIn(doc.id, Edit::SetDescription(description), Gesture::new("type flow description")));
    }
    if field.lost_focus() || text.lost_focus() {
        ctx.send(Msg::EndGesture(doc.id));
    }
    ui.add_space(8.0);
    if doc.problems.is_empty() {
        ui.label(dim(ui, "Select a step to see what it does and how its fields are filled."));
        return;
    }
    ui.label(font::heading(count(doc.problems.len(), "thing to look at")).color(colors.text.strong));
    for problem in &doc.problems {
        let title = problem.node.as_ref().and_then(|it| doc.flow().nodes.get(it)).map(|it| it.name.clone()).unwrap_or_default();
        let response = note(ui, problem.severity, &title, &problem.message, &problem.hint);
        if response.clicked()
            && let Some(node) = &problem.node
        {
            ctx.send(Msg::Select { doc: doc.id, nodes: vec![node.clone()], show: true });
        }
    }
}

fn step(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, id: &NodeId, node: &Node) {
    let colors = theme::colors(ui);
    let face = face(&node.kind, ctx.catalog);
    let ink = face.hue.ink(colors);
    ui.horizontal(|ui| {
        let (tile, _) = ui.allocate_exact_size(Vec2::splat(32.0), Sense::hover());
        ui.painter().rect_filled(tile, 7.0, ink.tint);
        ui.painter().text(tile.center(), Align2::CENTER_CENTER, face.icon, font::icons(extent::ICON_RAIL), ink.text);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.label(font::title(if node.name.trim().is_empty() { face.title } else { &node.name }).color(colors.text.strong));
            ui.label(dim(ui, rows::kind_words(&node.kind, ctx.catalog)));
        });
    });
    ui.add_space(4.0);
    ui.label(dim(ui, "Name"));
    let mut name = node.name.clone();
    let field = ui.add(TextEdit::singleline(&mut name).desired_width(f32::INFINITY)).accessible_name("Name of the step");
    if field.changed() {
        let gesture = Gesture::new(format!("type {id} name"));
        ctx.send(Msg::EditIn(doc.id, Edit::RenameNode { id: id.clone(), name }, gesture));
    }
    if field.lost_focus() {
        ctx.send(Msg::EndGesture(doc.id));
    }
    if switch::on_off(ui, "Muted: passed through as if it were not there", node.muted).clicked() {
        ctx.send(Msg::Edit(doc.id, Edit::SetMuted { id: id.clone(), muted: !node.muted }));
    }
    for problem in doc.problems.iter().filter(|it| it.node.as_ref() == Some(id)) {
        note(ui, problem.severity, &problem.place, &problem.message, &problem.hint);
    }
    let play = ctx.play(doc).and_then(|it| it.node(id));
    if let Some(failure) = play.filter(|it| it.failed > 0).and_then(|it| it.failure.as_ref()) {
        note(ui, Severity::Error, "", &failure.title, &format!("{} {}", failure.detail, failure.hint));
    }
    ui.add_space(8.0);
    let fields = rows::fields(&node.kind, ctx.catalog);
    if !fields.is_empty() {
        ui.label(font::heading("Fields").color(colors.text.strong));
        for row in &fields {
            show_field(ui, row);
        }
    }
    if let Some(output) = play.and_then(|it| it.output.as_ref()) {
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            ui.label(font::heading("Result").color(colors.text.strong));
            if doc.stale.contains(id) {
                ui.label(RichText::new("of an earlier flow").small().color(colors.waiting.text));
            }
        });
        result(ui, output);
    }
}

fn show_field(ui: &mut Ui, row: &FieldRow) {
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 3.0;
    ui.horizontal(|ui| {
        ui.label(RichText::new(&row.label).font(font::medium(size::SMALL)).color(colors.text.body));
        if row.required {
            ui.label(dim(ui, "required"));
        }
    });
    let empty = row.parts.is_empty();
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::CONTROL), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{}: {}", row.label, row.plain())));
    let edge = if empty && row.required { colors.waiting.mark } else { colors.stroke.usual };
    ui.painter().rect(rect, radius::BASE, colors.bg.inset, Stroke::new(line::HAIRLINE, edge), eframe::egui::StrokeKind::Inside);
    let mut x = rect.left() + 8.0;
    let clip = ui.painter().with_clip_rect(rect.shrink(1.0).intersect(ui.clip_rect()));
    if empty {
        let words = if row.required { "Empty, and needed" } else { "Empty" };
        cut_text(ui, pos2(x, rect.center().y), words, font::regular(size::BODY), colors.text.dim, rect.width() - 16.0);
    }
    for part in &row.parts {
        let galley = clip.layout_no_wrap(part.text.clone(), font::regular(size::BODY), colors.text.strong);
        let width = galley.size().x;
        if part.filled {
            let pill = Rect::from_min_max(pos2(x - 2.0, rect.top() + 4.0), pos2(x + width + 8.0, rect.bottom() - 4.0));
            clip.rect_filled(pill, radius::CHIP, colors.accent.tint);
            clip.galley(pos2(x + 3.0, rect.center().y - galley.size().y / 2.0), galley, colors.text.strong);
            x += width + 12.0;
        } else {
            clip.galley(pos2(x, rect.center().y - galley.size().y / 2.0), galley, colors.text.strong);
            x += width + 2.0;
        }
    }
    if !empty {
        response.on_hover_text(row.plain());
    }
    ui.add_space(6.0);
}

/// Something to look at, in place.
fn note(ui: &mut Ui, severity: Severity, place: &str, message: &str, hint: &str) -> Response {
    let colors = theme::colors(ui);
    let (ink, mark) = match severity {
        Severity::Error => (colors.failed, icon::X_CIRCLE),
        Severity::Warning => (colors.waiting, icon::WARNING),
    };
    let frame = Frame::new().fill(ink.tint).corner_radius(radius::BASE).inner_margin(Margin::symmetric(10, 8));
    let shown = frame.show(ui, |ui| {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(mark).font(font::icons_fill(14.0)).color(ink.mark));
            ui.vertical(|ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing.y = 2.0;
                let message = super::words::sentence(message);
                let text = if place.is_empty() { message } else { format!("{}: {message}", place_words(place)) };
                ui.label(RichText::new(text).small().color(colors.text.strong));
                if !hint.trim().is_empty() {
                    ui.label(RichText::new(super::words::sentence(hint.trim())).small().color(colors.text.body));
                }
            });
        });
    });
    shown.response.interact(Sense::click())
}

fn place_words(place: &str) -> String {
    super::canvas::sentence::title(place.rsplit('.').find(|it| it.parse::<u32>().is_err()).unwrap_or(place))
}

/// At most so many lines; all of it is in the log.
const LINES: usize = 400;

fn result(ui: &mut Ui, value: &serde_json::Value) {
    let colors = theme::colors(ui);
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let lines = text.lines().count();
    let shown: String = text.lines().take(LINES).flat_map(|it| [it, "\n"]).collect();
    Frame::new()
        .fill(colors.bg.inset)
        .stroke(Stroke::new(line::HAIRLINE, colors.stroke.usual))
        .corner_radius(radius::BASE)
        .inner_margin(Margin::same(8))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(
                eframe::egui::Label::new(RichText::new(shown.trim_end()).font(font::mono(size::MONO)).color(colors.text.body))
                    .selectable(true),
            );
            if lines > LINES {
                ui.label(dim(ui, format!("And {} more lines.", lines - LINES)));
            }
        });
}
