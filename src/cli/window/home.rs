//! What runs live, for the window: its own engine on the data directory, as long as no other Flowyard has it.
//!
//! Invariant: an answer comes for everything that is asked for.
//! Invariant: the engine makes way for whoever asks for the data directory, and comes back once nobody has it.
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, oneshot};

use super::Teller;
use crate::accounts::Desk;
use crate::catalog::Catalog;
use crate::catalog::disk::Shelf;
use crate::cli::home::{self, Home, broken};
use crate::cli::plan;
use crate::cli::published::evidence;
use crate::cli::{alerts, at_login};
use crate::engine::alert::Alerts;
use crate::engine::{self, Connection, Event, Handle, Vault};
use crate::flow::{Flow, FlowId};
use crate::published::{self, Published};
use crate::record::{Failure, FailureKind};
use crate::run::RunId;
use crate::ui::{Deed, HomeJob, HomeNews, KnownAlerts, LiveFlow, Place, Told};

/// How often it is looked whether the data directory is free again.
const FREE: Duration = Duration::from_secs(3);
/// How often an engine that could not start is tried again.
const AGAIN: Duration = Duration::from_secs(30);
/// How often it is looked what another process has changed.
const LOOK: Duration = Duration::from_secs(2);

/// Where it is, and whom it tells.
#[derive(Clone)]
pub(crate) struct Homestead {
    pub(crate) data: PathBuf,
    pub(crate) vault: Vault,
    /// Where tests in the sandbox are logged.
    pub(crate) sandboxes: Vec<PathBuf>,
    /// Where webhooks come in.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) teller: Teller,
    /// How flows are run without the window.
    pub(crate) arguments: Vec<String>,
    /// Whether they are, once it is closed.
    pub(crate) stay: Arc<AtomicBool>,
}

impl Homestead {
    /// Runs what is on until `ended`.
    pub(crate) async fn keep(self, mut ended: oneshot::Receiver<()>) {
        let (sender, mut jobs) = mpsc::unbounded_channel();
        self.teller.tell(Told::HomeDoor(Box::new(move |job| drop(sender.send(job)))));
        self.list(Vec::new()).await;
        // Whoever opens a window means it: what was left in the background makes way, and a service does not.
        if let Err(failure) = home::ask_to_make_way(self.data.clone(), false).await {
            tracing::warn!(%failure, "another Flowyard keeps the flows");
        }
        let mut engine: Option<Handle> = None;
        let mut next = tokio::time::Instant::now();
        let mut seen = None;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let running = engine.clone();
            let gone = async {
                match &running {
                    Some(engine) => engine.ended().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = &mut ended => break,
                () = gone => {
                    engine = None;
                    self.at(Place::Elsewhere);
                    next = tokio::time::Instant::now() + FREE;
                }
                () = tokio::time::sleep_until(next), if engine.is_none() => {
                    let rest;
                    (engine, rest) = self.start().await;
                    next = tokio::time::Instant::now() + rest;
                }
                job = jobs.recv() => {
                    let Some(job) = job else { break };
                    let changes = job.changes_what_is_on();
                    self.clone().work(job, engine.clone()).await;
                    if changes && engine.is_none() {
                        next = tokio::time::Instant::now();
                    }
                }
                _ = look.tick() => {
                    // What the command line changed where nobody is at work, or somebody else is.
                    let now = self.stamp();
                    if seen.replace(now).is_some_and(|it| it != now) {
                        self.list(Vec::new()).await;
                        if engine.is_none() {
                            next = tokio::time::Instant::now();
                        }
                    }
                }
            }
        }
        if let Some(engine) = engine {
            engine.stop().wait().await;
        }
    }

    /// When what is published was last written.
    fn stamp(&self) -> Option<std::time::SystemTime> {
        published::stamp(&self.data)
    }

    fn catalog(&self) -> Catalog {
        Catalog::shipped().with(Shelf::of(&self.data).read().connectors)
    }

    fn desk(&self, catalog: &Catalog) -> Desk {
        Desk::of(&self.data, None, catalog.clone(), self.vault.clone())
    }

    fn home(&self) -> Home {
        let catalog = self.catalog();
        Home { desk: self.desk(&catalog), catalog, listen: self.listen }
    }

    fn at(&self, place: Place) {
        self.tell(HomeNews::At(place));
    }

    fn tell(&self, news: HomeNews) {
        self.teller.tell(Told::Home(Box::new(news)));
    }

