//! Wrong requests get the vendors' answers, and nothing answers 5xx.
use serde_json::{Value, json};

use super::Client;
use crate::catalog::{ConnectorId, Kind, Place};
use crate::sandbox::{Limits, Options, Traps};

#[tokio::test]
async fn a_caller_who_is_not_signed_in_gets_401() {
    let client = Client::start().await;
    let access = client.sandbox.access().highlevel.clone();
    let url = format!("{}/contacts/?locationId={}", access.base_url, access.location_id);
    let get = || client.http.get(&url);
    let bare = get().header("Version", "2021-07-28");
    let table = [
        (bare, "Authorization header not found"),
        (get().header("Version", "2021-07-28").bearer_auth("wrong"), "Invalid Private Integration token"),
        (get().bearer_auth(&access.token), "version header was not found."),
        (get().header("Version", "latest").bearer_auth(&access.token), "version header is invalid"),
    ];
    for (request, message) in table {
        let answer = client.send(request).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.body["message"], message);
        assert_eq!(answer.body["error"], "Unauthorized");
        assert!(answer.body["traceId"].is_string());
    }
    for version in ["2023-02-21", "v3", "2021-04-15"] {
        assert_eq!(client.send(get().header("version", version).bearer_auth(&access.token)).await.status, 200);
    }
    let by_key = get().header("Version", "2021-07-28").header("X-Api-Key", &access.token);
    assert_eq!(client.send(by_key).await.status, 200);
}

#[tokio::test]
async fn wrong_requests_get_the_vendors_answers() {
    let client = Client::start().await;
    let location = client.location().to_owned();
    let contact = client.sandbox.records("contacts")[0]["id"].as_str().unwrap().to_owned();
    let tasks = format!("/contacts/{contact}/tasks");
    let table = [
        (
            "GET",
            "/contacts/?locationId=elsewhere".to_owned(),
            Value::Null,
            403,
            json!("The token does not have access to this location."),
        ),
        (
            "POST",
            "/contacts/".to_owned(),
            json!({"locationId": "elsewhere"}),
            403,
            json!("The token does not have access to this location."),
        ),
        ("GET", "/contacts/".to_owned(), Value::Null, 422, json!(["locationId should not be empty"])),
        (
            "POST",
            "/contacts/".to_owned(),
            json!({"firstName": 7}),
            422,
            json!(["locationId must be a string", "firstName must be a string"]),
        ),
        (
            "POST",
            "/contacts/".to_owned(),
            json!({"locationId": location, "email": "nobody"}),
            422,
            json!(["email must be an email"]),
        ),
        (
            "POST",
            "/contacts/".to_owned(),
            json!({"locationId": location, "dndSettings": {"SMS": {"status": "maybe"}}}),
            422,
            json!(["dndSettings.SMS.status must be one of the following values: active, inactive, permanent"]),
        ),
        (
            "POST",
            tasks.clone(),
            json!({"title": "x", "dueDate": "2026-03-05T10:00:00Z"}),
            422,
            json!(["completed must be a boolean value"]),
        ),
        (
            "POST",
            tasks.clone(),
            json!({"title": "x", "dueDate": "soon", "completed": false}),
            422,
            json!(["dueDate must be a valid ISO 8601 date string"]),
        ),
        ("POST", format!("/contacts/{contact}/tags"), json!({"tags": "one"}), 422, json!(["tags must be an array"])),
        ("POST", format!("/contacts/{contact}/tags"), json!({"tags": [1]}), 422, json!(["tags.0 must be a string"])),
        ("POST", tasks, json!([1]), 422, json!(["the body must be a JSON object"])),
        ("GET", "/contacts/nobody".to_owned(), Value::Null, 404, json!("Contact with id nobody not found")),
        ("GET", "/nothing/here".to_owned(), Value::Null, 404, json!("Cannot GET /nothing/here")),
        (
            "GET",
            format!("/calendars/resources/cars?locationId={location}&limit=1&skip=0"),
            Value::Null,
            422,
            json!(["resourceType must be one of the following values: equipments, rooms"]),
        ),
    ];
    for (method, path, body, status, message) in table {
        let answer = client.call(method, &path, body).await;
        assert_eq!((answer.status, &answer.body["message"]), (status, &message), "{method} {path}");
        assert_eq!(answer.body["statusCode"], status);
    }
    let broken = client.request("POST", "/contacts/").header("Content-Type", "application/json").body("{\"firstName\": ");
    assert_eq!(client.send(broken).await.status, 400);
    let form = client.request("POST", "/contacts/").header("Content-Type", "text/plain").body("firstName=Iris");
    assert_eq!(client.send(form).await.status, 415);
}

