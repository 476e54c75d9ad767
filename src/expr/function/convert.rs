//! From one form into another.
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::call::{Call, Out, out, text_out};
use super::{Row, weight};
use crate::expr::base64;
use crate::expr::error::Fault;
use crate::expr::value::truthy;

pub(super) const ROWS: &[Row] = &[
    Row::filter(
        "json(indent?)",
        "As JSON text; with `indent=true`, over several lines.",
        "{'a': [1, null]} | json",
        r#""{\"a\":[1,null]}""#,
        json,
    ),
    Row::filter("parse_json", "The value that JSON text stands for.", "'{\"a\": 1}' | parse_json", r#"{"a":1}"#, parse_json),
    Row::filter(
        "url_encode",
        "For a part of a URL: everything but letters, digits and `-_.~` as percent signs and codes.",
        "'a b&c' | url_encode",
        r#""a%20b%26c""#,
        url_encode,
    ),
    Row::filter("url_decode", "Back from `url_encode`.", "'a%20b' | url_decode", r#""a b""#, url_decode),
    Row::filter("base64", "Text as Base64.", "'user:pass' | base64", r#""dXNlcjpwYXNz""#, base64_encode),
    Row::filter(
        "base64_decode",
        "Text back from Base64, of either alphabet; an error if it is none, or no text.",
        "'dXNlcjpwYXNz' | base64_decode",
        r#""user:pass""#,
        base64_decode,
    ),
    Row::filter(
        "hash(algorithm?)",
        "A fingerprint of the text, in hexadecimal digits: 'sha256', which is also what it is if none is named.",
        "'abc' | hash",
        r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#,
        hash,
    ),
];

/// What RFC 3986 leaves as it is, besides letters and digits.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn json<'a>(call: &Call<'a>) -> Out<'a> {
    let value = call.value();
    call.charge(weight::deep(value))?;
    let text =
        if call.argument(0).is_some_and(truthy) { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    text.map_err(|error| Fault::failed(error.to_string())).and_then(text_out)
}

fn parse_json<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    call.charge(text.len() as u64 / 16)?;
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => out(value),
        Err(error) => Err(Fault::failed(format!("this text is no JSON: line {}, column {}", error.line(), error.column()))),
    }
}

fn url_encode<'a>(call: &Call<'a>) -> Out<'a> {
    text_out(utf8_percent_encode(&call.text()?, UNRESERVED).to_string())
}

fn url_decode<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    match percent_decode_str(&text).decode_utf8() {
        Ok(decoded) => text_out(decoded),
        Err(_) => Err(Fault::failed("the decoded bytes are no text")),
    }
}

fn base64_encode<'a>(call: &Call<'a>) -> Out<'a> {
    text_out(base64::encode(call.text()?.as_bytes()))
}

fn base64_decode<'a>(call: &Call<'a>) -> Out<'a> {
    let bytes = base64::decode(&call.text()?).ok_or_else(|| Fault::failed("this text is no Base64"))?;
    match String::from_utf8(bytes) {
        Ok(text) => text_out(text),
        Err(_) => Err(Fault::failed("the decoded bytes are no text")),
    }
}

pub(super) fn check_algorithm(name: &str) -> Result<(), Fault> {
    if matches!(name.to_ascii_lowercase().as_str(), "sha256" | "sha-256") {
        return Ok(());
    }
    Err(Fault::hinted(format!("there is no algorithm '{name}'"), "it is 'sha256'"))
}

fn hash<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    check_algorithm(&call.argument_text(0, "algorithm")?.unwrap_or(std::borrow::Cow::Borrowed("sha256")))?;
    call.charge(text.len() as u64 / 16)?;
    let mut shown = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        for digit in [byte >> 4, byte & 15] {
            shown.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text_out(shown)
}
