//! Taking back what a person did by hand, and nothing else that happened since.
use std::fmt;

use jiff::Timestamp;

use super::change::Change;
use super::ledger::{Effect, LedgerEntry};
use super::store::Fields;
use super::world::World;

/// A change of a record as it was made, to be taken back.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    collection: String,
    id: String,
    parent: String,
    /// Where it was before.
    place: u64,
    before: Option<Fields>,
    after: Option<Fields>,
}

/// Takes back a deed; belongs to the sandbox that it was done in.
#[derive(Clone)]
pub struct Undo {
    changes: Vec<Kept>,
    /// How the ledger told of the deed.
    deed: LedgerEntry,
}

impl Kept {
    pub(crate) fn of(change: &Change<'_>) -> Self {
        Self {
            collection: change.collection.to_owned(),
            id: change.id.to_owned(),
            parent: change.parent.to_owned(),
            place: change.places.0,
            before: change.before.cloned(),
            after: change.after.cloned(),
        }
    }
}

impl Undo {
    pub(crate) fn new(changes: Vec<Kept>, deed: LedgerEntry) -> Self {
        Self { changes, deed }
    }
}

impl World {
    /// Takes a deed back. What others did to the same records meanwhile stays: of one that was changed, only the fields
    /// that the deed changed become what they were.
    pub(crate) fn take_back(&mut self, undo: Undo, now: Timestamp) {
        for it in undo.changes.into_iter().rev() {
            match (it.before, it.after) {
                (None, Some(_)) => drop(self.remove(&it.collection, &it.id)),
                (Some(before), None) if !self.store.of(&it.collection).contains(&it.id) => {
                    self.put_back(&it.collection, &it.id, &it.parent, it.place, before);
                }
                (Some(before), Some(after)) => {
                    self.change(&it.collection, &it.id, |fields| restore(fields, &before, &after));
                }
                (Some(_) | None, None) => {}
            }
        }
        let effect = match undo.deed.effect {
            Effect::Created => Effect::Deleted,
            Effect::Deleted => Effect::Created,
            other => other,
        };
        let summary = format!("Taken back: {}", undo.deed.summary);
        self.ledger.push(LedgerEntry { seq: 0, at: now, effect, summary, ..undo.deed });
    }
}

/// The fields that became others are as they were.
fn restore(fields: &mut Fields, before: &Fields, after: &Fields) {
    for (name, _) in after.iter().filter(|(name, _)| !before.contains_key(name)) {
        fields.remove(name);
    }
    for (name, value) in before.iter().filter(|(name, value)| after.get(name) != Some(*value)) {
        fields.insert(name, value.clone());
    }
}

// Nobody's records.
impl fmt::Debug for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Undo").field("changes", &self.changes.len()).finish_non_exhaustive()
    }
}
