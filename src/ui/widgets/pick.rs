//! A list to choose from by typing: what can be added, where a wire leads, any command.
use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align2, Area, Frame, Id, Key, Margin, Modifiers, Order, Pos2, Rect, Response, ScrollArea, Sense, Stroke, TextEdit, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use super::{cut_text, dim};
use crate::ui::theme::tokens::{line, radius, size};
use crate::ui::theme::{self, Ink, font};

const ROW: f32 = 28.0;
const ROWS: f32 = 9.0;

/// Where and how it is shown.
pub(crate) struct Pick<'a> {
    pub(crate) id: Id,
    /// Its upper left corner, on the screen.
    pub(crate) at: Pos2,
    pub(crate) width: f32,
    pub(crate) hint: &'a str,
    /// What the field is called.
    pub(crate) name: &'a str,
    /// Where nothing is found.
    pub(crate) nothing: &'a str,
}

/// One that can be chosen.
pub(crate) struct Row<'a> {
    pub(crate) icon: char,
    pub(crate) ink: Ink,
    pub(crate) title: &'a str,
    /// Whose it is, or its keys.
    pub(crate) owner: &'a str,
}

/// What a person did.
pub(crate) struct Picked {
    pub(crate) chosen: Option<usize>,
    pub(crate) closed: bool,
}

impl Pick<'_> {
    /// Shows it within `rect`. `fresh` is true in its first frame, and then takes the keyboard.
    pub(crate) fn show(
        &self,
        ui: &Ui,
        rect: Rect,
        query: &mut String,
        at: &mut usize,
        fresh: &mut bool,
        rows: &[Row<'_>],
    ) -> Picked {
        let colors = theme::colors(ui);
        let just_opened = *fresh;
        let height = 54.0 + ROW * (rows.len() as f32).clamp(1.0, ROWS);
        let left = self.at.x.min(rect.right() - self.width - 8.0).max(rect.left() + 8.0);
        let top = self.at.y.min(rect.bottom() - height - 8.0).max(rect.top() + 8.0);
        let step = ui.input_mut(|it| {
            let down = it.count_and_consume_key(Modifiers::NONE, Key::ArrowDown);
            let up = it.count_and_consume_key(Modifiers::NONE, Key::ArrowUp);
            isize::try_from(down).unwrap_or(0) - isize::try_from(up).unwrap_or(0)
        });
        let last = rows.len().saturating_sub(1);
        *at = (*at).min(last).saturating_add_signed(step).min(last);
        let enter = ui.input_mut(|it| it.consume_key(Modifiers::NONE, Key::Enter));
        let escape = ui.input_mut(|it| it.consume_key(Modifiers::NONE, Key::Escape));
        let mut chosen = (enter && !rows.is_empty()).then_some(*at);
        let frame = Frame::new()
            .fill(colors.bg.raised)
            .stroke(Stroke::new(line::HAIRLINE, colors.stroke.usual))
            .corner_radius(radius::CARD)
            .shadow(theme::menu_shadow(ui.visuals().dark_mode))
            .inner_margin(Margin::same(6));
        let shown = Area::new(self.id).order(Order::Foreground).fixed_pos(pos2(left, top)).show(ui.ctx(), |ui| {
            frame.show(ui, |ui| {
                ui.set_width(self.width - 12.0);
                ui.spacing_mut().item_spacing.y = 2.0;
                let edit =
                    TextEdit::singleline(query).hint_text(self.hint).desired_width(f32::INFINITY).margin(Margin::symmetric(8, 6));
                let response = ui.add(edit).accessible_name(self.name);
                if *fresh {
                    response.request_focus();
                    *fresh = false;
                }
                if response.changed() {
                    *at = 0;
                }
                ui.add_space(2.0);
                if rows.is_empty() {
                    ui.label(dim(ui, self.nothing));
                    ui.add_space(4.0);
                }
                ScrollArea::vertical().max_height((ROW + 2.0) * ROWS).show_rows(ui, ROW, rows.len(), |ui, range| {
                    for index in range {
                        let Some(row) = rows.get(index) else { continue };
                        let response = row.show(ui, index == *at);
                        if index == *at && step != 0 {
                            response.scroll_to_me(None);
                        }
                        if response.clicked() {
                            chosen = Some(index);
                        }
                    }
                });
            });
        });
        Picked { chosen, closed: escape || !just_opened && shown.response.clicked_elsewhere() }
    }
}

impl Row<'_> {
    fn show(&self, ui: &mut Ui, current: bool) -> Response {
        let colors = theme::colors(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
        let name = || if self.owner.is_empty() { self.title.to_owned() } else { format!("{}, {}", self.title, self.owner) };
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, current, name()));
        let fill = if current {
            Some(colors.bg.selected)
        } else if response.hovered() {
            Some(colors.bg.hover)
        } else {
            None
        };
        if let Some(fill) = fill {
            ui.painter().rect_filled(rect, radius::CHIP, fill);
        }
        let tile = Rect::from_center_size(pos2(rect.left() + 16.0, rect.center().y), Vec2::splat(20.0));
        ui.painter().rect_filled(tile, 5.0, self.ink.tint);
        ui.painter().text(tile.center(), Align2::CENTER_CENTER, self.icon, font::icons(14.0), self.ink.text);
        let right = rect.right_center() - vec2(8.0, 0.0);
        let small = font::regular(size::SMALL);
        let owner = ui.painter().text(right, Align2::RIGHT_CENTER, self.owner, small, colors.text.dim);
        let room = owner.left() - tile.right() - 16.0;
        let at = pos2(tile.right() + 8.0, rect.center().y);
        cut_text(ui, at, self.title, font::regular(size::BODY), colors.text.strong, room);
        response
    }
}
