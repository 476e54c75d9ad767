//! Starts runs of flows that wait for the ends of others: their failures, or any of their ends.
//!
//! Invariant: a flow is told neither of its own ends nor of those of flows that it set going itself: nothing goes in a circle.
//! Invariant: how far ends were told is written down after the runs that they started; what ended and was not told before
//! a crash is told at the next start, each once.
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::fire::{Fired, fire};
use crate::engine::alert;
use crate::engine::recover::blocking;
use crate::engine::shared::{Deployed, Shared};
use crate::flow::{Ending, FlowId, NodeId, Trigger};
use crate::journal::{Filter, JournalError, OutcomeKind, Reader, RunHead, RunState};
use crate::record::bounds::fits_a_run;
use crate::record::{Failure, FailureKind};
use crate::run::{self, Cause, Outcome, RunId, Via};

/// Under which the journal keeps how far failures were told.
const FAILED: &str = "failed";
/// Under which it keeps since when each trigger waits for all ends, or how far it was told of them.
const ENDED: &str = "ended";
/// What was not told before a crash is looked for among so many runs that began last.
const MOST: usize = 10_000;
/// So many are told before it is written down how far that is.
const AT_ONCE: usize = 256;
/// What ended shortly before that time may not have been told yet.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// A run that ended, and what is told of it.
struct Told {
    head: RunHead,
    cause: Arc<Cause>,
    outcome: OutcomeKind,
    payload: Value,
}

/// A trigger that waits for ends.
struct Waiting {
    deployed: Arc<Deployed>,
    trigger: NodeId,
    /// Of these flows alone; of any where there are none.
    of: Vec<FlowId>,
    /// Which ends; none is failures alone.
    ending: Option<Ending>,
}

/// Since when each trigger waits for all ends, by its key in the journal.
type Since = BTreeMap<String, Timestamp>;

impl Waiting {
    fn key(&self) -> String {
        format!("{}/{}", self.deployed.program.flow, self.trigger)
    }

    /// Whether it waits for this end; the flows that led to it are no matter here.
    fn hears(&self, told: &Told, since: &Since) -> bool {
        let flow = &told.head.flow;
        // One that another flow called is a part of that one's run, unless it is waited for by name.
        if !self.of.iter().any(|it| flow.is_of(it)) && (!self.of.is_empty() || told.head.parent.is_some()) {
            return false;
        }
        match self.ending {
            None => told.outcome == OutcomeKind::Failed && told.head.parent.is_none(),
            Some(ending) => {
                let counts = ending == Ending::Any || told.outcome == OutcomeKind::Succeeded;
                counts && since.get(&self.key()).is_some_and(|since| told.head.finished.is_some_and(|it| it >= *since))
            }
        }
    }
}

/// Tells each end to the flows that wait for it, until the engine stops.
pub(super) async fn stand(shared: Arc<Shared>) {
    let Some(mut ended) = shared.take_ended() else { return };
    let mut changes = shared.changes();
    let stopped = shared.stopped();
    let mut since = Since::new();
    let mut open: VecDeque<RunId> = match missed(&shared, &mut since).await {
        Ok(missed) => missed.into(),
        Err(failure) => {
            shared.trouble(failure);
            VecDeque::new()
        }
    };
    loop {
        changes.mark_unchanged();
        heed(&shared, &mut since).await;
        if open.is_empty() {
            tokio::select! {
                () = stopped.cancelled() => return,
                it = changes.changed() => {
                    if it.is_err() {
                        return;
                    }
                    continue;
                }
                it = ended.recv() => {
                    let Some(run) = it else { return };
                    open.push_back(run);
                }
            }
        }
        while open.len() < AT_ONCE
            && let Ok(run) = ended.try_recv()
        {
            open.push_back(run);
        }
        // One that began to wait since is told of it too.
        heed(&shared, &mut since).await;
        let (mut failed, mut any) = (None, None);
        for run in open.drain(..open.len().min(AT_ONCE)) {
            match tell(&shared, run, &since).await {
                Ok(Some((outcome, at))) => {
                    any = any.max(Some(at));
                    failed = failed.max((outcome == OutcomeKind::Failed).then_some(at));
                }
                Ok(None) => {}
                Err(_) if shared.is_stopping() => return,
                Err(failure) => shared.trouble(failure),
            }
        }
        if let Some(at) = failed {
            put(&shared, FAILED, "", at).await;
        }
        if let Some(at) = any {
            for key in since.keys() {
                put(&shared, ENDED, key, at).await;
            }
        }
    }
}

