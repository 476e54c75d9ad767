//! What expressions speak of: that it is there, and there in time.
use super::expression::Reading;
use super::{Check, Severity};
use crate::expr::{Reference, Segment};
use crate::flow::nearest::nearest;
use crate::flow::{Certainty, NodeId, NodeKind, Order};

/// The names that are not nodes.
const OWN: &[&str] = &["item", "index", "run", "error"];
/// What `run` holds.
const RUN_FIELDS: &[&str] = &["id", "flow", "started"];
/// What a for-each gives within its body.
const ITEM_FIELDS: &[&str] = &["item", "index"];

/// Why a reference does not hold.
struct Gap {
    code: &'static str,
    message: String,
    hint: String,
    /// It can be there in some runs, so that what the binding does when it is not is an answer.
    sometimes: bool,
}

impl Gap {
    fn never(code: &'static str, message: String, hint: impl Into<String>) -> Self {
        Self { code, message, hint: hint.into(), sometimes: false }
    }

    fn sometimes(code: &'static str, message: String) -> Self {
        let hint = "Choose what happens then: skip the field or give a default, or move this where it has surely run.".to_owned();
        Self { code, message, hint, sometimes: true }
    }
}

impl Check<'_> {
    pub(super) fn references(&mut self, id: &NodeId, reading: &Reading, references: &[Reference]) {
        for reference in references {
            if self.has_enough() {
                return;
            }
            let Some(gap) = self.gap(id, &reading.place, reference) else { continue };
            let provided = reference.guarded || reading.provided;
            let severity = match (provided, gap.sometimes) {
                (true, true) => continue,
                (true, false) => Severity::Warning,
                (false, _) => Severity::Error,
            };
            // A name that is nothing at all is a slip, whatever stands in for it.
            let severity = if gap.code == "unknown_name" { Severity::Error } else { severity };
            self.report(severity, gap.code, gap.message)
                .of(id)
                .at(reading.place.clone())
                .span(reference.span.clone())
                .hint(gap.hint);
        }
    }

    fn gap(&self, at: &NodeId, place: &str, reference: &Reference) -> Option<Gap> {
        // `collect` looks at an item from its end, from within the body.
        let collects = place == "collect" || place.starts_with("collect.");
        let for_each = self.flow.nodes.get(at).is_some_and(|it| matches!(it.kind, NodeKind::ForEach { .. }));
        let within = (collects && for_each).then_some(at);
        let root = reference.root();
        let second = match reference.path.get(1) {
            Some(Segment::Key(key)) => Some(key.as_str()),
            _ => None,
        };
        let lacks = |name: &str, fields: &[&str]| {
            let key = second.filter(|it| !fields.contains(it))?;
            Some(Gap::never("unknown_field", format!("{name} has no \"{key}\""), format!("It has {}.", fields.join(", "))))
        };
        let order = self.order.as_ref()?;
        match root {
            "item" | "index" => (within.is_none() && order.enclosing(at).is_empty()).then(|| {
                let message = format!("\"{root}\" is known only inside of a for-each");
                Gap::never("outside_for_each", message, "Move this behind the port \"item\" of a for-each.")
            }),
            "run" => lacks("\"run\"", RUN_FIELDS),
            "error" => no_failure(order, at, within),
            _ => {
                let node = NodeId::new(root);
                if !self.flow.nodes.contains_key(&node) {
                    return Some(self.unknown_name(order, at, root));
                }
                if within == Some(&node) || order.body(&node).contains(at) {
                    let name = format!("while its items run, {}", self.title(&node));
                    return lacks(&name, ITEM_FIELDS);
                }
                self.not_in_time(order, at, within, &node)
            }
        }
    }

    fn unknown_name(&self, order: &Order, at: &NodeId, root: &str) -> Gap {
        let before = order.ancestors(at).map(NodeId::as_str);
        let meant = nearest(root, before.chain(OWN.iter().copied()))
            .or_else(|| nearest(root, self.flow.nodes.keys().map(NodeId::as_str)));
        let hint = match meant {
            Some(meant) => format!("Did you mean \"{meant}\"?"),
            None => "A step is spoken of by its id.".to_owned(),
        };
        Gap::never("unknown_name", format!("there is no step \"{root}\""), hint)
    }

    /// Why a node's output may not be there when another runs, or, of a for-each, when one of its items ends.
    fn not_in_time(&self, order: &Order, at: &NodeId, within: Option<&NodeId>, node: &NodeId) -> Option<Gap> {
        if node == at {
            return Some(Gap::never("itself", "a step cannot speak of its own output".to_owned(), "Speak of a step before it."));
        }
        if order.always_before(node, at) || within.is_some_and(|around| order.always_in_item(around, node)) {
            return None;
        }
        let name = self.title(node);
        let muted = self.flow.nodes.get(node).is_some_and(|it| it.muted);
        if muted {
            return Some(Gap::never("muted", format!("{name} is muted and gives nothing"), "Unmute it, or give a default."));
        }
        let innermost = order.enclosing(node).pop();
        let in_item = within.is_some_and(|around| innermost.as_ref() == Some(around));
        if in_item || order.is_ancestor(node, at) {
            return Some(Gap::sometimes("may_not_run", format!("{name} may not have run when this does")));
        }
        let shared = |around: &NodeId| order.enclosing(at).contains(around) || within == Some(around);
        if let Some(around) = innermost.filter(|it| !shared(it)) {
            let of = self.title(&around);
            let message = format!("{name} runs once for each item of {of}, and its outputs are not known outside");
            return Some(Gap::never(
                "inside_for_each",
                message,
                format!("Let {of} collect what is needed and speak of \"{around}.results\"."),
            ));
        }
        if order.is_ancestor(at, node) {
            let hint = "Speak of a step before this one, or move this behind it.";
            return Some(Gap::never("comes_later", format!("{name} comes after this step"), hint));
        }
        let hint = "Connect it so that it comes first.";
        Some(Gap::never("not_before", format!("{name} does not lead here, so it may not have run yet"), hint))
    }
}

/// Why `error` may not be known when a node runs.
fn no_failure(order: &Order, at: &NodeId, within: Option<&NodeId>) -> Option<Gap> {
    let in_body = |id: &NodeId| order.failed_before(id) != Certainty::Never;
    let known = match order.failed_before(at) {
        Certainty::Never if within.is_some_and(|it| order.body(it).iter().any(in_body)) => Certainty::Sometimes,
        other => other,
    };
    match known {
        Certainty::Always => None,
        Certainty::Sometimes => Some(Gap::sometimes(
            "may_not_run",
            "\"error\" is known only behind a failure, and this can be reached without one".to_owned(),
        )),
        Certainty::Never => {
            let hint = "Connect this to the port \"error\" of the step whose failure it handles.";
            Some(Gap::never("no_failure", "\"error\" is known only behind the port \"error\" of a step".to_owned(), hint))
        }
    }
}
