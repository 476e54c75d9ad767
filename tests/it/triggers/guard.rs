//! What a flow writes does not start it again, and what goes round all the same is stopped.
use std::collections::BTreeMap;

use flowyard::catalog::OperationId;
use flowyard::engine::Limits;
use flowyard::flow::{Binding, Edge, Flow, Mapping, Node, NodeKind, RetryPolicy, Watch};
use flowyard::run::Outcome;
use flowyard::sandbox::Deed;
use serde_json::json;

use super::{Event, Stand, by_hand, fields, services, waiting};

/// Looks for changed contacts, and calls an operation on each.
fn writing(id: &str, event: &str, operation: &str, input: &[(&str, Binding)]) -> Flow {
    let mut flow = waiting(id, event, Watch::default(), BTreeMap::new());
    let input = input.iter().map(|(key, it)| ((*key).to_owned(), it.clone())).collect();
    let kind = NodeKind::Action {
        operation: OperationId::new(operation),
        slot: "at".into(),
        input: Mapping(input),
        retry: RetryPolicy { attempts: 3, first_ms: 0, longest_ms: 0 },
    };
    flow.nodes.insert("write".into(), Node { name: "Write".to_owned(), muted: false, kind }.into());
    flow.edges.insert(Edge { from: "say".into(), port: "out".into(), to: "write".into() });
    flow
}

fn tagging(id: &str) -> Flow {
    let input = [("contactId", Binding::expr("t.id")), ("tags", Binding::value(json!(["seen"])))];
    writing(id, "highlevel.poll.contact-changed", "highlevel.contacts.add-tags", &input)
}

fn stamping(id: &str) -> Flow {
    let input = [("contactId", Binding::expr("t.id")), ("address1", Binding::text("Seen {{ t.id }}"))];
    writing(id, "highlevel.poll.contact-changed", "highlevel.contacts.update-contact", &input)
}

/// Looks until nothing more is found, and every run has ended; the flows that began, in order.
async fn settled(stand: &mut Stand, feeds: usize) -> Vec<(String, Vec<String>)> {
    let mut began = Vec::new();
    let mut quiet = 0;
    let mut running = 0_i32;
    // Twice, since lists lag behind writes.
    while quiet < 2 || running > 0 {
        stand.engine.look();
        let mut looks = 0;
        let mut found = 0;
        while looks < feeds || running > 0 {
            match stand.next().await {
                Event::Looked(look) => {
                    assert_eq!(look.failure, None);
                    looks += 1;
                    found += look.found;
                }
                Event::Ended { outcome, .. } => {
                    assert_eq!(outcome, Outcome::Succeeded);
                    running -= 1;
                }
                event => {
                    if let Some(it) = stand.began(event) {
                        running += 1;
                        began.push((it.flow, it.cause.chain.iter().map(ToString::to_string).collect()));
                    }
                }
            }
            assert!(began.len() < 20, "it goes round: {began:?}");
        }
        quiet = if found == 0 { quiet + 1 } else { 0 };
    }
    began
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_is_not_started_by_what_it_writes_itself() {
    for flow in [stamping("a"), tagging("a")] {
        let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
        let mut stand = Stand::start(dir.path(), &sandbox, &[flow]).await;
        stand.looked().await;
        let id = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
        assert_eq!(settled(&mut stand, 1).await, [("a".to_owned(), Vec::new())]);
        // What somebody else changes starts it again.
        by_hand(&sandbox, "contacts", Deed::Change { id, fields: fields(&[("city", "Aachen")]) });
        assert_eq!(settled(&mut stand, 1).await, [("a".to_owned(), Vec::new())]);
        stand.end().await;
        sandbox.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_flows_that_answer_each_other_come_to_an_end() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let mut stand = Stand::start(dir.path(), &sandbox, &[stamping("a"), tagging("b")]).await;
    stand.looked().await;
    by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
    let began = settled(&mut stand, 1).await;
    // Both by the change itself, and each at most once more by the other's write.
    assert!((2..=4).contains(&began.len()), "{began:?}");
    assert!(began.iter().all(|(flow, chain)| !chain.contains(flow)), "{began:?}");
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_starts_a_flow_too_often_is_stopped_with_words_and_nothing_is_lost() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let mut limits = Limits::default();
    limits.storm.starts = 3;
    let flow = waiting("a", "highlevel.poll.contact-changed", Watch::default(), BTreeMap::new());
    let mut stand = Stand::start_with(dir.path(), &sandbox, &[flow], limits).await;
    stand.looked().await;
    let mut troubles = stand.engine.troubles();
    let id = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
    let mut outcomes = Vec::new();
    for round in 0..5 {
        if round > 0 {
            let city = format!("City {round}");
            by_hand(&sandbox, "contacts", Deed::Change { id: id.clone(), fields: fields(&[("city", &city)]) });
        }
        stand.engine.look();
        let outcome = loop {
            match stand.next().await {
                Event::Ended { outcome, .. } => break outcome,
                Event::Looked(look) if look.found == 0 => stand.engine.look(),
                _ => {}
            }
        };
        outcomes.push(outcome);
    }
    assert!(outcomes[..3].iter().all(|it| *it == Outcome::Succeeded), "{outcomes:?}");
    for outcome in &outcomes[3..] {
        let Outcome::Failed(failure) = outcome else { panic!("it is stopped: {outcome:?}") };
        assert!(failure.title.contains("was started 3 times within 30 minutes") && failure.at == id, "{failure}");
    }
    assert!(troubles.recv().await.expect("a trouble").title.contains("was started 3 times"));
    assert!(troubles.try_recv().is_err(), "it is said once");
    stand.end().await;
    sandbox.stop().await;
}
