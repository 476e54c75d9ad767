//! One attempt at a step: the call is made, and its outcome put into the run's words.
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use super::drive::{Accepted, Driver, Ended, Signal, Start};
use super::plan::Withheld;
use super::shared::Shared;
use super::trail::{self, Wrote};
use super::{breaker, named};
use crate::catalog::{Connector, Operation};
use crate::connector::{CallError, Called, Connection, HttpPayload, HttpRequest as Outgoing, Label, Priority};
use crate::expr::Data;
use crate::expr::script::Script;
use crate::flow::{FlowId, Named, SlotId, Trigger};
use crate::record::{Exchange, Failure, FailureKind};
use crate::run::{Call, Cause, Conclusion, Entry, HttpRequest, Outcome, Payload, Perform, Program, RunId, StepKey, Verify, Via};

/// What came of an attempt.
pub(super) struct Performed {
    pub(super) step: StepKey,
    pub(super) attempt: u32,
    pub(super) conclusion: Conclusion,
    pub(super) exchanges: Vec<Arc<Exchange>>,
}

/// The run that a step belongs to.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) run: RunId,
    pub(super) depth: u32,
    pub(super) cause: Arc<Cause>,
    pub(super) priority: Priority,
}

/// No flow may call flows deeper than this.
const DEEPEST: u32 = 16;

/// Makes an attempt, as soon as one of the bounded number of places is free. Boxed, since a flow may call flows.
pub(super) fn perform(
    shared: Arc<Shared>,
    program: Arc<Program>,
    origin: Origin,
    perform: Perform,
) -> Pin<Box<dyn Future<Output = Performed> + Send>> {
    let (priority, label) = (origin.priority, Label::of(origin.run, &perform.step));
    Box::pin(priority.scope(label.scope(attempt(shared, program, origin, perform))))
}

async fn attempt(shared: Arc<Shared>, program: Arc<Program>, origin: Origin, perform: Perform) -> Performed {
    let Perform { step, attempt, call } = perform;
    let mut exchanges = Vec::new();
    let conclusion = match call {
        Call::SubFlow { flow, input } => sub_flow(&shared, &program, &origin, &step, &flow, input).await,
        call => {
            // Closed only when the process ends.
            let _place = shared.steps.acquire().await;
            match call {
                Call::Operation { operation, connector, slot, input, named, verify } => {
                    let wanted = Wanted { step: &step, slot: &slot, connector: &connector, operation: &operation, named: &named };
                    call_operation(&shared, &program, &origin, wanted, input, verify, &mut exchanges).await
                }
                Call::Http(request) => call_http(&shared, &program, &step, *request, &mut exchanges).await,
                Call::Script { script, input } => run_script(&shared, program.title(&step.node), script, input).await,
                Call::SubFlow { .. } => unreachable!("handled above"),
            }
        }
    };
    Performed { step, attempt, conclusion, exchanges }
}

/// Runs a script away from the tasks that wait, and ends it when its time is up.
async fn run_script(shared: &Shared, title: &str, script: Arc<Script>, input: Value) -> Conclusion {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let work = tokio::task::spawn_blocking(move || script.run_until(&input, &told));
    let failed = |kind, what: &str| Failure::new(kind, format!("\"{title}\": {what}"));
    match tokio::time::timeout(shared.limits.script_time, work).await {
        Ok(Ok(Ok(output))) => Conclusion::Succeeded(Arc::new(output)),
        Ok(Ok(Err(error))) => Conclusion::Failed(
            failed(FailureKind::Flow, "the script failed").detail(error.to_string()).hint("Correct the script at that line."),
        ),
        Ok(Err(error)) => {
            Conclusion::Failed(failed(FailureKind::Machine, "the script could not be run").detail(error.to_string()))
        }
        Err(_) => {
            stop.store(true, Ordering::Relaxed);
            let seconds = shared.limits.script_time.as_secs();
            let failure = failed(FailureKind::Limit, &format!("the script took longer than {seconds} s"));
            Conclusion::Failed(failure.hint("Let it do less, or split the data first."))
        }
    }
}

