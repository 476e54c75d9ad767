//! Any HTTP request, for the generic node.
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use super::Connection;
use super::request::{Prepared, is_reserved};
use super::token;
use crate::catalog::Method;
use crate::record::{Failure, FailureKind};

/// Any HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The whole URL; where a connection signs the request, a path that starts with `/` is below its base URL.
    pub url: String,
    /// Added to the URL's query, in this order.
    pub query: Vec<(String, String)>,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: HttpPayload,
}

/// The body of any HTTP request. A `Content-Type` among the headers goes before the one named here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HttpPayload {
    /// None.
    #[default]
    None,
    /// `application/json`.
    Json(Value),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Any text.
    Text {
        /// What is sent, as UTF-8.
        text: String,
        /// `text/plain; charset=utf-8`, `application/xml`, …
        content_type: String,
    },
}

/// The request, ready to be signed. Pure.
///
/// # Errors
/// What is wrong with its URL, a header or the body, and that credentials would go to a host that is not theirs.
pub(super) fn prepare(request: HttpRequest, signed_by: Option<&Connection>) -> Result<Prepared, Failure> {
    let HttpRequest { method, url: text, query, headers: given, body } = request;
    let url = address(&text, &query, signed_by)?;
    let mapping = |words: String, at: String| {
        Failure::new(FailureKind::Mapping, format!("{} {} was not sent: {words}", method.as_str(), url.path())).at(at)
    };

    let mut headers = HeaderMap::with_capacity(given.len() + 4);
    let key_header = signed_by.and_then(|it| token::header_of(&it.auth));
    for (name, value) in &given {
        let at = || format!("headers.{name}");
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(mapping(format!("{name:?} cannot be the name of a header"), at()));
        };
        if is_reserved(&name) {
            return Err(mapping(format!("the header {name} is set by HTTP itself"), at()).hint("Remove the header"));
        }
        if signed_by.is_some() && (name == AUTHORIZATION || key_header.as_deref() == Some(name.as_str())) {
            return Err(
                mapping(format!("the connection sets the header {name}"), at()).hint("Remove the header, or the connection")
            );
        }
        let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else {
            return Err(mapping(format!("the value of the header {name} holds a line break or a control character"), at()));
        };
        headers.append(name, value);
    }

    let (content_type, body) = match body {
        HttpPayload::None => (None, Bytes::new()),
        HttpPayload::Json(value) => {
            let body = serde_json::to_vec(&value).map_err(|error| mapping(error.to_string(), "body".into()))?;
            (Some(HeaderValue::from_static("application/json")), body.into())
        }
        HttpPayload::Form(pairs) => {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            (Some(HeaderValue::from_static("application/x-www-form-urlencoded")), body.into())
        }
        HttpPayload::Text { text, content_type } => match HeaderValue::from_str(&content_type) {
            Ok(content_type) => (Some(content_type), text.into()),
            Err(_) => return Err(mapping("its content type cannot stand in a header".into(), "headers.content-type".into())),
        },
    };
    if let Some(content_type) = content_type {
        headers.entry(CONTENT_TYPE).or_insert(content_type);
    }
    Ok(Prepared { method, url, headers, body, record: String::new() })
}

