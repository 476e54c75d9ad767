//! What a step can see: what earlier steps gave, the item it runs for, the run itself, the failure it handles.
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::ItemPath;
use super::program::Work;
use super::state::{Run, State};
use crate::expr::Scope;

/// The view of one step, as of a time.
pub(super) struct Sight<'a> {
    pub(super) run: &'a Run,
    pub(super) item: &'a ItemPath,
    pub(super) node: usize,
    pub(super) now: Timestamp,
}

impl Sight<'_> {
    /// The item of the for-each at this depth (1 is the outermost).
    fn item(&self, depth: usize) -> Option<(Arc<Value>, u32)> {
        let &owner = self.run.program.owners(self.node).get(depth.checked_sub(1)?)?;
        let &index = self.item.0.get(depth - 1)?;
        let frame = self.run.frame(&self.item.0[..depth - 1], owner)?;
        let State::Open(items) = &frame.steps[self.run.program.nodes[owner].local] else { return None };
        let value = items.list.as_ref()?.get(index as usize)?;
        Some((Arc::new(value.clone()), index))
    }

    fn about_run(&self) -> Value {
        json!({
            "id": self.run.id.0,
            "flow": self.run.program.name,
            "started": self.run.accepted.map(|at| at.to_string()),
        })
    }
}

impl Scope for Sight<'_> {
    fn root(&self, name: &str) -> Option<Arc<Value>> {
        match name {
            "item" => return self.item(self.item.0.len()).map(|(value, _)| value),
            "index" => return self.item(self.item.0.len()).map(|(_, index)| Arc::new(index.into())),
            "run" => return Some(Arc::new(self.about_run())),
            "error" => {
                return (0..=self.item.0.len()).rev().find_map(|depth| {
                    let node = *self.run.program.owners(self.node).get(depth).unwrap_or(&self.node);
                    self.run.frame(&self.item.0[..depth], node)?.error.clone()
                });
            }
            _ => {}
        }
        let &node = self.run.program.index.get(name)?;
        let compiled = &self.run.program.nodes[node];
        if let (Work::ForEach { .. }, Some(depth)) =
            (&compiled.work, self.run.program.owners(self.node).iter().position(|it| *it == node))
        {
            let (value, index) = self.item(depth + 1)?;
            return Some(Arc::new(json!({ "item": *value, "index": index })));
        }
        match self.run.state(self.item, node)? {
            State::Done { output, .. } | State::Failed { output } => Some(Arc::clone(output)),
            _ => None,
        }
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> &TimeZone {
        static UTC: TimeZone = TimeZone::UTC;
        &UTC
    }

    fn roots(&self) -> Vec<String> {
        self.run.program.nodes.iter().map(|it| it.id.to_string()).collect()
    }
}