/// What is called, and where.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    step: &'a StepKey,
    slot: &'a SlotId,
    connector: &'a Connector,
    operation: &'a Operation,
    named: &'a [Named],
}

async fn call_operation(
    shared: &Shared,
    program: &Program,
    origin: &Origin,
    wanted: Wanted<'_>,
    mut input: Map<String, Value>,
    verify: Option<Verify>,
    exchanges: &mut Vec<Arc<Exchange>>,
) -> Conclusion {
    let Wanted { step, slot, connector, operation, named } = wanted;
    let connection = match shared.connection(&program.flow, slot, Some(&connector.id)) {
        Ok(connection) => connection,
        Err(failure) => return Conclusion::Failed(failure),
    };
    if let Err(conclusion) = named::settle(shared, &connection, connector, operation, &mut input, named, exchanges).await {
        return conclusion;
    }
    if let Some(sheet) = &shared.sheet {
        let of = Withheld { flow: &program.flow, step };
        let instead = sheet.instead_of_call(shared, &of, (&connection, connector, operation), &input).await;
        if let Some(conclusion) = instead {
            return conclusion;
        }
    }
    if let Some(verify) = verify {
        match look_up(shared, &connection, connector, operation, &input, &verify, exchanges).await {
            Ok(None) => {}
            Ok(Some(found)) => return Conclusion::Succeeded(Arc::new(found)),
            Err(conclusion) => return conclusion,
        }
    }
    let _under_way = trail::begin(shared, program, origin, &connection, connector, operation);
    let called = shared.caller.call(&connection, connector, operation, &input).await;
    breaker::save(shared, &connection).await;
    let concluded = conclude(called, &connection, exchanges);
    if let Conclusion::Succeeded(answer) = &concluded {
        let wrote = Wrote { connection: &connection, connector, operation, input: &input, answer };
        trail::note(shared, program, origin, wrote, exchanges).await;
    }
    concluded
}

/// Whether an earlier attempt happened after all: its record if so.
async fn look_up(
    shared: &Shared,
    connection: &Connection,
    connector: &Connector,
    operation: &Operation,
    input: &Map<String, Value>,
    verify: &Verify,
    exchanges: &mut Vec<Arc<Exchange>>,
) -> Result<Option<Value>, Conclusion> {
    let wrong = |what: String| {
        // Nobody can tell then, so a person has to.
        Conclusion::Lost(
            Failure::new(FailureKind::Uncertain, format!("Nobody knows whether \"{}\" happened", operation.title)).detail(what),
        )
    };
    // What the connection's account fills in counts as sent.
    let mut sent = input.clone();
    for it in &operation.inputs {
        if let (false, Some(value)) =
            (sent.contains_key(&it.key), it.account.as_ref().and_then(|field| connection.account.get(field)))
        {
            sent.insert(it.key.clone(), Value::from(value.as_str()));
        }
    }
    let data = Data::new(shared.clock.now())
        .with("input", Arc::new(Value::Object(sent)))
        .with("started", Arc::new(Value::from(verify.started.to_string())));
    let mut question = Map::new();
    for (key, expr) in &verify.lookup.input {
        match expr.eval(&data) {
            Ok(Value::Null) | Err(crate::expr::EvalError::Missing { .. }) => {}
            Ok(value) => drop(question.insert(key.clone(), value)),
            Err(error) => return Err(wrong(error.to_string())),
        }
    }
    let called = shared.caller.call(connection, connector, &verify.lookup.operation, &question).await;
    breaker::save(shared, connection).await;
    exchanges.extend(called.before);
    exchanges.extend(called.exchange);
    match called.result {
        Ok(answered) => {
            let data = data.with("answer", Arc::new(answered.value));
            match verify.lookup.found.eval(&data) {
                Ok(Value::Null) => Ok(None),
                Ok(found) => Ok(Some(found)),
                Err(error) => Err(wrong(error.to_string())),
            }
        }
        // The look-up itself may be tried again; the call still counts as lost, and stays to be looked up.
        Err(error) => Err(match conclusion_of(error, connection) {
            Conclusion::Failed(failure) if failure.kind != FailureKind::NotFound => wrong(failure.to_string()),
            Conclusion::Failed(_) => return Ok(None),
            other => other,
        }),
    }
}

