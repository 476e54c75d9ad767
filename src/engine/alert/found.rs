//! What the journal has of what a person is alerted of.
use std::collections::{BTreeMap, BTreeSet};

use super::failures::Failed;
use super::is_own;
use crate::connector::ConnectionId;
use crate::engine::Look;
use crate::engine::log::{LOOKS, connections_of};
use crate::flow::Flow;
use crate::journal::{Filter, JournalError, Reader, RunState};
use crate::record::{Failure, FailureKind};
use crate::run::{Entry, Outcome, Park, RunId, Via};

/// Runs that wait and are read at most.
const AT_ONCE: usize = 1_000;

/// What is to be known of a run that failed; none of one that another called, whose own failure says it, nor of what tells alerts.
pub(super) fn failed(reader: &Reader, run: RunId) -> Result<Option<Failed>, JournalError> {
    let Some(head) = reader.run(run)?.filter(|it| it.parent.is_none() && !is_own(&it.flow)) else { return Ok(None) };
    let (mut via, mut why) = (Via::default(), None);
    for entry in reader.entries(run)? {
        match entry {
            Entry::Accepted { cause, .. } => via = cause.via,
            Entry::Finished { outcome: Outcome::Failed(failure), .. } => why = Some(failure),
            _ => {}
        }
    }
    let (Some(failure), Some(at)) = (why.filter(|_| via != Via::Alert), head.finished) else { return Ok(None) };
    Ok(Some(Failed { run, flow: head.flow, name: head.flow_name, failure, at }))
}

/// What a run asks a person, the newest of it; none where nothing of it waits for a word, nor of what tells alerts. What waits for a
/// connection is told of with that.
pub(super) fn asks(reader: &Reader, run: RunId) -> Result<Option<Failed>, JournalError> {
    let Some(head) = reader.run(run)?.filter(|it| it.finished.is_none() && !is_own(&it.flow)) else { return Ok(None) };
    let (mut via, mut waiting) = (Via::default(), BTreeMap::new());
    for entry in reader.entries(run)? {
        match entry {
            Entry::Accepted { cause, .. } => via = cause.via,
            Entry::StepParked { step, on: on @ (Park::Approval(_) | Park::Uncertain), at } => {
                waiting.insert(step, (at, on));
            }
            Entry::StepReleased { step, .. } => drop(waiting.remove(&step)),
            _ => {}
        }
    }
    let newest = waiting.into_iter().max_by_key(|(_, (at, _))| *at).filter(|_| via != Via::Alert);
    let Some((step, (at, on))) = newest else { return Ok(None) };
    let failure = match on {
        Park::Approval(question) => Failure::new(FailureKind::Stopped, question).hint("Approve or decline it in the log"),
        Park::Uncertain | Park::SignIn(_) | Park::Breaker(_) => {
            let flow = reader.revision(&head.revision)?.and_then(|it| Flow::parse(it.as_bytes()).ok());
            let title = flow.and_then(|it| it.nodes.get(&step.node).map(|it| it.name.clone()));
            let title = title.unwrap_or_else(|| step.to_string());
            Failure::new(FailureKind::Uncertain, format!("Nobody knows whether \"{title}\" happened"))
                .hint("Look it up at the service, then let it be sent again or fail it, in the log")
        }
    };
    Ok(Some(Failed { run, flow: head.flow, name: head.flow_name, failure, at }))
}

/// The connections that the newest runs that wait need a sign-in of.
pub(super) fn parked(reader: &Reader) -> Result<BTreeSet<ConnectionId>, JournalError> {
    let filter = Filter { state: Some(RunState::Parked), limit: AT_ONCE, ..Filter::default() };
    let mut found = BTreeSet::new();
    for head in reader.runs(&filter)? {
        found.extend(connections_of(&reader.entries(head.id)?));
    }
    Ok(found)
}

pub(super) fn looks(reader: &Reader) -> Result<Vec<Look>, JournalError> {
    Ok(reader.states(LOOKS)?.into_iter().filter_map(|(_, it)| serde_json::from_value(it).ok()).collect())
}
