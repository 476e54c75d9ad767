//! Starting a sandbox, steering it, stopping it.
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::access::Access;
use super::faults::Faults;
use super::hand::{Deed, Done, Table};
use super::ledger::LedgerEntry;
use super::limits::Limits;
use super::oauth::OauthSettings;
use super::options::{Options, Seed};
use super::route::Routes;
use super::schedule_it::Conduct;
use super::seed::Planting;
use super::server::{self, Server};
use super::service::Service;
use super::snapshot::Snapshot;
use super::undo::Undo;
use super::webhook::{Attempt, Delivery, Outbox, PublicKeys, Webhook};
use super::world::Traps;
use crate::catalog::{Catalog, ConnectorId, Operation, OperationId};

/// How long a request that is under way may take to end when the sandbox stops.
const GRACE: Duration = Duration::from_secs(2);

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address is in use, or may not be used.
    #[error("the sandbox cannot listen on {address}: {source}")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The seed data that ships with Flowyard is damaged.
    #[error("the sandbox's seed data is damaged: {0}")]
    Seed(String),
}

/// A running sandbox. Clones steer the same one; it stops when the last is dropped.
#[derive(Debug, Clone)]
pub struct Handle {
    server: Arc<Server>,
    url: Arc<str>,
    _stops_when_dropped: Arc<DropGuard>,
    token: CancellationToken,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// Starts a sandbox on the current tokio runtime. A service that the catalogue does not have answers 404 everywhere.
pub async fn start(catalog: &Catalog, options: Options) -> Result<Handle, SandboxError> {
    let address = options.listen;
    let cannot_listen = |source| SandboxError::Listen { address, source };
    let planting = Planting::new(&options).map_err(SandboxError::Seed)?;
    let listener = tokio::net::TcpListener::bind(address).await.map_err(cannot_listen)?;
    let bound = listener.local_addr().map_err(cannot_listen)?;
    let url = format!("http://{}", reachable(bound));
    let mut access = planting.access(&url);
    let routes = Service::ALL.map(|service| {
        let routes = catalog.connector(&ConnectorId::new(service.connector())).map(|it| Routes::new(it, service));
        (service, routes.unwrap_or_default())
    });
    let token = CancellationToken::new();
    let damaged = || SandboxError::Seed("the key that signs webhooks cannot be read".to_owned());
    let outbox = Outbox::new(options.random, options.now.clone(), token.clone()).ok_or_else(damaged)?;
    access.highlevel.notice_keys = outbox.courier().public_keys();
    let world = planting.world(options.now.now());
    let server = Server::new(access, options.now, routes, world, Box::new(planting), outbox);
    let server = Arc::new(server);
    let task = tokio::spawn(server::serve(listener, Arc::clone(&server), token.clone().cancelled_owned()));
    Ok(Handle {
        server,
        url: url.into(),
        _stops_when_dropped: Arc::new(token.clone().drop_guard()),
        token,
        task: Arc::new(Mutex::new(Some(task))),
    })
}

/// An address that can be called, where the one listened on may stand for all of the machine's.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}

impl Handle {
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Addresses and sign-in for both services.
    pub fn access(&self) -> &Access {
        &self.server.access
    }

    /// The root: `http://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was done, oldest first, as far as it is kept.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.ledger_since(0)
    }

    /// What was done after the entry with this number.
    pub fn ledger_since(&self, seq: u64) -> Vec<LedgerEntry> {
        self.server.world().ledger.since(seq)
    }

    /// At most so many of them, the oldest first.
    pub fn ledger_after(&self, seq: u64, most: usize) -> Vec<LedgerEntry> {
        self.server.world().ledger.after(seq, most)
    }

    /// The names of the collections that hold records or once did.
    pub fn collections(&self) -> Vec<String> {
        self.server.world().store.names().map(str::to_owned).collect()
    }

    /// A snapshot of a collection, in the order in which the records were made; empty if there is none of this name.
    ///
    /// HighLevel: `contacts`, `tasks`, `notes`, `calendars`, `calendar_groups`, `appointments`, `block_slots`,
    /// `appointment_notes`, `equipments`, `rooms`, `notifications`, `schedules`, `users`, `custom_fields`, `locations`.
    /// Schedule it: `events`, `resources`, `groups`, `labels`.
    pub fn records(&self, collection: &str) -> Vec<Value> {
        self.server.world().store.of(collection).rows().map(|row| row.fields.shown().into()).collect()
    }

    /// How many records a collection has.
    pub fn count(&self, collection: &str) -> usize {
        self.server.world().store.of(collection).len()
    }

    /// A snapshot of one record.
    pub fn record(&self, collection: &str, id: &str) -> Option<Value> {
        self.server.world().store.of(collection).get(id).map(|fields| fields.shown().into())
    }

    /// What a person may do to a table by hand: the operation whose fields a new record has, or a change.
    pub fn form(&self, table: &Table, new: bool) -> Option<Arc<Operation>> {
        self.server.form(table, new)
    }

    /// Does something to a record by hand; which one it was, and which events follow.
    ///
    /// # Errors
    /// The service's words, where it refuses.
    pub fn by_hand(&self, table: &Table, deed: Deed) -> Result<Done, String> {
        self.server.by_hand(table, deed)
    }