/// Takes in which triggers wait for all ends now: one that is new does since its flow is on, and one that is gone is forgotten.
async fn heed(shared: &Shared, since: &mut Since) {
    let waiting: BTreeMap<String, Timestamp> =
        waiting(shared).iter().filter(|it| it.ending.is_some()).map(|it| (it.key(), it.deployed.at)).collect();
    let gone: Vec<String> = since.keys().filter(|it| !waiting.contains_key(*it)).cloned().collect();
    for key in gone {
        since.remove(&key);
        drop(shared.journal.put_state(ENDED, &key, &Value::Null));
    }
    for (key, at) in waiting {
        if let Entry::Vacant(new) = since.entry(key) {
            put(shared, ENDED, new.key(), at).await;
            new.insert(at);
        }
    }
}

async fn put(shared: &Shared, scope: &str, key: &str, at: Timestamp) {
    if let Err(error) = shared.journal.put_state(scope, key, &Value::from(at.to_string())).await {
        tracing::warn!(%error, "how far the ends of runs were told could not be written down");
    }
}

/// What ended before a crash and was perhaps not told, the oldest first.
async fn missed(shared: &Shared, since: &mut Since) -> Result<Vec<RunId>, Failure> {
    let (journal, mode) = (shared.journal.clone(), shared.mode);
    let on: BTreeSet<String> = waiting(shared).iter().filter(|it| it.ending.is_some()).map(Waiting::key).collect();
    let (runs, known) = blocking(move || {
        let back = |it: &Value| it.as_str()?.parse::<Timestamp>().ok()?.checked_sub(SLACK).ok();
        let failed = journal.state(FAILED, "")?.as_ref().and_then(back);
        let known: Since = journal.reader().states(ENDED)?.into_iter().filter_map(|(key, it)| Some((key, back(&it)?))).collect();
        let all = known.iter().filter(|(key, _)| on.contains(*key)).map(|(_, at)| *at).min();
        let list = |outcome| {
            let filter = Filter { state: Some(RunState::Finished), outcome, limit: MOST, ..Filter::default() };
            journal.reader().runs(&filter)
        };
        let mut heads = Vec::new();
        if let Some(failed) = failed {
            heads.extend(list(Some(OutcomeKind::Failed))?.into_iter().map(|it| (it, failed)));
        }
        if let Some(all) = all {
            heads.extend(list(None)?.into_iter().map(|it| (it, all)));
        }
        let ours = heads.into_iter().filter(|(it, since)| it.mode == mode && it.finished.is_some_and(|at| at >= *since));
        let runs: BTreeSet<RunId> = ours.map(|(it, _)| it.id).collect();
        Ok((runs.into_iter().collect(), known))
    })
    .await?;
    *since = known;
    Ok(runs)
}

/// The triggers that wait for ends.
fn waiting(shared: &Shared) -> Vec<Waiting> {
    let mut found = Vec::new();
    for deployed in shared.listening() {
        for (node, trigger) in &deployed.triggers {
            let (of, ending) = match trigger {
                Trigger::Failed { of, .. } => (of.iter().cloned().collect(), None),
                Trigger::Ended { of, ending, .. } => (of.clone(), Some(*ending)),
                _ => continue,
            };
            found.push(Waiting { deployed: Arc::clone(&deployed), trigger: node.clone(), of, ending });
        }
    }
    found
}

