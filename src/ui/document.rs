//! A flow in a tab: its history, its file, what is wrong with it, and the test that shows on it.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::draft::{Draft, Drafts, FoundDraft, Line, Opened, Track};
use super::files::Stamp;
use crate::catalog::Catalog;
use crate::flow::{CheckContext, Checker, Edit, EditError, Flow, Gesture, History, NodeId, Problem, Severity};
use crate::run::RunId;

/// A tab's number; never used twice while the window is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DocId(pub(crate) u64);

/// An open flow.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) id: DocId,
    history: History,
    track: Track,
    /// Where it is kept; none before it is saved.
    pub(crate) file: Option<Kept>,
    /// A flow as it came from a template: as long as it is that one, there is nothing to save.
    pristine: Option<Arc<Flow>>,
    /// Somebody else changed or removed the file, and a person has not yet said what then.
    pub(crate) outside: Option<Outside>,
    pub(crate) saving: bool,
    /// The number of the last save.
    save: u64,
    pub(crate) test: Option<Test>,
    /// What steps give in a test without being done, because a person pinned it. Kept on this machine, never in the flow.
    pub(crate) pins: BTreeMap<NodeId, Arc<Value>>,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
    checker: Checker,
    checked: Option<Arc<Flow>>,
    /// Nodes whose results are of an earlier flow.
    pub(crate) stale: BTreeSet<NodeId>,
    compared: Option<(Arc<Flow>, Arc<Flow>)>,
}

/// Where a flow is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) path: PathBuf,
    pub(crate) stamp: Option<Stamp>,
}

/// What somebody else did to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    Changed(Stamp),
    Removed,
}

/// A test run of this flow.
#[derive(Debug)]
pub(crate) struct Test {
    /// What is tested.
    pub(crate) flow: Arc<Flow>,
    pub(crate) state: TestState,
    /// A person asked for its end before it had a number.
    pub(crate) cancelled: bool,
    /// Its end was said.
    pub(crate) told: bool,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TestState {
    /// It was asked for, with this ticket.
    Starting(u64),
    /// It is on disk.
    Run(RunId),
}

impl Test {
    /// The run, once there is one.
    pub(crate) fn run(&self) -> Option<RunId> {
        match self.state {
            TestState::Run(run) => Some(run),
            TestState::Starting(_) => None,
        }
    }
}

impl Document {
    pub(crate) fn of_file(id: DocId, flow: Flow, path: PathBuf, stamp: Option<Stamp>) -> Self {
        Self { file: Some(Kept { path, stamp }), ..Self::new(id, History::new(flow)) }
    }

    /// A flow that is in no file yet; there is nothing to lose before it is changed.
    pub(crate) fn fresh(id: DocId, flow: Flow) -> Self {
        let history = History::unsaved(flow);
        let pristine = Some(Arc::clone(history.flow()));
        Self { pristine, ..Self::new(id, history) }
    }

    fn new(id: DocId, history: History) -> Self {
        Self {
            id,
            history,
            track: Track::default(),
            file: None,
            pristine: None,
            outside: None,
            saving: false,
            save: 0,
            test: None,
            pins: BTreeMap::new(),
            problems: Vec::new(),
            checker: Checker::default(),
            checked: None,
            stale: BTreeSet::new(),
            compared: None,
        }
    }

    /// A flow as its draft tells.
    pub(crate) fn of_draft(id: DocId, found: FoundDraft) -> Self {
        let FoundDraft { key, draft, outside } = found;
        let Draft { history, file, pristine, pins } = draft;
        Self { track: Track::resumed(key), file, pristine, pins, outside, ..Self::new(id, history) }
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Makes a change a step of its own, or a part of a gesture.
    pub(crate) fn apply(&mut self, edit: Edit, gesture: Option<&Gesture>) -> Result<(), EditError> {
        let (was, dirty) = (Arc::clone(self.flow()), self.history.is_dirty());
        let line = Line::Edit { edit: Box::new(edit.clone()), gesture: gesture.cloned() };
        match gesture {
            Some(gesture) => self.history.apply_in(edit, gesture)?,
            None => self.history.apply(edit)?,
        }
        if !Arc::ptr_eq(&was, self.flow()) {
            self.note(line, &was, dirty);
        }
        Ok(())
    }

    pub(crate) fn end_gesture(&mut self) {
        self.history.end_gesture();
        self.track.note_if_kept(Line::EndGesture);
    }

    pub(crate) fn undo(&mut self) {
        if self.history.undo() {
            self.track.note_if_kept(Line::Undo);
        }
    }

    pub(crate) fn redo(&mut self) {
        if self.history.redo() {
            self.track.note_if_kept(Line::Redo);
        }
    }

    /// What a step gives in tests from now on; none lets it be done again.
    pub(crate) fn pin(&mut self, node: NodeId, output: Option<Arc<Value>>) {
        let (was, dirty) = (Arc::clone(self.flow()), self.history.is_dirty());
        self.note(Line::Pin { node: node.clone(), output: output.clone() }, &was, dirty);
        match output {
            Some(output) => drop(self.pins.insert(node, output)),
            None => drop(self.pins.remove(&node)),
        }
    }

    fn note(&mut self, line: Line, was: &Arc<Flow>, dirty: bool) {
        let pristine = self.pristine.as_ref() == Some(was);
        let file = self.file.as_ref();
        self.track.note(line, || Opened::new(Arc::clone(was), file, !dirty, pristine));
    }

    /// It is being written to its file.
    pub(crate) fn begin_save(&mut self) {
        self.saving = true;
        self.save = self.track.saving();
    }

    /// A snapshot of it is in this file.
    pub(crate) fn saved(&mut self, snapshot: &Arc<Flow>, path: PathBuf, stamp: Option<Stamp>) {
        self.track.note_if_kept(Line::Saved { save: self.save, path: path.clone(), stamp });
        self.history.mark_saved(snapshot);
        self.file = Some(Kept { path, stamp });
        self.outside = None;
    }

    /// A person keeps what is here, whatever the file holds; it may be gone.
    pub(crate) fn keep(&mut self, stamp: Option<Stamp>) {
        let (was, dirty) = (Arc::clone(self.flow()), self.history.is_dirty());
        self.note(Line::Kept { stamp }, &was, dirty);
        self.history.mark_unsaved();
        match (&mut self.file, stamp) {
            (Some(file), Some(_)) => file.stamp = stamp,
            (file, _) => *file = None,
        }
    }

    /// It was read from its file again; what was changed here is gone.
    pub(crate) fn reloaded(&mut self, flow: Flow, path: PathBuf, stamp: Option<Stamp>) {
        self.track.forget();
        self.history = History::new(flow);
        self.file = Some(Kept { path, stamp });
        self.outside = None;
    }

    /// What is kept of changes for the next start is not wanted.
    pub(crate) fn forget_draft(&mut self) {
        self.track.forget();
    }

    /// Hands over what is to be kept for the next start.
    pub(crate) fn keep_draft(&mut self, drafts: &mut Drafts) {
        self.track.hand_over(drafts);
    }

    pub(crate) fn flow(&self) -> &Arc<Flow> {
        self.history.flow()
    }

    /// Whether closing it would lose something.
    pub(crate) fn is_dirty(&self) -> bool {
        self.history.is_dirty() && self.pristine.as_ref() != Some(self.flow())
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|it| it.path.as_path())
    }

