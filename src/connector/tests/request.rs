//! Requests built from operations.
use serde_json::json;

use super::*;
use crate::catalog::{AuthKind, ConnectorId};

fn connection(account: &Value) -> Connection {
    Connection {
        account: serde_json::from_value(account.clone()).unwrap(),
        ..Connection::new("crm", "Main", ConnectorId::new("highlevel"), "https://api.example.com/v1/", AuthKind::Bearer)
    }
}

fn connector() -> Connector {
    serde_json::from_value(json!({
        "id": "highlevel", "title": "HighLevel", "environments": [], "auth": [{"kind": "bearer"}],
        "schemas": {"tags": {"type": "array", "items": {"type": "string"}}},
    }))
    .unwrap()
}

fn input(key: &str, place: &str, schema: &str) -> Value {
    json!({"key": key, "name": key, "place": place, "schema": {"type": schema}})
}

fn with(mut input: Value, more: Value) -> Value {
    let (Some(input_map), Value::Object(more)) = (input.as_object_mut(), more) else { panic!("objects") };
    input_map.extend(more);
    input
}

fn operation(method: &str, path: &str, body: Option<&str>, inputs: &[Value]) -> Operation {
    let mut text = json!({
        "id": "highlevel.x.y", "title": "Update contact", "group": "Contacts", "method": method, "path": path,
        "inputs": inputs, "repeat": {"repeat": "safe"},
    });
    if let Some(body) = body {
        text["body"] = json!(body);
    }
    serde_json::from_value(text).unwrap()
}

fn built(operation: &Operation, account: &Value, input: &Value) -> Result<Prepared, Failure> {
    build(&connection(account), &connector(), operation, input.as_object().unwrap())
}

