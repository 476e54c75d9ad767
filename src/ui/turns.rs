//! How many runs of an engine wait for their turn: asked when the engine has told something, and not with every frame.
use std::collections::BTreeMap;

use crate::engine::{Handle, Pending};
use crate::flow::FlowId;

/// What is known of those that wait, and the question that is under way.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    asked: Option<Pending<BTreeMap<FlowId, u64>>>,
    /// Something was told since it was asked.
    stale: bool,
}

impl Turns {
    /// The engine has told something.
    pub(crate) fn heard(&mut self) {
        self.stale = true;
    }

    /// Asks if need be; the numbers by flow if they have come.
    pub(crate) fn keep_up(&mut self, engine: &Handle) -> Option<BTreeMap<FlowId, u64>> {
        let come = self.asked.as_mut().and_then(|it| it.poll().cloned());
        if come.is_some() {
            self.asked = None;
        }
        if self.asked.is_none() && std::mem::take(&mut self.stale) {
            self.asked = Some(engine.waiting());
        }
        come
    }

    /// Whether an answer is to come.
    pub(crate) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }
}