    /// Takes back what was done by hand, and nothing else; nobody is told of it but the ledger.
    pub fn take_back(&self, undo: Undo) {
        let now = self.server.clock.now();
        self.server.world().take_back(undo, now);
    }

    /// Grows with everything that is done; the number of the ledger's last entry.
    pub fn last_seq(&self) -> u64 {
        self.server.world().ledger.upcoming() - 1
    }

    /// The faults that are set; forced ones that have struck are no longer among them.
    pub fn faults(&self) -> Faults {
        self.server.world().draw.faults().clone()
    }

    /// Sets the faults for the requests to come.
    pub fn set_faults(&self, faults: Faults) {
        self.server.world().draw.set(faults);
    }

    /// Which surprising habits are imitated.
    pub fn traps(&self) -> Traps {
        self.server.world().traps
    }

    /// Switches surprising habits.
    pub fn set_traps(&self, traps: Traps) {
        self.server.world().traps = traps;
    }

    /// What HighLevel tells of every change from now on, in order. What is not taken waits in memory.
    pub fn webhooks(&self) -> mpsc::UnboundedReceiver<Webhook> {
        self.server.outbox.watch()
    }

    /// Lets an event happen that no change here causes, told from its sample with these fields instead of the sample's.
    /// None if HighLevel has no such event.
    pub fn emit(&self, event: &OperationId, own: Map<String, Value>) -> Option<Webhook> {
        self.server.emit(event, own.into_iter().collect())
    }

    /// Where events are sent, and what goes wrong on the way.
    pub fn delivery(&self) -> Delivery {
        self.server.outbox.courier().delivery()
    }

    /// Sets it for the events to come.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.server.outbox.deliver(delivery);
    }

    /// What came of sending them, oldest first, as far as it is kept.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.server.outbox.courier().attempts()
    }

    /// The last of them, the newest first, at most so many.
    pub fn last_attempts(&self, most: usize) -> Vec<Attempt> {
        self.server.outbox.courier().last_attempts(most)
    }

    /// How many were made in all: grows with each.
    pub fn attempts_made(&self) -> u64 {
        self.server.outbox.courier().made()
    }

    /// The keys by which a receiver knows that an event comes from here.
    pub fn public_keys(&self) -> PublicKeys {
        self.server.outbox.courier().public_keys()
    }

    /// How many requests HighLevel allows.
    pub fn limits(&self) -> Limits {
        self.server.world().limits
    }

    /// Allows more requests, or fewer. What is spent stays spent.
    pub fn set_limits(&self, limits: Limits) {
        self.server.world().limits = limits;
    }

    /// What HighLevel's token may do from now on, by the vendor's names of scopes; none means everything.
    pub fn set_scopes(&self, scopes: Option<BTreeSet<String>>) {
        self.server.world().scopes = scopes;
    }

    /// A person has looked: a client of Schedule it that was locked out is let in, and its errors are forgotten.
    pub fn let_in(&self) {
        self.server.world().conduct = Conduct::default();
    }

    /// How tokens are given to apps.
    pub fn oauth(&self) -> OauthSettings {
        self.server.world().grants.settings
    }

    /// Sets it for the tokens to come.
    pub fn set_oauth(&self, settings: OauthSettings) {
        self.server.world().grants.settings = settings;
    }

    /// Ends every access token that a service of this connector gave; refresh tokens go on to work.
    pub fn expire_tokens(&self, connector: &ConnectorId) {
        self.server.world().grants.expire(&services(connector));
    }

    /// Takes back every code and token that a service of this connector gave, as when the app is removed.
    pub fn revoke_tokens(&self, connector: &ConnectorId) {
        self.server.world().grants.revoke(&services(connector));
    }

    /// Starts over: records, ledger, limits, faults.
    pub fn reset(&self) {
        self.server.reset();
    }

    /// Which records there were at the start.
    pub fn seed(&self) -> Seed {
        self.server.world().seed
    }

    /// Starts over with another size, and hears now and then how many contacts there are of how many. Returns what was
    /// there before, or none where it was told to stop; nothing has changed then. Takes seconds for the largest, while
    /// requests go on to be answered from what is there.
    pub fn plant(&self, seed: Seed, told: &mut dyn FnMut(u64, u64) -> ControlFlow<()>) -> Option<Snapshot> {
        self.server.plant(seed, told).map(Snapshot::whole)
    }

    /// Everything as it is now, to come back to.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.server.world())
    }

    /// Goes back to a snapshot: records, ledger, what is spent of the limits, faults, habits. A request that a fault holds
    /// up meanwhile finds what is there when it goes on.
    pub fn restore(&self, snapshot: &Snapshot) {
        drop(self.server.exchange(snapshot.world()));
    }

    /// The same, where the snapshot is needed no more: without a copy, if nobody else has it. Returns what was there before.
    pub fn put_back(&self, snapshot: Snapshot) -> Snapshot {
        Snapshot::whole(self.server.exchange(snapshot.into_world()))
    }

    /// Stops listening, lets requests that are under way end for two seconds, and returns when all is closed. A second
    /// call returns at once.
    pub async fn stop(&self) {
        self.token.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = task
            && tokio::time::timeout(GRACE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

/// The service of a connector, if it is imitated.
fn services(connector: &ConnectorId) -> Vec<Service> {
    Service::ALL.into_iter().filter(|it| it.connector() == connector.as_str()).collect()
}
