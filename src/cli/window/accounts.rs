//! Connections for the window: what a person asks for is done on a thread or as a task, and told when it is done.
//!
//! Invariant: an answer comes for everything that is asked for, but for what goes into a sign-in under way.
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use tokio::runtime::Handle as Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::budgets::Watch;
use crate::accounts::{Desk, Given, Progress};
use crate::catalog::Catalog;
use crate::catalog::disk::Shelf;
use crate::cli::connect::kept_in;
use crate::engine::{self, Connection, ConnectionId, Vault};
use crate::flow::{Flow, disk};
use crate::record::{Failure, FailureKind};
use crate::ui::{AccountJob, AccountNews, DoAccount, Listed, Needs, SignInStep};

/// Answers that a person pasted and that wait to be looked at.
const PASTED: usize = 4;

/// Whoever hears what came of it.
type Tell = Arc<dyn Fn(AccountNews) + Send + Sync>;

/// What does it.
#[derive(Clone)]
pub(super) struct Accounts {
    data: PathBuf,
    vault: Vault,
    tell: Tell,
    runtime: Runtime,
    under_way: Arc<Mutex<HashMap<ConnectionId, UnderWay>>>,
}

/// A sign-in that waits for a person.
struct UnderWay {
    pasted: mpsc::Sender<String>,
    cancel: CancellationToken,
}

/// A door to the connections of a data directory, on this runtime.
pub(crate) fn door(data: &Path, vault: Vault, runtime: Runtime, tell: impl Fn(AccountNews) + Send + Sync + 'static) -> DoAccount {
    let accounts = Accounts { data: data.to_owned(), vault, tell: Arc::new(tell), runtime, under_way: Arc::default() };
    accounts.runtime.spawn(Watch::of(data).run(accounts.clone()));
    Box::new(move |job| accounts.begin(job))
}

impl Accounts {
    fn begin(&self, job: AccountJob) {
        match job {
            AccountJob::List { open, files } => self.aside(AccountNews::Listed, move |it| it.list(&open, &files)),
            AccountJob::Add { fields, given } => self.aside(AccountNews::Added, move |it| it.add(fields, given)),
            AccountJob::Rename(id, name) => {
                let told = id.clone();
                let tell = move |result| AccountNews::Renamed(told, result);
                self.aside(tell, move |it| it.desk().rename(&id, &name).map(|_| it.reread()));
            }
            AccountJob::Rotate(id, given) => {
                let told = id.clone();
                self.aside(move |result| AccountNews::Rotated(told, result), move |it| it.rotate(&id, given));
            }
            AccountJob::Remove(id) => {
                let told = id.clone();
                let tell = move |result| AccountNews::Removed(told, result);
                self.aside(tell, move |it| it.desk().remove(&id).inspect(|_| it.reread()));
            }
            AccountJob::Test(id) => {
                let accounts = self.clone();
                self.runtime.spawn(async move {
                    let result = match accounts.desk_soon().await {
                        Ok(desk) => desk.probe(&id).await,
                        Err(failure) => Err(failure),
                    };
                    (accounts.tell)(AccountNews::Tested(id, result));
                });
            }
            AccountJob::SignIn(id) => self.sign_in(id),
            AccountJob::Paste(id, text) => {
                if let Some(it) = self.under_way().get(&id) {
                    // Where so many wait already, one more says nothing new.
                    it.pasted.try_send(text.to_string()).ok();
                }
            }
            AccountJob::CancelSignIn(id) => {
                if let Some(it) = self.under_way().remove(&id) {
                    it.cancel.cancel();
                }
            }
        }
    }

    pub(super) fn tell(&self, news: AccountNews) {
        (self.tell)(news);
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<ConnectionId, UnderWay>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something that may block, and tells what came of it.
    fn aside<T: Send + 'static>(
        &self,
        told: impl FnOnce(Result<T, Failure>) -> AccountNews + Send + 'static,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) {
        let accounts = self.clone();
        self.runtime.spawn(async move {
            let (tell, worker) = (Arc::clone(&accounts.tell), accounts);
            let result = tokio::task::spawn_blocking(move || work(&worker)).await;
            tell(told(result.unwrap_or_else(|error| Err(broken(&error)))));
        });
    }

    /// With the services that are imported now.
    pub(super) fn desk(&self) -> Desk {
        let catalog = Catalog::shipped().with(Shelf::of(&self.data).read().connectors);
        Desk::of(&self.data, None, catalog, self.vault.clone())
    }

