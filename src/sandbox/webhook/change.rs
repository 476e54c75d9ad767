//! What was done to records while someone watched.
use super::super::change;
use super::super::store::Fields;
use super::super::world::World;

/// What became of a record between two looks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub(crate) collection: String,
    pub(crate) id: String,
    /// None where it was not there.
    pub(crate) before: Option<Fields>,
    /// None where it is gone.
    pub(crate) after: Option<Fields>,
}

impl Change {
    pub(crate) fn of(change: &change::Change<'_>) -> Self {
        Self {
            collection: change.collection.to_owned(),
            id: change.id.to_owned(),
            before: change.before.cloned(),
            after: change.after.cloned(),
        }
    }
}

impl World {
    /// Whether changes are kept from now on, for [`World::changes`]. Costs a copy of each record that changes.
    pub(crate) fn watch(&mut self, watched: bool) {
        self.changes = watched.then(Vec::new);
    }

    /// What became of records since the last look, in the order in which they were first changed.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        let mut merged: Vec<Change> = Vec::new();
        for change in self.changes.as_mut().map(std::mem::take).unwrap_or_default() {
            match merged.iter_mut().find(|it| it.id == change.id && it.collection == change.collection) {
                Some(earlier) => earlier.after = change.after,
                None => merged.push(change),
            }
        }
        merged.retain(|it| it.before != it.after);
        merged
    }
}
