//! What a service answered, as data.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::words;
use crate::record::bounds::{self, Beyond};

/// A complete answer with a status from 200 to 299.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// 200–299.
    pub status: u16,
    /// Names in lower case, in the order received. Secrets, cookies among them, are replaced as they are in the log.
    pub headers: Vec<(String, String)>,
    /// JSON; text as a string; null if the body is empty; what is no text as `{"content_base64": …, "content_type": …}`.
    /// The connection's own secret is replaced wherever it stands.
    pub value: Value,
}

/// A body that has been read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Empty,
    Json(Value),
    /// Said to be JSON, and is not: what is wrong with it.
    Broken(String),
    /// JSON that is deeper or holds more than a run can carry.
    Beyond(Beyond),
    /// An HTML page.
    Page(String),
    Text(String),
    Binary(Value),
}

impl Content {
    /// Reads a body. JSON is recognised by its content type, or by its first character where it parses: services that
    /// answer JSON as `text/html` are not rare.
    pub(super) fn read(bytes: &[u8], content_type: &str) -> Self {
        let start = bytes.iter().find(|it| !it.is_ascii_whitespace());
        let Some(start) = start else { return Self::Empty };
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let says_json = kind.eq_ignore_ascii_case("application/json") || kind.to_ascii_lowercase().ends_with("+json");
        if says_json || matches!(start, b'{' | b'[') {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            let read = match bounds::beyond(bytes) {
                None => serde_json::from_slice(bytes).map(Self::Json),
                // Whether it is JSON is looked at without keeping any of it.
                Some(beyond) => serde_json::from_slice::<IgnoredAny>(bytes).map(|_| Self::Beyond(beyond)),
            };
            match read {
                Ok(content) => return content,
                Err(error) if says_json && *start != b'<' => return Self::Broken(error.to_string()),
                Err(_) => {}
            }
        }
        match text(bytes, content_type) {
            Some(text) if words::is_page(&text, content_type) => Self::Page(text),
            Some(text) => Self::Text(text),
            None => Self::Binary(json!({"content_base64": STANDARD.encode(bytes), "content_type": kind})),
        }
    }

    /// As the output of a step.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Empty | Self::Broken(_) | Self::Beyond(_) => Value::Null,
            Self::Json(value) | Self::Binary(value) => value,
            Self::Page(text) | Self::Text(text) => Value::String(text),
        }
    }

    /// The service's own words, if it has any.
    pub(super) fn words(&self, paths: &[String]) -> String {
        match self {
            Self::Empty | Self::Binary(_) => String::new(),
            Self::Json(value) => words::of_json(value, paths),
            Self::Broken(error) => error.clone(),
            Self::Beyond(beyond) => beyond.to_string(),
            Self::Page(page) => words::of_page(page),
            Self::Text(text) => words::clipped(text, 300),
        }
    }
}

/// UTF-8, or ISO 8859-1 where the content type says so; none for anything else.
fn text(bytes: &[u8], content_type: &str) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (!bytes.contains(&0)).then(|| text.to_owned());
    }
    let content_type = content_type.to_ascii_lowercase();
    if content_type.contains("iso-8859-1") || content_type.contains("latin1") {
        return Some(bytes.iter().map(|it| char::from(*it)).collect());
    }
    content_type.starts_with("text/").then(|| String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    #[test]
    fn a_body_is_read_for_what_it_is() {
        for (bytes, content_type, expected) in [
            (&b""[..], "application/json", Content::Empty),
            (b" \n", "", Content::Empty),
            (b"{\"a\":1}", "application/json; charset=utf-8", Content::Json(json!({"a": 1}))),
            (b"5", "application/problem+json", Content::Json(json!(5))),
            (b"\xEF\xBB\xBF{}", "application/json", Content::Json(json!({}))),
            (b"[1]", "text/html", Content::Json(json!([1]))),
            (b"{not json", "text/plain", Content::Text("{not json".into())),
            (b"OK", "text/plain", Content::Text("OK".into())),
            (b"caf\xE9", "text/plain; charset=ISO-8859-1", Content::Text("café".into())),
            (b"<html>x", "application/json", Content::Page("<html>x".into())),
            (b"\xFF\x00", "image/png", Content::Binary(json!({"content_base64": "/wA=", "content_type": "image/png"}))),
        ] {
            assert_eq!(Content::read(bytes, content_type), expected, "{content_type}");
        }
        assert!(matches!(Content::read(b"{\"a\":", "application/json"), Content::Broken(_)));
        let deep = "[".repeat(100_000);
        assert!(matches!(Content::read(deep.as_bytes(), "application/json"), Content::Broken(_)));
        let deep = format!("{deep}{}", "]".repeat(deep.len()));
        assert_eq!(Content::read(deep.as_bytes(), "application/json"), Content::Beyond(Beyond::Depth(bounds::MAX_DEPTH)));
        let many = format!("[{}0]", "{},".repeat(bounds::MAX_VALUES));
        assert_eq!(Content::read(many.as_bytes(), ""), Content::Beyond(Beyond::Values));
        assert!(matches!(Content::read(&vec![b','; 600_000], "application/json"), Content::Broken(_)));
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_for_something_that_a_run_can_carry(
            bytes in proptest::prop_oneof![
                proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100),
                "[\\[\\]{}\":,0-9a-z<> ]{0,60}".prop_map(String::into_bytes),
            ],
            content_type in proptest::prop_oneof![
                proptest::sample::select(vec!["", "application/json", "text/html", "text/plain; charset=iso-8859-1", "image/png", ";"])
                    .prop_map(str::to_owned),
                proptest::prelude::any::<String>(),
            ],
        ) {
            let content = Content::read(&bytes, &content_type);
            proptest::prop_assert!(content.words(&["message".to_owned()]).chars().count() <= 2000);
            proptest::prop_assert!(!bounds::is_too_deep(&content.into_value()));
        }
    }
}
