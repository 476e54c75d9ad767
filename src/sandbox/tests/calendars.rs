//! Calendars: free slots, booking, blocks, schedules, repetitions.
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Client, id};

fn ms(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

/// A calendar of the test's own, open from nine to twelve on every day, half an hour each.
async fn calendar(client: &Client, more: Value) -> String {
    let mut body = json!({
        "locationId": client.location(), "name": "Own", "slotDuration": 30, "slotInterval": 30,
        "openHours": [{"daysOfTheWeek": [0, 1, 2, 3, 4, 5, 6], "hours": [{"openHour": 9, "openMinute": 0, "closeHour": 12, "closeMinute": 0}]}],
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = client.ok("POST", "/calendars/", body).await;
    id(&made["calendar"]).to_owned()
}

/// The free slots of a day in New York, as local times.
async fn slots(client: &Client, calendar: &str, date: &str) -> Vec<String> {
    slots_in(client, calendar, date, "").await
}

async fn slots_in(client: &Client, calendar: &str, date: &str, more: &str) -> Vec<String> {
    let (from, to) = (ms(&format!("{date}T04:30:00Z")), ms(&format!("{date}T04:30:00Z")) + 86_400_000 - 1);
    let body = client.get(&format!("/calendars/{calendar}/free-slots?startDate={from}&endDate={to}{more}")).await;
    let days = body.as_object().unwrap().values().flat_map(|it| it["slots"].as_array().unwrap().clone());
    days.map(|it| it.as_str().unwrap()[11..].to_owned()).collect()
}

async fn book(client: &Client, calendar: &str, start: &str, more: Value) -> super::Answer {
    let contact = id(&client.sandbox.records("contacts")[3]).to_owned();
    let mut body = json!({"calendarId": calendar, "locationId": client.location(), "contactId": contact, "startTime": start});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.call("POST", "/calendars/events/appointments", body).await
}

#[tokio::test]
async fn free_slots_follow_the_hours_the_duration_and_the_zone() {
    let client = Client::start().await;
    let own = calendar(&client, json!({})).await;
    let all = ["09:00:00-05:00", "09:30:00-05:00", "10:00:00-05:00", "10:30:00-05:00", "11:00:00-05:00", "11:30:00-05:00"];
    assert_eq!(slots(&client, &own, "2026-03-04").await, all);
    // Clocks have changed by then.
    assert_eq!(slots(&client, &own, "2026-03-09").await[0], "09:00:00-04:00");
    let berlin = slots_in(&client, &own, "2026-03-04", "&timezone=Europe/Berlin").await;
    assert_eq!(berlin[0], "15:00:00+01:00");
    let long = calendar(&client, json!({"name": "Long", "slotDuration": 2, "slotDurationUnit": "hours"})).await;
    assert_eq!(slots(&client, &long, "2026-03-04").await, ["09:00:00-05:00", "09:30:00-05:00", "10:00:00-05:00"]);
    let soon = json!({"name": "Soon", "allowBookingAfter": 1, "allowBookingAfterUnit": "days", "allowBookingFor": 2, "allowBookingForUnit": "days"});
    let soon = calendar(&client, soon).await;
    for (date, count) in [("2026-03-02", 0), ("2026-03-03", 6), ("2026-03-04", 1), ("2026-03-05", 0)] {
        assert_eq!(slots(&client, &soon, date).await.len(), count, "{date}");
    }
}

#[tokio::test]
async fn a_range_that_is_too_long_or_turned_around_is_refused() {
    let client = Client::start().await;
    let own = client.sandbox.access().highlevel.calendar_id.clone();
    for (from, to, more, status) in [
        (0_i64, 32 * 86_400_000_i64, "", 400),
        (5, 5, "", 400),
        (0, 86_400_000, "&timezone=Mars/Base", 422),
        (i64::MIN, i64::MAX, "", 400),
        (i64::MAX - 9, i64::MAX, "", 400),
        (253_370_764_800_000, 253_370_851_200_000, "", 200),
    ] {
        let answer =
            client.call("GET", &format!("/calendars/{own}/free-slots?startDate={from}&endDate={to}{more}"), Value::Null).await;
        assert_eq!(answer.status, status, "{from} {to} {more}");
    }
    let answer = client.call("GET", &format!("/calendars/{own}/free-slots?startDate=soon"), Value::Null).await;
    let wanted = json!(["startDate must be a number conforming to the specified constraints", "endDate should not be empty"]);
    assert_eq!((answer.status, &answer.body["message"]), (422, &wanted));
}

#[tokio::test]
async fn booking_takes_the_slot_and_cancelling_gives_it_back() {
    let client = Client::start().await;
    let own = calendar(&client, json!({})).await;
    let booked = book(&client, &own, "2026-03-04T10:00:00-05:00", json!({})).await;
    assert_eq!((booked.status, &booked.body["endTime"]), (200, &json!("2026-03-04T10:30:00-05:00")));
    assert_eq!((&booked.body["title"], &booked.body["appointmentStatus"]), (&json!("Elias Vance"), &json!("confirmed")));
    assert!(!slots(&client, &own, "2026-03-04").await.contains(&"10:00:00-05:00".to_owned()));
    let again = book(&client, &own, "2026-03-04T15:00:00Z", json!({})).await;
    assert_eq!((again.status, &again.body["message"]), (400, &json!("The slot you have selected is no longer available.")));

    let path = format!("/calendars/events/appointments/{}", id(&booked.body));
    let moved = client.call("PUT", &path, json!({"startTime": "2026-03-04T10:30:00-05:00"})).await;
    assert_eq!((moved.status, &moved.body["endTime"]), (200, &json!("2026-03-04T11:00:00-05:00")));
    assert_eq!(book(&client, &own, "2026-03-04T10:00:00-05:00", json!({})).await.status, 200);
    client.ok("PUT", &path, json!({"appointmentStatus": "cancelled"})).await;
    assert_eq!(book(&client, &own, "2026-03-04T10:30:00-05:00", json!({})).await.status, 200);
}

#[tokio::test]
async fn only_slots_can_be_booked_unless_the_check_is_waived() {
    let client = Client::start().await;
    let own = calendar(&client, json!({})).await;
    for start in
        ["2026-03-04T10:10:00-05:00", "2026-03-04T08:00:00-05:00", "2026-03-04T11:45:00-05:00", "2026-03-01T10:00:00-05:00"]
    {
        assert_eq!(book(&client, &own, start, json!({})).await.status, 400, "{start}");
        assert_eq!(book(&client, &own, start, json!({"ignoreFreeSlotValidation": true})).await.status, 200, "{start}");
    }
    let backwards = json!({"endTime": "2026-03-04T09:00:00-05:00", "ignoreFreeSlotValidation": true});
    assert_eq!(book(&client, &own, "2026-03-04T10:00:00-05:00", backwards).await.status, 400);
    assert_eq!(book(&client, "nothing", "2026-03-04T10:00:00-05:00", json!({})).await.status, 404);
    assert_eq!(book(&client, &own, "tomorrow", json!({})).await.status, 422);
    assert_eq!(book(&client, &own, "2026-03-04T11:00:00-05:00", json!({"appointmentStatus": "maybe"})).await.status, 422);
}

#[tokio::test]
async fn seats_buffers_and_daily_limits_count() {
    let client = Client::start().await;
    let class = calendar(&client, json!({"name": "Class", "appoinmentPerSlot": 2, "calendarType": "class_booking"})).await;
    let statuses = [200, 200, 400];
    for status in statuses {
        assert_eq!(book(&client, &class, "2026-03-04T10:00:00-05:00", json!({})).await.status, status);
    }
    let buffered = calendar(&client, json!({"name": "Buffered", "slotBuffer": 15, "slotBufferUnit": "mins"})).await;
    assert_eq!(book(&client, &buffered, "2026-03-04T10:00:00-05:00", json!({})).await.status, 200);
    let left = slots(&client, &buffered, "2026-03-04").await;
    assert_eq!(left, ["09:00:00-05:00", "11:00:00-05:00", "11:30:00-05:00"]);
    let few = calendar(&client, json!({"name": "Few", "appoinmentPerDay": 1})).await;
    assert_eq!(book(&client, &few, "2026-03-04T10:00:00-05:00", json!({})).await.status, 200);
    assert!(slots(&client, &few, "2026-03-04").await.is_empty());
    assert_eq!(slots(&client, &few, "2026-03-05").await.len(), 6);
}

#[tokio::test]
async fn a_team_is_booked_member_by_member() {
    let client = Client::start().await;
    let users: Vec<String> = client.sandbox.records("users").iter().map(|it| id(it).to_owned()).collect();
    let team = json!({"name": "Team", "teamMembers": [{"userId": users[0]}, {"userId": users[1]}]});
    let team = calendar(&client, team).await;
    let first = book(&client, &team, "2026-03-06T10:00:00-05:00", json!({})).await.body;
    let second = book(&client, &team, "2026-03-06T10:00:00-05:00", json!({})).await.body;
    assert_eq!((&first["assignedUserId"], &second["assignedUserId"]), (&json!(users[0]), &json!(users[1])));
    assert_eq!(book(&client, &team, "2026-03-06T10:00:00-05:00", json!({})).await.status, 400);
    let busy = book(&client, &team, "2026-03-06T10:30:00-05:00", json!({"assignedUserId": users[1]})).await;
    assert_eq!(busy.status, 200);
    let free = slots_in(&client, &team, "2026-03-06", &format!("&userId={}", users[1])).await;
    assert!(!free.contains(&"10:30:00-05:00".to_owned()) && free.contains(&"11:00:00-05:00".to_owned()));
    assert!(slots_in(&client, &team, "2026-03-06", "&userId=nobody").await.is_empty());
}

#[tokio::test]
async fn a_block_slot_and_a_schedule_change_what_is_free() {
    let client = Client::start().await;
    let own = calendar(&client, json!({})).await;
    let block = json!({
        "calendarId": own, "locationId": client.location(), "title": "Away",
        "startTime": "2026-03-04T09:00:00-05:00", "endTime": "2026-03-04T11:00:00-05:00",
    });
    client.ok("POST", "/calendars/events/block-slots", block).await;
    assert_eq!(slots(&client, &own, "2026-03-04").await, ["11:00:00-05:00", "11:30:00-05:00"]);

    let schedule = json!({
        "locationId": client.location(), "name": "Late", "userId": "u", "timezone": "America/Chicago", "calendarIds": [own],
        "rules": [
            {"type": "wday", "day": "thursday", "intervals": [{"from": "18:00", "to": "19:00"}]},
            {"type": "date", "date": "2026-03-07", "intervals": [{"from": "10:00", "to": "10:30"}]},
        ],
    });
    client.ok("POST", "/calendars/schedules", schedule).await;
    assert!(slots(&client, &own, "2026-03-06").await.is_empty());
    assert_eq!(slots(&client, &own, "2026-03-05").await, ["19:00:00-05:00", "19:30:00-05:00"]);
    assert_eq!(slots(&client, &own, "2026-03-07").await, ["11:00:00-05:00"]);
}

#[tokio::test]
async fn a_repeating_appointment_is_listed_skipped_and_changed_one_by_one() {
    let client = Client::start().await;
    let own = calendar(&client, json!({})).await;
    let rule = json!({"rrule": "RRULE:FREQ=DAILY;COUNT=4", "ignoreFreeSlotValidation": true, "title": "Series"});
    let master = book(&client, &own, "2026-03-06T10:00:00-05:00", rule).await.body;
    assert_eq!((&master["isRecurring"], &master["startTime"]), (&json!(true), &json!("2026-03-06T10:00:00-05:00")));
    let window = format!("startTime={}&endTime={}", ms("2026-03-05T00:00:00Z"), ms("2026-03-20T00:00:00Z"));
    let path = format!("/calendars/events?locationId={}&calendarId={own}&{window}", client.location());
    let events = client.get(&path).await["events"].as_array().unwrap().clone();
    let starts: Vec<_> = events.iter().map(|it| it["startTime"].as_str().unwrap()).collect();
    let wanted =
        ["2026-03-06T10:00:00-05:00", "2026-03-07T10:00:00-05:00", "2026-03-08T10:00:00-04:00", "2026-03-09T10:00:00-04:00"];
    assert_eq!(starts, wanted);
    assert_eq!(id(&events[1]), format!("{}_{}_1800", id(&master), ms("2026-03-07T15:00:00Z")));
    assert!(!slots(&client, &own, "2026-03-09").await.contains(&"10:00:00-04:00".to_owned()));

    let (second, third) = (id(&events[1]), id(&events[2]));
    assert_eq!(client.call("DELETE", &format!("/calendars/events/{second}"), json!({})).await.status, 201);
    assert_eq!(client.call("GET", &format!("/calendars/events/appointments/{second}"), Value::Null).await.status, 404);
    let moved = json!({"startTime": "2026-03-08T11:00:00-04:00", "title": "Moved"});
    client.ok("PUT", &format!("/calendars/events/appointments/{third}"), moved).await;
    let events = client.get(&path).await["events"].as_array().unwrap().clone();
    let now: Vec<_> =
        events.iter().map(|it| (it["title"].as_str().unwrap(), &it["startTime"].as_str().unwrap()[5..13])).collect();
    assert_eq!(now, [("Series", "03-06T10"), ("Moved", "03-08T11"), ("Series", "03-09T10")]);
    let bad = json!({"rrule": "every day", "ignoreFreeSlotValidation": true});
    assert_eq!(book(&client, &own, "2026-03-06T10:00:00-05:00", bad).await.status, 422);
}

#[tokio::test]
async fn a_list_of_events_needs_a_calendar_a_user_or_a_group() {
    let client = Client::start().await;
    let window = format!("locationId={}&startTime=1771000000000&endTime=1774000000000", client.location());
    let bare = client.call("GET", &format!("/calendars/events?{window}"), Value::Null).await;
    assert_eq!(bare.status, 422);
    let calendar = client.sandbox.records("calendars")[0].clone();
    let of_calendar = client.get(&format!("/calendars/events?{window}&calendarId={}", id(&calendar))).await;
    let of_group = client.get(&format!("/calendars/events?{window}&groupId={}", calendar["groupId"].as_str().unwrap())).await;
    let of_user = client.get(&format!("/calendars/events?{window}&userId={}", client.sandbox.access().highlevel.user_id)).await;
    assert_eq!(of_calendar["events"].as_array().unwrap().len(), 6);
    assert_eq!((&of_calendar, &of_calendar), (&of_group, &of_user));
}

#[tokio::test]
async fn what_is_null_within_a_rule_or_a_notification_counts_as_missing() {
    // The answers are held against their schemas, which know no null there.
    let client = Client::start().await;
    let access = client.sandbox.access().highlevel.clone();
    let rule = json!({"type": "date", "day": null, "date": "2026-03-09", "intervals": [{"from": "09:00", "to": "12:00"}]});
    let schedule = json!({
        "name": "One day", "locationId": access.location_id, "userId": access.user_id, "timezone": "America/New_York", "rules": [rule],
    });
    let made = client.ok("POST", "/calendars/schedules", schedule).await;
    assert_eq!(made["schedule"]["rules"][0].get("day"), None);
    let notification = json!([{
        "receiverType": "contact", "channel": "email", "notificationType": "booked",
        "afterTime": [{"timeOffset": 1, "unit": null}],
    }]);
    let path = format!("/calendars/{}/notifications", access.calendar_id);
    let made = client.ok("POST", &path, notification).await;
    assert_eq!(made[0]["afterTime"], json!([{"timeOffset": 1}]));
}
