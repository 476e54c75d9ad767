//! What is changed is there again after the window has ended, with the way back, whether or not it was saved.
use std::sync::Arc;

use eframe::egui::{Key, Modifiers};

use super::desk::Desk;
use crate::flow::testing::Sketch;
use crate::ui::app::App;
use crate::ui::msg::Msg;

/// The window ends without being asked whether anything is to be saved, and another is opened.
fn again(desk: Desk) -> Desk {
    let home = Arc::clone(&desk.home);
    drop(desk);
    let mut desk = Desk::at(home, &[]);
    desk.until("what was open is there", |app| !app.docs.list.is_empty());
    desk
}

fn rename(desk: &mut Desk, name: &str) {
    let app = desk.window.state();
    app.send(Msg::Edit(app.docs.active.unwrap(), crate::flow::Edit::SetName(name.to_owned())));
    desk.run();
}

fn titles(app: &App) -> Vec<String> {
    app.docs.list.iter().map(|it| it.title().to_owned()).collect()
}

#[test]
fn a_flow_that_was_never_saved_is_there_with_every_step_back_and_forward() {
    let mut desk = Desk::first();
    let first = desk.flow().clone();
    for name in ["One", "Two", "Three"] {
        rename(&mut desk, name);
    }
    desk.key(Modifiers::COMMAND, Key::Z);
    let mut desk = again(desk);
    assert_eq!(desk.flow().name, "Two");
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(desk.flow().name, "Three");
    let mut desk = again(desk);
    for _ in 0..3 {
        desk.key(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(desk.flow(), &first);
    assert!(!desk.doc().is_dirty(), "it is as it came from the template");
}

#[test]
fn a_saved_flow_is_dirty_after_a_start_only_where_it_was_before() {
    let mut desk = Desk::with(&Sketch::flow("t"));
    rename(&mut desk, "Mine");
    let mut desk = again(desk);
    assert!(desk.doc().is_dirty() && desk.doc().path().is_some());
    desk.key(Modifiers::COMMAND, Key::S);
    desk.until("it is saved", |app| app.docs.active().is_some_and(|it| !it.is_dirty()));
    let mut desk = again(desk);
    assert!(!desk.doc().is_dirty());
    assert_eq!(desk.window.state().docs.list.len(), 1, "not once more from its file");
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!((desk.flow().name.as_str(), desk.doc().is_dirty()), ("Sketch", true));
}

#[test]
fn a_file_that_somebody_changed_meanwhile_is_told_and_one_without_changes_here_is_read() {
    let mut desk = Desk::with(&Sketch::flow("t"));
    rename(&mut desk, "Mine");
    let path = desk.doc().path().unwrap().to_owned();
    let mut theirs = Sketch::flow("t.out -> a");
    theirs.name = "Theirs, and longer than before".to_owned();
    crate::flow::disk::save(&theirs, &path).unwrap();
    let mut desk = again(desk);
    assert_eq!(desk.flow().name, "Mine");
    assert!(desk.doc().outside.is_some());
    // Taken back, nothing here would be lost.
    desk.key(Modifiers::COMMAND, Key::Z);
    let desk = again(desk);
    assert_eq!(desk.flow().name, "Theirs, and longer than before");
    assert!(desk.doc().outside.is_none());
}

#[test]
fn a_flow_whose_tab_was_closed_does_not_come_back() {
    let mut desk = Desk::with(&Sketch::flow("t"));
    rename(&mut desk, "Kept");
    desk.key(Modifiers::COMMAND, Key::N);
    rename(&mut desk, "Closed");
    assert_eq!(titles(desk.window.state()), ["Kept", "Closed"]);
    desk.key(Modifiers::COMMAND, Key::W);
    desk.press_button("Close without saving");
    let desk = again(desk);
    assert_eq!(titles(desk.window.state()), ["Kept"]);
}
