//! Requests to webhooks that no well-meaning sender makes: each is answered, early and in words, the connection or at least
//! the listener goes on, and what was accepted is in the log.
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowyard::catalog::Catalog;
use flowyard::engine::{self, CallSettings, Clock, Deployment, Handle, JournalOptions, Limits, Mode, Settings};
use flowyard::flow::WebhookAnswer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::binary::{Home, Running};
use crate::support::files::listening;
use crate::support::flows::{flow, webhook};

const JSON: &str = "content-type: application/json\r\n";
const LAST: &str = "connection: close\r\n";
/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection that sends slowly has so long until it is ended (`Limits::hook_time`); nobody else waits for that.
const SLOW: Duration = Duration::from_secs(30);

/// The real binary, with a flow that listens on `/hooks/in`.
struct Served {
    home: Home,
    running: Running,
    address: String,
}

impl Served {
    fn start() -> Self {
        let home = Home::new();
        home.write("a.flowyard", &listening("in"));
        let running = home.spawn(&["serve", "a.flowyard", "--listen", "127.0.0.1:0", "--sandbox", "--data", "d"]);
        let url = running.line();
        let address = url.strip_prefix("http://").and_then(|it| it.split_once('/')).expect("an address").0.to_owned();
        Self { home, running, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("a listener");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }

    /// Sends these bytes on a connection of their own; all that is answered. Whether all could be sent is not asked.
    fn send(&self, head: &str, body: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(&request(head, body)).ok();
        rest_of(stream)
    }

    /// A good request on a connection of its own is answered at once.
    #[track_caller]
    fn is_well(&self) {
        let began = Instant::now();
        let answer = self.send(&format!("{JSON}{LAST}"), b"{}");
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        assert!(began.elapsed() < SLOW, "{:?}", began.elapsed());
    }

    /// Ends it, and counts the runs in its log, all of which have ended well.
    fn end(self) -> usize {
        let Self { home, running, .. } = self;
        running.interrupt();
        running.end().with_code(0);
        let runs = home.run(&["log", "list", "--data", "d", "--json", "--limit", "1000"]).with_code(0).objects();
        assert!(runs.iter().all(|it| it["outcome"] == json!("succeeded")), "{runs:?}");
        runs.len()
    }
}

fn request(head: &str, body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}\r\n", body.len());
    let length = if head.contains("content-length") || head.contains("transfer-encoding") { "" } else { &length };
    [format!("POST /hooks/in HTTP/1.1\r\nhost: x\r\n{head}{length}\r\n").as_bytes(), body].concat()
}

