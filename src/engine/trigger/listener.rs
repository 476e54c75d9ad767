//! The HTTP listener: takes connections, a bounded number at a time, and hands their requests to [`super::answer`].
//!
//! Invariant: no connection costs more than a bounded buffer, and none that is slow, idle or silent stays for ever; while
//! there is room the others do not notice it.
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::engine::shared::Shared;
use crate::record::{Failure, FailureKind};

/// The head of a request may be so long, and so much of a body waits in memory before it is read.
const BUFFER: usize = 64 << 10;
/// So long a connection is used before its next answer ends it.
const AGE: Duration = Duration::from_mins(10);
/// After the system could not give a connection, so long nothing is asked of it.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes the address.
pub(in crate::engine) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => "Another program listens there: choose another port, or 0 for a free one.",
            ErrorKind::PermissionDenied => "Ports below 1024 need special rights: choose a higher one.",
            ErrorKind::AddrNotAvailable => "This machine does not have that address: 127.0.0.1 always works.",
            _ => "Choose another address.",
        };
        Failure::new(FailureKind::Machine, format!("Cannot listen on {address}")).detail(error.to_string()).hint(hint)
    })
}

/// Serves until the engine stops.
pub(in crate::engine) fn listen(shared: &Arc<Shared>, listener: TcpListener) -> Result<SocketAddr, Failure> {
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new(FailureKind::Machine, "Cannot tell the listener's address").detail(error.to_string()))?;
    tokio::spawn(accept(Arc::clone(shared), listener));
    Ok(address)
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(shared.limits.hook_connections));
    let stopped = shared.stopped();
    let next = async || {
        // Never closed.
        let place = Arc::clone(&places).acquire_owned().await.ok()?;
        Some((listener.accept().await, place))
    };
    loop {
        let (accepted, place) = tokio::select! {
            () = stopped.cancelled() => return,
            next = next() => match next {
                Some(it) => it,
                None => return,
            },
        };
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(serve(Arc::clone(&shared), stream, place, Arc::clone(&places)))),
            // The other side has gone away already.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

/// One connection, for as long as it is used.
async fn serve(shared: Arc<Shared>, stream: TcpStream, place: OwnedSemaphorePermit, places: Arc<Semaphore>) {
    stream.set_nodelay(true).ok();
    let limits = shared.limits;
    let stopped = shared.stopped();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (shared, places) = (Arc::clone(&shared), Arc::clone(&places));
        async move {
            let mut response = super::answer(shared, request.map(Body::new)).await;
            // Where few places are left, nobody keeps one for later.
            if places.available_permits() <= limits.hook_connections / 4 {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.hook_time)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let used = async {
        tokio::select! {
            () = stopped.cancelled() => {}
            () = tokio::time::sleep(AGE) => {}
        }
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = used => {
            connection.as_mut().graceful_shutdown();
            // What is being answered is answered; a sender that does not even read its answer has had its time.
            let last = limits.hook_time + limits.answer_time;
            tokio::time::timeout(last, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection ended early");
    }
    drop(place);
}
