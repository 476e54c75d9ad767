//! Commands that work on a canvas: what they change in the flow, and what in how it is seen.
use std::collections::BTreeSet;
use std::sync::Arc;

use eframe::egui::{Rect, vec2};

use super::clipboard::{self, Target};
use super::view::{Named, Selection};
use super::{View, arrange, group, menu, rewire, tidy};
use crate::catalog::Catalog;
use crate::flow::{Edit, Flow, NodeId, Note};
use crate::ui::command::UiCommand;
use crate::ui::theme::tokens::node as metric;

/// What came of a command.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) edit: Option<Edit>,
    /// What is selected once the edit is made.
    pub(crate) select: Option<BTreeSet<NodeId>>,
    /// What goes to the clipboard.
    pub(crate) copy: Option<String>,
    /// Why nothing happened.
    pub(crate) refused: Option<String>,
}

impl Outcome {
    fn edit(edit: Option<Edit>) -> Self {
        Self { edit, ..Self::default() }
    }

    fn refused(words: &str) -> Self {
        Self { refused: Some(words.to_owned()), ..Self::default() }
    }
}

/// Does a command; none if it is not one of a canvas.
pub(crate) fn perform(command: UiCommand, flow: &Arc<Flow>, catalog: &Catalog, view: &mut View) -> Option<Outcome> {
    let board = view.board(flow, catalog);
    let nodes = chosen(flow, &view.selection);
    let done = Outcome::default;
    Some(match command {
        UiCommand::Cut | UiCommand::Copy => {
            let place = |id: &NodeId| board.spot(id).map(|it| [it.at.x as i32, it.at.y as i32]).unwrap_or_default();
            let Some(text) = clipboard::copy(flow, &nodes, &place) else {
                return Some(Outcome::refused("Select the steps to copy first."));
            };
            let edit = if command == UiCommand::Cut { delete(flow, &view.selection) } else { None };
            Outcome { copy: Some(text), edit, ..done() }
        }
        UiCommand::Duplicate => {
            let place = |id: &NodeId| board.spot(id).map(|it| [it.at.x as i32, it.at.y as i32]).unwrap_or_default();
            let Some(text) = clipboard::copy(flow, &nodes, &place) else {
                return Some(Outcome::refused("Select the steps to duplicate first."));
            };
            match clipboard::paste(flow, &text, Target::Beside(vec2(32.0, 32.0))) {
                Ok(pasted) => {
                    let edit = relabel(pasted.edit, "Duplicate");
                    Outcome { edit: Some(edit), select: Some(pasted.nodes.into_iter().collect()), ..done() }
                }
                Err(words) => Outcome::refused(&words),
            }
        }
        UiCommand::Delete => Outcome::edit(delete(flow, &view.selection)),
        UiCommand::DeleteAndHeal => Outcome::edit(rewire::delete_and_heal(flow, &nodes)),
        UiCommand::SelectAll => {
            view.selection = Selection {
                nodes: flow.nodes.keys().cloned().collect(),
                notes: flow.notes.keys().cloned().collect(),
                ..Selection::default()
            };
            done()
        }
        UiCommand::SelectNothing => {
            view.selection.clear();
            done()
        }
        UiCommand::SelectUpstream => {
            view.selection.nodes = rewire::upstream(flow, &nodes);
            done()
        }
        UiCommand::SelectDownstream => {
            view.selection.nodes = rewire::downstream(flow, &nodes);
            done()
        }
        UiCommand::Rename => {
            let what = if let Some(id) = view.selection.groups.first() {
                Some(Named::Group(id.clone()))
            } else if let Some(id) = view.selection.notes.first() {
                Some(Named::Note(id.clone()))
            } else {
                view.selection.nodes.first().cloned().map(Named::Node)
            };
            view.renaming = what.and_then(|it| menu::renaming(flow, it));
            if view.renaming.is_some() { done() } else { Outcome::refused("Select a step, a note or a group first.") }
        }
        UiCommand::ToggleMute => Outcome::edit(menu::toggled_mute(flow, &nodes)),
        UiCommand::QuickAdd => {
            quick_add(flow, catalog, view);
            done()
        }
        UiCommand::Connect => {
            view.link = menu::link_menu(view);
            if view.link.is_some() { done() } else { Outcome::refused("Select the step that the wire begins at first.") }
        }
        UiCommand::AddNote => add_note(flow, view),
        UiCommand::Group => match group::group(flow, &view.selection) {
            Some((id, edit)) => {
                view.selection.clear();
                view.selection.groups.insert(id);
                Outcome::edit(Some(edit))
            }
            None => Outcome::refused("Select the steps to group first."),
        },
        UiCommand::Ungroup => Outcome::edit(group::ungroup(flow, &view.selection)),
        UiCommand::ToggleCollapse => Outcome::edit(group::fold(flow, &view.selection)),
        UiCommand::TidyUp => Outcome::edit(tidy_up(flow, view, &board)),
        UiCommand::AlignLeft
        | UiCommand::AlignCenter
        | UiCommand::AlignRight
        | UiCommand::AlignTop
        | UiCommand::AlignMiddle
        | UiCommand::AlignBottom
        | UiCommand::DistributeAcross
        | UiCommand::DistributeDown => {
            let cards: Vec<(NodeId, Rect)> = nodes.iter().filter_map(|id| Some((id.clone(), board.spot(id)?.rect()))).collect();
            match arrange::arranged(command, &cards) {
                Some(places) => Outcome::edit(arrange::move_all(command.title().to_owned(), places)),
                None => Outcome::refused("Select two steps or more to align, three or more to distribute."),
            }
        }
        _ => return look(command, &nodes, &board, view).then(done),
    })
}

