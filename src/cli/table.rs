//! Columns of text.
use super::print::{Plain, Printer, STRONG, paint};

/// Rows under a heading, each column as wide as its widest cell.
pub(super) struct Table {
    head: Vec<&'static str>,
    /// Columns whose cells are numbers stand on the right.
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// No cell is wider than this; what is longer is cut, except in the last column.
    const WIDEST: usize = 60;

    /// A heading that starts with `>` puts its column on the right.
    pub(super) fn new<const N: usize>(head: [&'static str; N]) -> Self {
        let right = head.iter().map(|it| it.starts_with('>')).collect();
        Self { head: head.iter().map(|it| it.trim_start_matches('>')).collect(), right, rows: Vec::new() }
    }

    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let last = N.saturating_sub(1);
        let cells = cells.into_iter().enumerate();
        self.rows.push(
            cells.map(|(at, cell)| if at == last { one_line(&cell) } else { cut(&one_line(&cell), Self::WIDEST) }).collect(),
        );
    }

    pub(super) fn print(&self, to: &mut Printer) {
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.max().unwrap_or(0).max(self.head.get(at).map_or(0, |it| it.len()))
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let join = |cells: &[&str]| {
            let padded = cells.iter().zip(&widths).zip(&self.right);
            let padded =
                padded.map(|((cell, &width), &right)| if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        to.line(paint(STRONG, join(&self.head)));
        for row in &self.rows {
            if to.is_closed() {
                return;
            }
            to.line(join(&row.iter().map(String::as_str).collect::<Vec<_>>()));
        }
    }
}

fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Plain(&text).to_string()
}

/// At most so many characters; what is cut is marked.
pub(super) fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_and_marked() {
        assert_eq!(cut("Zoë Müller", 5), "Zoë …");
        assert_eq!(cut("Zoë", 3), "Zoë");
    }

    #[test]
    fn a_cell_is_one_line() {
        assert_eq!(one_line("a\n  b\u{7}"), "a b\u{fffd}");
    }
}
