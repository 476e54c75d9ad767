//! Takes secrets out of what is written down.
//!
//! By name: headers, query parameters, JSON and form fields that are called like a secret. By value: the connection's own
//! secret in every form that a text could give it. One pass over a text each, and a copy only of what is kept.
use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};
use percent_encoding::percent_decode_str;
use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use super::Secret;
use crate::record::Body;

/// What stands where a secret stood.
pub(super) const HIDDEN: &str = "•••";
/// The same where JSON needs a value.
const HIDDEN_VALUE: &str = "\"•••\"";
/// How far beyond the cut a secret may begin before it and still be recognised whole, in bytes.
const BEYOND_CUT: usize = 8 << 10;

/// Fields that are secrets, in lower case without `_`, `-` and spaces.
const FIELDS: [&str; 33] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apisecret",
    "apitoken",
    "assertion",
    "authorization",
    "authtoken",
    "bearertoken",
    "clientassertion",
    "clientsecret",
    "codeverifier",
    "cookie",
    "idtoken",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "securitytoken",
    "sessiontoken",
    "sharedsecret",
    "sig",
    "signature",
    "signingkey",
    "signingsecret",
    "token",
    "webhooksecret",
    "xapikey",
];

/// Hides the secrets of one call.
#[derive(Clone, Copy, Default)]
pub(super) struct Redactor<'a> {
    /// The secret that signs the call.
    pub(super) secret: Option<&'a Secret>,
    /// The header that it travels in, in lower case, if not `Authorization`.
    pub(super) header: Option<&'a str>,
    /// The parameter of the address that it travels in.
    pub(super) parameter: Option<&'a str>,
}

struct Span {
    start: usize,
    end: usize,
    with: &'static str,
}

