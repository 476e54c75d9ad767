//! How apps sign in at the imitated services: how long tokens work, and taking them back.
use eframe::egui::{DragValue, Frame, Margin, RichText, Ui};

use super::{SERVICES, Steer};
use crate::sandbox::{Handle, OauthAccess, OauthSettings};
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::size;
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim, menu_look, switch};

/// The menu behind "Sign-in".
pub(super) fn menu(ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) {
    Frame::new().inner_margin(Margin::same(10)).show(ui, |ui| {
        menu_look(ui, 380.0);
        ui.set_max_width(380.0);
        ui.spacing_mut().item_spacing.y = 4.0;
        // Numbers that can be changed look like it.
        ui.visuals_mut().widgets.inactive.weak_bg_fill = theme::colors(ui).bg.active;
        tokens(ui, ctx, sandbox);
        ui.add_space(4.0);
        ui.separator();
        apps(ui, ctx, sandbox);
    });
}

fn tokens(ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) {
    let colors = theme::colors(ui);
    ui.label(font::heading("Tokens that apps get by OAuth").color(colors.text.strong));
    let was = sandbox.oauth();
    let mut settings = was;
    ui.horizontal(|ui| {
        ui.label("An access token works");
        let value = DragValue::new(&mut settings.access_seconds).range(1..=31_536_000_u64).suffix(" s").speed(1);
        ui.add(value).accessible_name("How long an access token works");
        ui.label(dim(ui, lasts(settings.access_seconds)));
    });
    ui.horizontal(|ui| {
        ui.label("A refresh token works");
        let value = DragValue::new(&mut settings.refresh_seconds).range(1..=315_360_000_u64).suffix(" s").speed(60);
        ui.add(value).accessible_name("How long a refresh token works");
        ui.label(dim(ui, lasts(settings.refresh_seconds)));
    });
    if switch::on_off(ui, "A refresh ends the refresh token that it was made with", settings.rotates).clicked() {
        settings.rotates = !settings.rotates;
    }
    if settings != was {
        ctx.send(Msg::Steer(Box::new(Steer::Oauth(settings))));
    }
    ui.horizontal(|ui| {
        if button::plain(ui, Some(icon::CLOCK), "Expire all tokens now").clicked() {
            ctx.send(Msg::Steer(Box::new(Steer::ExpireTokens)));
        }
        if button::plain(ui, Some(icon::X), "Revoke all").clicked() {
            ctx.send(Msg::Steer(Box::new(Steer::RevokeTokens)));
        }
        ui.add_enabled_ui(settings != OauthSettings::default(), |ui| {
            if button::flat(ui, None, "As the services have it").clicked() {
                ctx.send(Msg::Steer(Box::new(Steer::Oauth(OauthSettings::default()))));
            }
        });
    });
    ui.label(dim(ui, "Expired ones are refreshed by the app; after “Revoke all” a person has to sign in again."));
}

/// `86399` seconds are "a day less a second", said roughly.
fn lasts(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..120 => return String::new(),
        120..7_200 => (seconds / 60, "min"),
        7_200..172_800 => (seconds.div_ceil(3_600), "h"),
        _ => (seconds.div_ceil(86_400), "days"),
    };
    format!("about {number} {unit}")
}

/// The app that each service knows: nothing of it is secret, for it is imitated.
fn apps(ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) {
    let colors = theme::colors(ui);
    ui.label(font::heading("The app that may sign in").color(colors.text.strong));
    ui.label(dim(ui, "For trying a sign-in by browser against the sandbox, from here or from a program of your own."));
    let access = sandbox.access();
    for (service, app) in SERVICES.iter().zip([&access.highlevel.oauth, &access.schedule_it.oauth]) {
        let name = super::paint::title_of(ctx, service);
        ui.add_space(2.0);
        ui.label(RichText::new(&name).font(font::medium(size::SMALL)).color(colors.text.body));
        let OauthAccess { authorize_url, token_url, client_id, client_secret } = app;
        for (what, value) in [
            ("Sign-in address", authorize_url),
            ("Token address", token_url),
            ("Client id", client_id),
            ("Client secret", client_secret),
        ] {
            line(ui, ctx, &name, what, value);
        }
    }
}

fn line(ui: &mut Ui, ctx: &Ctx<'_>, service: &str, what: &'static str, value: &str) {
    let colors = theme::colors(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(22.0);
        ui.spacing_mut().item_spacing.x = 6.0;
        if button::icon(ui, icon::COPY, &format!("Copy the {} of {service}", what.to_lowercase())).clicked() {
            ctx.send(Msg::CopyText { text: value.to_owned(), what });
        }
        ui.scope(|ui| {
            ui.set_width(92.0);
            ui.label(dim(ui, what));
        });
        let text = RichText::new(value).font(font::mono(size::MONO_SMALL)).color(colors.text.body);
        ui.add(eframe::egui::Label::new(text).truncate());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_said_roughly() {
        let said = [2, 600, 86_399, 365 * 86_400].map(lasts);
        assert_eq!(said, ["", "about 10 min", "about 24 h", "about 365 days"]);
    }
}
