//! What `flowyard serve` does under load: webhook, set fields, HTTP POST to a target, respond with its answer; every run durable.
//! Before that, how soon it answers after its start; after that, what a for-each over a million items needs. One JSON line each.
//!
//! `cargo bench --bench serve -- [SECONDS] [DIR]`: so many seconds at each concurrency, data below this directory. It needs `wrk`
//! (Debian: `apt-get install wrk`), starts its own target in a process of its own, and reads what processes use from `/proc`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is its purpose")]

mod load;
mod process;
mod target;

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::load::Load;
use self::process::Usage;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

const FLOWYARD: &str = env!("CARGO_BIN_EXE_flowyard");
const FLOW: &str = include_str!("webhook.flowyard");
const MANY: &str = include_str!("many.flowyard");
const ITEMS: u32 = 1_000_000;

fn main() -> Fallible<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("target") {
        return target::serve();
    }
    let mut arguments = std::env::args().skip(1).filter(|it| !it.starts_with("--"));
    let seconds: u64 = arguments.next().map_or(Ok(10), |it| it.parse())?;
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(parent)?;

    let target = Server::start(Command::new(std::env::current_exe()?).arg("target"))?;
    println!("{}", json!({ "bench": "disk", "syncs_per_s": process::syncs(dir.path(), Duration::from_secs(1))?.round() }));
    let flow = dir.path().join("webhook.flowyard");
    std::fs::write(&flow, FLOW.replace("http://target/", &format!("http://{}/", target.address)))?;
    let flow = flow.to_str().ok_or("a path that is text")?;
    let data = dir.path().join("data");

    let begun = Instant::now();
    let serve = serve(flow, &data)?;
    let listening = begun.elapsed();
    load::one(serve.address)?;
    let answered = begun.elapsed();
    let rest = Usage::of(serve.child.id());
    println!(
        "{}",
        json!({
            "bench": "start", "listening_ms": ms(listening), "first_answer_ms": ms(answered), "resident_mb": rest.resident_mb,
            "anonymous_mb": rest.anonymous_mb,
        })
    );
    drop(serve);
    for concurrency in [1, 16, 64] {
        let data = dir.path().join(format!("data-{concurrency}"));
        println!("{}", measure(flow, &data, concurrency, seconds)?);
        std::fs::remove_dir_all(data)?;
    }
    println!("{}", for_each(dir.path())?);
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e4).round() / 10.0
}

fn serve(flow: &str, data: &Path) -> Fallible<Server> {
    Server::start(Command::new(FLOWYARD).args(["serve", flow, "--listen", "127.0.0.1:0", "--json", "--data"]).arg(data))
}

fn measure(flow: &str, data: &Path, concurrency: u32, seconds: u64) -> Fallible<Value> {
    let serve = serve(flow, data)?;
    let pid = serve.child.id();
    // Connections, caches and the allocator warm up on a second of the same.
    load::run(serve.address, concurrency, 1)?;
    let before = Usage::of(pid);
    let Load { requests, seconds: took, errors, p50_us, p99_us, max_us } = load::run(serve.address, concurrency, seconds)?;
    let after = Usage::of(pid);
    let cpu = after.cpu_s.zip(before.cpu_s).map(|(after, before)| after - before);
    serve.stop()?;
    let stored = Command::new(FLOWYARD).args(["log", "list", "--running", "--json", "--data"]).arg(data).output()?;
    Ok(json!({
        "bench": "serve",
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
        "concurrency": concurrency,
        "runs_per_s": (requests as f64 / took).round(),
        "cpu_ms_per_run": cpu.map(|it| (it * 1e6 / requests as f64).round() / 1e3),
        "p50_ms": p50_us / 1e3,
        "p99_ms": p99_us / 1e3,
        "max_ms": max_us / 1e3,
        "errors": errors,
        "unfinished": String::from_utf8(stored.stdout)?.lines().filter(|it| !it.trim().is_empty()).count(),
        "resident_mb": after.resident_mb,
        "anonymous_mb": after.anonymous_mb,
        "peak_mb": after.peak_mb,
    }))
}

/// The peak of a whole process that runs a for-each over a million items.
fn for_each(dir: &Path) -> Fallible<Value> {
    let flow = dir.join("many.flowyard");
    std::fs::write(&flow, MANY)?;
    let list: Vec<u32> = (0..ITEMS).collect();
    let input = dir.join("many.json");
    std::fs::write(&input, json!({ "list": list }).to_string())?;
    let begun = Instant::now();
    let mut child = Command::new(FLOWYARD)
        .args(["run", "--sandbox", "--json", "--data"])
        .arg(dir.join("many"))
        .arg("--input")
        .arg(&input)
        .arg(&flow)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (pid, mut peak, mut said) = (child.id(), None, String::new());
    for (number, line) in BufReader::new(child.stdout.take().ok_or("no output")?).lines().enumerate() {
        said = line?;
        // While it still runs: the peak only grows, and is gone with the process.
        if number % 10_000 == 0 || said.contains("\"summary\"") {
            peak = Usage::of(pid).peak_mb.or(peak);
        }
    }
    let succeeded = child.wait()?.success();
    let summary: Value = serde_json::from_str(&said)?;
    Ok(json!({
        "bench": "for_each", "items": ITEMS, "seconds": (begun.elapsed().as_secs_f64() * 10.0).round() / 10.0, "peak_mb": peak,
        "succeeded": succeeded, "outcome": summary["outcome"],
    }))
}

/// A process that prints its address on a line of its own, or in JSON as the `url`; ended when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(command: &mut Command) -> Fallible<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no output")?);
        stdout.read_line(&mut line)?;
        let url = serde_json::from_str::<Value>(&line).ok().and_then(|it| it["url"].as_str().map(str::to_owned));
        let text = url.as_deref().unwrap_or(&line);
        let host = text.trim().trim_start_matches("http://").split('/').next().unwrap_or_default();
        let address = host.parse().map_err(|error| format!("{command:?} said {line:?}: {error}"))?;
        Ok(Self { child, address })
    }

    /// Lets it end as it would in service.
    fn stop(mut self) -> Fallible<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("a process could not be ended: {error}");
        }
        std::io::stdout().flush().ok();
    }
}
