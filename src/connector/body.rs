//! How bodies travel: JSON, forms, multipart.
use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serializer as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A field of a body: its key in the mapping, its name on the wire, its value.
pub(super) struct Part<'a> {
    pub(super) key: &'a str,
    pub(super) name: &'a str,
    pub(super) value: Cow<'a, Value>,
    /// Whether it is a file in a multipart body.
    pub(super) file: bool,
}

/// Deeper values are written as JSON text.
const DEEPEST: usize = 16;

/// An object of the fields, without copying them.
pub(super) fn json(parts: &[Part<'_>]) -> Result<Bytes, serde_json::Error> {
    let mut out = Vec::with_capacity(256);
    serde_json::Serializer::new(&mut out).collect_map(parts.iter().map(|it| (it.name, &*it.value)))?;
    Ok(out.into())
}

/// `application/x-www-form-urlencoded` (WHATWG URL, 5); what is nested becomes `name[key]`.
pub(super) fn urlencoded(parts: &[Part<'_>]) -> Bytes {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for part in parts {
        flatten(&mut part.name.to_owned(), &part.value, 0, &mut |name, text| {
            out.append_pair(name, text);
        });
    }
    out.finish().into()
}

/// Every text in the value with the name that it gets in a form; `null` has none.
pub(super) fn flatten(name: &mut String, value: &Value, depth: usize, each: &mut dyn FnMut(&str, &str)) {
    if let Some(text) = text_of(value) {
        each(name, &text);
        return;
    }
    let length = name.len();
    match value {
        Value::Array(list) if depth < DEEPEST => {
            for (at, item) in list.iter().enumerate() {
                name.push('[');
                name.push_str(&at.to_string());
                name.push(']');
                flatten(name, item, depth + 1, each);
                name.truncate(length);
            }
        }
        Value::Object(map) if depth < DEEPEST => {
            for (key, item) in map {
                name.push('[');
                name.push_str(key);
                name.push(']');
                flatten(name, item, depth + 1, each);
                name.truncate(length);
            }
        }
        Value::Array(_) | Value::Object(_) => each(name, &value.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A scalar as text; none for `null`, lists and objects.
pub(super) fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `multipart/form-data` (RFC 7578): the content type with its boundary, and the body.
///
/// # Errors
/// The key of a file that is not one, and what is wrong with it.
pub(super) fn multipart(parts: &[Part<'_>]) -> Result<(String, Bytes), (String, String)> {
    let mut sections: Vec<(String, Vec<u8>)> = Vec::with_capacity(parts.len());
    for part in parts {
        if part.file {
            for file in part.value.as_array().map_or_else(|| std::slice::from_ref(&*part.value), Vec::as_slice) {
                sections.push(file_section(part.name, file).map_err(|words| (part.key.to_owned(), words))?);
            }
        } else {
            flatten(&mut part.name.to_owned(), &part.value, 0, &mut |name, text| {
                sections.push((disposition(name), text.as_bytes().to_vec()));
            });
        }
    }
    // The digest of everything that is sent cannot stand in what is sent, and the same parts make the same body.
    let mut digest = Sha256::new();
    for (head, content) in &sections {
        digest.update(head.as_bytes());
        digest.update(content);
    }
    let boundary: String = "flowyard-"
        .chars()
        .chain(digest.finalize().iter().take(16).flat_map(|it| format!("{it:02x}").into_bytes()).map(char::from))
        .collect();
    let length: usize = sections.iter().map(|(head, content)| head.len() + content.len() + boundary.len() + 8).sum();
    let mut out = Vec::with_capacity(length + boundary.len() + 8);
    for (head, content) in &sections {
        for piece in ["--", &boundary, "\r\n", head, "\r\n\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
        out.extend_from_slice(content);
        out.extend_from_slice(b"\r\n");
    }
    for piece in ["--", &boundary, "--\r\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
    Ok((format!("multipart/form-data; boundary={boundary}"), out.into()))
}

fn disposition(name: &str) -> String {
    format!("Content-Disposition: form-data; name=\"{}\"", quoted(name))
}

/// As browsers do (WHATWG HTML, "multipart/form-data encoding algorithm").
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn file_section(name: &str, file: &Value) -> Result<(String, Vec<u8>), String> {
    const SHAPE: &str = "a file is an object with `filename` and either `text` or `content_base64`";
    let file = file.as_object().ok_or(SHAPE)?;
    let text = |key: &str| file.get(key).and_then(Value::as_str);
    let content = match (text("text"), text("content_base64")) {
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, Some(coded)) => {
            STANDARD.decode(coded.trim()).map_err(|error| format!("`content_base64` is not Base64: {error}"))?
        }
        (Some(_), Some(_)) => return Err("a file has either `text` or `content_base64`, not both".into()),
        (None, None) => return Err(SHAPE.into()),
    };
    let content_type = text("content_type").unwrap_or("application/octet-stream");
    if content_type.bytes().any(|it| !(b' '..=b'~').contains(&it)) {
        return Err("`content_type` holds characters that it cannot".into());
    }
    let head = format!(
        "{}; filename=\"{}\"\r\nContent-Type: {content_type}",
        disposition(name),
        quoted(text("filename").unwrap_or("file"))
    );
    Ok((head, content))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(fields: &[(&'static str, Value, bool)]) -> Vec<Part<'static>> {
        fields.iter().map(|(name, value, file)| Part { key: name, name, value: Cow::Owned(value.clone()), file: *file }).collect()
    }

    #[test]
    fn a_form_flattens_what_is_nested() {
        let parts = parts(&[
            ("title", json!("a b&c"), false),
            ("n", json!(3), false),
            ("on", json!(true), false),
            ("gone", Value::Null, false),
            ("to", json!({"mail": ["x@y.z", "q"], "at": {"h": 1}}), false),
        ]);
        assert_eq!(
            urlencoded(&parts),
            "title=a+b%26c&n=3&on=true&to%5Bat%5D%5Bh%5D=1&to%5Bmail%5D%5B0%5D=x%40y.z&to%5Bmail%5D%5B1%5D=q"
        );
    }

    #[test]
    fn json_keeps_types_and_order() {
        let parts = parts(&[("b", json!(1.5), false), ("a", Value::Null, false)]);
        assert_eq!(json(&parts).unwrap(), r#"{"b":1.5,"a":null}"#);
        assert_eq!(json(&[]).unwrap(), "{}");
    }

    #[test]
    fn multipart_holds_fields_and_files() {
        let parts = parts(&[
            ("note", json!("hi"), false),
            ("file", json!({"filename": "a\"\r\nX: 1.txt", "text": "body", "content_type": "text/plain"}), true),
            ("raw", json!([{"content_base64": "AAE="}, {"filename": "b", "content_base64": ""}]), true),
        ]);
        let (content_type, body) = multipart(&parts).unwrap();
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        let body = String::from_utf8_lossy(&body).replace(boundary, "B");
        assert_eq!(
            body,
            "--B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n\
             --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22%0D%0AX: 1.txt\"\r\nContent-Type: text/plain\r\n\r\nbody\r\n\
             --B\r\nContent-Disposition: form-data; name=\"raw\"; filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n\0\u{1}\r\n\
             --B\r\nContent-Disposition: form-data; name=\"raw\"; filename=\"b\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n\
             --B--\r\n"
        );
        assert_eq!(multipart(&parts).unwrap().0, content_type, "the same parts make the same body");
    }

    #[test]
    fn what_is_no_file_is_named() {
        for file in [
            json!("text"),
            json!({}),
            json!({"content_base64": "%"}),
            json!({"text": "a", "content_base64": ""}),
            json!({"text": "a", "content_type": "a\r\nb"}),
        ] {
            let (key, words) = multipart(&parts(&[("up", file, true)])).unwrap_err();
            assert_eq!(key, "up");
            assert!(!words.is_empty());
        }
    }
}
