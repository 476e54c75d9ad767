//! What the mouse does: looking around, box selection, moving, pulling wires.
use std::collections::{BTreeMap, BTreeSet};

use eframe::egui::accesskit::Role;
use eframe::egui::{CursorIcon, Key, PointerButton, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};
use serde_json::Value;

use super::board::Sheet;
use super::card::Pen;
use super::layer::{self, Placed};
use super::rewire;
use super::snap::{self, Snapped};
use super::view::Drag;
use super::{Spot, Stage, menu};
use crate::flow::{Edge, Edit, NodeId, Note};
use crate::ui::theme::tokens::node as metric;

/// How near to what stands still something snaps, on the screen.
const REACH: f32 = 6.0;
/// How near to the edge the canvas moves along.
const EDGE: f32 = 28.0;
/// More cards are not looked at for snapping.
const NEIGHBOURS: usize = 400;

/// Whether a drag moves what is seen, whatever it begins on.
pub(super) fn panning(ui: &Ui) -> bool {
    ui.input(|it| it.key_down(Key::Space)) && !ui.text_edit_focused()
}

/// Pan and zoom, box selection, and clicks on the ground and on wires.
pub(super) fn look_around(ui: &mut Ui, stage: &mut Stage<'_>) {
    let rect = stage.view.rect;
    let hover = ui.input(|it| it.pointer.latest_pos()).filter(|it| rect.contains(*it));
    let over = hover.filter(|it| ui.ctx().layer_id_at(*it).is_none_or(|layer| layer == ui.layer_id()));
    if let Some(at) = over {
        let (zoom, scroll) = ui.input(|it| (it.zoom_delta(), it.smooth_scroll_delta()));
        if (zoom - 1.0).abs() > f32::EPSILON {
            stage.view.zoom_at(at, zoom);
        } else if scroll != Vec2::ZERO {
            stage.view.pan -= scroll / stage.view.zoom;
        }
    }
    let dragging = ui.input(|it| it.pointer.latest_pos());
    stage.view.pointer = dragging.map(|it| stage.view.to_screen().inverse() * it);
    pan(ui, stage);
    let ground = stage.ground.clone();
    if ground.drag_started_by(PointerButton::Primary) && !panning(ui) && stage.view.drag == Drag::Nothing {
        let add = ui.input(|it| it.modifiers.command || it.modifiers.shift);
        let had = if add { stage.view.selection.clone() } else { super::Selection::default() };
        if let Some(from) = ui.input(|it| it.pointer.press_origin()) {
            stage.view.drag = Drag::Box { from: stage.view.to_screen().inverse() * from, had };
        }
    }
    box_select(ui, stage);
    clicks(ui, stage, &ground);
    along_the_edge(ui, stage);
}

fn pan(ui: &Ui, stage: &mut Stage<'_>) {
    let space = panning(ui);
    let over = stage.ground.contains_pointer();
    if space && over {
        ui.set_cursor_icon(if stage.view.drag == Drag::Pan { CursorIcon::Grabbing } else { CursorIcon::Grab });
    }
    let (middle, primary, delta) = ui.input(|it| (it.pointer.middle_down(), it.pointer.primary_down(), it.pointer.delta()));
    let inside = ui.input(|it| it.pointer.press_origin()).is_some_and(|it| stage.view.rect.contains(it));
    let wanted = inside && (middle || primary && space);
    match (&stage.view.drag, wanted) {
        (Drag::Nothing, true) => {
            stage.view.remember();
            stage.view.drag = Drag::Pan;
        }
        (Drag::Pan, false) if !middle && !primary => stage.view.drag = Drag::Nothing,
        _ => {}
    }
    if stage.view.drag == Drag::Pan {
        stage.view.pan -= delta / stage.view.zoom;
    }
}

fn box_select(ui: &Ui, stage: &mut Stage<'_>) {
    let Drag::Box { from, had } = &stage.view.drag else { return };
    let Some(to) = stage.view.pointer else { return };
    let area = Rect::from_two_pos(*from, to);
    let mut selection = had.clone();
    let board = stage.board;
    selection.nodes.extend(board.spots.iter().filter(|it| !it.is_hidden() && area.intersects(it.rect())).map(|it| it.id.clone()));
    selection.notes.extend(board.sheets.iter().filter(|it| area.intersects(it.rect)).map(|it| it.id.clone()));
    let groups = board
        .frames
        .iter()
        .filter(|it| !it.hidden && if it.folded { area.intersects(it.rect) } else { area.contains_rect(it.rect) });
    selection.groups.extend(groups.map(|it| it.id.clone()));
    stage.view.selection = selection;
    if !ui.input(|it| it.pointer.primary_down()) {
        stage.view.drag = Drag::Nothing;
    }
}

