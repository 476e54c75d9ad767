//! Flow files as the verbs use them: read, checked, and their problems in words.
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::exit::{Error, Exit};
use super::locate;
use super::print::{BAD, DIM, Plain, Printer, WAITING, paint};
use crate::catalog::Catalog;
use crate::expr::clipped;
use crate::flow::disk::{self, DiskError};
use crate::flow::{CheckContext, Flow, FlowId, Problem, Severity};
use crate::record::Failure;

/// A flow and where it came from.
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) flow: Arc<Flow>,
}

/// Something wrong with a flow, as `check` tells it.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    event: &'static str,
    /// The file.
    file: String,
    severity: &'static str,
    /// Names the kind of problem for scripts.
    code: String,
    /// The flow's id; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<String>,
    /// From 1; none where the file as a whole is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// The node's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// What a person calls the node.
    #[serde(skip)]
    node_name: String,
    /// The field, in words of the file.
    place: String,
    /// Where in the text of an expression or script, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<Range<usize>>,
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
}

/// Reads a flow.
///
/// # Errors
/// If the file cannot be read, is damaged, or is of a newer version.
pub(super) fn read(path: &Path) -> Result<Source, Error> {
    open(path).map_err(|error| unreadable(path, &error))
}

/// Reads a flow, for whoever words the error another way.
///
/// # Errors
/// As [`read`].
pub(super) fn open(path: &Path) -> Result<Source, DiskError> {
    disk::read(path).map(|flow| Source { path: path.to_owned(), flow: Arc::new(flow) })
}

/// The problems of a flow, in the order in which its nodes run; with `known_flows` also calls of flows that are not there.
pub(super) fn check(source: &Source, catalog: &Catalog, known_flows: Option<&BTreeSet<FlowId>>) -> Vec<Found> {
    let problems = source.flow.check(catalog, &CheckContext { known_flows, ..CheckContext::default() });
    if problems.is_empty() {
        return Vec::new();
    }
    // Only for the lines; where the file is gone by now, problems go without.
    let text = disk::read_text(&source.path).ok();
    let places: Vec<Vec<&str>> = problems.iter().map(keys_of).collect();
    let lines = text.map(|text| locate::lines_of(&text, &places));
    let lines = lines.map_or_else(|| vec![None; problems.len()], |it| it.into_iter().map(Some).collect());
    problems.into_iter().zip(lines).map(|(problem, line)| Found::of(source, problem, line)).collect()
}

/// The keys in the file that lead to where a problem is.
fn keys_of(problem: &Problem) -> Vec<&str> {
    let node = problem.node.iter().flat_map(|node| ["nodes", node.as_str()]);
    node.chain(problem.place.split('.').filter(|it| !it.is_empty())).collect()
}

/// Stops where a flow has a problem that keeps it from running; says all of them.
///
/// # Errors
/// If there is one.
pub(super) fn demand_sound(flows: &[&Source], catalog: &Catalog, out: &mut Printer) -> Result<(), Error> {
    let mut errors = 0;
    let known: BTreeSet<FlowId> = flows.iter().map(|it| it.flow.id.clone()).collect();
    for source in flows {
        for problem in check(source, catalog, Some(&known)) {
            errors += usize::from(problem.is_error());
            for line in problem.lines() {
                out.say(line);
            }
        }
    }
    let words = match errors {
        0 => return Ok(()),
        1 => "There is a problem that keeps it from running",
        _ => "There are problems that keep it from running",
    };
    Err(Error::new(Exit::File, Error::file(words).hint("Correct what is named above, then start again.")))
}

/// Stops where two files hold the same flow.
///
/// # Errors
/// Names both.
pub(super) fn demand_distinct(flows: &[Source]) -> Result<(), Error> {
    for (at, source) in flows.iter().enumerate() {
        if let Some(other) = flows.iter().take(at).find(|it| it.flow.id == source.flow.id) {
            let title = format!("Two files hold the flow \"{}\"", source.flow.id);
            let detail = format!("{} and {}", other.path.display(), source.path.display());
            return Err(Error::new(
                Exit::File,
                Error::file(title).detail(detail).hint("Serve one of them, or give one another id."),
            ));
        }
    }
    Ok(())
}

