//! The records of a flow, and whether a step's fields can be filled in each: the strip at the head.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, CornerRadius, Id, Label, Layout, Pos2, Rect, RichText, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::fields::{Fields, Form};
use super::form::{Field, Line};
use crate::catalog::Catalog;
use crate::flow::{Binding, Flow, Node, NodeId};
use crate::run::RunId;
use crate::ui::ctx::Ctx;
use crate::ui::document::Document;
use crate::ui::live::Play;
use crate::ui::samples::{RECORDS, Samples, Worth, worth};
use crate::ui::theme::tokens::{line, size};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim};

/// A mark of the strip, and the gap beside it.
const DOT: f32 = 6.0;
const GAP: f32 = 3.0;
/// Verdicts wait so long, in seconds, for more to be typed.
const SETTLE: f64 = 0.3;
/// So long until it is looked again whether a large sample is read.
pub(super) const READING: Duration = Duration::from_millis(30);

/// The places of fields that cannot be filled in a record.
pub(super) type Broken = Arc<BTreeSet<String>>;

/// Which record is looked at, and how each fares.
#[derive(Debug, Default)]
pub(super) struct Strip {
    /// None is the newest.
    chosen: Option<RunId>,
    newest: Option<RunId>,
    /// Of which flow and step the verdicts are.
    of: Option<(Arc<Flow>, NodeId)>,
    /// The fields that could not be filled, by run; with how much of the run was there.
    verdicts: BTreeMap<RunId, (usize, Broken)>,
    samples: Samples,
    /// When the flow was other last.
    changed: f64,
}

impl Strip {
    /// The record that is looked at, and its place, the newest first.
    pub(super) fn current<'a>(&mut self, records: &[&'a Play]) -> Option<(usize, &'a Play)> {
        let newest = records.first().map(|it| it.id);
        if newest != self.newest {
            // Something ran: that is what a person wants to see.
            self.newest = newest;
            self.chosen = None;
        }
        let at = self.chosen.and_then(|it| records.iter().position(|play| play.id == it)).unwrap_or(0);
        records.get(at).map(|it| (at, *it))
    }

    /// What is known of each record, the newest first.
    pub(super) fn verdicts(&self, records: &[&Play]) -> Vec<Option<Broken>> {
        records.iter().map(|it| self.verdicts.get(&it.id).map(|it| Arc::clone(&it.1))).collect()
    }

    /// Works out one verdict more, unless the flow was changed in this very frame, or a moment ago by someone who types.
    pub(super) fn judge(&mut self, ui: &Ui, ctx: &Ctx<'_>, doc: &Document, id: &NodeId, records: &[&Play], typing: bool) {
        let now = ui.input(|it| it.time);
        let same = self.of.as_ref().is_some_and(|it| Arc::ptr_eq(&it.0, doc.flow()) && it.1 == *id);
        if !same {
            self.of = Some((Arc::clone(doc.flow()), id.clone()));
            self.verdicts.clear();
            self.changed = now;
            if records.len() > 1 {
                ui.ctx().request_repaint();
            }
            return;
        }
        let left = SETTLE - (now - self.changed);
        if typing && left > 0.0 {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(left + 0.01));
            return;
        }
        let open = |it: &&&Play| self.verdicts.get(&it.id).is_none_or(|known| known.0 != it.steps.len());
        let Some(play) = records.iter().find(open) else { return };
        let Some(node) = doc.flow().nodes.get(id) else { return };
        let broken = broken(&mut self.samples, ctx, doc, id, node, play);
        if self.samples.is_reading() {
            ui.ctx().request_repaint_after(READING);
            return;
        }
        self.verdicts.insert(play.id, (play.steps.len(), Arc::new(broken)));
        ui.ctx().request_repaint();
    }

    /// Where one is, and the way to the others.
    pub(super) fn show(&mut self, ui: &mut Ui, records: &[&Play], now: Option<bool>) {
        let colors = theme::colors(ui);
        let Some((at, play)) = self.current(records) else {
            ui.horizontal(|ui| {
                ui.add_space(12.0);
                ui.label(RichText::new("No record yet").font(font::medium(size::SMALL)).color(colors.text.body));
                let words = "Values are examples until the flow is tested.";
                ui.add(Label::new(dim(ui, words)).truncate()).on_hover_text(words);
            });
            return;
        };
        let words = format!("Record {} of {}", at + 1, records.len());
        let broken = records.iter().filter(|it| self.verdicts.get(&it.id).is_some_and(|it| !it.1.is_empty())).count();
        let mut go = None;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.add_space(6.0);
            ui.add_enabled_ui(at + 1 < records.len(), |ui| {
                if button::icon(ui, icon::CARET_LEFT, "Earlier record").clicked() {
                    go = Some(at + 1);
                }
            });
            ui.label(RichText::new(&words).font(font::medium(size::SMALL)).color(colors.text.body));
            ui.add_enabled_ui(at > 0, |ui| {
                if button::icon(ui, icon::CARET_RIGHT, "Later record").clicked() {
                    go = Some(at - 1);
                }
            });
            if let Some(started) = play.started {
                ui.label(dim(ui, crate::ui::words::clock(started)));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(12.0);
                if broken > 0 && ui.available_width() > 200.0 {
                    ui.label(RichText::new(format!("breaks in {broken} of {}", records.len())).small().color(colors.failed.text));
                }
                if let Some(to) = self.dots(ui, records, at, now) {
                    go = Some(to);
                }
            });
        });
        if let Some(to) = go.and_then(|it| records.get(it)) {
            self.chosen = Some(to.id);
        }
    }

    /// The oldest on the left: round works, square breaks, the ring is where one is.
    fn dots(&self, ui: &mut Ui, records: &[&Play], at: usize, now: Option<bool>) -> Option<usize> {
        let colors = theme::colors(ui);
        let count = records.len().min(RECORDS);
        let width = count as f32 * (DOT + GAP) + 4.0;
        let (rect, response) = ui.allocate_exact_size(vec2(width, 20.0), Sense::click());
        let verdict = |nth: usize| {
            let known = records.get(nth).and_then(|it| self.verdicts.get(&it.id)).map(|it| it.1.is_empty());
            if nth == at { now.or(known) } else { known }
        };
        let broken: Vec<String> = (0..count).filter(|it| verdict(*it) == Some(false)).map(|it| (it + 1).to_string()).collect();
        let told = if broken.is_empty() {
            "Works in every record".to_owned()
        } else {
            format!("Breaks in record {}", broken.join(", "))
        };
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &told));
        let place = |nth: usize| -> Pos2 {
            pos2(rect.left() + 4.0 + (count - 1 - nth) as f32 * (DOT + GAP) + DOT / 2.0, rect.center().y)
        };
        for nth in 0..count {
            let middle = place(nth);
            match verdict(nth) {
                Some(true) => drop(ui.painter().circle_filled(middle, DOT / 2.0, colors.ok.mark)),
                Some(false) => {
                    let square = Rect::from_center_size(middle, Vec2::splat(DOT));
                    ui.painter().rect_filled(square, CornerRadius::ZERO, colors.failed.mark);
                }
                None => drop(ui.painter().circle_stroke(middle, DOT / 2.0 - 0.5, Stroke::new(line::HAIRLINE, colors.text.faint))),
            }
            if nth == at {
                ui.painter().circle_stroke(middle, DOT / 2.0 + 2.0, Stroke::new(1.5, colors.text.strong));
            }
        }
        let pressed = response.clicked().then(|| response.interact_pointer_pos()).flatten();
        let chosen =
            pressed.map(|it| (0..count).min_by(|a, b| (place(*a).x - it.x).abs().total_cmp(&(place(*b).x - it.x).abs())));
        response.on_hover_text(told);
        chosen.flatten()
    }
}