fn rest_of(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset has answered before.
    stream.read_to_end(&mut bytes).ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer on a connection that stays open: its status and its body.
fn next_answer(stream: &mut TcpStream) -> (u16, Value) {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).expect("an answer"), 1, "{}", String::from_utf8_lossy(&bytes));
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    let length = head.lines().find_map(|it| it.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn nested(depth: usize) -> Vec<u8> {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
}

#[test]
fn bodies_that_are_not_what_they_say_are_refused_in_words_and_the_connection_goes_on() {
    let served = Served::start();
    let mut stream = served.connect();
    let other = "content-type: image/png\r\n";
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let mut accepted = 0;
    for (head, body, status, words) in [
        (JSON, &b"{\"a\":"[..], 400, "not JSON"),
        (JSON, b"<html>", 400, "not JSON"),
        (JSON, b"\xff\xfe{\0}\0", 400, "not JSON"),
        (JSON, b"{\"a\": \"\xff\"}", 400, "not JSON"),
        (JSON, b"{\"a\": 1e999}", 400, "not JSON"),
        (JSON, b"{} {}", 400, "not JSON"),
        (JSON, &nested(101), 413, "nests more than 100 deep"),
        (JSON, &nested(100_000), 413, "nests more than 100 deep"),
        (JSON, &nested(100), 202, ""),
        (JSON, format!("[{}0]", "{},".repeat(600_000)).as_bytes(), 413, "more than 500000 values"),
        (form, &[b'&'; 4000].repeat(200), 413, "more than 500000 values"),
        (form, b"a=%ff&b=%zz&=&&&", 202, ""),
        (other, b"\x89PNG\xff\0", 415, "not text"),
        ("content-type: \r\n", b"{\"a\":", 202, ""),
        ("content-type: application/json, text/html\r\n", b"{", 202, ""),
        ("", b"\xff", 415, "not text"),
        ("", b"", 202, ""),
    ] {
        stream.write_all(&request(head, body)).expect("it is read");
        let (found, answer) = next_answer(&mut stream);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(found == status && error.contains(words), "{head}{}: {found} {answer}", body.len());
        accepted += usize::from(found == 202);
    }
    served.is_well();
    assert_eq!(served.end(), accepted + 1);
}

#[test]
fn a_body_of_100_mb_is_refused_early_without_being_kept() {
    let served = Served::start();
    let piece = vec![b' '; 1 << 20];
    let memory = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", served.running.pid())).unwrap_or_default();
        status.lines().find_map(|it| it.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse::<u64>().ok())
    };
    let before = memory();
    // By its length, before a byte of it; all of it may be sent, and the connection goes on.
    let mut stream = served.connect();
    stream.write_all(&request(&format!("{JSON}content-length: 104857600\r\n"), b"")).expect("it is read");
    assert_eq!(next_answer(&mut stream).0, 413);
    for _ in 0..100 {
        stream.write_all(&piece).expect("it is thrown away");
    }
    stream.write_all(&request(JSON, b"{}")).expect("it is read");
    assert_eq!(next_answer(&mut stream).0, 202);
    // In chunks, once there are too many.
    let mut stream = served.connect();
    stream.write_all(&request(&format!("{JSON}transfer-encoding: chunked\r\n"), b"")).expect("it is read");
    for _ in 0..100 {
        stream
            .write_all(b"100000\r\n")
            .and_then(|()| stream.write_all(&piece))
            .and_then(|()| stream.write_all(b"\r\n"))
            .expect("it is thrown away");
    }
    stream.write_all(b"0\r\n\r\n").expect("it is thrown away");
    assert_eq!(next_answer(&mut stream).0, 413);
    if let (Some(before), Some(after)) = (before, memory()) {
        assert!(after < before + 40_000, "from {before} to {after} kB");
    }
    served.is_well();
    assert_eq!(served.end(), 2);
}

#[test]
fn who_asks_first_whether_to_send_is_told() {
    let served = Served::start();
    let asks = "expect: 100-continue\r\n";
    let mut stream = served.connect();
    stream.write_all(&request(&format!("{JSON}{asks}content-length: 104857600\r\n"), b"")).expect("it is read");
    assert_eq!(next_answer(&mut stream).0, 413, "and is not told to go on");
    let mut stream = served.connect();
    stream.write_all(&request(&format!("{JSON}{asks}content-length: 2\r\n"), b"")).expect("it is read");
    assert_eq!(next_answer(&mut stream).0, 100);
    stream.write_all(b"{}").expect("it is read");
    assert_eq!(next_answer(&mut stream).0, 202);
    stream.write_all(&request(JSON, b"{}")).expect("it is read");
    assert_eq!(next_answer(&mut stream).0, 202);
    assert_eq!(served.end(), 2);
}

