//! The one question that stands before everything else.
use eframe::egui::{Frame, Id, Margin, Memory, Modal, RichText, Stroke, Ui};

use crate::ui::ctx::Ctx;
use crate::ui::dialog::{Answer, Dialog};
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{line, radius};
use crate::ui::theme::{self, font};
use crate::ui::widgets::button;

pub(super) fn show(ui: &Ui, ctx: &Ctx<'_>, dialog: &Dialog) {
    let colors = theme::colors(ui);
    let frame = Frame::new()
        .fill(colors.bg.raised)
        .stroke(Stroke::new(line::HAIRLINE, colors.stroke.usual))
        .corner_radius(radius::CARD)
        .shadow(theme::menu_shadow(ui.visuals().dark_mode))
        .inner_margin(Margin::same(16));
    let (title, detail, save, discard) = match dialog {
        Dialog::Close { title, .. } => (
            format!("Save “{title}” before it is closed?"),
            "What was changed since it was last saved would be lost.".to_owned(),
            "Save",
            "Close without saving",
        ),
        Dialog::Quit { titles } => {
            let names: Vec<String> = titles.iter().map(|it| format!("“{it}”")).collect();
            let what = if titles.len() == 1 { "a flow".to_owned() } else { format!("{} flows", titles.len()) };
            (format!("Save {what} before leaving?"), format!("Not saved: {}.", names.join(", ")), "Save", "Leave without saving")
        }
    };
    let modal = Modal::new(Id::unique("question")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(400.0);
        ui.label(font::title(title).color(colors.text.strong));
        ui.label(RichText::new(detail).color(colors.text.body));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let first = button::primary(ui, None, save);
            if ui.memory(Memory::focused).is_none() {
                first.request_focus();
            }
            if first.clicked() {
                ctx.send(Msg::Answer(Answer::Save));
            }
            if button::plain(ui, None, discard).clicked() {
                ctx.send(Msg::Answer(Answer::Discard));
            }
            if button::flat(ui, None, "Cancel").clicked() {
                ctx.send(Msg::Answer(Answer::Cancel));
            }
        });
    });
    if modal.should_close() {
        ctx.send(Msg::Answer(Answer::Cancel));
    }
}
