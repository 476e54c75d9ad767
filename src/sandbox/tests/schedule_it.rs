//! Schedule it's own habits: sign-in, forms, filters, workspaces, links.
use serde_json::{Value, json};

use super::{Client, id};

#[tokio::test]
async fn only_basic_sign_in_and_forms_are_accepted() {
    let client = Client::start().await;
    let access = client.sandbox.access().schedule_it.clone();
    let url = format!("{}/events", access.base_url);
    let bare = client.send(client.http.get(&url)).await;
    assert_eq!((bare.status, &bare.body["status_code"]), (401, &json!("401")));
    assert!(bare.headers["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    let wrong = client.send(client.http.get(&url).basic_auth(&access.user, Some("guess"))).await;
    assert_eq!(wrong.status, 401);
    let body = json!({"title": "x"});
    let sent = client.send(client.http.post(&url).basic_auth(&access.user, Some(&access.password)).json(&body)).await;
    assert_eq!((sent.status, &sent.body["message"]), (400, &json!("The body must be application/x-www-form-urlencoded.")));
    assert!(client.sandbox.ledger().iter().all(|it| it.status != 200));
}

#[tokio::test]
async fn the_root_lists_the_collections() {
    let client = Client::start().await;
    for path in ["", "/"] {
        let root = client.ok_form("GET", path, &[]).await;
        assert_eq!(root[0], json!({"name": "events", "href": "/events"}));
        assert_eq!(root.as_array().unwrap().len(), 4);
    }
    assert_eq!(client.form("GET", "/nothing", &[]).await.status, 404);
}

#[tokio::test]
async fn every_value_is_a_string() {
    let client = Client::start().await;
    for path in ["/events", "/resources", "/groups", "/labels"] {
        for record in client.ok_form("GET", path, &[]).await.as_array().unwrap() {
            let full = client.ok_form("GET", &format!("{path}/{}", id(record)), &[]).await;
            assert!(full.as_object().unwrap().values().all(Value::is_string), "{full}");
        }
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let client = Client::start().await;
    let maya = id(&client.sandbox.records("resources")[0]).to_owned();
    let event = id(&client.sandbox.records("events")[0]).to_owned();
    let (start, end) = (("date_start", "2026-03-05 10:00:00"), ("date_end", "2026-03-05 11:00:00"));
    let owner = ("owner", &*maya);
    let table = [
        ("POST", "/events".to_owned(), vec![("notes", "x")], "title, owner, date_start, date_end are required."),
        ("POST", "/events".to_owned(), vec![("title", ""), owner, start, end], "title is required."),
        ("POST", "/events".to_owned(), vec![("title", "x"), ("owner", "9"), start, end], "The owner 9 is no resource."),
        (
            "POST",
            "/events".to_owned(),
            vec![("title", "x"), owner, ("date_start", "2026-03-05T10:00"), end],
            "date_start must be written YYYY-MM-DD HH:MM:SS, but is \"2026-03-05T10:00\".",
        ),
        (
            "POST",
            "/events".to_owned(),
            vec![("title", "x"), owner, ("date_start", end.1), ("date_end", start.1)],
            "date_end must not be before date_start.",
        ),
        ("POST", "/resources".to_owned(), vec![("name", "x"), ("owner", "101,9")], "The owner 9 is no group."),
        ("POST", format!("/events/{event}"), vec![("title", " ")], "title may not be empty."),
        ("GET", "/events?title[like]=x".to_owned(), vec![], "like is no operator. Use eq, ne, gt or lt."),
    ];
    for (method, path, fields, message) in table {
        let answer = client.form(method, &path, &fields).await;
        assert_eq!((answer.status, &answer.body["message"]), (400, &json!(message)), "{path} {fields:?}");
        assert_eq!((&answer.body["status"], &answer.body["status_code"]), (&json!("error"), &json!("400")));
    }
    assert_eq!(client.form("DELETE", "/events/1", &[]).await.status, 404);
}

#[tokio::test]
async fn lists_are_filtered_and_show_the_fields_that_are_asked_for() {
    let client = Client::start().await;
    let maya = id(&client.sandbox.records("resources")[0]).to_owned();
    let table: Vec<(String, usize)> = vec![
        ("/events".to_owned(), 6),
        (format!("/events?owner={maya}"), 2),
        (format!("/events?owner=ne:{maya}"), 4),
        ("/events?completed=1".to_owned(), 1),
        ("/events?completed[ne]=1".to_owned(), 5),
        ("/events?date_start=gt:2026-03-02 00:00:00".to_owned(), 5),
        ("/events?date_start[gt]=2026-03-02 00:00:00&date_start[lt]=2026-03-04 00:00:00".to_owned(), 1),
        ("/events?title=Away".to_owned(), 1),
        ("/events?title=First visit: Ada Brookfield".to_owned(), 1),
        ("/groups?positionv=gt:1".to_owned(), 2),
        ("/events?search_workspace=10483".to_owned(), 1),
        ("/events?search_workspace=1".to_owned(), 0),
    ];
    for (path, count) in table {
        let found = client.ok_form("GET", &path.replace(' ', "%20"), &[]).await;
        assert_eq!(found.as_array().unwrap().len(), count, "{path}");
    }
    let keys = |record: &Value| record.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let plain = client.ok_form("GET", "/events", &[]).await;
    let listed = ["date_start", "date_start_timezone", "date_start_utc", "id", "timezone", "title", "workspace"];
    assert_eq!(keys(&plain[0]), listed);
    let asked = client.ok_form("GET", "/events?fields=title,%20owner", &[]).await;
    assert_eq!(keys(&asked[0]), ["id", "owner", "title"]);
    let one = client.ok_form("GET", &format!("/events/{}?fields=notes", id(&plain[0])), &[]).await;
    assert_eq!(keys(&one), ["id", "notes"]);
}

#[tokio::test]
async fn a_record_of_another_workspace_is_found_only_there() {
    let client = Client::start().await;
    let records = client.sandbox.records("events");
    let elsewhere = id(records.iter().find(|it| it["workspace"] == "10483").unwrap());
    assert_eq!(client.form("GET", &format!("/events/{elsewhere}"), &[]).await.status, 404);
    assert_eq!(client.form("GET", &format!("/events/{elsewhere}?search_workspace=10483"), &[]).await.status, 200);
}

#[tokio::test]
async fn an_update_replaces_lists_of_links() {
    let client = Client::start().await;
    let resources = client.sandbox.records("resources");
    let (maya, tomas) = (id(&resources[0]), id(&resources[1]));
    let event = id(&client.sandbox.records("events")[0]).to_owned();
    let path = format!("/events/{event}");
    let both = client.ok_form("POST", &path, &[("owner[]", maya), ("owner[]", tomas)]).await;
    assert_eq!(
        (&both["owner"], &both["owner_names_simple"]),
        (&json!(format!("{maya},{tomas}")), &json!("Maya Lindqvist, Tomas Herrera"))
    );
    let one = client.ok_form("POST", &path, &[("owner", tomas), ("notes", "")]).await;
    assert_eq!((&one["owner"], &one["notes"]), (&json!(tomas), &json!("")));
}
