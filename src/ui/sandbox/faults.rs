//! What goes wrong on purpose, and which surprising habits the services have.
use eframe::egui::style::HandleShape;
use eframe::egui::{DragValue, Frame, Margin, Slider, Ui};

use crate::sandbox::{Faults, Handle, Traps};
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::{self, font};
use crate::ui::widgets::{button, dim, menu_look, switch};

/// How many kinds of faults are switched on.
pub(super) fn on(faults: &Faults) -> usize {
    let shares = [
        faults.unauthorized,
        faults.forbidden,
        faults.rate_limited,
        faults.surprise,
        faults.server_error,
        faults.html,
        faults.cut,
        faults.slow,
    ];
    let other = [!faults.next.is_empty(), faults.skew_ms != 0];
    shares.iter().filter(|it| **it > 0.0).count() + other.iter().filter(|it| **it).count()
}

/// The menu behind "Faults".
pub(super) fn menu(ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) {
    Frame::new().inner_margin(Margin::same(10)).show(ui, |ui| rows(ui, ctx, sandbox));
}

fn rows(ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) {
    menu_look(ui, 330.0);
    let colors = theme::colors(ui);
    ui.spacing_mut().item_spacing.y = 4.0;
    let visuals = ui.visuals_mut();
    visuals.widgets.inactive.bg_fill = colors.bg.active;
    visuals.selection.bg_fill = colors.accent.fill;
    let was = sandbox.faults();
    let mut faults = was.clone();
    ui.label(font::heading("Of a hundred requests, so many fail").color(colors.text.strong));
    share(ui, "Sign-in refused (401)", &mut faults.unauthorized);
    share(ui, "Not allowed (403)", &mut faults.forbidden);
    share(ui, "Too many requests (429)", &mut faults.rate_limited);
    share(ui, "Schedule it tests the client (429)", &mut faults.surprise);
    share(ui, "Error of the service (500)", &mut faults.server_error);
    share(ui, "A web page instead of an answer (502)", &mut faults.html);
    share(ui, "Answer cut off", &mut faults.cut);
    share(ui, "Slow", &mut faults.slow);
    ui.horizontal(|ui| {
        ui.label(dim(ui, "Slow means"));
        let value = DragValue::new(&mut faults.slow_ms).range(0..=60_000).suffix(" ms").speed(50);
        ui.add(value).accessible_name("How late a slow answer is");
    });
    ui.horizontal(|ui| {
        ui.label(dim(ui, "The services' clock is ahead by"));
        let mut seconds = faults.skew_ms / 1_000;
        let value = DragValue::new(&mut seconds).range(-86_400..=86_400).suffix(" s").speed(1);
        if ui.add(value).accessible_name("How far the services' clock is ahead").changed() {
            faults.skew_ms = seconds * 1_000;
        }
    });
    if switch::on_off(ui, "Errors strike after the request was carried out", faults.after).clicked() {
        faults.after = !faults.after;
    }
    if ui.add_enabled_ui(on(&was) > 0, |ui| button::plain(ui, None, "Switch all faults off")).inner.clicked() {
        faults = Faults { random: was.random, slow_ms: was.slow_ms, ..Faults::default() };
    }
    if faults.slow > 0.0 && faults.slow_ms == 0 {
        faults.slow_ms = 2_000;
    }
    if faults != was {
        ctx.send(Msg::SetFaults(Box::new(faults)));
    }
    ui.separator();
    ui.label(font::heading("Habits of the real services").color(colors.text.strong));
    let was = sandbox.traps();
    let mut traps = was;
    for (words, get) in HABITS {
        let flag = get(&mut traps);
        if switch::on_off(ui, words, *flag).clicked() {
            *flag = !*flag;
        }
    }
    ui.horizontal(|ui| {
        ui.label(dim(ui, "A search finds changes after"));
        let value = DragValue::new(&mut traps.search_lags_ms).range(0..=60_000).suffix(" ms").speed(50);
        ui.add(value).accessible_name("How late a search finds changes");
    });
    if traps != was {
        ctx.send(Msg::SetTraps(traps));
    }
}

type Habit = (&'static str, fn(&mut Traps) -> &mut bool);

const HABITS: [Habit; 15] = [
    ("An upsert replaces the main e-mail", |it| &mut it.upsert_replaces_primary_email),
    ("An upsert drops a phone that is taken", |it| &mut it.upsert_drops_conflicting_phone),
    ("A next page needs both of its marks", |it| &mut it.paging_needs_both_cursors),
    ("Appointments answer without dates", |it| &mut it.appointments_answer_without_dates),
    ("Fields that are not known are refused", |it| &mut it.unknown_fields_refused),
    ("Contacts may be there twice", |it| &mut it.duplicates_allowed),
    ("A phone is found only as it is kept", |it| &mut it.phone_search_is_literal),
    ("Custom fields come without their keys", |it| &mut it.custom_fields_without_key),
    ("Appointments are listed by owner only", |it| &mut it.events_by_owner_only),
    ("… and by one owner only", |it| &mut it.events_by_one_owner_only),
    ("The sub-account is not active", |it| &mut it.location_inactive),
    ("Limits of requests do not count", |it| &mut it.unlimited),
    ("Rule breakers are locked out", |it| &mut it.rule_breakers_locked_out),
    ("Location tokens refresh by themselves", |it| &mut it.location_tokens_refresh),
    ("Proof of a sign-in (PKCE) is not asked for", |it| &mut it.pkce_unknown),
];

fn share(ui: &mut Ui, words: &str, share: &mut f64) {
    let mut percent = (*share * 100.0).round();
    ui.horizontal(|ui| {
        let slider = Slider::new(&mut percent, 0.0..=100.0)
            .suffix(" %")
            .step_by(5.0)
            .fixed_decimals(0)
            .trailing_fill(true)
            .handle_shape(HandleShape::Circle);
        if ui.add(slider).accessible_name(words).changed() {
            *share = percent / 100.0;
        }
        ui.label(words);
    });
}
