//! A whole run, as it is shown.
use std::sync::Arc;

use crate::engine::log::{JournalError, Reader, RunHead, StepExchange};
use crate::flow::Flow;
use crate::run::{Entry, RunId};
use crate::ui::live::Play;

/// A run from the disk.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) head: RunHead,
    pub(crate) entries: Arc<[Entry]>,
    /// Requests and answers without their bodies, in their order.
    pub(crate) calls: Vec<StepExchange>,
    /// The flow as it was; none where its version is not kept any more.
    pub(crate) flow: Option<Arc<Flow>>,
    /// The same facts, folded.
    pub(crate) play: Play,
}

/// Reads a run; none where it is gone.
pub(super) fn load(reader: &Reader, run: RunId) -> Result<Option<Loaded>, JournalError> {
    let Some(head) = reader.run(run)? else { return Ok(None) };
    let entries = reader.entries(run)?;
    let calls = reader.exchange_heads(run)?;
    let text = reader.revision(&head.revision)?;
    let flow = text.and_then(|it| Flow::parse(it.as_bytes()).ok()).map(Arc::new);
    let play = Play::stored(&head, &entries, calls.iter().map(|it| &it.step));
    Ok(Some(Loaded { head, entries: entries.into(), calls, flow, play }))
}