fn address(text: &str, query: &[(String, String)], signed_by: Option<&Connection>) -> Result<Url, Failure> {
    let wrong = |words: String| Failure::new(FailureKind::Mapping, format!("The request was not sent: {words}")).at("url");
    let text = text.trim();
    let parsed = match signed_by {
        Some(connection) if text.starts_with('/') && !text.starts_with("//") => {
            Url::parse(&[connection.base_url.trim_end_matches('/'), text].concat())
        }
        _ => Url::parse(text),
    };
    let mut url = parsed
        .map_err(|error| wrong(format!("its URL is not one: {error}")).hint("Give a URL such as https://example.com/path"))?;
    url.set_fragment(None);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    if let Some(connection) = signed_by {
        let own = Url::parse(&connection.base_url).is_ok_and(|base| base.origin() == url.origin());
        if !own {
            return Err(Failure::new(
                FailureKind::Flow,
                format!(
                    "The request was not sent: the credentials of {:?} belong to {}, and the request goes to {}",
                    connection.name,
                    connection.base_url,
                    url.host_str().unwrap_or_default()
                ),
            )
            .at("url")
            .hint("Take the connection off the request, or make one for that host"));
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {

    use serde_json::json;

    use super::*;
    use crate::catalog::{AuthKind, ConnectorId};

    fn connection() -> Connection {
        Connection::new(
            "c",
            "Main",
            ConnectorId::new("x"),
            "https://api.example.com/v1",
            AuthKind::ApiKey { header: "X-Own".into() },
        )
    }

    fn request(url: &str) -> HttpRequest {
        HttpRequest { method: Method::Post, url: url.into(), query: Vec::new(), headers: Vec::new(), body: HttpPayload::None }
    }

    #[test]
    fn a_request_is_built_from_its_parts() {
        let mut it = request("https://a.b/c?x=1#frag");
        it.query = vec![("y".into(), "a b".into()), ("y".into(), "&".into())];
        it.headers = vec![("X-A".into(), "1".into()), ("x-a".into(), "ü".into())];
        it.body = HttpPayload::Json(json!({"a": [1]}));
        let made = prepare(it, None).unwrap();
        assert_eq!(made.url.as_str(), "https://a.b/c?x=1&y=a+b&y=%26");
        assert_eq!(made.headers.get_all("x-a").iter().count(), 2);
        assert_eq!(made.headers["content-type"], "application/json");
        assert_eq!(made.body, r#"{"a":[1]}"#);
    }

    #[test]
    fn forms_and_texts_say_what_they_are_unless_a_header_does() {
        let mut it = request("https://a.b");
        it.body = HttpPayload::Form(vec![("a".into(), "1 2".into())]);
        let made = prepare(it.clone(), None).unwrap();
        assert_eq!(
            (made.body.as_ref(), &made.headers["content-type"]),
            (&b"a=1+2"[..], &HeaderValue::from_static("application/x-www-form-urlencoded"))
        );
        it.body = HttpPayload::Text { text: "<a/>".into(), content_type: "application/xml".into() };
        assert_eq!(prepare(it.clone(), None).unwrap().headers["content-type"], "application/xml");
        it.headers = vec![("Content-Type".into(), "text/csv".into())];
        assert_eq!(prepare(it, None).unwrap().headers["content-type"], "text/csv");
    }

    #[test]
    fn a_path_is_below_the_base_url_of_its_connection() {
        let made = prepare(request("/things?a=1"), Some(&connection())).unwrap();
        assert_eq!(made.url.as_str(), "https://api.example.com/v1/things?a=1");
        assert!(prepare(request("/things"), None).is_err());
    }

    #[test]
    fn credentials_go_to_no_other_host_port_or_scheme() {
        for url in [
            "https://evil.example/x",
            "https://api.example.com:444/x",
            "http://api.example.com/x",
            "//evil.example/x",
            "https://api.example.com.evil.example/",
        ] {
            let failure = prepare(request(url), Some(&connection())).unwrap_err();
            assert!(failure.at == "url", "{url}: {failure}");
        }
        assert!(prepare(request("https://api.example.com/other"), Some(&connection())).is_ok());
    }

    #[test]
    fn headers_that_break_the_message_or_the_signature_are_refused() {
        for (name, value) in [
            ("Host", "evil"),
            ("Content-Length", "3"),
            ("Transfer-Encoding", "chunked"),
            ("A B", "1"),
            ("X-A", "1\r\nX-B: 2"),
            ("authorization", "Bearer x"),
            ("x-own", "k"),
        ] {
            let mut it = request("/x");
            it.headers = vec![(name.into(), value.into())];
            let failure = prepare(it, Some(&connection())).unwrap_err();
            assert_eq!(failure.at, format!("headers.{name}"));
            assert_eq!(failure.kind, FailureKind::Mapping);
        }
    }

    #[test]
    fn a_url_that_is_none_says_so() {
        for url in ["", "example.com/x", "ht tp://x", "/x"] {
            assert_eq!(prepare(request(url), None).unwrap_err().at, "url");
        }
    }
}
