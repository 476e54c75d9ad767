//! Patterns (regular expressions).
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::Row;
use super::call::{Call, Out, out, text_out};
use crate::expr::MAX_OUTPUT;
use crate::expr::error::Fault;

pub(super) const ROWS: &[Row] = &[
    Row::filter(
        "replace(pattern, with)",
        "With every match of a regular expression replaced. `$1` in the replacement is the first group; `(?i)` at the start ignores case. For plain text use `replace_text`.",
        "'+44 (20) 7946' | replace('[^0-9]', '')",
        r#""44207946""#,
        replace,
    ),
    Row::filter(
        "find(pattern)",
        "The first match of a regular expression: its first group, or all of it if it has none. Missing if nothing matches.",
        "'Order 4711 of May' | find('[0-9]+')",
        r#""4711""#,
        find,
    )
    .makes(),
    Row::filter(
        "find_all(pattern)",
        "A list of all matches of a regular expression: their first groups, or all of them.",
        "'#a and #b' | find_all('#(\\w+)')",
        r#"["a","b"]"#,
        find_all,
    ),
    Row::test(
        "matches(pattern)",
        "Whether a regular expression matches anywhere in the text; `^…$` holds it to the whole.",
        "'AB-123' is matches('^[A-Z]+-[0-9]+$')",
        "true",
        matches,
    ),
];

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 4096;

/// How large a compiled pattern may be, in bytes.
const MAX_COMPILED: usize = 1024 * 1024;

/// How many compiled patterns are kept.
const KEPT: usize = 256;

fn compile(pattern: &str) -> Result<Regex, Fault> {
    if pattern.len() > MAX_PATTERN {
        return Err(Fault::failed("the pattern is longer than 4096 bytes"));
    }
    RegexBuilder::new(pattern).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).nest_limit(50).build().map_err(|error| {
        match error {
            regex::Error::CompiledTooBig(_) => Fault::failed("the pattern is too large"),
            other => {
                // The last line of the parser's report says what is wrong; the others draw it.
                let report = other.to_string();
                let why = report.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
                Fault::hinted(
                    format!("'{pattern}' is no pattern: {why}"),
                    "a sign with a meaning, such as `.` or `(`, takes a `\\` before it; for plain text use `replace_text`",
                )
            }
        }
    })
}

/// Whether a pattern can be used.
pub(super) fn check(pattern: &str) -> Result<(), Fault> {
    compile(pattern).map(drop)
}

/// Compiling takes a hundred times longer than matching; patterns are few and come again and again.
fn pattern(call: &Call<'_>) -> Result<Regex, Fault> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let pattern = call.argument_text(0, "pattern")?.unwrap_or_default();
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = compiled.get(&*pattern) {
        return Ok(found.clone());
    }
    drop(compiled);
    call.charge(1000)?;
    let made = compile(&pattern)?;
    compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if compiled.len() >= KEPT {
        compiled.clear();
    }
    compiled.insert(pattern.into_owned(), made.clone());
    Ok(made)
}

fn replace<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let pattern = pattern(call)?;
    let with = call.argument_text(1, "with")?.unwrap_or_default();
    call.charge(text.len() as u64 / 8)?;
    let mut made = String::with_capacity(text.len());
    let mut done = 0;
    for found in pattern.captures_iter(&text) {
        let Some(whole) = found.get(0) else { continue };
        made.push_str(text.get(done..whole.start()).unwrap_or_default());
        let most = with.len() + with.matches('$').count().saturating_mul(whole.len());
        if made.len().saturating_add(most) > MAX_OUTPUT {
            return Err(Fault::too_large());
        }
        found.expand(&with, &mut made);
        done = whole.end();
    }
    made.push_str(text.get(done..).unwrap_or_default());
    text_out(made)
}

fn find<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let pattern = pattern(call)?;
    call.charge(text.len() as u64 / 8)?;
    match pattern.captures(&text).and_then(|it| it.get(1).or_else(|| it.get(0))) {
        Some(found) => text_out(found.as_str()),
        None => Ok(None),
    }
}

fn find_all<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let pattern = pattern(call)?;
    call.charge(text.len() as u64)?;
    let all: Vec<Value> = pattern
        .captures_iter(&text)
        .filter_map(|it| it.get(1).or_else(|| it.get(0)))
        .map(|it| Value::from(it.as_str()))
        .collect();
    out(all)
}

fn matches<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let pattern = pattern(call)?;
    call.charge(text.len() as u64 / 8)?;
    out(pattern.is_match(&text))
}
