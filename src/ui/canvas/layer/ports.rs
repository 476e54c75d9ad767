//! Ports, and what a person is asked below a card.
use eframe::egui::accesskit::Role;
use eframe::egui::{CursorIcon, PointerButton, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::run::Park;
use crate::ui::canvas::board::Spot;
use crate::ui::canvas::card::Pen;
use crate::ui::canvas::view::Drag;
use crate::ui::canvas::{Act, Stage, pointer};
use crate::ui::theme::tokens::{line, node as metric};

pub(super) fn ports(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, spot: &Spot, rect: Rect) {
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
            let at = crate::ui::canvas::View::free_place(stage.board, spot, port.y);
            super::super::menu::open(stage, at, Some((spot.id.clone(), port.id.clone())), None);
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
pub(super) fn decide(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, spot: &Spot, rect: Rect) {
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
