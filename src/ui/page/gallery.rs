//! The flows that ship, each with a picture of itself.
use std::collections::BTreeMap;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, CornerRadius, Frame, Layout, Margin, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};

use crate::catalog::Catalog;
use crate::flow::{Flow, NodeId};
use crate::ui::canvas::kind::face;
use crate::ui::canvas::tidy;
use crate::ui::command::UiCommand;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::template::{self, Template};
use crate::ui::theme::tokens::{line, node, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim};

const CARD: f32 = 260.0;
const PICTURE: f32 = 116.0;

pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>) {
    let side = 300.0;
    let rect = ui.available_rect_before_wrap();
    let roomy = rect.width() > 860.0;
    let main = if roomy { rect.with_max_x(rect.right() - side) } else { rect };
    ui.scope_builder(UiBuilder::new().max_rect(main), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(space::XXL as i8, 28)).show(ui, |ui| body(ui, ctx));
        });
    });
    if roomy {
        let area = rect.with_min_x(rect.right() - side);
        let colors = theme::colors(ui);
        ui.painter().rect_filled(area, 0.0, colors.bg.app);
        ui.painter().vline(area.left() + 0.5, area.y_range(), Stroke::new(line::HAIRLINE, colors.stroke.usual));
        ui.scope_builder(UiBuilder::new().max_rect(area.shrink(space::L + 4.0)), |ui| beside(ui, ctx));
    }
}

fn body(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    ui.label(font::title("What should run by itself?").color(colors.text.strong));
    ui.label(
        RichText::new("Start with a flow that works, then change it. Each one runs on sample data first.").color(colors.text.dim),
    );
    ui.add_space(8.0);
    let all = template::all();
    if let Some((at, first)) = all.iter().enumerate().find(|it| it.1.first) {
        featured(ui, ctx, at, first);
    }
    ui.add_space(16.0);
    ui.horizontal(|ui| {
        ui.label(font::heading("All templates").color(colors.text.strong));
        ui.label(RichText::new(all.len().to_string()).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
    });
    let columns = ((ui.available_width() + 16.0) / (CARD + 16.0)).floor().max(1.0) as usize;
    for row in all.iter().enumerate().collect::<Vec<_>>().chunks(columns) {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 16.0;
            for (at, it) in row {
                card(ui, ctx, *at, it);
            }
        });
        ui.add_space(8.0);
    }
}

fn featured(ui: &mut Ui, ctx: &Ctx<'_>, at: usize, template: &Template) {
    let colors = theme::colors(ui);
    let width = ui.available_width();
    let words = 300.0_f32.min(width * 0.45);
    let (rect, _) = ui.allocate_exact_size(vec2(width, 236.0), Sense::hover());
    let corner = CornerRadius::same(radius::CARD);
    ui.painter().rect(rect, corner, colors.bg.raised, Stroke::new(line::HAIRLINE, colors.stroke.usual), StrokeKind::Inside);
    let picture = rect.with_max_x(rect.right() - words).shrink(1.0);
    draw(ui, picture, &template.flow, ctx.catalog, true);
    let text = rect.with_min_x(rect.right() - words).shrink(20.0);
    ui.scope_builder(UiBuilder::new().max_rect(text).layout(Layout::top_down(Align::Min)), |ui| {
        crate::ui::widgets::switch::badge(ui, "Good first flow", colors.text.body, colors.bg.active);
        ui.add_space(2.0);
        ui.label(font::title(&template.flow.name).color(colors.text.strong));
        ui.label(RichText::new(&template.flow.description).color(colors.text.body));
        ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
            ui.horizontal(|ui| {
                ui.label(dim(ui, "On sample data. No account needed."));
                if ui.link(RichText::new("Open without test").small()).clicked() {
                    ctx.send(Msg::OpenTemplate { index: at, test: false });
                }
            });
            let able = ctx.live.stage().is_some();
            let response = ui.add_enabled_ui(able, |ui| button::big(ui, Some(icon::PLAY), "Test in sandbox")).inner;
            if response.on_disabled_hover_text("The sandbox is not up yet.").clicked() {
                ctx.send(Msg::OpenTemplate { index: at, test: true });
            }
        });
    });
}

