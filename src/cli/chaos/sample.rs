//! Events that are as unlike as those of real people: each has mail addresses and phone numbers of its own.
use serde_json::Value;

/// The event with this number, from a sample.
pub(super) fn vary(sample: &Value, number: usize) -> Value {
    varied("", sample, number)
}

fn varied(key: &str, value: &Value, number: usize) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), varied(key, value, number))).collect(),
        Value::Array(items) => items.iter().map(|it| varied(key, it, number)).collect(),
        Value::String(text) if key.to_lowercase().contains("phone") => phone(text, number).into(),
        Value::String(text) => address(text, number).into(),
        other => other.clone(),
    }
}

/// `ann@example.com` becomes `ann+7@example.com`, which is another address; other text stays.
fn address(text: &str, number: usize) -> String {
    match text.split_once('@') {
        // As people type it: blanks around it stay.
        Some((name, host)) if is_name(name.trim_start()) && is_host(host.trim_end()) => format!("{name}+{number}@{host}"),
        _ => text.to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_alphanumeric() || ".-_+".contains(it))
}

fn is_host(text: &str) -> bool {
    text.contains('.') && !text.contains(|it: char| it.is_whitespace() || it == '@')
}

/// The last four digits become the event's number.
fn phone(text: &str, number: usize) -> String {
    let mut left = number;
    let mut digits: Vec<char> = text.chars().collect();
    for it in digits.iter_mut().rev().filter(|it| it.is_ascii_digit()).take(4) {
        *it = char::from_digit((left % 10) as u32, 10).unwrap_or('0');
        left /= 10;
    }
    digits.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_event_is_about_somebody_else_and_all_else_stays() {
        let sample = json!({"body": {
            "email": "ann@example.com", "phone": "+1 212 555 0123", "id": "50107", "count": 3, "note": "Write to a@b or @home",
            "others": [{"email": "bo.b@example.org "}],
        }});
        let expected = json!({"body": {
            "email": "ann+42@example.com", "phone": "+1 212 555 0042", "id": "50107", "count": 3, "note": "Write to a@b or @home",
            "others": [{"email": "bo.b+42@example.org "}],
        }});
        assert_eq!(vary(&sample, 42), expected);
        assert_eq!(vary(&json!("x"), 1), json!("x"));
    }
}