async fn call_http(
    shared: &Shared,
    program: &Program,
    step: &StepKey,
    request: HttpRequest,
    exchanges: &mut Vec<Arc<Exchange>>,
) -> Conclusion {
    let signer = match &request.slot {
        Some(slot) => {
            let connector = shared.deployed(&program.flow).and_then(|it| it.slots.get(slot).cloned());
            match shared.connection(&program.flow, slot, connector.as_ref()) {
                Ok(connection) => Some(connection),
                Err(failure) => return Conclusion::Failed(failure),
            }
        }
        None => None,
    };
    let outgoing = Outgoing {
        method: request.method,
        url: request.url,
        query: request.query,
        headers: request.headers,
        body: match request.body {
            Payload::None => HttpPayload::None,
            Payload::Json(value) => HttpPayload::Json(value),
            Payload::Form(fields) => HttpPayload::Form(fields),
            Payload::Text(text) => HttpPayload::Text { text, content_type: "text/plain; charset=utf-8".to_owned() },
        },
    };
    if let Some(sheet) = &shared.sheet {
        let of = Withheld { flow: &program.flow, step };
        if let Some(conclusion) = sheet.instead_of_http(shared, &of, &outgoing, signer.as_deref()).await {
            return conclusion;
        }
    }
    let called = shared.caller.send(outgoing, signer.as_deref()).await;
    if let Some(signer) = &signer {
        breaker::save(shared, signer).await;
    }
    exchanges.extend(called.before);
    exchanges.extend(called.exchange);
    match called.result {
        Ok(answered) => {
            let headers: Map<String, Value> = answered.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
            Conclusion::Succeeded(Arc::new(json!({ "status": answered.status, "headers": headers, "body": answered.value })))
        }
        Err(error) => match &signer {
            Some(connection) => conclusion_of(error, connection),
            None => unsigned(error),
        },
    }
}

fn conclude(called: Called, connection: &Connection, exchanges: &mut Vec<Arc<Exchange>>) -> Conclusion {
    exchanges.extend(called.before);
    exchanges.extend(called.exchange);
    match called.result {
        Ok(answered) => Conclusion::Succeeded(Arc::new(answered.value)),
        Err(error) => conclusion_of(error, connection),
    }
}

pub(super) fn conclusion_of(error: CallError, connection: &Connection) -> Conclusion {
    let id = connection.id.as_str().to_owned();
    match error {
        CallError::SignIn(failure) => Conclusion::SignIn { connection: id, failure },
        CallError::Breaker { until, failure } => Conclusion::Breaker { connection: id, until, failure },
        other => unsigned(other),
    }
}

fn unsigned(error: CallError) -> Conclusion {
    match error {
        CallError::Retry { after, failure } => Conclusion::Retry { after, failure },
        // A success that did not arrive whole is lost too: only the service itself can say that it broke.
        CallError::Lost(failure) if failure.status.is_some_and(|it| it >= 500) => Conclusion::Broke(failure),
        CallError::Lost(failure) => Conclusion::Lost(failure),
        CallError::SignIn(failure)
        | CallError::Refused(failure)
        | CallError::NotSent(failure)
        | CallError::Breaker { failure, .. } => Conclusion::Failed(failure),
    }
}

