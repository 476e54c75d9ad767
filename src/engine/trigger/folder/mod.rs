//! Files that appear in folders, and rows that are added to tables: looked at every few seconds, by their metadata first.
//!
//! Invariant: what is known of a folder or table belongs to the flow and the trigger, never to a version of the flow; it is
//! written down after the runs that it started, so that a crash in between finds the same again, and the journal takes each
//! only once.
//! Invariant: a trigger whose flow is switched off, or that watches something else, is forgotten and begins anew.
//! Invariant: a file that is still being written and a row without its line end wait; nothing is given twice or cut.
mod files;
mod rows;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;

use self::files::Folder;
use self::rows::Rows;
use super::fire::{Fate, Fired, fire};
use crate::engine::recover::blocking;
use crate::engine::shared::{Deployed, Shared};
use crate::flow::{Each, FlowId, NodeId, Trigger, Watched};
use crate::record::{Failure, FailureKind};
use crate::run::{Cause, Via};

/// From one look to the next while something happens.
const SOON: Duration = Duration::from_secs(1);
/// The longest from one look to the next, while nothing does.
const QUIET: Duration = Duration::from_secs(10);
/// The same for what cannot be read.
const AWAY: Duration = Duration::from_mins(1);

type Key = (FlowId, NodeId);
type Wanted = Option<(Arc<Deployed>, Watched)>;

/// Watches what the flows that are on wait for, until the engine stops: one task a trigger.
pub(super) async fn stand(shared: Arc<Shared>) {
    let mut changes = shared.changes();
    let stopped = shared.stopped();
    let mut eyes: BTreeMap<Key, watch::Sender<Wanted>> = BTreeMap::new();
    loop {
        changes.mark_unchanged();
        let mut wanted: BTreeMap<Key, (Arc<Deployed>, Watched)> = BTreeMap::new();
        for deployed in shared.listening() {
            for (node, trigger) in &deployed.triggers {
                if let Trigger::File { watched, .. } = trigger {
                    wanted.insert((deployed.program.flow.clone(), node.clone()), (Arc::clone(&deployed), watched.clone()));
                }
            }
        }
        for (key, eye) in &eyes {
            let now = wanted.remove(key);
            eye.send_if_modified(|old| {
                let is_same = match (&*old, &now) {
                    (Some((before, a)), Some((after, b))) => Arc::ptr_eq(before, after) && a == b,
                    (None, None) => true,
                    _ => false,
                };
                *old = now;
                !is_same
            });
        }
        for (key, what) in wanted {
            let (sender, receiver) = watch::channel(Some(what));
            let (shared_by, until, own) = (Arc::clone(&shared), stopped.clone(), key.clone());
            shared.tasks.spawn(async move {
                tokio::select! {
                    () = until.cancelled() => {}
                    () = keep(shared_by, own, receiver) => {}
                }
            });
            eyes.insert(key, sender);
        }
        tokio::select! {
            () = stopped.cancelled() => return,
            it = changes.changed() => if it.is_err() { return },
        }
    }
}

