//! Which events may take place in a stretch of time, and which are a contact's, without looking at all of them.
use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::sandbox::change::Change;
use crate::sandbox::store::Fields;

/// Finds appointments or block slots by their places.
#[derive(Debug, Clone, Default)]
pub(crate) struct EventIndex {
    /// Those that take place once, by their start in milliseconds.
    by_start: BTreeSet<(i64, u64)>,
    /// Those with a rule, which may take place at any time.
    repeating: BTreeSet<u64>,
    by_contact: HashMap<Box<str>, BTreeSet<u64>>,
    /// The longest that was ever seen, in milliseconds: so far before a stretch one may start and still touch it.
    longest: i64,
}

impl EventIndex {
    /// Follows a change of an event.
    pub(crate) fn noted(&mut self, change: &Change<'_>) {
        let (was, is) = change.places;
        if let Some(fields) = change.before {
            self.by_start.remove(&(ms(fields, "~start"), was));
            self.repeating.remove(&was);
            let contact = fields.text("contactId");
            if self.by_contact.get_mut(contact).is_some_and(|set| set.remove(&was) && set.is_empty()) {
                self.by_contact.remove(contact);
            }
        }
        if let Some(fields) = change.after {
            let start = ms(fields, "~start");
            if fields.text("rrule").is_empty() {
                self.by_start.insert((start, is));
                self.longest = self.longest.max(ms(fields, "~end").saturating_sub(start));
            } else {
                self.repeating.insert(is);
            }
            let contact = fields.text("contactId");
            if !contact.is_empty() {
                self.by_contact.entry(contact.into()).or_default().insert(is);
            }
        }
    }

    /// All that may touch a stretch; some of them do not.
    pub(super) fn near(&self, from: i64, to: i64) -> impl Iterator<Item = u64> {
        let first = (from.saturating_sub(self.longest).saturating_sub(MARGIN), 0);
        let last = (to.saturating_add(MARGIN), u64::MAX);
        let once = if first <= last { Some(self.by_start.range(first..=last)) } else { None };
        once.into_iter().flatten().map(|(_, place)| *place).chain(self.repeating.iter().copied())
    }

    /// A contact's events, in the order in which they were made.
    pub(super) fn of_contact(&self, contact: &str) -> impl Iterator<Item = u64> {
        self.by_contact.get(contact).into_iter().flatten().copied()
    }
}

/// An event without length counts as a minute long.
const MARGIN: i64 = 60_000;

fn ms(fields: &Fields, name: &str) -> i64 {
    fields.get(name).and_then(Value::as_i64).unwrap_or_default()
}
