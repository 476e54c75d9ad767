//! What a person says of a trigger that other flows start: by calling this one, by failing, or by ending.
use eframe::egui::Ui;
use serde_json::Value;

use super::fields::Fields;
use super::settings::line;
use crate::flow::{Ending, FlowId, NodeKind};
use crate::run::{Shown as _, Via};
use crate::ui::document::Document;
use crate::ui::widgets::{button, dim, switch};

/// The form of a trigger by hand or by another flow: who calls it, and a sample from the last call. True where that was taken.
pub(super) fn by_hand(ui: &mut Ui, fields: &Fields<'_>, sample: &mut Value) -> bool {
    ui.label(dim(
        ui,
        "Starts when a person asks for it, or the step \u{201c}Run a flow\u{201d} of another flow does. What a test gets is its sample, under Output.",
    ));
    let own = &fields.doc.flow().id;
    let calls = |it: &NodeKind| matches!(it, NodeKind::SubFlow { flow, .. } if flow == own);
    let docs = fields.ctx.docs.list.iter().filter(|it| it.flow().nodes.values().any(|node| !node.muted && calls(&node.kind)));
    let callers: Vec<&str> = docs.map(Document::title).collect();
    if callers.is_empty() {
        ui.label(dim(ui, "No other flow that is open calls it."));
    } else {
        ui.label(dim(ui, format!("Called by {}.", callers.join(", "))));
    }
    let runs = fields.ctx.served.1.runs().chain(fields.ctx.live.runs());
    let called = runs.filter(|it| it.via == Via::Flow && it.flow.is_of(own)).max_by_key(|it| it.started);
    let Some(given) = called.and_then(|it| it.output(fields.id)).filter(|it| **it != *sample) else { return false };
    let taken = button::flat(ui, None, "Take the last call as the sample").clicked();
    if taken {
        *sample = Value::clone(&given);
    }
    taken
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
