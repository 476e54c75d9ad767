//! Opening, saving, and files that somebody else changed.
use eframe::egui::{Key, Modifiers};

use super::desk::Desk;
use crate::flow::testing::{Sketch, id};
use crate::flow::{Edit, disk};

fn changed(desk: &mut Desk) {
    desk.press_button("a");
    desk.key(Modifiers::NONE, Key::M);
    assert!(desk.doc().is_dirty());
}

#[test]
fn a_flow_is_saved_where_it_was_opened() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    changed(&mut desk);
    desk.key(Modifiers::COMMAND, Key::S);
    desk.until("saved", |app| !app.docs.active().unwrap().is_dirty());
    let path = desk.doc().path().unwrap().to_owned();
    assert!(disk::read(&path).unwrap().nodes[&id("a")].muted);
    assert!(desk.has_containing("Saved as flow.flowyard"));
}

#[test]
fn a_new_flow_asks_where_to_be_saved_and_is_then_a_recent_one() {
    let mut desk = Desk::first();
    let path = desk.home.path().join("mine.flowyard");
    desk.answers.push(&path);
    desk.key(Modifiers::COMMAND, Key::S);
    desk.until("saved", |app| app.docs.active().unwrap().file.is_some());
    assert_eq!(disk::read(&path).unwrap().name, "New contact to calendar");
    assert_eq!(desk.window.state().prefs.recent, [path]);
}

#[test]
fn closing_a_flow_with_changes_asks_first() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    changed(&mut desk);
    desk.key(Modifiers::COMMAND, Key::W);
    assert!(desk.has("Close without saving"));
    desk.press("Cancel");
    assert_eq!(desk.window.state().docs.list.len(), 1);
    desk.key(Modifiers::COMMAND, Key::W);
    desk.press_button("Save");
    desk.until("saved and closed", |app| app.docs.list.is_empty());
    assert!(disk::read(&desk.home.path().join("flow.flowyard")).unwrap().nodes[&id("a")].muted);
}

#[test]
fn a_file_that_someone_else_changed_is_told_and_nothing_is_overwritten() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    let path = desk.doc().path().unwrap().to_owned();
    changed(&mut desk);
    let mut other = disk::read(&path).unwrap();
    other.apply(Edit::SetName("Theirs, and of another length".to_owned())).unwrap();
    disk::save(&other, &path).unwrap();
    desk.key(Modifiers::COMMAND, Key::S);
    desk.until("told", |app| app.docs.active().unwrap().outside.is_some());
    assert_eq!(disk::read(&path).unwrap().name, "Theirs, and of another length");
    desk.press("Read it again, and lose what was changed here");
    desk.until("read again", |app| app.docs.active().unwrap().title() == "Theirs, and of another length");
    assert!(!desk.doc().is_dirty());
}

#[test]
fn what_is_here_can_be_kept_over_what_someone_else_wrote() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    let path = desk.doc().path().unwrap().to_owned();
    changed(&mut desk);
    let mut other = disk::read(&path).unwrap();
    other.apply(Edit::SetName("Theirs, and of another length".to_owned())).unwrap();
    disk::save(&other, &path).unwrap();
    desk.key(Modifiers::COMMAND, Key::S);
    desk.until("told", |app| app.docs.active().unwrap().outside.is_some());
    desk.press("Keep what is here");
    desk.key(Modifiers::COMMAND, Key::S);
    desk.until("saved", |app| !app.docs.active().unwrap().is_dirty());
    assert_eq!(disk::read(&path).unwrap().name, "Sketch");
}

#[test]
fn a_damaged_file_is_said_with_its_line() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("broken.flowyard");
    std::fs::write(&path, "{\n  \"flowyard\": 1,\n  oops").unwrap();
    let mut desk = Desk::at(std::sync::Arc::new(home), &[path]);
    desk.until("said", |app| app.toasts.iter().next().is_some());
    assert!(desk.has("The flow cannot be opened"));
    assert!(desk.has_containing("line 3, column 3"));
}

#[test]
fn a_file_is_opened_once_however_often_it_is_asked_for() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    let path = desk.doc().path().unwrap().to_owned();
    desk.answers.push(&path);
    desk.key(Modifiers::COMMAND, Key::N);
    desk.key(Modifiers::COMMAND, Key::O);
    desk.until("the tab is in front", |app| app.docs.active().unwrap().path().is_some());
    assert_eq!(desk.window.state().docs.list.len(), 2);
}

#[derive(Debug)]
struct Dropped(std::path::PathBuf);

impl eframe::egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

#[test]
fn a_file_that_is_dropped_on_the_window_is_opened() {
    let mut desk = Desk::first();
    let path = desk.home.path().join("dropped.flowyard");
    disk::save(&Sketch::flow("t.out -> a"), &path).unwrap();
    desk.window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(path)));
    desk.until("it is open", |app| app.docs.active().unwrap().title() == "Sketch");
}

#[test]
fn a_template_is_chosen_from_the_gallery() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    desk.press("Templates");
    assert!(desk.has("What should run by itself?"));
    desk.press("Template Appointment to follow-up task");
    assert_eq!(desk.doc().title(), "Appointment to follow-up task");
    assert!(!desk.doc().is_dirty());
}

#[test]
fn where_the_system_has_no_dialogs_a_path_is_typed() {
    let mut desk = Desk::first();
    desk.answers.are_missing();
    let path = desk.home.path().join("typed.flowyard");
    let fill = |desk: &mut Desk, text: &str| {
        desk.key(Modifiers::COMMAND, Key::A);
        desk.type_text(text);
        desk.key(Modifiers::NONE, Key::Enter);
    };
    desk.key(Modifiers::COMMAND, Key::S);
    assert!(desk.has("This system has no dialog for files. Type the whole path."));
    fill(&mut desk, "/there/is/no/such/folder/a.flowyard");
    assert!(desk.has("There is no such folder."));
    fill(&mut desk, &path.with_extension("").display().to_string());
    desk.until("it is saved", |app| app.docs.active().is_some_and(|it| it.path().is_some()));
    assert!(path.is_file());
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::S);
    fill(&mut desk, &path.display().to_string());
    assert!(desk.has("There is a file of this name already. Choose another name."));
    desk.key(Modifiers::NONE, Key::Escape);
    desk.key(Modifiers::COMMAND, Key::W);
    desk.key(Modifiers::COMMAND, Key::O);
    fill(&mut desk, &path.display().to_string());
    desk.until("it is open again", |app| app.docs.active().is_some_and(|it| it.path().is_some()));
}
