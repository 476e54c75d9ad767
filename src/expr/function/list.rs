//! Lists and objects.
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::call::{Call, Out, described, out, same};
use super::{Row, weight};
use crate::expr::error::Fault;
use crate::expr::reference::{Segment, step};
use crate::expr::value::{kind_of, truthy};

pub(super) const ROWS: &[Row] = &[
    Row::filter(
        "first",
        "The first item of a list, or character of a text. Missing if there is none.",
        "['a', 'b'] | first",
        r#""a""#,
        first,
    )
    .makes(),
    Row::filter(
        "last",
        "The last item of a list, or character of a text. Missing if there is none.",
        "['a', 'b'] | last",
        r#""b""#,
        last,
    )
    .makes(),
    Row::filter(
        "min(attribute?)",
        "The least item of a list; with an attribute, the item whose field is least. Missing if the list is empty.",
        "[3, 1, 2] | min",
        "1",
        min,
    )
    .makes(),
    Row::filter(
        "max(attribute?)",
        "The greatest item of a list; with an attribute, the item whose field is greatest. Missing if the list is empty.",
        "[3, 1, 2] | max",
        "3",
        max,
    )
    .makes(),
    Row::filter(
        "sum(attribute?)",
        "The sum of a list of numbers; with an attribute, of that field of each item.",
        "[{'n': 1}, {'n': 2.5}] | sum('n')",
        "3.5",
        sum,
    ),
    Row::filter(
        "sort(attribute?, descending?)",
        "In order: numbers by size, text by its characters, upper and lower case alike; with an attribute, by that field of each item.",
        "['b', 'C', 'a'] | sort",
        r#"["a","b","C"]"#,
        sort,
    ),
    Row::filter(
        "unique(attribute?)",
        "Without items that were there before; with an attribute, items are the same if that field is.",
        "[1, 2, 1] | unique",
        "[1,2]",
        unique,
    ),
    Row::filter(
        "map(attribute, default?)",
        "A list of one field of each item, such as 'email' or 'address.city'. An item without it stops, unless there is a default.",
        "[{'n': 'a'}, {'n': 'b'}] | map('n')",
        r#"["a","b"]"#,
        map,
    ),
    Row::filter(
        "select(attribute, value?)",
        "The items whose field has the value; without a value, those whose field counts as yes. An item without the field is left out.",
        "[{'a': 1, 'ok': true}, {'a': 2}] | select('ok') | map('a')",
        "[1]",
        select,
    ),
    Row::filter(
        "reject(attribute, value?)",
        "The items that `select` would leave out.",
        "[{'a': 1, 'ok': true}, {'a': 2}] | reject('ok') | map('a')",
        "[2]",
        reject,
    ),
    Row::filter(
        "where(attribute, operator, value)",
        "The items whose field compares with the value: '==', '!=', '<', '<=', '>', '>=', 'starts', 'ends' or 'contains'. An item without the field is left out.",
        "[{'n': 1}, {'n': 5}, {}] | where('n', '>', 2)",
        r#"[{"n":5}]"#,
        where_compares,
    ),
    Row::filter("compact", "A list without `null` and empty items.", "['a', '', null, 'b'] | compact", r#"["a","b"]"#, compact),
    Row::filter("flatten", "Lists within a list put into it, one level deep.", "[[1, 2], [3]] | flatten", "[1,2,3]", flatten),
    Row::filter("chunk(size)", "A list of lists of at most so many items.", "[1, 2, 3] | chunk(2)", "[[1,2],[3]]", chunk),
    Row::filter("keys", "The names of an object's fields, sorted.", "{'b': 1, 'a': 2} | keys", r#"["a","b"]"#, keys),
    Row::filter("values", "The values of an object's fields, by name.", "{'b': 1, 'a': 2} | values", "[2,1]", values),
    Row::filter("items", "An object's fields as pairs of name and value, by name.", "{'a': 2} | items", r#"[["a",2]]"#, items),
    Row::filter(
        "merge(with)",
        "An object with the fields of another put into it; the other's win.",
        "{'a': 1} | merge({'b': 2})",
        r#"{"a":1,"b":2}"#,
        merge,
    ),
    Row::filter("append(item)", "A list with one more item.", "[1] | append(2)", "[1,2]", append),
    Row::function(
        "range(from, to?)",
        "Whole numbers from one up to, but without, another; with one argument, from 0. At most 100,000.",
        "range(1, 4)",
        "[1,2,3]",
        range,
    ),
];

/// The most numbers of a range.
const MAX_RANGE: i64 = 100_000;

/// A field of an item by a dotted path; items of lists by their place.
pub(super) fn attribute<'a>(item: &'a Value, path: &str) -> Option<&'a Value> {
    if let Value::Object(map) = item
        && let Some(found) = map.get(path)
    {
        return Some(found);
    }
    path.split('.').try_fold(item, |value, key| match value {
        Value::Array(_) => step(value, &Segment::Index(key.parse().ok()?)),
        Value::Object(map) => map.get(key),
        _ => None,
    })
}

pub(super) fn lacks(at: usize, path: &str) -> Fault {
    Fault::hinted(
        format!("item {} has no `{path}`", at + 1),
        "give a default: `map('…', '')`, or take such items out with `select`",
    )
}

/// Numbers with numbers, text with text; none for what cannot be compared.
pub(in crate::expr) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => numbers(a, b),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn numbers(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// Whether two values are the same; 1 and 1.0 are.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => numbers(a, b) == Some(Ordering::Equal),
        _ => left == right,
    }
}

