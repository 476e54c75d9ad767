//! The way to the sandbox: whatever is asked of the services goes through here, to be watched or to be made slow.
use std::sync::{Arc, Mutex as Lock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::{Response, StatusCode};
use flowyard::sandbox::{Access, Handle, Snapshot};
use tokio::sync::{Mutex, watch};

/// One request in so many is so many times later than the others.
const MUCH_LATER: (u8, u32) = (10, 30);

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

/// Is called when a request has come, before anything is done with it.
type Bell = Box<dyn FnMut() + Send>;

enum Manner {
    /// One request at a time, and a snapshot of the sandbox after each. Somebody may be told as soon as one is there.
    Watched { turn: Mutex<()>, states: Lock<Vec<Snapshot>>, bell: Lock<Option<Bell>> },
    /// Each request reaches the sandbox late, and its answer comes back late, by up to so long each; a few are much later.
    Slow { chance: Lock<fastrand::Rng>, longest: Duration, under_way: watch::Sender<usize> },
}

impl Door {
    /// A door that keeps the state of the sandbox after every request.
    pub(crate) async fn watched(sandbox: &Handle) -> Self {
        Self::open(sandbox, Manner::Watched { turn: Mutex::new(()), states: Lock::default(), bell: Lock::default() }).await
    }

    /// A door that holds requests and answers up, by chance. Half of the requests are carried out even if the caller is gone.
    pub(crate) async fn slow(sandbox: &Handle, random: u64, longest: Duration) -> Self {
        let chance = Lock::new(fastrand::Rng::with_seed(random));
        Self::open(sandbox, Manner::Slow { chance, longest, under_way: watch::Sender::new(0) }).await
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

    /// From now on this is called when a request has come, before anything is done with it.
    pub(crate) fn on_arrival(&self, told: impl FnMut() + Send + 'static) {
        let Manner::Watched { bell, .. } = &self.inside.manner else { panic!("nobody watches") };
        *bell.lock().expect("not poisoned") = Some(Box::new(told));
    }

    /// Waits until the services are done with every request that came.
    pub(crate) async fn quiet(&self) {
        if let Manner::Slow { under_way, .. } = &self.inside.manner {
            under_way.subscribe().wait_for(|it| *it == 0).await.expect("it is open");
        }
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
    /// A request for which the service takes its time: so long before it does it, and so long until it says so.
    async fn dawdle(self: Arc<Self>, request: Request, _counted: UnderWay, [before, after]: [Duration; 2]) -> Response<Body> {
        tokio::time::sleep(before).await;
        let response = self.forward(request).await;
        tokio::time::sleep(after).await;
        response
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

/// Counts a request for as long as it is under way.
struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    fn count(under_way: &watch::Sender<usize>) -> Self {
        under_way.send_modify(|it| *it += 1);
        Self(under_way.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|it| *it -= 1);
    }
}

async fn pass(State(inside): State<Arc<Inside>>, request: Request) -> Response<Body> {
    match &inside.manner {
        Manner::Watched { turn, states, bell } => {
            let _turn = turn.lock().await;
            if let Some(told) = &mut *bell.lock().expect("not poisoned") {
                told();
            }
            let response = inside.forward(request).await;
            states.lock().expect("not poisoned").push(inside.sandbox.snapshot());
            response
        }
        Manner::Slow { chance, longest, under_way } => {
            let (goes_on, waits) = {
                let mut chance = chance.lock().expect("not poisoned");
                let most = if chance.u8(..MUCH_LATER.0) == 0 { *longest * MUCH_LATER.1 } else { *longest };
                (chance.bool(), [most.mul_f64(chance.f64()), longest.mul_f64(chance.f64())])
            };
            let request = Arc::clone(&inside).dawdle(request, UnderWay::count(under_way), waits);
            // This task ends with its caller, wherever the request is by then; one of its own does not.
            if goes_on { tokio::spawn(request).await.expect("an answer") } else { request.await }
        }
    }
}
