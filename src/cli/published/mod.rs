//! `flowyard publish`, `on`, `off` and `flows`: which flows are live, and what of them.
pub(super) mod evidence;
mod list;
mod publish;
mod switch;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub(super) use self::list::{List, run as list};
#[cfg(feature = "gui")]
pub(super) use self::publish::sandboxes;
pub(super) use self::publish::{Publish, run as publish};
pub(super) use self::switch::{Off, On, off, on};
use super::exit::{Error, Exit};
use super::print::{DIM, Printer, WAITING, paint};
use super::{bind, connections, words};
use crate::accounts::{self, Bindings, Copy, Desk, Slots};
use crate::catalog::Catalog;
use crate::engine::{self, Connection, Deployment};
use crate::flow::{Flow, FlowId, NodeKind, Severity, Trigger};
use crate::published::Published;
use crate::record::{Failure, FailureKind};

/// What is live in an environment, as an engine takes it; and why some flows cannot be.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) copies: Vec<Copy>,
    pub(super) failures: Vec<Failure>,
}

impl Live {
    /// Reads what is on. A flow that cannot run keeps no other one back.
    ///
    /// # Errors
    /// If connections, bindings or the list cannot be read.
    pub(super) fn read(data: &Path, environment: &str, desk: &Desk, catalog: &Catalog) -> Result<Self, Failure> {
        let published = Published::read(data)?;
        let (flows, mut failures) = published.on(data);
        let (bound, kept) = (connections::read(desk)?, Bindings::read(data)?);
        let all: Vec<&Connection> = bound.iter().map(|(it, _)| it).collect();
        let mut copies = Vec::new();
        for (flow, _) in flows.into_iter().filter(|(_, it)| it == environment) {
            if let Some(problem) = problem(&flow, catalog) {
                failures.push(problem);
                continue;
            }
            let slots = Slots { connections: &all, kept: &kept, environment };
            let spread = bind::resolve(&flow, &[], slots, catalog)
                .map_err(|error| error.failure.map_or_else(|| Failure::new(FailureKind::Flow, "It cannot be bound"), |it| *it))
                .and_then(|slots| accounts::spread(&flow, &slots));
            match spread {
                Ok(of) => copies.extend(of),
                Err(failure) => failures.push(failure),
            }
        }
        accounts::join(&mut copies);
        let failures = failures.into_iter().chain(apart(&mut copies)).collect();
        Ok(Self { copies, failures })
    }

    /// For an engine.
    pub(super) fn deployments(self) -> Vec<Deployment> {
        self.copies.into_iter().map(bind::deployment).collect()
    }
}

/// Why a flow cannot run with the catalogue as it is now, if it cannot: it was sound when it was published.
fn problem(flow: &Arc<Flow>, catalog: &Catalog) -> Option<Failure> {
    let problems = flow.check(catalog, &crate::flow::CheckContext::default());
    let error = problems.into_iter().find(|it| it.severity == Severity::Error)?;
    let failure = Failure::new(FailureKind::Flow, format!("\"{}\" cannot run any more", flow.name));
    Some(failure.detail(error.message).hint("Correct it, and publish it anew."))
}

/// Takes out the flows of which a hook belongs to an earlier one, and says so.
fn apart(copies: &mut Vec<Copy>) -> Vec<Failure> {
    let (mut owners, mut failures) = (BTreeMap::<String, (FlowId, String)>::new(), Vec::new());
    copies.retain(|copy| {
        let hooks: Vec<String> = copy.flow.nodes.values().filter(|it| !it.muted).filter_map(|it| hook(&it.kind)).collect();
        let taken = hooks.iter().find_map(|it| owners.get(it).filter(|(id, _)| *id != copy.flow.id).map(|owner| (it, owner)));
        if let Some((path, (_, owner))) = taken {
            let failure = Failure::new(FailureKind::Flow, format!("\"{}\" does not run", copy.flow.name));
            let detail = format!("its webhook /hooks/{path} belongs to \"{owner}\" already");
            failures.push(failure.detail(detail).hint("Give one of them another path, and publish it anew."));
            return false;
        }
        owners.extend(hooks.into_iter().map(|it| (it, (copy.flow.id.clone(), copy.flow.name.clone()))));
        true
    });
    failures
}

fn hook(kind: &NodeKind) -> Option<String> {
    match kind {
        NodeKind::Trigger(Trigger::Webhook { path, .. }) => Some(path.clone()),
        _ => None,
    }
}

/// Tells the engine that is at work, if there is one.
fn tell(data: &Path, environment: &str, as_json: bool, out: &mut Printer) {
    match engine::reread(&accounts::log_of(data, environment)) {
        None if as_json => {}
        None => out.say(paint(
            DIM,
            "No Flowyard is at work yet. A window that is open begins by itself; else open one, or use `flowyard serve`.",
        )),
        Some(Ok(renewed)) if as_json => tracing::debug!(flows = renewed.flows, "the engine at work has read the flows"),
        Some(Ok(renewed)) => {
            let count = words::count(renewed.flows, "flow");
            out.say(paint(DIM, format_args!("The Flowyard at work has it already: it runs {count} now.")));
        }
        Some(Err(failure)) => out.failure("warning", &failure),
    }
}

/// The flow that a person means: its file, or its id.
fn named(text: &str, published: &Published) -> Result<FlowId, Error> {
    let id = FlowId::new(text);
    if published.get(&id).is_some() {
        return Ok(id);
    }
    let of_file = Path::new(text).is_file().then(|| super::flows::read(Path::new(text)).ok()).flatten();
    if let Some(source) = of_file.filter(|it| published.get(&it.flow.id).is_some()) {
        return Ok(source.flow.id.clone());
    }
    let failure = Failure::new(FailureKind::NotFound, format!("\"{text}\" is not published"));
    Err(Error::new(Exit::File, failure.hint("`flowyard flows` lists those that are; `flowyard publish` adds one.")))
}

/// Says what keeps a flow from running, beside those that run.
fn warn(failures: &[Failure], out: &mut Printer) {
    for failure in failures {
        out.failure("warning", failure);
    }
    if !failures.is_empty() {
        out.say(paint(WAITING, "The other flows run."));
    }
}
