//! The open flows; shown where there is more than one.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Frame, Panel, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::ui::ctx::Ctx;
use crate::ui::document::Document;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{line, size};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text};

const HEIGHT: f32 = 32.0;
const WIDEST: f32 = 220.0;

pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>) {
    if ctx.docs.list.len() < 2 {
        return;
    }
    let colors = theme::colors(ui);
    let frame = Frame::new().fill(colors.bg.app);
    Panel::top("tabs").exact_size(HEIGHT).frame(frame).show_separator_line(false).show(ui, |ui| {
        ScrollArea::horizontal().show(ui, |ui| {
            ui.horizontal_centered(|ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                for doc in &ctx.docs.list {
                    tab(ui, ctx, doc);
                }
            });
        });
        let rect = ui.max_rect();
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(line::HAIRLINE, colors.stroke.usual));
    });
}

fn tab(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document) {
    let colors = theme::colors(ui);
    let on = ctx.docs.active == Some(doc.id);
    let galley = ui.painter().layout_no_wrap(doc.title().to_owned(), font::medium(size::BODY), colors.text.body);
    let width = (galley.size().x + 52.0).clamp(96.0, WIDEST);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
    let unsaved = if doc.is_dirty() { ", not saved" } else { "" };
    response.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, format!("{}{unsaved}", doc.title())));
    if on {
        ui.painter().rect_filled(rect, 0.0, colors.bg.canvas);
        ui.painter().hline(rect.x_range(), rect.top() + 1.0, Stroke::new(2.0, colors.accent.ring));
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 0.0, colors.bg.hover);
    }
    ui.painter().vline(rect.right() - 0.5, rect.y_range(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    let color = if on { colors.text.strong } else { colors.text.body };
    cut_text(ui, pos2(rect.left() + 12.0, rect.center().y), doc.title(), font::medium(size::BODY), color, width - 46.0);
    let close = eframe::egui::Rect::from_center_size(pos2(rect.right() - 16.0, rect.center().y), vec2(20.0, 20.0));
    let cross = ui.interact(close, ui.scope_id().with(("close", doc.id.0)), Sense::click());
    cross.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Close {}", doc.title())));
    if cross.hovered() {
        ui.painter().rect_filled(close, 4.0, colors.bg.active);
    }
    if doc.is_dirty() && !cross.hovered() && !response.hovered() {
        ui.painter().circle_filled(close.center(), 4.0, colors.text.dim);
    } else {
        ui.painter().text(close.center(), Align2::CENTER_CENTER, icon::X, font::icons(12.0), colors.text.dim);
    }
    button::focus_ring(ui, &response, rect.shrink(3.0));
    if cross.clicked() || response.middle_clicked() {
        ctx.send(Msg::Close(doc.id));
    } else if response.clicked() {
        ctx.send(Msg::Activate(doc.id));
    }
}
