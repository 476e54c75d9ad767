//! Pages beside the canvas.
mod alerts;
mod catalog;
mod gallery;
mod settings;

use eframe::egui::{Align, Layout, Ui};

pub(crate) use self::catalog::show as catalog;
pub(crate) use self::gallery::show as templates;
pub(crate) use self::settings::show as settings;
use super::command::UiCommand;
use super::ctx::Ctx;
use super::msg::{Msg, Room};
use super::theme::{self, icon};
use super::widgets::{button, nothing};

/// Where no flow is open.
pub(crate) fn nothing_open(ui: &mut Ui, ctx: &Ctx<'_>) {
    let rect = ui.available_rect_before_wrap();
    ui.painter().rect_filled(rect, 0.0, theme::colors(ui).bg.canvas);
    let area = eframe::egui::Rect::from_center_size(rect.center(), eframe::egui::vec2(360.0, 110.0));
    ui.scope_builder(eframe::egui::UiBuilder::new().max_rect(area).layout(Layout::top_down(Align::Min)), |ui| {
        nothing(ui, icon::FLOW_ARROW, "No flow is open", "Begin with one that works, open a file, or drop one on the window.");
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            if button::primary(ui, Some(icon::SQUARES_FOUR), "Templates").clicked() {
                ctx.send(Msg::Go(Room::Templates));
            }
            if button::plain(ui, None, UiCommand::Open.title()).clicked() {
                ctx.send(Msg::Do(UiCommand::Open));
            }
            if button::plain(ui, None, UiCommand::New.title()).clicked() {
                ctx.send(Msg::Do(UiCommand::New));
            }
        });
    });
}