/// Commands that change only what is seen; false if it is not one.
fn look(command: UiCommand, nodes: &BTreeSet<NodeId>, board: &super::Board, view: &mut View) -> bool {
    match command {
        UiCommand::ZoomIn => view.zoom_to(step(view.zoom, true), board.bounds()),
        UiCommand::ZoomOut => view.zoom_to(step(view.zoom, false), board.bounds()),
        UiCommand::ZoomReset => view.zoom_to(1.0, board.bounds()),
        UiCommand::FitAll => {
            if let Some(bounds) = board.bounds() {
                view.remember();
                view.fit(bounds);
            }
        }
        UiCommand::FitSelection => {
            let part = nodes.iter().filter_map(|it| board.spot(it)).map(super::Spot::rect).reduce(Rect::union);
            if let Some(part) = part.or_else(|| board.bounds()) {
                view.remember();
                view.fit(part.expand(24.0));
            }
        }
        UiCommand::Back => {
            view.go_back();
        }
        UiCommand::Forward => {
            view.go_forward();
        }
        _ => return false,
    }
    true
}

/// The selected nodes, and those in selected groups.
fn chosen(flow: &Flow, selection: &Selection) -> BTreeSet<NodeId> {
    let mut nodes = selection.nodes.clone();
    for group in &selection.groups {
        nodes.extend(flow.nodes_within(group));
    }
    nodes
}

fn delete(flow: &Flow, selection: &Selection) -> Option<Edit> {
    let mut edits: Vec<Edit> = selection
        .notes
        .iter()
        .filter(|it| flow.notes.contains_key(*it))
        .map(|id| Edit::PutNote { id: id.clone(), note: None })
        .collect();
    match rewire::delete(flow, &chosen(flow, selection), &selection.edges) {
        Some(Edit::Many { edits: more, .. }) => edits.extend(more),
        Some(edit) => edits.push(edit),
        None => {}
    }
    rewire::one_step(edits, |count| format!("Delete {count} things"))
}