#[tokio::test]
async fn a_missing_or_additional_slash_at_the_end_is_forgiven() {
    let client = Client::start().await;
    let location = client.location();
    for path in [
        format!("/contacts?locationId={location}"),
        format!("/contacts/?locationId={location}"),
        format!("/calendars/groups/?locationId={location}"),
    ] {
        assert_eq!(client.call("GET", &path, Value::Null).await.status, 200, "{path}");
    }
    assert_eq!(client.call("GET", "/contacts//tasks", Value::Null).await.status, 404);
}

#[tokio::test]
async fn unknown_fields_are_ignored_until_the_switch_is_on() {
    let client = Client::start().await;
    let contact = client.contact(json!({"name": "Iris", "shoeSize": 39})).await;
    assert!(client.sandbox.record("contacts", &contact).unwrap().get("shoeSize").is_none());
    client.sandbox.set_traps(Traps { unknown_fields_refused: true, ..Traps::default() });
    let answer = client.call("PUT", &format!("/contacts/{contact}"), json!({"additionalEmails": ["a@example.com"]})).await;
    assert_eq!((answer.status, &answer.body["message"]), (422, &json!(["property additionalEmails should not exist"])));
}

#[tokio::test]
async fn nothing_answers_5xx_whatever_is_sent() {
    let limits = Limits { enabled: false, ..Limits::default() };
    let client = Client::with(Options { limits, ..Options::default() }).await;
    let mut rng = fastrand::Rng::with_seed(7);
    let known: Vec<Value> = ["contacts", "tasks", "notes", "calendars", "appointments", "schedules", "rooms", "block_slots"]
        .iter()
        .flat_map(|it| client.sandbox.records(it))
        .map(|it| it["id"].clone())
        .collect();
    let strings = [
        "",
        " ",
        "-1",
        "9999999999999999",
        "1e308",
        "NaN",
        "2026-03-08T02:30:00",
        "FREQ=DAILY",
        "éß\u{202e}",
        "true",
        "%",
        "a,b",
        "rooms",
        "add",
    ];
    let connector = client.catalog.connector(&ConnectorId::new("highlevel")).unwrap();
    let mut statuses = std::collections::BTreeMap::new();
    for operation in connector.operations.values().cycle().take(connector.operations.len() * 2) {
        let text = |rng: &mut fastrand::Rng| match rng.u8(..3) {
            0 => known[rng.usize(..known.len())].as_str().unwrap().to_owned(),
            _ => strings[rng.usize(..strings.len())].to_owned(),
        };
        let mut path = operation.path.clone();
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut body = serde_json::Map::new();
        let mut whole = None;
        for input in &operation.inputs {
            let junk = match rng.u8(..6) {
                0 => json!(rng.i64(..)),
                1 => json!(-1e300),
                2 => json!([text(&mut rng), {"x": []}]),
                3 => json!({"filters": [{"field": "~", "operator": "range", "value": {"gt": 1}}], "hours": 3}),
                _ => json!(text(&mut rng)),
            };
            let fitting = match &connector.resolve(&input.schema).kind {
                Kind::Boolean => json!(rng.bool()),
                Kind::Number | Kind::Integer => json!([0.0, -5.0, 1e18, 31.0, 1_772_460_000_000.0][rng.usize(..5)]),
                Kind::Array { .. } if rng.bool() => json!([text(&mut rng)]),
                Kind::String { .. } => json!(text(&mut rng)),
                _ => junk.clone(),
            };
            let value = if rng.u8(..5) == 0 { junk } else { fitting };
            let value = if input.name == "locationId" { json!(client.location()) } else { value };
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match input.place {
                Place::Path => {
                    let coded: String = form_urlencoded::byte_serialize(plain.as_bytes()).collect();
                    path = path.replace(&format!("{{{}}}", input.name), &coded.replace('+', "%20"));
                }
                Place::Query => drop(query.append_pair(&input.name, &plain)),
                Place::Header => {}
                Place::Body if input.name.is_empty() => whole = Some(value),
                Place::Body => drop(body.insert(input.name.clone(), value)),
            }
        }
        let body = whole.unwrap_or(Value::Object(body));
        let answer = client.call(operation.method.as_str(), &format!("{path}?{}", query.finish()), body.clone()).await;
        assert!(answer.status < 500, "{}: {} {body}", operation.id, answer.status);
        assert!(answer.status < 400 || answer.body["message"].is_string() || answer.body["message"].is_array());
        *statuses.entry(answer.status).or_insert(0) += 1;
    }
    assert!(statuses.len() > 3 && statuses.contains_key(&200), "{statuses:?}");
}