/// The fields of a step that cannot be filled in a record.
fn broken(samples: &mut Samples, ctx: &Ctx<'_>, doc: &Document, id: &NodeId, node: &Node, play: &Play) -> BTreeSet<String> {
    let known = samples.known(doc, id, Some(play), ctx.live, ctx.catalog, ctx.now);
    let sight = known.at(id);
    let is_broken = |(place, binding): (String, &Binding)| {
        let found = if place == "collect" { worth(binding, &known.inside(id)) } else { worth(binding, &sight) };
        matches!(found, Worth::Wrong(_)).then_some(place)
    };
    node.kind.bindings().into_iter().filter_map(is_broken).collect()
}

/// How one field fares in each record, the newest on the right, as the strip at the head shows it for all; returns its width.
pub(super) fn field_dots(ui: &Ui, right: Pos2, records: &[Option<Broken>], field: &Field) -> f32 {
    let colors = theme::colors(ui);
    let (dot, step) = (4.0, 6.0);
    let place = field.path.to_string();
    let width = records.len() as f32 * step;
    let mut broken = Vec::new();
    for (nth, verdict) in records.iter().enumerate() {
        let middle = right - vec2(dot / 2.0 + nth as f32 * step, 0.0);
        match verdict.as_ref().map(|it| it.contains(&place)) {
            Some(false) => drop(ui.painter().circle_filled(middle, dot / 2.0, colors.ok.mark)),
            Some(true) => {
                broken.push((nth + 1).to_string());
                let square = Rect::from_center_size(middle, Vec2::splat(dot + 1.0));
                ui.painter().rect_filled(square, CornerRadius::ZERO, colors.failed.mark);
            }
            None => drop(ui.painter().circle_stroke(middle, dot / 2.0 - 0.5, Stroke::new(line::HAIRLINE, colors.text.faint))),
        }
    }
    let told =
        if broken.is_empty() { "works in every record".to_owned() } else { format!("breaks in record {}", broken.join(", ")) };
    let told = format!("{} {told}", field.label);
    let area = Rect::from_min_max(right - vec2(width, 7.0), right + vec2(0.0, 7.0));
    let response = ui.interact(area, Id::unique(("records of a field", &place)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &told));
    response.on_hover_text(told);
    width
}

/// Whether every field can be filled in the record that is looked at, from what was worked out for the form.
pub(super) fn now_fills(fields: &Fields<'_>, form: &mut Form) -> bool {
    let lines = form.lines(fields.node, fields.ctx);
    lines.iter().all(|it| match it {
        Line::Field(field) if field.depth == 0 => match &field.binding {
            Some(binding) => !matches!(fields.worth(form, &field.path, binding), Worth::Wrong(_)),
            None => true,
        },
        _ => true,
    })
}

/// What a step is, for its head.
pub(super) fn kind_of(node: &Node, catalog: &Catalog) -> String {
    super::form::kind_words(&node.kind, catalog)
}