fn relabel(edit: Edit, words: &str) -> Edit {
    match edit {
        Edit::Many { edits, .. } => Edit::Many { label: words.to_owned(), edits },
        other => Edit::Many { label: words.to_owned(), edits: vec![other] },
    }
}

/// Full size, and then by a quarter each.
fn step(zoom: f32, nearer: bool) -> f32 {
    const STEPS: &[f32] = &[0.1, 0.15, 0.25, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0];
    let found =
        if nearer { STEPS.iter().find(|it| **it > zoom * 1.01) } else { STEPS.iter().rev().find(|it| **it < zoom * 0.99) };
    found.copied().unwrap_or(zoom)
}

/// Behind the selected step, into the selected wire, or in the middle of what is seen.
fn quick_add(flow: &Arc<Flow>, catalog: &Catalog, view: &mut View) {
    let board = view.board(flow, catalog);
    let pointed = view.pointer.filter(|it| view.seen().contains(*it));
    let splice = view.selection.edges.first().cloned();
    let node = view.selection.only_node().cloned();
    let menu = match (node.as_ref().and_then(|it| board.spot(it)), splice) {
        (Some(spot), _) => {
            // The first way out that nothing hangs on.
            let free = spot.ports.iter().find(|it| !it.is_wired && !it.is_error).or_else(|| spot.ports.first());
            let at = View::free_place(&board, spot, free.map_or(metric::PORT_Y, |it| it.y));
            let from = free.map(|it| (spot.id.clone(), it.id.clone()));
            menu::add_menu(flow, catalog, at, from, None)
        }
        (None, Some(edge)) => {
            let [from, to] = [&edge.from, &edge.to].map(|it| board.spot(it).map(|it| it.at).unwrap_or_default());
            menu::add_menu(flow, catalog, from.lerp(to, 0.5), None, Some(edge))
        }
        (None, None) => {
            let middle = view.seen().center() - vec2(metric::WIDTH, metric::MIN_HEIGHT) / 2.0;
            menu::add_menu(flow, catalog, pointed.unwrap_or(middle), None, None)
        }
    };
    view.reveal(Rect::from_min_size(menu.at, vec2(metric::WIDTH, metric::MIN_HEIGHT)));
    view.add = Some(menu);
}

fn add_note(flow: &Flow, view: &mut View) -> Outcome {
    let at = view.pointer.filter(|it| view.seen().contains(*it)).unwrap_or_else(|| view.seen().center());
    let at = super::snap::on_grid(at.to_vec2());
    let id = group::fresh_note(flow);
    let note = Note { text: String::new(), at: [at.x as i32, at.y as i32], size: [168, 80] };
    view.selection.clear();
    view.renaming = Some(super::Renaming { what: Named::Note(id.clone()), text: String::new(), fresh: true });
    Outcome::edit(Some(Edit::PutNote { id, note: Some(note) }))
}

/// What is selected, or everything where nothing or one thing is.
fn tidy_up(flow: &Flow, view: &View, board: &super::Board) -> Option<Edit> {
    let nodes = chosen(flow, &view.selection);
    let nodes = if nodes.len() > 1 { nodes } else { flow.nodes.keys().cloned().collect() };
    let corner = nodes.iter().filter_map(|it| board.spot(it)).map(super::Spot::rect).reduce(Rect::union)?.min;
    let columns = tidy::columns_for(flow, &nodes, view.rect.shrink(24.0).size());
    let origin = super::snap::on_grid(corner.to_vec2());
    let places = tidy::arrange(flow, &nodes, columns, [origin.x as i32, origin.y as i32]);
    let moved = places.into_iter().filter(|(id, at)| flow.layout.get(id) != Some(at)).collect();
    arrange::move_all("Tidy up".to_owned(), moved)
}

#[cfg(test)]
mod tests {
    use eframe::egui::pos2;

    use super::*;
    use crate::flow::testing::{Sketch, id};

