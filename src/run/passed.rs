//! What a run went through, for another that begins where it was.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::aim::Shown;
use super::{Entry, Release};
use crate::flow::{NodeId, PortId};

/// A fold of a run's facts: what its steps gave last, and the ways that were taken.
#[derive(Debug, Clone, Default)]
pub struct Passed {
    outputs: BTreeMap<NodeId, Arc<Value>>,
    ways: BTreeSet<(NodeId, PortId)>,
}

impl Passed {
    /// Folds in a fact.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Accepted { trigger, payload, .. } => self.gave(trigger, PortId::out(), payload),
            Entry::StepSucceeded { step, port, output, .. } => self.gave(&step.node, port.clone(), output),
            Entry::StepFailed { step, retry_at: None, .. } => self.took(&step.node, PortId::error()),
            Entry::ItemsOpened { step, count, .. } if *count > 0 => self.took(&step.node, PortId::new("item")),
            Entry::StepReleased { step, release, .. } => match release {
                // What follows is told next.
                Release::Repeat => {}
                Release::Done(output) => self.gave(&step.node, PortId::out(), output),
                Release::Approve => self.gave(&step.node, PortId::new("approved"), &Arc::new(Value::Bool(true))),
                Release::Decline => self.gave(&step.node, PortId::new("declined"), &Arc::new(Value::Bool(false))),
                Release::Fail => self.took(&step.node, PortId::error()),
            },
            _ => {}
        }
    }

    fn gave(&mut self, node: &NodeId, port: PortId, output: &Arc<Value>) {
        self.outputs.insert(node.clone(), Arc::clone(output));
        self.took(node, port);
    }

    fn took(&mut self, node: &NodeId, port: PortId) {
        self.ways.insert((node.clone(), port));
    }
}

impl Shown for Passed {
    fn output(&self, node: &NodeId) -> Option<Arc<Value>> {
        self.outputs.get(node).cloned()
    }

    fn took(&self, node: &NodeId, port: &PortId) -> bool {
        self.ways.contains(&(node.clone(), port.clone()))
    }
}
