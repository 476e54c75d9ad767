//! What is on the canvas, from below to above: groups, wires, cards, notes, and what shows while something is dragged.
use std::collections::BTreeSet;

use eframe::egui::accesskit::Role;
use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{
    Align2, CursorIcon, Id, Mesh, PointerButton, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use super::board::{Frame, Line, Sheet, Spot};
use super::card::{Card, Pen, State, strip_height};
use super::snap::Guide;
use super::view::{Drag, Drawn, Named};
use super::wire::{Curve, Look};
use super::{Act, Stage, grid, kind, pointer, walk};
use crate::flow::{Edge, NodeId, PortId};
use crate::run::Park;
use crate::ui::command::UiCommand;
use crate::ui::theme::tokens::{line, motion, node as metric, radius, size, wire};
use crate::ui::theme::{self, font, icon};

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
    wires(ui, stage, &pen, seen, &placed);
    cards(ui, stage, &pen, seen, &placed);
    sheets(ui, stage, &pen, seen);
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

// ---- wires

/// Where a wire leaves and where it comes in; none where both ends are in one folded group.
pub(super) fn ends(stage: &Stage<'_>, wire: &Line, placed: &Placed) -> Option<(Pos2, Pos2)> {
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
pub(super) fn curve(stage: &Stage<'_>, wire: &Line, placed: &Placed) -> Option<Curve> {
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

fn wires(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, seen: Rect, placed: &Placed) {
    let board = std::sync::Arc::clone(stage.board);
    let near = pen.t.scaling >= metric::BLOCKS_BELOW;
    let pointer = stage.view.pointer.filter(|_| stage.ground.hovered() || stage.ground.is_pointer_button_down_on());
    let mut hovered: Option<(usize, f32)> = None;
    let mut labels: Vec<(Pos2, String)> = Vec::new();
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
                labels.push((pen.t * middle - vec2(0.0, wire::LABEL_GAP), way.count.to_string()));
            }
            pulse(ui, stage, pen, &curve, way.and_then(|it| it.at));
            name_wire(ui, stage, pen, it, pen.t * middle);
        }
    }
    for (at, words) in labels {
        pen.painter.text(at, Align2::CENTER_BOTTOM, words, font::mono(pen.font_size(size::MONO_SMALL)), pen.colors.text.dim);
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
pub(super) fn wire_id(canvas: Id, edge: &Edge) -> Id {
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

// ---- cards

fn cards(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, seen: Rect, placed: &Placed) {
    let board = std::sync::Arc::clone(stage.board);
    let near = pen.t.scaling >= metric::BLOCKS_BELOW;
    let problems = stage.scene.first_problems();
    let over = match &stage.view.drag {
        Drag::Wire { over, .. } => over.clone(),
        _ => None,
    };
    let pulling = matches!(stage.view.drag, Drag::Wire { .. });
    // What failed or is selected lies on top: its strip may reach over the row below.
    let on_top = |spot: &Spot| stage.view.selection.nodes.contains(&spot.id) || failure(stage, spot).is_some();
    let (above, below): (Vec<_>, Vec<_>) = board.spots.iter().enumerate().partition(|(_, it)| on_top(it));
    // From far away plain blocks are one shape: there may be thousands.
    let mut blocks = Mesh::default();
    for (at, spot) in below.into_iter().chain(above) {
        let rect = placed.cards[at];
        if spot.is_hidden() || !seen.intersects(rect.expand(8.0)) {
            continue;
        }
        stage.view.drawn.cards += 1;
        let selected = stage.view.selection.nodes.contains(&spot.id);
        let play = stage.scene.play.and_then(|it| it.node(&spot.id));
        let problem = problems.get(&spot.id).map(|it| it.message.as_str());
        let is_old = stage.scene.stale.contains(&spot.id);
        let looks = State::of(&spot.node, play, stage.scene.play.is_some(), is_old, problem);
        let response = ui.interact(pen.t * rect, stage.id.with(("node", &spot.id)), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, spot.title()));
        if near {
            ui.accesskit_node_builder(response.id, |it| {
                it.set_description(format!("{}, {}", spot.sentence.plain(), looks.words()));
            });
        }
        if stage.view.focus.as_ref() == Some(&spot.id) {
            response.request_focus();
            stage.view.focus = None;
        }
        if response.has_focus() {
            walk::hold_arrows(ui, response.id);
        }
        let card = Card {
            spot,
            rect,
            play,
            failure: failure(stage, spot),
            selected,
            focused: response.has_focus() && !response.is_pointer_button_down_on() && walk::by_keyboard(ui),
            hovered: response.hovered() && !pulling,
            target: over.as_ref() == Some(&spot.id),
            all_ports: response.hovered() || selected || pulling,
            now: stage.scene.now,
            state: looks,
        };
        if near {
            let mut laid = stage.view.galleys.remove(&spot.id);
            card.draw(pen, &mut laid);
            if let Some(laid) = laid {
                stage.view.galleys.insert(spot.id.clone(), laid);
            }
            card.draw_ports(pen);
            tooltip(&response, &card, problem);
        } else if let Some(fill) = card.plain_block(pen) {
            blocks.add_colored_rect(pen.t * rect, fill);
        } else {
            card.draw_block(pen);
        }
        if matches!(card.state, State::Running) {
            ui.request_repaint_after(std::time::Duration::from_millis(100));
        } else if matches!(card.state, State::Waiting) {
            ui.request_repaint_after(std::time::Duration::from_secs(1));
        }
        let is_parked = card.state == State::Parked;
        held_card(ui, stage, &response, spot, selected);
        if near {
            ports(ui, stage, pen, spot, rect);
            if is_parked {
                decide(ui, stage, pen, spot, rect);
            }
        }
    }
    pen.painter.add(blocks);
}

fn tooltip(response: &Response, card: &Card<'_>, problem: Option<&str>) {
    if !response.hovered() || response.dragged() {
        return;
    }
    let mut lines = vec![card.spot.sentence.plain()];
    if let Some(problem) = problem {
        lines.push(crate::ui::words::sentence(problem));
    }
    if let Some(failure) = card.failure {
        lines.push(crate::ui::words::sentence(&failure.to_string()));
    }
    response.clone().on_hover_text_at_pointer(lines.join("\n"));
}

fn held_card(ui: &Ui, stage: &mut Stage<'_>, response: &Response, spot: &Spot, selected: bool) {
    let id = spot.id.clone();
    if response.double_clicked() {
        stage.acts.push(Act::Inspect(id));
        return;
    }
    if response.clicked() && walk::by_keyboard(ui) && response.has_focus() && selected {
        stage.acts.push(Act::Inspect(id.clone()));
    }
    hold(
        ui,
        stage,
        response,
        move |it, add| {
            if add && it.nodes.contains(&id) {
                it.nodes.remove(&id);
            } else {
                it.nodes.insert(id.clone());
            }
        },
        selected,
    );
    super::menu::on_things(response, stage);
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

// ---- ports

fn ports(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, spot: &Spot, rect: Rect) {
    let reach = Vec2::splat((2.0 * metric::PORT_HIT * pen.t.scaling).clamp(10.0, 28.0));
    if spot.has_input {
        let center = pen.t * (rect.min + Spot::input());
        // Half of it lies beside the card, where nothing else is.
        let area = Rect::from_center_size(center - vec2(reach.x / 4.0, 0.0), vec2(reach.x / 1.6, reach.y));
        let response = ui.interact(area, stage.id.with(("in", &spot.id)), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{}, way in", spot.title())));
        focus_ring(pen, &response, center);
        let incoming: Vec<_> = stage.scene.flow.edges.iter().filter(|it| it.to == spot.id).cloned().collect();
        if response.drag_started_by(PointerButton::Primary)
            && let [only] = incoming.as_slice()
        {
            let (from, port) = (only.from.clone(), only.port.clone());
            stage.view.drag = Drag::Wire { from, port, instead: Some(only.clone()), over: None };
        }
        pointer::pull_wire(ui, stage, &response);
    }
    for port in &spot.ports {
        let shown = !port.is_error || port.is_wired || stage.view.selection.nodes.contains(&spot.id);
        let center = pen.t * (rect.min + Spot::output(port));
        let area = Rect::from_center_size(center + vec2(reach.x / 4.0, 0.0), vec2(reach.x / 1.6, reach.y));
        if !shown && !area.contains(ui.input(|it| it.pointer.hover_pos()).unwrap_or(Pos2::ZERO)) {
            continue;
        }
        let response = ui.interact(area, stage.id.with(("out", &spot.id, &port.id)), Sense::click_and_drag());
        let word = if port.word.is_empty() { "way out".to_owned() } else { format!("way out {}", port.word) };
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{}, {word}", spot.title())));
        focus_ring(pen, &response, center);
        if response.hovered() {
            ui.set_cursor_icon(CursorIcon::Crosshair);
            let color = if port.is_error { pen.colors.failed.mark } else { spot.hue().ink(pen.colors).mark };
            pen.painter.circle_filled(center, pen.s(metric::PORT_RADIUS + 1.5), color);
            if !port.word.is_empty() {
                response.show_tooltip_text(&port.word);
            }
        }
        if response.drag_started_by(PointerButton::Primary) {
            let (from, id) = (spot.id.clone(), port.id.clone());
            stage.view.drag = Drag::Wire { from, port: id, instead: None, over: None };
        }
        if response.clicked() {
            let at = super::View::free_place(stage.board, spot, port.y);
            super::menu::open(stage, at, Some((spot.id.clone(), port.id.clone())), None);
        }
        pointer::pull_wire(ui, stage, &response);
    }
}

fn focus_ring(pen: &Pen<'_>, response: &Response, center: Pos2) {
    if response.has_focus() {
        pen.painter.circle_stroke(center, pen.s(metric::PORT_RADIUS) + 3.0, Stroke::new(line::FOCUS, pen.colors.accent.ring));
    }
}

/// What a person is asked, below a card that waits for them.
fn decide(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, spot: &Spot, rect: Rect) {
    let Some(play) = stage.scene.play else { return };
    let Some((_, park)) = play.node(&spot.id).and_then(|it| it.parked()) else { return };
    // What a person agrees to is said on the button.
    let (yes, no) = match park {
        Park::Approval(_) => ("Approve", "Decline"),
        Park::Uncertain => ("Send again", "Fail it"),
        Park::SignIn(_) | Park::Breaker(_) => ("Try again", "Fail it"),
    };
    let at = pen.t * pos2(rect.left(), rect.bottom() + 6.0);
    let area = Rect::from_min_size(at, vec2(pen.s(metric::WIDTH).max(150.0), 28.0));
    let asked = match park {
        Park::Approval(question) if !question.trim().is_empty() => question.clone(),
        _ => spot.title().to_string(),
    };
    let run = play.id;
    let mut answer = None;
    ui.scope_builder(eframe::egui::UiBuilder::new().max_rect(area).id_salt(("decide", &spot.id)), |ui| {
        ui.horizontal(|ui| {
            for (words, agree) in [(yes, true), (no, false)] {
                let name = format!("{words}: {asked}");
                let button = crate::ui::widgets::button::plain(ui, None, words).accessible_name(name);
                if button.on_hover_text(&asked).clicked() {
                    answer = Some(agree);
                }
            }
        });
    });
    if let Some(agree) = answer {
        stage.acts.push(Act::Release { run, node: spot.id.clone(), agree });
    }
}

// ---- notes

fn sheets(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, seen: Rect) {
    let board = std::sync::Arc::clone(stage.board);
    for sheet in &board.sheets {
        let selected = stage.view.selection.notes.contains(&sheet.id);
        let mut rect = sheet.rect;
        match &stage.view.drag {
            Drag::Move { delta, .. } if selected => rect = rect.translate(*delta),
            Drag::Resize { note, size } if *note == sheet.id => rect.max = rect.min + *size,
            _ => {}
        }
        if !seen.intersects(rect) {
            continue;
        }
        let response = ui.interact(pen.t * rect, stage.id.with(("note", &sheet.id)), Sense::click_and_drag());
        let first = sheet.text.lines().next().unwrap_or_default();
        response.widget_info(|| WidgetInfo::labeled(Role::Note, true, format!("Note: {first}")));
        draw_sheet(pen, sheet, rect, selected, response.hovered());
        if response.double_clicked() {
            super::menu::rename(stage, Named::Note(sheet.id.clone()));
        } else {
            let id = sheet.id.clone();
            hold(
                ui,
                stage,
                &response,
                move |it, add| {
                    if add && it.notes.contains(&id) {
                        it.notes.remove(&id);
                    } else {
                        it.notes.insert(id.clone());
                    }
                },
                selected,
            );
        }
        super::menu::on_things(&response, stage);
        if selected {
            pointer::resize_note(ui, stage, pen, sheet, rect);
        }
    }
}

fn draw_sheet(pen: &Pen<'_>, sheet: &Sheet, rect: Rect, selected: bool, hovered: bool) {
    let colors = pen.colors;
    let screen = pen.t * rect;
    let edge = if selected {
        Stroke::new(line::SELECT, colors.accent.ring)
    } else {
        Stroke::new(line::HAIRLINE, if hovered { colors.stroke.strong } else { colors.stroke.usual })
    };
    pen.painter.rect(screen, pen.corner(6.0), colors.bg.hover, edge, StrokeKind::Inside);
    if pen.t.scaling < 0.3 {
        return;
    }
    let mut job = LayoutJob::default();
    for (at, text) in sheet.text.lines().enumerate() {
        let font = if at == 0 { font::semibold } else { font::regular };
        let color = if at == 0 { colors.text.strong } else { colors.text.body };
        let mut format = TextFormat::simple(font(pen.font_size(size::SMALL)), color);
        format.line_height = Some(size::SMALL_LINE * pen.t.scaling);
        job.append(if at == 0 { "" } else { "\n" }, 0.0, format.clone());
        job.append(text, 0.0, format);
    }
    let rows = ((rect.height() - 16.0) / size::SMALL_LINE).floor().max(1.0) as usize;
    job.wrap = TextWrapping { max_width: pen.s(rect.width() - 20.0), max_rows: rows, ..TextWrapping::default() };
    let galley = pen.painter.layout_job(job);
    pen.painter.galley(screen.min + vec2(pen.s(10.0), pen.s(8.0)), galley, colors.text.body);
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
