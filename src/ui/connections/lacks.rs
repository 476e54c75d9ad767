//! What the accounts of a flow lack of what was chosen by name, and making it there once a person agrees.
use eframe::egui::accesskit::Role;
use eframe::egui::{Frame, Label, Margin, RichText, Sense, Ui, WidgetInfo, vec2};

use super::{Checked, Connections, details};
use crate::accounts::{Had, Lack, Made, Presence, Way};
use crate::flow::FlowId;
use crate::ui::behind::AccountJob;
use crate::ui::canvas::sentence::count;
use crate::ui::ctx::Ctx;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::{extent, radius, size};
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, cut_text, dim};
use crate::ui::words;

/// Shows it for a flow in an environment, once it was looked for.
pub(super) fn show(ui: &mut Ui, ctx: &Ctx<'_>, state: &mut Connections, key: &(FlowId, String)) {
    // What the rows are about is named while they are changed.
    let Some(mut checked) = state.checks.remove(key) else { return };
    match &checked.told {
        None => {}
        Some(Err(failure)) => details::failed(ui, failure),
        Some(Ok((had, _))) if had.is_empty() => {
            ui.label(dim(ui, "Nothing in this flow was chosen by name from a list of an account."));
        }
        Some(Ok((had, _))) => {
            let missing = had.iter().map(|it| if let Presence::Missing { names } = &it.presence { names.len() } else { 0 });
            let words = match missing.sum() {
                0 => "Nothing that was chosen by name is known to be missing.".to_owned(),
                missing => format!("{} missing", count(missing, "value")),
            };
            ui.label(RichText::new(words).small().color(theme::colors(ui).text.body));
            ui.scope(|ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for it in had {
                    row(ui, &state.name(&it.connection), it);
                }
            });
        }
    }
    makings(ui, ctx, &mut checked);
    state.checks.insert(key.clone(), checked);
}

fn row(ui: &mut Ui, account: &str, it: &Had) {
    let colors = theme::colors(ui);
    let (mark, ink, words) = match &it.presence {
        Presence::Same => (icon::CHECK, colors.ok.text, "is there".to_owned()),
        Presence::ByName => (icon::CHECK, colors.ok.text, "is there, another one of that name".to_owned()),
        Presence::Missing { names } => {
            let list: Vec<_> = names.iter().map(|it| format!("“{it}”")).collect();
            let verb = if list.len() == 1 { "is" } else { "are" };
            (icon::X, colors.failed.text, format!("{} {verb} missing", list.join(", ")))
        }
        Presence::Unknown { why } => (icon::QUESTION, colors.waiting.text, format!("cannot be told: {why}")),
    };
    // What is missing is named already.
    let names = if matches!(it.presence, Presence::Missing { .. }) { String::new() } else { format!("{} ", it.names.join(", ")) };
    let place = format!("{} of “{}”", it.field, it.step);
    let said = format!("{account}, {place}: {names}{words}");
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), extent::ROW_RUN), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ListItem, true, &said));
    let small = || font::regular(size::SMALL);
    let (left, width) = (rect.left_center(), rect.width());
    ui.painter().text(left + vec2(8.0, 0.0), eframe::egui::Align2::CENTER_CENTER, mark, font::icons(13.0), ink);
    cut_text(ui, left + vec2(22.0, 0.0), account, small(), colors.text.strong, width * 0.2);
    cut_text(ui, left + vec2(22.0 + width * 0.22, 0.0), &place, small(), colors.text.dim, width * 0.26);
    cut_text(ui, left + vec2(22.0 + width * 0.5, 0.0), &format!("{names}{words}"), small(), ink, width * 0.48 - 22.0);
    response.on_hover_text(said);
}

