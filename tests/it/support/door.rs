//! The way to the sandbox: whatever is asked of the services goes through here, to be watched or to be made slow.
use std::sync::{Arc, Mutex as Lock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::{Response, StatusCode};
use flowyard::sandbox::{Access, Handle, Snapshot};
use tokio::sync::Mutex;

/// A door before a sandbox; ends with the runtime.
#[derive(Clone)]
pub(crate) struct Door {
    url: String,
    inside: Arc<Inside>,
}

struct Inside {
    sandbox: Handle,
    client: reqwest::Client,
    manner: Manner,
}

enum Manner {
    /// One request at a time, and a snapshot of the sandbox after each.
    Watched { turn: Mutex<()>, states: Lock<Vec<Snapshot>> },
    /// Each request reaches the sandbox late, and its answer comes back late, by up to so long each.
    Slow { chance: Lock<fastrand::Rng>, longest: Duration },
}

impl Door {
    /// A door that keeps the state of the sandbox after every request.
    pub(crate) async fn watched(sandbox: &Handle) -> Self {
        Self::open(sandbox, Manner::Watched { turn: Mutex::new(()), states: Lock::default() }).await
    }

    /// A door that holds requests and answers up, by chance.
    pub(crate) async fn slow(sandbox: &Handle, random: u64, longest: Duration) -> Self {
        Self::open(sandbox, Manner::Slow { chance: Lock::new(fastrand::Rng::with_seed(random)), longest }).await
    }

    async fn open(sandbox: &Handle, manner: Manner) -> Self {
        // Whoever was first has installed the same one.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let inside = Arc::new(Inside { sandbox: sandbox.clone(), client, manner });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(pass).with_state(Arc::clone(&inside));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inside }
    }

    /// The sandbox's access, by way of this door.
    pub(crate) fn access(&self) -> Access {
        let mut access = self.inside.sandbox.access().clone();
        for url in [&mut access.highlevel.base_url, &mut access.schedule_it.base_url] {
            *url = url.replace(self.inside.sandbox.url(), &self.url);
        }
        access
    }

    /// The states since this was asked for the last time, one for each request.
    pub(crate) fn take_states(&self) -> Vec<Snapshot> {
        match &self.inside.manner {
            Manner::Watched { states, .. } => std::mem::take(&mut *states.lock().expect("not poisoned")),
            Manner::Slow { .. } => Vec::new(),
        }
    }
}

impl Inside {
    /// A wait for which the services are to blame.
    async fn dawdle(&self) {
        if let Manner::Slow { chance, longest } = &self.manner {
            let share = chance.lock().expect("not poisoned").f64();
            tokio::time::sleep(longest.mul_f64(share)).await;
        }
    }

    async fn forward(&self, request: Request) -> Response<Body> {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else {
            // The caller was gone in the middle of it, and nobody hears this.
            return Response::new(Body::empty());
        };
        let mut headers = head.headers;
        headers.remove(HOST);
        headers.remove(CONNECTION);
        let path = head.uri.path_and_query().map_or("/", |it| it.as_str());
        let sent = self.client.request(head.method, format!("{}{path}", self.sandbox.url())).headers(headers).body(body).send();
        let answer = sent.await.expect("the sandbox answers");
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(Body::from(answer.bytes().await.expect("a whole answer")));
        *response.status_mut() = StatusCode::from_u16(status.as_u16()).expect("a status");
        *response.headers_mut() = headers;
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            response.headers_mut().remove(name);
        }
        response
    }
}

/// A caller that is gone takes its request along, wherever that is: before the sandbox, or on the way back.
async fn pass(State(inside): State<Arc<Inside>>, request: Request) -> Response<Body> {
    match &inside.manner {
        Manner::Watched { turn, states } => {
            let _turn = turn.lock().await;
            let response = inside.forward(request).await;
            states.lock().expect("not poisoned").push(inside.sandbox.snapshot());
            response
        }
        Manner::Slow { .. } => {
            inside.dawdle().await;
            let response = inside.forward(request).await;
            inside.dawdle().await;
            response
        }
    }
}
