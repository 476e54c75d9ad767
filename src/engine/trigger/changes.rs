//! The last changes of a record, and the messages that told them: one change is told by several, which come in any order.
//!
//! Invariant: what tells nothing new shows what was shown before, and is of another kind than all that told it: a message of the
//! same kind with another id is another change. In doubt it is one, so that none is lost.
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::echo::{Written, shows_the_same};
use crate::catalog::{Event, OperationId};

/// Messages that tell one change are sent within so long of each other.
const WITHIN: SignedDuration = SignedDuration::from_mins(1);
/// Changes of one record that are remembered.
const MOST: usize = 8;

/// What was told and found of a record, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Changes(Vec<Change>);

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Change {
    /// When the first message was sent, by the service's clock, or when a look found it.
    at: Timestamp,
    /// The event whose message came first, or whose look found it.
    of: OperationId,
    /// The messages that told it: their events, and their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    told: BTreeMap<OperationId, String>,
    /// What was shown of the record.
    record: Map<String, Value>,
}

/// A message about a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) event: &'static Event,
    /// Its own id: the same when it is sent again.
    pub(super) id: &'a str,
    /// When it was first sent.
    pub(super) at: Timestamp,
    /// What it shows of the record.
    pub(super) record: &'a Map<String, Value>,
}

/// What a message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// A change that nothing has told before.
    New,
    /// One that another message told, or a look found.
    Same,
    /// It came before.
    Again,
}

impl Changes {
    /// Takes a message in, and says what it tells.
    pub(super) fn take(&mut self, message: Message<'_>) -> News {
        let Message { event, id, at, record } = message;
        if self.0.iter().any(|it| it.told.get(&event.id).is_some_and(|it| it == id)) {
            return News::Again;
        }
        // What is made or removed is a change of its own, unless all that is known is the other message of it.
        let is_own = event.family().twins.not.contains(&event.id);
        let is_first = self.0.len() == 1 && self.0.iter().all(|it| it.told.keys().eq([&event.family().id]));
        let same = self.0.iter_mut().rev().find(|it| it.is_told_by(message)).filter(|_| !is_own || is_first);
        if let Some(same) = same {
            same.told.insert(event.id.clone(), id.to_owned());
            return News::Same;
        }
        let told = BTreeMap::from([(event.id.clone(), id.to_owned())]);
        self.push(Change { at, of: event.id.clone(), told, record: record.clone() });
        News::New
    }

    /// Takes in what a look has found.
    pub(super) fn found(&mut self, event: &Event, at: Timestamp, record: Map<String, Value>) {
        self.push(Change { at, of: event.id.clone(), told: BTreeMap::new(), record });
    }

    /// When the last of them was.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.0.iter().map(|it| it.at).max()
    }

    /// Whether the last of them left the record as it is shown now.
    pub(super) fn left(&self, record: &Value) -> bool {
        self.0.iter().max_by_key(|it| it.at).is_some_and(|it| it.shows(record))
    }

    fn push(&mut self, change: Change) {
        self.0.push(change);
        let over = self.0.len().saturating_sub(MOST);
        self.0.drain(..over);
    }
}

impl Change {
    /// Whether a message of a kind that has not told it yet tells it.
    fn is_told_by(&self, message: Message<'_>) -> bool {
        let Some(of) = Event::find(&self.of).filter(|_| !self.told.contains_key(&message.event.id)) else { return false };
        if of.poll().is_some() {
            // A message may be on its way for long; one that was sent after the look tells what came after it.
            return message.at.duration_since(self.at) <= WITHIN && self.shows(&Value::Object(message.record.clone()));
        }
        message.at.duration_since(self.at).abs() <= WITHIN && message.event.shows_as(of, message.record, &self.record)
    }

    fn shows(&self, record: &Value) -> bool {
        let written = Written { chain: Vec::new(), at: self.at, version: None, fields: self.record.clone() };
        shows_the_same(&written, record)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn event(name: &str) -> &'static Event {
        let kind = if name.contains('-') { "poll" } else { "webhook" };
        Event::find(&OperationId::new(&format!("highlevel.{kind}.{name}"))).expect("an event")
    }

    fn second(at: i64) -> Timestamp {
        Timestamp::from_second(at).expect("a time")
    }

    fn take(changes: &mut Changes, name: &str, id: &str, at: i64, record: &Value) -> News {
        let record = record.as_object().expect("fields");
        changes.take(Message { event: event(name), id, at: second(at), record })
    }

    /// What each message in turn tells: its kind, id, second, and the stage and status that it shows.
    fn told(messages: &[(&str, &str, i64, &str, &str)]) -> Vec<News> {
        let mut changes = Changes::default();
        let each = messages.iter().map(|(name, id, at, stage, status)| {
            let name = format!("Opportunity{name}");
            take(&mut changes, &name, id, *at, &json!({"id": "o", "pipelineStageId": stage, "status": status}))
        });
        each.collect()
    }

