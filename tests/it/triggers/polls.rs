//! What is found by looking: once, and nothing is missed by a restart, another version or a service that is down.
use std::collections::BTreeMap;

use flowyard::engine::JournalOptions;
use flowyard::flow::{Begin, Watch};
use flowyard::journal::Journal;
use flowyard::run::Via;
use flowyard::sandbox::{Deed, Faults};
use serde_json::{Value, json};

use super::{Stand, by_hand, fields, services, waiting};

fn contacts(id: &str, event: &str) -> flowyard::flow::Flow {
    waiting(id, event, Watch::default(), BTreeMap::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_record_starts_each_flow_that_waits_once_and_what_was_there_before_none() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let event = "highlevel.poll.contact-created";
    let mut stand = Stand::start(dir.path(), &sandbox, &[contacts("a", event), contacts("b", event)]).await;
    // Two flows, one feed; whoever comes second is looked for anew.
    let (first, began) = stand.looked().await;
    assert_eq!((first.found, began.len()), (0, 0));
    let id = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada"), ("lastName", "Quill")])));
    let mut began = stand.look_until_found().await;
    began.sort_by(|a, b| a.flow.cmp(&b.flow));
    let told: Vec<_> = began.iter().map(|it| (it.flow.as_str(), it.payload["id"].as_str().unwrap_or_default())).collect();
    assert_eq!(told, [("a", &*id), ("b", &*id)]);
    assert!(began.iter().all(|it| it.cause.via == Via::Poll && it.cause.record == id));
    for _ in 0..2 {
        stand.engine.look();
        assert_eq!(stand.looked().await.0.found, 0);
    }
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_while_nobody_runs_is_found_after_the_next_start_and_by_the_next_version() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let mut flow = contacts("a", "highlevel.poll.contact-changed");
    let mut stand = Stand::start(dir.path(), &sandbox, std::slice::from_ref(&flow)).await;
    stand.looked().await;
    let id = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
    assert_eq!(stand.look_until_found().await.len(), 1);
    stand.end().await;
    // While nothing runs.
    by_hand(&sandbox, "contacts", Deed::Change { id: id.clone(), fields: fields(&[("city", "Aachen")]) });
    flow.description = "Another version".to_owned();
    flow.nodes.remove(&"say".into());
    flow.edges.clear();
    let mut stand = Stand::start(dir.path(), &sandbox, std::slice::from_ref(&flow)).await;
    let began = loop {
        let (look, began) = stand.looked().await;
        if look.found > 0 {
            break began;
        }
        stand.engine.look();
    };
    assert_eq!((began.len(), &began[0].payload["city"]), (1, &json!("Aachen")));
    // Published once more: nothing comes again.
    stand.deploy(&flow).await;
    stand.engine.look();
    assert_eq!(stand.looked().await.0.found, 0);
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_down_loses_nothing_and_is_told_of() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let mut stand = Stand::start(dir.path(), &sandbox, &[contacts("a", "highlevel.poll.contact-created")]).await;
    stand.looked().await;
    sandbox.set_faults(Faults { server_error: 1.0, ..Faults::default() });
    by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
    stand.engine.look();
    let (look, began) = stand.looked().await;
    assert!(look.failure.is_some() && began.is_empty());
    sandbox.set_faults(Faults::default());
    assert_eq!(stand.look_until_found().await.len(), 1);
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_calendar_without_times_of_change_is_compared_with_the_last_look() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let flows = [
        contacts("new", "schedule_it.poll.event-created"),
        contacts("changed", "schedule_it.poll.event-changed"),
        contacts("gone", "schedule_it.poll.event-deleted"),
    ];
    let mut stand = Stand::start(dir.path(), &sandbox, &flows).await;
    for _ in 0..3 {
        assert_eq!(stand.looked().await.0.found, 0);
    }
    let of = |record: &Value| record["id"].as_str().expect("an id").to_owned();
    let known = of(&sandbox.records("events")[0]);
    let rounds = [
        (Deed::Change { id: known.clone(), fields: fields(&[("notes", "Bring the keys")]) }, vec!["changed"]),
        (Deed::Change { id: known.clone(), fields: fields(&[("notes", "")]) }, vec!["changed"]),
        (Deed::Change { id: known.clone(), fields: fields(&[("notes", "Bring the keys")]) }, vec!["changed"]),
        (Deed::Remove { id: known.clone() }, vec!["gone"]),
    ];
    for (deed, expected) in rounds {
        by_hand(&sandbox, "events", deed);
        stand.engine.look();
        let mut began = Vec::new();
        for _ in 0..3 {
            began.extend(stand.looked().await.1);
        }
        let flows: Vec<_> = began.iter().map(|it| it.flow.as_str()).collect();
        assert_eq!(flows, expected);
        assert_eq!(of(&began[0].payload), known);
    }
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_there_before_is_made_up_for_once_where_somebody_wants_that() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let count = sandbox.count("contacts");
    let all = Watch { begin: Begin::All, ..Watch::default() };
    let flow = waiting("a", "highlevel.poll.contact-created", all, BTreeMap::new());
    let mut stand = Stand::start(dir.path(), &sandbox, std::slice::from_ref(&flow)).await;
    let (_, began) = stand.looked().await;
    assert_eq!(began.len(), count);
    stand.end().await;
    let mut stand = Stand::start(dir.path(), &sandbox, &[flow]).await;
    assert_eq!(stand.looked().await.1.len(), 0);
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_found_before_a_crash_and_not_yet_remembered_starts_no_second_run() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let flow = contacts("changed", "schedule_it.poll.event-changed");
    let mut stand = Stand::start(dir.path(), &sandbox, std::slice::from_ref(&flow)).await;
    stand.looked().await;
    stand.end().await;
    let states = |journal: &Journal| {
        let scopes = journal.reader().scopes("poll:").expect("scopes").into_iter();
        scopes.map(|it| (journal.reader().states(&it).expect("states"), it)).collect::<Vec<_>>()
    };
    let journal = Journal::open(dir.path(), JournalOptions::default()).expect("a journal");
    let before = states(&journal);
    journal.close();
    let mut stand = Stand::start(dir.path(), &sandbox, std::slice::from_ref(&flow)).await;
    stand.looked().await;
    // Looks that find nothing leave nothing behind.
    for _ in 0..3 {
        stand.engine.look();
        assert_eq!(stand.looked().await.0.found, 0);
    }
    let id = sandbox.records("events")[0]["id"].as_str().expect("an id").to_owned();
    by_hand(&sandbox, "events", Deed::Change { id, fields: fields(&[("notes", "Bring the keys")]) });
    assert_eq!(stand.look_until_found().await.len(), 1);
    stand.end().await;
    // As a crash leaves it: the run is on the disk, and nothing of the look that found it.
    let journal = Journal::open(dir.path(), JournalOptions::default()).expect("a journal");
    for (kept, scope) in &before {
        for (key, value) in kept {
            journal.put_state(scope, key, value).wait().expect("it is written");
        }
    }
    journal.close();
    let mut stand = Stand::start(dir.path(), &sandbox, &[flow]).await;
    let (look, began) = stand.looked().await;
    assert_eq!((look.found, began.len()), (1, 0), "it is found again, and is the same");
    stand.end().await;
    sandbox.stop().await;
}
