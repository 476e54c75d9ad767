//! The locations of an agency: a person chooses those that become connections.
use eframe::egui::{TextEdit, Ui};

use super::pane::{foot, frame, waits};
use super::{Connections, Locations, details};
use crate::accounts::Location;
use crate::ui::behind::AccountJob;
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::widgets::dim;

/// Shows them; whether the pane stays.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, state: &Connections, it: &mut Locations) -> bool {
    let name = state.name(&it.agency);
    let (mut stays, ()) =
        frame(ui, &format!("Locations of {name}"), "Each becomes a connection of its own", |ui| match &it.told {
            None => waits(ui, "Reading the locations…"),
            Some(Err(failure)) => details::failed(ui, failure),
            Some(Ok(all)) if all.is_empty() => drop(ui.label(dim(ui, "The agency has no locations."))),
            Some(Ok(all)) => {
                let field = TextEdit::singleline(&mut it.query).hint_text("Find a location").desired_width(f32::INFINITY);
                ui.add(field).accessible_name("Find a location");
                let words = it.query.trim().to_lowercase();
                for location in all.iter().filter(|it| it.name.to_lowercase().contains(&words) || it.id.to_lowercase() == words) {
                    let known = location.connection.is_some();
                    let mut on = known || it.wanted.contains(&location.id);
                    let changed =
                        ui.add_enabled_ui(!known && !it.busy, |ui| ui.checkbox(&mut on, &location.name).changed()).inner;
                    let about = match (&location.connection, &location.zone) {
                        (Some(id), _) => format!("is there already, as {}", state.name(id)),
                        (None, Some(zone)) => format!("{}, {zone}", location.id),
                        (None, None) => location.id.clone(),
                    };
                    ui.label(dim(ui, about));
                    if changed && on {
                        it.wanted.insert(location.id.clone());
                    } else if changed {
                        it.wanted.remove(&location.id);
                    }
                }
            }
        });
    let words = if it.wanted.is_empty() { "Add".to_owned() } else { format!("Add {}", count(it.wanted.len(), "location")) };
    if foot(ui, &words, !it.wanted.is_empty() && !it.busy, &mut stays)
        && let Some(Ok(all)) = &it.told
    {
        let wanted: Vec<Location> = all.iter().filter(|one| it.wanted.contains(&one.id)).cloned().collect();
        it.busy = true;
        ctx.send(Msg::Account(Box::new(AccountJob::AddLocations(it.agency.clone(), wanted))));
    }
    stays
}
