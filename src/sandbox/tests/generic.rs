//! Operations without a behaviour of their own: the path says what they do.
use serde_json::{Value, json};

use super::{Client, id};
use crate::catalog::{Catalog, Connector};
use crate::sandbox::{Effect, Options};

/// A service with a collection of widgets, and parts below each.
fn catalog() -> Catalog {
    let widget = json!({"type": "object", "fields": [
        {"name": "id", "required": true, "type": "string"},
        {"name": "name", "required": true, "type": "string"},
        {"name": "size", "type": "integer"},
        {"name": "state", "required": true, "type": "string", "enum": ["new", "used"]},
    ]});
    let wrapped = json!({"type": "object", "fields": [
        {"name": "widget", "required": true, "type": "ref", "ref": "Widget"},
        {"name": "ok", "required": true, "type": "boolean"},
    ]});
    let listed = json!({"type": "object", "fields": [
        {"name": "widgets", "required": true, "type": "array", "items": {"type": "ref", "ref": "Widget"}},
        {"name": "total", "required": true, "type": "integer"},
    ]});
    let id = json!({"key": "id", "name": "id", "place": "path", "required": true, "schema": {"type": "string"}});
    let name = |required: bool| json!({"key": "name", "name": "name", "place": "body", "required": required, "schema": {"type": "string"}});
    let size = json!({"key": "size", "name": "size", "place": "body", "schema": {"type": "integer"}});
    let operation = |name: &str, method: &str, path: &str, inputs: Value, schema: &Value, status: u16| {
        json!({
            "id": format!("highlevel.widgets.{name}"), "title": name, "group": "Widgets", "method": method, "path": path,
            "inputs": inputs, "body": "json", "success": [{"status": status, "schema": schema}], "repeat": {"repeat": "safe"},
        })
    };
    let done = json!({"type": "object", "fields": [{"name": "success", "required": true, "type": "boolean"}]});
    let connector = json!({
        "id": "highlevel", "title": "HighLevel", "environments": [], "auth": [], "schemas": {"Widget": widget},
        "operations": [
            operation("create", "POST", "/widgets/", json!([name(true), size]), &wrapped, 201),
            operation("list", "GET", "/widgets/", json!([]), &listed, 200),
            operation("get", "GET", "/widgets/{id}", json!([id]), &wrapped, 200),
            operation("update", "PUT", "/widgets/{id}", json!([id, name(false), size]), &wrapped, 200),
            operation("status", "PUT", "/widgets/{id}/status", json!([id, size]), &done, 200),
            operation("delete", "DELETE", "/widgets/{id}", json!([id]), &done, 200),
            operation("polish", "POST", "/widgets/{id}/polish", json!([id]), &done, 200),
            operation("create-part", "POST", "/widgets/{id}/parts", json!([id, name(true)]), &widget, 201),
            operation("get-part", "GET", "/widgets/{id}/parts/{partId}", json!([id]), &widget, 200),
        ],
    });
    [serde_json::from_value::<Connector>(connector).unwrap()].into_iter().collect()
}

#[tokio::test]
async fn a_collection_is_kept_by_the_shape_of_its_paths() {
    let client = Client::on(catalog(), Options::default()).await;
    let missing = client.call("POST", "/widgets/", json!({"size": "big"})).await;
    assert_eq!(
        (missing.status, &missing.body["message"]),
        (422, &json!(["name must be a string", "size must be an integer number"]))
    );
    let made = client.ok("POST", "/widgets/", json!({"name": "Gear", "size": 3})).await;
    assert_eq!(
        (&made["widget"]["name"], &made["widget"]["size"], &made["widget"]["state"]),
        (&json!("Gear"), &json!(3), &json!("new"))
    );
    let widget = id(&made["widget"]).to_owned();
    let path = format!("/widgets/{widget}");
    client.ok("PUT", &path, json!({"size": 4})).await;
    client.ok("PUT", &format!("{path}/status"), json!({"size": 5})).await;
    let read = client.get(&path).await;
    assert_eq!((&read["widget"]["name"], &read["widget"]["size"]), (&json!("Gear"), &json!(5)));
    let list = client.get("/widgets/").await;
    assert_eq!((&list["total"], &list["widgets"][0]["id"]), (&json!(1), &json!(widget)));

    let part = client.ok("POST", &format!("{path}/parts"), json!({"name": "Tooth"})).await;
    client.get(&format!("{path}/parts/{}", id(&part))).await;
    assert_eq!(client.call("GET", &format!("/widgets/other/parts/{}", id(&part)), Value::Null).await.status, 404);
    client.ok("POST", &format!("{path}/polish"), json!({})).await;
    assert_eq!(client.sandbox.ledger().pop().unwrap().effect, Effect::None);
    client.ok("DELETE", &path, Value::Null).await;
    assert_eq!(client.call("GET", &path, Value::Null).await.status, 404);
    assert!(client.not_called("highlevel").is_empty());
    assert_eq!(client.sandbox.records("widgets").len(), 0);
    assert_eq!(client.sandbox.records("widgets/parts").len(), 1);
}

