//! The fields of a step as rows.
//!
//! Invariant: pure; the same node and catalogue give the same rows.
use crate::catalog::Catalog;
use crate::flow::{Binding, NodeKind, Source};
use crate::ui::canvas::kind::{face, service};
use crate::ui::canvas::sentence::{count, title};

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldRow {
    pub(super) label: String,
    pub(super) required: bool,
    /// What it is filled with; nothing where it is empty.
    pub(super) parts: Vec<Part>,
}

/// A part of what a field is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: String,
    /// It comes from an earlier step.
    pub(super) filled: bool,
}

impl FieldRow {
    /// As one line.
    pub(super) fn plain(&self) -> String {
        if self.parts.is_empty() {
            return "empty".to_owned();
        }
        self.parts.iter().map(|it| it.text.as_str()).collect()
    }
}

/// What a step is: an operation of a service, or a kind.
pub(super) fn kind_words(kind: &NodeKind, catalog: &Catalog) -> String {
    match kind {
        NodeKind::Action { operation, .. } => {
            let name = catalog.operation(operation).map_or("not in the catalogue", |(_, it)| it.title.as_str());
            format!("{} · {name}", service(operation, catalog))
        }
        other => face(other, catalog).title.to_owned(),
    }
}

/// The fields: those of the operation, required ones first, or those that the kind has.
pub(super) fn fields(kind: &NodeKind, catalog: &Catalog) -> Vec<FieldRow> {
    if let NodeKind::Action { operation, input, .. } = kind
        && let Some((_, operation)) = catalog.operation(operation)
    {
        let open = operation.inputs.iter().filter(|it| it.fixed.is_none());
        let row = |it: &crate::catalog::Input| {
            let binding = input.0.get(&it.key);
            let needed = it.required && it.account.is_none();
            FieldRow { label: it.label().into_owned(), required: needed, parts: binding.map(parts).unwrap_or_default() }
        };
        let mut rows: Vec<(bool, FieldRow)> = open.map(|it| (input.0.contains_key(&it.key), row(it))).collect();
        rows.sort_by_key(|(is_set, row)| (!row.required, !is_set));
        // Optional fields that are empty are many, and say nothing here.
        return rows.into_iter().filter(|(is_set, row)| *is_set || row.required).map(|it| it.1).collect();
    }
    let row = |(place, binding): (String, &Binding)| {
        let name = place.rsplit('.').next().unwrap_or(&place);
        FieldRow { label: title(name), required: false, parts: parts(binding) }
    };
    kind.bindings().into_iter().map(row).collect()
}

fn parts(binding: &Binding) -> Vec<Part> {
    let part = |text: String, filled| Part { text, filled };
    match &binding.source {
        Source::Value(serde_json::Value::String(text)) if text.is_empty() => Vec::new(),
        Source::Value(serde_json::Value::String(text)) => vec![part(text.clone(), false)],
        Source::Value(value) => vec![part(value.to_string(), false)],
        Source::Expr(source) if source.trim().is_empty() => Vec::new(),
        Source::Expr(source) => vec![part(source.clone(), true)],
        Source::Text(text) => {
            let mut parts = Vec::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("{{") {
                let Some((inner, after)) = after.split_once("}}") else { break };
                if !before.is_empty() {
                    parts.push(part(before.to_owned(), false));
                }
                parts.push(part(inner.trim().to_owned(), true));
                rest = after;
            }
            if !rest.is_empty() {
                parts.push(part(rest.to_owned(), false));
            }
            parts
        }
        Source::List(items) => vec![part(count(items.len(), "value"), false)],
        Source::Object(fields) => vec![part(count(fields.len(), "field"), false)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_first_template_are_rows() {
        let catalog = Catalog::shipped();
        let flow = &crate::ui::template::all()[0].flow;
        let mut lines = Vec::new();
        for (id, node) in &flow.nodes {
            lines.push(format!("# {id}: {}", kind_words(&node.kind, &catalog)));
            for row in fields(&node.kind, &catalog) {
                let parts: Vec<String> =
                    row.parts.iter().map(|it| if it.filled { format!("[{}]", it.text) } else { it.text.clone() }).collect();
                lines.push(format!("{}{}: {}", row.label, if row.required { "*" } else { "" }, parts.concat()));
            }
        }
        insta::assert_snapshot!("field_rows", lines.join("\n"));
    }
}
