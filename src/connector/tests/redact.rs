//! What is hidden, and what is kept.
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::json;

use super::*;

const CANARY: &str = "pit-c4n4ry-0123456789/+\"x";

fn with_secret(test: impl FnOnce(Redactor<'_>)) {
    let secret = Secret::token(CANARY.into());
    test(Redactor { secret: Some(&secret), header: Some("x-own"), parameter: None });
}

fn body(text: &str, content_type: &str) -> String {
    Redactor::default().body(text.as_bytes(), content_type, 1 << 20, true).text
}

#[test]
fn the_names_of_secrets_are_sorted_so_that_they_are_found() {
    assert!(FIELDS.is_sorted());
}

#[test]
fn json_fields_that_are_called_like_a_secret_are_hidden() {
    for (text, expected) in [
        (r#"{"access_token":"abc","n":1}"#, r#"{"access_token":"•••","n":1}"#),
        (
            r#"{"a": {"Refresh-Token" : "a\"b\\"}, "clientSecret":"x"}"#,
            r#"{"a": {"Refresh-Token" : "•••"}, "clientSecret":"•••"}"#,
        ),
        (r#"[{"password": 12345}, {"PASSWORD":true}]"#, r#"[{"password": "•••"}, {"PASSWORD":"•••"}]"#),
        (r#"{"apiKey":["a","b"],"x":"y"}"#, r#"{"apiKey":"•••","x":"y"}"#),
        (r#"{"secret":{"a":"}\"","b":[1]},"x":1}"#, r#"{"secret":"•••","x":1}"#),
        (r#"{"token":null,"secret":""}"#, r#"{"token":null,"secret":""}"#),
        (
            r#"{"nextPageToken":"abc","key":"k","note":"password: x"}"#,
            r#"{"nextPageToken":"abc","key":"k","note":"password: x"}"#,
        ),
        (r#"{"a":"password","b":"token"}"#, r#"{"a":"password","b":"token"}"#),
        (r#"{"password":"unfinished"#, r#"{"password":"•••"#),
        (r#"{"password":{"unfinished":["#, r#"{"password":"•••""#),
        (r#"{"password":"#, r#"{"password":"#),
        (r#"{"password"#, r#"{"password"#),
        (r#"{"password":"a\"#, r#"{"password":"•••"#),
        ("", ""),
    ] {
        assert_eq!(body(text, "application/json"), expected);
    }
}

#[test]
fn form_and_multipart_fields_that_are_called_like_a_secret_are_hidden() {
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        body("a=1&client_secret=x%20y&client%5Fsecret=z&b=&password=", form),
        "a=1&client_secret=•••&client%5Fsecret=•••&b=&password="
    );
    let multipart = "--B\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--\r\n";
    assert_eq!(body(multipart, "multipart/form-data; boundary=B"), multipart.replace("hunter2", "•••"));
}

#[test]
fn query_parameters_that_are_called_like_a_secret_are_hidden() {
    let plain = Redactor::default();
    for (url, expected) in [
        ("https://a.b/c?token=x&a=1", "https://a.b/c?token=•••&a=1"),
        (
            "https://a.b/c?X-Amz-Signature=x&key=y&api%5Fkey=z&client_secret=s",
            "https://a.b/c?X-Amz-Signature=•••&key=•••&api%5Fkey=•••&client_secret=•••",
        ),
        ("https://a.b/c?pageToken=x&next_token=y&keyword=z&token", "https://a.b/c?pageToken=x&next_token=y&keyword=z&token"),
        ("https://a.b/c", "https://a.b/c"),
    ] {
        assert_eq!(plain.url(&Url::parse(url).unwrap()), expected);
    }
}

#[test]
fn headers_that_carry_credentials_are_hidden() {
    let secret = Secret::token(CANARY.into());
    let redactor = Redactor { secret: Some(&secret), header: Some("x-own"), parameter: None };
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer a"),
        ("cookie", "a=1"),
        ("set-cookie", "a=1"),
        ("x-api-key", "a"),
        ("x-own", "a"),
        ("x-ghl-signature", "a"),
        ("x-auth-token", "a"),
        ("x-echo", CANARY),
        ("location", "https://a.b/?token=abc&x=1"),
        ("content-type", "text/plain"),
        ("x-ratelimit-remaining", "5"),
    ] {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let mut marked = HeaderValue::from_static("a");
    marked.set_sensitive(true);
    headers.append("x-marked", marked);
    let shown: Vec<_> = redactor.headers(&headers).into_iter().filter(|(_, value)| value != HIDDEN).collect();
    let expected = [("location", "https://a.b/?token=•••&x=1"), ("content-type", "text/plain"), ("x-ratelimit-remaining", "5")];
    assert_eq!(shown, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn the_connections_own_secret_is_hidden_wherever_it_stands() {
    with_secret(|redactor| {
        let text = format!("before {CANARY} after {CANARY}");
        assert_eq!(redactor.text(&text), "before ••• after •••");
        let json = json!({"echo": CANARY, "list": [format!("x{CANARY}")], CANARY: 1}).to_string();
        let hidden = redactor.body(json.as_bytes(), "", 1 << 20, true).text;
        assert_eq!(serde_json::from_str::<Value>(&hidden).unwrap(), json!({"echo": "•••", "list": ["x•••"], "•••": 1}));
        let mut value: Value = serde_json::from_str(&json).unwrap();
        redactor.value(&mut value);
        assert_eq!(value, json!({"echo": "•••", "list": ["x•••"], "•••": 1}));
        assert!(matches!(redactor.text("nothing here"), Cow::Borrowed(_)));
    });
}

#[test]
fn overlapping_finds_hide_everything() {
    let secret = Secret::token("abcabcabc1".into());
    let redactor = Redactor { secret: Some(&secret), header: None, parameter: None };
    let text = r#"{"password":"abcabcabc1","x":"abcabcabc1abcabcabc1"}"#;
    assert_eq!(redactor.body(text.as_bytes(), "", 1000, true).text, r#"{"password":"•••","x":"••••••"}"#);
}

#[test]
fn a_secret_across_the_cut_leaves_no_trace() {
    with_secret(|redactor| {
        for before in 0..40 {
            let text = format!("{}{CANARY}{}", "x".repeat(before), "y".repeat(20_000));
            let cut = redactor.body(text.as_bytes(), "text/plain", 30, true);
            assert!(cut.cut && cut.text.len() <= 30);
            assert!(!cut.text.contains("pit"), "{}", cut.text);
            let json = format!(r#"{{"{}":1,"password":"hunter2hunter2"}}"#, "k".repeat(before));
            let cut = redactor.body(json.as_bytes(), "", 30, true);
            assert!(!cut.text.contains("hunter"), "{}", cut.text);
        }
    });
}

#[test]
fn what_hiding_saves_is_not_filled_from_beyond_the_cut() {
    with_secret(|redactor| {
        let text = format!("{}{}", CANARY.repeat(2), "z".repeat(20_000));
        let cut = redactor.body(text.as_bytes(), "", CANARY.len() * 2 + 5, true);
        assert_eq!(cut.text, "••••••zzzzz");
    });
}

#[test]
fn bodies_are_cut_between_characters_and_say_so() {
    let plain = Redactor::default();
    let cut = plain.body("aéé".as_bytes(), "text/plain", 4, true);
    assert_eq!((cut.text.as_str(), cut.size, cut.cut), ("aé", 5, true));
    let whole = plain.body("aéé".as_bytes(), "text/plain", 5, true);
    assert_eq!((whole.text.as_str(), whole.size, whole.cut), ("aéé", 5, false));
    let long = "é".repeat(50_000);
    for max in [9_998, 9_999, 10_000] {
        let cut = plain.body(long.as_bytes(), "text/plain", max, true);
        assert!(cut.cut && cut.text.len() <= max && cut.text.len() > max - 2);
    }
    let half = plain.body(&"aé".as_bytes()[..2], "text/plain", 10, false);
    assert_eq!((half.text.as_str(), half.cut), ("a", true));
}

#[test]
fn of_what_is_no_text_only_the_size_is_kept() {
    let plain = Redactor::default();
    for bytes in [&b"\xFF\xD8\xFF"[..], b"a\0b"] {
        let body = plain.body(bytes, "image/jpeg", 100, true);
        assert_eq!((body.text.as_str(), body.size, body.cut), ("", 3, true));
    }
    assert_eq!(plain.body(b"", "", 100, true), Body::default());
    assert_eq!(plain.body(b"abc", "", 0, true), Body { text: String::new(), size: 3, cut: true });
}

proptest::proptest! {
    #[test]
    fn any_text_is_bounded_and_holds_no_secret(before in "\\PC*", after in "\\PC*", max in 0_usize..200) {
        with_secret(|redactor| {
            for content_type in ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"] {
                for text in [format!("{before}{CANARY}{after}"), format!("{{\"{before}\":\"{CANARY}\",\"password\":\"{after}"), format!("; name=\"token\"{before}\r\n\r\n{after}")] {
                    let body = redactor.body(text.as_bytes(), content_type, max, true);
                    assert!(body.text.len() <= max && !body.text.contains("c4n4ry"));
                }
            }
        });
    }

    #[test]
    fn json_without_secrets_is_kept_as_it_is(text in "[\\[{][\\PC\"\\\\:,{}\\[\\]]*") {
        proptest::prop_assume!(!FIELDS.iter().any(|it| text.to_lowercase().replace(['_', '-', ' ', '.'], "").contains(it)));
        assert_eq!(body(&text, "application/json"), text);
    }
}
