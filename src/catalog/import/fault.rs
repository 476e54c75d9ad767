//! What documents have wrong: tolerated and listed, or too wrong to read.
use std::collections::BTreeMap;
use std::fmt;

use super::Imported;

/// A fault of a document that was tolerated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tolerated {
    /// The document's path.
    pub document: String,
    /// A JSON pointer into it, or the nearest place that is known.
    pub place: String,
    /// Which kind of fault.
    pub fault: Fault,
    /// The name or value that it is about; may be empty.
    pub what: String,
}

/// The kinds of fault that an import tolerates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A reference leads nowhere, or where nothing may be read; any value is taken.
    LostReference,
    /// A reference has siblings, which OpenAPI 3.0 ignores; those that say something are kept.
    ReferenceSiblings,
    /// A shape is made of itself through `allOf`; the circle is cut.
    CircularShape,
    /// An operation id repeats within a document; a number is appended.
    RepeatedOperation,
    /// An operation has no id; one is made from its method and path.
    UnnamedOperation,
    /// A method that cannot be called (`OPTIONS`, `TRACE`).
    UnknownMethod,
    /// A path that does not start with `/`, or an entry of `paths` that is no object.
    OddPath,
    /// A parameter that the path names but nothing declares; it is text.
    UndeclaredPathParameter,
    /// A path parameter that is said to be optional; it is required.
    OptionalPathParameter,
    /// A path parameter that the path does not name; it is left out.
    UnusedPathParameter,
    /// A header that the connection sets itself; it is left out.
    ReservedHeader,
    /// A parameter that cannot be sent: in a cookie, without name or place; it is left out.
    UnknownParameter,
    /// A parameter is declared twice; the last counts.
    RepeatedParameter,
    /// A parameter whose list is joined by commas; it is text.
    JoinedList,
    /// A body whose shape says nothing; any object is taken.
    EmptyBody,
    /// A body that may hold more than the named fields; only those are offered.
    OpenBody,
    /// A `DELETE`, `GET` or `HEAD` with a body; it is sent.
    BodyOnDelete,
    /// A body in none of the encodings that are known; it is sent as JSON.
    UnknownEncoding,
    /// A success answer without a shape.
    NoAnswerShape,
    /// No success answer at all.
    NoSuccess,
    /// A list without the shape of its items; any value is taken.
    NoItems,
    /// A type that does not exist; any value is taken.
    UnknownType,
    /// `type: object` where the example is no object; the example's type is taken.
    ObjectIsScalar,
    /// `nullable` or an enum or fields without a `type`; the type is inferred.
    NoType,
    /// An enum holds a value twice.
    RepeatedChoice,
    /// An enum holds values of another type; they are converted, or the type is dropped.
    MistypedChoice,
    /// A default of another type; it is converted or left out.
    MistypedDefault,
    /// `required` names a field that is not there.
    RequiredIsAbsent,
    /// A shape that is no object or is nested too deeply; any value is taken.
    OddShape,
    /// A way to sign in that is not known.
    UnknownSecurity,
    /// An operation names a security scheme that is not declared.
    LostSecurity,
    /// A document is served from elsewhere than the first one.
    OtherServer,
    /// No absolute server address.
    NoServer,
}