/// Starts a run of each flow that waits for this; how it ended, and when.
async fn tell(shared: &Arc<Shared>, run: RunId, since: &Since) -> Result<Option<(OutcomeKind, Timestamp)>, Failure> {
    let waiting = waiting(shared);
    let of = Arc::clone(shared);
    let Some(told) = blocking(move || read(&of, of.journal.reader(), run)).await? else { return Ok(None) };
    let ended = &told.head.flow;
    let chain = told.cause.chain_with(ended);
    let is_own = |flow: &FlowId| chain.iter().any(|it| it.is_of(flow) || flow.is_of(it));
    for it in waiting.iter().filter(|it| it.hears(&told, since) && !is_own(&it.deployed.program.flow)) {
        // Many failures of one flow are too many to be told; many good ends are many records.
        let (word, via, record) = match it.ending {
            None => ("failed", Via::Failure, format!("flow {ended}")),
            Some(_) => ("ended", Via::End, told.cause.record.clone()),
        };
        let mut wait = Duration::from_millis(200);
        loop {
            let fired = Fired {
                trigger: it.trigger.clone(),
                payload: told.payload.clone(),
                delivery: format!("{word}:{}:{run}", it.trigger),
                cause: Cause { chain: chain.clone(), record: record.clone(), ..Cause::by(via) },
                about: None,
            };
            match fire(shared, &it.deployed, fired).await {
                Ok(_) => break,
                Err(failure) if failure.kind != FailureKind::Machine || shared.is_stopping() => return Err(failure),
                Err(failure) => {
                    tracing::debug!(%failure, "an end waits to be told");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(10));
                }
            }
        }
    }
    Ok(told.head.finished.map(|at| (told.outcome, at)))
}

/// What is told of a run; none of one that is not over, nor of one that tells an alert.
fn read(shared: &Shared, reader: &Reader, run: RunId) -> Result<Option<Told>, JournalError> {
    let Some(head) = reader.run(run)?.filter(|it| !alert::is_own(&it.flow)) else { return Ok(None) };
    let (mut cause, mut event, mut step) = (Arc::<Cause>::default(), Value::Null, None);
    let (mut trigger, mut last, mut answer, mut end) = (None, Value::Null, None, None);
    let program = shared.deployed(&head.flow).map(|it| Arc::clone(&it.program));
    for entry in reader.entries(run)? {
        match entry {
            run::Entry::Accepted { trigger: of, payload, cause: by, .. } => {
                (trigger, cause, event) = (Some(of), by, Value::clone(&payload));
            }
            run::Entry::StepSucceeded { step, output, .. } if step.item.is_empty() && trigger.as_ref() != Some(&step.node) => {
                if program.as_ref().is_some_and(|it| it.responds(&step.node)) {
                    answer = output.get("body").cloned();
                }
                last = Value::clone(&output);
            }
            run::Entry::StepFailed { step: failed, retry_at: None, .. } => step = Some(failed.node.to_string()),
            run::Entry::Finished { outcome, .. } => end = Some(outcome),
            _ => {}
        }
    }
    let (outcome, why) = match end {
        None => return Ok(None),
        Some(Outcome::Succeeded) => (OutcomeKind::Succeeded, None),
        Some(Outcome::Failed(failure)) => (OutcomeKind::Failed, Some(failure)),
        Some(Outcome::Cancelled) => (OutcomeKind::Cancelled, None),
    };
    let word = match outcome {
        OutcomeKind::Succeeded => "succeeded",
        OutcomeKind::Failed => "failed",
        OutcomeKind::Cancelled => "cancelled",
    };
    let mut payload = json!({
        "flow": { "id": head.flow.original(), "name": head.flow_name },
        "run": head.id.0, "at": head.finished, "started_by": cause.via.to_string(), "outcome": word,
        "step": if outcome == OutcomeKind::Failed { step } else { None }, "failure": why,
        "output": if outcome == OutcomeKind::Succeeded { answer.unwrap_or(last) } else { Value::Null }, "event": event
    });
    // What is too much for a run to begin with is looked up in the log.
    for key in ["output", "event"] {
        if fits_a_run(&payload).is_err() {
            payload[key] = Value::Null;
        }
    }
    Ok(Some(Told { head, cause, outcome, payload }))
}
