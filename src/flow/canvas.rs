//! What a person adds to a flow for the eye alone: notes, and groups of nodes.
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Edit, EditError, Flow, GroupId, NodeId};

/// Words on the canvas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What it says; the first line is its title.
    pub text: String,
    /// Its upper left corner, in canvas points.
    pub at: [i32; 2],
    /// Width and height, in canvas points.
    pub size: [i32; 2],
}

/// Nodes that belong together. Groups nest over their parents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Group {
    /// What a person calls it.
    pub title: String,
    /// The nodes that are in it and in none of the groups within it.
    pub nodes: BTreeSet<NodeId>,
    /// The group that it is in.
    pub parent: Option<GroupId>,
    /// Whether it is shown as one card.
    pub folded: bool,
}

impl Flow {
    /// The group that a node is in; the innermost.
    pub fn group_of(&self, node: &NodeId) -> Option<&GroupId> {
        self.groups.iter().find(|(_, it)| it.nodes.contains(node)).map(|(id, _)| id)
    }

    /// The groups around a group, the innermost first; never endless, also where the invariant does not hold.
    pub fn groups_around<'a>(&'a self, group: &'a GroupId) -> impl Iterator<Item = &'a GroupId> {
        let parent = |id: &GroupId| self.groups.get(id).and_then(|it| it.parent.as_ref());
        std::iter::successors(parent(group), move |id| parent(id)).take(self.groups.len())
    }

    /// Every node in a group and in the groups within it.
    pub fn nodes_within(&self, group: &GroupId) -> BTreeSet<NodeId> {
        let within = |id: &GroupId| id == group || self.groups_around(id).any(|it| it == group);
        self.groups.iter().filter(|(id, _)| within(id)).flat_map(|(_, it)| it.nodes.iter().cloned()).collect()
    }

    /// Puts a group where it was, or where there was none, or takes it away.
    pub(super) fn put_group(&mut self, id: GroupId, group: Option<Group>, undo: &mut Vec<Edit>) -> Result<(), EditError> {
        match &group {
            Some(group) => self.may_hold(&id, group)?,
            None if !self.groups.contains_key(&id) => return Err(EditError::NoGroup(id)),
            None => {
                if let Some((inner, _)) = self.groups.iter().find(|(_, it)| it.parent.as_ref() == Some(&id)) {
                    return Err(EditError::GroupHolds { group: id, inner: inner.clone() });
                }
            }
        }
        let old = match group {
            Some(group) => self.groups.insert(id.clone(), group),
            None => self.groups.remove(&id),
        };
        undo.push(Edit::PutGroup { id, group: old });
        Ok(())
    }

    fn may_hold(&self, id: &GroupId, group: &Group) -> Result<(), EditError> {
        for node in &group.nodes {
            if !self.nodes.contains_key(node) {
                return Err(EditError::NoNode(node.clone()));
            }
            if let Some(other) = self.group_of(node).filter(|it| *it != id) {
                return Err(EditError::Grouped { node: node.clone(), group: other.clone() });
            }
        }
        if let Some(parent) = &group.parent {
            if !self.groups.contains_key(parent) {
                return Err(EditError::NoGroup(parent.clone()));
            }
            if parent == id || self.groups_around(parent).any(|it| it == id) {
                return Err(EditError::GroupInItself(id.clone()));
            }
        }
        Ok(())
    }

    /// A node goes away, or takes another id: its group follows, and one that would be empty goes with the last of its nodes.
    pub(super) fn regroup(&mut self, node: &NodeId, instead: Option<&NodeId>, undo: &mut Vec<Edit>) {
        let Some(id) = self.group_of(node).cloned() else { return };
        let around: Vec<GroupId> = std::iter::once(id.clone()).chain(self.groups_around(&id).cloned()).collect();
        let before: Vec<(GroupId, Option<Group>)> = around.iter().map(|it| (it.clone(), self.groups.get(it).cloned())).collect();
        if let Some(group) = self.groups.get_mut(&id) {
            group.nodes.remove(node);
            group.nodes.extend(instead.cloned());
        }
        for id in around {
            let is_empty = self.groups.get(&id).is_some_and(|it| it.nodes.is_empty())
                && !self.groups.values().any(|it| it.parent.as_ref() == Some(&id));
            if !is_empty {
                break;
            }
            self.groups.remove(&id);
        }
        // The outermost is put back first: it is the last of these.
        undo.extend(before.into_iter().map(|(id, group)| Edit::PutGroup { id, group }));
    }
}
