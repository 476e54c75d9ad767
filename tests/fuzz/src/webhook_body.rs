//! Requests to webhooks: any query, headers and body are an event or refused, and an event can be kept and read back.
//!
//! The input is the query in the first line, a header in each that follows, a blank line, and the body.
use std::sync::Arc;

use flowyard::record::bounds;
use flowyard::run::{Entry, HookRequest};
use serde_json::Value;

pub(crate) fn run(data: &[u8]) {
    let mut rest = data;
    let mut lines = Vec::new();
    while let Some(end) = rest.iter().position(|it| *it == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let query = lines.first().map(|it| String::from_utf8_lossy(it)).unwrap_or_default();
    let headers: Vec<(&str, &[u8])> = lines.iter().skip(1).filter_map(|it| header(it)).collect();
    let request = HookRequest { method: "POST", query: &query, headers: &headers, body: rest };
    let event = match request.event() {
        Ok(event) => event,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    bounds::fits_a_run(&event).expect("it can be carried through a run");
    assert_eq!(event["body"].is_null(), rest.is_empty() || is_null(rest), "a body is not dropped");
    for (header, field) in [(Some("x-delivery"), None), (None, Some("id")), (Some("x-delivery"), Some("data.0.id"))] {
        if let Some(id) = request.delivery(&event, header, field) {
            assert!(!id.trim().is_empty() && id.len() <= 200, "{id:?}");
        }
    }
    let at = "2026-11-23T09:30:00Z".parse().expect("a time");
    let entry = Entry::Accepted { trigger: "t".into(), payload: Arc::new(event), at, cause: Arc::default() };
    let kept = serde_json::to_string(&[&entry]).expect("it can be written");
    let read: Vec<Entry> = serde_json::from_str(&kept).expect("it can be read back");
    assert_eq!(read, [entry]);
}

fn header(line: &[u8]) -> Option<(&str, &[u8])> {
    let at = line.iter().position(|it| *it == b':')?;
    let name = std::str::from_utf8(&line[..at]).ok()?;
    // As the listener gives them.
    let is_name = !name.is_empty() && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    is_name.then(|| (name, line[at + 1..].trim_ascii()))
}

fn is_null(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    serde_json::from_slice::<Value>(body).is_ok_and(|it| it.is_null())
}
