mod events;
mod finished;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::catalog::import::{Document, Imported, Limits, Options, import};
use crate::catalog::{ConnectorId, Kind, OperationId, Place, Repeat, Schema};

/// Names a directory with the vendor's documents; with it the asset is made anew and compared.
const DOCUMENTS: &str = "FLOWYARD_HIGHLEVEL_DOCUMENTS";
/// Set to anything beside it, the asset is written.
const WRITE: &str = "FLOWYARD_WRITE_ASSETS";

fn options() -> Options {
    let mut options = Options::new(ConnectorId::new("highlevel"));
    options.title = "HighLevel".to_owned();
    options.group_by_document = true;
    // The documents describe both by the same words.
    options.same_access.insert("bearer".to_owned(), "Location-Access".to_owned());
    options
}

/// The documents in a directory, without those in directories below.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> =
        entries.filter_map(|it| it.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned)).collect();
    names.sort();
    names
}

fn read(directory: &Path, names: &[String]) -> Imported {
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
        let text = read(Path::new(&directory), &names(Path::new(&directory))).connector.to_text().expect("JSON");
        if std::env::var_os(WRITE).is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/catalog/highlevel.json");
            std::fs::write(path, &text).expect("the asset can be written");
        } else {
            assert!(text == HIGHLEVEL, "the documents say other things; make the asset anew");
        }
        let read: Connector = serde_json::from_str(&text).expect("it can be read");
        assert_eq!(read.to_text().expect("JSON"), text);
        return;
    }
    let read: Connector = serde_json::from_str(HIGHLEVEL).expect("it can be read");
    assert!(read.to_text().expect("JSON") == HIGHLEVEL, "writing it gives other text");
}

#[test]
fn reading_and_writing_the_schedule_it_asset_changes_no_byte() {
    let read: Connector = serde_json::from_str(SCHEDULE_IT).expect("it can be read");
    let text = read.to_text().expect("JSON");
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
    assert_eq!(count("highlevel."), 576);
    assert_eq!(count("schedule_it."), 17);
    assert_eq!(count("mail."), 2);
    assert_eq!(count("files."), 6);
    assert_eq!(count("desktop."), 2);
    assert_eq!(count(""), 603);
}

#[test]
fn every_operation_is_under_one_of_41_headings_and_told_apart_from_the_others_there() {
    let catalog = Catalog::shipped();
    let highlevel = catalog.connector(&ConnectorId::new("highlevel")).expect("it ships");
    let groups: BTreeSet<&str> = highlevel.operations.briefs().map(|it| it.group.as_str()).collect();
    assert_eq!(groups.len(), 41, "{groups:?}");
    for connector in catalog.connectors() {
        let mut met = BTreeMap::new();
        for it in connector.operations.briefs() {
            let other = met.insert((&it.group, it.title.to_lowercase()), &it.id);
            assert_eq!(other, None, "{} has the same title as {other:?}: {}", it.id, it.title);
            assert!(!it.title.contains(['_', '|']) && it.title.len() < 72, "{}: {}", it.id, it.title);
            assert!(it.title.chars().next().is_some_and(|it| !it.is_lowercase()), "{}: {}", it.id, it.title);
        }
    }
}

#[test]
fn reading_one_by_one_gives_what_reading_all_at_once_gives() {
    let overlay: Overlay = serde_json::from_str(HIGHLEVEL_OVERLAY).expect("it can be read");
    let whole: Connector = serde_json::from_str(HIGHLEVEL).expect("it can be read");
    let whole = overlay.apply(whole).expect("every name of the overlay is there");
    let lazy = highlevel().expect("it can be read");
    assert_eq!(lazy.operations.read_so_far(), 0);
    assert!(lazy == whole, "they differ");
    assert_eq!((lazy.operations.read_so_far(), lazy.schemas.iter().count()), (576, lazy.schemas.len()));
    for it in lazy.operations.values() {
        assert_eq!(lazy.operations.brief(&it.id), Some(&it.brief()));
    }
    let schedule_it: Connector = serde_json::from_str(SCHEDULE_IT).expect("it can be read");
    assert!(connector(SCHEDULE_IT, Overlay::default()) == Ok(schedule_it), "they differ");
}

#[test]
fn starting_reads_no_operation_and_asking_for_one_reads_that_one() {
    let catalog = Catalog::read_shipped();
    let connector = catalog.connector(&ConnectorId::new("highlevel")).expect("it ships");
    assert!(!catalog.search("create invoice").is_empty());
    assert_eq!(connector.operations.read_so_far(), 0);
    assert!(catalog.operation(&OperationId::new("highlevel.contacts.create-contact")).is_some());
    assert_eq!(connector.operations.read_so_far(), 1);
}

#[test]
fn every_scope_has_the_vendors_form() {
    for connector in Catalog::shipped().connectors() {
        for operation in connector.operations.values() {
            for scope in &operation.scopes {
                // `contacts.write`, `calendars/events.readonly`, `locations.internal-access-only`.
                let (what, how) = scope.rsplit_once('.').expect("it has a dot");
                let plain = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphabetic() || it == b'-');
                assert!(what.split('/').count() <= 2 && what.split('/').all(plain) && plain(how), "{}: {scope}", operation.id);
            }
        }
    }
}

#[test]
fn every_document_of_the_vendor_can_be_imported_where_they_are_at_hand() {
    let Some(directory) = std::env::var_os(DOCUMENTS) else { return };
    let names = names(Path::new(&directory));
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
        for (_, it) in connector.schemas.iter() {
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
            assert!(!operation.title.is_empty() && !operation.group.is_empty(), "{id}");
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
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for connector in Catalog::shipped().connectors().filter(|it| it.id.as_str() == "highlevel") {
        for operation in connector.operations.values() {
            let Some(version) = operation.input("Version") else { continue };
            let fixed = version.fixed.as_ref().and_then(|it| it.as_str()).expect("it is always sent");
            assert_eq!(version.place, Place::Header);
            *met.entry(fixed.to_owned()).or_default() += 1;
        }
    }
    let expected = [("2021-04-15", 139), ("2021-07-28", 408)].map(|(version, count)| (version.to_owned(), count));
    assert_eq!(met, BTreeMap::from(expected));
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
    assert_eq!(seen, 18);
}

#[test]
fn only_what_looks_for_something_is_a_read_that_is_not_a_get() {
    let catalog = Catalog::shipped();
    let mut posts: Vec<String> = catalog
        .connectors()
        .flat_map(|it| it.operations.values())
        .filter(|it| it.is_read() && !it.method.is_read())
        .map(|it| it.id.to_string())
        .collect();
    posts.sort();
    assert_eq!(
        posts,
        [
            "highlevel.contacts.search-contacts-advanced",
            "highlevel.locations.task-search",
            "highlevel.objects.search-object-records",
            "highlevel.opportunities.search-opportunities-advanced",
        ]
    );
    for event in crate::catalog::Event::shipped() {
        let Some(poll) = event.poll() else { continue };
        assert!(catalog.operation(&poll.operation).unwrap().1.is_read(), "{}", event.id);
    }
}