/// Why documents cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The text is not JSON.
    #[error("{document} is not JSON: {why}. A document in YAML has to be converted to JSON first")]
    NotJson {
        /// The document's path.
        document: String,
        /// The reader's words, with line and column.
        why: String,
    },
    /// It is JSON, but not OpenAPI 3.
    #[error("{document} is not an OpenAPI 3 document{}", if found.is_empty() { String::new() } else { format!(" but {found}") })]
    NotOpenApi {
        /// The document's path.
        document: String,
        /// What it says it is; empty if nothing.
        found: String,
    },
    /// More than any honest document holds.
    #[error("{document} holds more than {limit} {what}{}", at(place))]
    TooLarge {
        /// The document's path.
        document: String,
        /// What is counted.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
        /// Where the bound was met: a JSON pointer, or line and column; empty where it is the whole.
        place: String,
    },
    /// Nested deeper than any honest document.
    #[error("{document} is nested more than {limit} levels deep{}", at(place))]
    TooDeep {
        /// The document's path.
        document: String,
        /// How deep is allowed.
        limit: usize,
        /// Where it is, as far as a person needs to find it: the beginning of a JSON pointer, or line and column.
        place: String,
    },
    /// Nothing in it can be called.
    #[error("{document} has no operation that can be called")]
    NoOperations {
        /// The first document's path.
        document: String,
    },
    /// Whoever watched ended it.
    #[error("the import was cancelled")]
    Cancelled,
    /// The connector's id would not fit into operation ids.
    #[error("\"{id}\" cannot be a connector's id: use a–z, 0–9 and _")]
    Connector {
        /// The id.
        id: String,
    },
}

/// `, at /paths/~1things`, or nothing.
fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(", at {place}") }
}

/// Faults as they are collected.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) listed: Vec<Tolerated>,
    pub(super) counts: BTreeMap<Fault, usize>,
}

impl Faults {
    pub(super) fn add(&mut self, document: &str, place: impl FnOnce() -> String, fault: Fault, what: &str) {
        *self.counts.entry(fault).or_default() += 1;
        if self.listed.len() < Imported::LISTED {
            let what: String = what.chars().take(200).collect();
            self.listed.push(Tolerated { document: document.to_owned(), place: place(), fault, what });
        }
    }
}

impl Fault {
    /// One sentence without a full stop: what was wrong and what was done.
    pub fn words(self) -> &'static str {
        match self {
            Self::LostReference => "A reference leads nowhere: any value is taken",
            Self::ReferenceSiblings => "A reference has siblings: those that say something are kept",
            Self::CircularShape => "A shape contains itself through allOf: the circle is cut",
            Self::RepeatedOperation => "An operation id repeats: a number is appended",
            Self::UnnamedOperation => "An operation has no id: one is made from method and path",
            Self::UnknownMethod => "A method that cannot be called is left out",
            Self::OddPath => "An odd path",
            Self::UndeclaredPathParameter => "A path parameter is not declared: it is text",
            Self::OptionalPathParameter => "A path parameter is said to be optional: it is required",
            Self::UnusedPathParameter => "A path parameter is not in the path: it is left out",
            Self::ReservedHeader => "A header that the connection sets itself is left out",
            Self::UnknownParameter => "A parameter that cannot be sent is left out",
            Self::RepeatedParameter => "A parameter is declared twice: the last counts",
            Self::JoinedList => "A list that is joined by commas is taken as text",
            Self::EmptyBody => "A body without a shape: any object is taken",
            Self::OpenBody => "A body may hold more than its named fields: only those are offered",
            Self::BodyOnDelete => "A body where none is usual: it is sent",
            Self::UnknownEncoding => "A body of an unknown media type is sent as JSON",
            Self::NoAnswerShape => "A success answer has no shape",
            Self::NoSuccess => "No success answer is documented",
            Self::NoItems => "A list does not say what it holds: any value is taken",
            Self::UnknownType => "A type that does not exist: any value is taken",
            Self::ObjectIsScalar => "An object whose example is none: the example's type is taken",
            Self::NoType => "A type is missing: it is inferred",
            Self::RepeatedChoice => "An enum holds a value twice",
            Self::MistypedChoice => "An enum holds values of another type",
            Self::MistypedDefault => "A default is of another type",
            Self::RequiredIsAbsent => "A required field is not declared",
            Self::OddShape => "A shape that cannot be read: any value is taken",
            Self::UnknownSecurity => "A way to sign in that is not known is left out",
            Self::LostSecurity => "A security scheme is not declared",
            Self::OtherServer => "A document is served from another address than the first",
            Self::NoServer => "No absolute server address",
        }
    }
}

impl fmt::Display for Tolerated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.document, self.place, self.fault.words())?;
        if !self.what.is_empty() {
            write!(f, " ({})", self.what)?;
        }
        Ok(())
    }
}
