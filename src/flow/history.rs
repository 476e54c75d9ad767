//! A flow under edit: what it is now, what it was, and whether it is saved.
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use super::{Edit, EditError, Flow};

/// A flow with undo and redo by snapshots, which share every node that is the same in both.
///
/// Invariant: undo gives the very snapshot that was there before, redo the very one that was there after.
/// Invariant: at most [`History::LIMIT`] steps back are kept, fewer for a flow so large that snapshots weigh.
#[derive(Debug, Clone)]
pub struct History {
    now: Arc<Flow>,
    past: VecDeque<Step>,
    future: Vec<Step>,
    saved: Option<Arc<Flow>>,
    /// Whether the newest step may still take in edits of its gesture.
    open: bool,
}

/// A step between two snapshots: the one on its other side, and what led over it.
#[derive(Debug, Clone)]
struct Step {
    other: Arc<Flow>,
    label: Cow<'static, str>,
    gesture: Option<Gesture>,
}

/// What makes several edits one step: a drag, typing into one field. Two gestures are the same if their names are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gesture(Arc<str>);

impl Gesture {
    /// From a name, such as `move 17` or `type create.input.email`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

impl History {
    /// The most steps back.
    pub const LIMIT: usize = 200;
    /// The most nodes and edges in all snapshots together, at some 100 bytes each.
    const WEIGHT: usize = 1_000_000;

    /// A flow as it was read from its file.
    pub fn new(flow: Flow) -> Self {
        let now = Arc::new(flow);
        Self { saved: Some(Arc::clone(&now)), ..Self::unsaved_from(now) }
    }

    /// A flow that is in no file yet.
    pub fn unsaved(flow: Flow) -> Self {
        Self::unsaved_from(Arc::new(flow))
    }

    fn unsaved_from(now: Arc<Flow>) -> Self {
        Self { now, past: VecDeque::new(), future: Vec::new(), saved: None, open: false }
    }

    /// The flow as it is now; the same snapshot until something changes.
    pub fn flow(&self) -> &Arc<Flow> {
        &self.now
    }

    /// Makes a change a step of its own.
    pub fn apply(&mut self, edit: Edit) -> Result<(), EditError> {
        self.change(edit, None)
    }

    /// Makes a change a part of a gesture: as long as nothing else happens between them, all changes of one gesture are one
    /// step.
    pub fn apply_in(&mut self, edit: Edit, gesture: &Gesture) -> Result<(), EditError> {
        self.change(edit, Some(gesture))
    }

    /// Whatever comes next is a new step, also if it is of the same gesture: the mouse button is up, the field is left.
    pub fn end_gesture(&mut self) {
        self.open = false;
    }

    fn change(&mut self, edit: Edit, gesture: Option<&Gesture>) -> Result<(), EditError> {
        let label = edit.label();
        let mut flow = Flow::clone(&self.now);
        flow.apply(edit)?;
        let merges = self.open && gesture.is_some() && self.past.back().is_some_and(|it| it.gesture.as_ref() == gesture);
        if flow == *self.now {
            return Ok(());
        }
        let was = std::mem::replace(&mut self.now, Arc::new(flow));
        self.future.clear();
        if merges {
            // A drag that ends where it began is no step.
            if self.past.back().is_some_and(|it| it.other == self.now)
                && let Some(step) = self.past.pop_back()
            {
                self.now = step.other;
                self.open = false;
            }
            return Ok(());
        }
        self.past.push_back(Step { other: was, label, gesture: gesture.cloned() });
        self.open = true;
        let weight = 1 + self.now.nodes.len() + self.now.edges.len();
        let limit = (Self::WEIGHT / weight).clamp(1, Self::LIMIT);
        while self.past.len() > limit {
            self.past.pop_front();
        }
        Ok(())
    }

    /// Takes the newest step back; false if there is none.
    pub fn undo(&mut self) -> bool {
        self.open = false;
        let Some(step) = self.past.pop_back() else { return false };
        let other = std::mem::replace(&mut self.now, step.other);
        self.future.push(Step { other, ..step });
        true
    }

    /// Makes the step that was taken back last once more; false if there is none.
    pub fn redo(&mut self) -> bool {
        self.open = false;
        let Some(step) = self.future.pop() else { return false };
        let other = std::mem::replace(&mut self.now, step.other);
        self.past.push_back(Step { other, ..step });
        true
    }

    /// "Undo Move node"; none if there is nothing to take back.
    pub fn undo_label(&self) -> Option<String> {
        self.past.back().map(|it| format!("Undo {}", it.label))
    }

    /// "Redo Move node"; none if nothing was taken back.
    pub fn redo_label(&self) -> Option<String> {
        self.future.last().map(|it| format!("Redo {}", it.label))
    }

    /// Says that a snapshot is now what the file holds. It may be an older one than what is there now.
    pub fn mark_saved(&mut self, snapshot: &Arc<Flow>) {
        self.saved = Some(Arc::clone(snapshot));
        self.open = false;
    }

