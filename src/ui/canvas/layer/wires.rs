//! Wires, their counts, and what passes along them.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, CursorIcon, Id, Pos2, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo, vec2};

use super::Placed;
use crate::flow::{Edge, PortId};
use crate::ui::canvas::board::{Line, Spot};
use crate::ui::canvas::card::Pen;
use crate::ui::canvas::view::Drag;
use crate::ui::canvas::wire::{Curve, Look};
use crate::ui::canvas::{Stage, kind, pointer};
use crate::ui::theme::font;
use crate::ui::theme::tokens::{line, motion, node as metric, size, wire};

/// Where a wire leaves and where it comes in; none where both ends are in one folded group.
pub(in crate::ui::canvas) fn ends(stage: &Stage<'_>, wire: &Line, placed: &Placed) -> Option<(Pos2, Pos2)> {
    let (from, to) = (&stage.board.spots[wire.from], &stage.board.spots[wire.to]);
    if from.folded_in.is_some() && from.folded_in == to.folded_in {
        return None;
    }
    let frame = |at: usize| stage.board.frames.get(at).map(|it| it.rect);
    let start = if let Some(rect) = from.folded_in.and_then(frame) {
        rect.right_center()
    } else {
        let y = wire.port.map_or(metric::PORT_Y, |port| from.ports[port].y);
        placed.cards[wire.from].min + vec2(metric::WIDTH, y)
    };
    let end = match to.folded_in.and_then(frame) {
        Some(rect) => rect.left_center(),
        None => placed.cards[wire.to].min + Spot::input(),
    };
    Some((start, end))
}

/// How a wire runs.
pub(in crate::ui::canvas) fn curve(stage: &Stage<'_>, wire: &Line, placed: &Placed) -> Option<Curve> {
    let (start, end) = ends(stage, wire, placed)?;
    // Two wires in one gap do not lie on each other.
    let lane = ((wire.from * 7 + wire.to) % 3) as f32 * 8.0 - 8.0;
    let (above, below) = (placed.cards[wire.from], placed.cards[wire.to]);
    let gutter = if below.top() > above.bottom() {
        below.top() - (below.top() - above.bottom()).min(metric::ROW_GAP) / 2.0
    } else if below.bottom() < above.top() {
        above.top() - (above.top() - below.bottom()).min(metric::ROW_GAP) / 2.0
    } else {
        above.bottom().max(below.bottom()) + metric::ROW_GAP / 2.0
    };
    Some(Curve::new(start, end, gutter + lane))
}

