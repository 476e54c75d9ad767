//! Names, addresses and numbers of people.
use phonenumber::country;

use super::Row;
use super::call::{Call, Out, text_out};
use crate::expr::error::Fault;

pub(super) const ROWS: &[Row] = &[
    Row::filter(
        "phone(region?)",
        "A telephone number in E.164. A number without a country code needs the region, two letters such as 'GB'. A number that cannot exist is an error.",
        "'(020) 7946 0958' | phone('GB')",
        r#""+442079460958""#,
        phone,
    ),
    Row::filter(
        "email",
        "An e-mail address trimmed and in lower case; an error if it is none.",
        "' Anna@Example.com ' | email",
        r#""anna@example.com""#,
        email,
    ),
    Row::filter(
        "first_name",
        "The first word of a full name; of 'Last, First' what follows the comma.",
        "'Ludwig van Beethoven' | first_name",
        r#""Ludwig""#,
        first_name,
    ),
    Row::filter(
        "last_name",
        "What follows the first word of a full name; of 'Last, First' what stands before the comma. Empty if there is one word.",
        "'Ludwig van Beethoven' | last_name",
        r#""van Beethoven""#,
        last_name,
    ),
];

/// A region by its two letters (ISO 3166-1).
fn region(text: &str) -> Result<country::Id, Fault> {
    text.trim().to_uppercase().parse().map_err(|_error| {
        let shown: String = text.chars().take(20).collect();
        Fault::hinted(format!("there is no region '{shown}'"), "it has two letters, such as 'GB' or 'US'")
    })
}

pub(super) fn check_region(text: &str) -> Result<(), Fault> {
    region(text).map(drop)
}

fn phone<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let region = call.argument_text(0, "region")?.map(|it| region(&it)).transpose()?;
    let trimmed = text.trim();
    let number = trimmed.strip_prefix("tel:").unwrap_or(trimmed);
    let shown: String = trimmed.chars().take(40).collect();
    let wrong = |why: &str| {
        let hint = if region.is_none() && !number.starts_with('+') {
            "a number without a country code needs a region: `phone('GB')`"
        } else {
            "correct it, or test it before this"
        };
        Fault::hinted(format!("'{shown}' is no telephone number{why}"), hint)
    };
    // Only digits go on: signs that people put between them carry no meaning, and anything else is no number.
    let mut plain = String::with_capacity(20);
    for (at, it) in number.chars().enumerate() {
        match it {
            '0'..='9' => plain.push(it),
            '+' | '\u{ff0b}' if plain.is_empty() => plain.push('+'),
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '\u{2010}'..='\u{2015}' | '\u{202f}'
            // Marks of direction that come along when a number is copied.
            | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            _ => return Err(wrong(&format!(": `{}` is not part of one", it.escape_debug()))),
        }
        if at > 64 || plain.len() > 20 {
            return Err(wrong(": it is too long"));
        }
    }
    // British numbers abroad: `+44 (0)20 …`.
    if plain.starts_with('+') && number.contains("(0)") {
        plain = number.replace("(0)", "").chars().filter(|it| it.is_ascii_digit() || *it == '+').collect();
    }
    if region.is_none()
        && let Some(rest) = plain.strip_prefix("00")
    {
        plain = format!("+{rest}");
    }
    if plain.trim_start_matches('+').len() < 3 {
        return Err(wrong(": it is too short"));
    }
    if region.is_none() && !plain.starts_with('+') {
        return Err(wrong(" with a country code"));
    }
    let parsed = phonenumber::parse(region, &plain).map_err(|_error| wrong(""))?;
    if !phonenumber::is_valid(&parsed) {
        return Err(wrong(" that can exist"));
    }
    text_out(phonenumber::format(&parsed).mode(phonenumber::Mode::E164).to_string())
}

/// The plans are read with the first number.
pub(super) fn warm_up() {
    phonenumber::parse(None, "+12015550123").map(drop).unwrap_or_default();
}

fn email<'a>(call: &Call<'a>) -> Out<'a> {
    let text = call.text()?;
    let address = text.trim().to_lowercase();
    let whole = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !domain.contains('@')
            && !address.contains(|it: char| it.is_whitespace() || it.is_control() || matches!(it, '<' | '>' | ',' | ';'))
    });
    if whole {
        return text_out(address);
    }
    let shown: String = address.chars().take(60).collect();
    Err(Fault::hinted(format!("'{shown}' is no e-mail address"), "it looks like name@example.com"))
}

/// First and last name.
fn names(text: &str) -> (&str, &str) {
    let text = text.trim();
    if let Some((last, first)) = text.split_once(',') {
        return (first.trim(), last.trim());
    }
    text.split_once(char::is_whitespace).map_or((text, ""), |(first, last)| (first, last.trim_start()))
}

fn first_name<'a>(call: &Call<'a>) -> Out<'a> {
    text_out(names(&call.text()?).0)
}

fn last_name<'a>(call: &Call<'a>) -> Out<'a> {
    text_out(names(&call.text()?).1)
}
