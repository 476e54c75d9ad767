//! `flowyard connect why`: why a service refused a step.
use clap::Args;
use serde_json::json;

use super::place::PlaceArgs;
use crate::accounts::why::{Verdict, is_refusal};
use crate::accounts::{self, Desk};
use crate::catalog::{Catalog, Connector, Operation};
use crate::cli::embedded::{self, FaultArgs};
use crate::cli::exit::{Error, Exit};
use crate::cli::print::{BAD, DIM, GOOD, Plain, Printer, STRONG, WAITING, paint};
use crate::cli::runtime;
use crate::engine::log::{Journal, Reader, StepExchange};
use crate::engine::{Connection, ConnectionId};
use crate::flow::{Flow, NodeKind, SlotId};
use crate::record::{Failure, FailureKind};
use crate::run::RunId;

/// Find out why a service refused a step with a 401, 403 or 404: secret, expiry, token, account, scope, record and permission
/// are looked at in turn. The connection is tried by a cheap read that changes nothing
#[derive(Debug, Args)]
pub(super) struct Why {
    /// The run's number
    #[arg(value_name = "RUN")]
    run: u64,

    /// The step, by its name or id; by default the last one that was refused
    #[arg(value_name = "STEP")]
    step: Option<String>,

    /// The connection that the step used, where it is not clear from its flow
    #[arg(long, value_name = "ID")]
    connection: Option<String>,

    /// The run was one in the sandbox: a sandbox is asked, and the connection to it looked at
    #[arg(long)]
    sandbox: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

impl Why {
    async fn look(
        &self,
        desk: &Desk,
        refused: &Refused,
        called: &Called<'_>,
    ) -> Result<(ConnectionId, accounts::why::Why), Error> {
        let id = match &self.connection {
            Some(id) => ConnectionId::new(id),
            None => match refused.callers(desk, called)?.as_slice() {
                [one] => one.id.clone(),
                several => {
                    let ids: Vec<_> = several.iter().map(|it| it.id.as_str()).collect();
                    let hint = format!("Name one with --connection: {}.", ids.join(", "));
                    return Err(Error::usage("Several connections can have made the call", hint));
                }
            },
        };
        let why = desk.why(&id, called.connector, called.operation, &refused.call.exchange).await?;
        Ok((id, why))
    }
}

pub(super) fn run(args: &Why, out: &mut Printer) -> Result<Exit, Error> {
    let (desk, catalog) = args.place.desk(out)?;
    let data = args.place.data(args.sandbox)?;
    let refused = Refused::find(&Journal::open_reader(&data)?, RunId(args.run), args.step.as_deref())?;
    let called = refused.called(&catalog)?;
    let (id, why) = runtime::block_on(async {
        if !args.sandbox {
            return args.look(&desk, &refused, &called).await;
        }
        let sandbox = embedded::start(&catalog, &FaultArgs::default()).await?;
        let desk = Desk::over(&data, embedded::connections(sandbox.access(), &catalog), catalog.clone());
        let looked = args.look(&desk, &refused, &called).await;
        sandbox.stop().await;
        looked
    })?;
    let (name, connector) = (called.step, called.connector);
    let refused = &refused.call;
    if args.place.json {
        out.json(&json!({ "run": args.run, "step": refused.step.to_string(), "connection": id, "why": why }));
        return Ok(Exit::Done);
    }
    let request = &refused.exchange.request;
    let status = refused.exchange.answer.as_ref().map(|it| it.status.to_string()).unwrap_or_default();
    out.line(format_args!("{STRONG}{}{STRONG:#}, on \"{id}\": {} {} {status}", Plain(name), request.method, Plain(&request.url)));
    for it in &why.findings {
        let (style, mark) = match it.verdict {
            Verdict::Passed => (GOOD, "✓"),
            Verdict::Failed => (BAD, "✗"),
            Verdict::Unknown => (WAITING, "?"),
        };
        out.line(format_args!("  {} {:<11}{}", paint(style, mark), it.check.title(), Plain(&it.words)));
    }
    if !why.cause.detail.is_empty() {
        out.line(paint(DIM, format_args!("  {} says: {}", connector.title, Plain(&why.cause.detail))));
    }
    out.line(Plain(&why.cause.hint));
    Ok(Exit::Done)
}

/// A call that was refused, and the flow as it was then.
pub(in crate::cli) struct Refused {
    /// The flow.
    flow: Flow,
    /// The call.
    pub(in crate::cli) call: StepExchange,
}

/// What the call was of.
pub(in crate::cli) struct Called<'a> {
    /// What the step is called.
    pub(in crate::cli) step: &'a str,
    /// Where it was called.
    pub(in crate::cli) connector: &'a Connector,
    /// What was called.
    pub(in crate::cli) operation: &'a Operation,
    slot: &'a SlotId,
}

