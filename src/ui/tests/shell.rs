//! Bars, palette, tabs, settings.
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use super::desk::Desk;
use crate::flow::testing::Sketch;
use crate::ui::theme::ThemeChoice;

#[test]
fn the_first_start_opens_a_flow_that_works() {
    let mut desk = Desk::first();
    desk.run();
    assert_eq!(desk.doc().title(), "New contact to calendar");
    assert!(desk.doc().problems.iter().all(|it| it.severity == crate::flow::Severity::Warning), "{:?}", desk.doc().problems);
    assert!(desk.has("Save the contact") && desk.has("Test"));
    assert!(!desk.doc().is_dirty());
}

#[test]
fn every_card_wire_and_way_has_a_name() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> if_a, if_a.true -> b"));
    desk.run();
    for name in
        ["t", "if_a", "Wire from t to if_a", "Wire from if_a (Yes) to b", "if_a, way out Yes", "if_a, way out No", "b, way in"]
    {
        assert!(desk.has(name), "{name}");
    }
}

#[test]
fn a_command_is_found_and_done_from_the_palette() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    desk.key(Modifiers::COMMAND, Key::K);
    desk.type_text("light th");
    desk.key(Modifiers::NONE, Key::Enter);
    assert_eq!(desk.window.state().prefs.theme, ThemeChoice::Light);
    assert!(!desk.window.ctx.style_of(desk.window.ctx.theme()).visuals.dark_mode);
    desk.key(Modifiers::COMMAND, Key::K);
    assert!(desk.has("Find a command"));
    desk.key(Modifiers::NONE, Key::Escape);
    assert!(!desk.has("Find a command"));
}

#[test]
fn panels_are_hidden_and_shown_by_keys_and_remembered() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    assert!(desk.has("Hide the inspector"));
    desk.key(Modifiers::COMMAND, Key::I);
    assert!(!desk.has("Hide the inspector"));
    desk.window.state_mut().write_prefs(0.0);
    let home = std::sync::Arc::clone(&desk.home);
    drop(desk);
    let mut again = Desk::at(home, &[]);
    again.until("the flow of last time is open", |app| !app.docs.list.is_empty());
    assert!(!again.has("Hide the inspector") && again.has("Hide the log"));
}

#[test]
fn several_flows_are_open_in_tabs() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    desk.key(Modifiers::COMMAND, Key::N);
    assert_eq!(desk.window.state().docs.list.len(), 2);
    assert_eq!(desk.doc().title(), "Untitled flow");
    desk.press("Sketch");
    assert_eq!(desk.doc().title(), "Sketch");
    desk.press("Close Untitled flow");
    assert_eq!(desk.window.state().docs.list.len(), 1);
}

#[test]
fn keys_can_be_changed_in_the_settings() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a"));
    desk.press("Settings");
    let button = desk.window.query_all_by_label_contains("Keys of New flow:").next().expect("a button").rect().center();
    desk.window.hover_at(button);
    desk.step();
    desk.window.query_all_by_label_contains("Keys of New flow:").next().unwrap().click();
    desk.run();
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Y);
    assert!(desk.has("Keys of New flow: Ctrl+Shift+Y"));
    desk.window.get_by_role_and_label(Role::Tab, "Flows").click();
    desk.run();
    desk.key(Modifiers::COMMAND, Key::N);
    assert_eq!(desk.window.state().docs.list.len(), 1);
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Y);
    assert_eq!(desk.window.state().docs.list.len(), 2);
}

#[test]
fn damaged_settings_are_said_and_the_window_opens() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("window.json"), "{\"scale\":").unwrap();
    let mut desk = Desk::at(std::sync::Arc::new(home), &[]);
    desk.run();
    assert!(desk.has_containing("Your settings are damaged"));
    desk.press("Dismiss");
    assert!(!desk.has_containing("Your settings are damaged"));
}

#[test]
fn a_small_window_still_has_its_test_button_and_its_canvas() {
    let mut desk = Desk::first();
    desk.window.set_size(eframe::egui::vec2(640.0, 480.0));
    desk.run();
    assert!(desk.has("Test"));
    let view = desk.window.state().views.values().next().unwrap();
    assert!(view.rect.width() > 120.0 && view.rect.height() > 100.0, "{:?}", view.rect);
}

#[test]
fn at_rest_nothing_is_painted_again() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a, a.out -> b"));
    desk.run();
    let delay = desk.window.output().viewport_output.values().map(|it| it.repaint_delay).min().unwrap();
    assert!(delay > std::time::Duration::from_millis(500), "{delay:?}");
}
