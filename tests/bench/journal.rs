//! How many appends a second become durable, and what they cost. Two appends a run, the second with a call of about 600 bytes of
//! body, at three concurrencies; then what a search costs in many runs, before they are in its index and after. One JSON line
//! each.
//!
//! `cargo bench --no-default-features --bench journal -- [DIR] [SECONDS] [RUNS]`
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flowyard::flow::{FlowId, NodeId, PortId};
use flowyard::journal::{Append, Journal, Mode, NewRun, Options, StepExchange};
use flowyard::record::{Answer, Body, Exchange, Request, Timing};
use flowyard::run::{Entry, Outcome, Revision, StepKey};
use jiff::Timestamp;
use serde_json::{Value, json};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1).filter(|it| !it.starts_with("--"));
    let parent = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    let seconds = arguments.next().map_or(Ok(3.0), |it| it.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for concurrency in [1, 16, 64] {
        let dir = tempfile::tempdir_in(&parent)?;
        let line = runtime.block_on(measure(dir.path(), concurrency, Duration::from_secs_f64(seconds)))?;
        println!("{line}");
    }
    let runs = arguments.next().map_or(Ok(100_000), |it| it.parse())?;
    let dir = tempfile::tempdir_in(&parent)?;
    println!("{}", search(&runtime, dir.path(), runs)?);
    Ok(())
}

/// A text that is nowhere, one that a single old run has, a number that one has, and one that all have.
fn search(runtime: &tokio::runtime::Runtime, dir: &Path, runs: u64) -> Fallible<Value> {
    let journal = Journal::open(dir, Options { max_bytes: u64::MAX, ..Options::default() })?;
    let stop = Arc::new(AtomicBool::new(false));
    runtime.block_on(async {
        let tasks: Vec<_> = (0..64).map(|_| tokio::spawn(work(journal.clone(), Arc::clone(&stop), runs))).collect();
        for task in tasks {
            task.await??;
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    })?;
    let looks = || -> Fallible<Value> {
        let mut all = serde_json::Map::new();
        let old = runs / 20;
        let texts = [
            ("nowhere", "nowhere to be found".to_owned()),
            ("once", email(old)),
            ("number", phone(old)),
            ("all", "Lovelace".to_owned()),
        ];
        for (name, text) in texts {
            let mut hits = 0;
            let begun = Instant::now();
            let searched = journal.search(&text, 50, &mut |_| hits += 1)?;
            let ms = (begun.elapsed().as_secs_f64() * 1e4).round() / 10.0;
            all.insert(name.to_owned(), json!({"ms": ms, "hits": hits, "looked_through": searched.runs - searched.skipped}));
        }
        Ok(Value::Object(all))
    };
    let before = looks()?;
    let begun = Instant::now();
    let indexed = journal.reader().index(&mut |_| ControlFlow::Continue(()))?;
    let took = begun.elapsed();
    let (size, index) = (journal.size()?, journal.reader().index_size());
    Ok(json!({
        "bench": "search",
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
        "runs": runs,
        "indexed_runs": indexed.runs,
        "journal_mb": size / 1_000_000,
        "index_mb": index / 1_000_000,
        "index_bytes_per_journal_mb": (index as f64 / size as f64 * 1e6).round(),
        "index_s": took.as_secs_f64(),
        "text_mb": indexed.text / 1_000_000,
        "before": before,
        "after": looks()?,
    }))
}

fn email(run: u64) -> String {
    format!("ada.{:x}@example.org", run.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn phone(run: u64) -> String {
    format!("+4917{:010}", run.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 10_000_000_000)
}

async fn measure(dir: &Path, concurrency: usize, time: Duration) -> Fallible<Value> {
    let journal = Journal::open(dir, Options::default())?;
    let stop = Arc::new(AtomicBool::new(false));
    let (cpu, begun) = (cpu_time(), Instant::now());
    let tasks: Vec<_> = (0..concurrency).map(|_| tokio::spawn(work(journal.clone(), Arc::clone(&stop), u64::MAX))).collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), cpu.zip(cpu_time()).map(|(before, after)| after - before));
    waits.sort_unstable();
    let wait = |share: f64| waits.get((waits.len() as f64 * share) as usize).map(Duration::as_micros);
    let runs = waits.len() as f64 / 2.0;
    let written = journal.written();
    let resident = resident_megabytes();
    let mut searched = tokio::task::spawn_blocking(move || journal.search("nowhere to be found", 1, &mut |_| {}));
    let searched = (&mut searched).await??;
    Ok(json!({
        "bench": "journal",
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
        "concurrency": concurrency,
        "runs_per_s": (runs / elapsed).round(),
        "appends_per_s": (written.appends as f64 / elapsed).round(),
        "appends_per_commit": (written.appends as f64 / written.commits as f64 * 10.0).round() / 10.0,
        "cpu_us_per_run": cpu.map(|it| (it * 1e7 / runs).round() / 10.0),
        "append_p50_us": wait(0.5),
        "append_p99_us": wait(0.99),
        "append_max_us": waits.last().map(Duration::as_micros),
        "resident_mb": resident,
        "search_mb_per_s": (searched.bytes as f64 / 1e6 / searched.elapsed.as_secs_f64()).round(),
        "search_mb": (searched.bytes as f64 / 1e6).round(),
    }))
}

/// Runs one after the other; how long each append took.
async fn work(journal: Journal, stop: Arc<AtomicBool>, last: u64) -> Fallible<Vec<Duration>> {
    let (flow, revision, node) = (FlowId::from("contact"), Revision("0f".repeat(32).into()), NodeId::from("hook"));
    let mut waits = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let run = journal.next_run_id();
        if run.0 > last {
            break;
        }
        let now = Timestamp::now();
        let payload = Arc::new(json!({
            "contact_id": format!("{:020}", run.0), "first_name": "Ada", "last_name": "Lovelace",
            "email": email(run.0), "tags": ["lead", "website", "spring"], "phone": phone(run.0),
        }));
        let new = NewRun {
            flow: flow.clone(),
            flow_name: "New contact".to_owned(),
            revision: revision.clone(),
            trigger: node.clone(),
            delivery: None,
            mode: Mode::Sandbox,
            parent: None,
            accepted: now,
        };
        let entries =
            vec![Entry::Accepted { trigger: node.clone(), payload: Arc::clone(&payload), at: now, cause: Arc::default() }];
        let begun = Instant::now();
        journal.append(Append { run, new: Some(new), entries, exchanges: Vec::new() }).await?;
        waits.push(begun.elapsed());
        let succeeded = |step: &str, output: Value| Entry::StepSucceeded {
            step: StepKey::new(step),
            port: PortId::out(),
            output: Arc::new(output),
            at: now,
        };
        let entries = vec![
            succeeded("build", json!({"name": "Ada Lovelace", "email": "ada@example.org", "tags": ["lead", "website"]})),
            succeeded("post", json!({"status": 200, "body": {"ok": true, "id": run.0}})),
            succeeded("answer", json!({"ok": true})),
            Entry::Finished { outcome: Outcome::Succeeded, at: now },
        ];
        let begun = Instant::now();
        let exchanges = vec![exchange(run.0, now)];
        journal.append(Append { run, new: None, entries, exchanges }).await?;
        waits.push(begun.elapsed());
    }
    Ok(waits)
}

