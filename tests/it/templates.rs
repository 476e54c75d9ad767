//! The flows that ship, each run against the sandbox; what counts is what the services' own record says was done.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flowyard::catalog::{Catalog, OperationId};
use flowyard::engine::{self, CallSettings, Clock, Deployment, Event, JournalOptions, Limits, Mode, Settings};
use flowyard::flow::{CheckContext, Flow, NodeKind};
use flowyard::run::Outcome;
use flowyard::sandbox::{self, Deed, Effect, Fault, FaultKind, Faults, Handle, Options, Table};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::services::{connections, sample, template, templates};

/// Nothing here takes long; what does is stuck.
const PATIENCE: Duration = Duration::from_mins(1);
/// Set to anything, the shipped flows are written anew in the order that the file format keeps.
const WRITE: &str = "FLOWYARD_WRITE_ASSETS";

/// Both services, and an engine whose connections lead there.
struct World {
    sandbox: Handle,
    engine: engine::Handle,
    _data: tempfile::TempDir,
}

impl World {
    async fn new(flow: &Flow) -> Self {
        let catalog = Catalog::shipped();
        let sandbox = sandbox::start(&catalog, Options::default()).await.expect("a sandbox");
        let data = tempfile::tempdir().expect("a directory");
        let engine = engine::start(Settings {
            data: data.path().to_owned(),
            journal: JournalOptions::default(),
            catalog,
            connections: connections(sandbox.access()),
            vault: engine::Vault::in_memory(),
            mode: Mode::Sandbox,
            flows: vec![Deployment::quiet(Arc::new(flow.clone()), BTreeMap::new())],
            listen: None,
            clock: Clock::System,
            calls: CallSettings::default(),
            limits: Limits::default(),
            recover: true,
        })
        .await
        .expect("an engine");
        Self { sandbox, engine, _data: data }
    }

    /// Runs the flow once; what it changed, as `(effect, summary)`.
    async fn run(&self, flow: &Flow, payload: Value) -> (Outcome, Vec<(Effect, String)>) {
        let first = flow.nodes.iter().find(|(_, it)| matches!(it.kind, NodeKind::Trigger(_))).map(|(id, _)| id.as_str());
        self.run_from(flow, first, payload).await
    }

    /// The same from one of its triggers.
    async fn run_from(&self, flow: &Flow, trigger: Option<&str>, payload: Value) -> (Outcome, Vec<(Effect, String)>) {
        let before = self.sandbox.ledger().last().map_or(0, |it| it.seq + 1);
        let (watch, mut events) = mpsc::channel(64);
        self.engine
            .start(flow.id.clone(), trigger.map(Into::into), payload, Some(watch))
            .wait()
            .await
            .expect("an answer")
            .expect("a run");
        let ended = async {
            loop {
                if let Event::Ended { outcome, .. } = events.recv().await.expect("the run ends") {
                    return outcome;
                }
            }
        };
        let outcome = tokio::time::timeout(PATIENCE, ended).await.expect("the run is stuck");
        let changes =
            self.sandbox.ledger_since(before).into_iter().filter(|it| !matches!(it.effect, Effect::Read | Effect::None));
        (outcome, changes.map(|it| (it.effect, it.summary)).collect())
    }

    fn contact(&self, mail: &str) -> Value {
        self.find("contacts", "email", mail).expect("a contact")
    }

    /// Gives a contact a status, as somebody at the service would.
    fn give_status(&self, mail: &str, status: &str) {
        let field = self.find("custom_fields", "name", "Status").expect("the field")["id"].clone();
        let fields = json!({ "customFields": [{ "id": field, "value": status }] });
        let id = self.contact(mail)["id"].as_str().expect("an id").to_owned();
        let table = Table::ALL.iter().find(|it| it.collection == "contacts").expect("a table");
        let deed = Deed::Change { id, fields: fields.as_object().cloned().unwrap_or_default() };
        self.sandbox.by_hand(table, deed).expect("it is allowed");
    }

    fn find(&self, collection: &str, field: &str, value: &str) -> Option<Value> {
        self.sandbox
            .records(collection)
            .into_iter()
            .find(|it| it[field].as_str().is_some_and(|it| it.eq_ignore_ascii_case(value)))
    }