fn first<'a>(call: &Call<'a>) -> Out<'a> {
    match call.value() {
        Value::String(text) => Ok(text.chars().next().map(|it| Cow::Owned(Value::from(it.to_string())))),
        _ => Ok(call.list()?.first().map(Cow::Borrowed)),
    }
}

fn last<'a>(call: &Call<'a>) -> Out<'a> {
    match call.value() {
        Value::String(text) => Ok(text.chars().next_back().map(|it| Cow::Owned(Value::from(it.to_string())))),
        _ => Ok(call.list()?.last().map(Cow::Borrowed)),
    }
}

/// What an item is compared by.
fn by<'v>(at: usize, item: &'v Value, path: Option<&str>) -> Result<&'v Value, Fault> {
    match path {
        None => Ok(item),
        Some(path) => attribute(item, path).ok_or_else(|| lacks(at, path)),
    }
}

fn extreme<'a>(call: &Call<'a>, wanted: Ordering) -> Out<'a> {
    let path = call.argument_text(0, "attribute")?;
    let mut best: Option<(&'a Value, &'a Value)> = None;
    for (at, item) in call.list()?.iter().enumerate() {
        let key = by(at, item, path.as_deref())?;
        best = match best {
            None => Some((key, item)),
            Some((so_far, kept)) => {
                let ordering = compare(key, so_far).ok_or_else(|| incomparable(key, so_far))?;
                Some(if ordering == wanted { (key, item) } else { (so_far, kept) })
            }
        };
    }
    Ok(best.map(|(_, item)| Cow::Borrowed(item)))
}

fn incomparable(a: &Value, b: &Value) -> Fault {
    Fault::hinted(format!("{} and {} have no order", kind_of(a), kind_of(b)), "make all items text or all items numbers")
}

fn min<'a>(call: &Call<'a>) -> Out<'a> {
    extreme(call, Ordering::Less)
}

fn max<'a>(call: &Call<'a>) -> Out<'a> {
    extreme(call, Ordering::Greater)
}

fn sum<'a>(call: &Call<'a>) -> Out<'a> {
    let path = call.argument_text(0, "attribute")?;
    let mut whole: Option<i64> = Some(0);
    let mut float = 0.0;
    for (at, item) in call.list()?.iter().enumerate() {
        let value = by(at, item, path.as_deref())?;
        let Value::Number(number) = value else {
            return Err(Fault::hinted(
                format!("item {} is {}, not a number", at + 1, described(value)),
                "convert it first, with `number`",
            ));
        };
        whole = whole.zip(number.as_i64()).and_then(|(a, b)| a.checked_add(b));
        float += number.as_f64().unwrap_or_default();
    }
    match whole {
        Some(whole) => out(whole),
        None => Number::from_f64(float).map_or_else(|| Err(Fault::failed("the sum is too large")), |it| out(Value::Number(it))),
    }
}

