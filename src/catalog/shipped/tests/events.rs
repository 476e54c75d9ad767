//! Makes what HighLevel tells anew from the vendor's pages, or says whether the asset is what they say:
//!
//! ```text
//! FLOWYARD_HIGHLEVEL_PAGES=<directory with webhook-events/ and oauth/> FLOWYARD_WRITE_ASSETS=1 \
//!     cargo test --lib what_highlevel_tells_is_what_its_pages_say
//! ```
//!
//! An event whose page names a field that it lacks gets the shape of the page; the others keep theirs, which are mended by the
//! pages' examples where those say more. Of the page of scopes the scopes are taken over. Words, and what a record is known by,
//! are written by hand and stay, as polls are.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::WRITE;
use crate::catalog::import::{Document, Options, import};
use crate::catalog::{ConnectorId, Event, EventSource, Kind, Schema};

/// Names the directory of the vendor's pages.
const PAGES: &str = "FLOWYARD_HIGHLEVEL_PAGES";
const ASSET: &str = "assets/catalog/highlevel.events.json";

/// The shape that a page documents: as a schema, or as an object with the types in the place of values.
fn shape(page: &str) -> Schema {
    let fence = if page.contains("```json json_schema") { "```json json_schema" } else { "```json" };
    let block = page.split(fence).nth(1).and_then(|it| it.split("```").next()).expect("the page has a shape");
    // Some of the pages have a comma too many.
    let commas = regex::Regex::new(r",(\s*[}\]])").expect("an expression");
    let shape: Value = serde_json::from_str(&commas.replace_all(block, "$1")).expect("the shape is JSON");
    let schema = if shape.get("properties").is_some() { shape } else { spelled_out(&shape) };
    let answer = json!({"200": {"content": {"application/json": {"schema": schema}}}});
    let document = json!({"openapi": "3.0.0", "paths": {"/told": {"get": {"operationId": "told", "responses": answer}}}});
    let document = Document::from_value("told.json", document).expect("a document");
    let imported = import(&[document], &Options::new(ConnectorId::new("x"))).expect("an import").connector;
    let told = imported.operations.values().next().expect("one").success[0].schema.clone();
    imported.resolve(&told.expect("it has a shape")).clone()
}

fn spelled_out(shape: &Value) -> Value {
    match shape {
        Value::Object(fields) => {
            let fields: serde_json::Map<String, Value> = fields.iter().map(|(key, it)| (key.clone(), spelled_out(it))).collect();
            json!({"type": "object", "properties": fields})
        }
        Value::Array(items) => json!({"type": "array", "items": items.first().map_or_else(|| json!({}), spelled_out)}),
        kind => json!({"type": kind}),
    }
}

/// The names of the fields, those within objects too.
fn names_in(schema: &Schema, before: &str, found: &mut BTreeSet<String>) {
    match &schema.kind {
        Kind::Object { fields, .. } => {
            for field in fields {
                let name = format!("{before}{}", field.name);
                names_in(&field.schema, &format!("{name}."), found);
                found.insert(name);
            }
        }
        Kind::Array { items } => names_in(items, before, found),
        _ => {}
    }
}

/// The scopes of each event, from the table that lists them.
fn scopes(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut scope = String::new();
    for line in page.lines().filter(|it| it.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [first, _, events, ..] = cells.as_slice() else { continue };
        // A row without a scope of its own goes on with the one above.
        if !matches!(*first, "" | "&nbsp;") {
            (*first).clone_into(&mut scope);
        }
        for event in events.split(|it: char| !it.is_ascii_alphanumeric()).filter(|it| !it.is_empty()) {
            found.entry(event.to_owned()).or_default().insert(scope.clone());
        }
    }
    found
}

#[test]
fn what_highlevel_tells_is_what_its_pages_say() {
    let Some(directory) = std::env::var_os(PAGES) else { return };
    let directory = Path::new(&directory);
    let read = |path: &str| std::fs::read_to_string(directory.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let scopes = scopes(&read("oauth/Scopes.md"));
    let asset = Path::new(env!("CARGO_MANIFEST_DIR")).join(ASSET);
    let kept: Vec<Event> = serde_json::from_str(&std::fs::read_to_string(&asset).expect("the asset")).expect("events");
    let mut names = BTreeSet::new();
    let mut lines = Vec::new();
    for mut event in kept.clone() {
        if let EventSource::Webhook { name } = &event.source {
            let (page, mut documented, mut held) =
                (shape(&read(&format!("webhook-events/{name}.md"))), BTreeSet::new(), BTreeSet::new());
            names_in(&page, "", &mut documented);
            names_in(event.payload.as_ref().expect("it brings something along"), "", &mut held);
            if !documented.is_subset(&held) {
                event.payload = Some(page);
            }
            if let Some(documented) = scopes.get(name) {
                event.scopes = documented.iter().cloned().collect();
            }
            names.insert(format!("{name}.md"));
        }
        lines.push(event);
    }
    let pages = std::fs::read_dir(directory.join("webhook-events")).expect("the pages");
    let pages: BTreeSet<String> = pages.map(|it| it.expect("a page").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(names, pages, "every page is of one event");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(asset, written(&lines)).expect("the asset can be written");
        return;
    }
    for (made, kept) in lines.iter().zip(&kept) {
        assert!(made == kept, "{}: the page says other things; make the asset anew", kept.id);
    }
}

#[test]
fn the_events_of_the_assets_are_written_one_a_line_as_they_are_read() {
    for name in ["highlevel.events.json", "schedule_it.events.json"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/catalog").join(name);
        let text = std::fs::read_to_string(&path).expect("the asset");
        let written = written(&serde_json::from_str::<Vec<Event>>(&text).expect("events"));
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(path, written).expect("the asset can be written");
        } else {
            assert!(written == text, "{name} is not as it would be written");
        }
    }
}

fn written(events: &[Event]) -> String {
    let lines: Vec<String> = events.iter().map(|it| serde_json::to_string(it).expect("JSON")).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
