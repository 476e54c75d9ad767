//! One field that is typed into: text with pills, or an expression in mono, with completion under it.
use std::ops::Range;
use std::sync::Arc;

use eframe::egui::text::{CCursor, CCursorRange, LayoutJob, TextFormat};
use eframe::egui::{
    Align, Align2, Color32, CompletionPopup, Frame, Galley, Id, KeyboardShortcut, Margin, Modifiers, OutputCommand, Pos2, Rect,
    RectAlign, Response, Stroke, StrokeKind, Suggestion, TextBuffer, TextEdit, Ui, pos2, vec2,
};

use super::complete::{self, Name};
use super::draft::Draft;
use super::pill::{self, Label};
use crate::ui::theme::tokens::{line, radius, size};
use crate::ui::theme::{self, font};
use crate::ui::widgets::cut_text;

/// Height of a line of what is typed.
const ROW: f32 = 20.0;
/// The widest pill.
const PILL: f32 = 190.0;

/// What a field is asked to show.
pub(super) struct Entry<'a> {
    pub(super) id: Id,
    /// What it is called for those who do not see it.
    pub(super) name: String,
    pub(super) hint: String,
    pub(super) draft: &'a Draft,
    /// How pills are drawn.
    pub(super) label: &'a dyn Fn(&str) -> Label,
    /// Names that an expression can begin with; asked for only where the field has the keyboard.
    pub(super) names: &'a dyn Fn() -> Vec<Name>,
    pub(super) edge: Option<Color32>,
    /// Where an expression cannot be read, in bytes of its source.
    pub(super) wrong: Option<Range<usize>>,
    /// Whether Enter begins a new line.
    pub(super) lines: bool,
    /// Its value in words, for those who do not see it.
    pub(super) words: String,
}

/// What became of it.
pub(super) struct Edited {
    pub(super) response: Response,
    pub(super) changed: Option<Draft>,
    /// Where the caret is, in characters of what is shown.
    pub(super) caret: Option<usize>,
    galley: Arc<Galley>,
    galley_pos: Pos2,
}

impl Edited {
    /// Where a caret would be at a place on the screen.
    pub(super) fn caret_near(&self, at: Pos2) -> usize {
        self.galley.cursor_from_pos(at - self.galley_pos).index.0
    }
}

/// A pill, measured.
struct Look {
    label: Label,
    width: f32,
}

impl Entry<'_> {
    pub(super) fn show(self, ui: &mut Ui) -> Edited {
        let colors = theme::colors(ui);
        let room = (ui.available_width() - 20.0).clamp(40.0, PILL);
        let looks: Vec<Look> =
            self.draft.shown.pills.iter().map(|it| look(ui, (self.label)(pill::inner(it).unwrap_or(it)), room)).collect();
        let expression = self.draft.expression;
        let wrong = self.wrong.clone().unwrap_or_default();
        let mut layouter =
            |ui: &Ui, text: &dyn TextBuffer, wrap: f32| layout(ui, text.as_str(), wrap, &looks, expression.then_some(&wrong));
        let focused = ui.memory(|it| it.has_focus(self.id));
        let edge = match self.edge {
            Some(edge) => edge,
            None if focused => colors.accent.ring,
            None => colors.stroke.usual,
        };
        let width = if focused { line::SELECT } else { line::HAIRLINE };
        let mut text = self.draft.shown.text.clone();
        let frame = Frame::new()
            .fill(colors.bg.inset)
            .stroke(Stroke::new(line::HAIRLINE, Color32::TRANSPARENT))
            .corner_radius(radius::BASE)
            .inner_margin(Margin { left: 7, right: 6, top: 3, bottom: 3 });
        let enter = self.lines.then_some(KeyboardShortcut::new(Modifiers::NONE, eframe::egui::Key::Enter));
        let edit = TextEdit::multiline(&mut text)
            .desired_rows(1)
            .desired_width(f32::INFINITY)
            .hint_text(eframe::egui::RichText::new(self.hint).color(colors.text.dim))
            .frame(frame)
            .return_key(enter)
            .layouter(&mut layouter);
        let names = self.names;
        let mut known: Vec<Name> = Vec::new();
        let output = CompletionPopup::new(self.id).word_boundary(complete::parts_words).align(RectAlign::BOTTOM_START).show(
            ui,
            edit,
            |query| {
                if !focused {
                    return Vec::new();
                }
                let start = query.text.char_indices().nth(query.word_range.start.0).map_or(query.text.len(), |(at, _)| at);
                let before = query.text.get(..start).unwrap_or_default();
                let Some(before) = within_expression(before, expression) else { return Vec::new() };
                known = names();
                complete::offers(before, query.word, &known).into_iter().map(suggestion).collect()
            },
        );
        let accepted = output.accepted.map(|it| it.insert);
        let edit = output.text_edit;
        let response = edit.response.response.clone().accessible_name(&self.name);
        ui.ctx().accesskit_node_builder(response.id, |it| it.set_description(self.words.clone()));
        let rect = response.rect;
        ui.painter().rect_stroke(rect, radius::BASE, Stroke::new(width, edge), StrokeKind::Inside);
        paint_pills(ui, &edit.galley, edit.galley_pos, rect, &looks);
        let mut caret = edit.cursor_range.map(|it| it.primary.index.0);
        let copied = |command: &mut OutputCommand| {
            if let OutputCommand::CopyText(text) = command
                && text.chars().any(|it| pill::number(it).is_some())
            {
                *text = self.draft.shown.source_of(text);
            }
        };
        if focused {
            ui.output_mut(|it| it.commands.iter_mut().for_each(copied));
        }
        let mut changed = None;
        if response.changed() || accepted.is_some() {
            let mut at = caret.unwrap_or(0);
            if let Some(insert) = &accepted {
                at = TextEdit::load_state(ui.ctx(), self.id)
                    .and_then(|it| it.cursor.char_range())
                    .map_or(at, |it| it.primary.index.0);
                at = close(&mut text, at, insert, expression, &known);
            }
            let mut draft = self.draft.clone();
            let pills = draft.shown.pills.len();
            let then = draft.typed(text, at);
            if accepted.is_some() || Some(then) != caret || draft.shown.pills.len() != pills {
                put_caret(ui, self.id, then, draft.shown.pills.len() != pills);
                caret = Some(then);
            }
            changed = Some(draft);
        }
        Edited { response, changed, caret, galley: edit.galley, galley_pos: edit.galley_pos }
    }
}

