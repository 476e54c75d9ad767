//! Parts of a flow as text: the text is a flow file, so that it can be mailed, read, and pasted into any window.
//!
//! Invariant: pasting never changes what is there, and what is pasted speaks of its own nodes.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use eframe::egui::{Pos2, Vec2, vec2};

use super::rewire::one_step;
use crate::catalog::ConnectorId;
use crate::flow::file::FileErrorKind;
use crate::flow::{Edit, Flow, NodeId, SlotId};

/// The nodes, the wires between them, and the slots that they need.
pub(crate) fn copy(flow: &Flow, nodes: &BTreeSet<NodeId>, places: &dyn Fn(&NodeId) -> [i32; 2]) -> Option<String> {
    let mut part = Flow::new(flow.id.clone(), flow.name.clone());
    for id in nodes {
        let Some(node) = flow.nodes.get(id) else { continue };
        part.nodes.insert(id.clone(), Arc::clone(node));
        part.layout.insert(id.clone(), places(id));
        if let Some(slot) = node.kind.slot()
            && let Some(connector) = flow.slots.get(slot)
        {
            part.slots.insert(slot.clone(), connector.clone());
        }
    }
    part.edges = flow.edges.iter().filter(|it| nodes.contains(&it.from) && nodes.contains(&it.to)).cloned().collect();
    (!part.nodes.is_empty()).then(|| part.to_text())
}

/// What is pasted: the edit, and the nodes that it makes.
#[derive(Debug)]
pub(crate) struct Pasted {
    pub(crate) edit: Edit,
    pub(crate) nodes: Vec<NodeId>,
}

/// Where the parts go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// Their middle here.
    Around(Pos2),
    /// Beside where they were.
    Beside(Vec2),
}

/// Puts copied text into a flow.
///
/// # Errors
/// In words: the text is no part of a flow.
pub(crate) fn paste(flow: &Flow, text: &str, target: Target) -> Result<Pasted, String> {
    let mut part = Flow::parse(text.as_bytes()).map_err(|error| match error.kind {
        FileErrorKind::Syntax | FileErrorKind::NotAFlow | FileErrorKind::NotText => {
            "The clipboard holds no part of a flow. Copy steps in Flowyard, or the text of a flow file.".to_owned()
        }
        _ => crate::ui::files::sentence(&error.to_string()),
    })?;
    if part.nodes.is_empty() {
        return Err("There is nothing in it to paste.".to_owned());
    }
    let ids: Vec<NodeId> = part.nodes.keys().cloned().collect();
    let mut taken: BTreeSet<NodeId> = flow.nodes.keys().chain(&ids).cloned().collect();
    for id in ids {
        if flow.nodes.contains_key(&id) {
            let fresh = fresh_id(id.as_str(), &taken);
            taken.insert(fresh.clone());
            part.apply(Edit::RenameId { from: id, to: fresh }).map_err(|error| crate::ui::files::sentence(&error.to_string()))?;
        }
    }
    let mut edits = Vec::new();
    let slots: BTreeMap<SlotId, ConnectorId> = part.slots.clone();
    for (slot, connector) in slots {
        let place = slot_for(flow, &part, &slot, &connector);
        if place != slot {
            part.apply(Edit::RenameSlot { from: slot, to: place.clone() })
                .map_err(|error| crate::ui::files::sentence(&error.to_string()))?;
        }
        if !flow.slots.contains_key(&place) {
            edits.push(Edit::AddSlot { id: place, connector });
        }
    }
    let by = offset(&part, target);
    let places = super::tidy::places(&part);
    let nodes: Vec<NodeId> = part.nodes.keys().cloned().collect();
    for (id, node) in &part.nodes {
        let [x, y] = part.layout.get(id).or_else(|| places.get(id)).copied().unwrap_or_default();
        let at = Some([x.saturating_add(by.x as i32), y.saturating_add(by.y as i32)]);
        edits.push(Edit::AddNode { id: id.clone(), node: Arc::clone(node), at });
    }
    edits.extend(part.edges.iter().cloned().map(Edit::Connect));
    let label = format!("Paste {}", super::sentence::count(nodes.len(), "step"));
    let edit = one_step(edits, |_| label).ok_or("There is nothing in it to paste.")?;
    Ok(Pasted { edit, nodes })
}