fn clicks(ui: &Ui, stage: &mut Stage<'_>, ground: &Response) {
    let add = ui.input(|it| it.modifiers.command || it.modifiers.shift);
    let wire = stage.view.hovered_line.and_then(|at| stage.board.lines.get(at)).map(|it| it.edge.clone());
    let here = ground.interact_pointer_pos().map(|it| stage.view.to_screen().inverse() * it);
    if ground.double_clicked() {
        if let Some(at) = here {
            let at = at - vec2(metric::WIDTH / 2.0, metric::PORT_Y);
            menu::open(stage, at, None, wire);
        }
    } else if ground.clicked() || ground.secondary_clicked() {
        if !add {
            stage.view.selection.clear();
        }
        if let Some(edge) = wire {
            stage.view.selection.edges.insert(edge);
        }
        stage.view.menu_at = here;
        ground.request_focus();
    }
    menu::on_ground(ground, stage);
}

/// While something is dragged to the edge the canvas moves along.
fn along_the_edge(ui: &Ui, stage: &mut Stage<'_>) {
    if !matches!(stage.view.drag, Drag::Move { .. } | Drag::Wire { .. } | Drag::Box { .. }) {
        return;
    }
    let Some(at) = ui.input(|it| it.pointer.latest_pos()) else { return };
    let rect = stage.view.rect.shrink(EDGE);
    let mut by = Vec2::ZERO;
    for axis in 0..2 {
        if at[axis] < rect.min[axis] {
            by[axis] = (at[axis] - rect.min[axis]).max(-EDGE);
        } else if at[axis] > rect.max[axis] {
            by[axis] = (at[axis] - rect.max[axis]).min(EDGE);
        }
    }
    if by == Vec2::ZERO {
        return;
    }
    let step = by * 12.0 * ui.input(|it| it.stable_dt).min(0.05) / stage.view.zoom;
    stage.view.pan += step;
    if let Drag::Move { raw, .. } = &mut stage.view.drag {
        *raw += step;
    }
    ui.request_repaint();
}

/// The nodes that move: what is selected, and what is in selected groups.
pub(super) fn moved(stage: &Stage<'_>) -> BTreeSet<NodeId> {
    let selection = &stage.view.selection;
    let mut moved = selection.nodes.clone();
    for group in &selection.groups {
        moved.extend(stage.scene.flow.nodes_within(group));
    }
    moved
}

/// Moves what is selected, held by any of it.
pub(super) fn drag_things(ui: &Ui, stage: &mut Stage<'_>, response: &Response) {
    if response.drag_started_by(PointerButton::Primary) && !panning(ui) && stage.view.drag == Drag::Nothing {
        stage.view.drag = Drag::Move { raw: Vec2::ZERO, delta: Vec2::ZERO, guides: Vec::new(), splice: None };
    }
    if !matches!(stage.view.drag, Drag::Move { .. }) {
        return;
    }
    if response.dragged_by(PointerButton::Primary) {
        let zoom = stage.view.zoom;
        let add = response.drag_delta() / zoom;
        // How far the pointer was before egui called it a drag counts too.
        let start = if response.drag_started() { response.total_drag_delta().unwrap_or(Vec2::ZERO) / zoom } else { add };
        let Drag::Move { raw, .. } = &mut stage.view.drag else { return };
        *raw += start;
        let raw = *raw;
        let snapped = snapped(ui, stage, raw);
        let splice = splice_under(stage, snapped.delta);
        stage.view.drag = Drag::Move { raw, delta: snapped.delta, guides: snapped.guides, splice };
        if ui.input(|it| it.key_pressed(Key::Escape)) {
            stage.view.drag = Drag::Nothing;
        }
    }
    if response.drag_stopped_by(PointerButton::Primary)
        && let Drag::Move { delta, splice, .. } = std::mem::take(&mut stage.view.drag)
    {
        drop_things(stage, delta, splice);
    }
}

