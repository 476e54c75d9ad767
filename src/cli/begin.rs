//! What a run begins with: the trigger, and what it gives.
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::exit::{Error, Exit};
use super::read;
use super::run::Target;
use crate::accounts;
use crate::catalog::Catalog;
use crate::engine::log::{Filter, Journal, Reader};
use crate::engine::{self, Mode};
use crate::flow::{Flow, FlowId, NodeId, NodeKind, Trigger};
use crate::record::{Failure, bounds};
use crate::run::{Entry, RunId};

/// So many runs are looked through at a time for one that the same trigger began.
const LOOKED: usize = 50;

/// The options of `flowyard run` that say it.
#[derive(Debug, Args)]
pub(super) struct BeginArgs {
    /// What the trigger gives: JSON from a file, or from standard input with "-". By default the sample in the flow. For a
    /// webhook it is the body of the request
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// What the trigger gives: the same as when it last began a live run of this flow
    #[arg(long, conflicts_with = "input")]
    last: bool,

    /// The trigger that the run begins with, by its id; needed where the flow has several
    #[arg(long, value_name = "NODE")]
    pub(super) trigger: Option<String>,
}

impl BeginArgs {
    /// Whether it is said what the trigger gives.
    pub(super) fn is_given(&self) -> bool {
        self.last || self.input.is_some()
    }

    /// What the file holds.
    ///
    /// # Errors
    /// If it cannot be read, or is no JSON.
    pub(super) fn input(&self) -> Result<Option<Value>, Error> {
        self.input.as_ref().map(|path| read::json(path)).transpose()
    }

    /// What the trigger gives: the input as it would have arrived, what it gave last, or the flow's own sample.
    ///
    /// # Errors
    /// If the input cannot be read or is too much, or there is no live run that the trigger began.
    pub(super) fn payload(
        &self,
        (flow, node, kind): (&FlowId, &NodeId, &Trigger),
        target: &Target,
        catalog: &Catalog,
    ) -> Result<Value, Error> {
        if self.last {
            let log = accounts::log_of(&target.data.resolve(false)?, &target.environment);
            return last_event(&log, flow, node)?.ok_or_else(|| {
                let failure = Error::file(format!("The trigger \"{node}\" has begun no live run of \"{flow}\" yet"));
                let hint = "Let it begin one, or give an event with --input. `flowyard log` lists what ran.";
                Error::new(Exit::File, failure.hint(hint))
            });
        }
        let payload = self.input()?.map_or_else(|| kind.test_event(catalog), |it| kind.given(it));
        match bounds::fits_a_run(&payload) {
            Ok(_) => Ok(payload),
            Err(beyond) => {
                let failure = Error::file(format!("The event is too much: {beyond}")).hint("Give an event with less in it.");
                Err(Error::new(Exit::File, failure))
            }
        }
    }
}

/// The trigger that a run begins with: the named one, or else the only one, or the only one by hand; in the sandbox the first,
/// as the window tests a flow.
///
/// # Errors
/// If there is none, or there are several.
pub(super) fn choose_trigger<'a>(flow: &'a Flow, named: Option<&str>, sandbox: bool) -> Result<(NodeId, &'a Trigger), Error> {
    let all: Vec<(&NodeId, &Trigger)> = flow
        .nodes
        .iter()
        .filter(|(_, node)| !node.muted)
        .filter_map(|(id, node)| match &node.kind {
            NodeKind::Trigger(trigger) => Some((id, trigger)),
            _ => None,
        })
        .collect();
    let list = || all.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(named) = named {
        let found = all.iter().find(|(id, _)| id.as_str() == named);
        let hint = || if all.is_empty() { "The flow has no trigger.".to_owned() } else { format!("There are {}.", list()) };
        let found = found.ok_or_else(|| Error::usage(format!("There is no trigger \"{named}\" in \"{}\"", flow.name), hint()))?;
        return Ok((found.0.clone(), found.1));
    }
    let manual: Vec<_> = all.iter().filter(|(_, it)| matches!(it, Trigger::Manual { .. })).collect();
    match (all.as_slice(), manual.as_slice()) {
        ([(id, trigger)], _) | (_, [(id, trigger)]) => Ok(((*id).clone(), trigger)),
        ([], _) => {
            let failure = Error::file(format!("\"{}\" has no trigger", flow.name)).hint("Add one: it is where a run begins.");
            Err(Error::new(Exit::File, failure))
        }
        ([(id, trigger), ..], []) if sandbox => Ok(((*id).clone(), trigger)),
        _ => Err(Error::usage(
            format!("\"{}\" has several triggers", flow.name),
            format!("Choose one with --trigger: {}.", list()),
        )),
    }
}

