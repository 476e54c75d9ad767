//! What a draft is made of: how a flow was when it was first changed, and all that happened to it since, a line each.
//!
//! Invariant: pure; the same lines give the same flow, with the same steps to be undone and redone.
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::flow::{Edit, Flow, Gesture, History, NodeId};
use crate::ui::document::Kept;
use crate::ui::files::Stamp;

/// What this program writes.
const VERSION: u32 = 1;

/// One thing that happened to a flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// The first line, and no other.
    Open(Box<Opened>),
    Edit {
        edit: Box<Edit>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gesture: Option<Gesture>,
    },
    EndGesture,
    Undo,
    Redo,
    /// The flow as it is here is being written to a file.
    Saving(u64),
    /// It is in this file.
    Saved {
        save: u64,
        path: PathBuf,
        stamp: Option<Stamp>,
    },
    /// Somebody else changed the file, and a person keeps what is here.
    Kept {
        stamp: Option<Stamp>,
    },
    Pin {
        node: NodeId,
        output: Option<Arc<Value>>,
    },
}

/// How a flow was when it was first changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Opened {
    version: u32,
    #[serde(with = "as_text")]
    flow: Arc<Flow>,
    file: Option<(PathBuf, Option<Stamp>)>,
    /// Whether the file holds it so.
    saved: bool,
    /// Whether it came from a template, so that there is nothing to save yet.
    pristine: bool,
}

/// A flow in the form of its file.
mod as_text {
    use std::sync::Arc;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::flow::Flow;

    pub(super) fn serialize<S: Serializer>(flow: &Arc<Flow>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&flow.to_text())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Flow>, D::Error> {
        let text = String::deserialize(from)?;
        Flow::parse(text.as_bytes()).map(Arc::new).map_err(D::Error::custom)
    }
}

impl Opened {
    pub(crate) fn new(flow: Arc<Flow>, file: Option<&Kept>, saved: bool, pristine: bool) -> Self {
        Self { version: VERSION, flow, file: file.map(|it| (it.path.clone(), it.stamp)), saved, pristine }
    }
}

/// A flow as its draft tells.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) history: History,
    pub(crate) file: Option<Kept>,
    pub(crate) pristine: Option<Arc<Flow>>,
    pub(crate) pins: BTreeMap<NodeId, Arc<Value>>,
}

/// Why a draft cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// A newer Flowyard wrote it.
    Newer,
    /// It does not begin as a draft does.
    Damaged,
}

impl Draft {
    /// Reads the lines of a file. One that was cut while it was written ends it: what came before counts.
    pub(super) fn read(text: &str) -> Result<Self, Unread> {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let version = serde_json::from_str::<Value>(first).ok().and_then(|it| it.pointer("/open/version")?.as_u64());
        if version.is_some_and(|it| it > u64::from(VERSION)) {
            return Err(Unread::Newer);
        }
        let Ok(Line::Open(opened)) = serde_json::from_str(first) else { return Err(Unread::Damaged) };
        let mut draft = Self::begin(*opened);
        let base = Arc::clone(draft.history.flow());
        let mut saving: BTreeMap<u64, Arc<Flow>> = BTreeMap::new();
        for line in lines {
            let Ok(line) = serde_json::from_str::<Line>(line) else { break };
            match line {
                Line::Saving(save) => drop(saving.insert(save, Arc::clone(draft.history.flow()))),
                Line::Saved { save, path, stamp } => {
                    // What was being saved when the draft began is what it began with.
                    draft.history.mark_saved(&saving.remove(&save).unwrap_or_else(|| Arc::clone(&base)));
                    draft.file = Some(Kept { path, stamp });
                }
                line => draft.take(line),
            }
        }
        Ok(draft)
    }

    fn begin(opened: Opened) -> Self {
        let Opened { flow, file, saved, pristine, .. } = opened;
        let pristine = pristine.then(|| Arc::clone(&flow));
        let flow = Arc::unwrap_or_clone(flow);
        let history = if saved { History::new(flow) } else { History::unsaved(flow) };
        Self { history, file: file.map(|(path, stamp)| Kept { path, stamp }), pristine, pins: BTreeMap::new() }
    }

    fn take(&mut self, line: Line) {
        match line {
            // An edit was possible when it was noted down; where it is not any more, there is nothing better than going on.
            Line::Edit { edit, gesture: Some(gesture) } => drop(self.history.apply_in(*edit, &gesture)),
            Line::Edit { edit, gesture: None } => drop(self.history.apply(*edit)),
            Line::EndGesture => self.history.end_gesture(),
            Line::Undo => drop(self.history.undo()),
            Line::Redo => drop(self.history.redo()),
            Line::Kept { stamp } => {
                self.history.mark_unsaved();
                match (&mut self.file, stamp) {
                    (Some(file), Some(_)) => file.stamp = stamp,
                    (file, _) => *file = None,
                }
            }
            Line::Pin { node, output: Some(output) } => drop(self.pins.insert(node, output)),
            Line::Pin { node, output: None } => drop(self.pins.remove(&node)),
            Line::Open(_) | Line::Saving(_) | Line::Saved { .. } => {}
        }
    }