    /// Whether the flow is other than what its file holds.
    pub fn is_dirty(&self) -> bool {
        self.saved.as_ref() != Some(&self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::{Sketch, id};

    fn history() -> History {
        let mut flow = Sketch::flow("t.out -> a");
        flow.layout.insert(id("a"), [0, 0]);
        History::new(flow)
    }

    fn shift(to: i32) -> Edit {
        Edit::MoveNode { id: id("a"), to: Some([to, 0]) }
    }

    #[test]
    fn undo_and_redo_give_the_very_same_snapshots() {
        let mut history = history();
        let first = Arc::clone(history.flow());
        history.apply(shift(5)).unwrap();
        let second = Arc::clone(history.flow());
        assert_eq!(history.undo_label().as_deref(), Some("Undo Move node"));
        assert!(history.undo());
        assert!(Arc::ptr_eq(history.flow(), &first));
        assert_eq!(history.redo_label().as_deref(), Some("Redo Move node"));
        assert!(history.redo());
        assert!(Arc::ptr_eq(history.flow(), &second));
        assert!(!history.redo());
        assert!(history.undo());
        assert!(!history.undo());
        assert_eq!(history.undo_label(), None);
    }

    #[test]
    fn snapshots_share_the_nodes_that_did_not_change() {
        let mut history = history();
        let before = Arc::clone(history.flow());
        history.apply(Edit::RenameNode { id: id("a"), name: "Other".to_owned() }).unwrap();
        assert!(Arc::ptr_eq(&before.nodes[&id("t")], &history.flow().nodes[&id("t")]));
        assert!(!Arc::ptr_eq(&before.nodes[&id("a")], &history.flow().nodes[&id("a")]));
    }

    #[test]
    fn one_drag_is_one_step_and_the_next_is_another() {
        let mut history = history();
        let first = Arc::clone(history.flow());
        let drag = Gesture::new("move a");
        for to in 1..50 {
            history.apply_in(shift(to), &drag).unwrap();
        }
        history.end_gesture();
        history.apply_in(shift(99), &drag).unwrap();
        assert!(history.undo());
        assert_eq!(history.flow().layout[&id("a")], [49, 0]);
        assert!(history.undo());
        assert!(Arc::ptr_eq(history.flow(), &first));
        assert!(!history.undo());
    }

    #[test]
    fn a_gesture_does_not_go_on_over_another_edit_or_an_undo_or_a_save() {
        let drag = Gesture::new("move a");
        let between: [fn(&mut History); 3] = [
            |it| it.apply(Edit::SetName("Other".to_owned())).unwrap(),
            |it| {
                it.undo();
                it.redo();
            },
            |it| {
                let now = Arc::clone(it.flow());
                it.mark_saved(&now);
            },
        ];
        for happens in between {
            let mut history = history();
            history.apply_in(shift(1), &drag).unwrap();
            happens(&mut history);
            history.apply_in(shift(2), &drag).unwrap();
            assert!(history.undo());
            assert_eq!(history.flow().layout[&id("a")], [1, 0]);
        }
    }

    #[test]
    fn a_drag_that_ends_where_it_began_is_no_step() {
        let mut history = history();
        let first = Arc::clone(history.flow());
        let drag = Gesture::new("move a");
        history.apply_in(shift(3), &drag).unwrap();
        history.apply_in(shift(0), &drag).unwrap();
        assert!(Arc::ptr_eq(history.flow(), &first));
        assert_eq!(history.undo_label(), None);
        assert!(!history.is_dirty());
    }

    #[test]
    fn an_edit_that_changes_nothing_or_fails_is_no_step_and_keeps_what_can_be_redone() {
        let mut history = history();
        history.apply(shift(1)).unwrap();
        history.undo();
        history.apply(shift(0)).unwrap();
        assert_eq!(history.undo_label(), None);
        assert!(history.redo_label().is_some());
        history.apply(Edit::RemoveNode { id: id("nobody") }).expect_err("there is no such node");
        assert!(history.redo_label().is_some());
        history.apply(shift(7)).unwrap();
        assert_eq!(history.redo_label(), None);
    }

    #[test]
    fn it_is_dirty_until_it_is_as_it_was_saved() {
        let mut history = history();
        assert!(!history.is_dirty());
        history.apply(shift(1)).unwrap();
        assert!(history.is_dirty());
        let written = Arc::clone(history.flow());
        history.apply(shift(2)).unwrap();
        history.mark_saved(&written);
        assert!(history.is_dirty());
        history.undo();
        assert!(!history.is_dirty());
        history.undo();
        assert!(history.is_dirty());
        // The same by other means is the same.
        history.apply(shift(1)).unwrap();
        assert!(!history.is_dirty());
        assert!(History::unsaved(Sketch::flow("t")).is_dirty());
    }

    #[test]
    fn the_oldest_steps_are_forgotten() {
        let mut history = history();
        for to in 1..=300 {
            history.apply(shift(to)).unwrap();
        }
        let mut steps = 0;
        while history.undo() {
            steps += 1;
        }
        assert_eq!(steps, History::LIMIT);
        assert_eq!(history.flow().layout[&id("a")], [100, 0]);
    }
}