fn card(ui: &mut Ui, ctx: &Ctx<'_>, at: usize, template: &Template) {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(CARD, PICTURE + 96.0), Sense::click());
    let flow = &template.flow;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Template {}", flow.name)));
    let edge = if response.hovered() { colors.stroke.strong } else { colors.stroke.usual };
    let corner = CornerRadius::same(radius::CARD);
    ui.painter().rect(rect, corner, colors.bg.raised, Stroke::new(line::HAIRLINE, edge), StrokeKind::Inside);
    button::focus_ring(ui, &response, rect);
    draw(ui, rect.with_max_y(rect.top() + PICTURE).shrink(1.0), flow, ctx.catalog, false);
    let text = rect.with_min_y(rect.top() + PICTURE).shrink2(vec2(12.0, 10.0));
    ui.scope_builder(UiBuilder::new().max_rect(text).layout(Layout::top_down(Align::Min)), |ui| {
        ui.set_clip_rect(text.intersect(ui.clip_rect()));
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.label(font::heading(&flow.name).color(colors.text.strong));
        ui.label(dim(ui, &flow.description));
    });
    if response.clicked() {
        ctx.send(Msg::OpenTemplate { index: at, test: false });
    }
}

/// The flow in small: tiles with icons and wires; with names where there is room.
fn draw(ui: &Ui, area: Rect, flow: &Flow, catalog: &Catalog, named: bool) {
    let colors = theme::colors(ui);
    let corner = if named {
        CornerRadius { nw: radius::CARD, sw: radius::CARD, ne: 0, se: 0 }
    } else {
        CornerRadius { nw: radius::CARD, ne: radius::CARD, sw: 0, se: 0 }
    };
    ui.painter().rect_filled(area, corner, colors.bg.canvas);
    let painter = ui.painter().with_clip_rect(area.intersect(ui.clip_rect()));
    let all = flow.nodes.keys().cloned().collect();
    let columns = if named { 5 } else { 6 };
    // In steps of the layout, so that the picture keeps its own measure.
    let places = tidy::arrange(flow, &all, columns, [0, 0]);
    let (column, row) = ((node::WIDTH + node::COLUMN_GAP), (node::MIN_HEIGHT + node::ROW_GAP));
    let cell = |at: [i32; 2]| vec2((at[0] as f32 / column).round(), (at[1] as f32 / row).round());
    let most = places.values().fold(vec2(0.0, 0.0), |most, it| most.max(cell(*it)));
    let (wide, high) = if named { (112.0, 28.0) } else { (22.0, 22.0) };
    let inner = area.shrink2(vec2(18.0, 14.0));
    let step = vec2(
        if most.x > 0.0 { ((inner.width() - wide) / most.x).min(wide + 40.0) } else { 0.0 },
        if most.y > 0.0 { ((inner.height() - high) / most.y).min(high + 34.0) } else { 0.0 },
    );
    let extent = most * step + vec2(wide, high);
    let origin = inner.center() - extent / 2.0;
    let wide = wide.min(if most.x > 0.0 { (step.x - 14.0).max(20.0) } else { wide });
    let boxes: BTreeMap<&NodeId, Rect> =
        places.iter().map(|(id, at)| (id, Rect::from_min_size(origin + cell(*at) * step, vec2(wide, high)))).collect();
    for edge in &flow.edges {
        let (Some(from), Some(to), Some(of)) = (boxes.get(&edge.from), boxes.get(&edge.to), flow.nodes.get(&edge.from)) else {
            continue;
        };
        let ink = face(&of.kind, catalog).hue.ink(colors);
        let stroke = Stroke::new(1.3, ink.mark.gamma_multiply(0.9));
        let (a, b) = (from.right_center(), to.left_center());
        if b.x > a.x {
            let pull = vec2(((b.x - a.x) / 2.0).min(18.0), 0.0);
            let points = [a, a + pull, b - pull, b];
            let shape = eframe::egui::epaint::CubicBezierShape::from_points_stroke(
                points,
                false,
                eframe::egui::Color32::TRANSPARENT,
                stroke,
            );
            painter.add(shape);
        } else {
            let gutter = f32::midpoint(from.bottom(), to.top());
            let corners =
                vec![a, pos2(a.x + 6.0, a.y), pos2(a.x + 6.0, gutter), pos2(b.x - 6.0, gutter), pos2(b.x - 6.0, b.y), b];
            painter.line(corners, stroke);
        }
    }
    for (id, rect) in boxes {
        let Some(it) = flow.nodes.get(id) else { continue };
        let face = face(&it.kind, catalog);
        let ink = face.hue.ink(colors);
        let is_trigger = matches!(it.kind, crate::flow::NodeKind::Trigger(_));
        let glyph = if is_trigger { font::icons_fill } else { font::icons };
        if named && rect.width() > 60.0 {
            painter.rect(rect, 6.0, colors.bg.raised, Stroke::new(1.0, colors.stroke.usual), StrokeKind::Inside);
            let tile = Rect::from_center_size(rect.left_center() + vec2(14.0, 0.0), vec2(18.0, 18.0));
            painter.rect_filled(tile, 4.0, ink.tint);
            painter.text(tile.center(), Align2::CENTER_CENTER, face.icon, glyph(12.0), ink.text);
            let at = pos2(tile.right() + 6.0, rect.center().y);
            crate::ui::widgets::cut_text(
                ui,
                at,
                &it.name,
                font::medium(size::SMALL),
                colors.text.strong,
                rect.right() - at.x - 4.0,
            );
        } else {
            painter.rect(rect, 5.0, ink.tint, Stroke::new(1.0, ink.mark.gamma_multiply(0.5)), StrokeKind::Inside);
            painter.text(rect.center(), Align2::CENTER_CENTER, face.icon, glyph(12.0), ink.text);
        }
    }
}

