//! Files of a folder, as flows write and read them.
use std::fs;
use std::path::Path;

use super::*;
use crate::catalog::Catalog;
use crate::record::FailureKind;

fn fields(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

async fn call(folder: &Path, operation: &str, input: Value) -> Called {
    let catalog = Catalog::shipped();
    let (connector, operation) =
        catalog.operation(&crate::catalog::OperationId::new(&format!("files.{operation}"))).expect("it ships");
    let address = crate::connector::files::address_of(folder).expect("a whole path");
    let connection = Connection::new("files", "Reports", ConnectorId::new("files"), &address, AuthKind::None);
    let caller = Caller::new(Settings::default(), Vault::in_memory()).unwrap();
    caller.call(&connection, connector, operation, &fields(input)).await
}

async fn given(folder: &Path, operation: &str, input: Value) -> Value {
    let called = call(folder, operation, input).await;
    called.result.unwrap_or_else(|error| panic!("{operation}: {error}")).value
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[tokio::test]
async fn a_file_is_replaced_whole_and_lines_and_rows_are_added() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for words in ["one", "two"] {
        let saved = given(at, "files.save-file", json!({ "file": "notes/a.txt", "text": words })).await;
        assert_eq!(saved, json!({ "file": "notes/a.txt", "bytes": 3 }));
    }
    assert_eq!(text(at, "notes/a.txt"), "two");
    given(at, "files.add-line", json!({ "file": "b.txt", "text": "Ann" })).await;
    let added = given(at, "files.add-line", json!({ "file": "b.txt", "text": "Bö" })).await;
    assert_eq!((text(at, "b.txt").as_str(), &added["bytes"]), ("Ann\nBö\n", &json!(8)));
    let row = json!({ "file": "c.csv", "row": { "name": "Ann \"A\"", "n": 3 }, "columns": "name, n", "separator": ";" });
    given(at, "files.add-row", row).await;
    given(at, "files.add-row", json!({ "file": "c.csv", "row": { "n": null, "name": "two\nlines; one" } })).await;
    assert_eq!(text(at, "c.csv"), "name;n\r\n\"Ann \"\"A\"\"\";3\r\n\"two\nlines; one\";\r\n");
    let read = given(at, "files.read-file", json!({ "file": "notes/a.txt" })).await;
    assert_eq!((&read["exists"], &read["text"]), (&json!(true), &json!("two")));
    assert_eq!(given(at, "files.read-file", json!({ "file": "none" })).await, json!({ "file": "none", "exists": false }));
    let listed = given(at, "folder.list-files", json!({ "below": "." })).await;
    let names: Vec<&str> = listed["files"].as_array().unwrap().iter().filter_map(|it| it["file"].as_str()).collect();
    assert_eq!(names, ["b.txt", "c.csv"]);
}

#[tokio::test]
async fn what_was_added_before_an_answer_was_lost_is_found_and_what_others_added_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let before = "2026-01-01T00:00:00Z";
    let found = |input: Value| given(at, "files.find-last", input);
    assert_eq!(found(json!({ "file": "a.txt", "text": "Ann", "since": before })).await["found"], false);
    let added = given(at, "files.add-line", json!({ "file": "a.txt", "text": "Ann" })).await;
    let again = found(json!({ "file": "a.txt", "text": "Ann", "since": before })).await;
    assert_eq!((&again["found"], &again["written"]), (&json!(true), &added));
    assert_eq!(found(json!({ "file": "a.txt", "text": "nn", "since": before })).await["found"], false);
    assert_eq!(found(json!({ "file": "a.txt", "text": "Bo", "since": before })).await["found"], false);
    assert_eq!(found(json!({ "file": "a.txt", "text": "Ann", "since": "2999-01-01T00:00:00Z" })).await["found"], false);
    given(at, "files.add-row", json!({ "file": "a.csv", "row": { "a": 1, "b": "x" } })).await;
    assert_eq!(found(json!({ "file": "a.csv", "row": "{\"b\": \"x\", \"a\": 1}", "since": before })).await["found"], true);
    assert_eq!(found(json!({ "file": "a.csv", "row": "{\"b\": \"x\", \"a\": 2}", "since": before })).await["found"], false);
    // Half a line, as a power cut leaves it.
    fs::write(at.join("half.txt"), "one\ntw").unwrap();
    given(at, "files.add-line", json!({ "file": "half.txt", "text": "two" })).await;
    assert_eq!(text(at, "half.txt"), "one\ntw\ntwo\n");
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_touched_and_what_cannot_be_done_is_said() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("in it");
    fs::create_dir(&folder).unwrap();
    for name in ["../out.txt", "a/../../out.txt", "/tmp/out.txt", "", "C:\\out.txt"] {
        let called = call(&folder, "files.save-file", json!({ "file": name, "text": "x" })).await;
        let Err(CallError::NotSent(failure)) = called.result else { panic!("{name}: {:?}", called.result) };
        assert_eq!((failure.kind, failure.at.as_str()), (FailureKind::Mapping, "input.file"), "{name}");
    }
    assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    let unknown = call(&folder, "files.add-row", json!({ "file": "a.csv", "row": { "a": 1 } })).await;
    assert!(unknown.result.is_ok());
    let unknown = call(&folder, "files.add-row", json!({ "file": "a.csv", "row": { "z": 1 } })).await;
    assert!(matches!(unknown.result, Err(CallError::NotSent(it)) if it.title.contains("no column \"z\"; it has a")));
    fs::write(folder.join("old.csv"), b"name\r\nM\xfcller\r\n").unwrap();
    let old = call(&folder, "files.read-file", json!({ "file": "old.csv" })).await;
    assert!(matches!(old.result, Err(CallError::NotSent(it)) if it.title.contains("Latin-1")));
    // A disk that is not connected is waited for, and its folder not made elsewhere.
    let away = call(&outer.path().join("away"), "files.save-file", json!({ "file": "a.txt", "text": "x" })).await;
    assert!(matches!(away.result, Err(CallError::Retry { failure, .. }) if failure.title.contains("the folder is not there")));
    assert!(!outer.path().join("away").exists());
}