#[test]
fn every_input_travels_in_its_place() {
    let operation = operation(
        "PUT",
        "/contacts/{contactId}/tags/",
        Some("json"),
        &[
            with(input("contactId", "path", "string"), json!({"required": true})),
            with(input("Version", "header", "string"), json!({"required": true, "fixed": "2021-07-28"})),
            with(input("locationId", "query", "string"), json!({"required": true, "account": "location_id"})),
            input("limit", "query", "integer"),
            json!({"key": "tags", "name": "tags", "place": "query", "schema": {"type": "ref", "ref": "tags"}}),
            with(input("body_limit", "body", "integer"), json!({"name": "limit"})),
            input("note", "body", "string"),
            input("gone", "body", "string"),
        ],
    );
    let made = built(
        &operation,
        &json!({"location_id": "L 1"}),
        &json!({"contactId": "a/b c?#", "limit": "20", "tags": ["x", "y&"], "body_limit": "3", "note": 5, "gone": null}),
    )
    .unwrap();
    assert_eq!(
        made.url.as_str(),
        "https://api.example.com/v1/contacts/a%2Fb%20c%3F%23/tags/?locationId=L+1&limit=20&tags=x&tags=y%26"
    );
    assert_eq!(made.method, Method::Put);
    assert_eq!(made.headers["version"], "2021-07-28");
    assert_eq!(made.headers["accept"], "application/json");
    assert_eq!(made.headers["content-type"], "application/json");
    assert_eq!(made.body, r#"{"limit":3,"note":"5","gone":null}"#);
    assert_eq!(made.record, "contact a/b c?#");
}

#[test]
fn what_is_mapped_goes_before_the_account() {
    let operation = operation(
        "GET",
        "/x",
        None,
        &[
            with(input("locationId", "query", "string"), json!({"account": "location_id", "required": true})),
            with(input("company", "query", "integer"), json!({"account": "company"})),
        ],
    );
    let account = json!({"location_id": "L1", "company": "7"});
    assert_eq!(built(&operation, &account, &json!({"locationId": "L2"})).unwrap().url.query(), Some("locationId=L2&company=7"));
    assert_eq!(built(&operation, &account, &json!({"locationId": null})).unwrap().url.query(), Some("locationId=L1&company=7"));
    let failure = built(&operation, &json!({"location_id": ""}), &json!({})).unwrap_err();
    assert_eq!(failure.at, "input.locationId");
    assert!(failure.hint.contains("location_id") && failure.hint.contains("Main"), "{failure}");
}

#[test]
fn bodies_travel_as_the_operation_says() {
    let fields = [input("title", "body", "string"), input("done", "body", "boolean")];
    let mapped = json!({"title": "a b", "done": "true"});
    let json_body = built(&operation("POST", "/x", Some("json"), &fields), &json!({}), &mapped).unwrap();
    assert_eq!(json_body.body, r#"{"title":"a b","done":true}"#);
    let form = built(&operation("POST", "/x", Some("urlencoded"), &fields), &json!({}), &mapped).unwrap();
    assert_eq!(
        (form.body.as_ref(), &form.headers["content-type"]),
        (&b"title=a+b&done=true"[..], &HeaderValue::from_static("application/x-www-form-urlencoded"))
    );
    let file = with(input("file", "body", "string"), json!({"schema": {"type": "string", "format": "binary"}}));
    let multipart = built(
        &operation("POST", "/x", Some("multipart"), &[file]),
        &json!({}),
        &json!({"file": {"filename": "a.txt", "text": "hello"}}),
    )
    .unwrap();
    assert!(multipart.headers["content-type"].to_str().unwrap().starts_with("multipart/form-data; boundary="));
    assert!(String::from_utf8_lossy(&multipart.body).contains("filename=\"a.txt\""));
}

#[test]
fn a_body_that_is_not_an_object_travels_whole() {
    let whole = json!({"key": "body", "place": "body", "schema": {"type": "array", "items": {"type": "integer"}}});
    let post = operation("POST", "/x", Some("json"), &[whole]);
    assert_eq!(built(&post, &json!({}), &json!({"body": ["1", 2]})).unwrap().body, "[1,2]");
    let form = operation("POST", "/x", Some("urlencoded"), &[json!({"key": "body", "place": "body", "schema": {"type": "any"}})]);
    assert_eq!(built(&form, &json!({}), &json!({"body": {"a": {"b": 1}}})).unwrap().body, "a%5Bb%5D=1");
    assert_eq!(built(&form, &json!({}), &json!({"body": [1]})).unwrap_err().at, "input.body");
}

#[test]
fn nothing_mapped_is_an_empty_object_where_a_body_is_documented() {
    let fields = [input("tags", "body", "any")];
    assert_eq!(built(&operation("POST", "/x", Some("json"), &fields), &json!({}), &json!({})).unwrap().body, "{}");
    let delete = operation("DELETE", "/x", Some("json"), &fields);
    // Each of the vendor's deletes with a body requires it.
    assert_eq!(built(&delete, &json!({}), &json!({})).unwrap().body, "{}");
    let bare = built(&operation("DELETE", "/x", None, &[]), &json!({}), &json!({})).unwrap();
    assert!(bare.body.is_empty() && !bare.headers.contains_key("content-type"));
    assert_eq!(built(&delete, &json!({}), &json!({"tags": ["a"]})).unwrap().body, r#"{"tags":["a"]}"#);
}

#[test]
fn what_cannot_be_sent_is_named_with_its_place() {
    let inputs = [
        with(input("contactId", "path", "string"), json!({"title": "Contact"})),
        with(input("Version", "header", "string"), json!({"fixed": "v3"})),
        with(input("firstName", "body", "string"), json!({"required": true, "title": "First name"})),
        input("limit", "query", "integer"),
        input("X-Note", "header", "string"),
        input("Host", "header", "string"),
    ];
    let operation = operation("POST", "/contacts/{contactId}", Some("json"), &inputs);
    for (input, at, words, hint) in [
        (json!({"firstName": "a"}), "input.contactId", "Contact is missing", "Contact"),
        (json!({"contactId": "", "firstName": "a"}), "input.contactId", "names no record", ""),
        (json!({"contactId": "..", "firstName": "a"}), "input.contactId", "names no record", ""),
        (json!({"contactId": ["a", {}], "firstName": "a"}), "input.contactId", "has to be text", ""),
        (json!({"contactId": "1"}), "input.firstName", "First name is missing", "First name"),
        (json!({"contactId": "1", "firstName": null}), "input.firstName", "First name is missing", ""),
        (json!({"contactId": "1", "firstName": ["a"]}), "input.firstName", "has to be text, and is a list of 1", ""),
        (json!({"contactId": "1", "firstName": "a", "limit": "many"}), "input.limit", "a whole number", ""),
        (json!({"contactId": "1", "firstName": "a", "fristname": 1}), "input.fristname", "no input", "\"firstName\""),
        (json!({"contactId": "1", "firstName": "a", "zzzzzzzz": 1}), "input.zzzzzzzz", "no input", "Remove"),
        (json!({"contactId": "1", "firstName": "a", "Version": "v2"}), "input.Version", "cannot be mapped", ""),
        (json!({"contactId": "1", "firstName": "a", "X-Note": "a\r\nX-Evil: 1"}), "input.X-Note", "header", ""),
        (json!({"contactId": "1", "firstName": "a", "Host": "evil"}), "input.Host", "header", ""),
    ] {
        let failure = built(&operation, &json!({}), &input).unwrap_err();
        assert_eq!((failure.kind, failure.at.as_str()), (FailureKind::Mapping, at), "{failure}");
        assert!(failure.title.contains(words) && failure.title.contains("Update contact"), "{failure}");
        assert!(failure.hint.contains(hint), "{failure}");
    }
    assert!(built(&operation, &json!({}), &json!({"contactId": "1", "firstName": "a", "Version": "v3"})).is_ok());
}

#[test]
fn a_path_that_does_not_fit_its_inputs_is_the_catalogs_fault() {
    for path in ["/a/{b}", "/a/{", "/a/{b"] {
        let failure = built(&operation("GET", path, None, &[]), &json!({}), &json!({})).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Flow, "{path}");
    }
}

#[test]
fn no_path_changes_the_host() {
    for path in [".evil.example/x", "@evil.example/", "/..//evil.example", "//evil.example/"] {
        let made = built(&operation("GET", path, None, &[]), &json!({}), &json!({})).unwrap();
        assert_eq!(made.url.host_str(), Some("api.example.com"), "{path}");
        assert_eq!(made.url.username(), "");
    }
    let operation = operation("GET", "/a/{id}/b", None, &[input("id", "path", "string")]);
    for id in ["../..", "%2e%2e", "/", "?x", "#x", "\\", "@", "a\n"] {
        let made = built(&operation, &json!({}), &json!({"id": id})).unwrap();
        assert_eq!(made.url.path_segments().unwrap().count(), 4, "{id} gives {}", made.url);
    }
}

#[test]
fn a_base_url_that_is_none_is_the_connections_fault() {
    let mut connection = connection(&json!({}));
    connection.base_url = "not a url".into();
    let failure = build(&connection, &connector(), &operation("GET", "/a", None, &[]), &Map::new()).unwrap_err();
    assert!(failure.title.contains("Main"), "{failure}");
}

#[test]
fn records_are_named_after_their_input_or_their_collection() {
    for (path, name, expected) in [
        ("/contacts/{contactId}", "contactId", "contact 7"),
        ("/calendars/events/{eventId}", "eventId", "event 7"),
        ("/events/{id}", "id", "event 7"),
        ("/{id}", "id", "record 7"),
        ("/x/{calendar_group_id}", "calendar_group_id", "calendar group 7"),
        ("/x/{noteTemplateId}", "noteTemplateId", "note template 7"),
        ("/x/{slug}", "slug", "slug 7"),
    ] {
        assert_eq!(record_name(path, name, "7"), expected);
    }
}

#[test]
fn an_existing_query_in_a_path_is_kept() {
    let operation = operation("GET", "/x?a=1", None, &[input("b", "query", "string")]);
    assert_eq!(built(&operation, &json!({}), &json!({"b": "2"})).unwrap().url.query(), Some("a=1&b=2"));
}

proptest::proptest! {
    #[test]
    fn any_input_builds_a_request_to_the_same_host_or_fails(id in ".*", text in ".*") {
        let operation = operation(
            "POST", "/a/{id}", Some("json"),
            &[input("id", "path", "string"), input("q", "query", "any"), input("h", "header", "string"), input("t", "body", "string")],
        );
        if let Ok(made) = built(&operation, &json!({}), &json!({"id": id, "q": {"a": [text]}, "h": text, "t": text})) {
            assert_eq!(made.url.host_str(), Some("api.example.com"));
            assert_eq!(made.url.path_segments().unwrap().count(), 3);
            let body: Value = serde_json::from_slice(&made.body).unwrap();
            assert_eq!(&body["t"], &json!(text));
        }
    }
}

/// A value that fits a schema.
fn fitting(connector: &Connector, schema: &crate::catalog::Schema, depth: u32) -> Value {
    let schema = connector.resolve(schema);
    if let Some(choice) = schema.choices.first() {
        return choice.clone();
    }
    match &schema.kind {
        Kind::Boolean => json!(true),
        Kind::Integer => json!(7),
        Kind::Number => json!(1.5),
        Kind::String { format } if format == "binary" => json!({"filename": "a.txt", "text": "a"}),
        Kind::Any | Kind::Ref { .. } | Kind::String { .. } => json!("a b/c"),
        Kind::Array { items } if depth < 4 => json!([fitting(connector, items, depth + 1)]),
        Kind::Object { fields, .. } if depth < 4 => {
            fields.iter().map(|it| (it.name.clone(), fitting(connector, &it.schema, depth + 1))).collect::<Map<_, _>>().into()
        }
        Kind::OneOf { of } => of.first().map_or(Value::Null, |it| fitting(connector, it, depth + 1)),
        Kind::Array { .. } => json!([]),
        Kind::Object { .. } => json!({}),
    }
}

#[test]
fn every_operation_of_the_catalog_builds_a_request() {
    let catalog = crate::catalog::Catalog::shipped();
    let mut built = 0;
    for connector in catalog.connectors() {
        for operation in connector.operations.values() {
            let mut connection = connection(&json!({}));
            connection.account = connector.account.keys().map(|it| (it.clone(), "7".to_owned())).collect();
            let all: Map<String, Value> = operation
                .inputs
                .iter()
                .filter(|it| it.fixed.is_none())
                .map(|it| (it.key.clone(), fitting(connector, &it.schema, 0)))
                .collect();
            let made =
                build(&connection, connector, operation, &all).unwrap_or_else(|failure| panic!("{}: {failure}", operation.id));
            assert!(!made.url.as_str().contains(['{', '}']), "{}: {}", operation.id, made.url);
            assert_eq!(made.url.path().ends_with('/'), operation.path.ends_with('/'), "{}: {}", operation.id, made.url);
            for it in operation.inputs.iter().filter(|it| it.place == Place::Header) {
                assert!(made.headers.contains_key(it.name.as_str()), "{}: {}", operation.id, it.name);
            }
            assert_eq!(made.body.is_empty(), operation.body.is_none(), "{}", operation.id);
            let least: Map<String, Value> = all
                .into_iter()
                .filter(|(key, _)| operation.input(key).is_some_and(|it| it.required && it.account.is_none()))
                .collect();
            build(&connection, connector, operation, &least).unwrap_or_else(|failure| panic!("{}: {failure}", operation.id));
            built += 1;
        }
    }
    assert!(built >= 90, "{built}");
}
