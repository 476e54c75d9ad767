//! What panels are made of. Each widget has a name for those who do not see it.
pub(crate) mod button;
pub(crate) mod pane;
pub(crate) mod pick;
pub(crate) mod switch;

use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{Color32, FontId, Layout, Pos2, Rect, RichText, Ui, UiBuilder, vec2};

use super::theme;

/// A line of text from its left middle on, cut with "…" where there is no room; its width.
pub(crate) fn cut_text(ui: &Ui, at: Pos2, text: &str, font: FontId, color: Color32, room: f32) -> f32 {
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color));
    job.wrap = TextWrapping::truncate_at_width(room.max(0.0));
    let galley = ui.painter().layout_job(job);
    let size = galley.size();
    ui.painter().galley(at - vec2(0.0, size.y / 2.0), galley, color);
    size.x
}

/// Rows of a menu: dense, as wide as they need at least.
pub(crate) fn menu_look(ui: &mut Ui, width: f32) {
    ui.set_min_width(width);
    let spacing = ui.spacing_mut();
    spacing.item_spacing.y = 1.0;
    spacing.button_padding = vec2(8.0, 3.0);
    spacing.interact_size.y = 26.0;
}

/// Controls at a place of their own, which the layout around them knows nothing of.
pub(crate) fn within<R>(ui: &mut Ui, rect: Rect, layout: Layout, add: impl FnOnce(&mut Ui) -> R) -> R {
    let mut inner = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout));
    add(&mut inner)
}

/// Small words in the dim colour.
pub(crate) fn dim(ui: &Ui, text: impl Into<String>) -> RichText {
    RichText::new(text).small().color(theme::colors(ui).text.dim)
}

/// Words that say that there is nothing, and what to do first.
pub(crate) fn nothing(ui: &mut Ui, icon: char, title: &str, first: &str) {
    let colors = theme::colors(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new(icon.to_string()).font(theme::font::icons(16.0)).color(colors.text.dim));
        ui.label(theme::font::heading(title).color(colors.text.strong));
    });
    ui.label(dim(ui, first));
}
