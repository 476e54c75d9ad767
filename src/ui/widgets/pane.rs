//! The head of a pane: its title on the left, its tools on the right.
use eframe::egui::{Align, Layout, Response, RichText, Sense, Stroke, Ui, UiBuilder, vec2};

use crate::ui::theme::tokens::{extent, line, size, space};
use crate::ui::theme::{self, font};

/// Draws it; what comes back can be dragged, to dock the pane elsewhere.
pub(crate) fn head(ui: &mut Ui, title: &str, meta: &str, tools: impl FnOnce(&mut Ui)) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::PANE_HEADER), Sense::drag());
    let inner = rect.shrink2(vec2(space::M, 0.0));
    ui.scope_builder(UiBuilder::new().max_rect(inner).layout(Layout::left_to_right(Align::Center)), |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(font::heading(title).color(colors.text.strong));
        if !meta.is_empty() {
            ui.label(RichText::new(meta).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), tools);
    });
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    response
}