impl Found {
    fn of(source: &Source, problem: Problem, line: Option<usize>) -> Self {
        let node = problem.node.as_ref();
        let name = node.and_then(|it| source.flow.nodes.get(it)).map(|it| it.name.clone());
        Self {
            event: "problem",
            file: source.path.display().to_string(),
            severity: match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: problem.code.to_owned(),
            flow: Some(source.flow.id.to_string()),
            line,
            column: None,
            node: node.map(ToString::to_string),
            node_name: name.filter(|it| !it.is_empty()).or_else(|| node.map(ToString::to_string)).unwrap_or_default(),
            place: problem.place,
            span: problem.span,
            message: problem.message,
            hint: problem.hint,
        }
    }

    /// A file that is no flow at all, as a problem; other errors are handed back.
    ///
    /// # Errors
    /// If the file could not be read.
    pub(super) fn unreadable(path: &Path, error: DiskError) -> Result<Self, Error> {
        match error {
            DiskError::Content { source, .. } => Ok(Self {
                event: "problem",
                file: path.display().to_string(),
                severity: "error",
                code: format!("{:?}", source.kind).to_lowercase(),
                flow: None,
                line: (source.line > 0).then_some(source.line),
                column: (source.column > 0).then_some(source.column),
                node: None,
                node_name: String::new(),
                place: source.place,
                span: None,
                message: source.message,
                hint: source.hint,
            }),
            error => Err(unreadable(path, &error)),
        }
    }

    pub(super) fn is_error(&self) -> bool {
        self.severity == "error"
    }

    /// `file:line: error: node, field: words`, and what to do.
    pub(super) fn lines(&self) -> Vec<String> {
        let style = if self.is_error() { BAD } else { WAITING };
        let line = self.line.map(|it| format!(":{it}")).unwrap_or_default();
        let column = self.column.map(|it| format!(":{it}")).unwrap_or_default();
        let (name, place) = (clipped(&self.node_name), clipped(&self.place));
        let place = match (&*name, &*place) {
            ("", "") => String::new(),
            ("", place) => format!("{place}: "),
            (node, "") => format!("\"{node}\": "),
            (node, place) => format!("\"{node}\", {place}: "),
        };
        let severity = self.severity;
        let first =
            format!("{}{line}{column}: {style}{severity}:{style:#} {}{}", Plain(&self.file), Plain(&place), Plain(&self.message));
        let hint = (!self.hint.is_empty()).then(|| format!("  {}", paint(DIM, Plain(&self.hint))));
        std::iter::once(first).chain(hint).collect()
    }
}

fn unreadable(path: &Path, error: &DiskError) -> Error {
    Error::new(Exit::File, words(path, error))
}

fn words(path: &Path, error: &DiskError) -> Failure {
    let failure = |detail: String, hint: &str| Error::file(format!("Cannot read {}", path.display())).detail(detail).hint(hint);
    match error {
        DiskError::Content { source, .. } => {
            let line = if source.line > 0 { format!("line {}, column {}", source.line, source.column) } else { String::new() };
            let at = match (line.as_str(), source.place.as_str()) {
                ("", place) => place.to_owned(),
                (line, "") => line.to_owned(),
                (line, place) => format!("{line}, {place}"),
            };
            failure(sentence(&source.message), &source.hint).at(at)
        }
        DiskError::Read { source, .. } => failure(source.to_string(), "Check the path, and that it may be read."),
        DiskError::NotAFile { .. } => failure("It is not a file.".to_owned(), "Name a flow's file; it ends in .flowyard."),
        other => failure(other.to_string(), ""),
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|it| it.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
