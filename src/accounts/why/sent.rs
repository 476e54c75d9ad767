//! For which account a call was: what it sent of the fields that a connection's account fills.
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::catalog::{Operation, Place};
use crate::record::Exchange;

/// What was sent of an account's fields, by the account's field. Empty where the operation has none of them.
pub(super) fn account(operation: &Operation, exchange: &Exchange) -> BTreeMap<String, String> {
    let mut sent = BTreeMap::new();
    for input in &operation.inputs {
        let Some(field) = &input.account else { continue };
        let value = match input.place {
            Place::Path => in_path(&operation.path, &exchange.request.url, &input.name),
            Place::Query => in_query(&exchange.request.url, &input.name),
            Place::Body => in_body(&exchange.request.body.text, &input.name),
            Place::Header => {
                let headers = &exchange.request.headers;
                headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&input.name)).map(|(_, value)| value.clone())
            }
        };
        if let Some(value) = value {
            sent.entry(field.clone()).or_insert(value);
        }
    }
    sent
}

/// The parts of a path from its end, since a base URL may have a path of its own.
fn in_path(template: &str, url: &str, name: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?;
    let wanted = format!("{{{name}}}");
    let mut parts = path.trim_end_matches('/').rsplit('/');
    for part in template.trim_end_matches('/').rsplit('/') {
        let sent = parts.next()?;
        if part == wanted {
            return Some(decoded(sent));
        }
    }
    None
}

fn in_query(url: &str, name: &str) -> Option<String> {
    let query = url.split('#').next()?.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn in_body(text: &str, name: &str) -> Option<String> {
    if let Ok(Value::Object(fields)) = serde_json::from_str(text) {
        return fields.get(name).and_then(|it| it.as_str().map(str::to_owned));
    }
    form_urlencoded::parse(text.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_is_found_whatever_the_base_url() {
        for (template, url, name, found) in [
            ("/locations/{locationId}/tags", "https://a.b/locations/l%201/tags?x=1", "locationId", Some("l 1")),
            ("/locations/{locationId}/tags", "http://a.b/highlevel/locations/l1/tags/", "locationId", Some("l1")),
            ("/locations/{locationId}", "http://a.b/locations/l1", "locationId", Some("l1")),
            ("/contacts/{id}", "http://a.b/contacts/c", "locationId", None),
        ] {
            assert_eq!(in_path(template, url, name).as_deref(), found, "{url}");
        }
    }

    #[test]
    fn queries_and_bodies_of_both_kinds_are_read() {
        assert_eq!(in_query("http://a.b/c?x=1&locationId=l%2F1#y", "locationId").as_deref(), Some("l/1"));
        assert_eq!(in_body(r#"{"locationId":"l1"}"#, "locationId").as_deref(), Some("l1"));
        assert_eq!(in_body("a=1&locationId=l+1", "locationId").as_deref(), Some("l 1"));
        assert_eq!(in_body(r#"{"locationId":1}"#, "locationId"), None);
    }
}