    /// The engine if it could start, and how long to wait until it is tried again where it could not.
    async fn start(&self) -> (Option<Handle>, Duration) {
        let it = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let home = it.home();
            (home.is_wanted(), home)
        });
        let Ok((is_wanted, home)) = read.await else { return (None, AGAIN) };
        if !is_wanted {
            self.at(Place::Nowhere);
            return (None, AGAIN);
        }
        let desk = home.desk.clone();
        let (changed, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let started = home.start(move |failures| {
            let changed = changed.clone();
            runtime.spawn(async move { changed.list(failures).await });
        });
        match started.await {
            Ok(running) => {
                running.engine.make_way();
                let shown = self.clone();
                alerts::begin(&running.engine, &desk, move |run| shown.tell(HomeNews::Clicked(run.map(RunId))));
                tokio::spawn(self.clone().forward(running.engine.clone()));
                self.list(running.failures).await;
                self.at(Place::Here { address: running.engine.address() });
                (Some(running.engine), AGAIN)
            }
            Err(failure) => {
                let data = self.data.clone();
                if tokio::task::spawn_blocking(move || engine::is_at_work(&data)).await.unwrap_or(false) {
                    self.at(Place::Elsewhere);
                    return (None, FREE);
                }
                self.at(Place::Failed(failure));
                (None, AGAIN)
            }
        }
    }

    /// Tells what happens in it, until it ends.
    async fn forward(self, engine: Handle) {
        let mut events = engine.events();
        drop(engine);
        loop {
            match events.recv().await {
                Ok(Event::Woke(gap)) => {
                    let it = self.clone();
                    tokio::spawn(async move {
                        if let Some(words) = home::report(it.data.clone(), gap).await {
                            it.tell(HomeNews::Woke(words));
                        }
                    });
                }
                Ok(event) => self.tell(HomeNews::Event(event)),
                // What was lost is read from the disk.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Tells what is published.
    async fn list(&self, failures: Vec<Failure>) {
        let it = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            let published = Published::read(&it.data)?;
            let standings = engine::standings(&it.data).unwrap_or_default();
            let flow = |(id, entry): (&FlowId, &published::Entry)| {
                let flow = published.live(&it.data, id).ok().flatten();
                let paused = standings.of(id).is_some_and(|it| it.paused);
                (id.clone(), LiveFlow { entry: entry.clone(), flow, paused })
            };
            Ok::<_, Failure>(published.iter().map(flow).collect())
        });
        match read.await.unwrap_or_else(|error| Err(broken(&error))) {
            Ok(flows) => self.tell(HomeNews::Flows { flows, failures }),
            Err(failure) => self.tell(HomeNews::Flows { flows: std::collections::BTreeMap::new(), failures: vec![failure] }),
        }
    }

    async fn work(self, job: HomeJob, engine: Option<Handle>) {
        let done = |what, result| HomeNews::Done { what, result };
        match job {
            HomeJob::Evidence { ticket, flow } => {
                // Reading a keychain may take a person's word: other jobs go on meanwhile.
                tokio::spawn(async move {
                    let it = self.clone();
                    let result = it.away(move |it| it.evidence(&flow)).await;
                    self.tell(HomeNews::Evidence { ticket, result });
                });
            }
            HomeJob::Plan { ticket, flow } => {
                tokio::spawn(async move {
                    let it = self.clone();
                    let desk = it.away(|it| Ok((it.desk(&it.catalog()), it.catalog()))).await;
                    let result = match desk {
                        Ok((desk, catalog)) => plan::of_draft(&desk, Connection::LIVE, &catalog, &flow, None, None)
                            .await
                            .map(Box::new)
                            .map_err(|error| {
                                error.failure.map_or_else(|| Failure::new(FailureKind::Flow, "It cannot be tried"), |it| *it)
                            }),
                        Err(failure) => Err(failure),
                    };
                    self.tell(HomeNews::Planned { ticket, result });
                });
            }
            HomeJob::Publish { flow, file, on } => {
                let what = Deed::Published { name: flow.name.clone(), on };
                let written = self.clone().away(move |it| {
                    published::publish(&it.data, &flow, Connection::LIVE, file, Timestamp::now())?;
                    if on { Ok(()) } else { published::switch(&it.data, &flow.id, false).map(drop) }
                });
                let result = written.await;
                self.renew(engine.as_ref()).await;
                self.tell(done(what, result));
            }
            HomeJob::Switch { flow, on } => {
                let name = self.clone().name(flow.clone()).await;
                let result = self.clone().away(move |it| published::switch(&it.data, &flow, on).map(drop)).await;
                self.renew(engine.as_ref()).await;
                self.tell(done(Deed::Switched { name, on }, result));
            }
            HomeJob::Withdraw(flow) => {
                let before = self.clone().away({
                    let flow = flow.clone();
                    move |it| {
                        let published = Published::read(&it.data)?;
                        let entry = published.get(&flow).cloned();
                        let gone = || Failure::new(FailureKind::NotFound, "The flow is not live any more");
                        let entry = entry.ok_or_else(gone)?;
                        let live = published.live(&it.data, &flow).ok().flatten();
                        published::withdraw(&it.data, &flow)?;
                        Ok(LiveFlow { entry, flow: live, paused: false })
                    }
                });
                let news = match before.await {
                    Ok(before) => done(Deed::Withdrawn { before: Box::new(before) }, Ok(())),
                    Err(failure) => done(Deed::Looks, Err(failure)),
                };
                self.renew(engine.as_ref()).await;
                self.tell(news);
            }
            HomeJob::Pause { flow, paused } => {
                let name = self.clone().name(flow.clone()).await;
                let result = self.clone().away(move |it| engine::pause(&it.data, &flow, paused).map(drop)).await;
                self.list(Vec::new()).await;
                self.tell(done(Deed::Paused { name, paused }, result));
            }
            HomeJob::Run { flow, trigger, payload } => {
                let elsewhere = || Failure::new(FailureKind::Machine, "The flow is run by another Flowyard, or not at all");
                let started = match &engine {
                    Some(engine) => engine.start(flow, Some(trigger), payload, None).wait().await,
                    None => None,
                };
                self.tell(match started.unwrap_or_else(|| Err(elsewhere().hint("Switch it on, in this window."))) {
                    Ok(run) => done(Deed::Started(run), Ok(())),
                    Err(failure) => done(Deed::Looks, Err(failure)),
                });
            }
            HomeJob::Look => {
                let result = match &engine {
                    Some(engine) => {
                        engine.look();
                        Ok(())
                    }
                    None => Err(Failure::new(FailureKind::Machine, "Services are looked at by the Flowyard that runs the flows")),
                };
                self.tell(done(Deed::Looks, result));
            }
            HomeJob::Stay => self.stay.store(true, Ordering::Relaxed),
            HomeJob::AtLogin(wanted) => {
                let result = self.clone().away(move |it| {
                    if let Some(on) = wanted {
                        at_login::set(on, &it.arguments)?;
                    }
                    Ok(at_login::is_on())
                });
                let result = result.await;
                self.tell(HomeNews::AtLogin(result));
            }
            HomeJob::Alerts(wanted) => self.choose_alerts(wanted).await,
            // A mail server may be slow: other jobs go on meanwhile.
            HomeJob::TestAlert => drop(tokio::spawn(self.test_alert())),
            HomeJob::Waiting => {
                let standings = self.clone().away(|it| engine::standings(&it.data)).await.unwrap_or_default();
                let waiting = standings.flows.into_iter().filter(|(_, it)| it.waiting > 0);
                self.tell(HomeNews::Waiting(waiting.map(|(flow, it)| (flow, it.waiting)).collect()));
            }
        }
    }

    /// Writes down what alerts are wanted, where that is said, and tells what is chosen.
    async fn choose_alerts(&self, wanted: Option<Alerts>) {
        let known = self.clone().away(move |it| {
            if let Some(wanted) = wanted {
                wanted.write(&it.data)?;
            }
            let mails = alerts::mail_connections(&it.desk(&it.catalog()))?.into_iter().map(|it| (it.id, it.name)).collect();
            Ok(KnownAlerts { chosen: Alerts::read(&it.data)?, mails })
        });
        let known = known.await;
        self.tell(HomeNews::Alerts(known));
    }

    async fn test_alert(self) {
        let desk = self.clone().away(|it| Ok((it.desk(&it.catalog()), it.catalog()))).await;
        let result = match desk {
            Ok((desk, catalog)) => alerts::send(&desk, &catalog).await,
            Err(failure) => Err(failure),
        };
        self.tell(HomeNews::AlertTried(result));
    }

    /// The engine at work reads what is on, here or elsewhere; then it is told.
    async fn renew(&self, engine: Option<&Handle>) {
        if let Some(engine) = engine {
            match engine.reread().wait().await {
                Some(Err(failure)) => self.list(vec![failure]).await,
                // Whoever read it has told it.
                Some(Ok(_)) => {}
                None => self.list(Vec::new()).await,
            }
            return;
        }
        let failures = self.clone().away(|it| engine::reread(&it.data).transpose()).await.err();
        self.list(failures.into_iter().collect()).await;
    }

    async fn name(self, flow: FlowId) -> String {
        let id = flow.to_string();
        let read = self.away(move |it| Ok(Published::read(&it.data)?.get(&flow).map(|it| it.name.clone()))).await;
        read.ok().flatten().unwrap_or(id)
    }

    fn evidence(&self, flow: &Arc<Flow>) -> Result<Box<published::Evidence>, Failure> {
        let catalog = self.catalog();
        evidence::gather(flow, Connection::LIVE, &self.desk(&catalog), &catalog, &self.sandboxes).map(Box::new)
    }

    async fn away<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        tokio::task::spawn_blocking(move || work(&self)).await.unwrap_or_else(|error| Err(broken(&error)))
    }
}
