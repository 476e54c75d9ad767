//! The filters, functions and tests of the language: one row each, with its help and its example.
//!
//! Invariant: a row's example evaluates to the row's result; a test holds every row to it.
mod call;
mod contact;
mod convert;
mod date;
mod list;
mod logic;
mod number;
mod pattern;
mod words;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) use self::call::{Call, Fuel, Out, weight};
pub(super) use self::list::compare;
use super::error::Fault;
use super::suggest::nearest;
use super::zone::parse_zone;

/// What kind of name it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Follows a value: `contact.name | upper`.
    Filter,
    /// Stands alone: `now()`.
    Function,
    /// Follows `is`: `contact.email is defined`.
    Test,
}

/// A filter, function or test, for a page of help and for completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Help {
    /// What it is called.
    pub name: &'static str,
    /// What kind of name it is.
    pub kind: Kind,
    /// Its name and arguments; `?` marks what may be left out, `…` what may be repeated.
    pub signature: &'static str,
    /// What it does, in a sentence or two.
    pub help: &'static str,
    /// An expression that needs no data.
    pub example: &'static str,
    /// What the example gives, as JSON.
    pub result: &'static str,
}

/// Everything that can be called, sorted by kind and name.
pub fn functions() -> &'static [Help] {
    static ALL: LazyLock<Vec<Help>> = LazyLock::new(|| DEFINITIONS.values().map(|it| it.help).collect());
    &ALL
}

/// Reads what the functions keep for all later calls, the numbering plans of all countries above all: the first call of a run
/// need not wait for it. Takes a tenth of a second once, and nothing from then on.
pub fn warm_up() {
    let _: &[Help] = functions();
    contact::warm_up();
}

/// How it stands to what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// Missing in, missing out.
    Passes,
    /// May find nothing itself.
    Makes,
    /// Takes care of it.
    Catches,
}

type Run = for<'a> fn(&Call<'a>) -> Out<'a>;

/// A row as the tables of this room hold it.
#[derive(Debug, Clone, Copy)]
struct Row {
    kind: Kind,
    signature: &'static str,
    help: &'static str,
    example: &'static str,
    result: &'static str,
    missing: Missing,
    run: Run,
}

impl Row {
    const fn new(
        kind: Kind,
        signature: &'static str,
        help: &'static str,
        example: &'static str,
        result: &'static str,
        run: Run,
    ) -> Self {
        Self { kind, signature, help, example, result, missing: Missing::Passes, run }
    }

    const fn filter(signature: &'static str, help: &'static str, example: &'static str, result: &'static str, run: Run) -> Self {
        Self::new(Kind::Filter, signature, help, example, result, run)
    }

    const fn function(
        signature: &'static str,
        help: &'static str,
        example: &'static str,
        result: &'static str,
        run: Run,
    ) -> Self {
        Self::new(Kind::Function, signature, help, example, result, run)
    }

    const fn test(signature: &'static str, help: &'static str, example: &'static str, result: &'static str, run: Run) -> Self {
        Self::new(Kind::Test, signature, help, example, result, run)
    }

    const fn makes(mut self) -> Self {
        self.missing = Missing::Makes;
        self
    }

    const fn catches(mut self) -> Self {
        self.missing = Missing::Catches;
        self
    }
}

/// A row, read.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) help: Help,
    pub(super) parameters: Vec<&'static str>,
    /// How many parameters cannot be left out.
    pub(super) required: usize,
    /// Whether the last parameter may be repeated.
    pub(super) repeats: bool,
    missing: Missing,
    run: Run,
}

impl Definition {
    fn read(row: &Row) -> Self {
        let (name, inner) = row.signature.split_once('(').unwrap_or((row.signature, ""));
        let mut parameters = Vec::new();
        let mut required = 0;
        let mut repeats = false;
        for written in inner.trim_end_matches(')').split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let name = written.trim_end_matches(['?', '…']);
            if !written.ends_with('?') {
                required += 1;
            }
            repeats |= written.ends_with('…');
            parameters.push(name);
        }
        let help =
            Help { name, kind: row.kind, signature: row.signature, help: row.help, example: row.example, result: row.result };
        Self { help, parameters, required, repeats, missing: row.missing, run: row.run }
    }

    pub(super) fn name(&self) -> &'static str {
        self.help.name
    }

    pub(super) fn catches(&self) -> bool {
        self.missing == Missing::Catches
    }

    /// Whether it may give nothing although it was given something.
    pub(super) fn makes(&self) -> bool {
        self.missing == Missing::Makes
    }

    /// Runs it, and charges for what it reads and makes. Missing in is missing out unless it catches that.
    pub(super) fn call<'a>(&self, call: &Call<'a>) -> Out<'a> {
        if call.input.is_none() && self.help.kind != Kind::Function && !self.catches() {
            return Ok(None);
        }
        call.charge(1 + call.input.map_or(0, weight::shallow))?;
        let made = (self.run)(call)?;
        if let Some(std::borrow::Cow::Owned(value)) = &made {
            call.charge(weight::deep(value))?;
        }
        Ok(made)
    }
}

