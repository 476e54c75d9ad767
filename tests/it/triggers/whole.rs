//! What a message lacks is read once it is on the disk: a step of the run, seen in the log as any request.
use std::collections::BTreeMap;
use std::path::Path;

use flowyard::catalog::OperationId;
use flowyard::flow::{Binding, Flow, Level, NodeId, NodeKind, Watch};
use flowyard::journal::Journal;
use flowyard::run::{Entry, RunId, StepKey};
use flowyard::sandbox::{Deed, DeliveryFaults};
use serde_json::{Value, json};

use super::messages::tell;
use super::{Stand, by_hand, fields, services, waiting};

/// Waits for an event, and writes a line that says this of it.
fn saying(event: &str, watch: Watch, words: &str) -> Flow {
    let mut flow = waiting("f", &format!("highlevel.webhook.{event}"), watch, BTreeMap::new());
    let say = std::sync::Arc::make_mut(flow.nodes.get_mut(&NodeId::new("say")).expect("a node"));
    say.kind = NodeKind::Log { level: Level::Info, message: Binding::text(words) };
    flow
}

/// Until a run has ended: the lines that it wrote, and whether it was well.
async fn ended(stand: &mut Stand) -> (RunId, Vec<String>, bool) {
    let mut lines = Vec::new();
    loop {
        match stand.next().await {
            super::Event::Journaled { entries, .. } => lines.extend(entries.iter().filter_map(|it| match it {
                Entry::Logged { message, .. } => Some(message.clone()),
                _ => None,
            })),
            super::Event::Ended { run, outcome } => return (run, lines, outcome == flowyard::run::Outcome::Succeeded),
            _ => {}
        }
    }
}

/// The statuses of the requests of a run's trigger.
fn requests(data: &Path, run: RunId) -> Vec<Option<u16>> {
    let reader = Journal::open_reader(data).expect("a journal");
    let all = reader.exchanges(run).expect("exchanges");
    all.iter().filter(|it| it.step == StepKey::new("t")).map(|it| it.exchange.answer.as_ref().map(|it| it.status)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_message_lacks_is_read_first_and_what_is_gone_is_taken_as_told() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let task = sandbox.records("tasks")[0].clone();
    let flow = saying("TaskCreate", Watch::default(), "{{ t.title }} for {{ t.contactId | default('nobody') }}");
    let mut stand = Stand::start(dir.path(), &sandbox, &[flow]).await;
    tell(&stand, DeliveryFaults::default());
    // As the service sends it: without whose task it is.
    let emit = |id: &Value, title: &Value| {
        let own = json!({ "id": id, "title": title, "contactId": null, "body": null, "assignedTo": null });
        let event = OperationId::new("highlevel.webhook.TaskCreate");
        sandbox.emit(&event, own.as_object().cloned().expect("fields")).expect("an event")
    };
    assert_eq!(emit(&task["id"], &task["title"]).payload["contactId"], Value::Null);
    let (run, lines, is_well) = ended(&mut stand).await;
    let text = |key: &str| task[key].as_str().expect("a text");
    assert_eq!((lines, is_well), (vec![format!("{} for {}", text("title"), text("contactId"))], true));
    let first = requests(dir.path(), run);
    emit(&json!("gone"), &json!("Nobody's"));
    let (run, lines, is_well) = ended(&mut stand).await;
    assert_eq!((lines, is_well), (vec!["Nobody's for nobody".to_owned()], true));
    assert_eq!((first, requests(dir.path(), run)), (vec![Some(200)], vec![Some(200)]));
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_removed_before_it_is_read_is_taken_as_told_and_one_that_is_not_to_be_read_is_not() {
    for (whole, expected) in [(Some(true), vec![Some(404)]), (None, vec![])] {
        let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
        let watch = Watch { whole, ..Watch::default() };
        let mut stand = Stand::start(dir.path(), &sandbox, &[saying("ContactUpdate", watch, "{{ t.city }}")]).await;
        let own = json!({ "id": "gone", "city": "Aachen" });
        tell(&stand, DeliveryFaults::default());
        let event = OperationId::new("highlevel.webhook.ContactUpdate");
        sandbox.emit(&event, own.as_object().cloned().expect("fields")).expect("an event");
        let (run, lines, is_well) = ended(&mut stand).await;
        assert_eq!((lines, is_well), (vec!["Aachen".to_owned()], true));
        assert_eq!(requests(dir.path(), run), expected);
        stand.end().await;
        sandbox.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fields_of_the_whole_record_are_there_beside_those_of_the_message() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let id = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
    let watch = Watch { whole: Some(true), ..Watch::default() };
    let words = "{{ t.type }} {{ t.city }} {{ t.dateUpdated is defined }}";
    let mut stand = Stand::start(dir.path(), &sandbox, &[saying("ContactUpdate", watch, words)]).await;
    tell(&stand, DeliveryFaults::default());
    by_hand(&sandbox, "contacts", Deed::Change { id, fields: fields(&[("city", "Bonn")]) });
    assert_eq!(ended(&mut stand).await.1, ["ContactUpdate Bonn true"]);
    stand.end().await;
    sandbox.stop().await;
}
