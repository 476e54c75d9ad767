//! What a person says of an event that a flow waits for: what is looked at, how often, from when on, and how long before a time.
use std::collections::BTreeMap;

use eframe::egui::{DragValue, Response, Ui};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::dated::Offered;
use super::fields::{Fields, Form};
use super::settings::{line, on_off};
use crate::catalog::{Counts, Event, EventSource, OperationId, Poll};
use crate::flow::{Begin, Edit, Pace, Watch};
use crate::ui::widgets::{dim, switch};

/// What may be changed of the trigger.
pub(super) struct Waiting<'a> {
    pub(super) event: &'a OperationId,
    pub(super) input: &'a mut BTreeMap<String, Value>,
    pub(super) watch: &'a mut Watch,
}

/// The form; true where something was changed, and `gesture` is what is typed into.
pub(super) fn show(
    ui: &mut Ui,
    fields: &Fields<'_>,
    form: &mut Form,
    waiting: Waiting<'_>,
    gesture: &mut Option<String>,
) -> bool {
    let Waiting { event, input, watch } = waiting;
    let Some(event) = Event::find(event) else {
        ui.label(dim(ui, "The catalogue does not have this event."));
        return false;
    };
    let catalog = fields.ctx.catalog;
    let service = catalog.connector(event.id.connector()).map_or_else(|| event.id.connector().as_str(), |it| it.title.as_str());
    let mut changed = false;
    match &event.source {
        EventSource::Webhook { name } => {
            let path = event.id.connector();
            let words =
                format!("{service} tells it by a message, {name}, to /events/{path} at the address that the page Live shows.");
            ui.label(dim(ui, words));
            ui.label(dim(ui, "In the sandbox a record changed by hand does."));
            if !event.twins.also.is_empty() {
                let names: Vec<&str> = event.twins.also.iter().filter_map(|it| it.as_str().rsplit('.').next()).collect();
                let words =
                    format!("{} start it too. One change starts it once, however many messages tell it.", names.join(", "));
                ui.label(dim(ui, words));
            }
            let mut whole = watch.reads_whole(event);
            if event.whole.is_some() && on_off(ui, "Read the whole record first", &mut whole) {
                watch.whole = (event.whole.as_ref().is_some_and(|it| it.thin) != whole).then_some(whole);
                (changed, *gesture) = (true, None);
            }
            if event.reconciled_by.is_some() && on_off(ui, "Also look for what was not told", &mut watch.reconcile) {
                (changed, *gesture) = (true, None);
            }
            if watch.reconcile {
                changed |= every(ui, fields, "ten minutes", watch, gesture);
            }
        }
        EventSource::Poll(poll) => {
            ui.label(dim(ui, format!("{} {service} is looked at now and then.", event.help)));
            changed |= asks(ui, fields, poll, input, gesture);
            if let Counts::Dated { fields: known, custom } = &poll.counts {
                let offered = Offered { fields: known, custom: custom.as_deref() };
                let mut date = watch.date.clone().unwrap_or_default();
                let (is_new, typed) = super::dated::show(ui, fields, form, &offered, (&mut date, &mut watch.ahead));
                if is_new {
                    watch.date = Some(date);
                    (changed, *gesture) = (true, typed);
                }
            }
            if matches!(poll.counts, Counts::Reached { .. })
                && line(ui, fields, "How long before the time; after it with a minus", &usual_ahead(poll), &mut watch.ahead)
            {
                (changed, *gesture) = (true, Some("ahead".to_owned()));
            }
            changed |= every(ui, fields, "a minute, or more while nothing happens", watch, gesture);
            if poll.each.is_none()
                && !matches!(poll.counts, Counts::Reached { .. } | Counts::Dated { .. } | Counts::Gone)
                && begin(ui, &mut watch.begin)
            {
                (changed, *gesture) = (true, None);
            }
        }
    }
    changed
}

/// What a person chooses of a look.
fn asks(
    ui: &mut Ui,
    fields: &Fields<'_>,
    poll: &Poll,
    input: &mut BTreeMap<String, Value>,
    gesture: &mut Option<String>,
) -> bool {
    let mut changed = false;
    for key in &poll.asks {
        let label = fields.ctx.catalog.operation(&poll.operation).and_then(|(_, it)| Some(it.input(key)?.label()));
        let label = label.as_deref().unwrap_or(key);
        let mut text = input.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if line(ui, fields, label, "its id", &mut text) {
            input.insert(key.clone(), text.into());
            *gesture = Some(key.clone());
            changed = true;
        }
    }
    changed
}

fn every(ui: &mut Ui, fields: &Fields<'_>, usual: &str, watch: &mut Watch, gesture: &mut Option<String>) -> bool {
    let typed = line(ui, fields, "From one look to the next", usual, &mut watch.every);
    if typed {
        *gesture = Some("every".to_owned());
    }
    typed
}

/// What the event says itself, as a hint.
fn usual_ahead(poll: &Poll) -> String {
    match poll.counts {
        Counts::Reached { ahead_ms: 0, .. } => "at the time".to_owned(),
        Counts::Reached { ahead_ms, .. } if ahead_ms.is_multiple_of(3_600_000) => format!("{} hours", ahead_ms / 3_600_000),
        Counts::Reached { ahead_ms, .. } => format!("{} minutes", ahead_ms / 60_000),
        _ => String::new(),
    }
}

/// From when on its events count.
fn begin(ui: &mut Ui, begin: &mut Begin) -> bool {
    ui.label(dim(ui, "Begins from"));
    let current = match begin {
        Begin::Now => 0,
        Begin::From(_) => 1,
        Begin::All => 2,
    };
    let mut changed = false;
    if let Some(chosen) = switch::segments(ui, "Begins from", &["Now", "A day", "All"], current)
        && chosen != current
    {
        *begin = match chosen {
            0 => Begin::Now,
            1 => Begin::From(TimeZone::UTC.to_datetime(Timestamp::now()).date()),
            _ => Begin::All,
        };
        changed = true;
    }
    if let Begin::From(date) = begin {
        let (mut year, mut month, mut day) = (date.year(), date.month(), date.day());
        ui.horizontal(|ui| {
            let parts = [
                ui.add(DragValue::new(&mut year).range(2000..=2100)).accessible_name("Year"),
                ui.add(DragValue::new(&mut month).range(1..=12)).accessible_name("Month"),
                ui.add(DragValue::new(&mut day).range(1..=31)).accessible_name("Day"),
            ];
            if parts.iter().any(Response::changed) {
                // A day that the month does not have is its last.
                let chosen = Date::new(year, month, day).or_else(|_| Date::new(year, month, 1).map(Date::last_of_month));
                if let Ok(chosen) = chosen {
                    *date = chosen;
                    changed = true;
                }
            }
        });
    }
    changed
}

/// How the runs that triggers start follow one another; belongs to the flow.
pub(super) fn pace(ui: &mut Ui, fields: &Fields<'_>) {
    let before = fields.doc.flow().pace;
    let Pace { mut at_once, mut any_order } = before;
    ui.horizontal(|ui| {
        ui.label(dim(ui, "Runs of the flow at a time (0: any number)"));
        ui.add(DragValue::new(&mut at_once).range(0..=1_000)).accessible_name("Runs at a time");
    });
    let mut in_order = !any_order;
    if on_off(ui, "Runs about one record one after the other", &mut in_order) {
        any_order = !in_order;
    }
    let after = Pace { at_once, any_order };
    if after != before {
        fields.send(Edit::SetPace(after));
    }
}