/// The slot of the flow with the same connector: the one of that name, or any.
fn slot_for(flow: &Flow, part: &Flow, slot: &SlotId, connector: &ConnectorId) -> SlotId {
    if flow.slots.get(slot) == Some(connector) {
        return slot.clone();
    }
    let same = flow.slots.iter().find(|(id, it)| *it == connector && !part.slots.contains_key(*id));
    if let Some((id, _)) = same {
        return id.clone();
    }
    let is_free = |it: &SlotId| !flow.slots.contains_key(it) && (it == slot || !part.slots.contains_key(it));
    if is_free(slot) {
        return slot.clone();
    }
    (2..=u32::MAX).map(|number| SlotId::new(format!("{slot}_{number}"))).find(is_free).unwrap_or_else(|| slot.clone())
}

/// An id like this one that is not taken.
pub(crate) fn fresh_id(like: &str, taken: &BTreeSet<NodeId>) -> NodeId {
    let stem = like.trim_end_matches(|it: char| it.is_ascii_digit());
    let stem = if stem.len() < like.len() && stem.ends_with('_') { stem.trim_end_matches('_') } else { like };
    let stem: String = stem.chars().take(56).collect();
    let plain = NodeId::new(stem.as_str());
    if plain.is_valid() && !taken.contains(&plain) {
        return plain;
    }
    (2..=u32::MAX)
        .map(|number| NodeId::new(format!("{stem}_{number}")))
        .find(|it| it.is_valid() && !taken.contains(it))
        .unwrap_or(plain)
}

fn offset(part: &Flow, target: Target) -> Vec2 {
    let by = match target {
        Target::Beside(by) => by,
        Target::Around(middle) => {
            let xs = part.layout.values().map(|it| it[0]);
            let ys = part.layout.values().map(|it| it[1]);
            let (left, right) = (xs.clone().min().unwrap_or(0), xs.max().unwrap_or(0));
            let (top, bottom) = (ys.clone().min().unwrap_or(0), ys.max().unwrap_or(0));
            let metric = vec2(crate::ui::theme::tokens::node::WIDTH, crate::ui::theme::tokens::node::MIN_HEIGHT);
            middle.to_vec2() - vec2((left + right) as f32 / 2.0, (top + bottom) as f32 / 2.0) - metric / 2.0
        }
    };
    super::snap::on_grid(by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::{Sketch, id};
    use crate::flow::{Binding, Edge, FieldPath};

    fn flow() -> Flow {
        let mut flow = Sketch::flow("t.out -> a, a.out -> b");
        let field = FieldPath::new(["input", "contactId"]);
        flow.apply(Edit::Bind { node: id("b"), field, binding: Some(Binding::expr("a.id")) }).unwrap();
        flow
    }

    fn copied(nodes: &[&str]) -> String {
        copy(&flow(), &nodes.iter().map(|it| id(it)).collect(), &|_| [10, 20]).unwrap()
    }

    #[test]
    fn a_copy_beside_the_original_speaks_of_its_own_nodes() {
        let mut target = flow();
        let pasted = paste(&target, &copied(&["a", "b"]), Target::Beside(vec2(40.0, 40.0))).unwrap();
        assert_eq!(pasted.nodes, [id("a_2"), id("b_2")]);
        target.apply(pasted.edit).unwrap();
        assert!(target.edges.contains(&Edge { from: id("a_2"), port: "out".into(), to: id("b_2") }));
        assert!(format!("{:?}", target.nodes[&id("b_2")]).contains("a_2.id"));
        assert!(format!("{:?}", target.nodes[&id("b")]).contains("\"a.id\""));
        assert_eq!(target.layout[&id("a_2")], [50, 60]);
        assert_eq!(target.slots.len(), 1);
    }

    #[test]
    fn another_flow_gets_the_slots_that_it_lacks() {
        let mut target = Flow::new("other", "Other");
        target.apply(Edit::AddSlot { id: "crm".into(), connector: ConnectorId::new("else") }).unwrap();
        let pasted = paste(&target, &copied(&["a"]), Target::Around(Pos2::ZERO)).unwrap();
        target.apply(pasted.edit).unwrap();
        assert_eq!(target.slots[&"crm_2".into()], ConnectorId::new("crm"));
        assert_eq!(target.nodes[&id("a")].kind.slot(), Some(&"crm_2".into()));
    }

    #[test]
    fn what_is_no_flow_is_refused_in_words() {
        for text in ["", "hello", "{\"a\": 1}"] {
            assert!(paste(&flow(), text, Target::Around(Pos2::ZERO)).unwrap_err().contains("no part of a flow"), "{text}");
        }
    }

    #[test]
    fn fresh_ids_count_on() {
        let taken: BTreeSet<NodeId> = ["a", "a_2", "b_9"].map(id).into();
        assert_eq!(fresh_id("a", &taken), id("a_3"));
        assert_eq!(fresh_id("b_9", &taken), id("b"));
        assert_eq!(fresh_id("item", &taken), id("item_2"));
    }
}
