//! Messages that come in pairs: which of what a service tells is of one and the same change.
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::whole::is_empty;
use super::{Event, EventSource, Kind, OperationId};

/// The other messages that tell the same change as an event's own does.
///
/// HighLevel tells of a stage that was changed by `OpportunityUpdate` and `OpportunityStageUpdate`, and of an opportunity that
/// was made or removed by `OpportunityUpdate` as well (highlevel-api-docs, issue 27).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Twins {
    /// Each of these tells such an event too: what has another stage has changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<OperationId>,
    /// With each of these such a message comes too, and there it is no event: what was just made has not changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not: Vec<OperationId>,
}

/// Fields of a message that say nothing about the record.
const OF_THE_MESSAGE: &[&str] = &["type", "webhookId", "timestamp", "traceId", "versionId", "appId"];

impl Twins {
    /// Whether no other message tells the same.
    pub fn is_none(&self) -> bool {
        self.also.is_empty() && self.not.is_empty()
    }
}

impl Event {
    /// Whether a message of that event tells of this one.
    pub fn is_told_by(&self, message: &OperationId) -> bool {
        self.id == *message || self.twins.also.contains(message)
    }

    /// The event whose twin this is; itself where it is nobody's. Messages of one family may tell one change.
    pub fn family(&self) -> &Self {
        let is_twin = |it: &&Self| it.twins.also.contains(&self.id) || it.twins.not.contains(&self.id);
        Self::of(self.id.connector()).find(is_twin).unwrap_or(self)
    }

    /// Whether a message of this event shows its record just as a message of another shows it: in all that both are to show,
    /// and in whatever else both do show. What is missing is the same as what is empty.
    pub fn shows_as(&self, other: &Self, own: &Map<String, Value>, its: &Map<String, Value>) -> bool {
        let (shown, others) = (self.shown(), other.shown());
        let documented = |key: &str| shown.contains(key) && others.contains(key);
        let value = |of: &Map<String, Value>, key: &str| of.get(key).filter(|it| !is_empty(it)).cloned();
        let keys = own.keys().chain(its.keys().filter(|it| !own.contains_key(*it)));
        keys.filter(|it| !OF_THE_MESSAGE.contains(&it.as_str()))
            .filter(|it| documented(it) || (own.contains_key(*it) && its.contains_key(*it)))
            .all(|key| value(own, key) == value(its, key))
    }

    /// The names of the fields that its messages are said to show of the record.
    fn shown(&self) -> BTreeSet<&str> {
        let EventSource::Webhook { .. } = &self.source else { return BTreeSet::new() };
        let mut fields: &[super::Field] = match self.payload.as_ref().map(|it| &it.kind) {
            Some(Kind::Object { fields, .. }) => fields,
            _ => return BTreeSet::new(),
        };
        for part in self.item.split('.').filter(|it| !it.is_empty()) {
            fields = match fields.iter().find(|it| it.name == part).map(|it| &it.schema.kind) {
                Some(Kind::Object { fields, .. }) => fields,
                _ => return BTreeSet::new(),
            };
        }
        fields.iter().map(|it| it.name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(name: &str) -> &'static Event {
        Event::find(&OperationId::new(&format!("highlevel.webhook.{name}"))).expect("an event")
    }

    #[test]
    fn every_twin_is_a_message_of_the_same_service_about_the_same_kind_of_record_and_of_one_family() {
        let mut twins = BTreeSet::new();
        for event in Event::shipped() {
            for id in event.twins.also.iter().chain(&event.twins.not) {
                let twin = Event::find(id).unwrap_or_else(|| panic!("{}: {id}", event.id));
                assert!(matches!(twin.source, EventSource::Webhook { .. }) && twin.is_named_by_type(), "{id}");
                assert_eq!((&twin.group, &twin.item, &twin.key), (&event.group, &event.item, &event.key), "{id}");
                assert!(twin.twins.is_none(), "{id} has none of its own");
                assert!(twins.insert(id.clone()), "{id} is the twin of two");
                assert_eq!(twin.family().id, event.id);
            }
            if !event.twins.is_none() {
                assert_eq!((&event.family().id, event.is_told_by(&event.id)), (&event.id, true));
            }
        }
        assert_eq!(twins.len(), 8);
        assert!(event("OpportunityUpdate").is_told_by(&event("OpportunityStageUpdate").id));
        assert!(!event("OpportunityUpdate").is_told_by(&event("OpportunityCreate").id), "what is made has not changed");
        assert!(!event("OpportunityStageUpdate").is_told_by(&event("OpportunityUpdate").id), "another field may have");
        assert_eq!(event("TaskCreate").family().id, event("TaskCreate").id);
    }

    #[test]
    fn two_messages_show_the_same_where_all_that_both_are_to_show_is_the_same() {
        let (general, stage) = ("OpportunityUpdate", "OpportunityStageUpdate");
        let (contact, dnd) = ("ContactUpdate", "ContactDndUpdate");
        for (one, other, own, its, expected) in [
            (general, stage, json!({"id": "o", "status": "open"}), json!({"id": "o", "status": "open"}), true),
            (general, stage, json!({"id": "o", "status": "open"}), json!({"id": "o", "status": "won"}), false),
            // What tells one message from another is not the record's.
            (
                general,
                stage,
                json!({"id": "o", "type": "OpportunityUpdate", "webhookId": "1", "timestamp": "x"}),
                json!({"id": "o", "type": "OpportunityStageUpdate", "webhookId": "2", "timestamp": "y"}),
                true,
            ),
            // Nobody looked after it before, somebody does now.
            (general, stage, json!({"id": "o"}), json!({"id": "o", "assignedTo": "u"}), false),
            (general, stage, json!({"id": "o", "assignedTo": null, "source": ""}), json!({"id": "o"}), true),
            // What only one of them is said to show speaks neither for it nor against it, unless both show it.
            (contact, dnd, json!({"id": "c", "dnd": true}), json!({"id": "c", "dnd": true, "dndSettings": {"SMS": 1}}), true),
            (contact, dnd, json!({"id": "c", "dnd": false}), json!({"id": "c", "dnd": true, "dndSettings": {"SMS": 1}}), false),
            (contact, dnd, json!({"id": "c", "new": 1}), json!({"id": "c"}), true),
            (contact, dnd, json!({"id": "c", "new": 1}), json!({"id": "c", "new": 2}), false),
            (contact, dnd, json!({"id": "c", "tags": []}), json!({"id": "c"}), true),
            (contact, dnd, json!({"id": "c", "tags": ["vip"]}), json!({"id": "c"}), false),
        ] {
            let fields = |it: &Value| it.as_object().cloned().expect("fields");
            let (own, its) = (fields(&own), fields(&its));
            assert_eq!(event(one).shows_as(event(other), &own, &its), expected, "{own:?} {its:?}");
            assert_eq!(event(other).shows_as(event(one), &its, &own), expected, "{its:?} {own:?}");
        }
    }
}
