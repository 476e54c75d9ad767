//! What runs live: the flows that are on, who runs them, and what a person asks of them.
//!
//! Invariant: what is shown here was told by whoever runs them; the window decides nothing about it by itself.
mod job;
mod page;
mod panel;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use self::job::{Deed, DoHome, HomeJob, HomeNews, KnownAlerts, LiveFlow, Place};
pub(crate) use self::page::{place, show as page};
pub(crate) use self::panel::{Asked, GoLive, Planned, show as panel};
use super::document::DocId;
use crate::flow::{Flow, FlowId};
use crate::published::{Change, changes};
use crate::record::Failure;

/// What is known of it.
#[derive(Default)]
pub(crate) struct Home {
    /// Asks for something; none while it comes up.
    pub(crate) door: Option<DoHome>,
    /// Where what is on runs.
    pub(crate) place: Place,
    /// The flows that were published.
    pub(crate) flows: BTreeMap<FlowId, LiveFlow>,
    /// Why some of what is on does not run.
    pub(crate) failures: Vec<Failure>,
    /// Whether flows are started with the computer, as far as that is known.
    pub(crate) at_login: Option<bool>,
    /// What alerts are chosen, as far as that is known.
    pub(crate) alerts: Option<KnownAlerts>,
    /// Whether a test alert is under way.
    pub(crate) tries_alert: bool,
    /// How many starts of each flow wait for their turn.
    pub(crate) waiting: BTreeMap<FlowId, u64>,
    /// What a person is asked before a flow goes live.
    pub(crate) going: Option<GoLive>,
    /// The tabs that show what runs live, in place of tests in the sandbox.
    pub(crate) shown: BTreeSet<DocId>,
    /// The revisions that a person has agreed to start by hand on real accounts.
    pub(crate) agreed: BTreeSet<String>,
    /// What of the flow in front is not live: of which draft and which revision that was found.
    compared: Option<(Arc<Flow>, String, Arc<[Change]>)>,
}

impl Home {
    /// Asks for it; false where nobody is there to do it yet.
    pub(crate) fn ask(&self, job: HomeJob) -> bool {
        if let Some(door) = &self.door {
            door(job);
        }
        self.door.is_some()
    }

    /// What was published of a flow.
    pub(crate) fn flow(&self, id: &FlowId) -> Option<&LiveFlow> {
        self.flows.get(id)
    }

    /// Whether a tab shows what runs live.
    pub(crate) fn shows_live(&self, doc: DocId) -> bool {
        self.shown.contains(&doc)
    }

    /// How many flows are on.
    pub(crate) fn on(&self) -> usize {
        self.flows.values().filter(|it| it.entry.on).count()
    }

    /// Whether closing the window would stop flows that are on.
    pub(crate) fn runs_here(&self) -> bool {
        matches!(self.place, Place::Here { .. }) && self.on() > 0
    }

    /// How many starts wait for their turn.
    pub(crate) fn waits(&self) -> u64 {
        self.waiting.values().sum()
    }

    /// Compares a draft with what is live of it, once for each.
    pub(crate) fn compare(&mut self, draft: &Arc<Flow>) {
        let Some(live) = self.flows.get(&draft.id) else {
            self.compared = None;
            return;
        };
        let is_known = |(flow, revision, _): &(Arc<Flow>, String, Arc<[Change]>)| {
            Arc::ptr_eq(flow, draft) && *revision == live.entry.revision
        };
        if !self.compared.as_ref().is_some_and(is_known) {
            let found = live.flow.as_ref().map(|it| changes(it, draft)).unwrap_or_default();
            self.compared = Some((Arc::clone(draft), live.entry.revision.clone(), found.into()));
        }
    }

    /// What of a draft is not live, as it was last compared; none where nothing of it is.
    pub(crate) fn changes(&self, draft: &Arc<Flow>) -> Option<&[Change]> {
        self.compared.as_ref().filter(|(flow, _, _)| flow.id == draft.id).map(|(_, _, found)| &**found)
    }

    /// What is on has changed, or who runs it.
    pub(crate) fn take(&mut self, news: HomeNews) {
        match news {
            HomeNews::At(place) => self.place = place,
            HomeNews::Flows { flows, failures } => {
                self.flows = flows;
                self.failures = failures;
            }
            HomeNews::Planned { ticket, result } => {
                if let Some(going) = self.going.as_mut().filter(|it| it.ticket == ticket) {
                    going.plan = Planned::Made(result);
                }
            }
            HomeNews::Alerts(result) => self.alerts = result.ok(),
            HomeNews::AtLogin(result) => self.at_login = result.ok(),
            HomeNews::Waiting(waiting) => self.waiting = waiting,
            HomeNews::Evidence { ticket, result } => {
                if let Some(going) = self.going.as_mut().filter(|it| it.ticket == ticket) {
                    going.evidence = Some(result);
                }
            }
            HomeNews::AlertTried(_) => self.tries_alert = false,
            HomeNews::Done { .. } | HomeNews::Event(_) | HomeNews::Woke(_) | HomeNews::Clicked(_) => {}
        }
    }
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Home").field("place", &self.place).field("on", &self.on()).finish_non_exhaustive()
    }
}
