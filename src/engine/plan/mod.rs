//! What a flow would write: it runs once on the real connections, what only reads is sent, and what writes is built to its end,
//! shown, and not sent.
//!
//! The run is driven by an engine of its own on a journal of its own, which is gone afterwards: the log knows nothing of it. Waits
//! are passed over, approvals are taken as given. Where a write would have answered, an answer is made up of the catalogue, so that
//! the steps after it have something; what depends on such an answer is marked, and is not asked of the service.
//!
//! Invariant: nothing is sent but what the catalogue knows as a read, and `GET` and `HEAD` of the generic request: the caller of this
//! engine refuses all else, whoever asks.
mod made_up;
mod sheet;

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

pub(super) use self::sheet::{Sheet, Withheld};
use super::{ConnectionId, Event, Handle, Mode, Settings, trigger};
use crate::catalog::OperationId;
use crate::expr::clipped;
use crate::flow::{Binding, Flow, FlowId, Node, NodeId, NodeKind, WaitFor};
use crate::record::{Failure, FailureKind, Request};
use crate::run::{Entry, Outcome, Park, Release, RunId, StepKey};

/// What a plan is made of.
#[derive(Debug)]
pub struct Ask {
    /// The flow; it is among those of the settings.
    pub flow: FlowId,
    /// The trigger that the run begins with.
    pub trigger: NodeId,
    /// What it gives.
    pub event: SampleEvent,
}

/// What a plan begins with.
#[derive(Debug)]
pub enum SampleEvent {
    /// This.
    Given(Value),
    /// The newest record that the trigger's service has; where there is none, or the trigger is of another kind, this.
    Newest {
        /// What stands in.
        otherwise: Value,
        /// Where that is from.
        of: Origin,
    },
}

/// Where the event of a plan is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Whoever asked gave it.
    Given,
    /// The newest record at the service.
    Newest,
    /// What the last live run began with.
    Earlier,
    /// The sample of the flow.
    Sample,
    /// It is made up of the catalogue: what depends on it is marked, and no service is asked about it.
    MadeUp,
}

/// What a flow would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// What it began with.
    pub event: Value,
    /// Where that is from.
    pub origin: Origin,
    /// The writes that were not sent, in the order in which they would have been.
    pub writes: Vec<PlannedWrite>,
    /// How many more there were, which are not kept here.
    pub more: usize,
    /// Requests that were sent: they only read.
    pub reads: usize,
    /// The approvals that were taken as given, by the names of their steps.
    pub agreed: Vec<String>,
    /// Why it did not come to its end; none if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Failure>,
    /// The step, by its name, that took its way by what is made up, where it then stopped itself: a step that reads back what was
    /// written finds nothing in a plan, and which way it takes is known only afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<String>,
}

/// A write that was not sent.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedWrite {
    /// The flow that would have made it: the one that was asked about, or one that it calls.
    pub flow: FlowId,
    /// The step.
    #[serde(serialize_with = "as_text")]
    pub step: StepKey,
    /// What a person calls the step.
    pub name: String,
    /// The operation; none for the generic request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// Whose account it would have gone to; none where nobody signs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// "Would create the contact Ada".
    pub sentence: String,
    /// What would have been sent; secrets are replaced, and the header that signs it is left out.
    pub request: Request,
    /// The fields that depend on an answer, or an event, that is made up, in words of the file (`input.contactId`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub made_up: Vec<String>,
}

impl Plan {
    /// How many writes there are.
    pub fn count(&self) -> usize {
        self.writes.len() + self.more
    }
}

/// Runs a flow once without writing anything. Of the settings the data directory, the mode and what listens are passed over; the
/// flows are those that it may call, itself among them. Whoever drops the future ends it.
///
/// # Errors
/// A [`Failure`] where the run cannot begin at all: a flow that cannot run, a machine that has no room. What stops it later is
/// [`Plan::stopped`].
pub async fn plan(settings: Settings, ask: Ask) -> Result<Plan, Failure> {
    let dir = tempfile::Builder::new().prefix("flowyard-plan-").tempdir().map_err(|error| {
        let failure = Failure::new(FailureKind::Machine, "There is no room for a plan").detail(error.to_string());
        failure.hint("Look at the free space of the system's directory for temporary files.")
    })?;
    let flows: Vec<_> =
        settings.flows.into_iter().map(|it| super::Deployment { listens: false, flow: brisk(&it.flow), ..it }).collect();
    let sheet = Arc::new(Sheet::new(flows.iter().map(|it| Arc::clone(&it.flow))));
    let settings = Settings { data: dir.path().to_owned(), mode: Mode::Live, flows, listen: None, recover: false, ..settings };
    let (engine, shared) = super::begin(settings, Some(Arc::clone(&sheet))).await?;
    let (event, origin, looked) = match ask.event {
        SampleEvent::Given(event) => (event, Origin::Given, 0),
        SampleEvent::Newest { otherwise, of } => match trigger::newest(&shared, &ask.flow, &ask.trigger).await {
            Ok((Some(event), calls)) => (event, Origin::Newest, calls),
            Ok((None, calls)) => (otherwise, of, calls),
            Err(failure) => {
                engine.stop().wait().await;
                return Err(failure);
            }
        },
    };
    if origin == Origin::MadeUp {
        sheet.made_up(&ask.flow, &ask.trigger);
    }
    let ran = follow(&engine, &ask.flow, ask.trigger, event.clone()).await;
    engine.stop().wait().await;
    let Ran { reads, agreed, mut stopped, ways } = ran?;
    let open = stopped.as_ref().filter(|it| it.kind == FailureKind::Stopped).and_then(|_| {
        let open = ways.iter().find(|it| sheet.is_open(&ask.flow, it))?;
        Some(sheet.name(&ask.flow, open))
    });
    if open.is_some() {
        stopped = None;
    }
    let (writes, more) = sheet.taken();
    let agreed = agreed.iter().map(|it| sheet.name(&ask.flow, it)).collect();
    Ok(Plan { event, origin, writes, more, reads: reads + looked, agreed, stopped, open })
}

