//! Tables as RFC 4180 has them, read a row at a time: quoted texts with line breaks in them, a byte order mark, and `,` `;` or
//! a tab between the columns.
use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead};

/// No row is longer, in bytes.
const LONGEST: usize = 1 << 20;
/// No row has more columns.
const WIDEST: usize = 4_096;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why bytes are no UTF-8 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Two bytes a letter.
    Utf16,
    /// One byte a letter, as older programs write.
    OneByte,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16 => "it is written as UTF-16",
            Self::OneByte => "it is written in an older encoding, such as Latin-1 or Windows-1252",
        })
    }
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What stands in its columns, as bytes.
    fields: Vec<Vec<u8>>,
    /// How many bytes of the file it and its line end take.
    pub bytes: u64,
    /// Whether a line end came after it; without one it may be half a row.
    pub is_whole: bool,
}

impl Row {
    /// What stands in its columns.
    ///
    /// # Errors
    /// If it is no UTF-8.
    pub fn texts(&self) -> Result<Vec<String>, Encoding> {
        self.fields.iter().map(|it| text(it).map(Cow::into_owned)).collect()
    }

    /// Whether nothing stands on its line.
    pub fn is_empty(&self) -> bool {
        self.fields.iter().all(Vec::is_empty)
    }
}

/// Reads rows, one after the other.
#[derive(Debug)]
pub struct Table<R> {
    input: R,
    separator: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a column.
    Start,
    Plain,
    Quoted,
    /// After a quote within quotes: the end of the text, or one of two.
    Quote,
}

impl<R: BufRead> Table<R> {
    /// Of what is read from here on.
    pub fn new(input: R, separator: u8) -> Self {
        Self { input, separator }
    }

    /// The next row; none at the end.
    ///
    /// # Errors
    /// If the input cannot be read, or a row is longer than a mebibyte or has more than 4,096 columns.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        let mut row = Row { fields: Vec::new(), bytes: 0, is_whole: false };
        let (mut field, mut state) = (Vec::new(), State::Start);
        let mut is_first = true;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let mut taken = 0;
            for byte in buffer {
                taken += 1;
                match (state, *byte) {
                    (State::Quoted, b'"') => state = State::Quote,
                    (State::Quoted, other) => field.push(other),
                    (State::Quote, b'"') => {
                        field.push(b'"');
                        state = State::Quoted;
                    }
                    (_, b'\n') => {
                        row.is_whole = true;
                        break;
                    }
                    (_, it) if it == self.separator => {
                        row.fields.push(std::mem::take(&mut field));
                        state = State::Start;
                    }
                    (State::Start, b'"') => state = State::Quoted,
                    // A quote in the middle of a text stands for itself.
                    (_, other) => {
                        field.push(other);
                        if state == State::Start {
                            state = State::Plain;
                        }
                    }
                }
            }
            is_first = false;
            self.input.consume(taken);
            row.bytes += taken as u64;
            if row.bytes > LONGEST as u64 || row.fields.len() > WIDEST {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a row is longer than a mebibyte or has too many columns",
                ));
            }
            if row.is_whole {
                break;
            }
        }
        if is_first {
            return Ok(None);
        }
        if row.is_whole && field.last() == Some(&b'\r') {
            field.pop();
        }
        row.fields.push(field);
        Ok(Some(row))
    }
}

/// What stands between the columns of a table: that of `,` `;` and a tab which is on its first line most often, outside of
/// quotes.
pub fn separator_of(line: &[u8]) -> u8 {
    let (mut counts, mut quoted) = ([0_usize; 3], false);
    for byte in line {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            b',' if !quoted => counts[0] += 1,
            b';' if !quoted => counts[1] += 1,
            b'\t' if !quoted => counts[2] += 1,
            _ => {}
        }
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    match counts.iter().position(|it| *it == most && most > 0) {
        Some(1) => b';',
        Some(2) => b'\t',
        _ => b',',
    }
}

/// Bytes as text, without a byte order mark.
///
/// # Errors
/// If they are no UTF-8.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Encoding> {
    let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_invalid| {
        let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        if is_wide || bytes.contains(&0) { Encoding::Utf16 } else { Encoding::OneByte }
    })
}

