//! The runs of this session on the left, the steps of the chosen one on the right.
//!
//! Rows are plain data ([`rows`]), painted here.
mod rows;

use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Color32, Rect, Response, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use self::rows::{Mark, RunRow, StepRow};
use super::ctx::Ctx;
use super::document::{Document, Test};
use super::msg::Msg;
use super::theme::tokens::{extent, line, radius, size, space};
use super::theme::{self, Colors, font, icon};
use super::widgets::{button, cut_text, dim, nothing, pane};
use crate::run::RunId;

/// Shows the pane; what comes back is its head.
pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>, doc: &Document, hide: &mut dyn FnMut()) -> Response {
    let runs = rows::runs(ctx.live, ctx.now);
    let head = pane::head(ui, "Runs", &runs.len().to_string(), |ui| {
        if button::icon(ui, icon::X, "Hide the log").clicked() {
            hide();
        }
    });
    let rect = ui.available_rect_before_wrap();
    if runs.is_empty() {
        ui.scope_builder(UiBuilder::new().max_rect(rect.shrink(space::M)), |ui| {
            nothing(ui, icon::LIST_MAGNIFYING_GLASS, "No runs yet", "Test the flow to see its first run here.");
        });
        return head;
    }
    let chosen_id = ui.scope_id().with("chosen run");
    let kept: Option<RunId> = ui.data(|it| it.get_temp(chosen_id)).flatten();
    let shown = doc.test.as_ref().and_then(Test::run);
    // What a person chose stays chosen until another test begins.
    let last_test_id = ui.scope_id().with("last test");
    let last_test: Option<RunId> = ui.data(|it| it.get_temp(last_test_id)).flatten();
    let mut chosen = if shown.is_some() && shown != last_test { shown } else { kept.or(shown) };
    ui.data_mut(|it| it.insert_temp(last_test_id, shown));
    if chosen.is_none_or(|it| ctx.live.run(it).is_none()) {
        chosen = runs.first().map(|it| it.id);
    }
    let split = rect.left() + (rect.width() * 0.38).clamp(180.0, 320.0);
    let left = rect.with_max_x(split);
    let right = rect.with_min_x(split + 1.0);
    let colors = theme::colors(ui);
    ui.painter().vline(split, rect.y_range(), Stroke::new(line::HAIRLINE, colors.stroke.subtle));
    ui.scope_builder(UiBuilder::new().max_rect(left).id_salt("runs"), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().auto_shrink(false).show_rows(ui, extent::ROW_RUN, runs.len(), |ui, range| {
            for row in runs.get(range).unwrap_or_default() {
                if run_row(ui, row, chosen == Some(row.id)).clicked() {
                    chosen = Some(row.id);
                }
            }
        });
    });
    ui.data_mut(|it| it.insert_temp(chosen_id, chosen));
    let Some(play) = chosen.and_then(|it| ctx.live.run(it)) else { return head };
    ui.scope_builder(UiBuilder::new().max_rect(right).id_salt("steps"), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let flow = doc.test.as_ref().filter(|it| it.run() == Some(play.id)).map_or_else(|| doc.flow(), |it| &it.flow);
        let steps = rows::steps(play, flow, ctx.catalog, ctx.now);
        let whole = steps.iter().map(|it| it.end_ms).max().unwrap_or(0).max(1);
        ScrollArea::vertical().auto_shrink(false).show_rows(ui, extent::ROW_RUN, steps.len(), |ui, range| {
            for row in steps.get(range).unwrap_or_default() {
                if step_row(ui, row, whole).clicked() {
                    ctx.send(Msg::Select { doc: doc.id, nodes: vec![row.node.clone()], show: true });
                }
            }
        });
        if steps.is_empty() {
            ui.label(dim(ui, "Nothing has happened in it yet."));
        }
    });
    head
}

