//! Webhooks of the sandbox: where they are sent, what goes wrong on the way, and what came of each attempt.
use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, DragValue, Frame, Layout, Margin, RichText, ScrollArea, Sense, Stroke, TextEdit, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};

use super::{Steer, plant};
use crate::catalog::Event;
use crate::sandbox::{Attempt, Delivery, DeliveryFaults, Handle};
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, line, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text, dim, switch, within};
use crate::ui::words;

/// Attempts that are listed.
const LISTED: usize = 500;
const ROW: f32 = 44.0;

/// How they are looked at.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// The address while it is typed.
    typed: Option<String>,
    /// Why it is no address.
    wrong: &'static str,
    attempts: Vec<Attempt>,
    /// How many there were when they were read.
    made: Option<u64>,
}

/// What can be switched, by its words, its share, and its name for those who do not see it.
type Trouble = (&'static str, fn(&mut DeliveryFaults) -> &mut f64);

const TROUBLES: [Trouble; 6] = [
    ("Sent twice", |it| &mut it.doubled),
    ("Out of order", |it| &mut it.reordered),
    ("Lost", |it| &mut it.lost),
    ("Signed by a stranger", |it| &mut it.forged),
    ("Without a signature", |it| &mut it.unsigned),
    ("Slow", |it| &mut it.slow),
];

/// How many kinds of trouble are switched on.
pub(super) fn on(delivery: &Delivery) -> usize {
    let mut faults = delivery.faults;
    TROUBLES.iter().filter(|(_, share)| *share(&mut faults) > 0.0).count()
}

/// Whether it is the address of a web server; words for a person where it is not.
fn address(text: &str) -> Result<Option<String>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(text.to_owned())),
        _ => Err("Write a whole address, such as http://127.0.0.1:8080/hooks/app."),
    }
}

impl Deliveries {
    /// The pane; whether it was closed.
    pub(super) fn show(&mut self, ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) -> bool {
        let colors = theme::colors(ui);
        let rect = ui.available_rect_before_wrap();
        let head = rect.with_max_y(rect.top() + extent::PANE_HEADER);
        let mut closed = false;
        within(ui, head.shrink2(vec2(space::M, 0.0)), Layout::left_to_right(Align::Center), |ui| {
            ui.label(font::heading("Webhooks").color(colors.text.strong));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                closed = button::icon(ui, icon::X, "Close the webhooks").clicked();
            });
        });
        let below = rect.with_min_y(head.bottom());
        let inner = ui.scope_builder(UiBuilder::new().max_rect(below).id_salt("switches"), |ui| {
            Frame::new().inner_margin(Margin::symmetric(space::M as i8, 4)).show(ui, |ui| self.switches(ui, ctx, sandbox));
        });
        let top = inner.response.rect.bottom();
        ui.painter().hline(rect.x_range(), top, Stroke::new(line::HAIRLINE, colors.stroke.subtle));
        let list = rect.with_min_y(top + 1.0);
        ui.scope_builder(UiBuilder::new().max_rect(list).id_salt("attempts"), |ui| self.list(ui, sandbox));
        closed
    }

    fn switches(&mut self, ui: &mut Ui, ctx: &Ctx<'_>, sandbox: &Handle) {
        let colors = theme::colors(ui);
        ui.spacing_mut().item_spacing.y = 4.0;
        let was = sandbox.delivery();
        let mut delivery = was.clone();
        ui.label(dim(ui, "HighLevel tells of every change of a record, as the real one does: signed, to one address."));
        ui.add_space(4.0);
        ui.label(RichText::new("Sent to").font(font::medium(size::SMALL)).color(colors.text.body));
        let mut text = self.typed.clone().unwrap_or_else(|| was.url.clone().unwrap_or_default());
        let edit = TextEdit::singleline(&mut text).hint_text("http://127.0.0.1:8080/hooks/app").desired_width(f32::INFINITY);
        let field = ui.add(edit).accessible_name("Address that webhooks are sent to");
        if field.changed() {
            self.wrong = "";
            self.typed = Some(text.clone());
        }
        if field.lost_focus() && self.typed.is_some() {
            match address(&text) {
                Ok(url) => {
                    delivery.url = url;
                    self.typed = None;
                }
                Err(words) => self.wrong = words,
            }
        }
        if !self.wrong.is_empty() {
            ui.label(RichText::new(self.wrong).small().color(colors.failed.text));
        } else if was.url.is_none() {
            ui.label(dim(ui, "Without an address nothing is sent. Flows that are open here hear of changes by hand either way."));
        }
        ui.add_space(4.0);
        for (words, share) in TROUBLES {
            trouble(ui, words, share(&mut delivery.faults));
        }
        if delivery.faults.slow > 0.0 {
            delivery.faults.slow_ms = if delivery.faults.slow_ms == 0 { 2_000 } else { delivery.faults.slow_ms };
            ui.horizontal(|ui| {
                ui.label(dim(ui, "Slow means"));
                let value = DragValue::new(&mut delivery.faults.slow_ms).range(1..=Delivery::SLOWEST_MS).suffix(" ms").speed(50);
                ui.add(value).accessible_name("How late a slow webhook is");
            });
        }
        ui.horizontal(|ui| {
            ui.label(dim(ui, "Not taken: again"));
            let value = DragValue::new(&mut delivery.attempts).range(0..=20).speed(0.1);
            ui.add(value).accessible_name("How often a webhook that is not taken is sent again");
            ui.label(dim(ui, "times,"));
            let mut seconds = delivery.apart_ms as f64 / 1_000.0;
            let value = DragValue::new(&mut seconds).range(0.0..=3_600.0).max_decimals(1).suffix(" s").speed(0.5);
            if ui.add(value).accessible_name("How long between two attempts").changed() {
                delivery.apart_ms = (seconds * 1_000.0).round() as u64;
            }
            ui.label(dim(ui, "apart"));
        });
        if delivery != was {
            ctx.send(Msg::Steer(Box::new(Steer::Delivery(delivery))));
        }
    }

    fn list(&mut self, ui: &mut Ui, sandbox: &Handle) {
        let made = sandbox.attempts_made();
        if self.made != Some(made) {
            self.attempts = sandbox.last_attempts(LISTED);
            self.made = Some(made);
        }
        let colors = theme::colors(ui);
        let rect = ui.available_rect_before_wrap();
        let head = rect.with_max_y(rect.top() + extent::PANE_HEADER);
        within(ui, head.shrink2(vec2(space::M, 0.0)), Layout::left_to_right(Align::Center), |ui| {
            ui.label(RichText::new("Sent").font(font::medium(size::BODY)).color(colors.text.strong));
            let words =
                if made > LISTED as u64 { format!("the last {LISTED} of {}", plant::grouped(made)) } else { made.to_string() };
            ui.label(RichText::new(words).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
        });
        let below = rect.with_min_y(head.bottom());
        ui.scope_builder(UiBuilder::new().max_rect(below).id_salt("sent"), |ui| {
            if self.attempts.is_empty() {
                ui.horizontal(|ui| {
                    ui.add_space(space::M);
                    ui.label(dim(ui, "Nothing was sent yet. Set an address, then change a record."));
                });
                return;
            }
            ui.spacing_mut().item_spacing.y = 0.0;
            ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW, self.attempts.len(), |ui, range| {
                for attempt in self.attempts.get(range).unwrap_or_default() {
                    row(ui, attempt);
                }
            });
        });
    }
}

