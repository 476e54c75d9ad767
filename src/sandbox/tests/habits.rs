//! Habits of the services that are switched, the rules for clients, and clocks that are wrong.
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Client, id};
use crate::sandbox::{Fault, FaultKind, Faults, Limits, Options, Seed, Traps};

fn next(faults: impl IntoIterator<Item = Fault>) -> Faults {
    Faults { next: faults.into_iter().collect(), ..Faults::default() }
}

#[tokio::test]
async fn a_token_without_the_scope_is_refused() {
    let scopes = BTreeSet::from(["contacts.readonly".to_owned()]);
    let client = Client::with(Options { scopes: Some(scopes), ..Options::default() }).await;
    let path = format!("/contacts/?locationId={}", client.location());
    assert_eq!(client.call("GET", &path, Value::Null).await.status, 200);
    let body = json!({"locationId": client.location(), "firstName": "Iris"});
    let refused = client.call("POST", "/contacts/", body.clone()).await;
    assert_eq!((refused.status, &refused.body["message"]), (401, &json!("The token is not authorized for this scope.")));
    client.sandbox.set_scopes(None);
    assert_eq!(client.call("POST", "/contacts/", body).await.status, 201);
    let url = format!("{}/_sandbox/scopes", client.sandbox.url());
    assert_eq!(client.send(client.http.put(&url).json(&json!(["calendars.readonly"]))).await.status, 200);
    assert_eq!(client.call("GET", &path, Value::Null).await.status, 401);
}

#[tokio::test]
async fn a_location_that_is_not_active_refuses_everything() {
    let client = Client::start().await;
    client.sandbox.set_traps(Traps { location_inactive: true, ..Traps::default() });
    for path in [format!("/contacts/?locationId={}", client.location()), "/opportunities/x".to_owned()] {
        let refused = client.call("GET", &path, Value::Null).await;
        assert_eq!((refused.status, &refused.body["message"]), (403, &json!("Location is not active")));
    }
}

#[tokio::test]
async fn a_formatted_phone_finds_its_contact_only_with_the_habit_off() {
    let client = Client::start().await;
    let found = async |text: &str| {
        let body = json!({"locationId": client.location(), "query": text});
        let searched = client.ok("POST", "/contacts/search", body).await["total"].clone();
        let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let listed = client.get(&format!("/contacts/?locationId={}&query={text}", client.location())).await;
        assert_eq!(searched, listed["meta"]["total"]);
        searched
    };
    assert_eq!((found("(202) 555-0101").await, found("+12025550101").await), (json!(0), json!(1)));
    client.sandbox.set_traps(Traps { phone_search_is_literal: false, ..Traps::default() });
    assert_eq!((found("(202) 555-0101").await, found("+12025550101").await), (json!(1), json!(1)));
}

#[tokio::test]
async fn custom_fields_carry_their_keys_only_with_the_habit_off() {
    let client = Client::start().await;
    let path = format!("/contacts/{}", id(&client.sandbox.records("contacts")[0]));
    assert!(client.get(&path).await["contact"]["customFields"][0].get("key").is_none());
    client.sandbox.set_traps(Traps { custom_fields_without_key: false, ..Traps::default() });
    assert_eq!(client.get(&path).await["contact"]["customFields"][0]["key"], "contact.status");
}

#[tokio::test]
async fn custom_fields_are_looked_up_where_the_documents_say() {
    let client = Client::start().await;
    let path = format!("/locations/{}/customFields", client.location());
    let listed = client.get(&path).await["customFields"].as_array().unwrap().clone();
    assert_eq!(listed.len(), client.sandbox.records("custom_fields").len());
    let made = client.ok("POST", &path, json!({"name": "Shoe size", "dataType": "TEXT", "fieldKey": "contact.shoe"})).await;
    let field = client.sandbox.ledger().pop().unwrap().record.unwrap().id;
    assert!(made.to_string().contains("Shoe size"), "{made}");
    let contact = client.contact(json!({"name": "Iris", "customFields": [{"id": field, "field_value": "39"}]})).await;
    let contact = client.get(&format!("/contacts/{contact}")).await;
    assert_eq!(contact["contact"]["customFields"][0], json!({"id": field, "value": "39"}));
}

