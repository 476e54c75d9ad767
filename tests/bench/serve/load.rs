//! Load by `wrk`.
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use serde_json::Value;

use crate::Fallible;

/// What came of it.
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    /// Requests that got no answer, or none that says it was done.
    pub(crate) errors: u64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) max_us: f64,
}

const EVENT: &str = r#"{"contact_id":"ocQHyuzHvysMo5N5VsXc","first_name":"Ada","last_name":"Lovelace","email":"Ada.Lovelace@Example.ORG","phone":"+442071234567","tags":["Lead","Website","Spring 2026"],"city":"London","country":"GB"}"#;

const DONE: &str = r#"
done = function(summary, latency, requests)
    local e = summary.errors
    io.write(string.format('\n{"requests":%d,"us":%d,"errors":%d,"p50":%f,"p99":%f,"max":%f}\n', summary.requests, summary.duration,
        e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99), latency.max))
end
"#;

/// Sends events at this concurrency for so many seconds.
pub(crate) fn run(address: SocketAddr, concurrency: u32, seconds: u64) -> Fallible<Load> {
    let mut script = tempfile::Builder::new().suffix(".lua").tempfile()?;
    writeln!(
        script,
        "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [[{EVENT}]]\n{DONE}"
    )?;
    let (connections, time) = (format!("-c{concurrency}"), format!("-d{seconds}s"));
    let out = Command::new("wrk")
        .args(["-t1", &connections, &time, "--timeout", "10s", "-s"])
        .arg(script.path())
        .arg(format!("http://{address}/hooks/bench"))
        .output()
        .map_err(|error| format!("wrk could not be started: {error}. On Debian: apt-get install wrk"))?;
    let text = String::from_utf8(out.stdout)?;
    let line = text.lines().rfind(|it| it.starts_with('{')).ok_or_else(|| format!("wrk said {text}"))?;
    let value: Value = serde_json::from_str(line)?;
    let number = |key: &str| value[key].as_f64().ok_or_else(|| format!("wrk gave no {key}: {line}"));
    Ok(Load {
        requests: number("requests")? as u64,
        seconds: number("us")? / 1e6,
        errors: number("errors")? as u64,
        p50_us: number("p50")?,
        p99_us: number("p99")?,
        max_us: number("max")?,
    })
}

/// Sends one event, and demands that it is done.
pub(crate) fn one(address: SocketAddr) -> Fallible<()> {
    let mut stream = TcpStream::connect(address)?;
    let length = EVENT.len();
    write!(
        stream,
        "POST /hooks/bench HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{EVENT}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 201") && answer.contains("ada.lovelace@example.org") {
        return Ok(());
    }
    Err(format!("the flow answered {answer}").into())
}
