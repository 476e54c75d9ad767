//! The flows, what their slots stand for, and what their accounts lack.
use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Button, Frame, Layout, Margin, Popup, PopupCloseBehavior, RichText, Sense, Stroke, TextEdit, Ui, WidgetInfo, vec2,
};

use super::slots::{self, FlowRow, SlotRow};
use super::{Connections, Draft, Pane, lacks};
use crate::accounts::is_environment;
use crate::engine::ConnectionId;
use crate::ui::behind::AccountJob;
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, line, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text, dim, menu_look, nothing};

/// Shows them, under the head of the page.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections) {
    let Some(listed) = state.read() else { return };
    let (environments, rows) = (slots::environments(listed), slots::rows(listed, &state.environment, ctx.catalog));
    environment_menu(ui, state, &environments);
    if rows.is_empty() {
        ui.add_space(space::S);
        nothing(
            ui,
            icon::FLOW_ARROW,
            "No flow calls a service yet",
            "Open one, or make one from a template, to say on which accounts it works.",
        );
        return;
    }
    for row in &rows {
        ui.add_space(space::M);
        flow(ui, ctx, state, row);
    }
}

fn environment_menu(ui: &mut Ui, state: &mut Connections, known: &[String]) {
    let mut picked = None;
    ui.horizontal(|ui| {
        ui.set_min_height(extent::CONTROL);
        ui.label(dim(ui, "Environment"));
        let shown = button::drop_down(ui, &slots::environment(&state.environment));
        Popup::menu(&shown).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
            menu_look(ui, 220.0);
            for name in known {
                if ui.add(Button::selectable(*name == state.environment, slots::environment(name))).clicked() {
                    picked = Some(name.clone());
                    ui.close();
                }
            }
            ui.separator();
            let edit =
                TextEdit::singleline(&mut state.new_environment).hint_text("Another, such as staging").desired_width(200.0);
            let field = ui.add(edit).accessible_name("Name of another environment");
            let name = state.new_environment.trim().to_owned();
            let can = is_environment(&name);
            if !can && !name.is_empty() {
                ui.label(dim(ui, "Letters, digits, - _ and . only"));
            }
            let entered = field.lost_focus() && ui.input(|it| it.key_pressed(eframe::egui::Key::Enter));
            if (ui.add_enabled(can, Button::new("Use it")).clicked() || entered) && can {
                picked = Some(name);
                state.new_environment.clear();
                ui.close();
            }
        });
        let about = "Live is what flows work on; another one is for accounts to try things on.";
        ui.add(eframe::egui::Label::new(dim(ui, about)).truncate());
    });
    if let Some(name) = picked {
        state.environment = name;
    }
}

fn flow(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections, row: &FlowRow) {
    let colors = theme::colors(ui);
    let frame = Frame::new().fill(colors.bg.raised).stroke(Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    frame.corner_radius(radius::CARD).inner_margin(Margin::symmetric(14, 10)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 6.0;
        ui.horizontal(|ui| {
            ui.set_min_height(extent::CONTROL);
            ui.label(font::heading(row.name.as_str()).color(colors.text.strong));
            if !row.accounts.is_empty() {
                let color = if row.uneven { colors.failed.text } else { colors.text.dim };
                ui.label(RichText::new(&row.accounts).small().color(color));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| check_button(ui, ctx, state, row));
        });
        for it in &row.slots {
            slot(ui, ctx, state, row, it);
        }
        lacks::show(ui, ctx, state, &(row.id.clone(), state.environment.clone()));
    });
}

