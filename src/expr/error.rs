//! What goes wrong: in reading a source, and in evaluating it.
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// A source that cannot be read, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ExprError {
    /// What is wrong, in plain words; no full stop.
    pub message: String,
    /// Where, in bytes of the source.
    pub span: Range<usize>,
    /// The line of the start of `span`, from 1.
    pub line: usize,
    /// The column of the start of `span` in characters, from 1.
    pub column: usize,
    /// What to do; may be empty.
    pub hint: String,
}

impl ExprError {
    /// With the line and column of the span's start in the source.
    pub(super) fn new(source: &str, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let start = floor_boundary(source, span.start);
        let before = source.get(..start).unwrap_or_default();
        let line = before.bytes().filter(|&it| it == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let end = floor_boundary(source, span.end.max(start));
        let (message, hint) = (short(message.into()), short(hint.into()));
        Self { message, span: start..end, line, column, hint }
    }
}

/// At most so many characters of what a person wrote, or of the data, stand in a message.
const LONGEST: usize = 300;
/// Of what is longer, so many of the last stay.
const LAST: usize = 60;

/// A text for a message: of a long one the start and the end.
pub(crate) fn clipped(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST || text.chars().nth(LONGEST).is_none() {
        return Cow::Borrowed(text);
    }
    let start = text.char_indices().nth(LONGEST - LAST).map_or(text.len(), |(at, _)| at);
    let end = text.char_indices().nth_back(LAST - 1).map_or(text.len(), |(at, _)| at);
    let (start, end) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
    Cow::Owned([start, "…", end].concat())
}

/// The same for a text of one's own.
pub(crate) fn short(text: String) -> String {
    match clipped(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(short) => short,
    }
}

fn floor_boundary(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "; {}", self.hint) }
    }
}

/// An evaluation without a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalError {
    /// A path is not in the data. What happens then is for the binding to say.
    Missing {
        /// The whole path, such as `contact.emails[0].address`; the part of the expression where it is no plain path. Of a
        /// very long one the start and the end.
        path: String,
        /// Where in the source.
        span: Range<usize>,
    },
    /// The data does not fit the expression.
    Failed {
        /// What is wrong, in plain words; no full stop.
        message: String,
        /// Where in the source, if known.
        span: Option<Range<usize>>,
        /// What to do; may be empty.
        hint: String,
    },
    /// A bound was reached.
    Limit {
        /// Which one, in plain words.
        message: String,
    },
}

impl EvalError {
    pub(super) fn missing(path: &str, span: Range<usize>) -> Self {
        Self::Missing { path: clipped(path).into_owned(), span }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path, .. } => write!(f, "`{path}` is missing"),
            Self::Failed { message, hint, .. } if hint.is_empty() => f.write_str(message),
            Self::Failed { message, hint, .. } => write!(f, "{message}; {hint}"),
            Self::Limit { message } => f.write_str(message),
        }
    }
}

impl std::error::Error for EvalError {}

/// What a filter, a function or a lookup reports from within; the place is added outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Missing { path: String, span: Option<Range<usize>> },
    Failed { message: String, hint: String },
    Limit(String),
}

impl Fault {
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: String::new() }
    }

    pub(super) fn hinted(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), hint: hint.into() }
    }

    pub(super) fn too_much_work() -> Self {
        Self::Limit("the expression does more work than is allowed".to_owned())
    }

    pub(super) fn too_large() -> Self {
        Self::Limit("the result is larger than 16 MiB".to_owned())
    }

    /// With the place, if it has none of its own.
    pub(super) fn at(self, place: Range<usize>) -> EvalError {
        match self {
            Self::Missing { path, span } => EvalError::missing(&path, span.unwrap_or(place)),
            Self::Failed { message, hint } => EvalError::Failed { message: short(message), span: Some(place), hint: short(hint) },
            Self::Limit(message) => EvalError::Limit { message },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.clone().at(0..0))
    }
}

impl std::error::Error for Fault {}
