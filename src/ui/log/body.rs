//! A body as lines that fit, and the colours of its parts.
//!
//! Invariant: pure. Every line is as short as there is room for, so that only visible ones are ever laid out.
use std::ops::Range;

use serde_json::Value;

/// A text in lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lines {
    text: String,
    lines: Vec<Range<usize>>,
}

/// What a part of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Key,
    Text,
    Number,
    Literal,
    Mark,
    Plain,
}

impl Lines {
    /// In lines of at most so many letters.
    pub(super) fn new(text: String, width: usize) -> Self {
        let width = width.max(8);
        let mut lines = Vec::new();
        let mut begin = 0;
        for line in text.split_inclusive('\n') {
            let end = begin + line.trim_end_matches(['\n', '\r']).len();
            let mut from = begin;
            let mut letters = 0;
            for (at, _) in text[begin..end].char_indices() {
                if letters == width {
                    lines.push(from..begin + at);
                    (from, letters) = (begin + at, 0);
                }
                letters += 1;
            }
            lines.push(from..end);
            begin += line.len();
        }
        Self { text, lines }
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// All of it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Which bytes of the text a line is.
    pub(super) fn range(&self, at: usize) -> Range<usize> {
        self.lines.get(at).cloned().unwrap_or(self.text.len()..self.text.len())
    }

    pub(super) fn get(&self, at: usize) -> &str {
        self.lines.get(at).and_then(|it| self.text.get(it.clone())).unwrap_or_default()
    }
}

/// JSON laid out; none for other text.
pub(super) fn pretty(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

/// The parts of a line of JSON, in order and without gaps.
pub(super) fn tones(line: &str) -> Vec<(Range<usize>, Tone)> {
    let mut parts: Vec<(Range<usize>, Tone)> = Vec::new();
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let from = at;
        let tone = match bytes[at] {
            b'"' => {
                at = after_text(bytes, at + 1);
                if line[at..].trim_start().starts_with(':') { Tone::Key } else { Tone::Text }
            }
            b'-' | b'0'..=b'9' => {
                at += bytes[at..].iter().take_while(|it| it.is_ascii_alphanumeric() || b"+-.".contains(it)).count();
                Tone::Number
            }
            b'a'..=b'z' => {
                at += bytes[at..].iter().take_while(|it| it.is_ascii_alphanumeric()).count();
                if matches!(&line[from..at], "true" | "false" | "null") { Tone::Literal } else { Tone::Plain }
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => {
                at += 1;
                Tone::Mark
            }
            _ => {
                at += line[at..].chars().next().map_or(1, char::len_utf8);
                Tone::Plain
            }
        };
        match parts.last_mut() {
            Some((range, last)) if *last == tone => range.end = at,
            _ => parts.push((from..at, tone)),
        }
    }
    parts
}

/// Behind the quotes that end a text.
fn after_text(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at = (at + 2).min(bytes.len()),
            _ => at += 1,
        }
    }
    // A line that was cut in two may end within.
    bytes.len()
}

/// Where a text occurs in a line, in upper or lower case.
pub(super) fn hits(line: &str, wanted: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let first = wanted.chars().next().map(|it| it.to_lowercase().collect::<String>());
    let Some(first) = first else { return found };
    let mut at = 0;
    while let Some(letter) = line[at..].chars().next() {
        let length = if letter.to_lowercase().eq(first.chars()) { match_length(&line[at..], wanted) } else { None };
        match length {
            Some(length) => {
                found.push(at..at + length);
                at += length;
            }
            None => at += letter.len_utf8(),
        }
    }
    found
}

/// How many bytes of the text are the wanted words.
fn match_length(text: &str, wanted: &str) -> Option<usize> {
    let mut letters = text.char_indices();
    for want in wanted.chars() {
        let (_, letter) = letters.next()?;
        if !letter.to_lowercase().eq(want.to_lowercase()) {
            return None;
        }
    }
    Some(letters.next().map_or(text.len(), |it| it.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_long_as_there_is_room_and_nothing_is_lost() {
        let lines = |text: &str| {
            let lines = Lines::new(text.to_owned(), 8);
            (0..lines.len()).map(|it| lines.get(it).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(lines("a\nb\r\n\nc"), ["a", "b", "", "c"]);
        assert_eq!(lines("12345678"), ["12345678"]);
        assert_eq!(lines("ääääääääb\n1234567890"), ["ääääääää", "b", "12345678", "90"]);
        assert!(lines("").is_empty());
        let long = "ü".repeat(100_001);
        assert_eq!(Lines::new(long, 100).len(), 1_001);
    }

    #[test]
    fn json_is_laid_out_and_other_text_is_not() {
        assert_eq!(pretty("{\"a\":[1]}").as_deref(), Some("{\n  \"a\": [\n    1\n  ]\n}"));
        assert_eq!(pretty("<html>"), None);
        assert_eq!(pretty("{\"cut\": \"of"), None);
    }

    #[test]
    fn the_parts_of_a_line_have_tones() {
        let line = r#"  "na\"me": "x: 1", "n": -1.5e3, "ok": true,"#;
        let parts: Vec<(&str, Tone)> = tones(line).into_iter().map(|(it, tone)| (&line[it], tone)).collect();
        assert_eq!(parts[1], (r#""na\"me""#, Tone::Key));
        assert_eq!(parts[4], (r#""x: 1""#, Tone::Text));
        assert!(parts.contains(&("-1.5e3", Tone::Number)) && parts.contains(&("true", Tone::Literal)));
        for odd in ["", "\"open", "ä \"ü\\", "\\", "truely", "\"\\"] {
            let whole: String = tones(odd).into_iter().map(|(it, _)| &odd[it]).collect();
            assert_eq!(whole, odd);
        }
    }

    #[test]
    fn words_are_found_in_any_case() {
        let places =
            |line: &str, wanted: &str| hits(line, wanted).iter().map(|it| format!("{it:?}")).collect::<Vec<_>>().join(" ");
        for (line, wanted, expected) in [
            ("Mira OAKFIELD, oakfield", "oakfield", "5..13 15..23"),
            ("jürgen JÜRGEN", "Jürgen", "0..7 8..15"),
            ("aaa", "aa", "0..2"),
            ("abc", "", ""),
            ("ab", "abc", ""),
        ] {
            assert_eq!(places(line, wanted), expected, "{line}");
        }
    }
}
