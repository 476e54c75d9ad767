//! Paints lines of a body: in the colours of its parts, with what is looked for lit.
use std::ops::Range;

use eframe::egui::text::{CCursor, LayoutJob, TextFormat};
use eframe::egui::{Color32, FontId, Rect, Ui, pos2, vec2};

use super::body::{self, Tone};
use crate::ui::theme::tokens::size;
use crate::ui::theme::{self, Colors, font};

/// The height of a line.
pub(super) const LINE: f32 = 17.0;

/// What text of a call is written in.
pub(super) fn code() -> FontId {
    font::mono(size::MONO_SMALL)
}

/// How many letters fit.
pub(super) fn letters(ui: &Ui, width: f32) -> usize {
    let one = ui.ctx().fonts_mut(|it| it.glyph_width(&code(), 'm')).max(1.0);
    (width / one).max(8.0) as usize
}

/// A line from its left middle on, with what of it is selected on a ground of its own; bytes beyond its end select its break.
pub(super) fn line(ui: &Ui, rect: Rect, text: &str, wanted: &str, colored: bool, marked: Option<Range<usize>>) {
    let colors = theme::colors(ui);
    let parts = if colored { body::tones(text) } else { vec![(0..text.len(), Tone::Plain)] };
    let job = lit(text, &parts_of(&parts, colors), wanted, &code(), colors);
    let galley = ui.painter().layout_job(job);
    if let Some(marked) = marked {
        let x = |byte: usize| {
            let letters = text.get(..byte.min(text.len())).map_or(0, |it| it.chars().count());
            rect.left() + galley.pos_from_cursor(CCursor::new(letters)).left()
        };
        let beyond = if marked.end > text.len() { 5.0 } else { 0.0 };
        let ground = Rect::from_x_y_ranges(x(marked.start)..=x(marked.end) + beyond, rect.y_range());
        ui.painter().rect_filled(ground, 0.0, ui.visuals().selection.bg_fill);
    }
    ui.painter().galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, colors.text.body);
}

/// The byte of a line that is nearest to a distance from its left.
pub(super) fn byte_at(ui: &Ui, text: &str, x: f32) -> usize {
    let galley = ui.painter().layout_no_wrap(text.to_owned(), code(), Color32::WHITE);
    let letter = galley.cursor_from_pos(vec2(x, galley.size().y / 2.0)).index.0;
    text.char_indices().nth(letter).map_or(text.len(), |it| it.0)
}

fn parts_of(parts: &[(Range<usize>, Tone)], colors: &Colors) -> Vec<(Range<usize>, Color32)> {
    let color = |tone| match tone {
        Tone::Key => colors.syntax.key,
        Tone::Text => colors.syntax.string,
        Tone::Number => colors.syntax.number,
        Tone::Literal => colors.syntax.literal,
        Tone::Mark => colors.syntax.punct,
        Tone::Plain => colors.text.body,
    };
    parts.iter().map(|(range, tone)| (range.clone(), color(*tone))).collect()
}

/// Parts in their colours, and what is looked for on a ground of its own.
pub(super) fn lit(text: &str, parts: &[(Range<usize>, Color32)], wanted: &str, font: &FontId, colors: &Colors) -> LayoutJob {
    let hits = if wanted.is_empty() { Vec::new() } else { body::hits(text, wanted) };
    let mut job = LayoutJob::default();
    job.wrap.max_width = f32::INFINITY;
    for (range, color) in parts {
        let mut at = range.start;
        while at < range.end {
            let inside = hits.iter().find(|it| it.contains(&at));
            let next = hits.iter().map(|it| it.start).find(|it| *it > at);
            let end = inside.map(|it| it.end).or(next).unwrap_or(range.end).min(range.end);
            let mut format = TextFormat::simple(font.clone(), *color);
            if inside.is_some() {
                (format.color, format.background) = (colors.syntax.hit_text, colors.syntax.hit);
            }
            job.append(text.get(at..end).unwrap_or_default(), 0.0, format);
            at = end;
        }
    }
    job
}

/// Words from their left middle on, with what is looked for lit, cut where there is no room.
pub(super) fn words(ui: &Ui, at: eframe::egui::Pos2, text: &str, wanted: &str, font: &FontId, color: Color32, room: f32) {
    let mut job = lit(text, &[(0..text.len(), color)], wanted, font, theme::colors(ui));
    job.wrap = eframe::egui::text::TextWrapping::truncate_at_width(room.max(0.0));
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(at - vec2(0.0, galley.size().y / 2.0), galley, color);
}
