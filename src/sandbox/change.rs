//! The one place where records are made, changed and removed.
//!
//! Invariant: every change of a record passes [`World::noted`], with the record as it was and as it is; what follows from
//! records (who has an e-mail, what stands in a calendar) is kept up there and nowhere else.
use super::highlevel::{APPOINTMENTS, BLOCKS, CONTACTS};
use super::store::Fields;
use super::webhook;
use super::world::World;

/// What happened to a record: made if it was nothing before, removed if it is nothing now.
pub(crate) struct Change<'a> {
    pub(crate) collection: &'a str,
    pub(crate) id: &'a str,
    /// Where it was in its collection, and where it is.
    pub(crate) places: (u64, u64),
    pub(crate) before: Option<&'a Fields>,
    pub(crate) after: Option<&'a Fields>,
}

impl World {
    /// Adds a record, or replaces the one with the same id.
    pub(crate) fn insert(&mut self, collection: &str, id: &str, parent: &str, fields: Fields) {
        let all = self.store.of_mut(collection);
        let old = all.remove(id);
        let at = all.insert(id, parent, fields.clone());
        let was = old.as_ref().map_or(at, |(at, _)| *at);
        self.noted(&Change { collection, id, places: (was, at), before: old.as_ref().map(|(_, it)| it), after: Some(&fields) });
    }

    /// Changes a record in its place; false if there is none.
    pub(crate) fn change(&mut self, collection: &str, id: &str, with: impl FnOnce(&mut Fields)) -> bool {
        let Some((at, fields)) = self.store.of_mut(collection).get_mut(id) else { return false };
        let before = fields.clone();
        with(fields);
        let after = fields.clone();
        self.noted(&Change { collection, id, places: (at, at), before: Some(&before), after: Some(&after) });
        true
    }

    /// Puts other fields in a record's place.
    pub(crate) fn replace(&mut self, collection: &str, id: &str, fields: Fields) {
        self.change(collection, id, |place| *place = fields);
    }

    /// Removes a record; what it was.
    pub(crate) fn remove(&mut self, collection: &str, id: &str) -> Option<Fields> {
        let (at, fields) = self.store.of_mut(collection).remove(id)?;
        self.noted(&Change { collection, id, places: (at, at), before: Some(&fields), after: None });
        Some(fields)
    }

    /// Removes every record below a parent.
    pub(crate) fn remove_children(&mut self, collection: &str, parent: &str) {
        let ids: Vec<String> = self.store.of(collection).children(parent).map(|row| row.id().to_owned()).collect();
        for id in ids {
            self.remove(collection, &id);
        }
    }

    /// Sees every change, once it is made.
    fn noted(&mut self, change: &Change<'_>) {
        if let Some(changes) = &mut self.changes {
            changes.push(webhook::Change::of(change));
        }
        let index = match change.collection {
            CONTACTS => return self.contacts.noted(change),
            APPOINTMENTS => &mut self.booked,
            BLOCKS => &mut self.blocked,
            _ => return,
        };
        index.noted(change);
    }
}
