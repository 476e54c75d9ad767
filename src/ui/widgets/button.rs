//! Buttons: one primary a view, plain ones with a hairline, flat ones without, and icons alone.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Color32, CornerRadius, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::ui::theme::tokens::{extent, line, radius, size, space};
use crate::ui::theme::{self, font};

/// How loud it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Primary,
    Plain,
    Flat,
}

/// The one thing to do here.
pub(crate) fn primary(ui: &mut Ui, icon: Option<char>, words: &str) -> Response {
    show(ui, Tone::Primary, icon, words, extent::CONTROL)
}

/// The one thing to do on a page.
pub(crate) fn big(ui: &mut Ui, icon: Option<char>, words: &str) -> Response {
    show(ui, Tone::Primary, icon, words, extent::CONTROL_BIG)
}

pub(crate) fn plain(ui: &mut Ui, icon: Option<char>, words: &str) -> Response {
    show(ui, Tone::Plain, icon, words, extent::CONTROL)
}

pub(crate) fn flat(ui: &mut Ui, icon: Option<char>, words: &str) -> Response {
    show(ui, Tone::Flat, icon, words, extent::CONTROL)
}

/// Opens a menu.
pub(crate) fn drop_down(ui: &mut Ui, words: &str) -> Response {
    let colors = theme::colors(ui);
    let text = ui.painter().layout_no_wrap(words.to_owned(), font::medium(size::BODY), Color32::PLACEHOLDER);
    let (rect, response) = ui.allocate_exact_size(vec2(text.size().x + 34.0, extent::CONTROL), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, words));
    if response.hovered() {
        ui.painter().rect_filled(rect, radius::BASE, colors.bg.hover);
    }
    focus_ring(ui, &response, rect);
    let caret = pos2(rect.right() - 13.0, rect.center().y);
    ui.painter().text(caret, Align2::CENTER_CENTER, theme::icon::CARET_DOWN, font::icons(12.0), colors.text.dim);
    ui.painter().galley(pos2(rect.left() + space::S, rect.center().y - text.size().y / 2.0), text, colors.text.strong);
    response
}

fn show(ui: &mut Ui, tone: Tone, icon: Option<char>, words: &str, height: f32) -> Response {
    let colors = theme::colors(ui);
    let enabled = ui.is_enabled();
    let text = ui.painter().layout_no_wrap(words.to_owned(), font::medium(size::BODY), Color32::PLACEHOLDER);
    let icon_width = if icon.is_some() { 14.0 + 6.0 } else { 0.0 };
    let pad = if tone == Tone::Flat { space::S } else { space::M };
    let width = text.size().x + icon_width + 2.0 * pad;
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, words));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let down = response.is_pointer_button_down_on();
    let (fill, edge, color) = match tone {
        _ if !enabled && tone == Tone::Flat => (Color32::TRANSPARENT, Color32::TRANSPARENT, colors.text.faint),
        _ if !enabled => (colors.bg.raised, colors.stroke.subtle, colors.text.faint),
        Tone::Primary => {
            let fill = if down {
                colors.accent.fill_pressed
            } else if response.hovered() {
                colors.accent.fill_hover
            } else {
                colors.accent.fill
            };
            (fill, fill, colors.text.on_accent)
        }
        Tone::Plain if down => (colors.bg.active, colors.stroke.strong, colors.text.strong),
        Tone::Plain if response.hovered() => (colors.bg.hover, colors.stroke.strong, colors.text.strong),
        Tone::Plain => (colors.bg.raised, colors.stroke.usual, colors.text.strong),
        Tone::Flat if down => (colors.bg.active, Color32::TRANSPARENT, colors.text.strong),
        Tone::Flat if response.hovered() => (colors.bg.hover, Color32::TRANSPARENT, colors.text.strong),
        Tone::Flat => (Color32::TRANSPARENT, Color32::TRANSPARENT, colors.text.body),
    };
    let corner = CornerRadius::same(radius::BASE);
    ui.painter().rect(rect, corner, fill, Stroke::new(line::HAIRLINE, edge), StrokeKind::Inside);
    focus_ring(ui, &response, rect);
    let content = text.size().x + icon_width;
    let left = rect.center().x - content / 2.0;
    if let Some(icon) = icon {
        let glyph = if tone == Tone::Primary && font::has_fill(icon) { font::icons_fill(14.0) } else { font::icons(14.0) };
        ui.painter().text(pos2(left + 7.0, rect.center().y), Align2::CENTER_CENTER, icon, glyph, color);
    }
    let at = pos2(left + icon_width, rect.center().y - text.size().y / 2.0);
    ui.painter().galley(at, text, color);
    response
}

/// An icon alone; its name is told in a tooltip.
pub(crate) fn icon(ui: &mut Ui, icon: char, name: &str) -> Response {
    toggle(ui, icon, name, false)
}

/// An icon alone that shows whether something is on.
pub(crate) fn toggle(ui: &mut Ui, icon: char, name: &str, on: bool) -> Response {
    let colors = theme::colors(ui);
    let enabled = ui.is_enabled();
    let side = extent::HIT_MIN;
    let (rect, response) = ui.allocate_exact_size(vec2(side + 2.0, side), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, on, name));
    let fill = if response.is_pointer_button_down_on() || on {
        colors.bg.active
    } else if response.hovered() && enabled {
        colors.bg.hover
    } else {
        Color32::TRANSPARENT
    };
    ui.painter().rect_filled(rect, radius::BASE, fill);
    focus_ring(ui, &response, rect);
    let color = if !enabled {
        colors.text.faint
    } else if response.hovered() || on {
        colors.text.strong
    } else {
        colors.text.dim
    };
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon, font::icons(extent::ICON), color);
    response.on_hover_text(name)
}

/// Shows what has the keyboard.
pub(crate) fn focus_ring(ui: &Ui, response: &Response, rect: Rect) {
    if response.has_focus() {
        let stroke = Stroke::new(line::FOCUS, theme::colors(ui).accent.ring);
        ui.painter().rect_stroke(rect.expand(1.0), CornerRadius::same(radius::BASE + 2), stroke, StrokeKind::Outside);
    }
}
