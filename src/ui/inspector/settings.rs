//! What a step has beside its fields: how an HTTP request is sent, the ways of a switch, the rows of a table, and, for all,
//! its name, muting, its connection and how often it is tried.
use std::collections::BTreeSet;

use eframe::egui::{CollapsingHeader, DragValue, Popup, ScrollArea, TextEdit, TextStyle, Ui};
use serde_json::Value;

use super::chained;
use super::fields::{Fields, Form};
use super::watching::{self, Waiting};
use crate::catalog::Method;
use crate::flow::{
    Alarm, Binding, Case, Edge, Edit, FlowId, Gesture, HttpBody, HttpCall, JoinMode, Level, Mapping, NodeKind, PortId,
    RetryPolicy, Row, SlotId, StopOutcome, Trigger, WaitFor, WebhookAnswer,
};
use crate::ui::canvas::sentence::title;
use crate::ui::msg::Msg;
use crate::ui::theme::tokens::extent;
use crate::ui::theme::{font, icon};
use crate::ui::widgets::{button, dim, menu_look, switch};

const METHODS: [Method; 6] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Head];

/// A change of the kind under way.
struct Change<'a> {
    fields: &'a Fields<'a>,
    kind: NodeKind,
    changed: bool,
    /// What is typed into: one gesture.
    gesture: Option<String>,
}

impl Change<'_> {
    fn done(self) {
        if !self.changed {
            return;
        }
        let edit = Edit::SetKind { id: self.fields.id.clone(), kind: self.kind };
        let doc = self.fields.doc.id;
        self.fields.ctx.send(match self.gesture {
            Some(gesture) => Msg::EditIn(doc, edit, Gesture::new(format!("set {} {gesture}", self.fields.id))),
            None => Msg::Edit(doc, edit),
        });
    }
}

/// A switch; whether it was turned.
pub(super) fn on_off(ui: &mut Ui, words: &str, on: &mut bool) -> bool {
    let clicked = switch::on_off(ui, words, *on).clicked();
    *on ^= clicked;
    clicked
}

/// A line of text; whether it was changed.
pub(super) fn line(ui: &mut Ui, fields: &Fields<'_>, label: &str, hint: &str, text: &mut String) -> bool {
    if !label.is_empty() {
        ui.label(dim(ui, label));
    }
    let response = ui.add(TextEdit::singleline(text).hint_text(hint).desired_width(f32::INFINITY));
    let response = response.accessible_name(if label.is_empty() { hint } else { label });
    if response.lost_focus() {
        fields.ctx.send(Msg::EndGesture(fields.doc.id));
    }
    response.changed()
}

/// Of what a flow is alerted; whether that was changed.
fn which_alerts(ui: &mut Ui, of: &mut BTreeSet<Alarm>) -> bool {
    ui.label(dim(ui, "It starts when"));
    let before: BTreeSet<Alarm> = Alarm::ALL.into_iter().filter(|it| of.is_empty() || of.contains(it)).collect();
    let mut chosen = before.clone();
    for kind in Alarm::ALL {
        let mut on = before.contains(&kind);
        if on_off(ui, &kind.to_string(), &mut on) && !chosen.remove(&kind) {
            chosen.insert(kind);
        }
    }
    ui.label(dim(
        ui,
        "Failures come together: the first at once, then once a quarter of an hour. What fails in this flow alerts nobody.",
    ));
    // The last cannot be switched off: a trigger that waits for nothing is none.
    if chosen == before || chosen.is_empty() {
        return false;
    }
    // All is written as none.
    *of = if chosen.len() == Alarm::ALL.len() { BTreeSet::new() } else { chosen };
    true
}

