//! What is said to a person: toasts, and a strip where a file was changed by someone else.
use eframe::egui::{Align2, Area, Frame, Id, Margin, Order, Panel, RichText, Stroke, Ui, vec2};

use crate::ui::ctx::Ctx;
use crate::ui::document::{Document, Outside};
use crate::ui::msg::{Msg, OutsideAnswer};
use crate::ui::theme::tokens::{extent, line, radius};
use crate::ui::theme::{self, font, icon};
use crate::ui::toast::{Shown, Toasts, Tone};
use crate::ui::widgets::{button, dim};

pub(super) fn toasts(ui: &Ui, ctx: &Ctx<'_>, toasts: &Toasts) {
    if toasts.iter().next().is_none() {
        return;
    }
    let offset = vec2(-16.0, -(extent::STATUS_BAR + 14.0));
    Area::new(Id::unique("toasts")).order(Order::Tooltip).anchor(Align2::RIGHT_BOTTOM, offset).show(ui.ctx(), |ui| {
        ui.spacing_mut().item_spacing.y = 8.0;
        for shown in toasts.iter() {
            toast(ui, ctx, shown);
        }
    });
}

fn toast(ui: &mut Ui, ctx: &Ctx<'_>, shown: &Shown) {
    let colors = theme::colors(ui);
    let (mark, color) = match shown.toast.tone {
        Tone::Done => (icon::CHECK_CIRCLE, colors.ok.mark),
        Tone::Note => (icon::INFO, colors.accent.text),
        Tone::Failed => (icon::X_CIRCLE, colors.failed.mark),
    };
    let frame = Frame::new()
        .fill(colors.bg.raised)
        .stroke(Stroke::new(line::HAIRLINE, colors.stroke.usual))
        .corner_radius(radius::CARD)
        .shadow(theme::menu_shadow(ui.visuals().dark_mode))
        .inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(340.0);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            ui.label(RichText::new(mark).font(font::icons_fill(16.0)).color(color));
            ui.vertical(|ui| {
                ui.set_width(280.0);
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.label(RichText::new(&shown.toast.title).font(font::medium(13.0)).color(colors.text.strong));
                if !shown.toast.detail.is_empty() {
                    ui.label(dim(ui, &shown.toast.detail));
                }
                if let Some((words, _)) = &shown.toast.action
                    && button::plain(ui, None, words).clicked()
                {
                    ctx.send(Msg::TakeToast(shown.id));
                }
            });
            if button::icon(ui, icon::X, "Dismiss").clicked() {
                ctx.send(Msg::Dismiss(shown.id));
            }
        });
    });
}

/// Somebody else changed the file: what now?
pub(super) fn outside(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document) {
    let Some(outside) = doc.outside else { return };
    let colors = theme::colors(ui);
    let frame = Frame::new().fill(colors.waiting.tint).inner_margin(Margin::symmetric(12, 5));
    Panel::top("outside").exact_size(38.0).frame(frame).show_separator_line(false).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            ui.label(RichText::new(icon::WARNING).font(font::icons_fill(16.0)).color(colors.waiting.mark));
            let (words, again) = match outside {
                Outside::Changed(_) => ("The file was changed by someone else.", true),
                Outside::Removed => ("The file was moved or deleted by someone else.", false),
            };
            ui.label(RichText::new(words).color(colors.text.strong));
            if again {
                let drops = if doc.is_dirty() { "Read it again, and lose what was changed here" } else { "Read it again" };
                if button::plain(ui, Some(icon::ARROW_CLOCKWISE), drops).clicked() {
                    ctx.send(Msg::Outside(doc.id, OutsideAnswer::Reload));
                }
            }
            if button::plain(ui, None, "Keep what is here").clicked() {
                ctx.send(Msg::Outside(doc.id, OutsideAnswer::Keep));
            }
        });
    });
}
