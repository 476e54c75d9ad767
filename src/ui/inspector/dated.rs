//! Which date of a record a flow starts at: the field, how long before or after it, once or each year, and by whose clocks.
use eframe::egui::{Popup, ScrollArea, Ui};
use jiff::Timestamp;
use serde_json::Value;

use super::fields::{Fields, Form};
use super::settings::line;
use crate::catalog::{CustomDates, DateField, Event, plain};
use crate::chooser::Asked;
use crate::flow::{Dated, NodeKind, Severity, Trigger};
use crate::ui::msg::Msg;
use crate::ui::offers::Offer;
use crate::ui::widgets::{button, dim, menu_look, switch};

const ROW: f32 = 24.0;
/// How long before or after, until somebody says otherwise.
const USUAL: &str = "1 day";

/// What an event offers.
pub(super) struct Offered<'a> {
    pub(super) fields: &'a [DateField],
    pub(super) custom: Option<&'a CustomDates>,
}

/// A date that can be chosen.
struct Choice {
    field: String,
    title: String,
    yearly: bool,
}

/// The form; whether something changed, and the gesture where it was typed.
pub(super) fn show(
    ui: &mut Ui,
    fields: &Fields<'_>,
    form: &mut Form,
    offered: &Offered<'_>,
    (date, ahead): (&mut Dated, &mut String),
) -> (bool, Option<String>) {
    let mut changed = (false, None);
    ui.label(dim(ui, "Which date"));
    if which(ui, fields, offered, date) {
        changed = (true, None);
    }
    if line(ui, fields, "Its field", "dateOfBirth, customFields.ID", &mut date.field) {
        date.name.clear();
        changed = (true, Some("field".to_owned()));
    }
    ui.label(dim(ui, "Starts"));
    let current = side(ahead);
    if let Some(chosen) = switch::segments(ui, "Starts", &["Before it", "At it", "After it"], current)
        && chosen != current
    {
        *ahead = turned(ahead, chosen);
        changed = (true, None);
    }
    if side(ahead) != 1 {
        let is_after = ahead.starts_with('-');
        let mut long = ahead.trim().trim_start_matches('-').to_owned();
        if line(ui, fields, "How long", "3 days", &mut long) {
            // A blank keeps the side while somebody types.
            *ahead = match (is_after, long.trim_start_matches('-')) {
                (true, long) => format!("-{long}"),
                (false, "") => " ".to_owned(),
                (false, long) => long.to_owned(),
            };
            changed = (true, Some("ahead".to_owned()));
        }
    }
    ui.label(dim(ui, "It comes"));
    let current = usize::from(date.yearly);
    if let Some(chosen) = switch::segments(ui, "It comes", &["Once", "Each year"], current)
        && chosen != current
    {
        date.yearly = chosen == 1;
        changed = (true, None);
    }
    if line(ui, fields, "Time of the day; empty for that of the date, or 9:00", "9:00", &mut date.at) {
        changed = (true, Some("at".to_owned()));
    }
    ui.label(dim(ui, "By the clocks of"));
    if super::schedule::zone(ui, form, &mut date.zone) {
        changed = (true, None);
    }
    match date.coming(ahead) {
        Err(error) => drop(super::note(ui, Severity::Error, "", &error.message, &error.hint)),
        Ok(coming) => {
            let NodeKind::Trigger(trigger) = &fields.node.kind else { return changed };
            let meaning = match trigger {
                Trigger::Event { event, .. } => Event::find(event).map(|it| date.called(it).meaning(ahead)),
                _ => None,
            };
            let meaning = meaning.unwrap_or_else(|| date.meaning(ahead));
            ui.label(dim(ui, format!("{meaning}. Each date starts one run, and one that is changed comes anew.")));
            let told = example(&coming, &trigger.test_event(fields.ctx.catalog), &date.zone, fields.ctx.now);
            if let Some(told) = told {
                ui.label(dim(ui, told));
            }
        }
    }
    changed
}

/// Before, at, or after.
fn side(ahead: &str) -> usize {
    match ahead {
        "" => 1,
        after if after.starts_with('-') => 2,
        _ => 0,
    }
}

/// The same length of time on another side.
fn turned(ahead: &str, side: usize) -> String {
    let long = Some(ahead.trim().trim_start_matches('-').trim()).filter(|it| !it.is_empty()).unwrap_or(USUAL);
    match side {
        0 => long.to_owned(),
        1 => String::new(),
        _ => format!("-{long}"),
    }
}

/// When the date of the sample comes.
fn example(coming: &crate::flow::Coming, sample: &Value, zone: &str, now: Timestamp) -> Option<String> {
    let (text, when) = coming.date_of(sample)?;
    let zone = crate::expr::parse_zone(zone).ok()?;
    Some(match coming.next(when, now) {
        Some(it) => format!("Of {text} it comes next on {}.", it.due.to_zoned_datetime(zone).strftime("%a %-d %b %Y, %H:%M")),
        None => format!("Of {text} it does not come again."),
    })
}

