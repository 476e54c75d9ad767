//! An engine for a test: nothing connected, nothing listened for, secrets in memory.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use flowyard::catalog::Catalog;
use flowyard::engine::{CallSettings, Clock, Deployment, JournalOptions, Limits, Mode, Settings, Vault};
use flowyard::flow::Flow;

/// What it starts with; a test names what it has otherwise.
pub(crate) fn settings(data: &Path, mode: Mode) -> Settings {
    Settings {
        data: data.to_owned(),
        journal: JournalOptions::default(),
        catalog: Catalog::shipped(),
        connections: Vec::new(),
        vault: Vault::in_memory(),
        mode,
        flows: Vec::new(),
        listen: None,
        clock: Clock::System,
        calls: CallSettings::default(),
        limits: Limits::default(),
        recover: true,
    }
}

/// A flow that is on.
pub(crate) fn listening(flow: &Flow) -> Deployment {
    Deployment::listening(Arc::new(flow.clone()), BTreeMap::new())
}
