//! The flows that are on, run here: what the window and the background do, and `flowyard serve` without files.
//!
//! Invariant: the engine reads what is on anew whenever somebody says that it changed, in this process or another.
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;

use super::print::{DIM, Printer, paint};
use super::published::Live;
use super::{connections, words};
use crate::accounts::{self, Desk};
use crate::catalog::Catalog;
use crate::engine::alert::{self, Alerts};
use crate::engine::log::Journal;
use crate::engine::{
    self, CallSettings, CaughtUp, Clock, Connection, Event, Gap, Handle, JournalOptions, Limits, Mode, Reread, Settings,
};
use crate::flow::{Flow, NodeKind, Trigger};
#[cfg(feature = "gui")]
use crate::published::Published;
use crate::record::{Failure, FailureKind};

/// Where webhooks and messages come in, unless a person says otherwise.
pub(super) const LISTEN: &str = "127.0.0.1:8787";

/// The live flows of a data directory.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub(super) desk: Desk,
    pub(super) catalog: Catalog,
    pub(super) listen: Option<SocketAddr>,
}

/// They run.
pub(super) struct Running {
    pub(super) engine: Handle,
    /// Why some of what is on does not.
    pub(super) failures: Vec<Failure>,
}

impl Home {
    /// Whether there is anything to run: a flow that is on, or a log in which runs may be unfinished. Blocks.
    #[cfg(feature = "gui")]
    pub(super) fn is_wanted(&self) -> bool {
        let on = |it: &Published| it.iter().any(|(_, it)| it.on && it.environment == Connection::LIVE);
        engine::has_log(self.desk.data()) || Published::read(self.desk.data()).is_ok_and(|it| on(&it))
    }

    /// Starts the engine with what is on, and goes on with what an earlier one left. `changed` is told of each time that what is on
    /// was read anew, with why some of it cannot run.
    ///
    /// # Errors
    /// A [`Failure`] where the data directory cannot be used, for example since another engine is at work on it.
    pub(super) async fn start(&self, changed: impl Fn(Vec<Failure>) + Send + Sync + 'static) -> Result<Running, Failure> {
        let home = self.clone();
        let read = tokio::task::spawn_blocking(move || {
            // What cannot be read is told by whoever alerts.
            let alerts = Alerts::read(home.desk.data()).unwrap_or_default();
            Ok::<_, Failure>((home.live()?, connections::read(&home.desk)?, alerts))
        });
        let (live, bound, alerts) = read.await.map_err(|error| broken(&error))??;
        let mut failures = live.failures.clone();
        let known: Vec<_> = live.copies.iter().map(|it| it.flow.id.clone()).collect();
        let hears = live.copies.iter().any(|it| waits_for_calls(&it.flow));
        // Another program may have the port: what needs no port runs all the same.
        let listen = match self.listen.map(|address| (address, TcpListener::bind(address))) {
            Some((address, Ok(_))) => Some(address),
            Some((address, Err(error))) => {
                if hears && let Some(failure) = super::listen::taken(address, &error).failure {
                    failures.push(failure.hint("Webhooks and messages of services do not come in until it is free."));
                }
                None
            }
            None => None,
        };
        let settings = Settings {
            data: accounts::log_of(self.desk.data(), Connection::LIVE),
            journal: JournalOptions::default(),
            catalog: self.catalog.clone(),
            connections: bound,
            vault: self.desk.vault().clone(),
            mode: Mode::Live,
            flows: live.copies.into_iter().map(super::bind::deployment).chain(alert::deployments(&alerts)).collect(),
            listen,
            clock: Clock::System,
            calls: CallSettings::default(),
            limits: Limits::default(),
            recover: true,
        };
        let engine = engine::start(settings).await?;
        let (desk, home) = (self.desk.clone(), self.clone());
        engine.heed(Reread::new(move || connections::read(&desk)).with_flows(known, move || {
            let live = home.live()?;
            live.failures.iter().for_each(|failure| tracing::warn!(%failure, "a flow that is on cannot run"));
            changed(live.failures.clone());
            Ok(live.deployments())
        }));
        Ok(Running { engine, failures })
    }

    fn live(&self) -> Result<Live, Failure> {
        Live::read(self.desk.data(), Connection::LIVE, &self.desk, &self.catalog)
    }
}

