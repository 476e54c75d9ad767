//! What is on the canvas, from below to above: groups, wires, cards, notes, and what shows while something is dragged.
use std::collections::BTreeSet;

use eframe::egui::accesskit::Role;
use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{
    Align2, CursorIcon, PointerButton, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::board::{Frame, Spot};
use super::card::{Pen, strip_height};
use super::snap::Guide;
use super::view::{Drag, Drawn};
use super::wire::{Curve, Look};
use super::{Act, Stage, grid, pointer};
use crate::flow::{NodeId, PortId};
use crate::ui::command::UiCommand;
use crate::ui::theme::tokens::{line, node as metric, radius, size, wire};
use crate::ui::theme::{self, font, icon};

mod cards;
mod notes;
mod ports;
mod wires;

pub(super) use self::wires::{curve, wire_id};

/// Where everything is in this frame.
pub(super) struct Placed {
    /// Where each card is, in canvas points; what is moved where it would go.
    pub(super) cards: Vec<Rect>,
}

pub(super) fn paint(ui: &mut Ui, stage: &mut Stage<'_>) {
    let rect = stage.view.rect;
    let painter = ui.painter().clone();
    grid::paint(ui, &painter, stage.view, rect);
    let dark = ui.visuals().dark_mode;
    let pen = Pen { painter: &painter, t: stage.view.to_screen(), colors: theme::of(dark), dark };
    let seen = stage.view.seen();
    let placed = place(stage, &pen);
    stage.view.drawn = Drawn::default();
    let moving = moving(stage);
    frames(ui, stage, &pen, seen, &moving);
    wires::wires(ui, stage, &pen, seen, &placed);
    cards::cards(ui, stage, &pen, seen, &placed);
    notes::sheets(ui, stage, &pen, seen);
    while_dragging(ui, stage, &pen, &placed);
    if stage.scene.flow.nodes.is_empty() && stage.scene.flow.notes.is_empty() && !stage.view.is_asking() {
        empty(ui, stage, rect);
    }
}

/// The nodes that follow the pointer.
pub(super) fn moving(stage: &Stage<'_>) -> BTreeSet<NodeId> {
    if !matches!(stage.view.drag, Drag::Move { .. }) {
        return BTreeSet::new();
    }
    pointer::moved(stage)
}

fn place(stage: &Stage<'_>, pen: &Pen<'_>) -> Placed {
    let (delta, moving) = match &stage.view.drag {
        Drag::Move { delta, .. } => (*delta, pointer::moved(stage)),
        _ => (Vec2::ZERO, BTreeSet::new()),
    };
    let near = pen.t.scaling >= metric::BLOCKS_BELOW;
    let place = |spot: &Spot| {
        let mut rect = spot.rect();
        if near && let Some(failure) = failure(stage, spot) {
            let whole = stage.view.selection.nodes.contains(&spot.id);
            rect.max.y += strip_height(pen.painter, failure, whole);
        }
        if moving.contains(&spot.id) { rect.translate(delta) } else { rect }
    };
    Placed { cards: stage.board.spots.iter().map(place).collect() }
}

/// What a card says under it.
fn failure<'a>(stage: &Stage<'a>, spot: &Spot) -> Option<&'a crate::record::Failure> {
    let play = stage.scene.play?.node(&spot.id)?;
    let shown = play.failed > 0 && !spot.node.muted && !stage.scene.stale.contains(&spot.id);
    play.failure.as_ref().filter(|_| shown)
}

// ---- groups

fn frames(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, seen: Rect, moving: &BTreeSet<NodeId>) {
    let board = std::sync::Arc::clone(stage.board);
    for frame in board.frames.iter().filter(|it| !it.hidden) {
        let mut rect = frame.rect;
        if let Drag::Move { delta, .. } = &stage.view.drag
            && stage.scene.flow.nodes_within(&frame.id).iter().all(|it| moving.contains(it))
        {
            rect = rect.translate(*delta);
        }
        if !seen.intersects(rect) {
            continue;
        }
        let selected = stage.view.selection.groups.contains(&frame.id);
        // An open group is held by its title, so that a box can be drawn within it.
        let grip = if frame.folded { rect } else { rect.with_max_y(rect.top() + super::board::FRAME_TITLE + 6.0) };
        let response = ui.interact(pen.t * grip, stage.id.with(("group", &frame.id)), Sense::click_and_drag());
        let how = if frame.folded { "folded" } else { "open" };
        let name = format!("Group {}, {how}, {}", frame.title, super::sentence::count(frame.count, "step"));
        response.widget_info(|| WidgetInfo::labeled(Role::Group, true, &name));
        draw_frame(pen, frame, rect, selected, response.hovered());
        if response.double_clicked() {
            stage.view.selection.clear();
            stage.view.selection.groups.insert(frame.id.clone());
            stage.acts.push(Act::Do(UiCommand::ToggleCollapse));
        } else {
            let id = frame.id.clone();
            hold(
                ui,
                stage,
                &response,
                move |it, add| {
                    if add && it.groups.contains(&id) {
                        it.groups.remove(&id);
                    } else {
                        it.groups.insert(id.clone());
                    }
                },
                selected,
            );
        }
        super::menu::on_things(&response, stage);
    }
}

