//! Reads OpenAPI 3.0 and 3.1 documents into a [`Connector`].
//!
//! Vendors' documents break their own standard often. What can be called is kept and what had to be tolerated is
//! listed; only what cannot be read at all, or is past every bound, is an [`ImportError`]. Facts alone are taken over:
//! methods, paths, names, types, enums, defaults, scopes. Titles are made from the names.
//!
//! Invariant: every operation of the documents with a method that a [`Method`] names is in the connector, once.
//! Invariant: every [`Kind::Ref`] of the result resolves; time and memory are bounded by [`Limits`].
mod access;
mod compact;
mod document;
mod fault;
mod operation;
mod reference;
mod scalar;
mod shape;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

pub use self::document::Document;
pub use self::fault::{Fault, ImportError, Tolerated};
use self::reference::Library;
use self::shape::Shapes;
use super::words;
use super::{
    AuthKind, Connector, ConnectorId, Encoding, Environment, ErrorShape, Field, Input, Kind, Method, Operation, OperationId,
    Place, Repeat, Schema, Success,
};

/// What the documents do not say.
#[derive(Debug, Clone)]
pub struct Options {
    /// The id of the connector, and the first part of every operation's id.
    pub connector: ConnectorId,
    /// What a person reads; made from the id where it is empty.
    pub title: String,
    /// Where the service is, for documents that name no server.
    pub base_url: Option<String>,
    /// Security schemes that are another's equal, by name: `bearer` → `Location-Access`.
    pub same_access: BTreeMap<String, String>,
    /// Whether operations are listed under their document's name and not under their tags, of which large services have
    /// more than a person can choose from.
    pub group_by_document: bool,
    /// Bounds.
    pub limits: Limits,
}

/// Bounds on what is read. The defaults are some ten times more than the largest known documents need.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one document, and of all those together that are read because others refer to them.
    pub bytes: usize,
    /// JSON values of one document, and of all the shapes that are made from them.
    pub values: usize,
    /// Operations of all documents.
    pub operations: usize,
}

/// What came out of an import.
#[derive(Debug)]
pub struct Imported {
    /// Everything that can be called.
    pub connector: Connector,
    /// What the documents had wrong, in the order met; at most [`Imported::LISTED`].
    pub tolerated: Vec<Tolerated>,
    /// How often each fault was met, those that are not listed counted too.
    pub faults: BTreeMap<Fault, usize>,
}

impl Options {
    /// For a connector with this id, everything else as the documents say.
    pub fn new(connector: ConnectorId) -> Self {
        Self {
            connector,
            title: String::new(),
            base_url: None,
            same_access: BTreeMap::new(),
            group_by_document: false,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 32 << 20, values: 2_000_000, operations: 20_000 }
    }
}

impl Imported {
    /// The most faults that are listed one by one.
    pub const LISTED: usize = 10_000;
}

/// Reads documents that refer to one another or to nothing; a reference to any other file leads nowhere.
///
/// # Errors
/// See [`ImportError`].
pub fn import(documents: &[Document], options: &Options) -> Result<Imported, ImportError> {
    import_with(documents, options, &mut |_| None)
}

/// Reads documents that may refer to further files: `load` gives them by their path, which is the reference resolved
/// against the path of the document that refers. It is for `load` to say what may be read; hosts and absolute paths
/// are never asked for.
///
/// # Errors
/// See [`ImportError`].
pub fn import_with(
    documents: &[Document],
    options: &Options,
    load: &mut dyn FnMut(&str) -> Option<Document>,
) -> Result<Imported, ImportError> {
    import_watched(documents, options, load, &mut |_| ControlFlow::Continue(()))
}

/// The same, told now and then how many operations there are so far; who watches may end it.
///
/// # Errors
/// See [`ImportError`].
pub fn import_watched(
    documents: &[Document],
    options: &Options,
    load: &mut dyn FnMut(&str) -> Option<Document>,
    watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Imported, ImportError> {
    let id = options.connector.as_str();
    if id.is_empty() || !id.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_') {
        return Err(ImportError::Connector { id: id.to_owned() });
    }
    for it in documents {
        check_version(it)?;
    }
    let mut shapes = Shapes::new(Library::new(documents, load, options.limits.bytes), options.limits);
    let access = access::read(&mut shapes, documents.len(), options);
    let mut operations = Vec::new();
    for at in 0..documents.len() {
        operation::read(&mut shapes, at, &access, options, &mut operations, watch)?;
    }
    if operations.is_empty() {
        let document = documents.first().map_or_else(String::new, |it| it.path.clone());
        return Err(ImportError::NoOperations { document });
    }
    let (mut schemas, mut faults) = shapes.finish()?;
    let mut operations: Vec<_> = operations.into_iter().map(|it| it.flatten(&schemas, &mut faults)).collect();
    compact::compact(&mut schemas, &mut operations, options.limits.values)?;
    tell_apart(&mut operations);
    let title = if options.title.is_empty() { words::title(id) } else { options.title.clone() };
    let connector = Connector {
        notices: None,
        id: options.connector.clone(),
        title,
        environments: access.environments,
        auth: access.auth,
        account: BTreeMap::new(),
        rates: Vec::new(),
        limit_headers: None,
        guides: Vec::new(),
        probe: None,
        makers: Vec::new(),
        breaker: None,
        errors: ErrorShape {
            message: ["message", "error", "error.message", "detail"].map(str::to_owned).to_vec(),
            ..ErrorShape::default()
        },
        schemas: schemas.into_iter().collect(),
        operations: operations.into_iter().collect(),
    };
    Ok(Imported { connector, tolerated: faults.listed, faults: faults.counts })
}

/// Gives operations of one heading and one title the titles that their own names make.
fn tell_apart(operations: &mut [Operation]) {
    let mut met: BTreeMap<(String, String), usize> = BTreeMap::new();
    for it in operations.iter() {
        *met.entry((it.group.clone(), it.title.clone())).or_default() += 1;
    }
    for it in operations {
        if met.get(&(it.group.clone(), it.title.clone())).is_some_and(|count| *count > 1) {
            it.title = words::title(it.id.as_str().rsplit('.').next().unwrap_or_default());
        }
    }
}

/// Refuses what is no OpenAPI 3 document.
fn check_version(document: &Document) -> Result<(), ImportError> {
    let version = document.root.text("openapi").unwrap_or_default();
    if version.starts_with("3.") {
        return Ok(());
    }
    let found = match (document.root.text("swagger"), version) {
        (Some(swagger), _) => format!("Swagger {swagger}"),
        (None, "") => String::new(),
        (None, other) => format!("OpenAPI {other}"),
    };
    Err(ImportError::NotOpenApi { document: document.path.clone(), found })
}

#[cfg(test)]
mod tests;
