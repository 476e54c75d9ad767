//! Notes.
use eframe::egui::accesskit::Role;
use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::hold;
use crate::ui::canvas::board::Sheet;
use crate::ui::canvas::card::Pen;
use crate::ui::canvas::view::{Drag, Named};
use crate::ui::canvas::{Stage, pointer};
use crate::ui::theme::font;
use crate::ui::theme::tokens::{line, size};

pub(super) fn sheets(ui: &mut Ui, stage: &mut Stage<'_>, pen: &Pen<'_>, seen: Rect) {
    let board = std::sync::Arc::clone(stage.board);
    for sheet in &board.sheets {
        let selected = stage.view.selection.notes.contains(&sheet.id);
        let mut rect = sheet.rect;
        match &stage.view.drag {
            Drag::Move { delta, .. } if selected => rect = rect.translate(*delta),
            Drag::Resize { note, size } if *note == sheet.id => rect.max = rect.min + *size,
            _ => {}
        }
        if !seen.intersects(rect) {
            continue;
        }
        let response = ui.interact(pen.t * rect, stage.id.with(("note", &sheet.id)), Sense::click_and_drag());
        let first = sheet.text.lines().next().unwrap_or_default();
        response.widget_info(|| WidgetInfo::labeled(Role::Note, true, format!("Note: {first}")));
        draw_sheet(pen, sheet, rect, selected, response.hovered());
        if response.double_clicked() {
            super::super::menu::rename(stage, Named::Note(sheet.id.clone()));
        } else {
            let id = sheet.id.clone();
            hold(
                ui,
                stage,
                &response,
                move |it, add| {
                    if add && it.notes.contains(&id) {
                        it.notes.remove(&id);
                    } else {
                        it.notes.insert(id.clone());
                    }
                },
                selected,
            );
        }
        super::super::menu::on_things(&response, stage);
        if selected {
            pointer::resize_note(ui, stage, pen, sheet, rect);
        }
    }
}

fn draw_sheet(pen: &Pen<'_>, sheet: &Sheet, rect: Rect, selected: bool, hovered: bool) {
    let colors = pen.colors;
    let screen = pen.t * rect;
    let edge = if selected {
        Stroke::new(line::SELECT, colors.accent.ring)
    } else {
        Stroke::new(line::HAIRLINE, if hovered { colors.stroke.strong } else { colors.stroke.usual })
    };
    pen.painter.rect(screen, pen.corner(6.0), colors.bg.hover, edge, StrokeKind::Inside);
    if pen.t.scaling < 0.3 {
        return;
    }
    let mut job = LayoutJob::default();
    for (at, text) in sheet.text.lines().enumerate() {
        let font = if at == 0 { font::semibold } else { font::regular };
        let color = if at == 0 { colors.text.strong } else { colors.text.body };
        let mut format = TextFormat::simple(font(pen.font_size(size::SMALL)), color);
        format.line_height = Some(size::SMALL_LINE * pen.t.scaling);
        job.append(if at == 0 { "" } else { "\n" }, 0.0, format.clone());
        job.append(text, 0.0, format);
    }
    let rows = ((rect.height() - 16.0) / size::SMALL_LINE).floor().max(1.0) as usize;
    job.wrap = TextWrapping { max_width: pen.s(rect.width() - 20.0), max_rows: rows, ..TextWrapping::default() };
    let galley = pen.painter.layout_job(job);
    pen.painter.galley(screen.min + vec2(pen.s(10.0), pen.s(8.0)), galley, colors.text.body);
}