/// A row as a line of a table, with its end.
pub(super) fn line<'a>(columns: impl Iterator<Item = &'a str>, separator: u8) -> String {
    let mut line = String::new();
    for (at, text) in columns.enumerate() {
        if at > 0 {
            line.push(char::from(separator));
        }
        let needs_quotes =
            text.contains(['"', '\n', '\r', char::from(separator)]) || text.starts_with(' ') || text.ends_with(' ');
        if needs_quotes {
            line.extend(["\"", &text.replace('"', "\"\""), "\""]);
        } else {
            line.push_str(text);
        }
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, separator: u8, chunk: usize) -> Vec<(Vec<String>, bool)> {
        let mut table = Table::new(io::BufReader::with_capacity(chunk, text.as_bytes()), separator);
        let mut rows = Vec::new();
        let mut bytes = 0;
        while let Some(row) = table.next_row().unwrap() {
            bytes += row.bytes;
            rows.push((row.texts().unwrap(), row.is_whole));
        }
        assert_eq!(bytes, text.len() as u64);
        rows
    }

    #[test]
    fn rows_are_read_as_they_were_meant_however_the_bytes_come() {
        for chunk in [1, 2, 3, 64] {
            let of = |text: &str| {
                rows(text, b',', chunk)
                    .into_iter()
                    .map(|(row, whole)| format!("{}{}", row.join("|"), if whole { "" } else { "…" }))
                    .collect::<Vec<_>>()
            };
            assert_eq!(of("a,b\r\n1,2\n"), ["a|b", "1|2"]);
            assert_eq!(of("a,\"b, \"\"c\"\"\nd\",\r\nx"), ["a|b, \"c\"\nd|", "x…"]);
            assert_eq!(of("\"open\nand never closed,1\n"), ["open\nand never closed,1\n…"]);
            assert_eq!(of("5\" nail,x\n\n,\n"), ["5\" nail|x", "", "|"]);
            assert_eq!(of(""), Vec::<String>::new());
            assert_eq!(of("\u{feff}name\nÄnne\n"), ["name", "Änne"]);
            assert_eq!(of("a\rb,c\r\n"), ["a\rb|c"]);
        }
        assert_eq!(rows("a;b,c\n", b';', 8), [(vec!["a".to_owned(), "b,c".to_owned()], true)]);
    }

    #[test]
    fn what_separates_columns_is_seen_on_the_first_line() {
        for (line, expected) in [
            ("name,mail\n", b','),
            ("name;mail;a,b\n", b';'),
            ("name\tmail\n", b'\t'),
            ("\"a;b;c\",d\n", b','),
            ("one\nx;y\n", b','),
            ("", b','),
        ] {
            assert_eq!(separator_of(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn other_encodings_are_told_apart() {
        assert_eq!(text(b"M\xfcller"), Err(Encoding::OneByte));
        assert_eq!(text(b"\xff\xfeM\0"), Err(Encoding::Utf16));
        assert_eq!(text("Müller".as_bytes()), Ok("Müller".into()));
    }

    #[test]
    fn a_row_that_is_too_long_is_an_error_and_takes_no_more_memory() {
        let mut table = Table::new(io::BufReader::new(io::repeat(b'a')), b',');
        assert_eq!(table.next_row().unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut table = Table::new(io::BufReader::new(io::repeat(b',')), b',');
        assert_eq!(table.next_row().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_as_a_line_reads_back(columns in proptest::collection::vec("\\PC{0,6}|[\"\r\n,; ]{0,4}", 1..5), separator in proptest::sample::select(vec![b',', b';', b'\t'])) {
            let written = line(columns.iter().map(String::as_str), separator);
            let read = rows(&written, separator, 5);
            proptest::prop_assert_eq!(read, vec![(columns, true)]);
        }

        #[test]
        fn nothing_that_is_read_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let mut table = Table::new(io::BufReader::with_capacity(3, &*bytes), separator_of(&bytes));
            let mut total = 0;
            while let Some(row) = table.next_row().unwrap() {
                row.texts().ok();
                total += row.bytes;
            }
            proptest::prop_assert_eq!(total, bytes.len() as u64);
        }
    }
}
