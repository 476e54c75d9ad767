//! A service on this machine that answers with any bytes, also such as no service should.
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a request is answered with.
#[derive(Debug, Clone)]
pub(crate) enum Raw {
    /// These bytes; then the connection is closed.
    Bytes(Vec<u8>),
    /// The first bytes, and then the second ones again and again, for as long as the other side takes them.
    Endless(Vec<u8>, Vec<u8>),
}

/// Ends with the test's process.
pub(crate) struct RawService {
    /// Without a slash at its end.
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl RawService {
    /// The answer may depend on the first line of the request.
    pub(crate) fn start(answer: impl Fn(&str) -> Raw + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || {
                    // Whoever calls may leave at any moment.
                    serve(stream, &*answer, &seen).ok();
                });
            }
        });
        Self { url, requests }
    }

    /// The first lines of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Raw, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut head = Vec::new();
    while !head.windows(4).any(|it| it == b"\r\n\r\n") {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => head.extend_from_slice(&buffer[..length]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let line = head.lines().next().unwrap_or_default().to_owned();
    seen.lock().expect("not poisoned").push(line.clone());
    match answer(&line) {
        Raw::Bytes(bytes) => stream.write_all(&bytes),
        Raw::Endless(first, piece) => {
            stream.write_all(&first)?;
            loop {
                stream.write_all(&piece)?;
            }
        }
    }
}