/// What stands above the form: what a kind is about.
pub(super) fn of_kind(ui: &mut Ui, fields: &Fields<'_>, form: &mut Form) {
    let mut change = Change { fields, kind: fields.node.kind.clone(), changed: false, gesture: None };
    let mut renamed = None;
    match &mut change.kind {
        NodeKind::Trigger(Trigger::Webhook { path, answer, .. }) => {
            if line(ui, fields, "Path of the call, behind /hooks/", "new-lead", path) {
                (change.changed, change.gesture) = (true, Some("path".to_owned()));
            }
            ui.label(dim(ui, "What the caller gets"));
            let current = usize::from(*answer == WebhookAnswer::Flow);
            if let Some(chosen) = switch::segments(ui, "Answer", &["At once", "From the flow"], current) {
                *answer = if chosen == 0 { WebhookAnswer::Accepted } else { WebhookAnswer::Flow };
                change.changed = true;
            }
        }
        NodeKind::Trigger(Trigger::Schedule { schedule, .. }) => {
            (change.changed, change.gesture) = super::schedule::show(ui, fields, form, schedule);
        }
        NodeKind::Trigger(Trigger::Failed { of, .. }) => {
            change.changed = chained::failed(ui, fields, of, &mut change.gesture);
        }
        NodeKind::Trigger(Trigger::Ended { of, ending, .. }) => {
            change.changed = chained::ended(ui, fields, of, ending, &mut change.gesture);
        }
        NodeKind::Trigger(Trigger::Alert { of, .. }) => {
            change.changed = which_alerts(ui, of);
        }
        NodeKind::Trigger(Trigger::File { watched, .. }) => {
            change.changed = super::watched::show(ui, fields, watched, &mut change.gesture);
        }
        NodeKind::Trigger(Trigger::Event { event, input, watch, .. }) => {
            change.changed = watching::show(ui, fields, form, Waiting { event, input, watch }, &mut change.gesture);
        }
        NodeKind::Trigger(Trigger::Manual { sample }) => change.changed = chained::by_hand(ui, fields, sample),
        NodeKind::Http(call) => change.changed = http(ui, call),
        NodeKind::Switch { cases, .. } => (change.changed, renamed) = ways(ui, form, cases),
        NodeKind::ForEach { parallel, keep_going, .. } => {
            ui.horizontal(|ui| {
                ui.label(dim(ui, "At a time"));
                let value = ui.add(DragValue::new(parallel).range(1..=1_000)).accessible_name("Items at a time");
                (change.changed, change.gesture) = (value.changed(), Some("parallel".to_owned()));
            });
            if on_off(ui, "Go on when an item fails", keep_going) {
                (change.changed, change.gesture) = (true, None);
            }
        }
        NodeKind::Join { mode } => {
            ui.label(dim(ui, "Goes on when"));
            let current = usize::from(*mode == JoinMode::First);
            if let Some(chosen) = switch::segments(ui, "Goes on when", &["All have arrived", "The first has"], current) {
                *mode = if chosen == 0 { JoinMode::All } else { JoinMode::First };
                change.changed = true;
            }
        }
        NodeKind::Wait(wait) => {
            let current = usize::from(matches!(wait, WaitFor::Until(_)));
            if let Some(chosen) = switch::segments(ui, "Wait", &["For a time", "Until a time"], current)
                && chosen != current
            {
                let (WaitFor::Duration(binding) | WaitFor::Until(binding)) = wait.clone();
                *wait = if chosen == 0 { WaitFor::Duration(binding) } else { WaitFor::Until(binding) };
                change.changed = true;
            }
        }
        NodeKind::Lookup { rows, ignore_case, .. } => {
            (change.changed, change.gesture) = table(ui, fields, rows);
            if on_off(ui, "Ignore upper and lower", ignore_case) {
                (change.changed, change.gesture) = (true, None);
            }
        }
        NodeKind::Script { code, .. } => {
            ui.label(dim(ui, "Script, in Rhai; what it returns is its result"));
            let edit = TextEdit::multiline(code).font(TextStyle::Monospace).desired_rows(8).desired_width(f32::INFINITY);
            let response = ui.add(edit).accessible_name("Script");
            (change.changed, change.gesture) = (response.changed(), Some("code".to_owned()));
            if response.lost_focus() {
                fields.ctx.send(Msg::EndGesture(fields.doc.id));
            }
        }
        NodeKind::SubFlow { flow, .. } => change.changed = which_flow(ui, fields, flow),
        NodeKind::Log { level, .. } => {
            let levels = [Level::Info, Level::Warning, Level::Error];
            let current = levels.iter().position(|it| it == level).unwrap_or(0);
            if let Some(chosen) = switch::segments(ui, "How loud", &["Note", "Warning", "Error"], current) {
                *level = levels[chosen.min(2)];
                change.changed = true;
            }
        }
        NodeKind::Stop { outcome, .. } => {
            let current = usize::from(*outcome == StopOutcome::Failure);
            if let Some(chosen) = switch::segments(ui, "The run ends as", &["Done", "Failed"], current) {
                *outcome = if chosen == 0 { StopOutcome::Success } else { StopOutcome::Failure };
                change.changed = true;
            }
        }
        NodeKind::Action { .. }
        | NodeKind::Branch { .. }
        | NodeKind::Set { .. }
        | NodeKind::Respond { .. }
        | NodeKind::Approval { .. } => {}
    }
    if let Some((from, to)) = renamed {
        rename_way(fields, change.kind, &from, &to);
    } else {
        change.done();
    }
}

