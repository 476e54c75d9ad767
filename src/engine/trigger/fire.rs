//! The one way by which a trigger starts a run.
//!
//! Invariant: an event is never dropped in silence: it starts a run, is one that came before, is the echo of the flow's own write,
//! or is kept as a run that failed at once and says why.
use std::sync::Arc;

use serde_json::Value;

use super::echo::At;
use super::storm::Verdict;
use crate::catalog::Event;
use crate::connector::{ConnectionId, Priority};
use crate::engine::drive::{Accepted, Driver, Start};
use crate::engine::shared::{Deployed, Shared};
use crate::flow::NodeId;
use crate::journal::Kept;
use crate::record::{Failure, FailureKind};
use crate::run::{Cause, RunId};

/// An event, and the trigger that it is for.
#[derive(Debug)]
pub(in crate::engine) struct Fired {
    /// The trigger.
    pub(in crate::engine) trigger: NodeId,
    /// Its output.
    pub(in crate::engine) payload: Value,
    /// What tells this event from all others of the flow: a second one of the same is no second run.
    pub(in crate::engine) delivery: String,
    /// What it goes back to.
    pub(in crate::engine) cause: Cause,
    /// Whose account it happened at, and what it is; none where it is no event of a service.
    pub(in crate::engine) about: Option<(ConnectionId, &'static Event)>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Fate {
    /// It is on the disk.
    Run(RunId),
    /// It was there already.
    Duplicate,
    /// The flow made it happen itself.
    Echo,
}

/// Starts a run; done once its event is on the disk.
///
/// # Errors
/// If it cannot be taken for now.
pub(in crate::engine) async fn fire(shared: &Arc<Shared>, deployed: &Deployed, fired: Fired) -> Result<Fate, Failure> {
    fire_with(shared, deployed, fired, None).await
}

/// The same with a small value that is kept if the run is taken, in the same moment.
///
/// # Errors
/// As [`fire`].
pub(in crate::engine) async fn fire_with(
    shared: &Arc<Shared>,
    deployed: &Deployed,
    fired: Fired,
    kept: Option<Kept>,
) -> Result<Fate, Failure> {
    let Fired { trigger, payload, delivery, mut cause, about } = fired;
    let flow = &deployed.program.flow;
    let now = shared.clock.now();
    if let Some((connection, event)) = about
        && !cause.record.is_empty()
    {
        shared.echoes.settled(&connection, &event.group).await;
        let at = At { connection, group: event.group.clone(), id: cause.record.clone() };
        let record = if event.poll().is_some() { Some(&payload) } else { event.record(&payload) };
        if let Some(chain) = record.and_then(|it| shared.echoes.chain(&at, event, it, now)) {
            if chain.contains(flow) {
                tracing::debug!(%flow, record = at.id, "an event is the echo of the flow's own write");
                return Ok(Fate::Echo);
            }
            cause.chain = chain;
        }
    }
    let record = cause.record.clone();
    let is_counted = !record.is_empty();
    let verdict = if is_counted { shared.storms.count(shared.limits.storm, flow, &record, now) } else { Verdict::Start };
    let refused = match verdict {
        Verdict::Start => None,
        Verdict::Stop { is_first } => {
            let failure = storm(shared, &deployed.program.name, &record);
            if is_first {
                shared.trouble(failure.clone());
            }
            Some(failure)
        }
    };
    let start = Start {
        trigger,
        payload,
        given: Vec::new(),
        delivery: Some(delivery),
        parent: None,
        depth: 0,
        cause,
        refused,
        priority: Priority::Background,
        watch: None,
        respond: None,
    };
    let accepted = Driver::accept_with(shared, deployed, start, kept).await;
    if verdict == Verdict::Start && is_counted && !matches!(accepted, Ok(Accepted::Run(_))) {
        shared.storms.take_back(flow, &record);
    }
    Ok(match accepted? {
        Accepted::Run(run) => Fate::Run(run),
        Accepted::Duplicate(_) => Fate::Duplicate,
    })
}

fn storm(shared: &Shared, flow: &str, record: &str) -> Failure {
    let rule = shared.limits.storm;
    let title = format!("\"{flow}\" was started {} times within {} minutes by one record", rule.starts, rule.within.as_mins());
    Failure::new(FailureKind::Limit, title)
        .at(record.to_owned())
        .detail("What comes of that record now is kept and not run, so that flows that answer each other do not go on for ever")
        .hint("Look at what changes the record each time. The events are in the log as failed, and can be run again from there.")
}
