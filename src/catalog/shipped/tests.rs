use std::path::Path;

use serde_json::json;

use super::*;
use crate::catalog::import::{Document, Imported, Limits, Options, import};
use crate::catalog::{ConnectorId, Kind, Place, Repeat, Schema};

/// Names a directory with the vendor's documents; with it the asset is made anew and compared.
const DOCUMENTS: &str = "FLOWYARD_HIGHLEVEL_DOCUMENTS";
/// Set to anything beside it, the asset is written.
const WRITE: &str = "FLOWYARD_WRITE_ASSETS";

fn options() -> Options {
    let mut options = Options::new(ConnectorId::new("highlevel"));
    options.title = "HighLevel".to_owned();
    // The documents describe both by the same words.
    options.same_access.insert("bearer".to_owned(), "Location-Access".to_owned());
    options
}

fn read(directory: &Path, names: &[&str]) -> Imported {
    let documents: Vec<Document> = names
        .iter()
        .map(|name| {
            let path = directory.join(format!("{name}.json"));
            let text = std::fs::read(path).expect("the document is there");
            Document::parse(&format!("apps/{name}.json"), &text, &Limits::default()).expect("it can be read")
        })
        .collect();
    import(&documents, &options()).expect("it can be imported")
}

#[test]
fn the_highlevel_asset_is_what_the_importer_makes_and_reading_and_writing_it_changes_no_byte() {
    if let Some(directory) = std::env::var_os(DOCUMENTS) {
        let text = read(Path::new(&directory), &["contacts", "calendars"]).connector.to_text().expect("JSON");
        if std::env::var_os(WRITE).is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/catalog/highlevel.json");
            std::fs::write(path, &text).expect("the asset can be written");
        } else {
            assert_eq!(text, HIGHLEVEL);
        }
        let read: Connector = serde_json::from_str(&text).expect("it can be read");
        assert_eq!(read.to_text().expect("JSON"), text);
        return;
    }
    assert_eq!(connector(HIGHLEVEL).expect("it can be read").to_text().expect("JSON"), HIGHLEVEL);
}

#[test]
fn reading_and_writing_the_schedule_it_asset_changes_no_byte() {
    let text = connector(SCHEDULE_IT).expect("it can be read").to_text().expect("JSON");
    if std::env::var_os(WRITE).is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/catalog/schedule_it.json");
        std::fs::write(path, &text).expect("the asset can be written");
    } else {
        assert_eq!(text, SCHEDULE_IT);
    }
}

#[test]
fn the_shipped_connectors_have_every_operation_of_their_documents() {
    let catalog = Catalog::shipped();
    let count = |prefix: &str| {
        let connectors = catalog.connectors();
        connectors.flat_map(|it| it.operations.keys()).filter(|it| it.as_str().starts_with(prefix)).count()
    };
    assert_eq!(count("highlevel.contacts."), 32);
    assert_eq!(count("highlevel.calendars."), 41);
    assert_eq!(count("schedule_it."), 17);
    assert_eq!(count(""), 90);
}

#[test]
fn every_asset_can_be_read_and_the_overlay_fits() {
    assert_eq!(highlevel().map(|it| it.operations.len()), Ok(73));
    assert_eq!(connector(SCHEDULE_IT).map(|it| it.operations.len()), Ok(17));
}

