//! One expression.
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::error::{EvalError, ExprError};
use super::node::Tables;
use super::parse::Parser;
use super::program::{Body, Plan, Program};
use super::reference::Reference;
use super::scope::Scope;
use super::token::{Close, words};
use super::{MAX_SOURCE, text};

/// One expression, such as `contact.email | lower`. Its value keeps its type. Parsed once; cloning costs nothing.
#[derive(Clone)]
pub struct Expr(Arc<Program>);

impl Expr {
    /// Reads a source of at most [`MAX_SOURCE`] bytes.
    ///
    /// # Errors
    /// With the place: what cannot be read, an unknown filter, function or test, an argument that cannot be right.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        check_length(source)?;
        if source.trim().is_empty() {
            let hint = "write a path, such as `contact.email`, or a value";
            return Err(ExprError::new(source, 0..source.len(), "the expression is empty", hint));
        }
        let trimmed = source.trim();
        if trimmed.starts_with("{{") && trimmed.ends_with("}}") {
            let start = source.len() - source.trim_start().len();
            let hint = "leave them out here; they stand only in text";
            return Err(ExprError::new(source, start..start + 2, "an expression is not written in `{{ }}`", hint));
        }
        let read = words(source, 0, Close::Source)?;
        let mut tables = Tables::default();
        let mut parser = Parser::new(source, read.tokens, Close::Source, &mut tables, &[]);
        let node = parser.expression()?;
        parser.finish()?;
        let plan = Plan::new(source, &node, &mut tables)?;
        Ok(Self(Arc::new(Program::new(source, tables, Body::Plan(plan)))))
    }

    /// What was read.
    pub fn source(&self) -> &str {
        self.0.source()
    }

    /// Every path that it speaks of, in the order of the source.
    pub fn references(&self) -> &[Reference] {
        self.0.references()
    }

    /// The value. The scope is asked only for the roots of `references`.
    ///
    /// # Errors
    /// A path that is missing, data that does not fit, or a bound that was reached.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.0.eval(scope)
    }

    /// The source with one root called otherwise. Everything else stays as it is, byte for byte.
    #[must_use]
    pub fn rename_root(&self, from: &str, to: &str) -> String {
        text::rename(self.source(), self.references(), from, to)
    }
}

pub(super) fn check_length(source: &str) -> Result<(), ExprError> {
    if source.len() <= MAX_SOURCE {
        return Ok(());
    }
    Err(ExprError::new(source, 0..0, "this is longer than 1 MiB", "keep long text in a file or a field"))
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expr").field(&self.source()).finish()
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source())
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Expr {}