/// So long is waited for what comes of a gap before it is told.
const CATCHING_UP: Duration = Duration::from_mins(1);

/// What came of a time in which nothing ran, in words, once there was time to make up for it; none where the log cannot be read.
pub(super) async fn report(data: PathBuf, gap: Gap) -> Option<String> {
    tokio::time::sleep(CATCHING_UP).await;
    let read = tokio::task::spawn_blocking(move || gap.caught_up(&Journal::open_reader(&data)?));
    Some(in_words(gap, read.await.ok()?.ok()?))
}

fn in_words(gap: Gap, caught_up: CaughtUp) -> String {
    let (from, to) = (words::local(gap.from), words::local(gap.to));
    let done = match caught_up {
        CaughtUp { started: 0, .. } => "nothing that was missed had to be made up for".to_owned(),
        CaughtUp { started, failed, open } => {
            let mut parts = vec![format!("{} began", words::count(started, "run"))];
            parts.extend((failed > 0).then(|| format!("{failed} of them failed")));
            parts.extend(
                (open > 0).then(|| if open == 1 { "one is not over".to_owned() } else { format!("{open} are not over") }),
            );
            parts.join(", ")
        }
    };
    format!("From {from} to {to} nothing ran here. Since then {done}.")
}

/// Writes a log line for each such time, until the engine ends.
pub(super) fn log_gaps(engine: &Handle, data: &Path) {
    let (mut events, data) = (engine.events(), data.to_owned());
    tokio::spawn(async move {
        loop {
            match events.recv().await {
                Ok(Event::Woke(gap)) => {
                    if let Some(words) = report(data.clone(), gap).await {
                        tracing::info!("{words}");
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// Whether a flow is started from outside: by a webhook, or by what a service tells.
fn waits_for_calls(flow: &Arc<Flow>) -> bool {
    flow.nodes.values().any(|it| match &it.kind {
        NodeKind::Trigger(Trigger::Webhook { .. }) => true,
        NodeKind::Trigger(Trigger::Event { event, .. }) => {
            crate::catalog::Event::find(event).is_some_and(|it| it.poll().is_none())
        }
        _ => false,
    })
}

/// Asks the Flowyard that has the data directory to make way, if it does: the window, or what it left in the background.
///
/// # Errors
/// If it was going to, and still holds the directory.
pub(super) async fn take_over(data: &Path, lend: bool, out: &mut Printer) -> Result<(), Failure> {
    let (stops, mut stopping) = oneshot::channel();
    let data = data.to_owned();
    let stops = move || stops.send(()).unwrap_or_default();
    let mut asked = tokio::task::spawn_blocking(move || engine::take_over_from(&data, lend, stops));
    let made_way = tokio::select! {
        biased;
        Ok(()) = &mut stopping => {
            out.say(paint(DIM, "The Flowyard that has the flows is stopping. This one begins once it has."));
            asked.await
        }
        made_way = &mut asked => made_way,
    };
    if made_way.map_err(|error| broken(&error))?? {
        out.say(paint(DIM, "The Flowyard that had the flows has made way."));
    }
    Ok(())
}

/// The same without a word; whether there was one that did.
///
/// # Errors
/// As [`take_over`].
#[cfg(feature = "gui")]
pub(super) async fn ask_to_make_way(data: PathBuf, lend: bool) -> Result<bool, Failure> {
    tokio::task::spawn_blocking(move || engine::take_over(&data, lend)).await.map_err(|error| broken(&error))?
}

pub(super) fn broken(error: &tokio::task::JoinError) -> Failure {
    Failure::new(FailureKind::Machine, "A part of Flowyard has failed").detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_was_missed_and_what_came_of_it() {
        let gap = Gap { from: "2026-03-01T22:00:00Z".parse().unwrap(), to: "2026-03-02T07:00:00Z".parse().unwrap() };
        let of = |started, failed, open| in_words(gap, CaughtUp { started, failed, open });
        assert!(of(0, 0, 0).ends_with("Since then nothing that was missed had to be made up for."));
        assert!(of(1, 0, 0).ends_with("Since then 1 run began."));
        assert!(of(14, 2, 1).ends_with("Since then 14 runs began, 2 of them failed, one is not over."));
    }
}