/// Runs another flow. The child's delivery is the step itself, so that a repeated attempt finds the child that is there.
async fn sub_flow(
    shared: &Arc<Shared>,
    program: &Program,
    origin: &Origin,
    step: &StepKey,
    flow: &FlowId,
    input: Value,
) -> Conclusion {
    let Some(deployed) = shared.deployed(flow) else {
        return Conclusion::Failed(
            Failure::new(FailureKind::Flow, format!("The flow \"{flow}\" is not known here"))
                .hint("Open or serve it together with this one."),
        );
    };
    let Origin { run, depth, .. } = *origin;
    if depth >= DEEPEST {
        return Conclusion::Failed(Failure::new(FailureKind::Limit, format!("Flows call each other more than {DEEPEST} deep")));
    }
    let Some(trigger) = deployed.triggers.iter().find(|(_, it)| matches!(it, Trigger::Manual { .. })).map(|(id, _)| id.clone())
    else {
        return Conclusion::Failed(
            Failure::new(FailureKind::Flow, format!("\"{}\" has no manual trigger", deployed.program.name))
                .hint("Add one: it is where other flows come in."),
        );
    };
    let start = Start {
        trigger,
        payload: input,
        given: Vec::new(),
        delivery: Some(format!("step:{run}:{step}")),
        parent: Some((run, step.clone())),
        depth: depth + 1,
        cause: Cause {
            via: Via::Flow,
            chain: origin.cause.chain_with(&program.flow),
            record: origin.cause.record.clone(),
            again: None,
        },
        refused: None,
        priority: origin.priority,
        watch: None,
        respond: None,
    };
    let child = match Box::pin(Driver::accept(shared, &deployed, start)).await {
        Ok(Accepted::Run(child) | Accepted::Duplicate(child)) => child,
        Err(failure) => return Conclusion::Retry { after: None, failure },
    };
    let guard = CancelChild { shared: Arc::clone(shared), child, armed: true };
    let ended = wait_for(shared, child, &deployed.program).await;
    guard.disarm();
    match ended {
        Ok(Ended { outcome: Outcome::Succeeded, answer }) => {
            let answer = answer.and_then(|it| it.get("body").cloned()).unwrap_or_default();
            Conclusion::Succeeded(Arc::new(json!({ "run": child, "answer": answer })))
        }
        Ok(Ended { outcome: Outcome::Failed(failure), .. }) => Conclusion::Failed(Failure {
            title: format!("\"{}\" failed: {}", deployed.program.name, failure.title),
            at: format!("run {child}"),
            ..failure
        }),
        Ok(Ended { outcome: Outcome::Cancelled, .. }) => Conclusion::Failed(
            Failure::new(FailureKind::Stopped, format!("\"{}\" was cancelled", deployed.program.name)).at(format!("run {child}")),
        ),
        Err(failure) => Conclusion::Failed(failure),
    }
}

/// Waits for a run to end, whether it is under way or ended before.
async fn wait_for(shared: &Arc<Shared>, run: RunId, program: &Program) -> Result<Ended, Failure> {
    if let Some(control) = shared.control(run) {
        if let Some(ended) = control.ended().await {
            return Ok(ended);
        }
        // The engine stops before the run ended; this step is cut short too and goes on after the next start.
        return std::future::pending().await;
    }
    let entries = shared.journal.entries(run).map_err(Failure::from)?;
    let mut answer = None;
    for entry in &entries {
        match entry {
            Entry::StepSucceeded { step, output, .. } if program.responds(&step.node) => answer = Some(Arc::clone(output)),
            Entry::Finished { outcome, .. } => return Ok(Ended { outcome: outcome.clone(), answer }),
            _ => {}
        }
    }
    Err(Failure::new(FailureKind::Machine, format!("Run {run} did not end and is not under way")))
}

/// A child whose parent's step is cancelled is cancelled with it, but not when the engine stops.
struct CancelChild {
    shared: Arc<Shared>,
    child: RunId,
    armed: bool,
}

impl CancelChild {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for CancelChild {
    fn drop(&mut self) {
        if self.armed
            && !self.shared.is_stopping()
            && let Some(control) = self.shared.control(self.child)
        {
            control.send(Signal::Cancel { by: "the flow that called it".to_owned() }).ok();
        }
    }
}
