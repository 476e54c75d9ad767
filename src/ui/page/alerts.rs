//! What a person is told of while nobody looks, and how.
use std::collections::BTreeMap;

use eframe::egui::{TextEdit, Ui};

use crate::engine::alert::{Alerts, Mail};
use crate::flow::{Alarm, FlowId};
use crate::ui::ctx::Ctx;
use crate::ui::home::{HomeJob, KnownAlerts};
use crate::ui::msg::{Msg, Room};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim, switch};

pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    ui.label(font::heading("Alerts").color(colors.text.strong));
    let Some(known) = &ctx.home.alerts else {
        ui.label(dim(ui, "What is chosen is not known yet."));
        return;
    };
    ui.label(dim(ui, "What fails or waits in one flow comes together: the first at once, then once a quarter of an hour."));
    let mut chosen = known.chosen.clone();
    for (of, words) in [
        (Alarm::Failure, "When a run fails"),
        (Alarm::Question, "When a step waits for your word"),
        (Alarm::Connection, "When a connection needs a sign-in, or its service is not asked for a while"),
        (Alarm::Quiet, "When a trigger goes quiet: no event for much longer than usual"),
    ] {
        let on = chosen.wants_mut(of);
        if switch::on_off(ui, words, *on).clicked() {
            *on = !*on;
        }
    }
    ui.add_space(8.0);
    let on = chosen.on_desktop();
    if switch::on_off(ui, "On the desktop of this computer", on).clicked() {
        chosen.desktop = Some(!on);
    }
    mail(ui, ctx, known, &mut chosen);
    unwatched(ui, ctx, &mut chosen);
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let words = if ctx.home.tries_alert { "The test is under way\u{2026}" } else { "Send a test alert" };
        let goes = !ctx.home.tries_alert && (chosen.on_desktop() || chosen.mail.is_some());
        if ui.add_enabled_ui(goes, |ui| button::plain(ui, Some(icon::BELL), words)).inner.clicked() {
            ctx.send(Msg::Home(Box::new(HomeJob::TestAlert)));
        }
    });
    ui.label(dim(ui, "A flow that begins with the trigger \u{201c}Alert\u{201d} is told, too: it can put them anywhere."));
    if chosen != known.chosen {
        ctx.send(Msg::Home(Box::new(HomeJob::Alerts(Some(chosen)))));
    }
}

/// To whom, and through which mail server.
fn mail(ui: &mut Ui, ctx: &Ctx<'_>, known: &KnownAlerts, chosen: &mut Alerts) {
    if known.mails.is_empty() && chosen.mail.is_none() {
        ui.horizontal(|ui| {
            ui.label(dim(ui, "By mail: for that, make a connection to a mail server first."));
            if button::flat(ui, None, "Connections").clicked() {
                ctx.send(Msg::Go(Room::Connections));
            }
        });
        return;
    }
    ui.add_space(4.0);
    ui.label(dim(ui, "By mail to; with commas between several. Empty for no mail"));
    // What is typed is kept here until it is whole.
    let typed_id = ui.scope_id().with("alerts go to");
    let kept = chosen.mail.as_ref().map(|it| it.to.clone()).unwrap_or_default();
    let mut typed: String = ui.data(|it| it.get_temp(typed_id)).unwrap_or_else(|| kept.clone());
    let response = ui.add(TextEdit::singleline(&mut typed).hint_text("ann@example.com").desired_width(320.0));
    let response = response.accessible_name("Mail address for alerts");
    let text = typed.trim().to_owned();
    let is_address =
        text.split(',').all(|it| it.trim().split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()));
    if response.lost_focus() && text != kept && (text.is_empty() || is_address) {
        let by = chosen.mail.as_ref().map(|it| it.by.clone()).or_else(|| known.mails.first().map(|it| it.0.clone()));
        chosen.mail = by.filter(|_| !text.is_empty()).map(|by| Mail { to: text.clone(), by });
    }
    if response.has_focus() {
        ui.data_mut(|it| it.insert_temp(typed_id, typed));
    } else if !text.is_empty() && !is_address {
        ui.label(dim(ui, "That is no mail address: write it as ann@example.com."));
    } else {
        ui.data_mut(|it| it.remove_temp::<String>(typed_id));
    }
    if let Some(mail) = &mut chosen.mail {
        let names: Vec<&str> = known.mails.iter().map(|it| it.1.as_str()).collect();
        let current = known.mails.iter().position(|it| it.0 == mail.by);
        if current.is_none() {
            ui.label(dim(ui, "The connection that it went through is not there any more. Choose another."));
        }
        if known.mails.len() > 1 || current.is_none() {
            ui.label(dim(ui, "Through"));
            if let Some(at) = switch::segments(ui, "Through", &names, current.unwrap_or(usize::MAX)) {
                mail.by.clone_from(&known.mails[at].0);
            }
        }
    }
}

/// The flows that may be quiet without a word.
fn unwatched(ui: &mut Ui, ctx: &Ctx<'_>, chosen: &mut Alerts) {
    let flows: BTreeMap<&FlowId, &str> =
        ctx.home.flows.iter().filter(|(_, it)| it.entry.on).map(|(id, it)| (id, it.entry.name.as_str())).collect();
    if !chosen.quiet || flows.is_empty() {
        return;
    }
    ui.add_space(4.0);
    ui.label(dim(ui, "Flows that are watched for silence"));
    for (id, name) in flows {
        let on = !chosen.unwatched.contains(id);
        if switch::on_off(ui, name, on).clicked() {
            if on {
                chosen.unwatched.insert(id.clone());
            } else {
                chosen.unwatched.remove(id);
            }
        }
    }
}
