//! Why a service refused a step: what was looked at, what came of each check, and what to do.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align, Frame, Layout, Margin, RichText, ScrollArea, Sense, Ui, WidgetInfo, vec2};

use super::detail;
use crate::accounts::why::{Check, Finding, Verdict, Why};
use crate::engine::{Connection, Mode};
use crate::record::Failure;
use crate::run::{RunId, StepKey};
use crate::ui::behind::WhyTold;
use crate::ui::ctx::Ctx;
use crate::ui::msg::{Msg, Room};
use crate::ui::theme::tokens::{radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim};
use crate::ui::words;

/// What a person asked, and what came of it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) ticket: u64,
    pub(crate) mode: Mode,
    pub(crate) run: RunId,
    pub(crate) step: StepKey,
    /// None as long as it is being found out.
    pub(crate) told: Option<Result<WhyTold, Failure>>,
}

impl Asked {
    /// Whether it is about this step.
    pub(super) fn is_about(&self, mode: Mode, run: RunId, step: &StepKey) -> bool {
        self.mode == mode && self.run == run && self.step == *step
    }
}

/// In all the room that there is.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, asked: &Asked) {
    ScrollArea::vertical().id_salt("why").auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(space::M as i8, 6)).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            ui.horizontal(|ui| {
                ui.label(font::heading("Why it was refused").color(theme::colors(ui).text.strong));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if button::icon(ui, icon::X, "Close the answer").clicked() {
                        ctx.send(Msg::CloseWhy);
                    }
                });
            });
            match &asked.told {
                None => drop(ui.label(dim(ui, "Looking at the secret, the token, the account and the scopes…"))),
                Some(Err(failure)) => detail::note(ui, &plain(failure)),
                Some(Ok(WhyTold::Which(all))) => which(ui, ctx, asked, all),
                Some(Ok(WhyTold::Looked { connection, service, why })) => {
                    looked(ui, ctx, asked.mode, connection, service, why);
                }
            }
        });
    });
}

fn which(ui: &mut Ui, ctx: &Ctx<'_>, asked: &Asked, all: &[Connection]) {
    ui.label("Several connections can have made this call. Which one was it?");
    ui.horizontal_wrapped(|ui| {
        for it in all {
            if button::plain(ui, None, &it.name).on_hover_text(it.id.as_str()).clicked() {
                let (mode, run, step) = (asked.mode, asked.run, asked.step.clone());
                ctx.send(Msg::Why { mode, run, step, connection: Some(it.id.clone()) });
            }
        }
    });
}

fn looked(ui: &mut Ui, ctx: &Ctx<'_>, mode: Mode, connection: &Connection, service: &str, why: &Why) {
    let colors = theme::colors(ui);
    let ink = if why.proved { colors.failed } else { colors.waiting };
    Frame::new().fill(ink.tint).corner_radius(radius::BASE).inner_margin(Margin::symmetric(10, 8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 2.0;
        let title = RichText::new(words::sentence(&why.cause.title)).font(font::medium(size::BODY));
        ui.label(title.color(colors.text.strong));
        if !why.cause.detail.is_empty() {
            ui.label(RichText::new(format!("{service} says: {}", why.cause.detail)).small().color(colors.text.body));
        }
        ui.label(RichText::new(words::sentence(&words::without_commands(&why.cause.hint))).small().color(colors.text.body));
        if !why.proved && mode == Mode::Sandbox {
            let words = "This run was in the sandbox, which refuses calls where a person told it to.";
            ui.label(RichText::new(words).small().color(colors.text.body));
        }
    });
    for it in &why.findings {
        finding(ui, it);
    }
    ui.horizontal_wrapped(|ui| {
        let of = if connection.name.contains(service) { String::new() } else { format!(" ({service})") };
        ui.label(dim(ui, format!("Looked at on {}{of}.", connection.name)));
        match mode {
            Mode::Live if button::flat(ui, Some(icon::PLUGS_CONNECTED), "Show the connection").clicked() => {
                ctx.send(Msg::ShowConnection(connection.id.clone()));
            }
            Mode::Sandbox if button::flat(ui, Some(icon::FLASK), "Show the sandbox").clicked() => {
                ctx.send(Msg::Go(Room::Sandbox));
            }
            _ => {}
        }
    });
}

/// A check, its verdict as a mark and in words, and what was found.
fn finding(ui: &mut Ui, it: &Finding) {
    let colors = theme::colors(ui);
    let (mark, verdict, ink) = match it.verdict {
        Verdict::Passed => (icon::CHECK, "is not it", colors.ok.text),
        Verdict::Failed => (icon::X, "is it", colors.failed.text),
        Verdict::Unknown if it.check == Check::Permission => (icon::QUESTION, "may be it", colors.waiting.text),
        Verdict::Unknown => (icon::QUESTION, "cannot be told", colors.waiting.text),
    };
    let name = format!("{} {verdict}: {}", it.check.title(), it.words);
    let inner = ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.set_min_height(20.0);
        let (rect, _) = ui.allocate_exact_size(vec2(16.0, 15.0), Sense::hover());
        let center = eframe::egui::Align2::CENTER_CENTER;
        ui.painter().text(rect.center(), center, mark, font::icons(13.0), ink);
        for (words, font, color, width) in [
            (it.check.title(), font::medium(size::SMALL), colors.text.strong, 76.0),
            (verdict, font::regular(size::SMALL), ink, 92.0),
        ] {
            let (rect, _) = ui.allocate_exact_size(vec2(width, 15.0), Sense::hover());
            crate::ui::widgets::cut_text(ui, rect.left_center(), words, font, color, width);
        }
        let words = RichText::new(words::sentence(&it.words)).small().color(colors.text.body);
        ui.add(eframe::egui::Label::new(words).wrap());
    });
    inner.response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &name));
}

/// Without what to type into a terminal.
fn plain(failure: &Failure) -> Failure {
    Failure { hint: words::without_commands(&failure.hint), ..failure.clone() }
}