#[tokio::test]
async fn values_out_of_their_documented_bounds_are_named() {
    let client = Client::start().await;
    let access = client.sandbox.access().highlevel.clone();
    let appointment = client.sandbox.records("appointments")[0]["id"].as_str().unwrap().to_owned();
    let open = |hour: Value| json!([{"daysOfTheWeek": [7], "hours": [{"openHour": hour, "openMinute": 0, "closeHour": 17, "closeMinute": 0}]}]);
    let rules = json!([{"type": "wday", "day": "monday", "intervals": [{"from": "8", "to": "25:00"}]}]);
    let schedule = json!({"locationId": access.location_id, "name": "S", "userId": access.user_id, "timezone": "America/New_York", "rules": rules});
    let many: Vec<String> = (0..101).map(|it| it.to_string()).collect();
    let room = json!({"locationId": access.location_id, "name": "R", "description": "", "quantity": 1, "outOfService": 0, "capacity": 1, "calendarIds": many});
    let search = format!("/calendars/schedules/search?locationId={}&userId={}", access.location_id, access.user_id);
    let table = [
        (
            "PUT",
            format!("/calendars/{}", access.calendar_id),
            json!({"openHours": open(json!(24))}),
            json!([
                "openHours.0.daysOfTheWeek.0 must not be greater than 6",
                "openHours.0.hours.0.openHour must not be greater than 23",
            ]),
        ),
        (
            "POST",
            format!("/calendars/appointments/{appointment}/notes"),
            json!({"body": "x".repeat(5_001)}),
            json!(["body must be shorter than or equal to 5000 characters"]),
        ),
        (
            "POST",
            "/calendars/schedules".to_owned(),
            schedule,
            json!(["rules.0.intervals.0.from must be a time as HH:mm", "rules.0.intervals.0.to must be a time as HH:mm"]),
        ),
        ("POST", "/calendars/resources/rooms".to_owned(), room, json!(["calendarIds must contain no more than 100 elements"])),
        ("GET", format!("{search}&limit=501"), Value::Null, json!(["limit must be between 1 and 500"])),
        ("GET", format!("{search}&skip=-1"), Value::Null, json!(["skip must not be less than 0"])),
    ];
    for (method, path, body, message) in table {
        let answer = client.call(method, &path, body).await;
        assert_eq!((answer.status, &answer.body["message"]), (422, &message), "{method} {path}");
    }
}

#[tokio::test]
async fn an_empty_location_is_nobodys_and_nulls_within_a_value_are_not_kept() {
    let client = Client::start().await;
    let blank = client.call("POST", "/calendars/", json!({"locationId": "", "name": "X"})).await;
    assert_eq!(blank.status, 403);
    let settings = json!({"SMS": {"status": "active", "message": null, "code": null}, "FB": null});
    let contact = client.contact(json!({"firstName": "Iris", "dndSettings": settings})).await;
    let kept = client.sandbox.record("contacts", &contact).unwrap()["dndSettings"].clone();
    assert_eq!(kept, json!({"SMS": {"status": "active"}}));
}
