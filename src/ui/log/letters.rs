//! Dead letters: which are ticked, what can be done with them, and what one begins with, to be changed.
use std::collections::BTreeSet;

use eframe::egui::accesskit::Role;
use eframe::egui::{
    Align, Frame, Id, Layout, Margin, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo, pos2, vec2,
};
use serde_json::Value;

use super::rows;
use super::view::View;
use crate::engine::Mode;
use crate::engine::letters::Resend;
use crate::run::{Entry, RunId};
use crate::ui::archive::{Deal, Loaded};
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, line, radius, size, space};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim};

/// The side of the box that is ticked, and how much room it has.
const BOX: f32 = 14.0;
const ROOM: f32 = 34.0;

/// What a letter is to begin with instead, as a person types it.
#[derive(Debug)]
pub(crate) struct Editing {
    pub(crate) mode: Mode,
    run: RunId,
    flow: String,
    text: String,
}

impl Editing {
    /// Of a run that was read; none where what it began with is not kept.
    pub(super) fn of(mode: Mode, run: &Loaded) -> Option<Self> {
        let payload = run.entries.iter().find_map(|it| match it {
            Entry::Accepted { payload, .. } => Some(payload),
            _ => None,
        })?;
        let text = serde_json::to_string_pretty(payload).unwrap_or_default();
        Some(Self { mode, run: run.head.id, flow: run.head.flow_name.clone(), text })
    }
}

/// What can be done with those that are ticked; whether the one that is ticked is to be changed.
pub(super) fn bar(ui: &mut Ui, ctx: &Ctx<'_>, view: &mut View) -> bool {
    let mut edit = false;
    let ticked: Vec<RunId> = view.ticked.iter().copied().collect();
    let mode = view.mode;
    let some = !ticked.is_empty();
    ui.horizontal(|ui| {
        ui.set_min_height(extent::CONTROL);
        let words = if some { format!("{} ticked", rows::count(ticked.len(), "letter")) } else { "Tick letters to".to_owned() };
        ui.label(dim(ui, words));
        if some && button::flat(ui, None, "Untick").clicked() {
            view.ticked.clear();
        }
    });
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let button = |ui: &mut Ui, words: &str, help: &str, able: bool| {
            ui.add_enabled_ui(able, |ui| button::plain(ui, None, words).on_hover_text(help).clicked()).inner
        };
        let help = "Each becomes a new run in its place. Steps that were done are not done again.";
        if button(ui, "Resend", help, some) {
            ctx.send(Msg::Letters { mode, deal: Deal::Resend { runs: ticked.clone(), how: Resend::default() } });
        }
        edit = button(ui, "Edit…", "Change what the trigger gave, and resend it", ticked.len() == 1);
        if button(ui, "Put aside", "They stay in the log, and are no longer listed here", some) {
            ctx.send(Msg::Letters { mode, deal: Deal::PutAside { runs: ticked, aside: true } });
        }
    });
    edit
}

/// A box at the left of a row, in place of its mark; whether it was clicked.
pub(super) fn tick(ui: &Ui, row: Rect, id: Id, name: &str, all: &[RunId], ticked: &BTreeSet<RunId>) -> bool {
    let count = all.iter().filter(|it| ticked.contains(it)).count();
    let is_all = count == all.len() && count > 0;
    let place = Rect::from_min_size(row.min, vec2(ROOM, row.height()));
    let response = ui.interact(place, id, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_all, format!("Tick {name}")));
    let colors = theme::colors(ui);
    let square = Rect::from_center_size(pos2(row.left() + 18.0, row.top() + 15.0), vec2(BOX, BOX));
    let (fill, edge) =
        if count > 0 { (colors.accent.fill, colors.accent.fill) } else { (colors.bg.raised, colors.stroke.strong) };
    ui.painter().rect(square, radius::CHIP, fill, Stroke::new(line::HAIRLINE, edge), StrokeKind::Inside);
    if count > 0 {
        let mark = if is_all { icon::CHECK } else { icon::MINUS };
        let center = eframe::egui::Align2::CENTER_CENTER;
        ui.painter().text(square.center(), center, mark, font::icons(11.0), colors.text.on_accent);
    }
    button::focus_ring(ui, &response, square.expand(2.0));
    response.clicked()
}

/// Ticks all of these, or none of them where all were.
pub(super) fn toggle(ticked: &mut BTreeSet<RunId>, all: &[RunId]) {
    if all.iter().all(|it| ticked.contains(it)) {
        ticked.retain(|it| !all.contains(it));
    } else {
        ticked.extend(all);
    }
}

/// What the trigger gave, to be changed; false once that is over.
pub(super) fn editor(ui: &mut Ui, ctx: &Ctx<'_>, editing: &mut Editing) -> bool {
    let colors = theme::colors(ui);
    let mut stays = true;
    Frame::new().inner_margin(Margin::symmetric(space::L as i8, 14)).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        ui.label(font::title("Edit and resend").color(colors.text.strong));
        let words = format!(
            "What run {} of {} began with. The new run begins with what stands here; steps that were done are not done again.",
            editing.run, editing.flow
        );
        ui.label(dim(ui, words));
        let parsed = serde_json::from_str::<Value>(&editing.text);
        let height = (ui.available_height() - 64.0).max(80.0);
        ScrollArea::vertical().id_salt("letter").max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            let text =
                TextEdit::multiline(&mut editing.text).font(font::mono(size::MONO)).desired_width(f32::INFINITY).code_editor();
            ui.add(text.desired_rows(12)).accessible_name("What the trigger gives");
        });
        match &parsed {
            Ok(_) => ui.label(dim(ui, "It is JSON, as it has to be.")),
            Err(error) => {
                let words = format!("Line {}: {}", error.line(), without_place(&error.to_string()));
                ui.label(RichText::new(words).small().color(colors.failed.text))
            }
        };
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add_enabled_ui(parsed.is_ok(), |ui| {
                if button::primary(ui, Some(icon::PAPER_PLANE_TILT), "Resend with this").clicked()
                    && let Ok(event) = &parsed
                {
                    let how = Resend { event: Some(event.clone()), ..Resend::default() };
                    ctx.send(Msg::Letters { mode: editing.mode, deal: Deal::Resend { runs: vec![editing.run], how } });
                    stays = false;
                }
            });
            if button::flat(ui, None, "Cancel").clicked() {
                stays = false;
            }
        });
    });
    stays
}

/// What is wrong with a text, without the place that is said apart.
fn without_place(words: &str) -> &str {
    words.split_once(" at line ").map_or(words, |it| it.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_ticked_as_a_whole_and_unticked_where_all_of_it_was() {
        let of = |all: &[u64]| all.iter().map(|it| RunId(*it)).collect::<Vec<_>>();
        let mut ticked = BTreeSet::from([RunId(1)]);
        toggle(&mut ticked, &of(&[1, 2, 3]));
        assert_eq!(ticked.len(), 3);
        toggle(&mut ticked, &of(&[2, 3]));
        assert_eq!(ticked, BTreeSet::from([RunId(1)]));
        assert_eq!(without_place("expected value at line 1 column 2"), "expected value");
    }
}
