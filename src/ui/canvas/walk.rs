//! The canvas by keyboard: from card to card with the arrows, nudging, and letting go.
use eframe::egui::{EventFilter, Id, Key, Memory, Modifiers, Popup, Rect, Ui, Vec2, vec2};

use super::rewire::one_step;
use super::snap::GRID;
use super::{Act, Spot, Stage, layer, pointer};
use crate::flow::{Edit, NodeId, Note};

/// Keeps the arrows for the canvas while a card has the keyboard.
pub(super) fn hold_arrows(ui: &Ui, id: Id) {
    let filter = EventFilter { tab: false, horizontal_arrows: true, vertical_arrows: true, escape: true };
    ui.memory_mut(|it| it.set_focus_lock_filter(id, filter));
}

/// Whether the last thing that a person did was a key: only then is a ring shown around what has the keyboard.
pub(super) fn by_keyboard(ui: &Ui) -> bool {
    let id = Id::unique("canvas by keyboard");
    let (key, press) = ui.input(|it| {
        let key = it.events.iter().any(|it| matches!(it, eframe::egui::Event::Key { pressed: true, .. }));
        (key, it.pointer.any_pressed())
    });
    if key || press {
        ui.data_mut(|it| it.insert_temp(id, key && !press));
    }
    ui.data(|it| it.get_temp(id).unwrap_or(false))
}

/// Arrows, and Escape.
pub(super) fn keys(ui: &mut Ui, stage: &mut Stage<'_>) {
    let elsewhere = ui.memory(Memory::focused).is_some_and(|it| !is_own(stage, it));
    if !stage.scene.listens || elsewhere || stage.view.is_asking() || ui.text_edit_focused() || Popup::is_any_open(ui.ctx()) {
        return;
    }
    for (key, way) in [
        (Key::ArrowLeft, vec2(-1.0, 0.0)),
        (Key::ArrowRight, vec2(1.0, 0.0)),
        (Key::ArrowUp, vec2(0.0, -1.0)),
        (Key::ArrowDown, vec2(0.0, 1.0)),
    ] {
        if ui.input_mut(|it| it.consume_key(Modifiers::COMMAND, key)) {
            nudge(stage, way * GRID);
        } else if ui.input_mut(|it| it.consume_key(Modifiers::SHIFT, key)) {
            go(stage, way, true);
        } else if ui.input_mut(|it| !it.modifiers.any() && it.consume_key(Modifiers::NONE, key)) {
            go(stage, way, false);
        }
    }
    if ui.input_mut(|it| it.consume_key(Modifiers::NONE, Key::Escape)) {
        stage.view.selection.clear();
        ui.memory_mut(Memory::stop_text_input);
    }
    let enter = ui.input(|it| it.key_pressed(Key::Enter) && !it.modifiers.any());
    if enter
        && ui.memory(Memory::focused).is_none_or(|it| it == stage.id)
        && let Some(node) = stage.view.selection.only_node().cloned()
    {
        stage.acts.push(Act::Inspect(node));
    }
}

fn is_own(stage: &Stage<'_>, id: Id) -> bool {
    id == stage.id
        || stage.board.spots.iter().any(|it| stage.id.with(("node", &it.id)) == id)
        || stage.board.lines.iter().any(|it| layer::wire_id(stage.id, &it.edge) == id)
        || stage.board.frames.iter().any(|it| stage.id.with(("group", &it.id)) == id)
        || stage.board.sheets.iter().any(|it| stage.id.with(("note", &it.id)) == id)
}

/// To the next card that way: along a wire where there is one.
fn go(stage: &mut Stage<'_>, way: Vec2, add: bool) {
    let board = std::sync::Arc::clone(stage.board);
    let from = stage.view.selection.nodes.last().cloned();
    let target = match from.as_ref().and_then(|it| board.spot(it)) {
        None => board.spots.iter().find(|it| !it.is_hidden()).map(|it| it.id.clone()),
        Some(from) => next(&board.spots, from, way),
    };
    let Some(target) = target else { return };
    if !add {
        stage.view.selection.clear();
    }
    stage.view.selection.nodes.insert(target.clone());
    if let Some(spot) = board.spot(&target) {
        stage.view.reveal(spot.rect());
    }
    stage.view.focus = Some(target);
}

/// The nearest card that way; what is off the line counts double.
fn next(spots: &[Spot], from: &Spot, way: Vec2) -> Option<NodeId> {
    let middle = |it: &Rect| it.center();
    let start = middle(&from.rect());
    let cost = |it: &Spot| {
        let by = middle(&it.rect()) - start;
        let along = by.dot(way);
        let across = (by - way * along).length();
        (along > 8.0 && across < along * 3.0).then_some(along + 2.0 * across)
    };
    let candidates = spots.iter().filter(|it| it.id != from.id && !it.is_hidden());
    candidates.filter_map(|it| Some((cost(it)?, it))).min_by(|a, b| a.0.total_cmp(&b.0)).map(|it| it.1.id.clone())
}

fn nudge(stage: &mut Stage<'_>, by: Vec2) {
    let step = [by.x as i32, by.y as i32];
    let mut edits: Vec<Edit> = pointer::places(stage, &pointer::moved(stage))
        .into_iter()
        .map(|(id, at)| Edit::MoveNode { id, to: Some([at.x as i32 + step[0], at.y as i32 + step[1]]) })
        .collect();
    for id in &stage.view.selection.notes {
        if let Some(note) = stage.scene.flow.notes.get(id) {
            let note = Note { at: [note.at[0] + step[0], note.at[1] + step[1]], ..note.clone() };
            edits.push(Edit::PutNote { id: id.clone(), note: Some(note) });
        }
    }
    stage.ask(one_step(edits, |count| format!("Move {count} things")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::flow::testing::Sketch;
    use crate::ui::canvas::Board;

    #[test]
    fn arrows_go_to_the_nearest_card_that_way() {
        let mut flow = Sketch::flow("t.out -> a, a.out -> b, c");
        for (id, at) in [("t", [0, 0]), ("a", [204, 0]), ("b", [408, 0]), ("c", [204, 140])] {
            flow.layout.insert(id.into(), at);
        }
        let board = Board::new(&flow, &Catalog::default(), &crate::ui::names::Names::default());
        let go = |from: &str, way| next(&board.spots, board.spot(&from.into()).unwrap(), way).map(|it| it.to_string());
        assert_eq!(go("t", vec2(1.0, 0.0)).as_deref(), Some("a"));
        assert_eq!(go("a", vec2(0.0, 1.0)).as_deref(), Some("c"));
        assert_eq!(go("c", vec2(0.0, -1.0)).as_deref(), Some("a"));
        assert_eq!(go("t", vec2(-1.0, 0.0)), None);
    }
}