    /// A draft that begins with what is now, without the way there.
    pub(super) fn afresh(&self) -> Vec<Line> {
        let now = self.history.flow();
        let pristine = self.pristine.as_ref() == Some(now);
        let opened = Opened::new(Arc::clone(now), self.file.as_ref(), !self.history.is_dirty(), pristine);
        let pins = self.pins.iter().map(|(node, output)| Line::Pin { node: node.clone(), output: Some(Arc::clone(output)) });
        [Line::Open(Box::new(opened))].into_iter().chain(pins).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::testing::arbitrary::{edits, flows};
    use crate::flow::testing::{Sketch, id};

    fn text(lines: &[Line]) -> String {
        lines.iter().map(|it| format!("{}\n", serde_json::to_string(it).unwrap())).collect()
    }

    fn open(flow: &Flow, saved: bool) -> Line {
        Line::Open(Box::new(Opened::new(Arc::new(flow.clone()), None, saved, false)))
    }

    fn named(name: &str) -> Line {
        Line::Edit { edit: Box::new(Edit::SetName(name.to_owned())), gesture: None }
    }

    #[test]
    fn it_knows_what_is_saved_also_where_it_was_changed_meanwhile() {
        let flow = Sketch::flow("t.out -> a");
        let stamp = None;
        let saved = |save| Line::Saved { save, path: "a.flowyard".into(), stamp };
        let name = |lines: &[Line]| {
            let draft = Draft::read(&text(lines)).unwrap();
            (draft.history.flow().name.clone(), draft.history.is_dirty(), draft.file.is_some())
        };
        assert_eq!(name(&[open(&flow, true)]), ("Sketch".to_owned(), false, false));
        assert_eq!(name(&[open(&flow, true), named("B")]), ("B".to_owned(), true, false));
        assert_eq!(name(&[open(&flow, true), named("B"), Line::Saving(1), saved(1)]), ("B".to_owned(), false, true));
        assert_eq!(name(&[open(&flow, true), named("B"), Line::Saving(1), named("C"), saved(1)]), ("C".to_owned(), true, true));
        // The save had begun before the draft did.
        assert_eq!(name(&[open(&flow, false), named("B"), saved(1), Line::Undo]), ("Sketch".to_owned(), false, true));
        assert_eq!(name(&[open(&flow, true), Line::Kept { stamp }]), ("Sketch".to_owned(), true, false));
    }

    #[test]
    fn a_line_that_was_cut_and_all_behind_it_is_left_out() {
        let whole = text(&[open(&Sketch::flow("t"), true), named("B"), named("C")]);
        for cut in (whole.len() - 20..whole.len() - 1).chain([whole.len()]) {
            let name = Draft::read(&whole[..cut]).unwrap().history.flow().name.clone();
            assert_eq!(name, if cut < whole.len() - 1 { "B" } else { "C" }, "{cut}");
        }
        assert_eq!(Draft::read("").unwrap_err(), Unread::Damaged);
        assert_eq!(Draft::read(&whole[..30]).unwrap_err(), Unread::Damaged);
        assert_eq!(Draft::read(&whole.replacen("\"version\":1", "\"version\":2", 1)).unwrap_err(), Unread::Newer);
    }

    #[test]
    fn pins_are_kept_and_a_draft_afresh_is_the_same_without_the_way() {
        let pin = |output| Line::Pin { node: id("a"), output };
        let lines =
            [open(&Sketch::flow("t"), true), pin(Some(Arc::new(Value::from(1)))), named("B"), pin(Some(Arc::new(2.into())))];
        let draft = Draft::read(&text(&lines)).unwrap();
        assert_eq!(draft.pins[&id("a")], Arc::new(Value::from(2)));
        let again = Draft::read(&text(&draft.afresh())).unwrap();
        assert_eq!((again.history.flow(), &again.pins), (draft.history.flow(), &draft.pins));
        assert!(again.history.is_dirty() && again.history.undo_label().is_none());
        let gone = [open(&Sketch::flow("t"), true), pin(Some(Arc::new(1.into()))), pin(None)];
        assert!(Draft::read(&text(&gone)).unwrap().pins.is_empty());
    }

    proptest! {
        #[test]
        fn every_edit_is_written_and_read_as_the_same(edit in edits()) {
            let line = Line::Edit { edit: Box::new(edit), gesture: Some(Gesture::new("type x")) };
            let text = serde_json::to_string(&line).unwrap();
            prop_assert!(!text.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
        }

        #[test]
        fn a_draft_gives_the_flow_and_every_step_back(
            flow in flows(),
            acts in prop::collection::vec((edits(), 0..6_u8), 0..20),
        ) {
            let mut history = History::new(flow.clone());
            let mut lines = vec![open(&flow, true)];
            for (edit, what) in acts {
                match what {
                    0 => {
                        history.undo();
                        lines.push(Line::Undo);
                    }
                    1 => {
                        history.redo();
                        lines.push(Line::Redo);
                    }
                    2 => {
                        let gesture = Gesture::new("drag");
                        if history.apply_in(edit.clone(), &gesture).is_ok() {
                            lines.push(Line::Edit { edit: Box::new(edit), gesture: Some(gesture) });
                        }
                    }
                    _ => {
                        if history.apply(edit.clone()).is_ok() {
                            lines.push(Line::Edit { edit: Box::new(edit), gesture: None });
                        }
                    }
                }
            }
            let mut read = Draft::read(&text(&lines)).unwrap().history;
            loop {
                prop_assert_eq!(read.flow(), history.flow());
                prop_assert_eq!(read.undo_label(), history.undo_label());
                prop_assert_eq!(read.redo_label(), history.redo_label());
                if !history.undo() {
                    break;
                }
                prop_assert!(read.undo());
            }
        }
    }
}
