//! One change that several messages tell, in any order, doubled, and over a restart: it starts a trigger once.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use flowyard::catalog::OperationId;
use flowyard::flow::{Flow, Node, NodeId, NodeKind, Trigger, Watch};
use flowyard::journal::{Filter, Journal};
use flowyard::sandbox::{Deed, DeliveryFaults};
use serde_json::{Value, json};

use super::messages::{attempts, tell};
use super::{Began, Stand, by_hand, fields, services, waiting};

/// Waits for these messages about opportunities, all for the same step.
fn hearing(id: &str, events: &[&str], watch: &Watch) -> Flow {
    let event = |name: &str| OperationId::new(&format!("highlevel.webhook.Opportunity{name}"));
    let mut flow = waiting(id, event(events[0]).as_str(), watch.clone(), BTreeMap::new());
    let first = Arc::clone(&flow.nodes[&NodeId::new("t")]);
    let edge = flow.edges.iter().find(|it| it.from.as_str() == "t").expect("an edge").clone();
    for name in &events[1..] {
        let node = NodeId::new(name.to_lowercase());
        let mut trigger = Node::clone(&first);
        if let NodeKind::Trigger(Trigger::Event { event: of, .. }) = &mut trigger.kind {
            *of = event(name);
        }
        flow.nodes.insert(node.clone(), Arc::new(trigger));
        let mut edge = edge.clone();
        edge.from = node;
        flow.edges.insert(edge);
    }
    flow
}

/// Begins last.
fn last() -> Flow {
    waiting("last", "highlevel.webhook.ContactCreate", Watch::default(), BTreeMap::new())
}

/// Does something to an opportunity as another program does.
async fn ask(stand: &Stand, method: &str, path: &str, body: &Value) -> Value {
    let access = &stand.sandbox.access().highlevel;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let request = client.request(method, format!("{}/opportunities/{path}", access.base_url)).bearer_auth(&access.token);
    let answer = request.header("Version", "2021-07-28").json(body).send().await.expect("an answer");
    let (status, body) = (answer.status(), answer.json::<Value>().await.expect("JSON"));
    assert!(status.is_success(), "{status}: {body}");
    body
}

/// Who began until nothing more can come of so many messages.
async fn began(stand: &mut Stand, messages: u64) -> Vec<Began> {
    attempts(stand, messages).await;
    by_hand(&stand.sandbox, "contacts", Deed::Add(fields(&[("firstName", "Last")])));
    let mut all = Vec::new();
    loop {
        let began = stand.run().await;
        if began.flow == "last" {
            return all;
        }
        all.push(began);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_change_that_two_messages_tell_starts_a_trigger_once_in_either_order() {
    for reordered in [0.0, 1.0] {
        let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
        let watch = Watch::default();
        let flows = [
            hearing("general", &["Update"], &watch),
            hearing("own", &["StatusUpdate"], &watch),
            // Several triggers for one step.
            hearing("several", &["Update", "StatusUpdate", "StageUpdate"], &watch),
            last(),
        ];
        let mut stand = Stand::start(dir.path(), &sandbox, &flows).await;
        tell(&stand, DeliveryFaults { reordered, doubled: 0.5, random: 7, ..DeliveryFaults::default() });
        let id = sandbox.records("opportunities")[0]["id"].as_str().expect("an id").to_owned();
        for status in ["won", "lost"] {
            ask(&stand, "PUT", &format!("{id}/status"), &json!({ "status": status })).await;
        }
        let began = began(&mut stand, 4).await;
        for flow in ["general", "own", "several"] {
            let of: Vec<_> = began.iter().filter(|it| it.flow == flow).collect();
            let statuses: BTreeSet<_> = of.iter().map(|it| it.payload["status"].as_str().expect("a status")).collect();
            assert_eq!((of.len(), statuses), (2, BTreeSet::from(["lost", "won"])), "{flow}, {reordered}");
            assert!(of.iter().all(|it| it.cause.record == id));
        }
        assert!(sandbox.attempts().iter().all(|it| it.status == Some(200)));
        stand.end().await;
        sandbox.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_message_of_a_change_starts_nothing_after_a_restart_and_another_change_does() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let flows = [hearing("general", &["Update"], &Watch::default()), last()];
    let emit = |name: &str, value: u64| {
        let own = json!({ "id": "o1", "monetaryValue": value }).as_object().cloned().expect("fields");
        sandbox.emit(&OperationId::new(&format!("highlevel.webhook.Opportunity{name}")), own).expect("an event");
    };
    let mut stand = Stand::start(dir.path(), &sandbox, &flows).await;
    tell(&stand, DeliveryFaults::default());
    emit("Update", 1);
    assert_eq!(stand.run().await.payload["type"], "OpportunityUpdate");
    attempts(&stand, 1).await;
    stand.end().await;

    let mut stand = Stand::start(dir.path(), &sandbox, &flows).await;
    tell(&stand, DeliveryFaults::default());
    emit("MonetaryValueUpdate", 1);
    emit("MonetaryValueUpdate", 2);
    emit("Update", 2);
    let began = began(&mut stand, 4).await;
    let told: Vec<_> = began.iter().map(|it| (&it.payload["type"], &it.payload["monetaryValue"])).collect();
    assert_eq!(told, [(&json!("OpportunityMonetaryValueUpdate"), &json!(2))]);
    stand.end().await;
    sandbox.stop().await;
}

/// How often each flow was started, and whether by messages alone.
fn started(data: &Path) -> (BTreeMap<String, usize>, bool) {
    let reader = Journal::open_reader(data).expect("a journal");
    let (mut counts, mut told) = (BTreeMap::new(), true);
    for head in reader.runs(&Filter { limit: 1_000, ..Filter::default() }).expect("runs") {
        *counts.entry(head.flow.to_string()).or_default() += 1;
        told &= head.delivery.is_some_and(|it| it.starts_with("event:"));
    }
    (counts, told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_or_removed_is_not_told_as_changed_and_no_look_finds_what_a_pair_told() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let (once, look) = (Watch::default(), Watch { reconcile: true, ..Watch::default() });
    let flows = [
        hearing("made", &["Create"], &once),
        hearing("gone", &["Delete"], &once),
        hearing("changed", &["Update"], &look),
        last(),
    ];
    let mut stand = Stand::start(dir.path(), &sandbox, &flows).await;
    stand.looked().await;
    tell(&stand, DeliveryFaults::default());
    let known = sandbox.records("opportunities")[0].clone();
    let mut body = json!({ "name": "Roof", "status": "open" });
    for key in ["pipelineId", "pipelineStageId", "contactId", "locationId"] {
        body[key] = known[key].clone();
    }
    let made = ask(&stand, "POST", "", &body).await;
    let id = made["opportunity"]["id"].as_str().expect("an id");
    ask(&stand, "PUT", &format!("{id}/status"), &json!({ "status": "won" })).await;
    attempts(&stand, 4).await;
    for _ in 0..3 {
        stand.engine.look();
        assert_eq!(stand.looked().await.0.failure, None);
    }
    ask(&stand, "DELETE", id, &Value::Null).await;
    began(&mut stand, 6).await;
    stand.end().await;
    let expected = ["changed", "gone", "last", "made"].map(|it| (it.to_owned(), 1));
    assert_eq!(started(dir.path()), (BTreeMap::from(expected), true));
    sandbox.stop().await;
}
