//! Single values: do they fit a type, can they be made to, what does an example say.
use serde_json::Value;

use super::Kind;

/// Whether a value is of a type; lists and objects are only looked at from outside.
pub(super) fn fits(kind: &Kind, value: &Value) -> bool {
    match kind {
        Kind::Any | Kind::Ref { .. } | Kind::OneOf { .. } => true,
        Kind::Boolean => value.is_boolean(),
        Kind::Integer => value.as_f64().is_some_and(|it| it.fract() == 0.0),
        Kind::Number => value.is_number(),
        Kind::String { .. } => value.is_string(),
        Kind::Array { .. } => value.is_array(),
        Kind::Object { .. } => value.is_object(),
    }
}

/// The value as this type, where its text says the same: `"20"` is 20, `"false"` is false, 5 is `"5"`.
pub(super) fn convert(kind: &Kind, value: &Value) -> Option<Value> {
    if fits(kind, value) {
        return Some(value.clone());
    }
    match (kind, value) {
        (Kind::Boolean, Value::String(it)) => it.parse::<bool>().ok().map(Value::Bool),
        (Kind::Integer, Value::String(it)) => it.parse::<i64>().ok().map(Value::from),
        (Kind::Number, Value::String(it)) => {
            let number = it.parse::<i64>().ok().map(Value::from);
            number.or_else(|| it.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Value::Number))
        }
        (Kind::String { .. }, Value::Number(it)) => Some(Value::String(it.to_string())),
        (Kind::String { .. }, Value::Bool(it)) => Some(Value::String(it.to_string())),
        _ => None,
    }
}

/// The type of a value, where it is no list or object.
pub(super) fn kind_of(value: &Value) -> Option<Kind> {
    match value {
        Value::Bool(_) => Some(Kind::Boolean),
        Value::Number(_) => Some(Kind::Number),
        Value::String(it) => Some(Kind::String { format: format_of(it).to_owned() }),
        _ => None,
    }
}

/// The format of a text by its own look: `date-time` (RFC 3339), `date` or none.
pub(super) fn format_of(text: &str) -> &'static str {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| bytes.get(from..to).is_some_and(|it| it.iter().all(u8::is_ascii_digit));
    let date = digits(0, 4) && bytes.get(4) == Some(&b'-') && digits(5, 7) && bytes.get(7) == Some(&b'-') && digits(8, 10);
    if !date {
        return "";
    }
    if bytes.len() == 10 {
        return "date";
    }
    let time = bytes[10] == b'T' && digits(11, 13) && bytes.get(13) == Some(&b':') && digits(14, 16);
    let zone = text.ends_with('Z') || bytes.len() > 6 && matches!(bytes[bytes.len() - 6], b'+' | b'-') && bytes.len() > 20;
    if time && zone { "date-time" } else { "" }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_converted_only_where_they_say_the_same() {
        let text = Kind::String { format: String::new() };
        for (kind, value, expected) in [
            (Kind::Boolean, json!("false"), Some(json!(false))),
            (Kind::Boolean, json!("no"), None),
            (Kind::Number, json!("20"), Some(json!(20))),
            (Kind::Number, json!("0.5"), Some(json!(0.5))),
            (Kind::Number, json!("NaN"), None),
            (Kind::Integer, json!(2.0), Some(json!(2.0))),
            (Kind::Integer, json!("x"), None),
            (text.clone(), json!(5), Some(json!("5"))),
            (text, json!([5]), None),
        ] {
            assert_eq!(convert(&kind, &value), expected, "{kind:?} {value}");
        }
    }

    #[test]
    fn a_date_is_told_by_its_look() {
        for (text, expected) in [
            ("2021-07-08T02:30:00.000Z", "date-time"),
            ("2021-06-23T03:30:00+05:30", "date-time"),
            ("2021-07-16 11:00:00", ""),
            ("2021-07-08T02:30:00", ""),
            ("1990-09-25", "date"),
            ("1990-09-2", ""),
            ("Date format YYYY-MM-DD", ""),
            ("é021-07-08", ""),
        ] {
            assert_eq!(format_of(text), expected, "{text}");
        }
    }
}