/// Puts the caret somewhere; `anew` where what was there before has other pills.
pub(super) fn put_caret(ui: &Ui, id: Id, at: usize, anew: bool) {
    let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(at))));
    if anew {
        state.clear_undoer();
    }
    TextEdit::store_state(ui.ctx(), id, state);
}

/// What stands before the word within its expression; none where the word is plain text.
fn within_expression(before: &str, expression: bool) -> Option<&str> {
    if expression {
        return Some(before.strip_prefix('=').unwrap_or(before));
    }
    let (head, inside) = before.rsplit_once("{{")?;
    (!inside.contains("}}") && !head.ends_with('{')).then_some(inside)
}

fn suggestion(offer: complete::Offer) -> Suggestion {
    let room = 22usize.saturating_sub(offer.insert.chars().count());
    let about: String = offer.about.chars().take(room).collect();
    let about =
        if about.chars().count() < offer.about.chars().count() && room > 0 { format!("{}…", about.trim_end()) } else { about };
    let suggestion = Suggestion::new(offer.insert);
    if room < 5 { suggestion } else { suggestion.description(about) }
}

/// Behind what was taken from the list: within a call's parentheses, or, in text, behind the closed braces.
fn close(text: &mut String, caret: usize, insert: &str, expression: bool, names: &[Name]) -> usize {
    let caret = if insert.ends_with("()") { caret - 1 } else { caret };
    if expression || insert.ends_with("()") || !is_leaf(insert, names) {
        return caret;
    }
    let at = text.char_indices().nth(caret).map_or(text.len(), |(at, _)| at);
    if text.get(at..).is_some_and(|it| it.trim_start().starts_with("}}")) {
        return caret;
    }
    text.insert_str(at, " }}");
    caret + 3
}

/// Whether there is nothing within what a path leads to.
fn is_leaf(path: &str, names: &[Name]) -> bool {
    let Some(path) = super::reference::plain_path(path) else { return false };
    let Some(crate::expr::Segment::Key(first)) = path.first() else { return false };
    let mut at = names.iter().find(|it| it.word == *first).and_then(|it| it.value.as_deref());
    for segment in path.iter().skip(1) {
        at = match (at, segment) {
            (Some(value), crate::expr::Segment::Key(key)) => value.get(key.as_str()),
            (Some(value), crate::expr::Segment::Index(index)) => usize::try_from(*index).ok().and_then(|it| value.get(it)),
            _ => None,
        };
    }
    at.is_some_and(|it| !it.is_object() && !it.is_array())
}

fn look(ui: &Ui, label: Label, room: f32) -> Look {
    let galley = ui.painter().layout_no_wrap(label.words.clone(), font::medium(size::SMALL), Color32::PLACEHOLDER);
    // A step of eight keeps the sizes of the marks few.
    let width = ((galley.size().x + 28.0) / 8.0).ceil() * 8.0;
    Look { label, width: width.min((room / 8.0).floor() * 8.0) }
}

