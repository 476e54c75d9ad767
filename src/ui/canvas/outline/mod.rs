//! The same flow as an indented list, for the keyboard and for those who do not see a canvas.
pub(crate) mod rows;

use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align2, Event, Id, Key, Memory, Modifiers, Popup, Rect, Response, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2,
    WidgetInfo, pos2, vec2,
};

use self::rows::Row;
use super::card::State;
use super::{Act, Stage, menu};
use crate::flow::{Flow, NodeId};
use crate::ui::theme::tokens::{extent, line, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{cut_text, nothing};

/// How far a level stands to the right.
const STEP: f32 = 22.0;

/// The lines, as long as the flow is the same.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    flow: Arc<Flow>,
    rows: Arc<Vec<Row>>,
}

/// Shows the list in all the room that there is.
pub(super) fn show(ui: &mut Ui, stage: &mut Stage<'_>) {
    let flow = Arc::clone(stage.scene.flow);
    let listed = match stage.view.listed.take() {
        Some(listed) if Arc::ptr_eq(&listed.flow, &flow) => listed,
        _ => Listed { rows: Arc::new(rows::rows(&flow)), flow: Arc::clone(&flow) },
    };
    let rows = Arc::clone(&listed.rows);
    stage.view.listed = Some(listed);
    let area = stage.view.rect;
    if rows.is_empty() {
        ui.scope_builder(UiBuilder::new().max_rect(area.shrink(space::L)), |ui| {
            nothing(ui, icon::LIST_DASHES, "The flow is empty", "Press A to add its trigger: it is where a run begins.");
        });
        return;
    }
    let moved = keys(ui, stage, &rows);
    let chosen = stage.view.selection.only_node().cloned();
    let height = extent::ROW_RUN + 4.0;
    let mut place = None;
    ui.scope_builder(UiBuilder::new().max_rect(area.shrink2(vec2(0.0, space::S))), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().id_salt("outline").auto_shrink(false).show_viewport(ui, |ui, seen| {
            let top = ui.max_rect().top();
            ui.set_height(height * rows.len() as f32);
            let rect_of = |at: usize| {
                let y = top + height * at as f32;
                Rect::from_min_max(pos2(ui.max_rect().left(), y), pos2(ui.max_rect().right(), y + height))
            };
            if let (true, Some(node)) = (moved, &chosen)
                && let Some(at) = rows.iter().position(|it| !it.again && it.node == *node)
            {
                ui.scroll_to_rect(rect_of(at), None);
            }
            let first = (seen.min.y / height).floor().max(0.0) as usize;
            let last = ((seen.max.y / height).ceil() as usize + 1).min(rows.len());
            for at in first..last {
                let rect = rect_of(at);
                if chosen.as_ref() == Some(&rows[at].node) && !rows[at].again {
                    place = Some(rect.left_bottom() + vec2(40.0, 2.0));
                }
                let response = show_row(ui, stage, &rows[at], at, rect);
                clicked(ui, stage, &rows[at], &response);
            }
        });
    });
    stage.anchor = Some(place.unwrap_or_else(|| area.left_top() + vec2(40.0, 40.0)));
}

fn row_id(canvas: Id, row: &Row, at: usize) -> Id {
    if row.again { canvas.with(("goes on", at)) } else { canvas.with(("line", &row.node)) }
}

fn clicked(ui: &Ui, stage: &mut Stage<'_>, row: &Row, response: &Response) {
    if response.clicked() || response.secondary_clicked() {
        let add = ui.input(|it| it.modifiers.command || it.modifiers.shift) && response.clicked();
        // The menu of the right button is about all that is selected.
        let kept = response.secondary_clicked() && stage.view.selection.nodes.contains(&row.node);
        if !(add || kept) {
            stage.view.selection.clear();
        }
        stage.view.selection.nodes.insert(row.node.clone());
        response.request_focus();
    }
    if response.double_clicked() {
        stage.acts.push(Act::Inspect(row.node.clone()));
    }
    // Whoever comes here by Tab has the step that is told.
    if response.gained_focus() && !row.again && !stage.view.selection.nodes.contains(&row.node) {
        stage.view.selection.clear();
        stage.view.selection.nodes.insert(row.node.clone());
    }
    menu::on_things(response, stage);
}

