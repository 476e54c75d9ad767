//! Where runs begin.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::schedule::Schedule;
use super::{Alarm, FlowId, SlotId, Watch, Watched};
use crate::catalog::{Catalog, Event, OperationId};

/// Where runs begin. Its output is the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trigger", rename_all = "snake_case")]
pub enum Trigger {
    /// A person, a command or another flow starts it.
    Manual {
        /// What a test run gets.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        sample: Value,
    },
    /// An HTTP request at `/hooks/<path>`. Output: `{body, headers, query, method}`.
    Webhook {
        /// The path below `/hooks/`, without a leading `/`.
        path: String,
        /// What the caller gets.
        #[serde(default)]
        answer: WebhookAnswer,
        /// A header that names the delivery; a second request with the same value starts no second run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery_header: Option<String>,
        /// Dotted path into the body that names the delivery, where no header does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery_field: Option<String>,
        /// What a test run gets.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        sample: Value,
    },
    /// The clock. Output: [`Plan::event`](super::schedule::Plan::event).
    Schedule {
        /// When.
        #[serde(flatten)]
        schedule: Schedule,
        /// What a test run gets; where it is null, an event as it would arrive.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        sample: Value,
    },
    /// A file that appears in a folder, or a row that is added to a table. Output: as [`Watched::sample`] has it.
    File {
        /// What is watched.
        #[serde(flatten)]
        watched: Watched,
        /// What a test run gets; where it is null, an example.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        sample: Value,
    },
    /// A run of another flow that failed. Output: as the example in [`Trigger::test_event`] has it.
    Failed {
        /// Of this flow alone; none is any other.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<FlowId>,
        /// What a test run gets; where it is null, an example.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        sample: Value,
    },
    /// A run of another flow that ended. Output: as the example in [`Trigger::test_event`] has it.
    Ended {
        /// Of these flows alone; of any other where there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        of: Vec<FlowId>,
        /// Which ends.
        #[serde(default)]
        ending: Ending,
        /// What a test run gets; where it is null, an example.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        sample: Value,
    },
    /// A person is alerted. Output: as the example in [`Trigger::test_event`] has it.
    Alert {
        /// Of these alone; none is any.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        of: BTreeSet<Alarm>,
        /// What a test run gets; where it is null, an example.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        sample: Value,
    },
    /// Something that happens at a service. Output: what the service tells of it, or the record that a poll found.
    Event {
        /// Which event of the catalogue.
        event: OperationId,
        /// At which connection.
        slot: SlotId,
        /// What a person chose of a poll, [`Poll::asks`](crate::catalog::Poll::asks): which calendar.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        input: BTreeMap<String, Value>,
        /// How the service is watched for it.
        #[serde(default, skip_serializing_if = "Watch::is_default")]
        watch: Watch,
        /// What a test run gets; where it is null, the catalogue's own sample of the event.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        sample: Value,
    },
}

/// Which ends of other flows start a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Those that went well.
    #[default]
    Succeeded,
    /// All: also those that failed, or were cancelled.
    Any,
}

/// What the caller of a webhook gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookAnswer {
    /// 202 as soon as the event is on disk.
    #[default]
    Accepted,
    /// What the flow's respond node says, or the run's outcome where none did.
    Flow,
}

impl Trigger {
    /// What a person gave for test runs; null if nothing.
    pub fn sample(&self) -> &Value {
        match self {
            Self::Manual { sample }
            | Self::Webhook { sample, .. }
            | Self::Schedule { sample, .. }
            | Self::File { sample, .. }
            | Self::Failed { sample, .. }
            | Self::Ended { sample, .. }
            | Self::Alert { sample, .. }
            | Self::Event { sample, .. } => sample,
        }
    }

    /// To give something else for test runs.
    pub fn sample_mut(&mut self) -> &mut Value {
        match self {
            Self::Manual { sample }
            | Self::Webhook { sample, .. }
            | Self::Schedule { sample, .. }
            | Self::File { sample, .. }
            | Self::Failed { sample, .. }
            | Self::Ended { sample, .. }
            | Self::Alert { sample, .. }
            | Self::Event { sample, .. } => sample,
        }
    }