    fn view() -> View {
        let mut view = View::default();
        view.rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(1000.0, 700.0));
        view
    }

    fn done(command: UiCommand, flow: &mut Arc<Flow>, view: &mut View) -> Outcome {
        let outcome = perform(command, flow, &Catalog::shipped(), view).expect("a command of the canvas");
        if let Some(edit) = outcome.edit.clone() {
            let mut changed = Flow::clone(flow);
            changed.apply(edit).expect("the edit can be made");
            *flow = Arc::new(changed);
        }
        outcome
    }

    #[test]
    fn selecting_muting_grouping_and_deleting_work_on_what_is_selected() {
        let mut flow = Arc::new(Sketch::flow("t.out -> a, a.out -> b, b.out -> c"));
        let mut view = view();
        view.selection.nodes = [id("b")].into();
        done(UiCommand::SelectDownstream, &mut flow, &mut view);
        assert_eq!(view.selection.nodes, [id("b"), id("c")].into());
        done(UiCommand::ToggleMute, &mut flow, &mut view);
        assert!(flow.nodes[&id("b")].muted && flow.nodes[&id("c")].muted);
        done(UiCommand::Group, &mut flow, &mut view);
        assert_eq!(view.selection.groups.len(), 1);
        done(UiCommand::ToggleCollapse, &mut flow, &mut view);
        assert!(flow.groups.values().all(|it| it.folded));
        done(UiCommand::Delete, &mut flow, &mut view);
        assert_eq!(flow.nodes.len(), 2);
        assert!(flow.groups.is_empty());
    }

    #[test]
    fn a_copy_can_be_cut_and_pasted() {
        let mut flow = Arc::new(Sketch::flow("t.out -> a, a.out -> b"));
        let mut view = view();
        assert!(done(UiCommand::Copy, &mut flow, &mut view).refused.is_some());
        view.selection.nodes = [id("a"), id("b")].into();
        let text = done(UiCommand::Cut, &mut flow, &mut view).copy.unwrap();
        assert_eq!(flow.nodes.len(), 1);
        let pasted = clipboard::paste(&flow, &text, Target::Around(pos2(0.0, 0.0))).unwrap();
        assert_eq!(pasted.nodes, [id("a"), id("b")]);
    }

    #[test]
    fn quick_add_hangs_on_the_selected_step_or_goes_into_the_selected_wire() {
        let mut flow = Arc::new(Sketch::flow("t.out -> if_a, if_a.true -> b"));
        let mut view = view();
        view.selection.nodes = [id("if_a")].into();
        done(UiCommand::QuickAdd, &mut flow, &mut view);
        assert_eq!(view.add.take().unwrap().from, Some((id("if_a"), "false".into())));
        view.selection.clear();
        view.selection.edges = flow.edges.iter().take(1).cloned().collect();
        done(UiCommand::QuickAdd, &mut flow, &mut view);
        assert!(view.add.take().unwrap().splice.is_some());
        view.selection.clear();
        done(UiCommand::QuickAdd, &mut flow, &mut view);
        let menu = view.add.take().unwrap();
        assert!(menu.from.is_none() && menu.splice.is_none() && menu.offer.triggers);
    }

    #[test]
    fn tidying_up_twice_changes_nothing_more() {
        let mut flow = Arc::new(Sketch::flow("t.out -> a, a.out -> b, a.error -> c"));
        let mut view = view();
        assert!(done(UiCommand::TidyUp, &mut flow, &mut view).edit.is_some());
        assert!(done(UiCommand::TidyUp, &mut flow, &mut view).edit.is_none());
    }

    #[test]
    fn zooming_goes_in_steps_that_meet_full_size() {
        let mut zoom = 0.25;
        while zoom < 1.0 {
            zoom = step(zoom, true);
        }
        assert!((zoom - 1.0).abs() < 1e-6);
        assert!((step(3.0, true) - 3.0).abs() < 1e-6);
    }
}
