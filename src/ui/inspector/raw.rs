//! A value written out as JSON, line by line.
use std::io::{self, Write};

use eframe::egui::{Label, RichText, ScrollArea, Ui};
use serde_json::Value;

use crate::ui::theme::tokens::size;
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim};

/// What is written out at most, in bytes.
const LONGEST: usize = 16 * 1024 * 1024;
/// A line is shown up to here.
const LINE: usize = 2_000;

/// Text in lines.
#[derive(Debug)]
pub(super) struct Raw {
    text: String,
    /// Where each line begins.
    lines: Vec<usize>,
    /// There is more than is written out.
    cut: bool,
}

/// Takes so much, and no more.
struct Bounded {
    taken: Vec<u8>,
    left: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.left);
        if taken == 0 && !bytes.is_empty() {
            return Err(io::Error::other("enough"));
        }
        self.taken.extend_from_slice(&bytes[..taken]);
        self.left -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Raw {
    /// Writes a value out.
    pub(super) fn of(value: &Value) -> Self {
        Self::bounded(value, LONGEST)
    }

    fn bounded(value: &Value, longest: usize) -> Self {
        let mut out = Bounded { taken: Vec::new(), left: longest };
        let cut = serde_json::to_writer_pretty(&mut out, value).is_err();
        let text = String::from_utf8_lossy(&out.taken).into_owned();
        let breaks = text.bytes().enumerate().filter(|(_, it)| *it == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Self { text, lines, cut }
    }

    fn line(&self, at: usize) -> &str {
        let start = self.lines.get(at).copied().unwrap_or(self.text.len());
        let end = self.lines.get(at + 1).map_or(self.text.len(), |it| it - 1);
        let line = self.text.get(start..end).unwrap_or_default();
        match line.char_indices().nth(LINE) {
            Some((end, _)) => &line[..end],
            None => line,
        }
    }

    pub(super) fn show(&self, ui: &mut Ui) {
        let colors = theme::colors(ui);
        ui.horizontal(|ui| {
            if button::icon(ui, icon::COPY, "Copy it").clicked() {
                ui.ctx().copy_text(self.text.clone());
            }
            if self.cut {
                ui.label(dim(ui, "Too large to show whole: this is its beginning."));
            }
        });
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::both().id_salt("raw").auto_shrink(false).show_rows(ui, 16.0, self.lines.len(), |ui, range| {
            for at in range {
                let text = RichText::new(self.line(at)).font(font::mono(size::MONO_SMALL)).color(colors.text.body);
                ui.add(Label::new(text).selectable(true).extend());
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_written_out_in_lines_and_cut_where_it_is_too_much() {
        let raw = Raw::of(&json!({"a": [1, 2], "b": "x"}));
        let lines: Vec<&str> = (0..raw.lines.len()).map(|it| raw.line(it)).collect();
        assert_eq!(lines, ["{", "  \"a\": [", "    1,", "    2", "  ],", "  \"b\": \"x\"", "}"]);
        assert!(!raw.cut);
        let cut = Raw::bounded(&json!("x".repeat(100)), 20);
        assert!(cut.cut && cut.text.len() == 20);
        assert_eq!(Raw::of(&json!("y".repeat(5_000))).line(0).len(), LINE);
    }
}
