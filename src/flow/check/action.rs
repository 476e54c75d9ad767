//! Calls of operations: that they exist, on a connection of the right connector, with the inputs that they ask for.
use std::collections::BTreeMap;

use serde_json::Value;

use super::literal::{Fitting, Literal, literal};
use super::{Check, Severity};
use crate::catalog::{Counts, Encoding, Event, EventSource, Input, OperationId, Place, Reading};
use crate::flow::nearest::nearest;
use crate::flow::{Binding, Mapping, Missing, NodeId, SlotId, Watch};

impl Check<'_> {
    pub(super) fn action(&mut self, id: &NodeId, operation: &OperationId, slot: &SlotId, mapping: &Mapping) {
        self.slot_is_known(id, slot);
        if let Some(connector) = self.flow.slots.get(slot)
            && connector != operation.connector()
            && self.catalog.connector(connector).is_some()
        {
            let message = format!("the slot \"{slot}\" is for {connector}, and this calls {}", operation.connector());
            self.error("other_connector", message).of(id).at("slot").hint("Choose a slot of the same service.");
        }
        let catalog = self.catalog;
        let Some((connector, found)) = catalog.operation(operation) else {
            self.unknown_operation(id, operation);
            return;
        };
        if found.deprecated {
            self.warning("deprecated", format!("{} advises against \"{}\"", connector.title, found.title))
                .of(id)
                .at("operation")
                .hint("Look for the operation that took its place.");
        }
        for input in &found.inputs {
            match mapping.0.get(&input.key) {
                Some(binding) => {
                    self.filled(id, input, binding);
                    let typed = input.place == Place::Body && found.body == Some(Encoding::Json);
                    let reading = if typed { Reading::Typed } else { Reading::Text };
                    let mut fitting = Fitting { connector, reading, found: Vec::new() };
                    fitting.binding(&format!("input.{}", input.key), binding, &input.schema);
                    for misfit in fitting.found {
                        self.report(misfit.severity, misfit.code, misfit.message).of(id).at(misfit.place).hint(misfit.hint);
                    }
                }
                // The vendor's own default stands in where there is one to rely on.
                None if input.required && input.fixed.is_none() && input.account.is_none() => {
                    self.error("required", format!("\"{}\" is not filled in", input.label()))
                        .of(id)
                        .at(format!("input.{}", input.key))
                        .hint(format!("{} asks for it.", connector.title));
                }
                None => {}
            }
        }
        for key in mapping.0.keys().filter(|key| found.input(key).is_none()) {
            if self.has_enough() {
                return;
            }
            let meant = nearest(key, found.inputs.iter().map(|it| it.key.as_str()));
            self.error("unknown_field", format!("\"{}\" takes no input \"{key}\"", found.title))
                .of(id)
                .at(format!("input.{key}"))
                .meant(meant, "Take it away.");
        }
    }

    /// A trigger that waits for something to happen at a service.
    pub(super) fn event(&mut self, id: &NodeId, event: &OperationId, slot: &SlotId, input: &BTreeMap<String, Value>) {
        self.slot_is_known(id, slot);
        if let Some(connector) = self.flow.slots.get(slot)
            && connector != event.connector()
            && self.catalog.connector(connector).is_some()
        {
            let message = format!("the slot \"{slot}\" is for {connector}, and this happens at {}", event.connector());
            self.error("other_connector", message).of(id).at("slot").hint("Choose a slot of the same service.");
        }
        let Some(found) = Event::find(event) else {
            let meant = nearest(event.as_str(), Event::of(event.connector()).map(|it| it.id.as_str()));
            self.error("unknown_event", format!("the catalog has no event \"{event}\""))
                .of(id)
                .at("event")
                .meant(meant, "The catalog may be older than the flow.");
            return;
        };
        let asks: &[String] = match &found.source {
            EventSource::Poll(poll) => &poll.asks,
            EventSource::Webhook { .. } => &[],
        };
        for key in asks.iter().filter(|it| input.get(*it).is_none_or(|it| it.is_null() || it == "")) {
            self.error("required", format!("\"{key}\" is not chosen"))
                .of(id)
                .at(format!("input.{key}"))
                .hint(format!("\"{}\" looks at one at a time.", found.title));
        }
        for key in input.keys().filter(|key| !asks.contains(key)) {
            let meant = nearest(key, asks.iter().map(String::as_str));
            self.error("unknown_field", format!("\"{}\" asks for no \"{key}\"", found.title))
                .of(id)
                .at(format!("input.{key}"))
                .meant(meant, "Take it away.");
        }
    }

    /// How a service is watched for an event.
    pub(super) fn watch(&mut self, id: &NodeId, event: &OperationId, watch: &Watch) {
        let Some(found) = Event::find(event) else { return };
        if !watch.every.is_empty() && watch.every_ms().is_none() {
            self.error("watch", format!("\"{}\" is not how long to wait between two looks", watch.every))
                .of(id)
                .at("watch.every")
                .hint("Write a length of time of at least 5 seconds, such as \"5 minutes\".");
        }
        let is_dated = found.poll().is_some_and(|it| matches!(it.counts, Counts::Dated { .. }));
        match &watch.date {
            Some(date) if is_dated => {
                if let Err(error) = date.coming(&watch.ahead) {
                    self.error("watch", error.message).of(id).at(format!("watch.{}", error.place)).hint(error.hint);
                }
            }
            None if is_dated => {
                self.error("watch", "no date is chosen").of(id).at("watch.date").hint("Choose the field that holds it.");
            }
            Some(_) => {
                self.error("watch", format!("\"{}\" is not the coming of a date", found.title))
                    .of(id)
                    .at("watch.date")
                    .hint("Take it away.");
            }
            None => {}
        }
        if !watch.ahead.is_empty() && !is_dated {
            let is_a_time = found.poll().is_some_and(|it| matches!(it.counts, Counts::Reached { .. }));
            if !is_a_time {
                self.error("watch", format!("\"{}\" is not the coming of a time", found.title))
                    .of(id)
                    .at("watch.ahead")
                    .hint("Take it away.");
            } else if watch.ahead_ms().is_none() {
                self.error("watch", format!("\"{}\" is not how long before the time", watch.ahead))
                    .of(id)
                    .at("watch.ahead")
                    .hint("Write a length of time, such as \"24 hours\", or \"-1 hour\" for after it.");
            }
        }
        if watch.reconcile && found.reconciled_by.is_none() {
            self.error("watch", format!("\"{}\" cannot be looked for", found.title))
                .of(id)
                .at("watch.reconcile")
                .hint("The service tells it, and has no list of it.");
        }
        if watch.whole == Some(true) && found.whole.is_none() {
            self.error("watch", format!("the record that \"{}\" is about cannot be read", found.title))
                .of(id)
                .at("watch.whole")
                .hint("Take it away: what the service tells is all that there is.");
        }
    }

    /// A required input that is there, and may still turn out empty.
    fn filled(&mut self, id: &NodeId, input: &Input, binding: &Binding) {
        if !input.required || input.account.is_some() {
            return;
        }
        let place = format!("input.{}", input.key);
        if binding.missing == Missing::Skip {
            self.warning(
                "may_be_skipped",
                format!("\"{}\" is required, and is left out when its value is missing", input.label()),
            )
            .of(id)
            .at(place)
            .hint("Give a default, or let the step stop.");
        } else if input.place == Place::Path
            && let Literal::Value(value) = literal(binding)
            && value.as_str().is_some_and(|it| it.trim().is_empty())
        {
            self.error("required", format!("\"{}\" is empty", input.label()))
                .of(id)
                .at(place)
                .hint("It is a part of the address: fill it in.");
        }
    }

    pub(super) fn slot_is_known(&mut self, id: &NodeId, slot: &SlotId) {
        if self.flow.slots.contains_key(slot) {
            return;
        }
        let flow = self.flow;
        let meant = nearest(slot.as_str(), flow.slots.keys().map(SlotId::as_str));
        self.error("unknown_slot", format!("the flow has no slot \"{slot}\""))
            .of(id)
            .at("slot")
            .meant(meant, "Add the slot, or choose another.");
    }

    fn unknown_operation(&mut self, id: &NodeId, operation: &OperationId) {
        let catalog = self.catalog;
        let (code, message, meant) = if let Some(connector) = catalog.connector(operation.connector()) {
            let meant = nearest(operation.as_str(), connector.operations.keys().map(OperationId::as_str));
            ("unknown_operation", format!("{} has no operation \"{operation}\"", connector.title), meant)
        } else {
            let meant = nearest(operation.connector().as_str(), catalog.connectors().map(|it| it.id.as_str()));
            ("unknown_connector", format!("there is no connector \"{}\"", operation.connector()), meant)
        };
        self.report(Severity::Error, code, message)
            .of(id)
            .at("operation")
            .meant(meant, "The catalog may be older than the flow.");
    }
}
