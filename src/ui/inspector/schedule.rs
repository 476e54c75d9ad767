//! When a flow starts by the clock: the rule, what it means, its zone, what is made up for, and the next times.
use eframe::egui::{Popup, RichText, ScrollArea, TextEdit, Ui, vec2};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::fields::{Fields, Form};
use super::settings::line;
use crate::expr::zone_names;
use crate::flow::Severity;
use crate::flow::schedule::{MOST_MADE_UP, Missed, Plan, PlanError, Schedule};
use crate::ui::theme::{self, font};
use crate::ui::widgets::{button, dim, menu_look, switch};

/// Next times that are listed.
const TIMES: usize = 10;
/// What the search for a zone is kept under.
const FIND: &str = "find a zone";
const ROW: f32 = 24.0;

/// The form; whether something changed, and the gesture where it was typed.
pub(super) fn show(ui: &mut Ui, fields: &Fields<'_>, form: &mut Form, schedule: &mut Schedule) -> (bool, Option<String>) {
    let mut changed = (false, None);
    if line(ui, fields, "When", "every weekday at 9:00", &mut schedule.rule) {
        changed = (true, Some("rule".to_owned()));
    }
    let plan = schedule.plan();
    match (&plan, schedule.meaning()) {
        (Err(PlanError::Rule(error)), _) => {
            let part = schedule.rule.get(error.span.clone()).filter(|it| !it.is_empty() && *it != schedule.rule);
            let part = part.filter(|it| !error.message.to_lowercase().contains(&it.to_lowercase()));
            let place = part.map(|it| format!(", at \u{201c}{it}\u{201d}")).unwrap_or_default();
            super::note(ui, Severity::Error, "", &format!("{}{place}", error.message), &error.hint);
        }
        (_, Some(meaning)) => drop(ui.label(dim(ui, format!("{meaning}.")))),
        (_, None) => {}
    }
    ui.label(dim(ui, "By the clocks of"));
    if zone(ui, form, &mut schedule.zone) {
        changed = (true, None);
    }
    if let Err(PlanError::Zone(error)) = &plan {
        let message = if schedule.zone.is_empty() { "no zone is chosen" } else { error.message.as_str() };
        super::note(ui, Severity::Error, "", message, "Choose the one whose clocks count.");
    }
    ui.label(dim(ui, "Times that pass while nothing runs"));
    let current = Missed::ALL.iter().position(|it| it.0 == schedule.missed).unwrap_or(0);
    let words = ["Once", "Each", "None"];
    if let Some(chosen) = switch::segments(ui, "Times that pass while nothing runs", &words, current) {
        schedule.missed = Missed::ALL.get(chosen).map_or(schedule.missed, |it| it.0);
        changed = (true, None);
    }
    ui.label(dim(ui, about(schedule.missed)));
    if let Ok(plan) = &plan {
        next(ui, plan, fields.ctx.now);
    }
    changed
}

fn about(missed: Missed) -> String {
    match missed {
        Missed::Once => "It runs once afterwards, for the latest.".to_owned(),
        Missed::All => format!("It runs for each afterwards, for {MOST_MADE_UP} at most."),
        Missed::Skip => "It waits for the next time.".to_owned(),
    }
}

/// The zone, found by typing; whether another was chosen.
pub(super) fn zone(ui: &mut Ui, form: &mut Form, zone: &mut String) -> bool {
    let shown = button::drop_down(ui, if zone.is_empty() { "Choose a zone\u{2026}" } else { zone.as_str() });
    let shown = shown.accessible_name(format!("Zone: {zone}"));
    let mut chosen = None;
    Popup::menu(&shown).close_behavior(eframe::egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        menu_look(ui, 240.0);
        ui.set_max_width(240.0);
        let text = form.texts.entry(FIND.to_owned()).or_default();
        let edit = TextEdit::singleline(text).hint_text("Find a city").desired_width(f32::INFINITY);
        ui.add(edit).accessible_name("Find a zone");
        let found = fitting(text);
        if found.is_empty() {
            ui.label(dim(ui, "No zone is called so."));
        }
        ScrollArea::vertical().max_height(ROW * 9.0).show_rows(ui, ROW, found.len(), |ui, range| {
            for name in found.get(range).unwrap_or_default() {
                if ui.selectable_label(name == zone, name).clicked() {
                    chosen = Some(name.clone());
                    ui.close();
                }
            }
        });
    });
    let Some(name) = chosen else { return false };
    form.texts.remove(FIND);
    let changed = *zone != name;
    *zone = name;
    changed
}

