//! Letters that flows sent: kept here, since what is sent in the sandbox reaches nobody.
use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Align2, Frame, Layout, Margin, Rect, RichText, ScrollArea, Sense, Stroke, TextEdit, Ui, UiBuilder, WidgetInfo, pos2,
    vec2,
};
use serde_json::Value;

use super::{plant, rows};
use crate::sandbox::{Glance, Handle};
use crate::ui::theme::tokens::{extent, line, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text, dim, within};
use crate::ui::words;

/// Letters that are listed, the newest first.
const LISTED: usize = 500;
const ROW: f32 = 44.0;
/// The collection in which the sandbox keeps them.
const KEPT: &str = "letters";

/// Which fields of a letter are shown above its text, and what a person calls them.
const HEAD: [(&str, &str); 6] =
    [("to", "To"), ("cc", "Cc"), ("bcc", "Bcc"), ("from", "From"), ("reply_to", "Reply to"), ("sent", "Sent")];

/// How they are looked at.
#[derive(Debug, Default)]
pub(super) struct Letters {
    all: Vec<Line>,
    /// Of how many, and of what the list was made: the collection's version, and how often the sandbox became another.
    made: Option<(u64, u64)>,
    count: usize,
    /// The one that is read.
    open: Option<Value>,
}

/// A letter in the list.
#[derive(Debug)]
struct Line {
    id: String,
    subject: String,
    to: String,
    /// When it was sent, by the clock of this machine.
    time: String,
}

impl Line {
    fn of(letter: Glance) -> Self {
        let text = |at: usize| letter.values.get(at).and_then(Value::as_str).unwrap_or_default();
        let time = text(2).parse().map(words::clock).unwrap_or_default();
        let (subject, to) = (text(0).to_owned(), text(1).to_owned());
        Self { subject, to, time, id: letter.id }
    }
}

/// How many there are.
pub(super) fn count(sandbox: &Handle) -> usize {
    sandbox.count(KEPT)
}

fn text<'a>(letter: &'a Value, field: &str) -> &'a str {
    letter.get(field).and_then(Value::as_str).unwrap_or_default()
}

impl Letters {
    /// The pane; whether it was closed.
    pub(super) fn show(&mut self, ui: &mut Ui, sandbox: &Handle, changes: u64) -> bool {
        let now = (sandbox.version(KEPT), changes);
        if self.made != Some(now) {
            // What another sandbox held is gone.
            self.open.take_if(|_| self.made.is_some_and(|(_, before)| before != changes));
            let columns = ["subject", "to", "sent"];
            self.all = sandbox.last(KEPT, &columns, LISTED).into_iter().map(Line::of).collect();
            self.count = sandbox.count(KEPT);
            self.made = Some(now);
        }
        let read = self.open.as_ref();
        let rect = ui.available_rect_before_wrap();
        let head = rect.with_max_y(rect.top() + extent::PANE_HEADER);
        let (closed, back) = header(ui, head, read, self.count);
        let below = rect.with_min_y(head.bottom());
        let opened = ui.scope_builder(UiBuilder::new().max_rect(below).id_salt("letters"), |ui| match read {
            Some(letter) => {
                one(ui, letter);
                None
            }
            None => list(ui, &self.all),
        });
        if let Some(id) = opened.inner {
            self.open = sandbox.record(KEPT, &id);
        } else if back {
            self.open = None;
        }
        closed
    }
}

/// Whether the pane was closed, and whether the letter was.
fn header(ui: &mut Ui, rect: Rect, read: Option<&Value>, count: usize) -> (bool, bool) {
    let colors = theme::colors(ui);
    let (mut closed, mut back) = (false, false);
    within(ui, rect.shrink2(vec2(space::M, 0.0)), Layout::left_to_right(Align::Center), |ui| {
        if read.is_some() {
            back = button::icon(ui, icon::CARET_LEFT, "All letters").clicked();
        }
        ui.label(font::heading(if read.is_some() { "Letter" } else { "Letters" }).color(colors.text.strong));
        if read.is_none() {
            let number = plant::grouped(count as u64);
            let words = if count > LISTED { format!("the last {LISTED} of {number}") } else { number };
            ui.label(RichText::new(words).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            closed = button::icon(ui, icon::X, "Close the letters").clicked();
        });
    });
    ui.painter().hline(rect.x_range(), rect.bottom(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    (closed, back)
}

/// All of them; the one that was chosen.
fn list(ui: &mut Ui, all: &[Line]) -> Option<String> {
    if all.is_empty() {
        Frame::new().inner_margin(Margin::symmetric(space::M as i8, space::M as i8)).show(ui, |ui| {
            ui.label(dim(ui, "Nothing was sent yet. What a flow sends by mail in a test is kept here, and reaches nobody."));
        });
        return None;
    }
    let mut chosen = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW, all.len(), |ui, range| {
        for letter in all.get(range).unwrap_or_default() {
            if row(ui, letter) {
                chosen = Some(letter.id.clone());
            }
        }
    });
    chosen
}

fn row(ui: &mut Ui, letter: &Line) -> bool {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let Line { subject, to, time, .. } = letter;
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, format!("Letter: {subject}, to {to}")));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 0.0, colors.bg.hover);
    }
    button::focus_ring(ui, &response, rect);
    let (first, second) = (rect.top() + 14.0, rect.top() + 30.0);
    let left = rect.left() + space::M;
    let right = pos2(rect.right() - space::M, first);
    let time = ui.painter().text(right, Align2::RIGHT_CENTER, time, font::mono(size::MONO_SMALL), colors.text.dim);
    let room = time.left() - left - space::S;
    cut_text(ui, pos2(left, first), subject, font::medium(size::BODY), colors.text.strong, room);
    cut_text(ui, pos2(left, second), to, font::regular(size::SMALL), colors.text.dim, rect.width() - 2.0 * space::M);
    response.clicked()
}

/// One letter, all of it; its text can be marked and copied.
fn one(ui: &mut Ui, letter: &Value) {
    let colors = theme::colors(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(space::M as i8, space::M as i8)).show(ui, |ui| {
            ui.label(font::heading(text(letter, "subject")).color(colors.text.strong));
            ui.scope(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.spacing_mut().interact_size.y = 16.0;
                for (field, name) in HEAD {
                    let value = text(letter, field).to_owned();
                    if !value.is_empty() {
                        let value = if field == "sent" { rows::cell(&value.into()) } else { value };
                        ui.horizontal_wrapped(|ui| {
                            ui.label(dim(ui, name));
                            ui.label(RichText::new(value).small().color(colors.text.body));
                        });
                    }
                }
            });
            for (field, name) in [("text", "Text of the letter"), ("html", "HTML of the letter")] {
                let mut value = text(letter, field);
                if value.is_empty() {
                    continue;
                }
                ui.add_space(space::S);
                if field == "html" {
                    ui.label(dim(ui, "HTML"));
                }
                let face = if field == "html" { font::mono(size::MONO_SMALL) } else { font::regular(size::BODY) };
                ui.add(TextEdit::multiline(&mut value).font(face).desired_rows(4).desired_width(f32::INFINITY))
                    .accessible_name(name);
            }
        });
    });
}
