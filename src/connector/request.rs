//! Builds a request from an operation and its mapped input. Pure.
use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use super::Connection;
use super::body::{self, Part};
use super::coerce::coerce;
use crate::catalog::{Connector, Encoding, Input, Kind, Method, Operation, Place};
use crate::record::{Failure, FailureKind};

/// Everything but the unreserved characters of RFC 3986, 2.3.
pub(super) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request that is ready to be signed and sent.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The record that the path names, for example `contact 3f2a`; may be empty.
    pub(super) record: String,
}

/// Headers that describe the connection or the framing of the message; they are HTTP's own.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    const RESERVED: [&str; 11] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    RESERVED.contains(&name.as_str())
}

/// The request that calls `operation` on `connection`.
///
/// # Errors
/// A failure of the mapping, at `input.<key>`: what is missing, unknown, or of a type that loses something.
pub(super) fn build(
    connection: &Connection,
    connector: &Connector,
    operation: &Operation,
    input: &Map<String, Value>,
) -> Result<Prepared, Failure> {
    let mut building = Building { connection, connector, operation, input, mapped: 0 };
    let mut path: Vec<(&str, String)> = Vec::new();
    let mut query: Option<form_urlencoded::Serializer<'_, String>> = None;
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let mut parts: Vec<Part<'_>> = Vec::new();
    let mut whole: Option<Cow<'_, Value>> = None;
    let mut record = String::new();

    for it in &operation.inputs {
        let Some(value) = building.value(it)? else { continue };
        match it.place {
            Place::Path => {
                let text = building.text(it, &value)?;
                // A URL parser takes these for steps up and down, however they are encoded.
                if text.is_empty() || text == "." || text == ".." {
                    return Err(building.failure(it, &format!("{} is {text:?}, which names no record", title(it))));
                }
                record = record_name(&operation.path, &it.name, &text);
                path.push((&it.name, utf8_percent_encode(&text, UNRESERVED).to_string()));
            }
            Place::Query => {
                let query = query.get_or_insert_with(|| form_urlencoded::Serializer::new(String::new()));
                let list = match &*value {
                    Value::Array(list) => list.as_slice(),
                    one => std::slice::from_ref(one),
                };
                for item in list {
                    body::flatten(&mut it.name.clone(), item, 0, &mut |name, text| {
                        query.append_pair(name, text);
                    });
                }
            }
            Place::Header => {
                let text = building.text(it, &value)?;
                let name = HeaderName::from_bytes(it.name.as_bytes()).ok().filter(|it| !is_reserved(it));
                match (name, HeaderValue::from_bytes(text.as_bytes())) {
                    (Some(name), Ok(text)) => headers.insert(name, text),
                    _ => return Err(building.failure(it, &format!("{} cannot travel as a header", title(it)))),
                };
            }
            Place::Body if it.name.is_empty() => whole = Some(value),
            Place::Body => {
                let file = is_file(connector, it);
                parts.push(Part { key: &it.key, name: &it.name, value, file });
            }
        }
    }
    building.all_known()?;

    let url = building.url(&path, query.map(|mut it| it.finish()))?;
    let (content_type, body) = building.body(&parts, whole.as_deref())?;
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, content_type);
    }
    Ok(Prepared { method: operation.method, url, headers, body, record })
}

struct Building<'a> {
    connection: &'a Connection,
    connector: &'a Connector,
    operation: &'a Operation,
    input: &'a Map<String, Value>,
    /// How many keys of the input have been met.
    mapped: usize,
}