#[tokio::test]
async fn lists_of_appointments_want_an_owner_unless_the_habit_is_off() {
    let client = Client::start().await;
    let window = format!("locationId={}&startTime=1771000000000&endTime=1774000000000", client.location());
    let access = client.sandbox.access().highlevel.clone();
    let both = format!("/calendars/events?{window}&calendarId={}&userId={}", access.calendar_id, access.user_id);
    assert_eq!(client.call("GET", &both, Value::Null).await.status, 200);
    client.sandbox.set_traps(Traps { events_by_owner_only: false, events_by_one_owner_only: true, ..Traps::default() });
    let refused = client.call("GET", &both, Value::Null).await;
    assert_eq!(
        (refused.status, refused.body["message"][0].as_str()),
        (422, Some("Only one of calendarId, userId or groupId is allowed"))
    );
    let all = client.get(&format!("/calendars/events?{window}")).await;
    assert_eq!(all["events"].as_array().unwrap().len(), client.sandbox.count("appointments"));
}

#[tokio::test]
async fn a_search_lags_where_that_is_switched_on() {
    let client = Client::start().await;
    client.sandbox.set_traps(Traps { search_lags_ms: 3_000, ..Traps::default() });
    let total = async || client.ok("POST", "/contacts/search", json!({"locationId": client.location()})).await["total"].clone();
    let before = total().await;
    client.contact(json!({"name": "Iris"})).await;
    assert_eq!(total().await, before);
    client.wait(2_999);
    assert_eq!(total().await, before);
    client.wait(1);
    assert_eq!(total().await, json!(before.as_u64().unwrap() + 1));
}

#[tokio::test]
async fn limits_are_changed_and_switched_off_while_it_runs() {
    let limits = Limits { burst: 1, ..Limits::default() };
    let client = Client::with(Options { limits, ..Options::default() }).await;
    let path = format!("/contacts/?locationId={}", client.location());
    let status = async || client.call("GET", &path, Value::Null).await.status;
    assert_eq!((status().await, status().await), (200, 429));
    client.sandbox.set_traps(Traps { unlimited: true, ..Traps::default() });
    assert_eq!(status().await, 200);
    client.sandbox.set_traps(Traps::default());
    assert_eq!(status().await, 429);
    let url = format!("{}/_sandbox/limits", client.sandbox.url());
    let wide = client.send(client.http.put(&url).json(&json!({"burst": 5}))).await;
    assert_eq!((wide.status, &wide.body["burst"], &wide.body["enabled"]), (200, &json!(5), &json!(true)));
    assert_eq!(client.send(client.http.get(&url)).await.body, wide.body);
    assert_eq!(client.send(client.http.put(&url).json(&json!({"bursts": 5}))).await.status, 400);
    assert_eq!((status().await, client.sandbox.limits().burst), (200, 5));
}

#[tokio::test]
async fn a_clock_that_is_wrong_shows_in_dates_and_headers() {
    let client = Client::start().await;
    client.sandbox.set_faults(Faults { skew_ms: -90_000, ..Faults::default() });
    let answer = client.call("POST", "/contacts/", json!({"locationId": client.location(), "firstName": "Iris"})).await;
    assert_eq!(answer.body["contact"]["dateAdded"], "2026-03-02T13:58:30.000Z");
    assert_eq!(answer.headers["date"], "Mon, 02 Mar 2026 13:58:30 GMT");
    assert_eq!(client.sandbox.ledger()[0].at.to_string(), "2026-03-02T13:58:30Z");
}

#[tokio::test]
async fn schedule_it_surprises_its_clients_and_only_them_the_same_way_every_time() {
    let run = async || {
        let client = Client::start().await;
        client.sandbox.set_faults(Faults { surprise: 0.3, random: 4, ..Faults::default() });
        let mut statuses = Vec::new();
        for _ in 0..30 {
            statuses.push(client.form("GET", "/events", &[]).await.status);
            assert_eq!(
                client.call("GET", &format!("/contacts/?locationId={}", client.location()), Value::Null).await.status,
                200
            );
        }
        statuses
    };
    let (one, other) = (run().await, run().await);
    assert_eq!(one, other);
    assert!(one.contains(&200) && one.contains(&429) && one.iter().all(|it| matches!(it, 200 | 429)), "{one:?}");
}

