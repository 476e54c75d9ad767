//! Starts runs of flows that wait for other flows' failures.
//!
//! Invariant: a flow is told neither of its own failures nor of those of flows that it set going itself: nothing goes in a circle.
//! Invariant: how far failures were told is written down after the runs that they started; what failed and was not told before
//! a crash is told at the next start, each once.
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::fire::{Fired, fire};
use crate::engine::alert::is_own;
use crate::engine::recover::blocking;
use crate::engine::shared::{Deployed, Shared};
use crate::flow::{FlowId, NodeId, Trigger};
use crate::journal::{Filter, OutcomeKind, RunHead, RunState};
use crate::record::{Failure, FailureKind};
use crate::run::{Cause, Entry, Outcome, RunId, Via};

/// Under which the journal keeps how far failures were told.
const KEPT: &str = "failed";
/// What was not told before a crash is looked for among so many runs that failed last.
const MOST: usize = 1_000;
/// What failed shortly before that time may not have been told yet.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// A run that failed, and what is told of it.
struct Told {
    head: RunHead,
    cause: Arc<Cause>,
    payload: Value,
}

/// Tells each failure to the flows that wait for it, until the engine stops.
pub(super) async fn stand(shared: Arc<Shared>) {
    let Some(mut failed) = shared.take_failed() else { return };
    let stopped = shared.stopped();
    let missed = missed(&shared).await.unwrap_or_else(|failure| {
        shared.trouble(failure);
        Vec::new()
    });
    let mut missed = missed.into_iter();
    loop {
        let next = if let Some(run) = missed.next() {
            Some(run)
        } else {
            tokio::select! {
                () = stopped.cancelled() => return,
                it = failed.recv() => it,
            }
        };
        let Some(run) = next else { return };
        if let Err(failure) = tell(&shared, run).await {
            if shared.is_stopping() {
                return;
            }
            shared.trouble(failure);
        }
        let at = Value::from(shared.clock.now().to_string());
        if let Err(error) = shared.journal.put_state(KEPT, "", &at).await {
            tracing::warn!(%error, "how far failures were told could not be written down");
        }
    }
}

/// What failed before a crash and was perhaps not told, the oldest first.
async fn missed(shared: &Shared) -> Result<Vec<RunId>, Failure> {
    let journal = shared.journal.clone();
    blocking(move || {
        let told = journal.state(KEPT, "")?;
        let told = told.and_then(|it| it.as_str()?.parse::<Timestamp>().ok()).and_then(|it| it.checked_sub(SLACK).ok());
        let Some(told) = told else { return Ok(Vec::new()) };
        let filter =
            Filter { state: Some(RunState::Finished), outcome: Some(OutcomeKind::Failed), limit: MOST, ..Filter::default() };
        let heads = journal.reader().runs(&filter)?;
        let mut missed: Vec<RunId> = heads.iter().filter(|it| it.finished.is_some_and(|at| at >= told)).map(|it| it.id).collect();
        missed.reverse();
        Ok(missed)
    })
    .await
}

/// Starts a run of each flow that waits for this.
async fn tell(shared: &Arc<Shared>, run: RunId) -> Result<(), Failure> {
    let waiting: Vec<(Arc<Deployed>, NodeId, Option<FlowId>)> = shared
        .listening()
        .into_iter()
        .flat_map(|deployed| {
            let triggers = deployed.triggers.iter().filter_map(|(node, trigger)| match trigger {
                Trigger::Failed { of, .. } => Some((Arc::clone(&deployed), node.clone(), of.clone())),
                _ => None,
            });
            triggers.collect::<Vec<_>>()
        })
        .collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let journal = shared.journal.clone();
    let Some(told) = blocking(move || read(journal.reader(), run)).await? else { return Ok(()) };
    let failed = &told.head.flow;
    let chain = told.cause.chain_with(failed);
    let is_own = |flow: &FlowId| chain.iter().any(|it| it.is_of(flow) || flow.is_of(it));
    for (deployed, trigger, of) in waiting {
        let flow = &deployed.program.flow;
        if is_own(flow) || of.is_some_and(|it| !failed.is_of(&it)) {
            continue;
        }
        let mut wait = Duration::from_millis(200);
        loop {
            let fired = Fired {
                trigger: trigger.clone(),
                payload: told.payload.clone(),
                delivery: format!("failed:{trigger}:{run}"),
                cause: Cause { chain: chain.clone(), record: format!("flow {failed}"), ..Cause::by(Via::Failure) },
                about: None,
            };
            match fire(shared, &deployed, fired).await {
                Ok(_) => break,
                Err(failure) if failure.kind != FailureKind::Machine || shared.is_stopping() => return Err(failure),
                Err(failure) => {
                    tracing::debug!(%failure, "a failure waits to be told");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(10));
                }
            }
        }
    }
    Ok(())
}

/// What is told of a run; none of one that another flow called, whose own failure says it, nor of one that tells an alert.
fn read(reader: &crate::journal::Reader, run: RunId) -> Result<Option<Told>, crate::journal::JournalError> {
    let Some(head) = reader.run(run)?.filter(|it| it.parent.is_none() && !is_own(&it.flow)) else { return Ok(None) };
    let (mut cause, mut event, mut step, mut why) = (Arc::<Cause>::default(), Value::Null, None, None);
    for entry in reader.entries(run)? {
        match entry {
            Entry::Accepted { payload, cause: of, .. } => (cause, event) = (of, Value::clone(&payload)),
            Entry::StepFailed { step: failed, retry_at: None, .. } => step = Some(failed.node.to_string()),
            Entry::Finished { outcome: Outcome::Failed(failure), .. } => why = Some(failure),
            _ => {}
        }
    }
    let payload = json!({
        "flow": { "id": head.flow.original(), "name": head.flow_name },
        "run": head.id.0, "at": head.finished, "started_by": cause.via.to_string(), "step": step, "failure": why, "event": event
    });
    Ok(Some(Told { head, cause, payload }))
}