/// Up and down, in and out, sooner and later; whether another step is selected by it.
fn keys(ui: &Ui, stage: &mut Stage<'_>, rows: &[Row]) -> bool {
    let own = |id: Id| id == stage.id || rows.iter().enumerate().any(|(at, it)| row_id(stage.id, it, at) == id);
    let elsewhere = ui.memory(Memory::focused).is_some_and(|it| !own(it));
    if !stage.scene.listens || elsewhere || stage.view.is_asking() || ui.text_edit_focused() || Popup::is_any_open(ui.ctx()) {
        return false;
    }
    // Most frames have no key, and a long list is then not looked through.
    if !ui.input(|it| it.events.iter().any(|it| matches!(it, Event::Key { pressed: true, .. }))) {
        return false;
    }
    let at = stage.view.selection.nodes.last().and_then(|node| rows.iter().position(|it| !it.again && it.node == *node));
    let pressed = |modifiers, key| ui.input_mut(|it| it.consume_key(modifiers, key));
    for (key, sooner) in [(Key::ArrowUp, true), (Key::ArrowDown, false)] {
        if pressed(Modifiers::ALT, key) {
            let Some(at) = at else { return false };
            let edit = if sooner {
                rows::earlier(stage.scene.flow, &rows[at].node)
            } else {
                rows::later(stage.scene.flow, &rows[at].node)
            };
            stage.ask(edit);
            return true;
        }
    }
    let is_line = |it: &usize| !rows[*it].again;
    let target = if pressed(Modifiers::NONE, Key::ArrowDown) {
        Some(at.map_or(Some(0), |at| (at + 1..rows.len()).find(is_line)))
    } else if pressed(Modifiers::NONE, Key::ArrowUp) {
        Some(at.map_or(Some(0), |at| (0..at).rev().find(is_line)))
    } else if pressed(Modifiers::NONE, Key::Home) {
        Some((0..rows.len()).find(is_line))
    } else if pressed(Modifiers::NONE, Key::End) {
        Some((0..rows.len()).rev().find(is_line))
    } else if pressed(Modifiers::NONE, Key::ArrowLeft) {
        Some(at.and_then(|at| (0..at).rev().find(|it| is_line(it) && rows[*it].depth < rows[at].depth)))
    } else if pressed(Modifiers::NONE, Key::ArrowRight) {
        Some(at.and_then(|at| rows.get(at + 1).filter(|it| !it.again && it.depth > rows[at].depth).map(|_| at + 1)))
    } else {
        None
    };
    if pressed(Modifiers::NONE, Key::Escape) {
        stage.view.selection.clear();
    }
    if pressed(Modifiers::NONE, Key::Enter)
        && let Some(at) = at
    {
        stage.acts.push(Act::Inspect(rows[at].node.clone()));
    }
    let Some(Some(target)) = target else { return false };
    stage.view.selection.clear();
    stage.view.selection.nodes.insert(rows[target].node.clone());
    ui.memory_mut(|it| it.request_focus(row_id(stage.id, &rows[target], target)));
    true
}