    #[test]
    fn one_change_is_new_once_in_whatever_order_its_messages_come() {
        use News::{Again, New, Same};
        for (messages, expected) in [
            (&[("Update", "1", 0, "b", "open"), ("StageUpdate", "2", 1, "b", "open")][..], &[New, Same][..]),
            (&[("StageUpdate", "2", 1, "b", "open"), ("Update", "1", 0, "b", "open")], &[New, Same]),
            // Sent again, the first and the second of them.
            (
                &[
                    ("Update", "1", 0, "b", "open"),
                    ("StageUpdate", "2", 1, "b", "open"),
                    ("StageUpdate", "2", 1, "b", "open"),
                    ("Update", "1", 0, "b", "open"),
                ],
                &[New, Same, Again, Again],
            ),
            // Two fields at one go.
            (
                &[("StageUpdate", "1", 0, "b", "won"), ("Update", "2", 0, "b", "won"), ("StatusUpdate", "3", 0, "b", "won")],
                &[New, Same, Same],
            ),
            // One after the other, and their messages in a muddle.
            (
                &[
                    ("Update", "1", 0, "b", "open"),
                    ("Update", "2", 2, "b", "won"),
                    ("StageUpdate", "3", 0, "b", "open"),
                    ("StatusUpdate", "4", 2, "b", "won"),
                ],
                &[New, New, Same, Same],
            ),
            // There and back, and there again.
            (
                &[
                    ("Update", "1", 0, "b", "open"),
                    ("Update", "2", 1, "a", "open"),
                    ("Update", "3", 2, "b", "open"),
                    ("StageUpdate", "4", 2, "b", "open"),
                ],
                &[New, New, New, Same],
            ),
            // A field that no message shows: the same kind with another id is another change.
            (&[("Update", "1", 0, "b", "open"), ("Update", "2", 1, "b", "open")], &[New, New]),
            (&[("Update", "1", 0, "b", "open"), ("Create", "2", 0, "b", "open")], &[New, Same]),
            // Removed soon after a change: what is told of that as a change is none.
            (
                &[
                    ("Update", "1", 0, "b", "won"),
                    ("StatusUpdate", "2", 0, "b", "won"),
                    ("Delete", "3", 5, "b", "won"),
                    ("Update", "4", 5, "b", "won"),
                ],
                &[New, Same, New, Same],
            ),
            // Made and told as changed, too; changed long after.
            (
                &[
                    ("Create", "1", 0, "b", "open"),
                    ("Update", "2", 1, "b", "open"),
                    ("Update", "3", 9, "b", "open"),
                    ("StageUpdate", "4", 300, "b", "open"),
                ],
                &[New, Same, New, New],
            ),
        ] {
            assert_eq!(told(messages), expected, "{messages:?}");
        }
    }

    #[test]
    fn what_a_look_found_is_told_by_messages_that_were_sent_before_it_and_not_by_later_ones() {
        let record = json!({"id": "o", "pipelineStageId": "b", "status": "open", "updatedAt": "x"});
        let shown = json!({"id": "o", "pipelineStageId": "b", "status": "open", "locationId": "l"});
        let mut changes = Changes::default();
        changes.found(event("opportunity-changed"), second(1_000), record.as_object().cloned().expect("fields"));
        assert!(changes.left(&shown) && !changes.left(&json!({"id": "o", "status": "won"})));
        assert_eq!(take(&mut changes, "OpportunityUpdate", "1", 100, &shown), News::Same, "it was on its way for long");
        assert_eq!(take(&mut changes, "OpportunityStageUpdate", "2", 101, &shown), News::Same);
        assert_eq!(take(&mut changes, "OpportunityUpdate", "3", 999, &shown), News::New, "another of the same kind");
        assert_eq!(take(&mut changes, "OpportunityStatusUpdate", "4", 2_000, &shown), News::New, "it came after the look");
        assert_eq!(changes.last(), Some(second(2_000)));
    }

    #[test]
    fn what_is_remembered_has_a_bound_and_reads_back() {
        let mut changes = Changes::default();
        for at in 0..50 {
            let news = take(&mut changes, "OpportunityUpdate", &at.to_string(), at, &json!({"id": "o", "name": at}));
            assert_eq!(news, News::New);
        }
        assert_eq!(changes.0.len(), MOST);
        let text = serde_json::to_string(&changes).expect("JSON");
        assert_eq!(serde_json::from_str::<Changes>(&text).expect("it reads back"), changes);
    }

    proptest! {
        #[test]
        fn however_messages_are_muddled_doubled_and_lost_each_change_is_new_once(
            // Of each change: which of its messages come, and how often each.
            changes in prop::collection::vec(prop::collection::vec(0_usize..3, 5), 1..7),
            seed in any::<u64>(),
        ) {
            const KINDS: [&str; 5] = ["Update", "StageUpdate", "StatusUpdate", "MonetaryValueUpdate", "AssignedToUpdate"];
            let mut messages: Vec<(usize, &str, String)> = Vec::new();
            for (change, times) in changes.iter().enumerate() {
                for (kind, times) in KINDS.iter().zip(times) {
                    messages.extend(std::iter::repeat_n((change, *kind, format!("{change}{kind}")), *times));
                }
            }
            fastrand::Rng::with_seed(seed).shuffle(&mut messages);
            let (mut known, mut new) = (Changes::default(), vec![0; changes.len()]);
            for (change, kind, id) in &messages {
                let shown = json!({"id": "o", "monetaryValue": change});
                let news = take(&mut known, &format!("Opportunity{kind}"), id, 3 * *change as i64, &shown);
                new[*change] += usize::from(news == News::New);
            }
            for (times, new) in changes.iter().zip(new) {
                prop_assert_eq!(new, usize::from(times.iter().any(|it| *it > 0)));
            }
        }
    }
}