pub(super) fn wires(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, seen: Rect, placed: &Placed) {
    let board = std::sync::Arc::clone(stage.board);
    let near = pen.t.scaling >= metric::BLOCKS_BELOW;
    let pointer = stage.view.pointer.filter(|_| stage.ground.hovered() || stage.ground.is_pointer_button_down_on());
    let mut hovered: Option<(usize, f32)> = None;
    let mut labels: Vec<(Pos2, Align2, String)> = Vec::new();
    for (at, it) in board.lines.iter().enumerate() {
        // A wire keeps near to its cards; far from what is seen it need not even be thought of.
        let around = placed.cards[it.from].union(placed.cards[it.to]);
        let folded = board.spots[it.from].is_hidden() || board.spots[it.to].is_hidden();
        if !folded && !seen.intersects(around.expand(2.0 * metric::ROW_GAP)) {
            continue;
        }
        let Some(curve) = curve(stage, it, placed) else { continue };
        let bounds = curve.bounds();
        if !seen.intersects(bounds) {
            continue;
        }
        stage.view.drawn.wires += 1;
        if let Some(pointer) = pointer
            && bounds.expand(6.0 / pen.t.scaling).contains(pointer)
        {
            let distance = curve.distance(pen.t, pen.t * pointer);
            if distance < 7.0 && hovered.is_none_or(|(_, least)| distance < least) {
                hovered = Some((at, distance));
            }
        }
        let selected = stage.view.selection.edges.contains(&it.edge);
        let beside = selected
            || stage.view.hovered_line == Some(at)
            || stage.view.selection.nodes.contains(&it.edge.from)
            || stage.view.selection.nodes.contains(&it.edge.to);
        let taken = matches!(&stage.view.drag, Drag::Wire { instead: Some(edge), .. } if *edge == it.edge);
        let splice = matches!(&stage.view.drag, Drag::Move { splice: Some(edge), .. } if *edge == it.edge);
        let is_error = it.edge.port == PortId::error();
        let way = stage.scene.play.and_then(|play| play.way(&it.edge.from, &it.edge.port));
        let ink = board.spots[it.from].hue().ink(pen.colors);
        let mut color = if is_error { pen.colors.failed.mark } else { ink.mark };
        if selected || splice {
            color = pen.colors.accent.ring;
        } else if stage.scene.play.is_some() && way.is_none() || taken {
            color = color.gamma_multiply(wire::FAINT_ALPHA);
        }
        let width = if beside || splice { wire::WIDTH_SELECT } else { wire::WIDTH };
        curve.draw(pen.painter, pen.t, Look { color, width, dashed: is_error });
        if near {
            let middle = curve.middle();
            if pen.t.scaling >= 0.7
                && let Some(way) = way.filter(|it| it.count > 0)
            {
                // Over a wire that runs back there may be a card.
                let (gap, align) = match curve {
                    Curve::Forward(_) => (-wire::LABEL_GAP, Align2::CENTER_BOTTOM),
                    Curve::Back(_) => (wire::LABEL_GAP, Align2::CENTER_TOP),
                };
                labels.push((pen.t * middle + vec2(0.0, gap), align, way.count.to_string()));
            }
            pulse(ui, stage, pen, &curve, way.and_then(|it| it.at));
            name_wire(ui, stage, pen, it, pen.t * middle);
        }
    }
    for (at, align, words) in labels {
        pen.painter.text(at, align, words, font::mono(pen.font_size(size::MONO_SMALL)), pen.colors.text.dim);
    }
    stage.view.hovered_line = hovered.map(|it| it.0);
    if let Some(line) = hovered.and_then(|it| board.lines.get(it.0)) {
        ui.set_cursor_icon(CursorIcon::PointingHand);
        let way = stage.scene.play.and_then(|play| play.way(&line.edge.from, &line.edge.port));
        if let Some(value) = way.and_then(|it| it.last.as_ref()).filter(|_| !stage.ground.dragged()) {
            stage.ground.clone().on_hover_text_at_pointer(format!("Passed last: {}", pointer::short(value)));
        }
    }
}

/// A dot that runs along a wire when something passes.
fn pulse(ui: &Ui, stage: &Stage<'_>, pen: &Pen<'_>, curve: &Curve, at: Option<jiff::Timestamp>) {
    let Some(at) = at.filter(|_| !stage.scene.less_motion) else { return };
    let since = crate::ui::words::ms_between(at, stage.scene.now);
    if since >= motion::PULSE || at > stage.scene.now {
        return;
    }
    let share = since as f32 / motion::PULSE as f32;
    pen.painter.circle_filled(curve.point(pen.t, share), pen.s(3.0), pen.colors.text.strong);
    ui.request_repaint();
}

/// The id of a wire's widget.
pub(in crate::ui::canvas) fn wire_id(canvas: Id, edge: &Edge) -> Id {
    canvas.with(("wire", &edge.from, &edge.port, &edge.to))
}

/// The wire for those who do not see it, and who come to it by keyboard.
fn name_wire(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, it: &Line, at: Pos2) {
    let board = stage.board;
    let (from, to) = (&board.spots[it.from], &board.spots[it.to]);
    let word = kind::port_word(&from.node.kind, &it.edge.port);
    let way = if word.is_empty() { String::new() } else { format!(" ({word})") };
    let name = format!("Wire from {}{way} to {}", from.title(), to.title());
    let response = ui.interact(Rect::from_center_size(at, Vec2::splat(12.0)), wire_id(stage.id, &it.edge), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, &name));
    if response.has_focus() {
        pen.painter.circle_stroke(at, 7.0, Stroke::new(line::FOCUS, pen.colors.accent.ring));
    }
    if response.clicked() {
        let add = ui.input(|it| it.modifiers.command || it.modifiers.shift);
        if !add {
            stage.view.selection.clear();
        }
        stage.view.selection.edges.insert(it.edge.clone());
    }
    let way = stage.scene.play.and_then(|play| play.way(&it.edge.from, &it.edge.port));
    if let Some(value) = way.and_then(|it| it.last.as_ref())
        && response.hovered()
    {
        response.show_tooltip_text(format!("{name}\nLast: {}", pointer::short(value)));
    }
}
