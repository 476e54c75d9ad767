//! Text with pills: each `{{ }}` is one character of what is edited, so that the caret steps over it and one key deletes it.
//!
//! Invariant: [`Shown::of`] and [`Shown::source`] are each other's opposite, byte for byte.
use crate::expr::{Expr, Segment};
use crate::flow::{Flow, NodeId};
use crate::ui::canvas::kind::{Hue, face};
use crate::ui::canvas::sentence::expression_words;
use crate::ui::theme::icon;

use super::reference::{field_words, plain_path};

/// The characters that stand for pills: every second one of a run of the icon font, so that each has a glyph.
const FIRST: u32 = 0xe57a;
const MOST: usize = 155;

/// Text as it is edited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// By number: what each pill stands for, with its braces.
    pub(super) pills: Vec<String>,
}

fn mark(at: usize) -> Option<char> {
    if at < MOST { char::from_u32(FIRST + 2 * u32::try_from(at).ok()?) } else { None }
}

/// The number of the pill that a character stands for.
pub(super) fn number(letter: char) -> Option<usize> {
    let off = u32::from(letter).checked_sub(FIRST)?;
    let at = (off / 2) as usize;
    (off.is_multiple_of(2) && at < MOST).then_some(at)
}

impl Shown {
    /// Of a text with `{{ }}`. What cannot be read stays as it is written.
    pub(super) fn of(source: &str) -> Self {
        let mut shown = Self::default();
        let mut rest = source;
        while let Some(start) = rest.find("{{") {
            let (before, from) = rest.split_at(start);
            let end = from.match_indices("}}").map(|(at, _)| at + 2).find(|end| {
                let inner = from.get(2..end - 2).unwrap_or_default();
                Expr::parse(inner.trim_matches('-')).is_ok()
            });
            shown.plain(before);
            match end {
                Some(end) if shown.pills.len() < MOST => {
                    shown.pill(&from[..end]);
                    rest = &from[end..];
                }
                _ => {
                    shown.plain("{{");
                    rest = &from[2..];
                }
            }
        }
        shown.plain(rest);
        shown
    }

    fn plain(&mut self, text: &str) {
        for letter in text.chars() {
            if number(letter).is_some() {
                self.pill(letter.encode_utf8(&mut [0; 4]));
            } else {
                self.text.push(letter);
            }
        }
    }

    fn pill(&mut self, source: &str) {
        if let Some(mark) = mark(self.pills.len()) {
            self.text.push(mark);
            self.pills.push(source.to_owned());
        }
    }

    /// What it stands for. A mark without a pill, as another field's clipboard may hold, is left out.
    pub(super) fn source(&self) -> String {
        self.source_of(&self.text)
    }

    /// What a part of it stands for.
    pub(super) fn source_of(&self, text: &str) -> String {
        let mut source = String::with_capacity(text.len());
        for letter in text.chars() {
            match number(letter) {
                Some(at) => source.push_str(self.pills.get(at).map_or("", String::as_str)),
                None => source.push(letter),
            }
        }
        source
    }

    /// Where a caret of what is edited stands in the source, in bytes.
    pub(super) fn source_at(&self, caret: usize) -> usize {
        let before: String = self.text.chars().take(caret).collect();
        self.source_of(&before).len()
    }

    /// Where a place of the source stands in what is edited, in characters; within a pill, behind it.
    pub(super) fn caret_at(&self, place: usize) -> usize {
        let mut at = 0;
        for (caret, letter) in self.text.chars().enumerate() {
            if at >= place {
                return caret;
            }
            at += match number(letter) {
                Some(pill) => self.pills.get(pill).map_or(0, String::len),
                None => letter.len_utf8(),
            };
        }
        self.text.chars().count()
    }

    /// The expression, where there is one pill and nothing else.
    pub(super) fn only_pill(&self) -> Option<&str> {
        let mut letters = self.text.chars();
        let pill = self.pills.get(number(letters.next()?)?)?;
        letters.next().is_none().then(|| inner(pill)).flatten()
    }
}

/// What stands between the braces of a pill.
pub(super) fn inner(pill: &str) -> Option<&str> {
    Some(pill.strip_prefix("{{")?.strip_suffix("}}")?.trim_matches('-').trim())
}

/// How a pill is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) icon: char,
    pub(super) hue: Hue,
    pub(super) words: String,
}

