//! The text of expressions: that it can be read, and what it speaks of.
use std::sync::Arc;

use super::Check;
use crate::expr::script::{Script, ScriptError};
use crate::expr::{Expr, ExprError, Reference, Text};
use crate::flow::{Binding, Missing, Node, NodeId, NodeKind, Source};

/// What was read of a node. Stays right as long as the node is the same one.
#[derive(Debug)]
pub(super) struct Readings {
    node: Arc<Node>,
    fields: Vec<Reading>,
    script: Option<ScriptError>,
}

/// One text of a node: a binding, or one within a list or an object.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) place: String,
    /// Whether the binding says what happens when a path is missing.
    pub(super) provided: bool,
    parsed: Result<Parsed, ExprError>,
}

#[derive(Debug)]
enum Parsed {
    Text(Text),
    Expr(Expr),
}

impl Readings {
    pub(super) fn of(node: &Arc<Node>) -> Self {
        let mut fields = Vec::new();
        for (place, binding) in node.kind.bindings() {
            read(&mut fields, place, binding);
        }
        let script = match &node.kind {
            NodeKind::Script { code, .. } => Script::compile(code).err(),
            _ => None,
        };
        Self { node: Arc::clone(node), fields, script }
    }

    pub(super) fn are_of(&self, node: &Arc<Node>) -> bool {
        Arc::ptr_eq(&self.node, node)
    }
}

fn read(out: &mut Vec<Reading>, place: String, binding: &Binding) {
    let parsed = match &binding.source {
        Source::Value(_) => return,
        Source::Text(text) => Text::parse(text).map(Parsed::Text),
        Source::Expr(text) => Expr::parse(text).map(Parsed::Expr),
        Source::List(items) => {
            for (nth, item) in items.iter().enumerate() {
                read(out, format!("{place}.{nth}"), item);
            }
            return;
        }
        Source::Object(fields) => {
            for (key, field) in fields {
                read(out, format!("{place}.{key}"), field);
            }
            return;
        }
    };
    out.push(Reading { place, provided: binding.missing != Missing::Stop, parsed });
}

impl Reading {
    fn references(&self) -> &[Reference] {
        match &self.parsed {
            Ok(Parsed::Text(text)) => text.references(),
            Ok(Parsed::Expr(expr)) => expr.references(),
            Err(_) => &[],
        }
    }
}

/// What is wrong, and where in a long text.
fn placed(error: &ExprError) -> String {
    match (error.line, error.column) {
        (1, ..=80) => error.message.clone(),
        (line, column) => format!("{} (line {line}, column {column} of it)", error.message),
    }
}

impl Check<'_> {
    pub(super) fn expressions(&mut self, id: &NodeId, readings: &Readings) {
        for reading in &readings.fields {
            if self.has_enough() {
                return;
            }
            if let Err(error) = &reading.parsed {
                self.error("expression", placed(error))
                    .of(id)
                    .at(reading.place.clone())
                    .span(error.span.clone())
                    .hint(error.hint.clone());
            }
            self.references(id, reading, reading.references());
        }
        let NodeKind::Script { code, .. } = &readings.node.kind else { return };
        if let Some(error) = &readings.script {
            // All of the line that it names.
            let before: usize = code.split_inclusive('\n').take(error.line.saturating_sub(1)).map(str::len).sum();
            let line = code[before..].lines().next().unwrap_or_default();
            let message = match error.line {
                0 => error.message.clone(),
                line => format!("line {line}: {}", error.message),
            };
            self.error("script", message).of(id).at("code").span(before..before + line.len());
        }
    }
}