impl<'a> Building<'a> {
    /// What is sent for an input: its fixed value, or what is mapped, or the account's; none if nothing is.
    fn value(&mut self, it: &'a Input) -> Result<Option<Cow<'a, Value>>, Failure> {
        let mapped = self.input.get(&it.key);
        self.mapped += usize::from(mapped.is_some());
        if let Some(fixed) = &it.fixed {
            return match mapped {
                Some(value) if value != fixed => {
                    Err(self.failure(it, &format!("{} is always {fixed} and cannot be mapped", title(it))))
                }
                _ => Ok(Some(Cow::Borrowed(fixed))),
            };
        }
        if let Some(value) = mapped.filter(|it| !it.is_null()) {
            let file = is_file(self.connector, it);
            if file && self.operation.body == Some(Encoding::Multipart) {
                return Ok(Some(Cow::Borrowed(value)));
            }
            return match coerce(self.connector, &it.schema, value) {
                Ok(value) => Ok(Some(value)),
                Err(mismatch) => {
                    Err(self.failure(it, &format!("{} has to be {}, and is {}", title(it), mismatch.expected, mismatch.found)))
                }
            };
        }
        if let Some(field) = &it.account {
            if let Some(text) = self.connection.account.get(field).filter(|it| !it.is_empty()) {
                let text = Value::String(text.clone());
                return match coerce(self.connector, &it.schema, &text) {
                    Ok(value) => Ok(Some(Cow::Owned(value.into_owned()))),
                    Err(mismatch) => Err(self.failure(
                        it,
                        &format!("{field} of the connection {:?} has to be {}", self.connection.name, mismatch.expected),
                    )),
                };
            }
            if it.required {
                let words = format!("{} is missing", title(it));
                let hint = format!("Map it, or fill in {field} of the connection {:?}", self.connection.name);
                return Err(self.failure(it, &words).hint(hint));
            }
        }
        match mapped {
            // An explicit null empties a field, where a body can say so.
            Some(null) if it.place == Place::Body && (!it.required || self.connector.resolve(&it.schema).nullable) => {
                Ok(Some(Cow::Borrowed(null)))
            }
            _ if it.required || it.place == Place::Path => {
                Err(self.failure(it, &format!("{} is missing", title(it))).hint(format!("Map a value to {}", title(it))))
            }
            _ => Ok(None),
        }
    }

    fn text<'v>(&self, it: &Input, value: &'v Value) -> Result<Cow<'v, str>, Failure> {
        if let Value::Array(list) = value
            && !list.is_empty()
        {
            let texts: Option<Vec<_>> = list.iter().map(body::text_of).collect();
            if let Some(texts) = texts {
                return Ok(Cow::Owned(texts.join(",")));
            }
        }
        body::text_of(value).ok_or_else(|| self.failure(it, &format!("{} has to be a single value", title(it))))
    }

    fn failure(&self, it: &Input, words: &str) -> Failure {
        Failure::new(FailureKind::Mapping, format!("\"{}\" was not sent: {words}", self.operation.title))
            .at(format!("input.{}", it.key))
    }

    /// Refuses keys of the input that the operation does not have.
    fn all_known(&self) -> Result<(), Failure> {
        if self.mapped == self.input.len() {
            return Ok(());
        }
        let Some(unknown) = self.input.keys().find(|key| self.operation.input(key).is_none()) else { return Ok(()) };
        let failure =
            Failure::new(FailureKind::Mapping, format!("\"{}\" was not sent: it has no input {unknown:?}", self.operation.title))
                .at(format!("input.{unknown}"));
        let keys = self.operation.inputs.iter().filter(|it| it.fixed.is_none()).map(|it| it.key.as_str());
        Err(match nearest(unknown, keys) {
            Some(near) => failure.hint(format!("Did you mean {near:?}?")),
            None => failure.hint("Remove it from the mapping"),
        })
    }

    fn url(&self, path: &[(&str, String)], query: Option<String>) -> Result<Url, Failure> {
        let template = self.operation.path.as_str();
        let flow = |words: String| Failure::new(FailureKind::Flow, format!("\"{}\" was not sent: {words}", self.operation.title));
        let base = self.connection.base_url.trim_end_matches('/');
        let mut text = String::with_capacity(base.len() + template.len() + 32 + query.as_ref().map_or(0, String::len));
        text.push_str(base);
        // Without it, a path could change the host that the base URL ends in.
        if !template.starts_with('/') {
            text.push('/');
        }
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                return Err(flow(format!("its path {template:?} has a brace that does not close")));
            };
            let Some((_, value)) = path.iter().find(|(it, _)| *it == name) else {
                return Err(flow(format!("its path {template:?} names {name:?}, which is not among its inputs")));
            };
            text.push_str(value);
            rest = after;
        }
        text.push_str(rest);
        if let Some(query) = query.filter(|it| !it.is_empty()) {
            text.push(if template.contains('?') { '&' } else { '?' });
            text.push_str(&query);
        }
        Url::parse(&text).map_err(|error| {
            flow(format!("the base URL of the connection {:?} is not one: {error}", self.connection.name))
                .detail(base)
                .hint("Correct the base URL of the connection")
        })
    }

    fn body(&self, parts: &[Part<'_>], whole: Option<&Value>) -> Result<(Option<HeaderValue>, Bytes), Failure> {
        let Some(encoding) = self.operation.body else { return Ok((None, Bytes::new())) };
        let json = || Some(HeaderValue::from_static("application/json"));
        let broken = |error: serde_json::Error| {
            Failure::new(
                FailureKind::Mapping,
                format!("\"{}\" was not sent: its body cannot be written as JSON", self.operation.title),
            )
            .detail(error.to_string())
            .at("input.body")
        };
        match (encoding, whole) {
            (_, None) if parts.is_empty() && matches!(self.operation.method, Method::Get | Method::Head) => {
                Ok((None, Bytes::new()))
            }
            (Encoding::Json, Some(whole)) => Ok((json(), serde_json::to_vec(whole).map_err(broken)?.into())),
            (Encoding::Json, None) => Ok((json(), body::json(parts).map_err(broken)?)),
            (Encoding::Urlencoded, None) => {
                Ok((Some(HeaderValue::from_static("application/x-www-form-urlencoded")), body::urlencoded(parts)))
            }
            (Encoding::Multipart, None) => {
                let (content_type, body) = body::multipart(parts).map_err(|(key, words)| {
                    Failure::new(FailureKind::Mapping, format!("\"{}\" was not sent: {words}", self.operation.title))
                        .at(format!("input.{key}"))
                })?;
                Ok((HeaderValue::from_str(&content_type).ok(), body))
            }
            (Encoding::Urlencoded | Encoding::Multipart, Some(whole)) => {
                let Value::Object(map) = whole else {
                    return Err(Failure::new(
                        FailureKind::Mapping,
                        format!("\"{}\" was not sent: its body has to be an object", self.operation.title),
                    )
                    .at("input.body"));
                };
                let parts: Vec<_> = map
                    .iter()
                    .map(|(name, value)| Part { key: "body", name, value: Cow::Borrowed(value), file: false })
                    .collect();
                self.body(&parts, None)
            }
        }
    }
}

