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