fn sort<'a>(call: &Call<'a>) -> Out<'a> {
    let path = call.argument_text(0, "attribute")?;
    let descending = call.argument(1).is_some_and(truthy);
    let list = call.list()?;
    call.charge(weight::deep(call.value()) + list.len() as u64 / 4)?;
    // Text is folded once, not at every comparison.
    let mut keyed: Vec<(Cow<'_, Value>, &Value)> = Vec::with_capacity(list.len());
    for (at, item) in list.iter().enumerate() {
        let key = match by(at, item, path.as_deref())? {
            Value::String(text) => Cow::Owned(Value::String(text.to_lowercase())),
            other => Cow::Borrowed(other),
        };
        if let Some((before, _)) = keyed.first()
            && compare(before, &key).is_none()
        {
            return Err(incomparable(before, &key));
        }
        keyed.push((key, item));
    }
    keyed.sort_by(|(a, _), (b, _)| {
        let ordering = compare(a, b).unwrap_or(Ordering::Equal);
        if descending { ordering.reverse() } else { ordering }
    });
    out(keyed.into_iter().map(|(_, item)| item.clone()).collect::<Vec<_>>())
}

fn unique<'a>(call: &Call<'a>) -> Out<'a> {
    let path = call.argument_text(0, "attribute")?;
    call.charge(weight::deep(call.value()))?;
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for (at, item) in call.list()?.iter().enumerate() {
        let key = match by(at, item, path.as_deref())? {
            // 1 and 1.0 are the same.
            Value::Number(number) => crate::expr::value::to_text(&Value::Number(number.clone())).into_owned(),
            other => other.to_string(),
        };
        if seen.insert(key) {
            kept.push(item.clone());
        }
    }
    out(kept)
}

fn map<'a>(call: &Call<'a>) -> Out<'a> {
    let path = call.argument_text(0, "attribute")?.unwrap_or_default();
    let default = call.arguments.get(1).copied().flatten();
    let mut mapped = Vec::new();
    for (at, item) in call.list()?.iter().enumerate() {
        mapped.push(attribute(item, &path).or(default).ok_or_else(|| lacks(at, &path))?.clone());
    }
    out(mapped)
}

fn chosen<'a>(call: &Call<'a>, wanted: bool) -> Out<'a> {
    let path = call.argument_text(0, "attribute")?.unwrap_or_default();
    let value = call.arguments.get(1).copied().flatten();
    let mut kept = Vec::new();
    for item in call.list()? {
        let fits = attribute(item, &path).is_some_and(|it| value.map_or_else(|| truthy(it), |value| equal(it, value)));
        if fits == wanted {
            kept.push(item.clone());
        }
    }
    out(kept)
}

fn select<'a>(call: &Call<'a>) -> Out<'a> {
    chosen(call, true)
}

fn reject<'a>(call: &Call<'a>) -> Out<'a> {
    chosen(call, false)
}

fn where_compares<'a>(call: &Call<'a>) -> Out<'a> {
    let path = call.argument_text(0, "attribute")?.unwrap_or_default();
    let holds = comparison(&call.argument_text(1, "operator")?.unwrap_or_default())?;
    let Some(value) = call.argument(2) else { return Err(Fault::failed("`where` needs a value to compare with")) };
    let fits = |item: &&Value| attribute(item, &path).is_some_and(|field| holds(field, value));
    out(call.list()?.iter().filter(fits).cloned().collect::<Vec<_>>())
}

