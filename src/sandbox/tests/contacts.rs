//! Contacts: duplicates, upserts and their traps, tags, children.
use serde_json::{Value, json};

use super::{Client, id};
use crate::sandbox::{Effect, Traps};

#[tokio::test]
async fn a_second_contact_with_the_same_email_or_phone_is_refused_and_the_first_is_named() {
    let client = Client::start().await;
    let first = client.contact(json!({"name": "Iris Calder", "email": "Iris@example.com", "phone": "+12025550150"})).await;
    for (field, value) in [("email", "iris@EXAMPLE.com"), ("phone", "202-555-0150")] {
        let answer = client.call("POST", "/contacts/", json!({"locationId": client.location(), field: value})).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body["meta"], json!({"contactId": first, "contactName": "Iris Calder", "matchingField": field}));
        assert_eq!(answer.body["message"], "This location does not allow duplicated contacts.");
    }
    let other = client.contact(json!({"email": "other@example.com"})).await;
    let moved = client.call("PUT", &format!("/contacts/{other}"), json!({"email": "iris@example.com"})).await;
    assert_eq!(moved.status, 400);
    client.ok("PUT", &format!("/contacts/{other}"), json!({"email": "other@example.com", "city": "Here"})).await;

    client.sandbox.set_traps(Traps { duplicates_allowed: true, ..Traps::default() });
    assert_ne!(client.contact(json!({"email": "iris@example.com"})).await, first);
}

#[tokio::test]
async fn an_update_replaces_the_tags_and_leaves_what_is_not_sent() {
    let client = Client::start().await;
    let contact = client.contact(json!({"name": "Iris Calder", "city": "Here", "tags": ["One", "ONE", "Two"]})).await;
    let path = format!("/contacts/{contact}");
    assert_eq!(client.get(&path).await["contact"]["tags"], json!(["one", "two"]));
    let added = client.ok("POST", &format!("{path}/tags"), json!({"tags": ["Three", "two"]})).await;
    assert_eq!((&added["tags"], &added["tagsAdded"]), (&json!(["one", "two", "three"]), &json!(["three"])));
    let changed = client.ok("PUT", &path, json!({"tags": ["Only"], "lastName": "Stone"})).await;
    assert_eq!(changed["succeded"], true);
    let contact = client.get(&path).await["contact"].clone();
    assert_eq!(contact["tags"], json!(["only"]));
    assert_eq!(
        (&contact["city"], &contact["name"], &contact["firstName"]),
        (&json!("Here"), &json!("Iris Stone"), &json!("Iris"))
    );
    let cleared = client.ok("PUT", &path, json!({"city": null})).await;
    assert!(cleared["contact"].get("city").is_none());
}

#[tokio::test]
async fn custom_fields_are_merged_by_id_and_answered_without_their_keys() {
    let client = Client::start().await;
    let fields = client.sandbox.records("custom_fields");
    let [status, sessions] = [0, 1].map(|it| id(&fields[it]).to_owned());
    let sent = json!([{"id": status, "field_value": "new"}, {"id": sessions, "field_value": 3}]);
    let contact = client.contact(json!({"name": "Iris", "customFields": sent})).await;
    let path = format!("/contacts/{contact}");
    client.ok("PUT", &path, json!({"customFields": [{"id": status, "key": "status", "field_value": "active"}]})).await;
    let stored = client.sandbox.record("contacts", &contact).unwrap()["customFields"].clone();
    assert_eq!(stored, json!([{"id": sessions, "value": 3}, {"id": status, "value": "active"}]));
}

#[tokio::test]
async fn upserting_twice_makes_one_contact() {
    let client = Client::start().await;
    let before = client.sandbox.records("contacts").len();
    let body = json!({"locationId": client.location(), "email": "iris@example.com", "firstName": "Iris"});
    let first = client.ok("POST", "/contacts/upsert", body.clone()).await;
    let second = client.ok("POST", "/contacts/upsert", body).await;
    assert_eq!((&first["new"], &second["new"]), (&json!(true), &json!(false)));
    assert_eq!(first["contact"]["id"], second["contact"]["id"]);
    assert!(first["traceId"].as_str().is_some_and(|it| it.len() == 36));
    assert_eq!(client.sandbox.records("contacts").len(), before + 1);
    let effects: Vec<Effect> = client.sandbox.ledger().iter().map(|it| it.effect).collect();
    assert_eq!(effects, [Effect::Created, Effect::Updated]);
}

