//! What a request to a webhook says: the event that a run begins with. The listener reads the bytes, this reads what they mean.
//!
//! Invariant: no bytes make it panic; time and memory are bounded by their number.
//! Invariant: what is read here can be written down and read back: it stays within [`bounds`].
use std::fmt::Write as _;

use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::record::bounds::{self, Beyond};

/// A request as it arrived, all of it.
#[derive(Debug, Clone, Copy)]
pub struct HookRequest<'a> {
    /// `POST`.
    pub method: &'a str,
    /// What stands behind the `?` of its address; may be empty.
    pub query: &'a str,
    /// Names in lower case, and values.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
}

/// Why a request is no event, in words for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// It says that it is JSON, and is not.
    #[error("The body is not JSON")]
    NotJson {
        /// What is wrong, and where.
        detail: String,
    },
    /// Its JSON, or its form, is deeper or holds more than is taken.
    #[error("The body is too much to take: {0}")]
    Beyond(Beyond),
    /// Neither JSON, nor a form, nor text.
    #[error("The body is not text")]
    NotText {
        /// Where the first byte is that is not.
        detail: String,
    },
}

/// Headers that carry credentials of the caller, or say nothing about the event.
const DROPPED: &[&str] = &["authorization", "cookie", "proxy-authorization", "connection", "accept-encoding", "content-length"];
/// Longer ids of a delivery are kept as their digest.
const LONGEST_DELIVERY: usize = 200;

impl HookRequest<'_> {
    /// The event: `body`, `headers`, `query` and `method`.
    ///
    /// # Errors
    /// A body that is not what it says it is, or beyond the bounds.
    pub fn event(&self) -> Result<Value, HookError> {
        Ok(
            json!({ "body": self.body()?, "headers": self.heads(), "query": gather(self.query.as_bytes()), "method": self.method }),
        )
    }

    /// The sender's own id of the event, by which it is known when it is sent again: that of the header, or else that at a
    /// dotted path in the event's body. An empty one is none, or all events without one would be the same.
    pub fn delivery(&self, event: &Value, header: Option<&str>, field: Option<&str>) -> Option<String> {
        let named = header.and_then(|name| self.text_header(name)).map(str::to_owned);
        let at = |path: &str| dotted(event.get("body")?, path);
        let found = named.filter(|it| !it.trim().is_empty()).or_else(|| field.and_then(at))?;
        let id = found.trim();
        match id.len() {
            0 => None,
            1..=LONGEST_DELIVERY => Some(id.to_owned()),
            _ => Some(digest(id)),
        }
    }

    fn text_header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The body alone, by the content type: JSON, a form, or text; without one, JSON if it is JSON.
    ///
    /// # Errors
    /// As [`Self::event`].
    pub fn body(&self) -> Result<Value, HookError> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        let kind = self.text_header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind == "application/json" || kind.ends_with("+json") {
            return read_json(self.body);
        }
        if kind == "application/x-www-form-urlencoded" {
            let most = memchr::memchr_iter(b'&', self.body).nth(bounds::MAX_VALUES);
            return if most.is_none() { Ok(gather(self.body)) } else { Err(HookError::Beyond(Beyond::Values)) };
        }
        if kind.is_empty() {
            match read_json(self.body) {
                Err(HookError::NotJson { .. }) => {}
                read => return read,
            }
        }
        match std::str::from_utf8(self.body) {
            Ok(text) => Ok(Value::from(text)),
            Err(error) => Err(HookError::NotText { detail: error.to_string() }),
        }
    }

    /// Those that are text.
    fn heads(&self) -> Value {
        let kept = self.headers.iter().filter(|(name, _)| !DROPPED.contains(name));
        collect(kept.filter_map(|(name, value)| Some(((*name).to_owned(), std::str::from_utf8(value).ok()?.to_owned()))))
    }
}

fn read_json(text: &[u8]) -> Result<Value, HookError> {
    // Some senders put a byte order mark before it (RFC 8259, 8.1 lets a reader pass over it).
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let read = match bounds::beyond(text) {
        None => serde_json::from_slice(text).map(Ok),
        // Whether it is JSON is looked at without keeping any of it.
        Some(beyond) => serde_json::from_slice::<IgnoredAny>(text).map(|_| Err(HookError::Beyond(beyond))),
    };
    read.unwrap_or_else(|error| Err(HookError::NotJson { detail: error.to_string() }))
}

