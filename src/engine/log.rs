//! What happened, for reading: the journal as shells see it, also while another process writes it.
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Kept;
use std::path::Path;

use jiff::Timestamp;

use super::Look;
use crate::catalog::OperationId;
use crate::connector::ConnectionId;
use crate::flow::Trigger;
pub use crate::journal::{
    Filter, Format, Found, Hit, Indexed, Journal, JournalError, OutcomeKind, Place, Reader, Record, RunHead, RunState, Searched,
    StepExchange,
};
use crate::run::{Entry, Park, StepKey};

/// Where the journal keeps the last look of each feed.
pub(super) const LOOKS: &str = "looks";

/// Runs that wait are looked through a page at a time, and no more of them than this: beyond it nobody counts.
const PAGE: usize = 500;
const MOST: u64 = 20_000;

/// How many runs wait for each connection to be signed in again; none where nothing was ever run there.
///
/// # Errors
/// If the journal cannot be read.
pub fn waiting_for_sign_in(data: &Path) -> Result<BTreeMap<ConnectionId, u64>, JournalError> {
    let mut waiting = BTreeMap::new();
    if !super::has_log(data) {
        return Ok(waiting);
    }
    let reader = Journal::open_reader(data)?;
    let (mut before, mut seen) = (None, 0);
    loop {
        let filter = Filter { state: Some(RunState::Parked), before, limit: PAGE, ..Filter::default() };
        let page = reader.runs(&filter)?;
        for head in &page {
            for connection in connections_of(&reader.entries(head.id)?) {
                *waiting.entry(connection).or_default() += 1;
            }
        }
        seen += page.len() as u64;
        before = page.last().map(|it| it.id);
        if page.len() < PAGE || seen >= MOST {
            return Ok(waiting);
        }
    }
}

/// When each service was last looked at for what it does not tell, by connection and event; none where nothing was ever run there.
/// Where several flows ask differently for one event, it is the look that was last, and when the next of them all is due.
///
/// # Errors
/// If the journal cannot be read.
pub fn last_looks(data: &Path) -> Result<Vec<Look>, JournalError> {
    if !super::has_log(data) {
        return Ok(Vec::new());
    }
    let kept = Journal::open_reader(data)?.states(LOOKS)?;
    // What an older version kept in another form is written anew with the next look.
    Ok(together(kept.into_iter().filter_map(|(_, it)| serde_json::from_value(it).ok())))
}

/// When the next time of a record comes that a trigger of a flow waits for, as far as the last look at each account knows.
///
/// # Errors
/// If the journal cannot be read.
pub fn next_coming(data: &Path, trigger: &Trigger) -> Result<Vec<(ConnectionId, Timestamp)>, JournalError> {
    if !super::has_log(data) {
        return Ok(Vec::new());
    }
    let kept = Journal::open_reader(data)?.states(LOOKS)?;
    let of_trigger = kept.into_iter().filter(|(key, _)| super::trigger::is_asked_by(key, trigger));
    let looks = of_trigger.filter_map(|(_, it)| serde_json::from_value::<Look>(it).ok());
    Ok(looks.filter_map(|it| Some((it.connection, it.due?))).collect())
}

fn together(looks: impl Iterator<Item = Look>) -> Vec<Look> {
    let mut all: BTreeMap<(ConnectionId, OperationId), Look> = BTreeMap::new();
    for look in looks {
        match all.entry((look.connection.clone(), look.event.clone())) {
            Kept::Vacant(place) => drop(place.insert(look)),
            Kept::Occupied(mut known) => {
                let next = known.get().next.min(look.next);
                if look.at > known.get().at {
                    known.insert(look);
                }
                known.get_mut().next = next;
            }
        }
    }
    all.into_values().collect()
}

/// The connections whose sign-in the steps of a run wait for, each once.
pub(super) fn connections_of(entries: &[Entry]) -> Vec<ConnectionId> {
    let mut parked: BTreeMap<&StepKey, &str> = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::StepParked { step, on: Park::SignIn(id), .. } => drop(parked.insert(step, id)),
            Entry::StepReleased { step, .. } => drop(parked.remove(step)),
            _ => {}
        }
    }
    let mut ids: Vec<ConnectionId> = parked.into_values().map(ConnectionId::new).collect();
    ids.sort();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::flow::NodeId;
    use crate::run::Release;

    #[test]
    fn the_last_look_of_several_feeds_is_told_with_the_next_of_them_all() {
        let at = |s| Timestamp::from_second(s).unwrap();
        let look = |event: &str, from, next, found| Look {
            connection: ConnectionId::new("crm"),
            event: OperationId::new(event),
            at: at(from),
            next: at(next),
            found,
            due: None,
            failure: None,
        };
        let all = together([look("x.a.one", 5, 9, 1), look("x.b.two", 1, 2, 3), look("x.a.one", 4, 6, 2)].into_iter());
        assert_eq!(all, [look("x.a.one", 5, 6, 1), look("x.b.two", 1, 2, 3)]);
    }

    #[test]
    fn a_run_waits_for_each_connection_whose_sign_in_its_steps_wait_for() {
        let at = Timestamp::UNIX_EPOCH;
        let step = |node: &str| StepKey::new(NodeId::new(node));
        let parked = |node: &str, on: Park| Entry::StepParked { step: step(node), on, at };
        let sign_in = |id: &str| Park::SignIn(id.to_owned());
        let entries = [
            parked("a", sign_in("crm")),
            parked("b", sign_in("crm")),
            parked("c", sign_in("calendar")),
            parked("d", Park::Uncertain),
            Entry::StepReleased { step: step("c"), release: Release::Repeat, at },
        ];
        assert_eq!(connections_of(&entries), [ConnectionId::new("crm")]);
        let dir = tempfile::tempdir().unwrap();
        assert!(waiting_for_sign_in(dir.path()).unwrap().is_empty());
    }
}
