//! Which flows are on, and what of them is live: `published.json` and a copy of each flow beside it.
//!
//! A flow's file is a draft: it is edited, saved and tested without disturbing what is live. Publishing takes a copy of it, which
//! is what runs until the flow is published anew.
//!
//! Invariant: what is live is a whole flow that was sound when it was published; it is replaced in one step, or not at all.
//! Invariant: neither file holds a secret, nor anything of an account but the names of connections.
mod change;
mod evidence;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::change::{Change, changes};
pub use self::evidence::{Evidence, Scope};
use crate::connector::disk::{self, Lock};
use crate::flow::{Flow, FlowId};
use crate::record::{Failure, FailureKind};

const NAME: &str = "published.json";
const COPIES: &str = "published";
const LONGEST: u64 = 16 << 20;

/// A flow that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it was called then.
    pub name: String,
    /// Whether its triggers start runs.
    pub on: bool,
    /// Its connections are those of this environment.
    pub environment: String,
    /// What is live: its content hash, which names the copy.
    pub revision: String,
    /// When it was published.
    pub at: Timestamp,
    /// The file that it was published from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// All flows that were published from a data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Published {
    flows: BTreeMap<FlowId, Entry>,
}

impl Published {
    /// Those of a data directory; without a file there are none.
    ///
    /// # Errors
    /// A [`Failure`] where the file cannot be read or is something else.
    pub fn read(data: &Path) -> Result<Self, Failure> {
        let path = data.join(NAME);
        let failed = |detail: String| {
            let failure =
                Failure::new(FailureKind::Flow, "The list of published flows cannot be used").at(path.display().to_string());
            failure.detail(detail).hint("Correct the file at that place, or move it away and publish the flows anew.")
        };
        let bytes = disk::read(&path, LONGEST).map_err(|error| failed(error.to_string()))?;
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))
    }

    /// By flow.
    pub fn iter(&self) -> impl Iterator<Item = (&FlowId, &Entry)> {
        self.flows.iter()
    }

    /// What was published of a flow.
    pub fn get(&self, flow: &FlowId) -> Option<&Entry> {
        self.flows.get(flow)
    }

    /// What is live of a flow; none if it was never published.
    ///
    /// # Errors
    /// A [`Failure`] where its copy is gone or damaged.
    pub fn live(&self, data: &Path, flow: &FlowId) -> Result<Option<Arc<Flow>>, Failure> {
        let Some(entry) = self.flows.get(flow) else { return Ok(None) };
        let path = copy(data, &entry.revision);
        let failed = |detail: String| {
            let failure = Failure::new(FailureKind::Flow, format!("What is live of \"{}\" cannot be read", entry.name));
            failure.at(path.display().to_string()).detail(detail).hint("Publish the flow anew.")
        };
        let bytes = disk::read(&path, LONGEST).map_err(|error| failed(error.to_string()))?;
        let bytes = bytes.ok_or_else(|| failed("its copy is not there any more".to_owned()))?;
        let flow = Flow::parse(&bytes).map_err(|error| failed(error.to_string()))?;
        if *flow.content_hash() != *entry.revision {
            return Err(failed("its copy is not what was published".to_owned()));
        }
        Ok(Some(Arc::new(flow)))
    }

    /// The flows that are on, each with its environment; and those of which the copy cannot be read.
    pub fn on(&self, data: &Path) -> (Vec<(Arc<Flow>, String)>, Vec<Failure>) {
        let (mut flows, mut failures) = (Vec::new(), Vec::new());
        for (id, entry) in self.flows.iter().filter(|(_, it)| it.on) {
            match self.live(data, id) {
                Ok(Some(flow)) => flows.push((flow, entry.environment.clone())),
                Ok(None) => {}
                Err(failure) => failures.push(failure),
            }
        }
        (flows, failures)
    }
}

/// When the list was last written; none where there is none.
pub fn stamp(data: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(data.join(NAME)).and_then(|it| it.modified()).ok()
}

/// Makes a flow live as it is, and switches it on.
///
/// # Errors
/// A [`Failure`] where that cannot be written down.
pub fn publish(data: &Path, flow: &Flow, environment: &str, file: Option<PathBuf>, at: Timestamp) -> Result<(), Failure> {
    let revision = flow.content_hash();
    let path = copy(data, &revision);
    disk::make(&data.join(COPIES)).map_err(|error| unwritten(&path, &error))?;
    // First the copy, then the list that names it.
    disk::write(&path, flow.to_text().as_bytes()).map_err(|error| unwritten(&path, &error))?;
    let entry = Entry { name: flow.name.clone(), on: true, environment: environment.to_owned(), revision, at, file };
    change(data, |it| drop(it.flows.insert(flow.id.clone(), entry)))?;
    tidy(data);
    Ok(())
}

