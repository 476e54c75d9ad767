//! Runs flows durably in the background.
//!
//! A shell makes [`Settings`], calls [`start`], and keeps a [`Handle`]: commands in, events out. Behind it stands one
//! supervisor, and a task for each run that asks the run what is next, writes that down, does it, and folds in what came
//! of it. Webhooks come in through a listener of the engine's own. [`plan`] runs a flow the same way and sends only what reads.
//! [`letters`] are runs that failed and wait for a person.
//!
//! Invariant: a fact is on disk before its effect: `Accepted` before a webhook is answered, `StepStarted` before the
//! request leaves, a step's outcome before the next step starts.
//! Invariant: recovery has no code of its own; an unfinished run is replayed and asked the same question.
pub mod alert;
mod breaker;
mod clock;
mod control;
mod deploy;
mod door;
mod drive;
mod handle;
mod handover;
mod intake;
pub mod letters;
pub mod log;
mod named;
pub mod plan;
mod queue;
mod recover;
mod release;
mod reread;
mod shared;
mod standing;
mod step;
mod supervisor;
mod trail;
mod trigger;
mod wake;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc};

pub use self::breaker::{Resumed, resume};
pub use self::clock::Clock;
pub use self::deploy::Deployment;
pub use self::handle::{Command, Event, Handle, HeedClick, Hook, Look, Pending};
pub use self::handover::{is_at_work, take_over, take_over_from};
pub use self::release::{Effective, cancel, release};
pub use self::reread::{Renewed, Reread, reread};
use self::shared::Shared;
pub use self::standing::{Standing, Standings, pause, standings};
pub use self::trigger::{StormRule, sample_of};
pub use self::wake::{CaughtUp, Gap};
use crate::catalog::Catalog;
use crate::connector::{Caller, Connections};
pub use crate::connector::{
    Clicked, Connection, ConnectionId, Secret, Settings as CallSettings, Vault, VaultError, VaultKey, VaultPlace,
};
use crate::journal::Journal;
pub use crate::journal::private;
pub use crate::journal::{Mode, Options as JournalOptions};
use crate::record::{Failure, FailureKind};
pub use crate::run::Given;

/// What an engine is started with.
pub struct Settings {
    /// Where the journal lives; one engine at a time.
    pub data: PathBuf,
    /// The journal's bounds.
    pub journal: JournalOptions,
    /// What can be called.
    pub catalog: Catalog,
    /// The connections, each with its secret where that is not in the vault.
    pub connections: Vec<(Connection, Option<Secret>)>,
    /// Where the secrets of the others are.
    pub vault: Vault,
    /// Sandbox or live; written into every run.
    pub mode: Mode,
    /// The flows that are known from the start; unfinished runs go on once they are.
    pub flows: Vec<Deployment>,
    /// Where webhooks are listened for; none means nowhere.
    pub listen: Option<SocketAddr>,
    /// Where the time comes from.
    pub clock: Clock,
    /// How calls are made.
    pub calls: CallSettings,
    /// How much at a time.
    pub limits: Limits,
    /// Whether unfinished runs of an earlier process go on.
    pub recover: bool,
}

/// How much at a time.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Runs under way, waiting ones among them; one more is turned away.
    pub active_runs: usize,
    /// Calls under way.
    pub steps: usize,
    /// Connections to the webhook listener; one more waits until another ends.
    pub hook_connections: usize,
    /// The largest body that a webhook may send, in bytes.
    pub hook_bytes: usize,
    /// How long the head of a request to a webhook may take to arrive, and how long its body may.
    pub hook_time: Duration,
    /// How long the caller of a webhook waits for the flow's own answer.
    pub answer_time: Duration,
    /// How long a script may run.
    pub script_time: Duration,
    /// How long a stop waits for calls under way.
    pub stop_grace: Duration,
    /// How often one record may start one flow.
    pub storm: StormRule,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            active_runs: 100_000,
            steps: 256,
            hook_connections: 1000,
            hook_bytes: 4 << 20,
            hook_time: Duration::from_secs(30),
            answer_time: Duration::from_mins(1),
            script_time: Duration::from_secs(10),
            stop_grace: Duration::from_secs(10),
            storm: StormRule::default(),
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("data", &self.data)
            .field("mode", &self.mode)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// The connections; secrets that come with them are kept in memory only.
