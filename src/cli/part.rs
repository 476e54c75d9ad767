//! Which part of a flow `run` runs, and what it takes as done: a single step, what leads to one, and what is pinned in the window.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use serde_json::Value;

use super::exit::{Error, Exit};
use crate::catalog::Catalog;
use crate::engine::log::{Filter, Journal, JournalError, RunHead};
use crate::flow::{Flow, NodeId};
use crate::record::Failure;
use crate::run::{Aim, Desk, NoPlan, Passed, Plan, Shown};

/// Less than all of a flow.
#[derive(Debug, Args)]
pub(super) struct PartArgs {
    /// Run only this step, by its id, on what the steps before it gave in the flow's last run. The sandbox itself begins anew
    #[arg(long, value_name = "NODE", requires = "sandbox", conflicts_with_all = ["to", "trigger"])]
    step: Option<String>,

    /// Run the flow up to this step, by its id
    #[arg(long, value_name = "NODE", requires = "sandbox", conflicts_with = "trigger")]
    to: Option<String>,

    /// Do the steps, too, that are pinned in the window; else a run in the sandbox takes them as done
    #[arg(long)]
    no_pins: bool,
}

/// What is pinned, by node.
pub(super) type Pins = BTreeMap<NodeId, Arc<Value>>;

impl PartArgs {
    /// What is to be run.
    ///
    /// # Errors
    /// If the flow has no such node.
    pub(super) fn aim(&self, flow: &Flow) -> Result<Aim, Error> {
        let node = |id: &str| {
            let known = flow.nodes.keys().find(|it| it.as_str() == id);
            known.cloned().ok_or_else(|| {
                let all: Vec<&str> = flow.nodes.keys().map(NodeId::as_str).collect();
                Error::usage(format!("There is no node \"{id}\" in \"{}\"", flow.name), format!("There are {}.", all.join(", ")))
            })
        };
        match (&self.step, &self.to) {
            (Some(id), _) => node(id).map(Aim::Only),
            (None, Some(id)) => node(id).map(Aim::UpTo),
            (None, None) => Ok(Aim::Whole),
        }
    }

    /// What the window of a data directory has pinned in this flow.
    pub(super) fn pins(&self, sandbox: bool, home: &Path, flow: &Path) -> Pins {
        // What was made up for a test has no place in a run against a real account.
        if self.no_pins || !sandbox { Pins::new() } else { pinned(home, flow) }
    }
}

#[cfg(feature = "gui")]
fn pinned(home: &Path, flow: &Path) -> Pins {
    crate::ui::pins(home, flow)
}

#[cfg(not(feature = "gui"))]
fn pinned(_: &Path, _: &Path) -> Pins {
    Pins::new()
}

/// How a run is begun: its trigger, and what is taken as done.
///
/// # Errors
/// If a step before the one that is to be run gave nothing yet, or nothing leads to it.
pub(super) fn plan(aim: &Aim, flow: &Arc<Flow>, pins: &Pins, catalog: &Catalog, last: Option<&Passed>) -> Result<Plan, Error> {
    let shown = last.map(|it| it as &dyn Shown);
    aim.plan(&Desk { flow, pins, shown, catalog }).map_err(|error| match error {
        NoPlan::NothingGiven(name) => Error::not_found(
            format!("\"{name}\" comes before it and gave nothing in the last run"),
            "Run up to the step first, with --to, or pin a result in the window.",
        ),
        other => Error::new(Exit::File, Error::file("The run cannot begin").hint(other.to_string())),
    })
}

/// The last run of a flow that is logged there, and what it went through; none where there is none.
///
/// # Errors
/// If the log cannot be read.
pub(super) fn last_run(data: &Path, flow: &Flow) -> Result<Option<(RunHead, Passed)>, Error> {
    let reader = match Journal::open_reader(data) {
        Ok(reader) => reader,
        Err(JournalError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(Failure::from(error).into()),
    };
    let newest = Filter { flow: Some(flow.id.clone()), limit: 1, ..Filter::default() };
    let Some(head) = reader.runs(&newest).map_err(Failure::from)?.pop() else { return Ok(None) };
    let mut passed = Passed::default();
    for entry in reader.entries(head.id).map_err(Failure::from)? {
        passed.apply(&entry);
    }
    Ok(Some((head, passed)))
}
