//! OpenAPI documents made to use up time, memory or files. What is counted is what was done, never how long it took.
use flowyard::catalog::import::{Document, Fault, ImportError, Imported, Limits, Options, import, import_with};
use flowyard::catalog::{ConnectorId, Kind, Schema};
use serde_json::{Value, json};

fn options(limits: Limits) -> Options {
    Options { limits, ..Options::new(ConnectorId::new("x")) }
}

fn parse(document: &Value, limits: Limits) -> Result<Document, ImportError> {
    Document::parse("doc.json", document.to_string().as_bytes(), &limits)
}

fn tried(document: &Value, limits: Limits) -> Result<Imported, ImportError> {
    import(&[parse(document, limits)?], &options(limits))
}

/// A document with one operation that takes and answers what is at `#/components/schemas/S0`.
fn with_schemas(schemas: &Value) -> Value {
    let content = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}});
    json!({"openapi": "3.0.0", "components": {"schemas": schemas}, "paths": {"/a": {"post": {
        "operationId": "a", "requestBody": content, "responses": {"200": content}}}}})
}

fn to(number: usize) -> Value {
    json!({"$ref": format!("#/components/schemas/S{number}")})
}

/// How many shapes there are in a connector, and whether each reference leads to one.
fn shapes(imported: &Imported) -> usize {
    fn walk(schema: &Schema, imported: &Imported) -> usize {
        1 + match &schema.kind {
            Kind::Array { items } => walk(items, imported),
            Kind::Object { fields, rest } => {
                fields.iter().map(|it| &it.schema).chain(rest.as_deref()).map(|it| walk(it, imported)).sum()
            }
            Kind::OneOf { of } => of.iter().map(|it| walk(it, imported)).sum(),
            Kind::Ref { name } => {
                assert!(imported.connector.schemas.get(name).is_some(), "{name} leads nowhere");
                0
            }
            _ => 0,
        }
    }
    let named: usize = imported.connector.schemas.iter().map(|(_, it)| walk(it, imported)).sum();
    let used = imported.connector.operations.values().flat_map(|it| {
        let inputs = it.inputs.iter().map(|it| &it.schema);
        inputs.chain(it.success.iter().filter_map(|it| it.schema.as_ref()))
    });
    named + used.map(|it| walk(it, imported)).sum::<usize>()
}