/// The dates that are known, by their names; whether another was chosen.
fn which(ui: &mut Ui, fields: &Fields<'_>, offered: &Offered<'_>, date: &mut Dated) -> bool {
    let asked = offered.custom.and_then(|it| asked(fields, it));
    let known = asked.as_ref().and_then(|it| fields.ctx.offers.get(it));
    let choices = choices(offered, known);
    let title = choices.iter().find(|it| it.field == date.field).map(|it| it.title.as_str());
    let shown = title.or_else(|| Some(date.name.as_str()).filter(|it| !it.is_empty())).unwrap_or(&date.field);
    let response = button::drop_down(ui, if shown.is_empty() { "Choose a date\u{2026}" } else { shown });
    let response = response.accessible_name(format!("Date: {shown}"));
    if response.clicked()
        && let Some(asked) = &asked
        && known.is_none_or(|it| it.is_old(ui.input(|it| it.time)))
    {
        fields.ctx.send(Msg::ReadChoices(asked.clone()));
    }
    let mut chosen = None;
    Popup::menu(&response).show(|ui| {
        menu_look(ui, 240.0);
        ui.set_max_width(340.0);
        ScrollArea::vertical().max_height(ROW * 10.0).show(ui, |ui| {
            for choice in &choices {
                if ui.selectable_label(choice.field == date.field, &choice.title).clicked() {
                    chosen = Some(Dated {
                        field: choice.field.clone(),
                        name: choice.title.clone(),
                        yearly: choice.yearly,
                        ..date.clone()
                    });
                    ui.close();
                }
            }
        });
        if let Some(failure) = known.and_then(|it| it.failure.as_ref()) {
            let words = crate::ui::words::sentence(&failure.title);
            ui.label(dim(ui, format!("The account's own dates cannot be read. {words}")));
        } else if known.is_some_and(Offer::is_waiting) {
            ui.label(dim(ui, "Reading the account's own dates…"));
        }
    });
    let Some(chosen) = chosen else { return false };
    let changed = *date != chosen;
    *date = chosen;
    changed
}

/// What the custom fields are asked for with; none where there is nobody to ask.
fn asked(fields: &Fields<'_>, custom: &CustomDates) -> Option<Asked> {
    let operation = custom.choices.operation.clone();
    let of = &fields.ctx.live.stage()?.connections;
    let connection = of.iter().find(|it| it.connector == *operation.connector())?.id.clone();
    Some(Asked { connection, operation, input: custom.choices.with.clone() })
}

fn choices(offered: &Offered<'_>, known: Option<&Offer>) -> Vec<Choice> {
    let of_all = offered.fields.iter().map(|it| Choice { field: it.field.clone(), title: it.title.clone(), yearly: it.yearly });
    let mut all: Vec<Choice> = of_all.collect();
    let answer = known.and_then(|it| it.answer.as_ref());
    if let (Some(custom), Some(answer)) = (offered.custom, answer) {
        let nothing = |_: &str| None;
        for choice in custom.choices.of(answer, &nothing) {
            let is_date = custom
                .choices
                .item(answer, &nothing, &choice.value)
                .is_some_and(|it| it.get(&custom.kind).and_then(Value::as_str) == Some(&custom.date));
            if is_date {
                let field = format!("{}.{}", custom.list, plain(&choice.value));
                all.push(Choice { field, title: choice.label, yearly: false });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::{Counts, Event, OperationId};
    use crate::engine::ConnectionId;
    use crate::ui::offers::Offers;

    #[test]
    fn the_account_s_own_dates_are_offered_by_their_names_and_no_other_fields_of_it() {
        let event = Event::find(&OperationId::new("highlevel.poll.contact-date")).unwrap();
        let Some(Counts::Dated { fields, custom }) = event.poll().map(|it| &it.counts) else { panic!("a date") };
        let custom = custom.as_deref().unwrap();
        let (operation, input) = (custom.choices.operation.clone(), custom.choices.with.clone());
        let asked = Asked { connection: ConnectionId::new("crm"), operation, input };
        let mut offers = Offers::default();
        let ticket = offers.ask(&asked, 0.0).unwrap();
        let offered = Offered { fields, custom: Some(custom) };
        assert_eq!(choices(&offered, offers.get(&asked)).len(), fields.len(), "nothing is read yet");
        offers.told(
            ticket,
            Ok(json!({"customFields": [
                {"id": "a", "name": "Contract ends", "dataType": "DATE"}, {"id": "b", "name": "Status", "dataType": "TEXT"}
            ]})),
        );
        let all = choices(&offered, offers.get(&asked));
        let told: Vec<_> = all.iter().map(|it| (it.title.as_str(), it.field.as_str(), it.yearly)).collect();
        assert_eq!(
            told,
            [("Date of birth", "dateOfBirth", true), ("Added", "dateAdded", false), ("Contract ends", "customFields.a", false)]
        );
    }

    #[test]
    fn how_long_stays_when_the_side_is_another_one() {
        for (ahead, side_of, before, after) in [
            ("", 1, "1 day", "-1 day"),
            ("3 days", 0, "3 days", "-3 days"),
            ("-2 weeks", 2, "2 weeks", "-2 weeks"),
            (" ", 0, "1 day", "-1 day"),
        ] {
            assert_eq!(side(ahead), side_of, "{ahead:?}");
            assert_eq!((turned(ahead, 0).as_str(), turned(ahead, 1).as_str(), turned(ahead, 2).as_str()), (before, "", after));
        }
    }
}
