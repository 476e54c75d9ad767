//! Where the runs of each flow stand, and holding them back: told by the engine that runs on the data directory; where none does,
//! the journal says what the next start finds, and what a person wants is written down for it.
use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::control::Stand;
use super::door::{self, Answer, Order};
use super::release::{self, Effective, Reached};
use super::shared::Shared;
use crate::flow::FlowId;
use crate::journal::{Journal, JournalError, Reader};
use crate::record::Failure;

/// Where the journal keeps which flows hold back.
pub(super) const PAUSED: &str = "paused";

/// Where the runs of a flow stand that are not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Whether it holds back what its triggers start.
    pub paused: bool,
    /// Runs that wait for their turn; where no engine is at work, those that go on with the next start.
    pub waiting: u64,
    /// Runs that are at work: a call is under way, or tried again in a while.
    pub under_way: u64,
    /// Runs that wait for a time, or for a person.
    pub resting: u64,
}

/// Where the runs of all flows stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standings {
    /// Whether an engine is at work.
    pub at_work: bool,
    /// By flow, copies for accounts each by themselves: all that are known to the engine, and all with runs that are not over.
    pub flows: BTreeMap<FlowId, Standing>,
}

impl Standings {
    /// A flow and its copies for accounts together; none if it is not known here.
    pub fn of(&self, flow: &FlowId) -> Option<Standing> {
        let all = self.flows.iter().filter(|(it, _)| it.is_of(flow)).map(|(_, it)| *it);
        all.reduce(|sum, it| Standing {
            paused: sum.paused || it.paused,
            waiting: sum.waiting + it.waiting,
            under_way: sum.under_way + it.under_way,
            resting: sum.resting + it.resting,
        })
    }

    fn paused(&mut self, flow: FlowId) {
        self.flows.entry(flow).or_default().paused = true;
    }
}

/// Holds back what the triggers of a flow start, and of its copies for accounts, or lets it begin. What comes meanwhile is kept; what
/// is under way goes on; what a person starts, or another flow, goes at once. Stays so over a restart. Blocks.
///
/// # Errors
/// A [`Failure`] where the data directory cannot be used.
pub fn pause(data: &Path, flow: &FlowId, paused: bool) -> Result<Effective, Failure> {
    match release::open_or_ask(data, Order::Pause { flow: flow.clone(), paused })? {
        Reached::Journal(journal) => {
            let written = keep(&journal, flow, paused);
            journal.close();
            written.map(|()| Effective::WithNextStart).map_err(Failure::from)
        }
        Reached::Engine(Answer::Paused) => Ok(Effective::Now),
        Reached::Engine(other) => Err(release::unexpected(&other)),
    }
}

/// Where the runs of all flows stand. Blocks.
///
/// # Errors
/// A [`Failure`] where an engine is at work and does not answer, or where the journal cannot be read.
pub fn standings(data: &Path) -> Result<Standings, Failure> {
    match door::ask(data, Order::Standings) {
        Some(Ok(Answer::Standings { flows })) => Ok(Standings { at_work: true, flows }),
        Some(Ok(other)) => Err(release::unexpected(&other)),
        Some(Err(failure)) => Err(failure),
        None => match Journal::open_reader(data) {
            Ok(reader) => Ok(in_journal(&reader)?),
            Err(JournalError::Missing { .. }) => Ok(Standings::default()),
            Err(error) => Err(error.into()),
        },
    }
}

fn in_journal(reader: &Reader) -> Result<Standings, JournalError> {
    let mut all = Standings::default();
    for (flow, waiting, resting) in reader.standing()? {
        all.flows.insert(flow, Standing { waiting, resting, ..Standing::default() });
    }
    reader.states(PAUSED)?.into_iter().for_each(|(flow, _)| all.paused(FlowId::new(flow)));
    Ok(all)
}

/// Writes down that a flow holds back, or that it does not any more, nor any copy of it. Blocks.
pub(super) fn keep(journal: &Journal, flow: &FlowId, paused: bool) -> Result<(), JournalError> {
    if paused {
        return journal.put_state(PAUSED, flow.as_str(), &Value::Bool(true)).wait();
    }
    for (kept, _) in journal.reader().states(PAUSED)? {
        if FlowId::new(kept.as_str()).is_of(flow) {
            journal.put_state(PAUSED, &kept, &Value::Null).wait()?;
        }
    }
    Ok(())
}

/// As the engine knows it.
pub(super) fn now(shared: &Shared) -> BTreeMap<FlowId, Standing> {
    let mut all = Standings::default();
    for flow in shared.known_flows() {
        let paused = shared.queues.is_paused(&flow);
        all.flows.insert(flow, Standing { paused, ..Standing::default() });
    }
    shared.queues.paused().into_iter().for_each(|it| all.paused(it));
    for (flow, stand) in shared.stands() {
        let of = all.flows.entry(flow).or_default();
        match stand {
            Stand::Waiting => of.waiting += 1,
            Stand::UnderWay => of.under_way += 1,
            Stand::Resting => of.resting += 1,
        }
    }
    all.flows
}
