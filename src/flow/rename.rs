//! References to a node's id in its own and other nodes' expressions.
use super::field::each_binding;
use super::{Node, NodeId, Source};
use crate::expr::{Expr, Text};

/// The node with every reference to `from` made one to `to`; none where there is no such reference. What cannot be parsed
/// is left as it is.
pub(super) fn in_node(node: &Node, from: &NodeId, to: &NodeId) -> Option<Node> {
    // Most nodes of a flow do not speak of most others: look before a copy is made.
    if !node.kind.bindings().iter().any(|(_, it)| mentions(&it.source, from.as_str())) {
        return None;
    }
    let mut copy = node.clone();
    let mut changed = false;
    each_binding(&mut copy.kind, &mut |binding| {
        let renamed = match &binding.source {
            Source::Expr(text) => Expr::parse(text).ok().map(|it| it.rename_root(from.as_str(), to.as_str())).map(Source::Expr),
            Source::Text(text) => Text::parse(text).ok().map(|it| it.rename_root(from.as_str(), to.as_str())).map(Source::Text),
            _ => None,
        };
        if let Some(renamed) = renamed
            && renamed != binding.source
        {
            binding.source = renamed;
            changed = true;
        }
    });
    changed.then_some(copy)
}

fn mentions(source: &Source, name: &str) -> bool {
    match source {
        Source::Value(_) => false,
        Source::Text(text) | Source::Expr(text) => text.contains(name),
        Source::List(items) => items.iter().any(|it| mentions(&it.source, name)),
        Source::Object(fields) => fields.values().any(|it| mentions(&it.source, name)),
    }
}
