//! What the step gives: its result in the record, what the service documents, and test data that a person pins.
use std::sync::Arc;

use eframe::egui::{RichText, ScrollArea, TextEdit, TextStyle, Ui};
use serde_json::Value;

use super::fields::Fields;
use super::tree::{self, Root};
use super::viewer::{Place, Viewer};
use crate::flow::{Edit, NodeId, NodeKind, Trigger};
use crate::ui::canvas::kind::{Hue, face};
use crate::ui::msg::Msg;
use crate::ui::samples::Origin;
use crate::ui::theme::tokens::size;
use crate::ui::theme::{self, font, icon};
use crate::ui::widgets::{button, dim};

/// Test data under edit, as text.
#[derive(Debug)]
pub(super) struct Draft {
    of: NodeId,
    text: String,
    /// Why it cannot be read.
    error: Option<String>,
}

impl Draft {
    fn new(of: &NodeId, value: &Value) -> Self {
        let text = if value.is_null() { String::new() } else { serde_json::to_string_pretty(value).unwrap_or_default() };
        Self { of: of.clone(), text, error: None }
    }

    /// What was written; where it cannot be read, why.
    fn read(&self) -> Result<Value, String> {
        if self.text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.text).map_err(|error| {
            let words = error.to_string();
            let what = words.split(" at line ").next().unwrap_or(&words);
            format!("Line {}, column {}: {what}.", error.line(), error.column())
        })
    }
}

/// Shows the pane.
pub(super) fn show(ui: &mut Ui, fields: &Fields<'_>, viewer: &mut Viewer, draft: &mut Option<Draft>) {
    ui.spacing_mut().item_spacing.y = 4.0;
    *draft = draft.take().filter(|it| it.of == *fields.id);
    if draft.is_some() {
        edit(ui, fields, draft);
        return;
    }
    let colors = theme::colors(ui);
    let given = fields.known.given(fields.id);
    let pinned = fields.doc.pins.contains_key(fields.id);
    let is_trigger = matches!(fields.node.kind, NodeKind::Trigger(_));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        if let Some(given) = &given {
            let words = match given.origin {
                Origin::Record => "From this record",
                Origin::Pinned => "Pinned test data",
                Origin::Sample => "The sample",
                Origin::Example => "An example",
                Origin::Derived => "Worked out",
            };
            if pinned {
                ui.label(RichText::new(icon::PUSH_PIN).font(font::icons_fill(12.0)).color(colors.accent.text));
            }
            ui.label(dim(ui, words));
            if given.origin == Origin::Record && fields.doc.stale.contains(fields.id) {
                ui.label(RichText::new(icon::CLOCK_COUNTER_CLOCKWISE).font(font::icons(12.0)).color(colors.waiting.text));
                ui.label(RichText::new("of an earlier flow").small().color(colors.waiting.text));
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = eframe::egui::vec2(0.0, 0.0);
        if pinned {
            if button::flat(ui, None, "Unpin").clicked() {
                fields.ctx.send(Msg::Pin { doc: fields.doc.id, node: fields.id.clone(), output: None });
            }
            if button::flat(ui, Some(icon::PENCIL_SIMPLE), "Edit pinned data").clicked()
                && let Some(given) = &given
            {
                begin(draft, fields.id, &given.value);
            }
        } else {
            if let Some(given) = &given
                && button::flat(ui, Some(icon::PUSH_PIN), "Pin as test data").clicked()
            {
                let output = Some(Arc::clone(&given.value));
                fields.ctx.send(Msg::Pin { doc: fields.doc.id, node: fields.id.clone(), output });
            }
            if is_trigger && button::flat(ui, Some(icon::PENCIL_SIMPLE), "Edit the sample").clicked() {
                let sample = match &fields.node.kind {
                    // What a test would get is what is changed.
                    NodeKind::Trigger(
                        trigger @ (Trigger::Event { .. }
                        | Trigger::Schedule { .. }
                        | Trigger::File { .. }
                        | Trigger::Failed { .. }
                        | Trigger::Ended { .. }
                        | Trigger::Alert { .. }),
                    ) => trigger.test_event(fields.ctx.catalog),
                    NodeKind::Trigger(trigger) => trigger.sample().clone(),
                    _ => Value::Null,
                };
                begin(draft, fields.id, &sample);
            }
        }
    });
    let face = face(&fields.node.kind, fields.ctx.catalog);
    let origin = given.as_ref().map(|it| it.origin);
    let mut roots: Vec<Root> = given
        .into_iter()
        .map(|it| Root {
            name: fields.id.to_string(),
            title: super::pill::step_words(fields.id.as_str(), fields.doc.flow()),
            icon: face.icon,
            hue: face.hue,
            origin: it.origin.words(),
            value: it.value,
        })
        .collect();
    // Beside what it gave: what the service says that it can give.
    if let Some(documented) = fields.known.documented(fields.id).filter(|it| Some(it.origin) != origin) {
        roots.push(Root {
            name: "documented".to_owned(),
            title: if documented.origin == Origin::Sample { "Its sample" } else { "As documented" }.to_owned(),
            icon: icon::BOOKS,
            hue: Hue::Logic,
            origin: documented.origin.words(),
            value: documented.value,
        });
    }
    // And what it is documented to be, name by name.
    if let Some(value) = fields.known.outline(fields.id) {
        roots.push(Root {
            name: "shape".to_owned(),
            title: "Its fields".to_owned(),
            icon: icon::TREE_STRUCTURE,
            hue: Hue::Logic,
            origin: "what the service documents",
            value,
        });
    }
    let nothing = if fields.known.is_reading() {
        "Reading the sample…"
    } else {
        "Nothing is known of its result yet. Test the flow to see it here."
    };
    let place = Place { name: "Output", maps: false, open: 1, nothing };
    viewer.show(ui, &roots, &place);
}

