//! Where the browser comes back to: a listener on 127.0.0.1 that waits for one answer (RFC 8252, section 7.3).
//!
//! Invariant: it answers this machine alone, at its own address: a page of the network that resolves its name to 127.0.0.1
//! brings another `Host` and is refused.
//! Invariant: requests that are no answer end nothing; so many are served at once, so many in all, and each for so long.
//! Invariant: no page holds a code, a state or a token, and none may be kept or framed.
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, REFERRER_POLICY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::consent::{Consent, Verdict};
use super::page;
use super::settings::Redirect;
use crate::record::{Failure, FailureKind};

/// Connections at a time; one more waits.
const AT_A_TIME: usize = 16;
/// More requests than that are an attack, or a program gone wild.
const MOST: u32 = 1000;
/// How long one connection is served.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// The head of a request may be so long.
const BUFFER: usize = 16 << 10;

/// The listener, which has its address and serves nobody yet.
pub(super) struct Back {
    listener: TcpListener,
    address: SocketAddr,
}

/// What came of one request.
type Outcome = Result<Zeroizing<String>, Failure>;

/// What the requests share.
struct Desk {
    consent: Arc<Consent>,
    /// What `Host` has to say.
    host: String,
    requests: AtomicU32,
    outcome: Mutex<Option<Outcome>>,
}

impl Back {
    /// Takes an address: this port, or a free one.
    ///
    /// # Errors
    /// If it is taken.
    pub(super) async fn bind(port: Option<u16>) -> Result<Self, Failure> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
        let bound = async {
            let listener = TcpListener::bind(wanted).await?;
            let address = listener.local_addr()?;
            Ok::<_, std::io::Error>(Self { listener, address })
        };
        bound.await.map_err(|error| {
            Failure::new(FailureKind::Machine, format!("The browser cannot come back to {wanted}"))
                .detail(error.to_string())
                .hint("Another program, or another sign-in, listens there: end it, or choose another port here and in the app's settings.")
        })
    }

    /// The address that the service sends the browser to.
    pub(super) fn url(&self) -> String {
        format!("http://{}{}", self.address, Redirect::PATH)
    }

    /// The code that the browser brings. Ends when dropped.
    ///
    /// # Errors
    /// If the service or the person says no, or too much else comes in.
    pub(super) async fn wait(self, consent: Arc<Consent>) -> Outcome {
        let host = self.address.to_string();
        let desk = Arc::new(Desk { consent, host, requests: AtomicU32::new(0), outcome: Mutex::default() });
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        let (done, mut outcomes) = mpsc::channel(1);
        // Ends every connection with this future.
        let mut open = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                Some(outcome) = outcomes.recv() => return outcome,
                accepted = self.listener.accept() => accepted,
                Some(_) = open.join_next() => continue,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            if !peer.ip().is_loopback() {
                continue;
            }
            let (desk, done, places) = (Arc::clone(&desk), done.clone(), Arc::clone(&places));
            if open.len() >= 4 * AT_A_TIME {
                // Nobody here needs so many; the browser comes again.
                continue;
            }
            open.spawn(async move {
                let Ok(_place) = places.acquire_owned().await else { return };
                tokio::time::timeout(CONNECTION_TIME, serve(stream, Arc::clone(&desk))).await.ok();
                // Only now has the browser its page.
                let outcome = desk.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(outcome) = outcome {
                    done.send(outcome).await.ok();
                }
            });
        }
    }
}

async fn serve(stream: TcpStream, desk: Arc<Desk>) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = desk.answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION_TIME)
        .keep_alive(false)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::trace!(%error, "a browser's connection ended early");
    }
}

impl Desk {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let count = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if count > MOST {
            let failure = Failure::new(FailureKind::SignIn, "The sign-in was given up: something on this machine disturbs it")
                .detail(format!("{MOST} requests came that were no answer to it"))
                .hint("Close pages that you do not know, then sign in again.");
            self.end(Err(failure));
            return respond(StatusCode::TOO_MANY_REQUESTS, page::stray());
        }
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = (hosts.next().and_then(|it| it.to_str().ok()), hosts.next());
        if host != (Some(&self.host), None) {
            return respond(StatusCode::MISDIRECTED_REQUEST, page::stray());
        }
        if request.uri().path() != Redirect::PATH {
            return respond(StatusCode::NOT_FOUND, page::stray());
        }
        if request.method() != Method::GET {
            return respond(StatusCode::METHOD_NOT_ALLOWED, page::stray());
        }
        match self.consent.judge(request.uri().query().unwrap_or_default()) {
            Ok(code) => {
                self.end(Ok(code));
                respond(StatusCode::OK, page::signed_in())
            }
            Err(Verdict::Refused(failure)) => {
                let page = page::refused(&failure);
                self.end(Err(failure));
                respond(StatusCode::OK, page)
            }
            Err(Verdict::Stray) => respond(StatusCode::BAD_REQUEST, page::stray()),
        }
    }

    /// The first outcome counts.
    fn end(&self, outcome: Outcome) {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(outcome);
    }
}

fn respond(status: StatusCode, page: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"),
        (CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
