//! Where runs are made, cut short and gone on with: a real engine, journal and sandbox, and a door between that keeps the
//! state of the services after every request.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::Catalog;
use flowyard::engine::{self, CallSettings, Clock, Deployment, JournalOptions, Limits, Mode, Settings};
use flowyard::flow::{Flow, NodeId, NodeKind};
use flowyard::journal::{Journal, Reader, RunHead};
use flowyard::run::{Program, Release, RunId, StepKey};
use flowyard::sandbox::{self, Handle, Options, Snapshot, Traps};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;

use super::cut::Cut;
use super::recorded::{Recorded, Standing};
use crate::support::door::Door;
use crate::support::services::connections;

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);
/// A Monday, ten in the morning in New York. The services' clock stands still, so that the same requests leave the same
/// records; the engine's begins here.
const NOW: &str = "2026-03-02T15:00:00Z";
/// How long after the cut the engine is back.
const AWAY: SignedDuration = SignedDuration::from_secs(30);

pub(super) struct Stand {
    catalog: Catalog,
    pub(super) sandbox: Handle,
    pub(super) door: Door,
}

impl Stand {
    pub(super) async fn new() -> Self {
        let catalog = Catalog::shipped();
        let options = Options {
            now: sandbox::Clock::fixed(now()),
            limits: sandbox::Limits { enabled: false, ..sandbox::Limits::default() },
            // The service itself does not keep a second contact away.
            traps: Traps { duplicates_allowed: true, ..Traps::default() },
            ..Options::default()
        };
        let sandbox = sandbox::start(&catalog, options).await.expect("a sandbox");
        let door = Door::watched(&sandbox).await;
        Self { catalog, sandbox, door }
    }

    async fn engine(&self, data: &Path, flow: &Flow, start: Timestamp) -> engine::Handle {
        engine::start(self.settings(data, flow, start)).await.expect("an engine")
    }

    /// What an engine is started with whose clock begins then.
    pub(super) fn settings(&self, data: &Path, flow: &Flow, start: Timestamp) -> Settings {
        Settings {
            data: data.to_owned(),
            journal: JournalOptions::default(),
            catalog: self.catalog.clone(),
            connections: connections(&self.door.access()),
            vault: engine::Vault::in_memory(),
            mode: Mode::Sandbox,
            flows: vec![Deployment::quiet(Arc::new(flow.clone()), BTreeMap::new())],
            listen: None,
            clock: Clock::following(start),
            calls: CallSettings::default(),
            limits: Limits::default(),
            recover: true,
        }
    }

    /// Runs a flow once, undisturbed, from a state of the services.
    pub(super) async fn run(&self, flow: &Flow, payload: &Value, from: &Snapshot) -> Recorded {
        self.sandbox.restore(from);
        self.door.take_states();
        let since = self.sandbox.ledger().last().map_or(0, |it| it.seq);
        let data = directory();
        let engine = self.engine(data.path(), flow, now()).await;
        let run = engine
            .start(flow.id.clone(), first_trigger(flow), payload.clone(), None)
            .wait()
            .await
            .expect("an answer")
            .expect("a run");
        let journal = Journal::open_reader(data.path()).expect("a journal");
        assert_eq!(settled(&engine, &journal, run, false).await, Settled::Finished);
        engine.stop().wait().await;
        let program = Arc::new(Program::compile(flow, &self.catalog).expect("a sound flow"));
        self.collect(&journal, run, program, flow.to_text(), 0, from, since, None)
    }

    /// Starts an engine on what a cut left, and lets it finish. If a step waits for a person, one looks at the services: if
    /// the call was made, what it gave `whole` is entered, and otherwise it is made.
    pub(super) async fn recover(&self, cut: &Cut<'_>, flow: &Flow, whole: &Recorded) -> Recorded {
        let of = cut.of;
        let from = cut.state();
        self.sandbox.restore(from);
        self.door.take_states();
        let data = directory();
        cut.write(data.path()).await;
        let standing = Standing::after(&of.entries[..cut.kept]);
        let earlier = of.exchanges.iter().filter(|it| standing.is_concluded(it)).count();
        let back = of.entries[cut.kept - 1].at().checked_add(AWAY).expect("in range");
        let engine = self.engine(data.path(), flow, back).await;
        let journal = Journal::open_reader(data.path()).expect("a journal");
        let run = of.head.id;
        let mut parked = None;
        if let Settled::Parked(step) = settled(&engine, &journal, run, false).await {
            let operation = &of.program.operation(&step.node).expect("an operation").id;
            let happened = self.sandbox.ledger_since(of.since).iter().any(|it| it.operation == *operation);
            let release = if happened { Release::Done(Arc::new(whole.output(&step).clone())) } else { Release::Repeat };
            assert_eq!(engine.release(run, Some(step.to_string()), release).wait().await, Some(Ok(step.clone())));
            assert_eq!(settled(&engine, &journal, run, true).await, Settled::Finished);
            parked = Some(step);
        }
        engine.stop().wait().await;
        self.collect(&journal, run, Arc::clone(&of.program), of.text.clone(), earlier, from, of.since, parked)
    }

    #[expect(clippy::too_many_arguments, reason = "what is known of the run by then, and passed on as it is")]
    fn collect(
        &self,
        journal: &Reader,
        run: RunId,
        program: Arc<Program>,
        text: String,
        earlier: usize,
        from: &Snapshot,
        since: u64,
        parked: Option<StepKey>,
    ) -> Recorded {
        let mut states = vec![from.clone()];
        states.extend(self.door.take_states());
        Recorded {
            program,
            text,
            head: journal.run(run).expect("a readable journal").expect("the run"),
            entries: journal.entries(run).expect("a readable journal"),
            exchanges: journal.exchanges(run).expect("a readable journal"),
            earlier,
            states,
            ledger: self.sandbox.ledger_since(since),
            since,
            records: self.sandbox.collections().into_iter().map(|name| (name.clone(), self.sandbox.records(&name))).collect(),
            parked,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Settled {
    Finished,
    Parked(StepKey),
}

/// Waits until a run is over or waits for a person; if it was `released`, until it is over.
async fn settled(engine: &engine::Handle, journal: &Reader, run: RunId, released: bool) -> Settled {
    // What is committed is told afterwards: whatever the journal does not have by now, an event will tell.
    let mut events = engine.events();
    let look = || {
        let RunHead { finished, parked, .. } = journal.run(run).expect("a readable journal").expect("the run");
        match (finished, parked) {
            (Some(_), _) => Some(Settled::Finished),
            (None, 1..) if !released => {
                let standing = Standing::after(&journal.entries(run).expect("a readable journal"));
                Some(Settled::Parked(standing.parked.into_iter().next().expect("a parked step")))
            }
            (None, _) => None,
        }
    };
    let waiting = async {
        loop {
            if let Some(settled) = look() {
                return settled;
            }
            match events.recv().await {
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => panic!("the engine ended"),
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, waiting).await;
    found.unwrap_or_else(|_| panic!("the run is stuck at {:#?}", journal.entries(run).expect("a readable journal").last()))
}

/// A data directory, in memory where the system offers that: nothing here is about the disk, and most of the time would go
/// by waiting for it.
fn directory() -> tempfile::TempDir {
    let memory = tempfile::Builder::new().tempdir_in("/dev/shm");
    memory.or_else(|_| tempfile::tempdir()).expect("a directory")
}

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

/// Where a run of a flow with several triggers begins.
fn first_trigger(flow: &Flow) -> Option<NodeId> {
    flow.nodes.iter().find(|(_, it)| matches!(it.kind, NodeKind::Trigger(_))).map(|(id, _)| id.clone())
}
