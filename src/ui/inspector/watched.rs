//! What a person says of files and tables that a flow starts from: which, and what of them counts.
use eframe::egui::Ui;

use super::fields::Fields;
use super::settings::{line, on_off};
use crate::flow::{Each, Watched};
use crate::ui::msg::Msg;
use crate::ui::theme::icon;
use crate::ui::widgets::{button, dim, switch};

/// The form; true where something was changed, and `gesture` is what is typed into.
pub(super) fn show(ui: &mut Ui, fields: &Fields<'_>, watched: &mut Watched, gesture: &mut Option<String>) -> bool {
    let mut changed = false;
    ui.label(dim(ui, "Starts for each"));
    let current = usize::from(watched.each == Each::Row);
    if let Some(chosen) = switch::segments(ui, "Starts for each", &["New file in a folder", "New row of a table"], current)
        && chosen != current
    {
        watched.each = if chosen == 0 { Each::File } else { Each::Row };
        watched.path.clear();
        changed = true;
    }
    let (label, hint, choose) = match watched.each {
        Each::File => ("Folder", "/home/ann/in", "Choose a folder\u{2026}"),
        Each::Row => ("Table, as CSV", "/home/ann/leads.csv", "Choose a table\u{2026}"),
    };
    if line(ui, fields, label, hint, &mut watched.path) {
        (changed, *gesture) = (true, Some("path".to_owned()));
    }
    if button::flat(ui, Some(icon::FOLDER_OPEN), choose).clicked() {
        fields.ctx.send(Msg::ChooseWatched { doc: fields.doc.id, node: fields.id.clone(), each: watched.each });
    }
    if watched.each == Each::File && line(ui, fields, "Which files; empty for all", "*.pdf, *.csv", &mut watched.names) {
        (changed, *gesture) = (true, Some("names".to_owned()));
    }
    if on_off(ui, "Take what is there already too", &mut watched.all) {
        (changed, *gesture) = (true, None);
    }
    ui.label(dim(
        ui,
        match watched.each {
            Each::File => "A file counts once nobody writes to it any more. What is hidden, or still being loaded, does not.",
            Each::Row => "The first line names the columns. Rows are read once their line has ended; where the table is written anew, what is new in it counts.",
        },
    ));
    changed
}
