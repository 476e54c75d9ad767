//! What is wrong with a flow file.
use std::fmt;

use crate::expr::short;

/// Why a file is not read as a flow: nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The family.
    pub kind: FileErrorKind,
    /// The fields that lead there, `nodes.create.input.email`, of a very long way the start and the end; empty for the file as
    /// a whole.
    pub place: String,
    /// From 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// In characters, from 1; 0 where the file as a whole is meant.
    pub column: usize,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
}

/// Which family a file's error belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileErrorKind {
    /// Larger than is read.
    TooLarge,
    /// Not UTF-8.
    NotText,
    /// Not JSON, or past a bound of depth or number.
    Syntax,
    /// JSON, but not a flow.
    NotAFlow,
    /// Written by a newer version.
    Newer,
    /// A flow with a field that is missing, unknown or of the wrong type.
    Content,
}

/// An error whose line and column are still to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) kind: FileErrorKind,
    pub(super) at: usize,
    pub(super) place: String,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Broken {
    pub(super) fn new(kind: FileErrorKind, at: usize, place: String, message: impl Into<String>) -> Self {
        Self { kind, at, place, message: short(message.into()), hint: String::new() }
    }

    pub(super) fn syntax(at: usize, place: String, message: impl Into<String>) -> Self {
        Self::new(FileErrorKind::Syntax, at, place, message)
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = short(hint.into());
        self
    }

    pub(super) fn in_text(self, text: &str) -> FileError {
        let before = text.get(..self.at).unwrap_or(text);
        let line = 1 + before.bytes().filter(|it| *it == b'\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        FileError { kind: self.kind, place: short(self.place), line, column, message: self.message, hint: self.hint }
    }
}

impl FileError {
    /// An error of the file as a whole.
    pub(super) fn whole(kind: FileErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, place: String::new(), line: 0, column: 0, message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}", self.line, self.column)?;
            if !self.place.is_empty() {
                write!(f, " ({})", self.place)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, ". {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for FileError {}
