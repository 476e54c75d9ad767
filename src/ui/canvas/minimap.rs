//! The whole flow at a glance, and how near one is.
use eframe::egui::accesskit::Role;
use eframe::egui::{Color32, CornerRadius, Mesh, Rect, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2};

use super::{Act, Stage};
use crate::ui::command::UiCommand;
use crate::ui::theme::tokens::{line, radius, size};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::button;

const WIDTH: f32 = 168.0;
const HEIGHT: f32 = 108.0;
const MARGIN: f32 = 16.0;
/// A canvas that is no larger than this is not covered.
const SMALL: Vec2 = vec2(900.0, 560.0);

pub(super) fn show(ui: &mut Ui, stage: &mut Stage<'_>) {
    let rect = stage.view.rect;
    // Where there is little room, or all is in view, the flow is more worth seeing than its map.
    let beyond = stage.board.bounds().is_some_and(|it| !stage.view.seen().expand(1.0).contains_rect(it));
    let mut left = rect.left() + MARGIN;
    let map = (stage.scene.minimap && beyond && rect.width() > 520.0 && rect.height() > 300.0).then(|| corner(stage)).flatten();
    if let Some(area) = map {
        paint_map(ui, stage, area);
        if area.left() <= left {
            left = area.right() + 8.0;
        }
    }
    bar(ui, stage, pos2(left, rect.bottom() - MARGIN));
}

/// Where the map lies: in the corner below that has no card under it. On a large canvas it may cover some, since there is enough
/// to see beside it; on a small one, where both have cards, it is left out.
fn corner(stage: &Stage<'_>) -> Option<Rect> {
    let rect = stage.view.rect;
    let size = vec2(WIDTH, HEIGHT);
    let top = rect.bottom() - MARGIN - HEIGHT;
    let left = Rect::from_min_size(pos2(rect.left() + MARGIN, top), size);
    let right = Rect::from_min_size(pos2(rect.right() - MARGIN - WIDTH, top), size);
    let is_free = |area: &Rect| {
        let under = area.expand(6.0);
        !stage.board.spots.iter().any(|it| !it.is_hidden() && (stage.view.to_screen() * it.rect()).intersects(under))
    };
    let is_large = rect.width() > SMALL.x && rect.height() > SMALL.y;
    [left, right].into_iter().find(is_free).or_else(|| is_large.then_some(left))
}

fn paint_map(ui: &mut Ui, stage: &mut Stage<'_>, area: Rect) {
    let colors = theme::colors(ui);
    let response = ui.interact(area, stage.id.with("minimap"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Map of the flow"));
    let painter = ui.painter().with_clip_rect(area);
    let corner = CornerRadius::same(radius::BASE);
    painter.rect(area, corner, colors.bg.app, Stroke::new(line::HAIRLINE, colors.stroke.usual), StrokeKind::Inside);
    let seen = stage.view.seen();
    let Some(bounds) = stage.board.bounds() else { return };
    let world = bounds.union(seen).expand(20.0);
    let inner = area.shrink(5.0);
    let scale = (inner.width() / world.width()).min(inner.height() / world.height());
    let offset = inner.center() - world.center().to_vec2() * scale;
    let to_map = |it: Rect| {
        Rect::from_min_max(
            (it.min.to_vec2() * scale + offset.to_vec2()).to_pos2(),
            (it.max.to_vec2() * scale + offset.to_vec2()).to_pos2(),
        )
    };
    for frame in stage.board.frames.iter().filter(|it| !it.hidden) {
        let fill = if frame.folded { colors.skipped.mark } else { colors.bg.hover };
        painter.rect_filled(to_map(frame.rect), 2.0, fill);
    }
    // One shape for all of them: there may be thousands.
    let mut cards = Mesh::default();
    for spot in stage.board.spots.iter().filter(|it| !it.is_hidden()) {
        let failed = stage.scene.play.and_then(|it| it.node(&spot.id)).is_some_and(|it| it.failed > 0);
        let color: Color32 = if spot.node.muted {
            colors.text.faint
        } else if failed {
            colors.failed.mark
        } else {
            spot.hue().ink(colors).mark
        };
        cards.add_colored_rect(to_map(spot.rect()), color.gamma_multiply(0.8));
    }
    painter.add(cards);
    for sheet in &stage.board.sheets {
        painter.rect_filled(to_map(sheet.rect), 1.0, colors.bg.active);
    }
    painter.rect_stroke(to_map(seen).intersect(inner), 2.0, Stroke::new(line::HAIRLINE, colors.text.strong), StrokeKind::Inside);
    if (response.clicked() || response.dragged())
        && let Some(at) = response.interact_pointer_pos()
    {
        if response.clicked() || response.drag_started() {
            stage.view.remember();
        }
        let there = (at - offset.to_vec2()).to_vec2() / scale;
        stage.view.pan = there - seen.size() / 2.0;
    }
}

/// Zoom, fit, tidy up.
fn bar(ui: &mut Ui, stage: &mut Stage<'_>, bottom_left: eframe::egui::Pos2) {
    let colors = theme::colors(ui);
    let area = Rect::from_min_max(bottom_left - vec2(0.0, 28.0), bottom_left + vec2(150.0, 0.0));
    if area.right() > stage.view.rect.right() {
        return;
    }
    ui.painter().rect(
        area,
        CornerRadius::same(radius::BASE),
        colors.bg.raised,
        Stroke::new(line::HAIRLINE, colors.stroke.usual),
        StrokeKind::Inside,
    );
    // What lies under the bar is not meant by a click on it.
    ui.interact(area, stage.id.with("bar"), Sense::click_and_drag());
    let percent = format!("{:.0} %", stage.view.zoom * 100.0);
    ui.scope_builder(UiBuilder::new().max_rect(area.shrink2(vec2(2.0, 2.0))).id_salt("zoom bar"), |ui| {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            let mut ask = |ui: &mut Ui, icon: char, command: UiCommand| {
                if button::icon(ui, icon, command.title()).clicked() {
                    stage.acts.push(Act::Do(command));
                }
            };
            ask(ui, icon::MINUS, UiCommand::ZoomOut);
            let (number, reset) = ui.allocate_exact_size(vec2(46.0, 24.0), Sense::click());
            reset.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Zoom {percent}, set to 100 %")));
            let color = if reset.hovered() { colors.text.strong } else { colors.text.body };
            let mono = font::mono(size::MONO_SMALL);
            ui.painter().text(number.center(), eframe::egui::Align2::CENTER_CENTER, &percent, mono, color);
            ask(ui, icon::PLUS, UiCommand::ZoomIn);
            ask(ui, icon::CORNERS_OUT, UiCommand::FitAll);
            ask(ui, icon::MAGIC_WAND, UiCommand::TidyUp);
            if reset.on_hover_text(UiCommand::ZoomReset.title()).clicked() {
                stage.acts.push(Act::Do(UiCommand::ZoomReset));
            }
        });
    });
}