#[test]
fn every_document_of_the_vendor_can_be_imported_where_they_are_at_hand() {
    let Some(directory) = std::env::var_os(DOCUMENTS) else { return };
    let mut names: Vec<String> = std::fs::read_dir(&directory)
        .expect("a directory")
        .filter_map(|it| it.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let imported = read(Path::new(&directory), &names);
    let text = imported.connector.to_text().expect("JSON");
    let counts: Vec<String> = imported.faults.iter().map(|(fault, count)| format!("{fault:?}: {count}")).collect();
    let summary = format!(
        "{} documents, {} operations, {} shapes, {} bytes; {}",
        names.len(),
        imported.connector.operations.len(),
        imported.connector.schemas.len(),
        text.len(),
        counts.join(", ")
    );
    if let Some(report) = std::env::var_os("FLOWYARD_IMPORT_REPORT") {
        let listed: Vec<String> = imported.tolerated.iter().map(ToString::to_string).collect();
        std::fs::write(report, format!("{summary}\n{}\n{text}", listed.join("\n"))).expect("the report can be written");
    }
    if names.len() == 41 {
        assert_eq!(imported.connector.operations.len(), 576, "{summary}");
    }
}

/// Every reference within a shape.
fn references(schema: &Schema, found: &mut Vec<String>) {
    match &schema.kind {
        Kind::Ref { name } => found.push(name.clone()),
        Kind::Array { items } => references(items, found),
        Kind::Object { fields, rest } => {
            for it in fields {
                references(&it.schema, found);
            }
            if let Some(it) = rest {
                references(it, found);
            }
        }
        Kind::OneOf { of } => {
            for it in of {
                references(it, found);
            }
        }
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_a_shape_and_every_shape_is_used() {
    for connector in Catalog::shipped().connectors() {
        let mut found = Vec::new();
        for operation in connector.operations.values() {
            let inputs = operation.inputs.iter().map(|it| &it.schema);
            for it in inputs.chain(operation.success.iter().filter_map(|it| it.schema.as_ref())) {
                references(it, &mut found);
            }
        }
        for it in connector.schemas.values() {
            references(it, &mut found);
        }
        found.sort();
        found.dedup();
        let named: Vec<String> = connector.schemas.keys().cloned().collect();
        assert_eq!(found, named);
    }
}

#[test]
fn every_path_is_filled_and_every_key_is_given_once() {
    for connector in Catalog::shipped().connectors() {
        for operation in connector.operations.values() {
            let id = &operation.id;
            let mut keys: Vec<&str> = operation.inputs.iter().map(|it| it.key.as_str()).collect();
            let count = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), count, "{id}");
            let mut path = operation.path.clone();
            for input in operation.inputs.iter().filter(|it| it.place == Place::Path) {
                assert!(input.required, "{id} {}", input.key);
                let filled = path.replace(&format!("{{{}}}", input.name), "x");
                assert_ne!(filled, path, "{id} {}", input.key);
                path = filled;
            }
            assert!(path.starts_with('/') && !path.contains('{'), "{id}: {path}");
            let sends = operation.inputs.iter().any(|it| it.place == Place::Body);
            assert!(operation.body.is_some() || !sends, "{id}");
            assert!(!operation.success.is_empty(), "{id}");
            assert!(!operation.title.is_empty() && !operation.sentence.is_empty() && !operation.group.is_empty(), "{id}");
        }
    }
}

#[test]
fn every_input_that_a_card_an_account_or_a_page_names_is_there() {
    for connector in Catalog::shipped().connectors() {
        for operation in connector.operations.values() {
            let id = &operation.id;
            for part in operation.sentence.split("{{").skip(1) {
                let key = part.split("}}").next().unwrap_or_default();
                assert!(operation.input(key).is_some(), "{id}: {key} of the sentence");
            }
            for key in operation.paging.iter().flat_map(|it| it.next.keys()) {
                assert!(operation.input(key).is_some(), "{id}: {key} of the paging");
            }
            for input in &operation.inputs {
                if let Some(field) = &input.account {
                    assert!(connector.account.contains_key(field), "{id}: {field}");
                }
                let Some(choices) = &input.choices else { continue };
                let listed = connector.operations.get(&choices.operation).expect("the operation is there");
                assert!(listed.method.is_read(), "{id}");
                let sample = listed.success[0].schema.as_ref().expect("its answer has a shape").sample(connector);
                let list = choices.list.split('.').filter(|it| !it.is_empty()).fold(&sample, |at, part| &at[part]);
                assert!(list[0][&choices.value].is_string() && list[0][&choices.label].is_string(), "{id}: {list}");
            }
        }
    }
}

#[test]
fn the_version_belongs_to_the_operation() {
    for connector in Catalog::shipped().connectors().filter(|it| it.id.as_str() == "highlevel") {
        for operation in connector.operations.values() {
            let version = operation.input("Version").expect("every operation of these documents has one");
            let contacts = operation.id.as_str().starts_with("highlevel.contacts.");
            assert_eq!(version.fixed, Some(json!(if contacts { "2021-07-28" } else { "2021-04-15" })), "{}", operation.id);
            assert_eq!(version.place, Place::Header);
        }
    }
}

#[test]
fn every_look_up_calls_a_read_that_is_there_with_all_that_it_needs() {
    let mut seen = 0;
    for connector in Catalog::shipped().connectors() {
        for operation in connector.operations.values() {
            let Repeat::SafeWithLookup(lookup) = &operation.repeat else { continue };
            seen += 1;
            let id = &operation.id;
            let called = connector.operations.get(&lookup.operation).expect("the operation is there");
            assert!(called.method.is_read() && called.repeat == Repeat::Safe, "{id}");
            for key in lookup.input.keys() {
                assert!(called.input(key).is_some(), "{id}: {key}");
            }
            for it in called.inputs.iter().filter(|it| it.required && it.fixed.is_none()) {
                assert!(lookup.input.contains_key(&it.key), "{id}: {} is required", it.key);
            }
        }
    }
    assert_eq!(seen, 12);
}
