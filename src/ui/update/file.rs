//! Opening, saving, and files that somebody else changed.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eframe::egui::Context;
use serde_json::Value;

use crate::flow::{Each, Edit, NodeId, NodeKind, Trigger, Watched};
use crate::ui::app::App;
use crate::ui::dialog::Dialog;
use crate::ui::document::{DocId, Document, Outside};
use crate::ui::files::{Ask, Done, Expected, Unsaved};
use crate::ui::msg::{Msg, OutsideAnswer};
use crate::ui::toast::{Toast, Tone};

impl App {
    pub(super) fn open_path(&mut self, path: PathBuf) {
        let same = |it: &&Document| it.path().is_some_and(|it| is_same(it, &path));
        if let Some(doc) = self.docs.list.iter().find(same).map(|it| it.id) {
            self.activate(doc);
            return;
        }
        self.files.read(path, None);
    }

    /// Saves the flow in front; `asks` for a place even where it has one, and may close the tab when it is done.
    pub(super) fn save(&mut self, asks: bool, close: bool) {
        let Some(id) = self.docs.active else { return };
        let Some(doc) = self.docs.get_mut(id) else { return };
        let snapshot = Arc::clone(doc.flow());
        match doc.file.clone() {
            Some(kept) if !asks => {
                doc.begin_save();
                self.files.save(id, snapshot, kept.path, Expected::Stamp(kept.stamp), close);
            }
            kept => {
                let name = file_name(doc.title());
                let folder = kept.as_ref().and_then(|it| it.path.parent()).map(Path::to_owned);
                if self.files.can_ask() {
                    self.files.ask_save(id, close, &name, folder.as_deref());
                } else {
                    let folder = folder.or_else(home).unwrap_or_default();
                    let suggested = folder.join(name).display().to_string();
                    self.dialog = Some(Dialog::Path { ask: Ask::Save { doc: id, close }, suggested, wrong: None });
                }
            }
        }
    }

    pub(super) fn ask_open(&mut self) {
        if self.files.can_ask() {
            self.files.ask_open();
        } else {
            let suggested = home().unwrap_or_default().join("").display().to_string();
            self.dialog = Some(Dialog::Path { ask: Ask::Open, suggested, wrong: None });
        }
    }

    /// A path was typed in place of the system's dialog.
    pub(super) fn path_typed(&mut self, text: &str) {
        let Some(Dialog::Path { ask, .. }) = self.dialog.take() else { return };
        let text = text.trim();
        let mut path = PathBuf::from(text);
        if path.is_relative() {
            path = home().unwrap_or_default().join(path);
        }
        if matches!(ask, Ask::Save { .. }) {
            path = crate::ui::files::with_extension(&path);
        }
        let wrong = match ask {
            _ if text.is_empty() => Some("Type where the file is to be."),
            Ask::Watched { each: Each::File, .. } | Ask::Folder if !path.is_dir() => Some("There is no folder of this name."),
            Ask::Open | Ask::Documents | Ask::Watched { each: Each::Row, .. } if !path.is_file() => {
                Some("There is no file of this name.")
            }
            Ask::Save { .. } | Ask::Export(_) if path.exists() => {
                Some("There is a file of this name already. Choose another name.")
            }
            Ask::Save { .. } | Ask::Export(_) if !path.parent().is_some_and(Path::is_dir) => Some("There is no such folder."),
            Ask::Open | Ask::Documents | Ask::Save { .. } | Ask::Export(_) | Ask::Watched { .. } | Ask::Folder => None,
        };
        match wrong {
            None => self.files.typed(ask, path),
            Some(words) => {
                let wrong = Some(words.to_owned());
                self.dialog = Some(Dialog::Path { ask, suggested: text.to_owned(), wrong });
            }
        }
    }

    /// Asks which folder or table a trigger is to watch.
    pub(super) fn ask_watched(&mut self, doc: DocId, node: NodeId, each: Each) {
        if self.files.can_ask() {
            self.files.ask_watched(doc, node, each);
        } else {
            let suggested = home().unwrap_or_default().join("").display().to_string();
            self.dialog = Some(Dialog::Path { ask: Ask::Watched { doc, node, each }, suggested, wrong: None });
        }
    }