/// The zones whose names hold every word of what is looked for.
fn fitting(query: &str) -> Vec<String> {
    let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let fits = |name: &String| {
        let name = name.to_lowercase().replace('_', " ");
        words.iter().all(|word| name.contains(&word.replace('_', " ")))
    };
    zone_names().filter(fits).collect()
}

/// The next times.
fn next(ui: &mut Ui, plan: &Plan, now: Timestamp) {
    ui.add_space(6.0);
    ui.label(RichText::new("Next").font(font::medium(theme::tokens::size::SMALL)).color(theme::colors(ui).text.dim));
    let times = times(plan, now, &TimeZone::system());
    if times.is_empty() {
        ui.label(dim(ui, "It never comes again."));
    }
    for (there, here) in times {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 0.0);
            ui.spacing_mut().interact_size.y = 16.0;
            ui.label(there);
            if !here.is_empty() {
                ui.label(dim(ui, here));
            }
        });
    }
}

/// The next times in words: in the zone of the schedule, and beside them what else is to say: the time for the person, where
/// that is another, and a change of clocks.
fn times(plan: &Plan, now: Timestamp, person: &TimeZone) -> Vec<(String, String)> {
    let year = now.to_zoned_datetime(plan.zone().clone()).year();
    let words = |at: Timestamp| {
        let (there, here) = (at.to_zoned_datetime(plan.zone().clone()), at.to_zoned_datetime(person.clone()));
        let mut beside = Vec::new();
        if there.datetime() != here.datetime() {
            let form = if there.date() == here.date() { "%H:%M here" } else { "%a %-d %b, %H:%M here" };
            beside.push(here.strftime(form).to_string());
        }
        beside.extend(plan.remark(at).map(str::to_owned));
        // Which year is said where it is another.
        let form = if there.year() == year { "%a %-d %b, %H:%M" } else { "%a %-d %b %Y, %H:%M" };
        (there.strftime(form).to_string(), beside.join("; "))
    };
    plan.upcoming(now).take(TIMES).map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_times_are_told_there_and_here_with_the_change_of_clocks() {
        let schedule = Schedule { rule: "every day at 2:30".into(), zone: "Europe/Berlin".into(), missed: Missed::Once };
        let plan = schedule.plan().unwrap();
        let now = "2026-10-24T12:00:00Z".parse().unwrap();
        let told = |person: &str| times(&plan, now, &TimeZone::get(person).unwrap());
        assert_eq!(told("Europe/Berlin").len(), TIMES);
        assert_eq!(
            told("Europe/Berlin")[..2],
            [
                ("Sun 25 Oct, 02:30".to_owned(), "the clocks show it twice, this is the first".to_owned()),
                ("Mon 26 Oct, 02:30".to_owned(), String::new())
            ]
        );
        assert_eq!(told("America/New_York")[1].1, "Sun 25 Oct, 21:30 here");
        assert_eq!(told("Europe/London")[1].1, "01:30 here");
    }

    #[test]
    fn a_zone_is_found_by_any_part_of_its_name() {
        assert_eq!(fitting("new york"), ["America/New_York"]);
        assert_eq!(fitting("york america"), ["America/New_York"]);
        assert!(fitting("").len() > 300 && fitting("")[0] == "UTC");
        assert!(fitting("atlantis").is_empty());
    }
}