#[tokio::test]
async fn a_search_by_post_lists_what_is_kept_and_makes_nothing() {
    let client = Client::start().await;
    let before = client.sandbox.count("opportunities");
    let body = json!({"locationId": client.location(), "query": "", "limit": 20, "page": 1, "searchAfter": [], "additionalDetails": {"notes": false, "tasks": false, "calendarEvents": false, "unReadConversations": false}});
    let found = client.ok("POST", "/opportunities/search", body).await;
    assert_eq!(found["opportunities"].as_array().unwrap().len(), before);
    assert!(found["opportunities"][0]["name"].is_string());
    assert_eq!(client.sandbox.count("opportunities"), before);
    let of_contact = found["opportunities"][0]["contactId"].as_str().unwrap();
    let path = format!("/opportunities/search?location_id={}&contactId={of_contact}", client.location());
    assert_eq!(client.get(&path).await["opportunities"].as_array().unwrap().len(), before, "the query has no such name");
}

#[tokio::test]
async fn something_can_only_be_done_with_a_record_that_is_there() {
    let client = Client::start().await;
    let known = id(&client.sandbox.records("opportunities")[0]).to_owned();
    let body = json!({"followers": [client.sandbox.access().highlevel.user_id]});
    for (opportunity, status) in [(known.as_str(), 201), ("nobody", 404)] {
        let answer = client.call("POST", &format!("/opportunities/{opportunity}/followers"), body.clone()).await;
        assert!(answer.status == status || (status == 201 && answer.status == 200), "{opportunity}: {}", answer.status);
    }
    assert_eq!(client.sandbox.ledger()[0].effect, Effect::None);
}

#[tokio::test]
async fn an_upsert_changes_the_one_of_the_same_contact_and_else_makes_one() {
    let client = Client::start().await;
    let one = client.sandbox.records("opportunities")[0].clone();
    let before = client.sandbox.count("opportunities");
    let mut body = json!({"locationId": client.location(), "pipelineId": one["pipelineId"], "contactId": one["contactId"], "name": "Again", "status": "open", "followers": [], "isRemoveAllFollowers": false, "followersActionType": "add"});
    client.ok("POST", "/opportunities/upsert", body.clone()).await;
    assert_eq!(
        (client.sandbox.count("opportunities"), &client.sandbox.record("opportunities", id(&one)).unwrap()["name"]),
        (before, &json!("Again"))
    );
    body["contactId"] = client.sandbox.records("contacts")[5]["id"].clone();
    client.ok("POST", "/opportunities/upsert", body).await;
    assert_eq!(client.sandbox.count("opportunities"), before + 1);
    let effects: Vec<Effect> = client.sandbox.ledger().iter().map(|it| it.effect).collect();
    assert_eq!(effects, [Effect::Updated, Effect::Created]);
}

#[tokio::test]
async fn what_nobody_can_make_here_is_there_until_it_is_deleted() {
    let client = Client::start().await;
    let path = format!("/products/reviews/r1?altId={}&altType=location&productId=p1", client.location());
    let delete = async || client.call("DELETE", &path, Value::Null).await.status;
    assert_eq!((delete().await, delete().await), (200, 404));
    client.sandbox.reset();
    assert_eq!(delete().await, 200);
}

#[tokio::test]
async fn lists_are_cut_into_pages() {
    let client = Client::start().await;
    let location = client.location().to_owned();
    for at in 0..5 {
        client.ok("POST", "/businesses/", json!({"name": format!("Number {at}"), "locationId": location})).await;
    }
    let page = async |more: &str| {
        let found = client.get(&format!("/businesses/?locationId={location}{more}")).await;
        found["businesses"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(page("").await.len(), 6);
    assert_eq!(page("&limit=2&skip=1").await, ["Number 0", "Number 1"]);
    assert!(page("&limit=2&skip=90").await.is_empty());
}
