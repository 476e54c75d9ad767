//! Events that come in, 64 at a time.
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{Sandbox, Server};
use crate::standstill::{self, Watch};
use crate::{Fallible, process};

const SENDERS: usize = 64;
/// So many events warm it up, and so many count, each time.
const WARM: usize = 5_000;
const EVENTS: usize = 30_000;
const TIMES: usize = 3;
/// Events a second: so many, each sent at its time whether or not others are answered by then; as many as go; and so many again,
/// while the runs that the rush began are made up for.
const RATES: [Option<u32>; 3] = [Some(5_000), None, Some(5_000)];

fn flow(signed: bool) -> Value {
    let trigger = if signed {
        json!({ "name": "It", "kind": "trigger", "trigger": "event", "event": "highlevel.webhook.ContactCreate", "slot": "crm" })
    } else {
        json!({ "name": "It", "kind": "trigger", "trigger": "webhook", "path": "bench", "delivery_field": "webhookId" })
    };
    json!({
        "flowyard": 1, "id": "came", "name": "Came", "slots": { "crm": "highlevel" },
        "nodes": {
            "it": trigger,
            "say": { "name": "Say it", "kind": "log", "message": { "text": "It happened" } },
        },
        "edges": [{ "from": "it", "port": "out", "to": "say" }],
    })
}

/// Whole requests, each another event.
fn requests(place: &Place, from: usize, count: usize) -> Vec<Vec<u8>> {
    let request = |number: usize| {
        let body = json!({
            "type": "ContactCreate", "webhookId": format!("event-{number}"), "timestamp": Timestamp::now().to_string(),
            "locationId": place.location, "id": format!("contact-{number}"), "firstName": "Ada", "lastName": "Lovelace",
            "email": format!("ada-{number}@example.org"), "phone": "+442071234567", "tags": ["Lead", "Website"], "country": "GB",
        })
        .to_string();
        let signature =
            place.key.as_ref().map(|key| format!("x-ghl-signature: {}\r\n", STANDARD.encode(key.sign(body.as_bytes()))));
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n{}content-length: {}\r\n\r\n",
            place.path,
            place.address,
            signature.unwrap_or_default(),
            body.len()
        );
        [head.as_bytes(), body.as_bytes()].concat()
    };
    (from..from + count).map(request).collect()
}

/// Where events go, and how they are signed.
struct Place {
    address: SocketAddr,
    path: &'static str,
    location: String,
    key: Option<Ed25519KeyPair>,
}

pub(crate) fn measure(dir: &Path, signed: bool) -> Fallible<Vec<Value>> {
    let data = dir.join("data");
    std::fs::create_dir_all(&data)?;
    let sandbox = Sandbox::start(dir, "empty")?;
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|error| error.to_string())?;
    let keys = json!({ "notice_keys": { "x-ghl-signature": STANDARD.encode(key.public_key().as_ref()) } });
    sandbox.connections(&data, &keys)?;
    std::fs::write(dir.join("came.flowyard"), flow(signed).to_string())?;
    let args = ["serve", "came.flowyard", "--listen", "127.0.0.1:0", "--json", "--data", "data"];
    let mut server = Server::start(dir, &args, &[("BENCH_TOKEN", sandbox.text("/highlevel/token")?)])?;
    let told = server.object_with("event", if signed { "messages" } else { "hook" })?;
    let url = told["url"].as_str().ok_or("no address")?;
    let address = url.trim_start_matches("http://").split('/').next().unwrap_or_default().parse()?;
    let location = sandbox.text("/highlevel/location_id")?.to_owned();
    let path = if signed { "/events/highlevel" } else { "/hooks/bench" };
    let place = Place { address, path, location, key: signed.then_some(key) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(send_all(address, requests(&place, 0, WARM), None))?;
    let mut lines = Vec::new();
    for (time, rate) in RATES.iter().flat_map(|it| [*it; TIMES]).enumerate() {
        let all = requests(&place, WARM + time * EVENTS, EVENTS);
        let syncs = process::syncs(dir, Duration::from_secs(1))?;
        let (begun, watch) = (Instant::now(), Watch::begin());
        let flights = runtime.block_on(send_all(address, all, rate))?;
        let (seconds, stood) = (begun.elapsed().as_secs_f64(), watch.end());
        let took = times(&flights, |(from, to)| to.duration_since(*from));
        // What it would have been had the machine not stood still meanwhile.
        let running = stood.as_ref().map(|stood| {
            times(&flights, |(from, to)| to.duration_since(*from).saturating_sub(standstill::between(stood, *from, *to)))
        });
        let stood = stood.map(|it| it.iter().map(|(from, to)| to.duration_since(*from)).sum::<Duration>());
        let ms = |seconds: f64| (seconds * 1e6).round() / 1e3;
        lines.push(json!({
            "bench": "webhook",
            "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
            "path": path,
            "senders": SENDERS,
            "events": took.len(),
            "offered_per_s": rate,
            "per_s": (took.len() as f64 / seconds).round(),
            "p50_ms": ms(at(&took, 0.5)), "p99_ms": ms(at(&took, 0.99)), "max_ms": ms(at(&took, 1.0)),
            "stood_still_ms": stood.map(|it| ms(it.as_secs_f64())), "p99_running_ms": running.map(|it| ms(at(&it, 0.99))),
            "sync_ms": ms(1.0 / syncs),
            "p99_in_syncs": (at(&took, 0.99) * syncs * 10.0).round() / 10.0,
        }));
    }
    Ok(lines)
}

