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
}

/// What is drawn for an event.
#[derive(Clone, Copy, Default)]
struct Lot {
    doubled: bool,
    late: bool,
    lost: bool,
    forged: bool,
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
        Lot { doubled: draw(faults.doubled), late: draw(faults.reordered), lost: draw(faults.lost), forged: draw(faults.forged) }
    }

    async fn send(self: &Arc<Self>, client: &Client, webhook: Webhook, lot: Lot, stopped: &CancellationToken) {
        let delivery = self.delivery();
        let Some(url) = delivery.url.clone() else { return };
        let fault = match lot {
            Lot { lost: true, .. } => Some("lost"),
            Lot { forged: true, .. } => Some("forged"),
            Lot { late: true, .. } => Some("reordered"),
            Lot { doubled: true, .. } => Some("doubled"),
            _ => None,
        };
        if lot.lost {
            return self.note(&webhook, 0, fault, None, String::new());
        }
        let keys = if lot.forged { &self.stranger } else { &self.keys };
        let parcel = Arc::new(Parcel::new(&webhook, keys, url));
        let mut taken = self.attempt(client, &parcel, &webhook, 1, fault).await;
        if lot.doubled {
            taken &= self.attempt(client, &parcel, &webhook, 1, fault).await;
        }
        if !taken && delivery.attempts > 0 {
            let (courier, client, stopped) = (Arc::clone(self), client.clone(), stopped.clone());
            tokio::spawn(async move {
                let again = courier.again(&client, &parcel, &webhook, &delivery);
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = again => {}
                }
            });
        }
    }

    /// Later, until it is taken or has been tried often enough.
    async fn again(&self, client: &Client, parcel: &Parcel, webhook: &Webhook, delivery: &Delivery) {
        for attempt in 2..delivery.attempts.saturating_add(2) {
            let jitter = 0.9 + 0.2 * self.state().rng.get_or_insert_with(Rng::new).f64();
            tokio::time::sleep(Duration::from_millis(delivery.apart_ms).mul_f64(jitter)).await;
            if self.attempt(client, parcel, webhook, attempt, None).await {
                return;
            }
        }
    }

    /// One request; whether it was taken.
    async fn attempt(
        &self,
        client: &Client,
        parcel: &Parcel,
        webhook: &Webhook,
        attempt: u32,
        fault: Option<&'static str>,
    ) -> bool {
        let request = client
            .post(&parcel.url)
            .header("content-type", "application/json")
            .header("x-ghl-signature", &parcel.ed25519)
            .header("x-wh-signature", &parcel.rsa)
            .body(parcel.body.clone());
        let (status, error) = match request.send().await {
            Ok(answer) => (Some(answer.status()), String::new()),
            Err(error) => (None, error.without_url().to_string()),
        };
        self.note(webhook, attempt, fault, status.map(|it| it.as_u16()), error);
        status.is_some_and(|it| it.is_success())
    }

    fn note(&self, webhook: &Webhook, attempt: u32, fault: Option<&'static str>, status: Option<u16>, error: String) {
        let at = self.clock.now();
        let mut state = self.state();
        if state.attempts.len() == KEPT {
            state.attempts.pop_front();
        }
        let made = Attempt { webhook: webhook.id.clone(), event: webhook.event.clone(), at, attempt, status, fault, error };
        state.attempts.push_back(made);
    }
}

/// What is sent, the same each time.
struct Parcel {
    url: String,
    body: bytes::Bytes,
    ed25519: String,
    rsa: String,
}

impl Parcel {
    fn new(webhook: &Webhook, keys: &Keys, url: String) -> Self {
        let body = webhook.payload.to_string();
        Self { url, ed25519: keys.ed25519(body.as_bytes()), rsa: keys.rsa(body.as_bytes()), body: body.into() }
    }
}
