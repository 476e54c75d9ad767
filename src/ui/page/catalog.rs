//! Everything that can be called, to look around in.
use eframe::egui::accesskit::Role;
use eframe::egui::{Align2, Frame, Margin, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::ui::canvas::kind::{Hue, operation_icon};
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::theme::tokens::{extent, radius, size, space};
use crate::ui::theme::{self, font};
use crate::ui::widgets::{cut_text, dim};

pub(crate) fn show(ui: &mut Ui, ctx: &Ctx<'_>) {
    let colors = theme::colors(ui);
    Frame::new().inner_margin(Margin { left: space::XXL as i8, right: space::XXL as i8, top: 28, bottom: 8 }).show(ui, |ui| {
        let query_id = ui.scope_id().with("catalog query");
        let mut query: String = ui.data(|it| it.get_temp(query_id)).unwrap_or_default();
        let found = ctx.catalog.search(&query);
        ui.horizontal(|ui| {
            ui.label(font::title("Catalog").color(colors.text.strong));
            ui.label(RichText::new(found.len().to_string()).font(font::mono(size::MONO_SMALL)).color(colors.text.dim));
        });
        ui.label(dim(ui, "What a step can do. Add one on the canvas by a double click or with A."));
        let edit = TextEdit::singleline(&mut query)
            .hint_text("Find, for example: new appointment")
            .desired_width(320.0)
            .margin(Margin::symmetric(8, 6));
        if ui.add(edit).accessible_name("Find in the catalog").changed() {
            ui.data_mut(|it| it.insert_temp(query_id, query.clone()));
        }
        ui.add_space(4.0);
        if found.is_empty() {
            ui.label(dim(ui, "Nothing is called that. Try the name of a record, such as contact or event."));
        }
        let row = extent::ROW_LIST;
        ScrollArea::vertical().auto_shrink(false).show_rows(ui, row, found.len(), |ui, range| {
            for hit in found.get(range).unwrap_or_default() {
                let Some((connector, operation)) = ctx.catalog.operation(&hit.operation) else { continue };
                let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), row), Sense::hover());
                let name = format!("{}, {}", operation.title, connector.title);
                response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &name));
                if response.hovered() {
                    ui.painter().rect_filled(rect, radius::CHIP, colors.bg.hover);
                }
                let ink = Hue::of(&connector.id).ink(colors);
                let tile = Rect::from_center_size(pos2(rect.left() + 20.0, rect.center().y), Vec2::splat(26.0));
                ui.painter().rect_filled(tile, 6.0, ink.tint);
                ui.painter().text(tile.center(), Align2::CENTER_CENTER, operation_icon(operation), font::icons(16.0), ink.text);
                let left = tile.right() + 10.0;
                let needs = operation.inputs.iter().filter(|it| it.required && it.fixed.is_none()).count();
                let meta = format!(
                    "{} · {}",
                    connector.title,
                    if needs == 0 { "nothing needed".to_owned() } else { count(needs, "field") }
                );
                let right = rect.right_center() - vec2(10.0, 0.0);
                let owner = ui.painter().text(right, Align2::RIGHT_CENTER, meta, font::regular(size::SMALL), colors.text.dim);
                let room = owner.left() - left - 12.0;
                let help = if operation.help.is_empty() { operation.group.as_str() } else { operation.help.as_str() };
                cut_text(ui, pos2(left, rect.top() + 14.0), &operation.title, font::medium(size::BODY), colors.text.strong, room);
                cut_text(ui, pos2(left, rect.top() + 31.0), help, font::regular(size::SMALL), colors.text.dim, room);
            }
        });
    });
}