impl Redactor<'_> {
    /// The URL as the log keeps it.
    pub(super) fn url(&self, url: &Url) -> String {
        let text = url.as_str();
        let Some((path, query)) = text.split_once('?') else { return self.text(text).into_owned() };
        let mut out = String::with_capacity(text.len() + 8);
        out.push_str(path);
        let mut separator = '?';
        for pair in query.split('&') {
            out.push(separator);
            separator = '&';
            match pair.split_once('=') {
                Some((name, _)) if is_secret_parameter(name) || self.is_own_parameter(name) => {
                    out.push_str(name);
                    out.push('=');
                    out.push_str(HIDDEN);
                }
                _ => out.push_str(pair),
            }
        }
        match self.text(&out) {
            Cow::Owned(text) => text,
            Cow::Borrowed(_) => out,
        }
    }

    fn is_own_parameter(&self, name: &str) -> bool {
        self.parameter.is_some_and(|it| percent_decode_str(&name.replace('+', " ")).decode_utf8_lossy() == it)
    }

    /// Names in lower case and values, in order.
    pub(super) fn headers(&self, headers: &HeaderMap) -> Vec<(String, String)> {
        let mut out = Vec::with_capacity(headers.len() + 1);
        for (name, value) in headers {
            let hidden = value.is_sensitive() || self.header == Some(name.as_str()) || is_secret_header(name.as_str());
            let value = if hidden { HIDDEN.to_owned() } else { self.header_text(&String::from_utf8_lossy(value.as_bytes())) };
            out.push((name.as_str().to_owned(), value));
        }
        out
    }

    /// A `Location` and its kind hold URLs.
    fn header_text(&self, text: &str) -> String {
        if text.contains("://")
            && text.contains('?')
            && let Ok(url) = Url::parse(text)
        {
            return self.url(&url);
        }
        self.text(text).into_owned()
    }

    /// The body as the log keeps it, at most `max` bytes of text; `whole` is whether `bytes` are all there were.
    pub(super) fn body(&self, bytes: &[u8], content_type: &str, max: usize, whole: bool) -> Body {
        let mut body = Body { text: String::new(), size: bytes.len() as u64, cut: !whole };
        if bytes.is_empty() || max == 0 {
            body.cut |= !bytes.is_empty();
            return body;
        }
        let slack = BEYOND_CUT.max(self.secret.map_or(0, |it| it.traces().longest()));
        let window = bytes.get(..max.saturating_add(slack)).unwrap_or(bytes);
        let Some(text) = readable(window, window.len() < bytes.len() || !whole) else {
            body.cut = true;
            return body;
        };
        let limit = text.floor_char_boundary(max);
        body.cut |= limit < bytes.len();

        let mut spans = Vec::new();
        match text.trim_start().as_bytes().first() {
            Some(b'{' | b'[') => json_spans(text.as_bytes(), &mut spans),
            _ if content_type.starts_with("application/x-www-form-urlencoded") => form_spans(text, &mut spans),
            _ if content_type.starts_with("multipart/") => multipart_spans(text.as_bytes(), &mut spans),
            _ => {}
        }
        self.own_spans(text, &mut spans);
        body.text =
            if spans.is_empty() { text.get(..limit).unwrap_or_default().to_owned() } else { replaced(text, spans, limit) };
        if body.text.len() > max {
            body.text.truncate(body.text.floor_char_boundary(max));
            body.cut = true;
        }
        body
    }

    /// A text without the connection's own secret.
    pub(super) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut spans = Vec::new();
        self.own_spans(text, &mut spans);
        if spans.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(replaced(text, spans, text.len())) }
    }

    /// Whether the connection's own secret is in the text.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.secret.is_some_and(|it| it.traces().is_in(text))
    }

    /// Takes the connection's own secret out of every text in a value.
    pub(super) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(hidden) = self.text(text) {
                    *text = hidden;
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|it| self.value(it)),
            Value::Object(map) => {
                if map.keys().any(|key| self.is_in(key.as_bytes())) {
                    *map = std::mem::take(map).into_iter().map(|(key, value)| (self.text(&key).into_owned(), value)).collect();
                }
                map.values_mut().for_each(|it| self.value(it));
            }
            Value::Number(number) => {
                if self.is_in(number.to_string().as_bytes()) {
                    *value = Value::String(HIDDEN.into());
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn own_spans(&self, text: &str, spans: &mut Vec<Span>) {
        let Some(secret) = self.secret else { return };
        secret.traces().find_in(text.as_bytes(), |start, end| {
            // A form may begin or end within a character only if the text around it is not text.
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                spans.push(Span { start, end, with: HIDDEN });
            }
        });
    }
}

/// Valid UTF-8 without NUL; where more follows, a character may be cut at the end.
fn readable(bytes: &[u8], more: bool) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if more && error.error_len().is_none() => std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    memchr(0, text.as_bytes()).is_none().then_some(text)
}

/// The text up to `limit` with the spans replaced. Spans may overlap.
fn replaced(text: &str, mut spans: Vec<Span>, limit: usize) -> String {
    spans.retain(|it| it.start < it.end);
    spans.sort_unstable_by_key(|it| (it.start, std::cmp::Reverse(it.end)));
    let mut out = String::with_capacity(limit + 16);
    let mut at = 0;
    for span in spans {
        if span.start >= limit {
            break;
        }
        if span.start >= at {
            out.push_str(text.get(at..span.start).unwrap_or_default());
            out.push_str(span.with);
        }
        at = at.max(span.end);
    }
    out.push_str(text.get(at..limit).unwrap_or_default());
    out
}

/// Whether a JSON or form field of this name is a secret.
fn is_secret_field(name: &[u8]) -> bool {
    let mut plain = [0_u8; 24];
    let Some(length) = plainly(name, &mut plain) else { return false };
    plain.get(..length).and_then(|it| std::str::from_utf8(it).ok()).is_some_and(|it| FIELDS.binary_search(&it).is_ok())
}

