//! Flows that start by themselves, against both services' imitation.
mod dates;
mod failures;
mod files;
mod guard;
mod messages;
mod pairs;
mod polls;
mod reminders;
mod schedules;
mod whole;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use flowyard::catalog::{Catalog, ConnectorId, OperationId};
use flowyard::engine::{self, Event, Handle, Limits, Look, Mode, Settings};
use flowyard::flow::{Binding, Flow, Level, NodeKind, Trigger, Watch};
use flowyard::run::{Cause, Entry, RunId};
use flowyard::sandbox::{self, Deed, Options, Table};
use serde_json::{Map, Value};
use tokio::sync::broadcast;

use crate::support::engine::{listening, settings};
use crate::support::flows::flow;
use crate::support::services::connections;

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for an event, and writes a line.
fn waiting(id: &str, event: &str, watch: Watch, input: BTreeMap<String, Value>) -> Flow {
    let trigger = NodeKind::Trigger(Trigger::Event {
        event: OperationId::new(event),
        slot: "at".into(),
        input,
        watch,
        sample: Value::Null,
    });
    let say = NodeKind::Log { level: Level::Info, message: Binding::text("It happened") };
    let mut flow = flow(id, &[("t", trigger), ("say", say)], &["t -> say"]);
    flow.slots.insert("at".into(), ConnectorId::new(event.split('.').next().expect("a service")));
    flow
}

/// A run that began by itself.
#[derive(Debug, Clone)]
struct Began {
    run: RunId,
    flow: String,
    payload: Value,
    cause: Cause,
}

/// Both services, and an engine whose connections lead there.
struct Stand {
    sandbox: sandbox::Handle,
    engine: Handle,
    events: broadcast::Receiver<Event>,
    /// Who began, as far as it was told.
    flows: BTreeMap<RunId, String>,
}

impl Stand {
    async fn start(data: &Path, sandbox: &sandbox::Handle, flows: &[Flow]) -> Self {
        Self::start_with(data, sandbox, flows, Limits::default()).await
    }

    async fn start_with(data: &Path, sandbox: &sandbox::Handle, flows: &[Flow], limits: Limits) -> Self {
        let mut all = connections(sandbox.access());
        let keys = sandbox.public_keys();
        for (connection, _) in all.iter_mut().filter(|(it, _)| it.connector.as_str() == "highlevel") {
            connection.notice_keys = BTreeMap::from([
                ("x-ghl-signature".to_owned(), keys.ed25519.clone()),
                ("x-wh-signature".to_owned(), keys.rsa.clone()),
            ]);
        }
        // The flows are deployed once somebody listens to what happens.
        let engine = engine::start(Settings {
            connections: all,
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            limits,
            ..settings(data, Mode::Sandbox)
        });
        let engine = engine.await.expect("an engine");
        let events = engine.events();
        let stand = Self { sandbox: sandbox.clone(), engine, events, flows: BTreeMap::new() };
        for flow in flows {
            stand.deploy(flow).await;
        }
        stand
    }

    async fn deploy(&self, flow: &Flow) {
        self.engine.deploy(listening(flow)).wait().await.expect("an answer").expect("a sound flow");
    }

    async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await.expect("nothing happens").expect("events");
        if let Event::Started { run, program } = &event {
            self.flows.insert(*run, program.flow.to_string());
        }
        event
    }

    /// The next look that ends, and the runs that began before it did.
    async fn looked(&mut self) -> (Look, Vec<Began>) {
        let mut began = Vec::new();
        loop {
            match self.next().await {
                Event::Looked(look) => return (look, began),
                event => began.extend(self.began(event)),
            }
        }
    }

    /// The next run that begins.
    async fn run(&mut self) -> Began {
        loop {
            let event = self.next().await;
            if let Some(began) = self.began(event) {
                return began;
            }
        }
    }

    fn began(&self, event: Event) -> Option<Began> {
        let Event::Journaled { run, entries } = event else { return None };
        let Some(Entry::Accepted { payload, cause, .. }) = entries.first() else { return None };
        let flow = self.flows.get(&run).cloned().unwrap_or_default();
        Some(Began { run, flow, payload: Value::clone(payload), cause: Cause::clone(cause) })
    }

    /// Looks until something is found: lists of the services may lag behind what was written.
    async fn look_until_found(&mut self) -> Vec<Began> {
        loop {
            self.engine.look();
            let (look, began) = self.looked().await;
            assert_eq!(look.failure, None);
            if look.found > 0 {
                return began;
            }
            assert!(began.is_empty());
        }
    }

    async fn end(self) {
        self.engine.stop().wait().await;
    }
}

async fn services() -> sandbox::Handle {
    sandbox::start(&Catalog::shipped(), Options::default()).await.expect("a sandbox")
}

fn fields(all: &[(&str, &str)]) -> Map<String, Value> {
    all.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect()
}

/// Does something in the sandbox as somebody at the service would; the id of the record.
fn by_hand(sandbox: &sandbox::Handle, collection: &str, deed: Deed) -> String {
    let table = Table::ALL.iter().find(|it| it.collection == collection).expect("a table");
    sandbox.by_hand(table, deed).expect("it is allowed").record.id
}
