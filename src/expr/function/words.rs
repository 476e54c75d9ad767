//! Text.
use std::borrow::Cow;

use serde_json::Value;

use super::Row;
use super::call::{Call, Out, as_text, described, out, same, text_out};
use crate::expr::MAX_OUTPUT;
use crate::expr::error::Fault;
use crate::expr::reference::position;
use crate::expr::value::{kind_of, to_text};

pub(super) const ROWS: &[Row] = &[
    Row::filter("upper", "In upper case.", "'Anna' | upper", r#""ANNA""#, upper),
    Row::filter("lower", "In lower case.", "'Anna@Example.COM' | lower", r#""anna@example.com""#, lower),
    Row::filter(
        "title",
        "Each word with a capital letter, the rest in lower case; parts of a hyphenated word too, and names such as O'Brien.",
        "'anne-marie o\\'brien' | title",
        r#""Anne-Marie O'Brien""#,
        title,
    ),
    Row::filter(
        "capitalize",
        "The first letter in upper case, the rest in lower case.",
        "'hELLO world' | capitalize",
        r#""Hello world""#,
        capitalize,
    ),
    Row::filter(
        "trim(characters?)",
        "Without the blanks, or the characters given, at both ends.",
        "'  Anna ' | trim",
        r#""Anna""#,
        trim,
    ),
    Row::filter(
        "string",
        "As text: numbers as they are written, `null` as nothing, lists and objects as JSON.",
        "42 | string",
        r#""42""#,
        string,
    ),
    Row::filter(
        "split(separator?)",
        "A list of the parts between the separators; without one, of the words. Parts are not trimmed.",
        "'a,b,c' | split(',')",
        r#"["a","b","c"]"#,
        split,
    ),
    Row::filter("lines", "A list of the lines.", "'one\\ntwo' | lines", r#"["one","two"]"#, lines),
    Row::filter(
        "join(separator?, attribute?)",
        "The items of a list as one text, with the separator between them; with an attribute, that field of each item.",
        "['a', 'b'] | join(', ')",
        r#""a, b""#,
        join,
    ),
    Row::filter(
        "replace_text(from, to)",
        "With every place where exactly `from` stands replaced.",
        "'1.234.567' | replace_text('.', '')",
        r#""1234567""#,
        replace_text,
    ),
    Row::filter(
        "remove_prefix(prefix)",
        "Without the text at the start, if it is there.",
        "'tel:+44' | remove_prefix('tel:')",
        r#""+44""#,
        remove_prefix,
    ),
    Row::filter(
        "remove_suffix(suffix)",
        "Without the text at the end, if it is there.",
        "'a.txt' | remove_suffix('.txt')",
        r#""a""#,
        remove_suffix,
    ),
    Row::filter(
        "truncate(length, end?)",
        "At most so many characters; what is cut ends in `…`, or in the end given.",
        "'Schedule it' | truncate(9)",
        r#""Schedule…""#,
        truncate,
    ),
    Row::filter(
        "pad(length, with?)",
        "With zeros, or the character given, put before it until it is so long.",
        "7 | pad(3)",
        r#""007""#,
        pad,
    ),
    Row::filter(
        "slice(from?, to?)",
        "The part from one place up to, but without, another; `value[from:to]` is the same. Places count from 0, negative ones from the end.",
        "'Schedule'[0:3]",
        r#""Sch""#,
        slice,
    ),
    Row::filter("reverse", "A list or a text turned around.", "[1, 2, 3] | reverse", "[3,2,1]", reverse),
    Row::filter(
        "length",
        "How many characters a text, items a list, or fields an object has.",
        "['a', 'b'] | length",
        "2",
        length,
    ),
];

fn upper<'a>(call: &Call<'a>) -> Out<'a> {
    text_out(call.text()?.to_uppercase())
}

fn lower<'a>(call: &Call<'a>) -> Out<'a> {
    text_out(call.text()?.to_lowercase())
}

fn title<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let mut titled = String::with_capacity(text.len());
    // Letters of the word so far; an apostrophe after a single one starts anew (O'Brien, but not Don'T).
    let mut letters = 0usize;
    for it in text.chars() {
        if it.is_alphanumeric() {
            if letters == 0 {
                titled.extend(it.to_uppercase());
            } else {
                titled.extend(it.to_lowercase());
            }
            letters += 1;
        } else {
            titled.push(it);
            if !matches!(it, '\'' | '’') || letters == 1 {
                letters = 0;
            }
        }
    }
    text_out(titled)
}

fn capitalize<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return text_out("") };
    text_out(first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect::<String>())
}

fn trim<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    match call.argument_text(0, "characters")? {
        None => text_out(text.trim()),
        Some(set) => text_out(text.trim_matches(|it| set.contains(it))),
    }
}

fn string<'a>(call: &Call<'a>) -> Out<'a> {
    match call.value() {
        value @ Value::String(_) => same(value),
        value => text_out(to_text(value)),
    }
}

