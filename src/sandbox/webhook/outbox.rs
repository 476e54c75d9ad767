//! Those who are told of what happens: watchers in this process, and, once an address is set, the courier.
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Webhook;
use super::courier::Courier;
use super::delivery::Delivery;
use crate::sandbox::clock::Clock;

/// Where events go.
pub(crate) struct Outbox {
    watchers: Mutex<Vec<mpsc::UnboundedSender<Webhook>>>,
    courier: Arc<Courier>,
    /// Whether the courier is at work.
    carries: Mutex<bool>,
    stopped: CancellationToken,
    runtime: Handle,
}

// The keys stay out of it.
impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    /// On the current runtime. None if the key that ships with Flowyard is damaged.
    pub(crate) fn new(random: u64, clock: Clock, stopped: CancellationToken) -> Option<Self> {
        let courier = Arc::new(Courier::new(random, clock)?);
        Some(Self { watchers: Mutex::default(), courier, carries: Mutex::new(false), stopped, runtime: Handle::current() })
    }

    pub(crate) fn courier(&self) -> &Courier {
        &self.courier
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<mpsc::UnboundedSender<Webhook>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that happens from now on. What is not taken waits in memory, until the receiver is dropped.
    pub(crate) fn watch(&self) -> mpsc::UnboundedReceiver<Webhook> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.watchers().push(sender);
        receiver
    }

    /// Whether anyone is told.
    pub(crate) fn is_watched(&self) -> bool {
        let mut watchers = self.watchers();
        watchers.retain(|it| !it.is_closed());
        !watchers.is_empty()
    }

    pub(crate) fn tell(&self, webhook: &Webhook) {
        self.watchers().retain(|it| it.send(webhook.clone()).is_ok());
    }

    /// Sends events as is said here from now on.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        let sends = delivery.url.is_some();
        self.courier.set(delivery);
        let mut carries = self.carries.lock().unwrap_or_else(PoisonError::into_inner);
        if sends && !*carries {
            *carries = true;
            self.runtime.spawn(Arc::clone(&self.courier).carry(self.watch(), self.stopped.clone()));
        }
    }
}
