//! Changes to a flow, each with an exact undo.
use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::field::Unset;
use super::{Binding, Edge, FieldPath, Flow, Group, GroupId, Node, NodeId, NodeKind, Note, NoteId, SlotId, Trigger, rename};
use crate::catalog::ConnectorId;

/// The most nodes that a flow may have.
pub const MAX_NODES: usize = 10_000;
/// The most edges that a flow may have.
pub const MAX_EDGES: usize = 50_000;

/// One change to a flow. Everything that a window, a command or an import does to a flow is made of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// A new node. Any id that is free is taken; [`Flow::check`] says if expressions cannot speak of it.
    AddNode {
        /// Its id.
        id: NodeId,
        /// What it is.
        node: Arc<Node>,
        /// Where it sits; none leaves that to whoever paints.
        at: Option<[i32; 2]>,
    },
    /// Takes a node away, with its edges and its place.
    RemoveNode {
        /// Which.
        id: NodeId,
    },
    /// Another node in place of one, under the same id; edges stay, also those from ports that are no more.
    ReplaceNode {
        /// Which.
        id: NodeId,
        /// What it becomes.
        node: Arc<Node>,
    },
    /// Another kind, or other settings of the kind; name and muting stay.
    SetKind {
        /// Which.
        id: NodeId,
        /// What it does from now on.
        kind: NodeKind,
    },
    /// The name that a person reads.
    RenameNode {
        /// Which.
        id: NodeId,
        /// The new name.
        name: String,
    },
    /// Where it sits; none leaves that to whoever paints.
    MoveNode {
        /// Which.
        id: NodeId,
        /// Canvas points.
        to: Option<[i32; 2]>,
    },
    /// Whether it is passed through as if it were not there.
    SetMuted {
        /// Which.
        id: NodeId,
        /// Whether.
        muted: bool,
    },
    /// Another id; every edge, place and reference in an expression follows.
    RenameId {
        /// The id that it has.
        from: NodeId,
        /// The id that it gets.
        to: NodeId,
    },
    /// A new edge between nodes that are there; any port is taken, [`Flow::check`] says if the node does not have it.
    Connect(Edge),
    /// Takes an edge away.
    Disconnect(Edge),
    /// Fills a field, or empties one that may be empty.
    Bind {
        /// Whose.
        node: NodeId,
        /// Which.
        field: FieldPath,
        /// How; none empties it.
        binding: Option<Binding>,
    },
    /// A new place for a connection.
    AddSlot {
        /// Its id.
        id: SlotId,
        /// Of which connector its connection must be.
        connector: ConnectorId,
    },
    /// Takes a slot away; nodes that call on it keep its name.
    RemoveSlot {
        /// Which.
        id: SlotId,
    },
    /// Another connector for a slot.
    SetSlot {
        /// Which.
        id: SlotId,
        /// Of which connector its connection must be.
        connector: ConnectorId,
    },
    /// Another id for a slot; the nodes that call on it follow.
    RenameSlot {
        /// The id that it has.
        from: SlotId,
        /// The id that it gets.
        to: SlotId,
    },
    /// A note where there was none, in place of the one that was there, or none at all.
    PutNote {
        /// Which.
        id: NoteId,
        /// What it is from now on.
        note: Option<Note>,
    },
    /// A group where there was none, in place of the one that was there, or none at all.
    PutGroup {
        /// Which.
        id: GroupId,
        /// What it is from now on.
        group: Option<Group>,
    },
    /// The flow's name.
    SetName(String),
    /// What the flow is for.
    SetDescription(String),
    /// How fast its runs follow one another.
    SetPace(super::Pace),
    /// Several changes in this order, all or none.
    Many {
        /// What a person reads: "Paste 3 nodes".
        label: String,
        /// The changes.
        edits: Vec<Edit>,
    },
}