/// The pairs of a form or a query (WHATWG URL, 5.1).
fn gather(pairs: &[u8]) -> Value {
    collect(form_urlencoded::parse(pairs).map(|(key, value)| (key.into_owned(), value.into_owned())))
}

/// A key that comes again makes a list.
fn collect(fields: impl Iterator<Item = (String, String)>) -> Value {
    let mut object = Map::new();
    for (key, value) in fields {
        match object.get_mut(&key) {
            None => drop(object.insert(key, value.into())),
            Some(Value::Array(list)) => list.push(value.into()),
            Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
        }
    }
    Value::Object(object)
}

/// The text or number at a dotted path; a number in it is a place in a list, from 0.
fn dotted(value: &Value, path: &str) -> Option<String> {
    let found = path.split('.').try_fold(value, |at, key| match at {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    })?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn digest(id: &str) -> String {
    Sha256::digest(id).iter().fold("sha256:".to_owned(), |mut hex, byte| {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
        hex
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request<'a>(kind: &'a str, body: &'a [u8], room: &'a mut Vec<(&'a str, &'a [u8])>) -> HookRequest<'a> {
        if !kind.is_empty() {
            room.push(("content-type", kind.as_bytes()));
        }
        HookRequest { method: "POST", query: "", headers: room, body }
    }

    fn body(kind: &str, body: &[u8]) -> Result<Value, HookError> {
        let mut room = Vec::new();
        request(kind, body, &mut room).event().map(|mut it| it["body"].take())
    }

    fn nested(depth: usize) -> Vec<u8> {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
    }

    #[test]
    fn a_body_is_read_by_its_content_type() {
        for (kind, bytes, expected) in [
            ("application/json", &b""[..], json!(null)),
            ("application/json; charset=utf-8", b"{\"a\":1}", json!({"a": 1})),
            ("Application/CloudEvents+JSON", b"[1]", json!([1])),
            ("application/json", b"\xEF\xBB\xBF{}", json!({})),
            ("application/x-www-form-urlencoded", b"a=1&b=x+y&a=%C3%BC&c", json!({"a": ["1", "ü"], "b": "x y", "c": ""})),
            ("", b"{\"a\":1}", json!({"a": 1})),
            ("", b"{a", json!("{a")),
            ("text/plain", b"{\"a\":1}", json!("{\"a\":1}")),
            ("application/xml", b"<a/>", json!("<a/>")),
            (";;;", b"x", json!("x")),
        ] {
            assert_eq!(body(kind, bytes), Ok(expected), "{kind}");
        }
    }

    #[test]
    fn what_is_no_event_is_said() {
        let not_json = |bytes: &[u8]| matches!(body("application/json", bytes), Err(HookError::NotJson { .. }));
        for bytes in [&b"{"[..], b"<html>", b"\xff\xfe", b"{} {}", b"{\"a\":1e999}", b"nul", b" "] {
            assert!(not_json(bytes), "{bytes:?}");
        }
        assert!(not_json(&vec![b','; 600_000]));
        for kind in ["text/plain", "", "image/png"] {
            assert!(matches!(body(kind, b"\xff\xfe"), Err(HookError::NotText { .. })), "{kind}");
        }
    }

    #[test]
    fn what_could_not_be_carried_through_a_run_is_refused() {
        for kind in ["application/json", ""] {
            assert!(body(kind, &nested(bounds::MAX_DEPTH)).is_ok());
            assert_eq!(body(kind, &nested(bounds::MAX_DEPTH + 1)), Err(HookError::Beyond(Beyond::Depth(bounds::MAX_DEPTH))));
            assert_eq!(body(kind, &nested(200_000)), Err(HookError::Beyond(Beyond::Depth(bounds::MAX_DEPTH))));
            let many = format!("[{}0]", "{},".repeat(bounds::MAX_VALUES));
            assert_eq!(body(kind, many.as_bytes()), Err(HookError::Beyond(Beyond::Values)));
        }
        let many = "a&".repeat(bounds::MAX_VALUES + 1);
        assert_eq!(body("application/x-www-form-urlencoded", many.as_bytes()), Err(HookError::Beyond(Beyond::Values)));
    }

    #[test]
    fn headers_and_query_are_data_and_credentials_are_not() {
        let headers: &[(&str, &[u8])] =
            &[("x-a", b"1"), ("x-b", b"1"), ("x-b", b"2"), ("x-c", b"\xff"), ("authorization", b"Bearer s"), ("cookie", b"s")];
        let request = HookRequest { method: "GET", query: "q=1&q=2&%ff=x", headers, body: b"" };
        assert_eq!(
            request.event(),
            Ok(json!({
                "method": "GET", "body": null,
                "query": {"q": ["1", "2"], "\u{fffd}": "x"}, "headers": {"x-a": "1", "x-b": ["1", "2"]},
            }))
        );
    }

    /// A library that reads JSON may give some names a meaning of its own, and would read back something else.
    #[test]
    fn every_name_is_only_a_name() {
        for name in ["$serde_json::private::RawValue", "$serde_json::private::Number", "__proto__", ""] {
            let text = json!({ name: "[1" }).to_string();
            assert_eq!(body("application/json", text.as_bytes()), Ok(json!({ name: "[1" })), "{name}");
            let headers: &[(&str, &[u8])] = &[];
            let request = HookRequest { method: "GET", query: &format!("{name}=-"), headers, body: b"" };
            let event = request.event().unwrap();
            assert_eq!(event["query"], json!({ name: "-" }));
            assert_eq!(serde_json::from_str::<Value>(&event.to_string()).unwrap(), event);
        }
    }

    #[test]
    fn a_delivery_is_known_by_header_or_field_and_an_empty_one_is_none() {
        let id = |header: &str, body: &str| {
            let headers: &[(&str, &[u8])] = &[("x-delivery", header.as_bytes())];
            let request = HookRequest { method: "POST", query: "", headers, body: body.as_bytes() };
            request.delivery(&request.event().unwrap(), Some("X-Delivery"), Some("data.0.id"))
        };
        for (header, body, expected) in [
            ("d1", "{}", Some("d1")),
            (" d1 ", "{}", Some("d1")),
            ("", r#"{"data": [{"id": "d2"}]}"#, Some("d2")),
            ("  ", r#"{"data": [{"id": 7}]}"#, Some("7")),
            ("", r#"{"data": [{"id": " "}]}"#, None),
            ("", r#"{"data": [{"id": null}]}"#, None),
            ("", r#"{"data": {"0": {"id": "d3"}}}"#, Some("d3")),
            ("", r#"{"data": "text"}"#, None),
            ("", "[]", None),
        ] {
            assert_eq!(id(header, body).as_deref(), expected, "{header} {body}");
        }
        let long = id(&"x".repeat(5000), "{}").unwrap();
        assert!(long.starts_with("sha256:") && long.len() == 71, "{long}");
        assert_ne!(id(&"x".repeat(5001), "{}").unwrap(), long);
    }

    /// A form of pairs, with one way to write them.
    fn written(pairs: &[(String, String)]) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    proptest! {
        #[test]
        fn any_request_is_an_event_or_refused(
            kind in prop::sample::select(vec!["", "application/json", "a/b+json", "application/x-www-form-urlencoded", "text/plain"]),
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "[\\[\\]{}\":,0-9a-z&=%+ ]{0,60}".prop_map(String::into_bytes),
            ],
            query in "[a-z&=%+\u{fc}\u{0}]{0,40}",
            path in "[a-z0-9.]{0,12}",
        ) {
            let mut room = vec![("x-id", &bytes[..])];
            let request = HookRequest { query: &query, ..request(kind, &bytes, &mut room) };
            if let Ok(event) = request.event() {
                prop_assert!(!bounds::is_too_deep(&event));
                prop_assert_eq!(&serde_json::from_str::<Value>(&event.to_string()).unwrap(), &event);
                let delivery = request.delivery(&event, Some("x-id"), Some(&path));
                prop_assert!(delivery.is_none_or(|it| !it.is_empty() && it.len() <= LONGEST_DELIVERY && it.trim() == it));
            }
        }

        #[test]
        fn a_form_comes_back_as_it_was_written(pairs in prop::collection::vec((any::<String>(), any::<String>()), 0..8)) {
            let read = body("application/x-www-form-urlencoded", written(&pairs).as_bytes());
            let expected = if pairs.is_empty() { Value::Null } else { collect(pairs.into_iter()) };
            prop_assert_eq!(read, Ok(expected));
        }

        #[test]
        fn a_field_is_found_where_it_lies(keys in prop::collection::vec("[a-z]{1,4}", 1..5), id in "[!-~]{1,30}") {
            let value = keys.iter().rev().fold(Value::from(id.as_str()), |inner, key| json!({ key.as_str(): inner }));
            let text = value.to_string();
            let request = HookRequest { method: "POST", query: "", headers: &[], body: text.as_bytes() };
            prop_assert_eq!(request.delivery(&request.event().unwrap(), None, Some(&keys.join("."))), Some(id));
        }
    }
}
