//! Servers on 127.0.0.1: one that answers by a function and remembers what it saw, and one that sends raw bytes.
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }
}

pub(super) struct Server {
    /// Without a trailing `/`.
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(super) async fn start(answer: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let router = axum::Router::new().fallback(move |request: Request| {
            let (answer, log) = (answer.clone(), Arc::clone(&log));
            async move {
                let (head, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let path = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
                let seen = Seen { method: head.method.to_string(), path, headers: head.headers, body };
                let response = answer(&seen);
                log.lock().unwrap().push(seen);
                response
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

pub(super) fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

pub(super) fn json_reply(status: u16, body: &serde_json::Value) -> Response {
    reply(status, &[("content-type", "application/json")], body.to_string())
}

/// What a raw server does once it has sent its bytes.
#[derive(Clone, Copy)]
pub(super) enum Then {
    Close,
    /// Keeps the connection open and says nothing more.
    Hang,
    /// Sends letters again and again until the other side has had enough.
    Repeat,
    /// The same with interim answers (RFC 9110, 15.2).
    Promise,
}

/// Reads the head of a request, sends `bytes`, then does as told. Returns its URL and how many connections it took.
pub(super) async fn raw(bytes: impl Into<Vec<u8>>, then: Then) -> (String, Arc<Mutex<u32>>) {
    let bytes: Arc<Vec<u8>> = Arc::new(bytes.into());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(Mutex::new(0));
    let taken = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            *taken.lock().unwrap() += 1;
            tokio::spawn(serve_raw(stream, Arc::clone(&bytes), then));
        }
    });
    (url, count)
}

async fn serve_raw(mut stream: TcpStream, bytes: Arc<Vec<u8>>, then: Then) {
    let mut head = Vec::new();
    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
        }
    }
    if stream.write_all(&bytes).await.is_err() {
        return;
    }
    match then {
        Then::Close => {}
        Then::Hang => std::future::pending().await,
        Then::Repeat | Then::Promise => {
            let more = match then {
                Then::Promise => b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100),
                _ => vec![b'x'; 65_536],
            };
            while stream.write_all(&more).await.is_ok() {}
        }
    }
}

/// A gzip stream (RFC 1952) of so many zeros, rounded up to 258: one block of fixed codes (RFC 1951, 3.2.6), each a copy of
/// 258 bytes from one byte back. Its checksum is wrong, which whoever reads it to the end finds out.
pub(super) fn gzip_of_zeros(length: usize) -> Vec<u8> {
    struct Bits(Vec<u8>, u32, u32);
    impl Bits {
        /// Codes are packed from their highest bit on.
        fn push(&mut self, code: u32, width: u32) {
            for bit in (0..width).rev() {
                self.1 |= ((code >> bit) & 1) << self.2;
                self.2 += 1;
                if self.2 == 8 {
                    self.0.push(self.1 as u8);
                    (self.1, self.2) = (0, 0);
                }
            }
        }
    }
    let mut bits = Bits(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], 0, 0);
    bits.push(0b110, 3);
    bits.push(0b0011_0000, 8);
    for _ in 0..=length / 258 {
        bits.push(0b1100_0101, 8);
        bits.push(0, 5);
    }
    bits.push(0, 7);
    bits.push(0, 7);
    bits.0.extend([0; 8]);
    bits.0
}

/// For `localhost` and 127.0.0.1, signed by itself, good for a hundred years, and trusted by nobody.
const CERTIFICATE: &str = "MIIBmjCCAUGgAwIBAgIUFT5b8g/PEkI93nupm7cg0Vu9DOEwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIwMT\
AwNFoYDzIxMjYxMDMwMjAxMDA0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQV3wrjemMsEYtzcwMM\
5OSESGSMdvExVXpSp+xXr3H7s51v8NokB2/+SI9QhGyIoFJXPEfFWZoap0xD2cnne/dqo28wbTAdBgNVHQ4EFgQUzte1wLmARR/s3XMHQT0tnb\
0/VZcwHwYDVR0jBBgwFoAUzte1wLmARR/s3XMHQT0tnb0/VZcwDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEw\
CgYIKoZIzj0EAwIDRwAwRAIgAxtLWuSweqmpOo1G47mCq0CM7aOfGOsPF6e6EXOq6o0CIDb2oxQve0suUEnufxULDXWooMg4nzLZW9JOWWaYQHNM";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdYRewvKyLZyX8TtWYFvOWmfaX+rDGnJIveno+W0spzChRANCAAQV3wrjemMsEY\
tzcwMM5OSESGSMdvExVXpSp+xXr3H7s51v8NokB2/+SI9QhGyIoFJXPEfFWZoap0xD2cnne/dq";

/// A TLS server whose certificate nobody trusts. Returns its URL and what it could read of requests.
pub(super) fn untrusted() -> (String, Arc<Mutex<Vec<u8>>>) {
    let certificate = CertificateDer::from(STANDARD.decode(CERTIFICATE).unwrap());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(STANDARD.decode(KEY).unwrap()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let read = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&read);
    std::thread::spawn(move || {
        let config = Arc::new(config);
        while let Ok((mut socket, _)) = listener.accept() {
            let Ok(mut session) = rustls::ServerConnection::new(Arc::clone(&config)) else { return };
            let mut stream = rustls::Stream::new(&mut session, &mut socket);
            let mut buffer = [0; 1024];
            if let Ok(length) = std::io::Read::read(&mut stream, &mut buffer) {
                seen.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
            let _ignored = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        }
    });
    (url, read)
}
