//! Posts events to the address that was set, one after the other, and again later where they were not taken.
//!
//! Invariant: nothing is sent unless an address was set, and to no other; redirects are not followed.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use reqwest::{Client, redirect};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::Webhook;
use super::delivery::{Attempt, Delivery};
use super::keys::{Keys, PublicKeys};
use crate::sandbox::clock::Clock;

/// Attempts that are remembered.
const KEPT: usize = 10_000;

/// What is set, and what was done.
pub(crate) struct Courier {
    keys: Keys,
    stranger: Keys,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    delivery: Delivery,
    /// Set anew with the settings.
    rng: Option<Rng>,
    attempts: VecDeque<Attempt>,
    /// In all, with those that are forgotten.
    made: u64,
}

/// What is drawn for an event.
#[derive(Clone, Copy, Default)]
struct Lot {
    doubled: bool,
    late: bool,
    lost: bool,
    forged: bool,
    unsigned: bool,
    slow: bool,
}

impl Courier {
    /// None if the key that ships with Flowyard is damaged.
    pub(crate) fn new(random: u64, clock: Clock) -> Option<Self> {
        let (keys, stranger) = (Keys::new(random)?, Keys::new(!random)?);
        Some(Self { keys, stranger, clock, state: Mutex::default() })
    }

    pub(crate) fn public_keys(&self) -> PublicKeys {
        self.keys.public()
    }

    pub(crate) fn delivery(&self) -> Delivery {
        self.state().delivery.clone()
    }

    /// For the events to come.
    pub(crate) fn set(&self, delivery: Delivery) {
        let mut state = self.state();
        state.rng = None;
        state.delivery = delivery;
    }

