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
    let shares = [faults.unauthorized, faults.rate_limited, faults.server_error, faults.html, faults.cut, faults.slow];
    shares.iter().filter(|it| **it > 0.0).count() + usize::from(!faults.next.is_empty())
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
    share(ui, "Too many requests (429)", &mut faults.rate_limited);
    share(ui, "Error of the service (500)", &mut faults.server_error);
    share(ui, "A web page instead of an answer (502)", &mut faults.html);
    share(ui, "Answer cut off", &mut faults.cut);
    share(ui, "Slow", &mut faults.slow);
    ui.horizontal(|ui| {
        ui.label(dim(ui, "Slow means"));
        let value = DragValue::new(&mut faults.slow_ms).range(0..=60_000).suffix(" ms").speed(50);
        ui.add(value).accessible_name("How late a slow answer is");
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
    if traps != was {
        ctx.send(Msg::SetTraps(traps));
    }
}

type Habit = (&'static str, fn(&mut Traps) -> &mut bool);

const HABITS: [Habit; 6] = [
    ("An upsert replaces the main e-mail", |it| &mut it.upsert_replaces_primary_email),
    ("An upsert drops a phone that is taken", |it| &mut it.upsert_drops_conflicting_phone),
    ("A next page needs both of its marks", |it| &mut it.paging_needs_both_cursors),
    ("Appointments answer without dates", |it| &mut it.appointments_answer_without_dates),
    ("Fields that are not known are refused", |it| &mut it.unknown_fields_refused),
    ("Contacts may be there twice", |it| &mut it.duplicates_allowed),
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
