//! 10,000 contacts, each read and written, against a limit.
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Fallible;
use crate::process::Usage;
use crate::server::{Sandbox, Server};

const CONTACTS: usize = 10_000;
/// Requests a second.
const LIMIT: usize = 1_000;

/// All that are there start a run each, which reads its contact and writes to it.
fn flow() -> Value {
    let action = |operation: &str, input: Value| json!({ "name": operation, "kind": "action", "operation": operation, "slot": "crm", "input": input });
    let contact = json!({ "expr": "found.id" });
    json!({
        "flowyard": 1, "id": "contacts", "name": "Contacts", "slots": { "crm": "highlevel" },
        "nodes": {
            "found": {
                "name": "Everybody", "kind": "trigger", "trigger": "event", "event": "highlevel.poll.contact-created", "slot": "crm",
                "watch": { "begin": "all", "every": "1 hour" },
            },
            "read": action("highlevel.contacts.get-contact", json!({ "contactId": contact })),
            "write": action(
                "highlevel.contacts.update-contact",
                json!({ "contactId": contact, "city": { "text": "{{ read.contact.firstName }} City" } }),
            ),
        },
        "edges": [
            { "from": "found", "port": "out", "to": "read" },
            { "from": "read", "port": "out", "to": "write" },
        ],
    })
}

pub(crate) fn measure(dir: &Path) -> Fallible<Value> {
    let data = dir.join("data");
    std::fs::create_dir_all(&data)?;
    let sandbox = Sandbox::start(dir, "medium")?;
    sandbox.steer("PUT", "limits", &json!({ "burst": LIMIT, "interval_ms": 1_000, "daily": 100_000_000 }))?;
    sandbox.connections(&data, &Value::Null)?;
    std::fs::write(dir.join("contacts.flowyard"), flow().to_string())?;
    let args = ["serve", "contacts.flowyard", "--listen", "127.0.0.1:0", "--json", "--data", "data"];
    let mut server = Server::start(dir, &args, &[("BENCH_TOKEN", sandbox.text("/highlevel/token")?)])?;
    server.object_with("event", "waits")?;
    let before = Usage::of(server.pid());
    // The ledger is read in parts, since asking for all of it each time would be most of the work.
    let (mut seq, mut written, mut refused, mut requests) = (0, 0, 0, 0);
    let (mut first, mut last): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    let mut quiet = 0;
    while written < CONTACTS && quiet < 60 {
        std::thread::sleep(Duration::from_millis(500));
        let ledger = sandbox.steer("GET", &format!("ledger?since={seq}"), &Value::Null)?;
        let entries = ledger["entries"].as_array().ok_or("no entries")?;
        quiet = if entries.is_empty() { quiet + 1 } else { 0 };
        for entry in entries {
            seq = entry["seq"].as_u64().unwrap_or(seq);
            let at: Timestamp = entry["at"].as_str().ok_or("no time")?.parse()?;
            first = first.or(Some(at));
            last = Some(at);
            requests += 1;
            refused += usize::from(entry["status"] == 429);
            written += usize::from(entry["effect"] == "updated");
        }
    }
    let after = Usage::of(server.pid());
    let (first, last) = first.zip(last).ok_or("nothing was asked")?;
    let seconds = last.duration_since(first).as_secs_f64();
    // The first of a window go at once: a limit of 1,000 a second lets 2,001 requests go within two seconds.
    let windows = (requests - 1) / LIMIT;
    Ok(json!({
        "bench": "contacts",
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
        "contacts_written": written,
        "requests": requests,
        "refused": refused,
        "seconds": (seconds * 1e3).round() / 1e3,
        "by_the_rate": (seconds / (requests as f64 / LIMIT as f64) * 1e4).round() / 1e4,
        "by_the_windows": (seconds / windows as f64 * 1e4).round() / 1e4,
        "cpu_s": after.cpu_s.zip(before.cpu_s).map(|(after, before)| after - before),
        "peak_mb": after.peak_mb,
    }))
}