/// Why a flow was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum EditError {
    #[error("there is no node \"{0}\"")]
    NoNode(NodeId),
    #[error("there already is a node \"{0}\"")]
    NodeExists(NodeId),
    #[error(
        "\"{0}\" cannot be a node's id: use lower-case letters, digits and _, a letter first, at most 64, and no word that expressions keep for themselves"
    )]
    InvalidId(NodeId),
    #[error("there is no edge from {}.{} to {}", .0.from, .0.port, .0.to)]
    NoEdge(Edge),
    #[error("there already is an edge from {}.{} to {}", .0.from, .0.port, .0.to)]
    EdgeExists(Edge),
    #[error("node \"{node}\" has no field {field}")]
    NoField { node: NodeId, field: FieldPath },
    #[error("field {field} of node \"{node}\" cannot be empty")]
    Required { node: NodeId, field: FieldPath },
    #[error("there is no slot \"{0}\"")]
    NoSlot(SlotId),
    #[error("there already is a slot \"{0}\"")]
    SlotExists(SlotId),
    #[error("there is no note \"{0}\"")]
    NoNote(NoteId),
    #[error("there is no group \"{0}\"")]
    NoGroup(GroupId),
    #[error("node \"{node}\" is in the group \"{group}\" already")]
    Grouped { node: NodeId, group: GroupId },
    #[error("the group \"{0}\" cannot be within itself")]
    GroupInItself(GroupId),
    #[error("the group \"{group}\" still holds the group \"{inner}\"")]
    GroupHolds { group: GroupId, inner: GroupId },
    #[error("a flow has at most {MAX_NODES} nodes")]
    TooManyNodes,
    #[error("a flow has at most {MAX_EDGES} edges")]
    TooManyEdges,
}

impl Edit {
    /// What a person reads after "Undo" and "Redo".
    pub fn label(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::AddNode { .. } => "Add node",
            Self::RemoveNode { .. } => "Delete node",
            Self::ReplaceNode { .. } | Self::SetKind { .. } => "Change node",
            Self::RenameNode { .. } => "Rename node",
            Self::MoveNode { .. } => "Move node",
            Self::SetMuted { muted: true, .. } => "Mute node",
            Self::SetMuted { muted: false, .. } => "Unmute node",
            Self::RenameId { .. } => "Change node id",
            Self::Connect(_) => "Connect",
            Self::Disconnect(_) => "Disconnect",
            Self::Bind { field, .. } => return Cow::Owned(format!("Edit {field}")),
            Self::AddSlot { .. } => "Add slot",
            Self::RemoveSlot { .. } => "Delete slot",
            Self::SetSlot { .. } => "Change slot",
            Self::RenameSlot { .. } => "Rename slot",
            Self::PutNote { note: Some(_), .. } => "Edit note",
            Self::PutNote { note: None, .. } => "Delete note",
            Self::PutGroup { group: Some(_), .. } => "Edit group",
            Self::PutGroup { group: None, .. } => "Ungroup",
            Self::SetName(_) => "Rename flow",
            Self::SetDescription(_) => "Edit description",
            Self::SetPace(_) => "Change how runs follow one another",
            Self::Many { label, .. } => return Cow::Owned(label.clone()),
        })
    }
}