/// Lower case, without `_`, `-` and spaces; none if it is too long or too short to be one of [`FIELDS`].
fn plainly(name: &[u8], out: &mut [u8; 24]) -> Option<usize> {
    if !(3..=32).contains(&name.len()) {
        return None;
    }
    let mut length = 0;
    for byte in name {
        if !matches!(byte, b'_' | b'-' | b' ' | b'.') {
            *out.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    Some(length)
}

fn is_secret_parameter(name: &str) -> bool {
    let name = percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
    if matches!(name.as_str(), "key" | "auth" | "sig" | "pwd") || is_secret_field(name.as_bytes()) {
        return true;
    }
    // Cursors of lists are called tokens too, and the log is of little use without them.
    let cursor = ["page", "next", "continu", "sync", "cursor"].iter().any(|it| name.contains(it));
    (name.contains("token") && !cursor)
        || ["secret", "passw", "signature", "apikey", "api_key", "api-key"].iter().any(|it| name.contains(it))
}

fn is_secret_header(name: &str) -> bool {
    const PARTS: [&str; 10] =
        ["authorization", "cookie", "token", "secret", "passw", "signature", "api-key", "apikey", "access-key", "x-auth"];
    PARTS.iter().any(|it| name.contains(it))
}

/// The values of secret fields in JSON text, whole or cut.
fn json_spans(text: &[u8], spans: &mut Vec<Span>) {
    let mut at = 0;
    while let Some(quote) = text.get(at..).and_then(|it| memchr(b'"', it)) {
        let start = at + quote + 1;
        let end = end_of_string(text, start);
        at = end + 1;
        let colon = skip_space(text, at);
        if text.get(colon) != Some(&b':') {
            continue;
        }
        at = colon + 1;
        if !text.get(start..end).is_some_and(is_secret_field) {
            continue;
        }
        let start = skip_space(text, at);
        let (start, end, with) = match text.get(start) {
            Some(b'"') => (start + 1, end_of_string(text, start + 1), HIDDEN),
            Some(b'{' | b'[') => (start, end_of_nested(text, start), HIDDEN_VALUE),
            Some(b'n') | None => continue,
            Some(_) => {
                let rest = text.get(start..).unwrap_or_default();
                let end = rest.iter().position(|it| matches!(it, b',' | b'}' | b']' | b' ' | b'\r' | b'\n' | b'\t'));
                (start, start + end.unwrap_or(rest.len()), HIDDEN_VALUE)
            }
        };
        spans.push(Span { start, end, with });
        at = if with == HIDDEN { end + 1 } else { end };
    }
}

/// Where the string that began before `from` ends: at its closing quote, or with the text.
fn end_of_string(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = text.get(at..).and_then(|it| memchr2(b'"', b'\\', it)) {
        let found = at + found;
        if text.get(found) == Some(&b'"') {
            return found;
        }
        at = found + 2;
    }
    text.len()
}

/// Where the list or object that begins at `from` ends, or where the text does.
fn end_of_nested(text: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_string(text, at + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

fn skip_space(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|it| !it.is_ascii_whitespace()).unwrap_or(rest.len())
}

fn form_spans(text: &str, spans: &mut Vec<Span>) {
    let mut at = 0;
    for pair in text.split('&') {
        if let Some((name, _)) = pair.split_once('=')
            && is_secret_parameter(name)
        {
            spans.push(Span { start: at + name.len() + 1, end: at + pair.len(), with: HIDDEN });
        }
        at += pair.len() + 1;
    }
}

fn multipart_spans(text: &[u8], spans: &mut Vec<Span>) {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|it| memmem::find(it, b"; name=\"")) {
        let start = at + found + 8;
        let end = end_of_string(text, start);
        at = end;
        if !text.get(start..end).is_some_and(is_secret_field) {
            continue;
        }
        let Some(head) = text.get(end..).and_then(|it| memmem::find(it, b"\r\n\r\n")) else { break };
        let start = end + head + 4;
        let rest = text.get(start..).unwrap_or_default();
        let end = start + memmem::find(rest, b"\r\n--").unwrap_or(rest.len());
        spans.push(Span { start, end, with: HIDDEN });
        at = end;
    }
}

#[cfg(test)]
#[path = "tests/redact.rs"]
mod tests;