fn show_row(ui: &Ui, stage: &Stage<'_>, row: &Row, at: usize, rect: Rect) -> Response {
    let colors = theme::colors(ui);
    let id = row_id(stage.id, row, at);
    let response = ui.interact(rect, id, Sense::click());
    let scene = stage.scene;
    let Some(node) = scene.flow.nodes.get(&row.node) else { return response };
    let chosen = !row.again && stage.view.selection.nodes.contains(&row.node);
    let title = stage.board.spot(&row.node).map_or(node.name.as_str(), super::Spot::title);
    let words = stage.board.spot(&row.node).map(|it| it.sentence.plain()).unwrap_or_default();
    let status = state_of(stage, &row.node);
    response.widget_info(|| {
        let way = if row.way.is_empty() { String::new() } else { format!("{}: ", row.way) };
        let name = if row.again {
            format!("Level {}, {way}goes on at {title}", row.depth + 1)
        } else {
            format!("Level {}, {way}{title}, {words}, {}", row.depth + 1, status.words())
        };
        WidgetInfo::selected(Role::TreeItem, true, chosen, name)
    });
    if response.has_focus() {
        super::walk::hold_arrows(ui, id);
    }
    let painter = ui.painter();
    let fill = match (chosen, response.hovered()) {
        (true, _) => Some(colors.bg.selected),
        (false, true) => Some(colors.bg.hover),
        (false, false) => None,
    };
    if let Some(fill) = fill {
        painter.rect_filled(rect, 0.0, fill);
    }
    if response.has_focus() && super::walk::by_keyboard(ui) {
        painter.rect_stroke(rect, radius::CHIP, Stroke::new(line::FOCUS, colors.accent.ring), StrokeKind::Inside);
    }
    let y = rect.center().y;
    let mut x = rect.left() + space::L + STEP * row.depth.min(24) as f32;
    for level in 0..row.depth.min(24) {
        let x = rect.left() + space::L + STEP * level as f32 + 9.0;
        painter.vline(x, rect.y_range(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    }
    let face = super::kind::face(&node.kind, scene.catalog);
    let ink = face.hue.ink(colors);
    if row.again {
        painter.text(pos2(x + 9.0, y), Align2::CENTER_CENTER, icon::ARROW_RIGHT, font::icons(14.0), colors.text.dim);
    } else {
        let ground = Rect::from_center_size(pos2(x + 9.0, y), Vec2::splat(20.0));
        painter.rect_filled(ground, 5.0, ink.tint);
        painter.text(ground.center(), Align2::CENTER_CENTER, face.icon, font::icons(14.0), ink.text);
    }
    x += 26.0;
    if !row.way.is_empty() {
        x += cut_text(ui, pos2(x, y), &format!("{}:", row.way), font::medium(size::BODY), colors.text.dim, 90.0) + 6.0;
    }
    let right = rect.right() - space::M;
    if row.again {
        cut_text(ui, pos2(x, y), &format!("goes on at {title}"), font::regular(size::BODY), colors.text.dim, right - x);
        return response;
    }
    let told = if status == State::New { String::new() } else { status.words() };
    let ink = colors.text.dim;
    let words_left = painter.text(pos2(right, y), Align2::RIGHT_CENTER, &told, font::regular(size::SMALL), ink).left();
    if let Some((mark, fill, color)) = status.mark(colors) {
        let font = if fill { font::icons_fill(14.0) } else { font::icons(14.0) };
        painter.text(pos2(words_left - 6.0, y), Align2::RIGHT_CENTER, mark, font, color);
    }
    let room = words_left - 28.0 - x;
    let strong = if node.muted { colors.text.dim } else { colors.text.strong };
    x += cut_text(ui, pos2(x, y), title, font::medium(size::BODY), strong, room.min(280.0)) + 10.0;
    let room = words_left - 28.0 - x;
    if room > 40.0 {
        cut_text(ui, pos2(x, y), &words, font::regular(size::SMALL), colors.text.dim, room);
    }
    response
}

fn state_of(stage: &Stage<'_>, id: &NodeId) -> State {
    let scene = stage.scene;
    let problem = scene.problems.iter().find(|it| it.severity == crate::flow::Severity::Error && it.node.as_ref() == Some(id));
    let Some(node) = scene.flow.nodes.get(id) else { return State::New };
    let play = scene.play.and_then(|it| it.node(id));
    State::of(node, play, scene.play.is_some(), scene.stale.contains(id), problem.map(|it| it.message.as_str()))
}