/// How an HTTP request is sent; whether that changed.
fn http(ui: &mut Ui, call: &mut HttpCall) -> bool {
    let mut changed = false;
    ui.horizontal(|ui| {
        let shown = button::drop_down(ui, call.method.as_str()).accessible_name("Method");
        Popup::menu(&shown).show(|ui| {
            menu_look(ui, 100.0);
            for method in METHODS {
                if ui.selectable_label(call.method == method, method.as_str()).clicked() {
                    call.method = method;
                    changed = true;
                    ui.close();
                }
            }
        });
        let current = match &call.body {
            None => "No body",
            Some(HttpBody::Json(_)) => "JSON body",
            Some(HttpBody::Form(_)) => "Form body",
            Some(HttpBody::Text(_)) => "Text body",
        };
        let shown = button::drop_down(ui, current).accessible_name("Body of the request");
        Popup::menu(&shown).show(|ui| {
            menu_look(ui, 120.0);
            let one = match &call.body {
                Some(HttpBody::Json(it) | HttpBody::Text(it)) => it.clone(),
                _ => Binding::value(""),
            };
            let bodies = [
                ("No body", None),
                ("JSON body", Some(HttpBody::Json(one.clone()))),
                ("Form body", Some(HttpBody::Form(Mapping::default()))),
                ("Text body", Some(HttpBody::Text(one))),
            ];
            for (words, body) in bodies {
                if ui.selectable_label(words == current, words).clicked() {
                    if words != current {
                        call.body = body;
                        changed = true;
                    }
                    ui.close();
                }
            }
        });
    });
    changed
}

/// The ways of a switch; whether they changed, and which was renamed.
fn ways(ui: &mut Ui, form: &mut Form, cases: &mut Vec<Case>) -> (bool, Option<(PortId, PortId)>) {
    let (mut changed, mut renamed, mut removed) = (false, None, None);
    let taken: Vec<String> = cases.iter().map(|it| it.port.to_string()).collect();
    for (at, case) in cases.iter().enumerate() {
        ui.horizontal(|ui| {
            let key = format!("way {}", case.port);
            let mut text = form.texts.get(&key).cloned().unwrap_or_else(|| case.port.to_string());
            let edit = TextEdit::singleline(&mut text).desired_width((ui.available_width() - 34.0).max(40.0));
            let response = ui.add(edit).accessible_name(format!("Name of way {}", at + 1));
            if response.changed() {
                form.texts.insert(key.clone(), text.clone());
            }
            if response.lost_focus() {
                form.texts.remove(&key);
                let name = text.trim().to_lowercase().replace(' ', "_");
                let fits = !name.is_empty() && !["else", "error"].contains(&name.as_str()) && !taken.contains(&name);
                if fits {
                    renamed = Some((case.port.clone(), PortId::new(name)));
                }
            }
            if button::icon(ui, icon::TRASH, &format!("Remove way {}", case.port)).clicked() {
                removed = Some(at);
            }
        });
    }
    if let Some(at) = removed {
        cases.remove(at);
        changed = true;
    }
    if button::flat(ui, Some(icon::PLUS), "Add a way").clicked() {
        let fresh = (1..=cases.len() + 1).map(|it| format!("way_{it}")).find(|it| !taken.contains(it));
        if let Some(fresh) = fresh {
            cases.push(Case { port: PortId::new(fresh), equals: Binding::value("") });
            changed = true;
        }
    }
    ui.label(dim(ui, format!("What fits none of them leaves through “{}”.", title("else"))));
    (changed, renamed)
}

/// Another name for a way; what hangs on it stays there.
fn rename_way(fields: &Fields<'_>, mut kind: NodeKind, from: &PortId, to: &PortId) {
    if let NodeKind::Switch { cases, .. } = &mut kind {
        for case in cases.iter_mut().filter(|it| it.port == *from) {
            case.port = to.clone();
        }
    }
    let mut edits = vec![Edit::SetKind { id: fields.id.clone(), kind }];
    for edge in fields.doc.flow().edges_from(fields.id).filter(|it| it.port == *from) {
        edits.push(Edit::Disconnect(edge.clone()));
        edits.push(Edit::Connect(Edge { port: to.clone(), ..edge.clone() }));
    }
    fields.send(Edit::Many { label: format!("Rename way to {to}"), edits });
}

