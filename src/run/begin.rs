//! How a step begins: its inputs are filled, and what needs nothing from outside is done at once.
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::program::{Http, HttpPayload, Work};
use super::sight::Sight;
use super::state::{Attempt, Run};
use super::{Call, HttpRequest, ItemPath, Payload, StepKey, Verify};
use crate::expr::{Scope as _, later, parse_duration, parse_time, truthy};
use crate::flow::{Level, PortId, StopOutcome};
use crate::record::{Failure, FailureKind};

/// What beginning a step led to.
pub(super) enum Begun {
    /// Something outside is to be done.
    Call(Call),
    /// It is done.
    Output(PortId, Value),
    /// It wrote a line.
    Line(Level, String),
    /// It waits.
    Wait(Timestamp),
    /// It asks a person.
    Ask(String),
    /// A for-each with its list.
    Items(Value),
}

impl Run {
    /// Fills a step's inputs as of its first attempt.
    pub(super) fn begin(&self, node: usize, item: &ItemPath, step: &StepKey, attempt: Attempt) -> Result<Begun, Failure> {
        let compiled = &self.program.nodes[node];
        let sight = &Sight { run: self, item, node, now: attempt.first };
        let named = |mut failure: Failure| {
            if failure.kind == FailureKind::Limit || failure.kind == FailureKind::Mapping && !failure.title.starts_with('"') {
                failure.title = format!("\"{}\": {}", compiled.name, failure.title);
            } else if failure.kind == FailureKind::Mapping {
                failure.title = format!("\"{}\" cannot be filled in: {}", compiled.name, failure.title);
            }
            failure
        };
        self.begin_work(&compiled.work, sight, step, attempt).map_err(named)
    }