fn snapped(ui: &Ui, stage: &Stage<'_>, raw: Vec2) -> Snapped {
    let free = ui.input(|it| it.modifiers.alt);
    if free {
        return Snapped { delta: raw, guides: Vec::new() };
    }
    let moved = moved(stage);
    let rects = |inside: bool| {
        stage
            .board
            .spots
            .iter()
            .filter(move |it| !it.is_hidden())
            .filter(move |it| moved_contains(stage, it, inside))
            .map(Spot::rect)
    };
    let notes = stage.board.sheets.iter().filter(|it| stage.view.selection.notes.contains(&it.id)).map(|it| it.rect);
    let own = stage.board.spots.iter().filter(|it| moved.contains(&it.id)).map(Spot::rect).chain(notes).reduce(Rect::union);
    let Some(own) = own else { return Snapped { delta: raw, guides: Vec::new() } };
    let seen = stage.view.seen();
    let others: Vec<Rect> = rects(false).filter(|it| seen.intersects(*it)).take(NEIGHBOURS).collect();
    snap::snap(own.translate(raw), raw, &others, REACH / stage.view.zoom, stage.scene.snap)
}

fn moved_contains(stage: &Stage<'_>, spot: &Spot, inside: bool) -> bool {
    let selection = &stage.view.selection;
    let is_in = selection.nodes.contains(&spot.id)
        || selection.groups.iter().any(|it| stage.scene.flow.groups.get(it).is_some_and(|it| it.nodes.contains(&spot.id)));
    is_in == inside
}

/// The wire that a card with no wires of its own would go into.
fn splice_under(stage: &Stage<'_>, delta: Vec2) -> Option<Edge> {
    let node = stage.view.selection.only_node()?;
    let flow = stage.scene.flow;
    if flow.edges.iter().any(|it| it.from == *node || it.to == *node) {
        return None;
    }
    let spot = stage.board.spot(node).filter(|it| it.has_input)?;
    let card = spot.rect().translate(delta);
    let placed = Placed { cards: stage.board.spots.iter().map(Spot::rect).collect() };
    let identity = eframe::egui::emath::TSTransform::IDENTITY;
    let near = |it: &&super::board::Line| {
        layer::curve(stage, it, &placed).is_some_and(|curve| {
            curve.bounds().intersects(card) && curve.flat(identity).iter().any(|it| card.shrink2(vec2(24.0, 8.0)).contains(*it))
        })
    };
    stage.board.lines.iter().find(near).map(|it| it.edge.clone())
}

/// One step of the history: everything at its new place, and into the wire that it was dropped on.
fn drop_things(stage: &mut Stage<'_>, delta: Vec2, splice: Option<Edge>) {
    let by = [delta.x.round() as i32, delta.y.round() as i32];
    let mut edits = Vec::new();
    if by != [0, 0] {
        for id in moved(stage) {
            let Some(spot) = stage.board.spot(&id) else { continue };
            let to = Some([spot.at.x as i32 + by[0], spot.at.y as i32 + by[1]]);
            edits.push(Edit::MoveNode { id, to });
        }
        for id in &stage.view.selection.notes {
            let Some(note) = stage.scene.flow.notes.get(id) else { continue };
            let moved = Note { at: [note.at[0] + by[0], note.at[1] + by[1]], ..note.clone() };
            edits.push(Edit::PutNote { id: id.clone(), note: Some(moved) });
        }
    }
    let count = edits.len();
    if let Some(edge) = splice
        && let Some(node) = stage.view.selection.only_node().cloned()
    {
        let out = stage.board.spot(&node).and_then(|it| it.ports.iter().find(|it| !it.is_error)).map(|it| it.id.clone());
        edits.extend(rewire::splice(stage.scene.flow, &edge, &node, out.as_ref()));
        stage.ask(rewire::one_step(edits, |_| "Put into the wire".to_owned()));
        return;
    }
    stage.ask(rewire::one_step(edits, |_| format!("Move {count} things")));
}

