//! Putting nodes together and taking groups apart.
//!
//! Invariant: pure; every edit given here can be made, and is one step.
use std::collections::BTreeSet;

use super::rewire::one_step;
use super::view::Selection;
use crate::flow::{Edit, Flow, Group, GroupId, NodeId, NoteId};

/// A group of what is selected, and its id.
pub(crate) fn group(flow: &Flow, selection: &Selection) -> Option<(GroupId, Edit)> {
    let groups: BTreeSet<&GroupId> = selection.groups.iter().filter(|it| flow.groups.contains_key(*it)).collect();
    // What is in a selected group comes with it.
    let inside: BTreeSet<NodeId> = groups.iter().flat_map(|it| flow.nodes_within(it)).collect();
    let nodes: BTreeSet<NodeId> =
        selection.nodes.iter().filter(|it| flow.nodes.contains_key(*it) && !inside.contains(*it)).cloned().collect();
    let outermost: Vec<&GroupId> =
        groups.iter().filter(|it| !flow.groups_around(it).any(|around| groups.contains(around))).copied().collect();
    if nodes.len() + outermost.len() < 1 {
        return None;
    }
    // Everything from one group: the new one is within it.
    let mut homes: Vec<Option<GroupId>> = nodes.iter().map(|it| flow.group_of(it).cloned()).collect();
    homes.extend(outermost.iter().map(|it| flow.groups[*it].parent.clone()));
    let parent = homes.first().cloned().flatten().filter(|it| homes.iter().all(|home| home.as_ref() == Some(it)));
    let id = fresh(flow);
    let mut edits = taken_out(flow, &nodes);
    let title = format!("Group {}", flow.groups.len() + 1);
    let gone = emptied(flow, &nodes, parent.as_ref());
    let made = Group { title, nodes, parent, folded: false };
    edits.push(Edit::PutGroup { id: id.clone(), group: Some(made) });
    for inner in outermost {
        let moved = Group { parent: Some(id.clone()), ..flow.groups[inner].clone() };
        edits.push(Edit::PutGroup { id: inner.clone(), group: Some(moved) });
    }
    edits.extend(gone);
    Some((id, one_step(edits, |_| "Group".to_owned())?))
}

/// The groups that nodes are taken out of, without them.
fn taken_out(flow: &Flow, nodes: &BTreeSet<NodeId>) -> Vec<Edit> {
    let touched = flow.groups.iter().filter(|(_, it)| it.nodes.iter().any(|it| nodes.contains(it)));
    touched
        .map(|(id, group)| {
            let left = Group { nodes: group.nodes.difference(nodes).cloned().collect(), ..group.clone() };
            Edit::PutGroup { id: id.clone(), group: Some(left) }
        })
        .collect()
}

/// Groups in which nothing is left, but for the one around the new group.
fn emptied(flow: &Flow, nodes: &BTreeSet<NodeId>, parent: Option<&GroupId>) -> Vec<Edit> {
    flow.groups
        .iter()
        .filter(|(id, it)| {
            Some(*id) != parent
                && !it.nodes.is_empty()
                && it.nodes.is_subset(nodes)
                && !flow.groups.values().any(|other| other.parent.as_ref() == Some(id))
        })
        .map(|(id, _)| Edit::PutGroup { id: id.clone(), group: None })
        .collect()
}

/// Takes groups apart: what was in one is then in the group around it, or in none.
pub(crate) fn ungroup(flow: &Flow, selection: &Selection) -> Option<Edit> {
    let chosen = chosen(flow, selection);
    let mut edits = Vec::new();
    let mut work = flow.clone();
    for id in chosen {
        let Some(group) = work.groups.get(&id).cloned() else { continue };
        let mut step = Vec::new();
        for (inner, it) in work.groups.iter().filter(|(_, it)| it.parent.as_ref() == Some(&id)) {
            let moved = Group { parent: group.parent.clone(), ..it.clone() };
            step.push(Edit::PutGroup { id: inner.clone(), group: Some(moved) });
        }
        step.push(Edit::PutGroup { id: id.clone(), group: None });
        if let Some(parent) = &group.parent
            && let Some(around) = work.groups.get(parent)
        {
            let nodes = around.nodes.union(&group.nodes).cloned().collect();
            step.push(Edit::PutGroup { id: parent.clone(), group: Some(Group { nodes, ..around.clone() }) });
        }
        for edit in step {
            work.apply(edit.clone()).ok()?;
            edits.push(edit);
        }
    }
    one_step(edits, |_| "Ungroup".to_owned())
}