/// What the last live run of a flow, for whichever account, began with that this trigger began; none where there is none.
///
/// # Errors
/// If the log cannot be read.
pub(super) fn last_event(log: &Path, flow: &FlowId, node: &NodeId) -> Result<Option<Value>, Failure> {
    if !engine::has_log(log) {
        return Ok(None);
    }
    let reader = Journal::open_reader(log)?;
    let mut last: Option<RunId> = None;
    for (own, _) in reader.flows()?.into_iter().filter(|(it, _)| it.is_of(flow)) {
        last = last.max(last_run(&reader, &own, node)?);
    }
    let Some(run) = last else { return Ok(None) };
    let entries = reader.entries(run)?;
    Ok(entries.into_iter().find_map(|it| match it {
        Entry::Accepted { payload, .. } => Some(Value::clone(&payload)),
        _ => None,
    }))
}

/// The last live run of a flow, for one account, that this trigger began.
fn last_run(reader: &Reader, flow: &FlowId, node: &NodeId) -> Result<Option<RunId>, Failure> {
    let mut before = None;
    loop {
        let runs = reader.runs(&Filter { flow: Some(flow.clone()), before, limit: LOOKED, ..Filter::default() })?;
        if let Some(found) = runs.iter().find(|it| it.trigger == *node && it.mode == Mode::Live) {
            return Ok(Some(found.id));
        }
        let Some(oldest) = runs.last() else { return Ok(None) };
        before = Some(oldest.id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::flow::testing::Sketch;
    use crate::journal::{Append, NewRun, Options};
    use crate::run::Revision;

    #[test]
    fn the_last_run_is_found_for_whichever_account_and_however_many_came_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path(), Options::default()).unwrap();
        let began = |flow: &str, trigger: &str, mode: Mode, payload: i32| {
            let (run, at) = (journal.next_run_id(), Timestamp::UNIX_EPOCH);
            let new = NewRun {
                flow: flow.into(),
                flow_name: "F".to_owned(),
                revision: Revision("00".into()),
                trigger: NodeId::from(trigger),
                delivery: None,
                mode,
                parent: None,
                accepted: at,
            };
            let payload = Arc::new(Value::from(payload));
            let entries = vec![Entry::Accepted { trigger: trigger.into(), payload, at, cause: Arc::default() }];
            journal.append(Append { run, new: Some(new), entries, exchanges: Vec::new() }).wait().unwrap();
        };
        let last = || last_event(dir.path(), &"f".into(), &"t".into()).unwrap();
        began("g", "t", Mode::Live, 1);
        began("f", "other", Mode::Live, 2);
        began("f", "t", Mode::Sandbox, 3);
        assert_eq!(last(), None);
        began("f", "t", Mode::Live, 4);
        let account = FlowId::new(format!("f{}paris", FlowId::ACCOUNT));
        began(account.as_str(), "t", Mode::Live, 5);
        assert_eq!(last(), Some(5.into()));
        for _ in 0..=2 * LOOKED {
            began("f", "other", Mode::Live, 6);
            began(account.as_str(), "other", Mode::Live, 7);
        }
        assert_eq!(last(), Some(5.into()));
        began("f", "t", Mode::Live, 8);
        assert_eq!(last(), Some(8.into()));
    }

    #[test]
    fn the_only_trigger_needs_no_name() {
        let flow = Sketch::flow("t.out -> a");
        assert_eq!(choose_trigger(&flow, None, false).unwrap().0.as_str(), "t");
        let error = choose_trigger(&flow, Some("x"), false).unwrap_err();
        assert_eq!(error.exit, Exit::Usage);
        assert!(error.failure.unwrap().hint.contains("There are t."));
    }

    #[test]
    fn of_several_triggers_one_is_named() {
        let flow = Sketch::flow("t1.out -> a, t2.out -> a");
        let failure = choose_trigger(&flow, None, false).unwrap_err().failure.unwrap();
        assert!(failure.hint.contains("t1, t2"), "{failure}");
        assert_eq!(choose_trigger(&flow, Some("t2"), false).unwrap().0.as_str(), "t2");
    }

    #[test]
    fn a_flow_without_a_trigger_is_a_fault_of_its_file() {
        assert_eq!(choose_trigger(&Sketch::flow("a"), None, true).unwrap_err().exit, Exit::File);
    }
}
