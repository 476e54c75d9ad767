//! What goes wrong on purpose, and which surprising habits the services have.
use eframe::egui::style::HandleShape;
use eframe::egui::{Align, DragValue, Frame, Layout, Margin, ScrollArea, Slider, Ui};

use super::Steer;
use crate::sandbox::{Faults, Handle, Limits, Traps};
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::{self, font};
use crate::ui::widgets::{button, dim, menu_look, switch};

/// The width of a column of the menu.
const COLUMN: f32 = 330.0;

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
    // It is longer than a small window is high.
    let most = (ui.ctx().content_rect().height() - 150.0).max(240.0);
    let wide = ui.ctx().content_rect().width() > 2.0 * COLUMN + 120.0;
    let width = if wide { 2.0 * COLUMN + 44.0 } else { COLUMN + 24.0 };
    ui.set_min_width(width);
    ScrollArea::vertical().max_height(most).min_scrolled_height(most).show(ui, |ui| {
        Frame::new().inner_margin(Margin::same(10)).show(ui, |ui| columns(ui, ctx, sandbox, wide));
    });
}

/// Side by side where there is room.
fn columns(ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle, wide: bool) {
    let layout = if wide { Layout::left_to_right(Align::Min) } else { Layout::top_down(Align::Min) };
    ui.with_layout(layout, |ui| {
        column(ui, |ui| {
            faults(ui, ctx, sandbox);
            ui.add_space(4.0);
            ui.separator();
            limits(ui, ctx, sandbox);
        });
        ui.add_space(if wide { 20.0 } else { 4.0 });
        column(ui, |ui| habits(ui, ctx, sandbox));
    });
}

fn column(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        menu_look(ui, COLUMN);
        ui.set_max_width(COLUMN);
        let colors = theme::colors(ui);
        ui.spacing_mut().item_spacing.y = 4.0;
        let visuals = ui.visuals_mut();
        visuals.widgets.inactive.bg_fill = colors.bg.active;
        // Numbers that can be changed look like it.
        visuals.widgets.inactive.weak_bg_fill = colors.bg.active;
        visuals.selection.bg_fill = colors.accent.fill;
        add(ui);
    });
}

fn faults(ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) {
    let colors = theme::colors(ui);
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
        ctx.send(Msg::Steer(Box::new(Steer::Faults(faults))));
    }
}

fn habits(ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) {
    let colors = theme::colors(ui);
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
        ctx.send(Msg::Steer(Box::new(Steer::Traps(traps))));
    }
    if traps.rule_breakers_locked_out && button::plain(ui, None, "Let a locked-out client in again").clicked() {
        ctx.send(Msg::Steer(Box::new(Steer::LetIn)));
    }
}

/// How many requests HighLevel allows.
fn limits(ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) {
    let colors = theme::colors(ui);
    ui.label(font::heading("Requests that HighLevel allows").color(colors.text.strong));
    let was = sandbox.limits();
    let mut limits = was;
    ui.horizontal(|ui| {
        let value = DragValue::new(&mut limits.burst).range(1..=100_000_u32).speed(1);
        ui.add(value).accessible_name("Requests within the interval");
        ui.label(dim(ui, "within"));
        let mut seconds = f64::from(limits.interval_ms) / 1_000.0;
        let value = DragValue::new(&mut seconds).range(0.1..=3_600.0).max_decimals(1).suffix(" s").speed(0.1);
        if ui.add(value).accessible_name("The interval").changed() {
            limits.interval_ms = (seconds * 1_000.0).round() as u32;
        }
        ui.label(dim(ui, "and"));
        let value = DragValue::new(&mut limits.daily).range(1..=100_000_000_u32).speed(100);
        ui.add(value).accessible_name("Requests in a day");
        ui.label(dim(ui, "a day"));
    });
    if switch::on_off(ui, "More are refused (429)", limits.enabled).clicked() {
        limits.enabled = !limits.enabled;
    }
    ui.add_enabled_ui(limits != Limits::default(), |ui| {
        if button::flat(ui, None, "As the service has it").clicked() {
            limits = Limits::default();
        }
    });
    if limits != was {
        ctx.send(Msg::Steer(Box::new(Steer::Limits(limits))));
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
