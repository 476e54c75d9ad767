//! Bounds that the documents set on values, which their shapes alone do not tell: lengths, ranges, ways of writing.
use serde_json::Value;

use super::refusal::invalid;
use crate::sandbox::call::Refusal;

/// What a value must keep to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound {
    /// A number from one to the other.
    Between(f64, f64),
    /// A text of at most so many characters.
    Long(usize),
    /// A list of at most so many.
    Many(usize),
    /// A time of day: `8:05`, `23:59`.
    Clock,
    /// A date: `2026-03-02`.
    Date,
}

/// Where a value stands, with `*` for every item of a list, and its bound.
pub(super) type Rule = (&'static [&'static str], Bound);

/// Refuses a body in which a value is out of its bounds; a missing value, or one of another type, is not looked at.
pub(super) fn hold(body: &Value, rules: &[Rule]) -> Result<(), Refusal> {
    let mut problems = Vec::new();
    for (path, bound) in rules {
        look(body, path, *bound, &mut Vec::new(), &mut problems);
    }
    if problems.is_empty() { Ok(()) } else { Err(invalid(&problems)) }
}

fn look(value: &Value, path: &[&str], bound: Bound, at: &mut Vec<String>, problems: &mut Vec<String>) {
    let Some((first, rest)) = path.split_first() else {
        problems.extend(bound.broken(value).map(|it| format!("{} {it}", at.join("."))));
        return;
    };
    let inner: Vec<(String, &Value)> = if *first == "*" {
        value.as_array().into_iter().flatten().enumerate().map(|(nth, it)| (nth.to_string(), it)).collect()
    } else {
        value.get(first).map(|it| ((*first).to_owned(), it)).into_iter().collect()
    };
    for (name, it) in inner {
        at.push(name);
        look(it, rest, bound, at, problems);
        at.pop();
    }
}

impl Bound {
    fn broken(self, value: &Value) -> Option<String> {
        let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        match self {
            Self::Between(least, most) => match value.as_f64()? {
                it if it < least => Some(format!("must not be less than {least}")),
                it if it > most => Some(format!("must not be greater than {most}")),
                _ => None,
            },
            Self::Long(most) => {
                (value.as_str()?.chars().count() > most).then(|| format!("must be shorter than or equal to {most} characters"))
            }
            Self::Many(most) => (value.as_array()?.len() > most).then(|| format!("must contain no more than {most} elements")),
            Self::Clock => {
                let fits = value.as_str()?.split_once(':').is_some_and(|(hour, minute)| {
                    digits(hour)
                        && digits(minute)
                        && hour.len() <= 2
                        && minute.len() == 2
                        && hour.parse::<u8>().is_ok_and(|it| it < 24)
                        && minute.parse::<u8>().is_ok_and(|it| it < 60)
                });
                (!fits).then(|| "must be a time as HH:mm".to_owned())
            }
            Self::Date => {
                let parts: Vec<&str> = value.as_str()?.split('-').collect();
                let fits = parts.len() == 3 && parts.iter().zip([4, 2, 2]).all(|(it, length)| it.len() == length && digits(it));
                (!fits).then(|| "must be a date as YYYY-MM-DD".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_bound_is_held_at_its_ends() {
        let table = [
            (Bound::Between(0.0, 23.0), vec![json!(0), json!(23), json!("x")], vec![json!(-1), json!(23.5)]),
            (Bound::Long(2), vec![json!(""), json!("äö")], vec![json!("abc")]),
            (Bound::Many(1), vec![json!([]), json!([1])], vec![json!([1, 2])]),
            (
                Bound::Clock,
                vec![json!("8:05"), json!("23:59")],
                vec![json!("24:00"), json!("8:5"), json!("8"), json!("+8:05"), json!("")],
            ),
            (Bound::Date, vec![json!("2026-03-02")], vec![json!("2026-3-2"), json!("02.03.2026"), json!("")]),
        ];
        for (bound, good, bad) in table {
            for (values, fits) in [(good, true), (bad, false)] {
                for value in values {
                    let body = json!({"list": [{"it": value}]});
                    assert_eq!(hold(&body, &[(&["list", "*", "it"], bound)]).is_ok(), fits, "{bound:?} {body}");
                }
            }
        }
        let refusal = hold(&json!({"a": [{"b": 9}]}), &[(&["a", "*", "b"], Bound::Between(0.0, 6.0))]).unwrap_err();
        assert_eq!(refusal.body["message"], json!(["a.0.b must not be greater than 6"]));
    }
}