/// Names the step and the field that an expression speaks of: "Contact · E-mail".
pub(super) fn label(source: &str, flow: &Flow, catalog: &crate::catalog::Catalog) -> Label {
    let roots = Expr::parse(source).map(|it| it.references().iter().map(|it| it.root().to_owned()).collect::<Vec<_>>());
    let node = roots.ok().and_then(|it| flow.nodes.get_key_value(&NodeId::new(it.first()?.as_str())));
    let (icon, hue) = node.map_or((icon::FUNCTION, Hue::Logic), |(_, node)| {
        let face = face(&node.kind, catalog);
        (face.icon, face.hue)
    });
    let words = match plain_path(source) {
        Some(path) => {
            let of = match path.first() {
                Some(Segment::Key(root)) => step_words(root, flow),
                _ => String::new(),
            };
            match field_words(&path) {
                field if field.is_empty() => of,
                field => format!("{of} · {field}"),
            }
        }
        None => expression_words(source),
    };
    Label { icon, hue, words }
}

/// What a person calls a step, or a name that is no step.
pub(super) fn step_words(root: &str, flow: &Flow) -> String {
    match flow.nodes.get(&NodeId::new(root)) {
        Some(node) if !node.name.trim().is_empty() => node.name.trim().to_owned(),
        _ => match root {
            "item" => "This item".to_owned(),
            "index" => "Number of this item".to_owned(),
            "run" => "Run".to_owned(),
            "error" => "Failure".to_owned(),
            other => crate::ui::canvas::sentence::title(other),
        },
    }
}

/// All of it as a person reads it.
pub(super) fn plain_words(shown: &Shown, flow: &Flow, catalog: &crate::catalog::Catalog) -> String {
    let mut words = String::new();
    for letter in shown.text.chars() {
        match number(letter).and_then(|at| shown.pills.get(at)) {
            Some(pill) => words.push_str(&label(inner(pill).unwrap_or(pill), flow, catalog).words),
            None => words.push(letter),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_is_written() {
        let broken = "{{ a. }} and {{ b }}";
        for (source, pills) in [
            ("", 0),
            ("plain", 0),
            ("{{ a.b }}", 1),
            ("Dear {{ a.b }}, {{a.c|upper}}!", 2),
            ("{{ a", 0),
            ("a }} b {{", 0),
            (broken, 1),
            ("{{ '}}' }}x", 1),
            ("ñ {{- a -}} ü", 1),
            ("\u{e57a} {{ a }}", 2),
        ] {
            let shown = Shown::of(source);
            assert_eq!(shown.source(), source);
            assert_eq!(shown.pills.len(), pills, "{source}");
        }
    }

    #[test]
    fn more_pills_than_there_are_marks_stay_text() {
        let source = "{{ a }}".repeat(MOST + 20);
        let shown = Shown::of(&source);
        assert_eq!((shown.pills.len(), shown.source()), (MOST, source));
    }

    #[test]
    fn carets_and_places_go_together() {
        let shown = Shown::of("é {{ a.b }} z");
        assert_eq!(shown.text.chars().count(), 5);
        for (caret, place) in [(0, 0), (1, 2), (2, 3), (3, 12), (4, 13), (5, 14)] {
            assert_eq!(shown.source_at(caret), place);
            assert_eq!(shown.caret_at(place), caret);
        }
        assert_eq!(shown.caret_at(7), 3);
        assert_eq!(shown.caret_at(999), 5);
    }

    #[test]
    fn a_pill_alone_is_an_expression() {
        assert_eq!(Shown::of("{{ a.b }}").only_pill(), Some("a.b"));
        assert_eq!(Shown::of("{{ a.b }} ").only_pill(), None);
        assert_eq!(Shown::of("x").only_pill(), None);
    }

    #[test]
    fn a_pill_names_its_step_and_field() {
        let flow = &crate::ui::template::all()[0].flow;
        let catalog = crate::catalog::Catalog::shipped();
        let words = |source: &str| label(source, flow, &catalog).words;
        let step = |id: &str| flow.nodes[&NodeId::new(id)].name.clone();
        assert_eq!(words("save_contact.contact.id"), format!("{} · Contact id", step("save_contact")));
        assert_eq!(words("item.name"), "This item · Name");
        assert_eq!(words("contact.email | lower"), "Email");
    }
}
