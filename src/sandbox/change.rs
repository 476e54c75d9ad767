//! The one place where records are made, changed and removed.
//!
//! Invariant: every change of a record passes [`Watch::noted`], with the record as it was and as it is; what follows from
//! records (who has an e-mail, what stands in a calendar) is kept up there and nowhere else.
use super::highlevel::{APPOINTMENTS, BLOCKS, CONTACTS, ContactIndex, EventIndex};
use super::store::{Fields, Store};
use super::undo::Kept;
use super::webhook;
use super::world::World;

/// What happened to a record: made if it was nothing before, removed if it is nothing now.
pub(crate) struct Change<'a> {
    pub(crate) collection: &'a str,
    pub(crate) id: &'a str,
    /// The record that it hangs below; empty if it hangs below none.
    pub(crate) parent: &'a str,
    /// Where it was in its collection, and where it is.
    pub(crate) places: (u64, u64),
    pub(crate) before: Option<&'a Fields>,
    pub(crate) after: Option<&'a Fields>,
}

impl World {
    /// Adds a record, or replaces the one with the same id.
    pub(crate) fn insert(&mut self, collection: &str, id: &str, parent: &str, fields: Fields) {
        let (store, mut watch) = self.watched();
        let all = store.of_mut(collection);
        let old = all.remove(id);
        let at = all.insert(id, parent, fields);
        let (places, after) = ((old.as_ref().map_or(at, |(at, _)| *at), at), all.at(at).map(|row| &row.fields));
        watch.noted(&Change { collection, id, parent, places, before: old.as_ref().map(|(_, it)| &it.fields), after });
    }

    /// Puts a record where it was before it was removed.
    pub(crate) fn put_back(&mut self, collection: &str, id: &str, parent: &str, place: u64, fields: Fields) {
        let (store, mut watch) = self.watched();
        let all = store.of_mut(collection);
        all.put_back(place, id, parent, fields);
        let after = all.at(place).map(|row| &row.fields);
        watch.noted(&Change { collection, id, parent, places: (place, place), before: None, after });
    }

    /// Changes a record in its place; false if there is none.
    pub(crate) fn change(&mut self, collection: &str, id: &str, with: impl FnOnce(&mut Fields)) -> bool {
        let (store, mut watch) = self.watched();
        let Some((at, parent, fields)) = store.of_mut(collection).get_mut(id) else { return false };
        let before = fields.clone();
        with(fields);
        watch.noted(&Change { collection, id, parent, places: (at, at), before: Some(&before), after: Some(fields) });
        true
    }

    /// Puts other fields in a record's place.
    pub(crate) fn replace(&mut self, collection: &str, id: &str, fields: Fields) {
        self.change(collection, id, |place| *place = fields);
    }

    /// Removes a record; what it was.
    pub(crate) fn remove(&mut self, collection: &str, id: &str) -> Option<Fields> {
        let (store, mut watch) = self.watched();
        let (at, row) = store.of_mut(collection).remove(id)?;
        let (parent, before) = (row.parent(), Some(&row.fields));
        watch.noted(&Change { collection, id, parent, places: (at, at), before, after: None });
        Some(row.fields)
    }

    /// Removes every record below a parent.
    pub(crate) fn remove_children(&mut self, collection: &str, parent: &str) {
        let ids: Vec<String> = self.store.of(collection).children(parent).map(|row| row.id().to_owned()).collect();
        for id in ids {
            self.remove(collection, &id);
        }
    }

    /// The records, and who is told of their changes.
    fn watched(&mut self) -> (&mut Store, Watch<'_>) {
        let Self { store, contacts, booked, blocked, changes, kept, .. } = self;
        (store, Watch { contacts, booked, blocked, changes, kept })
    }
}

/// Who is told of changes.
struct Watch<'a> {
    contacts: &'a mut ContactIndex,
    booked: &'a mut EventIndex,
    blocked: &'a mut EventIndex,
    /// Who waits for webhooks.
    changes: &'a mut Option<Vec<webhook::Change>>,
    /// Who may take them back.
    kept: &'a mut Option<Vec<Kept>>,
}

impl Watch<'_> {
    /// Sees every change, once it is made.
    fn noted(&mut self, change: &Change<'_>) {
        if let Some(changes) = self.changes {
            changes.push(webhook::Change::of(change));
        }
        if let Some(kept) = self.kept {
            kept.push(Kept::of(change));
        }
        match change.collection {
            CONTACTS => self.contacts.noted(change),
            APPOINTMENTS => self.booked.noted(change),
            BLOCKS => self.blocked.noted(change),
            _ => {}
        }
    }
}
