//! What a service tells by itself: only what it has signed, each once, and answered when it is on the disk.
use std::collections::BTreeMap;

use flowyard::flow::Watch;
use flowyard::run::Via;
use flowyard::sandbox::{Deed, Delivery, DeliveryFaults};

use super::{PATIENCE, Stand, by_hand, fields, services, waiting};

/// The sandbox tells the engine of what happens.
fn tell(stand: &Stand, faults: DeliveryFaults) {
    let url = format!("http://{}/events/highlevel", stand.engine.address().expect("an address"));
    stand.sandbox.set_delivery(Delivery { url: Some(url), attempts: 3, apart_ms: 5, faults });
}

/// Waits until the sandbox has made so many attempts; their statuses, the oldest first.
async fn attempts(stand: &Stand, count: u64) -> Vec<Option<u16>> {
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