fn comparison(operator: &str) -> Result<fn(&Value, &Value) -> bool, Fault> {
    fn texts(a: &Value, b: &Value, holds: fn(&str, &str) -> bool) -> bool {
        matches!((a, b), (Value::String(a), Value::String(b)) if holds(a, b))
    }
    Ok(match operator {
        "==" | "=" => equal,
        "!=" => |a, b| !equal(a, b),
        "<" => |a, b| compare(a, b).is_some_and(Ordering::is_lt),
        "<=" => |a, b| compare(a, b).is_some_and(Ordering::is_le),
        ">" => |a, b| compare(a, b).is_some_and(Ordering::is_gt),
        ">=" => |a, b| compare(a, b).is_some_and(Ordering::is_ge),
        "starts" => |a, b| texts(a, b, |a, b| a.starts_with(b)),
        "ends" => |a, b| texts(a, b, |a, b| a.ends_with(b)),
        "contains" => |a, b| match a {
            Value::Array(items) => items.iter().any(|it| equal(it, b)),
            _ => texts(a, b, |a, b| a.contains(b)),
        },
        other => {
            let known = "==, !=, <, <=, >, >=, starts, ends, contains";
            return Err(Fault::failed(format!("`where` does not know how to compare by '{other}': it knows {known}")));
        }
    })
}

fn compact<'a>(call: &Call<'a>) -> Out<'a> {
    out(call.list()?.iter().filter(|it| !super::logic::is_empty_value(it)).cloned().collect::<Vec<_>>())
}

fn flatten<'a>(call: &Call<'a>) -> Out<'a> {
    let mut flat = Vec::new();
    for item in call.list()? {
        match item {
            Value::Array(inner) => flat.extend(inner.iter().cloned()),
            other => flat.push(other.clone()),
        }
    }
    out(flat)
}

fn chunk<'a>(call: &Call<'a>) -> Out<'a> {
    let size = call.argument_int(0, "size")?.and_then(|it| usize::try_from(it).ok()).filter(|it| *it > 0);
    let Some(size) = size else { return Err(Fault::failed("`size` is at least 1")) };
    out(call.list()?.chunks(size).map(|it| Value::Array(it.to_vec())).collect::<Vec<_>>())
}

fn object<'a>(call: &Call<'a>) -> Result<&'a Map<String, Value>, Fault> {
    match call.value() {
        Value::Object(map) => Ok(map),
        other => Err(Fault::failed(format!("an object is needed here, and this is {}", kind_of(other)))),
    }
}

/// By name, whatever order the map itself keeps.
fn fields<'a>(call: &Call<'a>) -> Result<Vec<(&'a String, &'a Value)>, Fault> {
    let mut fields: Vec<_> = object(call)?.iter().collect();
    fields.sort_by_key(|(key, _)| *key);
    Ok(fields)
}

fn keys<'a>(call: &Call<'a>) -> Out<'a> {
    out(fields(call)?.into_iter().map(|(key, _)| Value::from(key.as_str())).collect::<Vec<_>>())
}

fn values<'a>(call: &Call<'a>) -> Out<'a> {
    out(fields(call)?.into_iter().map(|(_, value)| value.clone()).collect::<Vec<_>>())
}

fn items<'a>(call: &Call<'a>) -> Out<'a> {
    let pairs = fields(call)?.into_iter().map(|(key, value)| Value::Array(vec![Value::from(key.as_str()), value.clone()]));
    out(pairs.collect::<Vec<_>>())
}

fn merge<'a>(call: &Call<'a>) -> Out<'a> {
    let mut merged = object(call)?.clone();
    match call.argument(0) {
        None => return same(call.value()),
        Some(Value::Object(with)) => merged.extend(with.iter().map(|(key, value)| (key.clone(), value.clone()))),
        Some(other) => return Err(Fault::failed(format!("`with` is an object, and this is {}", kind_of(other)))),
    }
    out(Value::Object(merged))
}

fn append<'a>(call: &Call<'a>) -> Out<'a> {
    let mut list = call.list()?.to_vec();
    list.push(call.arguments.first().copied().flatten().cloned().unwrap_or_default());
    out(list)
}

fn range<'a>(call: &Call<'a>) -> Out<'a> {
    let first = call.argument_int(0, "from")?.unwrap_or(0);
    let (from, to) = match call.argument_int(1, "to")? {
        None => (0, first),
        Some(to) => (first, to),
    };
    if to.saturating_sub(from) > MAX_RANGE {
        return Err(Fault::Limit("a range has at most 100,000 numbers".to_owned()));
    }
    out((from..to).map(Value::from).collect::<Vec<_>>())
}
