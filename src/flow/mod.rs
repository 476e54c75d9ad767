//! What a flow is: nodes, edges between named ports, mappings, slots for connections, and where things sit on the canvas.
//!
//! Invariant: [`Flow::apply`] is the only way a flow changes, and it keeps every edge's ends and every layout entry among
//! the nodes. Invariant: `layout`, `notes` and `groups` never change what a flow does.
//! Invariant: a node is in one group at most, and no group is, over its parents, within itself.
mod alarm;
mod binding;
mod canvas;
mod check;
mod dated;
mod delta;
pub mod disk;
mod edit;
mod field;
pub mod file;
mod history;
mod ids;
mod nearest;
mod node;
pub mod order;
mod pace;
mod part;
mod policy;
mod rename;
pub mod schedule;
mod scope;
#[cfg(test)]
pub(crate) mod testing;
mod trigger;
mod watch;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::alarm::Alarm;
pub use self::binding::{Binding, Mapping, Missing, Named, Source};
pub use self::canvas::{Group, Note};
pub use self::check::{CheckContext, Checker, Problem, Severity};
pub use self::dated::{Coming, Dated, DatedError, Occurrence, When};
pub use self::edit::{Edit, EditError, MAX_EDGES, MAX_NODES};
pub use self::field::FieldPath;
pub use self::history::{Gesture, History};
pub use self::ids::{FlowId, GroupId, NodeId, NoteId, PortId, SlotId};
pub use self::node::{Case, HttpBody, HttpCall, JoinMode, Level, Node, NodeKind, Row, StopOutcome, WaitFor};
pub use self::order::{Certainty, Cycle, Order};
pub use self::pace::Pace;
pub use self::policy::RetryPolicy;
pub use self::scope::ScopeUse;
pub use self::trigger::{Ending, Trigger, WebhookAnswer};
pub use self::watch::{Begin, Watch};
pub use self::watched::{Each, MOST_TEXT, Watched};
use crate::catalog::ConnectorId;

/// A flow document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Stays the same when the flow is renamed or moved.
    pub id: FlowId,
    /// What a person calls it.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// How fast its runs follow one another.
    pub pace: Pace,
    /// The nodes; shared, so that a snapshot of a flow is cheap.
    pub nodes: BTreeMap<NodeId, Arc<Node>>,
    /// From a port of a node to a node.
    pub edges: BTreeSet<Edge>,
    /// The connections that it needs, by connector; which ones they are is bound outside of the file.
    pub slots: BTreeMap<SlotId, ConnectorId>,
    /// Where nodes sit, in canvas points. Never read by `run` or `engine`.
    pub layout: BTreeMap<NodeId, [i32; 2]>,
    /// What a person wrote beside the nodes. Never read by `run` or `engine`.
    pub notes: BTreeMap<NoteId, Note>,
    /// Nodes that a person put together. Never read by `run` or `engine`.
    pub groups: BTreeMap<GroupId, Group>,
}

/// A wire: when `from` leaves through `port`, `to` may run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// The node that it leaves.
    pub from: NodeId,
    /// The named port that it leaves through.
    pub port: PortId,
    /// The node that it enters.
    pub to: NodeId,
}

impl Flow {
    /// The edges that leave a node, by port and target.
    pub fn edges_from(&self, node: &NodeId) -> impl Iterator<Item = &Edge> {
        let first = Edge { from: node.clone(), port: PortId::new(""), to: NodeId::new("") };
        let node = node.clone();
        self.edges.range(first..).take_while(move |edge| edge.from == node)
    }
}