fn layout(ui: &Ui, text: &str, wrap: f32, looks: &[Look], expression: Option<&Range<usize>>) -> Arc<Galley> {
    let colors = theme::colors(ui);
    let plain = TextFormat {
        font_id: if expression.is_some() { font::mono(size::MONO) } else { font::regular(size::BODY) },
        color: colors.text.strong,
        line_height: Some(ROW),
        valign: Align::Center,
        ..TextFormat::default()
    };
    let mut job = LayoutJob { keep_trailing_whitespace: true, ..LayoutJob::default() };
    job.wrap.max_width = wrap;
    if let Some(wrong) = expression.filter(|it| !it.is_empty()) {
        // The source begins behind `=`; what is wrong in it is marked.
        let (start, end) = ((wrong.start + 1).min(text.len()), (wrong.end + 1).min(text.len()));
        if let (Some(before), Some(there), Some(after)) = (text.get(..start), text.get(start..end), text.get(end..)) {
            let marked = TextFormat { color: colors.failed.text, background: colors.failed.tint, ..plain.clone() };
            for (piece, format) in [(before, plain.clone()), (there, marked), (after, plain)] {
                job.append(piece, 0.0, format);
            }
            return ui.fonts_mut(|it| it.layout_job(job));
        }
    }
    let mut run = String::new();
    for letter in text.chars() {
        match pill::number(letter).and_then(|at| looks.get(at)) {
            Some(look) => {
                if !run.is_empty() {
                    job.append(&std::mem::take(&mut run), 0.0, plain.clone());
                }
                // The mark itself is not seen; it only takes the room that the pill is drawn in.
                let em = ui.fonts_mut(|it| it.glyph_width(&font::icons(100.0), letter)) / 100.0;
                let font_id = font::icons(look.width / if em > 0.0 { em } else { 1.0 });
                let format = TextFormat { font_id, color: Color32::TRANSPARENT, ..plain.clone() };
                job.append(letter.encode_utf8(&mut [0; 4]), 0.0, format);
            }
            None => run.push(letter),
        }
    }
    if !run.is_empty() || job.sections.is_empty() {
        job.append(&run, 0.0, plain);
    }
    ui.fonts_mut(|it| it.layout_job(job))
}

fn paint_pills(ui: &Ui, galley: &Galley, at: Pos2, clip: Rect, looks: &[Look]) {
    if looks.is_empty() {
        return;
    }
    let colors = theme::colors(ui);
    let ui_painter = ui.painter_at(clip.shrink(1.0).intersect(ui.clip_rect()));
    for row in &galley.rows {
        for glyph in &row.row.glyphs {
            let Some(look) = pill::number(glyph.chr).and_then(|it| looks.get(it)) else { continue };
            let left = at.x + row.pos.x + glyph.pos.x;
            let middle = at.y + row.pos.y + row.row.size.y / 2.0;
            let rect = Rect::from_min_max(pos2(left + 1.0, middle - 10.0), pos2(left + glyph.advance_width - 1.0, middle + 10.0));
            let ink = look.label.hue.ink(colors);
            ui_painter.rect(
                rect,
                radius::CHIP,
                ink.tint,
                Stroke::new(line::HAIRLINE, ink.mark.gamma_multiply(0.5)),
                StrokeKind::Inside,
            );
            ui_painter.text(
                rect.left_center() + vec2(11.0, 0.0),
                Align2::CENTER_CENTER,
                look.label.icon,
                font::icons(12.0),
                ink.text,
            );
            let words = rect.left_center() + vec2(20.0, 0.0);
            cut_text(ui, words, &look.label.words, font::medium(size::SMALL), ink.text, rect.width() - 24.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    #[test]
    fn completion_is_of_expressions_only() {
        for (before, expression, inside) in [
            ("=a + ", true, Some("a + ")),
            ("Dear {{ ", false, Some(" ")),
            ("Dear {{ a }} ", false, None),
            ("Dear ", false, None),
        ] {
            assert_eq!(within_expression(before, expression), inside, "{before}");
        }
    }

    #[test]
    fn what_is_taken_from_the_list_is_closed_where_it_is_whole() {
        let value = Some(Arc::new(json!({"email": "x", "person": {"id": 1}})));
        let names = [Name { word: "contact".to_owned(), title: String::new(), value }];
        let closed = |text: &str, insert: &str, expression| {
            let mut text = text.to_owned();
            let caret = text.chars().count();
            let caret = close(&mut text, caret, insert, expression, &names);
            (text, caret)
        };
        assert_eq!(closed("{{ contact.email", "contact.email", false), ("{{ contact.email }}".to_owned(), 19));
        assert_eq!(closed("{{ contact.person", "contact.person", false), ("{{ contact.person".to_owned(), 17));
        assert_eq!(closed("=contact.email", "contact.email", true), ("=contact.email".to_owned(), 14));
        assert_eq!(closed("=now()", "now()", true), ("=now()".to_owned(), 5));
    }
}
