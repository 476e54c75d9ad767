//! Connections for the window: what a person asks for is done on a thread or as a task, and told when it is done.
//!
//! Invariant: an answer comes for everything that is asked for, but for what goes into a sign-in under way and for what is given
//! up.
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value};
use tokio::runtime::Handle as Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::budgets::Watch;
use crate::accounts::{self, Asking, Bindings, Desk, Given, Lack, Progress};
use crate::catalog::Catalog;
use crate::catalog::disk::Shelf;
use crate::cli::connect::{Refused, kept_in};
use crate::cli::embedded;
use crate::engine::log::Journal;
use crate::engine::log::{last_looks, waiting_for_sign_in};
use crate::engine::{self, Connection, ConnectionId, Mode, Vault};
use crate::flow::{Flow, FlowId, SlotId, disk};
use crate::record::{Failure, FailureKind};
use crate::run::{RunId, StepKey};
use crate::sandbox::Access;
use crate::ui::{AccountJob, AccountNews, DoAccount, Flows, Listed, Needs, SignInStep, WhyTold};

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
    sandbox: Sandboxed,
    under_way: Arc<Mutex<HashMap<ConnectionId, UnderWay>>>,
    /// What is looked for, by its ticket.
    looks: Arc<Mutex<HashMap<u64, CancellationToken>>>,
}

/// The connections to the sandbox, once it is up, and where its runs are logged.
#[derive(Debug, Clone)]
pub(crate) struct Sandboxed {
    data: PathBuf,
    desk: Arc<OnceLock<Desk>>,
}

impl Sandboxed {
    /// Not up yet.
    pub(crate) fn new(data: &Path) -> Self {
        Self { data: data.to_owned(), desk: Arc::default() }
    }

    /// It is up.
    pub(crate) fn is_up(&self, access: &Access, catalog: &Catalog) {
        // Only one is started.
        self.desk.set(Desk::over(&self.data, embedded::connections(access, catalog), catalog.clone())).ok();
    }
}

/// A sign-in that waits for a person.
struct UnderWay {
    pasted: mpsc::Sender<String>,
    cancel: CancellationToken,
}

/// A door to the connections of a data directory, on this runtime.
pub(crate) fn door(
    data: &Path,
    vault: Vault,
    runtime: Runtime,
    sandbox: Sandboxed,
    tell: impl Fn(AccountNews) + Send + Sync + 'static,
) -> DoAccount {
    let (under_way, looks) = (Arc::default(), Arc::default());
    let accounts = Accounts { data: data.to_owned(), vault, tell: Arc::new(tell), runtime, sandbox, under_way, looks };
    accounts.runtime.spawn(Watch::of(data).run(accounts.clone()));
    Box::new(move |job| accounts.begin(job))
}

