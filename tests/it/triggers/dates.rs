//! Flows that start when a date of a record comes, on a clock that stands still but for what a test lets pass: what counts is what
//! the services' own record says was done.
use flowyard::engine::JournalOptions;
use flowyard::flow::Flow;
use flowyard::journal::Journal;
use flowyard::sandbox::{self, Deed};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::reminders::{Kind, Stand, id_of, services};
use super::schedules::Still;
use super::{by_hand, fields};

const NOTED: Kind = Kind("highlevel.contacts.create-note");
const WRITTEN: Kind = Kind("schedule_it.events.create-event");

/// Notes each contact whose date comes.
fn notes(watch: &Value) -> Flow {
    let file = json!({
        "flowyard": 1, "id": "dates", "name": "Dates", "slots": { "crm": "highlevel" },
        "nodes": {
            "comes": { "name": "A date comes", "kind": "trigger", "trigger": "event", "event": "highlevel.poll.contact-date",
                "slot": "crm", "watch": watch },
            "note": { "name": "Note it", "kind": "action", "operation": "highlevel.contacts.create-note", "slot": "crm",
                "input": { "contactId": { "expr": "comes.id" }, "body": { "text": "{{ comes.firstName }}: {{ comes.dateOfBirth | default('') }}" } } }
        },
        "edges": [{ "from": "comes", "port": "out", "to": "note" }]
    });
    Flow::parse(file.to_string().as_bytes()).expect("a sound file")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

struct Scene {
    dir: TempDir,
    sandbox: sandbox::Handle,
    flow: Flow,
    stand: Option<Stand>,
    _still: Still,
}

impl Scene {
    async fn open(now: &str, flow: Flow) -> Self {
        let still = Still::new();
        let (sandbox, clock) = services(at(now)).await;
        let dir = tempfile::tempdir().expect("a directory");
        let stand = Stand::start(dir.path(), &sandbox, &flow, clock).await;
        Self { dir, sandbox, flow, stand: Some(stand), _still: still }
    }

    /// What is in the record of the services at a time.
    async fn at(&mut self, then: &str, kind: Kind, count: usize) {
        self.stand.as_mut().expect("an engine").until(at(then), count, kind).await;
    }

    /// Nothing runs until then.
    async fn away(&mut self, until: &str) {
        let stand = self.stand.take().expect("an engine");
        let clock = stand.clock;
        stand.end().await;
        let left = at(until).duration_since(clock.now());
        tokio::time::advance(left.try_into().expect("it lies ahead")).await;
        self.stand = Some(Stand::start(self.dir.path(), &self.sandbox, &self.flow, clock).await);
    }

    fn contact(&self, name: &str, fields: &[(&str, Value)]) -> String {
        let mut all = map(fields);
        all.insert("firstName".to_owned(), name.into());
        by_hand(&self.sandbox, "contacts", Deed::Add(all))
    }

    fn change(&self, id: &str, fields: &[(&str, Value)]) {
        by_hand(&self.sandbox, "contacts", Deed::Change { id: id.to_owned(), fields: map(fields) });
    }

    async fn end(self) {
        if let Some(stand) = self.stand {
            stand.end().await;
        }
        self.sandbox.stop().await;
    }
}

fn map(fields: &[(&str, Value)]) -> Map<String, Value> {
    fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_birthday_comes_each_year_three_days_before_and_is_planned_anew_when_it_is_another() {
    let birthday = json!({ "field": "dateOfBirth", "yearly": true, "at": "9:00", "zone": "America/New_York" });
    let mut scene = Scene::open("2026-05-01T12:00:00Z", notes(&json!({ "ahead": "3 days", "date": birthday }))).await;
    // June was born on 12 May 1984, and nobody else has a date of birth.
    let june = id_of(&scene.sandbox, "contacts", "firstName", "June");
    scene.at("2026-05-09T12:59:00Z", NOTED, 0).await;
    scene.at("2026-05-09T13:01:00Z", NOTED, 1).await;
    scene.at("2026-05-09T20:00:00Z", NOTED, 1).await;
    // The year was wrong: the same day does not come twice. Then the day, too: it comes anew.
    scene.change(&june, &[("dateOfBirth", json!("1985-05-12"))]);
    scene.at("2026-05-10T00:00:00Z", NOTED, 1).await;
    scene.change(&june, &[("dateOfBirth", json!("1985-06-20"))]);
    scene.at("2026-06-17T12:59:00Z", NOTED, 1).await;
    scene.at("2026-06-17T13:01:00Z", NOTED, 2).await;
    // Over a restart, and on to the next year.
    scene.away("2026-06-18T00:00:00Z").await;
    scene.at("2026-06-19T00:00:00Z", NOTED, 2).await;
    scene.at("2027-06-17T12:59:00Z", NOTED, 2).await;
    scene.at("2027-06-17T13:01:00Z", NOTED, 3).await;
    let notes = scene.sandbox.records("notes");
    let of_june = |text: &str| notes.iter().filter(|it| it["contactId"] == *june && it["body"] == text).count();
    assert_eq!((of_june("June: 1984-05-12"), of_june("June: 1985-06-20")), (1, 2));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_date_that_is_gone_comes_no_more_and_one_that_came_while_nothing_ran_counts_for_a_day() {
    let ends = json!({ "field": "customFields.ends", "at": "9:00", "zone": "Europe/Berlin" });
    let mut scene = Scene::open("2026-05-01T12:00:00Z", notes(&json!({ "ahead": "-2 days", "date": ends }))).await;
    let until = |day: &str| [("customFields", json!([{ "id": "ends", "value": day }]))];
    let (kept, emptied, deleted) = (
        scene.contact("Kept", &until("2026-05-10")),
        scene.contact("Emptied", &until("2026-05-10")),
        scene.contact("Deleted", &until("2026-05-10")),
    );
    scene.at("2026-05-11T00:00:00Z", NOTED, 0).await;
    scene.change(&emptied, &until(""));
    by_hand(&scene.sandbox, "contacts", Deed::Remove { id: deleted });
    scene.at("2026-05-12T06:59:00Z", NOTED, 0).await;
    scene.at("2026-05-12T07:01:00Z", NOTED, 1).await;
    // It came at nine, and nothing ran until the evening.
    scene.change(&kept, &until("2026-05-20"));
    scene.at("2026-05-21T00:00:00Z", NOTED, 1).await;
    scene.away("2026-05-22T18:00:00Z").await;
    scene.at("2026-05-22T18:01:00Z", NOTED, 2).await;
    scene.away("2026-05-22T20:00:00Z").await;
    scene.at("2026-05-22T20:01:00Z", NOTED, 2).await;
    // Nothing ran for days: that is over.
    scene.change(&kept, &until("2026-06-01"));
    scene.at("2026-06-02T00:00:00Z", NOTED, 2).await;
    scene.away("2026-06-05T00:00:00Z").await;
    scene.at("2026-06-05T00:01:00Z", NOTED, 2).await;
    // A day that was over before somebody wrote it down, and one that lies ahead.
    scene.change(&kept, &until("2026-05-30"));
    scene.at("2026-06-05T01:00:00Z", NOTED, 2).await;
    scene.change(&kept, &until("2026-06-04"));
    scene.at("2026-06-06T07:01:00Z", NOTED, 3).await;
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn dates_that_a_first_look_had_found_before_a_crash_broke_it_off_come_all_the_same() {
    let birthday = json!({ "field": "dateOfBirth", "yearly": true, "at": "9:00", "zone": "America/New_York" });
    let mut scene = Scene::open("2026-05-10T12:00:00Z", notes(&json!({ "date": birthday }))).await;
    scene.at("2026-05-10T13:00:00Z", NOTED, 0).await;
    let stand = scene.stand.take().expect("an engine");
    let clock = stand.clock;
    stand.end().await;
    // As a crash leaves it: what was found of the records is on the disk, and not that the look has ended.
    let journal = Journal::open(scene.dir.path(), JournalOptions::default()).expect("a journal");
    for scope in journal.reader().scopes("poll:").expect("scopes") {
        assert!(journal.reader().states(&scope).expect("states").iter().any(|(key, _)| !key.is_empty()), "June is remembered");
        journal.put_state(&scope, "", &Value::Null).wait().expect("it is written");
    }
    journal.close();
    scene.stand = Some(Stand::start(scene.dir.path(), &scene.sandbox, &scene.flow, clock).await);
    scene.at("2026-05-12T12:59:00Z", NOTED, 0).await;
    scene.at("2026-05-12T13:01:00Z", NOTED, 1).await;
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn days_after_a_contact_was_added_come_for_new_contacts_and_for_those_who_were_there() {
    let added = json!({ "field": "dateAdded", "zone": "UTC" });
    let mut scene = Scene::open("2026-05-01T12:00:00Z", notes(&json!({ "ahead": "-5 days", "date": added }))).await;
    let due =
        scene.sandbox.records("contacts").iter().filter(|it| it["dateAdded"].as_str() > Some("2026-04-26T12:00:00")).count();
    scene.at("2026-05-01T13:00:00Z", NOTED, 0).await;
    scene.contact("Ada", &[]);
    let stand = scene.stand.as_mut().expect("an engine");
    // What came more than a day before a look is over: it is looked at each day.
    for day in 2..=6 {
        let then = at(&format!("2026-05-0{day}T12:59:00Z"));
        stand.pass(then).await;
    }
    scene.at("2026-05-06T12:59:30Z", NOTED, due).await;
    scene.at("2026-05-06T13:01:00Z", NOTED, due + 1).await;
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn hours_after_the_end_of_an_event_come_by_the_clocks_of_a_place_where_every_look_reads_all() {
    let file = json!({
        "flowyard": 1, "id": "after", "name": "After", "slots": { "calendar": "schedule_it" },
        "nodes": {
            "comes": { "name": "A date comes", "kind": "trigger", "trigger": "event", "event": "schedule_it.poll.event-date",
                "slot": "calendar", "watch": { "ahead": "-2 hours", "date": { "field": "date_end", "zone": "America/New_York" } } },
            "visit": { "name": "Only visits", "kind": "branch", "condition": { "expr": "comes.title == 'Visit'" } },
            "write": { "name": "Write", "kind": "action", "operation": "schedule_it.events.create-event", "slot": "calendar",
                "input": { "title": { "value": "Follow up" }, "owner": { "expr": "comes.owner" },
                    "date_start": { "value": "2030-01-01 09:00:00" }, "date_end": { "value": "2030-01-01 10:00:00" } } }
        },
        "edges": [{ "from": "comes", "port": "out", "to": "visit" }, { "from": "visit", "port": "true", "to": "write" }]
    });
    let flow = Flow::parse(file.to_string().as_bytes()).expect("a sound file");
    let mut scene = Scene::open("2026-05-01T12:00:00Z", flow).await;
    let owner = id_of(&scene.sandbox, "resources", "name", "Ravi Menon");
    let visit = |start: &str, end: &str| {
        fields(&[("title", "Visit"), ("owner", owner.as_str()), ("date_start", start), ("date_end", end)])
    };
    let first = by_hand(&scene.sandbox, "events", Deed::Add(visit("2026-05-02 10:00:00", "2026-05-02 11:00:00")));
    let gone = by_hand(&scene.sandbox, "events", Deed::Add(visit("2026-05-02 10:00:00", "2026-05-02 11:00:00")));
    scene.at("2026-05-02T16:59:00Z", WRITTEN, 0).await;
    by_hand(&scene.sandbox, "events", Deed::Remove { id: gone });
    scene.at("2026-05-02T17:01:00Z", WRITTEN, 1).await;
    by_hand(&scene.sandbox, "events", Deed::Change { id: first, fields: visit("2026-05-04 10:00:00", "2026-05-04 11:00:00") });
    scene.at("2026-05-04T16:59:00Z", WRITTEN, 1).await;
    scene.away("2026-05-04T18:00:00Z").await;
    scene.at("2026-05-04T18:01:00Z", WRITTEN, 2).await;
    scene.away("2026-05-04T19:00:00Z").await;
    scene.at("2026-05-05T19:00:00Z", WRITTEN, 2).await;
    scene.end().await;
}
