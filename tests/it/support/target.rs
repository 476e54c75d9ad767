//! A service on this machine that does as it is told, and keeps what it got.
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;
use tokio::sync::Notify;

/// What it does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    /// Answers with this status and the body that it got.
    Echo(u16),
    /// Keeps the request, and answers only once it is told to.
    Hold,
}

/// The service; ends with the runtime.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    state: Arc<Inside>,
}

struct Inside {
    next: Mutex<VecDeque<Behaviour>>,
    got: Mutex<Vec<Value>>,
    arrived: Notify,
    release: Notify,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let state =
            Arc::new(Inside { next: Mutex::default(), got: Mutex::default(), arrived: Notify::new(), release: Notify::new() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(take).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/take", self.address)
    }

    /// What happens to the next requests; after these, echo with 200.
    pub(crate) fn then(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state.next.lock().expect("not poisoned").extend(behaviours);
    }

    pub(crate) fn got(&self) -> Vec<Value> {
        self.state.got.lock().expect("not poisoned").clone()
    }

    /// Waits until this many requests have come.
    pub(crate) async fn arrived(&self, count: usize) {
        loop {
            let arrived = self.state.arrived.notified();
            if self.got().len() >= count {
                return;
            }
            arrived.await;
        }
    }

    pub(crate) fn release(&self) {
        self.state.release.notify_waiters();
    }
}

async fn take(State(state): State<Arc<Inside>>, body: Bytes) -> (StatusCode, Bytes) {
    let behaviour = state.next.lock().expect("not poisoned").pop_front().unwrap_or(Behaviour::Echo(200));
    let release = state.release.notified();
    state.got.lock().expect("not poisoned").push(serde_json::from_slice(&body).unwrap_or_default());
    state.arrived.notify_waiters();
    match behaviour {
        Behaviour::Echo(status) => (StatusCode::from_u16(status).expect("a status"), body),
        Behaviour::Hold => {
            release.await;
            (StatusCode::OK, body)
        }
    }
}