#[test]
fn bodies_that_are_cut_begin_no_run() {
    let served = Served::start();
    for (head, body) in [
        (format!("{JSON}content-length: 100\r\n"), &b"{}"[..]),
        (format!("{JSON}transfer-encoding: chunked\r\n"), b"2\r\n{}"),
        (format!("{JSON}transfer-encoding: chunked\r\n"), b"2\r\n{}\r\n"),
        (format!("{JSON}transfer-encoding: chunked\r\n"), b"5\r\n{"),
        (format!("{JSON}transfer-encoding: chunked\r\n"), b"zz\r\n{}\r\n0\r\n\r\n"),
        (format!("{JSON}transfer-encoding: chunked\r\n"), b"fffffffffffffffffffff\r\n{}"),
    ] {
        let mut stream = served.connect();
        stream.write_all(&request(&head, body)).expect("it is read");
        stream.shutdown(Shutdown::Write).expect("half of it is closed");
        let answer = rest_of(stream);
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("did not arrive whole"), "{head}: {answer}");
        // And one whose sender is gone altogether.
        let mut stream = served.connect();
        stream.write_all(&request(&head, body)).expect("it is read");
        drop(stream);
    }
    served.is_well();
    assert_eq!(served.end(), 1);
}

#[test]
fn heads_that_are_no_http_flood_or_contradict_themselves_are_refused() {
    let served = Served::start();
    let many = (0..1000).map(|it| format!("x-{it}: y\r\n")).collect::<Vec<_>>().concat();
    let long = format!("x: {}\r\n", "y".repeat(1 << 20));
    for (head, status) in [
        (format!("{many}{LAST}"), "431"),
        (format!("{long}{LAST}"), "431"),
        ("content-length: 2\r\ncontent-length: 3\r\n".to_owned(), "400"),
        ("content-length: -2\r\n".to_owned(), "400"),
        ("content-length: 99999999999999999999999\r\n".to_owned(), "400"),
        ("transfer-encoding: gzip\r\n".to_owned(), "400"),
        ("x: a\0b\r\n".to_owned(), "400"),
        ("no colon\r\n".to_owned(), "400"),
    ] {
        let answer = served.send(&head, b"{}");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{}: {answer}", &head[..head.len().min(60)]);
    }
    for (bytes, status) in [
        ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n".to_owned(), "400"),
        ("POST /hooks/in HTTP/9.9\r\n\r\n".to_owned(), "400"),
        // As an address or as a head, whichever bound is met first.
        (format!("GET /hooks/in?{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(1 << 20)), "4"),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n{LAST}\r\n", "a".repeat(10_000)), "404"),
        (format!("GET /hooks/%69%6e HTTP/1.1\r\nhost: x\r\n{LAST}\r\n"), "404"),
        (format!("GET /hooks/../in HTTP/1.1\r\nhost: x\r\n{LAST}\r\n"), "404"),
    ] {
        let mut stream = served.connect();
        stream.write_all(bytes.as_bytes()).ok();
        let answer = rest_of(stream);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{}: {answer}", &bytes[..bytes.len().min(60)]);
    }
    // One that never ends is not read for ever.
    let mut stream = served.connect();
    stream.write_all(b"POST /hooks/in HTTP/1.1\r\n").expect("it is read");
    let piece = format!("x: {}\r\n", "y".repeat(1000));
    let sent = (0..100_000).take_while(|_| stream.write_all(piece.as_bytes()).is_ok()).count();
    assert!(sent < 100_000, "{sent} kB were taken");
    served.is_well();
    assert_eq!(served.end(), 1);
}

#[test]
fn requests_in_a_row_without_waiting_are_answered_in_their_order() {
    let served = Served::start();
    let mut stream = served.connect();
    let many: Vec<u8> =
        [&b"{\"n\":1}"[..], b"{", b"\xff", b"{\"n\":2}", b""].iter().flat_map(|body| request(JSON, body)).collect();
    stream.write_all(&many).expect("it is read");
    let statuses: Vec<u16> = (0..5).map(|_| next_answer(&mut stream).0).collect();
    assert_eq!(statuses, [202, 400, 400, 202, 202]);
    assert_eq!(served.end(), 3);
}

#[test]
fn an_empty_id_of_a_delivery_is_none_and_a_very_long_one_is_one() {
    let served = Served::start();
    let deliver = |id: &str| {
        let answer = served.send(&format!("{JSON}{LAST}x-delivery: {id}\r\n"), b"{}");
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        serde_json::from_str::<Value>(body).expect("JSON")["duplicate"] == json!(true)
    };
    assert!([deliver(""), deliver(""), deliver(" ")].iter().all(|it| !it));
    let long = "d".repeat(50_000);
    assert_eq!([deliver(&long), deliver(&long), deliver(&format!("{long}e"))], [false, true, false]);
    assert_eq!(served.end(), 5);
}

