//! The one way by which a trigger starts a run.
use std::sync::Arc;

use serde_json::Value;

use crate::engine::drive::{Accepted, Driver, Start};
use crate::engine::shared::{Deployed, Shared};
use crate::flow::NodeId;
use crate::record::Failure;
use crate::run::Cause;

/// An event, and the trigger that it is for.
#[derive(Debug)]
pub(in crate::engine) struct Fired {
    /// The trigger.
    pub(in crate::engine) trigger: NodeId,
    /// Its output.
    pub(in crate::engine) payload: Value,
    /// What tells this event from all others of the flow: a second one of the same is no second run.
    pub(in crate::engine) delivery: String,
    /// What it goes back to.
    pub(in crate::engine) cause: Cause,
}

/// Starts a run; done once its event is on the disk.
///
/// # Errors
/// If it cannot be taken for now.
pub(in crate::engine) async fn fire(shared: &Arc<Shared>, deployed: &Deployed, fired: Fired) -> Result<Accepted, Failure> {
    let Fired { trigger, payload, delivery, cause } = fired;
    let start = Start {
        trigger,
        payload,
        given: Vec::new(),
        delivery: Some(delivery),
        parent: None,
        depth: 0,
        cause,
        watch: None,
        respond: None,
    };
    Driver::accept(shared, deployed, start).await
}
