//! What panels are made of. Each widget has a name for those who do not see it.
pub(crate) mod button;
pub(crate) mod pane;
pub(crate) mod pick;
pub(crate) mod switch;

use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{Color32, FontId, Pos2, RichText, Ui, vec2};

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
