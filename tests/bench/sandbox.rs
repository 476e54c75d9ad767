//! What the sandbox does with 170,000 contacts: how soon it is there and how much memory it takes, how many requests a second
//! it answers at 16 at a time, and how long each kind of search takes. One JSON line each.
//!
//! `cargo bench --bench sandbox -- [SECONDS]`: so many seconds of each load. It needs `wrk` (Debian: `apt-get install wrk`),
//! which shares the processors with what it measures, and reads what the process uses from `/proc`.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use flowyard::catalog::Catalog;
use flowyard::sandbox::{self, Handle, Limits, Options, Seed};
use mimalloc::MiMalloc;
use serde_json::{Value, json};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// As in the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const CONNECTIONS: u32 = 16;
const TIMES: usize = 30;

/// Gives wrk's requests their method, headers and bodies. Each thread counts from a place of its own, so that no two of
/// the contacts that are made have the same e-mail.
const SCRIPT: &str = r#"
local started = 0
function setup(thread) thread:set("id", started); started = started + 1 end
local count = 0
wrk.headers["Authorization"] = "Bearer TOKEN"
wrk.headers["Version"] = "2021-07-28"
wrk.headers["Content-Type"] = "application/json"
local paths = { PATHS }
function request()
  count = count + 1
  return wrk.format("METHOD", paths[count % #paths + 1], nil, BODY)
end
function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"#;

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1).filter(|it| !it.starts_with("--"));
    let seconds: u64 = arguments.next().map_or(Ok(5), |it| it.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let handle = runtime.block_on(start())?;
    let dir = tempfile::tempdir()?;
    let ids: Vec<String> =
        handle.records("contacts").iter().rev().take(1_000).filter_map(|it| it["id"].as_str().map(str::to_owned)).collect();
    let contacts: Vec<String> = ids.iter().map(|it| format!("\"/highlevel/contacts/{it}\"")).collect();
    let created = r#"string.format('{"locationId":"LOCATION","firstName":"Load","email":"load%d.%d@example.com"}', id, count)"#;
    let created = created.replace("LOCATION", &handle.access().highlevel.location_id);
    let changed = r#"string.format('{"city":"City %d"}', count)"#;
    for (what, method, paths, body) in [
        ("read_contact", "GET", contacts.join(","), "nil"),
        ("create_contact", "POST", "\"/highlevel/contacts/\"".to_owned(), created.as_str()),
        ("update_contact", "PUT", contacts.join(","), changed),
    ] {
        let script = SCRIPT.replace("TOKEN", &handle.access().highlevel.token).replace("PATHS", &paths).replace("METHOD", method);
        println!("{}", load(what, &handle, dir.path(), &script.replace("BODY", body), seconds)?);
    }
    runtime.block_on(searches(&handle))?;
    runtime.block_on(handle.stop());
    Ok(())
}

async fn start() -> Fallible<Handle> {
    let catalog = Catalog::shipped();
    let begun = Instant::now();
    let limits = Limits { enabled: false, ..Limits::default() };
    let handle = sandbox::start(&catalog, Options { seed: Seed::Large, limits, ..Options::default() }).await?;
    let took = ms(begun.elapsed());
    let contacts = handle.count("contacts");
    println!("{}", json!({"what": "start", "contacts": contacts, "ms": took, "resident_mb": resident_mb()}));
    Ok(handle)
}

fn load(what: &str, handle: &Handle, dir: &Path, script: &str, seconds: u64) -> Fallible<Value> {
    let file = dir.join(format!("{what}.lua"));
    std::fs::write(&file, script)?;
    let output = std::process::Command::new("wrk")
        .args(["-t", "2", "-c", &CONNECTIONS.to_string(), "-d", &format!("{seconds}s"), "-s"])
        .arg(&file)
        .arg(handle.url())
        .output()
        .map_err(|error| format!("wrk cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|it| it.strip_prefix("RESULT ")).ok_or_else(|| format!("wrk says: {text}"))?;
    let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let [requests, micros, errors, p50, p99] = numbers[..] else { return Err(format!("wrk says: {line}").into()) };
    Ok(json!({
        "what": what, "connections": CONNECTIONS, "per_s": (requests / micros * 1e6).round(), "errors": errors,
        "p50_ms": p50 / 1e3, "p99_ms": p99 / 1e3, "resident_mb": resident_mb(),
    }))
}

/// Each search many times, one after the other, over HTTP.
async fn searches(handle: &Handle) -> Fallible<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let http = reqwest::Client::builder().no_proxy().build()?;
    let access = &handle.access().highlevel;
    let filter =
        |field: &str, operator: &str, value: Value| json!({"filters": [{"field": field, "operator": operator, "value": value}]});
    let week = 1_000 * 60 * 60 * 24 * 7;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as i64;
    let kinds = [
        ("everything", json!({})),
        ("email", filter("email", "eq", json!("ada.brookfield@example.com"))),
        ("phone", filter("phone", "eq", json!("+12025550101"))),
        ("tag", filter("tags", "eq", json!("vip"))),
        ("part_of_email", filter("email", "contains", json!("winslow"))),
        ("query", json!({"query": "petrov"})),
        ("broad_query", json!({"query": "example"})),
        (
            "changed_in_a_week",
            json!({"filters": [{"field": "dateUpdated", "operator": "range", "value": {"gte": now - week}}], "sort": [{"field": "dateUpdated", "direction": "asc"}]}),
        ),
        (
            "city_and_tag",
            json!({"filters": [{"field": "city", "operator": "eq", "value": "Reston"}, {"field": "tags", "operator": "eq", "value": "vip"}]}),
        ),
        ("no_index", filter("lastName", "eq", json!("Petrov"))),
        ("sorted_by_name", json!({"sort": [{"field": "lastName", "direction": "asc"}]})),
    ];
    for (what, mut body) in kinds {
        body["locationId"] = json!(access.location_id);
        let mut took = Vec::new();
        let mut total = Value::Null;
        for _ in 0..TIMES {
            let request = http.post(format!("{}/contacts/search", access.base_url)).bearer_auth(&access.token);
            let begun = Instant::now();
            let answer = request.header("Version", "2021-07-28").json(&body).send().await?.error_for_status()?;
            let answer: Value = answer.json().await?;
            took.push(ms(begun.elapsed()));
            total = answer["total"].clone();
        }
        took.sort_by(f64::total_cmp);
        println!(
            "{}",
            json!({"what": "search", "kind": what, "total": total, "ms": took[TIMES / 2], "worst_ms": took[TIMES - 1]})
        );
    }
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e5).round() / 100.0
}

fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some((kib / 102.4).round() / 10.0)
}
