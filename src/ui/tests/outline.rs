//! A flow as a list: built, changed and tested without a mouse.
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::desk::Desk;
use super::runs::{ended, stage};
use crate::flow::Flow;
use crate::flow::testing::Sketch;

fn lines(desk: &Desk) -> Vec<String> {
    let all = desk.window.query_all_by_role(Role::TreeItem);
    all.filter_map(|it| it.accesskit_node().label()).map(|it| it.split(',').take(2).collect::<Vec<_>>().join(",")).collect()
}

#[test]
fn a_flow_is_built_from_nothing_with_keys_alone() {
    let mut desk = Desk::with(&Flow::new("f", "F"));
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    assert!(desk.has("The flow is empty"));
    for (at, word) in ["by hand", "stop", "log"].into_iter().enumerate() {
        if at == 2 {
            // Back to the trigger: what is added next hangs on it.
            desk.key(Modifiers::NONE, Key::Home);
        }
        desk.key(Modifiers::NONE, Key::A);
        desk.type_text(word);
        desk.key(Modifiers::NONE, Key::Enter);
    }
    assert_eq!(desk.flow().nodes.len(), 3);
    assert_eq!(desk.flow().edges.len(), 2, "both hang on the trigger");
    desk.key(Modifiers::NONE, Key::F2);
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text("Say it");
    desk.key(Modifiers::NONE, Key::Enter);
    assert!(lines(&desk).iter().any(|it| it.ends_with("Say it")), "{:?}", lines(&desk));
    desk.key(Modifiers::NONE, Key::Delete);
    assert_eq!(desk.flow().nodes.len(), 2);
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(desk.flow().nodes.len(), 3);
}

#[test]
fn arrows_go_from_step_to_step_in_and_out_and_move_them() {
    let mut desk = Desk::with(&Sketch::flow("t.out -> a, a.out -> if_x, if_x.true -> b, if_x.false -> c"));
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    let go = |desk: &mut Desk, keys: &[Key]| {
        for key in keys {
            desk.key(Modifiers::NONE, *key);
        }
        desk.selected().join(" ")
    };
    assert_eq!(go(&mut desk, &[Key::ArrowDown]), "t");
    assert_eq!(go(&mut desk, &[Key::ArrowDown, Key::ArrowDown]), "if_x");
    assert_eq!(go(&mut desk, &[Key::ArrowRight]), "b");
    assert_eq!(go(&mut desk, &[Key::ArrowDown]), "c");
    assert_eq!(go(&mut desk, &[Key::ArrowLeft]), "if_x");
    assert_eq!(go(&mut desk, &[Key::Home]), "t");
    assert_eq!(go(&mut desk, &[Key::End]), "c");
    // A row of plain steps changes places, and it is one step back.
    let mut desk = Desk::with(&Sketch::flow("t.out -> a, a.out -> b"));
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    go(&mut desk, &[Key::ArrowDown, Key::ArrowDown]);
    desk.key(Modifiers::ALT, Key::ArrowDown);
    assert_eq!(lines(&desk), ["Level 1, t", "Level 1, b", "Level 1, a"]);
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(lines(&desk), ["Level 1, t", "Level 1, a", "Level 1, b"]);
}

#[test]
fn each_line_says_how_its_step_went() {
    let mut desk = Desk::first();
    let _runtime = stage(&desk);
    desk.until("the sandbox is up", |app| app.live.stage().is_some());
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    desk.key(Modifiers::COMMAND, Key::Enter);
    desk.until("the test has ended", ended);
    let done = |it: egui_kittest::Node<'_>| it.accesskit_node().label().is_some_and(|it| it.ends_with(", done"));
    assert!(
        desk.window
            .query_all_by_role(Role::TreeItem)
            .filter(|it| it.accesskit_node().label().is_some_and(|it| it.ends_with(", done")))
            .count()
            > 6
    );
    assert!(desk.window.query_all_by_label_contains("Save the contact").any(done));
}
