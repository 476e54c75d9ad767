//! Every operation of the catalogue is called once and answers as documented.
use serde_json::{Value, json};

use super::{Client, id};
use crate::sandbox::{Limits, Options};

async fn unlimited() -> Client {
    Client::with(Options { limits: Limits { enabled: false, ..Limits::default() }, ..Options::default() }).await
}

#[tokio::test]
async fn every_operation_on_contacts_answers_as_the_catalogue_says() {
    let client = unlimited().await;
    let location = client.location().to_owned();
    let user = client.sandbox.access().highlevel.user_id.clone();
    let new = json!({
        "firstName": "Iris", "lastName": "Calder", "email": "iris.calder@example.com", "phone": "(202) 555-0150",
        "locationId": location, "tags": ["New", "VIP"], "dnd": false, "gender": "female", "country": "US",
        "dateOfBirth": "1990-09-25", "companyName": "Calder & Co", "source": "test",
        "dndSettings": {"SMS": {"status": "inactive", "message": "", "code": ""}},
        "customFields": [{"id": client.sandbox.records("custom_fields")[0]["id"], "field_value": "new"}],
    });
    let made = client.ok("POST", "/contacts/", new).await;
    let contact = id(&made["contact"]).to_owned();
    let at = |rest: &str| format!("/contacts/{contact}{rest}");
    assert_eq!(made["contact"]["phone"], "+12025550150");

    client.ok("PUT", &at(""), json!({"city": "Alexandria", "tags": ["Changed"]})).await;
    client.ok("POST", "/contacts/upsert", json!({"email": "iris.calder@example.com", "locationId": location})).await;
    client.get(&at("")).await;
    client.get(&format!("/contacts/?locationId={location}&limit=5")).await;
    client.ok("POST", "/contacts/search", json!({"locationId": location, "pageLimit": 5})).await;
    client.get(&format!("/contacts/search/duplicate?locationId={location}&email=iris.calder@example.com")).await;
    client.ok("POST", "/contacts/bulk/business", json!({"locationId": location, "ids": [contact], "businessId": "b1"})).await;
    let business = client.get(&format!("/contacts/business/b1?locationId={location}")).await;
    assert_eq!(business["count"], 1);
    let tags = json!({"contacts": [contact, "nobody"], "tags": ["Bulk"], "locationId": location});
    let bulk = client.ok("POST", "/contacts/bulk/tags/update/add", tags).await;
    assert_eq!((&bulk["succeded"], &bulk["errorCount"]), (&json!(true), &json!(1)));

    client.ok("POST", &at("/tags"), json!({"tags": ["One", "two"]})).await;
    client.ok("DELETE", &at("/tags"), json!({"tags": ["two"]})).await;
    client.ok("POST", &at("/followers"), json!({"followers": [user]})).await;
    client.ok("DELETE", &at("/followers"), json!({"followers": [user]})).await;
    client.ok("POST", &at("/campaigns/c1"), json!({})).await;
    client.ok("DELETE", &at("/campaigns/c1"), Value::Null).await;
    client.ok("DELETE", &at("/campaigns/removeAll"), Value::Null).await;
    client.ok("POST", &at("/workflow/w1"), json!({"eventStartTime": "2026-03-04T10:00:00+00:00"})).await;
    client.ok("DELETE", &at("/workflow/w1"), json!({})).await;
    client.get(&at("/appointments")).await;

    let task =
        json!({"title": "Call", "body": "Soon", "dueDate": "2026-03-05T10:00:00Z", "completed": false, "assignedTo": user});
    let task = client.ok("POST", &at("/tasks"), task).await;
    let task_at = at(&format!("/tasks/{}", id(&task["task"])));
    client.get(&task_at).await;
    client.get(&at("/tasks")).await;
    let changed = client.ok("PUT", &task_at, json!({"title": "Call again"})).await;
    assert_eq!((&changed["task"]["title"], &changed["task"]["body"]), (&json!("Call again"), &json!("Soon")));
    let done = client.ok("PUT", &format!("{task_at}/completed"), json!({"completed": true})).await;
    assert_eq!(done["task"]["completed"], true);
    client.ok("DELETE", &task_at, Value::Null).await;
    assert_eq!(client.call("GET", &task_at, Value::Null).await.status, 404);

    let note = client.ok("POST", &at("/notes"), json!({"body": "Hello", "userId": user, "pinned": true})).await;
    let note_at = at(&format!("/notes/{}", id(&note["note"])));
    client.get(&note_at).await;
    client.get(&at("/notes")).await;
    let changed = client.ok("PUT", &note_at, json!({"body": "Hello again"})).await;
    assert_eq!((&changed["note"]["body"], &changed["note"]["pinned"]), (&json!("Hello again"), &json!(true)));
    client.ok("DELETE", &note_at, Value::Null).await;
    client.ok("DELETE", &at(""), Value::Null).await;
    assert_eq!(client.call("GET", &at(""), Value::Null).await.status, 404);

    let left: Vec<_> = client.not_called("highlevel").into_iter().filter(|it| it.starts_with("highlevel.contacts.")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn every_operation_on_calendars_answers_as_the_catalogue_says() {
    let client = unlimited().await;
    let access = client.sandbox.access().highlevel.clone();
    let (location, user) = (access.location_id, access.user_id);
    let contact = client.contact(json!({"name": "Iris Calder", "email": "iris.calder@example.com"})).await;

    let group = json!({"locationId": location, "name": "Evening", "description": "After five", "slug": "evening"});
    let group = client.ok("POST", "/calendars/groups", group).await;
    let group = id(&group["group"]).to_owned();
    let group_at = format!("/calendars/groups/{group}");
    let slug = client.ok("POST", "/calendars/groups/validate-slug", json!({"locationId": location, "slug": "evening"})).await;
    assert_eq!(slug["available"], false);
    client.ok("PUT", &group_at, json!({"name": "Late", "description": "After six", "slug": "late"})).await;
    client.ok("PUT", &format!("{group_at}/status"), json!({"isActive": false})).await;
    let groups = client.get(&format!("/calendars/groups?locationId={location}")).await;
    assert_eq!(groups["groups"].as_array().unwrap().len(), 2);

    let calendar = json!({
        "locationId": location, "groupId": group, "name": "Evening visits", "slotDuration": 60, "slotInterval": 60,
        "teamMembers": [{"userId": user}],
        "openHours": [{"daysOfTheWeek": [1, 2, 3, 4, 5], "hours": [{"openHour": 17, "openMinute": 0, "closeHour": 20, "closeMinute": 0}]}],
    });
    let calendar = client.ok("POST", "/calendars/", calendar).await;
    let calendar = id(&calendar["calendar"]).to_owned();
    let at = |rest: &str| format!("/calendars/{calendar}{rest}");
    client.get(&at("")).await;
    client.get(&format!("/calendars/?locationId={location}")).await;
    let changed = client.ok("PUT", &at(""), json!({"description": "In the evening"})).await;
    assert_eq!(
        (&changed["calendar"]["description"], &changed["calendar"]["slotDuration"]),
        (&json!("In the evening"), &json!(60))
    );
    let (from, to) = (1_772_600_400_000_i64, 1_772_686_800_000_i64);
    let slots = client.get(&at(&format!("/free-slots?startDate={from}&endDate={to}"))).await;
    assert_eq!(slots["2026-03-04"]["slots"][0], "2026-03-04T17:00:00-05:00");

    let booking = json!({
        "calendarId": calendar, "locationId": location, "contactId": contact, "title": "Talk",
        "startTime": "2026-03-04T17:00:00-05:00", "endTime": "2026-03-04T18:00:00-05:00",
    });
    let booked = client.ok("POST", "/calendars/events/appointments", booking).await;
    let event = id(&booked).to_owned();
    let event_at = format!("/calendars/events/appointments/{event}");
    client.get(&event_at).await;
    let changed = client.ok("PUT", &event_at, json!({"appointmentStatus": "showed"})).await;
    assert_eq!(changed["appointmentStatus"], "showed");
    let listed =
        client.get(&format!("/calendars/events?locationId={location}&calendarId={calendar}&startTime={from}&endTime={to}")).await;
    assert_eq!(listed["events"][0]["id"], json!(event));
    let own = client.get(&format!("/contacts/{contact}/appointments")).await;
    assert_eq!(own["events"][0]["startTime"], "2026-03-04 17:00:00");

    let notes = format!("/calendars/appointments/{event}/notes");
    let note = client.ok("POST", &notes, json!({"body": "Bring tea", "userId": user})).await;
    let note_at = format!("{notes}/{}", id(&note["note"]));
    client.get(&format!("{notes}?limit=10&offset=0")).await;
    client.ok("PUT", &note_at, json!({"body": "Bring coffee"})).await;
    client.ok("DELETE", &note_at, Value::Null).await;

    let block = json!({
        "calendarId": calendar, "locationId": location, "title": "Away",
        "startTime": "2026-03-05T17:00:00-05:00", "endTime": "2026-03-05T20:00:00-05:00",
    });
    let mut block = client.ok("POST", "/calendars/events/block-slots", block).await;
    let block_id = id(&block).to_owned();
    block["title"] = json!("Still away");
    let changed = client.call("PUT", &format!("/calendars/events/block-slots/{block_id}"), block).await;
    assert_eq!((changed.status, &changed.body["title"]), (201, &json!("Still away")));
    let path =
        format!("/calendars/blocked-slots?locationId={location}&calendarId={calendar}&startTime={from}&endTime=1772800000000");
    assert_eq!(client.get(&path).await["events"].as_array().unwrap().len(), 1);
    assert_eq!(client.call("DELETE", &format!("/calendars/events/{event}"), json!({})).await.status, 201);
    assert_eq!(client.call("GET", &event_at, Value::Null).await.status, 404);

    let room = json!({
        "locationId": location, "name": "Attic", "description": "Quiet", "quantity": 1, "outOfService": 0, "capacity": 4,
        "calendarIds": [calendar],
    });
    let room = client.ok("POST", "/calendars/resources/rooms", room).await;
    let room_at = format!("/calendars/resources/rooms/{}", id(&room));
    client.get(&room_at).await;
    client.get(&format!("/calendars/resources/rooms?locationId={location}&limit=10&skip=0")).await;
    client.ok("PUT", &room_at, json!({"capacity": 5})).await;
    client.ok("DELETE", &room_at, Value::Null).await;

    let sent = json!([{"receiverType": "contact", "channel": "email", "notificationType": "booked", "subject": "Booked"}]);
    let made = client.ok("POST", &at("/notifications"), sent).await;
    let notification = at(&format!("/notifications/{}", made[0]["_id"].as_str().unwrap()));
    client.get(&notification).await;
    client.get(&at("/notifications")).await;
    client.ok("PUT", &notification, json!({"isActive": false})).await;
    client.ok("DELETE", &notification, Value::Null).await;
    assert_eq!(client.call("GET", &notification, Value::Null).await.status, 404);

    let schedule = json!({
        "locationId": location, "name": "Summer", "userId": user, "timezone": "America/New_York",
        "rules": [{"type": "wday", "day": "monday", "intervals": [{"from": "08:00", "to": "12:00"}]}],
    });
    let schedule = client.ok("POST", "/calendars/schedules", schedule).await;
    let schedule_at = format!("/calendars/schedules/{}", id(&schedule["schedule"]));
    client.get(&schedule_at).await;
    client.ok("PUT", &schedule_at, json!({"name": "High summer"})).await;
    client.ok("PUT", &format!("{schedule_at}/associations/{calendar}"), Value::Null).await;
    let found =
        client.get(&format!("/calendars/schedules/search?locationId={location}&userId={user}&calendarId={calendar}")).await;
    assert_eq!(found["schedules"][0]["name"], "High summer");
    client.ok("DELETE", &format!("{schedule_at}/associations/{calendar}"), Value::Null).await;
    client.ok("DELETE", &schedule_at, Value::Null).await;

    client.ok("DELETE", &at(""), Value::Null).await;
    client.ok("DELETE", &group_at, Value::Null).await;
    let left: Vec<_> = client.not_called("highlevel").into_iter().filter(|it| it.starts_with("highlevel.calendars.")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn every_operation_of_schedule_it_answers_as_the_catalogue_says() {
    let client = unlimited().await;
    let group = client.ok_form("POST", "/groups", &[("name", "Partners"), ("positionv", "4")]).await;
    let group = id(&group).to_owned();
    client.ok_form("POST", &format!("/groups/{group}"), &[("name", "Good partners")]).await;
    assert_eq!(client.ok_form("GET", &format!("/groups/{group}"), &[]).await["name"], "Good partners");
    client.ok_form("GET", "/groups", &[]).await;

    let resource = [("name", "Iris Calder"), ("owner", &*group), ("email", "iris.calder@example.com"), ("data1", "New")];
    let resource = client.ok_form("POST", "/resources", &resource).await;
    let resource = id(&resource).to_owned();
    client.ok_form("POST", &format!("/resources/{resource}"), &[("data1", "Known")]).await;
    assert_eq!(client.ok_form("GET", &format!("/resources/{resource}"), &[]).await["data1"], "Known");
    client.ok_form("GET", "/resources", &[]).await;

    let (start, end) = ("2026-03-05 10:00:00", "2026-03-05 11:00:00");
    let event = [("title", "Talk"), ("owner", &*resource), ("date_start", start), ("date_end", end), ("custom1", "x")];
    let event = client.ok_form("POST", "/events", &event).await;
    assert_eq!(
        (&event["status"], &event["status_code"], &event["active_workspace"]),
        (&json!("success"), &json!("200"), &json!("10482"))
    );
    let event = id(&event).to_owned();
    let changed = client.ok_form("POST", &format!("/events/{event}"), &[("notes", "Bring tea"), ("completed", "1")]).await;
    assert_eq!((&changed["notes"], &changed["title"]), (&json!("Bring tea"), &json!("Talk")));
    let read = client.ok_form("GET", &format!("/events/{event}"), &[]).await;
    assert_eq!((&read["owner_names_simple"], &read["date_start_utc"]), (&json!("Iris Calder"), &json!("2026-03-05 15:00:00")));
    client.ok_form("GET", "/events", &[]).await;
    let labels = client.ok_form("GET", "/labels", &[]).await;
    client.ok_form("GET", &format!("/labels/{}", id(&labels[0])), &[]).await;

    for path in [format!("/events/{event}"), format!("/resources/{resource}"), format!("/groups/{group}")] {
        let gone = client.ok_form("DELETE", &path, &[]).await;
        assert_eq!(gone["status"], "success");
        assert_eq!(client.form("GET", &path, &[]).await.status, 404, "{path}");
    }
    assert!(client.not_called("schedule_it").is_empty(), "{:?}", client.not_called("schedule_it"));
}

#[tokio::test]
async fn every_operation_on_contacts_calendars_and_schedule_it_has_a_behaviour_of_its_own() {
    use crate::sandbox::service::Service;
    let client = Client::start().await;
    for service in Service::ALL {
        let connector = client.catalog.connector(&crate::catalog::ConnectorId::new(service.connector())).unwrap();
        let documents = ["contacts", "calendars", "events", "resources", "groups", "labels"];
        for operation in connector.operations.values().filter(|it| documents.contains(&it.id.document())) {
            assert!(service.behaviour(operation).is_some(), "{}", operation.id);
        }
    }
}

#[tokio::test]
async fn every_list_of_the_seed_has_something_in_it() {
    let client = unlimited().await;
    let location = client.location().to_owned();
    let calendar = client.sandbox.access().highlevel.calendar_id.clone();
    let contact = client.sandbox.records("contacts")[0]["id"].as_str().unwrap().to_owned();
    let appointment = client.sandbox.records("appointments")[0]["id"].as_str().unwrap().to_owned();
    let window = "startTime=1771000000000&endTime=1774000000000";
    let lists = [
        format!("/contacts/?locationId={location}"),
        format!("/contacts/{contact}/tasks"),
        format!("/contacts/{contact}/notes"),
        format!("/contacts/{contact}/appointments"),
        format!("/calendars/?locationId={location}"),
        format!("/calendars/groups?locationId={location}"),
        format!("/calendars/events?locationId={location}&calendarId={calendar}&{window}"),
        format!("/calendars/blocked-slots?locationId={location}&calendarId={calendar}&{window}"),
        format!("/calendars/appointments/{appointment}/notes?limit=10&offset=0"),
        format!("/calendars/resources/rooms?locationId={location}&limit=10&skip=0"),
        format!("/calendars/resources/equipments?locationId={location}&limit=10&skip=0"),
        format!("/calendars/{calendar}/notifications"),
        format!("/calendars/{calendar}/free-slots?startDate=1772460000000&endDate=1772800000000"),
    ];
    for path in lists {
        let body = client.get(&path).await;
        let filled =
            |it: &Value| it.as_array().is_some_and(|it| !it.is_empty()) || it.as_object().is_some_and(|it| !it.is_empty());
        assert!(filled(&body) && (body.is_array() || body.as_object().unwrap().values().any(filled)), "{path}: {body}");
    }
    for user in client.sandbox.records("users") {
        let path = format!("/calendars/schedules/search?locationId={location}&userId={}", id(&user));
        assert_eq!(client.get(&path).await["schedules"].as_array().unwrap().len(), 1);
    }
    for path in ["/events", "/resources", "/groups", "/labels"] {
        assert!(!client.ok_form("GET", path, &[]).await.as_array().unwrap().is_empty(), "{path}");
    }
}