/// How long each took, the shortest first.
fn times(flights: &[Flight], time: impl Fn(&Flight) -> Duration) -> Vec<Duration> {
    let mut times: Vec<Duration> = flights.iter().map(time).collect();
    times.sort_unstable();
    times
}

/// The time, in seconds, that such a share of them took at most.
fn at(times: &[Duration], share: f64) -> f64 {
    let at = (times.len() as f64 * share) as usize;
    times.get(at).or_else(|| times.last()).map_or(0.0, Duration::as_secs_f64)
}

/// When an event was to be sent, and when it was answered.
type Flight = (Instant, Instant);

/// Sends all, each sender the next once its last was answered and, where there is a rate, its time has come.
async fn send_all(address: SocketAddr, requests: Vec<Vec<u8>>, rate: Option<u32>) -> Fallible<Vec<Flight>> {
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let mut senders = tokio::task::JoinSet::new();
    let times = rate.map(|it| (Instant::now() + Duration::from_millis(50), Duration::from_secs(1) / it));
    for _ in 0..SENDERS {
        senders.spawn(send(address, Arc::clone(&requests), Arc::clone(&next), times));
    }
    let mut flights = Vec::with_capacity(requests.len());
    while let Some(ended) = senders.join_next().await {
        flights.extend(ended??);
    }
    Ok(flights)
}

async fn send(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    times: Option<(Instant, Duration)>,
) -> Fallible<Vec<Flight>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut flights, mut got) = (Vec::new(), Vec::with_capacity(4096));
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(number) else { break };
        let begun = match times {
            Some((first, each)) => first + each * number as u32,
            None => Instant::now(),
        };
        tokio::time::sleep_until(begun.into()).await;
        stream.write_all(request).await?;
        got.clear();
        while whole(&got).is_none() {
            if stream.read_buf(&mut got).await? == 0 {
                return Err("the connection was closed".into());
            }
        }
        flights.push((begun, Instant::now()));
        if !got.starts_with(b"HTTP/1.1 20") {
            return Err(String::from_utf8_lossy(&got).into_owned().into());
        }
    }
    Ok(flights)
}

/// The length of an answer, if all of it is there.
fn whole(got: &[u8]) -> Option<usize> {
    let head = got.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&got[..head]).ok()?.to_ascii_lowercase();
    let length = text.split_once("content-length:").map_or(Some(0), |(_, rest)| rest.lines().next()?.trim().parse().ok())?;
    (got.len() >= head + length).then_some(head + length)
}