/// About 600 bytes of bodies, and the headers that a client and a server send.
fn exchange(run: u64, started: Timestamp) -> StepExchange {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let asked = json!({
        "id": run, "name": "Ada Lovelace", "email": email(run), "phone": phone(run), "tags": ["lead", "website"], "source": "form", "note": "Asked for an appointment next week, in the morning if that can be arranged, and a call before.",
    });
    let got = json!({
        "ok": true, "id": format!("{run:024x}"), "dateAdded": "2026-03-01T12:00:00.000Z", "locationId": "ve9EPM428h8vShlRW1KT",
        "contact": {"name": "ada lovelace", "email": "ada@example.org", "tags": ["lead", "website"], "dnd": false, "country": "DE"},
    });
    let body = |value: &Value| {
        let text = value.to_string();
        Body { size: text.len() as u64, text, cut: false }
    };
    let exchange = Exchange {
        request: Request {
            method: "POST".to_owned(),
            url: "http://127.0.0.1:9900/contacts/".to_owned(),
            headers: vec![
                header("accept", "application/json"),
                header("authorization", "(redacted)"),
                header("content-type", "application/json"),
                header("user-agent", "flowyard/0.1.0"),
                header("version", "2021-07-28"),
            ],
            body: body(&asked),
        },
        answer: Some(Answer {
            status: 200,
            headers: vec![
                header("content-length", "281"),
                header("content-type", "application/json; charset=utf-8"),
                header("date", "Sun, 01 Mar 2026 12:00:00 GMT"),
                header("x-ratelimit-remaining", "93"),
            ],
            body: body(&got),
        }),
        error: None,
        started,
        timing: Timing { queued_us: 3, waiting_us: 1840, receiving_us: 12 },
    };
    StepExchange { step: StepKey::new("post"), attempt: 1, exchange: Arc::new(exchange) }
}

/// Seconds of processor time of this process so far, where the system tells.
fn cpu_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in brackets; user and system time are the 14th and 15th, in hundredths of a second.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = |it: Option<&str>| it?.parse::<f64>().ok();
    Some((ticks(fields.next())? + ticks(fields.next())?) / 100.0)
}

fn resident_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|it| it / 1024)
}