    /// What a test run gets: the sample, or, where there is none, an event as it would arrive.
    pub fn test_event(&self, catalog: &Catalog) -> Value {
        match self {
            Self::Manual { sample } => sample.clone(),
            it if !it.sample().is_null() => it.sample().clone(),
            Self::Webhook { .. } => request(&Value::Null),
            Self::Schedule { schedule, .. } => schedule.sample(),
            Self::File { watched, .. } => watched.sample(),
            Self::Failed { of, .. } => end(of.as_ref(), true),
            Self::Ended { of, .. } => end(of.first(), false),
            Self::Alert { of, .. } => alert(of),
            Self::Event { event, watch, .. } => {
                let sample = |it: &Event| if watch.reads_whole(it) { it.whole_sample(catalog) } else { it.sample(catalog) };
                Event::find(event).and_then(sample).unwrap_or_default()
            }
        }
    }

    /// The output for a body that a person gives instead of waiting for the event.
    pub fn given(&self, body: Value) -> Value {
        match self {
            Self::Webhook { .. } => request(&body),
            _ => body,
        }
    }

    /// The slot that it listens on, if any.
    pub fn slot(&self) -> Option<&SlotId> {
        match self {
            Self::Event { slot, .. } => Some(slot),
            _ => None,
        }
    }

    /// What starts it of all that came of one deed at a service, each with its event.
    pub fn of_these<'a, T>(&self, happened: &'a [(OperationId, T)]) -> Option<&'a T> {
        let Self::Event { event, .. } = self else { return None };
        let twins = &Event::find(event)?.twins;
        let own = happened.iter().find(|(it, _)| it == event);
        let other = || happened.iter().find(|(it, _)| twins.also.contains(it));
        let is_none = happened.iter().any(|(it, _)| twins.not.contains(it));
        own.or_else(other).filter(|_| !is_none).map(|(_, it)| it)
    }
}

/// What is told of a run that ended, as it would come.
fn end(of: Option<&FlowId>, has_failed: bool) -> Value {
    let failure = json!({
        "kind": "refused", "title": "HighLevel refused \"Create task\"", "detail": "Contact not found", "hint": "", "at": ""
    });
    json!({
        "flow": { "id": of.map_or("another-flow", FlowId::as_str), "name": "Another flow" },
        "run": 1, "at": "2026-01-05T09:30:00Z", "started_by": "a person",
        "outcome": if has_failed { "failed" } else { "succeeded" },
        "step": has_failed.then_some("create_task"),
        "failure": has_failed.then_some(failure),
        "output": (!has_failed).then(|| json!({ "id": "1" })),
        "event": { "id": "1" }
    })
}

/// What a person is told, as it would come.
fn alert(of: &BTreeSet<Alarm>) -> Value {
    let kind = of.first().copied().unwrap_or(Alarm::Failure);
    let (title, text) = match kind {
        Alarm::Failure => ("3 runs of \"Reminders\" failed", "2 of them because: HighLevel refused \"Create task\"."),
        Alarm::Question => ("\"Reminders\" waits for you", "Send it to all customers?"),
        Alarm::Connection => ("\"Main account\" needs a new sign-in", "Steps that need it wait."),
        Alarm::Quiet => ("\"Reminders\" has gone quiet", "No event for 26 hours; usually every 10 minutes."),
    };
    let flow = (kind != Alarm::Connection).then(|| json!({ "id": "reminders", "name": "Reminders" }));
    let connection = (kind == Alarm::Connection).then(|| json!({ "id": "crm", "name": "Main account" }));
    let (run, count) = match kind {
        Alarm::Failure => (Some(12), 3),
        Alarm::Question => (Some(12), 1),
        Alarm::Connection | Alarm::Quiet => (None, 0),
    };
    json!({
        "kind": kind.name(), "over": false, "title": title, "text": text, "at": "2026-01-05T09:30:00Z",
        "flow": flow, "run": run, "connection": connection, "count": count
    })
}

