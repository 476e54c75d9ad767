//! A new run in place of one that failed.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Mark, Resend, SCOPE, mark_of};
use crate::catalog::Catalog;
use crate::connector::Priority;
use crate::engine::drive::{Accepted, Driver, Start};
use crate::engine::shared::Shared;
use crate::engine::{Clock, deploy, recover};
use crate::flow::{Flow, FlowId, NodeId};
use crate::journal::{Append, Journal, Kept, NewRun, RunHead};
use crate::record::{Failure, FailureKind, bounds};
use crate::run::{Cause, Entry, Given, Outcome, Program, RetryFrom, Revision, Run, RunId, Via, again, first_failed};

/// A letter, and what it is resent with.
struct Ready {
    head: RunHead,
    entries: Vec<Entry>,
    /// How often it was resent before, this time among them.
    number: u32,
}

/// What the new run begins with.
struct Begun {
    trigger: NodeId,
    payload: Value,
    given: Vec<Given>,
}

impl Ready {
    /// Reads it, and refuses what is no dead letter.
    fn read(journal: &Journal, run: RunId, how: &Resend) -> Result<Self, Failure> {
        let wrong = |title: String, hint: &str| Failure::new(FailureKind::NotFound, title).hint(hint);
        let head = journal.run(run)?;
        let head = head.ok_or_else(|| wrong(format!("There is no run {run}"), "`flowyard letters` shows those that failed."))?;
        match &head.outcome {
            None => return Err(wrong(format!("Run {run} is not over"), "Wait for its end, or cancel it first.")),
            Some(Outcome::Failed(_)) => {}
            Some(_) if how.even_done => {}
            Some(_) => {
                let hint = "`flowyard letters` shows those that did. What it did is done once more only if you say so.";
                return Err(wrong(format!("Run {run} did not fail"), hint));
            }
        }
        if let Some((parent, _)) = &head.parent {
            return Err(wrong(format!("Run {run} was called by run {parent}"), "Resend that one: it calls this one again."));
        }
        let number = match mark_of(journal, run)? {
            Some(Mark::Resent(count)) if !how.again => {
                let new = journal.reader().delivered(&head.flow, &delivery(run, count))?;
                let new = new.map(|it| format!(", as run {it}")).unwrap_or_default();
                return Err(wrong(
                    format!("Run {run} was resent already{new}"),
                    "It is not done twice, unless you ask for it again.",
                ));
            }
            Some(Mark::PutAside(_)) if !how.again => {
                return Err(wrong(format!("Run {run} was put aside"), "Take that back first, or ask for it again."));
            }
            Some(Mark::Resent(count)) => count + 1,
            Some(Mark::PutAside(_)) | None => 1,
        };
        let entries = journal.entries(run)?;
        Ok(Self { head, entries, number })
    }

    /// The flow as it was then.
    fn then(&self, journal: &Journal) -> Result<Arc<Flow>, Failure> {
        let text = journal.revision(&self.head.revision)?.ok_or_else(|| {
            let failure = Failure::new(FailureKind::Machine, format!("The flow of run {} is not kept any more", self.head.id));
            failure.hint("Resend it as the flow is now.")
        })?;
        Flow::parse(text.as_bytes()).map(Arc::new).map_err(|error| Failure::new(FailureKind::Flow, error.to_string()))
    }

    fn begin(&self, flow: &Flow, how: &Resend) -> Result<Begun, Failure> {
        let usual = || if first_failed(&self.entries).is_some() { RetryFrom::Failed } else { RetryFrom::Start };
        let from = how.from.clone().unwrap_or_else(usual);
        let again = again(flow, &self.entries, &from).map_err(|why| {
            let failure = Failure::new(FailureKind::Flow, format!("Run {} cannot be resent so", self.head.id)).detail(why);
            failure.hint("Resend it from the start, or as the flow was then.")
        })?;
        let payload = how.event.clone().unwrap_or_else(|| Value::clone(&again.payload));
        bounds::fits_a_run(&payload).map_err(|beyond| {
            let failure = Failure::new(FailureKind::Limit, format!("What run {} is to begin with is too much", self.head.id));
            failure.detail(beyond.to_string()).hint("Give an event with less in it.")
        })?;
        Ok(Begun { trigger: again.trigger, payload, given: again.given })
    }

    fn cause(&self) -> Cause {
        let before = self.entries.iter().find_map(|it| match it {
            Entry::Accepted { cause, .. } => Some(Cause::clone(cause)),
            _ => None,
        });
        // A person starts it; what it goes back to, and what it is about, stays what it was.
        Cause { via: Via::Person, again: Some(self.head.id), ..before.unwrap_or_default() }
    }

    fn delivery(&self) -> String {
        delivery(self.head.id, self.number)
    }

    fn kept(&self) -> Kept {
        Kept { scope: SCOPE.to_owned(), key: self.head.id.to_string(), value: json!(Mark::Resent(self.number)) }
    }

