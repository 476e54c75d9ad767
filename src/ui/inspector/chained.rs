//! What a person says of a trigger that other flows start: by calling this one, by failing, or by ending.
use eframe::egui::Ui;
use serde_json::Value;

use super::fields::Fields;
use super::settings::line;
use crate::flow::{Ending, Flow, FlowId, NodeKind};
use crate::run::{Shown as _, Via};
use crate::ui::ctx::Ctx;
use crate::ui::widgets::{button, dim, switch};

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

/// The form of a trigger that waits for failures.
pub(super) fn failed(ui: &mut Ui, fields: &Fields<'_>, of: &mut Option<FlowId>, gesture: &mut Option<String>) -> bool {
    let mut text = of.as_ref().map(|it| it.as_str().to_owned()).unwrap_or_default();
    let typed = line(ui, fields, "Of this flow only, by its id; empty for any", "new-contact-to-calendar", &mut text);
    if typed {
        *of = Some(text.trim()).filter(|it| !it.is_empty()).map(FlowId::new);
        *gesture = Some("of".to_owned());
    }
    ui.label(dim(ui, "Its own failures, and those of flows that it set going, do not count."));
    typed
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
