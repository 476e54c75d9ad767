//! Text with expressions in it.
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::emit::Emitter;
use super::error::{EvalError, ExprError};
use super::expression::check_length;
use super::node::Tables;
use super::program::{Body, Part, Plan, Program, Template};
use super::reference::Reference;
use super::scope::Scope;
use super::statement::{Piece, Pieces};

/// Text with `{{ }}`, `{% if %}` and `{% for %}`. Its value is text. Parsed once; cloning costs nothing.
///
/// `null` fills in nothing, lists and objects fill in JSON; nothing is escaped. `-` within a mark (`{{-`, `-%}`) takes the
/// blank on that side away. `{# … #}` is a comment, and between `{% raw %}` and `{% endraw %}` everything is text.
#[derive(Clone)]
pub struct Text(Arc<Program>);

impl Text {
    /// Reads a source of at most [`MAX_SOURCE`](super::MAX_SOURCE) bytes.
    ///
    /// # Errors
    /// With the place: what cannot be read, an unknown filter, function or test, an argument that cannot be right.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        check_length(source)?;
        let mut tables = Tables::default();
        if !["{{", "{%", "{#"].into_iter().any(|it| source.contains(it)) {
            return Ok(Self(Arc::new(Program::new(source, tables, Body::Literal))));
        }
        let pieces = Pieces::new(source, &mut tables).read()?;
        let body = if let Some(parts) = parts(source, &pieces, &mut tables)? {
            Body::Parts(parts)
        } else {
            let mut emitter = Emitter::new(&mut tables);
            for it in &pieces {
                it.emit(&mut emitter);
            }
            let made = emitter.out;
            Body::Template(Template::new(source, made.text, made.places)?)
        };
        Ok(Self(Arc::new(Program::new(source, tables, body))))
    }

    /// What was read.
    pub fn source(&self) -> &str {
        self.0.source()
    }

    /// Whether there is nothing to fill in: its value is its source.
    pub fn is_literal(&self) -> bool {
        self.0.is_literal()
    }

    /// Every path that it speaks of, in the order of the source. Variables of loops are left out.
    pub fn references(&self) -> &[Reference] {
        self.0.references()
    }

    /// The text, always a `Value::String`. The scope is asked only for the roots of `references`.
    ///
    /// # Errors
    /// A path that is missing, data that does not fit, or a bound that was reached.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        self.0.eval(scope)
    }

    /// The source with one root called otherwise. Everything else stays as it is, byte for byte.
    #[must_use]
    pub fn rename_root(&self, from: &str, to: &str) -> String {
        rename(self.source(), self.references(), from, to)
    }
}

/// The pieces one by one; none if there are conditions or loops, or so many for the machine that it has to count the work of
/// all of them together.
fn parts(source: &str, pieces: &[Piece], tables: &mut Tables) -> Result<Option<Vec<Part>>, ExprError> {
    const MOST: usize = 8;
    if !pieces.iter().all(|it| matches!(it, Piece::Raw(_) | Piece::Value(_))) {
        return Ok(None);
    }
    let mut parts = Vec::with_capacity(pieces.len());
    let mut machines = 0;
    for piece in pieces {
        parts.push(match piece {
            Piece::Raw(raw) => Part::Raw(raw.as_str().into()),
            Piece::Value(node) => {
                let plan = Plan::new(source, node, tables)?;
                machines += usize::from(matches!(plan, Plan::Machine { .. }));
                if machines > MOST {
                    return Ok(None);
                }
                Part::Plan(plan)
            }
            Piece::If { .. } | Piece::For { .. } => continue,
        });
    }
    Ok(Some(parts))
}

/// The references come in the order of the source, each at its root's name.
pub(super) fn rename(source: &str, references: &[Reference], from: &str, to: &str) -> String {
    let mut renamed = String::with_capacity(source.len());
    let mut done = 0;
    for start in references.iter().filter(|it| it.root() == from).map(|it| it.span.start) {
        renamed.push_str(source.get(done..start).unwrap_or_default());
        renamed.push_str(to);
        done = start + from.len();
    }
    renamed.push_str(source.get(done..).unwrap_or_default());
    renamed
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Text").field(&self.source()).finish()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.source())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Text {}