    fn begin_work(&self, work: &Work, sight: &Sight<'_>, step: &StepKey, attempt: Attempt) -> Result<Begun, Failure> {
        let out = |value| Ok(Begun::Output(PortId::out(), value));
        match work {
            Work::Trigger { whole } => {
                let told = Value::clone(&self.told);
                // The same on every attempt, as of the first.
                let Some((whole, input)) = whole.as_ref().and_then(|it| Some((it, it.fill(&told, attempt.first)?))) else {
                    return out(told);
                };
                Ok(Begun::Call(Call::Operation {
                    operation: Arc::clone(&whole.operation),
                    connector: Arc::clone(&whole.connector),
                    slot: whole.slot.clone(),
                    input,
                    named: Arc::default(),
                    verify: None,
                }))
            }
            Work::Operation { operation, connector, slot, input, named, lookup, .. } => Ok(Begun::Call(Call::Operation {
                operation: Arc::clone(operation),
                connector: Arc::clone(connector),
                slot: slot.clone(),
                input: input.object(sight)?,
                named: Arc::clone(named),
                verify: match lookup {
                    Some(lookup) if attempt.lost => Some(Verify { lookup: Arc::clone(lookup), started: attempt.first }),
                    _ => None,
                },
            })),
            Work::Http { http } => Ok(Begun::Call(Call::Http(Box::new(http.fill(sight)?)))),
            Work::Branch { condition } => {
                let holds = truthy(&condition.or_null(sight)?);
                Ok(Begun::Output(PortId::new(if holds { "true" } else { "false" }), Value::Bool(holds)))
            }
            Work::Switch { value, cases } => {
                let value = value.or_null(sight)?;
                for (port, equals) in cases {
                    if same(&equals.or_null(sight)?, &value, false) {
                        return Ok(Begun::Output(port.clone(), value));
                    }
                }
                Ok(Begun::Output(PortId::new("else"), value))
            }
            Work::ForEach { items, .. } => match items.or_null(sight)? {
                Value::Null => Ok(Begun::Items(Value::Array(Vec::new()))),
                list @ Value::Array(_) => Ok(Begun::Items(list)),
                other => Err(items.wrong(format!("a for-each needs a list, and this is {}", kind_of(&other)))),
            },
            Work::Join { .. } => {
                let from = self.program.nodes[sight.node].incoming.iter().map(|way| self.program.nodes[way.from].id.as_str());
                out(json!({ "from": from.collect::<Vec<_>>() }))
            }
            Work::WaitDuration(fill) => {
                let text = text_of(fill.or_null(sight)?);
                let duration = parse_duration(&text).map_err(|error| fill.wrong(error.to_string()))?;
                let until = later(attempt.first, &duration, sight.zone()).map_err(|error| fill.wrong(error.to_string()))?;
                Ok(Begun::Wait(until))
            }
            Work::WaitUntil(fill) => {
                let text = text_of(fill.or_null(sight)?);
                Ok(Begun::Wait(parse_time(&text, sight.zone()).map_err(|error| fill.wrong(error.to_string()))?))
            }
            Work::Set { fields } => out(Value::Object(fields.object(sight)?)),
            Work::Lookup { key, rows, ignore_case } => {
                let key = key.or_null(sight)?;
                match rows.iter().find(|(at, _)| same(at, &key, *ignore_case)) {
                    Some((_, value)) => out(Value::clone(value)),
                    None => Ok(Begun::Output(PortId::new("else"), Value::Null)),
                }
            }
            Work::Script { script, input } => {
                Ok(Begun::Call(Call::Script { script: Arc::clone(script), input: Value::Object(input.object(sight)?) }))
            }
            Work::SubFlow { flow, input } => {
                Ok(Begun::Call(Call::SubFlow { flow: flow.clone(), input: Value::Object(input.object(sight)?) }))
            }
            Work::Respond { status, headers, body } => {
                let code = status.or_null(sight)?;
                let code = code.as_u64().or_else(|| code.as_str()?.trim().parse().ok()).filter(|it| (200..=599).contains(it));
                let code = code.ok_or_else(|| status.wrong("a status is a number from 200 to 599"))?;
                out(json!({ "status": code, "headers": texts(headers.object(sight)?), "body": body.or_null(sight)? }))
            }
            Work::Approval { message } => Ok(Begun::Ask(text_of(message.or_null(sight)?))),
            Work::Log { level, message } => Ok(Begun::Line(*level, text_of(message.or_null(sight)?))),
            Work::Stop { outcome, message } => {
                let message = message.as_ref().map(|it| it.or_null(sight)).transpose()?.map(text_of);
                let message = message.unwrap_or_else(|| match outcome {
                    StopOutcome::Success => "Ended as intended".to_owned(),
                    StopOutcome::Failure => format!("\"{}\" ended the run", self.program.title(&step.node)),
                });
                out(json!({ "message": message }))
            }
        }
    }
}

impl Http {
    fn fill(&self, sight: &Sight<'_>) -> Result<HttpRequest, Failure> {
        let pairs = |fills: &super::fill::Fills| Ok::<_, Failure>(texts(fills.object(sight)?).into_iter().collect::<Vec<_>>());
        Ok(HttpRequest {
            method: self.method,
            url: text_of(self.url.or_null(sight)?),
            query: pairs(&self.query)?,
            headers: pairs(&self.headers)?,
            body: match &self.body {
                None => Payload::None,
                Some(HttpPayload::Json(fill)) => Payload::Json(fill.or_null(sight)?),
                Some(HttpPayload::Form(fills)) => Payload::Form(pairs(fills)?),
                Some(HttpPayload::Text(fill)) => Payload::Text(text_of(fill.or_null(sight)?)),
            },
            slot: self.slot.clone(),
        })
    }
}

/// Text as it is, anything else as JSON.
fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn texts(object: Map<String, Value>) -> std::collections::BTreeMap<String, String> {
    object.into_iter().map(|(key, value)| (key, text_of(value))).collect()
}

/// Equal as a person means it: `5` is `"5"`, and with `ignore_case` `"VIP"` is `"vip"`.
fn same(a: &Value, b: &Value, ignore_case: bool) -> bool {
    if a == b {
        return true;
    }
    let scalar = |it: &Value| !it.is_object() && !it.is_array() && !it.is_null();
    if !scalar(a) || !scalar(b) {
        return false;
    }
    let (a, b) = (text_of(a.clone()), text_of(b.clone()));
    if ignore_case { a.trim().to_lowercase() == b.trim().to_lowercase() } else { a == b }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "yes or no",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
