//! Finds the words in what a service answers when something is wrong.
use std::borrow::Cow;

use serde_json::Value;

/// How much of a service's words a failure carries, in characters.
const LONGEST: usize = 500;
/// How much of a page is looked at, in bytes.
const PAGE: usize = 64 << 10;
/// Where most services put their words.
const USUAL: [&str; 8] = ["message", "error.message", "error_description", "detail", "error", "errors", "title", "description"];

/// The service's own words: at the connector's dotted paths, else where they usually stand; empty if there are none.
pub(super) fn of_json(value: &Value, paths: &[String]) -> String {
    paths
        .iter()
        .map(String::as_str)
        .chain(USUAL)
        .filter_map(|path| at(value, path))
        .map(joined)
        .find(|it| !it.is_empty())
        .or_else(|| value.as_str().map(|it| clipped(it, LONGEST)))
        .unwrap_or_default()
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, key| match value {
        Value::Object(map) => map.get(key),
        Value::Array(list) => key.parse::<usize>().ok().and_then(|it| list.get(it)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// Text as it is; of a list its texts, and the `message` of its objects, joined.
fn joined(value: &Value) -> String {
    match value {
        Value::String(text) => clipped(text, LONGEST),
        Value::Array(list) => {
            let words: Vec<&str> = list
                .iter()
                .filter_map(|it| it.as_str().or_else(|| it.get("message").and_then(Value::as_str)))
                .filter(|it| !it.trim().is_empty())
                .take(20)
                .collect();
            clipped(&words.join("; "), LONGEST)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

/// One line, without control characters, at most `longest` characters.
pub(super) fn clipped(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len().min(longest * 2));
    let mut count = 0;
    for word in text.split(|it: char| it.is_whitespace() || it.is_control()).filter(|it| !it.is_empty()) {
        if count > 0 {
            out.push(' ');
            count += 1;
        }
        for letter in word.chars() {
            if count >= longest {
                out.push('…');
                return out;
            }
            out.push(letter);
            count += 1;
        }
    }
    out
}

/// Whether a text is an HTML page.
pub(super) fn is_page(text: &str, content_type: &str) -> bool {
    let start: String = text.trim_start().chars().take(15).collect::<String>().to_ascii_lowercase();
    let html = start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head");
    html || (content_type.contains("html") && start.starts_with('<'))
}

/// The title of an HTML page, or its first words.
pub(super) fn of_page(page: &str) -> String {
    let page = page.get(..page.floor_char_boundary(PAGE)).unwrap_or_default();
    let lower = page.to_ascii_lowercase();
    for (open, close) in [("<title", "</title"), ("<h1", "</h1")] {
        let inner = lower.find(open).and_then(|start| {
            let start = start + lower.get(start..)?.find('>')? + 1;
            let end = start + lower.get(start..)?.find(close)?;
            page.get(start..end)
        });
        let words = clipped(&unescaped(&without_tags(inner.unwrap_or_default())), 120);
        if !words.is_empty() {
            return words;
        }
    }
    clipped(&unescaped(&without_tags(page)), 120)
}

/// The text between tags, without scripts and styles.
fn without_tags(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        out.push(' ');
        let name: String = after.chars().take(8).collect::<String>().to_ascii_lowercase();
        let end = ["script", "style", "!--"].iter().find(|it| name.starts_with(**it)).map(|it| match *it {
            "script" => "</script",
            "style" => "</style",
            _ => "-->",
        });
        rest = match end {
            Some(end) => after.to_ascii_lowercase().find(end).and_then(|it| after.get(it..)).unwrap_or_default(),
            None => after,
        };
        rest = rest.split_once('>').map_or("", |(_, rest)| rest);
        if out.len() > 4096 {
            return out;
        }
    }
    out.push_str(rest);
    out
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = text.to_owned();
    for (entity, plain) in [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        out = out.replace(entity, plain);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_connectors_paths_go_before_the_usual_ones() {
        let paths = |list: &[&str]| list.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        for (value, at, expected) in [
            (json!({"message": "a", "error": "b"}), paths(&[]), "a"),
            (json!({"message": "a", "fault": {"text": ["x", "y", 3]}}), paths(&["fault.text"]), "x; y"),
            (
                json!({"message": ["email must be an email", "phone is too short"]}),
                paths(&["message"]),
                "email must be an email; phone is too short",
            ),
            (json!({"errors": [{"message": "one"}, {"message": "two"}]}), paths(&["nothing"]), "one; two"),
            (json!({"list": [{"m": "deep"}]}), paths(&["list.0.m"]), "deep"),
            (json!({"message": "", "error": {"message": "inner"}}), paths(&["message"]), "inner"),
            (json!("plain"), paths(&[]), "plain"),
            (json!({"message": 5}), paths(&["message"]), ""),
            (json!([1]), paths(&["0"]), ""),
        ] {
            assert_eq!(of_json(&value, &at), expected, "{value}");
        }
    }

    #[test]
    fn words_are_one_line_and_bounded() {
        assert_eq!(clipped(" a\r\n\tb \u{7} c ", 100), "a b c");
        assert_eq!(clipped(&"é".repeat(600), 500).chars().count(), 501);
    }

    #[test]
    fn a_page_is_told_by_its_title_or_its_first_words() {
        for (page, expected) in [
            ("<!DOCTYPE html><html><head><title>502 Bad &amp; Gateway</title></head><body>x</body></html>", "502 Bad & Gateway"),
            ("<html><h1 class=a>Too <b>bad</b></h1>", "Too bad"),
            ("<html><style>p{}</style><script>if (a<b) {}</script><!-- no --><p>Just&nbsp;words</p>", "Just words"),
            ("<html><title", ""),
            ("<html><title></title>", ""),
            ("<html", ""),
        ] {
            assert_eq!(of_page(page), expected, "{page}");
        }
        assert!(is_page("\n<!doctype HTML>", ""));
        assert!(is_page("<p>", "text/html"));
        assert!(!is_page("<a/>", "application/xml"));
        assert!(!is_page("{}", "text/html"));
    }

    #[test]
    fn letters_whose_lower_case_is_longer_do_not_move_the_title() {
        assert_eq!(of_page("<html>İİİİ<title>İ title</title>"), "İ title");
    }
}