fn check_button(ui: &mut Ui, ctx: &Ctx<'_>, state: &Connections, row: &FlowRow) {
    let key = (row.id.clone(), state.environment.clone());
    let under_way = state.checks.get(&key).filter(|it| it.told.is_none());
    if let Some(checked) = under_way {
        if button::flat(ui, Some(icon::X), "Stop looking").clicked() {
            ctx.send(Msg::StopCheck(row.id.clone()));
        }
        let words = match checked.of {
            0 => "Looking…".to_owned(),
            of => format!("{} of {} looked at…", checked.done, count(of, "account")),
        };
        ui.label(dim(ui, words));
        return;
    }
    let can = row.slots.iter().any(|it| !it.lacks);
    let words = format!("What the accounts of {} lack", row.name);
    ui.add_enabled_ui(can, |ui| {
        let response = button::plain(ui, Some(icon::LIST_CHECKS), "What is missing there?");
        let clicked = response.clicked();
        response
            .on_hover_text("Looks on each account for the calendars, fields and others that were chosen by name")
            .on_disabled_hover_text("Bind a slot first")
            .accessible_name(words);
        if clicked {
            ctx.send(Msg::CheckFlow(row.id.clone()));
        }
    });
}

/// A slot, and the list of what it may stand for.
fn slot(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections, row: &FlowRow, it: &SlotRow) {
    let colors = theme::colors(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(extent::CONTROL);
        let (rect, response) = ui.allocate_exact_size(vec2(190.0, extent::CONTROL), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Slot {} of {}", it.slot, row.name)));
        let used = cut_text(ui, rect.left_center(), it.slot.as_str(), font::medium(size::BODY), colors.text.strong, 110.0);
        let beside = rect.left_center() + vec2(used + 8.0, 0.0);
        cut_text(ui, beside, &it.service, font::regular(size::SMALL), colors.text.dim, 180.0 - used);
        let shown = button::drop_down(ui, &it.title);
        let shown = shown.accessible_name(format!("{} of {} stands for {}", it.slot, row.name, it.title));
        Popup::menu(&shown).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
            menu_look(ui, 240.0);
            offers(ui, ctx, state, row, it);
        });
        if it.lacks && it.offers.is_empty() && button::plain(ui, Some(icon::PLUS), "Add connection…").clicked() {
            add(ctx, state, it);
        }
        if !it.note.is_empty() {
            let color = if it.lacks { colors.waiting.text } else { colors.text.dim };
            ui.add(eframe::egui::Label::new(RichText::new(&it.note).small().color(color)).truncate());
        }
    });
}

fn offers(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections, row: &FlowRow, it: &SlotRow) {
    let bind = |connections: Vec<ConnectionId>| {
        let (flow, environment, slot) = (row.id.clone(), state.environment.clone(), it.slot.clone());
        ctx.send(Msg::Account(Box::new(AccountJob::Bind { flow, environment, slot, connections })));
    };
    for offer in &it.offers {
        let mut on = offer.on;
        let response = ui.checkbox(&mut on, &offer.name);
        let clicked = response.clicked();
        response.on_hover_text(offer.id.as_str());
        if clicked {
            let mut ids = it.bound.clone();
            ids.retain(|id| it.offers.iter().any(|known| known.id == *id) && *id != offer.id);
            if on {
                ids.push(offer.id.clone());
            }
            bind(ids);
        }
    }
    if it.offers.len() > 1 {
        ui.label(dim(ui, "Several: the flow runs for each of them."));
    }
    if !it.offers.is_empty() {
        ui.separator();
    }
    if !it.bound.is_empty() && ui.button("Take the binding away").clicked() {
        bind(Vec::new());
        ui.close();
    }
    if let Some(only) = it.offers.first().filter(|_| it.offers.len() == 1 || it.bound.len() == 1) {
        let shown = it.bound.first().unwrap_or(&only.id).clone();
        if ui.button("Show the connection").clicked() {
            ctx.send(Msg::ShowConnection(shown));
            ui.close();
        }
    }
    if ui.button(format!("Add another connection to {}…", it.service)).clicked() {
        add(ctx, state, it);
        ui.close();
    }
}

fn add(ctx: &Ctx<'_>, state: &mut Connections, it: &SlotRow) {
    let mut draft = Draft::new(ctx.catalog.connector(&it.connector).map(AsRef::as_ref));
    draft.environment.clone_from(&state.environment);
    state.pane = Some(Pane::Add(Box::new(draft)));
}