fn split<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    call.charge(text.len() as u64 / 4)?;
    let parts: Vec<Value> = match call.argument_text(0, "separator")?.filter(|it| !it.is_empty()) {
        Some(separator) => text.split(&*separator).map(Value::from).collect(),
        None => text.split_whitespace().map(Value::from).collect(),
    };
    out(parts)
}

fn lines<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    call.charge(text.len() as u64 / 4)?;
    out(text.lines().map(Value::from).collect::<Vec<_>>())
}

fn join<'a>(call: &Call<'a>) -> Out<'a> {
    let separator = call.argument_text(0, "separator")?.unwrap_or(Cow::Borrowed(""));
    let attribute = call.argument_text(1, "attribute")?;
    let mut text = String::new();
    for (at, item) in call.list()?.iter().enumerate() {
        if at > 0 {
            text.push_str(&separator);
        }
        let item = match &attribute {
            None => item,
            Some(path) => super::list::attribute(item, path).ok_or_else(|| super::list::lacks(at, path))?,
        };
        text.push_str(&to_text(item));
        if text.len() > MAX_OUTPUT {
            return Err(Fault::too_large());
        }
    }
    text_out(text)
}

fn replace_text<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let from = call.argument_text(0, "from")?.unwrap_or_default();
    let to = call.argument_text(1, "to")?.unwrap_or_default();
    if from.is_empty() {
        return text_out(text);
    }
    let count = text.matches(&*from).count();
    if text.len() + count.saturating_mul(to.len()) > MAX_OUTPUT {
        return Err(Fault::too_large());
    }
    text_out(text.replace(&*from, &to))
}

fn remove_prefix<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let prefix = call.argument_text(0, "prefix")?.unwrap_or_default();
    text_out(text.strip_prefix(&*prefix).unwrap_or(&text))
}

fn remove_suffix<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let suffix = call.argument_text(0, "suffix")?.unwrap_or_default();
    text_out(text.strip_suffix(&*suffix).unwrap_or(&text))
}

/// A length between 0 and the most that a result may have.
fn length_argument(call: &Call<'_>, at: usize) -> Result<usize, Fault> {
    let length = call.argument_int(at, "length")?.unwrap_or(0);
    usize::try_from(length)
        .map_err(|_error| Fault::failed("a length cannot be negative"))
        .and_then(|it| if it > MAX_OUTPUT / 4 { Err(Fault::too_large()) } else { Ok(it) })
}

fn truncate<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let length = length_argument(call, 0)?;
    let end = call.argument_text(1, "end")?.unwrap_or(Cow::Borrowed("…"));
    if text.chars().nth(length).is_none() {
        return text_out(text);
    }
    let kept = length.saturating_sub(end.chars().count());
    let cut: String = text.chars().take(kept).collect();
    let end: String = end.chars().take(length).collect();
    text_out(format!("{}{end}", cut.trim_end()))
}

fn pad<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let length = length_argument(call, 0)?;
    let with = call.argument_text(1, "with")?.unwrap_or(Cow::Borrowed("0"));
    let mut chars = with.chars();
    let (Some(with), None) = (chars.next(), chars.next()) else {
        return Err(Fault::failed(format!("`with` is one character, not '{with}'")));
    };
    let missing = length.saturating_sub(text.chars().count());
    text_out(std::iter::repeat_n(with, missing).chain(text.chars()).collect::<String>())
}

fn slice<'a>(call: &Call<'a>) -> Out<'a> {
    let (from, to) = (call.argument_int(0, "from")?, call.argument_int(1, "to")?);
    let bounds = |length: usize| {
        let place =
            |at: i64| if at < 0 { position(at, length).unwrap_or(0) } else { usize::try_from(at).unwrap_or(length).min(length) };
        let from = from.map_or(0, place);
        (from, to.map_or(length, place).max(from))
    };
    match call.value() {
        Value::Array(list) => {
            let (from, to) = bounds(list.len());
            let part = list.get(from..to).unwrap_or_default();
            call.charge(part.iter().map(super::weight::deep).sum())?;
            out(part.to_vec())
        }
        Value::String(text) => {
            let (from, to) = bounds(text.chars().count());
            text_out(text.chars().skip(from).take(to - from).collect::<String>())
        }
        other => Err(Fault::failed(format!("text or a list is needed here, and this is {}", kind_of(other)))),
    }
}

fn reverse<'a>(call: &Call<'a>) -> Out<'a> {
    match call.value() {
        Value::Array(list) => {
            call.charge(super::weight::deep(call.value()))?;
            out(list.iter().rev().cloned().collect::<Vec<_>>())
        }
        other => text_out(as_text(other, "this")?.chars().rev().collect::<String>()),
    }
}

fn length<'a>(call: &Call<'a>) -> Out<'a> {
    match call.value() {
        Value::String(text) => out(text.chars().count()),
        Value::Array(list) => out(list.len()),
        Value::Object(map) => out(map.len()),
        other => Err(Fault::failed(format!("text, a list or an object has a length, and this is {}", described(other)))),
    }
}