/// A request with a body and nothing else, as a webhook gives it.
fn request(body: &Value) -> Value {
    json!({ "body": body, "headers": {}, "query": {}, "method": "POST" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, sample: Value) -> Trigger {
        Trigger::Event {
            event: OperationId::new(id),
            slot: "crm".into(),
            input: BTreeMap::new(),
            watch: Watch::default(),
            sample,
        }
    }

    #[test]
    fn a_test_gets_the_sample_or_an_event_as_it_would_arrive() {
        let catalog = Catalog::shipped();
        let created = event("highlevel.webhook.ContactCreate", Value::Null);
        assert_eq!(created.test_event(&catalog)["type"], "ContactCreate");
        assert_eq!(event("highlevel.webhook.ContactCreate", json!({"id": "1"})).test_event(&catalog), json!({"id": "1"}));
        let found = event("highlevel.poll.contact-changed", Value::Null).test_event(&catalog);
        assert!(found["id"].is_string() && found["contacts"].is_null(), "one record: {found}");
        assert_eq!(event("highlevel.webhook.Nothing", Value::Null).test_event(&catalog), Value::Null);
        assert_eq!(Trigger::Manual { sample: Value::Null }.test_event(&catalog), Value::Null);
        let hook = Trigger::Webhook {
            path: "x".to_owned(),
            answer: WebhookAnswer::Accepted,
            delivery_header: None,
            delivery_field: None,
            sample: Value::Null,
        };
        assert_eq!((&hook.test_event(&catalog)["body"], &hook.given(json!(1))["body"]), (&Value::Null, &json!(1)));
        assert_eq!(created.given(json!({"id": "2"})), json!({"id": "2"}));
        let schedule = Schedule { rule: "every Tuesday at 9:30".into(), zone: "Europe/Berlin".into(), ..Schedule::default() };
        assert_eq!(
            Trigger::Schedule { schedule, sample: Value::Null }.test_event(&catalog),
            json!({
                "at": "2026-01-06T09:30:00+01:00", "date": "2026-01-06", "time": "09:30", "weekday": "Tuesday",
                "zone": "Europe/Berlin", "missed": 0
            })
        );
        assert_eq!(
            Trigger::Schedule { schedule: Schedule::default(), sample: Value::Null }.test_event(&catalog),
            Value::Null,
            "what cannot be read gives nothing"
        );
    }

    #[test]
    fn what_came_of_one_deed_starts_a_trigger_by_its_own_message_or_by_a_twin() {
        let came = |names: &[&str]| {
            let each = names.iter().map(|it| (OperationId::new(&format!("highlevel.webhook.{it}")), (*it).to_owned()));
            each.collect::<Vec<_>>()
        };
        let of = |event_name: &str, names: &[&str]| {
            event(&format!("highlevel.webhook.{event_name}"), Value::Null).of_these(&came(names)).cloned().unwrap_or_default()
        };
        for (trigger, names, expected) in [
            ("OpportunityUpdate", &["OpportunityUpdate", "OpportunityStageUpdate"][..], "OpportunityUpdate"),
            ("OpportunityUpdate", &["OpportunityStageUpdate"], "OpportunityStageUpdate"),
            ("OpportunityStageUpdate", &["OpportunityUpdate"], ""),
            ("OpportunityUpdate", &["OpportunityCreate", "OpportunityUpdate"], ""),
            ("OpportunityCreate", &["OpportunityCreate", "OpportunityUpdate"], "OpportunityCreate"),
            ("ContactCreate", &["TaskCreate"], ""),
        ] {
            assert_eq!(of(trigger, names), expected, "{trigger}: {names:?}");
        }
        assert_eq!(Trigger::Manual { sample: Value::Null }.of_these(&came(&["TaskCreate"])), None);
    }

    #[test]
    fn every_event_of_the_catalogue_has_a_sample() {
        let catalog = Catalog::shipped();
        for it in Event::shipped() {
            let sample = it.sample(&catalog).unwrap_or_default();
            assert!(sample.as_object().is_some_and(|it| !it.is_empty()), "{}: {sample}", it.id);
        }
    }
}