#[tokio::test]
async fn an_upsert_with_a_second_email_loses_the_primary_unless_the_trap_is_off() {
    for trap in [true, false] {
        let client = Client::start().await;
        client.sandbox.set_traps(Traps { upsert_replaces_primary_email: trap, ..Traps::default() });
        let contacts = client.sandbox.records("contacts");
        let ravi = contacts.iter().find(|it| it["firstName"] == "Ravi").unwrap();
        let (primary, second) = (ravi["email"].as_str().unwrap(), ravi["additionalEmails"][0].as_str().unwrap());
        let body = json!({"locationId": client.location(), "email": second, "city": "Reston"});
        let answer = client.ok("POST", "/contacts/upsert", body).await;
        assert_eq!((&answer["contact"]["id"], &answer["new"]), (&ravi["id"], &json!(false)));
        let now = client.sandbox.record("contacts", id(ravi)).unwrap();
        assert_eq!(now["city"], "Reston");
        if trap {
            assert_eq!((now["email"].as_str().unwrap(), &now["additionalEmails"]), (second, &json!([])));
            let again = client.ok("POST", "/contacts/upsert", json!({"locationId": client.location(), "email": primary})).await;
            assert_eq!(again["new"], true, "nobody has the old primary any more");
        } else {
            assert_eq!((now["email"].as_str().unwrap(), &now["additionalEmails"]), (primary, &json!([second])));
        }
    }
}

#[tokio::test]
async fn an_upsert_with_the_phone_of_another_contact_drops_it_unless_the_trap_is_off() {
    let client = Client::start().await;
    let one = client.contact(json!({"email": "one@example.com"})).await;
    let other = client.contact(json!({"phone": "+12025550151"})).await;
    let body = json!({"locationId": client.location(), "email": "one@example.com", "phone": "+12025550151", "city": "Here"});
    let answer = client.ok("POST", "/contacts/upsert", body.clone()).await;
    assert_eq!((&answer["contact"]["id"], &answer["contact"]["city"]), (&json!(one), &json!("Here")));
    assert!(answer["contact"].get("phone").is_none());
    assert_eq!(client.sandbox.record("contacts", &other).unwrap()["phone"], "+12025550151");

    client.sandbox.set_traps(Traps { upsert_drops_conflicting_phone: false, ..Traps::default() });
    let answer = client.call("POST", "/contacts/upsert", body).await;
    assert_eq!((answer.status, &answer.body["meta"]["contactId"]), (400, &json!(other)));
}

#[tokio::test]
async fn a_task_or_note_is_found_only_below_its_own_contact() {
    let client = Client::start().await;
    let contacts = client.sandbox.records("contacts");
    let (own, other) = (id(&contacts[0]), id(&contacts[1]));
    for (collection, path) in [("tasks", "tasks"), ("notes", "notes")] {
        let records = client.sandbox.records(collection);
        let child = id(records.iter().find(|it| it["contactId"] == json!(own)).unwrap()).to_owned();
        assert_eq!(client.call("GET", &format!("/contacts/{own}/{path}/{child}"), Value::Null).await.status, 200);
        for method in ["GET", "DELETE"] {
            let answer = client.call(method, &format!("/contacts/{other}/{path}/{child}"), Value::Null).await;
            assert_eq!(answer.status, 404);
        }
    }
}

#[tokio::test]
async fn a_deleted_contact_takes_its_children_and_appointments_with_it() {
    let client = Client::start().await;
    let ada = client.sandbox.records("contacts")[0].clone();
    let own = |collection: &str| client.sandbox.records(collection).iter().filter(|it| it["contactId"] == ada["id"]).count();
    assert!(own("tasks") > 0 && own("notes") > 0 && own("appointments") > 0);
    client.ok("DELETE", &format!("/contacts/{}", id(&ada)), Value::Null).await;
    assert_eq!((own("tasks"), own("notes"), own("appointments")), (0, 0, 0));
    // The e-mail is free again.
    client.contact(json!({"email": ada["email"]})).await;
}

#[tokio::test]
async fn tasks_of_the_location_are_searched_by_what_they_are() {
    let client = Client::start().await;
    let all = client.sandbox.records("tasks");
    let search = async |body: Value| {
        let found = client.ok("POST", &format!("/locations/{}/tasks/search", client.location()), body).await;
        found["tasks"].as_array().unwrap().iter().map(|it| id(it).to_owned()).collect::<Vec<_>>()
    };
    let ids = |fits: &dyn Fn(&Value) -> bool| all.iter().filter(|it| fits(it)).map(|it| id(it).to_owned()).collect::<Vec<_>>();
    let first = &all[0];
    assert_eq!(search(json!({"limit": 100})).await, ids(&|_| true));
    let contact = json!({"contactId": [first["contactId"]], "limit": 100});
    assert_eq!(search(contact).await, ids(&|it| it["contactId"] == first["contactId"]));
    let title = first["title"].as_str().unwrap();
    assert_eq!(search(json!({"query": title.to_uppercase(), "limit": 100})).await, ids(&|it| it["title"] == title));
    assert_eq!(search(json!({"completed": true, "limit": 100})).await, ids(&|it| it["completed"] == true));
    assert_eq!(search(json!({"skip": 1, "limit": 1})).await, [id(&all[1])]);
}
