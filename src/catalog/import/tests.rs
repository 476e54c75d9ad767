use serde_json::json;

use super::*;

/// Imports one document with these paths and schemas.
fn one(document: serde_json::Value) -> Imported {
    let document = Document::from_value("doc.json", document).expect("a document");
    import(&[document], &Options::new(ConnectorId::new("x"))).expect("an import")
}

#[test]
fn a_plain_operation_is_read() {
    let imported = one(json!({"openapi": "3.1.0", "paths": {"/a": {"get": {"operationId": "list-a", "responses": {}}}}}));
    let operation = imported.connector.operations.values().next().expect("one");
    assert_eq!(operation.id.as_str(), "x.doc.list-a");
}

/// A document with something of everything.
const WHOLE: &str = r##"{
  "openapi": "3.0.1", "info": {"title": "Things", "version": "1"}, "servers": [{"url": "https://api.example.com/v1"}],
  "paths": {"/things/{id}": {
    "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
    "get": {"operationId": "get-thing", "summary": "Get a thing", "tags": ["Things"], "security": [{"bearer": ["things.read"]}],
      "parameters": [{"name": "Version", "in": "header", "schema": {"type": "string", "enum": ["2021-07-28"]}}],
      "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}}},
    "put": {"operationId": "put-thing", "requestBody": {"content": {"application/json": {"schema": {
      "allOf": [{"$ref": "#/components/schemas/Thing"}, {"type": "object", "properties": {"note": {"type": ["string", "null"]}}}]}}}},
      "responses": {"default": {"description": "x"}}}}},
  "components": {"schemas": {"Thing": {"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string", "maxLength": 5}, "parent": {"$ref": "#/components/schemas/Thing"},
    "tags": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}}}},
    "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}}
}"##;

fn tried(text: &[u8]) {
    if let Ok(document) = Document::parse("doc.json", text, &Limits::default()) {
        let _imported = import(&[document], &Options::new(ConnectorId::new("x")));
    }
}

#[test]
fn the_document_that_is_damaged_below_is_sound() {
    let document = Document::parse("doc.json", WHOLE.as_bytes(), &Limits::default()).expect("a document");
    let imported = import(&[document], &Options::new(ConnectorId::new("x"))).expect("an import");
    assert_eq!(imported.connector.operations.len(), 2);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(500))]

    #[test]
    fn any_bytes_are_a_document_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        tried(&bytes);
    }

    #[test]
    fn a_document_with_a_damaged_part_is_imported_or_refused(
        from in proptest::prelude::any::<proptest::sample::Index>(), length in 0..60_usize, instead in r#"["{}\[\]:,#/$a-z0-9 \n]{0,8}"#,
    ) {
        let mut text = WHOLE.to_owned();
        let start = text.floor_char_boundary(from.index(text.len()));
        let end = text.floor_char_boundary((start + length).min(text.len())).max(start);
        text.replace_range(start..end, &instead);
        tried(text.as_bytes());
    }

    /// One value in the place of another: of another type, of another meaning, or the whole document within itself.
    #[test]
    fn a_document_with_a_wrong_value_is_imported_or_refused(
        nth in proptest::prelude::any::<proptest::sample::Index>(),
        instead in proptest::sample::select(vec![
            json!(null), json!(1), json!(-1.5e300), json!(""), json!("x"), json!([]), json!({}), json!([[]]), json!([{}]), json!({"": {}}),
            json!({"$ref": "#/components/schemas/Thing"}), json!({"$ref": "#"}), json!({"$ref": "other.json#/x"}), json!({"$ref": 1}),
            json!({"type": []}), json!({"type": "array"}), json!({"allOf": [{"$ref": "#/components/schemas/Thing"}]}), json!(true),
        ]),
    ) {
        let whole: serde_json::Value = serde_json::from_str(WHOLE).expect("JSON");
        let mut changed = whole.clone();
        let count = count(&whole);
        replace(&mut changed, &mut nth.index(count), &instead);
        tried(changed.to_string().as_bytes());
    }
}

fn count(value: &serde_json::Value) -> usize {
    1 + match value {
        serde_json::Value::Array(list) => list.iter().map(count).sum(),
        serde_json::Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts another value in the place of the nth, in the order of the text.
fn replace(value: &mut serde_json::Value, nth: &mut usize, instead: &serde_json::Value) -> bool {
    if *nth == 0 {
        *value = instead.clone();
        return true;
    }
    *nth -= 1;
    match value {
        serde_json::Value::Array(list) => list.iter_mut().any(|it| replace(it, nth, instead)),
        serde_json::Value::Object(map) => map.values_mut().any(|it| replace(it, nth, instead)),
        _ => false,
    }
}
