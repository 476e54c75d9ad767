//! Lists of contacts and the search over them.
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Client, id};
use crate::sandbox::Traps;

async fn found(client: &Client, rest: Value) -> Vec<String> {
    let mut body = json!({"locationId": client.location(), "pageLimit": 100});
    body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    let answer = client.ok("POST", "/contacts/search", body).await;
    answer["contacts"].as_array().unwrap().iter().map(|it| it["firstName"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_with_both_cursors_show_every_contact_once() {
    let client = Client::start().await;
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = client.get(&format!("/contacts/?locationId={}&limit=5{next}", client.location())).await;
        seen.extend(page["contacts"].as_array().unwrap().iter().map(|it| id(it).to_owned()));
        let meta = &page["meta"];
        assert_eq!(meta["total"], 12);
        if meta["nextPageUrl"].is_null() {
            break;
        }
        next = format!("&startAfter={}&startAfterId={}", meta["startAfter"], meta["startAfterId"].as_str().unwrap());
    }
    assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (12, 12));
}

#[tokio::test]
async fn one_cursor_alone_gives_the_first_page_again_unless_the_trap_is_off() {
    let client = Client::start().await;
    let path = format!("/contacts/?locationId={}&limit=5", client.location());
    let first = client.get(&path).await;
    let after = format!("{path}&startAfterId={}", first["meta"]["startAfterId"].as_str().unwrap());
    assert_eq!(client.get(&after).await["contacts"], first["contacts"]);
    client.sandbox.set_traps(Traps { paging_needs_both_cursors: false, ..Traps::default() });
    assert_ne!(client.get(&after).await["contacts"], first["contacts"]);
    assert_eq!(client.call("GET", &format!("{path}1"), Value::Null).await.status, 200);
    let answer = client.call("GET", &format!("/contacts/?locationId={}&limit=101", client.location()), Value::Null).await;
    assert_eq!((answer.status, &answer.body["message"]), (422, &json!(["limit must not be greater than 100"])));
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let client = Client::start().await;
    let status = id(&client.sandbox.records("custom_fields")[0]).to_owned();
    let one =
        |field: &str, operator: &str, value: Value| json!({"filters": [{"field": field, "operator": operator, "value": value}]});
    let table: Vec<(Value, &[&str])> = vec![
        (one("email", "eq", json!("ADA.Brookfield@example.com")), &["Ada"]),
        (one("firstNameLowerCase", "eq", json!("june")), &["June"]),
        (one("companyName", "contains", json!("daughters")), &["Elias", "Mira"]),
        (one("tags", "eq", json!(["vip", "class"])), &["June", "Lena", "Otto"]),
        (one("tags", "contains", json!("vi")), &["June"]),
        (one(&format!("customFields.{status}"), "eq", json!("new")), &["Noor", "Priya"]),
        (one("dnd", "eq", json!(true)), &["Sam"]),
        (one("additionalEmails", "exists", json!(null)), &["Ravi"]),
        (one("dateAdded", "range", json!({"gte": "2026-02-20T00:00:00Z"})), &["Noor", "Wren"]),
        (one("dateAdded", "range", json!({"gt": 1_772_280_000_000_i64, "lt": 1_772_496_000_000_i64})), &["Wren"]),
        (one("phone", "eq", json!("+12025550112")), &["Wren"]),
        (one("~added", "exists", json!(null)), &[]),
        (
            json!({"filters": [{"group": "OR", "filters": [
                {"field": "city", "operator": "eq", "value": "Bethesda"},
                {"group": "AND", "filters": [
                    {"field": "city", "operator": "eq", "value": "Alexandria"},
                    {"field": "tags", "operator": "not_contains", "value": "newsletter"},
                ]},
            ]}]}),
            &["Lena", "Otto"],
        ),
        (json!({"query": "menon-family"}), &["Ravi"]),
        (json!({"query": "vance", "filters": [{"field": "firstName", "operator": "not_eq", "value": "Mira"}]}), &["Elias"]),
        (json!({"query": "(202) 555-0101"}), &[]),
    ];
    for (body, wanted) in table {
        let mut names = found(&client, body.clone()).await;
        names.sort_unstable();
        assert_eq!(names, wanted, "{body}");
    }
}

#[tokio::test]
async fn sorted_pages_and_the_cursor_agree() {
    let client = Client::start().await;
    let sort = json!([{"field": "lastNameLowerCase", "direction": "asc"}, {"field": "firstName", "direction": "desc"}]);
    let all = found(&client, json!({"sort": sort})).await;
    assert_eq!(&all[..3], ["Ada", "Wren", "Lena"]);
    let vances: Vec<_> = all.iter().filter(|it| matches!(it.as_str(), "Elias" | "Mira")).collect();
    assert_eq!(vances, ["Mira", "Elias"]);

    let (mut by_page, mut by_cursor, mut after) = (Vec::new(), Vec::new(), Value::Null);
    for page in 1..=3 {
        by_page.extend(found(&client, json!({"sort": sort, "pageLimit": 5, "page": page})).await);
        let mut body = json!({"locationId": client.location(), "sort": sort, "pageLimit": 5});
        if !after.is_null() {
            body["searchAfter"] = after;
        }
        let answer = client.ok("POST", "/contacts/search", body).await;
        assert_eq!(answer["total"], 12);
        let contacts = answer["contacts"].as_array().unwrap();
        by_cursor.extend(contacts.iter().map(|it| it["firstName"].as_str().unwrap().to_owned()));
        after = contacts.last().unwrap()["searchAfter"].clone();
    }
    assert_eq!(by_page, all);
    assert_eq!(by_cursor, all);
}

#[tokio::test]
async fn a_search_that_cannot_be_understood_is_refused() {
    let client = Client::start().await;
    let nested = (0..20).fold(json!([]), |inner, _| json!([{"group": "AND", "filters": inner}]));
    let bodies = [
        json!({"pageLimit": 501}),
        json!({"pageLimit": "many"}),
        json!({"pageLimit": 500, "page": 21}),
        json!({"filters": "all"}),
        json!({"filters": [{"field": "email", "operator": "like", "value": "x"}]}),
        json!({"filters": [{"field": "email", "operator": "eq"}]}),
        json!({"filters": [{"field": "dateAdded", "operator": "range", "value": {"gt": "soon"}}]}),
        json!({"filters": [{"group": "XOR", "filters": []}]}),
        json!({"filters": nested}),
        json!({"sort": [{"field": "email", "direction": "up"}]}),
        json!({"searchAfter": [1]}),
    ];
    for mut body in bodies {
        body["locationId"] = json!(client.location());
        let answer = client.call("POST", "/contacts/search", body.clone()).await;
        assert!(matches!(answer.status, 400 | 422), "{body}: {}", answer.status);
        assert!(!answer.body["message"].is_null());
    }
    assert_eq!(client.call("POST", "/contacts/search", json!({})).await.status, 422);
}
