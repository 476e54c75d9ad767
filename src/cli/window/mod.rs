//! The window, and what runs behind it: a runtime of its own with the sandbox and an engine, told to the window by events.
//!
//! The window opens at once; engine and sandbox come up as soon as its first frame is drawn.
pub(crate) mod accounts;
mod budgets;
pub(crate) mod home;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use clap::Args;
use tokio::runtime::Handle as Runtime;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc as async_mpsc, oneshot};

use self::accounts::Sandboxed;
use self::home::Homestead;
use super::background;
use super::connections::VaultArgs;
use super::data::DataArgs;
use super::embedded::{self, FaultArgs};
use super::exit::{Error, Exit};
use super::runtime;
use crate::catalog::Catalog;
use crate::catalog::disk::Shelf;
use crate::chooser::Chooser;
use crate::engine::{self, CallSettings, Clock, Command, Event, Handle, JournalOptions, Limits, Mode, Settings, Vault};
use crate::record::{Failure, FailureKind};
use crate::run::RunId;
use crate::ui::{self, Behind, Opening, Stage, Start, Told, Waker};

/// Open the window, with these flows in it.
#[derive(Debug, Default, Args)]
pub(super) struct Open {
    /// The flows' files
    flows: Vec<PathBuf>,

    /// Show this live run in the log
    #[arg(long, value_name = "RUN")]
    run: Option<u64>,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    vault: VaultArgs,
}

/// So long a first frame is waited for.
const UNSEEN: Duration = Duration::from_secs(2);

/// Opens the window and returns when it is closed.
pub(super) fn run(args: &Open) -> Result<Exit, Error> {
    let home = args.data.resolve(false)?;
    let sandboxes = super::published::sandboxes(&args.data)?;
    let journal = sandboxes.iter().find(|it| **it != home).cloned().unwrap_or_else(|| home.join("sandbox"));
    let mut background = None;
    let opening = Opening { flows: args.flows.clone(), run: args.run.map(RunId) };
    // Read while the window itself is made, which takes longer.
    let shelf = Shelf::of(&home);
    let reader = std::thread::Builder::new().name("flowyard-catalog".to_owned()).spawn(move || offered(&shelf));
    let arguments = background::arguments(&args.data, &args.vault);
    let (stay, directory) = (Arc::new(AtomicBool::new(false)), home.clone());
    let stays = Arc::clone(&stay);
    let left = arguments.clone();
    let closed = ui::open(&opening, |waker| {
        let read = reader.ok().and_then(|it| it.join().ok());
        let (catalog, troubles) = read.unwrap_or_else(|| offered(&Shelf::of(&home)));
        let (sender, told) = mpsc::channel();
        let (show, shown) = mpsc::channel();
        let teller = Teller { told: sender, waker };
        let vault = Vault::at(&home, args.vault.key());
        let arguments = arguments.clone();
        let listen = super::home::LISTEN.parse().ok();
        let homestead = Homestead { data: home.clone(), vault, sandboxes, listen, teller, arguments, stay: Arc::clone(&stays) };
        background = Some(Background::start(catalog.clone(), journal.clone(), homestead, shown));
        Behind { catalog, troubles, home, data: journal, told, shown: Some(show) }
    });
    // Also where the window could not be shown after all: what was started is ended.
    if let Some(background) = background {
        background.stop();
    }
    closed?;
    if stay.load(Ordering::Relaxed) {
        background::leave_behind(&directory, &left).map_err(|error| {
            let hint = "Start it by hand: `flowyard background`.";
            Error::machine("The flows cannot go on without the window", &error.to_string(), hint)
        })?;
    }
    Ok(Exit::Done)
}

/// What can be called, and what of the imported services is broken.
fn offered(shelf: &Shelf) -> (Catalog, Vec<String>) {
    let shelved = shelf.read();
    (Catalog::shipped().with(shelved.connectors), shelved.broken.iter().map(ToString::to_string).collect())
}

/// Tells the window, and wakes it.
#[derive(Clone)]
pub(crate) struct Teller {
    pub(crate) told: mpsc::Sender<Told>,
    pub(crate) waker: Waker,
}

impl Teller {
    /// False once the window is closed.
    fn tell(&self, what: Told) -> bool {
        let heard = self.told.send(what).is_ok();
        if heard {
            (self.waker)();
        }
        heard
    }
}

/// The thread with the runtime.
struct Background {
    thread: Option<JoinHandle<()>>,
    end: oneshot::Sender<()>,
}

impl Background {
    /// Begins once the window is shown: nobody can ask for anything before, and drawing has the processors meanwhile.
    fn start(catalog: Catalog, data: PathBuf, homestead: Homestead, shown: mpsc::Receiver<()>) -> Self {
        let (end, ended) = oneshot::channel();
        let teller = homestead.teller.clone();
        let told = teller.clone();
        let work = move || {
            // A window that is never drawn, since it is out of sight, does not keep flows from running.
            shown.recv_timeout(UNSEEN).ok();
            let work = async {
                let sandboxed = Sandboxed::new(&data);
                tell_of_accounts(&homestead.data, homestead.vault.clone(), sandboxed.clone(), &teller);
                // Live flows do not depend on the sandbox.
                let (leave, left) = oneshot::channel();
                let kept = tokio::spawn(homestead.keep(left));
                let result = go(&catalog, &data, sandboxed, teller.clone(), ended).await;
                leave.send(()).ok();
                kept.await.ok();
                result
            };
            if let Err(error) = runtime::block_on(work) {
                let unknown = || Failure::new(FailureKind::Machine, "Engine and sandbox cannot start");
                teller.tell(Told::Unavailable(error.failure.map_or_else(unknown, |it| *it)));
            }
        };
        let thread = std::thread::Builder::new().name("flowyard-engine".to_owned()).spawn(work);
        if let Err(error) = &thread {
            let failure = Failure::new(FailureKind::Machine, "The engine's thread cannot start").detail(error.to_string());
            told.tell(Told::Unavailable(failure));
        }
        Self { thread: thread.ok(), end }
    }