/// The rows of a table; whether they changed, and what was typed into.
fn table(ui: &mut Ui, fields: &Fields<'_>, rows: &mut Vec<Row>) -> (bool, Option<String>) {
    let mut changed = (false, None);
    let mut removed = None;
    ui.label(dim(ui, "Table: what is looked for, and what is found"));
    let height = extent::CONTROL;
    let count = rows.len();
    ScrollArea::vertical().id_salt("table of the step").max_height(220.0).show_rows(ui, height, count, |ui, range| {
        for at in range {
            let Some(row) = rows.get_mut(at) else { continue };
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                let half = ((ui.available_width() - 36.0) / 2.0).max(30.0);
                for (what, value) in [("looked for", &mut row.key), ("found", &mut row.value)] {
                    let mut text = match &*value {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    let edit = TextEdit::singleline(&mut text).desired_width(half - 8.0);
                    let response = ui.add(edit).accessible_name(format!("Row {}, {what}", at + 1));
                    if response.changed() {
                        *value = cell(text, value);
                        changed = (true, Some(format!("row {at} {what}")));
                    }
                    if response.lost_focus() {
                        fields.ctx.send(Msg::EndGesture(fields.doc.id));
                    }
                }
                if button::icon(ui, icon::TRASH, &format!("Remove row {}", at + 1)).clicked() {
                    removed = Some(at);
                }
            });
        }
    });
    if let Some(at) = removed {
        rows.remove(at);
        changed = (true, None);
    }
    if button::flat(ui, Some(icon::PLUS), "Add a row").clicked() {
        rows.push(Row { key: Value::String(String::new()), value: Value::String(String::new()) });
        changed = (true, None);
    }
    changed
}

