//! What publishing changes, in words.
use crate::flow::{Edge, Flow, Node, NodeId};

/// One change from what is live to the draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A node that is not live yet.
    Added {
        /// Which.
        node: NodeId,
        /// What a person calls it.
        name: String,
    },
    /// A node that is live and no longer in the draft.
    Removed {
        /// Which.
        node: NodeId,
        /// What a person called it.
        name: String,
    },
    /// A node that does something else.
    Changed {
        /// Which.
        node: NodeId,
        /// What a person calls it.
        name: String,
        /// What of it, in words: its fields, its name, whether it is muted.
        what: Vec<String>,
    },
    /// Steps follow one another otherwise.
    Rewired {
        /// Ways that are new.
        added: usize,
        /// Ways that are gone.
        removed: usize,
    },
    /// The flow as a whole: its name, its slots, how its runs follow one another.
    Whole {
        /// What, in words.
        what: String,
    },
}

impl Change {
    /// The node that it is about, to be marked on the canvas.
    pub fn node(&self) -> Option<&NodeId> {
        match self {
            Self::Added { node, .. } | Self::Removed { node, .. } | Self::Changed { node, .. } => Some(node),
            Self::Rewired { .. } | Self::Whole { .. } => None,
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added { name, .. } => write!(f, "\"{name}\" is new"),
            Self::Removed { name, .. } => write!(f, "\"{name}\" is taken away"),
            Self::Changed { name, what, .. } => write!(f, "\"{name}\": {}", what.join(", ")),
            Self::Rewired { added, removed: 0 } => write!(f, "{added} more between steps"),
            Self::Rewired { added: 0, removed } => write!(f, "{removed} fewer between steps"),
            Self::Rewired { added, removed } => write!(f, "steps follow one another otherwise: {added} new, {removed} gone"),
            Self::Whole { what } => f.write_str(what),
        }
    }
}

/// What is different, in the order of the flow's nodes; where they sit on the canvas makes no difference.
pub fn changes(live: &Flow, draft: &Flow) -> Vec<Change> {
    let mut found = Vec::new();
    if live.name != draft.name {
        found.push(Change::Whole { what: format!("it is called \"{}\" now", draft.name) });
    }
    if live.slots != draft.slots {
        found.push(Change::Whole { what: "it needs other connections".to_owned() });
    }
    if live.pace != draft.pace {
        found.push(Change::Whole { what: "its runs follow one another otherwise".to_owned() });
    }
    for (id, node) in &draft.nodes {
        match live.nodes.get(id) {
            None => found.push(Change::Added { node: id.clone(), name: node.name.clone() }),
            Some(before) if before == node => {}
            Some(before) => {
                let what = differences(before, node);
                found.push(Change::Changed { node: id.clone(), name: node.name.clone(), what });
            }
        }
    }
    for (id, node) in live.nodes.iter().filter(|(id, _)| !draft.nodes.contains_key(*id)) {
        found.push(Change::Removed { node: id.clone(), name: node.name.clone() });
    }
    // Ways of nodes that came or went are told with them.
    let stays =
        |edge: &&Edge| [&edge.from, &edge.to].iter().all(|it| live.nodes.contains_key(*it) && draft.nodes.contains_key(*it));
    let added = draft.edges.difference(&live.edges).filter(stays).count();
    let removed = live.edges.difference(&draft.edges).filter(stays).count();
    if added + removed > 0 {
        found.push(Change::Rewired { added, removed });
    }
    found
}

/// What of a node is different.
fn differences(before: &Node, after: &Node) -> Vec<String> {
    let mut what = Vec::new();
    if before.name != after.name {
        what.push(format!("was called \"{}\"", before.name));
    }
    if before.muted != after.muted {
        what.push(if after.muted { "is muted" } else { "is no longer muted" }.to_owned());
    }
    if before.kind == after.kind {
        return what;
    }
    let (old, new) = (before.kind.bindings(), after.kind.bindings());
    let find =
        |list: &[(String, &crate::flow::Binding)], key: &str| list.iter().find(|(it, _)| it == key).map(|(_, it)| (*it).clone());
    let plain = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let before_fields = what.len();
    for (key, binding) in &new {
        match find(&old, key) {
            None => what.push(format!("fills {}", plain(key))),
            Some(it) if it != **binding => what.push(format!("fills {} otherwise", plain(key))),
            Some(_) => {}
        }
    }
    for (key, _) in old.iter().filter(|(key, _)| find(&new, key).is_none()) {
        what.push(format!("leaves {} out", plain(key)));
    }
    if what.len() == before_fields {
        what.push("does something else".to_owned());
    }
    what
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::flow::{Binding, Mapping, NodeKind, Pace};

    fn node(name: &str, fields: &[(&str, i32)]) -> Arc<Node> {
        let fields = fields.iter().map(|(key, it)| ((*key).to_owned(), Binding::value(json!(it)))).collect();
        Arc::new(Node { name: name.to_owned(), muted: false, kind: NodeKind::Set { fields: Mapping(fields) } })
    }

    #[test]
    fn what_is_different_is_said_in_words_and_where_things_sit_is_not() {
        let mut live = Flow::new("f", "Sync");
        live.nodes =
            [("a".into(), node("A", &[("x", 1), ("y", 1)])), ("b".into(), node("B", &[])), ("c".into(), node("C", &[]))].into();
        let edge = |from: &str, to: &str| Edge { from: from.into(), port: "out".into(), to: to.into() };
        live.edges = [edge("a", "b"), edge("b", "c")].into();
        let mut draft = live.clone();
        draft.layout.insert("a".into(), [1, 2]);
        assert!(changes(&live, &draft).is_empty());
        draft.nodes.insert("a".into(), node("A", &[("x", 2), ("z", 1)]));
        draft.nodes.remove(&"c".into());
        draft.nodes.insert("d".into(), node("D", &[]));
        draft.nodes.insert("b".into(), Arc::new(Node { muted: true, ..Node::clone(&node("Bee", &[])) }));
        draft.edges = [edge("b", "a"), edge("b", "d")].into();
        draft.pace = Pace { at_once: 2, any_order: false };
        let told: Vec<String> = changes(&live, &draft).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "its runs follow one another otherwise",
                "\"A\": fills x otherwise, fills z, leaves y out",
                "\"Bee\": was called \"B\", is muted",
                "\"D\" is new",
                "\"C\" is taken away",
                "steps follow one another otherwise: 1 new, 1 gone",
            ]
        );
    }
}
