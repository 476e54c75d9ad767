//! Numbers.
use std::borrow::Cow;

use serde_json::{Number, Value};

use super::Row;
use super::call::{Call, Out, described, out, same};
use crate::expr::error::Fault;
use crate::expr::value::{kind_of, to_text};

pub(super) const ROWS: &[Row] = &[
    Row::filter(
        "number(decimal?)",
        "Text as a number, whole if it is written so. Blanks and thousands marks are passed over; `decimal` is the decimal mark, '.' if it is left out.",
        "'1,234.50' | number",
        "1234.5",
        number,
    ),
    Row::filter("int", "As a whole number; a fraction is cut off.", "'42.9' | int", "42", int),
    Row::filter("float", "As a number with a fraction.", "'42' | float", "42.0", float),
    Row::filter(
        "bool",
        "As yes or no: yes, true, on, y, 1 and no, false, off, n, 0 and empty, in any case. Other text is an error.",
        "'Yes' | bool",
        "true",
        boolean,
    ),
    Row::filter(
        "round(digits?)",
        "Rounded to so many digits after the point; to a whole number if none are named. Halves go away from zero.",
        "3.14159 | round(2)",
        "3.14",
        round,
    ),
    Row::filter("floor", "The next whole number below.", "3.9 | floor", "3", floor),
    Row::filter("ceil", "The next whole number above.", "3.1 | ceil", "4", ceil),
    Row::filter("abs", "Without its sign.", "-5 | abs", "5", abs),
];

/// The input as a number: numbers as they are, text as it is written.
fn read(call: &Call<'_>, decimal: char) -> Result<Number, Fault> {
    match call.value() {
        Value::Number(number) => Ok(number.clone()),
        Value::Bool(it) => Ok(Number::from(u8::from(*it))),
        Value::String(text) => parse(text, decimal).ok_or_else(|| {
            let hint = "take away what is not part of it with `replace`, or say the decimal mark: `number(',')`";
            Fault::hinted(format!("{} is no number", described(call.value())), hint)
        }),
        Value::Null => Err(Fault::hinted("a number is needed here, and this is empty (null)", "put `default(0)` before it")),
        other => Err(Fault::failed(format!("a number is needed here, and this is {}", kind_of(other)))),
    }
}

fn parse(text: &str, decimal: char) -> Option<Number> {
    let text = text.trim();
    if text.len() > 100 || !text.bytes().any(|it| it.is_ascii_digit()) {
        return None;
    }
    let thousands = if decimal == ',' { '.' } else { ',' };
    let mut plain = String::with_capacity(text.len());
    let mut fraction = false;
    for it in text.chars() {
        match it {
            _ if it == decimal => {
                if std::mem::replace(&mut fraction, true) {
                    return None;
                }
                plain.push('.');
            }
            _ if it == thousands => {
                if fraction {
                    return None;
                }
            }
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '_' | '\'' | '’' => {}
            '\u{2212}' => plain.push('-'),
            '0'..='9' | '+' | '-' | 'e' | 'E' => plain.push(it),
            _ => return None,
        }
    }
    if !fraction && !plain.contains(['e', 'E']) {
        if let Ok(whole) = plain.parse::<i64>() {
            return Some(whole.into());
        }
        if let Ok(whole) = plain.parse::<u64>() {
            return Some(whole.into());
        }
    }
    plain.parse().ok().and_then(Number::from_f64)
}

fn number<'a>(call: &Call<'a>) -> Out<'a> {
    if let value @ Value::Number(_) = call.value() {
        return same(value);
    }
    let decimal = match call.argument_text(0, "decimal")?.as_deref() {
        None | Some(".") => '.',
        Some(",") => ',',
        Some(other) => return Err(Fault::failed(format!("the decimal mark is '.' or ',', not '{other}'"))),
    };
    out(Value::Number(read(call, decimal)?))
}

/// A float as a whole number, if it is one that JSON can hold.
fn whole(float: f64) -> Result<Value, Fault> {
    if float.is_finite() && float.abs() < 9.2e18 {
        return Ok(Value::from(float as i64));
    }
    Err(Fault::failed(format!("{float} is too large for a whole number")))
}

fn by<'a>(call: &Call<'a>, change: fn(f64) -> f64) -> Out<'a> {
    let number = read(call, '.')?;
    if number.is_f64() {
        return out(whole(change(number.as_f64().unwrap_or_default()))?);
    }
    out(Value::Number(number))
}

fn int<'a>(call: &Call<'a>) -> Out<'a> {
    by(call, f64::trunc)
}

fn floor<'a>(call: &Call<'a>) -> Out<'a> {
    by(call, f64::floor)
}

fn ceil<'a>(call: &Call<'a>) -> Out<'a> {
    by(call, f64::ceil)
}

fn float<'a>(call: &Call<'a>) -> Out<'a> {
    out(read(call, '.')?.as_f64().unwrap_or_default())
}

fn boolean<'a>(call: &Call<'a>) -> Out<'a> {
    let value = call.value();
    let text: Cow<'_, str> = match value {
        Value::Bool(_) => return same(value),
        Value::Number(number) => return out(number.as_f64() != Some(0.0)),
        Value::Null => return out(false),
        Value::String(text) => Cow::Owned(text.trim().to_lowercase()),
        other => return Err(Fault::failed(format!("yes or no is needed here, and this is {}", kind_of(other)))),
    };
    match &*text {
        "yes" | "true" | "on" | "y" | "1" | "t" => out(true),
        "no" | "false" | "off" | "n" | "0" | "f" | "" => out(false),
        _ => Err(Fault::hinted(format!("{} is neither yes nor no", described(value)), "compare it: `value == 'active'`")),
    }
}

fn round<'a>(call: &Call<'a>) -> Out<'a> {
    let Some(digits) = call.argument_int(0, "digits")? else { return by(call, f64::round) };
    let number = read(call, '.')?;
    if !(0..=15).contains(&digits) {
        return Err(Fault::failed("`digits` is between 0 and 15"));
    }
    // By way of decimal text, since 2.675 * 100 is not 267.5.
    let float = number.as_f64().unwrap_or_default();
    let shown = to_text(&Value::Number(number.clone())).into_owned();
    let places = shown.split_once('.').map_or(0, |(_, it)| it.len());
    if number.is_i64() || number.is_u64() || places as i64 <= digits {
        return out(float);
    }
    let factor = 10f64.powi(digits as i32);
    let scaled = float * factor;
    // The nearest float may lie just below a half that was written.
    let rounded = if (scaled.fract().abs() - 0.5).abs() < 1e-9 * scaled.abs().max(1.0) {
        scaled.trunc() + scaled.signum()
    } else {
        scaled.round()
    };
    out(if rounded.is_finite() { rounded / factor } else { float })
}

fn abs<'a>(call: &Call<'a>) -> Out<'a> {
    let number = read(call, '.')?;
    if let Some(whole) = number.as_i64() {
        return out(whole.unsigned_abs());
    }
    match number.as_u64() {
        Some(whole) => out(whole),
        None => out(number.as_f64().unwrap_or_default().abs()),
    }
}
