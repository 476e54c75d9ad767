//! A list of rows of one height of which only visible ones are made, and moving in it by keys.
use std::ops::Range;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Event, EventFilter, Id, Key, Modifiers, Rect, Response, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
};

use crate::ui::theme;
use crate::ui::theme::tokens::{line, radius};

/// How far a list is rolled.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Roll {
    offset: f32,
    height: f32,
    jump: Option<f32>,
}

/// What a person pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    To(usize),
    Enter,
}

impl Roll {
    pub(super) fn is_at_top(&self) -> bool {
        self.offset < 1.0 && self.jump.is_none_or(|it| it < 1.0)
    }

    /// Back to the top.
    pub(super) fn rewind(&mut self) {
        self.jump = Some(0.0);
    }

    /// Whether it was shown, so that it is known what is visible.
    pub(super) fn is_known(&self) -> bool {
        self.height > 0.0
    }

    /// Rolls as far as it takes to see a row.
    pub(super) fn reveal(&mut self, at: usize, row: f32) {
        let (top, offset) = (at as f32 * row, self.jump.unwrap_or(self.offset));
        if top < offset {
            self.jump = Some(top);
        } else if top + row > offset + self.height {
            self.jump = Some((top + row - self.height).max(0.0));
        }
    }

    /// What is visible stays where it is though rows came in above it.
    pub(super) fn push(&mut self, rows: usize, row: f32) {
        if rows > 0 {
            self.jump = Some(self.jump.unwrap_or(self.offset) + rows as f32 * row);
        }
    }

    /// How many rows can be seen at a time.
    pub(super) fn page(&self, row: f32) -> usize {
        ((self.height / row) as usize).max(2) - 1
    }

    /// Makes the rows that are visible.
    pub(super) fn show(&mut self, ui: &mut Ui, salt: &str, row: f32, count: usize, add: impl FnOnce(&mut Ui, Range<usize>)) {
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut area = ScrollArea::vertical().id_salt(salt).auto_shrink(false);
        if let Some(jump) = self.jump.take() {
            area = area.vertical_scroll_offset(jump);
        }
        let shown = area.show_rows(ui, row, count, add);
        (self.offset, self.height) = (shown.state.clamped_offset().y, shown.inner_rect.height());
    }
}

/// The place of a list, which takes the keyboard as one; rows lie upon it.
pub(super) fn ground(ui: &mut Ui, id: Id, rect: Rect, name: &str) -> Response {
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::List, true, name));
    if response.has_focus() {
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|it| it.set_focus_lock_filter(id, filter));
    }
    response
}

/// Shows that a list has the keyboard, once a person uses it: after a click that is plain enough.
pub(super) fn ring(ui: &Ui, list: &Response) {
    let id = list.id.with("by keyboard");
    let (key, press) = ui.input(|it| {
        let key = it.events.iter().any(|it| matches!(it, Event::Key { pressed: true, .. }));
        (key, it.pointer.any_pressed())
    });
    if key || press {
        ui.data_mut(|it| it.insert_temp(id, key && !press));
    }
    if list.has_focus() && ui.data(|it| it.get_temp(id).unwrap_or(true)) {
        let stroke = Stroke::new(line::FOCUS, theme::colors(ui).accent.ring);
        ui.painter().rect_stroke(list.rect, radius::CHIP, stroke, StrokeKind::Inside);
    }
}

/// Where the keys lead, if the list has the keyboard.
pub(super) fn pressed(ui: &Ui, list: &Response, current: Option<usize>, count: usize, page: usize) -> Option<Pressed> {
    if !list.has_focus() || count == 0 {
        return None;
    }
    let consumed = |key| ui.input_mut(|it| it.consume_key(Modifiers::NONE, key));
    if consumed(Key::Enter) {
        return Some(Pressed::Enter);
    }
    let end = count - 1;
    let from = |step: isize| current.map_or(0, |it| it.saturating_add_signed(step).min(end));
    let many = isize::try_from(page).unwrap_or(1);
    let moves = [
        (Key::ArrowDown, from(1)),
        (Key::ArrowUp, from(-1)),
        (Key::PageDown, from(many)),
        (Key::PageUp, from(-many)),
        (Key::Home, 0),
        (Key::End, end),
    ];
    moves.into_iter().find(|it| consumed(it.0)).map(|it| Pressed::To(it.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_rolled_into_view_and_rows_above_push_nothing() {
        let mut roll = Roll { offset: 100.0, height: 50.0, jump: None };
        roll.reveal(11, 10.0);
        assert_eq!(roll.jump, None, "it is visible");
        roll.reveal(15, 10.0);
        assert_eq!(roll.jump, Some(110.0));
        roll.reveal(2, 10.0);
        assert_eq!(roll.jump, Some(20.0));
        roll.push(3, 10.0);
        assert_eq!(roll.jump, Some(50.0));
        assert!(!roll.is_at_top() && Roll::default().is_at_top());
        assert_eq!(roll.page(10.0), 4);
    }
}