fn glyph(mark: Mark, colors: &Colors) -> (char, eframe::egui::FontId, Color32) {
    let fill = font::icons_fill(14.0);
    match mark {
        Mark::Running => (icon::PLAY_CIRCLE, fill, colors.accent.text),
        Mark::Waiting => (icon::CLOCK, fill, colors.waiting.mark),
        Mark::Parked => (icon::WARNING, fill, colors.waiting.mark),
        Mark::Done => (icon::CHECK_CIRCLE, fill, colors.ok.mark),
        Mark::Failed => (icon::X_CIRCLE, fill, colors.failed.mark),
        Mark::Cancelled => (icon::MINUS_CIRCLE, font::icons(14.0), colors.text.dim),
    }
}

fn run_row(ui: &mut Ui, row: &RunRow, chosen: bool) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_RUN), Sense::click());
    let name = format!("Run {} of {}, {}", row.time, row.name, row.mark.words());
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, &name));
    ground(ui, rect, &response, chosen);
    let (mark, font, color) = glyph(row.mark, colors);
    let y = rect.center().y;
    ui.painter().text(pos2(rect.left() + 18.0, y), Align2::CENTER_CENTER, mark, font, color);
    let time = pos2(rect.left() + 34.0, y);
    ui.painter().text(time, Align2::LEFT_CENTER, &row.time, font::mono(size::MONO_SMALL), colors.text.dim);
    let end = pos2(rect.right() - space::M, y);
    let took = ui.painter().text(end, Align2::RIGHT_CENTER, &row.took, font::mono(size::MONO_SMALL), colors.text.dim);
    let left = rect.left() + 98.0;
    cut_text(ui, pos2(left, y), &row.name, font::regular(size::BODY), colors.text.body, took.left() - left - 8.0);
    response
}

fn step_row(ui: &mut Ui, row: &StepRow, whole: u64) -> Response {
    let colors = theme::colors(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_RUN), Sense::click());
    response
        .widget_info(|| WidgetInfo::labeled(Role::ListItem, true, format!("{}, {}, {}", row.title, row.mark.words(), row.took)));
    ground(ui, rect, &response, false);
    if row.mark == Mark::Failed {
        ui.painter().rect_filled(rect, 0.0, colors.failed.tint);
    }
    let y = rect.center().y;
    let (mark, font, color) = glyph(row.mark, colors);
    ui.painter().text(pos2(rect.left() + 18.0, y), Align2::CENTER_CENTER, mark, font, color);
    let ink = row.hue.ink(colors);
    ui.painter().text(pos2(rect.left() + 38.0, y), Align2::CENTER_CENTER, row.icon, font::icons(14.0), ink.text);
    let names = (rect.width() * 0.4).clamp(90.0, 220.0);
    cut_text(ui, pos2(rect.left() + 50.0, y), &row.title, font::regular(size::BODY), colors.text.body, names - 56.0);
    let track = Rect::from_min_max(pos2(rect.left() + names, y - 4.0), pos2(rect.right() - 76.0, y + 4.0));
    if track.width() > 20.0 {
        let at = |ms: u64| track.left() + track.width() * (ms as f32 / whole as f32).min(1.0);
        let bar = Rect::from_min_max(
            pos2(at(row.start_ms), track.top()),
            pos2(at(row.end_ms).max(at(row.start_ms) + 2.0), track.bottom()),
        );
        let color = if row.mark == Mark::Failed { colors.failed.mark } else { ink.mark };
        ui.painter().rect_filled(bar, 1.5, color);
    }
    let end = pos2(rect.right() - space::M, y);
    ui.painter().text(end, Align2::RIGHT_CENTER, &row.took, font::mono(size::MONO_SMALL), colors.text.dim);
    response
}

fn ground(ui: &Ui, rect: Rect, response: &Response, chosen: bool) {
    let colors = theme::colors(ui);
    if chosen {
        ui.painter().rect_filled(rect, 0.0, colors.bg.selected);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 0.0, colors.bg.hover);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(
            rect,
            radius::CHIP,
            Stroke::new(line::FOCUS, colors.accent.ring),
            eframe::egui::StrokeKind::Inside,
        );
    }
}