    /// Lets what is under way come back and be written down.
    fn stop(self) {
        self.end.send(()).ok();
        if let Some(thread) = self.thread
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread ended unexpectedly");
        }
    }
}

/// Connections can be looked at, whatever becomes of engine and sandbox.
fn tell_of_accounts(data: &Path, vault: Vault, sandbox: Sandboxed, teller: &Teller) {
    let answers = teller.clone();
    let tell = move |news| {
        answers.tell(Told::Account(Box::new(news)));
    };
    teller.tell(Told::Accounts(accounts::door(data, vault, Runtime::current(), sandbox, tell)));
}

async fn go(
    catalog: &Catalog,
    data: &Path,
    sandboxed: Sandboxed,
    teller: Teller,
    ended: oneshot::Receiver<()>,
) -> Result<(), Error> {
    let sandbox = embedded::start(catalog, &FaultArgs::default()).await?;
    sandboxed.is_up(sandbox.access(), catalog);
    let connections = embedded::connections(sandbox.access(), catalog);
    let plain = connections.iter().map(|(it, _)| it.clone()).collect();
    let chooser = Chooser::new(catalog.clone(), embedded::connections(sandbox.access(), catalog))?;
    let engine = engine::start(Settings {
        data: data.to_owned(),
        journal: JournalOptions::default(),
        catalog: catalog.clone(),
        connections,
        vault: Vault::in_memory(),
        mode: Mode::Sandbox,
        flows: Vec::new(),
        listen: None,
        clock: Clock::System,
        calls: CallSettings::default(),
        limits: Limits::default(),
        recover: false,
    })
    .await?;
    tokio::spawn(tell_all(engine.events(), teller.clone()));
    let (watch, own) = async_mpsc::channel(64);
    tokio::spawn(tell_own(own, teller.clone()));
    let (starter, answers, tasks) = (engine.clone(), teller.clone(), Runtime::current());
    let start: ui::StartRun = Box::new(move |start| {
        let (engine, teller, watch) = (starter.clone(), answers.clone(), watch.clone());
        tasks.spawn(async move {
            let ticket = start.ticket;
            let result = begin(&engine, start, watch).await;
            teller.tell(Told::Started { ticket, result });
        });
    });
    let (answers, tasks) = (teller.clone(), Runtime::current());
    let read: ui::ReadChoices = Box::new(move |read| {
        let (chooser, teller) = (chooser.clone(), answers.clone());
        tasks.spawn(async move {
            let result = chooser.read(&read.asked).await;
            teller.tell(Told::Choices { ticket: read.ticket, result });
        });
    });
    let stage = Stage { engine: engine.clone(), sandbox: sandbox.clone(), connections: plain, start, read };
    teller.tell(Told::Ready(Box::new(stage)));
    // Nobody waits for it: a test that comes sooner reads what it needs itself.
    tokio::task::spawn_blocking(crate::expr::warm_up);
    // An end without a word, where the thread that opened the window is gone, ends this too.
    ended.await.ok();
    engine.stop().wait().await;
    sandbox.stop().await;
    Ok(())
}

/// Makes flows known, runs the last of them, and forgets it again: its hooks are free, and the run goes on.
async fn begin(engine: &Handle, start: Start, watch: async_mpsc::Sender<Event>) -> Result<RunId, Failure> {
    let ended = || Failure::new(FailureKind::Machine, "The engine has ended").hint("Start Flowyard again.");
    let Some(flow) = start.flows.last().map(|it| it.flow.id.clone()) else { return Err(ended()) };
    for deployment in start.flows {
        engine.deploy(deployment).wait().await.unwrap_or_else(|| Err(ended()))?;
    }
    let run = engine.start_with(flow.clone(), Some(start.trigger), start.payload, start.given, Some(watch)).wait().await;
    engine.send(Command::Undeploy { flow });
    run.unwrap_or_else(|| Err(ended()))
}

async fn tell_all(mut events: tokio::sync::broadcast::Receiver<Event>, teller: Teller) {
    loop {
        let what = match events.recv().await {
            Ok(event) => Told::Event { event, own: false },
            Err(RecvError::Lagged(count)) => Told::Missed(count),
            Err(RecvError::Closed) => return,
        };
        if !teller.tell(what) {
            return;
        }
    }
}

async fn tell_own(mut events: async_mpsc::Receiver<Event>, teller: Teller) {
    while let Some(event) = events.recv().await {
        if !teller.tell(Told::Event { event, own: true }) {
            return;
        }
    }
}