/// How it went.
#[derive(Debug, Default)]
struct Ran {
    reads: usize,
    agreed: Vec<NodeId>,
    stopped: Option<Failure>,
    /// The steps that were done, in their order.
    ways: Vec<NodeId>,
}

async fn follow(engine: &Handle, flow: &FlowId, trigger: NodeId, event: Value) -> Result<Ran, Failure> {
    let (watch, mut told) = mpsc::channel(64);
    let mut all = engine.events();
    let ended = || Failure::new(FailureKind::Machine, "The plan ended before its time");
    let run = engine.start_with(flow.clone(), Some(trigger), event, Vec::new(), Some(watch)).wait().await;
    let run = run.unwrap_or_else(|| Err(ended()))?;
    let mut ran = Ran::default();
    loop {
        let event = tokio::select! {
            event = told.recv() => event.ok_or_else(ended)?,
            // Flows that it calls are told of here alone.
            other = all.recv() => match other {
                Ok(Event::Journaled { run: other, entries }) if other != run => Event::Journaled { run: other, entries },
                Ok(Event::Exchanged { run: other, .. }) if other != run => {
                    ran.reads += 1;
                    continue;
                }
                _ => continue,
            },
        };
        match event {
            Event::Exchanged { .. } => ran.reads += 1,
            Event::Journaled { run: of, entries } => {
                for entry in &*entries {
                    if let Entry::StepSucceeded { step, .. } = entry
                        && of == run
                    {
                        ran.ways.push(step.node.clone());
                    }
                    if let Entry::StepParked { step, on, .. } = entry
                        && let Some(failure) = parked(engine, of, step, on, &mut ran.agreed)
                    {
                        ran.stopped = Some(failure);
                        return Ok(ran);
                    }
                }
            }
            Event::Ended { outcome, .. } => {
                ran.stopped = match outcome {
                    Outcome::Failed(failure) => Some(failure),
                    Outcome::Succeeded | Outcome::Cancelled => None,
                };
                return Ok(ran);
            }
            Event::Started { .. } | Event::Looked(_) | Event::Woke(_) | Event::Trouble(_) => {}
        }
    }
}

/// An approval is taken as given; what waits for anything else ends the plan with words.
fn parked(engine: &Handle, run: RunId, step: &StepKey, on: &Park, agreed: &mut Vec<NodeId>) -> Option<Failure> {
    match on {
        Park::Approval(_) => {
            if !agreed.contains(&step.node) {
                agreed.push(step.node.clone());
            }
            drop(engine.release(run, Some(step.to_string()), Release::Approve));
            None
        }
        Park::SignIn(connection) => {
            let failure =
                Failure::new(FailureKind::SignIn, format!("The connection \"{}\" is to be signed in", clipped(connection)));
            Some(failure.at(step.to_string()).hint("Sign in to it, then try again."))
        }
        Park::Breaker(connection) => {
            let title = format!("Requests on the connection \"{}\" are stopped", clipped(connection));
            Some(
                Failure::new(FailureKind::Breaker, title)
                    .at(step.to_string())
                    .hint("Look at the last answers, then let them go again."),
            )
        }
        Park::Uncertain => {
            Some(Failure::new(FailureKind::Uncertain, "A read was not answered").at(step.to_string()).hint("Try again."))
        }
    }
}

/// The flow as it is, but for its waits, which are over at once.
fn brisk(flow: &Arc<Flow>) -> Arc<Flow> {
    let waits = |it: &Node| matches!(it.kind, NodeKind::Wait(_));
    if !flow.nodes.values().any(|it| waits(it)) {
        return Arc::clone(flow);
    }
    let mut brisk = Flow::clone(flow);
    for node in brisk.nodes.values_mut().filter(|it| waits(it)) {
        *node = Arc::new(Node { kind: NodeKind::Wait(WaitFor::Duration(Binding::value("0 seconds"))), ..Node::clone(node) });
    }
    Arc::new(brisk)
}

fn as_text<S: serde::Serializer>(step: &StepKey, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(step)
}
