//! What stands around the canvas: bars, rail, tabs, docked panes, toasts, and the one question in front.
mod dock;
mod menu;
mod notice;
mod question;
mod rail;
mod status;
mod tabs;
mod top;

use std::collections::BTreeMap;

use eframe::egui::{CentralPanel, CornerRadius, Frame, Panel, Stroke, StrokeKind, Ui};

pub(crate) use self::dock::{Dock, Pane};
use super::canvas::View;
use super::connections::{self, Connections};
use super::ctx::Ctx;
use super::dialog::Dialog;
use super::document::DocId;
use super::home;
use super::log::{self, Log};
use super::msg::Room;
use super::page;
use super::palette::{self, Palette};
use super::sandbox::{self, Tables};
use super::theme::tokens::{extent, line};
use super::theme::{self};
use super::toast::Toasts;

/// What a frame may change without asking: how things are looked at, and texts that are being typed.
pub(crate) struct Parts<'a> {
    pub(crate) views: &'a mut BTreeMap<DocId, View>,
    pub(crate) dock: &'a mut Dock,
    pub(crate) palette: &'a mut Option<Palette>,
    pub(crate) tables: &'a mut Tables,
    pub(crate) connections: &'a mut Connections,
    pub(crate) dialog: Option<&'a Dialog>,
    pub(crate) toasts: &'a Toasts,
    /// The test button takes the keyboard.
    pub(crate) focus_test: bool,
    /// How runs are looked at.
    pub(crate) log: &'a mut Log,
}

/// Paints the window.
pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>, parts: Parts<'_>) {
    let Parts { views, dock, palette, tables, connections, dialog, toasts, focus_test, log } = parts;
    let whole = ui.max_rect();
    let colors = theme::colors(ui);
    let bar = Frame::new().fill(colors.bg.app);
    let edge = Stroke::new(line::HAIRLINE, colors.stroke.usual);
    let head = Panel::top("top").exact_size(extent::TOP_BAR).frame(bar).show_separator_line(false).show(ui, |ui| {
        top::show(ui, ctx, dock, focus_test);
    });
    ui.painter().hline(whole.x_range(), head.response.rect.bottom() - 0.5, edge);
    let foot = Panel::bottom("status").exact_size(extent::STATUS_BAR).frame(bar).show_separator_line(false).show(ui, |ui| {
        status::show(ui, ctx);
    });
    ui.painter().hline(whole.x_range(), foot.response.rect.top() + 0.5, edge);
    let side =
        Panel::left("rail").exact_size(extent::RAIL).resizable(false).frame(bar).show_separator_line(false).show(ui, |ui| {
            rail::show(ui, ctx);
        });
    ui.painter().vline(side.response.rect.right() - 0.5, side.response.rect.y_range(), edge);
    // The window is cleared to the colour of panels: painting it again takes time where no graphics processor helps.
    CentralPanel::default().frame(Frame::new()).show(ui, |ui| match ctx.room {
        Room::Flows => {
            tabs::show(ui, ctx);
            match ctx.docs.active() {
                Some(doc) => {
                    notice::outside(ui, ctx, doc);
                    home::panel(ui, ctx, doc);
                    let view = views.entry(doc.id).or_default();
                    dock.show_panes(ui, ctx, doc, view, log);
                }
                None => page::nothing_open(ui, ctx),
            }
        }
        Room::Templates => page::templates(ui, ctx),
        Room::Catalog => page::catalog(ui, ctx),
        Room::Connections => connections::show(ui, ctx, connections),
        Room::Sandbox => sandbox::show(ui, ctx, tables),
        Room::Settings => page::settings(ui, ctx),
        Room::Log => log::whole(ui, ctx, log),
        Room::Live => home::page(ui, ctx),
    });
    palette::show(ui, ctx, dock, palette);
    notice::toasts(ui, ctx, toasts);
    if let Some(dialog) = dialog {
        question::show(ui, ctx, dialog);
    }
    if ctx.shows_live() {
        return;
    }
    // Drawn last: nothing that runs from here leaves this machine.
    let frame = Stroke::new(line::FRAME, colors.sandbox.frame);
    let layer = eframe::egui::LayerId::new(eframe::egui::Order::Foreground, eframe::egui::Id::unique("sandbox frame"));
    ui.ctx().layer_painter(layer).rect_stroke(whole, CornerRadius::ZERO, frame, StrokeKind::Inside);
}