/// Looks now and then, for as long as the flow is on.
async fn keep(shared: Arc<Shared>, key: Key, mut wanted: watch::Receiver<Wanted>) {
    let mut nudges = shared.nudges();
    loop {
        let Some((deployed, watched)) = wanted.borrow_and_update().clone() else {
            let eye = Eye { shared: Arc::clone(&shared), key: key.clone() };
            eye.forget().await;
            if wanted.changed().await.is_err() {
                return;
            }
            continue;
        };
        let eye = Eye { shared: Arc::clone(&shared), key: key.clone() };
        let mut what = match watched.each {
            Each::File => What::Files(Folder::load(&eye, &watched).await),
            Each::Row => What::Rows(Box::new(Rows::load(&eye, &watched).await)),
        };
        let (mut quiet, mut failed) = (0_u32, 0_u32);
        loop {
            nudges.mark_unchanged();
            let is_wanted = || !wanted.has_changed().unwrap_or(true);
            let looked = match &mut what {
                What::Files(it) => it.look(&eye, &deployed, &watched, &is_wanted).await,
                What::Rows(it) => it.look(&eye, &deployed, &watched, &is_wanted).await,
            };
            let wait = match looked {
                Ok(found) => {
                    (quiet, failed) = (if found { 0 } else { quiet.saturating_add(1) }, 0);
                    (SOON * (1 + quiet / 10)).min(QUIET)
                }
                Err(failure) => {
                    failed = failed.saturating_add(1);
                    // What is away for a moment, because it is written anew, is not told of.
                    if failed == 3 {
                        shared.trouble(failure.clone());
                    }
                    tracing::debug!(flow = %eye.key.0, trigger = %eye.key.1, %failure, "a look at files failed");
                    (SOON * failed).min(AWAY)
                }
            };
            tokio::select! {
                it = wanted.changed() => {
                    if it.is_err() {
                        return;
                    }
                    break;
                }
                it = nudges.changed() => if it.is_err() { return },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

enum What {
    Files(Folder),
    Rows(Box<Rows>),
}

/// Where what is known of a trigger is kept, and how it starts runs.
struct Eye {
    shared: Arc<Shared>,
    key: Key,
}

impl Eye {
    fn scope(&self) -> String {
        format!("file:{}/{}", self.key.0, self.key.1)
    }

    /// What was written down when the engine last ran.
    async fn known(&self) -> Vec<(String, Value)> {
        let (journal, scope) = (self.shared.journal.clone(), self.scope());
        match blocking(move || journal.reader().states(&scope)).await {
            Ok(known) => known,
            Err(failure) => {
                self.shared.trouble(failure);
                Vec::new()
            }
        }
    }

    /// The head that was written down, and what lies beside it. Where it is of something else, or there is none, all is forgotten.
    async fn recall<H: DeserializeOwned>(&self, is_of: impl FnOnce(&H) -> bool) -> Option<(H, HashMap<String, Value>)> {
        let mut known: HashMap<String, Value> = self.known().await.into_iter().collect();
        let head = known.remove("").and_then(|it| serde_json::from_value::<H>(it).ok()).filter(is_of);
        if head.is_none() {
            self.forget().await;
        }
        head.map(|it| (it, known))
    }

    /// Writes the head down: what counts of all that lies beside it.
    async fn put_head(&self, head: &impl Serialize) -> Result<(), Failure> {
        self.put("", &serde_json::to_value(head).unwrap_or_default()).await
    }

    async fn put(&self, key: &str, value: &Value) -> Result<(), Failure> {
        self.shared.journal.put_state(&self.scope(), key, value).await.map_err(Failure::from)
    }

    /// Puts many at once.
    async fn put_all(&self, all: impl IntoIterator<Item = (String, Value)>) -> Result<(), Failure> {
        let scope = self.scope();
        let commits: Vec<_> = all.into_iter().map(|(key, value)| self.shared.journal.put_state(&scope, &key, &value)).collect();
        for commit in commits {
            commit.await.map_err(Failure::from)?;
        }
        Ok(())
    }

    async fn forget(&self) {
        let known = self.known().await;
        if let Err(failure) = self.put_all(known.into_iter().map(|(key, _)| (key, Value::Null))).await {
            tracing::warn!(flow = %self.key.0, %failure, "what was known of files could not be forgotten");
        }
    }

    /// Starts a run; what cannot be taken for now waits here.
    async fn start(&self, deployed: &Deployed, delivery: &str, record: &str, payload: &Value) -> Result<(), Failure> {
        let mut wait = Duration::from_millis(200);
        loop {
            let fired = Fired {
                trigger: self.key.1.clone(),
                payload: payload.clone(),
                delivery: delivery.to_owned(),
                cause: Cause { record: record.to_owned(), ..Cause::by(Via::File) },
                about: None,
            };
            match fire(&self.shared, deployed, fired).await {
                Ok(Fate::Run(_) | Fate::Duplicate | Fate::Echo) => return Ok(()),
                Err(failure) if failure.kind != FailureKind::Machine || self.shared.is_stopping() => return Err(failure),
                Err(failure) => {
                    tracing::debug!(%failure, "a file waits");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(10));
                }
            }
        }
    }
}

/// Looks at a disk, away from the tasks that wait.
async fn at_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Why a path cannot be looked at, for a person.
fn unreadable(path: &str, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "it is not there",
        io::ErrorKind::PermissionDenied => "it may not be read",
        io::ErrorKind::NotADirectory => "it is no folder",
        _ => "the system could not read it",
    };
    let failure = Failure::new(FailureKind::Machine, format!("{path} cannot be watched: {why}")).detail(error.to_string());
    failure.at(path.to_owned()).hint("It is looked for on: nothing is lost, it goes on from where it was once that works.")
}

/// What a run would get of what is there now: the newest file, or the first row. None where nothing can be read. Blocks.
pub fn sample_of(watched: &Watched) -> Option<Value> {
    match watched.each {
        Each::File => files::sample(watched),
        Each::Row => rows::sample(watched),
    }
}
