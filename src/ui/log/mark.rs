//! Selecting a part of a long text by mouse and keys, and copying it. The text is in lines of which only visible ones are made.
//!
//! Invariant: what is copied is the text as it is, without the breaks that only make it fit.
use std::ops::Range;

use eframe::egui::{Context, CursorIcon, Event, EventFilter, Id, Key, Modifiers, Pos2, Rect, Sense, Ui, vec2};

use super::body::Lines;
use super::text;
use crate::ui::keymap;
use crate::ui::theme::tokens::space;

/// Points beyond the edge for which the text is rolled by one, in a frame.
const PULL: f32 = 0.3;

/// What is selected, in bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    anchor: usize,
    head: usize,
}

impl Mark {
    /// From the first byte to behind the last.
    pub(super) fn range(self) -> Range<usize> {
        self.anchor.min(self.head)..self.anchor.max(self.head)
    }
}

/// Whether a text with something selected has the keyboard, so that copying is about that.
pub(crate) fn has_keyboard(ctx: &Context) -> bool {
    let marked = ctx.data(|it| it.get_temp::<Id>(seat()));
    marked.is_some_and(|it| ctx.memory(|memory| memory.has_focus(it)))
}

fn seat() -> Id {
    Id::unique("the text in which something is selected")
}

/// Hears the mouse and the keys over visible lines of a text; they lie below one another in `area`, the first is line `first`.
pub(super) fn hear(ui: &mut Ui, id: Id, area: Rect, lines: &Lines, first: usize, mark: &mut Option<Mark>) {
    // From the margins on, so that the first and the last letter are easy to meet.
    let response =
        ui.interact(area.expand2(vec2(8.0 + space::M, 0.0)), id, Sense::click_and_drag()).on_hover_cursor(CursorIcon::Text);
    let at = |pos: Pos2| place(ui, area, lines, first, pos);
    if let Some(pos) = response.interact_pointer_pos() {
        let here = at(pos);
        let (pressed, shift) = ui.input(|it| (it.pointer.primary_pressed(), it.modifiers.shift));
        if response.triple_clicked() {
            *mark = Some(whole_line(lines, here));
        } else if response.double_clicked() {
            *mark = Some(word(lines.text(), here));
        } else if pressed {
            response.request_focus();
            let anchor = if shift { mark.map_or(here, |it| it.anchor) } else { here };
            *mark = Some(Mark { anchor, head: here });
        } else if response.dragged() {
            if let Some(mark) = mark {
                mark.head = here;
            }
            pull(ui, pos);
        }
    }
    if !response.has_focus() {
        return;
    }
    ui.memory_mut(|it| it.set_focus_lock_filter(id, EventFilter { horizontal_arrows: true, ..EventFilter::default() }));
    keymap::hold(ui.ctx(), id, true);
    if ui.input_mut(|it| it.consume_key(Modifiers::COMMAND, Key::A)) {
        *mark = Some(Mark { anchor: 0, head: lines.text().len() });
    }
    let chosen = mark.map(Mark::range).filter(|it| !it.is_empty());
    ui.data_mut(|it| {
        if chosen.is_some() {
            it.insert_temp(seat(), id);
        } else {
            it.remove::<Id>(seat());
        }
    });
    let copies = ui.input_mut(|it| {
        let before = it.events.len();
        it.events.retain(|it| chosen.is_none() || !matches!(it, Event::Copy));
        it.events.len() < before
    });
    if let Some(text) = chosen.filter(|_| copies).and_then(|it| lines.text().get(it)) {
        ui.copy_text(text.to_owned());
    }
}

/// Rolls the text while the mouse is beyond its edge.
fn pull(ui: &Ui, pos: Pos2) {
    let clip = ui.clip_rect();
    let beyond = (pos.y - clip.bottom()).max(0.0) + (pos.y - clip.top()).min(0.0);
    if beyond != 0.0 {
        ui.scroll_with_delta(vec2(0.0, -beyond * PULL));
        ui.ctx().request_repaint();
    }
}

/// The byte of the text at a position.
fn place(ui: &Ui, area: Rect, lines: &Lines, first: usize, pos: Pos2) -> usize {
    let row = ((pos.y - area.top()) / text::LINE).floor();
    let last = lines.len().saturating_sub(1);
    let line = if row < 0.0 { first.saturating_sub(1) } else { (first + row as usize).min(last) };
    let range = lines.range(line);
    range.start + text::byte_at(ui, lines.get(line), pos.x - area.left())
}

/// The run of letters and digits around a byte, or the one character that is there.
fn word(text: &str, at: usize) -> Mark {
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default());
    let left: usize = before.chars().rev().take_while(|it| is_word(*it)).map(char::len_utf8).sum();
    let right: usize = after.chars().take_while(|it| is_word(*it)).map(char::len_utf8).sum();
    let one = if left + right == 0 { after.chars().next().map_or(0, char::len_utf8) } else { right };
    Mark { anchor: at - left, head: at + one }
}

/// The line of the text that a byte is in, over all the lines that it is shown in.
fn whole_line(lines: &Lines, at: usize) -> Mark {
    let text = lines.text();
    let anchor = text.get(..at).and_then(|it| it.rfind('\n')).map_or(0, |it| it + 1);
    let head = text.get(at..).and_then(|it| it.find('\n')).map_or(text.len(), |it| at + it);
    Mark { anchor, head }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_a_line_are_found_around_a_place() {
        let text = "{\"größe\": 12,\n\"b\": 3}";
        let of = |mark: Mark| &text[mark.range()];
        assert_eq!(of(word(text, 4)), "größe");
        assert_eq!(of(word(text, 2)), "größe");
        assert_eq!(of(word(text, 1)), "\"");
        assert_eq!(of(word(text, 12)), "12");
        assert_eq!(of(word(text, text.len())), "");
        let lines = Lines::new(text.to_owned(), 8);
        assert_eq!(of(whole_line(&lines, 3)), "{\"größe\": 12,");
        assert_eq!(of(whole_line(&lines, text.len())), "\"b\": 3}");
        assert_eq!(Mark { anchor: 5, head: 2 }.range(), 2..5);
    }
}