    /// Oldest first, as far as they are remembered.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.state().attempts.iter().cloned().collect()
    }

    /// The newest first.
    pub(crate) fn last_attempts(&self, most: usize) -> Vec<Attempt> {
        self.state().attempts.iter().rev().take(most).cloned().collect()
    }

    pub(crate) fn made(&self) -> u64 {
        self.state().made
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries what happens until the sandbox stops.
    pub(crate) async fn carry(self: Arc<Self>, mut events: UnboundedReceiver<Webhook>, stopped: CancellationToken) {
        // A second one is refused, and is the same anyway.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(Duration::from_millis(Delivery::TIMEOUT_MS))
            .no_proxy()
            .build();
        let client = match client {
            Ok(client) => client,
            Err(error) => return tracing::error!(%error, "webhooks cannot be sent"),
        };
        let work = async {
            let mut late: Option<(Webhook, Lot)> = None;
            loop {
                let next = match late.take() {
                    None => events.recv().await,
                    Some((webhook, lot)) => {
                        let wait = Duration::from_millis(Delivery::LATE_MS);
                        let next = tokio::time::timeout(wait, events.recv()).await.unwrap_or(None);
                        if let Some(next) = next {
                            // The one that it was to come after goes first, whatever its own lot.
                            let drawn = Lot { late: false, ..self.draw() };
                            self.send(&client, next, drawn, &stopped).await;
                        }
                        self.send(&client, webhook, lot, &stopped).await;
                        continue;
                    }
                };
                let Some(webhook) = next else { return };
                let lot = self.draw();
                if lot.late && !lot.lost {
                    late = Some((webhook, lot));
                } else {
                    self.send(&client, webhook, lot, &stopped).await;
                }
            }
        };
        tokio::select! {
            () = stopped.cancelled() => {}
            () = work => {}
        }
    }

    fn draw(&self) -> Lot {
        let mut state = self.state();
        let faults = state.delivery.faults;
        let rng = state.rng.get_or_insert_with(|| Rng::with_seed(faults.random));
        // Each is drawn for each event, so that switching one on does not move the others.
        let mut draw = |share: f64| rng.f64() < share;
        let (doubled, late, lost) = (draw(faults.doubled), draw(faults.reordered), draw(faults.lost));
        let (forged, unsigned, slow) = (draw(faults.forged), draw(faults.unsigned), draw(faults.slow));
        Lot { doubled, late, lost, forged, unsigned, slow }
    }

    async fn send(self: &Arc<Self>, client: &Client, webhook: Webhook, lot: Lot, stopped: &CancellationToken) {
        let delivery = self.delivery();
        let Some(url) = delivery.url.clone() else { return };
        let fault = match lot {
            Lot { lost: true, .. } => Some("lost"),
            Lot { unsigned: true, .. } => Some("unsigned"),
            Lot { forged: true, .. } => Some("forged"),
            Lot { slow: true, .. } => Some("slow"),
            Lot { late: true, .. } => Some("reordered"),
            Lot { doubled: true, .. } => Some("doubled"),
            _ => None,
        };
        if lot.lost {
            return self.note(&webhook, &url, 0, fault, None, String::new());
        }
        let keys = match lot {
            Lot { unsigned: true, .. } => None,
            Lot { forged: true, .. } => Some(&self.stranger),
            _ => Some(&self.keys),
        };
        let errand = Errand { parcel: Parcel::new(&webhook, keys, url), webhook, delivery, fault };
        if lot.slow {
            let wait = Duration::from_millis(errand.delivery.faults.slow_ms.min(Delivery::SLOWEST_MS));
            let (courier, client) = (Arc::clone(self), client.clone());
            aside(stopped, async move {
                tokio::time::sleep(wait).await;
                if !courier.first(&client, &errand, lot.doubled).await {
                    courier.again(&client, &errand).await;
                }
            });
        } else if !self.first(client, &errand, lot.doubled).await && errand.delivery.attempts > 0 {
            let (courier, client) = (Arc::clone(self), client.clone());
            aside(stopped, async move { courier.again(&client, &errand).await });
        }
    }

    /// The first attempt, or the first two; whether it was taken.
    async fn first(&self, client: &Client, errand: &Errand, doubled: bool) -> bool {
        let mut taken = self.attempt(client, errand, 1, errand.fault).await;
        if doubled {
            taken &= self.attempt(client, errand, 1, errand.fault).await;
        }
        taken
    }

    /// Later, until it is taken or has been tried often enough.
    async fn again(&self, client: &Client, errand: &Errand) {
        let delivery = &errand.delivery;
        for attempt in 2..delivery.attempts.saturating_add(2) {
            let jitter = 0.9 + 0.2 * self.state().rng.get_or_insert_with(Rng::new).f64();
            tokio::time::sleep(Duration::from_millis(delivery.apart_ms).mul_f64(jitter)).await;
            if self.attempt(client, errand, attempt, None).await {
                return;
            }
        }
    }

    /// One request; whether it was taken.
    async fn attempt(&self, client: &Client, errand: &Errand, attempt: u32, fault: Option<&'static str>) -> bool {
        let parcel = &errand.parcel;
        let mut request = client.post(&parcel.url).header("content-type", "application/json").body(parcel.body.clone());
        if let Some((ed25519, rsa)) = &parcel.signatures {
            request = request.header("x-ghl-signature", ed25519).header("x-wh-signature", rsa);
        }
        let (status, error) = match request.send().await {
            Ok(answer) => (Some(answer.status()), String::new()),
            Err(error) => (None, error.without_url().to_string()),
        };
        self.note(&errand.webhook, &parcel.url, attempt, fault, status.map(|it| it.as_u16()), error);
        status.is_some_and(|it| it.is_success())
    }

    fn note(&self, webhook: &Webhook, url: &str, attempt: u32, fault: Option<&'static str>, status: Option<u16>, error: String) {
        let at = self.clock.now();
        let mut state = self.state();
        if state.attempts.len() == KEPT {
            state.attempts.pop_front();
        }
        let (id, event) = (webhook.id.clone(), webhook.event.clone());
        let made = Attempt { webhook: id, event, url: url.to_owned(), at, attempt, status, fault, error };
        state.attempts.push_back(made);
        state.made += 1;
    }
}

/// Does something beside what is carried, until the sandbox stops.
fn aside(stopped: &CancellationToken, work: impl Future<Output = ()> + Send + 'static) {
    let stopped = stopped.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = stopped.cancelled() => {}
            () = work => {}
        }
    });
}

/// An event on its way.
struct Errand {
    webhook: Webhook,
    parcel: Parcel,
    delivery: Delivery,
    fault: Option<&'static str>,
}

/// What is sent, the same each time.
struct Parcel {
    url: String,
    body: bytes::Bytes,
    /// By Ed25519 and by RSA; none where it is sent without.
    signatures: Option<(String, String)>,
}

impl Parcel {
    fn new(webhook: &Webhook, keys: Option<&Keys>, url: String) -> Self {
        let body = webhook.payload.to_string();
        let signatures = keys.map(|it| (it.ed25519(body.as_bytes()), it.rsa(body.as_bytes())));
        Self { url, signatures, body: body.into() }
    }
}