    /// Asks for the folder of a connection that is being made.
    pub(super) fn ask_folder(&mut self) {
        if self.files.can_ask() {
            self.files.ask_folder();
        } else {
            let suggested = home().unwrap_or_default().join("").display().to_string();
            self.dialog = Some(Dialog::Path { ask: Ask::Folder, suggested, wrong: None });
        }
    }

    /// What was chosen is watched, and what is there is what a test gets.
    fn watch(&mut self, ctx: &Context, doc: DocId, node: NodeId, path: String, sample: Value) {
        let Some(it) = self.docs.get_mut(doc) else { return };
        let Some(NodeKind::Trigger(Trigger::File { watched, .. })) = it.flow().nodes.get(&node).map(|it| &it.kind) else {
            return;
        };
        let watched = Watched { path, ..watched.clone() };
        let edit = Edit::SetKind { id: node, kind: NodeKind::Trigger(Trigger::File { watched, sample }) };
        if let Err(error) = it.apply(edit, None) {
            self.say(ctx, Toast::new(Tone::Failed, "That cannot be done").detail(crate::ui::files::sentence(&error.to_string())));
        }
    }

    /// What came of something that was done with files.
    pub(crate) fn file_done(&mut self, ctx: &Context, done: Done) {
        match done {
            Done::Picked { ask: Ask::Open, paths } => {
                for path in paths {
                    self.open_path(path);
                }
            }
            Done::Picked { ask: Ask::Save { doc, close }, paths } => {
                let (Some(path), Some(it)) = (paths.into_iter().next(), self.docs.get_mut(doc)) else { return };
                it.begin_save();
                let snapshot = Arc::clone(it.flow());
                // The dialog asked before it gave the name of a file that is there.
                self.files.save(doc, snapshot, path, Expected::Anything, close);
            }
            Done::Picked { ask: Ask::Export(what), paths } => {
                if let Some(path) = paths.into_iter().next() {
                    self.export_to(what, path);
                }
            }
            Done::Picked { ask: Ask::Watched { doc, node, each }, paths } => {
                let Some(path) = paths.into_iter().next() else { return };
                let Some(NodeKind::Trigger(Trigger::File { watched, .. })) =
                    self.docs.get(doc).and_then(|it| it.flow().nodes.get(&node)).map(|it| &it.kind)
                else {
                    return;
                };
                let watched = Watched { path: path.display().to_string(), each, ..watched.clone() };
                self.files.read_watched(doc, node, watched);
            }
            Done::Watched { doc, node, path, sample } => self.watch(ctx, doc, node, path, sample),
            Done::Picked { ask: Ask::Folder, paths } => {
                if let (Some(path), Some(draft)) = (paths.into_iter().next(), self.connections.draft_mut()) {
                    draft.base_url = path.display().to_string();
                }
            }
            Done::Picked { ask: Ask::Documents, paths } => {
                if !paths.is_empty() {
                    self.imports.read(paths);
                }
            }
            Done::Read { path, result: Ok((flow, stamp)), again: Some(doc) } => {
                if let Some(it) = self.docs.get_mut(doc) {
                    it.reloaded(*flow, path.clone(), stamp);
                    self.files.watch(doc, &path, stamp);
                    self.say(ctx, Toast::new(Tone::Done, "Read again from its file"));
                }
            }
            Done::Read { path, result: Ok((flow, stamp)), again: None } => {
                let same = |it: &&Document| it.path().is_some_and(|it| is_same(it, &path));
                if let Some(doc) = self.docs.list.iter().find(same).map(|it| it.id) {
                    self.activate(doc);
                    return;
                }
                self.prefs.remember(&path);
                let id = self.docs.next_id();
                let was_active = self.prefs.active.as_ref() == Some(&path);
                let front = self.docs.active;
                self.files.watch(id, &path, stamp);
                self.add_document(Document::of_file(id, *flow, path, stamp));
                // After a start the one that was in front is in front again, whichever is read last.
                if let (false, Some(front)) = (was_active, front)
                    && self.docs.get(front).and_then(Document::path) == self.prefs.active.as_deref()
                    && self.prefs.active.is_some()
                {
                    self.activate(front);
                }
            }
            Done::Read { path, result: Err(words), .. } => {
                self.prefs.recent.retain(|it| *it != path);
                self.say(ctx, Toast::new(Tone::Failed, "The flow cannot be opened").detail(words));
            }
            Done::Saved { doc, path, snapshot, close, result } => self.saved(ctx, doc, &path, &snapshot, close, result),
            Done::Changed { doc, stamp } => self.changed_outside(ctx, doc, stamp.map_or(Outside::Removed, Outside::Changed)),
        }
    }