fn pin(vault: &Vault, connections: Vec<(Connection, Option<Secret>)>) -> Connections {
    let plain = connections.into_iter().map(|(connection, secret)| {
        if let Some(secret) = secret {
            vault.pin(connection.id.clone(), secret);
        }
        connection
    });
    plain.collect()
}

/// Whether anything was ever run on a data directory.
pub fn has_log(data: &std::path::Path) -> bool {
    data.join("journal.db").exists()
}

/// Starts an engine on the current tokio runtime: opens the journal, makes the flows known, goes on with unfinished runs,
/// listens.
///
/// # Errors
/// A [`Failure`] where the data directory cannot be used, a flow cannot run, or the address is taken.
pub async fn start(settings: Settings) -> Result<Handle, Failure> {
    Ok(begin(settings, None).await?.0)
}

/// The same; with a sheet for a plan nothing is written at any service.
async fn begin(settings: Settings, sheet: Option<Arc<plan::Sheet>>) -> Result<(Handle, Arc<Shared>), Failure> {
    let Settings { data, journal, catalog, connections, vault, mode, flows, listen, clock, calls, limits, recover } = settings;
    let dir = data.clone();
    let journal = tokio::task::spawn_blocking(move || Journal::open(&dir, journal))
        .await
        .map_err(|error| Failure::new(FailureKind::Machine, "The journal could not be opened").detail(error.to_string()))??;
    let plain = pin(&vault, connections);
    let caller = Caller::new(calls, vault)
        .map(|it| it.with_catalog(catalog.clone()).with_connections(plain.clone()))
        .map_err(|error| Failure::new(FailureKind::Machine, "Calls cannot be made from here").detail(error.to_string()))?;
    let caller = if sheet.is_some() { caller.only_reading() } else { caller };
    let (events, _) = broadcast::channel(4096);
    let (troubles, first) = broadcast::channel(64);
    let mut shared = Shared::new(journal, catalog, caller, plain, clock, mode, limits, events.clone(), troubles.clone());
    shared.sheet = sheet;
    let shared = Arc::new(shared);
    if let Some(words) = shared.journal.exposed() {
        let failure = Failure::new(FailureKind::Machine, "The data directory is not private").detail(words);
        tracing::warn!(%failure, "others on this machine can reach what is logged");
        shared.trouble(failure.hint("Let it belong to you alone, or choose another with --data."));
    }
    let listener = match listen {
        Some(address) => Some(trigger::listener::bind(address).await?),
        None => None,
    };
    let absence = wake::absence(&shared.journal, shared.clock.now())?;
    breaker::restore(&shared, &shared.connections()).await?;
    trail::restore(&shared)?;
    for (flow, _) in shared.journal.reader().states(standing::PAUSED)? {
        shared.queues.pause(&flow.as_str().into(), true);
    }
    for deployment in flows {
        deploy::deploy(&shared, deployment).await?;
    }
    if recover {
        recover::recover(&shared).await?;
    }
    let address = match listener {
        Some(listener) => Some(trigger::listener::listen(&shared, listener)?),
        None => None,
    };
    trigger::stand(&shared);
    shared.tasks.spawn(wake::stand(Arc::clone(&shared), absence));
    let (sender, commands) = mpsc::unbounded_channel();
    // Nothing depends on it: whoever cannot reach the engine ends it first.
    let door = match door::Door::open(&data, sender.downgrade(), shared.stopped()).await {
        Ok(door) => Some(door),
        Err(error) => {
            tracing::warn!(%error, "other processes cannot reach this one");
            None
        }
    };
    let lent = Arc::new(AtomicBool::new(false));
    let supervisor = supervisor::Supervisor::new(Arc::clone(&shared), Arc::clone(&lent));
    tokio::spawn(async move {
        supervisor.run(commands).await;
        drop(door);
    });
    Ok((Handle::new(sender, events, troubles, first, address, lent), shared))
}
