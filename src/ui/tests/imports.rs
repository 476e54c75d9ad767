//! A service of one's own is imported on the page of the catalogue, named, kept, used and removed.
use std::path::PathBuf;
use std::sync::Arc;

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use serde_json::json;

use super::desk::Desk;
use crate::catalog::ConnectorId;
use crate::catalog::disk::Shelf;
use crate::flow::{Edit, Flow, Mapping, Node, NodeKind, RetryPolicy};
use crate::ui::imports::Stand;

fn document(desk: &Desk) -> PathBuf {
    let document = json!({"openapi": "3.0.3", "info": {"title": "Pet Shop", "version": "1"},
        "servers": [{"url": "https://pets.example/api"}],
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Pet-Key"}}},
        "paths": {"/pets/{id}": {"get": {"operationId": "get-pet", "responses": {"200": {"description": ""}}}}}});
    written(desk, "pets.json", &document.to_string())
}

fn written(desk: &Desk, name: &str, text: &str) -> PathBuf {
    let path = desk.home.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn import(desk: &mut Desk, path: &std::path::Path) {
    if !desk.has("Import…") {
        desk.press("Catalog");
    }
    desk.answers.push(path);
    desk.press("Import…");
    desk.until("it is read", |app| matches!(app.imports.stand, Stand::Found(_) | Stand::Refused(_)));
}

/// Presses a line of the filter, which may be out of sight behind the many of others.
fn choose(desk: &mut Desk, line: &str) {
    desk.window.get_by_label(line).click_accesskit();
    desk.run();
}

fn kept(desk: &Desk) -> Vec<String> {
    Shelf::of(desk.home.path()).names().iter().map(ToString::to_string).collect()
}

fn fill(desk: &mut Desk, field: &str, text: &str) {
    desk.window.get_by_label(field).focus();
    desk.run();
    desk.key(Modifiers::COMMAND, Key::A);
    desk.type_text(text);
}

#[test]
fn documents_are_read_looked_at_named_and_kept_and_there_at_the_next_start() {
    let mut desk = Desk::first();
    let path = document(&desk);
    import(&mut desk, &path);
    assert!(desk.has("Import Pet Shop") && desk.has("1 operation in 1 group."));
    assert!(desk.has("live: https://pets.example/api") && desk.has("A key in X-Pet-Key"));
    assert!(desk.has_containing("A path parameter is not declared") && desk.has_containing("tolerated"));
    fill(&mut desk, "Name of the service", "Pets!");
    desk.press("Add to the catalog");
    desk.until("the name is refused", |app| matches!(&app.imports.stand, Stand::Found(it) if !it.wrong.is_empty()));
    assert!(desk.has_containing("cannot be a connector's id") && kept(&desk).is_empty());
    fill(&mut desk, "Name of the service", "highlevel");
    desk.press("Add to the catalog");
    desk.until("the name is taken", |app| matches!(&app.imports.stand, Stand::Found(it) if it.wrong.contains("comes with")));
    fill(&mut desk, "Name of the service", "pets");
    desk.press("Add to the catalog");
    desk.until("it is kept", |app| app.catalog.connector(&ConnectorId::new("pets")).is_some());
    assert_eq!(kept(&desk), ["pets"]);
    choose(&mut desk, "Pet Shop  1");
    assert!(desk.has("Get pet, Pet Shop"));
    let again = Desk::at(Arc::clone(&desk.home), &[]);
    assert!(again.window.state().catalog.connector(&ConnectorId::new("pets")).is_some());
}

#[test]
fn what_is_no_document_is_refused_in_words_and_others_can_be_chosen() {
    let mut desk = Desk::first();
    for (name, text, words) in [
        ("a.yaml", "openapi: 3.0.0", "has to be converted to JSON"),
        ("b.json", r#"{"swagger": "2.0"}"#, "but Swagger 2.0"),
        ("c.json", r#"{"openapi": "3.0.0", "paths": {}}"#, "no operation that can be called"),
    ] {
        let path = written(&desk, name, text);
        import(&mut desk, &path);
        assert!(desk.has_containing(words), "{words}");
        assert!(desk.has("Choose others…"));
        desk.press("Close");
    }
    let path = desk.home.path().join("gone.json");
    import(&mut desk, &path);
    assert!(desk.has_containing("there is no such file"));
    assert!(kept(&desk).is_empty());
}

#[test]
fn an_import_that_is_cancelled_changes_nothing() {
    let mut desk = Desk::first();
    let path = document(&desk);
    import(&mut desk, &path);
    desk.press_button("Cancel");
    assert!(desk.has("Import…") && kept(&desk).is_empty());
    // What comes of one that was cancelled while it was read is passed over.
    let imports = &mut desk.window.state_mut().imports;
    imports.read(vec![path]);
    imports.cancel();
    let before = imports.ticket;
    desk.run();
    desk.until("nothing comes of it", |app| matches!(app.imports.stand, Stand::Idle) && app.imports.ticket == before);
    assert!(kept(&desk).is_empty());
}

#[test]
fn without_dialogs_the_path_is_typed() {
    let mut desk = Desk::first();
    desk.answers.are_missing();
    let path = document(&desk);
    desk.press("Catalog");
    desk.press("Import…");
    let none = desk.home.path().join("none").display().to_string();
    fill(&mut desk, "Path of the file", &none);
    desk.press("Read it");
    assert!(desk.has("There is no file of this name."));
    fill(&mut desk, "Path of the file", &path.display().to_string());
    desk.press("Read it");
    desk.until("it is read", |app| matches!(app.imports.stand, Stand::Found(_)));
}

#[test]
fn who_uses_a_service_is_told_before_it_is_removed_and_flows_see_it_go() {
    let mut desk = Desk::first();
    let path = document(&desk);
    import(&mut desk, &path);
    desk.press("Add to the catalog");
    desk.until("it is kept", |app| app.catalog.connector(&ConnectorId::new("pet_shop")).is_some());
    let mut flow = Flow::new("mine", "Mine");
    flow.apply(Edit::AddSlot { id: "shop".into(), connector: ConnectorId::new("pet_shop") }).unwrap();
    let operation = crate::catalog::OperationId::new("pet_shop.pets.get-pet");
    let kind = NodeKind::Action { operation, slot: "shop".into(), input: Mapping::default(), retry: RetryPolicy::default() };
    let node = Arc::new(Node { name: "Get".to_owned(), muted: false, kind });
    flow.apply(Edit::AddNode { id: "get".into(), node, at: None }).unwrap();
    let file = desk.home.path().join("mine.flowyard");
    crate::flow::disk::save(&flow, &file).unwrap();
    desk.window.state().send(crate::ui::msg::Msg::OpenPath(file));
    desk.until("it is open", |app| app.docs.list.iter().any(|it| it.flow().name == "Mine"));
    let unknown = |desk: &Desk| {
        let doc = desk.window.state().docs.list.iter().find(|it| it.flow().name == "Mine").unwrap();
        doc.problems.iter().filter(|it| it.code.starts_with("unknown_")).count()
    };
    assert_eq!(unknown(&desk), 0);
    written(&desk, "connections.json", r#"[{"id": "shop-1", "connector": "pet_shop"}]"#);
    desk.press("Catalog");
    choose(&mut desk, "Pet Shop  1");
    desk.press("Remove Pet Shop…");
    desk.until("who uses it is known", |app| app.dialog.is_some());
    assert!(desk.has_containing("the flow “Mine”, the connection “shop-1”"));
    desk.press("Keep it");
    assert_eq!(kept(&desk), ["pet_shop"]);
    desk.press("Remove Pet Shop…");
    desk.until("who uses it is known", |app| app.dialog.is_some());
    desk.press("Remove it");
    desk.until("it is gone", |app| app.catalog.connector(&ConnectorId::new("pet_shop")).is_none());
    desk.run();
    assert!(kept(&desk).is_empty());
    assert!(unknown(&desk) > 0, "{:?}", desk.window.state().docs.list.last().unwrap().problems);
}