/// Data that is too large for a text field is not edited in one.
fn begin(draft: &mut Option<Draft>, id: &NodeId, value: &Value) {
    *draft = Some(if tree::is_large(value) {
        Draft {
            of: id.clone(),
            text: String::new(),
            error: Some("It is too large to be edited here; what is written here takes its place.".to_owned()),
        }
    } else {
        Draft::new(id, value)
    });
}

fn edit(ui: &mut Ui, fields: &Fields<'_>, draft: &mut Option<Draft>) {
    let Some(under_edit) = draft else { return };
    let pinned = fields.doc.pins.contains_key(fields.id);
    let colors = theme::colors(ui);
    let (mut keep, mut leave) = (false, false);
    ui.horizontal(|ui| {
        keep = button::primary(ui, None, if pinned { "Pin it" } else { "Keep it" }).clicked();
        leave = button::flat(ui, None, "Cancel").clicked();
    });
    if let Some(error) = &under_edit.error {
        ui.label(RichText::new(error).font(font::regular(size::SMALL)).color(colors.failed.text));
    }
    ScrollArea::vertical().id_salt("test data").auto_shrink(false).show(ui, |ui| {
        let text = TextEdit::multiline(&mut under_edit.text)
            .font(TextStyle::Monospace)
            .hint_text("{ }")
            .desired_rows(12)
            .desired_width(f32::INFINITY);
        let response = ui.add(text).accessible_name(if pinned { "Pinned data" } else { "Sample" });
        if response.changed() {
            under_edit.error = under_edit.read().err();
        }
    });
    if keep {
        match under_edit.read() {
            Err(error) => under_edit.error = Some(error),
            Ok(value) if pinned => {
                fields.ctx.send(Msg::Pin { doc: fields.doc.id, node: fields.id.clone(), output: Some(Arc::new(value)) });
                leave = true;
            }
            Ok(value) => {
                let mut kind = fields.node.kind.clone();
                if let NodeKind::Trigger(trigger) = &mut kind {
                    *trigger.sample_mut() = value;
                }
                fields.send(Edit::SetKind { id: fields.id.clone(), kind });
                leave = true;
            }
        }
    }
    if leave {
        *draft = None;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_says_where() {
        let mut draft = Draft::new(&NodeId::new("a"), &json!({"a": 1}));
        assert_eq!(draft.read(), Ok(json!({"a": 1})));
        "{\n  \"a\": }".clone_into(&mut draft.text);
        assert!(draft.read().unwrap_err().starts_with("Line 2, column 8: "), "{:?}", draft.read());
        draft.text.clear();
        assert_eq!(draft.read(), Ok(Value::Null));
    }
}