#[tokio::test]
async fn the_ledger_names_the_rule_that_a_client_breaks() {
    let client = Client::start().await;
    client.sandbox.set_faults(next([FaultKind::Surprise.into()]));
    let mut breaches = Vec::new();
    for wait in [0, 59_999, 60_000] {
        client.wait(wait);
        client.form("GET", "/events", &[]).await;
        breaches.push(client.sandbox.ledger().pop().unwrap().breach);
    }
    assert_eq!(breaches, [None, Some("came back within a minute after an error"), None]);
    let stranger = client.http.get(format!("{}/events", client.sandbox.access().schedule_it.base_url));
    assert_eq!(client.send(stranger).await.status, 401);
    client.form("GET", "/events", &[]).await;
    assert_eq!(client.sandbox.ledger().pop().unwrap().breach, None, "a stranger's errors are not the account's");
}

#[tokio::test]
async fn a_client_that_breaks_the_rules_is_locked_out_until_a_person_lets_it_in() {
    let client = Client::start().await;
    client.sandbox.set_traps(Traps { rule_breakers_locked_out: true, ..Traps::default() });
    client.sandbox.set_faults(next([FaultKind::Forbidden.into()]));
    let status = async |wait| {
        client.wait(wait);
        client.form("GET", "/events", &[]).await.status
    };
    assert_eq!((status(0).await, status(3_599_999).await, status(86_400_000).await), (403, 403, 403));
    let locked = client.sandbox.ledger().pop().unwrap();
    assert_eq!(locked.breach, Some("came back though it is locked out"));
    client.sandbox.let_in();
    assert_eq!(status(0).await, 200);

    client.sandbox.set_faults(next([FaultKind::ServerError.into(), FaultKind::Surprise.into(), FaultKind::Html.into()]));
    assert_eq!((status(60_000).await, status(60_000).await, status(60_000).await), (500, 429, 502));
    assert_eq!(status(60_000).await, 403);
    assert_eq!(client.sandbox.ledger().pop().unwrap().breach, Some("went on after three errors in a row"));
    let url = format!("{}/_sandbox/let-in", client.sandbox.url());
    assert_eq!(client.send(client.http.post(url)).await.status, 200);
    assert_eq!(status(0).await, 200);
}

#[tokio::test]
async fn every_contact_of_a_larger_sandbox_is_found_page_by_page_whichever_way() {
    let limits = Limits { enabled: false, ..Limits::default() };
    let client = Client::with(Options { seed: Seed::Small, limits, ..Options::default() }).await;
    let all: BTreeSet<String> = client.sandbox.records("contacts").iter().map(|it| id(it).to_owned()).collect();
    for sort in [
        json!([{"field": "dateAdded", "direction": "desc"}]),
        json!([{"field": "dateUpdated", "direction": "asc"}]),
        json!([{"field": "city", "direction": "asc"}]),
        json!([{"field": "companyName", "direction": "desc"}, {"field": "state", "direction": "asc"}]),
    ] {
        let (mut seen, mut after) = (Vec::new(), Value::Null);
        loop {
            let mut body = json!({"locationId": client.location(), "sort": sort, "pageLimit": 33});
            if !after.is_null() {
                body["searchAfter"] = after;
            }
            let page = client.ok("POST", "/contacts/search", body).await["contacts"].as_array().unwrap().clone();
            let Some(last) = page.last() else { break };
            after = last["searchAfter"].clone();
            seen.extend(page.iter().map(|it| id(it).to_owned()));
        }
        assert_eq!(seen.len(), all.len(), "{sort}");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), all, "{sort}");
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("/contacts/?locationId={}&limit=33{next}", client.location())).await;
        seen.extend(page["contacts"].as_array().unwrap().iter().map(|it| (it["dateAdded"].clone(), id(it).to_owned())));
        let meta = &page["meta"];
        if meta["startAfterId"].is_null() {
            break;
        }
        next = format!("&startAfter={}&startAfterId={}", meta["startAfter"], meta["startAfterId"].as_str().unwrap());
    }
    assert!(seen.is_sorted_by(|one, other| one.0.as_str() >= other.0.as_str()), "newest first");
    assert_eq!(seen.into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>(), all);
}
