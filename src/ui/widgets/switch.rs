//! Things that are one of several, or on or off.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Color32, CornerRadius, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::button::focus_ring;
use crate::ui::theme::tokens::{line, radius, size};
use crate::ui::theme::{self, font};

/// What a switch takes beside its words.
const BESIDE: f32 = 40.0;
/// Its words are broken into lines no shorter than this.
const NARROWEST: f32 = 80.0;

/// One of several, side by side; which was chosen.
pub(crate) fn segments(ui: &mut Ui, name: &str, words: &[&str], current: usize) -> Option<usize> {
    let colors = theme::colors(ui);
    let mut chosen = None;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (at, word) in words.iter().enumerate() {
            let on = at == current;
            let galley = ui.painter().layout_no_wrap((*word).to_owned(), font::medium(size::BODY), Color32::PLACEHOLDER);
            let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 20.0, 28.0), Sense::click());
            response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, format!("{name}: {word}")));
            let (fill, edge) = match (on, response.hovered()) {
                (true, _) => (colors.bg.selected, colors.accent.ring),
                (false, true) => (colors.bg.hover, colors.stroke.strong),
                (false, false) => (colors.bg.raised, colors.stroke.usual),
            };
            let corner = CornerRadius::same(radius::BASE);
            ui.painter().rect(rect, corner, fill, Stroke::new(line::HAIRLINE, edge), StrokeKind::Inside);
            focus_ring(ui, &response, rect);
            ui.painter().galley(rect.center() - galley.size() / 2.0, galley, colors.text.strong);
            if response.clicked() {
                chosen = Some(at);
            }
        }
    });
    chosen
}

/// On or off, with its word beside it; whether it was clicked.
pub(crate) fn on_off(ui: &mut Ui, words: &str, on: bool) -> Response {
    let colors = theme::colors(ui);
    let room = (ui.available_width() - BESIDE).max(NARROWEST);
    let galley = ui.painter().layout(words.to_owned(), font::regular(size::BODY), colors.text.body, room);
    let height = (galley.size().y + 4.0).max(24.0);
    let (rect, response) = ui.allocate_exact_size(vec2(BESIDE + galley.size().x, height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Switch, true, on, words));
    let track = eframe::egui::Rect::from_min_size(rect.left_center() - vec2(0.0, 9.0), vec2(32.0, 18.0));
    let fill = if on { colors.accent.fill } else { colors.bg.active };
    let edge = if response.hovered() { colors.stroke.strong } else { colors.stroke.usual };
    ui.painter().rect(track, CornerRadius::same(9), fill, Stroke::new(line::HAIRLINE, edge), StrokeKind::Inside);
    let knob = if on { track.right_center() - vec2(9.0, 0.0) } else { track.left_center() + vec2(9.0, 0.0) };
    ui.painter().circle_filled(knob, 6.0, if on { colors.text.on_accent } else { colors.text.dim });
    focus_ring(ui, &response, track);
    let at = eframe::egui::pos2(track.right() + 8.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, colors.text.body);
    response
}

/// A word in a box: "Draft".
pub(crate) fn badge(ui: &mut Ui, words: &str, text: Color32, fill: Color32) {
    let galley = ui.painter().layout_no_wrap(words.to_owned(), font::medium(size::SMALL), text);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(12.0, 4.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    ui.painter().rect_filled(rect, radius::CHIP, fill);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, words, font::medium(size::SMALL), text);
}