impl Flow {
    /// A flow without nodes.
    pub fn new(id: impl Into<super::FlowId>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            description: String::new(),
            pace: super::Pace::default(),
            nodes: [].into(),
            edges: [].into(),
            slots: [].into(),
            layout: [].into(),
            notes: [].into(),
            groups: [].into(),
        }
    }

    /// Makes a change, or none of it.
    pub fn apply(&mut self, edit: Edit) -> Result<(), EditError> {
        self.apply_undoable(edit).map(drop)
    }

    /// Makes a change, or none of it, and gives the change that takes it back exactly: the flow and its file are then what
    /// they were.
    pub fn apply_undoable(&mut self, edit: Edit) -> Result<Edit, EditError> {
        let label = edit.label();
        let mut undo = Vec::new();
        let done = self.perform(edit, &mut undo);
        undo.reverse();
        match done {
            Ok(()) if undo.len() == 1 => Ok(undo.remove(0)),
            Ok(()) => Ok(Edit::Many { label: label.into_owned(), edits: undo }),
            Err(error) => {
                for back in undo {
                    let back = self.perform(back, &mut Vec::new());
                    debug_assert_eq!(back, Ok(()), "what was done can be undone");
                }
                Err(error)
            }
        }
    }

    /// Makes a change and adds what undoes it, to be made from the last to the first. On an error `undo` says what was
    /// already done.
    fn perform(&mut self, edit: Edit, undo: &mut Vec<Edit>) -> Result<(), EditError> {
        match edit {
            Edit::AddNode { id, node, at } => {
                if self.nodes.contains_key(&id) {
                    return Err(EditError::NodeExists(id));
                }
                if self.nodes.len() >= MAX_NODES {
                    return Err(EditError::TooManyNodes);
                }
                if let Some(at) = at {
                    self.layout.insert(id.clone(), at);
                }
                self.nodes.insert(id.clone(), node);
                undo.push(Edit::RemoveNode { id });
            }
            Edit::RemoveNode { id } => self.remove_node(id, undo)?,
            Edit::ReplaceNode { id, node } => self.replace(id, undo, |_| Ok(node))?,
            Edit::SetKind { id, kind } => {
                self.replace(id, undo, |old| Ok(Arc::new(Node { name: old.name.clone(), muted: old.muted, kind })))?;
            }
            Edit::RenameNode { id, name } => self.replace(id, undo, |old| Ok(Arc::new(Node { name, ..old.clone() })))?,
            Edit::SetMuted { id, muted } => self.replace(id, undo, |old| Ok(Arc::new(Node { muted, ..old.clone() })))?,
            Edit::MoveNode { id, to } => {
                if !self.nodes.contains_key(&id) {
                    return Err(EditError::NoNode(id));
                }
                let old = match to {
                    Some(to) => self.layout.insert(id.clone(), to),
                    None => self.layout.remove(&id),
                };
                undo.push(Edit::MoveNode { id, to: old });
            }
            Edit::RenameId { from, to } => self.rename_id(from, to, undo)?,
            Edit::Connect(edge) => {
                if let Some(end) = [&edge.from, &edge.to].into_iter().find(|it| !self.nodes.contains_key(*it)) {
                    return Err(EditError::NoNode(end.clone()));
                }
                if self.edges.len() >= MAX_EDGES {
                    return Err(EditError::TooManyEdges);
                }
                if !self.edges.insert(edge.clone()) {
                    return Err(EditError::EdgeExists(edge));
                }
                undo.push(Edit::Disconnect(edge));
            }
            Edit::Disconnect(edge) => {
                if !self.edges.remove(&edge) {
                    return Err(EditError::NoEdge(edge));
                }
                undo.push(Edit::Connect(edge));
            }
            Edit::Bind { node, field, binding } => {
                let id = node.clone();
                self.replace(node, undo, |old| {
                    let mut changed = old.clone();
                    match field.set(&mut changed.kind, binding) {
                        Ok(()) => Ok(Arc::new(changed)),
                        Err(Unset::NoField) => Err(EditError::NoField { node: id, field }),
                        Err(Unset::Required) => Err(EditError::Required { node: id, field }),
                    }
                })?;
            }
            Edit::AddSlot { id, connector } => {
                if self.slots.contains_key(&id) {
                    return Err(EditError::SlotExists(id));
                }
                self.slots.insert(id.clone(), connector);
                undo.push(Edit::RemoveSlot { id });
            }
            Edit::RemoveSlot { id } => {
                let Some(connector) = self.slots.remove(&id) else { return Err(EditError::NoSlot(id)) };
                undo.push(Edit::AddSlot { id, connector });
            }
            Edit::SetSlot { id, connector } => {
                let Some(slot) = self.slots.get_mut(&id) else { return Err(EditError::NoSlot(id)) };
                let connector = std::mem::replace(slot, connector);
                undo.push(Edit::SetSlot { id, connector });
            }
            Edit::RenameSlot { from, to } => self.rename_slot(from, to, undo)?,
            Edit::PutNote { id, note } => {
                let old = match note {
                    Some(note) => self.notes.insert(id.clone(), note),
                    None => Some(self.notes.remove(&id).ok_or_else(|| EditError::NoNote(id.clone()))?),
                };
                undo.push(Edit::PutNote { id, note: old });
            }
            Edit::PutGroup { id, group } => self.put_group(id, group, undo)?,
            Edit::SetName(name) => undo.push(Edit::SetName(std::mem::replace(&mut self.name, name))),
            Edit::SetDescription(text) => undo.push(Edit::SetDescription(std::mem::replace(&mut self.description, text))),
            Edit::SetPace(pace) => undo.push(Edit::SetPace(std::mem::replace(&mut self.pace, pace))),
            Edit::Many { edits, .. } => {
                for edit in edits {
                    self.perform(edit, undo)?;
                }
            }
        }
        Ok(())
    }

    fn replace(
        &mut self,
        id: NodeId,
        undo: &mut Vec<Edit>,
        change: impl FnOnce(&Node) -> Result<Arc<Node>, EditError>,
    ) -> Result<(), EditError> {
        let Some(node) = self.nodes.get_mut(&id) else { return Err(EditError::NoNode(id)) };
        let changed = change(node)?;
        let node = std::mem::replace(node, changed);
        undo.push(Edit::ReplaceNode { id, node });
        Ok(())
    }

    fn edges_of(&self, id: &NodeId) -> Vec<Edge> {
        self.edges.iter().filter(|it| it.from == *id || it.to == *id).cloned().collect()
    }

    fn remove_node(&mut self, id: NodeId, undo: &mut Vec<Edit>) -> Result<(), EditError> {
        let Some(node) = self.nodes.remove(&id) else { return Err(EditError::NoNode(id)) };
        for edge in self.edges_of(&id) {
            self.edges.remove(&edge);
            undo.push(Edit::Connect(edge));
        }
        self.regroup(&id, None, undo);
        let at = self.layout.remove(&id);
        undo.push(Edit::AddNode { id, node, at });
        Ok(())
    }

    /// The undo does not rename back: an expression that already spoke of the new id before must keep doing so.
    fn rename_id(&mut self, from: NodeId, to: NodeId, undo: &mut Vec<Edit>) -> Result<(), EditError> {
        if from == to {
            return if self.nodes.contains_key(&from) { Ok(()) } else { Err(EditError::NoNode(from)) };
        }
        if !to.is_valid() {
            return Err(EditError::InvalidId(to));
        }
        if self.nodes.contains_key(&to) {
            return Err(EditError::NodeExists(to));
        }
        let Some(old) = self.nodes.get(&from).cloned() else { return Err(EditError::NoNode(from)) };
        for (id, node) in &mut self.nodes {
            if let Some(changed) = rename::in_node(node, &from, &to) {
                let node = std::mem::replace(node, Arc::new(changed));
                if *id != from {
                    undo.push(Edit::ReplaceNode { id: id.clone(), node });
                }
            }
        }
        let renamed = |id: NodeId| if id == from { to.clone() } else { id };
        for edge in self.edges_of(&from) {
            self.edges.remove(&edge);
            undo.push(Edit::Connect(edge.clone()));
            self.edges.insert(Edge { from: renamed(edge.from), port: edge.port, to: renamed(edge.to) });
        }
        self.regroup(&from, Some(&to), undo);
        let at = self.layout.remove(&from);
        if let Some(at) = at {
            self.layout.insert(to.clone(), at);
        }
        if let Some(node) = self.nodes.remove(&from) {
            self.nodes.insert(to.clone(), node);
        }
        undo.push(Edit::AddNode { id: from, node: old, at });
        undo.push(Edit::RemoveNode { id: to });
        Ok(())
    }

    fn rename_slot(&mut self, from: SlotId, to: SlotId, undo: &mut Vec<Edit>) -> Result<(), EditError> {
        if from == to {
            return if self.slots.contains_key(&from) { Ok(()) } else { Err(EditError::NoSlot(from)) };
        }
        if self.slots.contains_key(&to) {
            return Err(EditError::SlotExists(to));
        }
        let Some(connector) = self.slots.remove(&from) else { return Err(EditError::NoSlot(from)) };
        for (id, node) in &mut self.nodes {
            if node.kind.slot() == Some(&from) {
                let mut changed = Node::clone(node);
                match &mut changed.kind {
                    NodeKind::Action { slot, .. } | NodeKind::Trigger(Trigger::Event { slot, .. }) => *slot = to.clone(),
                    NodeKind::Http(call) => call.slot = Some(to.clone()),
                    _ => {}
                }
                let node = std::mem::replace(node, Arc::new(changed));
                undo.push(Edit::ReplaceNode { id: id.clone(), node });
            }
        }
        self.slots.insert(to.clone(), connector.clone());
        undo.push(Edit::AddSlot { id: from, connector });
        undo.push(Edit::RemoveSlot { id: to });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