/// A switch, and once it is on the share that it strikes.
fn trouble(ui: &mut Ui, words: &str, share: &mut f64) {
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        let on = *share > 0.0;
        if switch::on_off(ui, words, on).clicked() {
            *share = if on { 0.0 } else { 1.0 };
        }
        if *share > 0.0 {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let mut percent = (*share * 100.0).round();
                let value = DragValue::new(&mut percent).range(1.0..=100.0).max_decimals(0).suffix(" %").speed(1);
                if ui.add(value).accessible_name(format!("{words}: of a hundred")).changed() {
                    *share = percent / 100.0;
                }
            });
        }
    });
}

/// What came of an attempt, in a word or two, and whether it was taken.
fn outcome(attempt: &Attempt) -> (String, bool) {
    match (attempt.attempt, attempt.status) {
        (0, _) => ("lost on purpose".to_owned(), false),
        (_, Some(status)) => (status.to_string(), (200..300).contains(&status)),
        (_, None) => ("no answer".to_owned(), false),
    }
}

/// What was done to it on purpose.
fn purpose(fault: &str) -> &'static str {
    match fault {
        "doubled" => "sent twice",
        "reordered" => "out of order",
        "forged" => "signed by a stranger",
        "unsigned" => "without a signature",
        "slow" => "slow",
        _ => "",
    }
}

fn row(ui: &mut Ui, attempt: &Attempt) {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let event = Event::find(&attempt.event).map_or_else(|| attempt.event.as_str(), |it| it.title.as_str());
    let (outcome, taken) = outcome(attempt);
    let mut parts = Vec::new();
    if attempt.attempt > 1 {
        parts.push(format!("attempt {}", attempt.attempt));
    }
    parts.extend(attempt.fault.map(purpose).filter(|it| !it.is_empty()).map(str::to_owned));
    parts.push(attempt.url.clone());
    let about = parts.join(", ");
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, format!("{event}, {outcome}, {about}")));
    if response.hovered() {
        ui.painter().rect_filled(rect, 0.0, colors.bg.hover);
    }
    let ink = if taken { colors.ok } else { colors.failed };
    let left = rect.left() + space::M;
    let (first, second) = (rect.top() + 14.0, rect.top() + 30.0);
    let mark = if taken { icon::CHECK_CIRCLE } else { icon::X_CIRCLE };
    ui.painter().text(pos2(left + 7.0, first), Align2::CENTER_CENTER, mark, font::icons_fill(14.0), ink.text);
    let right = pos2(rect.right() - space::M, first);
    let time =
        ui.painter().text(right, Align2::RIGHT_CENTER, words::clock(attempt.at), font::mono(size::MONO_SMALL), colors.text.dim);
    let said = pos2(time.left() - 8.0, first);
    let said = ui.painter().text(said, Align2::RIGHT_CENTER, &outcome, font::medium(size::SMALL), ink.text);
    let room = said.left() - left - 30.0;
    cut_text(ui, pos2(left + 22.0, first), event, font::regular(size::BODY), colors.text.strong, room);
    cut_text(ui, pos2(left + 22.0, second), &about, font::regular(size::SMALL), colors.text.dim, rect.width() - 46.0);
    if !attempt.error.is_empty() {
        response.on_hover_text(words::sentence(&attempt.error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_the_web_and_an_empty_one_sends_nothing() {
        assert_eq!(address("  "), Ok(None));
        assert_eq!(address(" http://127.0.0.1:1/x "), Ok(Some("http://127.0.0.1:1/x".to_owned())));
        for wrong in ["file:///etc/passwd", "127.0.0.1:80/x", "http:", "x"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_trouble_is_a_share_of_its_own() {
        let mut faults = DeliveryFaults::default();
        for (at, (_, share)) in TROUBLES.iter().enumerate() {
            *share(&mut faults) = 1.0;
            assert_eq!(on(&Delivery { faults, ..Delivery::default() }), at + 1);
        }
    }
}
