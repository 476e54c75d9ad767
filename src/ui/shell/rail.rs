//! The rail on the left: the parts of the window.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, CornerRadius, Sense, Ui, WidgetInfo, vec2};

use crate::ui::ctx::Ctx;
use crate::ui::msg::{Msg, Room};
use crate::ui::theme::tokens::{extent, radius, size};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::button::focus_ring;

pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>) {
    ui.spacing_mut().item_spacing.y = 0.0;
    // In a low window all of them are lower.
    let height = ((ui.available_height() - 16.0) / 8.0).min(extent::RAIL_ITEM);
    let item = |ui: &mut Ui, ctx: &Ctx<'_>, room, icon, words| item(ui, ctx, height, (room, icon, words));
    ui.add_space(8.0);
    item(ui, ctx, Room::Flows, icon::FLOW_ARROW, "Flows");
    item(ui, ctx, Room::Templates, icon::SQUARES_FOUR, "Templates");
    item(ui, ctx, Room::Catalog, icon::BOOKS, "Catalog");
    item(ui, ctx, Room::Connections, icon::PLUGS_CONNECTED, "Connections");
    item(ui, ctx, Room::Sandbox, icon::FLASK, "Sandbox");
    item(ui, ctx, Room::Live, icon::LIGHTNING, "Live");
    item(ui, ctx, Room::Log, icon::LIST_MAGNIFYING_GLASS, "Log");
    let left = ui.available_height() - height - 8.0;
    if left > 0.0 {
        ui.add_space(left);
    }
    item(ui, ctx, Room::Settings, icon::GEAR_SIX, "Settings");
}

fn item(ui: &mut Ui, ctx: &Ctx<'_>, height: f32, (room, icon, words): (Room, char, &str)) {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let on = ctx.room == room;
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, words));
    let chip = rect.shrink2(vec2(6.0, 1.0));
    let fill = if on {
        Some(colors.bg.active)
    } else if response.hovered() {
        Some(colors.bg.hover)
    } else {
        None
    };
    if let Some(fill) = fill {
        ui.painter().rect_filled(chip, CornerRadius::same(radius::BASE), fill);
    }
    focus_ring(ui, &response, chip.shrink(1.0));
    let color = if on || response.hovered() { colors.text.strong } else { colors.text.dim };
    let glyph = if on { font::icons_fill(extent::ICON_RAIL) } else { font::icons(extent::ICON_RAIL) };
    ui.painter().text(rect.center() - vec2(0.0, 8.0), Align2::CENTER_CENTER, icon, glyph, color);
    ui.painter().text(rect.center() + vec2(0.0, 13.0), Align2::CENTER_CENTER, words, font::regular(size::SMALL), color);
    if response.clicked() {
        ctx.send(Msg::Go(room));
    }
}