/// Pulls a wire, and makes it where it is dropped.
pub(super) fn pull_wire(ui: &Ui, stage: &mut Stage<'_>, response: &Response) {
    if !response.dragged() && !response.drag_stopped() {
        return;
    }
    let Drag::Wire { from, instead, .. } = &stage.view.drag else { return };
    let (from, instead) = (from.clone(), instead.clone());
    let target = stage.view.pointer.and_then(|at| card_at(stage, at));
    let over = target.as_ref().filter(|it| rewire::may_connect(&without(stage, instead.as_ref()), &from, it)).cloned();
    if let Drag::Wire { over: shown, .. } = &mut stage.view.drag {
        shown.clone_from(&over);
    }
    if target.is_some() && over.is_none() {
        ui.set_cursor_icon(CursorIcon::NotAllowed);
    }
    if ui.input(|it| it.key_pressed(Key::Escape)) {
        stage.view.drag = Drag::Nothing;
        return;
    }
    if response.drag_stopped()
        && let Drag::Wire { from, port, instead, .. } = std::mem::take(&mut stage.view.drag)
    {
        let mut edits: Vec<Edit> = instead.iter().cloned().map(Edit::Disconnect).collect();
        match (over, target, stage.view.pointer) {
            (Some(to), ..) => {
                let edge = Edge { from, port, to };
                if instead.as_ref() == Some(&edge) {
                    return;
                }
                if !stage.scene.flow.edges.contains(&edge) {
                    edits.push(Edit::Connect(edge));
                }
                stage.ask(rewire::one_step(edits, |_| "Reconnect".to_owned()));
            }
            (None, Some(_), _) | (None, None, None) => {}
            (None, None, Some(_)) if instead.is_some() => stage.ask(rewire::one_step(edits, |_| "Disconnect".to_owned())),
            (None, None, Some(at)) => menu::open(stage, at - vec2(0.0, metric::PORT_Y), Some((from, port)), None),
        }
    }
}

fn without(stage: &Stage<'_>, edge: Option<&Edge>) -> crate::flow::Flow {
    let mut flow = crate::flow::Flow::clone(stage.scene.flow);
    if let Some(edge) = edge {
        flow.edges.remove(edge);
    }
    flow
}

fn card_at(stage: &Stage<'_>, at: Pos2) -> Option<NodeId> {
    let reach = metric::PORT_HIT / stage.view.zoom.max(0.5);
    let over = |it: &&Spot| !it.is_hidden() && it.rect().expand2(vec2(reach, 2.0)).contains(at);
    stage.board.spots.iter().rev().find(over).map(|it| it.id.clone())
}

/// The corner of a note, by which its size changes.
pub(super) fn resize_note(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, sheet: &Sheet, rect: Rect) {
    let corner = pen.t * rect.max;
    let area = Rect::from_center_size(corner - Vec2::splat(6.0), Vec2::splat(16.0));
    let response = ui.interact(area, stage.id.with(("size", &sheet.id)), Sense::drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Size of the note"));
    let stroke = Stroke::new(1.5, pen.colors.text.dim);
    for by in [4.0, 8.0] {
        pen.painter.line_segment([corner - vec2(by + 2.0, 3.0), corner - vec2(3.0, by + 2.0)], stroke);
    }
    if response.hovered() {
        ui.set_cursor_icon(CursorIcon::ResizeNwSe);
    }
    if response.drag_started() {
        stage.view.drag = Drag::Resize { note: sheet.id.clone(), size: sheet.rect.size() };
    }
    if response.dragged()
        && let Drag::Resize { size, .. } = &mut stage.view.drag
    {
        *size = (*size + response.drag_delta() / stage.view.zoom).max(vec2(80.0, 40.0));
    }
    if response.drag_stopped()
        && let Drag::Resize { note: id, size } = std::mem::take(&mut stage.view.drag)
        && let Some(note) = stage.scene.flow.notes.get(&id)
    {
        let size = snap::on_grid(size);
        let note = Note { size: [size.x as i32, size.y as i32], ..note.clone() };
        stage.ask(Some(Edit::PutNote { id, note: Some(note) }));
    }
}

/// A value in a few words.
pub(super) fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= 240 { text } else { text.chars().take(239).chain(['…']).collect() }
}

/// Places for several nodes by their ids.
pub(super) fn places(stage: &Stage<'_>, ids: &BTreeSet<NodeId>) -> BTreeMap<NodeId, Pos2> {
    ids.iter().filter_map(|id| Some((id.clone(), stage.board.spot(id)?.at))).collect()
}

/// The middle of what is seen, where something new goes that hangs on nothing.
pub(super) fn middle(stage: &Stage<'_>) -> Pos2 {
    let middle = stage.view.seen().center();
    pos2(middle.x - metric::WIDTH / 2.0, middle.y - metric::MIN_HEIGHT / 2.0)
}
