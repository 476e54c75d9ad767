//! What a service tells by itself: only what it has signed, each once, and answered when it is on the disk.
use std::collections::BTreeMap;

use flowyard::flow::Watch;
use flowyard::run::Via;
use flowyard::sandbox::{Deed, Delivery, DeliveryFaults};

use super::{PATIENCE, Stand, by_hand, fields, services, waiting};

/// The sandbox tells the engine of what happens.
pub(super) fn tell(stand: &Stand, faults: DeliveryFaults) {
    let url = format!("http://{}/events/highlevel", stand.engine.address().expect("an address"));
    stand.sandbox.set_delivery(Delivery { url: Some(url), attempts: 3, apart_ms: 5, faults });
}

/// Waits until the sandbox has made so many attempts; their statuses, the oldest first.
pub(super) async fn attempts(stand: &Stand, count: u64) -> Vec<Option<u16>> {
    let made = async {
        while stand.sandbox.attempts_made() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, made).await.expect("nothing is sent");
    stand.sandbox.attempts().iter().map(|it| it.status).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_starts_the_flows_that_wait_for_it_and_no_others() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let flow = |id: &str, event: &str| waiting(id, event, Watch::default(), BTreeMap::new());
    let flows = [flow("made", "highlevel.webhook.ContactCreate"), flow("gone", "highlevel.webhook.ContactDelete")];
    let mut stand = Stand::start(dir.path(), &sandbox, &flows).await;
    tell(&stand, DeliveryFaults::default());
    let id = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
    let began = stand.run().await;
    assert_eq!((began.flow.as_str(), began.payload["id"].as_str()), ("made", Some(&*id)));
    assert_eq!((began.cause.via, began.cause.record.as_str()), (Via::Notice, &*id));
    by_hand(&sandbox, "contacts", Deed::Remove { id: id.clone() });
    let began = stand.run().await;
    assert_eq!((began.flow.as_str(), began.cause.record.as_str()), ("gone", &*id));
    assert_eq!(attempts(&stand, 2).await, [Some(200), Some(200)]);
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_sent_twice_starts_one_run() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let flow = waiting("made", "highlevel.webhook.ContactCreate", Watch::default(), BTreeMap::new());
    let mut stand = Stand::start(dir.path(), &sandbox, &[flow]).await;
    tell(&stand, DeliveryFaults { doubled: 1.0, ..DeliveryFaults::default() });
    let first = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
    let second = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Bo")])));
    assert_eq!(attempts(&stand, 4).await, [Some(200); 4]);
    let began = [stand.run().await, stand.run().await];
    let records: Vec<_> = began.iter().map(|it| it.cause.record.as_str()).collect();
    assert_eq!(records, [&*first, &*second]);
    assert!(began[0].run < began[1].run);
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_service_has_not_signed_is_refused() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let flow = waiting("made", "highlevel.webhook.ContactCreate", Watch::default(), BTreeMap::new());
    let mut stand = Stand::start(dir.path(), &sandbox, &[flow]).await;
    let mut sent = 0;
    for faults in [
        DeliveryFaults { forged: 1.0, ..DeliveryFaults::default() },
        DeliveryFaults { unsigned: 1.0, ..DeliveryFaults::default() },
    ] {
        tell(&stand, faults);
        by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Mallory")])));
        sent += 1;
        let statuses = attempts(&stand, sent).await;
        assert_eq!(statuses.last(), Some(&Some(401)));
        // What is refused is sent again, as often as was said.
        let all = attempts(&stand, sent + 3).await;
        assert!(all[sent as usize..].iter().all(|it| *it == Some(401)), "{all:?}");
        sent += 3;
    }
    tell(&stand, DeliveryFaults::default());
    by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
    assert_eq!(stand.run().await.payload["firstName"], "Ada", "nothing that was forged began a run");
    stand.end().await;
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_told_is_looked_for_and_nothing_comes_both_ways() {
    let (dir, sandbox) = (tempfile::tempdir().expect("a directory"), services().await);
    let watch = Watch { reconcile: true, ..Watch::default() };
    let flows = [
        waiting("made", "highlevel.webhook.ContactCreate", watch.clone(), BTreeMap::new()),
        waiting("changed", "highlevel.webhook.ContactUpdate", watch, BTreeMap::new()),
    ];
    let mut stand = Stand::start(dir.path(), &sandbox, &flows).await;
    let mut looked = 0;
    while looked < 2 {
        looked += usize::from(matches!(stand.next().await, super::Event::Looked(_)));
    }
    tell(&stand, DeliveryFaults::default());
    let told = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Ada")])));
    let began = stand.run().await;
    assert_eq!((began.flow.as_str(), began.cause.via), ("made", Via::Notice));
    tell(&stand, DeliveryFaults { lost: 1.0, ..DeliveryFaults::default() });
    let lost = by_hand(&sandbox, "contacts", Deed::Add(fields(&[("firstName", "Bo"), ("city", "Aachen")])));
    by_hand(&sandbox, "contacts", Deed::Change { id: told.clone(), fields: fields(&[("city", "Bonn")]) });
    let mut began = Vec::new();
    // Lists lag behind what was written; what is found once is not found again.
    for _ in 0..20 {
        stand.engine.look();
        for _ in 0..2 {
            began.extend(stand.looked().await.1);
        }
    }
    let mut told_of: Vec<_> = began.iter().map(|it| (it.flow.as_str(), it.cause.record.as_str(), it.cause.via)).collect();
    told_of.sort_by_key(|it| it.0);
    // One that was only made has not changed.
    let expected = [("changed", &*told, Via::Reconcile), ("made", &*lost, Via::Reconcile)];
    assert_eq!(told_of, expected);
    let made = began.iter().find(|it| it.flow == "made").expect("it was made");
    assert_eq!((&made.payload["type"], &made.payload["firstName"]), (&"ContactCreate".into(), &"Bo".into()));
    assert_eq!(made.payload["locationId"], stand.sandbox.access().highlevel.location_id.as_str());
    stand.end().await;
    sandbox.stop().await;
}