    fn saved(
        &mut self,
        ctx: &Context,
        doc: DocId,
        path: &Path,
        snapshot: &Arc<crate::flow::Flow>,
        close: bool,
        result: Result<Option<crate::ui::files::Stamp>, Unsaved>,
    ) {
        let Some(it) = self.docs.get_mut(doc) else { return };
        it.saving = false;
        match result {
            Ok(stamp) => {
                it.saved(snapshot, path.to_owned(), stamp);
                let is_dirty = it.is_dirty();
                self.files.watch(doc, path, stamp);
                self.prefs.remember(path);
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.say(ctx, Toast::new(Tone::Done, format!("Saved as {name}")));
                if close && !is_dirty {
                    self.close_now(doc);
                }
            }
            Err(Unsaved::Changed(stamp)) => {
                self.changed_outside(ctx, doc, stamp.map_or(Outside::Removed, Outside::Changed));
            }
            Err(Unsaved::Failed(words)) => {
                if let Some(kept) = it.file.clone() {
                    self.files.watch(doc, &kept.path, kept.stamp);
                }
                let toast = Toast::new(Tone::Failed, "The flow was not saved").detail(words);
                self.say(ctx, toast.action("Save as…", Msg::Do(crate::ui::command::UiCommand::SaveAs)));
            }
        }
    }

    fn changed_outside(&mut self, ctx: &Context, doc: DocId, outside: Outside) {
        let Some(it) = self.docs.get_mut(doc) else { return };
        it.outside = Some(outside);
        ctx.request_repaint();
    }

    pub(super) fn outside(&mut self, doc: DocId, answer: OutsideAnswer) {
        let Some(it) = self.docs.get_mut(doc) else { return };
        let Some(outside) = it.outside.take() else { return };
        let Some(kept) = &it.file else { return };
        match (answer, outside) {
            (OutsideAnswer::Reload, _) => {
                let path = kept.path.clone();
                self.files.read(path, Some(doc));
            }
            (OutsideAnswer::Keep, Outside::Changed(stamp)) => {
                let path = kept.path.clone();
                it.keep(Some(stamp));
                self.files.watch(doc, &path, Some(stamp));
            }
            (OutsideAnswer::Keep, Outside::Removed) => it.keep(None),
        }
    }
}

/// Where a person's own files are.
pub(super) fn home() -> Option<PathBuf> {
    directories::UserDirs::new().map(|it| it.document_dir().map_or_else(|| it.home_dir().to_owned(), Path::to_owned))
}

/// The same file, also by another path.
fn is_same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// A name for a file, from a flow's.
fn file_name(title: &str) -> String {
    let kept: String = title.chars().map(|it| if it.is_alphanumeric() || "-_ .()".contains(it) { it } else { ' ' }).collect();
    let kept = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    let kept = if kept.is_empty() { "flow" } else { kept.trim_matches('.') };
    format!("{kept}.{}", crate::flow::file::EXTENSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_name_that_every_system_takes() {
        assert_eq!(file_name("New contact: to calendar?"), "New contact to calendar.flowyard");
        assert_eq!(file_name("a/b\\c"), "a b c.flowyard");
        assert_eq!(file_name(" … "), "flow.flowyard");
        assert_eq!(file_name("Überblick (2)"), "Überblick (2).flowyard");
    }
}