/// What was typed into a cell; what was no text stays none as long as it can be read so.
fn cell(text: String, was: &Value) -> Value {
    match was {
        Value::String(_) => Value::String(text),
        _ => serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

fn which_flow(ui: &mut Ui, fields: &Fields<'_>, flow: &mut FlowId) -> bool {
    let others: Vec<_> = fields.ctx.docs.list.iter().filter(|it| it.id != fields.doc.id).collect();
    let open = others.iter().find(|it| it.flow().id == *flow).map(|it| it.title().to_owned());
    let words = match open {
        Some(title) => title,
        None if flow.as_str().is_empty() => "Choose a flow…".to_owned(),
        None => title(flow.as_str()),
    };
    let mut changed = false;
    let shown = button::drop_down(ui, &words).accessible_name("Which flow");
    Popup::menu(&shown).show(|ui| {
        menu_look(ui, 180.0);
        if others.is_empty() {
            ui.label(dim(ui, "Open the other flow in a tab first."));
        }
        for other in &others {
            if ui.selectable_label(other.flow().id == *flow, other.title()).clicked() {
                *flow = other.flow().id.clone();
                changed = true;
                ui.close();
            }
        }
    });
    changed
}

/// What stands below the form, folded: name, muting, connection, further attempts.
pub(super) fn more(ui: &mut Ui, fields: &Fields<'_>, form: &mut Form) {
    let head = font::heading("Step settings");
    CollapsingHeader::new(head).id_salt(("settings", fields.doc.id, fields.id)).show_unindented(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 4.0;
        let mut name = fields.node.name.clone();
        if line(ui, fields, "Name of the step", "", &mut name) {
            let gesture = Gesture::new(format!("type {} name", fields.id));
            fields.ctx.send(Msg::EditIn(fields.doc.id, Edit::RenameNode { id: fields.id.clone(), name }, gesture));
        }
        let mut muted = fields.node.muted;
        if on_off(ui, "Muted, passed through", &mut muted) {
            fields.send(Edit::SetMuted { id: fields.id.clone(), muted });
        }
        let mut change = Change { fields, kind: fields.node.kind.clone(), changed: false, gesture: None };
        match &mut change.kind {
            NodeKind::Action { operation, slot, retry, .. } => {
                let connector = operation.connector().clone();
                let fits =
                    fields.doc.flow().slots.iter().filter(|it| *it.1 == connector).map(|it| it.0.clone()).collect::<Vec<_>>();
                change.changed = which_slot(ui, &fits, Some(slot));
                let typed = attempts(ui, fields, retry);
                change.gesture = typed.then(|| "retry".to_owned());
                change.changed |= typed;
            }
            NodeKind::Http(call) => {
                let mut chosen = call.slot.clone().unwrap_or_else(|| SlotId::new(""));
                let mut slots: Vec<SlotId> = vec![SlotId::new("")];
                slots.extend(fields.doc.flow().slots.keys().cloned());
                if which_slot(ui, &slots, Some(&mut chosen)) {
                    call.slot = (!chosen.as_str().is_empty()).then_some(chosen);
                    change.changed = true;
                }
                if on_off(ui, "May be sent again", &mut call.repeatable) {
                    change.changed = true;
                }
                ui.label(dim(ui, "When its answer was lost; what only reads always may."));
                let typed = attempts(ui, fields, &mut call.retry);
                change.gesture = typed.then(|| "retry".to_owned());
                change.changed |= typed;
            }
            NodeKind::Trigger(Trigger::Event { event, slot, .. }) => {
                let connector = event.connector();
                let fits =
                    fields.doc.flow().slots.iter().filter(|it| it.1 == connector).map(|it| it.0.clone()).collect::<Vec<_>>();
                change.changed = which_slot(ui, &fits, Some(slot));
                watching::pace(ui, fields);
            }
            NodeKind::Trigger(Trigger::Webhook { delivery_header, delivery_field, .. }) => {
                for (label, gesture, field) in [
                    ("Header that names a delivery", "header", delivery_header),
                    ("Or the field of the body that does", "field", delivery_field),
                ] {
                    let mut text = field.clone().unwrap_or_default();
                    if line(ui, fields, label, "none", &mut text) {
                        *field = (!text.trim().is_empty()).then_some(text);
                        (change.changed, change.gesture) = (true, Some(gesture.to_owned()));
                    }
                }
                ui.label(dim(ui, "A second call with the same one starts no second run."));
            }
            _ => {}
        }
        change.done();
        form.texts.retain(|key, _| !key.is_empty());
    });
}

fn which_slot(ui: &mut Ui, slots: &[SlotId], slot: Option<&mut SlotId>) -> bool {
    let Some(slot) = slot else { return false };
    let words = |it: &SlotId| if it.as_str().is_empty() { "No connection".to_owned() } else { title(it.as_str()) };
    let mut changed = false;
    ui.horizontal(|ui| {
        ui.label(dim(ui, "Connection"));
        let shown = button::drop_down(ui, &words(slot)).accessible_name("Connection");
        Popup::menu(&shown).show(|ui| {
            menu_look(ui, 140.0);
            for it in slots {
                if ui.selectable_label(it == slot, words(it)).clicked() {
                    *slot = it.clone();
                    changed = true;
                    ui.close();
                }
            }
        });
    });
    changed
}

/// How often it is tried, and how patiently.
fn attempts(ui: &mut Ui, fields: &Fields<'_>, retry: &mut RetryPolicy) -> bool {
    let mut changed = false;
    let mut number = |ui: &mut Ui, words: &str, unit: &str, value: &mut u64, most: u64| {
        ui.horizontal(|ui| {
            ui.label(dim(ui, words));
            let response = ui.add(DragValue::new(value).range(0..=most).suffix(unit)).accessible_name(words);
            changed |= response.changed();
            if response.lost_focus() || response.drag_stopped() {
                fields.ctx.send(Msg::EndGesture(fields.doc.id));
            }
        });
    };
    let mut times = u64::from(retry.attempts.max(1));
    number(ui, "Attempts in all", "", &mut times, 20);
    let (mut first, mut longest) = (retry.first_ms / 1_000, retry.longest_ms / 1_000);
    number(ui, "First wait, at most", " s", &mut first, 3_600);
    number(ui, "Longest wait", " s", &mut longest, 86_400);
    if changed {
        retry.attempts = u32::try_from(times.max(1)).unwrap_or(1);
        // What is finer than a second stays as it was where nobody touched it.
        if first != retry.first_ms / 1_000 {
            retry.first_ms = first * 1_000;
        }
        if longest != retry.longest_ms / 1_000 {
            retry.longest_ms = longest * 1_000;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_keeps_its_type_where_it_can() {
        assert_eq!(cell("007".to_owned(), &json!("7")), json!("007"));
        assert_eq!(cell("8".to_owned(), &json!(7)), json!(8));
        assert_eq!(cell("eight".to_owned(), &json!(7)), json!("eight"));
    }
}
