//! What stands in for what is missing, lookups in tables, and tests.
use std::borrow::Cow;

use serde_json::Value;

use super::Row;
use super::call::{Call, Out, as_text, out};
use super::list::equal;
use crate::expr::error::Fault;
use crate::expr::value::{kind_of, to_text};

pub(super) const ROWS: &[Row] = &[
    Row::filter(
        "default(value)",
        "The value before it, or this one if that is missing or `null`. It reaches through the filters before it. Empty text stays; see `coalesce`.",
        "contact.phone | default('none')",
        r#""none""#,
        default,
    )
    .catches(),
    Row::filter(
        "coalesce(others…)",
        "The first of the value and the others that is not missing, `null` or empty. Missing if there is none.",
        "'' | coalesce(contact.phone, 'none')",
        r#""none""#,
        coalesce,
    )
    .catches(),
    Row::function(
        "coalesce(values…)",
        "The first of the values that is not missing, `null` or empty. Missing if there is none.",
        "coalesce(contact.phone, '', 'none')",
        r#""none""#,
        coalesce,
    )
    .catches(),
    Row::filter(
        "lookup(table, default?)",
        "What a table has for the value before it. A table is an object, or a list of pairs. Missing if it has nothing and there is no default.",
        "'CA' | lookup({'CA': 'California', 'NY': 'New York'})",
        r#""California""#,
        lookup_filter,
    )
    .makes(),
    Row::function(
        "lookup(table, key, default?)",
        "What a table has for a key. A table is an object, or a list of pairs. Missing if it has nothing and there is no default.",
        "lookup([[1, 'one'], [2, 'two']], 2)",
        r#""two""#,
        lookup,
    )
    .makes(),
    Row::test("defined", "Whether the path is there; `null` is.", "contact.phone is defined", "false", defined).catches(),
    Row::test("undefined", "Whether the path is missing.", "contact.phone is undefined", "true", undefined).catches(),
    Row::test("empty", "Whether it is missing, `null`, or empty text, an empty list or object. Text of blanks alone is empty.", "' ' is empty", "true", empty).catches(),
    Row::test("null", "Whether it is `null`.", "null is null", "true", null),
    Row::test("none", "Whether it is `null`.", "null is none", "true", null),
    Row::test("text", "Whether it is text.", "'a' is text", "true", text),
    Row::test("string", "Whether it is text.", "1 is string", "false", text),
    Row::test("number", "Whether it is a number.", "1.5 is number", "true", number),
    Row::test("integer", "Whether it is a whole number.", "1.5 is integer", "false", integer),
    Row::test("boolean", "Whether it is yes or no.", "true is boolean", "true", boolean),
    Row::test("list", "Whether it is a list.", "[1] is list", "true", list),
    Row::test("object", "Whether it is an object.", "[1] is object", "false", object),
    Row::test("starts_with(prefix)", "Whether the text begins so.", "'+44 20' is starts_with('+44')", "true", starts_with),
    Row::test("ends_with(suffix)", "Whether the text ends so.", "'a.pdf' is ends_with('.pdf')", "true", ends_with),
    Row::test("contains(item)", "Whether a text has the part, a list the item, or an object the field.", "['vip', 'new'] is contains('vip')", "true", contains),
];

/// Missing is for the caller to say; this is `null` and everything without anything in it.
pub(super) fn is_empty_value(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what every row of the tables gives")]
fn default<'a>(call: &Call<'a>) -> Out<'a> {
    match call.input {
        Some(value) if !value.is_null() => Ok(Some(Cow::Borrowed(value))),
        _ => Ok(call.arguments.first().copied().flatten().map(Cow::Borrowed)),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what every row of the tables gives")]
fn coalesce<'a>(call: &Call<'a>) -> Out<'a> {
    let all = std::iter::once(call.input).chain(call.arguments.iter().copied());
    Ok(all.flatten().find(|it| !is_empty_value(it)).map(Cow::Borrowed))
}

/// What a table has for a key: the names of an object are text, so a number finds the name that is written like it.
fn found<'a>(call: &Call<'a>, table: &'a Value, key: &Value) -> Result<Option<&'a Value>, Fault> {
    match table {
        Value::Object(map) => Ok(map.get(&*as_text(key, "the key")?)),
        Value::Array(pairs) => {
            call.charge(pairs.len() as u64 / 4)?;
            for (at, pair) in pairs.iter().enumerate() {
                let Value::Array(pair) = pair else { return Err(no_pair(at, pair)) };
                let [own, value] = pair.as_slice() else {
                    return Err(Fault::failed(format!("row {} of the table is a list of {}, not a pair", at + 1, pair.len())));
                };
                if equal(own, key) || to_text(own) == to_text(key) && !own.is_null() && !key.is_null() {
                    return Ok(Some(value));
                }
            }
            Ok(None)
        }
        other => Err(Fault::hinted(
            format!("a table is needed here, and this is {}", kind_of(other)),
            "a table is an object, or a list of pairs",
        )),
    }
}

fn no_pair(at: usize, row: &Value) -> Fault {
    Fault::hinted(format!("row {} of the table is {}, not a pair", at + 1, kind_of(row)), "a pair is `['key', 'value']`")
}

fn lookup_filter<'a>(call: &Call<'a>) -> Out<'a> {
    let table = call.arguments.first().copied().flatten().unwrap_or(&Value::Null);
    let default = call.arguments.get(1).copied().flatten();
    Ok(found(call, table, call.value())?.or(default).map(Cow::Borrowed))
}

fn lookup<'a>(call: &Call<'a>) -> Out<'a> {
    let argument = |at: usize| call.arguments.get(at).copied().flatten();
    let (Some(table), Some(key)) = (argument(0), argument(1)) else { return Ok(argument(2).map(Cow::Borrowed)) };
    Ok(found(call, table, key)?.or_else(|| argument(2)).map(Cow::Borrowed))
}

fn defined<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.input.is_some())
}

fn undefined<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.input.is_none())
}

fn empty<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.input.is_none_or(is_empty_value))
}

fn null<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.value().is_null())
}

fn text<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.value().is_string())
}

fn number<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.value().is_number())
}

fn integer<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.value().is_i64() || call.value().is_u64())
}

fn boolean<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.value().is_boolean())
}

fn list<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.value().is_array())
}

fn object<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.value().is_object())
}

fn starts_with<'a>(call: &Call<'a>) -> Out<'a> {
    let prefix = call.argument_text(0, "prefix")?.unwrap_or_default();
    out(call.text()?.starts_with(&*prefix))
}

fn ends_with<'a>(call: &Call<'a>) -> Out<'a> {
    let suffix = call.argument_text(0, "suffix")?.unwrap_or_default();
    out(call.text()?.ends_with(&*suffix))
}

fn contains<'a>(call: &Call<'a>) -> Out<'a> {
    let item = call.arguments.first().copied().flatten().unwrap_or(&Value::Null);
    match call.value() {
        Value::Array(list) => {
            call.charge(list.len() as u64 / 8)?;
            out(list.iter().any(|it| equal(it, item)))
        }
        Value::Object(map) => out(map.contains_key(&*as_text(item, "the name of the field")?)),
        other => out(as_text(other, "this")?.contains(&*as_text(item, "the part")?)),
    }
}