/// Switches a flow on or off; false if it was never published.
///
/// # Errors
/// A [`Failure`] where that cannot be written down.
pub fn switch(data: &Path, flow: &FlowId, on: bool) -> Result<bool, Failure> {
    change(data, |it| it.flows.get_mut(flow).map(|entry| entry.on = on).is_some())
}

/// A flow is not published any more; false if it was not.
///
/// # Errors
/// A [`Failure`] where that cannot be written down.
pub fn withdraw(data: &Path, flow: &FlowId) -> Result<bool, Failure> {
    let was_there = change(data, |it| it.flows.remove(flow).is_some())?;
    tidy(data);
    Ok(was_there)
}

fn change<T>(data: &Path, change: impl FnOnce(&mut Published) -> T) -> Result<T, Failure> {
    let path = data.join(NAME);
    disk::make(data).map_err(|error| unwritten(&path, &error))?;
    let _lock = Lock::wait(data, COPIES).map_err(|error| unwritten(&path, &error))?;
    let mut published = Published::read(data)?;
    let before = published.clone();
    let result = change(&mut published);
    if published != before {
        let text = serde_json::to_string_pretty(&published).map_err(|error| unwritten(&path, &error.into()))?;
        disk::write(&path, format!("{text}\n").as_bytes()).map_err(|error| unwritten(&path, &error))?;
    }
    Ok(result)
}

fn copy(data: &Path, revision: &str) -> PathBuf {
    data.join(COPIES).join(format!("{revision}.flowyard"))
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::new(FailureKind::Machine, format!("Cannot write {}", path.display()));
    failure.detail(error.to_string()).hint("Look at its permissions and at the free space.")
}

/// Copies that nothing names any more are of no use; one that cannot be removed does no harm.
fn tidy(data: &Path) {
    let Ok(published) = Published::read(data) else { return };
    let Ok(entries) = std::fs::read_dir(data.join(COPIES)) else { return };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let stem = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
        let is_copy = path.extension().is_some_and(|it| it == "flowyard");
        if is_copy && !published.flows.values().any(|it| it.revision == stem) {
            std::fs::remove_file(&path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    #[test]
    fn what_is_published_stays_what_it_was_until_it_is_published_anew() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        let mut flow = Flow::new("f", "First");
        publish(data, &flow, "live", Some("f.flowyard".into()), at()).unwrap();
        flow.description = "A draft".to_owned();
        let live = |id: &str| Published::read(data).unwrap().live(data, &id.into()).unwrap().map(|it| it.description.clone());
        assert_eq!(live("f").as_deref(), Some(""));
        assert_eq!(live("g"), None);
        publish(data, &flow, "live", None, at()).unwrap();
        assert_eq!(live("f").as_deref(), Some("A draft"));
        assert_eq!(std::fs::read_dir(data.join(COPIES)).unwrap().count(), 1, "the copy before is gone");
        let on = || Published::read(data).unwrap().on(data).0.into_iter().map(|(it, _)| it.id.to_string()).collect::<Vec<_>>();
        assert_eq!(on(), ["f"]);
        assert!(switch(data, &"f".into(), false).unwrap() && !switch(data, &"g".into(), true).unwrap());
        assert!(on().is_empty());
        assert!(withdraw(data, &"f".into()).unwrap() && !withdraw(data, &"f".into()).unwrap());
        assert_eq!(std::fs::read_dir(data.join(COPIES)).unwrap().count(), 0);
    }

    #[test]
    fn a_copy_that_is_gone_or_another_is_said_and_keeps_no_other_flow_back() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        publish(data, &Flow::new("a", "A"), "live", None, at()).unwrap();
        publish(data, &Flow::new("b", "B"), "live", None, at()).unwrap();
        let published = Published::read(data).unwrap();
        let path = copy(data, &published.get(&"a".into()).unwrap().revision);
        std::fs::write(&path, Flow::new("a", "Another").to_text()).unwrap();
        let (flows, failures) = published.on(data);
        assert_eq!((flows.len(), failures.len()), (1, 1));
        assert_eq!(failures[0].detail, "its copy is not what was published");
        std::fs::remove_file(path).unwrap();
        assert!(published.on(data).1[0].detail.contains("not there any more"));
        std::fs::write(data.join(NAME), "{").unwrap();
        assert!(Published::read(data).unwrap_err().hint.contains("publish the flows anew"));
    }
}
