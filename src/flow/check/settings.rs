//! What a node says beside its bindings, and literals with a meaning of their own.
use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde_json::Value;
use url::Url;

use super::Check;
use super::literal::{Literal, literal};
use crate::expr::{parse_duration, parse_time, parse_zone};
use crate::flow::schedule::{PlanError, Rule, Schedule};
use crate::flow::{
    Binding, Case, FlowId, HttpCall, Mapping, Missing, Node, NodeId, NodeKind, RetryPolicy, Row, Source, Trigger, WaitFor,
};

impl Check<'_> {
    pub(super) fn settings(&mut self, id: &NodeId, node: &Node) {
        match &node.kind {
            NodeKind::Action { operation, slot, input, retry } => {
                self.action(id, operation, slot, input);
                self.retry(id, *retry);
            }
            NodeKind::Http(call) => self.http(id, call),
            NodeKind::Switch { cases, .. } => self.cases(id, cases),
            NodeKind::ForEach { items, parallel, .. } => {
                if *parallel == 0 {
                    self.error("parallel", "no item could ever run: none at a time")
                        .of(id)
                        .at("parallel")
                        .hint("1 is one after the other.");
                }
                if let Literal::Value(value) = literal(items)
                    && !matches!(*value, Value::Array(_) | Value::Null)
                {
                    self.error("not_a_list", "a for-each needs a list, and this is none")
                        .of(id)
                        .at("items")
                        .hint("Use an expression that leads to a list.");
                }
            }
            NodeKind::Wait(WaitFor::Duration(binding)) => {
                if let Some(text) = plain_text(binding)
                    && let Err(error) = parse_duration(&text)
                {
                    self.error("duration", error.to_string())
                        .of(id)
                        .at("duration")
                        .hint("Write it like 2 days, 90 minutes or PT15M.");
                }
            }
            NodeKind::Wait(WaitFor::Until(binding)) => {
                if let Some(text) = plain_text(binding)
                    && let Err(error) = parse_time(&text, &TimeZone::UTC)
                {
                    self.error("time", error.to_string())
                        .of(id)
                        .at("until")
                        .hint("Write it like 2026-03-01T09:00:00+01:00 or 2026-03-01T09:00[Europe/Zurich].");
                }
            }
            NodeKind::Lookup { rows, .. } => self.rows(id, rows),
            NodeKind::SubFlow { flow, .. } => self.sub_flow(id, flow),
            NodeKind::Respond { status, .. } => {
                if let Literal::Value(value) = literal(status) {
                    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
                    if !number.is_some_and(|it| (200..=599).contains(&it)) {
                        self.error("status", "a status is a whole number from 200 to 599")
                            .of(id)
                            .at("status")
                            .hint("200 is usual.");
                    }
                }
            }
            NodeKind::Approval { message } => {
                if let Literal::Value(value) = literal(message)
                    && (value.is_null() || value.as_str().is_some_and(|it| it.trim().is_empty()))
                {
                    self.warning("question", "whoever is asked to agree is not told to what")
                        .of(id)
                        .at("message")
                        .hint("Say what is about to happen, and to whom.");
                }
            }
            NodeKind::Trigger(Trigger::Schedule { schedule, .. }) => self.schedule(id, schedule),
            NodeKind::Trigger(Trigger::Failed { of: Some(of), .. }) if *of == self.flow.id => {
                self.error("of", "a flow is not told of its own failures")
                    .of(id)
                    .at("of")
                    .hint("Name another flow, or none for any other; or use the way out \"error\" of a step.");
            }
            NodeKind::Trigger(Trigger::Ended { of, .. }) => {
                if of.contains(&self.flow.id) {
                    self.error("of", "a flow is not told of its own ends")
                        .of(id)
                        .at("of")
                        .hint("Name other flows, or none for any other.");
                }
            }
            NodeKind::Trigger(Trigger::File { watched, .. }) => {
                if let Some((message, hint)) = watched.problem() {
                    self.error("path", message).of(id).at("path").hint(hint);
                }
            }
            NodeKind::Trigger(Trigger::Event { event, slot, input, watch, .. }) => {
                self.event(id, event, slot, input);
                self.watch(id, event, watch);
            }
            NodeKind::Trigger(
                Trigger::Manual { .. } | Trigger::Webhook { .. } | Trigger::Failed { .. } | Trigger::Alert { .. },
            )
            | NodeKind::Branch { .. }
            | NodeKind::Join { .. }
            | NodeKind::Script { .. }
            | NodeKind::Set { .. }
            | NodeKind::Log { .. }
            | NodeKind::Stop { .. } => {}
        }
    }

    fn schedule(&mut self, id: &NodeId, schedule: &Schedule) {
        // Both may be wrong.
        if let Err(error) = schedule.rule.parse::<Rule>() {
            self.error("schedule", error.message).of(id).at("rule").span(error.span).hint(error.hint);
        }
        if schedule.zone.trim().is_empty() {
            self.error("zone", "no zone is chosen").of(id).at("zone").hint("Choose the one whose clocks count: Europe/London.");
        } else if let Err(error) = parse_zone(&schedule.zone) {
            let hint = PlanError::Zone(error.clone()).hint();
            self.error("zone", error.message).of(id).at("zone").hint(hint);
        }
    }

    fn http(&mut self, id: &NodeId, call: &HttpCall) {
        if let Some(text) = plain_text(&call.url) {
            match Url::parse(&text) {
                Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() => {
                    self.error("url", "a request goes to an http or https address")
                        .of(id)
                        .at("url")
                        .hint("Begin it with https://.");
                }
                Ok(url) if url.password().is_some() || !url.username().is_empty() => {
                    self.secret(id, "url", "the URL seems to hold a password");
                }
                Ok(_) => {}
                Err(error) => {
                    self.error("url", format!("this is no URL: {error}")).of(id).at("url").hint("Begin it with https://.");
                }
            }
        }
        self.secrets(id, "headers", &call.headers);
        self.secrets(id, "query", &call.query);
        if let Some(slot) = &call.slot {
            self.slot_is_known(id, slot);
        }
        self.retry(id, call.retry);
    }

    fn secrets(&mut self, id: &NodeId, place: &str, mapping: &Mapping) {
        for (name, binding) in &mapping.0 {
            let (Source::Value(Value::String(text)) | Source::Text(text)) = &binding.source else { continue };
            if names_a_secret(name) && !text.is_empty() && !text.trim_start().starts_with("{{") {
                self.secret(
                    id,
                    &format!("{place}.{name}"),
                    &format!("\"{name}\" seems to hold a secret, and flow files are shared"),
                );
            }
        }
    }

    fn secret(&mut self, id: &NodeId, place: &str, message: &str) {
        self.warning("secret", message)
            .of(id)
            .at(place)
            .hint("Use a connection: it keeps the secret out of the file and signs the request.");
    }

    pub(super) fn retry(&mut self, id: &NodeId, policy: RetryPolicy) {
        let RetryPolicy { attempts, first_ms, longest_ms } = policy;
        if attempts == 0 {
            self.error("retry", "no attempts at all: it could never run")
                .of(id)
                .at("retry.attempts")
                .hint("1 is once, and never again.");
        } else if attempts > 100 {
            self.warning("retry", format!("{attempts} attempts are more than help anyone"))
                .of(id)
                .at("retry.attempts")
                .hint("A service that is down for long is better met by a few attempts with longer waits.");
        }
        if attempts > 1 && longest_ms < first_ms {
            self.warning("retry", "the longest wait is shorter than the first")
                .of(id)
                .at("retry.longest_ms")
                .hint("Make it longer.");
        }
    }

    fn cases(&mut self, id: &NodeId, cases: &[Case]) {
        if cases.is_empty() {
            self.warning("no_cases", "a switch without cases always leaves through \"else\"")
                .of(id)
                .at("cases")
                .hint("Add a case.");
        }
        let mut seen = BTreeSet::new();
        for case in cases {
            let port = case.port.as_str();
            let place = format!("cases.{port}");
            if port.is_empty() {
                self.error("port_name", "a case has no name").of(id).at(place).hint("Name the way that it leaves through.");
            } else if matches!(port, "else" | "error") {
                self.error("port_name", format!("a case cannot be called \"{port}\": every switch has that way out"))
                    .of(id)
                    .at(place)
                    .hint("Give it another name.");
            } else if !seen.insert(port) {
                self.error("port_name", format!("two cases are called \"{port}\""))
                    .of(id)
                    .at(place)
                    .hint("Give one of them another name.");
            }
        }
    }

    fn rows(&mut self, id: &NodeId, rows: &[Row]) {
        if rows.is_empty() {
            self.warning("empty_lookup", "the table is empty, so nothing is ever found").of(id).at("rows").hint("Add a row.");
        }
        // Text alone, by which tables are looked up: a value that is not equal to any other needs no order.
        let mut seen = BTreeSet::new();
        for (at, row) in rows.iter().enumerate() {
            if let Value::String(key) = &row.key
                && !seen.insert(key)
            {
                self.warning("row_twice", format!("\"{key}\" is there twice; only the first row is ever found"))
                    .of(id)
                    .at(format!("rows.{at}"))
                    .hint("Take one of them away.");
            }
        }
    }

    fn sub_flow(&mut self, id: &NodeId, flow: &FlowId) {
        if flow.as_str().is_empty() {
            self.error("sub_flow", "no flow is chosen").of(id).at("flow").hint("Choose the flow to run.");
        } else if *flow == self.flow.id {
            self.error("sub_flow", "the flow would run itself, without end").of(id).at("flow").hint("Choose another flow.");
        } else if let Some(known) = self.context.known_flows
            && !known.contains(flow)
        {
            let meant = super::super::nearest::nearest(flow.as_str(), known.iter().map(FlowId::as_str));
            self.error("sub_flow", format!("there is no flow \"{flow}\" here"))
                .of(id)
                .at("flow")
                .meant(meant, "It may have been deleted, or be kept elsewhere.");
        }
    }
}

/// The text that a binding always gives, if it is one that does; a number as it is written.
fn plain_text(binding: &Binding) -> Option<String> {
    if binding.missing != Missing::Stop {
        return None;
    }
    match literal(binding) {
        Literal::Value(value) => match &*value {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        },
        Literal::Text | Literal::Open => None,
    }
}

/// Names under which secrets travel.
fn names_a_secret(name: &str) -> bool {
    const WORDS: &[&str] = &["authorization", "apikey", "token", "secret", "password", "cookie", "signature"];
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| plain.contains(word))
}
