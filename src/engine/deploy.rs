//! Making a flow known.
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::shared::{Deployed, Shared};
use super::{ConnectionId, Hook};
use crate::catalog::Event;
use crate::flow::{Flow, NodeId, NodeKind, SlotId, Trigger};
use crate::record::{Failure, FailureKind};
use crate::run::{Program, Revision};

/// A flow, and the connections that its slots stand for.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The flow.
    pub flow: Arc<Flow>,
    /// Slots that are bound; others stand for the only connection of their connector.
    pub bindings: BTreeMap<SlotId, ConnectionId>,
    /// Whether its triggers start runs by themselves. Hooks answer in either case.
    pub listens: bool,
}

impl Deployment {
    /// A flow that is on: its triggers start runs.
    pub fn listening(flow: Arc<Flow>, bindings: BTreeMap<SlotId, ConnectionId>) -> Self {
        Self { flow, bindings, listens: true }
    }

    /// A flow that runs only when somebody asks for it.
    pub fn quiet(flow: Arc<Flow>, bindings: BTreeMap<SlotId, ConnectionId>) -> Self {
        Self { flow, bindings, listens: false }
    }
}

/// Compiles a flow, keeps its revision, opens its hooks.
pub(super) async fn deploy(shared: &Arc<Shared>, deployment: Deployment) -> Result<Vec<Hook>, Failure> {
    let Deployment { flow, bindings, listens } = deployment;
    let revision = Revision(flow.content_hash().into());
    let program = shared.program(&revision, || Program::compile(&flow, &shared.catalog))?;
    let deployed = known(&flow, program, bindings, listens, shared.clock.now());
    let hooks: Vec<Hook> = deployed
        .triggers
        .iter()
        .filter_map(|(node, trigger)| match trigger {
            Trigger::Webhook { path, .. } => Some(Hook { flow: flow.id.clone(), node: node.clone(), path: path.clone() }),
            Trigger::Manual { .. }
            | Trigger::Schedule { .. }
            | Trigger::File { .. }
            | Trigger::Failed { .. }
            | Trigger::Ended { .. }
            | Trigger::Alert { .. }
            | Trigger::Event { .. } => None,
        })
        .collect();
    let journal = shared.journal.clone();
    let text = flow.to_text();
    tokio::task::spawn_blocking(move || journal.save_revision(&revision, &text))
        .await
        .map_err(|error| Failure::new(FailureKind::Machine, "The flow's revision could not be kept").detail(error.to_string()))?
        .map_err(Failure::from)?;
    shared.claim_hooks(&flow.id, &hooks).map_err(|hook| {
        Failure::new(FailureKind::Flow, format!("The hook \"{}\" belongs to the flow \"{}\" already", hook.path, hook.flow))
            .at(format!("{} of \"{}\"", hook.node, flow.name))
            .hint("Give one of them another path.")
    })?;
    shared.queues.allow(&flow.id, flow.pace.most());
    shared.insert_flow(flow.id.clone(), Arc::new(deployed));
    Ok(hooks)
}

/// A flow as it is known while it runs.
pub(super) fn known(
    flow: &Flow,
    program: Arc<Program>,
    bindings: BTreeMap<SlotId, ConnectionId>,
    listens: bool,
    at: Timestamp,
) -> Deployed {
    let triggers: BTreeMap<_, _> = flow
        .nodes
        .iter()
        .filter(|(_, node)| !node.muted)
        .filter_map(|(id, node)| match &node.kind {
            NodeKind::Trigger(trigger) => Some((id.clone(), trigger.clone())),
            _ => None,
        })
        .collect();
    let twins = twins(flow, &triggers);
    Deployed { program, triggers, twins, slots: flow.slots.clone(), bindings, listens, pace: flow.pace, at }
}

/// What several messages tell, at one account and for the same steps, is one change. One message that is told by itself alone
/// needs no remembering.
fn twins(flow: &Flow, triggers: &BTreeMap<NodeId, Trigger>) -> BTreeMap<NodeId, NodeId> {
    let mut alike: BTreeMap<_, Vec<(&NodeId, &Event)>> = BTreeMap::new();
    for (node, trigger) in triggers {
        let Trigger::Event { event, slot, .. } = trigger else { continue };
        let Some(event) = Event::find(event) else { continue };
        let steps: Vec<_> = flow.edges.iter().filter(|it| it.from == *node).map(|it| (&it.port, &it.to)).collect();
        alike.entry((&event.family().id, slot, steps)).or_default().push((node, event));
    }
    let is_told_twice = |all: &&Vec<(&NodeId, &Event)>| match all.as_slice() {
        [(_, one)] => !one.twins.is_none(),
        [(_, one), ..] => !one.family().twins.is_none(),
        [] => false,
    };
    let first = |all: &Vec<(&NodeId, &Event)>| all.first().map(|(node, _)| (*node).clone());
    let each = alike.values().filter(is_told_twice).filter_map(|all| Some((all, first(all)?)));
    each.flat_map(|(all, first)| all.iter().map(move |(node, _)| ((*node).clone(), first.clone()))).collect()
}