/// What can be made, one by one or all of it.
fn makings(ui: &mut Ui, ctx: &Ctx<'_>, checked: &mut Checked) {
    let Some(Ok((_, lacks))) = &checked.told else { return };
    if lacks.is_empty() {
        return;
    }
    let open: Vec<usize> = lacks
        .iter()
        .enumerate()
        .filter(|(at, it)| matches!(it.way, Way::Make { .. }) && !checked.made.contains_key(at))
        .map(|(at, _)| at)
        .collect();
    let mut asking = std::mem::take(&mut checked.asking);
    let asked = |asking: &[usize]| -> Vec<(usize, Lack)> {
        asking.iter().filter_map(|at| Some((*at, lacks.get(*at)?.clone()))).collect()
    };
    let (mut said, mut shown) = (None, false);
    for (at, lack) in lacks.iter().enumerate() {
        if making(ui, lack, checked.made.get(&at), asking.is_empty()) {
            asking = vec![at];
        }
        // Where one is meant, it is asked below its line.
        if asking == [at] {
            shown = true;
            said = agree(ui, &asked(&asking));
        }
    }
    if asking.is_empty() && open.len() > 1 && button::plain(ui, Some(icon::PLUS), "Create all…").clicked() {
        asking = open;
    }
    if !asking.is_empty() && !shown {
        said = agree(ui, &asked(&asking));
    }
    let agreed = (said == Some(true)).then(|| asked(&asking));
    if said.is_some() {
        asking.clear();
    }
    checked.asking = asking;
    if let Some(lacks) = agreed {
        checked.made.extend(lacks.iter().map(|(at, _)| (*at, None)));
        ctx.send(Msg::Account(Box::new(AccountJob::Make { ticket: checked.ticket, lacks })));
    }
}

/// One that is missing; true where a person wants it made.
fn making(ui: &mut Ui, lack: &Lack, made: Option<&Option<Result<Made, crate::record::Failure>>>, can_ask: bool) -> bool {
    let colors = theme::colors(ui);
    let title = format!("{}: {} “{}”", lack.account, lack.what, lack.name);
    let mut wanted = false;
    ui.horizontal(|ui| {
        ui.set_min_height(extent::CONTROL);
        ui.label(RichText::new(&title).small().color(colors.text.strong));
        let note =
            |ui: &mut Ui, words: &str, color| drop(ui.add(Label::new(RichText::new(words).small().color(color)).truncate()));
        match (made, &lack.way) {
            (None, Way::ByHand { why }) => note(ui, why, colors.text.dim),
            (None, Way::Make { .. }) => {
                ui.add_enabled_ui(can_ask, |ui| {
                    let response = button::plain(ui, Some(icon::PLUS), "Create…");
                    wanted = response.clicked();
                    response.accessible_name(format!("Create {title}"));
                });
            }
            (Some(None), _) => note(ui, "Making it…", colors.text.dim),
            (Some(Some(Ok(made))), way) => {
                let then = match way {
                    Way::Make { then, .. } if *made != Made::WasThere => then.as_str(),
                    _ => "",
                };
                let (words, color) = match made {
                    Made::Made => ("It is there now.", colors.ok.text),
                    Made::WasThere => ("It was made meanwhile.", colors.ok.text),
                    Made::NotListed => ("It was made, and is not in the account's list yet.", colors.waiting.text),
                };
                note(ui, &format!("{words} {then}"), color);
            }
            (Some(Some(Err(failure))), _) => {
                let words = words::sentence(&words::without_commands(&failure.to_string()));
                note(ui, &words, colors.failed.text);
            }
        }
    });
    wanted
}

/// What would be sent; whether a person agrees, once they have said so.
fn agree(ui: &mut Ui, asked: &[(usize, Lack)]) -> Option<bool> {
    let colors = theme::colors(ui);
    let mut said = None;
    Frame::new().fill(colors.waiting.tint).corner_radius(radius::BASE).inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 3.0;
        for (_, lack) in asked {
            let Way::Make { title, like, .. } = &lack.way else { continue };
            let pattern =
                like.as_ref().map_or_else(|| ", new: no account here has it".to_owned(), |it| format!(", as {it} has it"));
            let words = format!("“{title}” on {}{pattern}:", lack.account);
            ui.label(RichText::new(words).font(font::medium(size::SMALL)).color(colors.text.strong));
            for line in lack.sent() {
                ui.add(Label::new(RichText::new(line).font(font::mono(size::MONO_SMALL)).color(colors.text.body)).wrap());
            }
        }
        ui.horizontal(|ui| {
            let words = if asked.len() == 1 { "Create it".to_owned() } else { format!("Create these {}", asked.len()) };
            if button::primary(ui, None, &words).clicked() {
                said = Some(true);
            }
            if button::flat(ui, None, "Do not create").clicked() {
                said = Some(false);
            }
        });
    });
    said
}