/// Folds what is open and opens what is folded.
pub(crate) fn fold(flow: &Flow, selection: &Selection) -> Option<Edit> {
    let chosen = chosen(flow, selection);
    let all_folded = chosen.iter().all(|it| flow.groups.get(it).is_some_and(|it| it.folded));
    let edits = chosen
        .into_iter()
        .filter_map(|id| {
            let group = flow.groups.get(&id)?;
            Some(Edit::PutGroup { id, group: Some(Group { folded: !all_folded, ..group.clone() }) })
        })
        .collect();
    one_step(edits, |_| if all_folded { "Unfold".to_owned() } else { "Fold".to_owned() })
}

/// The selected groups, or else the ones that the selected nodes are in.
fn chosen(flow: &Flow, selection: &Selection) -> BTreeSet<GroupId> {
    if selection.groups.is_empty() {
        return selection.nodes.iter().filter_map(|it| flow.group_of(it).cloned()).collect();
    }
    selection.groups.iter().filter(|it| flow.groups.contains_key(*it)).cloned().collect()
}

fn fresh(flow: &Flow) -> GroupId {
    (1..=u32::MAX)
        .map(|number| GroupId::new(format!("group_{number}")))
        .find(|it| !flow.groups.contains_key(it))
        .unwrap_or_else(|| GroupId::new("group"))
}

/// An id for a note.
pub(crate) fn fresh_note(flow: &Flow) -> NoteId {
    (1..=u32::MAX)
        .map(|number| NoteId::new(format!("note_{number}")))
        .find(|it| !flow.notes.contains_key(it))
        .unwrap_or_else(|| NoteId::new("note"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::testing::{Sketch, arbitrary, id};

    fn select(nodes: &str) -> Selection {
        Selection { nodes: nodes.split_whitespace().map(id).collect(), ..Selection::default() }
    }

    fn shape(flow: &Flow) -> Vec<String> {
        let line = |(id, it): (&GroupId, &Group)| {
            let nodes: Vec<_> = it.nodes.iter().map(NodeId::as_str).collect();
            let parent = it.parent.as_ref().map_or("", |it| it.as_str());
            format!("{id}: {} < {parent}", nodes.join(" "))
        };
        flow.groups.iter().map(line).collect()
    }

    #[test]
    fn groups_nest_and_come_apart() {
        let mut flow = Sketch::flow("t.out -> a, a.out -> b, b.out -> c");
        flow.apply(group(&flow, &select("a b c")).unwrap().1).unwrap();
        flow.apply(group(&flow, &select("b c")).unwrap().1).unwrap();
        assert_eq!(shape(&flow), ["group_1: a < ", "group_2: b c < group_1"]);
        let both = Selection { nodes: [id("t")].into(), groups: ["group_1".into()].into(), ..Selection::default() };
        flow.apply(group(&flow, &both).unwrap().1).unwrap();
        assert_eq!(shape(&flow), ["group_1: a < group_3", "group_2: b c < group_1", "group_3: t < "]);
        flow.apply(fold(&flow, &select("b")).unwrap()).unwrap();
        assert!(flow.groups[&"group_2".into()].folded);
        flow.apply(ungroup(&flow, &select("b")).unwrap()).unwrap();
        assert_eq!(shape(&flow), ["group_1: a b c < group_3", "group_3: t < "]);
    }

    #[test]
    fn a_group_that_is_left_without_nodes_goes() {
        let mut flow = Sketch::flow("t.out -> a, a.out -> b");
        flow.apply(group(&flow, &select("a")).unwrap().1).unwrap();
        flow.apply(group(&flow, &select("a b")).unwrap().1).unwrap();
        assert_eq!(shape(&flow), ["group_2: a b < "]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn every_grouping_can_be_made(flow in arbitrary::flows(), share in 0..3_usize) {
            let pick = |at: usize| at % 3 <= share;
            let selection = Selection {
                nodes: flow.nodes.keys().enumerate().filter(|it| pick(it.0)).map(|it| it.1.clone()).collect(),
                groups: flow.groups.keys().enumerate().filter(|it| !pick(it.0)).map(|it| it.1.clone()).collect(),
                ..Selection::default()
            };
            let edits = [group(&flow, &selection).map(|it| it.1), ungroup(&flow, &selection), fold(&flow, &selection)];
            for edit in edits.into_iter().flatten() {
                let mut changed = flow.clone();
                let back = changed.apply_undoable(edit).expect("the edit can be made");
                changed.apply(back).expect("and be taken back");
                prop_assert_eq!(&changed, &flow);
            }
        }
    }
}