    async fn end(self) {
        self.engine.stop().wait().await;
        self.sandbox.stop().await;
    }
}

fn collection(world: &World, name: &str) -> String {
    let all = world.sandbox.collections();
    all.iter().find(|it| it.ends_with(name)).unwrap_or_else(|| panic!("{name} among {all:?}")).clone()
}

#[test]
fn the_flows_that_ship_are_sound_and_written_in_order() {
    for path in templates() {
        let bytes = std::fs::read(&path).expect("a readable file");
        let flow = Flow::parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let problems = flow.check(&Catalog::shipped(), &CheckContext::default());
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
        assert!(!flow.description.is_empty(), "{}", path.display());
        assert_eq!(path.file_stem().and_then(|it| it.to_str()), Some(flow.id.as_str()));
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&path, flow.to_text()).expect("a writable file");
        } else {
            assert_eq!(String::from_utf8_lossy(&bytes), flow.to_text(), "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_contact_is_saved_on_both_sides_and_gets_a_proposed_appointment() {
    let flow = template("new-contact-to-calendar");
    let world = World::new(&flow).await;
    let (outcome, changes) = world.run(&flow, sample(&flow)).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(changes.iter().map(|it| it.0).collect::<Vec<_>>(), [Effect::Created; 3], "{changes:?}");
    let contact = world.find(&collection(&world, "contacts"), "email", "nora.castellan@example.com").expect("a contact");
    assert_eq!((contact["firstName"].as_str(), contact["phone"].as_str()), (Some("Nora"), Some("+12025550143")));
    let resource = world.find(&collection(&world, "resources"), "email", "nora.castellan@example.com").expect("a resource");
    let event = world.find(&collection(&world, "events"), "title", "Intro: Nora Castellan").expect("an event");
    assert_eq!(event["owner"], resource["id"]);
    assert_eq!(event["custom1"], contact["id"]);

    // The same person again: both sides are brought up to date, nothing is made twice but the proposal.
    let (outcome, changes) = world.run(&flow, sample(&flow)).await;
    assert_eq!(outcome, Outcome::Succeeded);
    let created = changes.iter().filter(|it| it.0 == Effect::Created).count();
    assert_eq!(created, 1, "{changes:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_status_reaches_the_next_appointment_and_the_tags() {
    let flow = template("status-to-calendar");
    let world = World::new(&flow).await;
    let (outcome, changes) = world.run(&flow, sample(&flow)).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(changes.iter().map(|it| it.0).collect::<Vec<_>>(), [Effect::Updated; 2], "{changes:?}");
    let event = world.find(&collection(&world, "events"), "title", "Review: Ada Brookfield").expect("an event");
    assert_eq!(event["notes"], "Bring the exercise plan.\nStatus: active");
    let tags = |world: &World| {
        world.find(&collection(world, "contacts"), "email", "ada.brookfield@example.com").expect("a contact")["tags"].clone()
    };
    assert_eq!(tags(&world), json!(["patient", "newsletter", "status: active"]));

    // A change of anything else is no news.
    let (outcome, changes) = world.run(&flow, sample(&flow)).await;
    assert_eq!((outcome, changes.len()), (Outcome::Succeeded, 0));

    // The next status takes the earlier one off.
    world.give_status("ada.brookfield@example.com", "Discharged");
    let (outcome, _) = world.run(&flow, sample(&flow)).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(tags(&world), json!(["patient", "newsletter", "status: discharged"]));

    // Someone without an appointment gets one; a status that the flow does not know is a failure in words.
    world.give_status("ravi.menon@example.com", "new");
    let (outcome, changes) = world.run(&flow, json!({ "id": world.contact("ravi.menon@example.com")["id"] })).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert!(changes.iter().any(|it| it.0 == Effect::Created && it.1.contains("Welcome call: Ravi Menon")), "{changes:?}");
    world.give_status("ravi.menon@example.com", "asleep");
    let (outcome, changes) = world.run(&flow, json!({ "id": world.contact("ravi.menon@example.com")["id"] })).await;
    assert!(matches!(outcome, Outcome::Failed(it) if it.title.contains("asleep")));
    assert!(changes.is_empty(), "{changes:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_appointment_becomes_a_task_that_is_completed_with_it() {
    let flow = template("appointment-to-task");
    let world = World::new(&flow).await;
    let task = |world: &World| {
        world
            .sandbox
            .records(&collection(world, "tasks"))
            .into_iter()
            .find(|it| it["title"].as_str().is_some_and(|it| it.starts_with("Follow up: Review")))
    };
    let (outcome, changes) = world.run(&flow, sample(&flow)).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(changes.iter().map(|it| it.0).collect::<Vec<_>>(), [Effect::Created], "{changes:?}");
    assert_eq!(task(&world).expect("a task")["completed"], json!(false));

    // The same event again makes no second task.
    let (_, changes) = world.run(&flow, sample(&flow)).await;
    assert_eq!(changes.iter().map(|it| it.0).collect::<Vec<_>>(), [Effect::Updated], "{changes:?}");

    // The appointment is over.
    let access = world.sandbox.access().schedule_it.clone();
    let id = sample(&flow)["id"].as_str().expect("an id").to_owned();
    let answer =
        reqwest::Client::builder().no_proxy().build().expect("a client").post(format!("{}/events/{id}", access.base_url));
    let answer = answer
        .basic_auth(access.user, Some(access.password))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("completed=1")
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_success());
    let (outcome, _) = world.run(&flow, sample(&flow)).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(task(&world).expect("a task")["completed"], json!(true));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_lost_after_the_effect_makes_no_second_task() {
    let flow = template("appointment-to-task");
    let world = World::new(&flow).await;
    let create = OperationId::new("highlevel.contacts.create-task");
    let lost = Fault::new(FaultKind::Cut).on(create.clone()).after_effect();
    world.sandbox.set_faults(Faults { next: [lost].into(), ..Faults::default() });
    let (outcome, changes) = world.run(&flow, sample(&flow)).await;
    assert_eq!(outcome, Outcome::Succeeded);
    let created = changes.iter().filter(|it| it.0 == Effect::Created).count();
    assert_eq!(created, 1, "looked up, found, and not made again: {changes:?}");
    let calls = world.sandbox.ledger().iter().filter(|it| it.operation == create).count();
    assert_eq!(calls, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_of_the_calendar_becomes_a_contact_and_a_room_does_not() {
    let flow = template("new-contact-to-calendar");
    let world = World::new(&flow).await;
    let customer = world.find("resources", "name", "Ravi Menon").expect("a customer");
    let room = world.find("resources", "name", "Studio").expect("a room");
    let (outcome, changes) = world.run_from(&flow, Some("new_customer"), json!({ "id": customer["id"] })).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(
        changes.iter().map(|it| it.0).collect::<Vec<_>>(),
        [Effect::Updated, Effect::Updated, Effect::Created],
        "{changes:?}"
    );
    let (outcome, changes) = world.run_from(&flow, Some("new_customer"), json!({ "id": room["id"] })).await;
    assert_eq!((outcome, changes), (Outcome::Succeeded, Vec::new()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_did_not_come_is_followed_up_once() {
    let flow = template("no-show-follow-up");
    let world = World::new(&flow).await;
    let (outcome, changes) = world.run(&flow, sample(&flow)).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(
        changes.iter().map(|it| it.0).collect::<Vec<_>>(),
        [Effect::Updated, Effect::Created, Effect::Created],
        "{changes:?}"
    );
    assert_eq!(world.contact("hugo.marchetti@example.com")["tags"], json!(["lead", "no-show"]));
    let task = world.find("tasks", "title", "Find another time: First visit: Hugo Marchetti (2026-03-02 15:00)");
    assert_eq!(task.expect("a task")["completed"], false);
    // The message comes again, and one of an appointment that somebody came to.
    let (outcome, changes) = world.run(&flow, sample(&flow)).await;
    assert_eq!((outcome, changes), (Outcome::Succeeded, Vec::new()));
    let mut came = sample(&flow);
    came["appointment"]["appointmentStatus"] = json!("showed");
    let (outcome, changes) = world.run(&flow, came).await;
    assert_eq!((outcome, changes), (Outcome::Succeeded, Vec::new()));
    world.end().await;
}
