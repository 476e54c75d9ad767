//! Cards, and how they are held.
use eframe::egui::accesskit::Role;
use eframe::egui::{Mesh, Rect, Response, Sense, Ui, WidgetInfo, vec2};

use super::ports::{decide, ports};
use super::{Placed, failure, hold};
use crate::published::Change;
use crate::ui::canvas::board::Spot;
use crate::ui::canvas::card::{Card, Pen, State};
use crate::ui::canvas::view::Drag;
use crate::ui::canvas::{Act, Stage, walk};
use crate::ui::theme::font;
use crate::ui::theme::tokens::{node as metric, size};

pub(super) fn cards(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, seen: Rect, placed: &Placed) {
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
                let change = stage.scene.changes.iter().find(|it| it.node() == Some(&spot.id));
                let change = change.map(|it| format!(", not live: {it}")).unwrap_or_default();
                it.set_description(format!("{}, {}{change}", spot.sentence.plain(), looks.words()));
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
            if let Some(change) = stage.scene.changes.iter().find(|it| it.node() == Some(&spot.id)) {
                unpublished(pen, rect, change);
            }
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

/// A word above a card that is not live as it is.
fn unpublished(pen: &Pen<'_>, rect: Rect, change: &Change) {
    let words = if matches!(change, Change::Added { .. }) { "New" } else { "Changed" };
    let galley = pen.painter.layout_no_wrap(words.to_owned(), font::medium(pen.font_size(size::SMALL)), pen.colors.accent.text);
    let corner = pen.t * rect.left_top();
    let at = corner - vec2(0.0, galley.size().y + pen.s(6.0));
    let chip = Rect::from_min_size(at, galley.size() + vec2(pen.s(10.0), pen.s(4.0)));
    pen.painter.rect_filled(chip, pen.corner(4.0), pen.colors.accent.tint);
    pen.painter.galley(chip.min + vec2(pen.s(5.0), pen.s(2.0)), galley, pen.colors.accent.text);
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
    super::super::menu::on_things(response, stage);
}
