//! What a person says of a trigger that other flows start: by calling this one, by failing, or by ending.
use std::collections::BTreeMap;

use eframe::egui::{Popup, ScrollArea, Ui};
use serde_json::Value;

use super::fields::Fields;
use super::settings::line;
use crate::flow::{Ending, Flow, FlowId, NodeKind};
use crate::run::{Shown as _, Via};
use crate::ui::ctx::Ctx;
use crate::ui::document::Document;
use crate::ui::theme::tokens::extent;
use crate::ui::widgets::{button, dim, menu_look, switch};

/// The form of a trigger by hand or by another flow: who calls it, and a sample from the last call. True where that was taken.
pub(super) fn by_hand(ui: &mut Ui, fields: &Fields<'_>, sample: &mut Value) -> bool {
    ui.label(dim(
        ui,
        "Starts when a person asks for it, or the step \u{201c}Run a flow\u{201d} of another flow does. What a test gets is its sample, under Output.",
    ));
    let own = &fields.doc.flow().id;
    ui.label(dim(ui, callers(fields.ctx, own)));
    let runs = fields.ctx.served.1.runs().chain(fields.ctx.live.runs());
    let called = runs.filter(|it| it.via == Via::Flow && it.flow.is_of(own)).max_by_key(|it| it.started);
    let Some(given) = called.and_then(|it| it.output(fields.id)).filter(|it| **it != *sample) else { return false };
    let taken = button::flat(ui, None, "Take the last call as the sample").clicked();
    if taken {
        *sample = Value::clone(&given);
    }
    taken
}

/// Who calls a flow, of those that are open as they are there, and of the others that are live as they are live.
fn callers(ctx: &Ctx<'_>, own: &FlowId) -> String {
    let is_call = |it: &NodeKind| matches!(it, NodeKind::SubFlow { flow, .. } if flow == own);
    let calls = |it: &Flow| it.nodes.values().any(|node| !node.muted && is_call(&node.kind));
    let docs = &ctx.docs.list;
    let open = docs.iter().filter(|it| calls(it.flow())).map(|it| it.title().to_owned());
    let others = ctx.home.flows.iter().filter(|(id, _)| docs.iter().all(|it| it.flow().id != **id));
    let live = others.filter(|(_, it)| it.flow.as_deref().is_some_and(calls)).map(|(_, it)| format!("{} (live)", it.entry.name));
    let all: Vec<String> = open.chain(live).collect();
    if all.is_empty() { "No flow that is open or live calls it.".to_owned() } else { format!("Called by {}.", all.join(", ")) }
}

/// The flows that are open, and those that are live, each with what it is called there; without this one.
fn known<'a>(ctx: &'a Ctx<'_>, own: &'a FlowId) -> impl Iterator<Item = (&'a FlowId, &'a str)> {
    let open = ctx.docs.list.iter().map(|it| (&it.flow().id, it.title()));
    let live = ctx.home.flows.iter().map(|(id, it)| (id, it.entry.name.as_str()));
    open.chain(live).filter(move |(id, _)| *id != own)
}

/// As it is called where it is open, or else live.
fn name_of<'a>(ctx: &'a Ctx<'_>, flow: &FlowId) -> Option<&'a str> {
    let open = ctx.docs.list.iter().find(|it| it.flow().id == *flow).map(Document::title);
    open.or_else(|| ctx.home.flows.get(flow).map(|it| it.entry.name.as_str()))
}

/// Those that are not chosen yet, by name.
fn others<'a>(ctx: &'a Ctx<'_>, own: &'a FlowId, of: &[FlowId]) -> Vec<(&'a FlowId, &'a str)> {
    let mut all: BTreeMap<&FlowId, &str> = BTreeMap::new();
    for (id, name) in known(ctx, own).filter(|(id, _)| !of.contains(id)) {
        // Those that are open come first.
        all.entry(id).or_insert(name);
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|it| it.1.to_lowercase());
    all
}

/// A menu of the flows that are known, without those that are chosen already; which one was chosen. Says what the chosen are called.
fn choose(ui: &mut Ui, fields: &Fields<'_>, of: &[FlowId]) -> Option<FlowId> {
    let (ctx, own) = (fields.ctx, &fields.doc.flow().id);
    let names: Vec<&str> = of.iter().filter_map(|it| name_of(ctx, it)).collect();
    if !names.is_empty() {
        ui.label(dim(ui, format!("Chosen: {}.", names.join(", "))));
    }
    if !known(ctx, own).any(|(id, _)| !of.contains(id)) {
        return None;
    }
    let mut chosen = None;
    let response = button::drop_down(ui, "Choose a flow\u{2026}");
    Popup::menu(&response).show(|ui| {
        menu_look(ui, 240.0);
        ui.set_max_width(340.0);
        ScrollArea::vertical().max_height(extent::ROW_RUN * 10.0).show(ui, |ui| {
            // Only while it is open.
            for (id, name) in others(ctx, own, of) {
                if ui.selectable_label(false, name).clicked() {
                    chosen = Some(id.clone());
                    ui.close();
                }
            }
        });
    });
    chosen
}

/// The form of a trigger that waits for failures.
pub(super) fn failed(ui: &mut Ui, fields: &Fields<'_>, of: &mut Option<FlowId>, gesture: &mut Option<String>) -> bool {
    let mut text = of.as_ref().map(|it| it.as_str().to_owned()).unwrap_or_default();
    let mut changed = false;
    if line(ui, fields, "Of this flow only, by its id; empty for any", "new-contact-to-calendar", &mut text) {
        *of = Some(text.trim()).filter(|it| !it.is_empty()).map(FlowId::new);
        *gesture = Some("of".to_owned());
        changed = true;
    }
    if let Some(chosen) = choose(ui, fields, of.as_slice()) {
        *of = Some(chosen);
        *gesture = None;
        changed = true;
    }
    ui.label(dim(ui, "Its own failures, and those of flows that it set going, do not count."));
    changed
}

/// The form of a trigger that waits for ends.
pub(super) fn ended(
    ui: &mut Ui,
    fields: &Fields<'_>,
    of: &mut Vec<FlowId>,
    ending: &mut Ending,
    gesture: &mut Option<String>,
) -> bool {
    let mut changed = false;
    let mut text = of.iter().map(FlowId::as_str).collect::<Vec<_>>().join(",");
    if line(
        ui,
        fields,
        "Of these flows only, by their ids, with commas between; empty for any",
        "new-contact-to-calendar",
        &mut text,
    ) {
        // One that is still to be typed stays: what follows the last comma.
        *of = text.split(',').map(|it| FlowId::new(it.trim())).collect();
        if of.iter().all(|it| it.as_str().is_empty()) {
            of.clear();
        }
        *gesture = Some("of".to_owned());
        changed = true;
    }
    if let Some(chosen) = choose(ui, fields, of) {
        // What was begun to be typed is no flow yet.
        of.retain(|it| !it.as_str().is_empty());
        of.push(chosen);
        *gesture = None;
        changed = true;
    }
    ui.label(dim(ui, "Ends that count"));
    let current = usize::from(*ending == Ending::Any);
    if let Some(chosen) = switch::segments(ui, "Ends that count", &["Those that went well", "All"], current)
        && chosen != current
    {
        *ending = if chosen == 0 { Ending::Succeeded } else { Ending::Any };
        *gesture = None;
        changed = true;
    }
    ui.label(dim(
        ui,
        "Its own ends, and those of flows that it set going, do not count. What the other run gave is \u{201c}output\u{201d}.",
    ));
    changed
}