#[test]
fn many_connections_that_send_slowly_do_not_keep_others_from_being_answered() {
    let served = Served::start();
    let slow: Vec<TcpStream> = (0..400)
        .map(|it| {
            let mut stream = served.connect();
            let whole = request(&format!("{JSON}content-length: 100\r\n"), b"{");
            let sent = if it % 2 == 0 { whole.len() } else { 20 };
            stream.write_all(&whole[..sent]).expect("it is read");
            stream
        })
        .collect();
    for _ in 0..20 {
        served.is_well();
    }
    drop(slow);
    assert_eq!(served.end(), 20);
}

/// An engine with a flow that listens on `/hooks/in`, and with these limits.
async fn engine_with(dir: &Path, limits: Limits) -> (Handle, SocketAddr) {
    let flow = flow("f", &[("t", webhook("in", WebhookAnswer::Accepted))], &[]);
    let settings = Settings {
        data: dir.to_owned(),
        journal: JournalOptions::default(),
        catalog: Catalog::default(),
        connections: Vec::new(),
        vault: engine::Vault::in_memory(),
        mode: Mode::Sandbox,
        flows: vec![Deployment::listening(Arc::new(flow), BTreeMap::new())],
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        clock: Clock::System,
        calls: CallSettings::default(),
        limits,
        recover: true,
    };
    let handle = engine::start(settings).await.expect("an engine");
    let address = handle.address().expect("an address");
    (handle, address)
}

async fn sent(address: SocketAddr, bytes: &[u8]) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a listener");
    stream.write_all(bytes).await.expect("it is read");
    stream
}

/// All that is answered until the connection ends.
async fn answered(mut stream: tokio::net::TcpStream) -> String {
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an end").expect("text");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_takes_too_long_is_ended_and_makes_room() {
    let dir = tempfile::tempdir().expect("a directory");
    let limits = Limits { hook_connections: 4, hook_time: Duration::from_millis(300), ..Limits::default() };
    let (handle, address) = engine_with(dir.path(), limits).await;
    let began = Instant::now();
    // Two bodies and two heads that do not come to their end take all the places there are.
    let slow = request(&format!("{JSON}content-length: 100\r\n"), b"{");
    let bodies = [sent(address, &slow).await, sent(address, &slow).await];
    let heads = [sent(address, &slow[..30]).await, sent(address, &slow[..30]).await];
    // One more waits for a place, and gets it.
    let answer = answered(sent(address, &request(&format!("{JSON}{LAST}"), b"{}")).await).await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert!(began.elapsed() >= Duration::from_millis(290), "{:?}", began.elapsed());
    for stream in bodies {
        let answer = answered(stream).await;
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("It may take 0.3 s"), "{answer}");
    }
    for stream in heads {
        assert_eq!(answered(stream).await, "", "who has asked nothing gets no answer");
    }
    handle.stop().wait().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_few_places_are_left_no_connection_is_kept_for_later() {
    let dir = tempfile::tempdir().expect("a directory");
    let (handle, address) = engine_with(dir.path(), Limits { hook_connections: 4, ..Limits::default() }).await;
    let good = request(JSON, b"{}");
    let mut first = sent(address, &good).await;
    let mut head = [0; 12];
    first.read_exact(&mut head).await.expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 202");
    let silent = [sent(address, b"").await, sent(address, b"").await];
    // The last place: answered, and given back.
    for _ in 0..5 {
        let answer = answered(sent(address, &good).await).await;
        assert!(answer.starts_with("HTTP/1.1 202 ") && answer.contains("connection: close"), "{answer}");
    }
    drop((first, silent));
    handle.stop().wait().await;
}
