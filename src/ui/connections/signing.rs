//! Signing in: what is asked for and why, before the browser; and then how far it is.
use eframe::egui::{Align, Label, Layout, OpenUrl, RichText, Stroke, TextEdit, Ui, vec2};
use zeroize::Zeroizing;

use super::pane::{acts_place, foot, frame, label, secret, step, waits};
use super::{Connections, SignIn, details, draft};
use crate::accounts::Asking;
use crate::ui::behind::{AccountJob, SignInStep};
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{line, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim, within};

/// What is asked for; whether the pane stays.
fn before(ui: &mut Ui, ctx: &Ctx<'_>, name: &str, it: &mut SignIn) -> bool {
    let (mut stays, ()) =
        frame(ui, &format!("Sign in to {name}"), "What is asked for, and which steps need it", |ui| match &it.asks {
            None => waits(ui, "Looking what your flows need…"),
            Some(Err(failure)) => details::failed(ui, failure),
            Some(Ok(asks)) => {
                asked(ui, asks);
                ui.add_space(space::S);
                label(ui, "More scopes");
                let edit = TextEdit::singleline(&mut it.more).hint_text("With spaces between").desired_width(f32::INFINITY);
                ui.add(edit).accessible_name("More scopes");
            }
        });
    let asks = it.asks.as_ref().and_then(|it| it.as_ref().ok());
    if foot(ui, "Sign in now", asks.is_some(), &mut stays)
        && let Some(asks) = asks
    {
        let more: Vec<String> = it.more.split_whitespace().map(str::to_owned).collect();
        let asked = Box::new(asks.with_more(more));
        it.asks = Some(Ok((*asked).clone()));
        it.begun = true;
        ctx.send(Msg::Account(Box::new(AccountJob::SignIn(it.id.clone(), Some(asked)))));
    }
    stays
}

fn asked(ui: &mut Ui, asks: &Asking) {
    let colors = theme::colors(ui);
    if asks.scopes.is_empty() {
        ui.label(dim(ui, "No flow says what it needs here yet: the service asks for what your app has there."));
        return;
    }
    let new: Vec<&str> = asks.new_ones().collect();
    let words = match (&asks.granted, new.len()) {
        (None, _) => format!("{} asked for", count(asks.scopes.len(), "scope")),
        (Some(_), 0) => format!("{} asked for, all of which the token has", count(asks.scopes.len(), "scope")),
        (Some(_), new) => format!("{} asked for, {new} of them new", count(asks.scopes.len(), "scope")),
    };
    ui.label(RichText::new(words).font(font::medium(size::SMALL)).color(colors.text.strong));
    for scope in &asks.scopes {
        let is_new = new.contains(&scope.as_str());
        let (mark, ink, word) = match (&asks.granted, is_new) {
            (None, _) => (icon::CIRCLE_DASHED, colors.text.dim, "asked for"),
            (Some(_), true) => (icon::PLUS, colors.waiting.text, "new"),
            (Some(_), false) => (icon::CHECK, colors.ok.text, "granted"),
        };
        let reason = asks.reason(scope);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.label(RichText::new(mark).font(font::icons(13.0)).color(ink));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                let name = RichText::new(format!("{scope}, {word}")).font(font::mono(size::MONO_SMALL));
                ui.label(name.color(if is_new { ink } else { colors.text.body }));
                ui.add(Label::new(dim(ui, reason)).wrap());
            });
        });
    }
}

/// A sign-in under way; whether the pane stays.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, state: &Connections, it: &mut SignIn) -> bool {
    let name = state.name(&it.id);
    if !it.begun {
        return before(ui, ctx, &name, it);
    }
    let (mut stays, ()) = frame(ui, &format!("Sign in to {name}"), "In the browser; nothing is typed here", |ui| {
        if let Some(failure) = &it.failed {
            details::failed(ui, failure);
            return;
        }
        match &it.step {
            None => waits(ui, "Asking the service…"),
            Some(SignInStep::Answered) => waits(ui, "The service has answered; its tokens are fetched…"),
            Some(SignInStep::Open { .. } | SignInStep::NotTaken) => {
                waits(ui, "Waiting for the browser…");
                step(ui, 1, "Sign in there, and agree to what is asked for.");
                ui.horizontal(|ui| {
                    ui.add_space(26.0);
                    if button::plain(ui, Some(icon::ARROW_SQUARE_OUT), "Open it again").clicked() {
                        ui.ctx().open_url(OpenUrl::new_tab(&it.url));
                    }
                    if button::flat(ui, Some(icon::COPY), "Copy the address").clicked() {
                        ctx.send(Msg::CopyText { text: it.url.clone(), what: "Address" });
                    }
                });
                if it.paste {
                    step(ui, 2, "Copy the whole address of the page that the browser shows then, and paste it here.");
                } else {
                    step(ui, 2, "The browser comes back here by itself. Where it cannot, paste the address that it shows then.");
                }
                ui.add_space(2.0);
                secret(ui, "Address or code from the browser", &mut it.pasted);
                if it.step == Some(SignInStep::NotTaken) {
                    let ink = theme::colors(ui).failed.text;
                    let words = "That is no answer to this sign-in. Paste the address of the page that the browser shows last.";
                    ui.label(RichText::new(words).small().color(ink));
                }
                let can = !it.pasted.trim().is_empty();
                ui.add_enabled_ui(can, |ui| {
                    if button::plain(ui, None, "Use it").clicked() {
                        let text = Zeroizing::new(it.pasted.trim().to_owned());
                        it.pasted = draft::empty_secret();
                        ctx.send(Msg::Account(Box::new(AccountJob::Paste(it.id.clone(), text))));
                    }
                });
            }
        }
    });
    let place = acts_place(ui);
    let hair = Stroke::new(line::HAIRLINE, theme::colors(ui).stroke.subtle);
    ui.painter().hline(place.x_range(), place.bottom(), hair);
    within(ui, place.shrink2(vec2(20.0, 6.0)), Layout::left_to_right(Align::Center), |ui| {
        if it.failed.is_some() {
            if button::primary(ui, None, "Sign in again").clicked() {
                let asked = it.asks.clone().and_then(Result::ok).map(Box::new);
                ctx.send(Msg::Account(Box::new(AccountJob::SignIn(it.id.clone(), asked))));
            }
            if button::flat(ui, None, "Close").clicked() {
                stays = false;
            }
        } else if button::plain(ui, None, "Cancel the sign-in").clicked() {
            stays = false;
        }
    });
    if !stays && it.failed.is_none() {
        ctx.send(Msg::Account(Box::new(AccountJob::CancelSignIn(it.id.clone()))));
    }
    stays
}