impl Accounts {
    fn begin(&self, job: AccountJob) {
        match job {
            AccountJob::List(known) => self.aside(AccountNews::Listed, move |it| it.list(&known)),
            AccountJob::Bind { flow, environment, slot, connections } => {
                let (of, place, to, wanted) = (flow.clone(), environment.clone(), slot.clone(), connections.clone());
                let tell = move |before| AccountNews::Bound { flow, environment, slot, connections, before };
                self.aside(tell, move |it| it.bind(&of, &place, &to, wanted));
            }
            AccountJob::Make { ticket, lacks } => self.make(ticket, lacks),
            AccountJob::Check { ticket, flow, environment, known } => self.check(ticket, flow, environment, known),
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
            AccountJob::Locations(id) => {
                let accounts = self.clone();
                self.runtime.spawn(async move {
                    let result = match accounts.desk_soon().await {
                        Ok(desk) => desk.locations(&id).await,
                        Err(failure) => Err(failure),
                    };
                    (accounts.tell)(AccountNews::Locations(id, result));
                });
            }
            AccountJob::AddLocations(id, all) => {
                let told = id.clone();
                let tell = move |result| AccountNews::LocationsAdded(told, result);
                self.aside(tell, move |it| {
                    let desk = it.desk();
                    all.iter().try_for_each(|location| desk.add_location(&id, location).map(drop))?;
                    it.reread();
                    Ok(all.len())
                });
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
            AccountJob::Asks { id, known } => {
                let told = id.clone();
                self.aside(
                    move |result| AccountNews::Asks(told, result),
                    move |it| {
                        let flows = flows(&known);
                        it.desk().asking(&id, &flows.iter().map(AsRef::as_ref).collect::<Vec<_>>(), None)
                    },
                );
            }
            AccountJob::SignIn(id, asked) => self.sign_in(id, asked),
            AccountJob::Why { ticket, mode, run, step, connection } => self.why(ticket, mode, run, &step, connection),
            AccountJob::StopCheck(ticket) | AccountJob::StopWhy(ticket) => self.give_up(ticket),
            AccountJob::Release { run, step, release } => self.aside(AccountNews::Released, move |it| {
                let released = engine::release(&it.data, &it.catalog(), run, Some(&step.to_string()), release);
                released.map(|(_, effective)| effective)
            }),
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

    fn looks(&self) -> MutexGuard<'_, HashMap<u64, CancellationToken>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_up(&self, ticket: u64) {
        if let Some(it) = self.looks().remove(&ticket) {
            it.cancel();
        }
    }

    /// Looks for something until it is found or given up, and tells it.
    fn look<T>(
        &self,
        ticket: u64,
        work: impl Future<Output = T> + Send + 'static,
        told: impl FnOnce(T) -> AccountNews + Send + 'static,
    ) {
        let (accounts, cancel) = (self.clone(), CancellationToken::new());
        self.looks().insert(ticket, cancel.clone());
        self.runtime.spawn(async move {
            let Some(found) = cancel.run_until_cancelled(work).await else { return };
            accounts.looks().remove(&ticket);
            (accounts.tell)(told(found));
        });
    }

    fn why(&self, ticket: u64, mode: Mode, run: RunId, step: &StepKey, connection: Option<ConnectionId>) {
        let (accounts, step) = (self.clone(), step.to_string());
        let work = async move { accounts.looked(mode, run, step, connection).await };
        self.look(ticket, work, move |result| AccountNews::Why { ticket, result });
    }

    fn check(&self, ticket: u64, flow: FlowId, environment: String, known: Flows) {
        let accounts = self.clone();
        let work = async move {
            let (tell, sandbox) = (Arc::clone(&accounts.tell), accounts.sandbox.desk.get().cloned());
            let read = tokio::task::spawn_blocking(move || {
                let desk = accounts.desk();
                let found = flows(&known).into_iter().find(|it| it.id == flow);
                let gone = || Failure::new(FailureKind::NotFound, "The flow is not there any more").hint("Open its file again.");
                let found = found.ok_or_else(gone)?;
                let stands = desk.stands(&found, &environment)?;
                Ok::<_, Failure>((desk, found, stands, accounts.catalog()))
            });
            let (desk, flow, stands, catalog) = read.await.map_err(|error| broken(&error))??;
            let slots = stands.into_iter().map(|(slot, it)| (slot, it.connections().to_vec())).collect();
            let checkup = desk.checkup(&flow, &slots, move |done, of| tell(AccountNews::Checking { ticket, done, of })).await?;
            let mut patterns = Vec::new();
            if let Some(sandbox) = sandbox.filter(|_| !checkup.lacks(&[], &catalog).is_empty()) {
                // What the sandbox cannot tell is no fault of the account.
                patterns.extend(sandbox.patterns(&flow).await.ok());
            }
            let lacks = checkup.lacks(&patterns.iter().collect::<Vec<_>>(), &catalog);
            Ok((checkup.had, lacks))
        };
        self.look(ticket, work, move |result| AccountNews::Checked { ticket, result });
    }

    /// One after the other, so that each is told as soon as it is there.
    fn make(&self, ticket: u64, lacks: Vec<(usize, Lack)>) {
        let accounts = self.clone();
        self.runtime.spawn(async move {
            let desk = accounts.desk_soon().await;
            for (at, lack) in lacks {
                let result = match &desk {
                    Ok(desk) => desk.make(&lack).await,
                    Err(failure) => Err(failure.clone()),
                };
                (accounts.tell)(AccountNews::Made { ticket, at, result });
            }
        });
    }

    /// What the slot was bound to before.
    fn bind(
        &self,
        flow: &FlowId,
        environment: &str,
        slot: &SlotId,
        connections: Vec<ConnectionId>,
    ) -> Result<Vec<ConnectionId>, Failure> {
        Bindings::change(&self.data, |kept| {
            let before = kept.of(flow, environment, slot).to_vec();
            kept.set(flow, environment, slot, connections);
            before
        })
    }

    async fn looked(&self, mode: Mode, run: RunId, step: String, connection: Option<ConnectionId>) -> Result<WhyTold, Failure> {
        let (desk, data) = match mode {
            Mode::Live => (self.desk_soon().await?, self.data.clone()),
            Mode::Sandbox => {
                let not_up = || Failure::new(FailureKind::Machine, "The sandbox is not up").hint("Try again once it is.");
                (self.sandbox.desk.get().cloned().ok_or_else(not_up)?, self.sandbox.data.clone())
            }
        };
        let accounts = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let refused = Refused::find(&Journal::open_reader(&data)?, run, Some(&step))?;
            Ok::<_, Failure>((refused, accounts.catalog()))
        });
        let (refused, catalog) = read.await.map_err(|error| broken(&error))??;
        let called = refused.called(&catalog)?;
        let known = match connection {
            Some(id) => vec![desk.book()?.account(&id)?.connection.clone()],
            None => refused.callers(&desk, &called)?,
        };
        let [connection] = known.as_slice() else { return Ok(WhyTold::Which(known)) };
        let why = desk.why(&connection.id, called.connector, called.operation, &refused.call.exchange).await?;
        let service = called.connector.title.clone();
        Ok(WhyTold::Looked { connection: Box::new(connection.clone()), service, why: Box::new(why) })
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

    fn list(&self, known: &Flows) -> Result<Listed, Failure> {
        let (desk, catalog) = (self.desk(), self.catalog());
        let (mut entries, bindings) = (desk.entries()?, Bindings::read(&self.data)?);
        // A log that cannot be read says so where it is shown.
        for data in accounts::logs(&self.data) {
            let waiting = waiting_for_sign_in(&data).unwrap_or_default();
            for it in &mut entries {
                it.waiting += waiting.get(&it.connection.id).copied().unwrap_or_default();
            }
        }
        let looks = accounts::logs(&self.data).iter().flat_map(|it| last_looks(it).unwrap_or_default()).collect();
        let flows = flows(known).iter().map(|it| Needs::of(it, &catalog)).collect();
        Ok(Listed { entries, flows, bindings, looks, kept_in: kept_in(self.vault.place()) })
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
        for data in accounts::logs(&self.data) {
            if let Some(Err(failure)) = engine::reread(&data) {
                tracing::warn!(%failure, "the engine at work has not read the connections");
            }
        }
    }

    /// Steps that waited for these connections go on; how many.
    fn release(&self, ids: &[ConnectionId]) -> usize {
        let catalog = self.catalog();
        let logs = accounts::logs(&self.data).into_iter().filter(|it| engine::has_log(it));
        let pairs: Vec<_> = logs.flat_map(|data| ids.iter().map(move |id| (data.clone(), id))).collect();
        let resume = |(data, id): &(PathBuf, &ConnectionId)| match engine::resume(data, &catalog, id) {
            Ok((resumed, _)) => resumed.released.len(),
            Err(failure) => {
                // What was stored is stored all the same.
                tracing::warn!(%failure, "steps that wait for a connection were not told");
                0
            }
        };
        pairs.iter().map(resume).sum()
    }

    fn sign_in(&self, id: ConnectionId, asked: Option<Box<Asking>>) {
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
                Ok(desk) => desk.sign_in(&id, asked.as_deref(), receiver, progress, cancel.clone()).await,
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

/// The flows themselves, each once.
fn flows(known: &Flows) -> Vec<Arc<Flow>> {
    let mut all = known.open.clone();
    for path in &known.files {
        // A file that is gone or damaged says so where it is opened.
        let Ok(flow) = disk::read(path) else { continue };
        if !all.iter().any(|it| it.id == flow.id) {
            all.push(Arc::new(flow));
        }
    }
    all
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