impl Refused {
    /// The last call of a run that was refused; `step` says in which step, by its name, its id, or as the log has it.
    ///
    /// # Errors
    /// What is not there.
    pub(in crate::cli) fn find(reader: &Reader, run: RunId, step: Option<&str>) -> Result<Self, Failure> {
        let gone = |title: String, hint: &str| Failure::new(FailureKind::NotFound, title).hint(hint);
        let hint = "`flowyard log list` shows what there is.";
        let head = reader.run(run)?.ok_or_else(|| gone(format!("There is no run {run}"), hint))?;
        let text = reader.revision(&head.revision)?;
        let flow = text.and_then(|it| Flow::parse(it.as_bytes()).ok());
        let flow = flow.ok_or_else(|| gone(format!("The flow of run {run} is not kept any more"), hint))?;
        let is_it = |it: &StepExchange| {
            let name = flow.nodes.get(&it.step.node).map(|it| it.name.as_str()).unwrap_or_default();
            step.is_none_or(|step| {
                step == it.step.node.as_str() || step.eq_ignore_ascii_case(name) || step == it.step.to_string()
            })
        };
        let all = reader.exchanges(run)?;
        let known = all.iter().any(is_it);
        if let Some(call) = all.into_iter().rfind(|it| is_it(it) && is_refusal(&it.exchange)) {
            return Ok(Self { flow, call });
        }
        let title = match step {
            Some(step) if !known => format!("Run {run} made no call in a step \"{step}\""),
            Some(step) => format!("No call of the step \"{step}\" was refused with a 401, 403 or 404"),
            None => format!("No call of run {run} was refused with a 401, 403 or 404"),
        };
        Err(gone(title, "`flowyard log show RUN` shows its steps and their calls."))
    }

    /// What it was a call of.
    ///
    /// # Errors
    /// If the step is none that the catalogue knows.
    pub(in crate::cli) fn called<'a>(&'a self, catalog: &'a Catalog) -> Result<Called<'a>, Failure> {
        let node = self.flow.nodes.get(&self.call.step.node).map(|it| (&it.name, &it.kind));
        let Some((step, NodeKind::Action { operation, slot, .. })) = node else {
            let title = format!("The step \"{}\" calls no operation of the catalogue", self.call.step.node);
            return Err(Failure::new(FailureKind::NotFound, title).hint("Only those say what they need of a connection."));
        };
        let Some((connector, operation)) = catalog.operation(operation) else {
            let title = format!("The catalogue has no operation \"{operation}\" any more");
            return Err(Failure::new(FailureKind::NotFound, title).hint("Import the service again."));
        };
        Ok(Called { step, connector, operation, slot })
    }

    /// The connections that can have made it.
    ///
    /// # Errors
    /// As [`Desk::callers`].
    pub(in crate::cli) fn callers(&self, desk: &Desk, called: &Called<'_>) -> Result<Vec<Connection>, Failure> {
        desk.callers(&self.flow, called.slot, called.operation, &self.call.exchange)
    }
}