    fn twice(&self, other: RunId) -> Failure {
        let title = format!("Run {} was resent already, as run {other}", self.head.id);
        Failure::new(FailureKind::NotFound, title).hint("It is not done twice, unless you ask for it again.")
    }
}

fn delivery(run: RunId, number: u32) -> String {
    format!("letter:{run}:{number}")
}

/// By the engine that is at work: the new run begins at once.
///
/// # Errors
/// As [`super::resend()`].
pub(in crate::engine) async fn resend_here(shared: &Arc<Shared>, run: RunId, how: Resend) -> Result<RunId, Failure> {
    let (journal, asked, known) = (shared.journal.clone(), how.clone(), Arc::clone(shared));
    let read = move || {
        let ready = Ready::read(&journal, run, &asked)?;
        let deployed = known.deployed(&ready.head.flow);
        let then = if asked.as_then || deployed.is_none() { Some(ready.then(&journal)?) } else { None };
        let now = match &deployed {
            Some(deployed) if then.is_none() => journal.revision(&deployed.program.revision)?,
            _ => None,
        };
        Ok::<_, Failure>((ready, deployed, then, now))
    };
    let read = tokio::task::spawn_blocking(read).await;
    let unread =
        |error: tokio::task::JoinError| Failure::new(FailureKind::Machine, "The run cannot be read").detail(error.to_string());
    let (ready, deployed, then, now) = read.map_err(unread)??;
    if ready.head.mode != shared.mode {
        let failure = Failure::new(FailureKind::Flow, format!("Run {run} was begun elsewhere, and can only be resent there"));
        return Err(failure.hint("The sandbox has letters of its own."));
    }
    let (flow, deployed) = match (then, deployed) {
        (None, Some(deployed)) => {
            let text = now.ok_or_else(|| Failure::new(FailureKind::Machine, "The flow as it is now is not kept"))?;
            let flow = Flow::parse(text.as_bytes()).map_err(|error| Failure::new(FailureKind::Flow, error.to_string()))?;
            (Arc::new(flow), deployed)
        }
        (Some(flow), known) => {
            let program = shared.program(&ready.head.revision, || Program::compile(&flow, &shared.catalog))?;
            let bindings = known.as_ref().map_or_else(BTreeMap::new, |it| it.bindings.clone());
            if known.is_none() {
                // Its steps find their connections by it.
                recover::know(shared, &flow.to_text());
            }
            let deployed = Arc::new(deploy::known(&flow, program, bindings, false, shared.clock.now()));
            (flow, deployed)
        }
        (None, None) => return Err(Failure::new(FailureKind::Flow, format!("The flow of run {run} is not known here"))),
    };
    let Begun { trigger, payload, given } = ready.begin(&flow, &how)?;
    let start = Start {
        trigger,
        payload,
        given,
        delivery: Some(ready.delivery()),
        parent: None,
        depth: 0,
        cause: ready.cause(),
        refused: None,
        priority: Priority::First,
        watch: None,
        respond: None,
    };
    match Driver::accept_with(shared, &deployed, start, Some(ready.kept())).await? {
        Accepted::Run(new) => Ok(new),
        Accepted::Duplicate(other) => Err(ready.twice(other)),
    }
}

/// Where no engine is at work: the new run is written down, and begins with the next start. Blocks.
///
/// # Errors
/// As [`super::resend()`].
pub(super) fn resend_later(
    journal: &Journal,
    catalog: &Catalog,
    run: RunId,
    how: &Resend,
    now: &dyn Fn(&FlowId) -> Option<Arc<Flow>>,
) -> Result<RunId, Failure> {
    let ready = Ready::read(journal, run, how)?;
    let newer = if how.as_then { None } else { now(&ready.head.flow) };
    let flow = match newer {
        Some(flow) => flow,
        None => ready.then(journal)?,
    };
    let Begun { trigger, payload, given } = ready.begin(&flow, how)?;
    let revision = Revision(flow.content_hash().into());
    let program = Arc::new(Program::compile(&flow, catalog)?);
    let (id, at) = (journal.next_run_id(), Clock::System.now());
    let accepted = Entry::Accepted { trigger: trigger.clone(), payload: Arc::new(payload), at, cause: Arc::new(ready.cause()) };
    let mut new = Run::new(id, program);
    new.apply(&accepted);
    let mut entries = vec![accepted];
    for given in given {
        entries.push(new.give(given, at)?);
    }
    journal.save_revision(&revision, &flow.to_text())?;
    let head = NewRun {
        flow: flow.id.clone(),
        flow_name: flow.name.clone(),
        revision,
        trigger,
        delivery: Some(ready.delivery()),
        mode: ready.head.mode,
        parent: None,
        accepted: at,
    };
    let append = Append { run: id, new: Some(head), entries, exchanges: Vec::new() };
    match journal.append_with(append, Some(ready.kept())).wait() {
        Ok(()) => Ok(id),
        Err(crate::journal::JournalError::Duplicate { run: other }) => Err(ready.twice(other)),
        Err(error) => Err(error.into()),
    }
}