    async fn desk_soon(&self) -> Result<Desk, Failure> {
        let accounts = self.clone();
        tokio::task::spawn_blocking(move || accounts.desk()).await.map_err(|error| broken(&error))
    }

    fn catalog(&self) -> Catalog {
        Catalog::shipped().with(Shelf::of(&self.data).read().connectors)
    }

    fn list(&self, open: &[Arc<Flow>], files: &[PathBuf]) -> Result<Listed, Failure> {
        let (desk, catalog) = (self.desk(), self.catalog());
        let entries = desk.entries()?;
        let mut flows: Vec<Needs> = open.iter().map(|it| Needs::of(it, &catalog)).collect();
        for path in files {
            // A file that is gone or damaged says so where it is opened.
            let Ok(flow) = disk::read(path) else { continue };
            if !flows.iter().any(|it| it.flow == flow.id) {
                flows.push(Needs::of(&flow, &catalog));
            }
        }
        Ok(Listed { entries, flows, kept_in: kept_in(self.vault.place()) })
    }

    fn add(&self, fields: Map<String, Value>, given: Option<Given>) -> Result<Connection, Failure> {
        let desk = self.desk();
        let account = desk.draft(fields)?;
        let connection = desk.add(account, given)?;
        self.reread();
        Ok(connection)
    }

    fn rotate(&self, id: &ConnectionId, given: Given) -> Result<usize, Failure> {
        self.desk().rotate(id, given)?;
        self.reread();
        Ok(self.release(std::slice::from_ref(id)))
    }

    /// Tells the Flowyard that runs flows on these connections, if there is one.
    fn reread(&self) {
        if let Some(Err(failure)) = engine::reread(&self.data) {
            tracing::warn!(%failure, "the engine at work has not read the connections");
        }
    }

    /// Steps that waited for these connections go on; how many.
    fn release(&self, ids: &[ConnectionId]) -> usize {
        if !engine::has_log(&self.data) {
            return 0;
        }
        let catalog = self.catalog();
        let resume = |id: &ConnectionId| match engine::resume(&self.data, &catalog, id) {
            Ok((resumed, _)) => resumed.released.len(),
            Err(failure) => {
                // What was stored is stored all the same.
                tracing::warn!(%failure, "steps that wait for a connection were not told");
                0
            }
        };
        ids.iter().map(resume).sum()
    }

    fn sign_in(&self, id: ConnectionId) {
        let (pasted, receiver) = mpsc::channel(PASTED);
        let cancel = CancellationToken::new();
        let before = self.under_way().insert(id.clone(), UnderWay { pasted, cancel: cancel.clone() });
        if let Some(before) = before {
            before.cancel.cancel();
        }
        let accounts = self.clone();
        self.runtime.spawn(async move {
            let (tell, told) = (Arc::clone(&accounts.tell), id.clone());
            let progress = move |progress| {
                if let Some(step) = step(progress) {
                    tell(AccountNews::SigningIn(told.clone(), step));
                }
            };
            let signed = match accounts.desk_soon().await {
                Ok(desk) => desk.sign_in(&id, receiver, progress, cancel.clone()).await,
                Err(failure) => Err(failure),
            };
            if !cancel.is_cancelled() {
                accounts.under_way().remove(&id);
            }
            let result = match signed {
                Ok(signed) => {
                    let worker = accounts.clone();
                    let released = tokio::task::spawn_blocking(move || {
                        worker.reread();
                        worker.release(&signed.works_again)
                    });
                    Ok(released.await.unwrap_or(0))
                }
                Err(failure) => Err(failure),
            };
            (accounts.tell)(AccountNews::SignedIn(id, result));
        });
    }
}

/// What a person sees of it.
fn step(progress: Progress) -> Option<SignInStep> {
    match progress {
        Progress::Open { url, back, paste } => Some(SignInStep::Open { url, back, paste }),
        Progress::NotTaken => Some(SignInStep::NotTaken),
        Progress::Answered => Some(SignInStep::Answered),
        // That it has ended is told next.
        Progress::Stored => None,
    }
}

fn broken(error: &tokio::task::JoinError) -> Failure {
    let failure = Failure::new(FailureKind::Machine, "This could not be brought to its end");
    failure.detail(error.to_string()).hint("Try again; if it comes back, start Flowyard again.")
}