fn beside(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    ui.horizontal(|ui| {
        ui.label(font::heading("Recent files").color(colors.text.strong));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button::flat(ui, Some(icon::FOLDER_OPEN), "Open…").clicked() {
                ctx.send(Msg::Do(UiCommand::Open));
            }
        });
    });
    if ctx.prefs.recent.is_empty() {
        ui.label(dim(ui, "None yet. A flow that you save or open is listed here."));
    }
    for path in ctx.prefs.recent.iter().take(8) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = path.parent().map(|it| it.display().to_string()).unwrap_or_default();
        if row(ui, icon::FILE, &name, &folder, "").clicked() {
            ctx.send(Msg::OpenPath(path.clone()));
        }
    }
    ui.add_space(16.0);
    Frame::new()
        .fill(colors.bg.raised)
        .stroke(Stroke::new(line::HAIRLINE, colors.stroke.usual))
        .corner_radius(radius::BASE)
        .inner_margin(Margin::same(12))
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(icon::FLASK).font(font::icons(16.0)).color(colors.sandbox.text));
                ui.label(font::heading("You are in the sandbox").color(colors.text.strong));
            });
            ui.label(dim(
                ui,
                "Both services are played on this computer, with sample contacts and appointments. Nothing is sent to anyone.",
            ));
        });
    ui.add_space(16.0);
    ui.label(font::heading("Or start otherwise").color(colors.text.strong));
    let keys = |command| ctx.keys.words(ui.ctx(), command);
    let (new, paste) = (keys(UiCommand::New), keys(UiCommand::Open));
    if row(ui, icon::PLUS_SQUARE, "Empty flow", "Pick a trigger first", &new).clicked() {
        ctx.send(Msg::Do(UiCommand::New));
    }
    if row(ui, icon::FOLDER_OPEN, "Open a file", "Or drop one on the window", &paste).clicked() {
        ctx.send(Msg::Do(UiCommand::Open));
    }
}

fn row(ui: &mut Ui, icon: char, title: &str, meta: &str, keys: &str) -> eframe::egui::Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 42.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, title));
    if response.hovered() {
        ui.painter().rect_filled(rect.expand2(vec2(6.0, 0.0)), radius::BASE, colors.bg.hover);
    }
    button::focus_ring(ui, &response, rect);
    ui.painter().text(
        pos2(rect.left() + 8.0, rect.top() + 14.0),
        Align2::CENTER_CENTER,
        icon,
        font::icons(16.0),
        colors.text.dim,
    );
    let left = rect.left() + 26.0;
    let right = ui.painter().text(rect.right_center(), Align2::RIGHT_CENTER, keys, font::mono(size::SMALL), colors.text.dim);
    let room = right.left() - left - 8.0;
    crate::ui::widgets::cut_text(ui, pos2(left, rect.top() + 13.0), title, font::medium(size::BODY), colors.text.strong, room);
    crate::ui::widgets::cut_text(ui, pos2(left, rect.top() + 29.0), meta, font::regular(size::SMALL), colors.text.dim, room);
    response
}