static DEFINITIONS: LazyLock<BTreeMap<(Kind, &'static str), Definition>> = LazyLock::new(|| {
    [words::ROWS, pattern::ROWS, contact::ROWS, number::ROWS, list::ROWS, convert::ROWS, date::ROWS, logic::ROWS]
        .into_iter()
        .flatten()
        .map(Definition::read)
        .map(|it| ((it.help.kind, it.help.name), it))
        .collect()
});

/// The definition of a name.
pub(super) fn find(kind: Kind, name: &str) -> Option<&'static Definition> {
    DEFINITIONS.values().find(|it| it.help.kind == kind && it.help.name == name)
}

/// Every definition.
pub(super) fn all() -> impl Iterator<Item = &'static Definition> {
    DEFINITIONS.values()
}

/// What is wrong with an argument that is known when the source is read.
pub(super) fn check(function: &Definition, parameter: &str, value: &serde_json::Value) -> Result<(), Fault> {
    let serde_json::Value::String(text) = value else { return Ok(()) };
    match parameter {
        "pattern" => pattern::check(text),
        "zone" => parse_zone(text).map(drop).map_err(|error| Fault::hinted(error.message, error.hint)),
        "format" => date::check_format(text, function.name() == "parse_date"),
        "unit" => date::check_unit(text),
        "amount" => date::check_amount(text),
        "region" => contact::check_region(text),
        "algorithm" => convert::check_algorithm(text),
        _ => Ok(()),
    }
}

/// What else it could have been meant to be, in words; may be empty.
pub(super) fn suggestion(kind: Kind, name: &str) -> String {
    const OTHERS: [(&str, &str); 33] = [
        ("uppercase", "upper"),
        ("toupper", "upper"),
        ("touppercase", "upper"),
        ("lowercase", "lower"),
        ("tolower", "lower"),
        ("tolowercase", "lower"),
        ("strip", "trim"),
        ("count", "length"),
        ("len", "length"),
        ("size", "length"),
        ("tojson", "json"),
        ("to_json", "json"),
        ("stringify", "json"),
        ("from_json", "parse_json"),
        ("fromjson", "parse_json"),
        ("urlencode", "url_encode"),
        ("b64encode", "base64"),
        ("b64decode", "base64_decode"),
        ("sha256", "hash"),
        ("md5", "hash"),
        ("str", "string"),
        ("text", "string"),
        ("strftime", "date"),
        ("format_date", "date"),
        ("date_format", "date"),
        ("strptime", "parse_date"),
        ("add_days", "shift"),
        ("plus", "shift"),
        ("ifempty", "coalesce"),
        ("fallback", "default"),
        ("filter", "select"),
        ("pluck", "map"),
        ("distinct", "unique"),
    ];
    let known = || functions().iter().filter(|it| it.kind == kind).map(|it| it.name);
    let lower = name.to_lowercase();
    let by_other =
        OTHERS.iter().find(|(other, _)| *other == lower).map(|(_, it)| *it).filter(|it| known().any(|name| name == *it));
    if let Some(near) = by_other.or_else(|| nearest(name, known())) {
        return format!("did you mean `{near}`?");
    }
    let elsewhere = functions().iter().find(|it| it.name == name && it.kind != kind);
    match elsewhere.map(|it| it.kind) {
        Some(Kind::Filter) => format!("`{name}` is a filter: write `value | {name}`"),
        Some(Kind::Function) => format!("`{name}` is a function: write `{name}(…)`"),
        Some(Kind::Test) => format!("`{name}` is a test: write `value is {name}`"),
        None => String::new(),
    }
}