    /// What a person calls it.
    pub(crate) fn title(&self) -> &str {
        let name = self.flow().name.trim();
        if name.is_empty() { "Untitled flow" } else { name }
    }

    /// Problems that keep it from running.
    pub(crate) fn errors(&self) -> usize {
        self.problems.iter().filter(|it| it.severity == Severity::Error).count()
    }

    /// What can be called is another: everything is checked anew.
    pub(crate) fn forget_checks(&mut self) {
        self.checker = Checker::default();
        self.checked = None;
    }

    /// Checks it again, and which results are stale, if something changed since.
    pub(crate) fn refresh(&mut self, catalog: &Catalog) {
        let now = Arc::clone(self.history.flow());
        if !self.checked.as_ref().is_some_and(|it| Arc::ptr_eq(it, &now)) {
            self.problems = self.checker.check(&now, catalog, &CheckContext::default());
            self.checked = Some(Arc::clone(&now));
        }
        let Some(test) = &self.test else {
            self.stale.clear();
            self.compared = None;
            return;
        };
        let same = |it: &(Arc<Flow>, Arc<Flow>)| Arc::ptr_eq(&it.0, &test.flow) && Arc::ptr_eq(&it.1, &now);
        if !self.compared.as_ref().is_some_and(same) {
            self.stale = stale(&test.flow, &now);
            self.compared = Some((Arc::clone(&test.flow), now));
        }
    }
}

/// Nodes that are other than they were, and all that follows from them.
fn stale(was: &Flow, now: &Flow) -> BTreeSet<NodeId> {
    let mut stale: BTreeSet<NodeId> =
        now.nodes.iter().filter(|(id, node)| was.nodes.get(*id) != Some(*node)).map(|(id, _)| id.clone()).collect();
    stale.extend(now.edges.symmetric_difference(&was.edges).map(|it| it.to.clone()).filter(|it| now.nodes.contains_key(it)));
    stale.extend(
        was.edges.iter().filter(|it| !now.nodes.contains_key(&it.from) && now.nodes.contains_key(&it.to)).map(|it| it.to.clone()),
    );
    let mut open: Vec<NodeId> = stale.iter().cloned().collect();
    while let Some(from) = open.pop() {
        for edge in now.edges_from(&from) {
            if stale.insert(edge.to.clone()) {
                open.push(edge.to.clone());
            }
        }
    }
    stale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Edge;
    use crate::flow::testing::{Sketch, id};

    fn stale_after(edit: Edit) -> Vec<String> {
        let was = Sketch::flow("t.out -> a, a.out -> b, b.out -> c, t.out -> d");
        let mut now = was.clone();
        now.apply(edit).unwrap();
        stale(&was, &now).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_changed_and_what_follows_is_stale() {
        assert_eq!(stale_after(Edit::RenameNode { id: id("b"), name: "Other".to_owned() }), ["b", "c"]);
        assert_eq!(stale_after(Edit::RemoveNode { id: id("a") }), ["b", "c"]);
        let edge = Edge { from: id("d"), port: "out".into(), to: id("c") };
        assert_eq!(stale_after(Edit::Connect(edge)), ["c"]);
        let nothing: [&str; 0] = [];
        assert_eq!(stale_after(Edit::MoveNode { id: id("a"), to: Some([9, 9]) }), nothing);
        assert_eq!(stale_after(Edit::SetName("Other".to_owned())), nothing);
    }

    #[test]
    fn a_flow_as_it_came_from_a_template_is_nothing_to_save() {
        let mut doc = Document::fresh(DocId(1), Sketch::flow("t"));
        assert!(!doc.is_dirty());
        doc.apply(Edit::SetName("Mine".to_owned()), None).unwrap();
        assert!(doc.is_dirty());
        doc.undo();
        assert!(!doc.is_dirty());
    }
}
