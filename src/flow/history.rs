//! A flow under edit: what it is now, what it was, and whether it is saved.
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::delta::Delta;
use super::{Edit, EditError, Flow};

/// A flow with undo and redo without limit. The nearest steps are snapshots, which share every node that is the same in
/// both; those further away are differences between two of them.
///
/// Invariant: undo gives the very flow that was there before, redo the very one that was there after; the same snapshot as
/// long as it is kept.
/// Invariant: few snapshots are kept each way, fewer still for a flow so large that they weigh.
#[derive(Debug, Clone)]
pub struct History {
    now: Arc<Flow>,
    past: VecDeque<Step>,
    future: VecDeque<Step>,
    saved: Option<Arc<Flow>>,
    /// Whether the newest step may still take in edits of its gesture.
    open: bool,
}

/// A step between two flows: the one on its other side, and what led over it.
#[derive(Debug, Clone)]
struct Step {
    other: Side,
    label: Cow<'static, str>,
    gesture: Option<Gesture>,
}

/// The flow on the other side of a step.
#[derive(Debug, Clone)]
enum Side {
    Whole(Arc<Flow>),
    /// From the one on this side.
    Changed(Box<Delta>),
}

impl Side {
    fn flow(self, here: &Flow) -> Arc<Flow> {
        match self {
            Self::Whole(flow) => flow,
            Self::Changed(delta) => Arc::new(delta.apply(here)),
        }
    }

    fn is(&self, flow: &Flow) -> bool {
        matches!(self, Self::Whole(it) if **it == *flow)
    }
}

/// What makes several edits one step: a drag, typing into one field. Two gestures are the same if their names are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gesture(Arc<str>);

impl Gesture {
    /// From a name, such as `move 17` or `type create.input.email`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

impl History {
    /// The most snapshots each way.
    const SNAPSHOTS: usize = 200;
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
        Self { now, past: VecDeque::new(), future: VecDeque::new(), saved: None, open: false }
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
            if self.past.back().is_some_and(|it| it.other.is(&self.now))
                && let Some(step) = self.past.pop_back()
            {
                self.now = step.other.flow(&self.now);
                self.open = false;
            }
            return Ok(());
        }
        self.past.push_back(Step { other: Side::Whole(was), label, gesture: gesture.cloned() });
        self.open = true;
        let most = self.most_snapshots();
        thin(&mut self.past, most);
        Ok(())
    }

    fn most_snapshots(&self) -> usize {
        let weight = 1 + self.now.nodes.len() + self.now.edges.len();
        (Self::WEIGHT / weight).clamp(1, Self::SNAPSHOTS)
    }

    /// Takes the newest step back; false if there is none.
    pub fn undo(&mut self) -> bool {
        self.open = false;
        let Some(step) = self.past.pop_back() else { return false };
        let other = step.other.flow(&self.now);
        let other = Side::Whole(std::mem::replace(&mut self.now, other));
        self.future.push_back(Step { other, label: step.label, gesture: step.gesture });
        let most = self.most_snapshots();
        thin(&mut self.future, most);
        true
    }

    /// Makes the step that was taken back last once more; false if there is none.
    pub fn redo(&mut self) -> bool {
        self.open = false;
        let Some(step) = self.future.pop_back() else { return false };
        let other = step.other.flow(&self.now);
        let other = Side::Whole(std::mem::replace(&mut self.now, other));
        self.past.push_back(Step { other, label: step.label, gesture: step.gesture });
        let most = self.most_snapshots();
        thin(&mut self.past, most);
        true
    }

    /// "Undo Move node"; none if there is nothing to take back.
    pub fn undo_label(&self) -> Option<String> {
        self.past.back().map(|it| format!("Undo {}", it.label))
    }

    /// "Redo Move node"; none if nothing was taken back.
    pub fn redo_label(&self) -> Option<String> {
        self.future.back().map(|it| format!("Redo {}", it.label))
    }

    /// Says that a snapshot is now what the file holds. It may be an older one than what is there now.
    pub fn mark_saved(&mut self, snapshot: &Arc<Flow>) {
        self.saved = Some(Arc::clone(snapshot));
        self.open = false;
    }

    /// Says that no file holds any of its snapshots any more.
    pub fn mark_unsaved(&mut self) {
        self.saved = None;
        self.open = false;
    }

    /// Whether the flow is other than what its file holds.
    pub fn is_dirty(&self) -> bool {
        self.saved.as_ref() != Some(&self.now)
    }
}

/// Snapshots beyond the nearest so many become differences, each from its neighbour. All of those further away are already.
fn thin(steps: &mut VecDeque<Step>, most: usize) {
    let end = steps.len().saturating_sub(most);
    let mut first = end;
    while first > 0 && matches!(steps[first - 1].other, Side::Whole(_)) {
        first -= 1;
    }
    for at in first..end {
        let (Side::Whole(far), Side::Whole(near)) = (&steps[at].other, &steps[at + 1].other) else { return };
        let delta = Delta::between(near, far);
        steps[at].other = Side::Changed(Box::new(delta));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::testing::arbitrary::{edits, flows};
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
    fn no_step_is_forgotten_and_few_are_snapshots() {
        let mut history = history();
        for to in 1..=3_000 {
            history.apply(shift(to)).unwrap();
        }
        let snapshots = |steps: &VecDeque<Step>| steps.iter().filter(|it| matches!(it.other, Side::Whole(_))).count();
        assert_eq!(snapshots(&history.past), History::SNAPSHOTS);
        for to in (0..3_000).rev() {
            assert!(history.undo());
            assert_eq!(history.flow().layout[&id("a")], [to, 0]);
        }
        assert!(!history.undo());
        assert_eq!(snapshots(&history.future), History::SNAPSHOTS);
        for to in 1..=3_000 {
            assert!(history.redo());
            assert_eq!(history.flow().layout[&id("a")], [to, 0]);
        }
        assert!(!history.redo());
    }

    proptest! {
        /// Also where nearly everything is a difference: the limit is only that of memory.
        #[test]
        fn whatever_is_done_is_undone_and_redone(flow in flows(), edits in prop::collection::vec(edits(), 1..12), most in 1_usize..4) {
            let mut history = History::new(flow);
            let mut seen = vec![Arc::clone(history.flow())];
            for edit in edits {
                let before = Arc::clone(history.flow());
                if history.apply(edit).is_ok() && !Arc::ptr_eq(&before, history.flow()) {
                    seen.push(Arc::clone(history.flow()));
                }
                thin(&mut history.past, most);
            }
            let last = seen.pop().unwrap();
            for expected in seen.iter().rev() {
                prop_assert!(history.undo());
                prop_assert_eq!(history.flow(), expected);
                thin(&mut history.future, most);
            }
            prop_assert!(!history.undo());
            for expected in seen.iter().skip(1).chain([&last]).take(seen.len()) {
                prop_assert!(history.redo());
                prop_assert_eq!(history.flow(), expected);
            }
        }
    }
}