fn draw_frame(pen: &Pen<'_>, frame: &Frame, rect: Rect, selected: bool, hovered: bool) {
    let colors = pen.colors;
    let screen = pen.t * rect;
    let corner = pen.corner(f32::from(radius::CARD));
    let ground = if frame.folded { colors.bg.raised } else { colors.bg.panel.gamma_multiply(0.75) };
    let edge = if selected {
        Stroke::new(line::SELECT, colors.accent.ring)
    } else {
        Stroke::new(line::HAIRLINE, if hovered { colors.stroke.strong } else { colors.stroke.usual })
    };
    pen.painter.rect(screen, corner, ground, edge, StrokeKind::Inside);
    if pen.t.scaling < 0.25 {
        return;
    }
    let caret = if frame.folded { icon::CARET_RIGHT } else { icon::CARET_DOWN };
    let y = rect.top() + if frame.folded { 22.0 } else { 16.0 };
    let at = pen.t * pos2(rect.left() + 16.0, y);
    pen.painter.text(at, Align2::CENTER_CENTER, caret, font::icons(pen.font_size(12.0)), colors.text.dim);
    let title = font::semibold(pen.font_size(size::BODY));
    let mut job = LayoutJob::single_section(frame.title.clone(), TextFormat::simple(title, colors.text.strong));
    job.wrap = TextWrapping::truncate_at_width(pen.s(rect.width() - 40.0));
    let galley = pen.painter.layout_job(job);
    let half = galley.size().y / 2.0;
    pen.painter.galley(pen.t * pos2(rect.left() + 26.0, y) - vec2(0.0, half), galley, colors.text.strong);
    if frame.folded {
        let words = super::sentence::count(frame.count, "step");
        let small = font::regular(pen.font_size(size::SMALL));
        pen.painter.text(pen.t * pos2(rect.left() + 26.0, y + 20.0), Align2::LEFT_CENTER, words, small, colors.text.dim);
    }
}

/// Selecting and moving of whatever is held.
fn hold(
    ui: &Ui,
    stage: &mut Stage<'_>,
    response: &Response,
    mut select: impl FnMut(&mut super::Selection, bool),
    selected: bool,
) {
    let add = ui.input(|it| it.modifiers.command || it.modifiers.shift);
    let alone = response.clicked() && !add || response.secondary_clicked() && !selected;
    if alone || response.drag_started_by(PointerButton::Primary) && !selected && !pointer::panning(ui) {
        if !add {
            stage.view.selection.clear();
        }
        select(&mut stage.view.selection, false);
    } else if response.clicked() && add {
        select(&mut stage.view.selection, true);
    }
    pointer::drag_things(ui, stage, response);
}

// ---- while something is dragged

fn while_dragging(ui: &Ui, stage: &Stage<'_>, pen: &Pen<'_>, placed: &Placed) {
    let colors = pen.colors;
    match &stage.view.drag {
        Drag::Box { from, .. } => {
            if let Some(to) = stage.view.pointer {
                let area = pen.t * Rect::from_two_pos(*from, to);
                let stroke = Stroke::new(line::HAIRLINE, colors.accent.ring);
                pen.painter.rect(area, 2.0, colors.accent.ring.gamma_multiply(0.12), stroke, StrokeKind::Inside);
            }
        }
        Drag::Move { guides, .. } => {
            let stroke = Stroke::new(line::HAIRLINE, colors.accent.ring);
            for guide in guides {
                let [a, b] = match guide {
                    Guide::Vertical(x, range) => [pos2(*x, range.min - 12.0), pos2(*x, range.max + 12.0)],
                    Guide::Horizontal(y, range) => [pos2(range.min - 12.0, *y), pos2(range.max + 12.0, *y)],
                };
                pen.painter.line_segment([pen.t * a, pen.t * b], stroke);
            }
        }
        Drag::Wire { from, port, over, .. } => {
            let Some(at) = stage.board.place(from) else { return };
            let spot = &stage.board.spots[at];
            let y = spot.ports.iter().find(|it| it.id == *port).map_or(metric::PORT_Y, |it| it.y);
            let start = placed.cards[at].min + vec2(metric::WIDTH, y);
            let end = match over.as_ref().and_then(|it| stage.board.place(it)) {
                Some(target) => placed.cards[target].min + Spot::input(),
                None => stage.view.pointer.unwrap_or(start),
            };
            let color = if *port == PortId::error() { colors.failed.mark } else { spot.hue().ink(colors).mark };
            let look = Look { color, width: wire::WIDTH_SELECT, dashed: *port == PortId::error() };
            let gutter = f32::midpoint(start.y, end.y);
            Curve::new(start, end, gutter).draw(pen.painter, pen.t, look);
            ui.set_cursor_icon(CursorIcon::Crosshair);
        }
        Drag::Nothing | Drag::Pan | Drag::Resize { .. } => {}
    }
}

/// What to do first.
fn empty(ui: &mut Ui, stage: &mut Stage<'_>, rect: Rect) {
    let colors = theme::colors(ui);
    let area = Rect::from_center_size(rect.center() - vec2(0.0, 20.0), vec2(320.0, 120.0));
    let mut pick = false;
    ui.scope_builder(eframe::egui::UiBuilder::new().max_rect(area).id_salt("empty"), |ui| {
        ui.vertical_centered(|ui| {
            ui.label(font::heading("No steps yet").color(colors.text.strong));
            ui.label(eframe::egui::RichText::new("A flow starts with what sets it off.").color(colors.text.dim));
            ui.add_space(4.0);
            pick = crate::ui::widgets::button::plain(ui, Some(icon::LIGHTNING), "Pick a trigger…").clicked();
        });
    });
    if pick {
        let at = stage.view.to_screen().inverse() * (rect.center() - vec2(metric::WIDTH / 2.0, metric::MIN_HEIGHT));
        super::menu::open(stage, at, None, None);
    }
}
