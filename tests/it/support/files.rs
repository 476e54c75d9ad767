//! Flow files as text, written down shortly.
use serde_json::{Value, json};

/// A flow's file: its nodes as an object, its wires as `a.port -> b`. Its slot `crm` is HighLevel's.
pub(crate) fn flow_file(id: &str, nodes: &Value, wires: &[&str]) -> String {
    let edge = |wire: &&str| {
        let (from, to) = wire.split_once(" -> ").expect("an arrow");
        let (from, port) = from.split_once('.').unwrap_or((from, "out"));
        json!({ "from": from, "port": port, "to": to })
    };
    let file = json!({
        "flowyard": 1,
        "id": id,
        "name": id,
        "slots": { "crm": "highlevel" },
        "nodes": nodes,
        "edges": wires.iter().map(edge).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&file).expect("JSON")
}

pub(crate) fn manual() -> Value {
    json!({ "name": "Start", "kind": "trigger", "trigger": "manual" })
}

pub(crate) fn hook(path: &str) -> Value {
    json!({ "name": "Hook", "kind": "trigger", "trigger": "webhook", "path": path, "delivery_header": "x-delivery" })
}

/// A node with one field, bound so.
pub(crate) fn set(binding: &Value) -> Value {
    json!({ "name": "Set it", "kind": "set", "fields": { "value": binding } })
}

/// A manual trigger, and a step with one field that is bound so.
pub(crate) fn setting(binding: &Value) -> String {
    flow_file("setting", &json!({ "start": manual(), "set": set(binding) }), &["start -> set"])
}

/// A webhook, and a line for what came in.
pub(crate) fn listening(path: &str) -> String {
    let nodes =
        json!({ "start": hook(path), "tell": { "name": "Tell", "kind": "log", "message": { "text": "{{ start.method }}" } } });
    flow_file("listening", &nodes, &["start -> tell"])
}