/// What a person calls an input.
fn title(it: &Input) -> &str {
    if it.title.is_empty() { &it.key } else { &it.title }
}

fn is_file(connector: &Connector, it: &Input) -> bool {
    let binary = |kind: &Kind| matches!(kind, Kind::String { format } if format == "binary");
    match &connector.resolve(&it.schema).kind {
        Kind::Array { items } => binary(&connector.resolve(items).kind),
        kind => binary(kind),
    }
}

/// `contactId`, `contact_id` or the `{id}` of `/contacts/{id}` with `3f2a` is `contact 3f2a`.
fn record_name(path: &str, name: &str, value: &str) -> String {
    let stem = ["Id", "_id", "-id", "ID"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(name);
    let mut words = String::new();
    if stem.is_empty() || stem.eq_ignore_ascii_case("id") {
        let before = path.split_once(&format!("{{{name}}}")).map_or("", |(before, _)| before);
        let segment = before.rsplit('/').find(|it| !it.is_empty() && !it.starts_with('{')).unwrap_or("record");
        words.push_str(segment.strip_suffix('s').unwrap_or(segment));
    } else {
        for letter in stem.chars() {
            match letter {
                '_' | '-' => words.push(' '),
                upper if upper.is_uppercase() => {
                    words.push(' ');
                    words.extend(upper.to_lowercase());
                }
                other => words.push(other),
            }
        }
    }
    words.push(' ');
    words.extend(value.chars().take(80));
    words.trim_start().to_owned()
}

/// The key that is spelled most like `unknown`, if any is near.
fn nearest<'a>(unknown: &str, keys: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let unknown: Vec<char> = unknown.to_lowercase().chars().take(64).collect();
    let most = (unknown.len() / 3).max(2);
    keys.map(|key| (distance(&unknown, key), key))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(it, _)| *it)
        .map(|(_, key)| key)
}

/// Levenshtein's distance, without regard to case.
fn distance(one: &[char], other: &str) -> usize {
    let mut row: Vec<usize> = (0..=one.len()).collect();
    for (at, letter) in other.to_lowercase().chars().take(64).enumerate() {
        let mut diagonal = at;
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
        for index in 0..one.len() {
            let change = diagonal + usize::from(one[index] != letter);
            diagonal = row[index + 1];
            row[index + 1] = change.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
#[path = "tests/request.rs"]
mod tests;