#[test]
fn circles_of_every_kind_end() {
    let all = |of: Value| json!({"allOf": of});
    let properties = |of: Value| json!({"type": "object", "properties": of});
    for (what, schemas) in [
        ("itself", json!({"S0": to(0)})),
        ("each other", json!({"S0": to(1), "S1": to(0)})),
        ("itself in all of itself", json!({"S0": all(json!([to(0), to(0)]))})),
        (
            "each other in all of each other",
            json!({"S0": all(json!([to(1), {"type": "object"}])), "S1": all(json!([to(0), to(1)]))}),
        ),
        ("itself in its fields", json!({"S0": properties(json!({"a": to(0), "b": {"type": "array", "items": to(0)}}))})),
        ("itself in one of itself", json!({"S0": {"oneOf": [to(0), {"anyOf": [to(0)]}]}})),
        ("itself as a list", json!({"S0": {"type": "array", "items": to(0)}})),
        ("the whole document", json!({"S0": {"$ref": "#"}})),
        ("its own list of schemas", json!({"S0": {"$ref": "#/components/schemas"}})),
    ] {
        let imported = tried(&with_schemas(&schemas), Limits::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(imported.connector.operations.len(), 1, "{what}");
        assert!(shapes(&imported) < 50, "{what}: {}", shapes(&imported));
    }
    let paths = json!({"openapi": "3.0.0", "paths": {"/a": {"$ref": "#/paths/~1b"}, "/b": {"$ref": "#/paths/~1a"}}});
    assert!(matches!(tried(&paths, Limits::default()), Err(ImportError::NoOperations { .. })));
}

#[test]
fn what_doubles_at_every_step_is_bounded_by_the_number_of_values() {
    let limits = Limits { values: 20_000, ..Limits::default() };
    let doubling = |make: &dyn Fn(usize) -> Value| -> Value {
        let schemas: serde_json::Map<String, Value> = (0..40).map(|it| (format!("S{it}"), make(it + 1))).collect();
        with_schemas(&Value::Object(schemas))
    };
    for (what, document) in [
        ("all of", doubling(&|next| json!({"allOf": [to(next), to(next)]}))),
        ("fields", doubling(&|next| json!({"type": "object", "properties": {"a": to(next), "b": to(next)}}))),
        ("one of", doubling(&|next| json!({"oneOf": [to(next), {"type": "array", "items": to(next)}]}))),
    ] {
        match tried(&document, limits) {
            Ok(imported) => assert!(shapes(&imported) <= limits.values, "{what}: {}", shapes(&imported)),
            Err(ImportError::TooLarge { what: "values in its shapes", limit, .. }) => assert_eq!(limit, limits.values),
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

#[test]
fn nesting_is_refused_with_its_place_whether_json_or_schema() {
    let mut schema = json!({"type": "string"});
    for _ in 0..60 {
        schema = json!({"type": "array", "items": schema});
    }
    let document = json!({"openapi": "3.0.0", "paths": {"/a": {"get": {"operationId": "a", "responses": {}}}},
        "components": {"schemas": {"Deep": {"type": "object", "properties": {"x": {"allOf": [{"not": {"not": {"not": schema}}}]}}}}}});
    let mut deeper = document;
    for _ in 0..30 {
        deeper["components"]["schemas"]["Deep"] = json!({"items": deeper["components"]["schemas"]["Deep"]});
    }
    let error = parse(&deeper, Limits::default()).expect_err("it is too deep");
    let ImportError::TooDeep { place, .. } = &error else { panic!("{error}") };
    assert!(place.starts_with("/components/schemas/Deep") || place.starts_with("line 1 column "), "{error}");
    assert!(error.to_string().contains("doc.json") && error.to_string().contains(place), "{error}");
    for open in ["[", "{\"a\":"] {
        let error = Document::parse("doc.json", open.repeat(100_000).as_bytes(), &Limits::default()).expect_err("it is too deep");
        assert!(matches!(&error, ImportError::TooDeep { place, .. } if place.starts_with("line 1 column ")), "{error}");
    }
}

#[test]
fn a_document_that_is_too_long_is_refused_before_it_is_read() {
    let limits = Limits { bytes: 1_000, ..Limits::default() };
    // It is no JSON at all: whoever had read it would say so.
    let error = Document::parse("doc.json", "x".repeat(1_001).as_bytes(), &limits).expect_err("it is too long");
    assert_eq!(error.to_string(), "doc.json holds more than 1000 bytes");
    let error = Document::parse("doc.json", "x".repeat(1_000).as_bytes(), &limits).expect_err("it is no JSON");
    assert!(matches!(error, ImportError::NotJson { .. }), "{error}");
}

#[test]
fn too_many_values_and_too_many_paths_are_refused_with_the_place_where_the_bound_was_met() {
    let limits = Limits { values: 1_000, ..Limits::default() };
    let list = format!("{{\n\"openapi\": \"3.0.0\",\n\"x\": [{}]}}", vec!["0"; 2_000].join(","));
    let error = Document::parse("doc.json", list.as_bytes(), &limits).expect_err("too many values");
    let ImportError::TooLarge { what: "values", place, .. } = &error else { panic!("{error}") };
    assert!(place.starts_with("line 3 column "), "{error}");

    let limits = Limits { operations: 100, ..Limits::default() };
    let operation = json!({"get": {"responses": {}}});
    let paths: serde_json::Map<String, Value> = (0..5_000).map(|it| (format!("/p/{it:04}"), operation.clone())).collect();
    let error = tried(&json!({"openapi": "3.0.0", "paths": paths}), limits).expect_err("too many paths");
    let ImportError::TooLarge { what: "operations", limit: 100, place, .. } = &error else { panic!("{error}") };
    // The hundred and first is where it ended, not the five thousandth.
    assert_eq!(place, "/paths/~1p~10100", "{error}");
}

#[test]
fn nothing_outside_is_asked_for_and_what_is_asked_for_is_asked_for_once_and_bounded() {
    let schema = |to: String| json!({"$ref": to});
    let outside = ["https://example.com/x.json#/a", "//example.com/x.json", "file:///etc/passwd", "/etc/passwd", "C:\\x.json#/a"];
    let near: Vec<String> = (0..600).map(|it| format!("other{}.json#/a", it % 300)).collect();
    let properties: serde_json::Map<String, Value> = outside
        .iter()
        .map(|it| (*it).to_owned())
        .chain(near)
        .enumerate()
        .map(|(at, it)| (format!("f{at:03}"), schema(it)))
        .collect();
    let document = with_schemas(&json!({"S0": {"type": "object", "properties": properties}}));
    let parsed = parse(&document, Limits::default()).expect("a document");
    let mut asked = Vec::new();
    let imported = import_with(&[parsed], &options(Limits::default()), &mut |path| {
        asked.push(path.to_owned());
        None
    });
    let imported = imported.expect("an import");
    assert!(asked.iter().all(|it| it.starts_with("other")), "{asked:?}");
    assert!(asked.len() < 300, "{} were asked for", asked.len());
    let count = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), count, "some were asked for twice");
    assert!(imported.faults[&Fault::LostReference] >= outside.len());
    let lost = imported.tolerated.iter().find(|it| it.fault == Fault::LostReference).expect("it is listed");
    assert!(lost.to_string().contains("doc.json") && lost.place.starts_with('/'), "{lost}");
}

#[test]
fn documents_that_others_refer_to_have_one_bound_together() {
    let limits = Limits { bytes: 10_000, ..Limits::default() };
    let properties: serde_json::Map<String, Value> =
        (0..20).map(|it| (format!("f{it:02}"), json!({"$ref": format!("other{it}.json#/a")}))).collect();
    let document =
        parse(&with_schemas(&json!({"S0": {"type": "object", "properties": properties}})), limits).expect("a document");
    let long = json!({"a": {"type": "string"}, "pad": "x".repeat(2_400)}).to_string();
    let imported = import_with(&[document], &options(limits), &mut |path| Document::parse(path, long.as_bytes(), &limits).ok());
    let imported = imported.expect("an import");
    // Four of them fit; the body and the answer refer to one shape, which is read once.
    assert_eq!(imported.faults[&Fault::LostReference], 16);
}
