//! 1,000 flows that wait.
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Fallible;
use crate::process::Usage;
use crate::server::{Sandbox, Server};

const FLOWS: usize = 1_000;
/// Each has looked once: a thousand first looks at one account take as long as its limit makes them.
const SETTLE: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(130)];
const WATCHED: Duration = Duration::from_mins(1);

/// Waits for new contacts, as all do; or for appointments, each another time ahead of them.
fn flow(number: usize, same: bool, calendar: &str) -> Value {
    let (event, input, watch) = if same {
        ("highlevel.poll.contact-created", json!({}), json!({}))
    } else {
        let ahead = format!("{} minutes", 60 + number);
        ("highlevel.poll.appointment-soon", json!({ "calendarId": calendar }), json!({ "ahead": ahead }))
    };
    let id = format!("waits-{number}");
    json!({
        "flowyard": 1, "id": id, "name": id, "slots": { "crm": "highlevel" },
        "nodes": {
            "found": { "name": "It", "kind": "trigger", "trigger": "event", "event": event, "slot": "crm", "input": input, "watch": watch },
            "say": { "name": "Say it", "kind": "log", "message": { "text": "It happened" } },
        },
        "edges": [{ "from": "found", "port": "out", "to": "say" }],
    })
}

pub(crate) fn measure(dir: &Path, same: bool) -> Fallible<Value> {
    let data = dir.join("data");
    std::fs::create_dir_all(&data)?;
    let sandbox = Sandbox::start(dir, "empty")?;
    sandbox.connections(&data, &Value::Null)?;
    let names: Vec<String> = (0..FLOWS).map(|it| format!("{it}.flowyard")).collect();
    for (number, name) in names.iter().enumerate() {
        std::fs::write(dir.join(name), flow(number, same, sandbox.text("/highlevel/calendar_id")?).to_string())?;
    }
    let mut args: Vec<&str> = vec!["serve"];
    args.extend(names.iter().map(String::as_str));
    args.extend(["--listen", "127.0.0.1:0", "--json", "--data", "data"]);
    let mut server = Server::start(dir, &args, &[("BENCH_TOKEN", sandbox.text("/highlevel/token")?)])?;
    for _ in 0..FLOWS {
        server.object_with("event", "waits")?;
    }
    std::thread::sleep(SETTLE[usize::from(!same)]);
    let before = Usage::of(server.pid());
    let asked = sandbox.steer("GET", "ledger", &Value::Null)?["entries"].as_array().map_or(0, Vec::len);
    std::thread::sleep(WATCHED);
    let after = Usage::of(server.pid());
    let entries = sandbox.steer("GET", "ledger", &Value::Null)?;
    let entries = entries["entries"].as_array().ok_or("no entries")?;
    let cpu = after.cpu_s.zip(before.cpu_s).map(|(after, before)| after - before);
    Ok(json!({
        "bench": "idle",
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
        "flows": FLOWS,
        "ask_the_same": same,
        "cpu_percent": cpu.map(|it| (it / WATCHED.as_secs_f64() * 1e4).round() / 100.0),
        "requests_a_minute": entries.len() - asked,
        "requests_before": asked,
        "refused": entries.iter().filter(|it| it["status"] != 200).count(),
        "resident_mb": after.resident_mb,
        "anonymous_mb": after.anonymous_mb,
        "peak_mb": after.peak_mb,
    }))
}
